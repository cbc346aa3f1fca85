/*
** money.c: reading and writing, every rounding mode, one past each limit. What is computed is checked
** against laws over __int128 and against decimal.c, both of which go another way.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "random.h"

enum { ROUNDS = 100000 };

__extension__ typedef __int128 wide;

static struct arena arena;

static int end_test(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static int read_text(const char *text, int scale, int digits, int64_t *out) {
  return money_read(text, strlen(text), scale, digits, out, NULL);
}

/* A number of any magnitude, the edges of int64_t often among them. */
static int64_t random_amount(struct test_random *r) {
  static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MAX - 1, INT64_MIN + 1, 50, -50};
  if (random_chance(r, 10)) return RANDOM_OF(r, edges);
  return (int64_t)random_next(r) >> random_below(r, 64);
}

/* ---- reading */

struct reading {
  const char *text;
  int scale, digits;
  int64_t amount;
  int code;
};

static void test_read(void **state) {
  static const struct reading readings[] = {
      {"0", 2, 2, 0, LEDGER_OK},
      {"12.50", 2, 2, 1250, LEDGER_OK},
      {"12.5", 2, 2, 1250, LEDGER_OK},
      {"12", 2, 2, 1200, LEDGER_OK},
      {"12.", 2, 2, 1200, LEDGER_OK},
      {".5", 2, 2, 50, LEDGER_OK},
      {"-.5", 2, 2, -50, LEDGER_OK},
      {"+7", 2, 2, 700, LEDGER_OK},
      {"-0.00", 2, 2, 0, LEDGER_OK},
      {" \t\n12.50 \r\n", 2, 2, 1250, LEDGER_OK},
      {"000012.5000000000000000000000000", 2, 2, 1250, LEDGER_OK},
      {"0.00000001", 8, 8, 1, LEDGER_OK},
      {"1.000000000000000000", 18, 18, INT64_C(1000000000000000000), LEDGER_OK},
      {"-9.223372036854775808", 18, 18, INT64_MIN, LEDGER_OK},
      {"12.505", 2, 2, 0, LEDGER_WRONG_SCALE},
      {"0.0000000000000000000000001", 2, 2, 0, LEDGER_WRONG_SCALE},
      {"1.005x", 2, 2, 0, LEDGER_INVALID_TEXT},
      /* yen in a column of two digits are whole */
      {"100", 2, 0, 10000, LEDGER_OK},
      {"100.00", 2, 0, 10000, LEDGER_OK},
      {"100.50", 2, 0, 0, LEDGER_WRONG_SCALE},
      {"100.05", 2, 1, 0, LEDGER_WRONG_SCALE},
      {"100.5", 0, 0, 0, LEDGER_WRONG_SCALE},
      {"100.0", 0, 0, 100, LEDGER_OK},
      {"", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"  ", 2, 2, 0, LEDGER_INVALID_TEXT},
      {".", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"-", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"+-1", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"- 1", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"1 2", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"1.2.3", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"1,5", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"1e2", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"0x10", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"1_000", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"NaN", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"Infinity", 2, 2, 0, LEDGER_INVALID_TEXT},
      {"\xd9\xa1", 2, 2, 0, LEDGER_INVALID_TEXT}, /* an Arabic digit */
      /* one past each limit */
      {"9223372036854775807", 0, 0, INT64_MAX, LEDGER_OK},
      {"9223372036854775808", 0, 0, 0, LEDGER_AMOUNT_RANGE},
      {"-9223372036854775808", 0, 0, INT64_MIN, LEDGER_OK},
      {"-9223372036854775809", 0, 0, 0, LEDGER_AMOUNT_RANGE},
      {"92233720368547758.07", 2, 2, INT64_MAX, LEDGER_OK},
      {"92233720368547758.08", 2, 2, 0, LEDGER_AMOUNT_RANGE},
      {"-92233720368547758.08", 2, 2, INT64_MIN, LEDGER_OK},
      {"-92233720368547758.09", 2, 2, 0, LEDGER_AMOUNT_RANGE},
      {"18446744073709551616", 0, 0, 0, LEDGER_AMOUNT_RANGE}, /* 2^64 would wrap to 0 */
      {"184467440737095516.16", 2, 2, 0, LEDGER_AMOUNT_RANGE},
      {"10", 18, 18, 0, LEDGER_AMOUNT_RANGE},
      {"99999999999999999999999999999999999999", 2, 2, 0, LEDGER_AMOUNT_RANGE},
  };
  (void)state;
  for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
    const struct reading *reading = &readings[i];
    int64_t amount = -77;
    int rc = read_text(reading->text, reading->scale, reading->digits, &amount);
    if (rc != reading->code || amount != (rc == LEDGER_OK ? reading->amount : -77))
      fail_msg("\"%s\" at %d: code %d, amount %lld", reading->text, reading->scale, rc, (long long)amount);
  }
}

static void test_read_length(void **state) {
  int64_t amount;
  char zeros[5000];
  (void)state;
  assert_int_equal(money_read("12.509", 5, 2, 2, &amount, NULL), LEDGER_OK); /* not what stands behind it */
  assert_int_equal(amount, 1250);
  assert_int_equal(money_read("1\0", 2, 2, 2, &amount, NULL), LEDGER_INVALID_TEXT);
  memset(zeros, '0', sizeof zeros);
  zeros[2500] = '.';
  zeros[2499] = '7';
  assert_int_equal(money_read(zeros, sizeof zeros, 2, 2, &amount, NULL), LEDGER_OK);
  assert_int_equal(amount, 700);
  zeros[sizeof zeros - 1] = '1';
  assert_int_equal(money_read(zeros, sizeof zeros, 2, 2, &amount, NULL), LEDGER_WRONG_SCALE);
}

static void test_read_sentences(void **state) {
  ledger_error error;
  int64_t amount;
  char wide_text[1000];
  (void)state;
  money_read("12.505", 6, 2, 2, &amount, &error);
  assert_string_equal(error.message, "amount 12.505 has more than 2 digits after the point");
  assert_string_equal(error.sqlstate, "LG006");
  money_read("1e2", 3, 2, 2, &amount, &error);
  assert_string_equal(error.message, "invalid input syntax for type numeric: \"1e2\"");
  assert_string_equal(error.sqlstate, "22P02");
  money_read("10", 2, 18, 18, &amount, &error);
  assert_string_equal(error.message, "amount 10 is out of range");
  assert_string_equal(error.sqlstate, "LG008");
  memset(wide_text, '9', sizeof wide_text);
  assert_int_equal(money_read(wide_text, sizeof wide_text, 2, 2, &amount, &error), LEDGER_AMOUNT_RANGE);
  assert_non_null(strstr(error.message, "9 is out of range"));
}

/* Any text of the grammar's characters but the exponent's: decimal.c accepts the same ones and has the same value. */
static void test_read_random(void **state) {
  struct test_random r = {random_seed()};
  static const char alphabet[] = "0123456789012345678901234567890123456789000000....-+ ";
  int accepted = 0;
  (void)state;
  for (int round = random_count(ROUNDS); round > 0; round--) {
    char text[32];
    size_t length = 1 + (size_t)random_below(&r, 24);
    for (size_t i = 0; i < length; i++) text[i] = alphabet[random_below(&r, (int)sizeof alphabet - 1)];
    text[length] = 0;
    int scale = random_below(&r, 19), digits = random_below(&r, scale + 1);
    int64_t amount;
    int rc = money_read(text, length, scale, digits, &amount, NULL);
    struct decimal number, shown, power;
    arena_reset(&arena);
    int parsed = decimal_parse(&arena, text, length, &number, NULL);
    assert_int_equal(rc == LEDGER_INVALID_TEXT, parsed != LEDGER_OK);
    if (parsed != LEDGER_OK) continue;
    shown = number;
    assert_int_equal(decimal_truncate(&arena, &shown, digits), LEDGER_OK);
    assert_int_equal(rc == LEDGER_WRONG_SCALE, decimal_compare(&number, &shown) != 0);
    if (rc == LEDGER_WRONG_SCALE) continue;
    int64_t expected;
    assert_int_equal(decimal_from_integer(&arena, money_power(scale), &power), LEDGER_OK);
    assert_int_equal(decimal_product(&arena, &number, &power, &number), LEDGER_OK);
    int fits = decimal_to_integer(&number, &expected);
    assert_int_equal(rc, fits == LEDGER_OK ? LEDGER_OK : LEDGER_AMOUNT_RANGE);
    if (rc == LEDGER_OK) assert_true(amount == expected);
    accepted += rc == LEDGER_OK;
  }
  assert_true(accepted > 100);
}

/* ---- writing */

static void test_text(void **state) {
  static const struct reading writings[] = {
      {"0", 0, 0, 0, 0},
      {"0.00", 2, 0, 0, 0},
      {"0.01", 2, 0, 1, 0},
      {"-0.01", 2, 0, -1, 0},
      {"-0.10", 2, 0, -10, 0},
      {"12.50", 2, 0, 1250, 0},
      {"-7", 0, 0, -7, 0},
      {"100.00000000", 8, 0, INT64_C(10000000000), 0},
      {"0.000000000000000001", 18, 0, 1, 0},
      {"1.000000000000000000", 18, 0, INT64_C(1000000000000000000), 0},
      {"9223372036854775807", 0, 0, INT64_MAX, 0},
      {"-9223372036854775808", 0, 0, INT64_MIN, 0},
      {"-92233720368547758.08", 2, 0, INT64_MIN, 0},
      {"-9.223372036854775808", 18, 0, INT64_MIN, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof writings / sizeof *writings; i++) {
    char text[MONEY_TEXT_MAX];
    assert_int_equal(money_text(writings[i].amount, writings[i].scale, text), strlen(writings[i].text));
    assert_string_equal(text, writings[i].text);
  }
}

/* What is written is canonical for decimal.c, with its scale, and is read back. */
static void test_text_random(void **state) {
  struct test_random r = {random_seed() + 1};
  (void)state;
  for (int round = random_count(ROUNDS); round > 0; round--) {
    int64_t amount = random_amount(&r), back;
    int scale = random_below(&r, 19);
    char text[MONEY_TEXT_MAX];
    size_t length = money_text(amount, scale, text), canonical;
    struct decimal number;
    arena_reset(&arena);
    assert_int_equal(decimal_parse(&arena, text, length, &number, NULL), LEDGER_OK);
    assert_int_equal(number.scale, scale);
    assert_string_equal(decimal_text(&arena, &number, &canonical), text);
    assert_int_equal(canonical, length);
    assert_int_equal(money_read(text, length, scale, scale, &back, NULL), LEDGER_OK);
    assert_true(back == amount);
  }
}

/* ---- products */

static void test_rounding(void **state) {
  static const enum money_rounding modes[] = {MONEY_HALF_UP, MONEY_HALF_EVEN, MONEY_DOWN,
                                              MONEY_UP,      MONEY_FLOOR,     MONEY_CEILING};
  static const struct {
    int64_t tenths;
    int64_t rounded[6]; /* in the order of the modes above */
  } cases[] = {
      {0, {0, 0, 0, 0, 0, 0}},         {10, {1, 1, 1, 1, 1, 1}},       {-10, {-1, -1, -1, -1, -1, -1}},
      {1, {0, 0, 0, 1, 0, 1}},         {-1, {0, 0, 0, -1, -1, 0}},     {4, {0, 0, 0, 1, 0, 1}},
      {5, {1, 0, 0, 1, 0, 1}},         {-5, {-1, 0, 0, -1, -1, 0}},    {6, {1, 1, 0, 1, 0, 1}},
      {-6, {-1, -1, 0, -1, -1, 0}},    {15, {2, 2, 1, 2, 1, 2}},       {-15, {-2, -2, -1, -2, -2, -1}},
      {25, {3, 2, 2, 3, 2, 3}},        {-25, {-3, -2, -2, -3, -3, -2}}, {26, {3, 3, 2, 3, 2, 3}},
      {-24, {-2, -2, -2, -3, -3, -2}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int mode = 0; mode < 6; mode++) {
      int64_t out, turned;
      assert_int_equal(money_multiply(cases[i].tenths, 1, 10, modes[mode], &out), LEDGER_OK);
      if (out != cases[i].rounded[mode])
        fail_msg("%lld tenths, %s: %lld", (long long)cases[i].tenths, money_rounding_word(modes[mode]),
                 (long long)out);
      /* the sign may come from either factor */
      assert_int_equal(money_multiply(-cases[i].tenths, -1, 10, modes[mode], &turned), LEDGER_OK);
      assert_int_equal(turned, out);
    }
  }
}

static wide magnitude(wide number) {
  return number < 0 ? -number : number;
}

/* Is the quotient the one that the mode asks for? Each law has one solution. */
static bool is_rounded(wide product, wide denominator, wide quotient, enum money_rounding rounding) {
  wide rest = product - quotient * denominator;
  bool is_near = magnitude(rest) < denominator;
  switch (rounding) {
  case MONEY_FLOOR: return is_near && rest >= 0;
  case MONEY_CEILING: return is_near && rest <= 0;
  case MONEY_DOWN: return is_near && magnitude(quotient * denominator) <= magnitude(product);
  case MONEY_UP: return is_near && magnitude(quotient * denominator) >= magnitude(product);
  case MONEY_HALF_UP:
    return 2 * magnitude(rest) < denominator ||
           (2 * magnitude(rest) == denominator && magnitude(quotient * denominator) > magnitude(product));
  case MONEY_HALF_EVEN:
    return 2 * magnitude(rest) < denominator || (2 * magnitude(rest) == denominator && quotient % 2 == 0);
  }
  return false;
}

static void test_multiply_random(void **state) {
  struct test_random r = {random_seed() + 2};
  int done = 0, refused = 0, ties = 0;
  (void)state;
  for (int round = random_count(ROUNDS); round > 0; round--) {
    int64_t amount = random_amount(&r), numerator = random_amount(&r), denominator, out = 0;
    do denominator = random_chance(&r, 50) ? money_power(random_below(&r, 19)) : random_amount(&r);
    while (denominator <= 0);
    enum money_rounding rounding = (enum money_rounding)random_below(&r, 6);
    wide product = (wide)amount * numerator;
    int rc = money_multiply(amount, numerator, denominator, rounding, &out);
    wide right = product / denominator;
    if (!is_rounded(product, denominator, right, rounding)) right += product < 0 ? -1 : 1;
    assert_true(is_rounded(product, denominator, right, rounding));
    bool fits = right >= INT64_MIN && right <= INT64_MAX;
    assert_int_equal(rc, fits ? LEDGER_OK : LEDGER_AMOUNT_RANGE);
    if (fits) assert_true(out == right);
    done += fits;
    refused += !fits;
    ties += magnitude(product % denominator) * 2 == denominator;
  }
  assert_true(done > 0 && refused > 0 && ties > 0);
}

/* decimal.c rounds half away from zero, as PostgreSQL does. */
static void test_multiply_decimal(void **state) {
  struct test_random r = {random_seed() + 3};
  (void)state;
  for (int round = random_count(ROUNDS / 10); round > 0; round--) {
    int64_t amount = random_amount(&r), numerator = random_amount(&r), out, expected;
    int64_t denominator = money_power(random_below(&r, 19));
    struct decimal a, b, c;
    arena_reset(&arena);
    assert_int_equal(decimal_from_integer(&arena, amount, &a), LEDGER_OK);
    assert_int_equal(decimal_from_integer(&arena, numerator, &b), LEDGER_OK);
    assert_int_equal(decimal_from_integer(&arena, denominator, &c), LEDGER_OK);
    assert_int_equal(decimal_product(&arena, &a, &b, &a), LEDGER_OK);
    assert_int_equal(decimal_divide_to(&arena, &a, &c, 0, &a), LEDGER_OK);
    int fits = decimal_to_integer(&a, &expected);
    int rc = money_multiply(amount, numerator, denominator, MONEY_HALF_UP, &out);
    assert_int_equal(rc == LEDGER_OK, fits == LEDGER_OK);
    if (rc == LEDGER_OK) assert_true(out == expected);
  }
}

static void test_multiply_limits(void **state) {
  static const struct {
    int64_t amount, numerator, denominator;
    enum money_rounding rounding;
    int code;
    int64_t out;
  } cases[] = {
      {INT64_MAX, 1, 1, MONEY_UP, LEDGER_OK, INT64_MAX},
      {INT64_MIN, 1, 1, MONEY_UP, LEDGER_OK, INT64_MIN},
      {INT64_MIN, -1, 1, MONEY_UP, LEDGER_AMOUNT_RANGE, 0},
      {INT64_MIN, INT64_MIN, 1, MONEY_UP, LEDGER_AMOUNT_RANGE, 0},
      {INT64_MIN, INT64_MIN, INT64_MAX, MONEY_DOWN, LEDGER_AMOUNT_RANGE, 0}, /* 2^63 + 1 and a bit */
      {INT64_MIN, INT64_MAX, INT64_MAX, MONEY_DOWN, LEDGER_OK, INT64_MIN},
      {INT64_MAX, INT64_MAX, INT64_MAX, MONEY_DOWN, LEDGER_OK, INT64_MAX},
      {INT64_MAX, 2, 2, MONEY_HALF_EVEN, LEDGER_OK, INT64_MAX},
      /* (2^63 - 1) and a quarter, a half: whether it fits is for the mode to say */
      {INT64_C(4611686018427387904), 2, 1, MONEY_DOWN, LEDGER_AMOUNT_RANGE, 0}, /* 2^63 */
      {INT64_C(-4611686018427387904), 2, 1, MONEY_DOWN, LEDGER_OK, INT64_MIN},
      {INT64_C(6148914691236517205), 3, 2, MONEY_DOWN, LEDGER_OK, INT64_MAX}, /* INT64_MAX and a half */
      {INT64_C(6148914691236517205), 3, 2, MONEY_HALF_UP, LEDGER_AMOUNT_RANGE, 0},
      {INT64_C(6148914691236517205), 3, 2, MONEY_HALF_EVEN, LEDGER_AMOUNT_RANGE, 0},
      {INT64_C(6148914691236517205), 3, 2, MONEY_FLOOR, LEDGER_OK, INT64_MAX},
      {INT64_C(6148914691236517205), 3, 2, MONEY_CEILING, LEDGER_AMOUNT_RANGE, 0},
      {INT64_C(-6148914691236517205), 3, 2, MONEY_CEILING, LEDGER_OK, INT64_MIN + 1},
      {INT64_C(-6148914691236517205), 3, 2, MONEY_FLOOR, LEDGER_OK, INT64_MIN},
      {0, INT64_MIN, 1, MONEY_UP, LEDGER_OK, 0},
      {1, 1, INT64_MAX, MONEY_UP, LEDGER_OK, 1},
      {-1, 1, INT64_MAX, MONEY_FLOOR, LEDGER_OK, -1},
      {1, 1, INT64_MAX, MONEY_HALF_UP, LEDGER_OK, 0},
      {INT64_C(4611686018427387904), 1, INT64_MAX, MONEY_HALF_UP, LEDGER_OK, 1}, /* just above one half */
      {INT64_MAX / 2, 1, INT64_MAX, MONEY_HALF_UP, LEDGER_OK, 0},                /* just below */
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t out = 0;
    int rc = money_multiply(cases[i].amount, cases[i].numerator, cases[i].denominator, cases[i].rounding, &out);
    if (rc != cases[i].code || out != cases[i].out)
      fail_msg("case %zu: code %d, %lld", i, rc, (long long)out);
  }
}

/* ---- scales */

static void test_rescale(void **state) {
  int64_t out;
  (void)state;
  assert_int_equal(money_rescale(1250, 2, 8, &out), LEDGER_OK);
  assert_true(out == INT64_C(1250000000));
  assert_int_equal(money_rescale(INT64_C(-1250000000), 8, 2, &out), LEDGER_OK);
  assert_true(out == -1250);
  assert_int_equal(money_rescale(7, 3, 3, &out), LEDGER_OK);
  assert_true(out == 7);
  assert_int_equal(money_rescale(1251, 2, 1, &out), LEDGER_WRONG_SCALE);
  assert_int_equal(money_rescale(-1, 18, 0, &out), LEDGER_WRONG_SCALE);
  assert_int_equal(money_rescale(0, 18, 0, &out), LEDGER_OK);
  assert_true(out == 0);
  assert_int_equal(money_rescale(9, 0, 18, &out), LEDGER_OK);
  assert_true(out == INT64_C(9000000000000000000));
  assert_int_equal(money_rescale(10, 0, 18, &out), LEDGER_AMOUNT_RANGE);
  assert_int_equal(money_rescale(-10, 0, 18, &out), LEDGER_AMOUNT_RANGE);
  assert_int_equal(money_rescale(INT64_MIN, 5, 5, &out), LEDGER_OK);
  assert_true(out == INT64_MIN);
  assert_int_equal(money_rescale(INT64_MIN, 0, 1, &out), LEDGER_AMOUNT_RANGE);
  assert_int_equal(money_rescale(INT64_MIN, 1, 0, &out), LEDGER_WRONG_SCALE);
  for (int scale = 0; scale <= 18; scale++) {
    assert_int_equal(money_rescale(1, 0, scale, &out), LEDGER_OK);
    assert_true(out == money_power(scale));
  }
}

/* ---- names */

static void test_names(void **state) {
  static const char *const words[] = {"half_up", "half_even", "down", "up", "floor", "ceiling"};
  (void)state;
  for (int i = 0; i < 6; i++) {
    assert_int_equal(money_rounding(words[i]), i);
    assert_string_equal(money_rounding_word((enum money_rounding)i), words[i]);
  }
  assert_int_equal(money_rounding("HALF_UP"), -1);
  assert_int_equal(money_rounding("half"), -1);
  assert_int_equal(money_rounding(""), -1);
  assert_int_equal(money_digits("USD"), 2);
  assert_int_equal(money_digits("EUR"), 2);
  assert_int_equal(money_digits("JPY"), 0);
  assert_int_equal(money_digits("XPF"), 0);
  assert_int_equal(money_digits("KWD"), 3);
  assert_int_equal(money_digits("CLF"), 4);
  assert_int_equal(money_digits("BTC"), 8);
  assert_int_equal(money_digits("USDC"), 8);
  assert_int_equal(money_digits("US"), 2);
  assert_int_equal(money_digits("USDCX"), 2);
  assert_int_equal(money_digits(""), 2);
  assert_true(money_power(0) == 1 && money_power(18) == INT64_C(1000000000000000000));
  for (int i = 1; i <= 18; i++) assert_true(money_power(i) == 10 * money_power(i - 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_read),
      cmocka_unit_test(test_read_length),
      cmocka_unit_test(test_read_sentences),
      cmocka_unit_test(test_read_random),
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_text_random),
      cmocka_unit_test(test_rounding),
      cmocka_unit_test(test_multiply_random),
      cmocka_unit_test(test_multiply_decimal),
      cmocka_unit_test(test_multiply_limits),
      cmocka_unit_test(test_rescale),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests_name("money", tests, NULL, end_test);
}
