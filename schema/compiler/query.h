/*
** What query.c and query_from.c share.
*/
#ifndef LEDGER_QUERY_H
#define LEDGER_QUERY_H

#include "expression.h"

/* A translated query, with what only an enclosing query asks. */
struct query_result {
  const char *sql;
  int column_count;
  const char **names;        /* as PostgreSQL names the columns */
  const char **stored_names; /* the same, but no two alike, as SQLite sees them */
  struct expression *items;  /* types; sql only where it is a single SELECT */
  bool is_single;            /* gives surely no more than one row */
};

/* What becomes of output columns that are literals of unknown type. */
enum query_unknown { QUERY_KEEP_UNKNOWN, QUERY_SETTLE };

/* wanted: convert the columns to these types (a UNION's), or NULL. */
bool query_select(struct compiler *c, const PgQuery__SelectStmt *select, const struct scope *outer,
                  enum query_unknown unknown, const struct sqltype *wanted,
                  struct query_result *out);

/* FROM: adds entries to the scope and returns SQLite's text ("" for no FROM). */
bool query_from(struct compiler *c, size_t count, PgQuery__Node *const *items, struct scope *scope,
                const char **sql);

/* Does a SELECT from this scope surely give no more than one row: an aggregate, LIMIT 1, a whole key in WHERE? */
bool query_is_single(struct compiler *c, const PgQuery__SelectStmt *select,
                     const struct scope *scope, bool is_grouped);

/* WITH: adds its queries to the scope and returns SQLite's text. */
bool query_with_clause(struct compiler *c, const PgQuery__WithClause *clause, struct scope *scope,
                       const char **sql);

/* One side of a UNION as SQLite wants it: its own ORDER BY, LIMIT or operator within a sub-select. */
const char *query_side(struct compiler *c, const PgQuery__SelectStmt *side,
                       const struct query_result *result, bool distinct, bool is_left);

/* The name an expression gives its column; "?column?" where it gives none. */
const char *query_column_name(const PgQuery__Node *node);

/* Names made unlike, for SQLite. */
const char **query_unlike_names(struct compiler *c, int count, const char **names);

const char *query_append(struct compiler *c, const char *list, const char *separator,
                         const char *item);

#endif
