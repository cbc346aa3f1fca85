/*
** backup.c: a copy of the file while others go on writing. The pages are copied in steps under one snapshot into a file
** of another name, which gets its name when it is whole.
*/
#include "../internal.h"

#define BACKUP_STEP_PAGES 1024

static int backup_steps(ledger *db, sqlite3 *target, const char *path) {
  sqlite3_backup *backup = sqlite3_backup_init(target, "main", db->sqlite, "main");
  if (backup == NULL) return store_error_of(target, sqlite3_errcode(target), path, &db->error);
  int rc = LEDGER_OK, sqlite_rc = SQLITE_OK;
  while (rc == LEDGER_OK && sqlite_rc == SQLITE_OK) {
    sqlite_rc = sqlite3_backup_step(backup, BACKUP_STEP_PAGES);
    int64_t total = sqlite3_backup_pagecount(backup);
    if (sqlite_rc == SQLITE_OK || sqlite_rc == SQLITE_DONE) {
      rc = connection_report(db, total - sqlite3_backup_remaining(backup), total);
    }
  }
  int finish = sqlite3_backup_finish(backup);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_DONE)
    rc = store_error_of(target, sqlite_rc, path, &db->error);
  if (rc == LEDGER_OK && finish != SQLITE_OK) rc = store_error_of(target, finish, path, &db->error);
  return rc;
}

static int backup_into(ledger *db, const char *path) {
  sqlite3 *target = NULL;
  int sqlite_rc = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  if (target == NULL) return error_memory(&db->error);
  /* A copy that fails is thrown away: it needs no journal, but to be on disk before it gets its name. */
  if (sqlite_rc == SQLITE_OK) {
    sqlite_rc = sqlite3_exec(target, "PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL", NULL,
                             NULL, NULL);
  }
  int rc = sqlite_rc == SQLITE_OK ? backup_steps(db, target, path)
                                  : store_error_of(target, sqlite_rc, path, &db->error);
  if (rc == LEDGER_OK) { /* the pages of a ":memory:" say nothing of a WAL */
    sqlite_rc = sqlite3_exec(target, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    if (sqlite_rc != SQLITE_OK) rc = store_error_of(target, sqlite_rc, path, &db->error);
  }
  sqlite3_close(target);
  return rc;
}

LEDGER_PRIVATE int backup_to(ledger *db, const char *path) {
  if (db->in_transaction) {
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "a backup cannot run inside a transaction");
  }
  int rc = file_check_absent(path, &db->error);
  if (rc != LEDGER_OK) return rc;
  char *temporary = file_temporary(path);
  if (temporary == NULL) return error_memory(&db->error);
  rc = file_make(temporary, &db->error);
  if (rc == LEDGER_OK) {
    /* One snapshot for all steps: else a writer between two of them makes the copy start again. */
    rc = transaction_begin_read(db);
    if (rc == LEDGER_OK) {
      rc = backup_into(db, temporary);
      transaction_end_read(db);
    }
    if (rc == LEDGER_OK) rc = file_publish(temporary, path, &db->error);
    if (rc != LEDGER_OK) file_remove(temporary);
  }
  sqlite3_free(temporary);
  return rc;
}
