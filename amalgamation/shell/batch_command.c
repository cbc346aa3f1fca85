/*
** batch_command: ledger batch: operations in, results out, as JSON lines, with group commit. The lines that are waiting in the
** input share a commit, up to --commit of them: a caller who waits for each answer gets it at once, a file goes through in
** large steps. An answer is printed once the commit that holds it is durable, and never before.
*/
#include "shell.h"

#define BATCH_COMMIT 10000
#define BATCH_BYTES_MAX (64 * 1024 * 1024) /* of the lines of one commit */

/* What is kept of a line until its answer is printed. */
struct batch_line {
  int64_t number;
  char *problem; /* it is no operation: the answer, from malloc(); or NULL */
};

struct batch {
  const struct command *command;
  ledger *db;
  enum ledger_batch_mode mode;
  int flags;
  bool is_whole; /* atomic or dry run: the input is one batch */
  int commit;    /* lines of one commit, if they are not linked */
  int count, capacity;
  size_t bytes;
  ledger_operation *operations;
  struct batch_line *lines;
  int64_t done, refused;
};

static bool batch_grow(struct batch *batch) {
  if (batch->count < batch->capacity) return true;
  int larger = batch->capacity ? batch->capacity * 2 : 256;
  ledger_operation *operations = realloc(batch->operations, (size_t)larger * sizeof *operations);
  if (!operations) return false;
  batch->operations = operations;
  struct batch_line *lines = realloc(batch->lines, (size_t)larger * sizeof *lines);
  if (!lines) return false;
  batch->lines = lines;
  batch->capacity = larger;
  return true;
}

/* A line joins the batch. One that is no operation joins as one that is refused, so that what is linked to it is refused, too. */
static bool batch_add(struct batch *batch, int64_t number, const char *text, size_t length) {
  if (!batch_grow(batch)) return false;
  ledger_operation *operation = &batch->operations[batch->count];
  struct batch_line *line = &batch->lines[batch->count];
  *line = (struct batch_line){.number = number};
  ledger_error error = {0};
  if (length > LEDGER_LINE_MAX) {
    *operation = (ledger_operation){.kind = LEDGER_OP_AUDIT};
    error = lines_too_long();
  } else if (ledger_operation_read(batch->db, text, (ptrdiff_t)length, operation) != LEDGER_OK)
    error = *ledger_error_of(batch->db);
  if (error.code == LEDGER_MEMORY) return false;
  if (error.code && !(line->problem = report_error_json(number, &error))) return false;
  batch->bytes += length;
  batch->count++;
  return true;
}

static void batch_clear(struct batch *batch) {
  for (int i = 0; i < batch->count; i++) free(batch->lines[i].problem);
  batch->count = 0;
  batch->bytes = 0;
}

/* {"line":n,"ok":true,...} */
static bool batch_answer(const struct batch_line *line, const ledger_result *result) {
  if (line->problem) {
    fputs(line->problem, stdout);
    return true;
  }
  char *text = ledger_result_json(result);
  if (!text) return false;
  printf("{\"line\":%" PRId64 ",%s\n", line->number, text + 1);
  ledger_free(text);
  return true;
}

/* The line whose refusal ended the batch, or `count`. */
static int batch_culprit(const struct batch *batch, const ledger_result *results) {
  int i = 0;
  if (batch->mode == LEDGER_BATCH_CONTINUE) return batch->count;
  while (i < batch->count &&
         (results[i].code == LEDGER_OK || results[i].code == LEDGER_LINK_BROKEN))
    i++;
  return i;
}

/* How many lines are answered: --stop passes over what stands behind the culprit and is not linked to it. */
static int batch_answered(const struct batch *batch, int culprit) {
  int last = culprit;
  if (batch->mode != LEDGER_BATCH_STOP || culprit == batch->count) return batch->count;
  while (last < batch->count - 1 && batch->operations[last].linked) last++;
  return last + 1;
}

static int batch_ended(const struct batch *batch, int culprit, const ledger_result *result) {
  char where[32];
  bool is_known = !batch->lines[culprit].problem && result->error;
  snprintf(where, sizeof where, "line %" PRId64, batch->lines[culprit].number);
  report_problem(batch->command->name, where, ledger_sqlstate(result->code),
                 is_known ? result->error->message : "this is no operation",
                 batch->mode == LEDGER_BATCH_ATOMIC
                     ? "nothing is done"
                     : "nothing behind it is done; --continue passes over refused lines");
  return EXIT_REFUSED;
}

/* Was it worked off? A refusal of an atomic batch is one of all its lines; with anything else nothing of it is done. */
static bool batch_is_answered(const struct batch *batch, int rc, const ledger_result *results) {
  if (rc == LEDGER_OK) return true;
  return batch->mode == LEDGER_BATCH_ATOMIC && report_is_of_the_row(rc) &&
         results[0].code != LEDGER_OK;
}

/* Posts what has been read, and answers. */
static int batch_commit(struct batch *batch) {
  int count = batch->count, status = EXIT_DONE, last = 0, culprit = count;
  if (count == 0) return report_flush(batch->command->name, EXIT_DONE);
  ledger_result *results = calloc((size_t)count, sizeof *results);
  if (!results) return report_memory(batch->command);
  int rc =
      ledger_post_batch(batch->db, count, batch->operations, batch->mode, batch->flags, results);
  if (!batch_is_answered(batch, rc, results)) {
    char where[80];
    snprintf(where, sizeof where, "lines %" PRId64 " to %" PRId64 " are not done",
             batch->lines[0].number, batch->lines[count - 1].number);
    status = report_error(batch->command->name, where, batch->db);
  } else {
    culprit = batch_culprit(batch, results);
    last = batch_answered(batch, culprit);
  }
  for (int i = 0; i < last && status == EXIT_DONE; i++) {
    if (!batch_answer(&batch->lines[i], &results[i])) status = report_memory(batch->command);
    if (results[i].code == LEDGER_OK)
      batch->done++;
    else
      batch->refused++;
  }
  if (culprit < count && status == EXIT_DONE)
    status = batch_ended(batch, culprit, &results[culprit]);
  free(results);
  batch_clear(batch);
  return report_flush(batch->command->name, status);
}

/* Is the batch to be committed before another line is taken? What is linked stays together. */
static bool batch_is_full(const struct batch *batch) {
  if (batch->count == 0 || batch->is_whole || batch->operations[batch->count - 1].linked)
    return false;
  return batch->count >= batch->commit || batch->bytes >= BATCH_BYTES_MAX;
}

static int batch_too_large(const struct batch *batch, int64_t line) {
  char where[40];
  snprintf(where, sizeof where, "line %" PRId64, line);
  report_problem(batch->command->name, where, ledger_sqlstate(LEDGER_PROGRAM_LIMIT),
                 "more than 100000 lines or 64 MB that are done or refused together",
                 "nothing of them was done");
  return EXIT_REFUSED;
}

static int batch_input(struct batch *batch, struct lines *lines, struct progress *progress) {
  char *text;
  size_t length;
  int status = EXIT_DONE;
  while (status == EXIT_DONE) {
    bool waits = batch->count == 0 || batch->is_whole || batch->operations[batch->count - 1].linked;
    enum lines_next next = lines_next(lines, waits, &text, &length);
    if (next == LINES_FAILED) return lines_failed(batch->command);
    if (next == LINES_STOPPED) break;
    if (next != LINES_LINE) {
      status = batch_commit(batch);
      if (next == LINES_END) break;
      continue;
    }
    if (length == 0) continue;
    if (batch->count == LEDGER_BATCH_MAX || (batch->bytes > BATCH_BYTES_MAX && batch->count > 0))
      return batch_too_large(batch, lines->number);
    if (!batch_add(batch, lines->number, text, length)) return report_memory(batch->command);
    if (batch_is_full(batch)) status = batch_commit(batch);
    if (progress_report(progress, lines->number, 0)) break;
  }
  return status;
}

enum {
  BATCH_ATOMIC,
  BATCH_STOP,
  BATCH_CONTINUE,
  BATCH_OPTION_DRY_RUN,
  BATCH_OPTION_COMMIT,
  BATCH_ACTOR
};

static int batch_options(const struct command *command, char **values, struct batch *batch) {
  static const enum ledger_batch_mode modes[] = {LEDGER_BATCH_ATOMIC, LEDGER_BATCH_STOP,
                                                 LEDGER_BATCH_CONTINUE};
  int given = 0;
  int64_t commit = BATCH_COMMIT;
  for (int i = BATCH_ATOMIC; i <= BATCH_CONTINUE; i++) {
    if (!values[i]) continue;
    batch->mode = modes[i];
    given++;
  }
  if (given > 1) return report_usage(command, "give one of --atomic, --stop, --continue");
  if (!report_number(values[BATCH_OPTION_COMMIT], LEDGER_BATCH_MAX, &commit))
    return report_usage(command, "--commit takes a number of lines from 1 to 100000");
  batch->commit = (int)commit;
  batch->flags = values[BATCH_OPTION_DRY_RUN] ? LEDGER_DRY_RUN : 0;
  batch->is_whole = batch->mode == LEDGER_BATCH_ATOMIC || batch->flags;
  return EXIT_DONE;
}

static int cmd_batch(const struct command *command, char **arguments, char **values) {
  struct batch batch = {.command = command, .mode = LEDGER_BATCH_STOP};
  struct lines lines;
  struct progress progress = {.doing = "posting", .unit = "lines"};
  int status = batch_options(command, values, &batch);
  if (status != EXIT_DONE) return status;
  batch.db = report_open_as(command, arguments[0], 0, values[BATCH_ACTOR], &status);
  if (!batch.db) return status;
  if (!lines_open(&lines)) {
    ledger_close(batch.db);
    return report_memory(command);
  }
  status = batch_input(&batch, &lines, &progress);
  progress_end(&progress);
  if (shell_interrupted) {
    char message[96];
    snprintf(message, sizeof message,
             "interrupted; %" PRId64 " lines are answered, no other is done",
             batch.done + batch.refused);
    report_problem(command->name, NULL, NULL, message, NULL);
    status = EXIT_INTERRUPTED;
  } else {
    fprintf(stderr, "ledger batch: %" PRId64 " lines done, %" PRId64 " refused%s\n", batch.done,
            batch.refused, batch.flags ? "; nothing is kept" : "");
    if (status == EXIT_DONE && batch.refused) status = EXIT_REFUSED;
  }
  batch_clear(&batch);
  lines_close(&lines);
  free(batch.operations);
  free(batch.lines);
  ledger_close(batch.db);
  return status;
}
