/*
** query_body.h: the rows that a request brings along, one after the other.
*/
#ifndef LEDGER_QUERY_BODY_H
#define LEDGER_QUERY_BODY_H

struct query_body {
  struct query *query;
  int count;          /* columns that the rows give */
  const char **names; /* in the order of their bytes */
  int *positions;     /* in the relation */
  int64_t row_count;
  /* private to query_body.c: */
  bool is_named;           /* the names are those of columns=, and members beside them are passed over */
  bool is_object;          /* JSON: one object, not an array of them; a form */
  int64_t row;             /* number of the one that is being read, from 1 */
  int64_t *seen;           /* by name: the last row that had it */
  int field_count, *field; /* where the n-th member or field of a row belongs, as it was the last time; -1: nowhere */
  size_t first, at;        /* CSV: of the first line of values, and of the next one */
  struct json json;
};

/*
** Reads the body of query->ask once, to its end, for its form, and finds its columns in query->relation. `heeds_columns`: columns= counts.
** BAD_QUERY (PGRST102: not JSON or CSV, or its rows have not the same members; PGRST204: no such column), PROGRAM_LIMIT,
** TOO_COMPLEX; where there is columns= what PostgreSQL says of such JSON: INVALID_TEXT, INVALID_PARAMETER.
*/
LEDGER_PRIVATE int query_body_open(struct query_body *body, struct query *query, bool heeds_columns);
/* The next row's values, one for each name: LEDGER_ROW, LEDGER_DONE or an error. They point into the body or lie in the handle's arena.
** Numbers stay the text that they are. */
LEDGER_PRIVATE int query_body_next(struct query_body *body, ledger_value *values);
LEDGER_PRIVATE void query_body_rewind(struct query_body *body);

#endif
