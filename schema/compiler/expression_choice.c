/*
** expression_choice: CASE, COALESCE, GREATEST and LEAST, and the common type of several values.
*/
#include "expression.h"

bool expression_common_type(struct compiler *c, const char *word,
                            const struct expression_list *items, int location,
                            struct sqltype *type) {
  const struct expression *chosen = NULL;
  bool same_modifiers = true;
  for (int i = 0; i < items->count; i++) {
    const struct expression *item = &items->items[i];
    if (item->type.id == SQL_UNKNOWN) continue;
    if (chosen == NULL) {
      chosen = item;
      continue;
    }
    type_code pair[2] = {operators_code(&chosen->type), operators_code(&item->type)}, next;
    bool other_enum = chosen->type.id == SQL_ENUM && item->type.id == SQL_ENUM &&
                      chosen->type.labels != item->type.labels;
    if (other_enum || !operators_common(2, pair, &next)) {
      return note_error(c, item->location >= 0 ? item->location : location, "42804", NULL,
                        "%s types %s and %s cannot be matched", word,
                        expression_type_name(c, &chosen->type),
                        expression_type_name(c, &item->type));
    }
    same_modifiers =
        same_modifiers && pair[0] == pair[1] && chosen->type.length == item->type.length &&
        chosen->type.scale == item->type.scale && chosen->type.fields == item->type.fields;
    if (next != pair[0]) chosen = item;
  }
  *type = chosen != NULL ? chosen->type : expression_plain_type(SQL_TEXT);
  for (int i = 0; i < items->count; i++)
    same_modifiers = same_modifiers && items->items[i].type.id != SQL_UNKNOWN;
  if (!same_modifiers) {
    type->length = -1;
    type->scale = type->fields = 0;
  }
  type->domain = NULL;
  return true;
}

bool expression_unify(struct compiler *c, const char *word, struct expression_list *items,
                      int location, struct sqltype *type) {
  if (!expression_common_type(c, word, items, location, type)) return false;
  for (int i = 0; i < items->count; i++) {
    struct expression *item = &items->items[i];
    if (expression_same_type(&item->type, type)) continue;
    if (item->type.id != SQL_UNKNOWN && !expression_is_convertible(item, type, 'i')) {
      return note_error(c, item->location >= 0 ? item->location : location, "42846", NULL,
                        "%s could not convert type %s to %s", word,
                        expression_type_name(c, &item->type), expression_type_name(c, type));
    }
    struct sqltype plain = *type;
    plain.length = -1;
    plain.fields = 0;
    if (!expression_convert(c, item, &plain, 'i')) return false;
  }
  return true;
}

bool expression_case(struct compiler *c, const PgQuery__CaseExpr *node, const struct scope *scope,
                     struct expression *out) {
  struct expression_list results = {0}, conditions = {0};
  struct expression subject, part;
  *out = expression_make("", expression_plain_type(SQL_TEXT), node->location);
  if (node->arg != NULL &&
      (!expression_translate(c, node->arg, scope, &subject) || !expression_settle(c, &subject))) {
    return false;
  }
  for (size_t i = 0; i < node->n_args; i++) {
    const PgQuery__CaseWhen *when = node->args[i]->case_when;
    if (node->arg != NULL) {
      struct expression left = subject, right;
      if (!expression_translate(c, when->expr, scope, &right) ||
          !expression_operate(c, "=", &left, &right, when->location, &part)) {
        return false;
      }
    } else if (!expression_boolean(c, when->expr, scope, "CASE/WHEN", &part)) {
      return false;
    }
    *expression_list_add(c, &conditions) = part;
    if (!expression_translate(c, when->result, scope, &part)) return false;
    *expression_list_add(c, &results) = part;
  }
  /* PostgreSQL looks at ELSE first, and so does the choice of the type. */
  if (node->defresult == NULL) {
    part = expression_text_literal(c, NULL, -1);
  } else if (!expression_translate(c, node->defresult, scope, &part)) {
    return false;
  }
  struct expression_list ordered = {0};
  *expression_list_add(c, &ordered) = part;
  for (int i = 0; i < results.count; i++) *expression_list_add(c, &ordered) = results.items[i];
  if (!expression_unify(c, "CASE", &ordered, node->location, &out->type)) return false;
  const char *sql = "CASE";
  for (int i = 0; i < results.count; i++) {
    sql = compiler_format(c, "%s WHEN %s THEN %s", sql, conditions.items[i].sql,
                          ordered.items[i + 1].sql);
  }
  out->sql = compiler_format(c, node->defresult == NULL ? "(%s END)" : "(%s ELSE %s END)", sql,
                             ordered.items[0].sql);
  expression_absorb_list(out, &conditions);
  expression_absorb_list(out, &ordered);
  if (node->arg != NULL) expression_absorb(out, &subject);
  return true;
}

bool expression_coalesce(struct compiler *c, const PgQuery__CoalesceExpr *node,
                         const struct scope *scope, struct expression *out) {
  struct expression_list items = {0};
  *out = expression_make("", expression_plain_type(SQL_TEXT), node->location);
  if (!expression_translate_list(c, node->n_args, node->args, scope, &items) ||
      !expression_unify(c, "COALESCE", &items, node->location, &out->type)) {
    return false;
  }
  out->sql = items.count == 1 ? items.items[0].sql
                              : expression_fill(c, "coalesce($*)", "", items.count, items.items);
  expression_absorb_list(out, &items);
  for (int i = 0; i < items.count; i++) {
    if (strcmp(items.items[i].sql, "NULL") != 0) return true;
  }
  /* Nothing but NULLs: the constant NULL, without modifiers, as PostgreSQL makes of it. */
  struct sqltype type = out->type;
  type.length = -1;
  *out = expression_text_literal(c, NULL, node->location);
  out->type = type;
  return true;
}

/* SQLite's max() and min() are NULL when any argument is; PostgreSQL leaves NULLs out. Each argument is therefore replaced
** by the first of all that is not NULL, beginning with itself. Of equal values both give the first. */
bool expression_minmax(struct compiler *c, const PgQuery__MinMaxExpr *node,
                       const struct scope *scope, struct expression *out) {
  bool is_greatest = node->op == PG_QUERY__MIN_MAX_OP__IS_GREATEST;
  struct expression_list items = {0};
  *out = expression_make("", expression_plain_type(SQL_TEXT), node->location);
  if (!expression_translate_list(c, node->n_args, node->args, scope, &items) ||
      !expression_unify(c, is_greatest ? "GREATEST" : "LEAST", &items, node->location,
                        &out->type)) {
    return false;
  }
  expression_absorb_list(out, &items);
  out->sql = items.items[0].sql;
  if (!expression_is_comparable(c, &items.items[0], "a comparison function")) return false;
  if (items.count == 1) return true;
  const char *sql = "";
  for (int k = 0; k < items.count; k++) {
    /* min() takes the last of equal values, so it is given them backwards. */
    int i = is_greatest ? k : items.count - 1 - k;
    struct expression rotated = items.items[i];
    const char *list = items.items[i].sql;
    for (int j = 0; j < items.count; j++) {
      if (j != i) list = compiler_format(c, "%s, %s", list, items.items[j].sql);
    }
    rotated.sql = compiler_format(c, "coalesce(%s)", list);
    rotated.type = out->type;
    sql = k == 0 ? expression_order_key(c, &rotated)
                 : compiler_format(c, "%s, %s", sql, expression_order_key(c, &rotated));
  }
  out->sql = compiler_format(c, "%s(%s)", is_greatest ? "max" : "min", sql);
  if (out->type.id == SQL_ENUM && !out->type.is_array) {
    out->sql = compiler_format(c, "(%s)", expression_enum_label(c, out->type.labels, out->sql));
  }
  out->uses_private = out->uses_private || expression_private_text(out->sql);
  return true;
}
