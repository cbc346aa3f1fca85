/*
** test_batch_accounts: in a batch the rows of an account are written once, after all that touch it. What the file says
** afterwards, and who is refused, is as if each had written them.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "post.h"

#define TRANSFER(...)                                                                              \
  { .kind = LEDGER_OP_TRANSFER, __VA_ARGS__ }

static ledger_result test_results[8];

static void test_post(ledger *db, int count, const ledger_operation *operations) {
  assert_int_equal(ledger_post_batch(db, count, operations, LEDGER_BATCH_CONTINUE, 0, test_results),
                   LEDGER_OK);
}

static ledger *test_three(void) {
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", "100");
  post_account(db, "C", "USD", NULL);
  return db;
}

/* A linked group that is undone leaves what came before it, in memory and in the file. */
static void test_linked(void **state) {
  (void)state;
  ledger *db = test_three();
  const ledger_operation operations[] = {
      TRANSFER(.reference = "T1", .from = "A", .to = "B", .amount = "10"),
      TRANSFER(.reference = "T2", .from = "A", .to = "B", .amount = "10"),
      TRANSFER(.reference = "T3", .from = "A", .to = "C", .amount = "50", .linked = 1),
      TRANSFER(.reference = "T4", .from = "C", .to = "B", .amount = "50.01"),
      TRANSFER(.reference = "T5", .from = "A", .to = "C", .amount = "80"),
      TRANSFER(.reference = "T6", .from = "A", .to = "C", .amount = "0.01"),
      TRANSFER(.reference = "T7", .from = "C", .to = "B", .amount = "30", .linked = 1),
      TRANSFER(.reference = "T8", .from = "B", .to = "A", .amount = "150"),
  };
  test_post(db, 8, operations);
  static const int codes[] = {LEDGER_OK, LEDGER_OK,       LEDGER_LINK_BROKEN, LEDGER_NO_FUNDS,
                              LEDGER_OK, LEDGER_NO_FUNDS, LEDGER_OK,          LEDGER_OK};
  for (int i = 0; i < 8; i++) assert_int_equal(test_results[i].code, codes[i]);
  assert_string_equal(test_results[1].balances[0].balance, "80.00");
  post_rows(db, "accounts", "select=account_number,balance,available_balance&order=account_number",
            "{\"account_number\":\"A\",\"balance\":150.00,\"available_balance\":150.00}\n"
            "{\"account_number\":\"B\",\"balance\":0.00,\"available_balance\":0.00}\n"
            "{\"account_number\":\"C\",\"balance\":50.00,\"available_balance\":50.00}");
  post_close(db);
}

/* Inside the caller's transaction a batch leaves nothing for later: its end is another call's. */
static void test_nested(void **state) {
  (void)state;
  ledger *db = test_three();
  const ledger_operation operations[] = {
      TRANSFER(.reference = "T1", .from = "A", .to = "B", .amount = "10"),
      TRANSFER(.reference = "T2", .from = "B", .to = "C", .amount = "110"),
  };
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  test_post(db, 2, operations);
  post_rows(db, "accounts", "select=balance&order=account_number",
            "{\"balance\":90.00}\n{\"balance\":0.00}\n{\"balance\":110.00}");
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  post_balance(db, "C", "0.00 0.00 0.00");
  test_post(db, 1, operations);
  post_balance(db, "B", "110.00 110.00 0.00");
  post_close(db);
}

/* A row that cannot be written at the end has everything done again, one operation after the other. */
static void test_moved(void **state) {
  (void)state;
  ledger *db = test_three();
  const ledger_operation operations[] = {
      TRANSFER(.reference = "T1", .from = "A", .to = "B", .amount = "10"),
      TRANSFER(.reference = "T2", .from = "A", .to = "C", .amount = "10"),
      TRANSFER(.reference = "T3", .from = "B", .to = "A", .amount = "5"),
  };
  /* The handle remembers where the row was, and has no sign that it is elsewhere. */
  post_foreign(db, "UPDATE accounts SET rowid = 1000 WHERE account_number = 'C'");
  test_post(db, 3, operations);
  assert_int_equal(test_results[0].code, LEDGER_OK);
  assert_int_equal(test_results[1].code, LEDGER_OK);
  assert_int_equal(test_results[2].code, LEDGER_OK);
  post_rows(db, "accounts", "select=balance&order=account_number",
            "{\"balance\":85.00}\n{\"balance\":105.00}\n{\"balance\":10.00}");
  post_close(db);
}

/* More accounts than a handle remembers. */
static void test_many(void **state) {
  (void)state;
  ledger *db = test_three();
  int count = ACCOUNT_CACHE_MAX + 1000;
  post_foreign(db, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 17384)"
                   " INSERT INTO accounts (account_number, account_type)"
                   " SELECT printf('N%05d', i), 'savings' FROM n");
  ledger_operation *operations = calloc((size_t)count, sizeof *operations);
  char(*numbers)[16] = calloc((size_t)count, sizeof *numbers);
  assert_non_null(operations);
  assert_non_null(numbers);
  for (int i = 0; i < count; i++) {
    snprintf(numbers[i], sizeof numbers[i], "N%05d", i);
    operations[i] = (ledger_operation)TRANSFER(.reference = numbers[i], .from = "A",
                                               .to = numbers[i], .amount = "0.01");
    if (i % 1000 > 0) operations[i].from = numbers[i - 1]; /* handed on */
  }
  assert_int_equal(ledger_post_batch(db, count, operations, LEDGER_BATCH_ATOMIC, 0, NULL),
                   LEDGER_OK);
  post_balance(db, "A", "99.82 99.82 0.00");
  post_rows(db, "accounts",
            "select=account_number,balance&balance=eq.0.01&order=account_number&limit=2",
            "{\"account_number\":\"N00999\",\"balance\":0.01}\n"
            "{\"account_number\":\"N01999\",\"balance\":0.01}");
  free(operations);
  free(numbers);
  post_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_linked),
      cmocka_unit_test(test_nested),
      cmocka_unit_test(test_moved),
      cmocka_unit_test(test_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
