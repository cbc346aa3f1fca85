/*
** A script as psql plays it: statements end at a ';' outside quotes and parentheses, COPY takes the lines up to `\.`, the first
** error ends it if ON_ERROR_STOP was set on, and what stands at the end without a ';' is run, too. One connection plays thousands
** of scripts: where psql would commit, the state of the database is asked for and the transaction is taken back. Include after
** server.h.
*/
#ifndef TEST_SCRIPT_H
#define TEST_SCRIPT_H

#include <ctype.h>
#include <stdint.h>

#define SCRIPT_STATE 40

struct script_play {
  bool stops;               /* ON_ERROR_STOP */
  bool failed;              /* a statement was refused */
  bool committed;           /* COMMIT was reached, with a transaction to commit */
  bool was_outside;         /* a statement ran outside of a transaction */
  char state[SCRIPT_STATE]; /* of the database there, by observed.state() */
  char sqlstate[6];         /* of the first error */
  char message[400];
};

/* A schema of its own on main with a function: all rows of main's tables and of ledger_sync's, but for moments, as one hash. */
static const char script_state_sql[] =
    "CREATE SCHEMA IF NOT EXISTS observed;"
    "CREATE OR REPLACE FUNCTION observed.state() RETURNS text LANGUAGE plpgsql"
    " SET search_path = pg_catalog SET datestyle = 'ISO, YMD' SET timezone = 'UTC' SET "
    "intervalstyle = 'postgres' AS $$"
    " DECLARE r record; one text; whole text := '';"
    " BEGIN"
    "  FOR r IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = "
    "c.relnamespace"
    "    WHERE n.nspname IN ('public', 'ledger_sync') AND c.relkind = 'r' ORDER BY n.nspname, "
    "c.relname LOOP"
    "   EXECUTE format('SELECT count(*) || '':'' || coalesce(sum(hashtextextended((to_jsonb(t) - "
    "%L::text[])::text, 0)::numeric),"
    " 0) FROM %s t', '{received_at,applied_at,seen_at,error_at,at,registered_at,enrolled_at'"
    "    || CASE WHEN r.name = 'ledger_sync.conflict'::regclass THEN ',id}' ELSE '}' END, r.name) "
    "INTO one;"
    "   whole := whole || r.name || '=' || one || ';';"
    "  END LOOP;"
    "  RETURN md5(whole);"
    " END $$;";

static inline void script_state(PGconn *connection, char state[SCRIPT_STATE]) {
  PGresult *result = server_query(connection, "SELECT observed.state()");
  snprintf(state, SCRIPT_STATE, "%s", PQgetvalue(result, 0, 0));
  PQclear(result);
}

static inline void script_error(struct script_play *play, const PGresult *result) {
  const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (!play->failed) {
    snprintf(play->sqlstate, sizeof play->sqlstate, "%s", sqlstate != NULL ? sqlstate : "?????");
    snprintf(play->message, sizeof play->message, "%s", PQresultErrorMessage(result));
  }
  play->failed = true;
}

static inline bool script_is_commit(const char *sql) {
  while (isspace((unsigned char)*sql)) sql++;
  return strncasecmp(sql, "COMMIT", 6) == 0 || strncasecmp(sql, "END", 3) == 0;
}

/* The lines of COPY that start at `at`; where they end. */
static inline size_t script_copy(PGconn *connection, struct script_play *play, const char *text,
                                 size_t length, size_t at) {
  bool ended = false;
  while (at < length && !ended) {
    const char *line = text + at, *end = memchr(line, '\n', length - at);
    size_t size = end != NULL ? (size_t)(end - line) + 1 : length - at;
    ended = size >= 2 && line[0] == '\\' && line[1] == '.' &&
            (size == 2 || (size == 3 && line[2] == '\n'));
    if (!ended) PQputCopyData(connection, line, (int)size);
    at += size;
  }
  PQputCopyEnd(connection, NULL);
  for (PGresult *result; (result = PQgetResult(connection)) != NULL; PQclear(result))
    if (PQresultStatus(result) != PGRES_COMMAND_OK) script_error(play, result);
  return at;
}

/* Runs one statement; *at moves past the COPY data behind it. */
static inline void script_statement(PGconn *connection, struct script_play *play, const char *sql,
                                    const char *text, size_t length, size_t *at) {
  if (script_is_commit(sql)) {
    PGTransactionStatusType status = PQtransactionStatus(connection);
    if (status == PQTRANS_INTRANS) {
      play->committed = true;
      script_state(connection, play->state);
    }
    sql = status == PQTRANS_IDLE ? sql : "ROLLBACK";
  }
  bool is_outside = PQtransactionStatus(connection) == PQTRANS_IDLE;
  PGresult *result = PQexec(connection, sql);
  if (is_outside && PQtransactionStatus(connection) == PQTRANS_IDLE) play->was_outside = true;
  ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_FATAL_ERROR) script_error(play, result);
  PQclear(result);
  if (status != PGRES_COPY_IN) return;
  while (*at < length && text[*at] != '\n') (*at)++; /* the data begins on the next line */
  if (*at < length) (*at)++;
  *at = script_copy(connection, play, text, length, *at);
}

/* A meta-command: from the backslash to the end of the line. */
static inline size_t script_meta(struct script_play *play, const char *text, size_t length,
                                 size_t at) {
  static const char stop[] = "\\set ON_ERROR_STOP on\n";
  size_t end = at;
  while (end < length && text[end] != '\n') end++;
  if (end < length) end++;
  if (end - at == sizeof stop - 1 && memcmp(text + at, stop, sizeof stop - 1) == 0)
    play->stops = true;
  else if (play->stops)
    play->failed = true;
  return end;
}

/* How far a quoted text or a comment reaches that begins at `at`; `at` itself if there is none. */
static inline size_t script_quoted(const char *text, size_t length, size_t at) {
  char quote = text[at];
  size_t end = at;
  if (quote == '\'' || quote == '"') {
    for (end = at + 1; end < length && text[end] != quote;) end++;
    return end < length ? end + 1 : length;
  }
  if (quote == '-' && at + 1 < length && text[at + 1] == '-') {
    while (end < length && text[end] != '\n') end++;
    return end;
  }
  if (quote == '/' && at + 1 < length && text[at + 1] == '*') {
    const char *close = memmem(text + at + 2, length - at - 2, "*/", 2);
    return close != NULL ? (size_t)(close - text) + 2 : length;
  }
  return at;
}

/* Plays a text and leaves the connection without a transaction, as when psql's ends. */
static inline void script_play(PGconn *connection, const char *text, size_t length,
                               struct script_play *play) {
  char *sql = malloc(length + 1);
  size_t used = 0, at = 0;
  int depth = 0;
  memset(play, 0, sizeof *play);
  while (at < length && !(play->failed && play->stops)) {
    size_t quoted = script_quoted(text, length, at);
    char c = text[at];
    if (quoted > at) {
      memcpy(sql + used, text + at, quoted - at);
      used += quoted - at, at = quoted;
    } else if (c == '\\') {
      at = script_meta(play, text, length, at);
    } else if (c == ';' && depth <= 0) {
      sql[used] = 0, used = 0, depth = 0, at++;
      script_statement(connection, play, sql, text, length, &at);
    } else {
      depth += (c == '(') - (c == ')');
      sql[used++] = c, at++;
    }
  }
  sql[used] = 0;
  if (!(play->failed && play->stops) && strspn(sql, " \t\r\n") < used)
    script_statement(connection, play, sql, text, length, &at);
  free(sql);
  if (PQtransactionStatus(connection) != PQTRANS_IDLE) server_run(connection, "ROLLBACK");
}

#endif
