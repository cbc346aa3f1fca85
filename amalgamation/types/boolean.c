/*
** boolean.c: the type boolean.
*/
#include "../internal.h"

/* Each word may be cut short to its first `shortest` letters. */
static const struct {
  const char *word;
  size_t shortest;
  int value;
} boolean_words[] = {{"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0},
                     {"on", 2, 1},   {"off", 2, 0},   {"1", 1, 1},   {"0", 1, 0}};

LEDGER_PRIVATE int boolean_input(const char *text, size_t length, struct value *out,
                                 ledger_error *error) {
  const char *word = text;
  size_t size = length;
  while (size > 0 && text_is_space(word[0])) word++, size--;
  while (size > 0 && text_is_space(word[size - 1])) size--;
  for (size_t i = 0; i < sizeof boolean_words / sizeof boolean_words[0]; i++) {
    if (size < boolean_words[i].shortest || size > strlen(boolean_words[i].word)) continue;
    if (sqlite3_strnicmp(word, boolean_words[i].word, (int)size) != 0) continue;
    out->kind = VALUE_INTEGER;
    out->integer = boolean_words[i].value;
    return LEDGER_OK;
  }
  return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type boolean: \"%.*s\"",
                   (int)length, text);
}

LEDGER_PRIVATE int boolean_output(const struct value *stored, sqlite3_str *out) {
  if (stored->kind != VALUE_INTEGER || (stored->integer != 0 && stored->integer != 1))
    return LEDGER_CORRUPT;
  sqlite3_str_appendchar(out, 1, stored->integer ? 't' : 'f');
  return LEDGER_OK;
}
