/*
** Memory of batches: how much a cut and a script of many changes take, and what happens when there is none: MEMORY, the file is
** as it was, and the same call does it when it is made again. LEDGER_TEST_COUNT: how many places of a call are tried.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <allocation.h>
#include <batch.h>
#include <post.h>
#include <sql.h>

static char path[128], original[128];

static void path_choose(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-batch-memory-%ld.db", folder, (long)getpid());
  snprintf(original, sizeof original, "%s/ledger-batch-original-%ld.db", folder, (long)getpid());
  file_remove(path);
  file_remove(original);
}

/* The original, again. */
static void path_copy(void) {
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_open(original, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
  assert_int_equal(ledger_backup(db, path), LEDGER_OK);
  ledger_close(db);
}

static char hash[65], device[37];

/* A file with a batch that was cut, and changes of all sorts since. */
static void path_fill(void) {
  ledger *db = NULL;
  int64_t seq;
  struct batch_script_read read;
  ledger_sync_facts facts;
  assert_int_equal(ledger_create(original, ledger_schema("full"), 0, &db), LEDGER_OK);
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" POST_USER "\",\"email\":\"x@y.co\","
               "\"password_hash\":\"!\"}}");
  post_account(db, "A", "USD", "100");
  post_account(db, "B", "USD", "1");
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
  batch_read_script(db, seq, &read);
  snprintf(hash, sizeof hash, "%s", read.hash);
  batch_done(&read);
  assert_int_equal(ledger_sync_status(db, &facts), LEDGER_OK);
  snprintf(device, sizeof device, "%s", facts.device);
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"x\"},"
               "\"where\":{\"email\":\"x@y.co\"}}");
  post_row(db, "{\"table\":\"user_roles\",\"row\":{\"user_id\":\"" POST_USER "\",\"role_id\":"
               "\"e28a12b4-b654-5849-8551-a1a6aa537c03\"}}");
  post_row(db, "{\"table\":\"user_roles\",\"op\":\"delete\",\"where\":{\"user_id\":\"" POST_USER
               "\"}}");
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A", .to = "B",
            .amount = "2");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "P", .to = "portfolio:" POST_USER ":USD",
            .amount = "7");
  ledger_close(db);
}

/* ---- what is tried */

static int run_cut(ledger *db) {
  int64_t seq;
  int rc = ledger_batch_cut(db, &seq);
  if (rc != LEDGER_OK) assert_int_equal(seq, 0);
  return rc;
}
static int run_careful(ledger *db) {
  int64_t seq;
  int rc = ledger_rekey(db);
  if (rc == LEDGER_OK) rc = ledger_batch_cut(db, &seq);
  return rc;
}
static int count_bytes(void *context, const void *bytes, size_t length) {
  (void)bytes;
  *(size_t *)context += length;
  return 0;
}
static int run_copy(ledger *db) {
  size_t written = 0;
  return ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, count_bytes, &written);
}
static int run_insert(ledger *db) {
  size_t written = 0;
  return ledger_batch_script(db, 1, LEDGER_EXPORT_INSERT, count_bytes, &written);
}
static int run_acknowledge(ledger *db) {
  char text[600];
  snprintf(text, sizeof text,
           "{\"ledger_ack\":1,\"main\":\"11111111-1111-4111-8111-111111111111\",\"device\":\"%s\","
           "\"epoch\":1,\"received\":1,\"hash\":\"%s\",\"applied\":1,\"reason\":\"none \\u00e9\","
           "\"clock\":1}",
           device, hash);
  return ledger_acknowledge(db, text, -1, 1);
}
static int run_status(ledger *db) {
  ledger_sync_facts facts;
  return ledger_sync_status(db, &facts);
}
static int run_attempt(ledger *db) {
  int rc = ledger_sync_attempt(db, "no");
  return rc == LEDGER_OK ? ledger_sync_attempt(db, NULL) : rc;
}
static int run_key(ledger *db) {
  unsigned char key[64] = {1};
  int rc = ledger_set_main_key(db, key, 0);
  return rc == LEDGER_OK ? ledger_get_main_key(db, key) : rc;
}
static int run_texts(ledger *db) {
  char *enrol = ledger_enrol_sql(db, (const unsigned char *)"0123456789abcdef0123456789abcdef");
  int rc = enrol == NULL ? ledger_error_of(db)->code : LEDGER_OK;
  ledger_free(enrol);
  if (rc != LEDGER_OK) return rc;
  char *ask = ledger_acknowledgement_sql(db);
  rc = ask == NULL ? ledger_error_of(db)->code : LEDGER_OK;
  ledger_free(ask);
  return rc;
}

static const struct {
  const char *name;
  int (*run)(ledger *db);
} jobs[] = {{"cut", run_cut},
            {"careful", run_careful},
            {"copy", run_copy},
            {"insert", run_insert},
            {"acknowledge", run_acknowledge},
            {"status", run_status},
            {"attempt", run_attempt},
            {"key", run_key},
            {"texts", run_texts}};

/* All that sync keeps, but for times. */
static int64_t sync_print(ledger *db) {
  return sql_number(db->sqlite,
                    "SELECT count(*) + 1000 * (SELECT count(*) FROM ledger_batch) + 100000 *"
                    " (SELECT count(*) FROM ledger_batch_chunk) + 10000000 *"
                    " (SELECT cut_seq + 10 * received_seq + 100 * epoch + 1000 *"
                    " (main_key IS NULL) FROM ledger_sync_state) FROM ledger_change");
}

static int64_t run_job(size_t job, bool fails_on, bool fresh) {
  int64_t tried = 0, all = 0;
  for (int64_t n = 0;; n = memory_next(n, all, 25)) {
    ledger *db = NULL;
    path_copy();
    assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
    if (!fresh) { /* statements are there already */
      assert_int_equal(run_status(db), LEDGER_OK);
      assert_int_equal(run_copy(db), LEDGER_OK);
    }
    int64_t before = sync_print(db);
    memory_arm(n, fails_on);
    int rc = jobs[job].run(db);
    int64_t calls = memory.calls;
    memory_arm(0, false);
    if (n == 0) all = calls;
    if (n == 0 && rc != LEDGER_OK) fail_msg("%s: %s", jobs[job].name, ledger_error_of(db)->message);
    memory_assert(jobs[job].name, n, rc, ledger_error_of(db));
    if (!sqlite3_get_autocommit(db->sqlite))
      fail_msg("%s, allocation %lld: the file stays locked", jobs[job].name, (long long)n);
    bool is_one = jobs[job].run != run_careful && jobs[job].run != run_attempt &&
                  jobs[job].run != run_key; /* one call, one transaction */
    if (rc != LEDGER_OK) {
      if (is_one && sync_print(db) != before)
        fail_msg("%s, allocation %lld: it failed and has changed the file", jobs[job].name,
                 (long long)n);
      rc = jobs[job].run(db);
      if (rc != LEDGER_OK)
        fail_msg("%s, again after allocation %lld: %s", jobs[job].name, (long long)n,
                 ledger_error_of(db)->message);
    }
    if (jobs[job].run == run_cut) { /* what was cut is whole */
      struct batch_script_read read;
      batch_read_script(db, 2, &read);
      assert_int_equal(batch_table_of(&read, "transactions")->row_count, 2);
      batch_done(&read);
    }
    ledger_close(db);
    tried++;
    if (calls < n) break;
  }
  return tried;
}

static void test_short(void **state) {
  (void)state;
  int64_t tried = 0, outstanding = 0;
  path_choose();
  path_fill();
  for (size_t job = 0; job < sizeof jobs / sizeof *jobs; job++) {
    for (int mode = 0; mode < 4; mode++) {
      tried += run_job(job, mode & 1, mode & 2);
      if (job == 0 && mode == 0) outstanding = memory.outstanding; /* what stays for the process */
      if (memory.outstanding != outstanding)
        fail_msg("%s: %lld allocations are not freed", jobs[job].name,
                 (long long)(memory.outstanding - outstanding));
    }
  }
  file_remove(path);
  file_remove(original);
  printf("# %lld places\n", (long long)tried);
}

/* ---- a script needs no handle, and its memory fails by itself */

static void test_short_script(void **state) {
  (void)state;
  static const char body[] = "1\tf\ta\n\\.\n";
  char hex[65], header[600];
  batch_hex(body, sizeof body - 1, hex);
  snprintf(header, sizeof header,
           "{\"ledger_batch\":1,\"bytes\":%d,\"body\":\"%s\",\"tables\":[{\"schema\":\"public\","
           "\"table\":\"t\",\"columns\":[\"a\"],\"deltas\":[],\"rows\":1,\"sum\":\"0\"}]}",
           (int)sizeof body - 1, hex);
  int64_t outstanding = memory.outstanding;
  for (int64_t n = 0;; n++) {
    struct batch_script *script = NULL;
    ledger_error error;
    size_t written = 0;
    error_clear(&error);
    memory_arm(n, false);
    int rc = batch_script_start(header, LEDGER_EXPORT_COPY, count_bytes, &written, &script, &error);
    if (rc == LEDGER_OK) rc = batch_script_body(script, body, sizeof body - 1);
    int end = batch_script_end(script);
    if (rc == LEDGER_OK) rc = end;
    int64_t calls = memory.calls;
    memory_arm(0, false);
    memory_assert("script", n, rc, &error);
    assert_int_equal(memory.outstanding, outstanding);
    if (calls < n) break;
  }
}

/* ---- many changes */

enum { MANY = 100000, MOST_BYTES = 8 * 1024 * 1024 };

static void test_many(void **state) {
  (void)state;
  ledger *db = NULL;
  int64_t seq, relation;
  char sql[1000];
  path_choose();
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &db), LEDGER_OK);
  relation = post_number(
      db, "SELECT relation_id FROM ledger_catalog_relation WHERE name = 'exchange_rates'");
  snprintf(sql, sizeof sql,
           "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
           " INSERT INTO exchange_rates (id, from_currency, to_currency, rate, quoted_at) SELECT"
           " printf('%%08x-0000-4000-8000-%%012x', i * 7919 %% 1000003, i), 'USD', 'EUR',"
           " printf('%%d.%%08d', i %% 7 + 1, i), datetime(1700000000 + i, 'unixepoch') || '+00:00' "
           "FROM n",
           MANY);
  post_foreign(db, sql);
  snprintf(sql, sizeof sql,
           "DELETE FROM ledger_change; INSERT INTO ledger_change (relation, key, hlc)"
           " SELECT %lld, id, rowid FROM exchange_rates WHERE id LIKE '%%-0000-4000-8000-%%'",
           (long long)relation);
  post_foreign(db, sql);
  ledger_close(db);
  assert_int_equal(ledger_open(path, LEDGER_SMALL, &db), LEDGER_OK);
  memory_arm(0, false);
  if (ledger_batch_cut(db, &seq) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  int64_t cut = memory.peak;
  memory_arm(0, false);
  size_t written = 0;
  assert_int_equal(ledger_batch_script(db, seq, LEDGER_EXPORT_INSERT, count_bytes, &written), 0);
  int64_t script = memory.peak;
  printf("# cut %lld bytes of memory, script %lld, of %lld\n", (long long)cut, (long long)script,
         (long long)written);
  assert_in_range(cut, 0, MOST_BYTES);
  assert_in_range(script, 0, MOST_BYTES);
  struct batch_script_read read;
  batch_read_script(db, seq, &read);
  assert_true(batch_number(read.header, "rows") >= MANY);
  batch_done(&read);
  ledger_close(db);
  file_remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_many),
                                     cmocka_unit_test(test_short_script),
                                     cmocka_unit_test(test_short)};
  return cmocka_run_group_tests_name("batch memory", tests, memory_setup, NULL);
}
