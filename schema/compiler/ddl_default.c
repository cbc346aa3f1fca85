/*
** ddl_default: what a table's columns and constraints say in expressions, translated once every table is known: defaults,
** generated columns, checks, the checks of domains. Knows which defaults SQLite can compute by itself.
*/
#include "ddl.h"

/* ---- recognising the defaults that the engine computes natively */

static const PgQuery__Node *default_strip_casts(const PgQuery__Node *node, const char *only) {
  while (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) {
    const PgQuery__TypeName *type = node->type_cast->type_name;
    const char *name = node_string(type->names[type->n_names - 1]);
    if (only != NULL && (name == NULL || strcmp(name, only) != 0 || type->n_typmods > 0))
      return node;
    node = node->type_cast->arg;
  }
  return node;
}

static const char *default_function(const PgQuery__Node *node) {
  if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->n_funcname == 0)
    return "";
  const char *name = node_string(node->func_call->funcname[node->func_call->n_funcname - 1]);
  return name != NULL ? name : "";
}

static const char *default_text_constant(const PgQuery__Node *node) {
  node = default_strip_casts(node, NULL);
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
      node->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
    return NULL;
  return node->a_const->sval->sval;
}

/* nextval('sequence'): the sequence. */
struct sequence_def *default_sequence(struct compiler *c, const PgQuery__Node *node) {
  const char *schema, *name, *text;
  if (strcmp(default_function(node), "nextval") != 0 || node->func_call->n_args != 1) return NULL;
  text = default_text_constant(node->func_call->args[0]);
  if (text == NULL || !names_of_text(c, text, &schema, &name)) return NULL;
  return find_sequence(c, schema, name);
}

/* now() under the names that mean the transaction's start, rounded no coarser than the column is. */
static bool default_is_now(const PgQuery__Node *node, const struct column_def *column) {
  enum sqltype_id id = column->type.id;
  if (column->type.is_array || (id != SQL_TIMESTAMP && id != SQL_TIMESTAMPTZ && id != SQL_DATE))
    return false;
  const char *function = default_function(node);
  if (strcmp(function, "timezone") == 0 && node->func_call->n_args == 2 && id == SQL_TIMESTAMP) {
    const char *zone = default_text_constant(node->func_call->args[0]);
    return zone != NULL && sqlite3_stricmp(zone, "utc") == 0 &&
           default_is_now(node->func_call->args[1], column);
  }
  if (strcmp(function, "now") == 0 || strcmp(function, "transaction_timestamp") == 0) return true;
  if (node->node_case != PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION) return false;
  int precision = column->type.length < 0 ? 6 : column->type.length;
  switch (node->sqlvalue_function->op) {
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_DATE: return id == SQL_DATE;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP:
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP: return true;
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_CURRENT_TIMESTAMP_N:
  case PG_QUERY__SQLVALUE_FUNCTION_OP__SVFOP_LOCALTIMESTAMP_N:
    return id == SQL_DATE ? false : node->sqlvalue_function->typmod >= precision;
  default: return false;
  }
}

static bool default_is_uuid(const PgQuery__Node *node, const struct column_def *column) {
  const struct sqltype *type = &column->type;
  bool is_text = type->id == SQL_TEXT || type->id == SQL_CITEXT ||
                 (type->id == SQL_VARCHAR && (type->length < 0 || type->length >= 36)) ||
                 (type->id == SQL_BPCHAR && type->length == 36);
  if (type->is_array || (type->id != SQL_UUID && !is_text)) return false;
  if (is_text) node = default_strip_casts(node, "text");
  const char *function = default_function(node);
  return strcmp(function, "gen_random_uuid") == 0 || strcmp(function, "uuid_generate_v4") == 0 ||
         strcmp(function, "uuid_generate_v1") == 0 || strcmp(function, "uuid_generate_v1mc") == 0;
}

/* ---- the same for a foreign writer, in SQLite's own functions */

static const char *default_plain_now(struct compiler *c, const struct sqltype *type) {
  const char *zone = type->id == SQL_TIMESTAMPTZ ? "||'+00:00'" : "";
  if (type->id == SQL_DATE) return "(date('now'))";
  if (type->length == 0)
    return compiler_format(c, "(strftime('%%Y-%%m-%%d %%H:%%M:%%S','now')%s)", zone);
  /* SQLite's clock has milliseconds; PostgreSQL cuts trailing zeros, and the point with them. */
  const char *clock = "strftime('%Y-%m-%d %H:%M:%f','now')";
  if (type->length == 1 || type->length == 2)
    clock = compiler_format(c, "substr(%s,1,%d)", clock, 20 + type->length);
  return compiler_format(c, "(rtrim(rtrim(%s,'0'),'.')%s)", clock, zone);
}

const char *default_plain_now_of(struct compiler *c, const PgQuery__Node *node,
                                 const struct column_def *column) {
  return default_is_now(node, column) ? default_plain_now(c, &column->type) : NULL;
}

static const char *const default_plain_uuid =
    "(lower(hex(randomblob(4))||'-'||hex(randomblob(2))||'-4'||substr(hex(randomblob(2)),2)||'-'||"
    "substr('89AB',1+(random()&3),1)||substr(hex(randomblob(2)),2)||'-'||hex(randomblob(6))))";

/* ---- defaults */

static bool default_find_column(void *context, PgQuery__Node *node) {
  if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF)
    *(const PgQuery__ColumnRef **)context = node->column_ref;
  return true;
}

static void default_nextval(struct compiler *c, struct column_def *column,
                            struct sequence_def *sequence) {
  column->default_kind = DEFAULT_NEXTVAL;
  column->default_sql = sequence->stored_name;
  column->sequence = sequence;
  column->default_plain_sql =
      compiler_format(c, "(pg_nextval(%s))", string_literal(c, sequence->stored_name));
  column->default_definition =
      compiler_format(c, "nextval(%s::regclass)",
                      string_literal(c, qualified(c, sequence->schema, sequence->name)));
}

static void default_expression(struct compiler *c, struct column_def *column,
                               const PgQuery__Node *node, int location) {
  struct scope nothing = {.bare = true};
  struct expression value;
  const PgQuery__ColumnRef *reference = NULL;
  tree_walk(&node->base, default_find_column, &reference);
  if (reference != NULL) {
    note_error(c, reference->location, "0A000", NULL,
               "cannot use column reference in DEFAULT expression");
    return;
  }
  if (!expression_translate(c, node, &nothing, &value) ||
      !expression_coerce(c, &value, &column->type, false))
    return;
  if (value.is_aggregate) {
    note_error(c, location, "42803", NULL,
               "aggregate functions are not allowed in DEFAULT expressions");
    return;
  }
  if (value.is_literal && value.text == NULL && value.sql != NULL &&
      strcmp(value.sql, "NULL") == 0) {
    column->default_definition = NULL; /* DEFAULT NULL is no default */
    return;
  }
  column->default_kind = value.is_literal ? DEFAULT_CONSTANT : DEFAULT_EXPRESSION;
  column->default_sql = value.sql;
  /* One that calls our functions makes a foreign writer without the extension fail, where none would let it write a NULL
  ** that no one meant. SQLite has no sub-selects in defaults. */
  if (value.is_literal)
    column->default_plain_sql = value.sql;
  else if (strstr(value.sql, "SELECT") == NULL)
    column->default_plain_sql = compiler_format(c, "(%s)", value.sql);
}

static void default_finish(struct compiler *c, struct column_def *column) {
  const PgQuery__Node *node = column->default_node;
  bool is_of_domain = node == NULL && column->type.domain != NULL && column->generated_node == NULL;
  if (column->identity != 0) { /* PostgreSQL shows no default for it */
    default_nextval(c, column, column->sequence);
    column->default_definition = NULL;
    return;
  }
  if (node == NULL && column->sequence != NULL) {
    default_nextval(c, column, column->sequence);
    return;
  }
  if (is_of_domain) node = column->type.domain->default_node;
  if (node == NULL) return;
  struct sequence_def *sequence = default_sequence(c, node);
  if (sequence != NULL) {
    default_nextval(c, column, sequence);
    return;
  }
  if (!is_of_domain) column->default_definition = deparse_expression(c, node);
  if (default_is_now(node, column)) {
    column->default_kind = DEFAULT_NOW;
    column->default_plain_sql = default_plain_now(c, &column->type);
  } else if (default_is_uuid(node, column)) {
    column->default_kind = DEFAULT_UUID;
    column->default_plain_sql = default_plain_uuid;
  } else {
    default_expression(c, column, node, column->place.location);
  }
}

/* ---- generated columns */

struct default_generated_search {
  const struct relation_def *relation;
  const PgQuery__ColumnRef *found;
};

static bool default_find_generated(void *context, PgQuery__Node *node) {
  struct default_generated_search *search = context;
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return true;
  const char *name = node_string(node->column_ref->fields[node->column_ref->n_fields - 1]);
  const struct column_def *column = name != NULL ? find_column(search->relation, name) : NULL;
  if (column != NULL && column->generated_node != NULL) search->found = node->column_ref;
  return true;
}

static void default_generated(struct compiler *c, const struct relation_def *relation,
                              struct column_def *column) {
  struct scope scope = scope_of_relation(c, relation);
  struct expression value;
  struct default_generated_search search = {relation, NULL};
  tree_walk(&column->generated_node->base, default_find_generated, &search);
  if (search.found != NULL) {
    note_error(c, search.found->location, "42P17", NULL,
               "cannot use a generated column in column generation expression");
    return;
  }
  if (!tree_refuse_subquery(c, column->generated_node, "column generation expression") ||
      !expression_translate(c, column->generated_node, &scope, &value) ||
      !expression_coerce(c, &value, &column->type, false)) {
    return;
  }
  if (value.volatility != IMMUTABLE || tree_calls_reader(c, column->generated_node)) {
    note_error(c, column->place.location, "42P17", NULL, "generation expression is not immutable");
  }
  column->generated_sql = value.sql;
  column->generated_definition = deparse_expression(c, column->generated_node);
}

/* ---- checks */

static void default_check(struct compiler *c, const struct relation_def *relation,
                          struct constraint_def *constraint) {
  struct scope scope = scope_of_relation(c, relation);
  struct expression value;
  struct place before = place_enter(c, constraint->place);
  if (tree_refuse_subquery(c, constraint->check_node, "check constraint") &&
      expression_boolean(c, constraint->check_node, &scope, "CHECK", &value)) {
    if (value.is_aggregate) {
      note_error(c, constraint->place.location, "42803", NULL,
                 "aggregate functions are not allowed in check constraints");
    }
    constraint->check_sql = value.sql;
    constraint->is_stable =
        value.volatility != IMMUTABLE || tree_calls_reader(c, constraint->check_node);
  }
  const char *text = deparse_expression(c, constraint->check_node);
  if (text != NULL) {
    constraint->definition =
        compiler_format(c, "CHECK (%s)%s%s", text, constraint->no_inherit ? " NO INHERIT" : "",
                        constraint->not_valid ? " NOT VALID" : "");
  }
  place_enter(c, before);
}

/* A domain's checks hold for each column of the domain: VALUE is the column. */
static void default_domain_checks(struct compiler *c, struct relation_def *relation,
                                  const struct column_def *column) {
  const struct domain_def *domain = column->type.domain;
  struct column_def *plain = compiler_alloc(c, sizeof *plain);
  struct relation_def *alone = compiler_alloc(c, sizeof *alone);
  *plain = *column;
  plain->type = domain->base;
  *alone = *relation;
  alone->columns = plain;
  alone->column_count = 1;
  for (int i = 0; i < domain->check_count; i++) {
    struct scope scope = scope_of_relation(c, alone);
    struct expression value;
    const PgQuery__Node *node = domain->checks[i].node;
    tree_rename_column(c, node, "value", column->name);
    bool translated = expression_boolean(c, node, &scope, "CHECK", &value);
    tree_rename_column(c, node, column->name, "value");
    if (!translated) continue;
    struct constraint_def *constraint =
        APPEND(c, relation->constraints, relation->constraint_count);
    constraint->kind = CONSTRAINT_CHECK;
    constraint->name = domain->checks[i].name;
    constraint->domain = domain;
    const char **columns = compiler_alloc(c, sizeof *columns);
    columns[0] = column->name;
    constraint->columns = columns;
    constraint->column_count = 1;
    constraint->check_sql = value.sql;
    constraint->is_stable = value.volatility != IMMUTABLE;
    constraint->definition = domain->checks[i].definition;
  }
}

/* ---- pg_get_constraintdef() */

static const char *default_action(char action) {
  switch (action) {
  case 'r': return "RESTRICT";
  case 'c': return "CASCADE";
  case 'n': return "SET NULL";
  case 'd': return "SET DEFAULT";
  default: return NULL;
  }
}

static const char *default_key_definition(struct compiler *c, const struct constraint_def *key) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  const char *columns = column_list(c, key->column_count, key->columns);
  if (key->kind == CONSTRAINT_FOREIGN) {
    sqlite3_str_appendf(out, "FOREIGN KEY (%s) REFERENCES %s(%s)%s", columns,
                        qualified(c, key->ref->schema, key->ref->name),
                        column_list(c, key->ref_column_count, key->ref_columns),
                        key->match == 'f' ? " MATCH FULL" : "");
    if (default_action(key->on_update) != NULL)
      sqlite3_str_appendf(out, " ON UPDATE %s", default_action(key->on_update));
    if (default_action(key->on_delete) != NULL)
      sqlite3_str_appendf(out, " ON DELETE %s", default_action(key->on_delete));
  } else {
    sqlite3_str_appendf(out, "%s (%s)", key->kind == CONSTRAINT_PRIMARY ? "PRIMARY KEY" : "UNIQUE",
                        columns);
  }
  if (key->deferrable > 0)
    sqlite3_str_appendall(out,
                          key->deferrable == 2 ? " DEFERRABLE INITIALLY DEFERRED" : " DEFERRABLE");
  if (key->not_valid) sqlite3_str_appendall(out, " NOT VALID");
  return compiler_take(c, out);
}

/* ---- all of it */

void finish_domains(struct compiler *c) {
  for (int i = 0; i < c->model->domain_count; i++) {
    struct domain_def *domain = c->model->domains[i];
    for (int k = 0; k < domain->check_count; k++) {
      const char *text = deparse_expression(c, domain->checks[k].node);
      if (text != NULL) domain->checks[k].definition = compiler_format(c, "CHECK (%s)", text);
    }
  }
}

static void default_finish_relation(struct compiler *c, struct relation_def *relation) {
  for (int i = 0; i < relation->column_count; i++) {
    struct column_def *column = &relation->columns[i];
    struct place before = place_enter(c, column->place);
    default_finish(c, column);
    if (column->generated_node != NULL) default_generated(c, relation, column);
    place_enter(c, before);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    struct constraint_def *constraint = &relation->constraints[i];
    if (constraint->kind == CONSTRAINT_CHECK)
      default_check(c, relation, constraint);
    else
      constraint->definition = default_key_definition(c, constraint);
  }
  for (int i = 0; i < relation->column_count; i++) {
    const struct column_def *column = &relation->columns[i];
    struct place before = place_enter(c, column->place);
    if (column->type.domain != NULL && !column->type.is_array)
      default_domain_checks(c, relation, column);
    place_enter(c, before);
  }
}

void finish_tables(struct compiler *c) {
  for (int i = 0; i < c->model->relation_count; i++) {
    if (!c->model->relations[i]->is_view) default_finish_relation(c, c->model->relations[i]);
  }
}
