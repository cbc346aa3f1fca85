/*
** ddl_type: CREATE TYPE ... AS ENUM, ALTER TYPE, CREATE DOMAIN, ALTER DOMAIN, CREATE SCHEMA.
*/
#include "ddl.h"

static bool type_name_check(struct compiler *c, const char *schema, const char *name) {
  if (!name_check(c, 0, "type", name)) return false;
  if (find_enum(c, schema, name) != NULL || find_domain(c, schema, name) != NULL ||
      find_relation(c, schema, name) != NULL) {
    return note_error(c, 0, "42710", NULL, "type \"%s\" already exists", name);
  }
  return true;
}

void ddl_create_schema(struct compiler *c, const PgQuery__CreateSchemaStmt *statement) {
  struct ddl *ddl = ddl_of(c);
  const char *name = statement->schemaname;
  if (name == NULL || name[0] == '\0' || statement->n_schema_elts > 0) {
    note_error(c, 0, "0A000", "write CREATE SCHEMA name, and what it holds behind it",
               "this form of CREATE SCHEMA is not supported");
    return;
  }
  if (!name_check(c, 0, "schema", name)) return;
  for (int i = 0; i < ddl->schema_count; i++) {
    if (strcmp(ddl->schemas[i], name) != 0) continue;
    if (statement->if_not_exists)
      note(c, SCHEMA_SKIPPED, 0, NULL, "schema \"%s\" already exists, skipping", name);
    else
      note_error(c, 0, "42P06", NULL, "schema \"%s\" already exists", name);
    return;
  }
  if (strcmp(name, "public") != 0) *APPEND(c, ddl->schemas, ddl->schema_count) = name;
}

/* ---- enums */

static bool type_label_check(struct compiler *c, const struct enum_def *type, const char *label) {
  if (strlen(label) > LEDGER_NAME_MAX) {
    return note_error(c, 0, "42602", NULL,
                      "invalid enum label \"%s\": labels are at most %d bytes long", label,
                      LEDGER_NAME_MAX);
  }
  for (int i = 0; i < type->count; i++) {
    if (strcmp(type->labels[i], label) == 0)
      return note_error(c, 0, "42710", NULL, "enum label \"%s\" already exists", label);
  }
  return true;
}

void ddl_create_enum(struct compiler *c, const PgQuery__CreateEnumStmt *statement) {
  const char *schema, *name;
  if (!names_of_list(c, statement->n_type_name, statement->type_name, &schema, &name) ||
      !type_name_check(c, schema, name))
    return;
  struct enum_def *type = compiler_alloc(c, sizeof *type);
  type->schema = schema;
  type->name = name;
  type->type_id = c->model->enum_count + c->model->domain_count + 1;
  for (size_t i = 0; i < statement->n_vals; i++) {
    const char *label = node_string(statement->vals[i]);
    if (type_label_check(c, type, label)) *APPEND(c, type->labels, type->count) = label;
  }
  *APPEND(c, c->model->enums, c->model->enum_count) = type;
}

void ddl_alter_enum(struct compiler *c, const PgQuery__AlterEnumStmt *statement) {
  const char *schema, *name;
  if (!names_of_list(c, statement->n_type_name, statement->type_name, &schema, &name)) return;
  struct enum_def *type = find_enum(c, schema, name);
  if (type == NULL) {
    note_error(c, 0, "42704", NULL, "type \"%s\" does not exist", name);
    return;
  }
  const char *old_value = statement->old_val, *neighbor = statement->new_val_neighbor;
  int at = type->count;
  for (int i = 0; i < type->count; i++) {
    if (strcmp(type->labels[i], statement->new_val) == 0) {
      if (statement->skip_if_new_val_exists)
        note(c, SCHEMA_SKIPPED, 0, NULL, "enum label \"%s\" already exists, skipping",
             statement->new_val);
      else
        note_error(c, 0, "42710", NULL, "enum label \"%s\" already exists", statement->new_val);
      return;
    }
  }
  const char *sought = old_value != NULL && old_value[0] != '\0' ? old_value : neighbor;
  bool is_rename = sought == old_value;
  if (sought != NULL && sought[0] != '\0') {
    for (at = 0; at < type->count && strcmp(type->labels[at], sought) != 0; at++) continue;
    if (at == type->count) {
      note_error(c, 0, "22023", NULL, "\"%s\" is not an existing enum label", sought);
      return;
    }
    if (!is_rename && statement->new_val_is_after) at++;
  }
  if (!type_label_check(c, type, statement->new_val)) return;
  if (is_rename && old_value != NULL && old_value[0] != '\0') {
    type->labels[at] = statement->new_val;
    return;
  }
  *APPEND(c, type->labels, type->count) = NULL;
  for (int i = type->count - 1; i > at; i--) type->labels[i] = type->labels[i - 1];
  type->labels[at] = statement->new_val;
}

/* ---- domains */

static const char *type_domain_check_name(struct compiler *c, const struct domain_def *domain) {
  for (int pass = 0;; pass++) {
    const char *name = pass == 0 ? compiler_format(c, "%.57s_check", domain->name)
                                 : compiler_format(c, "%.55s_check%d", domain->name, pass);
    bool is_used = false;
    for (int i = 0; i < domain->check_count; i++)
      is_used = is_used || strcmp(domain->checks[i].name, name) == 0;
    if (!is_used) return name;
  }
}

static bool type_domain_constraint(struct compiler *c, struct domain_def *domain,
                                   const PgQuery__Constraint *node) {
  switch (node->contype) {
  case PG_QUERY__CONSTR_TYPE__CONSTR_NULL: return true;
  case PG_QUERY__CONSTR_TYPE__CONSTR_NOTNULL: domain->not_null = true; return true;
  case PG_QUERY__CONSTR_TYPE__CONSTR_DEFAULT: domain->default_node = node->raw_expr; return true;
  case PG_QUERY__CONSTR_TYPE__CONSTR_CHECK: {
    bool is_named = node->conname != NULL && node->conname[0] != '\0';
    const char *name = is_named ? node->conname : type_domain_check_name(c, domain);
    if (!name_check(c, node->location, "constraint", name)) return false;
    struct domain_check *check = APPEND(c, domain->checks, domain->check_count);
    check->name = name;
    check->node = node->raw_expr;
    return true;
  }
  default:
    return note_error(c, node->location, "0A000", NULL,
                      "this constraint is not possible for domains");
  }
}

void ddl_create_domain(struct compiler *c, const PgQuery__CreateDomainStmt *statement) {
  const char *schema, *name;
  if (!names_of_list(c, statement->n_domainname, statement->domainname, &schema, &name) ||
      !type_name_check(c, schema, name))
    return;
  struct domain_def *domain = compiler_alloc(c, sizeof *domain);
  domain->schema = schema;
  domain->name = name;
  if (!sqltype_resolve(c, statement->type_name, &domain->base)) return;
  if (domain->base.domain != NULL) {
    note_error(c, statement->type_name->location, "0A000",
               "repeat the inner domain's type and checks",
               "a domain over a domain is not supported");
    return;
  }
  domain->type_id = c->model->enum_count + c->model->domain_count + 1;
  for (size_t i = 0; i < statement->n_constraints; i++)
    type_domain_constraint(c, domain, statement->constraints[i]->constraint);
  *APPEND(c, c->model->domains, c->model->domain_count) = domain;
}

void ddl_alter_domain(struct compiler *c, const PgQuery__AlterDomainStmt *statement) {
  const char *schema, *name;
  if (!names_of_list(c, statement->n_type_name, statement->type_name, &schema, &name)) return;
  struct domain_def *domain = find_domain(c, schema, name);
  if (domain == NULL) {
    note_error(c, 0, "42704", NULL, "type \"%s\" does not exist", name);
    return;
  }
  switch (statement->subtype != NULL ? statement->subtype[0] : '\0') {
  case 'T': domain->default_node = statement->def; return;
  case 'N': domain->not_null = false; return;
  case 'O': domain->not_null = true; return;
  case 'C': type_domain_constraint(c, domain, statement->def->constraint); return;
  case 'V': return; /* VALIDATE CONSTRAINT: no row came before it */
  case 'X':
    for (int i = 0; i < domain->check_count; i++) {
      if (strcmp(domain->checks[i].name, statement->name) != 0) continue;
      REMOVE(domain->checks, domain->check_count, i);
      return;
    }
    if (!statement->missing_ok)
      note_error(c, 0, "42704", NULL, "constraint \"%s\" of domain \"%s\" does not exist",
                 statement->name, name);
    return;
  default: note_error(c, 0, "0A000", NULL, "this form of ALTER DOMAIN is not supported");
  }
}
