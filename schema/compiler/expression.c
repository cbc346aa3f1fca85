/*
** expression: PostgreSQL's expression trees to typed SQLite text. This file has the dispatch, constants, names, boolean logic
** and what the other expression_*.c files share.
*/
#include "expression.h"

#include "../../ledger.h"

/* ---- building blocks */

const char *expression_name_part(PgQuery__Node *const *nodes, size_t i) {
  return nodes[i]->node_case == PG_QUERY__NODE__NODE_STRING ? nodes[i]->string->sval : "";
}

struct sqltype expression_plain_type(enum sqltype_id id) {
  return (struct sqltype){.id = id, .length = -1};
}

struct expression expression_make(const char *sql, struct sqltype type, int location) {
  return (struct expression){
      .sql = sql, .type = type, .location = location, .uses_private = expression_private_text(sql)};
}

struct expression expression_text_literal(struct compiler *c, const char *text, int location) {
  struct expression e = expression_make("NULL", expression_plain_type(SQL_UNKNOWN), location);
  e.is_literal = true;
  e.text = text;
  e.uses_private = false;
  if (text != NULL) e.sql = string_literal(c, text);
  return e;
}

/* Quoted text may hold anything; names and calls of our own start with pg_ outside of quotes. */
bool expression_private_text(const char *sql) {
  char quote = 0;
  for (const char *p = sql; *p != '\0'; p++) {
    if (quote != 0) {
      if (*p == quote) quote = 0;
    } else if (*p == '\'' || *p == '"') {
      quote = *p;
    } else if (p[0] == 'p' && p[1] == 'g' && p[2] == '_') {
      return true;
    }
  }
  return false;
}

struct expression *expression_list_add(struct compiler *c, struct expression_list *list) {
  return APPEND(c, list->items, list->count);
}

void expression_absorb(struct expression *out, const struct expression *part) {
  if (part->volatility > out->volatility) out->volatility = part->volatility;
  out->is_aggregate = out->is_aggregate || part->is_aggregate;
  out->uses_private = out->uses_private || part->uses_private;
}

void expression_absorb_list(struct expression *out, const struct expression_list *list) {
  for (int i = 0; i < list->count; i++) expression_absorb(out, &list->items[i]);
}

const char *expression_type_name(struct compiler *c, const struct sqltype *type) {
  struct sqltype plain = *type;
  plain.length = -1;
  plain.fields = 0;
  if (plain.id == SQL_BPCHAR) return plain.is_array ? "character[]" : "character";
  return sqltype_format(c, &plain);
}

bool expression_same_type(const struct sqltype *a, const struct sqltype *b) {
  return a->id == b->id && a->is_array == b->is_array && a->labels == b->labels;
}

const char *expression_fill(struct compiler *c, const char *template, const char *source, int count,
                            const struct expression *arguments) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (template == NULL) {
    sqlite3_str_appendf(text, "%s%s", strncmp(source, "pg_", 3) == 0 ? "" : "pg_", source);
    template = "($*)";
  }
  for (const char *p = template; *p != '\0'; p++) {
    if (*p != '$') {
      sqlite3_str_appendchar(text, 1, *p);
    } else if (*++p == '*') {
      for (int i = 0; i < count; i++)
        sqlite3_str_appendf(text, "%s%s", i > 0 ? ", " : "", arguments[i].sql);
    } else if (*p - '1' < count) {
      sqlite3_str_appendall(text, arguments[*p - '1'].sql);
    }
  }
  char *finished = sqlite3_str_finish(text);
  const char *copy = compiler_format(c, "%s", finished != NULL ? finished : "");
  sqlite3_free(finished);
  return copy;
}

/* A COLLATE deep inside an expression, in a condition of CASE even, is in SQLite the collation of the whole. */
static bool is_tainted(const struct sqltype *type, const char *sql) {
  switch (type->id) {
  case SQL_BOOLEAN:
  case SQL_INT2:
  case SQL_INT4:
  case SQL_INT8:
  case SQL_FLOAT4:
  case SQL_FLOAT8:
  case SQL_BYTEA:
    if (!type->is_array) return false; /* no text, no collation */
    break;
  default: break;
  }
  return strstr(sql, " COLLATE ") != NULL;
}

const char *expression_collated_beside(struct compiler *c, const struct expression *e,
                                       const char *other) {
  const char *collation = sqltype_collation(&e->type);
  if (collation == NULL && (is_tainted(&e->type, e->sql) || is_tainted(&e->type, other)))
    collation = "BINARY";
  return collation == NULL ? e->sql : compiler_format(c, "%s COLLATE %s", e->sql, collation);
}

const char *expression_collated(struct compiler *c, const struct expression *e) {
  return expression_collated_beside(c, e, "");
}

const char *expression_column_value(struct compiler *c, const struct expression *e) {
  return sqltype_collation(&e->type) == NULL ? expression_collated(c, e) : e->sql;
}

bool expression_is_comparable(struct compiler *c, const struct expression *e, const char *what) {
  if (e->type.id != SQL_JSON && e->type.id != SQL_XML) return true;
  return note_error(c, e->location, "42883", NULL, "could not identify %s for type %s", what,
                    expression_type_name(c, &e->type));
}

const char *expression_enum_list(struct compiler *c, const struct enum_def *labels) {
  sqlite3_str *list = sqlite3_str_new(NULL);
  for (int i = 0; i < labels->count; i++) {
    sqlite3_str_appendall(list, i == 0 ? "[\"" : "\",\"");
    for (const char *p = labels->labels[i]; *p != '\0'; p++) {
      if (*p == '"' || *p == '\\') sqlite3_str_appendchar(list, 1, '\\');
      sqlite3_str_appendchar(list, 1, *p);
    }
  }
  sqlite3_str_appendall(list, labels->count == 0 ? "[]" : "\"]");
  char *finished = sqlite3_str_finish(list);
  const char *copy = compiler_format(c, "%s", finished != NULL ? finished : "[]");
  sqlite3_free(finished);
  return copy;
}

const char *expression_enum_ordinal(struct compiler *c, const struct enum_def *labels,
                                    const char *sql) {
  const char *text = compiler_format(c, "CASE %s", sql);
  for (int i = 0; i < labels->count; i++) {
    text =
        compiler_format(c, "%s WHEN %s THEN %d", text, string_literal(c, labels->labels[i]), i + 1);
  }
  return compiler_format(c, "%s END", text);
}

const char *expression_enum_label(struct compiler *c, const struct enum_def *labels,
                                  const char *sql) {
  const char *text = compiler_format(c, "CASE %s", sql);
  for (int i = 0; i < labels->count; i++) {
    text =
        compiler_format(c, "%s WHEN %d THEN %s", text, i + 1, string_literal(c, labels->labels[i]));
  }
  return compiler_format(c, "%s END", text);
}

const char *expression_order_key(struct compiler *c, const struct expression *e) {
  if (e->type.id == SQL_ENUM && !e->type.is_array) {
    return expression_enum_ordinal(c, e->type.labels, expression_collated(c, e));
  }
  return expression_collated(c, e);
}

/* ---- names */

static const char *column_sql(struct compiler *c, const struct scope *scope,
                              const struct scope_entry *entry, int i, const char *name,
                              bool is_inner) {
  if (entry->column_sql != NULL) return entry->column_sql[i];
  if (!scope->bare || entry->qualified_only) {
    return compiler_format(
        c, "%s.%s", quoted(c, entry->stored_alias != NULL ? entry->stored_alias : entry->alias),
        quoted(c, name));
  }
  /* Within a sub-select a bare name could be caught by one of its own tables. */
  if (is_inner && entry->relation != NULL) {
    return compiler_format(c, "%s.%s", quoted(c, entry->relation->stored_name), quoted(c, name));
  }
  return quoted(c, name);
}

/* Counts the entry's columns of the name; the last one is in *out. */
static int entry_find(struct compiler *c, const struct scope *scope,
                      const struct scope_entry *entry, const char *name, bool is_inner,
                      struct scope_column *out) {
  int found = 0;
  int count = entry->relation != NULL ? entry->relation->column_count : entry->column_count;
  for (int i = 0; i < count; i++) {
    const struct column_def *column = entry->relation != NULL ? &entry->relation->columns[i] : NULL;
    const char *mine = column != NULL ? column->name : entry->names[i];
    if ((column != NULL && column->dropped) || strcmp(mine, name) != 0) continue;
    found++;
    *out = (struct scope_column){.name = mine,
                                 .sql = column_sql(c, scope, entry, i, mine, is_inner),
                                 .type = column != NULL ? column->type : entry->types[i]};
  }
  return found;
}

static int scope_find(struct compiler *c, const struct scope *scope, const char *qualifier,
                      const char *name, bool is_inner, struct scope_column *out,
                      bool *has_qualifier) {
  int found = 0;
  if (qualifier == NULL && scope->columns != NULL) {
    for (int i = 0; i < scope->column_count; i++) {
      if (strcmp(scope->columns[i].name, name) != 0) continue;
      *out = scope->columns[i];
      found++;
    }
    return found;
  }
  for (int i = 0; i < scope->count; i++) {
    const struct scope_entry *entry = &scope->entries[i];
    if (qualifier == NULL ? entry->qualified_only : strcmp(entry->alias, qualifier) != 0) continue;
    *has_qualifier = *has_qualifier || qualifier != NULL;
    found += entry_find(c, scope, entry, name, is_inner, out);
  }
  return found;
}

static bool scope_argument(const struct scope *scope, const char *qualifier, const char *name,
                           struct expression *out) {
  const struct function_def *function = scope->function;
  if (function == NULL || (qualifier != NULL && strcmp(qualifier, function->name) != 0))
    return false;
  for (int i = 0; i < function->argument_count; i++) {
    if (function->argument_names[i] == NULL || strcmp(function->argument_names[i], name) != 0)
      continue;
    *out = scope->arguments[i];
    return true;
  }
  return false;
}

static void grouping_note(const struct scope *scope, const struct scope_column *column,
                          const char *written, int location) {
  struct query_grouping *grouping = scope->grouping;
  if (grouping == NULL || !grouping->active || grouping->in_aggregate ||
      grouping->ungrouped != NULL)
    return;
  for (int i = 0; i < grouping->key_count; i++) {
    if (strcmp(grouping->keys[i], column->sql) == 0) return;
  }
  grouping->ungrouped = written;
  grouping->location = location;
}

bool expression_column(struct compiler *c, const struct scope *scope, const char *qualifier,
                       const char *name, int location, struct expression *out) {
  bool has_qualifier = false;
  struct scope_column column;
  for (const struct scope *level = scope; level != NULL; level = level->outer) {
    int found = scope_find(c, level, qualifier, name, level != scope, &column, &has_qualifier);
    if (found > 1)
      return note_error(c, location, "42702", NULL, "column reference \"%s\" is ambiguous", name);
    if (found == 1) {
      *out = expression_make(column.sql, column.type, location);
      /* "t.c" is named in a message by what it belongs to. */
      const char *alias = qualifier;
      for (int i = 0; alias == NULL && i < level->count; i++) {
        if (entry_find(c, level, &level->entries[i], name, false, &(struct scope_column){0}) > 0)
          alias = level->entries[i].alias;
      }
      grouping_note(level, &column, alias == NULL ? name : compiler_format(c, "%s.%s", alias, name),
                    location);
      return true;
    }
    if (has_qualifier) break;
    if (scope_argument(level, qualifier, name, out)) return true;
  }
  if (qualifier == NULL) {
    for (const struct scope *level = scope; level != NULL; level = level->outer) {
      for (int i = 0; i < level->count; i++) {
        const struct scope_entry *entry = &level->entries[i];
        if (strcmp(entry->alias, name) == 0 && entry->is_scalar) {
          *out = expression_make(entry->column_sql[0], entry->types[0], location);
          return true;
        }
        if (strcmp(entry->alias, name) == 0) {
          return note_error(c, location, "0A000", "Name the columns.",
                            "a whole row (\"%s\") as a value is not supported", name);
        }
      }
    }
    return note_error(c, location, "42703", NULL, "column \"%s\" does not exist", name);
  }
  if (!has_qualifier) {
    return note_error(c, location, "42P01", NULL, "missing FROM-clause entry for table \"%s\"",
                      qualifier);
  }
  return note_error(c, location, "42703", NULL, "column %s.%s does not exist", qualifier, name);
}

static bool translate_column(struct compiler *c, const PgQuery__ColumnRef *node,
                             const struct scope *scope, struct expression *out) {
  size_t count = node->n_fields;
  if (count == 0 || count > 3 ||
      node->fields[count - 1]->node_case != PG_QUERY__NODE__NODE_STRING) {
    return note_error(c, node->location, "42601", NULL, "\"*\" may not stand in an expression");
  }
  const char *name = expression_name_part(node->fields, count - 1);
  const char *qualifier = count > 1 ? expression_name_part(node->fields, count - 2) : NULL;
  return expression_column(c, scope, qualifier, name, node->location, out);
}

static bool translate_parameter(struct compiler *c, const PgQuery__ParamRef *node,
                                const struct scope *scope, struct expression *out) {
  const struct scope *level = scope;
  while (level != NULL && level->function == NULL) level = level->outer;
  if (level == NULL || node->number < 1 || node->number > level->function->argument_count) {
    return note_error(c, node->location, "42P02", NULL, "there is no parameter $%d", node->number);
  }
  *out = level->arguments[node->number - 1];
  return true;
}

/* ---- constants */

/* A number that the grammar did not take for an integer of 32 bits, with its sign. */
static bool translate_number(struct compiler *c, const char *text, int location,
                             struct expression *out) {
  bool is_negative = text[0] == '-';
  const char *digits = text + is_negative,
             *largest = is_negative ? "9223372036854775808" : "9223372036854775807";
  while (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9') digits++;
  size_t length = strspn(digits, "0123456789");
  bool fits =
      digits[length] == '\0' && (length < 19 || (length == 19 && strcmp(digits, largest) <= 0));
  struct sqltype type = expression_plain_type(fits ? SQL_INT8 : SQL_NUMERIC);
  if (is_negative && strcmp(digits, "2147483648") == 0) type.id = SQL_INT4; /* its least */
  *out = expression_text_literal(c, text, location);
  return expression_convert(c, out, &type, 'i');
}

static bool translate_constant(struct compiler *c, const PgQuery__AConst *node,
                               struct expression *out) {
  int location = node->location;
  if (node->isnull) {
    *out = expression_text_literal(c, NULL, location);
    return true;
  }
  switch (node->val_case) {
  case PG_QUERY__A__CONST__VAL_IVAL: {
    const char *text = compiler_format(c, "%d", (int)node->ival->ival);
    *out = expression_make(text, expression_plain_type(SQL_INT4), location);
    out->is_literal = true;
    out->text = text;
    return true;
  }
  case PG_QUERY__A__CONST__VAL_FVAL: return translate_number(c, node->fval->fval, location, out);
  case PG_QUERY__A__CONST__VAL_BOOLVAL:
    *out = expression_make(node->boolval->boolval ? "1" : "0", expression_plain_type(SQL_BOOLEAN),
                           location);
    out->is_literal = true;
    out->text = node->boolval->boolval ? "true" : "false";
    return true;
  case PG_QUERY__A__CONST__VAL_SVAL:
    *out = expression_text_literal(c, node->sval->sval, location);
    return true;
  default: return note_error(c, location, "0A000", NULL, "bit strings are not supported");
  }
}

/* ---- boolean logic */

static bool boolean_of(struct compiler *c, struct expression *e, const char *clause, int location) {
  struct sqltype type = expression_plain_type(SQL_BOOLEAN);
  if (e->type.id == SQL_UNKNOWN) return expression_convert(c, e, &type, 'i');
  if (e->type.id == SQL_BOOLEAN && !e->type.is_array) return true;
  return note_error(c, e->location >= 0 ? e->location : location, "42804", NULL,
                    "argument of %s must be type boolean, not type %s", clause,
                    expression_type_name(c, &e->type));
}

bool expression_boolean(struct compiler *c, const PgQuery__Node *node, const struct scope *scope,
                        const char *clause, struct expression *out) {
  return expression_translate(c, node, scope, out) &&
         boolean_of(c, out, clause, expression_location(node));
}

static bool translate_bool_expr(struct compiler *c, const PgQuery__BoolExpr *node,
                                const struct scope *scope, struct expression *out) {
  const char *word = node->boolop == PG_QUERY__BOOL_EXPR_TYPE__AND_EXPR  ? "AND"
                     : node->boolop == PG_QUERY__BOOL_EXPR_TYPE__OR_EXPR ? "OR"
                                                                         : "NOT";
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  const char *sql = "";
  for (size_t i = 0; i < node->n_args; i++) {
    struct expression part;
    if (!expression_boolean(c, node->args[i], scope, word, &part)) return false;
    expression_absorb(out, &part);
    sql = i == 0 ? part.sql : compiler_format(c, "%s %s %s", sql, word, part.sql);
  }
  out->sql = compiler_format(
      c, node->boolop == PG_QUERY__BOOL_EXPR_TYPE__NOT_EXPR ? "(NOT %s)" : "(%s)", sql);
  return true;
}

static bool translate_null_test(struct compiler *c, const PgQuery__NullTest *node,
                                const struct scope *scope, struct expression *out) {
  struct expression e;
  bool is_not = node->nulltesttype == PG_QUERY__NULL_TEST_TYPE__IS_NOT_NULL;
  if (node->arg->node_case ==
      PG_QUERY__NODE__NODE_ROW_EXPR) { /* holds when it holds for every column */
    const PgQuery__RowExpr *row = node->arg->row_expr;
    *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
    const char *sql = "1";
    for (size_t i = 0; i < row->n_args; i++) {
      if (!expression_translate(c, row->args[i], scope, &e)) return false;
      expression_absorb(out, &e);
      sql = compiler_format(c, "%s AND %s IS %sNULL", sql, e.sql, is_not ? "NOT " : "");
    }
    out->sql = compiler_format(c, "(%s)", sql);
    return true;
  }
  if (!expression_translate(c, node->arg, scope, &e)) return false;
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  expression_absorb(out, &e);
  out->sql = compiler_format(c, "(%s IS %sNULL)", e.sql, is_not ? "NOT " : "");
  return true;
}

static bool translate_boolean_test(struct compiler *c, const PgQuery__BooleanTest *node,
                                   const struct scope *scope, struct expression *out) {
  static const struct {
    const char *words, *test;
  } tests[] = {[PG_QUERY__BOOL_TEST_TYPE__IS_TRUE] = {"IS TRUE", "IS 1"},
               [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_TRUE] = {"IS NOT TRUE", "IS NOT 1"},
               [PG_QUERY__BOOL_TEST_TYPE__IS_FALSE] = {"IS FALSE", "IS 0"},
               [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_FALSE] = {"IS NOT FALSE", "IS NOT 0"},
               [PG_QUERY__BOOL_TEST_TYPE__IS_UNKNOWN] = {"IS UNKNOWN", "IS NULL"},
               [PG_QUERY__BOOL_TEST_TYPE__IS_NOT_UNKNOWN] = {"IS NOT UNKNOWN", "IS NOT NULL"}};
  struct expression e;
  if (!expression_boolean(c, node->arg, scope, tests[node->booltesttype].words, &e)) return false;
  *out = expression_make("", expression_plain_type(SQL_BOOLEAN), node->location);
  expression_absorb(out, &e);
  out->sql = compiler_format(c, "(%s %s)", e.sql, tests[node->booltesttype].test);
  return true;
}

static bool translate_collate(struct compiler *c, const PgQuery__CollateClause *node,
                              const struct scope *scope, struct expression *out) {
  static const char *const bytewise[] = {"C", "POSIX", "default", "ucs_basic", "C.UTF-8", "C.utf8"};
  if (!expression_translate(c, node->arg, scope, out)) return false;
  const char *name = expression_name_part(node->collname, node->n_collname - 1);
  bool is_open = out->type.id == SQL_UNKNOWN; /* a literal becomes what stands beside it */
  if (out->type.is_array || (!is_open && operators_category(operators_code(&out->type)) != 'S')) {
    return note_error(c, node->location, "42804", NULL, "collations are not supported by type %s",
                      expression_type_name(c, &out->type));
  }
  for (size_t i = 0; i < sizeof bytewise / sizeof bytewise[0]; i++) {
    if (strcmp(name, bytewise[i]) == 0) {
      out->collation = name;
      return true;
    }
  }
  return note_error(c, node->location, "0A000",
                    "Text is compared byte by byte here, as COLLATE \"C\" does.",
                    "collation \"%s\" is not supported", name);
}

/* ---- the dispatch */

int expression_location(const PgQuery__Node *node) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_COLUMN_REF: return node->column_ref->location;
  case PG_QUERY__NODE__NODE_A_CONST: return node->a_const->location;
  case PG_QUERY__NODE__NODE_A_EXPR: return node->a_expr->location;
  case PG_QUERY__NODE__NODE_FUNC_CALL: return node->func_call->location;
  case PG_QUERY__NODE__NODE_TYPE_CAST: return node->type_cast->location;
  case PG_QUERY__NODE__NODE_BOOL_EXPR: return node->bool_expr->location;
  case PG_QUERY__NODE__NODE_SUB_LINK: return node->sub_link->location;
  case PG_QUERY__NODE__NODE_CASE_EXPR: return node->case_expr->location;
  case PG_QUERY__NODE__NODE_COALESCE_EXPR: return node->coalesce_expr->location;
  case PG_QUERY__NODE__NODE_MIN_MAX_EXPR: return node->min_max_expr->location;
  case PG_QUERY__NODE__NODE_A_ARRAY_EXPR: return node->a_array_expr->location;
  case PG_QUERY__NODE__NODE_ROW_EXPR: return node->row_expr->location;
  case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION: return node->sqlvalue_function->location;
  case PG_QUERY__NODE__NODE_PARAM_REF: return node->param_ref->location;
  case PG_QUERY__NODE__NODE_NULL_TEST: return node->null_test->location;
  case PG_QUERY__NODE__NODE_BOOLEAN_TEST: return node->boolean_test->location;
  case PG_QUERY__NODE__NODE_COLLATE_CLAUSE: return node->collate_clause->location;
  case PG_QUERY__NODE__NODE_A_INDIRECTION: return expression_location(node->a_indirection->arg);
  default: return -1;
  }
}

static bool expression_dispatch(struct compiler *c, const PgQuery__Node *node,
                                const struct scope *scope, struct expression *out) {
  switch (node->node_case) {
  case PG_QUERY__NODE__NODE_COLUMN_REF: return translate_column(c, node->column_ref, scope, out);
  case PG_QUERY__NODE__NODE_PARAM_REF: return translate_parameter(c, node->param_ref, scope, out);
  case PG_QUERY__NODE__NODE_A_CONST: return translate_constant(c, node->a_const, out);
  case PG_QUERY__NODE__NODE_A_EXPR: return expression_a_expr(c, node->a_expr, scope, out);
  case PG_QUERY__NODE__NODE_BOOL_EXPR: return translate_bool_expr(c, node->bool_expr, scope, out);
  case PG_QUERY__NODE__NODE_NULL_TEST: return translate_null_test(c, node->null_test, scope, out);
  case PG_QUERY__NODE__NODE_BOOLEAN_TEST:
    return translate_boolean_test(c, node->boolean_test, scope, out);
  case PG_QUERY__NODE__NODE_COLLATE_CLAUSE:
    return translate_collate(c, node->collate_clause, scope, out);
  case PG_QUERY__NODE__NODE_TYPE_CAST: return expression_typecast(c, node->type_cast, scope, out);
  case PG_QUERY__NODE__NODE_FUNC_CALL: return expression_function(c, node->func_call, scope, out);
  case PG_QUERY__NODE__NODE_SQLVALUE_FUNCTION:
    return expression_value_function(c, node->sqlvalue_function, out);
  case PG_QUERY__NODE__NODE_CASE_EXPR: return expression_case(c, node->case_expr, scope, out);
  case PG_QUERY__NODE__NODE_COALESCE_EXPR:
    return expression_coalesce(c, node->coalesce_expr, scope, out);
  case PG_QUERY__NODE__NODE_MIN_MAX_EXPR:
    return expression_minmax(c, node->min_max_expr, scope, out);
  case PG_QUERY__NODE__NODE_SUB_LINK: return expression_sublink(c, node->sub_link, scope, out);
  case PG_QUERY__NODE__NODE_A_ARRAY_EXPR:
    return expression_array(c, node->a_array_expr, NULL, scope, out);
  case PG_QUERY__NODE__NODE_A_INDIRECTION:
    return expression_subscript(c, node->a_indirection, scope, out);
  case PG_QUERY__NODE__NODE_ROW_EXPR:
    return note_error(c, node->row_expr->location, "0A000",
                      "Compare rows, or name the columns one by one.",
                      "a row as a value is not supported");
  case PG_QUERY__NODE__NODE_SET_TO_DEFAULT:
    return note_error(c, node->set_to_default->location, "42601", NULL,
                      "DEFAULT is not allowed in this context");
  case PG_QUERY__NODE__NODE_GROUPING_FUNC:
    return note_error(c, node->grouping_func->location, "0A000", NULL,
                      "GROUPING() is not supported");
  case PG_QUERY__NODE__NODE_XML_EXPR:
  case PG_QUERY__NODE__NODE_XML_SERIALIZE:
    return note_error(c, -1, "0A000", "xml is kept as text here.",
                      "XML expressions are not supported");
  default:
    return note_error(c, expression_location(node), "0A000", NULL,
                      "this kind of expression is not supported");
  }
}

/* Whoever stands in GROUP BY as a whole needs no grouped columns inside. */
static void grouping_settle(const struct scope *scope, const struct expression *e,
                            const char *ungrouped, int location) {
  struct query_grouping *grouping = scope->grouping;
  for (int i = 0; i < grouping->key_count; i++) {
    if (strcmp(grouping->keys[i], e->sql) != 0) continue;
    grouping->ungrouped = ungrouped;
    grouping->location = location;
    return;
  }
}

bool expression_translate(struct compiler *c, const PgQuery__Node *node, const struct scope *scope,
                          struct expression *out) {
  static const struct scope nothing = {0};
  if (scope == NULL) scope = &nothing;
  memset(out, 0, sizeof *out);
  out->location = -1;
  if (c->depth >= EXPRESSION_DEPTH_MAX) {
    return note_error(c, expression_location(node), "54001", "Write it in smaller parts.",
                      "the expression is nested deeper than %d levels", EXPRESSION_DEPTH_MAX);
  }
  bool is_grouped = scope->grouping != NULL && scope->grouping->active;
  const char *ungrouped = is_grouped ? scope->grouping->ungrouped : NULL;
  int location = is_grouped ? scope->grouping->location : -1;
  c->depth++;
  bool done = expression_dispatch(c, node, scope, out);
  c->depth--;
  if (done && is_grouped) grouping_settle(scope, out, ungrouped, location);
  return done;
}

bool expression_translate_list(struct compiler *c, size_t count, PgQuery__Node *const *nodes,
                               const struct scope *scope, struct expression_list *out) {
  for (size_t i = 0; i < count; i++) {
    struct expression e;
    if (!expression_translate(c, nodes[i], scope, &e)) return false;
    *expression_list_add(c, out) = e;
  }
  return true;
}
