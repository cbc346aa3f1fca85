/*
** query: SELECT to SQLite. Select lists, WHERE, GROUP BY, HAVING, DISTINCT, ORDER BY, LIMIT, UNION and its like, VALUES and
** the dispatch; FROM is in query_from.c, WITH in query_with.c.
*/
#include "query.h"
#include "ddl.h"

const char *query_append(struct compiler *c, const char *list, const char *separator,
                         const char *item) {
  return list[0] == '\0' ? item : compiler_format(c, "%s%s%s", list, separator, item);
}

/* ---- names of columns */

/* *strength: 2 a name of its own, 1 the name of a type or CASE, which a better one replaces, 0 none. */
static const char *figure_name(const PgQuery__Node *node, int *strength) {
  const char *name;
  *strength = 2;
  if (node == NULL) {
    *strength = 0;
    return NULL;
  }
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_COLUMN_REF:
    return expression_name_part(node->column_ref->fields, node->column_ref->n_fields - 1);
  case PG_QUERY__NODE__NODE_A_INDIRECTION: {
    const PgQuery__AIndirection *indirection = node->a_indirection;
    for (size_t i = indirection->n_indirection; i > 0; i--) {
      if (indirection->indirection[i - 1]->node_case == PG_QUERY__NODE__NODE_STRING) {
        return indirection->indirection[i - 1]->string->sval;
      }
    }
    return figure_name(indirection->arg, strength);
  }
  case PG_QUERY__NODE__NODE_FUNC_CALL:
    return expression_name_part(node->func_call->funcname, node->func_call->n_funcname - 1);
  case PG_QUERY__NODE__NODE_A_EXPR:
    if (node->a_expr->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF) return "nullif";
    break;
  case PG_QUERY__NODE__NODE_TYPE_CAST: {
    const PgQuery__TypeName *type = node->type_cast->type_name;
    name = figure_name(node->type_cast->arg, strength);
    if (*strength > 1 || type->n_names == 0) return name;
    *strength = 1;
    return expression_name_part(type->names, type->n_names - 1);
  }
  case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return figure_name(node->collate_clause->arg, strength);
  case PG_QUERY__NODE__NODE_SUB_LINK:
    if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK) return "exists";
    if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK) return "array";
    if (node->sub_link->sub_link_type == PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK) {
      const PgQuery__SelectStmt *select = node->sub_link->subselect->select_stmt;
      while (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE) select = select->larg;
      if (select->n_target_list == 0) break;
      const PgQuery__ResTarget *target = select->target_list[0]->res_target;
      if (target->name[0] != '\0') return target->name;
      return figure_name(target->val, strength);
    }
    break;
  case PG_QUERY__NODE__NODE_CASE_EXPR:
    name = figure_name(node->case_expr->defresult, strength);
    if (*strength > 1) return name;
    *strength = 1;
    return "case";
  case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return "array";
  case PG_QUERY__NODE__NODE_ROW_EXPR: return "row";
  case PG_QUERY__NODE__NODE_COALESCE_EXPR: return "coalesce";
  case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
    return node->min_max_expr->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST ? "greatest" : "least";
  case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: {
    static const char *const names[] = {NULL,
                                        "current_date",
                                        "current_time",
                                        "current_time",
                                        "current_timestamp",
                                        "current_timestamp",
                                        "localtime",
                                        "localtime",
                                        "localtimestamp",
                                        "localtimestamp",
                                        "current_role",
                                        "current_user",
                                        "user",
                                        "session_user",
                                        "current_catalog",
                                        "current_schema"};
    return names[node->sqlvalue_function->op];
  }
  default: break;
  }
  *strength = 0;
  return NULL;
}

const char *query_column_name(const PgQuery__Node *node) {
  int strength;
  const char *name = figure_name(node, &strength);
  return name != NULL && name[0] != '\0' ? name : "?column?";
}

const char **query_unlike_names(struct compiler *c, int count, const char **names) {
  const char **unlike = compiler_alloc(c, sizeof *unlike * (size_t)(count + 1));
  for (int i = 0; i < count; i++) {
    unlike[i] = names[i];
    for (int j = 0, copy = 2; j < i; j++) {
      if (sqlite3_stricmp(unlike[j], unlike[i]) != 0) continue;
      unlike[i] = compiler_format(c, "%s:%d", names[i], copy++);
      j = -1;
    }
  }
  return unlike;
}

/* ---- ORDER BY */

/* SQLite takes a number for a column's position, and "x AND 0" for the number 0. */
static const char *query_key(struct compiler *c, const struct expression *key, const char *sql) {
  if (key->is_literal) return "NULL";
  return key->type.id == SQL_BOOLEAN && sql[0] == '(' ? compiler_format(c, "%s + 0", sql) : sql;
}

const char *query_sort_item(struct compiler *c, const PgQuery__SortBy *sort,
                            const struct expression *key) {
  bool descending = sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC;
  bool nulls_first =
      sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST ||
      (sort->sortby_nulls != PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_LAST && descending);
  return compiler_format(c, "%s%s NULLS %s", query_key(c, key, expression_order_key(c, key)),
                         descending ? " DESC" : "", nulls_first ? "FIRST" : "LAST");
}

struct target_list {
  int count;
  const char **names;
  struct expression *items;
  int name_count; /* as count; APPEND needs its own */
};

static void target_add(struct compiler *c, struct target_list *targets, const char *name,
                       const struct expression *item) {
  *APPEND(c, targets->names, targets->name_count) = name;
  *APPEND(c, targets->items, targets->count) = *item;
}

/* A name or a position in ORDER BY and GROUP BY that means an output column. -1: it is none; -2: noted. */
static int output_reference(struct compiler *c, const PgQuery__Node *node,
                            const struct target_list *targets, const char *clause, bool by_name) {
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST && !node->a_const->isnull) {
    if (node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
      note_error(c, node->a_const->location, "42601", NULL, "non-integer constant in %s", clause);
      return -2;
    }
    int position = node->a_const->ival->ival;
    if (position >= 1 && position <= targets->count) return position - 1;
    note_error(c, node->a_const->location, "42P10", NULL, "%s position %d is not in select list",
               clause, position);
    return -2;
  }
  if (!by_name || node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF ||
      node->column_ref->n_fields != 1)
    return -1;
  const char *name = expression_name_part(node->column_ref->fields, 0);
  int found = -1;
  for (int i = 0; i < targets->count; i++) {
    if (strcmp(targets->names[i], name) != 0) continue;
    if (found >= 0 &&
        (strcmp(targets->items[found].sql, targets->items[i].sql) != 0 ||
         !expression_same_type(&targets->items[found].type, &targets->items[i].type))) {
      note_error(c, node->column_ref->location, "42702", NULL, "%s \"%s\" is ambiguous", clause,
                 name);
      return -2;
    }
    if (found < 0) found = i;
  }
  return found;
}

/* ---- one SELECT */

struct select_parts {
  const char *from, *where, *having;
  struct expression_list groups, orders, distinct_on;
  struct target_list targets;
  bool distinct;
  const char *limit;
};

static bool finds_aggregate(void *context, PgQuery__Node *node) {
  bool *found = context;
  if (node->node_case == PG_QUERY__NODE__NODE_SUB_LINK ||
      node->node_case == PG_QUERY__NODE__NODE_SELECT_STMT)
    return false;
  if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->over != NULL)
    return true;
  const PgQuery__FuncCall *call = node->func_call;
  if (operators_has_aggregate(expression_name_part(call->funcname, call->n_funcname - 1)))
    *found = true;
  return !*found;
}

static bool select_has_aggregates(const PgQuery__SelectStmt *select) {
  bool found = select->n_group_clause > 0 || select->having_clause != NULL;
  for (size_t i = 0; i < select->n_target_list; i++)
    tree_walk(&select->target_list[i]->base, finds_aggregate, &found);
  for (size_t i = 0; i < select->n_sort_clause; i++)
    tree_walk(&select->sort_clause[i]->base, finds_aggregate, &found);
  return found;
}

/* The columns of every table whose whole primary key is grouped depend on the keys. */
static void group_dependents(struct compiler *c, const struct scope *scope,
                             struct query_grouping *grouping) {
  for (int e = 0; e < scope->count; e++) {
    const struct scope_entry *entry = &scope->entries[e];
    const struct relation_def *relation = entry->relation;
    if (relation == NULL) continue;
    for (int k = 0; k < relation->constraint_count; k++) {
      const struct constraint_def *key = &relation->constraints[k];
      const char *prefix =
          quoted(c, entry->stored_alias != NULL ? entry->stored_alias : entry->alias);
      int grouped = 0;
      for (int i = 0; key->kind == CONSTRAINT_PRIMARY && i < key->column_count; i++) {
        const char *column = compiler_format(c, "%s.%s", prefix, quoted(c, key->columns[i]));
        for (int g = 0; g < grouping->key_count; g++) {
          if (strcmp(grouping->keys[g], column) == 0) {
            grouped++;
            break;
          }
        }
      }
      if (grouped == 0 || grouped < key->column_count) continue;
      for (int i = 0; i < relation->column_count; i++) {
        *APPEND(c, grouping->keys, grouping->key_count) =
            compiler_format(c, "%s.%s", prefix, quoted(c, relation->columns[i].name));
      }
    }
  }
}

static bool grouping_check(struct compiler *c, const struct query_grouping *grouping) {
  if (grouping->ungrouped == NULL) return true;
  return note_error(
      c, grouping->location, "42803", NULL,
      "column \"%s\" must appear in the GROUP BY clause or be used in an aggregate function",
      grouping->ungrouped);
}

static bool select_star(struct compiler *c, const PgQuery__ColumnRef *node,
                        const struct scope *scope, struct target_list *targets) {
  const char *alias =
      node->n_fields > 1 ? expression_name_part(node->fields, node->n_fields - 2) : NULL;
  if (alias == NULL) {
    if (scope->column_count == 0)
      return note_error(c, node->location, "42601", NULL,
                        "SELECT * with no tables specified is not valid");
    for (int i = 0; i < scope->column_count; i++) {
      struct expression item;
      const char *name = scope->columns[i].name;
      item = expression_make(scope->columns[i].sql, scope->columns[i].type, node->location);
      if (scope->grouping != NULL &&
          scope->grouping->active) { /* each must be grouped; the look-up notices */
        int same = 0;
        for (int j = 0; j < scope->column_count; j++)
          same += strcmp(scope->columns[j].name, name) == 0;
        if (same == 1 && !expression_column(c, scope, NULL, name, node->location, &item))
          return false;
      }
      target_add(c, targets, name, &item);
    }
    return true;
  }
  for (int e = 0; e < scope->count; e++) {
    const struct scope_entry *entry = &scope->entries[e];
    if (strcmp(entry->alias, alias) != 0) continue;
    int count = entry->relation != NULL ? entry->relation->column_count : entry->column_count;
    for (int i = 0; i < count; i++) {
      if (entry->relation != NULL && entry->relation->columns[i].dropped) continue;
      const char *name =
          entry->relation != NULL ? entry->relation->columns[i].name : entry->names[i];
      struct expression item;
      if (entry->relation == NULL && entry->column_sql != NULL) {
        item = expression_make(entry->column_sql[i], entry->types[i], node->location);
      } else if (!expression_column(c, scope, alias, name, node->location, &item)) {
        return false;
      }
      target_add(c, targets, name, &item);
    }
    return true;
  }
  return note_error(c, node->location, "42P01", NULL, "missing FROM-clause entry for table \"%s\"",
                    alias);
}

#define GUARD_LENGTH_MAX 4000 /* longer text is not written twice */

/* Where a truth value is computed rather than tested, SQLite evaluates both sides of AND and OR, also when the first one
** decides: "n <> 0 AND 1 / n > 0" would fail. As conditions of CASE they are tested. */
static void target_guard(struct compiler *c, struct expression *item) {
  bool is_decided_early = strstr(item->sql, " AND ") != NULL || strstr(item->sql, " OR ") != NULL;
  if (item->type.id != SQL_BOOLEAN || item->type.is_array || !is_decided_early ||
      !item->uses_private || item->volatility == VOLATILE || item->is_aggregate ||
      strstr(item->sql, "SELECT ") != NULL || strstr(item->sql, " OVER (") != NULL ||
      strlen(item->sql) > GUARD_LENGTH_MAX)
    return;
  item->sql =
      compiler_format(c, "(CASE WHEN %s THEN 1 WHEN NOT %s THEN 0 END)", item->sql, item->sql);
}

static bool select_targets(struct compiler *c, const PgQuery__SelectStmt *select,
                           const struct scope *scope, enum query_unknown unknown,
                           const struct sqltype *wanted, struct target_list *targets) {
  for (size_t i = 0; i < select->n_target_list; i++) {
    const PgQuery__ResTarget *target = select->target_list[i]->res_target;
    const PgQuery__Node *value = target->val;
    struct expression item;
    if (value->node_case == PG_QUERY__NODE__NODE_COLUMN_REF &&
        value->column_ref->fields[value->column_ref->n_fields - 1]->node_case ==
            PG_QUERY__NODE__NODE_A_STAR) {
      if (!select_star(c, value->column_ref, scope, targets)) return false;
      continue;
    }
    if (!expression_translate(c, value, scope, &item)) return false;
    target_add(c, targets, target->name[0] != '\0' ? target->name : query_column_name(value),
               &item);
  }
  for (int i = 0; i < targets->count; i++) {
    struct expression *item = &targets->items[i];
    if (wanted != NULL && !expression_same_type(&item->type, &wanted[i]) &&
        !expression_convert(c, item, &wanted[i], 'i')) {
      return false;
    }
    if (unknown == QUERY_SETTLE && !expression_settle(c, item)) return false;
    if (select->n_distinct_clause == 0) target_guard(c, item);
  }
  return true;
}

static bool select_group(struct compiler *c, const PgQuery__Node *node, const struct scope *scope,
                         const PgQuery__SelectStmt *select, struct select_parts *parts) {
  struct scope inner = *scope;
  struct expression key;
  inner.no_aggregates = "GROUP BY";
  inner.grouping = NULL;
  if (node->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    for (size_t i = 0; i < node->row_expr->n_args; i++) {
      if (!select_group(c, node->row_expr->args[i], scope, select, parts)) return false;
    }
    return true;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_GROUPING_SET) {
    return note_error(c, node->grouping_set->location, "0A000",
                      "Write one query for each grouping, with UNION ALL.",
                      "grouping sets (ROLLUP, CUBE) are not supported");
  }
  /* A name means a column of FROM first, then a name of the select list. */
  const PgQuery__Node *meant = node;
  bool is_name =
      node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF && node->column_ref->n_fields == 1;
  bool is_input = false;
  for (int i = 0; is_name && i < scope->column_count; i++) {
    is_input = is_input || strcmp(scope->columns[i].name,
                                  expression_name_part(node->column_ref->fields, 0)) == 0;
  }
  for (size_t i = 0; i < select->n_target_list && is_name && !is_input; i++) {
    const PgQuery__ResTarget *target = select->target_list[i]->res_target;
    const char *name = target->name[0] != '\0' ? target->name : query_column_name(target->val);
    if (strcmp(name, expression_name_part(node->column_ref->fields, 0)) == 0) meant = target->val;
  }
  if (node->node_case == PG_QUERY__NODE__NODE_A_CONST &&
      node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
    int position = node->a_const->ival->ival;
    if (position < 1 || (size_t)position > select->n_target_list) {
      return note_error(c, node->a_const->location, "42P10", NULL,
                        "GROUP BY position %d is not in select list", position);
    }
    meant = select->target_list[position - 1]->res_target->val;
  }
  if (!expression_translate(c, meant, &inner, &key) || !expression_settle(c, &key)) return false;
  *expression_list_add(c, &parts->groups) = key;
  return expression_is_comparable(c, &key, "an equality operator");
}

static bool select_order(struct compiler *c, const PgQuery__SelectStmt *select,
                         const struct scope *scope, struct select_parts *parts) {
  for (size_t i = 0; i < select->n_sort_clause; i++) {
    const PgQuery__SortBy *sort = select->sort_clause[i]->sort_by;
    struct expression key;
    if (sort->n_use_op > 0)
      return note_error(c, sort->location, "0A000", NULL, "ORDER BY ... USING is not supported");
    int output = output_reference(c, sort->node, &parts->targets, "ORDER BY", true);
    if (output == -2) return false;
    if (output >= 0) {
      key = parts->targets.items[output];
    } else {
      if (!expression_translate(c, sort->node, scope, &key) || !expression_settle(c, &key))
        return false;
      bool in_list = !parts->distinct ||
                     select->distinct_clause[0]->node_case != PG_QUERY__NODE__NODE__NOT_SET;
      for (int t = 0; t < parts->targets.count; t++)
        in_list = in_list || strcmp(parts->targets.items[t].sql, key.sql) == 0;
      if (!in_list) {
        return note_error(c, key.location, "42P10", NULL,
                          "for SELECT DISTINCT, ORDER BY expressions must appear in select list");
      }
    }
    if (!expression_is_comparable(c, &key, "an ordering operator")) return false;
    *expression_list_add(c, &parts->orders) = key;
  }
  return true;
}

/* A constant for LIMIT or OFFSET; NULL text: no limit. */
static bool limit_count(struct compiler *c, const PgQuery__Node *node, const struct scope *outer,
                        const char *clause, const char **sql) {
  struct expression count;
  struct sqltype type = expression_plain_type(SQL_INT8);
  *sql = NULL;
  if (node == NULL || (node->node_case == PG_QUERY__NODE__NODE_A_CONST && node->a_const->isnull))
    return true;
  struct scope nothing = {.outer = outer, .no_aggregates = clause};
  if (!expression_translate(c, node, &nothing, &count)) return false;
  if (count.type.id != SQL_UNKNOWN && !expression_is_convertible(&count, &type, 'a')) {
    return note_error(c, count.location, "42804", NULL,
                      "argument of %s must be type bigint, not type %s", clause,
                      expression_type_name(c, &count.type));
  }
  if (!expression_convert(c, &count, &type, 'a')) return false;
  if (count.is_literal && count.text != NULL && count.text[0] == '-') {
    return note_error(c, count.location, clause[0] == 'L' ? "2201W" : "2201X", NULL,
                      "%s must not be negative", clause);
  }
  *sql = count.is_literal
             ? count.sql
             : compiler_format(c, "coalesce(%s, %s)", count.sql, clause[0] == 'L' ? "-1" : "0");
  return true;
}

static bool select_limit(struct compiler *c, const PgQuery__SelectStmt *select,
                         const struct scope *outer, const char **sql) {
  const char *count, *offset;
  *sql = "";
  if (select->limit_option == PG_QUERY__LIMIT_OPTION__LIMIT_OPTION_WITH_TIES) {
    return note_error(c, -1, "0A000", NULL, "FETCH FIRST ... WITH TIES is not supported");
  }
  if (!limit_count(c, select->limit_count, outer, "LIMIT", &count) ||
      !limit_count(c, select->limit_offset, outer, "OFFSET", &offset)) {
    return false;
  }
  if (count != NULL || offset != NULL)
    *sql = compiler_format(c, " LIMIT %s", count != NULL ? count : "-1");
  if (offset != NULL) *sql = compiler_format(c, "%s OFFSET %s", *sql, offset);
  return true;
}

static const char *order_text(struct compiler *c, const PgQuery__SelectStmt *select,
                              const struct expression_list *orders) {
  const char *text = "";
  for (int i = 0; i < orders->count; i++) {
    text = query_append(c, text, ", ",
                        query_sort_item(c, select->sort_clause[i]->sort_by, &orders->items[i]));
  }
  return text;
}

/* DISTINCT ON: the first row of each group in the order asked, by row_number(). */
static const char *distinct_on_text(struct compiler *c, const PgQuery__SelectStmt *select,
                                    const struct select_parts *parts, const char **names,
                                    const char *tail) {
  const char *inner = "", *outer = "", *keys = "", *order = "";
  for (int i = 0; i < parts->targets.count; i++) {
    inner = query_append(c, inner, ", ",
                         compiler_format(c, "%s AS \"c%d\"",
                                         expression_column_value(c, &parts->targets.items[i]), i));
    outer =
        query_append(c, outer, ", ", compiler_format(c, "\"c%d\" AS %s", i, quoted(c, names[i])));
  }
  for (int i = 0; i < parts->distinct_on.count; i++) {
    keys = query_append(c, keys, ", ", expression_collated(c, &parts->distinct_on.items[i]));
  }
  for (int i = 0; i < parts->orders.count; i++) {
    struct expression key = parts->orders.items[i];
    inner = compiler_format(c, "%s, %s AS \"o%d\"", inner, key.sql, i);
    key.sql = compiler_format(c, "\"o%d\"", i);
    order = query_append(c, order, ", ", query_sort_item(c, select->sort_clause[i]->sort_by, &key));
  }
  const char *sort = order_text(c, select, &parts->orders);
  return compiler_format(c,
                         "SELECT %s FROM (SELECT %s, row_number() OVER (PARTITION BY %s%s%s) AS "
                         "\"n\"%s) WHERE \"n\" = 1%s%s",
                         outer, inner, keys, sort[0] != '\0' ? " ORDER BY " : "", sort, tail,
                         order[0] != '\0' ? " ORDER BY " : "", order);
}

static bool select_distinct(struct compiler *c, const PgQuery__SelectStmt *select,
                            const struct scope *scope, struct select_parts *parts) {
  parts->distinct = select->n_distinct_clause > 0;
  for (size_t i = 0; i < select->n_distinct_clause; i++) {
    const PgQuery__Node *node = select->distinct_clause[i];
    struct expression key;
    if (node->node_case == PG_QUERY__NODE__NODE__NOT_SET) { /* plain DISTINCT */
      for (int t = 0; t < parts->targets.count; t++) {
        if (!expression_is_comparable(c, &parts->targets.items[t], "an equality operator"))
          return false;
      }
      return true;
    }
    int output = output_reference(c, node, &parts->targets, "SELECT DISTINCT ON", true);
    if (output == -2) return false;
    if (output >= 0) {
      key = parts->targets.items[output];
    } else if (!expression_translate(c, node, scope, &key)) {
      return false;
    }
    *expression_list_add(c, &parts->distinct_on) = key;
  }
  return true;
}

/* ON's expressions must be the first of ORDER BY, in any order. */
static bool distinct_on_check(struct compiler *c, const struct select_parts *parts) {
  for (int i = 0; i < parts->orders.count && i < parts->distinct_on.count; i++) {
    bool found = false;
    for (int k = 0; k < parts->distinct_on.count; k++) {
      found = found || strcmp(parts->distinct_on.items[k].sql, parts->orders.items[i].sql) == 0;
    }
    if (!found) {
      return note_error(c, parts->distinct_on.items[0].location, "42P10", NULL,
                        "SELECT DISTINCT ON expressions must match initial ORDER BY expressions");
    }
  }
  return true;
}

static const char *select_text(struct compiler *c, const PgQuery__SelectStmt *select,
                               const struct select_parts *parts, const char **names) {
  const char *tail = parts->from[0] != '\0' ? compiler_format(c, " FROM %s", parts->from) : "",
             *groups = "", *list = "";
  if (parts->where != NULL) tail = compiler_format(c, "%s WHERE %s", tail, parts->where);
  for (int i = 0; i < parts->groups.count; i++) {
    const struct expression *key = &parts->groups.items[i];
    groups = query_append(c, groups, ", ", query_key(c, key, expression_collated(c, key)));
  }
  if (groups[0] != '\0') tail = compiler_format(c, "%s GROUP BY %s", tail, groups);
  if (parts->having != NULL) tail = compiler_format(c, "%s HAVING %s", tail, parts->having);
  if (parts->distinct_on.count > 0) {
    return compiler_format(c, "%s%s", distinct_on_text(c, select, parts, names, tail),
                           parts->limit);
  }
  for (int i = 0; i < parts->targets.count; i++) {
    const struct expression *item = &parts->targets.items[i];
    const char *sql =
        parts->distinct ? expression_collated(c, item) : expression_column_value(c, item);
    list = query_append(c, list, ", ", compiler_format(c, "%s AS %s", sql, quoted(c, names[i])));
  }
  if (parts->targets.count == 0) list = "NULL"; /* EXISTS (SELECT FROM ...) */
  const char *order = order_text(c, select, &parts->orders);
  return compiler_format(c, "SELECT %s%s%s%s%s%s", parts->distinct ? "DISTINCT " : "", list, tail,
                         order[0] != '\0' ? " ORDER BY " : "", order, parts->limit);
}

/* WHERE has failed, but PostgreSQL looks at the select list before it: of two errors that one's counts. */
static bool select_first_error(struct compiler *c, const PgQuery__SelectStmt *select,
                               const struct scope *from) {
  struct query_grouping grouping = {.active = true};
  struct scope scope = *from;
  struct target_list targets = {0};
  if (!c->quiet) return false; /* all errors are noted */
  struct compiler before = *c;
  scope.grouping = &grouping;
  c->trial.sqlstate[0] = '\0';
  if (select_targets(c, select, &scope, QUERY_SETTLE, NULL, &targets)) c->trial = before.trial;
  return false;
}

static bool select_leaf(struct compiler *c, const PgQuery__SelectStmt *select,
                        const struct scope *outer, enum query_unknown unknown,
                        const struct sqltype *wanted, struct query_result *out) {
  struct query_grouping grouping = {.active = select_has_aggregates(select)};
  struct scope scope = {.outer = outer, .caller = outer != NULL ? outer->caller : NULL};
  struct select_parts parts = {0};
  struct expression condition;
  if (select->n_window_clause > 0)
    return note_error(c, -1, "0A000", "Write the window at the call.",
                      "named windows are not supported");
  if (select->n_locking_clause > 0)
    return note_error(c, -1, "0A000", NULL, "FOR UPDATE and FOR SHARE are not supported");
  if (select->into_clause != NULL)
    return note_error(c, -1, "0A000", NULL, "SELECT INTO is not supported");
  if (!query_from(c, select->n_from_clause, select->from_clause, &scope, &parts.from)) return false;
  if (select->where_clause != NULL) {
    struct scope inner = scope;
    inner.no_aggregates = "WHERE";
    if (!expression_boolean(c, select->where_clause, &inner, "WHERE", &condition))
      return select_first_error(c, select, &scope);
    parts.where = condition.sql;
  }
  for (size_t i = 0; i < select->n_group_clause; i++) {
    if (!select_group(c, select->group_clause[i], &scope, select, &parts)) return false;
  }
  scope.grouping = &grouping;
  for (int i = 0; i < parts.groups.count; i++) {
    *APPEND(c, grouping.keys, grouping.key_count) = parts.groups.items[i].sql;
  }
  group_dependents(c, &scope, &grouping);
  if (!select_targets(c, select, &scope, unknown, wanted, &parts.targets)) return false;
  if (select->having_clause != NULL) {
    if (!expression_boolean(c, select->having_clause, &scope, "HAVING", &condition)) return false;
    parts.having = condition.sql;
  }
  if (!select_distinct(c, select, &scope, &parts) || !select_order(c, select, &scope, &parts) ||
      !grouping_check(c, &grouping) || !distinct_on_check(c, &parts) ||
      !select_limit(c, select, outer, &parts.limit)) {
    return false;
  }
  out->column_count = parts.targets.count;
  out->names = parts.targets.names;
  out->stored_names = query_unlike_names(c, out->column_count, out->names);
  out->items = parts.targets.items;
  out->is_single = query_is_single(c, select, &scope, grouping.active);
  out->sql = select_text(c, select, &parts, out->stored_names);
  return true;
}

/* ---- VALUES */

static bool select_values(struct compiler *c, const PgQuery__SelectStmt *select,
                          const struct scope *outer, enum query_unknown unknown,
                          const struct sqltype *wanted, struct query_result *out) {
  int rows = (int)select->n_values_lists, columns = (int)select->values_lists[0]->list->n_items;
  struct scope scope = {
      .outer = outer, .no_aggregates = "VALUES", .caller = outer != NULL ? outer->caller : NULL};
  struct expression_list *lists = compiler_alloc(c, sizeof *lists * (size_t)columns);
  for (int r = 0; r < rows; r++) {
    const PgQuery__List *row = select->values_lists[r]->list;
    if ((int)row->n_items != columns)
      return note_error(c, -1, "42601", NULL, "VALUES lists must all be the same length");
    for (int i = 0; i < columns; i++) {
      struct expression item;
      if (!expression_translate(c, row->items[i], &scope, &item)) return false;
      *expression_list_add(c, &lists[i]) = item;
    }
  }
  out->column_count = columns;
  out->is_single = rows == 1;
  out->names = compiler_alloc(c, sizeof *out->names * (size_t)(columns + 1));
  out->items = compiler_alloc(c, sizeof *out->items * (size_t)(columns + 1));
  for (int i = 0; i < columns; i++) {
    struct sqltype type;
    bool all_unknown = true;
    for (int r = 0; r < rows; r++)
      all_unknown = all_unknown && lists[i].items[r].type.id == SQL_UNKNOWN;
    out->names[i] = compiler_format(c, "column%d", i + 1);
    if (wanted == NULL && unknown == QUERY_KEEP_UNKNOWN && all_unknown) {
      out->items[i] = lists[i].items[0];
      continue;
    }
    if (!expression_unify(c, "VALUES", &lists[i], -1, &type)) return false;
    for (int r = 0; wanted != NULL && r < rows; r++) {
      if (!expression_convert(c, &lists[i].items[r], &wanted[i], 'i')) return false;
    }
    out->items[i] = lists[i].items[0];
    out->items[i].type = wanted != NULL ? wanted[i] : type;
    out->items[i].is_literal = false;
  }
  const char *sql = "";
  for (int r = 0; r < rows; r++) {
    const char *row = "";
    for (int i = 0; i < columns; i++) row = query_append(c, row, ", ", lists[i].items[r].sql);
    sql = query_append(c, sql, ", ", compiler_format(c, "(%s)", row));
  }
  out->stored_names = out->names;
  out->sql = compiler_format(c, "VALUES %s", sql);
  struct select_parts parts = {
      .targets = {.count = columns,
                  .names = out->names,
                  .items = compiler_alloc(c, sizeof *out->items * (size_t)(columns + 1))}};
  for (int i = 0; i < columns; i++) {
    parts.targets.items[i] = out->items[i];
    parts.targets.items[i].sql = quoted(c, out->names[i]);
  }
  if (!select_order(c, select, &scope, &parts) || !select_limit(c, select, outer, &parts.limit))
    return false;
  const char *order = order_text(c, select, &parts.orders);
  if (order[0] != '\0' || parts.limit[0] != '\0') {
    out->sql = compiler_format(c, "SELECT * FROM (%s)%s%s%s", out->sql,
                               order[0] != '\0' ? " ORDER BY " : "", order, parts.limit);
  }
  return true;
}

/* ---- UNION, INTERSECT, EXCEPT */

static const char *set_word(const PgQuery__SelectStmt *select) {
  return select->op == PG_QUERY__SET_OPERATION__SETOP_UNION       ? "UNION"
         : select->op == PG_QUERY__SET_OPERATION__SETOP_INTERSECT ? "INTERSECT"
                                                                  : "EXCEPT";
}

/* The common types of both sides' columns. */
static bool set_types(struct compiler *c, const PgQuery__SelectStmt *select,
                      const struct query_result *left, const struct query_result *right,
                      struct sqltype *types) {
  if (left->column_count != right->column_count) {
    return note_error(c, right->column_count > 0 ? right->items[0].location : -1, "42601", NULL,
                      "each %s query must have the same number of columns", set_word(select));
  }
  for (int i = 0; i < left->column_count; i++) {
    struct expression_list pair = {0};
    *expression_list_add(c, &pair) = left->items[i];
    *expression_list_add(c, &pair) = right->items[i];
    if (!expression_common_type(c, set_word(select), &pair, right->items[i].location, &types[i]))
      return false;
  }
  return true;
}

/* One side as SQLite wants it in a compound: its own ORDER BY, LIMIT or operator within a sub-select. */
const char *query_side(struct compiler *c, const PgQuery__SelectStmt *side,
                       const struct query_result *result, bool distinct, bool is_left) {
  bool is_single = side->op == PG_QUERY__SET_OPERATION__SETOP_NONE;
  /* SQLite's operators take from left to right, so that the left one may be a compound itself. */
  bool is_plain = (is_single || is_left) && side->n_sort_clause == 0 && side->limit_count == NULL &&
                  side->limit_offset == NULL && side->with_clause == NULL;
  bool needs_collation = false;
  for (int i = 0; distinct && (is_single || side->all) && i < result->column_count; i++) {
    needs_collation = needs_collation || sqltype_collation(&result->items[i].type) != NULL;
  }
  if (is_plain && !needs_collation) return result->sql;
  const char *list = "";
  for (int i = 0; i < result->column_count; i++) {
    struct expression item = result->items[i];
    item.sql = quoted(c, result->stored_names[i]);
    list = query_append(c, list, ", ",
                        compiler_format(c, "%s AS %s",
                                        distinct ? expression_collated(c, &item) : item.sql,
                                        item.sql));
  }
  return compiler_format(c, "SELECT %s FROM (%s)", list, result->sql);
}

static bool select_set(struct compiler *c, const PgQuery__SelectStmt *select,
                       const struct scope *outer, enum query_unknown unknown,
                       const struct sqltype *wanted, struct query_result *out) {
  struct query_result left = {0}, right = {0};
  if (select->all && select->op != PG_QUERY__SET_OPERATION__SETOP_UNION) {
    return note_error(c, -1, "0A000", NULL, "%s ALL is not supported", set_word(select));
  }
  /* Once to learn the types, unless the enclosing one has settled them, and then to convert to them. */
  if (wanted == NULL) {
    if (!query_select(c, select->larg, outer, QUERY_KEEP_UNKNOWN, NULL, &left) ||
        !query_select(c, select->rarg, outer, QUERY_KEEP_UNKNOWN, NULL, &right)) {
      return false;
    }
    struct sqltype *types = compiler_alloc(c, sizeof *types * (size_t)(left.column_count + 1));
    if (!set_types(c, select, &left, &right, types)) return false;
    if (unknown == QUERY_KEEP_UNKNOWN) { /* more than the types is not asked */
      *out = left;
      for (int i = 0; i < left.column_count; i++) out->items[i].type = types[i];
      return true;
    }
    wanted = types;
  }
  if (!query_select(c, select->larg, outer, QUERY_SETTLE, wanted, &left) ||
      !query_select(c, select->rarg, outer, QUERY_SETTLE, wanted, &right)) {
    return false;
  }
  *out = left;
  out->items = compiler_alloc(c, sizeof *out->items * (size_t)(left.column_count + 1));
  struct select_parts parts = {
      .targets = {.count = left.column_count, .names = left.names, .items = out->items}};
  for (int i = 0; i < left.column_count; i++) {
    out->items[i] =
        expression_make(quoted(c, left.stored_names[i]), wanted[i], left.items[i].location);
  }
  out->sql = compiler_format(
      c, "%s %s%s %s", query_side(c, select->larg, &left, !select->all, true), set_word(select),
      select->all ? " ALL" : "", query_side(c, select->rarg, &right, !select->all, false));
  for (size_t i = 0; i < select->n_sort_clause; i++) {
    int output = output_reference(c, select->sort_clause[i]->sort_by->node, &parts.targets,
                                  "ORDER BY", true);
    if (output == -2) return false;
    if (output < 0) {
      return note_error(
          c, expression_location(select->sort_clause[i]->sort_by->node), "0A000",
          "Add the expression/function to every SELECT, or move the UNION into a FROM clause.",
          "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
    }
    *expression_list_add(c, &parts.orders) = out->items[output];
  }
  if (!select_limit(c, select, outer, &parts.limit)) return false;
  const char *order = order_text(c, select, &parts.orders);
  if (order[0] != '\0' || parts.limit[0] != '\0') {
    out->sql = compiler_format(c, "SELECT * FROM (%s)%s%s%s", out->sql,
                               order[0] != '\0' ? " ORDER BY " : "", order, parts.limit);
  }
  return true;
}

/* ---- the dispatch */

bool query_select(struct compiler *c, const PgQuery__SelectStmt *select, const struct scope *outer,
                  enum query_unknown unknown, const struct sqltype *wanted,
                  struct query_result *out) {
  const char *with = "";
  struct scope scope = {.outer = outer,
                        .caller = outer != NULL ? outer->caller : NULL,
                        .with = outer != NULL ? outer->with : NULL};
  bool done;
  memset(out, 0, sizeof *out);
  if (c->depth >= EXPRESSION_DEPTH_MAX) {
    return note_error(c, -1, "54001", "Write it in smaller parts.", "the query is nested too deep");
  }
  if (select->with_clause != NULL && !query_with_clause(c, select->with_clause, &scope, &with))
    return false;
  const struct scope *enclosing = select->with_clause != NULL ? &scope : outer;
  c->depth++;
  if (select->op != PG_QUERY__SET_OPERATION__SETOP_NONE &&
      select->op != PG_QUERY__SET_OPERATION__SET_OPERATION_UNDEFINED) {
    done = select_set(c, select, enclosing, unknown, wanted, out);
  } else if (select->n_values_lists > 0) {
    done = select_values(c, select, enclosing, unknown, wanted, out);
  } else {
    done = select_leaf(c, select, enclosing, unknown, wanted, out);
  }
  c->depth--;
  if (done && with[0] != '\0') out->sql = compiler_format(c, "%s%s", with, out->sql);
  return done;
}

bool query_translate(struct compiler *c, const PgQuery__SelectStmt *select,
                     const struct scope *outer, bool for_view, struct query *out) {
  struct query_result result;
  if (!query_select(c, select, outer, QUERY_SETTLE, NULL, &result)) return false;
  if (result.column_count == 0)
    return note_error(c, -1, "0A000", NULL, "a SELECT without columns is not supported");
  *out =
      (struct query){.sql = result.sql, .column_count = result.column_count, .names = result.names};
  out->types = compiler_alloc(c, sizeof *out->types * (size_t)(result.column_count + 1));
  bool has_private = false;
  const char *list = "";
  for (int i = 0; i < result.column_count; i++) {
    out->types[i] = result.items[i].type;
    const char *name = quoted(c, result.stored_names[i]),
               *collation = sqltype_collation(&out->types[i]);
    has_private = has_private || collation != NULL;
    list = query_append(
        c, list, ", ",
        compiler_format(c, collation != NULL ? "%s COLLATE BINARY AS %s" : "%s AS %s", name, name));
  }
  if (for_view && has_private)
    out->sql = compiler_format(c, "SELECT %s FROM (%s)", list, result.sql);
  return true;
}
