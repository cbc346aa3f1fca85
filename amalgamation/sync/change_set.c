/*
** change_set.c: the rows that changed between two positions of a file, each once, in order of relation and key, with their
** present content. What changed is said by three: ledger_change, for all that was written row by row; journals, for the
** book's plain rows and audit rows; entries, for balances, which are given as differences.
**
** One statement sorts it all; nothing is kept but the row at hand. SQLite's sorter holds the keys, in a file where temp_store says so.
*/
#include "../internal.h"

#define CHANGE_SET_REPORT_ROWS 1000

enum { /* of the statement */
       CHANGE_SET_RELATION,
       CHANGE_SET_KEY,
       CHANGE_SET_HLC,
       CHANGE_SET_REPLACED,
       CHANGE_SET_COLUMN, /* the portfolio's that a difference is of; null for accounts, and where there is no difference */
       CHANGE_SET_POSTED, /* null: no difference */
       CHANGE_SET_AVAILABLE = CHANGE_SET_POSTED + 2,
       CHANGE_SET_COLUMNS = CHANGE_SET_AVAILABLE + 2
};

struct change_set {
  ledger *db;
  sqlite3_stmt *stmt; /* what changed */
  bool has_row;       /* it stands on one */
  sqlite3_stmt *rows; /* one row of the relation, by its key */
  const struct relation *relation;
  struct sync_table table;
  bool travels; /* the relation does */
  struct value *values, *key;
  struct arena row_arena, relation_arena;
  int64_t done;
};

/* ---- the statements */

static void change_set_key(sqlite3_str *sql, const struct relation *relation, const char *alias) {
  const struct constraint *primary = relation->primary;
  for (int i = 0; i < primary->count; i++) {
    const char *name = relation->columns[primary->columns[i]].name;
    if (i > 0) sqlite3_str_appendall(sql, " || ',' || ");
    sqlite3_str_appendf(sql, primary->count == 1 ? "%s.\"%w\"" : "quote(%s.\"%w\")", alias, name);
  }
}

/* Rows that journals made: their ids follow the journal's. */
static void change_set_journals(sqlite3_str *sql, const struct relation *relation,
                                bool is_its_own) {
  if (relation == NULL || !change_is_followed(relation)) return;
  sqlite3_str_appendf(sql, " UNION ALL SELECT %lld, ", (long long)relation->id);
  change_set_key(sql, relation, "t");
  sqlite3_str_appendf(
      sql,
      ", NULL, 0, NULL, NULL, NULL, NULL, NULL FROM ledger_journal j CROSS JOIN \"%w\" t ON %s"
      " WHERE j.seq > ?3 AND j.seq <= ?4%s",
      relation->stored_name,
      is_its_own ? "t.id = j.id" : "t.id > j.id AND t.id <= substr(j.id, 1, 34) || 'ff'",
      is_its_own ? "" : " AND j.rows > 0");
}

/* What entries add up to by account. Sums are taken in two halves: SQLite refuses one that leaves 64 bits on the way. */
static const char change_set_sums[] =
    "(SELECT account_key, journal,"
    " sum(CASE layer WHEN 0 THEN amount ELSE 0 END >> 32) AS posted_high,"
    " sum(CASE layer WHEN 0 THEN amount ELSE 0 END & 4294967295) AS posted_low,"
    " sum(amount >> 32) AS available_high, sum(amount & 4294967295) AS available_low"
    " FROM ledger_entry WHERE seq > ?5 AND seq <= ?6 AND layer < 2 GROUP BY account_key";

/* As account.c names the columns of portfolio. */
static const char change_set_column[] =
    "CASE a.currency WHEN 'USD' THEN 'cash' ELSE lower(a.currency) END || '_balance'";

/* The accounts of a class that have entries, with their differences, by journal or all together. Accounts of the book itself have
** no row that travels. */
static void change_set_entries(sqlite3_str *sql, const struct relation *relation, bool is_plain,
                               bool by_journal) {
  if (relation == NULL || !change_is_followed(relation)) return;
  sqlite3_str_appendf(sql, " UNION ALL SELECT %lld, ", (long long)relation->id);
  change_set_key(sql, relation, "t");
  sqlite3_str_appendf(sql,
                      ", %s, 0, %s, e.posted_high, e.posted_low, e.available_high, e.available_low",
                      by_journal ? "(SELECT id FROM ledger_journal WHERE seq = e.journal)" : "NULL",
                      is_plain ? "NULL" : change_set_column);
  sqlite3_str_appendf(sql, " FROM %s%s) e", change_set_sums, by_journal ? ", journal" : "");
  sqlite3_str_appendf(
      sql, " CROSS JOIN ledger_account a ON a.account_key = e.account_key AND a.class = '%s'",
      is_plain ? "account" : "portfolio");
  sqlite3_str_appendf(sql, " CROSS JOIN \"%w\" t ON t.%s = a.owner", relation->stored_name,
                      is_plain ? "id" : "user_id");
}

static int change_set_prepare(ledger *db, const struct change_range *range, bool by_journal,
                              sqlite3_stmt **out) {
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  const struct book_tables *tables = book_tables(db);
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "SELECT relation, key, hlc, replaced, NULL, NULL, NULL, NULL, NULL"
                             " FROM ledger_change WHERE n > ?1 AND n <= ?2");
  if (by_journal) {
    sqlite3_str_appendall(sql, " AND 0");
  } else {
    change_set_journals(sql, tables->transactions, false);
    change_set_journals(sql, tables->portfolio_transactions, false);
    change_set_journals(sql, tables->audit_logs, true);
  }
  change_set_entries(sql, tables->accounts, true, by_journal);
  change_set_entries(sql, tables->portfolio, false, by_journal);
  sqlite3_str_appendf(sql, " ORDER BY 1, 2%s", by_journal ? ", 3, 5" : "");
  rc = statement_prepare(db, sql, out);
  if (rc != LEDGER_OK) return rc;
  const int64_t bounds[] = {range->from_change, range->to_change,  range->from_journal,
                            range->to_journal,  range->from_entry, range->to_entry};
  int last = sqlite3_bind_parameter_count(*out);
  for (int i = 0; i < last; i++) sqlite3_bind_int64(*out, i + 1, bounds[i]);
  return LEDGER_OK;
}

/* The row of a key: all columns. */
static int change_set_prepare_row(ledger *db, const struct relation *relation, sqlite3_stmt **out) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "SELECT ");
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i > 0 ? ", " : "", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM \"%w\" WHERE ", relation->stored_name);
  for (int i = 0; i < relation->primary->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i > 0 ? " AND " : "",
                        relation->columns[relation->primary->columns[i]].name, i + 1);
  return statement_prepare(db, sql, out);
}

/* ---- the walk */

static int change_set_step(struct change_set *set) {
  int rc = statement_step(set->db, set->stmt);
  set->has_row = rc == LEDGER_ROW;
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static const struct relation *change_set_relation(const struct catalog *catalog, int64_t id) {
  for (int i = 0; i < catalog->relation_count; i++)
    if (catalog->relations[i].id == id) return &catalog->relations[i];
  return NULL;
}

/* Another relation begins. */
static int change_set_enter(struct change_set *set, int64_t id) {
  ledger *db = set->db;
  statement_end(set->rows);
  set->rows = NULL;
  arena_reset(&set->relation_arena);
  set->relation = change_set_relation(db->catalog, id);
  set->travels = set->relation != NULL && change_is_followed(set->relation);
  if (!set->travels) return LEDGER_OK;
  int rc = sync_table(db, set->relation, &set->table);
  if (rc != LEDGER_OK) return rc;
  set->travels = set->table.kind == SYNC_MUTABLE || set->table.kind == SYNC_FACT;
  if (!set->travels) return LEDGER_OK;
  size_t columns = (size_t)set->relation->column_count;
  size_t keys = (size_t)set->relation->primary->count;
  set->values = arena_alloc(&set->relation_arena, columns * sizeof *set->values);
  set->key = arena_alloc(&set->relation_arena, keys * sizeof *set->key);
  if (set->values == NULL || set->key == NULL) return error_memory(&db->error);
  return change_set_prepare_row(db, set->relation, &set->rows);
}

static money_wide change_set_sum(sqlite3_stmt *stmt, int column) {
  return (money_wide)sqlite3_column_int64(stmt, column) * ((money_wide)1 << 32) +
         sqlite3_column_int64(stmt, column + 1);
}

/* Adds what the statement's row says of a difference. */
static int change_set_add(struct change_set *set, money_wide sums[SYNC_DELTA_MAX]) {
  sqlite3_stmt *stmt = set->stmt;
  if (sqlite3_column_type(stmt, CHANGE_SET_POSTED) == SQLITE_NULL) return LEDGER_OK;
  const char *named = (const char *)sqlite3_column_text(stmt, CHANGE_SET_COLUMN);
  bool is_plain = sqlite3_column_type(stmt, CHANGE_SET_COLUMN) == SQLITE_NULL;
  if (!is_plain && named == NULL) return error_memory(&set->db->error);
  for (int i = 0; i < set->table.delta_count; i++) {
    const char *column = set->relation->columns[set->table.deltas[i]].name;
    if (is_plain && strcmp(column, "available_balance") == 0)
      sums[i] += change_set_sum(stmt, CHANGE_SET_AVAILABLE);
    else if (is_plain || strcmp(column, named) == 0)
      sums[i] += change_set_sum(stmt, CHANGE_SET_POSTED);
  }
  return LEDGER_OK;
}

/* Reads all that is said of the key on which the statement stands, up to the next one. */
static int change_set_gather(struct change_set *set, struct value *key, struct change_row *row,
                             bool *is_only_replaced) {
  money_wide sums[SYNC_DELTA_MAX] = {0};
  int64_t relation = sqlite3_column_int64(set->stmt, CHANGE_SET_RELATION);
  arena_reset(&set->row_arena);
  *key = statement_value(set->stmt, CHANGE_SET_KEY);
  if (value_keep(&set->row_arena, key) != LEDGER_OK) return error_memory(&set->db->error);
  *is_only_replaced = true;
  for (int rc = LEDGER_OK; set->has_row;) {
    struct value next = statement_value(set->stmt, CHANGE_SET_KEY);
    if (sqlite3_column_int64(set->stmt, CHANGE_SET_RELATION) != relation ||
        !value_is_same(&next, key))
      break;
    int64_t hlc = sqlite3_column_int64(set->stmt, CHANGE_SET_HLC);
    if (hlc > row->hlc) row->hlc = hlc;
    if (sqlite3_column_int64(set->stmt, CHANGE_SET_REPLACED) == 0) *is_only_replaced = false;
    if (set->travels) rc = change_set_add(set, sums);
    if (rc == LEDGER_OK) rc = change_set_step(set);
    if (rc != LEDGER_OK) return rc;
  }
  for (int i = 0; set->travels && i < set->table.delta_count; i++) {
    row->deltas[i] = (int64_t)sums[i];
    if (row->deltas[i] != sums[i])
      return error_set(&set->db->error, LEDGER_AMOUNT_RANGE,
                       "the balances of \"%s\" have changed by more than an amount can be",
                       set->relation->name);
  }
  return LEDGER_OK;
}

/* Reads the key's values. Their memory is the row's and not the call's, which has many rows. */
static int change_set_read_key(struct change_set *set, const struct value *key) {
  struct arena of_call = set->db->arena;
  set->db->arena = set->row_arena;
  int rc = change_key_read(set->db, set->relation, key, set->key);
  set->row_arena = set->db->arena;
  set->db->arena = of_call;
  return rc;
}

/* The present content of a key: LEDGER_ROW, or LEDGER_DONE when the row is gone. */
static int change_set_find(struct change_set *set) {
  const struct constraint *primary = set->relation->primary;
  int rc = statement_bind_all(set->db, set->rows, primary->count, set->key);
  if (rc == LEDGER_OK) rc = statement_step(set->db, set->rows);
  for (int i = 0; rc == LEDGER_ROW && i < set->relation->column_count; i++)
    set->values[i] = statement_value(set->rows, i);
  if (rc == LEDGER_DONE) {
    for (int i = 0; i < set->relation->column_count; i++)
      set->values[i] = (struct value){.kind = VALUE_NULL};
    for (int i = 0; i < primary->count; i++) set->values[primary->columns[i]] = set->key[i];
  }
  return rc;
}

/* Is the row that was found the one that the key is of, and not one whose text merely compares as equal (citext)? That one has a
** note of its own. */
static bool change_set_is_it(const struct change_set *set) {
  const struct constraint *primary = set->relation->primary;
  for (int i = 0; i < primary->count; i++) {
    const struct value *found = &set->values[primary->columns[i]];
    if (found->kind == VALUE_TEXT && !value_is_same(found, &set->key[i])) return false;
  }
  return true;
}

static int change_set_next(struct change_set *set, int (*each)(void *, const struct change_row *),
                           void *context) {
  struct change_row row = {.relation = set->relation, .table = &set->table, .values = set->values};
  struct value key;
  bool is_only_replaced = true;
  int rc = change_set_gather(set, &key, &row, &is_only_replaced);
  if (rc != LEDGER_OK || !set->travels) return rc;
  rc = change_set_read_key(set, &key);
  if (rc != LEDGER_OK) return rc;
  rc = change_set_find(set);
  row.is_gone = rc == LEDGER_DONE;
  if (rc == LEDGER_ROW || rc == LEDGER_DONE) {
    bool counts = row.is_gone || (!is_only_replaced && change_set_is_it(set));
    rc = counts ? each(context, &row) : LEDGER_OK;
  }
  sqlite3_reset(set->rows);
  sqlite3_clear_bindings(set->rows); /* the key goes */
  if (rc == LEDGER_OK && ++set->done % CHANGE_SET_REPORT_ROWS == 0)
    rc = connection_report(set->db, set->done, 0);
  return rc;
}

static void change_set_close(struct change_set *set) {
  statement_end(set->stmt);
  statement_end(set->rows);
  arena_free(&set->row_arena);
  arena_free(&set->relation_arena);
}

LEDGER_PRIVATE int change_set_rows(ledger *db, const struct change_range *range,
                                   int (*each)(void *context, const struct change_row *row),
                                   void *context) {
  struct change_set set = {.db = db};
  int64_t relation = -1;
  int rc = change_set_prepare(db, range, false, &set.stmt);
  if (rc == LEDGER_OK) rc = change_set_step(&set);
  while (rc == LEDGER_OK && set.has_row) {
    int64_t next = sqlite3_column_int64(set.stmt, CHANGE_SET_RELATION);
    if (next != relation) rc = change_set_enter(&set, next);
    relation = next;
    if (rc == LEDGER_OK) rc = change_set_next(&set, each, context);
  }
  change_set_close(&set);
  return rc;
}

/* ---- what each journal did to each account */

/* The differences of one journal and one account. */
static int change_set_journal(struct change_set *set,
                              int (*each)(void *, const struct change_delta *), void *context) {
  money_wide sums[SYNC_DELTA_MAX] = {0};
  struct value key = statement_value(set->stmt, CHANGE_SET_KEY);
  struct value journal = statement_value(set->stmt, CHANGE_SET_HLC);
  int rc = change_set_add(set, sums);
  for (int i = 0; i < set->table.delta_count && rc == LEDGER_OK; i++) {
    struct change_delta delta = {.relation = set->relation,
                                 .key = key,
                                 .journal = journal,
                                 .column = set->table.deltas[i],
                                 .amount = (int64_t)sums[i]};
    if (sums[i] != 0) rc = each(context, &delta);
  }
  return rc;
}

LEDGER_PRIVATE int change_set_deltas(ledger *db, const struct change_range *range,
                                     int (*each)(void *context, const struct change_delta *delta),
                                     void *context) {
  struct change_set set = {.db = db};
  int64_t relation = -1;
  int rc = change_set_prepare(db, range, true, &set.stmt);
  if (rc == LEDGER_OK) rc = change_set_step(&set);
  while (rc == LEDGER_OK && set.has_row) {
    int64_t next = sqlite3_column_int64(set.stmt, CHANGE_SET_RELATION);
    if (next != relation) rc = change_set_enter(&set, next);
    relation = next;
    if (rc == LEDGER_OK && set.travels) rc = change_set_journal(&set, each, context);
    if (rc == LEDGER_OK) rc = change_set_step(&set);
  }
  change_set_close(&set);
  return rc;
}
