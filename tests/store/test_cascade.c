/*
** test_cascade: what a foreign key's action does to the rows that refer: PostgreSQL runs their BEFORE UPDATE triggers.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const char test_user[] = "00000001-0000-4000-8000-000000000001";

static void test_apply(ledger *db, const char *change) {
  if (ledger_apply(db, change, -1, NULL, NULL) != LEDGER_OK)
    fail_msg("%s: %s", change, ledger_error_of(db)->message);
}

static void test_one(ledger *db, const char *table, const char *query, const char *wanted) {
  ledger_rows *rows = NULL;
  assert_int_equal(ledger_select(db, table, query, &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_json(rows, NULL), wanted);
  ledger_rows_free(rows);
}

static ledger *test_file(void) {
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema("full"), 0, &db), LEDGER_OK);
  test_apply(db, "{\"table\":\"users\",\"row\":{\"id\":\"00000001-0000-4000-8000-000000000001\","
                 "\"email\":\"x@y.co\","
                 "\"password_hash\":\"!\"}}");
  return db;
}

/* ON DELETE SET NULL: owner_id goes, and updated_at is set as by any other update. */
static void test_set_null(void **state) {
  (void)state;
  ledger *db = test_file();
  const char *columns[] = {"id"};
  ledger_value values[] = {{LEDGER_TEXT, 0, test_user, sizeof test_user - 1}};
  test_apply(db, "{\"table\":\"entities\",\"row\":{\"id\":\"00000001-0000-4000-8000-000000000002\","
                 "\"entity_type\":\"a\",\"name\":"
                 "\"n\",\"owner_id\":\"00000001-0000-4000-8000-000000000001\",\"updated_at\":"
                 "\"2020-01-01\"}}");
  test_one(db, "entities", "select=updated_at", "{\"updated_at\":\"2020-01-01T00:00:00+00:00\"}");
  assert_int_equal(ledger_delete(db, "users", 1, columns, values, 0, NULL, NULL), LEDGER_OK);
  test_one(db, "entities", "select=owner_id", "{\"owner_id\":null}");
  test_one(db, "entities", "select=name&updated_at=gt.2026-01-01", "{\"name\":\"n\"}");
  ledger_close(db);
}

/* An audit row's actor may go; nothing else of the row may change. */
static void test_immutable(void **state) {
  (void)state;
  ledger *db = test_file();
  const char *columns[] = {"id"};
  ledger_value values[] = {{LEDGER_TEXT, 0, test_user, sizeof test_user - 1}};
  test_apply(db, "{\"table\":\"audit_logs\",\"row\":{\"action\":\"LOGIN\",\"user_id\":\"00000001-"
                 "0000-4000-8000-000000000001\"}}");
  assert_int_equal(ledger_delete(db, "users", 1, columns, values, 0, NULL, NULL), LEDGER_OK);
  test_one(db, "audit_logs", "select=action,user_id&action=eq.LOGIN", "{\"action\":\"LOGIN\",\"user_id\":null}");
  assert_int_not_equal(ledger_apply(db,
                                    "{\"table\":\"audit_logs\",\"op\":\"update\",\"row\":{"
                                    "\"action\":\"X\"},\"where\":{\"action\":\"LOGIN\"}}",
                                    -1, NULL, NULL),
                       LEDGER_OK);
  assert_string_equal(ledger_error_of(db)->sqlstate, "23001");
  assert_string_equal(ledger_error_of(db)->message, "audit rows are immutable");
  assert_int_not_equal(
      ledger_apply(db,
                   "{\"table\":\"audit_logs\",\"op\":\"delete\",\"where\":{\"action\":\"LOGIN\"}}",
                   -1, NULL, NULL),
      LEDGER_OK);
  assert_string_equal(ledger_error_of(db)->sqlstate, "23001");
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_set_null),
                                     cmocka_unit_test(test_immutable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
