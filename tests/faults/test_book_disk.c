/*
** The book on a disk that fails: at each write, sync, read and other call in turn, once or from then on, with errors, short writes
** and a full disk; and a power cut at each of them, after which the disk has what was synced and any part of the rest. The file
** opens; every operation that was acknowledged is there once, none in part; ledger_verify() proves the book; and what was not
** acknowledged can be asked for again.
** LEDGER_TEST_COUNT: how many places of a run are tried for each fault; 0 tries each one. LEDGER_TEST_SEED.
*/
#include "../../ledger.c"

#include <disk.h>

#include <book_steps.h>

/* Goes on after an error, as a program may. */
static void run_steps(ledger *db, bool done[BOOK_STEPS], const char *what, int64_t n) {
  for (int step = 0; step < BOOK_STEPS; step++) {
    if (!book_may(done, step)) continue;
    int rc = book_step(db, step);
    done[step] = rc == LEDGER_OK;
    if (rc == LEDGER_OK) continue;
    const ledger_error *error = ledger_error_of(db);
    bool is_fault = rc == LEDGER_IO || rc == LEDGER_FULL || rc == LEDGER_MEMORY ||
                    rc == LEDGER_CANNOT_OPEN || rc == LEDGER_BUSY || rc == LEDGER_NO_TRANSACTION ||
                    (disk.fault == FAULT_POWER && rc == LEDGER_CORRUPT);
    if (error->code != rc || error->message[0] == 0 || !is_fault)
      fail_msg("%s at %lld, step %d: %d %s %s", what, (long long)n, step, rc, error->sqlstate,
               error->message);
    ledger_rollback(db);
  }
}

/* One run with a fault at its n-th call; returns the calls that there were. */
static int64_t run_once(enum fault fault, bool stays, int64_t n) {
  bool done[BOOK_STEPS] = {false};
  const char *what = disk_fault_names[fault];
  ledger *db = NULL;
  disk_start(fault, stays, n);
  int rc = ledger_open(disk_path, 0, &db);
  if (rc == LEDGER_OK) {
    sql_number(db->sqlite, "PRAGMA wal_autocheckpoint = 50");
    run_steps(db, done, what, n);
  } else if (ledger_error_of(db)->code != rc || ledger_error_of(db)->message[0] == 0 ||
             rc == LEDGER_ERROR) {
    fail_msg("%s at %lld: open: %s", what, (long long)n, ledger_error_of(db)->message);
  }
  if (n == 0)
    for (int step = 0; step < BOOK_STEPS; step++) assert_true(done[step]);
  ledger_close(db);
  db = NULL;
  if (ledger_open(disk_found(), 0, &db) != LEDGER_OK)
    fail_msg("%s at %lld: %s %s", what, (long long)n, ledger_error_of(db)->message,
             ledger_error_of(db)->detail);
  book_check(db, done, what, n);
  ledger_close(db);
  return disk.calls;
}

static int start(void **state) {
  ledger *db = NULL;
  if (disk_setup(state) != 0) return 1;
  disk_path_choose();
  if (ledger_create(disk_path, ledger_schema("full"), 0, &db) != LEDGER_OK) return 1;
  book_prepare(db);
  ledger_close(db);
  disk_keep();
  return 0;
}
static int finish(void **state) {
  (void)state;
  disk_end();
  return 0;
}

static void test_errors(void **state) {
  (void)state;
  int64_t tried = 0;
  for (int fault = FAULT_EIO; fault < FAULT_POWER; fault++) {
    for (int stays = 0; stays < 2; stays++) {
      int64_t all = run_once(fault, stays, 0), step = disk_step(all, 25);
      for (int64_t n = 1 + stays * step / 2; n <= all; n += step, tried++)
        run_once(fault, stays, n);
    }
  }
  printf("# %lld places\n", (long long)tried);
}

static void test_power(void **state) {
  (void)state;
  int64_t all = run_once(FAULT_POWER, true, 0), step = disk_step(all, 80), tried = 0;
  disk_random.state = random_seed();
  for (int chance = 0; chance < 3; chance++) /* what is left is drawn anew */
    for (int64_t n = 1 + chance * step / 3; n <= all; n += step, tried++)
      run_once(FAULT_POWER, true, n);
  printf("# %lld places\n", (long long)tried);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_errors), cmocka_unit_test(test_power)};
  return cmocka_run_group_tests_name("book disk", tests, start, finish);
}
