/*
** The compiler's model of a schema: what the parser's trees say, names resolved. Built by the ddl_*.c files, read by
** expression.c, query.c and the emit_*.c files. Everything lies in the compiler's arena and lives until schema_free().
*/
#ifndef LEDGER_MODEL_H
#define LEDGER_MODEL_H

#include "compiler.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <stdint.h>

struct compiler;

/* ---- types (sqltype.c) */

enum sqltype_id {              /* the same families as the library's types.h, plus what only expressions have */
                  SQL_UNKNOWN, /* a quoted literal or NULL of no type yet */
                  SQL_BOOLEAN,
                  SQL_INT2,
                  SQL_INT4,
                  SQL_INT8,
                  SQL_FLOAT4,
                  SQL_FLOAT8,
                  SQL_NUMERIC,
                  SQL_TEXT,
                  SQL_VARCHAR,
                  SQL_BPCHAR,
                  SQL_NAME,
                  SQL_CITEXT,
                  SQL_XML,
                  SQL_UUID,
                  SQL_DATE,
                  SQL_TIME,
                  SQL_TIMESTAMP,
                  SQL_TIMESTAMPTZ,
                  SQL_INTERVAL,
                  SQL_JSON,
                  SQL_JSONB,
                  SQL_INET,
                  SQL_CIDR,
                  SQL_BYTEA,
                  SQL_ENUM,
                  SQL_RECORD,
                  SQL_TRIGGER,
                  SQL_VOID,
                  SQL_REGCLASS,
                  SQLTYPE_COUNT
};

struct enum_def {
  const char *schema, *name;
  int count;
  const char **labels;
  const char *comment;
  int type_id; /* ledger_catalog_type.type_id */
};

struct domain_def;

struct sqltype {
  enum sqltype_id id;
  bool is_array;
  int length, scale, fields;       /* as struct type in types.h; length -1 for none */
  const struct enum_def *labels;   /* SQL_ENUM */
  const struct domain_def *domain; /* as declared; the rest is its base type */
};

struct check_def {
  const char *name;
  const char *sql;        /* SQLite boolean over bare column names */
  const char *definition; /* CHECK ((...)) in PostgreSQL's words */
};

struct domain_def {
  const char *schema, *name;
  struct sqltype base;
  bool not_null;
  const PgQuery__Node *default_node; /* NULL: none */
  int check_count;
  struct domain_check {
    const char *name;
    const PgQuery__Node *node;
    const char *definition;
  } * checks;
  const char *comment;
  int type_id;
};

/* sqltype.c. A failure notes an error at `location` (byte offset in the current file) and returns false. */
bool sqltype_resolve(struct compiler *c, const PgQuery__TypeName *name, struct sqltype *out);
const char *sqltype_format(struct compiler *c,
                           const struct sqltype *type); /* format_type(): numeric(15,2), text[], "Order Status" */
const char *sqltype_declared(struct compiler *c, const struct sqltype *type); /* SQLite's declared type of a column */
enum sqltype_id
sqltype_serial(const PgQuery__TypeName *name); /* smallserial, serial4, ...: the integer type; else SQL_UNKNOWN */
/* A CHECK in built-in functions only that holds for the stored forms of the type, over the quoted column name; NULL: none needed. */
const char *sqltype_check(struct compiler *c, const struct sqltype *type, const char *quoted_column);

/* ---- relations */

enum default_kind { DEFAULT_NONE, DEFAULT_CONSTANT, DEFAULT_NOW, DEFAULT_UUID, DEFAULT_NEXTVAL, DEFAULT_EXPRESSION };

struct place {
  int file, start, location;
}; /* where a definition stands that is translated once the whole schema is read */

struct relation_def;

struct column_def {
  const char *name;
  struct sqltype type;
  bool not_null;
  enum default_kind default_kind;
  const char *default_sql;        /* see ledger_catalog_column.default_sql */
  const char *default_plain_sql;  /* for CREATE TABLE's DEFAULT, used by foreign writers; NULL: none */
  const char *default_definition; /* PostgreSQL text */
  const char *generated_sql, *generated_definition;
  char identity;                 /* 'a', 'd' or 0 */
  struct sequence_def *sequence; /* serial or identity */
  const char *comment;
  bool dropped; /* ALTER TABLE DROP COLUMN in a migration */
  const PgQuery__Node *default_node, *generated_node;
  const char *collation; /* COLLATE "C", or NULL */
  const struct relation_def *origin; /* of a view: the table and its column that it shows as it is, or NULL */
  const char *origin_name;
  struct place place;
};

enum constraint_kind { CONSTRAINT_PRIMARY = 'p', CONSTRAINT_UNIQUE = 'u', CONSTRAINT_FOREIGN = 'f', CONSTRAINT_CHECK = 'c' };

struct relation_def;

struct constraint_def {
  enum constraint_kind kind;
  const char *name;
  int column_count;
  const char **columns;
  struct relation_def *ref;
  int ref_column_count;
  const char **ref_columns;
  char match, on_update, on_delete; /* as in ledger_catalog_constraint */
  int deferrable;                   /* 0, 1, 2 */
  const char *check_sql;
  const struct domain_def *domain; /* a domain's check on one column */
  const char *definition;          /* pg_get_constraintdef()'s text */
  const char *comment;
  const PgQuery__Node *check_node;
  bool not_valid, no_inherit;
  bool is_stable; /* a check that calls now() and the like, which SQLite refuses in CHECK: made a trigger */
  struct place place;
};

/* The tables and views that are marked in a text: by what is written there, and by the functions that it calls. */
struct marked_reads {
  int direct_count, called_count;
  const struct relation_def **direct, **called;
};

struct privilege_def {
  const char *role; /* "public": everyone */
  int letters;      /* bits by position in "rawd" */
};

struct relation_def {
  const char *schema, *name, *stored_name;
  bool is_view;
  int column_count;
  struct column_def *columns; /* live ones and dropped ones */
  int constraint_count;
  struct constraint_def *constraints;
  const char *view_sql;        /* SQLite SELECT */
  const char *view_definition; /* PostgreSQL SELECT */
  const char *invoker_sql;     /* view WITH (security_invoker): its SELECT in parentheses, tables marked; else NULL */
  struct marked_reads reads;   /* of that */
  int made_at;                 /* how many GRANTs and the like stood before it in the file */
  int privilege_count;         /* of tables and views; ddl_grant.c */
  struct privilege_def *privileges;
  int row_security;            /* 0, 1, 2 */
  bool is_forced;              /* FORCE ROW LEVEL SECURITY, which by itself does not enable it */
  const char *comment;
  int relation_id;
  int location;
  const PgQuery__ViewStmt *view_statement;
  struct place place;
};

/* ---- expressions (expression.c) */

enum volatility { IMMUTABLE, STABLE, VOLATILE };

struct expression {
  const char *sql; /* SQLite text, safe to put between operators (parenthesised where needed) */
  struct sqltype type;
  bool is_literal; /* an untyped or typed constant: `text` holds its PostgreSQL text, NULL for NULL */
  const char *text;
  enum volatility volatility;
  bool is_aggregate;     /* contains an aggregate call */
  bool uses_private;     /* calls a pg_ function or collation: foreign writers without the extension cannot run it */
  const char *collation; /* the explicit COLLATE "C" etc., or NULL */
  int location;
};

/* What names an expression may use. */
struct scope_entry {
  const char *alias;                   /* "t", "new", "old", "excluded"; never NULL */
  const struct relation_def *relation; /* base table or view */
  int column_count;                    /* of a sub-select or CTE when relation is NULL */
  const char **names;
  struct sqltype *types;
  bool qualified_only;      /* new, old, excluded: must be written with its alias */
  const char *stored_alias; /* query.c: the name in SQLite where it is not the alias */
  const char **column_sql;  /* query.c: the columns' SQLite text where it is not "alias"."column" */
  bool is_scalar;           /* query.c: a function of one column: the alias alone means it, too */
};
struct scope {
  int count;
  struct scope_entry *entries;
  const struct scope *outer; /* for sub-selects */
  bool bare;                 /* emit "c" and not "t"."c": checks, defaults, generated columns, policies, index expressions */
  const struct function_def *function; /* inlining a SQL function: its arguments */
  const struct expression *arguments;
  const struct scope *caller; /* with function: where it was called */
  /* Set by query.c alone. */
  int column_count; /* what an unqualified name and "*" mean, joins with USING merged; 0: the entries' columns */
  const struct scope_column *columns;
  const struct query_with *with;   /* the WITH queries that can be named here */
  struct query_grouping *grouping; /* GROUP BY: what may stand outside of aggregates */
  const char *no_aggregates;       /* "WHERE", ...: where aggregates are not allowed; NULL: they are */
};

/* Translates one expression. On failure notes an error with line, column, SQLSTATE and returns false. */
bool expression_translate(struct compiler *c, const PgQuery__Node *node, const struct scope *scope, struct expression *out);
/* Coerces to `target` by assignment (column values, defaults) or explicitly (casts); constants are converted now. */
bool expression_coerce(struct compiler *c, struct expression *e, const struct sqltype *target, bool is_explicit);
/* A boolean, for WHERE, CHECK, USING: 42804 "argument of CHECK must be type boolean, not type integer". */
bool expression_boolean(struct compiler *c, const PgQuery__Node *node, const struct scope *scope, const char *clause,
                        struct expression *out);
/* Adds what ordering by the value needs: COLLATE pg_decimal, an enum's ordinal CASE, ...; for ORDER BY, indexes, min, max. */
const char *expression_order_key(struct compiler *c, const struct expression *e);
/* The collation that equality and UNIQUE of a column of this type need: "pg_decimal", "pg_jsonb", "RTRIM", "pg_citext"..., NULL for BINARY. */
const char *sqltype_collation(const struct sqltype *type);

/* ---- queries (query.c) */

struct query {
  const char *sql;
  int column_count;
  const char **names;
  struct sqltype *types;
};
/* for_view: decimal columns get COLLATE BINARY so that foreign tools can introspect the file. */
bool query_translate(struct compiler *c, const PgQuery__SelectStmt *select, const struct scope *outer, bool for_view,
                     struct query *out);

/* ---- the rest of a schema (ddl_*.c) */

struct index_def {
  const char *schema, *name, *stored_name;
  struct relation_def *relation;
  bool is_unique;
  bool omitted; /* not btree, left out in SQLite */
  int column_count;
  const char **columns;      /* names; NULL for an expression */
  const char *key_sql;       /* "a" COLLATE pg_decimal DESC, "b" */
  const char *predicate_sql; /* or NULL */
  const char *definition, *comment;
  const PgQuery__IndexStmt *statement;
  struct place place;
};

struct sequence_def {
  const char *schema, *name, *stored_name;
  enum sqltype_id type;
  int64_t start, increment, minimum, maximum;
  bool cycle;
  struct relation_def *owner;
  const char *owner_column;
  int64_t last_value;
  bool is_called; /* after setval() in the file */
  int sequence_id;
  bool is_running;  /* seed rows of INSERT ... SELECT take from it while the file is made */
  bool is_identity; /* made by GENERATED AS IDENTITY: has no statement of its own */
  const char *comment;
};

struct function_def {
  const char *schema, *name, *language;
  const char *signature; /* its arguments' types as written: "text", pg_catalog."int4"[] */
  int argument_count;
  const char **argument_names; /* NULL entries: unnamed */
  struct sqltype *argument_types;
  struct sqltype result;
  enum volatility volatility;
  bool strict;
  bool is_definer; /* SECURITY DEFINER: reads its tables as the owner, whoever calls it */
  const PgQuery__Node *body_expression;   /* LANGUAGE sql, one SELECT of one expression: inlined at calls; NULL otherwise */
  const PgQuery__SelectStmt *body_select; /* the same, when it has FROM */
  const char *body;                       /* source text, for plpgsql */
  const char *definition;
  int location;
  bool is_trigger; /* RETURNS trigger */
  const char *comment;
  struct place place;
};

struct trigger_step {
  char kind; /* 'a' assign, 'r' raise, 'i' insert */
  const char *condition_sql, *column, *expression_sql, *sqlstate, *message;
  const char *plain_sql; /* assign: the expression in SQLite's own functions, for foreign writers; NULL: as expression_sql */
  bool is_stable;        /* assign: the value differs from time to time (now()) */
};
struct trigger_def {
  const char *name;
  struct relation_def *relation;
  bool before;
  bool on_insert, on_update, on_delete;
  int column_count;
  const char **columns; /* UPDATE OF */
  int step_count;
  struct trigger_step *steps;
  const char *definition, *comment; /* definition is NULL for the second and later parts of a trigger that acts by TG_OP */
  const PgQuery__CreateTrigStmt *statement;
  struct place place;
};

struct policy_def {
  const char *name;
  struct relation_def *relation;
  bool permissive;
  const char *command; /* all, select, insert, update, delete */
  int role_count;
  const char **roles;
  const char *using_sql, *check_sql, *definition, *comment; /* in the SQL tables that are read are marked */
  bool has_sublink;                                         /* one of the two as written */
  struct marked_reads using_reads, check_reads;
  const PgQuery__CreatePolicyStmt *statement;
  struct place place;
};

struct statement_def { /* a line of the PostgreSQL script */
  bool post;
  const char *kind, *object, *definition;
};

struct model {
  int enum_count;
  struct enum_def **enums;
  int domain_count;
  struct domain_def **domains;
  int relation_count;
  struct relation_def **relations; /* in order of creation */
  int index_count;
  struct index_def **indexes;
  int sequence_count;
  struct sequence_def **sequences;
  int function_count;
  struct function_def **functions;
  int trigger_count;
  struct trigger_def **triggers;
  int policy_count;
  struct policy_def **policies;
  int seed_count;
  const char **seeds; /* SQLite INSERT statements, in order */
  int statement_count;
  struct statement_def *statements;
};

/* ---- compiler.c: memory, notes, names */

struct compiler {
  struct schema_result *result;
  const struct schema_options *options;
  struct model *model;
  const struct schema_file *file; /* the one being read */
  int file_index;
  int statement_start; /* byte offset of the current statement in the file: node locations are relative to it when a statement is parsed alone */
  bool quiet; /* trial translation: keep the first error in `trial` and add no note */
  struct {
    char sqlstate[6];
    char message[256];
    int location;
  } trial;
  int depth; /* of the expression being translated */
  /* How a table that is read is written: as SQLite's own name, as one that the library puts the caller's rows in the place of
  ** (amalgamation/access/policy_rule.c), or within that as the table itself. */
  enum { MARK_NONE, MARK_CALLER, MARK_OWNER } marks;
  struct marked_reads marked; /* read as the caller since it was emptied */
  int body_depth;             /* of functions whose bodies are being translated */
  void *arena;
};

void *compiler_alloc(struct compiler *c, size_t bytes); /* zeroed; never NULL (longjmp to schema_compile on short memory) */
char *compiler_copy(struct compiler *c, const char *text);
char *compiler_format(struct compiler *c, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* sqlite3_mprintf's formats: %Q, %w too */
/* Grows an array of `count` elements by one and returns the new one, zeroed: APPEND(c, model->seeds, model->seed_count) */
void *compiler_append(struct compiler *c, void *array_pointer, int *count, size_t element);
#define APPEND(c, array, count) ((__typeof__(array))compiler_append((c), &(array), &(count), sizeof *(array)))

/* Notes at a node's byte offset within the current statement's text (-1: at the statement's start). Return false, so that `return note_error(...)` works. */
bool note_error(struct compiler *c, int location, const char *sqlstate, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void note(struct compiler *c, enum schema_severity severity, int location, const char *hint, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

const char *quoted(struct compiler *c, const char *name);         /* "name" for SQLite and PostgreSQL, "" doubled */
const char *string_literal(struct compiler *c, const char *text); /* 'text' */
const char *stored_name(struct compiler *c, const char *schema, const char *name); /* flattened */
/* The PostgreSQL text of a node (an expression, or a whole statement), by libpg_query's deparser. NULL after a note. */
const char *deparse_expression(struct compiler *c, const PgQuery__Node *node);
const char *deparse_statement(struct compiler *c, const PgQuery__Node *statement);

/* Look-ups by PostgreSQL's rules; schema NULL: search public (then auth, pg_catalog where it means something). NULL: none. */
struct relation_def *find_relation(struct compiler *c, const char *schema, const char *name);
struct column_def *find_column(const struct relation_def *relation, const char *name);
struct enum_def *find_enum(struct compiler *c, const char *schema, const char *name);
struct domain_def *find_domain(struct compiler *c, const char *schema, const char *name);
struct sequence_def *find_sequence(struct compiler *c, const char *schema, const char *name);
struct function_def *find_function(struct compiler *c, const char *schema, const char *name, int argument_count);

#endif
