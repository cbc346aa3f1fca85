/*
** test_operation: operations as such: what each takes, repeated ones, keys, conditions, refusals that are kept, several handles,
** the caller's transaction, batches.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "../../schema/compiler/compiler.h"
#include "post.h"

#define DEPOSIT(...) .kind = LEDGER_OP_DEPOSIT, __VA_ARGS__
#define WITHDRAW(...) .kind = LEDGER_OP_WITHDRAW, __VA_ARGS__
#define TRANSFER(...) .kind = LEDGER_OP_TRANSFER, __VA_ARGS__

static ledger *test_pair(const char *schema) {
  ledger *db = post_file(schema);
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", NULL);
  return db;
}

/* The name of a file that is not there. */
static void test_path(char out[200]) {
  const char *folder = getenv("TMPDIR");
  snprintf(out, 200, "%.150s/ledger-operation-XXXXXX", folder == NULL ? "/tmp" : folder);
  close(mkstemp(out));
  unlink(out);
}

/* ---- what an operation takes */

static void test_members(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  int64_t before = post_print(db);
  post_refused(db, LEDGER_BAD_OPERATION, "transfer needs \"amount\"", TRANSFER(.reference = "R", .from = "A", .to = "B"));
  post_refused(db, LEDGER_BAD_OPERATION, "needs \"reference\"", TRANSFER(.from = "A", .to = "B", .amount = "1"));
  post_refused(db, LEDGER_BAD_OPERATION, "takes no \"of\"", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .of = "x"));
  post_refused(db, LEDGER_BAD_OPERATION, "takes no \"final\"", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .final = 1));
  post_refused(db, LEDGER_BAD_OPERATION, "no such operation", .kind = LEDGER_OP_AUDIT, .reference = "R");
  post_refused(db, LEDGER_BAD_OPERATION, "no such operation", .kind = LEDGER_OP_COUNT, .reference = "R");
  post_refused(db, LEDGER_BAD_OPERATION, "\"reference\" is empty", TRANSFER(.reference = "", .from = "A", .to = "B", .amount = "1"));
  post_refused(db, LEDGER_BAD_OPERATION, "a scope is of a key", TRANSFER(.reference = "R", .scope = "s", .from = "A", .to = "B", .amount = "1"));
  post_refused(db, LEDGER_BAD_OPERATION, "no rounding \"nearest\"", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .rounding = "nearest"));
  post_refused(db, LEDGER_BAD_OPERATION, "metadata", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .metadata = "[1]"));
  post_refused(db, LEDGER_INVALID_TEXT, "json", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .metadata = "{x}"));
  post_refused(db, LEDGER_INVALID_DATETIME, "timestamp", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .effective_at = "soon"));
  post_refused(db, LEDGER_BAD_OPERATION, "not finite", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .effective_at = "infinity"));
  post_refused(db, LEDGER_BAD_OPERATION, "first moment of 1970", TRANSFER(.reference = "R", .from = "A", .to = "B", .amount = "1", .effective_at = "1970-01-01T00:00:00Z"));
  const char *taken[] = {"system:world:USD", "portfolio:x:BTC", "01A1F908-FB50-7610-A7C8-A158EAA0AB01"};
  for (int i = 0; i < 3; i++)
    post_refused(db, LEDGER_BAD_OPERATION, "looks like the name", .kind = LEDGER_OP_OPEN, .reference = "R", .currency = "USD", .number = taken[i]);
  post_refused(db, LEDGER_BAD_ENCODING, "UTF8", TRANSFER(.reference = "R\xff", .from = "A", .to = "B", .amount = "1"));
  assert_int_equal(post_print(db), before);
  post_balance(db, "A", "100.00 100.00 0.00");
  post_close(db);
}

/* A reference may have 90 bytes, and no ending of the book's own. */
static void test_reference(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  char longest[LEDGER_REFERENCE_MAX + 2];
  memset(longest, 'r', sizeof longest);
  longest[LEDGER_REFERENCE_MAX + 1] = 0;
  post_refused(db, LEDGER_BAD_OPERATION, "longer than 90 bytes", TRANSFER(.reference = longest, .from = "A", .to = "B", .amount = "1"));
  longest[LEDGER_REFERENCE_MAX] = 0;
  post_done(db, TRANSFER(.reference = longest, .from = "A", .to = "B", .amount = "1"));
  const char *reserved[] = {"R.C", "R.F1", "R.X12", "R.L64"};
  for (int i = 0; i < 4; i++)
    post_refused(db, LEDGER_RESERVED_SUFFIX, reserved[i], DEPOSIT(.reference = reserved[i], .to = "A", .amount = "1"));
  const char *free_ones[] = {"R.D", "R.F", "RC", "R.C1", "R.F1x", "R.L-1", ".", "R."};
  for (int i = 0; i < 8; i++) post_done(db, DEPOSIT(.reference = free_ones[i], .to = "A", .amount = "1"));
  post_close(db);
}

/* ---- repeated operations */

static void test_replay(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "30.50"));
  ledger_result first = post_result;
  ledger_balance payer = first.balances[0];
  post_done(db, TRANSFER(.reference = "T2", .from = "A", .to = "B", .amount = "1"));
  int64_t before = post_print(db);
  /* Another spelling of the same: the account's id, fewer digits, other free text. */
  post_done(db, TRANSFER(.reference = "T", .from = payer.account, .to = "B", .amount = "030.5", .description = "again"));
  assert_int_equal(post_result.replayed, 1);
  assert_int_equal(post_result.journal, first.journal);
  assert_string_equal(post_result.transaction_id, first.transaction_id);
  assert_string_equal(post_result.created_at, first.created_at);
  assert_string_equal(post_result.balances[0].balance, "69.50"); /* as it was then */
  assert_string_equal(post_result.balances[1].balance, "30.50");
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"amount\" differs", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "30.51"));
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"from\" differs", TRANSFER(.reference = "T", .from = "B", .to = "A", .amount = "30.50"));
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"op\" differs", WITHDRAW(.reference = "T", .from = "A", .amount = "30.50"));
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"fee\" differs", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "30.50", .fee = "withdrawal"));
  post_refused(db, LEDGER_REFERENCE_REUSED, "\"effective_at\" differs", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "30.50", .effective_at = "2026-01-01"));
  assert_int_equal(post_print(db), before);
  post_close(db);
}

static void test_key(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_done(db, TRANSFER(.reference = "T", .key = "k", .scope = "u1", .from = "A", .to = "B", .amount = "5"));
  post_done(db, TRANSFER(.reference = "T", .key = "k", .scope = "u1", .from = "A", .to = "B", .amount = "5"));
  assert_int_equal(post_result.replayed, 1);
  post_refused(db, LEDGER_KEY_REUSED, "\"amount\" differs", TRANSFER(.reference = "U", .key = "k", .scope = "u1", .from = "A", .to = "B", .amount = "6"));
  post_refused(db, LEDGER_KEY_REUSED, "\"reference\" differs", TRANSFER(.reference = "U", .key = "k", .scope = "u1", .from = "A", .to = "B", .amount = "5"));
  post_done(db, TRANSFER(.reference = "U", .key = "k", .scope = "u2", .from = "A", .to = "B", .amount = "6")); /* a key of another scope */
  assert_int_equal(post_result.replayed, 0);
  post_balance(db, "B", "11.00 11.00 0.00");
  post_close(db);
}

/* A reference that another program's row has. */
static void test_foreign_reference(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  ledger_balance a;
  assert_int_equal(ledger_account(db, "A", &a), LEDGER_OK);
  char change[300];
  snprintf(change, sizeof change, "{\"table\":\"transactions\",\"row\":{\"account_id\":\"%s\",\"transaction_type\":\"debit\","
           "\"amount\":1,\"reference_number\":\"F.C\"}}", a.account);
  post_row(db, change);
  int64_t before = post_print(db);
  post_refused(db, LEDGER_UNIQUE, "uq_transactions_reference_number", TRANSFER(.reference = "F", .from = "A", .to = "B", .amount = "1"));
  assert_int_equal(post_print(db), before);
  post_balance(db, "A", "100.00 100.00 0.00");
  post_close(db);
}

/* ---- conditions */

static void test_conditions(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_refused(db, LEDGER_VERSION_CONFLICT, "has version 1, not 2", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "1", .version = 2));
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "1", .version = 1));
  post_refused(db, LEDGER_VERSION_CONFLICT, "has version 1, not 9", TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "1", .to_version = 9));
  post_refused(db, LEDGER_CONDITION_FAILED, "would have 89.00 USD available", TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "10", .min_available = "89.01"));
  post_done(db, TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "10", .min_available = "89.00"));
  post_refused(db, LEDGER_CONDITION_FAILED, "would have 12.00 USD afterwards", TRANSFER(.reference = "V", .from = "A", .to = "B", .amount = "1", .max_after = "11.99"));
  post_done(db, TRANSFER(.reference = "V", .from = "A", .to = "B", .amount = "1", .max_after = "12"));
  post_close(db);
}

/* ---- refusals that are kept */

static void test_keep_failed(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_refused(db, LEDGER_NO_FUNDS, "A has 100.00 USD available, 100.01 is needed", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "100.01", .keep_failed = 1));
  assert_string_equal(post_result.status, "failed");
  assert_true(post_result.journal > 0);
  post_rows(db, "transactions", "select=amount,status,metadata&reference_number=eq.T",
            "{\"amount\":100.01,\"status\":\"failed\",\"metadata\":{\"reason\": \"account A has 100.00 USD available, "
            "100.01 is needed\", \"sqlstate\": \"LG001\", \"direction\": \"debit\"}}");
  post_done(db, DEPOSIT(.reference = "D", .to = "A", .amount = "50"));
  post_refused(db, LEDGER_NO_FUNDS, "A has 100.00 USD available", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "100.01"));
  assert_int_equal(post_result.replayed, 1);
  /* A refusal of the input never takes the reference. */
  post_refused(db, LEDGER_WRONG_SCALE, "", TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "1.001", .keep_failed = 1));
  post_done(db, TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "1", .keep_failed = 1));
  post_close(db);
}

/* ---- several writers, and the caller's own transaction */

static void test_two_handles(void **state) {
  (void)state;
  char path[200];
  test_path(path);
  ledger *one = NULL, *two = NULL;
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &one), LEDGER_OK);
  post_account(one, "A", "USD", "100");
  post_account(one, "B", "USD", NULL);
  assert_int_equal(ledger_open(path, 0, &two), LEDGER_OK);
  for (int i = 0; i < 20; i++) { /* each finds what the other did, though it remembers the accounts */
    char reference[20];
    snprintf(reference, sizeof reference, "T%d", i);
    post_done(i % 2 ? one : two, TRANSFER(.reference = reference, .from = "A", .to = "B", .amount = "4"));
    post_balance(i % 2 ? two : one, "B", (snprintf(reference, sizeof reference, "%d.00 %d.00 0.00", 4 * i + 4, 4 * i + 4), reference));
  }
  post_done(one, .kind = LEDGER_OP_FREEZE, .reference = "F", .account = "A");
  post_refused(two, LEDGER_FROZEN, "A is frozen", WITHDRAW(.reference = "W", .from = "A", .amount = "1"));
  /* The same by another road: a plain change of the row. */
  post_row(one, "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"status\":\"active\"},\"where\":{\"account_number\":\"A\"}}");
  post_done(one, WITHDRAW(.reference = "W", .from = "A", .amount = "1"));
  post_done(two, WITHDRAW(.reference = "W2", .from = "A", .amount = "1"));
  ledger_close(two);
  post_close(one);
  const char *suffixes[] = {"", "-wal", "-shm"};
  for (int i = 0; i < 3; i++) {
    char name[256];
    snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
    unlink(name);
  }
}

static void test_transaction(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "10"));
  post_refused(db, LEDGER_NO_FUNDS, "", TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "91"));
  post_balance(db, "B", "10.00 10.00 0.00");
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  post_balance(db, "B", "0.00 0.00 0.00");
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "20"));
  assert_int_equal(post_result.replayed, 0);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_done(db, TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "1"));
  post_done(db, TRANSFER(.reference = "U", .from = "A", .to = "B", .amount = "1"));
  assert_int_equal(post_result.replayed, 1);
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  post_balance(db, "B", "21.00 21.00 0.00");
  post_close(db);
}

/* A CHECK of the schema's own is looked at, refuses the whole operation, and leaves the transaction around it as it was. */
static void test_own_check(void **state) {
  (void)state;
  static const char schema[] =
      "CREATE TABLE accounts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid, account_number varchar(50) UNIQUE NOT NULL,"
      " account_type varchar(50) NOT NULL, currency varchar(3) NOT NULL DEFAULT 'USD', balance numeric(15,2) NOT NULL DEFAULT 0,"
      " available_balance numeric(15,2) NOT NULL DEFAULT 0, status varchar(50) NOT NULL DEFAULT 'active',"
      " created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),"
      " CONSTRAINT at_most CHECK (balance <= 500));"
      "CREATE TABLE transactions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), account_id uuid REFERENCES accounts(id),"
      " transaction_type varchar(50) NOT NULL, amount numeric(15,2) NOT NULL, currency varchar(3) NOT NULL, status varchar(50) NOT NULL,"
      " description text, reference_number varchar(100) UNIQUE, metadata jsonb DEFAULT '{}', created_at timestamptz, updated_at timestamptz,"
      " completed_at timestamptz, CONSTRAINT no_thirteen CHECK (amount <> 13));";
  const struct schema_file file = {.name = "own.sql", .text = schema, .length = sizeof schema - 1};
  const struct schema_options options = {.name = "own"};
  struct schema_result *result;
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", "400");
  int64_t before = post_print(db);
  post_refused(db, LEDGER_CHECK, "no_thirteen", TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "13"));
  post_refused(db, LEDGER_CHECK, "at_most", DEPOSIT(.reference = "T", .to = "B", .amount = "100.01"));
  assert_int_equal(post_print(db), before);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_done(db, TRANSFER(.reference = "T", .from = "A", .to = "B", .amount = "12"));
  post_refused(db, LEDGER_CHECK, "at_most", DEPOSIT(.reference = "U", .to = "B", .amount = "100.01"));
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  post_balance(db, "B", "412.00 412.00 0.00");
  /* In a batch: done again with a savepoint around each, so that only the refused one is missing. */
  ledger_operation operations[] = {{DEPOSIT(.reference = "b1", .to = "A", .amount = "1")},
                                   {DEPOSIT(.reference = "b2", .to = "A", .amount = "13")},
                                   {DEPOSIT(.reference = "b3", .to = "A", .amount = "2")}};
  ledger_result results[3];
  assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  assert_int_equal(results[0].code, LEDGER_OK);
  assert_int_equal(results[1].code, LEDGER_CHECK);
  assert_int_equal(results[2].code, LEDGER_OK);
  post_balance(db, "A", "91.00 91.00 0.00");
  post_close(db);
}

/* ---- batches */

static void test_codes(const ledger_result *results, int count, const int *codes) {
  for (int i = 0; i < count; i++) {
    if (results[i].code != codes[i]) print_error("operation %d\n", i);
    assert_int_equal(results[i].code, codes[i]);
    assert_true((results[i].error != NULL) == (codes[i] != LEDGER_OK));
  }
}

static void test_batch_modes(void **state) {
  (void)state;
  ledger_operation operations[] = {{TRANSFER(.reference = "1", .from = "A", .to = "B", .amount = "60")},
                                   {TRANSFER(.reference = "2", .from = "A", .to = "B", .amount = "60", .keep_failed = 1)},
                                   {TRANSFER(.reference = "3", .from = "B", .to = "A", .amount = "10")}};
  ledger_result results[3];
  ledger *db = test_pair("full");
  int64_t before = post_print(db);
  assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_ATOMIC, 0, results), LEDGER_NO_FUNDS);
  test_codes(results, 3, (int[]){LEDGER_LINK_BROKEN, LEDGER_NO_FUNDS, LEDGER_LINK_BROKEN});
  assert_int_equal(results[1].journal, 0); /* its failed row went with the rest */
  assert_int_equal(post_print(db), before);
  assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_CONTINUE, LEDGER_DRY_RUN, results), LEDGER_OK);
  test_codes(results, 3, (int[]){LEDGER_OK, LEDGER_NO_FUNDS, LEDGER_OK});
  assert_string_equal(results[2].balances[1].balance, "50.00");
  assert_int_equal(post_print(db), before);
  assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_STOP, 0, results), LEDGER_OK);
  test_codes(results, 3, (int[]){LEDGER_OK, LEDGER_NO_FUNDS, LEDGER_LINK_BROKEN});
  post_balance(db, "A", "40.00 40.00 0.00");
  assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  test_codes(results, 3, (int[]){LEDGER_OK, LEDGER_NO_FUNDS, LEDGER_OK});
  assert_int_equal(results[0].replayed, 1);
  assert_int_equal(results[1].replayed, 1);
  assert_int_equal(results[2].replayed, 0);
  post_balance(db, "A", "50.00 50.00 0.00");
  assert_int_equal(ledger_post_batch(db, 0, NULL, LEDGER_BATCH_ATOMIC, 0, NULL), LEDGER_OK);
  assert_int_equal(ledger_post_batch(db, LEDGER_BATCH_MAX + 1, operations, LEDGER_BATCH_ATOMIC, 0, NULL), LEDGER_PROGRAM_LIMIT);
  post_close(db);
}

static void test_batch_linked(void **state) {
  (void)state;
  ledger_operation operations[] = {{TRANSFER(.reference = "1", .from = "A", .to = "B", .amount = "60", .linked = 1)},
                                   {TRANSFER(.reference = "2", .from = "A", .to = "B", .amount = "60", .linked = 1)},
                                   {TRANSFER(.reference = "3", .from = "B", .to = "A", .amount = "1")},
                                   {TRANSFER(.reference = "4", .from = "A", .to = "B", .amount = "7", .linked = 1)},
                                   {TRANSFER(.reference = "5", .from = "B", .to = "A", .amount = "2", .linked = 1)}};
  ledger_result results[5];
  ledger *db = test_pair("full");
  assert_int_equal(ledger_post_batch(db, 5, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  test_codes(results, 5, (int[]){LEDGER_LINK_BROKEN, LEDGER_NO_FUNDS, LEDGER_LINK_BROKEN, LEDGER_OK, LEDGER_OK});
  post_balance(db, "A", "95.00 95.00 0.00");
  post_balance(db, "B", "5.00 5.00 0.00");
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_journal WHERE reference IN ('1', '2', '3')"), 0);
  post_close(db);
}

/* ---- legs */

static void test_legs(void **state) {
  (void)state;
  ledger *db = test_pair("full");
  post_account(db, "E", "EUR", "10");
  post_account(db, "F", "EUR", NULL);
  ledger_leg legs[] = {{.account = "A", .amount = "-30"}, {.account = "B", .amount = "30", .description = "share"},
                       {.account = "E", .amount = "-1.5"}, {.account = "F", .amount = "1.50", .currency = "EUR"}};
  post_done(db, .kind = LEDGER_OP_POST, .reference = "P", .leg_count = 4, .legs = legs);
  post_rows(db, "transactions", "select=transaction_type,amount,currency,reference_number,description&reference_number=like.P*&order=reference_number",
            "{\"transaction_type\":\"debit\",\"amount\":30.00,\"currency\":\"USD\",\"reference_number\":\"P\",\"description\":null}\n"
            "{\"transaction_type\":\"credit\",\"amount\":30.00,\"currency\":\"USD\",\"reference_number\":\"P.L1\",\"description\":\"share\"}\n"
            "{\"transaction_type\":\"debit\",\"amount\":1.50,\"currency\":\"EUR\",\"reference_number\":\"P.L2\",\"description\":null}\n"
            "{\"transaction_type\":\"credit\",\"amount\":1.50,\"currency\":\"EUR\",\"reference_number\":\"P.L3\",\"description\":null}");
  legs[3].amount = "1.49";
  post_refused(db, LEDGER_UNBALANCED, "do not sum to zero", .kind = LEDGER_OP_POST, .reference = "Q", .leg_count = 4, .legs = legs);
  legs[3] = (ledger_leg){.account = "A", .amount = "1.5"};
  post_refused(db, LEDGER_SAME_ACCOUNT, "A is in two legs", .kind = LEDGER_OP_POST, .reference = "Q", .leg_count = 4, .legs = legs);
  post_refused(db, LEDGER_BAD_OPERATION, "2 to 64 legs, not 1", .kind = LEDGER_OP_POST, .reference = "Q", .leg_count = 1, .legs = legs);
  post_refused(db, LEDGER_BAD_OPERATION, "2 to 64 legs, not 65", .kind = LEDGER_OP_POST, .reference = "Q", .leg_count = 65,
               .legs = (ledger_leg[65]){[0 ... 64] = {.account = "A", .amount = "1"}});
  post_close(db);
}

/* ---- a file of before the book */

static void test_older(void **state) {
  (void)state;
  char path[200];
  test_path(path);
  ledger *db = NULL;
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &db), LEDGER_OK);
  post_foreign(db, "DROP TABLE ledger_account; DROP TABLE ledger_journal; DROP TABLE ledger_entry; DROP TABLE ledger_remainder;"
                   "DROP TABLE ledger_idempotency; DROP TABLE ledger_checkpoint; PRAGMA user_version = 1");
  ledger_close(db);
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &db), LEDGER_READ_ONLY);
  assert_non_null(strstr(ledger_error_of(db)->message, "older version"));
  ledger_close(db);
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  assert_int_equal(post_number(db, "PRAGMA user_version"), STORE_FORMAT);
  post_account(db, "A", "USD", "1");
  assert_int_equal(post_number(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'ledger_entry%'"), 2);
  post_close(db);
  unlink(path);
}

/* ---- a plain balance that the book never posted */

static void test_opening(void **state) {
  (void)state;
  char path[200];
  test_path(path);
  ledger *db = NULL;
  assert_int_equal(ledger_create(path, ledger_schema("wallstreet"), LEDGER_PLAIN, &db), LEDGER_OK);
  post_row(db, "{\"table\":\"accounts\",\"row\":{\"account_number\":\"OLD\",\"account_type\":\"checking\",\"balance\":\"75.25\",\"available_balance\":\"75.25\"}}");
  post_refused(db, LEDGER_NOT_IN_BOOK, "OLD has a balance", WITHDRAW(.reference = "W", .from = "OLD", .amount = "1"));
  post_refused(db, LEDGER_WRONG_STATE, "shows a balance of 75.25", .kind = LEDGER_OP_OPENING, .reference = "O", .to = "OLD", .amount = "75.24");
  post_done(db, .kind = LEDGER_OP_OPENING, .reference = "O", .to = "OLD", .amount = "75.25");
  post_balance(db, "OLD", "75.25 75.25 0.00");
  post_done(db, WITHDRAW(.reference = "W", .from = "OLD", .amount = "1"));
  post_refused(db, LEDGER_WRONG_STATE, "has entries already", .kind = LEDGER_OP_OPENING, .reference = "O2", .to = "OLD", .amount = "1");
  /* A balance that another program changes is found out at the next operation. */
  post_foreign(db, "UPDATE accounts SET balance = '1000.00'");
  db->row_writes++; /* what another connection would make known */
  post_refused(db, LEDGER_BOOK_BROKEN, "OLD", WITHDRAW(.reference = "W2", .from = "OLD", .amount = "1"));
  post_foreign(db, "UPDATE accounts SET balance = '74.25'");
  db->row_writes++;
  post_close(db);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_members),      cmocka_unit_test(test_reference),   cmocka_unit_test(test_replay),
      cmocka_unit_test(test_key),          cmocka_unit_test(test_foreign_reference), cmocka_unit_test(test_conditions),
      cmocka_unit_test(test_keep_failed),  cmocka_unit_test(test_two_handles), cmocka_unit_test(test_transaction),
      cmocka_unit_test(test_own_check),    cmocka_unit_test(test_batch_modes), cmocka_unit_test(test_batch_linked),
      cmocka_unit_test(test_legs),         cmocka_unit_test(test_opening),
      cmocka_unit_test(test_older),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
