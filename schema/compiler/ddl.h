/*
** What the compiler's DDL files share: reading statements, the pieces of a definition that wait until the whole schema is
** read, and the walk over PostgreSQL's trees. Not for the expression files, which need model.h only.
*/
#ifndef LEDGER_DDL_H
#define LEDGER_DDL_H

#include "model.h"

#include "../../ledger.h"

#include <sqlite3.h>
#include <string.h>

#define COMPILER_VERSION "2" /* 2: tables in policies are marked */

/* ---- what only the DDL side keeps about a schema */

struct ddl_insert {                     /* seed rows, and the setval() between them: done in order when every table is known */
  const PgQuery__InsertStmt *statement; /* NULL for setval(), UPDATE and DELETE */
  const PgQuery__Node *change;          /* UPDATE or DELETE */
  struct sequence_def *sequence;        /* setval() */
  int64_t value;
  bool is_called;
  struct relation_def *relation;
  struct place place;
};

struct ddl_grant { /* GRANT, REVOKE, ALTER DEFAULT PRIVILEGES */
  const PgQuery__Node *node;
  struct place place;
  bool in_prelude; /* of a DO block that is kept whole */
  int relation_count; /* that it names; all tables of schemas are looked up when all is known */
  struct relation_def **relations;
  const char *kind, *definition; /* definition NULL: names a role that nobody makes */
  bool is_early;                 /* about schemas or what is made later: before the tables */
};

struct ddl_comment {  /* COMMENT ON something that is no table or column */
  const char *target; /* "FUNCTION \"public\".\"f\"()" */
  const char *text;
};

struct ddl_outside { /* left out here: statements about it are left out too */
  const char *schema, *name;
};

struct ddl_kept { /* a statement that PostgreSQL alone gets */
  struct place place;
  const char *kind, *schema, *name, *definition;
  bool is_type; /* before the functions and tables; else among the views */
};

struct ddl {
  struct compiler compiler;
  struct schema_result result;
  struct model model;
  struct schema_options options;
  const struct schema_file *files;
  int file_count;
  const char *statement; /* text of the current statement, NUL-terminated */
  int statement_length;
  const char *default_schema; /* what SET search_path named first; "public" */
  int schema_count;
  const char **schemas; /* beside public */
  int do_schema_count;
  const char **do_schemas; /* that the file's own DO blocks make */
  int extension_count;
  const char **extensions;
  int role_count;
  const char **roles; /* that the file's own DO blocks make */
  int prelude_count;
  const char **preludes; /* DO blocks that make roles: first in the script */
  int grant_count;
  struct ddl_grant *grants;
  int insert_count;
  struct ddl_insert *inserts;
  int comment_count;
  struct ddl_comment *comments;
  int outside_count;
  struct ddl_outside *outsides;
  int kept_count;
  struct ddl_kept *kept;
  int sha256_count;
  const char **sha256;       /* of each file, hexadecimal */
  const char *schema_sha256; /* of all files together */
  bool has_auth;             /* the file itself makes the functions of the schema auth */
  bool uses_roles;           /* a policy or GRANT names one of Supabase's roles */
  bool uses_auth;            /* a policy, default or view calls a function of the schema auth */
};

/* The DDL side's state of a compiler: the compiler is its first member. */
static inline struct ddl *ddl_of(struct compiler *c) {
  return (struct ddl *)(void *)c;
}

/* ---- compiler.c */

void compiler_out_of_memory(struct compiler *c) __attribute__((noreturn));
char *compiler_take(struct compiler *c, sqlite3_str *text); /* finishes it into the arena; "" when empty */
struct place place_here(struct compiler *c, int location);
/* Notes that follow belong to `place`; returns the place before. */
struct place place_enter(struct compiler *c, struct place place);
bool schema_exists(struct compiler *c, const char *schema);                            /* public, or made by the file */
bool name_check(struct compiler *c, int location, const char *what, const char *name); /* false after a note */
bool stored_name_is_free(struct compiler *c, const char *stored); /* among tables, views and indexes, case folded */
bool relation_name_is_used(struct compiler *c, const char *schema, const char *name); /* table, view, index, sequence or key */
/* PostgreSQL's automatic names: "table_column_label", cut to 63 bytes, numbered until free. */
const char *name_choose_relation(struct compiler *c, const char *schema, const char *name1, const char *name2,
                                 const char *label, bool is_constraint);
const char *name_choose_constraint(struct compiler *c, const char *schema, const char *name1, const char *name2,
                                   const char *label);
const char *qualified(struct compiler *c, const char *schema, const char *name);    /* "schema"."name" */
const char *column_list(struct compiler *c, int count, const char *const *columns); /* "a", "b" */
const char *json_list(struct compiler *c, int count, const char *const *items);     /* ["a","b"] */
const char *sha256_hex(struct compiler *c, const void *bytes, size_t length);
struct index_def *find_index(struct compiler *c, const char *schema, const char *name);
struct constraint_def *find_constraint(const struct relation_def *relation, const char *name);
/* Schema and name of a RangeVar or a list of String nodes; the schema is "public" where none is written. */
bool names_of_range(struct compiler *c, const PgQuery__RangeVar *range, const char **schema, const char **name);
bool names_of_list(struct compiler *c, size_t count, PgQuery__Node *const *nodes, const char **schema, const char **name);
bool names_of_text(struct compiler *c, const char *text, const char **schema, const char **name); /* 'public."User"' */
struct relation_def *relation_of_range(struct compiler *c, const PgQuery__RangeVar *range, bool missing_ok); /* 42P01 noted */

/* ---- parse.c */

bool parse_file(struct compiler *c);                                    /* c->file: every statement to ddl_statement() */
PgQuery__ParseResult *parse_text(struct compiler *c, const char *text); /* in the arena; NULL after a note */
/* One expression or statement of a PL/pgSQL body; faults are noted at `location` of the current statement. */
PgQuery__Node *parse_expression(struct compiler *c, const char *text, int location);
PgQuery__ParseResult *parse_text_at(struct compiler *c, const char *text, int location);

/* ---- tree.c: walks any tree by protobuf's own descriptors */

/* Calls `visit` for each PgQuery__Node in the tree, parents first. visit returns false to leave a subtree out. */
typedef bool (*tree_visitor)(void *context, PgQuery__Node *node);
void tree_walk(const ProtobufCMessage *message, tree_visitor visit, void *context);
/* The same for every message, whether wrapped in a Node or not (a RangeVar is not always). */
typedef bool (*tree_message_visitor)(void *context, ProtobufCMessage *message);
void tree_walk_messages(const ProtobufCMessage *message, tree_message_visitor visit, void *context);
int tree_depth(const ProtobufCMessage *message); /* of nested Nodes */
PgQuery__Node *node_of_string(struct compiler *c, const char *text);
bool tree_equal(const ProtobufCMessage *a, const ProtobufCMessage *b); /* but for locations */
/* Writes the schema before each name of a table, type, sequence or function of this schema. */
void tree_qualify(struct compiler *c, const ProtobufCMessage *message);
bool tree_uses_relations(const ProtobufCMessage *message);
const char *node_string(const PgQuery__Node *node); /* of a String node; NULL otherwise */
/* No subquery may stand in `what` ("check constraint"): false after a note. */
bool tree_refuse_subquery(struct compiler *c, const PgQuery__Node *node, const char *what);
/* Calls a function that reads tables, or whose body is not known. */
bool tree_calls_reader(struct compiler *c, const PgQuery__Node *node);
/* Writes the relation's new name where the tree names it; is_own: also before its columns. */
void tree_rename_relation(struct compiler *c, const ProtobufCMessage *message, const struct relation_def *relation,
                          const char *schema, const char *to, bool is_own);
bool tree_uses_auth(const PgQuery__Node *node); /* calls a function of the schema auth */
bool tree_rename_column(struct compiler *c, const PgQuery__Node *node, const char *from, const char *to);

/* ---- statements: each notes what it refuses */

void ddl_statement(struct compiler *c, PgQuery__Node *node);
void ddl_refuse(struct compiler *c, int location, const char *what, const char *why, const char *hint);
/* Refuses, or with lenient notes as skipped: for what has no effect on stored rows. */
void ddl_leave_out(struct compiler *c, int location, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void ddl_create_schema(struct compiler *c, const PgQuery__CreateSchemaStmt *statement);
void ddl_create_enum(struct compiler *c, const PgQuery__CreateEnumStmt *statement);
void ddl_alter_enum(struct compiler *c, const PgQuery__AlterEnumStmt *statement);
void ddl_create_domain(struct compiler *c, const PgQuery__CreateDomainStmt *statement);
void ddl_alter_domain(struct compiler *c, const PgQuery__AlterDomainStmt *statement);
void ddl_create_table(struct compiler *c, const PgQuery__CreateStmt *statement);
void ddl_alter_table(struct compiler *c, const PgQuery__AlterTableStmt *statement);
void ddl_drop(struct compiler *c, const PgQuery__DropStmt *statement);
void ddl_rename(struct compiler *c, const PgQuery__RenameStmt *statement);
void ddl_set_schema(struct compiler *c, const PgQuery__AlterObjectSchemaStmt *statement);
void ddl_create_index(struct compiler *c, const PgQuery__IndexStmt *statement);
void ddl_create_view(struct compiler *c, const PgQuery__ViewStmt *statement);
void ddl_create_function(struct compiler *c, const PgQuery__CreateFunctionStmt *statement);
void ddl_create_trigger(struct compiler *c, const PgQuery__CreateTrigStmt *statement);
void ddl_create_policy(struct compiler *c, const PgQuery__CreatePolicyStmt *statement);
void ddl_alter_policy(struct compiler *c, const PgQuery__AlterPolicyStmt *statement);
void ddl_create_sequence(struct compiler *c, const PgQuery__CreateSeqStmt *statement);
void ddl_alter_sequence(struct compiler *c, const PgQuery__AlterSeqStmt *statement);
void ddl_select(struct compiler *c, const PgQuery__SelectStmt *statement); /* setval, set_config */
void ddl_insert(struct compiler *c, const PgQuery__InsertStmt *statement);
/* "text", pg_catalog."int4"[]: what tells functions of one name apart. */
const char *function_signature_of(struct compiler *c, size_t count, PgQuery__Node *const *types);
struct function_def *function_find_exact(struct compiler *c, const char *schema, const char *name, const char *signature);
void ddl_change(struct compiler *c, const PgQuery__Node *node); /* UPDATE, DELETE of seed rows */
void ddl_comment(struct compiler *c, const PgQuery__CommentStmt *statement);
void ddl_do(struct compiler *c, const PgQuery__DoStmt *statement);
bool role_is_made(struct compiler *c, const char *role); /* by the file */
bool role_is_standard(const char *role);                 /* anon, authenticated, service_role */
void ddl_grant(struct compiler *c, const PgQuery__Node *node, bool in_prelude);
/* ALTER VIEW ... SET or RESET (option, ...). */
bool view_set_options(struct compiler *c, struct relation_def *view, const PgQuery__AlterTableCmd *command);

/* ddl_outside.c: what the file speaks of and the model has not */
void ddl_create_composite(struct compiler *c, PgQuery__Node *node);
void ddl_create_table_as(struct compiler *c, PgQuery__Node *node);
/* Left out by lenient, or of a schema that the file does not make; schema NULL: the default one. */
bool outside_has(struct compiler *c, const char *schema, const char *name);
bool outside_drop(struct compiler *c, const char *schema, const char *name);
/* ALTER of what is left out: kept with it. false: it is not left out. */
bool outside_alter(struct compiler *c, const PgQuery__AlterTableStmt *statement);
void outside_index(struct compiler *c, const PgQuery__IndexStmt *statement); /* of a materialized view: kept with it */
/* Notes that the relation is missing: 42P01, or with lenient as left out where it is outside. */
void outside_missing(struct compiler *c, const char *schema, const char *name, int location);

/* ddl_alter.c, for ddl_drop.c */
bool relation_drop(struct compiler *c, struct relation_def *relation, bool cascade); /* false after a note */
/* A view or policy that reads it, or its column (NULL: any); NULL when there is none. own_too: its own policies count. */
const char *relation_reader(struct compiler *c, const struct relation_def *relation, const char *column, bool own_too);

/* ddl_table.c, for ddl_alter.c */
struct ddl_clause { /* a constraint as written; column: NULL for one of the table */
  const PgQuery__Constraint *node;
  const char *column;
};
struct ddl_pending { /* constraints of one statement, installed in PostgreSQL's order: checks, keys, foreign keys */
  int check_count;
  struct ddl_clause *checks;
  int key_count;
  struct ddl_clause *keys;
  int foreign_count;
  struct ddl_clause *foreigns;
  int index_count;
  const PgQuery__IndexStmt **indexes;
};
bool ddl_column(struct compiler *c, struct relation_def *relation, const PgQuery__ColumnDef *node, struct ddl_pending *pending);
bool ddl_constraint(struct compiler *c, struct relation_def *relation, const PgQuery__Constraint *node, const char *column,
                    struct ddl_pending *pending);
void ddl_pending_install(struct compiler *c, struct relation_def *relation, struct ddl_pending *pending);
/* A new sequence in the model, with the options of a CREATE SEQUENCE; NULL after a note. */
struct sequence_def *sequence_make(struct compiler *c, const char *schema, const char *name, enum sqltype_id type,
                                   size_t option_count, PgQuery__Node *const *options);
bool sequence_options(struct compiler *c, struct sequence_def *sequence, bool is_new, size_t option_count,
                      PgQuery__Node *const *options);
void sequence_identity(struct compiler *c, struct relation_def *relation, struct column_def *column,
                       const PgQuery__Constraint *node);
void sequence_serial(struct compiler *c, struct relation_def *relation, struct column_def *column);
struct relation_def *relation_make(struct compiler *c, const PgQuery__RangeVar *range, bool is_view, bool if_not_exists);
bool table_column_name(struct compiler *c, const struct relation_def *relation, const char *name, int location);
const char *name_of_columns(struct compiler *c, int count, const char *const *columns);
const char *default_plain_now_of(struct compiler *c, const PgQuery__Node *node,
                                 const struct column_def *column);                    /* NULL: is not now() */
struct sequence_def *default_sequence(struct compiler *c, const PgQuery__Node *node); /* of nextval('...'), or NULL */
struct scope scope_of_relation(struct compiler *c, const struct relation_def *relation);
void remove_at(void *array, int *count, int position, size_t element);
#define REMOVE(array, count, position) remove_at((array), &(count), (position), sizeof *(array))

/* ---- finish: what waited is translated (each in the file that read it) */

void finish_domains(struct compiler *c);
void finish_tables(struct compiler *c); /* defaults, generated columns, checks: ddl_default.c */
void finish_indexes(struct compiler *c);
void finish_views(struct compiler *c);
void finish_triggers(struct compiler *c);
void finish_policies(struct compiler *c);
void finish_encrypted(struct compiler *c); /* ddl_encrypted.c */
void finish_grants(struct compiler *c);
void finish_seeds(struct compiler *c);

/* plpgsql.c: the steps of a trigger's function for one event ("INSERT"). false after a note. */
bool plpgsql_steps(struct compiler *c, const struct trigger_def *trigger, const struct function_def *function,
                   const char *event, int *count, struct trigger_step **steps);
/* The expression of a function that is nothing but RETURN expression; NULL for any other. */
const char *plpgsql_returned(struct compiler *c, const char *create_function);
/* The SQL statements of a DO block, for ddl_other.c; false when it does something else. */
bool plpgsql_statements(struct compiler *c, const char *create_function, int *count, const char ***statements);

/* ---- emit_*.c */

void emit_postgres(struct compiler *c); /* fills model->statements */
char *emit_postgres_script(struct compiler *c);
const char *postgres_type(struct compiler *c, const struct sqltype *type); /* qualified */
char *emit_sqlite(struct compiler *c);
char *emit_json(struct compiler *c);

#endif
