/*
** connection.c: the handle. Opens with our options, makes new files aside and gives them their name when they are whole,
** says which of the many kinds of wrong file it was given.
**
** The options, and why (measured): WAL with a long interval between checkpoints and a bounded log, synchronous FULL so
** that an acknowledged commit survives a power cut, temporary structures in memory because statement journals are the
** hidden cost of writes, 4 kB pages, 16 MB of cache.
*/
#include "../internal.h"

#define CONNECTION_TIMEOUT_MS 5000
#define CONNECTION_PROGRESS_STEPS                                                                  \
  100000 /* of SQLite's machine between two calls of the progress function */
#define CONNECTION_LOOKASIDE_BYTES 1200 /* as SQLite has it */
#define CONNECTION_LOOKASIDE_COUNT 100
/* The version from which on SQLite may checkpoint by itself, and the withdrawn one; see transaction.c. */
#define CONNECTION_SAFE_SQLITE 3051003
#define CONNECTION_WITHDRAWN_SQLITE 3052000
/* Before it the functions for JSON, which columns' checks call, are refused to a schema that is not trusted. */
#define CONNECTION_DISTRUSTING_SQLITE 3041000

/* Measured: 300,000 inserts into a table with four indexes take 6.7 s of CPU with a cache of 2 MB, 5.9 with 8, 5.6 with 16 and
** 5.7 with 64 (tests/bench/floor.c insert). Pages of 4 kB beat 1, 8 and 16 kB. temp_store keeps statement journals, which
** triggers and multi-row statements open, out of files. A large checkpoint interval spares a lone commit the checkpoint; the
** WAL stays under journal_size_limit. */
static const char connection_options[] = "PRAGMA foreign_keys = ON;"
                                         "PRAGMA temp_store = MEMORY;"
                                         "PRAGMA cache_size = -16384;"
                                         "PRAGMA secure_delete = OFF;"
                                         "PRAGMA recursive_triggers = OFF;"
                                         "PRAGMA journal_size_limit = 67108864;"
                                         "PRAGMA wal_autocheckpoint = 10000;";

LEDGER_PRIVATE int connection_enter(ledger *db) {
  if (db == NULL) return LEDGER_MISUSE;
  /* From within a callback: the call that runs needs the arena, the error and the snapshot as they are. */
  if (db->read_depth > 0 || db->is_reporting) return LEDGER_MISUSE;
  error_clear(&db->error);
  if (db->catalog == NULL)
    return error_set(&db->error, LEDGER_MISUSE, "the handle has no open file");
  arena_reset(&db->arena);
  if (db->has_long_statement) statement_forget_long(db);
  db->call++;
  db->report_done = 0;
  db->report_total = 0;
  return LEDGER_OK;
}

static ledger *connection_new(const char *path) {
  ledger *db = sqlite3_malloc64(sizeof *db);
  if (db == NULL) return NULL;
  memset(db, 0, sizeof *db);
  db->timeout_ms = CONNECTION_TIMEOUT_MS;
  db->session.owner = db;
  db->session.nextval = sequence_nextval;
  if (strcmp(path, ":memory:") == 0) return db;
  db->path = sqlite3_mprintf("%s", path);
  if (db->path != NULL) return db;
  sqlite3_free(db);
  return NULL;
}

/* The first column of the first row, as an integer. */
static int connection_integer(ledger *db, const char *sql, int64_t *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK) {
    if (sqlite3_step(stmt) == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
    rc = sqlite3_reset(stmt);
  }
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int connection_wal_hook(void *context, sqlite3 *sqlite, const char *name, int pages) {
  (void)sqlite;
  (void)name;
  ((ledger *)context)->wal_pages = pages;
  return SQLITE_OK;
}

/* What each connection of ours has, whatever it opened. */
static int connection_equip(ledger *db) {
  sqlite3_extended_result_codes(db->sqlite, 1);
  sqlite3_busy_timeout(db->sqlite, db->timeout_ms);
  sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, LEDGER_TEXT_MAX);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
  bool trusts = sqlite3_libversion_number() < CONNECTION_DISTRUSTING_SQLITE;
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusts, NULL);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0,
                    NULL); /* trigger.c does what they do */
  /* The functions stay as long as the connection: in its lookaside memory they would leave no room for what each statement
  ** allocates, and every allocation would go to malloc(), a tenth of a transfer. */
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0);
  int rc = function_register_all(db->sqlite, &db->session);
  if (rc != SQLITE_OK) return store_error(db, rc);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_LOOKASIDE, NULL, CONNECTION_LOOKASIDE_BYTES,
                    CONNECTION_LOOKASIDE_COUNT);
  return statement_exec(db, connection_options);
}

static int connection_sqlite_open(ledger *db, const char *name, int flags) {
  sqlite3_close(db->sqlite);
  db->sqlite = NULL;
  int rc = sqlite3_open_v2(name, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (db->sqlite == NULL) return error_memory(&db->error);
  if (rc != SQLITE_OK) return store_error(db, rc);
  return connection_equip(db);
}

/* A file that lies in a folder where we may not write, and has no WAL, cannot have SQLite's shared memory beside it. Then
** it is opened as one that nobody changes. */
static int connection_open_immutable(ledger *db) {
  sqlite3_str *uri = sqlite3_str_new(NULL);
  sqlite3_str_appendall(uri, "file:");
  for (const char *p = db->path; *p != 0; p++) {
    if (strchr("?#%", *p) != NULL)
      sqlite3_str_appendf(uri, "%%%02x", (unsigned)(unsigned char)*p);
    else
      sqlite3_str_appendchar(uri, 1, *p);
  }
  sqlite3_str_appendall(uri, "?immutable=1");
  char *text = sqlite3_str_finish(uri);
  if (text == NULL) return error_memory(&db->error);
  error_clear(&db->error);
  int rc = connection_sqlite_open(db, text, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  sqlite3_free(text);
  return rc;
}

/* Is it ours, and of a version we know? The first read of the file: also finds out what SQLite thinks of it. */
static int connection_check(ledger *db) {
  int64_t application = 0, version = 0;
  int rc = connection_integer(db, "PRAGMA application_id", &application);
  if (rc == LEDGER_OK) rc = connection_integer(db, "PRAGMA user_version", &version);
  if (rc != LEDGER_OK) return rc;
  if (application != STORE_APPLICATION_ID) {
    error_set(&db->error, LEDGER_NOT_A_LEDGER, "\"%s\" is not a ledger file", db->path);
    return error_detail(&db->error, file_size(db->path, "") == 0
                                        ? "It is empty."
                                        : "It is a SQLite database of another kind.");
  }
  if (version > STORE_FORMAT) {
    error_set(&db->error, LEDGER_NEWER, "\"%s\" was made by a newer version of ledger", db->path);
    return error_detail(&db->error, "Its format is %lld, this version reads up to %d.",
                        (long long)version, STORE_FORMAT);
  }
  return LEDGER_OK;
}

/* An older file gets the tables that it lacks, in one transaction. */
static int connection_upgrade(ledger *db, int flags, const char *own_tables) {
  int64_t version = STORE_FORMAT;
  int rc = connection_integer(db, "PRAGMA user_version", &version);
  if (rc != LEDGER_OK || version == STORE_FORMAT) return rc;
  if (db->is_read_only && (flags & LEDGER_OLD_FORMAT)) /* what reading the catalog needs */
    return statement_exec(
        db, "CREATE TEMP TABLE IF NOT EXISTS ledger_sync_table (relation, kind, collision,"
            " status_column, status_order);"
            "CREATE TEMP TABLE IF NOT EXISTS ledger_catalog_view (relation_id, select_sql);"
            "CREATE TEMP TABLE IF NOT EXISTS ledger_catalog_view_column (relation_id, name,"
            " origin_id, origin_name);"
            "CREATE TEMP TABLE IF NOT EXISTS ledger_catalog_privilege (relation_id, role,"
            " privileges)");
  if (db->is_read_only) {
    error_set(&db->error, LEDGER_READ_ONLY, "\"%s\" was made by an older version of ledger",
              db->path);
    return error_hint(&db->error, "Open it for writing once: that brings it up to date.");
  }
  rc = statement_exec(db, "BEGIN IMMEDIATE");
  if (rc != LEDGER_OK) return rc;
  /* Another process may have been first. */
  rc = connection_integer(db, "PRAGMA user_version", &version);
  if (rc == LEDGER_OK && version < STORE_FORMAT) {
    char *mark = sqlite3_mprintf("UPDATE ledger_meta SET value = '%d' WHERE key = 'format';"
                                 "PRAGMA user_version = %d",
                                 STORE_FORMAT, STORE_FORMAT);
    rc = mark == NULL ? error_memory(&db->error) : statement_exec(db, own_tables);
    if (rc == LEDGER_OK) rc = statement_exec(db, mark);
    sqlite3_free(mark);
    db->is_creating = true; /* no TEMP triggers yet: the catalog is read again when all is done */
    if (rc == LEDGER_OK) rc = catalog_refresh(db);
    if (rc == LEDGER_OK) rc = change_install(db);
    if (rc == LEDGER_OK && version < 3) rc = change_note_all(db);
    db->is_creating = false;
    catalog_release(db->catalog);
    db->catalog = NULL;
  }
  if (rc == LEDGER_OK) rc = statement_exec(db, "COMMIT");
  if (rc == LEDGER_OK) return LEDGER_OK;
  ledger_error error = db->error;
  sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
  db->error = error;
  return rc;
}

/* The options that need the file, once it is known to be ours. */
static int connection_settle(ledger *db, int flags) {
  int rc = LEDGER_OK;
  db->is_read_only = sqlite3_db_readonly(db->sqlite, "main") == 1;
  if (flags & LEDGER_SMALL)
    rc = statement_exec(db, "PRAGMA cache_size = -2048; PRAGMA temp_store = FILE");
  if (rc != LEDGER_OK || db->is_read_only || db->path == NULL) return rc;
  rc = statement_exec(db, "PRAGMA journal_mode = WAL"); /* a foreign program may have changed it */
  if (rc == LEDGER_OK && (flags & LEDGER_SYNC_NORMAL))
    rc = statement_exec(db, "PRAGMA synchronous = NORMAL");
  else if (rc == LEDGER_OK)
    rc = statement_exec(db, "PRAGMA synchronous = FULL");
  int version = sqlite3_libversion_number();
  if (rc != LEDGER_OK ||
      (version >= CONNECTION_SAFE_SQLITE && version != CONNECTION_WITHDRAWN_SQLITE))
    return rc;
  db->checkpoint_pages = TRANSACTION_CHECKPOINT_PAGES;
  sqlite3_wal_hook(db->sqlite, connection_wal_hook, db); /* in place of the automatic checkpoint */
  return LEDGER_OK;
}

static int connection_start(ledger *db, int flags, const char *own_tables) {
  int rc = file_check(db->path, &db->error);
  if (rc != LEDGER_OK) return rc;
  bool read_only = (flags & LEDGER_READ_ONLY_FILE) != 0;
  rc = connection_sqlite_open(db, db->path,
                              read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  if (rc == LEDGER_OK) rc = connection_check(db);
  if ((rc == LEDGER_CANNOT_OPEN || rc == LEDGER_READ_ONLY) && !file_exists(db->path, "-wal") &&
      !file_folder_is_writable(db->path)) {
    rc = connection_open_immutable(db);
    if (rc == LEDGER_OK) rc = connection_check(db);
  }
  if (rc == LEDGER_OK) rc = connection_settle(db, flags);
  if (rc == LEDGER_OK) rc = connection_upgrade(db, flags, own_tables);
  if (rc == LEDGER_OK) rc = catalog_refresh(db);
  if (rc == LEDGER_ERROR) {
    /* A file with our mark whose own tables do not answer. */
    char text[sizeof db->error.message];
    memcpy(text, db->error.message, sizeof text);
    error_set(&db->error, LEDGER_CORRUPT, "file \"%s\" is damaged", db->path);
    error_detail(&db->error, "%s", text);
    rc = LEDGER_CORRUPT;
  }
  return rc;
}

/* After a failure only the error is of use. */
static void connection_shut(ledger *db) {
  if (db->observer != NULL) db->observer->close(db);
  for (int i = 0; i < STATEMENT_COUNT; i++) {
    sqlite3_finalize(db->fixed[i]);
    db->fixed[i] = NULL;
  }
  statement_forget_all(db);
  while (db->cursors != NULL) rows_detach(db->cursors);
  catalog_release(db->catalog);
  db->catalog = NULL;
  sqlite3_close(db->sqlite); /* rolls back what is open */
  db->sqlite = NULL;
  db->trigger_count = 0;
}

LEDGER_PRIVATE int connection_open(const char *path, int flags, const char *own_tables,
                                   ledger **out) {
  *out = connection_new(path);
  if (*out == NULL) return LEDGER_MEMORY;
  ledger *db = *out;
  int rc = db->path == NULL
               ? error_set(&db->error, LEDGER_CANNOT_OPEN, "\":memory:\" can only be created")
               : connection_start(db, flags, own_tables);
  if (rc != LEDGER_OK) connection_shut(db);
  return rc;
}

/* ---- making a file */

/* A script's error: which constraint a seed row broke, where it can be said. */
static int connection_script_error(ledger *db, int sqlite_rc) {
  if ((sqlite_rc & 0xff) != SQLITE_CONSTRAINT) return store_error(db, sqlite_rc);
  char *text =
      sqlite3_mprintf("%s", sqlite3_errmsg(db->sqlite)); /* loading the catalog makes it another */
  if (text == NULL) return error_memory(&db->error);
  int rc = violation_of_text(db, sqlite3_extended_errcode(db->sqlite), text);
  sqlite3_free(text);
  return rc;
}

static bool connection_is(const char *sql, const char *statement) {
  while (text_is_space(*sql)) sql++;
  return strncmp(sql, statement, strlen(statement)) == 0;
}

/* Runs a script, or all of it but the seed rows, which stand between two statements of their own. */
static int connection_run_script(ledger *db, const char *script, int flags) {
  bool skips = false;
  const char *rest = script;
  while (*rest != 0) {
    sqlite3_stmt *stmt = NULL;
    const char *statement = rest;
    int rc = sqlite3_prepare_v2(db->sqlite, statement, -1, &stmt, &rest);
    if (rc != SQLITE_OK) return store_error(db, rc);
    if (stmt == NULL) break; /* white space and comments */
    if ((flags & LEDGER_NO_SEED) && connection_is(statement, "SAVEPOINT ledger_seed;"))
      skips = true;
    while (!skips && sqlite3_step(stmt) == SQLITE_ROW) {
    }
    rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) rc = connection_script_error(db, rc);
    sqlite3_finalize(stmt);
    if (rc != LEDGER_OK) return rc;
    if (skips && connection_is(statement, "RELEASE ledger_seed;")) skips = false;
  }
  return LEDGER_OK;
}

/* 2026-11-20T09:00:00Z */
static void connection_created_at(char out[MOMENT_TEXT_MAX]) {
  moment_text(TYPE_TIMESTAMP, clock_now_us() + MOMENT_UNIX_EPOCH, out);
  out[10] = 'T';
  out[19] = 'Z';
  out[20] = 0;
}

static int connection_write_meta(ledger *db) {
  char device[37], created_at[MOMENT_TEXT_MAX];
  id_uuid4(device);
  connection_created_at(created_at);
  char *sql = sqlite3_mprintf(
      "INSERT OR REPLACE INTO ledger_meta (key, value) VALUES ('format', '%d'), ('device', %Q),"
      " ('created_at', %Q); PRAGMA application_id = %d; PRAGMA user_version = %d",
      STORE_FORMAT, device, created_at, STORE_APPLICATION_ID, STORE_FORMAT);
  if (sql == NULL) return error_memory(&db->error);
  int rc = statement_exec(db, sql);
  sqlite3_free(sql);
  return rc;
}

/* Fills the empty database that the handle has open. */
static int connection_fill(ledger *db, const char *compiled, int flags, const char *own_tables) {
  db->is_creating = true;
  db->transaction++;
  int rc = statement_exec(db, "BEGIN");
  db->session.now_us = clock_now_us();
  if (rc == LEDGER_OK) rc = connection_run_script(db, own_tables, 0);
  if (rc == LEDGER_OK) rc = connection_run_script(db, compiled, flags);
  if (rc == LEDGER_OK) rc = connection_write_meta(db);
  if (rc == LEDGER_OK) rc = catalog_refresh(db);
  if (rc == LEDGER_OK) rc = change_install(db);
  if (rc == LEDGER_OK) rc = sequence_flush(db);
  if (rc == LEDGER_OK) rc = statement_exec(db, "COMMIT");
  if (rc == LEDGER_OK) sequence_committed(db);
  db->session.now_us = 0;
  db->is_creating = false;
  return rc;
}

static int connection_create_memory(ledger *db, const char *compiled, int flags,
                                    const char *own_tables) {
  int rc = connection_sqlite_open(db, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  if (rc == LEDGER_OK) rc = connection_fill(db, compiled, flags, own_tables);
  /* A catalog that a seed row needed was read before its time. */
  catalog_release(db->catalog);
  db->catalog = NULL;
  return rc == LEDGER_OK ? catalog_refresh(db) : rc;
}

/* Makes the whole file under another name, without a rollback journal, for a failure throws it away; then gives it its
** name, unless another has it by then. */
static int connection_create_file(ledger *db, const char *compiled, int flags,
                                  const char *own_tables) {
  int rc = file_check_absent(db->path, &db->error);
  if (rc != LEDGER_OK) return rc;
  char *temporary = file_temporary(db->path);
  if (temporary == NULL) return error_memory(&db->error);
  rc = file_make(temporary, &db->error);
  if (rc == LEDGER_OK) {
    rc = connection_sqlite_open(db, temporary, SQLITE_OPEN_READWRITE);
    if (rc == LEDGER_OK)
      rc = statement_exec(
          db, "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL");
    if (rc == LEDGER_OK) rc = connection_fill(db, compiled, flags, own_tables);
    if (rc == LEDGER_OK) rc = statement_exec(db, "PRAGMA journal_mode = WAL");
    connection_shut(db);
    if (rc == LEDGER_OK) rc = file_publish(temporary, db->path, &db->error);
    if (rc != LEDGER_OK) file_remove(temporary);
  }
  sqlite3_free(temporary);
  return rc == LEDGER_OK ? connection_start(db, flags & ~LEDGER_READ_ONLY_FILE, own_tables) : rc;
}

LEDGER_PRIVATE int connection_create(const char *path, const char *compiled, int flags,
                                     const char *own_tables, ledger **out) {
  *out = connection_new(path);
  if (*out == NULL) return LEDGER_MEMORY;
  ledger *db = *out;
  int rc = db->path == NULL ? connection_create_memory(db, compiled, flags, own_tables)
                            : connection_create_file(db, compiled, flags, own_tables);
  if (rc != LEDGER_OK) connection_shut(db);
  return rc;
}

/* ---- the rest of a handle's life */

LEDGER_PRIVATE void connection_close(ledger *db) {
  connection_shut(db);
  encryption_close(db);
  arena_free(&db->arena);
  arena_free(&db->session.arena);
  arena_free(&db->operations);
  sqlite3_free(db->path);
  sqlite3_free(db);
}

LEDGER_PRIVATE void connection_timeout(ledger *db, int timeout_ms) {
  db->timeout_ms = timeout_ms < 0 ? 0 : timeout_ms;
  if (db->sqlite != NULL) sqlite3_busy_timeout(db->sqlite, db->timeout_ms);
}

/* Does the caller's progress function want to stop? */
static bool connection_stops(ledger *db) {
  if (db->report == NULL) return false;
  db->is_reporting = true;
  bool stops = db->report(db->report_context, db->report_done, db->report_total) != 0;
  db->is_reporting = false;
  return stops;
}

/* Past its time a call is stopped once: what undoes it is not. */
static int connection_tick(void *context) {
  ledger *db = context;
  if (db->deadline_us != 0 && !db->is_late && clock_now_us() >= db->deadline_us) {
    db->is_late = true;
    return 1;
  }
  return connection_stops(db);
}

static void connection_watch(ledger *db) {
  bool watches = db->report != NULL || db->limit_ms > 0;
  if (db->sqlite == NULL) return;
  sqlite3_progress_handler(db->sqlite, watches ? CONNECTION_PROGRESS_STEPS : 0, connection_tick,
                           db);
}

LEDGER_PRIVATE void connection_report_to(ledger *db, int (*report)(void *, int64_t, int64_t),
                                         void *context) {
  db->report = report;
  db->report_context = context;
  connection_watch(db);
}

LEDGER_PRIVATE void connection_limit_to(ledger *db, int limit_ms) {
  db->limit_ms = limit_ms < 0 ? 0 : limit_ms;
  connection_watch(db);
}

LEDGER_PRIVATE void connection_limit(ledger *db) {
  db->is_late = false;
  db->deadline_us = db->limit_ms == 0 ? 0 : clock_now_us() + (int64_t)db->limit_ms * 1000;
}

LEDGER_PRIVATE void connection_limit_end(ledger *db) {
  db->is_late = false;
  db->deadline_us = 0;
}

LEDGER_PRIVATE int connection_report(ledger *db, int64_t done, int64_t total) {
  db->report_done = done;
  db->report_total = total;
  if (!connection_stops(db)) return LEDGER_OK;
  return error_set(&db->error, LEDGER_INTERRUPTED, "canceling statement due to user request");
}
