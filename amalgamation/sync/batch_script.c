/*
** batch_script.c: a batch as a script for psql or any client. The rows of the body are passed on as they are (COPY) or decoded
** (INSERT) while they come, in any pieces; what the header says of them is checked on the way, and COMMIT is written only
** after all of it was right. Bytes that script_copy_field() would not have written are refused before they are passed on: no
** row can act, whoever made it.
*/
#include "../internal.h"

#define BATCH_SCRIPT_ROWS 100 /* of one INSERT */

enum batch_script_at {
  AT_LINE,      /* nothing of the line was read */
  AT_FIELD,     /* nothing of the field was read, which is not the first */
  AT_TEXT,      /* within a field */
  AT_ESCAPE,    /* behind a backslash */
  AT_OCTAL,     /* behind a backslash and a digit */
  AT_OCTAL_END, /* behind two */
  AT_NULL,      /* behind \N */
  AT_END,       /* behind \. */
  AT_NOTHING    /* behind the last table */
};

struct batch_script_table {
  int64_t rows;
  int fields;
};

struct batch_script {
  ledger_error *error;
  enum ledger_export_format format;
  struct arena arena;
  int table_count, table;
  struct batch_script_table *tables;
  char body[2 * SEAL_SHA256_BYTES + 1]; /* hash of the body, as the header has it */
  int64_t bytes, bytes_left;
  int64_t rows; /* of the table, read so far */
  int fields;   /* of the row, begun so far */
  int octal;    /* of the escape */
  enum batch_script_at at;
  bool is_first_of_line; /* an escape: its field is the first */
  bool is_empty;         /* an escape: nothing stood before it in its field */
  struct seal_sha256 hash;
  int rc;
  struct script script; /* last: it is large */
};

static int batch_script_altered(struct batch_script *script, const char *what) {
  return error_set(script->error, LEDGER_ALTERED, "the batch was altered or cut: %s", what);
}

/* ---- the header */

static int batch_script_header_wrong(struct batch_script *script) {
  return batch_script_altered(script, "its header cannot be read");
}

/* Passes over a value whose first token was read. */
static bool batch_script_skip(struct json *json, enum json_token token) {
  size_t ignored;
  if (token == JSON_OBJECT || token == JSON_ARRAY) return json_skip(json, &ignored);
  return token == JSON_STRING || token == JSON_NUMBER || token == JSON_TRUE ||
         token == JSON_FALSE || token == JSON_NULL;
}

/* Adds the length of an array of strings. */
static bool batch_script_count(struct json *json, int *count) {
  enum json_token token;
  while ((token = json_next(json)) == JSON_STRING) (*count)++;
  return token == JSON_ARRAY_END;
}

static bool batch_script_read_table(struct json *json, struct batch_script_table *out) {
  enum json_token token;
  bool is_right = true, has_rows = false;
  *out = (struct batch_script_table){.fields = 2};
  while (is_right && (token = json_next(json)) == JSON_KEY) {
    bool counts = json_is(json, "columns") || json_is(json, "deltas");
    bool is_rows = json_is(json, "rows");
    token = json_next(json);
    if (counts)
      is_right = token == JSON_ARRAY && batch_script_count(json, &out->fields);
    else if (is_rows)
      has_rows = is_right = token == JSON_NUMBER && json_whole(json, &out->rows);
    else
      is_right = batch_script_skip(json, token);
  }
  return is_right && token == JSON_OBJECT_END && has_rows;
}

/* The array of tables; how many there are is not known before. */
static int batch_script_read_tables(struct batch_script *script, struct json *json) {
  int room = 0;
  enum json_token token;
  while ((token = json_next(json)) == JSON_OBJECT) {
    if (script->table_count == room) {
      int more = room == 0 ? 16 : 2 * room;
      struct batch_script_table *tables =
          arena_alloc(&script->arena, (size_t)more * sizeof *tables);
      if (tables == NULL) return error_memory(script->error);
      if (room > 0) memcpy(tables, script->tables, (size_t)room * sizeof *tables);
      script->tables = tables;
      room = more;
    }
    if (!batch_script_read_table(json, &script->tables[script->table_count++]))
      return batch_script_header_wrong(script);
  }
  return token == JSON_ARRAY_END ? LEDGER_OK : batch_script_header_wrong(script);
}

static int batch_script_member(struct batch_script *script, struct json *json, bool *is_batch) {
  int64_t version;
  bool is_version = json_is(json, "ledger_batch"), is_bytes = json_is(json, "bytes");
  bool is_body = json_is(json, "body"), is_tables = json_is(json, "tables");
  enum json_token token = json_next(json);
  if (is_tables && token == JSON_ARRAY) return batch_script_read_tables(script, json);
  bool is_right = true;
  if (is_version) {
    is_right = *is_batch = token == JSON_NUMBER && json_whole(json, &version);
    if (is_right && version != 1)
      return error_set(script->error, LEDGER_NEWER_BATCH,
                       "the batch is of format %lld, and this program knows format 1",
                       (long long)version);
  } else if (is_bytes) {
    is_right = token == JSON_NUMBER && json_whole(json, &script->bytes);
  } else if (is_body) {
    is_right = token == JSON_STRING && json->token_length == sizeof script->body - 1;
    if (is_right) memcpy(script->body, json->token, json->token_length);
  } else {
    is_right = !is_tables && batch_script_skip(json, token);
  }
  return is_right ? LEDGER_OK : batch_script_header_wrong(script);
}

static int batch_script_header(struct batch_script *script, const char *header) {
  struct json json;
  size_t length = strlen(header);
  bool is_batch = false;
  int rc = LEDGER_OK;
  json_start(&json, header, length);
  if (!text_is_valid_utf8(header, length) || memchr(header, '\n', length) != NULL ||
      json_next(&json) != JSON_OBJECT)
    return batch_script_header_wrong(script);
  enum json_token token;
  while (rc == LEDGER_OK && (token = json_next(&json)) == JSON_KEY)
    rc = batch_script_member(script, &json, &is_batch);
  if (rc != LEDGER_OK) return rc;
  if (token != JSON_OBJECT_END || json_next(&json) != JSON_END || !is_batch || script->body[0] == 0)
    return batch_script_header_wrong(script);
  return LEDGER_OK;
}

static void batch_script_hash(struct seal_sha256 *state, char out[2 * SEAL_SHA256_BYTES + 1]) {
  unsigned char hash[SEAL_SHA256_BYTES];
  seal_sha256_final(state, hash);
  text_hex(hash, sizeof hash, out);
}

/* ---- the script around the rows */

static void batch_script_begin(struct batch_script *script, const char *header) {
  char hash[2 * SEAL_SHA256_BYTES + 1];
  struct seal_sha256 state;
  seal_sha256_init(&state);
  seal_sha256_update(&state, header, strlen(header));
  batch_script_hash(&state, hash);
  if (script->format == LEDGER_EXPORT_COPY)
    script_text(&script->script, "\\set ON_ERROR_STOP on\n");
  script_text(&script->script, "BEGIN;\n"
                               "SET LOCAL client_encoding = 'UTF8';\n"
                               "SET LOCAL standard_conforming_strings = on;\n"
                               "SET LOCAL datestyle = 'ISO, YMD';\n"
                               "SET LOCAL timezone = 'UTC';\n"
                               "SET LOCAL intervalstyle = 'postgres';\n"
                               "SET LOCAL lock_timeout = '30s';\n"
                               "SET LOCAL client_min_messages = warning;\n"
                               "SELECT ledger_sync.begin_batch(");
  script_literal(&script->script, header, strlen(header));
  script_text(&script->script, ", '");
  script_text(&script->script, hash);
  script_text(&script->script, "');\n");
}

static void batch_script_target(struct batch_script *script, const char *before,
                                const char *after) {
  char name[48];
  snprintf(name, sizeof name, "pg_temp.ledger_%d", script->table + 1);
  script_text(&script->script, before);
  script_text(&script->script, name);
  script_text(&script->script, after);
}

/* The next table begins, or the end is reached. */
static void batch_script_table(struct batch_script *script) {
  script->rows = 0;
  script->at = script->table < script->table_count ? AT_LINE : AT_NOTHING;
  if (script->at == AT_LINE && script->format == LEDGER_EXPORT_COPY)
    batch_script_target(script, "COPY ", " FROM stdin;\n");
}

/* ---- the rows */

/* A byte of a value: the format decides how it is written. */
static void batch_script_byte(struct batch_script *script, char c) {
  script_bytes(&script->script, &c, 1);
  if (c == '\'' && script->format == LEDGER_EXPORT_INSERT) script_bytes(&script->script, &c, 1);
}

/* INSERT: what stands before a row's first field, or before another field. */
static void batch_script_before(struct batch_script *script, bool is_first) {
  if (script->format == LEDGER_EXPORT_COPY) return;
  if (!is_first)
    script_text(&script->script, ",");
  else if (script->rows % BATCH_SCRIPT_ROWS == 0)
    batch_script_target(script, script->rows > 0 ? ";\nINSERT INTO " : "INSERT INTO ",
                        " VALUES\n(");
  else
    script_text(&script->script, ",\n(");
}

static bool batch_script_begin_field(struct batch_script *script, bool is_first, bool is_null) {
  if (is_first) script->fields = 0;
  if (++script->fields > script->tables[script->table].fields) return false;
  batch_script_before(script, is_first);
  if (script->format == LEDGER_EXPORT_INSERT) script_text(&script->script, is_null ? "NULL" : "'");
  return true;
}

/* Behind a field stands a tab or the line's end. */
static bool batch_script_end_field(struct batch_script *script, char c, bool is_null) {
  if (script->format == LEDGER_EXPORT_INSERT && !is_null) script_text(&script->script, "'");
  script->at = c == '\t' ? AT_FIELD : AT_LINE;
  if (script->format == LEDGER_EXPORT_COPY) script_bytes(&script->script, &c, 1);
  if (c == '\t') return true;
  const struct batch_script_table *table = &script->tables[script->table];
  if (script->format == LEDGER_EXPORT_INSERT) script_text(&script->script, ")");
  script->rows++;
  return script->fields == table->fields && script->rows <= table->rows;
}

static bool batch_script_end_table(struct batch_script *script) {
  if (script->rows != script->tables[script->table].rows) return false;
  if (script->format == LEDGER_EXPORT_COPY)
    script_text(&script->script, "\\.\n");
  else if (script->rows > 0)
    script_text(&script->script, ";\n");
  script->table++;
  batch_script_table(script);
  return true;
}

/* The first byte of a field, or one within it. */
static bool batch_script_plain(struct batch_script *script, char c) {
  bool is_first = script->at == AT_LINE, is_empty = script->at != AT_TEXT;
  unsigned char byte = (unsigned char)c;
  if (c == '\\') {
    script->is_first_of_line = is_first;
    script->is_empty = is_empty;
    script->at = AT_ESCAPE;
    return true;
  }
  if (is_empty && !batch_script_begin_field(script, is_first, false)) return false;
  if (c == '\t' || c == '\n') return batch_script_end_field(script, c, false);
  if (byte < 0x20 || byte == 0x7f || c == ';') return false;
  script->at = AT_TEXT;
  batch_script_byte(script, c);
  return true;
}

static bool batch_script_escape(struct batch_script *script, char c) {
  if (c == '.' && script->is_first_of_line) {
    script->at = AT_END;
    return true;
  }
  if (c == 'N' && script->is_empty) {
    script->at = AT_NULL;
    if (!batch_script_begin_field(script, script->is_first_of_line, true)) return false;
    if (script->format == LEDGER_EXPORT_COPY) script_text(&script->script, "\\N");
    return true;
  }
  if (c < '0' || c > '3') return false;
  if (script->is_empty && !batch_script_begin_field(script, script->is_first_of_line, false))
    return false;
  script->octal = c - '0';
  script->at = AT_OCTAL;
  return true;
}

static bool batch_script_octal(struct batch_script *script, char c) {
  if (c < '0' || c > '7') return false;
  script->octal = script->octal * 8 + c - '0';
  script->at = script->at == AT_OCTAL ? AT_OCTAL_END : AT_TEXT;
  if (script->at != AT_TEXT) return true;
  if (script->octal == 0) return false;
  if (script->format == LEDGER_EXPORT_COPY) {
    char text[5];
    snprintf(text, sizeof text, "\\%03o", (unsigned)script->octal & 0xff);
    script_bytes(&script->script, text, 4);
  } else
    batch_script_byte(script, (char)script->octal);
  return true;
}

/* Bytes that both formats write as they are. */
static size_t batch_script_run(const char *bytes, size_t length) {
  size_t i = 0;
  for (; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (byte < 0x20 || byte == 0x7f || byte == ';' || byte == '\\' || byte == '\'') break;
  }
  return i;
}

static bool batch_script_take(struct batch_script *script, char c) {
  switch (script->at) {
  case AT_LINE:
  case AT_FIELD:
  case AT_TEXT: return batch_script_plain(script, c);
  case AT_ESCAPE: return batch_script_escape(script, c);
  case AT_OCTAL:
  case AT_OCTAL_END: return batch_script_octal(script, c);
  case AT_NULL: return (c == '\t' || c == '\n') && batch_script_end_field(script, c, true);
  case AT_END: return c == '\n' && batch_script_end_table(script);
  case AT_NOTHING: break;
  }
  return false;
}

/* ---- the door */

LEDGER_PRIVATE int batch_script_start(const char *header, enum ledger_export_format format,
                                      int (*write)(void *context, const void *bytes, size_t length),
                                      void *context, struct batch_script **out,
                                      ledger_error *error) {
  struct batch_script *script = *out = sqlite3_malloc64(sizeof *script);
  if (script == NULL) return error_memory(error);
  memset(script, 0, offsetof(struct batch_script, script));
  script->error = error;
  script->format = format;
  script_start(&script->script, write, context);
  seal_sha256_init(&script->hash);
  script->rc = batch_script_header(script, header);
  script->bytes_left = script->bytes;
  if (script->rc != LEDGER_OK) return script->rc;
  batch_script_begin(script, header);
  batch_script_table(script);
  return LEDGER_OK;
}

LEDGER_PRIVATE int batch_script_body(struct batch_script *script, const char *bytes,
                                     size_t length) {
  if (script->rc != LEDGER_OK) return script->rc;
  if (length > (uint64_t)script->bytes_left)
    return script->rc = batch_script_altered(script, "it is longer than its header says");
  script->bytes_left -= (int64_t)length;
  seal_sha256_update(&script->hash, bytes, length);
  for (size_t i = 0; i < length;) {
    size_t plain = script->at == AT_TEXT ? batch_script_run(bytes + i, length - i) : 0;
    script_bytes(&script->script, bytes + i, plain);
    i += plain;
    if (i < length && !batch_script_take(script, bytes[i++]))
      return script->rc = batch_script_altered(script, "a row is not what its header says");
  }
  if (script->script.rc != LEDGER_OK)
    script->rc = error_set(script->error, LEDGER_IO, "the script could not be written");
  return script->rc;
}

static int batch_script_finish(struct batch_script *script) {
  char hash[2 * SEAL_SHA256_BYTES + 1];
  if (script->rc != LEDGER_OK) return script->rc;
  if (script->at != AT_NOTHING || script->bytes_left != 0)
    return batch_script_altered(script, "it is shorter than its header says");
  batch_script_hash(&script->hash, hash);
  if (strcmp(hash, script->body) != 0)
    return batch_script_altered(script, "its hash is not what its header says");
  script_text(&script->script, "SELECT ledger_sync.end_batch();\nCOMMIT;\n");
  if (script_end(&script->script) == LEDGER_OK) return LEDGER_OK;
  return error_set(script->error, LEDGER_IO, "the script could not be written");
}

LEDGER_PRIVATE int batch_script_end(struct batch_script *script) {
  if (script == NULL) return LEDGER_OK;
  int rc = batch_script_finish(script);
  arena_free(&script->arena);
  sqlite3_free(script);
  return rc;
}

/* ---- of a batch that is kept */

struct batch_export {
  ledger *db;
  struct batch_script *script;
  int64_t done, total;
};

static int batch_export_chunk(void *context, const char *bytes, size_t length) {
  struct batch_export *export = context;
  int rc = batch_script_body(export->script, bytes, length);
  export->done += (int64_t)length;
  return rc == LEDGER_OK ? connection_report(export->db, export->done, export->total) : rc;
}

LEDGER_PRIVATE int batch_export(ledger *db, int64_t seq, enum ledger_export_format format,
                                int (*write)(void *context, const void *bytes, size_t length),
                                void *context) {
  struct batch_export export = {.db = db};
  const char *header = NULL;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_HEADER);
  if (stmt == NULL) {
    rc = db->error.code;
  } else {
    sqlite3_bind_int64(stmt, 1, seq);
    rc = statement_step(db, stmt);
    if (rc == LEDGER_ROW) rc = statement_text(db, stmt, 0, &header);
    export.total = sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    if (rc == LEDGER_DONE || (rc == LEDGER_OK && header == NULL)) rc = batch_unknown(db, seq);
  }
  if (rc == LEDGER_OK)
    rc = batch_script_start(header, format, write, context, &export.script, &db->error);
  if (rc == LEDGER_OK) rc = batch_read(db, seq, batch_export_chunk, &export);
  if (rc != LEDGER_OK && export.script != NULL) export.script->rc = rc;
  int end = batch_script_end(export.script);
  transaction_end_read(db);
  return rc == LEDGER_OK ? end : rc;
}
