/*
** expression_function: function calls. PostgreSQL's own by the tables of operators_function.c, those that need more than a
** table by name, the schema's SQL functions by putting their body in place of the call.
*/
#include "expression.h"
#include "ddl.h"

#include "../../ledger.h"

#define INLINE_DEPTH_MAX 16

/* ---- the functions of PostgreSQL */

static bool function_missing(struct compiler *c, enum overload choice, const char *name, int count,
                             const struct expression *arguments, int location) {
  const char *types = "";
  for (int i = 0; i < count; i++) {
    types = compiler_format(c, "%s%s%s", types, i > 0 ? ", " : "",
                            expression_type_name(c, &arguments[i].type));
  }
  if (choice == OVERLOAD_MANY) {
    return note_error(
        c, location, "42725",
        "Could not choose a best candidate function. You might need to add explicit type casts.",
        "function %s(%s) is not unique", name, types);
  }
  if (!operators_has_function(name) && operators_is_refused(name)) {
    return note_error(c, location, "0A000", "This function of PostgreSQL has no counterpart here.",
                      "function %s(%s) is not supported", name, types);
  }
  return note_error(c, location, "42883",
                    "No function matches the given name and argument types. You might need to add "
                    "explicit type casts.",
                    "function %s(%s) does not exist", name, types);
}

/* Converts the arguments to what the function declares; *result is its type. */
static bool function_convert(struct compiler *c, const char *name,
                             struct expression_list *arguments, type_code *declared,
                             type_code result_code, int location, struct sqltype *result) {
  type_code given[100];
  const struct enum_def *labels = NULL;
  for (int i = 0; i < arguments->count; i++) {
    given[i] = operators_code(&arguments->items[i].type);
    if (arguments->items[i].type.id == SQL_ENUM) labels = arguments->items[i].type.labels;
  }
  if (operators_is_indeterminate(arguments->count, given, declared)) {
    return note_error(c, location, "42804", NULL,
                      "could not determine polymorphic type because input has type unknown");
  }
  if (!operators_resolve(arguments->count, given, declared, &result_code)) {
    return function_missing(c, OVERLOAD_NONE, name, arguments->count, arguments->items, location);
  }
  for (int i = 0; i < arguments->count; i++) {
    struct expression *argument = &arguments->items[i];
    if (declared[i] == CODE_ANY) {
      if (!expression_settle(c, argument)) return false;
      continue;
    }
    struct sqltype target = operators_type(declared[i]);
    if (ELEMENT_OF(declared[i]) >= CODE_NONE) {
      return note_error(c, location, "0A000", NULL, "function %s of these types is not supported",
                        name);
    }
    if (target.id == SQL_ENUM) target.labels = labels;
    if (argument->type.id == SQL_CIDR && target.id == SQL_INET && !argument->type.is_array)
      continue;
    if (!expression_same_type(&argument->type, &target) &&
        !expression_convert(c, argument, &target, 'i'))
      return false;
  }
  *result = operators_type(result_code);
  if (result->id == SQL_ENUM) result->labels = labels;
  return true;
}

/* Functions whose result depends on a type that a stored value does not carry get its name as their last argument: that
** of the elements for functions of arrays, that of the whole value for to_json() and its like. */
static const struct typed_function {
  const char *source;
  int argument; /* whose type it is */
  bool is_whole;
} typed_functions[] = {{"array_append", 0, false},
                       {"array_prepend", 1, false},
                       {"array_cat", 0, false},
                       {"array_position", 0, false},
                       {"array_position_start", 0, false},
                       {"array_positions", 0, false},
                       {"array_remove", 0, false},
                       {"array_replace", 0, false},
                       {"array_to_text", 0, false},
                       {"array_to_text_null", 0, false},
                       {"trim_array", 0, false},
                       {"arraycontains", 0, false},
                       {"arraycontained", 0, false},
                       {"arrayoverlap", 0, false},
                       {"to_json", 0, true},
                       {"to_jsonb", 0, true},
                       {"array_to_json", 0, true},
                       {"width_bucket_array", 1, false}};

const char *expression_runtime_type(struct compiler *c, const struct sqltype *given,
                                    bool is_whole) {
  struct sqltype type = *given;
  if (!is_whole) type.is_array = false;
  if (type.id == SQL_ENUM || type.id == SQL_BPCHAR)
    type.id = SQL_TEXT; /* what they are without labels and length */
  return string_literal(c, expression_type_name(c, &type));
}

void expression_add_type(struct compiler *c, const char *source,
                         struct expression_list *arguments) {
  for (size_t i = 0; i < sizeof typed_functions / sizeof typed_functions[0]; i++) {
    const struct typed_function *typed = &typed_functions[i];
    if (strcmp(typed->source, source) != 0) continue;
    const char *name =
        expression_runtime_type(c, &arguments->items[typed->argument].type, typed->is_whole);
    *expression_list_add(c, arguments) = expression_make(name, expression_plain_type(SQL_TEXT), -1);
    return;
  }
}

/* Functions of VARIADIC "any" get each argument behind the name of its type. */
static void function_any_arguments(struct compiler *c, const char *source,
                                   struct expression_list *arguments) {
  struct expression_list pairs = {0};
  bool is_pairs = strncmp(source, "text_concat", 11) == 0 ||
                  strncmp(source, "text_format", 11) == 0 || strstr(source, "_build_") != NULL;
  bool has_head = strcmp(source, "text_concat_ws") == 0 || strncmp(source, "text_format", 11) == 0;
  if (!is_pairs) return;
  for (int i = 0; i < arguments->count; i++) {
    if (i > 0 || !has_head) {
      *expression_list_add(c, &pairs) =
          expression_make(expression_runtime_type(c, &arguments->items[i].type, true),
                          expression_plain_type(SQL_TEXT), -1);
    }
    *expression_list_add(c, &pairs) = arguments->items[i];
  }
  *arguments = pairs;
}

/* num_nulls() and num_nonnulls() are counted here. */
static const char *function_count_nulls(struct compiler *c, const char *source,
                                        const struct expression_list *arguments) {
  const char *sql = NULL, *test = strcmp(source, "pg_num_nulls") == 0 ? "IS NULL" : "IS NOT NULL";
  if (strcmp(source, "pg_num_nulls") != 0 && strcmp(source, "pg_num_nonnulls") != 0) return NULL;
  for (int i = 0; i < arguments->count; i++) {
    const char *one = compiler_format(c, "(%s %s)", arguments->items[i].sql, test);
    sql = sql == NULL ? one : compiler_format(c, "%s + %s", sql, one);
  }
  return compiler_format(c, "(%s)", sql);
}

/* enum_first() and its like ask for the type alone, but enum_range(least, greatest). NULL: another function. */
static const char *function_enum(struct compiler *c, const char *source,
                                 const struct expression_list *arguments) {
  if (strncmp(source, "enum_", 5) != 0) return NULL;
  const struct enum_def *labels = arguments->items[0].type.labels;
  const char *list = string_literal(c, expression_enum_list(c, labels));
  if (strcmp(source, "enum_range_all") == 0) return list;
  if (strcmp(source, "enum_range_bounds") == 0) {
    return compiler_format(
        c, "pg_array_slice(%s, coalesce(%s, 1), coalesce(%s, %d), 'text')", list,
        expression_enum_ordinal(c, labels, expression_collated(c, &arguments->items[0])),
        expression_enum_ordinal(c, labels, expression_collated(c, &arguments->items[1])),
        labels->count);
  }
  if (labels->count == 0) return "NULL";
  return string_literal(c,
                        labels->labels[strcmp(source, "enum_first") == 0 ? 0 : labels->count - 1]);
}

/* json_extract_path(j, 'a', 'b') gives its path as one array. */
static void function_path_arguments(struct compiler *c, const char *source,
                                    struct expression_list *arguments) {
  if (strstr(source, "_extract_path") == NULL || arguments->items[1].type.is_array) return;
  const char *path =
      expression_fill(c, "pg_array('text', $*)", "", arguments->count - 1, arguments->items + 1);
  arguments->items[1] = expression_make(path, operators_type(ARRAY_OF(SQL_TEXT)), -1);
  arguments->count = 2;
}

/* A template of a number that is written out is looked at now for what to_char() here does not know. */
static bool function_check_template(struct compiler *c, const char *source,
                                    const struct expression_list *arguments, int location) {
  static const char *const refused[] = {"EEEE", "L", "RN", "V"};
  bool is_quoted = false;
  if (strcmp(source, "numeric_to_char") != 0 && strcmp(source, "int4_to_char") != 0 &&
      strcmp(source, "int8_to_char") != 0)
    return true;
  const struct expression *template = &arguments->items[1];
  if (!template->is_literal || template->text == NULL) return true;
  for (const char *p = template->text; *p != '\0'; p++) {
    is_quoted = is_quoted != (*p == '"');
    for (size_t i = 0; !is_quoted && i < sizeof refused / sizeof refused[0]; i++) {
      if (sqlite3_strnicmp(p, refused[i], (int)strlen(refused[i])) != 0) continue;
      return note_error(c, template->location >= 0 ? template->location : location, "0A000",
                        "9 0 . D , G S MI PL SG PR TH FM and text in quotes can be used.",
                        "%s in a template of a number is not supported", refused[i]);
    }
  }
  return true;
}

static bool function_of_table(struct compiler *c, const char *name,
                              struct expression_list *arguments, int location,
                              struct expression *out) {
  type_code given[100], declared[100];
  const struct pg_function_row *row = NULL;
  if (arguments->count > 100)
    return note_error(c, location, "54023", NULL,
                      "cannot pass more than 100 arguments to a function");
  for (int i = 0; i < arguments->count; i++) given[i] = operators_code(&arguments->items[i].type);
  enum overload choice = operators_find_function(name, arguments->count, given, &row, declared);
  if (choice != OVERLOAD_ONE)
    return function_missing(c, choice, name, arguments->count, arguments->items, location);
  struct sqltype result;
  *out = expression_make("", expression_plain_type(SQL_TEXT), location);
  expression_absorb_list(out, arguments);
  if (!function_convert(c, name, arguments, declared, row->result, location, &result)) return false;
  const char *template = operators_template(row->source);
  if ((template != NULL && template[0] == '\0') ||
      ELEMENT_OF(operators_code(&result)) >= CODE_NONE) {
    return note_error(c, location, "0A000", "This function of PostgreSQL has no counterpart here.",
                      "function %s is not supported", name);
  }
  if (row->strict && row->volatility != 'v' &&
      expression_has_null(arguments->count, arguments->items)) {
    *out = expression_text_literal(c, NULL, location);
    out->type = result;
    return true;
  }
  if (!function_check_template(c, row->source, arguments, location)) return false;
  struct sqltype text =
      expression_plain_type(SQL_TEXT); /* quote_literal() of any type is of its text */
  if (strncmp(row->source, "@quote_", 7) == 0 &&
      !expression_convert(c, &arguments->items[0], &text, 'e'))
    return false;
  function_any_arguments(c, row->source, arguments);
  if (row->variadic) function_path_arguments(c, row->source, arguments);
  expression_add_type(c, row->source, arguments);
  expression_absorb_list(out, arguments);
  out->type = result;
  out->sql = function_count_nulls(c, row->source, arguments);
  if (out->sql == NULL) out->sql = function_enum(c, row->source, arguments);
  if (out->sql == NULL)
    out->sql = expression_fill(c, template, row->source, arguments->count, arguments->items);
  enum volatility volatility = row->volatility == 'v'   ? VOLATILE
                               : row->volatility == 's' ? STABLE
                                                        : IMMUTABLE;
  if (volatility > out->volatility) out->volatility = volatility;
  out->uses_private = out->uses_private || expression_private_text(out->sql);
  return true;
}

/* ---- those that need more than a table */

/* name(x) is a cast where name is a type and there is such a cast. */
static bool function_as_cast(struct compiler *c, const char *name,
                             struct expression_list *arguments, int location,
                             struct expression *out, bool *is_cast) {
  static const enum sqltype_id castable[] = {
      SQL_BOOLEAN, SQL_INT2,      SQL_INT4,        SQL_INT8,     SQL_FLOAT4, SQL_FLOAT8,
      SQL_NUMERIC, SQL_TEXT,      SQL_VARCHAR,     SQL_BPCHAR,   SQL_UUID,   SQL_DATE,
      SQL_TIME,    SQL_TIMESTAMP, SQL_TIMESTAMPTZ, SQL_INTERVAL, SQL_JSON,   SQL_JSONB,
      SQL_INET,    SQL_CIDR,      SQL_BYTEA,       SQL_CITEXT};
  static const char *const names[] = {
      "bool",    "int2",   "int4", "int8", "float4", "float8",    "numeric",     "text",
      "varchar", "bpchar", "uuid", "date", "time",   "timestamp", "timestamptz", "interval",
      "json",    "jsonb",  "inet", "cidr", "bytea",  "citext"};
  *is_cast = false;
  if (arguments->count != 1) return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], name) != 0) continue;
    struct sqltype target = expression_plain_type(castable[i]);
    if (arguments->items[0].type.id != SQL_UNKNOWN &&
        !expression_is_convertible(&arguments->items[0], &target, 'e'))
      break;
    *is_cast = true;
    *out = arguments->items[0];
    if (out->type.id != SQL_UNKNOWN) out->location = location;
    return expression_convert(c, out, &target, 'e');
  }
  return true;
}

static bool function_sequence(struct compiler *c, const char *name,
                              struct expression_list *arguments, int location,
                              struct expression *out) {
  struct sqltype type = expression_plain_type(SQL_REGCLASS);
  struct expression *sequence = &arguments->items[0];
  if (arguments->count != 1 || (sequence->type.id != SQL_REGCLASS && !sequence->is_literal)) {
    return note_error(c, location, "0A000", NULL,
                      "%s() is supported with one sequence's name alone", name);
  }
  if (sequence->type.id != SQL_REGCLASS) {
    sequence->type = expression_plain_type(SQL_UNKNOWN);
    if (!expression_convert(c, sequence, &type, 'i')) return false;
  }
  *out = expression_make(compiler_format(c, "pg_%s(%s)", name, sequence->sql),
                         expression_plain_type(SQL_INT8), location);
  out->volatility = VOLATILE;
  return true;
}

/* Calls without arguments that are a SQLite call of their own. */
static const struct fixed_function {
  const char *schema, *name, *sql;
  enum sqltype_id type;
  enum volatility volatility;
} fixed_functions[] = {
    {NULL, "now", "pg_now()", SQL_TIMESTAMPTZ, STABLE},
    {NULL, "transaction_timestamp", "pg_now()", SQL_TIMESTAMPTZ, STABLE},
    {NULL, "statement_timestamp", "pg_now()", SQL_TIMESTAMPTZ, STABLE},
    {NULL, "clock_timestamp", "pg_clock_timestamp()", SQL_TIMESTAMPTZ, VOLATILE},
    {NULL, "gen_random_uuid", "pg_uuid()", SQL_UUID, VOLATILE},
    {NULL, "uuid_generate_v4", "pg_uuid()", SQL_UUID, VOLATILE},
    {NULL, "uuid_generate_v1", "pg_uuid()", SQL_UUID, VOLATILE},
    {NULL, "uuid_nil", "'00000000-0000-0000-0000-000000000000'", SQL_UUID, IMMUTABLE},
    {NULL, "current_database", "'ledger'", SQL_NAME, STABLE},
    {NULL, "current_schema", "'public'", SQL_NAME, STABLE},
    {"auth", "uid", "pg_auth_uid()", SQL_UUID, STABLE},
    {"auth", "role", "pg_auth_role()", SQL_TEXT, STABLE},
    {"auth", "jwt", "pg_auth_jwt()", SQL_JSONB, STABLE},
    {"auth", "email", "pg_auth_email()", SQL_TEXT, STABLE}};

static const struct fixed_function *function_fixed(const char *schema, const char *name,
                                                   size_t count) {
  for (size_t i = 0; count == 0 && i < sizeof fixed_functions / sizeof fixed_functions[0]; i++) {
    const struct fixed_function *fixed = &fixed_functions[i];
    bool same_schema = fixed->schema == NULL ? schema == NULL || strcmp(schema, "auth") != 0
                                             : schema != NULL && strcmp(fixed->schema, schema) == 0;
    if (same_schema && strcmp(fixed->name, name) == 0) return fixed;
  }
  return NULL;
}

/* make_interval(days => 3) */
static bool function_make_interval(struct compiler *c, const PgQuery__FuncCall *node,
                                   const struct scope *scope, struct expression_list *arguments) {
  static const char *const names[] = {"years", "months", "weeks", "days", "hours", "mins", "secs"};
  for (int i = 0; i < 7; i++) {
    struct expression *zero = expression_list_add(c, arguments);
    *zero = expression_make("0", expression_plain_type(i < 6 ? SQL_INT4 : SQL_FLOAT8), -1);
    if (i == 6) zero->sql = "0.0";
  }
  for (size_t i = 0; i < node->n_args; i++) {
    int place = (int)i;
    const PgQuery__Node *value = node->args[i];
    if (value->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      for (place = 0; place < 7 && strcmp(names[place], value->named_arg_expr->name) != 0; place++)
        continue;
      value = value->named_arg_expr->arg;
    }
    if (place >= 7)
      return note_error(c, node->location, "42883", NULL,
                        "function make_interval with these arguments does not exist");
    if (!expression_translate(c, value, scope, &arguments->items[place])) return false;
  }
  return true;
}

/* ---- the schema's own functions */

static bool tree_has_sublink(void *context, PgQuery__Node *node) {
  bool *found = context;
  *found = *found || node->node_case == PG_QUERY__NODE__NODE_SUB_LINK;
  return !*found;
}

/* The body; what it reads as the function's owner is not marked. */
static bool function_body(struct compiler *c, const struct function_def *function,
                          const PgQuery__FuncCall *node, const struct scope *body,
                          struct expression *out) {
  if (function->body_select == NULL)
    return expression_translate(c, function->body_expression, body, out);
  struct query query;
  if (!query_translate(c, function->body_select, body, false, &query)) return false;
  if (query.column_count != 1) {
    return note_error(c, node->location, "0A000", NULL, "function %s returns more than one column",
                      function->name);
  }
  *out = expression_make(compiler_format(c, "(SELECT * FROM (%s) LIMIT 1)", query.sql),
                         query.types[0], node->location);
  return true;
}

static bool function_inline(struct compiler *c, const struct function_def *function,
                            const PgQuery__FuncCall *node, const struct scope *scope,
                            struct expression *out) {
  int depth = 0;
  for (const struct scope *level = scope; level != NULL;
       level = level->function != NULL ? level->caller : level->outer) {
    depth += level->function != NULL;
    if (level->function == function || depth > INLINE_DEPTH_MAX) {
      return note_error(c, node->location, "0A000", NULL, "function %s calls itself",
                        function->name);
    }
  }
  /* What the arguments name must not be caught by the tables of the body. */
  bool has_tables = function->body_select != NULL;
  if (!has_tables) tree_walk(&function->body_expression->base, tree_has_sublink, &has_tables);
  struct scope caller = *scope;
  if (has_tables && scope->bare) {
    caller = (struct scope){.outer = scope, .caller = scope->caller};
  }
  struct expression *arguments =
      compiler_alloc(c, sizeof *arguments * (size_t)(function->argument_count + 1));
  for (int i = 0; i < function->argument_count; i++) {
    if (!expression_translate(c, node->args[i], &caller, &arguments[i])) return false;
    if (!expression_is_convertible(&arguments[i], &function->argument_types[i], 'i')) {
      return function_missing(c, OVERLOAD_NONE, function->name, function->argument_count, arguments,
                              node->location);
    }
    if (!expression_convert(c, &arguments[i], &function->argument_types[i], 'i')) return false;
  }
  struct scope body = {.function = function, .arguments = arguments, .caller = scope};
  int marks = c->marks;
  if (marks == MARK_CALLER && function->is_definer) c->marks = MARK_OWNER;
  c->body_depth++;
  bool translated = function_body(c, function, node, &body, out);
  c->body_depth--;
  c->marks = marks;
  if (!translated) return false;
  out->location = node->location;
  if (!expression_convert(c, out, &function->result, 'a')) return false;
  out->is_literal = false;
  for (int i = 0; i < function->argument_count; i++) {
    expression_absorb(out, &arguments[i]);
    if (function->strict) {
      out->sql =
          compiler_format(c, "CASE WHEN %s IS NOT NULL THEN %s END", arguments[i].sql, out->sql);
    }
  }
  if (function->strict && function->argument_count > 0)
    out->sql = compiler_format(c, "(%s)", out->sql);
  return true;
}

static bool function_of_schema(struct compiler *c, const struct function_def *function,
                               const PgQuery__FuncCall *node, const struct scope *scope,
                               struct expression *out) {
  if (function->body_expression == NULL && function->body_select == NULL) {
    return note_error(c, node->location, "0A000", "Write it LANGUAGE sql with a single SELECT.",
                      "function %s is not written so that its calls can be translated",
                      function->name);
  }
  return function_inline(c, function, node, scope, out);
}

/* ---- calls */

static bool function_arguments(struct compiler *c, const PgQuery__FuncCall *node,
                               const struct scope *scope, struct expression_list *arguments) {
  for (size_t i = 0; i < node->n_args; i++) {
    if (node->args[i]->node_case == PG_QUERY__NODE__NODE_NAMED_ARG_EXPR) {
      return note_error(c, node->location, "0A000", "Give the arguments in order.",
                        "named arguments are not supported");
    }
  }
  return expression_translate_list(c, node->n_args, node->args, scope, arguments);
}

/* current_setting() of what the session knows. */
static bool function_call(struct compiler *c, const char *name, const PgQuery__FuncCall *node,
                          const struct scope *scope, struct expression *out) {
  struct expression_list arguments = {0};
  bool is_cast;
  if (strcmp(name, "make_interval") == 0) {
    return function_make_interval(c, node, scope, &arguments) &&
           function_of_table(c, name, &arguments, node->location, out);
  }
  if (!function_arguments(c, node, scope, &arguments)) return false;
  if ((strcmp(name, "nextval") == 0 || strcmp(name, "currval") == 0) && arguments.count > 0) {
    return function_sequence(c, name, &arguments, node->location, out);
  }
  if (!function_as_cast(c, name, &arguments, node->location, out, &is_cast)) return false;
  return is_cast || function_of_table(c, name, &arguments, node->location, out);
}

static bool is_set_returning(const char *name) {
  static const char *const names[] = {"generate_series",
                                      "unnest",
                                      "jsonb_array_elements",
                                      "jsonb_array_elements_text",
                                      "json_array_elements",
                                      "json_array_elements_text",
                                      "jsonb_object_keys",
                                      "json_object_keys",
                                      "jsonb_each",
                                      "jsonb_each_text",
                                      "json_each",
                                      "json_each_text",
                                      "regexp_split_to_table",
                                      "string_to_table",
                                      "regexp_matches",
                                      "generate_subscripts"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

bool expression_function(struct compiler *c, const PgQuery__FuncCall *node,
                         const struct scope *scope, struct expression *out) {
  const char *name = expression_name_part(node->funcname, node->n_funcname - 1);
  const char *schema =
      node->n_funcname > 1 ? expression_name_part(node->funcname, node->n_funcname - 2) : NULL;
  bool is_system = schema != NULL && strcmp(schema, "pg_catalog") == 0;
  const struct function_def *function =
      is_system ? NULL : find_function(c, schema, name, (int)node->n_args);
  const struct fixed_function *fixed = function_fixed(schema, name, node->n_args);
  if (node->func_variadic)
    return note_error(c, node->location, "0A000", NULL, "VARIADIC in a call is not supported");
  if (node->over != NULL) return expression_window(c, name, node, scope, out);
  /* The session's own functions stand before a definition of the same name that the schema brings along for PostgreSQL. */
  if (fixed != NULL && (fixed->schema != NULL || function == NULL)) {
    *out = expression_make(fixed->sql, expression_plain_type(fixed->type), node->location);
    out->volatility = fixed->volatility;
    return true;
  }
  if (function != NULL) return function_of_schema(c, function, node, scope, out);
  if (schema != NULL && !is_system && strcmp(schema, "public") != 0 &&
      strcmp(schema, "extensions") != 0) {
    return note_error(c, node->location, "42883", NULL, "function %s.%s does not exist", schema,
                      name);
  }
  if (operators_has_aggregate(name)) return expression_aggregate(c, name, node, scope, out);
  if (node->agg_star || node->agg_distinct || node->agg_filter != NULL || node->n_agg_order > 0 ||
      node->agg_within_group) {
    return note_error(c, node->location, operators_has_function(name) ? "42809" : "42883", NULL,
                      "%s is not an aggregate function", name);
  }
  if (is_set_returning(name)) {
    return note_error(c, node->location, "0A000", "Call it in FROM.",
                      "%s() returns a set and may stand in FROM alone", name);
  }
  return function_call(c, name, node, scope, out);
}

bool expression_value_function(struct compiler *c, const PgQuery__SQLValueFunction *node,
                               struct expression *out) {
  struct sqltype target = expression_plain_type(SQL_TIMESTAMPTZ);
  bool has_precision = false;
  *out = expression_make("pg_now()", target, node->location);
  out->volatility = STABLE;
  switch (node->op) {
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE: target.id = SQL_DATE; break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N: has_precision = true; break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP: break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
    has_precision = true;
    target.id = SQL_TIMESTAMP;
    break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP: target.id = SQL_TIMESTAMP; break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME_N:
    has_precision = true;
    target.id = SQL_TIME;
    break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIME: target.id = SQL_TIME; break;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_ROLE:
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_USER:
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_USER:
    if (c->marks == MARK_OWNER) {
      return note_error(c, node->location, "0A000", "Hand it over as an argument.",
                        "current_user within a SECURITY DEFINER function is its owner, who has no "
                        "name here");
    }
    *out = expression_make("pg_current_user()", expression_plain_type(SQL_NAME), node->location);
    out->volatility = STABLE;
    return true;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_SCHEMA:
    *out = expression_make("'public'", expression_plain_type(SQL_NAME), node->location);
    return true;
  default:
    return note_error(c, node->location, "0A000", NULL,
                      "this session value (CURRENT_TIME, SESSION_USER, ...) is not supported");
  }
  if (has_precision) target.length = node->typmod > 6 ? 6 : node->typmod;
  return expression_convert(c, out, &target, 'e');
}
