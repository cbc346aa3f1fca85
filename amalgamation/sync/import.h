/*
** import.h: what the parts of the import share. import_dump.c reads a pg_dump piece by piece: tokens of statements, rows of COPY data.
** import_rows.c puts rows into the tables, import_book.c the balances into the book, import.c owns the order of things.
*/
#ifndef LEDGER_IMPORT_H
#define LEDGER_IMPORT_H

/* ---- import_dump.c: the dump */

enum dump_token {
  DUMP_END,
  DUMP_WORD,   /* an identifier in lower case, or a keyword */
  DUMP_NAME,   /* a quoted identifier */
  DUMP_STRING, /* decoded */
  DUMP_NUMBER,
  DUMP_SYMBOL /* one character */
};

enum dump_field_kind { DUMP_NULL, DUMP_DEFAULT, DUMP_TEXT };
struct dump_field {
  enum dump_field_kind kind;
  size_t start, length; /* in dump.text */
};

/* What is read lies in `text`, one behind the other, until the reader says dump_clear(). An error stays in `rc`, and everything is at
** its end from then on. */
struct dump {
  ptrdiff_t (*read)(void *context, void *bytes, size_t length);
  void *context;
  ledger_error *error;
  int rc;
  unsigned char *buffer;
  size_t at, end; /* of what is in the buffer and not read yet */
  bool ended;
  int64_t line;  /* of the next byte, from 1 */
  int64_t place; /* of the token or row that was read last */
  int64_t bytes;
  bool is_open;         /* pg_dump's first line was there, and its last one is still to come */
  bool has_backslashes; /* standard_conforming_strings is off */
  char *text;
  size_t length, room;
  enum dump_token token;
  char symbol;               /* DUMP_SYMBOL */
  size_t start, size;        /* of the token in `text` */
  enum { DUMP_LF, DUMP_CRLF, DUMP_ANY } line_end; /* of the COPY data that is read */
  int field_count, field_room;
  struct dump_field *fields; /* of the row */
};

LEDGER_PRIVATE int dump_open(struct dump *dump, ptrdiff_t (*read)(void *, void *, size_t), void *context, ledger_error *error);
LEDGER_PRIVATE void dump_close(struct dump *dump);
LEDGER_PRIVATE void dump_clear(struct dump *dump); /* forgets the texts and fields */
LEDGER_PRIVATE int dump_next(struct dump *dump);   /* the next token; LEDGER_OK or dump->rc */
LEDGER_PRIVATE bool dump_is(const struct dump *dump, const char *word); /* is the token that keyword? */
LEDGER_PRIVATE bool dump_is_symbol(const struct dump *dump, char symbol);
LEDGER_PRIVATE int dump_refuse(struct dump *dump); /* "syntax error at or near", of the token */
LEDGER_PRIVATE int dump_expect(struct dump *dump, char symbol); /* the token must be it; reads the next one */
/* Between statements: passes white space, comments and psql's own lines (\restrict, \connect). */
LEDGER_PRIVATE int dump_between(struct dump *dump);
/* From the token that was read last to the statement's semicolon, through function bodies; `creates`: CREATE. */
LEDGER_PRIVATE int dump_skip(struct dump *dump, bool creates);
LEDGER_PRIVATE int dump_add_field(struct dump *dump, enum dump_field_kind kind, size_t start, size_t length);
LEDGER_PRIVATE int dump_add_byte(struct dump *dump, char byte); /* to the texts */
/* Behind the semicolon of COPY ... FROM stdin: to the line's end. Then rows, fields decoded, until *is_end. With `is_skipped` the
** fields are not kept. */
LEDGER_PRIVATE int dump_copy_start(struct dump *dump);
LEDGER_PRIVATE int dump_copy_row(struct dump *dump, bool is_skipped, bool *is_end);

/* ---- import_rows.c: rows into tables */

struct import_table {
  const struct relation *relation;
  sqlite3_stmt *insert, *find, *image; /* image: generated columns; NULL: none */
  bool has_begun;                     /* one without a primary key was empty */
  bool is_accounts, is_portfolio;     /* its balances become opening journals */
  int64_t inserted, skipped;
};

struct import {
  ledger *db;
  struct dump dump;
  int flags;
  struct import_table *tables;   /* one for each relation of the catalog */
  struct import_table *table;    /* of the statement; NULL: its rows are left out */
  int column_count;
  int *columns;                  /* of the statement: positions in the relation */
  struct value *row, *written;   /* by column; `written` has no balances */
  bool *given;
  int left_out_count;            /* tables and sequences that the file lacks */
  struct import_left_out {
    char name[2 * LEDGER_NAME_MAX + 2];
    int64_t rows;
  } * left_out;
  struct import_left_out *leaves; /* the one of the statement */
  bool is_refused;               /* the file lacks some, and nothing is written any more */
  sqlite3_stmt *keep;            /* balances, for the opening journals */
  bool has_balances;
  int scale;                     /* of accounts.balance */
  char zero[MONEY_TEXT_MAX], zero_coins[MONEY_TEXT_MAX]; /* as the columns store it */
  int64_t before[IMPORTED_TABLES]; /* the last rowid before the import */
  int64_t rows, openings, holds, sequences;
  int64_t key_range;             /* of the device; -1: none */
};

LEDGER_PRIVATE int import_tables_open(struct import *import);
LEDGER_PRIVATE void import_tables_close(struct import *import);
/* The table of a statement; import->table NULL where its rows are left out. */
LEDGER_PRIVATE int import_find_table(struct import *import, const char *schema, const char *name);
/* The columns of the statement: all of them where count is 0, else one call for each name. */
LEDGER_PRIVATE int import_all_columns(struct import *import);
LEDGER_PRIVATE int import_add_column(struct import *import, const char *name);
/* The row whose fields the dump has: read, into import->row; and written. */
LEDGER_PRIVATE int import_read_row(struct import *import);
LEDGER_PRIVATE int import_row(struct import *import);
LEDGER_PRIVATE int import_check_relation(ledger *db, const struct relation *relation); /* its foreign keys */
LEDGER_PRIVATE int import_leave_out(struct import *import, const char *schema, const char *name);

/* ---- import_book.c: balances and history */

LEDGER_PRIVATE int import_book_open(struct import *import); /* before the rows: where the imported ones will begin */
LEDGER_PRIVATE void import_book_close(struct import *import);
/* Takes the balances out of `written`; keeps them once the row is in. */
LEDGER_PRIVATE void import_balances_take(struct import *import, bool *has_balance);
LEDGER_PRIVATE int import_balances_keep(struct import *import);
/* Behind the rows: the journal that says what was imported; the opening journals. */
LEDGER_PRIVATE int import_book_finish(struct import *import);

#endif
