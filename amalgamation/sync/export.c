/*
** export: the script that carries a file into PostgreSQL: its schema, its rows, its sequences.
**
** --full      BEGIN; types, tables; COPY; keys, indexes, foreign keys, views, triggers, policies; setval; ledger_sync; COMMIT
**             The full export is also batch 0 of the device: it says where the changes begin that main does not have.
** --data-only every table is staged in a temporary one, compared with what is there by key, and only what is missing is
**             inserted; the second time nothing changes.
** Every name is qualified and quoted; names were checked by the compiler. Everything stands in one transaction, COMMIT
** last, so that a script cut anywhere leaves the database as it was.
*/
#include "../internal.h"

#include <stddef.h>

#include "ledger_sync_sql.h"

#define EXPORT_INSERT_ROWS 100 /* rows of one INSERT in --format insert */
#define EXPORT_REPORT_ROWS 1000
/* Quotes the body of a DO. Longer than a name can be: no name in the body ends it. */
#define EXPORT_QUOTE "$ledger_this_quote_is_longer_than_a_name_so_that_no_name_can_end_it$"

struct export {
  ledger *db;
  struct script script;
  enum ledger_export_format format;
  const char *target_schema; /* of the table that rows go to: the relation's own, or pg_temp */
  char target_name[LEDGER_NAME_MAX + 1];
  int64_t done, total;
  struct row_text text;
  struct arena clear; /* of a value that is kept encrypted and written in clear */
};

/* LEDGER_IO once the caller's function has refused bytes. */
static int export_written(struct export *export, int script_rc) {
  return script_rc == LEDGER_OK
             ? LEDGER_OK
             : error_set(&export->db->error, LEDGER_IO, "the script could not be written");
}

/* Columns that PostgreSQL computes are not written. */
static bool export_has_column(const struct column *column) {
  return column->generated_sql == NULL;
}

/* "a", "b" */
static void export_columns(struct export *export, const struct relation *relation,
                           const char *prefix) {
  bool first = true;
  for (int i = 0; i < relation->column_count; i++) {
    if (!export_has_column(&relation->columns[i])) continue;
    if (!first) script_text(&export->script, ", ");
    first = false;
    script_text(&export->script, prefix);
    script_name(&export->script, relation->columns[i].name);
  }
}

static void export_key_columns(struct export *export, const struct relation *relation,
                               const char *format_open, const char *between,
                               const char *format_close) {
  for (int i = 0; i < relation->primary->count; i++) {
    if (i) script_text(&export->script, between);
    script_text(&export->script, format_open);
    script_name(&export->script, relation->columns[relation->primary->columns[i]].name);
    script_text(&export->script, format_close);
  }
}

/* ---- rows */

/* Writes a field or literal. False: what it wrote is not valid UTF-8; the script ends without its COMMIT. */
static bool export_write_text(struct export *export, const char *text, size_t length) {
  if (export->format == LEDGER_EXPORT_COPY)
    return script_copy_field(&export->script, text, length) || text_is_valid_utf8(text, length);
  script_literal(&export->script, text, length);
  return text_is_valid_utf8(text, length);
}

/* One value, not NULL, as a COPY field or a literal. */
static int export_value(struct export *export, const struct relation *relation, int column,
                        struct value *row) {
  int rc = LEDGER_OK;
  if (export->db->exports_clear && relation->columns[column].is_encrypted) {
    arena_reset(&export->clear);
    rc = encryption_open_value(export->db, relation, column, &row[column], row, &export->clear,
                               &row[column]);
    if (rc != LEDGER_OK) return rc;
  }
  rc = row_text_read(export->db, relation, column, row, &export->text);
  if (rc != LEDGER_OK || export_write_text(export, export->text.text, export->text.length))
    return rc;
  return row_text_bad(export->db, relation, column, row, LEDGER_BAD_ENCODING,
                      "not valid UTF-8, or a NUL");
}

/* `row` has room for all columns. */
static int export_row(struct export *export, const struct relation *relation, sqlite3_stmt *stmt,
                      struct value *row) {
  bool is_copy = export->format == LEDGER_EXPORT_COPY, first = true;
  int rc = LEDGER_OK;
  for (int i = 0; i < relation->column_count; i++) row[i] = statement_value(stmt, i);
  if (!is_copy) script_text(&export->script, "(");
  for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
    if (!export_has_column(&relation->columns[i])) continue;
    if (!first) script_text(&export->script, is_copy ? "\t" : ",");
    first = false;
    if (row[i].kind == VALUE_NULL)
      script_text(&export->script, is_copy ? "\\N" : "NULL");
    else
      rc = export_value(export, relation, i, row);
  }
  script_text(&export->script, is_copy ? "\n" : ")");
  return rc;
}

/* SELECT of all columns in order of storage. */
static int export_walk(ledger *db, const struct relation *relation, sqlite3_stmt **stmt) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT ");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM \"%w\"", relation->stored_name);
  return statement_prepare(db, sql, stmt);
}

static bool export_has_identity(const struct relation *relation) {
  for (int i = 0; i < relation->column_count; i++)
    if (relation->columns[i].identity == 'a') return true;
  return false;
}

/* INSERT INTO target (columns) VALUES, or COPY target (columns) FROM stdin; */
static void export_rows_head(struct export *export, const struct relation *relation) {
  bool is_copy = export->format == LEDGER_EXPORT_COPY;
  script_text(&export->script, is_copy ? "COPY " : "INSERT INTO ");
  script_table(&export->script, export->target_schema, export->target_name);
  script_text(&export->script, " (");
  export_columns(export, relation, "");
  if (is_copy)
    script_text(&export->script, ") FROM stdin;\n");
  else
    script_text(&export->script,
                export_has_identity(relation) && strcmp(export->target_schema, "pg_temp") != 0
                    ? ") OVERRIDING SYSTEM VALUE VALUES\n"
                    : ") VALUES\n");
}

static int export_rows(struct export *export, const struct relation *relation) {
  bool is_copy = export->format == LEDGER_EXPORT_COPY;
  sqlite3_stmt *stmt = NULL;
  int64_t rows = 0;
  struct value *row = arena_alloc(&export->db->arena, (size_t)relation->column_count * sizeof *row);
  int rc =
      row == NULL ? error_memory(&export->db->error) : export_walk(export->db, relation, &stmt);
  if (rc == LEDGER_OK && is_copy) export_rows_head(export, relation);
  while (rc == LEDGER_OK && (rc = statement_step(export->db, stmt)) == LEDGER_ROW) {
    if (!is_copy && rows % EXPORT_INSERT_ROWS == 0) {
      if (rows) script_text(&export->script, ";\n");
      export_rows_head(export, relation);
    } else if (!is_copy)
      script_text(&export->script, ",\n");
    rc = export_row(export, relation, stmt, row);
    rows++;
    export->done++;
    if (rc == LEDGER_OK && export->done % EXPORT_REPORT_ROWS == 0)
      rc = connection_report(export->db, export->done, export->total);
    if (rc == LEDGER_OK) rc = export_written(export, export->script.rc);
  }
  if (rc == LEDGER_DONE) rc = LEDGER_OK;
  if (is_copy)
    script_text(&export->script, "\\.\n");
  else if (rows)
    script_text(&export->script, ";\n");
  statement_end(stmt);
  return rc;
}

/* ---- schema */

/* The statements that make an empty database, of one phase. */
static int export_statements(struct export *export, const char *phase) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(
      sql, "SELECT definition FROM ledger_catalog_statement WHERE phase = %Q ORDER BY n", phase);
  int rc = statement_prepare(export->db, sql, &stmt);
  while (rc == LEDGER_OK && (rc = statement_step(export->db, stmt)) == LEDGER_ROW) {
    struct value definition = statement_value(stmt, 0);
    script_bytes(&export->script, definition.text, definition.length);
    script_text(&export->script, ";\n");
    rc = LEDGER_OK;
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* setval() for every sequence. forward: never behind where the target stands already. */
static int export_sequences(struct export *export, bool forward) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(
      sql, "SELECT q.schema, q.name, s.last_value, q.increment FROM ledger_sequence AS s"
           " JOIN ledger_catalog_sequence AS q USING (sequence_id) WHERE s.is_called ORDER BY "
           "sequence_id");
  int rc = statement_prepare(export->db, sql, &stmt);
  while (rc == LEDGER_OK && (rc = statement_step(export->db, stmt)) == LEDGER_ROW) {
    char number[32];
    struct value schema = statement_value(stmt, 0), name = statement_value(stmt, 1);
    snprintf(number, sizeof number, "%lld", (long long)statement_value(stmt, 2).integer);
    sqlite3_str *quoted = sqlite3_str_new(NULL);
    sqlite3_str_appendf(quoted, "\"%w\".\"%w\"", schema.text, name.text);
    char *table = sqlite3_str_finish(quoted);
    if (!table)
      rc = error_memory(&export->db->error);
    else {
      script_text(&export->script, "DO " EXPORT_QUOTE " BEGIN PERFORM pg_catalog.setval(");
      script_literal(&export->script, table, strlen(table));
      script_text(&export->script, ", ");
      if (forward) {
        script_text(&export->script, statement_value(stmt, 3).integer < 0 ? "LEAST(" : "GREATEST(");
        script_text(&export->script, number);
        script_text(&export->script, ", (SELECT last_value FROM ");
        script_text(&export->script, table);
        script_text(&export->script, "))");
      } else
        script_text(&export->script, number);
      script_text(&export->script, ", true); END " EXPORT_QUOTE ";\n");
      rc = LEDGER_OK;
    }
    sqlite3_free(table);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* The schema ledger_sync, and what it is to know of the file's schema. */
static int export_init(struct export *export) {
  script_text(&export->script, ledger_sync_sql);
  return sync_register(export->db, &export->script);
}

/* The full export is batch 0: main knows the device from then on, and what it has of it. The hash is over the position alone, so
** that the export need not be kept to recognise its acknowledgement. */
static int export_enrol(struct export *export) {
  ledger *db = export->db;
  const char *schema, *device, *head, *key;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SYNC_POSITION);
  if (stmt == NULL) return db->error.code;
  int rc = sync_meta(db, "schema_sha256", &schema);
  if (rc == LEDGER_OK) rc = sync_meta(db, "signing_key", &key);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) rc = statement_text(db, stmt, 0, &device);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 5, &head);
  if (rc == LEDGER_OK) {
    char hash[SYNC_HASH_DIGITS + 1];
    int64_t epoch = sqlite3_column_int64(stmt, 1), last = sqlite3_column_int64(stmt, 2),
            journal = sqlite3_column_int64(stmt, 3), entry = sqlite3_column_int64(stmt, 4);
    sync_full_hash(device, epoch, last, journal, entry, head, hash);
    char *text = sqlite3_mprintf("SELECT ledger_sync.enrol_full('{\"device\":\"%s\",\"epoch\":%lld,"
                                 "\"schema\":\"%s\",\"last\":%lld,\"journal\":%lld,"
                                 "\"entry\":%lld,\"hash\":\"%s\",\"public_key\":%s%s%s}');\n",
                                 device, epoch, schema, last, journal, entry, hash,
                                 key[0] ? "\"" : "", key[0] ? key : "null", key[0] ? "\"" : "");
    if (text == NULL)
      rc = error_memory(&db->error);
    else
      script_text(&export->script, text);
    sqlite3_free(text);
  }
  sqlite3_reset(stmt);
  return rc;
}

/* ---- rows into tables that exist */

/* Raises before the first row moves, when a table or column is not there. */
static void export_check_target(struct export *export) {
  const struct catalog *catalog = export->db->catalog;
  bool first = true;
  script_text(
      &export->script,
      "DO " EXPORT_QUOTE
      "\nDECLARE missing text;\nBEGIN\n  SELECT string_agg(format('%I.%I.%I', w.s, w.t, w.c), ', ')"
      " INTO missing FROM (VALUES\n");
  for (int i = 0; i < catalog->relation_count; i++) {
    const struct relation *relation = &catalog->relations[i];
    if (relation->is_view) continue;
    for (int c = 0; c < relation->column_count; c++) {
      script_text(&export->script, first ? "    (" : ",\n    (");
      first = false;
      script_literal(&export->script, relation->schema, strlen(relation->schema));
      script_text(&export->script, "::text, ");
      script_literal(&export->script, relation->name, strlen(relation->name));
      script_text(&export->script, "::text, ");
      script_literal(&export->script, relation->columns[c].name, strlen(relation->columns[c].name));
      script_text(&export->script, "::text)");
    }
  }
  script_text(
      &export->script,
      ") AS w(s, t, c)\n  WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute AS a\n"
      "    JOIN pg_catalog.pg_class AS r ON r.oid = a.attrelid JOIN pg_catalog.pg_namespace AS n "
      "ON n.oid = r.relnamespace\n"
      "    WHERE n.nspname = w.s AND r.relname = w.t AND a.attname = w.c AND NOT a.attisdropped);\n"
      "  IF missing IS NOT NULL THEN\n"
      "    RAISE EXCEPTION 'ledger: the database has no %', missing USING ERRCODE = "
      "'undefined_column';\n  END IF;\nEND\n" EXPORT_QUOTE ";\n");
}

static void export_stage_name(struct export *export, int number) {
  snprintf(export->target_name, sizeof export->target_name, "ledger_%d", number);
}

/* CREATE TEMP TABLE ledger_n, and the table's rows into it. */
static int export_stage(struct export *export, const struct relation *relation, int number) {
  export_stage_name(export, number);
  export->target_schema = "pg_temp";
  script_text(&export->script, "CREATE TEMP TABLE ");
  script_name(&export->script, export->target_name);
  script_text(&export->script, " ON COMMIT DROP AS SELECT ");
  export_columns(export, relation, "");
  script_text(&export->script, " FROM ");
  script_table(&export->script, relation->schema, relation->name);
  script_text(&export->script, " WITH NO DATA;\n");
  int rc = export_rows(export, relation);
  script_text(&export->script, "ANALYZE pg_temp.");
  script_name(&export->script, export->target_name);
  script_text(&export->script, ";\n");
  return rc;
}

/* s."id" = t."id" AND ... */
static void export_same_key(struct export *export, const struct relation *relation) {
  for (int i = 0; i < relation->primary->count; i++) {
    const char *name = relation->columns[relation->primary->columns[i]].name;
    script_text(&export->script, i ? " AND s." : "s.");
    script_name(&export->script, name);
    script_text(&export->script, " = t.");
    script_name(&export->script, name);
  }
}

/* Rows compared by their output text: json and xml have no equality. */
static void export_row_text(struct export *export, const struct relation *relation,
                            const char *prefix) {
  script_text(&export->script, "ROW(");
  export_columns(export, relation, prefix);
  script_text(&export->script, ")::text");
}

/* Raises when a row with a staged row's key has other content. */
static void export_check_rows(struct export *export, const struct relation *relation) {
  script_text(&export->script,
              "DO " EXPORT_QUOTE "\nDECLARE found text;\nBEGIN\n  SELECT format('");
  export_key_columns(export, relation, "", ", ", "");
  script_text(&export->script, " = ");
  for (int i = 0; i < relation->primary->count; i++)
    script_text(&export->script, i ? ", %s" : "%s");
  script_text(&export->script, "', ");
  export_key_columns(export, relation, "s.", ", ", "");
  script_text(&export->script, ") INTO found FROM pg_temp.");
  script_name(&export->script, export->target_name);
  script_text(&export->script, " AS s JOIN ");
  script_table(&export->script, relation->schema, relation->name);
  script_text(&export->script, " AS t ON ");
  export_same_key(export, relation);
  script_text(&export->script, "\n  WHERE ");
  export_row_text(export, relation, "s.");
  script_text(&export->script, " <> ");
  export_row_text(export, relation, "t.");
  script_text(&export->script, " LIMIT 1;\n  IF found IS NOT NULL THEN\n    RAISE EXCEPTION "
                               "'ledger: table %, key %: the database holds another row', ");
  script_literal(&export->script, relation->name, strlen(relation->name));
  script_text(&export->script,
              ", found USING ERRCODE = 'unique_violation';\n  END IF;\nEND\n" EXPORT_QUOTE ";\n");
}

/* INSERT of the staged rows that are not there, without its semicolon. */
static void export_insert(struct export *export, const struct relation *relation) {
  script_text(&export->script, "INSERT INTO ");
  script_table(&export->script, relation->schema, relation->name);
  script_text(&export->script, " (");
  export_columns(export, relation, "");
  script_text(&export->script,
              export_has_identity(relation) ? ") OVERRIDING SYSTEM VALUE SELECT " : ") SELECT ");
  export_columns(export, relation, "s.");
  script_text(&export->script, " FROM pg_temp.");
  script_name(&export->script, export->target_name);
  script_text(&export->script, " AS s WHERE NOT EXISTS (SELECT FROM ");
  script_table(&export->script, relation->schema, relation->name);
  script_text(&export->script, " AS t WHERE ");
  if (relation->primary)
    export_same_key(export, relation);
  else {
    export_row_text(export, relation, "s.");
    script_text(&export->script, " = ");
    export_row_text(export, relation, "t.");
  }
  script_text(&export->script, ")");
  if (relation->primary) {
    script_text(&export->script, " ORDER BY ");
    export_key_columns(export, relation, "s.", ", ", "");
  }
}

/* True when every table that the relation's foreign keys need is loaded. */
static bool export_is_ready(const struct relation *relation, const bool *loaded) {
  for (int k = 0; k < relation->constraint_count; k++) {
    const struct constraint *key = relation->constraints[k];
    if (key->kind == 'f' && key->reference != relation && !key->deferrable &&
        !loaded[key->reference->id])
      return false;
  }
  return true;
}

/* What is left when no table is ready stands in a cycle of foreign keys, or behind one. It goes in with one statement, for
** PostgreSQL checks keys at a statement's end. */
static void export_merge_cycle(struct export *export, const bool *loaded) {
  const struct catalog *catalog = export->db->catalog;
  int last = -1;
  const char *before = "WITH ";
  for (int i = 0; i < catalog->relation_count; i++) {
    if (loaded[catalog->relations[i].id]) continue;
    export_stage_name(export, i);
    if (catalog->relations[i].primary) export_check_rows(export, &catalog->relations[i]);
    last = i;
  }
  for (int i = 0; i <= last; i++) {
    if (loaded[catalog->relations[i].id]) continue;
    export_stage_name(export, i);
    if (i < last) {
      script_text(&export->script, before);
      script_name(&export->script, export->target_name);
      script_text(&export->script, " AS (");
    } else {
      script_text(&export->script, "\n");
    }
    export_insert(export, &catalog->relations[i]);
    script_text(&export->script, i < last ? ")" : ";\n");
    before = ",\n";
  }
}

static int export_data_only(struct export *export) {
  const struct catalog *catalog = export->db->catalog;
  int64_t largest = 0;
  int rc = LEDGER_OK;
  for (int i = 0; i < catalog->relation_count; i++)
    if (catalog->relations[i].id > largest) largest = catalog->relations[i].id;
  bool *loaded = arena_alloc(&export->db->arena, ((size_t)largest + 1) * sizeof *loaded);
  if (!loaded) return error_memory(&export->db->error);
  memset(loaded, 0, ((size_t)largest + 1) * sizeof *loaded);
  export_check_target(export);
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    if (catalog->relations[i].is_view)
      loaded[catalog->relations[i].id] = true;
    else
      rc = export_stage(export, &catalog->relations[i], i);
  }
  script_text(&export->script, "SET CONSTRAINTS ALL DEFERRED;\n");
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < catalog->relation_count; i++) {
      const struct relation *relation = &catalog->relations[i];
      if (loaded[relation->id] || !export_is_ready(relation, loaded)) continue;
      export_stage_name(export, i);
      if (relation->primary) export_check_rows(export, relation);
      export_insert(export, relation);
      script_text(&export->script, ";\n");
      loaded[relation->id] = moved = true;
    }
  }
  export_merge_cycle(export, loaded);
  script_text(&export->script, "SET CONSTRAINTS ALL IMMEDIATE;\n");
  return rc == LEDGER_OK ? export_sequences(export, true) : rc;
}

/* ---- the whole */

static int export_full(struct export *export) {
  const struct catalog *catalog = export->db->catalog;
  int rc = export_statements(export, "pre");
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    if (catalog->relations[i].is_view) continue;
    export->target_schema = catalog->relations[i].schema;
    snprintf(export->target_name, sizeof export->target_name, "%s", catalog->relations[i].name);
    rc = export_rows(export, &catalog->relations[i]);
  }
  if (rc == LEDGER_OK) rc = export_statements(export, "post");
  if (rc == LEDGER_OK) rc = export_sequences(export, false);
  if (rc == LEDGER_OK) rc = export_init(export);
  if (rc == LEDGER_OK) rc = export_enrol(export);
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    if (catalog->relations[i].is_view) continue;
    script_text(&export->script, "ANALYZE ");
    script_table(&export->script, catalog->relations[i].schema, catalog->relations[i].name);
    script_text(&export->script, ";\n");
  }
  return rc;
}

static int export_body(struct export *export, enum ledger_export_part part) {
  switch (part) {
  case LEDGER_EXPORT_FULL: return export_full(export);
  case LEDGER_EXPORT_DATA_ONLY: return export_data_only(export);
  case LEDGER_EXPORT_INIT: return export_init(export);
  case LEDGER_EXPORT_SCHEMA_ONLY: break;
  }
  int rc = export_statements(export, "pre");
  return rc == LEDGER_OK ? export_statements(export, "post") : rc;
}

/* Rows of all tables, for the progress line. Only counted when somebody looks. */
static int export_count(struct export *export) {
  ledger_facts facts;
  if (!export->db->report) return LEDGER_OK;
  int rc = info_facts(export->db, &facts);
  export->total = facts.rows;
  return rc;
}

LEDGER_PRIVATE int export_script(ledger *db, enum ledger_export_part part,
                                 enum ledger_export_format format,
                                 int (*write)(void *context, const void *bytes, size_t length),
                                 void *context) {
  struct export *export = sqlite3_malloc(sizeof *export);
  if (!export) return error_memory(&db->error);
  memset(export, 0, offsetof(struct export, script));
  export->db = db;
  export->format = format;
  export->done = export->total = 0;
  export->clear = (struct arena){0};
  script_start(&export->script, write, context);
  row_text_open(&export->text);
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK) rc = export_count(export);
  if (rc == LEDGER_OK) {
    if (format == LEDGER_EXPORT_COPY) script_text(&export->script, "\\set ON_ERROR_STOP on\n");
    script_text(
        &export->script,
        "BEGIN;\nSET LOCAL client_encoding = 'UTF8';\nSET LOCAL standard_conforming_strings = on;\n"
        "SET LOCAL datestyle = 'ISO, YMD';\nSET LOCAL timezone = 'UTC';\nSET LOCAL intervalstyle = "
        "'postgres';\n"
        "SET LOCAL check_function_bodies = off;\nSET LOCAL client_min_messages = warning;\n");
    rc = export_body(export, part);
    if (rc == LEDGER_OK) script_text(&export->script, "COMMIT;\n");
  }
  if (rc == LEDGER_OK) rc = export_written(export, script_end(&export->script));
  transaction_end_read(db);
  row_text_close(&export->text);
  arena_free(&export->clear);
  sqlite3_free(export);
  return rc;
}
