/*
** access: who may see and do what, and the query builder. Private prototypes, seen by sync and the front door.
*/
#ifndef LEDGER_ACCESS_H
#define LEDGER_ACCESS_H

/* ---- policy.c: row-level security and privileges of a caller's role, as SQL for the query builder. Texts live in the catalog's or
** the call's arena. */

enum policy_verb { POLICY_SELECT, POLICY_INSERT, POLICY_UPDATE, POLICY_DELETE };

/* The caller of the statements of this call: what the claims' functions read, and who acts for the audit trail. NULL: the owner. */
LEDGER_PRIVATE int policy_enter(ledger *db, const ledger_caller *caller);
LEDGER_PRIVATE void policy_leave(ledger *db);
/* May the caller do that at all? FORBIDDEN "permission denied for table x"; also a view that is not for the role. */
LEDGER_PRIVATE int policy_privilege(ledger *db, const struct relation *relation, enum policy_verb verb);
/* What stands behind FROM for the relation: main."t", or for a view that asks as its caller its SELECT in parentheses. */
LEDGER_PRIVATE int policy_source(ledger *db, const struct relation *relation, const char **sql);
/*
** Which rows the caller may see (SELECT), change (UPDATE) or delete: a condition over "stored_name"."column" and bare column names,
** valid where the table stands in FROM under its own stored name and innermost; *sql NULL: all of them. Tables in its
** subqueries have the caller's SELECT policies in them. Terms that no column takes part in were evaluated already.
** INVALID_DEFINITION "infinite recursion detected in policy for relation".
*/
LEDGER_PRIVATE int policy_using(ledger *db, const struct relation *relation, enum policy_verb verb, const char **sql);
/* What a new row (INSERT, UPDATE) has to fulfil, likewise; NULL: nothing. */
LEDGER_PRIVATE int policy_check(ledger *db, const struct relation *relation, enum policy_verb verb, const char **sql);
/* "new row violates row-level security policy for table "x"" */
LEDGER_PRIVATE int policy_violated(ledger *db, const struct relation *relation);
LEDGER_PRIVATE int policy_list(ledger *db, ledger_rows **out); /* ledger_policies() */

/* ---- query_*.c: a PostgREST query string over a table or view, parsed into a tree, typed, planned, bound */

#include "query.h"

/* As ledger_select() describes it. */
LEDGER_PRIVATE int query_select(ledger *db, const char *table, const char *query, ledger_rows **out);
/* ledger_ask(), between connection_enter() and the answer's error being filled in. */
LEDGER_PRIVATE int query_ask(ledger *db, const ledger_query *query, ledger_answer *answer);

/* ---- group.c, call.c, describe.c */

LEDGER_PRIVATE int call_function(ledger *db, const ledger_call_request *call, ledger_answer *answer);
LEDGER_PRIVATE int describe_catalog(ledger *db, const ledger_caller *caller, char **json);

#endif
