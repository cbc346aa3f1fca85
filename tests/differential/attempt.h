/*
** One random statement: made once, run by ledger.h on a file, and as SQL text by PostgreSQL.
*/
#ifndef TEST_ATTEMPT_H
#define TEST_ATTEMPT_H

#include "samples.h"

enum attempt_kind { ATTEMPT_INSERT, ATTEMPT_UPSERT, ATTEMPT_UPDATE, ATTEMPT_DELETE };
enum { ATTEMPT_COLUMNS = 64 };

struct attempt {
  enum attempt_kind kind;
  int table;
  int count; /* given columns */
  const char *columns[ATTEMPT_COLUMNS];
  ledger_value values[ATTEMPT_COLUMNS];
  int conflict_count;
  const char *conflict[CATALOG_KEY_COLUMNS];
  int update; /* upsert: DO UPDATE */
  int where_count;
  const char *where_columns[4];
  ledger_value where_values[4];
  int flags;
};

static bool attempt_has(const struct attempt *s, const char *column) {
  for (int i = 0; i < s->count; i++)
    if (strcmp(s->columns[i], column) == 0) return true;
  return false;
}

static void attempt_give(struct attempt *s, const char *column, ledger_value value) {
  assert_in_range(s->count, 0, ATTEMPT_COLUMNS - 1);
  s->columns[s->count] = column;
  s->values[s->count++] = value;
}

/* The columns and values of an INSERT: what is required, and a few of the others, in any order. */
static void attempt_row(struct attempt *s, struct test_random *r, struct arena *arena,
                        const struct server_catalog *catalog) {
  const struct server_table *table = &catalog->tables[s->table];
  int optional_percent = RANDOM_OF(r, ((const int[]){0, 15, 30, 60}));
  int start = random_below(r, table->column_count),
      forgotten = random_chance(r, 3) ? random_below(r, table->column_count) : -1;
  for (int i = 0; i < table->column_count; i++) {
    int n = (start + i) % table->column_count;
    const struct server_column *column = &table->columns[n];
    bool is_serial = column->is_key && sample_is_integer(column);
    bool required = column->not_null && column->fallback == NULL && column->identity == 0;
    /* Times and keys that a default would make are given mostly, so that both sides hold the same. */
    bool minted = !is_serial && column->fallback != NULL && strchr(column->fallback, '(') != NULL &&
                  !column->generated;
    if (n == forgotten) continue;
    if (is_serial && !required
            ? random_chance(r, 25)
            : required || random_chance(r, minted              ? 70
                                           : column->generated ? 2
                                                               : optional_percent))
      attempt_give(s, column->name, sample_any(r, arena, catalog, s->table, column));
  }
}

static void attempt_conflict(struct attempt *s, struct test_random *r,
                             const struct server_catalog *catalog) {
  const struct server_table *table = &catalog->tables[s->table];
  if (random_chance(r, 2)) {
    s->conflict_count = 1;
    s->conflict[0] = table->columns[random_below(r, table->column_count)].name;
    return;
  }
  const struct server_key *key = &table->keys[random_below(r, table->key_count)];
  if (key->primary && random_chance(r, 50)) return;
  for (int i = 0; i < key->count; i++)
    s->conflict[s->conflict_count++] = table->columns[key->columns[i]].name;
}

/* DO UPDATE sets the given columns that are not of the conflict's key, and that may be set at all. */
static bool attempt_is_set(const struct attempt *s, const struct server_table *table, int given) {
  const struct server_column *column = &table->columns[known_column(table, s->columns[given])];
  if (column->generated || column->identity == 'a') return false;
  for (int i = 0; i < s->conflict_count; i++)
    if (strcmp(s->conflict[i], column->name) == 0) return false;
  return s->conflict_count > 0 || !column->is_key;
}

static void attempt_where(struct attempt *s, struct test_random *r, struct arena *arena,
                          const struct server_catalog *catalog, bool one_row) {
  const struct server_table *table = &catalog->tables[s->table];
  const struct server_key *key =
      &table->keys[one_row || random_chance(r, 80) ? 0 : random_below(r, table->key_count)];
  int dice = one_row ? 0 : random_below(r, 100);
  if (dice < 88) {
    for (int i = 0; i < key->count && i < 4; i++) {
      const struct server_column *column = &table->columns[key->columns[i]];
      s->where_columns[s->where_count] = column->name;
      if (sample_is_integer(column) && column->reference < 0) {
        ledger_value n = {LEDGER_INTEGER, 1 + random_below(r, 40), NULL, 0};
        s->where_values[s->where_count++] = n;
      } else
        s->where_values[s->where_count++] = sample_good(r, arena, catalog, s->table, column);
    }
    return;
  }
  const struct server_column *column = &table->columns[random_below(r, table->column_count)];
  s->where_columns[0] = column->name;
  s->where_count = 1;
  if (dice < 96)
    s->where_values[0] = sample_good(r, arena, catalog, s->table, column);
  else if (dice < 98)
    s->where_values[0] = sample_bad(r, arena, column);
  else
    s->where_values[0] = sample_of(arena, NULL);
}

static void attempt_make(struct attempt *s, struct test_random *r, struct arena *arena,
                         const struct server_catalog *catalog, int n) {
  memset(s, 0, sizeof *s);
  /* The first statements fill the tables that others refer to. */
  s->table = n < 40 ? random_below(r, catalog->count < 3 ? catalog->count : 3)
                    : random_below(r, catalog->count);
  const struct server_table *table = &catalog->tables[s->table];
  int dice = random_below(r, 100);
  s->kind = n < 40 || dice < 45 ? ATTEMPT_INSERT
            : dice < 62         ? ATTEMPT_UPSERT
            : dice < 92         ? ATTEMPT_UPDATE
                                : ATTEMPT_DELETE;
  if (s->kind == ATTEMPT_INSERT || s->kind == ATTEMPT_UPSERT) {
    attempt_row(s, r, arena, catalog);
    if (s->kind == ATTEMPT_INSERT) return;
    attempt_conflict(s, r, catalog);
    s->update = random_chance(r, 75);
    int set = 0;
    for (int i = 0; i < s->count; i++) set += attempt_is_set(s, table, i);
    if (set == 0) s->update = 0;
    return;
  }
  if (s->kind == ATTEMPT_UPDATE)
    for (int sets = 1 + random_below(r, 3); sets > 0; sets--) {
      const struct server_column *column = &table->columns[random_below(r, table->column_count)];
      if (!attempt_has(s, column->name))
        attempt_give(s, column->name, sample_any(r, arena, catalog, s->table, column));
    }
  /* Of several rows that others refer to, some of them cascading, PostgreSQL checks each before the next one's cascades:
  ** whether a DELETE of them succeeds depends on their order. SQLite checks at the end. */
  bool referenced = false;
  for (int t = 0; t < catalog->count && s->kind == ATTEMPT_DELETE; t++)
    for (int c = 0; c < catalog->tables[t].column_count; c++)
      referenced |= catalog->tables[t].columns[c].reference == s->table;
  bool numbered =
      false; /* a new number or uuid for each row: which of several rows gets which is not defined */
  for (int i = 0; i < s->count; i++) {
    const struct server_column *column = &table->columns[known_column(table, s->columns[i])];
    bool draws = column->identity != 0 ||
                 (column->fallback != NULL && (strstr(column->fallback, "nextval") != NULL ||
                                               strstr(column->fallback, "uuid") != NULL));
    numbered |= draws && s->values[i].kind == LEDGER_DEFAULT;
  }
  if (!numbered && random_chance(r, 1) && s->kind == ATTEMPT_UPDATE)
    s->flags = LEDGER_ALL_ROWS;
  else
    attempt_where(s, r, arena, catalog, numbered || referenced);
}

static void attempt_sql_where(sqlite3_str *sql, const struct attempt *s) {
  for (int i = 0; i < s->where_count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " WHERE " : " AND ", s->where_columns[i]);
    if (s->where_values[i].kind == LEDGER_NULL)
      sqlite3_str_appendall(sql, " IS NULL");
    else {
      sqlite3_str_appendall(sql, " = ");
      sample_sql(sql, &s->where_values[i]);
    }
  }
}

static void attempt_sql_insert(sqlite3_str *sql, const struct attempt *s,
                               const struct server_table *table) {
  sqlite3_str_appendf(sql, "INSERT INTO %s AS t", table->quoted);
  for (int i = 0; i < s->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " (" : ", ", s->columns[i]);
  sqlite3_str_appendall(sql, s->count == 0 ? " DEFAULT VALUES" : ") VALUES (");
  for (int i = 0; i < s->count; i++) {
    if (i > 0) sqlite3_str_appendall(sql, ", ");
    sample_sql(sql, &s->values[i]);
  }
  if (s->count > 0) sqlite3_str_appendall(sql, ")");
  if (s->kind != ATTEMPT_UPSERT) return;
  const char *conflict[CATALOG_KEY_COLUMNS];
  int count = s->conflict_count;
  for (int i = 0; i < count; i++) conflict[i] = s->conflict[i];
  if (count == 0) {
    count = table->keys[0].count;
    for (int i = 0; i < count; i++) conflict[i] = table->columns[table->keys[0].columns[i]].name;
  }
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " ON CONFLICT (" : ", ", conflict[i]);
  sqlite3_str_appendall(sql, s->update ? ") DO UPDATE SET " : ") DO NOTHING");
  bool first = true;
  for (int i = 0; i < s->count && s->update; i++) {
    if (!attempt_is_set(s, table, i)) continue;
    sqlite3_str_appendf(sql, "%s\"%w\" = EXCLUDED.\"%w\"", first ? "" : ", ", s->columns[i],
                        s->columns[i]);
    first = false;
  }
}

/* The statement as SQL, with RETURNING *. To be freed with sqlite3_free(). */
static char *attempt_sql(const struct attempt *s, const struct server_catalog *catalog) {
  const struct server_table *table = &catalog->tables[s->table];
  sqlite3_str *sql = sqlite3_str_new(NULL);
  switch (s->kind) {
  case ATTEMPT_INSERT:
  case ATTEMPT_UPSERT: attempt_sql_insert(sql, s, table); break;
  case ATTEMPT_UPDATE:
    sqlite3_str_appendf(sql, "UPDATE %s SET ", table->quoted);
    for (int i = 0; i < s->count; i++) {
      sqlite3_str_appendf(sql, "%s\"%w\" = ", i == 0 ? "" : ", ", s->columns[i]);
      sample_sql(sql, &s->values[i]);
    }
    attempt_sql_where(sql, s);
    break;
  case ATTEMPT_DELETE:
    sqlite3_str_appendf(sql, "DELETE FROM %s", table->quoted);
    attempt_sql_where(sql, s);
    break;
  }
  sqlite3_str_appendall(sql, " RETURNING *");
  return sqlite3_str_finish(sql);
}

/* The statement through ledger.h. */
static int attempt_run(const struct attempt *s, const struct server_catalog *catalog, ledger *db,
                       ledger_rows **rows) {
  const char *table = catalog->tables[s->table].quoted;
  switch (s->kind) {
  case ATTEMPT_INSERT: return ledger_insert(db, table, s->count, s->columns, s->values, rows);
  case ATTEMPT_UPSERT:
    return ledger_upsert(db, table, s->count, s->columns, s->values, s->conflict_count, s->conflict,
                         s->update, NULL, rows);
  case ATTEMPT_UPDATE:
    return ledger_update(db, table, s->count, s->columns, s->values, s->where_count,
                         s->where_columns, s->where_values, s->flags, NULL, rows);
  default:
    return ledger_delete(db, table, s->where_count, s->where_columns, s->where_values, s->flags,
                         NULL, rows);
  }
}

#endif
