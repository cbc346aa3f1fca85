/*
** Large values through ledger.h: up to LEDGER_TEXT_MAX bytes are kept and given back; what is larger is refused with 54000
** and changes nothing.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MEGABYTE (1024 * 1024)

static int insert_message(ledger *db, const char *text, size_t length, ledger_rows **rows) {
  static const char *const names[] = {"email", "message"};
  const ledger_value values[] = {{.kind = LEDGER_TEXT, .text = "a@b.c", .length = 5},
                                 {.kind = LEDGER_TEXT, .text = text, .length = length}};
  return ledger_insert(db, "contacts", 2, names, values, rows);
}

static int count_bytes(void *context, const void *bytes, size_t length) {
  (void)bytes;
  *(size_t *)context += length;
  return 0;
}

/* Whatever the kind of value. */
static void test_too_large(void **state) {
  (void)state;
  static const enum ledger_kind kinds[] = {LEDGER_NUMBER, LEDGER_TEXT, LEDGER_BYTES, LEDGER_JSON};
  static const char *const types[] = {"text", "text[]", "bytea", "integer[]"};
  size_t most = (size_t)LEDGER_TEXT_MAX + 1;
  char *text = malloc(most);
  assert_non_null(text);
  memset(text, '1', most);
  for (int i = 0; i < 4; i++) {
    struct type type;
    struct value value;
    struct arena arena = {0};
    ledger_error error;
    const ledger_value given = {.kind = kinds[i], .text = text, .length = most};
    assert_int_equal(type_parse(types[i], &type, &error), LEDGER_OK);
    int rc = type_assign(&type, &given, &arena, &value, &error);
    if (rc == LEDGER_OK || strcmp(error.sqlstate, "54000") != 0)
      fail_msg("%s: %d %s %s", types[i], rc, error.sqlstate, error.message);
    arena_free(&arena);
  }
  free(text);
}

static void test_large_text(void **state) {
  (void)state;
  ledger *db = NULL;
  ledger_rows *rows = NULL;
  size_t length, most = (size_t)LEDGER_TEXT_MAX + 1, written = 0;
  char *text = malloc(most);
  assert_non_null(text);
  memset(text, 'x', most);
  assert_int_equal(ledger_create(":memory:", ledger_schema("full"), LEDGER_NO_SEED, &db),
                   LEDGER_OK);

  assert_int_equal(insert_message(db, text, 100 * MEGABYTE, &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  int column = 0;
  while (strcmp(ledger_rows_name(rows, column), "message") != 0) column++;
  const char *back = ledger_rows_text(rows, column, &length);
  assert_int_equal(length, 100 * MEGABYTE);
  assert_memory_equal(back, text, length);
  ledger_rows_free(rows);
  assert_int_equal(
      ledger_export(db, LEDGER_EXPORT_DATA_ONLY, LEDGER_EXPORT_COPY, count_bytes, &written),
      LEDGER_OK);
  assert_true(written > 100 * MEGABYTE);

  int rc = insert_message(db, text, most, NULL);
  if (rc != LEDGER_PROGRAM_LIMIT) fail_msg("%d %s", rc, ledger_error_of(db)->message);
  assert_string_equal(ledger_error_of(db)->sqlstate, "54000");
  /* It fits alone, but not its row. */
  rc = insert_message(db, text, LEDGER_TEXT_MAX, NULL);
  if (rc != LEDGER_PROGRAM_LIMIT) fail_msg("%d %s", rc, ledger_error_of(db)->message);
  assert_int_equal(ledger_select(db, "contacts", "select=id", &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  ledger_close(db);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_large_text),
                                     cmocka_unit_test(test_too_large)};
  return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
