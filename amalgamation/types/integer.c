/*
** integer.c: the types smallint, integer and bigint.
*/
#include "../internal.h"

#include <math.h>

struct integer_range {
  const char *name; /* as messages about text call the type */
  int64_t lowest, highest;
};

static const struct integer_range *integer_range_of(enum type_id id) {
  static const struct integer_range small = {"smallint", INT16_MIN, INT16_MAX};
  static const struct integer_range medium = {"integer", INT32_MIN, INT32_MAX};
  static const struct integer_range big = {"bigint", INT64_MIN, INT64_MAX};
  return id == TYPE_INT2 ? &small : id == TYPE_INT4 ? &medium : &big;
}

LEDGER_PRIVATE int integer_input(enum type_id id, const char *text, size_t length,
                                 struct value *out, ledger_error *error) {
  const struct integer_range *range = integer_range_of(id);
  const char *at = text;
  const char *end = text + length;
  while (at < end && text_is_space(*at)) at++;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  bool any = false;
  int64_t sum = 0; /* below zero: there is one more number on that side */
  for (; at < end && *at >= '0' && *at <= '9'; at++) {
    any = true;
    /* The first digit too many decides, whatever stands behind it. */
    if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, *at - '0', &sum) ||
        sum < range->lowest) {
      return error_set(error, LEDGER_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                       (int)length, text, range->name);
    }
  }
  while (any && at < end && text_is_space(*at)) at++;
  if (!any || at < end) {
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                     range->name, (int)length, text);
  }
  if (!negative && sum < -range->highest) {
    return error_set(error, LEDGER_OUT_OF_RANGE, "value \"%.*s\" is out of range for type %s",
                     (int)length, text, range->name);
  }
  out->kind = VALUE_INTEGER;
  out->integer = negative ? sum : -sum;
  return LEDGER_OK;
}

LEDGER_PRIVATE int integer_output(const struct type *type, const struct value *stored,
                                  sqlite3_str *out) {
  const struct integer_range *range = integer_range_of(type->id);
  if (stored->kind != VALUE_INTEGER) return LEDGER_CORRUPT;
  if (stored->integer < range->lowest || stored->integer > range->highest) return LEDGER_CORRUPT;
  sqlite3_str_appendf(out, "%lld", (long long)stored->integer);
  return LEDGER_OK;
}

static int integer_error(enum type_id id, ledger_error *error) {
  return error_set(error, LEDGER_OUT_OF_RANGE, "%s out of range", integer_range_of(id)->name);
}

LEDGER_PRIVATE int integer_check(enum type_id id, int64_t integer, ledger_error *error) {
  const struct integer_range *range = integer_range_of(id);
  if (integer < range->lowest || integer > range->highest) return integer_error(id, error);
  return LEDGER_OK;
}

LEDGER_PRIVATE int integer_from_real(enum type_id id, double real, int64_t *out,
                                     ledger_error *error) {
  double whole = rint(real); /* half to even: the rounding mode that C starts with */
  if (!(whole >= -9223372036854775808.0 && whole < 9223372036854775808.0))
    return integer_error(id, error);
  *out = (int64_t)whole;
  return integer_check(id, *out, error);
}

LEDGER_PRIVATE int integer_from_decimal(enum type_id id, const struct decimal *number, int64_t *out,
                                        ledger_error *error) {
  if (decimal_to_integer(number, out) != LEDGER_OK) return integer_error(id, error);
  return integer_check(id, *out, error);
}
