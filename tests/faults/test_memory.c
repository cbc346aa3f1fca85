/*
** Memory that runs out, at each allocation in turn: a call gives LEDGER_MEMORY (53200) or does its work all the same, the
** file and the handle are as before, the call works when it is made again, and nothing is lost or leaked.
** All memory of the library comes from sqlite3_malloc(), so that SQLite's own hook reaches all of it.
** LEDGER_TEST_COUNT: how many places of a call are tried, spread evenly; 0 tries each one.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>
#include <sql.h>

/* ---- the file */

static char path[256];
static char aside[300];

static void path_clear(const char *name) {
  file_remove(name);
}

static void path_choose(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-memory-%ld.db", folder, (long)getpid());
  snprintf(aside, sizeof aside, "%s-copy", path);
  path_clear(path);
  path_clear(aside);
}

/* ---- what is tried: each leaves the file as it found it, or says so by `writes` */

static const char *const columns[] = {"email", "password_hash", "first_name", "last_name"};
static const ledger_value row[] = {{.kind = LEDGER_TEXT, .text = "new@example.com", .length = 15},
                                   {.kind = LEDGER_TEXT, .text = "!", .length = 1},
                                   {.kind = LEDGER_TEXT, .text = "N", .length = 1},
                                   {.kind = LEDGER_TEXT, .text = "W", .length = 1}};
static const ledger_value admin = {
    .kind = LEDGER_TEXT, .text = "admin@wallstreet.com", .length = 20};

static int rows_drain(int rc, ledger_rows **from) {
  ledger_rows *rows = *from;
  size_t length;
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    if (ledger_rows_json(rows, &length) == NULL) rc = ledger_error_of(rows->db)->code;
    for (int i = 0; rc == LEDGER_OK && i < ledger_rows_count(rows); i++)
      if (ledger_rows_text(rows, i, &length) == NULL) rc = ledger_error_of(rows->db)->code;
  }
  ledger_rows_free(rows);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int do_insert(ledger *db) {
  ledger_rows *rows = NULL;
  int rc = ledger_insert(db, "users", 4, columns, row, &rows); /* with the row as it was written */
  ledger_rows_free(rows);
  return rc;
}
static int do_upsert(ledger *db) {
  static const char *const conflict[] = {"email"};
  ledger_value values[4];
  int64_t changed;
  memcpy(values, row, sizeof row);
  values[0] = admin;
  return ledger_upsert(db, "users", 4, columns, values, 1, conflict, 1, &changed, NULL);
}
static int do_update(ledger *db) {
  return ledger_update(db, "users", 1, columns + 2, row + 2, 1, columns, &admin, 0, NULL, NULL);
}
static int do_delete(ledger *db) {
  return ledger_delete(db, "users", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL);
}
static int do_apply(ledger *db) {
  return ledger_apply(
      db,
      "{\"table\":\"users\",\"row\":{\"email\":\"n\\u00e9w@example.com\",\"password_hash\":\"!\","
      "\"first_name\":\"N\",\"last_name\":\"W\",\"two_factor_enabled\":true}}",
      -1, NULL, NULL);
}
static int do_refused(ledger *db) { /* the words of a violation take memory too */
  ledger_value values[4];
  memcpy(values, row, sizeof row);
  values[0] = admin;
  int rc = ledger_insert(db, "users", 4, columns, values, NULL);
  return rc == LEDGER_UNIQUE ? LEDGER_OK : rc;
}
static int do_transaction(ledger *db) {
  int rc = ledger_begin(db);
  if (rc == LEDGER_OK) rc = ledger_insert(db, "users", 4, columns, row, NULL);
  if (rc == LEDGER_OK)
    rc = ledger_update(db, "users", 1, columns + 2, row + 2, 1, columns, &admin, 0, NULL, NULL);
  return rc == LEDGER_OK ? ledger_commit(db) : rc; /* the trial rolls back */
}
static int do_select(ledger *db) {
  ledger_rows *rows = NULL;
  return rows_drain(ledger_select(db, "users",
                                  "select=email,created_at&or=(email.match.^adm.*,and(email.ilike.*"
                                  "x*,first_name.in.(a,b)))&order=created_at.desc",
                                  &rows),
                    &rows);
}
static int write_nothing(void *context, const void *bytes, size_t length) {
  (void)bytes;
  *(size_t *)context += length;
  return 0;
}
static int do_export(ledger *db) {
  size_t written = 0;
  return ledger_export(db, LEDGER_EXPORT_FULL, LEDGER_EXPORT_COPY, write_nothing, &written);
}
static int do_export_insert(ledger *db) {
  size_t written = 0;
  return ledger_export(db, LEDGER_EXPORT_DATA_ONLY, LEDGER_EXPORT_INSERT, write_nothing, &written);
}
static int do_digest(ledger *db) {
  ledger_rows *rows = NULL;
  return rows_drain(ledger_digest(db, NULL, &rows), &rows);
}
static int do_info(ledger *db) {
  ledger_facts facts;
  ledger_rows *rows = NULL;
  int rc = ledger_info(db, &facts);
  if (rc == LEDGER_OK) rc = ledger_relations(db, &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW)
    rc = ledger_rows_json(rows, NULL) != NULL ? LEDGER_OK : db->error.code;
  ledger_rows_free(rows);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}
static int do_backup(ledger *db) {
  int rc = ledger_backup(db, aside);
  if (rc != LEDGER_OK && access(aside, F_OK) == 0) fail_msg("a backup that failed left its file");
  if (rc == LEDGER_OK) unlink(aside); /* without memory, too */
  return rc;
}

static const struct trial {
  const char *name;
  int (*run)(ledger *);
  bool writes;
} trials[] = {
    {"insert", do_insert, true},
    {"upsert", do_upsert, true},
    {"update", do_update, true},
    {"delete", do_delete, true},
    {"apply", do_apply, true},
    {"refused", do_refused, false},
    {"transaction", do_transaction, true},
    {"select", do_select, false},
    {"export", do_export, false},
    {"export insert", do_export_insert, false},
    {"digest", do_digest, false},
    {"info", do_info, false},
    {"backup", do_backup, false},
};

/* On a handle that stays open, and on one that was just opened, so that nothing is prepared yet. */
static int64_t try_on_file(const struct trial *trial, bool fails_on, bool fresh) {
  ledger *db = NULL;
  int64_t tried = 0, all = 0;
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  for (int64_t n = 0;;
       n = memory_next(n, all, 60)) { /* n = 0: a good run, undone as the others are */
    if (fresh) {
      ledger_close(db);
      assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
    }
    int64_t before =
        sql_number(db->sqlite, "SELECT count(*) + total(length(first_name)) FROM users");
    memory_arm(n, fails_on);
    int rc = trial->run(db);
    int64_t calls = memory.calls;
    memory_arm(0, false);
    if (n == 0) all = calls;
    if (n == 0 && rc != LEDGER_OK) fail_msg("%s: %s", trial->name, ledger_error_of(db)->message);
    memory_assert(trial->name, n, rc, ledger_error_of(db));
    if (!sqlite3_get_autocommit(db->sqlite) && !db->in_transaction)
      fail_msg("%s, allocation %lld: the file stays locked", trial->name, (long long)n);
    tried++;
    if (rc != LEDGER_OK) {
      /* Nothing was done; the same handle does it when asked again. */
      ledger_rollback(db);
      int64_t after =
          sql_number(db->sqlite, "SELECT count(*) + total(length(first_name)) FROM users");
      if (after != before)
        fail_msg("%s, allocation %lld: it failed and has changed the file", trial->name,
                 (long long)n);
      rc = trial->run(db);
      if (rc != LEDGER_OK)
        fail_msg("%s, again after allocation %lld: %s", trial->name, (long long)n,
                 ledger_error_of(db)->message);
    }
    if (trial->writes) { /* the file as it was, for the next round */
      ledger_close(db);
      path_clear(path);
      assert_int_equal(ledger_open(aside, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
      assert_int_equal(ledger_backup(db, path), LEDGER_OK);
      ledger_close(db);
      assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
    }
    if (calls < n) break;
  }
  assert_true(sql_is_sound(db->sqlite));
  ledger_close(db);
  return tried;
}

static void test_calls(void **state) {
  (void)state;
  ledger *db = NULL;
  int64_t tried = 0;
  path_choose();
  assert_int_equal(ledger_create(path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
  ledger_close(db);
  for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
    if (trials[i].writes) {
      assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
      path_clear(aside);
      assert_int_equal(ledger_backup(db, aside), LEDGER_OK);
      ledger_close(db);
    }
    if (i == 0) { /* the allocations that stay for the life of the process are made by now */
      tried += try_on_file(&trials[i], false, false);
    }
    int64_t outstanding = memory.outstanding;
    for (int mode = 0; mode < 4; mode++) tried += try_on_file(&trials[i], mode & 1, mode & 2);
    if (memory.outstanding != outstanding)
      fail_msg("%s: %lld allocations are not freed", trials[i].name,
               (long long)(memory.outstanding - outstanding));
    path_clear(aside);
  }
  path_clear(path);
  printf("# %lld places\n", (long long)tried);
}

/* Making and opening a file: the handle is there also on failure, and no file is left behind. */
static void test_create_and_open(void **state) {
  (void)state;
  int64_t tried = 0;
  path_choose();
  for (int mode = 0; mode < 4; mode++) {
    bool fails_on = mode & 1, opens = mode & 2;
    int64_t all = 0;
    ledger *db = NULL;
    if (opens) {
      assert_int_equal(ledger_create(path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
      ledger_close(db);
    }
    int64_t outstanding = memory.outstanding;
    for (int64_t n = 0;; n = memory_next(n, all, 60)) {
      db = NULL;
      memory_arm(n, fails_on);
      int rc = opens ? ledger_open(path, 0, &db)
                     : ledger_create(path, ledger_schema("wallstreet"), 0, &db);
      int64_t calls = memory.calls;
      if (n == 0) all = calls;
      if (db == NULL)
        assert_int_equal(rc, LEDGER_MEMORY);
      else
        memory_assert(opens ? "open" : "create", n, rc, ledger_error_of(db));
      ledger_close(db); /* memory still short */
      memory_arm(0, false);
      tried++;
      if (!opens && rc != LEDGER_OK && access(path, F_OK) == 0) {
        /* Made whole, and only the opening of it failed. */
        assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
        assert_true(sql_is_sound(db->sqlite));
        ledger_close(db);
      }
      if (!opens) path_clear(path);
      if (memory.outstanding != outstanding)
        fail_msg("%s, allocation %lld: %lld are not freed", opens ? "open" : "create", (long long)n,
                 (long long)(memory.outstanding - outstanding));
      if (calls < n) break;
    }
    path_clear(path);
  }
  printf("# %lld places\n", (long long)tried);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_create_and_open),
                                     cmocka_unit_test(test_calls)};
  return cmocka_run_group_tests_name("memory", tests, memory_setup, NULL);
}
