/*
** file_commands: about a file as a whole: info, digest, export, backup.
*/
#include "shell.h"

static void info_add(cJSON *out, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  cJSON_AddItemToObject(out, name, cJSON_CreateRaw(text));
}

static int info_tables(const struct command *command, ledger *db, const char *path, cJSON *out) {
  ledger_rows *rows = NULL;
  int rc = ledger_relations(db, &rows);
  if (!out && rc == LEDGER_OK) printf("\n%-32s %12s\n", "table", "rows");
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    if (out) {
      cJSON_AddItemToArray(out, cJSON_CreateRaw(ledger_rows_json(rows, NULL)));
      continue;
    }
    char name[2 * LEDGER_NAME_MAX + 2];
    const char *schema = ledger_rows_text(rows, 0, NULL);
    int at = strcmp(schema, "public") == 0 ? 0 : snprintf(name, sizeof name, "%s.", schema);
    snprintf(name + at, sizeof name - (size_t)at, "%s", ledger_rows_text(rows, 1, NULL));
    printf("%-32s ", name);
    if (strcmp(ledger_rows_text(rows, 2, NULL), "view") == 0)
      printf("%12s\n", "view");
    else
      printf("%12s\n", ledger_rows_text(rows, 3, NULL));
  }
  ledger_rows_free(rows);
  return rc == LEDGER_DONE ? EXIT_DONE : report_error(command->name, path, db);
}

enum { INFO_JSON };

static int cmd_info(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_facts facts;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_info(db, &facts) != LEDGER_OK) {
    status = report_error(command->name, arguments[0], db);
  } else if (values[INFO_JSON]) {
    cJSON *out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "file", arguments[0]);
    cJSON_AddStringToObject(out, "schema", facts.schema_name);
    cJSON_AddStringToObject(out, "schema_sha256", facts.schema_sha256);
    cJSON_AddStringToObject(out, "compiler", facts.compiler);
    cJSON_AddStringToObject(out, "device", facts.device);
    cJSON_AddStringToObject(out, "created_at", facts.created_at);
    cJSON_AddStringToObject(out, "sqlite", facts.sqlite);
    info_add(out, "format", facts.format);
    info_add(out, "tables", facts.tables);
    info_add(out, "views", facts.views);
    info_add(out, "columns", facts.columns);
    info_add(out, "constraints", facts.constraints);
    info_add(out, "indexes", facts.indexes);
    info_add(out, "triggers", facts.triggers);
    info_add(out, "policies", facts.policies);
    info_add(out, "rows", facts.rows);
    info_add(out, "journals", facts.journals);
    info_add(out, "entries", facts.entries);
    info_add(out, "file_bytes", facts.file_bytes);
    info_add(out, "wal_bytes", facts.wal_bytes);
    info_add(out, "page_bytes", facts.page_bytes);
    status = info_tables(command, db, arguments[0], cJSON_AddArrayToObject(out, "relations"));
    if (status == EXIT_DONE)
      status = report_json(out);
    else
      cJSON_Delete(out);
  } else {
    printf("file       %s, %" PRId64 " bytes, %" PRId64 " in the write-ahead log\n", arguments[0],
           facts.file_bytes, facts.wal_bytes);
    printf("schema     %s (sha256 %.16s), compiled by %s\n", facts.schema_name, facts.schema_sha256,
           facts.compiler);
    printf("device     %s, created %s\n", facts.device, facts.created_at);
    printf("sqlite     %s, file format %d\n", facts.sqlite, facts.format);
    printf("holds      tables %d, views %d, columns %d, constraints %d, indexes %d, triggers %d, "
           "policies %d\n           rows %" PRId64 "\n",
           facts.tables, facts.views, facts.columns, facts.constraints, facts.indexes,
           facts.triggers, facts.policies, facts.rows);
    printf("book       journals %" PRId64 ", entries %" PRId64 "\n", facts.journals, facts.entries);
    status = info_tables(command, db, arguments[0], NULL);
  }
  ledger_close(db);
  return status;
}

enum { DIGEST_TABLE, DIGEST_JSON };

static int cmd_digest(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  struct progress progress = {.doing = "reading", .unit = "rows"};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
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

enum { EXPORT_INIT, EXPORT_FULL, EXPORT_SCHEMA_ONLY, EXPORT_DATA_ONLY, EXPORT_FORMAT, EXPORT_OUT };

static int export_write(void *context, const void *bytes, size_t length) {
  return fwrite(bytes, 1, length, context) == length ? 0 : 1;
}

static int export_part(const struct command *command, char **values,
                       enum ledger_export_part *part) {
  static const enum ledger_export_part parts[] = {
      LEDGER_EXPORT_INIT, LEDGER_EXPORT_FULL, LEDGER_EXPORT_SCHEMA_ONLY, LEDGER_EXPORT_DATA_ONLY};
  int given = 0;
  for (int i = EXPORT_INIT; i <= EXPORT_DATA_ONLY; i++) {
    if (!values[i]) continue;
    *part = parts[i];
    given++;
  }
  if (given == 1) return EXIT_DONE;
  return report_usage(command, "give one of --full, --schema-only, --data-only, --init");
}

/* Written aside and renamed, so that OUT is there whole or not at all. */
static int export_to_path(const struct command *command, ledger *db, enum ledger_export_part part,
                          enum ledger_export_format format, const char *path) {
  char aside[PATH_MAX];
  int status = EXIT_DONE;
  if (snprintf(aside, sizeof aside, "%s.part-%ld", path, (long)getpid()) >= (int)sizeof aside)
    return report_usage(command, "the path is too long");
  FILE *file = fopen(aside, "wbx");
  if (!file) {
    report_problem(command->name, path, "58030", strerror(errno), NULL);
    return EXIT_USAGE;
  }
  int rc = ledger_export(db, part, format, export_write, file);
  bool unwritten = ferror(file) != 0;
  if (rc == LEDGER_OK) unwritten = fflush(file) != 0 || fsync(fileno(file)) != 0;
  if (unwritten) {
    report_problem(command->name, path, "58030", strerror(errno), "nothing was written");
    status = EXIT_REFUSED;
  } else if (rc != LEDGER_OK)
    status = report_error(command->name, path, db);
  fclose(file);
  if (status == EXIT_DONE && rename(aside, path) != 0) {
    report_problem(command->name, path, "58030", strerror(errno), NULL);
    status = EXIT_REFUSED;
  }
  if (status != EXIT_DONE) unlink(aside);
  return status;
}

static int cmd_export(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  enum ledger_export_part part = LEDGER_EXPORT_FULL;
  enum ledger_export_format format = LEDGER_EXPORT_COPY;
  struct progress progress = {.doing = "exporting", .unit = "rows"};
  if ((status = export_part(command, values, &part)) != EXIT_DONE) return status;
  if (values[EXPORT_FORMAT] && strcmp(values[EXPORT_FORMAT], "insert") == 0)
    format = LEDGER_EXPORT_INSERT;
  else if (values[EXPORT_FORMAT] && strcmp(values[EXPORT_FORMAT], "copy") != 0)
    return report_usage(command, "--format is copy or insert");
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  ledger_progress(db, progress_report, &progress);
  if (values[EXPORT_OUT]) {
    status = export_to_path(command, db, part, format, values[EXPORT_OUT]);
  } else {
    int rc = ledger_export(db, part, format, export_write, stdout);
    if (rc == LEDGER_IO && ferror(stdout)) {
      report_problem(command->name, "standard output", "58030", strerror(errno), NULL);
      status = EXIT_REFUSED;
    } else if (rc != LEDGER_OK)
      status = report_error(command->name, arguments[0], db);
    status = report_flush(command->name, status);
  }
  progress_end(&progress);
  ledger_close(db);
  return status;
}

static int cmd_backup(const struct command *command, char **arguments, char **values) {
  (void)values;
  int status = EXIT_DONE;
  struct progress progress = {.doing = "copying", .unit = "pages"};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  ledger_progress(db, progress_report, &progress);
  if (ledger_backup(db, arguments[1]) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  progress_end(&progress);
  ledger_close(db);
  return status;
}
