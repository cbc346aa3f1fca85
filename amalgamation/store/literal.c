/*
** literal.c: a PostgreSQL literal as a SQLite one, for the schema compiler.
*/
#include "../internal.h"

static void literal_append(sqlite3_str *out, const struct value *value) {
  switch (value->kind) {
  case VALUE_NULL: sqlite3_str_appendall(out, "NULL"); break;
  case VALUE_INTEGER:
    /* SQLite reads the digits of the smallest integer, without their sign, as a float. */
    if (value->integer == INT64_MIN)
      sqlite3_str_appendall(out, "(-9223372036854775807 - 1)");
    else
      sqlite3_str_appendf(out, "%lld", (long long)value->integer);
    break;
  case VALUE_REAL:
    if (value->real > 1.7976931348623157e308)
      sqlite3_str_appendall(out, "9e999");
    else if (value->real < -1.7976931348623157e308)
      sqlite3_str_appendall(out, "-9e999");
    else
      sqlite3_str_appendf(out, "%!.17g", value->real);
    break;
  case VALUE_TEXT: {
    sqlite3_str_appendchar(out, 1, '\'');
    for (size_t i = 0; i < value->length; i++) {
      sqlite3_str_appendchar(out, value->text[i] == '\'' ? 2 : 1, value->text[i]);
    }
    sqlite3_str_appendchar(out, 1, '\'');
    break;
  }
  case VALUE_BLOB:
    sqlite3_str_appendall(out, "x'");
    for (size_t i = 0; i < value->length; i++)
      sqlite3_str_appendf(out, "%02x", (unsigned)(unsigned char)value->text[i]);
    sqlite3_str_appendall(out, "'");
    break;
  }
}

LEDGER_PRIVATE int literal_of(const char *type_name, const char *text, size_t length, char **stored,
                              ledger_error *error) {
  struct type type;
  struct value value;
  struct arena arena = {0};
  *stored = NULL;
  int rc = type_parse(type_name, &type, error);
  if (rc == LEDGER_OK) rc = type_input(&type, text, length, &arena, &value, error);
  if (rc == LEDGER_OK) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    literal_append(out, &value);
    *stored = sqlite3_str_finish(out);
    if (*stored == NULL) rc = error_memory(error);
  }
  arena_free(&arena);
  return rc;
}
