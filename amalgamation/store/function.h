/*
** The SQL functions and collations that translated expressions call. Named pg_ + the name of PostgreSQL's own C function
** (pg_proc.prosrc: numeric_add -> pg_numeric_add), on values in their stored form, NULL in any argument gives NULL unless
** PostgreSQL's function is not strict. One file per family registers them from one table:
**   function_numbers.c, function_documents.c, function_moments.c, function_strings.c, function_session.c
** The files are used by the library and, without a ledger handle, by the loadable extension.
*/
#ifndef LEDGER_FUNCTION_H
#define LEDGER_FUNCTION_H

/* What functions ask about the connection: the user data of every function. Lives as long as the connection. */
struct function_session {
  int64_t now_us;     /* now(): the transaction's start, microseconds since 1970; 0: not in a transaction, take the clock */
  const char *claims; /* current_setting('request.jwt.claims'): JSON, or NULL; set by function_session_claims() */
  const char *role;   /* current_user; NULL: the claim "role", as auth.role() has it */
  char uid[37];       /* auth.uid(), once it was asked for; "" else */
  void *owner;        /* for nextval(): the ledger handle; in the extension the sqlite3 */
  int (*nextval)(void *owner, const char *sequence, int64_t *value, ledger_error *error);
  struct arena arena; /* scratch; emptied by function_arena() */
};

/* One row of a family's table. call gets the session from sqlite3_user_data(context). */
struct function_row {
  const char *name;
  int arguments; /* -1: any number */
  int flags;     /* FUNCTION_* */
  void (*call)(sqlite3_context *context, int count, sqlite3_value **values);
  void (*final)(sqlite3_context *context); /* aggregates: call is the step */
};
enum {
  FUNCTION_STRICT = 1,   /* documentation and check: a NULL argument gives NULL */
  FUNCTION_VOLATILE = 2, /* not SQLITE_DETERMINISTIC */
  FUNCTION_AGGREGATE = 4
};
/* Registers rows (SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS). Returns a SQLite code. */
LEDGER_PRIVATE int function_register(sqlite3 *db, struct function_session *session, const struct function_row *rows,
                                     size_t count);
/* All families and collations. */
LEDGER_PRIVATE int function_register_all(sqlite3 *db, struct function_session *session);
LEDGER_PRIVATE int function_numbers_register(sqlite3 *db, struct function_session *session);
LEDGER_PRIVATE int function_decimal_register(sqlite3 *db,
                                             struct function_session *session); /* of the numbers: numeric, pg_decimal */
LEDGER_PRIVATE int function_sums_register(sqlite3 *db, struct function_session *session); /* of the numbers: aggregates */
LEDGER_PRIVATE int
function_choose_register(sqlite3 *db, struct function_session *session); /* of the numbers: aggregates that pick a value */
LEDGER_PRIVATE int function_documents_register(sqlite3 *db, struct function_session *session);
LEDGER_PRIVATE int function_moments_register(sqlite3 *db, struct function_session *session);
LEDGER_PRIVATE int function_build_register(sqlite3 *db,
                                           struct function_session *session); /* of the documents: those that make them */
LEDGER_PRIVATE int function_arrays_register(sqlite3 *db, struct function_session *session); /* of the documents: arrays */
LEDGER_PRIVATE int function_slices_register(sqlite3 *db,
                                            struct function_session *session); /* of the documents: parts of arrays */
LEDGER_PRIVATE int function_strings_register(sqlite3 *db, struct function_session *session);
LEDGER_PRIVATE int function_patterns_register(sqlite3 *db,
                                              struct function_session *session); /* of the strings: LIKE, regexp_* */
LEDGER_PRIVATE int function_network_register(sqlite3 *db, struct function_session *session); /* of the strings: inet, cidr */
LEDGER_PRIVATE int function_bytes_register(sqlite3 *db,
                                           struct function_session *session); /* of the strings: bytea, encodings */
LEDGER_PRIVATE int function_session_register(
    sqlite3 *db, struct function_session *session); /* pg_now, pg_uuid, pg_nextval, pg_input, pg_output, pg_raise, auth */

/* Whose request runs from now on; borrowed until the next call of it. */
LEDGER_PRIVATE void function_session_claims(struct function_session *session, const char *role, const char *claims);

/* Ends a call with an error: the message is "22003: numeric field overflow"; store/ takes the SQLSTATE off again. */
LEDGER_PRIVATE void function_fail(sqlite3_context *context, const ledger_error *error);
LEDGER_PRIVATE void function_refuse(sqlite3_context *context, int code, const char *message);
/* Sets a stored value as the result (text copied). */
LEDGER_PRIVATE void function_result(sqlite3_context *context, const struct value *value);
/* Sets a computed float as the result; NaN is an error. */
LEDGER_PRIVATE void function_result_real(sqlite3_context *context, enum type_id id, double real);
LEDGER_PRIVATE double function_integer_to_real(enum type_id id, int64_t integer);
/* A numeric or number argument, read for arithmetic. false: the result is set, to NULL or an error. */
LEDGER_PRIVATE bool function_integer(sqlite3_context *context, sqlite3_value *value, int64_t *out);
LEDGER_PRIVATE bool function_real(sqlite3_context *context, sqlite3_value *value, double *out);
LEDGER_PRIVATE bool function_decimal(sqlite3_context *context, struct arena *arena, sqlite3_value *value, struct decimal *out);
/* Ends a call: with the text that was built if rc is LEDGER_OK, else with the error. Frees the builder. */
LEDGER_PRIVATE void function_finish(sqlite3_context *context, sqlite3_str *built, int rc, const ledger_error *error);
/* The type that an argument names; an unknown name is an enum's, whose values are text here. false: the result is set.
** function_type() remembers it as argument `index`, for functions that are no aggregates. */
LEDGER_PRIVATE bool function_type_named(sqlite3_context *context, sqlite3_value *value, struct type *out);
LEDGER_PRIVATE bool function_type(sqlite3_context *context, int index, sqlite3_value *value, struct type *out);
/* The argument as text whatever it is, VALUE_NULL with an empty text for NULL; borrowed until the call returns. */
LEDGER_PRIVATE struct value function_text(sqlite3_value *value);
/* Is an argument NULL? */
LEDGER_PRIVATE bool function_has_null(int count, sqlite3_value **values);
/* The argument as a stored value, borrowed until the call returns. */
LEDGER_PRIVATE struct value function_argument(sqlite3_value *value);
/* A call of a strict function, see function_run(). */
#define FUNCTION_CALL_MAX 7
struct function_call {
  sqlite3_context *context;
  int count;
  struct value arguments[FUNCTION_CALL_MAX];
  struct arena *arena;
  sqlite3_str *out; /* the result, if it is text or bytea */
  int64_t integer;  /* the result, if it is an integer or boolean */
  bool is_null;     /* the result is NULL */
  ledger_error error;
};
/* Runs `body`, which answers LEDGER_OK or an error left in call->error, unless an argument is NULL. The signature has a
** letter for the result and one for each argument: t text, b bytea, i integer, smallint or
** boolean (others are refused with 22003), l bigint. */
LEDGER_PRIVATE void function_run(sqlite3_context *context, int count, sqlite3_value **values, const char *signature,
                                 int (*body)(struct function_call *call));
/* The session's scratch arena, emptied: ask for it once in a call, at the start. */
LEDGER_PRIVATE struct arena *function_arena(sqlite3_context *context);
LEDGER_PRIVATE struct function_session *function_session_of(sqlite3_context *context);

#endif
