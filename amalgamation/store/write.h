/*
** write.h: what write.c, write_change.c and violation.c share: a row on its way into a table.
*/
#ifndef LEDGER_WRITE_H
#define LEDGER_WRITE_H

enum { WRITE_KEY_MAX = 32 + 4 * 2 * LEDGER_COLUMN_MAX };

/* A statement's key: what it was built from, so that equal keys mean equal SQL. */
struct write_key {
  size_t length;
  unsigned char bytes[WRITE_KEY_MAX];
};
LEDGER_PRIVATE void write_key_start(struct write_key *key, char verb, const struct relation *relation);
LEDGER_PRIVATE void write_key_add(struct write_key *key, int number);

/* The table of a statement; `verb` words the refusal of a view: "insert into", "update", "delete from". */
LEDGER_PRIVATE int write_table(ledger *db, const char *name, const char *verb, struct relation **out);
/* Positions of named columns. UNDEFINED_COLUMN; a column named twice has the code and words of `verb`. */
LEDGER_PRIVATE int write_columns(ledger *db, const struct relation *relation, int count, const char *const *names, char verb,
                                 int *positions);
/* A given value in the column's stored form, by assignment; not for LEDGER_DEFAULT. */
LEDGER_PRIVATE int write_value(ledger *db, const struct relation *relation, int column, const ledger_value *given,
                               struct value *out);
/* Some of the values are refused: which fault does PostgreSQL report? It reads all values first, in the order given, and fits
** them to lengths and scales after that, in the table's order. LEDGER_OK when all of them are good. */
LEDGER_PRIVATE int write_values_error(ledger *db, const struct relation *relation, int count, const int *positions,
                                      const ledger_value *values);
/* The type without its length and scale. */
LEDGER_PRIVATE struct type write_bare_type(const struct type *type);
/* write_propose() with write_nulls(). */
LEDGER_PRIVATE int write_row(ledger *db, struct relation *relation, int count, const char *const *columns,
                             const ledger_value *values, struct value **row, const int **positions);
/* "a", "b", ... of the relation. */
LEDGER_PRIVATE void write_column_list(sqlite3_str *out, const struct relation *relation);
/* INSERT INTO "t" ("a", ...) VALUES (?1, ...), with the alias "old" for upserts. */
LEDGER_PRIVATE void write_insert_sql(sqlite3_str *out, const struct relation *relation, const char *alias);
/* Steps a statement with RETURNING to its end, keeping the rows, then resets it. A SQLite code. */
LEDGER_PRIVATE int write_step(ledger *db, sqlite3_stmt *stmt, const struct relation *relation, ledger_rows **returned);

/* ---- write_change.c, for write_rows.c */

/* One statement being put together. */
struct change {
  ledger *db;
  struct relation *relation;
  int event; /* TRIGGER_UPDATE or TRIGGER_DELETE */
  bool is_upsert;
  int set_count;
  int *set;       /* positions */
  bool *changed;  /* by position: set by the caller */
  bool *assigned; /* by position: set by a trigger or generated */
  bool *minted;   /* as set: by a default that is another one for each row */
  bool is_probe;  /* the SQL is for violation.c: no sequence moves, and there is no "excluded" */
  enum change_rows {
    CHANGE_WHERE,
    CHANGE_ONE_ROW,
    CHANGE_ROWS
  } rows; /* how they are named: where, or by rowid or a list */
  int where_count;
  int *where;
  int parameter_count; /* values to set, then those of where */
  struct value *parameters;
};

/* Room for so many columns to set and to be restricted by. */
LEDGER_PRIVATE int change_room(struct change *change, ledger *db, struct relation *relation, int set_count, int where_count);
/* Reads what is to be set. */
LEDGER_PRIVATE int change_set(struct change *change, const char *const *columns, const ledger_value *values);
/* Appends WHERE. */
LEDGER_PRIVATE void change_sql_where(const struct change *change, sqlite3_str *out);
/* The new row as a SELECT over "old", after triggers and with generated columns. NULL: memory is short. */
LEDGER_PRIVATE char *change_sql_image(const struct change *change);
/* Does a foreign key of the relation refer to the column in itself? */
LEDGER_PRIVATE bool change_is_own_key(const struct relation *relation, int column);
/* Runs it; `rows`, where not NULL, receives the rows. */
LEDGER_PRIVATE int change_update(struct change *change, int64_t *count, ledger_rows **rows);
LEDGER_PRIVATE int change_delete(struct change *change, int64_t *count, ledger_rows **rows);
/* The columns of ON CONFLICT, which must be a key; count 0: the primary key. INVALID_REFERENCE. */
LEDGER_PRIVATE int change_conflict(struct change *change, int count, const char *const *names);
/* What DO UPDATE sets; see there. */
LEDGER_PRIVATE void change_upsert_columns(struct change *change, int count, const int *given, bool respells);
LEDGER_PRIVATE int change_upsert(struct change *change, const struct value *row, int update, int64_t *count, ledger_rows **rows);

/* ---- observe.c: around a statement that writes rows of a relation. What it did to rows is kept, and told when it is done: to
** change.c, and of those that the observer wants to it; an objection undoes it. */

/* After transaction_begin(), before the statement. is_insert: it is a plain INSERT of one row. */
LEDGER_PRIVATE int observe_start(struct observe *observe, ledger *db, const struct relation *relation, bool is_insert);
/* After it, with its result and the row that it inserted; returns that or the objection. To be called also when observe_start()
** failed. */
LEDGER_PRIVATE int observe_end(struct observe *observe, int rc, const struct value *inserted);

#endif
