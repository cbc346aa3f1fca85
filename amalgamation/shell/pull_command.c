/*
** pull_command: ledger pull: tables that are main's own, as main has them; and what ledger init --from takes of main besides.
**
** All tables are read at one snapshot of main, and written in one transaction of the file.
*/
#include "shell.h"

#define PULL_TABLE_MAX 256

/* Row security would hide rows, which would then be deleted here: main refuses instead. */
static const char pull_begin[] =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL client_encoding = 'UTF8';"
    " SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL timezone = 'UTC';"
    " SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex';"
    " SET LOCAL extra_float_digits = 1; SET LOCAL row_security = off;"
    " SET LOCAL lock_timeout = '30s'";

struct pull_link {
  struct main_link link;
  char *line; /* libpq's, of which `left` bytes at `at` were not given out */
  size_t at, left;
};

/* ---- COPY data, as the library wants it */

static int pull_start(void *context, const char *copy) {
  struct pull_link *pull = context;
  struct main_link *link = &pull->link;
  if (!link_ask(link, copy, 0, NULL)) return 1;
  link->round_trips++;
  PGresult *result = link_result(link);
  bool is_copy = PQresultStatus(result) == PGRES_COPY_OUT;
  if (!is_copy && result) link_result_error(link, result);
  PQclear(result);
  while (!is_copy && (result = link_result(link)) != NULL) PQclear(result);
  if (!is_copy && link->error.code == LEDGER_OK)
    link_error(link, "08006", "the connection was lost");
  return is_copy ? 0 : 1;
}

/* Behind the last line: what main says about it all. */
static ptrdiff_t pull_finish(struct main_link *link) {
  PGresult *result;
  while ((result = link_result(link)) != NULL) {
    if (PQresultStatus(result) != PGRES_COMMAND_OK) link_result_error(link, result);
    PQclear(result);
  }
  return link->error.code == LEDGER_OK ? 0 : -1;
}

static ptrdiff_t pull_read_line(struct pull_link *pull) {
  struct main_link *link = &pull->link;
  int got;
  PQfreemem(pull->line);
  pull->line = NULL;
  while ((got = PQgetCopyData(link->connection, &pull->line, 1)) == 0) {
    if (!link_poll(link, POLLIN, 0)) break;
    if (PQconsumeInput(link->connection) == 0) break;
  }
  if (got == -1) return pull_finish(link);
  if (got > 0) {
    pull->at = 0;
    pull->left = (size_t)got;
    return got;
  }
  if (shell_interrupted)
    link_interrupted(link);
  else
    link_connection_error(link);
  return -1;
}

static ptrdiff_t pull_read_bytes(void *context, void *bytes, size_t length) {
  struct pull_link *pull = context;
  if (pull->left == 0) {
    ptrdiff_t got = pull_read_line(pull);
    if (got <= 0) return got;
  }
  if (length > pull->left) length = pull->left;
  memcpy(bytes, pull->line + pull->at, length);
  pull->at += length;
  pull->left -= length;
  return (ptrdiff_t)length;
}

/* ---- names */

/* "a,b" in parts, in place; the parts' count, -1 if there are too many or an empty one. */
static int pull_names(char *list, ledger_pull_table *tables) {
  int count = 0;
  for (char *name = list, *next; name; name = next) {
    bool is_quoted = false;
    for (next = name; *next && (is_quoted || *next != ','); next++)
      if (*next == '"') is_quoted = !is_quoted;
    next = *next ? next : NULL;
    if (next) *next++ = 0;
    while (*name == ' ') name++;
    if (!*name || count == PULL_TABLE_MAX) return -1;
    tables[count++] = (ledger_pull_table){.table = name};
  }
  return count;
}

/* The tables that main declares to be its own in the schema of the file, quoted, between commas; the caller's, NULL: an error. */
static char *pull_declared(struct main_link *link, const char *schema_sha256) {
  const char *values[] = {schema_sha256};
  PGresult *rows = main_link_query(
      link,
      "SELECT coalesce(string_agg(format('\"%s\".\"%s\"', replace(table_schema, '\"', '\"\"'),"
      " replace(table_name, '\"', '\"\"')), ',' ORDER BY position), '')"
      " FROM ledger_sync.relation WHERE schema_sha256 = $1 AND kind = 'main'",
      1, values);
  if (!rows) return NULL;
  char *text = strdup(PQgetvalue(rows, 0, 0));
  PQclear(rows);
  if (!text) link_memory(link);
  return text;
}

/* ---- pulling */

/* Within the transaction that pull_begin began. EXIT_DONE, or it is reported. */
static int pull_rows(const struct command *command, const char *path, ledger *db,
                     struct pull_link *pull, ledger_pull_table *tables, int count) {
  struct progress progress = {.doing = "pulling", .unit = "rows"};
  const ledger_pull_source source = {pull, pull_start, pull_read_bytes};
  ledger_progress(db, progress_report, &progress);
  int rc = ledger_pull(db, count, tables, &source);
  ledger_progress(db, NULL, NULL);
  progress_end(&progress);
  PQfreemem(pull->line);
  pull->line = NULL;
  if (rc == LEDGER_OK) return EXIT_DONE;
  if (pull->link.error.code != LEDGER_OK) return main_link_report(&pull->link);
  return report_error(command->name, path, db);
}

static int pull_print(const ledger_pull_table *tables, int count, bool is_json) {
  if (!is_json) {
    for (int i = 0; i < count; i++) {
      report_words(stdout, tables[i].table);
      printf(": %" PRId64 " rows: %" PRId64 " inserted, %" PRId64 " updated, %" PRId64 " deleted\n",
             tables[i].rows, tables[i].inserted, tables[i].updated, tables[i].deleted);
    }
    return EXIT_DONE;
  }
  cJSON *list = cJSON_CreateArray();
  for (int i = 0; i < count; i++) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "table", tables[i].table);
    cJSON_AddNumberToObject(item, "rows", (double)tables[i].rows);
    cJSON_AddNumberToObject(item, "inserted", (double)tables[i].inserted);
    cJSON_AddNumberToObject(item, "updated", (double)tables[i].updated);
    cJSON_AddNumberToObject(item, "deleted", (double)tables[i].deleted);
    cJSON_AddItemToArray(list, item);
  }
  cJSON *document = cJSON_CreateObject();
  cJSON_AddItemToObject(document, "tables", list);
  return report_json(document);
}

enum { PULL_TABLES, PULL_JSON };

static int pull_open(const struct command *command, char **arguments, char **values, ledger *db,
                     struct pull_link *pull) {
  static ledger_pull_table tables[PULL_TABLE_MAX];
  ledger_facts facts;
  char *declared = NULL;
  int count = 0, status = EXIT_DONE;
  if (ledger_info(db, &facts) != LEDGER_OK) return report_error(command->name, arguments[0], db);
  bool is_good = main_link_open(&pull->link, command->name, arguments[1]);
  if (is_good) {
    PGresult *begun = main_link_query(&pull->link, pull_begin, 0, NULL);
    is_good = begun != NULL;
    PQclear(begun);
  }
  if (is_good && !values[PULL_TABLES]) {
    declared = pull_declared(&pull->link, facts.schema_sha256);
    is_good = declared != NULL;
  }
  if (!is_good) return main_link_report(&pull->link);
  char *names = declared ? declared : values[PULL_TABLES];
  if (names[0]) count = pull_names(names, tables);
  if (count <= 0)
    status = report_usage(command, declared ? "main declares no table to be its own: --tables=A,B"
                                            : "--tables takes names, between commas");
  if (status == EXIT_DONE) status = pull_rows(command, arguments[0], db, pull, tables, count);
  if (status == EXIT_DONE) status = pull_print(tables, count, values[PULL_JSON] != NULL);
  free(declared);
  return status;
}

static int cmd_pull(const struct command *command, char **arguments, char **values) {
  struct pull_link pull = {0};
  int status = EXIT_DONE;
  ledger *db = report_open_as(command, arguments[0], 0, NULL, &status);
  if (!db) return status;
  status = pull_open(command, arguments, values, db, &pull);
  main_link_close(&pull.link);
  ledger_close(db);
  return report_flush(command->name, status);
}
