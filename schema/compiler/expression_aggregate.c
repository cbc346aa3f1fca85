/*
** expression_aggregate: aggregates and window functions.
*/
#include "expression.h"

/* Aggregates that SQLite has itself; $1 and $2 are the arguments, the first under the collation of its type. */
static const struct aggregate_call {
  const char *name, *sql;
} aggregate_calls[] = {{"count", "count($1)"},
                       {"min", "min($1)"},
                       {"max", "max($1)"},
                       {"bool_and", "min($1)"},
                       {"every", "min($1)"},
                       {"bool_or", "max($1)"},
                       {"bit_and", "pg_bit_and($1)"},
                       {"bit_or", "pg_bit_or($1)"},
                       {"bit_xor", "pg_bit_xor($1)"},
                       {"string_agg", "pg_string_agg($1, $2)"}};

/* The library's own are told apart by the type of their argument: pg_sum_numeric. */
static const char *const aggregates_by_type[] = {
    "sum", "avg", "var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev"};

static const char *aggregate_template(struct compiler *c, const char *name,
                                      const struct sqltype *argument) {
  static const char *const suffixes[SQLTYPE_COUNT] = {
      [SQL_INT2] = "int2",        [SQL_INT4] = "int4",     [SQL_INT8] = "int8",
      [SQL_FLOAT4] = "float4",    [SQL_FLOAT8] = "float8", [SQL_NUMERIC] = "numeric",
      [SQL_INTERVAL] = "interval"};
  for (size_t i = 0; i < sizeof aggregate_calls / sizeof aggregate_calls[0]; i++) {
    if (strcmp(aggregate_calls[i].name, name) == 0) return aggregate_calls[i].sql;
  }
  for (size_t i = 0; i < sizeof aggregates_by_type / sizeof aggregates_by_type[0]; i++) {
    if (strcmp(aggregates_by_type[i], name) != 0 || suffixes[argument->id] == NULL) continue;
    return compiler_format(c, "pg_%s_%s($1)", name, suffixes[argument->id]);
  }
  return NULL;
}

static bool aggregate_is_allowed(struct compiler *c, const PgQuery__FuncCall *node,
                                 const struct scope *scope) {
  if (scope->grouping != NULL && scope->grouping->in_aggregate) {
    return note_error(c, node->location, "42803", NULL,
                      "aggregate function calls cannot be nested");
  }
  if (scope->no_aggregates != NULL) {
    return note_error(c, node->location, "42803", NULL, "aggregate functions are not allowed in %s",
                      scope->no_aggregates);
  }
  if (scope->grouping == NULL) {
    return note_error(c, node->location, "42803", NULL,
                      "aggregate functions are not allowed in this place");
  }
  if (node->agg_within_group) {
    return note_error(c, node->location, "0A000", NULL,
                      "ordered-set aggregates (WITHIN GROUP) are not supported");
  }
  return true;
}

/* The arguments, in their own scope: inside, columns need no grouping. */
static bool aggregate_arguments(struct compiler *c, const PgQuery__FuncCall *node,
                                const struct scope *scope, struct expression_list *arguments,
                                struct expression *filter, struct expression_list *order) {
  struct query_grouping *grouping = scope->grouping;
  bool before = grouping != NULL && grouping->in_aggregate;
  if (grouping != NULL) grouping->in_aggregate = true;
  bool done = expression_translate_list(c, node->n_args, node->args, scope, arguments);
  if (done && node->agg_filter != NULL)
    done = expression_boolean(c, node->agg_filter, scope, "FILTER", filter);
  for (size_t i = 0; done && i < node->n_agg_order; i++) {
    done = expression_translate(c, node->agg_order[i]->sort_by->node, scope,
                                expression_list_add(c, order)) &&
           expression_settle(c, &order->items[i]);
  }
  if (grouping != NULL) grouping->in_aggregate = before;
  return done;
}

static bool aggregate_missing(struct compiler *c, enum overload choice, const char *name,
                              const struct expression_list *arguments, int location) {
  const char *types = "";
  for (int i = 0; i < arguments->count; i++) {
    types = compiler_format(c, "%s%s%s", types, i > 0 ? ", " : "",
                            expression_type_name(c, &arguments->items[i].type));
  }
  return note_error(c, location, choice == OVERLOAD_MANY ? "42725" : "42883",
                    "No function matches the given name and argument types. You might need to add "
                    "explicit type casts.",
                    choice == OVERLOAD_MANY ? "function %s(%s) is not unique"
                                            : "function %s(%s) does not exist",
                    name, types);
}

/* Finds the overload and converts the arguments; *result is what it returns. */
static bool aggregate_resolve(struct compiler *c, const char *name,
                              struct expression_list *arguments, int location,
                              struct sqltype *result) {
  type_code given[FUNCTION_ARGUMENTS_MAX], declared[FUNCTION_ARGUMENTS_MAX], code;
  const struct pg_aggregate_row *row = NULL;
  if (arguments->count > FUNCTION_ARGUMENTS_MAX)
    return aggregate_missing(c, OVERLOAD_NONE, name, arguments, location);
  for (int i = 0; i < arguments->count; i++) given[i] = operators_code(&arguments->items[i].type);
  enum overload choice = operators_find_aggregate(name, arguments->count, given, &row);
  if (choice != OVERLOAD_ONE) return aggregate_missing(c, choice, name, arguments, location);
  memcpy(declared, row->arguments, sizeof declared);
  code = row->result;
  const struct enum_def *labels = arguments->count > 0 ? arguments->items[0].type.labels : NULL;
  if (operators_is_indeterminate(arguments->count, given, declared)) {
    return note_error(c, location, "42804", NULL,
                      "could not determine polymorphic type because input has type unknown");
  }
  if (!operators_resolve(arguments->count, given, declared, &code)) {
    return aggregate_missing(c, OVERLOAD_NONE, name, arguments, location);
  }
  for (int i = 0; i < arguments->count; i++) {
    struct sqltype target = operators_type(declared[i]);
    struct expression *argument = &arguments->items[i];
    if (declared[i] == CODE_ANY) {
      if (!expression_settle(c, argument)) return false;
      continue;
    }
    if (ELEMENT_OF(declared[i]) >= CODE_NONE)
      return aggregate_missing(c, OVERLOAD_NONE, name, arguments, location);
    if (target.id == SQL_ENUM) target.labels = argument->type.labels;
    if (!expression_same_type(&argument->type, &target) &&
        !expression_convert(c, argument, &target, 'i'))
      return false;
  }
  *result = operators_type(code);
  if (result->id == SQL_ENUM) result->labels = labels;
  return true;
}

/* Can two equal values be spelled differently? Then min() and max() must pick the one that PostgreSQL does. */
static bool aggregate_has_spellings(const struct sqltype *type) {
  bool has_scale = type->id == SQL_NUMERIC && type->length >= 0;
  return (type->id == SQL_NUMERIC && !has_scale) || type->id == SQL_INTERVAL ||
         type->id == SQL_CITEXT || (type->id == SQL_BPCHAR && type->is_array);
}

static bool aggregate_is_extreme(const char *name) {
  return strcmp(name, "min") == 0 || strcmp(name, "max") == 0;
}

/* array_agg(), json_agg() and their like: the library's own, told the arguments' types. */
static const char *aggregate_typed(struct compiler *c, const char *name,
                                   const struct expression_list *arguments) {
  static const char *const typed[] = {"array_agg", "json_agg", "jsonb_agg", "json_object_agg",
                                      "jsonb_object_agg"};
  for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
    if (strcmp(typed[i], name) != 0) continue;
    const char *sql = compiler_format(c, "pg_%s(", name);
    for (int k = 0; k < arguments->count; k++) {
      sql = compiler_format(c, "%s%s$%d, %s", sql, k > 0 ? ", " : "", k + 1,
                            expression_runtime_type(c, &arguments->items[k].type, true));
    }
    return compiler_format(c, "%s)", sql);
  }
  if (aggregate_is_extreme(name) && aggregate_has_spellings(&arguments->items[0].type)) {
    return compiler_format(c, "pg_%s($1, %s)", name,
                           expression_runtime_type(c, &arguments->items[0].type, true));
  }
  return NULL;
}

/* name(args), with DISTINCT, ORDER BY and FILTER put where SQLite wants them. */
static const char *aggregate_sql(struct compiler *c, const PgQuery__FuncCall *node,
                                 const char *template, const struct expression_list *arguments,
                                 const struct expression *filter,
                                 const struct expression_list *order) {
  const char *call = expression_fill(c, template, "", arguments->count, arguments->items),
             *sort = "";
  int head = (int)strcspn(call, "(") + 1;
  for (int i = 0; i < order->count; i++) {
    sort = compiler_format(c, "%s%s%s", sort, i == 0 ? " ORDER BY " : ", ",
                           query_sort_item(c, node->agg_order[i]->sort_by, &order->items[i]));
  }
  const char *condition =
      filter->sql != NULL ? compiler_format(c, " FILTER (WHERE %s)", filter->sql) : "";
  /* The least and the greatest are the same with and without DISTINCT. */
  bool is_distinct = node->agg_distinct && strncmp(call, "pg_m", 4) != 0;
  return compiler_format(c, "%.*s%s%.*s%s)%s", head, call, is_distinct ? "DISTINCT " : "",
                         (int)strlen(call) - head - 1, call + head, sort, condition);
}

/* DISTINCT in an aggregate that gathers values: SQLite has it for calls of one argument alone, so the values are gathered in
** an array, of which pg_array_distinct() makes the sorted set that PostgreSQL's DISTINCT is. */
static bool aggregate_gather_distinct(struct compiler *c, const char *name,
                                      const PgQuery__FuncCall *node,
                                      const struct expression_list *arguments,
                                      const struct expression *filter,
                                      const struct expression_list *order, struct expression *out) {
  const struct expression *value = &arguments->items[0];
  bool is_text = strcmp(name, "string_agg") == 0 && value->type.id == SQL_TEXT;
  bool is_jsonb = strcmp(name, "jsonb_agg") == 0;
  if ((!is_text && !is_jsonb && strcmp(name, "array_agg") != 0) || value->type.is_array ||
      value->type.id == SQL_ENUM || (is_text && !arguments->items[1].is_literal)) {
    return note_error(c, node->location, "0A000", "Aggregate over a SELECT DISTINCT.",
                      "DISTINCT in this call of %s is not supported", name);
  }
  if (!expression_is_comparable(c, value, "an equality operator")) return false;
  for (int i = 0; i < order->count; i++) {
    const PgQuery__SortBy *sort = node->agg_order[i]->sort_by;
    if (strcmp(order->items[i].sql, value->sql) != 0) {
      return note_error(c, order->items[i].location, "42P10", NULL,
                        "in an aggregate with DISTINCT, ORDER BY expressions must appear in "
                        "argument list");
    }
    if (sort->sortby_dir == PG_QUERY__SORT_BY_DIR__SORTBY_DESC ||
        sort->sortby_nulls == PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_FIRST) {
      return note_error(c, node->location, "0A000", "Aggregate over a SELECT DISTINCT.",
                        "another order than the ascending one beside DISTINCT is not supported");
    }
  }
  const char *type = expression_runtime_type(c, &value->type, false), *condition = filter->sql;
  struct sqltype array = value->type;
  array.is_array = true;
  if (is_text) /* string_agg() passes over NULL */
    condition = condition == NULL
                    ? compiler_format(c, "%s IS NOT NULL", value->sql)
                    : compiler_format(c, "%s IS NOT NULL AND %s", value->sql, condition);
  out->sql = compiler_format(c,
                             condition == NULL
                                 ? "pg_array_distinct(pg_array_agg(%s, %s), %s)"
                                 : "pg_array_distinct(pg_array_agg(%s, %s) FILTER (WHERE %s), %s)",
                             value->sql, type, condition == NULL ? type : condition, type);
  if (is_text)
    out->sql =
        compiler_format(c, "pg_array_to_text(%s, %s, 'text')", out->sql, arguments->items[1].sql);
  if (is_jsonb)
    out->sql = compiler_format(c, "pg_to_jsonb(%s, %s)", out->sql,
                               expression_runtime_type(c, &array, true));
  out->uses_private = true;
  return true;
}

bool expression_aggregate(struct compiler *c, const char *name, const PgQuery__FuncCall *node,
                          const struct scope *scope, struct expression *out) {
  struct expression_list arguments = {0}, order = {0};
  struct expression filter = {0};
  struct sqltype result;
  if (!aggregate_is_allowed(c, node, scope) ||
      !aggregate_arguments(c, node, scope, &arguments, &filter, &order))
    return false;
  if (node->agg_star && strcmp(name, "count") != 0) {
    return note_error(c, node->location, "42809", NULL,
                      "%s(*) must be used to call a parameterless aggregate function", name);
  }
  if (!node->agg_star && node->n_args == 0) {
    return strcmp(name, "count") == 0
               ? note_error(c, node->location, "42809", NULL,
                            "count(*) must be used to call a parameterless aggregate function")
               : aggregate_missing(c, OVERLOAD_NONE, name, &arguments, node->location);
  }
  if (!aggregate_resolve(c, name, &arguments, node->location, &result)) return false;
  if (order.count > 0 && sqlite3_libversion_number() < 3044000) {
    return note_error(c, node->location, "0A000", "Build without LEDGER_SQLITE=system.",
                      "ORDER BY in an aggregate needs SQLite 3.44, this program has %s",
                      sqlite3_libversion());
  }
  *out = expression_make("", result, node->location);
  expression_absorb_list(out, &arguments);
  out->is_aggregate = true;
  bool gathers = strstr(name, "_agg") != NULL;
  if (node->agg_distinct && gathers)
    return aggregate_gather_distinct(c, name, node, &arguments, &filter, &order, out);
  const char *typed = arguments.count > 0 ? aggregate_typed(c, name, &arguments) : NULL;
  const char *template = node->agg_star  ? "count(*)"
                         : typed != NULL ? typed
                                         : aggregate_template(c, name, &arguments.items[0].type);
  if (template == NULL) {
    return note_error(c, node->location, "0A000",
                      "This function of PostgreSQL has no counterpart here.",
                      "aggregate %s is not supported for this type", name);
  }
  bool by_ordinal = result.id == SQL_ENUM && !result.is_array && aggregate_is_extreme(name);
  if (arguments.count > 0 && typed == NULL && strcmp(name, "string_agg") != 0) {
    /* SQLite's own min, max and DISTINCT go by the collation of their argument. */
    struct expression *first = &arguments.items[0];
    first->sql = by_ordinal ? expression_enum_ordinal(c, result.labels, first->sql)
                            : expression_collated(c, first);
  }
  out->sql = aggregate_sql(c, node, template, &arguments, &filter, &order);
  if (by_ordinal)
    out->sql = compiler_format(c, "(%s)", expression_enum_label(c, result.labels, out->sql));
  out->uses_private = out->uses_private || expression_private_text(out->sql);
  return true;
}

/* ---- windows */

static const struct {
  const char *name;
  enum sqltype_id result;
  int least, most;
} window_functions[] = {{"row_number", SQL_INT8, 0, 0},     {"rank", SQL_INT8, 0, 0},
                        {"dense_rank", SQL_INT8, 0, 0},     {"percent_rank", SQL_FLOAT8, 0, 0},
                        {"cume_dist", SQL_FLOAT8, 0, 0},    {"ntile", SQL_INT4, 1, 1},
                        {"lag", SQL_UNKNOWN, 1, 2},         {"lead", SQL_UNKNOWN, 1, 2},
                        {"first_value", SQL_UNKNOWN, 1, 1}, {"last_value", SQL_UNKNOWN, 1, 1},
                        {"nth_value", SQL_UNKNOWN, 2, 2}};

#define FRAME_NONDEFAULT 1

static bool window_clause(struct compiler *c, const PgQuery__WindowDef *window,
                          const struct scope *scope, const char **sql) {
  const char *text = "";
  if (window->name[0] != '\0' || window->refname[0] != '\0') {
    return note_error(c, window->location, "0A000", "Write the window at the call.",
                      "named windows are not supported");
  }
  if ((window->frame_options & FRAME_NONDEFAULT) != 0) {
    return note_error(c, window->location, "0A000", NULL,
                      "window frames (ROWS, RANGE, GROUPS) are not supported");
  }
  for (size_t i = 0; i < window->n_partition_clause; i++) {
    struct expression key;
    if (!expression_translate(c, window->partition_clause[i], scope, &key) ||
        !expression_settle(c, &key))
      return false;
    text = compiler_format(c, "%s%s%s", text, i == 0 ? "PARTITION BY " : ", ",
                           expression_collated(c, &key));
  }
  for (size_t i = 0; i < window->n_order_clause; i++) {
    const PgQuery__SortBy *sort = window->order_clause[i]->sort_by;
    struct expression key;
    if (!expression_translate(c, sort->node, scope, &key) || !expression_settle(c, &key))
      return false;
    text = compiler_format(c, "%s%s%s", text,
                           i == 0 ? (text[0] != '\0' ? " ORDER BY " : "ORDER BY ") : ", ",
                           query_sort_item(c, sort, &key));
  }
  *sql = text;
  return true;
}

bool expression_window(struct compiler *c, const char *name, const PgQuery__FuncCall *node,
                       const struct scope *scope, struct expression *out) {
  const char *window = NULL, *call = NULL;
  if (scope->no_aggregates != NULL) {
    return note_error(c, node->location, "42P20", NULL, "window functions are not allowed in %s",
                      scope->no_aggregates);
  }
  if (!window_clause(c, node->over, scope, &window)) return false;
  for (size_t i = 0; i < sizeof window_functions / sizeof window_functions[0]; i++) {
    if (strcmp(window_functions[i].name, name) != 0) continue;
    struct expression_list arguments = {0};
    if (!expression_translate_list(c, node->n_args, node->args, scope, &arguments)) return false;
    if (arguments.count < window_functions[i].least || arguments.count > window_functions[i].most) {
      return aggregate_missing(c, OVERLOAD_NONE, name, &arguments, node->location);
    }
    for (int k = 0; k < arguments.count; k++) {
      if (!expression_settle(c, &arguments.items[k])) return false;
    }
    struct sqltype type = window_functions[i].result == SQL_UNKNOWN
                              ? arguments.items[0].type
                              : expression_plain_type(window_functions[i].result);
    *out = expression_make("", type, node->location);
    expression_absorb_list(out, &arguments);
    call = expression_fill(c, compiler_format(c, "%s($*)", name), "", arguments.count,
                           arguments.items);
  }
  if (call == NULL) {
    static const char *const native[] = {"count",    "sum",     "avg",   "min",       "max",
                                         "bool_and", "bool_or", "every", "string_agg"};
    bool is_native = false;
    for (size_t i = 0; i < sizeof native / sizeof native[0]; i++)
      is_native = is_native || strcmp(native[i], name) == 0;
    PgQuery__FuncCall plain = *node;
    plain.over = NULL;
    if (!is_native || !expression_aggregate(c, name, &plain, scope, out)) {
      return is_native ? false
                       : note_error(c, node->location, "0A000", NULL,
                                    "window function %s is not supported", name);
    }
    call = out->sql;
    if (strncmp(call, "pg_sum_int2(", 12) == 0 || strncmp(call, "pg_sum_int4(", 12) == 0) {
      call = compiler_format(c, "sum%s", call + 11); /* SQLite's own cannot overflow on them */
    }
    if (call[0] == '(' || strncmp(call, "pg_", 3) == 0) {
      return note_error(c, node->location, "0A000", "Sum in a sub-select, or over integers.",
                        "%s over a window is not supported for this type", name);
    }
    out->is_aggregate = false;
  }
  out->sql = compiler_format(c, "(%s OVER (%s))", call, window);
  out->uses_private = out->uses_private || expression_private_text(out->sql);
  return true;
}
