/*
** query_from: the FROM clause. Tables, views, WITH queries, sub-selects, joins, and functions that return sets.
*/
#include "query.h"
#include "ddl.h"

/* What one item of FROM offers: its text and the columns that "*" and unqualified names mean. */
struct from_item {
  const char *sql;
  int column_count;
  struct scope_column *columns;
  bool is_join;
};

static bool from_any(struct compiler *c, const PgQuery__Node *node, struct scope *scope,
                     struct from_item *out);

/* ---- names of tables */

static bool alias_is_used(const struct scope *scope, const char *alias) {
  for (int i = 0; i < scope->count; i++) {
    const struct scope_entry *entry = &scope->entries[i];
    if (sqlite3_stricmp(entry->stored_alias != NULL ? entry->stored_alias : entry->alias, alias) ==
        0)
      return true;
    if (scope->bare && entry->relation != NULL &&
        sqlite3_stricmp(entry->relation->stored_name, alias) == 0)
      return true;
  }
  return false;
}

/* The alias in SQLite: unlike every other that expressions of this query, or put into it, could name. */
static const char *alias_choose(struct compiler *c, const struct scope *scope, const char *alias) {
  const char *chosen = alias;
  for (int copy = 2;; copy++) {
    bool used = false;
    for (const struct scope *level = scope; level != NULL; level = level->outer) {
      used = used || alias_is_used(level, chosen);
      for (const struct scope *caller = level->caller; caller != NULL && !used;
           caller = caller->outer != NULL ? caller->outer : caller->caller) {
        used = alias_is_used(caller, chosen);
      }
    }
    if (!used) return chosen;
    chosen = compiler_format(c, "%s:%d", alias, copy);
  }
}

static bool entry_add(struct compiler *c, struct scope *scope, const struct scope_entry *entry,
                      int location) {
  for (int i = 0; i < scope->count; i++) {
    if (strcmp(scope->entries[i].alias, entry->alias) == 0) {
      return note_error(c, location, "42712", NULL, "table name \"%s\" specified more than once",
                        entry->alias);
    }
  }
  const char *stored = alias_choose(c, scope, entry->alias);
  struct scope_entry *added = APPEND(c, scope->entries, scope->count);
  *added = *entry;
  if (strcmp(stored, entry->alias) != 0) added->stored_alias = stored;
  return true;
}

static const char *entry_stored(const struct scope_entry *entry) {
  return entry->stored_alias != NULL ? entry->stored_alias : entry->alias;
}

static void item_add(struct compiler *c, struct from_item *item, const char *name, const char *sql,
                     struct sqltype type) {
  *APPEND(c, item->columns, item->column_count) =
      (struct scope_column){.name = name, .sql = sql, .type = type};
}

/* Renames the columns by "AS t (a, b)". */
static bool alias_columns(struct compiler *c, const PgQuery__Alias *alias, int count,
                          const char **names) {
  if (alias == NULL) return true;
  if (alias->n_colnames > (size_t)count) {
    return note_error(c, -1, "42P10", NULL,
                      "table \"%s\" has %d columns available but %d columns specified",
                      alias->aliasname, count, (int)alias->n_colnames);
  }
  for (size_t i = 0; i < alias->n_colnames; i++)
    names[i] = expression_name_part(alias->colnames, i);
  return true;
}

/* Adds an entry of named columns; stored are their names in SQLite. */
static bool entry_of_columns(struct compiler *c, struct scope *scope, const char *name,
                             const PgQuery__Alias *alias, int location, int count,
                             const char **names, const char **stored, struct sqltype *types,
                             struct from_item *out) {
  struct scope_entry entry = {
      .alias = alias != NULL ? alias->aliasname : name, .column_count = count, .types = types};
  entry.names = compiler_alloc(c, sizeof *entry.names * (size_t)(count + 1));
  entry.column_sql = compiler_alloc(c, sizeof *entry.column_sql * (size_t)(count + 1));
  for (int i = 0; i < count; i++) entry.names[i] = names[i];
  if (!alias_columns(c, alias, count, entry.names) || !entry_add(c, scope, &entry, location))
    return false;
  const char *prefix = quoted(c, entry_stored(&scope->entries[scope->count - 1]));
  for (int i = 0; i < count; i++) {
    entry.column_sql[i] = compiler_format(c, "%s.%s", prefix, quoted(c, stored[i]));
    item_add(c, out, entry.names[i], entry.column_sql[i], types[i]);
  }
  return true;
}

/* ---- tables, views, WITH queries */

static const struct query_with *with_find(const struct scope *scope, const char *name) {
  for (const struct scope *level = scope; level != NULL; level = level->outer) {
    for (const struct query_with *with = level->with; with != NULL; with = with->next) {
      if (strcmp(with->name, name) == 0) return with;
    }
  }
  return NULL;
}

static const char *table_sql(struct compiler *c, const struct relation_def *relation,
                             const char *alias) {
  switch (c->marks) {
  case MARK_CALLER:
    if (c->body_depth == 0)
      *APPEND(c, c->marked.direct, c->marked.direct_count) = relation;
    else
      *APPEND(c, c->marked.called, c->marked.called_count) = relation;
    return compiler_format(c, "ledger_rls.%s AS %s", quoted(c, relation->stored_name),
                           quoted(c, alias));
  case MARK_OWNER:
    return compiler_format(c, "main.%s AS %s", quoted(c, relation->stored_name), quoted(c, alias));
  default: break;
  }
  if (strcmp(alias, relation->stored_name) == 0) return quoted(c, alias);
  return compiler_format(c, "%s AS %s", quoted(c, relation->stored_name), quoted(c, alias));
}

static bool from_table(struct compiler *c, const PgQuery__RangeVar *range, struct scope *scope,
                       struct from_item *out) {
  const char *schema = range->schemaname[0] != '\0' ? range->schemaname : NULL;
  const struct query_with *with = schema == NULL ? with_find(scope, range->relname) : NULL;
  if (with != NULL) {
    if (!entry_of_columns(c, scope, with->name, range->alias, range->location, with->column_count,
                          with->names, with->stored_names, with->types, out)) {
      return false;
    }
    out->sql = compiler_format(c, "%s AS %s", quoted(c, with->stored_name),
                               quoted(c, entry_stored(&scope->entries[scope->count - 1])));
    return true;
  }
  const struct relation_def *relation = find_relation(c, schema, range->relname);
  if (relation == NULL) {
    return note_error(c, range->location, "42P01", NULL,
                      schema != NULL ? "relation \"%s.%s\" does not exist"
                                     : "relation \"%s%s\" does not exist",
                      schema != NULL ? schema : "", range->relname);
  }
  if (range->alias != NULL && range->alias->n_colnames > 0) {
    const char **names = NULL;
    struct sqltype *types = NULL;
    int count = 0, type_count = 0;
    for (int i = 0; i < relation->column_count; i++) {
      if (relation->columns[i].dropped) continue;
      *APPEND(c, names, count) = relation->columns[i].name;
      *APPEND(c, types, type_count) = relation->columns[i].type;
    }
    if (!entry_of_columns(c, scope, relation->name, range->alias, range->location, count, names,
                          names, types, out))
      return false;
  } else {
    struct scope_entry entry = {.alias =
                                    range->alias != NULL ? range->alias->aliasname : relation->name,
                                .relation = relation};
    if (!entry_add(c, scope, &entry, range->location)) return false;
    const char *prefix = quoted(c, entry_stored(&scope->entries[scope->count - 1]));
    for (int i = 0; i < relation->column_count; i++) {
      const struct column_def *column = &relation->columns[i];
      if (column->dropped) continue;
      item_add(c, out, column->name, compiler_format(c, "%s.%s", prefix, quoted(c, column->name)),
               column->type);
    }
  }
  out->sql = table_sql(c, relation, entry_stored(&scope->entries[scope->count - 1]));
  return true;
}

/* ---- sub-selects */

static bool from_subselect(struct compiler *c, const PgQuery__RangeSubselect *node,
                           struct scope *scope, struct from_item *out) {
  struct query_result query;
  const PgQuery__SelectStmt *select = node->subquery->select_stmt;
  if (node->lateral) return note_error(c, -1, "0A000", NULL, "LATERAL is not supported");
  if (node->alias == NULL) {
    return note_error(c, -1, "42601", "For example, FROM (SELECT ...) [AS] foo.",
                      "subquery in FROM must have an alias");
  }
  /* It sees what stands outside of this query, not its neighbours. */
  struct scope outside = {.outer = scope->outer, .caller = scope->caller};
  if (!query_select(c, select, &outside, QUERY_SETTLE, NULL, &query)) return false;
  struct sqltype *types = compiler_alloc(c, sizeof *types * (size_t)(query.column_count + 1));
  for (int i = 0; i < query.column_count; i++) types[i] = query.items[i].type;
  if (!entry_of_columns(c, scope, "", node->alias, -1, query.column_count, query.names,
                        query.stored_names, types, out)) {
    return false;
  }
  out->sql = compiler_format(c, "(%s) AS %s", query.sql,
                             quoted(c, entry_stored(&scope->entries[scope->count - 1])));
  return true;
}

/* ---- joins */

static int item_find(const struct from_item *item, const char *name, struct scope_column *out) {
  int found = 0;
  for (int i = 0; i < item->column_count; i++) {
    if (strcmp(item->columns[i].name, name) != 0) continue;
    *out = item->columns[i];
    found++;
  }
  return found;
}

static bool join_merge(struct compiler *c, const PgQuery__JoinExpr *node, const char *name,
                       const struct from_item *left, const struct from_item *right,
                       const char **condition, struct from_item *out) {
  struct scope_column columns[2];
  for (int side = 0; side < 2; side++) {
    int found = item_find(side == 0 ? left : right, name, &columns[side]);
    if (found == 0) {
      return note_error(c, -1, "42703", NULL,
                        "column \"%s\" specified in USING clause does not exist in %s table", name,
                        side == 0 ? "left" : "right");
    }
    if (found > 1) {
      return note_error(c, -1, "42702", NULL,
                        "common column name \"%s\" appears more than once in %s table", name,
                        side == 0 ? "left" : "right");
    }
  }
  struct expression_list pair = {0};
  struct expression same, sides[2];
  struct sqltype type;
  for (int side = 0; side < 2; side++) {
    sides[side] = expression_make(columns[side].sql, columns[side].type, -1);
    *expression_list_add(c, &pair) = sides[side];
  }
  if (!expression_operate(c, "=", &sides[0], &sides[1], -1, &same) ||
      !expression_unify(c, "JOIN/USING", &pair, -1, &type)) {
    return false;
  }
  *condition = query_append(c, *condition, " AND ", same.sql);
  const char *sql =
      node->jointype == PG_QUERY__JOIN_TYPE__JOIN_FULL
          ? compiler_format(c, "coalesce(%s, %s)", pair.items[0].sql, pair.items[1].sql)
      : node->jointype == PG_QUERY__JOIN_TYPE__JOIN_RIGHT ? pair.items[1].sql
                                                          : pair.items[0].sql;
  item_add(c, out, name, sql, type);
  return true;
}

static void join_rest(struct compiler *c, const struct from_item *side, struct from_item *out,
                      int merged) {
  for (int i = 0; i < side->column_count; i++) {
    bool is_merged = false;
    for (int k = 0; k < merged; k++)
      is_merged = is_merged || strcmp(out->columns[k].name, side->columns[i].name) == 0;
    if (!is_merged) *APPEND(c, out->columns, out->column_count) = side->columns[i];
  }
}

static bool join_condition(struct compiler *c, const PgQuery__JoinExpr *node,
                           const struct scope *scope, const struct from_item *left,
                           const struct from_item *right, const char **condition,
                           struct from_item *out) {
  if (node->is_natural) {
    for (int i = 0; i < left->column_count; i++) {
      struct scope_column column;
      if (item_find(right, left->columns[i].name, &column) > 0 &&
          !join_merge(c, node, left->columns[i].name, left, right, condition, out)) {
        return false;
      }
    }
  }
  for (size_t i = 0; i < node->n_using_clause; i++) {
    if (!join_merge(c, node, expression_name_part(node->using_clause, i), left, right, condition,
                    out))
      return false;
  }
  int merged = out->column_count;
  join_rest(c, left, out, merged);
  join_rest(c, right, out, merged);
  if (node->quals == NULL) return true;
  struct scope inner = *scope;
  struct expression e;
  inner.columns = out->columns;
  inner.column_count = out->column_count;
  inner.no_aggregates = "JOIN conditions";
  if (!expression_boolean(c, node->quals, &inner, "JOIN/ON", &e)) return false;
  *condition = e.sql;
  return true;
}

static bool from_join(struct compiler *c, const PgQuery__JoinExpr *node, struct scope *scope,
                      struct from_item *out) {
  struct from_item left = {0}, right = {0};
  const char *condition = "", *word;
  if (node->alias != NULL || node->join_using_alias != NULL) {
    return note_error(c, -1, "0A000", "Name the tables.", "an alias of a join is not supported");
  }
  if (!from_any(c, node->larg, scope, &left) || !from_any(c, node->rarg, scope, &right))
    return false;
  switch (node->jointype) {
  case PG_QUERY__JOIN_TYPE__JOIN_INNER: word = "JOIN"; break;
  case PG_QUERY__JOIN_TYPE__JOIN_LEFT: word = "LEFT JOIN"; break;
  case PG_QUERY__JOIN_TYPE__JOIN_RIGHT: word = "RIGHT JOIN"; break;
  case PG_QUERY__JOIN_TYPE__JOIN_FULL: word = "FULL JOIN"; break;
  default: return note_error(c, -1, "0A000", NULL, "this kind of join is not supported");
  }
  out->is_join = true;
  if (!join_condition(c, node, scope, &left, &right, &condition, out)) return false;
  out->sql =
      compiler_format(c, right.is_join ? "%s %s (%s)" : "%s %s %s", left.sql, word, right.sql);
  if (condition[0] != '\0') out->sql = compiler_format(c, "%s ON %s", out->sql, condition);
  return true;
}

/* ---- functions that return sets */

static bool series_of(struct compiler *c, const char *alias, struct expression_list *arguments,
                      int location, const char **sql, struct sqltype *type) {
  struct expression_list bounds = {0};
  bool is_moment = false;
  for (int i = 0; i < arguments->count && i < 2; i++) {
    enum sqltype_id id = arguments->items[i].type.id;
    is_moment = is_moment || id == SQL_TIMESTAMP || id == SQL_TIMESTAMPTZ || id == SQL_DATE;
    *expression_list_add(c, &bounds) = arguments->items[i];
  }
  if (arguments->count < 2 || arguments->count > 3 || (is_moment && arguments->count < 3)) {
    return note_error(c, location, "42883", NULL,
                      "function generate_series with these arguments does not exist");
  }
  if (arguments->count == 3 && !is_moment) *expression_list_add(c, &bounds) = arguments->items[2];
  if (!expression_unify(c, "generate_series", &bounds, location, type)) return false;
  if (is_moment && type->id == SQL_DATE) type->id = SQL_TIMESTAMPTZ;
  type->length = -1;
  bool is_integer = type->id == SQL_INT4 || type->id == SQL_INT8 || type->id == SQL_INT2;
  if (type->id == SQL_INT2) type->id = SQL_INT4;
  if (!is_integer && !is_moment && type->id != SQL_NUMERIC) {
    return note_error(c, location, "42883", NULL,
                      "function generate_series with these arguments does not exist");
  }
  struct sqltype step_type = is_moment ? expression_plain_type(SQL_INTERVAL) : *type;
  struct expression step =
      arguments->count == 3 ? arguments->items[2] : expression_make("1", *type, -1);
  if (arguments->count < 3 && type->id == SQL_NUMERIC) step.sql = "'1'";
  for (int i = 0; i < 2; i++) {
    if (!expression_convert(c, &bounds.items[i], type, 'i')) return false;
  }
  if (arguments->count == 3 && !expression_convert(c, &step, &step_type, 'i')) return false;
  /* A recursive query; the bounds and the step are its constants, in a row of their own. */
  struct expression value = expression_make("\"value\"", *type, -1),
                    last = expression_make("\"last\"", *type, -1);
  struct expression by = expression_make("\"step\"", step_type, -1), next, up, down, positive;
  struct expression zero = expression_text_literal(c, "0", -1), left = value;
  if (!expression_convert(c, &zero, &step_type, 'i') ||
      !expression_operate(c, "+", &left, &by, location, &next))
    return false;
  struct expression limit = last, compared = next,
                    step_copy = expression_make("\"step\"", step_type, -1);
  if (!expression_operate(c, "<=", &compared, &limit, location, &up)) return false;
  limit = last, compared = next;
  if (!expression_operate(c, ">=", &compared, &limit, location, &down) ||
      !expression_operate(c, ">", &step_copy, &zero, location, &positive)) {
    return false;
  }
  struct expression first_up, first_down;
  limit = last, compared = value;
  if (!expression_operate(c, "<=", &compared, &limit, location, &first_up)) return false;
  limit = last, compared = value;
  if (!expression_operate(c, ">=", &compared, &limit, location, &first_down)) return false;
  *sql = compiler_format(
      c,
      "(WITH RECURSIVE \"start\"(\"value\", \"last\", \"step\") AS (SELECT %s, %s, %s), "
      "\"series\"(\"value\", \"last\", \"step\") "
      "AS (SELECT * FROM \"start\" WHERE CASE WHEN %s THEN %s ELSE %s END UNION ALL SELECT %s, "
      "\"last\", \"step\" FROM \"series\" "
      "WHERE CASE WHEN %s THEN %s ELSE %s END) SELECT \"value\" FROM \"series\") AS %s",
      bounds.items[0].sql, bounds.items[1].sql, step.sql, positive.sql, first_up.sql,
      first_down.sql, next.sql, positive.sql, up.sql, down.sql, quoted(c, alias));
  return true;
}

/* Functions over one document or array: SQLite's json_each() walks it, the library's function takes the piece out. $1 is
** the document, $2 the row's key. */
static const struct {
  const char *name;
  enum sqltype_id argument;
  const char *key, *value;
  enum sqltype_id type;
} document_functions[] = {
    {"jsonb_array_elements", SQL_JSONB, NULL, "pg_jsonb_array_element($1, $2)", SQL_JSONB},
    {"jsonb_array_elements_text", SQL_JSONB, NULL, "pg_jsonb_array_element_text($1, $2)", SQL_TEXT},
    {"json_array_elements", SQL_JSON, NULL, "pg_json_array_element($1, $2)", SQL_JSON},
    {"json_array_elements_text", SQL_JSON, NULL, "pg_json_array_element_text($1, $2)", SQL_TEXT},
    {"jsonb_object_keys", SQL_JSONB, NULL, "$2", SQL_TEXT},
    {"json_object_keys", SQL_JSON, NULL, "$2", SQL_TEXT},
    {"jsonb_each", SQL_JSONB, "$2", "pg_jsonb_object_field($1, $2)", SQL_JSONB},
    {"jsonb_each_text", SQL_JSONB, "$2", "pg_jsonb_object_field_text($1, $2)", SQL_TEXT},
    {"json_each", SQL_JSON, "$2", "pg_json_object_field($1, $2)", SQL_JSON},
    {"json_each_text", SQL_JSON, "$2", "pg_json_object_field_text($1, $2)", SQL_TEXT}};

struct set_columns {
  int count;
  const char *names[2];
  const char *sql[2];
  struct sqltype types[2];
};

static bool document_columns(struct compiler *c, const char *name, const char *alias,
                             struct expression *argument, struct set_columns *out, bool *found) {
  const char *row_key = compiler_format(c, "%s.\"key\"", quoted(c, alias));
  *found = false;
  for (size_t i = 0; i < sizeof document_functions / sizeof document_functions[0]; i++) {
    if (strcmp(document_functions[i].name, name) != 0) continue;
    struct sqltype type = expression_plain_type(document_functions[i].argument);
    if (!expression_convert(c, argument, &type, 'i')) return false;
    struct expression pieces[2] = {*argument,
                                   expression_make(row_key, expression_plain_type(SQL_TEXT), -1)};
    *found = true;
    if (document_functions[i].key != NULL) {
      out->names[out->count] = "key";
      out->types[out->count] = expression_plain_type(SQL_TEXT);
      out->sql[out->count++] = row_key;
    }
    bool is_keys = strcmp(document_functions[i].value, "$2") == 0;
    out->names[out->count] = is_keys ? name : "value";
    out->types[out->count] = expression_plain_type(document_functions[i].type);
    out->sql[out->count++] = expression_fill(c, document_functions[i].value, "", 2, pieces);
  }
  return true;
}

static bool from_function(struct compiler *c, const PgQuery__RangeFunction *node,
                          struct scope *scope, struct from_item *out) {
  const PgQuery__FuncCall *call = NULL;
  if (node->n_functions == 1 && node->functions[0]->list->n_items > 0 &&
      node->functions[0]->list->items[0]->node_case == PG_QUERY__NODE__NODE_FUNC_CALL) {
    call = node->functions[0]->list->items[0]->func_call;
  }
  if (call == NULL || node->is_rowsfrom || node->ordinality || node->n_coldeflist > 0) {
    return note_error(c, call != NULL ? call->location : -1, "0A000", NULL,
                      "ROWS FROM, WITH ORDINALITY and column definition lists are not supported");
  }
  const char *name = expression_name_part(call->funcname, call->n_funcname - 1);
  struct expression_list arguments = {0};
  struct set_columns columns = {0};
  struct scope inner = *scope;
  inner.no_aggregates = "functions in FROM";
  /* A function in FROM sees the items before it. */
  if (!expression_translate_list(c, call->n_args, call->args, &inner, &arguments)) return false;
  struct scope_entry entry = {.alias = node->alias != NULL ? node->alias->aliasname : name};
  if (!entry_add(c, scope, &entry, call->location)) return false;
  const char *alias = entry_stored(&scope->entries[scope->count - 1]);
  bool found = false;
  if (strcmp(name, "generate_series") == 0) {
    found = true;
    if (!series_of(c, alias, &arguments, call->location, &out->sql, &columns.types[0]))
      return false;
    columns.count = 1;
    columns.names[0] = node->alias != NULL ? node->alias->aliasname : name;
    columns.sql[0] = compiler_format(c, "%s.\"value\"", quoted(c, alias));
  } else if (strcmp(name, "unnest") == 0 && arguments.count == 1 &&
             arguments.items[0].type.is_array) {
    struct expression element;
    found = true;
    if (!expression_element(c, &arguments.items[0],
                            compiler_format(c, "%s.\"key\" + 1", quoted(c, alias)), &element))
      return false;
    columns.count = 1;
    columns.names[0] = node->alias != NULL ? node->alias->aliasname : name;
    columns.types[0] = element.type;
    columns.sql[0] = element.sql;
  } else if (arguments.count == 1 &&
             !document_columns(c, name, alias, &arguments.items[0], &columns, &found)) {
    return false;
  }
  if (!found) {
    return note_error(c, call->location, "0A000", NULL, "function %s in FROM is not supported",
                      name);
  }
  if (out->sql == NULL)
    out->sql = compiler_format(c, "json_each(%s) AS %s", arguments.items[0].sql, quoted(c, alias));
  /* A function of one column gives it the alias of the table, too. */
  if (columns.count == 1 && node->alias != NULL && strcmp(columns.names[0], "value") != 0)
    columns.names[0] = node->alias->aliasname;
  if (!alias_columns(c, node->alias, columns.count, columns.names)) return false;
  struct scope_entry *added = &scope->entries[scope->count - 1];
  added->is_scalar = columns.count == 1;
  added->column_count = columns.count;
  added->names = compiler_alloc(c, sizeof *added->names * 3);
  added->types = compiler_alloc(c, sizeof *added->types * 3);
  added->column_sql = compiler_alloc(c, sizeof *added->column_sql * 3);
  for (int i = 0; i < columns.count; i++) {
    added->names[i] = columns.names[i];
    added->types[i] = columns.types[i];
    added->column_sql[i] = columns.sql[i];
    item_add(c, out, columns.names[i], columns.sql[i], columns.types[i]);
  }
  return true;
}

/* ---- the dispatch */

static bool from_any(struct compiler *c, const PgQuery__Node *node, struct scope *scope,
                     struct from_item *out) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_RANGE_VAR: return from_table(c, node->range_var, scope, out);
  case PG_QUERY__NODE__NODE_RANGE_SUBSELECT:
    return from_subselect(c, node->range_subselect, scope, out);
  case PG_QUERY__NODE__NODE_JOIN_EXPR: return from_join(c, node->join_expr, scope, out);
  case PG_QUERY__NODE__NODE_RANGE_FUNCTION:
    return from_function(c, node->range_function, scope, out);
  default: return note_error(c, -1, "0A000", NULL, "this kind of item in FROM is not supported");
  }
}

bool query_from(struct compiler *c, size_t count, PgQuery__Node *const *items, struct scope *scope,
                const char **sql) {
  struct from_item all = {0};
  *sql = "";
  for (size_t i = 0; i < count; i++) {
    struct from_item item = {0};
    if (!from_any(c, items[i], scope, &item)) return false;
    join_rest(c, &item, &all, 0);
    *sql = query_append(
        c, *sql, ", ", item.is_join && count > 1 ? compiler_format(c, "(%s)", item.sql) : item.sql);
    scope->columns = all.columns;
    scope->column_count = all.column_count;
  }
  return true;
}

/* ---- no more than one row */

struct single_search {
  const struct scope_entry *entry;
  bool found;
};

/* The column of the entry's relation that a node is; -1: none. */
static int single_column(const struct scope_entry *entry, const PgQuery__Node *node) {
  if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return -1;
  const PgQuery__ColumnRef *ref = node->column_ref;
  if (ref->n_fields > 1 && strcmp(expression_name_part(ref->fields, 0), entry->alias) != 0)
    return -1;
  const char *name = expression_name_part(ref->fields, ref->n_fields - 1);
  for (int i = 0; i < entry->relation->column_count; i++) {
    if (strcmp(entry->relation->columns[i].name, name) == 0) return i;
  }
  return -1;
}

static bool single_finds(void *context, PgQuery__Node *node) {
  struct single_search *search = context;
  search->found = search->found || node->node_case == PG_QUERY__NODE__NODE_SUB_LINK ||
                  single_column(search->entry, node) >= 0;
  return !search->found;
}

/* column = what is the same for all rows. Equality of text may be another one than the key's: left out. */
static bool single_fixes(struct compiler *c, const struct scope *scope, const PgQuery__Node *column,
                         const PgQuery__Node *value, bool *fixed) {
  int i = single_column(&scope->entries[0], column);
  struct single_search search = {.entry = &scope->entries[0]};
  struct expression e;
  if (i < 0) return false;
  const struct sqltype *type = &scope->entries[0].relation->columns[i].type;
  if (type->is_array || operators_category(operators_code(type)) == 'S') return false;
  tree_walk(&value->base, single_finds, &search);
  if (search.found || !expression_translate(c, value, scope, &e) || e.volatility == VOLATILE)
    return false;
  fixed[i] = true;
  return true;
}

static void single_condition(struct compiler *c, const struct scope *scope,
                             const PgQuery__Node *node, bool *fixed) {
  if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR &&
      node->bool_expr->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR) {
    for (size_t i = 0; i < node->bool_expr->n_args; i++)
      single_condition(c, scope, node->bool_expr->args[i], fixed);
  } else if (node->node_case == PG_QUERY__NODE__NODE_A_EXPR) {
    const PgQuery__AExpr *equal = node->a_expr;
    if (equal->kind != PG_QUERY__A__EXPR__KIND__AEXPR_OP || equal->lexpr == NULL ||
        strcmp(expression_name_part(equal->name, equal->n_name - 1), "=") != 0)
      return;
    if (!single_fixes(c, scope, equal->lexpr, equal->rexpr, fixed))
      single_fixes(c, scope, equal->rexpr, equal->lexpr, fixed);
  }
}

static bool single_by_key(struct compiler *c, const PgQuery__SelectStmt *select,
                          const struct scope *scope) {
  if (scope->count != 1 || scope->entries[0].relation == NULL || select->where_clause == NULL)
    return false;
  const struct relation_def *relation = scope->entries[0].relation;
  bool *fixed = compiler_alloc(c, sizeof *fixed * (size_t)(relation->column_count + 1));
  single_condition(c, scope, select->where_clause, fixed);
  for (int k = 0; k < relation->constraint_count; k++) {
    const struct constraint_def *key = &relation->constraints[k];
    int found = 0;
    if ((key->kind != CONSTRAINT_PRIMARY && key->kind != CONSTRAINT_UNIQUE) || key->deferrable != 0)
      continue;
    for (int i = 0; i < key->column_count; i++) {
      for (int j = 0; j < relation->column_count; j++)
        found += fixed[j] && strcmp(relation->columns[j].name, key->columns[i]) == 0;
    }
    if (found == key->column_count) return true;
  }
  return false;
}

bool query_is_single(struct compiler *c, const PgQuery__SelectStmt *select,
                     const struct scope *scope, bool is_grouped) {
  const PgQuery__Node *limit = select->limit_count;
  bool is_limited = limit != NULL && limit->node_case == PG_QUERY__NODE__NODE_A_CONST &&
                    limit->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL &&
                    limit->a_const->ival->ival <= 1;
  return is_limited || select->n_from_clause == 0 || (is_grouped && select->n_group_clause == 0) ||
         single_by_key(c, select, scope);
}
