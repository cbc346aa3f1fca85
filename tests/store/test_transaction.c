/*
** test_transaction.c: what a transaction's end takes with it and what it must not: the triggers of the connection, the
** state after SQLite rolled back by itself, cursors that are open meanwhile, calls from within a callback.
*/
#include "../../ledger.c"

#include "fixture.h"

/* Another program that changes the schema: every handle reads its catalog again. */
static void other_program(const char *name, const char *sql) {
  char path[128];
  sqlite3 *sqlite = NULL;
  fixture_path(path, name);
  assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
  assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(sqlite);
}

static void test_triggers_survive_a_rollback(void **state) {
  (void)state;
  ledger *db = fixture_open("triggers.db");
  ledger_facts facts;
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  /* The catalog is read again by a call that ends with a rollback: a read, and a write that is refused. */
  other_program("triggers.db", "CREATE INDEX another ON things (a)");
  assert_done(db, ledger_info(db, &facts));
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  other_program("triggers.db", "DROP INDEX another");
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=14")), "23001", "worse", "");
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  other_program("triggers.db", "CREATE INDEX another ON things (a)");
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=1")));
  assert_done(db, ledger_rollback(db));
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  assert_string_equal(fixture_rows(db, "things", "select=a"), "");
  ledger_close(db);
}

static void test_a_refresh_that_fails_is_done_again(void **state) {
  (void)state;
  ledger *db = fixture_open("again.db");
  other_program("again.db", "CREATE INDEX another ON things (a)");
  sqlite3_limit(db->sqlite, SQLITE_LIMIT_SQL_LENGTH, 100); /* no trigger fits */
  assert_int_not_equal(fixture_insert(db, "things", PAIRS("a=1")), LEDGER_OK);
  sqlite3_limit(db->sqlite, SQLITE_LIMIT_SQL_LENGTH, 1000000);
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  ledger_close(db);
}

/* SQLite rolls back by itself when a read meets a broken disk, too. */
static void test_a_transaction_lost_between_calls(void **state) {
  (void)state;
  ledger *db = fixture_open("lost.db");
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=1")));
  assert_int_equal(sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(fixture_insert(db, "nodes", PAIRS("id=2")), LEDGER_NO_TRANSACTION);
  assert_int_equal(ledger_commit(db), LEDGER_NO_TRANSACTION);
  assert_done(db, ledger_rollback(db));
  assert_string_equal(fixture_rows(db, "nodes", NULL), "");
  ledger_close(db);
}

static void test_cursors_across_writes(void **state) {
  (void)state;
  ledger *db = fixture_open("cursors.db");
  ledger_rows *rows = NULL;
  for (int i = 0; i < 5; i++) {
    char id[16];
    sqlite3_snprintf(sizeof id, id, "id=%d", i);
    assert_done(db, fixture_insert(db, "nodes", PAIRS(id)));
  }
  assert_done(db, ledger_select(db, "nodes", "order=id", &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_failed(db, fixture_insert(db, "nodes", PAIRS("id=3")), "23505",
                "duplicate key value violates unique constraint \"nodes_pkey\"",
                "Key (id)=(3) already exists.");
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=9")));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=10")));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_done(db, ledger_rollback(db));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  ledger_close(db);
  assert_int_equal(ledger_rows_next(rows), LEDGER_MISUSE);
  assert_null(ledger_rows_text(rows, 0, NULL));
  assert_string_equal(ledger_rows_name(rows, 0), "id");
  ledger_rows_free(rows);
}

static void test_cursor_and_catalog(void **state) {
  (void)state;
  ledger *db = fixture_open("catalog.db");
  ledger_rows *rows = NULL;
  ledger_facts facts;
  for (int i = 0; i < 5; i++) {
    char id[16];
    sqlite3_snprintf(sizeof id, id, "id=%d", i);
    assert_done(db, fixture_insert(db, "nodes", PAIRS(id)));
  }
  assert_done(db, ledger_select(db, "nodes", "order=id", &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  other_program("catalog.db", "CREATE INDEX another ON nodes (parent)");
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_done(db, ledger_info(db, &facts));
  assert_failed(db, fixture_insert(db, "nodes", PAIRS("id=77")), "55P03",
                "cannot write while an open cursor reads an older snapshot", "");
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  ledger_rows_free(rows);
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=78")));
  ledger_close(db);
}

/* ---- callbacks */

struct again {
  ledger *db;
  int rc, calls;
};

static int write_again(void *context, const void *bytes, size_t length) {
  struct again *again = context;
  (void)bytes;
  (void)length;
  again->rc = fixture_insert(again->db, "nodes", PAIRS("id=500"));
  again->calls++;
  return 0;
}

static int report_again(void *context, int64_t done, int64_t total) {
  struct again *again = context;
  (void)done;
  (void)total;
  again->rc = ledger_rollback(again->db);
  again->calls++;
  return 0;
}

static void test_callbacks_leave_the_handle_alone(void **state) {
  (void)state;
  ledger *db = fixture_open("callback.db");
  ledger_facts facts;
  for (int inside = 0; inside < 2; inside++) {
    struct again again = {.db = db};
    if (inside == 1) assert_done(db, ledger_begin(db));
    assert_done(
        db, ledger_export(db, LEDGER_EXPORT_DATA_ONLY, LEDGER_EXPORT_COPY, write_again, &again));
    assert_true(again.calls > 0);
    assert_int_equal(again.rc, LEDGER_MISUSE);
    assert_int_equal(ledger_error_of(db)->code, LEDGER_OK);
  }
  struct again again = {.db = db};
  ledger_progress(db, report_again, &again);
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=1")));
  assert_done(db, ledger_info(db, &facts));
  assert_true(again.calls > 0);
  assert_int_equal(again.rc, LEDGER_MISUSE);
  ledger_progress(db, NULL, NULL);
  assert_done(db, ledger_commit(db));
  assert_string_equal(fixture_rows(db, "nodes", "select=id"), "{\"id\":1}");
  ledger_close(db);
}

static int refuse(void *context, const void *bytes, size_t length) {
  (void)context;
  (void)bytes;
  (void)length;
  return 1;
}

static void test_a_script_that_cannot_be_written(void **state) {
  (void)state;
  ledger *db = fixture_open("refused.db");
  static char large[200 * 1024] =
      "what="; /* more than the buffer: refused in the middle of the rows */
  memset(large + 5, 'x', sizeof large - 6);
  for (int rows = 0; rows < 2; rows++) {
    ledger_export(db, LEDGER_EXPORT_DATA_ONLY, LEDGER_EXPORT_COPY, refuse, NULL);
    assert_failed(db, ledger_export(db, LEDGER_EXPORT_DATA_ONLY, LEDGER_EXPORT_COPY, refuse, NULL),
                  "58030", "the script could not be written", "");
    assert_done(db, fixture_insert(
                        db, "audit",
                        fixture_row(&(struct fixture_row){0}, (const char *const[]){large, NULL})));
  }
  ledger_close(db);
}

/* ---- the caller's mistakes */

static void test_arguments_that_are_none(void **state) {
  (void)state;
  ledger *db = fixture_open(NULL);
  ledger_rows *rows = NULL;
  const char *column = "what", *none = NULL;
  ledger_value text = {LEDGER_TEXT, 0, "x", 1}, missing = {LEDGER_TEXT, 0, NULL, 3},
               strange = {(enum ledger_kind)77, 0, NULL, 0},
               negative = {LEDGER_TEXT, 0, "x", (size_t)-1}, empty = {LEDGER_TEXT, 0, NULL, 0};
  assert_int_equal(ledger_insert(NULL, "audit", 1, &column, &text, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, NULL, 1, &column, &text, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", -1, &column, &text, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, NULL, &text, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, &column, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, &none, &text, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, &column, &missing, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, &column, &strange, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_insert(db, "audit", 1, &column, &negative, NULL), LEDGER_PROGRAM_LIMIT);
  assert_int_equal(ledger_delete(db, "audit", 1, &none, &text, 0, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_delete(db, NULL, 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL),
                   LEDGER_MISUSE);
  assert_int_equal(
      ledger_update(db, NULL, 1, &column, &text, 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL),
      LEDGER_MISUSE);
  assert_int_equal(ledger_upsert(db, "audit", 1, &column, &text, 1, &none, 1, NULL, NULL),
                   LEDGER_MISUSE);
  assert_int_equal(ledger_export(db, 0, 9, write_again, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_export(db, 9, 0, refuse, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_digest(db, "nowhere", &rows), LEDGER_UNDEFINED_TABLE);
  assert_int_equal(ledger_digest(db, "user_names", &rows), LEDGER_UNSUPPORTED);
  assert_null(rows);
  assert_int_equal(ledger_select(db, "public.", NULL, &rows), LEDGER_UNDEFINED_TABLE);
  assert_int_equal(ledger_select(db, "", NULL, &rows), LEDGER_UNDEFINED_TABLE);
  assert_int_equal(ledger_select(db, "\"", NULL, &rows), LEDGER_UNDEFINED_TABLE);
  assert_done(db, ledger_insert(db, "audit", 1, &column, &empty, NULL));
  assert_string_equal(fixture_rows(db, "audit", "select=what&id=gt.1"), "{\"what\":\"\"}");
  ledger_close(db);
}

/* A value that is within the limit as it is given, and beyond it as it is stored, is refused: it must not become NULL. */
static void test_a_value_that_grows_beyond_the_limit(void **state) {
  (void)state;
  ledger *db = fixture_open(NULL);
  size_t count = 50 * 1024 * 1024;
  char *text = sqlite3_malloc64(count + 8);
  assert_non_null(text);
  memset(text, 1, count + 8); /* six bytes each as JSON */
  memcpy(text, "{\"", 2);
  memcpy(text + count + 6, "\"}", 2);
  const char *columns[] = {"title", "tags"};
  ledger_value values[] = {{LEDGER_TEXT, 0, "t", 1}, {LEDGER_TEXT, 0, text, count + 8}};
  assert_int_equal(ledger_insert(db, "posts", 2, columns, values, NULL), LEDGER_PROGRAM_LIMIT);
  assert_string_equal(ledger_error_of(db)->sqlstate, "54000");
  assert_string_equal(fixture_rows(db, "posts", NULL), "");
  sqlite3_free(text);
  ledger_close(db);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_start, fixture_end)
  const struct CMUnitTest tests[] = {
      TEST(test_triggers_survive_a_rollback),
      TEST(test_a_refresh_that_fails_is_done_again),
      TEST(test_a_transaction_lost_between_calls),
      TEST(test_cursors_across_writes),
      TEST(test_cursor_and_catalog),
      TEST(test_callbacks_leave_the_handle_alone),
      TEST(test_a_script_that_cannot_be_written),
      TEST(test_arguments_that_are_none),
      TEST(test_a_value_that_grows_beyond_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
