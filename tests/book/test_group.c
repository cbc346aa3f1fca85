/*
** test_group: group commit: threads that share commits of one handle. Where a test needs to know who shares a commit with whom, the
** commit hook holds the leader back until the others wait.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <pthread.h>

#include <gate.h>
#include "post.h"

#include <random.h>
#include <unistd.h>

#define TEST_THREADS 16
#define TEST_ACCOUNTS 8

static char test_path[100];

static void test_remove(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  for (int i = 0; i < 3; i++) {
    char name[120];
    snprintf(name, sizeof name, "%s%s", test_path, suffixes[i]);
    remove(name);
  }
}

/* A file on the disk with accounts A0 to A7, each with 1000.00. */
static ledger *test_file(int flags) {
  ledger *db = NULL;
  const char *folder = getenv("TMPDIR");
  snprintf(test_path, sizeof test_path, "%s/ledger-test-group.%ld.db",
           folder == NULL ? "/tmp" : folder, (long)getpid());
  test_remove();
  assert_int_equal(ledger_create(test_path, ledger_schema("full"), flags, &db), LEDGER_OK);
  for (int i = 0; i < TEST_ACCOUNTS; i++) {
    char number[16];
    snprintf(number, sizeof number, "A%d", i);
    post_account(db, number, "USD", "1000");
  }
  return db;
}

static void test_end(ledger *db) {
  post_close(db);
  test_remove();
}

static ledger_group *test_group(ledger *db, int operations_max) {
  ledger_group *group = NULL;
  assert_int_equal(ledger_group_open(db, operations_max, &group), LEDGER_OK);
  return group;
}

/* ---- calls that come from threads of their own; cmocka's assertions stay in the test's */

struct test_call {
  pthread_t thread;
  ledger_group *group;
  ledger_operation operation;
  char reference[40], from[8], to[8], amount[24];
  int rc;
  ledger_result result;
  ledger_group_room room;
};

static void *test_call_main(void *context) {
  struct test_call *call = context;
  call->rc = ledger_group_post(call->group, &call->operation, &call->result, &call->room);
  return NULL;
}

static void test_call_start(struct test_call *call, ledger_group *group, const char *reference,
                            int from, int to, const char *amount) {
  memset(call, 0, sizeof *call);
  call->group = group;
  snprintf(call->reference, sizeof call->reference, "%s", reference);
  snprintf(call->from, sizeof call->from, "A%d", from);
  snprintf(call->to, sizeof call->to, "A%d", to);
  snprintf(call->amount, sizeof call->amount, "%s", amount);
  call->operation = (ledger_operation){.kind = LEDGER_OP_TRANSFER,
                                       .reference = call->reference,
                                       .from = call->from,
                                       .to = call->to,
                                       .amount = call->amount};
  assert_int_equal(pthread_create(&call->thread, NULL, test_call_main, call), 0);
}

/* Starts `count` calls of which all but the first share a commit. The first is a transfer of 1.00 from A0 to A1. */
static void test_together(ledger *db, ledger_group *group, struct test_call *calls, int count,
                          int failing) {
  gate_close(db, group, count, failing);
  test_call_start(&calls[count], group, "gate", 0, 1, "1");
  gate_led(group);
}

static void test_join(ledger *db, struct test_call *calls, int count) {
  for (int i = 0; i <= count; i++) pthread_join(calls[i].thread, NULL);
  sqlite3_commit_hook(db->sqlite, NULL, NULL);
  assert_int_equal(calls[count].rc, LEDGER_OK);
  for (int i = 0; i < count; i++) assert_int_equal(calls[i].rc, calls[i].result.code);
}

/* ---- the tests */

/* A thread that is alone gets what ledger_post() would give. */
static void test_alone(void **state) {
  (void)state;
  ledger *db = test_file(0);
  ledger_group *group = test_group(db, 10);
  ledger_group_room room;
  ledger_result result;
  ledger_operation operation = {.kind = LEDGER_OP_TRANSFER,
                                .reference = "T",
                                .from = "A0",
                                .to = "A1",
                                .amount = "12.5",
                                .linked = 1};
  assert_int_equal(ledger_group_post(group, &operation, &result, &room), LEDGER_OK);
  assert_int_equal(result.code, LEDGER_OK);
  assert_string_equal(result.amount, "12.50");
  assert_int_equal(result.balance_count, 2);
  assert_ptr_equal(result.balances, room.balances);
  assert_string_equal(room.balances[0].number, "A0");
  assert_string_equal(room.balances[0].balance, "987.50");
  assert_string_equal(room.balances[1].balance, "1012.50");
  assert_null(result.error);

  assert_int_equal(ledger_group_post(group, &operation, &result, &room), LEDGER_OK);
  assert_int_equal(result.replayed, 1);
  assert_string_equal(room.balances[0].balance, "987.50");

  operation.reference = "U";
  operation.amount = "1000";
  assert_int_equal(ledger_group_post(group, &operation, &result, &room), LEDGER_NO_FUNDS);
  assert_int_equal(result.code, LEDGER_NO_FUNDS);
  assert_int_equal(result.balance_count, 0);
  assert_null(result.balances);
  assert_ptr_equal(result.error, &room.error);
  assert_string_equal(room.error.message, "account A0 has 987.50 USD available, 1000.00 is needed");
  assert_int_equal(ledger_group_post(group, &operation, NULL, NULL), LEDGER_NO_FUNDS);
  operation.amount = "7.5";
  assert_int_equal(ledger_group_post(group, &operation, NULL, NULL), LEDGER_OK);
  ledger_group_close(group);
  post_balance(db, "A0", "980.00 980.00 0.00");
  test_end(db);
}

static void test_misuse(void **state) {
  (void)state;
  ledger *db = test_file(0);
  ledger_group *group = (ledger_group *)db;
  ledger_result result;
  ledger_operation operation = {.kind = LEDGER_OP_TRANSFER};
  assert_int_equal(ledger_group_open(db, 10, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_group_open(NULL, 10, &group), LEDGER_MISUSE);
  assert_null(group);
  assert_int_equal(ledger_group_open(db, 0, &group), LEDGER_MISUSE);
  assert_int_equal(ledger_group_open(db, LEDGER_BATCH_MAX + 1, &group), LEDGER_MISUSE);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_ACTIVE_TRANSACTION);
  assert_null(group);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  group = test_group(db, LEDGER_BATCH_MAX);
  assert_int_equal(ledger_group_post(NULL, &operation, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_group_post(group, NULL, &result, NULL), LEDGER_MISUSE);
  assert_int_equal(result.code, LEDGER_MISUSE);
  assert_int_equal(ledger_group_post(group, &operation, &result, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_group_post(group, &operation, NULL, NULL), LEDGER_BAD_OPERATION);
  ledger_group_close(group);
  ledger_group_close(NULL);
  test_end(db);
}

/* Calls that come during a commit share the next one, up to the most that a commit may have. */
static void test_shares(void **state) {
  (void)state;
  for (int most = 4; most <= TEST_THREADS; most += 12) {
    ledger *db = test_file(0);
    ledger_group *group = test_group(db, most);
    struct test_call *calls = calloc(TEST_THREADS + 1, sizeof *calls);
    test_together(db, group, calls, TEST_THREADS, 0);
    for (int i = 0; i < TEST_THREADS; i++) {
      char reference[20];
      snprintf(reference, sizeof reference, "T%d", i);
      test_call_start(&calls[i], group, reference, i % 4, 4 + i % 4, i == 3 ? "5000" : "1.25");
    }
    test_join(db, calls, TEST_THREADS);
    for (int i = 0; i < TEST_THREADS; i++)
      assert_int_equal(calls[i].rc, i == 3 ? LEDGER_NO_FUNDS : LEDGER_OK);
    assert_int_equal(gate.commits, TEST_THREADS / most);
    ledger_group_close(group);
    free(calls);
    test_end(db);
  }
}

/* The same operation from all threads is done once, and all have its result. */
static void test_same(void **state) {
  (void)state;
  ledger *db = test_file(0);
  ledger_group *group = test_group(db, 100);
  struct test_call *calls = calloc(TEST_THREADS + 1, sizeof *calls);
  int replayed = 0;
  test_together(db, group, calls, TEST_THREADS, 0);
  for (int i = 0; i < TEST_THREADS; i++) test_call_start(&calls[i], group, "T", 2, 3, "10");
  test_join(db, calls, TEST_THREADS);
  for (int i = 0; i < TEST_THREADS; i++) {
    assert_int_equal(calls[i].rc, LEDGER_OK);
    assert_int_equal(calls[i].result.journal, calls[0].result.journal);
    assert_string_equal(calls[i].room.balances[1].balance, "1010.00");
    replayed += calls[i].result.replayed;
  }
  assert_int_equal(replayed, TEST_THREADS - 1);
  ledger_group_close(group);
  post_balance(db, "A3", "1010.00 1010.00 0.00");
  free(calls);
  test_end(db);
}

/* One that fails after its first write, for another program's row has its second reference, takes nobody with it. */
static void test_torn(void **state) {
  (void)state;
  ledger *db = test_file(0);
  post_foreign(db,
               "INSERT INTO transactions (account_id, transaction_type, amount, reference_number)"
               " SELECT id, 'debit', '1.00', 'T5.C' FROM accounts WHERE account_number = 'A0'");
  ledger_group *group = test_group(db, 100);
  struct test_call *calls = calloc(TEST_THREADS + 1, sizeof *calls);
  test_together(db, group, calls, TEST_THREADS, 0);
  for (int i = 0; i < TEST_THREADS; i++) {
    char reference[20];
    snprintf(reference, sizeof reference, "T%d", i);
    test_call_start(&calls[i], group, reference, 2, 3, "10");
  }
  test_join(db, calls, TEST_THREADS);
  for (int i = 0; i < TEST_THREADS; i++) {
    assert_int_equal(calls[i].rc, i == 5 ? LEDGER_UNIQUE : LEDGER_OK);
    if (i != 5) assert_null(calls[i].result.error);
  }
  assert_string_equal(calls[5].room.error.constraint, "uq_transactions_reference_number");
  assert_int_equal(gate.commits, 1);
  ledger_group_close(group);
  post_balance(db, "A3", "1150.00 1150.00 0.00");
  post_foreign(db, "DELETE FROM transactions WHERE reference_number = 'T5.C'");
  free(calls);
  test_end(db);
}

/* When the commit of all fails each is tried alone; when each fails alone nobody is told that it is done. */
static void test_commit_fails(void **state) {
  (void)state;
  for (int all = 0; all <= 1; all++) {
    ledger *db = test_file(0);
    ledger_group *group = test_group(db, 100);
    struct test_call *calls = calloc(TEST_THREADS + 1, sizeof *calls);
    test_together(db, group, calls, TEST_THREADS, all ? 1 + TEST_THREADS : 2);
    for (int i = 0; i < TEST_THREADS; i++) {
      char reference[20];
      snprintf(reference, sizeof reference, "T%d", i);
      test_call_start(&calls[i], group, reference, 2, 3, "10");
    }
    test_join(db, calls, TEST_THREADS);
    int failed = 0;
    for (int i = 0; i < TEST_THREADS; i++) {
      if (calls[i].rc == LEDGER_OK) continue;
      failed++;
      assert_int_equal(calls[i].result.journal, 0);
      assert_ptr_equal(calls[i].result.error, &calls[i].room.error);
      assert_int_equal(calls[i].room.error.code, calls[i].rc);
    }
    assert_int_equal(gate.commits, 1 + TEST_THREADS);
    assert_int_equal(failed, all ? TEST_THREADS : 1);
    ledger_group_close(group);
    assert_int_equal(
        post_number(db, "SELECT count(*) FROM ledger_journal WHERE reference LIKE 'T%'"),
        TEST_THREADS - failed);
    post_balance(db, "A3", all ? "1000.00 1000.00 0.00" : "1150.00 1150.00 0.00");
    free(calls);
    test_end(db);
  }
}

/* A file that another program keeps locked: all are told so after one wait, and can come again. */
static void test_busy(void **state) {
  (void)state;
  ledger *db = test_file(0);
  sqlite3 *other = NULL;
  ledger_group_room room;
  ledger_result result;
  ledger_operation operation = {
      .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A0", .to = "A1", .amount = "1"};
  assert_int_equal(sqlite3_open(test_path, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  ledger_busy_timeout(db, 0);
  ledger_group *group = test_group(db, 100);
  assert_int_equal(ledger_group_post(group, &operation, &result, &room), LEDGER_BUSY);
  assert_string_equal(room.error.sqlstate, "55P03");
  assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(ledger_group_post(group, &operation, &result, &room), LEDGER_OK);
  sqlite3_close(other);
  ledger_group_close(group);
  test_end(db);
}

/* The progress function runs in the middle of the leader's call: it may not post, and may stop it. */
static int test_report(void *context, int64_t done, int64_t total) {
  ledger_operation operation = {
      .kind = LEDGER_OP_TRANSFER, .reference = "R", .from = "A0", .to = "A1", .amount = "1"};
  (void)done, (void)total;
  assert_int_equal(ledger_group_post(context, &operation, NULL, NULL), LEDGER_MISUSE);
  return 1;
}

static void test_progress(void **state) {
  (void)state;
  ledger *db = test_file(0);
  ledger_operation operation = {
      .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A0", .to = "A1", .amount = "1"};
  ledger_group *group = test_group(db, 100);
  ledger_progress(db, test_report, group);
  assert_int_equal(ledger_group_post(group, &operation, NULL, NULL), LEDGER_INTERRUPTED);
  ledger_progress(db, NULL, NULL);
  ledger_group_close(group);
  post_balance(db, "A0", "1000.00 1000.00 0.00");
  test_end(db);
}

/* ---- many threads, many operations each */

struct test_work {
  ledger_group *group;
  int count;
  atomic_int next, done, refused, replayed, wrong;
};

/* Operation n is the same whoever does it; each is asked for twice. */
static void *test_work_main(void *context) {
  struct test_work *work = context;
  ledger_group_room *room = malloc(sizeof *room);
  for (int i; room != NULL && (i = atomic_fetch_add(&work->next, 1)) < 2 * work->count;) {
    struct test_random random = {random_seed() + (uint64_t)(i / 2)};
    char reference[20], from[8], to[8], amount[24];
    int payer = random_below(&random, TEST_ACCOUNTS);
    snprintf(reference, sizeof reference, "T%d", i / 2);
    snprintf(from, sizeof from, "A%d", payer);
    snprintf(to, sizeof to, "A%d",
             (payer + 1 + random_below(&random, TEST_ACCOUNTS - 1)) % TEST_ACCOUNTS);
    snprintf(amount, sizeof amount, "%d.%02d", 1 + random_below(&random, 700),
             random_below(&random, 100));
    ledger_operation operation = {.kind = LEDGER_OP_TRANSFER,
                                  .reference = reference,
                                  .from = from,
                                  .to = to,
                                  .amount = amount,
                                  .keep_failed = 1};
    ledger_result result;
    int rc = ledger_group_post(work->group, &operation, &result, room);
    bool is_whole = rc == result.code && strcmp(result.reference, reference) == 0;
    if (rc == LEDGER_OK)
      is_whole = is_whole && result.balance_count == 2 && result.balances == room->balances &&
                 strcmp(result.amount, amount) == 0 && result.error == NULL &&
                 (strcmp(room->balances[0].number, from) == 0 ||
                  strcmp(room->balances[1].number, from) == 0);
    else
      is_whole = is_whole && rc == LEDGER_NO_FUNDS && result.error == &room->error;
    atomic_fetch_add(rc == LEDGER_OK ? &work->done : &work->refused, 1);
    atomic_fetch_add(&work->replayed, result.replayed);
    if (!is_whole) atomic_fetch_add(&work->wrong, 1);
  }
  free(room);
  return NULL;
}

static int test_count_commit(void *context) {
  (*(int *)context)++;
  return 0;
}

static void test_threads(void **state) {
  (void)state;
  ledger *db = test_file(LEDGER_SYNC_NORMAL);
  pthread_t threads[TEST_THREADS];
  struct test_work work = {.group = test_group(db, 1000), .count = random_count(2000)};
  int commits = 0;
  sqlite3_commit_hook(db->sqlite, test_count_commit, &commits);
  for (int i = 0; i < TEST_THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, test_work_main, &work), 0);
  for (int i = 0; i < TEST_THREADS; i++) pthread_join(threads[i], NULL);
  sqlite3_commit_hook(db->sqlite, NULL, NULL);
  ledger_group_close(work.group);
  print_message("# %d operations, %d refused, in %d commits\n", work.count, work.refused / 2,
                commits);
  assert_int_equal(work.wrong, 0);
  assert_int_equal(work.done + work.refused, 2 * work.count);
  assert_int_equal(work.replayed, work.count);
  assert_true(commits < 2 * work.count);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_journal WHERE reference LIKE 'T%'"),
                   work.count);
  assert_int_equal(
      post_number(db, "SELECT sum(balance) FROM ledger_account WHERE class = 'account'"),
      TEST_ACCOUNTS * 100000);
  test_end(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alone),   cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_shares),  cmocka_unit_test(test_same),
      cmocka_unit_test(test_torn),    cmocka_unit_test(test_commit_fails),
      cmocka_unit_test(test_busy),    cmocka_unit_test(test_progress),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
