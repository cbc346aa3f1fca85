/*
** fee.c: the formula in every rounding mode and at its limits, which row of fee_config counts, and fees beside operations and by
** themselves.
*/
#include "../../ledger.c"

#include "price.h"

#include "random.h"

/* ---- the formula */

struct formula {
  int64_t amount;
  int scale, digits;
  const char *percentage, *flat, *minimum, *maximum;
  enum money_rounding rounding;
  int64_t fee;
};

static void test_formula(void **state) {
  static const struct formula formulas[] = {
      {10000, 2, 2, "0.5000", "0.00000000", "0.00000000", NULL, MONEY_HALF_UP, 50},
      {10000, 2, 2, "0", "0", "0", NULL, MONEY_HALF_UP, 0},
      {0, 2, 2, "1.5", "0.25", "0.10", NULL, MONEY_HALF_UP, 35},
      /* 0.5 % of 25.01 is 0.12505 */
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_HALF_UP, 13},
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_HALF_EVEN, 13},
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_DOWN, 12},
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_UP, 13},
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_FLOOR, 12},
      {2501, 2, 2, "0.5", "0", "0", NULL, MONEY_CEILING, 13},
      /* of 25.00 it is 0.125 */
      {2500, 2, 2, "0.5", "0", "0", NULL, MONEY_HALF_UP, 13},
      {2500, 2, 2, "0.5", "0", "0", NULL, MONEY_HALF_EVEN, 12},
      /* the minimum and the maximum clamp the percentage, then comes the flat part */
      {10000, 2, 2, "0.5", "1.00", "2.00", "5.00", MONEY_HALF_UP, 300},
      {100000000, 2, 2, "0.5", "1.00", "2.00", "5.00", MONEY_HALF_UP, 600},
      {60000, 2, 2, "0.5", "1.00", "2.00", "5.00", MONEY_HALF_UP, 400},
      {40000, 2, 2, "0.5", "1.00", "2.00", "2.00", MONEY_HALF_UP, 300},
      {10000, 2, 2, "5", "0", "0", "0", MONEY_HALF_UP, 0}, /* a maximum of 0 is one */
      {10000, 2, 2, "0.5", NULL, NULL, NULL, MONEY_HALF_UP, 50},
      {10000, 2, 2, NULL, "0.10000000", NULL, NULL, MONEY_HALF_UP, 10},
      /* yen are whole in a column of two digits */
      {15000, 2, 0, "0.5", "0.00000000", "0", NULL, MONEY_HALF_UP, 100},
      {15000, 2, 0, "0.5", "10", "0", NULL, MONEY_DOWN, 1000},
      {INT64_C(100000000), 8, 8, "0.0001", "0.00000001", "0", NULL, MONEY_HALF_UP, 101},
      {INT64_C(999999999999999999), 8, 8, "100", "0", "0", NULL, MONEY_HALF_UP, INT64_C(999999999999999999)},
      {INT64_MAX, 2, 2, "100", "0", "0", NULL, MONEY_HALF_UP, INT64_MAX},
      {INT64_MAX - 1, 2, 2, "100", "0.01", "0", NULL, MONEY_HALF_UP, INT64_MAX},
      {1, 2, 2, "999999.9999", "0", "0", NULL, MONEY_HALF_UP, 10000},
  };
  (void)state;
  for (size_t i = 0; i < sizeof formulas / sizeof *formulas; i++) {
    const struct formula *f = &formulas[i];
    int64_t fee = -1;
    ledger_error error = {0};
    int rc = fee_formula(f->amount, f->scale, f->digits, f->percentage, f->flat, f->minimum, f->maximum, f->rounding,
                         &fee, &error);
    if (rc != LEDGER_OK || fee != f->fee)
      fail_msg("formula %zu: %lld %s", i, (long long)fee, error.message);
  }
}

static void test_formula_refused(void **state) {
  static const struct {
    struct formula formula;
    int code;
    const char *sentence;
  } cases[] = {
      {{100, 2, 2, "1", "0.005", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "flat_fee 0.005 has more than 2 digits after the point"},
      {{100, 2, 2, "1", "0", "0.00100000", NULL, MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "minimum_amount 0.00100000 has more than 2 digits after the point"},
      {{100, 2, 2, "1", "0", "0", "1.999", MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "maximum_amount 1.999 has more than 2 digits after the point"},
      {{10000, 2, 0, "1", "0.5", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "flat_fee 0.5 has more than 0 digits after the point"},
      {{10050, 2, 0, "1", "0", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "the amount has more than 0 digits after the point"},
      {{100, 2, 2, "0.000000001", "0", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_WRONG_SCALE, "percentage_fee 0.000000001 has more than 8 digits after the point"},
      {{100, 2, 2, "-1", "0", "0", NULL, MONEY_HALF_UP, 0}, LEDGER_NOT_POSITIVE, "percentage_fee -1 is negative"},
      {{100, 2, 2, "1", "-0.01", "0", NULL, MONEY_HALF_UP, 0}, LEDGER_NOT_POSITIVE, "flat_fee -0.01 is negative"},
      {{100, 2, 2, "half", "0", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_INVALID_TEXT, "invalid input syntax for type numeric: \"half\""},
      {{INT64_MAX, 2, 2, "100", "0.01", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_AMOUNT_RANGE, "the fee is out of range"},
      {{INT64_MAX, 2, 2, "100.00000001", "0", "0", NULL, MONEY_HALF_UP, 0},
       LEDGER_AMOUNT_RANGE, "the fee is out of range"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct formula *f = &cases[i].formula;
    int64_t fee;
    ledger_error error = {0};
    int rc = fee_formula(f->amount, f->scale, f->digits, f->percentage, f->flat, f->minimum, f->maximum, f->rounding,
                         &fee, &error);
    assert_string_equal(error.message, cases[i].sentence);
    assert_int_equal(rc, cases[i].code);
  }
}

/* Against decimal.c, which rounds half away from zero: percent of the amount, clamped, and the flat part. */
static void test_formula_random(void **state) {
  struct test_random r = {random_seed()};
  struct arena arena = {0};
  (void)state;
  for (int round = random_count(5000); round > 0; round--) {
    int scale = random_below(&r, 9);
    int64_t amount = (int64_t)(random_next(&r) % 1000000000000000) + 1, fee;
    int64_t parts[3], limit = random_chance(&r, 50) ? 1000 : amount;
    for (int i = 0; i < 3; i++) parts[i] = (int64_t)(random_next(&r) % (uint64_t)limit);
    int64_t flat = parts[0], minimum = parts[1] < parts[2] ? parts[1] : parts[2];
    int64_t maximum = parts[1] < parts[2] ? parts[2] : parts[1];
    bool has_maximum = random_chance(&r, 50);
    char texts[5][MONEY_TEXT_MAX];
    money_text((int64_t)(random_next(&r) % 1000000), 4, texts[0]);
    money_text(flat, scale, texts[1]);
    money_text(minimum, scale, texts[2]);
    money_text(maximum, scale, texts[3]);
    money_text(amount, scale, texts[4]);
    struct decimal number, percent, hundred;
    arena_reset(&arena);
    assert_int_equal(decimal_parse(&arena, texts[4], strlen(texts[4]), &number, NULL), LEDGER_OK);
    assert_int_equal(decimal_parse(&arena, texts[0], strlen(texts[0]), &percent, NULL), LEDGER_OK);
    assert_int_equal(decimal_parse(&arena, "0.01", 4, &hundred, NULL), LEDGER_OK);
    assert_int_equal(decimal_product(&arena, &number, &percent, &number), LEDGER_OK);
    assert_int_equal(decimal_product(&arena, &number, &hundred, &number), LEDGER_OK);
    assert_int_equal(decimal_round(&arena, &number, scale), LEDGER_OK);
    size_t length;
    const char *share = decimal_text(&arena, &number, &length);
    int64_t expected;
    assert_int_equal(money_read(share, length, scale, scale, &expected, NULL), LEDGER_OK);
    if (expected < minimum) expected = minimum;
    if (has_maximum && expected > maximum) expected = maximum;
    assert_int_equal(fee_formula(amount, scale, scale, texts[0], texts[1], texts[2], has_maximum ? texts[3] : NULL,
                                 MONEY_HALF_UP, &fee, NULL),
                     LEDGER_OK);
    assert_true(fee == expected + flat);
  }
  arena_free(&arena);
}

/* ---- which row counts */

static ledger *fee_book(void) {
  ledger *db = price_open("full");
  price_account(db, "A", "USD", "1000");
  price_account(db, "B", "USD", NULL);
  price_account(db, "Y", "JPY", "100000");
  return db;
}

#define FEE_ID(n) "00000000-0000-4000-8000-00000000000" #n
#define FEE_ROW(n, type, currency, percentage, flat, active, time)                                                     \
  "INSERT INTO fee_config (id, fee_type, percentage_fee, flat_fee, currency, is_active, created_at) VALUES"            \
  " ('" FEE_ID(n) "', '" type "', '" percentage "', '" flat "', '" currency "', " #active ", '" time "+00:00');"

static void withdraw(ledger *db, const char *reference, const char *amount, const char *fee, ledger_result *result) {
  price_post(db, result, .kind = LEDGER_OP_WITHDRAW, .reference = reference, .from = "A", .amount = amount, .fee = fee);
}

static void test_newest(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_sql(db, FEE_ROW(1, "withdrawal", "USD", "1.0000", "0.00000000", 1, "2026-01-01 00:00:00"));
  withdraw(db, "W1", "100", "withdrawal", &result);
  assert_string_equal(result.fee, "1.00");
  /* a later one counts, by fractions of a second too */
  price_sql(db, FEE_ROW(2, "withdrawal", "USD", "2.0000", "0.00000000", 1, "2026-01-01 00:00:00.5"));
  withdraw(db, "W2", "100", "withdrawal", &result);
  assert_string_equal(result.fee, "2.00");
  /* one that is not active, of another currency, of another type, or older does not */
  price_sql(db, FEE_ROW(3, "withdrawal", "USD", "3.0000", "0.00000000", 0, "2026-01-02 00:00:00")
                    FEE_ROW(4, "withdrawal", "EUR", "4.0000", "0.00000000", 1, "2026-01-02 00:00:00")
                        FEE_ROW(5, "deposit", "USD", "5.0000", "0.00000000", 1, "2026-01-02 00:00:00")
                            FEE_ROW(6, "withdrawal", "USD", "6.0000", "0.00000000", 1, "2025-12-31 23:59:59.999"));
  withdraw(db, "W3", "100", "withdrawal", &result);
  assert_string_equal(result.fee, "2.00");
  /* of two at the same time the one with the greater id */
  price_sql(db, FEE_ROW(7, "withdrawal", "USD", "7.0000", "0.00000000", 1, "2026-01-01 00:00:00.5"));
  withdraw(db, "W4", "100", "withdrawal", &result);
  assert_string_equal(result.fee, "7.00");
  price_sql(db, "UPDATE fee_config SET is_active = 0 WHERE id IN ('" FEE_ID(7) "', '" FEE_ID(2) "')");
  withdraw(db, "W5", "100", "withdrawal", &result);
  assert_string_equal(result.fee, "1.00");
  price_refused(db, LEDGER_NO_FEE, "fee_config has no active fee \"trading\" in USD", .kind = LEDGER_OP_WITHDRAW,
                .reference = "W6", .from = "A", .amount = "1", .fee = "trading");
  price_refused(db, LEDGER_NO_FEE, "fee_config has no active fee \"deposit\" in JPY", .kind = LEDGER_OP_DEPOSIT,
                .reference = "W7", .to = "Y", .amount = "1", .fee = "deposit");
  price_close(db);
}

/* ---- beside an operation */

static void test_beside(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_sql(db, FEE_ROW(1, "withdrawal", "USD", "0.5000", "0.25000000", 1, "2026-01-01 00:00:00"));
  withdraw(db, "W1", "100", "withdrawal", &result);
  assert_string_equal(result.amount, "100.00");
  assert_string_equal(result.fee, "0.75");
  assert_int_equal(result.balance_count, 1);
  assert_string_equal(result.balances[0].balance, "899.25");
  assert_string_equal(price_balance(db, "system:fees:USD:2"), "0.75");
  price_rows(db, "W1 withdrawal 100.00 completed {\"direction\": \"debit\"}\nW1.F1 fee 0.75 completed {\"direction\": \"debit\"}",
             "SELECT reference_number, transaction_type, amount, status, metadata FROM transactions"
             " WHERE reference_number LIKE 'W1%' ORDER BY 1");
  price_rows(db, FEE_ID(1) " withdrawal 100.00 0.5000 0.25000000 0.00000000 null half_up 0.75",
             "SELECT detail ->> '$.fee.id', detail ->> '$.fee.type', detail ->> '$.fee.base', detail ->> '$.fee.percentage',"
             " detail ->> '$.fee.flat', detail ->> '$.fee.minimum', detail ->> '$.fee.maximum',"
             " detail ->> '$.fee.rounding', detail ->> '$.fee.amount' FROM ledger_journal WHERE reference = 'W1'");
  /* a transfer's payer pays, a deposit's receiver does */
  price_post(db, &result, .kind = LEDGER_OP_TRANSFER, .reference = "T1", .from = "A", .to = "B", .amount = "50",
             .fee = "withdrawal");
  assert_string_equal(result.fee, "0.50");
  assert_string_equal(price_balance(db, "A"), "848.75");
  assert_string_equal(price_balance(db, "B"), "50.00");
  price_post(db, &result, .kind = LEDGER_OP_DEPOSIT, .reference = "D1", .to = "B", .amount = "10", .fee = "withdrawal");
  assert_string_equal(price_balance(db, "B"), "59.70");
  /* the fee must be there too */
  price_refused(db, LEDGER_NO_FUNDS, "account % has 59.70 USD available, 60.05 is needed", .kind = LEDGER_OP_WITHDRAW, .reference = "W2", .from = "B",
                .amount = "59.50", .fee = "withdrawal");
  price_close(db);
}

/* The same operation again gives the first fee, whatever fee_config says now. */
static void test_again(void **state) {
  ledger *db = fee_book();
  ledger_result first, again;
  (void)state;
  price_sql(db, FEE_ROW(1, "withdrawal", "USD", "1.0000", "0.00000000", 1, "2026-01-01 00:00:00"));
  withdraw(db, "W1", "100", "withdrawal", &first);
  price_sql(db, "UPDATE fee_config SET percentage_fee = '9.0000'");
  withdraw(db, "W1", "100.00", "withdrawal", &again);
  assert_int_equal(again.replayed, 1);
  assert_string_equal(again.fee, "1.00");
  assert_int_equal(again.journal, first.journal);
  price_refused(db, LEDGER_REFERENCE_REUSED, "reference \"W1\" was used for another operation: \"fee\" differs",
                .kind = LEDGER_OP_WITHDRAW, .reference = "W1", .from = "A", .amount = "100");
  price_close(db);
}

/* A fee of nothing has no legs and no row, but stands in the detail. */
static void test_zero(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_sql(db, FEE_ROW(1, "withdrawal", "USD", "0.4000", "0.00000000", 1, "2026-01-01 00:00:00"));
  withdraw(db, "W1", "1", "withdrawal", &result);
  assert_string_equal(result.fee, "0.00");
  price_rows(db, "1", "SELECT count(*) FROM transactions WHERE reference_number LIKE 'W1%'");
  price_rows(db, "2", "SELECT count(*) FROM ledger_entry WHERE journal = (SELECT max(seq) FROM ledger_journal)");
  price_rows(db, "0.00", "SELECT detail ->> '$.fee.amount' FROM ledger_journal WHERE reference = 'W1'");
  price_post(db, &result, .kind = LEDGER_OP_WITHDRAW, .reference = "W2", .from = "A", .amount = "1", .fee = "withdrawal",
             .rounding = "up");
  assert_string_equal(result.fee, "0.01");
  /* by itself too */
  price_post(db, &result, .kind = LEDGER_OP_FEE, .reference = "F1", .account = "A", .amount = "1", .fee = "withdrawal");
  assert_string_equal(result.fee, "0.00");
  assert_string_equal(price_balance(db, "A"), "997.99");
  price_rows(db, "0", "SELECT count(*) FROM transactions WHERE reference_number = 'F1'");
  price_close(db);
}

/* What a column cannot show is refused, not rounded, and the sentence names the row. */
static void test_scale(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_sql(db, FEE_ROW(1, "withdrawal", "USD", "1.0000", "0.00500000", 1, "2026-01-01 00:00:00")
                    FEE_ROW(2, "withdrawal", "JPY", "0.5000", "0.50000000", 1, "2026-01-01 00:00:00"));
  price_refused(db, LEDGER_WRONG_SCALE,
                "fee_config " FEE_ID(1) ": flat_fee 0.00500000 has more than 2 digits after the point",
                .kind = LEDGER_OP_WITHDRAW, .reference = "W1", .from = "A", .amount = "1", .fee = "withdrawal");
  price_refused(db, LEDGER_WRONG_SCALE,
                "fee_config " FEE_ID(2) ": flat_fee 0.50000000 has more than 0 digits after the point",
                .kind = LEDGER_OP_WITHDRAW, .reference = "W1", .from = "Y", .amount = "1", .fee = "withdrawal");
  price_sql(db, "UPDATE fee_config SET flat_fee = '0.00000000' WHERE currency = 'JPY'");
  price_post(db, &result, .kind = LEDGER_OP_WITHDRAW, .reference = "W2", .from = "Y", .amount = "500", .fee = "withdrawal");
  assert_string_equal(result.fee, "3.00"); /* 2.5, in whole yen */
  assert_string_equal(price_balance(db, "Y"), "99497.00");
  price_close(db);
}

/* ---- by itself */

static void test_charge(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_sql(db, FEE_ROW(1, "trading", "USD", "2.0000", "0.10000000", 1, "2026-01-01 00:00:00"));
  price_post(db, &result, .kind = LEDGER_OP_FEE, .reference = "F-1", .account = "A", .amount = "50", .fee = "trading",
             .description = "monthly", .metadata = "{\"month\":3}");
  assert_string_equal(result.amount, "1.10");
  assert_string_equal(result.fee, "1.10");
  assert_string_equal(result.status, "completed");
  price_rows(db, "fee 1.10 completed monthly {\"month\": 3, \"direction\": \"debit\"}",
             "SELECT transaction_type, amount, status, description, metadata FROM transactions"
             " WHERE reference_number = 'F-1'");
  /* without a type the amount is the fee */
  price_post(db, &result, .kind = LEDGER_OP_FEE, .reference = "F-2", .account = "A", .amount = "5", .currency = "USD");
  assert_string_equal(result.amount, "5.00");
  assert_string_equal(result.fee, "");
  assert_string_equal(price_balance(db, "A"), "993.90");
  assert_string_equal(price_balance(db, "system:fees:USD:2"), "6.10");
  price_refused(db, LEDGER_BAD_OPERATION, "fee needs \"amount\"", .kind = LEDGER_OP_FEE, .reference = "F-4",
                .account = "A", .fee = "trading");
  price_refused(db, LEDGER_WRONG_CURRENCY, "account % is in USD, the amount in EUR", .kind = LEDGER_OP_FEE, .reference = "F-4", .account = "A", .amount = "1",
                .currency = "EUR");
  price_refused(db, LEDGER_NOT_POSITIVE, "the amount 0.00 is not greater than zero", .kind = LEDGER_OP_FEE,
                .reference = "F-4", .account = "A", .amount = "0.00");
  price_refused(db, LEDGER_WRONG_SCALE, "amount 0.001 has more than 2 digits after the point", .kind = LEDGER_OP_FEE,
                .reference = "F-4", .account = "A", .amount = "0.001");
  price_refused(db, LEDGER_UNKNOWN_ACCOUNT, "there is no account \"Z\"", .kind = LEDGER_OP_FEE, .reference = "F-4",
                .account = "Z", .amount = "1");
  price_close(db);
}

/* A portfolio pays in its own digits, and its row has a type that its table knows. */
static void test_portfolio(void **state) {
  ledger *db = fee_book();
  ledger_result result;
  (void)state;
  price_portfolio(db);
  price_sql(db, FEE_ROW(1, "withdrawal", "BTC", "0.0100", "0.00010000", 1, "2026-01-01 00:00:00"));
  price_post(db, &result, .kind = LEDGER_OP_WITHDRAW, .reference = "W1", .from = "portfolio:" PRICE_USER ":BTC",
             .amount = "0.5", .fee = "withdrawal");
  assert_string_equal(result.fee, "0.00015000");
  assert_string_equal(price_balance(db, "portfolio:" PRICE_USER ":BTC"), "1.49985000");
  assert_string_equal(price_balance(db, "system:fees:BTC:8"), "0.00015000");
  price_rows(db, "W1 withdrawal 0.50000000\nW1.F1 adjustment 0.00015000",
             "SELECT reference, transaction_type, amount FROM portfolio_transactions WHERE reference LIKE 'W1%' ORDER BY 1");
  price_close(db);
}

/* A schema without fee_config has the book, but no fees. */
static void test_no_table(void **state) {
  ledger *db = price_open("wallstreet");
  (void)state;
  price_user(db);
  price_post(db, NULL, .kind = LEDGER_OP_OPEN, .reference = "O", .number = "A", .currency = "USD", .user = PRICE_USER);
  int rc = ledger_post(db, OPERATION(.kind = LEDGER_OP_FEE, .reference = "F", .account = "A", .amount = "1",
                                     .fee = "trading"),
                       NULL);
  assert_int_equal(rc, LEDGER_NO_BOOK);
  assert_string_equal(ledger_error_of(db)->message, "the schema has no table fee_config as the book needs it");
  price_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formula), cmocka_unit_test(test_formula_refused), cmocka_unit_test(test_formula_random),
      cmocka_unit_test(test_newest),  cmocka_unit_test(test_beside),          cmocka_unit_test(test_again),
      cmocka_unit_test(test_zero),    cmocka_unit_test(test_scale),           cmocka_unit_test(test_charge),
      cmocka_unit_test(test_portfolio), cmocka_unit_test(test_no_table),
  };
  return cmocka_run_group_tests_name("fee", tests, NULL, NULL);
}
