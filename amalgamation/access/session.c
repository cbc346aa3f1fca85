/*
** session.c: sessions, from signing in to signing out. A session is a row of ledger_session and, where the schema has the table, one
** of sessions, in which an administrator may end it: by is_revoked, by is_active, or by deleting it.
**
** Refresh tokens are 192 bits, kept as hashes, and each is followed by one that is computed from it under a key of the file's: so a client that
** did not get the answer, or two tabs at once, get the same successor again within reuse_seconds, and nobody who reads the file can
** make one. A token that is used later than that was stolen, or its successor was: the session ends.
*/
#include "../internal.h"
#include "user.h"

#define SESSION_TOKEN_BYTES 24
#define SESSION_TOKEN_TEXT 33  /* in base64url, with a NUL */
#define SESSION_CHAIN_MAX 1000 /* successors that are looked through */
#define SESSION_NAME_MAX 320   /* bytes of an address or number */
#define SESSION_METHOD_MAX 32
#define SESSION_AGENT_MAX 500
#define SESSION_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- rows of the schema's table */

static int session_column(const struct user_tables *tables, const char *name) {
  int column = user_column(tables->sessions, SESSION_NAMES(name));
  bool is_own = column >= 0 && tables->sessions->columns[column].generated_sql == NULL;
  return is_own ? column : -1;
}

LEDGER_PRIVATE void session_alive_sql(sqlite3_str *out, const struct user_tables *tables) {
  if (tables->sessions == NULL) {
    sqlite3_str_appendall(out, "1");
    return;
  }
  sqlite3_str_appendall(out, "(s.row_key IS NULL OR EXISTS (SELECT 1 FROM main.\"sessions\" AS x"
                             " WHERE x.\"id\" = s.row_key");
  if (session_column(tables, "is_revoked") >= 0)
    sqlite3_str_appendall(out, " AND NOT coalesce(x.\"is_revoked\", 0)");
  if (session_column(tables, "is_active") >= 0)
    sqlite3_str_appendall(out, " AND coalesce(x.\"is_active\", 1)");
  sqlite3_str_appendall(out, "))");
}

/* Sets a text that the column takes; what it does not take is left out. */
static void session_set_if_fits(ledger *db, struct user_values *values,
                                const struct relation *relation, const char *name,
                                const char *text) {
  struct value ignored;
  int column = user_column(relation, SESSION_NAMES(name));
  if (column < 0 || text == NULL) return;
  if (type_input(&relation->columns[column].type, text, strlen(text), &db->arena, &ignored,
                 &db->error) == LEDGER_OK)
    user_set_text(values, relation, column, text);
  error_clear(&db->error);
}

static void session_sha256(const char *text, char out[2 * SEAL_SHA256_BYTES + 1]) {
  struct seal_sha256 hash;
  unsigned char bytes[SEAL_SHA256_BYTES];
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, text, strlen(text));
  seal_sha256_final(&hash, bytes);
  text_hex(bytes, sizeof bytes, out);
}

/* What changes when a session is refreshed: the hash of its refresh token, its expiry, its last activity. `out` is borrowed. */
static int session_set_fresh(ledger *db, struct user_values *values,
                             const struct user_tables *tables, const char *refresh_token,
                             int64_t expires_at, char out[2 * SEAL_SHA256_BYTES + 1]) {
  const struct relation *sessions = tables->sessions;
  session_sha256(refresh_token, out);
  user_set_text(values, sessions, session_column(tables, "refresh_token_hash"), out);
  user_set_text(values, sessions, session_column(tables, "refresh_token"), out);
  int rc = user_set_time(db, values, sessions, session_column(tables, "last_activity_at"),
                         db->session.now_us);
  return rc == LEDGER_OK
             ? user_set_time(db, values, sessions, session_column(tables, "expires_at"), expires_at)
             : rc;
}

static int session_insert_row(ledger *db, const struct user_tables *tables, const struct user *user,
                              const char *id, const char *refresh_token, int64_t expires_at,
                              const ledger_client *client, struct value *row_key) {
  const struct relation *sessions = tables->sessions;
  char token_hash[2 * SEAL_SHA256_BYTES + 1], refresh_hash[2 * SEAL_SHA256_BYTES + 1];
  struct user_values values = {0};
  *row_key = (struct value){.kind = VALUE_NULL};
  if (sessions == NULL) return LEDGER_OK;
  int id_column = user_column(sessions, SESSION_NAMES("id"));
  enum type_id type = sessions->columns[id_column].type.id;
  if (type != TYPE_INT2 && type != TYPE_INT4 && type != TYPE_INT8)
    user_set_text(&values, sessions, id_column, id);
  int rc = user_set_id(db, &values, sessions, user_column(sessions, SESSION_NAMES("user_id")),
                       &user->key);
  session_sha256(id, token_hash);
  user_set_text(&values, sessions, session_column(tables, "token_hash"), token_hash);
  user_set_text(&values, sessions, session_column(tables, "session_token"), token_hash);
  if (rc == LEDGER_OK)
    rc = session_set_fresh(db, &values, tables, refresh_token, expires_at, refresh_hash);
  if (rc != LEDGER_OK) return rc;
  if (client != NULL) {
    session_set_if_fits(db, &values, sessions, "ip_address", client->ip_address);
    session_set_if_fits(db, &values, sessions, "user_agent", client->user_agent);
  }
  return user_insert(db, sessions, &values, id_column, row_key);
}

static int session_update_row(ledger *db, const struct user_tables *tables,
                              const struct value *row_key, const char *refresh_token,
                              int64_t expires_at) {
  char hash[2 * SEAL_SHA256_BYTES + 1];
  struct user_values values = {0}, where = {0};
  const struct relation *sessions = tables->sessions;
  if (sessions == NULL || row_key->kind == VALUE_NULL) return LEDGER_OK;
  int rc = user_set_id(db, &where, sessions, user_column(sessions, SESSION_NAMES("id")), row_key);
  if (rc == LEDGER_OK) rc = session_set_fresh(db, &values, tables, refresh_token, expires_at, hash);
  if (rc != LEDGER_OK) return rc;
  return write_update(db, sessions->name, values.count, values.columns, values.values, 1,
                      where.columns, where.values, 0, NULL, NULL);
}

static int session_end_row(ledger *db, const struct user_tables *tables,
                           const struct value *row_key) {
  struct user_values values = {0}, where = {0};
  const struct relation *sessions = tables->sessions;
  if (sessions == NULL || row_key->kind == VALUE_NULL) return LEDGER_OK;
  int rc = user_set_id(db, &where, sessions, user_column(sessions, SESSION_NAMES("id")), row_key);
  if (rc != LEDGER_OK) return rc;
  user_set(&values, sessions, session_column(tables, "is_revoked"), LEDGER_BOOLEAN, NULL, 1);
  user_set(&values, sessions, session_column(tables, "is_active"), LEDGER_BOOLEAN, NULL, 0);
  if (values.count == 0)
    return write_delete(db, sessions->name, 1, where.columns, where.values, 0, NULL, NULL);
  return write_update(db, sessions->name, values.count, values.columns, values.values, 1,
                      where.columns, where.values, 0, NULL, NULL);
}

/* ---- a session */

struct session { /* as ledger_session has it; texts in the arena */
  const char *id, *user_id, *method;
  struct value row_key;
  int64_t created_at, expires_at;
  bool is_over; /* ended, expired, or its row of sessions is gone or revoked */
};

static int session_read(ledger *db, const struct user_tables *tables, const char *id,
                        struct session *out, bool *found) {
  static const char key[] = "session";
  struct value value = user_text(id);
  *found = false;
  *out = (struct session){.is_over = true};
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendall(sql, "SELECT s.id, s.user_id, s.method, s.row_key, s.created_at,"
                               " s.expires_at, s.ended_at, ");
    session_alive_sql(sql, tables);
    sqlite3_str_appendall(sql, " FROM main.ledger_session AS s WHERE s.id = ?1");
    stmt = statement_make(db, key, sizeof key, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, 1, &value);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    *found = true;
    out->row_key = statement_value(stmt, 3);
    out->created_at = sqlite3_column_int64(stmt, 4);
    out->expires_at = sqlite3_column_int64(stmt, 5);
    out->is_over = sqlite3_column_type(stmt, 6) != SQLITE_NULL ||
                   sqlite3_column_int(stmt, 7) == 0 || out->expires_at <= clock_now_us();
    rc = value_keep(&db->arena, &out->row_key) == LEDGER_OK ? LEDGER_OK : error_memory(&db->error);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 0, &out->id);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 1, &out->user_id);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 2, &out->method);
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int session_end(ledger *db, const struct user_tables *tables, const char *id,
                       const struct value *row_key) {
  const struct value values[] = {user_text(id), user_integer(db->session.now_us)};
  int rc = user_run(db, STATEMENT_SESSION_END, 2, values);
  return rc == LEDGER_OK ? session_end_row(db, tables, row_key) : rc;
}

/* One of a user's that go on. */
struct session_live {
  const char *id;
  struct value row_key;
  struct session_live *next;
};

static int session_read_live(ledger *db, const char *user_id, struct session_live **out) {
  struct value value = user_text(user_id);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SESSION_LIVE);
  *out = NULL;
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, &value);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct session_live *live = arena_alloc(&db->arena, sizeof *live);
    rc = live == NULL ? error_memory(&db->error) : statement_text(db, stmt, 0, &live->id);
    if (rc != LEDGER_OK) break;
    live->row_key = statement_value(stmt, 1);
    if (value_keep(&db->arena, &live->row_key) != LEDGER_OK) rc = error_memory(&db->error);
    live->next = *out;
    *out = live;
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int session_end_all(ledger *db, const struct user_state *state, const char *user_id,
                                   const char *except) {
  struct session_live *live;
  int rc = session_read_live(db, user_id, &live);
  for (; rc == LEDGER_OK && live != NULL; live = live->next)
    if (except == NULL || strcmp(except, live->id) != 0)
      rc = session_end(db, &state->tables, live->id, &live->row_key);
  return rc;
}

/* ---- its tokens */

static void session_token_hash(const char *token, unsigned char out[SEAL_BLAKE2B_BYTES]) {
  struct seal_blake2b hash;
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, token, strlen(token));
  seal_blake2b_final(&hash, out);
}

static int session_successor(ledger *db, const char *token, char out[SESSION_TOKEN_TEXT]) {
  unsigned char key[32], bytes[SEAL_SHA256_BYTES];
  int rc = token_refresh_key(db, key);
  if (rc != LEDGER_OK) return rc;
  seal_hmac_sha256(key, sizeof key, token, strlen(token), bytes);
  seal_base64(bytes, SESSION_TOKEN_BYTES, out);
  seal_wipe(key, sizeof key);
  return LEDGER_OK;
}

static int session_insert_token(ledger *db, const char *session_id, const char *token) {
  unsigned char hash[SEAL_BLAKE2B_BYTES];
  session_token_hash(token, hash);
  const struct value values[] = {user_bytes(hash, sizeof hash), user_text(session_id),
                                 user_integer(db->session.now_us)};
  return user_run(db, STATEMENT_REFRESH_INSERT, 3, values);
}

/* The claims that GoTrue puts into an access token, in its order. */
static sqlite3_str *session_claims(const struct user_state *state, const struct user *user,
                                   const struct session *session, int64_t now_us) {
  const struct user_own *own = &user->own;
  int64_t now = now_us / 1000000;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(out, 1, '{');
  if (state->issuer != NULL) json_member(out, "iss", state->issuer);
  json_member(out, "sub", user->id);
  json_member(out, "aud", "authenticated");
  sqlite3_str_appendf(out, ",\"exp\":%lld,\"iat\":%lld",
                      (long long)(now + state->settings.token_seconds), (long long)now);
  json_member(out, "email", user->email);
  json_member(out, "phone", own->phone == NULL ? "" : own->phone);
  sqlite3_str_appendf(out, ",\"app_metadata\":%s,\"user_metadata\":%s",
                      own->app_metadata == NULL ? "{}" : own->app_metadata,
                      own->user_metadata == NULL ? "{}" : own->user_metadata);
  json_member(out, "role", own->role == NULL ? "authenticated" : own->role);
  json_member(out, "aal", "aal1");
  sqlite3_str_appendall(out, ",\"amr\":[{");
  json_member(out, "method", session->method);
  sqlite3_str_appendf(out, ",\"timestamp\":%lld}]", (long long)(session->created_at / 1000000));
  json_member(out, "session_id", session->id);
  sqlite3_str_appendf(out, ",\"is_anonymous\":%s}", own->is_anonymous ? "true" : "false");
  return out;
}

static int session_fill(ledger *db, const struct user_state *state, const struct user *user,
                        const struct session *session, const char *refresh_token,
                        ledger_session *out) {
  int64_t now_us = db->session.now_us;
  out->session_id = session->id;
  out->expires_in = state->settings.token_seconds;
  out->expires_at = now_us / 1000000 + state->settings.token_seconds;
  out->refresh_token = arena_copy(&db->arena, refresh_token, strlen(refresh_token));
  if (out->refresh_token == NULL) return error_memory(&db->error);
  int rc = token_sign(db, session_claims(state, user, session, now_us), &out->access_token);
  return rc == LEDGER_OK ? user_fill(db, user, &out->user) : rc;
}

/* An agent as it is kept: text, not too long. */
static int session_agent(ledger *db, const char *agent, const char **out) {
  *out = NULL;
  if (agent == NULL || !text_is_valid_utf8(agent, strlen(agent))) return LEDGER_OK;
  size_t length = strlen(agent);
  if (length > SESSION_AGENT_MAX) length = text_offset(agent, length, SESSION_AGENT_MAX / 4);
  *out = arena_copy(&db->arena, agent, length);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* A new one, in the write transaction that is open. */
static int session_make(ledger *db, const struct user_state *state, const struct user *user,
                        const char *method, const ledger_client *client, ledger_session *out) {
  const struct user_tables *tables = &state->tables;
  int64_t now_us = db->session.now_us;
  int64_t lives_us = (int64_t)state->settings.session_seconds * 1000000;
  unsigned char random[SESSION_TOKEN_BYTES];
  char refresh_token[SESSION_TOKEN_TEXT];
  ledger_client kept = {0};
  struct session session = {
      .method = method, .created_at = now_us, .expires_at = now_us + lives_us};
  char *id = arena_alloc(&db->arena, 37);
  if (id == NULL) return error_memory(&db->error);
  id_uuid4(id);
  session.id = id;
  seal_random(random, sizeof random);
  seal_base64(random, sizeof random, refresh_token);
  int rc = LEDGER_OK;
  if (client != NULL) {
    if (client->ip_address != NULL && strlen(client->ip_address) <= 64 &&
        text_is_valid_utf8(client->ip_address, strlen(client->ip_address)))
      kept.ip_address = client->ip_address;
    rc = session_agent(db, client->user_agent, &kept.user_agent);
  }
  if (rc == LEDGER_OK)
    rc = session_insert_row(db, tables, user, id, refresh_token, session.expires_at, &kept,
                            &session.row_key);
  const struct value values[] = {user_text(id),
                                 user_text(user->id),
                                 session.row_key,
                                 user_text(method),
                                 user_text(kept.ip_address),
                                 user_text(kept.user_agent),
                                 user_integer(now_us),
                                 user_integer(session.expires_at)};
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SESSION_INSERT, 8, values);
  if (rc == LEDGER_OK) rc = session_insert_token(db, id, refresh_token);
  struct value before = user_integer(now_us - lives_us);
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SESSION_FORGET, 1, &before);
  return rc == LEDGER_OK ? session_fill(db, state, user, &session, refresh_token, out) : rc;
}

/* ---- signing in */

static const char *session_address(const ledger_client *client) {
  return client == NULL || client->ip_address == NULL ? "" : client->ip_address;
}

static int session_bad_credentials(ledger *db) {
  return error_set(&db->error, LEDGER_BAD_CREDENTIALS, "no such user, or another password");
}

struct session_name { /* by what somebody is to be found */
  const char *text;   /* an address in small letters, a number's digits, or what was given */
  bool is_address, is_number;
};

static int session_read_name(ledger *db, const char *given, struct session_name *out) {
  *out = (struct session_name){.text = given};
  if (strlen(given) > SESSION_NAME_MAX || !text_is_valid_utf8(given, strlen(given)))
    return LEDGER_OK;
  out->is_address = strchr(given, '@') != NULL;
  if (out->is_address) {
    out->text = user_small(db, given);
    return out->text == NULL ? db->error.code : LEDGER_OK;
  }
  const char *digits;
  int rc = user_read_phone(db, given, &digits);
  out->is_number = rc == LEDGER_OK;
  if (rc == LEDGER_OK) out->text = digits;
  if (rc != LEDGER_INVALID_PARAMETER) return rc;
  error_clear(&db->error);
  return LEDGER_OK;
}

/* Counts the attempt and reads who it is about, in one transaction. An address is looked for as it was given, too. */
static int session_attempt(ledger *db, const struct session_name *name, const char *given,
                           const char *client, struct user *user, bool *found) {
  struct user_state *state;
  *found = false;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = lockout_count(db, &state->settings, name->text, client);
  if (rc == LEDGER_OK && name->is_address) rc = user_find(db, USER_BY_EMAIL, given, user, found);
  if (rc == LEDGER_OK && name->is_number)
    rc = user_find(db, USER_BY_PHONE, name->text, user, found);
  return user_end(db, rc);
}

/* What keeps a user out whose password was right. */
static int session_refusal(ledger *db, const struct user_state *state, const struct user *user,
                           bool is_address) {
  int rc = user_may_sign_in(db, user);
  if (rc != LEDGER_OK || !state->settings.must_confirm) return rc;
  bool is_proven = is_address ? user->email_confirmed_at != 0 : user->own.phone_confirmed_at != 0;
  if (is_proven) return LEDGER_OK;
  return error_set(&db->error, LEDGER_NOT_CONFIRMED, "the %s is not confirmed",
                   is_address ? "address" : "number");
}

/* The password was right: the attempt was none, whatever comes of it. */
static int session_admit(ledger *db, const struct session_name *name, const char *verified,
                         const char *user_id, const char *new_hash, const ledger_client *client,
                         ledger_session *out) {
  struct user_state *state;
  struct user user;
  bool found;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = lockout_clear(db, name->text, session_address(client));
  if (rc == LEDGER_OK) rc = user_find(db, USER_BY_ID, user_id, &user, &found);
  if (rc != LEDGER_OK) return user_end(db, rc);
  /* Somebody else may have changed it while it was hashed. Who has left is nobody's user any more. */
  int refusal = found && !user.is_deleted && strcmp(user.password_hash, verified) == 0
                    ? session_refusal(db, state, &user, name->is_address)
                    : session_bad_credentials(db);
  if (refusal != LEDGER_OK) {
    ledger_error error = db->error;
    rc = user_end(db, LEDGER_OK);
    if (rc == LEDGER_OK) db->error = error;
    return rc == LEDGER_OK ? refusal : rc;
  }
  rc = user_note_sign_in(db, state, &user, new_hash);
  if (rc == LEDGER_OK) rc = session_make(db, state, &user, "password", client, out);
  return user_end(db, rc);
}

LEDGER_PRIVATE int session_sign_in(ledger *db, const char *given, const char *password,
                                   const ledger_client *client, ledger_session *out) {
  struct user user;
  struct session_name name;
  char made[SEAL_PASSWORD_TEXT];
  bool found, is_of_it;
  int rc = session_read_name(db, given, &name);
  if (rc == LEDGER_OK)
    rc = session_attempt(db, &name, given, session_address(client), &user, &found);
  const char *hash = rc == LEDGER_OK && found ? user.password_hash : "";
  if (rc == LEDGER_OK) rc = password_is(db, hash, password, &is_of_it);
  if (rc == LEDGER_OK && !is_of_it) rc = password_even(db, hash, password);
  if (rc != LEDGER_OK) return rc;
  if (!is_of_it) return session_bad_credentials(db);
  bool is_old = password_is_old(hash);
  if (is_old) rc = password_hash(db, password, made);
  return rc == LEDGER_OK
             ? session_admit(db, &name, hash, user.id, is_old ? made : NULL, client, out)
             : rc;
}

LEDGER_PRIVATE int session_open(ledger *db, const char *user_id, const char *method,
                                const ledger_client *client, ledger_session *out) {
  struct user_state *state;
  struct user user;
  size_t length = strlen(method);
  if (length == 0 || length > SESSION_METHOD_MAX || !text_is_valid_utf8(method, length))
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "not a method: \"%.40s\"", method);
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_named(db, user_id, &user);
  if (rc == LEDGER_OK) rc = user_may_sign_in(db, &user);
  if (rc == LEDGER_OK) rc = user_note_sign_in(db, state, &user, NULL);
  if (rc == LEDGER_OK) rc = session_make(db, state, &user, method, client, out);
  return user_end(db, rc);
}

/* ---- refreshing */

struct session_used { /* a refresh token as it is kept */
  const char *session_id;
  int64_t used_at; /* 0: it was not */
};

static int session_read_token(ledger *db, const char *token, struct session_used *out,
                              bool *found) {
  unsigned char hash[SEAL_BLAKE2B_BYTES];
  *found = false;
  session_token_hash(token, hash);
  struct value value = user_bytes(hash, sizeof hash);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_REFRESH_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, &value);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    *found = true;
    out->used_at = sqlite3_column_int64(stmt, 1);
    rc = statement_text(db, stmt, 0, &out->session_id);
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* The token was used just now: the last of those that followed it. */
static int session_last_token(ledger *db, const char *token, char out[SESSION_TOKEN_TEXT],
                              bool *found) {
  struct session_used used = {.used_at = 1};
  int rc = session_successor(db, token, out);
  *found = true;
  for (int i = 0; rc == LEDGER_OK && *found && i < SESSION_CHAIN_MAX; i++) {
    char next[SESSION_TOKEN_TEXT];
    rc = session_read_token(db, out, &used, found);
    if (rc != LEDGER_OK || !*found || used.used_at == 0) break;
    rc = session_successor(db, out, next);
    memcpy(out, next, sizeof next);
  }
  if (used.used_at != 0) *found = false;
  return rc;
}

/* Takes the token for its successor, which is given out. */
static int session_advance(ledger *db, const struct user_state *state,
                           const struct session *session, const char *token,
                           char out[SESSION_TOKEN_TEXT]) {
  unsigned char hash[SEAL_BLAKE2B_BYTES];
  int64_t now_us = db->session.now_us;
  int64_t lives_us = (int64_t)state->settings.session_seconds * 1000000;
  session_token_hash(token, hash);
  const struct value used[] = {user_bytes(hash, sizeof hash), user_integer(now_us)};
  const struct value fresh[] = {user_text(session->id), user_integer(now_us),
                                user_integer(now_us + lives_us)};
  const struct value before[] = {user_text(session->id), user_integer(now_us - lives_us)};
  int rc = session_successor(db, token, out);
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_REFRESH_USED, 2, used);
  if (rc == LEDGER_OK) rc = session_insert_token(db, session->id, out);
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SESSION_REFRESHED, 3, fresh);
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_REFRESH_FORGET, 2, before);
  return rc == LEDGER_OK
             ? session_update_row(db, &state->tables, &session->row_key, out, now_us + lives_us)
             : rc;
}

/* Is a token that was used at that time to be given its successor again? */
static bool session_is_reusable(ledger *db, const struct user_state *state, int64_t used_at) {
  int seconds = state->settings.reuse_seconds;
  return seconds >= 0 && db->session.now_us - used_at <= (int64_t)seconds * 1000000;
}

/* *refusal: why the session gets no further, although what was written is to stay (it was ended). */
static int session_refresh_all(ledger *db, const struct user_state *state, const char *token,
                               ledger_session *out, int *refusal) {
  struct session_used used;
  struct session session;
  struct user user;
  char next[SESSION_TOKEN_TEXT];
  bool found;
  int rc = session_read_token(db, token, &used, &found);
  if (rc == LEDGER_OK && found)
    rc = session_read(db, &state->tables, used.session_id, &session, &found);
  if (rc == LEDGER_OK && !found)
    rc = error_set(&db->error, LEDGER_TOKEN_UNKNOWN, "no session has the refresh token");
  if (rc == LEDGER_OK && session.is_over)
    rc = error_set(&db->error, LEDGER_SESSION_GONE, "the session was ended");
  if (rc == LEDGER_OK) rc = user_find(db, USER_BY_ID, session.user_id, &user, &found);
  if (rc == LEDGER_OK && !found)
    rc = error_set(&db->error, LEDGER_SESSION_GONE, "the session's user is gone");
  if (rc == LEDGER_OK) rc = user_may_sign_in(db, &user);
  if (rc != LEDGER_OK) return rc;
  if (used.used_at == 0)
    rc = session_advance(db, state, &session, token, next);
  else if (session_is_reusable(db, state, used.used_at))
    rc = session_last_token(db, token, next, &found);
  else
    found = false;
  if (rc == LEDGER_OK && found) return session_fill(db, state, &user, &session, next, out);
  if (rc == LEDGER_OK) rc = session_end(db, &state->tables, session.id, &session.row_key);
  if (rc == LEDGER_OK)
    *refusal = error_set(&db->error, LEDGER_TOKEN_REUSED,
                         "the refresh token was used before; its session was ended");
  return rc;
}

LEDGER_PRIVATE int session_refresh(ledger *db, const char *refresh_token,
                                   const ledger_client *client, ledger_session *out) {
  struct user_state *state;
  int refusal = LEDGER_OK;
  (void)client; /* the row keeps whence the user signed in */
  if (strlen(refresh_token) != SESSION_TOKEN_TEXT - 1)
    return error_set(&db->error, LEDGER_TOKEN_UNKNOWN, "no session has the refresh token");
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = session_refresh_all(db, state, refresh_token, out, &refusal);
  ledger_error error = db->error;
  rc = user_end(db, rc);
  if (rc != LEDGER_OK || refusal == LEDGER_OK) return rc;
  db->error = error;
  return refusal;
}

/* ---- signing out */

LEDGER_PRIVATE int session_close(ledger *db, const char *user_id, const char *session_id,
                                 enum ledger_scope scope) {
  struct user_state *state;
  struct session session;
  bool found;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  if (scope != LEDGER_SCOPE_LOCAL) {
    rc = session_end_all(db, state, user_id, scope == LEDGER_SCOPE_OTHERS ? session_id : NULL);
    return user_end(db, rc);
  }
  rc = session_read(db, &state->tables, session_id, &session, &found);
  if (rc == LEDGER_OK && (!found || session.is_over || strcmp(session.user_id, user_id) != 0))
    rc = error_set(&db->error, LEDGER_SESSION_GONE, "the user has no such session");
  if (rc == LEDGER_OK) rc = session_end(db, &state->tables, session.id, &session.row_key);
  return user_end(db, rc);
}

#undef SESSION_TOKEN_BYTES
#undef SESSION_TOKEN_TEXT
#undef SESSION_CHAIN_MAX
#undef SESSION_NAME_MAX
#undef SESSION_METHOD_MAX
#undef SESSION_AGENT_MAX
#undef SESSION_NAMES
