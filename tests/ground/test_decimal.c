/*
** decimal.c and decimal_power.c: reading, writing, rounding, the order of texts, and laws of arithmetic over random
** numbers. That the digits are PostgreSQL's is shown by store/test_function_numbers.c and by the differential tests.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "random.h"

enum { ROUNDS = 3000 };

static struct arena arena;

static int end_test(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct decimal number_of(const char *text) {
  struct decimal number;
  ledger_error error;
  if (decimal_parse(&arena, text, strlen(text), &number, &error) != LEDGER_OK)
    fail_msg("%s: %s", text, error.message);
  return number;
}

static const char *text_of(const struct decimal *number) {
  size_t length;
  const char *text = decimal_text(&arena, number, &length);
  assert_non_null(text);
  assert_int_equal(strlen(text), length);
  return text;
}

static char *repeat(char c, size_t count) {
  char *text = arena_alloc(&arena, count + 1);
  memset(text, c, count);
  text[count] = 0;
  return text;
}

/* ---- reading and writing */

static void test_parse(void **state) {
  static const char *const cases[][2] = {
      {"0", "0"},
      {"-0", "0"},
      {"-0.00", "0.00"},
      {"00012.50", "12.50"},
      {"+7", "7"},
      {".5", "0.5"},
      {"5.", "5"},
      {"1e5", "100000"},
      {"1e-5", "0.00001"},
      {"1.50e1", "15.0"},
      {"12e-1", "1.2"},
      {" \t1 \n", "1"},
      {"1e 2", "100"},
      {"0e5", "0"},
      {"0e-3", "0.000"},
      {"999999999", "999999999"},
      {"1000000000", "1000000000"},
      {"0.000000001", "0.000000001"},
      {"1000000000.000000001", "1000000000.000000001"},
      {"123456789.123456789e-9", "0.123456789123456789"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct decimal number = number_of(cases[i][0]);
    assert_string_equal(text_of(&number), cases[i][1]);
    assert_true(number.count > 0 || !number.negative);
  }
}

static void check_refused(const char *text, int code) {
  struct decimal number;
  ledger_error error;
  int rc = decimal_parse(&arena, text, strlen(text), &number, &error);
  if (rc != code) fail_msg("%.40s: %d", text, rc);
  assert_int_equal(error.code, code);
}

static void test_parse_refuses(void **state) {
  static const char *const bad[] = {"",      " ",    ".",     "-",   "+.",    "e5",   ".e5",
                                    "1e",    "1e+",  "1e- 2", "1 2", "1.2.3", "--1",  "1_0",
                                    "1,000", "0x10", "NaN",   "inf", "abc",   "1e5x", "1\xc2\xa0"};
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    check_refused(bad[i], LEDGER_INVALID_TEXT);
  check_refused("1e131072", LEDGER_OUT_OF_RANGE);
  check_refused("1e-16384", LEDGER_OUT_OF_RANGE);
  check_refused("1e99999999999999999999", LEDGER_OUT_OF_RANGE);
  check_refused("0e-99999999999999999999", LEDGER_OUT_OF_RANGE);
  struct decimal number;
  assert_int_equal(decimal_parse(&arena,
                                 "12\0"
                                 "34",
                                 5, &number, NULL),
                   LEDGER_INVALID_TEXT);
}

static void test_limits(void **state) {
  (void)state;
  struct decimal largest = number_of(repeat('9', 131072)), one = number_of("1"),
                 ten = number_of("10");
  struct decimal least = number_of("1e-16383"), tenth = number_of("0.1"), out;
  ledger_error error;
  assert_string_equal(text_of(&largest), repeat('9', 131072));
  assert_int_equal(decimal_add(&arena, &largest, &one, &out), LEDGER_OUT_OF_RANGE);
  assert_int_equal(decimal_subtract(&arena, &largest, &one, &out), LEDGER_OK);
  assert_int_equal(decimal_multiply(&arena, &largest, &ten, &out), LEDGER_OUT_OF_RANGE);
  assert_int_equal(decimal_divide(&arena, &largest, &tenth, &out, &error), LEDGER_OUT_OF_RANGE);
  assert_string_equal(error.message, "value overflows numeric format");
  assert_int_equal(decimal_multiply(&arena, &least, &tenth, &out), LEDGER_OK);
  assert_int_equal(out.scale, 16383);
  assert_int_equal(out.count, 0);
}

/* ---- rounding */

static void test_round(void **state) {
  static const struct {
    const char *number;
    int scale;
    const char *rounded, *truncated;
  } cases[] = {
      {"1.005", 2, "1.01", "1.00"},
      {"-1.005", 2, "-1.01", "-1.00"},
      {"1.004999", 2, "1.00", "1.00"},
      {"0.5", 0, "1", "0"},
      {"-0.5", 0, "-1", "0"},
      {"0.4", 0, "0", "0"},
      {"-0.4", 0, "0", "0"},
      {"999.995", 2, "1000.00", "999.99"},
      {"1.5", 4, "1.5000", "1.5000"},
      {"12345", -3, "12000", "12000"},
      {"12500", -3, "13000", "12000"},
      {"499", -3, "0", "0"},
      {"500", -3, "1000", "0"},
      {"0", 3, "0.000", "0.000"},
      {"999999999.999999999", 8, "1000000000.00000000", "999999999.99999999"},
      {"999999999.5", 0, "1000000000", "999999999"},
      {"0.0000000005", 9, "0.000000001", "0.000000000"},
      {"5", -1, "10", "0"},
      {"4", -1, "0", "0"},
      {"1", -2000, "0", "0"},
      {"123456789012345678.5", 0, "123456789012345679", "123456789012345678"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct decimal original = number_of(cases[i].number), rounded = original, truncated = original;
    const char *before = text_of(&original);
    assert_int_equal(decimal_round(&arena, &rounded, cases[i].scale), LEDGER_OK);
    assert_int_equal(decimal_truncate(&arena, &truncated, cases[i].scale), LEDGER_OK);
    assert_string_equal(text_of(&rounded), cases[i].rounded);
    assert_string_equal(text_of(&truncated), cases[i].truncated);
    assert_string_equal(text_of(&original), before); /* whose digits they shared */
  }
}

static void test_to_integer(void **state) {
  static const struct {
    const char *text;
    int code;
    int64_t integer;
  } cases[] = {
      {"0", LEDGER_OK, 0},
      {"-0.4", LEDGER_OK, 0},
      {"0.5", LEDGER_OK, 1},
      {"-0.5", LEDGER_OK, -1},
      {"2.5", LEDGER_OK, 3},
      {"1e3", LEDGER_OK, 1000},
      {"1e18", LEDGER_OK, INT64_C(1000000000000000000)},
      {"9223372036854775807.4", LEDGER_OK, INT64_MAX},
      {"9223372036854775807.5", LEDGER_OUT_OF_RANGE, 0},
      {"-9223372036854775808.4", LEDGER_OK, INT64_MIN},
      {"-9223372036854775808.5", LEDGER_OUT_OF_RANGE, 0},
      {"1e19", LEDGER_OUT_OF_RANGE, 0},
      {"1e100", LEDGER_OUT_OF_RANGE, 0},
      {"-1e27", LEDGER_OUT_OF_RANGE, 0},
      {"1e-30", LEDGER_OK, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct decimal number = number_of(cases[i].text), back;
    int64_t integer = 0;
    assert_int_equal(decimal_to_integer(&number, &integer), cases[i].code);
    if (cases[i].code != LEDGER_OK) continue;
    assert_true(integer == cases[i].integer);
    assert_int_equal(decimal_from_integer(&arena, integer, &back), LEDGER_OK);
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)integer);
    assert_string_equal(text_of(&back), text);
  }
}

/* ---- order */

static void test_compare_text(void **state) {
  /* In order; a row's texts are equal. Behind the numbers stands what is no number, bytewise. */
  static const char *const rows[][4] = {
      {"-1000000000000000000000", "-01000000000000000000000.0"},
      {"-10", "-10.00"},
      {"-9.99"},
      {"-1.01"},
      {"-1.0", "-1"},
      {"-0.5"},
      {"-0.05", "-0.0500"},
      {"0", "0.00", "-0", "-0.000"},
      {"0.000000000000000000001"},
      {"0.05"},
      {"0.5", "0.50", "00.5"},
      {"1", "1.0", "1.00", "01"},
      {"1.01", "1.010"},
      {"9"},
      {"9.99"},
      {"10", "10.0"},
      {"99.99"},
      {"100"},
      {"12345678901234567890"},
      {"12345678901234567890.1"},
      {""},
      {"+1"},
      {"-"},
      {"-x"},
      {"."},
      {".5"},
      {"1."},
      {"1.x"},
      {"1e5"},
      {"1x"},
      {"abc"},
      {"abcd"},
  };
  enum { COUNT = sizeof rows / sizeof rows[0] };
  (void)state;
  for (int i = 0; i < COUNT; i++) {
    for (int j = 0; j < COUNT; j++) {
      for (int x = 0; x < 4 && rows[i][x] != NULL; x++) {
        for (int y = 0; y < 4 && rows[j][y] != NULL; y++) {
          const char *a = rows[i][x], *b = rows[j][y];
          int order = decimal_compare_text(a, strlen(a), b, strlen(b));
          if (order != (i > j) - (i < j)) fail_msg("'%s' and '%s': %d", a, b, order);
        }
      }
    }
  }
}

/* ---- laws, over random numbers */

static const char *random_text(struct test_random *random) {
  static const int lengths[] = {0, 1, 2, 8, 9, 10, 18, 19, 27, 60};
  char text[140];
  size_t at = 0;
  bool nines = random_chance(random, 15), zeros = random_chance(random, 15);
  if (random_chance(random, 40)) text[at++] = '-';
  text[at++] = (char)('1' + random_below(random, 9));
  for (int part = 0; part < 2; part++) {
    int length = lengths[random_below(random, 10)];
    if (part == 1 && length > 0) text[at++] = '.';
    for (int i = 0; i < length; i++) {
      text[at++] = nines ? '9' : zeros ? '0' : (char)('0' + random_below(random, 10));
    }
  }
  return arena_copy(&arena, text, at);
}

static void check_equal(const struct decimal *a, const struct decimal *b, const char *x,
                        const char *y) {
  if (decimal_compare(a, b) != 0) fail_msg("%s and %s: %s is not %s", x, y, text_of(a), text_of(b));
}

static void test_laws(void **state) {
  struct test_random random = {random_seed()};
  (void)state;
  for (int i = 0; i < random_count(ROUNDS); i++) {
    const char *x = random_text(&random), *y = random_text(&random), *z = random_text(&random);
    struct decimal a = number_of(x), b = number_of(y), c = number_of(z), sum, other, product,
                   quotient, rest;
    ledger_error error;
    assert_string_equal(text_of(&a), x);
    /* (a + b) - b = a, a + b = b + a, a - b = -(b - a) */
    assert_int_equal(decimal_add(&arena, &a, &b, &sum), LEDGER_OK);
    assert_int_equal(decimal_add(&arena, &b, &a, &other), LEDGER_OK);
    check_equal(&sum, &other, x, y);
    assert_int_equal(decimal_subtract(&arena, &sum, &b, &other), LEDGER_OK);
    check_equal(&other, &a, x, y);
    /* (a + b) c = ac + bc */
    assert_int_equal(decimal_multiply(&arena, &sum, &c, &product), LEDGER_OK);
    assert_int_equal(decimal_multiply(&arena, &a, &c, &sum), LEDGER_OK);
    assert_int_equal(decimal_multiply(&arena, &b, &c, &other), LEDGER_OK);
    assert_int_equal(decimal_add(&arena, &sum, &other, &sum), LEDGER_OK);
    check_equal(&product, &sum, x, y);
    /* ab / b = a */
    assert_int_equal(decimal_multiply(&arena, &a, &b, &product), LEDGER_OK);
    assert_int_equal(decimal_divide_to(&arena, &product, &b, a.scale, &quotient), LEDGER_OK);
    check_equal(&quotient, &a, x, y);
    /* a = div(a, b) b + a mod b, where |a mod b| < |b| */
    assert_int_equal(decimal_divide_whole(&arena, &a, &b, &quotient, &error), LEDGER_OK);
    assert_int_equal(decimal_modulo(&arena, &a, &b, &rest, &error), LEDGER_OK);
    assert_int_equal(decimal_multiply(&arena, &quotient, &b, &product), LEDGER_OK);
    assert_int_equal(decimal_add(&arena, &product, &rest, &sum), LEDGER_OK);
    check_equal(&sum, &a, x, y);
    rest.negative = false;
    b.negative = false;
    assert_int_equal(decimal_compare(&rest, &b), -1);
    /* the two orders agree */
    b = number_of(y);
    assert_int_equal(decimal_compare_text(x, strlen(x), y, strlen(y)), decimal_compare(&a, &b));
    arena_reset(&arena);
  }
}

/* Long division where the first guess of a limb is too high, once and twice. */
static void test_divide_corrections(void **state) {
  static const char *const cases[][3] = {
      {"499999999500000000000000000000000000", "500000000000000000000000001", "999999998"},
      {"500000000999999998000000000", "500000000999999999", "999999999"},
      {"999999999999999999000000000000000000", "999999999999999999999999999", "999999999"},
      {"1000000000000000000000000000000000000", "1000000000999999999", "999999999000000001"},
      {"499999999500000000000000000000000000000000005", "500000000000000000000000001",
       "999999998999999999"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct decimal a = number_of(cases[i][0]), b = number_of(cases[i][1]), quotient;
    assert_int_equal(decimal_divide_whole(&arena, &a, &b, &quotient, NULL), LEDGER_OK);
    assert_string_equal(text_of(&quotient), cases[i][2]);
  }
}

static void test_division_by_zero(void **state) {
  struct decimal one = number_of("1"), zero = number_of("0.00"), out;
  ledger_error error;
  (void)state;
  assert_int_equal(decimal_divide(&arena, &one, &zero, &out, &error), LEDGER_DIVISION_BY_ZERO);
  assert_string_equal(error.message, "division by zero");
  assert_string_equal(error.sqlstate, "22012");
  assert_int_equal(decimal_modulo(&arena, &zero, &zero, &out, &error), LEDGER_DIVISION_BY_ZERO);
  assert_int_equal(decimal_divide_whole(&arena, &one, &zero, &out, &error),
                   LEDGER_DIVISION_BY_ZERO);
}

/* A root's square is the number; ln undoes exp. */
static void test_powers(void **state) {
  struct test_random random = {random_seed()};
  (void)state;
  for (int i = 0; i < 100; i++) {
    const char *x = random_text(&random);
    struct decimal a = number_of(x), root, square, power, back;
    ledger_error error;
    a.negative = false;
    assert_int_equal(decimal_multiply(&arena, &a, &a, &square), LEDGER_OK);
    assert_int_equal(decimal_sqrt(&arena, &square, &root, &error), LEDGER_OK);
    check_equal(&root, &a, x, "");
    char text[64];
    snprintf(text, sizeof text, "%d.%030d", random_below(&random, 200),
             random_below(&random, 1000000000));
    a = number_of(text);
    assert_int_equal(decimal_exp(&arena, &a, &power, &error), LEDGER_OK);
    assert_int_equal(decimal_ln(&arena, &power, &back, &error), LEDGER_OK);
    assert_int_equal(decimal_round(&arena, &back, 25), LEDGER_OK);
    assert_int_equal(decimal_round(&arena, &a, 25), LEDGER_OK);
    check_equal(&back, &a, text, "");
    arena_reset(&arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_parse, end_test),
      cmocka_unit_test_teardown(test_parse_refuses, end_test),
      cmocka_unit_test_teardown(test_limits, end_test),
      cmocka_unit_test_teardown(test_round, end_test),
      cmocka_unit_test_teardown(test_to_integer, end_test),
      cmocka_unit_test_teardown(test_compare_text, end_test),
      cmocka_unit_test_teardown(test_laws, end_test),
      cmocka_unit_test_teardown(test_divide_corrections, end_test),
      cmocka_unit_test_teardown(test_division_by_zero, end_test),
      cmocka_unit_test_teardown(test_powers, end_test),
  };
  return cmocka_run_group_tests_name("decimal", tests, NULL, NULL);
}
