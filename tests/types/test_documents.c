/*
** json, jsonb, arrays, enums and the dispatcher beyond the recorded answers (test_types.c): the
** names of types, what is borrowed, order, assignment, stored values that a foreign program wrote,
** and the SQL functions, with memory and without. The expected answers are a PostgreSQL 15
** server's.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct arena arena;

static int end_test(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

static struct type type_of(const char *name) {
  struct type type;
  ledger_error error;
  if (type_parse(name, &type, &error) != LEDGER_OK) fail_msg("%s: %s", name, error.message);
  return type;
}

/* ---- names */

static void test_names(void **state) {
  static const struct {
    const char *name, *formatted;
  } rows[] = {
      {"bool", "boolean"},
      {"int4", "integer"},
      {"INT", "integer"},
      {"float(24)", "real"},
      {"float(25)", "double precision"},
      {"Double   Precision", "double precision"},
      {"decimal", "numeric"},
      {"numeric(15)", "numeric(15,0)"},
      {"numeric( 15 , 2 )", "numeric(15,2)"},
      {"numeric(4,-2)", "numeric(4,-2)"},
      {"varchar", "character varying"},
      {"CHARACTER VARYING(255)", "character varying(255)"},
      {"char", "character(1)"},
      {"char(3)", "character(3)"},
      {"character", "bpchar"}, /* format_type(bpchar, NULL) */
      {"bpchar", "bpchar"},
      {"time(0)", "time(0) without time zone"},
      {"timestamp (3) without time zone", "timestamp(3) without time zone"},
      {"timestamptz(0)", "timestamp(0) with time zone"},
      {"timestamp(7)", "timestamp(6) without time zone"},
      {"interval", "interval"},
      {"interval(3)", "interval(3)"},
      {"interval year to month", "interval year to month"},
      {"interval day to second(3)", "interval day to second(3)"},
      {"interval second(0)", "interval second(0)"},
      {"text[3][]", "text[]"},
      {"numeric(15,2)[]", "numeric(15,2)[]"},
      {"timestamp(3) with time zone[]", "timestamp(3) with time zone[]"},
      {"interval day to second(3)[]", "interval day to second(3)[]"},
      {"pg_catalog.int4", "integer"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    for (int round = 0; round < 2; round++) { /* the formatted name reads back as the same type */
      struct type type = type_of(round == 0 ? rows[i].name : rows[i].formatted);
      sqlite3_str *out = sqlite3_str_new(NULL);
      type_format(out, &type);
      char *formatted = sqlite3_str_finish(out);
      assert_string_equal(formatted, rows[i].formatted);
      sqlite3_free(formatted);
    }
  }
}

static void test_refused_names(void **state) {
  static const struct {
    const char *name, *sqlstate, *message;
  } rows[] = {
      {"point", "0A000", "type point is not supported"},
      {"time with time zone", "0A000", "type time with time zone is not supported"},
      {"bit(3)", "0A000", "type bit is not supported"},
      {"tsvector[]", "0A000", "type tsvector is not supported"},
      {"mood", "42704", "type \"mood\" does not exist"},
      {"", "42704", "type \"\" does not exist"},
      {"numeric(", "42704", "type \"numeric(\" does not exist"},
      {"int[] x", "42704", "type \"int[] x\" does not exist"},
      {"numeric(1001)", "22023", "NUMERIC precision 1001 must be between 1 and 1000"},
      {"numeric(99999999999)", "22023", NULL},
      {"numeric(5,1001)", "22023", "NUMERIC scale 1001 must be between -1000 and 1000"},
      {"varchar(0)", "22023", "length for type varchar must be at least 1"},
      {"char(10485761)", "22023", "length for type char cannot exceed 10485760"},
      {"float(54)", "22023", "precision for type float must be less than 54 bits"},
      {"text(3)", "42601", "type modifier is not allowed for type \"text\""},
      {"interval year(3)", "42601", NULL},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct type type;
    ledger_error error;
    int rc = type_parse(rows[i].name, &type, &error);
    if (rc == LEDGER_OK || strcmp(error.sqlstate, rows[i].sqlstate) != 0)
      fail_msg("%s: %d %s", rows[i].name, rc, rc == LEDGER_OK ? "accepted" : error.message);
    if (rows[i].message != NULL) assert_string_equal(error.message, rows[i].message);
  }
}

/* ---- input */

static struct value value_read(const struct type *type, const char *text) {
  struct value value;
  ledger_error error;
  int rc = type_input(type, text, strlen(text), &arena, &value, &error);
  if (rc != LEDGER_OK) fail_msg("%s: %s", text, error.message);
  return value;
}

static void test_stored_forms(void **state) {
  static const struct {
    const char *type, *text, *stored;
  } rows[] = {
      {"jsonb", "{\"b\":1e2,\"a\":[1.50,-0]}", "{\"a\": [1.50, 0], \"b\": 100}"},
      {"json", " [1 ] ", " [1 ] "},
      {"text[]", "{a,\"b c\",NULL,\"NULL\",\"\"}", "[\"a\",\"b c\",null,\"NULL\",\"\"]"},
      {"integer[]", "{{1,2},{3,NULL}}", "[[1,2],[3,null]]"},
      {"numeric[]", "{1e2,1.50,-0}", "[100,1.50,0]"},
      {"boolean[]", "{t,no,NULL}", "[true,false,null]"},
      {"double precision[]", "{1e20,0.1,Infinity}", "[1e+20,0.1,\"Infinity\"]"},
      {"timestamp with time zone[]", "{2026-01-28 12:34:56+02}", "[\"2026-01-28 10:34:56+00\"]"},
      {"bytea[]", "{abc}", "[\"\\\\x616263\"]"},
      {"jsonb[]", "{\"{\\\"a\\\":1}\"}", "[\"{\\\"a\\\": 1}\"]"},
      {"text[]", "[1:2]={a,b}", "[\"a\",\"b\"]"},
      {"text[]", "{}", "[]"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct type type = type_of(rows[i].type);
    struct value value = value_read(&type, rows[i].text);
    assert_int_equal(value.kind, VALUE_TEXT);
    assert_int_equal(value.length, strlen(rows[i].stored));
    assert_memory_equal(value.text, rows[i].stored, value.length);
  }
}

static void test_canonical_is_borrowed(void **state) {
  static const char *const documents[] = {
      "null",
      "-1.50",
      "\"a\\u001f\\n\\\"\"",
      "[]",
      "{}",
      "[1, [2, {}], \"x\"]",
      "{\"a\": 1, \"b\": {\"c\": [true, null]}, \"aa\": 0}",
  };
  static const char *const others[] = {
      "-0",
      "1e2",
      "[1,2]",
      "[ 1]",
      "{\"a\":1}",
      "{\"b\": 1, \"a\": 2}",
      "{\"aa\": 1, \"b\": 2}",
      "{\"a\": 1, \"a\": 2}",
      " 1",
      "1 ",
      "\"\\u0041\"",
      "\"\\/\"",
      "\"\\u001F\"",
      "\"\\u000a\"",
      "{\"a\" : 1}",
      "[1 , 2]",
  };
  struct type type = type_of("jsonb");
  (void)state;
  for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
    assert_ptr_equal(value_read(&type, documents[i]).text, documents[i]);
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    struct value value = value_read(&type, others[i]);
    if (value.text == others[i]) fail_msg("%s taken as canonical", others[i]);
    assert_ptr_equal(type_input(&type, value.text, value.length, &arena, &value, NULL), LEDGER_OK);
  }
}

static void test_messages(void **state) {
  static const struct {
    const char *type, *text, *sqlstate, *message, *detail;
  } rows[] = {
      {"jsonb", "{a}", "22P02", "invalid input syntax for type json", "Token \"a\" is invalid."},
      {"jsonb", "\"\\u0000\"", "22P05", "unsupported Unicode escape sequence",
       "\\u0000 cannot be converted to text."},
      {"jsonb", "1e200000", "22003", "value overflows numeric format", ""},
      {"text[]", "x", "22P02", "malformed array literal: \"x\"",
       "Array value must start with \"{\" or dimension information."},
      {"text[]", "{{a},{b,c}}", "22P02", "malformed array literal: \"{{a},{b,c}}\"",
       "Multidimensional arrays must have sub-arrays with matching dimensions."},
      {"text[]", "{a}x", "22P02", "malformed array literal: \"{a}x\"",
       "Junk after closing right brace."},
      {"text[]", "{{{{{{{a}}}}}}}", "54000",
       "number of array dimensions (7) exceeds the maximum allowed (6)", ""},
      {"text[]", "[1:0]={}", "2202E", "upper bound cannot be less than lower bound", ""},
      {"text[]", "[0:1]={a,b}", "0A000", "array lower bounds other than 1 are not supported", ""},
      {"text[]", "{{1},{{2}}}", "22P02", "malformed array literal: \"{{1},{{2}}}\"",
       "Multidimensional arrays must have sub-arrays with matching dimensions."},
      {"integer[]", "{1,x}", "22P02", "invalid input syntax for type integer: \"x\"", ""},
      {"character varying(2)[]", "{abc}", "22001", "value too long for type character varying(2)",
       ""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct type type = type_of(rows[i].type);
    struct value value;
    ledger_error error = {.code = LEDGER_OK};
    int rc = type_input(&type, rows[i].text, strlen(rows[i].text), &arena, &value, &error);
    assert_int_equal(rc, error.code);
    assert_string_equal(error.sqlstate, rows[i].sqlstate);
    assert_string_equal(error.message, rows[i].message);
    assert_string_equal(error.detail, rows[i].detail);
    assert_int_equal(type_input(&type, rows[i].text, strlen(rows[i].text), &arena, &value, NULL),
                     rc);
  }
}

static void test_depth(void **state) {
  struct type type = type_of("jsonb");
  char text[2 * LEDGER_JSON_DEPTH_MAX + 2];
  struct value value;
  ledger_error error;
  (void)state;
  memset(text, '[', LEDGER_JSON_DEPTH_MAX);
  memset(text + LEDGER_JSON_DEPTH_MAX, ']', LEDGER_JSON_DEPTH_MAX);
  assert_int_equal(type_input(&type, text, 2 * LEDGER_JSON_DEPTH_MAX, &arena, &value, &error),
                   LEDGER_OK);
  memset(text, '[', LEDGER_JSON_DEPTH_MAX + 1);
  memset(text + LEDGER_JSON_DEPTH_MAX + 1, ']', LEDGER_JSON_DEPTH_MAX + 1);
  assert_int_equal(type_input(&type, text, sizeof text, &arena, &value, &error),
                   LEDGER_TOO_COMPLEX);
  assert_string_equal(error.message, "stack depth limit exceeded");
}

static void test_enum(void **state) {
  static const char *const labels[] = {"sad", "ok", "happy"};
  static const struct type_labels mood = {.name = "mood", .count = 3, .labels = labels};
  struct type type = {.id = TYPE_ENUM, .length = -1, .labels = &mood}, many = type;
  struct value value, other;
  ledger_error error;
  (void)state;
  value = value_read(&type, "sad");
  other = value_read(&type, "happy");
  assert_true(type_compare(&type, &value, &other) < 0); /* by place, not by letters */
  assert_int_equal(type_input(&type, "Sad", 3, &arena, &value, &error), LEDGER_INVALID_TEXT);
  assert_string_equal(error.message, "invalid input value for enum mood: \"Sad\"");
  assert_int_equal(type_input(&type, "", 0, &arena, &value, &error), LEDGER_INVALID_TEXT);
  many.is_array = true;
  value = value_read(&many, "{sad,NULL,ok}");
  assert_memory_equal(value.text, "[\"sad\",null,\"ok\"]", value.length);
  assert_int_equal(type_input(&many, "{sad,x}", 7, &arena, &value, &error), LEDGER_INVALID_TEXT);
}

/* ---- order */

/* Each sorts before all that follow it. */
static void check_order(const char *name, const char *const *texts, size_t count) {
  struct type type = type_of(name);
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < count; k++) {
      struct value a = value_read(&type, texts[i]), b = value_read(&type, texts[k]);
      int expected = i < k ? -1 : i > k;
      if (type_compare(&type, &a, &b) != expected)
        fail_msg("%s: %s and %s", name, texts[i], texts[k]);
    }
  }
}

static void test_order(void **state) {
  static const char *const documents[] = {
      "[]",
      "null",
      "\"\"",
      "\"A\"",
      "\"a\"",
      "\"aa\"",
      "\"b\"",
      "\"é\"",
      "-1.5",
      "0",
      "1",
      "1.5",
      "10",
      "false",
      "true",
      "[null]",
      "[\"z\"]",
      "[0]",
      "[1]",
      "[[]]",
      "[{}]",
      "[0, 0]",
      "[[], 1]",
      "{}",
      "{\"a\": 1}",
      "{\"a\": 2}",
      "{\"a\": []}",
      "{\"aa\": 0}",
      "{\"b\": 0}",
      "{\"a\": 0, \"b\": 0}",
      "{\"b\": 0, \"aa\": 0}",
  };
  static const char *const numbers[] = {"{}",     "{-1}",     "{1}", "{1,2}", "{{1,2}}",
                                        "{1,10}", "{1,NULL}", "{2}", "{10}",  "{NULL}"};
  static const char *const texts[] = {"{}",   "{1}", "{1,10}", "{1,9}",
                                      "{10}", "{2}", "{a}",    "{NULL}"};
  struct type jsonb = type_of("jsonb");
  (void)state;
  check_order("jsonb", documents, sizeof documents / sizeof documents[0]);
  check_order("integer[]", numbers, sizeof numbers / sizeof numbers[0]);
  check_order("numeric[]", numbers, sizeof numbers / sizeof numbers[0]);
  check_order("text[]", texts, sizeof texts / sizeof texts[0]);
  struct value a = value_read(&jsonb, "{\"a\": 1.0, \"b\": \"\\n\"}"),
               b = value_read(&jsonb, "{\"a\": 1.00, \"b\": \"\\n\"}");
  assert_int_equal(type_compare(&jsonb, &a, &b), 0); /* by value, not by scale */
  assert_int_equal(jsonb_compare("x", 1, "{\"a\": 1}", 8),
                   1); /* what is no document sorts behind */
  assert_int_equal(jsonb_compare("{\"a\": 1}", 8, "x", 1), -1);
  assert_int_equal(jsonb_compare("{", 1, "{x", 2), -1);
  assert_int_equal(jsonb_compare("", 0, "", 0), 0);
}

/* ---- output of what a foreign program stored */

static void test_corrupt(void **state) {
  static const struct {
    const char *type, *stored;
  } rows[] = {
      {"jsonb", "{"},
      {"json", ""},
      {"text[]", "{}"},
      {"text[]", "[[1],[1,2]]"},
      {"text[]", "[[]]"},
      {"text[]", "1"},
      {"text[]", "[1"},
      {"text[]", "[1,[2]]"},
      {"integer[]", "[[[[[[[1]]]]]]]"},
      {"text[]", "[\"\\u0000\"]"},
      {"integer[]", "[\"x\"]"},
      {"integer[]", "[2147483648]"},
      {"boolean[]", "[1]"},
      {"text[]", "[true]"},
      {"uuid[]", "[\"x\"]"},
      {"text[]", "[\"\xff\"]"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct type type = type_of(rows[i].type);
    struct value value = {
        .kind = VALUE_TEXT, .text = rows[i].stored, .length = strlen(rows[i].stored)};
    struct value number = {.kind = VALUE_INTEGER, .integer = 1};
    ledger_error error;
    sqlite3_str *out = sqlite3_str_new(NULL);
    int rc = type_output(&type, &value, out, &error);
    if (rc != LEDGER_CORRUPT) fail_msg("%s %s: %d", rows[i].type, rows[i].stored, rc);
    assert_int_equal(type_output(&type, &number, out, &error), LEDGER_CORRUPT);
    assert_int_equal(type_json(&type, &number, out, &error), LEDGER_CORRUPT);
    sqlite3_free(sqlite3_str_finish(out));
  }
}

/* A foreign program may spell a jsonb in its own way: what goes out is jsonb's spelling. */
static void test_foreign_jsonb(void **state) {
  static const char stored[] = "{\"b\":1e2,\"a\":[]}";
  struct type type = type_of("jsonb");
  struct value value = {.kind = VALUE_TEXT, .text = stored, .length = sizeof stored - 1};
  ledger_error error;
  sqlite3_str *out = sqlite3_str_new(NULL);
  (void)state;
  assert_int_equal(type_output(&type, &value, out, &error), LEDGER_OK);
  assert_string_equal(sqlite3_str_value(out), "{\"a\": [], \"b\": 100}");
  sqlite3_free(sqlite3_str_finish(out));
}

/* ---- assignment */

static void check_assign(const char *name, enum ledger_kind kind, int64_t integer, const char *text,
                         const char *expected) {
  struct type type = type_of(name);
  ledger_value given = {
      .kind = kind, .integer = integer, .text = text, .length = text == NULL ? 0 : strlen(text)};
  struct value value;
  ledger_error error;
  int rc = type_assign(&type, &given, &arena, &value, &error);
  if (rc != LEDGER_OK) {
    char *mine = sqlite3_mprintf("!%s %s", error.sqlstate, error.message);
    if (strcmp(mine, expected) != 0)
      fail_msg("%s of %s: %s", name, text == NULL ? "integer" : text, mine);
    sqlite3_free(mine);
    return;
  }
  sqlite3_str *out = sqlite3_str_new(NULL);
  if (value.kind == VALUE_NULL)
    sqlite3_str_appendall(out, "NULL");
  else
    assert_int_equal(type_output(&type, &value, out, &error), LEDGER_OK);
  char *mine = sqlite3_str_finish(out);
  if (strcmp(mine, expected) != 0)
    fail_msg("%s of %s: %s", name, text == NULL ? "integer" : text, mine);
  sqlite3_free(mine);
}

static void test_assign(void **state) {
  (void)state;
  check_assign("integer", LEDGER_NULL, 0, NULL, "NULL");
  check_assign("smallint", LEDGER_INTEGER, 32767, NULL, "32767");
  check_assign("smallint", LEDGER_INTEGER, 32768, NULL, "!22003 smallint out of range");
  check_assign("integer", LEDGER_INTEGER, INT64_MAX, NULL, "!22003 integer out of range");
  check_assign("bigint", LEDGER_INTEGER, INT64_MIN, NULL, "-9223372036854775808");
  check_assign("numeric(5,2)", LEDGER_INTEGER, 12, NULL, "12.00");
  check_assign("numeric(5,2)", LEDGER_INTEGER, 1000, NULL, "!22003 numeric field overflow");
  check_assign("double precision", LEDGER_INTEGER, 3, NULL, "3");
  check_assign("text", LEDGER_INTEGER, -5, NULL, "-5");
  check_assign("character varying(2)", LEDGER_INTEGER, 123, NULL,
               "!22001 value too long for type character varying(2)");
  check_assign("boolean", LEDGER_INTEGER, 1, NULL,
               "!42804 column is of type boolean but expression is of type integer");
  check_assign("date", LEDGER_INTEGER, INT64_C(5000000000), NULL,
               "!42804 column is of type date but expression is of type bigint");
  check_assign("integer[]", LEDGER_INTEGER, 1, NULL,
               "!42804 column is of type integer[] but expression is of type integer");
  check_assign("integer", LEDGER_NUMBER, 0, "2.5", "3");
  check_assign("integer", LEDGER_NUMBER, 0, "-2.5", "-3");
  check_assign("integer", LEDGER_NUMBER, 0, "1e3", "1000");
  check_assign("integer", LEDGER_NUMBER, 0, "2147483647.5", "!22003 integer out of range");
  check_assign("bigint", LEDGER_NUMBER, 0, "9223372036854775808", "!22003 bigint out of range");
  check_assign("numeric", LEDGER_NUMBER, 0, "1.50", "1.50");
  check_assign("numeric(4,1)", LEDGER_NUMBER, 0, "12.35", "12.4");
  check_assign("text", LEDGER_NUMBER, 0, "1e3", "1000");
  check_assign("text", LEDGER_NUMBER, 0, "1.50", "1.50");
  check_assign("boolean", LEDGER_NUMBER, 0, "1.5",
               "!42804 column is of type boolean but expression is of type numeric");
  check_assign("uuid", LEDGER_NUMBER, 0, "1",
               "!42804 column is of type uuid but expression is of type integer");
  check_assign("integer", LEDGER_NUMBER, 0, "abc",
               "!22P02 invalid input syntax for type numeric: \"abc\"");
  check_assign("boolean", LEDGER_BOOLEAN, 1, NULL, "t");
  check_assign("text", LEDGER_BOOLEAN, 0, NULL, "false");
  check_assign("character varying(3)", LEDGER_BOOLEAN, 1, NULL,
               "!22001 value too long for type character varying(3)");
  check_assign("integer", LEDGER_BOOLEAN, 1, NULL,
               "!42804 column is of type integer but expression is of type boolean");
  check_assign("bytea", LEDGER_BYTES, 0, "ab", "\\x6162");
  check_assign("text", LEDGER_BYTES, 0, "ab",
               "!42804 column is of type text but expression is of type bytea");
  check_assign("jsonb", LEDGER_JSON, 0, "{\"b\":1,\"a\":2}", "{\"a\": 2, \"b\": 1}");
  check_assign("json", LEDGER_JSON, 0, "[1 ]", "[1 ]");
  check_assign("text", LEDGER_JSON, 0, "{}",
               "!42804 column is of type text but expression is of type json");
  check_assign("jsonb", LEDGER_INTEGER, 1, NULL,
               "!42804 column is of type jsonb but expression is of type integer");
  check_assign("integer[]", LEDGER_JSON, 0, "[1, 2.5, \"3\", null]", "{1,3,3,NULL}");
  check_assign("text[]", LEDGER_JSON, 0, "[[\"a\",1],[true,null]]", "{{a,1},{true,NULL}}");
  check_assign("timestamp with time zone[]", LEDGER_JSON, 0, "[\"2026-01-28T12:00:00Z\"]",
               "{\"2026-01-28 12:00:00+00\"}");
  check_assign("jsonb[]", LEDGER_JSON, 0, "[{\"b\":1,\"a\":2},\"x\",1]",
               "{\"{\\\"a\\\": 2, \\\"b\\\": 1}\",\"\\\"x\\\"\",1}");
  check_assign("integer[]", LEDGER_JSON, 0, "[]", "{}");
  check_assign("integer[]", LEDGER_JSON, 0, "[[1],[2,3]]", "!22P02 malformed JSON array");
  check_assign("integer[]", LEDGER_JSON, 0, "[[],[]]", "!22P02 malformed JSON array");
  check_assign("integer[]", LEDGER_JSON, 0, "1", "!22P02 expected JSON array");
  check_assign("integer[]", LEDGER_JSON, 0, "[1,", "!22P02 invalid input syntax for type json");
  check_assign("integer[]", LEDGER_JSON, 0, "[\"x\"]",
               "!22P02 invalid input syntax for type integer: \"x\"");
  check_assign("text[]", LEDGER_JSON, 0, "[{\"a\":1}]",
               "!42804 column is of type text but expression is of type json");
  check_assign("text", LEDGER_DEFAULT, 0, NULL, "!55000 DEFAULT is no value of a type");
}

/* ---- the SQL functions */

static const struct {
  const char *sql, *answer; /* NULL: NULL; a leading '!': an error that begins so */
} functions[] = {
    {"pg_jsonb_object_field('{\"a\": {\"b\": 1}}', 'a')", "{\"b\": 1}"},
    {"pg_jsonb_object_field_text('{\"a\": \"x\\ny\"}', 'a')", "x\ny"},
    {"pg_jsonb_object_field_text('{\"a\": null}', 'a')", NULL},
    {"pg_json_object_field('{\"a\":1, \"a\" : [2 ]}', 'a')", "[2 ]"},
    {"pg_jsonb_array_element('[1, 2, 3]', -1)", "3"},
    {"pg_jsonb_array_element('\"x\"', 0)", "\"x\""},
    {"pg_json_array_element('\"x\"', 0)", NULL},
    {"pg_jsonb_extract_path('{\"a\": [1, {\"b\": 2}]}', '[\"a\",\"1\",\"b\"]')", "2"},
    {"pg_jsonb_extract_path_text('{\"a\": [\"x\"]}', '[\"a\",\"-1\"]')", "x"},
    {"pg_jsonb_extract_path('{\"a\": 1}', '[\"a\",null]')", NULL},
    {"pg_jsonb_object_field('{', 'a')", "!22P02: invalid input syntax for type json"},
    {"pg_jsonb_contains('{\"a\": 1.0, \"b\": [1, 2]}', '{\"a\": 1, \"b\": [2]}')", "1"},
    {"pg_jsonb_contains('[\"a\"]', '\"a\"')", "1"},
    {"pg_jsonb_contained('[[\"a\"]]', '[\"a\"]')", "0"},
    {"pg_jsonb_exists_any('{\"a\": 1}', '[\"b\",null,\"a\"]')", "1"},
    {"pg_jsonb_exists_all('{\"a\": 1}', '[\"a\",\"b\"]')", "0"},
    {"pg_jsonb_concat('{\"a\": 1, \"b\": 2}', '{\"b\": 3}')", "{\"a\": 1, \"b\": 3}"},
    {"pg_jsonb_concat('{\"a\": 1}', '2')", "[{\"a\": 1}, 2]"},
    {"pg_jsonb_delete('[\"a\", \"b\", \"a\"]', 'a')", "[\"b\"]"},
    {"pg_jsonb_delete('1', 'a')", "!22023: cannot delete from scalar"},
    {"pg_jsonb_delete_idx('[1, 2]', -1)", "[1]"},
    {"pg_jsonb_delete_path('{\"a\": [1, 2]}', '[\"a\",\"0\"]')", "{\"a\": [2]}"},
    {"pg_jsonb_set('{\"a\": 1}', '[\"b\"]', '2')", "{\"a\": 1, \"b\": 2}"},
    {"pg_jsonb_set('{\"a\": 1}', '[\"b\"]', '2', 0)", "{\"a\": 1}"},
    {"pg_jsonb_set('[1]', '[\"x\"]', '2')",
     "!22P02: path element at position 1 is not an integer: \"x\""},
    {"pg_jsonb_set('[1]', '[null]', '2')", "!22004: path element at position 1 is null"},
    {"pg_jsonb_set_lax('{\"a\": 1}', '[\"a\"]', NULL, 1, 'delete_key')", "{}"},
    {"pg_jsonb_insert('{\"a\": [1]}', '[\"a\",\"0\"]', '0')", "{\"a\": [0, 1]}"},
    {"pg_jsonb_insert('{\"a\": 1}', '[\"a\"]', '0')", "!22023: cannot replace existing key"},
    {"pg_jsonb_strip_nulls('{\"a\": null, \"b\": [null, {\"c\": null}]}')", "{\"b\": [null, {}]}"},
    {"pg_json_strip_nulls('{\"a\":null, \"b\":[null,{\"c\":null}],\"b\":1}')",
     "{\"b\":[null,{}],\"b\":1}"},
    {"pg_jsonb_pretty('{\"a\": [1, {}]}')",
     "{\n    \"a\": [\n        1,\n        {\n        }\n    ]\n}"},
    {"pg_jsonb_int4('2.5')", "3"},
    {"pg_jsonb_int4('\"1\"')", "!22023: cannot cast jsonb string to type integer"},
    {"pg_to_jsonb('2026-01-28 12:34:56.5+00:00', 'timestamp with time zone')",
     "\"2026-01-28T12:34:56.5+00:00\""},
    {"pg_to_jsonb('[1,2]', 'integer[]')", "[1, 2]"},
    {"pg_to_json(x'00ff', 'bytea')", "\"\\\\x00ff\""},
    {"pg_json_build_object('text', 'a', 'integer', 1, 'integer', 2, 'text', NULL)",
     "{\"a\" : 1, \"2\" : null}"},
    {"pg_jsonb_build_object('text', 'b', 'integer', 1, 'text', 'a', 'boolean', 0)",
     "{\"a\": false, \"b\": 1}"},
    {"pg_jsonb_build_object('text', NULL, 'integer', 1)",
     "!22023: argument 1: key must not be null"},
    {"pg_jsonb_build_array('text', 'a', 'jsonb', '{\"a\": 1}')", "[\"a\", {\"a\": 1}]"},
    {"pg_jsonb_agg(v, 'integer') FROM (SELECT 1 AS v UNION ALL SELECT NULL)", "[1, null]"},
    {"pg_jsonb_agg(v, 'integer') FROM (SELECT 1 AS v) WHERE 0", NULL},
    {"pg_jsonb_object_agg(k, 'text', v, 'text') FROM (SELECT 'b' AS k, 'x' AS v UNION ALL SELECT "
     "'a', 'y')",
     "{\"a\": \"y\", \"b\": \"x\"}"},
    {"pg_jsonb_object('[\"a\",\"1\",\"a\",null]')", "{\"a\": null}"},
    {"pg_array_append('[1]', NULL, 'integer')", "[1,null]"},
    {"pg_array_append(NULL, 'a', 'text')", "[\"a\"]"},
    {"pg_array_append('[[1]]', 2, 'integer')",
     "!22000: argument must be empty or one-dimensional array"},
    {"pg_array_cat('[[1,2]]', '[3,4]', 'integer')", "[[1,2],[3,4]]"},
    {"pg_array_cat('[[1,2]]', '[3]', 'integer')", "!2202E: cannot concatenate incompatible arrays"},
    {"pg_arraycontains('[1.0,2]', '[1.00]', 'numeric')", "1"},
    {"pg_arraycontains('[1,null]', '[null]', 'integer')", "0"},
    {"pg_arrayoverlap('[1,2]', '[2,3]', 'integer')", "1"},
    {"pg_array_position('[1,null]', NULL, 'integer')", "2"},
    {"pg_array_positions('[1,2,1]', 1, 'integer')", "[1,3]"},
    {"pg_array_remove('[1,null,1]', 1, 'integer')", "[null]"},
    {"pg_array_replace('[[1,2]]', 2, NULL, 'integer')", "[[1,null]]"},
    {"pg_trim_array('[1,2]', 2, 'integer')", "[]"},
    {"pg_array_element('[[1,2],[3,4]]', 2, 1, 'integer')", "3"},
    {"pg_array_element('[1]', 2, 'integer')", NULL},
    {"typeof(pg_array_element('[1.5]', 1, 'numeric'))", "text"},
    {"pg_array_element('[\"2026-01-28 00:00:00+00\"]', 1, 'timestamp with time zone')",
     "2026-01-28 00:00:00+00:00"},
    {"pg_array_length('[[1,2]]', 2)", "2"},
    {"pg_array_length('[]', 1)", NULL},
    {"pg_array_dims('[[1,2]]')", "[1:1][1:2]"},
    {"pg_array_to_text_null('[true,null]', ',', '*', 'boolean')", "t,*"},
    {"pg_text_to_array('a,,b', ',')", "[\"a\",\"\",\"b\"]"},
    {"pg_text_to_array('h\u00e9', NULL)", "[\"h\",\"\u00e9\"]"},
    {"pg_array_any(3, '=', '[1,null]', 'integer')", NULL},
    {"pg_array_any(NULL, '=', '[]', 'integer')", "0"},
    {"pg_array_all(3, '<>', '[1,2]', 'integer')", "1"},
    {"pg_array_any('Abc', '~~*', '[\"x\",\"ab%\"]', 'text')", "1"},
    {"pg_array('integer[]', '[1]', '[2]')", "[[1],[2]]"},
    {"pg_array('integer[]', '[1]', '[2,3]')", "!2202E: multidimensional arrays"},
    {"pg_array_cast('[1.5,2.5]', 'double precision', 'integer')", "[2,2]"},
    {"pg_array_cast('[1.5,2.5]', 'numeric', 'integer')", "[2,3]"},
    {"pg_array_agg(v, 'integer[]') FROM (SELECT '[1]' AS v UNION ALL SELECT '[2]')", "[[1],[2]]"},
    {"pg_string_agg(v, d) FROM (SELECT 'a' AS v, '-' AS d UNION ALL SELECT NULL, '+' UNION ALL "
     "SELECT 'b', '*')",
     "a*b"},
    {"'[10]' = '[10.0]' COLLATE pg_array_numeric", "1"},
    {"'[2]' < '[10]' COLLATE pg_array_text", "0"},
    {"'{\"a\": 1.0}' = '{\"a\": 1}' COLLATE pg_jsonb", "1"},
    {"pg_input('12.345', 'numeric(5,2)')", "12.35"},
    {"pg_input('abc', 'character varying(2)')", "ab"},
    {"pg_input_assign('abc', 'character varying(2)')",
     "!22001: value too long for type character varying(2)"},
    {"pg_input('x', 'mood')", "!42704: type \"mood\" does not exist"},
    {"pg_output('[true,null]', 'boolean[]')", "{t,NULL}"},
    {"pg_enum_in('ok', 'mood', '[\"sad\",\"ok\"]')", "ok"},
    {"pg_enum_in('x', 'mood', '[\"sad\",\"ok\"]')",
     "!22P02: invalid input value for enum mood: \"x\""},
    {"pg_raise('23514', 'no')", "!23514: no"},
    {"pg_raise('UX001', 'own')", "!UX001: own"},
    {"pg_now()", "2000-01-01 00:00:00+00:00"},
    {"pg_auth_uid()", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    {"pg_auth_role()", NULL},
    {"pg_auth_jwt()", "{\"n\": 1, \"sub\": \"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\"}"},
    {"pg_current_setting('request.jwt.claim.n')", "1"},
    {"pg_current_setting('app.none', 1)", NULL},
    {"pg_current_setting('app.none')", "!42704: unrecognized configuration parameter \"app.none\""},
    {"pg_nextval('s')", "!0A000: nextval() is not available on this connection"},
    {"length(pg_uuid()) || substr(pg_uuid(), 15, 1) || substr(pg_uuid4(), 15, 1)", "3674"},
};

/* Every allocation of SQLite's, and so of ours, counts down to a failure; negative: none fails. */
static sqlite3_mem_methods real_memory;
static int allocations_left = -1;

static bool may_allocate(void) {
  if (allocations_left > 0) allocations_left--;
  return allocations_left != 0;
}

static void *failing_malloc(int bytes) {
  return may_allocate() ? real_memory.xMalloc(bytes) : NULL;
}

static void *failing_realloc(void *memory, int bytes) {
  return may_allocate() ? real_memory.xRealloc(memory, bytes) : NULL;
}

static sqlite3 *open_database(struct function_session *session) {
  sqlite3 *db;
  *session = (struct function_session){
      .now_us = INT64_C(946684800000000),
      .claims = "{\"sub\":\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\",\"n\":1}"};
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(function_documents_register(db, session), SQLITE_OK);
  assert_int_equal(function_session_register(db, session), SQLITE_OK);
  return db;
}

/* The answer, the caller's: text, NULL, or "!" and the message. */
static char *ask(sqlite3 *db, const char *sql, int *rc) {
  sqlite3_stmt *statement = NULL;
  char *answer = NULL;
  *rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  if (*rc == SQLITE_OK) *rc = sqlite3_step(statement);
  if (*rc == SQLITE_ROW) {
    bool is_null = sqlite3_column_type(statement, 0) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (text != NULL)
      answer = strdup(text);
    else if (!is_null)
      *rc = SQLITE_NOMEM;
  } else if (*rc != SQLITE_NOMEM) {
    const char *message = sqlite3_errmsg(db);
    answer = malloc(strlen(message) + 2);
    assert_non_null(answer);
    answer[0] = '!';
    memcpy(answer + 1, message, strlen(message) + 1);
  }
  sqlite3_finalize(statement);
  return answer;
}

static void check_answer(const char *sql, const char *expected, const char *answer) {
  bool is_right = expected == NULL || answer == NULL
                      ? expected == answer
                      : strncmp(expected, answer,
                                expected[0] == '!' ? strlen(expected) : strlen(expected) + 1) == 0;
  if (!is_right)
    fail_msg("%s\n  expected %s\n  got      %s", sql, expected ? expected : "NULL",
             answer ? answer : "NULL");
}

static void test_functions(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    int rc;
    char *sql = sqlite3_mprintf("SELECT %s", functions[i].sql);
    char *answer = ask(db, sql, &rc);
    check_answer(functions[i].sql, functions[i].answer, answer);
    sqlite3_free(sql);
    free(answer);
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

/* With the first, second, third ... allocation failing, a call answers rightly or says that
** memory is short. */
static void test_functions_without_memory(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
    char *sql = sqlite3_mprintf("SELECT %s", functions[i].sql);
    bool is_through = false;
    int failures = 0;
    for (int allowed = 1; !is_through; allowed++) {
      int rc;
      arena_free(&session.arena);
      allocations_left = allowed;
      char *answer = ask(db, sql, &rc);
      is_through = allocations_left > 0;
      allocations_left = -1;
      /* "SQL logic error" is SQLite's word when it has an error but no room for its message. */
      if (rc == SQLITE_NOMEM || (answer != NULL && strcmp(answer, "!SQL logic error") == 0))
        failures++;
      else
        check_answer(functions[i].sql, functions[i].answer, answer);
      free(answer);
    }
    assert_true(failures > 0);
    sqlite3_free(sql);
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

/* A document made deeper than can be read again is refused. */
static void test_function_depth(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  int rc;
  (void)state;
  char *answer = ask(
      db,
      "WITH RECURSIVE t(n, v) AS (SELECT 0, '1' UNION ALL"
      " SELECT n + 1, pg_jsonb_set('[0]', '[\"0\"]', v) FROM t WHERE n < 600) SELECT max(n) FROM t",
      &rc);
  check_answer("nesting", "!54001: stack depth limit exceeded", answer);
  free(answer);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_refused_names),
      cmocka_unit_test_teardown(test_stored_forms, end_test),
      cmocka_unit_test_teardown(test_canonical_is_borrowed, end_test),
      cmocka_unit_test_teardown(test_messages, end_test),
      cmocka_unit_test_teardown(test_depth, end_test),
      cmocka_unit_test_teardown(test_enum, end_test),
      cmocka_unit_test_teardown(test_order, end_test),
      cmocka_unit_test(test_corrupt),
      cmocka_unit_test(test_foreign_jsonb),
      cmocka_unit_test_teardown(test_assign, end_test),
      cmocka_unit_test(test_functions),
      cmocka_unit_test(test_functions_without_memory),
      cmocka_unit_test(test_function_depth),
  };
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
  sqlite3_mem_methods failing = real_memory;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  return cmocka_run_group_tests_name("documents", tests, NULL, NULL);
}
