/*
** policy.h: what policy.c and policy_rule.c share.
*/
#ifndef LEDGER_POLICY_H
#define LEDGER_POLICY_H

#define POLICY_VERBS 4 /* enum policy_verb */

enum policy_part { POLICY_USING, POLICY_CHECK, POLICY_PARTS };

struct policy_term; /* policy_rule.c */
struct policy_rule;

struct policy_role { /* of a catalog, and in its arena */
  struct policy_role *next;
  const char *name;
  bool bypasses; /* row-level security */
  struct policy_term *terms;
  struct policy_rule **rules; /* by relation, verb and part; made on first use */
  struct policy_term **views; /* by relation: the SELECT of one that asks as its caller */
};

/* Zeroed memory that lives as long as the catalog. NULL after an error. */
LEDGER_PRIVATE void *policy_alloc(ledger *db, size_t count, size_t size);
/* The caller's role in the present catalog; *out NULL: the owner asks. */
LEDGER_PRIVATE int policy_role_of(ledger *db, struct policy_role **out);
/* Has the role the privilege PRIVILEGE_*, and the refusal when it has not. */
LEDGER_PRIVATE bool policy_is_granted(const ledger *db, const struct policy_role *role, const struct relation *relation,
                                      int letter);
LEDGER_PRIVATE int policy_denied(ledger *db, const struct relation *relation);

#endif
