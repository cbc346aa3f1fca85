/*
** ledger.c: the floor plan and the front door. The rooms are included in the order of their layers, so that each sees
** only those above it; then comes every public function of ledger.h: it checks the caller, calls one room, returns.
** `cc -c ledger.c` builds the library.
*/
#ifndef LEDGER_PRIVATE
#define LEDGER_PRIVATE static
#endif

#include "amalgamation/internal.h"

/* schema/ledger.sql, the engine's own tables, as one string */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "ledger_sql.h"
#pragma GCC diagnostic pop

/* ---- ground: no SQL. Errors, memory, clock, ids, text, decimal, json, and the only caller of libsodium */
#include "amalgamation/ground/ground.c"

/* ---- types: PostgreSQL's input and output functions */
#include "amalgamation/types/types.c"

/* ---- store: the only callers of SQLite */
#include "amalgamation/store/functions.c"    /* SQL functions and collations */
#include "amalgamation/store/store_error.c"  /* SQLite's codes to ours */
#include "amalgamation/store/file.c"         /* paths, locks */
#include "amalgamation/store/statement.c"    /* prepared statements */
#include "amalgamation/store/catalog.c"      /* what the file says about its schema */
#include "amalgamation/store/sequence.c"     /* nextval() */
#include "amalgamation/store/trigger.c"      /* the schema's triggers on our connections */
#include "amalgamation/store/violation.c"    /* which constraint a row broke */
#include "amalgamation/store/transaction.c"  /* begin, commit, checkpoint */
#include "amalgamation/store/connection.c"   /* open, create, close */
#include "amalgamation/store/read.c"         /* cursors */
#include "amalgamation/store/write.c"        /* insert */
#include "amalgamation/store/write_change.c" /* update, delete, upsert */
#include "amalgamation/store/write_apply.c"  /* a change as JSON */
#include "amalgamation/store/info.c"         /* facts about a file */
#include "amalgamation/store/backup.c"       /* a copy of a file */
#include "amalgamation/store/literal.c"      /* for the schema compiler */

/* ---- access: the query builder */
#include "amalgamation/access/query.c"

/* ---- sync: the PostgreSQL script, the digest */
#include "amalgamation/sync/script.c"
#include "amalgamation/sync/export.c"
#include "amalgamation/sync/digest.c"

/* ================================================================ the front door */

/* ---- errors */

LEDGER_API const ledger_error *ledger_error_of(const ledger *db) {
  static const ledger_error no_handle = {
      .code = LEDGER_MEMORY, .sqlstate = "53200", .message = "out of memory"};
  return db == NULL ? &no_handle : &db->error;
}

LEDGER_API const char *ledger_sqlstate(int code) {
  return error_sqlstate(code);
}

LEDGER_API void ledger_free(void *memory) {
  sqlite3_free(memory);
}

/* ---- opening */

LEDGER_API int ledger_create(const char *path, const char *compiled, int flags, ledger **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  if (path == NULL || compiled == NULL) return LEDGER_MISUSE;
  return connection_create(path, compiled, flags, ledger_sql, out);
}

LEDGER_API int ledger_open(const char *path, int flags, ledger **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  if (path == NULL) return LEDGER_MISUSE;
  return connection_open(path, flags, out);
}

LEDGER_API void ledger_close(ledger *db) {
  if (db != NULL) connection_close(db);
}

LEDGER_API void ledger_busy_timeout(ledger *db, int timeout_ms) {
  if (db != NULL) connection_timeout(db, timeout_ms);
}

LEDGER_API void ledger_progress(ledger *db,
                                int (*report)(void *context, int64_t done, int64_t total),
                                void *context) {
  if (db != NULL) connection_report_to(db, report, context);
}

/* ---- writing rows */

/* A list of columns that a caller gave: its length and, unless it is empty, a name in each place. */
static int ledger_check_columns(ledger *db, int count, const char *const *columns) {
  bool is_whole = count == 0 || (count > 0 && columns != NULL);
  for (int i = 0; is_whole && i < count; i++) is_whole = columns[i] != NULL;
  if (is_whole) return LEDGER_OK;
  return error_set(&db->error, LEDGER_MISUSE, "a list of columns is missing, or a name in it");
}

/* The columns with their values, each of a kind that there is, and text where the kind has it. */
static int ledger_check_list(ledger *db, int count, const char *const *columns,
                             const ledger_value *values) {
  int rc = ledger_check_columns(db, count, columns);
  if (rc == LEDGER_OK && count > 0 && values == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "a list of values is missing");
  for (int i = 0; rc == LEDGER_OK && i < count; i++) {
    const ledger_value *value = &values[i];
    bool has_text = value->kind >= LEDGER_NUMBER;
    if ((unsigned)value->kind > LEDGER_JSON ||
        (has_text && value->text == NULL && value->length > 0))
      rc = error_set(&db->error, LEDGER_MISUSE, "the value of column \"%s\" is none", columns[i]);
    else if (has_text && value->length > LEDGER_TEXT_MAX)
      rc = error_set(&db->error, LEDGER_PROGRAM_LIMIT, "a value may have %d bytes at most",
                     LEDGER_TEXT_MAX);
  }
  return rc;
}

LEDGER_API int ledger_insert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  return rc == LEDGER_OK ? write_insert(db, table, count, columns, values, returned) : rc;
}

LEDGER_API int ledger_upsert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int conflict_count,
                             const char *const *conflict, int update, int64_t *changed,
                             ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  if (rc == LEDGER_OK) rc = ledger_check_columns(db, conflict_count, conflict);
  if (rc != LEDGER_OK) return rc;
  return write_upsert(db, table, count, columns, values, conflict_count, conflict, update, changed,
                      returned);
}

LEDGER_API int ledger_update(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int where_count,
                             const char *const *where_columns, const ledger_value *where_values,
                             int flags, int64_t *changed, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, where_count, where_columns, where_values);
  if (rc != LEDGER_OK) return rc;
  return write_update(db, table, count, columns, values, where_count, where_columns, where_values,
                      flags, changed, returned);
}

LEDGER_API int ledger_delete(ledger *db, const char *table, int where_count,
                             const char *const *where_columns, const ledger_value *where_values,
                             int flags, int64_t *changed, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, where_count, where_columns, where_values);
  if (rc != LEDGER_OK) return rc;
  return write_delete(db, table, where_count, where_columns, where_values, flags, changed,
                      returned);
}

LEDGER_API int ledger_apply(ledger *db, const char *change, ptrdiff_t length, int64_t *changed,
                            ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && change == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no change is given");
  if (rc != LEDGER_OK) return rc;
  return write_apply(db, change, length < 0 ? strlen(change) : (size_t)length, changed, returned);
}

LEDGER_API int ledger_begin(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_open(db) : rc;
}

LEDGER_API int ledger_commit(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_commit(db) : rc;
}

LEDGER_API int ledger_rollback(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_rollback(db) : rc;
}

/* ---- reading rows */

LEDGER_API int ledger_select(ledger *db, const char *table, const char *query, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc != LEDGER_OK) return rc;
  if (table == NULL || out == NULL)
    return error_set(&db->error, LEDGER_MISUSE, "no table is named");
  return query_select(db, table, query, out);
}

LEDGER_API int ledger_rows_next(ledger_rows *rows) {
  return rows == NULL ? LEDGER_MISUSE : rows_next(rows);
}

LEDGER_API int ledger_rows_count(const ledger_rows *rows) {
  return rows == NULL ? 0 : rows_count(rows);
}

LEDGER_API const char *ledger_rows_name(const ledger_rows *rows, int column) {
  const struct rows_column *found = rows == NULL ? NULL : rows_column(rows, column);
  return found == NULL ? NULL : found->name;
}

LEDGER_API const char *ledger_rows_type(const ledger_rows *rows, int column) {
  const struct rows_column *found = rows == NULL ? NULL : rows_column(rows, column);
  return found == NULL ? NULL : found->type_name;
}

LEDGER_API const char *ledger_rows_text(ledger_rows *rows, int column, size_t *length) {
  if (length != NULL) *length = 0;
  return rows == NULL ? NULL : rows_text(rows, column, length);
}

LEDGER_API const char *ledger_rows_json(ledger_rows *rows, size_t *length) {
  if (length != NULL) *length = 0;
  return rows == NULL ? NULL : rows_json(rows, length);
}

LEDGER_API void ledger_rows_free(ledger_rows *rows) {
  if (rows != NULL) rows_free(rows);
}

/* ---- types without a file */

LEDGER_API int ledger_literal(const char *type, const char *text, ptrdiff_t length, char **stored,
                              ledger_error *error) {
  error_clear(error);
  if (type == NULL || text == NULL || stored == NULL)
    return error_set(error, LEDGER_MISUSE, "a null pointer was given");
  return literal_of(type, text, length < 0 ? strlen(text) : (size_t)length, stored, error);
}

/* ---- describing a file */

LEDGER_API int ledger_info(ledger *db, ledger_facts *out) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the facts is given");
  return rc == LEDGER_OK ? info_facts(db, out) : rc;
}

LEDGER_API int ledger_relations(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? info_relations(db, out) : rc;
}

LEDGER_API int ledger_sources(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? info_sources(db, out) : rc;
}

/* ledger_schema() and ledger_schema_names() stand in the generated schemas.c. */

/* ---- carrying away */

LEDGER_API int ledger_export(ledger *db, enum ledger_export_part part,
                             enum ledger_export_format format,
                             int (*write)(void *context, const void *bytes, size_t length),
                             void *context) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && write == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no function to write with is given");
  if (rc == LEDGER_OK &&
      ((unsigned)part > LEDGER_EXPORT_INIT || (unsigned)format > LEDGER_EXPORT_INSERT))
    rc = error_set(&db->error, LEDGER_MISUSE, "no such part or format of an export");
  return rc == LEDGER_OK ? export_script(db, part, format, write, context) : rc;
}

LEDGER_API int ledger_digest(ledger *db, const char *table, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? digest_tables(db, table, out) : rc;
}

LEDGER_API int ledger_backup(ledger *db, const char *path) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && path == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no path is given");
  return rc == LEDGER_OK ? backup_to(db, path) : rc;
}
