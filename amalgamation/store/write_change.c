/*
** write_change.c: update, delete and upsert. Each is one SQLite statement, built once per shape: the columns it sets, the
** columns it is restricted by and which of these are NULL.
**
** The row being changed is "old" in all of them, as it is to the triggers.
*/
#include "../internal.h"
#include "write.h"

LEDGER_PRIVATE int change_room(struct change *change, ledger *db, struct relation *relation,
                               int set_count, int where_count) {
  *change = (struct change){
      .db = db, .relation = relation, .set_count = set_count, .where_count = where_count};
  size_t columns = (size_t)change->relation->column_count;
  change->parameter_count = set_count + where_count;
  change->set = arena_alloc(&db->arena, (size_t)set_count * sizeof *change->set);
  change->where = arena_alloc(&db->arena, (size_t)where_count * sizeof *change->where);
  change->minted = arena_alloc(&db->arena, (size_t)set_count * sizeof *change->minted);
  change->parameters =
      arena_alloc(&db->arena, (size_t)change->parameter_count * sizeof *change->parameters);
  change->changed = arena_alloc(&db->arena, columns * sizeof *change->changed);
  change->assigned = arena_alloc(&db->arena, columns * sizeof *change->assigned);
  if (change->set == NULL || change->where == NULL || change->parameters == NULL ||
      change->changed == NULL || change->assigned == NULL || change->minted == NULL) {
    return error_memory(&db->error);
  }
  memset(change->changed, 0, columns * sizeof *change->changed);
  memset(change->minted, 0, (size_t)set_count * sizeof *change->minted);
  memset(change->assigned, 0, columns * sizeof *change->assigned);
  return LEDGER_OK;
}

static int change_start(struct change *change, ledger *db, const char *table, const char *verb,
                        int set_count, int where_count) {
  struct relation *relation;
  if (set_count > LEDGER_COLUMN_MAX + 1 ||
      where_count > LEDGER_COLUMN_MAX) { /* one more is the upsert's own */
    return error_set(&db->error, LEDGER_TOO_MANY_COLUMNS, "more than %d columns are named",
                     LEDGER_COLUMN_MAX);
  }
  int rc = write_table(db, table, verb, &relation);
  return rc == LEDGER_OK ? change_room(change, db, relation, set_count, where_count) : rc;
}

/* ---- values */

/* What SQL would call the type of a bare constant; NULL for a quoted one, which takes the column's type. */
static const char *change_constant_type(const ledger_value *given, int64_t *integer) {
  if (given->kind == LEDGER_BOOLEAN) return "boolean";
  if (given->kind == LEDGER_NUMBER) {
    static const struct type bigint = {.id = TYPE_INT8, .length = -1};
    ledger_value literal = {.kind = LEDGER_TEXT, .text = given->text, .length = given->length};
    struct value value;
    struct arena none = {0};
    if (type_assign(&bigint, &literal, &none, &value, NULL) != LEDGER_OK) return "numeric";
    *integer = value.integer;
  } else if (given->kind == LEDGER_INTEGER) {
    *integer = given->integer;
  } else {
    return NULL;
  }
  return *integer >= INT32_MIN && *integer <= INT32_MAX ? "integer" : "bigint";
}

static int change_no_operator(struct change *change, const struct type *type,
                              const char *constant) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  type_format(text, type);
  char *name = sqlite3_str_finish(text);
  if (name == NULL) return error_memory(&change->db->error);
  error_set(&change->db->error, LEDGER_UNDEFINED_FUNCTION, "operator does not exist: %s = %s", name,
            constant);
  sqlite3_free(name);
  return error_hint(&change->db->error,
                    "No operator matches the given name and argument types. You might need to add"
                    " explicit type casts.");
}

/* A bare number to compare a column of numbers with. */
static int change_number(struct change *change, const struct type *type, const ledger_value *given,
                         bool is_integer, int64_t integer, struct value *out) {
  bool is_real = type->id == TYPE_FLOAT4 || type->id == TYPE_FLOAT8;
  struct type read = {.id = is_real ? TYPE_FLOAT8 : TYPE_NUMERIC, .length = -1};
  if (is_integer && !is_real && type->id != TYPE_NUMERIC) {
    *out = (struct value){.kind = VALUE_INTEGER, .integer = integer};
    return LEDGER_OK;
  }
  int rc = type_assign(&read, given, &change->db->arena, out, &change->db->error);
  if (rc != LEDGER_OK || is_real || type->id == TYPE_NUMERIC) return rc;
  /* A whole number such as 1e3 equals an integer; any other equals none, and neither does a half. */
  struct decimal number;
  rc = decimal_parse(&change->db->arena, out->text, out->length, &number, &change->db->error);
  if (rc == LEDGER_OK && integer_from_decimal(TYPE_INT8, &number, &integer, NULL) == LEDGER_OK) {
    struct decimal back;
    rc = decimal_from_integer(&change->db->arena, integer, &back);
    if (rc == LEDGER_OK && decimal_compare(&number, &back) == 0) {
      *out = (struct value){.kind = VALUE_INTEGER, .integer = integer};
      return LEDGER_OK;
    }
  }
  *out = (struct value){.kind = VALUE_REAL, .real = 0.5};
  return rc == LEDGER_OK ? rc : error_memory(&change->db->error);
}

/* A value to compare a column with: of its type, but without its length, as in PostgreSQL. */
static int change_operand(struct change *change, int column, const ledger_value *given,
                          struct value *out) {
  const struct column *of = &change->relation->columns[column];
  ledger_error *error = &change->db->error;
  if (given->kind == LEDGER_DEFAULT) {
    return error_set(error, LEDGER_SYNTAX, "DEFAULT is not allowed in this context");
  }
  out->kind = VALUE_NULL;
  if (given->kind == LEDGER_NULL) return LEDGER_OK;
  if (of->is_encrypted) return encryption_refuse(change->db, change->relation, column);
  struct type type = write_bare_type(&of->type);
  int64_t integer = 0;
  const char *constant = change_constant_type(given, &integer);
  if (!type.is_array && (type.id == TYPE_JSON || type.id == TYPE_XML)) {
    return change_no_operator(change, &type, constant == NULL ? "unknown" : constant);
  }
  if (constant == NULL ||
      (type.id == TYPE_BOOLEAN && !type.is_array && given->kind == LEDGER_BOOLEAN)) {
    return type_assign(&type, given, &change->db->arena, out, error);
  }
  bool is_number = type.id == TYPE_INT2 || type.id == TYPE_INT4 || type.id == TYPE_INT8 ||
                   type.id == TYPE_NUMERIC || type.id == TYPE_FLOAT4 || type.id == TYPE_FLOAT8;
  if (type.is_array || !is_number || given->kind == LEDGER_BOOLEAN)
    return change_no_operator(change, &type, constant);
  return change_number(change, &type, given, strcmp(constant, "numeric") != 0, integer, out);
}

static int change_where(struct change *change, const char *const *columns,
                        const ledger_value *values) {
  int rc =
      write_columns(change->db, change->relation, change->where_count, columns, 'w', change->where);
  for (int i = 0; i < change->where_count && rc == LEDGER_OK; i++) {
    rc = change_operand(change, change->where[i], &values[i],
                        &change->parameters[change->set_count + i]);
  }
  return rc;
}

LEDGER_PRIVATE int change_set(struct change *change, const char *const *columns,
                              const ledger_value *values) {
  ledger *db = change->db;
  int rc = write_columns(db, change->relation, change->set_count, columns, 'u', change->set);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < change->set_count; i++) {
    int column = change->set[i];
    change->changed[column] = true;
    if (values[i].kind == LEDGER_DEFAULT) continue;
    rc = write_value(db, change->relation, column, &values[i], &change->parameters[i]);
    if (rc == LEDGER_MEMORY) return rc;
    if (rc != LEDGER_OK) {
      return write_values_error(db, change->relation, change->set_count, change->set, values);
    }
  }
  for (int i = 0; i < change->set_count && rc == LEDGER_OK; i++) {
    const struct column *column = &change->relation->columns[change->set[i]];
    if (values[i].kind == LEDGER_DEFAULT) {
      change->minted[i] =
          column->default_kind == COLUMN_NEXTVAL || column->default_kind == COLUMN_UUID;
      change->parameters[i].kind = VALUE_NULL;
      if (!change->minted[i])
        rc = write_default(db, change->relation, change->set[i], &change->parameters[i]);
    } else if (column->generated_sql != NULL || column->identity == 'a') {
      error_set(&db->error, LEDGER_GENERATED_ALWAYS, "column \"%s\" can only be updated to DEFAULT",
                column->name);
      rc = error_detail(&db->error,
                        column->generated_sql != NULL
                            ? "Column \"%s\" is a generated column."
                            : "Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
                        column->name);
    }
  }
  return rc;
}

/* ---- SQL */

LEDGER_PRIVATE void change_sql_where(const struct change *change, sqlite3_str *out) {
  if (change->rows == CHANGE_ONE_ROW)
    sqlite3_str_appendf(out, " WHERE \"old\".rowid = ?%d", change->set_count + 1);
  if (change->rows == CHANGE_ROWS)
    sqlite3_str_appendf(out, " WHERE \"old\".rowid IN (SELECT value FROM json_each(?%d))",
                        change->set_count + 1);
  if (change->rows != CHANGE_WHERE) return;
  for (int i = 0; i < change->where_count; i++) {
    const struct column *column = &change->relation->columns[change->where[i]];
    sqlite3_str_appendf(out, "%s\"old\".\"%w\"", i == 0 ? " WHERE " : " AND ", column->name);
    if (change->parameters[change->set_count + i].kind == VALUE_NULL) {
      sqlite3_str_appendall(out, " IS NULL");
    } else {
      if (column->collation != NULL) sqlite3_str_appendf(out, " COLLATE %s", column->collation);
      sqlite3_str_appendf(out, " = ?%d", change->set_count + i + 1);
    }
  }
}

/* What a column is set to before any trigger: a parameter, or what the insert of an upsert proposed. */
static void change_sql_value(const struct change *change, int position, sqlite3_str *out) {
  const struct column *column = &change->relation->columns[position];
  if (!change->changed[position]) {
    sqlite3_str_appendf(out, "\"old\".\"%w\"", column->name);
    return;
  }
  if (change->is_upsert) {
    if (change->is_probe)
      sqlite3_str_appendf(out, "?%d", position + 1);
    else
      sqlite3_str_appendf(out, "excluded.\"%w\"", column->name);
  } else {
    int parameter = 1;
    while (change->set[parameter - 1] != position) parameter++;
    if (!change->minted[parameter - 1]) {
      sqlite3_str_appendf(out, "?%d", parameter);
    } else if (change->is_probe) {
      sqlite3_str_appendall(out, "NULL"); /* another value than any that is there */
    } else if (column->default_kind == COLUMN_UUID) {
      sqlite3_str_appendall(out, "pg_uuid()");
    } else {
      sqlite3_str_appendf(out, "pg_nextval(%Q)", column->sequence->stored_name);
    }
  }
  if (column->collation != NULL) sqlite3_str_appendf(out, " COLLATE %s", column->collation);
}

/* The new row as a SELECT over "old", after triggers and with generated columns. NULL: memory is short. */
LEDGER_PRIVATE char *change_sql_image(const struct change *change) {
  sqlite3_str *inner = sqlite3_str_new(change->db->sqlite);
  for (int i = 0; i < change->relation->column_count; i++) {
    sqlite3_str_appendall(inner, i == 0 ? "SELECT " : ", ");
    change_sql_value(change, i, inner);
    sqlite3_str_appendf(inner, " AS \"%w\"", change->relation->columns[i].name);
  }
  return trigger_image(change->relation, TRIGGER_UPDATE, change->changed,
                       sqlite3_str_finish(inner));
}

/* "a", "b" of the columns that get a new value. */
static void change_sql_targets(const struct change *change, sqlite3_str *out) {
  const char *separator = "";
  for (int i = 0; i < change->relation->column_count; i++) {
    if (!change->changed[i] && !change->assigned[i]) continue;
    sqlite3_str_appendf(out, "%s\"%w\"", separator, change->relation->columns[i].name);
    separator = ", ";
  }
}

/* Does a foreign key of the relation refer to the column in itself? */
LEDGER_PRIVATE bool change_is_own_key(const struct relation *relation, int column) {
  for (int i = 0; i < relation->referencing_count; i++) {
    const struct constraint *key = relation->referencing[i];
    for (int c = 0; c < key->count && key->relation == relation; c++)
      if (key->reference_columns[c] == column) return true;
  }
  return false;
}

/* Sets some column to what it is, so that the row counts as updated and triggers fire; see change_leave_own_keys(). */
static void change_sql_nothing(const struct change *change, sqlite3_str *out) {
  int column = change->relation->column_count - 1;
  while (column > 0 && (change_is_own_key(change->relation, column) ||
                        change->relation->columns[column].generated_sql != NULL))
    column--;
  const char *name = change->relation->columns[column].name;
  sqlite3_str_appendf(out, " SET \"%w\" = \"old\".\"%w\"", name, name);
}

/* SET ..., plain where nothing but the caller sets a column. false: memory is short. */
static bool change_sql_set(const struct change *change, sqlite3_str *out) {
  if (trigger_assigned(change->relation, TRIGGER_UPDATE, change->changed, change->assigned) == 0) {
    const char *separator = " SET ";
    for (int i = 0; i < change->relation->column_count; i++) {
      if (!change->changed[i]) continue;
      sqlite3_str_appendf(out, "%s\"%w\" = ", separator, change->relation->columns[i].name);
      change_sql_value(change, i, out);
      separator = ", ";
    }
    if (change->set_count == 0) change_sql_nothing(change, out);
    return true;
  }
  char *image = change_sql_image(change);
  if (image == NULL) return false;
  sqlite3_str_appendall(out, " SET (");
  change_sql_targets(change, out);
  sqlite3_str_appendall(out, ") = (SELECT ");
  change_sql_targets(change, out);
  sqlite3_str_appendf(out, " FROM (%s))", image);
  sqlite3_free(image);
  return true;
}

static void change_sql_returning(const struct change *change, sqlite3_str *out) {
  sqlite3_str_appendall(out, " RETURNING ");
  write_column_list(out, change->relation);
}

/* The rows as they were, and for an update as they were to be: what violation.c looks through. */
static char *change_sql_images(const struct change *change) {
  sqlite3_str *out = sqlite3_str_new(change->db->sqlite);
  for (int i = 0; i < change->relation->column_count; i++) {
    sqlite3_str_appendf(out, "%s\"old\".\"%w\"", i == 0 ? "SELECT " : ", ",
                        change->relation->columns[i].name);
  }
  char *image = change->event == TRIGGER_UPDATE ? change_sql_image(change) : NULL;
  for (int i = 0; image != NULL && i < change->relation->column_count; i++) {
    const char *name = change->relation->columns[i].name;
    if (change->changed[i] || change->assigned[i]) {
      sqlite3_str_appendf(out, ", (SELECT \"%w\" FROM (%s))", name, image);
    } else {
      sqlite3_str_appendf(out, ", \"old\".\"%w\"", name);
    }
  }
  sqlite3_free(image);
  sqlite3_str_appendf(out, " FROM main.\"%w\" AS \"old\"", change->relation->stored_name);
  if (!change->is_upsert) change_sql_where(change, out);
  for (int i = 0; i < change->where_count && change->is_upsert; i++) {
    const struct column *column = &change->relation->columns[change->where[i]];
    sqlite3_str_appendf(out, "%s\"old\".\"%w\" = ?%d", i == 0 ? " WHERE " : " AND ", column->name,
                        change->where[i] + 1);
  }
  return sqlite3_str_finish(out);
}

/* ---- running */

static void change_statement_key(const struct change *change, struct write_key *key, char verb,
                                 bool returning) {
  write_key_start(key, verb, change->relation);
  write_key_add(key, returning);
  write_key_add(key, (int)change->rows);
  write_key_add(key, change->set_count);
  for (int i = 0; i < change->set_count; i++) {
    write_key_add(key, change->minted[i] ? -1 - change->set[i] : change->set[i]);
  }
  for (int i = 0; i < change->where_count; i++) {
    bool is_null = change->parameters[change->set_count + i].kind == VALUE_NULL;
    write_key_add(key, is_null ? -1 - change->where[i] : change->where[i]);
  }
}

/* As statement_make(), for a text that may lack a part for which memory was short. */
static sqlite3_stmt *change_make(ledger *db, const struct write_key *key, sqlite3_str *sql,
                                 bool complete) {
  if (complete) return statement_make(db, key->bytes, key->length, sql);
  sqlite3_free(sqlite3_str_finish(sql));
  error_memory(&db->error);
  return NULL;
}

static int change_failed(struct change *change, int sqlite_rc) {
  struct violation violation = {.relation = change->relation,
                                .change =
                                    change->event == TRIGGER_UPDATE ? CHANGE_UPDATE : CHANGE_DELETE,
                                .parameter_count = change->parameter_count,
                                .parameters = change->parameters};
  char *text = sqlite3_mprintf("%s", sqlite3_errmsg(change->db->sqlite));
  change->is_probe = true;
  char *images = (sqlite_rc & 0xff) == SQLITE_CONSTRAINT ? change_sql_images(change) : NULL;
  violation.text = text;
  violation.images = images;
  int rc = violation_error(change->db, sqlite_rc, &violation);
  sqlite3_free(images);
  sqlite3_free(text);
  return rc;
}

static int change_run(struct change *change, sqlite3_stmt *stmt, int64_t *changed,
                      ledger_rows **rows) {
  int rc = statement_bind_all(change->db, stmt, change->parameter_count, change->parameters);
  if (rc != LEDGER_OK) return rc;
  int sqlite_rc = write_step(change->db, stmt, change->relation, rows);
  if (sqlite_rc != SQLITE_OK) return change_failed(change, sqlite_rc);
  *changed = sqlite3_changes(change->db->sqlite);
  return LEDGER_OK;
}

/* Ends a call: its transaction, and what it gives back. */
static int change_end(ledger *db, int rc, int64_t count, int64_t *changed, ledger_rows *rows,
                      ledger_rows **returned) {
  rc = transaction_end(db, rc);
  if (rc == LEDGER_OK && changed != NULL) *changed = count;
  if (rc == LEDGER_OK && returned != NULL)
    *returned = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}

static int change_all_rows(ledger *db, int where_count, int flags, const char *verb) {
  if (where_count > 0 || (flags & LEDGER_ALL_ROWS) != 0) return LEDGER_OK;
  error_set(&db->error, LEDGER_FORBIDDEN, "%s without a condition is refused", verb);
  return error_hint(&db->error, "Name the rows, or say that all of them are meant.");
}

/* ---- update and delete */

LEDGER_PRIVATE int change_update(struct change *change, int64_t *count, ledger_rows **rows) {
  ledger *db = change->db;
  struct write_key key;
  change_statement_key(change, &key, 'U', rows != NULL);
  trigger_assigned(change->relation, TRIGGER_UPDATE, change->changed, change->assigned);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendf(sql, "UPDATE main.\"%w\" AS \"old\"", change->relation->stored_name);
    bool complete = change_sql_set(change, sql);
    change_sql_where(change, sql);
    if (rows != NULL) change_sql_returning(change, sql);
    stmt = change_make(db, &key, sql, complete);
    if (stmt == NULL) return db->error.code;
  }
  return change_run(change, stmt, count, rows);
}

LEDGER_PRIVATE int write_update(ledger *db, const char *table, int count,
                                const char *const *columns, const ledger_value *values,
                                int where_count, const char *const *where_columns,
                                const ledger_value *where_values, int flags, int64_t *changed,
                                ledger_rows **returned) {
  struct change change;
  ledger_rows *rows = NULL;
  int64_t updated = 0;
  int rc = change_all_rows(db, where_count, flags, "UPDATE");
  if (rc == LEDGER_OK && count == 0)
    rc = error_set(&db->error, LEDGER_SYNTAX, "no column is to be set");
  if (rc == LEDGER_OK) rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = change_start(&change, db, table, "update", count, where_count);
  change.event = TRIGGER_UPDATE;
  if (rc == LEDGER_OK) rc = change_where(&change, where_columns, where_values);
  if (rc == LEDGER_OK) rc = change_set(&change, columns, values);
  if (rc == LEDGER_OK) {
    struct observe observe;
    rc = observe_start(&observe, db, change.relation, false);
    if (rc == LEDGER_OK) rc = change_update(&change, &updated, returned == NULL ? NULL : &rows);
    rc = observe_end(&observe, rc, NULL);
  }
  return change_end(db, rc, updated, changed, rows, returned);
}

LEDGER_PRIVATE int change_delete(struct change *change, int64_t *count, ledger_rows **rows) {
  ledger *db = change->db;
  struct write_key key;
  change_statement_key(change, &key, 'X', rows != NULL);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendf(sql, "DELETE FROM main.\"%w\" AS \"old\"", change->relation->stored_name);
    change_sql_where(change, sql);
    /* Without a condition SQLite would drop the table's pages, and no hook would see the rows. */
    if (change->rows == CHANGE_WHERE && change->where_count == 0)
      sqlite3_str_appendall(sql, " WHERE true");
    if (rows != NULL) change_sql_returning(change, sql);
    stmt = statement_make(db, key.bytes, key.length, sql);
    if (stmt == NULL) return db->error.code;
  }
  return change_run(change, stmt, count, rows);
}

LEDGER_PRIVATE int write_delete(ledger *db, const char *table, int where_count,
                                const char *const *where_columns, const ledger_value *where_values,
                                int flags, int64_t *changed, ledger_rows **returned) {
  struct change change;
  ledger_rows *rows = NULL;
  int64_t deleted = 0;
  int rc = change_all_rows(db, where_count, flags, "DELETE");
  if (rc == LEDGER_OK) rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = change_start(&change, db, table, "delete from", 0, where_count);
  change.event = TRIGGER_DELETE;
  if (rc == LEDGER_OK) rc = change_where(&change, where_columns, where_values);
  if (rc == LEDGER_OK) {
    struct observe observe;
    rc = observe_start(&observe, db, change.relation, false);
    if (rc == LEDGER_OK) rc = change_delete(&change, &deleted, returned == NULL ? NULL : &rows);
    rc = observe_end(&observe, rc, NULL);
  }
  return change_end(db, rc, deleted, changed, rows, returned);
}

/* ---- upsert */

/* Are the columns, in any order, those of the list? */
static bool change_same_columns(int count, const int *columns, int list_count, const int *list) {
  if (count != list_count) return false;
  for (int i = 0; i < count; i++) {
    int found = 0;
    for (int j = 0; j < count; j++) found += columns[i] == list[j];
    if (found != 1) return false;
  }
  return true;
}

/* The conflict's columns as change->where; they must be a key. */
LEDGER_PRIVATE int change_conflict(struct change *change, int count, const char *const *names) {
  const struct relation *relation = change->relation;
  ledger *db = change->db;
  if (count == 0 && relation->primary != NULL) {
    change->where = (int *)(void *)relation->primary->columns;
    change->where_count = relation->primary->count;
    return LEDGER_OK;
  }
  int rc = write_columns(db, relation, count, names, 'w', change->where);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'p' && constraint->kind != 'u') continue;
    if (change_same_columns(count, change->where, constraint->count, constraint->columns))
      return LEDGER_OK;
  }
  for (int i = 0; i < relation->index_count; i++) {
    const struct index *candidate = &relation->indexes[i];
    if (!candidate->is_unique || candidate->predicate_sql != NULL) continue;
    if (change_same_columns(count, change->where, candidate->count, candidate->columns))
      return LEDGER_OK;
  }
  return error_set(
      &db->error, LEDGER_INVALID_REFERENCE,
      "there is no unique or exclusion constraint matching the ON CONFLICT specification");
}

/* Which columns DO UPDATE sets: the given ones. The key is the same; where its columns are compared by a collation it may be spelled
** in another way, and `respells` says that it is then set, too. */
LEDGER_PRIVATE void change_upsert_columns(struct change *change, int count, const int *given,
                                          bool respells) {
  for (int i = 0; i < count; i++) change->changed[given[i]] = true;
  for (int i = 0; i < change->where_count; i++) {
    if (!respells || change->relation->columns[change->where[i]].collation == NULL)
      change->changed[change->where[i]] = false;
  }
  change->set_count = 0;
  for (int i = 0; i < count; i++) {
    const struct column *column = &change->relation->columns[given[i]];
    /* DEFAULT was given, for nothing else may be: a generated column follows, an identity stays. */
    if (column->generated_sql != NULL || column->identity == 'a') change->changed[given[i]] = false;
    if (change->changed[given[i]]) change->set[change->set_count++] = given[i];
  }
}

static sqlite3_stmt *change_upsert_statement(struct change *change, int update, bool returning) {
  ledger *db = change->db;
  struct write_key key;
  write_key_start(&key, update ? 'M' : 'N', change->relation);
  write_key_add(&key, returning);
  write_key_add(&key, change->where_count);
  for (int i = 0; i < change->where_count; i++) write_key_add(&key, change->where[i]);
  for (int i = 0; i < change->set_count; i++) write_key_add(&key, change->set[i]);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  write_insert_sql(sql, change->relation, " AS \"old\"");
  for (int i = 0; i < change->where_count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " ON CONFLICT (" : ", ",
                        change->relation->columns[change->where[i]].name);
  }
  sqlite3_str_appendall(sql, update ? ") DO UPDATE" : ") DO NOTHING");
  bool complete = !update || change_sql_set(change, sql);
  if (returning) change_sql_returning(change, sql);
  return change_make(db, &key, sql, complete);
}

static int change_upsert_failed(struct change *change, int sqlite_rc, const struct value *row,
                                int update) {
  struct violation violation = {.relation = change->relation,
                                .change = CHANGE_UPSERT,
                                .row = row,
                                .parameter_count = change->relation->column_count,
                                .parameters = row};
  char *text = sqlite3_mprintf("%s", sqlite3_errmsg(change->db->sqlite));
  change->is_probe = true;
  char *images =
      update && (sqlite_rc & 0xff) == SQLITE_CONSTRAINT ? change_sql_images(change) : NULL;
  violation.text = text;
  violation.images = images;
  int rc = violation_error(change->db, sqlite_rc, &violation);
  sqlite3_free(images);
  sqlite3_free(text);
  return rc;
}

/* PostgreSQL looks for the constraint that ON CONFLICT means once all values are found good. */
static int change_conflict_missing(struct change *change, int count, const char *const *columns,
                                   const ledger_value *values) {
  ledger *db = change->db;
  ledger_error missing = db->error;
  int *positions = arena_alloc(&db->arena, (size_t)count * sizeof *positions);
  if (positions == NULL) return error_memory(&db->error);
  int rc = write_columns(db, change->relation, count, columns, 'i', positions);
  if (rc == LEDGER_OK) rc = write_values_error(db, change->relation, count, positions, values);
  if (rc != LEDGER_OK) return rc;
  db->error = missing;
  return missing.code;
}

LEDGER_PRIVATE int change_upsert(struct change *change, const struct value *row, int update,
                                 int64_t *count, ledger_rows **rows) {
  ledger *db = change->db;
  sqlite3_stmt *stmt = change_upsert_statement(change, update, rows != NULL);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, change->relation->column_count, row);
  if (rc != LEDGER_OK) return rc;
  int sqlite_rc = write_step(db, stmt, change->relation, rows);
  if (sqlite_rc != SQLITE_OK) return change_upsert_failed(change, sqlite_rc, row, update);
  *count = sqlite3_changes(db->sqlite);
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_upsert(ledger *db, const char *table, int count,
                                const char *const *columns, const ledger_value *values,
                                int conflict_count, const char *const *conflict, int update,
                                int64_t *changed, ledger_rows **returned) {
  struct change change;
  ledger_rows *rows = NULL;
  struct value *row;
  const int *given;
  int64_t written = 0;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = change_start(&change, db, table, "insert into", count + 1, conflict_count);
  change.event = TRIGGER_UPDATE;
  change.is_upsert = true;
  if (rc == LEDGER_OK) rc = change_conflict(&change, conflict_count, conflict);
  if (rc == LEDGER_INVALID_REFERENCE) rc = change_conflict_missing(&change, count, columns, values);
  if (rc == LEDGER_OK) rc = write_row(db, change.relation, count, columns, values, &row, &given);
  if (rc == LEDGER_OK) {
    struct observe observe;
    change_upsert_columns(&change, count, given, false);
    rc = observe_start(&observe, db, change.relation, false);
    if (rc == LEDGER_OK)
      rc = change_upsert(&change, row, update, &written, returned == NULL ? NULL : &rows);
    rc = observe_end(&observe, rc, NULL);
  }
  return change_end(db, rc, written, changed, rows, returned);
}
