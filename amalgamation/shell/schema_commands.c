/*
** schema_commands: ledger init and ledger schema: a schema file becomes a ledger file, or is shown and checked.
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

enum { INIT_SCHEMA, INIT_NO_SEED, INIT_LENIENT };

static int init_report(const struct command *command, ledger *db, const char *path,
                       const char *name) {
  ledger_facts facts;
  if (ledger_info(db, &facts) != LEDGER_OK) return report_error(command->name, path, db);
  printf("%s: schema %s: tables %d, views %d, policies %d, seed rows %" PRId64 "\n", path,
         facts.schema_name, facts.tables, facts.views, facts.policies, facts.rows);
  if (strcmp(name, "full") == 0)
    puts("The admin user has no password yet: nobody can sign in as admin until one is set.");
  return EXIT_DONE;
}

static int cmd_init(const struct command *command, char **arguments, char **values) {
  const char *path = arguments[0];
  const char *name = values[INIT_SCHEMA] ? values[INIT_SCHEMA] : "full";
  const char *script = ledger_schema(name);
  struct schema_result *result = NULL;
  int status = EXIT_DONE;
  if (!script) {
    result = schema_compile_path(command, name, values[INIT_LENIENT] != NULL, stderr, &status);
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
  ledger *db = NULL;
  if (ledger_create(path, script, values[INIT_NO_SEED] ? LEDGER_NO_SEED : 0, &db) != LEDGER_OK)
    status = report_error(command->name, path, db);
  else
    status = init_report(command, db, path, name);
  ledger_close(db);
  schema_free(result);
  return status;
}

enum { SCHEMA_SQLITE, SCHEMA_POSTGRES, SCHEMA_JSON, SCHEMA_CHECK, SCHEMA_LENIENT };

static int cmd_schema(const struct command *command, char **arguments, char **values) {
  const char *name = arguments[0];
  int status = EXIT_DONE;
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
