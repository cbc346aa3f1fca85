/*
** function_call.c: the frame of a strict SQL function whose arguments and result have fixed types:
** arguments are checked, the body sees them as stored values, and its result or error is handed to
** SQLite.
*/
#include "../internal.h"
#include "function.h"

static bool function_call_argument(struct function_call *call, int i, char kind,
                                   sqlite3_value *given) {
  call->arguments[i] = function_argument(given);
  enum value_kind found = call->arguments[i].kind;
  if (found == VALUE_NULL) return false;
  bool is_number = kind == 'i' || kind == 'l';
  int64_t integer = call->arguments[i].integer;
  enum value_kind wanted = is_number ? VALUE_INTEGER : kind == 'b' ? VALUE_BLOB : VALUE_TEXT;
  bool fits = kind != 'i' || (integer >= INT32_MIN && integer <= INT32_MAX);
  if (found == wanted && fits) return true;
  /* Only a foreign writer can have stored it. */
  if (found == wanted) {
    error_set(&call->error, LEDGER_OUT_OF_RANGE, "integer out of range");
  } else {
    error_set(&call->error, LEDGER_DATATYPE_MISMATCH, "a value that is not of type %s",
              kind == 'i'   ? "integer"
              : kind == 'l' ? "bigint"
              : kind == 'b' ? "bytea"
                            : "text");
  }
  function_fail(call->context, &call->error);
  return false;
}

static void function_call_result(struct function_call *call, char kind) {
  if (call->is_null) return;
  if (kind == 'i') {
    sqlite3_result_int64(call->context, call->integer);
    return;
  }
  int rc = sqlite3_str_errcode(call->out);
  uint64_t length = (uint64_t)sqlite3_str_length(call->out);
  if (rc == SQLITE_TOOBIG) {
    sqlite3_result_error_toobig(call->context);
  } else if (rc != SQLITE_OK) {
    sqlite3_result_error_nomem(call->context);
  } else if (length == 0 && kind == 'b') {
    sqlite3_result_zeroblob(call->context, 0);
  } else if (length == 0) {
    sqlite3_result_text(call->context, "", 0, SQLITE_STATIC);
  } else {
    char *text = sqlite3_str_finish(call->out);
    call->out = NULL;
    if (kind == 'b') {
      sqlite3_result_blob64(call->context, text, length, sqlite3_free);
    } else {
      sqlite3_result_text64(call->context, text, length, sqlite3_free, SQLITE_UTF8);
    }
  }
}

void function_run(sqlite3_context *context, int count, sqlite3_value **values,
                  const char *signature, int (*body)(struct function_call *call)) {
  struct function_call call = {.context = context, .count = count};
  assert(strlen(signature) == (size_t)count + 1 && count <= FUNCTION_CALL_MAX);
  for (int i = 0; i < count; i++) {
    if (!function_call_argument(&call, i, signature[i + 1], values[i])) return;
  }
  call.arena = function_arena(context);
  if (signature[0] != 'i') {
    call.out = sqlite3_str_new(sqlite3_context_db_handle(context));
  }
  if (body(&call) == LEDGER_OK) {
    function_call_result(&call, signature[0]);
  } else {
    function_fail(context, &call.error);
  }
  sqlite3_free(sqlite3_str_finish(call.out));
}
