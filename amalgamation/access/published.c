/*
** published.c: what anybody can read in a document: a password and a secret that must not be in place where others are served.
*/
#include "../internal.h"
#include "user.h"

/* The administrator of the Wallstreet document, by the hash that it prints; it is not the hash of the password that it prints beside it,
** but of one that somebody may know. */
static const char published_hash[] = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq";
static const char published_password[] = "Admin123!";
static const char published_address[] = "admin@wallstreet.com";

/* Secrets of demonstrations, with which their published anon and service_role keys are signed. */
static const char *const published_secrets[] = {
    "super-secret-jwt-token-with-at-least-32-characters-long", /* supabase start */
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    "reallyreallyreallyreallyverysafe", /* PostgREST's tutorial */
};

static int published_user(ledger *db, const struct user_tables *tables, const char **what) {
  struct user user;
  bool found, is_of_it = false;
  int rc = user_find(db, USER_BY_EMAIL, published_address, &user, &found);
  if (rc == LEDGER_OK && found && !user.is_deleted) {
    is_of_it = strcmp(user.password_hash, published_hash) == 0;
    if (!is_of_it && user.password_hash[0] == '$')
      rc = password_is(db, user.password_hash, published_password, &is_of_it);
  }
  if (rc != LEDGER_OK) return rc;
  if (is_of_it) *what = "the password of admin@wallstreet.com is printed in the schema's document";
  if (is_of_it || tables->users == NULL || tables->password < 0) return LEDGER_OK;
  /* the row under another address */
  sqlite3_stmt *stmt;
  struct value hash = user_text(published_hash);
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\" WHERE \"%w\" = ?1 LIMIT 1",
                      tables->users->stored_name, tables->users->columns[tables->password].name);
  rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_bind_all(db, stmt, 1, &hash);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  statement_end(stmt);
  if (rc == LEDGER_ROW) *what = "a user has a password hash that is printed in a document";
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int published_token_secret(ledger *db, const char **what) {
  struct value now = user_integer(clock_now_us());
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SECRET_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, &now);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    const char *secret = (const char *)sqlite3_column_text(stmt, 1);
    rc = LEDGER_OK;
    for (size_t i = 0; i < sizeof published_secrets / sizeof *published_secrets; i++)
      if (secret != NULL && strcmp(secret, published_secrets[i]) == 0)
        *what = "the secret of tokens is that of a published demonstration";
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int published_secret(ledger *db, const char **what) {
  struct user_state *state;
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = published_token_secret(db, what);
  if (rc == LEDGER_OK && *what == NULL) rc = published_user(db, &state->tables, what);
  transaction_end_read(db);
  return rc;
}
