/*
** user.c: a user as it stands in users, ledger_user and user_roles, read with one statement; and what is shown of it.
*/
#include "../internal.h"
#include "user.h"

/* X(field, expression where the schema has no column for it) of the row of users; the columns in this order. */
enum user_field {
  USER_ID,
  USER_EMAIL,
  USER_PASSWORD,
  USER_STATUS,
  USER_IS_ACTIVE,
  USER_ROLE,
  USER_VERIFIED,
  USER_VERIFIED_AT,
  USER_SIGN_IN_AT,
  USER_CREATED_AT,
  USER_UPDATED_AT,
  USER_DELETED_AT,
  USER_ROLES, /* behind the columns: the JSON array */
  USER_OWN    /* and ledger_user's, in the order of user_own_columns */
};

static const char user_own_columns[] =
    "l.email, l.phone, l.password_hash, l.role, l.app_metadata, l.user_metadata, l.is_anonymous,"
    " l.email_confirmed_at, l.phone_confirmed_at, l.last_sign_in_at, l.banned_until, l.deleted_at,"
    " l.created_at, l.updated_at";
enum { USER_OWN_TEXTS = 6, USER_OWN_COUNT = 14 };

/* ---- reading */

static void user_columns_sql(sqlite3_str *sql, const struct user_tables *tables) {
  const int columns[] = {tables->id,
                         tables->email,
                         tables->password,
                         tables->status,
                         tables->is_active,
                         tables->role,
                         tables->email_verified,
                         tables->email_verified_at,
                         tables->last_sign_in_at,
                         tables->created_at,
                         tables->updated_at,
                         tables->deleted_at};
  _Static_assert(sizeof columns / sizeof *columns == USER_ROLES, "a column for each field");
  for (int i = 0; i < USER_ROLES; i++) {
    if (columns[i] >= 0)
      sqlite3_str_appendf(sql, "u.\"%w\", ", tables->users->columns[columns[i]].name);
    else
      sqlite3_str_appendall(sql, "NULL, ");
  }
}

static void user_select_sql(sqlite3_str *sql, const struct user_tables *tables) {
  sqlite3_str_appendall(sql, "SELECT ");
  if (tables->users == NULL) {
    sqlite3_str_appendall(sql, "l.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
                               " NULL, '[]', ");
    sqlite3_str_appendall(sql, user_own_columns);
    sqlite3_str_appendall(sql, " FROM main.ledger_user AS l");
    return;
  }
  user_columns_sql(sql, tables);
  if (tables->user_roles != NULL)
    sqlite3_str_appendall(sql, "(SELECT json_group_array(name) FROM (SELECT r.\"name\" AS name"
                               " FROM main.\"user_roles\" AS ur JOIN main.\"roles\" AS r"
                               " ON r.\"id\" = ur.\"role_id\" WHERE ur.\"user_id\" = u.\"id\""
                               " ORDER BY r.\"name\")), ");
  else if (tables->role >= 0)
    sqlite3_str_appendall(sql, "CASE WHEN u.\"role\" IS NULL THEN '[]' ELSE json_array(u.\"role\")"
                               " END, ");
  else
    sqlite3_str_appendall(sql, "'[]', ");
  sqlite3_str_appendall(sql, user_own_columns);
  sqlite3_str_appendf(sql,
                      " FROM main.\"%w\" AS u LEFT JOIN main.ledger_user AS l"
                      " ON l.id = CAST(u.\"id\" AS TEXT)",
                      tables->users->stored_name);
}

LEDGER_PRIVATE int user_read_time(ledger *db, sqlite3_stmt *stmt, int column, int64_t *out) {
  struct value value = statement_value(stmt, column);
  int64_t moment;
  *out = value.kind == VALUE_INTEGER ? value.integer : 0;
  if (value.kind != VALUE_TEXT) return LEDGER_OK;
  bool has_zone = value.length > 6 && value.text[value.length - 6] == '+';
  int rc = moment_parse(has_zone ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP, value.text, value.length,
                        &moment, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (moment == MOMENT_INFINITY)
    *out = USER_FOREVER;
  else
    *out = moment == MOMENT_MINUS_INFINITY ? 1 : moment - MOMENT_UNIX_EPOCH;
  return LEDGER_OK;
}

static int user_read_own(ledger *db, sqlite3_stmt *stmt, struct user_own *own) {
  const char **texts[USER_OWN_TEXTS] = {&own->email, &own->phone,        &own->password_hash,
                                        &own->role,  &own->app_metadata, &own->user_metadata};
  int64_t *numbers[USER_OWN_COUNT - USER_OWN_TEXTS] = {
      &own->is_anonymous, &own->email_confirmed_at, &own->phone_confirmed_at, &own->last_sign_in_at,
      &own->banned_until, &own->deleted_at,         &own->created_at,         &own->updated_at};
  *own = (struct user_own){0};
  for (int i = 0; i < USER_OWN_COUNT; i++) {
    int rc = LEDGER_OK;
    if (i < USER_OWN_TEXTS)
      rc = statement_text(db, stmt, USER_OWN + i, texts[i]);
    else
      *numbers[i - USER_OWN_TEXTS] = sqlite3_column_int64(stmt, USER_OWN + i);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

static int64_t user_first_of(int64_t a, int64_t b) {
  return a != 0 ? a : b;
}

/* The confirmation of the address: what users says where it says anything. */
static int user_read_confirmed(ledger *db, const struct user_tables *tables, sqlite3_stmt *stmt,
                               struct user *out) {
  int64_t verified_at = 0;
  int rc = user_read_time(db, stmt, USER_VERIFIED_AT, &verified_at);
  if (rc != LEDGER_OK) return rc;
  if (tables->email_verified >= 0) {
    if (sqlite3_column_int(stmt, USER_VERIFIED) == 0) return LEDGER_OK;
    verified_at = user_first_of(verified_at, out->own.email_confirmed_at);
    verified_at = user_first_of(verified_at, out->created_at);
    out->email_confirmed_at = user_first_of(verified_at, 1);
    return LEDGER_OK;
  }
  out->email_confirmed_at = user_first_of(verified_at, out->own.email_confirmed_at);
  return LEDGER_OK;
}

static int user_read_row(ledger *db, const struct user_tables *tables, sqlite3_stmt *stmt,
                         struct user *out) {
  const char *email, *hash, *status;
  *out = (struct user){.email = "", .password_hash = ""};
  out->key = statement_value(stmt, USER_ID);
  if (value_keep(&db->arena, &out->key) != LEDGER_OK) return error_memory(&db->error);
  int rc = statement_text(db, stmt, USER_ID, &out->id);
  if (rc == LEDGER_OK) rc = user_read_own(db, stmt, &out->own);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, USER_EMAIL, &email);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, USER_PASSWORD, &hash);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, USER_STATUS, &status);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, USER_ROLE, &out->app_role);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, USER_ROLES, &out->roles);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, USER_SIGN_IN_AT, &out->last_sign_in_at);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, USER_CREATED_AT, &out->created_at);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, USER_UPDATED_AT, &out->updated_at);
  if (rc == LEDGER_OK) rc = user_read_time(db, stmt, USER_DELETED_AT, &out->deleted_at);
  if (rc != LEDGER_OK) return rc;
  const struct user_own *own = &out->own;
  if (tables->users == NULL) email = own->email;
  size_t length = email == NULL ? 0 : strlen(email), tail = sizeof USER_NO_ADDRESS - 1;
  bool is_address = length < tail || strcmp(email + length - tail, USER_NO_ADDRESS) != 0;
  if (length > 0 && is_address) out->email = email;
  if (own->password_hash != NULL)
    out->password_hash = own->password_hash;
  else if (hash != NULL)
    out->password_hash = hash;
  out->created_at = user_first_of(out->created_at, own->created_at);
  out->updated_at = user_first_of(out->updated_at, own->updated_at);
  out->deleted_at = user_first_of(out->deleted_at, own->deleted_at);
  out->last_sign_in_at = user_first_of(out->last_sign_in_at, own->last_sign_in_at);
  out->is_deleted = out->deleted_at != 0;
  out->is_suspended = status != NULL && strcmp(status, "active") != 0;
  bool is_generated =
      tables->is_active >= 0 && tables->users->columns[tables->is_active].generated_sql != NULL;
  if (!is_generated && sqlite3_column_type(stmt, USER_IS_ACTIVE) == SQLITE_INTEGER &&
      sqlite3_column_int(stmt, USER_IS_ACTIVE) == 0)
    out->is_suspended = true;
  return user_read_confirmed(db, tables, stmt, out);
}

static sqlite3_stmt *user_statement(ledger *db, const struct user_tables *tables, enum user_by by) {
  const char key[] = {'u', 's', 'e', 'r', (char)('0' + by)};
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt != NULL) return stmt;
  const char *table = tables->users == NULL ? "l" : "u";
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  user_select_sql(sql, tables);
  if (by == USER_BY_PHONE)
    sqlite3_str_appendf(sql,
                        " WHERE %s.\"id\" = CAST((SELECT id FROM main.ledger_user WHERE phone = ?1)"
                        " AS %s)",
                        table, tables->has_integers ? "INTEGER" : "TEXT");
  else
    sqlite3_str_appendf(sql, " WHERE %s.\"%s\" = ?1", table, by == USER_BY_ID ? "id" : "email");
  return statement_make(db, key, sizeof key, sql);
}

static int user_find_exactly(ledger *db, enum user_by by, const char *text, struct user *out,
                             bool *found) {
  struct user_state *state;
  struct value key = user_text(text);
  bool is_one = true;
  *found = false;
  int rc = user_enter(db, &state);
  const struct user_tables *tables = &state->tables;
  if (rc == LEDGER_OK && by == USER_BY_ID)
    rc = user_key(db, tables->users, tables->id, text, &key, &is_one);
  if (rc != LEDGER_OK || !is_one) return rc;
  sqlite3_stmt *stmt = user_statement(db, tables, by);
  if (stmt == NULL) return db->error.code;
  rc = statement_bind_all(db, stmt, 1, &key);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    rc = user_read_row(db, tables, stmt, out);
    *found = rc == LEDGER_OK;
  } else if (rc == LEDGER_DONE) {
    rc = LEDGER_OK;
  }
  sqlite3_reset(stmt);
  return rc;
}

LEDGER_PRIVATE const char *user_small(ledger *db, const char *text) {
  char *small = arena_copy(&db->arena, text, strlen(text));
  for (char *p = small; p != NULL && *p != 0; p++)
    if (*p >= 'A' && *p <= 'Z') *p = (char)(*p + ('a' - 'A'));
  if (small == NULL) error_memory(&db->error);
  return small;
}

LEDGER_PRIVATE int user_find(ledger *db, enum user_by by, const char *text, struct user *out,
                             bool *found) {
  *found = false;
  if (!text_is_valid_utf8(text, strlen(text))) return LEDGER_OK;
  int rc = user_find_exactly(db, by, text, out, found);
  if (rc != LEDGER_OK || *found || by != USER_BY_EMAIL) return rc;
  /* Rows from elsewhere keep the address as it was written; ours are in small letters. */
  const char *small = user_small(db, text);
  if (small == NULL) return db->error.code;
  return strcmp(small, text) == 0 ? LEDGER_OK : user_find_exactly(db, by, small, out, found);
}

static int user_unknown(ledger *db, const char *name) {
  return error_set(&db->error, LEDGER_UNKNOWN_USER, "no user has the id or the address \"%.100s\"",
                   name);
}

LEDGER_PRIVATE int user_named(ledger *db, const char *name, struct user *out) {
  bool found, is_address = strchr(name, '@') != NULL;
  int rc = user_find(db, is_address ? USER_BY_EMAIL : USER_BY_ID, name, out, &found);
  if (rc == LEDGER_OK && !found) rc = user_unknown(db, name);
  return rc;
}

LEDGER_PRIVATE int user_may_sign_in(ledger *db, const struct user *user) {
  if (user->own.banned_until > clock_now_us()) {
    const char *until = user_time_text(db, user->own.banned_until);
    if (until == NULL) return db->error.code;
    error_set(&db->error, LEDGER_BANNED, "the user is banned");
    return error_detail(&db->error, "Until %s.", until);
  }
  if (user->is_deleted || user->is_suspended)
    return error_set(&db->error, LEDGER_BANNED, "the user is %s",
                     user->is_deleted ? "gone" : "suspended");
  return LEDGER_OK;
}

/* ---- showing */

LEDGER_PRIVATE int user_fill(ledger *db, const struct user *user, ledger_user *out) {
  const struct user_own *own = &user->own;
  bool has_password = user->password_hash[0] == '$';
  if (out == NULL) return LEDGER_OK;
  *out = (ledger_user){
      .id = user->id,
      .email = user->email,
      .phone = own->phone == NULL ? "" : own->phone,
      .role = own->role == NULL ? "authenticated" : own->role,
      .email_confirmed_at = user->email[0] == 0 ? "" : user_time_text(db, user->email_confirmed_at),
      .phone_confirmed_at = user_time_text(db, own->phone_confirmed_at),
      .last_sign_in_at = user_time_text(db, user->last_sign_in_at),
      .created_at = user_time_text(db, user->created_at),
      .updated_at = user_time_text(db, user->updated_at),
      .banned_until = user_time_text(db, own->banned_until),
      .deleted_at = user_time_text(db, user->deleted_at),
      .app_metadata = own->app_metadata == NULL ? "{}" : own->app_metadata,
      .user_metadata = own->user_metadata == NULL ? "{}" : own->user_metadata,
      .roles = user->roles,
      .is_anonymous = own->is_anonymous != 0,
      .has_password = has_password,
  };
  bool is_whole = out->email_confirmed_at != NULL && out->phone_confirmed_at != NULL &&
                  out->last_sign_in_at != NULL && out->created_at != NULL &&
                  out->updated_at != NULL && out->banned_until != NULL && out->deleted_at != NULL;
  return is_whole ? LEDGER_OK : error_memory(&db->error);
}

LEDGER_PRIVATE int user_get(ledger *db, const char *name, ledger_user *out) {
  struct user_state *state;
  struct user user;
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_named(db, name, &user);
  if (rc == LEDGER_OK) rc = user_fill(db, &user, out);
  transaction_end_read(db);
  return rc;
}

static int user_count(ledger *db, const struct user_tables *tables, int64_t *total) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT count(*) FROM main.\"%w\"",
                      tables->users == NULL ? "ledger_user" : tables->users->stored_name);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) *total = sqlite3_column_int64(stmt, 0);
  statement_end(stmt);
  return rc == LEDGER_ROW ? LEDGER_OK : rc;
}

/* The page's users, in the arena. */
static int user_page(ledger *db, const struct user_tables *tables, int64_t page, int per_page,
                     ledger_user *users, int *count) {
  sqlite3_stmt *stmt;
  struct value bounds[] = {user_integer(per_page), user_integer((page - 1) * per_page)};
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  user_select_sql(sql, tables);
  if (tables->users == NULL)
    sqlite3_str_appendall(sql, " ORDER BY l.created_at, l.id");
  else if (tables->created_at >= 0)
    sqlite3_str_appendall(sql, " ORDER BY u.\"created_at\", u.\"id\"");
  else
    sqlite3_str_appendall(sql, " ORDER BY u.\"id\"");
  sqlite3_str_appendall(sql, " LIMIT ?1 OFFSET ?2");
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_bind_all(db, stmt, 2, bounds);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct user user;
    rc = user_read_row(db, tables, stmt, &user);
    if (rc == LEDGER_OK) rc = user_fill(db, &user, &users[(*count)++]);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int user_list(ledger *db, int64_t page, int per_page,
                             int (*each)(void *context, const ledger_user *user), void *context,
                             int64_t *total) {
  struct user_state *state;
  int count = 0;
  if (per_page > 1000 || page > INT32_MAX)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "a page has 1000 users at most");
  ledger_user *users = arena_alloc(&db->arena, (size_t)per_page * sizeof *users);
  if (users == NULL) return error_memory(&db->error);
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  if (total != NULL) rc = user_count(db, &state->tables, total);
  if (rc == LEDGER_OK) rc = user_page(db, &state->tables, page, per_page, users, &count);
  transaction_end_read(db);
  if (rc != LEDGER_OK) return rc;
  db->is_reporting = true; /* the function must not use the handle */
  for (int i = 0; i < count && rc == LEDGER_OK; i++)
    if (each(context, &users[i]) != 0)
      rc = error_set(&db->error, LEDGER_INTERRUPTED, "canceled by the caller");
  db->is_reporting = false;
  return rc;
}
