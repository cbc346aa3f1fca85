/*
** ddl_function: CREATE FUNCTION. A function whose body is one expression is inlined where it is called; a trigger function
** is read when a trigger names it (plpgsql.c); any other has no effect on stored rows and is kept for the export alone.
*/
#include "ddl.h"

struct function_options {
  const char *language, *body;
  int body_location; /* of the word AS */
};

static void function_read_options(struct function_def *function,
                                  const PgQuery__CreateFunctionStmt *statement,
                                  struct function_options *options) {
  function->volatility = VOLATILE;
  options->language = "sql";
  for (size_t i = 0; i < statement->n_options; i++) {
    const PgQuery__DefElem *option = statement->options[i]->def_elem;
    if (strcmp(option->defname, "language") == 0) options->language = node_string(option->arg);
    if (strcmp(option->defname, "strict") == 0) function->strict = option->arg->boolean->boolval;
    if (strcmp(option->defname, "security") == 0)
      function->is_definer = option->arg->boolean->boolval;
    if (strcmp(option->defname, "volatility") == 0) {
      const char *word = node_string(option->arg);
      function->volatility = strcmp(word, "immutable") == 0 ? IMMUTABLE
                             : strcmp(word, "stable") == 0  ? STABLE
                                                            : VOLATILE;
    }
    if (strcmp(option->defname, "as") == 0 && option->arg->node_case == PG_QUERY__NODE__NODE_LIST &&
        option->arg->list->n_items == 1) {
      options->body = node_string(option->arg->list->items[0]);
      options->body_location = option->location;
    }
  }
}

static const char *function_type_word(const PgQuery__TypeName *type) {
  const char *name =
      type != NULL && type->n_names > 0 ? node_string(type->names[type->n_names - 1]) : NULL;
  return name != NULL ? name : "";
}

const char *function_signature_of(struct compiler *c, size_t count, PgQuery__Node *const *types) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (size_t i = 0; i < count; i++) {
    const PgQuery__TypeName *type = types[i]->type_name;
    if (i > 0) sqlite3_str_appendall(out, ", ");
    for (size_t k = 0; k < type->n_names; k++)
      sqlite3_str_appendf(out, "%s\"%w\"", k > 0 ? "." : "", node_string(type->names[k]));
    if (type->n_array_bounds > 0) sqlite3_str_appendall(out, "[]");
  }
  return compiler_take(c, out);
}

struct function_def *function_find_exact(struct compiler *c, const char *schema, const char *name,
                                         const char *signature) {
  for (int i = 0; i < c->model->function_count; i++) {
    struct function_def *found = c->model->functions[i];
    if (strcmp(found->name, name) == 0 && strcmp(found->signature, signature) == 0 &&
        find_function(c, schema, name, found->argument_count) != NULL &&
        (schema == NULL || strcmp(found->schema, schema) == 0))
      return found;
  }
  return NULL;
}

static const char *function_signature(struct compiler *c,
                                      const PgQuery__CreateFunctionStmt *statement) {
  PgQuery__Node **types = compiler_alloc(c, (statement->n_parameters + 1) * sizeof *types);
  size_t count = 0;
  for (size_t i = 0; i < statement->n_parameters; i++) {
    const PgQuery__FunctionParameter *parameter = statement->parameters[i]->function_parameter;
    if (parameter->mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_OUT ||
        parameter->mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_TABLE)
      continue;
    tree_qualify(c, &parameter->arg_type->base);
    types[count] = compiler_alloc(c, sizeof **types);
    pg_query__node__init(types[count]);
    types[count]->node_case = PG_QUERY__NODE__NODE_TYPE_NAME;
    types[count++]->type_name = parameter->arg_type;
  }
  return function_signature_of(c, count, types);
}

/* Plain IN arguments of known types; false where it cannot be inlined. */
static bool function_arguments(struct compiler *c, struct function_def *function,
                               const PgQuery__CreateFunctionStmt *statement) {
  bool is_plain = true;
  bool was_quiet = c->quiet;
  function->argument_types =
      compiler_alloc(c, (statement->n_parameters + 1) * sizeof *function->argument_types);
  function->argument_names =
      compiler_alloc(c, (statement->n_parameters + 1) * sizeof *function->argument_names);
  c->quiet = true;
  for (size_t i = 0; i < statement->n_parameters; i++) {
    const PgQuery__FunctionParameter *parameter = statement->parameters[i]->function_parameter;
    bool is_in = parameter->mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_IN ||
                 parameter->mode == PG_QUERY__FUNCTION_PARAMETER_MODE__FUNC_PARAM_DEFAULT;
    if (!is_in) {
      is_plain = false;
      continue;
    }
    if (parameter->defexpr != NULL) is_plain = false;
    if (!sqltype_resolve(c, parameter->arg_type,
                         &function->argument_types[function->argument_count]))
      is_plain = false;
    if (parameter->name != NULL && parameter->name[0] != '\0')
      function->argument_names[function->argument_count] = parameter->name;
    function->argument_count++;
  }
  const char *word = function_type_word(statement->return_type);
  if (statement->return_type == NULL || statement->return_type->setof || strcmp(word, "void") == 0)
    is_plain = false;
  else if (!function->is_trigger && !sqltype_resolve(c, statement->return_type, &function->result))
    is_plain = false;
  c->quiet = was_quiet;
  c->trial.sqlstate[0] = '\0';
  return is_plain;
}

static bool function_is_one_expression(const PgQuery__SelectStmt *select) {
  return select->n_target_list == 1 && select->n_from_clause == 0 && select->where_clause == NULL &&
         select->with_clause == NULL && select->n_group_clause == 0 &&
         select->having_clause == NULL && select->n_values_lists == 0 &&
         select->limit_count == NULL && select->op == PG_QUERY__SET_OPERATION__SETOP_NONE;
}

/* The body as one expression or one SELECT. */
static bool function_inline(struct compiler *c, struct function_def *function,
                            const PgQuery__CreateFunctionStmt *statement) {
  PgQuery__Node *node = statement->sql_body;
  if (node != NULL && node->node_case == PG_QUERY__NODE__NODE_RETURN_STMT) {
    function->body_expression = node->return_stmt->returnval;
    tree_qualify(c, &node->base);
    return true;
  }
  if (function->body == NULL) return false;
  if (strcmp(function->language, "plpgsql") == 0) {
    const char *returned = plpgsql_returned(c, function->definition);
    node = returned != NULL ? parse_expression(c, returned, function->location) : NULL;
    if (node != NULL) tree_qualify(c, &node->base);
    function->body_expression = node;
    return node != NULL;
  }
  PgQuery__ParseResult *tree = parse_text_at(c, function->body, function->location);
  if (tree == NULL || tree->n_stmts != 1 ||
      tree->stmts[0]->stmt->node_case != PG_QUERY__NODE__NODE_SELECT_STMT)
    return false;
  const PgQuery__SelectStmt *select = tree->stmts[0]->stmt->select_stmt;
  tree_qualify(c, &tree->base);
  if (function_is_one_expression(select))
    function->body_expression = select->target_list[0]->res_target->val;
  else if (select->n_target_list == 1)
    function->body_select = select;
  else
    return false;
  return true;
}

/* Where the body's text begins in the statement: behind AS and its opening quote. */
static int function_body_location(const char *statement, int as_location) {
  const char *p = statement + as_location + 2;
  while (*p != '\0' && *p != '$' && *p != '\'') p++;
  if (*p == '$') p = strchr(p + 1, '$');
  return p == NULL || *p == '\0' ? as_location : (int)(p + 1 - statement);
}

/* As the file has it, under its whole name. */
static const char *function_definition(struct compiler *c,
                                       const PgQuery__CreateFunctionStmt *statement,
                                       const char *schema) {
  PgQuery__CreateFunctionStmt *copy = compiler_alloc(c, sizeof *copy);
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  PgQuery__Node **names = compiler_alloc(c, 2 * sizeof *names);
  bool was_quiet = c->quiet;
  *copy = *statement;
  names[0] = node_of_string(c, schema);
  names[1] = statement->funcname[statement->n_funcname - 1];
  copy->n_funcname = 2;
  copy->funcname = names;
  node.node_case = PG_QUERY__NODE__NODE_CREATE_FUNCTION_STMT;
  node.create_function_stmt = copy;
  c->quiet = true;
  const char *text = deparse_statement(c, &node);
  c->quiet = was_quiet;
  c->trial.sqlstate[0] = '\0';
  return text != NULL ? text : ddl_of(c)->statement;
}

static bool function_refused(struct compiler *c, const struct function_def *function,
                             const PgQuery__CreateFunctionStmt *statement) {
  static const char hint[] =
      "take it out, or compile with --lenient, which keeps it for PostgreSQL alone";
  const char *word = function_type_word(statement->return_type);
  if (statement->is_procedure)
    ddl_leave_out(c, 0, hint, "procedure \"%s\" is not supported: procedures are not run",
                  function->name);
  else if (strcmp(word, "event_trigger") == 0)
    ddl_leave_out(c, 0, hint, "function \"%s\" is for event triggers, which a file has not",
                  function->name);
  else if (strcmp(function->language, "sql") != 0 && strcmp(function->language, "plpgsql") != 0) {
    ddl_leave_out(c, 0, hint, "function \"%s\" is written in %s, which is not run here",
                  function->name, function->language);
  } else {
    ddl_leave_out(c, 0, hint,
                  "function \"%s\" is no trigger function and not one expression, so that calls of "
                  "it cannot be translated",
                  function->name);
  }
  return !c->options->lenient;
}

/* Calls name a function and count its arguments: of two that agree in both, neither is inlined. */
static bool function_overloads(struct compiler *c, struct function_def *made) {
  struct function_def *other = find_function(c, made->schema, made->name, made->argument_count);
  bool is_called = made->body_expression != NULL || made->body_select != NULL;
  if (other == NULL || made->is_trigger) return true;
  if (is_called || other->body_expression != NULL || other->body_select != NULL) {
    ddl_leave_out(
        c, 0,
        "give it another name, or compile with --lenient, which keeps both for PostgreSQL "
        "alone",
        "function \"%s\" has two forms of %d arguments, which calls cannot tell apart here",
        made->name, made->argument_count);
    if (!c->options->lenient) return false;
  }
  other->body_expression = made->body_expression = NULL;
  other->body_select = made->body_select = NULL;
  return true;
}

void ddl_create_function(struct compiler *c, const PgQuery__CreateFunctionStmt *statement) {
  struct function_def made = {0};
  struct function_options options = {0};
  if (!names_of_list(c, statement->n_funcname, statement->funcname, &made.schema, &made.name) ||
      !name_check(c, 0, "function", made.name)) {
    return;
  }
  function_read_options(&made, statement, &options);
  made.language = options.language;
  made.body = options.body;
  made.place = place_here(c, 0);
  made.location = options.body != NULL
                      ? function_body_location(ddl_of(c)->statement, options.body_location)
                      : 0;
  made.is_trigger = strcmp(function_type_word(statement->return_type), "trigger") == 0;
  if (made.is_trigger) made.result = (struct sqltype){.id = SQL_TRIGGER, .length = -1};
  made.definition = function_definition(c, statement, made.schema);
  made.signature = function_signature(c, statement);
  bool is_plain = function_arguments(c, &made, statement);
  bool is_auth =
      strcmp(made.schema, "auth") == 0; /* uid(), role(), jwt(), email(): known natively */
  if (!made.is_trigger && !is_auth) {
    bool was_quiet = c->quiet;
    c->quiet = true;
    bool is_inlined =
        is_plain && !statement->is_procedure &&
        (strcmp(made.language, "sql") == 0 || strcmp(made.language, "plpgsql") == 0) &&
        function_inline(c, &made, statement);
    c->quiet = was_quiet;
    c->trial.sqlstate[0] = '\0';
    if (!is_inlined && function_refused(c, &made, statement)) return;
  }
  struct function_def *function = function_find_exact(c, made.schema, made.name, made.signature);
  if (function == NULL && !function_overloads(c, &made)) return;
  if (function != NULL && !statement->replace) {
    note_error(c, 0, "42723", NULL, "function \"%s\" already exists with same argument types",
               made.name);
    return;
  }
  if (function == NULL) {
    function = compiler_alloc(c, sizeof *function);
    *APPEND(c, c->model->functions, c->model->function_count) = function;
  }
  *function = made;
}
