/*
** token.c: JSON Web Tokens (RFC 7519) in the compact form (RFC 7515) under HS256 and nothing else, and the secrets that sign them.
**
** A token is looked at in this order: its size and its three parts, the header, the signature, the claims, the time, the session. What
** was found is remembered by the whole token, so that of a token that comes again only the time and the session are looked at, and
** whether another secret signs by now: all of that is one statement on four keys.
*/
#include "../internal.h"
#include "user.h"

#define TOKEN_MAX 8192 /* bytes */
#define TOKEN_SKEW 30  /* seconds that the clock of who signed may be off, as PostgREST has it */
#define TOKEN_ROLE_SECONDS (INT64_C(3650) * 86400)
#define TOKEN_SECRETS_MAX 8 /* that verify at a time */
#define TOKEN_SECRET_MIN 32 /* bytes of text */
#define TOKEN_SECRET_MAX 1024
#define TOKEN_REMEMBERED 64
#define TOKEN_MEMBERS_MAX 64 /* of a header or a payload */

struct token_secret {
  int64_t n, expires_at; /* INT64_MAX: the last one */
  char *text;
};

/* What a token says, once it was found good. The texts and the token itself lie in `memory`. */
struct token_entry {
  uint64_t hash;
  size_t length, signed_length;
  char *memory; /* NULL: an empty place */
  const char *token, *role, *claims, *user_id, *session_id;
  int64_t expires_at;        /* seconds; INT64_MAX: never */
  int64_t secret_expires_at; /* microseconds */
};

struct token_cache {
  int64_t last; /* number of the last secret when they were read */
  int secret_count;
  struct token_secret secrets[TOKEN_SECRETS_MAX]; /* newest first */
  struct token_entry entries[TOKEN_REMEMBERED];
};

/* ---- the secrets */

static void token_forget_entries(struct token_cache *cache) {
  for (int i = 0; i < TOKEN_REMEMBERED; i++) {
    sqlite3_free(cache->entries[i].memory);
    cache->entries[i].memory = NULL;
  }
}

static void token_forget_secrets(struct token_cache *cache) {
  for (int i = 0; i < cache->secret_count; i++) {
    seal_wipe(cache->secrets[i].text, strlen(cache->secrets[i].text));
    sqlite3_free(cache->secrets[i].text);
  }
  cache->secret_count = 0;
  cache->last = -1;
}

LEDGER_PRIVATE void token_forget(struct user_state *state) {
  if (state->tokens == NULL) return;
  token_forget_entries(state->tokens);
  token_forget_secrets(state->tokens);
}

static int token_cache(ledger *db, struct user_state *state, struct token_cache **out) {
  if (state->tokens == NULL) {
    state->tokens = sqlite3_malloc64(sizeof *state->tokens);
    if (state->tokens == NULL) return error_memory(&db->error);
    memset(state->tokens, 0, sizeof *state->tokens);
    state->tokens->last = -1;
  }
  *out = state->tokens;
  return LEDGER_OK;
}

static int token_read_secret(ledger *db, sqlite3_stmt *stmt, struct token_secret *out) {
  const char *text = (const char *)sqlite3_column_text(stmt, 1);
  *out = (struct token_secret){.n = sqlite3_column_int64(stmt, 0), .expires_at = INT64_MAX};
  if (sqlite3_column_type(stmt, 2) != SQLITE_NULL) out->expires_at = sqlite3_column_int64(stmt, 2);
  out->text = text == NULL ? NULL : sqlite3_mprintf("%s", text);
  return out->text == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* Reads the secrets anew where there is another last one than the handle knows. */
static int token_secrets(ledger *db, struct token_cache *cache, int64_t last) {
  if (cache->last == last) return LEDGER_OK;
  struct value now = user_integer(clock_now_us());
  token_forget_entries(cache);
  token_forget_secrets(cache);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SECRET_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, &now);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    rc = token_read_secret(db, stmt, &cache->secrets[cache->secret_count]);
    if (rc == LEDGER_OK) cache->secret_count++;
    if (cache->secret_count == TOKEN_SECRETS_MAX) break;
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_DONE && rc != LEDGER_OK) return rc;
  cache->last = last;
  return LEDGER_OK;
}

static int token_last(ledger *db, int64_t *last) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SECRET_LAST);
  *last = 0;
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) *last = sqlite3_column_int64(stmt, 0); /* null, 0: there is none */
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW ? LEDGER_OK : rc;
}

/* Adds a secret, which signs from now on. The key of refresh tokens stays what it is. */
static int token_add_secret(ledger *db, const char *secret) {
  unsigned char random[2][32];
  char text[64];
  seal_random(random, sizeof random);
  if (secret == NULL) {
    assert(seal_base64_length(sizeof random[0]) < sizeof text);
    seal_base64(random[0], sizeof random[0], text);
  }
  const struct value values[] = {user_integer(db->session.now_us),
                                 user_text(secret == NULL ? text : secret),
                                 user_bytes(random[1], sizeof random[1])};
  int rc = user_run(db, STATEMENT_SECRET_INSERT, 3, values);
  seal_wipe(text, sizeof text);
  seal_wipe(random, sizeof random);
  return rc;
}

/* The secret that signs; made where there is none, for which the handle must be in a write transaction. */
static int token_signing(ledger *db, const struct token_secret **out) {
  struct user_state *state;
  struct token_cache *cache;
  int64_t last = 0;
  int rc = user_enter(db, &state);
  if (rc == LEDGER_OK) rc = token_cache(db, state, &cache);
  if (rc == LEDGER_OK) rc = token_last(db, &last);
  if (rc == LEDGER_OK && last == 0) {
    rc = token_add_secret(db, NULL);
    if (rc == LEDGER_OK) rc = token_last(db, &last);
  }
  if (rc == LEDGER_OK) rc = token_secrets(db, cache, last);
  if (rc == LEDGER_OK && cache->secret_count == 0)
    rc = error_set(&db->error, LEDGER_CORRUPT, "the file has no secret to sign with");
  if (rc == LEDGER_OK) *out = &cache->secrets[0];
  return rc;
}

LEDGER_PRIVATE int token_refresh_key(ledger *db, unsigned char key[32]) {
  const struct token_secret *secret;
  int rc = token_signing(db, &secret);
  sqlite3_stmt *stmt = rc == LEDGER_OK ? statement_fixed(db, STATEMENT_SECRET_REFRESH) : NULL;
  if (stmt == NULL) return db->error.code;
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW && sqlite3_column_bytes(stmt, 0) == 32)
    memcpy(key, sqlite3_column_blob(stmt, 0), 32);
  else if (rc == LEDGER_ROW || rc == LEDGER_DONE)
    rc = error_set(&db->error, LEDGER_CORRUPT, "the key of refresh tokens is none");
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW ? LEDGER_OK : rc;
}

/* ---- signing */

static void token_signature(const struct token_secret *secret, const char *text, size_t length,
                            unsigned char out[SEAL_SHA256_BYTES]) {
  seal_hmac_sha256(secret->text, strlen(secret->text), text, length, out);
}

LEDGER_PRIVATE int token_sign(ledger *db, sqlite3_str *claims, const char **token) {
  static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
  const struct token_secret *secret;
  unsigned char signature[SEAL_SHA256_BYTES];
  const char *payload = arena_finish(&db->arena, claims);
  if (payload == NULL) return error_memory(&db->error);
  int rc = token_signing(db, &secret);
  if (rc != LEDGER_OK) return rc;
  size_t head = seal_base64_length(sizeof header - 1);
  size_t body = seal_base64_length(strlen(payload));
  size_t length = head + 1 + body + 1 + seal_base64_length(sizeof signature);
  if (length > TOKEN_MAX)
    return error_set(&db->error, LEDGER_PROGRAM_LIMIT, "a token may have %d bytes at most",
                     TOKEN_MAX);
  char *text = arena_alloc(&db->arena, length + 1);
  if (text == NULL) return error_memory(&db->error);
  seal_base64(header, sizeof header - 1, text);
  text[head] = '.';
  seal_base64(payload, strlen(payload), text + head + 1);
  token_signature(secret, text, head + 1 + body, signature);
  text[head + 1 + body] = '.';
  seal_base64(signature, sizeof signature, text + head + 1 + body + 1);
  *token = text;
  return LEDGER_OK;
}

LEDGER_PRIVATE int token_sign_role(ledger *db, const char *role, int64_t seconds, char **token) {
  struct user_state *state;
  const char *text = NULL;
  size_t length = strlen(role);
  if (length == 0 || length > LEDGER_NAME_MAX || !text_is_valid_utf8(role, length))
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "not a role: \"%.63s\"", role);
  if (seconds > INT64_C(100) * TOKEN_ROLE_SECONDS)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER,
                     "a token lives a thousand years at most");
  if (seconds == 0) seconds = TOKEN_ROLE_SECONDS;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  int64_t now = db->session.now_us / 1000000;
  sqlite3_str *claims = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(claims, 1, '{');
  if (state->issuer != NULL) json_member(claims, "iss", state->issuer);
  json_member(claims, "role", role);
  sqlite3_str_appendf(claims, ",\"iat\":%lld,\"exp\":%lld}", (long long)now,
                      (long long)(now + seconds));
  rc = token_sign(db, claims, &text);
  if (rc == LEDGER_OK) {
    *token = sqlite3_mprintf("%s", text);
    if (*token == NULL) rc = error_memory(&db->error);
  }
  rc = user_end(db, rc);
  if (rc == LEDGER_OK) return rc;
  sqlite3_free(*token);
  *token = NULL;
  return rc;
}

LEDGER_PRIVATE int token_rotate(ledger *db, const char *secret, int64_t overlap_seconds) {
  const struct token_secret *present;
  struct user_state *state;
  if (overlap_seconds > INT64_C(100) * 366 * 86400)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "an overlap of more than a century");
  if (secret != NULL) {
    size_t length = strlen(secret);
    int rc = text_check(secret, length, &db->error);
    if (rc != LEDGER_OK) return rc;
    if (length < TOKEN_SECRET_MIN || length > TOKEN_SECRET_MAX)
      return error_set(&db->error, LEDGER_INVALID_PARAMETER, "a secret has %d to %d bytes",
                       TOKEN_SECRET_MIN, TOKEN_SECRET_MAX);
  }
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  int64_t last, now_us = db->session.now_us;
  rc = token_last(db, &last);
  if (rc == LEDGER_OK && last != 0) {
    rc = token_signing(db, &present);
    bool is_present = rc == LEDGER_OK && secret != NULL && strcmp(secret, present->text) == 0;
    if (is_present) return user_end(db, LEDGER_OK);
    const struct value until[] = {user_integer(now_us + overlap_seconds * 1000000),
                                  user_integer(now_us)};
    if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SECRET_EXPIRE, 1, until);
    if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SECRET_FORGET, 1, until + 1);
  }
  if (rc == LEDGER_OK) rc = token_add_secret(db, secret);
  token_forget(state);
  return user_end(db, rc);
}

/* ---- reading */

static int token_bad(ledger *db, const char *problem) {
  return error_set(&db->error, LEDGER_BAD_TOKEN, "invalid token: %s", problem);
}

/* What is read of a header or a payload; numbers -1 and texts NULL where they are not there. */
struct token_members {
  const char *algorithm, *type, *role, *user_id, *session_id;
  int64_t expires_at, not_before, issued_at;
  bool has_critical;
};

/* Whole seconds of a NumericDate, which may have a fraction. */
static bool token_seconds(const struct json *json, int64_t *out) {
  int64_t seconds = 0;
  size_t i = 0;
  for (; i < json->token_length && json->token[i] >= '0' && json->token[i] <= '9'; i++) {
    if (i == 12) return false;
    seconds = seconds * 10 + (json->token[i] - '0');
  }
  if (i == 0) return false;
  if (i < json->token_length && json->token[i] == '.')
    for (i++; i < json->token_length && json->token[i] >= '0' && json->token[i] <= '9';) i++;
  *out = seconds;
  return i == json->token_length;
}

static int token_member_text(ledger *db, const struct json *json, const char **out) {
  const char *text;
  size_t length;
  int rc = json_decode(&db->arena, json, &text, &length, &db->error);
  if (rc == LEDGER_MEMORY) return rc;
  if (rc != LEDGER_OK) return token_bad(db, "a text of it cannot be read");
  *out = arena_copy(&db->arena, text, length);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* The value behind a key that was read. */
static int token_read_member(ledger *db, struct json *json, const char *key,
                             struct token_members *out) {
  const struct {
    const char *name;
    const char **text;
    int64_t *seconds;
  } known[] = {{"alg", &out->algorithm, NULL},  {"typ", &out->type, NULL},
               {"role", &out->role, NULL},      {"sub", &out->user_id, NULL},
               {"exp", NULL, &out->expires_at}, {"session_id", &out->session_id, NULL},
               {"nbf", NULL, &out->not_before}, {"iat", NULL, &out->issued_at}};
  enum json_token token = json_next(json);
  if (token == JSON_ERROR) return token_bad(db, "it is not JSON");
  if (strcmp(key, "crit") == 0) out->has_critical = true;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, key) != 0) continue;
    if (known[i].text != NULL && token == JSON_STRING)
      return token_member_text(db, json, known[i].text);
    if (known[i].seconds != NULL && token == JSON_NUMBER && token_seconds(json, known[i].seconds))
      return LEDGER_OK;
    return token_bad(db, "a claim has a value of another kind");
  }
  size_t length;
  bool is_nested = token == JSON_OBJECT || token == JSON_ARRAY;
  return is_nested && !json_skip(json, &length) ? token_bad(db, "it is not JSON") : LEDGER_OK;
}

/* One JSON object, no member of it twice. */
static int token_read_object(ledger *db, const char *text, size_t length,
                             struct token_members *out) {
  struct json json;
  const char *keys[TOKEN_MEMBERS_MAX];
  int count = 0;
  if (!text_is_valid_utf8(text, length)) return token_bad(db, "it is not text");
  json_start(&json, text, length);
  if (json_next(&json) != JSON_OBJECT) return token_bad(db, "it is not a JSON object");
  for (;;) {
    enum json_token token = json_next(&json);
    if (token == JSON_OBJECT_END) break;
    if (token != JSON_KEY) return token_bad(db, "it is not a JSON object");
    if (count == TOKEN_MEMBERS_MAX) return token_bad(db, "it has too many members");
    int rc = token_member_text(db, &json, &keys[count]);
    if (rc != LEDGER_OK) return rc;
    for (int i = 0; i < count; i++)
      if (strcmp(keys[i], keys[count]) == 0) return token_bad(db, "a member is there twice");
    rc = token_read_member(db, &json, keys[count++], out);
    if (rc != LEDGER_OK) return rc;
  }
  return json_next(&json) == JSON_END ? LEDGER_OK : token_bad(db, "it is not a JSON object");
}

static const struct token_members token_no_members = {
    .expires_at = -1, .not_before = -1, .issued_at = -1};

/* A part of a token, decoded into the arena with a NUL behind it. */
static int token_decode(ledger *db, const char *part, size_t length, char **out, size_t *used) {
  *out = arena_alloc(&db->arena, length + 1);
  if (*out == NULL) return error_memory(&db->error);
  if (!seal_base64_read(part, length, (unsigned char *)*out, length, used))
    return token_bad(db, "it is not base64url");
  (*out)[*used] = 0;
  return LEDGER_OK;
}

static int token_read_header(ledger *db, const char *part, size_t length) {
  struct token_members header = token_no_members;
  char *text;
  size_t used;
  int rc = token_decode(db, part, length, &text, &used);
  if (rc == LEDGER_OK) rc = token_read_object(db, text, used, &header);
  if (rc != LEDGER_OK) return rc;
  if (header.algorithm == NULL || strcmp(header.algorithm, "HS256") != 0)
    return token_bad(db, "its algorithm is not HS256");
  bool is_jwt = header.type == NULL || sqlite3_stricmp(header.type, "JWT") == 0;
  if (!is_jwt || header.has_critical) return token_bad(db, "it is of another type");
  return LEDGER_OK;
}

/* Does one of the secrets sign it? *secret receives which. */
static int token_check_signature(ledger *db, const struct token_cache *cache, const char *token,
                                 size_t signed_length, size_t length,
                                 const struct token_secret **secret) {
  unsigned char given[SEAL_SHA256_BYTES + 1], wanted[SEAL_SHA256_BYTES];
  size_t used;
  int64_t now_us = clock_now_us();
  const char *part = token + signed_length + 1;
  *secret = NULL;
  if (!seal_base64_read(part, length - signed_length - 1, given, sizeof given, &used) ||
      used != SEAL_SHA256_BYTES)
    return token_bad(db, "its signature is none");
  for (int i = 0; i < cache->secret_count; i++) {
    if (cache->secrets[i].expires_at <= now_us) continue;
    token_signature(&cache->secrets[i], token, signed_length, wanted);
    if (seal_equal(given, wanted, sizeof wanted) && *secret == NULL) *secret = &cache->secrets[i];
  }
  return *secret == NULL ? token_bad(db, "its signature is wrong") : LEDGER_OK;
}

static int token_check_claims(ledger *db, const struct token_members *claims) {
  size_t length = claims->role == NULL ? 0 : strlen(claims->role);
  if (claims->role != NULL && (length == 0 || length > LEDGER_NAME_MAX))
    return token_bad(db, "its role is none");
  if (claims->session_id != NULL && (claims->user_id == NULL || claims->expires_at < 0))
    return token_bad(db, "a session's token needs sub and exp");
  int64_t now = clock_now_us() / 1000000;
  if (claims->issued_at > now + TOKEN_SKEW)
    return error_set(&db->error, LEDGER_TOKEN_EXPIRED, "the token was issued in the future");
  if (claims->not_before > now + TOKEN_SKEW)
    return error_set(&db->error, LEDGER_TOKEN_EXPIRED, "the token is not valid yet");
  return LEDGER_OK;
}

/* Copies what is kept of a token into one piece of memory. */
static int token_keep(ledger *db, struct token_entry *entry, const char *token, size_t length,
                      const char *payload, const struct token_members *claims) {
  const char *texts[] = {token, payload, claims->role == NULL ? "anon" : claims->role,
                         claims->user_id == NULL ? "" : claims->user_id,
                         claims->session_id == NULL ? "" : claims->session_id};
  const char **places[] = {&entry->token, &entry->claims, &entry->role, &entry->user_id,
                           &entry->session_id};
  size_t size = 0;
  for (int i = 0; i < 5; i++) size += strlen(texts[i]) + 1;
  char *memory = sqlite3_malloc64(size);
  if (memory == NULL) return error_memory(&db->error);
  sqlite3_free(entry->memory);
  entry->memory = memory;
  for (int i = 0; i < 5; i++) {
    size_t bytes = strlen(texts[i]) + 1;
    memcpy(memory, texts[i], bytes);
    *places[i] = memory;
    memory += bytes;
  }
  entry->length = length;
  entry->expires_at = claims->expires_at < 0 ? INT64_MAX : claims->expires_at;
  return LEDGER_OK;
}

/* All that does not change while the token lives, into its place in the cache. */
static int token_read(ledger *db, const struct token_cache *cache, const char *token, size_t length,
                      struct token_entry *entry) {
  struct token_members claims = token_no_members;
  const struct token_secret *secret;
  char *payload;
  size_t used;
  const char *first = strchr(token, '.');
  const char *second = first == NULL ? NULL : strchr(first + 1, '.');
  if (second == NULL || strchr(second + 1, '.') != NULL)
    return token_bad(db, "it has not three parts");
  size_t signed_length = (size_t)(second - token);
  int rc = token_read_header(db, token, (size_t)(first - token));
  if (rc == LEDGER_OK) rc = token_check_signature(db, cache, token, signed_length, length, &secret);
  if (rc == LEDGER_OK)
    rc = token_decode(db, first + 1, (size_t)(second - first - 1), &payload, &used);
  if (rc == LEDGER_OK) rc = token_read_object(db, payload, used, &claims);
  if (rc == LEDGER_OK) rc = token_check_claims(db, &claims);
  if (rc == LEDGER_OK) rc = token_keep(db, entry, token, length, payload, &claims);
  if (rc != LEDGER_OK) return rc;
  entry->signed_length = signed_length;
  entry->secret_expires_at = secret->expires_at;
  return LEDGER_OK;
}

/* ---- whether it holds */

/* Number of the last secret; of the session: user, end, expiry, the user's ban, whether its row of sessions is there and alive, and
** the user. */
static sqlite3_stmt *token_statement(ledger *db, const struct user_tables *tables) {
  static const char key[] = "token";
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql,
                        "SELECT (SELECT max(n) FROM main.ledger_secret), s.user_id, s.ended_at,"
                        " s.expires_at, u.banned_until, ");
  session_alive_sql(sql, tables);
  sqlite3_str_appendall(sql, ", ");
  user_alive_sql(sql, tables, "s.user_id");
  sqlite3_str_appendall(sql, " FROM (SELECT 1) LEFT JOIN main.ledger_session AS s ON s.id = ?1"
                             " LEFT JOIN main.ledger_user AS u ON u.id = s.user_id");
  return statement_make(db, key, sizeof key, sql);
}

/* The row of token_statement() about the session of a token. */
static int token_check_session(ledger *db, sqlite3_stmt *stmt, const struct token_entry *entry,
                               int64_t now_us) {
  const char *user_id = (const char *)sqlite3_column_text(stmt, 1);
  if (user_id == NULL || strcmp(user_id, entry->user_id) != 0 ||
      sqlite3_column_type(stmt, 2) != SQLITE_NULL || sqlite3_column_int64(stmt, 3) <= now_us ||
      sqlite3_column_int(stmt, 5) == 0 || sqlite3_column_type(stmt, 6) == SQLITE_NULL)
    return error_set(&db->error, LEDGER_SESSION_GONE, "the session was ended");
  if (sqlite3_column_int64(stmt, 4) > now_us || sqlite3_column_int(stmt, 6) == 0)
    return error_set(&db->error, LEDGER_BANNED, "the user is banned");
  return LEDGER_OK;
}

static int token_check(ledger *db, const struct token_entry *entry, sqlite3_stmt *stmt,
                       int64_t now_us) {
  if (entry->expires_at <= now_us / 1000000 - TOKEN_SKEW)
    return error_set(&db->error, LEDGER_TOKEN_EXPIRED, "the token has expired");
  return entry->session_id[0] == 0 ? LEDGER_OK : token_check_session(db, stmt, entry, now_us);
}

/* Steps the statement for a session, NULL: none. */
static int token_ask(ledger *db, sqlite3_stmt *stmt, const char *session_id) {
  struct value id = user_text(session_id);
  sqlite3_reset(stmt);
  int rc = statement_bind_all(db, stmt, 1, &id);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  return rc == LEDGER_ROW ? LEDGER_OK : rc == LEDGER_DONE ? LEDGER_ERROR : rc;
}

/* Its place may hold another one. What is signed is no secret; the signature is. */
static bool token_is_there(const struct token_entry *entry, const char *token, size_t length,
                           uint64_t hash) {
  return entry->memory != NULL && entry->hash == hash && entry->length == length &&
         memcmp(entry->token, token, entry->signed_length) == 0 &&
         seal_equal(entry->token + entry->signed_length, token + entry->signed_length,
                    length - entry->signed_length);
}

static int token_verify_with(ledger *db, const struct user_tables *tables,
                             struct token_cache *cache, const char *token, size_t length,
                             const struct token_entry **out) {
  uint64_t hash = seal_short(token, length);
  int64_t now_us = clock_now_us();
  struct token_entry *entry = &cache->entries[hash % TOKEN_REMEMBERED];
  sqlite3_stmt *stmt = token_statement(db, tables);
  *out = entry;
  if (stmt == NULL) return db->error.code;
  bool is_there = token_is_there(entry, token, length, hash);
  int rc = token_ask(db, stmt, is_there && entry->session_id[0] != 0 ? entry->session_id : NULL);
  if (rc == LEDGER_OK && is_there && cache->last == sqlite3_column_int64(stmt, 0) &&
      entry->secret_expires_at > now_us) {
    rc = token_check(db, entry, stmt, now_us);
  } else if (rc == LEDGER_OK) {
    rc = token_secrets(db, cache, sqlite3_column_int64(stmt, 0));
    if (rc == LEDGER_OK) rc = token_read(db, cache, token, length, entry);
    if (rc == LEDGER_OK) entry->hash = hash;
    if (rc == LEDGER_OK && entry->session_id[0] != 0) rc = token_ask(db, stmt, entry->session_id);
    if (rc == LEDGER_OK) rc = token_check(db, entry, stmt, now_us);
  }
  sqlite3_reset(stmt);
  return rc;
}

LEDGER_PRIVATE int token_verify(ledger *db, const char *token, ledger_identity *out) {
  struct user_state *state;
  struct token_cache *cache;
  const struct token_entry *entry;
  size_t length = strnlen(token, TOKEN_MAX + 1);
  if (length > TOKEN_MAX) return token_bad(db, "it is too long");
  int rc = user_enter(db, &state);
  if (rc == LEDGER_OK) rc = token_cache(db, state, &cache);
  if (rc == LEDGER_OK) rc = token_verify_with(db, &state->tables, cache, token, length, &entry);
  if (rc != LEDGER_OK) return rc;
  *out = (ledger_identity){.role = entry->role,
                           .claims = entry->claims,
                           .user_id = entry->user_id,
                           .session_id = entry->session_id,
                           .key_id = "",
                           .permissions = ""};
  return LEDGER_OK;
}

#undef TOKEN_MAX
#undef TOKEN_SKEW
#undef TOKEN_ROLE_SECONDS
#undef TOKEN_SECRETS_MAX
#undef TOKEN_SECRET_MIN
#undef TOKEN_SECRET_MAX
#undef TOKEN_REMEMBERED
#undef TOKEN_MEMBERS_MAX
