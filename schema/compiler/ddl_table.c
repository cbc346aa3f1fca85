/*
** ddl_table: CREATE TABLE. Columns and constraints into the model, with PostgreSQL's automatic names and in its order:
** checks, then the primary key, then the other keys, then foreign keys. What needs translating waits in ddl_default.c.
*/
#include "ddl.h"

struct scope scope_of_relation(struct compiler *c, const struct relation_def *relation) {
  struct scope_entry *entry = compiler_alloc(c, sizeof *entry);
  entry->alias = relation->name;
  entry->relation = relation;
  return (struct scope){.count = 1, .entries = entry, .bare = true};
}

/* ---- columns */

static bool table_is_system_column(const char *name) {
  static const char *const reserved[] = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"};
  for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
    if (strcmp(name, reserved[i]) == 0) return true;
  }
  return false;
}

bool table_column_name(struct compiler *c, const struct relation_def *relation, const char *name,
                       int location) {
  if (!name_check(c, location, "column", name)) return false;
  if (table_is_system_column(name)) {
    return note_error(c, location, "42701", NULL,
                      "column name \"%s\" conflicts with a system column name", name);
  }
  for (int i = 0; i < relation->column_count; i++) {
    const char *other = relation->columns[i].name;
    if (strcmp(other, name) == 0) {
      return note_error(c, location, "42701", NULL, "column \"%s\" specified more than once", name);
    }
    if (sqlite3_stricmp(other, name) == 0) {
      return note_error(
          c, location, "42P07", "rename one of them",
          "columns \"%s\" and \"%s\" differ in case only, which SQLite does not tell apart", other,
          name);
    }
  }
  if (sqlite3_stricmp(name, "rowid") == 0 || sqlite3_stricmp(name, "oid") == 0 ||
      sqlite3_stricmp(name, "_rowid_") == 0) {
    note(c, SCHEMA_HINT, location, NULL, "column \"%s\" hides SQLite's row number of this name",
         name);
  }
  if (relation->column_count >= LEDGER_COLUMN_MAX) {
    return note_error(c, location, "54011", NULL, "tables can have at most %d columns",
                      LEDGER_COLUMN_MAX);
  }
  return true;
}

/* serial, bigserial, smallserial and their other names; the column's integer type, or SQL_UNKNOWN. */
static enum sqltype_id table_serial(const PgQuery__TypeName *type) {
  const char *name = type != NULL && type->n_names == 1 ? node_string(type->names[0]) : NULL;
  if (name == NULL || type->n_array_bounds > 0) return SQL_UNKNOWN;
  if (strcmp(name, "serial") == 0 || strcmp(name, "serial4") == 0) return SQL_INT4;
  if (strcmp(name, "bigserial") == 0 || strcmp(name, "serial8") == 0) return SQL_INT8;
  if (strcmp(name, "smallserial") == 0 || strcmp(name, "serial2") == 0) return SQL_INT2;
  return SQL_UNKNOWN;
}

/* "INDEX name (column, ...)" between the columns is MySQL's; PostgreSQL reads it as a column named index. */
static bool table_inline_index(struct compiler *c, struct relation_def *relation,
                               const PgQuery__ColumnDef *node, struct ddl_pending *pending) {
  const PgQuery__TypeName *type = node->type_name;
  const char *name = type != NULL && type->n_names == 1 ? node_string(type->names[0]) : NULL;
  if (strcmp(node->colname, "index") != 0 || name == NULL || type->n_typmods == 0) return false;
  for (size_t i = 0; i < type->n_typmods; i++) {
    const PgQuery__Node *typmod = type->typmods[i];
    if (typmod->node_case != PG_QUERY__NODE__NODE_COLUMN_REF || typmod->column_ref->n_fields != 1)
      return false;
  }
  PgQuery__IndexStmt *index = compiler_alloc(c, sizeof *index);
  PgQuery__RangeVar *range = compiler_alloc(c, sizeof *range);
  pg_query__index_stmt__init(index);
  pg_query__range_var__init(range);
  range->schemaname = compiler_copy(c, relation->schema);
  range->relname = compiler_copy(c, relation->name);
  range->inh = 1;
  range->relpersistence = compiler_copy(c, "p");
  range->location = node->location;
  index->idxname = compiler_copy(c, name);
  index->relation = range;
  index->access_method = compiler_copy(c, "btree");
  index->n_index_params = type->n_typmods;
  index->index_params = compiler_alloc(c, type->n_typmods * sizeof *index->index_params);
  for (size_t i = 0; i < type->n_typmods; i++) {
    PgQuery__Node *element_node = compiler_alloc(c, sizeof *element_node);
    PgQuery__IndexElem *element = compiler_alloc(c, sizeof *element);
    pg_query__node__init(element_node);
    pg_query__index_elem__init(element);
    element->name = compiler_copy(c, node_string(type->typmods[i]->column_ref->fields[0]));
    element->ordering = PG_QUERY__SORT_BY_DIR__SORTBY_DEFAULT;
    element->nulls_ordering = PG_QUERY__SORT_BY_NULLS__SORTBY_NULLS_DEFAULT;
    element_node->node_case = PG_QUERY__NODE__NODE_INDEX_ELEM;
    element_node->index_elem = element;
    index->index_params[i] = element_node;
  }
  *APPEND(c, pending->indexes, pending->index_count) = index;
  note(c, SCHEMA_HINT, node->location, "write CREATE INDEX after the table",
       "INDEX %s inside CREATE TABLE is not PostgreSQL's; it is taken as the index that was meant",
       name);
  return true;
}

static bool table_collation(struct compiler *c, struct column_def *column,
                            const PgQuery__CollateClause *clause) {
  if (clause == NULL || clause->n_collname == 0) return true;
  const char *name = node_string(clause->collname[clause->n_collname - 1]);
  if (strcmp(name, "default") == 0) return true;
  if (strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0 || strcmp(name, "ucs_basic") == 0) {
    column->collation = name;
    return true;
  }
  return note_error(c, clause->location, "0A000", "use COLLATE \"C\", or none",
                    "collation \"%s\" is not supported: text is compared by its bytes", name);
}

/* DEFERRABLE and INITIALLY DEFERRED stand in the list behind the constraint they are about. */
static void table_attribute(PgQuery__Constraint *target, const PgQuery__Constraint *attribute) {
  if (target == NULL) return;
  if (attribute->contype == PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE) target->deferrable = 1;
  if (attribute->contype == PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED)
    target->deferrable = target->initdeferred = 1;
}

static void table_column_constraints(struct compiler *c, struct relation_def *relation,
                                     int position, const PgQuery__ColumnDef *node,
                                     struct ddl_pending *pending) {
  PgQuery__Constraint *last = NULL;
  for (size_t i = 0; i < node->n_constraints; i++) {
    PgQuery__Constraint *constraint = node->constraints[i]->constraint;
    switch (constraint->contype) {
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRABLE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_NOT_DEFERRABLE:
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_DEFERRED:
    case PG_QUERY__CONSTR_TYPE__CONSTR_ATTR_IMMEDIATE: table_attribute(last, constraint); break;
    default:
      last = constraint;
      ddl_constraint(c, relation, constraint, relation->columns[position].name, pending);
    }
  }
}

bool ddl_column(struct compiler *c, struct relation_def *relation, const PgQuery__ColumnDef *node,
                struct ddl_pending *pending) {
  if (table_inline_index(c, relation, node, pending)) return true;
  if (!table_column_name(c, relation, node->colname, node->location)) return false;
  struct column_def column = {.name = node->colname};
  enum sqltype_id serial = table_serial(node->type_name);
  if (node->n_fdwoptions > 0)
    return note_error(c, node->location, "0A000", NULL, "foreign tables are not supported");
  if (serial != SQL_UNKNOWN) {
    column.type = (struct sqltype){.id = serial, .length = -1};
    column.not_null = true;
  } else if (!sqltype_resolve(c, node->type_name, &column.type)) {
    /* Kept with a harmless type, so that later statements about the column do not fail too. */
    column.type = (struct sqltype){.id = SQL_TEXT, .length = -1};
  }
  column.place = place_here(c, node->location);
  table_collation(c, &column, node->coll_clause);
  *APPEND(c, relation->columns, relation->column_count) = column;
  int position = relation->column_count - 1;
  if (serial != SQL_UNKNOWN) sequence_serial(c, relation, &relation->columns[position]);
  table_column_constraints(c, relation, position, node, pending);
  return true;
}

/* ---- constraints */

static void table_generated(struct compiler *c, struct column_def *column,
                            const PgQuery__Constraint *node) {
  if (column->default_node != NULL || column->sequence != NULL) {
    note_error(c, node->location, "42601", NULL,
               "both default and generation expression specified for column \"%s\"", column->name);
    return;
  }
  column->generated_node = node->raw_expr;
  column->place = place_here(c, node->location);
}

static void table_default(struct compiler *c, struct column_def *column,
                          const PgQuery__Constraint *node) {
  if (column->default_node != NULL || column->sequence != NULL) {
    note_error(c, node->location, "42601", NULL,
               "multiple default values specified for column \"%s\"", column->name);
    return;
  }
  column->default_node = node->raw_expr;
  column->place = place_here(c, node->location);
}

bool ddl_constraint(struct compiler *c, struct relation_def *relation,
                    const PgQuery__Constraint *node, const char *column,
                    struct ddl_pending *pending) {
  struct column_def *target = column != NULL ? find_column(relation, column) : NULL;
  struct ddl_clause clause = {node, column};
  switch (node->contype) {
  case PG_QUERY__CONSTR_TYPE__CONSTR_NULL: break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL: target->not_null = true; break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT: table_default(c, target, node); break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_GENERATED: table_generated(c, target, node); break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_IDENTITY: sequence_identity(c, relation, target, node); break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK:
    *APPEND(c, pending->checks, pending->check_count) = clause;
    break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY:
  case PG_QUERY__CONSTR_TYPE__CONSTR_UNIQUE:
    *APPEND(c, pending->keys, pending->key_count) = clause;
    break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_FOREIGN:
    *APPEND(c, pending->foreigns, pending->foreign_count) = clause;
    break;
  case PG_QUERY__CONSTR_TYPE__CONSTR_EXCLUSION:
    return note_error(
        c, node->location, "0A000", "use UNIQUE, or a trigger on the main database",
        "EXCLUDE constraints are not supported: SQLite has no index that could enforce one");
  default:
    return note_error(c, node->location, "0A000", NULL, "this kind of constraint is not supported");
  }
  return true;
}

static struct constraint_def *table_add(struct compiler *c, struct relation_def *relation,
                                        const PgQuery__Constraint *node, enum constraint_kind kind,
                                        const char *name) {
  if (node->conname != NULL && node->conname[0] != '\0') {
    name = node->conname;
    if (!name_check(c, node->location, "constraint", name)) return NULL;
    if (find_constraint(relation, name) != NULL) {
      note_error(c, node->location, "42710", NULL,
                 "constraint \"%s\" for relation \"%s\" already exists", name, relation->name);
      return NULL;
    }
    if ((kind == CONSTRAINT_PRIMARY || kind == CONSTRAINT_UNIQUE) &&
        relation_name_is_used(c, relation->schema, name)) {
      note_error(c, node->location, "42P07", NULL, "relation \"%s\" already exists", name);
      return NULL;
    }
  }
  struct constraint_def *constraint = APPEND(c, relation->constraints, relation->constraint_count);
  constraint->kind = kind;
  constraint->name = name;
  constraint->deferrable = node->initdeferred ? 2 : node->deferrable ? 1 : 0;
  constraint->place = place_here(c, node->location);
  constraint->not_valid = node->skip_validation;
  constraint->no_inherit = node->is_no_inherit;
  return constraint;
}

/* The one column that a check is about, for its name; NULL when there are none or several. */
struct table_single {
  const struct relation_def *relation;
  const char *column;
  int count;
};

static bool table_single_column(void *context, PgQuery__Node *node) {
  struct table_single *single = context;
  if (node->node_case != PG_QUERY__NODE__NODE_COLUMN_REF) return true;
  const PgQuery__ColumnRef *reference = node->column_ref;
  const char *name = node_string(reference->fields[reference->n_fields - 1]);
  if (name != NULL && find_column(single->relation, name) != NULL &&
      (single->column == NULL || strcmp(single->column, name) != 0)) {
    single->column = name;
    single->count++;
  }
  return true;
}

static void table_install_check(struct compiler *c, struct relation_def *relation,
                                const struct ddl_clause *clause) {
  struct table_single single = {relation, NULL, 0};
  tree_walk(&clause->node->raw_expr->base, table_single_column, &single);
  const char *name = name_choose_constraint(c, relation->schema, relation->name,
                                            single.count == 1 ? single.column : NULL, "check");
  struct constraint_def *constraint = table_add(c, relation, clause->node, CONSTRAINT_CHECK, name);
  if (constraint != NULL) constraint->check_node = clause->node->raw_expr;
}

static bool table_key_columns(struct compiler *c, const struct relation_def *relation, size_t count,
                              PgQuery__Node *const *nodes, const char *column, int location,
                              int *column_count, const char ***columns) {
  if (column != NULL) *APPEND(c, *columns, *column_count) = column;
  for (size_t i = 0; i < count; i++) {
    const char *name = node_string(nodes[i]);
    if (name == NULL || find_column(relation, name) == NULL) {
      return note_error(c, location, "42703", NULL, "column \"%s\" named in key does not exist",
                        name != NULL ? name : "?");
    }
    for (int k = 0; k < *column_count; k++) {
      if (strcmp((*columns)[k], name) == 0) {
        return note_error(c, location, "42701", NULL,
                          "column \"%s\" appears twice in the constraint", name);
      }
    }
    *APPEND(c, *columns, *column_count) = name;
  }
  return true;
}

/* "a_b" of columns a and b, cut where PostgreSQL stops adding. */
const char *name_of_columns(struct compiler *c, int count, const char *const *columns) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < count && sqlite3_str_length(out) < LEDGER_NAME_MAX + 1; i++) {
    sqlite3_str_appendf(out, "%s%s", i > 0 ? "_" : "", columns[i]);
  }
  return compiler_take(c, out);
}

static bool table_same_columns(int a_count, const char *const *a, int b_count,
                               const char *const *b) {
  if (a_count != b_count) return false;
  for (int i = 0; i < a_count; i++) {
    if (strcmp(a[i], b[i]) != 0) return false;
  }
  return true;
}

static bool table_key_refused(struct compiler *c, const PgQuery__Constraint *node) {
  if (node->nulls_not_distinct) {
    return !note_error(
        c, node->location, "0A000", "use a unique index on COALESCE(...)",
        "NULLS NOT DISTINCT is not supported: SQLite's unique keys hold any number of NULLs");
  }
  if (node->n_including > 0) {
    note(c, SCHEMA_RECORDED, node->location, NULL,
         "INCLUDE is left out of the key here and kept for the export");
  }
  if (node->deferrable) {
    note(c, SCHEMA_HINT, node->location, NULL,
         "a deferrable key is checked at once here, at commit on PostgreSQL");
  }
  return false;
}

/* ALTER TABLE ... ADD CONSTRAINT ... USING INDEX: the index becomes the constraint's own. */
static void table_install_using_index(struct compiler *c, struct relation_def *relation,
                                      const struct ddl_clause *clause, enum constraint_kind kind) {
  const PgQuery__Constraint *node = clause->node;
  struct index_def *index = find_index(c, relation->schema, node->indexname);
  if (index == NULL || index->relation != relation || !index->is_unique) {
    note_error(c, node->location, "42704", NULL,
               "index \"%s\" does not exist, or is no unique index of \"%s\"", node->indexname,
               relation->name);
    return;
  }
  for (int i = 0; i < index->column_count; i++) {
    if (index->columns[i] == NULL || index->statement->where_clause != NULL) {
      note_error(c, node->location, "42809", NULL, "index \"%s\" has an expression or a predicate",
                 node->indexname);
      return;
    }
  }
  for (int i = 0; i < c->model->index_count; i++) {
    if (c->model->indexes[i] == index) {
      REMOVE(c->model->indexes, c->model->index_count, i);
      break;
    }
  }
  struct constraint_def *constraint = table_add(c, relation, node, kind, index->name);
  if (constraint == NULL) return;
  constraint->column_count = index->column_count;
  constraint->columns = index->columns;
  for (int i = 0; kind == CONSTRAINT_PRIMARY && i < index->column_count; i++) {
    find_column(relation, index->columns[i])->not_null = true;
  }
}

static void table_install_key(struct compiler *c, struct relation_def *relation,
                              const struct ddl_clause *clause, int installed_before) {
  const PgQuery__Constraint *node = clause->node;
  bool is_primary = node->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
  enum constraint_kind kind = is_primary ? CONSTRAINT_PRIMARY : CONSTRAINT_UNIQUE;
  const char **columns = NULL;
  int count = 0;
  for (int i = 0; is_primary && i < relation->constraint_count; i++) {
    if (relation->constraints[i].kind == CONSTRAINT_PRIMARY) {
      note_error(c, node->location, "42P16", NULL,
                 "multiple primary keys for table \"%s\" are not allowed", relation->name);
      return;
    }
  }
  if (table_key_refused(c, node)) return;
  if (node->indexname != NULL && node->indexname[0] != '\0') {
    table_install_using_index(c, relation, clause, kind);
    return;
  }
  if (!table_key_columns(c, relation, node->n_keys, node->keys, clause->column, node->location,
                         &count, &columns))
    return;
  /* PostgreSQL makes one index where one statement asks for the same key twice. */
  for (int i = installed_before; i < relation->constraint_count; i++) {
    struct constraint_def *other = &relation->constraints[i];
    if ((other->kind == CONSTRAINT_PRIMARY || other->kind == CONSTRAINT_UNIQUE) &&
        !other->deferrable && !node->deferrable &&
        table_same_columns(count, columns, other->column_count, other->columns)) {
      note(c, SCHEMA_HINT, node->location, NULL,
           "this key repeats \"%s\" and is left out, as PostgreSQL does", other->name);
      return;
    }
  }
  const char *name =
      is_primary ? name_choose_relation(c, relation->schema, relation->name, NULL, "pkey", true)
                 : name_choose_relation(c, relation->schema, relation->name,
                                        name_of_columns(c, count, columns), "key", true);
  struct constraint_def *constraint = table_add(c, relation, node, kind, name);
  if (constraint == NULL) return;
  constraint->column_count = count;
  constraint->columns = columns;
  for (int i = 0; is_primary && i < count; i++) find_column(relation, columns[i])->not_null = true;
}

/* ---- foreign keys */

static bool table_is_unique(struct compiler *c, const struct relation_def *relation, int count,
                            const char *const *columns) {
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *key = &relation->constraints[i];
    if (key->kind != CONSTRAINT_PRIMARY && key->kind != CONSTRAINT_UNIQUE) continue;
    if (key->column_count != count) continue;
    int found = 0;
    for (int k = 0; k < count; k++) {
      for (int m = 0; m < count; m++) found += strcmp(columns[k], key->columns[m]) == 0;
    }
    if (found == count) return true;
  }
  for (int i = 0; i < c->model->index_count; i++) {
    const struct index_def *index = c->model->indexes[i];
    if (index->relation != relation || !index->is_unique ||
        index->statement->where_clause != NULL || index->column_count != count)
      continue;
    int found = 0;
    for (int k = 0; k < count; k++) {
      for (int m = 0; m < count; m++)
        found += index->columns[m] != NULL && strcmp(columns[k], index->columns[m]) == 0;
    }
    if (found == count) return true;
  }
  return false;
}

/* Types that an equality operator joins, coarsely: 1 whole numbers and numeric, 2 texts, 3 moments, 10... themselves. */
static int table_type_family(const struct sqltype *type) {
  switch (type->id) {
  case SQL_INT2:
  case SQL_INT4:
  case SQL_INT8:
  case SQL_NUMERIC:
  case SQL_FLOAT4:
  case SQL_FLOAT8: return 1;
  case SQL_TEXT:
  case SQL_VARCHAR:
  case SQL_BPCHAR:
  case SQL_NAME:
  case SQL_CITEXT: return 2;
  case SQL_DATE:
  case SQL_TIMESTAMP:
  case SQL_TIMESTAMPTZ: return 3;
  default: return 10 + (int)type->id;
  }
}

static bool table_foreign_types(struct compiler *c, const struct constraint_def *constraint,
                                const struct relation_def *relation, int location) {
  for (int i = 0; i < constraint->column_count; i++) {
    const struct column_def *from = find_column(relation, constraint->columns[i]);
    const struct column_def *to = find_column(constraint->ref, constraint->ref_columns[i]);
    if (table_type_family(&from->type) != table_type_family(&to->type) ||
        from->type.is_array != to->type.is_array ||
        (from->type.id == SQL_ENUM && from->type.labels != to->type.labels)) {
      return note_error(c, location, "42804", NULL,
                        "foreign key constraint \"%s\" cannot be implemented: key columns \"%s\" "
                        "and \"%s\" are of incompatible types: %s and %s",
                        constraint->name, from->name, to->name, sqltype_format(c, &from->type),
                        sqltype_format(c, &to->type));
    }
  }
  return true;
}

static bool table_foreign_target(struct compiler *c, struct constraint_def *key,
                                 const PgQuery__Constraint *node) {
  if (node->n_pk_attrs == 0) {
    for (int i = 0; i < key->ref->constraint_count; i++) {
      const struct constraint_def *primary = &key->ref->constraints[i];
      if (primary->kind != CONSTRAINT_PRIMARY) continue;
      key->ref_column_count = primary->column_count;
      key->ref_columns = primary->columns;
    }
    if (key->ref_column_count == 0) {
      return note_error(c, node->location, "42704", NULL,
                        "there is no primary key for referenced table \"%s\"", key->ref->name);
    }
  } else if (!table_key_columns(c, key->ref, node->n_pk_attrs, node->pk_attrs, NULL, node->location,
                                &key->ref_column_count, &key->ref_columns)) {
    return false;
  }
  if (key->column_count != key->ref_column_count) {
    return note_error(c, node->location, "42830", NULL,
                      "number of referencing and referenced columns for foreign key disagree");
  }
  if (!table_is_unique(c, key->ref, key->ref_column_count, key->ref_columns)) {
    return note_error(
        c, node->location, "42830", NULL,
        "there is no unique constraint matching given keys for referenced table \"%s\"",
        key->ref->name);
  }
  return true;
}

static char table_action(const char *action) {
  return action != NULL && action[0] != '\0' ? action[0] : 'a';
}

static void table_install_foreign(struct compiler *c, struct relation_def *relation,
                                  const struct ddl_clause *clause) {
  const PgQuery__Constraint *node = clause->node;
  struct constraint_def key = {0};
  if (!table_key_columns(c, relation, node->n_fk_attrs, node->fk_attrs, clause->column,
                         node->location, &key.column_count, &key.columns)) {
    return;
  }
  key.ref = relation_of_range(c, node->pktable, true);
  if (key.ref == NULL) {
    const PgQuery__RangeVar *target = node->pktable;
    const char *schema =
        target->schemaname != NULL && target->schemaname[0] != '\0' ? target->schemaname : NULL;
    if (c->options->lenient && outside_has(c, schema, target->relname))
      note(c, SCHEMA_SKIPPED, target->location, NULL,
           "left out: the foreign key of \"%s\" to \"%s.%s\", which this file does not make",
           relation->name, schema != NULL ? schema : "", target->relname);
    else
      outside_missing(c, schema, target->relname, target->location);
    return;
  }
  if (key.ref->is_view) {
    note_error(c, node->location, "42809", NULL, "referenced relation \"%s\" is not a table",
               key.ref->name);
    return;
  }
  if (node->n_fk_del_set_cols > 0) {
    note_error(c, node->location, "0A000", "use ON DELETE SET NULL for all columns of the key",
               "ON DELETE SET with a list of columns is not supported: SQLite sets all of them");
    return;
  }
  if (!table_foreign_target(c, &key, node)) return;
  key.name =
      node->conname != NULL && node->conname[0] != '\0'
          ? node->conname
          : name_choose_constraint(c, relation->schema, relation->name,
                                   name_of_columns(c, key.column_count, key.columns), "fkey");
  if (!table_foreign_types(c, &key, relation, node->location)) return;
  struct constraint_def *constraint = table_add(c, relation, node, CONSTRAINT_FOREIGN, key.name);
  if (constraint == NULL) return;
  constraint->column_count = key.column_count;
  constraint->columns = key.columns;
  constraint->ref = key.ref;
  constraint->ref_column_count = key.ref_column_count;
  constraint->ref_columns = key.ref_columns;
  constraint->match = node->fk_matchtype != NULL && node->fk_matchtype[0] == 'f' ? 'f' : 's';
  constraint->on_update = table_action(node->fk_upd_action);
  constraint->on_delete = table_action(node->fk_del_action);
}

void ddl_pending_install(struct compiler *c, struct relation_def *relation,
                         struct ddl_pending *pending) {
  for (int i = 0; i < pending->check_count; i++)
    table_install_check(c, relation, &pending->checks[i]);
  int before = relation->constraint_count;
  for (int pass = 0; pass < 2; pass++) {
    for (int i = 0; i < pending->key_count; i++) {
      bool is_primary = pending->keys[i].node->contype == PG_QUERY__CONSTR_TYPE__CONSTR_PRIMARY;
      if (is_primary == (pass == 0)) table_install_key(c, relation, &pending->keys[i], before);
    }
  }
  for (int i = 0; i < pending->foreign_count; i++)
    table_install_foreign(c, relation, &pending->foreigns[i]);
  for (int i = 0; i < pending->index_count; i++) ddl_create_index(c, pending->indexes[i]);
}

/* ---- the statement */

static bool table_refused(struct compiler *c, const PgQuery__CreateStmt *statement) {
  int location = statement->relation->location;
  if (strcmp(statement->relation->relpersistence, "t") == 0) {
    return !note_error(c, location, "0A000", "make it an ordinary table",
                       "temporary tables are not part of a schema");
  }
  if (statement->partspec != NULL || statement->partbound != NULL) {
    return !note_error(c, location, "0A000", "make it one table without PARTITION BY",
                       "partitioned tables are not supported: SQLite has none");
  }
  if (statement->n_inh_relations > 0) {
    return !note_error(c, location, "0A000", "repeat the parent's columns in each table",
                       "INHERITS is not supported: SQLite has none");
  }
  if (statement->of_typename != NULL) {
    return !note_error(c, location, "0A000", "write the columns out",
                       "CREATE TABLE ... OF a composite type is not supported");
  }
  if (strcmp(statement->relation->relpersistence, "u") == 0) {
    note(c, SCHEMA_SKIPPED, location, NULL,
         "UNLOGGED means nothing here; the table is an ordinary one");
  }
  if (statement->n_options > 0)
    note(c, SCHEMA_SKIPPED, location, NULL, "storage options of the table mean nothing here");
  return false;
}

/* A new table or view in the model; NULL after a note, or where it is there already and may be. */
struct relation_def *relation_make(struct compiler *c, const PgQuery__RangeVar *range, bool is_view,
                                   bool if_not_exists) {
  const char *schema, *name;
  if (!names_of_range(c, range, &schema, &name) ||
      !name_check(c, range->location, is_view ? "view" : "table", name))
    return NULL;
  if (relation_name_is_used(c, schema, name)) {
    if (if_not_exists)
      note(c, SCHEMA_SKIPPED, range->location, NULL, "relation \"%s\" already exists, skipping",
           name);
    else
      note_error(c, range->location, "42P07", NULL, "relation \"%s\" already exists", name);
    return NULL;
  }
  struct relation_def *relation = compiler_alloc(c, sizeof *relation);
  relation->schema = schema;
  relation->name = name;
  relation->stored_name = stored_name(c, schema, name);
  relation->is_view = is_view;
  relation->made_at = ddl_of(c)->grant_count;
  relation->location = range->location;
  relation->place = place_here(c, range->location);
  if (strlen(relation->stored_name) > LEDGER_NAME_MAX ||
      sqlite3_strnicmp(relation->stored_name, "ledger_", 7) == 0) {
    note_error(c, range->location, "42602", "rename the table or its schema",
               "\"%s\".\"%s\" is stored as \"%s\", which is too long or reserved", schema, name,
               relation->stored_name);
  } else if (!stored_name_is_free(c, relation->stored_name)) {
    note_error(c, range->location, "42P07", "rename one of them",
               "\"%s\".\"%s\" is stored as \"%s\", and another relation has that name in SQLite, "
               "where case does not count",
               schema, name, relation->stored_name);
  }
  *APPEND(c, c->model->relations, c->model->relation_count) = relation;
  return relation;
}

void ddl_create_table(struct compiler *c, const PgQuery__CreateStmt *statement) {
  struct ddl_pending pending = {0};
  if (table_refused(c, statement)) return;
  struct relation_def *relation =
      relation_make(c, statement->relation, false, statement->if_not_exists);
  if (relation == NULL) return;
  for (size_t i = 0; i < statement->n_table_elts; i++) {
    const PgQuery__Node *element = statement->table_elts[i];
    if (element->node_case == PG_QUERY__NODE__NODE_COLUMN_DEF) {
      ddl_column(c, relation, element->column_def, &pending);
    } else if (element->node_case == PG_QUERY__NODE__NODE_CONSTRAINT) {
      ddl_constraint(c, relation, element->constraint, NULL, &pending);
    } else {
      note_error(c, statement->relation->location, "0A000", "write the columns out",
                 "LIKE in CREATE TABLE is not supported");
    }
  }
  ddl_pending_install(c, relation, &pending);
  if (relation->column_count == 0 && statement->n_table_elts == 0) {
    note_error(c, statement->relation->location, "0A000", "give it a column",
               "a table without columns cannot be made in SQLite");
  }
  int generated = 0;
  for (int i = 0; i < relation->column_count; i++)
    generated += relation->columns[i].generated_node != NULL;
  if (generated > 0 && generated == relation->column_count) { /* COPY has no column to write */
    note_error(c, statement->relation->location, "0A000", "give it a column that is not generated",
               "a table of generated columns alone is not supported");
  }
}
