/*
** seed: the rows that a schema file inserts, as SQLite statements with every value in its stored form. A row has the same
** content on every device: uuid defaults are derived from schema, table and row, sequences are counted here.
*/
#include "ddl.h"

static bool seed_has_rows(const struct ddl *ddl, const struct relation_def *relation) {
  for (int i = 0; i < ddl->insert_count; i++) {
    if (ddl->inserts[i].relation == relation) return true;
  }
  return false;
}

static struct ddl_insert *seed_add(struct compiler *c, struct relation_def *relation,
                                   int location) {
  struct ddl_insert *insert = APPEND(c, ddl_of(c)->inserts, ddl_of(c)->insert_count);
  insert->relation = relation;
  insert->place = place_here(c, location);
  return insert;
}

static bool seed_find_call(void *context, PgQuery__Node *node) {
  bool *found = context;
  *found = *found || node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL ||
           node->node_case == PG_QUERY__NODE__NODE_SUB_LINK;
  return true;
}

/* A table without seed rows among those that FROM joins, or NULL. */
static const char *seed_empty_source(struct compiler *c, const PgQuery__Node *item) {
  if (item->node_case == PG_QUERY__NODE__NODE_JOIN_EXPR &&
      item->join_expr->jointype == PG_QUERY__JOIN_TYPE__JOIN_INNER) {
    const char *left = seed_empty_source(c, item->join_expr->larg);
    return left != NULL ? left : seed_empty_source(c, item->join_expr->rarg);
  }
  if (item->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) return NULL;
  const PgQuery__RangeVar *range = item->range_var;
  const struct relation_def *relation =
      find_relation(c, range->schemaname[0] != '\0' ? range->schemaname : NULL, range->relname);
  return relation != NULL && !relation->is_view && !seed_has_rows(ddl_of(c), relation)
             ? relation->name
             : NULL;
}

/* INSERT ... SELECT that moves the rows of an older database: there are none here. */
static const char *seed_moves_nothing(struct compiler *c, const PgQuery__InsertStmt *statement) {
  const PgQuery__SelectStmt *select =
      statement->select_stmt != NULL ? statement->select_stmt->select_stmt : NULL;
  const char *empty = NULL;
  bool may_count = false;
  if (select == NULL || select->op != PG_QUERY__SET_OPERATION__SETOP_NONE) return NULL;
  for (size_t i = 0; i < select->n_target_list && select->n_group_clause == 0; i++)
    tree_walk(&select->target_list[i]->base, seed_find_call, &may_count);
  for (size_t i = 0; i < select->n_from_clause && empty == NULL; i++)
    empty = seed_empty_source(c, select->from_clause[i]);
  return may_count || select->having_clause != NULL ? NULL : empty;
}

void ddl_insert(struct compiler *c, const PgQuery__InsertStmt *statement) {
  int location = statement->relation->location;
  struct relation_def *relation = relation_of_range(c, statement->relation, false);
  if (relation == NULL) return;
  const char *empty = seed_moves_nothing(c, statement);
  if (relation->is_view) {
    note_error(c, location, "0A000", NULL, "cannot insert into view \"%s\"", relation->name);
  } else if (statement->n_returning_list > 0 || statement->with_clause != NULL) {
    note_error(c, location, "0A000", "write INSERT ... VALUES or INSERT ... SELECT",
               "WITH and RETURNING are not supported in seed rows");
  } else if (empty != NULL) {
    note(c, SCHEMA_SKIPPED, location, NULL,
         "INSERT INTO \"%s\" puts no row: the file has put none into \"%s\"", relation->name,
         empty);
  } else {
    seed_add(c, relation, location)->statement = statement;
  }
}

/* Migrations change rows that an older database has; here there are only those that the file has put. */
void ddl_change(struct compiler *c, const PgQuery__Node *node) {
  const PgQuery__UpdateStmt *update =
      node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT ? node->update_stmt : NULL;
  const PgQuery__DeleteStmt *removal = update == NULL ? node->delete_stmt : NULL;
  const PgQuery__RangeVar *range = update != NULL ? update->relation : removal->relation;
  const PgQuery__WithClause *with = update != NULL ? update->with_clause : removal->with_clause;
  const char *word = update != NULL ? "UPDATE" : "DELETE";
  size_t sources = update != NULL ? update->n_from_clause : removal->n_using_clause;
  size_t returned = update != NULL ? update->n_returning_list : removal->n_returning_list;
  struct relation_def *relation = relation_of_range(c, range, false);
  if (relation == NULL) return;
  if (relation->is_view) {
    note_error(c, range->location, "0A000", NULL, "%s of view \"%s\" is not supported", word,
               relation->name);
  } else if (with != NULL) {
    note_error(c, range->location, "0A000", "write the seed rows as they shall be",
               "WITH is not supported in %s of seed rows", word);
  } else if (!seed_has_rows(ddl_of(c), relation)) {
    note(c, SCHEMA_SKIPPED, range->location, NULL,
         "%s of \"%s\" changes nothing: the file has put no row into it", word, relation->name);
  } else if (sources > 0 || returned > 0) {
    note_error(c, range->location, "0A000", "write the seed rows as they shall be",
               "%s and RETURNING are not supported in %s of seed rows",
               update != NULL ? "FROM" : "USING", word);
  } else {
    seed_add(c, relation, range->location)->change = node;
  }
}

/* ---- defaults of a seed row */

static bool seed_nextval(struct compiler *c, struct sequence_def *sequence, int64_t *value) {
  if (sequence->is_running) {
    return note_error(
        c, -1, "0A000", "put the rows of VALUES before those of SELECT",
        "sequence \"%s\" has served rows of INSERT ... SELECT, whose number is not known here",
        sequence->name);
  }
  if (!sequence->is_called) {
    sequence->is_called = true;
  } else {
    bool is_last = sequence->increment > 0
                       ? sequence->last_value > sequence->maximum - sequence->increment
                       : sequence->last_value < sequence->minimum - sequence->increment;
    if (is_last && !sequence->cycle) {
      return note_error(c, -1, "2200H", NULL, "nextval: reached the limit of sequence \"%s\"",
                        sequence->name);
    }
    if (is_last)
      sequence->last_value = sequence->increment > 0 ? sequence->minimum : sequence->maximum;
    else
      sequence->last_value += sequence->increment;
  }
  *value = sequence->last_value;
  return true;
}

/* A uuid of version 8 (RFC 9562): SHA-256 of schema, table, column and the row's number among the seed rows. */
static const char *seed_uuid(struct compiler *c, const struct relation_def *relation,
                             const struct column_def *column, int row) {
  const char *source = compiler_format(c, "%s/%s.%s.%s/%d", c->options->name, relation->schema,
                                       relation->name, column->name, row);
  const char *hex = sha256_hex(c, source, strlen(source));
  return compiler_format(c, "'%.8s-%.4s-8%.3s-%c%.3s-%.12s'", hex, hex + 8, hex + 13,
                         "89ab"[hex[16] & 3], hex + 17, hex + 20);
}

static const char *seed_default(struct compiler *c, const struct relation_def *relation,
                                const struct column_def *column, int row) {
  struct scope nothing = {.bare = true};
  struct expression value;
  int64_t number = 0;
  if (column->identity != 0 || column->default_kind == DEFAULT_NEXTVAL) {
    return seed_nextval(c, column->sequence, &number)
               ? compiler_format(c, "%lld", (long long)number)
               : NULL;
  }
  const PgQuery__Node *node = column->default_node;
  if (node == NULL && column->type.domain != NULL) node = column->type.domain->default_node;
  switch (column->default_kind) {
  case DEFAULT_CONSTANT: return column->default_sql;
  case DEFAULT_UUID: return seed_uuid(c, relation, column, row);
  case DEFAULT_NOW:
  case DEFAULT_EXPRESSION:
    if (!expression_translate(c, node, &nothing, &value) ||
        !expression_coerce(c, &value, &column->type, false))
      return NULL;
    return value.sql;
  default: return "NULL";
  }
}

/* ---- one statement */

struct seed {
  struct compiler *c;
  const struct ddl_insert *insert;
  const struct relation_def *relation;
  int target_count;
  const struct column_def **targets; /* of the INSERT's column list */
  int generated_count;
};

static bool seed_targets(struct seed *seed) {
  struct compiler *c = seed->c;
  const PgQuery__InsertStmt *statement = seed->insert->statement;
  for (int i = 0; i < seed->relation->column_count; i++) {
    const struct column_def *column = &seed->relation->columns[i];
    seed->generated_count += column->generated_sql != NULL;
    if (statement->n_cols == 0) *APPEND(c, seed->targets, seed->target_count) = column;
  }
  for (size_t i = 0; i < statement->n_cols; i++) {
    const PgQuery__ResTarget *target = statement->cols[i]->res_target;
    const struct column_def *column = find_column(seed->relation, target->name);
    if (column == NULL) {
      return note_error(c, target->location, "42703", NULL,
                        "column \"%s\" of relation \"%s\" does not exist", target->name,
                        seed->relation->name);
    }
    for (int k = 0; k < seed->target_count; k++) {
      if (seed->targets[k] == column)
        return note_error(c, target->location, "42701", NULL,
                          "column \"%s\" specified more than once", target->name);
    }
    *APPEND(c, seed->targets, seed->target_count) = column;
  }
  return true;
}

static bool seed_may_write(struct seed *seed, const struct column_def *column, int location) {
  bool overrides =
      seed->insert->statement->override == PG_QUERY__OVERRIDING_KIND__OVERRIDING_SYSTEM_VALUE;
  if (column->generated_node != NULL || (column->identity == 'a' && !overrides)) {
    return note_error(seed->c, location, "428C9",
                      column->identity == 'a' ? "use OVERRIDING SYSTEM VALUE to override" : NULL,
                      "cannot insert a non-DEFAULT value into column \"%s\"", column->name);
  }
  return true;
}

static int seed_target_of(const struct seed *seed, const struct column_def *column) {
  for (int i = 0; i < seed->target_count; i++) {
    if (seed->targets[i] == column) return i;
  }
  return -1;
}

/* The values of one VALUES row in the order of the table's columns, generated ones left out. */
static bool seed_row(struct seed *seed, const PgQuery__List *values, int row, sqlite3_str *out) {
  struct compiler *c = seed->c;
  struct scope nothing = {0};
  int given = values != NULL ? (int)values->n_items : 0;
  if (given > seed->target_count)
    return note_error(c, seed->insert->place.location, "42601", NULL,
                      "INSERT has more expressions than target columns");
  if (given < seed->target_count && seed->insert->statement->n_cols > 0) {
    return note_error(c, seed->insert->place.location, "42601", NULL,
                      "INSERT has more target columns than expressions");
  }
  bool is_first = true;
  for (int i = 0; i < seed->relation->column_count; i++) {
    const struct column_def *column = &seed->relation->columns[i];
    int position = seed_target_of(seed, column);
    const PgQuery__Node *node = position >= 0 && position < given ? values->items[position] : NULL;
    const char *sql = NULL;
    if (node != NULL && node->node_case != PG_QUERY__NODE__NODE_SET_TO_DEFAULT) {
      struct expression value;
      if (!seed_may_write(seed, column, seed->insert->place.location) ||
          !expression_translate(c, node, &nothing, &value) ||
          !expression_coerce(c, &value, &column->type, false)) {
        return false;
      }
      sql = value.sql;
    } else if (column->generated_sql == NULL) {
      sql = seed_default(c, seed->relation, column, row);
    }
    if (column->generated_sql != NULL) continue;
    if (sql == NULL) return false;
    sqlite3_str_appendf(out, "%s%s", is_first ? "" : ", ", sql);
    if (seed->generated_count > 0) sqlite3_str_appendf(out, " AS \"%w\"", column->name);
    is_first = false;
  }
  return true;
}

static void seed_open(const struct seed *seed, sqlite3_str *out) {
  bool is_first = true;
  sqlite3_str_appendf(out, "INSERT INTO \"%w\"(", seed->relation->stored_name);
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < seed->relation->column_count; i++) {
      const struct column_def *column = &seed->relation->columns[i];
      if ((column->generated_sql != NULL) != (pass == 1)) continue;
      sqlite3_str_appendf(out, "%s\"%w\"", is_first ? "" : ", ", column->name);
      is_first = false;
    }
  }
  sqlite3_str_appendall(out, ")");
}

/* Behind the plain values, the generated ones computed from them. */
static void seed_generated(const struct seed *seed, sqlite3_str *out) {
  if (seed->generated_count == 0) return;
  sqlite3_str_appendall(out, " SELECT *");
  for (int i = 0; i < seed->relation->column_count; i++) {
    const struct column_def *column = &seed->relation->columns[i];
    if (column->generated_sql != NULL) sqlite3_str_appendf(out, ", %s", column->generated_sql);
  }
  sqlite3_str_appendall(out, " FROM (");
}

/* The values that SET gives, by column; false after a note. */
static bool seed_values_of_set(struct seed *seed, size_t count, PgQuery__Node *const *targets,
                               const struct scope *scope, const char **values) {
  struct compiler *c = seed->c;
  for (size_t i = 0; i < count; i++) {
    const PgQuery__ResTarget *target = targets[i]->res_target;
    const struct column_def *column = find_column(seed->relation, target->name);
    struct expression value;
    if (column == NULL) {
      return note_error(c, target->location, "42703", NULL,
                        "column \"%s\" of relation \"%s\" does not exist", target->name,
                        seed->relation->name);
    }
    if (column->generated_node != NULL || column->identity == 'a') {
      return note_error(c, target->location, "428C9", NULL,
                        "column \"%s\" can only be updated to DEFAULT", column->name);
    }
    if (target->val->node_case == PG_QUERY__NODE__NODE_SET_TO_DEFAULT ||
        target->val->node_case == PG_QUERY__NODE__NODE_MULTI_ASSIGN_REF) {
      return note_error(c, target->location, "0A000", "write the value, column by column",
                        "DEFAULT and lists of columns are not supported in SET of seed rows");
    }
    if (!expression_translate(c, target->val, scope, &value) ||
        !expression_coerce(c, &value, &column->type, false))
      return false;
    values[column - seed->relation->columns] = value.sql;
  }
  return true;
}

/* SET's list; generated columns are computed from the row as it will be. */
static bool seed_assignments(struct seed *seed, size_t count, PgQuery__Node *const *targets,
                             const struct scope *scope, sqlite3_str *out) {
  struct compiler *c = seed->c;
  const struct relation_def *relation = seed->relation;
  const char **values = compiler_alloc(c, (size_t)(relation->column_count + 1) * sizeof *values);
  const struct scope_entry *row = &scope->entries[0];
  const char *alias = row->stored_alias != NULL ? row->stored_alias : row->alias;
  sqlite3_str *names = sqlite3_str_new(NULL), *sources = sqlite3_str_new(NULL),
              *from = sqlite3_str_new(NULL);
  bool sound = seed_values_of_set(seed, count, targets, scope, values), has_generated = false;
  for (int i = 0; i < relation->column_count; i++) {
    const struct column_def *column = &relation->columns[i];
    bool is_generated = column->generated_sql != NULL;
    const char *value = is_generated ? column->generated_sql : values[i];
    if (!is_generated) {
      sqlite3_str_appendf(
          from, "%s%s AS \"%w\"", sqlite3_str_length(from) > 0 ? ", " : "",
          value != NULL ? value
                        : compiler_format(c, "%s.%s", quoted(c, alias), quoted(c, column->name)),
          column->name);
    }
    if (value == NULL) continue;
    sqlite3_str_appendf(names, "%s\"%w\"", sqlite3_str_length(names) > 0 ? ", " : "", column->name);
    sqlite3_str_appendf(sources, "%s%s", sqlite3_str_length(sources) > 0 ? ", " : "",
                        is_generated ? value : quoted(c, column->name));
    has_generated = has_generated || is_generated;
  }
  const char *targets_sql = compiler_take(c, names), *sources_sql = compiler_take(c, sources),
             *from_sql = compiler_take(c, from);
  if (has_generated) {
    sqlite3_str_appendf(out, "(%s) = (SELECT %s FROM (SELECT %s))", targets_sql, sources_sql,
                        from_sql);
  } else {
    bool is_first = true;
    for (int i = 0; i < relation->column_count; i++) {
      if (values[i] == NULL) continue;
      sqlite3_str_appendf(out, "%s\"%w\" = %s", is_first ? "" : ", ", relation->columns[i].name,
                          values[i]);
      is_first = false;
    }
  }
  return sound;
}

static bool seed_where(struct seed *seed, const PgQuery__Node *node, const struct scope *scope,
                       sqlite3_str *out) {
  struct expression value;
  if (node == NULL) return true;
  if (!expression_boolean(seed->c, node, scope, "WHERE", &value)) return false;
  sqlite3_str_appendf(out, " WHERE %s", value.sql);
  return true;
}

/* The columns of ON CONFLICT (...) or ON CONSTRAINT. */
static bool seed_conflict_columns(struct seed *seed, const PgQuery__InferClause *infer,
                                  sqlite3_str *out) {
  struct compiler *c = seed->c;
  const char **names = NULL;
  int count = 0;
  if (infer != NULL && infer->conname != NULL && infer->conname[0] != '\0') {
    const struct constraint_def *key = find_constraint(seed->relation, infer->conname);
    if (key == NULL || (key->kind != CONSTRAINT_PRIMARY && key->kind != CONSTRAINT_UNIQUE)) {
      return note_error(c, infer->location, "42704", NULL,
                        "constraint \"%s\" for table \"%s\" does not exist", infer->conname,
                        seed->relation->name);
    }
    count = key->column_count;
    names = key->columns;
  }
  for (size_t i = 0; names == NULL && infer != NULL && i < infer->n_index_elems; i++) {
    const PgQuery__IndexElem *element = infer->index_elems[i]->index_elem;
    if (element->expr != NULL || infer->where_clause != NULL ||
        find_column(seed->relation, element->name) == NULL) {
      return note_error(c, infer->location, "0A000", "name the columns of a key",
                        "ON CONFLICT of this target is not supported in seed rows");
    }
    sqlite3_str_appendf(out, "%s\"%w\"", i > 0 ? ", " : "", element->name);
  }
  if (names != NULL) sqlite3_str_appendall(out, column_list(c, count, names));
  return true;
}

/* ON CONFLICT ... DO UPDATE, behind the rows. */
static bool seed_upsert(struct seed *seed, const PgQuery__OnConflictClause *clause,
                        sqlite3_str *out) {
  const PgQuery__Alias *alias = seed->insert->statement->relation->alias;
  struct scope_entry entries[2] = {
      {.alias = alias != NULL ? alias->aliasname : seed->relation->name,
       .relation = seed->relation,
       .stored_alias = seed->relation->stored_name},
      {.alias = "excluded", .relation = seed->relation, .qualified_only = true}};
  struct scope scope = {.count = 2, .entries = entries};
  sqlite3_str_appendall(out, " ON CONFLICT (");
  if (!seed_conflict_columns(seed, clause->infer, out)) return false;
  sqlite3_str_appendall(out, ") DO UPDATE SET ");
  return seed_assignments(seed, clause->n_target_list, clause->target_list, &scope, out) &&
         seed_where(seed, clause->where_clause, &scope, out);
}

/* UPDATE or DELETE of the rows before. */
static const char *seed_change(struct seed *seed) {
  struct compiler *c = seed->c;
  const PgQuery__Node *node = seed->insert->change;
  bool is_update = node->node_case == PG_QUERY__NODE__NODE_UPDATE_STMT;
  const PgQuery__RangeVar *range =
      is_update ? node->update_stmt->relation : node->delete_stmt->relation;
  const char *alias = range->alias != NULL ? range->alias->aliasname : seed->relation->name;
  struct scope_entry entry = {.alias = alias, .relation = seed->relation};
  struct scope scope = {.count = 1, .entries = &entry};
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "%s \"%w\" AS \"%w\"", is_update ? "UPDATE" : "DELETE FROM",
                      seed->relation->stored_name, alias);
  bool sound = true;
  if (is_update) {
    sqlite3_str_appendall(out, " SET ");
    sound = seed_assignments(seed, node->update_stmt->n_target_list, node->update_stmt->target_list,
                             &scope, out);
  }
  sound = sound &&
          seed_where(seed,
                     is_update ? node->update_stmt->where_clause : node->delete_stmt->where_clause,
                     &scope, out);
  const char *text = compiler_take(c, out);
  return sound ? text : NULL;
}

static bool seed_close(struct seed *seed, sqlite3_str *out, bool is_select) {
  const PgQuery__OnConflictClause *clause = seed->insert->statement->on_conflict_clause;
  if (seed->generated_count > 0) sqlite3_str_appendall(out, ")");
  if (clause == NULL) return true;
  /* SQLite needs a WHERE before ON CONFLICT behind a SELECT, or it reads ON as a join's. */
  if (is_select || seed->generated_count > 0) sqlite3_str_appendall(out, " WHERE 1");
  if (clause->action == PG_QUERY__ON_CONFLICT_ACTION__ONCONFLICT_UPDATE)
    return seed_upsert(seed, clause, out);
  sqlite3_str_appendall(out, " ON CONFLICT DO NOTHING");
  return true;
}

static const char *seed_values(struct seed *seed, const PgQuery__SelectStmt *select, int *rows) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  size_t count = select != NULL ? select->n_values_lists : 1;
  bool sound = true;
  seed_open(seed, out);
  seed_generated(seed, out);
  for (size_t i = 0; i < count && sound; i++) {
    const PgQuery__List *values = select != NULL ? select->values_lists[i]->list : NULL;
    if (seed->generated_count > 0) {
      sqlite3_str_appendall(out, i > 0 ? " UNION ALL SELECT " : "SELECT ");
      sound = seed_row(seed, values, *rows + (int)i, out);
    } else {
      sqlite3_str_appendall(out, i > 0 ? ",\n(" : " VALUES\n(");
      sound = seed_row(seed, values, *rows + (int)i, out);
      sqlite3_str_appendall(out, ")");
    }
  }
  *rows += (int)count;
  sound = sound && seed_close(seed, out, false);
  const char *text = compiler_take(seed->c, out);
  return sound ? text : NULL;
}

/* The state that the rows before have left, and from here on the engine counts, while it makes the file. */
static const char *seed_running_nextval(struct compiler *c, struct sequence_def *sequence) {
  if (!sequence->is_running && (sequence->is_called || sequence->last_value != sequence->start)) {
    *APPEND(c, c->model->seeds, c->model->seed_count) =
        compiler_format(c,
                        "UPDATE ledger_sequence SET last_value = %lld, is_called = %d WHERE "
                        "sequence_id = (SELECT sequence_id"
                        " FROM ledger_catalog_sequence WHERE stored_name = %s)",
                        (long long)sequence->last_value, sequence->is_called,
                        string_literal(c, sequence->stored_name));
  }
  sequence->is_running = true;
  return compiler_format(c, "pg_nextval(%s)", string_literal(c, sequence->stored_name));
}

/* INSERT ... SELECT: the query's columns, coerced one by one. */
static const char *seed_select(struct seed *seed, const PgQuery__SelectStmt *select) {
  struct compiler *c = seed->c;
  struct query query;
  if (!query_translate(c, select, NULL, false, &query)) return NULL;
  if (query.column_count > seed->target_count ||
      (seed->insert->statement->n_cols > 0 && query.column_count < seed->target_count)) {
    note_error(c, seed->insert->place.location, "42601", NULL, "INSERT has %s than expressions",
               query.column_count > seed->target_count ? "fewer target columns"
                                                       : "more target columns");
    return NULL;
  }
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, "WITH \"seed\"(");
  for (int i = 0; i < query.column_count; i++)
    sqlite3_str_appendf(out, "%s\"c%d\"", i > 0 ? ", " : "", i);
  sqlite3_str_appendf(out, ") AS (%s) ", query.sql);
  seed_open(seed, out);
  seed_generated(seed, out);
  sqlite3_str_appendall(out, " SELECT ");
  bool sound = true, is_first = true;
  for (int i = 0; i < seed->relation->column_count && sound; i++) {
    const struct column_def *column = &seed->relation->columns[i];
    int position = seed_target_of(seed, column);
    const char *sql = NULL;
    if (column->generated_sql != NULL) continue;
    if (position >= 0 && position < query.column_count) {
      struct expression value = {.sql = compiler_format(c, "\"c%d\"", position),
                                 .type = query.types[position],
                                 .location = -1};
      bool is_unknown = value.type.id == SQL_UNKNOWN;
      if (is_unknown) value.type = (struct sqltype){.id = SQL_TEXT, .length = -1};
      sound = seed_may_write(seed, column, seed->insert->place.location) &&
              expression_coerce(c, &value, &column->type, is_unknown);
      sql = value.sql;
    } else if (column->identity != 0 || column->default_kind == DEFAULT_NEXTVAL) {
      sql = seed_running_nextval(c, column->sequence);
    } else {
      if (column->default_kind == DEFAULT_UUID) {
        note(c, SCHEMA_HINT, seed->insert->place.location,
             "write the rows with VALUES for the same keys everywhere",
             "column \"%s\" gets other keys on each device", column->name);
      }
      sql = column->default_kind == DEFAULT_UUID ? column->default_plain_sql
                                                 : seed_default(c, seed->relation, column, 0);
      sound = sql != NULL;
    }
    if (!sound) break;
    sqlite3_str_appendf(out, "%s%s AS \"%w\"", is_first ? "" : ", ", sql, column->name);
    is_first = false;
  }
  sqlite3_str_appendall(out, " FROM \"seed\"");
  sound = sound && seed_close(seed, out, true);
  const char *text = compiler_take(c, out);
  return sound ? text : NULL;
}

static int seed_rows_before(const struct ddl *ddl, int insert) {
  int rows = 0;
  for (int i = 0; i < insert; i++) {
    const struct ddl_insert *other = &ddl->inserts[i];
    if (other->relation != ddl->inserts[insert].relation || other->statement == NULL) continue;
    rows += other->statement->select_stmt != NULL
                ? (int)other->statement->select_stmt->select_stmt->n_values_lists
                : 1;
  }
  return rows;
}

void finish_seeds(struct compiler *c) {
  struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->insert_count; i++) {
    const struct ddl_insert *insert = &ddl->inserts[i];
    struct place before = place_enter(c, insert->place);
    struct seed seed = {.c = c, .insert = insert, .relation = insert->relation};
    if (insert->change != NULL) {
      const char *sql = seed_change(&seed);
      if (sql != NULL) *APPEND(c, c->model->seeds, c->model->seed_count) = sql;
    } else if (insert->statement == NULL && insert->sequence->is_running) {
      note_error(c, insert->place.location, "0A000",
                 "leave it out: the sequence stands behind its last row",
                 "setval() after INSERT ... SELECT has taken from the sequence");
    } else if (insert->statement == NULL) {
      insert->sequence->last_value = insert->value;
      insert->sequence->is_called = insert->is_called;
    } else {
      const PgQuery__Node *source = insert->statement->select_stmt;
      const PgQuery__SelectStmt *select = source != NULL ? source->select_stmt : NULL;
      int rows = seed_rows_before(ddl, i);
      const char *sql = NULL;
      if (seed_targets(&seed)) {
        sql = select == NULL || select->n_values_lists > 0 ? seed_values(&seed, select, &rows)
                                                           : seed_select(&seed, select);
      }
      if (sql != NULL) *APPEND(c, c->model->seeds, c->model->seed_count) = sql;
    }
    place_enter(c, before);
  }
}
