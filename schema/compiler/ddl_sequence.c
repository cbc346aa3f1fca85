/*
** ddl_sequence: CREATE and ALTER SEQUENCE, the sequences of serial and identity columns, SELECT setval(...).
*/
#include "ddl.h"

#include <errno.h>
#include <stdlib.h>

static void sequence_bounds(enum sqltype_id type, int64_t *minimum, int64_t *maximum) {
  *maximum = type == SQL_INT2 ? INT16_MAX : type == SQL_INT4 ? INT32_MAX : INT64_MAX;
  *minimum = -*maximum - 1;
}

/* An integer of any size: Integer, Float (digits) or a constant of either. */
static bool sequence_number(struct compiler *c, const PgQuery__Node *node, int64_t *out) {
  const char *digits = NULL;
  if (node != NULL && node->node_case == PG_QUERY__NODE__NODE_A_CONST) {
    const PgQuery__AConst *constant = node->a_const;
    if (constant->val_case == PG_QUERY__A__CONST__VAL_IVAL) {
      *out = constant->ival->ival;
      return true;
    }
    if (constant->val_case == PG_QUERY__A__CONST__VAL_FVAL) digits = constant->fval->fval;
  } else if (node != NULL && node->node_case == PG_QUERY__NODE__NODE_INTEGER) {
    *out = node->integer->ival;
    return true;
  } else if (node != NULL && node->node_case == PG_QUERY__NODE__NODE_FLOAT) {
    digits = node->float_->fval;
  }
  if (digits != NULL) {
    char *end;
    errno = 0;
    *out = strtoll(digits, &end, 10);
    if (errno == 0 && *end == '\0') return true;
  }
  return note_error(c, 0, "22023", NULL,
                    "a sequence's number must be a whole number that fits bigint");
}

static bool sequence_owner(struct compiler *c, struct sequence_def *sequence,
                           const PgQuery__Node *node) {
  const PgQuery__List *list = node->list;
  if (list->n_items == 1) { /* NONE */
    sequence->owner = NULL;
    sequence->owner_column = NULL;
    return true;
  }
  const char *column = node_string(list->items[list->n_items - 1]),
             *table = node_string(list->items[list->n_items - 2]);
  const char *schema = list->n_items > 2 ? node_string(list->items[list->n_items - 3]) : NULL;
  struct relation_def *relation = find_relation(c, schema, table);
  if (relation == NULL)
    return note_error(c, 0, "42P01", NULL, "relation \"%s\" does not exist", table);
  if (find_column(relation, column) == NULL) {
    return note_error(c, 0, "42703", NULL, "column \"%s\" of relation \"%s\" does not exist",
                      column, table);
  }
  sequence->owner = relation;
  sequence->owner_column = column;
  return true;
}

struct sequence_given {
  bool start, minimum, maximum, type, restart;
};

static bool sequence_option(struct compiler *c, struct sequence_def *sequence,
                            const PgQuery__DefElem *option, struct sequence_given *given) {
  const char *name = option->defname;
  const PgQuery__Node *value = option->arg;
  if (strcmp(name, "as") == 0) {
    struct sqltype type;
    if (!sqltype_resolve(c, value->type_name, &type)) return false;
    if (type.id != SQL_INT2 && type.id != SQL_INT4 && type.id != SQL_INT8) {
      return note_error(c, option->location, "22023", NULL,
                        "sequence type must be smallint, integer, or bigint");
    }
    given->type = true;
    sequence->type = type.id;
  } else if (strcmp(name, "start") == 0) {
    given->start = true;
    return sequence_number(c, value, &sequence->start);
  } else if (strcmp(name, "increment") == 0) {
    if (!sequence_number(c, value, &sequence->increment)) return false;
    if (sequence->increment == 0)
      return note_error(c, option->location, "22023", NULL, "INCREMENT must not be zero");
  } else if (strcmp(name, "minvalue") == 0) {
    given->minimum = value != NULL;
    return value == NULL || sequence_number(c, value, &sequence->minimum);
  } else if (strcmp(name, "maxvalue") == 0) {
    given->maximum = value != NULL;
    return value == NULL || sequence_number(c, value, &sequence->maximum);
  } else if (strcmp(name, "cycle") == 0) {
    sequence->cycle = value != NULL && value->node_case == PG_QUERY__NODE__NODE_BOOLEAN &&
                      value->boolean->boolval;
  } else if (strcmp(name, "owned_by") == 0) {
    return sequence_owner(c, sequence, value);
  } else if (strcmp(name, "restart") == 0) {
    given->restart = true;
    sequence->is_called = false;
    if (value == NULL)
      sequence->last_value = sequence->start;
    else
      return sequence_number(c, value, &sequence->last_value);
  } else if (strcmp(name, "cache") != 0 && strcmp(name, "sequence_name") != 0 &&
             strcmp(name, "logged") != 0) {
    return note_error(c, option->location, "0A000", NULL,
                      "option %s of a sequence is not supported", name);
  }
  return true;
}

bool sequence_options(struct compiler *c, struct sequence_def *sequence, bool is_new,
                      size_t option_count, PgQuery__Node *const *options) {
  struct sequence_given given = {0};
  int64_t old_minimum, old_maximum, minimum, maximum;
  sequence_bounds(sequence->type, &old_minimum, &old_maximum);
  for (size_t i = 0; i < option_count; i++) {
    if (!sequence_option(c, sequence, options[i]->def_elem, &given)) return false;
  }
  sequence_bounds(sequence->type, &minimum, &maximum);
  bool ascends = sequence->increment > 0;
  if (!given.maximum && (is_new || sequence->maximum == old_maximum))
    sequence->maximum = ascends ? maximum : -1;
  if (!given.minimum && (is_new || sequence->minimum == old_minimum))
    sequence->minimum = ascends ? 1 : minimum;
  if (is_new && !given.start) sequence->start = ascends ? sequence->minimum : sequence->maximum;
  if (sequence->minimum >= sequence->maximum || sequence->minimum < minimum ||
      sequence->maximum > maximum) {
    return note_error(
        c, 0, "22023", NULL,
        "MINVALUE (%lld) and MAXVALUE (%lld) of sequence \"%s\" leave no range of its type",
        (long long)sequence->minimum, (long long)sequence->maximum, sequence->name);
  }
  if (sequence->start < sequence->minimum || sequence->start > sequence->maximum) {
    return note_error(c, 0, "22023", NULL,
                      "START value (%lld) of sequence \"%s\" is outside its range",
                      (long long)sequence->start, sequence->name);
  }
  if (is_new && !given.restart) sequence->last_value = sequence->start;
  return true;
}

struct sequence_def *sequence_make(struct compiler *c, const char *schema, const char *name,
                                   enum sqltype_id type, size_t option_count,
                                   PgQuery__Node *const *options) {
  if (!name_check(c, 0, "sequence", name)) return NULL;
  if (relation_name_is_used(c, schema, name)) {
    note_error(c, 0, "42P07", NULL, "relation \"%s\" already exists", name);
    return NULL;
  }
  struct sequence_def *sequence = compiler_alloc(c, sizeof *sequence);
  sequence->schema = schema;
  sequence->name = name;
  sequence->stored_name = stored_name(c, schema, name);
  sequence->type = type;
  sequence->increment = 1;
  if (!sequence_options(c, sequence, true, option_count, options)) return NULL;
  *APPEND(c, c->model->sequences, c->model->sequence_count) = sequence;
  return sequence;
}

void sequence_serial(struct compiler *c, struct relation_def *relation, struct column_def *column) {
  const char *name =
      name_choose_relation(c, relation->schema, relation->name, column->name, "seq", false);
  column->sequence = sequence_make(c, relation->schema, name, column->type.id, 0, NULL);
  if (column->sequence == NULL) return;
  column->sequence->owner = relation;
  column->sequence->owner_column = column->name;
}

void sequence_identity(struct compiler *c, struct relation_def *relation, struct column_def *column,
                       const PgQuery__Constraint *node) {
  const char *schema = relation->schema, *name = NULL;
  enum sqltype_id type = column->type.id;
  if (column->type.is_array || (type != SQL_INT2 && type != SQL_INT4 && type != SQL_INT8)) {
    note_error(c, node->location, "22023", NULL,
               "identity column type must be smallint, integer, or bigint");
    return;
  }
  if (column->default_node != NULL || column->sequence != NULL) {
    note_error(c, node->location, "42601", NULL,
               "both default and identity specified for column \"%s\" of table \"%s\"",
               column->name, relation->name);
    return;
  }
  for (size_t i = 0; i < node->n_options; i++) {
    const PgQuery__DefElem *option = node->options[i]->def_elem;
    if (strcmp(option->defname, "sequence_name") == 0 &&
        !names_of_list(c, option->arg->list->n_items, option->arg->list->items, &schema, &name)) {
      return;
    }
  }
  if (name == NULL)
    name = name_choose_relation(c, schema, relation->name, column->name, "seq", false);
  column->sequence = sequence_make(c, schema, name, type, node->n_options, node->options);
  if (column->sequence == NULL) return;
  column->sequence->is_identity = true;
  column->sequence->owner = relation;
  column->sequence->owner_column = column->name;
  column->identity = node->generated_when[0];
  column->not_null = true;
}

void ddl_create_sequence(struct compiler *c, const PgQuery__CreateSeqStmt *statement) {
  const char *schema, *name;
  if (!names_of_range(c, statement->sequence, &schema, &name)) return;
  if (statement->if_not_exists && relation_name_is_used(c, schema, name)) {
    note(c, SCHEMA_SKIPPED, statement->sequence->location, NULL,
         "relation \"%s\" already exists, skipping", name);
    return;
  }
  sequence_make(c, schema, name, SQL_INT8, statement->n_options, statement->options);
}

void ddl_alter_sequence(struct compiler *c, const PgQuery__AlterSeqStmt *statement) {
  const char *schema, *name;
  if (!names_of_range(c, statement->sequence, &schema, &name)) return;
  struct sequence_def *sequence = find_sequence(c, schema, name);
  if (sequence != NULL)
    sequence_options(c, sequence, false, statement->n_options, statement->options);
  else if (!statement->missing_ok)
    note_error(c, statement->sequence->location, "42P01", NULL, "relation \"%s\" does not exist",
               name);
}

/* ---- SELECT setval(...) and the set_config() that pg_dump writes */

static const char *sequence_text(const PgQuery__Node *node) {
  while (node->node_case == PG_QUERY__NODE__NODE_TYPE_CAST) node = node->type_cast->arg;
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
      node->a_const->val_case != PG_QUERY__A__CONST__VAL_SVAL)
    return NULL;
  return node->a_const->sval->sval;
}

/* 'name' or pg_get_serial_sequence('table', 'column'). */
static struct sequence_def *sequence_argument(struct compiler *c, const PgQuery__Node *node) {
  const char *schema, *name;
  const char *text = sequence_text(node);
  if (text != NULL)
    return names_of_text(c, text, &schema, &name) ? find_sequence(c, schema, name) : NULL;
  if (node->node_case != PG_QUERY__NODE__NODE_FUNC_CALL || node->func_call->n_args != 2)
    return NULL;
  const char *function = node_string(node->func_call->funcname[node->func_call->n_funcname - 1]);
  const char *table = sequence_text(node->func_call->args[0]),
             *column_name = sequence_text(node->func_call->args[1]);
  if (function == NULL || strcmp(function, "pg_get_serial_sequence") != 0 || table == NULL ||
      column_name == NULL || !names_of_text(c, table, &schema, &name)) {
    return NULL;
  }
  const struct relation_def *relation = find_relation(c, schema, name);
  const struct column_def *column = relation != NULL ? find_column(relation, column_name) : NULL;
  return column != NULL ? column->sequence : NULL;
}

static void sequence_setval(struct compiler *c, const PgQuery__FuncCall *call) {
  struct ddl_insert set = {.is_called = true, .place = place_here(c, call->location)};
  set.sequence = call->n_args >= 2 ? sequence_argument(c, call->args[0]) : NULL;
  if (set.sequence == NULL) {
    note_error(c, call->location, "42P01", NULL, "setval() of a sequence that does not exist");
    return;
  }
  if (call->args[1]->node_case != PG_QUERY__NODE__NODE_A_CONST) {
    note_error(c, call->location, "0A000",
               "write the number; or leave it out, seed rows that take their keys from the "
               "sequence move it",
               "setval() takes a constant here");
    return;
  }
  if (!sequence_number(c, call->args[1], &set.value)) return;
  if (set.value < set.sequence->minimum || set.value > set.sequence->maximum) {
    note_error(c, call->location, "22003", NULL,
               "setval: value %lld is out of bounds for sequence \"%s\"", (long long)set.value,
               set.sequence->name);
    return;
  }
  if (call->n_args == 3) {
    const PgQuery__Node *flag = call->args[2];
    if (flag->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        flag->a_const->val_case != PG_QUERY__A__CONST__VAL_BOOLVAL) {
      note_error(c, call->location, "0A000", NULL,
                 "the third argument of setval() must be true or false");
      return;
    }
    set.is_called = flag->a_const->boolval->boolval;
  }
  struct ddl *ddl = ddl_of(c);
  *APPEND(c, ddl->inserts, ddl->insert_count) = set;
}

void ddl_select(struct compiler *c, const PgQuery__SelectStmt *statement) {
  for (size_t i = 0; i < statement->n_target_list; i++) {
    const PgQuery__Node *value = statement->target_list[i]->res_target->val;
    const char *name =
        value != NULL && value->node_case == PG_QUERY__NODE__NODE_FUNC_CALL
            ? node_string(value->func_call->funcname[value->func_call->n_funcname - 1])
            : NULL;
    if (name != NULL && strcmp(name, "setval") == 0 && statement->n_from_clause == 0) {
      sequence_setval(c, value->func_call);
    } else if (name != NULL && strcmp(name, "set_config") == 0) {
      note(c, SCHEMA_SKIPPED, 0, NULL, "set_config() means nothing here");
    } else {
      ddl_leave_out(c, 0, "take it out, or compile with --lenient, which leaves it out",
                    "SELECT in a schema file is not run: what its functions do is unknown here");
      return;
    }
  }
  if (statement->n_target_list == 0)
    note_error(c, 0, "0A000", "take it out of the schema file", "this SELECT is not supported");
}
