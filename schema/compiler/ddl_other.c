/*
** ddl_other: which file reads which statement, and the statements that make no table: SET, COMMENT, CREATE
** EXTENSION, DO and the rest of what pg_dump and people write. Whatever is not honoured is noted, one way or the other.
*/
#include "ddl.h"

#include <stdarg.h>

void ddl_refuse(struct compiler *c, int location, const char *what, const char *why,
                const char *hint) {
  note_error(c, location, "0A000", hint, "%s is not supported: %s", what, why);
}

void ddl_leave_out(struct compiler *c, int location, const char *hint, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  if (text == NULL) compiler_out_of_memory(c);
  const char *message = compiler_copy(c, text);
  sqlite3_free(text);
  if (c->options->lenient)
    note(c, SCHEMA_SKIPPED, location, NULL, "left out: %s", message);
  else
    note_error(c, location, "0A000", hint, "%s", message);
}

/* ---- statements that are passed over or refused as a kind */

enum other_kind {
  OTHER_SKIP,    /* means nothing in a file */
  OTHER_LENIENT, /* no effect on stored rows: refused unless lenient */
  OTHER_REFUSE   /* has an effect that cannot be had */
};

struct other_row {
  PgQuery__Node__NodeCase node;
  enum other_kind kind;
  const char *what, *why;
};

static const struct other_row other_rows[] = {
    {PG_QUERY__NODE__NODE_TRANSACTION_STMT, OTHER_SKIP, "BEGIN or COMMIT",
     "the schema is made in one transaction"},
    {PG_QUERY__NODE__NODE_VACUUM_STMT, OTHER_SKIP, "VACUUM or ANALYZE", "it is maintenance"},
    {PG_QUERY__NODE__NODE_LOCK_STMT, OTHER_SKIP, "LOCK", "nobody else is there yet"},
    {PG_QUERY__NODE__NODE_CLUSTER_STMT, OTHER_SKIP, "CLUSTER", "it is maintenance"},
    {PG_QUERY__NODE__NODE_REINDEX_STMT, OTHER_SKIP, "REINDEX", "it is maintenance"},
    {PG_QUERY__NODE__NODE_CHECK_POINT_STMT, OTHER_SKIP, "CHECKPOINT", "it is maintenance"},
    {PG_QUERY__NODE__NODE_CONSTRAINTS_SET_STMT, OTHER_SKIP, "SET CONSTRAINTS",
     "the schema is made in one transaction"},
    {PG_QUERY__NODE__NODE_VARIABLE_SHOW_STMT, OTHER_SKIP, "SHOW", "it only prints"},
    {PG_QUERY__NODE__NODE_DISCARD_STMT, OTHER_SKIP, "DISCARD", "it is about the session"},
    {PG_QUERY__NODE__NODE_NOTIFY_STMT, OTHER_SKIP, "NOTIFY", "it is about the session"},
    {PG_QUERY__NODE__NODE_LISTEN_STMT, OTHER_SKIP, "LISTEN", "it is about the session"},
    {PG_QUERY__NODE__NODE_UNLISTEN_STMT, OTHER_SKIP, "UNLISTEN", "it is about the session"},
    {PG_QUERY__NODE__NODE_ALTER_OWNER_STMT, OTHER_SKIP, "OWNER TO", "a file has one owner"},
    {PG_QUERY__NODE__NODE_CREATE_ROLE_STMT, OTHER_SKIP, "CREATE ROLE",
     "roles belong to the server"},
    {PG_QUERY__NODE__NODE_ALTER_ROLE_STMT, OTHER_SKIP, "ALTER ROLE", "roles belong to the server"},
    {PG_QUERY__NODE__NODE_ALTER_ROLE_SET_STMT, OTHER_SKIP, "ALTER ROLE",
     "roles belong to the server"},
    {PG_QUERY__NODE__NODE_DROP_ROLE_STMT, OTHER_SKIP, "DROP ROLE", "roles belong to the server"},
    {PG_QUERY__NODE__NODE_GRANT_ROLE_STMT, OTHER_SKIP, "GRANT of a role",
     "roles belong to the server"},
    {PG_QUERY__NODE__NODE_CREATEDB_STMT, OTHER_SKIP, "CREATE DATABASE", "the file is the database"},
    {PG_QUERY__NODE__NODE_DROPDB_STMT, OTHER_SKIP, "DROP DATABASE", "the file is the database"},
    {PG_QUERY__NODE__NODE_ALTER_DATABASE_STMT, OTHER_SKIP, "ALTER DATABASE",
     "the file is the database"},
    {PG_QUERY__NODE__NODE_ALTER_DATABASE_SET_STMT, OTHER_SKIP, "ALTER DATABASE",
     "the file is the database"},
    {PG_QUERY__NODE__NODE_ALTER_SYSTEM_STMT, OTHER_SKIP, "ALTER SYSTEM", "it is about the server"},
    {PG_QUERY__NODE__NODE_CREATE_STATS_STMT, OTHER_SKIP, "CREATE STATISTICS",
     "it serves PostgreSQL's planner only"},
    {PG_QUERY__NODE__NODE_ALTER_STATS_STMT, OTHER_SKIP, "ALTER STATISTICS",
     "it serves PostgreSQL's planner only"},
    {PG_QUERY__NODE__NODE_ALTER_FUNCTION_STMT, OTHER_SKIP, "ALTER FUNCTION",
     "it changes how PostgreSQL runs it, not what it does"},
    {PG_QUERY__NODE__NODE_SEC_LABEL_STMT, OTHER_SKIP, "SECURITY LABEL", "it has no effect on rows"},
    {PG_QUERY__NODE__NODE_CREATE_PLANG_STMT, OTHER_SKIP, "CREATE LANGUAGE",
     "PL/pgSQL is known, other languages are not run"},
    {PG_QUERY__NODE__NODE_ALTER_EXTENSION_STMT, OTHER_SKIP, "ALTER EXTENSION",
     "extensions belong to the server"},
    {PG_QUERY__NODE__NODE_REPLICA_IDENTITY_STMT, OTHER_SKIP, "REPLICA IDENTITY",
     "it is about replication"},
    {PG_QUERY__NODE__NODE_ALTER_TYPE_STMT, OTHER_LENIENT, "ALTER TYPE",
     "the type's storage cannot be changed"},
    {PG_QUERY__NODE__NODE_CREATE_PUBLICATION_STMT, OTHER_LENIENT, "CREATE PUBLICATION",
     "a file is not a source of logical replication"},
    {PG_QUERY__NODE__NODE_ALTER_PUBLICATION_STMT, OTHER_LENIENT, "ALTER PUBLICATION",
     "a file is not a source of logical replication"},
    {PG_QUERY__NODE__NODE_CREATE_SUBSCRIPTION_STMT, OTHER_LENIENT, "CREATE SUBSCRIPTION",
     "a file does not subscribe"},
    {PG_QUERY__NODE__NODE_ALTER_SUBSCRIPTION_STMT, OTHER_LENIENT, "ALTER SUBSCRIPTION",
     "a file does not subscribe"},
    {PG_QUERY__NODE__NODE_CREATE_EVENT_TRIG_STMT, OTHER_LENIENT, "CREATE EVENT TRIGGER",
     "there are no DDL events in a file"},
    {PG_QUERY__NODE__NODE_ALTER_EVENT_TRIG_STMT, OTHER_LENIENT, "ALTER EVENT TRIGGER",
     "there are no DDL events in a file"},
    {PG_QUERY__NODE__NODE_CREATE_CAST_STMT, OTHER_LENIENT, "CREATE CAST",
     "the casts of expressions are PostgreSQL's own"},
    {PG_QUERY__NODE__NODE_CREATE_CONVERSION_STMT, OTHER_LENIENT, "CREATE CONVERSION",
     "text is UTF-8"},
    {PG_QUERY__NODE__NODE_CREATE_OP_CLASS_STMT, OTHER_LENIENT, "CREATE OPERATOR CLASS",
     "indexes have the order of their type"},
    {PG_QUERY__NODE__NODE_CREATE_OP_FAMILY_STMT, OTHER_LENIENT, "CREATE OPERATOR FAMILY",
     "indexes have the order of their type"},
    {PG_QUERY__NODE__NODE_CREATE_FDW_STMT, OTHER_LENIENT, "CREATE FOREIGN DATA WRAPPER",
     "a file reads no other server"},
    {PG_QUERY__NODE__NODE_CREATE_FOREIGN_SERVER_STMT, OTHER_LENIENT, "CREATE SERVER",
     "a file reads no other server"},
    {PG_QUERY__NODE__NODE_CREATE_USER_MAPPING_STMT, OTHER_LENIENT, "CREATE USER MAPPING",
     "a file reads no other server"},
    {PG_QUERY__NODE__NODE_REFRESH_MAT_VIEW_STMT, OTHER_LENIENT, "REFRESH MATERIALIZED VIEW",
     "there are no materialized views"},
    {PG_QUERY__NODE__NODE_CREATE_FOREIGN_TABLE_STMT, OTHER_REFUSE, "CREATE FOREIGN TABLE",
     "a file reads no other server"},
    {PG_QUERY__NODE__NODE_IMPORT_FOREIGN_SCHEMA_STMT, OTHER_REFUSE, "IMPORT FOREIGN SCHEMA",
     "a file reads no other server"},
    {PG_QUERY__NODE__NODE_RULE_STMT, OTHER_REFUSE, "CREATE RULE",
     "SQLite does not rewrite statements; write a trigger or a policy"},
    {PG_QUERY__NODE__NODE_CREATE_RANGE_STMT, OTHER_REFUSE, "CREATE TYPE AS RANGE",
     "there are no range types; use two columns"},
    {PG_QUERY__NODE__NODE_MERGE_STMT, OTHER_REFUSE, "MERGE",
     "write the seed rows as they shall be"},
    {PG_QUERY__NODE__NODE_TRUNCATE_STMT, OTHER_REFUSE, "TRUNCATE", "leave the seed rows out"},
    {PG_QUERY__NODE__NODE_CALL_STMT, OTHER_REFUSE, "CALL", "procedures are not run"},
    {PG_QUERY__NODE__NODE_COPY_STMT, OTHER_REFUSE, "COPY",
     "only COPY ... FROM stdin of a dump is passed over"},
    {PG_QUERY__NODE__NODE_PREPARE_STMT, OTHER_REFUSE, "PREPARE", "it is no definition"},
    {PG_QUERY__NODE__NODE_EXECUTE_STMT, OTHER_REFUSE, "EXECUTE", "it is no definition"},
    {PG_QUERY__NODE__NODE_EXPLAIN_STMT, OTHER_REFUSE, "EXPLAIN", "it is no definition"},
    {PG_QUERY__NODE__NODE_CREATE_TABLE_SPACE_STMT, OTHER_REFUSE, "CREATE TABLESPACE",
     "a file has no tablespaces"},
};

static bool other_kind_of_statement(struct compiler *c, const PgQuery__Node *node) {
  for (size_t i = 0; i < sizeof other_rows / sizeof *other_rows; i++) {
    const struct other_row *row = &other_rows[i];
    if (row->node != node->node_case) continue;
    if (row->kind == OTHER_SKIP)
      note(c, SCHEMA_SKIPPED, 0, NULL, "%s is passed over: %s", row->what, row->why);
    else if (row->kind == OTHER_LENIENT) {
      ddl_leave_out(c, 0, "take it out, or compile with --lenient, which leaves it out",
                    "%s is not supported: %s", row->what, row->why);
    } else {
      ddl_refuse(c, 0, row->what, row->why, "take it out of the schema file");
    }
    return true;
  }
  return false;
}

/* ---- CREATE EXTENSION, SET, DEFINE */

static void other_extension(struct compiler *c, const PgQuery__CreateExtensionStmt *statement) {
  static const char *const known[] = {"plpgsql", "pgcrypto", "uuid-ossp", "citext"};
  struct ddl *ddl = ddl_of(c);
  const char *schema = "";
  for (size_t i = 0; i < statement->n_options; i++) {
    const PgQuery__DefElem *option = statement->options[i]->def_elem;
    if (strcmp(option->defname, "schema") != 0) continue;
    const char *name = node_string(option->arg);
    schema = compiler_format(c, " WITH SCHEMA %s", quoted(c, name));
    if (!schema_exists(c, name) && strcmp(name, "pg_catalog") != 0)
      *APPEND(c, ddl->schemas, ddl->schema_count) = name;
  }
  bool is_known = false;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    is_known = is_known || strcmp(known[i], statement->extname) == 0;
  if (strcmp(statement->extname, "plpgsql") == 0) {
    note(c, SCHEMA_SKIPPED, 0, NULL, "extension \"plpgsql\" is there already");
    return;
  }
  *APPEND(c, ddl->extensions, ddl->extension_count) = compiler_format(
      c, "CREATE EXTENSION IF NOT EXISTS %s%s", quoted(c, statement->extname), schema);
  note(c, SCHEMA_RECORDED, 0, NULL,
       is_known
           ? "extension \"%s\": what columns and defaults use of it is built in"
           : "extension \"%s\" is kept for the export; its types and functions are unknown here",
       statement->extname);
}

static void other_set(struct compiler *c, const PgQuery__VariableSetStmt *statement) {
  if (statement->name != NULL && strcmp(statement->name, "search_path") == 0 &&
      statement->n_args > 0) {
    const PgQuery__Node *first = statement->args[0];
    const char *schema = first->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                                 first->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL
                             ? first->a_const->sval->sval
                             : "";
    ddl_of(c)->default_schema =
        schema[0] != '\0' && strcmp(schema, "$user") != 0 && strcmp(schema, "\"$user\"") != 0
            ? compiler_copy(c, schema)
            : "public";
    note(c, SCHEMA_SKIPPED, 0, NULL,
         "SET search_path: names without a schema are looked up in \"%s\"",
         ddl_of(c)->default_schema);
    return;
  }
  note(c, SCHEMA_SKIPPED, 0, NULL, "SET %s means nothing here",
       statement->name != NULL ? statement->name : "");
}

static void other_define(struct compiler *c, const PgQuery__DefineStmt *statement) {
  bool is_type = statement->kind == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE;
  const char *what = statement->kind == PG_QUERY__OBJECT_TYPE__OBJECT_AGGREGATE ? "CREATE AGGREGATE"
                     : statement->kind == PG_QUERY__OBJECT_TYPE__OBJECT_OPERATOR ? "CREATE OPERATOR"
                     : statement->kind == PG_QUERY__OBJECT_TYPE__OBJECT_COLLATION
                         ? "CREATE COLLATION"
                     : is_type ? "CREATE TYPE of a base type"
                               : "this CREATE";
  if (is_type)
    ddl_refuse(c, 0, what, "its functions are written in C for the server", "use a built-in type");
  else
    ddl_leave_out(c, 0, "take it out, or compile with --lenient, which leaves it out",
                  "%s is not supported: what expressions use of it could not be translated", what);
}

/* ---- COMMENT ON */

static const char *other_comment_text(const PgQuery__CommentStmt *statement) {
  return statement->comment != NULL && statement->comment[0] != '\0' ? statement->comment : NULL;
}

/* The relation and the last name in a list "schema.table.column". */
static struct relation_def *other_comment_relation(struct compiler *c, const PgQuery__List *list,
                                                   const char **last) {
  size_t count = list->n_items;
  *last = node_string(list->items[count - 1]);
  const char *table = count > 1 ? node_string(list->items[count - 2]) : NULL;
  const char *schema = count > 2 ? node_string(list->items[count - 3]) : NULL;
  struct relation_def *relation = table != NULL ? find_relation(c, schema, table) : NULL;
  if (relation == NULL) outside_missing(c, schema, table != NULL ? table : "?", 0);
  return relation;
}

static void other_comment_in_relation(struct compiler *c, const PgQuery__CommentStmt *statement) {
  const char *name;
  const char *text = other_comment_text(statement);
  struct relation_def *relation = other_comment_relation(c, statement->object->list, &name);
  if (relation == NULL) return;
  if (statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN) {
    struct column_def *column = find_column(relation, name);
    if (column != NULL)
      column->comment = text;
    else
      note_error(c, 0, "42703", NULL, "column \"%s\" of relation \"%s\" does not exist", name,
                 relation->name);
  } else if (statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT) {
    struct constraint_def *constraint = find_constraint(relation, name);
    if (constraint != NULL)
      constraint->comment = text;
    else
      note_error(c, 0, "42704", NULL, "constraint \"%s\" for table \"%s\" does not exist", name,
                 relation->name);
  } else {
    bool found = false;
    for (int i = 0; i < c->model->trigger_count; i++) {
      struct trigger_def *trigger = c->model->triggers[i];
      if (trigger->relation == relation && strcmp(trigger->name, name) == 0)
        trigger->comment = text, found = true;
    }
    for (int i = 0; i < c->model->policy_count; i++) {
      struct policy_def *policy = c->model->policies[i];
      if (policy->relation == relation && strcmp(policy->name, name) == 0)
        policy->comment = text, found = true;
    }
    if (!found)
      note_error(c, 0, "42704", NULL, "\"%s\" for table \"%s\" does not exist", name,
                 relation->name);
  }
}

static void other_comment_on_relation(struct compiler *c, const PgQuery__CommentStmt *statement) {
  const PgQuery__List *list = statement->object->list;
  const char *name = node_string(list->items[list->n_items - 1]);
  const char *schema = list->n_items > 1 ? node_string(list->items[list->n_items - 2]) : NULL;
  const char *text = other_comment_text(statement);
  struct relation_def *relation = find_relation(c, schema, name);
  struct index_def *index = find_index(c, schema, name);
  struct sequence_def *sequence = find_sequence(c, schema, name);
  if (relation != NULL)
    relation->comment = text;
  else if (index != NULL)
    index->comment = text;
  else if (sequence != NULL)
    sequence->comment = text;
  else
    outside_missing(c, schema, name, 0);
}

static void other_comment_on_type(struct compiler *c, const PgQuery__CommentStmt *statement) {
  const PgQuery__TypeName *type = statement->object->type_name;
  const char *name = node_string(type->names[type->n_names - 1]);
  const char *schema = type->n_names > 1 ? node_string(type->names[type->n_names - 2]) : NULL;
  struct enum_def *labels = find_enum(c, schema, name);
  struct domain_def *domain = find_domain(c, schema, name);
  if (labels != NULL)
    labels->comment = other_comment_text(statement);
  else if (domain != NULL)
    domain->comment = other_comment_text(statement);
  else if (c->options->lenient && outside_has(c, schema, name))
    note(c, SCHEMA_SKIPPED, 0, NULL, "COMMENT ON TYPE %s: the type is left out", name);
  else
    note_error(c, 0, "42704", NULL, "type \"%s\" does not exist", name);
}

void ddl_comment(struct compiler *c, const PgQuery__CommentStmt *statement) {
  struct ddl *ddl = ddl_of(c);
  switch (statement->objtype) {
  case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
  case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT:
  case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
  case PG_QUERY__OBJECT_TYPE__OBJECT_POLICY: other_comment_in_relation(c, statement); break;
  case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
  case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
  case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
  case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE: other_comment_on_relation(c, statement); break;
  case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
  case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN: other_comment_on_type(c, statement); break;
  case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION: {
    const PgQuery__ObjectWithArgs *object = statement->object->object_with_args;
    const char *name = node_string(object->objname[object->n_objname - 1]);
    const char *schema = object->n_objname > 1 ? node_string(object->objname[0]) : NULL;
    struct function_def *function =
        object->args_unspecified
            ? find_function(c, schema, name, -1)
            : function_find_exact(c, schema, name,
                                  function_signature_of(c, object->n_objargs, object->objargs));
    if (function == NULL)
      note(c, SCHEMA_SKIPPED, 0, NULL, "COMMENT ON FUNCTION %s: the function is not kept", name);
    else
      function->comment = other_comment_text(statement);
    break;
  }
  case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA: {
    struct ddl_comment *kept = APPEND(c, ddl->comments, ddl->comment_count);
    kept->target = compiler_format(c, "SCHEMA %s", quoted(c, node_string(statement->object)));
    kept->text = other_comment_text(statement);
    break;
  }
  default: note(c, SCHEMA_SKIPPED, 0, NULL, "COMMENT ON an object that is not kept");
  }
}

/* ---- which file reads what */

void ddl_statement(struct compiler *c, PgQuery__Node *node) {
  if (node->node_case != PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT) tree_qualify(c, &node->base);
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_CREATE_SCHEMA_STMT:
    ddl_create_schema(c, node->create_schema_stmt);
    break;
  case PG_QUERY__NODE__NODE_CREATE_ENUM_STMT: ddl_create_enum(c, node->create_enum_stmt); break;
  case PG_QUERY__NODE__NODE_ALTER_ENUM_STMT: ddl_alter_enum(c, node->alter_enum_stmt); break;
  case PG_QUERY__NODE__NODE_CREATE_DOMAIN_STMT:
    ddl_create_domain(c, node->create_domain_stmt);
    break;
  case PG_QUERY__NODE__NODE_ALTER_DOMAIN_STMT: ddl_alter_domain(c, node->alter_domain_stmt); break;
  case PG_QUERY__NODE__NODE_CREATE_STMT: ddl_create_table(c, node->create_stmt); break;
  case PG_QUERY__NODE__NODE_ALTER_TABLE_STMT: ddl_alter_table(c, node->alter_table_stmt); break;
  case PG_QUERY__NODE__NODE_DROP_STMT: ddl_drop(c, node->drop_stmt); break;
  case PG_QUERY__NODE__NODE_RENAME_STMT: ddl_rename(c, node->rename_stmt); break;
  case PG_QUERY__NODE__NODE_ALTER_OBJECT_SCHEMA_STMT:
    ddl_set_schema(c, node->alter_object_schema_stmt);
    break;
  case PG_QUERY__NODE__NODE_INDEX_STMT: ddl_create_index(c, node->index_stmt); break;
  case PG_QUERY__NODE__NODE_VIEW_STMT: ddl_create_view(c, node->view_stmt); break;
  case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT: ddl_create_table_as(c, node); break;
  case PG_QUERY__NODE__NODE_COMPOSITE_TYPE_STMT: ddl_create_composite(c, node); break;
  case PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT:
    ddl_create_function(c, node->create_function_stmt);
    break;
  case PG_QUERY__NODE__NODE_CREATE_TRIG_STMT: ddl_create_trigger(c, node->create_trig_stmt); break;
  case PG_QUERY__NODE__NODE_CREATE_POLICY_STMT:
    ddl_create_policy(c, node->create_policy_stmt);
    break;
  case PG_QUERY__NODE__NODE_ALTER_POLICY_STMT: ddl_alter_policy(c, node->alter_policy_stmt); break;
  case PG_QUERY__NODE__NODE_CREATE_SEQ_STMT: ddl_create_sequence(c, node->create_seq_stmt); break;
  case PG_QUERY__NODE__NODE_ALTER_SEQ_STMT: ddl_alter_sequence(c, node->alter_seq_stmt); break;
  case PG_QUERY__NODE__NODE_SELECT_STMT: ddl_select(c, node->select_stmt); break;
  case PG_QUERY__NODE__NODE_INSERT_STMT: ddl_insert(c, node->insert_stmt); break;
  case PG_QUERY__NODE__NODE_UPDATE_STMT:
  case PG_QUERY__NODE__NODE_DELETE_STMT: ddl_change(c, node); break;
  case PG_QUERY__NODE__NODE_COMMENT_STMT: ddl_comment(c, node->comment_stmt); break;
  case PG_QUERY__NODE__NODE_DO_STMT: ddl_do(c, node->do_stmt); break;
  case PG_QUERY__NODE__NODE_GRANT_STMT:
  case PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT: ddl_grant(c, node, false); break;
  case PG_QUERY__NODE__NODE_CREATE_EXTENSION_STMT:
    other_extension(c, node->create_extension_stmt);
    break;
  case PG_QUERY__NODE__NODE_VARIABLE_SET_STMT: other_set(c, node->variable_set_stmt); break;
  case PG_QUERY__NODE__NODE_DEFINE_STMT: other_define(c, node->define_stmt); break;
  default:
    if (!other_kind_of_statement(c, node)) {
      ddl_refuse(c, 0, compiler_format(c, "%.24s", ddl_of(c)->statement),
                 "this kind of statement is not known here", "take it out of the schema file");
    }
  }
}
