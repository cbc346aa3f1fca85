/*
** test_history: balances as of a time by either clock, and pages of what happened.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "post.h"

#define TEST_T0 INT64_C(1893456000000000) /* 2030-01-01 */

/* Nothing is in the book but what the test does: a user would have an audit journal. */
static ledger *test_pair(void) {
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema("full"), 0, &db), LEDGER_OK);
  post_account(db, "A", "USD", NULL);
  post_account(db, "B", "USD", NULL);
  return db;
}

/* "balance available held version" as of a time, in microseconds from TEST_T0. */
static void test_at_text(ledger *db, const char *account, const char *time, enum ledger_clock clock,
                         const char *wanted) {
  ledger_balance balance;
  char found[100];
  if (ledger_balance_at(db, account, time, clock, &balance) != LEDGER_OK)
    fail_msg("%s: %s", time, ledger_error_of(db)->message);
  snprintf(found, sizeof found, "%s %s %s %lld", balance.balance, balance.available, balance.held,
           (long long)balance.version);
  if (strcmp(found, wanted) != 0) fail_msg("%s at %s: %s, not %s", account, time, found, wanted);
}

static void test_at(ledger *db, const char *account, int64_t us, enum ledger_clock clock,
                    const char *wanted) {
  char time[MOMENT_TEXT_MAX];
  moment_text(TYPE_TIMESTAMPTZ, TEST_T0 + us + MOMENT_UNIX_EPOCH, time);
  test_at_text(db, account, time, clock, wanted);
}

/* Each moment of 700 journals, some of them at the same moment, is found, and in few steps. */
static void test_booked(void **state) {
  (void)state;
  ledger *db = test_pair();
  char reference[32], wanted[80];
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  for (int i = 1; i <= 700; i++) {
    db->session.now_us = TEST_T0 + (i + 1) / 2 * 10; /* two at a time: 10, 10, 20, 20, ... */
    snprintf(reference, sizeof reference, "D%d", i);
    post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = reference, .to = i % 7 == 0 ? "B" : "A",
              .amount = "1");
  }
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  test_at(db, "A", 9, LEDGER_BOOKED, "0.00 0.00 0.00 0");
  for (int moment = 10; moment <= 3500; moment += 10) {
    int count = 2 * (moment / 10), others = count / 7;
    snprintf(wanted, sizeof wanted, "%d.00 %d.00 0.00 %d", count - others, count - others,
             count - others);
    test_at(db, "A", moment, LEDGER_BOOKED, wanted);
    test_at(db, "A", moment + 9, LEDGER_BOOKED, wanted);
    snprintf(wanted, sizeof wanted, "%d.00 %d.00 0.00 %d", others, others, others);
    test_at(db, "B", moment + 5, LEDGER_BOOKED, wanted);
  }
  sqlite3_stmt *stmt = db->fixed[STATEMENT_HISTORY_ENTRY];
  int most = 0;
  for (int moment = 10; moment <= 3500; moment += 10) {
    sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 1);
    test_at(db, "B", moment, LEDGER_BOOKED,
            (snprintf(wanted, sizeof wanted, "%d.00 %d.00 0.00 %d", 2 * (moment / 10) / 7,
                      2 * (moment / 10) / 7, 2 * (moment / 10) / 7),
             wanted));
    int steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_RUN, 1);
    if (steps > most) most = steps;
  }
  assert_in_range(most, 2, 40); /* of 100 entries; one by one it would be 100 */
  test_at_text(db, "A", "infinity", LEDGER_BOOKED, "600.00 600.00 0.00 600");
  test_at_text(db, "A", "-infinity", LEDGER_BOOKED, "0.00 0.00 0.00 0");
  test_at_text(db, "A", "9999-12-31 23:59:59.999999+00", LEDGER_BOOKED, "600.00 600.00 0.00 600");
  test_at_text(db, "A", "0001-01-01 00:00+00", LEDGER_BOOKED, "0.00 0.00 0.00 0");
  post_close(db);
}

/* What is held is as of the booking time, too; the effective clock has money alone. */
static void test_clocks(void **state) {
  (void)state;
  ledger *db = test_pair();
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  db->session.now_us = TEST_T0 + 10;
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D1", .to = "A", .amount = "100");
  db->session.now_us = TEST_T0 + 20;
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B", .amount = "30");
  db->session.now_us = TEST_T0 + 30;
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D2", .to = "A", .amount = "5",
            .effective_at = "2030-01-01 00:00:00.000005+00");
  db->session.now_us = TEST_T0 + 40;
  post_done(db, .kind = LEDGER_OP_CAPTURE, .reference = "C", .of = "H", .amount = "10",
            .effective_at = "2030-01-01 00:00:00.000100+00", .final = 1);
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  test_at(db, "A", 19, LEDGER_BOOKED, "100.00 100.00 0.00 1");
  test_at(db, "A", 20, LEDGER_BOOKED, "100.00 70.00 30.00 2");
  test_at(db, "A", 30, LEDGER_BOOKED, "105.00 75.00 30.00 3");
  test_at(db, "A", 40, LEDGER_BOOKED, "95.00 95.00 0.00 5");
  test_at(db, "A", 4, LEDGER_EFFECTIVE, "0.00   0");
  test_at(db, "A", 5, LEDGER_EFFECTIVE, "5.00   3");
  test_at(db, "A", 10, LEDGER_EFFECTIVE, "105.00   3");
  test_at(db, "A", 99, LEDGER_EFFECTIVE, "105.00   3");
  test_at(db, "A", 100, LEDGER_EFFECTIVE, "95.00   5");
  test_at(db, "B", 100, LEDGER_EFFECTIVE, "10.00   3");
  test_at_text(db, "system:world:USD", "infinity", LEDGER_BOOKED, "-105.00 -105.00 0.00 2");
  test_at_text(db, "system:fees:USD", "infinity", LEDGER_BOOKED, "0.00 0.00 0.00 0");
  post_close(db);
}

static void test_at_refused(void **state) {
  (void)state;
  ledger *db = test_pair();
  ledger_balance balance;
  assert_int_equal(ledger_balance_at(db, "Z", "now", LEDGER_BOOKED, &balance),
                   LEDGER_UNKNOWN_ACCOUNT);
  assert_int_equal(ledger_balance_at(db, "A", "soon", LEDGER_BOOKED, &balance),
                   LEDGER_INVALID_DATETIME);
  assert_int_equal(ledger_balance_at(db, "A", "", LEDGER_BOOKED, &balance),
                   LEDGER_INVALID_DATETIME);
  test_at_text(db, "A", "2026-01-01", LEDGER_BOOKED, "0.00 0.00 0.00 0");
  ledger_close(db);
  db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema("elon"), 0, &db), LEDGER_OK);
  assert_int_equal(ledger_balance_at(db, "A", "now", LEDGER_BOOKED, &balance), LEDGER_NO_BOOK);
  assert_int_equal(
      ledger_history(db, &(ledger_history_filter){.account = "A"}, &(ledger_rows *){NULL}),
      LEDGER_NO_BOOK);
  ledger_close(db);
}

/* ---- pages */

/* One column of all pages of a history, with commas between the rows and a bar between the pages. */
static void test_pages(ledger *db, ledger_history_filter filter, int column, const char *wanted) {
  sqlite3_str *found = sqlite3_str_new(NULL);
  int limit = filter.limit == 0 ? 100 : filter.limit, count = limit;
  for (int page = 0; count == limit; page++) {
    ledger_rows *rows = NULL;
    if (ledger_history(db, &filter, &rows) != LEDGER_OK)
      fail_msg("%s", ledger_error_of(db)->message);
    for (count = 0; ledger_rows_next(rows) == LEDGER_ROW; count++) {
      const char *text = ledger_rows_text(rows, column, NULL);
      const char *before = count > 0 ? "," : page > 0 ? "|" : "";
      sqlite3_str_appendf(found, "%s%s", before, text == NULL ? "-" : text);
      filter.after = strtoll(ledger_rows_text(rows, 0, NULL), NULL, 10);
    }
    ledger_rows_free(rows);
    assert_in_range(count, 0, limit);
  }
  char *text = sqlite3_str_finish(found);
  int differs = strcmp(text == NULL ? "" : text, wanted);
  if (differs != 0) print_error("%s\nnot %s\n", text == NULL ? "" : text, wanted);
  sqlite3_free(text);
  assert_int_equal(differs, 0);
}

/* Journals 1 and 2 open the accounts. */
static ledger *test_story(void) {
  ledger *db = test_pair();
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  db->session.now_us = TEST_T0 + 10;
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = "A", .amount = "100",
            .description = "pay");
  db->session.now_us = TEST_T0 + 20;
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B", .amount = "50",
            .description = "room");
  post_done(db, .kind = LEDGER_OP_CAPTURE, .reference = "C1", .of = "H", .amount = "20",
            .description = "night");
  db->session.now_us = TEST_T0 + 30;
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "B", .to = "A",
            .amount = "1");
  post_refused(db, LEDGER_NO_FUNDS, "", .kind = LEDGER_OP_WITHDRAW, .reference = "W", .from = "B",
               .amount = "1000", .keep_failed = 1);
  db->session.now_us = TEST_T0 + 40;
  post_done(db, .kind = LEDGER_OP_REVERSE, .reference = "R", .of = "C1", .amount = "5",
            .effective_at = "2030-01-02 03:04:05+00");
  post_done(db, .kind = LEDGER_OP_RELEASE, .reference = "L", .of = "H");
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  return db;
}

static void test_account(void **state) {
  (void)state;
  ledger *db = test_story();
  for (int limit = 1; limit <= 10; limit++) { /* a page never loses or repeats a row */
    char wanted[2][80] = {"", ""};
    static const char *const references[] = {"D", "H", "C1", "C1", "T", "R", "L"};
    for (int i = 0; i < 7; i++) {
      const char *mark = i == 0 ? "" : i % limit == 0 ? "|" : ",";
      size_t length[2] = {strlen(wanted[0]), strlen(wanted[1])};
      snprintf(wanted[0] + length[0], 20, "%s%s", mark, references[i]);
      snprintf(wanted[1] + length[1], 20, "%s%s", mark, references[6 - i]);
    }
    test_pages(db, (ledger_history_filter){.account = "A", .limit = limit, .oldest_first = 1}, 3,
               wanted[0]);
    test_pages(db, (ledger_history_filter){.account = "A", .limit = limit}, 3, wanted[1]);
  }
  ledger_history_filter all = {.account = "A", .oldest_first = 1};
  test_pages(db, all, 2, "deposit,hold,capture,capture,transfer,reverse,release");
  test_pages(db, all, 4, "posted,held,held,posted,posted,posted,held");
  test_pages(db, all, 5, "100.00,-50.00,20.00,-20.00,1.00,5.00,30.00");
  test_pages(db, all, 6, "100.00,100.00,100.00,80.00,81.00,86.00,86.00");
  test_pages(db, all, 7, "100.00,50.00,70.00,50.00,51.00,56.00,86.00");
  test_pages(db, all, 8, "1,2,3,4,5,6,7");
  test_pages(db, all, 11, "pay,room,-,-,-,-,-");
  test_pages(db, (ledger_history_filter){.account = "B", .oldest_first = 1}, 11,
             "-,night,night,-,-,-");
  test_pages(db, (ledger_history_filter){.account = "system:world:USD"}, 5, "-100.00");
  test_pages(db, (ledger_history_filter){.account = "system:fees:USD"}, 5, "");
  ledger_rows *rows = NULL;
  assert_int_equal(
      ledger_history(db, &(ledger_history_filter){.account = "A", .kind = "reverse"}, &rows),
      LEDGER_OK);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  const char *json = strstr(ledger_rows_json(rows, NULL), "\"journal\"");
  assert_string_equal(
      json,
      "\"journal\":8,\"kind\":\"reverse\",\"reference\":\"R\",\"layer\":\"posted\",\"amount\":5.00,"
      "\"balance\":86.00,\"available\":56.00,\"version\":6,"
      "\"effective_at\":\"2030-01-02T03:04:05+00:00\","
      "\"created_at\":\"2030-01-01T00:00:00.00004+00:00\",\"description\":null}");
  assert_string_equal(ledger_rows_type(rows, 5), "numeric");
  ledger_rows_free(rows);
  post_close(db);
}

static void test_filters(void **state) {
  (void)state;
  ledger *db = test_story();
  ledger_history_filter filter = {.account = "A", .oldest_first = 1};
  filter.kind = "capture";
  test_pages(db, filter, 3, "C1,C1");
  filter.limit = 1;
  test_pages(db, filter, 3, "C1|C1");
  filter = (ledger_history_filter){
      .account = "A", .oldest_first = 1, .since = "2030-01-01 00:00:00.00002+00"};
  test_pages(db, filter, 3, "H,C1,C1,T,R,L");
  filter.since = "2030-01-01 00:00:00.000021+00";
  test_pages(db, filter, 3, "T,R,L");
  filter.until = "2030-01-01 00:00:00.000039+00";
  test_pages(db, filter, 3, "T");
  filter.since = "2030-01-01 00:00:00.000031+00";
  test_pages(db, filter, 3, "");
  filter = (ledger_history_filter){.account = "A", .until = "2030-01-01 00:00:00.00002+00"};
  test_pages(db, filter, 3, "C1,C1,H,D");
  filter.until = "2029-01-01";
  test_pages(db, filter, 3, "");
  filter = (ledger_history_filter){.account = "A", .since = "infinity"};
  test_pages(db, filter, 3, "");
  /* about a hold: itself, what was taken of it, what was reversed of that */
  for (int limit = 1; limit <= 6; limit++) {
    static const char *const newest[] = {
        "",           "L|R|C1|C1|H", "L,R|C1,C1|H", "L,R,C1|C1,H", "L,R,C1,C1|H", "L,R,C1,C1,H",
        "L,R,C1,C1,H"};
    static const char *const oldest[] = {
        "",           "H|C1|C1|R|L", "H,C1|C1,R|L", "H,C1,C1|R,L", "H,C1,C1,R|L", "H,C1,C1,R,L",
        "H,C1,C1,R,L"};
    filter = (ledger_history_filter){.account = "A", .reference = "H", .limit = limit};
    test_pages(db, filter, 3, newest[limit]);
    filter.oldest_first = 1;
    test_pages(db, filter, 3, oldest[limit]);
  }
  filter = (ledger_history_filter){.account = "A", .reference = "C1", .kind = "reverse"};
  test_pages(db, filter, 3, "R");
  filter = (ledger_history_filter){.account = "B", .reference = "D"};
  test_pages(db, filter, 3, "");
  filter = (ledger_history_filter){
      .account = "A", .reference = "H", .until = "2030-01-01 00:00:00.00003+00"};
  test_pages(db, filter, 3, "C1,C1,H");
  post_close(db);
}

static void test_book(void **state) {
  (void)state;
  ledger *db = test_story();
  ledger_history_filter filter = {.oldest_first = 1};
  test_pages(db, filter, 3, "open-A,open-B,D,H,C1,T,W,R,L");
  test_pages(db, filter, 4, "-,-,-,-,H,-,-,C1,H");
  test_pages(db, filter, 5, "done,done,done,done,done,done,LG001,done,done");
  test_pages(db, filter, 8, "0,0,2,2,4,2,0,2,2");
  filter.limit = 4;
  test_pages(db, filter, 0, "1,2,3,4|5,6,7,8|9");
  filter.oldest_first = 0;
  test_pages(db, filter, 0, "9,8,7,6|5,4,3,2|1");
  filter.limit = 3; /* the last page is full, and an empty one follows */
  test_pages(db, filter, 0, "9,8,7|6,5,4|3,2,1");
  filter = (ledger_history_filter){.kind = "open"};
  test_pages(db, filter, 3, "open-B,open-A");
  filter = (ledger_history_filter){.reference = "H", .limit = 2};
  test_pages(db, filter, 3, "L,R|C1,H");
  filter.oldest_first = 1;
  test_pages(db, filter, 3, "H,C1|R,L");
  filter.kind = "capture";
  test_pages(db, filter, 3, "C1");
  filter = (ledger_history_filter){.since = "2030-01-01 00:00:00.00004+00"};
  test_pages(db, filter, 3, "L,R");
  filter = (ledger_history_filter){.after = INT64_MAX, .limit = 1};
  test_pages(db, filter, 0, "9|8|7|6|5|4|3|2|1");
  filter = (ledger_history_filter){.after = INT64_MAX, .oldest_first = 1};
  test_pages(db, filter, 0, "");
  post_close(db);
}

/* Longer than what is read ahead, at once and by pages of odd sizes, from both ends. */
static void test_long(void **state) {
  (void)state;
  ledger *db = test_pair();
  char reference[32];
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = "A", .amount = "1000");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  for (int i = 2; i <= 1001; i++) {
    snprintf(reference, sizeof reference, "T%d", i);
    post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = reference, .from = "A", .to = "B",
              .amount = "0.01");
  }
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  for (int limit = 1000; limit > 0; limit /= 5) {
    for (int oldest_first = 0; oldest_first <= 1; oldest_first++) {
      ledger_history_filter filter = {.account = "A", .limit = limit, .oldest_first = oldest_first};
      int64_t version = oldest_first ? 0 : 1002;
      int count = limit;
      while (count == limit) {
        ledger_rows *rows = NULL;
        assert_int_equal(ledger_history(db, &filter, &rows), LEDGER_OK);
        for (count = 0; ledger_rows_next(rows) == LEDGER_ROW; count++) {
          filter.after = strtoll(ledger_rows_text(rows, 0, NULL), NULL, 10);
          version += oldest_first ? 1 : -1;
          assert_int_equal(strtoll(ledger_rows_text(rows, 8, NULL), NULL, 10), version);
        }
        ledger_rows_free(rows);
      }
      assert_int_equal(version, oldest_first ? 1001 : 1);
    }
  }
  test_pages(db, (ledger_history_filter){.account = "A", .kind = "deposit"}, 3, "D");
  test_pages(
      db, (ledger_history_filter){.account = "A", .kind = "deposit", .oldest_first = 1, .limit = 1},
      3, "D");
  post_close(db);
}

static void test_refused(void **state) {
  (void)state;
  ledger *db = test_story();
  static const struct {
    ledger_history_filter filter;
    int code;
    const char *words;
  } cases[] = {
      {{.limit = 1001}, LEDGER_INVALID_PARAMETER, "limit is 1001"},
      {{.limit = -1}, LEDGER_INVALID_PARAMETER, "limit is -1"},
      {{.after = -1}, LEDGER_INVALID_PARAMETER, "cursor"},
      {{.kind = "theft"}, LEDGER_INVALID_PARAMETER, "\"theft\""},
      {{.account = "Z"}, LEDGER_UNKNOWN_ACCOUNT, "\"Z\""},
      {{.reference = "Z"}, LEDGER_UNKNOWN_REFERENCE, "\"Z\""},
      {{.since = "x"}, LEDGER_INVALID_DATETIME, "\"x\""},
      {{.until = "x"}, LEDGER_INVALID_DATETIME, "\"x\""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger_rows *rows = NULL;
    assert_int_equal(ledger_history(db, &cases[i].filter, &rows), cases[i].code);
    assert_null(rows);
    if (strstr(ledger_error_of(db)->message, cases[i].words) == NULL)
      fail_msg("%s", ledger_error_of(db)->message);
  }
  test_pages(db, (ledger_history_filter){.limit = 1000, .kind = "hold"}, 0, "4");
  post_close(db);
}

/* Links that a foreign program bent end in an error, not in a circle. */
static void test_broken(void **state) {
  (void)state;
  static const char *const edits[] = {"previous = seq", "previous = seq + 1", "jump = seq",
                                      "account_key = 99", "layer = 0, previous = 1000"};
  for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
    ledger *db = test_story();
    char sql[200];
    ledger_rows *rows = NULL;
    ledger_balance balance;
    post_foreign(db, "DROP TRIGGER ledger_entry_update");
    snprintf(sql, sizeof sql,
             "UPDATE ledger_entry SET %s WHERE seq = (SELECT last_entry FROM ledger_account a"
             " JOIN accounts p ON p.id = a.owner WHERE p.account_number = 'A')",
             edits[i]);
    post_foreign(db, sql);
    assert_int_equal(ledger_history(db, &(ledger_history_filter){.account = "A"}, &rows),
                     LEDGER_BOOK_BROKEN);
    assert_int_equal(ledger_balance_at(db, "A", "2020-01-01", LEDGER_BOOKED, &balance),
                     LEDGER_BOOK_BROKEN);
    assert_int_equal(ledger_balance_at(db, "A", "2020-01-01", LEDGER_EFFECTIVE, &balance),
                     LEDGER_BOOK_BROKEN);
    ledger_close(db);
  }
}

/* A handle that only reads sees what another one has committed since, and neither more. */
static void test_handles(void **state) {
  (void)state;
  char path[64];
  ledger *db = NULL, *reader = NULL;
  snprintf(path, sizeof path, "/tmp/ledger-history-%ld.db", (long)getpid());
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  post_account(db, "A", "USD", "1");
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &reader), LEDGER_OK);
  test_pages(reader, (ledger_history_filter){.account = "A"}, 6, "1.00");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D", .to = "A", .amount = "2");
  test_pages(db, (ledger_history_filter){.account = "A"}, 6, "3.00,1.00");
  test_pages(reader, (ledger_history_filter){.account = "A"}, 6, "1.00");
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  test_pages(reader, (ledger_history_filter){.account = "A"}, 6, "3.00,1.00");
  test_at_text(reader, "A", "infinity", LEDGER_BOOKED, "3.00 3.00 0.00 2");
  assert_int_equal(ledger_expire(reader, NULL), LEDGER_OK); /* nothing is due */
  ledger_close(reader);
  post_close(db);
  file_remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_booked),     cmocka_unit_test(test_clocks),
      cmocka_unit_test(test_at_refused), cmocka_unit_test(test_account),
      cmocka_unit_test(test_filters),    cmocka_unit_test(test_book),
      cmocka_unit_test(test_long),       cmocka_unit_test(test_refused),
      cmocka_unit_test(test_broken),     cmocka_unit_test(test_handles),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
