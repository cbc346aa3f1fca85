/*
** digest: a number per table that both sides can compute. For every row SHA-256 over its columns, each as
** "<bytes>:<output text>" or "-" for NULL; of that the first 64 bits; of those the sum modulo 2^64 and the exclusive or. The
** order of rows does not matter. schema/ledger_sync.sql has PostgreSQL's half.
*/
#include "../internal.h"

#define DIGEST_REPORT_ROWS 1000

struct digest {
  int64_t rows;
  uint64_t sum, xor;
};

static int digest_field(ledger *db, const struct type *type, const struct value *value,
                        sqlite3_str *text, struct seal_sha256 *hash) {
  char head[32];
  if (value->kind == VALUE_NULL) {
    seal_sha256_update(hash, "-", 1);
    return LEDGER_OK;
  }
  sqlite3_str_reset(text);
  int rc = type_output(type, value, text, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (sqlite3_str_errcode(text) != SQLITE_OK) return error_memory(&db->error);
  int length = sqlite3_str_length(text);
  seal_sha256_update(hash, head, (size_t)snprintf(head, sizeof head, "%d:", length));
  if (length) seal_sha256_update(hash, sqlite3_str_value(text), (size_t)length);
  return LEDGER_OK;
}

static int digest_relation(ledger *db, const struct relation *relation, int64_t *done,
                           struct digest *out) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(NULL), *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(sql, "SELECT ");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i ? ", " : "", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM \"%w\"", relation->stored_name);
  int rc = statement_prepare(db, sql, &stmt);
  while (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    struct seal_sha256 hash;
    unsigned char bytes[SEAL_SHA256_BYTES];
    uint64_t prefix = 0;
    rc = LEDGER_OK;
    seal_sha256_init(&hash);
    for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
      struct value value = statement_value(stmt, i);
      rc = digest_field(db, &relation->columns[i].type, &value, text, &hash);
    }
    seal_sha256_final(&hash, bytes);
    for (int i = 0; i < 8; i++) prefix = prefix << 8 | bytes[i];
    out->rows++;
    out->sum += prefix;
    out->xor ^= prefix;
    if (rc == LEDGER_OK && ++*done % DIGEST_REPORT_ROWS == 0) rc = connection_report(db, *done, 0);
  }
  statement_end(stmt);
  sqlite3_free(sqlite3_str_finish(text));
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
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

LEDGER_PRIVATE int digest_tables(ledger *db, const char *table, ledger_rows **out) {
  static const char *const names[] = {"table_schema", "table_name", "rows", "sum", "xor"};
  static const char *const types[] = {"text", "text", "bigint", "numeric", "bigint"};
  struct relation *only = NULL;
  int64_t done = 0;
  int rc = transaction_begin_read(db);
  if (rc == LEDGER_OK && table) rc = catalog_relation(db, table, &only);
  if (rc == LEDGER_OK && only && only->is_view)
    rc = error_set(&db->error, LEDGER_UNSUPPORTED, "\"%s\" is a view, and a view has no digest",
                   only->name);
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
    if (relation->is_view || (only && relation != only)) continue;
    rc = digest_relation(db, relation, &done, &digest);
    if (rc == LEDGER_OK) rc = digest_append(rows, relation, &digest);
  }
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  return rc;
}
