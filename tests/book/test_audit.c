/*
** test_audit: what is kept of changes of plain rows, who did them, and what only the book may write.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "schema/compiler/compiler.h"
#include "post.h"

#define ADA "00000001-0000-4000-8000-000000000001"
#define BOB "00000001-0000-4000-8000-000000000002"
#define ROW(n) "00000002-0000-4000-8000-00000000000" #n

static ledger *test_open(const char *schema, int flags) {
  ledger *db = NULL;
  int rc = ledger_create(":memory:", ledger_schema(schema), flags | LEDGER_NO_SEED, &db);
  if (rc != LEDGER_OK) print_error("%s\n", ledger_error_of(db)->message);
  assert_int_equal(rc, LEDGER_OK);
  return db;
}

static void test_refused(ledger *db, const char *change, const char *sqlstate, const char *words) {
  int rc = ledger_apply(db, change, -1, NULL, NULL);
  if (rc == LEDGER_OK) fail_msg("not refused: %s", change);
  assert_string_equal(ledger_error_of(db)->message, words);
  assert_string_equal(ledger_error_of(db)->sqlstate, sqlstate);
}

/* The columns of a query's rows, a space between, a line for each row; static. */
static const char *test_rows(ledger *db, const char *sql) {
  static char text[16384];
  sqlite3_stmt *stmt = NULL;
  size_t used = 0;
  text[0] = 0;
  if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const char *value = (const char *)sqlite3_column_text(stmt, i);
      sqlite3_snprintf((int)(sizeof text - used), text + used, "%s%s",
                       i > 0 ? " " : used > 0 ? "\n" : "", value == NULL ? "-" : value);
      used = strlen(text);
    }
  }
  sqlite3_finalize(stmt);
  return text;
}

static const char test_trail[] =
    "SELECT action, entity_type, entity_id, old_values, new_values FROM audit_logs ORDER BY rowid";

/* Each audit row stands in its stored form and in the chain, and the chain has nothing else. */
static void test_chained(ledger *db) {
  struct relation *relation;
  ledger_rows *rows = NULL;
  assert_int_equal(ledger_select(db, "audit_logs", NULL, &rows), LEDGER_OK);
  assert_int_equal(catalog_relation(db, "audit_logs", &relation), LEDGER_OK);
  while (ledger_rows_next(rows) == LEDGER_ROW) {
    for (int i = 0; i < relation->column_count; i++) {
      const struct value *value = rows_value(rows, i);
      struct value again;
      if (value->kind != VALUE_TEXT) continue;
      assert_int_equal(type_input(&relation->columns[i].type, value->text, value->length,
                                  &db->arena, &again, NULL),
                       LEDGER_OK);
      assert_true(value_is_same(value, &again));
    }
  }
  ledger_rows_free(rows);
  char *trail = sqlite3_mprintf("%s", test_rows(db, "SELECT id FROM audit_logs ORDER BY rowid"));
  assert_string_equal(test_rows(db, "SELECT id FROM ledger_journal WHERE kind = 'audit' ORDER BY seq"), trail);
  sqlite3_free(trail);
}

static const char test_ada[] =
    "{\"table\":\"users\",\"row\":{\"id\":\"" ADA "\",\"email\":\"ada@b.co\",\"password_hash\":\"$2b$secret\","
    "\"first_name\":\"Ada\",\"two_factor_secret\":\"JBSWY3DP\",\"created_at\":\"2026-01-01\"}}";
static const char test_bob[] =
    "{\"table\":\"users\",\"row\":{\"id\":\"" BOB "\",\"email\":\"bob@b.co\",\"password_hash\":\"!\"}}";

/* ---- what is kept */

static void test_insert(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_ada);
  /* printf '$2b$secret' | sha256sum, printf JBSWY3DP | sha256sum */
  assert_string_equal(
      test_rows(db, test_trail),
      "INSERT users " ADA " - {\"id\": \"" ADA "\", \"name\": \"Ada\", \"email\": \"ada@b.co\","
      " \"status\": \"active\", \"is_active\": true, \"created_at\": \"2026-01-01T00:00:00+00:00\","
      " \"first_name\": \"Ada\", \"password_hash\": {\"sha256\": \"f546e64f471517a1\"},"
      " \"email_verified\": false, \"two_factor_secret\": {\"sha256\": \"98f3696ea8f18094\"},"
      " \"two_factor_enabled\": false}");
  assert_string_equal(test_rows(db, "SELECT status, error_message, details, user_id, substr(id, 35) FROM audit_logs"),
                      "success - - - 00");
  test_chained(db);
  post_close(db);
}

/* Only what differs, without updated_at; where nothing does there is no row. */
static void test_update(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_ada);
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":null,\"status\":\"suspended\"},\"where\":{\"id\":\"" ADA "\"}}");
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"status\":\"suspended\"},\"where\":{\"id\":\"" ADA "\"}}");
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"status\":\"active\"},\"where\":{\"id\":\"" BOB "\"}}");
  post_row(db, "{\"table\":\"users\",\"op\":\"upsert\",\"row\":{\"id\":\"" ADA "\",\"email\":\"ada@b.co\",\"password_hash\":\"!\"}}");
  assert_string_equal(
      test_rows(db, "SELECT action, old_values, new_values FROM audit_logs WHERE action <> 'INSERT' ORDER BY rowid"),
      "UPDATE {\"name\": \"Ada\", \"status\": \"active\", \"is_active\": true, \"first_name\": \"Ada\"}"
      " {\"name\": null, \"status\": \"suspended\", \"is_active\": false, \"first_name\": null}\n"
      "UPDATE {\"password_hash\": {\"sha256\": \"f546e64f471517a1\"}}"
      " {\"password_hash\": {\"sha256\": \"bb7208bc9b5d7c04\"}}");
  test_chained(db);
  post_close(db);
}

/* A user's roles and settings go with the user, and what the user gave to others loses its giver. */
static void test_cascade(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_ada);
  post_row(db, test_bob);
  post_row(db, "{\"table\":\"roles\",\"row\":{\"id\":\"" ROW(1) "\",\"name\":\"clerk\"}}");
  post_row(db, "{\"table\":\"user_roles\",\"row\":{\"id\":\"" ROW(2) "\",\"user_id\":\"" ADA "\",\"role_id\":\"" ROW(1) "\"}}");
  post_row(db, "{\"table\":\"user_roles\",\"row\":{\"id\":\"" ROW(3) "\",\"user_id\":\"" BOB "\",\"role_id\":\"" ROW(1) "\",\"assigned_by\":\"" ADA "\"}}");
  post_row(db, "{\"table\":\"user_settings\",\"row\":{\"id\":\"" ROW(4) "\",\"user_id\":\"" ADA "\"}}");
  post_row(db, "{\"table\":\"user_profiles\",\"row\":{\"user_id\":\"" ADA "\",\"phone\":\"1\"}}");
  post_foreign(db, "CREATE TEMP TABLE before AS SELECT max(rowid) AS last FROM audit_logs");
  post_row(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"id\":\"" ADA "\"}}");
  assert_string_equal(
      test_rows(db, "SELECT action, entity_type, entity_id, new_values, json_extract(old_values, '$.user_id') FROM audit_logs, before"
                    " WHERE audit_logs.rowid > last ORDER BY entity_type, entity_id"),
      "DELETE user_roles " ROW(2) " - " ADA "\n"
      "UPDATE user_roles " ROW(3) " {\"assigned_by\": null} -\n"
      "DELETE user_settings " ROW(4) " - " ADA "\n"
      "DELETE users " ADA " - -");
  test_chained(db);
  post_close(db);
}

/* All rows of a table, by a statement that SQLite could do without looking at them. */
static void test_all_rows(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, "{\"table\":\"fee_config\",\"row\":{\"id\":\"" ROW(1) "\",\"fee_type\":\"trading\",\"percentage_fee\":\"0.5\"}}");
  post_row(db, "{\"table\":\"fee_config\",\"row\":{\"id\":\"" ROW(2) "\",\"fee_type\":\"deposit\"}}");
  assert_int_equal(ledger_delete(db, "fee_config", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL), LEDGER_OK);
  assert_int_equal(ledger_delete(db, "fee_config", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL), LEDGER_OK);
  assert_string_equal(test_rows(db, "SELECT entity_id, json_extract(old_values, '$.percentage_fee') FROM audit_logs WHERE action = 'DELETE'"),
                      ROW(1) " 0.5\n" ROW(2) " 0.0");
  test_chained(db);
  post_close(db);
}

/* The short shape keeps in details what it has no columns for. */
static void test_brief(void **state) {
  (void)state;
  ledger *db = test_open("wallstreet", 0);
  ledger_actor actor = {.admin_id = BOB, .admin_key = "ops \"1\"", .ip_address = "203.0.113.7"};
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" ADA "\",\"email\":\"a@b.co\",\"password_hash\":\"!\",\"first_name\":\"A\",\"last_name\":\"L\"}}");
  post_row(db, "{\"table\":\"api_keys\",\"row\":{\"id\":\"" ROW(1) "\",\"user_id\":\"" ADA "\",\"key_hash\":\"h\",\"name\":\"k\",\"permissions\":{\"b\":[1,2],\"aa\":null}}}");
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_FOREIGN_KEY);
  actor.admin_id = "00000001-0000-4000-8000-00000000000" "1";
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_OK);
  post_row(db, "{\"table\":\"api_keys\",\"op\":\"update\",\"row\":{\"permissions\":{\"aa\":1.50}},\"where\":{\"id\":\"" ROW(1) "\"}}");
  assert_string_equal(
      test_rows(db, "SELECT action, resource_type, resource_id, user_id, ip_address, details FROM audit_logs WHERE action = 'UPDATE'"),
      "UPDATE api_keys " ROW(1) " - 203.0.113.7 {\"after\": {\"permissions\": {\"aa\": 1.50}},"
      " \"before\": {\"permissions\": {\"b\": [1, 2], \"aa\": null}},"
      " \"admin_id\": \"" ADA "\", \"admin_key\": \"ops \\\"1\\\"\"}");
  test_chained(db);
  test_refused(db, "{\"table\":\"audit_logs\",\"op\":\"update\",\"row\":{\"action\":\"X\"},\"where\":{\"action\":\"UPDATE\"}}", "23001", "audit rows are immutable");
  test_refused(db, "{\"table\":\"audit_logs\",\"op\":\"delete\",\"where\":{\"action\":\"UPDATE\"}}", "23001", "audit rows are immutable");
  test_chained(db);
  post_close(db);
}

/* A row with another id is another row. */
static void test_rename(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_bob);
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"id\":\"" ADA "\"},\"where\":{\"id\":\"" BOB "\"}}");
  assert_string_equal(test_rows(db, "SELECT action, entity_id, json_extract(coalesce(new_values, old_values), '$.email') FROM audit_logs ORDER BY rowid"),
                      "INSERT " BOB " bob@b.co\nDELETE " BOB " bob@b.co\nINSERT " ADA " bob@b.co");
  test_chained(db);
  post_close(db);
}

/* A schema of somebody's own: users by number, columns in audit_logs that the engine does not know, and a foreign program's
** value that is none of its type. */
static void test_own_schema(void **state) {
  (void)state;
  static const char sql[] =
      "CREATE TABLE users (id int, part int, email text, height double precision, login_token text, born date, tags text[],"
      " PRIMARY KEY (part, id));"
      "CREATE TABLE audit_logs (created_at timestamp, details jsonb, weight double precision DEFAULT 1.5, id uuid PRIMARY KEY,"
      " user_id uuid, action text, resource_type text, n int DEFAULT 7, resource_id uuid, ip_address text, user_agent text);";
  struct schema_file file = {"own.sql", sql, sizeof sql - 1};
  struct schema_options options = {.name = "own"};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  ledger_actor actor = {.user_id = "00000001-0000-4000-8000-0000000000FF", .user_agent = "x"};
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_OK);
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":1,\"part\":2,\"email\":\"a\",\"height\":0.25,\"login_token\":\"t\",\"tags\":[\"x\"]}}");
  post_foreign(db, "PRAGMA ignore_check_constraints = 1; UPDATE users SET born = 'yesterday'");
  post_row(db, "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"height\":\"Infinity\",\"born\":\"2026-01-02\"},\"where\":{\"id\":1}}");
  assert_string_equal(
      test_rows(db, "SELECT user_id, user_agent, n, weight, action, resource_id, details FROM audit_logs ORDER BY rowid"),
      "00000001-0000-4000-8000-0000000000ff x 7 1.5 INSERT - {\"after\": {\"id\": 1, \"part\": 2, \"tags\": [\"x\"],"
      " \"email\": \"a\", \"height\": 0.25, \"login_token\": {\"sha256\":"
      " \"e3b98a4da31a127d\"}}, \"details\": {\"key\": {\"id\": 1, \"part\": 2}}}\n"
      "00000001-0000-4000-8000-0000000000ff x 7 1.5 UPDATE - {\"after\": {\"born\": \"2026-01-02\", \"height\": \"Infinity\"},"
      " \"before\": {\"born\": {\"sha256\": \"9523d9fbe79bcf3e\"}, \"height\": 0.25}, \"details\": {\"key\": {\"id\": 1, \"part\": 2}}}");
  test_chained(db);
  post_close(db);
}

/* ---- who */

static void test_actor(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  ledger_actor actor = {ADA, BOB, "ops", "203.0.113.7/32", "curl/8"};
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_FOREIGN_KEY);
  post_row(db, test_ada);
  post_row(db, test_bob);
  actor.ip_address = "nowhere";
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_INVALID_TEXT);
  actor.ip_address = "203.0.113.7/32";
  assert_int_equal(ledger_set_actor(db, &actor), LEDGER_OK);
  post_row(db, "{\"table\":\"roles\",\"row\":{\"name\":\"clerk\"}}");
  /* The user who acts goes: nobody is left to be named, then or later. */
  post_row(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"id\":\"" ADA "\"}}");
  post_row(db, "{\"table\":\"roles\",\"row\":{\"name\":\"teller\"}}");
  assert_int_equal(ledger_set_actor(db, NULL), LEDGER_OK);
  post_row(db, "{\"table\":\"roles\",\"row\":{\"name\":\"guard\"}}");
  assert_string_equal(
      test_rows(db, "SELECT action, user_id, admin_id, admin_key, ip_address, user_agent FROM audit_logs ORDER BY rowid"),
      "INSERT - - - - -\nINSERT - - - - -\n"
      "INSERT - " BOB " ops 203.0.113.7 curl/8\n" /* of Ada, who was null from then on */
      "DELETE - " BOB " ops 203.0.113.7 curl/8\n"
      "INSERT - " BOB " ops 203.0.113.7 curl/8\n"
      "INSERT - - - - -");
  test_chained(db);
  post_close(db);
}

/* An application's own rows. */
static void test_own(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_ada);
  post_row(db, "{\"table\":\"audit_logs\",\"row\":{\"action\":\"LOGIN_SUCCESS\",\"user_id\":\"" ADA "\",\"details\":{\"b\":1,\"aa\":2}}}");
  test_chained(db);
  post_row(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"id\":\"" ADA "\"}}");
  assert_string_equal(test_rows(db, "SELECT action, user_id FROM audit_logs ORDER BY rowid"), "INSERT -\nLOGIN_SUCCESS -\nDELETE -");
  test_chained(db);
  post_close(db);
}

/* ---- transactions */

static void test_transaction(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_row(db, test_ada);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  assert_string_equal(test_rows(db, "SELECT (SELECT count(*) FROM audit_logs), (SELECT count(*) FROM ledger_journal)"), "0 0");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  post_row(db, test_ada);
  assert_int_not_equal(ledger_apply(db, test_ada, -1, NULL, NULL), LEDGER_OK);
  post_row(db, test_bob);
  test_refused(db, "{\"table\":\"accounts\",\"row\":{\"account_number\":\"WS1\",\"account_type\":\"checking\",\"balance\":\"1\"}}", "42501",
               "column \"balance\" of relation \"accounts\" is written by the book alone");
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  assert_string_equal(test_rows(db, "SELECT (SELECT count(*) FROM accounts), (SELECT group_concat(entity_id, ' ') FROM audit_logs)"), "0 " ADA " " BOB);
  test_chained(db);
  post_close(db);
}

/* A statement of which the last row cannot be audited is undone as a whole, and the chain goes on from before it. */
static void test_half(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, "{\"table\":\"roles\",\"row\":{\"id\":\"" ROW(1) "\",\"name\":\"clerk\"}}");
  post_row(db, "{\"table\":\"roles\",\"row\":{\"id\":\"" ROW(2) "\",\"name\":\"teller\"}}");
  post_foreign(db, "CREATE TEMP TRIGGER refuse BEFORE INSERT ON audit_logs WHEN new.action = 'UPDATE' AND new.entity_id = '" ROW(2)
                   "' BEGIN SELECT RAISE(ABORT, 'P0001: not this one'); END");
  const char *columns[] = {"is_system"};
  ledger_value values[] = {{.kind = LEDGER_BOOLEAN, .integer = 1}};
  for (int nests = 0; nests <= 1; nests++) {
    if (nests == 1) {
      assert_int_equal(ledger_begin(db), LEDGER_OK);
      post_row(db, "{\"table\":\"roles\",\"row\":{\"id\":\"" ROW(3) "\",\"name\":\"guard\"}}");
    }
    assert_int_equal(ledger_update(db, "roles", 1, columns, values, 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL), LEDGER_RAISED);
    assert_string_equal(ledger_error_of(db)->message, "not this one");
    assert_string_equal(test_rows(db, "SELECT count(*) FROM roles WHERE is_system"), "0");
    if (nests == 1) {
      post_row(db, "{\"table\":\"roles\",\"op\":\"update\",\"row\":{\"name\":\"porter\"},\"where\":{\"id\":\"" ROW(3) "\"}}");
      assert_int_equal(ledger_commit(db), LEDGER_OK);
    }
  }
  assert_string_equal(test_rows(db, "SELECT action, entity_id, new_values FROM audit_logs WHERE entity_id = '" ROW(3) "' AND action = 'UPDATE'"),
                      "UPDATE " ROW(3) " {\"name\": \"porter\"}");
  test_chained(db);
  post_close(db);
}

/* What the book has written stays as it is; an application's own row is its own, with a reference like the book's, too. */
static void test_posted(void **state) {
  (void)state;
  ledger *db = post_file("full");
  post_account(db, "WS1", "USD", "100.00");
  post_account(db, "WS2", "USD", NULL);
  post_done(db, .kind = LEDGER_OP_TRANSFER, .reference = "T1", .from = "WS1", .to = "WS2", .amount = "10.00");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H1", .from = "WS1", .to = "WS2", .amount = "5.00");
  static const char *const refused[] = {
      "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"91.00\"},\"where\":{\"account_number\":\"WS1\"}}",
      "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"currency\":\"EUR\"},\"where\":{\"account_number\":\"WS2\"}}",
      "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"amount\":\"6.00\"},\"where\":{\"reference_number\":\"H1\"}}",
      "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"status\":\"failed\"},\"where\":{\"reference_number\":\"H1\"}}",
      "{\"table\":\"transactions\",\"op\":\"delete\",\"where\":{\"reference_number\":\"H1\"}}",
  };
  int64_t before = post_print(db);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    if (ledger_apply(db, refused[i], -1, NULL, NULL) != LEDGER_FORBIDDEN)
      fail_msg("%s: %s", refused[i], ledger_error_of(db)->message);
  }
  test_refused(db, "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"amount\":\"11.00\"},\"where\":{\"reference_number\":\"T1.C\"}}",
               "23001", "a completed or failed transaction is final");
  assert_int_equal(post_print(db), before);
  post_row(db, "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"description\":\"d\",\"metadata\":{\"n\":1}},\"where\":{\"reference_number\":\"H1\"}}");
  post_row(db, "{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"90.00\",\"account_type\":\"savings\"},\"where\":{\"account_number\":\"WS1\"}}");
  post_row(db, "{\"table\":\"accounts\",\"row\":{\"id\":\"" ROW(1) "\",\"account_number\":\"WS3\",\"account_type\":\"checking\"}}");
  post_row(db, "{\"table\":\"transactions\",\"row\":{\"account_id\":\"" ROW(1) "\",\"transaction_type\":\"debit\",\"amount\":1,\"reference_number\":\"T1.F7\"}}");
  post_row(db, "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"amount\":2,\"status\":\"failed\"},\"where\":{\"reference_number\":\"T1.F7\"}}");
  post_close(db);
}

/* In wallstreet the accounts would go with their user. */
static void test_user(void **state) {
  (void)state;
  ledger *db = post_file("wallstreet");
  post_row(db, "{\"table\":\"users\",\"row\":{\"id\":\"" ADA "\",\"email\":\"a@b.co\",\"password_hash\":\"!\",\"first_name\":\"A\",\"last_name\":\"L\"}}");
  post_row(db, "{\"table\":\"accounts\",\"row\":{\"id\":\"" ROW(1) "\",\"user_id\":\"" ADA "\",\"account_number\":\"WS1\",\"account_type\":\"checking\"}}");
  post_row(db, "{\"table\":\"api_keys\",\"row\":{\"user_id\":\"" ADA "\",\"key_hash\":\"h\",\"name\":\"k\"}}");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D1", .to = "WS1", .amount = "1.00");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  test_refused(db, "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"id\":\"" ADA "\"}}", "42501", "an account with journals in the book cannot be deleted");
  test_refused(db, "{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"amount\":2},\"where\":{\"reference_number\":\"D1\"}}", "42501",
               "column \"amount\" of relation \"transactions\" is written by the book alone");
  test_refused(db, "{\"table\":\"transactions\",\"op\":\"delete\",\"where\":{\"reference_number\":\"D1\"}}", "42501", "a row of the book cannot be deleted");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "D2", .to = "WS1", .amount = "2.00");
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  post_balance(db, "WS1", "3.00 3.00 0.00");
  assert_string_equal(test_rows(db, "SELECT (SELECT count(*) FROM users WHERE id = '" ADA "'), (SELECT count(*) FROM api_keys), (SELECT count(*) FROM transactions)"), "1 1 2");
  post_close(db);
}

/* ---- what only the book writes */

struct test_guard {
  const char *change, *column; /* NULL: it is allowed */
};

static const struct test_guard test_guards[] = {
    {"{\"table\":\"accounts\",\"row\":{\"id\":\"" ROW(1) "\",\"user_id\":\"" ADA "\",\"account_number\":\"WS1\",\"account_type\":\"checking\",\"balance\":0}}", NULL},
    {"{\"table\":\"accounts\",\"row\":{\"account_number\":\"WS2\",\"account_type\":\"checking\",\"balance\":\"0.01\"}}", "balance"},
    {"{\"table\":\"accounts\",\"row\":{\"account_number\":\"WS2\",\"account_type\":\"checking\",\"available_balance\":-1}}", "available_balance"},
    {"{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"0.00\",\"status\":\"frozen\"},\"where\":{\"account_number\":\"WS1\"}}", NULL},
    {"{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"balance\":\"0.01\"},\"where\":{\"account_number\":\"WS1\"}}", "balance"},
    {"{\"table\":\"accounts\",\"op\":\"update\",\"row\":{\"available_balance\":\"5\"},\"where\":{\"account_number\":\"WS1\"}}", "available_balance"},
    {"{\"table\":\"transactions\",\"row\":{\"id\":\"" ROW(2) "\",\"account_id\":\"" ROW(1) "\",\"transaction_type\":\"deposit\",\"amount\":1,\"reference_number\":\"T1\"}}", NULL},
    {"{\"table\":\"transactions\",\"row\":{\"account_id\":\"" ROW(1) "\",\"transaction_type\":\"deposit\",\"amount\":1,\"status\":\"completed\"}}", "status"},
    {"{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"amount\":2},\"where\":{\"reference_number\":\"T1\"}}", NULL},
    {"{\"table\":\"transactions\",\"op\":\"update\",\"row\":{\"status\":\"completed\"},\"where\":{\"reference_number\":\"T1\"}}", "status"},
    {"{\"table\":\"transactions\",\"op\":\"delete\",\"where\":{\"reference_number\":\"T1\"}}", NULL},
    {"{\"table\":\"accounts\",\"op\":\"delete\",\"where\":{\"id\":\"" ROW(1) "\"}}", NULL},
    {"{\"table\":\"portfolio\",\"row\":{\"id\":\"" ROW(3) "\",\"user_id\":\"" ADA "\",\"usd_value\":\"7\"}}", NULL},
    {"{\"table\":\"portfolio\",\"op\":\"update\",\"row\":{\"btc_balance\":1},\"where\":{\"id\":\"" ROW(3) "\"}}", "btc_balance"},
    {"{\"table\":\"portfolio\",\"op\":\"upsert\",\"row\":{\"id\":\"" ROW(3) "\",\"user_id\":\"" ADA "\",\"cash_balance\":1}}", "cash_balance"},
    {"{\"table\":\"portfolio_transactions\",\"row\":{\"transaction_type\":\"deposit\",\"amount\":1}}", "status"},
    {"{\"table\":\"portfolio_transactions\",\"row\":{\"transaction_type\":\"deposit\",\"amount\":1,\"status\":\"pending\"}}", NULL},
    {"{\"table\":\"trades\",\"row\":{\"user_id\":\"" ADA "\",\"trade_type\":\"buy\",\"asset\":\"BTC\",\"amount\":1,\"price\":1,\"total\":1,\"balance_before\":0,\"balance_after\":0}}", "status"},
    {"{\"table\":\"trades\",\"row\":{\"user_id\":\"" ADA "\",\"trade_type\":\"buy\",\"asset\":\"BTC\",\"amount\":1,\"price\":1,\"total\":1,\"balance_before\":0,\"balance_after\":0,\"is_simulated\":true}}", NULL},
    {"{\"table\":\"trades\",\"op\":\"update\",\"row\":{\"is_simulated\":false},\"where\":{\"asset\":\"BTC\"}}", "is_simulated"},
    {"{\"table\":\"crypto_withdrawals\",\"row\":{\"user_id\":\"" ADA "\",\"amount\":1,\"currency\":\"BTC\"}}", NULL},
    {"{\"table\":\"crypto_withdrawals\",\"op\":\"update\",\"row\":{\"status\":\"APPROVED\"},\"where\":{\"currency\":\"BTC\"}}", "status"},
    {"{\"table\":\"crypto_withdrawals\",\"row\":{\"user_id\":\"" ADA "\",\"amount\":1,\"currency\":\"BTC\",\"status\":\"COMPLETED\"}}", "status"},
    {"{\"table\":\"deposit_addresses\",\"row\":{\"user_id\":\"" ADA "\",\"crypto_type\":\"BTC\",\"address\":\"x\"}}", NULL},
    {"{\"table\":\"deposit_addresses\",\"op\":\"update\",\"row\":{\"total_received\":1},\"where\":{\"address\":\"x\"}}", "total_received"},
    {"{\"table\":\"deposit_addresses\",\"op\":\"update\",\"row\":{\"is_active\":false},\"where\":{\"address\":\"x\"}}", NULL},
};

static void test_guarded(void **state) {
  (void)state;
  ledger *db = test_open("full", 0);
  post_row(db, test_ada);
  for (size_t i = 0; i < sizeof test_guards / sizeof *test_guards; i++) {
    const struct test_guard *guard = &test_guards[i];
    char *before = sqlite3_mprintf("%s", test_rows(db, "SELECT count(*), max(seq) FROM ledger_journal"));
    int rc = ledger_apply(db, guard->change, -1, NULL, NULL);
    if (rc != (guard->column == NULL ? LEDGER_OK : LEDGER_FORBIDDEN))
      fail_msg("%s: %d %s", guard->change, rc, ledger_error_of(db)->message);
    if (guard->column != NULL) {
      assert_string_equal(ledger_error_of(db)->column, guard->column);
      assert_string_equal(ledger_error_of(db)->sqlstate, "42501");
      assert_true(ledger_error_of(db)->hint[0] != 0);
      assert_string_equal(test_rows(db, "SELECT count(*), max(seq) FROM ledger_journal"), before);
    }
    sqlite3_free(before);
  }
  test_chained(db);
  post_close(db);
}

/* With LEDGER_PLAIN all of that is possible, and nothing is said of it. */
static void test_plain(void **state) {
  (void)state;
  ledger *db = test_open("full", LEDGER_PLAIN);
  post_row(db, test_ada);
  for (size_t i = 0; i < sizeof test_guards / sizeof *test_guards; i++) {
    if (ledger_apply(db, test_guards[i].change, -1, NULL, NULL) == LEDGER_FORBIDDEN)
      fail_msg("%s: %s", test_guards[i].change, ledger_error_of(db)->message);
  }
  assert_string_equal(test_rows(db, "SELECT (SELECT count(*) FROM audit_logs), (SELECT count(*) FROM ledger_journal)"), "0 0");
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_insert),      cmocka_unit_test(test_update),   cmocka_unit_test(test_cascade),
      cmocka_unit_test(test_all_rows),    cmocka_unit_test(test_brief),    cmocka_unit_test(test_rename),   cmocka_unit_test(test_own_schema),
          cmocka_unit_test(test_actor),
      cmocka_unit_test(test_own),         cmocka_unit_test(test_transaction),
      cmocka_unit_test(test_half),        cmocka_unit_test(test_posted),   cmocka_unit_test(test_user),
      cmocka_unit_test(test_guarded),     cmocka_unit_test(test_plain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
