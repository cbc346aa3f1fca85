/*
** What the files of the expression translator share. Everything else is in model.h.
**
** A translated expression is SQLite text over values in their stored form (types.h of the library), typed as PostgreSQL
** types it. Every comparison names its collation, so that it never depends on how a column was declared.
*/
#ifndef LEDGER_EXPRESSION_H
#define LEDGER_EXPRESSION_H

#include "model.h"
#include "operators.h"

#include <sqlite3.h>
#include <string.h>

#define EXPRESSION_DEPTH_MAX 400 /* SQLite's own limit is 1000, and one of PostgreSQL's nodes can make two of SQLite's */

/* A column that an unqualified name can mean. */
struct scope_column {
  const char *name, *sql;
  struct sqltype type;
};

/* A WITH query. */
struct query_with {
  const char *name;
  const char *stored_name;
  int column_count;
  const char **names;
  const char **stored_names;
  struct sqltype *types;
  const struct query_with *next;
};

/* GROUP BY: the keys, and the columns that depend on a primary key among them, by their SQLite text. */
struct query_grouping {
  bool active; /* the query has GROUP BY, HAVING or an aggregate */
  int key_count;
  const char **keys;
  const char *ungrouped; /* the first column used outside of keys and aggregates: as it was written */
  int location;
  bool in_aggregate;
};

struct expression_list {
  int count;
  struct expression *items;
};

/* ---- expression.c */

const char *expression_name_part(PgQuery__Node *const *nodes, size_t i); /* of a list of String nodes; "" if it is none */
struct expression *expression_list_add(struct compiler *c, struct expression_list *list);
bool expression_translate_list(struct compiler *c, size_t count, PgQuery__Node *const *nodes, const struct scope *scope,
                               struct expression_list *out);
/* Takes over from a part what holds for the whole: volatility, aggregates, private functions. */
void expression_absorb(struct expression *out, const struct expression *part);
void expression_absorb_list(struct expression *out, const struct expression_list *list);
/* The type's name in messages: without modifiers. */
const char *expression_type_name(struct compiler *c, const struct sqltype *type);
bool expression_same_type(const struct sqltype *a, const struct sqltype *b); /* modifiers apart */
struct sqltype expression_plain_type(enum sqltype_id id);
struct expression expression_make(const char *sql, struct sqltype type, int location);
struct expression expression_text_literal(struct compiler *c, const char *text, int location); /* of unknown type; NULL: NULL */
/* Fills $1, $2, ... of a template; "$*" is all arguments with commas. NULL: pg_<source>($*). */
const char *expression_fill(struct compiler *c, const char *template, const char *source, int count,
                            const struct expression *arguments);
/* sql COLLATE collation, where the type needs one. */
const char *expression_collated(struct compiler *c, const struct expression *e);
const char *expression_collated_beside(struct compiler *c, const struct expression *e, const char *other); /* in e = other */
/* The value as a column of a SELECT: without a collation that strayed into it. */
const char *expression_column_value(struct compiler *c, const struct expression *e);
bool expression_private_text(const char *sql); /* names a private function or collation */
/* The column a name means; qualifier may be NULL. Notes 42703, 42702, 42P01. */
bool expression_column(struct compiler *c, const struct scope *scope, const char *qualifier, const char *name, int location,
                       struct expression *out);
/* Notes 42883 for a type without order and equality: json, xml. `what` is "an equality operator" or its like. */
bool expression_is_comparable(struct compiler *c, const struct expression *e, const char *what);
/* The labels as the text of an array. */
const char *expression_enum_list(struct compiler *c, const struct enum_def *labels);
/* A CASE that gives an enum's ordinal. */
const char *expression_enum_ordinal(struct compiler *c, const struct enum_def *labels, const char *sql);
const char *expression_enum_label(struct compiler *c, const struct enum_def *labels, const char *sql);
int expression_location(const PgQuery__Node *node);

/* ---- expression_cast.c */

/* Converts in a context: 'i' implicit, 'a' assignment, 'e' explicit. Notes 42846, or what the literal's input says. */
bool expression_convert(struct compiler *c, struct expression *e, const struct sqltype *target, char context);
bool expression_is_convertible(const struct expression *e, const struct sqltype *target, char context);
/* An unknown literal becomes text; what has a type stays. */
bool expression_settle(struct compiler *c, struct expression *e);
/* The value as its type's output function prints it: what concat() and a cast to text see. */
void expression_output(struct compiler *c, struct expression *e);
bool expression_typecast(struct compiler *c, const PgQuery__TypeCast *node, const struct scope *scope, struct expression *out);

/* ---- expression_operator.c */

bool expression_operate(struct compiler *c, const char *name, struct expression *left, struct expression *right, int location,
                        struct expression *out); /* left NULL: prefix */
bool expression_a_expr(struct compiler *c, const PgQuery__AExpr *node, const struct scope *scope, struct expression *out);
/* Is an argument the constant NULL, which makes a call of a strict function NULL before anything is evaluated? */
bool expression_has_null(int count, const struct expression *arguments);

/* ---- expression_sublink.c */

bool expression_sublink(struct compiler *c, const PgQuery__SubLink *node, const struct scope *scope, struct expression *out);
/* left op ANY (array), left op ALL (array) */
bool expression_any_array(struct compiler *c, const char *name, bool is_all, struct expression *left,
                          const PgQuery__Node *array, const struct scope *scope, int location, struct expression *out);
bool expression_array(struct compiler *c, const PgQuery__AArrayExpr *node, const struct sqltype *element,
                      const struct scope *scope, struct expression *out);

/* The element at a subscript given as SQLite text. */
bool expression_element(struct compiler *c, const struct expression *array, const char *subscript, struct expression *out);
bool expression_subscript(struct compiler *c, const PgQuery__AIndirection *node, const struct scope *scope,
                          struct expression *out);

/* ---- expression_choice.c: CASE, COALESCE, GREATEST, LEAST and common types */

/* Finds the common type and converts the items to it; `word` is "CASE", "UNION", ... for messages. */
bool expression_unify(struct compiler *c, const char *word, struct expression_list *items, int location, struct sqltype *type);
bool expression_common_type(struct compiler *c, const char *word, const struct expression_list *items, int location,
                            struct sqltype *type);
bool expression_case(struct compiler *c, const PgQuery__CaseExpr *node, const struct scope *scope, struct expression *out);
bool expression_coalesce(struct compiler *c, const PgQuery__CoalesceExpr *node, const struct scope *scope,
                         struct expression *out);
bool expression_minmax(struct compiler *c, const PgQuery__MinMaxExpr *node, const struct scope *scope, struct expression *out);

/* ---- expression_function.c */

bool expression_function(struct compiler *c, const PgQuery__FuncCall *node, const struct scope *scope, struct expression *out);
/* The name by which the library's functions are told a type, as a SQLite literal; of its elements unless is_whole. */
const char *expression_runtime_type(struct compiler *c, const struct sqltype *type, bool is_whole);
/* Adds the name of the type that the library's function of that prosrc wants to be told. */
void expression_add_type(struct compiler *c, const char *source, struct expression_list *arguments);
bool expression_value_function(struct compiler *c, const PgQuery__SQLValueFunction *node, struct expression *out);

/* ---- expression_aggregate.c */

bool expression_aggregate(struct compiler *c, const char *name, const PgQuery__FuncCall *node, const struct scope *scope,
                          struct expression *out);
bool expression_window(struct compiler *c, const char *name, const PgQuery__FuncCall *node, const struct scope *scope,
                       struct expression *out);

/* ---- query.c */

/* "key" NULLS LAST and so on, for ORDER BY. */
const char *query_sort_item(struct compiler *c, const PgQuery__SortBy *sort, const struct expression *key);

#endif
