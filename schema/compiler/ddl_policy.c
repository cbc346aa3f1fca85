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
  bool uses_auth, has_sublink;
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
  struct policy_functions functions = {NULL, false, false};
  if (node != NULL) tree_walk(&node->base, policy_find_auth, &functions);
  return functions.uses_auth;
}

static bool policy_find_sublink(void *context, PgQuery__Node *node) {
  struct policy_functions *functions = context;
  functions->has_sublink =
      functions->has_sublink || node->node_case == PG_QUERY__NODE__NODE_SUB_LINK;
  return !functions->has_sublink;
}

/* What a policy reads is marked: access/policy_rule.c of the library puts there what the caller may see of it. */
static const char *policy_expression(struct compiler *c, struct policy_def *policy,
                                     const PgQuery__Node *node, struct marked_reads *reads) {
  struct scope scope = scope_of_relation(c, policy->relation);
  struct policy_functions functions = {NULL, false, false};
  struct expression value;
  if (node == NULL) return NULL;
  c->marks = MARK_CALLER;
  c->marked = (struct marked_reads){0};
  bool translated = expression_boolean(c, node, &scope, "POLICY", &value);
  c->marks = MARK_NONE;
  if (!translated) return NULL;
  *reads = c->marked;
  tree_walk(&node->base, policy_find_sublink, &functions);
  policy->has_sublink = policy->has_sublink || functions.has_sublink;
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

/* ---- recursion
**
** PostgreSQL puts the policies of a table into a query, then those of the tables that stand in the sub-selects of these, and so on.
** It refuses to do so for a table twice on one way down, if there is a sub-select in its policies. It finds out at the first query;
** what it would find out for some role and command is refused here. A way that leads through a function ends with PostgreSQL's
** stack: here that is said, and the library refuses to ask. */

struct policy_way { /* from the relation that is asked for down to the one that is looked at */
  struct compiler *c;
  const char *role;
  bool calls; /* follows what functions read, too */
  const struct relation_def *relation;
  const struct policy_way *above;
};

static bool policy_is_of(const struct policy_def *policy, const struct relation_def *relation,
                         const char *command, const char *role) {
  if (policy->relation != relation) return false;
  if (strcmp(policy->command, "all") != 0 && strcmp(policy->command, command) != 0) return false;
  for (int i = 0; i < policy->role_count; i++) {
    if (strcmp(policy->roles[i], "public") == 0 || strcmp(policy->roles[i], role) == 0) return true;
  }
  return false;
}

static const struct relation_def *policy_repeats(struct policy_way way, const char *command);

/* The relation that is met a second time below what is read on the way; NULL: none. */
static const struct relation_def *policy_repeats_in(const struct marked_reads *reads,
                                                    const struct policy_way *way) {
  const struct relation_def *found = NULL;
  struct policy_way below = *way;
  below.above = way;
  for (int i = 0; i < reads->direct_count && found == NULL; i++) {
    below.relation = reads->direct[i];
    found = policy_repeats(below, "select");
  }
  for (int i = 0; i < reads->called_count && found == NULL && way->calls; i++) {
    below.relation = reads->called[i];
    found = policy_repeats(below, "select");
  }
  return found;
}

static bool policy_goes_on(const struct policy_def *policy, bool calls) {
  return policy->has_sublink ||
         (calls && policy->using_reads.called_count + policy->check_reads.called_count > 0);
}

static const struct relation_def *policy_repeats(struct policy_way way, const char *command) {
  const struct relation_def *relation = way.relation, *found = NULL;
  const struct model *model = way.c->model;
  bool checks = strcmp(command, "insert") == 0 || strcmp(command, "update") == 0,
       uses = strcmp(command, "insert") != 0, goes_on = false;
  if (relation->is_view) return policy_repeats_in(&relation->reads, &way);
  if (relation->row_security == 0) return NULL;
  for (int i = 0; i < model->policy_count; i++) {
    const struct policy_def *policy = model->policies[i];
    if (policy_is_of(policy, relation, command, way.role) && (checks || policy->using_sql != NULL))
      goes_on = goes_on || policy_goes_on(policy, way.calls);
  }
  if (!goes_on) return NULL;
  for (const struct policy_way *met = way.above; met != NULL; met = met->above) {
    if (met->relation == relation) return relation;
  }
  for (int i = 0; i < model->policy_count && found == NULL; i++) {
    const struct policy_def *policy = model->policies[i];
    bool checks_itself = checks && policy->check_sql != NULL;
    if (!policy_is_of(policy, relation, command, way.role)) continue;
    if (uses || !checks_itself) found = policy_repeats_in(&policy->using_reads, &way);
    if (checks_itself && found == NULL) found = policy_repeats_in(&policy->check_reads, &way);
  }
  return found;
}

/* The names that policies give, and "" for every other role; service_role asks no policy. */
static int policy_all_roles(struct compiler *c, const char ***roles) {
  int count = 0;
  *roles = NULL;
  *APPEND(c, *roles, count) = "";
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    for (int r = 0; r < policy->role_count; r++) {
      bool is_known =
          strcmp(policy->roles[r], "public") == 0 || strcmp(policy->roles[r], "service_role") == 0;
      for (int k = 0; k < count; k++)
        is_known = is_known || strcmp((*roles)[k], policy->roles[r]) == 0;
      if (!is_known) *APPEND(c, *roles, count) = policy->roles[r];
    }
  }
  return count;
}

static const struct relation_def *policy_finds(struct compiler *c, const struct policy_def *policy,
                                               bool calls) {
  static const char *const commands[] = {"select", "insert", "update", "delete"};
  const struct relation_def *found = NULL;
  const char **roles;
  int count = policy_all_roles(c, &roles);
  for (int r = 0; r < count && found == NULL; r++) {
    for (size_t k = 0; k < sizeof commands / sizeof *commands && found == NULL; k++) {
      struct policy_way way = {c, roles[r], calls, policy->relation, NULL};
      if (policy_is_of(policy, policy->relation, commands[k], roles[r]))
        found = policy_repeats(way, commands[k]);
    }
  }
  return found;
}

static void policy_refuse_recursion(struct compiler *c, const struct policy_def *policy) {
  int location = policy->place.location;
  const struct relation_def *found = policy_finds(c, policy, false);
  if (found != NULL)
    note_error(c, location, "42P17", "read the other table in a function that is SECURITY DEFINER",
               "infinite recursion detected in policy for relation \"%s\"", found->name);
  else if (policy_finds(c, policy, true) != NULL)
    note(c, SCHEMA_HINT, location, "make the function SECURITY DEFINER",
         "policy \"%s\" calls a function that reads what the policy guards: who is subject to it "
         "cannot ask for \"%s\", here as on PostgreSQL",
         policy->name, policy->relation->name);
}

void finish_policies(struct compiler *c) {
  for (int i = 0; i < c->model->policy_count; i++) {
    struct policy_def *policy = c->model->policies[i];
    const PgQuery__CreatePolicyStmt *statement = policy->statement;
    struct place before = place_enter(c, policy->place);
    policy->using_sql = policy_expression(c, policy, statement->qual, &policy->using_reads);
    policy->check_sql = policy_expression(c, policy, statement->with_check, &policy->check_reads);
    policy->definition = policy_definition(c, policy);
    place_enter(c, before);
  }
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    struct place before = place_enter(c, policy->place);
    if (policy_goes_on(policy, true)) policy_refuse_recursion(c, policy);
    place_enter(c, before);
  }
}
