/*
** ddl_grant: GRANT, REVOKE and ALTER DEFAULT PRIVILEGES. Those that the export can repeat are kept for it; what they say about tables
** and views is worked out here, in the order of the file, and enforced by the library (access/policy.c).
**
** A file that grants nothing on tables is read as for a project where that was done already. One that only revokes takes away
** from what such a project grants: everything to service_role, tables with row-level security to those who ask. One that grants begins with
** nothing, as PostgreSQL does, but service_role has everything unless the file speaks of it: who loads the file into a project finds
** it so.
*/
#include "ddl.h"

#define GRANT_ALL 15 /* "rawd" */

bool role_is_made(struct compiler *c, const char *role) {
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->role_count; i++) {
    if (strcmp(ddl->roles[i], role) == 0) return true;
  }
  return strcmp(role, "public") == 0;
}

bool role_is_standard(const char *role) {
  return strcmp(role, "anon") == 0 || strcmp(role, "authenticated") == 0 ||
         strcmp(role, "service_role") == 0;
}

/* By the file, or by the prelude of emit_postgres.c, which makes Supabase's roles and those that policies name. */
static bool grant_role_is_known(struct compiler *c, const PgQuery__RoleSpec *role) {
  if (role->roletype == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC) return true;
  if (role->rolename != NULL && role_is_standard(role->rolename))
    return ddl_of(c)->uses_roles = true;
  if (role->rolename == NULL || role_is_made(c, role->rolename)) return role->rolename != NULL;
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    for (int k = 0; k < policy->role_count; k++) {
      if (strcmp(policy->roles[k], role->rolename) == 0) return true;
    }
  }
  return false;
}

struct grant_roles {
  struct compiler *c;
  bool all_known;
};

static bool grant_find_role(void *context, ProtobufCMessage *message) {
  struct grant_roles *roles = context;
  if (message->descriptor == &pg_query__role_spec__descriptor) {
    roles->all_known =
        roles->all_known && grant_role_is_known(roles->c, (PgQuery__RoleSpec *)message);
  }
  return true;
}

/* ---- as met */

/* A privilege on some columns alone could not be kept: what it allows would have to be asked of each column. */
static bool grant_has_columns(const PgQuery__GrantStmt *statement) {
  for (size_t i = 0; i < statement->n_privileges; i++) {
    if (statement->privileges[i]->access_priv->n_cols > 0) return true;
  }
  return false;
}

void ddl_grant(struct compiler *c, const PgQuery__Node *node, bool in_prelude) {
  struct ddl *ddl = ddl_of(c);
  const PgQuery__GrantStmt *statement =
      node->node_case == PG_QUERY__NODE__NODE_GRANT_STMT ? node->grant_stmt : NULL;
  if (statement != NULL && grant_has_columns(statement)) {
    ddl_leave_out(c, 0,
                  "grant it on a view of these columns, or compile with --lenient, which leaves it "
                  "out",
                  "%s of columns is not supported: privileges are of whole tables and views",
                  statement->is_grant ? "GRANT" : "REVOKE");
    return;
  }
  struct ddl_grant *grant = APPEND(c, ddl->grants, ddl->grant_count);
  grant->node = node;
  grant->place = place_here(c, 0);
  grant->in_prelude = in_prelude;
  for (size_t i = 0; statement != NULL && i < statement->n_objects; i++) {
    const PgQuery__Node *object = statement->objects[i];
    if (object->node_case != PG_QUERY__NODE__NODE_RANGE_VAR) continue;
    const char *schema =
        object->range_var->schemaname[0] != '\0' ? object->range_var->schemaname : NULL;
    struct relation_def *relation = find_relation(c, schema, object->range_var->relname);
    if (relation != NULL) *APPEND(c, grant->relations, grant->relation_count) = relation;
  }
}

/* ---- for the export */

/* A table, schema or function of a GRANT that is not there; NULL when all are. */
static const char *grant_missing(struct compiler *c, const PgQuery__GrantStmt *statement) {
  for (size_t i = 0; i < statement->n_objects; i++) {
    const PgQuery__Node *object = statement->objects[i];
    const char *schema = NULL, *name = NULL;
    if (object->node_case == PG_QUERY__NODE__NODE_RANGE_VAR) {
      schema = object->range_var->schemaname[0] != '\0' ? object->range_var->schemaname : NULL;
      name = object->range_var->relname;
      if (find_relation(c, schema, name) != NULL || find_sequence(c, schema, name) != NULL)
        continue;
      return schema != NULL ? compiler_format(c, "%s.%s", schema, name) : name;
    }
    if (object->node_case == PG_QUERY__NODE__NODE_OBJECT_WITH_ARGS) {
      const PgQuery__ObjectWithArgs *function = object->object_with_args;
      name = node_string(function->objname[function->n_objname - 1]);
      schema = function->n_objname > 1 ? node_string(function->objname[0]) : NULL;
      if (find_function(c, schema, name, -1) == NULL) return name;
    }
    if (node_string(object) != NULL && !schema_exists(c, node_string(object)) &&
        (statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA ||
         statement->targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA))
      return node_string(object);
  }
  return NULL;
}

static bool grant_is_about_tables(const PgQuery__Node *node) {
  const PgQuery__GrantStmt *statement = node->node_case == PG_QUERY__NODE__NODE_GRANT_STMT
                                            ? node->grant_stmt
                                            : node->alter_default_privileges_stmt->action;
  return statement->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_TABLE;
}

static void grant_keep(struct compiler *c, struct ddl_grant *grant) {
  const PgQuery__Node *node = grant->node;
  struct grant_roles roles = {c, true};
  bool is_default = node->node_case == PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT;
  grant->kind = is_default                   ? "ALTER DEFAULT PRIVILEGES"
                : node->grant_stmt->is_grant ? "GRANT"
                                             : "REVOKE";
  grant->is_early = is_default || node->grant_stmt->objtype == PG_QUERY__OBJECT_TYPE__OBJECT_SCHEMA;
  tree_walk_messages(&node->base, grant_find_role, &roles);
  const char *missing = is_default ? NULL : grant_missing(c, node->grant_stmt);
  if (missing != NULL) {
    note(c, SCHEMA_SKIPPED, 0, NULL, "%s is passed over: this file does not make \"%s\"",
         grant->kind, missing);
  } else if (!roles.all_known) {
    note(c, SCHEMA_SKIPPED, 0, NULL,
         "%s is passed over: it names a role that this file does not make", grant->kind);
  } else {
    grant->definition = deparse_statement(c, node);
    if (!grant_is_about_tables(node))
      note(c, SCHEMA_RECORDED, 0, NULL,
           "%s: privileges on what is no table or view are kept for the export, and not enforced "
           "here",
           grant->kind);
  }
}

/* ---- what they come to */

static int grant_letters(const PgQuery__GrantStmt *statement) {
  static const char *const words[] = {"select", "insert", "update", "delete"};
  int letters = 0;
  if (statement->n_privileges == 0) return GRANT_ALL;
  for (size_t i = 0; i < statement->n_privileges; i++) {
    for (int k = 0; k < 4; k++) {
      if (strcmp(statement->privileges[i]->access_priv->priv_name, words[k]) == 0)
        letters |= 1 << k;
    }
  }
  return letters;
}

static void grant_change(struct compiler *c, struct relation_def *relation, const char *role,
                         int letters, bool is_grant) {
  struct privilege_def *privilege = NULL;
  for (int i = 0; i < relation->privilege_count && privilege == NULL; i++) {
    if (strcmp(relation->privileges[i].role, role) == 0) privilege = &relation->privileges[i];
  }
  if (privilege == NULL) {
    if (!is_grant) return;
    privilege = APPEND(c, relation->privileges, relation->privilege_count);
    privilege->role = role;
  }
  privilege->letters = is_grant ? privilege->letters | letters : privilege->letters & ~letters;
}

static void grant_apply(struct compiler *c, struct relation_def *relation,
                        const PgQuery__GrantStmt *statement) {
  /* REVOKE GRANT OPTION FOR leaves the privilege. */
  if (!statement->is_grant && statement->grant_option) return;
  for (size_t i = 0; i < statement->n_grantees; i++) {
    const PgQuery__RoleSpec *role = statement->grantees[i]->role_spec;
    const char *name = role->roletype == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC ? "public"
                       : role->roletype == PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CSTRING
                           ? role->rolename
                           : NULL; /* CURRENT_USER: the owner */
    if (name != NULL)
      grant_change(c, relation, name, grant_letters(statement), statement->is_grant);
  }
}

static bool grant_names_schema(size_t count, PgQuery__Node *const *names, const char *schema) {
  for (size_t i = 0; i < count; i++) {
    if (node_string(names[i]) != NULL && strcmp(node_string(names[i]), schema) == 0) return true;
  }
  return false;
}

/* Is the statement about the relation, which was there when it was run? */
static bool grant_is_of(const struct ddl_grant *grant, int number,
                        const struct relation_def *relation) {
  const PgQuery__GrantStmt *statement = grant->node->grant_stmt;
  for (int i = 0; i < grant->relation_count; i++) {
    if (grant->relations[i] == relation) return true;
  }
  return statement->targtype == PG_QUERY__GRANT_TARGET_TYPE__ACL_TARGET_ALL_IN_SCHEMA &&
         relation->made_at <= number &&
         grant_names_schema(statement->n_objects, statement->objects, relation->schema);
}

/* Default privileges of one schema, or (NULL) of all, for what was made after them. PostgreSQL keeps the two lists apart and
** adds them up. What is FOR another ROLE is about what that one makes: nothing in this file. */
static void grant_defaults(struct compiler *c, struct relation_def *relation, const char *schema) {
  struct relation_def list = {0};
  for (int i = 0; i < relation->made_at && i < ddl_of(c)->grant_count; i++) {
    const struct ddl_grant *grant = &ddl_of(c)->grants[i];
    if (grant->node->node_case != PG_QUERY__NODE__NODE_ALTER_DEFAULT_PRIVILEGES_STMT) continue;
    const PgQuery__AlterDefaultPrivilegesStmt *statement =
        grant->node->alter_default_privileges_stmt;
    bool has_schemas = false, is_of_schema = false, is_of_role = false;
    for (size_t k = 0; k < statement->n_options; k++) {
      const PgQuery__DefElem *option = statement->options[k]->def_elem;
      is_of_role = is_of_role || strcmp(option->defname, "roles") == 0;
      if (strcmp(option->defname, "schemas") != 0) continue;
      has_schemas = true;
      is_of_schema = schema != NULL && grant_names_schema(option->arg->list->n_items,
                                                          option->arg->list->items, schema);
    }
    bool is_kept = grant->in_prelude || grant->definition != NULL;
    if (is_kept && !is_of_role && (schema == NULL ? !has_schemas : is_of_schema) &&
        grant_is_about_tables(grant->node))
      grant_apply(c, &list, statement->action);
  }
  for (int i = 0; i < list.privilege_count; i++)
    grant_change(c, relation, list.privileges[i].role, list.privileges[i].letters, true);
}

/* What the file says about tables and views as a whole. */
struct grant_summary {
  bool has_grants, has_revokes, has_service_role;
};

static void grant_summarize(const struct ddl_grant *grant, struct grant_summary *summary) {
  const PgQuery__GrantStmt *statement = grant->node->node_case == PG_QUERY__NODE__NODE_GRANT_STMT
                                            ? grant->node->grant_stmt
                                            : grant->node->alter_default_privileges_stmt->action;
  if ((!grant->in_prelude && grant->definition == NULL) || !grant_is_about_tables(grant->node))
    return;
  summary->has_grants = summary->has_grants || statement->is_grant;
  summary->has_revokes = summary->has_revokes || !statement->is_grant;
  for (size_t i = 0; i < statement->n_grantees; i++) {
    const char *name = statement->grantees[i]->role_spec->rolename;
    if (name != NULL && strcmp(name, "service_role") == 0) summary->has_service_role = true;
  }
}

static void grant_begin(struct compiler *c, struct relation_def *relation,
                        const struct grant_summary *summary) {
  if (!summary->has_grants || !summary->has_service_role)
    grant_change(c, relation, "service_role", GRANT_ALL, true);
  if (summary->has_grants || (relation->row_security == 0 && relation->invoker_sql == NULL)) return;
  grant_change(c, relation, "anon", GRANT_ALL, true);
  grant_change(c, relation, "authenticated", GRANT_ALL, true);
}

void finish_grants(struct compiler *c) {
  struct ddl *ddl = ddl_of(c);
  struct grant_summary summary = {false, false, false};
  for (int i = 0; i < ddl->grant_count; i++) {
    struct place before = place_enter(c, ddl->grants[i].place);
    if (!ddl->grants[i].in_prelude) grant_keep(c, &ddl->grants[i]);
    grant_summarize(&ddl->grants[i], &summary);
    place_enter(c, before);
  }
  if (!summary.has_grants && !summary.has_revokes) return;
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *relation = c->model->relations[i];
    grant_begin(c, relation, &summary);
    grant_defaults(c, relation, NULL);
    grant_defaults(c, relation, relation->schema);
    for (int k = 0; k < ddl->grant_count; k++) {
      const struct ddl_grant *grant = &ddl->grants[k];
      if (grant->node->node_case == PG_QUERY__NODE__NODE_GRANT_STMT &&
          (grant->in_prelude || grant->definition != NULL) && grant_is_about_tables(grant->node) &&
          grant_is_of(grant, k, relation))
        grant_apply(c, relation, grant->node->grant_stmt);
    }
    /* A row for each relation: without any the file would have no privileges. */
    if (relation->privilege_count == 0) grant_change(c, relation, "public", 0, true);
  }
}

#undef GRANT_ALL
