/*
** store_error.c: SQLite's result codes to LEDGER_* with a sentence, in one place. Constraints are violation.c's.
*/
#include "../internal.h"

#include <errno.h>

LEDGER_PRIVATE int store_error_function(const char *text, ledger_error *error) {
  /* function_fail() and RAISE(): five characters of SQLSTATE, a colon, a space, the sentence. */
  for (int i = 0; i < 5; i++) {
    if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z')))
      return LEDGER_OK;
  }
  if (text[5] != ':' || text[6] != ' ') return LEDGER_OK;
  char sqlstate[6];
  memcpy(sqlstate, text, 5);
  sqlstate[5] = 0;
  /* The text is the connection's; error_set() only reads it. */
  error_set(error, error_code_of_sqlstate(sqlstate), "%s", text + 7);
  if (error != NULL)
    memcpy(error->sqlstate, sqlstate, sizeof sqlstate); /* also one that has no code of ours */
  return error == NULL ? error_code_of_sqlstate(sqlstate) : error->code;
}

static int store_error_io(sqlite3 *sqlite, const char *path, ledger_error *error) {
  int number = sqlite3_system_errno(sqlite);
  if (number == ENOSPC || number == EDQUOT) {
    error_set(error, LEDGER_FULL, "could not extend file \"%s\": %s", path, strerror(number));
    return error_hint(error, "Check free disk space.");
  }
  if (number == 0) return error_set(error, LEDGER_IO, "could not read or write file \"%s\"", path);
  return error_set(error, LEDGER_IO, "could not read or write file \"%s\": %s", path,
                   strerror(number));
}

LEDGER_PRIVATE int store_error_of(sqlite3 *sqlite, int sqlite_rc, const char *path,
                                  ledger_error *error) {
  const char *text = sqlite3_errmsg(sqlite);
  switch (sqlite_rc & 0xff) {
  case SQLITE_NOMEM: return error_memory(error);
  case SQLITE_INTERRUPT:
    return error_set(error, LEDGER_INTERRUPTED, "canceling statement due to user request");
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
  case SQLITE_PROTOCOL: /* the locks of the WAL itself, again and again */
    if (sqlite_rc == SQLITE_BUSY_SNAPSHOT) {
      error_set(error, LEDGER_BUSY, "cannot write while an open cursor reads an older snapshot");
      return error_hint(error, "Read the cursor to its end or free it, then try again.");
    }
    error_set(error, LEDGER_BUSY, "canceling statement due to lock timeout");
    return error_detail(error, "Another connection holds the lock of file \"%s\".", path);
  case SQLITE_FULL:
    error_set(error, LEDGER_FULL, "could not extend file \"%s\": No space left on device", path);
    return error_hint(error, "Check free disk space.");
  case SQLITE_IOERR:
    if (sqlite_rc == SQLITE_IOERR_NOMEM) return error_memory(error);
    return store_error_io(sqlite, path, error);
  case SQLITE_READONLY:
    return error_set(error, LEDGER_READ_ONLY, "cannot write to file \"%s\": it is read-only", path);
  case SQLITE_CANTOPEN: {
    int number = sqlite3_system_errno(sqlite);
    return error_set(error, LEDGER_CANNOT_OPEN, "could not open file \"%s\": %s", path,
                     number != 0 ? strerror(number) : "SQLite refused it");
  }
  case SQLITE_NOTADB:
    error_set(error, LEDGER_NOT_A_LEDGER, "\"%s\" is not a ledger file", path);
    return error_detail(error, "It is not a SQLite database.");
  case SQLITE_CORRUPT:
    if (strstr(text, "near \"ORDER\": syntax error") != NULL) { /* a view's, within an aggregate */
      error_set(error, LEDGER_NEWER, "\"%s\" has a view that needs SQLite 3.44, this is %s", path,
                sqlite3_libversion());
      return error_hint(error, "Use a ledger with its own SQLite.");
    }
    error_set(error, LEDGER_CORRUPT, "file \"%s\" is damaged", path);
    return error_detail(error, "%s.", text);
  case SQLITE_TOOBIG: return error_set(error, LEDGER_PROGRAM_LIMIT, "a value or row is too large");
  case SQLITE_CONSTRAINT:
  case SQLITE_ERROR: {
    int code = store_error_function(text, error);
    if (code != LEDGER_OK) return code;
    if (strncmp(text, "Expression tree is too large", 28) == 0)
      return error_set(error, LEDGER_TOO_COMPLEX, "more than 1000 conditions in a statement");
    break;
  }
  default: break;
  }
  return error_set(error, LEDGER_ERROR, "SQLite: %s", text);
}

LEDGER_PRIVATE int store_error(ledger *db, int sqlite_rc) {
  /* The extended code says more, where it belongs to this failure and not to an earlier one. */
  int extended = sqlite3_extended_errcode(db->sqlite);
  if ((extended & 0xff) == (sqlite_rc & 0xff)) sqlite_rc = extended;
  if ((sqlite_rc & 0xff) == SQLITE_INTERRUPT && db->is_late)
    return error_set(&db->error, LEDGER_INTERRUPTED,
                     "canceling statement due to statement timeout");
  return store_error_of(db->sqlite, sqlite_rc, db->path == NULL ? ":memory:" : db->path,
                        &db->error);
}
