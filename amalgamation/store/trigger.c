/*
** trigger.c: the schema's triggers on our own connections. The triggers in the file are there for foreign writers, who
** have none of our functions; here they are off (connection.c), and this is in their place:
**   assign  NEW.c := ... of a BEFORE trigger becomes part of the statement that writes the row: trigger_image()
**   raise, insert   become TEMP triggers, which fire for cascades too
** A cascade (SET NULL, SET DEFAULT, ON UPDATE CASCADE) is SQLite's own statement: for the tables that one can change, the
** assignments of BEFORE UPDATE stand in TEMP triggers as well. Assignments come before the refusals of the same BEFORE event, whatever the triggers' names.
*/
#include "../internal.h"

/* Does the trigger fire for the event, when an UPDATE sets the columns marked in `changed`? */
static bool trigger_fires(const struct trigger *trigger, int event, const bool *changed) {
  if ((trigger->events & event) == 0) return false;
  if (event != TRIGGER_UPDATE || trigger->column_count == 0 || changed == NULL) return true;
  for (int i = 0; i < trigger->column_count; i++) {
    if (changed[trigger->columns[i]]) return true;
  }
  return false;
}

LEDGER_PRIVATE int trigger_assigned(const struct relation *relation, int event, const bool *changed,
                                    bool *assigned) {
  int count = 0;
  memset(assigned, 0, (size_t)relation->column_count * sizeof *assigned);
  for (int t = 0; t < relation->trigger_count; t++) {
    const struct trigger *trigger = &relation->triggers[t];
    if (!trigger->before || !trigger_fires(trigger, event, changed)) continue;
    for (int s = 0; s < trigger->step_count; s++) {
      if (trigger->steps[s].kind == 'a') assigned[trigger->steps[s].column] = true;
    }
  }
  for (int c = 0; c < relation->column_count; c++) {
    if (relation->columns[c].generated_sql != NULL) assigned[c] = true;
    count += assigned[c];
  }
  return count;
}

/* One step around `inner`: every column as it is, but the assigned one. */
static void trigger_step_image(sqlite3_str *out, const struct relation *relation,
                               const struct trigger_step *step, const char *inner) {
  sqlite3_str_appendall(out, "SELECT ");
  for (int c = 0; c < relation->column_count; c++) {
    const char *name = relation->columns[c].name;
    if (c > 0) sqlite3_str_appendall(out, ", ");
    if (c != step->column) {
      sqlite3_str_appendf(out, "\"new\".\"%w\" AS \"%w\"", name, name);
    } else if (step->condition_sql == NULL) {
      sqlite3_str_appendf(out, "(%s) AS \"%w\"", step->expression_sql, name);
    } else {
      sqlite3_str_appendf(out, "CASE WHEN (%s) THEN (%s) ELSE \"new\".\"%w\" END AS \"%w\"",
                          step->condition_sql, step->expression_sql, name, name);
    }
  }
  sqlite3_str_appendf(out, " FROM (%s) AS \"new\"", inner);
}

LEDGER_PRIVATE char *trigger_image(const struct relation *relation, int event, const bool *changed,
                                   char *inner) {
  for (int t = 0; t < relation->trigger_count; t++) {
    const struct trigger *trigger = &relation->triggers[t];
    if (!trigger->before || !trigger_fires(trigger, event, changed)) continue;
    for (int s = 0; s < trigger->step_count && inner != NULL; s++) {
      if (trigger->steps[s].kind != 'a') continue;
      sqlite3_str *outer = sqlite3_str_new(NULL);
      trigger_step_image(outer, relation, &trigger->steps[s], inner);
      sqlite3_free(inner);
      inner = sqlite3_str_finish(outer);
    }
  }
  if (inner == NULL) return NULL;
  sqlite3_str *image = sqlite3_str_new(NULL);
  sqlite3_str_appendall(image, "SELECT ");
  for (int c = 0; c < relation->column_count; c++) {
    const struct column *column = &relation->columns[c];
    if (c > 0) sqlite3_str_appendall(image, ", ");
    if (column->generated_sql == NULL)
      sqlite3_str_appendf(image, "\"%w\"", column->name);
    else
      sqlite3_str_appendf(image, "(%s) AS \"%w\"", column->generated_sql, column->name);
  }
  sqlite3_str_appendf(image, " FROM (%s) AS \"new\"", inner);
  sqlite3_free(inner);
  return sqlite3_str_finish(image);
}

/* ---- TEMP triggers */

static const char *trigger_event_name(int event) {
  return event == TRIGGER_INSERT ? "INSERT" : event == TRIGGER_UPDATE ? "UPDATE" : "DELETE";
}

/* One step for one event. Each is a trigger of its own, for a whole statement can be made conditional only by WHEN. */
static int trigger_create(ledger *db, const struct relation *relation,
                          const struct trigger *trigger, const struct trigger_step *step, int event,
                          int number) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "CREATE TEMP TRIGGER \"ledger_trigger_%d\" %s %s", number,
                      trigger->before ? "BEFORE" : "AFTER", trigger_event_name(event));
  for (int i = 0; event == TRIGGER_UPDATE && i < trigger->column_count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " OF " : ", ",
                        relation->columns[trigger->columns[i]].name);
  }
  sqlite3_str_appendf(sql, " ON main.\"%w\"", relation->stored_name);
  if (step->condition_sql != NULL) sqlite3_str_appendf(sql, " WHEN (%s)", step->condition_sql);
  if (step->kind == 'r') {
    /* The message follows the SQLSTATE within one literal: %q doubles its quotes. */
    sqlite3_str_appendf(sql, " BEGIN SELECT RAISE(ABORT, '%q: %q'); END",
                        step->sqlstate == NULL ? "P0001" : step->sqlstate, step->message);
  } else {
    sqlite3_str_appendf(sql, " BEGIN %s; END", step->expression_sql);
  }
  char *text = sqlite3_str_finish(sql);
  int rc = text == NULL ? SQLITE_NOMEM : sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
  sqlite3_free(text);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int trigger_remove(ledger *db) {
  for (int number = 0; number < db->trigger_count; number++) {
    char *sql = sqlite3_mprintf("DROP TRIGGER IF EXISTS temp.\"ledger_trigger_%d\"", number);
    int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    if (rc != SQLITE_OK) return store_error(db, rc);
  }
  db->trigger_count = 0;
  return LEDGER_OK;
}

static int trigger_install_one(ledger *db, const struct relation *relation,
                               const struct trigger *trigger) {
  int rc = LEDGER_OK;
  for (int s = 0; s < trigger->step_count; s++) {
    if (trigger->steps[s].kind == 'a') continue;
    for (int event = TRIGGER_INSERT; event <= TRIGGER_DELETE && rc == LEDGER_OK; event *= 2) {
      if ((trigger->events & event) == 0) continue;
      rc = trigger_create(db, relation, trigger, &trigger->steps[s], event, db->trigger_count);
      if (rc == LEDGER_OK) db->trigger_count++;
    }
  }
  return rc;
}

/* ---- cascades */

/* Foreign keys whose action changes the referencing row. */
static bool trigger_is_cascade(const struct constraint *key) {
  return key->kind == 'f' &&
         (key->on_delete == 'n' || key->on_delete == 'd' || key->on_update == 'c' ||
          key->on_update == 'n' || key->on_update == 'd');
}

/* Fires when a key changed and the assigned column did not: our own UPDATE has assigned it already, a cascade has not. */
static int trigger_create_cascade(ledger *db, const struct relation *relation,
                                  const struct constraint *key, const struct trigger_step *step) {
  const char *assigned = relation->columns[step->column].name;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "CREATE TEMP TRIGGER \"ledger_trigger_%d\" AFTER UPDATE OF ",
                      db->trigger_count);
  for (int i = 0; i < key->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ",
                        relation->columns[key->columns[i]].name);
  sqlite3_str_appendf(sql, " ON main.\"%w\" WHEN new.\"%w\" IS old.\"%w\" AND (",
                      relation->stored_name, assigned, assigned);
  for (int i = 0; i < key->count; i++) {
    const char *name = relation->columns[key->columns[i]].name;
    sqlite3_str_appendf(sql, "%snew.\"%w\" IS NOT old.\"%w\"", i == 0 ? "" : " OR ", name, name);
  }
  sqlite3_str_appendall(sql, ")");
  if (step->condition_sql != NULL) sqlite3_str_appendf(sql, " AND (%s)", step->condition_sql);
  sqlite3_str_appendf(sql, " BEGIN UPDATE \"%w\" SET \"%w\" = (%s) WHERE rowid = new.rowid; END",
                      relation->stored_name, assigned, step->expression_sql);
  char *text = sqlite3_str_finish(sql);
  int rc = text == NULL ? SQLITE_NOMEM : sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
  sqlite3_free(text);
  if (rc != SQLITE_OK) return store_error(db, rc);
  db->trigger_count++;
  return LEDGER_OK;
}

static int trigger_install_cascades(ledger *db, const struct relation *relation,
                                    const struct trigger *trigger) {
  int rc = LEDGER_OK;
  if (!trigger->before || (trigger->events & TRIGGER_UPDATE) == 0) return LEDGER_OK;
  for (int k = 0; k < relation->constraint_count; k++) {
    const struct constraint *key = relation->constraints[k];
    for (int s = 0; s < trigger->step_count && rc == LEDGER_OK; s++) {
      if (trigger->steps[s].kind == 'a' && trigger_is_cascade(key))
        rc = trigger_create_cascade(db, relation, key, &trigger->steps[s]);
    }
  }
  return rc;
}

LEDGER_PRIVATE int trigger_install(ledger *db) {
  int rc = trigger_remove(db);
  for (int i = 0; i < db->catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    for (int t = 0; t < relation->trigger_count && rc == LEDGER_OK; t++) {
      rc = trigger_install_one(db, relation, &relation->triggers[t]);
      if (rc == LEDGER_OK) rc = trigger_install_cascades(db, relation, &relation->triggers[t]);
    }
  }
  return rc;
}
