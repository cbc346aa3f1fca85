/*
** main_link: the connection to the main PostgreSQL, by libpq, of push, prove, receive, pull, import and init --from.
**
**   struct main_link link;
**   if (!main_link_open(&link, command->name, dsn)) { status = main_link_report(&link); main_link_close(&link); ... }
**   main_link_write     fits the writers of ledger_batch_script() and ledger_export(): a script that comes in pieces
**   main_link_end       after its last piece; link.answer is the last text that a SELECT of it gave
**   main_link_text      the one text of a query
**   main_link_query     the rows of a query, with or without parameters, all in memory
** Each answers false (NULL, nonzero) once something is wrong, with link.error saying what; main_link_abandon() then rolls
** back, and the link may be used again if its connection lives. Nothing here depends on the session: every script is one
** transaction that sets what it needs, so that a pooler may stand between. Ctrl-C cancels what main is doing.
**
** Statements are gathered up to and including a COPY and go to main together: a batch of n tables is 2 n + 1 round trips as COPY,
** and one as INSERTs.
*/
#include "libpq.h"
#include "shell.h"

/* Bytes of statements that are sent together; a longer one goes alone. */
#define LINK_GATHER (256 * 1024)
#define LINK_COPY (64 * 1024) /* bytes of COPY lines that are sent together */
#define LINK_CONNECT_MS 15000 /* for one attempt, unless the DSN has connect_timeout */
#define LINK_WARNING_MAX 20   /* warnings of main that are passed on */

/* Where in a script the last line ended. */
enum link_lexis {
  LINK_PLAIN,
  LINK_STRING,        /* '...' */
  LINK_ESCAPE_STRING, /* E'...' */
  LINK_NAME,          /* "..." */
  LINK_DOLLAR,        /* $tag$...$tag$ */
  LINK_COMMENT        /* a block */
};

struct main_link {
  PGconn *connection; /* NULL: none */
  const char *command;
  char name[256];     /* host:port/database, for messages; never a password */
  ledger_error error; /* code 0: all is well */
  int64_t round_trips, bytes_sent;
  char *answer; /* or NULL */
  int warnings;

  char *text; /* statements that were not sent, or COPY lines */
  size_t length, capacity;
  size_t line;      /* bytes of the line that has not ended */
  size_t statement; /* where in the text the current statement begins */
  enum link_lexis lexis;
  int comment_depth;
  char tag[LEDGER_NAME_MAX + 3]; /* "$tag$" */
  bool is_copying;               /* main expects lines */
  bool one_by_one; /* strings must not be read before standard_conforming_strings is set */
  bool is_misread; /* the DSN is none: trying again is of no use */
};

/* ---- errors */

static void link_error(struct main_link *link, const char *sqlstate, const char *message) {
  ledger_error *error = &link->error;
  if (error->code != LEDGER_OK) return; /* the first one says why */
  *error = (ledger_error){.code = LEDGER_ERROR};
#define X(name, number, state, meaning)                                                            \
  if (number > LEDGER_MISUSE && strcmp(sqlstate, state) == 0) error->code = LEDGER_##name;
  LEDGER_ERRORS(X)
#undef X
  snprintf(error->sqlstate, sizeof error->sqlstate, "%s", sqlstate);
  snprintf(error->message, sizeof error->message, "%s", message);
}

static void link_memory(struct main_link *link) {
  link_error(link, "53200", "out of memory");
}

static void link_interrupted(struct main_link *link) {
  link->error.code = LEDGER_OK;
  link_error(link, "57014", "interrupted");
  link->error.code = LEDGER_INTERRUPTED;
}

/* "FATAL:  28P01: password ...": the SQLSTATE, and what stands behind it; NULL if there is none. */
static const char *link_state(const char *text, char sqlstate[6]) {
  for (const char *at = text; *at && *at != '\n'; at++) {
    if (at[0] != ':' || at[1] != ' ') continue;
    const char *state = at + 1 + strspn(at + 1, " ");
    if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || state[5] != ':') continue;
    snprintf(sqlstate, 6, "%.5s", state);
    return state + 6 + strspn(state + 6, " ");
  }
  return NULL;
}

/* Takes one line of what libpq says about the connection: the reason, without what comes before it. */
static void link_connection_error(struct main_link *link) {
  char sqlstate[6] = "08006", message[sizeof link->error.message];
  const char *text = link->connection ? PQerrorMessage(link->connection) : "out of memory\n", *at;
  while ((at = strstr(text, " failed: ")) != NULL)
    text = at + strlen(" failed: "); /* of several hosts the last */
  const char *behind = link_state(text, sqlstate);
  size_t length = 0;
  bool is_quoted = false;
  /* What libpq itself quotes is out of the DSN: part of a password, where that was not escaped. */
  for (at = behind ? behind : text; *at && *at != '\n' && length < sizeof message - 1; at++) {
    if (!behind && *at == '"') is_quoted = !is_quoted;
    if (!is_quoted || *at == '"') message[length++] = *at;
  }
  message[length] = 0;
  link_error(link, sqlstate, length > 0 ? message : "the connection was lost");
}

static void link_field(char *to, size_t size, const PGresult *result, int field) {
  const char *text = PQresultErrorField(result, field);
  snprintf(to, size, "%s", text ? text : "");
}

static void link_result_error(struct main_link *link, const PGresult *result) {
  char sqlstate[6], message[sizeof link->error.message];
  link_field(sqlstate, sizeof sqlstate, result, PG_DIAG_SQLSTATE);
  link_field(message, sizeof message, result, PG_DIAG_MESSAGE_PRIMARY);
  if (link->error.code != LEDGER_OK) return;
  if (!sqlstate[0]) { /* libpq's own: the connection is gone */
    link_connection_error(link);
    return;
  }
  link_error(link, sqlstate, message);
  link_field(link->error.detail, sizeof link->error.detail, result, PG_DIAG_MESSAGE_DETAIL);
  link_field(link->error.hint, sizeof link->error.hint, result, PG_DIAG_MESSAGE_HINT);
  link_field(link->error.table, sizeof link->error.table, result, PG_DIAG_TABLE_NAME);
  link_field(link->error.column, sizeof link->error.column, result, PG_DIAG_COLUMN_NAME);
  link_field(link->error.constraint, sizeof link->error.constraint, result,
             PG_DIAG_CONSTRAINT_NAME);
}

static bool link_is_class(const ledger_error *error, const char *class) {
  return strncmp(error->sqlstate, class, strlen(class)) == 0;
}

/* May the same succeed a moment later? */
static bool main_link_is_passing(const struct main_link *link) {
  static const char *const states[] = {"40001", "40P01", "55P03", "57P01",
                                       "57P02", "57P03", "57P05", "53300"};
  if (link->is_misread) return false;
  if (link_is_class(&link->error, "08") && strcmp(link->error.sqlstate, "08P01") != 0) return true;
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (strcmp(link->error.sqlstate, states[i]) == 0) return true;
  return false;
}

/* Says what is wrong, in one line; the exit status that goes with it. */
static int main_link_report(const struct main_link *link) {
  const ledger_error *error = &link->error;
  char message[sizeof error->message + sizeof error->detail + 4];
  if (error->code == LEDGER_INTERRUPTED) {
    report_problem(link->command, link->name, NULL,
                   "interrupted; what main has not committed, it has not", NULL);
    return EXIT_INTERRUPTED;
  }
  snprintf(message, sizeof message, "%s%s%s", error->message, error->detail[0] ? "; " : "",
           error->detail);
  report_problem(link->command, link->name, error->sqlstate, message, error->hint);
  bool could_not_run = link_is_class(error, "08") || link_is_class(error, "28") ||
                       link_is_class(error, "3D") || link_is_class(error, "57P") ||
                       link_is_class(error, "53");
  return could_not_run ? EXIT_USAGE : EXIT_REFUSED;
}

static void link_notice(void *context, const PGresult *result) {
  struct main_link *link = context;
  const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (!severity || !message || strcmp(severity, "WARNING") != 0) return;
  if (link->warnings++ < LINK_WARNING_MAX)
    report_problem(link->command, link->name, PQresultErrorField(result, PG_DIAG_SQLSTATE), message,
                   "a warning");
}

/* ---- waiting */

/* Waits until the socket can do one of `events`; false after `until_ms` (0: never) or once Ctrl-C was pressed. */
static bool link_poll(struct main_link *link, short events, int64_t until_ms) {
  struct pollfd socket = {.fd = PQsocket(link->connection), .events = events};
  while (!shell_interrupted) {
    int64_t now_ms = progress_clock_ms();
    if (until_ms && now_ms >= until_ms) return false;
    /* A signal may come just before poll(): so it never waits for long. */
    int wait_ms = until_ms && until_ms - now_ms < 200 ? (int)(until_ms - now_ms) : 200;
    if (poll(&socket, 1, wait_ms) > 0) return true;
  }
  return false;
}

static void link_cancel(struct main_link *link) {
  char problem[256];
  PGcancel *cancel = PQgetCancel(link->connection);
  if (cancel) PQcancel(cancel, problem, sizeof problem);
  PQfreeCancel(cancel);
}

static void link_drop(struct main_link *link) {
  if (link->connection) PQfinish(link->connection);
  link->connection = NULL;
}

/* Sends what libpq holds, so that it never holds much. */
static bool link_flush(struct main_link *link) {
  int left;
  while ((left = PQflush(link->connection)) == 1) {
    if (!link_poll(link, POLLIN | POLLOUT, 0)) {
      link_interrupted(link);
      link_drop(link); /* in the middle of a message nothing else can be said */
      return false;
    }
    if (PQconsumeInput(link->connection) == 0) break;
  }
  if (left == 0) return true;
  link_connection_error(link);
  return false;
}

/* The next result, NULL behind the last. After Ctrl-C main is asked to stop, and given five seconds for it. */
static PGresult *link_result(struct main_link *link) {
  int64_t until_ms = 0;
  if (!link->connection) return NULL;
  while (PQisBusy(link->connection)) {
    if (until_ms == 0 && shell_interrupted) {
      link_cancel(link);
      until_ms = progress_clock_ms() + 5000;
    }
    struct pollfd socket = {.fd = PQsocket(link->connection), .events = POLLIN};
    poll(&socket, 1, 200);
    if (until_ms && progress_clock_ms() > until_ms) {
      link_drop(link);
      break;
    }
    if (PQconsumeInput(link->connection) == 0) break; /* PQgetResult() says so */
  }
  if (shell_interrupted) link_interrupted(link);
  return link->connection ? PQgetResult(link->connection) : NULL;
}

/* Ends a COPY that nobody wants; its results are still to be taken. */
static void link_end_copy(struct main_link *link, ExecStatusType status) {
  char *bytes;
  if (status == PGRES_COPY_IN && PQputCopyEnd(link->connection, "given up") == 1) {
    link_flush(link);
  } else if (status == PGRES_COPY_OUT) {
    link_cancel(link);
    while (PQgetCopyData(link->connection, &bytes, 0) > 0) PQfreemem(bytes);
  }
}

/* ---- connecting */

static void link_named(struct main_link *link) {
  const char *host = PQhost(link->connection), *port = PQport(link->connection),
             *database = PQdb(link->connection);
  /* Where a password was not escaped, libpq takes parts of it for one of these. */
  if (!host || !host[0] || !port || port[strspn(port, "0123456789")] || !database) return;
  if (!strchr(host, '@') && !strchr(database, '@'))
    snprintf(link->name, sizeof link->name, "%.120s:%.10s/%.100s", host, port, database);
}

static int64_t link_timeout_ms(PGconn *connection) {
  int64_t seconds = 0;
  PQconninfoOption *options = PQconninfo(connection);
  for (PQconninfoOption *option = options; option && option->keyword; option++)
    if (strcmp(option->keyword, "connect_timeout") == 0 && option->val)
      seconds = strtoll(option->val, NULL, 10);
  PQconninfoFree(options);
  return seconds > 0 && seconds < 3600 ? seconds * 1000 : LINK_CONNECT_MS;
}

static void link_connect(struct main_link *link) {
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  int64_t until_ms = progress_clock_ms() + link_timeout_ms(link->connection);
  while (next == PGRES_POLLING_READING || next == PGRES_POLLING_WRITING) {
    if (!link_poll(link, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms)) break;
    next = PQconnectPoll(link->connection);
  }
  link_named(link);
  if (next == PGRES_POLLING_OK) return;
  if (shell_interrupted)
    link_interrupted(link);
  else if (next == PGRES_POLLING_FAILED)
    link_connection_error(link);
  else
    link_error(link, "08001", "no answer in time");
}

/* The DSN is libpq's: a URI, key=value pairs, or a database's name; what it leaves out PGHOST, PGPASSWORD and the like say. */
static bool main_link_open(struct main_link *link, const char *command, const char *dsn) {
  const char *const keys[] = {"fallback_application_name",
                              "client_encoding",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "dbname",
                              NULL};
  const char *const values[] = {"ledger", "UTF8", "30", "10", "3", dsn, NULL};
  *link = (struct main_link){.command = command, .name = "main"};
  const char *problem = libpq_load();
  if (problem) {
    link_error(link, "58P01", problem);
    return false;
  }
  bool is_text = strpbrk(dsn, "=@") || strstr(dsn, "://"); /* user:password@host is no name */
  PQconninfoOption *parsed = is_text ? PQconninfoParse(dsn, NULL) : NULL;
  if (is_text && !parsed) { /* what libpq says of it may quote a password */
    link->is_misread = true;
    link_error(link, "08001",
               "the connection string is neither a postgresql:// URI nor key=value pairs as libpq "
               "reads them");
    return false;
  }
  PQconninfoFree(parsed);
  link->connection = PQconnectStartParams(keys, values, 1);
  if (!link->connection || PQstatus(link->connection) == CONNECTION_BAD) {
    if (link->connection) link_named(link);
    link_connection_error(link);
    return false;
  }
  PQsetErrorVerbosity(link->connection,
                      PQERRORS_VERBOSE); /* for the SQLSTATE of a connection that is refused */
  link_connect(link);
  if (link->error.code != LEDGER_OK) return false;
  link->round_trips = 1;
  PQsetNoticeReceiver(link->connection, link_notice, link);
  const char *conforming = PQparameterStatus(link->connection, "standard_conforming_strings");
  link->one_by_one = conforming && strcmp(conforming, "off") == 0;
  if (PQsetnonblocking(link->connection, 1) == 0) return true;
  link_connection_error(link);
  return false;
}

static void main_link_close(struct main_link *link) {
  link_drop(link);
  free(link->text);
  free(link->answer);
  link->text = link->answer = NULL;
}

/* ---- sending */

static bool link_append(struct main_link *link, const char *bytes, size_t length) {
  if (length >= link->capacity - link->length) {
    size_t capacity = (link->length + length) * 2 + 4096;
    char *text = realloc(link->text, capacity);
    if (!text) {
      link_memory(link);
      return false;
    }
    link->text = text;
    link->capacity = capacity;
  }
  memcpy(link->text + link->length, bytes, length);
  link->length += length;
  link->text[link->length] = 0;
  return true;
}

static void link_take(struct main_link *link, const PGresult *result) {
  int rows = PQntuples(result);
  if (rows == 0 || PQnfields(result) == 0) return;
  free(link->answer);
  link->answer = NULL;
  if (!PQgetisnull(result, rows - 1, 0)) {
    link->answer = strdup(PQgetvalue(result, rows - 1, 0));
    if (!link->answer) link_memory(link);
  }
}

/* Takes all results of what was sent; up to COPY, if `is_copy`. */
static bool link_results(struct main_link *link, bool is_copy) {
  PGresult *result;
  link->round_trips++;
  while (!link->is_copying && (result = link_result(link)) != NULL) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK) {
      link_take(link, result);
    } else if (status == PGRES_COPY_IN && is_copy) {
      link->is_copying = true;
    } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      link_error(link, "0A000", "the script has a COPY where none can be");
      link_end_copy(link, status);
    } else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
      link_result_error(link, result);
    PQclear(result);
  }
  if (!link->connection) link_error(link, "08006", "the connection was lost");
  return link->error.code == LEDGER_OK;
}

static bool link_send(struct main_link *link, bool is_copy) {
  if (!link->connection) link_error(link, "08003", "there is no connection");
  if (link->error.code != LEDGER_OK) return false;
  if (link->length == 0) return true;
  link->bytes_sent += 6 + (int64_t)link->length; /* a Query message */
  bool is_sent = PQsendQuery(link->connection, link->text) == 1;
  link->length = link->statement = 0;
  if (!is_sent) {
    link_connection_error(link);
    return false;
  }
  return link_flush(link) && link_results(link, is_copy);
}

/* ---- a script in pieces: COPY lines */

static bool link_put(struct main_link *link) {
  if (link->length == 0) return true;
  link->bytes_sent += 5 + (int64_t)link->length; /* a CopyData message */
  bool is_put = PQputCopyData(link->connection, link->text, (int)link->length) == 1;
  link->length = 0;
  if (!is_put) {
    link_connection_error(link);
    return false;
  }
  return link_flush(link);
}

/* A part of a line of COPY, with its end or without. */
static bool link_copy_part(struct main_link *link, const char *bytes, size_t length,
                           bool is_ended) {
  if (!link_append(link, bytes, length)) return false;
  link->line += length;
  bool is_last =
      is_ended && link->line == 3 && memcmp(link->text + link->length - 3, "\\.\n", 3) == 0;
  if (is_ended) link->line = 0;
  if (!is_last) /* what may be the beginning of "\." stays */
    return link->length < LINK_COPY || (link->line > 0 && link->line < 3) || link_put(link);
  link->length -= 3;
  link->is_copying = false;
  if (!link_put(link)) return false;
  link->bytes_sent += 5; /* CopyDone */
  if (PQputCopyEnd(link->connection, NULL) == 1)
    return link_flush(link) && link_results(link, false);
  link_connection_error(link);
  return false;
}

/* ---- a script in pieces: statements */

static bool link_is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

/* At a '$' outside of words: the length of "$tag$", or 0. */
static size_t link_tag(const char *text, const char *end) {
  const char *at = text + 1;
  if (at < end && *at >= '0' && *at <= '9') return 0;
  while (at < end && link_is_word(*at)) at++;
  size_t length = (size_t)(at + 1 - text);
  return at < end && *at == '$' && length < LEDGER_NAME_MAX + 3 ? length : 0;
}

/* One step of plain SQL; the bytes it took. */
static size_t link_step_plain(struct main_link *link, const char *line, const char *at,
                              const char *end) {
  size_t tag;
  bool in_word = at > line && link_is_word(at[-1]);
  if (*at == '\'') {
    bool is_escape =
        in_word && (at[-1] == 'E' || at[-1] == 'e') && (at - 1 == line || !link_is_word(at[-2]));
    link->lexis = is_escape ? LINK_ESCAPE_STRING : LINK_STRING;
  } else if (*at == '"') {
    link->lexis = LINK_NAME;
  } else if (at[0] == '-' && at + 1 < end && at[1] == '-') {
    return (size_t)(end - at);
  } else if (at[0] == '/' && at + 1 < end && at[1] == '*') {
    link->lexis = LINK_COMMENT;
    link->comment_depth = 1;
    return 2;
  } else if (*at == '$' && !in_word && (tag = link_tag(at, end)) > 0) {
    snprintf(link->tag, sizeof link->tag, "%.*s", (int)tag, at);
    link->lexis = LINK_DOLLAR;
    return tag;
  }
  return 1;
}

/* One step inside of a string, a name or a comment; a doubled quote ends it and begins it again. */
static size_t link_step_quoted(struct main_link *link, const char *at, const char *end) {
  size_t tag = strlen(link->tag);
  switch (link->lexis) {
  case LINK_ESCAPE_STRING:
    if (*at == '\\') return end - at > 1 ? 2 : 1;
    if (*at == '\'') {
      if (end - at > 1 && at[1] == '\'') return 2;
      link->lexis = LINK_PLAIN;
    }
    return 1;
  case LINK_DOLLAR:
    if ((size_t)(end - at) < tag || memcmp(at, link->tag, tag) != 0) return 1;
    link->lexis = LINK_PLAIN;
    return tag;
  case LINK_COMMENT:
    if (end - at > 1 && at[0] == '/' && at[1] == '*') return link->comment_depth++, 2;
    if (end - at < 2 || at[0] != '*' || at[1] != '/') return 1;
    if (--link->comment_depth == 0) link->lexis = LINK_PLAIN;
    return 2;
  default:
    if (*at == (link->lexis == LINK_NAME ? '"' : '\'')) link->lexis = LINK_PLAIN;
    return 1;
  }
}

/* Reads a whole line; true if a statement ends with it. */
static bool link_read_line(struct main_link *link, const char *line, const char *end) {
  char last = 0;
  for (const char *at = line; at < end;) {
    bool was_plain = link->lexis == LINK_PLAIN;
    size_t taken =
        was_plain ? link_step_plain(link, line, at, end) : link_step_quoted(link, at, end);
    if (!was_plain || link->lexis != LINK_PLAIN)
      last = '\'';
    else if (taken == 1 && !strchr(" \t\r\n", *at))
      last = *at;
    at += taken;
  }
  return link->lexis == LINK_PLAIN && last == ';';
}

static bool link_is_copy(const char *statement, const char *end) {
  static const char tail[] = " FROM stdin;\n";
  size_t length = (size_t)(end - statement), tail_length = sizeof tail - 1;
  return length > tail_length && memcmp(statement, "COPY ", 5) == 0 &&
         memcmp(end - tail_length, tail, tail_length) == 0;
}

/* A part of a line of statements, with its end or without. */
static bool link_statement_part(struct main_link *link, const char *bytes, size_t length,
                                bool is_ended) {
  if (!link_append(link, bytes, length)) return false;
  link->line += length;
  if (!is_ended) return true;
  char *line = link->text + link->length - link->line, *end = link->text + link->length;
  char *statement = link->text + link->statement;
  link->line = 0;
  if (line == statement && link->lexis == LINK_PLAIN && (line[0] == '\\' || line[0] == '\n')) {
    /* \set is psql's own, and an empty line is nothing */
    link->length -= (size_t)(end - line);
    return true;
  }
  if (!link_read_line(link, line, end)) return true;
  bool is_copy = link_is_copy(statement, end);
  link->statement = link->length;
  if (!is_copy && !link->one_by_one && link->length < LINK_GATHER) return true;
  return link_send(link, is_copy);
}

/* A piece of a script; fits the `write` of ledger_export() and ledger_batch_script(). Nonzero: link->error says why. */
static int main_link_write(void *context, const void *bytes, size_t length) {
  struct main_link *link = context;
  const char *at = bytes, *end = at + length;
  bool is_good = link->error.code == LEDGER_OK;
  while (is_good && at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t part = (size_t)((newline ? newline + 1 : end) - at);
    is_good = link->is_copying ? link_copy_part(link, at, part, newline != NULL)
                               : link_statement_part(link, at, part, newline != NULL);
    at += part;
  }
  if (is_good && shell_interrupted) {
    link_interrupted(link);
    is_good = false;
  }
  return is_good ? 0 : 1;
}

/* Behind the last piece. */
static bool main_link_end(struct main_link *link) {
  if (link->error.code == LEDGER_OK && (link->is_copying || link->lexis != LINK_PLAIN))
    link_error(link, "42601", "the script ends in the middle");
  if (!link_send(link, false)) return false;
  if (PQtransactionStatus(link->connection) == PQTRANS_IDLE) return true;
  link_error(link, "25P01", "the script ends inside of a transaction");
  return false;
}

/* Forgets the error and rolls back what is open; false if the connection is gone. */
static bool main_link_abandon(struct main_link *link) {
  static const char rollback[] = "ROLLBACK;\n";
  link->length = link->line = link->statement = 0;
  link->lexis = LINK_PLAIN;
  if (link->connection && link->is_copying) link_end_copy(link, PGRES_COPY_IN);
  link->is_copying = false;
  for (PGresult *result; (result = link_result(link)) != NULL; PQclear(result))
    link_end_copy(link, PQresultStatus(result));
  link->error = (ledger_error){.code = LEDGER_OK};
  if (link->connection && PQtransactionStatus(link->connection) != PQTRANS_IDLE &&
      !(link_append(link, rollback, sizeof rollback - 1) && link_send(link, false)))
    link_drop(link);
  if (link->connection && PQstatus(link->connection) != CONNECTION_OK) link_drop(link);
  link->error = (ledger_error){.code = LEDGER_OK};
  return link->connection != NULL;
}

/* ---- scripts and queries that are there whole */

/* The last text of the statements, or NULL: no row, a null, or an error. It is the link's, until its next statement. */
static const char *main_link_text(struct main_link *link, const char *sql) {
  static const char first[] = "BEGIN;\nSET LOCAL standard_conforming_strings = on;\n";
  free(link->answer);
  link->answer = NULL;
  bool is_good = true;
  if (link->one_by_one) is_good = main_link_write(link, first, sizeof first - 1) == 0;
  if (is_good) is_good = main_link_write(link, sql, strlen(sql)) == 0;
  if (is_good && link->one_by_one) is_good = main_link_write(link, "\nCOMMIT;\n", 9) == 0;
  return is_good && main_link_end(link) ? link->answer : NULL;
}

static bool link_ask(struct main_link *link, const char *sql, int count,
                     const char *const *values) {
  if (!link->connection) link_error(link, "08003", "there is no connection");
  if (link->error.code != LEDGER_OK) return false;
  link->bytes_sent += 6 + (int64_t)strlen(sql);
  for (int i = 0; i < count; i++)
    link->bytes_sent += 4 + (values[i] ? (int64_t)strlen(values[i]) : 0);
  int is_sent = count == 0
                    ? PQsendQuery(link->connection, sql)
                    : PQsendQueryParams(link->connection, sql, count, NULL, values, NULL, NULL, 0);
  if (is_sent == 1) return link_flush(link);
  link_connection_error(link);
  return false;
}

/* The rows of one statement, to be PQclear()ed; $1.. are values[], texts or NULL. NULL: an error. */
static PGresult *main_link_query(struct main_link *link, const char *sql, int count,
                                 const char *const *values) {
  PGresult *result, *rows = NULL;
  if (!link_ask(link, sql, count, values)) return NULL;
  link->round_trips++;
  while ((result = link_result(link)) != NULL) {
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
      PQclear(rows);
      rows = result;
      continue;
    }
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
      link_error(link, "0A000", "the statement is a COPY");
      link_end_copy(link, status);
    } else
      link_result_error(link, result);
    PQclear(result);
  }
  if (!link->connection) link_error(link, "08006", "the connection was lost");
  if (link->error.code == LEDGER_OK && !rows) link_error(link, "XX000", "no result");
  if (link->error.code == LEDGER_OK) return rows;
  PQclear(rows);
  return NULL;
}
