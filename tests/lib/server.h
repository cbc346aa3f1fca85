/*
** The private PostgreSQL server of a test run, by libpq: connections, databases made from .sql files by psql, text of
** results. PGHOST, PGPORT and PGUSER say where it is (tests/lib/postgres.sh sets them). Include after cmocka.h.
*/
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <glob.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void server_quiet(void *context, const char *message) {
  (void)context, (void)message;
}

static inline PGconn *server_connect(const char *database) {
  const char *keys[] = {"dbname", "client_encoding", "options", NULL};
  const char *values[] = {database, "UTF8", "-c extra_float_digits=1 -c timezone=UTC", NULL};
  PGconn *connection = PQconnectdbParams(keys, values, 0);
  if (PQstatus(connection) != CONNECTION_OK) fail_msg("no server: %s", PQerrorMessage(connection));
  PQsetNoticeProcessor(connection, server_quiet, NULL);
  return connection;
}

/* Runs statements that must succeed; the last one's result, to be cleared. */
static inline PGresult *server_query(PGconn *connection, const char *sql) {
  PGresult *result = PQexec(connection, sql);
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    fail_msg("%s\n%s", PQresultErrorMessage(result), sql);
  return result;
}
static inline void server_run(PGconn *connection, const char *sql) {
  PQclear(server_query(connection, sql));
}

/* An empty database of this name. */
static inline void server_database(const char *name) {
  PGconn *connection = server_connect("postgres");
  char sql[200];
  snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
  server_run(connection, sql);
  snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE template0", name);
  server_run(connection, sql);
  PQfinish(connection);
}

/* Runs a shell command; its exit status. */
static inline int server_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int server_shell(const char *format, ...) {
  char command[2000];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  assert_in_range(length, 1, sizeof command - 1);
  int status = system(command);
  return status == -1 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The .sql files of a built-in schema, in load order, in *files (globfree). */
static inline void server_schema_files(const char *schema, glob_t *files) {
  char pattern[200];
  if (strcmp(schema, "full") == 0)
    snprintf(pattern, sizeof pattern, "schema/full/*.sql");
  else
    snprintf(pattern, sizeof pattern, "schema/systems/%s.sql", schema);
  if (glob(pattern, 0, NULL, files) != 0) fail_msg("no files: %s", pattern);
}

/* Loads a file by psql as its users do. */
static inline void server_load(const char *database, const char *file) {
  if (server_shell("psql -X -q -v ON_ERROR_STOP=1 -d %s -f %s >/dev/null", database, file) != 0)
    fail_msg("psql refuses %s", file);
}

/* An empty database with a built-in schema, made by psql from the schema's own files. */
static inline void server_schema(const char *database, const char *schema) {
  glob_t files;
  server_database(database);
  server_schema_files(schema, &files);
  for (size_t i = 0; i < files.gl_pathc; i++) server_load(database, files.gl_pathv[i]);
  globfree(&files);
}

#endif
