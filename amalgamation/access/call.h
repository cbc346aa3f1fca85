/*
** call.h: what call.c and call_read.c share.
*/
#ifndef LEDGER_CALL_H
#define LEDGER_CALL_H

#define CALL_ARGUMENT_MAX 64 /* arguments of one call */

struct call_parameter {
  const char *name, *meaning;
  bool is_required;
};

struct call_argument {
  const char *name;
  const char *text;      /* a string's text, any other value as it is written; NULL: null */
  enum json_token token; /* of the value */
};

struct call;

struct call_function {
  const char *name, *comment;
  int kind;                  /* of the operation; -1: one that only reads */
  int (*read)(struct call *call); /* or NULL */
  int parameter_count;
  const struct call_parameter *parameters;
};

struct call {
  ledger *db;
  const ledger_call_request *asked;
  ledger_answer *answer;
  const struct call_function *function;
  bool is_privileged; /* may do and see everything: the owner, service_role, an administrator */
  bool has_entered;   /* policy_enter() was called */
  char user_id[37];   /* who asks; "" for nobody in particular */
  struct arena arena; /* the book empties the handle's */
  const char *arguments; /* the object's text, from its brace on */
  size_t arguments_length;
  int count;
  struct call_argument given[CALL_ARGUMENT_MAX];
};

/* The functions that only read, and whether one is not for users; call_read.c. */
LEDGER_PRIVATE const struct call_function *call_read_functions(int *count);
LEDGER_PRIVATE bool call_read_is_privileged(const struct call_function *function);
/* Appends the objects of the functions that the caller may call, with commas; within a transaction, after policy_enter(). */
LEDGER_PRIVATE int call_describe(ledger *db, const ledger_caller *caller, sqlite3_str *out);

/* The text of an argument, NULL where it is not given or null. */
LEDGER_PRIVATE const char *call_text(const struct call *call, const char *name);
LEDGER_PRIVATE bool call_flag(const struct call *call, const char *name);
/* Is the account the caller's own, or anybody's for who is privileged? UNKNOWN_ACCOUNT, as for one that there is not. */
LEDGER_PRIVATE int call_own_account(struct call *call, const char *name);
/* "permission denied for function x" */
LEDGER_PRIVATE int call_denied(struct call *call);
/* Ends the text that was built, and makes it the answer. */
LEDGER_PRIVATE int call_answer(struct call *call, sqlite3_str *text, int64_t rows);

#endif
