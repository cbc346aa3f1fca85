/*
** prove_command: ledger digest, with --against a main database and without, and ledger prove: are the rows of the file on main?
**
** digest --against compares whole tables. Where one differs both sides are asked for the digests of 256 parts of it, by the first
** byte of SHA-256 of the key; of the parts that differ for 256 parts each, by the next byte; and so on until they hold few rows,
** which are then compared one by one. Each step reads the table once on both sides; memory does not grow with it. Main is read at one
** snapshot, the file as it is at each step: what is written meanwhile differs in truth.
*/
#include "shell.h"

#define AGAINST_PARTS                                                                              \
  128 /* parts that differ and are looked into; what else differs is only said to */
#define AGAINST_ROWS 4096 /* rows of both sides that are compared one by one */
#define AGAINST_DEPTH 8   /* bytes of a prefix, at most */
#define AGAINST_SHOWN 100 /* rows that are named */

/* ---- one side's answer */

struct part {
  uint64_t sum, xor;
  int64_t rows;
};

struct against {
  const struct command *command;
  const char *path;
  ledger *db;
  struct main_link link;
  const char *schema_sha256;
  cJSON *tables, *rows;  /* of --json; NULL: lines are printed */
  bool is_equal, is_cut; /* is_cut: not every row that differs is named */
  int shown;
  /* the table at hand */
  char table_schema[LEDGER_NAME_MAX + 1], table_name[LEDGER_NAME_MAX + 1];
  char name[2 * LEDGER_NAME_MAX + 8]; /* as ledger.h takes it */
  int depth, prefix_count;
  unsigned char prefixes[AGAINST_PARTS][AGAINST_DEPTH]; /* sorted */
  struct part *here, *there;                            /* 256 of each prefix */
  PGresult *main_rows;                                  /* at the end: main's, by key */
  bool *is_seen;
};

static int against_error(struct against *against) {
  int status = report_error(against->command->name, against->path, against->db);
  return status == EXIT_INTERRUPTED ? status : EXIT_USAGE;
}

/* Whatever main refuses here: it could not run. */
static int prove_main_error(struct main_link *link) {
  if (strcmp(link->error.sqlstate, "3F000") == 0)
    snprintf(link->error.hint, sizeof link->error.hint, "ledger push FILE DSN makes it");
  int status = main_link_report(link);
  return status == EXIT_INTERRUPTED ? status : EXIT_USAGE;
}

/* Which of the prefixes a key's hash begins with, or -1. */
static int against_prefix(const struct against *against, const unsigned char *key_hash) {
  int low = 0, high = against->prefix_count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    int order = memcmp(key_hash, against->prefixes[middle], (size_t)against->depth);
    if (order == 0) return middle;
    if (order < 0)
      high = middle - 1;
    else
      low = middle + 1;
  }
  return -1;
}

static int against_add_row(void *context, const ledger_digest_row *row) {
  struct against *against = context;
  int prefix = against_prefix(against, row->key_hash);
  if (prefix < 0) return 0;
  struct part *part = &against->here[prefix * 256 + row->key_hash[against->depth]];
  part->rows++;
  part->sum += row->hash;
  part->xor ^= row->hash;
  return 0;
}

/* The prefixes as PostgreSQL's text[]: {"",...} or {00ff,...}; from malloc(). */
static char *against_prefix_list(const struct against *against) {
  size_t width = 2 * (size_t)against->depth + 1;
  char *list = malloc(4 + width * AGAINST_PARTS), *at = list;
  if (!list) return NULL;
  if (against->depth == 0) return memcpy(list, "{\"\"}", sizeof "{\"\"}");
  for (int i = 0; i < against->prefix_count; i++) {
    *at++ = i == 0 ? '{' : ',';
    for (int b = 0; b < against->depth; b++, at += 2)
      snprintf(at, 3, "%02x", against->prefixes[i][b]);
  }
  memcpy(at, "}", 2);
  return list;
}

/* SELECT of one of main's functions, of the table's rows under the prefixes. */
static PGresult *against_ask(struct against *against, const char *sql) {
  char *list = against_prefix_list(against);
  if (!list) {
    report_memory(against->command);
    return NULL;
  }
  const char *const values[] = {against->table_schema, against->table_name, list,
                                against->schema_sha256};
  PGresult *rows = main_link_query(&against->link, sql, 4, values);
  free(list);
  if (!rows) prove_main_error(&against->link);
  return rows;
}

static bool against_read_main(struct against *against) {
  PGresult *rows = against_ask(
      against, "SELECT prefix, rows, sum, xor FROM ledger_sync.digest_buckets($1, $2, $3, $4)");
  for (int i = 0; rows && i < PQntuples(rows); i++) {
    unsigned char prefix[AGAINST_DEPTH + 1] = {0};
    const char *text = PQgetvalue(rows, i, 0);
    for (int b = 0; b <= against->depth; b++) {
      char byte[3] = {text[2 * b], text[2 * b + 1], 0};
      prefix[b] = (unsigned char)strtoul(byte, NULL, 16);
    }
    int found = against_prefix(against, prefix);
    if (found < 0) continue;
    against->there[found * 256 + prefix[against->depth]] =
        (struct part){.rows = strtoll(PQgetvalue(rows, i, 1), NULL, 10),
                      .sum = strtoull(PQgetvalue(rows, i, 2), NULL, 10),
                      .xor = (uint64_t)strtoll(PQgetvalue(rows, i, 3), NULL, 10)};
  }
  bool is_read = rows != NULL;
  PQclear(rows);
  return is_read;
}

/* ---- narrowing down */

/* Takes the parts that differ as the new prefixes; how many rows they have. */
static int64_t against_narrow(struct against *against) {
  unsigned char next[AGAINST_PARTS][AGAINST_DEPTH] = {{0}};
  int count = 0;
  int64_t rows = 0;
  for (int i = 0; i < against->prefix_count * 256; i++) {
    const struct part *here = &against->here[i], *there = &against->there[i];
    if (here->rows == there->rows && here->sum == there->sum && here->xor == there->xor) continue;
    if (count == AGAINST_PARTS) {
      against->is_cut = true;
      break;
    }
    memcpy(next[count], against->prefixes[i / 256], (size_t)against->depth);
    next[count++][against->depth] = (unsigned char)(i % 256);
    rows += here->rows + there->rows;
  }
  memcpy(against->prefixes, next, sizeof next);
  against->prefix_count = count;
  against->depth++;
  return rows;
}

/* Finds prefixes under which what differs lies among few rows. */
static int against_find(struct against *against) {
  int64_t rows = INT64_MAX;
  against->depth = 0;
  against->prefix_count = 1;
  while (rows > AGAINST_ROWS && against->depth < AGAINST_DEPTH - 1) {
    memset(against->here, 0, sizeof *against->here * 256 * AGAINST_PARTS);
    memset(against->there, 0, sizeof *against->there * 256 * AGAINST_PARTS);
    if (ledger_digest_rows(against->db, against->name, 0, against_add_row, against) != LEDGER_OK)
      return against_error(against);
    if (!against_read_main(against)) return EXIT_USAGE;
    rows = against_narrow(against);
  }
  return EXIT_DONE;
}

/* ---- the rows */

/* where: here, there, or differs, and then in which columns. */
static void against_say(struct against *against, const char *where, const char *key,
                        const ledger_digest_row *row, const char *hashes) {
  cJSON *columns = cJSON_CreateArray();
  if (against->shown++ >= AGAINST_SHOWN) {
    against->is_cut = true;
    cJSON_Delete(columns);
    return;
  }
  for (int i = 0; row && hashes && i < row->column_count; i++) {
    char *end;
    uint64_t hash = (uint64_t)strtoll(hashes + 1, &end, 10); /* behind '{' or ',' */
    if (hash != row->column_hashes[i])
      cJSON_AddItemToArray(columns, cJSON_CreateString(row->columns[i]));
    hashes = end;
  }
  if (against->rows) {
    cJSON *found = cJSON_CreateObject();
    cJSON_AddStringToObject(found, "schema", against->table_schema);
    cJSON_AddStringToObject(found, "table", against->table_name);
    cJSON_AddStringToObject(found, "key", key);
    cJSON_AddStringToObject(found, "where", where);
    cJSON_AddItemToObject(found, "columns", columns);
    cJSON_AddItemToArray(against->rows, found);
    return;
  }
  printf("  %s: ", where);
  report_words(stdout, key);
  const cJSON *column;
  const char *before = ": ";
  cJSON_ArrayForEach(column, columns) {
    fputs(before, stdout);
    report_words(stdout, column->valuestring);
    before = ", ";
  }
  putchar('\n');
  cJSON_Delete(columns);
}

/* Main's row of a key, or -1. They come in the order of their bytes. */
static int against_main_row(const struct against *against, const char *key) {
  int low = 0, high = PQntuples(against->main_rows) - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    int order = strcmp(key, PQgetvalue(against->main_rows, middle, 0));
    if (order == 0) return middle;
    if (order < 0)
      high = middle - 1;
    else
      low = middle + 1;
  }
  return -1;
}

static int against_compare_row(void *context, const ledger_digest_row *row) {
  struct against *against = context;
  if (against_prefix(against, row->key_hash) < 0) return 0;
  int found = against_main_row(against, row->key);
  if (found < 0) {
    against_say(against, "only here", row->key, NULL, NULL);
    return 0;
  }
  against->is_seen[found] = true;
  if ((uint64_t)strtoll(PQgetvalue(against->main_rows, found, 1), NULL, 10) != row->hash)
    against_say(against, "differs", row->key, row, PQgetvalue(against->main_rows, found, 2));
  return 0;
}

static int against_rows(struct against *against) {
  int status = EXIT_DONE;
  against->main_rows = against_ask(
      against, "SELECT key, hash, column_hashes FROM ledger_sync.digest_rows($1, $2, $3, $4)"
               " ORDER BY key COLLATE \"C\"");
  if (!against->main_rows) return EXIT_USAGE;
  int count = PQntuples(against->main_rows);
  against->is_seen = calloc((size_t)count + 1, sizeof *against->is_seen);
  if (!against->is_seen)
    status = report_memory(against->command);
  else if (ledger_digest_rows(against->db, against->name, 1, against_compare_row, against) !=
           LEDGER_OK)
    status = against_error(against);
  for (int i = 0; i < count && status == EXIT_DONE; i++)
    if (!against->is_seen[i])
      against_say(against, "only there", PQgetvalue(against->main_rows, i, 0), NULL, NULL);
  free(against->is_seen);
  PQclear(against->main_rows);
  return status;
}

/* ---- tables */

static void against_say_table(struct against *against, bool is_equal, const char *here,
                              const char *there, const char *note) {
  if (!is_equal) against->is_equal = false;
  if (against->tables) {
    cJSON *table = cJSON_CreateObject();
    cJSON_AddStringToObject(table, "schema", against->table_schema);
    cJSON_AddStringToObject(table, "table", against->table_name);
    cJSON_AddBoolToObject(table, "equal", is_equal);
    cJSON_AddItemToObject(table, "rows", cJSON_CreateRaw(here));
    cJSON_AddItemToObject(table, "main_rows", cJSON_CreateRaw(there));
    cJSON_AddItemToArray(against->tables, table);
    return;
  }
  printf("%s|%s|%s|", against->table_schema, against->table_name, is_equal ? "equal" : "differs");
  if (is_equal)
    printf("%s rows", here);
  else
    printf("%s rows here, %s there", here, there);
  printf("%s\n", note);
}

/* One table, of which `main` has the line `line`: schema, name, rows, sum, xor, and whether it has a key. */
static int against_table(struct against *against, ledger_rows *here, const PGresult *main,
                         int line) {
  const char *rows_there = PQgetvalue(main, line, 2);
  bool is_equal = true, has_key = strcmp(PQgetvalue(main, line, 5), "t") == 0;
  for (int i = 2; i < 5; i++)
    if (strcmp(ledger_rows_text(here, i, NULL), PQgetvalue(main, line, i)) != 0) is_equal = false;
  snprintf(against->name, sizeof against->name, "\"%s\".\"%s\"", against->table_schema,
           against->table_name);
  against_say_table(against, is_equal, ledger_rows_text(here, 2, NULL), rows_there,
                    is_equal || has_key ? "" : " (no key to name rows by)");
  if (is_equal || !has_key) return EXIT_DONE;
  int status = against->shown < AGAINST_SHOWN ? against_find(against) : EXIT_DONE;
  if (status == EXIT_DONE && against->shown < AGAINST_SHOWN) status = against_rows(against);
  return status;
}

static int against_main_line(const PGresult *main, const char *schema, const char *name) {
  for (int i = 0; i < PQntuples(main); i++)
    if (strcmp(PQgetvalue(main, i, 0), schema) == 0 && strcmp(PQgetvalue(main, i, 1), name) == 0)
      return i;
  return -1;
}

static int against_tables(struct against *against, const char *only, const PGresult *main) {
  int status = EXIT_DONE, rc;
  ledger_rows *here = NULL;
  rc = ledger_digest(against->db, only, &here);
  while (rc == LEDGER_OK && status == EXIT_DONE && (rc = ledger_rows_next(here)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    snprintf(against->table_schema, sizeof against->table_schema, "%s",
             ledger_rows_text(here, 0, NULL));
    snprintf(against->table_name, sizeof against->table_name, "%s",
             ledger_rows_text(here, 1, NULL));
    int line = against_main_line(main, against->table_schema, against->table_name);
    if (line >= 0 && strcmp(PQgetvalue(main, line, 6), "local") != 0)
      status = against_table(against, here, main, line);
  }
  if (status == EXIT_DONE && rc != LEDGER_DONE) status = against_error(against);
  ledger_rows_free(here);
  return status;
}

/* Main's digests, at the snapshot that it keeps from now on. */
static PGresult *against_digests(struct against *against) {
  const char *const values[] = {against->schema_sha256};
  PGresult *begun =
      main_link_query(&against->link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", 0, NULL);
  PGresult *main =
      begun ? main_link_query(
                  &against->link,
                  "SELECT o.table_schema, o.table_name, d.rows, d.sum, d.xor,"
                  " cardinality(o.key_names) > 0, o.kind"
                  " FROM ledger_sync.relations($1) AS o LEFT JOIN ledger_sync.digest(NULL, $1) AS d"
                  " USING (table_schema, table_name)",
                  1, values)
            : NULL;
  PQclear(begun);
  if (!main)
    prove_main_error(&against->link);
  else if (PQntuples(main) == 0) {
    report_problem(against->command->name, against->link.name, "LS003",
                   "main does not know the file's schema", "ledger export FILE --init | psql");
    PQclear(main);
    main = NULL;
  }
  return main;
}

static int against_report(struct against *against) {
  if (against->tables) {
    cJSON *report = cJSON_CreateObject();
    cJSON_AddBoolToObject(report, "equal", against->is_equal);
    cJSON_AddBoolToObject(report, "all_named", !against->is_cut);
    cJSON_AddItemToObject(report, "tables", against->tables);
    cJSON_AddItemToObject(report, "rows", against->rows);
    report_json(report);
  } else if (against->is_cut)
    puts("  and more");
  return against->is_equal ? EXIT_DONE : EXIT_REFUSED;
}

static int digest_against(const struct command *command, const char *path, const char *table,
                          const char *dsn, bool as_json) {
  int status = EXIT_DONE;
  ledger_facts facts;
  char sha256[65];
  struct progress progress = {.doing = "comparing", .unit = "rows"};
  struct against *against = calloc(1, sizeof *against);
  if (!against) return report_memory(command);
  against->command = command;
  against->path = path;
  against->is_equal = true;
  against->here = calloc(256 * AGAINST_PARTS, sizeof *against->here);
  against->there = calloc(256 * AGAINST_PARTS, sizeof *against->there);
  if (!against->here || !against->there) status = report_memory(command);
  if (status == EXIT_DONE &&
      !(against->db = report_open(command, path, LEDGER_READ_ONLY_FILE | LEDGER_SMALL, &status)))
    status = EXIT_USAGE;
  if (status == EXIT_DONE && ledger_info(against->db, &facts) != LEDGER_OK)
    status = against_error(against);
  if (status == EXIT_DONE) {
    snprintf(sha256, sizeof sha256, "%s", facts.schema_sha256);
    against->schema_sha256 = sha256;
    ledger_progress(against->db, progress_report, &progress);
    if (!main_link_open(&against->link, command->name, dsn))
      status = prove_main_error(&against->link);
    PGresult *main = status == EXIT_DONE ? against_digests(against) : NULL;
    if (as_json) {
      against->tables = cJSON_CreateArray();
      against->rows = cJSON_CreateArray();
    }
    if (status == EXIT_DONE) status = main ? against_tables(against, table, main) : EXIT_USAGE;
    if (status == EXIT_USAGE && shell_interrupted) status = EXIT_INTERRUPTED;
    progress_end(&progress);
    if (status == EXIT_DONE)
      status = against_report(against);
    else {
      cJSON_Delete(against->tables);
      cJSON_Delete(against->rows);
    }
    PQclear(main);
    main_link_close(&against->link);
  }
  ledger_close(against->db);
  free(against->here);
  free(against->there);
  free(against);
  return report_flush(command->name, status);
}

enum { DIGEST_TABLE, DIGEST_AGAINST, DIGEST_JSON };

static int cmd_digest(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  struct progress progress = {.doing = "reading", .unit = "rows"};
  if (values[DIGEST_AGAINST])
    return digest_against(command, arguments[0], values[DIGEST_TABLE], values[DIGEST_AGAINST],
                          values[DIGEST_JSON] != NULL);
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE | LEDGER_SMALL, &status);
  if (!db) return status;
  ledger_progress(db, progress_report, &progress);
  int rc = ledger_digest(db, values[DIGEST_TABLE], &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    if (values[DIGEST_JSON]) {
      puts(ledger_rows_json(rows, NULL));
      continue;
    }
    for (int i = 0; i < ledger_rows_count(rows); i++) /* as psql -At prints ledger_sync.digest() */
      printf("%s%s", i ? "|" : "", ledger_rows_text(rows, i, NULL));
    putchar('\n');
  }
  progress_end(&progress);
  if (rc != LEDGER_DONE) status = report_error(command->name, arguments[0], db);
  ledger_rows_free(rows);
  ledger_close(db);
  return report_flush(command->name, status);
}

/* ---- ledger prove */

#define PROVE_SHOWN                                                                                \
  10 /* keys of rows that are explained; of those that are not all that the report has */

static const char *const prove_verdicts[] = {"missing", "differs", "behind",     "waiting",
                                             "custody", "adopted", "superseded", "renamed"};
enum { PROVE_BROKEN = 3, PROVE_VERDICTS = 8 }; /* the first three */

static int64_t prove_count(const cJSON *report, const char *member) {
  const cJSON *table;
  double count = 0;
  cJSON_ArrayForEach(table, cJSON_GetObjectItemCaseSensitive(report, "tables")) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(table, member);
    if (number) count += number->valuedouble;
  }
  return (int64_t)count;
}

static const char *prove_text(const cJSON *object, const char *member) {
  const cJSON *text = cJSON_GetObjectItemCaseSensitive(object, member);
  return cJSON_IsString(text) ? text->valuestring : "";
}

/* The rows of a verdict, "  missing: 3", and a line for each of the first. */
static void prove_print_rows(const cJSON *report, int verdict) {
  const cJSON *found;
  int64_t count = prove_count(report, prove_verdicts[verdict]), shown = 0;
  if (count == 0) return;
  printf("%s: %" PRId64 "\n", prove_verdicts[verdict], count);
  cJSON_ArrayForEach(found, cJSON_GetObjectItemCaseSensitive(report, "first")) {
    if (strcmp(prove_text(found, "verdict"), prove_verdicts[verdict]) != 0) continue;
    if (verdict >= PROVE_BROKEN && shown == PROVE_SHOWN) break;
    printf("  %s.%s ", prove_text(found, "schema"), prove_text(found, "table"));
    report_words(stdout, prove_text(found, "key"));
    putchar('\n');
    shown++;
  }
  if (shown < count) printf("  and %" PRId64 " more\n", count - shown);
}

static void prove_print(const cJSON *report, bool is_proven) {
  const cJSON *problem;
  printf("%s: device %s, rows %" PRId64 ", the same on main %" PRId64
         "; batches received %.0f, applied %.0f\n",
         is_proven ? "proven" : "not proven", prove_text(report, "device"),
         prove_count(report, "rows"), prove_count(report, "same"),
         cJSON_GetNumberValue(cJSON_GetObjectItem(report, "received")),
         cJSON_GetNumberValue(cJSON_GetObjectItem(report, "applied")));
  cJSON_ArrayForEach(problem, cJSON_GetObjectItemCaseSensitive(report, "problems")) {
    fputs("  ", stdout);
    report_words(stdout, problem->valuestring);
    putchar('\n');
  }
  for (int i = 0; i < PROVE_VERDICTS; i++) prove_print_rows(report, i);
  if (prove_text(report, "reason")[0]) {
    fputs("in custody because: ", stdout);
    report_words(stdout, prove_text(report, "reason"));
    putchar('\n');
  }
}

enum { PROVE_JSON };

/* Sends the script and gives main's answer, NULL after a message. */
static const char *prove_ask(const struct command *command, ledger *db, char **arguments,
                             struct main_link *link, int *status) {
  struct progress progress = {.doing = "proving", .unit = "rows"};
  bool is_linked = main_link_open(link, command->name, arguments[1]);
  int rc = LEDGER_OK;
  ledger_progress(db, progress_report, &progress);
  if (is_linked) rc = ledger_prove_script(db, main_link_write, link);
  bool is_sent = is_linked && rc == LEDGER_OK && main_link_end(link);
  progress_end(&progress);
  if (is_sent && link->answer) return link->answer;
  if (rc == LEDGER_OK || link->error.code != LEDGER_OK)
    *status = prove_main_error(link);
  else if ((*status = report_error(command->name, arguments[0], db)) != EXIT_INTERRUPTED)
    *status = EXIT_USAGE;
  return NULL;
}

static int cmd_prove(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  struct main_link link;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE | LEDGER_SMALL, &status);
  if (!db) return EXIT_USAGE;
  const char *answer = prove_ask(command, db, arguments, &link, &status);
  cJSON *report = answer ? cJSON_Parse(answer) : NULL;
  if (answer && !report) status = report_memory(command);
  if (report) {
    bool is_proven = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "proven"));
    if (values[PROVE_JSON])
      puts(answer);
    else
      prove_print(report, is_proven);
    status = is_proven ? EXIT_DONE : EXIT_REFUSED;
  }
  cJSON_Delete(report);
  main_link_close(&link);
  ledger_close(db);
  return report_flush(command->name, status);
}
