/*
** The compiler's DDL side: whole files that others wrote compile without an error, what cannot be honoured is refused at its
** place (refusals.expected; LEDGER_RECORD=1 writes it anew), names are PostgreSQL's, bad files have one clear error.
*/
#include "../../ledger.c"

#include "../../schema/compiler/compiler.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  long size = ftell(file);
  rewind(file);
  char *text = malloc((size_t)size + 1);
  assert_non_null(text);
  *length = fread(text, 1, (size_t)size, file);
  text[*length] = '\0';
  fclose(file);
  return text;
}

static struct schema_result *compile_bytes(const char *text, size_t length, bool lenient) {
  struct schema_file file = {"test.sql", text, length};
  struct schema_options options = {"test", lenient};
  struct schema_result *result = NULL;
  int rc = schema_compile(&file, 1, &options, &result);
  assert_non_null(result);
  assert_int_equal(rc, result->error_count > 0);
  assert_int_equal(rc == 0, result->script != NULL);
  return result;
}

static struct schema_result *compile_text(const char *text) {
  return compile_bytes(text, strlen(text), false);
}

static void print_notes(const struct schema_result *result, FILE *out, bool all) {
  static const char *const words[] = {"error", "skipped", "recorded", "hint"};
  for (int i = 0; i < result->note_count; i++) {
    const struct schema_note *note = &result->notes[i];
    if (!all && note->severity != SCHEMA_ERROR) continue;
    fprintf(out, "%d:%d %s%s%s %s\n", note->line, note->column, words[note->severity],
            note->sqlstate[0] != '\0' ? " " : "", note->sqlstate, note->message);
  }
}

/* One error of the SQLSTATE at line and column. */
static void assert_error(const char *text, const char *sqlstate, int line, int column) {
  struct schema_result *result = compile_text(text);
  if (result->error_count != 1 || strcmp(result->notes[0].sqlstate, sqlstate) != 0 ||
      result->notes[0].line != line || result->notes[0].column != column) {
    print_notes(result, stderr, true);
    fail_msg("expected one error %s at %d:%d of: %.80s", sqlstate, line, column, text);
  }
  schema_free(result);
}

/* Compiles, and SQLite takes the script with its seed rows; the handle is the caller's. */
static ledger *assert_makes(const char *text, size_t length) {
  struct schema_result *result = compile_bytes(text, length, false);
  ledger *db = NULL;
  print_notes(result, stderr, false);
  assert_int_equal(result->error_count, 0);
  int rc = ledger_create(":memory:", result->script, 0, &db);
  if (rc != LEDGER_OK) fail_msg("ledger_create: %s", ledger_error_of(db)->message);
  schema_free(result);
  return db;
}

static void assert_file_makes(const char *path) {
  size_t length;
  char *text = read_file(path, &length);
  ledger_close(assert_makes(text, length));
  free(text);
}

static void test_files(void **state) {
  (void)state;
  assert_file_makes("tests/compiler/pg_dump.sql");
  assert_file_makes("tests/compiler/prisma.sql");
  assert_file_makes("tests/compiler/supabase.sql");
  assert_file_makes("tests/compiler/migrations.sql");
}

/* The normalised script compiles too, and to itself. */
static void test_normal_form(void **state) {
  static const char *const paths[] = {"tests/compiler/pg_dump.sql", "tests/compiler/prisma.sql",
                                      "tests/compiler/supabase.sql",
                                      "tests/compiler/migrations.sql"};
  (void)state;
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    size_t length;
    char *text = read_file(paths[i], &length);
    struct schema_result *first = compile_bytes(text, length, false);
    assert_non_null(first->postgres);
    struct schema_result *second = compile_text(first->postgres);
    print_notes(second, stderr, false);
    assert_int_equal(second->error_count, 0);
    assert_string_equal(first->postgres, second->postgres);
    schema_free(first);
    schema_free(second);
    free(text);
  }
}

/* The notes of a file are those of the golden. */
static void assert_notes(const char *path, const char *golden, bool lenient) {
  size_t length, expected_length, printed_length = 0;
  char *text = read_file(path, &length), *printed = NULL;
  struct schema_result *result = compile_bytes(text, length, lenient);
  FILE *out = open_memstream(&printed, &printed_length);
  print_notes(result, out, true);
  fclose(out);
  if (getenv("LEDGER_RECORD") != NULL) {
    FILE *record = fopen(golden, "wb");
    assert_non_null(record);
    fwrite(printed, 1, printed_length, record);
    fclose(record);
  }
  char *expected = read_file(golden, &expected_length);
  assert_string_equal(printed, expected);
  schema_free(result);
  free(expected);
  free(printed);
  free(text);
}

static void test_refusals(void **state) {
  (void)state;
  assert_notes("tests/compiler/refusals.sql", "tests/compiler/refusals.expected", false);
}

/* What lenient leaves out is said, and PostgreSQL gets it where it can. */
static void test_left_out(void **state) {
  size_t length;
  (void)state;
  assert_notes("tests/compiler/left_out.sql", "tests/compiler/left_out.expected", true);
  char *text = read_file("tests/compiler/left_out.sql", &length);
  struct schema_result *result = compile_bytes(text, length, true);
  static const char *const kept[] = {"CREATE TYPE public.part AS",
                                     "CREATE MATERIALIZED VIEW public.totals",
                                     "CREATE UNIQUE INDEX totals_profile ON public.totals",
                                     "public.twice(n int)", "public.twice(t text)"};
  assert_int_equal(result->error_count, 0);
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    if (strstr(result->postgres, kept[i]) == NULL) fail_msg("not kept: %s", kept[i]);
  }
  /* A function of a table's row comes behind the table. */
  assert_true(strstr(result->postgres, "parts(") > strstr(result->postgres, "CREATE TABLE"));
  assert_null(strstr(result->postgres, "auth.users"));
  assert_null(strstr(result->postgres, "gone"));
  schema_free(result);
  free(text);
}

static void test_lenient(void **state) {
  static const char schema[] =
      "CREATE TABLE t (id integer PRIMARY KEY, doc jsonb);\n"
      "CREATE INDEX t_doc ON t USING gin (doc);\n"
      "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; END $$;\n"
      "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; RETURN NEW; END "
      "$$;\n"
      "CREATE TRIGGER t_g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION g();\n";
  (void)state;
  struct schema_result *strict = compile_text(schema);
  assert_int_equal(strict->error_count, 3);
  schema_free(strict);
  struct schema_result *lenient = compile_bytes(schema, strlen(schema), true);
  assert_int_equal(lenient->error_count, 0);
  int skipped = 0;
  for (int i = 0; i < lenient->note_count; i++)
    skipped += lenient->notes[i].severity == SCHEMA_SKIPPED;
  assert_int_equal(skipped, 3);
  /* Left out here, and kept for PostgreSQL. */
  assert_null(strstr(lenient->script, "CREATE INDEX \"t_doc\" ON \"t\"("));
  assert_non_null(strstr(lenient->postgres, "USING gin"));
  assert_non_null(strstr(lenient->postgres, "CREATE TRIGGER t_g"));
  schema_free(lenient);
}

static void test_bad_files(void **state) {
  (void)state;
  assert_error("", "42601", 1, 1);
  assert_error("\xEF\xBB\xBF  -- nothing\n", "42601", 1, 1);
  assert_error("CREATE TABLE t (\n  a \xFFnteger);", "22021", 2, 5);
  struct schema_result *binary = compile_bytes("a\0b", 3, false);
  assert_int_equal(binary->error_count, 1);
  assert_string_equal(binary->notes[0].sqlstate, "22021");
  schema_free(binary);
  /* Columns are characters, not bytes. */
  assert_error("COMMENT ON SCHEMA public IS '\xC3\xA4\xC3\xB6'; CREATE TABLE (a int);", "42601", 1,
               48);
  assert_error("CREATE TABLE t (a int CHECK (a > 'unfinished));", "42601", 1, 34);
}

static void test_bounds(void **state) {
  size_t terms = 30 * 1024;
  char *text = malloc(2 * terms + 64);
  (void)state;
  assert_non_null(text);
  char *end = stpcpy(text, "CREATE TABLE t (a integer DEFAULT 1");
  for (size_t i = 0; i < terms; i++) end = stpcpy(end, "+1");
  stpcpy(end, ");");
  assert_error(text, "54001", 1, 1);
  memset(text, '(', 2 * terms);
  memcpy(text, "CREATE TABLE t (a integer DEFAULT ", 34);
  text[2 * terms] = '\0';
  struct schema_result *nested = compile_text(text);
  assert_int_equal(nested->error_count, 1);
  schema_free(nested);
  free(text);
  char *long_text = malloc(LEDGER_STATEMENT_MAX + 100);
  assert_non_null(long_text);
  memset(long_text, ' ', LEDGER_STATEMENT_MAX + 90);
  memcpy(long_text, "CREATE TABLE t", 14);
  stpcpy(long_text + LEDGER_STATEMENT_MAX + 80, "(a int);");
  assert_error(long_text, "54001", 1, 1);
  free(long_text);
}

static void assert_constraint(const char *schema, const char *name) {
  struct schema_result *result = compile_text(schema);
  char *sought = sqlite3_mprintf("CONSTRAINT \"%w\" ", name);
  print_notes(result, stderr, false);
  assert_int_equal(result->error_count, 0);
  if (strstr(result->script, sought) == NULL)
    fail_msg("no constraint \"%s\" from %s", name, schema);
  sqlite3_free(sought);
  schema_free(result);
}

static void test_names(void **state) {
  (void)state;
  assert_constraint("CREATE TABLE users (age int CHECK (age > 0));", "users_age_check");
  assert_constraint("CREATE TABLE users (a int, b int, CHECK (a > b));", "users_check");
  assert_constraint("CREATE TABLE users (a int, b int, CHECK (a > b), CHECK (a <> b));",
                    "users_check1");
  assert_constraint("CREATE TABLE users (a int CHECK (a > 1) CHECK (a < 9));", "users_a_check1");
  assert_constraint("CREATE TABLE users (a int PRIMARY KEY);", "users_pkey");
  assert_constraint("CREATE TABLE users (a int, b int, UNIQUE (a, b));", "users_a_b_key");
  assert_constraint("CREATE TABLE users (a int PRIMARY KEY, b int REFERENCES users);",
                    "users_b_fkey");
  assert_constraint("CREATE TABLE a_table_with_a_rather_long_name_of_its_own "
                    "(a_column_with_a_long_name_too int UNIQUE);",
                    "a_table_with_a_rather_long_na_a_column_with_a_long_name_too_key");
}

static void test_inline_index(void **state) {
  (void)state;
  struct schema_result *result =
      compile_text("CREATE TABLE t (id integer PRIMARY KEY, a text, INDEX idx_a (a, id));");
  assert_int_equal(result->error_count, 0);
  assert_int_equal(result->note_count, 1);
  assert_int_equal(result->notes[0].severity, SCHEMA_HINT);
  assert_int_equal(result->notes[0].column, 49);
  assert_non_null(strstr(result->script, "CREATE INDEX \"idx_a\" ON \"t\"(\"a\", \"id\")"));
  schema_free(result);
}

/* What a trigger's function does, by the event; conditions keep what they had read. */
static void test_triggers(void **state) {
  static const char schema[] =
      "CREATE TABLE t (id integer PRIMARY KEY, a integer, b integer, log text);\n"
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
      "  IF TG_OP = 'INSERT' THEN NEW.log := 'new'; RETURN NEW; END IF;\n"
      "  IF NEW.a IS NULL THEN NEW.a := 1; NEW.b := 2; ELSE NEW.log := 'kept'; END IF;\n"
      "  IF NEW.b = 13 THEN RAISE EXCEPTION 'no %', 13 USING ERRCODE = '22023'; END IF;\n"
      "  RETURN NEW; END $$;\n"
      "CREATE TRIGGER t_f BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();\n";
  ledger_rows *rows = NULL;
  (void)state;
  ledger *db = assert_makes(schema, strlen(schema));
  const char *const columns[] = {"id", "a", "b"};
  ledger_value values[] = {{.kind = LEDGER_INTEGER, .integer = 1},
                           {.kind = LEDGER_INTEGER, .integer = 5},
                           {.kind = LEDGER_INTEGER, .integer = 6}};
  assert_int_equal(ledger_insert(db, "t", 3, columns, values, &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 3, NULL), "new");
  ledger_rows_free(rows);
  values[1].kind = LEDGER_NULL;
  assert_int_equal(ledger_upsert(db, "t", 3, columns, values, 0, NULL, 1, NULL, &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 1, NULL), "1");
  assert_string_equal(ledger_rows_text(rows, 2, NULL), "2");
  ledger_rows_free(rows);
  values[1] = (ledger_value){.kind = LEDGER_INTEGER, .integer = 7};
  values[2].integer = 13;
  assert_int_equal(ledger_upsert(db, "t", 3, columns, values, 0, NULL, 1, NULL, NULL),
                   LEDGER_INVALID_PARAMETER);
  assert_string_equal(ledger_error_of(db)->message, "no 13");
  ledger_close(db);
}

/* Seed rows get the same keys in every file, and the sequences stand behind them. */
static void test_seeds(void **state) {
  static const char schema[] =
      "CREATE TABLE t (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n serial, name text, upper "
      "text GENERATED ALWAYS AS (upper(name)) STORED);\n"
      "INSERT INTO t (name) VALUES ('a'), ('b');\n"
      "SELECT setval('t_n_seq', 10);\n"
      "INSERT INTO t (name) SELECT name || '2' FROM t;\n";
  ledger *first, *second;
  ledger_rows *rows = NULL, *again = NULL;
  (void)state;
  first = assert_makes(schema, strlen(schema));
  second = assert_makes(schema, strlen(schema));
  assert_int_equal(ledger_select(first, "t", "order=n&name=in.(a,b)", &rows), LEDGER_OK);
  assert_int_equal(ledger_select(second, "t", "order=n&name=in.(a,b)", &again), LEDGER_OK);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
    assert_int_equal(ledger_rows_next(again), LEDGER_ROW);
    assert_string_equal(ledger_rows_text(rows, 0, NULL), ledger_rows_text(again, 0, NULL));
    assert_string_equal(ledger_rows_text(rows, 1, NULL), i == 0 ? "1" : "2");
    assert_string_equal(ledger_rows_text(rows, 3, NULL), i == 0 ? "A" : "B");
  }
  ledger_rows_free(rows);
  ledger_rows_free(again);
  assert_int_equal(ledger_select(first, "t", "order=n.desc&limit=1", &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 1, NULL), "12");
  ledger_rows_free(rows);
  ledger_close(first);
  ledger_close(second);
}

static void assert_row(ledger_rows *rows, int column, const char *text) {
  assert_string_equal(ledger_rows_text(rows, column, NULL), text);
}

/* UPDATE, DELETE and ON CONFLICT DO UPDATE among the seed rows; names followed through every RENAME. */
static void test_migrations(void **state) {
  size_t length;
  ledger_rows *rows = NULL;
  (void)state;
  char *text = read_file("tests/compiler/migrations.sql", &length);
  ledger *db = assert_makes(text, length);
  assert_int_equal(ledger_select(db, "jobs", "select=id,title,points,shout&order=id", &rows),
                   LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_row(rows, 1, "Sow");
  assert_row(rows, 2, "1.25");
  assert_row(rows, 3, "SOW");
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_row(rows, 1, "mow!");
  assert_row(rows, 2, "2.00");
  assert_row(rows, 3, "MOW!");
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  assert_int_equal(ledger_select(db, "notes", "select=body", &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_row(rows, 0, "mow!");
  ledger_rows_free(rows);
  /* A check that reads another table. */
  const char *const columns[] = {"id", "job"};
  ledger_value values[] = {{.kind = LEDGER_INTEGER, .integer = 1},
                           {.kind = LEDGER_INTEGER, .integer = 2}};
  assert_int_equal(ledger_insert(db, "bills", 2, columns, values, NULL), LEDGER_OK);
  values[0].integer = 2;
  values[1].integer = 3;
  assert_int_equal(ledger_insert(db, "bills", 2, columns, values, NULL), LEDGER_CHECK);
  ledger_close(db);
  free(text);
}

static void test_no_seed(void **state) {
  ledger *db = NULL;
  ledger_facts facts;
  (void)state;
  struct schema_result *result =
      compile_text("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1), (2);");
  assert_int_equal(ledger_create(":memory:", result->script, LEDGER_NO_SEED, &db), LEDGER_OK);
  assert_int_equal(ledger_info(db, &facts), LEDGER_OK);
  assert_int_equal(facts.rows, 0);
  ledger_close(db);
  schema_free(result);
}

static void test_query(void **state) {
  struct schema_query query;
  (void)state;
  struct schema_result *result =
      compile_text("CREATE TABLE t (id integer PRIMARY KEY, amount numeric(10,2));");
  assert_int_equal(schema_query(result, "SELECT id, amount * 2 AS double FROM t", &query), 0);
  assert_int_equal(query.column_count, 2);
  assert_string_equal(query.names[1], "double");
  assert_string_equal(query.types[0], "integer");
  assert_string_equal(query.types[1], "numeric");
  schema_query_free(&query);
  assert_int_equal(schema_query(result, "SELECT missing FROM t", &query), 1);
  assert_string_equal(query.sqlstate, "42703");
  assert_int_equal(query.position, 7);
  schema_query_free(&query);
  schema_free(result);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),     cmocka_unit_test(test_normal_form),
      cmocka_unit_test(test_refusals),  cmocka_unit_test(test_lenient),
      cmocka_unit_test(test_bad_files), cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_names),     cmocka_unit_test(test_inline_index),
      cmocka_unit_test(test_triggers),  cmocka_unit_test(test_seeds),
      cmocka_unit_test(test_no_seed),   cmocka_unit_test(test_query),
      cmocka_unit_test(test_left_out),  cmocka_unit_test(test_migrations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
