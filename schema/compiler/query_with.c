/*
** query_with: WITH, also RECURSIVE.
*/
#include "query.h"
#include "ddl.h"

static const char *with_columns(struct compiler *c, const struct query_with *with) {
  const char *list = "";
  for (int i = 0; i < with->column_count; i++)
    list = query_append(c, list, ", ", quoted(c, with->stored_names[i]));
  return list;
}

static void with_describe(struct compiler *c, const PgQuery__CommonTableExpr *node,
                          const struct query_result *result, struct query_with *with) {
  with->name = node->ctename;
  /* A table's name would hide the table from the query's own FROM. */
  with->stored_name = find_relation(c, NULL, node->ctename) != NULL
                          ? compiler_format(c, "%s:with", node->ctename)
                          : node->ctename;
  with->column_count = result->column_count;
  with->names = compiler_alloc(c, sizeof *with->names * (size_t)(result->column_count + 1));
  with->types = compiler_alloc(c, sizeof *with->types * (size_t)(result->column_count + 1));
  for (int i = 0; i < result->column_count; i++) {
    with->names[i] = (size_t)i < node->n_aliascolnames
                         ? expression_name_part(node->aliascolnames, (size_t)i)
                         : result->names[i];
    with->types[i] = result->items[i].type;
  }
  with->stored_names = query_unlike_names(c, with->column_count, with->names);
}

/* WITH RECURSIVE t AS (start UNION [ALL] step): the types are those of the start. */
static bool with_recursive(struct compiler *c, const PgQuery__CommonTableExpr *node,
                           struct scope *scope, struct query_with *with, const char **sql) {
  const PgQuery__SelectStmt *select = node->ctequery->select_stmt;
  struct query_result start = {0}, step = {0};
  if (select->op != PG_QUERY__SET_OPERATION__SETOP_UNION || select->n_sort_clause > 0 ||
      select->limit_count != NULL || select->limit_offset != NULL || select->with_clause != NULL) {
    return note_error(c, node->location, "0A000", NULL,
                      "WITH RECURSIVE is supported as start UNION [ALL] step alone");
  }
  if (!query_select(c, select->larg, scope, QUERY_SETTLE, NULL, &start)) return false;
  with_describe(c, node, &start, with);
  with->next = scope->with;
  struct scope inner = *scope;
  inner.with = with;
  if (!query_select(c, select->rarg, &inner, QUERY_SETTLE, with->types, &step)) return false;
  if (step.column_count != start.column_count) {
    return note_error(c, node->location, "42601", NULL,
                      "each UNION query must have the same number of columns");
  }
  *sql =
      compiler_format(c, "%s UNION%s %s", query_side(c, select->larg, &start, !select->all, true),
                      select->all ? " ALL" : "", step.sql);
  return true;
}

static bool refers_to(void *context, ProtobufCMessage *message) {
  const char **name = context;
  if (message->descriptor == &pg_query__range_var__descriptor) {
    const PgQuery__RangeVar *range = (const PgQuery__RangeVar *)message;
    if (*name != NULL && range->schemaname[0] == '\0' && strcmp(range->relname, *name) == 0)
      *name = NULL;
  }
  return *name != NULL;
}

bool query_with_clause(struct compiler *c, const PgQuery__WithClause *clause, struct scope *scope,
                       const char **sql) {
  const char *list = "";
  for (size_t i = 0; i < clause->n_ctes; i++) {
    const PgQuery__CommonTableExpr *node = clause->ctes[i]->common_table_expr;
    struct query_with *with = compiler_alloc(c, sizeof *with);
    const char *text = NULL, *unseen = node->ctename;
    if (node->ctequery->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
      return note_error(c, node->location, "0A000", NULL,
                        "a WITH query that writes is not supported");
    }
    if (node->search_clause != NULL || node->cycle_clause != NULL) {
      return note_error(c, node->location, "0A000", NULL, "SEARCH and CYCLE are not supported");
    }
    if (clause->recursive) tree_walk_messages(&node->ctequery->base, refers_to, &unseen);
    if (unseen == NULL) {
      if (!with_recursive(c, node, scope, with, &text)) return false;
    } else {
      struct query_result result = {0};
      if (!query_select(c, node->ctequery->select_stmt, scope, QUERY_SETTLE, NULL, &result))
        return false;
      with_describe(c, node, &result, with);
      text = result.sql;
    }
    if (node->n_aliascolnames > (size_t)with->column_count) {
      return note_error(c, node->location, "42P10", NULL,
                        "WITH query \"%s\" has %d columns available but %d columns specified",
                        node->ctename, with->column_count, (int)node->n_aliascolnames);
    }
    with->next = scope->with;
    scope->with = with;
    list = query_append(c, list, ", ",
                        compiler_format(c, "%s(%s) AS (%s)", quoted(c, with->stored_name),
                                        with_columns(c, with), text));
  }
  *sql = compiler_format(c, "WITH %s%s ", clause->recursive ? "RECURSIVE " : "", list);
  return true;
}
