/*
** row_commands: ledger load and ledger get: rows in, rows out, as JSON.
**
** load commits every 10,000 lines (--batch N) and prints what became of a batch only once it is committed: what standard
** output says is in is in. Memory is bounded by LEDGER_LINE_MAX and LOAD_PENDING_MAX, whatever the input's size.
*/
#include "shell.h"

#define LOAD_BATCH 10000
#define LOAD_PENDING_MAX (8 * 1024 * 1024) /* bytes of results held back for a commit */

struct load {
  const struct command *command;
  ledger *db;
  bool goes_on;        /* --continue */
  bool quiet;          /* --quiet: print refused lines only */
  int64_t batch;       /* lines of one transaction */
  int64_t line;        /* of the input, from 1 */
  int64_t batch_start; /* first line of the open transaction */
  int64_t in_batch;    /* lines of it so far */
  int64_t done, refused;
  char *pending; /* results not printed yet */
  size_t pending_length, pending_capacity;
};

static bool load_say(struct load *load, const char *text, size_t length) {
  if (load->pending_capacity - load->pending_length < length) {
    size_t larger = (load->pending_capacity + length) * 2 + 4096;
    char *moved = realloc(load->pending, larger);
    if (!moved) return false;
    load->pending = moved;
    load->pending_capacity = larger;
  }
  memcpy(load->pending + load->pending_length, text, length);
  load->pending_length += length;
  return true;
}

static bool load_print(struct load *load) {
  size_t length = load->pending_length;
  load->pending_length = 0;
  if (length > 0 && fwrite(load->pending, 1, length, stdout) != length) return false;
  return fflush(stdout) == 0;
}

/* {"line":n,"ok":true,"row":{...}} */
static bool load_say_row(struct load *load, ledger_rows *rows, int64_t changed) {
  char head[96];
  size_t length = 0;
  const char *row = NULL;
  if (load->quiet) return true;
  if (rows && ledger_rows_next(rows) == LEDGER_ROW) row = ledger_rows_json(rows, &length);
  int head_length =
      row ? snprintf(head, sizeof head, "{\"line\":%" PRId64 ",\"ok\":true,\"row\":", load->line)
          : snprintf(head, sizeof head, "{\"line\":%" PRId64 ",\"ok\":true,\"rows\":%" PRId64 "}\n",
                     load->line, changed);
  return load_say(load, head, (size_t)head_length) &&
         (!row || (load_say(load, row, length) && load_say(load, "}\n", 2)));
}

static bool load_say_error(struct load *load, const ledger_error *error) {
  char *text = report_error_json(load->line, error);
  bool said = text && load_say(load, text, strlen(text));
  free(text);
  return said;
}

/* Commits the open transaction and prints its results. */
static int load_commit(struct load *load) {
  if (load->in_batch == 0) return load_print(load) ? EXIT_DONE : EXIT_REFUSED;
  if (ledger_commit(load->db) != LEDGER_OK) {
    char where[64];
    snprintf(where, sizeof where, "lines %" PRId64 " to %" PRId64 " were not kept",
             load->batch_start, load->line);
    int status = report_error(load->command->name, where, load->db);
    ledger_rollback(load->db);
    return status;
  }
  load->done += load->in_batch;
  load->in_batch = 0;
  if (load_print(load)) return EXIT_DONE;
  report_problem(load->command->name, "standard output", "58030", strerror(errno), NULL);
  return EXIT_REFUSED;
}

/* A refused line. Without --continue its whole transaction goes, so that the file ends at a line's edge that is known. */
static int load_refuse(struct load *load, const ledger_error *error) {
  load->refused++;
  if (load->goes_on && report_is_of_the_row(error->code))
    return load_say_error(load, error) ? EXIT_DONE : EXIT_REFUSED;
  char where[32];
  snprintf(where, sizeof where, "line %" PRId64, load->line);
  ledger_error kept = *error;
  ledger_rollback(load->db);
  load->pending_length = 0;
  load_say_error(load, &kept);
  load_print(load);
  char hint[160];
  snprintf(hint, sizeof hint,
           "lines 1 to %" PRId64
           " are in the file, nothing after them; --continue passes over refused lines",
           load->in_batch ? load->batch_start - 1 : load->line - 1);
  char message[sizeof kept.message + sizeof kept.detail + 4];
  snprintf(message, sizeof message, kept.detail[0] ? "%s; %s" : "%s", kept.message, kept.detail);
  report_problem(load->command->name, where, kept.sqlstate, message, hint);
  load->in_batch = 0;
  return EXIT_REFUSED;
}

static int load_line(struct load *load, const char *text, size_t length) {
  ledger_rows *rows = NULL;
  int64_t changed = 0;
  int status = EXIT_DONE;
  if (length == 0) return EXIT_DONE; /* an empty line says nothing */
  if (length > LEDGER_LINE_MAX) {
    ledger_error error = lines_too_long();
    return load_refuse(load, &error);
  }
  if (load->in_batch == 0) {
    if (ledger_begin(load->db) != LEDGER_OK) return load_refuse(load, ledger_error_of(load->db));
    load->batch_start = load->line;
  }
  load->in_batch++;
  if (ledger_apply(load->db, text, (ptrdiff_t)length, &changed, load->quiet ? NULL : &rows) !=
      LEDGER_OK) {
    status = load_refuse(load, ledger_error_of(load->db));
    if (status == EXIT_DONE && load->in_batch > 0) load->in_batch--;
    if (status == EXIT_DONE && load->in_batch == 0) ledger_rollback(load->db);
  } else if (!load_say_row(load, rows, changed)) {
    status = report_memory(load->command);
  }
  ledger_rows_free(rows);
  if (status == EXIT_DONE &&
      (load->in_batch >= load->batch || load->pending_length > LOAD_PENDING_MAX))
    status = load_commit(load);
  return status;
}

static int load_input(struct load *load, struct lines *lines, struct progress *progress) {
  char *text;
  size_t length;
  int status = EXIT_DONE;
  enum lines_next next;
  while (status == EXIT_DONE && (next = lines_next(lines, true, &text, &length)) != LINES_END) {
    if (next == LINES_FAILED) return lines_failed(load->command);
    if (next == LINES_STOPPED) break;
    load->line = lines->number;
    status = load_line(load, text, length);
    if (progress_report(progress, load->line, 0)) break;
  }
  return status;
}

enum { LOAD_CONTINUE, LOAD_OPTION_BATCH, LOAD_QUIET, LOAD_PLAIN, LOAD_ACTOR, LOAD_KEY };

static int cmd_load(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  struct load load = {.command = command, .batch = LOAD_BATCH};
  struct progress progress = {.doing = "loading", .unit = "lines"};
  load.goes_on = values[LOAD_CONTINUE] != NULL;
  load.quiet = values[LOAD_QUIET] != NULL;
  if (!report_number(values[LOAD_OPTION_BATCH], 1000000000, &load.batch))
    return report_usage(command, "--batch takes a number of lines from 1 to 1000000000");
  load.db = report_open_as(command, arguments[0], values[LOAD_PLAIN] ? LEDGER_PLAIN : 0,
                           values[LOAD_ACTOR], &status);
  if (!load.db) return status;
  if ((status = encrypt_use_key(command, load.db, values[LOAD_KEY])) != EXIT_DONE) {
    ledger_close(load.db);
    return status;
  }
  struct lines lines;
  if (!lines_open(&lines)) {
    ledger_close(load.db);
    return report_memory(command);
  }
  status = load_input(&load, &lines, &progress);
  if (shell_interrupted) {
    ledger_rollback(load.db);
    progress_end(&progress);
    char message[128];
    snprintf(message, sizeof message,
             "interrupted; lines 1 to %" PRId64 " are in the file, nothing after them",
             load.in_batch ? load.batch_start - 1 : load.line);
    report_problem(command->name, NULL, NULL, message, NULL);
    status = EXIT_INTERRUPTED;
  } else {
    if (status == EXIT_DONE) status = load_commit(&load);
    progress_end(&progress);
    fprintf(stderr, "ledger load: %" PRId64 " lines done, %" PRId64 " refused\n", load.done,
            load.refused);
    if (status == EXIT_DONE && load.refused) status = EXIT_REFUSED;
  }
  lines_close(&lines);
  free(load.pending);
  ledger_close(load.db);
  return status;
}

/* The rows as a JSON array, [row,\n row]; the cursor is freed. */
static int rows_print_json(const struct command *command, const char *where, const ledger *db,
                           ledger_rows *rows) {
  int rc = LEDGER_OK;
  const char *before = "[";
  while (!shell_interrupted && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    size_t length;
    const char *row = ledger_rows_json(rows, &length);
    rc = row ? LEDGER_OK : LEDGER_ERROR;
    if (!row) break;
    fputs(before, stdout);
    before = ",\n ";
    if (fwrite(row, 1, length, stdout) != length) break; /* report_flush() says so */
  }
  ledger_rows_free(rows);
  if (rc == LEDGER_DONE) puts(before[0] == '[' ? "[]" : "]");
  if (shell_interrupted) return EXIT_INTERRUPTED;
  return rc == LEDGER_DONE || rc == LEDGER_OK ? EXIT_DONE : report_error(command->name, where, db);
}

enum { GET_KEY };

static int cmd_get(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  status = encrypt_use_key(command, db, values[GET_KEY]);
  if (status == EXIT_DONE && ledger_select(db, arguments[1], arguments[2], &rows) == LEDGER_OK)
    status = rows_print_json(command, arguments[1], db, rows);
  else if (status == EXIT_DONE)
    status = report_error(command->name, arguments[1], db);
  ledger_close(db);
  return report_flush(command->name, status);
}
