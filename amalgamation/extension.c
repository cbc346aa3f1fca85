/*
** extension: build/ledger_ext.so, the loadable SQLite extension. It gives the sqlite3 shell, Python or better-sqlite3 the
** collation and functions that a ledger file's checks, defaults and views call, so that they can write to it:
**   sqlite3> .load ./build/ledger_ext
** It holds the rooms ground and types and the SQL functions of the store, and nothing that needs a ledger handle.
** nextval() works from here too, on the file's own ledger_sequence rows.
*/
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#define LEDGER_PRIVATE static
#define LEDGER_EXTENSION
#define LEDGER_LAYER 3

#pragma GCC diagnostic ignored "-Wunused-function"
#include "ground/ground.c"
#include "types/types.c"
#include "store/functions.c"

static void extension_close(void *session) {
  struct function_session *held = session;
  arena_free(&held->arena);
  sqlite3_free(held);
}

/* Called by SQLite when the extension is loaded; the name is SQLite's rule for ledger_ext.so. */
__attribute__((visibility("default"))) int sqlite3_ledgerext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);
int sqlite3_ledgerext_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
  (void)message;
  SQLITE_EXTENSION_INIT2(api);
  struct function_session *session = sqlite3_malloc(sizeof *session);
  if (!session) return SQLITE_NOMEM;
  memset(session, 0, sizeof *session);
  int rc = function_register_all(db, session);
  if (rc == SQLITE_OK) /* frees the session with the connection */
    rc = sqlite3_create_function_v2(db, "pg_ledger_extension", 0, SQLITE_UTF8, session, NULL, NULL, NULL, extension_close);
  return rc;
}
