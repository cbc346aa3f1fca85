/*
** The differential test of writing: the same random statements to a ledger file and to PostgreSQL, for each built-in
** schema. Compared are acceptance, SQLSTATE, the constraint's name, the rows as they come back, and now and then every
** row of every table. LEDGER_TEST_SEED and LEDGER_TEST_COUNT (statements per schema) are read from the environment.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "attempt.h"
#include "listed_differences.h"
#include "rows.h"

enum { DUEL_SHOWN = 25, DUEL_COMPARE_EVERY = 250 };

struct duel {
  const char *schema;
  uint64_t seed;
  struct server_catalog catalog;
  PGconn *server;
  ledger *db;
  struct test_random random;
  struct arena arena; /* of the statement */
  int accepted, refused, other_state, other_words, differences;
  int listed[sizeof listed_differences / sizeof *listed_differences];
};

static void duel_report(struct duel *duel, int n, const char *sql, const char *what,
                        const char *server, const char *file) {
  duel->differences++;
  if (duel->differences > random_setting("LEDGER_TEST_SHOWN", DUEL_SHOWN)) return;
  printf("%s, statement %d, LEDGER_TEST_SEED=%llu: %s\n  %s\n  server: %s\n  file:   %s\n",
         duel->schema, n, (unsigned long long)duel->seed, what, sql, server, file);
}

/* Both cells hold what each side made by itself: the time now, or a new uuid. */
static bool duel_both_minted(const struct server_column *column, const char *server,
                             const char *file) {
  if (server == NULL || file == NULL) return false;
  if (strncmp(column->base, "timestamp", 9) == 0) {
    char hour_ago[32], now[32];
    time_t seconds = time(NULL);
    struct tm parts;
    seconds -= 3600;
    strftime(hour_ago, sizeof hour_ago, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &parts));
    seconds += 3660;
    strftime(now, sizeof now, "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &parts));
    return strcmp(server, hour_ago) > 0 && strcmp(server, now) < 0 && strcmp(file, hour_ago) > 0 &&
           strcmp(file, now) < 0;
  }
  if (column->fallback == NULL || strstr(column->fallback, "uuid") == NULL ||
      strlen(server) != 36 || strlen(file) != 36)
    return false;
  return file[14] == '7' && server[14] == '4' && file[8] == '-' && file[23] == '-';
}

/* Gives the server's row the file's cells where both minted their own. Triggers and foreign keys are off for it. */
static void duel_align(struct duel *duel, const struct server_table *table, const char **server,
                       const char **file, const bool *minted) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "SET session_replication_role = replica; UPDATE %s SET ", table->quoted);
  bool first = true;
  for (int i = 0; i < table->column_count; i++)
    if (minted[i]) {
      sqlite3_str_appendf(sql, "%s\"%w\" = %Q", first ? "" : ", ", table->columns[i].name, file[i]);
      first = false;
    }
  for (int i = 0; i < table->keys[0].count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\" = %Q", i == 0 ? " WHERE " : " AND ",
                        table->columns[table->keys[0].columns[i]].name,
                        server[table->keys[0].columns[i]]);
  sqlite3_str_appendall(sql, "; SET session_replication_role = origin");
  char *text = sqlite3_str_finish(sql);
  server_run(duel->server, text);
  sqlite3_free(text);
}

/* Compares rows, both sorted; the server's are then made like the file's. Returns whether they were alike. */
static bool duel_rows_alike(struct duel *duel, const struct server_table *table,
                            const struct text_rows *server, const struct text_rows *file, int n,
                            const char *sql) {
  char seen[64], had[64];
  if (server->count != file->count) {
    snprintf(seen, sizeof seen, "%d rows", server->count);
    snprintf(had, sizeof had, "%d rows", file->count);
    duel_report(duel, n, sql, table->quoted, seen, had);
    return false;
  }
  bool alike = true;
  for (int i = 0; i < server->count; i++) {
    bool minted[ATTEMPT_COLUMNS] = {false}, any = false;
    for (int j = 0; j < table->column_count; j++) {
      if (text_compare(server->cells[i][j], file->cells[i][j]) == 0) continue;
      if (duel_both_minted(&table->columns[j], server->cells[i][j], file->cells[i][j])) {
        any = minted[j] = true;
        continue;
      }
      char what[200];
      snprintf(what, sizeof what, "%s.%s differs", table->quoted, table->columns[j].name);
      duel_report(duel, n, sql, what, server->cells[i][j] == NULL ? "NULL" : server->cells[i][j],
                  file->cells[i][j] == NULL ? "NULL" : file->cells[i][j]);
      alike = false;
    }
    if (any) duel_align(duel, table, server->cells[i], file->cells[i], minted);
  }
  return alike;
}

/* After a difference: the server's table becomes what the file has. */
static void duel_copy_table(struct duel *duel, const struct server_table *table,
                            const struct text_rows *file) {
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "SET session_replication_role = replica; DELETE FROM %s;",
                      table->quoted);
  for (int i = 0; i < file->count; i++) {
    sqlite3_str_appendf(sql, "INSERT INTO %s OVERRIDING SYSTEM VALUE VALUES (", table->quoted);
    for (int j = 0; j < table->column_count; j++) {
      if (j > 0) sqlite3_str_appendall(sql, ", ");
      if (table->columns[j].generated)
        sqlite3_str_appendall(sql, "DEFAULT");
      else
        sqlite3_str_appendf(sql, "%Q", file->cells[i][j]);
    }
    sqlite3_str_appendall(sql, ");");
  }
  sqlite3_str_appendall(sql, "SET session_replication_role = origin");
  char *text = sqlite3_str_finish(sql);
  PGresult *result = PQexec(duel->server, text);
  if (PQresultStatus(result) != PGRES_COMMAND_OK) {
    PQclear(result);
    server_run(duel->server, "ROLLBACK; SET session_replication_role = origin");
    fail_msg("%s: the file's %s does not fit the server: the test ends here", duel->schema,
             table->quoted);
  }
  PQclear(result);
  sqlite3_free(text);
}

/* Every row of every table. */
static void duel_compare_all(struct duel *duel, int n) {
  for (int i = 0; i < duel->catalog.count; i++) {
    const struct server_table *table = &duel->catalog.tables[i];
    char sql[300];
    ledger_rows *cursor = NULL;
    struct text_rows server = {0}, file = {0};
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table->quoted);
    PGresult *result = server_query(duel->server, sql);
    text_rows_server(&duel->arena, result, &server);
    PQclear(result);
    if (ledger_select(duel->db, table->quoted, NULL, &cursor) != LEDGER_OK)
      fail_msg("%s: %s", table->quoted, ledger_error_of(duel->db)->message);
    text_rows_file(&duel->arena, duel->db, cursor, &file);
    ledger_rows_free(cursor);
    text_rows_sort(table, &server);
    text_rows_sort(table, &file);
    if (!duel_rows_alike(duel, table, &server, &file, n, "(all rows)"))
      duel_copy_table(duel, table, &file);
    arena_reset(&duel->arena);
  }
}

/* Sends one statement; takes it back when the file refused it, so that both sides stay alike. */
static PGresult *duel_send(struct duel *duel, const char *sql, bool keep) {
  char *text = keep ? NULL : sqlite3_mprintf("%s; ROLLBACK", sql);
  PGresult *answer = NULL, *next;
  PQsendQuery(duel->server, keep ? sql : text);
  while ((next = PQgetResult(duel->server)) != NULL) {
    if (answer == NULL)
      answer = next;
    else
      PQclear(next);
  }
  sqlite3_free(text);
  return answer;
}

static const char *duel_field(const PGresult *result, int field) {
  const char *text = PQresultErrorField(result, field);
  return text == NULL ? "" : text;
}

/* Does the statement mean several rows? Then it is a matter of their order which row is refused first, and by what. */
static bool duel_is_of_rows(const struct duel *duel, const struct attempt *attempt) {
  if (attempt->kind != ATTEMPT_DELETE && attempt->kind != ATTEMPT_UPDATE) return false;
  if (attempt->where_count == 0) return true;
  const struct server_table *table = &duel->catalog.tables[attempt->table];
  return !table->columns[known_column(table, attempt->where_columns[0])].is_key;
}

/* Returns whether they refuse for the same reason. */
static bool duel_both_refuse(struct duel *duel, int n, const struct attempt *attempt,
                             const char *sql, PGresult *answer, const ledger_error *error) {
  char server[700], file[700];
  duel->refused++;
  if (listed_difference(duel_field(answer, PG_DIAG_SQLSTATE), error->sqlstate, sql) >= 0 &&
      strcmp(duel_field(answer, PG_DIAG_SQLSTATE), error->sqlstate) != 0)
    return false;
  snprintf(server, sizeof server, "%s %s [%s]", duel_field(answer, PG_DIAG_SQLSTATE),
           duel_field(answer, PG_DIAG_MESSAGE_PRIMARY),
           duel_field(answer, PG_DIAG_CONSTRAINT_NAME));
  snprintf(file, sizeof file, "%s %s [%s]", error->sqlstate, error->message, error->constraint);
  if (strcmp(duel_field(answer, PG_DIAG_SQLSTATE), error->sqlstate) != 0) {
    duel->other_state++;
    printf("# %s %d: other SQLSTATE: %s\n#   server: %s\n#   file:   %s\n", duel->schema, n, sql,
           server, file);
  } else if (strcmp(duel_field(answer, PG_DIAG_CONSTRAINT_NAME), error->constraint) != 0 &&
             !duel_is_of_rows(duel, attempt))
    duel_report(duel, n, sql, "another constraint", server, file);
  else if (strcmp(duel_field(answer, PG_DIAG_MESSAGE_PRIMARY), error->message) != 0) {
    if (duel->other_words++ < (int)random_setting("LEDGER_TEST_WORDS", 0))
      printf("# words: %s\n#   server: %s\n#   file:   %s\n", sql, server, file);
  }
  return true;
}

/* One accepted what the other refused. The server's side is taken back already when the file refused. */
static void duel_one_refuses(struct duel *duel, int n, const char *sql, PGresult *answer,
                             const ledger_error *error) {
  const char *state = duel_field(answer, PG_DIAG_SQLSTATE);
  int listed = listed_difference(state, error->code == LEDGER_OK ? "" : error->sqlstate, sql);
  if (listed >= 0 && error->code != LEDGER_OK) {
    duel->listed[listed]++;
    return;
  }
  char server[700], file[700];
  snprintf(server, sizeof server, "%s %s", state[0] == 0 ? "accepts" : state,
           duel_field(answer, PG_DIAG_MESSAGE_PRIMARY));
  snprintf(file, sizeof file, "%s %s", error->code == LEDGER_OK ? "accepts" : error->sqlstate,
           error->message);
  duel_report(duel, n, sql, "one side alone accepts", server, file);
  if (error->code == LEDGER_OK) duel_compare_all(duel, n);
}

/* Sequences that ran apart are a difference, unless one side alone refused; the server's is set to the file's. */
static void duel_compare_sequences(struct duel *duel, const struct server_table *table, int n,
                                   const char *sql, bool agreed) {
  struct relation *relation = NULL;
  assert_int_equal(catalog_relation(duel->db, table->quoted, &relation), LEDGER_OK);
  for (int i = 0; i < relation->column_count; i++) {
    const struct sequence *sequence = relation->columns[i].sequence;
    if (sequence == NULL) continue;
    char *query = sqlite3_mprintf("SELECT last_value, is_called::int FROM \"%w\".\"%w\"",
                                  sequence->schema, sequence->name);
    PGresult *result = server_query(duel->server, query);
    sqlite3_free(query);
    char server[100], file[100];
    snprintf(server, sizeof server, "%s, %s", PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1));
    snprintf(file, sizeof file, "%lld, %d", (long long)sequence->last_value, sequence->is_called);
    PQclear(result);
    if (strcmp(server, file) == 0) continue;
    char what[200];
    snprintf(what, sizeof what, "sequence %s (last_value, is_called)", sequence->name);
    if (agreed) duel_report(duel, n, sql, what, server, file);
    query = sqlite3_mprintf("SELECT setval('\"%w\".\"%w\"', %lld, %d::boolean)", sequence->schema,
                            sequence->name, (long long)sequence->last_value, sequence->is_called);
    server_run(duel->server, query);
    sqlite3_free(query);
  }
}

static void duel_round(struct duel *duel, int n) {
  struct attempt attempt;
  attempt_make(&attempt, &duel->random, &duel->arena, &duel->catalog, n);
  char *sql = attempt_sql(&attempt, &duel->catalog);
  ledger_rows *cursor = NULL;
  int rc = attempt_run(&attempt, &duel->catalog, duel->db, &cursor);
  ledger_error error = *ledger_error_of(duel->db);
  PGresult *answer = duel_send(duel, sql, rc == LEDGER_OK);
  bool agreed = true;
  bool server_accepts =
      PQresultStatus(answer) == PGRES_TUPLES_OK || PQresultStatus(answer) == PGRES_COMMAND_OK;
  if (rc == LEDGER_OK && server_accepts) {
    const struct server_table *table = &duel->catalog.tables[attempt.table];
    struct text_rows server = {0}, file = {0};
    duel->accepted++;
    text_rows_server(&duel->arena, answer, &server);
    text_rows_file(&duel->arena, duel->db, cursor, &file);
    text_rows_sort(table, &server);
    text_rows_sort(table, &file);
    if (!duel_rows_alike(duel, table, &server, &file, n, sql)) duel_compare_all(duel, n);
  } else if (rc != LEDGER_OK && !server_accepts)
    agreed = duel_both_refuse(duel, n, &attempt, sql, answer, &error);
  else {
    agreed = false;
    duel_one_refuses(duel, n, sql, answer, &error);
  }
  if (attempt.kind != ATTEMPT_DELETE)
    duel_compare_sequences(duel, &duel->catalog.tables[attempt.table], n, sql, agreed);
  ledger_rows_free(cursor);
  PQclear(answer);
  sqlite3_free(sql);
  arena_reset(&duel->arena);
}

static void duel_fight(void **state) {
  struct duel duel = {.schema = *state, .seed = random_seed()};
  int count = random_count(3000);
  char database[64], file[] = "/tmp/ledger-duel.XXXXXX";
  snprintf(database, sizeof database, "duel_%s", duel.schema);
  server_schema(database, duel.schema);
  duel.server = server_connect(database);
  known_read(&duel.catalog, duel.server);
  duel.random.state = duel.seed;
  int descriptor = mkstemp(file);
  assert_true(descriptor >= 0);
  close(descriptor);
  unlink(file);
  if (ledger_create(file, ledger_schema(duel.schema),
                    LEDGER_SYNC_NORMAL | LEDGER_PLAIN, &duel.db) != LEDGER_OK)
    fail_msg("create: %s", ledger_error_of(duel.db)->message);
  duel_compare_all(&duel, -1); /* the seed rows */
  for (int n = 0; n < count; n++) {
    duel_round(&duel, n);
    if (n % DUEL_COMPARE_EVERY == DUEL_COMPARE_EVERY - 1) duel_compare_all(&duel, n);
  }
  duel_compare_all(&duel, count);
  printf("# %s: seed %llu, %d accepted, %d refused by both, %d with another SQLSTATE, %d in other "
         "words, %d differences\n",
         duel.schema, (unsigned long long)duel.seed, duel.accepted, duel.refused, duel.other_state,
         duel.other_words, duel.differences);
  for (size_t i = 0; i < sizeof listed_differences / sizeof *listed_differences; i++)
    if (duel.listed[i] > 0)
      printf("#   listed, %d: %s\n", duel.listed[i], listed_differences[i].reason);
  ledger_close(duel.db);
  server_shell("rm -f %s %s-wal %s-shm %s-checkpoint", file, file, file, file);
  PQfinish(duel.server);
  known_free(&duel.catalog);
  arena_free(&duel.arena);
  assert_int_equal(duel.differences, 0);
  assert_in_range(duel.accepted, count / 4, count);
  assert_in_range(duel.other_state * 100, 0, duel.refused);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      {"elon", duel_fight, NULL, NULL, "elon"},
      {"wallstreet", duel_fight, NULL, NULL, "wallstreet"},
      {"advancia", duel_fight, NULL, NULL, "advancia"},
      {"smarthub", duel_fight, NULL, NULL, "smarthub"},
      {"pe_portal", duel_fight, NULL, NULL, "pe_portal"},
      {"full", duel_fight, NULL, NULL, "full"},
  };
  setvbuf(stdout, NULL, _IOLBF, 0);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
