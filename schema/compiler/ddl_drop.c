/*
** ddl_drop: DROP, RENAME and SET SCHEMA, applied to the model.
*/
#include "ddl.h"

static void drop_missing(struct compiler *c, bool missing_ok, const char *what, const char *name,
                         const char *sqlstate) {
  if (missing_ok)
    note(c, SCHEMA_SKIPPED, 0, NULL, "%s \"%s\" does not exist, skipping", what, name);
  else
    note_error(c, 0, sqlstate, NULL, "%s \"%s\" does not exist", what, name);
}

/* Does any column have the type? */
static const char *drop_type_user(struct compiler *c, const struct enum_def *labels,
                                  const struct domain_def *domain) {
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int k = 0; k < relation->column_count; k++) {
      const struct sqltype *type = &relation->columns[k].type;
      if ((labels != NULL && type->labels == labels) || (domain != NULL && type->domain == domain))
        return relation->name;
    }
  }
  return NULL;
}

static void drop_type(struct compiler *c, const PgQuery__DropStmt *statement,
                      const PgQuery__Node *object) {
  const PgQuery__TypeName *type = object->type_name;
  const char *name = node_string(type->names[type->n_names - 1]);
  const char *schema = type->n_names > 1 ? node_string(type->names[type->n_names - 2]) : NULL;
  const struct enum_def *labels = find_enum(c, schema, name);
  const struct domain_def *domain = find_domain(c, schema, name);
  const char *user = drop_type_user(c, labels, domain);
  if (labels == NULL && domain == NULL && outside_drop(c, schema, name)) return;
  if (labels == NULL && domain == NULL) {
    drop_missing(c, statement->missing_ok, "type", name, "42704");
    return;
  }
  if (user != NULL) {
    note_error(c, 0, "2BP01", NULL,
               "cannot drop type \"%s\" because table \"%s\" has a column of it", name, user);
    return;
  }
  for (int i = 0; i < c->model->enum_count; i++) {
    if (c->model->enums[i] == labels) REMOVE(c->model->enums, c->model->enum_count, i);
  }
  for (int i = 0; i < c->model->domain_count; i++) {
    if (c->model->domains[i] == domain) REMOVE(c->model->domains, c->model->domain_count, i);
  }
}

static void drop_function(struct compiler *c, const PgQuery__DropStmt *statement,
                          const PgQuery__Node *object) {
  const PgQuery__ObjectWithArgs *named = object->object_with_args;
  const char *name = node_string(named->objname[named->n_objname - 1]);
  const char *schema = named->n_objname > 1 ? node_string(named->objname[0]) : NULL;
  for (size_t i = 0; i < named->n_objargs; i++) tree_qualify(c, &named->objargs[i]->base);
  const struct function_def *function =
      named->args_unspecified
          ? find_function(c, schema, name, -1)
          : function_find_exact(c, schema, name,
                                function_signature_of(c, named->n_objargs, named->objargs));
  if (function == NULL) {
    drop_missing(c, statement->missing_ok, "function", name, "42883");
    return;
  }
  for (int i = 0; i < c->model->function_count; i++) {
    if (c->model->functions[i] == function)
      REMOVE(c->model->functions, c->model->function_count, i);
  }
}

/* A trigger or policy: the last name, the table before it. */
static void drop_of_table(struct compiler *c, const PgQuery__DropStmt *statement,
                          const PgQuery__List *list) {
  bool is_trigger = statement->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER, found = false;
  const char *name = node_string(list->items[list->n_items - 1]);
  const char *table = node_string(list->items[list->n_items - 2]);
  const char *schema = list->n_items > 2 ? node_string(list->items[0]) : NULL;
  const struct relation_def *relation = find_relation(c, schema, table);
  if (relation == NULL && !statement->missing_ok) {
    outside_missing(c, schema, table, 0);
    return;
  }
  for (int i = c->model->trigger_count - 1; is_trigger && i >= 0; i--) {
    const struct trigger_def *trigger = c->model->triggers[i];
    if (trigger->relation != relation || strcmp(trigger->name, name) != 0) continue;
    REMOVE(c->model->triggers, c->model->trigger_count, i);
    found = true;
  }
  for (int i = c->model->policy_count - 1; !is_trigger && i >= 0; i--) {
    const struct policy_def *policy = c->model->policies[i];
    if (policy->relation != relation || strcmp(policy->name, name) != 0) continue;
    REMOVE(c->model->policies, c->model->policy_count, i);
    found = true;
  }
  if (!found)
    drop_missing(c, statement->missing_ok, is_trigger ? "trigger" : "policy", name, "42704");
}

static void drop_relation(struct compiler *c, const PgQuery__DropStmt *statement,
                          const PgQuery__List *list) {
  const char *name = node_string(list->items[list->n_items - 1]);
  const char *schema = list->n_items > 1 ? node_string(list->items[list->n_items - 2]) : NULL;
  bool is_view = statement->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW;
  struct relation_def *relation = find_relation(c, schema, name);
  if (relation == NULL && outside_drop(c, schema, name)) return;
  if (relation == NULL)
    drop_missing(c, statement->missing_ok, is_view ? "view" : "table", name, "42P01");
  else if (relation->is_view != is_view)
    note_error(c, 0, "42809", NULL, "\"%s\" is not a %s", name, is_view ? "view" : "table");
  else
    relation_drop(c, relation, statement->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE);
}

static void drop_index_or_sequence(struct compiler *c, const PgQuery__DropStmt *statement,
                                   const PgQuery__List *list) {
  const char *name = node_string(list->items[list->n_items - 1]);
  const char *schema = list->n_items > 1 ? node_string(list->items[list->n_items - 2]) : NULL;
  bool is_index = statement->remove_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX;
  const struct index_def *index = is_index ? find_index(c, schema, name) : NULL;
  const struct sequence_def *sequence = is_index ? NULL : find_sequence(c, schema, name);
  if (index == NULL && sequence == NULL) {
    drop_missing(c, statement->missing_ok, is_index ? "index" : "sequence", name,
                 is_index ? "42704" : "42P01");
    return;
  }
  for (int i = 0; i < c->model->index_count; i++) {
    if (c->model->indexes[i] == index) REMOVE(c->model->indexes, c->model->index_count, i);
  }
  for (int i = 0; i < c->model->sequence_count; i++) {
    if (c->model->sequences[i] != sequence) continue;
    if (sequence->owner != NULL)
      note_error(c, 0, "2BP01", NULL, "cannot drop sequence \"%s\" because table \"%s\" owns it",
                 name, sequence->owner->name);
    else
      REMOVE(c->model->sequences, c->model->sequence_count, i);
  }
}

static void drop_extension(struct compiler *c, const PgQuery__DropStmt *statement,
                           const char *name) {
  struct ddl *ddl = ddl_of(c);
  const char *start = compiler_format(c, "CREATE EXTENSION IF NOT EXISTS %s", quoted(c, name));
  for (int i = 0; i < ddl->extension_count; i++) {
    if (strncmp(ddl->extensions[i], start, strlen(start)) == 0) {
      REMOVE(ddl->extensions, ddl->extension_count, i);
      return;
    }
  }
  drop_missing(c, statement->missing_ok, "extension", name, "42704");
}

void ddl_drop(struct compiler *c, const PgQuery__DropStmt *statement) {
  for (size_t i = 0; i < statement->n_objects; i++) {
    const PgQuery__Node *object = statement->objects[i];
    switch (statement->remove_type) {
    case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_MATVIEW:
    case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW: drop_relation(c, statement, object->list); break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_INDEX:
    case PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE:
      drop_index_or_sequence(c, statement, object->list);
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TYPE:
    case PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN: drop_type(c, statement, object); break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_FUNCTION:
    case PG_QUERY__OBJECT_TYPE__OBJECT_ROUTINE: drop_function(c, statement, object); break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_TRIGGER:
    case PG_QUERY__OBJECT_TYPE__OBJECT_POLICY: drop_of_table(c, statement, object->list); break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_EXTENSION:
      drop_extension(c, statement, node_string(object));
      break;
    case PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA: {
      bool is_known = strcmp(node_string(object), "public") == 0;
      for (int k = 0; k < ddl_of(c)->schema_count; k++)
        is_known = is_known || strcmp(ddl_of(c)->schemas[k], node_string(object)) == 0;
      if (is_known)
        note_error(c, 0, "0A000", "leave it out, and what was in it",
                   "DROP SCHEMA of a schema of this file is not supported");
      else
        drop_missing(c, statement->missing_ok, "schema", node_string(object), "3F000");
      break;
    }
    default:
      if (statement->missing_ok)
        note(c, SCHEMA_SKIPPED, 0, NULL, "DROP IF EXISTS of an object that is not kept");
      else
        ddl_refuse(c, 0, "this DROP", "the object is not one that is kept",
                   "take it out of the schema file");
    }
  }
}

/* ---- RENAME */

static void rename_text(const char **name, int count, const char **names, const char *to) {
  for (int i = 0; i < count; i++) {
    if (strcmp(names[i], *name) == 0) names[i] = to;
  }
}

/* Seed rows name their columns; false where an expression of theirs may do so too. */
static bool rename_in_seeds(struct compiler *c, const struct relation_def *relation,
                            const char *from, const char *to) {
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->insert_count; i++) {
    const struct ddl_insert *insert = &ddl->inserts[i];
    const PgQuery__InsertStmt *statement = insert->statement;
    if (insert->relation == relation && insert->change != NULL) return false;
    if (statement == NULL) continue;
    if (statement->select_stmt != NULL && tree_uses_relations(&statement->select_stmt->base))
      return false;
    if (insert->relation != relation) continue;
    if (statement->on_conflict_clause != NULL) return false;
    for (size_t k = 0; k < statement->n_cols; k++) {
      PgQuery__ResTarget *target = statement->cols[k]->res_target;
      if (strcmp(target->name, from) == 0) target->name = compiler_copy(c, to);
    }
  }
  return true;
}

/* In a sub-select the name may be another table's column; written anew under its own name, it is found. */
static bool rename_is_nested(struct compiler *c, const PgQuery__Node *node, const char *column) {
  return node != NULL && tree_uses_relations(&node->base) &&
         tree_rename_column(c, node, column, column);
}

/* What names the column and cannot be rewritten; NULL when nothing does. A trigger's function is read later. */
static const char *rename_obstacle(struct compiler *c, const struct relation_def *relation,
                                   const char *column) {
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    bool is_named = trigger->relation == relation && trigger->statement != NULL &&
                    trigger->statement->when_clause != NULL;
    for (int k = 0; k < trigger->column_count && trigger->relation == relation; k++)
      is_named = is_named || strcmp(trigger->columns[k], column) == 0;
    if (is_named) return trigger->name;
  }
  for (int i = 0; i < c->model->policy_count; i++) {
    const PgQuery__CreatePolicyStmt *policy = c->model->policies[i]->statement;
    if (c->model->policies[i]->relation != relation) continue;
    if (rename_is_nested(c, policy->qual, column) ||
        rename_is_nested(c, policy->with_check, column))
      return policy->policy_name;
  }
  return NULL;
}

static void rename_in_model(struct compiler *c, const struct relation_def *relation,
                            const char *from, const char *to) {
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *other = c->model->relations[i];
    for (int k = 0; k < other->constraint_count; k++) {
      struct constraint_def *key = &other->constraints[k];
      if (other == relation) {
        rename_text(&from, key->column_count, key->columns, to);
        tree_rename_column(c, key->check_node, from, to);
      }
      if (key->ref == relation) rename_text(&from, key->ref_column_count, key->ref_columns, to);
    }
  }
  for (int i = 0; i < c->model->index_count; i++) {
    struct index_def *index = c->model->indexes[i];
    if (index->relation != relation) continue;
    for (size_t k = 0; k < index->statement->n_index_params; k++) {
      PgQuery__IndexElem *element = index->statement->index_params[k]->index_elem;
      if (element->name != NULL && strcmp(element->name, from) == 0)
        element->name = compiler_copy(c, to);
      tree_rename_column(c, element->expr, from, to);
      if (index->columns[k] != NULL && strcmp(index->columns[k], from) == 0) index->columns[k] = to;
    }
    tree_rename_column(c, index->statement->where_clause, from, to);
  }
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    if (policy->relation != relation) continue;
    tree_rename_column(c, policy->statement->qual, from, to);
    tree_rename_column(c, policy->statement->with_check, from, to);
  }
  for (int i = 0; i < relation->column_count; i++)
    tree_rename_column(c, relation->columns[i].generated_node, from, to);
}

static void rename_column(struct compiler *c, struct relation_def *relation, const char *from,
                          const char *to, int location) {
  struct column_def *column = find_column(relation, from);
  if (column == NULL) {
    note_error(c, location, "42703", NULL, "column \"%s\" does not exist", from);
    return;
  }
  const char *reader = rename_obstacle(c, relation, from);
  if (reader == NULL) reader = relation_reader(c, relation, from, false);
  if (reader != NULL || !rename_in_seeds(c, relation, from, to)) {
    note_error(c, location, "0A000", "put the RENAME before it",
               "RENAME COLUMN of \"%s\" after \"%s\" is not supported", relation->name,
               reader != NULL ? reader : "its seed rows");
    return;
  }
  if (!table_column_name(c, relation, to, location)) return;
  rename_in_model(c, relation, from, to);
  if (column->sequence != NULL && column->sequence->owner == relation)
    column->sequence->owner_column = to;
  column->name = to;
}

/* Views, policies and seed rows that read the relation follow its name, as PostgreSQL's do. */
static void rename_in_readers(struct compiler *c, const struct relation_def *relation,
                              const char *schema, const char *to) {
  const struct model *model = c->model;
  for (int i = 0; i < model->relation_count; i++) {
    const struct relation_def *other = model->relations[i];
    if (other->view_statement != NULL)
      tree_rename_relation(c, &other->view_statement->query->base, relation, schema, to, false);
  }
  for (int i = 0; i < model->policy_count; i++) {
    const struct policy_def *policy = model->policies[i];
    bool is_own = policy->relation == relation;
    tree_rename_relation(c, (const ProtobufCMessage *)policy->statement->qual, relation, schema, to,
                         is_own);
    tree_rename_relation(c, (const ProtobufCMessage *)policy->statement->with_check, relation,
                         schema, to, is_own);
  }
  for (int i = 0; i < ddl_of(c)->insert_count; i++) {
    const PgQuery__InsertStmt *statement = ddl_of(c)->inserts[i].statement;
    if (statement != NULL)
      tree_rename_relation(c, (const ProtobufCMessage *)statement->select_stmt, relation, schema,
                           to, false);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    tree_rename_relation(c, (const ProtobufCMessage *)relation->constraints[i].check_node, relation,
                         schema, to, true);
  }
  for (int i = 0; i < relation->column_count; i++) {
    tree_rename_relation(c, (const ProtobufCMessage *)relation->columns[i].generated_node, relation,
                         schema, to, true);
  }
  for (int i = 0; i < model->index_count; i++) {
    if (model->indexes[i]->relation == relation)
      tree_rename_relation(c, &model->indexes[i]->statement->base, relation, schema, to, true);
  }
}

static void rename_relation(struct compiler *c, struct relation_def *relation, const char *schema,
                            const char *to, int location) {
  const char *stored = stored_name(c, schema, to);
  if (!name_check(c, location, "table", to)) return;
  if (relation_name_is_used(c, schema, to) || !stored_name_is_free(c, stored)) {
    note_error(c, location, "42P07", NULL, "relation \"%s\" already exists", to);
    return;
  }
  rename_in_readers(c, relation, schema, to);
  relation->schema = schema;
  relation->name = to;
  relation->stored_name = stored;
}

static void rename_type(struct compiler *c, const PgQuery__RenameStmt *statement) {
  const PgQuery__List *list = statement->object->list;
  const char *name = node_string(list->items[list->n_items - 1]);
  const char *schema = list->n_items > 1 ? node_string(list->items[0]) : NULL;
  struct enum_def *labels = find_enum(c, schema, name);
  struct domain_def *domain = find_domain(c, schema, name);
  if (!name_check(c, 0, "type", statement->newname)) return;
  if (find_enum(c, schema, statement->newname) != NULL ||
      find_domain(c, schema, statement->newname) != NULL) {
    note_error(c, 0, "42710", NULL, "type \"%s\" already exists", statement->newname);
  } else if (labels != NULL) {
    labels->name = statement->newname;
  } else if (domain != NULL) {
    domain->name = statement->newname;
  } else {
    note_error(c, 0, "42704", NULL, "type \"%s\" does not exist", name);
  }
}

void ddl_rename(struct compiler *c, const PgQuery__RenameStmt *statement) {
  int location = statement->relation != NULL ? statement->relation->location : 0;
  const char *to = statement->newname;
  if (statement->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_TYPE ||
      statement->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_DOMAIN) {
    rename_type(c, statement);
    return;
  }
  if (statement->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_INDEX ||
      statement->rename_type == PG_QUERY__OBJECT_TYPE__OBJECT_SEQUENCE) {
    const char *schema =
        statement->relation->schemaname[0] != '\0' ? statement->relation->schemaname : NULL;
    struct index_def *index = find_index(c, schema, statement->relation->relname);
    struct sequence_def *sequence = find_sequence(c, schema, statement->relation->relname);
    if (!name_check(c, location, "index", to)) return;
    if (index != NULL) {
      index->name = to;
      index->stored_name = stored_name(c, index->schema, to);
    } else if (sequence != NULL) {
      sequence->name = to;
      sequence->stored_name = stored_name(c, sequence->schema, to);
    } else {
      drop_missing(c, statement->missing_ok, "relation", statement->relation->relname, "42P01");
    }
    return;
  }
  struct relation_def *relation =
      statement->relation != NULL ? relation_of_range(c, statement->relation, statement->missing_ok)
                                  : NULL;
  if (relation == NULL) {
    if (statement->relation == NULL)
      ddl_refuse(c, 0, "this RENAME", "the object is not one that is kept",
                 "write it under its last name");
    return;
  }
  switch (statement->rename_type) {
  case PG_QUERY__OBJECT_TYPE__OBJECT_COLUMN:
    rename_column(c, relation, statement->subname, to, location);
    break;
  case PG_QUERY__OBJECT_TYPE__OBJECT_TABLE:
  case PG_QUERY__OBJECT_TYPE__OBJECT_VIEW:
    rename_relation(c, relation, relation->schema, to, location);
    break;
  case PG_QUERY__OBJECT_TYPE__OBJECT_TABCONSTRAINT: {
    struct constraint_def *constraint = find_constraint(relation, statement->subname);
    if (constraint == NULL)
      note_error(c, location, "42704", NULL, "constraint \"%s\" for table \"%s\" does not exist",
                 statement->subname, relation->name);
    else if (name_check(c, location, "constraint", to))
      constraint->name = to;
    break;
  }
  default:
    ddl_refuse(c, location, "this RENAME", "the object is not one that is kept",
               "write it under its last name");
  }
}

void ddl_set_schema(struct compiler *c, const PgQuery__AlterObjectSchemaStmt *statement) {
  struct relation_def *relation = NULL;
  if (statement->relation != NULL)
    relation = relation_of_range(c, statement->relation, statement->missing_ok);
  if (relation != NULL)
    rename_relation(c, relation, statement->newschema, relation->name,
                    statement->relation->location);
  else if (statement->relation == NULL)
    ddl_refuse(c, 0, "SET SCHEMA of this object", "only tables move", "create it in that schema");
}
