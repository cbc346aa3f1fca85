/*
** enum.c: enums. A value is one of the labels, stored as text; its place among them is its order.
*/
#include "../internal.h"

/* The label's ordinal, or the number of labels if the text is none of them. */
static int enum_ordinal(const struct type_labels *labels, const char *text, size_t length) {
  int i = 0;
  while (i < labels->count &&
         (strlen(labels->labels[i]) != length || memcmp(labels->labels[i], text, length) != 0))
    i++;
  return i;
}

LEDGER_PRIVATE int enum_input(const struct type *type, const char *text, size_t length,
                              struct value *out, ledger_error *error) {
  assert(type->labels != NULL);
  if (enum_ordinal(type->labels, text, length) == type->labels->count)
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input value for enum %s: \"%.*s\"",
                     type->labels->name, (int)length, text);
  *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
  return LEDGER_OK;
}

LEDGER_PRIVATE int enum_compare(const struct type *type, const struct value *a,
                                const struct value *b) {
  int x = enum_ordinal(type->labels, a->text, a->length),
      y = enum_ordinal(type->labels, b->text, b->length);
  return x < y ? -1 : x > y;
}
