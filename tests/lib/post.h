/*
** Operations of the book in a test, in few words: files with accounts, operations and what they leave. Include after ledger.c
** and cmocka.
*/
#ifndef TEST_POST_H
#define TEST_POST_H

#define POST_USER "00000001-0000-4000-8000-000000000001"

static ledger_result post_result; /* of the last post() */

/* Returns the code; a test compares it. */
#define post(db, ...) post_operation(db, &(ledger_operation){__VA_ARGS__})
static inline int post_operation(ledger *db, const ledger_operation *operation) {
  int rc = ledger_post(db, operation, &post_result);
  assert_int_equal(rc, post_result.code);
  assert_int_equal(rc, ledger_error_of(db)->code);
  return rc;
}

/* The operation is done. */
#define post_done(db, ...) post_done_at(db, __FILE__, __LINE__, &(ledger_operation){__VA_ARGS__})
static inline void post_done_at(ledger *db, const char *file, int line,
                                const ledger_operation *operation) {
  if (post_operation(db, operation) == LEDGER_OK) return;
  print_error("%s:%d: %s: %s\n", file, line, operation->reference, ledger_error_of(db)->message);
  fail();
}

/* The operation is refused with the code, and its sentence has the words. The last argument but for the operation. */
#define post_refused(db, code, words, ...)                                                         \
  post_refused_at(db, __FILE__, __LINE__, code, words, &(ledger_operation){__VA_ARGS__})
static inline void post_refused_at(ledger *db, const char *file, int line, int code,
                                   const char *words, const ledger_operation *operation) {
  int rc = post_operation(db, operation);
  const ledger_error *error = ledger_error_of(db);
  if (rc == code && strstr(error->message, words) != NULL && post_result.error != NULL &&
      strcmp(post_result.error->message, error->message) == 0)
    return;
  print_error("%s:%d: %s %s: %s\n", file, line, operation->reference, error->sqlstate,
              error->message);
  fail();
}

static inline void post_row(ledger *db, const char *change) {
  if (ledger_apply(db, change, -1, NULL, NULL) != LEDGER_OK)
    fail_msg("%s: %s", change, ledger_error_of(db)->message);
}

/* A file in memory with a user; his portfolio where the schema has one. */
static inline ledger *post_file(const char *schema) {
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema(schema), 0, &db), LEDGER_OK);
  if (strcmp(schema, "full") == 0) {
    post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" POST_USER "\",\"email\":\"x@y.co\","
                 "\"password_hash\":\"!\"}}");
    post_row(db, "{\"table\":\"portfolio\",\"row\":{\"user_id\":\"" POST_USER "\"}}");
  }
  return db;
}

/* An account by its number, with money in it unless `amount` is NULL. */
static inline void post_account(ledger *db, const char *number, const char *currency,
                                const char *amount) {
  char open[64], deposit[64];
  snprintf(open, sizeof open, "open-%s", number);
  snprintf(deposit, sizeof deposit, "deposit-%s", number);
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = open, .number = number, .currency = currency);
  if (amount != NULL)
    post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = deposit, .to = number, .amount = amount);
}

/* balance, available and held of an account: "70.00 40.00 30.00" */
#define post_balance(db, account, wanted) post_balance_at(db, __FILE__, __LINE__, account, wanted)
static inline void post_balance_at(ledger *db, const char *file, int line, const char *account,
                                   const char *wanted) {
  ledger_balance balance;
  char found[80];
  if (ledger_account(db, account, &balance) != LEDGER_OK)
    fail_msg("%s:%d: %s", file, line, ledger_error_of(db)->message);
  snprintf(found, sizeof found, "%s %s %s", balance.balance, balance.available, balance.held);
  if (strcmp(found, wanted) == 0) return;
  print_error("%s:%d: %s has %s, not %s\n", file, line, account, found, wanted);
  fail();
}

/* The rows that a query gives, as JSON, with a line's end between them. */
#define post_rows(db, table, query, wanted)                                                        \
  post_rows_at(db, __FILE__, __LINE__, table, query, wanted)
static inline void post_rows_at(ledger *db, const char *file, int line, const char *table,
                                const char *query, const char *wanted) {
  ledger_rows *rows = NULL;
  sqlite3_str *found = sqlite3_str_new(NULL);
  if (ledger_select(db, table, query, &rows) != LEDGER_OK)
    fail_msg("%s:%d: %s", file, line, ledger_error_of(db)->message);
  while (ledger_rows_next(rows) == LEDGER_ROW)
    sqlite3_str_appendf(found, "%s%s", sqlite3_str_length(found) == 0 ? "" : "\n",
                        ledger_rows_json(rows, NULL));
  ledger_rows_free(rows);
  char *text = sqlite3_str_finish(found);
  int differs = strcmp(text == NULL ? "" : text, wanted);
  if (differs != 0) print_error("%s:%d: %s\n", file, line, text == NULL ? "(none)" : text);
  sqlite3_free(text);
  assert_int_equal(differs, 0);
}

/* A number out of the engine's own tables. */
static inline int64_t post_number(ledger *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int64_t number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

/* Another program's write, past the engine. */
static inline void post_foreign(ledger *db, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(db->sqlite, sql, NULL, NULL, &message) != SQLITE_OK)
    fail_msg("%s: %s", sql, message);
}

/* What all tables of the book hold, as one number: the same before and after what changes nothing. */
static inline int64_t post_print(ledger *db) {
  return post_number(db, "SELECT (SELECT count(*) FROM ledger_journal) * 1000003"
                         " + (SELECT count(*) FROM ledger_entry) * 10007"
                         " + (SELECT count(*) + coalesce(sum(settled * 3 + released * 7"
                         "    + (expires_at IS NULL)), 0) FROM ledger_remainder)");
}

/* The book is proved, and the file closed. */
static inline void post_close(ledger *db) {
  char *report = NULL;
  if (ledger_verify(db, NULL, &report) != LEDGER_OK)
    fail_msg("%s", report == NULL ? ledger_error_of(db)->message : report);
  ledger_free(report);
  ledger_close(db);
}

#endif
