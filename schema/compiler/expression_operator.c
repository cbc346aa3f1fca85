/*
** expression_operator: operators and what the grammar makes of them: comparisons, BETWEEN, IN, LIKE, IS DISTINCT FROM,
** NULLIF, comparisons of rows.
*/
#include "expression.h"

/* ---- one operator */

static const char *const comparison_names[] = {"=", "<>", "<", ">", "<=", ">="};
enum {
  COMPARISON_EQUAL,
  COMPARISON_NOT_EQUAL,
  COMPARISON_LESS,
  COMPARISON_GREATER,
  COMPARISON_NOT_GREATER,
  COMPARISON_NOT_LESS,
  COMPARISON_COUNT
};

static int comparison_find(const char *name) {
  for (int i = 0; i < COMPARISON_COUNT; i++) {
    if (strcmp(comparison_names[i], name) == 0) return i;
  }
  return -1;
}

/* The type in which SQLite compares what an operator compares: the wider of two moments. */
static struct sqltype comparison_type(const struct sqltype *left, const struct sqltype *right) {
  static const enum sqltype_id wider[] = {SQL_DATE, SQL_TIMESTAMP, SQL_TIMESTAMPTZ};
  struct sqltype type = *left;
  if (left->is_array || right->is_array) return type;
  for (int i = 0; i < 3; i++) {
    if (left->id == wider[i] || right->id == wider[i]) type = expression_plain_type(wider[i]);
  }
  if (left->id == SQL_NAME && right->id == SQL_TEXT) type.id = SQL_TEXT;
  return type;
}

static const char *comparison_sql(struct compiler *c, const char *name,
                                  const struct expression *left, const struct expression *right) {
  const struct sqltype *type = &left->type;
  bool by_order = strcmp(name, "=") != 0 && strcmp(name, "<>") != 0 && strncmp(name, "IS", 2) != 0;
  if (type->id == SQL_ENUM && !type->is_array && by_order) {
    return compiler_format(c, "(%s %s %s)", expression_order_key(c, left), name,
                           expression_order_key(c, right));
  }
  if (type->is_array && strncmp(name, "IS", 2) != 0) { /* by the elements' own order */
    static const char *const functions[] = {"eq", "ne", "lt", "gt", "le", "ge"};
    return compiler_format(c, "pg_array_%s(%s, %s, %s)", functions[comparison_find(name)],
                           left->sql, right->sql, expression_runtime_type(c, type, false));
  }
  return compiler_format(c, "(%s %s %s)", expression_collated_beside(c, left, right->sql), name,
                         right->sql);
}

static bool operator_missing(struct compiler *c, enum overload choice, const char *name,
                             const struct expression *left, const struct expression *right,
                             int location) {
  const char *words = left == NULL
                          ? compiler_format(c, "%s %s", name, expression_type_name(c, &right->type))
                          : compiler_format(c, "%s %s %s", expression_type_name(c, &left->type),
                                            name, expression_type_name(c, &right->type));
  if (choice == OVERLOAD_MANY) {
    return note_error(
        c, location, "42725",
        "Could not choose a best candidate operator. You might need to add explicit type casts.",
        "operator is not unique: %s", words);
  }
  return note_error(c, location, "42883",
                    "No operator matches the given name and argument types. You might need to add "
                    "explicit type casts.",
                    "operator does not exist: %s", words);
}

static const struct enum_def *enum_of(const struct expression *left,
                                      const struct expression *right) {
  if (left != NULL && left->type.id == SQL_ENUM) return left->type.labels;
  return right->type.id == SQL_ENUM ? right->type.labels : NULL;
}

/* Chooses the operator and converts both sides to what it takes. */
static bool operator_prepare(struct compiler *c, const char *name, struct expression *left,
                             struct expression *right, int location,
                             const struct pg_operator_row **row, struct sqltype *result) {
  type_code left_code = left == NULL ? CODE_NONE : operators_code(&left->type),
            right_code = operators_code(&right->type);
  enum overload choice = operators_find(name, left_code, right_code, row);
  const struct enum_def *labels = enum_of(left, right);
  bool other_enum = left != NULL && left->type.id == SQL_ENUM && right->type.id == SQL_ENUM &&
                    left->type.labels != right->type.labels;
  if (choice != OVERLOAD_ONE || other_enum)
    return operator_missing(c, choice, name, left, right, location);
  type_code given[2] = {left == NULL ? right_code : left_code, right_code};
  type_code declared[2] = {left == NULL ? (*row)->right : (*row)->left, (*row)->right},
            code = (*row)->result;
  if (!operators_resolve(left == NULL ? 1 : 2, given, declared, &code)) {
    return operator_missing(c, OVERLOAD_NONE, name, left, right, location);
  }
  for (int i = 0; i < 2; i++) {
    struct expression *side = i == 0 ? left : right;
    if (side == NULL) continue;
    struct sqltype target = operators_type(left == NULL ? declared[0] : declared[i]);
    if (ELEMENT_OF(operators_code(&target)) >= CODE_NONE) {
      return note_error(c, location, "0A000", NULL,
                        "the operator %s of these types is not supported", name);
    }
    if (target.id == SQL_ENUM) target.labels = labels;
    if (side->type.id == SQL_CIDR && target.id == SQL_INET && !side->type.is_array &&
        !target.is_array)
      continue;
    /* A value of the very type keeps its modifiers; they are of no account to an operator. */
    if (!expression_same_type(&side->type, &target) && !expression_convert(c, side, &target, 'i'))
      return false;
  }
  *result = operators_type(code);
  if (result->id == SQL_ENUM) result->labels = labels;
  return true;
}

static bool comparison_widen(struct compiler *c, struct expression *left,
                             struct expression *right) {
  struct sqltype type = comparison_type(&left->type, &right->type);
  bool is_moment = type.id == SQL_DATE || type.id == SQL_TIMESTAMP || type.id == SQL_TIMESTAMPTZ;
  if (!is_moment || type.is_array) return true;
  return (left->type.id == type.id || expression_convert(c, left, &type, 'i')) &&
         (right->type.id == type.id || expression_convert(c, right, &type, 'i'));
}

bool expression_has_null(int count, const struct expression *arguments) {
  for (int i = 0; i < count; i++) {
    if (strcmp(arguments[i].sql, "NULL") == 0) return true;
  }
  return false;
}

static bool operator_is_strict(const struct pg_operator_row *row) {
  return strncmp(row->source, "array_append", 12) != 0 &&
         strncmp(row->source, "array_prepend", 13) != 0 &&
         strncmp(row->source, "array_cat", 9) != 0;
}

bool expression_operate(struct compiler *c, const char *name, struct expression *left,
                        struct expression *right, int location, struct expression *out) {
  const struct pg_operator_row *row;
  struct sqltype result;
  if (strcmp(name, "!=") == 0) name = "<>";
  if (!operator_prepare(c, name, left, right, location, &row, &result)) return false;
  struct expression sides[2] = {left == NULL ? *right : *left, *right};
  if (operator_is_strict(row) && expression_has_null(2, sides)) {
    *out = expression_text_literal(c, NULL, location);
    out->type = result;
    return true;
  }
  if (left != NULL && comparison_find(name) >= 0 && result.id == SQL_BOOLEAN) {
    if (!comparison_widen(c, &sides[0], &sides[1])) return false;
    *out = expression_make(comparison_sql(c, name, &sides[0], &sides[1]), result, location);
  } else {
    const char *template = operators_template(row->source);
    if (template != NULL && template[0] == '\0') {
      return note_error(c, location, "0A000", NULL,
                        "the operator %s of these types is not supported", name);
    }
    struct expression_list arguments = {0};
    struct sqltype text = expression_plain_type(SQL_TEXT);
    if (strcmp(row->source, "@textanycat") == 0 && !expression_convert(c, &sides[1], &text, 'e'))
      return false;
    if (strcmp(row->source, "@anytextcat") == 0 && !expression_convert(c, &sides[0], &text, 'e'))
      return false;
    for (int i = 0; i < (left == NULL ? 1 : 2); i++) *expression_list_add(c, &arguments) = sides[i];
    expression_add_type(c, row->source, &arguments);
    *out =
        expression_make(expression_fill(c, template, row->source, arguments.count, arguments.items),
                        result, location);
  }
  if (row->volatility == 's') out->volatility = STABLE;
  if (left != NULL) expression_absorb(out, left);
  expression_absorb(out, right);
  *right = sides[left == NULL ? 0 : 1];
  if (left != NULL) *left = sides[0];
  return true;
}

/* ---- rows: (a, b) = (c, d) */

static bool row_compare(struct compiler *c, const char *name, const struct expression_list *left,
                        const struct expression_list *right, int location, struct expression *out) {
  bool is_equal = strcmp(name, "=") == 0, is_not_equal = strcmp(name, "<>") == 0;
  if (left->count != right->count)
    return note_error(c, location, "42601", NULL, "unequal number of entries in row expressions");
  if (left->count == 0)
    return note_error(c, location, "0A000", NULL, "cannot compare rows of zero length");
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), location);
  const char *sql = NULL;
  for (int i = left->count - 1; i >= 0; i--) {
    struct expression l = left->items[i], r = right->items[i], part;
    if (!expression_operate(c, name, &l, &r, location, &part)) return false;
    expression_absorb(out, &part);
    if (sql == NULL || is_equal || is_not_equal) {
      sql = sql == NULL ? part.sql
                        : compiler_format(c, "%s %s %s", part.sql, is_equal ? "AND" : "OR", sql);
      continue;
    }
    /* The first columns that differ decide. */
    struct expression strict, same;
    char first[2] = {name[0], '\0'};
    l = left->items[i], r = right->items[i];
    if (!expression_operate(c, first, &l, &r, location, &strict)) return false;
    l = left->items[i], r = right->items[i];
    if (!expression_operate(c, "=", &l, &r, location, &same)) return false;
    sql = compiler_format(c, "%s OR (%s AND (%s))", strict.sql, same.sql, sql);
  }
  out->sql = compiler_format(c, "(%s)", sql);
  return true;
}

static bool row_expression(struct compiler *c, const char *name, const PgQuery__Node *left_node,
                           const PgQuery__Node *right_node, const struct scope *scope, int location,
                           struct expression *out) {
  struct expression_list left = {0}, right = {0};
  if (right_node->node_case != PG_QUERY__NODE__NODE_ROW_EXPR) {
    return note_error(c, location, "0A000", NULL, "a row can be compared with a row alone");
  }
  if (comparison_find(strcmp(name, "!=") == 0 ? "<>" : name) < 0) {
    return note_error(c, location, "0A000", NULL, "the operator %s of rows is not supported", name);
  }
  return expression_translate_list(c, left_node->row_expr->n_args, left_node->row_expr->args, scope,
                                   &left) &&
         expression_translate_list(c, right_node->row_expr->n_args, right_node->row_expr->args,
                                   scope, &right) &&
         row_compare(c, strcmp(name, "!=") == 0 ? "<>" : name, &left, &right, location, out);
}

/* ---- IN (list) */

/* One by one: for what has no common type. */
static bool in_by_operators(struct compiler *c, bool is_not, const struct expression *left,
                            struct expression_list *items, int location, struct expression *out) {
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), location);
  const char *sql = "";
  for (int i = 0; i < items->count; i++) {
    struct expression l = *left, part;
    if (!expression_operate(c, is_not ? "<>" : "=", &l, &items->items[i], location, &part))
      return false;
    expression_absorb(out, &part);
    sql = i == 0 ? part.sql : compiler_format(c, "%s %s %s", sql, is_not ? "AND" : "OR", part.sql);
  }
  out->sql = compiler_format(c, "(%s)", sql);
  return true;
}

/* The common type of the left side and the items, as for an array. false: none, without a note. */
static bool in_common_type(const struct expression *left, const struct expression_list *items,
                           struct sqltype *type) {
  type_code best = operators_code(&left->type);
  *type = left->type;
  for (int i = 0; i < items->count; i++) {
    const struct expression *item = &items->items[i];
    type_code pair[2] = {best, operators_code(&item->type)}, next;
    if (item->type.id == SQL_UNKNOWN) continue;
    if (item->type.id == SQL_ENUM && type->id == SQL_ENUM && item->type.labels != type->labels)
      return false;
    if (!operators_common(2, pair, &next)) return false;
    if (next != best) *type = item->type;
    best = next;
  }
  if (best == SQL_UNKNOWN) best = SQL_TEXT;
  if (best != operators_code(type)) *type = operators_type(best);
  type->length = -1;
  type->fields = 0;
  type->domain = NULL;
  for (int i = 0; i < items->count; i++) {
    const struct expression *item = &items->items[i];
    if (item->type.id != SQL_UNKNOWN && !expression_is_convertible(item, type, 'i')) return false;
  }
  return true;
}

static bool in_items(struct compiler *c, const char *name, struct expression *left,
                     struct expression_list *items, int location, struct expression *out) {
  bool is_not = strcmp(name, "<>") == 0;
  struct sqltype type;
  if (!in_common_type(left, items, &type))
    return in_by_operators(c, is_not, left, items, location, out);
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), location);
  const char *sql = "", *left_sql = NULL;
  for (int i = 0; i < items->count; i++) {
    struct expression l = *left, *item = &items->items[i], part;
    if (item->type.id == SQL_ENUM && type.id == SQL_ENUM) type.labels = item->type.labels;
    if (!expression_same_type(&item->type, &type) && !expression_convert(c, item, &type, 'i'))
      return false;
    struct expression before = *item;
    if (!expression_operate(c, "=", &l, item, location, &part)) return false;
    /* Both sides must be brought to one form for all items, or SQLite's IN could not be used. */
    if (left_sql != NULL && strcmp(left_sql, l.sql) != 0) {
      *item = before;
      return in_by_operators(c, is_not, left, items, location, out);
    }
    left_sql = l.sql;
    expression_absorb(out, &part);
    sql = i == 0 ? item->sql : compiler_format(c, "%s, %s", sql, item->sql);
    if (i == items->count - 1) {
      out->sql = compiler_format(c, "(%s %sIN (%s))", expression_collated_beside(c, &l, sql),
                                 is_not ? "NOT " : "", sql);
      out->uses_private = out->uses_private || expression_private_text(out->sql);
    }
  }
  return true;
}

static bool in_rows(struct compiler *c, const char *name, const PgQuery__AExpr *node,
                    const struct scope *scope, struct expression *out) {
  const PgQuery__List *list = node->rexpr->list;
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  const char *sql = "";
  for (size_t i = 0; i < list->n_items; i++) {
    struct expression part;
    if (!row_expression(c, name, node->lexpr, list->items[i], scope, node->location, &part))
      return false;
    expression_absorb(out, &part);
    sql = i == 0 ? part.sql
                 : compiler_format(c, "%s %s %s", sql, name[0] == '=' ? "OR" : "AND", part.sql);
  }
  out->sql = compiler_format(c, "(%s)", sql);
  return true;
}

static bool in_list(struct compiler *c, const char *name, const PgQuery__AExpr *node,
                    const struct scope *scope, struct expression *out) {
  struct expression left;
  struct expression_list items = {0};
  if (node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR)
    return in_rows(c, name, node, scope, out);
  return expression_translate(c, node->lexpr, scope, &left) &&
         expression_translate_list(c, node->rexpr->list->n_items, node->rexpr->list->items, scope,
                                   &items) &&
         in_items(c, name, &left, &items, node->location, out);
}

/* ---- BETWEEN */

static bool between(struct compiler *c, const PgQuery__AExpr *node, const struct scope *scope,
                    struct expression *out) {
  bool is_not = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN ||
                node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  bool is_symmetric = node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM ||
                      node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM;
  struct expression value, bounds[2], parts[4];
  if (!expression_translate(c, node->lexpr, scope, &value) ||
      !expression_translate(c, node->rexpr->list->items[0], scope, &bounds[0]) ||
      !expression_translate(c, node->rexpr->list->items[1], scope, &bounds[1])) {
    return false;
  }
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  for (int i = 0; i < (is_symmetric ? 4 : 2); i++) {
    struct expression l = value, r = bounds[i == 0 || i == 3 ? 0 : 1];
    if (!expression_operate(c, i % 2 == 0 ? ">=" : "<=", &l, &r, node->location, &parts[i]))
      return false;
    expression_absorb(out, &parts[i]);
  }
  const char *sql = compiler_format(c, "(%s AND %s)", parts[0].sql, parts[1].sql);
  if (is_symmetric)
    sql = compiler_format(c, "(%s OR (%s AND %s))", sql, parts[2].sql, parts[3].sql);
  out->sql = is_not ? compiler_format(c, "(NOT %s)", sql) : sql;
  return true;
}

/* ---- IS DISTINCT FROM, NULLIF */

static bool distinct_values(struct compiler *c, const PgQuery__Node *left_node,
                            const PgQuery__Node *right_node, bool is_not, const struct scope *scope,
                            int location, struct expression *out) {
  struct expression left, right, same;
  if (!expression_translate(c, left_node, scope, &left) ||
      !expression_translate(c, right_node, scope, &right) ||
      !expression_operate(c, "=", &left, &right, location, &same)) {
    return false;
  }
  *out = expression_make(comparison_sql(c, is_not ? "IS" : "IS NOT", &left, &right), same.type,
                         location);
  expression_absorb(out, &same);
  return true;
}

static bool distinct(struct compiler *c, const PgQuery__AExpr *node, bool is_not,
                     const struct scope *scope, struct expression *out) {
  bool left_is_row = node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
  bool right_is_row = node->rexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR;
  if (!left_is_row && !right_is_row)
    return distinct_values(c, node->lexpr, node->rexpr, is_not, scope, node->location, out);
  if (!left_is_row || !right_is_row) {
    return note_error(c, node->location, "0A000", NULL, "a row can be compared with a row alone");
  }
  const PgQuery__RowExpr *left = node->lexpr->row_expr, *right = node->rexpr->row_expr;
  if (left->n_args != right->n_args) {
    return note_error(c, node->location, "42601", NULL,
                      "unequal number of entries in row expressions");
  }
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  const char *sql = is_not ? "1" : "0";
  for (size_t i = 0; i < left->n_args; i++) {
    struct expression part;
    if (!distinct_values(c, left->args[i], right->args[i], is_not, scope, node->location, &part))
      return false;
    expression_absorb(out, &part);
    sql = i == 0 ? part.sql : compiler_format(c, "%s %s %s", sql, is_not ? "AND" : "OR", part.sql);
  }
  out->sql = compiler_format(c, "(%s)", sql);
  return true;
}

static bool null_if(struct compiler *c, const PgQuery__AExpr *node, const struct scope *scope,
                    struct expression *out) {
  struct expression left, right, same;
  if (!expression_translate(c, node->lexpr, scope, &left) ||
      !expression_translate(c, node->rexpr, scope, &right))
    return false;
  /* The result is the left side, as the operator takes it. */
  const struct pg_operator_row *row;
  struct sqltype result;
  struct expression whole = left, other = right;
  if (!operator_prepare(c, "=", &whole, &other, node->location, &row, &result)) return false;
  struct sqltype inet = expression_plain_type(SQL_INET);
  if (whole.type.id == SQL_CIDR && !expression_convert(c, &whole, &inet, 'i')) return false;
  if (!expression_operate(c, "=", &left, &right, node->location, &same)) return false;
  struct expression sides[2] = {whole, other};
  if (expression_has_null(2, sides)) { /* nothing equals NULL, and nothing is evaluated for it */
    *out = whole;
    return true;
  }
  bool is_plain = strcmp(whole.sql, left.sql) == 0 && !left.type.is_array &&
                  sqltype_collation(&left.type) == NULL &&
                  strcmp(expression_collated_beside(c, &left, right.sql), left.sql) == 0;
  *out = expression_make(
      is_plain ? compiler_format(c, "nullif(%s, %s)", left.sql, right.sql)
               : compiler_format(c, "(CASE WHEN %s THEN NULL ELSE %s END)", same.sql, whole.sql),
      whole.type, node->location);
  expression_absorb(out, &same);
  return true;
}

/* ---- the dispatch */

/* A unary minus before a number is part of the number, unless it stands alone. */
static bool simple_operator(struct compiler *c, const char *name, const PgQuery__AExpr *node,
                            const struct scope *scope, struct expression *out) {
  struct expression left, right;
  if (node->lexpr != NULL && node->lexpr->node_case == PG_QUERY__NODE__NODE_ROW_EXPR) {
    return row_expression(c, name, node->lexpr, node->rexpr, scope, node->location, out);
  }
  if (node->rexpr == NULL)
    return note_error(c, node->location, "42601", NULL, "postfix operators are not supported");
  if (node->lexpr != NULL && !expression_translate(c, node->lexpr, scope, &left)) return false;
  if (!expression_translate(c, node->rexpr, scope, &right)) return false;
  return expression_operate(c, name, node->lexpr == NULL ? NULL : &left, &right, node->location,
                            out);
}

bool expression_a_expr(struct compiler *c, const PgQuery__AExpr *node, const struct scope *scope,
                       struct expression *out) {
  const char *name = expression_name_part(node->name, node->n_name - 1);
  struct expression left;
  switch (node->kind) {
  case PG_QUERY__A__EXPR__KIND__AEXPR_OP:
  case PG_QUERY__A__EXPR__KIND__AEXPR_LIKE:
  case PG_QUERY__A__EXPR__KIND__AEXPR_ILIKE:
  case PG_QUERY__A__EXPR__KIND__AEXPR_SIMILAR: return simple_operator(c, name, node, scope, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ANY:
  case PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL:
    return expression_translate(c, node->lexpr, scope, &left) &&
           expression_any_array(c, name, node->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP_ALL, &left,
                                node->rexpr, scope, node->location, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_DISTINCT: return distinct(c, node, false, scope, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_DISTINCT: return distinct(c, node, true, scope, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_NULLIF: return null_if(c, node, scope, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_IN: return in_list(c, name, node, scope, out);
  case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN:
  case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN:
  case PG_QUERY__A__EXPR__KIND__AEXPR_BETWEEN_SYM:
  case PG_QUERY__A__EXPR__KIND__AEXPR_NOT_BETWEEN_SYM: return between(c, node, scope, out);
  default:
    return note_error(c, node->location, "0A000", NULL, "this kind of operator is not supported");
  }
}
