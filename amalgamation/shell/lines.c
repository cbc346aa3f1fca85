/*
** lines: standard input line by line, in memory bounded by LEDGER_LINE_MAX. Of ledger load and ledger batch.
*/
#include "shell.h"

#define LINES_CAPACITY (LEDGER_LINE_MAX + 64 * 1024)

struct lines {
  char *buffer;
  size_t start, end; /* of what was read and not given out */
  int64_t number;    /* of the last line, from 1 */
  bool drop;         /* the rest of a line that was too long is still to come */
  bool ended;
};

enum lines_next {
  LINES_LINE,
  LINES_NONE, /* no whole line without waiting */
  LINES_END,
  LINES_STOPPED, /* Ctrl-C */
  LINES_FAILED   /* to read: errno */
};

static bool lines_open(struct lines *lines) {
  *lines = (struct lines){.buffer = malloc(LINES_CAPACITY)};
  return lines->buffer != NULL;
}

static void lines_close(struct lines *lines) {
  free(lines->buffer);
}

/* Takes a line out of the buffer. One that does not fit is given out cut, longer than LEDGER_LINE_MAX, and its rest dropped. */
static bool lines_take(struct lines *lines, char **text, size_t *length) {
  while (lines->start < lines->end) {
    char *line = lines->buffer + lines->start;
    size_t held = lines->end - lines->start;
    char *newline = memchr(line, '\n', held);
    if (!newline && !lines->ended && held <= LEDGER_LINE_MAX) return false;
    bool dropped = lines->drop;
    size_t taken = newline ? (size_t)(newline - line) : held;
    lines->start += taken + (newline != NULL);
    lines->drop = !newline && !lines->ended;
    if (dropped) continue;
    if (newline && taken > 0 && line[taken - 1] == '\r') taken--;
    lines->number++;
    *text = line;
    *length = taken;
    return true;
  }
  return false;
}

/* The next line, without its end; it lives until the next call. With `waits` it may be a while. */
static enum lines_next lines_next(struct lines *lines, bool waits, char **text, size_t *length) {
  while (!shell_interrupted) {
    if (lines_take(lines, text, length)) return LINES_LINE;
    if (lines->ended) return LINES_END;
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    if (!waits && poll(&input, 1, 0) == 0) return LINES_NONE;
    lines->end -= lines->start;
    memmove(lines->buffer, lines->buffer + lines->start, lines->end);
    lines->start = 0;
    ssize_t got = read(STDIN_FILENO, lines->buffer + lines->end, LINES_CAPACITY - lines->end);
    if (got < 0 && errno != EINTR) return LINES_FAILED;
    if (got > 0) lines->end += (size_t)got;
    lines->ended = got == 0;
  }
  return LINES_STOPPED;
}

/* The error of a line that was cut. */
static ledger_error lines_too_long(void) {
  ledger_error error = {.code = LEDGER_PROGRAM_LIMIT};
  snprintf(error.sqlstate, sizeof error.sqlstate, "%s", ledger_sqlstate(error.code));
  snprintf(error.message, sizeof error.message, "the line is longer than %d bytes",
           LEDGER_LINE_MAX);
  return error;
}

static int lines_failed(const struct command *command) {
  report_problem(command->name, "standard input", "58030", strerror(errno), NULL);
  return EXIT_REFUSED;
}
