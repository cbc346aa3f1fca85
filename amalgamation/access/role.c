/*
** role.c: what users may be, where the schema says it: in roles and user_roles, or in a column users.role.
*/
#include "../internal.h"
#include "user.h"

/* The id of a role; found false: there is none of that name. */
static int role_find(ledger *db, const char *role, struct value *out, bool *found) {
  static const char key[] = "role";
  struct value name = user_text(role);
  *found = false;
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendall(sql, "SELECT \"id\" FROM main.\"roles\" WHERE \"name\" = ?1");
    stmt = statement_make(db, key, sizeof key, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, 1, &name);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    *found = true;
    *out = statement_value(stmt, 0);
    rc = value_keep(&db->arena, out) == LEDGER_OK ? LEDGER_OK : error_memory(&db->error);
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* Is the name in the user's list, a JSON array of texts? */
static bool role_is_listed(ledger *db, const struct user *user, const char *role) {
  struct json json;
  bool is_listed = false;
  json_start(&json, user->roles, strlen(user->roles));
  for (enum json_token token = json_next(&json); token != JSON_END && token != JSON_ERROR;
       token = json_next(&json)) {
    const char *text;
    size_t length;
    if (token != JSON_STRING || is_listed) continue;
    if (json_decode(&db->arena, &json, &text, &length, &db->error) != LEDGER_OK) return false;
    is_listed = length == strlen(role) && memcmp(text, role, length) == 0;
  }
  return is_listed;
}

/* The columns of user_roles that name the row of a user and a role. */
static int role_pair(ledger *db, const struct user_tables *tables, const struct user *user,
                     const struct value *role, struct user_values *out) {
  const struct relation *relation = tables->user_roles;
  int rc = user_set_id(db, out, relation, catalog_column(relation, "user_id", 7), &user->key);
  return rc == LEDGER_OK
             ? user_set_id(db, out, relation, catalog_column(relation, "role_id", 7), role)
             : rc;
}

LEDGER_PRIVATE int role_give(ledger *db, const struct user_tables *tables, const struct user *user,
                             const char *role, bool *is_role) {
  struct value id;
  struct user_values values = {0};
  int rc = role_find(db, role, &id, is_role);
  if (rc != LEDGER_OK || !*is_role || (user->roles != NULL && role_is_listed(db, user, role)))
    return rc;
  rc = role_pair(db, tables, user, &id, &values);
  return rc == LEDGER_OK ? user_insert(db, tables->user_roles, &values, 0, NULL) : rc;
}

static int role_unknown(ledger *db, const char *role) {
  return error_set(&db->error, LEDGER_UNDEFINED_TYPE, "role \"%.63s\" does not exist", role);
}

/* Sets users.role; NULL: to its default. */
static int role_set(ledger *db, const struct user_tables *tables, const struct user *user,
                    const char *role) {
  const struct relation *users = tables->users;
  struct user_values values = {0}, where = {0};
  user_set(&values, users, tables->role, role == NULL ? LEDGER_DEFAULT : LEDGER_TEXT, role, 0);
  int rc = user_set_id(db, &where, users, tables->id, &user->key);
  if (rc == LEDGER_OK)
    rc = write_update(db, users->name, values.count, values.columns, values.values, 1,
                      where.columns, where.values, 0, NULL, NULL);
  bool is_none = rc == LEDGER_INVALID_TEXT || rc == LEDGER_CHECK || rc == LEDGER_TOO_LONG;
  return is_none && role != NULL ? role_unknown(db, role) : rc;
}

/* A column of plain text takes any word: those that the documents know, and those that somebody has. */
static int role_is_word(ledger *db, const struct user_tables *tables, const char *role,
                        bool *is_one) {
  static const char *const known[] = {"user", "admin", "viewer", "moderator"};
  const struct relation *users = tables->users;
  *is_one = users->columns[tables->role].type.id == TYPE_ENUM;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    *is_one = *is_one || strcmp(known[i], role) == 0;
  if (*is_one) return LEDGER_OK;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_stmt *stmt;
  struct value name = user_text(role);
  sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\" WHERE \"role\" = ?1 LIMIT 1",
                      users->stored_name);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_bind_all(db, stmt, 1, &name);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  statement_end(stmt);
  *is_one = rc == LEDGER_ROW;
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int role_none(ledger *db) {
  return error_set(&db->error, LEDGER_NO_BOOK,
                   "the schema has no roles: neither roles and user_roles nor users.role");
}

LEDGER_PRIVATE int role_grant(ledger *db, const char *name, const char *role) {
  struct user_state *state;
  struct user user;
  bool is_role = true;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  const struct user_tables *tables = &state->tables;
  bool has_column = tables->users != NULL && tables->role >= 0;
  if (tables->user_roles == NULL && !has_column) return user_end(db, role_none(db));
  rc = user_named(db, name, &user);
  if (rc == LEDGER_OK && tables->user_roles != NULL)
    rc = role_give(db, tables, &user, role, &is_role);
  else if (rc == LEDGER_OK && !role_is_listed(db, &user, role)) {
    rc = role_is_word(db, tables, role, &is_role);
    if (rc == LEDGER_OK && is_role) rc = role_set(db, tables, &user, role);
  }
  if (rc == LEDGER_OK && !is_role) rc = role_unknown(db, role);
  return user_end(db, rc);
}

LEDGER_PRIVATE int role_revoke(ledger *db, const char *name, const char *role) {
  struct user_state *state;
  struct user user;
  struct value id;
  bool is_role = true;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  const struct user_tables *tables = &state->tables;
  bool has_column = tables->users != NULL && tables->role >= 0;
  if (tables->user_roles == NULL && !has_column) return user_end(db, role_none(db));
  rc = user_named(db, name, &user);
  if (rc == LEDGER_OK && tables->user_roles != NULL) {
    struct user_values where = {0};
    rc = role_find(db, role, &id, &is_role);
    if (rc == LEDGER_OK && !is_role) rc = role_unknown(db, role);
    if (rc == LEDGER_OK) rc = role_pair(db, tables, &user, &id, &where);
    if (rc == LEDGER_OK)
      rc = write_delete(db, tables->user_roles->name, where.count, where.columns, where.values, 0,
                        NULL, NULL);
  } else if (rc == LEDGER_OK) {
    rc = role_is_word(db, tables, role, &is_role);
    if (rc == LEDGER_OK && !is_role) rc = role_unknown(db, role);
    if (rc == LEDGER_OK && role_is_listed(db, &user, role)) rc = role_set(db, tables, &user, NULL);
  }
  return user_end(db, rc);
}

LEDGER_PRIVATE int role_has(ledger *db, const char *user_id, const char *role, bool *has) {
  struct user user;
  bool found;
  *has = false;
  int rc = user_find(db, USER_BY_ID, user_id, &user, &found);
  if (rc == LEDGER_OK && found) *has = role_is_listed(db, &user, role);
  return rc;
}
