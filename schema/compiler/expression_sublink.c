/*
** expression_sublink: sub-selects in expressions (EXISTS, IN, ANY, ALL, scalar, ARRAY), and arrays: their constructor,
** subscripts, = ANY (array).
*/
#include "query.h"

/* ---- sub-selects */

/* The scope of a sub-select: what aggregates may do outside does not hold inside, and the query's names stay in sight. */
static bool sublink_query(struct compiler *c, const PgQuery__SubLink *node,
                          const struct scope *scope, struct query_result *out) {
  if (node->subselect->node_case != PG_QUERY__NODE__NODE_SELECT_STMT) {
    return note_error(c, node->location, "0A000", NULL, "this kind of sub-select is not supported");
  }
  return query_select(c, node->subselect->select_stmt, scope, QUERY_SETTLE, NULL, out);
}

static void sublink_absorb(struct expression *out, const struct query_result *query) {
  if (out->volatility < STABLE) out->volatility = STABLE;
  out->uses_private = out->uses_private || expression_private_text(query->sql);
}

static bool sublink_one_column(struct compiler *c, const struct query_result *query, int location) {
  if (query->column_count == 1) return true;
  return note_error(c, location, "42601", NULL, "subquery must return only one column");
}

/* The sub-select's only column as an expression over a row "v" of it, converted as `left` compared with it needs. */
static const char *sublink_converted(struct compiler *c, const struct query_result *query,
                                     const char *value) {
  return compiler_format(c, "WITH \"q\"(\"v\") AS (%s) SELECT %s FROM \"q\"", query->sql, value);
}

/* left op ANY (SELECT ...): true if any row is, else NULL if any is NULL, else false; ALL the other way round. */
static const char *quantified_sql(struct compiler *c, bool is_all, const char *rows) {
  return compiler_format(c,
                         is_all ? "(SELECT CASE WHEN min(\"m\") = 0 THEN 0 WHEN count(*) > "
                                  "count(\"m\") THEN NULL ELSE 1 END "
                                  "FROM (%s))"
                                : "(SELECT CASE WHEN max(\"m\") = 1 THEN 1 WHEN count(*) > "
                                  "count(\"m\") THEN NULL ELSE 0 END "
                                  "FROM (%s))",
                         rows);
}

static bool sublink_rows(struct compiler *c, const PgQuery__SubLink *node, bool is_not,
                         const struct scope *scope, struct expression *out) {
  const PgQuery__RowExpr *row = node->testexpr->row_expr;
  struct query_result query;
  const char *left = "", *right = "", *columns = "";
  if (!sublink_query(c, node, scope, &query)) return false;
  if (query.column_count != (int)row->n_args) {
    return note_error(c, node->location, "42601", NULL, "subquery has too %s columns",
                      query.column_count > (int)row->n_args ? "many" : "few");
  }
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  sublink_absorb(out, &query);
  for (int i = 0; i < query.column_count; i++) {
    struct expression item, same,
        value = expression_make(compiler_format(c, "\"v%d\"", i), query.items[i].type, -1);
    if (!expression_translate(c, row->args[i], scope, &item) ||
        !expression_operate(c, "=", &item, &value, node->location, &same)) {
      return false;
    }
    expression_absorb(out, &same);
    left = query_append(c, left, ", ", expression_collated(c, &item));
    right = query_append(c, right, ", ", value.sql);
    columns = query_append(c, columns, ", ", compiler_format(c, "\"v%d\"", i));
  }
  out->sql = compiler_format(c, "((%s) %sIN (WITH \"q\"(%s) AS (%s) SELECT %s FROM \"q\"))", left,
                             is_not ? "NOT " : "", columns, query.sql, right);
  return true;
}

static bool sublink_quantified(struct compiler *c, const PgQuery__SubLink *node,
                               const struct scope *scope, struct expression *out) {
  bool is_all = node->sub_link_type == PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK;
  const char *name =
      node->n_oper_name > 0 ? expression_name_part(node->oper_name, node->n_oper_name - 1) : "=";
  struct query_result query;
  struct expression left, compared;
  if (strcmp(name, "!=") == 0) name = "<>";
  bool is_in = !is_all && strcmp(name, "=") == 0, is_not_in = is_all && strcmp(name, "<>") == 0;
  if (node->testexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    if (is_in || is_not_in) return sublink_rows(c, node, is_not_in, scope, out);
    return note_error(c, node->location, "0A000", NULL,
                      "rows can be compared with a sub-select by IN and NOT IN alone");
  }
  if (!expression_translate(c, node->testexpr, scope, &left) ||
      !sublink_query(c, node, scope, &query))
    return false;
  if (query.column_count != 1)
    return note_error(c, node->location, "42601", NULL, "subquery has too many columns");
  struct expression value = expression_make("\"v\"", query.items[0].type, node->location);
  if (!expression_operate(c, name, &left, &value, node->location, &compared)) return false;
  if (compared.type.id != SQL_BOOLEAN) {
    return note_error(c, node->location, "42804", NULL, "operator %s must return type boolean",
                      name);
  }
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  expression_absorb(out, &compared);
  sublink_absorb(out, &query);
  if (is_in || is_not_in) {
    const char *rows =
        strcmp(value.sql, "\"v\"") == 0 ? query.sql : sublink_converted(c, &query, value.sql);
    out->sql = compiler_format(c, "(%s %sIN (%s))", expression_collated(c, &left),
                               is_not_in ? "NOT " : "", rows);
  } else {
    out->sql = quantified_sql(
        c, is_all, sublink_converted(c, &query, compiler_format(c, "%s AS \"m\"", compared.sql)));
  }
  return true;
}

bool expression_sublink(struct compiler *c, const PgQuery__SubLink *node, const struct scope *scope,
                        struct expression *out) {
  struct query_result query;
  switch (node->sub_link_type) {
  case PG_QUERY__SUB_LINK_TYPE__EXISTS_SUBLINK:
    if (!sublink_query(c, node, scope, &query)) return false;
    *out = expression_make(compiler_format(c, "(EXISTS (%s))", query.sql),
                           expression_plain_type(SQL_BOOLEAN), node->location);
    break;
  case PG_QUERY__SUB_LINK_TYPE__EXPR_SUBLINK:
    if (!sublink_query(c, node, scope, &query) || !sublink_one_column(c, &query, node->location))
      return false;
    *out = expression_make(
        query.is_single
            ? compiler_format(c, "(%s)", query.sql)
            : compiler_format(c, "(WITH \"q\"(\"v\") AS (%s) SELECT pg_single(\"v\") FROM \"q\")",
                              query.sql),
        query.items[0].type, node->location);
    break;
  case PG_QUERY__SUB_LINK_TYPE__ARRAY_SUBLINK: {
    if (!sublink_query(c, node, scope, &query) || !sublink_one_column(c, &query, node->location))
      return false;
    struct sqltype type = query.items[0].type;
    if (type.is_array)
      return note_error(c, node->location, "0A000", NULL,
                        "ARRAY of arrays by a sub-select is not supported");
    type.is_array = true;
    *out = expression_make(
        compiler_format(
            c,
            "(WITH \"q\"(\"v\") AS (%s) SELECT coalesce(pg_array_agg(\"v\", %s), '[]') FROM "
            "\"q\")",
            query.sql, expression_runtime_type(c, &type, false)),
        type, node->location);
    break;
  }
  case PG_QUERY__SUB_LINK_TYPE__ANY_SUBLINK:
  case PG_QUERY__SUB_LINK_TYPE__ALL_SUBLINK: return sublink_quantified(c, node, scope, out);
  default:
    return note_error(c, node->location, "0A000", NULL, "this kind of sub-select is not supported");
  }
  sublink_absorb(out, &query);
  return true;
}

/* ---- arrays */

static bool array_items(struct compiler *c, const PgQuery__AArrayExpr *node,
                        const struct sqltype *element, const struct scope *scope,
                        struct expression_list *items, struct sqltype *type) {
  for (size_t i = 0; i < node->n_elements; i++) {
    struct expression *item = expression_list_add(c, items);
    if (node->elements[i]->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
      if (!expression_array(c, node->elements[i]->a_array_expr, element, scope, item)) return false;
      continue;
    }
    if (!expression_translate(c, node->elements[i], scope, item)) return false;
    if (element != NULL && !expression_convert(c, item, element, 'e')) return false;
  }
  if (element != NULL && node->n_elements > 0 && !items->items[0].type.is_array) {
    *type = *element;
    return true;
  }
  if (node->n_elements == 0) {
    if (element != NULL) {
      *type = *element;
      return true;
    }
    return note_error(c, node->location, "42P18",
                      "Explicitly cast to the desired type, for example ARRAY[]::integer[].",
                      "cannot determine type of empty array");
  }
  return expression_unify(c, "ARRAY", items, node->location, type);
}

bool expression_array(struct compiler *c, const PgQuery__AArrayExpr *node,
                      const struct sqltype *element, const struct scope *scope,
                      struct expression *out) {
  struct expression_list items = {0};
  struct sqltype type;
  if (!array_items(c, node, element, scope, &items, &type)) return false;
  /* Arrays of arrays are arrays of one dimension more. */
  const char *name = expression_runtime_type(c, &type, true);
  type.is_array = true;
  *out = expression_make(compiler_format(c, "pg_array(%s)", name), type, node->location);
  if (items.count > 0) {
    out->sql = compiler_format(c, "pg_array(%s, %s)", name,
                               expression_fill(c, "$*", "", items.count, items.items));
  }
  expression_absorb_list(out, &items);
  return true;
}

bool expression_element(struct compiler *c, const struct expression *array, const char *subscript,
                        struct expression *out) {
  struct sqltype type = array->type;
  type.is_array = false;
  *out = expression_make(compiler_format(c, "pg_array_element(%s, %s, %s)", array->sql, subscript,
                                         expression_runtime_type(c, &type, false)),
                         type, array->location);
  expression_absorb(out, array);
  return true;
}

/* Adds a subscript to the list; without a node, what stands for it. */
static bool subscript_bound(struct compiler *c, const PgQuery__Node *node, const char *missing,
                            const struct scope *scope, struct expression *array,
                            const char **list) {
  struct sqltype integer = expression_plain_type(SQL_INT4);
  struct expression subscript = {.sql = missing};
  if (node != NULL) {
    if (!expression_translate(c, node, scope, &subscript)) return false;
    if (subscript.type.id != SQL_UNKNOWN && !expression_is_convertible(&subscript, &integer, 'a')) {
      return note_error(c, subscript.location, "42804", NULL,
                        "array subscript must have type integer");
    }
    if (!expression_convert(c, &subscript, &integer, 'a')) return false;
  }
  *list = query_append(c, *list, ", ", subscript.sql);
  expression_absorb(array, &subscript);
  return true;
}

bool expression_subscript(struct compiler *c, const PgQuery__AIndirection *node,
                          const struct scope *scope, struct expression *out) {
  struct expression array;
  const char *subscripts = "";
  if (!expression_translate(c, node->arg, scope, &array)) return false;
  if (array.type.id == SQL_JSONB && !array.type.is_array) {
    *out = array;
    for (size_t i = 0; i < node->n_indirection; i++) { /* j['key'], j[0] */
      struct expression key, document = *out;
      const PgQuery__Node *step = node->indirection[i];
      if (step->node_case != PG_QUERY__NODE__NODE_A_INDICES || step->a_indices->is_slice) {
        return note_error(c, array.location, "0A000", NULL,
                          "jsonb subscript does not support slices");
      }
      if (!expression_translate(c, step->a_indices->uidx, scope, &key) ||
          !expression_operate(c, "->", &document, &key, array.location, out)) {
        return false;
      }
    }
    return true;
  }
  if (!array.type.is_array) {
    return note_error(c, array.location, "42804", NULL,
                      "cannot subscript type %s because it does not support subscripting",
                      expression_type_name(c, &array.type));
  }
  bool is_slice = false;
  for (size_t i = 0; i < node->n_indirection; i++) {
    const PgQuery__Node *step = node->indirection[i];
    if (step->node_case != PG_QUERY__NODE__NODE_A_INDICES) {
      return note_error(c, array.location, "0A000", NULL,
                        "a field of a composite value is not supported");
    }
    is_slice = is_slice || step->a_indices->is_slice;
  }
  for (size_t i = 0; i < node->n_indirection; i++) {
    const PgQuery__AIndices *step = node->indirection[i]->a_indices;
    /* A subscript among slices stands for 1:n; a bound that is left out, for the array's own. */
    if (is_slice && !subscript_bound(c, step->is_slice ? step->lidx : NULL,
                                     step->is_slice ? "''" : "1", scope, &array, &subscripts)) {
      return false;
    }
    if (!subscript_bound(c, step->uidx, "''", scope, &array, &subscripts)) return false;
  }
  if (!is_slice) return expression_element(c, &array, subscripts, out);
  *out = array;
  out->is_literal = false;
  out->uses_private = true;
  out->sql = compiler_format(c, "pg_array_slice(%s, %s, %s)", array.sql, subscripts,
                             expression_runtime_type(c, &array.type, false));
  return true;
}

/* ---- value op ANY (array) */

/* The elements where the array is written out, with casts of the whole array applied to each: that is how pg_dump writes
** IN. false without a note: it is not. */
static bool any_elements(struct compiler *c, const PgQuery__Node *node, const struct scope *scope,
                         struct expression_list *items, bool *failed) {
  struct sqltype type;
  *failed = false;
  if (node->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
    const PgQuery__AArrayExpr *array = node->a_array_expr;
    for (size_t i = 0; i < array->n_elements; i++) {
      if (array->elements[i]->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) return false;
    }
    *failed = !array_items(c, array, NULL, scope, items, &type);
    return !*failed && items->count > 0;
  }
  if (node->node_case != PG_QUERY__NODE__NODE_TYPE_CAST ||
      (node->type_cast->arg->node_case != PG_QUERY__NODE__NODE_A_ARRAY_EXPR &&
       node->type_cast->arg->node_case != PG_QUERY__NODE__NODE_TYPE_CAST)) {
    return false;
  }
  if (!sqltype_resolve(c, node->type_cast->type_name, &type)) {
    *failed = true;
    return false;
  }
  if (!type.is_array || !any_elements(c, node->type_cast->arg, scope, items, failed)) return false;
  type.is_array = false;
  for (int i = 0; i < items->count; i++) {
    if (!expression_convert(c, &items->items[i], &type, 'e')) {
      *failed = true;
      return false;
    }
  }
  return true;
}

static bool any_of_items(struct compiler *c, const char *name, bool is_all, struct expression *left,
                         struct expression_list *items, int location, struct expression *out) {
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), location);
  const char *sql = "", *list = "", *left_sql = NULL;
  bool is_in = strcmp(name, is_all ? "<>" : "=") == 0;
  struct expression shown = *left;
  for (int i = 0; i < items->count; i++) {
    struct expression l = *left, *item = &items->items[i], part;
    if (!expression_operate(c, name, &l, item, location, &part)) return false;
    if (part.type.id != SQL_BOOLEAN) {
      return note_error(c, location, "42809", NULL,
                        "op ANY/ALL (array) requires operator to yield boolean");
    }
    expression_absorb(out, &part);
    is_in = is_in && (left_sql == NULL || strcmp(left_sql, l.sql) == 0) && !l.type.is_array;
    left_sql = l.sql;
    shown = l;
    sql = query_append(c, sql, is_all ? " AND " : " OR ", part.sql);
    list = query_append(c, list, ", ", item->sql);
  }
  out->sql = is_in
                 ? compiler_format(c, "(%s %sIN (%s))", expression_collated_beside(c, &shown, list),
                                   is_all ? "NOT " : "", list)
                 : compiler_format(c, "(%s)", sql);
  return true;
}

bool expression_any_array(struct compiler *c, const char *name, bool is_all,
                          struct expression *left, const PgQuery__Node *array,
                          const struct scope *scope, int location, struct expression *out) {
  struct expression_list items = {0};
  struct expression whole, compared;
  bool failed;
  if (strcmp(name, "!=") == 0) name = "<>";
  if (any_elements(c, array, scope, &items, &failed))
    return any_of_items(c, name, is_all, left, &items, location, out);
  if (failed || !expression_translate(c, array, scope, &whole)) return false;
  if (whole.type.id == SQL_UNKNOWN) { /* '{a,b}': an array of what stands on the left */
    struct sqltype type =
        left->type.id == SQL_UNKNOWN ? expression_plain_type(SQL_TEXT) : left->type;
    if (type.is_array)
      return note_error(c, location, "42704", NULL, "could not find array type for data type %s",
                        expression_type_name(c, &type));
    if (type.id == SQL_VARCHAR) type.id = SQL_TEXT;
    type.is_array = true;
    type.length = -1;
    if (!expression_convert(c, &whole, &type, 'i')) return false;
  }
  if (!whole.type.is_array)
    return note_error(c, location, "42809", NULL,
                      "op ANY/ALL (array) requires array on right side");
  /* The operator is chosen for an element; if the elements need converting, the whole array is. */
  struct sqltype element = whole.type;
  element.is_array = false;
  struct expression value = expression_make("\"v\"", element, location);
  if (!expression_operate(c, name, left, &value, location, &compared)) return false;
  if (compared.type.id != SQL_BOOLEAN) {
    return note_error(c, location, "42809", NULL,
                      "op ANY/ALL (array) requires operator to yield boolean");
  }
  if (!expression_same_type(&value.type, &element)) {
    struct sqltype target = value.type;
    target.is_array = true;
    if (!expression_convert(c, &whole, &target, 'i')) return false;
  }
  const char *value_sql = left->sql;
  if (left->type.id == SQL_ENUM && strcmp(name, "=") != 0 && strcmp(name, "<>") != 0) {
    return note_error(c, location, "0A000", NULL,
                      "%s ANY or ALL of an array of enums is not supported", name);
  }
  *out = expression_make(compiler_format(c, "pg_array_%s(%s, %s, %s, %s)", is_all ? "all" : "any",
                                         value_sql, string_literal(c, name), whole.sql,
                                         expression_runtime_type(c, &whole.type, false)),
                         expression_plain_type(SQL_BOOLEAN), location);
  expression_absorb(out, &compared);
  expression_absorb(out, &whole);
  return true;
}
