/*
** function.c: what the families of SQL functions share: registering from tables, arguments,
** results, errors.
*/
#include "../internal.h"

LEDGER_PRIVATE int function_register(sqlite3 *db, struct function_session *session,
                                     const struct function_row *rows, size_t count) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
    const struct function_row *row = &rows[i];
    int flags = SQLITE_UTF8 | SQLITE_INNOCUOUS;
    if ((row->flags & FUNCTION_VOLATILE) == 0) flags |= SQLITE_DETERMINISTIC;
    if (row->flags & FUNCTION_AGGREGATE) {
      rc = sqlite3_create_function_v2(db, row->name, row->arguments, flags, session, NULL,
                                      row->call, row->final, NULL);
    } else {
      rc = sqlite3_create_function_v2(db, row->name, row->arguments, flags, session, row->call,
                                      NULL, NULL, NULL);
    }
  }
  return rc;
}

LEDGER_PRIVATE int function_register_all(sqlite3 *db, struct function_session *session) {
  int rc = function_numbers_register(db, session);
  if (rc == SQLITE_OK) rc = function_documents_register(db, session);
  if (rc == SQLITE_OK) rc = function_moments_register(db, session);
  if (rc == SQLITE_OK) rc = function_strings_register(db, session);
  if (rc == SQLITE_OK) rc = function_session_register(db, session);
  return rc;
}

LEDGER_PRIVATE void function_fail(sqlite3_context *context, const ledger_error *error) {
  if (error->code == LEDGER_MEMORY) {
    sqlite3_result_error_nomem(context);
    return;
  }
  char message[sizeof error->sqlstate + sizeof error->message + 2];
  sqlite3_snprintf((int)sizeof message, message, "%s: %s", error->sqlstate, error->message);
  sqlite3_result_error(context, message, -1);
}

LEDGER_PRIVATE void function_refuse(sqlite3_context *context, int code, const char *message) {
  ledger_error error;
  error_set(&error, code, "%s", message);
  function_fail(context, &error);
}

LEDGER_PRIVATE void function_result(sqlite3_context *context, const struct value *value) {
  switch (value->kind) {
  case VALUE_NULL: sqlite3_result_null(context); break;
  case VALUE_INTEGER: sqlite3_result_int64(context, value->integer); break;
  case VALUE_REAL: sqlite3_result_double(context, value->real); break;
  case VALUE_TEXT:
    sqlite3_result_text64(context, value->text, value->length, SQLITE_TRANSIENT, SQLITE_UTF8);
    break;
  case VALUE_BLOB:
    if (value->length == 0) {
      sqlite3_result_zeroblob(context, 0); /* a NULL pointer would make it NULL */
    } else {
      sqlite3_result_blob64(context, value->text, value->length, SQLITE_TRANSIENT);
    }
    break;
  }
}

LEDGER_PRIVATE struct value function_argument(sqlite3_value *value) {
  struct value out = {.kind = VALUE_NULL};
  switch (sqlite3_value_type(value)) {
  case SQLITE_INTEGER:
    out.kind = VALUE_INTEGER;
    out.integer = sqlite3_value_int64(value);
    break;
  case SQLITE_FLOAT:
    out.kind = VALUE_REAL;
    out.real = sqlite3_value_double(value);
    break;
  case SQLITE_TEXT:
    out.text = (const char *)sqlite3_value_text(value);
    out.length = (size_t)sqlite3_value_bytes(value);
    /* No text: memory is short, SQLite knows it and fails the statement whatever the function
    ** answers. */
    out.kind = out.text == NULL ? VALUE_NULL : VALUE_TEXT;
    break;
  case SQLITE_BLOB:
    out.kind = VALUE_BLOB;
    out.text = sqlite3_value_blob(value);
    out.length = (size_t)sqlite3_value_bytes(value);
    if (out.text == NULL) out.text = ""; /* an empty one */
    break;
  default: break;
  }
  return out;
}

LEDGER_PRIVATE struct function_session *function_session_of(sqlite3_context *context) {
  return sqlite3_user_data(context);
}

LEDGER_PRIVATE struct arena *function_arena(sqlite3_context *context) {
  struct arena *arena = &function_session_of(context)->arena;
  arena_reset(arena);
  return arena;
}
