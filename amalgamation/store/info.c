/*
** info.c: what a file is and holds, for ledger_info() and ledger_relations().
*/
#include "../internal.h"

/* The first column of the first row, in the call's arena; "" if there is none. */
static int info_text(ledger *db, const char *sql, const char **out) {
  sqlite3_stmt *stmt = NULL;
  *out = "";
  int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    if (text != NULL) *out = arena_copy(&db->arena, text, (size_t)sqlite3_column_bytes(stmt, 0));
  }
  if (rc == SQLITE_OK) rc = sqlite3_reset(stmt);
  sqlite3_finalize(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int info_integer(ledger *db, sqlite3_str *sql, int64_t *out) {
  sqlite3_stmt *stmt;
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  if (sqlite3_step(stmt) == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
  int sqlite_rc = sqlite3_finalize(stmt);
  return sqlite_rc == SQLITE_OK ? LEDGER_OK : store_error(db, sqlite_rc);
}

static int info_number(ledger *db, const char *text, int64_t *out) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, text);
  return info_integer(db, sql, out);
}

static int info_count(ledger *db, const char *table, int *out) {
  int64_t count = 0;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT count(*) FROM %s", table);
  int rc = info_integer(db, sql, &count);
  *out = (int)count;
  return rc;
}

static int info_rows(ledger *db, const struct relation *relation, int64_t *out) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT count(*) FROM main.\"%w\"", relation->stored_name);
  return info_integer(db, sql, out);
}

static int info_catalog(ledger *db, ledger_facts *out) {
  const struct catalog *catalog = db->catalog;
  int rc = LEDGER_OK;
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &catalog->relations[i];
    if (relation->is_view) {
      out->views++;
      continue;
    }
    int64_t rows = 0;
    out->tables++;
    out->columns += relation->column_count;
    out->constraints += relation->constraint_count;
    out->indexes += relation->index_count;
    out->triggers += relation->trigger_count;
    rc = connection_report(db, i, catalog->relation_count);
    if (rc == LEDGER_OK) rc = info_rows(db, relation, &rows);
    out->rows += rows;
  }
  return rc;
}

static int info_read(ledger *db, ledger_facts *out) {
  int rc =
      info_text(db, "SELECT value FROM ledger_meta WHERE key = 'schema_name'", &out->schema_name);
  if (rc == LEDGER_OK)
    rc = info_text(db, "SELECT value FROM ledger_meta WHERE key = 'schema_sha256'",
                   &out->schema_sha256);
  if (rc == LEDGER_OK)
    rc = info_text(db, "SELECT value FROM ledger_meta WHERE key = 'compiler'", &out->compiler);
  if (rc == LEDGER_OK)
    rc = info_text(db, "SELECT value FROM ledger_meta WHERE key = 'device'", &out->device);
  if (rc == LEDGER_OK)
    rc = info_text(db, "SELECT value FROM ledger_meta WHERE key = 'created_at'", &out->created_at);
  if (rc == LEDGER_OK)
    rc = info_text(
        db, "SELECT coalesce((SELECT value FROM ledger_meta WHERE key = 'encryption_key'), '')",
        &out->encryption_key);
  if (rc == LEDGER_OK) rc = info_count(db, "ledger_catalog_policy", &out->policies);
  if (rc == LEDGER_OK) rc = info_catalog(db, out);
  int64_t pages = 0, version = 0;
  if (rc == LEDGER_OK)
    rc = info_number(db, "SELECT coalesce(max(seq), 0) FROM ledger_journal", &out->journals);
  if (rc == LEDGER_OK)
    rc = info_number(db, "SELECT coalesce(max(seq), 0) FROM ledger_entry", &out->entries);
  if (rc == LEDGER_OK) rc = info_number(db, "PRAGMA page_size", &out->page_bytes);
  if (rc == LEDGER_OK) rc = info_number(db, "PRAGMA page_count", &pages);
  if (rc == LEDGER_OK) rc = info_number(db, "PRAGMA user_version", &version);
  if (rc != LEDGER_OK) return rc;
  out->format = (int)version;
  out->file_bytes = db->path == NULL ? pages * out->page_bytes : file_size(db->path, "");
  out->wal_bytes = db->path == NULL ? 0 : file_size(db->path, "-wal");
  return rc;
}

LEDGER_PRIVATE int info_facts(ledger *db, ledger_facts *out) {
  memset(out, 0, sizeof *out);
#ifdef LEDGER_SYSTEM_SQLITE
  const char *origin = "system";
#else
  const char *origin = "built in";
#endif
  char *version = sqlite3_mprintf("%s (%s)", sqlite3_libversion(), origin);
  if (version == NULL) return error_memory(&db->error);
  out->sqlite = arena_copy(&db->arena, version, strlen(version));
  sqlite3_free(version);
  if (out->sqlite == NULL) return error_memory(&db->error);
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = info_read(db, out);
  transaction_end_read(db);
  return rc;
}

/* ---- relations */

static struct value info_value(const char *text) {
  if (text == NULL) return (struct value){.kind = VALUE_NULL};
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

static int info_fill_relations(ledger *db, ledger_rows *rows) {
  static const char *const names[] = {"schema", "name", "kind", "rows", "comment"};
  static const struct type text_type = {.id = TYPE_TEXT, .length = -1},
                           count_type = {.id = TYPE_INT8, .length = -1};
  for (int i = 0; i < 5; i++) {
    if (i == 3)
      rows_set_column(rows, i, names[i], "bigint", &count_type);
    else
      rows_set_column(rows, i, names[i], "text", &text_type);
  }
  int rc = LEDGER_OK;
  for (int i = 0; i < db->catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    int64_t count = 0;
    rc = connection_report(db, i, db->catalog->relation_count);
    if (rc == LEDGER_OK && !relation->is_view) rc = info_rows(db, relation, &count);
    struct value values[5] = {
        info_value(relation->schema),
        info_value(relation->name),
        info_value(relation->is_view ? "view" : "table"),
        {.kind = relation->is_view ? VALUE_NULL : VALUE_INTEGER, .integer = count},
        info_value(relation->comment)};
    if (rc == LEDGER_OK) rc = rows_append(rows, values);
  }
  return rc;
}

LEDGER_PRIVATE int info_relations(ledger *db, ledger_rows **out) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  ledger_rows *rows = rows_new(db, 5);
  rc = rows == NULL ? LEDGER_MEMORY : info_fill_relations(db, rows);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}

/* ---- the schema files */

static int info_fill_sources(ledger *db, ledger_rows *rows) {
  static const char *const names[] = {"name", "sha256", "text"};
  static const struct type text_type = {.id = TYPE_TEXT, .length = -1};
  for (int i = 0; i < 3; i++) rows_set_column(rows, i, names[i], "text", &text_type);
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT name, sha256, text FROM ledger_catalog_source ORDER BY n");
  int rc = statement_prepare(db, sql, &stmt);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct value values[3] = {statement_value(stmt, 0), statement_value(stmt, 1),
                              statement_value(stmt, 2)};
    rc = rows_append(rows, values);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int info_sources(ledger *db, ledger_rows **out) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  ledger_rows *rows = rows_new(db, 3);
  rc = rows == NULL ? LEDGER_MEMORY : info_fill_sources(db, rows);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}
