/*
** test_connection.c: making and opening files, the many kinds of wrong file, transactions, several handles and processes
** on one file, sequences, full disks, read-only files, backups.
*/
#include "../../ledger.c"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

static char path[128];

static void write_file(const char *name, const void *bytes, size_t length) {
  fixture_path(path, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  if (length > 0) assert_int_equal(fwrite(bytes, 1, length, file), length);
  fclose(file);
}

static int exists(const char *name) {
  char full[128];
  fixture_path(full, name);
  return access(full, F_OK) == 0;
}

static int file_count(void) {
  char *command = sqlite3_mprintf("ls -A '%s' | wc -l", fixture_folder);
  FILE *pipe = popen(command, "r");
  int count = -1;
  assert_int_equal(fscanf(pipe, "%d", &count), 1);
  pclose(pipe);
  sqlite3_free(command);
  return count;
}

/* Opens `path` and expects this refusal. */
static void assert_open_fails(int flags, int code, const char *sqlstate, const char *detail) {
  ledger *db = NULL;
  int rc = ledger_open(path, flags, &db);
  const ledger_error *error = ledger_error_of(db);
  if (rc != code) print_error("%s\n", error->message);
  assert_int_equal(rc, code);
  assert_string_equal(error->sqlstate, sqlstate);
  if (detail != NULL) assert_string_equal(error->detail, detail);
  assert_non_null(strstr(error->message, path));
  assert_int_equal(ledger_begin(db), LEDGER_MISUSE);
  ledger_close(db);
}

static void sqlite_exec(const char *sql) {
  sqlite3 *sqlite;
  assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
  assert_int_equal(sqlite3_exec(sqlite, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(sqlite);
}

static void wrong_files(void **state) {
  (void)state;
  fixture_path(path, "missing");
  assert_open_fails(0, LEDGER_CANNOT_OPEN, "58P01", NULL);
  assert_false(exists("missing"));
  fixture_path(path, "");
  assert_open_fails(0, LEDGER_CANNOT_OPEN, "58P01", NULL);
  write_file("empty", "", 0);
  assert_open_fails(0, LEDGER_NOT_A_LEDGER, "XX001", "It is empty.");
  write_file("short", "abc", 3);
  assert_open_fails(0, LEDGER_NOT_A_LEDGER, "XX001", "It is not a SQLite database.");
  char text[5000];
  memset(text, 'x', sizeof text);
  write_file("text", text, sizeof text);
  assert_open_fails(0, LEDGER_NOT_A_LEDGER, "XX001", "It is not a SQLite database.");
  fixture_path(path, "other");
  sqlite_exec("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
  assert_open_fails(0, LEDGER_NOT_A_LEDGER, "XX001", "It is a SQLite database of another kind.");
  ledger_close(fixture_open("newer"));
  fixture_path(path, "newer");
  sqlite_exec("PRAGMA user_version = 99");
  assert_open_fails(0, LEDGER_NEWER, "0A000", "Its format is 99, this version reads up to 4.");
  ledger_close(fixture_open("gutted"));
  fixture_path(path, "gutted");
  sqlite_exec("DROP TABLE ledger_catalog_column");
  assert_open_fails(0, LEDGER_CORRUPT, "XX001", NULL);
  ledger_close(fixture_open("cut"));
  fixture_path(path, "cut");
  assert_int_equal(truncate(path, 8192), 0);
  assert_open_fails(0, LEDGER_CORRUPT, "XX001", NULL);
  ledger_close(fixture_open("scratched"));
  fixture_path(path, "scratched");
  int descriptor = open(path, O_WRONLY);
  assert_int_equal(pwrite(descriptor, text, 3000, 100), 3000);
  close(descriptor);
  assert_open_fails(0, LEDGER_CORRUPT, "XX001", NULL);
  fixture_path(path, "fifo");
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_open_fails(0, LEDGER_CANNOT_OPEN, "58P01", NULL);
  if (geteuid() != 0) {
    ledger_close(fixture_open("secret"));
    fixture_path(path, "secret");
    chmod(path, 0);
    assert_open_fails(0, LEDGER_CANNOT_OPEN, "58P01", NULL);
  }
  assert_int_equal(ledger_error_of(NULL)->code, LEDGER_MEMORY);
  assert_int_equal(ledger_open(NULL, 0, NULL), LEDGER_MISUSE);
}

static int create_fails(const char *name, const char *script) {
  ledger *db;
  fixture_path(path, name);
  int rc = ledger_create(path, script, 0, &db);
  assert_int_not_equal(rc, LEDGER_OK);
  assert_int_equal(ledger_error_of(db)->code, rc);
  ledger_close(db);
  return rc;
}

static void creation_leaves_nothing_behind(void **state) {
  (void)state;
  ledger_close(fixture_open("there"));
  int before = file_count();
  assert_int_equal(before, 1);
  assert_int_equal(create_fails("there", fixture_schema), LEDGER_EXISTS);
  assert_int_equal(create_fails("bad", "CREATE TABLE a (b); SELECT nonsense FROM a"), LEDGER_ERROR);
  assert_int_equal(create_fails("bad", "syntax"), LEDGER_ERROR);
  assert_int_equal(create_fails("no/such/folder", fixture_schema), LEDGER_CANNOT_OPEN);
  char *seed = sqlite3_mprintf("%sINSERT INTO audit VALUES (1, 'again')", fixture_schema);
  ledger *db;
  fixture_path(path, "bad");
  int rc = ledger_create(path, seed, 0, &db);
  assert_failed(db, rc, "23505", "duplicate key value violates unique constraint \"audit_pkey\"",
                "");
  ledger_close(db);
  sqlite3_free(seed);
  assert_int_equal(file_count(), before);
  write_file("stale-wal", "x", 1);
  assert_int_equal(create_fails("stale", fixture_schema), LEDGER_EXISTS);
  assert_false(exists("stale"));
}

static void two_creators_at_once(void **state) {
  (void)state;
  fixture_path(path, "contested");
  pid_t children[4];
  for (int i = 0; i < 4; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      ledger *db;
      int rc = ledger_create(path, fixture_schema, 0, &db);
      ledger_close(db);
      _exit(rc);
    }
  }
  int won = 0;
  for (int i = 0; i < 4; i++) {
    int status;
    waitpid(children[i], &status, 0);
    assert_true(WEXITSTATUS(status) == LEDGER_OK || WEXITSTATUS(status) == LEDGER_EXISTS);
    won += WEXITSTATUS(status) == LEDGER_OK;
  }
  assert_int_equal(won, 1);
  ledger *db;
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  ledger_close(db);
}

static void seed_rows_by_choice(void **state) {
  (void)state;
  ledger *db;
  assert_int_equal(ledger_create(":memory:", fixture_schema, LEDGER_NO_SEED, &db), LEDGER_OK);
  assert_string_equal(fixture_rows(db, "audit", NULL), "");
  ledger_close(db);
}

static void files_close_clean(void **state) {
  (void)state;
  ledger *db = fixture_open("clean");
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  assert_true(exists("clean-wal"));
  ledger_rows *rows;
  assert_done(db, ledger_select(db, "users", NULL, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  ledger_close(db); /* with a cursor open */
  assert_int_equal(ledger_rows_next(rows), LEDGER_MISUSE);
  assert_null(ledger_rows_text(rows, 0, NULL));
  assert_string_equal(ledger_rows_name(rows, 0), "id");
  ledger_rows_free(rows);
  assert_false(exists("clean-wal"));
  assert_false(exists("clean-shm"));
  fixture_path(path, "clean");
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
  assert_string_equal(fixture_rows(db, "users", "select=email"), "{\"email\":\"a\"}");
  char message[256];
  sqlite3_snprintf(256, message, "cannot write to file \"%s\": it is read-only", path);
  assert_failed(db, fixture_insert(db, "users", PAIRS("email=b")), "25006", message, "");
  assert_failed(db, ledger_begin(db), "25006", message, "");
  ledger_close(db);
}

/* Runs the rest of a test as a user who does not own the folder: root may write everywhere. */
static int as_nobody(void (*body)(void)) {
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
    body();
    _exit(0);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_only_body(void) {
  ledger *db;
  if (ledger_open(path, 0, &db) != LEDGER_OK) _exit(1);
  if (strcmp(fixture_rows(db, "users", "select=email"), "{\"email\":\"a\"}") != 0) _exit(2);
  if (fixture_insert(db, "users", PAIRS("email=b")) != LEDGER_READ_ONLY) _exit(3);
  ledger_close(db);
}

static void read_only_folders(void **state) {
  (void)state;
  ledger *db = fixture_open("fixed?100%#.db"); /* a name that a URI must not misread */
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  ledger_close(db);
  fixture_path(path, "fixed?100%#.db");
  chmod(path, 0444);
  chmod(fixture_folder, 0555);
  int first = as_nobody(read_only_body);
  chmod(fixture_folder, 0755);
  assert_int_equal(first, 0);
}

static void transactions(void **state) {
  (void)state;
  ledger *db = fixture_open("transactions");
  assert_failed(db, ledger_commit(db), "25P01", "there is no transaction in progress", "");
  assert_done(db, ledger_rollback(db));
  assert_done(db, ledger_begin(db));
  assert_failed(db, ledger_begin(db), "25001", "there is already a transaction in progress", "");
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  assert_int_equal(fixture_insert(db, "users", PAIRS("email=a")), LEDGER_UNIQUE);
  assert_int_equal(fixture_insert(db, "things", PAIRS("a=13")), LEDGER_RAISED);
  assert_done(db, fixture_insert(db, "users", PAIRS("email=b")));
  assert_done(db, ledger_commit(db));
  assert_string_equal(fixture_rows(db, "users", "select=email&order=email"),
                      "{\"email\":\"a\"}\n{\"email\":\"b\"}");
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_delete(db, "users", PAIRS("email=a"), NULL));
  assert_done(db, ledger_rollback(db));
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_delete(db, "users", PAIRS("email=a"), NULL));
  ledger_close(db); /* rolls back */
  fixture_path(path, "transactions");
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  assert_string_equal(fixture_rows(db, "users", "select=email&order=email"),
                      "{\"email\":\"a\"}\n{\"email\":\"b\"}");
  ledger_close(db);
}

static void several_rows_change_or_none(void **state) {
  (void)state;
  ledger *db = fixture_open(NULL);
  assert_done(db, ledger_begin(db));
  for (int i = 1; i <= 5; i++) {
    char pair[32];
    sqlite3_snprintf(32, pair, "a=%d", i);
    assert_done(db, fixture_insert(db, "things", PAIRS(pair, "b=1", "slug=x")));
  }
  const struct fixture_row *row = PAIRS("b=200");
  int64_t changed;
  int rc = ledger_update(db, "things", 1, row->columns, row->values, 0, NULL, NULL, LEDGER_ALL_ROWS,
                         &changed, NULL);
  assert_int_equal(rc, LEDGER_CHECK);
  row = PAIRS("slug=y");
  assert_done(db, ledger_update(db, "things", 1, row->columns, row->values, 0, NULL, NULL,
                                LEDGER_ALL_ROWS, &changed, NULL));
  assert_int_equal(changed, 5);
  assert_done(db, ledger_commit(db));
  assert_string_equal(fixture_rows(db, "things", "select=b&slug=eq.y&limit=2"),
                      "{\"b\":1}\n{\"b\":1}");
  ledger_close(db);
}

static void deferred_keys_wait_for_commit(void **state) {
  (void)state;
  ledger *db = fixture_open(NULL);
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "late", PAIRS("id=1", "other=2")));
  assert_done(db, fixture_insert(db, "late", PAIRS("id=2")));
  assert_done(db, ledger_commit(db));
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "late", PAIRS("id=3", "other=4")));
  assert_failed(
      db, ledger_commit(db), "23503",
      "insert or update on table \"late\" violates foreign key constraint \"late_other_fkey\"",
      "Key (other)=(4) is not present in table \"late\".");
  assert_failed(db, ledger_commit(db), "25P01", "there is no transaction in progress", "");
  assert_int_equal(fixture_insert(db, "late", PAIRS("id=3", "other=4")), LEDGER_FOREIGN_KEY);
  assert_string_equal(fixture_rows(db, "late", "select=id&order=id"), "{\"id\":1}\n{\"id\":2}");
  ledger_close(db);
}

static void sequences(void **state) {
  (void)state;
  ledger *db = fixture_open("sequences"), *other;
  fixture_path(path, "sequences");
  assert_int_equal(ledger_open(path, 0, &other), LEDGER_OK);
  assert_done(db, fixture_insert(db, "things", PAIRS("a=1")));
  assert_int_equal(fixture_insert(db, "things", PAIRS("a=x")),
                   LEDGER_INVALID_TEXT); /* takes none */
  assert_int_equal(fixture_insert(db, "things", PAIRS("a=1", "b=200")), LEDGER_CHECK); /* takes 2 */
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=3"))); /* 3, rolled back */
  assert_done(db, ledger_rollback(db));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=4")));
  assert_done(other, fixture_insert(other, "things", PAIRS("a=5")));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=6")));
  assert_string_equal(
      fixture_rows(db, "things", "select=id,a&order=id"),
      "{\"id\":1,\"a\":1}\n{\"id\":4,\"a\":4}\n{\"id\":5,\"a\":5}\n{\"id\":6,\"a\":6}");
  ledger_close(db);
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  assert_done(db, fixture_insert(db, "things", PAIRS("a=7")));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=8")));
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=9")), "2200H",
                "nextval: reached maximum value of sequence \"things_id_seq\" (8)", "");
  assert_done(db, fixture_insert(db, "audit", PAIRS("what=a")));
  assert_done(db, fixture_insert(db, "audit", PAIRS("what=b")));
  assert_string_equal(fixture_rows(db, "audit", "select=id&order=id"),
                      "{\"id\":1}\n{\"id\":10}\n{\"id\":20}");
  ledger_close(db);
  ledger_close(other);
}

static void the_catalog_follows_the_file(void **state) {
  (void)state;
  ledger *db = fixture_open("altered");
  ledger_rows *rows;
  assert_done(db, fixture_insert(db, "audit", PAIRS("what=a")));
  assert_done(db, ledger_select(db, "audit", NULL, &rows));
  fixture_path(path, "altered");
  sqlite_exec("ALTER TABLE audit ADD COLUMN more TEXT; INSERT INTO ledger_catalog_column "
              "(relation_id, position, name, type)"
              " VALUES (8, 3, 'more', 'text')");
  assert_done(db, fixture_insert(db, "audit", PAIRS("what=b", "more=c")));
  assert_string_equal(fixture_rows(db, "audit", "more=not.is.null"),
                      "{\"id\":20,\"what\":\"b\",\"more\":\"c\"}");
  assert_int_equal(ledger_rows_count(rows), 2); /* the old cursor keeps its columns */
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_name(rows, 1), "what");
  ledger_rows_free(rows);
  ledger_close(db);
}

static void locks_are_waited_for_and_given_up(void **state) {
  (void)state;
  ledger *db = fixture_open("locked"), *other;
  fixture_path(path, "locked");
  assert_int_equal(ledger_open(path, 0, &other), LEDGER_OK);
  ledger_busy_timeout(other, 1);
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  assert_int_equal(fixture_insert(other, "users", PAIRS("email=b")), LEDGER_BUSY);
  assert_string_equal(ledger_error_of(other)->sqlstate, "55P03");
  assert_string_equal(ledger_error_of(other)->message, "canceling statement due to lock timeout");
  assert_string_equal(fixture_rows(other, "users", NULL), ""); /* readers do not wait */
  assert_done(db, ledger_commit(db));
  assert_done(other, fixture_insert(other, "users", PAIRS("email=b")));
  ledger_close(db);
  ledger_close(other);
}

#define WRITERS 4
#define ROWS_EACH 50

static void *writer(void *failed) {
  ledger *db;
  int rc = ledger_open(path, LEDGER_SYNC_NORMAL, &db);
  for (int i = 0; i < ROWS_EACH && rc == LEDGER_OK; i++) {
    char pair[64];
    sqlite3_snprintf(64, pair, "title=%p-%d", failed, (int)getpid() * 1000 + i); /* db may be where the last one was */
    rc = fixture_insert(db, "posts", PAIRS(pair));
  }
  ledger_close(db);
  *(int *)failed = rc;
  return NULL;
}

static void many_writers(void **state) {
  (void)state;
  ledger *db = fixture_open("busy");
  fixture_path(path, "busy");
  pid_t children[2];
  for (int i = 0; i < 2; i++) {
    children[i] = fork();
    if (children[i] == 0) {
      int rc;
      writer(&rc);
      _exit(rc);
    }
  }
  pthread_t threads[2];
  int results[WRITERS];
  for (int i = 0; i < 2; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, writer, &results[i]), 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 2; i++) {
    int status;
    waitpid(children[i], &status, 0);
    results[2 + i] = WEXITSTATUS(status);
  }
  for (int i = 0; i < WRITERS; i++) assert_int_equal(results[i], LEDGER_OK);
  assert_string_equal(fixture_rows(db, "posts", "select=id&order=id.desc&limit=1"), "{\"id\":200}");
  ledger_close(db);
}

static void a_full_disk(void **state) {
  (void)state;
  ledger *db = fixture_open("full");
  assert_int_equal(sqlite3_exec(db->sqlite, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
                   SQLITE_OK);
  char *big = sqlite3_mprintf("title=%.*c", 100000, 'x');
  assert_int_equal(fixture_insert(db, "posts", PAIRS(big)), LEDGER_FULL);
  assert_string_equal(ledger_error_of(db)->sqlstate, "53100");
  assert_done(db, ledger_begin(db));
  assert_int_equal(fixture_insert(db, "posts", PAIRS(big)), LEDGER_FULL);
  if (sqlite3_get_autocommit(
          db->sqlite)) { /* SQLite ended it: so it stays, until the caller says so */
    assert_int_equal(fixture_insert(db, "users", PAIRS("email=a")), LEDGER_NO_TRANSACTION);
    assert_int_equal(ledger_commit(db), LEDGER_NO_TRANSACTION);
  }
  assert_done(db, ledger_rollback(db));
  assert_int_equal(sqlite3_exec(db->sqlite, "PRAGMA max_page_count = 100000", NULL, NULL, NULL),
                   SQLITE_OK);
  assert_done(db, fixture_insert(db, "posts", PAIRS(big)));
  assert_string_equal(fixture_rows(db, "posts", "select=user_id"), "{\"user_id\":null}");
  sqlite3_free(big);
  ledger_close(db);
}

static void the_wal_stays_bounded(void **state) {
  (void)state;
  ledger *db = fixture_open("wal");
  fixture_path(path, "wal");
  assert_done(db, fixture_insert(db, "audit", PAIRS("id=2", "what=x")));
  char *big = sqlite3_mprintf("what=%.*c", 4000000, 'x');
  for (int i = 0; i < 40; i++) {
    assert_done(db, fixture_update(db, "audit", PAIRS(big), PAIRS("id=2"), NULL));
    big[5 + i] = 'y';
  }
  assert_true(file_size(path, "-wal") < 64 << 20);
  sqlite3_free(big);
  ledger_close(db);
}

static int64_t reported;
static int report(void *context, int64_t done, int64_t total) {
  assert_true(done <= total || total == 0);
  reported = done;
  return context != NULL;
}

static void backups(void **state) {
  (void)state;
  ledger *db = fixture_open("original"), *copy;
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  fixture_path(path, "copy");
  int stop;
  int before = file_count();
  ledger_progress(db, report, &stop);
  assert_failed(db, ledger_backup(db, path), "57014", "canceling statement due to user request",
                "");
  assert_int_equal(file_count(), before);
  ledger_progress(db, report, NULL);
  assert_done(db, ledger_backup(db, path));
  assert_true(reported > 1);
  assert_int_equal(ledger_backup(db, path), LEDGER_EXISTS);
  assert_int_equal(ledger_open(path, 0, &copy), LEDGER_OK);
  assert_string_equal(fixture_rows(copy, "users", "select=email"), "{\"email\":\"a\"}");
  ledger_close(copy);
  fixture_path(path, "no/such/folder");
  assert_int_equal(ledger_backup(db, path), LEDGER_CANNOT_OPEN);
  assert_done(db, ledger_begin(db));
  fixture_path(path, "copy2");
  assert_int_equal(ledger_backup(db, path), LEDGER_ACTIVE_TRANSACTION);
  ledger_close(db);
  db = fixture_open(NULL);
  assert_done(db, ledger_backup(db, path));
  assert_int_equal(ledger_open(path, 0, &copy), LEDGER_OK);
  ledger_close(copy);
  ledger_close(db);
}

static void facts(void **state) {
  (void)state;
  ledger *db = fixture_open("facts");
  ledger_facts facts;
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  assert_done(db, ledger_info(db, &facts));
  assert_true(sqlite3_get_autocommit(db->sqlite));
  assert_string_equal(facts.schema_name, "fixture");
  assert_string_equal(facts.schema_sha256, "ab");
  assert_int_equal(strlen(facts.device), 36);
  assert_int_equal(strlen(facts.created_at), strlen("2026-11-20T09:00:00Z"));
  assert_int_equal(facts.format, STORE_FORMAT);
  assert_int_equal(facts.tables, 8);
  assert_int_equal(facts.views, 1);
  assert_int_equal(facts.constraints, 16);
  assert_int_equal(facts.rows, 2);
  assert_int_equal(facts.page_bytes, 4096);
  assert_true(facts.file_bytes > 0 && facts.wal_bytes > 0);
  ledger_rows *rows;
  assert_done(db, ledger_relations(db, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_json(rows, NULL),
                      "{\"schema\":\"public\",\"name\":\"users\",\"kind\":\"table\",\"rows\":1,"
                      "\"comment\":\"who\"}");
  ledger_rows_free(rows);
  ledger_close(db);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_start, fixture_end)
  const struct CMUnitTest tests[] = {
      TEST(wrong_files),
      TEST(creation_leaves_nothing_behind),
      TEST(two_creators_at_once),
      TEST(seed_rows_by_choice),
      TEST(files_close_clean),
      TEST(read_only_folders),
      TEST(transactions),
      TEST(several_rows_change_or_none),
      TEST(deferred_keys_wait_for_commit),
      TEST(sequences),
      TEST(the_catalog_follows_the_file),
      TEST(locks_are_waited_for_and_given_up),
      TEST(many_writers),
      TEST(a_full_disk),
      TEST(the_wal_stays_bounded),
      TEST(backups),
      TEST(facts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
