/*
** transaction.c: transactions of a handle, one call's or the caller's own, and the checkpoint where SQLite's own
** automatic one is not safe.
**
** SQLite 3.7.0 to 3.51.2 can corrupt a file when two connections checkpoint while a third writes. With such a library
** automatic checkpoints are off, and a connection whose commit leaves a long WAL checkpoints it in FULL mode while it
** holds an exclusive flock() on FILE-checkpoint; who does not get the lock at once leaves the work to its holder. The
** last connection that closes checkpoints without it: it holds the file's exclusive lock then.
*/
#include "../internal.h"

#define TRANSACTION_CHECKPOINT_PAGES 10000

static void transaction_checkpoint(ledger *db) {
  if (!db->checkpoints || db->wal_pages < TRANSACTION_CHECKPOINT_PAGES) return;
  int descriptor = file_lock_open(db->path, "-checkpoint");
  if (descriptor < 0) return;
  if (file_lock(descriptor)) {
    /* Readers of older snapshots are not waited for: a later commit tries again. */
    sqlite3_busy_timeout(db->sqlite, 0);
    sqlite3_wal_checkpoint_v2(db->sqlite, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL);
    sqlite3_busy_timeout(db->sqlite, db->timeout_ms);
    db->wal_pages = 0;
  }
  file_lock_close(descriptor);
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
  if (!sqlite3_get_autocommit(db->sqlite)) {
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
  if (rc == LEDGER_OK) {
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_COMMIT);
    if (stmt == NULL) return db->error.code;
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
  if (db->in_transaction) return LEDGER_OK;
  if (db->read_depth > 0) { /* from within a callback */
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION, "the handle is reading a snapshot");
  }
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
