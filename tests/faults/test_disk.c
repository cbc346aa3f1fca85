/*
** A disk that fails, through a SQLite VFS that stands before the real one and counts its calls. After each fault, and after a
** power cut at any moment, the file opens, is sound, has every row whose call had returned LEDGER_OK, and none half.
** What a power cut leaves of a file is what was synced, and any part of what was written since.
** LEDGER_TEST_COUNT: how many places of a run are tried for each fault; 0 tries each one. LEDGER_TEST_SEED.
*/
#include "../../ledger.c"

#include <glob.h>

#include <disk.h>
#include <sql.h>

/* ---- a run: rows one by one, pairs in a transaction, changes of rows, with checkpoints between */

#define RUN_STEPS 24

static int insert_user(ledger *db, int n, char half) {
  char line[3000], name[1600];
  memset(name, 'a' + n % 26, sizeof name);
  name[500 + n * 40] = 0;
  int length = snprintf(line, sizeof line,
                        "{\"table\":\"users\",\"row\":{\"email\":\"%c%d@example.com\",\"password_"
                        "hash\":\"%s\",\"first_name\":\"0\",\"last_name\":\"n\"}}",
                        half, n, name + (n % 2 ? 0 : 300));
  return ledger_apply(db, line, length, NULL, NULL);
}

/* The steps; done[n] says that step n returned LEDGER_OK. Goes on after an error, as a program may. */
static void run_steps(ledger *db, bool done[RUN_STEPS]) {
  for (int n = 0; n < RUN_STEPS; n++) {
    int rc;
    if (n % 3 == 0) {
      rc = insert_user(db, n, 's');
    } else if (n % 3 == 1) { /* both or none */
      rc = ledger_begin(db);
      if (rc == LEDGER_OK) rc = insert_user(db, n, 'p');
      if (rc == LEDGER_OK) rc = insert_user(db, n, 'q');
      if (rc == LEDGER_OK) rc = ledger_commit(db);
    } else {
      char line[200];
      snprintf(line, sizeof line,
               "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"%d\"},\"where\":{"
               "\"last_name\":\"n\"}}",
               n);
      rc = ledger_apply(db, line, -1, NULL, NULL);
    }
    done[n] = rc == LEDGER_OK;
    if (rc == LEDGER_OK) continue;
    const ledger_error *error = ledger_error_of(db);
    if (error->code != rc || error->message[0] == 0 ||
        ((rc == LEDGER_ERROR || rc == LEDGER_CORRUPT) && disk.fault != FAULT_POWER))
      fail_msg("step %d: %d %s %s", n, rc, error->sqlstate, error->message);
    ledger_rollback(db);
  }
}

/* The file opens, is sound, and holds what `done` says. */
static void assert_kept(const char *name, const bool done[RUN_STEPS], const char *what, int64_t n) {
  ledger *db = NULL;
  char sql[300];
  int last_update = 0;
  for (int step = 2; step < RUN_STEPS; step += 3)
    if (done[step]) last_update = step;
  if (ledger_open(name, 0, &db) != LEDGER_OK)
    fail_msg("%s at %lld: %s %s", what, (long long)n, ledger_error_of(db)->message,
             ledger_error_of(db)->detail);
  if (!sql_is_sound(db->sqlite)) fail_msg("%s at %lld: the file is not sound", what, (long long)n);
  for (int step = 0; step < RUN_STEPS; step++) {
    if (step % 3 == 2) continue;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM users WHERE email IN ('s%d@example.com', 'p%d@example.com', "
             "'q%d@example.com')",
             step, step, step);
    int64_t there = sql_number(db->sqlite, sql), whole = step % 3 == 0 ? 1 : 2;
    if (there != whole && (done[step] || there != 0))
      fail_msg("%s at %lld: step %d was %s, %lld of its %lld rows are there", what, (long long)n,
               step, done[step] ? "done" : "refused", (long long)there, (long long)whole);
    /* A row whose commit failed may have come back after the update did not see it: only a row that was acknowledged counts. */
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " AND CAST(first_name AS INTEGER) < %d",
             last_update);
    if (done[step] && step < last_update && sql_number(db->sqlite, sql) != 0)
      fail_msg("%s at %lld: the update of step %d is lost", what, (long long)n, last_update);
  }
  ledger_close(db);
}

/* One run with a fault at its n-th call; returns the calls that there were. */
static int64_t run_once(enum fault fault, bool stays, int64_t n) {
  bool done[RUN_STEPS] = {false};
  ledger *db = NULL;
  disk_start(fault, stays, n);
  int rc = ledger_open(disk_path, 0, &db);
  if (rc == LEDGER_OK) {
    sql_number(db->sqlite, "PRAGMA wal_autocheckpoint = 30");
    run_steps(db, done);
  } else if (ledger_error_of(db)->code != rc || ledger_error_of(db)->message[0] == 0 ||
             rc == LEDGER_ERROR) {
    fail_msg("%s at %lld: open: %s", disk_fault_names[fault], (long long)n,
             ledger_error_of(db)->message);
  }
  ledger_close(db);
  assert_kept(disk_found(), done, disk_fault_names[fault], n);
  return disk.calls;
}

static void test_faults(void **state) {
  (void)state;
  int64_t tried = 0;
  ledger *db = NULL;
  disk_path_choose();
  assert_int_equal(ledger_create(disk_path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
  ledger_close(db);
  disk_keep();
  for (int fault = FAULT_EIO; fault <= FAULT_POWER; fault++) {
    for (int stays = fault == FAULT_POWER; stays < 2; stays++) {
      int64_t all = run_once(fault, stays, 0), step = disk_step(all, 60);
      disk_random.state = random_seed();
      for (int chance = 0; chance < (fault == FAULT_POWER ? 3 : 1);
           chance++) /* what is left is drawn anew */
        for (int64_t n = 1; n <= all; n += step, tried++) run_once(fault, stays, n);
    }
  }
  printf("# %lld places\n", (long long)tried);
  disk_end();
}

/* Making a file, copying one: what has its name is whole, and what failed leaves nothing behind. */
static void test_make(void **state) {
  (void)state;
  char aside[300];
  int64_t tried = 0;
  disk_path_choose();
  snprintf(aside, sizeof aside, "%s-copy", disk_path);
  file_remove(aside);
  for (int backup = 0; backup < 2; backup++) {
    ledger *db = NULL, *copy = NULL;
    const char *made = backup ? aside : disk_path;
    if (backup) {
      assert_int_equal(ledger_create(disk_path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
      ledger_close(db);
    }
    for (int fault = FAULT_EIO; fault < FAULT_POWER; fault++) {
      int64_t calls = 1, step = 1;
      for (int64_t n = 0; n <= calls; n += n == 0 ? 1 : step, tried++) {
        db = NULL;
        if (backup) assert_int_equal(ledger_open(disk_path, 0, &db), LEDGER_OK);
        disk.calls = 0;
        disk.fail_at = n;
        disk.stays = n % 2;
        disk.fault = fault;
        int rc = backup ? ledger_backup(db, aside)
                        : ledger_create(disk_path, ledger_schema("wallstreet"), 0, &db);
        if (n == 0) calls = disk.calls;
        if (n == 0) step = disk_step(calls, 60);
        disk.fault = FAULT_NONE;
        if (n == 0) assert_int_equal(rc, LEDGER_OK);
        if (rc != LEDGER_OK &&
            (ledger_error_of(db)->code != rc || rc == LEDGER_ERROR || rc == LEDGER_CORRUPT))
          fail_msg("%s at %lld: %d %s", disk_fault_names[fault], (long long)n, rc,
                   ledger_error_of(db)->message);
        ledger_close(db);
        if (access(made, F_OK) == 0) {
          assert_int_equal(ledger_open(made, 0, &copy), LEDGER_OK);
          assert_true(sql_is_sound(copy->sqlite));
          ledger_close(copy);
        } else if (rc == LEDGER_OK) {
          fail_msg("%s at %lld: no file was made", disk_fault_names[fault], (long long)n);
        }
        file_remove(made);
        glob_t left;
        char pattern[320];
        snprintf(pattern, sizeof pattern, "%s-new-*", made);
        if (glob(pattern, 0, NULL, &left) == 0)
          fail_msg("%s at %lld: %s is left", disk_fault_names[fault], (long long)n,
                   left.gl_pathv[0]);
        globfree(&left);
      }
    }
  }
  file_remove(disk_path);
  printf("# %lld places\n", (long long)tried);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults), cmocka_unit_test(test_make)};
  return cmocka_run_group_tests_name("disk", tests, disk_setup, NULL);
}
