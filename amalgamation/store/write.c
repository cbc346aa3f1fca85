/*
** write.c: one row into a table. Names to positions, given values to stored forms, defaults, triggers' assignments and
** generated columns, then one prepared INSERT that binds every column. Nothing on this path allocates per row but what
** the values themselves need, and that lies in the call's arena.
**
** The row that is bound is the row that is stored, so `returned` and the words of a violation come from it.
*/
#include "../internal.h"
#include "write.h"

struct plan {
  struct arena arena;
  struct value *row; /* being built */
  bool *given;
  struct value *constants; /* of columns with a constant default */
  struct value *moments;   /* of columns with now() as default, for the time now_us */
  char (*moment_texts)[MOMENT_TEXT_MAX];
  int64_t now_us;
  bool has_image; /* BEFORE INSERT triggers assign, or columns are generated */
  int name_count; /* the columns of the last insert: mostly the next one's as well */
  char **names;
  int *positions;
};

LEDGER_PRIVATE void write_key_start(struct write_key *key, char verb,
                                    const struct relation *relation) {
  key->bytes[0] = (unsigned char)verb;
  memcpy(key->bytes + 1, &relation->id, sizeof relation->id);
  key->length = 1 + sizeof relation->id;
}

LEDGER_PRIVATE void write_key_add(struct write_key *key, int number) {
  assert(key->length + sizeof number <= sizeof key->bytes);
  memcpy(key->bytes + key->length, &number, sizeof number);
  key->length += sizeof number;
}

LEDGER_PRIVATE int write_table(ledger *db, const char *name, const char *verb,
                               struct relation **out) {
  if (name == NULL) return error_set(&db->error, LEDGER_MISUSE, "no table is named");
  int rc = catalog_relation(db, name, out);
  if (rc != LEDGER_OK || !(*out)->is_view) return rc;
  return error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE, "cannot %s view \"%s\"", verb,
                   (*out)->name);
}

static int write_undefined(ledger *db, const struct relation *relation, const char *name,
                           char verb) {
  if (verb == 'w')
    return error_set(&db->error, LEDGER_UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
  return error_set(&db->error, LEDGER_UNDEFINED_COLUMN,
                   "column \"%s\" of relation \"%s\" does not exist", name, relation->name);
}

LEDGER_PRIVATE int write_columns(ledger *db, const struct relation *relation, int count,
                                 const char *const *names, char verb, int *positions) {
  bool *seen = arena_alloc(&db->arena, (size_t)relation->column_count * sizeof *seen);
  if (seen == NULL) return error_memory(&db->error);
  memset(seen, 0, (size_t)relation->column_count * sizeof *seen);
  for (int i = 0; i < count; i++) {
    positions[i] = catalog_column(relation, names[i], strlen(names[i]));
    if (positions[i] < 0) return write_undefined(db, relation, names[i], verb);
    if (seen[positions[i]] && verb == 'u') {
      return error_set(&db->error, LEDGER_SYNTAX, "multiple assignments to same column \"%s\"",
                       names[i]);
    }
    if (seen[positions[i]] && verb == 'i') {
      return error_set(&db->error, LEDGER_DUPLICATE_COLUMN,
                       "column \"%s\" specified more than once", names[i]);
    }
    seen[positions[i]] = true;
  }
  return LEDGER_OK;
}

/* ---- the plan of a relation */

LEDGER_PRIVATE void write_plan_free(struct plan *plan) {
  if (plan == NULL) return;
  arena_free(&plan->arena);
  sqlite3_free(plan);
}

/* Constant defaults are SQLite literals: SQLite reads them, all of a table's with one statement. */
static int write_plan_constants(ledger *db, const struct relation *relation, struct plan *plan) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    sqlite3_str_appendf(sql, "%s(%s)", i == 0 ? "SELECT " : ", ",
                        column->default_kind == COLUMN_CONSTANT ? column->default_sql : "NULL");
  }
  sqlite3_stmt *stmt;
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
      plan->constants[i] = statement_value(stmt, i);
      if (value_keep(&plan->arena, &plan->constants[i]) != LEDGER_OK) rc = error_memory(&db->error);
    }
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  sqlite3_finalize(stmt);
  return rc;
}

static void *write_plan_array(struct plan *plan, int count, size_t size) {
  void *memory = arena_alloc(&plan->arena, (size_t)count * size + 1);
  if (memory != NULL) memset(memory, 0, (size_t)count * size + 1);
  return memory;
}

static int write_plan(ledger *db, struct relation *relation, struct plan **out) {
  *out = relation->plan;
  if (relation->plan != NULL) return LEDGER_OK;
  struct plan *plan = sqlite3_malloc64(sizeof *plan);
  if (plan == NULL) return error_memory(&db->error);
  *plan = (struct plan){.name_count = -1};
  int count = relation->column_count;
  plan->row = write_plan_array(plan, count, sizeof *plan->row);
  plan->given = write_plan_array(plan, count, sizeof *plan->given);
  plan->constants = write_plan_array(plan, count, sizeof *plan->constants);
  plan->moments = write_plan_array(plan, count, sizeof *plan->moments);
  plan->moment_texts = write_plan_array(plan, count, sizeof *plan->moment_texts);
  plan->names = write_plan_array(plan, count, sizeof *plan->names);
  plan->positions = write_plan_array(plan, count, sizeof *plan->positions);
  int rc = plan->row == NULL || plan->given == NULL || plan->constants == NULL ||
                   plan->moments == NULL || plan->moment_texts == NULL || plan->names == NULL ||
                   plan->positions == NULL
               ? error_memory(&db->error)
               : write_plan_constants(db, relation, plan);
  if (rc == LEDGER_OK)
    plan->has_image = trigger_assigned(relation, TRIGGER_INSERT, NULL, plan->given) > 0;
  if (rc != LEDGER_OK) {
    write_plan_free(plan);
    return rc;
  }
  relation->plan = plan;
  *out = plan;
  return LEDGER_OK;
}

/* ---- values */

LEDGER_PRIVATE struct type write_bare_type(const struct type *type) {
  struct type bare = *type;
  bare.length = -1;
  bare.scale = 0;
  bare.fields = 0;
  return bare;
}

static int write_typed(ledger *db, const struct relation *relation, int column,
                       const struct type *type, const ledger_value *given, struct value *out) {
  int rc = type_assign(type, given, &db->arena, out, &db->error);
  if (rc != LEDGER_OK && rc != LEDGER_MEMORY) {
    sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
    sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s",
                     relation->columns[column].name);
  }
  if (rc == LEDGER_DATATYPE_MISMATCH && strncmp(db->error.message, "column is", 9) == 0) {
    char words[sizeof db->error.message]; /* the type does not know whose it is */
    sqlite3_snprintf((int)sizeof words, words, "column \"%s\"%s", relation->columns[column].name,
                     db->error.message + strlen("column"));
    memcpy(db->error.message, words, sizeof words);
  }
  return rc;
}

LEDGER_PRIVATE int write_value(ledger *db, const struct relation *relation, int column,
                               const ledger_value *given, struct value *out) {
  if (given->kind == LEDGER_NULL) {
    out->kind = VALUE_NULL;
    return LEDGER_OK;
  }
  int rc = write_typed(db, relation, column, &relation->columns[column].type, given, out);
  return rc == LEDGER_OK ? encryption_seal_value(db, relation, column, out) : rc;
}

static bool write_is_text(const ledger_value *value) {
  return value->kind == LEDGER_TEXT || value->kind == LEDGER_NUMBER || value->kind == LEDGER_JSON;
}

LEDGER_PRIVATE int write_values_error(ledger *db, const struct relation *relation, int count,
                                      const int *positions, const ledger_value *values) {
  struct value ignored;
  for (int i = 0; i < count; i++) {
    if (!write_is_text(&values[i])) continue;
    int rc = text_check(values[i].text, values[i].length, &db->error);
    if (rc != LEDGER_OK) return rc;
  }
  for (int i = 0; i < count; i++) {
    if (values[i].kind == LEDGER_DEFAULT || values[i].kind == LEDGER_NULL) continue;
    struct type bare = write_bare_type(&relation->columns[positions[i]].type);
    int rc = write_typed(db, relation, positions[i], &bare, &values[i], &ignored);
    if (rc != LEDGER_OK) return rc;
  }
  for (int column = 0; column < relation->column_count; column++) {
    for (int i = 0; i < count; i++) {
      if (positions[i] != column || values[i].kind == LEDGER_DEFAULT) continue;
      int rc = write_value(db, relation, column, &values[i], &ignored);
      if (rc != LEDGER_OK) return rc;
    }
  }
  error_clear(&db->error);
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_values(ledger *db, const struct relation *relation, int count,
                                const int *positions, const ledger_value *values) {
  struct value ignored;
  for (int i = 0; i < count; i++) {
    if (values[i].kind == LEDGER_DEFAULT) continue;
    int rc = write_value(db, relation, positions[i], &values[i], &ignored);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* now() in the column's type: one text for a whole transaction. */
static void write_moment(const struct type *type, int64_t now_us, char text[MOMENT_TEXT_MAX],
                         struct value *out) {
  int64_t moment = now_us + MOMENT_UNIX_EPOCH;
  if (type->id == TYPE_DATE) {
    moment = moment_divide(moment, MOMENT_DAY);
  } else {
    if (type->id == TYPE_TIME) moment -= moment_divide(moment, MOMENT_DAY) * MOMENT_DAY;
    if (type->length >= 0) moment = moment_round(moment, type->length);
  }
  *out = (struct value){
      .kind = VALUE_TEXT, .text = text, .length = moment_text(type->id, moment, text)};
}

static void write_moments(const struct relation *relation, struct plan *plan, int64_t now_us) {
  plan->now_us = now_us;
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    if (column->default_kind != COLUMN_NOW) continue;
    write_moment(&column->type, now_us, plan->moment_texts[i], &plan->moments[i]);
  }
}

static int write_default_expression(ledger *db, const struct relation *relation, int column,
                                    struct value *out) {
  struct write_key key;
  write_key_start(&key, 'D', relation);
  write_key_add(&key, column);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendf(sql, "SELECT (%s)", relation->columns[column].default_sql);
    stmt = statement_make(db, key.bytes, key.length, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = LEDGER_OK;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    *out = statement_value(stmt, 0);
    if (value_keep(&db->arena, out) != LEDGER_OK) rc = error_memory(&db->error);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  return sqlite_rc == SQLITE_OK ? rc : store_error(db, sqlite_rc);
}

static int write_default_clear(ledger *db, struct relation *relation, int column,
                               struct value *out) {
  struct plan *plan;
  int rc = write_plan(db, relation, &plan);
  if (rc != LEDGER_OK) return rc;
  if (plan->now_us != db->session.now_us) write_moments(relation, plan, db->session.now_us);
  out->kind = VALUE_NULL;
  switch (relation->columns[column].default_kind) {
  case COLUMN_NO_DEFAULT: break;
  case COLUMN_CONSTANT: *out = plan->constants[column]; break;
  case COLUMN_NOW: *out = plan->moments[column]; break;
  case COLUMN_UUID: {
    char *text = arena_alloc(&db->arena, 37);
    if (text == NULL) return error_memory(&db->error);
    id_uuid7(text);
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = 36};
    break;
  }
  case COLUMN_EXPRESSION: return write_default_expression(db, relation, column, out);
  case COLUMN_NEXTVAL:
    out->kind = VALUE_INTEGER;
    return sequence_next(db, relation->columns[column].sequence, &out->integer);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_default(ledger *db, struct relation *relation, int column,
                                 struct value *out) {
  int rc = write_default_clear(db, relation, column, out);
  return rc == LEDGER_OK ? encryption_seal_value(db, relation, column, out) : rc;
}

/* ---- the row */

LEDGER_PRIVATE void write_column_list(sqlite3_str *out, const struct relation *relation) {
  for (int i = 0; i < relation->column_count; i++) {
    sqlite3_str_appendf(out, "%s\"%w\"", i == 0 ? "" : ", ", relation->columns[i].name);
  }
}

/* The row after BEFORE INSERT triggers and with its generated columns. */
static int write_image(ledger *db, const struct relation *relation, struct value *row) {
  struct write_key key;
  write_key_start(&key, 'G', relation);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    sqlite3_str *inner = sqlite3_str_new(db->sqlite);
    for (int i = 0; i < relation->column_count; i++) {
      const struct column *column = &relation->columns[i];
      sqlite3_str_appendf(inner, "%s?%d", i == 0 ? "SELECT " : ", ", i + 1);
      if (column->collation != NULL) sqlite3_str_appendf(inner, " COLLATE %s", column->collation);
      sqlite3_str_appendf(inner, " AS \"%w\"", column->name);
    }
    char *image = trigger_image(relation, TRIGGER_INSERT, NULL, sqlite3_str_finish(inner));
    if (image == NULL) return error_memory(&db->error);
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendall(sql, image);
    sqlite3_free(image);
    stmt = statement_make(db, key.bytes, key.length, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, relation->column_count, row);
  if (rc != LEDGER_OK) return rc;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
      row[i] = statement_value(stmt, i);
      if (value_keep(&db->arena, &row[i]) != LEDGER_OK) rc = error_memory(&db->error);
    }
  }
  int sqlite_rc = sqlite3_reset(stmt);
  return sqlite_rc == SQLITE_OK ? rc : store_error(db, sqlite_rc);
}

/* The positions of an insert's columns, from the last time if they have not changed. */
static int write_shape(ledger *db, const struct relation *relation, struct plan *plan, int count,
                       const char *const *names) {
  if (count > relation->column_count) { /* some name is wrong, or there twice */
    int *positions = arena_alloc(&db->arena, (size_t)count * sizeof *positions);
    if (positions == NULL) return error_memory(&db->error);
    return write_columns(db, relation, count, names, 'i', positions);
  }
  bool same = plan->name_count == count;
  for (int i = 0; same && i < count; i++) same = strcmp(plan->names[i], names[i]) == 0;
  if (same) return LEDGER_OK;
  plan->name_count = -1;
  int rc = write_columns(db, relation, count, names, 'i', plan->positions);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < count; i++)
    plan->names[i] = (char *)relation->columns[plan->positions[i]].name;
  plan->name_count = count;
  return LEDGER_OK;
}

static int write_generated_always(ledger *db, const struct column *column) {
  error_set(&db->error, LEDGER_GENERATED_ALWAYS,
            "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
  if (column->generated_sql != NULL) {
    return error_detail(&db->error, "Column \"%s\" is a generated column.", column->name);
  }
  error_detail(&db->error, "Column \"%s\" is an identity column defined as GENERATED ALWAYS.",
               column->name);
  return error_hint(&db->error, "Use OVERRIDING SYSTEM VALUE to override.");
}

LEDGER_PRIVATE int write_nulls(ledger *db, const struct relation *relation,
                               const struct value *row) {
  for (int i = 0; i < relation->column_count; i++) {
    if (relation->columns[i].not_null && row[i].kind == VALUE_NULL)
      return violation_not_null(db, relation, i, row);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_propose(ledger *db, struct relation *relation, int count,
                                 const char *const *columns, const ledger_value *values,
                                 struct value **row, const int **positions) {
  struct plan *plan;
  int rc = write_plan(db, relation, &plan);
  if (rc == LEDGER_OK) rc = write_shape(db, relation, plan, count, columns);
  if (rc != LEDGER_OK) return rc;
  memset(plan->given, 0, (size_t)relation->column_count * sizeof *plan->given);
  for (int i = 0; i < count; i++) {
    int column = plan->positions[i];
    if (values[i].kind == LEDGER_DEFAULT) continue;
    rc = write_value(db, relation, column, &values[i], &plan->row[column]);
    if (rc == LEDGER_MEMORY) return rc;
    if (rc != LEDGER_OK) return write_values_error(db, relation, count, plan->positions, values);
    plan->given[column] = true;
  }
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    if (plan->given[i] && (column->generated_sql != NULL || column->identity == 'a')) {
      return write_generated_always(db, column);
    }
  }
  /* nextval() last: what another column's value cannot be must not take a number. */
  for (int last = 0; last <= 1; last++) {
    for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
      bool is_last = relation->columns[i].default_kind == COLUMN_NEXTVAL;
      if (!plan->given[i] && is_last == (last == 1))
        rc = write_default(db, relation, i, &plan->row[i]);
    }
  }
  if (rc != LEDGER_OK) return rc;
  if (plan->has_image) rc = write_image(db, relation, plan->row);
  *row = plan->row;
  if (positions != NULL) *positions = plan->positions;
  return rc;
}

LEDGER_PRIVATE int write_row(ledger *db, struct relation *relation, int count,
                             const char *const *columns, const ledger_value *values,
                             struct value **row, const int **positions) {
  int rc = write_propose(db, relation, count, columns, values, row, positions);
  return rc == LEDGER_OK ? write_nulls(db, relation, *row) : rc;
}

LEDGER_PRIVATE void write_insert_sql(sqlite3_str *out, const struct relation *relation,
                                     const char *alias) {
  sqlite3_str_appendf(out, "INSERT INTO main.\"%w\"%s (", relation->stored_name, alias);
  write_column_list(out, relation);
  sqlite3_str_appendall(out, ") VALUES (");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(out, "%s?%d", i == 0 ? "" : ", ", i + 1);
  sqlite3_str_appendall(out, ")");
}

LEDGER_PRIVATE int write_stored(ledger *db, const struct relation *relation,
                                const struct value *row, bool trusted) {
  struct write_key key;
  write_key_start(&key, trusted ? 'T' : 'I', relation);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    if (trusted && statement_unchecked(db) != LEDGER_OK) return db->error.code;
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    write_insert_sql(sql, relation, "");
    stmt = statement_make(db, key.bytes, key.length, sql);
    if (statement_check_again(db) != LEDGER_OK || stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, relation->column_count, row);
  if (rc != LEDGER_OK) return rc;
  sqlite3_step(stmt);
  rc = sqlite3_reset(stmt);
  if (rc == SQLITE_OK) return LEDGER_OK;
  return violation_error(
      db, rc, &(struct violation){.relation = relation, .change = CHANGE_INSERT, .row = row});
}

LEDGER_PRIVATE int write_add(ledger *db, const struct relation *relation, const struct value *row,
                             int64_t *rowid) {
  struct observe observe;
  int rc = observe_start(&observe, db, relation, true);
  if (rc == LEDGER_OK) rc = write_stored(db, relation, row, false);
  if (rc == LEDGER_OK) *rowid = sqlite3_last_insert_rowid(db->sqlite);
  return observe_end(&observe, rc, row);
}

LEDGER_PRIVATE int write_insert(ledger *db, const char *table, int count,
                                const char *const *columns, const ledger_value *values,
                                ledger_rows **returned) {
  struct relation *relation;
  struct value *row;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = write_table(db, table, "insert into", &relation);
  int64_t rowid;
  if (rc == LEDGER_OK) rc = write_row(db, relation, count, columns, values, &row, NULL);
  if (rc == LEDGER_OK) rc = write_add(db, relation, row, &rowid);
  ledger_rows *rows = NULL;
  if (rc == LEDGER_OK && returned != NULL) {
    rows = rows_of_relation(db, relation);
    rc = rows == NULL ? LEDGER_MEMORY : rows_append(rows, row);
  }
  rc = transaction_end(db, rc);
  if (rc == LEDGER_OK && returned != NULL)
    *returned = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}

LEDGER_PRIVATE int write_step(ledger *db, sqlite3_stmt *stmt, const struct relation *relation,
                              ledger_rows **returned) {
  int rc = LEDGER_OK;
  struct value *values = NULL;
  if (returned != NULL) {
    *returned = rows_of_relation(db, relation);
    values = arena_alloc(&db->arena, (size_t)relation->column_count * sizeof *values);
    if (*returned == NULL || values == NULL) rc = SQLITE_NOMEM;
  }
  while (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    for (int i = 0; i < relation->column_count; i++) values[i] = statement_value(stmt, i);
    if (rows_append(*returned, values) != LEDGER_OK) rc = SQLITE_NOMEM;
  }
  int sqlite_rc = sqlite3_reset(stmt);
  return rc != SQLITE_OK ? rc : sqlite_rc;
}
