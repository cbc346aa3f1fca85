/*
** imported.c: history from before the book: completed rows and audit rows that an import brought (sync/import.c), which no journal of
** this file made. The journal of the import vouches for them: its detail has, for each of these tables, the ids of the first and
** the last such row, their count and a hash over what may never change of them, in the order in which they stand:
**   {"transactions": {"first": "id", "last": "id", "rows": "12", "hash": "64 digits"}, "audit_logs": {...}, ...}
** The detail is in the hash chain. Verify reads the same rows again, and takes them for what they are (verify_walk.c).
*/
#include "../internal.h"

/* What must have a journal: V7 and V11. */
static const struct imported_kind {
  const char *name;
  const char *columns; /* NULL: all but the actors */
  const char *condition;
} imported_kinds[IMPORTED_TABLES] = {
    {"transactions",
     "id, account_id, transaction_type, amount, currency, reference_number, created_at",
     "status = 'completed'"},
    {"portfolio_transactions",
     "id, user_id, transaction_type, amount, currency, reference, created_at",
     "status = 'completed'"},
    {"trades", "id, user_id, trade_type, asset, amount, price, total",
     "status = 'completed' AND is_simulated = 0"},
    {"crypto_withdrawals", "id, user_id, amount, currency, crypto_address", "status = 'COMPLETED'"},
    {"audit_logs", NULL, "1"}};

LEDGER_PRIVATE const char *imported_name(enum imported_table table) {
  return imported_kinds[table].name;
}

LEDGER_PRIVATE const struct relation *imported_relation(ledger *db, enum imported_table table) {
  const struct book_tables *tables = book_tables(db);
  switch (table) {
  case IMPORTED_TRANSACTIONS: return tables->transactions;
  case IMPORTED_PORTFOLIO: return tables->portfolio_transactions;
  case IMPORTED_TRADES: return tables->trades;
  case IMPORTED_PAYOUTS: return tables->crypto_withdrawals;
  default: return tables->audit_logs;
  }
}

static sqlite3_str *imported_sql(ledger *db, enum imported_table table, const char *columns) {
  const struct relation *relation = imported_relation(db, table);
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT %s", columns == NULL ? "rowid" : columns);
  for (int i = 0; columns == NULL && i < relation->column_count; i++) {
    const char *name = relation->columns[i].name;
    if (strcmp(name, "user_id") != 0 && strcmp(name, "admin_id") != 0)
      sqlite3_str_appendf(sql, ", \"%w\"", name);
  }
  sqlite3_str_appendf(sql, " FROM main.\"%w\"", relation->stored_name);
  return sql;
}

static void imported_chain(struct chain *chain, const struct value *value) {
  unsigned char kind = (unsigned char)value->kind;
  chain_add(chain, &kind, 1);
  if (value->kind == VALUE_TEXT || value->kind == VALUE_BLOB)
    chain_bytes(chain, (const unsigned char *)value->text, value->length);
  else if (value->kind != VALUE_NULL)
    chain_integer(chain, (int64_t)value_bits(value));
}

LEDGER_PRIVATE int imported_read(ledger *db, enum imported_table table,
                                 struct imported_mark *mark) {
  const struct imported_kind *kind = &imported_kinds[table];
  struct chain chain;
  sqlite3_stmt *stmt;
  sqlite3_str *sql = imported_sql(db, table, kind->columns);
  sqlite3_str_appendf(sql, " WHERE rowid BETWEEN ?1 AND ?2 AND %s ORDER BY rowid", kind->condition);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  sqlite3_bind_int64(stmt, 1, mark->first);
  sqlite3_bind_int64(stmt, 2, mark->last);
  mark->rows = 0;
  chain_open(&chain);
  int column = kind->columns == NULL; /* the first one is the rowid there */
  while ((rc = statement_step(db, stmt)) == LEDGER_ROW) {
    for (int i = column; i < sqlite3_column_count(stmt); i++) {
      struct value value = statement_value(stmt, i);
      imported_chain(&chain, &value);
    }
    mark->rows++;
  }
  chain_end(&chain, mark->hash);
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* The least or greatest rowid behind `before` of a row that must have a journal, and its id; 0: there is none. */
static int imported_end(ledger *db, enum imported_table table, int64_t before, bool is_first,
                        int64_t *rowid, const char **id) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = imported_sql(db, table, "rowid, id");
  sqlite3_str_appendf(sql, " WHERE rowid > ?1 AND %s ORDER BY rowid%s LIMIT 1",
                      imported_kinds[table].condition, is_first ? "" : " DESC");
  *rowid = 0;
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  sqlite3_bind_int64(stmt, 1, before);
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    *rowid = sqlite3_column_int64(stmt, 0);
    rc = statement_text(db, stmt, 1, id);
  }
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int imported_last(ledger *db, enum imported_table table, int64_t *rowid) {
  sqlite3_stmt *stmt;
  int rc = statement_prepare(db, imported_sql(db, table, "max(rowid)"), &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  *rowid = rc == LEDGER_ROW ? sqlite3_column_int64(stmt, 0) : 0;
  statement_end(stmt);
  return rc == LEDGER_ROW ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int imported_say(ledger *db, enum imported_table table, int64_t before,
                                sqlite3_str *detail) {
  struct imported_mark mark = {0};
  const char *first = NULL, *last = NULL;
  char hash[65];
  int rc = imported_end(db, table, before, true, &mark.first, &first);
  if (rc == LEDGER_OK) rc = imported_end(db, table, before, false, &mark.last, &last);
  if (rc != LEDGER_OK || mark.first == 0) return rc;
  rc = imported_read(db, table, &mark);
  if (rc != LEDGER_OK) return rc;
  text_hex(mark.hash, sizeof mark.hash, hash);
  sqlite3_str_appendf(detail,
                      "%s\"%s\": {\"first\": \"%s\", \"last\": \"%s\", \"rows\": \"%lld\","
                      " \"hash\": \"%s\"}",
                      sqlite3_str_length(detail) == 1 ? "" : ", ", imported_kinds[table].name,
                      first, last, (long long)mark.rows, hash);
  return LEDGER_OK;
}

/* Where the row of an id stands; 0: nowhere. */
static int imported_rowid(ledger *db, enum imported_table table, const char *id, int64_t *rowid) {
  sqlite3_stmt *stmt;
  sqlite3_str *sql = imported_sql(db, table, "rowid");
  sqlite3_str_appendall(sql, " WHERE id = ?1");
  *rowid = 0;
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) *rowid = sqlite3_column_int64(stmt, 0);
  statement_end(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int imported_find(ledger *db, const char *detail, enum imported_table table,
                                 struct imported_mark *mark, bool *holds) {
  static const char *const members[] = {"first", "last", "rows", "hash"};
  const char *said[4] = {NULL};
  char rows[24], hash[65];
  int rc = LEDGER_OK;
  *mark = (struct imported_mark){0};
  *holds = true;
  for (int i = 0; i < 4 && rc == LEDGER_OK; i++)
    rc =
        json_find(&db->arena, detail, imported_kinds[table].name, members[i], &said[i], &db->error);
  if (rc != LEDGER_OK || said[0] == NULL) return rc;
  *holds = false;
  if (imported_relation(db, table) == NULL || said[1] == NULL || said[2] == NULL || said[3] == NULL)
    return LEDGER_OK;
  rc = imported_rowid(db, table, said[0], &mark->first);
  if (rc == LEDGER_OK) rc = imported_rowid(db, table, said[1], &mark->last);
  if (rc != LEDGER_OK || mark->first == 0 || mark->last == 0) return rc;
  rc = imported_read(db, table, mark);
  sqlite3_snprintf((int)sizeof rows, rows, "%lld", (long long)mark->rows);
  text_hex(mark->hash, sizeof mark->hash, hash);
  *holds = strcmp(rows, said[2]) == 0 && strcmp(hash, said[3]) == 0;
  return rc;
}
