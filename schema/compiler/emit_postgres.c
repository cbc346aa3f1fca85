/*
** emit_postgres: the schema as a normalised PostgreSQL script. Before the rows: roles and the schema auth, schemas,
** extensions, types, functions, sequences, bare tables; after them: keys, indexes, foreign keys, views, triggers, policies,
** comments, privileges. Every name is quoted and carries its schema, so that no search_path matters.
*/
#include "ddl.h"

static void postgres_add(struct compiler *c, bool post, const char *kind, const char *object,
                         const char *definition) {
  struct statement_def *statement = APPEND(c, c->model->statements, c->model->statement_count);
  *statement = (struct statement_def){post, kind, object, definition != NULL ? definition : ""};
}

const char *postgres_type(struct compiler *c, const struct sqltype *type) {
  struct sqltype element = *type;
  const char *array = type->is_array ? "[]" : "";
  element.is_array = false;
  element.domain = NULL;
  if (type->domain != NULL)
    return compiler_format(c, "%s%s", qualified(c, type->domain->schema, type->domain->name),
                           array);
  if (type->id == SQL_ENUM)
    return compiler_format(c, "%s%s", qualified(c, type->labels->schema, type->labels->name),
                           array);
  return compiler_format(c, "%s%s", sqltype_format(c, &element), array);
}

/* ---- roles and the schema auth */

static void postgres_role(sqlite3_str *out, const char *role) {
  sqlite3_str_appendf(out,
                      "  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = %Q) "
                      "THEN\n    CREATE ROLE \"%w\" NOLOGIN%s;\n  END IF;\n",
                      role, role, strcmp(role, "service_role") == 0 ? " BYPASSRLS" : "");
}

/* What a Supabase project has and a plain PostgreSQL has not: made only where it is missing. */
static void postgres_prelude(struct compiler *c) {
  struct ddl *ddl = ddl_of(c);
  const char **missing = NULL;
  int missing_count = 0;
  bool needs_auth = ddl->uses_auth && !ddl->has_auth;
  for (int i = 0; i < c->model->function_count; i++)
    needs_auth = needs_auth && strcmp(c->model->functions[i]->schema, "auth") != 0;
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    for (int k = 0; k < policy->role_count; k++) {
      bool is_listed = role_is_made(c, policy->roles[k]);
      for (int m = 0; m < missing_count; m++)
        is_listed = is_listed || strcmp(missing[m], policy->roles[k]) == 0;
      if (!is_listed && role_is_standard(policy->roles[k]))
        ddl->uses_roles = true;
      else if (!is_listed)
        *APPEND(c, missing, missing_count) = policy->roles[k];
    }
  }
  static const char *const standard[] = {"anon", "authenticated", "service_role"};
  for (size_t i = 0; ddl->uses_roles && i < sizeof standard / sizeof *standard; i++) {
    if (!role_is_made(c, standard[i])) *APPEND(c, missing, missing_count) = standard[i];
  }
  if (!needs_auth && missing_count == 0) return;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, "DO $prelude$\nBEGIN\n");
  for (int i = 0; i < missing_count; i++) postgres_role(out, missing[i]);
  if (needs_auth) {
    sqlite3_str_appendall(out,
                          "  IF pg_catalog.to_regnamespace('auth') IS NULL THEN\n    CREATE SCHEMA "
                          "auth;\n    GRANT USAGE ON SCHEMA auth TO PUBLIC;\n  END IF;\n"
                          "  IF pg_catalog.to_regprocedure('auth.jwt()') IS NULL THEN\n    CREATE "
                          "FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE\n"
                          "      AS $f$ SELECT NULLIF(current_setting('request.jwt.claims', true), "
                          "'')::jsonb $f$;\n  END IF;\n"
                          "  IF pg_catalog.to_regprocedure('auth.uid()') IS NULL THEN\n    CREATE "
                          "FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE\n"
                          "      AS $f$ SELECT (NULLIF(current_setting('request.jwt.claims', "
                          "true), '')::jsonb ->> 'sub')::uuid $f$;\n  END IF;\n"
                          "  IF pg_catalog.to_regprocedure('auth.role()') IS NULL THEN\n    CREATE "
                          "FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE\n"
                          "      AS $f$ SELECT NULLIF(current_setting('request.jwt.claims', true), "
                          "'')::jsonb ->> 'role' $f$;\n  END IF;\n"
                          "  IF pg_catalog.to_regprocedure('auth.email()') IS NULL THEN\n    "
                          "CREATE FUNCTION auth.email() RETURNS text LANGUAGE sql STABLE\n"
                          "      AS $f$ SELECT NULLIF(current_setting('request.jwt.claims', true), "
                          "'')::jsonb ->> 'email' $f$;\n  END IF;\n");
  }
  sqlite3_str_appendall(out, "END\n$prelude$");
  postgres_add(c, false, "DO", "", compiler_take(c, out));
}

static void postgres_environment(struct compiler *c) {
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->prelude_count; i++) postgres_add(c, false, "DO", "", ddl->preludes[i]);
  postgres_prelude(c);
  for (int i = 0; i < ddl->schema_count; i++) {
    const char *name = quoted(c, ddl->schemas[i]);
    postgres_add(c, false, "CREATE SCHEMA", name,
                 compiler_format(c, "CREATE SCHEMA IF NOT EXISTS %s", name));
  }
  for (int i = 0; i < ddl->extension_count; i++)
    postgres_add(c, false, "CREATE EXTENSION", "", ddl->extensions[i]);
  for (int i = 0; i < ddl->grant_count; i++) {
    const struct ddl_grant *grant = &ddl->grants[i];
    if (grant->definition != NULL && grant->is_early)
      postgres_add(c, false, grant->kind, "", grant->definition);
  }
}

/* ---- types and sequences */

static void postgres_enum(struct compiler *c, const struct enum_def *type) {
  const char *name = qualified(c, type->schema, type->name);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "CREATE TYPE %s AS ENUM (", name);
  for (int i = 0; i < type->count; i++)
    sqlite3_str_appendf(out, "%s%Q", i > 0 ? ", " : "", type->labels[i]);
  sqlite3_str_appendall(out, ")");
  postgres_add(c, false, "CREATE TYPE", name, compiler_take(c, out));
}

static void postgres_domain(struct compiler *c, const struct domain_def *domain) {
  const char *name = qualified(c, domain->schema, domain->name);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "CREATE DOMAIN %s AS %s", name, postgres_type(c, &domain->base));
  if (domain->default_node != NULL)
    sqlite3_str_appendf(out, " DEFAULT %s", deparse_expression(c, domain->default_node));
  if (domain->not_null) sqlite3_str_appendall(out, " NOT NULL");
  for (int i = 0; i < domain->check_count; i++) {
    sqlite3_str_appendf(out, " CONSTRAINT \"%w\" %s", domain->checks[i].name,
                        domain->checks[i].definition);
  }
  postgres_add(c, false, "CREATE DOMAIN", name, compiler_take(c, out));
}

static const char *postgres_sequence_options(struct compiler *c,
                                             const struct sequence_def *sequence) {
  return compiler_format(c, "START WITH %lld INCREMENT BY %lld MINVALUE %lld MAXVALUE %lld %sCYCLE",
                         (long long)sequence->start, (long long)sequence->increment,
                         (long long)sequence->minimum, (long long)sequence->maximum,
                         sequence->cycle ? "" : "NO ");
}

static void postgres_sequence(struct compiler *c, const struct sequence_def *sequence) {
  const char *name = qualified(c, sequence->schema, sequence->name);
  const char *type = sequence->type == SQL_INT2   ? "smallint"
                     : sequence->type == SQL_INT4 ? "integer"
                                                  : "bigint";
  if (sequence->is_identity) return;
  postgres_add(c, false, "CREATE SEQUENCE", name,
               compiler_format(c, "CREATE SEQUENCE %s AS %s %s", name, type,
                               postgres_sequence_options(c, sequence)));
}

/* ---- tables */

static void postgres_column(struct compiler *c, sqlite3_str *out, const struct column_def *column) {
  sqlite3_str_appendf(out, "  \"%w\" %s", column->name, postgres_type(c, &column->type));
  if (column->collation != NULL)
    sqlite3_str_appendf(out, " COLLATE pg_catalog.\"%w\"", column->collation);
  if (column->generated_definition != NULL)
    sqlite3_str_appendf(out, " GENERATED ALWAYS AS (%s) STORED", column->generated_definition);
  if (column->default_definition != NULL && column->identity == 0)
    sqlite3_str_appendf(out, " DEFAULT %s", column->default_definition);
  if (column->not_null) sqlite3_str_appendall(out, " NOT NULL");
  if (column->identity != 0) {
    sqlite3_str_appendf(out, " GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)",
                        column->identity == 'a' ? "ALWAYS" : "BY DEFAULT",
                        qualified(c, column->sequence->schema, column->sequence->name),
                        postgres_sequence_options(c, column->sequence));
  }
}

enum postgres_check { CHECK_IN_TABLE, CHECK_BEHIND_ROWS, CHECK_BEHIND_FUNCTIONS };

static enum postgres_check postgres_check_of(struct compiler *c,
                                             const struct constraint_def *check) {
  if (tree_calls_reader(c, check->check_node)) return CHECK_BEHIND_FUNCTIONS;
  return check->not_valid ? CHECK_BEHIND_ROWS : CHECK_IN_TABLE;
}

static void postgres_table(struct compiler *c, const struct relation_def *relation) {
  const char *name = qualified(c, relation->schema, relation->name);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "CREATE TABLE %s (\n", name);
  for (int i = 0; i < relation->column_count; i++) {
    if (i > 0) sqlite3_str_appendall(out, ",\n");
    postgres_column(c, out, &relation->columns[i]);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *check = &relation->constraints[i];
    if (check->kind != CONSTRAINT_CHECK || check->domain != NULL ||
        postgres_check_of(c, check) != CHECK_IN_TABLE)
      continue;
    sqlite3_str_appendf(out, ",\n  CONSTRAINT \"%w\" %s", check->name, check->definition);
  }
  sqlite3_str_appendall(out, "\n)");
  postgres_add(c, false, "CREATE TABLE", name, compiler_take(c, out));
}

static void postgres_constraints(struct compiler *c, enum constraint_kind kind,
                                 enum postgres_check place, const char *what) {
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    const char *name = qualified(c, relation->schema, relation->name);
    for (int k = 0; k < relation->constraint_count; k++) {
      const struct constraint_def *constraint = &relation->constraints[k];
      if (constraint->kind != kind || constraint->domain != NULL ||
          (kind == CONSTRAINT_CHECK && postgres_check_of(c, constraint) != place))
        continue;
      postgres_add(c, true, what, name,
                   compiler_format(c, "ALTER TABLE ONLY %s ADD CONSTRAINT %s %s", name,
                                   quoted(c, constraint->name), constraint->definition));
    }
  }
}

/* ---- functions and views, in the order of the file */

static bool postgres_function_is_early(struct compiler *c, const struct function_def *function) {
  bool is_called = function->body_expression != NULL || function->body_select != NULL ||
                   strcmp(function->schema, "auth") == 0;
  /* What checks and defaults cannot call may wait, and may then speak of tables and views. */
  if (function->is_trigger || !is_called) return false;
  if (strcmp(function->language, "sql") != 0) return true; /* its body is read when it runs */
  if (function->body_expression != NULL)
    return !tree_uses_relations(&function->body_expression->base);
  if (function->body == NULL) return false;
  bool was_quiet = c->quiet;
  c->quiet = true;
  PgQuery__ParseResult *tree = parse_text_at(c, function->body, 0);
  c->quiet = was_quiet;
  c->trial.sqlstate[0] = '\0';
  return tree != NULL && !tree_uses_relations(&tree->base);
}

static void postgres_function(struct compiler *c, const struct function_def *function, bool post) {
  postgres_add(c, post, "CREATE FUNCTION", qualified(c, function->schema, function->name),
               function->definition);
}

static void postgres_view(struct compiler *c, const struct relation_def *view) {
  PgQuery__ViewStmt *copy = compiler_alloc(c, sizeof *copy);
  PgQuery__RangeVar *range = compiler_alloc(c, sizeof *range);
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  *copy = *view->view_statement;
  *range = *copy->view;
  range->schemaname = compiler_copy(c, view->schema);
  range->relname = compiler_copy(c, view->name);
  copy->view = range;
  copy->replace = 0;
  node.node_case = PG_QUERY__NODE__NODE_VIEW_STMT;
  node.view_stmt = copy;
  postgres_add(c, true, "CREATE VIEW", qualified(c, view->schema, view->name),
               deparse_statement(c, &node));
}

static bool postgres_is_before(struct place a, struct place b) {
  return a.file != b.file ? a.file < b.file : a.start < b.start;
}

static void postgres_functions_and_views(struct compiler *c) {
  const struct model *model = c->model;
  const struct ddl *ddl = ddl_of(c);
  struct place last = {-1, -1, 0};
  for (;;) {
    const struct function_def *function = NULL;
    const struct relation_def *view = NULL;
    const struct ddl_kept *kept = NULL;
    struct place next = {INT32_MAX, 0, 0};
    for (int i = 0; i < model->function_count; i++) {
      struct place place = model->functions[i]->place;
      if (!postgres_is_before(last, place) || !postgres_is_before(place, next)) continue;
      next = place;
      function = model->functions[i];
    }
    for (int i = 0; i < model->relation_count; i++) {
      struct place place = model->relations[i]->place;
      if (!model->relations[i]->is_view || !postgres_is_before(last, place) ||
          !postgres_is_before(place, next))
        continue;
      next = place;
      view = model->relations[i];
    }
    for (int i = 0; i < ddl->kept_count; i++) {
      struct place place = ddl->kept[i].place;
      if (ddl->kept[i].is_type || !postgres_is_before(last, place) ||
          !postgres_is_before(place, next))
        continue;
      next = place;
      kept = &ddl->kept[i];
    }
    if (function == NULL && view == NULL && kept == NULL) return;
    if (kept != NULL)
      postgres_add(c, true, kept->kind, qualified(c, kept->schema, kept->name), kept->definition);
    else if (view != NULL)
      postgres_view(c, view);
    else if (!postgres_function_is_early(c, function))
      postgres_function(c, function, true);
    last = next;
  }
}

/* ---- triggers, policies, comments */

static void postgres_triggers(struct compiler *c) {
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    if (trigger->definition == NULL) continue;
    postgres_add(c, true, "CREATE TRIGGER",
                 qualified(c, trigger->relation->schema, trigger->relation->name),
                 trigger->definition);
  }
}

static void postgres_policies(struct compiler *c) {
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    const char *name = qualified(c, relation->schema, relation->name);
    if (relation->row_security == 0) continue;
    postgres_add(c, true, "ENABLE ROW LEVEL SECURITY", name,
                 compiler_format(c, "ALTER TABLE %s ENABLE ROW LEVEL SECURITY", name));
    if (relation->row_security == 2) {
      postgres_add(c, true, "FORCE ROW LEVEL SECURITY", name,
                   compiler_format(c, "ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY", name));
    }
  }
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    postgres_add(c, true, "CREATE POLICY",
                 qualified(c, policy->relation->schema, policy->relation->name),
                 policy->definition);
  }
}

static void postgres_comment(struct compiler *c, const char *kind, const char *object,
                             const char *text) {
  if (text != NULL) {
    postgres_add(
        c, true, "COMMENT", object,
        compiler_format(c, "COMMENT ON %s %s IS %s", kind, object, string_literal(c, text)));
  }
}

static void postgres_relation_comments(struct compiler *c, const struct relation_def *relation) {
  const char *name = qualified(c, relation->schema, relation->name);
  postgres_comment(c, relation->is_view ? "VIEW" : "TABLE", name, relation->comment);
  for (int i = 0; i < relation->column_count; i++) {
    const struct column_def *column = &relation->columns[i];
    postgres_comment(c, "COLUMN", compiler_format(c, "%s.%s", name, quoted(c, column->name)),
                     column->comment);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *constraint = &relation->constraints[i];
    postgres_comment(c, "CONSTRAINT",
                     compiler_format(c, "%s ON %s", quoted(c, constraint->name), name),
                     constraint->comment);
  }
}

static void postgres_comments(struct compiler *c) {
  const struct model *model = c->model;
  const struct ddl *ddl = ddl_of(c);
  for (int i = 0; i < ddl->comment_count; i++)
    postgres_comment(c, "", ddl->comments[i].target, ddl->comments[i].text);
  for (int i = 0; i < model->enum_count; i++) {
    postgres_comment(c, "TYPE", qualified(c, model->enums[i]->schema, model->enums[i]->name),
                     model->enums[i]->comment);
  }
  for (int i = 0; i < model->domain_count; i++) {
    postgres_comment(c, "DOMAIN", qualified(c, model->domains[i]->schema, model->domains[i]->name),
                     model->domains[i]->comment);
  }
  for (int i = 0; i < model->relation_count; i++) {
    if (!model->relations[i]->is_view) postgres_relation_comments(c, model->relations[i]);
  }
  for (int i = 0; i < model->relation_count; i++) {
    if (model->relations[i]->is_view) postgres_relation_comments(c, model->relations[i]);
  }
  for (int i = 0; i < model->index_count; i++) {
    postgres_comment(c, "INDEX", qualified(c, model->indexes[i]->schema, model->indexes[i]->name),
                     model->indexes[i]->comment);
  }
  for (int i = 0; i < model->sequence_count; i++) {
    postgres_comment(c, "SEQUENCE",
                     qualified(c, model->sequences[i]->schema, model->sequences[i]->name),
                     model->sequences[i]->comment);
  }
  for (int i = 0; i < model->function_count; i++) {
    const struct function_def *function = model->functions[i];
    postgres_comment(c, "FUNCTION",
                     compiler_format(c, "%s(%s)", qualified(c, function->schema, function->name),
                                     function->signature),
                     function->comment);
  }
  for (int i = 0; i < model->trigger_count; i++) {
    const struct trigger_def *trigger = model->triggers[i];
    if (trigger->definition == NULL) continue;
    postgres_comment(
        c, "TRIGGER",
        compiler_format(c, "%s ON %s", quoted(c, trigger->name),
                        qualified(c, trigger->relation->schema, trigger->relation->name)),
        trigger->comment);
  }
  for (int i = 0; i < model->policy_count; i++) {
    const struct policy_def *policy = model->policies[i];
    postgres_comment(
        c, "POLICY",
        compiler_format(c, "%s ON %s", quoted(c, policy->name),
                        qualified(c, policy->relation->schema, policy->relation->name)),
        policy->comment);
  }
}

/* ---- all of it */

void emit_postgres(struct compiler *c) {
  const struct model *model = c->model;
  const struct ddl *ddl = ddl_of(c);
  postgres_environment(c);
  for (int i = 0; i < model->enum_count; i++) postgres_enum(c, model->enums[i]);
  for (int i = 0; i < model->domain_count; i++) postgres_domain(c, model->domains[i]);
  for (int i = 0; i < ddl->kept_count; i++) {
    const struct ddl_kept *kept = &ddl->kept[i];
    if (kept->is_type)
      postgres_add(c, false, kept->kind, qualified(c, kept->schema, kept->name), kept->definition);
  }
  for (int i = 0; i < model->function_count; i++) {
    if (postgres_function_is_early(c, model->functions[i]))
      postgres_function(c, model->functions[i], false);
  }
  for (int i = 0; i < model->sequence_count; i++) postgres_sequence(c, model->sequences[i]);
  for (int i = 0; i < model->relation_count; i++) {
    if (!model->relations[i]->is_view) postgres_table(c, model->relations[i]);
  }
  for (int i = 0; i < model->sequence_count; i++) {
    const struct sequence_def *sequence = model->sequences[i];
    const char *name = qualified(c, sequence->schema, sequence->name);
    if (sequence->is_identity || sequence->owner == NULL) continue;
    postgres_add(c, false, "ALTER SEQUENCE", name,
                 compiler_format(c, "ALTER SEQUENCE %s OWNED BY %s.%s", name,
                                 qualified(c, sequence->owner->schema, sequence->owner->name),
                                 quoted(c, sequence->owner_column)));
  }
  postgres_constraints(c, CONSTRAINT_PRIMARY, CHECK_BEHIND_ROWS, "ADD PRIMARY KEY");
  postgres_constraints(c, CONSTRAINT_UNIQUE, CHECK_BEHIND_ROWS, "ADD UNIQUE");
  postgres_constraints(c, CONSTRAINT_CHECK, CHECK_BEHIND_ROWS, "ADD CHECK");
  for (int i = 0; i < model->index_count; i++) {
    postgres_add(c, true, "CREATE INDEX",
                 qualified(c, model->indexes[i]->schema, model->indexes[i]->name),
                 model->indexes[i]->definition);
  }
  postgres_constraints(c, CONSTRAINT_FOREIGN, CHECK_BEHIND_ROWS, "ADD FOREIGN KEY");
  postgres_functions_and_views(c);
  postgres_constraints(c, CONSTRAINT_CHECK, CHECK_BEHIND_FUNCTIONS, "ADD CHECK");
  postgres_triggers(c);
  postgres_policies(c);
  postgres_comments(c);
  for (int i = 0; i < ddl->grant_count; i++) {
    const struct ddl_grant *grant = &ddl->grants[i];
    if (grant->definition != NULL && !grant->is_early)
      postgres_add(c, true, grant->kind, "", grant->definition);
  }
}

char *emit_postgres_script(struct compiler *c) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < c->model->statement_count; i++)
    sqlite3_str_appendf(out, "%s;\n\n", c->model->statements[i].definition);
  return compiler_take(c, out);
}
