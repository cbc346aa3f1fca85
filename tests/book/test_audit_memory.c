/*
** test_audit_memory: memory that runs out at each allocation of a write that is audited: MEMORY, and neither the write nor its audit
** row, or both; and both when it is asked again. In a transaction of the caller's what stood before it stays.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

#include "post.h"

static char path[128];
static char id[37]; /* of the trial's user */

static int test_change(ledger *db, const char *format) {
  char change[512];
  sqlite3_snprintf((int)sizeof change, change, format, id, id);
  return ledger_apply(db, change, -1, NULL, NULL);
}

/* ---- what is tried */

static int run_insert(ledger *db) {
  ledger_actor actor = {.user_id = POST_USER, .ip_address = "203.0.113.7", .user_agent = "test"};
  int rc = ledger_set_actor(db, &actor);
  if (rc == LEDGER_OK)
    rc = test_change(db, "{\"table\":\"user_settings\",\"row\":{\"user_id\":\"%s\",\"theme\":\"light\"}}");
  return rc;
}
static int run_update(ledger *db) {
  return test_change(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"%s\","
                         "\"password_hash\":\"other\"},\"where\":{\"id\":\"%s\"}}");
}
/* The user's role goes with the user, and both are in the trail. */
static int run_cascade(ledger *db) {
  return test_change(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"id\":\"%s\"}}");
}
static int run_refused(ledger *db) {
  int rc = test_change(db, "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"7\"},\"where\":"
                           "{\"account_number\":\"A\"}}");
  return rc == LEDGER_FORBIDDEN ? LEDGER_OK : rc;
}
static int run_fixed(ledger *db) {
  int rc = test_change(db, "{\"table\":\"transactions\",\"op\":\"delete\",\"where\":{\"reference_number\":\"H\"}}");
  return rc == LEDGER_FORBIDDEN ? LEDGER_OK : rc;
}

static const struct {
  const char *name;
  int (*run)(ledger *db);
  int audits; /* rows that it leaves in the trail */
} jobs[] = {
    {"insert", run_insert, 1},   {"update", run_update, 1}, {"cascade", run_cascade, 2},
    {"refused", run_refused, 0}, {"fixed", run_fixed, 0},
};

/* ---- trials */

static int64_t test_audits(ledger *db) {
  int64_t rows = post_number(db, "SELECT count(*) FROM audit_logs");
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_journal"), rows);
  return rows;
}

/* A user with a role, made in a transaction that is still open if `nests`. */
static ledger *test_start(bool nests) {
  ledger *db = NULL;
  char change[512];
  id_uuid4(id);
  assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  if (nests) assert_int_equal(ledger_begin(db), LEDGER_OK);
  sqlite3_snprintf((int)sizeof change, change,
                   "{\"table\":\"users\",\"row\":{\"id\":\"%s\",\"email\":\"%s@b.co\",\"password_hash\":\"!\"}}", id, id);
  post_row(db, change);
  sqlite3_snprintf((int)sizeof change, change,
                   "{\"table\":\"user_roles\",\"row\":{\"user_id\":\"%s\",\"role_id\":\"e28a12b4-b654-5849-8551-a1a6aa537c03\"}}", id);
  post_row(db, change);
  return db;
}

static void test_trial(size_t job, int64_t n, bool fails_on, bool nests) {
  ledger *db = test_start(nests);
  int64_t before = test_audits(db);
  memory_arm(n, fails_on);
  int rc = jobs[job].run(db);
  memory_arm(0, false);
  memory_assert(jobs[job].name, n, rc, ledger_error_of(db));
  if (sqlite3_get_autocommit(db->sqlite) && nests) { /* SQLite gave the transaction up */
    ledger_rollback(db);
    ledger_close(db);
    return;
  }
  if (rc != LEDGER_OK) {
    assert_int_equal(test_audits(db), before);
    assert_int_equal(jobs[job].run(db), LEDGER_OK);
  }
  assert_int_equal(test_audits(db), before + jobs[job].audits);
  if (nests) assert_int_equal(ledger_commit(db), LEDGER_OK);
  ledger_close(db);
}

static void test_runs_out(void **state) {
  (void)state;
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" POST_USER "\",\"email\":\"x@y.co\",\"password_hash\":\"!\"}}");
  post_account(db, "A", "USD", "10.00");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .amount = "1.00");
  ledger_close(db);
  for (size_t job = 0; job < sizeof jobs / sizeof *jobs; job++) {
    for (int way = 0; way < 4; way++) {
      db = test_start(way & 1);
      memory_arm(0, false);
      assert_int_equal(jobs[job].run(db), LEDGER_OK);
      int64_t all = memory.calls;
      assert_true(all > 10);
      if (way & 1) assert_int_equal(ledger_commit(db), LEDGER_OK);
      ledger_close(db);
      for (int64_t n = 1; n <= all; n = memory_next(n, all, 60))
        test_trial(job, n, way & 2, way & 1);
    }
  }
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  post_close(db);
  sqlite3_shutdown();
  assert_int_equal(memory.outstanding, 0);
  file_remove(path);
}

int main(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-audit-memory-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs_out)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
