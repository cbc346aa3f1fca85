/*
** import_rows.c: the rows of a dump into the tables of the file, as they come: values through the types' input functions, no trigger
** of the schema, generated columns computed. A row that is there already and equal is left; one with the same key and other
** content is an error that names it. What main's triggers write (updated_at) is no content, as for digests.
*/
#include "../internal.h"
#include "import.h"

#define IMPORT_REPORT_ROWS 1000
#define IMPORT_KEY_MAX 200 /* bytes of a key in a message */

/* ---- tables */

LEDGER_PRIVATE int import_tables_open(struct import *import) {
  ledger *db = import->db;
  int most = 0;
  for (int i = 0; i < db->catalog->relation_count; i++)
    if (db->catalog->relations[i].column_count > most)
      most = db->catalog->relations[i].column_count;
  size_t tables = (size_t)db->catalog->relation_count + 1, columns = (size_t)most + 1;
  import->tables = sqlite3_malloc64(tables * sizeof *import->tables);
  import->columns = sqlite3_malloc64(columns * sizeof *import->columns);
  import->row = sqlite3_malloc64(columns * sizeof *import->row);
  import->written = sqlite3_malloc64(columns * sizeof *import->written);
  import->given = sqlite3_malloc64(columns * sizeof *import->given);
  if (import->tables != NULL) memset(import->tables, 0, tables * sizeof *import->tables);
  if (import->tables == NULL || import->columns == NULL || import->row == NULL ||
      import->written == NULL || import->given == NULL)
    return error_memory(&db->error);
  for (int i = 0; i < db->catalog->relation_count; i++)
    import->tables[i].relation = &db->catalog->relations[i];
  return LEDGER_OK;
}

LEDGER_PRIVATE void import_tables_close(struct import *import) {
  for (int i = 0; import->tables != NULL && i < import->db->catalog->relation_count; i++) {
    statement_end(import->tables[i].insert);
    statement_end(import->tables[i].find);
    statement_end(import->tables[i].image);
  }
  sqlite3_free(import->tables);
  sqlite3_free(import->columns);
  sqlite3_free(import->row);
  sqlite3_free(import->written);
  sqlite3_free(import->given);
  sqlite3_free(import->left_out);
}

static void import_sql_columns(sqlite3_str *sql, const struct relation *relation) {
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ", relation->columns[i].name);
}

static int import_prepare_insert(ledger *db, struct import_table *table) {
  const struct relation *relation = table->relation;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "INSERT INTO main.\"%w\" (", relation->stored_name);
  import_sql_columns(sql, relation);
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s?%d", i == 0 ? ") VALUES (" : ", ", i + 1);
  sqlite3_str_appendall(sql, ")");
  for (int i = 0; relation->primary != NULL && i < relation->primary->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " ON CONFLICT (" : ", ",
                        relation->columns[relation->primary->columns[i]].name);
  if (relation->primary != NULL) sqlite3_str_appendall(sql, ") DO NOTHING");
  return statement_prepare(db, sql, &table->insert);
}

/* The row of a key; of a table without one, any row. */
static int import_prepare_find(ledger *db, struct import_table *table) {
  const struct relation *relation = table->relation;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "SELECT ");
  import_sql_columns(sql, relation);
  sqlite3_str_appendf(sql, " FROM main.\"%w\"", relation->stored_name);
  for (int i = 0; relation->primary != NULL && i < relation->primary->count; i++) {
    int column = relation->primary->columns[i];
    sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i == 0 ? " WHERE " : " AND ",
                        relation->columns[column].name, column + 1);
  }
  return statement_prepare(db, sql, &table->find);
}

/* The row with its generated columns; the triggers of no event take part. */
static int import_prepare_image(ledger *db, struct import_table *table) {
  const struct relation *relation = table->relation;
  if (!relation->has_generated) return LEDGER_OK;
  sqlite3_str *inner = sqlite3_str_new(NULL);
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    sqlite3_str_appendf(inner, "%s?%d", i == 0 ? "SELECT " : ", ", i + 1);
    if (column->collation != NULL) sqlite3_str_appendf(inner, " COLLATE %s", column->collation);
    sqlite3_str_appendf(inner, " AS \"%w\"", column->name);
  }
  char *image = trigger_image(relation, 0, NULL, sqlite3_str_finish(inner));
  if (image == NULL) return error_memory(&db->error);
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, image);
  sqlite3_free(image);
  return statement_prepare(db, sql, &table->image);
}

/* What is without a key cannot be told from what is there. */
static int import_begin_keyless(ledger *db, const struct import_table *table) {
  int rc = statement_step(db, table->find);
  sqlite3_reset(table->find);
  if (rc == LEDGER_DONE) return LEDGER_OK;
  if (rc != LEDGER_ROW) return rc;
  return error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE,
                   "table \"%s\" has rows and no primary key: what the dump has of it cannot be "
                   "told from what is there",
                   table->relation->name);
}

static int import_begin_table(struct import *import, struct import_table *table) {
  ledger *db = import->db;
  int rc = LEDGER_OK;
  if (table->insert == NULL) rc = import_prepare_insert(db, table);
  if (rc == LEDGER_OK && table->find == NULL) rc = import_prepare_find(db, table);
  if (rc == LEDGER_OK && table->image == NULL) rc = import_prepare_image(db, table);
  if (rc == LEDGER_OK && !table->has_begun && table->relation->primary == NULL)
    rc = import_begin_keyless(db, table);
  table->has_begun = rc == LEDGER_OK;
  return rc;
}

/* ---- what the file lacks */

LEDGER_PRIVATE int import_leave_out(struct import *import, const char *schema, const char *name) {
  char whole[sizeof import->left_out->name];
  int count = import->left_out_count;
  sqlite3_snprintf((int)sizeof whole, whole, "%s.%s", schema, name);
  for (int i = 0; i < count; i++) {
    import->leaves = &import->left_out[i];
    if (strcmp(import->leaves->name, whole) == 0) return LEDGER_OK;
  }
  if ((count & (count - 1)) == 0) {
    size_t room = count == 0 ? 1 : 2 * (size_t)count;
    struct import_left_out *grown =
        sqlite3_realloc64(import->left_out, room * sizeof *import->left_out);
    if (grown == NULL) return error_memory(&import->db->error);
    import->left_out = grown;
  }
  import->leaves = &import->left_out[import->left_out_count++];
  memcpy(import->leaves->name, whole, sizeof whole);
  import->leaves->rows = 0;
  if ((import->flags & LEDGER_IMPORT_CONTINUE) == 0) import->is_refused = true;
  return LEDGER_OK;
}

LEDGER_PRIVATE int import_find_table(struct import *import, const char *schema, const char *name) {
  ledger *db = import->db;
  const struct relation *last = import->table == NULL ? NULL : import->table->relation;
  import->leaves = NULL;
  if (last == NULL || strcmp(last->name, name) != 0 || strcmp(last->schema, schema) != 0) {
    import->table = NULL;
    if (strcmp(schema, "ledger_sync") == 0) return LEDGER_OK; /* main's own of syncing */
    for (int i = 0; i < db->catalog->relation_count && import->table == NULL; i++) {
      const struct relation *relation = &db->catalog->relations[i];
      if (strcmp(relation->name, name) == 0 && strcmp(relation->schema, schema) == 0)
        import->table = &import->tables[i];
    }
  }
  import->column_count = 0;
  if (import->table == NULL) return import_leave_out(import, schema, name);
  if (import->table->relation->is_view)
    return error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE, "cannot copy to view \"%s\"", name);
  memset(import->given, 0, (size_t)import->table->relation->column_count * sizeof *import->given);
  return import_begin_table(import, import->table);
}

/* ---- columns */

LEDGER_PRIVATE int import_all_columns(struct import *import) {
  if (import->table == NULL) return LEDGER_OK;
  for (int i = 0; i < import->table->relation->column_count; i++) {
    import->given[i] = true;
    import->columns[i] = i;
  }
  import->column_count = import->table->relation->column_count;
  return LEDGER_OK;
}

LEDGER_PRIVATE int import_add_column(struct import *import, const char *name) {
  if (import->table == NULL) return LEDGER_OK;
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  int column = catalog_column(relation, name, strlen(name));
  int rc = LEDGER_OK;
  if (column < 0)
    rc = error_set(&db->error, LEDGER_UNDEFINED_COLUMN,
                   "column \"%s\" of relation \"%s\" does not exist", name, relation->name);
  else if (import->given[column])
    rc = error_set(&db->error, LEDGER_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                   name);
  if (rc != LEDGER_OK) {
    sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
    return rc;
  }
  import->given[column] = true;
  import->columns[import->column_count++] = column;
  return LEDGER_OK;
}

/* ---- a row */

static int import_value(struct import *import, int column, const struct dump_field *field) {
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  const char *text = field->length == 0 ? "" : import->dump.text + field->start;
  int rc = LEDGER_OK;
  import->row[column].kind = VALUE_NULL;
  if (field->kind == DUMP_DEFAULT) {
    if (relation->columns[column].generated_sql == NULL)
      rc = write_default(db, (struct relation *)relation, column, &import->row[column]);
  } else if (relation->columns[column].generated_sql != NULL) {
    rc = error_set(&db->error, LEDGER_GENERATED_ALWAYS,
                   "cannot insert a non-DEFAULT value into column \"%s\"",
                   relation->columns[column].name);
  } else if (field->kind == DUMP_TEXT) {
    rc = type_input(&relation->columns[column].type, text, field->length, &db->arena,
                    &import->row[column], &db->error);
    if (rc == LEDGER_OK) rc = encryption_keep_value(db, relation, column, &import->row[column]);
  }
  if (rc == LEDGER_OK || rc == LEDGER_MEMORY) return rc;
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s",
                   relation->columns[column].name);
  return rc;
}

static int import_values(struct import *import) {
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  const struct dump *dump = &import->dump;
  int rc = LEDGER_OK;
  if (dump->field_count < import->column_count) {
    rc = error_set(&db->error, LEDGER_INVALID_FIELD, "missing data for column \"%s\"",
                   relation->columns[import->columns[dump->field_count]].name);
  } else if (dump->field_count > import->column_count) {
    rc = error_set(&db->error, LEDGER_INVALID_FIELD, "extra data after last expected column");
  }
  if (rc != LEDGER_OK) {
    sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
    return rc;
  }
  for (int i = 0; i < import->column_count && rc == LEDGER_OK; i++)
    rc = import_value(import, import->columns[i], &dump->fields[i]);
  const struct dump_field absent = {.kind = DUMP_DEFAULT};
  for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++)
    if (!import->given[i]) rc = import_value(import, i, &absent);
  return rc;
}

static int import_image(struct import *import) {
  ledger *db = import->db;
  sqlite3_stmt *stmt = import->table->image;
  if (stmt == NULL) return LEDGER_OK;
  int count = import->table->relation->column_count;
  int rc = statement_bind_all(db, stmt, count, import->row);
  if (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    for (int i = 0; i < count && rc == LEDGER_OK; i++) {
      import->row[i] = statement_value(stmt, i);
      if (value_keep(&db->arena, &import->row[i]) != LEDGER_OK) rc = error_memory(&db->error);
    }
  }
  sqlite3_reset(stmt);
  return rc;
}

/* ---- a row that is there */

/* "id"=... for messages, cut where it is long. */
static int import_key(struct import *import, char out[IMPORT_KEY_MAX + 4]) {
  const struct relation *relation = import->table->relation;
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < relation->primary->count; i++) {
    int column = relation->primary->columns[i];
    if (i > 0) sqlite3_str_appendall(text, ", ");
    if (import->row[column].kind != VALUE_NULL)
      (void)type_output(&relation->columns[column].type, &import->row[column], text, NULL);
  }
  int length = sqlite3_str_length(text);
  char *whole = sqlite3_str_finish(text);
  if (whole == NULL && length > 0) return error_memory(&import->db->error);
  if (length > IMPORT_KEY_MAX) {
    length = IMPORT_KEY_MAX;
    while (length > 0 && ((unsigned char)whole[length] & 0xc0) == 0x80) length--;
  }
  sqlite3_snprintf(IMPORT_KEY_MAX + 4, out, "%.*s", length, whole == NULL ? "" : whole);
  sqlite3_free(whole);
  return LEDGER_OK;
}

static int import_differs(struct import *import, int column) {
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  char key[IMPORT_KEY_MAX + 4];
  int rc = import_key(import, key);
  if (rc != LEDGER_OK) return rc;
  error_set(&db->error, LEDGER_UNIQUE, "the row (%s) of \"%s\" is there with another content", key,
            relation->name);
  error_detail(&db->error, "Column \"%s\" differs.", relation->columns[column].name);
  error_hint(&db->error, "Seed rows: make the file with  ledger init --no-seed");
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s",
                   relation->columns[column].name);
  return LEDGER_UNIQUE;
}

/* As they are stored; what is encrypted is another text each time, so that it is looked at in clear where the key is there. */
static int import_is_same(struct import *import, int column, const struct value *there,
                          bool *same) {
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  struct value now, here;
  *same = value_is_same(there, &import->row[column]);
  if (*same || !relation->columns[column].is_encrypted || db->encryption == NULL) return LEDGER_OK;
  int rc = encryption_open_value(db, relation, column, there, import->row, &db->arena, &now);
  if (rc == LEDGER_OK)
    rc = encryption_open_value(db, relation, column, &import->row[column], import->row, &db->arena,
                               &here);
  if (rc == LEDGER_OK) *same = value_is_same(&now, &here);
  return rc;
}

static int import_compare(struct import *import) {
  ledger *db = import->db;
  sqlite3_stmt *stmt = import->table->find;
  int different = -1, count = import->table->relation->column_count;
  int rc = statement_bind_all(db, stmt, count, import->row);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  for (int i = 0; rc == LEDGER_ROW && different < 0 && i < count; i++) {
    struct value there = statement_value(stmt, i);
    bool same = true;
    int compared = sync_is_mains(import->table->relation, i)
                       ? LEDGER_OK
                       : import_is_same(import, i, &there, &same);
    if (compared != LEDGER_OK) rc = compared;
    if (!same) different = i;
  }
  sqlite3_reset(stmt);
  if (rc == LEDGER_DONE) return error_set(&db->error, LEDGER_ERROR, "a row is there and is not");
  if (rc != LEDGER_ROW) return rc;
  import->table->skipped++;
  return different < 0 ? LEDGER_OK : import_differs(import, different);
}

static int import_write(struct import *import) {
  ledger *db = import->db;
  const struct relation *relation = import->table->relation;
  sqlite3_stmt *stmt = import->table->insert;
  bool has_balance = false;
  memcpy(import->written, import->row, (size_t)relation->column_count * sizeof *import->row);
  import_balances_take(import, &has_balance);
  int rc = statement_bind_all(db, stmt, relation->column_count, import->written);
  if (rc != LEDGER_OK) return rc;
  sqlite3_step(stmt);
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK)
    return violation_error(
        db, sqlite_rc,
        &(struct violation){.relation = relation, .change = CHANGE_INSERT, .row = import->written});
  if (sqlite3_changes(db->sqlite) == 0) return import_compare(import);
  import->table->inserted++;
  return has_balance ? import_balances_keep(import) : LEDGER_OK;
}

LEDGER_PRIVATE int import_read_row(struct import *import) {
  arena_reset(&import->db->arena);
  int rc = import_values(import);
  return rc == LEDGER_OK ? import_image(import) : rc;
}

LEDGER_PRIVATE int import_row(struct import *import) {
  ledger *db = import->db;
  int rc = LEDGER_OK;
  import->rows++;
  if (import->leaves != NULL) import->leaves->rows++;
  if (import->table != NULL && !import->is_refused) {
    rc = import_read_row(import);
    if (rc == LEDGER_OK) rc = import_write(import);
  }
  if (rc == LEDGER_OK && import->rows % IMPORT_REPORT_ROWS == 0)
    rc = connection_report(db, import->rows, 0);
  return rc;
}

LEDGER_PRIVATE int import_check_relation(ledger *db, const struct relation *relation) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "PRAGMA main.foreign_key_check(\"%w\")", relation->stored_name);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  statement_end(stmt);
  if (rc == LEDGER_ROW) return violation_deferred(db);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

#undef IMPORT_REPORT_ROWS
#undef IMPORT_KEY_MAX
