/*
** price.h: a book in memory with accounts, fees and rates, for the tests of fee.c and exchange.c. Include it after ledger.c.
*/
#ifndef PRICE_H
#define PRICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PRICE_USER "00000000-0000-4000-8000-0000000000aa"

/* SQL behind the library's back. */
static void price_sql(ledger *db, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(db->sqlite, sql, NULL, NULL, &message) != SQLITE_OK)
    fail_msg("%s: %s", sql, message);
}

/* The rows of a query, columns with spaces and rows with newlines between; the last four answers stay. */
static const char *price_query(ledger *db, const char *sql) {
  static char answers[4][4096];
  static int turn;
  char *out = answers[turn++ % 4];
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    if (sqlite3_str_length(text) > 0) sqlite3_str_appendchar(text, 1, '\n');
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const char *value = (const char *)sqlite3_column_text(stmt, i);
      sqlite3_str_appendf(text, "%s%s", i == 0 ? "" : " ", value == NULL ? "null" : value);
    }
  }
  assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
  char *built = sqlite3_str_finish(text);
  sqlite3_snprintf(sizeof answers[0], out, "%s", built == NULL ? "" : built);
  sqlite3_free(built);
  return out;
}

#define price_rows(db, wanted, sql) assert_string_equal(price_query((db), (sql)), (wanted))

static void price_done(ledger *db, int rc) {
  if (rc != LEDGER_OK)
    fail_msg("%s %s", ledger_error_of(db)->sqlstate, ledger_error_of(db)->message);
}

/* An operation by designated members. */
#define OPERATION(...) (&(ledger_operation){__VA_ARGS__})
#define price_post(db, result, ...)                                                                \
  price_done((db), ledger_post((db), OPERATION(__VA_ARGS__), (result)))

/* All that an operation could change, as one text. */
static const char *price_state(ledger *db) {
  return price_query(
      db, "SELECT (SELECT count(*) FROM ledger_journal), (SELECT count(*) FROM ledger_entry),"
          " (SELECT count(*) FROM transactions), (SELECT count(*) FROM portfolio_transactions),"
          " (SELECT count(*) FROM audit_logs), (SELECT count(*) FROM ledger_account),"
          " (SELECT group_concat(balance || available_balance, ' ') FROM accounts),"
          " (SELECT group_concat(cash_balance || btc_balance, ' ') FROM portfolio)");
}

/* The operation is refused with this sentence, in which % stands for any text, and nothing has changed. */
#define price_refused(db, expected, sentence, ...)                                                 \
  do {                                                                                             \
    ledger_result refused;                                                                         \
    const char *before = price_state(db);                                                          \
    int refused_rc = ledger_post((db), OPERATION(__VA_ARGS__), &refused);                          \
    if (sqlite3_strlike((sentence), ledger_error_of(db)->message, 0) != 0)                         \
      fail_msg("%s, not %s", ledger_error_of(db)->message, (sentence));                            \
    assert_int_equal(refused_rc, (expected));                                                      \
    assert_int_equal(refused.code, (expected));                                                    \
    assert_int_equal(refused.journal, 0);                                                          \
    assert_string_equal(price_state(db), before);                                                  \
  } while (0)

/* Opens the account and, unless `amount` is NULL, puts money in. */
static void price_account(ledger *db, const char *number, const char *currency,
                          const char *amount) {
  char reference[64];
  sqlite3_snprintf(sizeof reference, reference, "open %s", number);
  price_post(db, NULL, .kind = LEDGER_OP_OPEN, .reference = reference, .number = number,
             .currency = currency);
  if (amount == NULL) return;
  sqlite3_snprintf(sizeof reference, reference, "start %s", number);
  price_post(db, NULL, .kind = LEDGER_OP_DEPOSIT, .reference = reference, .to = number,
             .amount = amount);
}

static void price_user(ledger *db) {
  static const char user[] =
      "{\"table\":\"users\",\"row\":{\"id\":\"" PRICE_USER "\",\"email\":\"a@b.cc\","
      "\"password_hash\":\"x\",\"first_name\":\"A\",\"last_name\":\"B\"}}";
  price_done(db, ledger_apply(db, user, -1, NULL, NULL));
}

/* A portfolio with 1000 dollars and 2 bitcoins for PRICE_USER. */
static void price_portfolio(ledger *db) {
  price_user(db);
  price_sql(db, "INSERT INTO portfolio (user_id) VALUES ('" PRICE_USER "')");
  price_post(db, NULL, .kind = LEDGER_OP_DEPOSIT, .reference = "start cash",
             .to = "portfolio:" PRICE_USER ":USD", .amount = "1000");
  price_post(db, NULL, .kind = LEDGER_OP_DEPOSIT, .reference = "start coins",
             .to = "portfolio:" PRICE_USER ":BTC", .amount = "2");
}

static ledger *price_open(const char *schema) {
  ledger *db = NULL;
  int rc = ledger_create(":memory:", ledger_schema(schema), LEDGER_NO_SEED, &db);
  price_done(db, rc);
  return db;
}

/* The book's account, balance and scale: "-10.00". */
static const char *price_balance(ledger *db, const char *account) {
  static ledger_balance balance;
  price_done(db, ledger_account(db, account, &balance));
  return balance.balance;
}

/* The proof goes through; closes the file. */
static void price_close(ledger *db) {
  char *report = NULL;
  int rc = ledger_verify(db, NULL, &report);
  if (rc != LEDGER_OK) fail_msg("%s", report == NULL ? ledger_error_of(db)->message : report);
  ledger_free(report);
  ledger_close(db);
}

#endif
