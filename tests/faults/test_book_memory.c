/*
** The book without memory: at each allocation of a step in turn, once or from then on, on a handle that was just opened and on one
** that has all of its statements. A call says LEDGER_MEMORY (53200) and has changed nothing, or it is done; asked for again it
** is done, once; the book is proved in the end, and nothing is lost.
** LEDGER_TEST_COUNT: how many places of a step are tried, spread evenly; 0 tries each one. Unless given, each one of a handle that
** has all of its statements, and some of the thousands of one that was just opened.
*/
#include "../../ledger.c"

#include <sys/stat.h>
#include <unistd.h>

#include <allocation.h>

#include <book_steps.h>

#define PLACES 12

static char path[256];
static char *image; /* the file before the step that is tried */
static size_t image_length;

static void file_take(void) {
  struct stat facts;
  assert_int_equal(stat(path, &facts), 0);
  free(image);
  image_length = (size_t)facts.st_size;
  image = malloc(image_length);
  FILE *file = fopen(path, "rb");
  assert_int_equal(fread(image, 1, image_length, file), image_length);
  fclose(file);
}

static ledger *file_open_again(void) {
  ledger *db = NULL;
  file_remove(path);
  FILE *file = fopen(path, "wb");
  assert_int_equal(fwrite(image, 1, image_length, file), image_length);
  fclose(file);
  assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  return db;
}

/* All statements of the step are prepared, its accounts known; and nothing is done. */
static void warm(ledger *db, int step) {
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  for (int i = 0; i < book_steps[step].count; i++) {
    int rc = book_steps[step].kind == STEP_ROW ? book_apply(db, book_steps[step].operations[i])
                                               : book_post(db, book_steps[step].operations[i]);
    assert_int_equal(rc, LEDGER_OK);
  }
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
}

/* Fails at the n-th allocation; returns how many there were. */
static int64_t try_step(int step, bool is_warm, bool fails_on, int64_t n) {
  char name[30];
  ledger *db = file_open_again();
  if (is_warm) warm(db, step);
  snprintf(name, sizeof name, "step %d%s%s", step, is_warm ? ", warm" : "",
           fails_on ? ", all" : "");
  memory_arm(n, fails_on);
  int rc = book_step(db, step);
  int64_t calls = memory.calls;
  memory_arm(0, false);
  if (n == 0 && rc != LEDGER_OK) fail_msg("%s: %s", name, ledger_error_of(db)->message);
  memory_assert(name, n, rc, ledger_error_of(db));
  if (!sqlite3_get_autocommit(db->sqlite) && !db->in_transaction)
    fail_msg("%s, allocation %lld: the file stays locked", name, (long long)n);
  if (rc != LEDGER_OK) {
    ledger_rollback(db);
    if (book_there(db, step) != 0)
      fail_msg("%s, allocation %lld: it failed and is there", name, (long long)n);
    rc = book_step(db, step);
    if (rc != LEDGER_OK)
      fail_msg("%s, again after allocation %lld: %s", name, (long long)n,
               ledger_error_of(db)->message);
  }
  assert_int_equal(book_there(db, step), book_steps[step].count);
  book_prove(db, name, n);
  ledger_close(db);
  return calls;
}

static void test_steps(void **state) {
  (void)state;
  int64_t tried = 0;
  for (int step = 0; step < BOOK_STEPS; step++) {
    int64_t outstanding = 0;
    for (int mode = 0; mode < 4; mode++) {
      int64_t all = try_step(step, mode & 1, mode & 2, 0);
      if (mode == 0)
        outstanding =
            memory.outstanding; /* what stays for the life of the process is there by now */
      int places = mode == 1 ? 0 : PLACES; /* the few of a handle at work one by one */
      for (int64_t n = memory_next(0, all, places); n <= all;
           n = memory_next(n, all, places), tried++)
        try_step(step, mode & 1, mode & 2, n);
    }
    if (memory.outstanding != outstanding)
      fail_msg("step %d: %lld allocations are not freed", step,
               (long long)(memory.outstanding - outstanding));
    ledger *db = file_open_again();
    assert_int_equal(book_step(db, step), LEDGER_OK);
    ledger_close(db);
    file_take();
  }
  printf("# %lld places\n", (long long)tried);
}

/* ---- what reads */

static int do_verify(ledger *db) {
  const ledger_verify_options options = {.full = 1};
  char *report = NULL;
  int rc = ledger_verify(db, &options, &report);
  if (rc == LEDGER_BOOK_BROKEN) print_error("%s\n", report);
  ledger_free(report);
  return rc;
}
static int do_account(ledger *db) {
  ledger_balance balance;
  int rc = ledger_account(db, "A", &balance);
  return rc == LEDGER_OK
             ? ledger_account(db, "portfolio:00000000-0000-4000-8000-00000000000a:BTC", &balance)
             : rc;
}
static int do_balance_at(ledger *db) {
  ledger_balance balance;
  int rc = ledger_balance_at(db, "A", "2026-06-01", LEDGER_BOOKED, &balance);
  return rc == LEDGER_OK ? ledger_balance_at(db, "B", "2126-06-01", LEDGER_EFFECTIVE, &balance)
                         : rc;
}
static int rows_drain(ledger *db, int rc, ledger_rows *rows) {
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW)
    rc = ledger_rows_json(rows, NULL) == NULL ? ledger_error_of(db)->code : LEDGER_OK;
  ledger_rows_free(rows);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}
static int do_history(ledger *db) {
  const ledger_history_filter of_account = {
      .account = "A", .kind = "transfer", .since = "2026-01-01"};
  const ledger_history_filter of_book = {.reference = "S3", .oldest_first = 1};
  ledger_rows *rows = NULL;
  int rc = ledger_history(db, &of_account, &rows);
  rc = rows_drain(db, rc, rows);
  rows = NULL;
  if (rc == LEDGER_OK) rc = ledger_history(db, &of_book, &rows);
  return rows_drain(db, rc, rows);
}
static int do_head(ledger *db) {
  ledger_head head;
  return ledger_get_head(db, NULL, &head);
}
static int do_refusal(ledger *db) { /* its sentence takes memory, too */
  char json[200];
  ledger_operation operation;
  ledger_result result;
  int rc = ledger_operation_read(
      db,
      book_json("{'op':'withdraw','reference':'N','from':'A','amount':100000}", json, sizeof json),
      -1, &operation);
  if (rc == LEDGER_OK) rc = ledger_post(db, &operation, &result);
  return rc == LEDGER_NO_FUNDS ? LEDGER_OK : rc;
}
static int do_json(ledger *db) {
  char json[200];
  ledger_operation operation;
  ledger_result result;
  int rc = ledger_operation_read(
      db, book_json("{'op':'deposit','reference':'S1','to':'A','amount':100}", json, sizeof json),
      -1, &operation);
  if (rc == LEDGER_OK) rc = ledger_post(db, &operation, &result); /* a retry: the first result */
  if (rc != LEDGER_OK) return rc;
  char *text = ledger_result_json(&result);
  ledger_free(text);
  return LEDGER_OK;
}

static void test_reads(void **state) {
  static const struct {
    const char *name;
    int (*run)(ledger *);
  } reads[] = {{"verify", do_verify},   {"account", do_account}, {"balance at", do_balance_at},
               {"history", do_history}, {"head", do_head},       {"refusal", do_refusal},
               {"retry", do_json}};
  (void)state;
  int64_t tried = 0;
  ledger *whole = file_open_again();
  for (int step = 0; step < BOOK_STEPS; step++) assert_int_equal(book_step(whole, step), LEDGER_OK);
  ledger_close(whole);
  file_take();
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    for (int mode = 0; mode < 4; mode++) {
      int64_t all = 0;
      ledger *db = file_open_again();
      for (int64_t n = 0; n <= all; n = memory_next(n, all, 2 * PLACES), tried++) {
        if (mode & 1) {
          ledger_close(db);
          db = file_open_again();
        }
        memory_arm(n, mode & 2);
        int rc = reads[i].run(db);
        int64_t calls = memory.calls;
        memory_arm(0, false);
        if (n == 0) all = calls;
        if (n == 0 && rc != LEDGER_OK)
          fail_msg("%s: %s", reads[i].name, ledger_error_of(db)->message);
        memory_assert(reads[i].name, n, rc, ledger_error_of(db));
        if (!sqlite3_get_autocommit(db->sqlite))
          fail_msg("%s, allocation %lld: the file stays locked", reads[i].name, (long long)n);
        rc = reads[i].run(db);
        if (rc != LEDGER_OK)
          fail_msg("%s, again after allocation %lld: %s", reads[i].name, (long long)n,
                   ledger_error_of(db)->message);
      }
      ledger_close(db);
    }
  }
  printf("# %lld places\n", (long long)tried);
}

static int start(void **state) {
  ledger *db = NULL;
  if (memory_setup(state) != 0) return 1;
  snprintf(path, sizeof path, "%s/ledger-book-memory-%ld.db",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid());
  file_remove(path);
  if (ledger_create(path, ledger_schema("full"), 0, &db) != LEDGER_OK) return 1;
  book_prepare(db);
  ledger_close(db);
  file_take();
  return 0;
}
static int finish(void **state) {
  (void)state;
  file_remove(path);
  free(image);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps), cmocka_unit_test(test_reads)};
  return cmocka_run_group_tests_name("book memory", tests, start, finish);
}
