/*
** emit_sqlite: the compiled schema, a script for ledger_create(). In order: the catalog's rows, tables, seed rows between
** SAVEPOINT ledger_seed and RELEASE ledger_seed (a reader leaves out what stands between for LEDGER_NO_SEED), indexes,
** views, triggers.
**
** The triggers are for foreign writers: a ledger's own connection has them switched off and does their work itself.
**   raise    BEFORE trigger with RAISE(ABORT, 'SQLSTATE: message')
**   assign   AFTER trigger that updates the row by its rowid, since SQLite cannot change NEW. An expression that depends on
**            the row alone: where the column is not what it says. One that depends on the moment (now()): on UPDATE where
**            the column was not touched, on INSERT where it is NULL, so that a writer that sets the column pays nothing.
**   insert   AFTER trigger with the INSERT
*/
#include "ddl.h"

/* ---- rows of the catalog */

struct emit_rows { /* one INSERT with many rows */
  sqlite3_str *out;
  const char *into;
  int count;
};

static void emit_row(struct emit_rows *rows) {
  if (rows->count++ == 0)
    sqlite3_str_appendf(rows->out, "INSERT INTO %s VALUES\n", rows->into);
  else
    sqlite3_str_appendall(rows->out, ",\n");
}

static void emit_rows_end(struct emit_rows *rows) {
  if (rows->count > 0) sqlite3_str_appendall(rows->out, ";\n");
}

static void emit_meta(struct compiler *c, sqlite3_str *out) {
  const struct ddl *ddl = ddl_of(c);
  sqlite3_str_appendf(out,
                      "INSERT INTO ledger_meta(key, value) VALUES ('schema_name', %Q), "
                      "('schema_sha256', %Q), ('compiler', %Q);\n",
                      c->options->name, ddl->schema_sha256, LEDGER_VERSION "-" COMPILER_VERSION);
  struct emit_rows rows = {out, "ledger_catalog_source(n, name, sha256, text)", 0};
  for (int i = 0; i < ddl->file_count; i++) {
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %Q, '", i + 1, ddl->files[i].name, ddl->sha256[i]);
    const char *text = ddl->files[i].text;
    for (size_t at = 0, end; at < ddl->files[i].length; at = end) {
      for (end = at; end < ddl->files[i].length && text[end] != '\''; end++) continue;
      sqlite3_str_append(out, text + at, (int)(end - at));
      if (end < ddl->files[i].length) sqlite3_str_append(out, "''", 2), end++;
    }
    sqlite3_str_appendall(out, "')");
  }
  emit_rows_end(&rows);
}

static void emit_types(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {
      out, "ledger_catalog_type(type_id, schema, name, kind, labels, base, comment)", 0};
  for (int i = 0; i < c->model->enum_count; i++) {
    const struct enum_def *type = c->model->enums[i];
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %Q, 'enum', %Q, NULL, %Q)", type->type_id, type->schema,
                        type->name, json_list(c, type->count, type->labels), type->comment);
  }
  for (int i = 0; i < c->model->domain_count; i++) {
    const struct domain_def *domain = c->model->domains[i];
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %Q, 'domain', NULL, %Q, %Q)", domain->type_id,
                        domain->schema, domain->name, sqltype_format(c, &domain->base),
                        domain->comment);
  }
  emit_rows_end(&rows);
}

static void emit_relations(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {out,
                           "ledger_catalog_relation(relation_id, schema, name, stored_name, kind, "
                           "row_security, definition, comment)",
                           0};
  for (int i = 0; i < c->model->relation_count; i++) {
    struct relation_def *relation = c->model->relations[i];
    relation->relation_id = i + 1;
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %Q, %Q, %Q, %d, %Q, %Q)", relation->relation_id,
                        relation->schema, relation->name, relation->stored_name,
                        relation->is_view ? "view" : "table", relation->row_security,
                        relation->view_definition, relation->comment);
  }
  emit_rows_end(&rows);
}

static const char *emit_default_kind(enum default_kind kind) {
  static const char *const names[] = {NULL, "constant", "now", "uuid", "nextval", "expression"};
  return names[kind];
}

static void emit_identifier(sqlite3_str *out, int identifier) {
  if (identifier > 0)
    sqlite3_str_appendf(out, "%d", identifier);
  else
    sqlite3_str_appendall(out, "NULL");
}

static void emit_columns(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {
      out,
      "ledger_catalog_column(relation_id, position, name, type, type_id, domain_id, not_null, "
      "default_kind,"
      " default_sql, default_definition, generated_sql, generated_definition, identity, comment)",
      0};
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int k = 0; k < relation->column_count; k++) {
      const struct column_def *column = &relation->columns[k];
      struct sqltype base = column->type;
      base.domain = NULL;
      emit_row(&rows);
      sqlite3_str_appendf(out, "(%d, %d, %Q, %Q, ", relation->relation_id, k + 1, column->name,
                          sqltype_format(c, &base));
      emit_identifier(out, column->type.labels != NULL ? column->type.labels->type_id : 0);
      sqlite3_str_appendall(out, ", ");
      emit_identifier(out, column->type.domain != NULL ? column->type.domain->type_id : 0);
      sqlite3_str_appendf(
          out, ", %d, %Q, %Q, %Q, %Q, %Q, ", column->not_null,
          emit_default_kind(column->default_kind),
          column->default_kind == DEFAULT_CONSTANT || column->default_kind == DEFAULT_NEXTVAL ||
                  column->default_kind == DEFAULT_EXPRESSION
              ? column->default_sql
              : NULL,
          column->default_definition, column->generated_sql, column->generated_definition);
      if (column->identity != 0)
        sqlite3_str_appendf(out, "'%c', ", column->identity);
      else
        sqlite3_str_appendall(out, "NULL, ");
      sqlite3_str_appendf(out, "%Q)", column->comment);
    }
  }
  emit_rows_end(&rows);
}

static void emit_constraints(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {
      out,
      "ledger_catalog_constraint(relation_id, name, kind, columns, ref_relation_id, ref_columns, "
      "match,"
      " on_update, on_delete, \"deferrable\", check_sql, domain_id, definition)",
      0};
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int k = 0; k < relation->constraint_count; k++) {
      const struct constraint_def *constraint = &relation->constraints[k];
      char kind = constraint->domain != NULL ? 'd' : (char)constraint->kind;
      emit_row(&rows);
      sqlite3_str_appendf(out, "(%d, %Q, '%c', %Q, ", relation->relation_id, constraint->name, kind,
                          json_list(c, constraint->column_count, constraint->columns));
      if (constraint->kind == CONSTRAINT_FOREIGN) {
        sqlite3_str_appendf(out, "%d, %Q, '%c', '%c', '%c', ", constraint->ref->relation_id,
                            json_list(c, constraint->ref_column_count, constraint->ref_columns),
                            constraint->match, constraint->on_update, constraint->on_delete);
      } else {
        sqlite3_str_appendall(out, "NULL, NULL, NULL, NULL, NULL, ");
      }
      sqlite3_str_appendf(out, "%d, %Q, ", constraint->deferrable, constraint->check_sql);
      emit_identifier(out, constraint->domain != NULL ? constraint->domain->type_id : 0);
      sqlite3_str_appendf(out, ", %Q)", constraint->definition);
    }
  }
  emit_rows_end(&rows);
}

static void emit_index_rows(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {out,
                           "ledger_catalog_index(relation_id, name, stored_name, is_unique, "
                           "columns, predicate_sql, definition, comment)",
                           0};
  for (int i = 0; i < c->model->index_count; i++) {
    const struct index_def *index = c->model->indexes[i];
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %Q, %d, %Q, %Q, %Q, %Q)", index->relation->relation_id,
                        index->name, index->stored_name, index->is_unique,
                        json_list(c, index->column_count, index->columns), index->predicate_sql,
                        index->definition, index->comment);
  }
  emit_rows_end(&rows);
}

static const char *emit_integer_type(enum sqltype_id type) {
  return type == SQL_INT2 ? "smallint" : type == SQL_INT4 ? "integer" : "bigint";
}

static void emit_sequences(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {out,
                           "ledger_catalog_sequence(sequence_id, schema, name, stored_name, type, "
                           "start, increment, minimum, maximum,"
                           " cycle, relation_id, column_name)",
                           0};
  for (int i = 0; i < c->model->sequence_count; i++) {
    struct sequence_def *sequence = c->model->sequences[i];
    sequence->sequence_id = i + 1;
    emit_row(&rows);
    sqlite3_str_appendf(
        out, "(%d, %Q, %Q, %Q, %Q, %lld, %lld, %lld, %lld, %d, ", sequence->sequence_id,
        sequence->schema, sequence->name, sequence->stored_name, emit_integer_type(sequence->type),
        (long long)sequence->start, (long long)sequence->increment, (long long)sequence->minimum,
        (long long)sequence->maximum, sequence->cycle);
    emit_identifier(out, sequence->owner != NULL ? sequence->owner->relation_id : 0);
    sqlite3_str_appendf(out, ", %Q)", sequence->owner_column);
  }
  emit_rows_end(&rows);
  struct emit_rows states = {out, "ledger_sequence(sequence_id, last_value, is_called)", 0};
  for (int i = 0; i < c->model->sequence_count; i++) {
    const struct sequence_def *sequence = c->model->sequences[i];
    emit_row(&states);
    sqlite3_str_appendf(out, "(%d, %lld, 0)", sequence->sequence_id, (long long)sequence->start);
  }
  emit_rows_end(&states);
}

static const char *emit_events(struct compiler *c, const struct trigger_def *trigger) {
  const char *events[3];
  int count = 0;
  if (trigger->on_insert) events[count++] = "insert";
  if (trigger->on_update) events[count++] = "update";
  if (trigger->on_delete) events[count++] = "delete";
  return json_list(c, count, events);
}

/* A check that calls now() cannot be a CHECK in SQLite. As a trigger that raises it is enforced all the same. */
static const char *emit_stable_condition(struct compiler *c, const struct relation_def *relation,
                                         const struct constraint_def *check) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "(SELECT NOT (%s) FROM (SELECT ", check->check_sql);
  for (int i = 0; i < relation->column_count; i++) {
    sqlite3_str_appendf(out, "%s\"new\".\"%w\" AS \"%w\"", i > 0 ? ", " : "",
                        relation->columns[i].name, relation->columns[i].name);
  }
  /* In a sub-select of a function's body the row has its table's name. */
  sqlite3_str_appendf(out, ") AS \"%w\")", relation->name);
  return compiler_take(c, out);
}

static void emit_stable_checks(struct compiler *c, struct model *model) {
  for (int i = 0; i < model->relation_count; i++) {
    struct relation_def *relation = model->relations[i];
    for (int k = 0; k < relation->constraint_count; k++) {
      const struct constraint_def *check = &relation->constraints[k];
      if (!check->is_stable) continue;
      struct trigger_def *trigger = compiler_alloc(c, sizeof *trigger);
      struct trigger_step *step = compiler_alloc(c, sizeof *step);
      step->kind = 'r';
      step->condition_sql = emit_stable_condition(c, relation, check);
      step->sqlstate = "23514";
      step->message =
          check->domain != NULL
              ? compiler_format(c, "value for domain %s violates check constraint \"%s\"",
                                check->domain->name, check->name)
              : compiler_format(c, "new row for relation \"%s\" violates check constraint \"%s\"",
                                relation->name, check->name);
      trigger->name = check->name;
      trigger->relation = relation;
      trigger->before = trigger->on_insert = trigger->on_update = true;
      trigger->step_count = 1;
      trigger->steps = step;
      trigger->definition = check->definition;
      *APPEND(c, model->triggers, model->trigger_count) = trigger;
    }
  }
}

/* By relation and name, as they fire. */
static void emit_sort_triggers(struct model *model) {
  for (int i = 1; i < model->trigger_count; i++) {
    struct trigger_def *moved = model->triggers[i];
    int at = i;
    for (; at > 0; at--) {
      const struct trigger_def *before = model->triggers[at - 1];
      int difference = before->relation->relation_id - moved->relation->relation_id;
      if (difference < 0 || (difference == 0 && strcmp(before->name, moved->name) <= 0)) break;
      model->triggers[at] = model->triggers[at - 1];
    }
    model->triggers[at] = moved;
  }
}

static void emit_trigger_rows(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {
      out,
      "ledger_catalog_trigger(trigger_id, relation_id, name, timing, events, columns, definition)",
      0};
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    emit_row(&rows);
    sqlite3_str_appendf(
        out, "(%d, %d, %Q, '%s', %Q, %Q, %Q)", i + 1, trigger->relation->relation_id, trigger->name,
        trigger->before ? "before" : "after", emit_events(c, trigger),
        trigger->column_count > 0 ? json_list(c, trigger->column_count, trigger->columns) : NULL,
        trigger->definition != NULL ? trigger->definition : "");
  }
  emit_rows_end(&rows);
  struct emit_rows steps = {out,
                            "ledger_catalog_trigger_step(trigger_id, n, kind, condition_sql, "
                            "column_name, expression_sql, sqlstate, message)",
                            0};
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    for (int k = 0; k < trigger->step_count; k++) {
      const struct trigger_step *step = &trigger->steps[k];
      emit_row(&steps);
      sqlite3_str_appendf(out, "(%d, %d, '%s', %Q, %Q, %Q, %Q, %Q)", i + 1, k + 1,
                          step->kind == 'a'   ? "assign"
                          : step->kind == 'r' ? "raise"
                                              : "insert",
                          step->condition_sql, step->column, step->expression_sql, step->sqlstate,
                          step->message);
    }
  }
  emit_rows_end(&steps);
}

static void emit_policy_rows(struct compiler *c, sqlite3_str *out) {
  struct emit_rows rows = {out,
                           "ledger_catalog_policy(relation_id, name, permissive, command, roles, "
                           "using_sql, check_sql, definition)",
                           0};
  for (int i = 0; i < c->model->policy_count; i++) {
    const struct policy_def *policy = c->model->policies[i];
    emit_row(&rows);
    sqlite3_str_appendf(out, "(%d, %Q, %d, '%s', %Q, %Q, %Q, %Q)", policy->relation->relation_id,
                        policy->name, policy->permissive, policy->command,
                        json_list(c, policy->role_count, policy->roles), policy->using_sql,
                        policy->check_sql, policy->definition);
  }
  emit_rows_end(&rows);
}

static void emit_privilege_rows(struct compiler *c, sqlite3_str *out) {
  struct emit_rows views = {out, "ledger_catalog_view(relation_id, select_sql)", 0};
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    if (relation->invoker_sql == NULL) continue;
    emit_row(&views);
    sqlite3_str_appendf(out, "(%d, %Q)", relation->relation_id, relation->invoker_sql);
  }
  emit_rows_end(&views);
  struct emit_rows columns = {
      out, "ledger_catalog_view_column(relation_id, name, origin_id, origin_name)", 0};
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int k = 0; relation->is_view && k < relation->column_count; k++) {
      const struct column_def *column = &relation->columns[k];
      if (column->origin == NULL) continue;
      emit_row(&columns);
      sqlite3_str_appendf(out, "(%d, %Q, %d, %Q)", relation->relation_id, column->name,
                          column->origin->relation_id, column->origin_name);
    }
  }
  emit_rows_end(&columns);
  struct emit_rows rows = {out, "ledger_catalog_privilege(relation_id, role, privileges)", 0};
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int k = 0; k < relation->privilege_count; k++) {
      const struct privilege_def *privilege = &relation->privileges[k];
      emit_row(&rows);
      sqlite3_str_appendf(out, "(%d, %Q, '", relation->relation_id, privilege->role);
      for (int letter = 0; letter < 4; letter++) {
        if (privilege->letters & 1 << letter) sqlite3_str_appendchar(out, 1, "rawd"[letter]);
      }
      sqlite3_str_appendall(out, "')");
    }
  }
  emit_rows_end(&rows);
}

static void emit_functions_and_notes(struct compiler *c, sqlite3_str *out) {
  struct emit_rows functions = {out, "ledger_catalog_function(schema, name, language, definition)",
                                0};
  for (int i = 0; i < c->model->function_count; i++) {
    const struct function_def *function = c->model->functions[i];
    emit_row(&functions);
    sqlite3_str_appendf(out, "(%Q, %Q, %Q, %Q)", function->schema, function->name,
                        function->language, function->definition);
  }
  emit_rows_end(&functions);
  struct emit_rows statements = {out,
                                 "ledger_catalog_statement(n, phase, kind, object, definition)", 0};
  for (int i = 0; i < c->model->statement_count; i++) {
    const struct statement_def *statement = &c->model->statements[i];
    emit_row(&statements);
    sqlite3_str_appendf(out, "(%d, '%s', %Q, %Q, %Q)", i + 1, statement->post ? "post" : "pre",
                        statement->kind, statement->object, statement->definition);
  }
  emit_rows_end(&statements);
  struct emit_rows notes = {out, "ledger_catalog_note(severity, source, line, position, message)",
                            0};
  for (int i = 0; i < c->result->note_count; i++) {
    static const char *const severities[] = {"error", "skipped", "recorded", "hint"};
    const struct schema_note *added = &c->result->notes[i];
    emit_row(&notes);
    sqlite3_str_appendf(out, "('%s', %d, %d, %d, %Q)", severities[added->severity], added->file + 1,
                        added->line, added->column, added->message);
  }
  emit_rows_end(&notes);
}

/* ---- tables */

static void emit_column(struct compiler *c, sqlite3_str *out, const struct column_def *column) {
  const char *collation = sqltype_collation(&column->type);
  const char *check = sqltype_check(c, &column->type, quoted(c, column->name));
  sqlite3_str_appendf(out, "\"%w\" %s", column->name, sqltype_declared(c, &column->type));
  if (collation != NULL) sqlite3_str_appendf(out, " COLLATE %s", collation);
  if (column->not_null ||
      (column->type.domain != NULL && column->type.domain->not_null && !column->type.is_array)) {
    sqlite3_str_appendall(out, " NOT NULL");
  }
  if (column->default_plain_sql != NULL)
    sqlite3_str_appendf(out, " DEFAULT %s", column->default_plain_sql);
  if (check != NULL) sqlite3_str_appendf(out, " CHECK (%s)", check);
  if (column->generated_sql != NULL)
    sqlite3_str_appendf(out, " CHECK (\"%w\" IS (%s))", column->name, column->generated_sql);
}

static const char *emit_action(char action) {
  switch (action) {
  case 'r': return "RESTRICT";
  case 'c': return "CASCADE";
  case 'n': return "SET NULL";
  case 'd': return "SET DEFAULT";
  default: return "NO ACTION";
  }
}

static void emit_foreign_key(struct compiler *c, sqlite3_str *out,
                             const struct constraint_def *key) {
  sqlite3_str_appendf(
      out,
      ",\n  CONSTRAINT \"%w\" FOREIGN KEY (%s) REFERENCES \"%w\"(%s) ON UPDATE %s ON DELETE %s%s",
      key->name, column_list(c, key->column_count, key->columns), key->ref->stored_name,
      column_list(c, key->ref_column_count, key->ref_columns), emit_action(key->on_update),
      emit_action(key->on_delete), key->deferrable == 2 ? " DEFERRABLE INITIALLY DEFERRED" : "");
  if (key->match != 'f' || key->column_count < 2) return;
  /* MATCH FULL: all NULL or none. SQLite reads the words and does not obey them. */
  sqlite3_str_appendf(out, ",\n  CONSTRAINT \"%w\" CHECK (", key->name);
  for (int i = 1; i < key->column_count; i++) {
    sqlite3_str_appendf(out, "%s(\"%w\" IS NULL) = (\"%w\" IS NULL)", i > 1 ? " AND " : "",
                        key->columns[0], key->columns[i]);
  }
  sqlite3_str_appendall(out, ")");
}

/* PostgreSQL evaluates checks by their names' order. */
static const struct constraint_def *emit_next_check(const struct relation_def *relation,
                                                    const struct constraint_def *last) {
  const struct constraint_def *next = NULL;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *check = &relation->constraints[i];
    if (check->kind != CONSTRAINT_CHECK || check->is_stable) continue;
    int after_last = last == NULL ? 1 : strcmp(check->name, last->name);
    if (after_last < 0 || (after_last == 0 && check <= last)) continue;
    int before_next = next == NULL ? -1 : strcmp(check->name, next->name);
    if (before_next < 0 || (before_next == 0 && check < next)) next = check;
  }
  return next;
}

static void emit_table(struct compiler *c, sqlite3_str *out, const struct relation_def *relation) {
  sqlite3_str_appendf(out, "CREATE TABLE \"%w\" (\n  ", relation->stored_name);
  for (int i = 0; i < relation->column_count; i++) {
    if (i > 0) sqlite3_str_appendall(out, ",\n  ");
    emit_column(c, out, &relation->columns[i]);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *key = &relation->constraints[i];
    if (key->kind != CONSTRAINT_PRIMARY && key->kind != CONSTRAINT_UNIQUE) continue;
    sqlite3_str_appendf(out, ",\n  CONSTRAINT \"%w\" %s (%s)", key->name,
                        key->kind == CONSTRAINT_PRIMARY ? "PRIMARY KEY" : "UNIQUE",
                        column_list(c, key->column_count, key->columns));
  }
  for (const struct constraint_def *check = emit_next_check(relation, NULL); check != NULL;
       check = emit_next_check(relation, check)) {
    sqlite3_str_appendf(out, ",\n  CONSTRAINT \"%w\" CHECK (%s)", check->name, check->check_sql);
  }
  for (int i = 0; i < relation->constraint_count; i++) {
    if (relation->constraints[i].kind == CONSTRAINT_FOREIGN)
      emit_foreign_key(c, out, &relation->constraints[i]);
  }
  sqlite3_str_appendall(out, "\n);\n");
}

static void emit_indexes(struct compiler *c, sqlite3_str *out) {
  for (int i = 0; i < c->model->index_count; i++) {
    const struct index_def *index = c->model->indexes[i];
    if (index->omitted) continue;
    sqlite3_str_appendf(out, "CREATE %sINDEX \"%w\" ON \"%w\"(%s)%s%s;\n",
                        index->is_unique ? "UNIQUE " : "", index->stored_name,
                        index->relation->stored_name, index->key_sql,
                        index->predicate_sql != NULL ? " WHERE " : "",
                        index->predicate_sql != NULL ? index->predicate_sql : "");
  }
}

static void emit_view(struct compiler *c, sqlite3_str *out, const struct relation_def *view) {
  const char **names = compiler_alloc(c, (size_t)view->column_count * sizeof *names);
  for (int i = 0; i < view->column_count; i++) names[i] = view->columns[i].name;
  sqlite3_str_appendf(out, "CREATE VIEW \"%w\"(%s) AS %s;\n", view->stored_name,
                      column_list(c, view->column_count, names), view->view_sql);
}

/* ---- triggers for foreign writers */

static void emit_trigger_step(sqlite3_str *out, const struct trigger_def *trigger,
                              const struct trigger_step *step, const char *event, int number) {
  const char *table = trigger->relation->stored_name;
  bool is_insert = strcmp(event, "INSERT") == 0;
  const char *value = step->plain_sql != NULL ? step->plain_sql : step->expression_sql;
  sqlite3_str_appendf(out, "CREATE TRIGGER \"ledger_%w_%w_%d\" %s %s", table, trigger->name, number,
                      step->kind == 'r' && trigger->before ? "BEFORE" : "AFTER", event);
  for (int i = 0; strcmp(event, "UPDATE") == 0 && i < trigger->column_count; i++) {
    sqlite3_str_appendf(out, "%s\"%w\"", i > 0 ? ", " : " OF ", trigger->columns[i]);
  }
  sqlite3_str_appendf(out, " ON \"%w\"", table);
  if (step->condition_sql != NULL) sqlite3_str_appendf(out, " WHEN (%s)", step->condition_sql);
  if (step->kind == 'a') {
    sqlite3_str_appendall(out, step->condition_sql != NULL ? " AND " : " WHEN ");
    if (!step->is_stable)
      sqlite3_str_appendf(out, "\"new\".\"%w\" IS NOT (%s)", step->column, value);
    else if (is_insert)
      sqlite3_str_appendf(out, "\"new\".\"%w\" IS NULL", step->column);
    else
      sqlite3_str_appendf(out, "\"new\".\"%w\" IS \"old\".\"%w\"", step->column, step->column);
    sqlite3_str_appendf(out,
                        " BEGIN UPDATE \"%w\" SET \"%w\" = %s WHERE rowid = \"new\".rowid; END;\n",
                        table, step->column, value);
  } else if (step->kind == 'r') {
    sqlite3_str_appendf(out, " BEGIN SELECT RAISE(ABORT, '%q: %q'); END;\n", step->sqlstate,
                        step->message);
  } else {
    sqlite3_str_appendf(out, " BEGIN %s; END;\n", step->expression_sql);
  }
}

static void emit_triggers(struct compiler *c, sqlite3_str *out) {
  int number = 0;
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    for (int k = 0; k < trigger->step_count; k++) {
      if (trigger->on_insert)
        emit_trigger_step(out, trigger, &trigger->steps[k], "INSERT", ++number);
      if (trigger->on_update)
        emit_trigger_step(out, trigger, &trigger->steps[k], "UPDATE", ++number);
      if (trigger->on_delete)
        emit_trigger_step(out, trigger, &trigger->steps[k], "DELETE", ++number);
    }
  }
}

/* ---- all of it */

static void emit_seeds(struct compiler *c, sqlite3_str *out) {
  sqlite3_str_appendall(out, "SAVEPOINT ledger_seed;\n");
  for (int i = 0; i < c->model->seed_count; i++)
    sqlite3_str_appendf(out, "%s;\n", c->model->seeds[i]);
  for (int i = 0; i < c->model->sequence_count; i++) {
    const struct sequence_def *sequence = c->model->sequences[i];
    if (sequence->is_running || (!sequence->is_called && sequence->last_value == sequence->start))
      continue;
    sqlite3_str_appendf(
        out,
        "UPDATE ledger_sequence SET last_value = %lld, is_called = %d WHERE sequence_id = %d;\n",
        (long long)sequence->last_value, sequence->is_called, sequence->sequence_id);
  }
  sqlite3_str_appendall(out, "RELEASE ledger_seed;\n");
}

char *emit_sqlite(struct compiler *c) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  emit_stable_checks(c, c->model);
  emit_meta(c, out);
  emit_types(c, out);
  emit_relations(c, out);
  emit_sort_triggers(c->model);
  emit_columns(c, out);
  emit_constraints(c, out);
  emit_index_rows(c, out);
  emit_sequences(c, out);
  emit_trigger_rows(c, out);
  emit_policy_rows(c, out);
  emit_privilege_rows(c, out);
  emit_functions_and_notes(c, out);
  for (int i = 0; i < c->model->relation_count; i++) {
    if (!c->model->relations[i]->is_view) emit_table(c, out, c->model->relations[i]);
  }
  emit_seeds(c, out);
  emit_indexes(c, out);
  for (int i = 0; i < c->model->relation_count; i++) {
    if (c->model->relations[i]->is_view) emit_view(c, out, c->model->relations[i]);
  }
  emit_triggers(c, out);
  return compiler_take(c, out);
}
