/*
** verify_walk.c: the walk over all journals in their order. Entries, plain rows and audit rows were appended in the same order, so
** that each table is read once, from its first row to its last, side by side with the journals. A row that is not the next one
** of its table is looked for by its key, and where rows stand that no journal asks for, these are breaks: V7 for completed plain
** rows, V11 for audit rows. Also V10, the chain itself, and the integers of V9.
*/
#include "../internal.h"
#include "verify.h"

#define WALK_PASS_MAX                                                                              \
  1000 /* rows nobody asked for that are passed at once, on the way to one that stands further on */
#define WALK_PASSED_MAX 100000 /* rows that are remembered, in case a later journal asks for them */
#define WALK_REPORT_EVERY 4096
#define WALK_KEYS                                                                                  \
  4 /* foreign keys of a table that are looked at here; with more PRAGMA foreign_key_check does it */

/* A table that is read along. */
struct walk_stream {
  const char *table;
  enum imported_table imported;
  bool is_audit;
  sqlite3_stmt *rows, *one; /* in order, and by key */
  bool owns;                /* the two are not fixed statements */
  bool has_row;             /* the cursor stands on one */
  int key_count;            /* foreign keys that are looked at on the way */
  struct walk_key {
    int column; /* of the statement */
    const char *parent;
    sqlite3_stmt *stmt;
    char last[64]; /* that was found: many rows have the same actor */
  } keys[WALK_KEYS];
  int passed_count, passed_room, ahead_count, ahead_room;
  struct walk_passed {
    int64_t rowid;
    char id[37];
    bool is_claimed;
  } * passed;     /* in the order of their rowids */
  int64_t *ahead; /* rowids behind the cursor's that were found by key */
};

enum { WALK_TRANSACTIONS, WALK_PORTFOLIO, WALK_AUDIT, WALK_STREAMS };

struct walk {
  struct verify *verify;
  bool is_first;
  sqlite3_stmt *journals, *entries, *remainders, *checkpoints;
  bool has_journal, has_entry, has_remainder, has_checkpoint;
  struct walk_stream streams[WALK_STREAMS];
  struct value *audit_row; /* the columns of audit_logs */
  unsigned char hash[32];  /* of the journal before */
  bool knows_hash;         /* false behind a gap */
  int64_t last_seq, last_entry;
  char last_word[32]; /* of the kind of the journal before */
  int64_t checkpoint_count;
  int64_t breaks_before; /* when the journal's entries were not read yet */
  struct verify_journal journal;
};

/* ---- opening and closing */

static int walk_open_fixed(struct walk *walk, enum statement_id id, sqlite3_stmt **stmt,
                           bool *has) {
  *stmt = statement_fixed(walk->verify->db, id);
  if (*stmt == NULL) return verify_trouble(walk->verify, walk->verify->db->error.code);
  return verify_step(walk->verify, *stmt, has);
}

/* Column of the stream's statement that holds a column of the relation; -1: none. */
static int walk_column(const struct verify *verify, const struct relation *relation, int column) {
  if (relation == verify->tables->audit_logs) return column + 2;
  return relation == verify->tables->transactions &&
                 strcmp(relation->columns[column].name, "account_id") == 0
             ? VERIFY_ROW_OWNER
             : -1;
}

LEDGER_PRIVATE bool verify_walk_sees_keys(const struct verify *verify,
                                          const struct relation *relation) {
  int count = 0;
  if (relation != verify->tables->audit_logs && relation != verify->tables->transactions)
    return false;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *key = relation->constraints[i];
    if (key->kind != 'f') continue;
    if (key->count != 1 || walk_column(verify, relation, key->columns[0]) < 0) return false;
    count++;
  }
  return count <= WALK_KEYS;
}

static int walk_open_keys(struct walk *walk, struct walk_stream *stream,
                          const struct relation *relation) {
  if (!verify_walk_sees_keys(walk->verify, relation)) return LEDGER_OK;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'f') continue;
    const struct relation *parent = constraint->reference;
    struct walk_key *key = &stream->keys[stream->key_count++];
    key->column = walk_column(walk->verify, relation, constraint->columns[0]);
    key->parent = parent->name;
    sqlite3_str *sql = sqlite3_str_new(walk->verify->db->sqlite);
    sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\" WHERE \"%w\" = ?1", parent->stored_name,
                        parent->columns[constraint->reference_columns[0]].name);
    int rc = statement_prepare(walk->verify->db, sql, &key->stmt);
    if (rc != LEDGER_OK) return verify_trouble(walk->verify, rc);
  }
  return LEDGER_OK;
}

/* To the stream's next row. Does what the row under the cursor refers to exist? Where the journal's entries are on its account,
** that is known (`is_known`). */
static int walk_next(struct walk *walk, struct walk_stream *stream, bool is_known) {
  for (int i = 0; i < stream->key_count && !is_known; i++) {
    struct walk_key *key = &stream->keys[i];
    bool found;
    const char *text = verify_text(stream->rows, key->column);
    if (text == NULL || (key->last[0] != 0 && strcmp(text, key->last) == 0)) continue;
    sqlite3_bind_text(key->stmt, 1, text, -1, SQLITE_STATIC);
    int rc = verify_step(walk->verify, key->stmt, &found);
    sqlite3_reset(key->stmt);
    if (rc != LEDGER_OK) return rc;
    if (found && strlen(text) < sizeof key->last)
      sqlite3_snprintf((int)sizeof key->last, key->last, "%s", text);
    if (!found)
      verify_break(walk->verify, "V12", stream->table, verify_text(stream->rows, VERIFY_ROW_ID), 0,
                   "the row refers to a row of %s that is not there", key->parent);
  }
  return verify_step(walk->verify, stream->rows, &stream->has_row);
}

static int walk_open_plain(struct walk *walk, int number, const char *table, enum statement_id rows,
                           enum statement_id one) {
  struct walk_stream *stream = &walk->streams[number];
  stream->table = table;
  stream->imported = number == WALK_PORTFOLIO ? IMPORTED_PORTFOLIO : IMPORTED_TRANSACTIONS;
  int rc = walk_open_fixed(walk, rows, &stream->rows, &stream->has_row);
  if (rc != LEDGER_OK) return rc;
  stream->one = statement_fixed(walk->verify->db, one);
  return stream->one == NULL ? verify_trouble(walk->verify, walk->verify->db->error.code)
                             : LEDGER_OK;
}

/* SELECT rowid and all columns of audit_logs, in the order of the relation, as audit_hash() takes them. */
static int walk_prepare_audit(struct walk *walk, const char *tail, sqlite3_stmt **stmt) {
  const struct relation *relation = walk->verify->tables->audit_logs;
  sqlite3_str *sql = sqlite3_str_new(walk->verify->db->sqlite);
  sqlite3_str_appendall(sql, "SELECT rowid, id");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, ", \"%w\"", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM audit_logs %s", tail);
  return statement_prepare(walk->verify->db, sql, stmt);
}

static int walk_open_audit(struct walk *walk) {
  struct walk_stream *stream = &walk->streams[WALK_AUDIT];
  const struct relation *relation = walk->verify->tables->audit_logs;
  stream->table = "audit_logs";
  stream->imported = IMPORTED_AUDIT;
  stream->is_audit = stream->owns = true;
  walk->audit_row = sqlite3_malloc64((size_t)relation->column_count * sizeof *walk->audit_row);
  if (walk->audit_row == NULL) return error_memory(&walk->verify->db->error);
  int rc = walk_prepare_audit(walk, "ORDER BY rowid", &stream->rows);
  if (rc == LEDGER_OK) rc = walk_prepare_audit(walk, "WHERE id = ?1", &stream->one);
  if (rc != LEDGER_OK) return verify_trouble(walk->verify, rc);
  return verify_step(walk->verify, stream->rows, &stream->has_row);
}

static int walk_open(struct walk *walk) {
  const struct book_tables *tables = walk->verify->tables;
  int rc = walk_open_fixed(walk, STATEMENT_VERIFY_JOURNALS, &walk->journals, &walk->has_journal);
  if (rc == LEDGER_OK)
    rc = walk_open_fixed(walk, STATEMENT_VERIFY_ENTRIES, &walk->entries, &walk->has_entry);
  if (rc == LEDGER_OK)
    rc = walk_open_fixed(walk, STATEMENT_VERIFY_REMAINDERS_ALL, &walk->remainders,
                         &walk->has_remainder);
  if (rc != LEDGER_OK || !walk->is_first) return rc;
  rc = walk_open_fixed(walk, STATEMENT_VERIFY_CHECKPOINTS, &walk->checkpoints,
                       &walk->has_checkpoint);
  if (rc == LEDGER_OK && tables->transactions != NULL)
    rc = walk_open_plain(walk, WALK_TRANSACTIONS, "transactions", STATEMENT_VERIFY_TRANSACTIONS,
                         STATEMENT_VERIFY_TRANSACTION);
  if (rc == LEDGER_OK && tables->transactions != NULL)
    rc = walk_open_keys(walk, &walk->streams[WALK_TRANSACTIONS], tables->transactions);
  if (rc == LEDGER_OK && tables->portfolio_transactions != NULL)
    rc = walk_open_plain(walk, WALK_PORTFOLIO, "portfolio_transactions",
                         STATEMENT_VERIFY_PORTFOLIO_ROWS, STATEMENT_VERIFY_PORTFOLIO_ROW);
  if (rc == LEDGER_OK && tables->audit_logs != NULL) rc = walk_open_audit(walk);
  if (rc == LEDGER_OK && tables->audit_logs != NULL)
    rc = walk_open_keys(walk, &walk->streams[WALK_AUDIT], tables->audit_logs);
  return rc;
}

static void walk_close(struct walk *walk) {
  sqlite3_reset(walk->journals);
  sqlite3_reset(walk->entries);
  sqlite3_reset(walk->remainders);
  sqlite3_reset(walk->checkpoints);
  for (int i = 0; i < WALK_STREAMS; i++) {
    struct walk_stream *stream = &walk->streams[i];
    sqlite3_reset(stream->rows);
    sqlite3_reset(stream->one);
    if (stream->owns) statement_end(stream->rows);
    if (stream->owns) statement_end(stream->one);
    for (int k = 0; k < stream->key_count; k++) statement_end(stream->keys[k].stmt);
    sqlite3_free(stream->passed);
    sqlite3_free(stream->ahead);
  }
  sqlite3_free(walk->audit_row);
}

/* ---- rows that do not stand where they are looked for */

static int walk_grow(struct walk *walk, void **items, int *room, size_t size) {
  int more = *room == 0 ? 64 : 2 * *room;
  void *grown = sqlite3_realloc64(*items, (size_t)more * size);
  if (grown == NULL) return error_memory(&walk->verify->db->error);
  *items = grown;
  *room = more;
  return LEDGER_OK;
}

LEDGER_PRIVATE bool verify_is_imported(const struct verify *verify, enum imported_table table,
                                       int64_t rowid) {
  for (int i = 0; i < verify->import_count; i++) {
    const struct verify_import *import = &verify->imports[i];
    if (import->table == table && rowid >= import->first && rowid <= import->last) return true;
  }
  return false;
}

static void walk_unclaimed(struct walk *walk, const struct walk_stream *stream, const char *id) {
  if (stream->is_audit)
    verify_break(walk->verify, "V11", stream->table, id, 0,
                 "no journal has this audit row in the chain");
  else
    verify_break(walk->verify, "V7", stream->table, id, 0,
                 "the row is completed, but no journal made it");
}

/* Was the row under the cursor found by its key before? Then that is told once. */
static bool walk_was_ahead(struct walk_stream *stream) {
  int64_t rowid = sqlite3_column_int64(stream->rows, 0);
  for (int i = 0; i < stream->ahead_count; i++) {
    if (stream->ahead[i] != rowid) continue;
    stream->ahead[i] = stream->ahead[--stream->ahead_count];
    return true;
  }
  return false;
}

/* Leaves the row under the cursor behind. Only completed rows must have a journal; an application's own pending ones need not. */
static int walk_pass(struct walk *walk, struct walk_stream *stream, int *counted) {
  const char *id = verify_text(stream->rows, VERIFY_ROW_ID);
  const char *status = stream->is_audit ? NULL : verify_text(stream->rows, VERIFY_ROW_STATUS);
  bool counts =
      (stream->is_audit || (status != NULL && strcmp(status, "completed") == 0)) &&
      !verify_is_imported(walk->verify, stream->imported, sqlite3_column_int64(stream->rows, 0));
  if (!walk_was_ahead(stream) && counts) {
    ++*counted;
    if (stream->passed_count == WALK_PASSED_MAX) {
      walk_unclaimed(walk, stream, id);
    } else {
      int rc = stream->passed_count < stream->passed_room
                   ? LEDGER_OK
                   : walk_grow(walk, (void **)&stream->passed, &stream->passed_room,
                               sizeof *stream->passed);
      if (rc != LEDGER_OK) return rc;
      struct walk_passed *passed = &stream->passed[stream->passed_count++];
      *passed = (struct walk_passed){.rowid = sqlite3_column_int64(stream->rows, 0)};
      sqlite3_snprintf((int)sizeof passed->id, passed->id, "%s", id == NULL ? "" : id);
    }
  }
  return walk_next(walk, stream, false);
}

/* The row with this rowid, found by its key, is a journal's. */
static int walk_claim(struct walk *walk, struct walk_stream *stream, int64_t rowid) {
  int counted = 0, rc = LEDGER_OK;
  bool is_behind = !stream->has_row || sqlite3_column_int64(stream->rows, 0) > rowid;
  if (is_behind) {
    int low = 0, high = stream->passed_count;
    while (low < high) {
      int middle = (low + high) / 2;
      if (stream->passed[middle].rowid < rowid)
        low = middle + 1;
      else
        high = middle;
    }
    if (low < stream->passed_count && stream->passed[low].rowid == rowid)
      stream->passed[low].is_claimed = true;
    return LEDGER_OK;
  }
  while (rc == LEDGER_OK && stream->has_row && counted < WALK_PASS_MAX &&
         sqlite3_column_int64(stream->rows, 0) < rowid)
    rc = walk_pass(walk, stream, &counted);
  if (rc != LEDGER_OK || !stream->has_row) return rc;
  if (sqlite3_column_int64(stream->rows, 0) == rowid) return walk_next(walk, stream, false);
  if (stream->ahead_count == stream->ahead_room)
    rc = walk_grow(walk, (void **)&stream->ahead, &stream->ahead_room, sizeof *stream->ahead);
  if (rc == LEDGER_OK) stream->ahead[stream->ahead_count++] = rowid;
  return rc;
}

/* What is left when the last journal was read. */
static int walk_rest(struct walk *walk, struct walk_stream *stream) {
  int rc = LEDGER_OK, counted = 0;
  while (rc == LEDGER_OK && stream->has_row) rc = walk_pass(walk, stream, &counted);
  for (int i = 0; i < stream->passed_count && rc == LEDGER_OK; i++) {
    const struct walk_passed *passed = &stream->passed[i];
    if (!passed->is_claimed && !verify_is_imported(walk->verify, stream->imported, passed->rowid))
      walk_unclaimed(walk, stream, passed->id);
  }
  return rc;
}

/* ---- a journal's row */

enum {
  WALK_SEQ,
  WALK_KIND,
  WALK_ID,
  WALK_REFERENCE,
  WALK_PARENT,
  WALK_OUTCOME,
  WALK_REASON,
  WALK_EFFECTIVE,
  WALK_CREATED,
  WALK_ROWS,
  WALK_REQUEST,
  WALK_DETAIL,
  WALK_HASH
};

/* A text that the chain takes: it ends at its first NUL there. */
static const char *walk_text(sqlite3_stmt *stmt, int column, bool may_be_null, bool *is_sound) {
  struct value value = statement_value(stmt, column);
  if (value.kind == VALUE_TEXT) {
    if (strlen(value.text) != value.length) *is_sound = false;
    return value.text;
  }
  if (value.kind != VALUE_NULL || !may_be_null) *is_sound = false;
  return may_be_null ? NULL : "";
}

static int64_t walk_integer(sqlite3_stmt *stmt, int column, bool may_be_null, bool *is_sound) {
  struct value value = statement_value(stmt, column);
  if (value.kind == VALUE_INTEGER) return value.integer;
  if (value.kind != VALUE_NULL || !may_be_null) *is_sound = false;
  return 0;
}

static void walk_read_journal(struct walk *walk) {
  struct verify_journal *journal = &walk->journal;
  sqlite3_stmt *stmt = walk->journals;
  bool is_sound = true;
  journal->seq = sqlite3_column_int64(stmt, WALK_SEQ);
  journal->word = walk_text(stmt, WALK_KIND, false, &is_sound);
  journal->id = walk_text(stmt, WALK_ID, false, &is_sound);
  journal->reference = walk_text(stmt, WALK_REFERENCE, true, &is_sound);
  journal->reason = walk_text(stmt, WALK_REASON, true, &is_sound);
  journal->detail = walk_text(stmt, WALK_DETAIL, true, &is_sound);
  journal->parent = walk_integer(stmt, WALK_PARENT, true, &is_sound);
  int64_t outcome = walk_integer(stmt, WALK_OUTCOME, false, &is_sound);
  journal->effective_us = walk_integer(stmt, WALK_EFFECTIVE, true, &is_sound);
  int64_t created_us = walk_integer(stmt, WALK_CREATED, false, &is_sound);
  journal->row_count = walk_integer(stmt, WALK_ROWS, false, &is_sound);
  journal->request_length = (size_t)sqlite3_column_bytes(stmt, WALK_REQUEST);
  journal->request = sqlite3_column_blob(stmt, WALK_REQUEST);
  if (outcome < 0 || outcome > INT_MAX || journal->row_count < 0 ||
      journal->row_count > JOURNAL_ROW_MAX || strlen(journal->id) != 36)
    is_sound = false;
  journal->outcome = outcome < 0 || outcome > INT_MAX ? -1 : (int)outcome;
  if (strcmp(journal->word, walk->last_word) != 0) { /* mostly the same again */
    int kind = operation_kind(journal->word, strlen(journal->word));
    journal->kind = kind < 0 ? LEDGER_OP_COUNT : (enum ledger_operation_kind)kind;
    sqlite3_snprintf((int)sizeof walk->last_word, walk->last_word, "%s", journal->word);
  }
  if (journal->kind == LEDGER_OP_COUNT) is_sound = false;
  if (journal->time_length == 0 || created_us != journal->created_us) {
    journal->created_us = created_us;
    if (created_us > INT64_C(-62135596800000000) && created_us < INT64_C(253402300800000000))
      journal->time_length = moment_text(walk->verify->tables->transactions_time,
                                         created_us + MOMENT_UNIX_EPOCH, journal->time);
    else
      is_sound = false;
  }
  journal->reference_length = journal->reference == NULL ? 0 : strlen(journal->reference);
  journal->entry_count = 0;
  memset(journal->stored, 0, sizeof journal->stored);
  if (sqlite3_column_type(stmt, WALK_HASH) == SQLITE_BLOB &&
      sqlite3_column_bytes(stmt, WALK_HASH) == (int)sizeof journal->stored)
    memcpy(journal->stored, sqlite3_column_blob(stmt, WALK_HASH), sizeof journal->stored);
  else
    is_sound = false;
  if (!is_sound && walk->is_first)
    verify_break(walk->verify, "V9", "ledger_journal", journal->id, journal->seq,
                 "a column has not the type or the range that the book writes");
}

/* ---- its entries */

enum {
  WALK_ENTRY_SEQ,
  WALK_ENTRY_JOURNAL,
  WALK_ENTRY_KEY,
  WALK_ENTRY_LAYER,
  WALK_ENTRY_AMOUNT,
  WALK_ENTRY_BALANCE,
  WALK_ENTRY_AVAILABLE,
  WALK_ENTRY_VERSION,
  WALK_ENTRY_PREVIOUS,
  WALK_ENTRY_JUMP
};

static void walk_read_entry(struct walk *walk, struct verify_entry *entry) {
  sqlite3_stmt *stmt = walk->entries;
  bool is_sound = true;
  int64_t layer = walk_integer(stmt, WALK_ENTRY_LAYER, false, &is_sound);
  *entry = (struct verify_entry){
      .seq = sqlite3_column_int64(stmt, WALK_ENTRY_SEQ),
      .account_key = walk_integer(stmt, WALK_ENTRY_KEY, false, &is_sound),
      .amount = walk_integer(stmt, WALK_ENTRY_AMOUNT, false, &is_sound),
      .balance_after = walk_integer(stmt, WALK_ENTRY_BALANCE, false, &is_sound),
      .available_after = walk_integer(stmt, WALK_ENTRY_AVAILABLE, false, &is_sound),
      .version = walk_integer(stmt, WALK_ENTRY_VERSION, false, &is_sound),
      .previous = walk_integer(stmt, WALK_ENTRY_PREVIOUS, true, &is_sound),
      .jump = walk_integer(stmt, WALK_ENTRY_JUMP, true, &is_sound),
      .layer = (int)layer};
  (void)walk_integer(stmt, WALK_ENTRY_JOURNAL, false, &is_sound);
  if (layer < LAYER_POSTED || layer > LAYER_EXPECTED || entry->amount == 0 ||
      entry->amount == INT64_MIN)
    is_sound = false;
  if (!walk->is_first) return;
  if (!is_sound)
    verify_break(walk->verify, "V9", "ledger_entry", NULL, entry->seq,
                 "a column has not the type or the range that the book writes");
  if (entry->seq != walk->last_entry + 1)
    verify_break(walk->verify, "V3", "ledger_entry", NULL, walk->last_entry + 1,
                 "entries %lld to %lld are missing", (long long)(walk->last_entry + 1),
                 (long long)(entry->seq - 1));
}

/* The entry under the cursor, of the journal that is read or, with `orphan`, of one that is not there. */
static int walk_entry(struct walk *walk, bool orphan) {
  struct verify *verify = walk->verify;
  struct verify_journal *journal = &walk->journal;
  struct verify_entry spare, *entry = &spare;
  bool has_room = !orphan && journal->entry_count < JOURNAL_LEG_MAX;
  if (has_room) entry = &journal->entries[journal->entry_count];
  walk_read_entry(walk, entry);
  walk->last_entry = entry->seq;
  if (walk->is_first) verify->entries++;
  int rc = verify_identify(verify, entry->account_key, &entry->who, &entry->account);
  if (rc != LEDGER_OK) return rc;
  if (walk->is_first && entry->who.unit < 0)
    verify_break(verify, "V3", "ledger_entry", NULL, entry->seq, "there is no account number %lld",
                 (long long)entry->account_key);
  if (walk->is_first && !has_room)
    verify_break(verify, "V1", "ledger_entry", NULL, entry->seq,
                 orphan ? "the entry's journal %lld is not there"
                        : "journal %lld has more entries than there can be",
                 (long long)sqlite3_column_int64(walk->entries, WALK_ENTRY_JOURNAL));
  verify_entry(verify, journal, entry);
  if (has_room) journal->entry_count++;
  return verify_step(verify, walk->entries, &walk->has_entry);
}

/* Entries up to those of journal `seq`. */
static int walk_entries(struct walk *walk, int64_t seq) {
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && walk->has_entry) {
    int64_t of = sqlite3_column_int64(walk->entries, WALK_ENTRY_JOURNAL);
    if (of > seq) break;
    rc = walk_entry(walk, of < seq);
  }
  return rc;
}

/* ---- its rows, and the link that all of it makes */

static void walk_chain_start(const struct walk *walk, struct chain *chain) {
  const struct verify_journal *journal = &walk->journal;
  chain_start(chain, walk->hash);
  chain_journal(chain, journal->seq, journal->word, journal->id, journal->reference,
                journal->parent, journal->outcome, journal->reason, journal->effective_us,
                journal->created_us, (int)journal->row_count, journal->request,
                journal->request_length, journal->detail);
}

static void walk_chain_entries(const struct walk *walk, struct chain *chain) {
  const struct verify_journal *journal = &walk->journal;
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    chain_entry(chain, entry->seq, entry->account_key, entry->layer, entry->amount,
                entry->balance_after, entry->available_after, entry->version, entry->previous,
                entry->jump);
  }
}

static void walk_chain_audit(struct walk *walk, sqlite3_stmt *stmt, struct chain *chain) {
  unsigned char hash[32] = {0};
  const struct relation *relation = walk->verify->tables->audit_logs;
  if (stmt != NULL) {
    for (int i = 0; i < relation->column_count; i++)
      walk->audit_row[i] = statement_value(stmt, i + 2);
    audit_hash(relation, walk->audit_row, hash);
  }
  chain_bytes(chain, hash, sizeof hash);
}

static bool walk_is_row_of(const struct walk *walk, const struct walk_stream *stream) {
  const char *id = stream->has_row ? verify_text(stream->rows, VERIFY_ROW_ID) : NULL;
  return id != NULL && strncmp(id, walk->journal.id, 34) == 0;
}

/* As it is when nobody has touched the file: each row is the next of its table. *is_proven: all of it is as the chain says. */
static int walk_follow(struct walk *walk, bool *is_proven) {
  struct verify *verify = walk->verify;
  struct walk_stream *plain = &walk->streams[WALK_TRANSACTIONS];
  struct walk_stream *portfolio = &walk->streams[WALK_PORTFOLIO];
  struct walk_stream *audit = &walk->streams[WALK_AUDIT];
  struct chain chain;
  unsigned char hash[32];
  int rc = LEDGER_OK;
  *is_proven = false;
  walk_chain_start(walk, &chain);
  for (int64_t i = 0; i < walk->journal.row_count && rc == LEDGER_OK; i++) {
    struct walk_stream *stream = walk_is_row_of(walk, plain) ? plain : NULL;
    if (walk_is_row_of(walk, portfolio) &&
        (stream == NULL || strcmp(verify_text(portfolio->rows, VERIFY_ROW_ID) + 34,
                                  verify_text(plain->rows, VERIFY_ROW_ID) + 34) < 0))
      stream = portfolio;
    if (stream == NULL ||
        !verify_row(verify, &walk->journal, stream->rows, stream == portfolio, false, &chain))
      return LEDGER_OK;
    rc = walk_next(walk, stream, walk->journal.outcome == LEDGER_OK);
  }
  bool has_audit = verify->tables->audit_logs != NULL;
  const char *id = has_audit && audit->has_row ? verify_text(audit->rows, VERIFY_ROW_ID) : NULL;
  if (rc != LEDGER_OK || (has_audit && (id == NULL || strcmp(id, walk->journal.id) != 0)))
    return rc;
  walk_chain_entries(walk, &chain);
  walk_chain_audit(walk, has_audit ? audit->rows : NULL, &chain);
  chain_end(&chain, hash);
  *is_proven = memcmp(hash, walk->journal.stored, sizeof hash) == 0 && walk->knows_hash;
  return *is_proven && has_audit ? walk_next(walk, audit, false) : LEDGER_OK;
}

/* One row by its key: *found; said and chained, and claimed. */
static int walk_find_row(struct walk *walk, int number, int n, struct chain *chain, bool *found) {
  struct verify *verify = walk->verify;
  struct walk_stream *stream = &walk->streams[number];
  char id[37];
  *found = false;
  if (stream->one == NULL) return LEDGER_OK;
  sqlite3_snprintf((int)sizeof id, id, "%.34s%02x", walk->journal.id, n);
  sqlite3_bind_text(stream->one, 1, id, -1, SQLITE_STATIC);
  int rc = verify_step(verify, stream->one, found);
  if (*found) {
    int64_t rowid = sqlite3_column_int64(stream->one, 0);
    verify_row(verify, &walk->journal, stream->one, number == WALK_PORTFOLIO, true, chain);
    rc = walk_claim(walk, stream, rowid);
  }
  sqlite3_reset(stream->one);
  return rc;
}

/* The plain rows by their keys: they are numbered from 1, or from 2 where 1 is an order's or a payout's own row. */
static int walk_find_rows(struct walk *walk, struct chain *chain) {
  int64_t found_count = 0;
  int rc = LEDGER_OK;
  for (int n = 1;
       n <= walk->journal.row_count + 1 && found_count < walk->journal.row_count && rc == LEDGER_OK;
       n++) {
    bool found = false;
    rc = walk_find_row(walk, WALK_TRANSACTIONS, n, chain, &found);
    if (rc == LEDGER_OK && !found) rc = walk_find_row(walk, WALK_PORTFOLIO, n, chain, &found);
    found_count += found;
  }
  if (rc == LEDGER_OK && found_count < walk->journal.row_count)
    verify_break(walk->verify, "V7", "ledger_journal", walk->journal.id, walk->journal.seq,
                 "the journal made %lld plain rows, %lld are there",
                 (long long)walk->journal.row_count, (long long)found_count);
  return rc;
}

static int walk_find_audit(struct walk *walk, struct chain *chain, bool *found) {
  struct verify *verify = walk->verify;
  struct walk_stream *stream = &walk->streams[WALK_AUDIT];
  *found = false;
  if (verify->tables->audit_logs == NULL) {
    walk_chain_audit(walk, NULL, chain);
    *found = true;
    return LEDGER_OK;
  }
  sqlite3_bind_text(stream->one, 1, walk->journal.id, -1, SQLITE_STATIC);
  int rc = verify_step(verify, stream->one, found);
  if (*found) {
    int64_t rowid = sqlite3_column_int64(stream->one, 0);
    walk_chain_audit(walk, stream->one, chain);
    rc = walk_claim(walk, stream, rowid);
  } else if (rc == LEDGER_OK) {
    verify_break(verify, "V11", "audit_logs", walk->journal.id, walk->journal.seq,
                 "the audit row of journal %lld is not there", (long long)walk->journal.seq);
  }
  sqlite3_reset(stream->one);
  return rc;
}

/* When that did not go well: all rows by their keys, and what is wrong is said. The chain goes on from the hash that stands in the
** file, so that one wrong journal is one break. */
static int walk_search(struct walk *walk) {
  struct verify *verify = walk->verify;
  struct chain chain;
  unsigned char hash[32];
  bool has_audit;
  walk_chain_start(walk, &chain);
  int rc = walk_find_rows(walk, &chain);
  walk_chain_entries(walk, &chain);
  if (rc == LEDGER_OK) rc = walk_find_audit(walk, &chain, &has_audit);
  if (rc != LEDGER_OK || !walk->knows_hash) return rc;
  chain_end(&chain, hash);
  if (memcmp(hash, walk->journal.stored, sizeof hash) == 0) return LEDGER_OK;
  bool is_sound = verify->breaks == walk->breaks_before;
  verify_break(verify, "V10", "ledger_journal", walk->journal.id, walk->journal.seq,
               "the hash of journal %lld is not that of what it wrote",
               (long long)walk->journal.seq);
  if (is_sound &&
      verify->tables->audit_logs != NULL) /* entries and plain rows agree: one of two is left */
    verify_break(verify, "V11", "audit_logs", walk->journal.id, walk->journal.seq,
                 "the audit row, or the journal's own row, is not the one that was chained");
  return LEDGER_OK;
}

/* ---- checkpoints and the head that the caller kept */

enum { WALK_POINT_JOURNAL, WALK_POINT_HASH, WALK_POINT_SUMS, WALK_POINT_KEY, WALK_POINT_SIGNATURE };

static void walk_point_break(struct walk *walk, const char *message) {
  verify_break(walk->verify, "V10", "ledger_checkpoint", NULL,
               sqlite3_column_int64(walk->checkpoints, WALK_POINT_JOURNAL), "%s", message);
}

/* The sums as the walk has made them so far. */
static int walk_point_sums(struct walk *walk, const char *sums) {
  sqlite3_str *text = sqlite3_str_new(walk->verify->db->sqlite);
  head_sums(text, &walk->verify->units, walk->checkpoint_count, walk->last_seq, walk->last_entry);
  int rc = sqlite3_str_errcode(text);
  if (rc == SQLITE_OK && strcmp(sqlite3_str_value(text), sums) != 0)
    walk_point_break(walk, "the sums of the checkpoint are not those of the journals up to it");
  sqlite3_free(sqlite3_str_finish(text));
  return rc == SQLITE_OK ? LEDGER_OK : error_memory(&walk->verify->db->error);
}

static int walk_point_signature(struct walk *walk, const char *sums) {
  struct verify *verify = walk->verify;
  sqlite3_stmt *stmt = walk->checkpoints;
  const unsigned char *key = sqlite3_column_blob(stmt, WALK_POINT_KEY);
  const unsigned char *signature = sqlite3_column_blob(stmt, WALK_POINT_SIGNATURE);
  if (sqlite3_column_bytes(stmt, WALK_POINT_KEY) != 32 ||
      sqlite3_column_bytes(stmt, WALK_POINT_SIGNATURE) != 64 || key == NULL || signature == NULL) {
    walk_point_break(walk, "the key or the signature of the checkpoint is none");
    return LEDGER_OK;
  }
  if (verify->has_key && memcmp(key, verify->key, sizeof verify->key) != 0)
    walk_point_break(walk, "the checkpoint is signed with another key");
  size_t length;
  const char *message = head_message(verify->db, walk->last_seq, walk->hash, sums, &length);
  if (message == NULL) return verify->db->error.code;
  if (!seal_sign_is_valid(key, message, length, signature))
    walk_point_break(walk, "the signature of the checkpoint does not hold");
  return LEDGER_OK;
}

/* The checkpoints of the journal that was read last, and of journals before it that are not there. */
static int walk_checkpoints(struct walk *walk) {
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && walk->has_checkpoint) {
    sqlite3_stmt *stmt = walk->checkpoints;
    int64_t of = sqlite3_column_int64(stmt, WALK_POINT_JOURNAL);
    if (of > walk->last_seq) break;
    walk->checkpoint_count++;
    walk->verify->checkpoints++;
    const unsigned char *hash = sqlite3_column_blob(stmt, WALK_POINT_HASH);
    const char *sums = verify_text(stmt, WALK_POINT_SUMS);
    if (of < walk->last_seq) {
      walk_point_break(walk, "the journal that was signed is not there");
    } else if (sums == NULL || hash == NULL || sqlite3_column_bytes(stmt, WALK_POINT_HASH) != 32 ||
               memcmp(hash, walk->hash, sizeof walk->hash) != 0) {
      walk_point_break(walk, "the hash that was signed is not that of the journal");
    } else {
      rc = walk_point_sums(walk, sums);
      if (rc == LEDGER_OK) rc = walk_point_signature(walk, sums);
    }
    if (walk->verify->head_given && of == walk->verify->head_seq)
      walk->verify->head_is_signed = true;
    if (rc == LEDGER_OK) rc = verify_step(walk->verify, walk->checkpoints, &walk->has_checkpoint);
  }
  return rc;
}

/* The head that the caller kept: found when its journal is passed. With a public key beside it it was a signed one, whose
** checkpoint must be there, too. */
static void walk_head(struct walk *walk) {
  struct verify *verify = walk->verify;
  if (!verify->head_given || verify->head_found || walk->last_seq != verify->head_seq) return;
  verify->head_found = true;
  if (memcmp(walk->hash, verify->head_hash, sizeof walk->hash) != 0)
    verify_break(verify, "V10", "ledger_journal", NULL, walk->last_seq,
                 "the chain does not pass through the head that was given");
}

static int walk_end_first(struct walk *walk) {
  struct verify *verify = walk->verify;
  int rc = LEDGER_OK;
  for (; walk->has_checkpoint && rc == LEDGER_OK;
       rc = verify_step(verify, walk->checkpoints, &walk->has_checkpoint)) {
    verify->checkpoints++;
    walk_point_break(walk, "the journal that was signed is not there");
  }
  if (verify->head_given && !verify->head_found)
    verify_break(verify, "V10", "ledger_journal", NULL, verify->head_seq,
                 "the chain ends before the head that was given");
  else if (verify->head_given && verify->options->public_key != NULL && !verify->head_is_signed)
    verify_break(verify, "V10", "ledger_checkpoint", NULL, verify->head_seq,
                 "the checkpoint of the head that was given is not there");
  for (int i = 0; i < WALK_STREAMS && rc == LEDGER_OK; i++) rc = walk_rest(walk, &walk->streams[i]);
  return rc;
}

/* ---- the walk */

static void walk_order(struct walk *walk, int64_t last_created_us) {
  struct verify *verify = walk->verify;
  const struct verify_journal *journal = &walk->journal;
  walk->knows_hash = journal->seq == walk->last_seq + 1;
  if (!walk->knows_hash)
    verify_break(verify, "V10", "ledger_journal", NULL, walk->last_seq + 1,
                 "journals %lld to %lld are missing", (long long)(walk->last_seq + 1),
                 (long long)(journal->seq - 1));
  if (journal->created_us < last_created_us)
    verify_break(verify, "V10", "ledger_journal", journal->id, journal->seq,
                 "the journal is older than the one before it");
  if (journal->parent >= journal->seq || journal->parent < 0)
    verify_break(verify, "V9", "ledger_journal", journal->id, journal->seq,
                 "the journal is about a later one");
}

/* The remainder of the journal, which stands at its place in the order; those of journals that are not there. */
static int walk_remainder(struct walk *walk) {
  struct verify_journal *journal = &walk->journal;
  sqlite3_stmt *stmt = walk->remainders;
  int rc = LEDGER_OK;
  journal->has_remainder = false;
  journal->amount = journal->settled = journal->released = 0;
  while (rc == LEDGER_OK && walk->has_remainder) {
    int64_t of = sqlite3_column_int64(stmt, 0);
    if (of > journal->seq) return LEDGER_OK;
    bool is_sound = true;
    journal->has_remainder = of == journal->seq;
    journal->amount = walk_integer(stmt, 1, false, &is_sound);
    journal->settled = walk_integer(stmt, 2, false, &is_sound);
    journal->released = walk_integer(stmt, 3, false, &is_sound);
    (void)walk_integer(stmt, 4, true, &is_sound);
    if (walk->is_first && !is_sound)
      verify_break(walk->verify, "V9", "ledger_remainder", NULL, of,
                   "a column is not stored as an integer");
    if (walk->is_first && of < journal->seq)
      verify_break(walk->verify, "V8", "ledger_remainder", NULL, of, "its journal is not there");
    rc = verify_step(walk->verify, walk->remainders, &walk->has_remainder);
  }
  return rc;
}

/* The journal of an import: are the rows that it brought as they came? */
static int walk_import(struct walk *walk) {
  struct verify *verify = walk->verify;
  int rc = LEDGER_OK;
  for (int table = 0; table < IMPORTED_TABLES && rc == LEDGER_OK; table++) {
    struct imported_mark mark;
    bool holds;
    rc = imported_find(verify->db, walk->journal.detail, (enum imported_table)table, &mark, &holds);
    if (rc == LEDGER_INVALID_TEXT || rc == LEDGER_UNTRANSLATABLE) break; /* V10 says so */
    if (rc != LEDGER_OK) return verify_trouble(verify, rc);
    if (!holds)
      verify_break(verify, table == IMPORTED_AUDIT ? "V11" : "V7", imported_name(table), NULL,
                   walk->journal.seq,
                   "the rows that the import of journal %lld brought are not as they came",
                   (long long)walk->journal.seq);
    if (mark.first == 0) continue;
    struct verify_import *grown = sqlite3_realloc64(
        verify->imports, ((size_t)verify->import_count + 1) * sizeof *verify->imports);
    if (grown == NULL) return error_memory(&verify->db->error);
    verify->imports = grown;
    verify->imports[verify->import_count++] = (struct verify_import){
        .table = (enum imported_table)table, .first = mark.first, .last = mark.last};
  }
  error_clear(&verify->db->error);
  return LEDGER_OK;
}

/* What is asked once of a journal, whatever accounts are in memory. */
static int walk_prove(struct walk *walk) {
  struct verify *verify = walk->verify;
  struct verify_journal *journal = &walk->journal;
  bool is_proven = false;
  verify_balance(verify, journal);
  int rc = LEDGER_OK;
  if (journal->kind == LEDGER_OP_AUDIT && journal->detail != NULL) rc = walk_import(walk);
  if (rc == LEDGER_OK) rc = walk_follow(walk, &is_proven);
  if (rc == LEDGER_OK && !is_proven) rc = walk_search(walk);
  verify->rows += journal->row_count;
  verify->audits += verify->tables->audit_logs != NULL;
  memcpy(walk->hash, journal->stored, sizeof walk->hash);
  walk->last_seq = journal->seq;
  if (rc == LEDGER_OK) rc = walk_checkpoints(walk);
  walk_head(walk);
  return rc;
}

static int walk_journal(struct walk *walk) {
  struct verify *verify = walk->verify;
  struct verify_journal *journal = &walk->journal;
  int64_t last_created_us = journal->created_us;
  walk->breaks_before = verify->breaks;
  walk_read_journal(walk);
  verify->last_seq = journal->seq;
  if (walk->is_first) walk_order(walk, walk->last_seq == 0 ? INT64_MIN : last_created_us);
  int rc = walk_entries(walk, journal->seq);
  if (rc == LEDGER_OK) rc = walk_remainder(walk);
  if (rc != LEDGER_OK) return rc;
  verify_limits(verify, journal);
  verify_remainder_own(verify, journal, walk->is_first);
  if (journal->parent != 0) verify_parent(verify, journal);
  if (journal->detail != NULL) rc = verify_detail(verify, journal, walk->is_first);
  if (rc == LEDGER_OK && walk->is_first) rc = walk_prove(walk);
  arena_reset(&verify->db->arena); /* nothing of one journal is needed for the next */
  return rc;
}

static int walk_all(struct walk *walk) {
  struct verify *verify = walk->verify;
  int rc = LEDGER_OK;
  int64_t count = 0;
  if (walk->is_first) { /* an empty book has a head, too, and may have been signed */
    rc = walk_checkpoints(walk);
    walk_head(walk);
  }
  while (rc == LEDGER_OK && walk->has_journal && !verify->damaged) {
    rc = walk_journal(walk);
    count++;
    if (walk->is_first) verify->journals++;
    if (rc == LEDGER_OK && count % WALK_REPORT_EVERY == 0)
      rc = connection_report(verify->db, count, 0);
    if (rc == LEDGER_OK) rc = verify_step(verify, walk->journals, &walk->has_journal);
  }
  walk->journal.entry_count = 0;
  if (rc == LEDGER_OK && !verify->damaged) rc = walk_entries(walk, INT64_MAX);
  if (rc == LEDGER_OK && !verify->damaged) {
    walk->journal.seq = INT64_MAX;
    rc = walk_remainder(walk);
  }
  if (rc == LEDGER_OK && !verify->damaged && walk->is_first) rc = walk_end_first(walk);
  return rc;
}

LEDGER_PRIVATE int verify_walk(struct verify *verify, bool is_first) {
  struct walk *walk = sqlite3_malloc64(sizeof *walk);
  if (walk == NULL) return error_memory(&verify->db->error);
  memset(walk, 0, sizeof *walk);
  walk->verify = verify;
  walk->is_first = is_first;
  walk->journal.kind = LEDGER_OP_COUNT; /* of no word */
  int rc = walk_open(walk);
  if (rc == LEDGER_OK && !verify->damaged) rc = walk_all(walk);
  walk_close(walk);
  sqlite3_free(walk);
  return rc;
}

#undef WALK_PASS_MAX
#undef WALK_PASSED_MAX
#undef WALK_REPORT_EVERY
#undef WALK_KEYS
