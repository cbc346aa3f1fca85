/*
** test_hold_memory: memory that runs out at each allocation of a hold, a capture, a release, a sweep, a reversal, a page of
** history: MEMORY and nothing written, or done all the same; and done when it is asked again.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

#include "post.h"

static char path[128];
static char text[2][32]; /* references of a trial */
static int64_t number;   /* of the trial: its references are new */

static const char *test_name(int place, const char *kind) {
  snprintf(text[place], sizeof text[place], "%s-%lld", kind, (long long)number);
  return text[place];
}

static int test_post(ledger *db, const ledger_operation *operation) {
  return ledger_post(db, operation, &post_result);
}

/* ---- what is tried */

static int run_hold(ledger *db) {
  return test_post(db, &(ledger_operation){.kind = LEDGER_OP_HOLD,
                                           .reference = test_name(0, "hold"),
                                           .from = "A",
                                           .to = "B",
                                           .amount = "0.01",
                                           .expires_at = "2100-01-01",
                                           .description = "d"});
}
static int run_capture(ledger *db) {
  return test_post(db, &(ledger_operation){.kind = LEDGER_OP_CAPTURE,
                                           .reference = test_name(0, "capture"),
                                           .of = "H",
                                           .amount = "1",
                                           .fee = "withdrawal"});
}
static int run_over(ledger *db) {
  int rc = test_post(db, &(ledger_operation){.kind = LEDGER_OP_CAPTURE,
                                             .reference = test_name(0, "over"),
                                             .of = "H",
                                             .amount = "999999"});
  return rc == LEDGER_OVER_CAPTURED ? LEDGER_OK : rc;
}
static int run_release(ledger *db) {
  return test_post(db, &(ledger_operation){.kind = LEDGER_OP_RELEASE,
                                           .reference = test_name(0, "release"),
                                           .of = test_name(1, "before"),
                                           .reason = "why"});
}
static int run_expire(ledger *db) {
  int64_t count;
  return ledger_expire(db, &count);
}
static int run_reverse(ledger *db) {
  return test_post(db, &(ledger_operation){.kind = LEDGER_OP_REVERSE,
                                           .reference = test_name(0, "reverse"),
                                           .of = "T",
                                           .amount = "0.01"});
}
static int run_reverse_all(ledger *db) {
  return test_post(db, &(ledger_operation){.kind = LEDGER_OP_REVERSE,
                                           .reference = test_name(0, "all"),
                                           .of = test_name(1, "paid")});
}
static int run_history(ledger *db) {
  static const ledger_history_filter filters[] = {
      {.account = "A", .oldest_first = 1, .limit = 200},
      {.account = "A", .reference = "H", .kind = "capture"},
      {.since = "2026-01-01", .limit = 20}};
  int rc = LEDGER_OK;
  for (size_t i = 0; i < 3 && rc == LEDGER_OK; i++) {
    ledger_rows *rows = NULL;
    rc = ledger_history(db, &filters[i], &rows);
    while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW)
      rc = ledger_rows_json(rows, NULL) != NULL ? LEDGER_OK : db->error.code;
    ledger_rows_free(rows);
    if (rc == LEDGER_DONE) rc = LEDGER_OK;
  }
  return rc;
}
static int run_balance(ledger *db) {
  ledger_balance balance;
  int rc = ledger_balance_at(db, "A", "infinity", LEDGER_BOOKED, &balance);
  return rc == LEDGER_OK ? ledger_balance_at(db, "B", "now", LEDGER_EFFECTIVE, &balance) : rc;
}

/* What a trial needs to be there, new each time. */
static void test_before(ledger *db) {
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = test_name(1, "before"), .from = "A",
            .amount = "0.01", .expires_at = "2100-01-01");
  post_foreign(
      db, "UPDATE ledger_remainder SET expires_at = 1 WHERE expires_at IS NOT NULL AND released = 0"
          " AND journal = (SELECT max(seq) FROM ledger_journal)");
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = test_name(1, "paid"), .from = "A",
            .to = "B", .amount = "0.01", .fee = "withdrawal");
}

static const struct trial {
  const char *name;
  int (*run)(ledger *);
  bool writes;
} trials[] = {
    {"hold", run_hold, true},        {"capture", run_capture, true},
    {"over", run_over, false},       {"release", run_release, true},
    {"expire", run_expire, true},    {"reverse", run_reverse, true},
    {"all", run_reverse_all, true},  {"history", run_history, false},
    {"balance", run_balance, false},
};

static void test_trial(const struct trial *trial, bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 30)) {
    ledger *db = NULL;
    number++;
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    test_before(db);
    ledger_close(db);
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    int64_t before = post_print(db);
    memory_arm(n, fails_on);
    int rc = trial->run(db);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(trial->name, n, rc, ledger_error_of(db));
    if (n == 0) calls = made;
    if (rc != LEDGER_OK || !trial->writes) assert_int_equal(post_print(db), before);
    if (trial->run(db) != LEDGER_OK)
      fail_msg("%s again: %s", trial->name, ledger_error_of(db)->message);
    assert_true((post_print(db) != before) == trial->writes);
    ledger_close(db);
    assert_int_equal(memory.outstanding, 0);
  }
}

static void test_all(void **state) {
  (void)state;
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_account(db, "A", "USD", "100000");
  post_account(db, "B", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B",
            .amount = "50000");
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A", .to = "B",
            .amount = "10000");
  ledger_close(db);
  for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
    test_trial(&trials[i], false);
    test_trial(&trials[i], true);
  }
  assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_close(db);
  file_remove(path);
}

int main(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-hold-memory-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
