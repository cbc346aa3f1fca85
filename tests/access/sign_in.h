/*
** sign_in.h: what the tests of users, sessions, tokens and keys share: a file in memory of each schema, a clock that they set, and a look
** at rows by SQL. Include it after ledger.c.
*/
#ifndef SIGN_IN_H
#define SIGN_IN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../lib/clock.c"

static const char *const sign_in_schemas[] = {"full",     "elon",     "wallstreet",
                                              "advancia", "smarthub", "pe_portal"};
#define SIGN_IN_SCHEMAS ((int)(sizeof sign_in_schemas / sizeof *sign_in_schemas))

#define assert_done(db, call)                                                                      \
  do {                                                                                             \
    int got_ = (call);                                                                             \
    if (got_ != LEDGER_OK)                                                                         \
      fail_msg("%s: %d %s (%s)", #call, got_, ledger_error_of(db)->message,                        \
               ledger_error_of(db)->detail);                                                       \
  } while (0)
#define assert_refused(db, code, call)                                                             \
  do {                                                                                             \
    int got_ = (call);                                                                             \
    if (got_ != (code))                                                                            \
      fail_msg("%s: %d instead of %s: %s", #call, got_, #code, ledger_error_of(db)->message);      \
  } while (0)

/* Seconds that the clock is ahead. */
static void sign_in_clock(long seconds) {
  char text[32];
  snprintf(text, sizeof text, "%ld", seconds);
  setenv("CLOCK_SHIFT", text, 1);
}

static ledger *sign_in_open(const char *schema) {
  ledger *db = NULL;
  sign_in_clock(0);
  if (ledger_create(":memory:", ledger_schema(schema), 0, &db) != LEDGER_OK)
    fail_msg("%s: %s", schema, ledger_error_of(db)->message);
  return db;
}

/* A schema without any of the tables. */
static ledger *sign_in_open_bare(void) {
  static const char schema[] =
      "INSERT INTO ledger_meta (key, value) VALUES ('schema_name', 'bare'), ('schema_sha256', 'ab'),"
      " ('compiler', '0');";
  ledger *db = NULL;
  sign_in_clock(0);
  if (ledger_create(":memory:", schema, 0, &db) != LEDGER_OK)
    fail_msg("bare: %s", ledger_error_of(db)->message);
  return db;
}

/* The first value of a statement, "" for null or no row. */
static const char *sign_in_sql(ledger *db, const char *format, ...) {
  static char texts[8][4096];
  static int next;
  char *out = texts[next++ % 8];
  va_list arguments;
  sqlite3_stmt *stmt = NULL;
  va_start(arguments, format);
  char *sql = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  out[0] = 0;
  if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
    snprintf(out, sizeof texts[0], "%s", sqlite3_column_text(stmt, 0));
  if (sqlite3_finalize(stmt) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  sqlite3_free(sql);
  return out;
}

static int64_t sign_in_count(ledger *db, const char *table, const char *where) {
  return strtoll(sign_in_sql(db, "SELECT count(*) FROM \"%w\" WHERE %s", table, where), NULL, 10);
}

/* Sets a column of all rows as an application would; text "true" and "false" of a boolean. Without a column it deletes them. */
static void sign_in_set_all(ledger *db, const char *table, const char *column, const char *text) {
  ledger_value value = {.kind = LEDGER_TEXT, .text = text, .length = text == NULL ? 0 : strlen(text)};
  if (column == NULL)
    assert_done(db, ledger_delete(db, table, 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL));
  else
    assert_done(db, ledger_update(db, table, 1, &column, &value, 0, NULL, NULL, LEDGER_ALL_ROWS,
                                  NULL, NULL));
}

/* A user with that address and password, as an administrator makes one; its id, to be freed. */
static char *sign_in_user(ledger *db, const char *email, const char *password) {
  ledger_user user;
  ledger_user_change change = {
      .email = email, .password = password, .confirm = 1, .by_administrator = 1};
  assert_done(db, ledger_user_create(db, &change, &user));
  return strdup(user.id);
}

/* What a session gave, kept. */
struct sign_in_tokens {
  char access[8200], refresh[128], session_id[64];
};

static void sign_in_keep(const ledger_session *session, struct sign_in_tokens *out) {
  snprintf(out->access, sizeof out->access, "%s", session->access_token);
  snprintf(out->refresh, sizeof out->refresh, "%s", session->refresh_token);
  snprintf(out->session_id, sizeof out->session_id, "%s", session->session_id);
}

static void sign_in(ledger *db, const char *name, const char *password,
                    struct sign_in_tokens *out) {
  ledger_session session;
  ledger_client client = {.ip_address = "203.0.113.7", .user_agent = "test/1"};
  assert_done(db, ledger_sign_in(db, name, password, &client, &session));
  sign_in_keep(&session, out);
}

#endif
