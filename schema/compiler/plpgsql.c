/*
** plpgsql: the body of a PL/pgSQL trigger function, flattened into steps with conditions: assign, raise, insert. Control
** flow is followed at compile time; TG_OP is known for each event. What has no such form is refused at its line.
*/
#include "ddl.h"

#include <cjson/cJSON.h>

struct plpgsql {
  struct compiler *c;
  const struct trigger_def *trigger;
  const struct function_def *function;
  const char *event;
  const cJSON *datums;
  int new_number, old_number; /* datums of NEW and OLD */
  const char *path; /* SQL condition under which the current statement is reached; NULL: always */
  int path_begin;   /* steps made before the path's first condition was evaluated */
  bool is_dead;     /* the current statement is never reached */
  int count;
  struct trigger_step *steps;
  int location; /* of the current statement */
};

/* ---- reading the JSON */

static const char *plpgsql_text(const cJSON *object, const char *name) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsString(item) ? item->valuestring : NULL;
}

static int plpgsql_number(const cJSON *object, const char *name, int missing) {
  const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
  return cJSON_IsNumber(item) ? item->valueint : missing;
}

/* The query of {"name": {"PLpgSQL_expr": {"query": ...}}}. */
static const char *plpgsql_query(const cJSON *object, const char *name) {
  const cJSON *holder = cJSON_GetObjectItemCaseSensitive(object, name);
  const char *query =
      plpgsql_text(cJSON_GetObjectItemCaseSensitive(holder, "PLpgSQL_expr"), "query");
  return query;
}

/* Parses a CREATE FUNCTION or DO statement; the tree is the caller's to delete. */
static cJSON *plpgsql_parse(struct compiler *c, const char *statement, int location) {
  PgQueryPlpgsqlParseResult parsed = pg_query_parse_plpgsql(statement);
  cJSON *tree = parsed.error == NULL ? cJSON_Parse(parsed.plpgsql_funcs) : NULL;
  if (parsed.error != NULL)
    note_error(c, location, "42601", NULL, "%s", parsed.error->message);
  else if (tree == NULL)
    note_error(c, location, "0A000", NULL, "the body of the function could not be read");
  pg_query_free_plpgsql_parse_result(parsed);
  return tree;
}

static const cJSON *plpgsql_function(const cJSON *tree) {
  return cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(tree, 0), "PLpgSQL_function");
}

static const cJSON *plpgsql_body(const cJSON *function) {
  return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(function, "action"),
                                          "PLpgSQL_stmt_block");
}

/* The first word of a body's line, as an offset in the CREATE FUNCTION statement. */
static int plpgsql_line_location(const struct plpgsql *p, int line) {
  const struct schema_file *file = p->c->file;
  size_t at = (size_t)p->c->statement_start + (size_t)p->function->location;
  for (; line > 1 && at < file->length; at++) line -= file->text[at] == '\n';
  while (at < file->length && (file->text[at] == ' ' || file->text[at] == '\t')) at++;
  return (int)(at - (size_t)p->c->statement_start);
}

/* ---- expressions over NEW and OLD */

static void plpgsql_constant(struct compiler *c, PgQuery__Node *node, const char *text) {
  PgQuery__AConst *constant = compiler_alloc(c, sizeof *constant);
  pg_query__a__const__init(constant);
  if (text == NULL) {
    constant->isnull = 1;
  } else {
    PgQuery__String *string = compiler_alloc(c, sizeof *string);
    pg_query__string__init(string);
    string->sval = compiler_copy(c, text);
    constant->val_case = PG_QUERY__A__CONST__VAL_SVAL;
    constant->sval = string;
  }
  constant->location = node->column_ref->location;
  node->node_case = PG_QUERY__NODE__NODE_A_CONST;
  node->a_const = constant;
}

/* TG_OP and its kin are constants; OLD of an INSERT and NEW of a DELETE are NULL in every field. */
static bool plpgsql_substitute(void *context, PgQuery__Node *node) {
  const struct plpgsql *p = context;
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return true;
  const PgQuery__ColumnRef *reference = node->column_ref;
  const char *first = node_string(reference->fields[0]);
  if (first == NULL) return true;
  if (reference->n_fields == 1) {
    const struct relation_def *relation = p->trigger->relation;
    if (strcmp(first, "tg_op") == 0)
      plpgsql_constant(p->c, node, p->event);
    else if (strcmp(first, "tg_table_name") == 0 || strcmp(first, "tg_relname") == 0)
      plpgsql_constant(p->c, node, relation->name);
    else if (strcmp(first, "tg_table_schema") == 0)
      plpgsql_constant(p->c, node, relation->schema);
    else if (strcmp(first, "tg_name") == 0)
      plpgsql_constant(p->c, node, p->trigger->name);
    else if (strcmp(first, "tg_when") == 0)
      plpgsql_constant(p->c, node, p->trigger->before ? "BEFORE" : "AFTER");
    else if (strcmp(first, "tg_level") == 0)
      plpgsql_constant(p->c, node, "ROW");
  } else if ((strcmp(first, "old") == 0 && strcmp(p->event, "INSERT") == 0) ||
             (strcmp(first, "new") == 0 && strcmp(p->event, "DELETE") == 0)) {
    plpgsql_constant(p->c, node, NULL);
  }
  return true;
}

static struct scope plpgsql_scope(struct plpgsql *p) {
  struct scope_entry *entries = compiler_alloc(p->c, 2 * sizeof *entries);
  int count = 0;
  if (strcmp(p->event, "DELETE") != 0)
    entries[count++] = (struct scope_entry){
        .alias = "new", .relation = p->trigger->relation, .qualified_only = true};
  if (strcmp(p->event, "INSERT") != 0)
    entries[count++] = (struct scope_entry){
        .alias = "old", .relation = p->trigger->relation, .qualified_only = true};
  return (struct scope){.count = count, .entries = entries};
}

static PgQuery__Node *plpgsql_expression(struct plpgsql *p, const char *text) {
  PgQuery__Node *node = parse_expression(p->c, text, p->location);
  if (node == NULL) return NULL;
  /* Places within the expression's own text mean nothing in the file: all faults are at the statement's line. */
  plpgsql_substitute(p, node);
  tree_walk(&node->base, plpgsql_substitute, p);
  tree_qualify(p->c, &node->base);
  return node;
}

/* Faults of an expression are noted at the statement that has it. */
static bool plpgsql_translate(struct plpgsql *p, const PgQuery__Node *node, const char *clause,
                              struct expression *out) {
  struct compiler *c = p->c;
  struct scope scope = plpgsql_scope(p);
  bool was_quiet = c->quiet;
  c->quiet = true;
  c->trial.sqlstate[0] = '\0';
  bool translated = clause != NULL ? expression_boolean(c, node, &scope, clause, out)
                                   : expression_translate(c, node, &scope, out);
  c->quiet = was_quiet;
  if (translated) return true;
  char sqlstate[6], message[sizeof c->trial.message];
  memcpy(sqlstate, c->trial.sqlstate, sizeof sqlstate);
  memcpy(message, c->trial.message, sizeof message);
  c->trial.sqlstate[0] = '\0';
  return note_error(c, p->location, sqlstate[0] != '\0' ? sqlstate : "0A000", NULL,
                    "in function %s: %s", p->function->name, message);
}

/* ---- conditions */

static const char *plpgsql_and(struct compiler *c, const char *a, const char *b) {
  if (a == NULL) return b;
  return b == NULL ? a : compiler_format(c, "(%s AND %s)", a, b);
}

/* What a condition of constants amounts to: 1, 0, or -1 when it depends on the row. */
static int plpgsql_fold(const PgQuery__Node *node) {
  if (node->node_case == PG_QUERY__NODE__NODE_BOOL_EXPR) {
    const PgQuery__BoolExpr *expression = node->bool_expr;
    bool is_and = expression->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR, all_known = true;
    if (expression->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR) {
      int inner = plpgsql_fold(expression->args[0]);
      return inner < 0 ? -1 : !inner;
    }
    for (size_t i = 0; i < expression->n_args; i++) {
      int value = plpgsql_fold(expression->args[i]);
      if (value == (is_and ? 0 : 1)) return value;
      all_known = all_known && value >= 0;
    }
    return all_known ? is_and : -1;
  }
  if (node->node_case != PG_QUERY__NODE__NODE_A_EXPR) return -1;
  const PgQuery__AExpr *expression = node->a_expr;
  const PgQuery__Node *left = expression->lexpr, *right = expression->rexpr;
  const char *name = expression->n_name == 1 ? node_string(expression->name[0]) : NULL;
  if (name == NULL || left == NULL || left->node_case != PG_QUERY__NODE__NODE_A_CONST ||
      left->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
    return -1;
  const char *value = left->a_const->sval->sval;
  bool is_equal = strcmp(name, "=") == 0;
  if (!is_equal && strcmp(name, "<>") != 0) return -1;
  if (expression->kind == PG_QUERY__A__EXPR__KIND__AEXPR_OP &&
      right->node_case == PG_QUERY__NODE__NODE_A_CONST &&
      right->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL) {
    return (strcmp(value, right->a_const->sval->sval) == 0) == is_equal;
  }
  if (expression->kind != PG_QUERY__A__EXPR__KIND__AEXPR_IN ||
      right->node_case != PG_QUERY__NODE__NODE_LIST)
    return -1;
  for (size_t i = 0; i < right->list->n_items; i++) {
    const PgQuery__Node *item = right->list->items[i];
    if (item->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        item->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
      return -1;
    if (strcmp(value, item->a_const->sval->sval) == 0) return is_equal;
  }
  return !is_equal;
}

/* ---- steps */

static bool plpgsql_mentions_new(struct compiler *c, const char *sql, const char *column) {
  return sql != NULL && column != NULL &&
         strstr(sql, compiler_format(c, "\"new\".%s", quoted(c, column))) != NULL;
}

/*
** A step's condition is evaluated when the step is, PL/pgSQL's IF once for all of its branch: they differ when a step
** before this one changes a column that the condition reads. Then this step goes before that one, if neither needs the other.
*/
static bool plpgsql_add(struct plpgsql *p, const struct trigger_step *step) {
  struct compiler *c = p->c;
  int at = p->count;
  for (int i = p->path_begin; i < p->count && at == p->count; i++) {
    if (p->steps[i].kind == 'a' && plpgsql_mentions_new(c, p->path, p->steps[i].column)) at = i;
  }
  for (int i = at; i < p->count; i++) {
    const struct trigger_step *other = &p->steps[i];
    bool is_free = other->kind == 'a' && step->kind == 'a' &&
                   strcmp(other->column, step->column) != 0 &&
                   !plpgsql_mentions_new(c, step->expression_sql, other->column) &&
                   !plpgsql_mentions_new(c, other->expression_sql, step->column) &&
                   !plpgsql_mentions_new(c, other->condition_sql, step->column);
    if (!is_free) {
      return note_error(c, p->location, "0A000",
                        "assign to the columns that the condition reads last",
                        "function %s changes a column of NEW that the IF around it has read, which "
                        "SQLite would read again",
                        p->function->name);
    }
  }
  *APPEND(c, p->steps, p->count) = *step;
  for (int i = p->count - 1; i > at; i--) p->steps[i] = p->steps[i - 1];
  p->steps[at] = *step;
  p->steps[at].condition_sql = p->path;
  return true;
}

static const char *plpgsql_assigned(const struct plpgsql *p, int number) {
  const cJSON *field =
      cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(p->datums, number), "PLpgSQL_recfield");
  if (field == NULL || plpgsql_number(field, "recparentno", -1) != p->new_number) return NULL;
  return plpgsql_text(field, "fieldname");
}

/* "NEW.a := expression": behind the sign, which stands outside quotes. */
static const char *plpgsql_right_side(const char *text) {
  bool in_quotes = false;
  for (; *text != '\0'; text++) {
    if (*text == '"') in_quotes = !in_quotes;
    if (*text == '=' && !in_quotes) return text + 1;
  }
  return text;
}

static bool plpgsql_assign(struct plpgsql *p, const cJSON *statement) {
  struct compiler *c = p->c;
  const char *query = plpgsql_query(statement, "expr");
  const char *name = plpgsql_assigned(p, plpgsql_number(statement, "varno", -1));
  struct trigger_step step = {.kind = 'a'};
  struct expression value;
  if (name == NULL || query == NULL) {
    return note_error(c, p->location, "0A000", "write the expression where the variable is used",
                      "function %s uses a variable; only NEW can be assigned to",
                      p->function->name);
  }
  const struct column_def *column = find_column(p->trigger->relation, name);
  if (column == NULL)
    return note_error(c, p->location, "42703", NULL, "record \"new\" has no field \"%s\"", name);
  if (column->generated_node != NULL)
    return note_error(c, p->location, "428C9", NULL,
                      "column \"%s\" is generated and cannot be assigned to", name);
  if (!p->trigger->before || strcmp(p->event, "DELETE") == 0) {
    note(c, SCHEMA_HINT, p->location, "make it a BEFORE trigger",
         "trigger \"%s\": assigning to NEW has no effect here", p->trigger->name);
    return true;
  }
  PgQuery__Node *node = plpgsql_expression(p, plpgsql_right_side(query));
  if (node == NULL || !plpgsql_translate(p, node, NULL, &value)) return false;
  value.location = p->location;
  if (!expression_coerce(c, &value, &column->type, false)) return false;
  step.column = column->name;
  step.expression_sql = value.sql;
  step.is_stable = value.volatility != IMMUTABLE;
  step.plain_sql = default_plain_now_of(c, node, column);
  return plpgsql_add(p, &step);
}

/* ---- RAISE */

static const char *plpgsql_sqlstate(const char *name) {
  static const struct {
    const char *name, *sqlstate;
  } conditions[] = {
      {"raise_exception", "P0001"},
      {"check_violation", "23514"},
      {"unique_violation", "23505"},
      {"foreign_key_violation", "23503"},
      {"not_null_violation", "23502"},
      {"restrict_violation", "23001"},
      {"integrity_constraint_violation", "23000"},
      {"insufficient_privilege", "42501"},
      {"invalid_parameter_value", "22023"},
      {"data_exception", "22000"},
      {"numeric_value_out_of_range", "22003"},
      {"object_not_in_prerequisite_state", "55000"},
      {"feature_not_supported", "0A000"},
      {"invalid_text_representation", "22P02"},
      {"no_data_found", "P0002"},
      {"too_many_rows", "P0003"},
      {"exclusion_violation", "23P01"},
      {"undefined_object", "42704"},
      {"duplicate_object", "42710"},
      {"program_limit_exceeded", "54000"},
      {"invalid_authorization_specification", "28000"},
  };
  for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
    if (sqlite3_stricmp(conditions[i].name, name) == 0) return conditions[i].sqlstate;
  }
  if (strlen(name) == 5 && strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5) return name;
  return NULL;
}

static const char *plpgsql_constant_text(struct plpgsql *p, const char *text) {
  PgQuery__Node *node = text != NULL ? plpgsql_expression(p, text) : NULL;
  if (node == NULL || node->node_case != PG_QUERY__NODE__NODE_A_CONST) return NULL;
  if (node->a_const->val_case == PG_QUERY__A__CONST__VAL_SVAL)
    return compiler_copy(p->c, node->a_const->sval->sval);
  if (node->a_const->val_case == PG_QUERY__A__CONST__VAL_IVAL)
    return compiler_format(p->c, "%d", node->a_const->ival->ival);
  return node->a_const->val_case == PG_QUERY__A__CONST__VAL_FVAL
             ? compiler_copy(p->c, node->a_const->fval->fval)
             : NULL;
}

/* The format with its constants filled in; what depends on the row stays a percent sign. */
static const char *plpgsql_message(struct plpgsql *p, const char *format, const cJSON *parameters) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  int used = 0;
  bool is_static = true;
  for (; *format != '\0'; format++) {
    if (*format != '%') {
      sqlite3_str_appendchar(out, 1, *format);
    } else if (format[1] == '%') {
      sqlite3_str_appendchar(out, 1, *format++);
    } else {
      const cJSON *parameter = cJSON_GetArrayItem(parameters, used++);
      const char *text = plpgsql_constant_text(
          p, plpgsql_text(cJSON_GetObjectItemCaseSensitive(parameter, "PLpgSQL_expr"), "query"));
      sqlite3_str_appendall(out, text != NULL ? text : "%");
      is_static = is_static && text != NULL;
    }
  }
  if (!is_static) {
    note(p->c, SCHEMA_HINT, p->location, NULL,
         "the message of RAISE depends on the row; here it is said without the values");
  }
  return compiler_take(p->c, out);
}

static bool plpgsql_raise(struct plpgsql *p, const cJSON *statement) {
  enum { LEVEL_ERROR = 21, OPTION_ERRCODE = 0, OPTION_MESSAGE = 1 };
  struct compiler *c = p->c;
  struct trigger_step step = {.kind = 'r', .sqlstate = "P0001"};
  const char *condition = plpgsql_text(statement, "condname"),
             *format = plpgsql_text(statement, "message");
  const cJSON *option;
  if (plpgsql_number(statement, "elog_level", 0) != LEVEL_ERROR) {
    note(c, SCHEMA_HINT, p->location, NULL, "RAISE below EXCEPTION says nothing here");
    return true;
  }
  if (condition != NULL) {
    step.sqlstate = plpgsql_sqlstate(condition);
    step.message = compiler_copy(c, condition);
  }
  cJSON_ArrayForEach(option, cJSON_GetObjectItemCaseSensitive(statement, "options")) {
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(option, "PLpgSQL_raise_option");
    int type = plpgsql_number(inner, "opt_type", 0);
    const char *text = plpgsql_constant_text(p, plpgsql_query(inner, "expr"));
    if (type == OPTION_ERRCODE) step.sqlstate = text != NULL ? plpgsql_sqlstate(text) : NULL;
    if (type == OPTION_MESSAGE) step.message = text != NULL ? text : "%";
  }
  if (step.sqlstate == NULL)
    return note_error(c, p->location, "42704", NULL, "unrecognized exception condition in RAISE");
  step.sqlstate = compiler_copy(c, step.sqlstate);
  if (format != NULL)
    step.message =
        plpgsql_message(p, format, cJSON_GetObjectItemCaseSensitive(statement, "params"));
  if (step.message == NULL)
    return note_error(c, p->location, "0A000", "give it a message",
                      "RAISE without a message is not supported in a trigger");
  p->is_dead = true;
  return plpgsql_add(p, &step);
}

/* ---- INSERT */

static bool plpgsql_insert_default(struct plpgsql *p, const struct column_def *column,
                                   struct expression *value) {
  struct scope nothing = {0};
  const PgQuery__Node *node = column->default_node;
  if (column->sequence != NULL) {
    const char *name = qualified(p->c, column->sequence->schema, column->sequence->name);
    node = parse_expression(p->c, compiler_format(p->c, "nextval(%s)", string_literal(p->c, name)),
                            p->location);
  }
  return node != NULL && expression_translate(p->c, node, &nothing, value) &&
         expression_coerce(p->c, value, &column->type, false);
}

static int plpgsql_insert_position(const PgQuery__InsertStmt *insert,
                                   const struct relation_def *target,
                                   const struct column_def *column) {
  if (insert->n_cols == 0) return (int)(column - target->columns);
  for (size_t i = 0; i < insert->n_cols; i++) {
    if (strcmp(insert->cols[i]->res_target->name, column->name) == 0) return (int)i;
  }
  return -1;
}

static bool plpgsql_insert_columns(struct plpgsql *p, const PgQuery__InsertStmt *insert,
                                   const struct relation_def *target, const PgQuery__List *values,
                                   sqlite3_str *names, sqlite3_str *row) {
  struct compiler *c = p->c;
  for (int i = 0; i < target->column_count; i++) {
    const struct column_def *column = &target->columns[i];
    int position = plpgsql_insert_position(insert, target, column);
    struct expression value = {0};
    if (column->generated_node != NULL)
      return note_error(c, p->location, "0A000", NULL,
                        "INSERT into a table with generated columns is not supported in a trigger");
    bool is_given = position >= 0 && position < (int)values->n_items &&
                    values->items[position]->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT;
    if (is_given) {
      PgQuery__Node *node = values->items[position];
      plpgsql_substitute(p, node);
      tree_walk(&node->base, plpgsql_substitute, p);
      if (!plpgsql_translate(p, node, NULL, &value)) return false;
      value.location = p->location;
      if (!expression_coerce(c, &value, &column->type, false)) return false;
    } else if (column->sequence == NULL && column->default_node == NULL) {
      continue;
    } else if (!plpgsql_insert_default(p, column, &value)) {
      return false;
    }
    sqlite3_str_appendf(names, "%s\"%w\"", sqlite3_str_length(names) > 0 ? ", " : "", column->name);
    sqlite3_str_appendf(row, "%s%s", sqlite3_str_length(row) > 0 ? ", " : "", value.sql);
  }
  return true;
}

static bool plpgsql_insert(struct plpgsql *p, const char *query) {
  struct compiler *c = p->c;
  PgQuery__ParseResult *tree = parse_text_at(c, query, p->location);
  if (tree == NULL) return false;
  const PgQuery__Node *node = tree->n_stmts == 1 ? tree->stmts[0]->stmt : NULL;
  const PgQuery__InsertStmt *insert =
      node != NULL && node->node_case == PG_QUERY__NODE__NODE_INSERT_STMT ? node->insert_stmt
                                                                          : NULL;
  if (insert == NULL) {
    return note_error(c, p->location, "0A000", "let the application do it",
                      "function %s: of the statements of SQL only INSERT is supported in a trigger",
                      p->function->name);
  }
  tree_qualify(c, &tree->base);
  const struct relation_def *target = relation_of_range(c, insert->relation, true);
  const PgQuery__SelectStmt *select =
      insert->select_stmt != NULL ? insert->select_stmt->select_stmt : NULL;
  if (target == NULL)
    return note_error(c, p->location, "42P01", NULL, "relation \"%s\" does not exist",
                      insert->relation->relname);
  if (target->is_view || select == NULL || select->n_values_lists != 1 ||
      insert->n_returning_list > 0 || insert->with_clause != NULL ||
      (insert->on_conflict_clause != NULL &&
       insert->on_conflict_clause->action != PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_NOTHING)) {
    return note_error(c, p->location, "0A000", "write INSERT INTO table (...) VALUES (...)",
                      "this form of INSERT is not supported in a trigger");
  }
  for (size_t i = 0; i < insert->n_cols; i++) {
    if (find_column(target, insert->cols[i]->res_target->name) == NULL) {
      return note_error(c, p->location, "42703", NULL,
                        "column \"%s\" of relation \"%s\" does not exist",
                        insert->cols[i]->res_target->name, target->name);
    }
  }
  if (target->row_security != 0 && !p->function->is_definer)
    note(c, SCHEMA_HINT, p->location, "make the function SECURITY DEFINER: then both do the same",
         "this inserts into \"%s\" whatever its policies say; on PostgreSQL they are asked",
         target->name);
  sqlite3_str *names = sqlite3_str_new(NULL), *row = sqlite3_str_new(NULL);
  bool sound = plpgsql_insert_columns(p, insert, target, select->values_lists[0]->list, names, row);
  const char *name_text = compiler_take(c, names), *row_text = compiler_take(c, row);
  if (!sound) return false;
  struct trigger_step step = {.kind = 'i'};
  step.expression_sql = compiler_format(
      c, "INSERT INTO %s(%s) VALUES (%s)%s", quoted(c, target->stored_name), name_text, row_text,
      insert->on_conflict_clause != NULL ? " ON CONFLICT DO NOTHING" : "");
  return plpgsql_add(p, &step);
}

/* ---- RETURN and IF */

static bool plpgsql_return(struct plpgsql *p, const cJSON *statement) {
  const char *query = plpgsql_query(statement, "expr");
  bool returns_new = query != NULL && sqlite3_stricmp(query, "NEW") == 0,
       returns_old = query != NULL && sqlite3_stricmp(query, "OLD") == 0;
  bool returns_either = query != NULL && sqlite3_strnicmp(query, "COALESCE(NEW", 12) == 0;
  p->is_dead = true;
  if (!p->trigger->before || returns_either) return true;
  if (strcmp(p->event, "DELETE") == 0 ? returns_old : returns_new) return true;
  return note_error(p->c, p->location, "0A000",
                    strcmp(p->event, "DELETE") == 0 ? "RETURN OLD lets the row be deleted"
                                                    : "RETURN NEW, or RAISE EXCEPTION",
                    "function %s returns %s on %s, which would silently leave the row as it was",
                    p->function->name, query != NULL ? query : "nothing", p->event);
}

static bool plpgsql_statement_list(struct plpgsql *p, const cJSON *list);

struct plpgsql_branches {
  const char *remaining; /* no condition before held */
  const char *after;     /* the conditions under which what follows the IF is reached; NULL: all */
  const char *entry;
  bool all_end, is_closed; /* closed: a branch is always taken, and nothing after it counts */
};

/* One branch; condition_text NULL is ELSE. */
static bool plpgsql_branch(struct plpgsql *p, struct plpgsql_branches *branches,
                           const char *condition_text, const cJSON *body) {
  struct compiler *c = p->c;
  const char *condition = NULL;
  if (branches->is_closed) return true;
  if (condition_text != NULL) {
    struct expression value;
    PgQuery__Node *node = plpgsql_expression(p, condition_text);
    if (node == NULL) return false;
    int constant = plpgsql_fold(node);
    if (constant == 0) return true;
    if (constant == 1)
      branches->is_closed = true;
    else if (!plpgsql_translate(p, node, "IF", &value))
      return false;
    else
      condition = value.sql;
  } else {
    branches->is_closed = true;
  }
  const char *own = plpgsql_and(c, branches->remaining, condition);
  p->path = plpgsql_and(c, branches->entry, own);
  p->is_dead = false;
  const char *path = p->path;
  if (!plpgsql_statement_list(p, body)) return false;
  if (p->is_dead)
    branches->after = plpgsql_and(
        c, branches->after, own != NULL ? compiler_format(c, "((%s) IS NOT TRUE)", own) : NULL);
  else if (p->path != path) {
    branches->after = plpgsql_and(
        c, branches->after,
        own != NULL ? compiler_format(c, "((%s) IS NOT TRUE OR (%s))", own, p->path) : p->path);
  }
  branches->all_end = branches->all_end && p->is_dead;
  if (condition != NULL)
    branches->remaining =
        plpgsql_and(c, branches->remaining, compiler_format(c, "((%s) IS NOT TRUE)", condition));
  return true;
}

static bool plpgsql_if(struct plpgsql *p, const cJSON *statement) {
  struct plpgsql_branches branches = {.entry = p->path, .all_end = true};
  int line_location = p->location;
  const cJSON *item;
  if (p->path == NULL) p->path_begin = p->count;
  if (!plpgsql_branch(p, &branches, plpgsql_query(statement, "cond"),
                      cJSON_GetObjectItemCaseSensitive(statement, "then_body")))
    return false;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(statement, "elsif_list")) {
    const cJSON *branch = cJSON_GetObjectItemCaseSensitive(item, "PLpgSQL_if_elsif");
    p->location = plpgsql_line_location(p, plpgsql_number(branch, "lineno", 1));
    if (!plpgsql_branch(p, &branches, plpgsql_query(branch, "cond"),
                        cJSON_GetObjectItemCaseSensitive(branch, "stmts")))
      return false;
  }
  const cJSON *otherwise = cJSON_GetObjectItemCaseSensitive(statement, "else_body");
  if (otherwise != NULL && !plpgsql_branch(p, &branches, NULL, otherwise)) return false;
  p->location = line_location;
  p->is_dead = branches.is_closed && branches.all_end;
  p->path = plpgsql_and(p->c, branches.entry, branches.after);
  return true;
}

/* ---- statements */

static bool plpgsql_refuse(struct plpgsql *p, const char *kind) {
  static const struct {
    const char *kind, *word;
  } words[] = {
      {"PLpgSQL_stmt_loop", "LOOP"},
      {"PLpgSQL_stmt_while", "WHILE"},
      {"PLpgSQL_stmt_fori", "FOR"},
      {"PLpgSQL_stmt_fors", "FOR over a query"},
      {"PLpgSQL_stmt_forc", "FOR over a cursor"},
      {"PLpgSQL_stmt_foreach_a", "FOREACH"},
      {"PLpgSQL_stmt_dynexecute", "EXECUTE"},
      {"PLpgSQL_stmt_dynfors", "FOR over EXECUTE"},
      {"PLpgSQL_stmt_perform", "PERFORM"},
      {"PLpgSQL_stmt_case", "CASE"},
      {"PLpgSQL_stmt_call", "CALL"},
      {"PLpgSQL_stmt_assert", "ASSERT"},
      {"PLpgSQL_stmt_getdiag", "GET DIAGNOSTICS"},
      {"PLpgSQL_stmt_open", "OPEN"},
      {"PLpgSQL_stmt_fetch", "FETCH"},
      {"PLpgSQL_stmt_exit", "EXIT or CONTINUE"},
      {"PLpgSQL_stmt_commit", "COMMIT"},
      {"PLpgSQL_stmt_rollback", "ROLLBACK"},
  };
  const char *word = kind;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i].kind, kind) == 0) word = words[i].word;
  }
  return note_error(
      p->c, p->location, "0A000",
      "only assignments to NEW, IF, RAISE, INSERT ... VALUES and RETURN can be translated",
      "%s in trigger function %s is not supported", word, p->function->name);
}

static bool plpgsql_block(struct plpgsql *p, const cJSON *block) {
  if (cJSON_GetObjectItemCaseSensitive(block, "exceptions") != NULL) {
    return note_error(p->c, p->location, "0A000", NULL,
                      "an exception handler in trigger function %s is not supported",
                      p->function->name);
  }
  return plpgsql_statement_list(p, cJSON_GetObjectItemCaseSensitive(block, "body"));
}

static bool plpgsql_statement(struct plpgsql *p, const cJSON *item) {
  const cJSON *statement = item->child;
  const char *kind = statement != NULL ? statement->string : "";
  p->location = plpgsql_line_location(p, plpgsql_number(statement, "lineno", 1));
  if (strcmp(kind, "PLpgSQL_stmt_assign") == 0) return plpgsql_assign(p, statement);
  if (strcmp(kind, "PLpgSQL_stmt_if") == 0) return plpgsql_if(p, statement);
  if (strcmp(kind, "PLpgSQL_stmt_raise") == 0) return plpgsql_raise(p, statement);
  if (strcmp(kind, "PLpgSQL_stmt_return") == 0) return plpgsql_return(p, statement);
  if (strcmp(kind, "PLpgSQL_stmt_block") == 0) return plpgsql_block(p, statement);
  if (strcmp(kind, "PLpgSQL_stmt_execsql") == 0) {
    const char *query = plpgsql_query(statement, "sqlstmt");
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(statement, "into")) || query == NULL)
      return plpgsql_refuse(p, "SELECT INTO");
    return plpgsql_insert(p, query);
  }
  return plpgsql_refuse(p, kind);
}

static bool plpgsql_statement_list(struct plpgsql *p, const cJSON *list) {
  const cJSON *item;
  cJSON_ArrayForEach(item, list) {
    if (p->is_dead) return true; /* PL/pgSQL does not get there either */
    if (!plpgsql_statement(p, item)) return false;
  }
  return true;
}

/* WHEN of the trigger: a condition before the function's first statement. */
static bool plpgsql_when(struct plpgsql *p) {
  struct expression value;
  PgQuery__Node *node = p->trigger->statement->when_clause;
  if (node == NULL) return true;
  if (!plpgsql_translate(p, node, "WHEN", &value)) return false;
  p->path = value.sql;
  return true;
}

bool plpgsql_steps(struct compiler *c, const struct trigger_def *trigger,
                   const struct function_def *function, const char *event, int *count,
                   struct trigger_step **steps) {
  struct plpgsql p = {.c = c,
                      .trigger = trigger,
                      .function = function,
                      .event = event,
                      .location = trigger->place.location};
  if (!plpgsql_when(&p)) return false;
  struct place before = place_enter(c, function->place);
  cJSON *tree = plpgsql_parse(c, function->definition, 0);
  const cJSON *body = plpgsql_function(tree);
  p.datums = cJSON_GetObjectItemCaseSensitive(body, "datums");
  p.new_number = plpgsql_number(body, "new_varno", -1);
  p.old_number = plpgsql_number(body, "old_varno", -1);
  bool sound = tree != NULL && plpgsql_block(&p, plpgsql_body(body));
  cJSON_Delete(tree);
  place_enter(c, before);
  *count = p.count;
  *steps = p.steps;
  return sound;
}

/* ---- other bodies */

const char *plpgsql_returned(struct compiler *c, const char *create_function) {
  cJSON *tree = plpgsql_parse(c, create_function, 0);
  const cJSON *body =
      cJSON_GetObjectItemCaseSensitive(plpgsql_body(plpgsql_function(tree)), "body");
  const cJSON *only =
      cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(body, 0), "PLpgSQL_stmt_return");
  /* The parser adds a RETURN of its own behind the last statement. */
  const cJSON *second =
      cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(body, 1), "PLpgSQL_stmt_return");
  bool is_one = only != NULL && (cJSON_GetArraySize(body) == 1 ||
                                 (cJSON_GetArraySize(body) == 2 && second != NULL));
  const char *query = is_one ? plpgsql_query(only, "expr") : NULL;
  const char *copy = query != NULL ? compiler_copy(c, query) : NULL;
  cJSON_Delete(tree);
  return copy;
}

static bool plpgsql_collect(struct compiler *c, const cJSON *list, int *count,
                            const char ***statements) {
  const cJSON *item;
  cJSON_ArrayForEach(item, list) {
    const cJSON *statement = item->child;
    const char *kind = statement != NULL ? statement->string : "", *query;
    const cJSON *branch;
    if (strcmp(kind, "PLpgSQL_stmt_execsql") == 0) {
      if ((query = plpgsql_query(statement, "sqlstmt")) == NULL ||
          cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(statement, "into")))
        return false;
      *APPEND(c, *statements, *count) = compiler_copy(c, query);
    } else if (strcmp(kind, "PLpgSQL_stmt_block") == 0) {
      if (!plpgsql_collect(c, cJSON_GetObjectItemCaseSensitive(statement, "body"), count,
                           statements))
        return false;
    } else if (strcmp(kind, "PLpgSQL_stmt_if") == 0) {
      if (!plpgsql_collect(c, cJSON_GetObjectItemCaseSensitive(statement, "then_body"), count,
                           statements))
        return false;
      cJSON_ArrayForEach(branch, cJSON_GetObjectItemCaseSensitive(statement, "elsif_list")) {
        if (branch != NULL) return false;
      }
      if (cJSON_GetObjectItemCaseSensitive(statement, "else_body") != NULL) return false;
    } else if (strcmp(kind, "PLpgSQL_stmt_return") != 0 &&
               strcmp(kind, "PLpgSQL_stmt_raise") != 0) {
      return false;
    }
  }
  return true;
}

bool plpgsql_statements(struct compiler *c, const char *create_function, int *count,
                        const char ***statements) {
  cJSON *tree = plpgsql_parse(c, create_function, 0);
  bool sound = tree != NULL && plpgsql_collect(c,
                                               cJSON_GetObjectItemCaseSensitive(
                                                   plpgsql_body(plpgsql_function(tree)), "body"),
                                               count, statements);
  cJSON_Delete(tree);
  return sound;
}
