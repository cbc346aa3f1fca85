/*
** prove: the script by which main compares this file's rows with its own: ledger_prove_script(). It carries, at one snapshot, the
** batches that the file knows, the keys of what changed since main's last one, and of every row of a table that syncs its key, a
** hash and a fact's status. What main makes of it schema/sync/40_proof.sql says (prove_start() and what follows).
*/
#include "../internal.h"

struct prove {
  ledger *db;
  struct sync_state state;
  const char *schema_sha256;
  const struct relation *relation; /* the one whose rows are written */
  int status;                      /* its column, -1 if there is none */
  int64_t done, seq;               /* seq: of the batch that has what is written */
  struct row_text text;
  sqlite3_str *key;
  struct script script; /* last: it is large */
};

static int prove_written(struct prove *prove) {
  return prove->script.rc == LEDGER_OK
             ? LEDGER_OK
             : error_set(&prove->db->error, LEDGER_IO, "the script could not be written");
}

static void prove_literal(struct prove *prove, const char *text) {
  script_literal(&prove->script, text, strlen(text));
}

/* ---- batches, and what they do not have yet */

static int prove_batches(struct prove *prove) {
  ledger *db = prove->db;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_PROVE_BATCHES);
  int step;
  if (stmt == NULL) return db->error.code;
  script_text(&prove->script,
              "COPY pg_temp.ledger_prove_batch (seq, hash, journal, head) FROM stdin;\n");
  while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
    script_text(&prove->script, (const char *)sqlite3_column_text(stmt, 0));
    script_text(&prove->script, "\n");
  }
  script_text(&prove->script, "\\.\n");
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int prove_changed(void *context, const struct change_row *row) {
  struct prove *prove = context;
  char seq[32];
  if (row->is_gone) return LEDGER_OK;
  int rc = digest_key(prove->db, row->relation, row->values, &prove->text, prove->key);
  if (rc != LEDGER_OK) return rc;
  snprintf(seq, sizeof seq, "%lld\t", (long long)prove->seq);
  script_text(&prove->script, seq);
  script_copy_field(&prove->script, row->relation->schema, strlen(row->relation->schema));
  script_text(&prove->script, "\t");
  script_copy_field(&prove->script, row->relation->name, strlen(row->relation->name));
  script_text(&prove->script, "\t");
  if (sqlite3_str_length(prove->key) > 0)
    script_copy_field(&prove->script, sqlite3_str_value(prove->key),
                      (size_t)sqlite3_str_length(prove->key));
  script_text(&prove->script, "\n");
  return prove_written(prove);
}

/* Keys of what changed since the last batch that main is known to have, with the number of the batch that has it: one that main
** may have after all, or the next that will be cut. */
static int prove_waiting(struct prove *prove) {
  const struct sync_state *state = &prove->state;
  struct change_range range = {.to_change = state->received_change,
                               .to_journal = state->received_journal,
                               .to_entry = state->received_entry};
  sqlite3_stmt *stmt = statement_fixed(prove->db, STATEMENT_PROVE_RANGES);
  int rc = LEDGER_OK;
  if (stmt == NULL) return prove->db->error.code;
  script_text(&prove->script, "COPY pg_temp.ledger_prove_waiting (seq, table_schema, table_name, "
                              "key) FROM stdin;\n");
  sqlite3_bind_int64(stmt, 1, state->received_seq);
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    prove->seq = sqlite3_column_int64(stmt, 0);
    range.from_change = range.to_change;
    range.from_journal = range.to_journal;
    range.from_entry = range.to_entry;
    range.to_change = sqlite3_column_int64(stmt, 1);
    range.to_journal = sqlite3_column_int64(stmt, 2);
    range.to_entry = sqlite3_column_int64(stmt, 3);
    rc = change_set_rows(prove->db, &range, prove_changed, prove);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  script_text(&prove->script, "\\.\n");
  return rc == LEDGER_OK && sqlite_rc != SQLITE_OK ? store_error(prove->db, sqlite_rc) : rc;
}

/* ---- rows */

static int prove_row(void *context, const struct digest_row *row) {
  struct prove *prove = context;
  char hash[32];
  bool is_own;
  int rc = import_is_own(prove->db, prove->relation, row->values, &is_own);
  if (rc != LEDGER_OK || is_own) return rc;
  snprintf(hash, sizeof hash, "\t%lld\t", (long long)(int64_t)row->hash);
  script_copy_field(&prove->script, row->key, row->key_length);
  script_text(&prove->script, hash);
  if (prove->status < 0 || row->values[prove->status].kind == VALUE_NULL) {
    script_text(&prove->script, "\\N\n");
    return prove_written(prove);
  }
  rc = row_text_read(prove->db, prove->relation, prove->status, row->values, &prove->text);
  if (rc != LEDGER_OK) return rc;
  if (!script_copy_field(&prove->script, prove->text.text, prove->text.length) &&
      !text_is_valid_utf8(prove->text.text, prove->text.length))
    return row_text_bad(prove->db, prove->relation, prove->status, row->values, LEDGER_BAD_ENCODING,
                        "not valid UTF-8, or a NUL");
  script_text(&prove->script, "\n");
  return prove_written(prove);
}

/* What is not hashed: main's columns, balances, and of a fact its status and what ON DELETE SET NULL may take from it. */
static int prove_choose(struct prove *prove, const struct sync_table *table,
                        struct digest_choice *choice) {
  const struct relation *relation = prove->relation;
  int rc = digest_choose(prove->db, relation, choice);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < table->delta_count; i++) choice->takes[table->deltas[i]] = false;
  prove->status = -1;
  if (table->kind != SYNC_FACT) return LEDGER_OK;
  if (table->status_column != NULL)
    prove->status = catalog_column(relation, table->status_column, strlen(table->status_column));
  if (prove->status >= 0) choice->takes[prove->status] = false;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *key = relation->constraints[i];
    for (int c = 0; key->kind == 'f' && key->on_delete == 'n' && c < key->count; c++)
      choice->takes[key->columns[c]] = false;
  }
  return LEDGER_OK;
}

/* SELECT ledger_sync.prove('device', 'schema', 'public', 'users', ARRAY['id', ...]::text[]); */
static void prove_call(struct prove *prove, const struct digest_choice *choice) {
  const char *before = ", ARRAY[";
  script_text(&prove->script, "SELECT ledger_sync.prove(");
  prove_literal(prove, prove->state.device);
  script_text(&prove->script, ", ");
  prove_literal(prove, prove->schema_sha256);
  script_text(&prove->script, ", ");
  prove_literal(prove, prove->relation->schema);
  script_text(&prove->script, ", ");
  prove_literal(prove, prove->relation->name);
  for (int i = 0; i < prove->relation->column_count; i++) {
    if (!choice->takes[i]) continue;
    script_text(&prove->script, before);
    prove_literal(prove, prove->relation->columns[i].name);
    before = ", ";
  }
  script_text(&prove->script, "]::text[]);\n"); /* never without a column: the key's are taken */
}

static int prove_relation(struct prove *prove, const struct relation *relation) {
  struct sync_table table;
  struct digest_choice choice = {.with_keys = true};
  int rc = sync_table(prove->db, relation, &table);
  if (rc != LEDGER_OK || table.kind == SYNC_MAIN || table.kind == SYNC_LOCAL) return rc;
  prove->relation = relation;
  rc = prove_choose(prove, &table, &choice);
  if (rc != LEDGER_OK) return rc;
  script_text(&prove->script, "COPY pg_temp.ledger_prove (key, hash, status) FROM stdin;\n");
  rc = digest_rows(prove->db, relation, &choice, &prove->done, prove_row, prove);
  script_text(&prove->script, "\\.\n");
  if (rc == LEDGER_OK) prove_call(prove, &choice);
  return rc;
}

/* ---- the whole */

static void prove_head(struct prove *prove) {
  script_text(
      &prove->script,
      "\\set ON_ERROR_STOP on\nBEGIN ISOLATION LEVEL REPEATABLE READ;\nSET LOCAL client_encoding = "
      "'UTF8';\nSET LOCAL standard_conforming_strings = on;\nSET LOCAL client_min_messages = "
      "warning;\nSELECT ledger_sync.prove_start(");
  prove_literal(prove, prove->state.device);
  script_text(&prove->script, ", ");
  prove_literal(prove, prove->schema_sha256);
  script_text(&prove->script, ");\n");
}

static void prove_end(struct prove *prove) {
  char number[32];
  snprintf(number, sizeof number, ", %lld);\n", (long long)prove->state.cut_seq);
  script_text(&prove->script, "SELECT ledger_sync.prove_report(");
  prove_literal(prove, prove->state.device);
  script_text(&prove->script, number);
  script_text(&prove->script, "ROLLBACK;\n");
}

static int prove_body(struct prove *prove) {
  ledger *db = prove->db;
  int rc = state_read(db, &prove->state);
  if (rc == LEDGER_OK) rc = sync_meta(db, "schema_sha256", &prove->schema_sha256);
  if (rc != LEDGER_OK) return rc;
  prove_head(prove);
  rc = prove_batches(prove);
  if (rc == LEDGER_OK) rc = prove_waiting(prove);
  for (int i = 0; rc == LEDGER_OK && i < db->catalog->relation_count; i++)
    if (change_is_followed(&db->catalog->relations[i]))
      rc = prove_relation(prove, &db->catalog->relations[i]);
  if (rc == LEDGER_OK) prove_end(prove);
  return rc;
}

LEDGER_PRIVATE int prove_script(ledger *db,
                                int (*write)(void *context, const void *bytes, size_t length),
                                void *context) {
  struct prove *prove = sqlite3_malloc(sizeof *prove);
  if (!prove) return error_memory(&db->error);
  memset(prove, 0, offsetof(struct prove, script));
  prove->db = db;
  prove->key = sqlite3_str_new(NULL);
  row_text_open(&prove->text);
  script_start(&prove->script, write, context);
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK) {
    rc = prove_body(prove);
    /* After an error nothing more goes out: what has gone is rolled back when main's connection ends. */
    if (rc == LEDGER_OK && script_end(&prove->script) != LEDGER_OK) rc = prove_written(prove);
    transaction_end_read(db);
  }
  row_text_close(&prove->text);
  sqlite3_free(sqlite3_str_finish(prove->key));
  sqlite3_free(prove);
  return rc;
}
