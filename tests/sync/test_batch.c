/*
** Batches: what is cut, how it is written down, and what a script made of it looks like. Hashes and sums are computed here again,
** from the decoded rows (lib/batch.h).
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include <batch.h>
#include <post.h>
#include <random.h>
#include <server.h>

#include "schema/compiler/compiler.h"

static const char own_schema[] =
    "CREATE EXTENSION citext;"
    "CREATE TABLE pairs (a int, b text, note text, twice int GENERATED ALWAYS AS (a * 2) STORED,"
    " PRIMARY KEY (a, b));"
    "CREATE TABLE loose (x text);"
    "CREATE TABLE names (name citext PRIMARY KEY, n int);"
    "CREATE TABLE items (id serial PRIMARY KEY, body text, bytes bytea, tags text[], doc jsonb,"
    " ok boolean, amount numeric(12,4), at timestamptz, day date, span interval, ip inet,"
    " real8 double precision);"
    "CREATE TABLE codes (code text PRIMARY KEY, label text UNIQUE);"
    "CREATE TABLE points (x double precision, n int, PRIMARY KEY (x, n));"
    "CREATE TABLE reals (x real PRIMARY KEY, note text);";

static ledger *own_file(void) {
  const struct schema_file file = {
      .name = "own.sql", .text = own_schema, .length = sizeof own_schema - 1};
  const struct schema_options options = {.name = "own"};
  struct schema_result *result;
  ledger *db = NULL;
  int rc = schema_compile(&file, 1, &options, &result);
  if (rc != 0 && result != NULL) print_error("%s\n", result->notes[0].message);
  assert_int_equal(rc, 0);
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  return db;
}

static int64_t own_relation(ledger *db, const char *name) {
  char sql[200];
  snprintf(sql, sizeof sql, "SELECT relation_id FROM ledger_catalog_relation WHERE name = '%s'",
           name);
  return post_number(db, sql);
}

/* What a trigger would have noted. `key` is SQL. */
static void own_note(ledger *db, const char *table, const char *key, int replaced) {
  char sql[300];
  snprintf(sql, sizeof sql,
           "INSERT INTO ledger_change (relation, key, hlc, replaced) SELECT %lld, %s,"
           " coalesce(max(hlc), 1000) + 1, %d FROM ledger_change",
           (long long)own_relation(db, table), key, replaced);
  post_foreign(db, sql);
}

static void assert_text(const char *found, const char *wanted) {
  if (wanted == NULL)
    assert_null(found);
  else {
    assert_non_null(found);
    assert_string_equal(found, wanted);
  }
}

/* Everything that was noted so far is cut and done with. */
static void own_settle(ledger *db) {
  int64_t seq;
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
}

/* ---- rows */

static void test_rows(void **state) {
  (void)state;
  struct batch_script_read read, next;
  ledger *db = own_file();
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"a\",\"label\":\"one\"}}");
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"b\",\"label\":null}}");
  post_row(db, "{\"table\":\"pairs\",\"row\":{\"a\":2,\"b\":\"it's, \\\"x\\\"\",\"note\":\"\"}}");
  assert_int_equal(batch_cut_and_read(db, &read), 1);
  assert_int_equal(read.table_count, 2); /* in order of the relations */
  assert_string_equal(read.tables[0].name, "pairs");
  assert_int_equal(read.tables[0].field_count, 2 + 3); /* the generated column stays */
  assert_text(batch_value(&read, "pairs", "a", "2", "b"), "it's, \"x\"");
  assert_text(batch_value(&read, "pairs", "a", "2", "note"), "");
  assert_text(batch_value(&read, "codes", "code", "a", "label"), "one");
  assert_text(batch_value(&read, "codes", "code", "b", "label"), NULL);
  assert_text(batch_value(&read, "codes", "code", "b", "gone"), "f");
  assert_string_equal(batch_member(read.header, "previous"), "");
  assert_int_equal(batch_number(read.header, "first"), 1);
  assert_int_equal(batch_number(read.header, "last"), 3);
  assert_int_equal(batch_number(read.header, "journal"), 0);
  assert_string_equal(batch_member(read.header, "head"), "");
  int64_t seq = 7;
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
  assert_int_equal(seq, 0); /* nothing was written since */
  post_row(db, "{\"table\":\"codes\",\"op\":\"update\",\"row\":{\"label\":\"two\"},"
               "\"where\":{\"code\":\"b\"}}");
  post_row(db, "{\"table\":\"codes\",\"op\":\"update\",\"row\":{\"label\":\"three\"},"
               "\"where\":{\"code\":\"b\"}}");
  post_row(db, "{\"table\":\"codes\",\"op\":\"delete\",\"where\":{\"code\":\"a\"}}");
  post_row(db, "{\"table\":\"pairs\",\"op\":\"delete\",\"where\":{\"a\":2}}");
  assert_int_equal(batch_cut_and_read(db, &next), 2);
  assert_string_equal(batch_member(next.header, "previous"), read.hash);
  assert_int_equal(batch_number(next.header, "first"), 4);
  assert_text(batch_value(&next, "codes", "code", "b", "label"), "three"); /* once */
  assert_text(batch_value(&next, "codes", "code", "a", "gone"), "t");
  assert_text(batch_value(&next, "codes", "code", "a", "label"), NULL);
  assert_text(batch_value(&next, "pairs", "a", "2", "b"), "it's, \"x\"");
  assert_text(batch_value(&next, "pairs", "a", "2", "gone"), "t");
  assert_true(strtoll(batch_value(&next, "codes", "code", "a", "hlc"), NULL, 10) >
              strtoll(batch_value(&next, "codes", "code", "b", "hlc"), NULL, 10));
  batch_done(&read);
  batch_done(&next);
  ledger_close(db);
}

/* A note that a row may have been replaced counts only when it is gone; a table without a key, or that is local or main's, stays. */
static void test_what_counts(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = own_file();
  post_foreign(db, "INSERT INTO codes VALUES ('here', 'x'), ('there', 'y')");
  post_foreign(db, "DELETE FROM ledger_change");
  own_note(db, "codes", "'here'", 1);
  own_note(db, "codes", "'gone'", 1);
  own_note(db, "codes", "'there'", 1);
  own_note(db, "codes", "'there'", 0);
  own_note(db, "loose", "1", 0);
  post_foreign(db, "INSERT INTO ledger_change (relation, key, hlc) VALUES (999999, 'x', 1)");
  batch_cut_and_read(db, &read);
  assert_int_equal(read.table_count, 1);
  assert_int_equal(read.tables[0].row_count, 2);
  assert_text(batch_value(&read, "codes", "code", "gone", "gone"), "t");
  assert_text(batch_value(&read, "codes", "code", "there", "gone"), "f");
  batch_done(&read);
  assert_int_equal(ledger_sync_table(db, "codes", "local", NULL), LEDGER_OK);
  int64_t seq = 7;
  own_note(db, "codes", "'there'", 0);
  own_settle(db);
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
  assert_int_equal(seq, 0);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch"), 1);
  ledger_sync_facts facts;
  assert_int_equal(ledger_sync_status(db, &facts), LEDGER_OK);
  assert_int_equal(facts.changes, 0);
  assert_int_equal(facts.cut, 1);
  ledger_close(db);
}

/* A key that PostgreSQL cannot have, and that is gone again, is nobody's business. */
static void test_wrong_key(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = own_file();
  own_note(db, "codes", "CAST(x'ff' AS TEXT)", 0);
  own_note(db, "codes", "7", 0);
  own_note(db, "codes", "'k'", 0);
  batch_cut_and_read(db, &read);
  assert_int_equal(read.tables[0].row_count, 1);
  assert_text(batch_value(&read, "codes", "code", "k", "gone"), "t");
  batch_done(&read);
  ledger_close(db);
}

/* Keys that compare as equal are one row there and here: it travels once, under the key that it has. */
static void test_equal_keys(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = own_file();
  post_foreign(db, "INSERT INTO names VALUES ('Ada', 1)");
  post_foreign(db, "DELETE FROM ledger_change");
  own_note(db, "names", "'ADA'", 0);
  own_note(db, "names", "'Ada'", 0);
  own_note(db, "names", "'ada'", 0);
  own_note(db, "names", "'bob'", 0);
  batch_cut_and_read(db, &read);
  assert_int_equal(read.tables[0].row_count, 2);
  assert_text(batch_value(&read, "names", "name", "Ada", "gone"), "f");
  assert_text(batch_value(&read, "names", "name", "bob", "gone"), "t");
  batch_done(&read);
  ledger_close(db);
}

/* A real key that is a whole number is one key, whoever wrote the row. */
static void test_real_keys(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = own_file();
  static const char *const keys[] = {"1", "-1", "100", "1.5", "1e15", "0"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    char row[100];
    snprintf(row, sizeof row, "{\"table\":\"points\",\"row\":{\"x\":%s,\"n\":1}}", keys[i]);
    post_row(db, row);
    snprintf(row, sizeof row, "{\"table\":\"reals\",\"row\":{\"x\":%s}}", keys[i]);
    post_row(db, row);
  }
  own_note(db, "points", "quote(1.0) || ',1'", 0); /* as the trigger of a foreign write */
  own_note(db, "reals", "1.0", 0);
  batch_cut_and_read(db, &read);
  for (int t = 0; t < 2; t++) {
    assert_int_equal(read.tables[t].row_count, sizeof keys / sizeof *keys);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
      assert_string_equal(batch_value(&read, t == 0 ? "points" : "reals", "x",
                                      strcmp(keys[i], "1e15") == 0 ? "1e+15" : keys[i], "gone"),
                          "f");
  }
  post_row(db, "{\"table\":\"points\",\"op\":\"delete\",\"where\":{\"x\":1}}");
  post_row(db, "{\"table\":\"reals\",\"op\":\"delete\",\"where\":{\"x\":100}}");
  batch_done(&read);
  batch_cut_and_read(db, &read);
  assert_text(batch_value(&read, "points", "x", "1", "gone"), "t");
  assert_text(batch_value(&read, "reals", "x", "100", "gone"), "t");
  batch_done(&read);
  ledger_close(db);
}

/* Every type's output text; every byte that text can have; both forms decode to the same. */
static void test_values(void **state) {
  (void)state;
  struct batch_script_read read;
  struct batch_text insert = {NULL, 0, 0};
  char every[300];
  size_t length = 0;
  for (int c = 1; c < 0x80; c++) every[length++] = (char)c;
  memcpy(every + length, "\xf0\x9f\x98\x80\xe2\x80\xa8'\\N\\.\n\\.\n", 17);
  length += 17;
  every[length] = 0;
  ledger *db = own_file();
  const char *const columns[] = {"body", "bytes", "tags", "doc", "ok",   "amount",
                                 "at",   "day",   "span", "ip",  "real8"};
  const char *const texts[] = {every,
                               "\\x00ff27",
                               "{a,NULL,\"b,c\",\"\"}",
                               "{\"b\": 1, \"a\": [\"x\"]}",
                               "t",
                               "12.5",
                               "2026-01-28 12:34:56.5+00",
                               "2026-01-28",
                               "1 day 02:03:04",
                               "10.0.0.1",
                               "0.1"};
  ledger_value values[11];
  for (int i = 0; i < 11; i++)
    values[i] = (ledger_value){.kind = LEDGER_TEXT, .text = texts[i], .length = strlen(texts[i])};
  if (ledger_insert(db, "items", 11, columns, values, NULL) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(db)->message);
  batch_cut_and_read(db, &read);
  for (int i = 0; i < 11; i++) {
    const char *found = batch_value(&read, "items", "id", "1", columns[i]);
    if (i == 3)
      assert_string_equal(found, "{\"a\": [\"x\"], \"b\": 1}");
    else
      assert_string_equal(found, i == 5 ? "12.5000" : texts[i]);
  }
  assert_int_equal(ledger_batch_script(db, 1, LEDGER_EXPORT_INSERT, batch_text_add, &insert),
                   LEDGER_OK);
  sqlite3_str *expected = sqlite3_str_new(NULL);
  const struct batch_table_read *table = &read.tables[0];
  sqlite3_str_appendall(expected, "INSERT INTO pg_temp.ledger_1 VALUES\n(");
  for (int i = 0; i < table->field_count; i++)
    sqlite3_str_appendf(expected, "%s%Q", i > 0 ? "," : "", table->fields[i].text);
  sqlite3_str_appendall(expected, ");\nSELECT ledger_sync.end_batch();\nCOMMIT;\n");
  char *text = sqlite3_str_finish(expected);
  size_t tail = strlen(text);
  assert_true(insert.length > tail);
  assert_string_equal(insert.bytes + insert.length - tail, text);
  assert_memory_equal(insert.bytes, "BEGIN;\n", 7); /* no backslash command */
  sqlite3_free(text);
  free(insert.bytes);
  batch_done(&read);
  ledger_close(db);
}

/* What a foreign program stored wrongly is named, and nothing is cut until it is mended. */
static void test_wrong_value(void **state) {
  (void)state;
  static const struct {
    const char *sql, *key, *column;
    int code;
  } cases[] = {
      {"INSERT INTO codes VALUES ('k', CAST(x'61ff' AS TEXT))", "k", "label", LEDGER_BAD_ENCODING},
      {"INSERT INTO codes VALUES ('k', CAST(x'6100' AS TEXT))", "k", "label", LEDGER_BAD_ENCODING},
      {"PRAGMA ignore_check_constraints = 1; INSERT INTO items (id, ok) VALUES (5, 7)", "5", "ok",
       LEDGER_CORRUPT},
      {"PRAGMA ignore_check_constraints = 1; INSERT INTO items (id, at) VALUES (5, 'soon')", "5",
       "at", LEDGER_CORRUPT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger *db = own_file();
    int64_t seq = 7;
    post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"a\",\"label\":\"one\"}}");
    post_foreign(db, cases[i].sql);
    bool is_code = i < 2;
    own_note(db, is_code ? "codes" : "items", is_code ? "'k'" : "5", 0);
    assert_int_equal(ledger_batch_cut(db, &seq), cases[i].code);
    const ledger_error *error = ledger_error_of(db);
    assert_int_equal(seq, 0);
    assert_string_equal(error->table, is_code ? "codes" : "items");
    assert_string_equal(error->column, cases[i].column);
    char place[64];
    snprintf(place, sizeof place, "key (%s), column \"%s\"", cases[i].key, cases[i].column);
    if (strstr(error->message, place) == NULL) fail_msg("%s", error->message);
    assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch_chunk"), 0);
    assert_int_equal(post_number(db, "SELECT cut_change FROM ledger_sync_state"), 0);
    post_foreign(db, is_code ? "UPDATE codes SET label = 'right' WHERE code = 'k'"
                             : "UPDATE items SET ok = 1, at = NULL WHERE id = 5");
    struct batch_script_read read;
    batch_cut_and_read(db, &read);
    assert_int_equal(batch_number(read.header, "rows"), 2);
    batch_done(&read);
    ledger_close(db);
  }
}

/* The hash of a row is the one that PostgreSQL computes, whatever its length. */
static void test_hash(void **state) {
  (void)state;
  struct test_random random = {random_seed()};
  PGconn *connection = server_connect("postgres");
  for (int length = 0; length < 200; length++) {
    char text[200];
    for (int i = 0; i < length; i++) text[i] = (char)(1 + random_below(&random, 127));
    text[length] = 0;
    const char *values[] = {text};
    PGresult *result = PQexecParams(connection, "SELECT hashtextextended($1::text, 0)", 1, NULL,
                                    values, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    int64_t expected = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    assert_int_equal((int64_t)hash_text(text, (size_t)length), expected);
    PQclear(result);
  }
  PQfinish(connection);
}

/* ---- the book */

/* The batch's differences of an account are what the book's own rows have moved by. */
static void check_delta(ledger *db, const struct batch_script_read *read, const char *number,
                        const char *balance, const char *available) {
  ledger_balance now;
  assert_int_equal(ledger_account(db, number, &now), LEDGER_OK);
  assert_text(batch_value(read, "accounts", "account_number", number, "delta balance"), balance);
  assert_text(batch_value(read, "accounts", "account_number", number, "delta available_balance"),
              available);
  assert_text(batch_value(read, "accounts", "account_number", number, "balance"), now.balance);
}

static void test_book(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "100.00");
  post_account(db, "B", "USD", NULL);
  post_account(db, "C", "USD", "5");
  batch_cut_and_read(db, &read);
  check_delta(db, &read, "A", "100.00", "100.00");
  check_delta(db, &read, "B", NULL, NULL);
  assert_int_equal(batch_table_of(&read, "transactions")->row_count, 2);
  assert_non_null(batch_value(&read, "accounts", "account_number", "A", "hlc")); /* it was opened */
  batch_done(&read);
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A", .to = "B",
            .amount = "30.25");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "C", .amount = "20");
  batch_cut_and_read(db, &read);
  check_delta(db, &read, "A", "-30.25", "-50.25");
  check_delta(db, &read, "B", "30.25", "30.25");
  assert_int_equal(batch_table_of(&read, "accounts")->row_count, 2); /* C only expects something */
  assert_null(batch_value(&read, "accounts", "account_number", "A", "hlc"));
  assert_int_equal(batch_table_of(&read, "transactions")->row_count, 3);
  assert_null(batch_value(&read, "transactions", "reference_number", "T.C", "hlc"));
  assert_int_equal(batch_table_of(&read, "audit_logs")->row_count, 2);
  char head[65];
  sqlite3_stmt *stmt = NULL;
  sqlite3_prepare_v2(db->sqlite, "SELECT lower(hex(hash)) FROM ledger_journal ORDER BY seq DESC",
                     -1, &stmt, NULL);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  snprintf(head, sizeof head, "%s", (const char *)sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  assert_string_equal(batch_member(read.header, "head"), head);
  batch_done(&read);
  post_done(db, .kind = LEDGER_OP_CAPTURE, .reference = "K", .of = "H", .amount = "15",
            .final = true);
  batch_cut_and_read(db, &read);
  check_delta(db, &read, "A", "-15.00", "5.00");
  check_delta(db, &read, "C", "15.00", "15.00");
  assert_text(batch_value(&read, "transactions", "reference_number", "H", "status"), "completed");
  assert_non_null(batch_value(&read, "transactions", "reference_number", "H", "hlc"));
  batch_done(&read);
  post_close(db);
}

static void test_portfolio(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = post_file("full");
  own_settle(db);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D1", .to = "portfolio:" POST_USER ":USD",
            .amount = "1000");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D2", .to = "portfolio:" POST_USER ":BTC",
            .amount = "0.5");
  post_done(db, .kind = LEDGER_OP_ORDER, .reference = "O", .user = POST_USER, .side = "buy",
            .asset = "BTC", .amount = "0.1", .price = "1000");
  batch_cut_and_read(db, &read);
  assert_text(batch_value(&read, "portfolio", "user_id", POST_USER, "delta cash_balance"),
              "1000.00000000");
  assert_text(batch_value(&read, "portfolio", "user_id", POST_USER, "delta btc_balance"),
              "0.50000000");
  assert_null(batch_value(&read, "portfolio", "user_id", POST_USER, "delta eth_balance"));
  assert_int_equal(batch_table_of(&read, "portfolio")->row_count, 1);
  batch_done(&read);
  post_done(db, .kind = LEDGER_OP_FILL, .reference = "F", .of = "O");
  batch_cut_and_read(db, &read);
  assert_text(batch_value(&read, "portfolio", "user_id", POST_USER, "delta cash_balance"),
              "-100.00000000");
  assert_text(batch_value(&read, "portfolio", "user_id", POST_USER, "delta btc_balance"),
              "0.10000000");
  batch_done(&read);
  post_close(db);
}

/* The deltas of all batches, added up, are the balances. */
static void test_deltas_add_up(void **state) {
  (void)state;
  struct test_random random = {random_seed()};
  int64_t sums[2][4] = {{0}};
  char name[2] = "A", reference[24];
  ledger *db = post_file("full");
  for (int i = 0; i < 4; i++) {
    name[0] = (char)('A' + i);
    post_account(db, name, "USD", "500");
  }
  for (int round = 0, n = 0; round < 12; round++) {
    for (int i = random_below(&random, 20); i >= 0; i--, n++) {
      char from[2] = {(char)('A' + random_below(&random, 4)), 0};
      char to[2] = {(char)('A' + random_below(&random, 4)), 0}, amount[16];
      snprintf(reference, sizeof reference, "R%d", n);
      snprintf(amount, sizeof amount, "%d.%02d", random_below(&random, 50) + 1,
               random_below(&random, 100));
      const ledger_operation operation = {.kind = random_chance(&random, 30) ? LEDGER_OP_HOLD
                                                                             : LEDGER_OP_TRANSFER,
                                          .reference = reference,
                                          .from = from,
                                          .to = to,
                                          .amount = amount};
      post_operation(db, &operation); /* or it is refused */
    }
    struct batch_script_read read;
    int64_t seq;
    assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
    if (seq == 0) continue;
    batch_read_script(db, seq, &read);
    const struct batch_table_read *table = batch_table_of(&read, "accounts");
    for (int i = 0; table != NULL && i < table->row_count; i++) {
      const struct batch_field *row = table->fields + (size_t)i * (size_t)table->field_count;
      const char *number = row[batch_column(&read, "accounts", "account_number")].text;
      int64_t amount;
      assert_int_equal(strlen(number), 1);
      for (int d = 0; d < 2; d++) {
        if (row[2 + d].text == NULL) continue;
        assert_int_equal(money_read(row[2 + d].text, row[2 + d].length, 2, 2, &amount, NULL), 0);
        sums[d][number[0] - 'A'] += amount;
      }
    }
    batch_done(&read);
  }
  for (int i = 0; i < 4; i++) {
    char sum[80], one[MONEY_TEXT_MAX], two[MONEY_TEXT_MAX];
    ledger_balance now;
    name[0] = (char)('A' + i);
    money_text(sums[0][i], 2, one);
    money_text(sums[1][i], 2, two);
    assert_int_equal(ledger_account(db, name, &now), LEDGER_OK);
    snprintf(sum, sizeof sum, "%s %s", one, two);
    char wanted[80];
    snprintf(wanted, sizeof wanted, "%s %s", now.balance, now.available);
    assert_string_equal(sum, wanted);
  }
  post_close(db);
}

/* What leaves 64 bits on the way and comes back is summed; what stays outside is refused. */
static void test_large_sums(void **state) {
  (void)state;
  struct batch_script_read read;
  int64_t seq = 7;
  char sql[600];
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "1.00");
  own_settle(db);
  int64_t key = post_number(
      db, "SELECT account_key FROM ledger_account WHERE class = 'account' AND currency = 'USD'");
  snprintf(sql, sizeof sql,
           "INSERT INTO ledger_entry (journal, account_key, layer, amount, balance_after,"
           " available_after, version) SELECT 1, %lld, column1, column2, 0, 0, 1 FROM (VALUES"
           " (0, 9000000000000000000), (0, 9000000000000000000), (1, 9000000000000000000),"
           " (2, 9000000000000000000), (0, -9000000000000000000), (0, -9000000000000000000),"
           " (1, -9000000000000000000), (0, -5), (1, 3))",
           (long long)key);
  post_foreign(db, sql);
  post_foreign(db, "INSERT INTO ledger_change (relation, key, hlc) VALUES (999999, 'x', 1)");
  batch_cut_and_read(db, &read);
  assert_text(batch_value(&read, "accounts", "account_number", "A", "delta balance"), "-0.05");
  assert_text(batch_value(&read, "accounts", "account_number", "A", "delta available_balance"),
              "-0.02");
  batch_done(&read);
  snprintf(sql, sizeof sql,
           "INSERT INTO ledger_entry (journal, account_key, layer, amount, balance_after,"
           " available_after, version) SELECT 1, %lld, 0, 9000000000000000000, 0, 0, 1"
           " FROM (VALUES (1), (2))",
           (long long)key);
  post_foreign(db, sql);
  post_foreign(db, "INSERT INTO ledger_change (relation, key, hlc) VALUES (999999, 'x', 1)");
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_AMOUNT_RANGE);
  assert_int_equal(seq, 0);
  ledger_close(db);
}

/* After a rekey the rows have no differences; each journal's stand in a table of their own. */
static void test_careful(void **state) {
  (void)state;
  struct batch_script_read read;
  ledger *db = post_file("full");
  post_account(db, "A", "USD", "100.00");
  post_account(db, "B", "USD", NULL);
  own_settle(db);
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T", .from = "A", .to = "B",
            .amount = "3");
  own_settle(db);
  assert_int_equal(ledger_rekey(db), LEDGER_OK);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch_chunk"), 0);
  assert_int_equal(batch_cut_and_read(db, &read), 1); /* both batches again, as one */
  assert_string_equal(batch_member(read.header, "previous"), "");
  assert_int_equal(batch_number(read.header, "epoch"), 2);
  assert_true(cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(read.header, "careful")));
  assert_null(batch_value(&read, "accounts", "account_number", "A", "delta balance"));
  const struct batch_table_read *deltas = &read.tables[read.table_count - 1];
  assert_string_equal(deltas->name, "delta");
  assert_int_equal(deltas->row_count, 6); /* two journals: A; A and B; two columns each */
  int64_t sum = 0;
  for (int i = 0; i < deltas->row_count; i++) {
    const struct batch_field *row = deltas->fields + (size_t)i * (size_t)deltas->field_count;
    int64_t amount;
    assert_string_equal(row[3].text, "accounts");
    char *sql = sqlite3_mprintf("SELECT count(*) FROM ledger_journal WHERE id = %Q", row[5].text);
    assert_int_equal(post_number(db, sql), 1);
    sqlite3_free(sql);
    assert_int_equal(money_read(row[7].text, row[7].length, 2, 2, &amount, NULL), LEDGER_OK);
    if (strcmp(row[6].text, "balance") == 0) sum += amount;
  }
  assert_int_equal(sum, 10000);
  batch_done(&read);
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "U", .from = "A", .to = "B",
            .amount = "1");
  batch_cut_and_read(db, &read);
  assert_true(cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(read.header, "careful")));
  check_delta(db, &read, "A", "-1.00", "-1.00");
  batch_done(&read);
  post_close(db);
}

/* ---- scripts */

static void test_same_again(void **state) {
  (void)state;
  ledger *db = post_file("full");
  own_settle(db);
  for (int format = LEDGER_EXPORT_COPY; format <= LEDGER_EXPORT_INSERT; format++) {
    struct batch_text first = {NULL, 0, 0}, second = {NULL, 0, 0};
    assert_int_equal(ledger_batch_script(db, 1, format, batch_text_add, &first), LEDGER_OK);
    post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"x\"},"
                 "\"where\":{\"email\":\"x@y.co\"}}");
    own_settle(db);
    assert_int_equal(ledger_batch_script(db, 1, format, batch_text_add, &second), LEDGER_OK);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.bytes, second.bytes, first.length);
    free(first.bytes);
    free(second.bytes);
  }
  struct batch_text none = {NULL, 0, 0};
  assert_int_equal(ledger_batch_script(db, 9, LEDGER_EXPORT_COPY, batch_text_add, &none),
                   LEDGER_UNKNOWN_REFERENCE);
  assert_int_equal(none.length, 0);
  ledger_close(db);
}

static bool has_commit(const struct batch_text *script) {
  return script->bytes != NULL && strstr(script->bytes, "COMMIT") != NULL;
}

/* Whatever byte of what is kept is another one: no script ends with COMMIT. */
static void test_altered(void **state) {
  (void)state;
  ledger *db = post_file("full");
  own_settle(db);
  struct batch_text right = {NULL, 0, 0};
  assert_int_equal(ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, batch_text_add, &right), 0);
  int length = (int)post_number(db, "SELECT length(bytes) FROM ledger_batch_chunk WHERE n = 0");
  post_foreign(db, "CREATE TEMP TABLE kept AS SELECT bytes FROM ledger_batch_chunk");
  for (int i = 0; i < length; i++) {
    char sql[300];
    struct batch_text script = {NULL, 0, 0};
    snprintf(sql, sizeof sql,
             "UPDATE ledger_batch_chunk SET bytes = (SELECT CAST(substr(bytes, 1, %d) || "
             "CASE substr(bytes, %d, 1) WHEN x'55' THEN x'54' ELSE x'55' END || substr(bytes, %d)"
             " AS BLOB) FROM kept)",
             i, i + 1, i + 2);
    post_foreign(db, sql);
    int rc = ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, batch_text_add, &script);
    if (rc == LEDGER_OK) { /* bits that mean nothing to deflate */
      assert_int_equal(script.length, right.length);
      assert_memory_equal(script.bytes, right.bytes, right.length);
    } else {
      assert_int_equal(rc, LEDGER_ALTERED);
      assert_false(has_commit(&script));
    }
    free(script.bytes);
  }
  static const char *const alterations[] = {
      "UPDATE ledger_batch_chunk SET n = 1",
      "UPDATE ledger_batch_chunk SET n = 0, length = length - 1",
      "UPDATE ledger_batch_chunk SET length = 0",
      "UPDATE ledger_batch_chunk SET length = 99999999",
      "UPDATE ledger_batch_chunk SET bytes = x''",
      "UPDATE ledger_batch SET header = replace(header, '\"bytes\":', '\"bytes\":1')",
      "UPDATE ledger_batch SET header = replace(header, '\"body\":\"', '\"body\":\"0')",
      "UPDATE ledger_batch SET header = replace(header, '\"rows\":', '\"rows\":1')",
      "UPDATE ledger_batch SET header = replace(header, '\"deltas\":[', '\"deltas\":[\"x\"')",
      "UPDATE ledger_batch SET header = substr(header, 1, 300)",
      "UPDATE ledger_batch SET header = ''",
  };
  for (size_t i = 0; i < sizeof alterations / sizeof *alterations; i++) {
    struct batch_text script = {NULL, 0, 0};
    post_foreign(db, "BEGIN; UPDATE ledger_batch_chunk SET bytes = (SELECT bytes FROM kept)");
    post_foreign(db, alterations[i]);
    db->in_transaction = true; /* SQLite's, begun behind the library's back */
    int rc = ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, batch_text_add, &script);
    db->in_transaction = false;
    post_foreign(db, "ROLLBACK");
    if (rc != LEDGER_ALTERED) fail_msg("%s: %d", alterations[i], rc);
    assert_false(has_commit(&script));
    free(script.bytes);
  }
  free(right.bytes);
  ledger_close(db);
}

/* A header for a body of one table of `columns` columns. */
static char *made_header(const char *body, size_t length, int columns, int rows) {
  char hash[65];
  batch_hex(body, length, hash);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out,
                      "{\"ledger_batch\":1,\"bytes\":%d,\"body\":\"%s\",\"tables\":[{\"schema\":"
                      "\"public\",\"table\":\"t\",\"columns\":[",
                      (int)length, hash);
  for (int i = 0; i < columns; i++) sqlite3_str_appendf(out, "%s\"c%d\"", i ? "," : "", i);
  sqlite3_str_appendf(out, "],\"deltas\":[],\"rows\":%d,\"sum\":\"0\"}]}", rows);
  return sqlite3_str_finish(out);
}

static int made_script(const char *header, const char *body, size_t length, size_t piece,
                       enum ledger_export_format format, struct batch_text *out) {
  ledger_error error;
  struct batch_script *script = NULL;
  error_clear(&error);
  int rc = batch_script_start(header, format, batch_text_add, out, &script, &error);
  for (size_t i = 0; i < length && rc == LEDGER_OK; i += piece)
    rc = batch_script_body(script, body + i, length - i < piece ? length - i : piece);
  int end = batch_script_end(script);
  assert_int_equal(rc == LEDGER_OK ? end : rc, error.code);
  assert_true(rc == LEDGER_OK || end == rc);
  return rc == LEDGER_OK ? end : rc;
}

/* A bundle's maker may be anybody who has a key: a body can be hashed rightly and yet not be rows. None of it passes. */
static void test_hostile_body(void **state) {
  (void)state;
  static const struct {
    const char *body;
    int columns, rows;
    bool is_right;
  } cases[] = {
      {"\\N\tf\tx\n\\.\n", 1, 1, true},
      {"\\N\tf\t\n\\.\n", 1, 1, true},
      {"\\N\tf\t\\N\n\\.\n", 1, 1, true},
      {"\\N\tf\t\\073\\134\\.\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\073\\134.\n\\.\n", 1, 1, true},
      {"\\.\n", 1, 0, true},
      {"", 1, 0, false},
      {"\\.", 1, 0, false},
      {"\\.\n\n", 1, 0, false},
      {"\\.\n\\.\n", 1, 0, false},
      {"\\N\tf\tx\n", 1, 1, false},
      {"\\N\tf\tx\n\\.\n", 2, 1, false},
      {"\\N\tf\tx\ty\n\\.\n", 1, 1, false},
      {"\\N\tf\tx\n\\.\n", 1, 2, false},
      {"\\N\tf\tx\n\\N\tf\tx\n\\.\n", 1, 1, false},
      {"\\N\tf\tx; DROP TABLE t; --\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\! touch x\n\\.\n", 1, 1, false},
      {"\\! touch x\n\\.\n", 1, 1, false},
      {"\\.\n\\! touch x\n", 1, 0, false},
      {"\\N\tf\tx\\N\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\Nx\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\000\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\477\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\08\n\\.\n", 1, 1, false},
      {"\\N\tf\t\\7\n\\.\n", 1, 1, false},
      {"\\N\tf\ta\rb\n\\.\n", 1, 1, false},
      {"\\N\tf\ta\x1a\n\\.\n", 1, 1, false},
      {"\\N\tf\ta\x7f\n\\.\n", 1, 1, false},
      {"\\N\tf\t\x01\n\\.\n", 1, 1, false},
      {"\n\\.\n", 0, 1, false},
      {"f\tf\n\\.\n", 0, 1, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t length = strlen(cases[i].body);
    char *header = made_header(cases[i].body, length, cases[i].columns, cases[i].rows);
    struct batch_text whole[2] = {{NULL, 0, 0}, {NULL, 0, 0}};
    for (int format = LEDGER_EXPORT_COPY; format <= LEDGER_EXPORT_INSERT; format++) {
      struct batch_text pieces = {NULL, 0, 0};
      int rc = made_script(header, cases[i].body, length, length + 1, format, &whole[format]);
      if ((rc == LEDGER_OK) != cases[i].is_right)
        fail_msg("case %d: %d %s", (int)i, rc, whole[format].bytes);
      assert_int_equal(made_script(header, cases[i].body, length, 1, format, &pieces), rc);
      assert_true(rc == LEDGER_OK || rc == LEDGER_ALTERED);
      assert_int_equal(has_commit(&whole[format]), rc == LEDGER_OK);
      if (rc == LEDGER_OK) assert_string_equal(whole[format].bytes, pieces.bytes);
      free(pieces.bytes);
    }
    if (cases[i].is_right) {
      const char *rows = strstr(whole[0].bytes, "FROM stdin;\n") + 12;
      assert_memory_equal(rows, cases[i].body, length);
    }
    free(whole[0].bytes);
    free(whole[1].bytes);
    sqlite3_free(header);
  }
}

static void test_hostile_header(void **state) {
  (void)state;
  static const struct {
    const char *header;
    int code;
  } cases[] = {
      {"", LEDGER_ALTERED},
      {"[]", LEDGER_ALTERED},
      {"{}", LEDGER_ALTERED},
      {"{\"ledger_batch\":2}", LEDGER_NEWER_BATCH},
      {"{\"ledger_batch\":-1}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"bytes\":0,\"body\":\"00\",\"tables\":[]}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"bytes\":99999999999999999999,\"tables\":[]}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"bytes\":0,\"tables\":{}}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"tables\":[{\"columns\":[1],\"rows\":0}]}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"tables\":[{\"columns\":[],\"rows\":-1}]}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"tables\":[{\"columns\":[]}]}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\n\"bytes\":0}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"x\":\"\xff\"}", LEDGER_ALTERED},
      {"{\"ledger_batch\":1,\"bytes\":0} ;", LEDGER_ALTERED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct batch_text out = {NULL, 0, 0};
    int rc = made_script(cases[i].header, "", 0, 1, LEDGER_EXPORT_COPY, &out);
    if (rc != cases[i].code) fail_msg("%s: %d", cases[i].header, rc);
    assert_false(has_commit(&out));
    free(out.bytes);
  }
}

/* A hundred rows of an INSERT, and no more. */
static void test_insert_rows(void **state) {
  (void)state;
  ledger *db = own_file();
  struct batch_text script = {NULL, 0, 0};
  post_foreign(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)"
                   " INSERT INTO codes SELECT printf('%04d', i), NULL FROM n");
  post_foreign(db, "DELETE FROM ledger_change");
  char sql[200];
  snprintf(sql, sizeof sql,
           "INSERT INTO ledger_change (relation, key, hlc) SELECT %lld, code, 1 FROM codes",
           (long long)own_relation(db, "codes"));
  post_foreign(db, sql);
  own_settle(db);
  assert_int_equal(ledger_batch_script(db, 1, LEDGER_EXPORT_INSERT, batch_text_add, &script), 0);
  int statements = 0, rows = 0;
  for (const char *at = script.bytes; (at = strstr(at, "INSERT INTO")) != NULL; at++) statements++;
  for (const char *at = script.bytes; (at = strstr(at, "\n('1','f','")) != NULL; at++) rows++;
  assert_int_equal(statements, 3);
  assert_int_equal(rows, 250);
  free(script.bytes);
  ledger_close(db);
}

static int write_no_more(void *context, const void *bytes, size_t length) {
  (void)bytes;
  return (*(size_t *)context += length) > 0;
}

static int stop(void *context, int64_t done, int64_t total) {
  (void)context, (void)done, (void)total;
  return 1;
}

/* What ends a cut or a script from outside leaves nothing behind. */
static void test_ends(void **state) {
  (void)state;
  ledger *db = own_file();
  int64_t seq = 7;
  size_t written = 0;
  post_row(db, "{\"table\":\"codes\",\"row\":{\"code\":\"a\",\"label\":\"one\"}}");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_ACTIVE_TRANSACTION);
  assert_int_equal(seq, 0);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  own_settle(db);
  assert_int_equal(ledger_batch_script(db, 1, LEDGER_EXPORT_COPY, write_no_more, &written),
                   LEDGER_IO);
  post_foreign(db, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
                   " INSERT INTO ledger_change (relation, key, hlc) SELECT"
                   " (SELECT relation FROM ledger_change), 'k' || i, i FROM n");
  ledger_progress(db, stop, NULL);
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_INTERRUPTED);
  ledger_progress(db, NULL, NULL);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_batch_chunk WHERE seq > 1"), 0);
  assert_int_equal(ledger_batch_cut(db, &seq), LEDGER_OK);
  assert_int_equal(seq, 2);
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows),
                                     cmocka_unit_test(test_what_counts),
                                     cmocka_unit_test(test_real_keys),
                                     cmocka_unit_test(test_equal_keys),
                                     cmocka_unit_test(test_wrong_key),
                                     cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_wrong_value),
                                     cmocka_unit_test(test_hash),
                                     cmocka_unit_test(test_book),
                                     cmocka_unit_test(test_portfolio),
                                     cmocka_unit_test(test_deltas_add_up),
                                     cmocka_unit_test(test_careful),
                                     cmocka_unit_test(test_large_sums),
                                     cmocka_unit_test(test_same_again),
                                     cmocka_unit_test(test_altered),
                                     cmocka_unit_test(test_hostile_body),
                                     cmocka_unit_test(test_hostile_header),
                                     cmocka_unit_test(test_insert_rows),
                                     cmocka_unit_test(test_ends)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
