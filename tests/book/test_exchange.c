/*
** exchange.c: the formula, which rate counts, what is posted, and what is refused.
*/
#include "../../ledger.c"

#include "price.h"

#include "allocation.h"

/* ---- the formula */

struct formula {
  int64_t paid;
  int paid_scale;
  const char *rate;
  int scale, digits;
  enum money_rounding rounding;
  int64_t received;
};

static void test_formula(void **state) {
  static const struct formula formulas[] = {
      {1000, 2, "1.08000000", 2, 2, MONEY_HALF_UP, 1080},
      {1000, 2, "1", 2, 2, MONEY_HALF_UP, 1000},
      /* 0.25 at 0.5 is 0.125 */
      {25, 2, "0.5", 2, 2, MONEY_HALF_UP, 13},
      {25, 2, "0.5", 2, 2, MONEY_HALF_EVEN, 12},
      {25, 2, "0.5", 2, 2, MONEY_DOWN, 12},
      {25, 2, "0.5", 2, 2, MONEY_UP, 13},
      {25, 2, "0.5", 2, 2, MONEY_FLOOR, 12},
      {25, 2, "0.5", 2, 2, MONEY_CEILING, 13},
      {75, 2, "0.5", 2, 2, MONEY_HALF_EVEN, 38}, /* 0.375 */
      {1, 2, "0.00000001", 2, 2, MONEY_HALF_UP, 0},
      {1, 2, "0.00000001", 2, 2, MONEY_UP, 1},
      /* dollars to yen, whole in a column of two digits; and back */
      {1000, 2, "149.87654321", 2, 0, MONEY_HALF_UP, 149900},
      {1000, 2, "149.87654321", 2, 0, MONEY_DOWN, 149800},
      {149900, 2, "0.00667215", 2, 2, MONEY_HALF_UP, 1000},
      /* dollars to bitcoins and back */
      {100000, 2, "0.00001543", 8, 8, MONEY_HALF_UP, 1543000},
      {1, 8, "64812.50500000", 2, 2, MONEY_HALF_UP, 0},
      {1, 8, "64812.50500000", 2, 2, MONEY_UP, 1},
      {INT64_C(100000000), 8, "64812.50500000", 2, 2, MONEY_HALF_UP, 6481251},
      {INT64_C(100000000), 8, "64812.50500000", 2, 2, MONEY_HALF_EVEN, 6481250},
      {INT64_MAX, 2, "1", 2, 2, MONEY_HALF_UP, INT64_MAX},
  };
  (void)state;
  for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
    const struct formula *f = &formulas[i];
    int64_t received = -1;
    ledger_error error = {0};
    int rc = exchange_formula(f->paid, f->paid_scale, f->rate, f->scale, f->digits, f->rounding, &received, &error);
    if (rc != LEDGER_OK || received != f->received)
      fail_msg("formula %zu: %lld %s", i, (long long)received, error.message);
  }
}

static void test_formula_refused(void **state) {
  static const struct {
    struct formula formula;
    int code;
    const char *sentence;
  } cases[] = {
      {{INT64_MAX, 2, "1.00000001", 2, 2, MONEY_DOWN, 0}, LEDGER_AMOUNT_RANGE, "the amount received is out of range"},
      {{INT64_MAX, 2, "1", 8, 2, MONEY_DOWN, 0}, LEDGER_AMOUNT_RANGE, "the amount received is out of range"},
      {{100, 2, "0.00000000", 2, 2, MONEY_UP, 0}, LEDGER_NOT_POSITIVE, "the rate 0.00000000 is not greater than zero"},
      {{100, 2, "-1.08", 2, 2, MONEY_UP, 0}, LEDGER_NOT_POSITIVE, "the rate -1.08 is not greater than zero"},
      {{100, 2, "1.000000001", 2, 2, MONEY_UP, 0},
       LEDGER_WRONG_SCALE, "amount 1.000000001 has more than 8 digits after the point"},
      {{100, 2, "much", 2, 2, MONEY_UP, 0}, LEDGER_INVALID_TEXT, "invalid input syntax for type numeric: \"much\""},
      {{100, 12, "1", 2, 0, MONEY_UP, 0}, LEDGER_WRONG_SCALE, "amounts of 12 and 0 digits after the point"},
      {{100, 0, "1", 18, 18, MONEY_UP, 0}, LEDGER_WRONG_SCALE, "amounts of 0 and 18 digits after the point"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct formula *f = &cases[i].formula;
    int64_t received;
    ledger_error error = {0};
    int rc = exchange_formula(f->paid, f->paid_scale, f->rate, f->scale, f->digits, f->rounding, &received, &error);
    assert_string_equal(error.message, cases[i].sentence);
    assert_int_equal(rc, cases[i].code);
  }
}

/* ---- which rate counts */

#define RATE_ID(n) "00000000-0000-4000-8000-0000000000e" #n
#define RATE_ROW(n, from, to, rate, time)                                                                              \
  "INSERT INTO exchange_rates (id, from_currency, to_currency, rate, source, quoted_at) VALUES"                        \
  " ('" RATE_ID(n) "', '" from "', '" to "', '" rate "', 'desk \"1\"', '" time "+00:00');"

static ledger *exchange_book(void) {
  ledger *db = price_open("full");
  price_account(db, "E", "EUR", "1000");
  price_account(db, "D", "USD", "1000");
  price_account(db, "Y", "JPY", "1000");
  return db;
}

static const char *rate_at(ledger *db, const char *reference, const char *effective_at) {
  static ledger_result result;
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = reference, .from = "E", .to = "D", .amount = "1",
             .effective_at = effective_at);
  return result.rate;
}

static void test_newest(void **state) {
  ledger *db = exchange_book();
  (void)state;
  price_sql(db, RATE_ROW(1, "EUR", "USD", "1.01000000", "2026-01-01 00:00:00")
                    RATE_ROW(2, "EUR", "USD", "1.02000000", "2026-02-01 00:00:00")
                        RATE_ROW(3, "EUR", "USD", "1.03000000", "2026-02-01 00:00:00.000001")
                            RATE_ROW(4, "EUR", "USD", "9.00000000", "9000-01-01 00:00:00")
                                RATE_ROW(5, "EUR", "JPY", "8.00000000", "2026-03-01 00:00:00"));
  assert_string_equal(rate_at(db, "X1", NULL), "1.03000000"); /* not the one of the future */
  assert_string_equal(rate_at(db, "X2", "2026-01-15"), "1.01000000");
  assert_string_equal(rate_at(db, "X3", "2026-01-01 00:00:00+00"), "1.01000000");
  assert_string_equal(rate_at(db, "X4", "2026-02-01 02:00:00+02"), "1.02000000");
  assert_string_equal(rate_at(db, "X5", "2026-02-01 00:00:00.000001+00"), "1.03000000");
  assert_string_equal(rate_at(db, "X6", "9000-01-01"), "9.00000000");
  price_refused(db, LEDGER_NO_RATE, "exchange_rates has no rate from EUR to USD at 2025-12-31 23:59:59.999999+00:00",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X7", .from = "E", .to = "D", .amount = "1",
                .effective_at = "2025-12-31 23:59:59.999999+00");
  /* the other direction is another rate */
  price_refused(db, LEDGER_NO_RATE, "exchange_rates has no rate from USD to EUR at %", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X8", .from = "D", .to = "E", .amount = "1");
  price_close(db);
}

/* ---- what is posted */

static void test_change(void **state) {
  ledger *db = exchange_book();
  ledger_result result, again;
  (void)state;
  price_sql(db, RATE_ROW(1, "EUR", "USD", "1.08500000", "2026-01-01 00:00:00"));
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "X-1", .from = "E", .to = "D", .amount = "10.01",
             .currency = "EUR", .description = "trip", .metadata = "{\"a\":1}");
  assert_string_equal(result.status, "completed");
  assert_string_equal(result.amount, "10.01");
  assert_string_equal(result.currency, "EUR");
  assert_string_equal(result.received, "10.86"); /* 10.86085 */
  assert_string_equal(result.received_currency, "USD");
  assert_string_equal(result.rate, "1.08500000");
  assert_string_equal(result.fee, "");
  assert_int_equal(result.balance_count, 2);
  assert_string_equal(result.balances[0].balance, "989.99");
  assert_string_equal(result.balances[1].balance, "1010.86");
  assert_string_equal(price_balance(db, "system:exchange:EUR:2"), "10.01");
  assert_string_equal(price_balance(db, "system:exchange:USD:2"), "-10.86");
  price_rows(db,
             "X-1 exchange 10.01 EUR completed trip {\"a\": 1, \"direction\": \"debit\"}\n"
             "X-1.X1 exchange 10.86 USD completed trip {\"a\": 1, \"direction\": \"credit\"}",
             "SELECT reference_number, transaction_type, amount, currency, status, description, metadata"
             " FROM transactions WHERE reference_number LIKE 'X-1%' ORDER BY 1");
  price_rows(db, "0 -1001\n0 1001\n0 -1086\n0 1086",
             "SELECT layer, amount FROM ledger_entry WHERE journal = (SELECT max(seq) FROM ledger_journal) ORDER BY seq");
  price_rows(db, RATE_ID(1) " EUR USD 1.08500000 2026-01-01 00:00:00+00:00 desk \"1\" half_up 10.01 10.86",
             "SELECT detail ->> '$.rate.id', detail ->> '$.rate.from', detail ->> '$.rate.to', detail ->> '$.rate.rate',"
             " detail ->> '$.rate.quoted_at', detail ->> '$.rate.source', detail ->> '$.rate.rounding',"
             " detail ->> '$.rate.paid', detail ->> '$.rate.received' FROM ledger_journal WHERE reference = 'X-1'");
  /* again, when the rate is another one: the first result */
  price_sql(db, RATE_ROW(2, "EUR", "USD", "2.00000000", "2026-02-01 00:00:00"));
  price_post(db, &again, .kind = LEDGER_OP_EXCHANGE, .reference = "X-1", .from = "E", .to = "D", .amount = "10.01",
             .currency = "EUR");
  assert_int_equal(again.replayed, 1);
  assert_string_equal(again.received, "10.86");
  assert_string_equal(again.rate, "1.08500000");
  assert_string_equal(again.received_currency, "USD");
  price_refused(db, LEDGER_REFERENCE_REUSED, "reference \"X-1\" was used for another operation: \"to\" differs",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X-1", .from = "E", .to = "Y", .amount = "10.01",
                .currency = "EUR");
  price_close(db);
}

static void test_rounding(void **state) {
  static const char *const received[][2] = {{"half_up", "0.13"}, {"half_even", "0.12"}, {"down", "0.12"},
                                            {"up", "0.13"},      {"floor", "0.12"},     {"ceiling", "0.13"}};
  ledger *db = exchange_book();
  ledger_result result;
  (void)state;
  price_sql(db, RATE_ROW(1, "EUR", "USD", "0.50000000", "2026-01-01 00:00:00")
                    RATE_ROW(2, "EUR", "JPY", "161.50000000", "2026-01-01 00:00:00")
                        RATE_ROW(3, "JPY", "EUR", "0.00619000", "2026-01-01 00:00:00"));
  for (size_t i = 0; i < sizeof received / sizeof *received; i++) {
    price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = received[i][0], .from = "E", .to = "D",
               .amount = "0.25", .rounding = received[i][0]);
    assert_string_equal(result.received, received[i][1]);
  }
  /* yen are whole, in a column of two digits */
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "yen", .from = "E", .to = "Y", .amount = "1",
             .rounding = "down");
  assert_string_equal(result.received, "161.00");
  assert_string_equal(price_balance(db, "Y"), "1161.00");
  price_refused(db, LEDGER_WRONG_SCALE, "amount 1.50 has more than 0 digits after the point",
                .kind = LEDGER_OP_EXCHANGE, .reference = "half a yen", .from = "Y", .to = "E", .amount = "1.50");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "back", .from = "Y", .to = "E", .amount = "161");
  assert_string_equal(result.received, "1.00"); /* 0.99659 */
  price_close(db);
}

static void test_fee_beside(void **state) {
  ledger *db = exchange_book();
  ledger_result result;
  (void)state;
  price_sql(db, RATE_ROW(1, "EUR", "USD", "1.10000000", "2026-01-01 00:00:00")
            "INSERT INTO fee_config (fee_type, percentage_fee, currency) VALUES ('trading', '1.0000', 'EUR')");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "100",
             .fee = "trading");
  assert_string_equal(result.fee, "1.00");
  assert_string_equal(result.received, "110.00");
  assert_string_equal(price_balance(db, "E"), "899.00");
  assert_string_equal(price_balance(db, "system:fees:EUR:2"), "1.00");
  price_rows(db, "X 100.00 EUR\nX.F1 1.00 EUR\nX.X1 110.00 USD",
             "SELECT reference_number, amount, currency FROM transactions WHERE reference_number LIKE 'X%' ORDER BY 1");
  price_rows(db, "1.00 110.00",
             "SELECT detail ->> '$.fee.amount', detail ->> '$.rate.received' FROM ledger_journal WHERE reference = 'X'");
  price_refused(db, LEDGER_NO_FUNDS, "account % has 899.00 EUR available, 899.91 is needed", .kind = LEDGER_OP_EXCHANGE,
                .reference = "Z", .from = "E", .to = "D", .amount = "891.00", .fee = "trading");
  price_refused(db, LEDGER_NO_FEE, "fee_config has no active fee \"deposit\" in EUR", .kind = LEDGER_OP_EXCHANGE,
                .reference = "Z", .from = "E", .to = "D", .amount = "1", .fee = "deposit");
  price_close(db);
}

static void test_portfolio(void **state) {
  ledger *db = exchange_book();
  ledger_result result;
  (void)state;
  price_portfolio(db);
  price_sql(db, RATE_ROW(1, "BTC", "USD", "64812.50500000", "2026-01-01 00:00:00")
                    RATE_ROW(2, "EUR", "BTC", "0.00001543", "2026-01-01 00:00:00"));
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "B", .from = "portfolio:" PRICE_USER ":BTC", .to = "D",
             .amount = "0.1");
  assert_string_equal(result.received, "6481.25");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "C", .from = "E", .to = "portfolio:" PRICE_USER ":BTC",
             .amount = "1");
  assert_string_equal(result.received, "0.00001543");
  assert_string_equal(price_balance(db, "portfolio:" PRICE_USER ":BTC"), "1.90001543");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "D", .from = "portfolio:" PRICE_USER ":BTC",
             .to = "portfolio:" PRICE_USER ":USD", .amount = "0.00000001");
  assert_string_equal(result.received, "0.00064813");
  price_rows(db, "B trade 0.10000000 BTC\nC.X1 trade 0.00001543 BTC\nD trade 0.00000001 BTC\nD.X1 trade 0.00064813 USD",
             "SELECT reference, transaction_type, amount, currency FROM portfolio_transactions"
             " WHERE reference NOT LIKE 'start%' ORDER BY 1");
  price_rows(db, "B.X1 exchange 6481.25 USD\nC exchange 1.00 EUR",
             "SELECT reference_number, transaction_type, amount, currency FROM transactions"
             " WHERE reference_number NOT LIKE 'start%' ORDER BY 1");
  price_rows(db, "1000.00064813 1.90001542", "SELECT cash_balance, btc_balance FROM portfolio");
  price_close(db);
}

/* ---- what is refused */

static void test_refused(void **state) {
  ledger *db = exchange_book();
  ledger_result result;
  (void)state;
  price_account(db, "D2", "USD", NULL);
  price_sql(db, RATE_ROW(1, "EUR", "USD", "1.10000000", "2026-01-01 00:00:00")
                    RATE_ROW(2, "JPY", "USD", "0.00400000", "2026-01-01 00:00:00")
                        RATE_ROW(3, "EUR", "JPY", "9999999999.99999999", "2026-01-01 00:00:00")
                            RATE_ROW(4, "USD", "JPY", "1.00000000", "2026-01-01 00:00:00"));
  price_refused(db, LEDGER_SAME_ACCOUNT, "account E would pay itself", .kind = LEDGER_OP_EXCHANGE, .reference = "X",
                .from = "E", .to = "E", .amount = "1");
  price_refused(db, LEDGER_WRONG_CURRENCY, "accounts % and % are both in USD: nothing is to be exchanged",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "D", .to = "D2", .amount = "1");
  /* the amount is what is paid */
  price_refused(db, LEDGER_WRONG_CURRENCY, "account % is in EUR, the amount in USD", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "D", .amount = "1", .currency = "USD");
  price_refused(db, LEDGER_NOT_POSITIVE, "the amount 0 is not greater than zero", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "D", .amount = "0");
  price_refused(db, LEDGER_NOT_POSITIVE, "the amount -1 is not greater than zero", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "D", .amount = "-1");
  price_refused(db, LEDGER_NOT_POSITIVE, "1.00 JPY give 0.00 USD at the rate 0.00400000", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "Y", .to = "D", .amount = "1");
  price_refused(db, LEDGER_AMOUNT_RANGE, "account % cannot hold more than 9999999999999.99 JPY either way",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "Y", .amount = "1000");
  price_refused(db, LEDGER_NO_FUNDS, "account % has 1000.00 EUR available, 1000.01 is needed", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "D", .amount = "1000.01");
  price_refused(db, LEDGER_UNKNOWN_ACCOUNT, "there is no account \"nobody\"", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "nobody", .amount = "1");
  price_refused(db, LEDGER_UNKNOWN_ACCOUNT, "\"system:world:USD:2\" is an account of the book itself",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "system:world:USD:2", .amount = "1");
  price_refused(db, LEDGER_BAD_OPERATION, "there is no rounding \"nearest\"", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X", .from = "E", .to = "D", .amount = "1", .rounding = "nearest");
  /* at least: what is received exactly will do, one cent more will not */
  price_refused(db, LEDGER_CONDITION_FAILED, "10.00 EUR give 11.00 USD at the rate 1.10000000, at least 11.01 is asked for",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "10", .least = "11.01");
  price_refused(db, LEDGER_WRONG_SCALE, "amount 11.001 has more than 2 digits after the point",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "10", .least = "11.001");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "10",
             .least = "11");
  assert_string_equal(result.received, "11.00");
  /* a frozen account receives, but does not pay */
  price_post(db, NULL, .kind = LEDGER_OP_FREEZE, .reference = "freeze", .account = "D");
  price_refused(db, LEDGER_FROZEN, "account % is frozen: nothing leaves it", .kind = LEDGER_OP_EXCHANGE,
                .reference = "X2", .from = "D", .to = "Y", .amount = "1");
  price_post(db, &result, .kind = LEDGER_OP_EXCHANGE, .reference = "X3", .from = "E", .to = "D", .amount = "1");
  price_close(db);
}

/* A rate that a foreign program stored wrongly is refused by its row's name. */
static void test_broken_rate(void **state) {
  ledger *db = exchange_book();
  (void)state;
  price_sql(db, "PRAGMA ignore_check_constraints = ON;" RATE_ROW(1, "EUR", "USD", "-1.00000000", "2026-01-01 00:00:00"));
  price_refused(db, LEDGER_NOT_POSITIVE, "exchange_rates " RATE_ID(1) ": the rate -1.00000000 is not greater than zero",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "1");
  price_sql(db, "UPDATE exchange_rates SET rate = 'x'");
  price_refused(db, LEDGER_INVALID_TEXT,
                "exchange_rates " RATE_ID(1) ": invalid input syntax for type numeric: \"x\"",
                .kind = LEDGER_OP_EXCHANGE, .reference = "X", .from = "E", .to = "D", .amount = "1");
  ledger_close(db); /* not proven: the row is what it is */
}

/* Each allocation fails in its turn: the operation is done, or nothing has changed and it can be done again. */
static void test_memory(void **state) {
  int64_t done = 0, refused = 0;
  (void)state;
  ledger *db = exchange_book();
  price_sql(db, RATE_ROW(1, "EUR", "USD", "1.10000000", "2026-01-01 00:00:00")
            "INSERT INTO fee_config (fee_type, percentage_fee, currency) VALUES ('trading', '1.0000', 'EUR')");
  for (int64_t n = 1; done < 3; n++) {
    char reference[32];
    ledger_result result;
    sqlite3_snprintf(sizeof reference, reference, "X%lld", (long long)n);
    const char *before = price_state(db);
    memory_arm(n, n % 2 == 0);
    int rc = ledger_post(db, OPERATION(.kind = LEDGER_OP_EXCHANGE, .reference = reference, .from = "E", .to = "D",
                                       .amount = "1", .fee = "trading"), &result);
    bool was_reached = memory.calls >= n;
    memory_arm(0, false);
    memory_assert("exchange", n, rc, ledger_error_of(db));
    if (rc != LEDGER_OK) assert_string_equal(price_state(db), before);
    refused += rc != LEDGER_OK;
    done += !was_reached;
  }
  assert_true(refused > 0);
  price_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formula),    cmocka_unit_test(test_formula_refused), cmocka_unit_test(test_newest),
      cmocka_unit_test(test_change),     cmocka_unit_test(test_rounding),        cmocka_unit_test(test_fee_beside),
      cmocka_unit_test(test_portfolio),  cmocka_unit_test(test_refused),         cmocka_unit_test(test_broken_rate),
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests_name("exchange", tests, memory_setup, NULL);
}
