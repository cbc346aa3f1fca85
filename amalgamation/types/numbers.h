/*
** numbers.h: boolean, integers, floats and numeric: input, output and the rules of assignment.
** Implemented in boolean.c, integer.c, real.c and numeric.c.
*/
#ifndef LEDGER_NUMBERS_H
#define LEDGER_NUMBERS_H

/* ---- boolean.c: VALUE_INTEGER 0 or 1 */

LEDGER_PRIVATE int boolean_input(const char *text, size_t length, struct value *out, ledger_error *error);
LEDGER_PRIVATE int boolean_output(const struct value *stored, sqlite3_str *out); /* t or f; CORRUPT */

/* ---- integer.c: TYPE_INT2, TYPE_INT4, TYPE_INT8 */

LEDGER_PRIVATE int integer_input(enum type_id id, const char *text, size_t length, struct value *out, ledger_error *error);
LEDGER_PRIVATE int integer_output(const struct type *type, const struct value *stored, sqlite3_str *out); /* CORRUPT */
/* Assignment from a wider integer: "smallint out of range". */
LEDGER_PRIVATE int integer_check(enum type_id id, int64_t integer, ledger_error *error);
/* Assignment from a float (rounds half to even) and from a numeric (rounds half away from zero). */
LEDGER_PRIVATE int integer_from_real(enum type_id id, double real, int64_t *out, ledger_error *error);
LEDGER_PRIVATE int integer_from_decimal(enum type_id id, const struct decimal *number, int64_t *out, ledger_error *error);

/* ---- real.c: TYPE_FLOAT4, TYPE_FLOAT8. No NaN: UNSUPPORTED, since SQLite would store NULL. -0
** becomes 0. */

#define REAL_TEXT_MAX 32 /* bytes of the longest output, with a NUL */

LEDGER_PRIVATE int real_input(enum type_id id, const char *text, size_t length, struct value *out, ledger_error *error);
LEDGER_PRIVATE int real_output(const struct type *type, const struct value *stored, sqlite3_str *out); /* CORRUPT */
/* The shortest text that reads back as the same value of the type, as PostgreSQL prints it.
** Returns its length. */
LEDGER_PRIVATE size_t real_text(enum type_id id, double real, char out[REAL_TEXT_MAX]);
/* A computed number as a stored value. UNSUPPORTED for NaN. */
LEDGER_PRIVATE int real_result(enum type_id id, double real, struct value *out, ledger_error *error);
/* Narrows to float4: "value out of range: overflow". */
LEDGER_PRIVATE int real_check(enum type_id id, double *real, ledger_error *error);
/* The numeric that PostgreSQL's cast gives: 15 significant digits, 6 of a float4. OUT_OF_RANGE
** for the infinities. */
LEDGER_PRIVATE int real_to_decimal(enum type_id id, double real, struct arena *arena, struct decimal *out, ledger_error *error);

/* ---- numeric.c: VALUE_TEXT, canonical: fixed scale where the type has one */

LEDGER_PRIVATE int numeric_input(const struct type *type, const char *text, size_t length, struct arena *arena,
                                 struct value *out, ledger_error *error);
LEDGER_PRIVATE int numeric_output(const struct type *type, const struct value *stored, sqlite3_str *out,
                                  ledger_error *error); /* CORRUPT */
/* Applies the type's precision and scale, if it has them, to a number: rounds, then "numeric
** field overflow". */
LEDGER_PRIVATE int numeric_coerce(const struct type *type, struct arena *arena, struct decimal *number, ledger_error *error);
/* The number as a stored value, its text in the arena. */
LEDGER_PRIVATE int numeric_value(struct arena *arena, const struct decimal *number, struct value *out, ledger_error *error);

/* ---- number_format.c */

/* to_char(numeric, template): appends to *out; rounds the number. SYNTAX, UNSUPPORTED. */
LEDGER_PRIVATE int number_format(struct arena *arena, struct decimal *number, const char *template, size_t length,
                                 sqlite3_str *out, ledger_error *error);

#endif
