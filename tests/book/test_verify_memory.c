/*
** test_verify_memory: memory that runs out at each allocation of a proof of a sound and of a broken file, and of a signed head: MEMORY,
** or the same answer as with enough of it. Never a break that is none.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

#include "post.h"

static char path[128];
static unsigned char secret[LEDGER_SECRET_KEY_BYTES], public_key[LEDGER_PUBLIC_KEY_BYTES];
static char *sound, *broken; /* the reports */

static int test_report(ledger *db, const char *wanted, int wanted_rc) {
  char *report = NULL;
  int rc = ledger_verify(db, NULL, &report);
  if (rc == wanted_rc && wanted != NULL) assert_string_equal(report, wanted);
  if (rc != wanted_rc) assert_null(report);
  ledger_free(report);
  return rc == wanted_rc ? LEDGER_OK : rc;
}

static int run_sound(ledger *db) {
  return test_report(db, sound, LEDGER_OK);
}
static int run_broken(ledger *db) {
  return test_report(db, broken, LEDGER_BOOK_BROKEN);
}
static int run_head(ledger *db) {
  ledger_head head;
  int rc = ledger_get_head(db, secret, &head);
  if (rc == LEDGER_OK) assert_int_equal(strlen(head.signature), 128);
  return rc;
}

static void test_trial(const char *name, int (*run)(ledger *), bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 60)) {
    ledger *db = NULL;
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    memory_arm(n, fails_on);
    int rc = run(db);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(name, n, rc, ledger_error_of(db));
    if (n == 0) calls = made;
    if (run(db) != LEDGER_OK) fail_msg("%s again: %s", name, ledger_error_of(db)->message);
    ledger_close(db);
    assert_int_equal(memory.outstanding - (sound != NULL) - (broken != NULL), 0);
  }
}

static void test_both(const char *name, int (*run)(ledger *)) {
  test_trial(name, run, false);
  test_trial(name, run, true);
}

static void test_all(void **state) {
  (void)state;
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_account(db, "A", "USD", "1000");
  post_account(db, "B", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B", .amount = "50");
  post_done(db, .kind = LEDGER_OP_CAPTURE, .reference = "C", .of = "H", .amount = "20");
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A", .to = "B",
            .amount = "100", .fee = "withdrawal");
  ledger_close(db);
  ledger_signing_key(secret, public_key);
  test_both("head", run_head);
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  assert_int_equal(ledger_verify(db, NULL, &sound), LEDGER_OK);
  ledger_close(db);
  test_both("sound", run_sound);
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  post_foreign(db, "UPDATE ledger_remainder SET settled = 1;"
                   "UPDATE accounts SET balance = '5.00' WHERE account_number = 'A';"
                   "INSERT INTO transactions (rowid, id, account_id, transaction_type, amount, status)"
                   " SELECT 0, '00000000-0000-4000-8000-0000000000ff', id, 'credit', '1.00', 'completed'"
                   " FROM accounts LIMIT 1");
  assert_int_equal(ledger_verify(db, NULL, &broken), LEDGER_BOOK_BROKEN);
  ledger_close(db);
  test_both("broken", run_broken);
  ledger_free(sound);
  ledger_free(broken);
  file_remove(path);
}

int main(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-verify-memory-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
