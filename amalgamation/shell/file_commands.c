/*
** file_commands: about a file as a whole: info, export, backup.
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

/* Where the file stands towards main; ledger status says more. */
static int info_sync(const struct command *command, ledger *db, const char *path, cJSON *out) {
  ledger_sync_facts facts;
  if (ledger_sync_status(db, &facts) != LEDGER_OK) return report_error(command->name, path, db);
  if (!out) {
    printf("sync       batches cut %" PRId64 ", received %" PRId64 ", applied %" PRId64
           "; changes in none yet %" PRId64 "\n",
           facts.cut, facts.received, facts.applied, facts.changes);
    return EXIT_DONE;
  }
  info_add(out, "cut", facts.cut);
  info_add(out, "received", facts.received);
  info_add(out, "applied", facts.applied);
  info_add(out, "changes", facts.changes);
  return EXIT_DONE;
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
    if (facts.encryption_key[0])
      cJSON_AddStringToObject(out, "encryption_key", facts.encryption_key);
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
    status = info_sync(command, db, arguments[0], cJSON_AddObjectToObject(out, "sync"));
    if (status == EXIT_DONE)
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
    if (facts.encryption_key[0]) printf("encrypted  with key %s\n", facts.encryption_key);
    printf("holds      tables %d, views %d, columns %d, constraints %d, indexes %d, triggers %d, "
           "policies %d\n           rows %" PRId64 "\n",
           facts.tables, facts.views, facts.columns, facts.constraints, facts.indexes,
           facts.triggers, facts.policies, facts.rows);
    printf("book       journals %" PRId64 ", entries %" PRId64 "\n", facts.journals, facts.entries);
    status = info_sync(command, db, arguments[0], NULL);
    if (status == EXIT_DONE) status = info_tables(command, db, arguments[0], NULL);
  }
  ledger_close(db);
  return status;
}

enum {
  EXPORT_INIT,
  EXPORT_FULL,
  EXPORT_SCHEMA_ONLY,
  EXPORT_DATA_ONLY,
  EXPORT_FORMAT,
  EXPORT_OUT,
  EXPORT_SINCE,
  EXPORT_ENROL,
  EXPORT_PUBLIC_KEY,
  EXPORT_DECRYPT,
  EXPORT_KEY
};

struct export {
  ledger *db;
  struct output_file output;
  bool has_part, has_public_key, enrols;
  enum ledger_export_part part; /* or else batches: */
  int64_t since;                /* 0: cut, and what main has not */
  enum ledger_export_format format;
  unsigned char public_key[LEDGER_PUBLIC_KEY_BYTES];
};

static int export_sql(struct export *export, char *sql) {
  if (!sql) return ledger_error_of(export->db)->code;
  int rc = output_write(&export->output, sql, strlen(sql)) == 0 ? LEDGER_OK : LEDGER_IO;
  ledger_free(sql);
  return rc;
}

/* Each batch is a transaction of its own; behind them the question what main has, for `ledger ack`. */
static int export_batches(struct export *export) {
  ledger_sync_facts facts;
  int64_t seq;
  int rc = export->since ? LEDGER_OK : ledger_batch_cut(export->db, &seq);
  if (rc == LEDGER_OK) rc = ledger_sync_status(export->db, &facts);
  if (rc != LEDGER_OK) return rc;
  int64_t last = facts.cut;
  for (seq = export->since ? export->since : facts.received + 1; rc == LEDGER_OK && seq <= last;
       seq++)
    rc = ledger_batch_script(export->db, seq, export->format, output_write, &export->output);
  return rc == LEDGER_OK ? export_sql(export, ledger_acknowledgement_sql(export->db)) : rc;
}

static int export_all(struct export *export) {
  if (!export->has_part) return export_batches(export);
  int rc = ledger_export(export->db, export->part, export->format, output_write, &export->output);
  if (rc != LEDGER_OK || !export->enrols) return rc;
  return export_sql(
      export, ledger_enrol_sql(export->db, export->has_public_key ? export->public_key : NULL));
}

static int export_options(const struct command *command, char **values, struct export *export) {
  static const enum ledger_export_part parts[] = {
      LEDGER_EXPORT_INIT, LEDGER_EXPORT_FULL, LEDGER_EXPORT_SCHEMA_ONLY, LEDGER_EXPORT_DATA_ONLY};
  int given = 0;
  for (int i = EXPORT_INIT; i <= EXPORT_DATA_ONLY; i++) {
    if (!values[i]) continue;
    export->part = parts[i];
    given++;
  }
  export->has_part = given == 1;
  export->enrols = values[EXPORT_ENROL] != NULL;
  if (given > 1)
    return report_usage(command, "give one of --full, --schema-only, --data-only, --init");
  if (export->has_part && values[EXPORT_SINCE])
    return report_usage(command, "--since is about batches: it goes with no part");
  if (export->enrols && !values[EXPORT_INIT])
    return report_usage(command, "--enrol goes with --init");
  if (values[EXPORT_DECRYPT] && (!export->has_part || (export->part != LEDGER_EXPORT_FULL &&
                                                       export->part != LEDGER_EXPORT_DATA_ONLY)))
    return report_usage(command, "--decrypt goes with --full or --data-only");
  if (values[EXPORT_KEY] && !values[EXPORT_DECRYPT])
    return report_usage(command, "--key-file goes with --decrypt");
  if (values[EXPORT_PUBLIC_KEY] && !export->enrols)
    return report_usage(command, "--public-key goes with --enrol");
  if (!report_number(values[EXPORT_SINCE], INT64_MAX, &export->since))
    return report_usage(command, "--since is the number of a batch, from 1");
  if (values[EXPORT_FORMAT] && strcmp(values[EXPORT_FORMAT], "insert") == 0)
    export->format = LEDGER_EXPORT_INSERT;
  else if (values[EXPORT_FORMAT] && strcmp(values[EXPORT_FORMAT], "copy") != 0)
    return report_usage(command, "--format is copy or insert");
  export->has_public_key = values[EXPORT_PUBLIC_KEY] != NULL;
  return export->has_public_key ? key_read_public(command, values[EXPORT_PUBLIC_KEY],
                                                  export->public_key, LEDGER_PUBLIC_KEY_BYTES)
                                : EXIT_DONE;
}

static int cmd_export(const struct command *command, char **arguments, char **values) {
  struct export export = {.format = LEDGER_EXPORT_COPY};
  struct progress progress = {.doing = "exporting", .unit = "rows"};
  int status = export_options(command, values, &export);
  if (status != EXIT_DONE) return status;
  bool cuts = !export.has_part && !export.since;
  int flags = cuts ? LEDGER_SMALL : LEDGER_SMALL | LEDGER_READ_ONLY_FILE;
  export.db = report_open(command, arguments[0], flags, &status);
  if (!export.db) return status;
  if (values[EXPORT_DECRYPT]) {
    status = encrypt_use_key(command, export.db, values[EXPORT_KEY]);
    if (status == EXIT_DONE && ledger_export_decrypted(export.db, 1) != LEDGER_OK)
      status = report_error(command->name, arguments[0], export.db);
  }
  if (status == EXIT_DONE) status = output_open(&export.output, command, values[EXPORT_OUT]);
  if (status == EXIT_DONE) {
    ledger_progress(export.db, progress_report, &progress);
    int rc = export_all(&export);
    progress_end(&progress);
    if (rc == LEDGER_IO && shell_interrupted) {
      report_problem(command->name, arguments[0], NULL, "interrupted", NULL);
      status = EXIT_INTERRUPTED;
    } else if (rc == LEDGER_IO && output_failed(&export.output))
      status = output_problem(&export.output, "nothing was written");
    else if (rc != LEDGER_OK)
      status = report_error(command->name, arguments[0], export.db);
    status = output_end(&export.output, status);
  }
  ledger_close(export.db);
  return status;
}

static int cmd_backup(const struct command *command, char **arguments, char **values) {
  (void)values;
  int status = EXIT_DONE;
  struct progress progress = {.doing = "copying", .unit = "pages"};
  ledger *db =
      report_open(command, arguments[0], LEDGER_READ_ONLY_FILE | LEDGER_OLD_FORMAT, &status);
  if (!db) return status;
  ledger_progress(db, progress_report, &progress);
  if (ledger_backup(db, arguments[1]) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  progress_end(&progress);
  ledger_close(db);
  return status;
}
