/*
** The JSON scanner: what it takes, what it refuses and with which words, its depth, its strings.
** The words are those of a PostgreSQL 15 server.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The tokens of a document as a text: one letter each, keys and scalars with their text in
** parentheses. */
static char *tokens(const char *text, size_t length) {
  struct json json;
  sqlite3_str *out = sqlite3_str_new(NULL);
  enum json_token token;
  json_start(&json, text, length);
  do {
    token = json_next(&json);
    sqlite3_str_appendchar(out, 1, "$!{}[]ks0tfn"[token]);
    if (token == JSON_KEY || token == JSON_STRING || token == JSON_NUMBER)
      sqlite3_str_appendf(out, "(%.*s)", (int)json.token_length, json.token);
  } while (token != JSON_END && token != JSON_ERROR);
  assert_int_equal(json_next(&json), token); /* the end stays the end, an error an error */
  return sqlite3_str_finish(out);
}

static void test_tokens(void **state) {
  static const struct {
    const char *text, *tokens;
  } rows[] = {
      {"{}", "{}$"},
      {" [ ] ", "[]$"},
      {"\t\r\n null ", "n$"},
      {"[true,false,null]", "[tfn]$"},
      {"-0.5e+10", "0(-0.5e+10)$"},
      {"\"a\\\"b\"", "s(a\\\"b)$"},
      {"{\"a\":1,\"b\":[{},\"x\"]}", "{k(a)0(1)k(b)[{}s(x)]}$"},
      {"{\"a\" : { \"b\" : \"c\" } }", "{k(a){k(b)s(c)}}$"},
      {"[[],[[1]],2]", "[[][[0(1)]]0(2)]$"},
      {"1 2", "0(1)!"},
      {"[1,]", "[0(1)!"},
      {"{\"a\":1,}", "{k(a)0(1)!"},
      {"[1}", "[0(1)!"},
      {"", "!"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char *mine = tokens(rows[i].text, strlen(rows[i].text));
    assert_string_equal(mine, rows[i].tokens);
    sqlite3_free(mine);
  }
}

static void test_words(void **state) {
  static const struct {
    const char *text, *detail;
  } rows[] = {
      {"", "The input string ended unexpectedly."},
      {"[1", "The input string ended unexpectedly."},
      {"{a", "Token \"a\" is invalid."},
      {"01", "Token \"01\" is invalid."},
      {"1a.b", "Token \"1a\" is invalid."},
      {"-", "Token \"-\" is invalid."},
      {"1.", "Token \"1.\" is invalid."},
      {"+1", "Token \"+\" is invalid."},
      {"truex", "Token \"truex\" is invalid."},
      {"\"abc", "Token \"\"abc\" is invalid."},
      {"\"a\\", "Token \"\"a\\\" is invalid."},
      {"\"a\\u1", "Token \"\"a\\u1\" is invalid."},
      {"\"a\nb\"", "Character with value 0x0a must be escaped."},
      {"\"\\x\"", "Escape sequence \"\\x\" is invalid."},
      {"\"\\\xc3\xa9\"", "Escape sequence \"\\\xc3\xa9\" is invalid."},
      {"\"\\u12g4\"", "\"\\u\" must be followed by four hexadecimal digits."},
      {"{\"a\" \"b\"}", "Expected \":\", but found \"\"b\"\"."},
      {"{\"a\"}", "Expected \":\", but found \"}\"."},
      {"{\"a\":}", "Expected JSON value, but found \"}\"."},
      {"{,}", "Expected string or \"}\", but found \",\"."},
      {"{\"a\":1,}", "Expected string, but found \"}\"."},
      {"{\"a\":1 2}", "Expected \",\" or \"}\", but found \"2\"."},
      {"[,]", "Expected JSON value, but found \",\"."},
      {"[1 2]", "Expected \",\" or \"]\", but found \"2\"."},
      {"1 2", "Expected end of input, but found \"2\"."},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct json json;
    ledger_error error;
    json_start(&json, rows[i].text, strlen(rows[i].text));
    while (json_next(&json) != JSON_ERROR) assert_null(json.problem);
    assert_int_equal(json_error(&json, &error), LEDGER_INVALID_TEXT);
    assert_string_equal(error.message, "invalid input syntax for type json");
    assert_string_equal(error.detail, rows[i].detail);
    assert_string_equal(error.sqlstate, "22P02");
  }
}

/* A document cut short anywhere is refused, unless what is left is one by itself; a scan never
** reads behind the end. */
static void test_cut(void **state) {
  static const char whole[] = "{\"key\":[1.5e3,\"a\\u00e9\\n\",true,{\"x\":null}],\"y\":-0}";
  (void)state;
  for (size_t length = 0; length < sizeof whole - 1; length++) {
    char *copy = malloc(length > 0 ? length : 1); /* the sanitizer watches its end */
    memcpy(copy, whole, length);
    char *mine = tokens(copy, length);
    assert_int_equal(mine[strlen(mine) - 1], '!');
    sqlite3_free(mine);
    free(copy);
  }
}

static void test_depth(void **state) {
  char text[2 * LEDGER_JSON_DEPTH_MAX + 2];
  struct json json;
  ledger_error error;
  size_t length;
  (void)state;
  memset(text, '[', LEDGER_JSON_DEPTH_MAX);
  memset(text + LEDGER_JSON_DEPTH_MAX, ']', LEDGER_JSON_DEPTH_MAX);
  json_start(&json, text, 2 * LEDGER_JSON_DEPTH_MAX);
  assert_int_equal(json_next(&json), JSON_ARRAY);
  assert_true(json_skip(&json, &length));
  assert_int_equal(length, 2 * LEDGER_JSON_DEPTH_MAX);
  assert_int_equal(json_next(&json), JSON_END);

  memset(text, '[', LEDGER_JSON_DEPTH_MAX + 1);
  json_start(&json, text, LEDGER_JSON_DEPTH_MAX + 1);
  for (int i = 0; i < LEDGER_JSON_DEPTH_MAX; i++) assert_int_equal(json_next(&json), JSON_ARRAY);
  assert_int_equal(json_next(&json), JSON_ERROR);
  assert_int_equal(json_error(&json, &error), LEDGER_TOO_COMPLEX);
  assert_string_equal(error.sqlstate, "54001");
}

static void test_skip(void **state) {
  static const char text[] = "{\"a\": [1, {\"b\":2}] , \"c\":{}}";
  struct json json;
  size_t length;
  (void)state;
  json_start(&json, text, sizeof text - 1);
  assert_int_equal(json_next(&json), JSON_OBJECT);
  assert_int_equal(json_next(&json), JSON_KEY);
  assert_int_equal(json_next(&json), JSON_ARRAY);
  assert_true(json_skip(&json, &length));
  assert_int_equal(length, 12);
  assert_memory_equal(json.token, "[1, {\"b\":2}]", 12);
  assert_int_equal(json_next(&json), JSON_KEY);
  assert_int_equal(json_next(&json), JSON_OBJECT);
  assert_true(json_skip(&json, &length));
  assert_int_equal(length, 2);
  assert_int_equal(json_next(&json), JSON_OBJECT_END);
  assert_int_equal(json_next(&json), JSON_END);
}

static void test_decode(void **state) {
  static const struct {
    const char *text, *decoded; /* decoded NULL: refused */
    int code;
  } rows[] = {
      {"\"plain\"", "plain", LEDGER_OK},
      {"\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"", "\b\f\n\r\t/\\\"", LEDGER_OK},
      {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", LEDGER_OK},
      {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!", LEDGER_OK},
      {"\"\\u0000\"", NULL, LEDGER_UNTRANSLATABLE},
      {"\"\\ud83d\"", NULL, LEDGER_INVALID_TEXT},
      {"\"\\ud83d\\u0041\"", NULL, LEDGER_INVALID_TEXT},
      {"\"\\ud83d\\ud83d\"", NULL, LEDGER_INVALID_TEXT},
      {"\"\\ude00\"", NULL, LEDGER_INVALID_TEXT},
  };
  struct arena arena = {0};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct json json;
    ledger_error error;
    const char *text;
    size_t length;
    json_start(&json, rows[i].text, strlen(rows[i].text));
    assert_int_equal(json_next(&json), JSON_STRING);
    assert_int_equal(json_decode(&arena, &json, &text, &length, &error), rows[i].code);
    if (rows[i].decoded == NULL) {
      assert_int_equal(error.code, rows[i].code);
      continue;
    }
    assert_int_equal(length, strlen(rows[i].decoded));
    assert_memory_equal(text, rows[i].decoded, length);
  }
  arena_free(&arena);
}

/* Every byte, at every place within the words that the scanner looks at eight bytes at a time. */
static void test_quote(void **state) {
  static const char escaped[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt",
                    filler[] = "xxxxxxxxxxxxxxxxxxxx";
  (void)state;
  for (int c = 1; c < 128; c++) {
    for (int at = 0; at < 20; at++) {
      char text[20], spelled[8];
      struct json json;
      sqlite3_str *out = sqlite3_str_new(NULL);
      memcpy(text, filler, sizeof text);
      text[at] = (char)c;
      json_quote(out, text, sizeof text);
      char *mine = sqlite3_str_finish(out);
      const char *escape = strchr(escaped, c);
      if (escape != NULL)
        sqlite3_snprintf(sizeof spelled, spelled, "\\%c", letters[escape - escaped]);
      else
        sqlite3_snprintf(sizeof spelled, spelled, c < 32 ? "\\u%04x" : "%c", c);
      char *expected = sqlite3_mprintf("\"%.*s%s%s\"", at, filler, spelled, filler + at + 1);
      assert_string_equal(mine, expected);
      json_start(&json, mine, strlen(mine));
      assert_int_equal(json_next(&json), JSON_STRING);
      assert_int_equal(json_next(&json), JSON_END);
      sqlite3_free(mine);
      sqlite3_free(expected);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tokens), cmocka_unit_test(test_words), cmocka_unit_test(test_cut),
      cmocka_unit_test(test_depth),  cmocka_unit_test(test_skip),  cmocka_unit_test(test_decode),
      cmocka_unit_test(test_quote),
  };
  return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
