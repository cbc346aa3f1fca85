/*
** real.c: the types real and double precision. Never money: the only place where a binary float is
** read or written. Reading is the C library's, in the C locale; writing is exact arithmetic on the
** decimal expansion.
*/
#include "../internal.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>

#define REAL_BASE 1000000000u
#define REAL_LIMB 9
#define REAL_WHOLE 35     /* limbs before the point: 2^1024 has 309 digits */
#define REAL_FRACTION 121 /* behind it: a midpoint next to the least double has 1076 digits */
#define REAL_DIGITS 18    /* decimal digits that are looked at; 17 always suffice */

static const char *real_name(enum type_id id) {
  return id == TYPE_FLOAT4 ? "real" : "double precision";
}

/* ---- input */

static int real_nan(enum type_id id, ledger_error *error) {
  return error_set(error, LEDGER_UNSUPPORTED, "NaN is not supported in type %s", real_name(id));
}

LEDGER_PRIVATE int real_result(enum type_id id, double real, struct value *out,
                               ledger_error *error) {
  if (isnan(real)) return real_nan(id, error);
  out->kind = VALUE_REAL;
  out->real = real == 0 ? 0.0 : real; /* SQLite keeps no sign of zero */
  return LEDGER_OK;
}

/* Reads a NUL-terminated text in the C locale. *end is behind what was read; *problem is ERANGE
** or 0. */
static int real_read(enum type_id id, const char *text, char **end, double *real, int *problem) {
  locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  if (locale == (locale_t)0) return LEDGER_MEMORY;
  errno = 0;
  *real = id == TYPE_FLOAT4 ? (double)strtof_l(text, end, locale) : strtod_l(text, end, locale);
  *problem = errno;
  freelocale(locale);
  return LEDGER_OK;
}

static int real_parse(enum type_id id, const char *text, size_t length, struct value *out,
                      ledger_error *error) {
  char *end;
  double real;
  int problem;
  int rc = real_read(id, text, &end, &real, &problem);
  if (rc != LEDGER_OK) return error_memory(error);
  /* Too small for a normal number is ERANGE as well, and is accepted unless nothing is left of
  ** it. */
  bool out_of_range = problem == ERANGE && (real == 0 || isinf(real));
  const char *rest = end;
  while (text_is_space(*rest)) rest++;
  if (end != text && out_of_range) {
    while (text_is_space(*text)) text++;
    return error_set(error, LEDGER_OUT_OF_RANGE, "\"%.*s\" is out of range for type %s",
                     (int)(end - text), text, real_name(id));
  }
  if (end == text || rest != text + length) {
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type %s: \"%.*s\"",
                     real_name(id), (int)length, text);
  }
  return real_result(id, real, out, error);
}

LEDGER_PRIVATE int real_input(enum type_id id, const char *text, size_t length, struct value *out,
                              ledger_error *error) {
  char room[256]; /* strtod() wants a NUL behind the text, which is the caller's */
  char *copy = length < sizeof room ? room : sqlite3_malloc64(length + 1);
  if (copy == NULL) return error_memory(error);
  memcpy(copy, text, length);
  copy[length] = 0;
  int rc = real_parse(id, copy, length, out, error);
  if (copy != room) sqlite3_free(copy);
  return rc;
}

LEDGER_PRIVATE int real_check(enum type_id id, double *real, ledger_error *error) {
  if (id != TYPE_FLOAT4) return LEDGER_OK;
  float narrow = (float)*real;
  if (isinf(narrow) && !isinf(*real))
    return error_set(error, LEDGER_OUT_OF_RANGE, "value out of range: overflow");
  if (narrow == 0 && *real != 0)
    return error_set(error, LEDGER_OUT_OF_RANGE, "value out of range: underflow");
  *real = narrow;
  return LEDGER_OK;
}

/* ---- output: the exact decimal expansion of mantissa * 2^exponent */

struct real_expansion {
  uint32_t limbs[REAL_WHOLE + REAL_FRACTION]; /* base 10^9, most significant first */
  int first;                                  /* the first limb that is not zero */
  int end;                                    /* behind the last */
};

static void real_expand(struct real_expansion *out, uint64_t mantissa, int exponent) {
  uint32_t *limbs = out->limbs;
  memset(limbs, 0, sizeof out->limbs);
  limbs[REAL_WHOLE - 1] = (uint32_t)(mantissa % REAL_BASE);
  limbs[REAL_WHOLE - 2] = (uint32_t)(mantissa / REAL_BASE % REAL_BASE);
  limbs[REAL_WHOLE - 3] = (uint32_t)(mantissa / REAL_BASE / REAL_BASE);
  int first = REAL_WHOLE - 3;
  int end = REAL_WHOLE;
  while (exponent > 0) {
    int shift = exponent < 29 ? exponent : 29;
    uint64_t carry = 0;
    for (int i = end - 1; i >= first; i--) {
      uint64_t sum = ((uint64_t)limbs[i] << shift) + carry;
      limbs[i] = (uint32_t)(sum % REAL_BASE);
      carry = sum / REAL_BASE;
    }
    if (carry > 0) limbs[--first] = (uint32_t)carry;
    exponent -= shift;
  }
  while (exponent < 0) {
    int shift = -exponent < REAL_LIMB
                    ? -exponent
                    : REAL_LIMB; /* 2^9 divides 10^9: one limb more holds the rest */
    uint64_t rest = 0;
    for (int i = first; i <= end; i++) {
      uint64_t part = rest * REAL_BASE + limbs[i];
      limbs[i] = (uint32_t)(part >> shift);
      rest = part & ((1u << shift) - 1);
    }
    if (limbs[end] != 0) end++;
    while (limbs[first] == 0) first++;
    exponent += shift;
  }
  while (limbs[first] == 0) first++;
  out->first = first;
  out->end = end;
}

/* The power of ten of the expansion's first digit. */
static int real_position(const struct real_expansion *expansion) {
  uint32_t limb = expansion->limbs[expansion->first];
  int position = (REAL_WHOLE - 1 - expansion->first) * REAL_LIMB;
  for (; limb >= 10; limb /= 10) position++;
  return position;
}

/* The REAL_DIGITS digits from `position` down, as a number; *more: something other than zero
** follows. */
static uint64_t real_digits(const struct real_expansion *expansion, int position, bool *more) {
  /* The limb that `position` lies in, the two after it, and how many of their 27 digits stand
  ** before `position`. */
  int limb = position >= 0 ? REAL_WHOLE - 1 - position / REAL_LIMB
                           : REAL_WHOLE + (-1 - position) / REAL_LIMB;
  int place = position - (REAL_WHOLE - 1 - limb) * REAL_LIMB;
  const int last = REAL_WHOLE + REAL_FRACTION;
  uint64_t digits = limb < last ? expansion->limbs[limb] : 0;
  if (limb > 0)
    digits +=
        (uint64_t)expansion->limbs[limb - 1] * REAL_BASE; /* a midpoint may be one digit longer */
  uint64_t middle = limb + 1 < last ? expansion->limbs[limb + 1] : 0;
  uint64_t low = limb + 2 < last ? expansion->limbs[limb + 2] : 0;
  digits = digits * REAL_BASE + middle;
  uint64_t unit = 1;
  for (int i = 0; i < REAL_LIMB - 1 - place; i++) unit *= 10; /* digits that the third limb gives */
  digits = digits * unit + low / (REAL_BASE / unit);
  *more = low % (REAL_BASE / unit) != 0;
  for (int i = limb + 3; i < expansion->end && !*more; i++) *more = expansion->limbs[i] != 0;
  return digits;
}

/* Takes a finite, positive number apart: real = mantissa * 2^exponent. */
static uint64_t real_mantissa(enum type_id id, double real, int *exponent) {
  int bits = id == TYPE_FLOAT4 ? FLT_MANT_DIG : DBL_MANT_DIG;
  int lowest = id == TYPE_FLOAT4 ? FLT_MIN_EXP : DBL_MIN_EXP; /* below, mantissas get shorter */
  int power;
  double fraction = frexp(real, &power);
  if (power < lowest) {
    fraction = ldexp(fraction, power - lowest);
    power = lowest;
  }
  *exponent = power - bits;
  return (uint64_t)ldexp(fraction, bits);
}

/* A number as digits: digits[0].digits[1]... * 10^position, no zeros at the end. */
struct real_decimal {
  int count;
  int position;
  char digits[REAL_DIGITS + 2];
};

static void real_set_digits(struct real_decimal *out, uint64_t digits, int lowest) {
  while (digits % 10 == 0) {
    digits /= 10;
    lowest++;
  }
  int count = 0;
  for (uint64_t rest = digits; rest > 0; rest /= 10) count++;
  out->count = count;
  out->position = lowest + count - 1;
  for (int i = count - 1; i >= 0; i--) {
    out->digits[i] = (char)('0' + digits % 10);
    digits /= 10;
  }
}

/*
** The shortest decimal strictly between the midpoints to the neighbours (a midpoint itself would
** not read back the same everywhere), the nearest to the number if there are several. Finite and
** positive.
*/
static void real_shortest(enum type_id id, double real, struct real_decimal *out) {
  struct real_expansion expansion;
  bool more, more_above, more_below;
  int exponent;
  uint64_t mantissa = real_mantissa(id, real, &exponent);
  int bits = id == TYPE_FLOAT4 ? FLT_MANT_DIG : DBL_MANT_DIG;
  int lowest = (id == TYPE_FLOAT4 ? FLT_MIN_EXP : DBL_MIN_EXP) - bits;
  /* Below a power of two the neighbours are twice as close. */
  bool narrow = mantissa == (uint64_t)1 << (bits - 1) && exponent > lowest;
  real_expand(&expansion, mantissa * 4, exponent - 2);
  int position = real_position(&expansion);
  uint64_t digits = real_digits(&expansion, position, &more);
  real_expand(&expansion, mantissa * 4 + 2, exponent - 2);
  uint64_t above = real_digits(&expansion, position, &more_above);
  real_expand(&expansion, mantissa * 4 - (narrow ? 1 : 2), exponent - 2);
  uint64_t below = real_digits(&expansion, position, &more_below);
  uint64_t unit = 1;
  for (int i = 1; i < REAL_DIGITS; i++) unit *= 10;
  for (;; unit /= 10) {
    uint64_t down = digits - digits % unit;
    uint64_t up = down + unit;
    uint64_t rest = digits % unit;
    bool down_fits = down > below;
    bool up_fits = up < above || (up == above && more_above);
    if (!down_fits && !up_fits && unit > 1) continue;
    bool nearer_up =
        rest > unit / 2 || (rest > 0 && rest == unit / 2 && (more || down / unit % 2 == 1));
    bool take_up = up_fits && (nearer_up || !down_fits);
    real_set_digits(out, take_up ? up : down, position - REAL_DIGITS + 1);
    return;
  }
}

/* Rounded to `count` significant digits, half to even, as printf() does. Finite and positive. */
static void real_round(enum type_id id, double real, int count, struct real_decimal *out) {
  struct real_expansion expansion;
  bool more;
  int exponent;
  uint64_t mantissa = real_mantissa(id, real, &exponent);
  real_expand(&expansion, mantissa, exponent);
  int position = real_position(&expansion);
  uint64_t digits = real_digits(&expansion, position, &more);
  uint64_t unit = 1;
  for (int i = count; i < REAL_DIGITS; i++) unit *= 10;
  uint64_t rest = digits % unit;
  uint64_t down = digits - rest;
  bool up = rest > unit / 2 || (rest == unit / 2 && (more || down / unit % 2 == 1));
  real_set_digits(out, up ? down + unit : down, position - REAL_DIGITS + 1);
}

static char *real_put(char *at, const char *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

static char *real_put_zeros(char *at, int count) {
  for (int i = 0; i < count; i++) *at++ = '0';
  return at;
}

/* 0.0001 to 99999 (real) or 10^15 - 1 (double precision) stand with a point, others with an
** exponent of two digits at least. */
static char *real_put_decimal(char *at, const struct real_decimal *number, int point_below) {
  int position = number->position;
  int count = number->count;
  if (position >= -4 && position < point_below) {
    if (position < 0) {
      at = real_put(at, "0.", 2);
      at = real_put_zeros(at, -1 - position);
      return real_put(at, number->digits, (size_t)count);
    }
    int whole = position + 1;
    if (count <= whole) {
      at = real_put(at, number->digits, (size_t)count);
      return real_put_zeros(at, whole - count);
    }
    at = real_put(at, number->digits, (size_t)whole);
    *at++ = '.';
    return real_put(at, number->digits + whole, (size_t)(count - whole));
  }
  *at++ = number->digits[0];
  if (count > 1) *at++ = '.';
  at = real_put(at, number->digits + 1, (size_t)(count - 1));
  *at++ = 'e';
  *at++ = position < 0 ? '-' : '+';
  int power = position < 0 ? -position : position;
  if (power >= 100) *at++ = (char)('0' + power / 100);
  *at++ = (char)('0' + power / 10 % 10);
  *at++ = (char)('0' + power % 10);
  return at;
}

LEDGER_PRIVATE size_t real_text(enum type_id id, double real, char out[REAL_TEXT_MAX]) {
  char *at = out;
  if (isnan(real)) {
    at = real_put(at, "NaN", 3);
  } else {
    if (signbit(real)) *at++ = '-';
    real = fabs(real);
    if (isinf(real)) {
      at = real_put(at, "Infinity", 8);
    } else if (real == 0) {
      *at++ = '0';
    } else {
      struct real_decimal number;
      real_shortest(id, real, &number);
      at = real_put_decimal(at, &number, id == TYPE_FLOAT4 ? FLT_DIG : DBL_DIG);
    }
  }
  *at = 0;
  return (size_t)(at - out);
}

LEDGER_PRIVATE int real_output(const struct type *type, const struct value *stored,
                               sqlite3_str *out) {
  char text[REAL_TEXT_MAX];
  if (stored->kind != VALUE_REAL || isnan(stored->real)) return LEDGER_CORRUPT;
  if (type->id == TYPE_FLOAT4 && !isinf(stored->real) &&
      (double)(float)stored->real != stored->real)
    return LEDGER_CORRUPT;
  size_t length = real_text(type->id, stored->real, text);
  sqlite3_str_append(out, text, (int)length);
  return LEDGER_OK;
}

LEDGER_PRIVATE int real_to_decimal(enum type_id id, double real, struct arena *arena,
                                   struct decimal *out, ledger_error *error) {
  if (isnan(real))
    return error_set(error, LEDGER_OUT_OF_RANGE, "NaN is not supported in type numeric");
  if (isinf(real)) {
    return error_set(error, LEDGER_OUT_OF_RANGE, "%sInfinity is not supported in type numeric",
                     real < 0 ? "-" : "");
  }
  int rc = real_check(id, &real, error); /* a foreign program may give any double as a real */
  if (rc != LEDGER_OK) return rc;
  if (real == 0) return decimal_parse(arena, "0", 1, out, error);
  struct real_decimal number;
  real_round(id, fabs(real), id == TYPE_FLOAT4 ? FLT_DIG : DBL_DIG, &number);
  char text[REAL_TEXT_MAX];
  char *at = text;
  if (real < 0) *at++ = '-';
  at = real_put_decimal(at, &number, DBL_DIG);
  return decimal_parse(arena, text, (size_t)(at - text), out, error);
}

#undef REAL_BASE
#undef REAL_LIMB
#undef REAL_WHOLE
#undef REAL_FRACTION
#undef REAL_DIGITS
