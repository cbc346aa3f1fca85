/*
** numeric.c: the type numeric: its input, output and the rule of precision and scale. The
** arithmetic is in ground/decimal.c.
*/
#include "../internal.h"

/* Text that is a numeric in its stored form and fits the type as it is: the case of nearly every
** value that is loaded. */
static bool numeric_is_canonical(const struct type *type, const char *text, size_t length) {
  size_t at = 0;
  bool negative = length > 0 && text[0] == '-';
  if (negative) at++;
  size_t whole = at;
  while (at < length && text[at] >= '0' && text[at] <= '9') at++;
  size_t whole_digits = at - whole;
  if (whole_digits == 0 || (whole_digits > 1 && text[whole] == '0')) return false;
  bool zero = text[whole] == '0';
  size_t scale = 0;
  if (at < length) {
    if (text[at++] != '.' || at == length) return false;
    for (; at < length; at++, scale++) {
      if (text[at] < '0' || text[at] > '9') return false;
      if (text[at] != '0') zero = false;
    }
  }
  if (zero && negative) return false;
  if (type->length < 0) return whole_digits <= 131072 && scale <= 16383;
  if (type->scale < 0 || scale != (size_t)type->scale || type->length < type->scale) return false;
  if (text[whole] == '0') whole_digits = 0;
  return whole_digits <= (size_t)(type->length - type->scale);
}

/* NaN and the infinities, which PostgreSQL accepts in any case and the shorter spellings too.
** Returns the word. */
static const char *numeric_special(const char *text, size_t length) {
  static const struct {
    const char *spelling;
    const char *word;
  } specials[] = {{"nan", "NaN"},       {"infinity", "Infinity"},
                  {"inf", "Infinity"},  {"+infinity", "Infinity"},
                  {"+inf", "Infinity"}, {"-infinity", "-Infinity"},
                  {"-inf", "-Infinity"}};
  while (length > 0 && text_is_space(text[0])) text++, length--;
  while (length > 0 && text_is_space(text[length - 1])) length--;
  for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
    if (strlen(specials[i].spelling) != length) continue;
    if (sqlite3_strnicmp(text, specials[i].spelling, (int)length) == 0) return specials[i].word;
  }
  return NULL;
}

static int numeric_special_error(const struct type *type, const char *word, ledger_error *error) {
  if (type->length >= 0 && word[0] != 'N') {
    error_set(error, LEDGER_OUT_OF_RANGE, "numeric field overflow");
    error_detail(error, "A field with precision %d, scale %d cannot hold an infinite value.",
                 type->length, type->scale);
    return LEDGER_OUT_OF_RANGE;
  }
  return error_set(error, LEDGER_OUT_OF_RANGE, "%s is not supported in type numeric", word);
}

LEDGER_PRIVATE int numeric_coerce(const struct type *type, struct arena *arena,
                                  struct decimal *number, ledger_error *error) {
  if (type->length < 0) return LEDGER_OK;
  int rc = decimal_round(arena, number, type->scale);
  if (rc != LEDGER_OK) return error_memory(error);
  int digits =
      type->length - type->scale; /* that may stand before the point, or are zero behind it */
  if (number->count == 0 || decimal_position(number) < digits) return LEDGER_OK;
  error_set(error, LEDGER_OUT_OF_RANGE, "numeric field overflow");
  error_detail(
      error, "A field with precision %d, scale %d must round to an absolute value less than %s%d.",
      type->length, type->scale, digits != 0 ? "10^" : "", digits != 0 ? digits : 1);
  return LEDGER_OUT_OF_RANGE;
}

LEDGER_PRIVATE int numeric_value(struct arena *arena, const struct decimal *number,
                                 struct value *out, ledger_error *error) {
  out->kind = VALUE_TEXT;
  out->text = decimal_text(arena, number, &out->length);
  return out->text == NULL ? error_memory(error) : LEDGER_OK;
}

LEDGER_PRIVATE int numeric_input(const struct type *type, const char *text, size_t length,
                                 struct arena *arena, struct value *out, ledger_error *error) {
  if (numeric_is_canonical(type, text, length)) {
    out->kind = VALUE_TEXT;
    out->text = text;
    out->length = length;
    return LEDGER_OK;
  }
  const char *special = numeric_special(text, length);
  if (special != NULL) return numeric_special_error(type, special, error);
  struct decimal number;
  int rc = decimal_parse(arena, text, length, &number, error);
  if (rc == LEDGER_OK) rc = numeric_coerce(type, arena, &number, error);
  if (rc == LEDGER_OK) rc = numeric_value(arena, &number, out, error);
  return rc;
}

LEDGER_PRIVATE int numeric_output(const struct type *type, const struct value *stored,
                                  sqlite3_str *out, ledger_error *error) {
  if (stored->kind != VALUE_TEXT) return LEDGER_CORRUPT;
  const char *special = numeric_special(stored->text, stored->length);
  if (special != NULL && special[0] != 'N') /* computed: extract(epoch from 'infinity') */
    return numeric_special_error(type, special, error);
  if (type->scale < 0 || type->length < type->scale) {
    /* Rare types, whose every value ends or begins with zeros: the general rule, without its
    ** precision. */
    struct type any = *type;
    any.length = -1;
    if (!numeric_is_canonical(&any, stored->text, stored->length)) return LEDGER_CORRUPT;
  } else if (!numeric_is_canonical(type, stored->text, stored->length)) {
    return LEDGER_CORRUPT;
  }
  sqlite3_str_append(out, stored->text, (int)stored->length);
  return LEDGER_OK;
}
