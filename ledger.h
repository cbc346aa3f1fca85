/*
** ledger: an application's PostgreSQL database in one SQLite file.
**
** This header is the manual. Read it from top to bottom: what a file is, errors, values, opening, writing rows,
** reading rows, describing, carrying away.
**
** A ledger file is a SQLite database (WAL) made from a PostgreSQL schema: the same tables, types, constraints,
** defaults and policies. The rows it accepts are the rows PostgreSQL would accept, the rows it refuses it refuses
** with PostgreSQL's SQLSTATE and words, and what it holds reaches a PostgreSQL server unchanged (ledger_export()).
**
** Conventions
**   Every function that can fail returns an int: LEDGER_OK (0), LEDGER_ROW or LEDGER_DONE from a cursor, or one of
**   the error codes below. The sentence, the SQLSTATE and the place are in ledger_error_of(db).
**   Text is UTF-8 without NUL. Lengths are bytes and never count a terminator; where a length is a parameter, -1
**   means "up to the NUL".
**   Arguments are borrowed for the call. Text that a function returns belongs to the handle and lives until the next
**   call on it, unless the function says that it is the caller's, who then frees it with ledger_free().
**   A handle may be used by one thread at a time; different handles of one file by as many threads and processes as
**   there are. Nothing in the library prints, exits or aborts on data.
**   A function that the caller gives (progress, the writer of an export) must not use the handle: ledger_* functions
**   answer LEDGER_MISUSE there and change nothing. It must not close the handle or free its cursors.
*/
#ifndef LEDGER_H
#define LEDGER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef LEDGER_API
#define LEDGER_API
#endif

#define LEDGER_VERSION "0.1.0"

typedef struct ledger ledger;           /* one open file */
typedef struct ledger_rows ledger_rows; /* rows being read */

/* ---------------------------------------------------------------- limits */

#define LEDGER_NAME_MAX 63               /* bytes of a table, column, constraint or type name, as in PostgreSQL */
#define LEDGER_COLUMN_MAX 1600           /* columns of a table */
#define LEDGER_LINE_MAX (1024 * 1024)    /* bytes of one line given to ledger load */
#define LEDGER_JSON_DEPTH_MAX 512        /* nesting of a json or jsonb document */
#define LEDGER_NUMBER_DIGITS_MAX 147455  /* digits of a numeric: 131072 before the point, 16383 after it */
#define LEDGER_TEXT_MAX (256 * 1024 * 1024) /* bytes of one value */
#define LEDGER_STATEMENT_MAX (64 * 1024) /* bytes of one statement of a schema file */

/* ---------------------------------------------------------------- errors
** X(name, number, SQLSTATE, meaning). Numbers never change. */

#define LEDGER_ERRORS(X)                                                                             \
  X(ERROR,             1, "XX000", "internal error")                                                 \
  X(MEMORY,            2, "53200", "out of memory")                                                  \
  X(MISUSE,            3, "55000", "a function was called out of order or with a null handle")       \
  X(INTERRUPTED,       4, "57014", "canceled by the caller's progress function")                     \
  X(IO,                5, "58030", "the operating system refused a read or a write")                 \
  X(FULL,              6, "53100", "the disk is full")                                               \
  X(BUSY,              7, "55P03", "another connection held the lock for longer than the timeout")   \
  X(READ_ONLY,         8, "25006", "the file or the handle is read-only")                            \
  X(CANNOT_OPEN,       9, "58P01", "no such file, or it may not be opened")                          \
  X(EXISTS,           10, "58P02", "the file exists already")                                        \
  X(NOT_A_LEDGER,     11, "XX001", "the file is not a ledger file")                                  \
  X(CORRUPT,          12, "XX001", "the file is damaged")                                            \
  X(NEWER,            13, "0A000", "the file was made by a newer version")                           \
  X(UNSUPPORTED,      14, "0A000", "not supported")                                                  \
  X(SYNTAX,           15, "42601", "syntax error")                                                   \
  X(UNDEFINED_TABLE,  16, "42P01", "relation does not exist")                                        \
  X(UNDEFINED_COLUMN, 17, "42703", "column does not exist")                                          \
  X(UNDEFINED_TYPE,   18, "42704", "type or other object does not exist")                            \
  X(UNDEFINED_FUNCTION, 19, "42883", "function or operator does not exist")                          \
  X(AMBIGUOUS_COLUMN, 20, "42702", "column reference is ambiguous")                                  \
  X(AMBIGUOUS_FUNCTION, 21, "42725", "function or operator is not unique")                           \
  X(DUPLICATE_COLUMN, 22, "42701", "column specified more than once")                                \
  X(DUPLICATE_OBJECT, 23, "42710", "object already exists")                                          \
  X(DUPLICATE_TABLE,  24, "42P07", "relation already exists")                                        \
  X(DATATYPE_MISMATCH, 25, "42804", "a value of another type")                                       \
  X(CANNOT_COERCE,    26, "42846", "no cast between the types")                                      \
  X(GROUPING,         27, "42803", "column must appear in GROUP BY")                                 \
  X(INVALID_REFERENCE, 28, "42P10", "invalid column reference")                                      \
  X(INVALID_NAME,     29, "42602", "invalid name")                                                   \
  X(NAME_TOO_LONG,    30, "42622", "name too long")                                                  \
  X(GENERATED_ALWAYS, 31, "428C9", "a generated or identity column may not be written")              \
  X(FORBIDDEN,        32, "42501", "permission denied")                                              \
  X(NOT_NULL,         33, "23502", "null value in a column that may not be null")                    \
  X(FOREIGN_KEY,      34, "23503", "foreign key constraint violated")                                \
  X(UNIQUE,           35, "23505", "unique constraint violated")                                     \
  X(CHECK,            36, "23514", "check constraint violated")                                      \
  X(RESTRICT,         37, "23001", "restrict constraint violated")                                   \
  X(CARDINALITY,      38, "21000", "a row would be affected twice")                                  \
  X(TOO_LONG,         39, "22001", "value too long for its type")                                    \
  X(OUT_OF_RANGE,     40, "22003", "numeric value out of range")                                     \
  X(INVALID_DATETIME, 41, "22007", "invalid date or time")                                           \
  X(DATETIME_RANGE,   42, "22008", "date or time out of range")                                      \
  X(INVALID_ZONE,     43, "22009", "time zone displacement out of range")                            \
  X(DIVISION_BY_ZERO, 44, "22012", "division by zero")                                               \
  X(INVALID_PARAMETER, 45, "22023", "invalid parameter value")                                       \
  X(INVALID_ESCAPE,   46, "22025", "invalid escape sequence")                                        \
  X(INVALID_TEXT,     47, "22P02", "invalid input syntax")                                           \
  X(INVALID_BINARY,   48, "22P03", "invalid binary representation")                                  \
  X(BAD_ENCODING,     49, "22021", "not valid UTF-8, or a NUL")                                      \
  X(UNTRANSLATABLE,   50, "22P05", "a character that cannot be stored")                              \
  X(INVALID_REGEX,    51, "2201B", "invalid regular expression")                                     \
  X(ARRAY_SUBSCRIPT,  52, "2202E", "array subscript error")                                          \
  X(INVALID_JSON,     53, "22032", "invalid JSON")                                                   \
  X(SEQUENCE_LIMIT,   54, "2200H", "sequence reached its limit")                                     \
  X(INVALID_LOGARITHM, 55, "2201E", "invalid argument for logarithm")                                \
  X(INVALID_POWER,    56, "2201F", "invalid argument for power function")                            \
  X(TOO_COMPLEX,      57, "54001", "nested too deep, or too long")                                   \
  X(TOO_MANY_COLUMNS, 58, "54011", "too many columns")                                               \
  X(PROGRAM_LIMIT,    59, "54000", "a limit of this program")                                        \
  X(RAISED,           60, "P0001", "raised by a trigger")                                            \
  X(NOT_IN_PREREQUISITE, 61, "55000", "object not in the state required")                            \
  X(INVALID_DEFINITION, 62, "42P17", "invalid object definition")                                    \
  X(INVALID_FOREIGN_KEY, 63, "42830", "invalid foreign key")                                         \
  X(DATA_EXCEPTION,   64, "22000", "data exception")                                                 \
  X(INDETERMINATE_TYPE, 65, "42P18", "could not determine data type")                                \
  X(ACTIVE_TRANSACTION, 66, "25001", "a transaction is in progress")                                 \
  X(NO_TRANSACTION,   67, "25P01", "no transaction is in progress")                                  \
  X(INVALID_FIELD,    68, "22P04", "bad line or file format")                                        \
  X(FIELD_OVERFLOW,   69, "22015", "interval field overflow")                                        \
  X(SUBSTRING,        70, "22011", "negative substring length")                                      \
  X(NULL_NOT_ALLOWED, 71, "22004", "a null value where none may be")                                 \
  X(INVALID_BUCKET,   72, "2201G", "invalid argument for width_bucket")

enum {
  LEDGER_OK = 0,
#define X(name, number, state, meaning) LEDGER_##name = number,
  LEDGER_ERRORS(X)
#undef X
  LEDGER_ROW = 100, /* a cursor stands on a row */
  LEDGER_DONE = 101 /* a cursor has no more rows */
};

/* What went wrong: the sentence as PostgreSQL says it, and the names it is about ("" where there is none). */
typedef struct ledger_error {
  int code;           /* one of LEDGER_* */
  char sqlstate[6];   /* five characters */
  char message[512];  /* one sentence without a final stop; cut at a character's edge if longer */
  char detail[512];   /* "Key (email)=(a@b.c) already exists." */
  char hint[256];
  char table[LEDGER_NAME_MAX + 1];
  char column[LEDGER_NAME_MAX + 1];
  char constraint[LEDGER_NAME_MAX + 1];
} ledger_error;

/* The error of the last call on this handle; code 0 if it succeeded. Never NULL: for a NULL handle it says "out of memory". */
LEDGER_API const ledger_error *ledger_error_of(const ledger *db);

/* SQLSTATE of a code, "00000" for LEDGER_OK. */
LEDGER_API const char *ledger_sqlstate(int code);

/* Frees what a function gave to the caller. NULL is allowed. */
LEDGER_API void ledger_free(void *memory);

/* ---------------------------------------------------------------- opening */

enum {
  LEDGER_READ_ONLY_FILE = 1, /* ledger_open: no writes through this handle */
  LEDGER_NO_SEED = 2,        /* ledger_create: leave the seed rows of the schema out */
  LEDGER_SYNC_NORMAL = 4     /* a power cut may lose the last commits, never the file's soundness; default: FULL */
};

/*
** Makes the file `path` (":memory:" for none) from a compiled schema: the text that schema_compile() or ledger_schema()
** gives. Everything happens in one transaction; when it fails no file is left behind. The file must not exist.
** *out is a handle also on failure (for ledger_error_of), NULL only when memory is short or an argument is NULL (MISUSE);
** close it always.
** Errors: EXISTS, CANNOT_OPEN, FULL, IO, and what the schema's seed rows violate.
*/
LEDGER_API int ledger_create(const char *path, const char *compiled, int flags, ledger **out);

/*
** Opens an existing ledger file. *out as in ledger_create().
** Errors: CANNOT_OPEN, NOT_A_LEDGER, CORRUPT, NEWER, BUSY, READ_ONLY, IO.
*/
LEDGER_API int ledger_open(const char *path, int flags, ledger **out);

/* Closes the handle; a transaction that is open is rolled back. NULL is allowed. */
LEDGER_API void ledger_close(ledger *db);

/* How long a call waits for another connection's lock, milliseconds; 5000 unless set. */
LEDGER_API void ledger_busy_timeout(ledger *db, int timeout_ms);

/*
** Calls `report` now and then during long work with what is done and what there is to do (rows or pages; total 0 if
** not known). A result other than 0 stops the work with LEDGER_INTERRUPTED and undoes it. NULL ends reporting.
*/
LEDGER_API void ledger_progress(ledger *db, int (*report)(void *context, int64_t done, int64_t total), void *context);

/* ---------------------------------------------------------------- values */

enum ledger_kind {
  LEDGER_NULL,    /* NULL */
  LEDGER_DEFAULT, /* the column's default (write only) */
  LEDGER_BOOLEAN, /* integer is 0 or 1 */
  LEDGER_INTEGER, /* integer */
  LEDGER_NUMBER,  /* text: the digits of a number as JSON or SQL writes it; never a float */
  LEDGER_TEXT,    /* text: read by the input function of the column's type, as a quoted literal in SQL is */
  LEDGER_BYTES,   /* text: raw bytes, for bytea only */
  LEDGER_JSON     /* text: a JSON document; for json and jsonb as it is, for arrays element by element, else refused */
};

typedef struct ledger_value {
  enum ledger_kind kind;
  int64_t integer;
  const char *text;
  size_t length; /* bytes of text */
} ledger_value;

/* ---------------------------------------------------------------- writing rows
** `table` is "users", "billing.users" or, in double quotes, a name that needs them. Columns are named; those left out
** take their default. Triggers, identity, sequences, generated columns and updated_at behave as in PostgreSQL.
** Outside ledger_begin() each call is its own durable transaction. A call that fails changes nothing.
** `returned`, where not NULL, receives the rows as written, all columns, to be freed with ledger_rows_free().
** Errors of all four: UNDEFINED_TABLE, UNDEFINED_COLUMN, DUPLICATE_COLUMN, the 22xxx of the types, NOT_NULL, CHECK,
** UNIQUE, FOREIGN_KEY, GENERATED_ALWAYS, RAISED, FORBIDDEN, BUSY, FULL, IO, READ_ONLY. */

/* Inserts one row. */
LEDGER_API int ledger_insert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, ledger_rows **returned);

/*
** INSERT ... ON CONFLICT. `conflict` names the columns of a primary key or unique constraint; with conflict_count 0 the
** primary key's. update is 1 to set the other given columns on the row that is there (DO UPDATE), 0 to leave it as it
** is (DO NOTHING). *changed, where not NULL: rows written, 0 or 1. INVALID_REFERENCE if no constraint has the columns.
*/
LEDGER_API int ledger_upsert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int conflict_count, const char *const *conflict, int update,
                             int64_t *changed, ledger_rows **returned);

/*
** Updates the rows whose columns equal all of `where` (LEDGER_NULL: IS NULL). where_count 0 is refused with FORBIDDEN
** unless `flags` has LEDGER_ALL_ROWS. *changed, where not NULL: rows updated; none is not an error.
*/
enum { LEDGER_ALL_ROWS = 1 };
LEDGER_API int ledger_update(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int where_count, const char *const *where_columns,
                             const ledger_value *where_values, int flags, int64_t *changed, ledger_rows **returned);

/* Deletes likewise. */
LEDGER_API int ledger_delete(ledger *db, const char *table, int where_count, const char *const *where_columns,
                             const ledger_value *where_values, int flags, int64_t *changed, ledger_rows **returned);

/*
** One change as a JSON object, as `ledger load` reads them line by line:
**   {"table":"users","op":"insert","row":{"email":"a@b.c","tags":["x"]},"where":{"id":"..."}}
** op is insert (also when it is left out), update, delete or upsert (on the primary key). Members of row and where are
** column names; numbers are taken as text and never pass through a float; null is NULL. *changed: rows written.
** Errors: those above; BAD_ENCODING, INVALID_TEXT (not JSON), TOO_COMPLEX, INVALID_PARAMETER (not such an object).
*/
LEDGER_API int ledger_apply(ledger *db, const char *change, ptrdiff_t length, int64_t *changed, ledger_rows **returned);

/* A transaction over several calls. A commit that fails with IO or FULL may be found done when the file is opened again, as in
** any database whose disk failed between the write and its answer. ledger_rollback() is safe at any time; after a failed call the transaction goes on. */
LEDGER_API int ledger_begin(ledger *db);
LEDGER_API int ledger_commit(ledger *db);
LEDGER_API int ledger_rollback(ledger *db);

/* ---------------------------------------------------------------- reading rows */

/*
** Rows of a table or view. `query` is a PostgREST query string without the '?', or NULL for all rows and columns:
**   select=id,email&status=eq.active&created_at=gte.2026-01-01&order=created_at.desc.nullslast,id&limit=10&offset=20
** Operators: eq neq gt gte lt lte like ilike match imatch in is isdistinct, not.<op>, and or=(...), and=(...).
** Unescaped text is taken as it is; %xx and + are decoded. Without order= the order is not defined.
** Errors: UNDEFINED_TABLE, UNDEFINED_COLUMN, SYNTAX (the message says where), the 22xxx of the types.
*/
LEDGER_API int ledger_select(ledger *db, const char *table, const char *query, ledger_rows **out);

/* LEDGER_ROW, LEDGER_DONE or an error. */
LEDGER_API int ledger_rows_next(ledger_rows *rows);
LEDGER_API int ledger_rows_count(const ledger_rows *rows);                 /* columns */
LEDGER_API const char *ledger_rows_name(const ledger_rows *rows, int column); /* from 0 */
LEDGER_API const char *ledger_rows_type(const ledger_rows *rows, int column); /* as format_type() prints it */

/* The value as PostgreSQL's output function prints it, NULL for NULL; lives until the next call on the cursor. */
LEDGER_API const char *ledger_rows_text(ledger_rows *rows, int column, size_t *length);

/* The row as a JSON object, as row_to_json() prints it: numbers with their scale, jsonb embedded, arrays as arrays. */
LEDGER_API const char *ledger_rows_json(ledger_rows *rows, size_t *length);

LEDGER_API void ledger_rows_free(ledger_rows *rows); /* NULL is allowed */

/* ---------------------------------------------------------------- types without a file */

/*
** PostgreSQL's input function of a type, as format_type() names it ("numeric(15,2)", "timestamp(3) without time zone",
** "text[]"), on `text`; *stored receives the stored form as a SQLite literal ('12.50', 1, x'00ff'). The caller's.
** `error` may be NULL. Errors: UNDEFINED_TYPE, UNSUPPORTED, the 22xxx.
*/
LEDGER_API int ledger_literal(const char *type, const char *text, ptrdiff_t length, char **stored, ledger_error *error);

/* ---------------------------------------------------------------- describing a file */

typedef struct ledger_facts {
  const char *schema_name;   /* "full", or the file name of the user's schema */
  const char *schema_sha256; /* hexadecimal */
  const char *compiler;      /* version that compiled the schema */
  const char *device;        /* this file's own id, a uuid */
  const char *created_at;    /* 2026-11-20T09:00:00Z */
  const char *sqlite;        /* "3.53.2 (built in)" or "3.40.1 (system)" */
  int format;                /* version of the engine's own tables */
  int tables, views, columns, constraints, indexes, triggers, policies;
  int64_t rows;              /* of all tables together */
  int64_t file_bytes, wal_bytes, page_bytes;
} ledger_facts;

/* What `ledger info` prints. The texts live until the handle's next call. */
LEDGER_API int ledger_info(ledger *db, ledger_facts *out);

/* One row per relation, in order of creation: columns schema, name, kind, rows (NULL for a view), comment. A cursor as from
** ledger_select(). */
LEDGER_API int ledger_relations(ledger *db, ledger_rows **out);

/* The schema files that made the file, as they were given: columns name, sha256, text; a cursor, in load order. */
LEDGER_API int ledger_sources(ledger *db, ledger_rows **out);

/* The compiled built-in schemas: full, elon, wallstreet, advancia, smarthub, pe_portal. NULL if the name is none of
** them. Static text. Lives in the generated file schemas.c beside the library. */
LEDGER_API const char *ledger_schema(const char *name);
LEDGER_API const char *const *ledger_schema_names(void); /* ends with NULL */

/* ---------------------------------------------------------------- carrying away */

enum ledger_export_part {
  LEDGER_EXPORT_FULL,        /* schema, rows, sequences, the ledger_sync schema, all in one transaction */
  LEDGER_EXPORT_SCHEMA_ONLY, /* what makes an empty database */
  LEDGER_EXPORT_DATA_ONLY,   /* rows into tables that exist: an equal row is skipped, another with its key is an error */
  LEDGER_EXPORT_INIT         /* only the ledger_sync schema with its digest() */
};
enum ledger_export_format { LEDGER_EXPORT_COPY, LEDGER_EXPORT_INSERT };

/*
** Writes a script for psql 15 or later (LEDGER_EXPORT_COPY), or for any PostgreSQL client (LEDGER_EXPORT_INSERT), that
** applies in one transaction or not at all, at one snapshot of the file. `write` gets the bytes in order and returns 0,
** or else the export stops with LEDGER_IO. Memory does not grow with the file. Between ledger_begin() and its end the
** snapshot is the transaction's own, with what it has not committed.
** Errors: CORRUPT or BAD_ENCODING with table, key and column for a value that a foreign program stored wrongly; MISUSE,
** IO, INTERRUPTED, MEMORY.
*/
LEDGER_API int ledger_export(ledger *db, enum ledger_export_part part, enum ledger_export_format format,
                             int (*write)(void *context, const void *bytes, size_t length), void *context);

/*
** A digest of each table, to compare with SELECT * FROM ledger_sync.digest() on PostgreSQL: columns table_schema, table_name,
** rows, sum, xor. Both are over the first 64 bits of SHA-256 of each row's length-prefixed output text. `table` NULL: all.
*/
LEDGER_API int ledger_digest(ledger *db, const char *table, ledger_rows **out);

/* Copies the file to `path` while others go on writing: a consistent snapshot, written aside and renamed. EXISTS if it is there. */
LEDGER_API int ledger_backup(ledger *db, const char *path);

#ifdef __cplusplus
}
#endif
#endif
