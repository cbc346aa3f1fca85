/*
** ddl_index: CREATE INDEX. Read when met, translated when every table is known.
*/
#include "ddl.h"

/* The name that PostgreSQL gives to an expression's column: the function's or cast's, else "expr". */
static const char *index_expression_name(const PgQuery__Node *node) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_FUNC_CALL: {
    const char *name = node_string(node->func_call->funcname[node->func_call->n_funcname - 1]);
    return name != NULL ? name : "expr";
  }
  case PG_QUERY__NODE__NODE_COLUMN_REF: {
    const char *name = node_string(node->column_ref->fields[node->column_ref->n_fields - 1]);
    return name != NULL ? name : "expr";
  }
  case PG_QUERY__NODE__NODE_COALESCE_EXPR: return "coalesce";
  case PG_QUERY__NODE__NODE_CASE_EXPR: return "case";
  case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return index_expression_name(node->collate_clause->arg);
  case PG_QUERY__NODE__NODE_TYPE_CAST: {
    const char *inner = index_expression_name(node->type_cast->arg);
    const PgQuery__TypeName *type = node->type_cast->type_name;
    if (strcmp(inner, "expr") != 0) return inner;
    return node_string(type->names[type->n_names - 1]);
  }
  default: return "expr";
  }
}

static const char *index_default_name(struct compiler *c, const struct relation_def *relation,
                                      const PgQuery__IndexStmt *statement) {
  const char **names = NULL;
  int count = 0;
  for (size_t i = 0; i < statement->n_index_params; i++) {
    const PgQuery__IndexElem *element = statement->index_params[i]->index_elem;
    const char *base = element->expr == NULL ? element->name : index_expression_name(element->expr),
               *name = base;
    for (int number = 1, at = 0; at < count; at++) {
      if (strcmp(names[at], name) != 0) continue;
      name = compiler_format(c, "%s%d", base, number++);
      at = -1;
    }
    *APPEND(c, names, count) = name;
  }
  return name_choose_relation(c, relation->schema, relation->name, name_of_columns(c, count, names),
                              "idx", false);
}

static bool index_method(struct compiler *c, const PgQuery__IndexStmt *statement) {
  const char *method = statement->access_method;
  int location = statement->relation->location;
  if (method == NULL || method[0] == '\0' || strcmp(method, "btree") == 0) return true;
  if (strcmp(method, "hash") == 0) {
    note(c, SCHEMA_HINT, location, NULL,
         "USING hash is an ordinary index here, and stays hash on PostgreSQL");
    return true;
  }
  if (statement->unique) {
    note_error(c, location, "0A000", NULL, "access method \"%s\" does not support unique indexes",
               method);
  } else {
    ddl_leave_out(c, location,
                  "take it out, or compile with --lenient, which leaves it out here and keeps it "
                  "for PostgreSQL",
                  "USING %s: SQLite has no such index", method);
  }
  return false;
}

static bool index_columns(struct compiler *c, struct index_def *index,
                          const PgQuery__IndexStmt *statement) {
  bool sound = true;
  for (size_t i = 0; i < statement->n_index_params; i++) {
    const PgQuery__IndexElem *element = statement->index_params[i]->index_elem;
    const char *column = element->expr == NULL ? element->name : NULL;
    if (column != NULL && find_column(index->relation, column) == NULL) {
      sound = note_error(c, statement->relation->location, "42703", NULL,
                         "column \"%s\" does not exist", column);
    }
    *APPEND(c, index->columns, index->column_count) = column;
  }
  for (size_t i = 0; i < statement->n_index_including_params; i++) {
    const char *column = statement->index_including_params[i]->index_elem->name;
    if (column == NULL || find_column(index->relation, column) == NULL) {
      sound = note_error(c, statement->relation->location, "42703", NULL,
                         "column \"%s\" does not exist", column != NULL ? column : "?");
    }
  }
  return sound;
}

void ddl_create_index(struct compiler *c, const PgQuery__IndexStmt *statement) {
  int location = statement->relation->location;
  struct relation_def *relation = relation_of_range(c, statement->relation, false);
  if (relation == NULL) {
    outside_index(c, statement);
    return;
  }
  if (relation->is_view) {
    note_error(c, location, "42809", NULL, "cannot create index on relation \"%s\": it is a view",
               relation->name);
    return;
  }
  bool is_named = statement->idxname != NULL && statement->idxname[0] != '\0';
  const char *name = is_named ? statement->idxname : index_default_name(c, relation, statement);
  if (!name_check(c, location, "index", name)) return;
  if (relation_name_is_used(c, relation->schema, name)) {
    if (statement->if_not_exists)
      note(c, SCHEMA_SKIPPED, location, NULL, "relation \"%s\" already exists, skipping", name);
    else
      note_error(c, location, "42P07", NULL, "relation \"%s\" already exists", name);
    return;
  }
  if (statement->nulls_not_distinct) {
    note_error(
        c, location, "0A000", "use a unique index on COALESCE(...)",
        "NULLS NOT DISTINCT is not supported: SQLite's unique keys hold any number of NULLs");
    return;
  }
  struct index_def *index = compiler_alloc(c, sizeof *index);
  index->omitted = !index_method(c, statement);
  if (index->omitted && !c->options->lenient) return;
  index->schema = relation->schema;
  index->name = name;
  index->stored_name = stored_name(c, relation->schema, name);
  index->relation = relation;
  index->is_unique = statement->unique;
  index->statement = statement;
  index->place = place_here(c, location);
  if (!index_columns(c, index, statement)) return;
  if (!stored_name_is_free(c, index->stored_name)) {
    note_error(c, location, "42P07", "rename one of them",
               "index \"%s\" is stored as \"%s\", and another relation has that name in SQLite, "
               "where case does not count",
               name, index->stored_name);
  }
  if (statement->n_options > 0)
    note(c, SCHEMA_SKIPPED, location, NULL, "storage options of index \"%s\" mean nothing here",
         name);
  if (statement->n_index_including_params > 0) {
    note(c, SCHEMA_RECORDED, location, NULL,
         "INCLUDE is left out of index \"%s\" here and kept for the export", name);
  }
  *APPEND(c, c->model->indexes, c->model->index_count) = index;
}

/* ---- when all is known */

static void index_translate(struct compiler *c, struct index_def *index) {
  struct scope scope = scope_of_relation(c, index->relation);
  struct expression value;
  sqlite3_str *keys = sqlite3_str_new(NULL);
  for (size_t i = 0; i < index->statement->n_index_params; i++) {
    const PgQuery__IndexElem *element = index->statement->index_params[i]->index_elem;
    if (i > 0) sqlite3_str_appendall(keys, ", ");
    if (element->expr == NULL) {
      sqlite3_str_appendf(keys, "\"%w\"", element->name);
    } else if (tree_refuse_subquery(c, element->expr, "index expression") &&
               expression_translate(c, element->expr, &scope, &value)) {
      const char *collation = sqltype_collation(&value.type);
      sqlite3_str_appendf(keys, "%s%s%s", value.sql, collation != NULL ? " COLLATE " : "",
                          collation != NULL ? collation : "");
      if (value.volatility != IMMUTABLE || tree_calls_reader(c, element->expr)) {
        note_error(c, index->place.location, "42P17", NULL,
                   "functions in index expression must be marked IMMUTABLE");
      }
    }
    /* SQLite keeps NULLs first in an index whatever is asked: the order of rows comes from ORDER BY, not from here. */
    if (element->ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC)
      sqlite3_str_appendall(keys, " DESC");
  }
  index->key_sql = compiler_take(c, keys);
  if (index->statement->where_clause == NULL ||
      !tree_refuse_subquery(c, index->statement->where_clause, "index predicate") ||
      !expression_boolean(c, index->statement->where_clause, &scope, "WHERE", &value))
    return;
  index->predicate_sql = value.sql;
  if (value.volatility != IMMUTABLE) {
    note_error(c, index->place.location, "42P17", NULL,
               "functions in index predicate must be marked IMMUTABLE");
  }
}

/* "column" or (expression), with collation, operator class and order. */
static void index_element_text(struct compiler *c, sqlite3_str *out,
                               const PgQuery__IndexElem *element) {
  if (element->expr == NULL)
    sqlite3_str_appendf(out, "\"%w\"", element->name);
  else
    sqlite3_str_appendf(out, "(%s)", deparse_expression(c, element->expr));
  if (element->n_collation > 0)
    sqlite3_str_appendf(out, " COLLATE \"%w\"",
                        node_string(element->collation[element->n_collation - 1]));
  for (size_t i = 0; i < element->n_opclass; i++) {
    sqlite3_str_appendf(out, "%s\"%w\"", i > 0 ? "." : " ", node_string(element->opclass[i]));
  }
  if (element->ordering == PG_QUERY__SORT_BY_DIR__SORTBY_DESC) sqlite3_str_appendall(out, " DESC");
  if (element->nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST)
    sqlite3_str_appendall(out, " NULLS FIRST");
  if (element->nulls_ordering == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST)
    sqlite3_str_appendall(out, " NULLS LAST");
}

static void index_elements_text(struct compiler *c, sqlite3_str *out, size_t count,
                                PgQuery__Node *const *nodes) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0) sqlite3_str_appendall(out, ", ");
    index_element_text(c, out, nodes[i]->index_elem);
  }
}

/* CREATE INDEX in PostgreSQL's words; libpg_query's deparser forgets the quotes of a column's name. */
static const char *index_definition(struct compiler *c, const struct index_def *index) {
  const PgQuery__IndexStmt *statement = index->statement;
  const char *method = statement->access_method != NULL && statement->access_method[0] != '\0'
                           ? statement->access_method
                           : "btree";
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "CREATE %sINDEX \"%w\" ON %s USING %s (",
                      index->is_unique ? "UNIQUE " : "", index->name,
                      qualified(c, index->relation->schema, index->relation->name), method);
  index_elements_text(c, out, statement->n_index_params, statement->index_params);
  sqlite3_str_appendall(out, ")");
  if (statement->n_index_including_params > 0) {
    sqlite3_str_appendall(out, " INCLUDE (");
    index_elements_text(c, out, statement->n_index_including_params,
                        statement->index_including_params);
    sqlite3_str_appendall(out, ")");
  }
  if (statement->where_clause != NULL)
    sqlite3_str_appendf(out, " WHERE %s", deparse_expression(c, statement->where_clause));
  return compiler_take(c, out);
}

void finish_indexes(struct compiler *c) {
  for (int i = 0; i < c->model->index_count; i++) {
    struct index_def *index = c->model->indexes[i];
    struct place before = place_enter(c, index->place);
    if (!index->omitted) index_translate(c, index);
    index->definition = index_definition(c, index);
    place_enter(c, before);
  }
}
