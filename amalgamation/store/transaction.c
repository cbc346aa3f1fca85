/*
** transaction.c: transactions of a handle, one call's or the caller's own, and the checkpoint where SQLite's own
** automatic one is not safe.
**
** In SQLite 3.7.0 to 3.51.2 a checkpoint may take a WAL that a commit has just begun anew for the one that it read before,
** and count frames as copied that are not: the file is corrupt. A checkpoint that holds the lock of writers cannot. With
** such a library automatic checkpoints are off, and a connection whose commit leaves a long WAL checkpoints in FULL mode,
** which takes that lock. The last connection that closes checkpoints by itself: it has the file alone then.
*/
#include "../internal.h"

#define TRANSACTION_CHECKPOINT_TRIES 10

/* Waits a moment for a writer or a reader, not long: other writers wait, too. When FULL does not get the lock of writers it
** goes on without; the interrupt ends it before it has copied anything. */
static int transaction_wait(void *context, int tries) {
  ledger *db = context;
  if (tries < TRANSACTION_CHECKPOINT_TRIES) {
    sqlite3_sleep(1);
    return 1;
  }
  sqlite3_interrupt(db->sqlite);
  return 0;
}

static void transaction_checkpoint(ledger *db) {
  if (db->checkpoint_pages == 0 || db->wal_pages < db->checkpoint_pages) return;
  sqlite3_busy_handler(db->sqlite, transaction_wait, db);
  int rc = sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
  sqlite3_busy_timeout(db->sqlite, db->timeout_ms);
  /* Under a long read it would fail at each commit: the next try comes when the WAL is longer. */
  db->checkpoint_pages = TRANSACTION_CHECKPOINT_PAGES;
  if (rc != SQLITE_OK) db->checkpoint_pages += db->wal_pages;
  db->wal_pages = 0;
}

/* Did SQLite roll the caller's transaction back by itself? A read that fails can do it as well as a write, and without it
** each further write would commit alone. */
static bool transaction_is_lost(ledger *db) {
  if (db->in_transaction && sqlite3_get_autocommit(db->sqlite)) db->transaction_lost = true;
  return db->transaction_lost;
}

static int transaction_lost(ledger *db) {
  error_set(&db->error, LEDGER_NO_TRANSACTION,
            "the transaction was rolled back after an error of the disk or of memory");
  return error_hint(&db->error, "Roll back, then begin again.");
}

/* Undoes whatever is open. SQLite may have done so itself after an error. */
static void transaction_undo(ledger *db) {
  bool is_open = !sqlite3_get_autocommit(db->sqlite);
  if (!is_open || sqlite3_txn_state(db->sqlite, "main") == SQLITE_TXN_WRITE) db->row_writes++;
  if (is_open) {
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ROLLBACK);
    if (stmt != NULL) {
      sqlite3_step(stmt);
      sqlite3_reset(stmt);
    }
  }
  db->session.now_us = 0;
}

/* BEGIN, after the ROLLBACK that an earlier call had no memory for. */
static int transaction_start(ledger *db, enum statement_id begin) {
  if (!sqlite3_get_autocommit(db->sqlite)) transaction_undo(db);
  if (!sqlite3_get_autocommit(db->sqlite)) return error_memory(&db->error);
  error_clear(&db->error);
  /* Made before it is needed: a transaction that cannot be undone for want of memory would keep the file locked. */
  if (statement_fixed(db, STATEMENT_ROLLBACK) == NULL) return db->error.code;
  int rc = statement_run(db, begin);
  if (rc != LEDGER_OK) return rc;
  rc = catalog_refresh(db);
  if (rc == LEDGER_OK) return LEDGER_OK;
  ledger_error error = db->error;
  transaction_undo(db);
  db->error = error;
  return rc;
}

static int transaction_finish(ledger *db) {
  int rc = sequence_flush(db);
  sqlite3_stmt *stmt = rc == LEDGER_OK ? statement_fixed(db, STATEMENT_COMMIT) : NULL;
  if (rc == LEDGER_OK && stmt == NULL) rc = db->error.code;
  if (rc == LEDGER_OK) {
    sqlite3_step(stmt);
    int sqlite_rc = sqlite3_reset(stmt);
    if (sqlite_rc == SQLITE_OK) {
      sequence_committed(db);
      db->session.now_us = 0;
      transaction_checkpoint(db);
      return LEDGER_OK;
    }
    rc = (sqlite_rc & 0xff) == SQLITE_CONSTRAINT ? violation_deferred(db)
                                                 : store_error(db, sqlite_rc);
  }
  ledger_error error = db->error;
  transaction_undo(db);
  db->error = error;
  return rc;
}

LEDGER_PRIVATE int transaction_begin(ledger *db) {
  if (transaction_is_lost(db)) return transaction_lost(db);
  if (db->is_unchecked && statement_check_again(db) != LEDGER_OK) return db->error.code;
  if (db->in_transaction) return LEDGER_OK;
  if (db->is_read_only) {
    return error_set(&db->error, LEDGER_READ_ONLY, "cannot write to file \"%s\": it is read-only",
                     db->path);
  }
  int rc = transaction_start(db, STATEMENT_BEGIN_WRITE);
  if (rc != LEDGER_OK) return rc;
  db->transaction++;
  db->session.now_us = clock_now_us();
  return LEDGER_OK;
}

LEDGER_PRIVATE int transaction_end(ledger *db, int rc) {
  if (db->in_transaction) return rc;
  if (rc == LEDGER_OK) return transaction_finish(db);
  ledger_error error = db->error;
  transaction_undo(db);
  db->error = error;
  return rc;
}

LEDGER_PRIVATE int transaction_open(ledger *db) {
  if (db->in_transaction) {
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "there is already a transaction in progress");
  }
  int rc = transaction_begin(db);
  if (rc == LEDGER_OK) db->in_transaction = true;
  return rc;
}

LEDGER_PRIVATE int transaction_commit(ledger *db) {
  if (!db->in_transaction) {
    return error_set(&db->error, LEDGER_NO_TRANSACTION, "there is no transaction in progress");
  }
  if (transaction_is_lost(db)) return transaction_lost(db);
  db->in_transaction = false;
  return transaction_finish(db);
}

LEDGER_PRIVATE int transaction_rollback(ledger *db) {
  transaction_undo(db);
  db->in_transaction = false;
  db->transaction_lost = false;
  return sqlite3_get_autocommit(db->sqlite) ? LEDGER_OK : error_memory(&db->error);
}

LEDGER_PRIVATE int transaction_begin_read(ledger *db) {
  if (transaction_is_lost(db)) return transaction_lost(db);
  bool nests = db->in_transaction || db->read_depth > 0;
  int rc = nests ? LEDGER_OK : transaction_start(db, STATEMENT_BEGIN_READ);
  if (rc == LEDGER_OK) db->read_depth++;
  return rc;
}

LEDGER_PRIVATE void transaction_end_read(ledger *db) {
  if (db->read_depth == 0 || --db->read_depth > 0 || db->in_transaction) return;
  ledger_error error = db->error;
  transaction_undo(db);
  db->error = error;
}
