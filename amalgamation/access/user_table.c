/*
** user_table.c: which of the tables of signing in a schema has, in the shape that is needed; ids, times and rows of them; and what a
** handle remembers of it.
**
** The schemas disagree on names (password or password_hash, last_login or last_login_at): each column is looked for under all
** names that are known. What a table has no column for stands in ledger_user, ledger_session and ledger_key.
*/
#include "../internal.h"
#include "user.h"

#define USER_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define USER_HASH_ROOM 100 /* characters of a text of Argon2id, and a few more */

static const char *const user_name_columns[USER_NAME_COLUMNS] = {
    "first_name", "last_name", "name", "full_name", "username", "display_name", "avatar_url"};

LEDGER_PRIVATE int user_column(const struct relation *relation, const char *const *names) {
  for (; relation != NULL && *names != NULL; names++) {
    int column = catalog_column(relation, *names, strlen(*names));
    if (column >= 0) return column;
  }
  return -1;
}

/* ---- the tables */

static bool user_is_text(const struct type *type) {
  return !type->is_array &&
         (type->id == TYPE_TEXT || type->id == TYPE_VARCHAR || type->id == TYPE_CITEXT);
}

static bool user_is_integer(const struct type *type) {
  return !type->is_array &&
         (type->id == TYPE_INT2 || type->id == TYPE_INT4 || type->id == TYPE_INT8);
}

static bool user_is_id(const struct type *type) {
  return user_is_text(type) || user_is_integer(type) || (!type->is_array && type->id == TYPE_UUID);
}

/* A table of the schema public with these columns, of which the first is an id. */
static const struct relation *user_table(ledger *db, const char *name, const char *const *columns) {
  const struct relation *relation = catalog_stored(db->catalog, name, strlen(name));
  if (relation == NULL || relation->is_view || strcmp(relation->schema, "public") != 0) return NULL;
  for (const char *const *column = columns; *column != NULL; column++)
    if (catalog_column(relation, *column, strlen(*column)) < 0) return NULL;
  int id = catalog_column(relation, columns[0], strlen(columns[0]));
  return user_is_id(&relation->columns[id].type) ? relation : NULL;
}

/* The column when it is a text, a boolean or a moment, as is asked. */
static int user_typed_column(const struct relation *relation, char wanted,
                             const char *const *names) {
  int column = user_column(relation, names);
  if (column < 0) return -1;
  const struct type *type = &relation->columns[column].type;
  bool fits = wanted == 't'   ? user_is_text(type)
              : wanted == 'e' ? user_is_text(type) || (type->id == TYPE_ENUM && !type->is_array)
              : wanted == 'b'
                  ? type->id == TYPE_BOOLEAN && !type->is_array
                  : (type->id == TYPE_TIMESTAMP || type->id == TYPE_TIMESTAMPTZ) && !type->is_array;
  return fits ? column : -1;
}

static void user_resolve_users(ledger *db, struct user_tables *tables) {
  const struct relation *users = user_table(db, "users", USER_NAMES("id", "email"));
  if (users == NULL) return;
  tables->id = user_column(users, USER_NAMES("id"));
  tables->email = user_typed_column(users, 't', USER_NAMES("email"));
  const struct constraint *key = users->primary;
  if (tables->email < 0 || key == NULL || key->count != 1 || key->columns[0] != tables->id) return;
  tables->users = users;
  tables->has_integers = user_is_integer(&users->columns[tables->id].type);
  tables->password = user_typed_column(users, 't', USER_NAMES("password_hash", "password"));
  if (tables->password >= 0) {
    const struct type *type = &users->columns[tables->password].type;
    tables->password_is_short =
        type->id == TYPE_VARCHAR && type->length > 0 && type->length < USER_HASH_ROOM;
  }
  tables->status = user_typed_column(users, 't', USER_NAMES("status"));
  tables->is_active = user_typed_column(users, 'b', USER_NAMES("is_active"));
  tables->role = user_typed_column(users, 'e', USER_NAMES("role"));
  tables->email_verified =
      user_typed_column(users, 'b', USER_NAMES("email_verified", "is_verified"));
  tables->email_verified_at = user_typed_column(users, 'm', USER_NAMES("email_verified_at"));
  tables->last_sign_in_at =
      user_typed_column(users, 'm', USER_NAMES("last_sign_in_at", "last_login_at", "last_login"));
  tables->created_at = user_typed_column(users, 'm', USER_NAMES("created_at"));
  tables->updated_at = user_typed_column(users, 'm', USER_NAMES("updated_at"));
  tables->deleted_at = user_typed_column(users, 'm', USER_NAMES("deleted_at"));
  for (int i = 0; i < USER_NAME_COLUMNS; i++) {
    int column = user_typed_column(users, 't', USER_NAMES(user_name_columns[i]));
    if (column >= 0 && users->columns[column].generated_sql == NULL) tables->names[i] = column;
  }
}

static void user_resolve(ledger *db, struct user_tables *tables) {
  *tables = (struct user_tables){.id = -1,
                                 .email = -1,
                                 .password = -1,
                                 .status = -1,
                                 .is_active = -1,
                                 .role = -1,
                                 .email_verified = -1,
                                 .email_verified_at = -1,
                                 .last_sign_in_at = -1,
                                 .created_at = -1,
                                 .updated_at = -1,
                                 .deleted_at = -1};
  for (int i = 0; i < USER_NAME_COLUMNS; i++) tables->names[i] = -1;
  user_resolve_users(db, tables);
  if (tables->users == NULL) return; /* whose rows would the others be about? */
  tables->settings = user_table(db, "user_settings", USER_NAMES("user_id"));
  tables->kyc = user_table(db, "user_kyc", USER_NAMES("user_id", "verification_status"));
  tables->roles = user_table(db, "roles", USER_NAMES("id", "name"));
  tables->user_roles = user_table(db, "user_roles", USER_NAMES("user_id", "role_id"));
  if (tables->roles == NULL || tables->user_roles == NULL)
    tables->roles = tables->user_roles = NULL;
  tables->sessions = user_table(db, "sessions", USER_NAMES("id", "user_id", "expires_at"));
  if (user_column(tables->sessions, USER_NAMES("token_hash", "refresh_token_hash", "session_token",
                                               "refresh_token")) < 0)
    tables->sessions = NULL;
  tables->api_keys = user_table(db, "api_keys", USER_NAMES("id", "user_id", "key_hash"));
}

static const ledger_auth_settings user_default_settings = {.token_seconds = 3600,
                                                           .reuse_seconds = 10,
                                                           .session_seconds = 30 * 24 * 3600,
                                                           .password_min = 6,
                                                           .attempts_max = 10,
                                                           .lock_seconds = 60};

static int user_state(ledger *db, struct user_state **out) {
  if (db->users == NULL) {
    db->users = sqlite3_malloc64(sizeof *db->users);
    if (db->users == NULL) return error_memory(&db->error);
    *db->users = (struct user_state){.settings = user_default_settings};
  }
  *out = db->users;
  return LEDGER_OK;
}

LEDGER_PRIVATE int user_enter(ledger *db, struct user_state **out) {
  int rc = user_state(db, out);
  if (rc != LEDGER_OK) return rc;
  struct user_state *state = *out;
  if (state->catalog != db->catalog || state->schema_version != db->schema_version) {
    user_resolve(db, &state->tables);
    state->catalog = db->catalog;
    state->schema_version = db->schema_version;
    token_forget(state);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int user_configure(ledger *db, const ledger_auth_settings *settings) {
  struct user_state *state;
  char *issuer = NULL;
  const int *const numbers[] = {&settings->token_seconds, &settings->session_seconds,
                                &settings->password_min, &settings->attempts_max,
                                &settings->lock_seconds};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (*numbers[i] < 0)
      return error_set(&db->error, LEDGER_INVALID_PARAMETER, "a setting is below zero");
  if (settings->issuer != NULL && strlen(settings->issuer) > 255)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "an issuer has 255 bytes at most");
  int rc = user_state(db, &state);
  if (rc != LEDGER_OK) return rc;
  if (settings->issuer != NULL) {
    rc = text_check(settings->issuer, strlen(settings->issuer), &db->error);
    if (rc != LEDGER_OK) return rc;
    issuer = sqlite3_mprintf("%s", settings->issuer);
    if (issuer == NULL) return error_memory(&db->error);
  }
  sqlite3_free(state->issuer);
  state->issuer = issuer;
  state->settings = *settings;
  state->settings.issuer = issuer;
  ledger_auth_settings *own = &state->settings;
  if (own->token_seconds == 0) own->token_seconds = user_default_settings.token_seconds;
  if (own->reuse_seconds == 0) own->reuse_seconds = user_default_settings.reuse_seconds;
  if (own->session_seconds == 0) own->session_seconds = user_default_settings.session_seconds;
  if (own->password_min == 0) own->password_min = user_default_settings.password_min;
  if (own->attempts_max == 0) own->attempts_max = user_default_settings.attempts_max;
  if (own->lock_seconds == 0) own->lock_seconds = user_default_settings.lock_seconds;
  return LEDGER_OK;
}

LEDGER_PRIVATE void user_close(ledger *db) {
  if (db->users == NULL) return;
  token_forget(db->users);
  sqlite3_free(db->users->tokens);
  sqlite3_free(db->users->issuer);
  sqlite3_free(db->users);
  db->users = NULL;
}

/* ---- transactions */

LEDGER_PRIVATE int user_begin_read(ledger *db, struct user_state **out) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = user_enter(db, out);
  if (rc != LEDGER_OK) transaction_end_read(db);
  return rc;
}

LEDGER_PRIVATE int user_begin(ledger *db, struct user_state **out) {
  bool is_nested = db->in_transaction;
  int rc = user_state(db, out);
  if (rc == LEDGER_OK) rc = is_nested ? transaction_begin(db) : transaction_open(db);
  if (rc == LEDGER_OK && is_nested) rc = statement_run(db, STATEMENT_USER_SAVEPOINT);
  if (rc != LEDGER_OK) return rc;
  (*out)->is_nested = is_nested;
  (void)user_enter(db, out); /* the state is there already */
  return LEDGER_OK;
}

LEDGER_PRIVATE int user_end(ledger *db, int rc) {
  if (!db->users->is_nested) {
    if (rc == LEDGER_OK) return transaction_commit(db);
    ledger_error error = db->error;
    (void)transaction_rollback(db);
    db->error = error;
    return rc;
  }
  ledger_error error = db->error;
  int after = rc == LEDGER_OK ? LEDGER_OK : statement_run(db, STATEMENT_USER_UNDO);
  if (after == LEDGER_OK) after = statement_run(db, STATEMENT_USER_RELEASE);
  if (rc == LEDGER_OK) return after;
  db->row_writes++; /* what is remembered of rows was undone with them */
  db->error = error;
  return rc;
}

LEDGER_PRIVATE struct value user_integer(int64_t integer) {
  return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

LEDGER_PRIVATE struct value user_moment(int64_t time_us) {
  return time_us == 0 ? (struct value){.kind = VALUE_NULL} : user_integer(time_us);
}

LEDGER_PRIVATE struct value user_text(const char *text) {
  if (text == NULL) return (struct value){.kind = VALUE_NULL};
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

LEDGER_PRIVATE struct value user_bytes(const void *bytes, size_t length) {
  return (struct value){.kind = VALUE_BLOB, .text = bytes, .length = length};
}

LEDGER_PRIVATE int user_run(ledger *db, enum statement_id id, int count,
                            const struct value *values) {
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, count, values);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- ids and times */

LEDGER_PRIVATE int user_key(ledger *db, const struct relation *relation, int column,
                            const char *text, struct value *out, bool *is_one) {
  size_t length = strlen(text);
  *is_one = true;
  if (relation == NULL) { /* ledger_user: any text */
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
    return LEDGER_OK;
  }
  int rc = type_input(&relation->columns[column].type, text, length, &db->arena, out, &db->error);
  if (rc == LEDGER_OK || rc == LEDGER_MEMORY) return rc;
  error_clear(&db->error);
  *is_one = false;
  return LEDGER_OK;
}

LEDGER_PRIVATE const char *user_time_text(ledger *db, int64_t time_us) {
  char text[MOMENT_TEXT_MAX];
  if (time_us == 0) return "";
  if (time_us == USER_FOREVER) return "infinity";
  size_t length = moment_text(TYPE_TIMESTAMP, time_us + MOMENT_UNIX_EPOCH, text);
  if (length + 2 > sizeof text) return "";
  text[10] = 'T';
  text[length++] = 'Z';
  char *copy = arena_copy(&db->arena, text, length);
  if (copy == NULL) error_memory(&db->error);
  return copy;
}

LEDGER_PRIVATE int user_time_read(ledger *db, const char *text, int64_t *out) {
  static const struct type type = {.id = TYPE_TIMESTAMPTZ, .length = -1};
  struct value value;
  int64_t moment;
  int rc = type_input(&type, text, strlen(text), &db->arena, &value, &db->error);
  if (rc == LEDGER_OK)
    rc = moment_parse(TYPE_TIMESTAMPTZ, value.text, value.length, &moment, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (moment == MOMENT_INFINITY)
    *out = USER_FOREVER;
  else
    *out = moment == MOMENT_MINUS_INFINITY ? 1 : moment - MOMENT_UNIX_EPOCH;
  if (*out == 0) *out = 1; /* 0 is none */
  return LEDGER_OK;
}

/* ---- rows */

LEDGER_PRIVATE void user_set(struct user_values *values, const struct relation *relation,
                             int column, enum ledger_kind kind, const char *text, int64_t integer) {
  if (column < 0 || relation->columns[column].generated_sql != NULL) return;
  assert(values->count < (int)(sizeof values->columns / sizeof *values->columns));
  values->columns[values->count] = relation->columns[column].name;
  values->values[values->count++] = (ledger_value){
      .kind = kind, .integer = integer, .text = text, .length = text == NULL ? 0 : strlen(text)};
}

LEDGER_PRIVATE void user_set_text(struct user_values *values, const struct relation *relation,
                                  int column, const char *text) {
  user_set(values, relation, column, text == NULL ? LEDGER_NULL : LEDGER_TEXT, text, 0);
}

LEDGER_PRIVATE int user_set_time(ledger *db, struct user_values *values,
                                 const struct relation *relation, int column, int64_t time_us) {
  const char *text = time_us == 0 ? NULL : user_time_text(db, time_us);
  if (column < 0) return LEDGER_OK;
  if (time_us != 0 && text == NULL) return db->error.code;
  user_set_text(values, relation, column, text);
  return LEDGER_OK;
}

LEDGER_PRIVATE int user_set_id(ledger *db, struct user_values *values,
                               const struct relation *relation, int column,
                               const struct value *id) {
  if (id->kind == VALUE_INTEGER) {
    user_set(values, relation, column, LEDGER_INTEGER, NULL, id->integer);
    return LEDGER_OK;
  }
  const char *text = arena_copy(&db->arena, id->text, id->length);
  if (text == NULL) return error_memory(&db->error);
  user_set_text(values, relation, column, text);
  return LEDGER_OK;
}

LEDGER_PRIVATE int user_insert(ledger *db, const struct relation *relation,
                               const struct user_values *values, int id_column, struct value *id) {
  ledger_rows *rows = NULL;
  int rc = write_insert(db, relation->name, values->count, values->columns, values->values,
                        id == NULL ? NULL : &rows);
  if (rc != LEDGER_OK || id == NULL) return rc;
  rc = rows_next(rows) == LEDGER_ROW ? LEDGER_OK : error_memory(&db->error);
  if (rc == LEDGER_OK) {
    *id = *rows_value(rows, id_column);
    if (value_keep(&db->arena, id) != LEDGER_OK) rc = error_memory(&db->error);
  }
  rows_free(rows);
  return rc;
}

LEDGER_PRIVATE void user_alive_sql(sqlite3_str *out, const struct user_tables *tables,
                                   const char *id) {
  const struct relation *users = tables->users;
  if (users == NULL) {
    sqlite3_str_appendall(out, "1");
    return;
  }
  sqlite3_str_appendall(out, "(SELECT 1");
  if (tables->status >= 0)
    sqlite3_str_appendf(out, " AND coalesce(\"%w\", 'active') = 'active'",
                        users->columns[tables->status].name);
  if (tables->is_active >= 0 && users->columns[tables->is_active].generated_sql == NULL)
    sqlite3_str_appendf(out, " AND coalesce(\"%w\", 1)", users->columns[tables->is_active].name);
  sqlite3_str_appendf(out,
                      tables->has_integers ? " FROM main.\"%w\" WHERE \"id\" = CAST(%s AS INTEGER)"
                                           : " FROM main.\"%w\" WHERE \"id\" = %s",
                      users->stored_name, id);
  if (tables->deleted_at >= 0)
    sqlite3_str_appendf(out, " AND \"%w\" IS NULL", users->columns[tables->deleted_at].name);
  sqlite3_str_appendall(out, ")");
}

#undef USER_NAMES
#undef USER_HASH_ROOM
