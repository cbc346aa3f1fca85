/*
** What a file knows of main: acknowledgements taken and refused, what is let go of and what is kept, forks, keys, ranges of
** identity keys, the clock, another identity.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include <batch.h>
#include <post.h>

#include "schema/compiler/compiler.h"

#define MAIN "11111111-1111-4111-8111-111111111111"
#define OTHER "22222222-2222-4222-8222-222222222222"

static const char own_schema[] =
    "CREATE TABLE codes (code text PRIMARY KEY, label text);"
    "CREATE TABLE small (id smallserial PRIMARY KEY, note text);"
    "CREATE TABLE items (id serial PRIMARY KEY, note text);"
    "CREATE TABLE large (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);";

static ledger *own_file(void) {
  const struct schema_file file = {
      .name = "own.sql", .text = own_schema, .length = sizeof own_schema - 1};
  const struct schema_options options = {.name = "own"};
  struct schema_result *result;
  ledger *db = NULL;
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  return db;
}

/* One more change, cut. Returns the batch's hash. */
static const char *own_cut(ledger *db, int64_t expected) {
  static char hash[65];
  struct batch_script_read read;
  static int n;
  char row[120];
  snprintf(row, sizeof row, "{\"table\":\"codes\",\"row\":{\"code\":\"c%d\",\"label\":\"x\"}}",
           n++);
  post_row(db, row);
  assert_int_equal(batch_cut_and_read(db, &read), expected);
  snprintf(hash, sizeof hash, "%s", read.hash);
  batch_done(&read);
  return hash;
}

static const char *own_device(ledger *db) {
  static char device[37];
  ledger_sync_facts facts;
  assert_int_equal(ledger_sync_status(db, &facts), LEDGER_OK);
  snprintf(device, sizeof device, "%s", facts.device);
  return device;
}

struct ack {
  const char *main, *device, *hash, *more; /* NULL: MAIN, the file's, none */
  int64_t epoch, received, applied, clock;
  bool is_carried;
};

#define ack(db, ...) ack_give(db, &(struct ack){__VA_ARGS__})
static char ack_text[1000];
static int ack_give(ledger *db, const struct ack *ack) {
  snprintf(ack_text, sizeof ack_text,
           "{\"ledger_ack\":1,\"main\":\"%s\",\"device\":\"%s\",\"epoch\":%lld,\"received\":%lld,"
           "\"hash\":\"%s\",\"applied\":%lld,\"clock\":%lld%s%s}",
           ack->main == NULL ? MAIN : ack->main, ack->device == NULL ? own_device(db) : ack->device,
           (long long)(ack->epoch == 0 ? 1 : ack->epoch), (long long)ack->received,
           ack->hash == NULL ? "" : ack->hash, (long long)ack->applied, (long long)ack->clock,
           ack->more == NULL ? "" : ",", ack->more == NULL ? "" : ack->more);
  int rc = ledger_acknowledge(db, ack_text, -1, !ack->is_carried);
  assert_int_equal(rc, ledger_error_of(db)->code);
  return rc;
}

static ledger_sync_facts own_facts(ledger *db) {
  ledger_sync_facts facts;
  if (ledger_sync_status(db, &facts) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  return facts;
}

/* ---- received, applied, let go of */

static void test_received(void **state) {
  (void)state;
  char one[65], two[65];
  ledger *db = own_file();
  snprintf(one, sizeof one, "%s", own_cut(db, 1));
  snprintf(two, sizeof two, "%s", own_cut(db, 2));
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"later\"}}");
  ledger_sync_facts facts = own_facts(db);
  assert_int_equal(facts.cut, 2);
  assert_int_equal(facts.changes, 1);
  assert_int_equal(facts.batches, 2);
  assert_int_equal(facts.batch_rows, 2);
  assert_true(facts.batch_bytes > 0);
  assert_string_equal(facts.main, "");
  assert_int_equal(facts.waiting_since[10], 'T');
  assert_int_equal(facts.waiting_since[strlen(facts.waiting_since) - 1], 'Z');
  assert_int_equal(ack(db, .received = 1, .hash = one, .applied = 1), LEDGER_OK);
  facts = own_facts(db);
  assert_int_equal(facts.received, 1);
  assert_int_equal(facts.applied, 1);
  assert_int_equal(facts.batches, 1);
  assert_string_equal(facts.main, MAIN);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_change"), 2);
  assert_int_equal(ack(db, .received = 2, .hash = two, .applied = 1,
                       .more = "\"reason\":\"users (1): no \\\"x\\\" [23505]\""),
                   LEDGER_OK);
  facts = own_facts(db);
  assert_int_equal(facts.received, 2);
  assert_int_equal(facts.applied, 1);
  assert_string_equal(facts.reason, "users (1): no \"x\" [23505]");
  assert_int_equal(post_number(db, "SELECT count(applied_at) FROM ledger_batch"), 1);
  assert_int_equal(post_number(db, "SELECT count(received_at) FROM ledger_batch"), 2);
  assert_int_equal(ack(db, .received = 2, .hash = two, .applied = 2), LEDGER_OK);
  facts = own_facts(db);
  assert_int_equal(facts.applied, 2);
  assert_string_equal(facts.reason, "");
  assert_int_equal(facts.batches, 0);
  assert_int_equal(facts.changes, 1); /* the later one */
  own_cut(db, 3);
  ledger_close(db);
}

static void test_kept(void **state) {
  (void)state;
  char hash[30][65];
  ledger *db = own_file();
  for (int i = 1; i <= 20; i++) snprintf(hash[i], sizeof hash[i], "%s", own_cut(db, i));
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch_chunk"), 20); /* all wait */
  for (int i = 1; i <= 20; i++) {
    assert_int_equal(ack(db, .received = i, .hash = hash[i], .applied = i), LEDGER_OK);
    int gone = i > LEDGER_BATCHES_KEPT ? i - LEDGER_BATCHES_KEPT : 0;
    assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch_chunk"), 20 - gone);
    assert_int_equal(post_number(db, "SELECT min(seq) FROM ledger_batch"), gone + 1);
  }
  struct batch_text script = {NULL, 0, 0};
  assert_int_equal(ledger_batch_script(db, 12, LEDGER_EXPORT_COPY, batch_text_add, &script),
                   LEDGER_UNKNOWN_REFERENCE);
  assert_int_equal(ledger_batch_script(db, 13, LEDGER_EXPORT_COPY, batch_text_add, &script),
                   LEDGER_OK);
  free(script.bytes);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_change"), 0);
  assert_string_equal(own_facts(db).waiting_since, "");
  ledger_close(db);
}

/* ---- refused */

static void test_refused(void **state) {
  (void)state;
  static const char no_hash[] = "00000000000000000000000000000000000000000000000000000000000000ff";
  char one[65], two[65];
  ledger *db = own_file();
  snprintf(one, sizeof one, "%s", own_cut(db, 1));
  snprintf(two, sizeof two, "%s", own_cut(db, 2));
  assert_int_equal(ack(db, .more = "\"enrolled\":false"), LEDGER_NOT_ENROLLED);
  assert_string_equal(own_facts(db).main, "");
  assert_int_equal(ack(db, .received = 1, .hash = no_hash), LEDGER_FORK);
  assert_int_equal(ack(db, .received = 1), LEDGER_FORK);
  assert_int_equal(ack(db, .received = 3, .hash = one), LEDGER_FORK);
  assert_int_equal(ack(db, .received = 1, .hash = one, .epoch = 2), LEDGER_OTHER_EPOCH);
  assert_int_equal(ack(db, .received = 1, .hash = one, .device = OTHER), LEDGER_INVALID_PARAMETER);
  assert_int_equal(own_facts(db).received, 0);
  assert_int_equal(ack(db, .received = 2, .hash = two), LEDGER_OK);
  assert_int_equal(ack(db, .received = 2, .hash = two, .main = OTHER), LEDGER_OTHER_MAIN);
  assert_int_equal(ack(db, .received = 2, .hash = one), LEDGER_FORK);
  assert_int_equal(ack(db, .received = 1, .hash = two), LEDGER_FORK);
  /* Carried, an older one is late; from main itself it says that main was restored. */
  assert_int_equal(ack(db, .received = 1, .hash = one, .is_carried = true), LEDGER_OK);
  assert_int_equal(own_facts(db).received, 2);
  assert_int_equal(ack(db, .received = 1, .hash = one), LEDGER_GAP);
  assert_int_equal(ack(db, .received = 0), LEDGER_GAP);
  assert_int_equal(ack(db, .received = 0, .is_carried = true), LEDGER_OK);
  assert_int_equal(ack(db, .received = 2, .hash = two), LEDGER_OK);
  assert_int_equal(own_facts(db).received, 2);
  ledger_close(db);
}

static void test_not_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int code;
  } cases[] = {
      {"", LEDGER_INVALID_TEXT},
      {"\n", LEDGER_INVALID_TEXT},
      {"applied", LEDGER_INVALID_TEXT},
      {"{}", LEDGER_INVALID_TEXT},
      {"[]", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1}", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":\"1\",\"main\":\"" MAIN "\",\"device\":\"d\"}", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":2,\"main\":\"" MAIN "\",\"device\":\"d\"}", LEDGER_NEWER_BATCH},
      {"{\"ledger_ack\":1,\"main\":7,\"device\":\"d\"}", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",\"received\":-1}",
       LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",\"received\":1.5}",
       LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",\"received\":9223372036854775808}",
       LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",\"hash\":\"00\"}",
       LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",\"clock\":9223372036854775807}",
       LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN MAIN "\",\"device\":\"d\"}", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"\xff\"}", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\"} x", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\",", LEDGER_INVALID_TEXT},
      {"{\"ledger_ack\":1,\"main\":\"" MAIN "\",\"device\":\"d\"}", LEDGER_INVALID_PARAMETER},
      {"{\"ledger_ack\":1,\"new\":{\"a\":[1]},\"main\":\"" MAIN "\",\"device\":\"d\"}",
       LEDGER_INVALID_PARAMETER}, /* a member that is not known is none of ours */
  };
  ledger *db = own_file();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int rc = ledger_acknowledge(db, cases[i].text, -1, 1);
    if (rc != cases[i].code) fail_msg("%s: %d %s", cases[i].text, rc, ledger_error_of(db)->message);
  }
  ledger_close(db);
}

/* ---- signatures */

static void test_signed(void **state) {
  (void)state;
  unsigned char secret[64], key[64], signature[64], found[64];
  char text[1400], hex[129];
  ledger *db = own_file();
  assert_int_equal(ledger_get_main_key(db, found), LEDGER_UNKNOWN_REFERENCE);
  memset(key, 7, sizeof key);
  ledger_signing_key(secret, key);
  assert_int_equal(ledger_set_main_key(db, key, 0), LEDGER_OK);
  assert_int_equal(ledger_set_main_key(db, key, 0), LEDGER_OK);
  assert_int_equal(ledger_get_main_key(db, found), LEDGER_OK);
  assert_memory_equal(found, key, 64);
  key[63] ^= 1;
  assert_int_equal(ledger_set_main_key(db, key, 0), LEDGER_FORBIDDEN);
  assert_int_equal(ledger_set_main_key(db, key, 1), LEDGER_OK);
  assert_true(own_facts(db).has_main_key);
  char one[65];
  snprintf(one, sizeof one, "%s", own_cut(db, 1));
  assert_int_equal(ack(db, .received = 1, .hash = one, .is_carried = true), LEDGER_WRONG_KEY);
  seal_sign(secret, ack_text, strlen(ack_text), signature);
  text_hex(signature, sizeof signature, hex);
  static const struct {
    const char *format;
    int code;
  } cases[] = {
      {"%s\nsignature %s x", LEDGER_ALTERED}, {"%s\nsignatur %s", LEDGER_ALTERED},
      {"%s\nsignature 0%s", LEDGER_ALTERED},  {"%s \nsignature %s", LEDGER_ALTERED},
      {"%s\nsignature%s", LEDGER_ALTERED},    {"%s\n", LEDGER_WRONG_KEY},
      {"%s\nsignature %s\n", LEDGER_OK},      {"%s\nsignature %s", LEDGER_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(text, sizeof text, cases[i].format, ack_text, hex);
    int rc = ledger_acknowledge(db, text, -1, 0);
    if (rc != cases[i].code) fail_msg("%s: %d", cases[i].format, rc);
    assert_int_equal(own_facts(db).received, rc == LEDGER_OK);
  }
  size_t length = strlen(ack_text);
  snprintf(text, sizeof text, "%s\nsignature %s", ack_text, hex);
  for (size_t i = 0; i < length; i++) { /* any byte of the line */
    text[i] ^= 1;
    assert_int_not_equal(ledger_acknowledge(db, text, -1, 0), LEDGER_OK);
    text[i] ^= 1;
  }
  ledger_signing_key(secret, key); /* another one's */
  seal_sign(secret, ack_text, strlen(ack_text), signature);
  text_hex(signature, sizeof signature, hex);
  snprintf(text, sizeof text, "%s\nsignature %s", ack_text, hex);
  assert_int_equal(ledger_acknowledge(db, text, -1, 0), LEDGER_ALTERED);
  ledger_close(db);
}

/* ---- the full export */

static void full_hash(ledger *db, int64_t last, int64_t journal, int64_t entry, char out[65]) {
  char text[300], head[65] = "";
  sqlite3_stmt *stmt = NULL;
  sqlite3_prepare_v2(db->sqlite, "SELECT lower(hex(hash)) FROM ledger_journal WHERE seq = ?", -1,
                     &stmt, NULL);
  sqlite3_bind_int64(stmt, 1, journal);
  if (sqlite3_step(stmt) == SQLITE_ROW)
    snprintf(head, sizeof head, "%s", (const char *)sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  snprintf(text, sizeof text, "ledger full %s 1 %lld %lld %lld %s", own_device(db), (long long)last,
           (long long)journal, (long long)entry, head);
  batch_hex(text, strlen(text), out);
}

static void test_full(void **state) {
  (void)state;
  char hash[65], position[100];
  struct batch_script_read read;
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "10");
  int64_t last = post_number(db, "SELECT max(n) FROM ledger_change");
  int64_t journal = post_number(db, "SELECT max(seq) FROM ledger_journal");
  int64_t entry = post_number(db, "SELECT max(seq) FROM ledger_entry");
  full_hash(db, last, journal, entry, hash);
  snprintf(position, sizeof position, "\"last\":%lld,\"journal\":%lld,\"entry\":%lld",
           (long long)last, (long long)journal, (long long)entry);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "more", .to = "A", .amount = "5");
  batch_cut_and_read(db, &read); /* before it is known what main has: it cannot be taken there */
  batch_done(&read);
  assert_int_equal(ack(db, .hash = hash), LEDGER_INVALID_TEXT);
  assert_int_equal(ack(db, .hash = hash, .more = "\"last\":1,\"journal\":1,\"entry\":0"),
                   LEDGER_FORK);
  char wrong[65];
  full_hash(db, last + 1000, journal, entry, wrong);
  assert_int_equal(ack(db, .hash = wrong, .more = "\"last\":1009,\"journal\":1,\"entry\":0"),
                   LEDGER_FORK);
  assert_int_equal(ack(db, .hash = hash, .more = position), LEDGER_OK);
  assert_int_equal(own_facts(db).batches, 0);
  assert_int_equal(ack(db, .hash = hash, .more = position), LEDGER_OK); /* again */
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_change"), 0);
  batch_cut_and_read(db, &read);
  assert_int_equal(batch_number(read.header, "seq"), 1);
  assert_string_equal(batch_member(read.header, "previous"), hash);
  assert_string_equal(batch_value(&read, "accounts", "account_number", "A", "delta balance"),
                      "5.00");
  assert_int_equal(batch_table_of(&read, "transactions")->row_count, 1);
  assert_int_equal(ack(db, .received = 1, .hash = read.hash, .applied = 1), LEDGER_OK);
  assert_int_equal(ack(db, .hash = hash, .more = position, .is_carried = true), LEDGER_OK);
  assert_int_equal(own_facts(db).received, 1);
  batch_done(&read);
  post_close(db);
}

/* ---- ranges of keys */

static int64_t next_key(ledger *db, const char *table) {
  char row[100], sql[100];
  snprintf(row, sizeof row, "{\"table\":\"%s\",\"row\":{\"note\":\"x\"}}", table);
  if (ledger_apply(db, row, -1, NULL, NULL) != LEDGER_OK) return -ledger_error_of(db)->code;
  snprintf(sql, sizeof sql, "SELECT id FROM \"%s\" ORDER BY rowid DESC", table);
  return post_number(db, sql);
}

static bool says_first(ledger *db) {
  char *sql = ledger_enrol_sql(db, NULL);
  assert_non_null(sql);
  bool says = strstr(sql, "\"first_range\":true}') ;") != NULL ||
              strstr(sql, "\"first_range\":true}');\n") != NULL;
  assert_true(says || strstr(sql, "\"first_range\":false}');\n") != NULL);
  ledger_free(sql);
  return says;
}

static void test_ranges(void **state) {
  (void)state;
  ledger *db = own_file();
  assert_false(says_first(db));
  assert_int_equal(own_facts(db).key_range, -1);
  assert_int_equal(next_key(db, "items"), 1);
  assert_true(says_first(db));
  assert_int_equal(ack(db, .more = "\"key_range\":null"), LEDGER_OK);
  assert_int_equal(own_facts(db).key_range, -1);
  assert_int_equal(ack(db, .more = "\"key_range\":0"), LEDGER_OK);
  assert_int_equal(own_facts(db).key_range, 0);
  assert_int_equal(next_key(db, "items"), 2);
  assert_int_equal(ack(db, .more = "\"key_range\":3"), LEDGER_OK);
  assert_int_equal(own_facts(db).key_range, 3);
  assert_int_equal(next_key(db, "items"), 3 * 2097152 + 1);
  assert_int_equal(next_key(db, "items"), 3 * 2097152 + 2);
  assert_int_equal(next_key(db, "small"), 3 * 1024 + 1);
  assert_int_equal(next_key(db, "large"), 3 * 1099511627776 + 1);
  assert_false(says_first(db));
  assert_int_equal(ack(db, .more = "\"key_range\":3"), LEDGER_OK); /* again: nothing moves */
  assert_int_equal(next_key(db, "items"), 3 * 2097152 + 3);
  /* The end is the end. */
  for (int i = 2; i <= 1024; i++) assert_int_equal(next_key(db, "small"), 3 * 1024 + i);
  assert_int_equal(next_key(db, "small"), -LEDGER_SEQUENCE_LIMIT);
  assert_int_equal(next_key(db, "items"), 3 * 2097152 + 4);
  /* The last range of a type, and one past it. */
  assert_int_equal(ack(db, .more = "\"key_range\":31"), LEDGER_OK);
  assert_int_equal(next_key(db, "small"), 31 * 1024 + 1);
  assert_int_equal(ack(db, .more = "\"key_range\":32"), LEDGER_SEQUENCE_LIMIT);
  assert_int_equal(own_facts(db).key_range, 31);
  assert_int_equal(next_key(db, "small"), 31 * 1024 + 2);
  ledger_close(db);
}

/* A second connection that has keys of its own in mind learns of the range, too. */
static void test_range_elsewhere(void **state) {
  (void)state;
  char path[64] = "/tmp/ledger-state-XXXXXX", folder[64];
  snprintf(folder, sizeof folder, "%s", path);
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%.40s/file.db", folder);
  const struct schema_file file = {
      .name = "own.sql", .text = own_schema, .length = sizeof own_schema - 1};
  const struct schema_options options = {.name = "own"};
  struct schema_result *result;
  ledger *db = NULL, *other = NULL;
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  assert_int_equal(ledger_create(path, result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  assert_int_equal(ledger_open(path, 0, &other), LEDGER_OK);
  assert_int_equal(next_key(other, "items"), 1);
  assert_int_equal(next_key(db, "items"), 2);
  assert_int_equal(ledger_begin(other), LEDGER_OK); /* a key that is rolled back stays taken */
  assert_int_equal(next_key(other, "items"), 3);
  assert_int_equal(ledger_rollback(other), LEDGER_OK);
  assert_int_equal(ack(db, .more = "\"key_range\":2"), LEDGER_OK);
  assert_int_equal(next_key(other, "items"), 2 * 2097152 + 1);
  assert_int_equal(next_key(db, "items"), 2 * 2097152 + 2);
  ledger_close(other);
  ledger_close(db);
  file_remove(path);
  rmdir(folder);
}

/* ---- the clock */

static void test_clock(void **state) {
  (void)state;
  char one[65];
  struct batch_script_read read;
  ledger *db = own_file();
  int64_t now = clock_now_us() / 1000 * 65536, ahead = now + 3600000LL * 65536;
  snprintf(one, sizeof one, "%s", own_cut(db, 1));
  assert_int_equal(ack(db, .received = 1, .hash = one, .applied = 1, .clock = ahead), LEDGER_OK);
  assert_in_range(own_facts(db).clock_skew_ms + 3600000, 0, 60000);
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"after\"}}");
  assert_true(post_number(db, "SELECT max(hlc) FROM ledger_change") > ahead);
  batch_cut_and_read(db, &read);
  assert_true(batch_number(read.header, "clock") >= ahead);
  int64_t last = post_number(db, "SELECT max(hlc) FROM ledger_change");
  /* The notes go, the clock does not go back. */
  assert_int_equal(ack(db, .received = 2, .hash = read.hash, .applied = 2, .clock = 1), LEDGER_OK);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_change"), 0);
  batch_done(&read);
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"again\"}}");
  assert_true(post_number(db, "SELECT max(hlc) FROM ledger_change") > last);
  /* Carried for a week, it says nothing of this clock; that this one is behind, it does say. */
  ledger_sync_facts before = own_facts(db);
  int64_t skew = before.clock_skew_ms;
  struct batch_script_read next;
  batch_cut_and_read(db, &next);
  assert_int_equal(ack(db, .received = 3, .hash = next.hash, .is_carried = true,
                       .clock = now - 7 * 86400000LL * 65536),
                   LEDGER_OK);
  assert_int_equal(own_facts(db).clock_skew_ms, skew);
  assert_int_equal(ack(db, .received = 3, .hash = next.hash, .is_carried = true,
                       .clock = now + 86400000LL * 65536),
                   LEDGER_OK);
  assert_in_range(own_facts(db).clock_skew_ms + 86400000, 0, 60000);
  batch_done(&next);
  ledger_close(db);
}

/* ---- another identity, attempts */

static void test_rekey(void **state) {
  (void)state;
  char one[65], device[37];
  struct batch_script_read read;
  ledger *db = own_file();
  snprintf(device, sizeof device, "%s", own_device(db));
  snprintf(one, sizeof one, "%s", own_cut(db, 1));
  assert_int_equal(ack(db, .received = 1, .hash = one, .applied = 1), LEDGER_OK);
  own_cut(db, 2);
  own_cut(db, 3);
  assert_int_equal(ledger_rekey(db), LEDGER_OK);
  ledger_sync_facts facts = own_facts(db);
  assert_string_not_equal(facts.device, device);
  assert_int_equal(facts.device[14], '4');
  assert_string_equal(facts.previous_device, device);
  assert_int_equal(facts.epoch, 2);
  assert_int_equal(facts.cut, 0);
  assert_int_equal(facts.changes, 2); /* of the batches that main does not have */
  char *sql = ledger_enrol_sql(db, (const unsigned char *)"0123456789abcdef0123456789abcdef");
  assert_non_null(strstr(sql, "\"replaces\":\""));
  assert_non_null(strstr(sql, device));
  assert_non_null(strstr(sql, "\"public_key\":\"3031323334353637383961"));
  assert_non_null(strstr(sql, "\"epoch\":2"));
  ledger_free(sql);
  sql = ledger_acknowledgement_sql(db);
  assert_null(strstr(sql, device));
  assert_memory_equal(sql, "SELECT ledger_sync.acknowledgement('", 36);
  assert_string_equal(sql + strlen(sql) - 4, "');\n");
  ledger_free(sql);
  assert_int_equal(ack(db, .received = 1, .hash = one, .device = device), LEDGER_INVALID_PARAMETER);
  assert_int_equal(batch_cut_and_read(db, &read), 1);
  assert_int_equal(batch_number(read.header, "rows"), 2);
  assert_string_equal(batch_member(read.header, "device"), own_facts(db).device);
  assert_string_equal(batch_member(read.header, "previous"), "");
  assert_int_equal(ack(db, .received = 1, .hash = read.hash, .applied = 1, .epoch = 2), LEDGER_OK);
  batch_done(&read);
  ledger_close(db);
}

/* A file that was written before its changes were followed: all of it is to travel. */
static void test_upgrade(void **state) {
  (void)state;
  char folder[64] = "/tmp/ledger-state-XXXXXX", path[64];
  struct batch_script_read read;
  ledger *db = NULL;
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%.40s/file.db", folder);
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &db), LEDGER_OK);
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" POST_USER "\",\"email\":\"x@y.co\","
               "\"password_hash\":\"!\"}}");
  post_account(db, "A", "USD", "10");
  int64_t users = post_number(db, "SELECT count(*) FROM users");
  sqlite3_stmt *stmt = NULL;
  sqlite3_prepare_v2(
      db->sqlite,
      "SELECT group_concat('DROP TRIGGER \"' || name || '\"', ';') FROM sqlite_schema"
      " WHERE type = 'trigger' AND name LIKE 'ledger!_change!_%' ESCAPE '!'",
      -1, &stmt, NULL);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  char *drop = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  post_foreign(db, drop);
  sqlite3_free(drop);
  post_foreign(db, "DROP VIEW ledger_clock; DROP TABLE ledger_change; DROP TABLE ledger_sync_state;"
                   "DROP TABLE ledger_sync_table; DROP TABLE ledger_batch;"
                   "DROP TABLE ledger_batch_chunk; PRAGMA user_version = 2");
  ledger_close(db);
  if (ledger_open(path, 0, &db) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  batch_cut_and_read(db, &read);
  assert_int_equal(batch_table_of(&read, "users")->row_count, users);
  assert_string_equal(batch_value(&read, "users", "email", "x@y.co", "hlc"), "1");
  assert_string_equal(batch_value(&read, "accounts", "account_number", "A", "balance"), "10.00");
  assert_int_equal(batch_table_of(&read, "transactions")->row_count, 1);
  assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(read.header, "careful")));
  assert_int_equal(batch_table_of(&read, "delta")->row_count, 2);
  batch_done(&read);
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"x\"},"
               "\"where\":{\"email\":\"x@y.co\"}}");
  assert_true(post_number(db, "SELECT hlc FROM ledger_change ORDER BY n DESC") > 1000);
  post_close(db);
  file_remove(path);
  rmdir(folder);
}

static void test_attempts(void **state) {
  (void)state;
  ledger *db = own_file();
  ledger_sync_facts facts = own_facts(db);
  assert_string_equal(facts.attempted_at, "");
  assert_string_equal(facts.error, "");
  assert_int_equal(ledger_sync_attempt(db, "main cannot be reached"), LEDGER_OK);
  facts = own_facts(db);
  assert_string_equal(facts.error, "main cannot be reached");
  assert_string_equal(facts.attempted_at, facts.failed_at);
  assert_string_equal(facts.succeeded_at, "");
  assert_int_equal(ledger_sync_attempt(db, NULL), LEDGER_OK);
  facts = own_facts(db);
  assert_string_equal(facts.error, "");
  assert_string_equal(facts.attempted_at, facts.succeeded_at);
  assert_string_not_equal(facts.failed_at, "");
  ledger_close(db);
}

static void test_misuse(void **state) {
  (void)state;
  ledger *db = own_file();
  ledger_sync_facts facts;
  int64_t seq = 7;
  assert_int_equal(ledger_sync_status(NULL, &facts), LEDGER_MISUSE);
  assert_int_equal(ledger_sync_status(db, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_batch_cut(NULL, &seq), LEDGER_MISUSE);
  assert_int_equal(seq, 0);
  assert_int_equal(ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_batch_script(db, 1, 9, batch_text_add, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_acknowledge(db, NULL, 0, 1), LEDGER_MISUSE);
  assert_null(ledger_acknowledgement_sql(NULL));
  assert_null(ledger_enrol_sql(NULL, NULL));
  assert_int_equal(ledger_rekey(NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_set_main_key(db, NULL, 0), LEDGER_MISUSE);
  assert_int_equal(ledger_get_main_key(db, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_sync_table(db, NULL, NULL, NULL), LEDGER_MISUSE);
  post_foreign(db, "DELETE FROM ledger_sync_state");
  assert_int_equal(ledger_sync_status(db, &facts), LEDGER_CORRUPT);
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_CORRUPT);
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_received), cmocka_unit_test(test_kept),
      cmocka_unit_test(test_refused),  cmocka_unit_test(test_not_read),
      cmocka_unit_test(test_signed),   cmocka_unit_test(test_full),
      cmocka_unit_test(test_ranges),   cmocka_unit_test(test_range_elsewhere),
      cmocka_unit_test(test_clock),    cmocka_unit_test(test_rekey),
      cmocka_unit_test(test_upgrade),  cmocka_unit_test(test_attempts),
      cmocka_unit_test(test_misuse)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
