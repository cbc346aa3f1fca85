/*
** ddl_trigger: CREATE TRIGGER. What its function does becomes steps (plpgsql.c), event by event, when all is known; events
** with the same steps share a trigger again.
*/
#include "ddl.h"

enum {
  TRIGGER_BEFORE_BIT = 2,
  TRIGGER_INSERT_BIT = 4,
  TRIGGER_DELETE_BIT = 8,
  TRIGGER_UPDATE_BIT = 16,
  TRIGGER_TRUNCATE_BIT = 32,
  TRIGGER_INSTEAD_BIT = 64
};

static const char trigger_hint[] =
    "take it out, or compile with --lenient, which leaves it out here and keeps it for PostgreSQL";

static const struct trigger_def *
trigger_find(struct compiler *c, const struct relation_def *relation, const char *name) {
  for (int i = 0; i < c->model->trigger_count; i++) {
    const struct trigger_def *trigger = c->model->triggers[i];
    if (trigger->relation == relation && strcmp(trigger->name, name) == 0) return trigger;
  }
  return NULL;
}

/* Why the trigger cannot be one of SQLite's; NULL when it can. */
static const char *trigger_problem(const PgQuery__CreateTrigStmt *statement,
                                   const struct relation_def *relation) {
  if (relation->is_view || (statement->timing & TRIGGER_INSTEAD_BIT) != 0)
    return "views are read-only here";
  if (statement->isconstraint) return "constraint triggers are not supported";
  if (!statement->row) return "triggers FOR EACH STATEMENT are not supported: SQLite has none";
  if (statement->n_transition_rels > 0) return "transition tables are not supported";
  if ((statement->events & TRIGGER_TRUNCATE_BIT) != 0) return "there is no TRUNCATE";
  return NULL;
}

void ddl_create_trigger(struct compiler *c, const PgQuery__CreateTrigStmt *statement) {
  int location = statement->relation->location;
  struct relation_def *relation = relation_of_range(c, statement->relation, false);
  if (relation == NULL) return;
  if (!name_check(c, location, "trigger", statement->trigname)) return;
  if (trigger_find(c, relation, statement->trigname) != NULL) {
    if (!statement->replace) {
      note_error(c, location, "42710", NULL, "trigger \"%s\" for relation \"%s\" already exists",
                 statement->trigname, relation->name);
      return;
    }
    for (int i = c->model->trigger_count - 1; i >= 0; i--) {
      const struct trigger_def *old = c->model->triggers[i];
      if (old->relation == relation && strcmp(old->name, statement->trigname) == 0)
        REMOVE(c->model->triggers, c->model->trigger_count, i);
    }
  }
  const char *problem = trigger_problem(statement, relation);
  if (problem != NULL) {
    ddl_leave_out(c, location, trigger_hint, "trigger \"%s\": %s", statement->trigname, problem);
    if (!c->options->lenient) return;
  }
  struct trigger_def *trigger = compiler_alloc(c, sizeof *trigger);
  trigger->name = statement->trigname;
  trigger->relation = relation;
  trigger->before = (statement->timing & TRIGGER_BEFORE_BIT) != 0;
  trigger->on_insert = (statement->events & TRIGGER_INSERT_BIT) != 0;
  trigger->on_update = (statement->events & TRIGGER_UPDATE_BIT) != 0;
  trigger->on_delete = (statement->events & TRIGGER_DELETE_BIT) != 0;
  trigger->statement = problem == NULL ? statement : NULL;
  trigger->place = place_here(c, location);
  for (size_t i = 0; i < statement->n_columns; i++) {
    const char *column = node_string(statement->columns[i]);
    if (find_column(relation, column) == NULL) {
      note_error(c, location, "42703", NULL, "column \"%s\" of relation \"%s\" does not exist",
                 column, relation->name);
      return;
    }
    *APPEND(c, trigger->columns, trigger->column_count) = column;
  }
  PgQuery__CreateTrigStmt *copy = compiler_alloc(c, sizeof *copy);
  PgQuery__Node node = PG_QUERY__NODE__INIT;
  *copy = *statement;
  copy->replace = 0;
  const char *function = node_string(statement->funcname[statement->n_funcname - 1]);
  const char *function_schema =
      statement->n_funcname > 1 ? node_string(statement->funcname[0]) : NULL;
  const struct function_def *found = find_function(c, function_schema, function, 0);
  if (found != NULL) {
    copy->n_funcname = 2;
    copy->funcname = compiler_alloc(c, 2 * sizeof *copy->funcname);
    copy->funcname[0] = node_of_string(c, found->schema);
    copy->funcname[1] = node_of_string(c, found->name);
  }
  node.node_case = PG_QUERY__NODE__NODE_CREATE_TRIG_STMT;
  node.create_trig_stmt = copy;
  trigger->definition = deparse_statement(c, &node);
  *APPEND(c, c->model->triggers, c->model->trigger_count) = trigger;
}

/* ---- when all is known */

/* moddatetime(column) of the extension of that name. */
static bool trigger_moddatetime(struct compiler *c, const struct trigger_def *trigger, int *count,
                                struct trigger_step **steps) {
  const PgQuery__CreateTrigStmt *statement = trigger->statement;
  const char *name = node_string(statement->funcname[statement->n_funcname - 1]);
  if (strcmp(name, "moddatetime") != 0 || statement->n_args != 1 ||
      node_string(statement->args[0]) == NULL)
    return false;
  const struct column_def *column = find_column(trigger->relation, node_string(statement->args[0]));
  PgQuery__Node *node = parse_expression(c, "now()", trigger->place.location);
  struct scope nothing = {0};
  struct expression value;
  if (column == NULL || node == NULL || !expression_translate(c, node, &nothing, &value) ||
      !expression_coerce(c, &value, &column->type, false)) {
    return false;
  }
  struct trigger_step *step = APPEND(c, *steps, *count);
  step->kind = 'a';
  step->column = column->name;
  step->expression_sql = value.sql;
  step->plain_sql = default_plain_now_of(c, node, column);
  step->is_stable = true;
  return true;
}

static bool trigger_steps(struct compiler *c, const struct trigger_def *trigger, const char *event,
                          int *count, struct trigger_step **steps) {
  const PgQuery__CreateTrigStmt *statement = trigger->statement;
  const char *name = node_string(statement->funcname[statement->n_funcname - 1]);
  const char *schema = statement->n_funcname > 1 ? node_string(statement->funcname[0]) : NULL;
  const struct function_def *function = find_function(c, schema, name, 0);
  if (function == NULL) {
    if (trigger_moddatetime(c, trigger, count, steps)) return true;
    return note_error(c, trigger->place.location, "42883", NULL, "function %s() does not exist",
                      name);
  }
  if (!function->is_trigger)
    return note_error(c, trigger->place.location, "42P17", NULL,
                      "function %s must return type trigger", name);
  if (strcmp(function->language, "plpgsql") != 0) {
    return note_error(c, trigger->place.location, "0A000", trigger_hint,
                      "trigger function %s() is written in %s, not in PL/pgSQL", name,
                      function->language);
  }
  return plpgsql_steps(c, trigger, function, event, count, steps);
}

static bool trigger_same_text(const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool trigger_same_steps(const struct trigger_def *a, int count,
                               const struct trigger_step *steps) {
  if (a->step_count != count) return false;
  for (int i = 0; i < count; i++) {
    const struct trigger_step *x = &a->steps[i], *y = &steps[i];
    if (x->kind != y->kind || !trigger_same_text(x->condition_sql, y->condition_sql) ||
        !trigger_same_text(x->column, y->column) ||
        !trigger_same_text(x->expression_sql, y->expression_sql) ||
        !trigger_same_text(x->sqlstate, y->sqlstate) ||
        !trigger_same_text(x->message, y->message)) {
      return false;
    }
  }
  return true;
}

struct trigger_event {
  const char *name;
  bool wanted;
};

/* The trigger's parts: one for each set of events that do the same. */
static bool trigger_split(struct compiler *c, const struct trigger_def *trigger, int *part_count,
                          struct trigger_def ***parts) {
  const struct trigger_event events[] = {{"INSERT", trigger->on_insert},
                                         {"UPDATE", trigger->on_update},
                                         {"DELETE", trigger->on_delete}};
  for (int e = 0; e < 3; e++) {
    struct trigger_step *steps = NULL;
    struct trigger_def *part = NULL;
    int count = 0;
    if (!events[e].wanted) continue;
    if (!trigger_steps(c, trigger, events[e].name, &count, &steps)) return false;
    for (int i = 0; i < *part_count && part == NULL; i++) {
      if (trigger_same_steps((*parts)[i], count, steps)) part = (*parts)[i];
    }
    if (part == NULL) {
      part = compiler_alloc(c, sizeof *part);
      *part = *trigger;
      part->on_insert = part->on_update = part->on_delete = false;
      part->step_count = count;
      part->steps = steps;
      if (*part_count > 0) part->definition = NULL;
      *APPEND(c, *parts, *part_count) = part;
    }
    part->on_insert = part->on_insert || e == 0;
    part->on_update = part->on_update || e == 1;
    part->on_delete = part->on_delete || e == 2;
  }
  return true;
}

void finish_triggers(struct compiler *c) {
  struct trigger_def **all = NULL;
  int all_count = 0;
  for (int i = 0; i < c->model->trigger_count; i++) {
    struct trigger_def *trigger = c->model->triggers[i], **parts = NULL;
    int part_count = 0;
    struct place before = place_enter(c, trigger->place);
    bool was_quiet = c->quiet;
    c->quiet = c->options->lenient;
    c->trial.sqlstate[0] = '\0';
    bool is_read = trigger->statement != NULL && trigger_split(c, trigger, &part_count, &parts);
    c->quiet = was_quiet;
    place_enter(c, trigger->place);
    if (is_read) {
      for (int k = 0; k < part_count; k++) *APPEND(c, all, all_count) = parts[k];
    } else {
      /* Kept without steps for the export. */
      if (c->options->lenient && trigger->statement != NULL) {
        note(c, SCHEMA_SKIPPED, trigger->place.location, NULL, "left out: trigger \"%s\": %s",
             trigger->name, c->trial.message);
      }
      trigger->step_count = 0;
      *APPEND(c, all, all_count) = trigger;
    }
    c->trial.sqlstate[0] = '\0';
    place_enter(c, before);
  }
  c->model->triggers = all;
  c->model->trigger_count = all_count;
}
