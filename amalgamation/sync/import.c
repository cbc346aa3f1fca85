/*
** import.c: ledger_import(): a plain pg_dump into the tables of a file, in one transaction. Rows come in any order, so foreign keys
** are off while they come, and all of them are looked at when the last one is in; no trigger of the schema runs. What the dump says
** about the schema is passed over: the file has its own.
**
** What is imported is main's: it is not sent back (db->is_unfollowed), and what the book writes of it neither: at the end the
** position of the sync covers it. Therefore nothing else may be waiting.
*/
#include "../internal.h"
#include "import.h"

#define IMPORT_CACHE                                                                               \
  (-16384) /* of pages, in KiB: with 2 MB half of the time goes by writing pages that are needed again */

/* ---- names */

/* The identifier that was read last; reads on. */
static int import_name(struct import *import, char out[LEDGER_NAME_MAX + 1]) {
  struct dump *dump = &import->dump;
  if (dump->token != DUMP_WORD && dump->token != DUMP_NAME) return dump_refuse(dump);
  if (dump->size == 0 || dump->size > LEDGER_NAME_MAX)
    return error_set(&import->db->error, LEDGER_INVALID_NAME, "a name has 1 to %d bytes",
                     LEDGER_NAME_MAX);
  int rc = text_check(dump->text + dump->start, dump->size, &import->db->error);
  if (rc != LEDGER_OK) return rc;
  memcpy(out, dump->text + dump->start, dump->size);
  out[dump->size] = 0;
  return dump_next(dump);
}

/* The table of a statement, public.users or users. */
static int import_table_name(struct import *import) {
  char schema[LEDGER_NAME_MAX + 1] = "public", name[LEDGER_NAME_MAX + 1];
  int rc = import_name(import, name);
  if (rc == LEDGER_OK && dump_is_symbol(&import->dump, '.')) {
    memcpy(schema, name, sizeof schema);
    rc = dump_next(&import->dump);
    if (rc == LEDGER_OK) rc = import_name(import, name);
  }
  return rc == LEDGER_OK ? import_find_table(import, schema, name) : rc;
}

/* "(a, b)", or nothing, which is all columns. */
static int import_column_names(struct import *import) {
  struct dump *dump = &import->dump;
  char name[LEDGER_NAME_MAX + 1];
  if (!dump_is_symbol(dump, '(')) return import_all_columns(import);
  int rc;
  do {
    rc = dump_next(dump);
    if (rc == LEDGER_OK) rc = import_name(import, name);
    if (rc == LEDGER_OK) rc = import_add_column(import, name);
  } while (rc == LEDGER_OK && dump_is_symbol(dump, ','));
  return rc == LEDGER_OK ? dump_expect(dump, ')') : rc;
}

static int import_expect_word(struct import *import, const char *word) {
  return dump_is(&import->dump, word) ? dump_next(&import->dump) : dump_refuse(&import->dump);
}

/* ---- COPY */

static int import_copy(struct import *import) {
  struct dump *dump = &import->dump;
  bool is_end = false;
  int rc = dump_next(dump);
  if (rc == LEDGER_OK) rc = import_table_name(import);
  if (rc == LEDGER_OK) rc = import_column_names(import);
  if (rc == LEDGER_OK) rc = import_expect_word(import, "from");
  if (rc == LEDGER_OK && !dump_is(dump, "stdin")) rc = dump_refuse(dump);
  if (rc == LEDGER_OK) rc = dump_next(dump);
  if (rc == LEDGER_OK && !dump_is_symbol(dump, ';')) {
    rc = error_set(&import->db->error, LEDGER_UNSUPPORTED, "COPY with options is not supported");
    error_hint(&import->db->error, "pg_dump writes it without.");
  }
  if (rc == LEDGER_OK) rc = dump_copy_start(dump);
  while (rc == LEDGER_OK && !is_end) {
    bool is_skipped = import->table == NULL || import->is_refused;
    rc = dump_copy_row(dump, is_skipped, &is_end);
    if (rc == LEDGER_OK && !is_end) rc = import_row(import);
  }
  return rc;
}

/* ---- INSERT */

static int import_literal(struct import *import) {
  struct dump *dump = &import->dump;
  size_t start = dump->start;
  enum dump_field_kind kind = DUMP_TEXT;
  int rc = LEDGER_OK;
  if (dump_is_symbol(dump, '-') || dump_is_symbol(dump, '+')) {
    rc = dump_add_byte(dump, dump->symbol);
    if (rc == LEDGER_OK) rc = dump_next(dump);
    if (rc == LEDGER_OK && dump->token != DUMP_NUMBER) rc = dump_refuse(dump);
  } else if (dump_is(dump, "null")) {
    kind = DUMP_NULL;
  } else if (dump_is(dump, "default")) {
    kind = DUMP_DEFAULT;
  } else if (dump->token != DUMP_STRING && dump->token != DUMP_NUMBER && !dump_is(dump, "true") &&
             !dump_is(dump, "false")) {
    rc = dump_refuse(dump);
  }
  if (rc == LEDGER_OK) rc = dump_add_field(dump, kind, start, dump->length - start);
  return rc == LEDGER_OK ? dump_next(dump) : rc;
}

/* (1, 'a', NULL): the row and what stands behind it are read. */
static int import_tuple(struct import *import) {
  struct dump *dump = &import->dump;
  int64_t place = dump->place;
  int rc = dump_is_symbol(dump, '(') ? LEDGER_OK : dump_refuse(dump);
  dump_clear(dump);
  do {
    if (rc == LEDGER_OK) rc = dump_next(dump);
    if (rc == LEDGER_OK) rc = import_literal(import);
  } while (rc == LEDGER_OK && dump_is_symbol(dump, ','));
  if (rc == LEDGER_OK && !dump_is_symbol(dump, ')')) rc = dump_refuse(dump);
  if (rc != LEDGER_OK) return rc;
  dump->place = place;
  rc = import_row(import);
  if (rc != LEDGER_OK) return rc;
  dump_clear(dump);
  return dump_next(dump);
}

static int import_insert(struct import *import) {
  struct dump *dump = &import->dump;
  int rc = dump_next(dump);
  if (rc == LEDGER_OK) rc = import_expect_word(import, "into");
  if (rc == LEDGER_OK) rc = import_table_name(import);
  if (rc == LEDGER_OK) rc = import_column_names(import);
  if (rc == LEDGER_OK && dump_is(dump, "overriding")) {
    rc = dump_next(dump); /* SYSTEM or USER: the values are taken as they are */
    if (rc == LEDGER_OK) rc = dump_next(dump);
    if (rc == LEDGER_OK) rc = import_expect_word(import, "value");
  }
  if (rc == LEDGER_OK) rc = dump_is(dump, "values") ? dump_next(dump) : dump_refuse(dump);
  while (rc == LEDGER_OK) {
    rc = import_tuple(import);
    if (rc != LEDGER_OK || !dump_is_symbol(dump, ',')) break;
    rc = dump_next(dump);
  }
  if (rc == LEDGER_OK && dump_is(dump, "on")) { /* ON CONFLICT DO NOTHING */
    static const char *const words[] = {"on", "conflict", "do", "nothing"};
    for (int i = 0; i < 4 && rc == LEDGER_OK; i++) rc = import_expect_word(import, words[i]);
  }
  if (rc == LEDGER_OK && !dump_is_symbol(dump, ';')) rc = dump_refuse(dump);
  return rc;
}

/* ---- SELECT setval(...), SET */

/* A part of a name as regclass takes it. Returns what is behind it, NULL if it is none. */
static const char *import_part(const char *text, char out[LEDGER_NAME_MAX + 1]) {
  size_t length = 0;
  bool is_quoted = *text == '"';
  for (text += is_quoted; *text != 0; text++) {
    if (is_quoted && *text == '"' && *++text != '"') break;
    if (!is_quoted && *text == '.') break;
    if (length == LEDGER_NAME_MAX) return NULL;
    out[length++] = *text;
  }
  out[length] = 0;
  return length == 0 ? NULL : text;
}

static struct sequence *import_sequence(struct import *import, const char *text, char schema[],
                                        char name[]) {
  const struct catalog *catalog = import->db->catalog;
  const char *rest = import_part(text, schema);
  if (rest != NULL && *rest == '.') {
    rest = import_part(rest + 1, name);
  } else if (rest != NULL) {
    memcpy(name, schema, LEDGER_NAME_MAX + 1);
    memcpy(schema, "public", sizeof "public");
  }
  if (rest == NULL || *rest != 0) return NULL;
  for (int i = 0; i < catalog->sequence_count; i++)
    if (strcmp(catalog->sequences[i].name, name) == 0 &&
        strcmp(catalog->sequences[i].schema, schema) == 0)
      return &catalog->sequences[i];
  return NULL;
}

/* A sequence goes forward only, and not at all where the device has a range of keys of its own. */
static int import_sequence_set(struct import *import, struct sequence *sequence, int64_t value,
                               bool is_called) {
  ledger *db = import->db;
  if (value < sequence->minimum || value > sequence->maximum)
    return error_set(&db->error, LEDGER_OUT_OF_RANGE,
                     "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                     (long long)value, sequence->name, (long long)sequence->minimum,
                     (long long)sequence->maximum);
  bool is_further = value == sequence->last_value
                        ? is_called && !sequence->is_called
                        : (value > sequence->last_value) == (sequence->increment > 0);
  import->sequences++;
  if (!is_further || import->key_range > 0) return LEDGER_OK;
  sequence->last_value = value;
  sequence->is_called = is_called;
  sequence->is_dirty = true;
  db->has_dirty_sequence = true;
  return LEDGER_OK;
}

static int import_integer(struct import *import, int64_t *out) {
  static const struct type bigint = {.id = TYPE_INT8, .length = -1};
  struct dump *dump = &import->dump;
  size_t start = dump->start;
  struct value value;
  if (dump_is_symbol(dump, '-')) {
    int rc = dump_add_byte(dump, '-');
    if (rc == LEDGER_OK) rc = dump_next(dump);
    if (rc != LEDGER_OK) return rc;
  }
  if (dump->token != DUMP_NUMBER) return dump_refuse(dump);
  int rc = type_input(&bigint, dump->text + start, dump->length - start, &import->db->arena, &value,
                      &import->db->error);
  *out = rc == LEDGER_OK ? value.integer : 0;
  return rc == LEDGER_OK ? dump_next(dump) : rc;
}

static int import_setval(struct import *import) {
  struct dump *dump = &import->dump;
  char text[2 * LEDGER_NAME_MAX + 8] = "", schema[LEDGER_NAME_MAX + 1], name[LEDGER_NAME_MAX + 1];
  int64_t value = 0;
  bool is_called = true;
  int rc = dump_expect(dump, '(');
  if (rc == LEDGER_OK && (dump->token != DUMP_STRING || dump->size >= sizeof text))
    rc = dump_refuse(dump);
  if (rc != LEDGER_OK) return rc;
  memcpy(text, dump->text + dump->start, dump->size);
  text[dump->size] = 0;
  rc = dump_next(dump);
  if (rc == LEDGER_OK) rc = dump_expect(dump, ',');
  if (rc == LEDGER_OK) rc = import_integer(import, &value);
  if (rc == LEDGER_OK && dump_is_symbol(dump, ',')) {
    rc = dump_next(dump);
    is_called = dump_is(dump, "true");
    if (rc == LEDGER_OK && !is_called && !dump_is(dump, "false")) rc = dump_refuse(dump);
    if (rc == LEDGER_OK) rc = dump_next(dump);
  }
  if (rc == LEDGER_OK) rc = dump_expect(dump, ')');
  if (rc == LEDGER_OK && !dump_is_symbol(dump, ';')) rc = dump_refuse(dump);
  if (rc != LEDGER_OK) return rc;
  memset(schema, 0, sizeof schema);
  struct sequence *sequence = import_sequence(import, text, schema, name);
  if (sequence != NULL) return import_sequence_set(import, sequence, value, is_called);
  return strcmp(schema, "ledger_sync") == 0 ? LEDGER_OK : import_leave_out(import, schema, name);
}

static int import_select(struct import *import) {
  struct dump *dump = &import->dump;
  char name[LEDGER_NAME_MAX + 1];
  int rc = dump_next(dump);
  if (rc == LEDGER_OK && dump_is(dump, "pg_catalog")) {
    rc = dump_next(dump);
    if (rc == LEDGER_OK) rc = dump_expect(dump, '.');
  }
  if (rc == LEDGER_OK) rc = import_name(import, name);
  if (rc != LEDGER_OK) return rc;
  if (strcmp(name, "setval") == 0) return import_setval(import);
  if (strcmp(name, "set_config") == 0) return dump_skip(dump, false);
  error_set(&import->db->error, LEDGER_UNSUPPORTED, "SELECT %s(...) is not supported in a dump",
            name);
  return error_hint(&import->db->error, strncmp(name, "lo", 2) == 0
                                            ? "Large objects: leave them out with pg_dump -B."
                                            : "Only setval() and set_config() are.");
}

static bool import_word_is(const struct dump *dump, const char *word) {
  return (dump->token == DUMP_WORD || dump->token == DUMP_STRING) && dump->size == strlen(word) &&
         sqlite3_strnicmp(dump->text + dump->start, word, (int)dump->size) == 0;
}

static int import_set(struct import *import) {
  struct dump *dump = &import->dump;
  int rc = dump_next(dump);
  bool is_encoding = dump_is(dump, "client_encoding");
  bool is_strings = dump_is(dump, "standard_conforming_strings");
  if (rc == LEDGER_OK && (is_encoding || is_strings)) {
    rc = dump_next(dump); /* = or TO */
    if (rc == LEDGER_OK) rc = dump_next(dump);
  }
  if (rc == LEDGER_OK && is_strings) dump->has_backslashes = !import_word_is(dump, "on");
  if (rc == LEDGER_OK && is_encoding && !import_word_is(dump, "UTF8") &&
      !import_word_is(dump, "UTF-8") && !import_word_is(dump, "SQL_ASCII")) {
    rc = error_set(&import->db->error, LEDGER_UNSUPPORTED, "the dump is not in UTF-8");
    error_hint(&import->db->error, "Dump it with  pg_dump --encoding=UTF8");
  }
  return rc == LEDGER_OK ? dump_skip(dump, false) : rc;
}

/* ---- all statements */

static int import_statement(struct import *import) {
  /* What says nothing about rows. */
  static const char *const passed[] = {
      "create", "alter",   "comment", "grant",  "revoke", "drop",     "begin",   "commit",
      "start",  "analyze", "reset",   "vacuum", "lock",   "security", "refresh", "reindex"};
  struct dump *dump = &import->dump;
  int rc = dump_next(dump);
  if (rc != LEDGER_OK || dump->token == DUMP_END || dump_is_symbol(dump, ';')) return rc;
  if (dump_is(dump, "copy")) return import_copy(import);
  if (dump_is(dump, "insert")) return import_insert(import);
  if (dump_is(dump, "select")) return import_select(import);
  if (dump_is(dump, "set")) return import_set(import);
  for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
    if (dump_is(dump, passed[i])) return dump_skip(dump, i == 0);
  rc = dump_refuse(dump);
  error_hint(&import->db->error, "A dump has COPY, INSERT and what makes a schema, nothing else.");
  return rc;
}

static void import_say_place(struct import *import) {
  ledger_error *error = &import->db->error;
  char sentence[sizeof error->message];
  if (error->code == LEDGER_INTERRUPTED || error->code == LEDGER_MEMORY) return;
  memcpy(sentence, error->message, sizeof sentence);
  sqlite3_snprintf((int)sizeof error->message, error->message, "line %lld: %s",
                   (long long)import->dump.place, sentence);
}

/* Which tables and sequences the file does not have. */
static int import_refuse_lacking(struct import *import) {
  ledger_error *error = &import->db->error;
  sqlite3_str *names = sqlite3_str_new(NULL);
  for (int i = 0; i < import->left_out_count; i++)
    sqlite3_str_appendf(names, "%s%s", i == 0 ? "" : ", ", import->left_out[i].name);
  char *text = sqlite3_str_finish(names);
  if (text == NULL) return error_memory(error);
  error_set(error, LEDGER_UNDEFINED_TABLE, "the file does not have %s of the dump's tables: %s",
            import->left_out_count == 1 ? "one" : "some", text);
  sqlite3_free(text);
  return error_hint(error, "--continue leaves them out.");
}

static int import_statements(struct import *import) {
  int64_t count = -1;
  int rc;
  do {
    rc = dump_between(&import->dump);
    if (rc == LEDGER_OK) rc = import_statement(import);
    arena_reset(&import->db->arena);
    count++;
  } while (rc == LEDGER_OK && import->dump.token != DUMP_END);
  if (rc == LEDGER_OK && count == 0) /* whoever should have written it has failed */
    rc = error_set(&import->db->error, LEDGER_INVALID_FIELD, "there is nothing in the dump");
  if (rc == LEDGER_OK && import->dump.is_open)
    rc = error_set(&import->db->error, LEDGER_INVALID_FIELD,
                   "the dump was cut: \"PostgreSQL database dump complete\" is missing");
  if (rc != LEDGER_OK) import_say_place(import);
  if (rc == LEDGER_OK && import->is_refused) rc = import_refuse_lacking(import);
  return rc;
}

/* ---- around it */

static int import_check_waiting(struct import *import) {
  ledger *db = import->db;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_IMPORT_WAITING);
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  bool waits = rc == LEDGER_ROW && sqlite3_column_int(stmt, 0) != 0;
  if (rc == LEDGER_ROW) import->key_range = sqlite3_column_int64(stmt, 1);
  sqlite3_reset(stmt);
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) return rc;
  if (!waits) return LEDGER_OK;
  error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE,
            "the file has changes that the main database has not received yet");
  return error_hint(&db->error, "Send them first:  ledger push");
}

static int import_check_keys(struct import *import) {
  ledger *db = import->db;
  int rc = LEDGER_OK;
  for (int i = 0; i < db->catalog->relation_count && rc == LEDGER_OK; i++)
    if (import->tables[i].inserted > 0) rc = import_check_relation(db, import->tables[i].relation);
  return rc;
}

static char *import_report(const struct import *import) {
  sqlite3_str *out = sqlite3_str_new(NULL), *list = sqlite3_str_new(NULL);
  int64_t inserted = 0, skipped = 0;
  for (int i = 0; i < import->db->catalog->relation_count; i++) {
    const struct import_table *table = &import->tables[i];
    if (!table->has_begun) continue;
    inserted += table->inserted;
    skipped += table->skipped;
    sqlite3_str_appendall(list, sqlite3_str_length(list) == 0 ? "{" : ",{");
    json_member(list, "schema", table->relation->schema);
    json_member(list, "table", table->relation->name);
    sqlite3_str_appendf(list, ",\"inserted\":%lld,\"skipped\":%lld}", (long long)table->inserted,
                        (long long)table->skipped);
  }
  char *tables = sqlite3_str_finish(list);
  sqlite3_str_appendf(out,
                      "{\"rows\":%lld,\"inserted\":%lld,\"skipped\":%lld,\"sequences\":%lld,"
                      "\"openings\":%lld,\"holds\":%lld,\"tables\":[%s],\"left_out\":[",
                      (long long)import->rows, (long long)inserted, (long long)skipped,
                      (long long)import->sequences, (long long)import->openings,
                      (long long)import->holds, tables == NULL ? "" : tables);
  sqlite3_free(tables);
  for (int i = 0; i < import->left_out_count; i++) {
    sqlite3_str_appendall(out, i == 0 ? "{" : ",{");
    json_member(out, "name", import->left_out[i].name);
    sqlite3_str_appendf(out, ",\"rows\":%lld}", (long long)import->left_out[i].rows);
  }
  sqlite3_str_appendall(out, "]}");
  return sqlite3_str_finish(out);
}

static int import_all(struct import *import, char **report) {
  ledger *db = import->db;
  int rc = import_check_waiting(import);
  if (rc == LEDGER_OK) rc = trigger_remove(db);
  if (rc == LEDGER_OK) rc = import_tables_open(import);
  if (rc == LEDGER_OK) rc = import_book_open(import);
  if (rc == LEDGER_OK) rc = import_statements(import);
  if (rc == LEDGER_OK) rc = import_book_finish(import);
  if (rc == LEDGER_OK) rc = import_check_keys(import);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_IMPORT_OWN);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_IMPORT_POSITION);
  if (rc == LEDGER_OK) rc = trigger_install(db);
  if (rc == LEDGER_OK && report != NULL) {
    *report = import_report(import);
    if (*report == NULL) rc = error_memory(&db->error);
  }
  return rc;
}

/* Sequences as they were: what setval() said is undone with the rest. */
static void import_keep_sequences(struct catalog *catalog, struct sequence *kept, bool restores) {
  size_t bytes = (size_t)catalog->sequence_count * sizeof *kept;
  if (bytes == 0) return;
  if (restores)
    memcpy(catalog->sequences, kept, bytes);
  else
    memcpy(kept, catalog->sequences, bytes);
}

/* PRAGMA cache_size of a handle with little memory is larger meanwhile; *size: what it was, or what it is to be. */
static int import_cache(ledger *db, bool restores, int *size) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "PRAGMA main.cache_size");
  if (restores) sqlite3_str_appendf(sql, " = %d", *size);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW && !restores) *size = sqlite3_column_int(stmt, 0);
  statement_end(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int import_transaction(struct import *import, char **report) {
  ledger *db = import->db;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  int triggers = db->trigger_count;
  struct sequence *kept =
      sqlite3_malloc64(((size_t)db->catalog->sequence_count + 1) * sizeof *kept);
  if (kept == NULL) return transaction_end(db, error_memory(&db->error));
  import_keep_sequences(db->catalog, kept, false);
  int cache = IMPORT_CACHE, wanted = IMPORT_CACHE;
  rc = import_cache(db, false, &cache);
  if (rc == LEDGER_OK && cache > wanted) rc = import_cache(db, true, &wanted);
  if (rc == LEDGER_OK) rc = import_all(import, report);
  ledger_error error = db->error;
  if (cache > wanted) (void)import_cache(db, true, &cache);
  import_book_close(import);
  import_tables_close(import);
  db->error = error;
  rc = transaction_end(db, rc);
  if (rc != LEDGER_OK) {
    db->trigger_count = triggers; /* rolled back with the rest */
    import_keep_sequences(db->catalog, kept, true);
  }
  sqlite3_free(kept);
  return rc;
}

LEDGER_PRIVATE int import_dump(ledger *db, ptrdiff_t (*read)(void *, void *, size_t), void *context,
                               int flags, char **report) {
  struct import import = {.db = db, .flags = flags, .key_range = -1};
  if (db->in_transaction)
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "an import is a transaction of its own, and one is in progress");
  int rc = dump_open(&import.dump, read, context, &db->error);
  if (rc == LEDGER_OK) {
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
    db->is_unfollowed = true;
    rc = import_transaction(&import, report);
    db->is_unfollowed = false;
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  }
  dump_close(&import.dump);
  if (rc != LEDGER_OK && report != NULL) {
    sqlite3_free(*report);
    *report = NULL;
  }
  return rc;
}

#undef IMPORT_CACHE
