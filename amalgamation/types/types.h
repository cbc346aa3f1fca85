/*
** types: PostgreSQL's types. Input functions turn text into the stored form, output functions the stored form into
** PostgreSQL's output text. No SQL here; store/ registers what SQL needs.
**
** Stored forms: boolean, smallint, integer, bigint VALUE_INTEGER; real, double precision VALUE_REAL; bytea VALUE_BLOB;
** everything else VALUE_TEXT in one canonical spelling:
**   numeric                12.50 with the declared scale, -0 never
**   uuid                   lower case with hyphens
**   timestamp, timestamptz 2026-01-28 12:34:56.123456, timestamptz in UTC with +00:00 behind; infinity, -infinity
**   date, time             2026-01-28, 12:34:56.5
**   interval               as IntervalStyle postgres prints it: 1 year 2 mons 3 days 04:05:06
**   jsonb                  as jsonb_out() prints it; json, xml verbatim
**   inet, cidr             as inet_out() prints them
**   char(n)                padded with spaces to n characters
**   arrays                 a JSON array: strings for every element type but integers and booleans... see array.c
*/
#ifndef LEDGER_TYPES_H
#define LEDGER_TYPES_H

/* X(id, format_type() name, declared SQLite type for a column) */
#define TYPES(X)                                                                                                               \
  X(BOOLEAN, "boolean", "BOOLEAN")                                                                                             \
  X(INT2, "smallint", "SMALLINT")                                                                                              \
  X(INT4, "integer", "INT")                                                                                                    \
  X(INT8, "bigint", "BIGINT")                                                                                                  \
  X(FLOAT4, "real", "REAL")                                                                                                    \
  X(FLOAT8, "double precision", "DOUBLE PRECISION")                                                                            \
  X(NUMERIC, "numeric", "DECIMAL TEXT")                                                                                        \
  X(TEXT, "text", "TEXT")                                                                                                      \
  X(VARCHAR, "character varying", "VARCHAR")                                                                                   \
  X(BPCHAR, "character", "CHARACTER")                                                                                          \
  X(NAME, "name", "NAME TEXT")                                                                                                 \
  X(CITEXT, "citext", "CITEXT")                                                                                                \
  X(XML, "xml", "XML TEXT")                                                                                                    \
  X(UUID, "uuid", "UUID CHAR(36)")                                                                                             \
  X(DATE, "date", "DATE")                                                                                                      \
  X(TIME, "time without time zone", "TIME")                                                                                    \
  X(TIMESTAMP, "timestamp without time zone", "TIMESTAMP")                                                                     \
  X(TIMESTAMPTZ, "timestamp with time zone", "DATETIME")                                                                       \
  X(INTERVAL, "interval", "PERIOD TEXT")                                                                                       \
  X(JSON, "json", "JSON CHAR")                                                                                                 \
  X(JSONB, "jsonb", "JSONB CHAR")                                                                                              \
  X(INET, "inet", "INET VARCHAR(43)")                                                                                          \
  X(CIDR, "cidr", "CIDR VARCHAR(43)")                                                                                          \
  X(BYTEA, "bytea", "BLOB")                                                                                                    \
  X(ENUM, "", "VARCHAR(63)")

enum type_id {
  TYPE_NONE,
#define X(id, name, declared) TYPE_##id,
  TYPES(X)
#undef X
      TYPE_COUNT
};

/* The labels of an enum, in order. */
struct type_labels {
  const char *name; /* of the enum, for messages */
  int count;
  const char *const *labels;
};

struct type {
  enum type_id id;
  bool is_array;
  int length; /* varchar(n), char(n): n; numeric: precision; timestamp(p), time(p), interval(p): p; -1: none */
  int scale;  /* numeric: scale; else 0 */
  int fields; /* interval: 0, or the restriction "interval day to second" as a bit set (interval.c) */
  const struct type_labels *labels; /* enum */
};

/* Reads a format_type() name ("numeric(15,2)", "character varying(255)", "timestamp(3) without time zone[]"). Enums are
** not known here: LEDGER_UNDEFINED_TYPE. */
LEDGER_PRIVATE int type_parse(const char *name, struct type *out, ledger_error *error);
/* The inverse; appends to *out. */
LEDGER_PRIVATE void type_format(sqlite3_str *out, const struct type *type);

/*
** The input function: `text` (length bytes, any bytes) to the stored form. The result may borrow `text` itself when it
** is canonical already, or lie in the arena. Assignment rules of a column of the type are applied as for a quoted
** literal: varchar(n) cuts spaces or 22001, numeric(p,s) rounds then 22003.
** BAD_ENCODING for invalid UTF-8 or NUL in any type.
*/
LEDGER_PRIVATE int type_input(const struct type *type, const char *text, size_t length, struct arena *arena, struct value *out,
                              ledger_error *error);

/* As type_input, but with the rules of an explicit cast: 'abcdef'::varchar(3) cuts without an error. */
LEDGER_PRIVATE int type_cast(const struct type *type, const char *text, size_t length, struct arena *arena, struct value *out,
                             ledger_error *error);

/* Coerces what a caller gave (ledger.h's ledger_value, not LEDGER_DEFAULT) to the stored form by assignment. */
LEDGER_PRIVATE int type_assign(const struct type *type, const ledger_value *given, struct arena *arena, struct value *out,
                               ledger_error *error);

/*
** The output function: appends PostgreSQL's output text of a stored value (not NULL) to *out. CORRUPT when the value
** has not the stored form of its type (a foreign program wrote it).
*/
LEDGER_PRIVATE int type_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);

/* Appends the value as to_json() prints it: numbers bare, jsonb as it is, timestamps with T, else a string. */
LEDGER_PRIVATE int type_json(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);

/* Orders two stored, non-NULL values of the type as PostgreSQL's btree does. */
LEDGER_PRIVATE int type_compare(const struct type *type, const struct value *a, const struct value *b);

/* Implementations by family; each file says what it holds. The operator functions that store/function_*.c registers
** are declared in these. */
#include "numbers.h"
#include "documents.h"
#include "moments.h"
#include "strings.h"

#endif
