/*
** The round trip: a file of each built-in schema, filled with hostile rows, goes through `ledger export | psql` into
** PostgreSQL. Compared are digests, every column of every row as text, and the objects of the schema; then conflicts,
** truncated scripts, and a psql that is not told to stop at errors. The program is $LEDGER (build/ledger).
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../differential/attempt.h"
#include "rows.h"

enum { TRIP_ROWS = 25, TRIP_CUTS = 30 };

struct trip {
  const char *schema;
  struct test_random random;
  struct arena arena;
  struct server_catalog catalog;
  ledger *db;
  char folder[64], file[96], mark[96];
  char from_schema[64],
      from_export[64]; /* databases made by psql from the .sql files, and by the full export */
};

/* What a value must never do: act in psql, in SQL or in a shell. %s is a file that a shell would make. */
static const char *const trip_hostile[] = {
    "foo; ROLLBACK; DROP TABLE users CASCADE; --",
    "\t `touch %s`",
    "\f `touch %s`",
    "\n\\! touch %s\n",
    "\\.\n\\! touch %s\n",
    "\\.",
    "\\.\n",
    "\n\\.\n",
    "\\N",
    "\\\\N",
    ":x",
    ":'x'",
    ":\"x\"",
    "$$",
    "$x$; DROP TABLE users; $x$",
    "'; DROP TABLE users; --",
    "E'\\''",
    "--",
    "/* ",
    "*/",
    "\\",
    "\\\\",
    "a\\tb",
    "a\tb",
    "a\rb",
    "a\r\nb",
    "\x1a",
    "\x01\x02\x7f",
    "\xe2\x80\xa8",
    "\xc2\x85",
    "COMMIT;",
    "\\c template1",
    "\\unrestrict `touch %s`",
    "`touch %s`",
    "\\g | touch %s",
    "\\o | touch %s",
    "\\set ON_ERROR_STOP off",
    "\"",
    "\"\"",
    "'",
    "''",
    ";",
    "%s%n",
    "\xf0\x9f\x98\x80",
    "e\xcc\x81",
    "",
};

/* ---- filling */

static bool trip_insert(struct trip *trip, struct attempt *attempt) {
  int rc = attempt_run(attempt, &trip->catalog, trip->db, NULL);
  if (rc == LEDGER_ERROR || rc == LEDGER_MISUSE || rc == LEDGER_MEMORY) {
    char *sql = attempt_sql(attempt, &trip->catalog);
    printf("%s\n", sql);
    fail_msg("%s", ledger_error_of(trip->db)->message);
  }
  return rc == LEDGER_OK;
}

/* Rows of every table, as many as the checks and keys let in. */
static void trip_fill(struct trip *trip) {
  struct attempt attempt;
  for (int t = 0; t < trip->catalog.count; t++) {
    int accepted = 0;
    for (int tries = 0; tries < TRIP_ROWS * 20 && accepted < TRIP_ROWS; tries++) {
      memset(&attempt, 0, sizeof attempt);
      attempt.table = t;
      attempt_row(&attempt, &trip->random, &trip->arena, &trip->catalog);
      accepted += trip_insert(trip, &attempt);
      arena_reset(&trip->arena);
    }
    if (accepted == 0) fail_msg("no row of %s was accepted", trip->catalog.tables[t].quoted);
  }
}

/* A key that no other row has, where the key is a uuid of the row's own. */
static void trip_fresh_key(struct trip *trip, struct attempt *attempt) {
  const struct server_table *table = &trip->catalog.tables[attempt->table];
  for (int i = 0; i < attempt->count; i++) {
    const struct server_column *column = &table->columns[known_column(table, attempt->columns[i])];
    if (!column->is_key || column->reference >= 0 || sample_is_integer(column)) continue;
    char uuid[37];
    sample_uuid(attempt->table, 1000 + random_below(&trip->random, 1000000), uuid);
    attempt->values[i] = sample_format(&trip->arena, "%s", uuid);
  }
}

/* Each hostile text in a text column of some table, of every table that has one. */
static void trip_fill_hostile(struct trip *trip) {
  int accepted = 0;
  for (int t = 0; t < trip->catalog.count; t++) {
    const struct server_table *table = &trip->catalog.tables[t];
    for (int c = 0; c < table->column_count; c++) {
      const struct server_column *column = &table->columns[c];
      if (strcmp(column->base, "text") != 0 || column->has_check || column->generated ||
          column->is_key || column->reference >= 0)
        continue;
      for (size_t i = 0; i < sizeof trip_hostile / sizeof *trip_hostile; i++)
        for (int tries = 0; tries < 12; tries++) {
          struct attempt attempt;
          memset(&attempt, 0, sizeof attempt);
          attempt.table = t;
          attempt_row(&attempt, &trip->random, &trip->arena, &trip->catalog);
          int n = 0;
          while (n < attempt.count && strcmp(attempt.columns[n], column->name) != 0) n++;
          if (n == attempt.count) attempt.count++;
          attempt.columns[n] = column->name;
          trip_fresh_key(trip, &attempt);
          sqlite3_str *value = sqlite3_str_new(NULL);
          if (column->is_array) sqlite3_str_appendall(value, "{\"");
          for (const char *p = trip_hostile[i]; *p != 0; p++) {
            if (p[0] == '%' && p[1] == 's' && strstr(trip_hostile[i], "touch") != NULL) {
              sqlite3_str_appendall(value, trip->mark);
              p++;
            } else {
              if (column->is_array && (*p == '"' || *p == '\\'))
                sqlite3_str_appendchar(value, 1, '\\');
              sqlite3_str_appendchar(value, 1, *p);
            }
          }
          if (column->is_array) sqlite3_str_appendall(value, "\"}");
          size_t length = (size_t)sqlite3_str_length(value);
          char *finished = sqlite3_str_finish(value);
          ledger_value given = {LEDGER_TEXT, 0,
                                arena_copy(&trip->arena, finished == NULL ? "" : finished, length),
                                length};
          sqlite3_free(finished);
          attempt.values[n] = given;
          bool done = trip_insert(trip, &attempt);
          arena_reset(&trip->arena);
          accepted += done;
          if (done) break;
        }
    }
  }
  assert_in_range(accepted, 20, 1000000);
}

/* ---- comparing */

/* All rows of a query as lines in the arena, sorted. */
static int trip_line_compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *trip_lines(struct trip *trip, const struct text_rows *rows, int columns) {
  const char **lines = arena_alloc(&trip->arena, sizeof(char *) * (size_t)(rows->count + 1));
  for (int i = 0; i < rows->count; i++) {
    sqlite3_str *line = sqlite3_str_new(NULL);
    for (int j = 0; j < columns; j++)
      sqlite3_str_appendf(line, "%s%s", j == 0 ? "" : " | ",
                          rows->cells[i][j] == NULL ? "NULL" : rows->cells[i][j]);
    sqlite3_str_appendall(line, "\n");
    char *text = sqlite3_str_finish(line);
    lines[i] = arena_copy(&trip->arena, text, strlen(text));
    sqlite3_free(text);
  }
  qsort(lines, (size_t)rows->count, sizeof *lines, trip_line_compare);
  sqlite3_str *all = sqlite3_str_new(NULL);
  for (int i = 0; i < rows->count; i++) sqlite3_str_appendall(all, lines[i]);
  char *text = sqlite3_str_finish(all);
  char *copy = arena_copy(&trip->arena, text == NULL ? "" : text, text == NULL ? 0 : strlen(text));
  sqlite3_free(text);
  return copy;
}

static char *trip_server_lines(struct trip *trip, const char *database, const char *sql) {
  PGconn *server = server_connect(database);
  PGresult *result = server_query(server, sql);
  struct text_rows rows = {0};
  text_rows_server(&trip->arena, result, &rows);
  char *lines = trip_lines(trip, &rows, PQnfields(result));
  PQclear(result);
  PQfinish(server);
  return lines;
}

static const char trip_digest[] =
    "SELECT table_schema, table_name, rows, sum, xor FROM ledger_sync.digest()";

static char *trip_file_digest(struct trip *trip) {
  ledger_rows *cursor = NULL;
  struct text_rows rows = {0};
  if (ledger_digest(trip->db, NULL, &cursor) != LEDGER_OK)
    fail_msg("digest: %s", ledger_error_of(trip->db)->message);
  text_rows_file(&trip->arena, trip->db, cursor, &rows);
  int columns = ledger_rows_count(cursor);
  ledger_rows_free(cursor);
  return trip_lines(trip, &rows, columns);
}

/* Two lists of lines, by their first difference. */
static void trip_same_lines(const char *what, const char *left, const char *right) {
  const char *a = left, *b = right;
  if (strcmp(left, right) == 0) return;
  while (*a != 0 && *a == *b) a++, b++;
  while (a > left && a[-1] != '\n') a--, b--;
  fail_msg("%s:\n  one:   %.*s\n  other: %.*s", what, (int)strcspn(a, "\n"), a,
           (int)strcspn(b, "\n"), b);
}

/* Every column of every row, and the digest. */
static void trip_compare(struct trip *trip, const char *database) {
  for (int t = 0; t < trip->catalog.count; t++) {
    const struct server_table *table = &trip->catalog.tables[t];
    struct text_rows file = {0}, server = {0};
    ledger_rows *cursor = NULL;
    char sql[300];
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table->quoted);
    PGconn *connection = server_connect(database);
    PGresult *result = server_query(connection, sql);
    text_rows_server(&trip->arena, result, &server);
    PQclear(result);
    PQfinish(connection);
    assert_int_equal(ledger_select(trip->db, table->quoted, NULL, &cursor), LEDGER_OK);
    text_rows_file(&trip->arena, trip->db, cursor, &file);
    ledger_rows_free(cursor);
    if (file.count != server.count)
      fail_msg("%s: %d rows in the file, %d in %s", table->quoted, file.count, server.count,
               database);
    text_rows_sort(table, &file);
    text_rows_sort(table, &server);
    for (int i = 0; i < file.count; i++)
      for (int j = 0; j < table->column_count; j++)
        if (text_compare(file.cells[i][j], server.cells[i][j]) != 0)
          fail_msg("%s.%s: file %s, %s %s", table->quoted, table->columns[j].name,
                   file.cells[i][j] == NULL ? "NULL" : file.cells[i][j], database,
                   server.cells[i][j] == NULL ? "NULL" : server.cells[i][j]);
    arena_reset(&trip->arena);
  }
  trip_same_lines("digest of the file and of the server", trip_file_digest(trip),
                  trip_server_lines(trip, database, trip_digest));
  assert_int_equal(access(trip->mark, F_OK), -1); /* no value ran a command */
  arena_reset(&trip->arena);
}

/* The objects of a database, one line each: what an export must not lose. */
static const char trip_objects[] =
    "SELECT 'column', c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), "
    "a.attnotnull::text, coalesce(pg_get_expr(d.adbin, d.adrelid), ''),"
    " a.attidentity::text || a.attgenerated::text, coalesce(col_description(c.oid, a.attnum), '')"
    " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum"
    " WHERE c.relkind IN ('r', 'v') AND c.relnamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'relation', c.oid::regclass::text, c.relkind::text, c.relrowsecurity::text, "
    "c.relforcerowsecurity::text, coalesce(obj_description(c.oid, 'pg_class'), ''), "
    "coalesce(c.reloptions::text, ''), ''"
    " FROM pg_class c WHERE c.relkind IN ('r', 'v', 'S') AND c.relnamespace = "
    "'public'::regnamespace"
    " UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), "
    "condeferrable::text, condeferred::text, convalidated::text, coalesce(obj_description(oid, "
    "'pg_constraint'), '')"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'index', tablename, indexname, indexdef, '', '', '', '' FROM pg_indexes "
    "WHERE schemaname = 'public'"
    " UNION ALL SELECT 'policy', tablename, policyname, permissive, roles::text, cmd, "
    "coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies WHERE schemaname = 'public'"
    " UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', "
    "'', coalesce(obj_description(oid, 'pg_trigger'), '') FROM pg_trigger WHERE NOT tgisinternal"
    " UNION ALL SELECT 'view', c.relname, pg_get_viewdef(c.oid), '', '', '', '', '' FROM pg_class "
    "c WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace"
    " UNION ALL SELECT 'enum', t.typname, string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder), "
    "coalesce(obj_description(t.oid, 'pg_type'), ''), '', '', '', '' FROM pg_type t JOIN pg_enum e "
    "ON e.enumtypid = t.oid GROUP BY t.oid, t.typname"
    " UNION ALL SELECT 'function', p.proname, pg_get_function_arguments(p.oid), "
    "pg_get_function_result(p.oid), p.prosrc, p.provolatile::text, coalesce(obj_description(p.oid, "
    "'pg_proc'), ''), ''"
    " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT 1 FROM "
    "pg_depend x WHERE x.objid = p.oid AND x.deptype = 'e')"
    " UNION ALL SELECT 'sequence', s.sequencename, s.data_type::text, s.start_value::text, "
    "s.min_value::text, s.max_value::text, s.increment_by::text, s.cycle::text FROM pg_sequences s "
    "WHERE s.schemaname = 'public'"
    " UNION ALL SELECT 'owned', pg_get_serial_sequence(c.oid::regclass::text, a.attname), "
    "c.relname, a.attname, '', '', '', '' FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
    "  WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND "
    "pg_get_serial_sequence(c.oid::regclass::text, a.attname) IS NOT NULL";

/* The state of the sequences, on both sides. */
static void trip_compare_sequences(struct trip *trip, const char *database) {
  sqlite3_stmt *stmt = NULL;
  PGconn *server = server_connect(database);
  assert_int_equal(
      sqlite3_prepare_v2(trip->db->sqlite,
                         "SELECT c.schema, c.name, s.last_value, s.is_called FROM "
                         "ledger_catalog_sequence c JOIN ledger_sequence s USING (sequence_id)",
                         -1, &stmt, NULL),
      SQLITE_OK);
  while (sqlite3_step(stmt) == SQLITE_ROW) {
    char *sql = sqlite3_mprintf("SELECT last_value, is_called::int FROM \"%w\".\"%w\"",
                                sqlite3_column_text(stmt, 0), sqlite3_column_text(stmt, 1));
    PGresult *result = server_query(server, sql);
    if (strcmp(PQgetvalue(result, 0, 0), (const char *)sqlite3_column_text(stmt, 2)) != 0 ||
        strcmp(PQgetvalue(result, 0, 1), (const char *)sqlite3_column_text(stmt, 3)) != 0)
      fail_msg("sequence %s: file %s, %s; server %s, %s", sqlite3_column_text(stmt, 1),
               sqlite3_column_text(stmt, 2), sqlite3_column_text(stmt, 3), PQgetvalue(result, 0, 0),
               PQgetvalue(result, 0, 1));
    PQclear(result);
    sqlite3_free(sql);
  }
  sqlite3_finalize(stmt);
  PQfinish(server);
}

/* ---- the test's file and databases */

static int trip_setup(void **state) {
  struct trip *trip = calloc(1, sizeof *trip);
  trip->schema = *state;
  setenv("LEDGER", "build/ledger", 0);
  trip->random.state = random_seed();
  snprintf(trip->folder, sizeof trip->folder, "%s/ledger-trip.XXXXXX",
           getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  assert_non_null(mkdtemp(trip->folder));
  snprintf(trip->file, sizeof trip->file, "%s/file", trip->folder);
  snprintf(trip->mark, sizeof trip->mark, "%s/mark", trip->folder);
  snprintf(trip->from_schema, sizeof trip->from_schema, "trip_%s_schema", trip->schema);
  snprintf(trip->from_export, sizeof trip->from_export, "trip_%s_export", trip->schema);
  server_schema(trip->from_schema, trip->schema);
  PGconn *server = server_connect(trip->from_schema);
  known_read(&trip->catalog, server);
  PQfinish(server);
  int flags = LEDGER_SYNC_NORMAL | LEDGER_PLAIN; /* rows of any kind, with any balance */
  if (ledger_create(trip->file, ledger_schema(trip->schema), flags, &trip->db) !=
      LEDGER_OK)
    fail_msg("%s", ledger_error_of(trip->db)->message);
  trip_fill(trip);
  trip_fill_hostile(trip);
  *state = trip;
  return 0;
}

static int trip_teardown(void **state) {
  struct trip *trip = *state;
  ledger_close(trip->db);
  known_free(&trip->catalog);
  arena_free(&trip->arena);
  server_shell("rm -rf %s", trip->folder);
  free(trip);
  return 0;
}

/* `ledger export FILE options | psql`; psql's exit status. */
static int trip_pipe(struct trip *trip, const char *options, const char *psql,
                     const char *database) {
  return server_shell("\"$LEDGER\" export %s %s 2>%s/errors.ledger | psql -X -q %s -d %s "
                      ">/dev/null 2>%s/errors.psql",
                      trip->file, options, trip->folder, psql, database, trip->folder);
}

static void trip_must_pipe(struct trip *trip, const char *options, const char *database) {
  int status = trip_pipe(trip, options, "-v ON_ERROR_STOP=1", database);
  if (status != 0) {
    server_shell("cat %s/errors.ledger %s/errors.psql >&2", trip->folder, trip->folder);
    fail_msg("export %s into %s: psql exits with %d", options, database, status);
  }
}

/* ---- the tests */

static void trip_full(struct trip *trip, const char *options) {
  server_database(trip->from_export);
  trip_must_pipe(trip, options, trip->from_export);
  trip_compare(trip, trip->from_export);
  trip_compare_sequences(trip, trip->from_export);
  trip_same_lines("objects of the schema's own file and of the export",
                  trip_server_lines(trip, trip->from_schema, trip_objects),
                  trip_server_lines(trip, trip->from_export, trip_objects));
  arena_reset(&trip->arena);
}

/* The newest transaction that wrote a row: stays when nothing is written. */
static char *trip_writers(struct trip *trip, const char *database) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  for (int t = 0; t < trip->catalog.count; t++)
    sqlite3_str_appendf(sql, "%sSELECT %Q, count(*), sum(xmin::text::numeric) FROM %s",
                        t == 0 ? "" : " UNION ALL ", trip->catalog.tables[t].quoted,
                        trip->catalog.tables[t].quoted);
  char *text = sqlite3_str_finish(sql);
  char *lines = trip_server_lines(trip, database, text);
  sqlite3_free(text);
  return lines;
}

static void trip_data(struct trip *trip, const char *format) {
  char options[64];
  snprintf(options, sizeof options, "--data-only --format %s", format);
  server_schema(trip->from_schema, trip->schema);
  trip_must_pipe(trip, "--init", trip->from_schema);
  trip_must_pipe(trip, options, trip->from_schema);
  trip_compare(trip, trip->from_schema);
  trip_compare_sequences(trip, trip->from_schema);
  char *before = trip_writers(trip, trip->from_schema);
  trip_must_pipe(trip, options, trip->from_schema);
  trip_same_lines("rows before and after the second time", before,
                  trip_writers(trip, trip->from_schema));
  trip_compare(trip, trip->from_schema);
}

/* The same key with other content: refused by name, and nothing changes. With and without ON_ERROR_STOP. */
static void trip_conflict(struct trip *trip, const char *format) {
  PGconn *server = server_connect(trip->from_schema);
  char options[64], *sql = NULL, *key = NULL;
  const struct server_table *table = NULL;
  snprintf(options, sizeof options, "--data-only --format %s", format);
  for (int t = trip->catalog.count - 1; t >= 0 && key == NULL; t--) {
    table = &trip->catalog.tables[t];
    if (table->key_count == 0 || !table->keys[0].primary || table->keys[0].count != 1) continue;
    const char *id = table->columns[table->keys[0].columns[0]].name;
    for (int c = 0; c < table->column_count && key == NULL; c++) {
      const struct server_column *column = &table->columns[c];
      if (strcmp(column->base, "text") != 0 || column->is_array || column->has_check ||
          column->generated || column->is_key || column->reference >= 0)
        continue;
      sql = sqlite3_mprintf(
          "SET session_replication_role = replica; UPDATE %s SET \"%w\" = 'other content' WHERE "
          "\"%w\" = (SELECT \"%w\" FROM %s ORDER BY 1 LIMIT 1) RETURNING \"%w\"",
          table->quoted, column->name, id, id, table->quoted, id);
      PGresult *result = server_query(server, sql);
      if (PQntuples(result) == 1)
        key = arena_copy(&trip->arena, PQgetvalue(result, 0, 0), strlen(PQgetvalue(result, 0, 0)));
      PQclear(result);
      sqlite3_free(sql);
    }
  }
  PQfinish(server);
  assert_non_null(key);
  char *before = trip_writers(trip, trip->from_schema);
  static const char *const ways[] = {"-v ON_ERROR_STOP=1", ""};
  for (int i = 0; i < 2; i++) {
    /* The INSERT form is for any client and so cannot tell psql to stop: its own exit status means nothing then. */
    int status = trip_pipe(trip, options, ways[i], trip->from_schema);
    assert_int_equal(status, i == 1 && strcmp(format, "insert") == 0 ? 0 : 3);
    trip_same_lines("rows before and after a refused export", before,
                    trip_writers(trip, trip->from_schema));
    if (server_shell("grep -qF -- %s %s/errors.psql && grep -qF -- '%s' %s/errors.psql",
                     table->name, trip->folder, key, trip->folder) != 0) {
      server_shell("cat %s/errors.psql >&2", trip->folder);
      fail_msg("the error names not %s and %s", table->quoted, key);
    }
  }
}

/* Cut anywhere, a script is applied whole or not at all. */
static void trip_truncated(struct trip *trip, const char *options, bool into_empty) {
  struct stat status;
  char script[120];
  snprintf(script, sizeof script, "%s/script.sql", trip->folder);
  assert_int_equal(
      server_shell("\"$LEDGER\" export %s %s -o %s 2>/dev/null", trip->file, options, script), 0);
  assert_int_equal(stat(script, &status), 0);
  char *before = NULL;
  for (int i = 0; i < TRIP_CUTS; i++) {
    long cut = (long)(random_next(&trip->random) % (uint64_t)status.st_size);
    if (i >= TRIP_CUTS - 6)
      cut = (long)status.st_size - (i - TRIP_CUTS + 7); /* near the end, where COMMIT is */
    if (i == 0 || before == NULL) {
      if (into_empty)
        server_database(trip->from_export);
      else {
        server_schema(trip->from_export, trip->schema);
        trip_must_pipe(trip, "--init", trip->from_export);
      }
      before = into_empty ? "" : trip_server_lines(trip, trip->from_export, trip_digest);
    }
    server_shell("head -c %ld %s | psql -X -q %s -d %s >/dev/null 2>&1", cut, script,
                 i % 2 == 0 ? "-v ON_ERROR_STOP=1" : "", trip->from_export);
    char *objects = trip_server_lines(
        trip, trip->from_export,
        "SELECT count(*) FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, "
        "'information_schema'::regnamespace, 'pg_toast'::regnamespace)");
    if (into_empty && strcmp(objects, "0\n") == 0) continue;
    char *after = trip_server_lines(trip, trip->from_export, trip_digest);
    if (strcmp(before, after) == 0) continue;
    trip_same_lines("a truncated script was applied in part", trip_file_digest(trip), after);
    before = NULL; /* applied whole: begin again */
  }
  arena_reset(&trip->arena);
}

static void trip_all(void **state) {
  struct trip *trip = *state;
  trip_full(trip, "--full");
  trip_full(trip, "--full --format insert");
  trip_data(trip, "copy");
  trip_data(trip, "insert");
  trip_conflict(trip, "copy");
  trip_conflict(trip, "insert");
}

static void trip_cut(void **state) {
  struct trip *trip = *state;
  trip_truncated(trip, "--full", true);
  trip_truncated(trip, "--data-only", false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      {"elon", trip_all, trip_setup, trip_teardown, "elon"},
      {"wallstreet", trip_all, trip_setup, trip_teardown, "wallstreet"},
      {"advancia", trip_all, trip_setup, trip_teardown, "advancia"},
      {"smarthub", trip_all, trip_setup, trip_teardown, "smarthub"},
      {"pe_portal", trip_all, trip_setup, trip_teardown, "pe_portal"},
      {"full", trip_all, trip_setup, trip_teardown, "full"},
      {"truncated scripts", trip_cut, trip_setup, trip_teardown, "pe_portal"},
  };
  setvbuf(stdout, NULL, _IOLBF, 0);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
