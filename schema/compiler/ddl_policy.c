/*
** ddl_policy: CREATE POLICY and ALTER POLICY.
*/
#include "ddl.h"

static const char *policy_role(const PgQuery__RoleSpec *role) {
  switch (role->roletype) {
  case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_PUBLIC: return "public";
  case PG_QUERY__ROLE_SPEC_TYPE__ROLESPEC_CSTRING: return role->rolename;
  default: return NULL; /* CURRENT_USER and the like */
  }
}

static bool policy_roles(struct compiler *c, struct policy_def *policy, size_t count,
                         PgQuery__Node *const *nodes) {
  policy->role_count = 0;
  policy->roles = NULL;
  for (size_t i = 0; i < count; i++) {
    const PgQuery__RoleSpec *role = nodes[i]->role_spec;
    const char *name = policy_role(role);
    if (name == NULL)
      return note_error(c, role->location, "0A000", "name the role",
                        "a policy for CURRENT_USER depends on who installs it");
    *APPEND(c, policy->roles, policy->role_count) = name;
  }
  return true;
}

static struct policy_def *policy_find(struct compiler *c, const struct relation_def *relation,
                                      const char *name) {
  for (int i = 0; i < c->model->policy_count; i++) {
    struct policy_def *policy = c->model->policies[i];
    if (policy->relation == relation && strcmp(policy->name, name) == 0) return policy;
  }
  return NULL;
}

/* Names of policies stand in messages and comments: spaces are usual, control characters are not. */
static bool policy_name_check(struct compiler *c, const char *name) {
  for (const char *p = name; *p != '\0'; p++) {
    if ((unsigned char)*p < 0x20 || *p == 0x7F)
      return note_error(c, 0, "42602", "rename it", "the policy name has control characters");
  }
  return true;
}

void ddl_create_policy(struct compiler *c, const PgQuery__CreatePolicyStmt *statement) {
  struct relation_def *relation = relation_of_range(c, statement->table, false);
  if (relation == NULL || !policy_name_check(c, statement->policy_name)) return;
  if (relation->is_view) {
    note_error(c, statement->table->location, "42809", NULL, "\"%s\" is not a table",
               relation->name);
    return;
  }
  if (policy_find(c, relation, statement->policy_name) != NULL) {
    note_error(c, 0, "42710", NULL, "policy \"%s\" for table \"%s\" already exists",
               statement->policy_name, relation->name);
    return;
  }
  bool is_insert = strcmp(statement->cmd_name, "insert") == 0;
  if (statement->qual != NULL && is_insert) {
    note_error(c, 0, "42601", NULL, "only WITH CHECK expression allowed for INSERT");
    return;
  }
  if (statement->with_check != NULL &&
      (strcmp(statement->cmd_name, "select") == 0 || strcmp(statement->cmd_name, "delete") == 0)) {
    note_error(c, 0, "42601", NULL, "WITH CHECK cannot be applied to SELECT or DELETE");
    return;
  }
  struct policy_def *policy = compiler_alloc(c, sizeof *policy);
  policy->name = statement->policy_name;
  policy->relation = relation;
  policy->permissive = statement->permissive;
  policy->command = statement->cmd_name;
  policy->statement = statement;
  policy->place = place_here(c, statement->table->location);
  if (!policy_roles(c, policy, statement->n_roles, statement->roles)) return;
  *APPEND(c, c->model->policies, c->model->policy_count) = policy;
}

void ddl_alter_policy(struct compiler *c, const PgQuery__AlterPolicyStmt *statement) {
  struct relation_def *relation = relation_of_range(c, statement->table, false);
  if (relation == NULL) return;
  struct policy_def *policy = policy_find(c, relation, statement->policy_name);
  if (policy == NULL) {
    note_error(c, 0, "42704", NULL, "policy \"%s\" for table \"%s\" does not exist",
               statement->policy_name, relation->name);
    return;
  }
  PgQuery__CreatePolicyStmt *changed = compiler_alloc(c, sizeof *changed);
  *changed = *policy->statement;
  if (statement->n_roles > 0) {
    if (!policy_roles(c, policy, statement->n_roles, statement->roles)) return;
    changed->n_roles = statement->n_roles;
    changed->roles = statement->roles;
  }
  if (statement->qual != NULL) changed->qual = statement->qual;
  if (statement->with_check != NULL) changed->with_check = statement->with_check;
  policy->statement = changed;
  policy->place = place_here(c, statement->table->location);
}

/* ---- when all is known */

struct policy_functions {
  struct compiler *c;
  bool uses_auth;
};

static bool policy_find_auth(void *context, PgQuery__Node *node) {
  struct policy_functions *functions = context;
  if (node->node_case == PG_QUERY__NODE__NODE_FUNC_CALL && node->func_call->n_funcname == 2) {
    const char *schema = node_string(node->func_call->funcname[0]);
    functions->uses_auth = functions->uses_auth || (schema != NULL && strcmp(schema, "auth") == 0);
  }
  return true;
}

bool tree_uses_auth(const PgQuery__Node *node) {
  struct policy_functions functions = {NULL, false};
  if (node != NULL) tree_walk(&node->base, policy_find_auth, &functions);
  return functions.uses_auth;
}

static const char *policy_expression(struct compiler *c, const struct policy_def *policy,
                                     const PgQuery__Node *node) {
  struct scope scope = scope_of_relation(c, policy->relation);
  struct expression value;
  if (node == NULL || !expression_boolean(c, node, &scope, "POLICY", &value)) return NULL;
  if (tree_uses_auth(node)) ddl_of(c)->uses_auth = true;
  return value.sql;
}

/* The statement with its tables qualified; the expressions are already. */
static const char *policy_definition(struct compiler *c, const struct policy_def *policy) {
  const PgQuery__CreatePolicyStmt *statement = policy->statement;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "CREATE POLICY \"%w\" ON %s AS %s FOR %s TO ", policy->name,
                      qualified(c, policy->relation->schema, policy->relation->name),
                      policy->permissive ? "PERMISSIVE" : "RESTRICTIVE", policy->command);
  for (int i = 0; i < policy->role_count; i++) {
    bool is_public = strcmp(policy->roles[i], "public") == 0;
    sqlite3_str_appendf(out, "%s%s", i > 0 ? ", " : "",
                        is_public ? "PUBLIC" : quoted(c, policy->roles[i]));
  }
  const char *using_text = statement->qual != NULL ? deparse_expression(c, statement->qual) : NULL;
  const char *check_text =
      statement->with_check != NULL ? deparse_expression(c, statement->with_check) : NULL;
  if (using_text != NULL) sqlite3_str_appendf(out, " USING (%s)", using_text);
  if (check_text != NULL) sqlite3_str_appendf(out, " WITH CHECK (%s)", check_text);
  return compiler_take(c, out);
}

void finish_policies(struct compiler *c) {
  for (int i = 0; i < c->model->policy_count; i++) {
    struct policy_def *policy = c->model->policies[i];
    struct place before = place_enter(c, policy->place);
    policy->using_sql = policy_expression(c, policy, policy->statement->qual);
    policy->check_sql = policy_expression(c, policy, policy->statement->with_check);
    policy->definition = policy_definition(c, policy);
    place_enter(c, before);
  }
}
