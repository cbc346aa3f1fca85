/*
** decimal.c: exact decimal numbers, as PostgreSQL's numeric computes them: reading, writing,
** rounding, comparing and the four operations. Digits are base 10^9, aligned to the point, so that
** one limb times another fits 64 bits. Roots, powers and logarithms are in decimal_power.c.
*/
#include "../internal.h"

#include <limits.h>

#define DECIMAL_BASE 1000000000u
#define DECIMAL_LIMB 9              /* decimal digits of a limb */
#define DECIMAL_SCALE_MAX 16383     /* digits after the point that a numeric can hold */
#define DECIMAL_POSITION_MAX 131071 /* power of ten of the highest digit that it can hold */
#define DECIMAL_DIVIDE_DIGITS 16    /* significant digits that a quotient has at least */
#define DECIMAL_DIVIDE_SCALE_MAX 1000
#define DECIMAL_EXPONENT_MAX (INT_MAX / 2)

static const uint32_t decimal_powers[DECIMAL_LIMB + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* ---- positions: the power of ten that a digit stands for. Division that rounds down, also
** below zero. */

static int decimal_limb_of(int position) {
  return position >= 0 ? position / DECIMAL_LIMB : -((DECIMAL_LIMB - 1 - position) / DECIMAL_LIMB);
}

static int decimal_place_in_limb(int position) {
  return position - decimal_limb_of(position) * DECIMAL_LIMB;
}

static int decimal_lowest(const struct decimal *number) {
  return number->weight - number->count + 1;
}

static uint32_t decimal_digit(const struct decimal *number, int weight) {
  int i = number->weight - weight;
  return i >= 0 && i < number->count ? number->digits[i] : 0;
}

static int decimal_width(uint32_t limb) {
  int width = 1;
  while (width < DECIMAL_LIMB && limb >= decimal_powers[width]) width++;
  return width;
}

LEDGER_PRIVATE int decimal_position(const struct decimal *number) {
  return number->weight * DECIMAL_LIMB + decimal_width(number->digits[0]) - 1;
}

/* ---- making */

static void decimal_zero(struct decimal *out, int scale) {
  memset(out, 0, sizeof *out);
  out->scale = scale;
}

/* Room for `count` limbs, all zero, the highest of them at `weight`. */
static int decimal_room(struct arena *arena, int weight, int count, struct decimal *out) {
  out->weight = weight;
  out->count = count;
  out->digits = arena_alloc(arena, (size_t)count * sizeof *out->digits);
  if (out->digits == NULL) return LEDGER_MEMORY;
  memset(out->digits, 0, (size_t)count * sizeof *out->digits);
  return LEDGER_OK;
}

LEDGER_PRIVATE void decimal_strip(struct decimal *number) {
  while (number->count > 0 && number->digits[0] == 0) {
    number->digits++;
    number->count--;
    number->weight--;
  }
  while (number->count > 0 && number->digits[number->count - 1] == 0) number->count--;
  if (number->count == 0) decimal_zero(number, number->scale);
}

LEDGER_PRIVATE int decimal_check(const struct decimal *number) {
  if (number->scale > DECIMAL_SCALE_MAX) return LEDGER_OUT_OF_RANGE;
  if (number->count > 0 && decimal_position(number) > DECIMAL_POSITION_MAX)
    return LEDGER_OUT_OF_RANGE;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_error(int code, ledger_error *error) {
  if (code == LEDGER_MEMORY) return error_memory(error);
  return error_set(error, LEDGER_OUT_OF_RANGE, "value overflows numeric format");
}

LEDGER_PRIVATE int decimal_from_integer(struct arena *arena, int64_t integer, struct decimal *out) {
  int rc = decimal_room(arena, 2, 3, out);
  if (rc != LEDGER_OK) return rc;
  uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
  out->negative = integer < 0;
  out->scale = 0;
  for (int i = 2; i >= 0; i--) {
    out->digits[i] = (uint32_t)(rest % DECIMAL_BASE);
    rest /= DECIMAL_BASE;
  }
  decimal_strip(out);
  return LEDGER_OK;
}

/* ---- reading */

/* What decimal_scan() finds: a run of digits with at most one point in it, and an exponent. */
struct decimal_scan {
  bool negative;
  const char *first; /* the digit that is not zero, and behind the last such; equal: none */
  const char *end;
  int position; /* power of ten of *first */
  int scale;
};

static bool decimal_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The exponent behind the e, as strtol() reads it: white space and a sign may stand before it. */
static const char *decimal_scan_exponent(const char *at, const char *end, int64_t *exponent) {
  while (at < end && text_is_space(*at)) at++;
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  if (at == end || !decimal_is_digit(*at)) return NULL;
  *exponent = 0;
  for (; at < end && decimal_is_digit(*at); at++) {
    if (*exponent < DECIMAL_EXPONENT_MAX) *exponent = *exponent * 10 + (*at - '0');
  }
  if (negative) *exponent = -*exponent;
  return at;
}

/* Returns LEDGER_OK, INVALID_TEXT, or OUT_OF_RANGE for an absurd exponent. */
static int decimal_scan(const char *text, size_t length, struct decimal_scan *out) {
  const char *at = text;
  const char *end = text + length;
  while (at < end && text_is_space(*at)) at++;
  out->negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;

  const char *point = NULL;
  int64_t before = 0, after = 0; /* digits on each side of the point */
  int64_t leading = 0;           /* zeros before the first digit that is not */
  out->first = NULL;
  out->end = NULL;
  for (; at < end && (decimal_is_digit(*at) || (*at == '.' && point == NULL)); at++) {
    if (*at == '.') {
      point = at;
      continue;
    }
    if (point == NULL)
      before++;
    else
      after++;
    if (*at != '0') {
      if (out->first == NULL) out->first = at;
      out->end = at + 1;
    } else if (out->first == NULL) {
      leading++;
    }
  }
  if (before + after == 0) return LEDGER_INVALID_TEXT;
  int64_t exponent = 0;
  if (at < end && (*at == 'e' || *at == 'E')) {
    at = decimal_scan_exponent(at + 1, end, &exponent);
    if (at == NULL) return LEDGER_INVALID_TEXT;
    if (exponent >= DECIMAL_EXPONENT_MAX || exponent <= -DECIMAL_EXPONENT_MAX)
      return LEDGER_OUT_OF_RANGE;
  }
  while (at < end && text_is_space(*at)) at++;
  if (at < end) return LEDGER_INVALID_TEXT;

  int64_t position = before - 1 - leading + exponent;
  int64_t scale = after > exponent ? after - exponent : 0;
  if (scale > DECIMAL_SCALE_MAX) return LEDGER_OUT_OF_RANGE;
  if (out->first != NULL && position > DECIMAL_POSITION_MAX) return LEDGER_OUT_OF_RANGE;
  out->position = (int)position;
  out->scale = (int)scale;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_parse(struct arena *arena, const char *text, size_t length,
                                 struct decimal *out, ledger_error *error) {
  struct decimal_scan scan;
  int rc = decimal_scan(text, length, &scan);
  if (rc == LEDGER_INVALID_TEXT) {
    return error_set(error, rc, "invalid input syntax for type numeric: \"%.*s\"", (int)length,
                     text);
  }
  int most = arena->digits_max;
  if (rc == LEDGER_OK && most > 0 &&
      (scan.scale > most || (scan.first != NULL && scan.position >= most)))
    rc = LEDGER_OUT_OF_RANGE;
  if (rc != LEDGER_OK) return decimal_error(rc, error);
  if (scan.first == NULL) {
    decimal_zero(out, scan.scale);
    return LEDGER_OK;
  }
  /* The point may stand between the digits, so this may be one limb too many; the strip below
  ** takes it off. */
  int weight = decimal_limb_of(scan.position);
  int count = weight - decimal_limb_of(scan.position - (int)(scan.end - scan.first) + 1) + 1;
  rc = decimal_room(arena, weight, count, out);
  if (rc != LEDGER_OK) return error_memory(error);
  out->negative = scan.negative;
  out->scale = scan.scale;
  int i = 0;
  int place = decimal_place_in_limb(scan.position); /* of the next digit in its limb */
  for (const char *at = scan.first; at < scan.end; at++) {
    if (*at == '.') continue;
    out->digits[i] += (uint32_t)(*at - '0') * decimal_powers[place];
    if (place == 0) {
      i++;
      place = DECIMAL_LIMB;
    }
    place--;
  }
  decimal_strip(out);
  return LEDGER_OK;
}

/* ---- writing */

static char *decimal_put(char *at, uint32_t limb, int width) {
  for (int i = width - 1; i >= 0; i--) {
    at[i] = (char)('0' + limb % 10);
    limb /= 10;
  }
  return at + width;
}

LEDGER_PRIVATE char *decimal_text(struct arena *arena, const struct decimal *number,
                                  size_t *length) {
  int top = number->count > 0 && number->weight > 0 ? number->weight
                                                    : 0; /* limb that the text starts with */
  int scale = number->scale;
  size_t most = (size_t)(top + 1) * DECIMAL_LIMB + (size_t)scale + 3;
  char *text = arena_alloc(arena, most);
  if (text == NULL) return NULL;
  char *at = text;
  if (number->negative) *at++ = '-';
  uint32_t limb = decimal_digit(number, top);
  at = decimal_put(at, limb, decimal_width(limb));
  for (int weight = top - 1; weight >= 0; weight--)
    at = decimal_put(at, decimal_digit(number, weight), DECIMAL_LIMB);
  if (scale > 0) *at++ = '.';
  for (int weight = -1; scale > 0; weight--, scale -= DECIMAL_LIMB) {
    limb = decimal_digit(number, weight);
    int width = scale < DECIMAL_LIMB ? scale : DECIMAL_LIMB;
    at = decimal_put(at, limb / decimal_powers[DECIMAL_LIMB - width], width);
  }
  *at = 0;
  *length = (size_t)(at - text);
  return text;
}

LEDGER_PRIVATE int decimal_to_integer(const struct decimal *number, int64_t *out) {
  if (number->count > 0 && number->weight > 2) return LEDGER_OUT_OF_RANGE;
  uint64_t limit = number->negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
  uint64_t sum = 0;
  for (int weight = 2; weight >= 0; weight--) {
    uint32_t limb = decimal_digit(number, weight);
    if (sum > (limit - limb) / DECIMAL_BASE) return LEDGER_OUT_OF_RANGE;
    sum = sum * DECIMAL_BASE + limb;
  }
  if (decimal_digit(number, -1) >= DECIMAL_BASE / 2) {
    if (sum == limit) return LEDGER_OUT_OF_RANGE;
    sum++;
  }
  *out = number->negative ? (int64_t)(0 - sum) : (int64_t)sum;
  return LEDGER_OK;
}

/* ---- rounding */

/* Adds 10^place to the limb at index i and carries; index 0 must have room. */
static void decimal_increment(uint32_t *digits, int i, int place) {
  digits[i] += decimal_powers[place];
  while (digits[i] >= DECIMAL_BASE) {
    digits[i] -= DECIMAL_BASE;
    digits[--i] += 1;
  }
}

/* Cuts behind `scale` digits after the point, rounding half away from zero or towards it. The
** digits are copied: the number may share them with another. */
static int decimal_cut(struct arena *arena, struct decimal *number, int scale, bool round) {
  int keep = -scale; /* the lowest position that stays */
  number->scale = scale > 0 ? scale : 0;
  if (number->count == 0 || decimal_lowest(number) * DECIMAL_LIMB >= keep) return LEDGER_OK;
  if (decimal_position(number) < (round ? keep - 1 : keep)) {
    decimal_zero(number, number->scale);
    return LEDGER_OK;
  }
  int low = decimal_limb_of(keep);
  int place = decimal_place_in_limb(keep);
  int top = number->weight > low ? number->weight : low;
  struct decimal cut = *number;
  int rc = decimal_room(arena, top + 1, top - low + 2, &cut);
  if (rc != LEDGER_OK) return rc;
  for (int weight = number->weight; weight >= low && weight >= decimal_lowest(number); weight--) {
    cut.digits[cut.weight - weight] = decimal_digit(number, weight);
  }
  uint32_t unit = decimal_powers[place];
  uint32_t rest = cut.digits[cut.count - 1] % unit;
  bool up = place > 0 ? rest >= unit / 2 : decimal_digit(number, low - 1) >= DECIMAL_BASE / 2;
  cut.digits[cut.count - 1] -= rest;
  if (round && up) decimal_increment(cut.digits, cut.count - 1, place);
  decimal_strip(&cut);
  *number = cut;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_round(struct arena *arena, struct decimal *number, int scale) {
  return decimal_cut(arena, number, scale, true);
}

LEDGER_PRIVATE int decimal_truncate(struct arena *arena, struct decimal *number, int scale) {
  return decimal_cut(arena, number, scale, false);
}

/* ---- comparing */

static int decimal_compare_magnitude(const struct decimal *a, const struct decimal *b) {
  if (a->count == 0 || b->count == 0) return (a->count > 0) - (b->count > 0);
  if (a->weight != b->weight) return a->weight > b->weight ? 1 : -1;
  for (int i = 0; i < a->count && i < b->count; i++) {
    if (a->digits[i] != b->digits[i]) return a->digits[i] > b->digits[i] ? 1 : -1;
  }
  return (a->count > b->count) -
         (a->count < b->count); /* stripped: the longer one has more behind */
}

LEDGER_PRIVATE int decimal_compare(const struct decimal *a, const struct decimal *b) {
  if (a->negative != b->negative) return a->negative ? -1 : 1;
  int order = decimal_compare_magnitude(a, b);
  return a->negative ? -order : order;
}

/* A canonical text, taken apart. */
struct decimal_parts {
  bool negative;
  const char *whole; /* digits before the point, without leading zeros */
  size_t whole_length;
  const char *fraction; /* digits after it, without trailing zeros */
  size_t fraction_length;
};

static bool decimal_take_apart(const char *text, size_t length, struct decimal_parts *out) {
  const char *at = text;
  const char *end = text + length;
  out->negative = at < end && *at == '-';
  if (out->negative) at++;
  const char *digits = at;
  while (at < end && *at == '0') at++;
  out->whole = at;
  while (at < end && decimal_is_digit(*at)) at++;
  if (at == digits) return false;
  out->whole_length = (size_t)(at - out->whole);
  out->fraction = at;
  out->fraction_length = 0;
  if (at < end) {
    if (*at != '.' || at + 1 == end) return false;
    out->fraction = ++at;
    for (; at < end; at++) {
      if (!decimal_is_digit(*at)) return false;
      if (*at != '0') out->fraction_length = (size_t)(at + 1 - out->fraction);
    }
  }
  if (out->whole_length + out->fraction_length == 0) out->negative = false;
  return true;
}

static int decimal_compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t shorter = a_length < b_length ? a_length : b_length;
  int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
  if (order != 0) return order < 0 ? -1 : 1;
  return (a_length > b_length) - (a_length < b_length);
}

LEDGER_PRIVATE int decimal_compare_text(const char *a, size_t a_length, const char *b,
                                        size_t b_length) {
  struct decimal_parts x, y;
  bool x_number = decimal_take_apart(a, a_length, &x);
  bool y_number = decimal_take_apart(b, b_length, &y);
  if (!x_number || !y_number) {
    if (x_number != y_number) return x_number ? -1 : 1;
    return decimal_compare_bytes(a, a_length, b, b_length);
  }
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  int order;
  if (x.whole_length != y.whole_length) {
    order = x.whole_length > y.whole_length ? 1 : -1;
  } else {
    order = decimal_compare_bytes(x.whole, x.whole_length, y.whole, y.whole_length);
    if (order == 0)
      order = decimal_compare_bytes(x.fraction, x.fraction_length, y.fraction, y.fraction_length);
  }
  return x.negative ? -order : order;
}

/* ---- adding and subtracting */

/* |a| + |b|. */
static int decimal_add_magnitude(struct arena *arena, const struct decimal *a,
                                 const struct decimal *b, struct decimal *out) {
  int low = decimal_lowest(a) < decimal_lowest(b) ? decimal_lowest(a) : decimal_lowest(b);
  int top = a->weight > b->weight ? a->weight : b->weight;
  int rc = decimal_room(arena, top + 1, top - low + 2, out);
  if (rc != LEDGER_OK) return rc;
  uint32_t carry = 0;
  for (int weight = low; weight <= top; weight++) {
    uint32_t sum = decimal_digit(a, weight) + decimal_digit(b, weight) + carry;
    carry = sum >= DECIMAL_BASE;
    out->digits[out->weight - weight] = carry ? sum - DECIMAL_BASE : sum;
  }
  out->digits[0] = carry;
  return LEDGER_OK;
}

/* |a| - |b|, where |a| >= |b|. */
static int decimal_subtract_magnitude(struct arena *arena, const struct decimal *a,
                                      const struct decimal *b, struct decimal *out) {
  int low = decimal_lowest(a) < decimal_lowest(b) ? decimal_lowest(a) : decimal_lowest(b);
  int rc = decimal_room(arena, a->weight, a->weight - low + 1, out);
  if (rc != LEDGER_OK) return rc;
  uint32_t borrow = 0;
  for (int weight = low; weight <= a->weight; weight++) {
    uint32_t minuend = decimal_digit(a, weight);
    uint32_t subtrahend = decimal_digit(b, weight) + borrow;
    borrow = minuend < subtrahend;
    out->digits[out->weight - weight] = minuend + (borrow ? DECIMAL_BASE : 0) - subtrahend;
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_combine(struct arena *arena, const struct decimal *a,
                                   const struct decimal *b, bool minus, struct decimal *out) {
  int scale = a->scale > b->scale ? a->scale : b->scale;
  bool b_negative = b->negative != minus;
  struct decimal sum = {.digits = NULL};
  int rc;
  if (b->count == 0) {
    sum = *a;
    rc = LEDGER_OK;
  } else if (a->count == 0) {
    sum = *b;
    sum.negative = b_negative;
    rc = LEDGER_OK;
  } else if (a->negative == b_negative) {
    rc = decimal_add_magnitude(arena, a, b, &sum);
    sum.negative = a->negative;
  } else if (decimal_compare_magnitude(a, b) >= 0) {
    rc = decimal_subtract_magnitude(arena, a, b, &sum);
    sum.negative = a->negative;
  } else {
    rc = decimal_subtract_magnitude(arena, b, a, &sum);
    sum.negative = b_negative;
  }
  if (rc != LEDGER_OK) return rc;
  sum.scale = scale;
  decimal_strip(&sum);
  *out = sum;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_add(struct arena *arena, const struct decimal *a,
                               const struct decimal *b, struct decimal *out) {
  int rc = decimal_combine(arena, a, b, false, out);
  return rc == LEDGER_OK ? decimal_check(out) : rc;
}

LEDGER_PRIVATE int decimal_subtract(struct arena *arena, const struct decimal *a,
                                    const struct decimal *b, struct decimal *out) {
  int rc = decimal_combine(arena, a, b, true, out);
  return rc == LEDGER_OK ? decimal_check(out) : rc;
}

/* ---- multiplying */

LEDGER_PRIVATE int decimal_product(struct arena *arena, const struct decimal *a,
                                   const struct decimal *b, struct decimal *out) {
  struct decimal product;
  int scale = a->scale + b->scale;
  if (a->count == 0 || b->count == 0) {
    decimal_zero(out, scale);
    return LEDGER_OK;
  }
  int rc = decimal_room(arena, a->weight + b->weight + 1, a->count + b->count, &product);
  if (rc != LEDGER_OK) return rc;
  for (int i = a->count - 1; i >= 0; i--) {
    uint64_t carry = 0;
    uint64_t factor = a->digits[i];
    for (int j = b->count - 1; j >= 0; j--) {
      uint64_t sum = factor * b->digits[j] + product.digits[i + j + 1] + carry;
      carry = sum / DECIMAL_BASE;
      product.digits[i + j + 1] = (uint32_t)(sum % DECIMAL_BASE);
    }
    product.digits[i] = (uint32_t)carry;
  }
  product.negative = a->negative != b->negative;
  product.scale = scale;
  decimal_strip(&product);
  *out = product;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_multiply(struct arena *arena, const struct decimal *a,
                                    const struct decimal *b, struct decimal *out) {
  int rc = decimal_product(arena, a, b, out);
  if (rc == LEDGER_OK && out->scale > DECIMAL_SCALE_MAX)
    rc = decimal_round(arena, out, DECIMAL_SCALE_MAX);
  return rc == LEDGER_OK ? decimal_check(out) : rc;
}

/* ---- dividing */

/* Long division by one limb: quotient[i] gets the limbs of dividend / divisor. */
static void decimal_divide_short(const uint32_t *dividend, int count, uint32_t divisor,
                                 uint32_t *quotient) {
  uint64_t rest = 0;
  for (int i = 0; i < count; i++) {
    uint64_t part = rest * DECIMAL_BASE + dividend[i];
    quotient[i] = (uint32_t)(part / divisor);
    rest = part % divisor;
  }
}

/* digits[0..count-1] *= factor; the carry out of the first is returned. */
static uint32_t decimal_scale_up(uint32_t *digits, int count, uint32_t factor) {
  uint64_t carry = 0;
  for (int i = count - 1; i >= 0; i--) {
    uint64_t sum = (uint64_t)digits[i] * factor + carry;
    digits[i] = (uint32_t)(sum % DECIMAL_BASE);
    carry = sum / DECIMAL_BASE;
  }
  return (uint32_t)carry;
}

/*
** Long division, Knuth's algorithm D: rest[0..n+m-1], its first n limbs below the divisor, by
** divisor[0..n-1], n >= 2, whose first limb is at least half the base. quotient[0..m-1]; rest is
** used up.
*/
static void decimal_divide_long(uint32_t *rest, const uint32_t *divisor, int n, uint32_t *quotient,
                                int m) {
  for (int j = 0; j < m; j++) {
    uint64_t top = (uint64_t)rest[j] * DECIMAL_BASE + rest[j + 1];
    uint64_t guess = top / divisor[0];
    uint64_t left = top % divisor[0];
    while (guess >= DECIMAL_BASE || guess * divisor[1] > left * DECIMAL_BASE + rest[j + 2]) {
      guess--;
      left += divisor[0];
      if (left >= DECIMAL_BASE) break;
    }
    int64_t borrow = 0;
    uint64_t carry = 0;
    for (int i = n - 1; i >= 0; i--) {
      uint64_t product = guess * divisor[i] + carry;
      carry = product / DECIMAL_BASE;
      int64_t limb = (int64_t)rest[j + i + 1] - (int64_t)(product % DECIMAL_BASE) - borrow;
      borrow = limb < 0;
      rest[j + i + 1] = (uint32_t)(limb + (borrow ? (int64_t)DECIMAL_BASE : 0));
    }
    int64_t limb = (int64_t)rest[j] - (int64_t)carry - borrow;
    rest[j] = 0;
    if (limb < 0) { /* the guess was one too high: add the divisor back */
      guess--;
      uint32_t over = 0;
      for (int i = n - 1; i >= 0; i--) {
        uint32_t sum = rest[j + i + 1] + divisor[i] + over;
        over = sum >= DECIMAL_BASE;
        rest[j + i + 1] = over ? sum - DECIMAL_BASE : sum;
      }
    }
    quotient[j] = (uint32_t)guess;
  }
}

/* |a| / |b|, cut (not rounded) behind the limb of weight `low`. The sign is set, the scale is
** the caller's. */
static int decimal_quotient(struct arena *arena, const struct decimal *a, const struct decimal *b,
                            int low, struct decimal *out) {
  /* As integers: a's limbs times the base to the power `shift`, divided by b's limbs, is the
  ** quotient's limbs. */
  int shift = decimal_lowest(a) - decimal_lowest(b) - low;
  int count = a->count + shift;
  bool negative = a->negative != b->negative;
  decimal_zero(out, 0);
  if (a->count == 0 || count < b->count) return LEDGER_OK;
  struct decimal rest, divisor;
  int rc = decimal_room(arena, 0, count + 1, &rest);
  if (rc != LEDGER_OK) return rc;
  memcpy(rest.digits + 1, a->digits,
         (size_t)(a->count < count ? a->count : count) * sizeof *a->digits);
  if (b->count == 1) {
    rc = decimal_room(arena, low + count - 1, count, out);
    if (rc != LEDGER_OK) return rc;
    decimal_divide_short(rest.digits + 1, count, b->digits[0], out->digits);
  } else {
    int steps = count - b->count + 1;
    rc = decimal_room(arena, low + steps - 1, steps, out);
    if (rc == LEDGER_OK) rc = decimal_room(arena, 0, b->count, &divisor);
    if (rc != LEDGER_OK) return rc;
    memcpy(divisor.digits, b->digits, (size_t)b->count * sizeof *b->digits);
    uint32_t factor = DECIMAL_BASE / (b->digits[0] + 1);
    (void)decimal_scale_up(divisor.digits, divisor.count, factor);
    (void)decimal_scale_up(rest.digits, rest.count, factor);
    decimal_divide_long(rest.digits, divisor.digits, divisor.count, out->digits, steps);
  }
  out->negative = negative;
  decimal_strip(out);
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_group(const struct decimal *number, int weight) {
  int group = 0;
  for (int position = weight * 4 + 3; position >= weight * 4; position--) {
    uint32_t limb = decimal_digit(number, decimal_limb_of(position));
    group = group * 10 + (int)(limb / decimal_powers[decimal_place_in_limb(position)] % 10);
  }
  return group;
}

LEDGER_PRIVATE int decimal_group_weight(const struct decimal *number) {
  if (number->count == 0) return 0;
  int position = decimal_position(number);
  return position >= 0 ? position / 4 : -((3 - position) / 4);
}

LEDGER_PRIVATE int decimal_divide_scale(const struct decimal *a, const struct decimal *b) {
  int a_weight = decimal_group_weight(a);
  int b_weight = decimal_group_weight(b);
  int weight = a_weight - b_weight; /* of the quotient, or one less */
  if (decimal_group(a, a_weight) <= decimal_group(b, b_weight)) weight--;
  return decimal_result_scale(weight * 4, a->scale > b->scale ? a->scale : b->scale);
}

LEDGER_PRIVATE int decimal_result_scale(int position, int scale) {
  int result = DECIMAL_DIVIDE_DIGITS - position;
  if (result < scale) result = scale;
  if (result < 0) result = 0;
  return result < DECIMAL_DIVIDE_SCALE_MAX ? result : DECIMAL_DIVIDE_SCALE_MAX;
}

LEDGER_PRIVATE int decimal_divide_to(struct arena *arena, const struct decimal *a,
                                     const struct decimal *b, int scale, struct decimal *out) {
  struct decimal quotient;
  int rc = decimal_quotient(arena, a, b, decimal_limb_of(-scale - 1), &quotient);
  if (rc == LEDGER_OK) rc = decimal_round(arena, &quotient, scale);
  if (rc == LEDGER_OK) *out = quotient;
  return rc;
}

LEDGER_PRIVATE int decimal_divide(struct arena *arena, const struct decimal *a,
                                  const struct decimal *b, struct decimal *out,
                                  ledger_error *error) {
  if (b->count == 0) return error_set(error, LEDGER_DIVISION_BY_ZERO, "division by zero");
  int rc = decimal_divide_to(arena, a, b, decimal_divide_scale(a, b), out);
  if (rc == LEDGER_OK) rc = decimal_check(out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

LEDGER_PRIVATE int decimal_divide_whole(struct arena *arena, const struct decimal *a,
                                        const struct decimal *b, struct decimal *out,
                                        ledger_error *error) {
  if (b->count == 0) return error_set(error, LEDGER_DIVISION_BY_ZERO, "division by zero");
  struct decimal quotient;
  int rc = decimal_quotient(arena, a, b, 0, &quotient);
  if (rc == LEDGER_OK) rc = decimal_check(&quotient);
  if (rc != LEDGER_OK) return decimal_error(rc, error);
  *out = quotient;
  return LEDGER_OK;
}

LEDGER_PRIVATE int decimal_modulo(struct arena *arena, const struct decimal *a,
                                  const struct decimal *b, struct decimal *out,
                                  ledger_error *error) {
  if (b->count == 0) return error_set(error, LEDGER_DIVISION_BY_ZERO, "division by zero");
  int scale = a->scale > b->scale ? a->scale : b->scale;
  struct decimal part;
  int rc = decimal_quotient(arena, a, b, 0, &part);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &part, b, &part);
  if (rc == LEDGER_OK) rc = decimal_combine(arena, a, &part, true, out);
  if (rc != LEDGER_OK) return decimal_error(rc, error);
  out->scale = scale;
  return LEDGER_OK;
}

#undef DECIMAL_EXPONENT_MAX
