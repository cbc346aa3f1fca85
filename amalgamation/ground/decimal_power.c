/*
** decimal_power.c: roots, powers, exponentials and logarithms of decimal numbers, with the scales
** that PostgreSQL gives them. Computed with spare digits by power series and Newton's method, then
** rounded; doubles only start an iteration or estimate a size.
*/
#include "../internal.h"

#include <math.h>

#define POWER_LOG10_E 0.434294481903252
#define POWER_LN_10 2.302585092994046
#define POWER_SCALE_MAX 1000      /* of a result */
#define POWER_EXPONENT_MAX 6000.0 /* exp() of more overflows, of less than its negative is zero */
#define POWER_SPARE 12            /* digits more than are asked for */

/* ---- small tools */

/* 10^exponent, or `times` it. */
static int power_of_ten(struct arena *arena, int64_t times, int exponent, struct decimal *out) {
  int rc = decimal_from_integer(arena, times, out);
  if (rc != LEDGER_OK) return rc;
  struct decimal ten;
  int weight = exponent >= 0 ? exponent / 9 : -((8 - exponent) / 9);
  int64_t place = 1;
  for (int i = exponent - weight * 9; i > 0; i--) place *= 10;
  rc = decimal_from_integer(arena, place, &ten);
  if (rc != LEDGER_OK) return rc;
  ten.weight = weight;
  rc = decimal_product(arena, out, &ten, out);
  out->scale = exponent < 0 ? -exponent : 0;
  return rc;
}

/* Rounds to so many significant digits. */
static int power_round(struct arena *arena, struct decimal *number, int digits) {
  if (number->count == 0) return LEDGER_OK;
  return decimal_round(arena, number, digits - 1 - decimal_position(number));
}

static int power_multiply(struct arena *arena, const struct decimal *a, const struct decimal *b,
                          int digits, struct decimal *out) {
  int rc = decimal_product(arena, a, b, out);
  return rc == LEDGER_OK ? power_round(arena, out, digits) : rc;
}

/* The number as mantissa * 10^*exponent, the mantissa in [1, 10^9). */
static double power_leading(const struct decimal *number, int *exponent) {
  double mantissa = number->digits[0];
  if (number->count > 1) mantissa += number->digits[1] / 1e9;
  if (number->count > 2) mantissa += number->digits[2] / 1e18;
  *exponent = number->weight * 9;
  return number->negative ? -mantissa : mantissa;
}

/* The nearest double, or almost; far beyond the limits that it is compared with where it would
** overflow. */
static double power_double(const struct decimal *number) {
  if (number->count == 0) return 0;
  int exponent;
  double mantissa = power_leading(number, &exponent);
  return exponent > 300 ? mantissa * 1e300 : mantissa * pow(10, exponent);
}

/* ---- square root */

/* The root with at least `digits` correct significant digits; number > 0. */
static int power_root(struct arena *arena, const struct decimal *number, int digits,
                      struct decimal *out) {
  int exponent;
  double mantissa = power_leading(number, &exponent);
  if (exponent % 2 != 0) {
    exponent -= 1;
    mantissa *= 10;
  }
  /* A first guess of 14 digits; each step doubles them. The mean of x and number / x. */
  struct decimal half, quotient;
  int rc = power_of_ten(arena, (int64_t)(sqrt(mantissa) * 1e13), exponent / 2 - 13, out);
  if (rc == LEDGER_OK) rc = power_of_ten(arena, 5, -1, &half);
  for (int correct = 13; rc == LEDGER_OK && correct < digits;) {
    correct = 2 * correct - 1;
    int spare = (correct < digits ? correct : digits) + 4;
    int scale = spare - decimal_position(out);
    rc = decimal_divide_to(arena, number, out, scale, &quotient);
    if (rc == LEDGER_OK) rc = decimal_combine(arena, out, &quotient, false, out);
    if (rc == LEDGER_OK) rc = power_multiply(arena, out, &half, spare, out);
  }
  return rc;
}

LEDGER_PRIVATE int decimal_sqrt_to(struct arena *arena, const struct decimal *a, int scale,
                                   struct decimal *out) {
  struct decimal root = *a;
  int rc = LEDGER_OK;
  if (a->count > 0) {
    int position = decimal_position(a);
    position = position >= 0 ? position / 2 : -((1 - position) / 2);
    int digits = position + 1 + scale;
    /* A root may lie as near to a tie as the square of its last digit: twice the digits decide. */
    rc = power_root(arena, a, digits > 0 ? 2 * digits + POWER_SPARE : POWER_SPARE, &root);
  }
  if (rc == LEDGER_OK) rc = decimal_round(arena, &root, scale);
  if (rc == LEDGER_OK) *out = root;
  return rc;
}

LEDGER_PRIVATE int decimal_sqrt(struct arena *arena, const struct decimal *a, struct decimal *out,
                                ledger_error *error) {
  if (a->negative)
    return error_set(error, LEDGER_INVALID_POWER, "cannot take square root of a negative number");
  int position = (decimal_group_weight(a) + 1) * 2 - 1;
  int rc = decimal_sqrt_to(arena, a, decimal_result_scale(position, a->scale), out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

/* ---- exponential */

/* number / 2^halvings, to so many digits behind the point. */
static int power_halve(struct arena *arena, const struct decimal *number, int halvings, int scale,
                       struct decimal *out) {
  *out = *number;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && halvings > 0) {
    struct decimal divisor;
    int step = halvings < 60 ? halvings : 60;
    rc = decimal_from_integer(arena, (int64_t)1 << step, &divisor);
    if (rc == LEDGER_OK) rc = decimal_divide_to(arena, out, &divisor, scale, out);
    halvings -= step;
  }
  return rc;
}

/* e^number to so many significant digits: the power series of a small part of it, squared back
** up. */
static int power_exp(struct arena *arena, const struct decimal *number, int digits,
                     struct decimal *out) {
  struct decimal term, part, divisor;
  int rc = decimal_from_integer(arena, 1, out);
  if (rc != LEDGER_OK || number->count == 0) return rc;
  int position = decimal_position(number);
  int halvings = 8 + (int)sqrt(digits) + (position >= 0 ? (position + 1) * 10 / 3 + 1 : 0);
  digits += POWER_SPARE + halvings / 3; /* each squaring may double the error */
  rc = power_halve(arena, number, halvings, digits, &part);
  term = *out;
  for (int i = 1; rc == LEDGER_OK && term.count > 0; i++) {
    rc = decimal_product(arena, &term, &part, &term);
    if (rc == LEDGER_OK) rc = decimal_from_integer(arena, i, &divisor);
    if (rc == LEDGER_OK) rc = decimal_divide_to(arena, &term, &divisor, digits, &term);
    if (rc == LEDGER_OK) rc = decimal_add(arena, out, &term, out);
  }
  for (int i = 0; rc == LEDGER_OK && i < halvings; i++)
    rc = power_multiply(arena, out, out, digits, out);
  return rc;
}

/* e^number rounded to a scale. OUT_OF_RANGE. */
static int power_exp_to(struct arena *arena, const struct decimal *number, int scale,
                        struct decimal *out) {
  double size = power_double(number);
  if (size >= POWER_EXPONENT_MAX) return LEDGER_OUT_OF_RANGE;
  int digits = scale + (int)(size * POWER_LOG10_E) + POWER_SPARE;
  int rc;
  if (size <= -POWER_EXPONENT_MAX || digits <= 0) {
    rc = decimal_from_integer(arena, 0, out);
  } else {
    rc = power_exp(arena, number, digits, out);
  }
  return rc == LEDGER_OK ? decimal_round(arena, out, scale) : rc;
}

LEDGER_PRIVATE int decimal_exp(struct arena *arena, const struct decimal *a, struct decimal *out,
                               ledger_error *error) {
  double position = power_double(a) * POWER_LOG10_E;
  if (position > 2 * POWER_SCALE_MAX) position = 2 * POWER_SCALE_MAX;
  if (position < -2 * POWER_SCALE_MAX) position = -2 * POWER_SCALE_MAX;
  int rc = power_exp_to(arena, a, decimal_result_scale((int)position, a->scale), out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

/* ---- logarithm */

/* PostgreSQL's estimate of the power of ten of the first digit of ln(number); number > 0. */
static int power_ln_position(struct arena *arena, const struct decimal *number, int *position) {
  struct decimal one, tenth, rest;
  int rc = decimal_from_integer(arena, 1, &one);
  if (rc == LEDGER_OK) rc = power_of_ten(arena, 1, -1, &tenth);
  if (rc == LEDGER_OK) rc = decimal_subtract(arena, number, &one, &rest);
  if (rc != LEDGER_OK) return rc;
  rest.negative = false;
  *position = 0;
  if (rest.count == 0) return LEDGER_OK;
  if (decimal_compare(&rest, &tenth) <= 0) { /* ln(x) is about x - 1 */
    int weight = decimal_group_weight(&rest);
    *position = weight * 4 + (int)log10(decimal_group(&rest, weight));
    return LEDGER_OK;
  }
  int weight = decimal_group_weight(number);
  int digits = decimal_group(number, weight) * 10000 + decimal_group(number, weight - 1);
  *position = (int)log10(fabs(log(digits) + (weight - 1) * 4 * POWER_LN_10));
  return LEDGER_OK;
}

/* ln(number) with an error well below the last digit of the scale; number > 0. */
static int power_ln(struct arena *arena, const struct decimal *number, int scale,
                    struct decimal *out) {
  struct decimal one, power, above, below;
  int exponent;
  double mantissa = power_leading(number, &exponent);
  double start = log(mantissa) + exponent * POWER_LN_10;
  int rc = power_of_ten(arena, (int64_t)(start * 1e12), -12, out);
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, 1, &one);
  /* Where y is the logarithm but for an error, t = number / e^y is near 1; y + 2 (t - 1) / (t +
  ** 1) has its cube. */
  for (int correct = 10; rc == LEDGER_OK && correct < scale + POWER_SPARE;) {
    correct = 3 * correct < scale + POWER_SPARE ? 3 * correct : scale + POWER_SPARE;
    int digits = correct + 4;
    struct decimal minus = *out;
    minus.negative = out->count > 0 && !out->negative;
    rc = power_exp(arena, &minus, digits, &power);
    if (rc == LEDGER_OK) rc = power_multiply(arena, number, &power, digits, &power);
    if (rc == LEDGER_OK) rc = decimal_subtract(arena, &power, &one, &above);
    if (rc == LEDGER_OK) rc = decimal_add(arena, &power, &one, &below);
    if (rc == LEDGER_OK) rc = decimal_divide_to(arena, &above, &below, digits, &above);
    if (rc == LEDGER_OK) rc = decimal_add(arena, out, &above, out);
    if (rc == LEDGER_OK) rc = decimal_add(arena, out, &above, out);
  }
  return rc;
}

static int power_ln_to(struct arena *arena, const struct decimal *number, int scale,
                       struct decimal *out) {
  int rc = power_ln(arena, number, scale, out);
  return rc == LEDGER_OK ? decimal_round(arena, out, scale) : rc;
}

static int power_check_logarithm(const struct decimal *number, ledger_error *error) {
  if (number->count == 0)
    return error_set(error, LEDGER_INVALID_LOGARITHM, "cannot take logarithm of zero");
  if (!number->negative) return LEDGER_OK;
  return error_set(error, LEDGER_INVALID_LOGARITHM, "cannot take logarithm of a negative number");
}

LEDGER_PRIVATE int decimal_ln(struct arena *arena, const struct decimal *a, struct decimal *out,
                              ledger_error *error) {
  int position;
  int rc = power_check_logarithm(a, error);
  if (rc != LEDGER_OK) return rc;
  rc = power_ln_position(arena, a, &position);
  if (rc == LEDGER_OK) rc = power_ln_to(arena, a, decimal_result_scale(position, a->scale), out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

static int power_larger(int a, int b) {
  return a > b ? a : b;
}

LEDGER_PRIVATE int decimal_log(struct arena *arena, const struct decimal *base,
                               const struct decimal *a, struct decimal *out, ledger_error *error) {
  struct decimal ln_base, ln;
  int base_position, position;
  int rc = power_check_logarithm(base, error);
  if (rc == LEDGER_OK) rc = power_check_logarithm(a, error);
  if (rc != LEDGER_OK) return rc;
  rc = power_ln_position(arena, base, &base_position);
  if (rc == LEDGER_OK) rc = power_ln_position(arena, a, &position);
  if (rc != LEDGER_OK) return error_memory(error);
  int scale = decimal_result_scale(position - base_position, power_larger(base->scale, a->scale));
  /* Both with as many significant digits as the result, and some. */
  int digits = scale + position - base_position + POWER_SPARE;
  rc = power_ln_to(arena, base, power_larger(digits - base_position, 0), &ln_base);
  if (rc == LEDGER_OK) rc = power_ln_to(arena, a, power_larger(digits - position, 0), &ln);
  if (rc == LEDGER_OK && ln_base.count == 0)
    return error_set(error, LEDGER_DIVISION_BY_ZERO, "division by zero");
  if (rc == LEDGER_OK) rc = decimal_divide_to(arena, &ln, &ln_base, scale, out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

/* ---- power */

/* base^exponent by squaring, to so many significant digits. OUT_OF_RANGE. */
static int power_repeat(struct arena *arena, const struct decimal *base, uint32_t exponent,
                        int digits, struct decimal *out) {
  struct decimal square = *base;
  int rc = decimal_from_integer(arena, 1, out);
  while (rc == LEDGER_OK && exponent > 0) {
    if (exponent & 1) rc = power_multiply(arena, out, &square, digits, out);
    exponent >>= 1;
    if (rc == LEDGER_OK && exponent > 0)
      rc = power_multiply(arena, &square, &square, digits, &square);
  }
  return rc;
}

/* An integer exponent, of a base that is not zero. */
static int power_integer(struct arena *arena, const struct decimal *base, int32_t exponent,
                         struct decimal *out) {
  int scale = decimal_result_scale(0, base->scale);
  int leading_exponent;
  double leading = power_leading(base, &leading_exponent);
  double position =
      exponent * (log10(fabs(leading)) + leading_exponent); /* of the result's first digit */
  if (position > 131072) return LEDGER_OUT_OF_RANGE;
  int rc;
  if (position + 1 < -POWER_SCALE_MAX) {
    rc = decimal_from_integer(arena, 0, out);
  } else {
    int digits = power_larger((int)position + scale, 0) +
                 2 * POWER_SPARE; /* an exponent has ten digits: so may the error */
    if (exponent == 1 || exponent == 2) digits = power_larger(digits, 18 * base->count); /* exact */
    uint32_t times = exponent < 0 ? 0 - (uint32_t)exponent : (uint32_t)exponent;
    struct decimal one;
    rc = power_repeat(arena, base, times, digits, out);
    if (rc == LEDGER_OK && exponent < 0) {
      rc = decimal_from_integer(arena, 1, &one);
      if (rc == LEDGER_OK) rc = decimal_divide_to(arena, &one, out, scale, out);
    }
  }
  return rc == LEDGER_OK ? decimal_round(arena, out, scale) : rc;
}

/* Any exponent: e^(exponent * ln(base)); base > 0. */
static int power_general(struct arena *arena, const struct decimal *base,
                         const struct decimal *exponent, struct decimal *out) {
  struct decimal product;
  int ln_position;
  int rc = power_ln_position(arena, base, &ln_position);
  /* First roughly, for the size of the result, from which PostgreSQL derives the scales. */
  int scale = power_larger(8 - ln_position, 0);
  if (rc == LEDGER_OK) rc = power_ln_to(arena, base, scale, &product);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &product, exponent, &product);
  if (rc == LEDGER_OK) rc = decimal_round(arena, &product, scale);
  if (rc != LEDGER_OK) return rc;
  double size = power_double(&product);
  if (size > POWER_EXPONENT_MAX * 1.00333333333333333) return LEDGER_OUT_OF_RANGE;
  if (size < -POWER_EXPONENT_MAX * 1.00333333333333333) {
    rc = decimal_from_integer(arena, 0, out);
    out->scale = POWER_SCALE_MAX;
    return rc;
  }
  int position = (int)(size * POWER_LOG10_E);
  int result_scale = decimal_result_scale(position, power_larger(base->scale, exponent->scale));
  scale = power_larger(result_scale + position - ln_position + 8, 0);
  rc = power_ln_to(arena, base, scale, &product);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &product, exponent, &product);
  if (rc == LEDGER_OK) rc = decimal_round(arena, &product, scale);
  return rc == LEDGER_OK ? power_exp_to(arena, &product, result_scale, out) : rc;
}

LEDGER_PRIVATE int decimal_power(struct arena *arena, const struct decimal *base,
                                 const struct decimal *exponent, struct decimal *out,
                                 ledger_error *error) {
  struct decimal whole = *exponent;
  int64_t integer;
  int rc = decimal_truncate(arena, &whole, 0);
  if (rc != LEDGER_OK) return error_memory(error);
  bool is_whole = decimal_compare(&whole, exponent) == 0;
  if (base->count == 0 && exponent->negative) {
    return error_set(error, LEDGER_INVALID_POWER, "zero raised to a negative power is undefined");
  }
  if (base->negative && !is_whole) {
    return error_set(error, LEDGER_INVALID_POWER,
                     "a negative number raised to a non-integer power yields a complex result");
  }
  bool is_small = is_whole && decimal_to_integer(&whole, &integer) == LEDGER_OK &&
                  integer >= INT32_MIN && integer <= INT32_MAX;
  if (base->count == 0 && exponent->count > 0) {
    rc = decimal_from_integer(arena, 0, out);
    out->scale = is_small ? decimal_result_scale(0, base->scale) : decimal_result_scale(0, 0);
  } else if (is_small) {
    rc = base->count == 0 ? decimal_from_integer(arena, 1, out)
                          : power_integer(arena, base, (int32_t)integer, out);
    if (rc == LEDGER_OK) rc = decimal_round(arena, out, decimal_result_scale(0, base->scale));
  } else {
    struct decimal magnitude = *base;
    magnitude.negative = false;
    bool odd = is_whole && whole.weight >= 0 && whole.weight == whole.count - 1 &&
               whole.digits[whole.count - 1] % 2 == 1;
    rc = power_general(arena, &magnitude, exponent, out);
    if (rc == LEDGER_OK) out->negative = base->negative && odd && out->count > 0;
  }
  if (rc == LEDGER_OK) rc = decimal_check(out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

#undef POWER_LOG10_E
#undef POWER_LN_10
#undef POWER_SCALE_MAX
#undef POWER_EXPONENT_MAX
#undef POWER_SPARE
