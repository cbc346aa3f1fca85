/*
** pull.c: ledger_pull(): rows of tables that are main's own (fees, rates) as main has them.
**
** A table's rows on main are staged beside the file's, by key, read by the types' input functions. Then each row of the file is
** held against them: one that main has not goes, one that differs goes and comes again, so that two rows may change places in a
** unique key; at last what is not there is inserted. Foreign keys are off meanwhile, so that nothing follows a row that goes and
** comes, and are looked at afterwards: of the tables, and of those that refer to a row that went.
** No trigger of the schema runs; the audit trail is kept as for any write.
*/
#include "../internal.h"
#include "import.h"

#define PULL_STAGE "temp.ledger_pull"
#define PULL_REPORT_ROWS 1000

/* Of a staged row. */
enum { PULL_SAME, PULL_DIFFERS, PULL_NEW };

struct pull {
  struct import import; /* the reader of COPY data, and the row */
  const ledger_pull_source *source;
  ledger_pull_table *out; /* counts of the table that is pulled */
  sqlite3_stmt *stage, *find, *differs, *same, *delete_row, *all, *staged;
  struct value *before; /* a row of the file */
  const char *tail;     /* what ends the COPY data, when main has given all of it */
  bool stopped;
};

/* ---- may it? */

static int pull_check(ledger *db, const struct relation *relation) {
  const struct book_tables *tables = book_tables(db);
  struct sync_table sync;
  if (relation->is_view || relation->primary == NULL)
    return error_set(&db->error, LEDGER_UNSUPPORTED,
                     "\"%s\" is a view or has no primary key, and cannot be pulled",
                     relation->name);
  int rc = sync_table(db, relation, &sync);
  if (rc != LEDGER_OK) return rc;
  bool is_books = sync.kind == SYNC_FACT || sync.delta_count > 0 ||
                  relation == tables->deposit_addresses || relation == tables->trades;
  for (int table = 0; table < IMPORTED_TABLES; table++)
    is_books = is_books || relation == imported_relation(db, (enum imported_table)table);
  if (is_books) {
    error_set(&db->error, LEDGER_FORBIDDEN, "\"%s\" is written by the book here: it is not pulled",
              relation->name);
    return error_hint(&db->error, "ledger import brings such rows, once.");
  }
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_PULL_WAITING);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, relation->id);
  rc = statement_step(db, stmt);
  sqlite3_reset(stmt);
  if (rc == LEDGER_DONE) return LEDGER_OK;
  if (rc != LEDGER_ROW) return rc;
  error_set(&db->error, LEDGER_NOT_IN_PREREQUISITE,
            "\"%s\" has changes that the main database has not received yet", relation->name);
  return error_hint(&db->error, "Send them first:  ledger push");
}

/* ---- statements. The stage: n0, n1, ... as main has the row, o0, o1, ... as the file had it where that differs, state. */

static void pull_list(sqlite3_str *sql, const char *prefix, int count, const char *between) {
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(sql, "%s%s%d", i == 0 ? "" : between, prefix, i);
}

/* n0 = ?1 AND n2 = ?3, of the key */
static void pull_where_staged(sqlite3_str *sql, const struct relation *relation) {
  for (int i = 0; i < relation->primary->count; i++) {
    int column = relation->primary->columns[i];
    sqlite3_str_appendf(sql, "%sn%d = ?%d", i == 0 ? " WHERE " : " AND ", column, column + 1);
  }
}

static int pull_create(ledger *db, const struct relation *relation) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "CREATE TEMP TABLE ledger_pull (");
  pull_list(sql, "n", relation->column_count, ", ");
  sqlite3_str_appendall(sql, ", ");
  pull_list(sql, "o", relation->column_count, ", ");
  sqlite3_str_appendall(sql, ", state, PRIMARY KEY (");
  for (int i = 0; i < relation->primary->count; i++)
    sqlite3_str_appendf(sql, "%sn%d", i == 0 ? "" : ", ", relation->primary->columns[i]);
  sqlite3_str_appendall(sql, "))");
  sqlite3_stmt *stmt;
  int rc = statement_prepare(db, sql, &stmt);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  statement_end(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int pull_prepare_staged(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int count = relation->column_count;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "INSERT INTO " PULL_STAGE " (");
  pull_list(sql, "n", count, ", ");
  sqlite3_str_appendall(sql, ", state) VALUES (");
  for (int i = 0; i < count; i++) sqlite3_str_appendf(sql, "?%d, ", i + 1);
  sqlite3_str_appendf(sql, "%d)", PULL_NEW);
  int rc = statement_prepare(db, sql, &pull->stage);
  if (rc != LEDGER_OK) return rc;
  sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "SELECT ");
  pull_list(sql, "n", count, ", ");
  sqlite3_str_appendall(sql, " FROM " PULL_STAGE);
  pull_where_staged(sql, relation);
  rc = statement_prepare(db, sql, &pull->find);
  if (rc != LEDGER_OK) return rc;
  sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "UPDATE " PULL_STAGE " SET state = %d", PULL_DIFFERS);
  for (int i = 0; i < count; i++) sqlite3_str_appendf(sql, ", o%d = ?%d", i, i + 1);
  pull_where_staged(sql, relation);
  rc = statement_prepare(db, sql, &pull->differs);
  if (rc != LEDGER_OK) return rc;
  sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "UPDATE " PULL_STAGE " SET state = %d", PULL_SAME);
  pull_where_staged(sql, relation);
  rc = statement_prepare(db, sql, &pull->same);
  if (rc != LEDGER_OK) return rc;
  sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "SELECT ");
  pull_list(sql, "n", count, ", ");
  sqlite3_str_appendall(sql, ", ");
  pull_list(sql, "o", count, ", ");
  sqlite3_str_appendf(sql, ", state FROM " PULL_STAGE " WHERE state <> %d ORDER BY rowid",
                      PULL_SAME);
  return statement_prepare(db, sql, &pull->staged);
}

static int pull_prepare(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int rc = pull_create(db, relation);
  if (rc == LEDGER_OK) rc = pull_prepare_staged(pull, relation);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  for (int i = 0; i < relation->column_count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "SELECT " : ", ", relation->columns[i].name);
  sqlite3_str_appendf(sql, " FROM main.\"%w\"", relation->stored_name);
  rc = statement_prepare(db, sql, &pull->all);
  if (rc != LEDGER_OK) return rc;
  sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "DELETE FROM main.\"%w\"", relation->stored_name);
  for (int i = 0; i < relation->primary->count; i++) {
    int column = relation->primary->columns[i];
    sqlite3_str_appendf(sql, "%s\"%w\" = ?%d", i == 0 ? " WHERE " : " AND ",
                        relation->columns[column].name, column + 1);
  }
  return statement_prepare(db, sql, &pull->delete_row);
}

static void pull_end(struct pull *pull) {
  sqlite3_stmt **const all[] = {&pull->stage, &pull->find,       &pull->differs, &pull->same,
                                &pull->all,   &pull->delete_row, &pull->staged};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    statement_end(*all[i]);
    *all[i] = NULL;
  }
}

/* Binds the first columns as far as the statement has them, and runs it. */
static int pull_run(ledger *db, sqlite3_stmt *stmt, int count, const struct value *values) {
  int rc = statement_bind_all(db, stmt, count, values);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- staging */

/* The COPY data, and behind it the line that ends it in a dump. */
static ptrdiff_t pull_read(void *context, void *bytes, size_t length) {
  struct pull *pull = context;
  if (pull->tail == NULL) {
    ptrdiff_t got = pull->source->read(pull->source->context, bytes, length);
    pull->stopped = got < 0;
    if (got != 0) return got;
    pull->tail = "\\.\n";
  }
  size_t left = strlen(pull->tail);
  if (left > length) left = length;
  memcpy(bytes, pull->tail, left);
  pull->tail += left;
  return (ptrdiff_t)left;
}

static int pull_ask(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  const char *before = "COPY (SELECT ";
  int rc = LEDGER_OK;
  for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
    if (relation->columns[i].generated_sql != NULL) continue;
    sqlite3_str_appendf(sql, "%s\"%w\"", before, relation->columns[i].name);
    before = ", ";
    rc = import_add_column(&pull->import, relation->columns[i].name);
  }
  sqlite3_str_appendf(sql, " FROM \"%w\".\"%w\") TO STDOUT", relation->schema, relation->name);
  char *text = sqlite3_str_finish(sql);
  if (rc == LEDGER_OK && text == NULL) rc = error_memory(&db->error);
  if (rc == LEDGER_OK && pull->source->start(pull->source->context, text) != 0)
    rc = error_set(&db->error, LEDGER_IO, "the rows of \"%s\" could not be read from main",
                   relation->name);
  sqlite3_free(text);
  return rc;
}

static int pull_say_place(struct pull *pull, const struct relation *relation) {
  ledger_error *error = &pull->import.db->error;
  char sentence[sizeof error->message];
  if (error->code == LEDGER_INTERRUPTED || error->code == LEDGER_MEMORY || pull->stopped)
    return error->code;
  memcpy(sentence, error->message, sizeof sentence);
  sqlite3_snprintf((int)sizeof error->message, error->message, "%s, row %lld of main: %s",
                   relation->name, (long long)pull->out->rows, sentence);
  return error->code;
}

static int pull_stage_rows(struct pull *pull, const struct relation *relation) {
  struct import *import = &pull->import;
  ledger *db = import->db;
  bool is_end = false;
  int rc = LEDGER_OK;
  import->dump.line_end = DUMP_ANY;
  while (rc == LEDGER_OK) {
    rc = dump_copy_row(&import->dump, false, &is_end);
    if (rc != LEDGER_OK || is_end) break;
    pull->out->rows++;
    rc = import_read_row(import);
    if (rc == LEDGER_OK) rc = pull_run(db, pull->stage, relation->column_count, import->row);
    if (rc == LEDGER_OK && ++import->rows % PULL_REPORT_ROWS == 0)
      rc = connection_report(db, import->rows, 0);
  }
  return rc == LEDGER_OK ? rc : pull_say_place(pull, relation);
}

/* ---- the file's rows against them */

/* Tells the observer, as for a row that the store writes. */
static int pull_tell(ledger *db, const struct relation *relation, const struct value *before,
                     const struct value *after) {
  bool wanted = false;
  if (db->observer == NULL || db->observer->wants == NULL) return LEDGER_OK;
  int rc = db->observer->wants(db, relation, &wanted);
  if (rc == LEDGER_OK && wanted) rc = db->observer->guard(db, relation, before, after);
  if (rc == LEDGER_OK && wanted) rc = db->observer->changed(db, relation, before, after);
  return rc;
}

static int pull_compare(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int count = relation->column_count;
  int rc = statement_bind_all(db, pull->find, count, pull->before);
  if (rc == LEDGER_OK) rc = statement_step(db, pull->find);
  bool is_there = rc == LEDGER_ROW, is_same = is_there;
  for (int i = 0; is_same && i < count; i++) {
    struct value new = statement_value(pull->find, i);
    is_same = value_is_same(&new, &pull->before[i]);
  }
  sqlite3_reset(pull->find);
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) return rc;
  if (is_same) return pull_run(db, pull->same, count, pull->before);
  if (is_there) rc = pull_run(db, pull->differs, count, pull->before);
  if (rc == LEDGER_OK || rc == LEDGER_DONE)
    rc = pull_run(db, pull->delete_row, count, pull->before);
  if (rc != LEDGER_OK || is_there) return rc;
  pull->out->deleted++;
  return pull_tell(db, relation, pull->before, NULL);
}

/* Takes away what main has not, or otherwise. */
static int pull_take_away(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int rc = LEDGER_OK;
  while ((rc = statement_step(db, pull->all)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    arena_reset(&db->arena);
    for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
      pull->before[i] = statement_value(pull->all, i);
      if (value_keep(&db->arena, &pull->before[i]) != LEDGER_OK) rc = error_memory(&db->error);
    }
    if (rc == LEDGER_OK) rc = pull_compare(pull, relation);
    if (rc != LEDGER_OK) break;
  }
  ledger_error error = db->error;
  sqlite3_reset(pull->all);
  db->error = error;
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int pull_insert(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  sqlite3_stmt *stmt = pull->import.table->insert;
  int count = relation->column_count;
  for (int i = 0; i < count; i++) {
    pull->import.row[i] = statement_value(pull->staged, i);
    pull->before[i] = statement_value(pull->staged, count + i);
  }
  bool is_new = sqlite3_column_int(pull->staged, 2 * count) == PULL_NEW;
  int rc = statement_bind_all(db, stmt, count, pull->import.row);
  if (rc != LEDGER_OK) return rc;
  sqlite3_step(stmt);
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK)
    return violation_error(db, sqlite_rc,
                           &(struct violation){.relation = relation,
                                               .change = CHANGE_INSERT,
                                               .row = pull->import.row});
  pull->out->inserted += is_new;
  pull->out->updated += !is_new;
  return pull_tell(db, relation, is_new ? NULL : pull->before, pull->import.row);
}

static int pull_bring(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && (rc = statement_step(db, pull->staged)) == LEDGER_ROW) {
    arena_reset(&db->arena);
    rc = pull_insert(pull, relation);
  }
  ledger_error error = db->error;
  sqlite3_reset(pull->staged);
  db->error = error;
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- a table */

static int pull_table(struct pull *pull, const struct relation *relation) {
  ledger *db = pull->import.db;
  int rc = pull_check(db, relation);
  if (rc == LEDGER_OK) rc = import_find_table(&pull->import, relation->schema, relation->name);
  if (rc == LEDGER_OK) rc = pull_prepare(pull, relation);
  if (rc == LEDGER_OK) rc = dump_open(&pull->import.dump, pull_read, pull, &db->error);
  if (rc == LEDGER_OK) rc = pull_ask(pull, relation);
  if (rc == LEDGER_OK) rc = pull_stage_rows(pull, relation);
  dump_close(&pull->import.dump);
  pull->import.dump = (struct dump){0};
  pull->tail = NULL;
  if (rc == LEDGER_OK) rc = pull_take_away(pull, relation);
  if (rc == LEDGER_OK) rc = pull_bring(pull, relation);
  ledger_error error = db->error;
  pull_end(pull);
  db->error = error;
  if (rc != LEDGER_OK) return rc;
  rc = statement_exec(db, "DROP TABLE " PULL_STAGE);
  return rc == LEDGER_OK ? sync_table_set(db, pull->out->table, "main", NULL) : rc;
}

/* Of the tables themselves; of those that refer to a row that went or changed. */
static int pull_check_keys(ledger *db, int count, struct relation *const *relations,
                           const ledger_pull_table *tables) {
  int rc = LEDGER_OK;
  for (int i = 0; i < count && rc == LEDGER_OK; i++) {
    if (tables[i].inserted + tables[i].updated + tables[i].deleted == 0) continue;
    rc = import_check_relation(db, relations[i]);
    if (tables[i].updated + tables[i].deleted == 0) continue;
    for (int k = 0; k < relations[i]->referencing_count && rc == LEDGER_OK; k++)
      rc = import_check_relation(db, relations[i]->referencing[k]->relation);
  }
  return rc;
}

static int pull_all(struct pull *pull, int count, ledger_pull_table *tables) {
  ledger *db = pull->import.db;
  struct relation **relations = sqlite3_malloc64(((size_t)count + 1) * sizeof *relations);
  int rc = relations == NULL ? error_memory(&db->error) : trigger_remove(db);
  if (rc == LEDGER_OK) rc = import_tables_open(&pull->import);
  if (rc == LEDGER_OK) rc = book_enter(db);
  int most = 1;
  for (int i = 0; i < count && rc == LEDGER_OK; i++) {
    rc = catalog_relation(db, tables[i].table, &relations[i]);
    if (rc == LEDGER_OK && relations[i]->column_count > most) most = relations[i]->column_count;
    tables[i].rows = tables[i].inserted = tables[i].updated = tables[i].deleted = 0;
  }
  pull->before = sqlite3_malloc64((size_t)most * sizeof *pull->before);
  if (rc == LEDGER_OK && pull->before == NULL) rc = error_memory(&db->error);
  for (int i = 0; i < count && rc == LEDGER_OK; i++) {
    pull->out = &tables[i];
    rc = pull_table(pull, relations[i]);
  }
  db->row_writes++; /* fees and rates that the book remembers */
  if (rc == LEDGER_OK) rc = pull_check_keys(db, count, relations, tables);
  if (rc == LEDGER_OK) rc = trigger_install(db);
  ledger_error error = db->error;
  import_tables_close(&pull->import);
  sqlite3_free(pull->before);
  sqlite3_free(relations);
  db->error = error;
  return rc;
}

LEDGER_PRIVATE int pull_tables(ledger *db, int count, ledger_pull_table *tables,
                               const ledger_pull_source *source) {
  struct pull pull = {.import = {.db = db, .key_range = -1}, .source = source};
  if (db->in_transaction)
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "a pull is a transaction of its own, and one is in progress");
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
  db->is_unfollowed = true;
  int rc = transaction_open(db);
  if (rc == LEDGER_OK) {
    int triggers = db->trigger_count;
    rc = pull_all(&pull, count, tables);
    if (rc == LEDGER_OK) {
      rc = transaction_commit(db);
    } else {
      ledger_error error = db->error;
      (void)transaction_rollback(db);
      db->error = error;
    }
    if (rc != LEDGER_OK) db->trigger_count = triggers; /* rolled back with the rest */
  }
  db->is_unfollowed = false;
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
  return rc;
}

#undef PULL_STAGE
#undef PULL_REPORT_ROWS
