/*
** A batch as a test reads it: the script that the library writes, taken apart line by line, and every hash and sum of its
** header computed again from the decoded rows. Include after ledger.c and cmocka.h; -lcjson.
*/
#ifndef TEST_BATCH_H
#define TEST_BATCH_H

#include <cjson/cJSON.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

struct batch_text {
  char *bytes; /* with a NUL behind them */
  size_t length, room;
};

static inline int batch_text_add(void *context, const void *bytes, size_t length) {
  struct batch_text *text = context;
  if (text->length + length + 1 > text->room) {
    text->room = 2 * (text->length + length + 1);
    text->bytes = realloc(text->bytes, text->room);
    assert_non_null(text->bytes);
  }
  memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = 0;
  return 0;
}

struct batch_field {
  char *text; /* NULL: null */
  size_t length;
};

enum { BATCH_TABLES = 64, BATCH_FIELDS = 64 };

struct batch_table_read {
  const char *name; /* the header's */
  int field_count, row_count;
  struct batch_field *fields; /* row by row */
};

struct batch_script_read {
  struct batch_text script, body;
  cJSON *header;
  char *header_text;
  char hash[65];
  int table_count;
  struct batch_table_read tables[BATCH_TABLES];
};

static inline void batch_hex(const void *bytes, size_t length, char out[65]) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, bytes, length);
  for (size_t i = 0; i < sizeof hash; i++) snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* One field of a line of COPY; moves *at behind it and the tab. */
static inline struct batch_field batch_read_field(const char **at, const char *end) {
  struct batch_field field = {NULL, 0};
  const char *tab = memchr(*at, '\t', (size_t)(end - *at));
  const char *stop = tab == NULL ? end : tab, *from = *at;
  *at = tab == NULL ? end + 1 : tab + 1;
  if (stop - from == 2 && memcmp(from, "\\N", 2) == 0) return field;
  field.text = malloc((size_t)(stop - from) + 1);
  assert_non_null(field.text);
  while (from < stop) {
    if (*from != '\\') {
      unsigned char byte = (unsigned char)*from;
      assert_true(byte >= 0x20 && byte != ';' && byte != 0x7f); /* none that could act */
      field.text[field.length++] = *from++;
      continue;
    }
    assert_true(stop - from >= 4);
    field.text[field.length++] =
        (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
    from += 4;
  }
  field.text[field.length] = 0;
  return field;
}

static inline void batch_read_row(struct batch_table_read *table, const char *from,
                                  const char *end) {
  int count = 0;
  table->fields =
      realloc(table->fields, ((size_t)(table->row_count + 1) * (size_t)(table->field_count)) *
                                 sizeof *table->fields);
  assert_non_null(table->fields);
  struct batch_field *row = table->fields + (size_t)table->row_count * (size_t)table->field_count;
  while (from <= end) {
    assert_true(count < table->field_count);
    row[count++] = batch_read_field(&from, end);
  }
  assert_int_equal(count, table->field_count);
  table->row_count++;
}

static inline const char *batch_member(const cJSON *object, const char *name) {
  return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}
static inline int64_t batch_number(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  assert_true(cJSON_IsNumber(item));
  return (int64_t)item->valuedouble;
}

/* The header and the hash, out of SELECT ledger_sync.begin_batch('...', '...'); */
static inline void batch_read_header(struct batch_script_read *out, const char *line) {
  static const char call[] = "SELECT ledger_sync.begin_batch('";
  assert_memory_equal(line, call, sizeof call - 1);
  const char *from = line + sizeof call - 1;
  out->header_text = calloc(1, strlen(line));
  assert_non_null(out->header_text);
  for (size_t i = 0; !(from[0] == '\'' && from[1] != '\''); from++) {
    if (*from == '\'') from++;
    out->header_text[i++] = *from;
  }
  assert_memory_equal(from, "', '", 4);
  memcpy(out->hash, from + 4, 64);
  assert_string_equal(from + 4 + 64, "');");
  out->header = cJSON_Parse(out->header_text);
  assert_non_null(out->header);
}

/* The hash of a row as it arrives: its fields with tabs between them, \N for null. That hash_text() is what PostgreSQL computes is
** shown where batches are applied. */
static inline uint64_t batch_row_sum(const struct batch_field *row, int count) {
  struct batch_text text = {NULL, 0, 0};
  for (int i = 0; i < count; i++) {
    if (i > 0) batch_text_add(&text, "\t", 1);
    if (row[i].text == NULL)
      batch_text_add(&text, "\\N", 2);
    else
      batch_text_add(&text, row[i].text, row[i].length);
  }
  uint64_t sum = hash_text(text.bytes, text.length);
  free(text.bytes);
  return sum;
}

/* All that a header says of its body. */
static inline void batch_check(const struct batch_script_read *read) {
  char hash[65];
  int rows = 0;
  batch_hex(read->header_text, strlen(read->header_text), hash);
  assert_string_equal(hash, read->hash);
  batch_hex(read->body.bytes == NULL ? "" : read->body.bytes, read->body.length, hash);
  assert_string_equal(hash, batch_member(read->header, "body"));
  assert_int_equal(batch_number(read->header, "bytes"), read->body.length);
  const cJSON *tables = cJSON_GetObjectItemCaseSensitive(read->header, "tables"), *item;
  assert_int_equal(cJSON_GetArraySize(tables), read->table_count);
  int t = 0;
  cJSON_ArrayForEach(item, tables) {
    const struct batch_table_read *table = &read->tables[t++];
    uint64_t sum = 0;
    char text[24];
    for (int i = 0; i < table->row_count; i++)
      sum +=
          batch_row_sum(table->fields + (size_t)i * (size_t)table->field_count, table->field_count);
    snprintf(text, sizeof text, "%llu", (unsigned long long)sum);
    assert_string_equal(text, batch_member(item, "sum"));
    assert_int_equal(table->row_count, batch_number(item, "rows"));
    rows += table->row_count;
  }
  assert_int_equal(rows, batch_number(read->header, "rows"));
}

/* The tables of the header, before their rows are read. */
static inline void batch_read_tables(struct batch_script_read *out) {
  const cJSON *item;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(out->header, "tables")) {
    assert_true(out->table_count < BATCH_TABLES);
    struct batch_table_read *table = &out->tables[out->table_count++];
    table->name = batch_member(item, "table");
    table->field_count = 2 + cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "deltas")) +
                         cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(item, "columns"));
  }
}

static const char *const batch_preamble[] = {"\\set ON_ERROR_STOP on",
                                             "BEGIN;",
                                             "SET LOCAL client_encoding = 'UTF8';",
                                             "SET LOCAL standard_conforming_strings = on;",
                                             "SET LOCAL datestyle = 'ISO, YMD';",
                                             "SET LOCAL timezone = 'UTC';",
                                             "SET LOCAL intervalstyle = 'postgres';",
                                             "SET LOCAL lock_timeout = '30s';",
                                             "SET LOCAL client_min_messages = warning;"};

/* A script in COPY's form: its shape, its rows, and every sum. */
static inline void batch_read_script(ledger *db, int64_t seq, struct batch_script_read *out) {
  memset(out, 0, sizeof *out);
  if (ledger_batch_script(db, seq, LEDGER_EXPORT_COPY, batch_text_add, &out->script) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(db)->message);
  size_t n = 0;
  int table = -1;
  bool in_rows = false;
  const size_t first = sizeof batch_preamble / sizeof *batch_preamble;
  char *copy = malloc(out->script.length + 1);
  assert_non_null(copy);
  memcpy(copy, out->script.bytes, out->script.length + 1);
  assert_int_equal(strlen(copy), out->script.length);
  for (char *line = copy, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
    if (in_rows) batch_text_add(&out->body, line, (size_t)(end - line) + 1);
    *end = 0;
    if (n < first) {
      assert_string_equal(line, batch_preamble[n]);
    } else if (n == first) {
      batch_read_header(out, line);
      batch_read_tables(out);
    } else if (in_rows) {
      in_rows = strcmp(line, "\\.") != 0;
      if (in_rows) batch_read_row(&out->tables[table], line, end);
    } else if (table + 1 < out->table_count) {
      char expected[64];
      snprintf(expected, sizeof expected, "COPY pg_temp.ledger_%d FROM stdin;", ++table + 1);
      assert_string_equal(line, expected);
      in_rows = true;
    } else {
      assert_string_equal(line, "SELECT ledger_sync.end_batch();");
      assert_string_equal(end + 1, "COMMIT;\n");
      break;
    }
  }
  assert_int_equal(table + 1, out->table_count);
  free(copy);
  batch_check(out);
}

/* Cuts, and reads what was cut. */
static inline int64_t batch_cut_and_read(ledger *db, struct batch_script_read *out) {
  int64_t seq = 0;
  if (ledger_batch_cut(db, &seq) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  assert_true(seq > 0);
  batch_read_script(db, seq, out);
  assert_int_equal(batch_number(out->header, "seq"), seq);
  return seq;
}

static inline void batch_done(struct batch_script_read *read) {
  for (int t = 0; t < read->table_count; t++) {
    const struct batch_table_read *table = &read->tables[t];
    for (int i = 0; i < table->row_count * table->field_count; i++) free(table->fields[i].text);
    free(table->fields);
  }
  cJSON_Delete(read->header);
  free(read->header_text);
  free(read->script.bytes);
  free(read->body.bytes);
}

static inline const struct batch_table_read *batch_table_of(const struct batch_script_read *read,
                                                            const char *name) {
  for (int t = 0; t < read->table_count; t++)
    if (strcmp(read->tables[t].name, name) == 0) return &read->tables[t];
  return NULL;
}

/* Position of a column, or with "delta " before its name of the difference. */
static inline int batch_column(const struct batch_script_read *read, const char *table,
                               const char *column) {
  const cJSON *item, *name;
  bool is_delta = strncmp(column, "delta ", 6) == 0;
  if (strcmp(column, "hlc") == 0) return 0;
  if (strcmp(column, "gone") == 0) return 1;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(read->header, "tables")) {
    if (strcmp(batch_member(item, "table"), table) != 0) continue;
    const cJSON *deltas = cJSON_GetObjectItemCaseSensitive(item, "deltas");
    int at = 2 + cJSON_GetArraySize(deltas);
    const cJSON *list = is_delta ? deltas : cJSON_GetObjectItemCaseSensitive(item, "columns");
    if (is_delta) at = 2;
    cJSON_ArrayForEach(name, list) {
      if (strcmp(cJSON_GetStringValue(name), is_delta ? column + 6 : column) == 0) return at;
      at++;
    }
  }
  fail_msg("no column %s of %s", column, table);
  return -1;
}

/* A value of the row whose column `by` is `key`; fails if there is not one such row. NULL: null. */
static inline const char *batch_value(const struct batch_script_read *read, const char *table,
                                      const char *by, const char *key, const char *column) {
  const struct batch_table_read *found = batch_table_of(read, table);
  if (found == NULL) fail_msg("table %s is not in the batch", table);
  int place = batch_column(read, table, by), wanted = batch_column(read, table, column), rows = 0;
  const char *text = NULL;
  for (int i = 0; i < found->row_count; i++) {
    const struct batch_field *row = found->fields + (size_t)i * (size_t)found->field_count;
    if (row[place].text == NULL || strcmp(row[place].text, key) != 0) continue;
    text = row[wanted].text;
    rows++;
  }
  if (rows != 1) fail_msg("%d rows of %s with %s = %s", rows, table, by, key);
  return text;
}

#endif
