/*
** Rows as text, the server's or a file's, to be compared cell by cell. Include after catalog.h.
*/
#ifndef TEST_ROWS_H
#define TEST_ROWS_H

#include "catalog.h"

struct text_rows {
  int count;
  const char ***cells; /* [row][column], NULL for NULL */
};

static inline const char **text_row(struct arena *arena, struct text_rows *rows, int columns) {
  if ((rows->count & (rows->count + 1)) == 0) { /* full at 2^n - 1 */
    const char ***cells = arena_alloc(arena, sizeof *cells * (size_t)(2 * rows->count + 2));
    if (rows->count > 0) memcpy(cells, rows->cells, sizeof *cells * (size_t)rows->count);
    rows->cells = cells;
  }
  return rows->cells[rows->count++] = arena_alloc(arena, sizeof(char *) * (size_t)columns);
}

static inline void text_rows_file(struct arena *arena, ledger *db, ledger_rows *rows,
                                  struct text_rows *out) {
  int rc;
  while ((rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    int columns = ledger_rows_count(rows);
    const char **row = text_row(arena, out, columns);
    for (int i = 0; i < columns; i++) {
      size_t length;
      const char *text = ledger_rows_text(rows, i, &length);
      row[i] = text == NULL ? NULL : arena_copy(arena, text, length);
    }
  }
  if (rc != LEDGER_DONE) fail_msg("cursor: %s", ledger_error_of(db)->message);
}

static inline void text_rows_server(struct arena *arena, PGresult *result, struct text_rows *out) {
  for (int i = 0; i < PQntuples(result); i++) {
    const char **row = text_row(arena, out, PQnfields(result));
    for (int j = 0; j < PQnfields(result); j++)
      row[j] = PQgetisnull(result, i, j)
                   ? NULL
                   : arena_copy(arena, PQgetvalue(result, i, j), (size_t)PQgetlength(result, i, j));
  }
}

static inline int text_compare(const char *a, const char *b) {
  if (a == NULL || b == NULL) return (a != NULL) - (b != NULL);
  return strcmp(a, b);
}

/* Sorts by the primary key, and by the whole row after it. */
static const struct server_table *text_sort_table;
static inline int text_compare_rows(const void *a, const void *b) {
  const char **left = *(const char ***)a, **right = *(const char ***)b;
  const struct server_key *key = &text_sort_table->keys[0];
  int order = 0;
  for (int i = 0; i < key->count && order == 0 && text_sort_table->key_count > 0; i++)
    order = text_compare(left[key->columns[i]], right[key->columns[i]]);
  for (int i = 0; i < text_sort_table->column_count && order == 0; i++)
    order = text_compare(left[i], right[i]);
  return order;
}
static inline void text_rows_sort(const struct server_table *table, struct text_rows *rows) {
  text_sort_table = table;
  if (rows->count > 1)
    qsort(rows->cells, (size_t)rows->count, sizeof *rows->cells, text_compare_rows);
}

#endif
