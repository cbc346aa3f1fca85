/*
** test_hold: money that is reserved: placed, captured in parts, released, expired, swept.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "post.h"

#define HOLD(...) .kind = LEDGER_OP_HOLD, __VA_ARGS__
#define CAPTURE(...) .kind = LEDGER_OP_CAPTURE, __VA_ARGS__
#define RELEASE(...) .kind = LEDGER_OP_RELEASE, __VA_ARGS__
#define EXPIRE(...) .kind = LEDGER_OP_EXPIRE, __VA_ARGS__

#define TEST_T0 INT64_C(1893456000000000) /* 2030-01-01 */

static ledger *test_pair(const char *schema) {
  ledger *db = post_file(schema);
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", NULL);
  return db;
}

/* What is captured of a hold in parts goes to the payee at once; the last part completes the row with the sum. */
static void test_parts(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db,
            HOLD(.reference = "H", .from = "A", .to = "B", .amount = "60", .description = "room"));
  assert_string_equal(post_result.status, "pending");
  assert_string_equal(post_result.amount, "60.00");
  assert_string_equal(post_result.remaining, "60.00");
  assert_int_equal(post_result.balance_count, 2);
  post_balance(db, "A", "100.00 40.00 60.00");
  post_balance(db, "B", "0.00 0.00 0.00");
  post_rows(db, "accounts", "select=balance,available_balance&order=account_number",
            "{\"balance\":100.00,\"available_balance\":40.00}\n"
            "{\"balance\":0.00,\"available_balance\":0.00}");
  post_rows(
      db, "transactions",
      "select=transaction_type,amount,status,description,metadata,completed_at&reference_number=eq."
      "H",
      "{\"transaction_type\":\"transfer\",\"amount\":60.00,\"status\":\"pending\","
      "\"description\":\"room\",\"metadata\":{\"direction\": \"debit\"},\"completed_at\":null}");

  post_done(db, CAPTURE(.reference = "C1", .of = "H", .amount = "25", .description = "first"));
  assert_string_equal(post_result.status, "completed");
  assert_string_equal(post_result.amount, "25.00");
  assert_string_equal(post_result.remaining, "35.00");
  post_balance(db, "A", "75.00 40.00 35.00");
  post_balance(db, "B", "25.00 25.00 0.00");
  post_rows(db, "transactions", "select=amount,status&reference_number=eq.H",
            "{\"amount\":60.00,\"status\":\"pending\"}");
  post_rows(db, "transactions",
            "select=transaction_type,amount,status,description,metadata&reference_number=like.C1*",
            "{\"transaction_type\":\"transfer\",\"amount\":25.00,\"status\":\"completed\","
            "\"description\":\"first\",\"metadata\":{\"direction\": \"credit\"}}");

  post_done(db, CAPTURE(.reference = "C2", .of = "H", .amount = "10.01", .final = 1));
  assert_string_equal(post_result.remaining, "0.00");
  post_balance(db, "A", "64.99 64.99 0.00");
  post_balance(db, "B", "35.01 35.01 0.00");
  post_rows(db, "transactions",
            "select=amount,status&reference_number=eq.H&completed_at=not.is.null",
            "{\"amount\":35.01,\"status\":\"completed\"}");
  assert_int_equal(post_number(db, "SELECT amount * 1000000 + settled * 100 + released - 100 * 3501"
                                   " FROM ledger_remainder WHERE expires_at IS NULL"),
                   INT64_C(6000002499));

  post_refused(db, LEDGER_WRONG_STATE, "hold H is captured: 35.01 of 60.00 USD were captured",
               CAPTURE(.reference = "C3", .of = "H"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H is captured", RELEASE(.reference = "R", .of = "H"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H is captured", EXPIRE(.reference = "E", .of = "H"));
  post_close(db);
}

/* All that is left, one more than it, and used up without `final`. */
static void test_bounds(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_refused(db, LEDGER_NO_FUNDS, "has 100.00 USD available, 100.01 is needed",
               HOLD(.reference = "H", .from = "A", .amount = "100.01"));
  post_done(db, HOLD(.reference = "H", .from = "A", .amount = "100"));
  post_refused(db, LEDGER_NO_FUNDS, "has 0.00 USD available",
               HOLD(.reference = "H2", .from = "A", .amount = "0.01"));
  post_refused(db, LEDGER_NO_FUNDS, "has 0.00 USD available", .kind = LEDGER_OP_WITHDRAW,
               .reference = "W", .from = "A", .amount = "0.01");
  int64_t before = post_print(db);
  post_refused(db, LEDGER_OVER_CAPTURED, "hold H has 100.00 USD left of 100.00, 100.01 are to be",
               CAPTURE(.reference = "C", .of = "H", .amount = "100.01"));
  post_refused(db, LEDGER_NOT_POSITIVE, "0", CAPTURE(.reference = "C", .of = "H", .amount = "0"));
  post_refused(db, LEDGER_NOT_POSITIVE, "-1", CAPTURE(.reference = "C", .of = "H", .amount = "-1"));
  post_refused(db, LEDGER_WRONG_SCALE, "", CAPTURE(.reference = "C", .of = "H", .amount = "0.001"));
  post_refused(db, LEDGER_WRONG_CURRENCY, "",
               CAPTURE(.reference = "C", .of = "H", .amount = "1", .currency = "EUR"));
  post_refused(db, LEDGER_WRONG_CURRENCY, "",
               CAPTURE(.reference = "C", .of = "H", .currency = "EUR"));
  post_refused(db, LEDGER_AMOUNT_RANGE, "",
               CAPTURE(.reference = "C", .of = "H", .amount = "99999999999999999999"));
  assert_int_equal(post_print(db), before);
  post_done(db, CAPTURE(.reference = "C", .of = "H", .amount = "99.99"));
  assert_string_equal(post_result.remaining, "0.01");
  post_refused(db, LEDGER_OVER_CAPTURED, "has 0.01 USD left of 100.00, 0.02 are",
               CAPTURE(.reference = "C2", .of = "H", .amount = "0.02"));
  post_done(db, CAPTURE(.reference = "C2", .of = "H"));
  assert_string_equal(post_result.amount, "0.01");
  post_balance(db, "A", "0.00 0.00 0.00");
  /* to the world: the captures have no rows, the hold's is completed with all of it */
  post_rows(db, "transactions",
            "select=reference_number,amount,status&transaction_type=eq.withdrawal",
            "{\"reference_number\":\"H\",\"amount\":100.00,\"status\":\"completed\"}");
  post_close(db);
}

static void test_largest(void **state) {
  (void)state;
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "9999999999999.99");
  post_account(db, "B", "USD", "0.01");
  post_refused(db, LEDGER_AMOUNT_RANGE, "",
               HOLD(.reference = "H", .from = "A", .to = "B", .amount = "10000000000000"));
  post_done(db, HOLD(.reference = "H", .from = "A", .to = "B", .amount = "9999999999999.99"));
  int64_t before = post_print(db);
  post_refused(db, LEDGER_AMOUNT_RANGE, "cannot hold more", CAPTURE(.reference = "C", .of = "H"));
  assert_int_equal(post_print(db), before);
  post_done(db, CAPTURE(.reference = "C", .of = "H", .amount = "9999999999999.98"));
  post_balance(db, "B", "9999999999999.99 9999999999999.99 0.00");
  post_close(db);
}

static void test_release(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, HOLD(.reference = "H1", .from = "A", .amount = "30"));
  post_done(db, RELEASE(.reference = "R1", .of = "H1", .reason = "no show"));
  assert_string_equal(post_result.amount, "30.00");
  assert_string_equal(post_result.remaining, "0.00");
  assert_string_equal(post_result.status, "completed");
  post_balance(db, "A", "100.00 100.00 0.00");
  post_rows(db, "transactions", "select=amount,status,completed_at&reference_number=eq.H1",
            "{\"amount\":30.00,\"status\":\"failed\",\"completed_at\":null}");
  post_refused(db, LEDGER_WRONG_STATE, "hold H1 is released: 0.00 of 30.00 USD were captured",
               CAPTURE(.reference = "C1", .of = "H1"));

  post_done(db, HOLD(.reference = "H2", .from = "A", .to = "B", .amount = "30"));
  post_done(db, CAPTURE(.reference = "C2", .of = "H2", .amount = "10"));
  post_done(db, RELEASE(.reference = "R2", .of = "H2"));
  assert_string_equal(post_result.amount, "20.00");
  post_balance(db, "A", "90.00 90.00 0.00");
  post_rows(db, "transactions", "select=amount,status&reference_number=eq.H2",
            "{\"amount\":10.00,\"status\":\"completed\"}");
  post_refused(db, LEDGER_WRONG_STATE, "hold H2 is released: 10.00 of 30.00 USD were captured",
               RELEASE(.reference = "R3", .of = "H2"));
  post_close(db);
}

/* The moment itself is past it: the last microsecond before captures, the moment expires. */
static void test_expiry(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  db->session.now_us = TEST_T0;
  post_refused(
      db, LEDGER_BAD_OPERATION, "not in the future",
      HOLD(.reference = "H0", .from = "A", .amount = "1", .expires_at = "2030-01-01 00:00+00"));
  post_done(db, HOLD(.reference = "H1", .from = "A", .amount = "20",
                     .expires_at = "2030-01-01 00:00:00.000001+00"));
  post_done(db, HOLD(.reference = "H2", .from = "A", .to = "B", .amount = "20",
                     .expires_at = "2030-01-01 02:00+01"));
  post_done(db, HOLD(.reference = "H3", .from = "A", .amount = "20"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H2 does not expire before 2030-01-01 01:00:00+00:00",
               EXPIRE(.reference = "E2", .of = "H2"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H3 never expires",
               EXPIRE(.reference = "E3", .of = "H3"));
  db->session.now_us = TEST_T0 + 1;
  post_refused(db, LEDGER_HOLD_EXPIRED, "hold H1 expired at 2030-01-01 00:00:00.000001+00:00",
               CAPTURE(.reference = "C1", .of = "H1"));
  post_balance(db, "A", "100.00 40.00 60.00"); /* it holds until it is expired */
  post_done(db, EXPIRE(.reference = "E1", .of = "H1"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H1 has expired: 0.00 of 20.00",
               CAPTURE(.reference = "C1", .of = "H1"));
  db->session.now_us = TEST_T0 + 3600 * MOMENT_SECOND - 1;
  post_done(db, CAPTURE(.reference = "C2", .of = "H2", .amount = "5"));
  db->session.now_us = TEST_T0 + 3600 * MOMENT_SECOND;
  post_refused(db, LEDGER_HOLD_EXPIRED, "hold H2 expired", CAPTURE(.reference = "C3", .of = "H2"));
  post_done(db, EXPIRE(.reference = "E2", .of = "H2"));
  assert_string_equal(post_result.amount, "15.00");
  post_balance(db, "A", "95.00 75.00 20.00");
  post_rows(db, "transactions",
            "select=reference_number,amount,status&reference_number=like.H*&order=reference_number",
            "{\"reference_number\":\"H1\",\"amount\":20.00,\"status\":\"failed\"}\n"
            "{\"reference_number\":\"H2\",\"amount\":5.00,\"status\":\"completed\"}\n"
            "{\"reference_number\":\"H3\",\"amount\":20.00,\"status\":\"pending\"}");
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  post_close(db);
}

/* An expired hold may be kept as the reason why its capture failed. */
static void test_kept(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_refused(db, LEDGER_NO_FUNDS, "100.00 USD available",
               HOLD(.reference = "H", .from = "A", .amount = "101", .keep_failed = 1));
  post_rows(db, "transactions", "select=amount,status&reference_number=eq.H",
            "{\"amount\":101.00,\"status\":\"failed\"}");
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_remainder"), 0);
  post_refused(db, LEDGER_WRONG_STATE, "hold H was refused: account",
               CAPTURE(.reference = "C", .of = "H"));
  post_refused(db, LEDGER_WRONG_STATE, "hold H was refused", RELEASE(.reference = "C", .of = "H"));
  post_close(db);
}

static void test_other(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_account(db, "E", "EUR", NULL);
  int64_t before = post_print(db);
  post_refused(db, LEDGER_UNKNOWN_REFERENCE, "\"X\"", CAPTURE(.reference = "C", .of = "X"));
  post_refused(db, LEDGER_WRONG_STATE, "operation deposit-A is no hold, it is: deposit",
               CAPTURE(.reference = "C", .of = "deposit-A"));
  post_refused(db, LEDGER_WRONG_STATE, "is no hold, it is: open",
               EXPIRE(.reference = "C", .of = "open-A"));
  post_refused(db, LEDGER_SAME_ACCOUNT, "would pay itself",
               HOLD(.reference = "H", .from = "A", .to = "A", .amount = "1"));
  post_refused(db, LEDGER_WRONG_CURRENCY, "is in USD and account",
               HOLD(.reference = "H", .from = "A", .to = "E", .amount = "1"));
  post_refused(db, LEDGER_UNKNOWN_ACCOUNT, "\"Z\"",
               HOLD(.reference = "H", .from = "A", .to = "Z", .amount = "1"));
  post_refused(db, LEDGER_UNKNOWN_ACCOUNT, "account of the book itself",
               HOLD(.reference = "H", .from = "A", .to = "system:world:USD", .amount = "1"));
  post_refused(db, LEDGER_NOT_POSITIVE, "", HOLD(.reference = "H", .from = "A", .amount = "0.00"));
  assert_int_equal(post_print(db), before);
  post_close(db);
}

/* Asked again, each gives its first result, however much has happened since. */
static void test_replay(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, HOLD(.reference = "H", .from = "A", .to = "B", .amount = "60"));
  post_done(db, CAPTURE(.reference = "C1", .of = "H", .amount = "20"));
  post_done(db, CAPTURE(.reference = "C2", .of = "H", .amount = "20", .final = 1));
  int64_t before = post_print(db);
  post_done(db, HOLD(.reference = "H", .from = "A", .to = "B", .amount = "60.00"));
  assert_int_equal(post_result.replayed, 1);
  assert_string_equal(post_result.status, "pending");
  assert_string_equal(post_result.remaining, "60.00");
  assert_string_equal(post_result.balances[0].available, "40.00");
  post_done(db, CAPTURE(.reference = "C1", .of = "H", .amount = "20"));
  assert_int_equal(post_result.replayed, 1);
  assert_string_equal(post_result.amount, "20.00");
  assert_string_equal(post_result.remaining, "40.00");
  post_done(db, CAPTURE(.reference = "C2", .of = "H", .amount = "20", .final = 1));
  assert_int_equal(post_result.replayed, 1);
  assert_string_equal(post_result.remaining, "0.00");
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"amount\" differs",
               CAPTURE(.reference = "C1", .of = "H", .amount = "21"));
  assert_int_equal(post_print(db), before);
  post_close(db);
}

/* A fee is the payer's, of what is captured; it may come out of what the final capture gives back. */
static void test_fee(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, HOLD(.reference = "H", .from = "A", .to = "B", .amount = "100"));
  post_refused(db, LEDGER_NO_FUNDS, "has 0.00 USD available",
               CAPTURE(.reference = "C", .of = "H", .amount = "99", .fee = "withdrawal"));
  post_refused(db, LEDGER_NO_FEE, "",
               CAPTURE(.reference = "C", .of = "H", .amount = "99", .fee = "nothing"));
  post_done(db,
            CAPTURE(.reference = "C", .of = "H", .amount = "99", .fee = "withdrawal", .final = 1));
  assert_string_equal(post_result.fee, "0.50");
  post_balance(db, "A", "0.50 0.50 0.00");
  post_balance(db, "B", "99.00 99.00 0.00");
  post_balance(db, "system:fees:USD", "0.50 0.50 0.00");
  post_rows(db, "transactions",
            "select=reference_number,transaction_type,amount&reference_number=like.C*&order="
            "reference_number",
            "{\"reference_number\":\"C.C\",\"transaction_type\":\"transfer\",\"amount\":99.00}\n"
            "{\"reference_number\":\"C.F1\",\"transaction_type\":\"fee\",\"amount\":0.50}");
  post_close(db);
}

/* Nothing is taken out of a frozen account; what is held in it, or for a closed one, can be given back. */
static void test_status(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, HOLD(.reference = "H1", .from = "A", .to = "B", .amount = "10"));
  post_done(db, HOLD(.reference = "H2", .from = "A", .to = "B", .amount = "10"));
  post_done(db, .kind = LEDGER_OP_FREEZE, .reference = "F", .account = "A");
  post_refused(db, LEDGER_FROZEN, "frozen", CAPTURE(.reference = "C", .of = "H1"));
  post_refused(db, LEDGER_FROZEN, "frozen", HOLD(.reference = "H3", .from = "A", .amount = "1"));
  post_done(db, RELEASE(.reference = "R1", .of = "H1"));
  post_done(db, .kind = LEDGER_OP_SUSPEND, .reference = "S", .account = "A");
  post_refused(db, LEDGER_SUSPENDED, "suspended", CAPTURE(.reference = "C", .of = "H2"));
  post_done(db, RELEASE(.reference = "R2", .of = "H2"));
  post_done(db, .kind = LEDGER_OP_ACTIVATE, .reference = "V", .account = "A");
  post_balance(db, "A", "100.00 100.00 0.00");
  post_done(db, HOLD(.reference = "H4", .from = "A", .to = "B", .amount = "10"));
  post_refused(db, LEDGER_NOT_EMPTY, "", .kind = LEDGER_OP_CLOSE, .reference = "X", .account = "A");
  post_done(db, .kind = LEDGER_OP_SUSPEND, .reference = "S2", .account = "B");
  post_refused(db, LEDGER_SUSPENDED, "suspended", CAPTURE(.reference = "C", .of = "H4"));
  post_done(db, RELEASE(.reference = "R4", .of = "H4"));
  post_close(db);
}

/* Portfolios hold eight digits; between them and accounts the book's exchange accounts stand, on the expected side, too. */
static void test_portfolio(void **state) {
  (void)state;
  static const char cash[] = "portfolio:" POST_USER ":USD", coins[] = "portfolio:" POST_USER ":BTC";
  ledger *db = test_pair("full");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = coins, .amount = "1.5");
  post_done(db, HOLD(.reference = "H1", .from = coins, .amount = "0.00000001"));
  post_balance(db, coins, "1.50000000 1.49999999 0.00000001");
  post_rows(db, "portfolio_transactions", "select=transaction_type,amount,status&reference=eq.H1",
            "{\"transaction_type\":\"withdrawal\",\"amount\":0.00000001,\"status\":\"pending\"}");
  post_done(db, CAPTURE(.reference = "C1", .of = "H1"));
  post_rows(db, "portfolio_transactions", "select=amount,status&reference=eq.H1",
            "{\"amount\":0.00000001,\"status\":\"completed\"}");

  post_done(db, HOLD(.reference = "H2", .from = "A", .to = cash, .amount = "60"));
  post_done(db, CAPTURE(.reference = "C2", .of = "H2", .amount = "20.25"));
  post_balance(db, cash, "20.25000000 20.25000000 0.00000000");
  post_rows(db, "portfolio_transactions", "select=transaction_type,amount,status&reference=eq.C2.C",
            "{\"transaction_type\":\"deposit\",\"amount\":20.25000000,\"status\":\"completed\"}");
  post_done(db, RELEASE(.reference = "R2", .of = "H2"));
  post_balance(db, "A", "79.75 79.75 0.00");
  assert_int_equal(
      post_number(db, "SELECT count(*) FROM ledger_account WHERE expected != 0 OR held != 0"), 0);

  int64_t before = post_print(db);
  post_refused(db, LEDGER_WRONG_SCALE, "cannot show the amount with its 2 digits",
               HOLD(.reference = "H3", .from = cash, .to = "B", .amount = "0.001"));
  assert_int_equal(post_print(db), before);
  post_done(db, HOLD(.reference = "H3", .from = cash, .to = "B", .amount = "0.25"));
  before = post_print(db);
  post_refused(db, LEDGER_WRONG_SCALE, "cannot show the amount with its 2 digits",
               CAPTURE(.reference = "C3", .of = "H3", .amount = "0.125"));
  assert_int_equal(post_print(db), before);
  post_done(db, CAPTURE(.reference = "C3", .of = "H3", .amount = "0.12"));
  post_balance(db, "B", "0.12 0.12 0.00");
  post_done(db, RELEASE(.reference = "R3", .of = "H3"));
  post_rows(db, "portfolio_transactions", "select=amount,status&reference=eq.H3",
            "{\"amount\":0.12000000,\"status\":\"completed\"}");
  post_close(db);
}

static void test_wallstreet(void **state) {
  (void)state;
  ledger *db = test_pair("wallstreet");
  post_done(db, HOLD(.reference = "H", .from = "A", .to = "B", .amount = "60"));
  post_done(db, CAPTURE(.reference = "C", .of = "H", .amount = "1", .final = 1));
  post_balance(db, "A", "99.00 99.00 0.00");
  post_rows(db, "transactions",
            "select=amount,status&reference_number=eq.H&completed_at=not.is.null",
            "{\"amount\":1.00,\"status\":\"completed\"}");
  post_close(db);
}

/* The reference with which the sweep expires a hold: the id of its journal is that of its row, but for the last byte. */
static const char *test_expiry_of(ledger *db, const char *hold) {
  static char reference[64];
  char query[128];
  ledger_rows *rows = NULL;
  snprintf(query, sizeof query, "select=id&reference_number=eq.%s", hold);
  assert_int_equal(ledger_select(db, "transactions", query, &rows), LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  snprintf(reference, sizeof reference, "EXPIRE-%.34s00", ledger_rows_text(rows, 0, NULL));
  ledger_rows_free(rows);
  return reference;
}

#define TEST_HOLDS 230
#define TEST_DUE 219     /* the others' time has not come */
#define TEST_BLOCKED 105 /* the last ones of those due: another operation has the reference */

/* More holds than one commit takes, and more in the way than one takes: each due one expires once. */
static void test_sweep(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  char reference[64];
  int64_t count = -1;
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(count, 0);
  for (int i = 0; i < TEST_HOLDS; i++) {
    snprintf(reference, sizeof reference, "H%d", i);
    post_done(db, HOLD(.reference = reference, .from = "A", .to = "B", .amount = "0.10",
                       .expires_at = "2100-01-01"));
    if (i < TEST_DUE - TEST_BLOCKED || i >= TEST_DUE) continue;
    post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = test_expiry_of(db, reference), .to = "B",
              .amount = "1");
  }
  post_done(db, HOLD(.reference = "never", .from = "A", .amount = "0.10"));
  assert_int_equal(ledger_expire(db, NULL), LEDGER_OK);
  post_balance(db, "A", "100.00 76.90 23.10");
  /* Their time has come, for all at the same moment. */
  post_foreign(db, "UPDATE ledger_remainder SET expires_at = 1 WHERE journal <="
                   " (SELECT seq FROM ledger_journal WHERE reference = 'H218')");
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_remainder WHERE expires_at = 1"),
                   TEST_DUE);
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(ledger_error_of(db)->code, LEDGER_OK);
  assert_int_equal(count, TEST_DUE - TEST_BLOCKED);
  post_balance(db, "A", "100.00 88.30 11.70");
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(count, 0);
  post_rows(db, "transactions", "select=status&reference_number=eq.H113",
            "{\"status\":\"failed\"}");
  post_rows(db, "transactions", "select=status&reference_number=eq.H114",
            "{\"status\":\"pending\"}");
  post_rows(db, "transactions", "select=status&reference_number=eq.H219",
            "{\"status\":\"pending\"}");
  /* One that is done already, as by another program between the look and the post, does not count. */
  post_foreign(db, "UPDATE ledger_remainder SET expires_at = 1 WHERE journal ="
                   " (SELECT seq FROM ledger_journal WHERE reference = 'H0')");
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(count, 0);
  post_close(db);
}

/* In a transaction the sweep has its time, and goes back with it. */
static void test_sweep_in_transaction(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  int64_t count = 0;
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  db->session.now_us = TEST_T0;
  post_done(db, HOLD(.reference = "H1", .from = "A", .amount = "1",
                     .expires_at = "2030-01-01 00:00:01+00"));
  post_done(db, HOLD(.reference = "H2", .from = "A", .amount = "2",
                     .expires_at = "2030-01-01 00:00:02+00"));
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  db->session.now_us = TEST_T0 + MOMENT_SECOND - 1;
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(count, 0);
  db->session.now_us = TEST_T0 + MOMENT_SECOND;
  assert_int_equal(ledger_expire(db, &count), LEDGER_OK);
  assert_int_equal(count, 1);
  post_balance(db, "A", "100.00 98.00 2.00");
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  post_balance(db, "A", "100.00 97.00 3.00");
  post_done(db,
            CAPTURE(.reference = "C1", .of = "H1")); /* the clock of the book stands at TEST_T0 */
  post_close(db);
}

/* What another program did to the hold's row or to what is left of it is found before anything is written. */
static void test_broken(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, HOLD(.reference = "H", .from = "A", .amount = "10"));
  int64_t before = post_print(db);
  post_foreign(db, "UPDATE transactions SET status = 'failed' WHERE reference_number = 'H'");
  post_refused(db, LEDGER_BOOK_BROKEN, "is not in the state in which the book left it",
               CAPTURE(.reference = "C", .of = "H"));
  assert_int_equal(post_print(db), before);
  post_balance(db, "A", "100.00 90.00 10.00");
  static const char *const edits[] = {
      "amount = 1100",
      "amount = 999",
      "settled = -1",
      "released = -1",
      "settled = 1001",
      "settled = 600, released = 600",
      "settled = 9223372036854775807, released = 9223372036854775807"};
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE ledger_remainder SET %s", edits[i]);
    post_foreign(db, sql);
    post_refused(db, LEDGER_BOOK_BROKEN, "what is left of hold H does not agree",
                 CAPTURE(.reference = "C", .of = "H"));
    post_foreign(db, "UPDATE ledger_remainder SET amount = 1000, settled = 0, released = 0");
  }
  post_foreign(db, "DELETE FROM ledger_remainder");
  post_refused(db, LEDGER_BOOK_BROKEN, "what is left of hold H",
               RELEASE(.reference = "C", .of = "H"));
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_largest),
      cmocka_unit_test(test_release),
      cmocka_unit_test(test_expiry),
      cmocka_unit_test(test_kept),
      cmocka_unit_test(test_other),
      cmocka_unit_test(test_replay),
      cmocka_unit_test(test_fee),
      cmocka_unit_test(test_status),
      cmocka_unit_test(test_portfolio),
      cmocka_unit_test(test_wallstreet),
      cmocka_unit_test(test_sweep),
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_sweep_in_transaction),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
