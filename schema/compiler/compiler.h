/*
** The schema compiler: PostgreSQL DDL in, a script for SQLite out. It alone links PostgreSQL's parser (libpg_query).
** Used at build time for the built-in schemas and by the command-line program for a schema of the user's own.
*/
#ifndef LEDGER_COMPILER_H
#define LEDGER_COMPILER_H

#include <stdbool.h>
#include <stddef.h>

enum schema_severity {
  SCHEMA_ERROR,    /* cannot be honoured: nothing is compiled */
  SCHEMA_SKIPPED,  /* means nothing here, or left out by lenient; has no effect on stored rows */
  SCHEMA_RECORDED, /* kept for the export, not enforced here */
  SCHEMA_HINT      /* accepted, with something the author should know */
};

struct schema_note {
  enum schema_severity severity;
  int file;         /* index into the files given */
  int line, column; /* from 1; column in characters */
  char sqlstate[6]; /* errors: 42601, 0A000, ... */
  char *message;    /* what was found and why it is so */
  char *hint;       /* what to do, or NULL */
};

struct schema_options {
  const char *name; /* recorded as schema_name */
  bool lenient;     /* leave out what has no effect on stored rows instead of refusing it */
};

struct schema_file {
  const char *name; /* for messages: the base name */
  const char *text; /* UTF-8 */
  size_t length;
};

struct schema_result {
  int note_count;
  struct schema_note *notes; /* in order of place */
  int error_count;           /* 0: script is there */
  char *script;              /* SQLite statements for ledger_create(), NULL after errors */
  char *postgres;            /* the normalised PostgreSQL script (ledger schema --postgres), NULL after errors */
  char *json;                /* the catalog as JSON (ledger schema --json), NULL after errors */
  struct model *model;       /* for schema_query() */
};

/* Compiles the files as one script. *out is the caller's, also when there are errors: schema_free(). Returns 0, or 1 when
** there are errors, or 2 when memory is short (*out NULL). */
int schema_compile(const struct schema_file *files, int file_count, const struct schema_options *options,
                   struct schema_result **out);
void schema_free(struct schema_result *result);

/* One translated SELECT: SQLite text and its columns' types as format_type() prints them. For tests and later the SQL shell. */
struct schema_query {
  char *sql;
  int column_count;
  char **names;
  char **types;
  char sqlstate[6]; /* "" or why it was refused */
  char message[256];
  int position;     /* byte offset of the fault, -1 unknown */
};
int schema_query(const struct schema_result *schema, const char *select, struct schema_query *out);
void schema_query_free(struct schema_query *query);

#endif
