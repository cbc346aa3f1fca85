/*
** statement.c: prepared statements. Fixed ones are prepared once by number; built ones are kept by a key that says what
** they were built from, the least recently used giving way. Also values in and out of a statement.
*/
#include "../internal.h"

/* A text that is longer, such as a list of thousands of values, is hardly asked again, and its program is 100 times as large. */
#define STATEMENT_KEPT_BYTES 16384

static const char *const statement_texts[STATEMENT_COUNT] = {
#define X(name, sql) sql,
    STATEMENTS(X)
#undef X
};

LEDGER_PRIVATE sqlite3_stmt *statement_fixed(ledger *db, enum statement_id id) {
  if (db->fixed[id] == NULL) {
    int rc = sqlite3_prepare_v3(db->sqlite, statement_texts[id], -1, SQLITE_PREPARE_PERSISTENT,
                                &db->fixed[id], NULL);
    if (rc != SQLITE_OK) {
      store_error(db, rc);
      return NULL;
    }
  }
  return db->fixed[id];
}

/* Sets whether statements that are prepared from now on look at CHECK constraints. This pragma acts when it is prepared (SQLite's
** documentation says that some do); stepping it would only make all statements be prepared again. */
static int statement_checks(ledger *db, bool looks) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db->sqlite,
                              looks ? "PRAGMA ignore_check_constraints = OFF"
                                    : "PRAGMA ignore_check_constraints = ON",
                              -1, &stmt, NULL);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int statement_check_again(ledger *db) {
  if (!db->is_unchecked) return LEDGER_OK;
  int rc = statement_checks(db, true);
  if (rc == LEDGER_OK) db->is_unchecked = false;
  return rc;
}

LEDGER_PRIVATE int statement_unchecked(ledger *db) {
  int rc = statement_checks(db, false);
  if (rc == LEDGER_OK) db->is_unchecked = true;
  return rc;
}

LEDGER_PRIVATE sqlite3_stmt *statement_trusted(ledger *db, enum statement_id id) {
  if (db->fixed[id] != NULL) return db->fixed[id];
  if (statement_unchecked(db) != LEDGER_OK) return NULL;
  sqlite3_stmt *stmt = statement_fixed(db, id);
  return statement_check_again(db) == LEDGER_OK ? stmt : NULL;
}

LEDGER_PRIVATE int statement_run(ledger *db, enum statement_id id) {
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int statement_exec(ledger *db, const char *sql) {
  int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static uint64_t statement_hash(const void *key, size_t length) {
  const unsigned char *bytes = key;
  uint64_t hash = 14695981039346656037u ^ length; /* FNV-1a, by words */
  while (length > 0) {
    uint64_t word = 0;
    size_t taken = length < sizeof word ? length : sizeof word;
    memcpy(&word, bytes, taken);
    hash = (hash ^ word) * 1099511628211u;
    hash ^= hash >> 32;
    bytes += taken;
    length -= taken;
  }
  return hash;
}

LEDGER_PRIVATE sqlite3_stmt *statement_find(ledger *db, const void *key, size_t length) {
  uint64_t hash = statement_hash(key, length);
  for (int i = 0; i < db->cache_count; i++) {
    struct statement_entry *entry = &db->cache[i];
    if (entry->hash == hash && entry->key_length == length &&
        memcmp(entry->key, key, length) == 0) {
      entry->used_in = db->call;
      return entry->stmt;
    }
  }
  return NULL;
}

LEDGER_PRIVATE int statement_prepare(ledger *db, sqlite3_str *sql, sqlite3_stmt **out) {
  *out = NULL;
  int rc = sqlite3_str_errcode(sql);
  char *text = sqlite3_str_finish(sql);
  if (rc == SQLITE_OK && text == NULL) rc = SQLITE_NOMEM;
  if (rc == SQLITE_TOOBIG) {
    sqlite3_free(text);
    return error_set(&db->error, LEDGER_TOO_COMPLEX, "statement is too long");
  }
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v3(db->sqlite, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  sqlite3_free(text);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int statement_step(ledger *db, sqlite3_stmt *stmt) {
  int rc = sqlite3_step(stmt);
  if (rc == SQLITE_ROW) return LEDGER_ROW;
  if (rc == SQLITE_DONE) return LEDGER_DONE;
  return store_error(db, rc);
}

LEDGER_PRIVATE void statement_end(sqlite3_stmt *stmt) {
  sqlite3_finalize(stmt);
}

static void statement_forget(struct statement_entry *entry) {
  sqlite3_finalize(entry->stmt);
  sqlite3_free(entry->key);
}

LEDGER_PRIVATE sqlite3_stmt *statement_make(ledger *db, const void *key, size_t length,
                                            sqlite3_str *sql) {
  sqlite3_stmt *stmt;
  bool is_long = sqlite3_str_length(sql) > STATEMENT_KEPT_BYTES;
  if (statement_prepare(db, sql, &stmt) != LEDGER_OK) return NULL;
  unsigned char *copy = sqlite3_malloc64(length);
  if (copy == NULL) {
    sqlite3_finalize(stmt);
    error_memory(&db->error);
    return NULL;
  }
  memcpy(copy, key, length);
  int place = db->cache_count;
  if (place < STATEMENT_CACHE_MAX) {
    db->cache_count++;
  } else {
    place = 0;
    for (int i = 1; i < STATEMENT_CACHE_MAX; i++) {
      if (db->cache[i].used_in < db->cache[place].used_in) place = i;
    }
    assert(db->cache[place].used_in < db->call); /* no call needs that many */
    statement_forget(&db->cache[place]);
  }
  db->cache[place] = (struct statement_entry){.hash = statement_hash(key, length),
                                              .key = copy,
                                              .key_length = length,
                                              .stmt = stmt,
                                              .is_long = is_long,
                                              .used_in = db->call};
  db->has_long_statement = db->has_long_statement || is_long;
  return stmt;
}

LEDGER_PRIVATE void statement_forget_all(ledger *db) {
  for (int i = 0; i < db->cache_count; i++) statement_forget(&db->cache[i]);
  db->cache_count = 0;
  db->has_long_statement = false;
}

LEDGER_PRIVATE void statement_forget_long(ledger *db) {
  for (int i = db->cache_count - 1; i >= 0 && db->has_long_statement; i--) {
    if (!db->cache[i].is_long) continue;
    statement_forget(&db->cache[i]);
    db->cache[i] = db->cache[--db->cache_count];
  }
  db->has_long_statement = false;
}

LEDGER_PRIVATE int statement_bind(sqlite3_stmt *stmt, int parameter, const struct value *value) {
  switch (value->kind) {
  case VALUE_INTEGER: return sqlite3_bind_int64(stmt, parameter, value->integer);
  case VALUE_REAL: return sqlite3_bind_double(stmt, parameter, value->real);
  case VALUE_TEXT: /* a NULL pointer would bind NULL */
    return sqlite3_bind_text64(stmt, parameter, value->length == 0 ? "" : value->text,
                               value->length, SQLITE_STATIC, SQLITE_UTF8);
  case VALUE_BLOB: /* likewise */
    if (value->length == 0) return sqlite3_bind_zeroblob(stmt, parameter, 0);
    return sqlite3_bind_blob64(stmt, parameter, value->text, value->length, SQLITE_STATIC);
  case VALUE_NULL: break;
  }
  return sqlite3_bind_null(stmt, parameter);
}

LEDGER_PRIVATE int statement_bind_all(ledger *db, sqlite3_stmt *stmt, int count,
                                      const struct value *values) {
  int last = sqlite3_bind_parameter_count(stmt); /* IS NULL leaves out the last ones */
  for (int i = 0; i < count && i < last; i++) {
    int rc = statement_bind(stmt, i + 1, &values[i]);
    if (rc != SQLITE_OK) return store_error(db, rc); /* SQLite would take it for NULL */
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE struct value statement_value(sqlite3_stmt *stmt, int column) {
  return function_argument(sqlite3_column_value(stmt, column));
}

LEDGER_PRIVATE int statement_text(ledger *db, sqlite3_stmt *stmt, int column, const char **out) {
  *out = NULL;
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return LEDGER_OK;
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  if (text == NULL) return error_memory(&db->error);
  *out = arena_copy(&db->arena, text, (size_t)sqlite3_column_bytes(stmt, column));
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

LEDGER_PRIVATE uint64_t value_bits(const struct value *value) {
  uint64_t bits;
  switch (value->kind) {
  case VALUE_NULL: return 0;
  case VALUE_INTEGER: return (uint64_t)value->integer;
  case VALUE_REAL: memcpy(&bits, &value->real, sizeof bits); return bits;
  default: return value->length;
  }
}

LEDGER_PRIVATE bool value_is_same(const struct value *a, const struct value *b) {
  if (a->kind != b->kind || value_bits(a) != value_bits(b)) return false;
  bool has_bytes = a->kind == VALUE_TEXT || a->kind == VALUE_BLOB;
  return !has_bytes || a->length == 0 || memcmp(a->text, b->text, a->length) == 0;
}

LEDGER_PRIVATE int value_keep(struct arena *arena, struct value *value) {
  if (value->kind != VALUE_TEXT && value->kind != VALUE_BLOB) return LEDGER_OK;
  value->text = arena_copy(arena, value->text, value->length);
  return value->text == NULL ? LEDGER_MEMORY : LEDGER_OK;
}
