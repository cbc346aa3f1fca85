/*
** emit_json: the catalog as one JSON document, for people and tools (ledger schema --json).
*/
#include "ddl.h"

#include <cjson/cJSON.h>

static void json_text(cJSON *object, const char *name, const char *text) {
  if (text != NULL) cJSON_AddStringToObject(object, name, text);
}

static void json_strings(cJSON *object, const char *name, int count, const char *const *items) {
  cJSON *list = cJSON_AddArrayToObject(object, name);
  for (int i = 0; i < count; i++) {
    cJSON_AddItemToArray(list,
                         items[i] != NULL ? cJSON_CreateString(items[i]) : cJSON_CreateNull());
  }
}

static cJSON *json_object(cJSON *list, const char *schema, const char *name) {
  cJSON *object = cJSON_CreateObject();
  cJSON_AddItemToArray(list, object);
  json_text(object, "schema", schema);
  json_text(object, "name", name);
  return object;
}

static void json_types(const struct model *model, struct compiler *c, cJSON *root) {
  cJSON *enums = cJSON_AddArrayToObject(root, "enums"),
        *domains = cJSON_AddArrayToObject(root, "domains");
  for (int i = 0; i < model->enum_count; i++) {
    cJSON *object = json_object(enums, model->enums[i]->schema, model->enums[i]->name);
    json_strings(object, "labels", model->enums[i]->count, model->enums[i]->labels);
    json_text(object, "comment", model->enums[i]->comment);
  }
  for (int i = 0; i < model->domain_count; i++) {
    const struct domain_def *domain = model->domains[i];
    cJSON *object = json_object(domains, domain->schema, domain->name),
          *checks = cJSON_AddArrayToObject(object, "checks");
    json_text(object, "type", sqltype_format(c, &domain->base));
    cJSON_AddBoolToObject(object, "not_null", domain->not_null);
    for (int k = 0; k < domain->check_count; k++)
      json_text(json_object(checks, NULL, domain->checks[k].name), "definition",
                domain->checks[k].definition);
    json_text(object, "comment", domain->comment);
  }
}

static void json_column(struct compiler *c, cJSON *list, const struct column_def *column) {
  cJSON *object = json_object(list, NULL, column->name);
  json_text(object, "type", sqltype_format(c, &column->type));
  cJSON_AddBoolToObject(object, "not_null", column->not_null);
  json_text(object, "default", column->default_definition);
  json_text(object, "generated", column->generated_definition);
  if (column->identity != 0)
    json_text(object, "identity", column->identity == 'a' ? "always" : "by default");
  json_text(object, "comment", column->comment);
}

static void json_constraint(cJSON *list, const struct constraint_def *constraint) {
  static const struct {
    enum constraint_kind kind;
    const char *word;
  } words[] = {{CONSTRAINT_PRIMARY, "primary key"},
               {CONSTRAINT_UNIQUE, "unique"},
               {CONSTRAINT_FOREIGN, "foreign key"},
               {CONSTRAINT_CHECK, "check"}};
  if (constraint->domain != NULL) return;
  cJSON *object = json_object(list, NULL, constraint->name);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (words[i].kind == constraint->kind) json_text(object, "kind", words[i].word);
  }
  json_strings(object, "columns", constraint->column_count, constraint->columns);
  if (constraint->ref != NULL) {
    cJSON *target = cJSON_AddObjectToObject(object, "references");
    json_text(target, "schema", constraint->ref->schema);
    json_text(target, "name", constraint->ref->name);
    json_strings(target, "columns", constraint->ref_column_count, constraint->ref_columns);
  }
  json_text(object, "definition", constraint->definition);
  json_text(object, "comment", constraint->comment);
}

static void json_relation_parts(const struct model *model, const struct relation_def *relation,
                                cJSON *object) {
  cJSON *indexes = cJSON_AddArrayToObject(object, "indexes"),
        *policies = cJSON_AddArrayToObject(object, "policies"),
        *triggers = cJSON_AddArrayToObject(object, "triggers");
  for (int i = 0; i < model->index_count; i++) {
    const struct index_def *index = model->indexes[i];
    if (index->relation != relation) continue;
    cJSON *part = json_object(indexes, NULL, index->name);
    cJSON_AddBoolToObject(part, "unique", index->is_unique);
    json_strings(part, "columns", index->column_count, index->columns);
    json_text(part, "definition", index->definition);
    json_text(part, "comment", index->comment);
  }
  for (int i = 0; i < model->policy_count; i++) {
    const struct policy_def *policy = model->policies[i];
    if (policy->relation != relation) continue;
    cJSON *part = json_object(policies, NULL, policy->name);
    json_text(part, "command", policy->command);
    cJSON_AddBoolToObject(part, "permissive", policy->permissive);
    json_strings(part, "roles", policy->role_count, policy->roles);
    json_text(part, "definition", policy->definition);
    json_text(part, "comment", policy->comment);
  }
  for (int i = 0; i < model->trigger_count; i++) {
    const struct trigger_def *trigger = model->triggers[i];
    if (trigger->relation != relation || trigger->definition == NULL) continue;
    cJSON *part = json_object(triggers, NULL, trigger->name);
    json_text(part, "definition", trigger->definition);
    json_text(part, "comment", trigger->comment);
  }
}

/* [{"role": "anon", "privileges": ["select", "insert"]}, ...]; none where the file grants nothing. */
static void json_privileges(const struct relation_def *relation, cJSON *object) {
  static const char *const words[] = {"select", "insert", "update", "delete"};
  if (relation->privilege_count == 0) return;
  cJSON *list = cJSON_AddArrayToObject(object, "privileges");
  for (int i = 0; i < relation->privilege_count; i++) {
    const struct privilege_def *privilege = &relation->privileges[i];
    const char *names[4];
    int count = 0;
    for (int k = 0; k < 4; k++) {
      if (privilege->letters & 1 << k) names[count++] = words[k];
    }
    if (count == 0) continue;
    cJSON *part = cJSON_CreateObject();
    cJSON_AddItemToArray(list, part);
    json_text(part, "role", privilege->role);
    json_strings(part, "privileges", count, names);
  }
}

static void json_relations(struct compiler *c, const struct model *model, cJSON *root) {
  cJSON *list = cJSON_AddArrayToObject(root, "relations");
  for (int i = 0; i < model->relation_count; i++) {
    const struct relation_def *relation = model->relations[i];
    cJSON *object = json_object(list, relation->schema, relation->name);
    json_text(object, "kind", relation->is_view ? "view" : "table");
    json_text(object, "stored_name", relation->stored_name);
    json_text(object, "comment", relation->comment);
    cJSON_AddStringToObject(object, "row_security",
                            relation->row_security == 2   ? "forced"
                            : relation->row_security == 1 ? "enabled"
                                                          : "off");
    cJSON *columns = cJSON_AddArrayToObject(object, "columns");
    for (int k = 0; k < relation->column_count; k++) json_column(c, columns, &relation->columns[k]);
    json_privileges(relation, object);
    json_text(object, "definition", relation->view_definition);
    if (relation->invoker_sql != NULL) cJSON_AddBoolToObject(object, "security_invoker", true);
    if (relation->is_view) continue;
    cJSON *constraints = cJSON_AddArrayToObject(object, "constraints");
    for (int k = 0; k < relation->constraint_count; k++)
      json_constraint(constraints, &relation->constraints[k]);
    json_relation_parts(model, relation, object);
  }
}

static void json_others(struct compiler *c, const struct model *model, cJSON *root) {
  cJSON *sequences = cJSON_AddArrayToObject(root, "sequences"),
        *functions = cJSON_AddArrayToObject(root, "functions"),
        *notes = cJSON_AddArrayToObject(root, "notes");
  for (int i = 0; i < model->sequence_count; i++) {
    const struct sequence_def *sequence = model->sequences[i];
    cJSON *object = json_object(sequences, sequence->schema, sequence->name);
    json_text(object, "owner",
              sequence->owner != NULL ? qualified(c, sequence->owner->schema, sequence->owner->name)
                                      : NULL);
    json_text(object, "owner_column", sequence->owner_column);
    json_text(object, "comment", sequence->comment);
  }
  for (int i = 0; i < model->function_count; i++) {
    const struct function_def *function = model->functions[i];
    cJSON *object = json_object(functions, function->schema, function->name);
    json_text(object, "language", function->language);
    json_text(object, "definition", function->definition);
    json_text(object, "comment", function->comment);
  }
  for (int i = 0; i < c->result->note_count; i++) {
    static const char *const severities[] = {"error", "skipped", "recorded", "hint"};
    const struct schema_note *added = &c->result->notes[i];
    cJSON *object = json_object(notes, NULL, NULL);
    json_text(object, "severity", severities[added->severity]);
    json_text(object, "file", ddl_of(c)->files[added->file].name);
    cJSON_AddNumberToObject(object, "line", added->line);
    cJSON_AddNumberToObject(object, "column", added->column);
    json_text(object, "message", added->message);
  }
}

char *emit_json(struct compiler *c) {
  cJSON *root = cJSON_CreateObject();
  json_text(root, "schema", c->options->name);
  json_text(root, "sha256", ddl_of(c)->schema_sha256);
  json_types(c->model, c, root);
  json_relations(c, c->model, root);
  json_others(c, c->model, root);
  char *printed = root != NULL ? cJSON_Print(root) : NULL;
  cJSON_Delete(root);
  if (printed == NULL) compiler_out_of_memory(c);
  char *text = compiler_copy(c, printed);
  cJSON_free(printed);
  return text;
}
