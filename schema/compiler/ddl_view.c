/*
** ddl_view: CREATE VIEW. Translated when met, for later statements need its columns, and again at the end, when enums and
** functions have their last form.
*/
#include "ddl.h"

/* ---- which columns are a table's own, shown as they are */

/* What stands in FROM: a table, a view, or something else under an alias. */
struct view_source {
  const char *alias;
  const struct relation_def *relation; /* NULL: something else */
};
struct view_sources {
  int count;
  struct view_source *items;
  bool has_using; /* the columns of * are not simply those of the sources */
};

static void view_add_source(struct compiler *c, const PgQuery__Node *node,
                            struct view_sources *sources) {
  const char *schema, *name;
  if (node->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR) {
    const PgQuery__JoinExpr *join = node->join_expr;
    if (join->n_using_clause > 0 || join->is_natural || join->alias != NULL)
      sources->has_using = true;
    view_add_source(c, join->larg, sources);
    view_add_source(c, join->rarg, sources);
    return;
  }
  struct view_source *source = APPEND(c, sources->items, sources->count);
  *source = (struct view_source){.alias = ""};
  if (node->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return;
  const PgQuery__RangeVar *range = node->range_var;
  if (range->alias != NULL && range->alias->n_colnames > 0) return;
  source->alias = range->alias != NULL ? range->alias->aliasname : range->relname;
  if (names_of_range(c, range, &schema, &name)) source->relation = find_relation(c, schema, name);
}

/* A column of the view shows this one of a source, which may be a view that shows another one. */
static void view_set_origin(struct column_def *column, const struct relation_def *relation,
                            const char *name) {
  for (int i = 0; relation != NULL && i < relation->column_count; i++) {
    const struct column_def *shown = &relation->columns[i];
    if (shown->dropped || strcmp(shown->name, name) != 0) continue;
    column->origin = relation->is_view ? shown->origin : relation;
    column->origin_name = relation->is_view ? shown->origin_name : shown->name;
  }
}

static bool view_has_column(const struct relation_def *relation, const char *name) {
  for (int i = 0; i < relation->column_count; i++) {
    if (!relation->columns[i].dropped && strcmp(relation->columns[i].name, name) == 0) return true;
  }
  return false;
}

/* The columns of * or alias.*, from the view's column *at on. */
static void view_star(struct relation_def *view, const struct view_sources *sources,
                      const char *alias, int *at) {
  for (int s = 0; s < sources->count; s++) {
    const struct view_source *source = &sources->items[s];
    if (alias != NULL && strcmp(source->alias, alias) != 0) continue;
    for (int i = 0; i < source->relation->column_count; i++) {
      const struct column_def *shown = &source->relation->columns[i];
      if (shown->dropped || *at >= view->column_count) continue;
      view_set_origin(&view->columns[(*at)++], source->relation, shown->name);
    }
  }
}

static void view_column(struct relation_def *view, const struct view_sources *sources,
                        const PgQuery__ColumnRef *reference, int *at) {
  size_t count = reference->n_fields;
  const PgQuery__Node *last = reference->fields[count - 1];
  const char *alias = count == 2 ? node_string(reference->fields[0]) : NULL;
  if (last->node_case == PG_QUERY__NODE__NODE_A_STAR) {
    view_star(view, sources, alias, at);
    return;
  }
  const struct relation_def *found = NULL;
  const char *name = node_string(last);
  int matches = 0;
  for (int s = 0; s < sources->count && name != NULL; s++) {
    const struct view_source *source = &sources->items[s];
    if (alias != NULL ? strcmp(source->alias, alias) != 0
                      : !view_has_column(source->relation, name))
      continue;
    found = source->relation;
    matches++;
  }
  if (matches == 1 && count <= 2 && *at < view->column_count)
    view_set_origin(&view->columns[*at], found, name);
  (*at)++;
}

/* Only of a plain SELECT from tables and views: there a name means what it seems to mean. */
static void view_origins(struct compiler *c, struct relation_def *view,
                         const PgQuery__SelectStmt *select) {
  struct view_sources sources = {0};
  int at = 0;
  if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE || select->with_clause != NULL ||
      select->n_values_lists > 0)
    return;
  for (size_t i = 0; i < select->n_from_clause; i++)
    view_add_source(c, select->from_clause[i], &sources);
  for (int i = 0; i < sources.count; i++) {
    if (sources.items[i].relation == NULL) return;
  }
  if (sources.has_using) return;
  for (size_t i = 0; i < select->n_target_list; i++) {
    const PgQuery__Node *value = select->target_list[i]->res_target->val;
    if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF)
      view_column(view, &sources, value->column_ref, &at);
    else
      at++;
  }
}

static bool view_translate(struct compiler *c, struct relation_def *view) {
  const PgQuery__ViewStmt *statement = view->view_statement;
  struct query query;
  if (!query_translate(c, statement->query->select_stmt, NULL, true, &query)) return false;
  if ((int)statement->n_aliases > query.column_count) {
    return note_error(c, view->place.location, "42601", NULL,
                      "CREATE VIEW specifies more column names than columns");
  }
  int old_count = view->column_count;
  const struct column_def *old = view->columns;
  view->column_count = 0;
  view->columns = NULL;
  for (int i = 0; i < query.column_count; i++) {
    const char *name =
        i < (int)statement->n_aliases ? node_string(statement->aliases[i]) : query.names[i];
    if (!table_column_name(c, view, name, view->place.location)) return false;
    struct column_def *column = APPEND(c, view->columns, view->column_count);
    column->name = name;
    column->type = query.types[i];
    column->place = view->place;
    if (i < old_count) column->comment = old[i].comment;
    if (column->type.id == SQL_UNKNOWN)
      column->type = (struct sqltype){.id = SQL_TEXT, .length = -1};
  }
  view->view_sql = query.sql;
  view_origins(c, view, statement->query->select_stmt);
  return true;
}

static bool view_same_columns(const struct relation_def *old, const struct relation_def *view) {
  for (int i = 0; i < old->column_count; i++) {
    if (i >= view->column_count || strcmp(old->columns[i].name, view->columns[i].name) != 0)
      return false;
  }
  return true;
}

void ddl_create_view(struct compiler *c, const PgQuery__ViewStmt *statement) {
  const PgQuery__RangeVar *range = statement->view;
  if (strcmp(range->relpersistence, "t") == 0) {
    ddl_refuse(c, range->location, "a temporary view", "it is not part of a schema",
               "make it an ordinary view");
    return;
  }
  if (statement->with_check_option != PG_QUERY__VIEW_CHECK_OPTION__NO_CHECK_OPTION) {
    note(c, SCHEMA_RECORDED, range->location, NULL,
         "WITH CHECK OPTION is kept for the export; views are read-only here");
  }
  const char *schema, *name;
  if (!names_of_range(c, range, &schema, &name)) return;
  struct relation_def *view = find_relation(c, schema, name);
  if (view != NULL && view->is_view && statement->replace) {
    struct relation_def old = *view;
    view->view_statement = statement;
    view->place = place_here(c, range->location);
    if (!view_translate(c, view)) return;
    if (!view_same_columns(&old, view)) {
      note_error(c, range->location, "42P16", "DROP VIEW first",
                 "cannot change name or drop columns of view \"%s\"", name);
    }
    return;
  }
  view = relation_make(c, range, true, false);
  if (view == NULL) return;
  view->view_statement = statement;
  if (!view_translate(c, view)) view->view_statement = NULL;
}

/* ---- WITH (security_invoker): the view reads as whoever asks, every other one as its owner */

static bool view_is_true(const PgQuery__DefElem *option) {
  const PgQuery__Node *value = option->arg;
  if (value == NULL) return true;
  if (value->node_case == PG_QUERY__NODE__NODE_BOOLEAN) return value->boolean->boolval;
  if (value->node_case == PG_QUERY__NODE__NODE_INTEGER) return value->integer->ival != 0;
  const char *word = node_string(value);
  return word != NULL && (sqlite3_stricmp(word, "true") == 0 || sqlite3_stricmp(word, "on") == 0 ||
                          sqlite3_stricmp(word, "yes") == 0 || strcmp(word, "1") == 0);
}

static bool view_is_invoker(const PgQuery__ViewStmt *statement) {
  bool is_invoker = false;
  for (size_t i = 0; i < statement->n_options; i++) {
    const PgQuery__DefElem *option = statement->options[i]->def_elem;
    if (strcmp(option->defname, "security_invoker") == 0) is_invoker = view_is_true(option);
  }
  return is_invoker;
}

bool view_set_options(struct compiler *c, struct relation_def *view,
                      const PgQuery__AlterTableCmd *command) {
  if (view->view_statement == NULL || command->def == NULL) return false;
  const PgQuery__List *list = command->def->list;
  bool resets = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions;
  PgQuery__ViewStmt *changed = compiler_alloc(c, sizeof *changed);
  PgQuery__Node **options = NULL;
  int count = 0;
  *changed = *view->view_statement;
  for (size_t i = 0; i < changed->n_options; i++) {
    bool is_replaced = false;
    for (size_t k = 0; k < list->n_items; k++)
      is_replaced = is_replaced || strcmp(changed->options[i]->def_elem->defname,
                                          list->items[k]->def_elem->defname) == 0;
    if (!is_replaced) *APPEND(c, options, count) = changed->options[i];
  }
  for (size_t k = 0; k < list->n_items && !resets; k++) *APPEND(c, options, count) = list->items[k];
  changed->n_options = (size_t)count;
  changed->options = options;
  view->view_statement = changed;
  return true;
}

static void view_mark(struct compiler *c, struct relation_def *view) {
  const char **names = compiler_alloc(c, (size_t)(view->column_count + 1) * sizeof *names);
  struct query query;
  for (int i = 0; i < view->column_count; i++) names[i] = view->columns[i].name;
  c->marks = MARK_CALLER;
  c->marked = (struct marked_reads){0};
  if (query_translate(c, view->view_statement->query->select_stmt, NULL, true, &query)) {
    view->invoker_sql = compiler_format(c, "(WITH \"q\"(%s) AS (%s) SELECT * FROM \"q\")",
                                        column_list(c, view->column_count, names), query.sql);
    view->reads = c->marked;
  }
  c->marks = MARK_NONE;
}

void finish_views(struct compiler *c) {
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *view = c->model->relations[i];
    if (!view->is_view || view->view_statement == NULL) continue;
    struct place before = place_enter(c, view->place);
    if (view_translate(c, view) && view_is_invoker(view->view_statement)) view_mark(c, view);
    if (tree_uses_auth(view->view_statement->query)) ddl_of(c)->uses_auth = true;
    view->view_definition = deparse_statement(c, view->view_statement->query);
    place_enter(c, before);
  }
}
