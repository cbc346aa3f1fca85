/*
** test_checks: the book writes its rows without SQLite looking at the checks, but only where they take whatever it writes. A schema
** with narrower columns, or with other amounts than the accounts', is looked at as ever.
*/
#include "../../ledger.c"

#include "../../schema/compiler/compiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "post.h"

/* Tables of the book; what stands in transactions for its amount, currency, reference and description. */
static ledger *test_schema(const char *amount, const char *currency, const char *reference,
                           const char *description) {
  char *text = sqlite3_mprintf(
      "CREATE TABLE accounts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid,"
      " account_number varchar(50) UNIQUE NOT NULL, account_type varchar(50) NOT NULL,"
      " currency varchar(3) NOT NULL DEFAULT 'USD', balance numeric(15,2) NOT NULL DEFAULT 0,"
      " available_balance numeric(15,2) NOT NULL DEFAULT 0, status varchar(50) NOT NULL DEFAULT"
      " 'active', created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL"
      " DEFAULT now());"
      "CREATE TABLE transactions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account_id uuid"
      " REFERENCES accounts(id), transaction_type varchar(50) NOT NULL, amount %s NOT NULL,"
      " currency %s NOT NULL, status varchar(50) NOT NULL, description %s, reference_number %s"
      " UNIQUE, metadata jsonb DEFAULT '{}', created_at timestamptz, updated_at timestamptz,"
      " completed_at timestamptz);",
      amount, currency, description, reference);
  const struct schema_file file = {.name = "own.sql", .text = text, .length = strlen(text)};
  const struct schema_options options = {.name = "own"};
  struct schema_result *result;
  ledger *db = NULL;
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  sqlite3_free(text);
  post_account(db, "A", "USD", NULL);
  return db;
}

/* No row that PostgreSQL would refuse gets into the file. */
static void test_narrow(void **state) {
  (void)state;
  static const struct {
    const char *amount, *currency, *reference, *description;
    bool takes;
  } cases[] = {
      {"numeric(15,2)", "varchar(3)", "varchar(94)", "text", true},
      {"numeric(15,2)", "text", "text", "text", true},
      {"numeric(15,2)", "varchar(3)", "varchar(20)", "text", false},
      {"numeric(15,2)", "varchar(2)", "varchar(100)", "text", false},
      {"numeric(15,2)", "varchar(3)", "varchar(100)", "varchar(10)", false},
      {"numeric(3,2)", "varchar(3)", "varchar(100)", "text", false},
      {"numeric(15,4)", "varchar(3)", "varchar(100)", "text", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger *db =
        test_schema(cases[i].amount, cases[i].currency, cases[i].reference, cases[i].description);
    assert_int_equal(db->book->tables.trusts_transactions, cases[i].takes);
    int64_t before = post_print(db);
    int rc = post(db, .kind = LEDGER_OP_DEPOSIT, .reference = "a reference of 25 letters",
                  .to = "A", .amount = "90", .description = "more than ten");
    assert_int_equal(rc == LEDGER_OK, cases[i].takes);
    if (!cases[i].takes) assert_int_equal(post_print(db), before);
    post_close(db);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_narrow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
