/*
** journal_past.c: journals that were written, read again: for replays, holds, reversals.
*/
#include "../internal.h"
#include "book_state.h"

LEDGER_PRIVATE int journal_exists(ledger *db, const char *reference, int64_t *seq) {
  *seq = 0;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_BY_REFERENCE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, reference, -1, SQLITE_STATIC);
  if (sqlite3_step(stmt) == SQLITE_ROW) *seq = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int past_request(ledger *db, sqlite3_stmt *stmt, int column, struct journal_past *past) {
  const char *request = sqlite3_column_blob(stmt, column);
  past->request_length = (size_t)sqlite3_column_bytes(stmt, column);
  if (past->request_length == 0) return LEDGER_OK;
  if (request != NULL) request = arena_copy(&db->arena, request, past->request_length);
  past->request = (const unsigned char *)request;
  return request == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int past_read(ledger *db, sqlite3_stmt *stmt, struct journal_past *past) {
  const char *kind = NULL, *id = NULL;
  int rc = statement_text(db, stmt, 1, &kind);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 2, &id);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 3, &past->reference);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 6, &past->reason);
  if (rc == LEDGER_OK) rc = statement_text(db, stmt, 11, &past->detail);
  if (rc == LEDGER_OK) rc = past_request(db, stmt, 10, past);
  if (rc != LEDGER_OK) return rc;
  past->seq = sqlite3_column_int64(stmt, 0);
  past->parent = sqlite3_column_int64(stmt, 4);
  past->outcome = sqlite3_column_int(stmt, 5);
  past->effective_us = sqlite3_column_int64(stmt, 7);
  past->created_us = sqlite3_column_int64(stmt, 8);
  past->row_count = sqlite3_column_int(stmt, 9);
  if (kind == NULL || id == NULL)
    return error_set(&db->error, LEDGER_BOOK_BROKEN, "journal %lld cannot be read",
                     (long long)past->seq);
  int number = operation_kind(kind, strlen(kind));
  past->kind = number < 0 ? LEDGER_OP_AUDIT : (enum ledger_operation_kind)number;
  sqlite3_snprintf((int)sizeof past->id, past->id, "%s", id);
  return LEDGER_OK;
}

static int past_entry(ledger *db, struct journal_past *past, const struct journal_entry *entry,
                      int *room) {
  if (past->entry_count == *room) {
    int more = *room == 0 ? 4 : 2 * *room;
    struct journal_entry *entries = arena_alloc(&db->arena, (size_t)more * sizeof *entries);
    if (entries == NULL) return error_memory(&db->error);
    if (past->entry_count > 0)
      memcpy(entries, past->entries, (size_t)past->entry_count * sizeof *entries);
    past->entries = entries;
    *room = more;
  }
  past->entries[past->entry_count++] = *entry;
  return LEDGER_OK;
}

/* seq of the first entry of a journal or of a later one: entries are in the order of their journals, so it is found by halving.
** 0: none. */
static int past_first_entry(ledger *db, int64_t journal, int64_t *out) {
  int64_t low = 1, high = db->book->last_entry + 1; /* the answer is in [low, high] */
  while (low < high) {
    int64_t middle = low + (high - low) / 2, found = INT64_MAX;
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ENTRY_JOURNAL);
    if (stmt == NULL) return db->error.code;
    sqlite3_bind_int64(stmt, 1, middle);
    if (sqlite3_step(stmt) == SQLITE_ROW) found = sqlite3_column_int64(stmt, 0);
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
    if (found < journal)
      low = middle + 1;
    else
      high = middle;
  }
  *out = low;
  return LEDGER_OK;
}

static int past_entries(ledger *db, struct journal_past *past) {
  int64_t first = 0, keys[JOURNAL_LEG_MAX];
  int room = 0;
  int rc = past_first_entry(db, past->seq, &first);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ENTRIES_FROM);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, first);
  while (rc == LEDGER_OK && past->entry_count < JOURNAL_LEG_MAX &&
         sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 7) == past->seq) {
    struct journal_entry entry = {.seq = sqlite3_column_int64(stmt, 0),
                                  .layer = sqlite3_column_int(stmt, 2),
                                  .amount = sqlite3_column_int64(stmt, 3),
                                  .balance_after = sqlite3_column_int64(stmt, 4),
                                  .available_after = sqlite3_column_int64(stmt, 5),
                                  .version = sqlite3_column_int64(stmt, 6)};
    keys[past->entry_count] = sqlite3_column_int64(stmt, 1);
    rc = past_entry(db, past, &entry, &room);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  for (int i = 0; i < past->entry_count && rc == LEDGER_OK; i++)
    rc = account_by_key(db, keys[i], &past->entries[i].account);
  return rc;
}

LEDGER_PRIVATE int journal_past_by_seq(ledger *db, int64_t seq, struct journal_past *out) {
  *out = (struct journal_past){0};
  int rc = journal_head(db);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_BY_SEQ);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  bool found = sqlite3_step(stmt) == SQLITE_ROW;
  if (found) rc = past_read(db, stmt, out);
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  if (rc != LEDGER_OK) return rc;
  if (!found)
    return error_set(&db->error, LEDGER_UNKNOWN_REFERENCE, "there is no journal %lld",
                     (long long)seq);
  return past_entries(db, out);
}

LEDGER_PRIVATE int journal_past(ledger *db, const char *reference, struct journal_past *out) {
  int64_t seq;
  int rc = journal_exists(db, reference, &seq);
  if (rc != LEDGER_OK) return rc;
  if (seq == 0) {
    return error_set(&db->error, LEDGER_UNKNOWN_REFERENCE, "no operation has the reference \"%s\"",
                     reference);
  }
  return journal_past_by_seq(db, seq, out);
}
