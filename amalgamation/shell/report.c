/*
** report: what the commands say to people and programs: one-line errors, progress on a terminal, JSON.
*/
#include "shell.h"

static bool report_colours(void) {
  return isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
}

/* An error is one line, and what it quotes from data says nothing to the terminal. */
static void report_words(FILE *out, const char *words) {
  for (; *words; words++) {
    if (*words == '\n')
      fputs("\\n", out);
    else if ((unsigned char)*words < ' ' || *words == 0x7f)
      fprintf(out, "\\x%02x", *words);
    else
      fputc(*words, out);
  }
}

/* "ledger load: line 3: sentence [23502] (hint)" */
static void report_problem(const char *command, const char *where, const char *sqlstate,
                           const char *message, const char *hint) {
  bool colours = report_colours();
  fprintf(stderr, "%sledger %s:%s ", colours ? "\033[31m" : "", command, colours ? "\033[0m" : "");
  if (where && where[0]) {
    report_words(stderr, where);
    fputs(": ", stderr);
  }
  report_words(stderr, message);
  if (sqlstate && sqlstate[0]) fprintf(stderr, " [%s]", sqlstate);
  if (hint && hint[0]) fprintf(stderr, " (%s)", hint);
  fputc('\n', stderr);
}

/* Reports an error of the library and gives the exit status that goes with it. */
static int report_ledger_error(const char *command, const char *where, const ledger_error *error) {
  char message[sizeof error->message + sizeof error->detail + 4];
  /* After Ctrl-C our own readers and writers refuse, too. */
  if (shell_interrupted && (error->code == LEDGER_INTERRUPTED || error->code == LEDGER_IO)) {
    report_problem(command, where, NULL, "interrupted; the file is as it was", NULL);
    return EXIT_INTERRUPTED;
  }
  if (error->detail[0])
    snprintf(message, sizeof message, "%s; %s", error->message, error->detail);
  else
    snprintf(message, sizeof message, "%s", error->message);
  report_problem(command, where, error->sqlstate, message, error->hint);
  switch (error->code) {
  case LEDGER_CANNOT_OPEN:
  case LEDGER_NOT_A_LEDGER:
  case LEDGER_NEWER:
  case LEDGER_MEMORY:
  case LEDGER_MISUSE:
  case LEDGER_BUSY: return EXIT_USAGE;
  default: return EXIT_REFUSED;
  }
}

static int report_error(const char *command, const char *where, const ledger *db) {
  return report_ledger_error(command, where, ledger_error_of(db));
}

static int report_memory(const struct command *command) {
  report_problem(command->name, NULL, "53200", "out of memory", NULL);
  return EXIT_USAGE;
}

static int report_usage(const struct command *command, const char *problem) {
  fprintf(stderr, "ledger %s: %s\nusage: ledger %s\n", command->name, problem, command->usage);
  return EXIT_USAGE;
}

/* False for what the next row or line would meet as well. */
static bool report_is_of_the_row(int code) {
  switch (code) {
  case LEDGER_FULL:
  case LEDGER_IO:
  case LEDGER_BUSY:
  case LEDGER_READ_ONLY:
  case LEDGER_CORRUPT:
  case LEDGER_MEMORY:
  case LEDGER_MISUSE:
  case LEDGER_NO_TRANSACTION:
  case LEDGER_INTERRUPTED: return false;
  default: return true;
  }
}

/* An option that is a number from 1 to `most`; where it is not given *out stays. */
static bool report_number(const char *text, int64_t most, int64_t *out) {
  char *end;
  if (!text) return true;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return text[0] && !*end && errno == 0 && *out >= 1 && *out <= most;
}

/* ---- progress: a line on standard error that is written over, at most ten times a second */

struct progress {
  const char *doing; /* "loading" */
  const char *unit;  /* "rows" */
  bool shown;
  int64_t last_ms, first_ms;
};

static int64_t progress_clock_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Fits ledger_progress(): nonzero once Ctrl-C was pressed. */
static int progress_report(void *context, int64_t done, int64_t total) {
  struct progress *progress = context;
  if (shell_interrupted) return 1;
  if (!isatty(STDERR_FILENO)) return 0;
  int64_t now_ms = progress_clock_ms();
  if (progress->first_ms == 0) progress->first_ms = progress->last_ms = now_ms;
  if (now_ms - progress->last_ms < (progress->shown ? 100 : 500)) return 0;
  progress->last_ms = now_ms;
  progress->shown = true;
  int64_t rate = done * 1000 / (now_ms - progress->first_ms + 1);
  if (total > 0)
    fprintf(stderr, "\r%s %" PRId64 " of %" PRId64 " %s (%d %%)\033[K", progress->doing, done,
            total, progress->unit, (int)(done * 100 / total));
  else
    fprintf(stderr, "\r%s %" PRId64 " %s (%" PRId64 "/s)\033[K", progress->doing, done,
            progress->unit, rate);
  return 0;
}

static void progress_end(const struct progress *progress) {
  if (progress->shown) fputs("\r\033[K", stderr);
}

/* ---- JSON reports */

static int report_json(cJSON *document) {
  char *text = cJSON_Print(document);
  int status = text && puts(text) >= 0 ? EXIT_DONE : EXIT_REFUSED;
  free(text);
  cJSON_Delete(document);
  return status;
}

/* {"line":n,"ok":false,"sqlstate":...} and a line's end; from malloc(), NULL when memory is short. */
static char *report_error_json(int64_t line, const ledger_error *error) {
  char number[32];
  cJSON *out = cJSON_CreateObject();
  snprintf(number, sizeof number, "%" PRId64, line);
  cJSON_AddItemToObject(out, "line", cJSON_CreateRaw(number));
  cJSON_AddBoolToObject(out, "ok", 0);
  cJSON_AddStringToObject(out, "sqlstate", error->sqlstate);
  cJSON_AddStringToObject(out, "message", error->message);
  if (error->detail[0]) cJSON_AddStringToObject(out, "detail", error->detail);
  if (error->hint[0]) cJSON_AddStringToObject(out, "hint", error->hint);
  if (error->table[0]) cJSON_AddStringToObject(out, "table", error->table);
  if (error->column[0]) cJSON_AddStringToObject(out, "column", error->column);
  if (error->constraint[0]) cJSON_AddStringToObject(out, "constraint", error->constraint);
  char *text = cJSON_PrintUnformatted(out), *with_end = NULL;
  cJSON_Delete(out);
  if (text && asprintf(&with_end, "%s\n", text) < 0) with_end = NULL;
  free(text);
  return with_end;
}

/* Standard output is flushed here, so that a full disk is an error and not silence. A reader that has seen enough and closes
** the pipe (| head) needs no words. */
static int report_flush(const char *command, int status) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return status;
  if (errno != EPIPE) report_problem(command, "standard output", "58030", strerror(errno), NULL);
  return status == EXIT_DONE ? EXIT_REFUSED : status;
}

/* Opens a ledger file for a command; prints what is wrong and sets *status otherwise. */
static ledger *report_open(const struct command *command, const char *path, int flags,
                           int *status) {
  ledger *db = NULL;
  if (ledger_open(path, flags, &db) == LEDGER_OK) return db;
  *status = report_error(command->name, path, db);
  ledger_close(db);
  return NULL;
}

/* The same for what somebody does: `user`, or else $LEDGER_ACTOR, is who the audit trail names. */
static ledger *report_open_as(const struct command *command, const char *path, int flags,
                              const char *user, int *status) {
  ledger_actor actor = {.user_id = user ? user : getenv("LEDGER_ACTOR"),
                        .user_agent = "ledger " LEDGER_VERSION};
  ledger *db = report_open(command, path, flags, status);
  if (actor.user_id && !actor.user_id[0]) actor.user_id = NULL;
  if (!db || ledger_set_actor(db, &actor) == LEDGER_OK) return db;
  *status = report_error(command->name, actor.user_id, db);
  ledger_close(db);
  return NULL;
}
