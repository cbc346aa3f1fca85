/*
** extension: build/ledger_ext.so, the loadable SQLite extension. It gives the sqlite3 shell, Python or better-sqlite3 the
** collations and functions that a ledger file's checks, defaults, triggers and views call, so that they can write to it:
**   sqlite3> .load ./build/ledger_ext
** It holds the rooms ground and types and the SQL functions of the store, and nothing that needs a ledger handle.
**
** What such a writer gets: every CHECK, unique and foreign key (PRAGMA foreign_keys = ON is the writer's to say), defaults,
** serial and identity columns by nextval(), updated_at and the triggers that refuse. What it must do itself: a generated
** column is a plain one for SQLite, so the writer gives its value, and a CHECK refuses another one; values are given in
** their stored form (lower-case uuids, money with all its decimals), and a CHECK refuses others.
** Not seen: a policy, varchar(n)'s cutting of spaces, and, by the schema's triggers, the deletes within INSERT OR REPLACE, for which
** SQLite fires none unless PRAGMA recursive_triggers is ON (sync notes those rows all the same, store/change.c).
*/
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#define LEDGER_PRIVATE static
#define LEDGER_LAYER 3

#pragma GCC diagnostic ignored "-Wunused-function"
#include "ground/ground.c"
#include "types/types.c"
#include "store/functions.c"

#define EXTENSION_OLDEST_SQLITE                                                                    \
  3031000 /* SQLITE_INNOCUOUS: without it a schema's functions are refused or not guarded */

/* ---- nextval(), on the connection's own ledger_sequence rows */

static int extension_error(sqlite3 *db, ledger_error *error) {
  int rc = sqlite3_errcode(db) & 0xff;
  int code = rc == SQLITE_NOMEM                         ? LEDGER_MEMORY
             : rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? LEDGER_BUSY
             : rc == SQLITE_READONLY                    ? LEDGER_READ_ONLY
                                                        : LEDGER_ERROR;
  return error_set(error, code, "%s", sqlite3_errmsg(db));
}

static int extension_take(sqlite3_stmt *read, sqlite3_stmt *write, const char *name, int64_t *value,
                          ledger_error *error) {
  sqlite3 *db = sqlite3_db_handle(read);
  sqlite3_bind_text(read, 1, name, -1, SQLITE_STATIC);
  int rc = sqlite3_step(read);
  if (rc == SQLITE_DONE)
    return error_set(error, LEDGER_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
  if (rc != SQLITE_ROW) return extension_error(db, error);
  struct sequence sequence = {.id = sqlite3_column_int64(read, 0),
                              .increment = sqlite3_column_int64(read, 1),
                              .minimum = sqlite3_column_int64(read, 2),
                              .maximum = sqlite3_column_int64(read, 3),
                              .cycle = sqlite3_column_int(read, 4) != 0,
                              .last_value = sqlite3_column_int64(read, 5),
                              .is_called = sqlite3_column_int(read, 6) != 0,
                              .name = (const char *)sqlite3_column_text(read, 7)};
  if (sequence.name == NULL) return error_memory(error);
  rc = sequence_step(&sequence, value, error);
  if (rc != LEDGER_OK) return rc;
  sqlite3_bind_int64(write, 1, sequence.id);
  sqlite3_bind_int64(write, 2, *value);
  return sqlite3_step(write) == SQLITE_DONE ? LEDGER_OK : extension_error(db, error);
}

static int extension_nextval(void *owner, const char *name, int64_t *value, ledger_error *error) {
  sqlite3 *db = owner;
  sqlite3_stmt *read = NULL, *write = NULL;
  int rc = sqlite3_prepare_v2(
      db,
      "SELECT sequence_id, increment, minimum, maximum, cycle, last_value, is_called, name"
      " FROM ledger_catalog_sequence JOIN ledger_sequence USING (sequence_id)"
      " WHERE stored_name = ?1",
      -1, &read, NULL);
  if (rc == SQLITE_OK) {
    rc = sqlite3_prepare_v2(
        db, "UPDATE ledger_sequence SET last_value = ?2, is_called = 1 WHERE sequence_id = ?1", -1,
        &write, NULL);
  }
  rc = rc == SQLITE_OK ? extension_take(read, write, name, value, error)
                       : extension_error(db, error);
  sqlite3_finalize(read);
  sqlite3_finalize(write);
  return rc;
}

/* ---- loading */

/* ledger_extension(): the version. The session hangs on this function: SQLite frees it with the connection.
** (One without a body would not be kept, and the session freed at once.) */
static void extension_version(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  (void)values;
  sqlite3_result_text(context, LEDGER_VERSION, -1, SQLITE_STATIC);
}

static void extension_close(void *held) {
  struct function_session *session = held;
  arena_free(&session->arena);
  sqlite3_free(session);
}

/* Loaded before? The functions of then are not replaced: their session would go while they are there. */
static bool extension_is_there(sqlite3 *db) {
  sqlite3_stmt *stmt = NULL;
  bool is_there = sqlite3_prepare_v2(db, "SELECT ledger_extension()", -1, &stmt, NULL) == SQLITE_OK;
  sqlite3_finalize(stmt);
  return is_there;
}

/* Called by SQLite when the extension is loaded; the name is SQLite's rule for ledger_ext.so. */
__attribute__((visibility("default"))) int sqlite3_ledgerext_init(sqlite3 *db, char **message,
                                                                  const sqlite3_api_routines *api);
int sqlite3_ledgerext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  if (sqlite3_libversion_number() < EXTENSION_OLDEST_SQLITE) {
    *message =
        sqlite3_mprintf("ledger_ext needs SQLite 3.31 or later, this is %s", sqlite3_libversion());
    return SQLITE_ERROR;
  }
  if (extension_is_there(db)) return SQLITE_OK;
  struct function_session *session = sqlite3_malloc(sizeof *session);
  if (session == NULL) return SQLITE_NOMEM;
  *session = (struct function_session){.owner = db, .nextval = extension_nextval};
  int rc = sqlite3_create_function_v2(
      db, "ledger_extension", 0, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, session,
      extension_version, NULL, NULL, extension_close); /* frees it on failure */
  return rc == SQLITE_OK ? function_register_all(db, session) : rc;
}
