/*
** ddl_outside: what a file speaks of and the model has not. With lenient, what has no effect on stored rows is left out
** here, kept for PostgreSQL where it can be, and takes the statements about it along: materialized views, composite types,
** and relations of schemas that the file does not make (Supabase's auth and storage).
*/
#include "ddl.h"

static const char *outside_schema(struct compiler *c, const char *schema) {
  return schema != NULL && schema[0] != '\0' ? schema : ddl_of(c)->default_schema;
}

static bool outside_is_listed(struct compiler *c, const char *schema, const char *name) {
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->outside_count; i++) {
    if (strcmp(ddl->outsides[i].schema, schema) == 0 && strcmp(ddl->outsides[i].name, name) == 0)
      return true;
  }
  return false;
}

bool outside_has(struct compiler *c, const char *schema, const char *name) {
  schema = outside_schema(c, schema);
  return outside_is_listed(c, schema, name) || !schema_exists(c, schema);
}

bool outside_drop(struct compiler *c, const char *schema, const char *name) {
  struct ddl *ddl = ddl_of(c);
  schema = outside_schema(c, schema);
  if (!outside_is_listed(c, schema, name)) return false;
  for (int i = ddl->outside_count - 1; i >= 0; i--) {
    if (strcmp(ddl->outsides[i].schema, schema) == 0 && strcmp(ddl->outsides[i].name, name) == 0)
      REMOVE(ddl->outsides, ddl->outside_count, i);
  }
  for (int i = ddl->kept_count - 1; i >= 0; i--) {
    if (strcmp(ddl->kept[i].schema, schema) == 0 && strcmp(ddl->kept[i].name, name) == 0)
      REMOVE(ddl->kept, ddl->kept_count, i);
  }
  return true;
}

/* With lenient, a statement for PostgreSQL alone. */
static void outside_keep(struct compiler *c, const char *kind, const char *schema, const char *name,
                         PgQuery__Node *node) {
  struct ddl *ddl = ddl_of(c);
  if (!c->options->lenient) return;
  const char *definition = deparse_statement(c, node);
  struct ddl_kept *kept = APPEND(c, ddl->kept, ddl->kept_count);
  kept->place = place_here(c, 0);
  kept->kind = kind;
  kept->schema = outside_schema(c, schema);
  kept->name = name;
  kept->definition = definition;
}

/* The name, and its schema written into the tree. */
static void outside_add(struct compiler *c, PgQuery__RangeVar *range) {
  struct ddl *ddl = ddl_of(c);
  const char *schema = outside_schema(c, range->schemaname);
  range->schemaname = compiler_copy(c, schema);
  if (!c->options->lenient) return;
  struct ddl_outside *outside = APPEND(c, ddl->outsides, ddl->outside_count);
  outside->schema = schema;
  outside->name = range->relname;
}

void outside_missing(struct compiler *c, const char *schema, const char *name, int location) {
  bool is_supabase =
      schema != NULL && (strcmp(schema, "auth") == 0 || strcmp(schema, "storage") == 0 ||
                         strcmp(schema, "realtime") == 0);
  const char *whole = schema != NULL ? compiler_format(c, "%s.%s", schema, name) : name;
  bool is_foreign = !schema_exists(c, outside_schema(c, schema));
  if (c->options->lenient && outside_has(c, schema, name)) {
    note(c, SCHEMA_SKIPPED, location, NULL, "left out: it is about \"%s\", %s", whole,
         is_foreign ? "of a schema that this file does not make" : "which is left out");
    return;
  }
  const char *hint =
      is_supabase
          ? compiler_format(
                c,
                "every Supabase project has it and this file does not make it: put CREATE "
                "SCHEMA %s and CREATE TABLE %s with the columns in use before it, or compile "
                "with --lenient, which leaves out what is about it",
                schema, whole)
      : is_foreign
          ? compiler_format(
                c,
                "make the schema \"%s\" and the table before it, or compile with --lenient, "
                "which leaves out what is about it",
                outside_schema(c, schema))
          : NULL;
  note_error(c, location, "42P01", hint, "relation \"%s\" does not exist", whole);
}

/* ---- the statements */

bool outside_alter(struct compiler *c, const PgQuery__AlterTableStmt *statement) {
  PgQuery__AlterTableStmt *copy = compiler_alloc(c, sizeof *copy);
  PgQuery__RangeVar *range = compiler_alloc(c, sizeof *range);
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  const char *schema = outside_schema(c, statement->relation->schemaname);
  if (!outside_is_listed(c, schema, statement->relation->relname)) return false;
  *copy = *statement;
  *range = *statement->relation;
  range->schemaname = compiler_copy(c, schema);
  copy->relation = range;
  node.node_case = PG_QUERY__NODE__NODE_ALTER_TABLE_STMT;
  node.alter_table_stmt = copy;
  note(c, SCHEMA_SKIPPED, range->location, NULL, "left out: it is about \"%s\", which is left out",
       range->relname);
  outside_keep(c, "ALTER", schema, range->relname, &node);
  ddl_of(c)->kept[ddl_of(c)->kept_count - 1].is_type =
      statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE;
  return true;
}

void outside_index(struct compiler *c, const PgQuery__IndexStmt *statement) {
  PgQuery__IndexStmt *copy = compiler_alloc(c, sizeof *copy);
  PgQuery__RangeVar *range = compiler_alloc(c, sizeof *range);
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  const char *schema = outside_schema(c, statement->relation->schemaname);
  if (!outside_is_listed(c, schema, statement->relation->relname)) return;
  *copy = *statement;
  *range = *statement->relation;
  range->schemaname = compiler_copy(c, schema);
  copy->relation = range;
  node.node_case = PG_QUERY__NODE__NODE_INDEX_STMT;
  node.index_stmt = copy;
  outside_keep(c, "CREATE INDEX", schema, range->relname, &node);
}

void ddl_create_composite(struct compiler *c, PgQuery__Node *node) {
  PgQuery__RangeVar *range = node->composite_type_stmt->typevar;
  ddl_leave_out(c, range->location,
                "use jsonb, or compile with --lenient, which keeps it for PostgreSQL alone",
                "type \"%s\" is a composite, and SQLite has no rows inside a column",
                range->relname);
  outside_add(c, range);
  outside_keep(c, "CREATE TYPE", range->schemaname, range->relname, node);
  if (c->options->lenient) ddl_of(c)->kept[ddl_of(c)->kept_count - 1].is_type = true;
}

void ddl_create_table_as(struct compiler *c, PgQuery__Node *node) {
  PgQuery__RangeVar *range = node->create_table_as_stmt->into->rel;
  if (node->create_table_as_stmt->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW) {
    ddl_refuse(c, range->location, "CREATE TABLE AS", "its columns depend on rows",
               "write CREATE TABLE with its columns");
    return;
  }
  ddl_leave_out(c, range->location,
                "make it a view, or compile with --lenient, which keeps it for PostgreSQL alone",
                "materialized view \"%s\" is not supported: SQLite has none", range->relname);
  outside_add(c, range);
  outside_keep(c, "CREATE MATERIALIZED VIEW", range->schemaname, range->relname, node);
}
