/*
** What PostgreSQL knows of the types the compiler handles: operators, functions, casts, aggregates and how an overload is
** chosen. The rows were taken from pg_operator, pg_proc, pg_cast and pg_type of PostgreSQL 15.
*/
#ifndef LEDGER_OPERATORS_H
#define LEDGER_OPERATORS_H

#include "model.h"

/* A type in a table's row: an enum sqltype_id or one of these, with ARRAY_OF() around it for an array. */
enum {
  CODE_NONE = SQLTYPE_COUNT, /* the left side of a prefix operator */
  CODE_OID,
  CODE_TIMETZ, /* known to the overload rules, refused when chosen */
  CODE_ANY,
  CODE_ANYELEMENT,
  CODE_ANYARRAY,
  CODE_ANYNONARRAY,
  CODE_ANYENUM,
  CODE_ANYCOMPATIBLE,
  CODE_ANYCOMPATIBLEARRAY,
  CODE_ANYCOMPATIBLENONARRAY,
  CODE_COUNT
};
#define ARRAY_OF(code) ((code) | 0x80)
#define IS_ARRAY_CODE(code) (((code)&0x80) != 0)
#define ELEMENT_OF(code) ((code)&0x7f)
typedef unsigned char type_code;

#define FUNCTION_ARGUMENTS_MAX 7

struct pg_operator_row {
  const char *name;
  type_code left, right, result;
  const char *source; /* pg_proc.prosrc; "@name" where PostgreSQL's own is written in SQL */
  char volatility;    /* pg_proc.provolatile */
};
struct pg_function_row {
  const char *name;
  int count, defaults; /* arguments, and how many of them may be left out */
  type_code arguments[FUNCTION_ARGUMENTS_MAX];
  type_code result;
  const char *source;
  char volatility;
  bool strict, variadic;
};
struct pg_cast_row {
  type_code from, to;
  char context; /* pg_cast.castcontext: i, a, e */
  char method;  /* pg_cast.castmethod: function, binary, in-out */
  const char *source;
};
struct pg_aggregate_row {
  const char *name;
  int count, defaults;
  type_code arguments[FUNCTION_ARGUMENTS_MAX];
  type_code result;
};

extern const struct pg_operator_row pg_operator_rows[];
extern const int pg_operator_row_count;
extern const struct pg_function_row pg_function_rows[];
extern const int pg_function_row_count;
extern const struct pg_aggregate_row pg_aggregate_rows[];
extern const int pg_aggregate_row_count;
extern const struct pg_cast_row pg_cast_rows[];
extern const int pg_cast_row_count;

/* The SQLite text of a call by its prosrc: "length($1)"; NULL: pg_<source>(arguments). "": not available. */
const char *operators_template(const char *source);

type_code operators_code(const struct sqltype *type);
struct sqltype operators_type(type_code code); /* without modifiers; the inverse but for enums */
char operators_category(type_code code);
bool operators_is_preferred(type_code code);

/* How a value of one type becomes one of another in a context: 'i' implicit, 'a' assignment, 'e' explicit. */
enum cast_path { CAST_NONE, CAST_RELABEL, CAST_FUNCTION, CAST_OUTPUT, CAST_INPUT, CAST_ARRAY };
enum cast_path operators_cast(type_code from, type_code to, char context,
                              const struct pg_cast_row **row);

/* The choice among overloads. OVERLOAD_NONE: none fits; OVERLOAD_MANY: more than one fits equally. */
enum overload { OVERLOAD_ONE, OVERLOAD_NONE, OVERLOAD_MANY };
enum overload operators_find(const char *name, type_code left, type_code right,
                             const struct pg_operator_row **out);
/* *arguments receives the declared types for `count` arguments, variadic ones spread. */
enum overload operators_find_function(const char *name, int count, const type_code *given,
                                      const struct pg_function_row **out, type_code *arguments);
enum overload operators_find_aggregate(const char *name, int count, const type_code *given,
                                       const struct pg_aggregate_row **out);
bool operators_has_operator(const char *name);
bool operators_has_function(const char *name); /* some overload is in the tables */
bool operators_has_aggregate(const char *name);
bool operators_is_refused(
    const char *name); /* a function of PostgreSQL that the compiler does not translate */

/* The common type of several values, as for UNION, CASE and ARRAY; false when there is none. */
bool operators_common(int count, const type_code *given, type_code *out);
/* Do the anyelement family's arguments leave its type open, because all are unknown literals? */
bool operators_is_indeterminate(int count, const type_code *given, const type_code *declared);
/* Resolves the polymorphic ones among the declared types in place, by what was given. false: they do not agree. */
bool operators_resolve(int count, const type_code *given, type_code *declared, type_code *result);

#endif
