/*
** observe.c: what becomes of the rows that a statement wrote. SQLite's preupdate hook says which these are, with the values
** before and after, whatever wrote them: the statement itself, a foreign key's action, a trigger. Nothing may be written while
** the hook runs, so that the rows are kept in the call's arena, all that a statement writes, and told when it is done: their
** keys to change.c, and the rows of some relations to the observer (store.h). Of the others nothing but the key is kept.
**
** An objection undoes the statement: outside of the caller's transaction that is rolled back, inside of it a savepoint is.
** The hook is set for the statements that can write more rows than one, or a row that the observer wants. The row of a plain
** INSERT is known without it, and what the book writes costs nothing here. A key that cannot be noted, for want of memory or of
** disk, takes the whole transaction with it: a savepoint for each statement would cost more than the notes.
**
** The hook needs a SQLite that was compiled with SQLITE_ENABLE_PREUPDATE_HOOK: the one that build.sh makes, Debian's, Fedora's.
*/
#include "../internal.h"
#include "write.h"

struct observe_row {
  struct observe_row *next;
  const struct relation *relation;
  struct value *before, *after; /* of one that is wanted; NULL: inserted, deleted */
  struct value keys[2];         /* of one that is followed: before and after, where they differ */
  int key_count;
};

/* ---- which relations */

static bool observe_acts(const struct constraint *key) {
  const char actions[] = {key->on_delete, key->on_update, 0};
  return key->kind == 'f' && strpbrk(actions, "cnd") != NULL;
}

/* May a write to the relation reach a row that is wanted or is main's, by what is known so far? By itself, by what a trigger
** inserts, by foreign keys. */
static bool observe_reaches(const struct relation *relation) {
  bool reaches = relation->is_wanted || relation->is_mains;
  for (int t = 0; t < relation->trigger_count; t++) {
    for (int s = 0; s < relation->triggers[t].step_count; s++)
      reaches = reaches || relation->triggers[t].steps[s].kind == 'i';
  }
  for (int i = 0; i < relation->referencing_count; i++) {
    const struct constraint *key = relation->referencing[i];
    reaches = reaches || (observe_acts(key) && key->relation->is_reached);
  }
  return reaches;
}

/* Does an INSERT into the relation insert other rows as well? */
static bool observe_inserts(const struct relation *relation) {
  for (int t = 0; t < relation->trigger_count; t++) {
    if ((relation->triggers[t].events & TRIGGER_INSERT) == 0) continue;
    for (int s = 0; s < relation->triggers[t].step_count; s++) {
      if (relation->triggers[t].steps[s].kind == 'i') return true;
    }
  }
  return false;
}

/* Asks once for all relations of a catalog: the answer may need the file, which the hook cannot read. */
static int observe_ask(ledger *db) {
  struct catalog *catalog = db->catalog;
  bool asks = db->observer != NULL && db->observer->wants != NULL;
  for (int i = 0; i < catalog->relation_count && asks; i++) {
    struct relation *relation = &catalog->relations[i];
    int rc = db->observer->wants(db, relation, &relation->is_wanted);
    if (rc != LEDGER_OK) return rc;
  }
  for (bool grows = true; grows;) { /* foreign keys may go round */
    grows = false;
    for (int i = 0; i < catalog->relation_count; i++) {
      struct relation *relation = &catalog->relations[i];
      if (relation->is_reached || !observe_reaches(relation)) continue;
      relation->is_reached = grows = true;
    }
  }
  catalog->is_observed = true;
  return LEDGER_OK;
}

/* ---- rows */

typedef int observe_get(sqlite3 *, int, sqlite3_value **);

static bool observe_value(struct observe *observe, sqlite3 *sqlite, int column, observe_get *get,
                          struct value *out) {
  sqlite3_value *value = NULL;
  if (get(sqlite, column, &value) != SQLITE_OK) return false;
  int type = sqlite3_value_type(value); /* without memory for its text it is a null afterwards */
  *out = function_argument(value);
  if (type != SQLITE_NULL && out->kind == VALUE_NULL) return false;
  return value_keep(&observe->db->arena, out) == LEDGER_OK;
}

static struct value *observe_values(struct observe *observe, sqlite3 *sqlite, int count,
                                    observe_get *get) {
  struct value *values = arena_alloc(&observe->db->arena, (size_t)count * sizeof *values);
  for (int i = 0; values != NULL && i < count; i++) {
    if (!observe_value(observe, sqlite, i, get, &values[i])) return NULL;
  }
  return values;
}

/* Keeps the row's key, unless it is the one before again. */
static bool observe_key(struct observe *observe, sqlite3 *sqlite, struct observe_row *row,
                        observe_get *get) {
  const struct constraint *primary = row->relation->primary;
  struct arena *arena = &observe->db->arena;
  struct value *key = &row->keys[row->key_count];
  if (primary->count == 1) {
    if (!observe_value(observe, sqlite, primary->columns[0], get, key)) return false;
  } else {
    struct value *values = arena_alloc(arena, (size_t)primary->count * sizeof *values);
    for (int i = 0; values != NULL && i < primary->count; i++) {
      if (!observe_value(observe, sqlite, primary->columns[i], get, &values[i])) return false;
    }
    if (values == NULL || change_key_of(arena, row->relation, values, key) != LEDGER_OK)
      return false;
  }
  if (row->key_count == 0 || !value_is_same(&row->keys[0], key)) row->key_count++;
  return true;
}

static bool observe_keep(struct observe *observe, sqlite3 *sqlite, int operation,
                         struct observe_row *row) {
  int count = row->relation->column_count;
  bool is_wanted = row->relation->is_wanted;
  bool is_followed = !observe->db->is_unfollowed && change_is_followed(row->relation);
  if (operation != SQLITE_INSERT) {
    if (is_followed && !observe_key(observe, sqlite, row, sqlite3_preupdate_old)) return false;
    if (is_wanted) row->before = observe_values(observe, sqlite, count, sqlite3_preupdate_old);
    if (is_wanted && row->before == NULL) return false;
  }
  if (operation != SQLITE_DELETE) {
    if (is_followed && !observe_key(observe, sqlite, row, sqlite3_preupdate_new)) return false;
    if (is_wanted) row->after = observe_values(observe, sqlite, count, sqlite3_preupdate_new);
    if (is_wanted && row->after == NULL) return false;
  }
  return true;
}

static void observe_hook(void *context, sqlite3 *sqlite, int operation, const char *database,
                         const char *table, sqlite3_int64 old_key, sqlite3_int64 new_key) {
  struct observe *observe = context;
  const struct relation *relation = observe->relation;
  (void)old_key;
  (void)new_key;
  if (observe->is_short || strcmp(database, "main") != 0) return;
  if (observe->is_aside && sqlite3_preupdate_depth(sqlite) == 0) return; /* the book's own */
  if (relation == NULL || strcmp(relation->stored_name, table) != 0)
    relation = catalog_stored(observe->db->catalog, table, strlen(table));
  if (relation == NULL) return; /* the engine's own */
  struct observe_row *row = arena_alloc(&observe->db->arena, sizeof *row);
  if (row == NULL) {
    observe->is_short = true;
    return;
  }
  *row = (struct observe_row){.relation = relation};
  observe->is_short = !observe_keep(observe, sqlite, operation, row);
  *observe->last = row;
  observe->last = &row->next;
}

/* ---- around a statement */

/* Main's rows are read here, and come from there. */
static int observe_refuse(ledger *db, const struct relation *relation) {
  error_set(&db->error, LEDGER_FORBIDDEN, "table \"%s\" belongs to the main database",
            relation->name);
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  return error_hint(&db->error, "Change it there, then fetch it by ledger pull.");
}

LEDGER_PRIVATE int observe_start(struct observe *observe, ledger *db,
                                 const struct relation *relation, bool is_insert) {
  *observe = (struct observe){.db = db, .relation = relation};
  observe->last = &observe->first;
  db->row_writes++;
  if (relation->is_mains && !db->is_unfollowed) return observe_refuse(db, relation);
  int rc = db->catalog->is_observed ? LEDGER_OK : observe_ask(db);
  if (rc != LEDGER_OK) return rc;
  bool notes = !db->is_unfollowed && (!is_insert || observe_inserts(relation));
  if (!relation->is_reached && !notes) return LEDGER_OK;
  if (relation->is_reached && db->in_transaction) {
    /* Made before they are needed, so that undoing needs no memory. */
    if (statement_fixed(db, STATEMENT_WRITE_UNDO) == NULL ||
        statement_fixed(db, STATEMENT_WRITE_RELEASE) == NULL)
      return db->error.code;
    rc = statement_run(db, STATEMENT_WRITE_SAVEPOINT);
    if (rc != LEDGER_OK) return rc;
    observe->has_savepoint = true;
  }
  observe->is_on = true;
  sqlite3_preupdate_hook(db->sqlite, observe_hook, observe);
  return LEDGER_OK;
}

/* Undoes what the savepoint stands before. Where there is none, or even that fails, nothing but the end of the transaction is
** left. */
static void observe_undo(ledger *db, bool has_savepoint) {
  ledger_error error = db->error;
  db->row_writes++;
  if (!sqlite3_get_autocommit(db->sqlite) &&
      (!has_savepoint || statement_run(db, STATEMENT_WRITE_UNDO) != LEDGER_OK ||
       statement_run(db, STATEMENT_WRITE_RELEASE) != LEDGER_OK)) {
    statement_run(db, STATEMENT_ROLLBACK);
    db->transaction_lost = true;
  }
  db->error = error;
}

static int observe_note(struct observe *observe) {
  int rc = LEDGER_OK;
  for (struct observe_row *row = observe->first; row != NULL && rc == LEDGER_OK; row = row->next) {
    for (int i = 0; i < row->key_count && rc == LEDGER_OK; i++)
      rc = change_note_key(observe->db, row->relation, &row->keys[i]);
  }
  return rc;
}

/* Tells all that the rows concern. */
static int observe_tell(struct observe *observe, const struct value *inserted) {
  ledger *db = observe->db;
  if (!observe->is_on) return change_note(db, observe->relation, inserted);
  if (observe->is_short) return error_memory(&db->error);
  int rc = LEDGER_OK;
  for (struct observe_row *row = observe->first; row != NULL && rc == LEDGER_OK; row = row->next) {
    if (row->relation->is_mains && !db->is_unfollowed)
      rc = observe_refuse(db, row->relation);
    else if (row->relation->is_wanted)
      rc = db->observer->guard(db, row->relation, row->before, row->after);
  }
  if (rc == LEDGER_OK) rc = observe_note(observe);
  for (struct observe_row *row = observe->first; row != NULL && rc == LEDGER_OK; row = row->next) {
    if (row->relation->is_wanted)
      rc = db->observer->changed(db, row->relation, row->before, row->after);
  }
  return rc;
}

LEDGER_PRIVATE int observe_end(struct observe *observe, int rc, const struct value *inserted) {
  ledger *db = observe->db;
  if (observe->is_on) sqlite3_preupdate_hook(db->sqlite, NULL, NULL);
  bool is_done = rc == LEDGER_OK; /* what failed has undone itself */
  if (is_done) rc = observe_tell(observe, inserted);
  if (observe->has_savepoint && rc == LEDGER_OK) rc = statement_run(db, STATEMENT_WRITE_RELEASE);
  if (rc != LEDGER_OK && (observe->has_savepoint || (is_done && db->in_transaction)))
    observe_undo(db, observe->has_savepoint);
  return rc;
}

/* ---- around a statement of the book's */

LEDGER_PRIVATE void observe_aside_start(struct observe *observe, ledger *db) {
  *observe = (struct observe){.db = db, .is_aside = true};
  observe->last = &observe->first;
  observe->is_on = db->catalog->has_inserts && !db->is_unfollowed;
  if (observe->is_on) sqlite3_preupdate_hook(db->sqlite, observe_hook, observe);
}

LEDGER_PRIVATE int observe_aside_end(struct observe *observe, int rc) {
  if (!observe->is_on) return rc;
  sqlite3_preupdate_hook(observe->db->sqlite, NULL, NULL);
  if (rc != LEDGER_OK) return rc;
  return observe->is_short ? error_memory(&observe->db->error) : observe_note(observe);
}
