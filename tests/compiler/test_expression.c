/*
** The typed expression and query translator: the queries of expressions.txt, translated and run on a file made from the
** schema at its head, against what PostgreSQL answered; the names of the library's functions that the tables promise; the
** CHECKs of stored forms; positions of errors; depth.
*/
#include "../../ledger.c"

/* The compiler is a program of its own: two of its names are the library's, too. */
#define query compiler_query
#define trigger_step compiler_trigger_step
#include "../../schema/compiler/operators.h"
#undef query
#undef trigger_step

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct schema_result *compile(const char *text) {
  struct schema_file file = {"test.sql", text, strlen(text)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  schema_compile(&file, 1, &options, &result);
  assert_non_null(result);
  for (int i = 0; i < result->note_count; i++) {
    if (result->notes[i].severity == SCHEMA_ERROR) print_message("%s\n", result->notes[i].message);
  }
  return result;
}

static ledger *create(const struct schema_result *schema) {
  ledger *db = NULL;
  int rc = ledger_create(":memory:", schema->script, 0, &db);
  assert_non_null(db);
  if (rc != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  return db;
}

/* The answer as expressions.txt writes it. The caller's, from sqlite3_str_finish(). */
static char *answer(const struct schema_result *schema, ledger *db, const char *sql) {
  struct schema_query query;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_stmt *statement = NULL;
  ledger_error error = {0};
  db->session.now_us = clock_now_us(); /* as in a transaction */
  if (schema_query(schema, sql, &query) != 0) {
    sqlite3_str_appendall(out, query.sqlstate);
    schema_query_free(&query);
    return sqlite3_str_finish(out);
  }
  int rc = sqlite3_prepare_v2(db->sqlite, query.sql, -1, &statement, NULL);
  while (rc == SQLITE_OK || rc == SQLITE_ROW) {
    rc = sqlite3_step(statement);
    for (int i = 0; rc == SQLITE_ROW && i < sqlite3_column_count(statement); i++) {
      struct type type;
      struct value value = function_argument(sqlite3_column_value(statement, i));
      if (i > 0) sqlite3_str_appendall(out, " | ");
      if (type_parse(query.types[i], &type, &error) != LEDGER_OK) { /* an enum */
        type = (struct type){
            .id = TYPE_TEXT, .length = -1, .is_array = strstr(query.types[i], "[]") != NULL};
      }
      if (value.kind == VALUE_NULL)
        sqlite3_str_appendall(out, "NULL");
      else if (type_output(&type, &value, out, &error) != LEDGER_OK)
        sqlite3_str_appendf(out, "<%s>", error.message);
    }
    if (rc == SQLITE_ROW) sqlite3_str_appendall(out, " ; ");
  }
  if (rc != SQLITE_DONE) { /* "22012: division by zero" */
    const char *message = sqlite3_errmsg(db->sqlite);
    sqlite3_str_reset(out);
    sqlite3_str_append(out, message,
                       strlen(message) > 6 && message[5] == ':' ? 5 : (int)strlen(message));
  }
  sqlite3_finalize(statement);
  schema_query_free(&query);
  char *text = sqlite3_str_finish(out);
  return text != NULL ? text : sqlite3_mprintf("");
}

static void unescape(char *text) {
  char *out = text;
  for (; *text != '\0'; text++) {
    if (text[0] == '\\' && text[1] != '\0') {
      *out++ = text[1] == 'n' ? '\n' : text[1];
      text++;
    } else {
      *out++ = *text;
    }
  }
  *out = '\0';
}

static void test_recorded_answers(void **state) {
  (void)state;
  FILE *file = fopen("tests/compiler/expressions.txt", "rb");
  assert_non_null(file);
  static char text[256 * 1024];
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  assert_true(length < sizeof text - 1);
  char *queries = strstr(text, "\n----\n");
  assert_non_null(queries);
  queries[1] = '\0';
  struct schema_result *schema = compile(text);
  ledger *db = create(schema);
  int count = 0, wrong = 0;
  for (char *line = strtok(queries + 6, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    char *expected = strchr(line, '\t');
    assert_non_null(expected);
    *expected++ = '\0';
    unescape(expected);
    char *given = answer(schema, db, line);
    if (strcmp(given, expected) != 0) {
      print_message("%s\n  expected %s\n  answered %s\n", line, expected, given);
      wrong++;
    }
    sqlite3_free(given);
    count++;
  }
  assert_int_equal(wrong, 0);
  assert_true(count > 300);
  ledger_close(db);
  schema_free(schema);
}

/* Each private function that a template or a row's prosrc names is registered. */
static void assert_registered(sqlite3 *sqlite, const char *name, size_t length) {
  sqlite3_stmt *statement;
  assert_int_equal(sqlite3_prepare_v2(
                       sqlite, "SELECT 1 FROM pragma_function_list WHERE name = ?1 COLLATE NOCASE",
                       -1, &statement, NULL),
                   SQLITE_OK);
  sqlite3_bind_text(statement, 1, name, (int)length, SQLITE_TRANSIENT);
  int rc = sqlite3_step(statement);
  sqlite3_finalize(statement);
  if (rc != SQLITE_ROW) fail_msg("the library has no function %.*s", (int)length, name);
}

static void assert_source(sqlite3 *sqlite, const char *source) {
  const char *template = operators_template(source);
  char name[128];
  if (template == NULL) {
    sqlite3_snprintf(sizeof name, name, "%s%s", strncmp(source, "pg_", 3) == 0 ? "" : "pg_",
                     source);
    bool is_expanded = strncmp(name, "pg_num_n", 8) == 0 ||
                       strncmp(name, "pg_enum_", 8) == 0; /* by the compiler */
    if (!is_expanded) assert_registered(sqlite, name, strlen(name));
    return;
  }
  for (const char *call = strstr(template, "pg_"); call != NULL; call = strstr(call + 1, "pg_")) {
    assert_registered(sqlite, call, strcspn(call, "("));
  }
}

static void test_functions_exist(void **state) {
  static const char *const comparisons[] = {"=", "<>", "<", ">", "<=", ">="};
  (void)state;
  struct schema_result *schema = compile("CREATE TABLE t (id integer);");
  ledger *db = create(schema);
  for (int i = 0; i < pg_operator_row_count; i++) {
    bool is_comparison = false;
    for (int k = 0; k < 6; k++)
      is_comparison = is_comparison || strcmp(comparisons[k], pg_operator_rows[i].name) == 0;
    if (!is_comparison) assert_source(db->sqlite, pg_operator_rows[i].source);
  }
  for (int i = 0; i < pg_function_row_count; i++)
    assert_source(db->sqlite, pg_function_rows[i].source);
  for (int i = 0; i < pg_cast_row_count; i++) {
    if (pg_cast_rows[i].method == 'f') assert_source(db->sqlite, pg_cast_rows[i].source);
  }
  ledger_close(db);
  schema_free(schema);
}

/* Every call that the tables know is either refused, with a position, or names nothing that the library lacks: a column of
** each type is given to each operator, function, aggregate and window function. */
static const char *const every_type[SQLTYPE_COUNT] = {[SQL_BOOLEAN] = "boolean",
                                                      [SQL_INT2] = "smallint",
                                                      [SQL_INT4] = "integer",
                                                      [SQL_INT8] = "bigint",
                                                      [SQL_FLOAT4] = "real",
                                                      [SQL_FLOAT8] = "double precision",
                                                      [SQL_NUMERIC] = "numeric",
                                                      [SQL_TEXT] = "text",
                                                      [SQL_VARCHAR] = "varchar",
                                                      [SQL_BPCHAR] = "char(3)",
                                                      [SQL_CITEXT] = "citext",
                                                      [SQL_XML] = "xml",
                                                      [SQL_UUID] = "uuid",
                                                      [SQL_DATE] = "date",
                                                      [SQL_TIME] = "time",
                                                      [SQL_TIMESTAMP] = "timestamp",
                                                      [SQL_TIMESTAMPTZ] = "timestamptz",
                                                      [SQL_INTERVAL] = "interval",
                                                      [SQL_JSON] = "json",
                                                      [SQL_JSONB] = "jsonb",
                                                      [SQL_INET] = "inet",
                                                      [SQL_CIDR] = "cidr",
                                                      [SQL_BYTEA] = "bytea",
                                                      [SQL_ENUM] = "mood"};

/* The column that stands for a declared type; NULL: none can. */
static const char *every_column(type_code code, char *out, int size) {
  bool is_array = IS_ARRAY_CODE(code) || code == CODE_ANYARRAY || code == CODE_ANYCOMPATIBLEARRAY;
  type_code element = ELEMENT_OF(code);
  if (code == CODE_ANYENUM)
    element = SQL_ENUM;
  else if (element >= CODE_ANY)
    element = SQL_INT4;
  if (element >= SQLTYPE_COUNT || every_type[element] == NULL) return NULL;
  sqlite3_snprintf(size, out, "%s%d", is_array ? "a" : "c", (int)element);
  return out;
}

static void assert_known(const struct schema_result *schema, sqlite3 *sqlite, const char *sql) {
  struct schema_query query;
  sqlite3_stmt *statement = NULL;
  if (schema_query(schema, sql, &query) != 0) {
    if (strcmp(query.sqlstate, "0A000") != 0 || query.position < 0)
      fail_msg("%s: %s %s at %d", sql, query.sqlstate, query.message, query.position);
  } else if (sqlite3_prepare_v2(sqlite, query.sql, -1, &statement, NULL) != SQLITE_OK) {
    fail_msg("%s: %s: %s", sql, query.sql, sqlite3_errmsg(sqlite));
  }
  sqlite3_finalize(statement);
  schema_query_free(&query);
}

/* name(columns) OVER () and the like; a type that no column has is not tried. */
static void assert_call(const struct schema_result *schema, sqlite3 *sqlite, const char *name,
                        const type_code *arguments, int count, const char *behind) {
  char column[20];
  sqlite3_str *sql = sqlite3_str_new(NULL);
  bool has_columns = true;
  sqlite3_str_appendf(sql, "SELECT \"%w\"(%s", name,
                      count == 0 && strcmp(name, "count") == 0 ? "*" : "");
  for (int i = 0; i < count && has_columns; i++) {
    has_columns = every_column(arguments[i], column, sizeof column) != NULL;
    sqlite3_str_appendf(sql, "%s%s", i > 0 ? ", " : "", column);
  }
  sqlite3_str_appendf(sql, ")%s FROM every", behind);
  char *text = sqlite3_str_finish(sql);
  if (has_columns) assert_known(schema, sqlite, text);
  sqlite3_free(text);
}

static void test_calls_are_known(void **state) {
  static const char *const windows[] = {"row_number",  "rank",       "dense_rank", "percent_rank",
                                        "cume_dist",   "ntile",      "lag",        "lead",
                                        "first_value", "last_value", "nth_value"};
  static const int window_arguments[] = {0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2};
  static const type_code integers[] = {SQL_INT4, SQL_INT4};
  char left[20], right[20];
  (void)state;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('sad', 'ok'); "
                              "CREATE TABLE every (id integer");
  for (int i = 0; i < SQLTYPE_COUNT; i++)
    if (every_type[i] != NULL)
      sqlite3_str_appendf(text, ", c%d %s, a%d %s[]", i, every_type[i], i, every_type[i]);
  sqlite3_str_appendall(text, ");");
  char *definition = sqlite3_str_finish(text);
  struct schema_result *schema = compile(definition);
  ledger *db = create(schema);
  sqlite3_free(definition);
  for (int i = 0; i < pg_aggregate_row_count; i++) {
    const struct pg_aggregate_row *row = &pg_aggregate_rows[i];
    assert_call(schema, db->sqlite, row->name, row->arguments, row->count, "");
    assert_call(schema, db->sqlite, row->name, row->arguments, row->count, " OVER (ORDER BY id)");
  }
  for (int i = 0; i < (int)(sizeof windows / sizeof windows[0]); i++)
    assert_call(schema, db->sqlite, windows[i], integers, window_arguments[i],
                " OVER (PARTITION BY id ORDER BY id)");
  for (int i = 0; i < pg_function_row_count; i++) {
    const struct pg_function_row *row = &pg_function_rows[i];
    type_code arguments[FUNCTION_ARGUMENTS_MAX];
    memcpy(arguments, row->arguments, sizeof arguments);
    if (row->variadic)
      arguments[row->count - 1] = ELEMENT_OF(arguments[row->count - 1]); /* one of them */
    assert_call(schema, db->sqlite, row->name, arguments, row->count, "");
  }
  for (int i = 0; i < pg_operator_row_count; i++) {
    const struct pg_operator_row *row = &pg_operator_rows[i];
    bool is_prefix = row->left == CODE_NONE;
    if (every_column(is_prefix ? row->right : row->left, left, sizeof left) == NULL ||
        every_column(row->right, right, sizeof right) == NULL)
      continue;
    char *sql =
        sqlite3_mprintf("SELECT %s %s %s FROM every", is_prefix ? "" : left, row->name, right);
    assert_known(schema, db->sqlite, sql);
    sqlite3_free(sql);
  }
  ledger_close(db);
  schema_free(schema);
}

/* ---- the CHECK of a stored form: what a foreign writer may put into a column */

static const struct {
  const char *type, *accepted, *refused; /* separated by bars */
} stored_forms[] = {
    {"numeric(10,2)", "0.00|1.50|-1.50|12345678.91|-12345678.91|-0.05|10.00",
     "-0.00|1.5|1.500|123456789.00|01.50|+1.50|1,50||.50|-.50|--1.50|1e5|abc|-00.50|1.5x|5| "
     "1.50|00.50"},
    {"numeric", "0|1|-1|0.5|-0.50|123456789012345678901234567890.123|0.00|10",
     "-0|-0.00|01|1.|.5|1e5||-|+1|1.2.3|--1"},
    {"numeric(5,0)", "0|5|-99999|99999", "100000|-0|1.0||x|05"},
    {"numeric(40,5)", "1.00000|12345678901234567890.12345|-0.00001", "1.0|01.00000|1"},
    {"numeric(3,3)", "0.123|-0.999", "1.000|.123|0.12"},
    {"timestamp",
     "2026-01-28 12:34:56|2026-01-28 12:34:56.5|2026-01-28 12:34:56.123456|infinity|-infinity|"
     "9999-12-31 23:59:59.999999|0001-01-01 00:00:00|2026-01-28 12:34:50",
     "2026-01-28|2026-02-30 00:00:00|2026-01-28 12:34:56.|2026-01-28 12:34:56.50|2026-01-28 "
     "12:34:56.1234567|"
     "2026-01-28T12:34:56|0000-01-01 00:00:00|2026-01-28 24:00:00||x|5|2026-01-28 "
     "12:34:56+00:00|2026-01-28 12:34:56.1a2"},
    {"timestamptz",
     "2026-01-28 12:34:56+00:00|2026-01-28 12:34:56.5+00:00|2026-01-28 "
     "12:34:56.123456+00:00|infinity",
     "2026-01-28 12:34:56|2026-01-28 12:34:56.50+00:00|2026-01-28 12:34:56+01:00|2026-01-28 "
     "12:34:56.+00:00|"
     "2026-01-28 12:34:56.1234567+00:00"},
    {"date", "2026-01-28|infinity|2000-02-29|0001-01-01",
     "2026-1-1|2026-02-30|0000-01-01||2026-01-28 00:00:00|5"},
    {"time", "12:34:56|24:00:00|12:34:56.5|00:00:00|23:59:59.999999|12:34:50",
     "24:00:01|25:00:00|12:34|12:34:56.50|12:34:56.|"},
    {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     "A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|a0eebc999c0b4ef8bb6d6bb9bd380a11|g0eebc99-9c0b-4ef8-"
     "bb6d-6bb9bd380a11|"
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a111|"},
    {"boolean", "0|1", "2|true|"},
    {"smallint", "32767|-32768", "32768|1.5|x|"},
    {"integer", "2147483647", "2147483648|1.5|x"},
    {"bigint", "9223372036854775807|-9223372036854775808", "9223372036854775808|1.5|x|"},
    {"varchar(3)", "|abc|日本語", "abcd"},
    {"char(3)", "abc|ab ", "ab|abcd"},
    {"jsonb", "{\"a\": 1}|1|null", "{a}|"},
    {"inet", "10.0.0.1|::1|10.0.0.0/8", "x y|"},
    {"text[]", "[]|[\"a\"]", "{}|\"a\"|x"},
    {"mood", "sad|ok", "happy|"}};

/* Inserts each of the values, without the library's own checks. */
static void assert_stored(sqlite3 *sqlite, const char *type, const char *values, bool accepted) {
  for (const char *value = values;;) {
    size_t length = strcspn(value, "|");
    char *sql = sqlite3_mprintf("INSERT INTO t VALUES ('%.*q')", (int)length, value);
    int rc = sqlite3_exec(sqlite, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    if ((rc == SQLITE_OK) != accepted)
      fail_msg("%s: '%.*s' is %s", type, (int)length, value, accepted ? "refused" : "accepted");
    if (value[length] == '\0') return;
    value += length + 1;
  }
}

static void test_stored_forms(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof stored_forms / sizeof stored_forms[0]; i++) {
    char *text = sqlite3_mprintf("CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (c %s);",
                                 stored_forms[i].type);
    struct schema_result *schema = compile(text);
    ledger *db = create(schema);
    assert_stored(db->sqlite, stored_forms[i].type, stored_forms[i].accepted, true);
    assert_stored(db->sqlite, stored_forms[i].type, stored_forms[i].refused, false);
    assert_int_equal(sqlite3_exec(db->sqlite, "INSERT INTO t VALUES (NULL)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_not_equal(
        sqlite3_exec(db->sqlite, "INSERT INTO t VALUES (x'2d302e3530')", NULL, NULL, NULL),
        SQLITE_OK);
    ledger_close(db);
    schema_free(schema);
    sqlite3_free(text);
  }
}

/* ---- errors */

static void test_positions(void **state) {
  static const struct {
    const char *sql, *sqlstate;
    int position;
    const char *message;
  } cases[] = {
      {"SELECT 1 + 'x'::text", "42883", 9, "operator does not exist: integer + text"},
      {"SELECT nosuch", "42703", 7, "column \"nosuch\" does not exist"},
      {"SELECT t.nosuch FROM t", "42703", 7, "column t.nosuch does not exist"},
      {"SELECT * FROM nosuch", "42P01", 14, "relation \"nosuch\" does not exist"},
      {"SELECT foo(1, 'x')", "42883", 7, "function foo(integer, unknown) does not exist"},
      {"SELECT 'x'::uuid", "22P02", 7, "invalid input syntax for type uuid: \"x\""},
      {"SELECT '1'::nosuch", "42704", 12, "type \"nosuch\" does not exist"},
      {"SELECT id FROM t WHERE id", "42804", 23,
       "argument of WHERE must be type boolean, not type integer"},
      {"SELECT id, count(*) FROM t", "42803", 7,
       "column \"t.id\" must appear in the GROUP BY clause or be used in an aggregate function"},
      {"SELECT to_tsvector('x')", "0A000", 7, "function to_tsvector(unknown) is not supported"},
      {"SELECT CASE WHEN true THEN 1 ELSE current_date END", "42804", 27,
       "CASE types date and integer cannot be matched"}};
  (void)state;
  struct schema_result *schema = compile("CREATE TABLE t (id integer);");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct schema_query query;
    assert_int_equal(schema_query(schema, cases[i].sql, &query), 1);
    assert_string_equal(query.message, cases[i].message);
    assert_string_equal(query.sqlstate, cases[i].sqlstate);
    assert_int_equal(query.position, cases[i].position);
    schema_query_free(&query);
  }
  schema_free(schema);
}

static void test_depth(void **state) {
  (void)state;
  struct schema_result *schema = compile("CREATE TABLE t (id integer);");
  ledger *db = create(schema);
  static char sql[40000] = "SELECT 1";
  for (int i = 0; i < 300; i++) memcpy(sql + 8 + i * 2, "+1", 3);
  char *given = answer(schema, db, sql);
  assert_string_equal(given, "301 ; ");
  sqlite3_free(given);
  for (int i = 0; i < 15000; i++) memcpy(sql + 8 + i * 2, "+1", 3);
  given = answer(schema, db, sql);
  assert_string_equal(given, "54001");
  sqlite3_free(given);
  ledger_close(db);
  schema_free(schema);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_recorded_answers), cmocka_unit_test(test_functions_exist),
      cmocka_unit_test(test_calls_are_known),  cmocka_unit_test(test_stored_forms),
      cmocka_unit_test(test_positions),        cmocka_unit_test(test_depth)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
