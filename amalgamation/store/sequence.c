/*
** sequence.c: nextval(). A sequence's state lives in memory while a transaction runs and in ledger_sequence once it
** commits. As in PostgreSQL a value that was taken stays taken when its transaction rolls back, within this process;
** what another process took is seen at the first nextval() of each write transaction, and the further of the two counts.
** A sequence that cycles has no further one: there the file's value counts, and a rollback gives its values back.
*/
#include "../internal.h"

/* Is the state (last_value, is_called) of the file further than the one in memory? */
static bool sequence_is_further(const struct sequence *sequence, int64_t last_value,
                                bool is_called) {
  if (sequence->cycle) return true;
  if (last_value == sequence->last_value) return is_called && !sequence->is_called;
  return (last_value > sequence->last_value) == (sequence->increment > 0);
}

static int sequence_read(ledger *db, struct sequence *sequence) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SEQUENCE_READ);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, sequence->id);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    int64_t last_value = sqlite3_column_int64(stmt, 0);
    bool is_called = sqlite3_column_int(stmt, 1) != 0;
    if (sequence_is_further(sequence, last_value, is_called)) {
      sequence->last_value = last_value;
      sequence->is_called = is_called;
      sequence->is_dirty = false;
    }
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  sequence->read_in = db->transaction;
  return LEDGER_OK;
}

LEDGER_PRIVATE int sequence_next(ledger *db, struct sequence *sequence, int64_t *value) {
  if (sequence->read_in != db->transaction) {
    int rc = sequence_read(db, sequence);
    if (rc != LEDGER_OK) return rc;
  }
  int rc = sequence_step(sequence, value, &db->error);
  if (rc != LEDGER_OK) return rc;
  sequence->last_value = *value;
  sequence->is_called = true;
  sequence->is_dirty = true;
  db->has_dirty_sequence = true;
  return LEDGER_OK;
}

LEDGER_PRIVATE int sequence_nextval(void *owner, const char *stored_name, int64_t *value,
                                    ledger_error *error) {
  ledger *db = owner;
  ledger_error before = db->error;
  int rc = db->catalog == NULL ? catalog_refresh(db)
                               : LEDGER_OK; /* seed rows, while the file is being made */
  struct sequence *sequence = rc == LEDGER_OK ? catalog_sequence(db->catalog, stored_name) : NULL;
  if (rc == LEDGER_OK && sequence == NULL) {
    rc = error_set(&db->error, LEDGER_UNDEFINED_TABLE, "relation \"%s\" does not exist",
                   stored_name);
  }
  if (rc == LEDGER_OK) rc = sequence_next(db, sequence, value);
  if (error != NULL && rc != LEDGER_OK) *error = db->error;
  db->error = before; /* SQLite hands the function's error up */
  return rc;
}

LEDGER_PRIVATE int sequence_flush(ledger *db) {
  if (!db->has_dirty_sequence) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SEQUENCE_WRITE);
  if (stmt == NULL) return db->error.code;
  for (int i = 0; i < db->catalog->sequence_count; i++) {
    struct sequence *sequence = &db->catalog->sequences[i];
    if (!sequence->is_dirty) continue;
    if (sequence->read_in != db->transaction) { /* taken in a transaction that was rolled back */
      int rc = sequence_read(db, sequence);
      if (rc != LEDGER_OK) return rc;
      if (!sequence->is_dirty) continue;
    }
    sqlite3_bind_int64(stmt, 1, sequence->id);
    sqlite3_bind_int64(stmt, 2, sequence->last_value);
    sqlite3_bind_int(stmt, 3, sequence->is_called);
    sqlite3_step(stmt);
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE void sequence_committed(ledger *db) {
  if (!db->has_dirty_sequence) return;
  db->has_dirty_sequence = false;
  for (int i = 0; i < db->catalog->sequence_count; i++) db->catalog->sequences[i].is_dirty = false;
}
