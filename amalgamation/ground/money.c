/*
** money.c: amounts of money as whole numbers of 10^-scale: reading, writing, and products that are
** rounded once. Everything is checked: what does not fit 64 bits is AMOUNT_RANGE and never wraps.
** Reading and writing are on the path of every posting, so neither allocates.
*/
#include "../internal.h"

#define MONEY_SCALE_MAX 18 /* 10^18 is the largest power of ten that an int64_t holds */
#define MONEY_MAGNITUDE_MAX ((uint64_t)INT64_MAX + 1) /* of INT64_MIN */

static const int64_t money_powers[MONEY_SCALE_MAX + 1] = {1,
                                                          10,
                                                          100,
                                                          1000,
                                                          10000,
                                                          100000,
                                                          1000000,
                                                          10000000,
                                                          100000000,
                                                          1000000000,
                                                          10000000000,
                                                          100000000000,
                                                          1000000000000,
                                                          10000000000000,
                                                          100000000000000,
                                                          1000000000000000,
                                                          10000000000000000,
                                                          100000000000000000,
                                                          1000000000000000000};

LEDGER_PRIVATE int64_t money_power(int exponent) {
  assert(exponent >= 0 && exponent <= MONEY_SCALE_MAX);
  return money_powers[exponent];
}

static uint64_t money_magnitude(int64_t amount) {
  return amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount;
}

/* ---- text */

/* The amount while its digits are read. Past the range only the syntax still matters. */
struct money_reader {
  uint64_t magnitude;
  bool is_too_large;
};

static void money_push(struct money_reader *reader, unsigned digit) {
  if (__builtin_mul_overflow(reader->magnitude, 10u, &reader->magnitude) ||
      __builtin_add_overflow(reader->magnitude, digit, &reader->magnitude))
    reader->is_too_large = true;
}

static bool money_is_digit(const char *at, const char *end) {
  return at < end && *at >= '0' && *at <= '9';
}

LEDGER_PRIVATE int money_read(const char *text, size_t length, int scale, int digits, int64_t *out,
                              ledger_error *error) {
  assert(digits >= 0 && digits <= scale && scale <= MONEY_SCALE_MAX);
  const char *at = text, *end = text + length;
  struct money_reader reader = {0, false};
  bool negative = false, is_number = false, is_lost = false;
  while (at < end && text_is_space(*at)) at++;
  if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
  for (; money_is_digit(at, end); at++) {
    is_number = true;
    money_push(&reader, (unsigned)(*at - '0'));
  }
  int places = 0;
  if (at < end && *at == '.') {
    for (at++; money_is_digit(at, end); at++) {
      is_number = true;
      if (places >= digits && *at != '0') is_lost = true;
      if (places >= scale) continue; /* and places does not grow: any number of zeros may follow */
      money_push(&reader, (unsigned)(*at - '0'));
      places++;
    }
  }
  for (; places < scale; places++) money_push(&reader, 0);
  while (at < end && text_is_space(*at)) at++;
  int shown = length > 200 ? 200 : (int)length;
  if (!is_number || at < end)
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type numeric: \"%.*s\"",
                     shown, text);
  if (is_lost)
    return error_set(error, LEDGER_WRONG_SCALE,
                     "amount %.*s has more than %d digits after the point", shown, text, digits);
  if (reader.is_too_large || reader.magnitude > MONEY_MAGNITUDE_MAX - (negative ? 0 : 1))
    return error_set(error, LEDGER_AMOUNT_RANGE, "amount %.*s is out of range", shown, text);
  /* Without a signed negation, which INT64_MIN has not. */
  *out = negative ? (int64_t)(0 - reader.magnitude) : (int64_t)reader.magnitude;
  return LEDGER_OK;
}

LEDGER_PRIVATE size_t money_text(int64_t amount, int scale, char out[MONEY_TEXT_MAX]) {
  assert(scale >= 0 && scale <= MONEY_SCALE_MAX);
  char digits[MONEY_TEXT_MAX]; /* from its end */
  char *at = digits + sizeof digits;
  uint64_t rest = money_magnitude(amount);
  *--at = '\0';
  if (scale > 0) {
    for (int place = 0; place < scale; place++, rest /= 10) *--at = (char)('0' + rest % 10);
    *--at = '.';
  }
  do {
    *--at = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (amount < 0) *--at = '-';
  size_t size = (size_t)(digits + sizeof digits - at);
  memcpy(out, at, size);
  return size - 1;
}

/* ---- arithmetic */

/* Must a quotient that was cut to `remainder` / `denominator` short move away from zero? remainder >= 0. */
static bool money_moves_out(money_wide remainder, money_wide denominator, bool negative,
                            bool is_odd, enum money_rounding rounding) {
  if (remainder == 0) return false;
  money_wide twice = 2 * remainder;
  switch (rounding) {
  case MONEY_HALF_UP: return twice >= denominator;
  case MONEY_HALF_EVEN: return twice > denominator || (twice == denominator && is_odd);
  case MONEY_DOWN: return false;
  case MONEY_UP: return true;
  case MONEY_FLOOR: return negative;
  case MONEY_CEILING: return !negative;
  }
  return false;
}

LEDGER_PRIVATE int money_multiply(int64_t amount, int64_t numerator, int64_t denominator,
                                  enum money_rounding rounding, int64_t *out) {
  assert(denominator > 0);
  money_wide product = (money_wide)amount * numerator;
  bool negative = product < 0;
  if (negative) product = -product; /* at most 2^126 */
  money_wide quotient = product / denominator;
  if (money_moves_out(product % denominator, denominator, negative, quotient % 2 != 0, rounding))
    quotient++;
  if (negative) quotient = -quotient;
  if (quotient < INT64_MIN || quotient > INT64_MAX) return LEDGER_AMOUNT_RANGE;
  *out = (int64_t)quotient;
  return LEDGER_OK;
}

LEDGER_PRIVATE int money_rescale(int64_t amount, int from_scale, int to_scale, int64_t *out) {
  if (to_scale >= from_scale)
    return __builtin_mul_overflow(amount, money_power(to_scale - from_scale), out)
               ? LEDGER_AMOUNT_RANGE
               : LEDGER_OK;
  int64_t power = money_power(from_scale - to_scale);
  if (amount % power != 0) return LEDGER_WRONG_SCALE;
  *out = amount / power;
  return LEDGER_OK;
}

/* ---- currencies */

struct money_currency {
  char code[5];
  unsigned char digits;
};

/* ISO 4217 where it is not 2, and the coins, as far as a column of eight digits can show them. */
static const struct money_currency money_currencies[] = {
    {"BIF", 0},  {"CLP", 0},  {"DJF", 0}, {"GNF", 0}, {"ISK", 0}, {"JPY", 0}, {"KMF", 0},
    {"KRW", 0},  {"PYG", 0},  {"RWF", 0}, {"UGX", 0}, {"UYI", 0}, {"VND", 0}, {"VUV", 0},
    {"XAF", 0},  {"XOF", 0},  {"XPF", 0}, {"BHD", 3}, {"IQD", 3}, {"JOD", 3}, {"KWD", 3},
    {"LYD", 3},  {"OMR", 3},  {"TND", 3}, {"CLF", 4}, {"UYW", 4}, {"BTC", 8}, {"ETH", 8},
    {"USDT", 8}, {"USDC", 8}, {"XRP", 8}, {"ADA", 8},
};

LEDGER_PRIVATE int money_digits(const char *currency) {
  for (size_t i = 0; i < sizeof money_currencies / sizeof money_currencies[0]; i++) {
    if (strcmp(money_currencies[i].code, currency) == 0) return money_currencies[i].digits;
  }
  return 2;
}

/* ---- rounding modes by name, in the order of the enum */

static const char *const money_rounding_words[] = {"half_up", "half_even", "down",
                                                   "up",      "floor",     "ceiling"};

LEDGER_PRIVATE int money_rounding(const char *word) {
  for (int i = MONEY_HALF_UP; i <= MONEY_CEILING; i++) {
    if (strcmp(money_rounding_words[i], word) == 0) return i;
  }
  return -1;
}

LEDGER_PRIVATE const char *money_rounding_word(enum money_rounding rounding) {
  return money_rounding_words[rounding];
}

#undef MONEY_SCALE_MAX
#undef MONEY_MAGNITUDE_MAX
