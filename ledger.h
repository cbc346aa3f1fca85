/*
** ledger: an application's PostgreSQL database in one SQLite file.
**
** This header is the manual. Read it from top to bottom: what a file is, errors, values, opening, writing rows,
** reading rows, the book, the proof, describing, carrying away.
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
#define LEDGER_REFERENCE_MAX 90          /* bytes of a reference; what the book appends fits into varchar(100) */
#define LEDGER_LEG_MAX 64                /* legs of a posting */
#define LEDGER_BATCH_MAX 100000          /* operations of one call of ledger_post_batch() */
#define LEDGER_BATCHES_KEPT 8            /* batches whose bytes are kept after main has them */

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
  X(INVALID_BUCKET,   72, "2201G", "invalid argument for width_bucket")                              \
  /* the book's; the class LG is ours (SQL leaves classes from I to Z to the implementation) */      \
  X(NO_FUNDS,         73, "LG001", "not enough available")                                           \
  X(FROZEN,           74, "LG002", "the account is frozen: nothing leaves it")                       \
  X(SUSPENDED,        75, "LG003", "the account is suspended: nothing moves until it is active")     \
  X(CLOSED,           76, "LG004", "the account is closed")                                          \
  X(WRONG_CURRENCY,   77, "LG005", "an amount in another currency than the account's")               \
  X(WRONG_SCALE,      78, "LG006", "more digits after the point than the currency or the account has") \
  X(NOT_POSITIVE,     79, "LG007", "an amount that is not greater than zero")                        \
  X(AMOUNT_RANGE,     80, "LG008", "an amount or a balance out of the account's range")              \
  X(SAME_ACCOUNT,     81, "LG009", "both sides are the same account")                                \
  X(UNKNOWN_ACCOUNT,  82, "LG010", "no such account")                                                \
  X(REFERENCE_REUSED, 83, "LG011", "the reference was used for another operation")                   \
  X(KEY_REUSED,       84, "LG012", "the idempotency key was used for another operation")             \
  X(HOLD_EXPIRED,     85, "LG013", "the hold has expired")                                           \
  X(OVER_CAPTURED,    86, "LG014", "more than what is left of the hold")                             \
  X(OVER_REVERSED,    87, "LG015", "more than what is left to reverse")                              \
  X(LIMIT,            88, "LG016", "the account's maximum balance would be exceeded")                \
  X(UNBALANCED,       89, "LG017", "the legs do not sum to zero in each currency")                   \
  X(LINK_BROKEN,      90, "LG018", "another operation of the linked group or the batch was refused") \
  X(RESERVED_SUFFIX,  91, "LG019", "a reference that ends as the book's own do")                     \
  X(UNKNOWN_REFERENCE, 92, "LG020", "no operation has the reference")                                \
  X(WRONG_STATE,      93, "LG021", "the operation is not possible in the state it meets")            \
  X(VERSION_CONFLICT, 94, "LG022", "the account's version is not the expected one")                  \
  X(CONDITION_FAILED, 95, "LG023", "a balance condition of the caller's does not hold")              \
  X(NO_RATE,          96, "LG024", "no exchange rate for the pair at the time")                      \
  X(NO_FEE,           97, "LG025", "no active fee of the type and currency")                         \
  X(NO_BOOK,          98, "LG026", "the schema has no tables that the operation needs")              \
  X(NOT_IN_BOOK,      99, "LG027", "an account with a balance that the book has never posted")       \
  X(BOOK_BROKEN,     102, "LG028", "the plain rows and the book do not agree")                       \
  X(NOT_EMPTY,       103, "LG029", "the account has a balance or an open hold")                      \
  X(BAD_OPERATION,   104, "LG030", "a member is missing, unknown or not allowed in the operation")   \
  /* sync's; the database's own functions (schema ledger_sync) raise the same SQLSTATEs */            \
  X(NOT_ENROLLED,    105, "LS001", "the main database does not know the device")                     \
  X(REVOKED,         106, "LS002", "the device was revoked on the main database")                    \
  X(OTHER_SCHEMA,    107, "LS003", "the main database does not accept the file's schema")            \
  X(FORK,            108, "LS004", "two files write as one device: a restored backup, or a copy")    \
  X(OTHER_EPOCH,     109, "LS005", "a batch of another epoch than the device's")                     \
  X(GAP,             110, "LS006", "a batch before this one is missing")                             \
  X(ALTERED,         111, "LS007", "a batch, a bundle or an acknowledgement was altered or cut")     \
  X(NEWER_BATCH,     112, "LS008", "a batch or bundle of a newer format")                            \
  X(WRONG_KEY,       113, "LS009", "signed or sealed with another key")                              \
  X(FIRST_RANGE,     114, "LS010", "another device owns the first range of keys")                    \
  X(OTHER_MAIN,      115, "LS011", "the file syncs with another main database")                      \
  X(IN_CUSTODY,      116, "LS012", "the main database has the batch but could not apply it")         \
  /* who may see and do what */                                                                       \
  X(BAD_QUERY,       117, "42601", "a request that cannot be read or carried out as it is")           \
  X(BAD_CREDENTIALS, 118, "LA001", "no such user, or another password")                               \
  X(LOCKED_OUT,      119, "LA002", "too many attempts: not before the time in the hint")              \
  X(BANNED,          120, "LA003", "the user may not sign in")                                        \
  X(NOT_CONFIRMED,   121, "LA004", "the user has not proven to own the address")                      \
  X(WEAK_PASSWORD,   122, "LA005", "the password is too short or too long")                           \
  X(SAME_PASSWORD,   123, "LA006", "the new password is the old one")                                 \
  X(USER_EXISTS,     124, "LA007", "another user has the address")                                    \
  X(UNKNOWN_USER,    125, "LA008", "no such user")                                                    \
  X(BAD_TOKEN,       126, "LA009", "a token that we did not sign, or not as it is")                   \
  X(TOKEN_EXPIRED,   127, "LA010", "the token has expired, or is not valid yet")                      \
  X(SESSION_GONE,    128, "LA011", "the session was ended")                                           \
  X(TOKEN_UNKNOWN,   129, "LA012", "no session has the refresh token")                                \
  X(TOKEN_REUSED,    130, "LA013", "the refresh token was used before: its session was ended")        \
  X(BAD_KEY,         131, "LA014", "no API key is like that, or it was withdrawn or has expired")     \
  X(RATE_LIMITED,    132, "LA015", "more requests than allowed")                                      \
  X(NO_ENCRYPTION_KEY, 133, "LA016", "the column is encrypted and the handle has no key, or another one")

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
  LEDGER_SYNC_NORMAL = 4,    /* a power cut may lose the last commits, never the file's soundness; default: FULL */
  LEDGER_SMALL = 16,         /* little memory whatever the size of the work: 2 MB of cache, temporary structures in files */
  LEDGER_OLD_FORMAT = 32,    /* with LEDGER_READ_ONLY_FILE, for ledger_backup: also a file that an older version made */
  LEDGER_PLAIN = 8           /* rows alone: no audit trail of what is written through this handle, and balances and completed
                             ** transactions may be written as any other value. ledger_verify() will say what does not add up */
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
** Opens an existing ledger file. *out as in ledger_create(). A file of an older format is brought up to date, in one transaction.
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
**   select=title,author:users(email),comments(count),tags->0,id::text&comments.created_at=gte.2026-01-01
** Operators: eq neq gt gte lt lte like ilike match imatch in is isdistinct cs cd ov sl sr, op(any), op(all), not.<op>, and
** or=(...), and=(...). Embedded resources are json columns; select= takes all that ledger_ask() takes. A cursor over plain columns is
** read from the file row by row; rows with anything else are kept in memory.
** Unescaped text is taken as it is; %xx and + are decoded. Without order= the order is not defined.
** Errors: UNDEFINED_TABLE, UNDEFINED_COLUMN, SYNTAX (the message says where), BAD_QUERY (what names no or many relationships, and
** the like), TOO_COMPLEX, the 22xxx of the types.
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

/* ---------------------------------------------------------------- the book
** On accounts and transactions (schemas full and wallstreet, and any that has these two tables with their columns) stands a
** double-entry book. Every movement of money is one operation, and becomes one journal: entries that sum to zero per currency,
** rows of transactions (or portfolio_transactions) for those who read plain tables, an audit row, and a link of the
** hash chain, all in one transaction of the file. What `balance` and `available_balance` show is the last entry's.
**
** Amounts are text such as "12.50", greater than zero, with no more digits after the point than the currency has (ISO 4217
** minor units) and the account's column holds; they are never rounded on input and never floats.
** An account is named by its id, by its account_number, as portfolio:USER:CURRENCY (a column of a user's portfolio), or,
** to read only, as system:NAME:CURRENCY[:SCALE]; NAME is world, fees, exchange, equity, or suspense.
** A reference names an operation for ever: the same operation again with the same reference is not done again, it gives the
** first result (replayed 1). Another operation with it is REFERENCE_REUSED, and the message names the field that differs.
** The payer's row keeps the reference R; rows beside it are R.C (payee), R.F1 (fee), R.X1 (exchange), R.L1 ... (legs).
** A caller's reference may not end so (RESERVED_SUFFIX).
*/

/* X(name, word, what it does). The words are those of `ledger batch`, of journals and of the audit trail. */
#define LEDGER_OPERATIONS(X)                                                                          \
  X(OPEN, "open", "opens an account")                                                                 \
  X(LIMITS, "limit", "sets the limits of an account")                                                 \
  X(FREEZE, "freeze", "lets nothing leave an account")                                                \
  X(SUSPEND, "suspend", "lets nothing move on an account")                                            \
  X(ACTIVATE, "activate", "makes a frozen or suspended account active again")                         \
  X(CLOSE, "close", "closes an empty account for ever")                                               \
  X(OPENING, "opening", "brings in an opening balance, against equity")                               \
  X(DEPOSIT, "deposit", "money comes in from the world")                                              \
  X(WITHDRAW, "withdraw", "money goes out to the world")                                              \
  X(TRANSFER, "transfer", "moves money from one account to another")                                  \
  X(POST, "post", "moves money between up to 64 accounts at once")                                    \
  X(HOLD, "hold", "reserves money for a later capture")                                               \
  X(CAPTURE, "capture", "takes a hold, all of it or a part")                                          \
  X(RELEASE, "release", "gives back what is left of a hold")                                          \
  X(EXPIRE, "expire", "gives back what is left of a hold past its time")                              \
  X(REVERSE, "reverse", "posts the opposite of an operation, in full or in part")                     \
  X(FEE, "fee", "charges a fee from fee_config")                                                      \
  X(EXCHANGE, "exchange", "changes one currency into another at a rate of exchange_rates")            \
  X(ADJUST, "adjust", "corrects a balance, against equity")                                           \
  X(RECEIVE, "receive", "credits coins that arrived at a deposit address")                            \
  X(ORDER, "order", "orders a trade and holds what it costs")                                         \
  X(FILL, "fill", "fills an order: cash against coins")                                               \
  X(CANCEL, "cancel", "cancels an order and releases its hold")                                       \
  X(PAYOUT, "payout", "asks for coins to be sent out and holds them")                                 \
  X(APPROVE, "approve", "approves a payout")                                                          \
  X(COMPLETE, "complete", "completes a payout with its transaction hash")                             \
  X(REJECT, "reject", "rejects a payout and releases its hold")                                       \
  X(AUDIT, "audit", "a change of a plain row, in the chain for its audit row; not an operation of callers")

enum ledger_operation_kind {
#define X(name, word, summary) LEDGER_OP_##name,
  LEDGER_OPERATIONS(X)
#undef X
      LEDGER_OP_COUNT
};

/* X(member, meaning): the text members of an operation, NULL where not given. The same names are members of `ledger batch` and
** options of the commands. */
#define LEDGER_OPERATION_TEXTS(X)                                                                     \
  X(reference, "the caller's name of the operation, 1 to 90 bytes, unique for ever")                  \
  X(key, "an idempotency key besides the reference, unique within its scope")                         \
  X(scope, "the scope of the key, e.g. a user's id; empty unless given")                              \
  X(account, "the account that is opened, limited, frozen, closed, charged")                          \
  X(from, "the account that pays")                                                                    \
  X(to, "the account that receives")                                                                  \
  X(amount, "e.g. 12.50; of a capture or a reversal: all that is left unless given")                  \
  X(currency, "of the amount; the account's unless given; needed to open an account")                 \
  X(of, "the reference of the hold, order, payout or operation that this one is about")               \
  X(fee, "a fee_type of fee_config: its fee is charged to the payer besides the amount (deposit: to the receiver)") \
  X(rounding, "half_up (unless given), half_even, down, up, floor, ceiling")                          \
  X(least, "exchange: the least that must be received, fill: the most or least total; else refused")  \
  X(min_available, "condition: what the payer must still have available afterwards")                  \
  X(max_after, "condition: what the receiver's balance may be at most afterwards")                    \
  X(effective_at, "when it counts, a timestamp; now unless given")                                    \
  X(expires_at, "hold: until when it can be captured, a timestamp; for ever unless given")            \
  X(description, "text for people, into the row")                                                     \
  X(metadata, "a JSON object, into the row")                                                          \
  X(type, "open: checking (unless given), savings, investment, business")                             \
  X(number, "open: the account_number; WS and 12 digits are minted unless given")                     \
  X(user, "open: the owner's id; order, payout: whose portfolio")                                     \
  X(overdraft_limit, "limit: how far below zero the balance may go; 0 unless given")                  \
  X(min_balance, "limit: the balance that payments must leave; 0 unless given")                       \
  X(max_balance, "limit: the most that the account may hold; none unless given")                      \
  X(side, "order: buy or sell")                                                                       \
  X(asset, "order: the coin's symbol, e.g. BTC")                                                      \
  X(price, "order, fill: US dollars for one coin")                                                    \
  X(address, "receive: the deposit address; payout: where the coins go")                              \
  X(txn_hash, "receive, complete: hash of the transaction on the coin's network")                     \
  X(reason, "release, reject, cancel, freeze, adjust, reverse: why, into the audit trail")

#define LEDGER_OPERATION_FLAGS(X)                                                                     \
  X(final, "capture: release what is left afterwards")                                                \
  X(keep_failed, "a refusal for the state of things (funds, limits, status, expiry) is kept as a failed row that consumes the reference") \
  X(linked, "batches: done or refused together with the next operation")

typedef struct ledger_leg {
  const char *account;
  const char *amount;      /* signed: "-12.50" leaves the account, "12.50" arrives */
  const char *currency;    /* NULL: the account's */
  const char *description; /* or NULL */
} ledger_leg;

/* Make it zero, then set what the kind needs. Texts are borrowed for the call. */
typedef struct ledger_operation {
  enum ledger_operation_kind kind;
#define X(name, meaning) const char *name;
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) int name;
  LEDGER_OPERATION_FLAGS(X)
#undef X
  int64_t version;    /* condition: the version of `account`, or else `from`, or else `to`; 0: none */
  int64_t to_version; /* condition: the version of `to`, where `from` is given, too; 0: none */
  int leg_count;      /* post: at most LEDGER_LEG_MAX */
  const ledger_leg *legs;
} ledger_operation;

/* An account as a journal left it, or as it is now. */
typedef struct ledger_balance {
  char account[80];   /* accounts.id, portfolio:USER:CURRENCY or system:NAME:CURRENCY */
  char number[52];    /* account_number, "" where there is none */
  char currency[24];
  char status[12];    /* as it is now: active, suspended, frozen, closed */
  int scale;          /* digits after the point of the amounts below */
  char balance[24], available[24], held[24];
  char overdraft_limit[24], min_balance[24], max_balance[24]; /* as they are now; max_balance "" is none */
  int64_t version;    /* entries so far */
} ledger_balance;

typedef struct ledger_result {
  int code;          /* LEDGER_OK, or why it was refused */
  int replayed;      /* 1: it was done before, these are the first results */
  enum ledger_operation_kind kind;
  int64_t journal;   /* its number, from 1; 0 if refused without a trace */
  char status[12];   /* completed, pending (hold, order, payout), failed */
  char reference[LEDGER_REFERENCE_MAX + 1];
  char transaction_id[37]; /* of the row that bears the reference, "" where there is none */
  char amount[24], currency[24];          /* what moved, or was held */
  char fee[24];                           /* "" where none was charged, or held with the amount; in `currency` */
  char received[24], received_currency[24], rate[24]; /* exchange, fill; else "" */
  char remaining[24];                     /* hold, capture, release: what is left of the hold; else "" */
  char created_at[40], effective_at[40];  /* 2026-11-20T09:00:00.123456Z */
  int balance_count;
  const ledger_balance *balances; /* the accounts it touched, those of the system left out; live until the handle's next call */
  const ledger_error *error;      /* NULL if it is done; lives as long */
} ledger_result;

/*
** Does one operation, durably, and gives its result. Outside ledger_begin() it is a transaction of its own.
** A refusal returns the code that is in result->code, too, and changes nothing (but for keep_failed). `result` may be NULL.
** Errors: those from NO_FUNDS to BAD_OPERATION, INVALID_DATETIME, BUSY, FULL, IO, READ_ONLY.
*/
LEDGER_API int ledger_post(ledger *db, const ledger_operation *operation, ledger_result *result);

enum ledger_batch_mode {
  LEDGER_BATCH_ATOMIC,  /* all or none */
  LEDGER_BATCH_STOP,    /* what stands before the first refusal is done, what stands behind it is not tried (LINK_BROKEN) */
  LEDGER_BATCH_CONTINUE /* each for itself */
};
enum { LEDGER_DRY_RUN = 1 }; /* everything is tried in order, and nothing kept */

/*
** Does `count` operations with one commit, results in the same order. An operation with `linked` stands or falls with the next
** one, in every mode. Returns LEDGER_OK when the batch was worked off, also if it has refusals; atomic: the code of the
** first refusal. When it returns IO, FULL, BUSY or MEMORY nothing is done.
*/
LEDGER_API int ledger_post_batch(ledger *db, int count, const ledger_operation *operations, enum ledger_batch_mode mode,
                                 int flags, ledger_result *results);

/*
** Reads an operation from JSON, {"op":"transfer","from":"A","to":"B","amount":"12.50","reference":"R"}, legs as an array of
** objects; metadata as an object, or as its text; numbers are taken as text. The texts lie in the handle until this function is
** called again after another one: operations that are read one after the other can be posted together.
** When it fails *out is an operation that is refused wherever it is posted (BAD_OPERATION), with `linked` as it was given: a batch
** keeps its order and its groups.
*/
LEDGER_API int ledger_operation_read(ledger *db, const char *json, ptrdiff_t length, ledger_operation *out);

/* A result as one line of JSON, {"ok":true,"op":"transfer","journal":17,...} or {"ok":false,"sqlstate":"LG001",...}. The caller's. */
LEDGER_API char *ledger_result_json(const ledger_result *result);

/*
** Group commit: threads that post at the same time share commits. The group takes the handle, which nobody else uses until the
** group is closed. ledger_group_post() may be called from any thread; it returns when its operation is durable or refused.
** result->balances and result->error lie in `room`.
*/
typedef struct ledger_group ledger_group;
typedef struct ledger_group_room {
  ledger_balance balances[2 * LEDGER_LEG_MAX];
  ledger_error error;
} ledger_group_room;
LEDGER_API int ledger_group_open(ledger *db, int operations_max, ledger_group **out); /* of one commit, 1 to LEDGER_BATCH_MAX */
LEDGER_API int ledger_group_post(ledger_group *group, const ledger_operation *operation, ledger_result *result,
                                 ledger_group_room *room);
LEDGER_API void ledger_group_close(ledger_group *group); /* after the last call has returned */

/* Expires every open hold past its time, each by an operation of its own, EXPIRE-UUID with the id of the hold's journal; *count,
** where not NULL: how many. A hundred share a commit; a refusal of one does not stop the others. */
LEDGER_API int ledger_expire(ledger *db, int64_t *count);

/* An account as it is. UNKNOWN_ACCOUNT. */
LEDGER_API int ledger_account(ledger *db, const char *account, ledger_balance *out);

enum ledger_clock {
  LEDGER_BOOKED,   /* when it was recorded */
  LEDGER_EFFECTIVE /* when it counts */
};
/* Its balance as of `time`, a timestamp as PostgreSQL reads it: all entries up to and with that moment. version is that of the
** last entry counted; with LEDGER_EFFECTIVE, which reads all of the account's entries, available and held are "". */
LEDGER_API int ledger_balance_at(ledger *db, const char *account, const char *time, enum ledger_clock clock, ledger_balance *out);

/* Zero, then set. `after` is the `cursor` of the last row of the page before. */
typedef struct ledger_history_filter {
  const char *account;   /* or NULL: the journals of the whole book */
  const char *kind;      /* an operation's word, or NULL */
  const char *reference; /* journals about this reference: its own, captures, reversals; or NULL */
  const char *since, *until; /* booking times, or NULL */
  int64_t after;
  int limit;             /* rows at most; 0 is 100 */
  int oldest_first;
} ledger_history_filter;
/*
** What happened, newest first. Of an account: a row per entry, with columns cursor, journal, kind, reference, layer (posted,
** held, expected), amount, balance, available, version, effective_at, created_at, description. Of the book: a row per journal:
** cursor, journal, kind, reference, of, outcome (done, or the SQLSTATE of a refusal that was kept), effective_at, created_at,
** entries, hash. At most 1000 rows a page.
** Errors: UNKNOWN_ACCOUNT, UNKNOWN_REFERENCE, INVALID_DATETIME, INVALID_PARAMETER (kind, limit, after).
*/
LEDGER_API int ledger_history(ledger *db, const ledger_history_filter *filter, ledger_rows **out);

/* Who acts through this handle from now on, for the audit trail; each member NULL where not known, `actor` NULL: nobody. Copied.
** A user who is deleted later on is null in the rows written after that, too. FOREIGN_KEY: no such user; INVALID_TEXT. */
typedef struct ledger_actor {
  const char *user_id, *admin_id; /* ids of users */
  const char *admin_key;          /* a label, never the key */
  const char *ip_address, *user_agent;
} ledger_actor;
LEDGER_API int ledger_set_actor(ledger *db, const ledger_actor *actor);

/* ---------------------------------------------------------------- the proof */

#define LEDGER_SECRET_KEY_BYTES 64
#define LEDGER_PUBLIC_KEY_BYTES 32

typedef struct ledger_head {
  int64_t journal;     /* number of the last journal, 0 in an empty book */
  char hash[65];       /* of the chain up to it, hexadecimal */
  char created_at[40]; /* of the journal */
  char public_key[65]; /* of the file's signing key, "" if it has none */
  char signature[129]; /* Ed25519 over the device's id, the number, the hash and the sums of the checkpoint (book/head.c); "" if not signed */
} ledger_head;

/* A new Ed25519 key pair (RFC 8032). */
LEDGER_API void ledger_signing_key(unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                                   unsigned char public_key[LEDGER_PUBLIC_KEY_BYTES]);

/*
** The head of the journal's chain, to be kept where the file's holder cannot change it. With a secret key it is signed and kept in
** the file as a checkpoint; the first key that signs becomes the file's, another one is then refused (FORBIDDEN).
*/
LEDGER_API int ledger_get_head(ledger *db, const unsigned char *secret_key, ledger_head *out);

typedef struct ledger_verify_options {
  int full;               /* also SQLite's integrity_check in place of quick_check */
  const char *head;       /* "17:9f3a..." as kept from ledger_get_head(): the chain must pass through it; or NULL. With a public_key
                          ** beside it it was a signed one, and its checkpoint must be there, too */
  const char *public_key; /* the signing key as kept elsewhere, hexadecimal; NULL: the file's own word for it */
} ledger_verify_options;

/*
** Proves the book: entries balance, balances follow from entries, limits held, plain rows match their journals, the hash chain and
** its checkpoints, the audit trail, the file itself. *report, a JSON document, is the caller's, also when the book is broken:
**   {"proven":false,"journals":..,"entries":..,"accounts":..,"rows":..,"audit_rows":..,"checkpoints":..,"constraints":true,
**    "file_check":"quick_check","breaks":2,"first":[{"check":"V2","table":"accounts","id":"...","seq":..,"message":"..."}]}
** with the first 100 breaks; table, id and seq where there are such; V1 to V12 are explained in book/verify.c. constraints is false
** through a read-only handle, whose CHECK constraints SQLite does not read. file_check is what SQLite was asked: integrity_check
** (full), quick_check, or, in a file above 256 MB, quick_check of the other tables than those that are proved row by row
** (journals, entries, transactions, audit_logs: their indexes are then looked at only with full). LEDGER_OK: proven; LEDGER_BOOK_BROKEN; else it
** could not run, and *report is NULL. INVALID_PARAMETER for a head or key that is none.
*/
LEDGER_API int ledger_verify(ledger *db, const ledger_verify_options *options, char **report);

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
  int64_t journals, entries; /* of the book */
  int64_t file_bytes, wal_bytes, page_bytes;
  const char *encryption_key; /* id of the key of the encrypted columns, "" if the file has none */
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

/* ---------------------------------------------------------------- asking
** Programs and people that are not the owner of the file ask by requests: a request names a table, carries a PostgREST query string and
** the caller, and becomes one statement that the privileges and row-level policies of the caller's role are part of. No text of
** a caller's ever stands in SQL. The functions above (ledger_insert() and the like, ledger_select()) are the owner's: they ask no
** policy. Policies protect against faults of an application, not against who holds the file. */

typedef struct ledger_caller {
  const char *role;          /* anon, authenticated, service_role, or another that the schema's policies name; NULL: the owner */
  const char *claims;        /* what auth.uid(), auth.jwt() and current_setting('request.jwt.claims') read: a JSON object; or NULL */
  const ledger_actor *actor; /* for the audit trail; NULL: nobody */
  const char *permissions;   /* of an API key, as ledger_identity has them: read:TABLE, write:TABLE, read:*, write:*, where functions count
                             ** as of the table transactions; NULL, "", {}: all; what is no object: nothing */
} ledger_caller;

enum ledger_verb {
  LEDGER_VERB_READ,   /* GET, HEAD */
  LEDGER_VERB_INSERT, /* POST; with a resolution an upsert */
  LEDGER_VERB_UPDATE, /* PATCH */
  LEDGER_VERB_PUT,    /* PUT: the one row of a key */
  LEDGER_VERB_DELETE
};
enum ledger_body { LEDGER_BODY_JSON, LEDGER_BODY_CSV, LEDGER_BODY_FORM /* x-www-form-urlencoded */ };
enum ledger_resolution { LEDGER_RESOLUTION_NONE, LEDGER_RESOLUTION_MERGE, LEDGER_RESOLUTION_IGNORE };
enum ledger_returns { LEDGER_RETURN_MINIMAL, LEDGER_RETURN_KEYS /* headers-only */, LEDGER_RETURN_ROWS };
enum ledger_count { LEDGER_COUNT_NONE, LEDGER_COUNT_EXACT, LEDGER_COUNT_PLANNED, LEDGER_COUNT_ESTIMATED };
enum ledger_form { LEDGER_FORM_ARRAY, LEDGER_FORM_OBJECT /* exactly one row */, LEDGER_FORM_CSV };

/* Zero, then set. */
typedef struct ledger_query {
  const ledger_caller *caller; /* NULL: the owner */
  enum ledger_verb verb;
  const char *schema;  /* NULL: public */
  const char *table;   /* a table's or view's bare name, any text */
  const char *text;    /* the query string without '?': select, filters, columns, on_conflict; of reads also order, limit, offset; or NULL */
  const char *body;    /* of a write */
  size_t body_length;
  enum ledger_body body_form;
  enum ledger_resolution resolution;
  int missing_default; /* 1: columns that a row of the body lacks take their default; else null */
  enum ledger_returns returns;
  enum ledger_count count;
  enum ledger_form form;
  int strips_nulls;    /* leave out members that are null */
  int has_range;       /* a Range header: from range_first to range_last (-1: open), where the query string has no limit or offset */
  int64_t range_first, range_last;
  int has_max_affected;
  int64_t max_affected; /* of an update or delete: more rows are refused, BAD_QUERY (PGRST124) */
  int rollback;        /* do everything, then undo it */
  int all_rows;        /* an update or delete without a filter is meant */
  int64_t rows_max;    /* most rows that are given; 0: no bound */
} ledger_query;

/* Zero it once, reuse it for as many requests as wanted, end with ledger_answer_free(). Texts live until the next use of it. */
typedef struct ledger_answer {
  char *text;           /* JSON or CSV, "" if there is none */
  size_t length, room;
  int64_t rows;         /* in the text, or written */
  int64_t offset;       /* of the first one */
  int64_t total;        /* -1: not asked */
  int64_t inserted;     /* an upsert: of the rows written, those that were new; a call: 0 if it was done before, else 1 */
  char *location;       /* LEDGER_RETURN_KEYS: "id=eq.1", else NULL */
  char code[9];         /* of an error: PostgREST's code ("PGRST116") where it has one, else the SQLSTATE */
  char *details;        /* of an error, where they are JSON (PGRST201), else NULL: error.detail is meant */
  ledger_error error;
} ledger_answer;

/*
** Carries out a request. *answer is filled in also when it is refused, and nothing is changed then. Inside ledger_begin() it is part of
** the transaction; else a transaction of its own. Returns answer->error.code: BAD_QUERY (the code says which of PostgREST's), FORBIDDEN (a
** privilege, a policy, an API key's permissions), INVALID_PARAMETER (no such role), UNDEFINED_TABLE, UNDEFINED_COLUMN, CARDINALITY (an
** update or delete without a filter), PROGRAM_LIMIT, INTERRUPTED, and what ledger_select(), ledger_insert() and the like refuse.
*/
LEDGER_API int ledger_ask(ledger *db, const ledger_query *query, ledger_answer *answer);
LEDGER_API void ledger_answer_free(ledger_answer *answer);
/* How long ledger_ask() and ledger_call() may take on this handle, milliseconds; 0, as unless set: as long as they need. INTERRUPTED
** "canceling statement due to statement timeout", and nothing is changed. */
LEDGER_API void ledger_set_timeout(ledger *db, int timeout_ms);

/*
** Calls a function by its name, with its arguments as a JSON object: the book's operations (deposit, withdraw, transfer, hold, ...; their
** members as in ledger_operation_read(), without op), and balance, balance_at, history, quote, head, verify. Who may call what stands in
** access/call.c. A user sees of a result the user's own balances. `key`, where not NULL, is an idempotency key within the caller's
** scope: the same call again gives the first result, another one is KEY_REUSED. is_read: a function that writes is refused (READ_ONLY).
** *answer->text is JSON: ledger_result_json()'s object, or what the function reads. A function or argument that there is not: BAD_QUERY (PGRST202).
*/
typedef struct ledger_call_request {
  const ledger_caller *caller;
  const char *function;
  const char *arguments; /* JSON object, or NULL: none */
  size_t arguments_length;
  const char *key;
  int is_read;
} ledger_call_request;
LEDGER_API int ledger_call(ledger *db, const ledger_call_request *call, ledger_answer *answer);
/* 1: the function only reads, so that a read-only handle will do; also of a name that is no function's. */
LEDGER_API int ledger_function_reads(const char *function);

/* The same through a group, so that writers share commits: from any thread, answered when it is durable or refused. MISUSE from within the
** handle's progress function. */
LEDGER_API int ledger_group_ask(ledger_group *group, const ledger_query *query, ledger_answer *answer);
LEDGER_API int ledger_group_call(ledger_group *group, const ledger_call_request *call, ledger_answer *answer);

/*
** What the caller's role can reach (caller NULL: the owner, all there is), as JSON, the caller's to free. INVALID_PARAMETER: no such role.
**   {"relations":[{"schema","name","kind":"table|view","comment","columns":[{"name","type","nullable","default","comment","enum":[..]|null,
**     "max_length":n|null,"generated":bool,"identity":bool}],"primary_key":[..],"foreign_keys":[{"columns":[..],"table","referenced":[..]}],
**     "select":bool,"insert":bool,"update":bool,"delete":bool}],
**    "functions":[{"name","comment","reads":bool,"arguments":[{"name","required":bool,"comment"}]}]}
*/
LEDGER_API int ledger_describe(ledger *db, const ledger_caller *caller, char **json);

/* The policies of the file, columns table_schema, table_name, row_security, policy, permissive, command, roles, definition; one row
** with policy NULL for a table without any. A cursor. */
LEDGER_API int ledger_policies(ledger *db, ledger_rows **out);

/* What a role may do at all is what the schema's GRANT, REVOKE and ALTER DEFAULT PRIVILEGES say. A schema that grants nothing is read as
** for a project that granted everything: tables with row-level security, and views WITH (security_invoker), are there for all roles,
** who then see what policies show them; other tables and views for service_role alone, or, with is_open, for all. Of this handle. */
LEDGER_API void ledger_open_tables(ledger *db, int is_open);

/* ---------------------------------------------------------------- signing in
** Users are rows of the schema's table users where it has one with id, email and a password's hash (full, the five systems), and of the
** engine's own ledger_user besides, which keeps what that table has no column for. Passwords are hashed with Argon2id; bcrypt hashes
** that came with the rows are verified with crypt(3) and replaced at the first sign-in. Tokens are JWTs (RFC 7519), HS256, with a
** secret that the file keeps and that can be rotated. Refresh tokens are stored as hashes and change at each use; one that is used again
** later than reuse_seconds ends its session. */

typedef struct ledger_auth_settings { /* 0 is the default in brackets */
  int token_seconds;      /* of an access token [3600] */
  int reuse_seconds;      /* a refresh token used again within them gives the same successor [10]; -1: never */
  int password_min;       /* characters [6] */
  int session_seconds;    /* a session that was not refreshed for so long is over [2592000: 30 days] */
  int attempts_max;       /* wrong passwords in a row before a name is locked out for that client, ten times as many for all [10] */
  int lock_seconds;       /* for how long; each wrong one after that locks again, for twice as long, up to a day [60] */
  int signup_disabled, anonymous_disabled;
  int must_confirm;       /* a new user's address has to be confirmed before signing in */
  const char *issuer;     /* the iss claim; NULL: none */
} ledger_auth_settings;
/* Of this handle; copied. INVALID_PARAMETER: a number below zero, a long issuer. */
LEDGER_API int ledger_auth_configure(ledger *db, const ledger_auth_settings *settings);

/* Texts live until the handle's next call; "" where there is nothing. Times are RFC 3339 in UTC, 2026-11-20T09:00:00.123456Z. */
typedef struct ledger_user {
  const char *id, *email, *phone, *role; /* role: authenticated, unless an administrator set another */
  const char *email_confirmed_at, *phone_confirmed_at, *last_sign_in_at, *created_at, *updated_at, *banned_until, *deleted_at;
  const char *app_metadata, *user_metadata; /* JSON objects */
  const char *roles;                        /* JSON array: the names that the schema's user_roles or users.role give */
  int is_anonymous;
  int has_password;
} ledger_user;

typedef struct ledger_user_change { /* zero it, then set; NULL: as it is, or nothing */
  const char *id;            /* of a new user: its id, a uuid; minted unless given */
  const char *email, *phone, *password;
  const char *password_hash; /* an Argon2id or bcrypt hash, by an administrator */
  const char *role;
  const char *app_metadata, *user_metadata; /* JSON objects whose members are merged into the present ones; a null member goes */
  const char *banned_until;  /* a timestamp, infinity for good; "" lifts the ban, and a suspension by users.status or is_active */
  const char *session_id;    /* of an update that sets the password: the session that goes on; the user's others end */
  int confirm;               /* the address counts as proven */
  int is_anonymous;          /* of a new user */
  int by_administrator;      /* ignores signup_disabled and must_confirm, may set role, app_metadata, ban, hash */
} ledger_user_change;

/*
** Makes a user, and as the schema has them the rows of user_settings, user_kyc (pending), user_roles (user). Where the table users
** has first_name, last_name, name, full_name, username, display_name or avatar_url, they are taken from user_metadata. USER_EXISTS, WEAK_PASSWORD,
** INVALID_PARAMETER (address, number, metadata), FORBIDDEN (signup_disabled, anonymous_disabled), and what the schema refuses.
*/
LEDGER_API int ledger_user_create(ledger *db, const ledger_user_change *change, ledger_user *out);
/* UNKNOWN_USER, USER_EXISTS, WEAK_PASSWORD, SAME_PASSWORD (the user's own change), INVALID_PARAMETER. */
LEDGER_API int ledger_user_update(ledger *db, const char *id, const ledger_user_change *change, ledger_user *out);
LEDGER_API int ledger_user_get(ledger *db, const char *id_or_email, ledger_user *out); /* UNKNOWN_USER */
/* Page `page` (from 1) of `per_page` (up to 1000), oldest first: calls `each` for each user, which returns 0 to go on (the texts live
** while it runs); *total where not NULL: of all. */
LEDGER_API int ledger_user_list(ledger *db, int64_t page, int per_page, int (*each)(void *context, const ledger_user *user),
                                void *context, int64_t *total);
/* soft: sets deleted_at and ends the sessions. Else the row goes, which the schema may refuse (FOREIGN_KEY, RESTRICT). */
LEDGER_API int ledger_user_delete(ledger *db, const char *id, int soft);

typedef struct ledger_client { /* whence a request comes; NULL where not known */
  const char *ip_address, *user_agent;
} ledger_client;

typedef struct ledger_session {
  const char *access_token, *refresh_token, *session_id;
  int64_t expires_at; /* seconds since 1970 */
  int expires_in;
  ledger_user user;
} ledger_session;

/* By address or phone and password. BAD_CREDENTIALS in the same time whether or not there is such a user; LOCKED_OUT, whose hint is the
** time until which; BANNED, NOT_CONFIRMED. The lock-out counts attempts on the name, whether or not it is a user's; a new password or a
** lifted ban ends it. */
LEDGER_API int ledger_sign_in(ledger *db, const char *email_or_phone, const char *password, const ledger_client *client,
                              ledger_session *out);
/* A session for a user that has been proven otherwise; `method` for the amr claim: "anonymous", "otp", ... UNKNOWN_USER, BANNED. */
LEDGER_API int ledger_session_open(ledger *db, const char *user_id, const char *method, const ledger_client *client,
                                   ledger_session *out);
/* TOKEN_UNKNOWN, TOKEN_REUSED (the session was ended), SESSION_GONE, BANNED. */
LEDGER_API int ledger_session_refresh(ledger *db, const char *refresh_token, const ledger_client *client, ledger_session *out);
/* Ends a user's session, all of them, or all but that one; session_id counts for the first and the last. SESSION_GONE: LOCAL, and the user
** has no such session. */
enum ledger_scope { LEDGER_SCOPE_LOCAL, LEDGER_SCOPE_GLOBAL, LEDGER_SCOPE_OTHERS };
LEDGER_API int ledger_session_close(ledger *db, const char *user_id, const char *session_id, enum ledger_scope scope);

/* What a token or an API key says. Texts live until the handle's next call; "" where there is nothing. */
typedef struct ledger_identity {
  const char *role, *claims; /* for a ledger_caller */
  const char *user_id, *session_id;
  const char *key_id;        /* of an API key */
  const char *permissions;   /* of an API key: a JSON object, {"read:accounts":true}; "" means all that its role may */
  int rate_limit;            /* of an API key: requests a minute; 0: no limit */
} ledger_identity;
/* Verifies a JWT: its form, alg HS256 and no other, signature under the present or the previous secret, exp, nbf, iat (30 s of
** skew), role; and that its session, where it names one, is alive. BAD_TOKEN, TOKEN_EXPIRED, SESSION_GONE. */
LEDGER_API int ledger_token_verify(ledger *db, const char *token, ledger_identity *out);
/* Signs a token for a role without a user (the anon and service_role keys of Supabase clients); *token is the caller's. seconds 0: ten years.
** INVALID_PARAMETER. */
LEDGER_API int ledger_token_sign(ledger *db, const char *role, int64_t seconds, char **token);
/* Sets the secret, 32 bytes or more of text (NULL: a new random one); the ones before go on verifying for `overlap_seconds`. The
** present one again: nothing happens. INVALID_PARAMETER. */
LEDGER_API int ledger_secret_rotate(ledger *db, const char *secret, int64_t overlap_seconds);

typedef struct ledger_key_request {
  const char *user;        /* id or address of its user; NULL: a key for a role */
  const char *role;        /* anon (sb_publishable_...), service_role (sb_secret_...); of a user's key NULL */
  const char *name, *description;
  const char *permissions; /* JSON object, NULL: all that the role may */
  const char *expires_at;  /* a timestamp, or NULL */
  int rate_limit;          /* requests a minute; 0: the default, 100 of a user's key and no limit of a role's; -1: no limit */
} ledger_key_request;
/* Makes an API key; *key, the caller's to free, is shown once: the file keeps a salted SHA-256. *id is the caller's, too.
** INVALID_PARAMETER, UNKNOWN_USER, and what the table api_keys refuses. */
LEDGER_API int ledger_key_create(ledger *db, const ledger_key_request *request, char **id, char **key);
/* Constant time in what it compares. BAD_KEY; BANNED, of its user; RATE_LIMITED, where its row allows no requests at all. Notes the
** last use, at most once a minute. Of an api_keys row that was not made here key_hash is taken for the SHA-256 of the whole key. */
LEDGER_API int ledger_key_verify(ledger *db, const char *key, ledger_identity *out);
LEDGER_API int ledger_key_revoke(ledger *db, const char *id); /* BAD_KEY */
/* Columns id, user_id, role, name, permissions, rate_limit, is_active, created_at, last_used_at, expires_at, all text. A cursor. */
LEDGER_API int ledger_key_list(ledger *db, ledger_rows **out);

/* Roles of users, where the schema has roles and user_roles, or users.role; `user` is an id or an address. What is so already, or not so,
** stays. UNKNOWN_USER, UNDEFINED_TYPE (no such role), NO_BOOK where it has neither. */
LEDGER_API int ledger_role_grant(ledger *db, const char *user, const char *role);
LEDGER_API int ledger_role_revoke(ledger *db, const char *user, const char *role);

/* Is a password, secret or key in place that a document has published? *what says which; NULL if none. Before serving others. */
LEDGER_API int ledger_published_secret(ledger *db, const char **what);

/* ---------------------------------------------------------------- encrypted columns
** A column whose comment has the line @encrypted is kept as "enc:1:" and base64url of nonce and ciphertext (XChaCha20-Poly1305; of json
** and jsonb a JSON string of that) once the file has a key: see ledger_encrypt(). Through a handle with the key values are written
** and read in clear by ledger_* functions; without it they are read as they are kept, and writing one is NO_ENCRYPTION_KEY.
** NULL stays NULL. Such a column can be read whole or asked for null; filters, order and functions over it are UNSUPPORTED.
**
** It keeps who has the file and not the key from reading the values. A value is bound to key, table and column: altered, moved
** into another column or written in clear by another program, it is CORRUPT when it is read, and the message names the place. It is not bound
** to its row: who can write the file can move it between rows of its column, or put an old one back.
** Exports and batches carry what is kept; see ledger_export_decrypted(). What was in clear before the file had its key is wiped from
** the file and its log, but not from backups, nor from batches that were cut before and are still kept. */

#define LEDGER_ENCRYPTION_KEY_BYTES 32
LEDGER_API void ledger_encryption_key(unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]); /* a new one, drawn at random */
/* The handle's key from now on. NO_ENCRYPTION_KEY: the file has another one; NOT_IN_PREREQUISITE: it has none. */
LEDGER_API int ledger_set_encryption_key(ledger *db, const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]);
/*
** Gives the file its key and encrypts what is there; or, with the handle's key set, changes it to another one (NULL: decrypts and
** forgets the key). All in one transaction of its own. *count, where not NULL: values written. The new key is the handle's then.
** NO_ENCRYPTION_KEY, NOT_IN_PREREQUISITE (no column is marked), ACTIVE_TRANSACTION, CORRUPT (a value that does not open).
*/
LEDGER_API int ledger_encrypt(ledger *db, const unsigned char *new_key, int64_t *count);
/* ledger_export() through this handle, which has the key, writes encrypted columns in clear (1), or as they are kept (0, as at first). */
LEDGER_API int ledger_export_decrypted(ledger *db, int decrypts);

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

typedef struct ledger_digest_row { /* borrowed until the next one */
  const char *key; /* text of the key, as PostgreSQL prints it; of several columns (a,b) */
  size_t key_length;
  unsigned char key_hash[32]; /* its SHA-256 */
  uint64_t hash;              /* of the row */
  int column_count;           /* 0 unless `by_column` */
  const char *const *columns;
  const uint64_t *column_hashes;
} ledger_digest_row;

/* What the digest of a table is made of, row by row in no order, to find where it differs from main's: see
** ledger_sync.digest_buckets() and digest_rows(). `each` returns 0; anything else stops the walk with LEDGER_INTERRUPTED. */
LEDGER_API int ledger_digest_rows(ledger *db, const char *table, int by_column,
                                  int (*each)(void *context, const ledger_digest_row *row), void *context);

/* Copies the file to `path` while others go on writing: a consistent snapshot, written aside and renamed. EXISTS if it is there. */
LEDGER_API int ledger_backup(ledger *db, const char *path);

/* ---------------------------------------------------------------- syncing
** What is written to the file, by whom ever, reaches the main PostgreSQL in batches: cut once, immutable, numbered from 1 without
** gaps, chained by hash, of whole transactions. A batch becomes a script of one transaction (psql or any client), or a sealed
** bundle that is carried by hand. Main answers with an acknowledgement, JSON of one line; until it has come nothing is let go of.
** Received and applied are two things: what main cannot apply it keeps whole (custody) and acknowledges as received.
** Sending the same again is harmless at any time. The other half is schema/sync/. */

typedef struct ledger_sync_facts {
  const char *device;          /* uuid as main knows it */
  const char *previous_device; /* before a rekey, "" if there was none */
  const char *main;            /* uuid of the main database, "" if it was never reached */
  int64_t epoch, key_range;    /* key_range -1: not enrolled */
  int64_t cut, received, applied; /* numbers of the last batches */
  int64_t changes;             /* rows and journals that were written and that no batch has yet */
  int64_t batches, batch_rows, batch_bytes; /* that main has not received */
  const char *waiting_since;   /* time of the oldest change that main has not, "" if it has all */
  const char *reason;          /* of custody, "" if main has applied all it received */
  const char *attempted_at, *succeeded_at, *failed_at, *error; /* of attempts to reach main; "" */
  int64_t clock_skew_ms;       /* this clock less main's, at the last acknowledgement */
  int has_main_key;            /* main's public keys are known: acknowledgements must be signed */
} ledger_sync_facts;

/* Where the file stands. The texts live until the handle's next call. */
LEDGER_API int ledger_sync_status(ledger *db, ledger_sync_facts *out);

/* Cuts everything since the last cut into one batch, in one write transaction. *seq: its number, 0 if there was nothing. */
LEDGER_API int ledger_batch_cut(ledger *db, int64_t *seq);

/*
** Writes a kept batch as a script of one transaction that ends with COMMIT; identical to the byte each time. UNKNOWN_REFERENCE if
** the bytes of the batch are not kept (any more). `write` as in ledger_export().
*/
LEDGER_API int ledger_batch_script(ledger *db, int64_t seq, enum ledger_export_format format,
                                   int (*write)(void *context, const void *bytes, size_t length), void *context);

/* The SELECT whose one text is the acknowledgement, and the SELECT that enrols the device; with a semicolon and a line's end. The
** caller's. public_key: the device's, for bundles; NULL: that of the key that signs the file's heads, if there is one. */
LEDGER_API char *ledger_acknowledgement_sql(ledger *db);
LEDGER_API char *ledger_enrol_sql(ledger *db, const unsigned char *public_key);

/*
** Takes an acknowledgement: what main has received is let go of (but the last LEDGER_BATCHES_KEPT batches), the clock moves
** forward, a key range is taken. A second line "signature HEX" is main's Ed25519 over the first line without its end; it is
** demanded once main's key is known, unless `is_trusted` (it came over a connection to main itself).
** Errors: ALTERED, WRONG_KEY, FORK (main has a batch of that number with another content, or one that was never cut here),
** OTHER_MAIN, NOT_ENROLLED, INVALID_TEXT.
*/
LEDGER_API int ledger_acknowledge(ledger *db, const char *text, ptrdiff_t length, int is_trusted);

/* Notes an attempt to reach main for ledger_sync_status(): NULL when it succeeded, else why it did not. */
LEDGER_API int ledger_sync_attempt(ledger *db, const char *error);

/* Gives the file a new identity, with what main has not received cut again under it: for a restored backup or a copied card. */
LEDGER_API int ledger_rekey(ledger *db);

/* Main's public keys (Ed25519, X25519), 64 bytes, for bundles and their acknowledgements. Another one than before: FORBIDDEN
** unless `replaces`. */
LEDGER_API int ledger_set_main_key(ledger *db, const unsigned char key[64], int replaces);
LEDGER_API int ledger_get_main_key(ledger *db, unsigned char key[64]); /* UNKNOWN_REFERENCE if there is none */

/*
** Writes the script of one transaction by which main compares each row that this file has of synced tables with its own: whose
** last text is the report, JSON: {"ledger_proof":1,"proven":true,"tables":[{"schema","table","rows","same",...}],"problems":[],
** "first":[{"verdict","schema","table","key"}],...}; schema/sync/40_proof.sql says what the verdicts mean. It changes nothing on main,
** where the device must be enrolled. Balances are left out, for several devices' add up; the chain of batches vouches for them.
*/
LEDGER_API int ledger_prove_script(ledger *db, int (*write)(void *context, const void *bytes, size_t length), void *context);

/* How a table syncs: kind mutable, fact, main or local; collision reject, adopt or rename. NULL leaves what is. */
LEDGER_API int ledger_sync_table(ledger *db, const char *table, const char *kind, const char *collision);

/* ---- bundles: batches carried by hand, compressed, encrypted to main's key and signed by the device's. sync/bundle.c has the format */

#define LEDGER_MAIN_KEY_BYTES 32        /* the secret that main keeps */
#define LEDGER_MAIN_PUBLIC_KEY_BYTES 64 /* Ed25519, with which acknowledgements are verified, then X25519, to which bundles are sealed */

/* A new secret for main; what the devices are to know of it; and main's signature of an acknowledgement: the second line of what
** ledger_acknowledge() takes, without its end, for the first one without its own. */
LEDGER_API void ledger_main_key(unsigned char main_key[LEDGER_MAIN_KEY_BYTES]);
LEDGER_API void ledger_main_public_key(const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                       unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES]);
#define LEDGER_ACKNOWLEDGEMENT_SIGNATURE 139 /* "signature ", 128 hexadecimal digits and a NUL */
LEDGER_API void ledger_sign_acknowledgement(const unsigned char main_key[LEDGER_MAIN_KEY_BYTES], const char *line,
                                            char out[LEDGER_ACKNOWLEDGEMENT_SIGNATURE]);

/*
** Writes one bundle of all batches from number `since` on, or, where that is 0, of all that main has not received. Cut first.
** *first and *last: the numbers of what it holds; 0 if that is nothing, and nothing was written. Main's key must be known. The secret key is the device's, whose
** public key main was told when it enrolled the device.
** Errors: UNKNOWN_REFERENCE (no key of main, or the bytes of such a batch are not kept), ALTERED (they are not what was cut),
** WRONG_KEY (what is known as main's key is none), MISUSE, IO, INTERRUPTED, MEMORY.
*/
LEDGER_API int ledger_bundle_seal(ledger *db, int64_t since, const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                                  int64_t *first, int64_t *last,
                                  int (*write)(void *context, const void *bytes, size_t length), void *context);

typedef struct ledger_bundle ledger_bundle; /* a bundle being read; needs no ledger file */

typedef struct ledger_bundle_facts { /* as the bundle says of itself */
  const char *device;     /* uuid */
  int64_t epoch, first, last, batches;
  const char *previous;   /* hash of the batch before the first, "" if there is none */
  const char *hash;       /* of the last batch */
  const char *sender;     /* public key of who signed it, hexadecimal */
  const char *recipient;  /* name of the key it is sealed to: see ledger_main_key_name() */
  const char *created_at;
  int64_t bytes;
} ledger_bundle_facts;

/* How a bundle names main's key: 32 hexadecimal digits of its hash. */
LEDGER_API void ledger_main_key_name(const unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES], char out[33]);

/*
** Begins to read a bundle of `size` bytes. `read` gives exactly `length` of them from `offset` on and returns 0; it is called again
** for the same places, and must give the same. *out is a handle also on failure (for ledger_bundle_error), NULL only when memory is
** short or an argument is NULL; close it always. Nothing is proved yet. ALTERED, NEWER_BATCH, INVALID_FIELD (not a bundle), IO.
*/
LEDGER_API int ledger_bundle_open(int (*read)(void *context, int64_t offset, void *bytes, size_t length), void *context,
                                  int64_t size, ledger_bundle **out);
LEDGER_API const ledger_error *ledger_bundle_error(const ledger_bundle *bundle);
LEDGER_API const ledger_bundle_facts *ledger_bundle_get_facts(const ledger_bundle *bundle); /* texts NULL after a failed open */
LEDGER_API void ledger_bundle_close(ledger_bundle *bundle);

/* Was all of it signed by `sender`, a public key; NULL: by the one that it names, who may be anybody? WRONG_KEY, ALTERED, IO. */
LEDGER_API int ledger_bundle_check_signature(ledger_bundle *bundle, const unsigned char *sender);

/*
** Proves the whole of it: the signature as above, every byte of its content, every batch and their chain. `batch`, where not NULL, is
** told of each in order; a result other than 0 ends it with INTERRUPTED. WRONG_KEY, ALTERED, NEWER_BATCH, IO, MEMORY.
*/
LEDGER_API int ledger_bundle_verify(ledger_bundle *bundle, const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                    const unsigned char *sender, int (*batch)(void *context, int64_t seq, const char *hash),
                                    void *context);

/* Writes its batches after number `after` as ledger_batch_script() does. MISUSE before ledger_bundle_verify() has succeeded. */
LEDGER_API int ledger_bundle_script(ledger_bundle *bundle, int64_t after, enum ledger_export_format format,
                                    int (*write)(void *context, const void *bytes, size_t length), void *context);

/* ---- the way back, from main to the file */

enum { LEDGER_IMPORT_CONTINUE = 1 }; /* tables of the dump that the file lacks are left out */

/*
** Reads a plain pg_dump (COPY or INSERT) into the tables of the file, in one transaction. `read` gives up to `length` bytes, 0 at the
** end, -1 when it cannot. What the dump says about the schema is passed over, triggers do not run, foreign keys are looked at
** when all rows are in. A row that is there and equal is skipped. Balances become opening journals, completed transactions and
** audit rows history for which the import's journal vouches (ledger_verify()). Nothing of it is sent back to main; nothing else may
** be waiting to be sent. setval() moves sequences forward.
** *report, where not NULL, is the caller's: {"rows":9,"inserted":8,"skipped":1,"sequences":0,"openings":2,"holds":0,
** "tables":[{"schema":"public","table":"users","inserted":3,"skipped":1}],"left_out":[{"name":"public.x","rows":3}]}.
** Errors: NOT_IN_PREREQUISITE (something is waiting), ACTIVE_TRANSACTION, UNDEFINED_TABLE, UNIQUE (the same key, other content), SYNTAX,
** INVALID_FIELD, UNSUPPORTED, IO, those of ledger_insert() and of the book; the sentence begins with the line of the dump.
*/
LEDGER_API int ledger_import(ledger *db, ptrdiff_t (*read)(void *context, void *bytes, size_t length), void *context, int flags,
                             char **report);

/* Zero, and `table` set; the rest is filled in. */
typedef struct ledger_pull_table {
  const char *table;
  int64_t rows, inserted, updated, deleted;
} ledger_pull_table;

/* Where the rows come from: `start` runs a COPY ... TO STDOUT on main and returns 0; `read` gives what it prints as above. All of them at
** one snapshot, with datestyle ISO, intervalstyle postgres, bytea_output hex, extra_float_digits 1 and client_encoding UTF8. */
typedef struct ledger_pull_source {
  void *context;
  int (*start)(void *context, const char *copy);
  ptrdiff_t (*read)(void *context, void *bytes, size_t length);
} ledger_pull_source;

/*
** Makes the tables' rows those of main, in one transaction; only rows that differ are written. The tables are main's from then on:
** nobody else writes them here (FORBIDDEN). Errors: FORBIDDEN (a table that the book writes), UNSUPPORTED (a view, no primary key),
** NOT_IN_PREREQUISITE (changes of it are waiting to be sent), FOREIGN_KEY (a row here refers to one that main has no more), IO.
*/
LEDGER_API int ledger_pull(ledger *db, int count, ledger_pull_table *tables, const ledger_pull_source *source);

#ifdef __cplusplus
}
#endif
#endif
