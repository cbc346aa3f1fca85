/*
** test_call_memory: memory that runs out at each allocation of a call by name, of a refusal, of a description: MEMORY and nothing
** written, or done all the same; and done when it is asked again.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

#include "post.h"

static char path[128];
static int64_t number; /* of the trial: its keys are new */
static ledger_answer answer;

static int test_call(ledger *db, const char *role, const char *function, const char *arguments,
                     const char *key) {
  ledger_caller caller = {.role = role, .claims = "{\"sub\":\"" POST_USER "\"}"};
  ledger_call_request call = {.caller = &caller,
                              .function = function,
                              .arguments = arguments,
                              .arguments_length = strlen(arguments),
                              .key = key};
  return ledger_call(db, &call, &answer);
}

static int run_transfer(ledger *db) {
  char key[40];
  snprintf(key, sizeof key, "key-%lld", (long long)number);
  return test_call(db, "authenticated", "transfer",
                   "{\"from\":\"A\",\"to\":\"B\",\"amount\":0.01,\"metadata\":{\"a\":[1]}}", key);
}
static int run_capture(ledger *db) {
  return test_call(db, "service_role", "capture", "{\"of\":\"H\",\"amount\":\"0.01\"}", NULL);
}
static int run_stranger(ledger *db) {
  int rc = test_call(db, "authenticated", "release", "{\"of\":\"H\"}", NULL);
  return rc == LEDGER_FORBIDDEN ? LEDGER_OK : rc;
}
static int run_unknown(ledger *db) {
  int rc = test_call(db, "anon", "tranfer", "{\"b\":\"\\u00e4\",\"a\":null,\"c\":{}}", NULL);
  return rc == LEDGER_BAD_QUERY ? LEDGER_OK : rc;
}
static int run_history(ledger *db) {
  return test_call(db, "authenticated", "history", "{\"account\":\"A\",\"limit\":5}", NULL);
}
static int run_describe(ledger *db) {
  ledger_caller caller = {.role = "authenticated", .claims = "{\"sub\":\"" POST_USER "\"}"};
  char *json = NULL;
  int rc = ledger_describe(db, &caller, &json);
  assert_true((rc == LEDGER_OK) == (json != NULL));
  ledger_free(json);
  return rc;
}

static const struct trial {
  const char *name;
  int (*run)(ledger *);
  bool writes;
} trials[] = {
    {"transfer", run_transfer, true},  {"capture", run_capture, true},
    {"stranger", run_stranger, false}, {"unknown", run_unknown, false},
    {"history", run_history, false},   {"describe", run_describe, false},
};

static void test_trial(const struct trial *trial, bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 30)) {
    ledger *db = NULL;
    number++;
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    int64_t before = post_print(db);
    memory_arm(n, fails_on);
    int rc = trial->run(db);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(trial->name, n, rc, ledger_error_of(db));
    if (n == 0) calls = made;
    if (rc != LEDGER_OK || !trial->writes) assert_int_equal(post_print(db), before);
    rc = trial->run(db);
    if (rc != LEDGER_OK) fail_msg("%s again: %s", trial->name, ledger_error_of(db)->message);
    assert_true((post_print(db) != before) == trial->writes);
    ledger_answer_free(&answer);
    ledger_close(db);
    assert_int_equal(memory.outstanding, 0);
  }
}

static void test_all(void **state) {
  (void)state;
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" POST_USER
               "\",\"email\":\"x@y.co\",\"password_hash\":\"!\"}}");
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = "oA", .number = "A", .currency = "USD",
            .user = POST_USER);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dA", .to = "A", .amount = "100000");
  post_account(db, "B", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B",
            .amount = "50000");
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
  snprintf(path, sizeof path, "%s/ledger-call-memory-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
