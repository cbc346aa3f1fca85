/*
** ddl_alter: ALTER TABLE, applied to the model, so that SQLite gets each table in its last form.
*/
#include "ddl.h"

static bool alter_has_seeds(struct compiler *c, const struct relation_def *relation) {
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->insert_count; i++) {
    if (ddl->inserts[i].relation == relation) return true;
  }
  return false;
}

static bool alter_refuse_seeds(struct compiler *c, const struct relation_def *relation,
                               int location, const char *what) {
  if (!alter_has_seeds(c, relation)) return false;
  return !note_error(c, location, "0A000", "put the INSERT behind the ALTER TABLE",
                     "%s of table \"%s\" after its seed rows is not supported", what,
                     relation->name);
}

/* What a view or policy says of a relation and, where one is sought, of its column. */
struct alter_reader {
  const struct relation_def *relation;
  const char *column;
  bool has_relation, has_column;
};

static bool alter_find_reader(void *context, ProtobufCMessage *message) {
  struct alter_reader *reader = context;
  if (message->descriptor == &pg_query__range_var__descriptor) {
    const PgQuery__RangeVar *range = (PgQuery__RangeVar *)message;
    bool is_schema = range->schemaname == NULL || range->schemaname[0] == '\0' ||
                     strcmp(range->schemaname, reader->relation->schema) == 0;
    if (is_schema && strcmp(range->relname, reader->relation->name) == 0)
      reader->has_relation = true;
  } else if (message->descriptor == &pg_query__column_ref__descriptor && reader->column != NULL) {
    const PgQuery__ColumnRef *reference = (PgQuery__ColumnRef *)message;
    const char *name = node_string(reference->fields[reference->n_fields - 1]);
    /* Without a name it is "*". */
    if (name == NULL || strcmp(name, reader->column) == 0) reader->has_column = true;
  }
  return true;
}

static bool alter_reads(const PgQuery__Node *node, const struct relation_def *relation,
                        const char *column, bool is_own) {
  struct alter_reader reader = {relation, column, is_own, column == NULL};
  if (node == NULL) return false;
  tree_walk_messages(&node->base, alter_find_reader, &reader);
  return reader.has_relation && reader.has_column;
}

/* A view, or a policy, that reads the relation (column NULL) or the column; both NULL when there is none. The relation's
** own policies count as asked. */
static void alter_reader_of(struct compiler *c, const struct relation_def *relation,
                            const char *column, bool own_too, struct relation_def **view,
                            struct policy_def **policy) {
  *view = NULL;
  *policy = NULL;
  for (int i = 0; i < c->model->relation_count && *view == NULL; i++) {
    struct relation_def *other = c->model->relations[i];
    if (other != relation && other->view_statement != NULL &&
        alter_reads(other->view_statement->query, relation, column, false))
      *view = other;
  }
  for (int i = 0; i < c->model->policy_count && *view == NULL && *policy == NULL; i++) {
    struct policy_def *other = c->model->policies[i];
    bool is_own = other->relation == relation;
    if (is_own && !own_too) continue;
    if (alter_reads(other->statement->qual, relation, column, is_own) ||
        alter_reads(other->statement->with_check, relation, column, is_own))
      *policy = other;
  }
}

const char *relation_reader(struct compiler *c, const struct relation_def *relation,
                            const char *column, bool own_too) {
  struct relation_def *view;
  struct policy_def *policy;
  alter_reader_of(c, relation, column, own_too, &view, &policy);
  return view != NULL ? view->name : policy != NULL ? policy->name : NULL;
}

/* CASCADE: drops the views and policies that read it; false after a note. */
static bool alter_drop_readers(struct compiler *c, const struct relation_def *relation,
                               const char *column, int location) {
  for (;;) {
    struct relation_def *view;
    struct policy_def *policy;
    alter_reader_of(c, relation, column, column != NULL, &view, &policy);
    if (view == NULL && policy == NULL) return true;
    note(c, SCHEMA_HINT, location, NULL, "drop cascades to %s \"%s\"",
         view != NULL ? "view" : "policy", view != NULL ? view->name : policy->name);
    if (view != NULL && !relation_drop(c, view, true)) return false;
    for (int i = c->model->policy_count - 1; view == NULL && i >= 0; i--) {
      if (c->model->policies[i] == policy) REMOVE(c->model->policies, c->model->policy_count, i);
    }
  }
}

/* ---- dropping */

static bool alter_lists_column(const struct constraint_def *constraint, const char *column) {
  for (int i = 0; i < constraint->column_count; i++) {
    if (strcmp(constraint->columns[i], column) == 0) return true;
  }
  return false;
}

struct alter_mention {
  const char *column;
  bool found;
};

static bool alter_find_column(void *context, PgQuery__Node *node) {
  struct alter_mention *mention = context;
  const char *name = NULL;
  if (node->node_case == PG_QUERY__NODE__NODE_COLUMN_REF)
    name = node_string(node->column_ref->fields[node->column_ref->n_fields - 1]);
  if (node->node_case == PG_QUERY__NODE__NODE_INDEX_ELEM) name = node->index_elem->name;
  if (name != NULL && strcmp(name, mention->column) == 0) mention->found = true;
  return true;
}

static bool alter_mentions(const ProtobufCMessage *message, const char *column) {
  struct alter_mention mention = {column, false};
  if (message != NULL) tree_walk(message, alter_find_column, &mention);
  return mention.found;
}

/* Foreign keys elsewhere that point at the relation (column NULL), or at the column. */
static bool alter_drop_references(struct compiler *c, const struct relation_def *relation,
                                  const char *column, bool cascade, int location) {
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *other = c->model->relations[i];
    for (int k = other->constraint_count - 1; k >= 0; k--) {
      const struct constraint_def *key = &other->constraints[k];
      bool points = key->kind == CONSTRAINT_FOREIGN && key->ref == relation &&
                    (column != NULL || other != relation);
      if (points && column != NULL) {
        points = false;
        for (int m = 0; m < key->ref_column_count; m++)
          points = points || strcmp(key->ref_columns[m], column) == 0;
      }
      if (!points) continue;
      if (!cascade) {
        return note_error(
            c, location, "2BP01", "use DROP ... CASCADE",
            "cannot drop \"%s\" because constraint \"%s\" on table \"%s\" depends on it",
            column != NULL ? column : relation->name, key->name, other->name);
      }
      note(c, SCHEMA_HINT, location, NULL, "drop cascades to constraint \"%s\" on table \"%s\"",
           key->name, other->name);
      REMOVE(other->constraints, other->constraint_count, k);
    }
  }
  return true;
}

static void alter_drop_column(struct compiler *c, struct relation_def *relation,
                              const PgQuery__AlterTableCmd *command, int location) {
  const struct column_def *column = find_column(relation, command->name);
  bool cascade = command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  if (column == NULL) {
    if (command->missing_ok)
      note(c, SCHEMA_SKIPPED, location, NULL, "column \"%s\" does not exist, skipping",
           command->name);
    else
      note_error(c, location, "42703", NULL, "column \"%s\" of relation \"%s\" does not exist",
                 command->name, relation->name);
    return;
  }
  if (alter_refuse_seeds(c, relation, location, "DROP COLUMN")) return;
  if (cascade && !alter_drop_readers(c, relation, command->name, location)) return;
  const char *reader = relation_reader(c, relation, command->name, true);
  if (reader != NULL) {
    note_error(c, location, "2BP01", "drop that first, or use DROP COLUMN ... CASCADE",
               "cannot drop column \"%s\" of table \"%s\" because \"%s\" depends on it",
               command->name, relation->name, reader);
    return;
  }
  if (!alter_drop_references(c, relation, command->name, cascade, location)) return;
  for (int i = relation->constraint_count - 1; i >= 0; i--) {
    const struct constraint_def *constraint = &relation->constraints[i];
    bool is_about = alter_lists_column(constraint, command->name) ||
                    (constraint->check_node != NULL &&
                     alter_mentions(&constraint->check_node->base, command->name));
    if (is_about) REMOVE(relation->constraints, relation->constraint_count, i);
  }
  for (int i = c->model->index_count - 1; i >= 0; i--) {
    const struct index_def *index = c->model->indexes[i];
    if (index->relation == relation && alter_mentions(&index->statement->base, command->name))
      REMOVE(c->model->indexes, c->model->index_count, i);
  }
  for (int i = c->model->sequence_count - 1; i >= 0; i--) {
    const struct sequence_def *sequence = c->model->sequences[i];
    if (sequence->owner == relation && strcmp(sequence->owner_column, command->name) == 0)
      REMOVE(c->model->sequences, c->model->sequence_count, i);
  }
  REMOVE(relation->columns, relation->column_count, (int)(column - relation->columns));
}

static void alter_drop_constraint(struct compiler *c, struct relation_def *relation,
                                  const PgQuery__AlterTableCmd *command, int location) {
  struct constraint_def *constraint = find_constraint(relation, command->name);
  bool cascade = command->behavior == PG_QUERY__DROP_BEHAVIOR__DROP_CASCADE;
  if (constraint == NULL) {
    if (command->missing_ok)
      note(c, SCHEMA_SKIPPED, location, NULL, "constraint \"%s\" does not exist, skipping",
           command->name);
    else
      note_error(c, location, "42704", NULL, "constraint \"%s\" of relation \"%s\" does not exist",
                 command->name, relation->name);
    return;
  }
  if (constraint->kind == CONSTRAINT_PRIMARY || constraint->kind == CONSTRAINT_UNIQUE) {
    for (int i = 0; i < constraint->column_count; i++) {
      if (!alter_drop_references(c, relation, constraint->columns[i], cascade, location)) return;
    }
  }
  REMOVE(relation->constraints, relation->constraint_count,
         (int)(constraint - relation->constraints));
}

static void alter_validate_constraint(struct compiler *c, struct relation_def *relation,
                                      const PgQuery__AlterTableCmd *command, int location) {
  struct constraint_def *constraint = find_constraint(relation, command->name);
  if (constraint != NULL)
    constraint->not_valid = false;
  else if (c->options->lenient)
    note(c, SCHEMA_SKIPPED, location, NULL,
         "VALIDATE CONSTRAINT \"%s\" of \"%s\": there is none, or it is left out", command->name,
         relation->name);
  else
    note_error(c, location, "42704", NULL, "constraint \"%s\" of relation \"%s\" does not exist",
               command->name, relation->name);
}

/* ---- columns */

static void alter_column_type(struct compiler *c, struct relation_def *relation,
                              struct column_def *column, const PgQuery__ColumnDef *node,
                              int location) {
  struct sqltype type;
  const char *reader = relation_reader(c, relation, column->name, true);
  if (alter_refuse_seeds(c, relation, location, "SET DATA TYPE")) return;
  if (reader != NULL) {
    note_error(c, location, "0A000", "drop that first, and make it again afterwards",
               "cannot alter the type of column \"%s\" while \"%s\" reads it", column->name,
               reader);
    return;
  }
  /* Without rows USING converts nothing. */
  if (sqltype_resolve(c, node->type_name, &type)) column->type = type;
}

static void alter_add_identity(struct compiler *c, struct relation_def *relation,
                               struct column_def *column, const PgQuery__Constraint *node) {
  if (!column->not_null) {
    note_error(
        c, node->location, "55000", NULL,
        "column \"%s\" of relation \"%s\" must be declared NOT NULL before identity can be added",
        column->name, relation->name);
    return;
  }
  sequence_identity(c, relation, column, node);
}

static void alter_drop_not_null(struct compiler *c, const struct relation_def *relation,
                                struct column_def *column, int location) {
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *key = &relation->constraints[i];
    if (key->kind == CONSTRAINT_PRIMARY && alter_lists_column(key, column->name)) {
      note_error(c, location, "42P16", NULL, "column \"%s\" is in a primary key", column->name);
      return;
    }
  }
  column->not_null = false;
}

static void alter_drop_identity(struct compiler *c, struct column_def *column) {
  for (int i = 0; i < c->model->sequence_count; i++) {
    if (c->model->sequences[i] == column->sequence) {
      REMOVE(c->model->sequences, c->model->sequence_count, i);
      break;
    }
  }
  column->identity = 0;
  column->sequence = NULL;
}

static void alter_column(struct compiler *c, struct relation_def *relation,
                         const PgQuery__AlterTableCmd *command, int location) {
  struct column_def *column = find_column(relation, command->name);
  if (column == NULL) {
    note_error(c, location, "42703", NULL, "column \"%s\" of relation \"%s\" does not exist",
               command->name, relation->name);
    return;
  }
  switch (command->subtype) {
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault:
    if (column->identity != 0 || column->generated_node != NULL) {
      note_error(c, location, "42601", NULL,
                 "column \"%s\" of relation \"%s\" is an identity or a generated column",
                 column->name, relation->name);
      return;
    }
    column->default_node = command->def;
    column->sequence = NULL;
    column->place = place_here(c, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
    alter_drop_not_null(c, relation, column, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull: column->not_null = true; break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
    alter_column_type(c, relation, column, command->def->column_def, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity:
    alter_add_identity(c, relation, column, command->def->constraint);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropIdentity: alter_drop_identity(c, column); break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropExpression: column->generated_node = NULL; break;
  default: break;
  }
}

static void alter_add_column(struct compiler *c, struct relation_def *relation,
                             const PgQuery__AlterTableCmd *command, struct ddl_pending *pending,
                             int location) {
  const PgQuery__ColumnDef *node = command->def->column_def;
  if (find_column(relation, node->colname) != NULL && command->missing_ok) {
    note(c, SCHEMA_SKIPPED, location, NULL,
         "column \"%s\" of relation \"%s\" already exists, skipping", node->colname,
         relation->name);
    return;
  }
  ddl_column(c, relation, node, pending);
}

/* ---- the statement */

/* What the form is called where it means nothing here; NULL where it means something. */
static const char *alter_skipped(PgQuery__AlterTableType type) {
  switch (type) {
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ChangeOwner: return "OWNER TO";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ClusterOn: return "CLUSTER ON";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropCluster: return "SET WITHOUT CLUSTER";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStorage: return "SET STORAGE";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetStatistics: return "SET STATISTICS";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetCompression: return "SET COMPRESSION";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetOptions:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions: return "SET of storage options";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetOptions:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions: return "RESET of storage options";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ReplicaIdentity: return "REPLICA IDENTITY";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetLogged: return "SET LOGGED";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetUnLogged: return "SET UNLOGGED";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetAccessMethod: return "SET ACCESS METHOD";
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetTableSpace: return "SET TABLESPACE";
  default: return NULL;
  }
}

static void alter_command(struct compiler *c, struct relation_def *relation,
                          const PgQuery__AlterTableCmd *command, struct ddl_pending *pending,
                          int location) {
  const char *skipped = alter_skipped(command->subtype);
  if (skipped != NULL) {
    note(c, SCHEMA_SKIPPED, location, NULL, "ALTER TABLE %s: %s means nothing here", relation->name,
         skipped);
    return;
  }
  switch (command->subtype) {
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AddColumn:
    alter_add_column(c, relation, command, pending, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AddConstraint:
    ddl_constraint(c, relation, command->def->constraint, NULL, pending);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ColumnDefault:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropNotNull:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_SetNotNull:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AlterColumnType:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AddIdentity:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropIdentity:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropExpression:
    alter_column(c, relation, command, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropColumn:
    alter_drop_column(c, relation, command, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropConstraint:
    alter_drop_constraint(c, relation, command, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ValidateConstraint:
    alter_validate_constraint(c, relation, command, location);
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_EnableRowSecurity:
    relation->row_security = relation->is_forced ? 2 : 1;
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DisableRowSecurity: relation->row_security = 0; break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_ForceRowSecurity:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_NoForceRowSecurity:
    relation->is_forced = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_ForceRowSecurity;
    if (relation->row_security != 0) relation->row_security = relation->is_forced ? 2 : 1;
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AttachPartition:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DetachPartition:
    ddl_refuse(c, location, "ATTACH and DETACH PARTITION", "SQLite has no partitioned tables",
               "make it one table without PARTITION BY");
    break;
  case PG_QUERY__ALTER_TABLE_TYPE__AT_AddInherit:
  case PG_QUERY__ALTER_TABLE_TYPE__AT_DropInherit:
    ddl_refuse(c, location, "INHERIT", "SQLite has none", "repeat the parent's columns");
    break;
  default:
    ddl_refuse(c, location, compiler_format(c, "this form of ALTER TABLE %s", relation->name),
               "it has no counterpart here", "write the table in its last form");
  }
}

/* ALTER VIEW, ALTER INDEX, ALTER SEQUENCE and the like: what is written so has no effect on rows. */
static void alter_other(struct compiler *c, const PgQuery__AlterTableStmt *statement,
                        int location) {
  if (outside_alter(c, statement)) return;
  struct relation_def *view = statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_VIEW
                                  ? relation_of_range(c, statement->relation, true)
                                  : NULL;
  for (size_t i = 0; i < statement->n_cmds; i++) {
    const PgQuery__AlterTableCmd *command = statement->cmds[i]->alter_table_cmd;
    bool is_of_options = command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_SetRelOptions ||
                         command->subtype == PG_QUERY__ALTER_TABLE_TYPE__AT_ResetRelOptions;
    if (view != NULL && is_of_options && view_set_options(c, view, command)) continue;
    const char *skipped = alter_skipped(command->subtype);
    if (skipped != NULL)
      note(c, SCHEMA_SKIPPED, location, NULL, "ALTER of \"%s\": %s means nothing here",
           statement->relation->relname, skipped);
    else
      ddl_refuse(c, location,
                 compiler_format(c, "this form of ALTER of \"%s\"", statement->relation->relname),
                 "it has no counterpart here", "write the object in its last form");
  }
}

void ddl_alter_table(struct compiler *c, const PgQuery__AlterTableStmt *statement) {
  int location = statement->relation->location;
  struct ddl_pending pending = {0};
  if (statement->objtype != PG_QUERY__OBJECT_TYPE__OBJECT_TABLE) {
    alter_other(c, statement, location);
    return;
  }
  /* pg_dump writes ALTER TABLE x_id_seq OWNER TO for sequences too. */
  const char *schema =
      statement->relation->schemaname[0] != '\0' ? statement->relation->schemaname : NULL;
  bool is_sequence = find_sequence(c, schema, statement->relation->relname) != NULL;
  struct relation_def *relation =
      relation_of_range(c, statement->relation, statement->missing_ok || is_sequence);
  if (relation == NULL) {
    if (is_sequence)
      note(c, SCHEMA_SKIPPED, location, NULL, "ALTER TABLE of sequence \"%s\" means nothing here",
           statement->relation->relname);
    else if (statement->missing_ok)
      note(c, SCHEMA_SKIPPED, location, NULL, "relation \"%s\" does not exist, skipping",
           statement->relation->relname);
    return;
  }
  for (size_t i = 0; i < statement->n_cmds; i++) {
    const PgQuery__AlterTableCmd *command = statement->cmds[i]->alter_table_cmd;
    if (relation->is_view && alter_skipped(command->subtype) == NULL) {
      note_error(c, location, "42809", NULL, "\"%s\" is not a table", relation->name);
      continue;
    }
    alter_command(c, relation, command, &pending, location);
  }
  ddl_pending_install(c, relation, &pending);
}

/* ---- for ddl_drop.c */

bool relation_drop(struct compiler *c, struct relation_def *relation, bool cascade) {
  struct model *model = c->model;
  if (alter_refuse_seeds(c, relation, 0, "DROP")) return false;
  if (cascade && !alter_drop_readers(c, relation, NULL, 0)) return false;
  const char *reader = relation_reader(c, relation, NULL, false);
  if (reader != NULL) {
    return note_error(c, 0, "2BP01", "drop that first",
                      "cannot drop \"%s\" because \"%s\" depends on it", relation->name, reader);
  }
  if (!alter_drop_references(c, relation, NULL, cascade, 0)) return false;
  for (int i = model->index_count - 1; i >= 0; i--) {
    if (model->indexes[i]->relation == relation) REMOVE(model->indexes, model->index_count, i);
  }
  for (int i = model->sequence_count - 1; i >= 0; i--) {
    if (model->sequences[i]->owner == relation) REMOVE(model->sequences, model->sequence_count, i);
  }
  for (int i = model->trigger_count - 1; i >= 0; i--) {
    if (model->triggers[i]->relation == relation) REMOVE(model->triggers, model->trigger_count, i);
  }
  for (int i = model->policy_count - 1; i >= 0; i--) {
    if (model->policies[i]->relation == relation) REMOVE(model->policies, model->policy_count, i);
  }
  for (int i = 0; i < model->relation_count; i++) {
    if (model->relations[i] == relation) {
      REMOVE(model->relations, model->relation_count, i);
      break;
    }
  }
  return true;
}
