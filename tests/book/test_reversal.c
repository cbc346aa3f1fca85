/*
** test_reversal: the opposite of an operation, in full and in part.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "post.h"

#define REVERSE(...) .kind = LEDGER_OP_REVERSE, __VA_ARGS__
#define TRANSFER(...) .kind = LEDGER_OP_TRANSFER, __VA_ARGS__

#define TEST_CASH "portfolio:" POST_USER ":USD"
#define TEST_COINS "portfolio:" POST_USER ":BTC"

static ledger *test_pair(const char *schema) {
  ledger *db = post_file(schema);
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", "100");
  return db;
}

/* The rows that a reversal made, with what they say of the direction. */
static void test_rows_of(ledger *db, const char *reference, const char *wanted) {
  char query[200];
  snprintf(query, sizeof query,
           "select=reference_number,transaction_type,amount,status,metadata&order=reference_number&"
           "or=(reference_number.eq.%s,reference_number.like.%s.*)",
           reference, reference);
  post_rows(db, "transactions", query, wanted);
}

/* Who gives back bears the reference; the world has no row. */
static void test_one_sided(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, REVERSE(.reference = "R1", .of = "deposit-A", .description = "bounced",
                        .reason = "bank"));
  assert_string_equal(post_result.status, "completed");
  assert_string_equal(post_result.amount, "100.00");
  assert_string_equal(post_result.currency, "USD");
  post_balance(db, "A", "0.00 0.00 0.00");
  post_balance(db, "system:world:USD", "-100.00 -100.00 0.00");
  test_rows_of(db, "R1",
               "{\"reference_number\":\"R1\",\"transaction_type\":\"reversal\",\"amount\":100.00,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"debit\"}}");
  post_rows(db, "transactions", "select=description&reference_number=eq.R1",
            "{\"description\":\"bounced\"}");
  post_done(db, .kind = LEDGER_OP_WITHDRAW, .reference = "W", .from = "B", .amount = "30",
            .fee = "withdrawal");
  post_balance(db, "B", "69.85 69.85 0.00");
  post_done(db, REVERSE(.reference = "R2", .of = "W"));
  assert_string_equal(post_result.amount, "30.00");
  post_balance(db, "B", "100.00 100.00 0.00");
  post_balance(db, "system:fees:USD", "0.00 0.00 0.00");
  /* the fee is in the same row */
  test_rows_of(db, "R2",
               "{\"reference_number\":\"R2\",\"transaction_type\":\"reversal\",\"amount\":30.15,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"credit\"}}");
  post_close(db);
}

/* The whole gives the fee back; parts give the principal, up to it and not a cent more. */
static void test_parts(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(
      db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "60", .fee = "withdrawal"));
  post_balance(db, "A", "39.70 39.70 0.00");
  int64_t before = post_print(db);
  post_refused(db, LEDGER_OVER_REVERSED,
               "operation T has 60.00 USD left to reverse (0.00 are reversed already), 60.01",
               REVERSE(.reference = "R", .of = "T", .amount = "60.01"));
  post_refused(db, LEDGER_NOT_POSITIVE, "", REVERSE(.reference = "R", .of = "T", .amount = "0"));
  post_refused(db, LEDGER_WRONG_SCALE, "", REVERSE(.reference = "R", .of = "T", .amount = "1.001"));
  post_refused(db, LEDGER_WRONG_CURRENCY, "",
               REVERSE(.reference = "R", .of = "T", .currency = "EUR"));
  assert_int_equal(post_print(db), before);
  post_done(db, REVERSE(.reference = "R1", .of = "T", .amount = "20.01"));
  assert_string_equal(post_result.amount, "20.01");
  test_rows_of(db, "R1",
               "{\"reference_number\":\"R1\",\"transaction_type\":\"reversal\",\"amount\":20.01,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"debit\"}}\n"
               "{\"reference_number\":\"R1.C\",\"transaction_type\":\"reversal\",\"amount\":20.01,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"credit\"}}");
  post_rows(db, "transactions", "select=amount,status&reference_number=eq.T",
            "{\"amount\":60.00,\"status\":\"completed\"}"); /* the original stays */
  post_refused(db, LEDGER_OVER_REVERSED,
               "has 39.99 USD left to reverse (20.01 are reversed already), 40.00",
               REVERSE(.reference = "R2", .of = "T", .amount = "40"));
  post_done(db, REVERSE(.reference = "R2", .of = "T"));
  assert_string_equal(post_result.amount, "39.99");
  post_balance(db, "A", "99.70 99.70 0.00");
  post_balance(db, "B", "100.00 100.00 0.00");
  post_balance(db, "system:fees:USD", "0.30 0.30 0.00");
  post_refused(db, LEDGER_OVER_REVERSED, "operation T is reversed already",
               REVERSE(.reference = "R3", .of = "T"));
  post_refused(db, LEDGER_OVER_REVERSED, "operation T is reversed already",
               REVERSE(.reference = "R3", .of = "T", .amount = "0.01"));

  post_done(
      db, TRANSFER(.reference = "T2", .from = "A", .to = "B", .amount = "60", .fee = "withdrawal"));
  post_done(db, REVERSE(.reference = "R4", .of = "T2"));
  post_balance(db, "A", "99.70 99.70 0.00");
  post_balance(db, "system:fees:USD", "0.30 0.30 0.00");
  test_rows_of(db, "R4",
               "{\"reference_number\":\"R4\",\"transaction_type\":\"reversal\",\"amount\":60.00,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"debit\"}}\n"
               "{\"reference_number\":\"R4.C\",\"transaction_type\":\"reversal\",\"amount\":60.30,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"credit\"}}");
  post_refused(db, LEDGER_OVER_REVERSED, "reversed already",
               REVERSE(.reference = "R5", .of = "T2"));

  /* the whole amount by its number is the principal alone */
  post_done(
      db, TRANSFER(.reference = "T3", .from = "A", .to = "B", .amount = "60", .fee = "withdrawal"));
  post_done(db, REVERSE(.reference = "R6", .of = "T3", .amount = "60.00"));
  post_balance(db, "A", "99.40 99.40 0.00");
  post_close(db);
}

/* The receiver pays the fee of a deposit. */
static void test_deposit_fee(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_row(db, "{\"table\":\"fee_config\",\"row\":{\"fee_type\":\"deposit\",\"percentage_fee\":1,"
               "\"flat_fee\":0.5,"
               "\"created_at\":\"2026-06-01\"}}");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = "A", .amount = "10",
            .fee = "deposit");
  post_balance(db, "A", "109.40 109.40 0.00");
  post_done(db, REVERSE(.reference = "R1", .of = "D", .amount = "4"));
  post_balance(db, "A", "105.40 105.40 0.00");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D2", .to = "A", .amount = "10",
            .fee = "deposit");
  post_done(db, REVERSE(.reference = "R2", .of = "D2"));
  assert_string_equal(post_result.amount, "10.00");
  post_balance(db, "A", "105.40 105.40 0.00");
  test_rows_of(db, "R2",
               "{\"reference_number\":\"R2\",\"transaction_type\":\"reversal\",\"amount\":9.40,"
               "\"status\":\"completed\",\"metadata\":{\"direction\": \"debit\"}}");
  post_close(db);
}

static void test_legs(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_account(db, "C", "USD", NULL);
  post_account(db, "D", "EUR", "10");
  post_account(db, "E", "EUR", NULL);
  static const ledger_leg legs[] = {{"C", "30", NULL, NULL},
                                    {"A", "-20", NULL, NULL},
                                    {"B", "-10", NULL, NULL},
                                    {"D", "-5", NULL, NULL},
                                    {"E", "5", NULL, NULL}};
  post_done(db, .kind = LEDGER_OP_POST, .reference = "P", .leg_count = 5, .legs = legs);
  post_refused(db, LEDGER_BAD_OPERATION,
               "operation P did not move one amount from one account to another",
               REVERSE(.reference = "R", .of = "P", .amount = "1"));
  post_done(db, REVERSE(.reference = "R", .of = "P"));
  assert_string_equal(post_result.amount, "30.00");
  assert_int_equal(post_result.balance_count, 5);
  post_balance(db, "A", "100.00 100.00 0.00");
  post_balance(db, "C", "0.00 0.00 0.00");
  post_balance(db, "D", "10.00 10.00 0.00");
  post_rows(db, "transactions",
            "select=reference_number,amount,currency,metadata&transaction_type=eq.reversal&order="
            "reference_number",
            "{\"reference_number\":\"R\",\"amount\":30.00,\"currency\":\"USD\",\"metadata\":{"
            "\"direction\": \"debit\"}}\n"
            "{\"reference_number\":\"R.L1\",\"amount\":20.00,\"currency\":\"USD\",\"metadata\":{"
            "\"direction\": \"credit\"}}\n"
            "{\"reference_number\":\"R.L2\",\"amount\":10.00,\"currency\":\"USD\",\"metadata\":{"
            "\"direction\": \"credit\"}}\n"
            "{\"reference_number\":\"R.L3\",\"amount\":5.00,\"currency\":\"EUR\",\"metadata\":{"
            "\"direction\": \"credit\"}}\n"
            "{\"reference_number\":\"R.L4\",\"amount\":5.00,\"currency\":\"EUR\",\"metadata\":{"
            "\"direction\": \"debit\"}}");
  post_refused(db, LEDGER_OVER_REVERSED, "operation P is reversed already",
               REVERSE(.reference = "R2", .of = "P"));
  /* Four legs of one currency are not yet one amount that changes its scale. */
  static const ledger_leg four[] = {{"A", "-2", NULL, NULL},
                                    {"C", "1", NULL, NULL},
                                    {"B", "-1", NULL, NULL},
                                    {"S", "2", NULL, NULL}};
  post_account(db, "S", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_POST, .reference = "P4", .leg_count = 4, .legs = four);
  post_refused(db, LEDGER_BAD_OPERATION, "did not move one amount",
               REVERSE(.reference = "R4", .of = "P4", .amount = "1"));
  post_done(db, REVERSE(.reference = "R4", .of = "P4"));
  /* Two legs are one amount from one account to another. */
  static const ledger_leg two[] = {{"B", "-10", NULL, NULL}, {"A", "10", NULL, NULL}};
  post_done(db, .kind = LEDGER_OP_POST, .reference = "P2", .leg_count = 2, .legs = two);
  post_done(db, REVERSE(.reference = "R3", .of = "P2", .amount = "4"));
  post_balance(db, "A", "106.00 106.00 0.00");
  post_close(db);
}

/* As many legs as there may be: all of them, and one row each. */
static void test_most_legs(void **state) {
  (void)state;
  ledger *db = post_file("full");
  char names[LEDGER_LEG_MAX][16];
  ledger_leg legs[LEDGER_LEG_MAX];
  for (int i = 0; i < LEDGER_LEG_MAX; i++) {
    snprintf(names[i], sizeof names[i], "N%d", i);
    post_account(db, names[i], "USD", "1");
    legs[i] = (ledger_leg){.account = names[i], .amount = i % 2 == 0 ? "-1" : "1"};
  }
  post_done(db, .kind = LEDGER_OP_POST, .reference = "P", .leg_count = LEDGER_LEG_MAX,
            .legs = legs);
  post_done(db, REVERSE(.reference = "R", .of = "P"));
  assert_int_equal(post_result.balance_count, LEDGER_LEG_MAX);
  for (int i = 0; i < LEDGER_LEG_MAX; i++) post_balance(db, names[i], "1.00 1.00 0.00");
  assert_int_equal(
      post_number(db, "SELECT count(*) FROM transactions WHERE transaction_type = 'reversal'"),
      LEDGER_LEG_MAX);
  assert_int_equal(
      post_number(db, "SELECT count(*) FROM transactions WHERE reference_number = 'R.L63'"), 1);
  post_close(db);
}

/* Captures, fees, opening balances, adjustments either way. */
static void test_kinds(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B", .amount = "60");
  post_done(db, .kind = LEDGER_OP_CAPTURE, .reference = "C", .of = "H", .amount = "25");
  post_done(db, REVERSE(.reference = "R1", .of = "C", .amount = "5"));
  post_balance(db, "A", "80.00 45.00 35.00"); /* what is still held stays held */
  post_done(db, REVERSE(.reference = "R2", .of = "C"));
  post_balance(db, "A", "100.00 65.00 35.00");
  post_balance(db, "B", "100.00 100.00 0.00");
  post_refused(db, LEDGER_OVER_REVERSED, "reversed already", REVERSE(.reference = "R3", .of = "C"));

  post_done(db, .kind = LEDGER_OP_FEE, .reference = "F", .account = "B", .amount = "10");
  post_done(db, REVERSE(.reference = "R4", .of = "F", .amount = "4"));
  post_balance(db, "B", "94.00 94.00 0.00");
  post_done(db, REVERSE(.reference = "R5", .of = "F"));
  post_balance(db, "B", "100.00 100.00 0.00");

  post_done(db, .kind = LEDGER_OP_ADJUST, .reference = "X", .from = "B", .amount = "10");
  post_done(db, REVERSE(.reference = "R6", .of = "X", .amount = "1"));
  post_balance(db, "B", "91.00 91.00 0.00");
  post_done(db, .kind = LEDGER_OP_ADJUST, .reference = "Y", .to = "B", .amount = "10");
  post_done(db, REVERSE(.reference = "R7", .of = "Y"));
  post_balance(db, "B", "91.00 91.00 0.00");
  post_account(db, "O", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_OPENING, .reference = "O1", .to = "O", .amount = "7");
  post_done(db, REVERSE(.reference = "R8", .of = "O1"));
  post_balance(db, "O", "0.00 0.00 0.00");
  post_balance(db, "system:equity:USD", "9.00 9.00 0.00");
  post_close(db);
}

static void test_exchange(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_account(db, "E", "EUR", NULL);
  post_row(
      db,
      "{\"table\":\"exchange_rates\",\"row\":{\"from_currency\":\"USD\",\"to_currency\":\"EUR\","
      "\"rate\":0.925,\"quoted_at\":\"2026-01-01\"}}");
  post_done(db, .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "A", .to = "E",
            .amount = "10.01", .fee = "withdrawal");
  post_balance(db, "A", "89.94 89.94 0.00");
  post_balance(db, "E", "9.26 9.26 0.00");
  post_refused(db, LEDGER_BAD_OPERATION, "it is reversed as a whole",
               REVERSE(.reference = "R", .of = "X", .amount = "1"));
  post_done(db, REVERSE(.reference = "R", .of = "X"));
  assert_string_equal(post_result.amount, "10.01");
  post_balance(db, "A", "100.00 100.00 0.00");
  post_balance(db, "E", "0.00 0.00 0.00");
  post_rows(db, "transactions",
            "select=reference_number,amount,currency,metadata&transaction_type=eq.reversal&order="
            "reference_number",
            "{\"reference_number\":\"R\",\"amount\":9.26,\"currency\":\"EUR\",\"metadata\":{"
            "\"direction\": \"debit\"}}\n"
            "{\"reference_number\":\"R.C\",\"amount\":10.06,\"currency\":\"USD\",\"metadata\":{"
            "\"direction\": \"credit\"}}");
  post_close(db);
}

/* Between an account and a portfolio the amount is in the units of the original's payer. */
static void test_scales(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = TEST_CASH, .amount = "10.25"));
  post_done(db, REVERSE(.reference = "R1", .of = "T", .amount = "0.01"));
  post_balance(db, "A", "89.76 89.76 0.00");
  post_balance(db, TEST_CASH, "10.24000000 10.24000000 0.00000000");
  post_rows(db, "portfolio_transactions", "select=transaction_type,amount,status&reference=eq.R1",
            "{\"transaction_type\":\"adjustment\",\"amount\":0.01000000,\"status\":\"completed\"}");
  post_done(db, REVERSE(.reference = "R2", .of = "T"));
  post_balance(db, "A", "100.00 100.00 0.00");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = TEST_CASH,
            .amount = "1.23456789");
  post_done(db, TRANSFER(.reference = "T2", .from = TEST_CASH, .to = "A", .amount = "0.5"));
  post_refused(db, LEDGER_WRONG_SCALE, "cannot show the amount with its 2 digits",
               REVERSE(.reference = "R3", .of = "T2", .amount = "0.125"));
  post_done(db, REVERSE(.reference = "R3", .of = "T2", .amount = "0.12"));
  post_balance(db, TEST_CASH, "0.85456789 0.85456789 0.00000000");
  post_balance(db, "system:exchange:USD:8", "0.38000000 0.38000000 0.00000000");
  post_close(db);
}

/* The receiver of a large amount may have it no more, or may not give it. */
static void test_refused(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "60"));
  post_done(db, .kind = LEDGER_OP_WITHDRAW, .reference = "W", .from = "B", .amount = "100.01");
  int64_t before = post_print(db);
  post_refused(db, LEDGER_NO_FUNDS, "has 59.99 USD available, 60.00 is needed",
               REVERSE(.reference = "R", .of = "T"));
  assert_int_equal(post_print(db), before);
  post_done(db, REVERSE(.reference = "R", .of = "T", .amount = "59.99"));
  post_done(db, .kind = LEDGER_OP_FREEZE, .reference = "F", .account = "B");
  post_refused(db, LEDGER_FROZEN, "frozen", REVERSE(.reference = "R2", .of = "T"));
  post_done(db, .kind = LEDGER_OP_ACTIVATE, .reference = "V", .account = "B");
  post_refused(db, LEDGER_NO_FUNDS, "has 0.00 USD available",
               REVERSE(.reference = "R2", .of = "T", .keep_failed = 1));
  post_rows(db, "transactions", "select=status,amount&reference_number=eq.R2",
            "{\"status\":\"failed\",\"amount\":0.01}");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = "B", .amount = "1");
  post_refused(db, LEDGER_NO_FUNDS, "has 0.00 USD available",
               REVERSE(.reference = "R2", .of = "T", .keep_failed = 1)); /* for ever */
  post_done(db, REVERSE(.reference = "R3", .of = "T"));
  post_close(db);
}

static void test_wrong_state(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "60"));
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .amount = "10");
  post_done(db, .kind = LEDGER_OP_RELEASE, .reference = "L", .of = "H");
  post_done(db, REVERSE(.reference = "R", .of = "T"));
  post_refused(
      db, LEDGER_NO_FUNDS, "",
      TRANSFER(.reference = "T2", .from = "A", .to = "B", .amount = "1000", .keep_failed = 1));
  int64_t before = post_print(db);
  post_refused(db, LEDGER_WRONG_STATE, "operation R is a reversal, which is not reversed itself",
               REVERSE(.reference = "Z", .of = "R"));
  post_refused(db, LEDGER_WRONG_STATE, "operation H cannot be reversed, it is: hold",
               REVERSE(.reference = "Z", .of = "H"));
  post_refused(db, LEDGER_WRONG_STATE, "cannot be reversed, it is: release",
               REVERSE(.reference = "Z", .of = "L"));
  post_refused(db, LEDGER_WRONG_STATE, "cannot be reversed, it is: open",
               REVERSE(.reference = "Z", .of = "open-A"));
  post_refused(db, LEDGER_WRONG_STATE, "operation T2 was refused: it moved nothing",
               REVERSE(.reference = "Z", .of = "T2"));
  post_refused(db, LEDGER_UNKNOWN_REFERENCE, "\"T3\"", REVERSE(.reference = "Z", .of = "T3"));
  post_refused(db, LEDGER_BAD_OPERATION, "needs \"of\"", REVERSE(.reference = "Z"));
  assert_int_equal(post_print(db), before);
  post_close(db);
}

static void test_replay(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(
      db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "60", .fee = "withdrawal"));
  post_done(db, REVERSE(.reference = "R1", .of = "T", .amount = "20"));
  post_done(db, REVERSE(.reference = "R2", .of = "T"));
  int64_t before = post_print(db);
  post_done(db, REVERSE(.reference = "R1", .of = "T", .amount = "20.0"));
  assert_int_equal(post_result.replayed, 1);
  assert_string_equal(post_result.amount, "20.00");
  post_done(db, REVERSE(.reference = "R2", .of = "T"));
  assert_string_equal(post_result.amount, "40.00");
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"amount\" differs",
               REVERSE(.reference = "R2", .of = "T", .amount = "40"));
  assert_int_equal(post_print(db), before);
  post_close(db);
}

/* A fill goes back as a whole: the coins, the cash, its fee. */
static void test_fill(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = TEST_CASH, .amount = "1000");
  post_done(db, .kind = LEDGER_OP_ORDER, .reference = "O", .user = POST_USER, .side = "buy",
            .asset = "BTC", .amount = "0.01", .price = "50000", .fee = "trading");
  post_refused(db, LEDGER_WRONG_STATE, "cannot be reversed, it is: order",
               REVERSE(.reference = "R", .of = "O"));
  post_done(db, .kind = LEDGER_OP_FILL, .reference = "F", .of = "O");
  post_balance(db, TEST_CASH, "499.50000000 499.50000000 0.00000000");
  post_refused(db, LEDGER_BAD_OPERATION, "as a whole",
               REVERSE(.reference = "R", .of = "F", .amount = "1"));
  post_done(db, REVERSE(.reference = "R", .of = "F"));
  post_balance(db, TEST_CASH, "1000.00000000 1000.00000000 0.00000000");
  post_balance(db, TEST_COINS, "0.00000000 0.00000000 0.00000000");
  post_close(db);
}

/* What another program did to the plain row or to what is left. */
static void test_broken(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "60"));
  post_done(db, REVERSE(.reference = "R", .of = "T", .amount = "10"));
  static const char *const edits[] = {"amount = 7000", "settled = -1", "settled = 6001"};
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    char sql[200];
    snprintf(sql, sizeof sql, "UPDATE ledger_remainder SET %s", edits[i]);
    post_foreign(db, sql);
    post_refused(db, LEDGER_BOOK_BROKEN, "what is reversed of operation T",
                 REVERSE(.reference = "R2", .of = "T"));
    post_foreign(db, "UPDATE ledger_remainder SET amount = 6000, settled = 1000");
  }
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_sided),   cmocka_unit_test(test_parts),
      cmocka_unit_test(test_deposit_fee), cmocka_unit_test(test_legs),
      cmocka_unit_test(test_most_legs),   cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_exchange),    cmocka_unit_test(test_scales),
      cmocka_unit_test(test_refused),     cmocka_unit_test(test_wrong_state),
      cmocka_unit_test(test_replay),      cmocka_unit_test(test_fill),
      cmocka_unit_test(test_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
