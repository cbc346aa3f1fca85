/*
** policy.c: who asks, and what the role may do at all: the caller of a request, the privileges of its role, the permissions of its API
** key; and what an error must not tell. Which rows it may see and change is policy_rule.c's.
*/
#include "../internal.h"

#include "policy.h"

/* Digits of a number in a request: 1e131071 is 8 bytes and becomes 128 KiB, and a request may have thousands of them. */
#define POLICY_DIGITS_MAX 1000

/* ---- the caller */

LEDGER_PRIVATE void *policy_alloc(ledger *db, size_t count, size_t size) {
  void *memory = arena_alloc(&db->catalog->arena, count * size + 1);
  if (memory == NULL)
    error_memory(&db->error);
  else
    memset(memory, 0, count * size);
  return memory;
}

static bool policy_is_standard(const char *role) {
  return strcmp(role, "anon") == 0 || strcmp(role, "authenticated") == 0 ||
         strcmp(role, "service_role") == 0;
}

/* Is the role one of those that every ledger has, or that the schema's policies or privileges name? */
static bool policy_role_exists(const struct catalog *catalog, const char *role) {
  if (policy_is_standard(role)) return true;
  if (strcmp(role, "public") == 0) return false; /* everybody, and nobody's name */
  for (int i = 0; i < catalog->relation_count; i++) {
    const struct relation *relation = &catalog->relations[i];
    for (int p = 0; p < relation->policy_count; p++) {
      for (int r = 0; r < relation->policies[p].role_count; r++) {
        if (strcmp(relation->policies[p].roles[r], role) == 0) return true;
      }
    }
    for (int p = 0; p < relation->privilege_count; p++) {
      if (strcmp(relation->privileges[p].role, role) == 0) return true;
    }
  }
  return false;
}

static int policy_role_make(ledger *db, const char *name, struct policy_role **out) {
  struct catalog *catalog = db->catalog;
  size_t count = (size_t)catalog->relation_count;
  struct policy_role *role = policy_alloc(db, 1, sizeof *role);
  if (role == NULL) return LEDGER_MEMORY;
  role->rules = policy_alloc(db, count * POLICY_VERBS * POLICY_PARTS, sizeof *role->rules);
  role->views = policy_alloc(db, count, sizeof *role->views);
  role->name = arena_copy(&catalog->arena, name, strlen(name));
  if (role->rules == NULL || role->views == NULL || role->name == NULL)
    return error_memory(&db->error);
  role->bypasses = strcmp(name, "service_role") == 0;
  role->next = catalog->policy_roles;
  catalog->policy_roles = role;
  *out = role;
  return LEDGER_OK;
}

LEDGER_PRIVATE int policy_role_of(ledger *db, struct policy_role **out) {
  *out = NULL;
  if (db->caller == NULL || db->caller->role == NULL) return LEDGER_OK;
  if (db->policy_role != NULL && db->policy_catalog == db->catalog) {
    *out = db->policy_role;
    return LEDGER_OK;
  }
  const char *name = db->caller->role;
  struct policy_role *role = db->catalog->policy_roles;
  while (role != NULL && strcmp(role->name, name) != 0) role = role->next;
  if (role == NULL) {
    if (!policy_role_exists(db->catalog, name))
      return error_set(&db->error, LEDGER_INVALID_PARAMETER, "role \"%s\" does not exist", name);
    int rc = policy_role_make(db, name, &role);
    if (rc != LEDGER_OK) return rc;
  }
  if (!role->bypasses && !db->catalog->is_marked) {
    error_set(&db->error, LEDGER_UNSUPPORTED,
              "the policies of this file cannot be enforced: an older version of ledger made it");
    return error_hint(&db->error, "Make a new file with this version and load the rows into it, or "
                                  "ask as service_role.");
  }
  db->policy_role = role;
  db->policy_catalog = db->catalog;
  *out = role;
  return LEDGER_OK;
}

LEDGER_PRIVATE int policy_enter(ledger *db, const ledger_caller *caller) {
  struct policy_role *role;
  db->caller = caller;
  db->arena.digits_max = caller == NULL ? 0 : POLICY_DIGITS_MAX;
  db->policy_role = NULL;
  db->policy_catalog = NULL;
  db->policy_call++;
  function_session_claims(&db->session, caller == NULL ? NULL : caller->role,
                          caller == NULL ? NULL : caller->claims);
  int rc = policy_role_of(db, &role);
  if (rc != LEDGER_OK) policy_leave(db);
  return rc;
}

LEDGER_PRIVATE int policy_act(ledger *db) {
  return db->caller == NULL ? LEDGER_OK : audit_act(db, db->caller->actor);
}

LEDGER_PRIVATE void policy_leave(ledger *db) {
  audit_act_end(db);
  function_session_claims(&db->session, NULL, NULL);
  db->caller = NULL;
  db->arena.digits_max = 0;
  db->policy_role = NULL;
  db->policy_catalog = NULL;
}

/* ---- privileges */

static int policy_letter(enum policy_verb verb) {
  switch (verb) {
  case POLICY_SELECT: return PRIVILEGE_SELECT;
  case POLICY_INSERT: return PRIVILEGE_INSERT;
  case POLICY_UPDATE: return PRIVILEGE_UPDATE;
  default: return PRIVILEGE_DELETE;
  }
}

/* In a schema that grants nothing: what its policies guard is for everybody, the rest for service_role, unless the tables were
** opened. */
LEDGER_PRIVATE bool policy_is_granted(const ledger *db, const struct policy_role *role,
                                      const struct relation *relation, int letter) {
  if (!db->catalog->has_privileges)
    return role->bypasses || db->is_open || relation->row_security != 0 ||
           relation->invoker_sql != NULL;
  for (int i = 0; i < relation->privilege_count; i++) {
    const struct privilege *privilege = &relation->privileges[i];
    if ((privilege->letters & letter) != 0 &&
        (strcmp(privilege->role, "public") == 0 || strcmp(privilege->role, role->name) == 0))
      return true;
  }
  return false;
}

LEDGER_PRIVATE int policy_denied(ledger *db, const struct relation *relation) {
  return error_set(&db->error, LEDGER_FORBIDDEN, "permission denied for %s %s",
                   relation->is_view ? "view" : "table", relation->name);
}

LEDGER_PRIVATE int policy_permitted(ledger *db, const char *what, const char *name,
                                    bool *permitted) {
  const char *permissions = db->caller == NULL ? NULL : db->caller->permissions;
  const char *names[2] = {name, "*"};
  *permitted = true;
  if (permissions == NULL) return LEDGER_OK;
  const char *rest = permissions;
  while (text_is_space(*rest)) rest++;
  if (*rest == 0) return LEDGER_OK;
  if (*rest == '{') {
    for (rest++; text_is_space(*rest);) rest++;
    if (*rest == '}') return LEDGER_OK;
  }
  *permitted = false;
  for (int i = 0; i < 2 && !*permitted; i++) {
    struct document_slice slice;
    char *key = sqlite3_mprintf("%s:%s", what, names[i]);
    if (key == NULL) return error_memory(&db->error);
    int rc = document_field(permissions, strlen(permissions), key, strlen(key), false, &db->arena,
                            &slice, &db->error);
    sqlite3_free(key);
    if (rc != LEDGER_OK) return rc;
    *permitted = slice.kind == JSON_TRUE;
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int policy_privilege(ledger *db, const struct relation *relation,
                                    enum policy_verb verb) {
  struct policy_role *role;
  int rc = policy_role_of(db, &role);
  if (rc != LEDGER_OK || db->caller == NULL) return rc;
  if (role != NULL && !policy_is_granted(db, role, relation, policy_letter(verb)))
    return policy_denied(db, relation);
  const char *what = verb == POLICY_SELECT ? "read" : "write";
  bool permitted;
  rc = policy_permitted(db, what, relation->name, &permitted);
  if (rc != LEDGER_OK || permitted) return rc;
  policy_denied(db, relation);
  return error_hint(&db->error, "The API key does not have the permission \"%s:%s\".", what,
                    relation->name);
}

/* ---- what an error must not tell */

/* The last place of `words` in the text; NULL: none. */
static const char *policy_last(const char *text, const char *words) {
  const char *found = NULL;
  for (const char *at = strstr(text, words); at != NULL; at = strstr(at + 1, words)) found = at;
  return found;
}

LEDGER_PRIVATE void policy_discreet(ledger *db, const struct relation *relation) {
  static const char *const relations[] = {" is not present in table \"",
                                          " is still referenced from table \""};
  struct policy_role *role = db->policy_catalog == db->catalog ? db->policy_role : NULL;
  ledger_error *error = &db->error;
  if (role == NULL || role->bypasses || strncmp(error->sqlstate, "23", 2) != 0) return;
  if (relation->row_security == 0 && policy_is_granted(db, role, relation, PRIVILEGE_SELECT))
    return;
  char detail[sizeof error->detail] = "";
  if (strncmp(error->detail, "MATCH FULL", 10) == 0) return; /* without a value */
  for (int i = 0; i < 2 && detail[0] == 0; i++) {
    const char *rest = policy_last(error->detail, relations[i]);
    if (rest != NULL) sqlite3_snprintf((int)sizeof detail, detail, "Key%s", rest);
  }
  memcpy(error->detail, detail, sizeof detail);
}

/* ---- for people */

static int policy_fill_list(ledger *db, ledger_rows *rows) {
  static const char *const names[] = {"table_schema", "table_name", "row_security", "policy",
                                      "permissive",   "command",    "roles",        "definition"};
  static const struct type text_type = {.id = TYPE_TEXT, .length = -1},
                           boolean_type = {.id = TYPE_BOOLEAN, .length = -1};
  for (int i = 0; i < 8; i++) {
    bool is_boolean = i == 2 || i == 4;
    rows_set_column(rows, i, names[i], is_boolean ? "boolean" : "text",
                    is_boolean ? &boolean_type : &text_type);
  }
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(
      sql, "SELECT r.schema, r.name, r.row_security <> 0, p.name, p.permissive, p.command,"
           " (SELECT group_concat(value, ', ') FROM json_each(p.roles)), p.definition"
           " FROM ledger_catalog_relation AS r LEFT JOIN ledger_catalog_policy AS p"
           " ON p.relation_id = r.relation_id WHERE r.kind = 'table'"
           " ORDER BY r.schema, r.name, p.name");
  int rc = statement_prepare(db, sql, &stmt);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct value values[8];
    for (int i = 0; i < 8; i++) values[i] = statement_value(stmt, i);
    rc = rows_append(rows, values);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int policy_list(ledger *db, ledger_rows **out) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  ledger_rows *rows = rows_new(db, 8);
  rc = rows == NULL ? LEDGER_MEMORY : policy_fill_list(db, rows);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}
