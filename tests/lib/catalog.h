/*
** A schema's tables as PostgreSQL's own catalog tells them, for tests that make rows: nothing here comes from the code
** under test. Include after ledger.c, cmocka.h and server.h. Memory: one arena per catalog.
*/
#ifndef TEST_CATALOG_H
#define TEST_CATALOG_H

#include "server.h"

enum { CATALOG_KEYS = 12, CATALOG_KEY_COLUMNS = 6, CATALOG_GOOD = 48 };

struct server_column {
  const char *name;
  const char *type;     /* format_type() */
  const char *base;     /* typname of the type, of an array's element */
  const char *fallback; /* the default's expression, NULL for none */
  bool is_array, is_enum, not_null, generated, is_key, has_check;
  char identity;        /* 'a', 'd' or 0 */
  int length;           /* varchar(n), char(n); -1 for none */
  int precision, scale; /* numeric(p,s); -1 for none */
  int reference;        /* table of a foreign key, -1 for none */
  int reference_column;
  int good_count; /* values that the column's own checks let pass, when it has some; an enum's labels */
  const char *good[CATALOG_GOOD];
};

struct server_key {
  const char *name;
  bool primary;
  int count;
  int columns[CATALOG_KEY_COLUMNS];
};

struct server_table {
  const char *schema, *name;
  const char *quoted; /* "public"."users", for both sides */
  int column_count;
  struct server_column *columns;
  int key_count; /* the primary key first */
  struct server_key keys[CATALOG_KEYS];
};

struct server_catalog {
  struct arena arena;
  int count;
  struct server_table *tables; /* in order of creation */
};

static char *known_copy(struct server_catalog *catalog, const char *text) {
  char *copy = arena_copy(&catalog->arena, text, strlen(text));
  assert_non_null(copy);
  return copy;
}

static char *known_format(struct server_catalog *catalog, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  assert_non_null(text);
  char *copy = known_copy(catalog, text);
  sqlite3_free(text);
  return copy;
}

static const char *known_field(struct server_catalog *catalog, PGresult *result, int row,
                               int column) {
  return PQgetisnull(result, row, column) ? NULL
                                          : known_copy(catalog, PQgetvalue(result, row, column));
}

static int known_column(const struct server_table *table, const char *name) {
  for (int i = 0; i < table->column_count; i++)
    if (strcmp(table->columns[i].name, name) == 0) return i;
  return -1;
}

static int known_table(const struct server_catalog *catalog, const char *quoted) {
  for (int i = 0; i < catalog->count; i++)
    if (strcmp(catalog->tables[i].quoted, quoted) == 0) return i;
  return -1;
}

static void known_read_columns(struct server_catalog *catalog, PGconn *connection,
                               struct server_table *table) {
  char *sql =
      known_format(catalog,
                   "SELECT a.attname, format_type(a.atttypid, a.atttypmod), b.typname, t.typelem "
                   "<> 0 AND t.typlen = -1, b.typtype = 'e',"
                   " a.attnotnull, a.attgenerated <> '', a.attidentity, pg_get_expr(d.adbin, "
                   "d.adrelid), a.atttypmod"
                   " FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
                   " JOIN pg_type b ON b.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN "
                   "t.typelem ELSE t.oid END"
                   " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
                   " WHERE a.attrelid = '%q'::regclass AND a.attnum > 0 AND NOT a.attisdropped "
                   "ORDER BY a.attnum",
                   table->quoted);
  PGresult *result = server_query(connection, sql);
  table->column_count = PQntuples(result);
  table->columns =
      arena_alloc(&catalog->arena, sizeof *table->columns * (size_t)table->column_count);
  for (int i = 0; i < table->column_count; i++) {
    struct server_column *column = &table->columns[i];
    memset(column, 0, sizeof *column);
    column->name = known_field(catalog, result, i, 0);
    column->type = known_field(catalog, result, i, 1);
    column->base = known_field(catalog, result, i, 2);
    column->is_array = PQgetvalue(result, i, 3)[0] == 't';
    column->is_enum = PQgetvalue(result, i, 4)[0] == 't';
    column->not_null = PQgetvalue(result, i, 5)[0] == 't';
    column->generated = PQgetvalue(result, i, 6)[0] == 't';
    column->identity = PQgetvalue(result, i, 7)[0];
    column->fallback = known_field(catalog, result, i, 8);
    int modifier = atoi(PQgetvalue(result, i, 9));
    column->length = column->precision = column->scale = column->reference = -1;
    if (strcmp(column->base, "numeric") == 0 && modifier >= 4) {
      column->precision = ((modifier - 4) >> 16) & 0xffff;
      column->scale = (modifier - 4) & 0x7ff;
    } else if (modifier >= 4)
      column->length = modifier - 4;
  }
  PQclear(result);
}

static void known_read_keys(struct server_catalog *catalog, PGconn *connection,
                            struct server_table *table) {
  char *sql = known_format(catalog,
                           "SELECT c.oid, c.conname, c.contype, a.attname FROM pg_constraint c"
                           " CROSS JOIN unnest(c.conkey) WITH ORDINALITY k(n, i) JOIN pg_attribute "
                           "a ON a.attrelid = c.conrelid AND a.attnum = k.n"
                           " WHERE c.conrelid = '%q'::regclass AND c.contype IN ('p', 'u') ORDER "
                           "BY c.contype, c.oid, k.i",
                           table->quoted);
  PGresult *result = server_query(connection, sql);
  const char *last = "";
  for (int i = 0; i < PQntuples(result); i++) {
    if (strcmp(last, PQgetvalue(result, i, 0)) != 0) {
      assert_in_range(table->key_count, 0, CATALOG_KEYS - 1);
      struct server_key *key = &table->keys[table->key_count++];
      key->name = known_field(catalog, result, i, 1);
      key->primary = PQgetvalue(result, i, 2)[0] == 'p';
      last = PQgetvalue(result, i, 0);
    }
    struct server_key *key = &table->keys[table->key_count - 1];
    assert_in_range(key->count, 0, CATALOG_KEY_COLUMNS - 1);
    int column = known_column(table, PQgetvalue(result, i, 3));
    key->columns[key->count++] = column;
    if (key->primary) table->columns[column].is_key = true;
  }
  PQclear(result);
}

static void known_read_references(struct server_catalog *catalog, PGconn *connection,
                                  struct server_table *table) {
  char *sql = known_format(
      catalog,
      "SELECT a.attname, format('\"%%s\".\"%%s\"', n.nspname, r.relname), f.attname"
      " FROM pg_constraint c CROSS JOIN unnest(c.conkey, c.confkey) k(n, m)"
      " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n"
      " JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = k.m"
      " JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace n ON n.oid = r.relnamespace"
      " WHERE c.conrelid = '%q'::regclass AND c.contype = 'f' ORDER BY c.oid",
      table->quoted);
  PGresult *result = server_query(connection, sql);
  for (int i = 0; i < PQntuples(result); i++) {
    struct server_column *column = &table->columns[known_column(table, PQgetvalue(result, i, 0))];
    column->reference = known_table(catalog, PQgetvalue(result, i, 1));
    column->reference_column =
        known_column(&catalog->tables[column->reference], PQgetvalue(result, i, 2));
  }
  PQclear(result);
}

/* Candidates for the texts that a column's own checks may ask for: the literals in the checks, and usual shapes. */
static const char *const known_shapes[] = {
    "",
    "x",
    "a@b.com",
    "É@b.com",
    "x.y+z@ex-ample.org",
    "A@B.COM|d",
    "a@b",
    "USD",
    "EUR",
    "usd",
    "ÄÖÜ",
    "BTC",
    "ETH",
    "USDT",
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
    "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé",
    "$2b$10$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
    "short",
    "en",
    "de-DE",
    "UTC",
    "https://example.org/a?b=c",
    "0",
    "1",
    "-1",
    "5",
    "6",
    "0.00000001",
    "100.5",
    "0.000000001",
};

/* Enum labels, and of the candidates those that the checks on this column alone let pass. */
static void known_read_good(struct server_catalog *catalog, PGconn *connection,
                            struct server_table *table, struct server_column *column) {
  if (column->is_enum) {
    PGresult *result = server_query(
        connection, known_format(catalog,
                                 "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = "
                                 "e.enumtypid WHERE t.typname = %Q ORDER BY e.enumsortorder",
                                 column->base));
    for (int i = 0; i < PQntuples(result) && i < CATALOG_GOOD; i++)
      column->good[column->good_count++] = known_field(catalog, result, i, 0);
    PQclear(result);
    return;
  }
  PGresult *checks = server_query(
      connection,
      known_format(catalog,
                   "SELECT string_agg('(' || pg_get_expr(c.conbin, c.conrelid) || ')', ' AND ') "
                   "FROM pg_constraint c"
                   " JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]"
                   " WHERE c.conrelid = '%q'::regclass AND c.contype = 'c' AND "
                   "cardinality(c.conkey) = 1 AND a.attname = %Q",
                   table->quoted, column->name));
  if (!PQgetisnull(checks, 0, 0)) {
    const char *check = PQgetvalue(checks, 0, 0);
    column->has_check = true;
    sqlite3_str *list = sqlite3_str_new(NULL);
    for (size_t i = 0; i < sizeof known_shapes / sizeof *known_shapes; i++)
      sqlite3_str_appendf(list, "(%Q),", known_shapes[i]);
    for (const char *quote = strchr(check, '\''); quote != NULL;) { /* the literals of IN (...) */
      const char *end = strchr(quote + 1, '\'');
      if (end == NULL) break;
      sqlite3_str_appendf(list, "(%.*s'),", (int)(end - quote), quote);
      quote = strchr(end + 1, '\'');
    }
    char *candidates = sqlite3_str_finish(list);
    candidates[strlen(candidates) - 1] = 0;
    PGresult *all = server_query(
        connection,
        known_format(catalog, "SELECT DISTINCT v COLLATE \"C\" FROM (VALUES %s) AS c(v) ORDER BY 1",
                     candidates));
    for (int i = 0; i < PQntuples(all) && column->good_count < CATALOG_GOOD; i++) {
      PGresult *one = PQexec(
          connection,
          known_format(catalog, "SELECT (%s) IS NOT FALSE FROM (SELECT %Q::%s AS \"%w\") AS x",
                       check, PQgetvalue(all, i, 0), column->type, column->name));
      if (PQresultStatus(one) == PGRES_TUPLES_OK && PQgetvalue(one, 0, 0)[0] == 't')
        column->good[column->good_count++] = known_field(catalog, all, i, 0);
      PQclear(one);
    }
    PQclear(all);
    sqlite3_free(candidates);
  }
  PQclear(checks);
}

/* All tables of the database but those of ledger_sync. */
static void known_read(struct server_catalog *catalog, PGconn *connection) {
  memset(catalog, 0, sizeof *catalog);
  PGresult *result = server_query(
      connection, "SELECT n.nspname, c.relname, format('\"%s\".\"%s\"', n.nspname, c.relname) FROM "
                  "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                  " WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', "
                  "'information_schema', 'ledger_sync') ORDER BY c.oid");
  catalog->count = PQntuples(result);
  catalog->tables = arena_alloc(&catalog->arena, sizeof *catalog->tables * (size_t)catalog->count);
  memset(catalog->tables, 0, sizeof *catalog->tables * (size_t)catalog->count);
  for (int i = 0; i < catalog->count; i++) {
    catalog->tables[i].schema = known_field(catalog, result, i, 0);
    catalog->tables[i].name = known_field(catalog, result, i, 1);
    catalog->tables[i].quoted = known_field(catalog, result, i, 2);
  }
  PQclear(result);
  for (int i = 0; i < catalog->count; i++) {
    struct server_table *table = &catalog->tables[i];
    known_read_columns(catalog, connection, table);
    known_read_keys(catalog, connection, table);
  }
  for (int i = 0; i < catalog->count; i++) {
    struct server_table *table = &catalog->tables[i];
    known_read_references(catalog, connection, table);
    for (int j = 0; j < table->column_count; j++)
      known_read_good(catalog, connection, table, &table->columns[j]);
  }
}

static void known_free(struct server_catalog *catalog) {
  arena_free(&catalog->arena);
}

#endif
