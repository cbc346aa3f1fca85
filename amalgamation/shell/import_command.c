/*
** import_command: ledger import: a pg_dump of the main database into a file.
*/
#include "shell.h"

struct import_input {
  int file;
  int problem; /* errno */
};

static ptrdiff_t import_input_read(void *context, void *bytes, size_t length) {
  struct import_input *input = context;
  ssize_t got;
  do got = read(input->file, bytes, length);
  while (got < 0 && errno == EINTR && !shell_interrupted);
  if (got < 0) input->problem = errno;
  return got;
}

static double import_number(const cJSON *document, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(document, name);
  return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* For people: what came in, and what was left out. */
static int import_print(const struct command *command, const char *dump, const char *report) {
  cJSON *document = cJSON_Parse(report), *left;
  if (!document) return report_memory(command);
  printf("%s: %.0f rows inserted, %.0f there already", dump, import_number(document, "inserted"),
         import_number(document, "skipped"));
  if (import_number(document, "openings") > 0)
    printf(", %.0f opening balances", import_number(document, "openings"));
  if (import_number(document, "holds") > 0) printf(", %.0f held", import_number(document, "holds"));
  putchar('\n');
  cJSON_ArrayForEach(left, cJSON_GetObjectItem(document, "left_out")) {
    fputs("left out: ", stdout);
    report_words(stdout, cJSON_GetStringValue(cJSON_GetObjectItem(left, "name")));
    printf(", %.0f rows\n", import_number(left, "rows"));
  }
  cJSON_Delete(document);
  return EXIT_DONE;
}

enum { IMPORT_OPTION_CONTINUE, IMPORT_JSON, IMPORT_KEY };

static int cmd_import(const struct command *command, char **arguments, char **values) {
  const char *dump = arguments[1];
  bool is_standard = strcmp(dump, "-") == 0;
  struct import_input input = {.file = STDIN_FILENO};
  struct progress progress = {.doing = "importing", .unit = "rows"};
  char *report = NULL;
  int status = EXIT_DONE;
  if (is_standard)
    dump = "standard input";
  else
    input.file = open(dump, O_RDONLY | O_CLOEXEC);
  if (input.file < 0) {
    report_problem(command->name, dump, "58P01", strerror(errno), NULL);
    return EXIT_USAGE;
  }
  ledger *db = report_open(command, arguments[0], LEDGER_SMALL, &status);
  if (db) status = encrypt_use_key(command, db, values[IMPORT_KEY]);
  if (db && status == EXIT_DONE) {
    ledger_progress(db, progress_report, &progress);
    int rc = ledger_import(db, import_input_read, &input,
                           values[IMPORT_OPTION_CONTINUE] ? LEDGER_IMPORT_CONTINUE : 0, &report);
    progress_end(&progress);
    if (rc != LEDGER_OK && shell_interrupted) {
      report_problem(command->name, dump, NULL, "interrupted; the file is as it was", NULL);
      status = EXIT_INTERRUPTED;
    } else if (rc != LEDGER_OK && input.problem) {
      report_problem(command->name, dump, "58030", strerror(input.problem), NULL);
      status = EXIT_REFUSED;
    } else if (rc != LEDGER_OK) {
      status = report_error(command->name, dump, db);
    } else if (values[IMPORT_JSON]) {
      puts(report);
    } else {
      status = import_print(command, dump, report);
    }
    ledger_free(report);
  }
  ledger_close(db);
  if (!is_standard) close(input.file);
  return report_flush(command->name, status);
}
