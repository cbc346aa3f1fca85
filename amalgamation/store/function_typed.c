/*
** function_typed.c: what the functions share whose arguments are of any type: an argument that
** names a type, and results that are built.
*/
#include "../internal.h"

LEDGER_PRIVATE void function_finish(sqlite3_context *context, sqlite3_str *built, int rc,
                                    const ledger_error *error) {
  int built_rc = sqlite3_str_errcode(built), length = sqlite3_str_length(built);
  char *text = sqlite3_str_finish(built);
  if (rc != LEDGER_OK) {
    function_fail(context, error);
    sqlite3_free(text);
  } else if (built_rc == SQLITE_TOOBIG) {
    sqlite3_result_error_toobig(context);
    sqlite3_free(text);
  } else if (built_rc != SQLITE_OK) {
    sqlite3_result_error_nomem(context);
    sqlite3_free(text);
  } else if (text == NULL) {
    sqlite3_result_text(context, "", 0, SQLITE_STATIC);
  } else {
    sqlite3_result_text64(context, text, (sqlite3_uint64)length, sqlite3_free, SQLITE_UTF8);
  }
}

LEDGER_PRIVATE bool function_type_named(sqlite3_context *context, sqlite3_value *value,
                                        struct type *out) {
  const char *name = (const char *)sqlite3_value_text(value);
  ledger_error error;
  int rc;
  if (name == NULL) {
    error_set(&error, LEDGER_UNDEFINED_TYPE, "the name of a type is missing");
    function_fail(context, &error);
    return false;
  }
  rc = type_parse(name, out, &error);
  if (rc == LEDGER_UNDEFINED_TYPE) { /* an enum, whose values are text here */
    size_t length = strlen(name);
    bool is_array = length > 2 && strcmp(name + length - 2, "[]") == 0;
    *out = (struct type){.id = TYPE_TEXT, .is_array = is_array, .length = -1};
  } else if (rc != LEDGER_OK) {
    function_fail(context, &error);
    return false;
  }
  return true;
}

LEDGER_PRIVATE bool function_type(sqlite3_context *context, int index, sqlite3_value *value,
                                  struct type *out) {
  const struct type *kept = sqlite3_get_auxdata(context, index);
  if (kept != NULL) {
    *out = *kept;
    return true;
  }
  if (!function_type_named(context, value, out)) return false;
  struct type *copy = sqlite3_malloc(sizeof *copy);
  if (copy != NULL) {
    *copy = *out;
    sqlite3_set_auxdata(context, index, copy,
                        sqlite3_free); /* SQLite keeps it if the argument is constant */
  }
  return true;
}

LEDGER_PRIVATE struct value function_text(sqlite3_value *value) {
  struct value out = {.kind = VALUE_NULL, .text = ""};
  if (sqlite3_value_type(value) == SQLITE_NULL) return out;
  const char *text = (const char *)sqlite3_value_text(value);
  if (text == NULL) return out; /* memory is short, and SQLite knows it */
  out.kind = VALUE_TEXT;
  out.text = text;
  out.length = (size_t)sqlite3_value_bytes(value);
  return out;
}

LEDGER_PRIVATE bool function_has_null(int count, sqlite3_value **values) {
  for (int i = 0; i < count; i++) {
    if (sqlite3_value_type(values[i]) == SQLITE_NULL) return true;
  }
  return false;
}
