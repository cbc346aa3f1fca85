/*
** The numbers family beyond its recorded answers (test_types.c): what is refused on purpose, what borrows its input,
** stored values that no type of ours wrote, assignment between the types, floats in any locale.
*/
#include "../../ledger.c"

#include <float.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "random.h"

static struct arena arena;

static int end_test(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct type numeric_of(int precision, int scale) {
  return (struct type){.id = TYPE_NUMERIC, .length = precision, .scale = scale};
}

/* ---- numeric */

static void check_numeric(struct type type, const char *text, int code, const char *message,
                          const char *detail) {
  struct value value;
  ledger_error error = {.code = LEDGER_OK};
  int rc = numeric_input(&type, text, strlen(text), &arena, &value, &error);
  if (rc != code) fail_msg("'%s': %d %s", text, rc, error.message);
  assert_string_equal(error.message, message);
  assert_string_equal(error.detail, detail);
}

static void test_numeric_refuses(void **state) {
  static const char *const nans[] = {"NaN", "nan", " NAN ", "\tnan\n"};
  struct type money = numeric_of(5, 2), any = numeric_of(-1, 0);
  (void)state;
  for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
    check_numeric(money, nans[i], LEDGER_OUT_OF_RANGE, "NaN is not supported in type numeric", "");
    check_numeric(any, nans[i], LEDGER_OUT_OF_RANGE, "NaN is not supported in type numeric", "");
  }
  check_numeric(any, "Infinity", LEDGER_OUT_OF_RANGE, "Infinity is not supported in type numeric",
                "");
  check_numeric(any, " -inf ", LEDGER_OUT_OF_RANGE, "-Infinity is not supported in type numeric",
                "");
  check_numeric(money, "inf", LEDGER_OUT_OF_RANGE, "numeric field overflow",
                "A field with precision 5, scale 2 cannot hold an infinite value.");
  check_numeric(
      money, "999.995", LEDGER_OUT_OF_RANGE, "numeric field overflow",
      "A field with precision 5, scale 2 must round to an absolute value less than 10^3.");
  check_numeric(numeric_of(2, 2), "1", LEDGER_OUT_OF_RANGE, "numeric field overflow",
                "A field with precision 2, scale 2 must round to an absolute value less than 1.");
  check_numeric(any, "+nan", LEDGER_INVALID_TEXT, "invalid input syntax for type numeric: \"+nan\"",
                "");
  check_numeric(any, "", LEDGER_INVALID_TEXT, "invalid input syntax for type numeric: \"\"", "");
}

static void test_numeric_borrows(void **state) {
  static const struct {
    int precision, scale;
    const char *text;
    bool borrowed;
  } cases[] = {
      {15, 2, "12.50", true},  {15, 2, "-0.01", true},
      {15, 2, "0.00", true},   {15, 2, "9999999999999.99", true},
      {15, 2, "12.5", false},  {15, 2, "12", false},
      {15, 2, "-0.00", false}, {15, 2, "+1.00", false},
      {15, 2, "01.00", false}, {15, 2, " 1.00", false},
      {15, 2, "1e2", false},   {5, 0, "12345", true},
      {-1, 0, "12.500", true}, {-1, 0, "0", true},
      {-1, 0, "-0", false},    {-1, 0, ".5", false},
      {2, 2, "0.99", true},    {3, 5, "0.00123", false},
      {2, -3, "12000", false},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct type type = numeric_of(cases[i].precision, cases[i].scale);
    struct value value;
    assert_int_equal(
        numeric_input(&type, cases[i].text, strlen(cases[i].text), &arena, &value, NULL),
        LEDGER_OK);
    assert_int_equal(value.kind, VALUE_TEXT);
    if ((value.text == cases[i].text) != cases[i].borrowed) fail_msg("%s", cases[i].text);
  }
}

/* ---- output of what stands in a file: its own form, or CORRUPT */

static void check_output(struct type type, struct value value, const char *wanted) {
  ledger_error error;
  sqlite3_str *out = sqlite3_str_new(NULL);
  int rc = type.id == TYPE_BOOLEAN  ? boolean_output(&value, out)
           : type.id <= TYPE_INT8   ? integer_output(&type, &value, out)
           : type.id <= TYPE_FLOAT8 ? real_output(&type, &value, out)
                                    : numeric_output(&type, &value, out, &error);
  char *text = sqlite3_str_finish(out);
  if (wanted == NULL) {
    assert_int_equal(rc, LEDGER_CORRUPT);
    assert_null(text);
  } else {
    assert_int_equal(rc, LEDGER_OK);
    assert_string_equal(text, wanted);
  }
  sqlite3_free(text);
}

static struct value text_value(const char *text) {
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}
static struct value integer_value(int64_t integer) {
  return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}
static struct value real_value(double real) {
  return (struct value){.kind = VALUE_REAL, .real = real};
}

static void test_output(void **state) {
  struct type boolean = {.id = TYPE_BOOLEAN}, small = {.id = TYPE_INT2}, medium = {.id = TYPE_INT4},
              big = {.id = TYPE_INT8};
  struct type single = {.id = TYPE_FLOAT4}, twice = {.id = TYPE_FLOAT8}, money = numeric_of(5, 2),
              any = numeric_of(-1, 0);
  static const char *const strange[] = {"1.5",   "1.500",   "01.50", "-0.00", "+1.50",
                                        "1.50 ", "1000.00", "1e2",   "",      "-",
                                        "abc",   ".50",     "1.",    "NaN"};
  (void)state;
  check_output(boolean, integer_value(1), "t");
  check_output(boolean, integer_value(0), "f");
  check_output(boolean, integer_value(2), NULL);
  check_output(boolean, text_value("true"), NULL);
  check_output(small, integer_value(-32768), "-32768");
  check_output(small, integer_value(32768), NULL);
  check_output(medium, integer_value(INT64_C(-2147483649)), NULL);
  check_output(medium, real_value(1), NULL);
  check_output(big, integer_value(INT64_MIN), "-9223372036854775808");
  check_output(big, text_value("1"), NULL);
  check_output(single, real_value(0.1f), "0.1");
  check_output(single, real_value(0.1), NULL);
  check_output(single, real_value(1e300), NULL);
  check_output(single, real_value(INFINITY), "Infinity");
  check_output(twice, real_value(0.1), "0.1");
  check_output(twice, real_value(-INFINITY), "-Infinity");
  check_output(twice, real_value(NAN), NULL);
  check_output(twice, text_value("0.1"), NULL);
  check_output(money, text_value("999.99"), "999.99");
  check_output(money, integer_value(1), NULL);
  check_output(money, real_value(1.5), NULL);
  for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
    check_output(money, text_value(strange[i]), NULL);
  check_output(any, text_value("1.500"), "1.500");
  check_output(any, text_value("1e2"), NULL);
  check_output(any, text_value("-0"), NULL);
  check_output(numeric_of(3, 5), text_value("0.00123"), "0.00123");
  check_output(numeric_of(2, -3), text_value("12000"), "12000");
}

/* ---- assignment between the types */

static void test_integer_assignment(void **state) {
  int64_t integer;
  ledger_error error;
  struct decimal number;
  (void)state;
  assert_int_equal(integer_check(TYPE_INT2, 32767, &error), LEDGER_OK);
  assert_int_equal(integer_check(TYPE_INT2, 32768, &error), LEDGER_OUT_OF_RANGE);
  assert_string_equal(error.message, "smallint out of range");
  assert_int_equal(integer_check(TYPE_INT4, INT64_C(-2147483649), &error), LEDGER_OUT_OF_RANGE);
  assert_string_equal(error.message, "integer out of range");
  static const struct {
    double real;
    int64_t integer;
  } halves[] = {{0.5, 0}, {1.5, 2}, {2.5, 2}, {-0.5, 0}, {-1.5, -2}, {2147483647.4, 2147483647}};
  for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
    assert_int_equal(integer_from_real(TYPE_INT4, halves[i].real, &integer, &error), LEDGER_OK);
    assert_int_equal(integer, halves[i].integer);
  }
  assert_int_equal(integer_from_real(TYPE_INT4, 2147483647.5, &integer, &error),
                   LEDGER_OUT_OF_RANGE);
  assert_int_equal(integer_from_real(TYPE_INT8, 9223372036854775807.0, &integer, &error),
                   LEDGER_OUT_OF_RANGE);
  assert_string_equal(error.message, "bigint out of range");
  assert_int_equal(integer_from_real(TYPE_INT8, -9223372036854775808.0, &integer, &error),
                   LEDGER_OK);
  assert_int_equal(integer_from_real(TYPE_INT8, INFINITY, &integer, &error), LEDGER_OUT_OF_RANGE);
  assert_int_equal(integer_from_real(TYPE_INT8, NAN, &integer, &error), LEDGER_OUT_OF_RANGE);
  assert_int_equal(decimal_parse(&arena, "2.5", 3, &number, &error), LEDGER_OK);
  assert_int_equal(integer_from_decimal(TYPE_INT2, &number, &integer, &error), LEDGER_OK);
  assert_int_equal(integer, 3); /* a numeric rounds away from zero */
}

/* ---- floats */

static void check_real(enum type_id id, const char *text, int code, const char *wanted) {
  struct value value;
  char out[REAL_TEXT_MAX];
  ledger_error error = {.code = LEDGER_OK};
  int rc = real_input(id, text, strlen(text), &value, &error);
  if (rc != code) fail_msg("'%s': %d %s", text, rc, error.message);
  if (rc != LEDGER_OK) {
    assert_string_equal(error.message, wanted);
    return;
  }
  assert_int_equal(value.kind, VALUE_REAL);
  assert_int_equal(real_text(id, value.real, out), strlen(wanted));
  assert_string_equal(out, wanted);
}

static void test_real(void **state) {
  (void)state;
  check_real(TYPE_FLOAT8, "NaN", LEDGER_UNSUPPORTED,
             "NaN is not supported in type double precision");
  check_real(TYPE_FLOAT4, "nan", LEDGER_UNSUPPORTED, "NaN is not supported in type real");
  check_real(TYPE_FLOAT8, "-0", LEDGER_OK, "0"); /* SQLite keeps no sign of zero */
  check_real(TYPE_FLOAT8, "-0.0e5", LEDGER_OK, "0");
  check_real(TYPE_FLOAT8, "1e23", LEDGER_OK, "9.999999999999999e+22");
  check_real(TYPE_FLOAT8, "5.6843418860808015e-14", LEDGER_OK,
             "5.684341886080802e-14"); /* 2^-44: nearer neighbours below */
  check_real(TYPE_FLOAT8, "4.9e-324", LEDGER_OK, "5e-324");
  check_real(TYPE_FLOAT8, "1e400", LEDGER_OUT_OF_RANGE,
             "\"1e400\" is out of range for type double precision");
  check_real(TYPE_FLOAT4, " 1e40 ", LEDGER_OUT_OF_RANGE, "\"1e40\" is out of range for type real");
  char digits[4000];
  memset(digits, '1', sizeof digits);
  digits[1] = '.';
  digits[sizeof digits - 1] = 0;
  check_real(TYPE_FLOAT8, digits, LEDGER_OK, "1.1111111111111112");
}

/* Text to number and back is the identity, and no shorter text would do. From 2^53 on a shorter text may lie in the
** middle between two numbers: PostgreSQL does not print those. */
static void test_real_shortest(void **state) {
  struct test_random random = {random_seed()};
  (void)state;
  for (int i = 0; i < random_count(20000); i++) {
    union {
      uint64_t bits;
      double real;
    } wide = {random_next(&random)};
    union {
      uint32_t bits;
      float real;
    } narrow = {(uint32_t)random_next(&random)};
    char text[REAL_TEXT_MAX], shorter[64];
    if (isfinite(wide.real)) {
      real_text(TYPE_FLOAT8, wide.real, text);
      assert_true(strtod(text, NULL) == wide.real);
      for (int digits = 1; digits < 17 && fabs(wide.real) < 9007199254740992.0; digits++) {
        snprintf(shorter, sizeof shorter, "%.*e", digits - 1, wide.real);
        if (strtod(shorter, NULL) != wide.real) continue;
        int shown = 0;
        for (const char *c = text; *c != 0 && *c != 'e'; c++) shown += *c >= '0' && *c <= '9';
        if (strchr(text, 'e') != NULL && shown > digits) fail_msg("%s, but %s", text, shorter);
        break;
      }
    }
    if (isfinite(narrow.real)) {
      real_text(TYPE_FLOAT4, narrow.real, text);
      assert_true(strtof(text, NULL) == narrow.real);
    }
  }
}

/* A program may have set a locale whose decimal point is a comma. */
static void test_real_locale(void **state) {
  static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
  const char *set = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0] && set == NULL; i++)
    set = setlocale(LC_ALL, names[i]);
  if (set == NULL) {
    puts("# SKIP test_real_locale: no locale that writes 1,5 is installed");
    skip();
  }
  check_real(TYPE_FLOAT8, "1.5", LEDGER_OK, "1.5");
  check_real(TYPE_FLOAT8, "1,5", LEDGER_INVALID_TEXT,
             "invalid input syntax for type double precision: \"1,5\"");
  setlocale(LC_ALL, "C");
}

static void test_real_to_decimal(void **state) {
  static const struct {
    enum type_id id;
    double real;
    const char *text;
  } cases[] = {
      {TYPE_FLOAT8, 0.1, "0.1"},
      {TYPE_FLOAT8, 1e20, "100000000000000000000"},
      {TYPE_FLOAT8, 1.0 / 3, "0.333333333333333"},
      {TYPE_FLOAT8, -1234567890123456789.0, "-1234567890123460000"},
      {TYPE_FLOAT8, 0, "0"},
      {TYPE_FLOAT8, 9.99999999999999999e22, "100000000000000000000000"},
      {TYPE_FLOAT4, 1.0f / 3, "0.333333"},
      {TYPE_FLOAT4, 123456789.0f, "123457000"},
  };
  struct decimal number;
  ledger_error error;
  size_t length;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_int_equal(real_to_decimal(cases[i].id, cases[i].real, &arena, &number, &error),
                     LEDGER_OK);
    assert_string_equal(decimal_text(&arena, &number, &length), cases[i].text);
  }
  assert_int_equal(real_to_decimal(TYPE_FLOAT8, -INFINITY, &arena, &number, &error),
                   LEDGER_OUT_OF_RANGE);
  assert_string_equal(error.message, "-Infinity is not supported in type numeric");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_numeric_refuses, end_test),
      cmocka_unit_test_teardown(test_numeric_borrows, end_test),
      cmocka_unit_test(test_output),
      cmocka_unit_test_teardown(test_integer_assignment, end_test),
      cmocka_unit_test(test_real),
      cmocka_unit_test(test_real_shortest),
      cmocka_unit_test(test_real_locale),
      cmocka_unit_test_teardown(test_real_to_decimal, end_test),
  };
  return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
