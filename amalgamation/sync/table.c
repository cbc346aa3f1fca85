/*
** table.c: how each table syncs, and how main is told. The rule, where nobody has said otherwise (ledger_sync_table):
**   the book's rows of transactions and portfolio_transactions, and withdrawals, are facts whose status only moves forward;
**   audit rows are facts; all other rows are mutable, the last writer wins.
** Balances, which the book keeps, travel as differences: two devices that post to one account add up.
*/
#include "../internal.h"

#define TABLE_STATUS_LOWER                                                                         \
  "[[\"pending\"],[\"processing\"],[\"completed\",\"failed\",\"cancelled\",\"reversed\"]]"
#define TABLE_STATUS_UPPER                                                                         \
  "[[\"PENDING\"],[\"APPROVED\"],[\"PROCESSING\"],[\"COMPLETED\",\"FAILED\",\"REJECTED\","         \
  "\"CANCELLED\"]]"

static const char *const table_kinds[] = {"mutable", "fact", "main", "local"};
static const char *const table_collisions[] = {"reject", "adopt", "rename"};

static void table_add_delta(struct sync_table *table, const struct relation *relation,
                            const char *name) {
  int column = catalog_column(relation, name, strlen(name));
  assert(table->delta_count < SYNC_DELTA_MAX);
  if (column >= 0) table->deltas[table->delta_count++] = column;
}

/* The columns of portfolio that the book has accounts for. */
static void table_add_portfolio(struct sync_table *table, const struct relation *portfolio) {
  static const char *const names[] = {"cash_balance", "btc_balance", "eth_balance", "usdt_balance",
                                      "usdc_balance", "xrp_balance", "ada_balance"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    table_add_delta(table, portfolio, names[i]);
}

/* The rule for a table that the book knows. */
static void table_rule(const struct book_tables *book, const struct relation *relation,
                       struct sync_table *out) {
  bool has_book = book->accounts != NULL && book->transactions != NULL;
  bool has_portfolio = book->portfolio != NULL && book->portfolio_transactions != NULL;
  if (relation == book->audit_logs) {
    out->kind = SYNC_FACT;
  } else if ((relation == book->transactions && has_book) ||
             (relation == book->portfolio_transactions && has_portfolio)) {
    out->kind = SYNC_FACT;
    out->has_edits = true;
    out->status_column = "status";
    out->status_order = TABLE_STATUS_LOWER;
  } else if (relation == book->crypto_withdrawals && has_portfolio) {
    out->kind = SYNC_FACT;
    out->status_column = "status";
    out->status_order = TABLE_STATUS_UPPER;
  } else if (relation == book->accounts && has_book) {
    table_add_delta(out, relation, "balance");
    table_add_delta(out, relation, "available_balance");
  } else if (relation == book->portfolio && has_portfolio) {
    table_add_portfolio(out, relation);
  }
}

static int table_position(const char *const *words, int count, const char *word) {
  for (int i = 0; i < count; i++)
    if (strcmp(words[i], word) == 0) return i;
  return -1;
}

LEDGER_PRIVATE int sync_table(ledger *db, const struct relation *relation, struct sync_table *out) {
  *out = (struct sync_table){.kind = SYNC_MUTABLE, .collision = table_collisions[0]};
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  table_rule(book_tables(db), relation, out);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SYNC_TABLE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, relation->id);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    const char *kind = (const char *)sqlite3_column_text(stmt, 0);
    const char *collision = (const char *)sqlite3_column_text(stmt, 1);
    int place = kind == NULL ? -1 : table_position(table_kinds, 4, kind);
    if (place >= 0) out->kind = (enum sync_kind)place;
    place = collision == NULL ? -1 : table_position(table_collisions, 3, collision);
    if (place >= 0) out->collision = table_collisions[place];
    const char *column, *order;
    rc = statement_text(db, stmt, 2, &column);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 3, &order);
    if (rc == LEDGER_OK && column != NULL && order != NULL) {
      out->status_column = column;
      out->status_order = order;
    }
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  return rc;
}

LEDGER_PRIVATE bool sync_is_mains(const struct relation *relation, int column) {
  for (int t = 0; t < relation->trigger_count; t++) {
    const struct trigger *trigger = &relation->triggers[t];
    if (!trigger->before || (trigger->events & TRIGGER_UPDATE) == 0) continue;
    for (int s = 0; s < trigger->step_count; s++)
      if (trigger->steps[s].kind == 'a' && trigger->steps[s].column == column) return true;
  }
  return false;
}

/* ---- saying otherwise */

static int table_word(ledger *db, const char *const *words, int count, const char *what,
                      const char *word) {
  if (word == NULL || table_position(words, count, word) >= 0) return LEDGER_OK;
  error_set(&db->error, LEDGER_INVALID_PARAMETER, "\"%s\" is no %s of a table", word, what);
  return error_hint(&db->error, "It is one of %s, %s, %s%s%s.", words[0], words[1], words[2],
                    count > 3 ? ", " : "", count > 3 ? words[3] : "");
}

static int table_write(ledger *db, const struct relation *relation, const char *kind,
                       const char *collision) {
  struct sync_table now;
  int rc = sync_table(db, relation, &now);
  if (rc != LEDGER_OK) return rc;
  if (kind == NULL) kind = table_kinds[now.kind];
  if (collision == NULL) collision = now.collision;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SYNC_TABLE_SET);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, relation->id);
  sqlite3_bind_text(stmt, 2, kind, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, collision, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 4, now.status_column, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 5, now.status_order, -1, SQLITE_STATIC);
  sqlite3_step(stmt);
  int sqlite_rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  bool was_mains = now.kind == SYNC_MAIN, is_mains = strcmp(kind, "main") == 0;
  return was_mains == is_mains ? LEDGER_OK : change_refuse(db, relation, is_mains);
}

LEDGER_PRIVATE int sync_table_set(ledger *db, const char *table, const char *kind,
                                  const char *collision) {
  struct relation *relation;
  int rc = table_word(db, table_kinds, 4, "kind", kind);
  if (rc == LEDGER_OK) rc = table_word(db, table_collisions, 3, "rule for collisions", collision);
  if (rc == LEDGER_OK) rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = catalog_relation(db, table, &relation);
  if (rc == LEDGER_OK && !change_is_followed(relation))
    rc = error_set(&db->error, LEDGER_UNSUPPORTED,
                   "\"%s\" does not sync: it is a view or has no primary key", relation->name);
  if (rc == LEDGER_OK) rc = table_write(db, relation, kind, collision);
  return transaction_end(db, rc);
}

/* ---- telling main */

/* "name":["a","b"] of the columns that `takes`. */
static void table_list(sqlite3_str *out, const char *name, const struct relation *relation,
                       bool (*takes)(const struct relation *, int)) {
  bool first = true;
  sqlite3_str_appendf(out, ",\"%s\":[", name);
  for (int i = 0; i < relation->column_count; i++) {
    if (!takes(relation, i)) continue;
    if (!first) sqlite3_str_appendchar(out, 1, ',');
    first = false;
    json_quote(out, relation->columns[i].name, strlen(relation->columns[i].name));
  }
  sqlite3_str_appendchar(out, 1, ']');
}

static bool table_any(const struct relation *relation, int column) {
  (void)relation;
  (void)column;
  return true;
}

static bool table_is_identity(const struct relation *relation, int column) {
  return relation->columns[column].identity != 0 ||
         relation->columns[column].default_kind == COLUMN_NEXTVAL;
}

static bool table_is_edit(const struct relation *relation, int column) {
  const char *name = relation->columns[column].name;
  return strcmp(name, "description") == 0 || strcmp(name, "metadata") == 0;
}

static bool table_none(const struct relation *relation, int column) {
  (void)relation;
  (void)column;
  return false;
}

static void table_positions(sqlite3_str *out, const char *name, const struct relation *relation,
                            int count, const int *positions) {
  sqlite3_str_appendf(out, ",\"%s\":[", name);
  for (int i = 0; i < count; i++) {
    const char *column = relation->columns[positions[i]].name;
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    json_quote(out, column, strlen(column));
  }
  sqlite3_str_appendchar(out, 1, ']');
}

static void table_describe(sqlite3_str *out, const struct relation *relation,
                           const struct sync_table *table, int position) {
  sqlite3_str_appendchar(out, 1, '{');
  json_member(out, "schema", relation->schema);
  json_member(out, "table", relation->name);
  sqlite3_str_appendf(out, ",\"position\":%d", position);
  table_list(out, "columns", relation, table_any);
  table_positions(out, "keys", relation, relation->primary == NULL ? 0 : relation->primary->count,
                  relation->primary == NULL ? NULL : relation->primary->columns);
  json_member(out, "kind", table_kinds[table->kind]);
  json_member(out, "collision", table->collision);
  json_member(out, "status_column", table->status_column);
  sqlite3_str_appendf(out, ",\"status_order\":%s",
                      table->status_order == NULL ? "null" : table->status_order);
  table_positions(out, "deltas", relation, table->delta_count, table->deltas);
  table_list(out, "mains", relation, sync_is_mains);
  table_list(out, "identities", relation, table_is_identity);
  table_list(out, "edits", relation, table->has_edits ? table_is_edit : table_none);
  sqlite3_str_appendchar(out, 1, '}');
}

static int table_sources(ledger *db, sqlite3_str *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SYNC_SOURCES);
  bool first = true;
  int step;
  if (stmt == NULL) return db->error.code;
  sqlite3_str_appendall(out, ",\"sources\":[");
  while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
    if (!first) sqlite3_str_appendchar(out, 1, ',');
    first = false;
    sqlite3_str_appendchar(out, 1, '{');
    json_member(out, "name", (const char *)sqlite3_column_text(stmt, 0));
    json_member(out, "text", (const char *)sqlite3_column_text(stmt, 1));
    sqlite3_str_appendchar(out, 1, '}');
  }
  sqlite3_str_appendchar(out, 1, ']');
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int sync_meta(ledger *db, const char *key, const char **out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SYNC_META);
  *out = "";
  if (stmt == NULL) return db->error.code;
  int rc = LEDGER_OK;
  sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
  if (sqlite3_step(stmt) == SQLITE_ROW) rc = statement_text(db, stmt, 0, out);
  int sqlite_rc = sqlite3_reset(stmt);
  return rc == LEDGER_OK && sqlite_rc != SQLITE_OK ? store_error(db, sqlite_rc) : rc;
}

LEDGER_PRIVATE void sync_full_hash(const char *device, int64_t epoch, int64_t last, int64_t journal,
                                   int64_t entry, const char *head,
                                   char out[SYNC_HASH_DIGITS + 1]) {
  char text[256];
  unsigned char hash[SEAL_SHA256_BYTES];
  struct seal_sha256 state;
  int length = snprintf(text, sizeof text, "ledger full %.36s %lld %lld %lld %lld %.64s", device,
                        (long long)epoch, (long long)last, (long long)journal, (long long)entry,
                        head == NULL ? "" : head);
  seal_sha256_init(&state);
  seal_sha256_update(&state, text, (size_t)length);
  seal_sha256_final(&state, hash);
  for (int i = 0; i < SEAL_SHA256_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static int table_schema(ledger *db, sqlite3_str *out) {
  const char *sha256, *name;
  int position = 0;
  int rc = sync_meta(db, "schema_sha256", &sha256);
  if (rc == LEDGER_OK) rc = sync_meta(db, "schema_name", &name);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str_appendchar(out, 1, '{');
  json_member(out, "sha256", sha256);
  json_member(out, "name", name);
  rc = table_sources(db, out);
  sqlite3_str_appendall(out, ",\"relations\":[");
  for (int i = 0; i < db->catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    struct sync_table table;
    if (relation->is_view) continue;
    rc = sync_table(db, relation, &table);
    if (position > 0) sqlite3_str_appendchar(out, 1, ',');
    if (rc == LEDGER_OK) table_describe(out, relation, &table, ++position);
  }
  sqlite3_str_appendall(out, "]}");
  return rc;
}

LEDGER_PRIVATE int sync_register(ledger *db, struct script *script) {
  sqlite3_str *json = sqlite3_str_new(NULL);
  int rc = table_schema(db, json);
  if (rc == LEDGER_OK && sqlite3_str_errcode(json) != SQLITE_OK) rc = error_memory(&db->error);
  if (rc == LEDGER_OK) {
    script_text(script, "SELECT ledger_sync.register_schema(");
    script_literal(script, sqlite3_str_value(json), (size_t)sqlite3_str_length(json));
    script_text(script, ");\n");
  }
  sqlite3_free(sqlite3_str_finish(json));
  return rc;
}
