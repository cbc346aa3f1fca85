/*
** violation.c: a row was refused; which constraint was it, in PostgreSQL's words? SQLite names too little, and not always
** the constraint that PostgreSQL would have met first. So the row is held against the catalog's constraints one by one.
** This runs after a failure only, inside the same transaction, so the file is as it was before the statement.
*/
#include "../internal.h"

#define VIOLATION_FIELD_MAX 64   /* bytes of a value in "Failing row contains" */
#define VIOLATION_CASCADE_MAX 16 /* tables deep */

static void violation_names(ledger_error *error, const struct relation *relation,
                            const char *constraint) {
  sqlite3_snprintf((int)sizeof error->table, error->table, "%s", relation->name);
  if (constraint != NULL)
    sqlite3_snprintf((int)sizeof error->constraint, error->constraint, "%s", constraint);
}

/* ---- details */

/* Appends a value as the type prints it, "null" for NULL. */
static void violation_value(sqlite3_str *out, const struct type *type, const struct value *value,
                            size_t most) {
  if (value->kind == VALUE_NULL) {
    sqlite3_str_appendall(out, "null");
    return;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  type_output(type, value, text, NULL);
  size_t length = (size_t)sqlite3_str_length(text);
  char *bytes = sqlite3_str_finish(text);
  if (bytes != NULL && length > most) {
    length = most;
    while (length > 0 && ((unsigned char)bytes[length] & 0xc0) == 0x80) length--;
    sqlite3_str_append(out, bytes, (int)length);
    sqlite3_str_appendall(out, "...");
  } else if (bytes != NULL) {
    sqlite3_str_append(out, bytes, (int)length);
  }
  sqlite3_free(bytes);
}

static int violation_detail(ledger_error *error, sqlite3_str *text) {
  char *detail = sqlite3_str_finish(text);
  if (detail != NULL) error_detail(error, "%s", detail);
  sqlite3_free(detail);
  return error->code;
}

/* Failing row contains (1, null, x). */
static int violation_failing_row(ledger_error *error, const struct relation *relation,
                                 const struct value *row) {
  if (row == NULL) return error->code;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "Failing row contains (");
  for (int i = 0; i < relation->column_count; i++) {
    if (i > 0) sqlite3_str_appendall(text, ", ");
    violation_value(text, &relation->columns[i].type, &row[i], VIOLATION_FIELD_MAX);
  }
  sqlite3_str_appendall(text, ").");
  return violation_detail(error, text);
}

/* Key (a, b)=(1, x) and what is wrong with it. `columns` name the key in `relation`, `values` index into row. */
static int violation_key(ledger_error *error, const struct relation *relation, int count,
                         const int *columns, const struct relation *of, const int *positions,
                         const struct value *row, const char *format, const char *table) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "Key (");
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(text, "%s%s", i == 0 ? "" : ", ", relation->columns[columns[i]].name);
  sqlite3_str_appendall(text, ")=(");
  for (int i = 0; i < count; i++) {
    if (i > 0) sqlite3_str_appendall(text, ", ");
    violation_value(text, &of->columns[positions[i]].type, &row[positions[i]], SIZE_MAX - 1);
  }
  sqlite3_str_appendall(text, ") ");
  sqlite3_str_appendf(text, format, table);
  return violation_detail(error, text);
}

/* ---- probing */

/* Does the query, with the values bound, give a row? -1 after an error. `first` receives its columns, kept in the arena. */
static int violation_probe(ledger *db, sqlite3_str *sql, int count, const struct value *values,
                           int first_count, struct value *first) {
  sqlite3_stmt *stmt;
  if (statement_prepare(db, sql, &stmt) != LEDGER_OK) return -1;
  int found = statement_bind_all(db, stmt, count, values) == LEDGER_OK
                  ? sqlite3_step(stmt) == SQLITE_ROW
                  : -1;
  for (int i = 0; found > 0 && i < first_count; i++) {
    first[i] = statement_value(stmt, i);
    if (value_keep(&db->arena, &first[i]) != LEDGER_OK) found = -1;
  }
  if (sqlite3_finalize(stmt) != SQLITE_OK) found = -1;
  return found;
}

/* Is there a row in `table` whose columns have the values of `row` at `positions`? No if one of them is NULL. */
static bool violation_exists(ledger *db, const struct relation *table, int count,
                             const int *columns, const int *positions, const struct value *row) {
  struct value *values = arena_alloc(&db->arena, (size_t)count * sizeof *values);
  if (values == NULL) return false;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\"", table->stored_name);
  for (int i = 0; i < count; i++) {
    values[i] = row[positions[i]];
    if (values[i].kind == VALUE_NULL) {
      sqlite3_free(sqlite3_str_finish(sql));
      return false;
    }
    sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i == 0 ? " WHERE " : " AND ",
                        table->columns[columns[i]].name, i + 1);
  }
  sqlite3_str_appendall(sql, " LIMIT 1");
  return violation_probe(db, sql, count, values, 0, NULL) == 1;
}

/* ---- NOT NULL */

LEDGER_PRIVATE int violation_not_null(ledger *db, const struct relation *relation, int column,
                                      const struct value *row) {
  const char *name = relation->columns[column].name;
  if (!relation->columns[column].not_null && relation->columns[column].domain != NULL) {
    return error_set(&db->error, LEDGER_NOT_NULL, "domain %s does not allow null values",
                     relation->columns[column].domain);
  }
  error_set(&db->error, LEDGER_NOT_NULL,
            "null value in column \"%s\" of relation \"%s\" violates not-null constraint", name,
            relation->name);
  violation_names(&db->error, relation, NULL);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s", name);
  return violation_failing_row(&db->error, relation, row);
}

static int violation_row_not_null(ledger *db, const struct relation *relation,
                                  const struct value *row) {
  for (int i = 0; i < relation->column_count; i++) {
    if (relation->columns[i].not_null && row[i].kind == VALUE_NULL)
      return violation_not_null(db, relation, i, row);
  }
  return LEDGER_OK;
}

/* ---- CHECK */

static int violation_check(ledger *db, const struct constraint *constraint,
                           const struct value *row) {
  const struct relation *relation = constraint->relation;
  if (constraint->kind == 'd') {
    error_set(&db->error, LEDGER_CHECK, "value for domain %s violates check constraint \"%s\"",
              constraint->domain == NULL ? "" : constraint->domain, constraint->name);
  } else {
    error_set(&db->error, LEDGER_CHECK,
              "new row for relation \"%s\" violates check constraint \"%s\"", relation->name,
              constraint->name);
    violation_failing_row(&db->error, relation, row);
  }
  violation_names(&db->error, relation, constraint->name);
  return db->error.code;
}

static bool violation_check_fails(ledger *db, const struct constraint *constraint,
                                  const struct value *row) {
  const struct relation *relation = constraint->relation;
  if (constraint->check_sql == NULL) return false;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT 1 WHERE EXISTS (SELECT 1 FROM (SELECT ");
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    sqlite3_str_appendf(sql, "%s?%d", i == 0 ? "" : ", ", i + 1);
    if (column->collation != NULL) sqlite3_str_appendf(sql, " COLLATE %s", column->collation);
    sqlite3_str_appendf(sql, " AS \"%w\"", column->name);
  }
  sqlite3_str_appendf(sql, ") WHERE NOT (%s))", constraint->check_sql);
  return violation_probe(db, sql, relation->column_count, row, 0, NULL) == 1;
}

/* PostgreSQL's order: domains as the values are made, then the table's checks by name. */
static int violation_row_check(ledger *db, const struct relation *relation,
                               const struct value *row) {
  const struct constraint *first = NULL;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind == 'd' && violation_check_fails(db, constraint, row)) {
      return violation_check(db, constraint, row);
    }
    if (constraint->kind != 'c' || (first != NULL && strcmp(first->name, constraint->name) < 0))
      continue;
    if (violation_check_fails(db, constraint, row)) first = constraint;
  }
  return first == NULL ? LEDGER_OK : violation_check(db, first, row);
}

/* ---- UNIQUE */

static int violation_unique(ledger *db, const struct relation *relation, const char *name,
                            int count, const int *columns, const struct value *row) {
  error_set(&db->error, LEDGER_UNIQUE, "duplicate key value violates unique constraint \"%s\"",
            name);
  violation_names(&db->error, relation, name);
  if (row == NULL || columns == NULL) return db->error.code;
  return violation_key(&db->error, relation, count, columns, relation, columns, row,
                       "already exists.", "");
}

/* Passes over `word`, if the text goes on with it. Without memory, which may be short. */
static bool violation_take(const char **text, const char *word) {
  size_t length = strlen(word);
  if (strncmp(*text, word, length) != 0) return false;
  *text += length;
  return true;
}

/* Is the text SQLite's for a conflict in these columns? */
static bool violation_unique_text(const struct relation *relation, int count, const int *columns,
                                  const char *text) {
  if (!violation_take(&text, "UNIQUE constraint failed: ")) return false;
  for (int i = 0; i < count; i++) {
    if (i > 0 && !violation_take(&text, ", ")) return false;
    if (!violation_take(&text, relation->stored_name) || !violation_take(&text, ".")) return false;
    if (columns[i] >= 0 && !violation_take(&text, relation->columns[columns[i]].name)) return false;
  }
  return *text == 0;
}

/* The unique index that SQLite's text is about. */
static bool violation_index_text(const struct relation *relation, const struct index *candidate,
                                 const char *text) {
  if (!candidate->is_unique) return false;
  if (!candidate->has_expression)
    return violation_unique_text(relation, candidate->count, candidate->columns, text);
  return violation_take(&text, "UNIQUE constraint failed: index '") &&
         violation_take(&text, candidate->stored_name) && strcmp(text, "'") == 0;
}

static int violation_text_unique(ledger *db, const struct relation *relation, const char *text,
                                 const struct value *row) {
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'p' && constraint->kind != 'u') continue;
    if (!violation_unique_text(relation, constraint->count, constraint->columns, text)) continue;
    return violation_unique(db, relation, constraint->name, constraint->count, constraint->columns,
                            row);
  }
  for (int i = 0; i < relation->index_count; i++) {
    const struct index *candidate = &relation->indexes[i];
    if (!violation_index_text(relation, candidate, text)) continue;
    return violation_unique(db, relation, candidate->name, candidate->count,
                            candidate->has_expression ? NULL : candidate->columns, row);
  }
  return LEDGER_OK;
}

/* Is the key the same in two rows? Not where a part of it is NULL. */
static bool violation_same_key(const struct constraint *constraint, const struct value *a,
                               const struct value *b) {
  for (int c = 0; c < constraint->count; c++) {
    int column = constraint->columns[c];
    if (a[column].kind == VALUE_NULL || b[column].kind == VALUE_NULL) return false;
    if (type_compare(&constraint->relation->columns[column].type, &a[column], &b[column]) != 0)
      return false;
  }
  return true;
}

/* The first key, in order of creation, that the row has in common with one that is there, or with the one that the same
** update wrote before it. `old` is the row that it replaces; both may be NULL. */
static int violation_row_unique(ledger *db, const struct relation *relation,
                                const struct value *row, const struct value *old,
                                const struct value *before) {
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'p' && constraint->kind != 'u') continue;
    if (old != NULL && violation_same_key(constraint, old, row)) continue;
    if (!(before != NULL && violation_same_key(constraint, before, row)) &&
        !violation_exists(db, relation, constraint->count, constraint->columns, constraint->columns,
                          row)) {
      continue;
    }
    return violation_unique(db, relation, constraint->name, constraint->count, constraint->columns,
                            row);
  }
  return LEDGER_OK;
}

/* ---- FOREIGN KEY */

static int violation_foreign(ledger *db, const struct constraint *constraint) {
  error_set(&db->error, LEDGER_FOREIGN_KEY,
            "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
            constraint->relation->name, constraint->name);
  violation_names(&db->error, constraint->relation, constraint->name);
  return db->error.code;
}

/* A foreign key of the row itself. */
static int violation_row_foreign(ledger *db, const struct relation *relation,
                                 const struct value *row) {
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'f') continue;
    int nulls = 0;
    for (int c = 0; c < constraint->count; c++)
      nulls += row[constraint->columns[c]].kind == VALUE_NULL;
    if (nulls > 0 && nulls < constraint->count && constraint->match == 'f') {
      violation_foreign(db, constraint);
      return error_detail(&db->error,
                          "MATCH FULL does not allow mixing of null and nonnull key values.");
    }
    if (nulls > 0) continue;
    bool itself = constraint->reference == relation;
    for (int c = 0; c < constraint->count && itself; c++) {
      const struct type *type = &relation->columns[constraint->columns[c]].type;
      const struct value *key = &row[constraint->reference_columns[c]];
      itself =
          key->kind != VALUE_NULL && type_compare(type, &row[constraint->columns[c]], key) == 0;
    }
    if (itself || violation_exists(db, constraint->reference, constraint->count,
                                   constraint->reference_columns, constraint->columns, row)) {
      continue;
    }
    violation_foreign(db, constraint);
    return violation_key(&db->error, relation, constraint->count, constraint->columns, relation,
                         constraint->columns, row, "is not present in table \"%s\".",
                         constraint->reference->name);
  }
  return LEDGER_OK;
}

static int violation_referenced(ledger *db, const struct constraint *constraint,
                                const struct value *key) {
  const struct relation *parent = constraint->reference;
  error_set(
      &db->error, LEDGER_FOREIGN_KEY,
      "update or delete on table \"%s\" violates foreign key constraint \"%s\" on table \"%s\"",
      parent->name, constraint->name, constraint->relation->name);
  violation_names(&db->error, constraint->relation, constraint->name);
  return violation_key(&db->error, parent, constraint->count, constraint->reference_columns, parent,
                       constraint->reference_columns, key, "is still referenced from table \"%s\".",
                       constraint->relation->name);
}

/* Does the row that the update makes refer to the key that it takes away from itself? */
static bool violation_refers_back(const struct constraint *constraint, const struct value *old,
                                  const struct value *new) {
  if (constraint->relation != constraint->reference) return false;
  for (int c = 0; c < constraint->count; c++) {
    const struct value *key = &old[constraint->reference_columns[c]];
    const struct value *reference = &new[constraint->columns[c]];
    const struct type *type = &constraint->relation->columns[constraint->columns[c]].type;
    if (key->kind == VALUE_NULL || reference->kind == VALUE_NULL ||
        type_compare(type, key, reference) != 0)
      return false;
  }
  return true;
}

/* A key that others refer to and that the update takes away. */
static int violation_row_referenced(ledger *db, const struct relation *relation,
                                    const struct value *old, const struct value *new) {
  for (int i = 0; i < relation->referencing_count; i++) {
    const struct constraint *constraint = relation->referencing[i];
    bool changes = false;
    for (int c = 0; c < constraint->count; c++) {
      int position = constraint->reference_columns[c];
      const struct value *before = &old[position], *after = &new[position];
      if (before->kind == VALUE_NULL || after->kind == VALUE_NULL)
        changes |= before->kind != after->kind;
      else
        changes |= type_compare(&relation->columns[position].type, before, after) != 0;
    }
    if (!changes || (constraint->on_update != 'a' && constraint->on_update != 'r')) continue;
    if (violation_refers_back(constraint, old, new) ||
        violation_exists(db, constraint->relation, constraint->count, constraint->columns,
                         constraint->reference_columns, old)) {
      return violation_referenced(db, constraint, old);
    }
  }
  return LEDGER_OK;
}

/* child.fk = parent.key, for all columns */
static void violation_join(sqlite3_str *sql, const struct constraint *constraint) {
  for (int c = 0; c < constraint->count; c++) {
    sqlite3_str_appendf(sql, "%s\"child\".\"%w\" = \"parent\".\"%w\"", c == 0 ? "" : " AND ",
                        constraint->relation->columns[constraint->columns[c]].name,
                        constraint->reference->columns[constraint->reference_columns[c]].name);
  }
}

/* Rows that refer to those of `rows`, a SELECT of all columns, and forbid that they go; through cascades as well. */
static int violation_deleted(ledger *db, const struct violation *violation,
                             const struct relation *relation, const char *rows, int depth) {
  for (int i = 0; i < relation->referencing_count && depth < VIOLATION_CASCADE_MAX; i++) {
    const struct constraint *constraint = relation->referencing[i];
    const struct relation *child = constraint->relation;
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    int rc = LEDGER_OK;
    if (constraint->on_delete == 'a' || constraint->on_delete == 'r') {
      struct value *key = arena_alloc(&db->arena, (size_t)relation->column_count * sizeof *key);
      sqlite3_str_appendf(
          sql, "SELECT \"parent\".* FROM (%s) AS \"parent\" JOIN main.\"%w\" AS \"child\" ON ",
          rows, child->stored_name);
      violation_join(sql, constraint);
      if (child == relation &&
          relation->primary != NULL) { /* a row that goes as well does not hold another */
        sqlite3_str_appendf(sql, " WHERE NOT EXISTS (SELECT 1 FROM (%s) AS \"gone\" WHERE 1", rows);
        for (int c = 0; c < relation->primary->count; c++) {
          const char *name = relation->columns[relation->primary->columns[c]].name;
          sqlite3_str_appendf(sql, " AND \"gone\".\"%w\" = \"child\".\"%w\"", name, name);
        }
        sqlite3_str_appendall(sql, ")");
      }
      sqlite3_str_appendall(sql, " LIMIT 1");
      if (key == NULL) {
        sqlite3_free(sqlite3_str_finish(sql));
      } else if (violation_probe(db, sql, violation->parameter_count, violation->parameters,
                                 relation->column_count, key) == 1) {
        rc = violation_referenced(db, constraint, key);
      }
    } else if (constraint->on_delete == 'c') {
      sqlite3_str_appendf(
          sql,
          "SELECT \"child\".* FROM main.\"%w\" AS \"child\" WHERE EXISTS (SELECT 1 FROM (%s) AS"
          " \"parent\" WHERE ",
          child->stored_name, rows);
      violation_join(sql, constraint);
      sqlite3_str_appendall(sql, ")");
      char *children = sqlite3_str_finish(sql);
      if (children != NULL) rc = violation_deleted(db, violation, child, children, depth + 1);
      sqlite3_free(children);
    } else {
      sqlite3_free(sqlite3_str_finish(sql));
    }
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* ---- from SQLite's failure to the row */

static int violation_row(ledger *db, int sqlite_rc, const struct violation *violation,
                         const char *text, const struct value *old, const struct value *new,
                         const struct value *before) {
  const struct relation *relation = violation->relation;
  int rc = LEDGER_OK;
  switch (sqlite_rc) {
  case SQLITE_CONSTRAINT_NOTNULL: return violation_row_not_null(db, relation, new);
  case SQLITE_CONSTRAINT_CHECK:
    rc = violation_row_check(db, relation, new);
    /* MATCH FULL is a check in SQLite */
    return rc == LEDGER_OK ? violation_row_foreign(db, relation, new) : rc;
  case SQLITE_CONSTRAINT_FOREIGNKEY:
    /* PostgreSQL asks those that refer to the row first. */
    if (old != NULL) rc = violation_row_referenced(db, relation, old, new);
    return rc == LEDGER_OK ? violation_row_foreign(db, relation, new) : rc;
  default:
    rc = violation_row_unique(db, relation, new, old, before);
    return rc == LEDGER_OK && old == NULL ? violation_text_unique(db, relation, text, new) : rc;
  }
}

/* The rows of an update, one after the other, until one breaks the constraint. *found: there are rows. */
static int violation_update(ledger *db, int sqlite_rc, const struct violation *violation,
                            const char *text, bool *found) {
  int count = violation->relation->column_count;
  struct value *values = arena_alloc(&db->arena, (size_t)count * 3 * sizeof *values);
  sqlite3_stmt *stmt = NULL;
  int rows = 0;
  *found = false;
  if (values == NULL || violation->images == NULL) return error_memory(&db->error);
  int rc = sqlite3_prepare_v2(db->sqlite, violation->images, -1, &stmt, NULL) == SQLITE_OK
               ? LEDGER_OK
               : LEDGER_ERROR;
  if (rc == LEDGER_OK)
    rc = statement_bind_all(db, stmt, violation->parameter_count, violation->parameters);
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < 2 * count; i++) values[i] = statement_value(stmt, i);
    rc = violation_row(db, sqlite_rc, violation, text, values, values + count,
                       *found ? values + 2 * count : NULL);
    *found = true;
    rows++;
    for (int i = 0; i < count && rc == LEDGER_OK; i++) {
      values[2 * count + i] = values[count + i];
      if (value_keep(&db->arena, &values[2 * count + i]) != LEDGER_OK) rc = LEDGER_ERROR;
    }
  }
  sqlite3_finalize(stmt);
  if (rc == LEDGER_OK && *found &&
      (sqlite_rc == SQLITE_CONSTRAINT_UNIQUE || sqlite_rc == SQLITE_CONSTRAINT_PRIMARYKEY))
    rc =
        violation_text_unique(db, violation->relation, text, rows == 1 ? values + 2 * count : NULL);
  return rc == LEDGER_ERROR ? LEDGER_OK : rc; /* not found: the text alone must do */
}

/* The proposed row is checked by itself; only then does it meet another, or replace it. */
static int violation_upsert(ledger *db, int sqlite_rc, const struct violation *violation,
                            const char *text) {
  bool is_check = sqlite_rc == SQLITE_CONSTRAINT_NOTNULL || sqlite_rc == SQLITE_CONSTRAINT_CHECK;
  bool found = false;
  int rc = LEDGER_OK;
  if (is_check) rc = violation_row(db, sqlite_rc, violation, text, NULL, violation->row, NULL);
  if (rc == LEDGER_OK && violation->images != NULL) {
    rc = violation_update(db, sqlite_rc, violation, text, &found);
  }
  if (rc == LEDGER_OK && !found && !is_check) {
    rc = violation_row(db, sqlite_rc, violation, text, NULL, violation->row, NULL);
  }
  return rc;
}

static const struct relation *violation_text_column(const struct catalog *catalog, const char *text,
                                                    int *column) {
  for (int r = 0; r < catalog->relation_count; r++) {
    const struct relation *relation = &catalog->relations[r];
    size_t length = strlen(relation->stored_name);
    if (strncmp(text, relation->stored_name, length) != 0 || text[length] != '.') continue;
    *column = catalog_column(relation, text + length + 1, strlen(text + length + 1));
    if (*column >= 0) return relation;
  }
  return NULL;
}

static int violation_text_check(ledger *db, const char *name) {
  for (int r = 0; r < db->catalog->relation_count; r++) {
    const struct relation *relation = &db->catalog->relations[r];
    for (int i = 0; i < relation->constraint_count; i++) {
      const struct constraint *constraint = relation->constraints[i];
      if (constraint->check_sql != NULL && strcmp(constraint->name, name) == 0) {
        return violation_check(db, constraint, NULL);
      }
    }
  }
  /* The checks of the stored forms have no name: values pass them, or are refused before they come here. */
  return error_set(&db->error, LEDGER_ERROR, "a value has not the stored form of its type: %s",
                   name);
}

LEDGER_PRIVATE int violation_of_text(ledger *db, int sqlite_rc, const char *text) {
  int rc = db->catalog == NULL ? catalog_refresh(db) : LEDGER_OK;
  if (rc != LEDGER_OK) return rc;
  const char *names = strstr(text, "failed: ");
  names = names == NULL ? text : names + strlen("failed: ");
  int column;
  const struct relation *relation;
  switch (sqlite_rc) {
  case SQLITE_CONSTRAINT_NOTNULL:
    relation = violation_text_column(db->catalog, names, &column);
    if (relation != NULL) return violation_not_null(db, relation, column, NULL);
    break;
  case SQLITE_CONSTRAINT_CHECK: return violation_text_check(db, names);
  case SQLITE_CONSTRAINT_FOREIGNKEY:
    return error_set(&db->error, LEDGER_FOREIGN_KEY, "a row violates a foreign key constraint");
  case SQLITE_CONSTRAINT_TRIGGER:
    rc = store_error_function(text, &db->error);
    return rc != LEDGER_OK ? rc : error_set(&db->error, LEDGER_RAISED, "%s", text);
  default:
    for (int r = 0; r < db->catalog->relation_count; r++) {
      rc = violation_text_unique(db, &db->catalog->relations[r], text, NULL);
      if (rc != LEDGER_OK) return rc;
    }
    break;
  }
  return error_set(&db->error, LEDGER_ERROR, "SQLite: %s", text);
}

LEDGER_PRIVATE int violation_error(ledger *db, int sqlite_rc, const struct violation *violation) {
  if ((sqlite_rc & 0xff) != SQLITE_CONSTRAINT || sqlite_rc == SQLITE_CONSTRAINT_FUNCTION)
    return store_error(db, sqlite_rc);
  char *text =
      sqlite3_mprintf("%s", violation->text != NULL ? violation->text : sqlite3_errmsg(db->sqlite));
  if (text == NULL) return error_memory(&db->error);
  int rc = LEDGER_OK;
  bool found;
  /* ON DELETE and ON UPDATE RESTRICT are triggers inside SQLite. */
  if (sqlite_rc == SQLITE_CONSTRAINT_TRIGGER && strcmp(text, "FOREIGN KEY constraint failed") == 0)
    sqlite_rc = SQLITE_CONSTRAINT_FOREIGNKEY;
  if (sqlite_rc != SQLITE_CONSTRAINT_TRIGGER) {
    switch (violation->change) {
    case CHANGE_INSERT:
      rc = violation_row(db, sqlite_rc, violation, text, NULL, violation->row, NULL);
      break;
    case CHANGE_UPSERT: rc = violation_upsert(db, sqlite_rc, violation, text); break;
    case CHANGE_UPDATE: rc = violation_update(db, sqlite_rc, violation, text, &found); break;
    case CHANGE_DELETE:
      if (sqlite_rc == SQLITE_CONSTRAINT_FOREIGNKEY && violation->images != NULL) {
        rc = violation_deleted(db, violation, violation->relation, violation->images, 0);
      }
      break;
    }
  }
  if (rc == LEDGER_OK) rc = violation_of_text(db, sqlite_rc, text);
  sqlite3_free(text);
  return rc;
}

LEDGER_PRIVATE int violation_deferred(ledger *db) {
  sqlite3_stmt *stmt = NULL;
  const struct relation *relation = NULL;
  int64_t rowid = 0;
  if (sqlite3_prepare_v2(db->sqlite, "PRAGMA foreign_key_check", -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW) {
    const char *name = (const char *)sqlite3_column_text(stmt, 0);
    if (name != NULL) relation = catalog_stored(db->catalog, name, strlen(name));
    rowid = sqlite3_column_int64(stmt, 1);
  }
  sqlite3_finalize(stmt);
  int rc = LEDGER_OK;
  struct value *row = relation == NULL
                          ? NULL
                          : arena_alloc(&db->arena, (size_t)relation->column_count * sizeof *row);
  if (row != NULL) {
    struct value key = {.kind = VALUE_INTEGER, .integer = rowid};
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    for (int i = 0; i < relation->column_count; i++) {
      sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "SELECT " : ", ", relation->columns[i].name);
    }
    sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE rowid = ?1", relation->stored_name);
    if (violation_probe(db, sql, 1, &key, relation->column_count, row) == 1)
      rc = violation_row_foreign(db, relation, row);
  }
  return rc != LEDGER_OK
             ? rc
             : error_set(&db->error, LEDGER_FOREIGN_KEY, "a row violates a foreign key constraint");
}
