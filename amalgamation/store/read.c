/*
** read.c: ledger_rows, a cursor over a statement or over rows that are kept in memory, and its values as PostgreSQL's
** text and JSON.
*/
#include "../internal.h"

struct rows_row {
  struct rows_row *next;
  struct value values[];
};

struct ledger_rows {
  ledger *db; /* NULL once the handle is closed */
  ledger_rows *previous, *next;
  struct catalog *catalog; /* the names and types lie in it */
  struct arena arena;      /* of this struct's arrays and of kept rows */
  int count;
  struct rows_column *columns;
  sqlite3_stmt *stmt; /* or kept rows: */
  struct rows_row *first, *last;
  struct rows_row *current; /* the kept row it stands on; NULL before the first */
  bool on_row, ended;
  int64_t now_us; /* what now() is in the statement: the transaction's start, or the first step */
  struct value *values; /* of the row it stands on, where it comes from stmt */
  struct arena clear;   /* of the value that was read last, where it was encrypted */
  char *text;           /* what rows_text() and rows_json() gave last */
};

LEDGER_PRIVATE ledger_rows *rows_new(ledger *db, int count) {
  ledger_rows *rows = sqlite3_malloc64(sizeof *rows);
  if (rows == NULL) {
    error_memory(&db->error);
    return NULL;
  }
  memset(rows, 0, sizeof *rows);
  rows->db = db;
  rows->count = count;
  rows->columns = arena_alloc(&rows->arena, (size_t)count * sizeof *rows->columns);
  rows->values = arena_alloc(&rows->arena, (size_t)count * sizeof *rows->values);
  if (rows->columns == NULL || rows->values == NULL) {
    arena_free(&rows->arena);
    sqlite3_free(rows);
    error_memory(&db->error);
    return NULL;
  }
  rows->catalog = db->catalog;
  rows->catalog->references++;
  rows->next = db->cursors;
  if (rows->next != NULL) rows->next->previous = rows;
  db->cursors = rows;
  return rows;
}

LEDGER_PRIVATE void rows_set_column(ledger_rows *rows, int column, const char *name,
                                    const char *type_name, const struct type *type) {
  rows->columns[column] = (struct rows_column){.name = name, .type_name = type_name, .type = *type};
}

LEDGER_PRIVATE void rows_set_source(ledger_rows *rows, int column, const struct relation *relation,
                                    int position) {
  rows->columns[column].relation = relation->columns[position].is_encrypted ? relation : NULL;
  rows->columns[column].position = position;
}

LEDGER_PRIVATE ledger_rows *rows_of_relation(ledger *db, const struct relation *relation) {
  ledger_rows *rows = rows_new(db, relation->column_count);
  for (int i = 0; rows != NULL && i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    rows_set_column(rows, i, column->name, column->type_name, &column->type);
    rows_set_source(rows, i, relation, i);
  }
  return rows;
}

LEDGER_PRIVATE void rows_set_statement(ledger_rows *rows, sqlite3_stmt *stmt) {
  rows->stmt = stmt;
}

LEDGER_PRIVATE const char *rows_own(ledger_rows *rows, const char *text) {
  const char *copy = arena_copy(&rows->arena, text, strlen(text));
  if (copy == NULL) error_memory(&rows->db->error);
  return copy;
}

LEDGER_PRIVATE int rows_bind(ledger_rows *rows, int parameter, const struct value *value) {
  struct value own = *value;
  if (value_keep(&rows->arena, &own) != LEDGER_OK) return error_memory(&rows->db->error);
  int rc = statement_bind(rows->stmt, parameter, &own);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(rows->db, rc);
}

LEDGER_PRIVATE int rows_append(ledger_rows *rows, const struct value *values) {
  size_t size = (size_t)rows->count * sizeof *values;
  struct rows_row *row = arena_alloc(&rows->arena, sizeof *row + size);
  if (row == NULL) return error_memory(&rows->db->error);
  row->next = NULL;
  for (int i = 0; i < rows->count; i++) {
    row->values[i] = values[i];
    if (value_keep(&rows->arena, &row->values[i]) != LEDGER_OK)
      return error_memory(&rows->db->error);
  }
  if (rows->last == NULL)
    rows->first = row;
  else
    rows->last->next = row;
  rows->last = row;
  return LEDGER_OK;
}

/* now() stays the same through all steps of a statement, also outside of a transaction. */
static int rows_step(ledger_rows *rows) {
  struct function_session *session = &rows->db->session;
  int64_t before = session->now_us;
  if (rows->now_us == 0) rows->now_us = before != 0 ? before : clock_now_us();
  session->now_us = rows->now_us;
  int rc = sqlite3_step(rows->stmt);
  session->now_us = before;
  return rc;
}

LEDGER_PRIVATE int rows_next(ledger_rows *rows) {
  if (rows->db == NULL) return LEDGER_MISUSE;
  error_clear(&rows->db->error);
  if (rows->ended) return LEDGER_DONE;
  rows->on_row = false;
  if (rows->stmt == NULL) {
    rows->current = rows->current == NULL ? rows->first : rows->current->next;
    rows->on_row = rows->current != NULL;
  } else {
    int rc = rows_step(rows);
    if (rc == SQLITE_ROW) {
      for (int i = 0; i < rows->count; i++) rows->values[i] = statement_value(rows->stmt, i);
      rows->on_row = true;
    } else {
      rc = sqlite3_reset(rows->stmt); /* lets go of the snapshot */
      rows->ended = true;
      if (rc != SQLITE_OK) return store_error(rows->db, rc);
    }
  }
  if (rows->on_row) return LEDGER_ROW;
  rows->ended = true;
  return LEDGER_DONE;
}

LEDGER_PRIVATE int rows_count(const ledger_rows *rows) {
  return rows->count;
}

LEDGER_PRIVATE const struct rows_column *rows_column(const ledger_rows *rows, int column) {
  return column < 0 || column >= rows->count ? NULL : &rows->columns[column];
}

LEDGER_PRIVATE const struct value *rows_value(ledger_rows *rows, int column) {
  if (!rows->on_row || column < 0 || column >= rows->count) return NULL;
  return rows->stmt == NULL ? &rows->current->values[column] : &rows->values[column];
}

/* The value in clear: it lives until the next one is read. */
static int rows_open(ledger_rows *rows, int column, struct value *value) {
  const struct rows_column *of = &rows->columns[column];
  if (of->relation == NULL) return LEDGER_OK;
  arena_reset(&rows->clear);
  return encryption_open_value(rows->db, of->relation, of->position, value, NULL, &rows->clear,
                               value);
}

/* Ends a text that was built, and keeps it until the next. NULL after an error. */
static const char *rows_keep(ledger_rows *rows, sqlite3_str *text, int rc, size_t *length) {
  if (length != NULL) *length = (size_t)sqlite3_str_length(text);
  bool is_empty = sqlite3_str_length(text) == 0;
  if (rc == LEDGER_OK && sqlite3_str_errcode(text) != SQLITE_OK)
    rc = error_memory(&rows->db->error);
  rows->text = sqlite3_str_finish(text);
  if (rc != LEDGER_OK) return NULL;
  return is_empty ? "" : rows->text;
}

LEDGER_PRIVATE const char *rows_text(ledger_rows *rows, int column, size_t *length) {
  if (length != NULL) *length = 0;
  if (rows->db == NULL) return NULL;
  error_clear(&rows->db->error);
  const struct value *value = rows_value(rows, column);
  if (value == NULL) {
    error_set(&rows->db->error, LEDGER_MISUSE, "the cursor has no such value");
    return NULL;
  }
  if (value->kind == VALUE_NULL) return NULL;
  sqlite3_free(rows->text);
  rows->text = NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  struct value clear = *value;
  int rc = rows_open(rows, column, &clear);
  if (rc == LEDGER_OK)
    rc = type_output(&rows->columns[column].type, &clear, text, &rows->db->error);
  return rows_keep(rows, text, rc, length);
}

LEDGER_PRIVATE const char *rows_json(ledger_rows *rows, size_t *length) {
  if (length != NULL) *length = 0;
  if (rows->db == NULL) return NULL;
  error_clear(&rows->db->error);
  if (!rows->on_row) {
    error_set(&rows->db->error, LEDGER_MISUSE, "the cursor stands on no row");
    return NULL;
  }
  sqlite3_free(rows->text);
  rows->text = NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = LEDGER_OK;
  sqlite3_str_appendchar(text, 1, '{');
  for (int i = 0; i < rows->count && rc == LEDGER_OK; i++) {
    const struct rows_column *column = &rows->columns[i];
    const struct value *value = rows_value(rows, i);
    if (i > 0) sqlite3_str_appendchar(text, 1, ',');
    json_quote(text, column->name, strlen(column->name));
    sqlite3_str_appendchar(text, 1, ':');
    struct value clear = *value;
    rc = rows_open(rows, i, &clear);
    if (value->kind == VALUE_NULL)
      sqlite3_str_append(text, "null", 4);
    else if (rc == LEDGER_OK)
      rc = type_json(&column->type, &clear, text, &rows->db->error);
  }
  sqlite3_str_appendchar(text, 1, '}');
  return rows_keep(rows, text, rc, length);
}

LEDGER_PRIVATE void rows_detach(ledger_rows *rows) {
  if (rows->db == NULL) return;
  sqlite3_finalize(rows->stmt);
  rows->stmt = NULL;
  rows->on_row = false;
  if (rows->previous != NULL)
    rows->previous->next = rows->next;
  else
    rows->db->cursors = rows->next;
  if (rows->next != NULL) rows->next->previous = rows->previous;
  rows->db = NULL;
}

LEDGER_PRIVATE void rows_free(ledger_rows *rows) {
  rows_detach(rows);
  catalog_release(rows->catalog);
  sqlite3_free(rows->text);
  arena_free(&rows->clear);
  arena_free(&rows->arena);
  sqlite3_free(rows);
}
