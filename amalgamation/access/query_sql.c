/*
** query_sql.c: the tree as SQL, one statement for each resource. The statement of an embedded resource has the columns of its parent's row
** that it hangs on as its first parameters. Where a parent's rows depend on what is embedded in them (!inner, resource=is.null,
** order=resource(field)), a subquery asks for that.
**
** The policy of a table stands before everything that the caller has a say in; and whatever of that could raise an error or
** take its time stands in CASE WHEN policy THEN ... END besides, because SQLite is free to turn AND around.
*/
#include "../internal.h"

/* ---- statements */

LEDGER_PRIVATE void query_statement_start(struct query_statement *statement, struct query *query) {
  *statement = (struct query_statement){.query = query, .sql = sqlite3_str_new(query->db->sqlite)};
}

LEDGER_PRIVATE void query_statement_value(struct query_statement *statement,
                                          const struct value *value) {
  if (statement->count == statement->room) {
    int wanted = statement->room == 0 ? 16 : statement->room * 2;
    struct value *grown = arena_alloc(&statement->query->db->arena, (size_t)wanted * sizeof *grown);
    if (grown == NULL) {
      statement->is_short = true;
      return;
    }
    if (statement->count > 0)
      memcpy(grown, statement->values, (size_t)statement->count * sizeof *grown);
    statement->values = grown;
    statement->room = wanted;
  }
  statement->values[statement->count++] = *value;
  char number[16];
  int at = (int)sizeof number, rest = statement->count;
  do number[--at] = (char)('0' + rest % 10);
  while ((rest /= 10) > 0);
  number[--at] = '?';
  sqlite3_str_append(statement->sql, number + at, (int)sizeof number - at);
}

LEDGER_PRIVATE void query_statement_name(struct query_statement *statement, const char *name) {
  size_t length = strlen(name);
  if (memchr(name, '"', length) != NULL) {
    sqlite3_str_appendf(statement->sql, "\"%w\"", name);
    return;
  }
  sqlite3_str_append(statement->sql, "\"", 1);
  sqlite3_str_append(statement->sql, name, (int)length);
  sqlite3_str_append(statement->sql, "\"", 1);
}

LEDGER_PRIVATE int query_statement_make(struct query_statement *statement, sqlite3_stmt **out) {
  ledger *db = statement->query->db;
  const char *text = sqlite3_str_value(statement->sql);
  size_t length = (size_t)sqlite3_str_length(statement->sql);
  *out = NULL;
  if (statement->is_short || sqlite3_str_errcode(statement->sql) == SQLITE_NOMEM) {
    sqlite3_free(sqlite3_str_finish(statement->sql));
    return error_memory(&db->error);
  }
  sqlite3_stmt *stmt = statement_find(db, text, length);
  if (stmt != NULL) {
    sqlite3_free(sqlite3_str_finish(statement->sql));
  } else {
    const char *key = arena_copy(&db->arena, text, length);
    if (key == NULL) {
      sqlite3_free(sqlite3_str_finish(statement->sql));
      return error_memory(&db->error);
    }
    stmt = statement_make(db, key, length, statement->sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, statement->count, statement->values);
  if (rc == LEDGER_OK) *out = stmt;
  return rc;
}

/* ---- expressions */

static void sql_text(struct query_statement *statement, const char *text) {
  sqlite3_str_append(statement->sql, text, (int)strlen(text));
}

/* "qualifier"."name", or the name alone. */
static void sql_column(struct query_statement *statement, const char *qualifier, const char *name) {
  if (qualifier != NULL) {
    query_statement_name(statement, qualifier);
    sql_text(statement, ".");
  }
  query_statement_name(statement, name);
}

static bool sql_is_document(const struct column *column) {
  return !column->type.is_array && (column->type.id == TYPE_JSON || column->type.id == TYPE_JSONB);
}

/* The column, or what its path finds; of other types than json what it finds in the column as jsonb. */
static void sql_field(struct query_statement *statement, const char *qualifier,
                      const struct query_resource *resource, const struct query_field *field) {
  const struct column *column = &resource->relation->columns[field->column];
  bool is_json = !column->type.is_array && column->type.id == TYPE_JSON;
  for (int i = field->step_count - 1; i >= 0; i--) {
    const struct query_step *step = &field->steps[i];
    sqlite3_str_appendf(statement->sql, "pg_%s_%s%s(", is_json ? "json" : "jsonb",
                        step->is_index ? "array_element" : "object_field",
                        step->is_text ? "_text" : "");
  }
  bool converts = field->step_count > 0 && !sql_is_document(column);
  if (converts) sql_text(statement, "pg_to_jsonb(");
  sql_column(statement, qualifier, column->name);
  if (converts) sqlite3_str_appendf(statement->sql, ", %Q)", column->type_name);
  for (int i = 0; i < field->step_count; i++) {
    const struct query_step *step = &field->steps[i];
    struct value value = {.kind = VALUE_TEXT, .text = step->key, .length = step->length};
    if (step->is_index) value = (struct value){.kind = VALUE_INTEGER, .integer = step->index};
    sql_text(statement, ", ");
    query_statement_value(statement, &value);
    sql_text(statement, ")");
  }
}

/* The same as what it is compared and ordered by: under its collation, an enum as its label's number. */
static void sql_key(struct query_statement *statement, const char *qualifier,
                    const struct query_resource *resource, const struct query_field *field,
                    bool is_ordered) {
  const struct column *column = &resource->relation->columns[field->column];
  if (field->step_count > 0) {
    sql_field(statement, qualifier, resource, field);
    if (field->type.id == TYPE_JSONB) sql_text(statement, " COLLATE pg_jsonb");
    return;
  }
  if (is_ordered && column->type.id == TYPE_ENUM && !column->type.is_array) {
    sql_text(statement, "CASE ");
    sql_column(statement, qualifier, column->name);
    for (int i = 0; i < column->type.labels->count; i++)
      sqlite3_str_appendf(statement->sql, " WHEN %Q THEN %d", column->type.labels->labels[i], i);
    sql_text(statement, " END");
    return;
  }
  sql_column(statement, qualifier, column->name);
  if (column->collation != NULL)
    sqlite3_str_appendf(statement->sql, " COLLATE %s", column->collation);
}

/* An enum's operand as its label's number. */
static struct value sql_ordinal(const struct type *type, const struct value *value) {
  for (int i = 0; i < type->labels->count; i++) {
    const char *label = type->labels->labels[i];
    if (strlen(label) == value->length && memcmp(label, value->text, value->length) == 0)
      return (struct value){.kind = VALUE_INTEGER, .integer = i};
  }
  return *value;
}

/* ---- conditions */

static void sql_compare(struct query_statement *statement, const char *qualifier,
                        const struct query_resource *resource,
                        const struct query_condition *condition) {
  const struct type *type = &condition->field.type;
  const char *symbol = condition->operator->symbol;
  bool is_ordered = condition->operator->shape == QUERY_COMPARES && strcmp(symbol, "=") != 0 &&
                    strcmp(symbol, "<>") != 0;
  bool is_ordinal = is_ordered && type->id == TYPE_ENUM && !type->is_array;
  if (condition->value_count == 0) /* any or all of nothing */
    sql_text(statement, condition->quantifier == QUERY_ALL ? "1" : "0");
  for (int i = 0; i < condition->value_count; i++) {
    struct value value = condition->values[i];
    if (is_ordinal && value.kind == VALUE_TEXT) value = sql_ordinal(type, &value);
    if (i > 0) sql_text(statement, condition->quantifier == QUERY_ALL ? " AND " : " OR ");
    sql_key(statement, qualifier, resource, &condition->field, is_ordered);
    sqlite3_str_appendf(statement->sql, " %s ", condition->operator->sql);
    query_statement_value(statement, &value);
  }
}

static void sql_match(struct query_statement *statement, const char *qualifier,
                      const struct query_resource *resource,
                      const struct query_condition *condition) {
  const char *function = condition->operator->sql;
  if (condition->field.type.id == TYPE_CITEXT) { /* citext's like and match heed no case */
    if (strcmp(condition->operator->word, "like") == 0) function = "pg_texticlike";
    if (strcmp(condition->operator->word, "match") == 0) function = "pg_texticregexeq";
  }
  if (condition->value_count == 0)
    sql_text(statement, condition->quantifier == QUERY_ALL ? "1" : "0");
  for (int i = 0; i < condition->value_count; i++) {
    if (i > 0) sql_text(statement, condition->quantifier == QUERY_ALL ? " AND " : " OR ");
    sqlite3_str_appendf(statement->sql, "%s(", function);
    sql_field(statement, qualifier, resource, &condition->field);
    sql_text(statement, ", ");
    query_statement_value(statement, &condition->values[i]);
    sql_text(statement, ")");
  }
}

static void sql_list(struct query_statement *statement, const char *qualifier,
                     const struct query_resource *resource,
                     const struct query_condition *condition) {
  sql_key(statement, qualifier, resource, &condition->field, false);
  sql_text(statement, " IN (");
  for (int i = 0; i < condition->value_count; i++) {
    if (i > 0) sql_text(statement, ", ");
    query_statement_value(statement, &condition->values[i]);
  }
  sql_text(statement, ")");
}

static void sql_contains(struct query_statement *statement, const char *qualifier,
                         const struct query_resource *resource,
                         const struct query_condition *condition) {
  const struct type *type = &condition->field.type;
  sqlite3_str_appendf(statement->sql, "%s%s(",
                      type->is_array           ? "pg_array"
                      : type->id == TYPE_JSONB ? "pg_jsonb_"
                                               : "pg_network_",
                      condition->operator->sql);
  sql_field(statement, qualifier, resource, &condition->field);
  sql_text(statement, ", ");
  query_statement_value(statement, &condition->values[0]);
  if (type->is_array) {
    struct type element = *type;
    element.is_array = false;
    sql_text(statement, ", '");
    if (type->id == TYPE_ENUM)
      sql_text(statement, "text");
    else
      type_format(statement->sql, &element);
    sql_text(statement, "'");
  }
  sql_text(statement, ")");
}

static void sql_condition(struct query_statement *statement, const char *qualifier,
                          const struct query_resource *resource,
                          const struct query_condition *condition);

static void sql_exists(struct query_statement *statement, const char *qualifier,
                       const struct query_resource *child);

static void sql_operation(struct query_statement *statement, const char *qualifier,
                          const struct query_resource *resource,
                          const struct query_condition *condition) {
  switch (condition->operator->shape) {
  case QUERY_COMPARES:
  case QUERY_DIFFERS: sql_compare(statement, qualifier, resource, condition); break;
  case QUERY_MATCHES: sql_match(statement, qualifier, resource, condition); break;
  case QUERY_LISTS: sql_list(statement, qualifier, resource, condition); break;
  case QUERY_IS:
    sql_field(statement, qualifier, resource, &condition->field);
    sqlite3_str_appendf(statement->sql, " IS %s", condition->is);
    break;
  case QUERY_CONTAINS: sql_contains(statement, qualifier, resource, condition); break;
  case QUERY_SEARCHES: break; /* was refused */
  }
}

static void sql_condition(struct query_statement *statement, const char *qualifier,
                          const struct query_resource *resource,
                          const struct query_condition *condition) {
  if (condition->kind == QUERY_EMBED_IS_NULL) {
    sql_text(statement, condition->negated ? "(" : "(NOT ");
    sql_exists(statement, qualifier, condition->embedded);
    sql_text(statement, ")");
    return;
  }
  sql_text(statement, condition->negated ? "NOT (" : "(");
  if (condition->kind == QUERY_CONDITION) sql_operation(statement, qualifier, resource, condition);
  for (const struct query_condition *child = condition->first; child != NULL; child = child->next) {
    if (child != condition->first)
      sql_text(statement, condition->kind == QUERY_AND ? " AND " : " OR ");
    sql_condition(statement, qualifier, resource, child);
  }
  sql_text(statement, ")");
}

/* Can its evaluation for a hidden row tell nothing? Comparisons of a column with a value that has been read; not what walks through
** documents and patterns, nor what looks into other tables. */
static bool sql_is_leakproof(const struct query_condition *condition) {
  if (condition->kind == QUERY_EMBED_IS_NULL) return false;
  for (const struct query_condition *child = condition->first; child != NULL; child = child->next) {
    if (!sql_is_leakproof(child)) return false;
  }
  if (condition->kind != QUERY_CONDITION) return true;
  enum query_shape shape = condition->operator->shape;
  return condition->field.step_count == 0 && shape != QUERY_MATCHES && shape != QUERY_CONTAINS;
}

/* ---- rows */

/* What a WHERE is made of. */
struct sql_where {
  struct query_statement *statement;
  const char *qualifier; /* of the resource's columns; NULL: none is needed */
  const struct query_resource *resource;
  const char *visible; /* SQL that is true of the rows that the caller may see; NULL: all are */
  const char *inner;   /* by which subqueries name the resource's columns */
  bool is_alone;       /* nothing of what is embedded counts */
  int count;
};

static void sql_and(struct sql_where *where) {
  sql_text(where->statement, where->count++ == 0 ? " WHERE " : " AND ");
}

/* Conditions of the request, and that what has to be embedded is there. */
static void sql_conditions(struct sql_where *where) {
  struct query_statement *statement = where->statement;
  const struct query_resource *resource = where->resource;
  int kept = 0;
  for (const struct query_condition *c = resource->where.first; c != NULL; c = c->next) {
    if (!sql_is_leakproof(c)) continue;
    sql_and(where);
    sql_condition(statement, where->qualifier, resource, c);
  }
  for (const struct query_condition *c = resource->where.first; c != NULL; c = c->next) {
    if (sql_is_leakproof(c)) continue;
    if (where->visible != NULL && kept == 0) {
      sql_and(where);
      sqlite3_str_appendf(statement->sql, "CASE WHEN %s THEN ", where->visible);
    } else if (where->visible == NULL) {
      sql_and(where);
    }
    if (where->visible != NULL && kept++ > 0) sql_text(statement, " AND ");
    sql_condition(statement, c->kind == QUERY_CONDITION ? where->qualifier : where->inner, resource,
                  c);
  }
  if (kept > 0) sql_text(statement, " END");
  for (const struct query_resource *child = resource->first; child != NULL; child = child->next) {
    if (where->is_alone || child->join != QUERY_INNER) continue;
    sql_and(where);
    sql_exists(statement, where->inner, child);
  }
}

/* main."table", or a view's SELECT under the view's name. */
static void sql_source(struct query_statement *statement, const struct query_run *run,
                       const struct relation *relation) {
  sql_text(statement, run->source);
  if (run->source[0] != '(') return;
  sql_text(statement, " AS ");
  query_statement_name(statement, relation->stored_name);
}

/* The junction's rows that the caller may see, with the columns n0, n1, ... towards the origin and f0, f1, ... towards the target. */
static void sql_junction(struct query_statement *statement, const struct query_resource *child) {
  const struct query_relationship *r = &child->to_parent;
  const struct query_run *run = child->run;
  const struct relation *junction = r->key->relation;
  sql_text(statement, ", (SELECT ");
  for (int i = 0; i < r->count; i++) {
    query_statement_name(statement, junction->columns[r->near[i]].name);
    sqlite3_str_appendf(statement->sql, " AS ledger_n%d, ", i);
  }
  for (int i = 0; i < r->far_key->count; i++) {
    query_statement_name(statement, junction->columns[r->far_key->columns[i]].name);
    sqlite3_str_appendf(statement->sql, " AS ledger_f%d%s", i,
                        i + 1 < r->far_key->count ? ", " : "");
  }
  sqlite3_str_appendf(statement->sql, " FROM %s", run->junction_source);
  if (run->junction_policy != NULL)
    sqlite3_str_appendf(statement->sql, " WHERE (%s)", run->junction_policy);
  sqlite3_str_appendf(statement->sql, ") AS ledger_j%d", child->number);
}

/* A column of the relation is equal to what follows. */
static void sql_equals(struct query_statement *statement, const char *qualifier,
                       const struct column *column) {
  sql_column(statement, qualifier, column->name);
  if (column->collation != NULL)
    sqlite3_str_appendf(statement->sql, " COLLATE %s", column->collation);
  sql_text(statement, " = ");
}

/* Joins a resource to its junction, where it has one; `qualifier` is the target's. */
static void sql_join_far(struct sql_where *where, const char *qualifier) {
  const struct query_relationship *r = &where->resource->to_parent;
  if (where->resource->depth == 0 || r->cardinality != QUERY_THROUGH) return;
  for (int i = 0; i < r->far_key->count; i++) {
    sql_and(where);
    sql_equals(where->statement, qualifier, &r->target->columns[r->far[i]]);
    sqlite3_str_appendf(where->statement->sql, "ledger_j%d.ledger_f%d", where->resource->number, i);
  }
}

/* The column by which a resource hangs on its parent. */
static void sql_near(struct query_statement *statement, const struct query_resource *child, int i,
                     const char *qualifier) {
  const struct query_relationship *r = &child->to_parent;
  if (r->cardinality == QUERY_THROUGH) {
    const struct column *column = &r->key->relation->columns[r->near[i]];
    sqlite3_str_appendf(statement->sql, "ledger_j%d.ledger_n%d", child->number, i);
    if (column->collation != NULL)
      sqlite3_str_appendf(statement->sql, " COLLATE %s", column->collation);
    sql_text(statement, " = ");
  } else {
    sql_equals(statement, qualifier, &r->target->columns[r->near[i]]);
  }
}

/* FROM and WHERE of a child's rows for one row of its parent, whose columns are named by `outer`; in a subquery. */
static void sql_related(struct query_statement *statement, const char *outer,
                        const struct query_resource *child) {
  const struct query_run *run = child->run;
  const struct query_relationship *r = &child->to_parent;
  char name[32], visible[48];
  sqlite3_snprintf((int)sizeof name, name, "ledger_%d", child->number);
  sqlite3_snprintf((int)sizeof visible, visible, "\"%s\".ledger_visible", name);
  sql_text(statement, " FROM ");
  if (run->policy == NULL && run->source[0] != '(') {
    sql_text(statement, run->source);
  } else {
    sql_text(statement, "(SELECT *");
    if (run->policy != NULL)
      sqlite3_str_appendf(statement->sql, ", (%s) AS ledger_visible", run->policy);
    sql_text(statement, " FROM ");
    sql_source(statement, run, r->target);
    if (run->policy != NULL) sqlite3_str_appendf(statement->sql, " WHERE (%s)", run->policy);
    sql_text(statement, ")");
  }
  sqlite3_str_appendf(statement->sql, " AS %s", name);
  if (r->cardinality == QUERY_THROUGH) sql_junction(statement, child);
  struct sql_where where = {.statement = statement,
                            .qualifier = name,
                            .inner = name,
                            .resource = child,
                            .visible = run->policy == NULL ? NULL : visible};
  for (int i = 0; i < r->count; i++) {
    sql_and(&where);
    sql_near(statement, child, i, name);
    sql_column(statement, outer, child->parent->relation->columns[r->origin[i]].name);
  }
  sql_join_far(&where, name);
  sql_conditions(&where);
}

static void sql_limit(struct query_statement *statement, int64_t limit, int64_t offset) {
  struct value value = {.kind = VALUE_INTEGER, .integer = limit};
  if (limit < 0 && offset == 0) return;
  sql_text(statement, " LIMIT ");
  query_statement_value(statement, &value);
  if (offset == 0) return;
  value.integer = offset;
  sql_text(statement, " OFFSET ");
  query_statement_value(statement, &value);
}

static void sql_exists(struct query_statement *statement, const char *qualifier,
                       const struct query_resource *child) {
  sql_text(statement, "EXISTS (SELECT 1");
  sql_related(statement, qualifier, child);
  sql_limit(statement, child->limit, child->offset);
  sql_text(statement, ")");
}

/* ---- select lists */

/* An expression cast to a type: through its text, but for the ways that round or that PostgreSQL has a function for. */
static void sql_cast(struct query_statement *statement, const struct type *from,
                     const char *from_name, const struct type *to, const char *to_name,
                     char *expression) {
  sqlite3_str *sql = statement->sql;
  static const char *const integers[] = {"int2", "int4", "int8"};
  bool is_whole = !to->is_array && !from->is_array &&
                  (to->id == TYPE_INT2 || to->id == TYPE_INT4 || to->id == TYPE_INT8);
  const char *whole = is_whole ? integers[to->id - TYPE_INT2] : "";
  if (is_whole && from->id == TYPE_NUMERIC)
    sqlite3_str_appendf(sql, "pg_numeric_%s(%s)", whole, expression);
  else if (is_whole && (from->id == TYPE_FLOAT8 || from->id == TYPE_FLOAT4))
    sqlite3_str_appendf(sql, "pg_%sto%c%c(%s)", from->id == TYPE_FLOAT8 ? "d" : "f", 'i', whole[3],
                        expression);
  else if (is_whole && from->id == TYPE_BOOLEAN)
    sqlite3_str_appendall(sql, expression);
  else if (!to->is_array && to->id == TYPE_BOOLEAN && from->id == TYPE_INT4)
    sqlite3_str_appendf(sql, "(%s <> 0)", expression);
  else if (!from->is_array && from->id == TYPE_BOOLEAN && query_is_string(to))
    sqlite3_str_appendf(sql, "CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' END", expression);
  else if (!from->is_array && from->id == TYPE_INET && query_is_string(to))
    sqlite3_str_appendf(sql, "pg_input(pg_network_show(%s), %Q)", expression, to_name);
  else if (query_is_string(from) && from->id != TYPE_BPCHAR)
    sqlite3_str_appendf(sql, "pg_input(%s, %Q)", expression, to_name);
  else
    sqlite3_str_appendf(sql, "pg_input(pg_output(%s, %Q), %Q)", expression, from_name, to_name);
}

/* The field of an item, cast as it says. */
static void sql_item_field(struct query_statement *statement, const char *qualifier,
                           const struct query_resource *resource, const struct query_item *item) {
  if (item->cast == NULL) {
    sql_field(statement, qualifier, resource, &item->field);
    return;
  }
  sqlite3_str *whole = statement->sql;
  statement->sql = sqlite3_str_new(statement->query->db->sqlite);
  sql_field(statement, qualifier, resource, &item->field);
  if (sqlite3_str_errcode(statement->sql) != SQLITE_OK) statement->is_short = true;
  char *expression = sqlite3_str_finish(statement->sql);
  statement->sql = whole;
  if (expression != NULL && item->cast_type.id != TYPE_ENUM)
    sql_cast(statement, &item->field.type, item->field.type_name, &item->cast_type,
             item->cast_type_name, expression);
  else
    sql_text(statement, expression == NULL ? "NULL" : expression);
  sqlite3_free(expression);
}

/* max() and min() of a type are SQLite's own for numbers, those of an enum its label's number's, and else pg_max() and pg_min(). */
static bool sql_is_native(const struct type *type) {
  if (type->is_array) return false;
  return type->id == TYPE_INT2 || type->id == TYPE_INT4 || type->id == TYPE_INT8 ||
         type->id == TYPE_FLOAT4 || type->id == TYPE_FLOAT8;
}

static bool sql_is_enum(const struct type *type) {
  return !type->is_array && type->id == TYPE_ENUM;
}

static void sql_aggregate_open(struct query_statement *statement, const struct query_item *item) {
  static const char *const names[TYPE_COUNT] = {
      [TYPE_INT2] = "int2",        [TYPE_INT4] = "int4",     [TYPE_INT8] = "int8",
      [TYPE_NUMERIC] = "numeric",  [TYPE_FLOAT4] = "float4", [TYPE_FLOAT8] = "float8",
      [TYPE_INTERVAL] = "interval"};
  const char *name = query_aggregate_name(item->aggregate);
  const char *type = names[item->cast_type.id];
  if (item->aggregate == QUERY_COUNT)
    sql_text(statement, "count(");
  else if (item->aggregate == QUERY_SUM || item->aggregate == QUERY_AVG)
    sqlite3_str_appendf(statement->sql, "pg_%s_%s(", name, type == NULL ? "" : type);
  else if (sql_is_enum(&item->cast_type))
    sqlite3_str_appendf(statement->sql, "CASE %s(CASE ", name);
  else
    sqlite3_str_appendf(statement->sql, "%s%s(", sql_is_native(&item->cast_type) ? "" : "pg_",
                        name);
}

static void sql_aggregate_close(struct query_statement *statement, const struct query_item *item) {
  bool is_extreme = item->aggregate == QUERY_MAX || item->aggregate == QUERY_MIN;
  const struct type *type = &item->cast_type;
  if (is_extreme && sql_is_enum(type)) {
    for (int i = 0; i < type->labels->count; i++)
      sqlite3_str_appendf(statement->sql, " WHEN %Q THEN %d", type->labels->labels[i], i);
    sql_text(statement, " END)");
    for (int i = 0; i < type->labels->count; i++)
      sqlite3_str_appendf(statement->sql, " WHEN %d THEN %Q", i, type->labels->labels[i]);
    sql_text(statement, " END");
    return;
  }
  if (is_extreme && !sql_is_native(type))
    sqlite3_str_appendf(statement->sql, ", %Q", item->cast_type_name);
  sql_text(statement, ")");
}

/* The items of a resource that are grouped or aggregated, and those that to-one resources spread into it; `is_group`: the terms of GROUP
** BY. `path`, the resources from the one that is read down to this one. */
struct sql_list {
  struct query_statement *statement;
  const struct query_resource *path[QUERY_EMBED_DEPTH_MAX + 1];
  int depth;
  bool is_group;
  int count;
};

static void sql_list_field(struct sql_list *list, const struct query_item *item) {
  struct query_statement *statement = list->statement;
  char name[32];
  for (int i = 1; i <= list->depth; i++) sql_text(statement, "(SELECT ");
  sqlite3_snprintf((int)sizeof name, name, "ledger_%d", list->path[list->depth]->number);
  if (list->is_group)
    sql_key(statement, list->depth == 0 ? NULL : name, list->path[list->depth], &item->field,
            false);
  else
    sql_item_field(statement, list->depth == 0 ? NULL : name, list->path[list->depth], item);
  for (int i = list->depth; i > 0; i--) {
    const struct query_resource *parent = list->path[i - 1];
    sqlite3_snprintf((int)sizeof name, name, "ledger_%d", parent->number);
    sql_related(statement, i == 1 ? parent->relation->stored_name : name, list->path[i]);
    sql_text(statement, " LIMIT 1)");
  }
}

static void sql_list_items(struct sql_list *list) {
  const struct query_resource *resource = list->path[list->depth];
  for (struct query_item *item = resource->items; item != NULL; item = item->next) {
    bool is_aggregate = item->aggregate != QUERY_NO_AGGREGATE;
    if (item->kind == QUERY_EMBEDDED) {
      if (list->is_group ? item->embedded->to_parent.cardinality != QUERY_TO_ONE
                         : !item->embedded->is_spread)
        continue;
      list->path[++list->depth] = item->embedded;
      sql_list_items(list);
      list->depth--;
      continue;
    }
    if (list->is_group && is_aggregate) continue;
    sql_text(list->statement, list->count > 0 ? ", " : list->is_group ? " GROUP BY " : "");
    if (!list->is_group) item->result = list->count;
    list->count++;
    if (is_aggregate) sql_aggregate_open(list->statement, item);
    if (is_aggregate && item->field.length == 0) {
      sql_text(list->statement, "*)");
    } else {
      sql_list_field(list, item);
      if (is_aggregate) sql_aggregate_close(list->statement, item);
    }
  }
}

/* What resources hang on that are embedded in one that is spread into the rows that are grouped. */
static void sql_list_keys(struct sql_list *list) {
  const struct query_resource *parent = list->path[list->depth];
  for (const struct query_resource *child = parent->first; child != NULL; child = child->next) {
    if (child->is_spread && child->to_parent.cardinality == QUERY_TO_ONE) {
      list->path[++list->depth] = child;
      sql_list_keys(list);
      list->depth--;
      continue;
    }
    child->run->from = list->path[0];
    for (int i = 0; list->depth > 0 && i < child->to_parent.count; i++) {
      struct query_item key = {.field = {.column = child->to_parent.origin[i]}};
      sql_text(list->statement, ", ");
      child->run->keys[i] = list->count++;
      sql_list_field(list, &key);
    }
  }
}

/* The columns that are read, each once; their positions go into the run. */
static void sql_read_column(struct query_statement *statement,
                            const struct query_resource *resource, int column, int *count) {
  struct query_run *run = resource->run;
  if (run->results[column] >= 0) return;
  if (*count > 0) sql_text(statement, ", ");
  query_statement_name(statement, resource->relation->columns[column].name);
  run->results[column] = (*count)++;
}

static void sql_select_list(struct query_statement *statement,
                            const struct query_resource *resource) {
  struct query_run *run = resource->run;
  int count = 0;
  sql_text(statement, "SELECT ");
  for (int i = 0; i < resource->relation->column_count; i++) run->results[i] = -1;
  if (resource->has_aggregate) {
    struct sql_list list = {.statement = statement, .path = {resource}};
    sql_list_items(&list);
    sql_list_keys(&list);
    count = list.count;
  } else {
    for (struct query_item *item = resource->items; item != NULL; item = item->next) {
      if (item->kind != QUERY_FIELD) continue;
      sql_read_column(statement, resource, item->field.column, &count);
      item->result = run->results[item->field.column];
    }
  }
  /* What the embedded ones hang on; where rows are grouped, of any row of the group. */
  for (const struct query_resource *child = resource->first; child != NULL; child = child->next) {
    child->run->from = resource;
    for (int i = 0; i < child->to_parent.count; i++) {
      sql_read_column(statement, resource, child->to_parent.origin[i], &count);
      child->run->keys[i] = run->results[child->to_parent.origin[i]];
    }
  }
  if (count == 0) sql_text(statement, "1");
}

/* ---- order */

static void sql_order(struct query_statement *statement, const struct query_resource *resource) {
  const char *before = " ORDER BY ";
  for (const struct query_order *order = resource->orders; order != NULL; order = order->next) {
    sql_text(statement, before);
    before = ", ";
    bool is_never_null = false;
    if (order->embedded != NULL) {
      char name[32];
      sqlite3_snprintf((int)sizeof name, name, "ledger_%d", order->embedded->number);
      sql_text(statement, "(SELECT ");
      sql_key(statement, name, order->embedded, &order->field, true);
      sql_related(statement, resource->relation->stored_name, order->embedded);
      sql_text(statement, " LIMIT 1)");
      const struct column *column = &order->embedded->relation->columns[order->field.column];
      if (order->field.step_count == 0 && column->collation != NULL) /* a subquery has none */
        sqlite3_str_appendf(statement->sql, " COLLATE %s", column->collation);
    } else {
      sql_key(statement, NULL, resource, &order->field, true);
      is_never_null =
          order->field.step_count == 0 && resource->relation->columns[order->field.column].not_null;
    }
    if (order->descending) sql_text(statement, " DESC");
    /* An index is of use where nothing is said of nulls. */
    if (!is_never_null && order->nulls_first == !order->descending) continue;
    if (!is_never_null) sql_text(statement, order->nulls_first ? " NULLS FIRST" : " NULLS LAST");
  }
}

/* ---- whole statements */

/* FROM and WHERE of a resource that is read by itself; behind its parameters for its parent's columns. */
static void sql_from(struct query_statement *statement, const struct query_resource *resource) {
  const struct query_run *run = resource->run;
  const struct query_relationship *r = &resource->to_parent;
  sql_text(statement, " FROM ");
  sql_source(statement, run, resource->relation);
  if (resource->depth > 0 && r->cardinality == QUERY_THROUGH) sql_junction(statement, resource);
  char *visible = NULL;
  struct sql_where where = {
      .statement = statement, .resource = resource, .inner = resource->relation->stored_name};
  if (run->policy != NULL) {
    visible = sqlite3_mprintf("(%s)", run->policy);
    if (visible == NULL) statement->is_short = true;
    sql_and(&where);
    sql_text(statement, visible == NULL ? "0" : visible);
    where.visible = visible;
  }
  for (int i = 0; resource->depth > 0 && i < r->count; i++) {
    static const struct value later = {.kind = VALUE_NULL};
    sql_and(&where);
    sql_near(statement, resource, i, NULL);
    query_statement_value(statement, &later);
  }
  sql_join_far(&where, resource->relation->stored_name);
  sql_conditions(&where);
  sqlite3_free(visible);
}

LEDGER_PRIVATE void query_sql_read(struct query_statement *statement,
                                   const struct query_resource *resource) {
  sql_select_list(statement, resource);
  sql_from(statement, resource);
  if (resource->has_aggregate) {
    struct sql_list list = {.statement = statement, .path = {resource}, .is_group = true};
    sql_list_items(&list);
  }
  sql_order(statement, resource);
  sql_limit(statement, resource->limit, resource->offset);
  /* Where two resources have the same text they still need a statement each. */
  if (resource->depth > 0) sqlite3_str_appendf(statement->sql, " /* %d */", resource->number);
}

LEDGER_PRIVATE void query_sql_count(struct query_statement *statement,
                                    const struct query_resource *resource) {
  sql_text(statement, "SELECT count(*)");
  sql_from(statement, resource);
}

LEDGER_PRIVATE void query_sql_rowids(struct query_statement *statement,
                                     const struct query_resource *resource,
                                     const struct value *rowids) {
  sql_select_list(statement, resource);
  sql_text(statement, " FROM main.");
  query_statement_name(statement, resource->relation->stored_name);
  if (rowids->kind == VALUE_INTEGER) {
    sql_text(statement, " WHERE _rowid_ = ");
    query_statement_value(statement, rowids);
  } else {
    sql_text(statement, " WHERE _rowid_ IN (SELECT value FROM json_each(");
    query_statement_value(statement, rowids);
    sql_text(statement, "))");
  }
  resource->run->rowid = statement->count;
  struct sql_where where = {.statement = statement,
                            .resource = resource,
                            .inner = resource->relation->stored_name,
                            .count = 1};
  for (const struct query_resource *child = resource->first; child != NULL; child = child->next) {
    if (child->join != QUERY_INNER) continue;
    sql_and(&where);
    sql_exists(statement, where.inner, child);
  }
  if (resource->has_aggregate) {
    struct sql_list list = {.statement = statement, .path = {resource}, .is_group = true};
    sql_list_items(&list);
  }
}

LEDGER_PRIVATE int query_statement_target(struct query_statement *statement,
                                          enum policy_verb verb) {
  struct query *query = statement->query;
  const struct query_resource *root = &query->root;
  const char *own = NULL, *seen = NULL;
  bool reads = root->where.first != NULL ||
               (query->ask != NULL && query->ask->returns != LEDGER_RETURN_MINIMAL);
  int rc = policy_using(query->db, root->relation, verb, &own);
  if (rc == LEDGER_OK && verb != POLICY_SELECT && reads)
    rc = policy_using(query->db, root->relation, POLICY_SELECT, &seen);
  if (rc != LEDGER_OK) return rc;
  char *visible = own != NULL && seen != NULL   ? sqlite3_mprintf("((%s) AND (%s))", seen, own)
                  : own != NULL || seen != NULL ? sqlite3_mprintf("(%s)", own != NULL ? own : seen)
                                                : NULL;
  if (visible == NULL && (own != NULL || seen != NULL)) return error_memory(&query->db->error);
  sql_text(statement, " FROM main.");
  query_statement_name(statement, root->relation->stored_name);
  struct sql_where where = {.statement = statement,
                            .resource = root,
                            .inner = root->relation->stored_name,
                            .is_alone = true,
                            .visible = visible};
  if (visible != NULL) {
    sql_and(&where);
    sql_text(statement, visible);
  }
  sql_conditions(&where);
  sqlite3_free(visible);
  return LEDGER_OK;
}
