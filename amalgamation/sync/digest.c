/*
** digest: numbers per table that both sides can compute. For every row SHA-256 over its columns (but those that main's triggers
** write, see sync_is_mains()), each as "<bytes>:<output text>" or "-" for NULL; of that the first 64 bits; of those the sum
** modulo 2^64 and the exclusive or. The order of rows does not matter. schema/sync/30_digest.sql has PostgreSQL's half.
*/
#include "../internal.h"

#define DIGEST_REPORT_ROWS 1000

struct digest {
  int64_t rows;
  uint64_t sum, xor;
};

/* The walk over a relation's rows. */
struct digest_walk {
  ledger *db;
  const struct relation *relation;
  const struct digest_choice *choice;
  struct value *values; /* of the row at hand */
  struct row_text text;
  sqlite3_str *key;
  uint64_t *column_hashes;
  int64_t *done;
};

static uint64_t digest_prefix(struct seal_sha256 *hash) {
  unsigned char bytes[SEAL_SHA256_BYTES];
  uint64_t prefix = 0;
  seal_sha256_final(hash, bytes);
  for (int i = 0; i < 8; i++) prefix = prefix << 8 | bytes[i];
  return prefix;
}

static void digest_add(struct seal_sha256 *hash, const char *text, size_t length) {
  char head[32];
  if (text == NULL) {
    seal_sha256_update(hash, "-", 1);
    return;
  }
  seal_sha256_update(hash, head, (size_t)snprintf(head, sizeof head, "%zu:", length));
  seal_sha256_update(hash, text, length);
}

/* The hash of the row, and where they are wanted those of its columns. */
static int digest_row_hash(struct digest_walk *walk, uint64_t *out) {
  struct seal_sha256 hash, of_column;
  int taken = 0;
  seal_sha256_init(&hash);
  for (int i = 0; i < walk->relation->column_count; i++) {
    if (!walk->choice->takes[i]) continue;
    walk->text.text = NULL;
    walk->text.length = 0;
    if (walk->values[i].kind != VALUE_NULL) {
      int rc = walk->relation->columns[i].type.id == TYPE_XML
                   ? row_text_print(walk->db, walk->relation, i, walk->values, &walk->text)
                   : row_text_read(walk->db, walk->relation, i, walk->values, &walk->text);
      if (rc != LEDGER_OK) return rc;
    }
    digest_add(&hash, walk->text.text, walk->text.length);
    if (!walk->choice->by_column) continue;
    seal_sha256_init(&of_column);
    digest_add(&of_column, walk->text.text, walk->text.length);
    walk->column_hashes[taken++] = digest_prefix(&of_column);
  }
  *out = digest_prefix(&hash);
  return LEDGER_OK;
}

LEDGER_PRIVATE int digest_key(ledger *db, const struct relation *relation, const struct value *row,
                              struct row_text *text, sqlite3_str *out) {
  const struct constraint *primary = relation->primary;
  sqlite3_str_reset(out);
  for (int i = 0; i < primary->count; i++) {
    int rc = row_text_read(db, relation, primary->columns[i], row, text);
    if (rc != LEDGER_OK) return rc;
    if (!text_is_valid_utf8(text->text, text->length))
      return row_text_bad(db, relation, primary->columns[i], row, LEDGER_BAD_ENCODING,
                          "not valid UTF-8, or a NUL");
    if (primary->count == 1) {
      sqlite3_str_append(out, text->text, (int)text->length);
      continue;
    }
    sqlite3_str_appendchar(out, 1, i > 0 ? ',' : '(');
    row_text_record(out, text->text, text->length);
  }
  if (primary->count > 1) sqlite3_str_appendchar(out, 1, ')');
  return sqlite3_str_errcode(out) == SQLITE_OK ? LEDGER_OK : error_memory(&db->error);
}

static int digest_walk_row(struct digest_walk *walk, sqlite3_stmt *stmt,
                           int (*each)(void *context, const struct digest_row *row),
                           void *context) {
  struct digest_row row = {.values = walk->values, .column_hashes = walk->column_hashes};
  int rc = LEDGER_OK;
  for (int i = 0; i < walk->relation->column_count; i++) walk->values[i] = statement_value(stmt, i);
  rc = digest_row_hash(walk, &row.hash);
  if (rc == LEDGER_OK && walk->choice->with_keys) {
    rc = digest_key(walk->db, walk->relation, walk->values, &walk->text, walk->key);
    row.key = sqlite3_str_length(walk->key) > 0 ? sqlite3_str_value(walk->key) : "";
    row.key_length = (size_t)sqlite3_str_length(walk->key);
  }
  if (rc == LEDGER_OK) rc = each(context, &row);
  if (rc == LEDGER_OK && ++*walk->done % DIGEST_REPORT_ROWS == 0)
    rc = connection_report(walk->db, *walk->done, 0);
  return rc;
}

LEDGER_PRIVATE int digest_rows(ledger *db, const struct relation *relation,
                               const struct digest_choice *choice, int64_t *done,
                               int (*each)(void *context, const struct digest_row *row),
                               void *context) {
  size_t count = (size_t)relation->column_count;
  sqlite3_stmt *stmt = NULL;
  struct digest_walk walk = {.db = db, .relation = relation, .choice = choice, .done = done};
  walk.values = arena_alloc(&db->arena, (count + 1) * sizeof *walk.values);
  walk.column_hashes = arena_alloc(&db->arena, (count + 1) * sizeof *walk.column_hashes);
  if (walk.values == NULL || walk.column_hashes == NULL) return error_memory(&db->error);
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT ");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM \"%w\"", relation->stored_name);
  int rc = statement_prepare(db, sql, &stmt);
  walk.key = sqlite3_str_new(NULL);
  row_text_open(&walk.text);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW)
    rc = digest_walk_row(&walk, stmt, each, context);
  row_text_close(&walk.text);
  sqlite3_free(sqlite3_str_finish(walk.key));
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int digest_choose(ledger *db, const struct relation *relation,
                                 struct digest_choice *choice) {
  choice->takes =
      arena_alloc(&db->arena, ((size_t)relation->column_count + 1) * sizeof *choice->takes);
  if (choice->takes == NULL) return error_memory(&db->error);
  for (int i = 0; i < relation->column_count; i++) choice->takes[i] = !sync_is_mains(relation, i);
  return LEDGER_OK;
}

/* ---- a number per table */

static int digest_sum(void *context, const struct digest_row *row) {
  struct digest *digest = context;
  digest->rows++;
  digest->sum += row->hash;
  digest->xor ^= row->hash;
  return LEDGER_OK;
}

static int digest_append(ledger_rows *rows, const struct relation *relation,
                         const struct digest *digest) {
  char sum[32];
  struct value values[5] = {
      {.kind = VALUE_TEXT, .text = relation->schema, .length = strlen(relation->schema)},
      {.kind = VALUE_TEXT, .text = relation->name, .length = strlen(relation->name)},
      {.kind = VALUE_INTEGER, .integer = digest->rows},
      {.kind = VALUE_TEXT, .text = sum},
      {.kind = VALUE_INTEGER, .integer = (int64_t)digest->xor },
  };
  values[3].length = (size_t)snprintf(sum, sizeof sum, "%llu", (unsigned long long)digest->sum);
  return rows_append(rows, values);
}

/* The relation of a name, which has a digest; NULL for all. */
static int digest_only(ledger *db, const char *table, struct relation **out) {
  *out = NULL;
  int rc = table == NULL ? LEDGER_OK : catalog_relation(db, table, out);
  if (rc == LEDGER_OK && *out != NULL && (*out)->is_view)
    rc = error_set(&db->error, LEDGER_UNSUPPORTED, "\"%s\" is a view, and a view has no digest",
                   (*out)->name);
  return rc;
}

LEDGER_PRIVATE int digest_tables(ledger *db, const char *table, ledger_rows **out) {
  static const char *const names[] = {"table_schema", "table_name", "rows", "sum", "xor"};
  static const char *const types[] = {"text", "text", "bigint", "numeric", "bigint"};
  struct relation *only = NULL;
  int64_t done = 0;
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK) rc = digest_only(db, table, &only);
  ledger_rows *rows = rc == LEDGER_OK ? rows_new(db, 5) : NULL;
  if (rc == LEDGER_OK && !rows) rc = db->error.code;
  for (int i = 0; i < 5 && rc == LEDGER_OK; i++) {
    struct type type;
    rc = type_parse(types[i], &type, &db->error);
    if (rc == LEDGER_OK) rows_set_column(rows, i, names[i], types[i], &type);
  }
  for (int i = 0; rc == LEDGER_OK && i < db->catalog->relation_count; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    struct digest digest = {0, 0, 0};
    struct digest_choice choice = {0};
    if (relation->is_view || (only && relation != only)) continue;
    rc = digest_choose(db, relation, &choice);
    if (rc == LEDGER_OK) rc = digest_rows(db, relation, &choice, &done, digest_sum, &digest);
    if (rc == LEDGER_OK) rc = digest_append(rows, relation, &digest);
  }
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}

/* ---- row by row */

struct digest_each {
  ledger *db;
  ledger_digest_row row;
  int (*each)(void *context, const ledger_digest_row *row);
  void *context;
};

static int digest_tell(void *context, const struct digest_row *row) {
  struct digest_each *told = context;
  struct seal_sha256 hash;
  told->row.key = row->key;
  told->row.key_length = row->key_length;
  told->row.hash = row->hash;
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, row->key, row->key_length);
  seal_sha256_final(&hash, told->row.key_hash);
  told->row.column_hashes = row->column_hashes;
  return told->each(told->context, &told->row) == 0
             ? LEDGER_OK
             : error_set(&told->db->error, LEDGER_INTERRUPTED, "stopped");
}

LEDGER_PRIVATE int digest_each_row(ledger *db, const char *table, bool by_column,
                                   int (*each)(void *context, const ledger_digest_row *row),
                                   void *context) {
  struct relation *relation = NULL;
  struct digest_choice choice = {.with_keys = true, .by_column = by_column};
  struct digest_each told = {.db = db, .each = each, .context = context};
  int64_t done = 0;
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK) rc = digest_only(db, table, &relation);
  if (rc == LEDGER_OK && relation->primary == NULL)
    rc = error_set(&db->error, LEDGER_UNSUPPORTED, "\"%s\" has no primary key to name its rows by",
                   relation->name);
  if (rc == LEDGER_OK) rc = digest_choose(db, relation, &choice);
  if (rc == LEDGER_OK && by_column) {
    const char **names =
        arena_alloc(&db->arena, ((size_t)relation->column_count + 1) * sizeof *names);
    if (names == NULL) rc = error_memory(&db->error);
    for (int i = 0; rc == LEDGER_OK && i < relation->column_count; i++)
      if (choice.takes[i]) names[told.row.column_count++] = relation->columns[i].name;
    told.row.columns = names;
  }
  if (rc == LEDGER_OK) rc = digest_rows(db, relation, &choice, &done, digest_tell, &told);
  transaction_end_read(db);
  return rc;
}
