/*
** api_key.c: keys with which programs come. A key is its kind, 16 digits that name it and 48 that are the secret:
**   sb_publishable_0123456789abcdef_...   the role anon
**   sb_secret_...                         the role service_role
**   lk_...                                a user, with what the key is allowed of what the user may
** Kept is a salted SHA-256 of the secret: 192 random bits need no slow hash. A user's key has a row of api_keys where the schema has the
** table, and what that has a column for stands there alone. Rows that came with it are verified by the SHA-256 of the whole key.
*/
#include "../internal.h"
#include "user.h"

#define API_KEY_ID_BYTES 8
#define API_KEY_SECRET_BYTES 24
#define API_KEY_ID (2 * API_KEY_ID_BYTES)
#define API_KEY_SECRET (2 * API_KEY_SECRET_BYTES)
#define API_KEY_SALT_BYTES 16
#define API_KEY_HASH (2 * SEAL_SHA256_BYTES)
#define API_KEY_MAX 512              /* bytes of a key from elsewhere */
#define API_KEY_USED_US 60000000     /* between two notes of the last use */
#define API_KEY_RATE 100             /* requests a minute of a user's key */
#define API_KEY_PERMISSIONS_MAX 4000 /* bytes */
#define API_KEY_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const api_key_prefixes[] = {"lk_", "sb_publishable_", "sb_secret_"};
static const char *const api_key_roles[] = {NULL, "anon", "service_role"};
enum { API_KEY_KINDS = 3 };

struct api_key {   /* a key as it is kept; texts in the arena */
  const char *id;  /* of its row of api_keys, or else its own */
  const char *own; /* its id in ledger_key, NULL: it came with the schema's row */
  struct value row_key;
  const char *user_id, *role, *name, *hash, *permissions, *user_role;
  unsigned char salt[API_KEY_SALT_BYTES];
  bool has_rate_limit, is_active, is_suspended;
  int64_t rate_limit, created_at, last_used_at, expires_at;
};

/* ---- columns of api_keys, -1 where there is none */

struct api_key_columns {
  int id, user_id, key_hash, name, description, permissions, rate_limit, is_active, created_at,
      last_used_at, expires_at;
};

static int api_key_column(const struct relation *relation, const char *const *names) {
  int column = user_column(relation, names);
  bool is_own = column >= 0 && relation->columns[column].generated_sql == NULL;
  return is_own ? column : -1;
}

static struct api_key_columns api_key_columns(const struct user_tables *tables) {
  const struct relation *relation = tables->api_keys;
  return (struct api_key_columns){
      .id = api_key_column(relation, API_KEY_NAMES("id")),
      .user_id = api_key_column(relation, API_KEY_NAMES("user_id")),
      .key_hash = api_key_column(relation, API_KEY_NAMES("key_hash")),
      .name = api_key_column(relation, API_KEY_NAMES("name", "key_name")),
      .description = api_key_column(relation, API_KEY_NAMES("description")),
      .permissions = api_key_column(relation, API_KEY_NAMES("permissions")),
      .rate_limit = api_key_column(relation, API_KEY_NAMES("rate_limit")),
      .is_active = api_key_column(relation, API_KEY_NAMES("is_active")),
      .created_at = api_key_column(relation, API_KEY_NAMES("created_at")),
      .last_used_at = api_key_column(relation, API_KEY_NAMES("last_used_at", "last_used")),
      .expires_at = api_key_column(relation, API_KEY_NAMES("expires_at")),
  };
}

/* ---- reading */

/* The key's own column, or that of its row where the table has one; `own` NULL: the row's alone. */
static void api_key_either_sql(sqlite3_str *sql, const struct relation *relation, int column,
                               const char *own, bool has_own) {
  if (column < 0)
    sqlite3_str_appendf(sql, ", %s", has_own ? own : "NULL");
  else if (has_own)
    sqlite3_str_appendf(sql, ", CASE WHEN k.row_key IS NULL THEN %s ELSE a.\"%w\" END", own,
                        relation->columns[column].name);
  else
    sqlite3_str_appendf(sql, ", a.\"%w\"", relation->columns[column].name);
}

/* Keys of ledger_key with their rows (has_own), or rows of api_keys that have no such key. */
static void api_key_select_sql(sqlite3_str *sql, const struct user_tables *tables, bool has_own) {
  const struct relation *relation = tables->api_keys;
  struct api_key_columns columns = api_key_columns(tables);
  bool has_rows = relation != NULL;
  const char *user = has_own ? "k.user_id" : "CAST(a.\"user_id\" AS TEXT)";
  sqlite3_str_appendall(sql, has_own ? "SELECT k.id, k.row_key, k.user_id, k.role, k.salt, k.hash"
                                     : "SELECT NULL, a.\"id\", CAST(a.\"user_id\" AS TEXT), NULL,"
                                       " NULL, a.\"key_hash\"");
  api_key_either_sql(sql, relation, columns.name, "k.name", has_own);
  api_key_either_sql(sql, relation, columns.permissions, "k.permissions", has_own);
  api_key_either_sql(sql, relation, columns.rate_limit, "k.rate_limit", has_own);
  api_key_either_sql(sql, relation, columns.created_at, "k.created_at", has_own);
  api_key_either_sql(sql, relation, columns.expires_at, "k.expires_at", has_own);
  if (has_own)
    sqlite3_str_appendall(sql, ", k.last_used_at");
  else
    api_key_either_sql(sql, relation, columns.last_used_at, NULL, false);
  sqlite3_str_appendall(sql, has_own ? ", k.is_active" : ", 1");
  if (has_own && has_rows)
    sqlite3_str_appendall(sql, " AND (k.row_key IS NULL OR a.\"id\" IS NOT NULL)");
  if (columns.is_active >= 0) sqlite3_str_appendall(sql, " AND coalesce(a.\"is_active\", 1)");
  sqlite3_str_appendall(sql, ", u.role, coalesce(u.banned_until, 0),"
                             " CASE WHEN u.deleted_at IS NULL THEN ");
  user_alive_sql(sql, tables, user);
  sqlite3_str_appendall(sql, has_own ? " END FROM main.ledger_key AS k"
                                     : " END FROM main.\"api_keys\" AS a");
  if (has_own && has_rows)
    sqlite3_str_appendall(sql, " LEFT JOIN main.\"api_keys\" AS a ON a.\"id\" = k.row_key");
  sqlite3_str_appendf(sql, " LEFT JOIN main.ledger_user AS u ON u.id = %s", user);
}

static int api_key_read(ledger *db, sqlite3_stmt *stmt, struct api_key *out) {
  *out = (struct api_key){.row_key = statement_value(stmt, 1)};
  if (value_keep(&db->arena, &out->row_key) != LEDGER_OK) return error_memory(&db->error);
  int rc = statement_text(db, stmt, 0, &out->own);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 1, &out->id);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 2, &out->user_id);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 3, &out->role);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 5, &out->hash);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 6, &out->name);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 7, &out->permissions);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, 9, &out->created_at);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, 10, &out->expires_at);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, 11, &out->last_used_at);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 13, &out->user_role);
  if (rc != LEDGER_OK) return rc;
  if (out->id == NULL) out->id = out->own;
  if (sqlite3_column_bytes(stmt, 4) == API_KEY_SALT_BYTES)
    memcpy(out->salt, sqlite3_column_blob(stmt, 4), API_KEY_SALT_BYTES);
  out->has_rate_limit = sqlite3_column_type(stmt, 8) != SQLITE_NULL;
  out->rate_limit = sqlite3_column_int64(stmt, 8);
  out->is_active = sqlite3_column_int(stmt, 12) != 0;
  /* a user's that is not there any more takes its keys along */
  if (out->user_id != NULL && sqlite3_column_type(stmt, 15) == SQLITE_NULL) out->is_active = false;
  out->is_suspended = out->user_id != NULL && (sqlite3_column_int64(stmt, 14) > clock_now_us() ||
                                               sqlite3_column_int(stmt, 15) == 0);
  return LEDGER_OK;
}

enum api_key_by { API_KEY_BY_ID, API_KEY_BY_ROW, API_KEY_BY_HASH };

/* A key by its own id, by its row of api_keys, by that row's hash. */
static int api_key_find(ledger *db, const struct user_tables *tables, enum api_key_by by,
                        bool has_own, const struct value *value, struct api_key *out, bool *found) {
  const char key[] = {'k', 'e', 'y', (char)('0' + by), has_own ? 'o' : 'r'};
  *found = false;
  if (!has_own && tables->api_keys == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    api_key_select_sql(sql, tables, has_own);
    sqlite3_str_appendall(sql, by == API_KEY_BY_ID ? " WHERE k.id = ?1"
                               : by == API_KEY_BY_ROW
                                   ? has_own ? " WHERE k.row_key = ?1" : " WHERE a.\"id\" = ?1"
                                   : " WHERE a.\"key_hash\" = ?1");
    if (!has_own)
      sqlite3_str_appendall(sql, " AND NOT EXISTS (SELECT 1 FROM main.ledger_key AS o"
                                 " WHERE o.row_key = a.\"id\")");
    stmt = statement_make(db, key, sizeof key, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, 1, value);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    *found = true;
    rc = api_key_read(db, stmt, out);
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- verifying */

static int api_key_bad(ledger *db) {
  return error_set(&db->error, LEDGER_BAD_KEY, "no API key is like that");
}

static void api_key_hash(const unsigned char *salt, size_t salt_length, const char *text,
                         size_t length, char out[API_KEY_HASH + 1]) {
  struct seal_sha256 hash;
  unsigned char bytes[SEAL_SHA256_BYTES];
  seal_sha256_init(&hash);
  if (salt_length > 0) seal_sha256_update(&hash, salt, salt_length);
  seal_sha256_update(&hash, text, length);
  seal_sha256_final(&hash, bytes);
  text_hex(bytes, sizeof bytes, out);
}

/* Which kind of ours it is by its form, -1: none; *id points behind the prefix. */
static int api_key_kind(const char *key, const char **id) {
  static const char digits[] = "0123456789abcdef";
  for (int kind = 0; kind < API_KEY_KINDS; kind++) {
    size_t length = strlen(api_key_prefixes[kind]);
    if (strncmp(key, api_key_prefixes[kind], length) != 0) continue;
    const char *rest = key + length;
    if (strlen(rest) != API_KEY_ID + 1 + API_KEY_SECRET || rest[API_KEY_ID] != '_' ||
        strspn(rest, digits) != API_KEY_ID ||
        strspn(rest + API_KEY_ID + 1, digits) != API_KEY_SECRET)
      return -1;
    *id = rest;
    return kind;
  }
  return -1;
}

/* One of ours: its secret is compared also where there is no such key. */
static int api_key_find_own(ledger *db, const struct user_tables *tables, int kind,
                            const char *id_text, struct api_key *out, bool *found) {
  char hash[API_KEY_HASH + 1];
  struct value id = {.kind = VALUE_TEXT, .text = id_text, .length = API_KEY_ID};
  int rc = api_key_find(db, tables, API_KEY_BY_ID, true, &id, out, found);
  if (rc != LEDGER_OK) return rc;
  if (!*found) *out = (struct api_key){.hash = ""};
  api_key_hash(out->salt, sizeof out->salt, id_text + API_KEY_ID + 1, API_KEY_SECRET, hash);
  bool has_hash = out->hash != NULL && strlen(out->hash) == API_KEY_HASH;
  bool is_equal =
      seal_equal(hash, has_hash ? out->hash : api_key_prefixes[0], has_hash ? API_KEY_HASH : 1);
  const char *role = api_key_roles[kind];
  bool is_kind =
      role == NULL ? out->role == NULL : out->role != NULL && strcmp(role, out->role) == 0;
  *found = *found && has_hash && is_equal && is_kind;
  return LEDGER_OK;
}

static int api_key_find_any(ledger *db, const struct user_tables *tables, const char *key,
                            struct api_key *out) {
  const char *id;
  bool found = false;
  size_t length = strnlen(key, API_KEY_MAX + 1);
  int kind = api_key_kind(key, &id);
  int rc = LEDGER_OK;
  if (kind >= 0) {
    rc = api_key_find_own(db, tables, kind, id, out, &found);
  } else if (length > 0 && length <= API_KEY_MAX) {
    char hash[API_KEY_HASH + 1];
    api_key_hash(NULL, 0, key, length, hash);
    struct value value = {.kind = VALUE_TEXT, .text = hash, .length = API_KEY_HASH};
    rc = api_key_find(db, tables, API_KEY_BY_HASH, false, &value, out, &found);
  }
  return rc == LEDGER_OK && !found ? api_key_bad(db) : rc;
}

static int api_key_check(ledger *db, const struct api_key *key) {
  bool is_over = key->expires_at != 0 && key->expires_at <= clock_now_us();
  if (!key->is_active || is_over) return api_key_bad(db);
  if (key->is_suspended) return error_set(&db->error, LEDGER_BANNED, "the key's user is banned");
  if (key->has_rate_limit && key->rate_limit == 0)
    return error_set(&db->error, LEDGER_RATE_LIMITED, "the key allows no requests");
  return LEDGER_OK;
}

/* Writes the time of use where the key has a place for it. */
static int api_key_write_used(ledger *db, const struct user_tables *tables,
                              const struct api_key *key) {
  const struct value used[] = {user_text(key->own), user_integer(db->session.now_us)};
  struct user_values values = {0}, where = {0};
  struct api_key_columns columns = api_key_columns(tables);
  int rc = key->own == NULL ? LEDGER_OK : user_run(db, STATEMENT_KEY_USED, 2, used);
  if (rc != LEDGER_OK || key->row_key.kind == VALUE_NULL || columns.last_used_at < 0) return rc;
  rc = user_set_id(db, &where, tables->api_keys, columns.id, &key->row_key);
  if (rc == LEDGER_OK)
    rc = user_set_time(db, &values, tables->api_keys, columns.last_used_at, db->session.now_us);
  if (rc != LEDGER_OK) return rc;
  return write_update(db, tables->api_keys->name, 1, values.columns, values.values, 1,
                      where.columns, where.values, 0, NULL, NULL);
}

/* A request does not wait for it, and does not fail by it: the next one tries again. */
static void api_key_note_use(ledger *db, const struct api_key *key) {
  struct user_state *state;
  int64_t past_us = clock_now_us() - key->last_used_at;
  if (db->is_read_only || (past_us >= 0 && past_us < API_KEY_USED_US)) return;
  int timeout_ms = db->timeout_ms;
  connection_timeout(db, 0);
  if (user_begin(db, &state) == LEDGER_OK)
    (void)user_end(db, api_key_write_used(db, &state->tables, key));
  connection_timeout(db, timeout_ms);
  error_clear(&db->error);
}

static int api_key_identity(ledger *db, const struct api_key *key, ledger_identity *out) {
  const char *role = key->user_role == NULL ? "authenticated" : key->user_role;
  bool is_users = key->user_id != NULL;
  if (!is_users) role = key->role;
  sqlite3_str *claims = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(claims, 1, '{');
  if (is_users) {
    json_member(claims, "sub", key->user_id);
    json_member(claims, "aud", "authenticated");
  }
  json_member(claims, "role", role);
  json_member(claims, "key_id", key->id);
  sqlite3_str_appendchar(claims, 1, '}');
  const char *text = arena_finish(&db->arena, claims);
  if (text == NULL) return error_memory(&db->error);
  bool allows_all = key->permissions == NULL || strcmp(key->permissions, "{}") == 0;
  bool is_bounded = key->has_rate_limit && key->rate_limit > 0 && key->rate_limit < INT32_MAX;
  *out = (ledger_identity){.role = role,
                           .claims = text,
                           .user_id = is_users ? key->user_id : "",
                           .session_id = "",
                           .key_id = key->id,
                           .permissions = allows_all ? "" : key->permissions,
                           .rate_limit = is_bounded ? (int)key->rate_limit : 0};
  return LEDGER_OK;
}

LEDGER_PRIVATE int api_key_verify(ledger *db, const char *text, ledger_identity *out) {
  struct user_state *state;
  struct api_key key;
  int rc = user_enter(db, &state);
  if (rc == LEDGER_OK) rc = api_key_find_any(db, &state->tables, text, &key);
  if (rc == LEDGER_OK) rc = api_key_check(db, &key);
  if (rc == LEDGER_OK) rc = api_key_identity(db, &key, out);
  if (rc == LEDGER_OK) api_key_note_use(db, &key);
  return rc;
}

/* ---- making */

static int api_key_insert_row(ledger *db, const struct user_tables *tables,
                              const ledger_key_request *request, const struct user *user,
                              const struct api_key *key, struct value *row_key) {
  const struct relation *relation = tables->api_keys;
  struct api_key_columns columns = api_key_columns(tables);
  struct user_values values = {0};
  int rc = user_set_id(db, &values, relation, columns.user_id, &user->key);
  user_set_text(&values, relation, columns.key_hash, key->hash);
  user_set_text(&values, relation, columns.name, key->name);
  if (request->description != NULL)
    user_set_text(&values, relation, columns.description, request->description);
  if (key->permissions != NULL)
    user_set_text(&values, relation, columns.permissions, key->permissions);
  user_set(&values, relation, columns.rate_limit, LEDGER_INTEGER, NULL,
           key->has_rate_limit ? key->rate_limit : INT32_MAX);
  if (rc == LEDGER_OK && key->expires_at != 0)
    rc = user_set_time(db, &values, relation, columns.expires_at, key->expires_at);
  return rc == LEDGER_OK ? user_insert(db, relation, &values, columns.id, row_key) : rc;
}

static int api_key_insert(ledger *db, const struct user_tables *tables,
                          const ledger_key_request *request, const struct user *user,
                          struct api_key *key) {
  int rc = LEDGER_OK;
  key->row_key = (struct value){.kind = VALUE_NULL};
  if (user != NULL && tables->api_keys != NULL)
    rc = api_key_insert_row(db, tables, request, user, key, &key->row_key);
  const struct value values[] = {user_text(key->own),
                                 key->row_key,
                                 user_text(key->user_id),
                                 user_text(key->role),
                                 user_bytes(key->salt, sizeof key->salt),
                                 user_text(key->hash),
                                 user_text(key->name),
                                 user_text(request->description),
                                 user_text(key->permissions),
                                 key->has_rate_limit ? user_integer(key->rate_limit)
                                                     : (struct value){.kind = VALUE_NULL},
                                 user_integer(db->session.now_us),
                                 user_moment(key->expires_at)};
  return rc == LEDGER_OK
             ? user_run(db, STATEMENT_KEY_INSERT, (int)(sizeof values / sizeof *values), values)
             : rc;
}

/* What was asked for, found good. *kind: of api_key_prefixes. */
static int api_key_read_request(ledger *db, const ledger_key_request *request, struct api_key *key,
                                int *kind) {
  const char *texts[] = {request->name, request->description};
  *kind = 0;
  if ((request->user == NULL) == (request->role == NULL))
    return error_set(&db->error, LEDGER_INVALID_PARAMETER,
                     "a key is a user's, or one of the roles anon and service_role");
  if (request->role != NULL) {
    for (int i = 1; i < API_KEY_KINDS; i++)
      if (strcmp(request->role, api_key_roles[i]) == 0) *kind = i;
    if (*kind == 0)
      return error_set(&db->error, LEDGER_INVALID_PARAMETER,
                       "a key without a user is one of the roles anon and service_role");
    key->role = api_key_roles[*kind];
  }
  if (request->rate_limit < -1)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "a rate limit is below zero");
  key->has_rate_limit = request->rate_limit > 0 || (request->rate_limit == 0 && *kind == 0);
  key->rate_limit = request->rate_limit > 0 ? request->rate_limit : API_KEY_RATE;
  for (int i = 0; i < 2; i++) {
    int rc = texts[i] == NULL ? LEDGER_OK : text_check(texts[i], strlen(texts[i]), &db->error);
    if (rc != LEDGER_OK) return rc;
  }
  key->name = request->name != NULL ? request->name : *kind == 0 ? "API key" : key->role;
  int rc = metadata_merge(db, "permissions", NULL, request->permissions, API_KEY_PERMISSIONS_MAX,
                          &key->permissions);
  if (rc == LEDGER_OK && request->expires_at != NULL)
    rc = user_time_read(db, request->expires_at, &key->expires_at);
  if (key->expires_at == USER_FOREVER) key->expires_at = 0;
  return rc;
}

LEDGER_PRIVATE int api_key_create(ledger *db, const ledger_key_request *request, char **id,
                                  char **out) {
  struct user_state *state;
  struct user user;
  struct api_key key = {0};
  unsigned char random[API_KEY_ID_BYTES + API_KEY_SECRET_BYTES];
  char own[API_KEY_ID + 1], secret[API_KEY_SECRET + 1], hash[API_KEY_HASH + 1];
  int kind;
  int rc = api_key_read_request(db, request, &key, &kind);
  if (rc != LEDGER_OK) return rc;
  seal_random(random, sizeof random);
  seal_random(key.salt, sizeof key.salt);
  text_hex(random, API_KEY_ID_BYTES, own);
  text_hex(random + API_KEY_ID_BYTES, API_KEY_SECRET_BYTES, secret);
  api_key_hash(key.salt, sizeof key.salt, secret, API_KEY_SECRET, hash);
  key.own = own;
  key.hash = hash;
  rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  if (request->user != NULL) rc = user_named(db, request->user, &user);
  if (rc == LEDGER_OK && request->user != NULL) key.user_id = user.id;
  if (rc == LEDGER_OK)
    rc = api_key_insert(db, &state->tables, request, request->user == NULL ? NULL : &user, &key);
  if (rc == LEDGER_OK) {
    *out = sqlite3_mprintf("%s%s_%s", api_key_prefixes[kind], own, secret);
    if (id != NULL && key.row_key.kind == VALUE_INTEGER)
      *id = sqlite3_mprintf("%lld", (long long)key.row_key.integer);
    else if (id != NULL && key.row_key.kind == VALUE_TEXT)
      *id = sqlite3_mprintf("%.*s", (int)key.row_key.length, key.row_key.text);
    else if (id != NULL)
      *id = sqlite3_mprintf("%s", own);
    if (*out == NULL || (id != NULL && *id == NULL)) rc = error_memory(&db->error);
  }
  rc = user_end(db, rc);
  seal_wipe(random, sizeof random);
  seal_wipe(secret, sizeof secret);
  if (rc == LEDGER_OK) return rc;
  sqlite3_free(*out);
  if (id != NULL) sqlite3_free(*id);
  *out = NULL;
  if (id != NULL) *id = NULL;
  return rc;
}

/* ---- withdrawing */

/* A key as ledger_key_list() calls it. */
static int api_key_named(ledger *db, const struct user_tables *tables, const char *id,
                         struct api_key *out, bool *found) {
  struct value value = user_text(id);
  bool is_one = true;
  int rc = api_key_find(db, tables, API_KEY_BY_ID, true, &value, out, found);
  if (rc != LEDGER_OK || *found || tables->api_keys == NULL) return rc;
  rc = user_key(db, tables->api_keys, api_key_columns(tables).id, id, &value, &is_one);
  if (rc != LEDGER_OK || !is_one) return rc;
  rc = api_key_find(db, tables, API_KEY_BY_ROW, true, &value, out, found);
  if (rc == LEDGER_OK && !*found)
    rc = api_key_find(db, tables, API_KEY_BY_ROW, false, &value, out, found);
  return rc;
}

static int api_key_revoke_all(ledger *db, const struct user_tables *tables, const char *id) {
  struct api_key key;
  struct user_values values = {0}, where = {0};
  bool found;
  int rc = api_key_named(db, tables, id, &key, &found);
  if (rc != LEDGER_OK) return rc;
  if (!found || !key.is_active)
    return error_set(&db->error, LEDGER_BAD_KEY, "no API key is called that, or it was withdrawn");
  struct value own = user_text(key.own);
  if (key.own != NULL) rc = user_run(db, STATEMENT_KEY_REVOKE, 1, &own);
  if (rc != LEDGER_OK || key.row_key.kind == VALUE_NULL) return rc;
  const struct relation *relation = tables->api_keys;
  struct api_key_columns columns = api_key_columns(tables);
  rc = user_set_id(db, &where, relation, columns.id, &key.row_key);
  if (rc != LEDGER_OK) return rc;
  user_set(&values, relation, columns.is_active, LEDGER_BOOLEAN, NULL, 0);
  if (values.count == 0)
    return write_delete(db, relation->name, 1, where.columns, where.values, 0, NULL, NULL);
  return write_update(db, relation->name, 1, values.columns, values.values, 1, where.columns,
                      where.values, 0, NULL, NULL);
}

LEDGER_PRIVATE int api_key_revoke(ledger *db, const char *id) {
  struct user_state *state;
  if (!text_is_valid_utf8(id, strlen(id))) return api_key_bad(db);
  int rc = user_begin(db, &state);
  return rc == LEDGER_OK ? user_end(db, api_key_revoke_all(db, &state->tables, id)) : rc;
}

/* ---- listing */

static int api_key_append(ledger *db, const struct api_key *key, ledger_rows *rows) {
  const char *role = key->role != NULL        ? key->role
                     : key->user_role != NULL ? key->user_role
                                              : "authenticated";
  char rate[24] = "";
  sqlite3_snprintf((int)sizeof rate, rate, "%lld", (long long)key->rate_limit);
  const char *times[] = {user_time_text(db, key->created_at), user_time_text(db, key->last_used_at),
                         user_time_text(db, key->expires_at)};
  bool is_bounded = key->has_rate_limit && key->rate_limit < INT32_MAX;
  struct value values[] = {user_text(key->id),
                           user_text(key->user_id),
                           user_text(role),
                           user_text(key->name),
                           user_text(key->permissions),
                           user_text(is_bounded ? rate : NULL),
                           user_text(key->is_active ? "true" : "false"),
                           user_text(times[0]),
                           user_text(times[1]),
                           user_text(times[2])};
  for (int i = 0; i < 3; i++) {
    if (times[i] == NULL) return db->error.code;
    if (times[i][0] == 0) values[7 + i] = (struct value){.kind = VALUE_NULL};
  }
  return rows_append(rows, values);
}

static int api_key_list_of(ledger *db, const struct user_tables *tables, bool has_own,
                           ledger_rows *rows) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  if (!has_own && tables->api_keys == NULL) {
    sqlite3_free(sqlite3_str_finish(sql));
    return LEDGER_OK;
  }
  api_key_select_sql(sql, tables, has_own);
  sqlite3_str_appendall(sql, has_own ? " ORDER BY k.created_at, k.id"
                                     : " WHERE NOT EXISTS (SELECT 1 FROM main.ledger_key AS o"
                                       " WHERE o.row_key = a.\"id\") ORDER BY a.\"id\"");
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct api_key key;
    rc = api_key_read(db, stmt, &key);
    if (rc == LEDGER_OK) rc = api_key_append(db, &key, rows);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int api_key_list(ledger *db, ledger_rows **out) {
  static const char *const names[] = {"id",           "user_id",    "role",      "name",
                                      "permissions",  "rate_limit", "is_active", "created_at",
                                      "last_used_at", "expires_at"};
  static const struct type type = {.id = TYPE_TEXT, .length = -1};
  struct user_state *state;
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  ledger_rows *rows = rows_new(db, (int)(sizeof names / sizeof *names));
  if (rows == NULL) rc = LEDGER_MEMORY;
  for (int i = 0; rc == LEDGER_OK && i < (int)(sizeof names / sizeof *names); i++)
    rows_set_column(rows, i, names[i], "text", &type);
  if (rc == LEDGER_OK) rc = api_key_list_of(db, &state->tables, true, rows);
  if (rc == LEDGER_OK) rc = api_key_list_of(db, &state->tables, false, rows);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}

#undef API_KEY_ID_BYTES
#undef API_KEY_SECRET_BYTES
#undef API_KEY_ID
#undef API_KEY_SECRET
#undef API_KEY_SALT_BYTES
#undef API_KEY_HASH
#undef API_KEY_MAX
#undef API_KEY_USED_US
#undef API_KEY_RATE
#undef API_KEY_PERMISSIONS_MAX
#undef API_KEY_NAMES
