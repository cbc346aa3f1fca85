/*
** observe.c: tells the observer (store.h) of the rows that a statement wrote. SQLite's preupdate hook says which these are,
** with the values before and after, whatever wrote them: the statement itself, a foreign key's action, a trigger. Nothing may be
** written while the hook runs, so that the rows are kept in the call's arena, all that a statement writes, and told when it is
** done.
**
** An objection undoes the statement: outside of the caller's transaction that is rolled back, inside of it a savepoint is.
** The hook is set for the statements that can reach a row that the observer wants, and for no others: rows of other tables,
** and what the book writes, cost nothing here.
**
** The hook needs a SQLite that was compiled with SQLITE_ENABLE_PREUPDATE_HOOK: the one that build.sh makes, Debian's, Fedora's.
*/
#include "../internal.h"
#include "write.h"

struct observe_row {
  struct observe_row *next;
  const struct relation *relation;
  struct value *before, *after; /* NULL: inserted, deleted */
};

/* ---- which relations */

static bool observe_acts(const struct constraint *key) {
  const char actions[] = {key->on_delete, key->on_update, 0};
  return key->kind == 'f' && strpbrk(actions, "cnd") != NULL;
}

/* May a write to the relation reach a row that is wanted, by what is known so far? By itself, by what a trigger inserts, by
** foreign keys. */
static bool observe_reaches(const struct relation *relation) {
  bool reaches = relation->is_wanted;
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

/* Asks once for all relations of a catalog: the answer may need the file, which the hook cannot read. */
static int observe_ask(ledger *db) {
  struct catalog *catalog = db->catalog;
  for (int i = 0; i < catalog->relation_count; i++) {
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

static struct value *observe_values(struct observe *observe, sqlite3 *sqlite, int count,
                                    int (*get)(sqlite3 *, int, sqlite3_value **)) {
  struct arena *arena = &observe->db->arena;
  struct value *values = arena_alloc(arena, (size_t)count * sizeof *values);
  for (int i = 0; values != NULL && i < count; i++) {
    sqlite3_value *value = NULL;
    if (get(sqlite, i, &value) != SQLITE_OK) return NULL;
    int type = sqlite3_value_type(value); /* without memory for its text it is a null afterwards */
    values[i] = function_argument(value);
    if (type != SQLITE_NULL && values[i].kind == VALUE_NULL) return NULL;
    if (value_keep(arena, &values[i]) != LEDGER_OK) return NULL;
  }
  return values;
}

static void observe_hook(void *context, sqlite3 *sqlite, int operation, const char *database,
                         const char *table, sqlite3_int64 old_key, sqlite3_int64 new_key) {
  struct observe *observe = context;
  (void)old_key;
  (void)new_key;
  if (observe->is_short || strcmp(database, "main") != 0) return;
  const struct relation *relation = catalog_stored(observe->db->catalog, table, strlen(table));
  if (relation == NULL || !relation->is_wanted) return;
  struct observe_row *row = arena_alloc(&observe->db->arena, sizeof *row);
  if (row == NULL) {
    observe->is_short = true;
    return;
  }
  *row = (struct observe_row){.relation = relation};
  if (operation != SQLITE_INSERT) {
    row->before = observe_values(observe, sqlite, relation->column_count, sqlite3_preupdate_old);
    observe->is_short = row->before == NULL;
  }
  if (operation != SQLITE_DELETE && !observe->is_short) {
    row->after = observe_values(observe, sqlite, relation->column_count, sqlite3_preupdate_new);
    observe->is_short = row->after == NULL;
  }
  *observe->last = row;
  observe->last = &row->next;
}

/* ---- around a statement */

LEDGER_PRIVATE int observe_start(struct observe *observe, ledger *db,
                                 const struct relation *relation) {
  *observe = (struct observe){.db = db};
  observe->last = &observe->first;
  db->row_writes++;
  if (db->observer == NULL || db->observer->wants == NULL) return LEDGER_OK;
  int rc = db->catalog->is_observed ? LEDGER_OK : observe_ask(db);
  if (rc != LEDGER_OK || !relation->is_reached) return rc;
  if (db->in_transaction) {
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

/* Undoes what the savepoint stands before. Where even that fails nothing but the end of the transaction is left. */
static void observe_undo(ledger *db) {
  ledger_error error = db->error;
  db->row_writes++;
  if (!sqlite3_get_autocommit(db->sqlite) &&
      (statement_run(db, STATEMENT_WRITE_UNDO) != LEDGER_OK ||
       statement_run(db, STATEMENT_WRITE_RELEASE) != LEDGER_OK)) {
    statement_run(db, STATEMENT_ROLLBACK);
    db->transaction_lost = true;
  }
  db->error = error;
}

LEDGER_PRIVATE int observe_end(struct observe *observe, int rc) {
  ledger *db = observe->db;
  if (observe->is_on) sqlite3_preupdate_hook(db->sqlite, NULL, NULL);
  if (rc == LEDGER_OK && observe->is_short) rc = error_memory(&db->error);
  for (struct observe_row *row = observe->first; row != NULL && rc == LEDGER_OK; row = row->next)
    rc = db->observer->guard(db, row->relation, row->before, row->after);
  for (struct observe_row *row = observe->first; row != NULL && rc == LEDGER_OK; row = row->next)
    rc = db->observer->changed(db, row->relation, row->before, row->after);
  if (!observe->has_savepoint) return rc;
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_WRITE_RELEASE);
  if (rc != LEDGER_OK) observe_undo(db);
  return rc;
}
