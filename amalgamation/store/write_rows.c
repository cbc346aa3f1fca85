/*
** write_rows.c: updates, deletes and upserts for the query builder, which names rows by their rowids: it has found out by then which of them
** the caller means and may see. It asks the policies about new rows before they are written, as PostgreSQL does before it looks
** at a constraint. The statements are those of write_change.c.
*/
#include "../internal.h"
#include "write.h"

/* Names the rows that the next statement is about. */
static int change_name_rows(struct change *change, int64_t count, const int64_t *rowids) {
  struct value *parameter = &change->parameters[change->set_count];
  change->rows = count == 1 ? CHANGE_ONE_ROW : CHANGE_ROWS;
  if (count == 1) {
    *parameter = (struct value){.kind = VALUE_INTEGER, .integer = rowids[0]};
    return LEDGER_OK;
  }
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (int64_t i = 0; i < count; i++)
    sqlite3_str_appendf(list, "%c%lld", i == 0 ? '[' : ',', (long long)rowids[i]);
  sqlite3_str_appendall(list, count == 0 ? "[]" : "]");
  size_t length = (size_t)sqlite3_str_length(list);
  const char *text = arena_finish(&change->db->arena, list);
  *parameter = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
  return text == NULL ? error_memory(&change->db->error) : LEDGER_OK;
}

static int change_new(ledger *db, struct relation *relation, int event, int set_count,
                      int where_count, struct change **out) {
  struct change *change = arena_alloc(&db->arena, sizeof *change);
  *out = change;
  if (change == NULL) return error_memory(&db->error);
  int rc = change_room(change, db, relation, set_count, where_count);
  change->event = event;
  return rc;
}

LEDGER_PRIVATE int write_update_start(ledger *db, struct relation *relation, int count,
                                      const char *const *columns, const ledger_value *values,
                                      struct change **out) {
  int rc = change_new(db, relation, TRIGGER_UPDATE, count, 1, out);
  if (rc != LEDGER_OK) return rc;
  struct change *change = *out;
  change->where_count = 0; /* its one parameter is for the rows */
  rc = change_set(change, columns, values);
  for (int i = 0; i < count && rc == LEDGER_OK; i++) { /* one default for all rows */
    if (!change->minted[i]) continue;
    change->minted[i] = false;
    rc = write_default(db, relation, change->set[i], &change->parameters[i]);
  }
  return rc;
}

/* A SELECT whose text is its key, with the values bound; frees the text. */
static int change_query(ledger *db, sqlite3_str *sql, int count, const struct value *values,
                        sqlite3_stmt **out) {
  const char *text = arena_finish(&db->arena, sql);
  if (text == NULL) return error_memory(&db->error);
  *out = statement_find(db, text, strlen(text));
  if (*out == NULL) {
    sqlite3_str *copy = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendall(copy, text);
    *out = statement_make(db, text, strlen(text), copy);
    if (*out == NULL) return db->error.code;
  }
  return statement_bind_all(db, *out, count, values);
}

/* Steps it until a row has a complaint, which becomes the error: FORBIDDEN. */
static int change_complain(ledger *db, const struct relation *relation, sqlite3_stmt *stmt) {
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    if (sqlite3_column_type(stmt, 0) == SQLITE_NULL) continue;
    const char *sentence = (const char *)sqlite3_column_text(stmt, 0);
    if (sentence == NULL) {
      rc = error_memory(&db->error);
      continue;
    }
    rc = error_set(&db->error, LEDGER_FORBIDDEN, "%s", sentence);
    sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  return rc == LEDGER_OK && sqlite_rc != SQLITE_OK ? store_error(db, sqlite_rc) : rc;
}

/* SELECT the complaint about the new row of "old", of the row that `where` names. */
static int change_new_rows(struct change *change, const char *complaint, sqlite3_str *sql) {
  char *image = change_sql_image(change);
  if (image == NULL) return error_memory(&change->db->error);
  sqlite3_str_appendf(sql, "SELECT (SELECT (%s) FROM (%s) AS \"%w\") FROM main.\"%w\" AS \"old\"",
                      complaint, image, change->relation->stored_name,
                      change->relation->stored_name);
  sqlite3_free(image);
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_update_check(struct change *change, const char *complaint, int64_t count,
                                      const int64_t *rowids) {
  ledger *db = change->db;
  sqlite3_stmt *stmt;
  int rc = change_name_rows(change, count, rowids);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  rc = change_new_rows(change, complaint, sql);
  change_sql_where(change, sql);
  if (rc != LEDGER_OK)
    sqlite3_free(sqlite3_str_finish(sql));
  else
    rc = change_query(db, sql, change->set_count + 1, change->parameters, &stmt);
  return rc == LEDGER_OK ? change_complain(db, change->relation, stmt) : rc;
}

/* A key that is set to what it is need not be set. SQLite 3.53 refuses that of a row that refers to itself and that another row refers
** to as well, as if it went away. */
static int change_leave_own_keys(struct change *change, int64_t rowid) {
  const struct relation *relation = change->relation;
  struct value *row = NULL;
  int kept = 0, rc = LEDGER_OK;
  for (int i = 0; i < change->set_count; i++) {
    int column = change->set[i];
    bool is_left = change_is_own_key(relation, column);
    if (is_left && row == NULL) {
      row = arena_alloc(&change->db->arena, (size_t)relation->column_count * sizeof *row);
      rc = row == NULL ? error_memory(&change->db->error)
                       : write_image_of(change->db, relation, rowid, row);
      if (rc != LEDGER_OK) return rc;
    }
    is_left = is_left && value_is_same(&row[column], &change->parameters[i]);
    if (is_left) {
      change->changed[column] = false;
      continue;
    }
    change->set[kept] = column;
    change->parameters[kept++] = change->parameters[i];
  }
  change->set_count = kept;
  return rc;
}

LEDGER_PRIVATE int write_update_rows(struct change *change, int64_t count, const int64_t *rowids) {
  struct observe observe;
  int64_t updated;
  int rc = count == 1 ? change_leave_own_keys(change, rowids[0]) : LEDGER_OK;
  if (rc == LEDGER_OK) rc = change_name_rows(change, count, rowids);
  if (rc != LEDGER_OK || count == 0) return rc;
  rc = observe_start(&observe, change->db, change->relation, false);
  if (rc == LEDGER_OK) rc = change_update(change, &updated, NULL);
  return observe_end(&observe, rc, NULL);
}

LEDGER_PRIVATE int write_delete_rows(ledger *db, struct relation *relation, int64_t count,
                                     const int64_t *rowids) {
  struct observe observe;
  struct change *change;
  int64_t deleted;
  int rc = change_new(db, relation, TRIGGER_DELETE, 0, 1, &change);
  if (rc != LEDGER_OK || count == 0) return rc;
  change->where_count = 0;
  rc = change_name_rows(change, count, rowids);
  if (rc != LEDGER_OK) return rc;
  rc = observe_start(&observe, db, relation, false);
  if (rc == LEDGER_OK) rc = change_delete(change, &deleted, NULL);
  return observe_end(&observe, rc, NULL);
}

LEDGER_PRIVATE int write_upsert_start(ledger *db, struct relation *relation, int count,
                                      const int *given, int conflict_count,
                                      const char *const *conflict, struct change **out) {
  int rc = change_new(db, relation, TRIGGER_UPDATE, count + 1, conflict_count, out);
  if (rc != LEDGER_OK) return rc;
  struct change *change = *out;
  change->is_upsert = true;
  rc = change_conflict(change, conflict_count, conflict);
  if (rc == LEDGER_OK) change_upsert_columns(change, count, given, true);
  return rc;
}

LEDGER_PRIVATE int write_upsert_find(struct change *change, const struct value *row, bool *found,
                                     int64_t *rowid) {
  const struct relation *relation = change->relation;
  ledger *db = change->db;
  sqlite3_stmt *stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT rowid FROM main.\"%w\"", relation->stored_name);
  for (int i = 0; i < change->where_count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i == 0 ? " WHERE " : " AND ",
                        relation->columns[change->where[i]].name, change->where[i] + 1);
  }
  int rc = change_query(db, sql, relation->column_count, row, &stmt);
  if (rc != LEDGER_OK) return rc;
  *found = sqlite3_step(stmt) == SQLITE_ROW;
  if (*found) *rowid = sqlite3_column_int64(stmt, 0);
  rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int write_upsert_check(struct change *change, const struct value *row, int64_t rowid,
                                      const char *of_old, const char *of_new) {
  const struct relation *relation = change->relation;
  ledger *db = change->db;
  sqlite3_stmt *stmt;
  int count = relation->column_count, rc = LEDGER_OK;
  struct value *values = arena_alloc(&db->arena, (size_t)(count + 1) * sizeof *values);
  if (values == NULL) return error_memory(&db->error);
  memcpy(values, row, (size_t)count * sizeof *values);
  values[count] = (struct value){.kind = VALUE_INTEGER, .integer = rowid};
  if (of_old != NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendf(sql, "SELECT (%s) FROM main.\"%w\" WHERE rowid = ?1", of_old,
                        relation->stored_name);
    rc = change_query(db, sql, 1, &values[count], &stmt);
    if (rc == LEDGER_OK) rc = change_complain(db, relation, stmt);
  }
  if (rc != LEDGER_OK || of_new == NULL) return rc;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  change->is_probe = true;
  rc = change_new_rows(change, of_new, sql);
  change->is_probe = false;
  sqlite3_str_appendf(sql, " WHERE \"old\".rowid = ?%d", count + 1);
  if (rc != LEDGER_OK)
    sqlite3_free(sqlite3_str_finish(sql));
  else
    rc = change_query(db, sql, count + 1, values, &stmt);
  return rc == LEDGER_OK ? change_complain(db, relation, stmt) : rc;
}

LEDGER_PRIVATE int write_upsert_row(struct change *change, const struct value *row, bool update,
                                    int64_t *written, int64_t *rowid) {
  struct observe observe;
  ledger *db = change->db;
  int rc = observe_start(&observe, db, change->relation, false);
  if (rc == LEDGER_OK) rc = change_upsert(change, row, update, written, NULL);
  if (rc == LEDGER_OK) *rowid = sqlite3_last_insert_rowid(db->sqlite);
  return observe_end(&observe, rc, NULL);
}

LEDGER_PRIVATE int write_image_of(ledger *db, const struct relation *relation, int64_t rowid,
                                  struct value *row) {
  struct write_key key;
  write_key_start(&key, 'R', relation);
  sqlite3_stmt *stmt = statement_find(db, key.bytes, key.length);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendall(sql, "SELECT ");
    write_column_list(sql, relation);
    sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE rowid = ?1", relation->stored_name);
    stmt = statement_make(db, key.bytes, key.length, sql);
    if (stmt == NULL) return db->error.code;
  }
  sqlite3_bind_int64(stmt, 1, rowid);
  int rc = sqlite3_step(stmt) == SQLITE_ROW ? LEDGER_OK : LEDGER_ERROR;
  for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
    row[i] = statement_value(stmt, i);
    if (value_keep(&db->arena, &row[i]) != LEDGER_OK) rc = error_memory(&db->error);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  return rc == LEDGER_ERROR ? error_set(&db->error, rc, "a row that was written is gone") : rc;
}

/* The complaint about a row that is bound. */
static int change_check_statement(ledger *db, const struct relation *relation,
                                  const char *complaint, const struct value *row,
                                  sqlite3_stmt **out) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT (%s) FROM (SELECT ", complaint);
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    sqlite3_str_appendf(sql, "%s?%d", i == 0 ? "" : ", ", i + 1);
    if (column->collation != NULL) sqlite3_str_appendf(sql, " COLLATE %s", column->collation);
    sqlite3_str_appendf(sql, " AS \"%w\"", column->name);
  }
  sqlite3_str_appendf(sql, ") AS \"%w\"", relation->stored_name);
  return change_query(db, sql, relation->column_count, row, out);
}

LEDGER_PRIVATE int write_check(ledger *db, const struct relation *relation, const char *complaint,
                               const struct value *row, sqlite3_stmt **kept) {
  int rc = *kept == NULL ? change_check_statement(db, relation, complaint, row, kept)
                         : statement_bind_all(db, *kept, relation->column_count, row);
  return rc == LEDGER_OK ? change_complain(db, relation, *kept) : rc;
}
