/*
** ddl_encrypted: columns whose comment has the line @encrypted. What reads such a column in SQL would read a ciphertext, which is
** another one each time: no key, index, check, generated column, trigger or policy may.
*/
#include "ddl.h"

/* Does a line of the comment say so, and nothing else? */
static bool encrypted_is_marked(const char *comment) {
  static const char mark[] = "@encrypted";
  size_t length = sizeof mark - 1;
  for (const char *line = comment; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, mark, length) == 0 && (line[length] == 0 || line[length] == '\n'))
      return true;
  }
  return false;
}

static bool encrypted_fits(const struct sqltype *type) {
  if (type->is_array || type->domain != NULL) return false;
  return type->id == SQL_TEXT || type->id == SQL_JSON || type->id == SQL_JSONB ||
         (type->id == SQL_VARCHAR && type->length < 0);
}

static bool encrypted_names(int count, const char *const *columns, const char *name) {
  for (int i = 0; i < count; i++) {
    if (columns[i] != NULL && strcmp(columns[i], name) == 0) return true;
  }
  return false;
}

/* What reads the column, in words; NULL: nothing does. Translated text has every column in double quotes. */
static const char *encrypted_reader(struct compiler *c, const struct relation_def *relation,
                                    const struct column_def *column) {
  const struct model *model = c->model;
  const char *name = quoted(c, column->name);
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint_def *constraint = &relation->constraints[i];
    if (encrypted_names(constraint->column_count, constraint->columns, column->name) ||
        (constraint->check_sql != NULL && strstr(constraint->check_sql, name) != NULL))
      return compiler_format(c, "constraint \"%s\"", constraint->name);
  }
  for (int i = 0; i < relation->column_count; i++) {
    const struct column_def *other = &relation->columns[i];
    if (!other->dropped && other->generated_sql != NULL &&
        strstr(other->generated_sql, name) != NULL)
      return compiler_format(c, "generated column \"%s\"", other->name);
  }
  for (int i = 0; i < model->index_count; i++) {
    const struct index_def *index = model->indexes[i];
    if (index->relation != relation) continue;
    if (encrypted_names(index->column_count, index->columns, column->name) ||
        (index->key_sql != NULL && strstr(index->key_sql, name) != NULL) ||
        (index->predicate_sql != NULL && strstr(index->predicate_sql, name) != NULL))
      return compiler_format(c, "index \"%s\"", index->name);
  }
  for (int i = 0; i < model->trigger_count; i++) {
    const struct trigger_def *trigger = model->triggers[i];
    if (trigger->relation != relation) continue;
    for (int s = 0; s < trigger->step_count; s++) {
      const struct trigger_step *step = &trigger->steps[s];
      const char *assigned = step->column;
      if ((assigned != NULL && strcmp(assigned, column->name) == 0) ||
          (step->condition_sql != NULL && strstr(step->condition_sql, name) != NULL) ||
          (step->expression_sql != NULL && strstr(step->expression_sql, name) != NULL))
        return compiler_format(c, "trigger \"%s\"", trigger->name);
    }
  }
  for (int i = 0; i < model->policy_count; i++) {
    const struct policy_def *policy = model->policies[i];
    if (policy->relation != relation) continue;
    if ((policy->using_sql != NULL && strstr(policy->using_sql, name) != NULL) ||
        (policy->check_sql != NULL && strstr(policy->check_sql, name) != NULL))
      return compiler_format(c, "policy \"%s\"", policy->name);
  }
  return NULL;
}

static void encrypted_check(struct compiler *c, const struct relation_def *relation,
                            const struct column_def *column) {
  struct place before = place_enter(c, column->place);
  const char *reader;
  if (!encrypted_fits(&column->type) || column->generated_node != NULL) {
    note_error(c, column->place.location, "0A000",
               "A ciphertext fits into text, character varying without a length, json and jsonb.",
               "column \"%s\" of type %s cannot be @encrypted", column->name,
               sqltype_format(c, &column->type));
  } else if ((reader = encrypted_reader(c, relation, column)) != NULL) {
    note_error(c, column->place.location, "0A000",
               "What is encrypted is another text each time: nothing can compare it or look into "
               "it.",
               "column \"%s\" cannot be @encrypted: %s reads it", column->name, reader);
  }
  place_enter(c, before);
}

void finish_encrypted(struct compiler *c) {
  for (int i = 0; i < c->model->relation_count; i++) {
    const struct relation_def *relation = c->model->relations[i];
    for (int n = 0; !relation->is_view && n < relation->column_count; n++) {
      const struct column_def *column = &relation->columns[n];
      if (!column->dropped && encrypted_is_marked(column->comment))
        encrypted_check(c, relation, column);
    }
  }
}
