/*
** schema_commands: ledger init and ledger schema: a schema file becomes a ledger file, or is shown and checked.
**
** init --from takes the schema from the main database, enrols the new device there and pulls the tables that are main's. All of
** that happens in memory: the file appears when it has succeeded.
*/
#include "shell.h"

/* A file read whole; NULL after a report. The text is the caller's. */
static char *schema_read(const struct command *command, const char *path, size_t *length) {
  struct stat facts;
  FILE *file = fopen(path, "rb");
  if (!file || fstat(fileno(file), &facts) != 0) {
    report_problem(
        command->name, path, "58P01", strerror(errno),
        "give full, elon, wallstreet, advancia, smarthub, pe_portal or the path of a .sql file");
    if (file) fclose(file);
    return NULL;
  }
  if (S_ISDIR(facts.st_mode)) {
    report_problem(command->name, path, "58P01", "this is a folder, not a schema file", NULL);
    fclose(file);
    return NULL;
  }
  char *text = NULL;
  size_t capacity = 0;
  *length = 0;
  for (;;) {
    if (capacity - *length < 2) {
      size_t larger = capacity ? capacity * 2 : (size_t)64 * 1024;
      char *moved = realloc(text, larger);
      if (!moved) {
        report_problem(command->name, path, "53200", "out of memory", NULL);
        free(text);
        fclose(file);
        return NULL;
      }
      text = moved;
      capacity = larger;
    }
    size_t read = fread(text + *length, 1, capacity - *length - 1, file);
    *length += read;
    if (read == 0) break;
  }
  text[*length] = 0;
  fclose(file);
  return text;
}

static const char *schema_base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

#ifndef LEDGER_SHELL_ALONE

static void schema_print_note(FILE *out, const char *path, const struct schema_note *found) {
  static const char *const words[] = {"error", "skipped", "recorded", "hint"};
  report_words(out, path);
  fprintf(out, ":%d:%d: %s: ", found->line, found->column, words[found->severity]);
  report_words(out, found->message);
  if (found->severity == SCHEMA_ERROR) fprintf(out, " [%s]", found->sqlstate);
  if (found->hint) fprintf(out, " (%s)", found->hint);
  fputc('\n', out);
}

/* Compiles schema files; what was noted goes to `out`. NULL after a report; else the caller's. */
static struct schema_result *schema_compile_files(const struct command *command, const char *name,
                                                  const struct schema_file *files, int count,
                                                  const struct schema_options *options, FILE *out,
                                                  int *status) {
  struct schema_result *result = NULL;
  if (schema_compile(files, count, options, &result) == 2)
    report_problem(command->name, name, "53200", "out of memory", NULL);
  *status = EXIT_USAGE;
  if (!result) return NULL;
  *status = result->error_count ? EXIT_REFUSED : EXIT_DONE;
  for (int i = 0; i < result->note_count; i++)
    schema_print_note(out, count == 1 ? name : files[result->notes[i].file].name,
                      &result->notes[i]);
  return result;
}

#else /* the drop-in, which stands without the compiler */

static struct schema_result *schema_compile_files(const struct command *command, const char *path,
                                                  const struct schema_file *files, int file_count,
                                                  const struct schema_options *options, FILE *out,
                                                  int *status) {
  (void)files, (void)file_count, (void)options, (void)out;
  *status = EXIT_USAGE;
  report_problem(command->name, path, "0A000",
                 "this program was built without the compiler that reads schema files",
                 "init takes full, elon, wallstreet, advancia, smarthub and pe_portal");
  return NULL;
}

void schema_free(struct schema_result *result) {
  (void)result;
}

#endif

/* A schema file of the user's own. */
static struct schema_result *schema_compile_path(const struct command *command, const char *path,
                                                 bool lenient, FILE *out, int *status) {
  struct schema_file file = {schema_base_name(path), NULL, 0};
  struct schema_options options = {file.name, lenient};
  struct schema_result *result = NULL;
  char *text = schema_read(command, path, &file.length);
  *status = EXIT_USAGE;
  if (!text) return NULL;
  file.text = text;
  result = schema_compile_files(command, path, &file, 1, &options, out, status);
  free(text);
  return result;
}

#define SCHEMA_SOURCE_MAX 32

/* A built-in schema, compiled again from the files that it keeps. */
static struct schema_result *schema_compile_builtin(const struct command *command, const char *name,
                                                    FILE *out, int *status) {
  struct schema_file files[SCHEMA_SOURCE_MAX] = {{0}};
  struct schema_options options = {name, false};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  ledger_rows *rows = NULL;
  int count = 0;
  int rc = ledger_create(":memory:", ledger_schema(name), 0, &db);
  if (rc == LEDGER_OK) rc = ledger_sources(db, &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW &&
         count < SCHEMA_SOURCE_MAX) {
    files[count].name = strdup(ledger_rows_text(rows, 0, NULL));
    files[count].text = strdup(ledger_rows_text(rows, 2, &files[count].length));
    rc = files[count].name && files[count].text ? LEDGER_OK : LEDGER_MEMORY;
    count++;
  }
  if (rc != LEDGER_DONE)
    *status = report_error(command->name, name, db);
  else
    result = schema_compile_files(command, name, files, count, &options, out, status);
  for (int i = 0; i < count; i++) {
    free((char *)files[i].name);
    free((char *)files[i].text);
  }
  ledger_rows_free(rows);
  ledger_close(db);
  return result;
}

static void schema_count(FILE *out, const char *path, const struct schema_result *result) {
  int counts[4] = {0};
  for (int i = 0; i < result->note_count; i++) counts[result->notes[i].severity]++;
  fprintf(out, "%s: %d errors, %d skipped, %d recorded, %d hints\n", path, counts[SCHEMA_ERROR],
          counts[SCHEMA_SKIPPED], counts[SCHEMA_RECORDED], counts[SCHEMA_HINT]);
}

enum { INIT_SCHEMA, INIT_NO_SEED, INIT_LENIENT, INIT_FROM, INIT_TABLES, INIT_PUBLIC_KEY };

static int init_report(const struct command *command, ledger *db, const char *path,
                       const char *name) {
  ledger_facts facts;
  if (ledger_info(db, &facts) != LEDGER_OK) return report_error(command->name, path, db);
  printf("%s: schema %s: tables %d, views %d, policies %d, seed rows %" PRId64 "\n", path,
         facts.schema_name, facts.tables, facts.views, facts.policies, facts.rows);
  ledger_user admin;
  const char *published = NULL;
  if (strcmp(name, "full") == 0 && ledger_user_get(db, "admin@ledger.local", &admin) == LEDGER_OK &&
      !admin.has_password)
    printf("Nobody can sign in as admin until a password is set: ledger user password %s %s\n",
           path, admin.email);
  if (ledger_published_secret(db, &published) == LEDGER_OK && published)
    printf("Before others are served: %s.\n", published);
  return EXIT_DONE;
}

/* ---- init --from */

struct init_from {
  const struct command *command;
  const char *path,
      *schema; /* of the schema: its name on main; NULL: the newest that main accepts */
  char **values;
  struct pull_link pull;
  ledger *db;
  char sha256[65], device[40];
  bool is_enrolled;
};

/* What main's operator does where something is not there. */
static int init_refuse(struct init_from *from, const char *sqlstate, const char *problem,
                       const char *hint) {
  report_problem(from->command->name, from->pull.link.name, sqlstate, problem, hint);
  return EXIT_REFUSED;
}

static int init_link_report(struct init_from *from) {
  const ledger_error *error = &from->pull.link.error;
  bool is_missing = strcmp(error->sqlstate, "3F000") == 0 || strcmp(error->sqlstate, "42P01") == 0;
  return is_missing ? init_refuse(from, "LS001", "the database has no schema ledger_sync",
                                  "its operator: ledger export FILE --init | psql, or the first "
                                  "ledger push")
                    : main_link_report(&from->pull.link);
}

/* Compiles what main keeps of a schema: [{"name":...,"text":...}, ...]. One that was made with --lenient needs it again. */
static struct schema_result *init_compile(struct init_from *from, const char *name,
                                          const char *sources, int *status) {
  struct schema_file files[SCHEMA_SOURCE_MAX] = {{0}};
  struct schema_result *result = NULL;
  cJSON *document = cJSON_Parse(sources), *source;
  FILE *nowhere = fopen("/dev/null", "w");
  int count = 0;
  cJSON_ArrayForEach(source, document) {
    const char *file = cJSON_GetStringValue(cJSON_GetObjectItem(source, "name"));
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(source, "text"));
    if (count < SCHEMA_SOURCE_MAX && file && text)
      files[count] = (struct schema_file){file, text, strlen(text)};
    count++;
  }
  for (int lenient = from->values[INIT_LENIENT] != NULL; lenient < 2 && !result; lenient++) {
    struct schema_options options = {name, lenient == 1};
    if (count == 0 || count > SCHEMA_SOURCE_MAX || !nowhere) break;
    result = schema_compile_files(from->command, name, files, count, &options,
                                  lenient ? stderr : nowhere, status);
    if (!result) break;
    if (result->error_count == 0 || lenient == 1) continue;
    schema_free(result);
    result = NULL;
  }
  if (!result && *status == EXIT_DONE)
    *status = init_refuse(from, "LS003", "main does not keep the text of its schema",
                          "init with --schema, then ledger push");
  if (nowhere) fclose(nowhere);
  cJSON_Delete(document);
  return result;
}

/* The built-in schema that has the hash: its script says it. */
static const char *init_builtin(const char *sha256) {
  for (const char *const *name = ledger_schema_names(); *name; name++)
    if (strstr(ledger_schema(*name), sha256)) return ledger_schema(*name);
  return NULL;
}

static int init_make(struct init_from *from, const char *name, const char *sources) {
  struct schema_result *result = NULL;
  ledger_facts facts;
  int status = EXIT_DONE;
  const char *script = init_builtin(from->sha256);
  if (!script) {
    result = init_compile(from, name, sources, &status);
    script = result && result->error_count == 0 ? result->script : NULL;
    if (result && !script)
      status = init_refuse(from, "LS003", "main's schema does not compile here",
                           "ledger schema PATH --check lists what is wrong");
  }
  /* LEDGER_PLAIN: what a device begins with is no event of the audit trail, as the seed is none. */
  int flags = LEDGER_PLAIN | (from->values[INIT_NO_SEED] ? LEDGER_NO_SEED : 0);
  if (script && (ledger_create(":memory:", script, flags, &from->db) != LEDGER_OK ||
                 ledger_info(from->db, &facts) != LEDGER_OK))
    status = report_error(from->command->name, from->path, from->db);
  else if (script && strcmp(facts.schema_sha256, from->sha256) != 0)
    status = init_refuse(from, "LS003", "main's schema has another hash when it is compiled here",
                         "it was made by another version of ledger");
  else if (script)
    snprintf(from->device, sizeof from->device, "%s", facts.device);
  schema_free(result);
  return status;
}

/* The schema that main accepts, and an empty file of it in memory. */
static int init_schema(struct init_from *from) {
  const char *values[] = {from->schema};
  PGresult *rows = main_link_query(
      &from->pull.link,
      "SELECT sha256, name, sources FROM ledger_sync.schema WHERE accepted AND ($1::text IS NULL"
      " OR name = $1) ORDER BY registered_at DESC LIMIT 1",
      1, values);
  if (!rows) return init_link_report(from);
  int status;
  if (PQntuples(rows) == 0) {
    status = init_refuse(from, "LS003",
                         from->schema ? "main accepts no schema of that name"
                                      : "main accepts no schema yet",
                         "its operator: ledger export FILE --init | psql");
  } else {
    snprintf(from->sha256, sizeof from->sha256, "%s", PQgetvalue(rows, 0, 0));
    status = init_make(from, PQgetvalue(rows, 0, 1), PQgetvalue(rows, 0, 2));
  }
  PQclear(rows);
  return status;
}

/* Does the schema have the tables that were asked for? Before main enrols a device that would come to nothing. */
static int init_check_tables(struct init_from *from) {
  static ledger_pull_table tables[PULL_TABLE_MAX];
  ledger_rows *rows = NULL;
  int status = EXIT_DONE;
  if (!from->values[INIT_TABLES]) return EXIT_DONE;
  char *names = strdup(from->values[INIT_TABLES]);
  if (!names) return report_memory(from->command);
  int count = pull_names(names, tables);
  if (count < 0) status = report_usage(from->command, "--tables takes names, between commas");
  for (int i = 0; i < count && status == EXIT_DONE; i++) {
    if (ledger_select(from->db, tables[i].table, "limit=0", &rows) != LEDGER_OK)
      status = report_error(from->command->name, from->path, from->db);
    else
      ledger_rows_free(rows);
  }
  free(names);
  return status;
}

static int init_enrol(struct init_from *from) {
  unsigned char key[LEDGER_PUBLIC_KEY_BYTES];
  const char *given = from->values[INIT_PUBLIC_KEY];
  if (given) {
    int status = key_read_public(from->command, given, key, sizeof key);
    if (status != EXIT_DONE) return status;
  }
  char *sql = ledger_enrol_sql(from->db, given ? key : NULL);
  if (!sql) return report_error(from->command->name, from->path, from->db);
  const char *text = main_link_text(&from->pull.link, sql);
  ledger_free(sql);
  if (!text) return main_link_report(&from->pull.link);
  from->is_enrolled = true;
  if (ledger_acknowledge(from->db, text, -1, 1) == LEDGER_OK) return EXIT_DONE;
  return report_error(from->command->name, from->path, from->db);
}

/* Main's public keys, where it has told them. */
static int init_main_key(struct init_from *from) {
  unsigned char key[64];
  PGresult *rows = main_link_query(
      &from->pull.link, "SELECT to_jsonb(i) ->> 'public_key' FROM ledger_sync.installation AS i", 0,
      NULL);
  if (!rows) return main_link_report(&from->pull.link);
  const char *text = PQntuples(rows) == 1 ? PQgetvalue(rows, 0, 0) : "";
  int status = EXIT_DONE;
  if (strncmp(text, "\\x", 2) == 0) text += 2;
  if (text[0] && !key_read_text(text, strlen(text), key, sizeof key))
    status = init_refuse(from, "22023", "main's public key is none", NULL);
  else if (text[0] && ledger_set_main_key(from->db, key, 0) != LEDGER_OK)
    status = report_error(from->command->name, from->path, from->db);
  PQclear(rows);
  return status;
}

/* What main declares to be its own, and what was asked for. */
static int init_pull(struct init_from *from) {
  static ledger_pull_table tables[PULL_TABLE_MAX];
  const char *asked = from->values[INIT_TABLES];
  char *declared = pull_declared(&from->pull.link, from->sha256), *names = NULL;
  int count = 0, status = EXIT_DONE;
  if (!declared) return main_link_report(&from->pull.link);
  if (asked && asprintf(&names, "%s%s%s", declared, declared[0] ? "," : "", asked) < 0)
    names = NULL;
  char *list = asked ? names : declared;
  if (!list)
    status = report_memory(from->command);
  else if (list[0] && (count = pull_names(list, tables)) < 0)
    status = report_usage(from->command, "--tables takes names, between commas");
  if (status == EXIT_DONE && count > 0) {
    PGresult *begun = main_link_query(&from->pull.link, pull_begin, 0, NULL);
    status = begun ? pull_rows(from->command, from->path, from->db, &from->pull, tables, count)
                   : main_link_report(&from->pull.link);
    PQclear(begun);
  }
  if (status == EXIT_DONE) pull_print(tables, count, false);
  free(declared);
  free(names);
  return status;
}

static int init_from(const struct command *command, const char *path, char **values) {
  struct init_from from = {
      .command = command, .path = path, .schema = values[INIT_SCHEMA], .values = values};
  int status = EXIT_DONE;
  if (access(path, F_OK) == 0) {
    report_problem(command->name, path, "58P02", "the file exists already", NULL);
    return EXIT_REFUSED;
  }
  /* What can be known to fail fails before main hears of the device. */
  char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
  if (slash) slash[slash == folder] = 0;
  bool is_writable = access(slash ? folder : ".", W_OK) == 0;
  int problem = errno;
  free(folder);
  if (!is_writable) {
    report_problem(command->name, path, "58P01", strerror(problem), NULL);
    return EXIT_USAGE;
  }
  if (!main_link_open(&from.pull.link, command->name, values[INIT_FROM]))
    status = main_link_report(&from.pull.link);
  if (status == EXIT_DONE) status = init_schema(&from);
  if (status == EXIT_DONE) status = init_check_tables(&from);
  if (status == EXIT_DONE) status = init_main_key(&from);
  if (status == EXIT_DONE) status = init_enrol(&from);
  if (status == EXIT_DONE) status = init_pull(&from);
  if (status == EXIT_DONE && ledger_backup(from.db, path) != LEDGER_OK)
    status = report_error(command->name, path, from.db);
  if (status == EXIT_DONE) {
    status = init_report(command, from.db, path, "");
    printf("device %s\n", from.device);
  } else if (from.is_enrolled) {
    fprintf(stderr,
            "ledger init: device %s was enrolled on main and has no file: harmless; revoke it "
            "there\n",
            from.device);
  }
  main_link_close(&from.pull.link);
  ledger_close(from.db);
  return status;
}

/* ---- commands */

/* Makes the file from a schema, built in or a path. *out is a handle where a library call failed, too; close it always. */
static int init_file(const struct command *command, const char *path, const char *name,
                     bool is_lenient, int flags, ledger **out) {
  const char *script = ledger_schema(name);
  struct schema_result *result = NULL;
  int status = EXIT_DONE;
  *out = NULL;
  if (!script) {
    result = schema_compile_path(command, name, is_lenient, stderr, &status);
    if (!result) return status;
    if (result->error_count) {
      schema_count(stderr, name, result);
      report_problem(command->name, path, NULL, "no file was made",
                     "ledger schema PATH --check lists all that is wrong");
      schema_free(result);
      return EXIT_REFUSED;
    }
    script = result->script;
  }
  if (ledger_create(path, script, flags, out) != LEDGER_OK)
    status = report_error(command->name, path, *out);
  schema_free(result);
  return status;
}

static int cmd_init(const struct command *command, char **arguments, char **values) {
  const char *path = arguments[0];
  if (values[INIT_FROM]) return init_from(command, path, values);
  if (values[INIT_TABLES] || values[INIT_PUBLIC_KEY])
    return report_usage(command, "--tables and --public-key go with --from");
  const char *name = values[INIT_SCHEMA] ? values[INIT_SCHEMA] : "full";
  ledger *db;
  int status = init_file(command, path, name, values[INIT_LENIENT] != NULL,
                         values[INIT_NO_SEED] ? LEDGER_NO_SEED : 0, &db);
  if (status == EXIT_DONE) status = init_report(command, db, path, name);
  ledger_close(db);
  return status;
}

/* ---- schema --policies */

enum {
  POLICIES_SCHEMA,
  POLICIES_TABLE,
  POLICIES_SECURITY,
  POLICIES_NAME, /* NULL: the table has none */
  POLICIES_PERMISSIVE,
  POLICIES_COMMAND,
  POLICIES_ROLES,
  POLICIES_DEFINITION,
  POLICIES_COLUMNS
};

/* What stands behind the roles: USING (...) WITH CHECK (...). */
static const char *policies_conditions(const char *definition) {
  const char *using_at = strstr(definition, " USING ("),
             *check_at = strstr(definition, " WITH CHECK (");
  const char *first = using_at ? using_at : check_at;
  return first ? first + 1 : definition;
}

static void policies_print_table(const char *table, bool is_secured, bool has_policies) {
  printf("%s: %s\n", table,
         is_secured && !has_policies ? "row-level security without a policy: nobody sees a row"
         : is_secured                ? "row-level security"
         : has_policies              ? "row-level security is off: its policies are not asked"
                                     : "no row-level security: who may read it reads all of it");
}

/* One row; *last, the table of the row before, is the caller's to free. */
static void policies_print(char *const cells[POLICIES_COLUMNS], char **last) {
  bool is_public = strcmp(cells[POLICIES_SCHEMA], "public") == 0;
  char *table = NULL;
  if (asprintf(&table, "%s%s%s", is_public ? "" : cells[POLICIES_SCHEMA], is_public ? "" : ".",
               cells[POLICIES_TABLE]) < 0)
    return;
  if (!*last || strcmp(*last, table) != 0) {
    if (*last) putchar('\n');
    policies_print_table(table, strcmp(cells[POLICIES_SECURITY], "t") == 0,
                         cells[POLICIES_NAME] != NULL);
  }
  free(*last);
  *last = table;
  if (cells[POLICIES_NAME])
    printf("  %s: %s%s to %s\n    %s\n", cells[POLICIES_NAME],
           strcmp(cells[POLICIES_PERMISSIVE], "t") == 0 ? "" : "restrictive, ",
           cells[POLICIES_COMMAND], cells[POLICIES_ROLES],
           policies_conditions(cells[POLICIES_DEFINITION]));
}

static void policies_print_row(ledger_rows *rows, char **last) {
  char *cells[POLICIES_COLUMNS] = {NULL};
  bool is_whole = true;
  for (int i = 0; i < POLICIES_COLUMNS; i++) {
    const char *text = ledger_rows_text(rows, i, NULL);
    cells[i] = text ? strdup(text) : NULL;
    is_whole = is_whole && (cells[i] || !text);
  }
  if (is_whole) policies_print(cells, last);
  for (int i = 0; i < POLICIES_COLUMNS; i++) free(cells[i]);
}

/* The policies of each table, for people or as a JSON array. */
static int policies_show(const struct command *command, const char *name, ledger *db,
                         bool as_json) {
  ledger_rows *rows = NULL;
  char *last = NULL;
  int count = 0, rc = ledger_policies(db, &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    if (as_json)
      printf("%s%s", count++ == 0 ? "[" : ",\n ", ledger_rows_json(rows, NULL));
    else
      policies_print_row(rows, &last);
    rc = LEDGER_OK;
  }
  if (as_json && rc == LEDGER_DONE) puts(count == 0 ? "[]" : "]");
  int status = rc == LEDGER_DONE ? EXIT_DONE : report_error(command->name, name, db);
  ledger_rows_free(rows);
  free(last);
  return status;
}

static bool policies_is_file(const char *path) {
  static const char head[16] = "SQLite format 3";
  char bytes[sizeof head] = "";
  FILE *file = fopen(path, "rb");
  bool is_file = file && fread(bytes, 1, sizeof bytes, file) == sizeof bytes &&
                 memcmp(bytes, head, sizeof bytes) == 0;
  if (file) fclose(file);
  return is_file;
}

/* Of a built-in schema, a schema file or a ledger file. */
static int schema_policies(const struct command *command, const char *name, bool lenient,
                           bool as_json) {
  struct schema_result *result = NULL;
  const char *script = ledger_schema(name);
  ledger *db = NULL;
  int status = EXIT_DONE;
  if (!script && policies_is_file(name)) {
    db = report_open(command, name, LEDGER_READ_ONLY_FILE, &status);
  } else {
    if (!script) {
      result = schema_compile_path(command, name, lenient, stderr, &status);
      script = result && result->error_count == 0 ? result->script : NULL;
    }
    if (script && ledger_create(":memory:", script, LEDGER_NO_SEED, &db) != LEDGER_OK) {
      status = report_error(command->name, name, db);
      ledger_close(db);
      db = NULL;
    }
  }
  if (db) status = policies_show(command, name, db, as_json);
  ledger_close(db);
  schema_free(result);
  return status;
}

enum { SCHEMA_SQLITE, SCHEMA_POSTGRES, SCHEMA_JSON, SCHEMA_CHECK, SCHEMA_LENIENT, SCHEMA_POLICIES };

static int cmd_schema(const struct command *command, char **arguments, char **values) {
  const char *name = arguments[0];
  int status = EXIT_DONE;
  if (values[SCHEMA_POLICIES])
    return schema_policies(command, name, values[SCHEMA_LENIENT] != NULL,
                           values[SCHEMA_JSON] != NULL);
  FILE *notes = values[SCHEMA_CHECK] ? stdout : stderr;
  struct schema_result *result =
      ledger_schema(name)
          ? schema_compile_builtin(command, name, notes, &status)
          : schema_compile_path(command, name, values[SCHEMA_LENIENT] != NULL, notes, &status);
  if (!result) return status;
  if (values[SCHEMA_CHECK] || result->error_count)
    schema_count(notes, name, result);
  else if (values[SCHEMA_SQLITE])
    fputs(result->script, stdout);
  else if (values[SCHEMA_JSON])
    puts(result->json);
  else
    fputs(result->postgres, stdout);
  schema_free(result);
  return status;
}
