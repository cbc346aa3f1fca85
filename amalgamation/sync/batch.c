/*
** batch.c: cuts batches and gives them out again. A batch is everything that was written since the last cut, at one snapshot, in
** one write transaction: its body of rows goes into ledger_batch_chunk as it is made, then its header, whose hash is the
** batch's. The form of both is described in schema/sync/50_receive.sql, which reads them.
*/
#include "../internal.h"

#define BATCH_HEX (2 * SEAL_SHA256_BYTES)

struct batch_writer {
  ledger *db;
  struct sync_state state;
  struct change_range range;
  const char *head;                        /* hash of the last journal, hexadecimal */
  int64_t clock, change_clock, created_us; /* change_clock: the largest of a change */
  bool is_careful;
  /* the body */
  struct deflater *deflater;
  unsigned char *compressed;
  int chunks;
  int64_t bytes, rows;
  struct seal_sha256 hash;
  int rc; /* of writing chunks */
  /* the table that is being written */
  const struct relation *relation; /* NULL: none, or the differences of a careful batch */
  bool has_table;
  int64_t table_rows;
  uint64_t table_sum;
  bool has_field; /* the row has */
  struct row_text text;
  sqlite3_str *record;  /* the row as it arrives, for the sum */
  sqlite3_str *tables;  /* of the header */
  struct script script; /* last: it is large */
};

/* ---- chunks */

static int batch_insert_chunk(struct batch_writer *batch, const void *bytes, size_t length) {
  ledger *db = batch->db;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_CHUNK_INSERT);
  if (stmt == NULL) return db->error.code;
  size_t compressed = deflate_chunk(batch->deflater, bytes, length, batch->compressed);
  sqlite3_bind_int64(stmt, 1, batch->state.cut_seq + 1);
  sqlite3_bind_int(stmt, 2, batch->chunks++);
  sqlite3_bind_int64(stmt, 3, (int64_t)length);
  sqlite3_bind_blob(stmt, 4, batch->compressed, (int)compressed, SQLITE_STATIC);
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  seal_sha256_update(&batch->hash, bytes, length);
  batch->bytes += (int64_t)length;
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int batch_write_chunk(void *context, const void *bytes, size_t length) {
  struct batch_writer *batch = context;
  batch->rc = batch_insert_chunk(batch, bytes, length);
  return batch->rc;
}

/* ---- rows: in COPY's form into the body, and as they arrive for the sum of the table: fields with tabs between them, \N for null */

static void batch_next_field(struct batch_writer *batch) {
  if (batch->has_field) {
    script_bytes(&batch->script, "\t", 1);
    sqlite3_str_append(batch->record, "\t", 1);
  }
  batch->has_field = true;
}

static void batch_null(struct batch_writer *batch) {
  batch_next_field(batch);
  script_bytes(&batch->script, "\\N", 2);
  sqlite3_str_append(batch->record, "\\N", 2);
}

/* False: it is not valid UTF-8, or has a NUL. */
static bool batch_field(struct batch_writer *batch, const char *text, size_t length) {
  batch_next_field(batch);
  bool is_ascii = script_copy_field(&batch->script, text, length);
  sqlite3_str_append(batch->record, text, (int)length);
  return is_ascii || text_is_valid_utf8(text, length);
}

static void batch_word(struct batch_writer *batch, const char *text) {
  batch_field(batch, text, strlen(text));
}

static int batch_end_row(struct batch_writer *batch) {
  script_bytes(&batch->script, "\n", 1);
  if (batch->rc != LEDGER_OK) return batch->rc;
  int rc = sqlite3_str_errcode(batch->record);
  if (rc == SQLITE_TOOBIG)
    return error_set(&batch->db->error, LEDGER_PROGRAM_LIMIT, "a row is too long for a batch");
  if (rc != SQLITE_OK) return error_memory(&batch->db->error);
  batch->table_sum +=
      hash_text(sqlite3_str_value(batch->record), (size_t)sqlite3_str_length(batch->record));
  batch->table_rows++;
  batch->rows++;
  batch->has_field = false;
  sqlite3_str_reset(batch->record);
  return LEDGER_OK;
}

/* ---- tables */

static void batch_list(sqlite3_str *out, const char *name, bool *is_first) {
  if (!*is_first) sqlite3_str_appendchar(out, 1, ',');
  *is_first = false;
  json_quote(out, name, strlen(name));
}

static void batch_end_table(struct batch_writer *batch) {
  if (!batch->has_table) return;
  batch->has_table = false;
  script_bytes(&batch->script, "\\.\n", 3);
  sqlite3_str_appendf(batch->tables, ",\"rows\":%lld,\"sum\":\"%llu\"}",
                      (long long)batch->table_rows, (unsigned long long)batch->table_sum);
}

static void batch_start_table(struct batch_writer *batch, const char *schema, const char *name) {
  batch_end_table(batch);
  batch->has_table = true;
  batch->table_rows = 0;
  batch->table_sum = 0;
  sqlite3_str_appendall(batch->tables, sqlite3_str_length(batch->tables) > 0 ? ",{" : "{");
  json_member(batch->tables, "schema", schema);
  json_member(batch->tables, "table", name);
}

static void batch_start_relation(struct batch_writer *batch, const struct change_row *row) {
  const struct relation *relation = row->relation;
  bool is_first = true;
  batch->relation = relation;
  batch_start_table(batch, relation->schema, relation->name);
  sqlite3_str_appendall(batch->tables, ",\"columns\":[");
  for (int i = 0; i < relation->column_count; i++)
    if (relation->columns[i].generated_sql == NULL)
      batch_list(batch->tables, relation->columns[i].name, &is_first);
  sqlite3_str_appendall(batch->tables, "],\"deltas\":[");
  is_first = true;
  for (int i = 0; i < row->table->delta_count; i++)
    batch_list(batch->tables, relation->columns[row->table->deltas[i]].name, &is_first);
  sqlite3_str_appendchar(batch->tables, 1, ']');
}

static void batch_delta(struct batch_writer *batch, const struct relation *relation, int column,
                        int64_t amount) {
  char text[MONEY_TEXT_MAX];
  batch_field(batch, text, money_text(amount, relation->columns[column].type.scale, text));
}

/* A foreign program may have made a row with a key that PostgreSQL cannot have, and taken it away again: main never had it. */
static int batch_has_key(struct batch_writer *batch, const struct change_row *row, bool *out) {
  const struct constraint *primary = row->relation->primary;
  *out = true;
  for (int i = 0; i < primary->count && *out; i++) {
    int column = primary->columns[i];
    if (row->values[column].kind == VALUE_NULL) continue;
    int rc = row_text_read(batch->db, row->relation, column, row->values, &batch->text);
    if (rc == LEDGER_MEMORY) return rc;
    *out = rc == LEDGER_OK && text_is_valid_utf8(batch->text.text, batch->text.length);
  }
  error_clear(&batch->db->error);
  return LEDGER_OK;
}

static int batch_add_row(void *context, const struct change_row *row) {
  struct batch_writer *batch = context;
  const struct relation *relation = row->relation;
  char number[24];
  bool has_key = true;
  int rc = row->is_gone ? batch_has_key(batch, row, &has_key) : LEDGER_OK;
  if (rc != LEDGER_OK || !has_key) return rc;
  if (relation != batch->relation) batch_start_relation(batch, row);
  snprintf(number, sizeof number, "%lld", (long long)row->hlc);
  if (row->hlc == 0)
    batch_null(batch);
  else
    batch_word(batch, number);
  batch_word(batch, row->is_gone ? "t" : "f");
  for (int i = 0; i < row->table->delta_count; i++) {
    if (row->deltas[i] == 0 || batch->is_careful)
      batch_null(batch);
    else
      batch_delta(batch, relation, row->table->deltas[i], row->deltas[i]);
  }
  for (int i = 0; i < relation->column_count; i++) {
    if (relation->columns[i].generated_sql != NULL) continue;
    if (row->values[i].kind == VALUE_NULL) {
      batch_null(batch);
      continue;
    }
    rc = row_text_read(batch->db, relation, i, row->values, &batch->text);
    if (rc != LEDGER_OK) return rc;
    if (!batch_field(batch, batch->text.text, batch->text.length))
      return row_text_bad(batch->db, relation, i, row->values, LEDGER_BAD_ENCODING,
                          "not valid UTF-8, or a NUL");
  }
  return batch_end_row(batch);
}

/* A row of a careful batch's last table: main adds the differences of the journals that it does not have. */
static int batch_add_delta(void *context, const struct change_delta *delta) {
  struct batch_writer *batch = context;
  if (batch->relation != NULL) {
    batch->relation = NULL;
    batch_start_table(batch, "ledger_sync", "delta");
    sqlite3_str_appendall(batch->tables,
                          ",\"columns\":[\"table_schema\",\"table_name\",\"key\",\"journal\","
                          "\"column_name\",\"amount\"],\"deltas\":[]");
  }
  batch_null(batch);
  batch_word(batch, "f");
  batch_word(batch, delta->relation->schema);
  batch_word(batch, delta->relation->name);
  batch_field(batch, delta->key.text, delta->key.length);
  batch_field(batch, delta->journal.text, delta->journal.length);
  batch_word(batch, delta->relation->columns[delta->column].name);
  batch_delta(batch, delta->relation, delta->column, delta->amount);
  return batch_end_row(batch);
}

static int batch_write_body(struct batch_writer *batch) {
  int rc = change_set_rows(batch->db, &batch->range, batch_add_row, batch);
  if (rc == LEDGER_OK && batch->is_careful && batch->relation != NULL)
    rc = change_set_deltas(batch->db, &batch->range, batch_add_delta, batch);
  if (rc != LEDGER_OK) return rc;
  batch_end_table(batch);
  script_end(&batch->script);
  return batch->rc;
}

/* ---- the header */

/* One line of JSON, in the arena. */
static const char *batch_header(struct batch_writer *batch) {
  const struct sync_state *state = &batch->state;
  const struct change_range *range = &batch->range;
  char previous[BATCH_HEX + 1], body[BATCH_HEX + 1], created[MOMENT_TEXT_MAX];
  unsigned char hash[SEAL_SHA256_BYTES];
  const char *schema;
  if (sync_meta(batch->db, "schema_sha256", &schema) != LEDGER_OK) return NULL;
  seal_sha256_final(&batch->hash, hash);
  text_hex(hash, sizeof hash, body);
  text_hex(state->cut_hash, state->cut_hash_length, previous);
  state_time(batch->created_us, created);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "{\"ledger_batch\":1,\"device\":\"%s\",\"epoch\":%lld,\"seq\":%lld",
                      state->device, (long long)state->epoch, (long long)state->cut_seq + 1);
  json_member(out, "previous", previous);
  json_member(out, "schema", schema);
  sqlite3_str_appendf(out, ",\"first\":%lld,\"last\":%lld,\"journal\":%lld",
                      (long long)range->from_change + 1, (long long)range->to_change,
                      (long long)range->to_journal);
  json_member(out, "head", batch->head);
  sqlite3_str_appendf(out, ",\"rows\":%lld,\"bytes\":%lld,\"body\":\"%s\",\"clock\":%lld",
                      (long long)batch->rows, (long long)batch->bytes, body,
                      (long long)batch->clock);
  json_member(out, "created_at", created);
  sqlite3_str_appendf(out, ",\"careful\":%s,\"tables\":[", batch->is_careful ? "true" : "false");
  if (sqlite3_str_length(batch->tables) > 0)
    sqlite3_str_append(out, sqlite3_str_value(batch->tables), sqlite3_str_length(batch->tables));
  sqlite3_str_appendall(out, "]}");
  if (sqlite3_str_errcode(batch->tables) != SQLITE_OK) sqlite3_str_reset(out); /* memory */
  char *header = arena_finish(&batch->db->arena, out);
  if (header == NULL || sqlite3_str_errcode(batch->tables) != SQLITE_OK) {
    error_memory(&batch->db->error);
    return NULL;
  }
  return header;
}

static int batch_keep(struct batch_writer *batch, const char *header,
                      const unsigned char hash[32]) {
  ledger *db = batch->db;
  const struct change_range *range = &batch->range;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, batch->state.cut_seq + 1);
  sqlite3_bind_text(stmt, 2, header, -1, SQLITE_STATIC);
  sqlite3_bind_blob(stmt, 3, hash, SEAL_SHA256_BYTES, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 4, range->to_change);
  sqlite3_bind_int64(stmt, 5, range->to_journal);
  sqlite3_bind_int64(stmt, 6, range->to_entry);
  sqlite3_bind_int64(stmt, 7, batch->rows);
  sqlite3_bind_int64(stmt, 8, batch->bytes);
  sqlite3_bind_int64(stmt, 9, batch->created_us);
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

/* ---- cutting */

/* Where the file stands. */
static int batch_measure(struct batch_writer *batch) {
  ledger *db = batch->db;
  const struct sync_state *state = &batch->state;
  struct change_range *range = &batch->range;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_POSITION);
  if (stmt == NULL) return db->error.code;
  range->from_change = range->to_change = state->cut_change;
  range->from_journal = range->to_journal = state->cut_journal;
  range->from_entry = range->to_entry = state->cut_entry;
  batch->is_careful = state->is_careful;
  batch->created_us = db->session.now_us;
  batch->clock = batch->created_us / 1000 * SYNC_CLOCK_MS;
  if (state->hlc > batch->clock) batch->clock = state->hlc;
  sqlite3_bind_int64(stmt, 1, state->cut_change);
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    int64_t change = sqlite3_column_int64(stmt, 0), journal = sqlite3_column_int64(stmt, 1),
            entry = sqlite3_column_int64(stmt, 2);
    if (change > range->to_change) range->to_change = change;
    if (journal > range->to_journal) range->to_journal = journal;
    if (entry > range->to_entry) range->to_entry = entry;
    batch->change_clock = sqlite3_column_int64(stmt, 3);
    if (batch->change_clock > batch->clock) batch->clock = batch->change_clock;
    rc = statement_text(db, stmt, 4, &batch->head);
    if (batch->head == NULL) batch->head = "";
  }
  sqlite3_reset(stmt);
  return rc;
}

static int batch_move(struct batch_writer *batch, bool has_batch, const unsigned char *hash) {
  ledger *db = batch->db;
  const struct change_range *range = &batch->range;
  const struct sync_state *state = &batch->state;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_MOVE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, state->cut_seq + has_batch);
  sqlite3_bind_blob(stmt, 2, hash, (int)(has_batch ? SEAL_SHA256_BYTES : state->cut_hash_length),
                    SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 3, range->to_change);
  sqlite3_bind_int64(stmt, 4, range->to_journal);
  sqlite3_bind_int64(stmt, 5, range->to_entry);
  sqlite3_bind_int(stmt, 6, state->is_careful && !has_batch);
  sqlite3_bind_int64(stmt, 7, batch->change_clock);
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int batch_write(struct batch_writer *batch, int64_t *seq) {
  unsigned char hash[SEAL_SHA256_BYTES];
  int rc = batch_write_body(batch);
  if (rc != LEDGER_OK) return rc;
  /* Nothing of it travels: tables that are local, rows that were replaced by themselves. It is looked at once. */
  if (batch->rows == 0) return batch_move(batch, false, batch->state.cut_hash);
  const char *header = batch_header(batch);
  if (header == NULL) return batch->db->error.code;
  struct seal_sha256 state;
  seal_sha256_init(&state);
  seal_sha256_update(&state, header, strlen(header));
  seal_sha256_final(&state, hash);
  rc = batch_keep(batch, header, hash);
  if (rc == LEDGER_OK) rc = batch_move(batch, true, hash);
  if (rc == LEDGER_OK) *seq = batch->state.cut_seq + 1;
  return rc;
}

static bool batch_is_due(const struct change_range *range) {
  return range->to_change > range->from_change || range->to_journal > range->from_journal;
}

LEDGER_PRIVATE int batch_cut(ledger *db, int64_t *seq) {
  *seq = 0;
  if (db->in_transaction)
    return error_set(
        &db->error, LEDGER_ACTIVE_TRANSACTION,
        "a batch cannot be cut within a transaction: it would go when that rolls back");
  struct batch_writer *batch = sqlite3_malloc64(sizeof *batch);
  if (batch == NULL) return error_memory(&db->error);
  memset(batch, 0, offsetof(struct batch_writer, script));
  batch->db = db;
  batch->deflater = deflate_open();
  batch->compressed = sqlite3_malloc64(deflate_room(SCRIPT_BUFFER));
  batch->record = sqlite3_str_new(NULL);
  batch->tables = sqlite3_str_new(NULL);
  row_text_open(&batch->text);
  seal_sha256_init(&batch->hash);
  script_start(&batch->script, batch_write_chunk, batch);
  int rc = batch->deflater == NULL || batch->compressed == NULL ? error_memory(&db->error)
                                                                : transaction_begin(db);
  if (rc == LEDGER_OK) {
    rc = state_read(db, &batch->state);
    if (rc == LEDGER_OK) rc = batch_measure(batch);
    if (rc == LEDGER_OK && batch_is_due(&batch->range)) rc = batch_write(batch, seq);
    rc = transaction_end(db, rc);
  }
  if (rc != LEDGER_OK) *seq = 0;
  deflate_close(batch->deflater);
  sqlite3_free(batch->compressed);
  sqlite3_free(sqlite3_str_finish(batch->record));
  sqlite3_free(sqlite3_str_finish(batch->tables));
  row_text_close(&batch->text);
  sqlite3_free(batch);
  return rc;
}

/* ---- giving it out again */

LEDGER_PRIVATE int batch_unknown(ledger *db, int64_t seq) {
  return error_set(&db->error, LEDGER_UNKNOWN_REFERENCE,
                   "batch %lld is not kept: main has received it, or it was never cut",
                   (long long)seq);
}

LEDGER_PRIVATE int batch_altered(ledger *db, int64_t seq) {
  return error_set(&db->error, LEDGER_ALTERED, "batch %lld is not as it was cut", (long long)seq);
}

static int batch_restore(ledger *db, sqlite3_stmt *stmt, int64_t seq, int64_t n, char *out,
                         size_t *length) {
  int64_t expected = sqlite3_column_int64(stmt, 1);
  const void *bytes = sqlite3_column_blob(stmt, 2);
  size_t compressed = (size_t)sqlite3_column_bytes(stmt, 2);
  if (bytes == NULL && sqlite3_errcode(db->sqlite) == SQLITE_NOMEM) return error_memory(&db->error);
  if (sqlite3_column_int64(stmt, 0) != n || expected < 1 || expected > BATCH_CHUNK || bytes == NULL)
    return batch_altered(db, seq);
  *length = (size_t)expected;
  int rc = deflate_restore(bytes, compressed, out, *length);
  if (rc == LEDGER_MEMORY) return error_memory(&db->error);
  return rc == LEDGER_OK ? LEDGER_OK : batch_altered(db, seq);
}

static int batch_read_chunks(ledger *db, int64_t seq, char *bytes,
                             int (*chunk)(void *, const char *, size_t), void *context) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_CHUNKS);
  if (stmt == NULL) return db->error.code;
  int64_t n = 0;
  int rc = LEDGER_OK;
  sqlite3_bind_int64(stmt, 1, seq);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    size_t length = 0;
    rc = batch_restore(db, stmt, seq, n++, bytes, &length);
    if (rc == LEDGER_OK) rc = chunk(context, bytes, length);
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_DONE) return rc;
  return n > 0 ? LEDGER_OK : batch_unknown(db, seq);
}

LEDGER_PRIVATE int batch_read(ledger *db, int64_t seq,
                              int (*chunk)(void *context, const char *bytes, size_t length),
                              void *context) {
  char *bytes = sqlite3_malloc64(BATCH_CHUNK);
  if (bytes == NULL) return error_memory(&db->error);
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK) {
    rc = batch_read_chunks(db, seq, bytes, chunk, context);
    transaction_end_read(db);
  }
  sqlite3_free(bytes);
  return rc;
}
