/*
** verify_file.c: what SQLite itself can say of the file (V12).
**
** quick_check evaluates every CHECK constraint of every row, in which it spends most of its time. Of the book's own tables and of
** those that only the book appends to, which are the large ones, the walk proves the same and more by the chain, so that the
** first round is without the constraints, over the whole file, and the second with them, over the other tables. It reads every
** page once more, which is a third of the whole proof: in a file of more than VERIFY_WHOLE_PAGES the first round leaves out the
** tables that the walk reads row by row, and their indexes are for `full`. With `full` it is one integrity_check with all
** constraints, which also compares each index with its table. The report says which it was.
*/
#include "../internal.h"
#include "verify.h"

/* Are the table's rows proved by the walk? */
static bool verify_file_is_walked(const struct verify *verify, const struct relation *relation) {
  return relation == verify->tables->transactions ||
         relation == verify->tables->portfolio_transactions ||
         relation == verify->tables->audit_logs;
}

/* A page that could not be had, for want of memory or because the disk failed, is for SQLite a fault like another; what is wrong
** is not the file. SQLITE_OK: it is a fault of the file. */
static int verify_file_unread(const char *text) {
  static const char words[] = "unable to get the page. error code=";
  const char *at = strstr(text, words);
  int code = at == NULL ? SQLITE_OK : (int)strtol(at + sizeof words - 1, NULL, 10) & 0xff;
  return code == SQLITE_NOMEM || code == SQLITE_IOERR ? code : SQLITE_OK;
}

/* Runs a PRAGMA that gives a row for each fault, and "ok" for none. */
static int verify_file_check(struct verify *verify, sqlite3_stmt *stmt, const char *table) {
  bool has_row;
  int rc;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row) {
    const char *text = verify_text(stmt, 0);
    if (text == NULL || strcmp(text, "ok") == 0) continue;
    int unread = verify_file_unread(text);
    if (unread != SQLITE_OK) {
      rc = store_error(verify->db, unread);
      break;
    }
    bool is_type =
        strncmp(text, "TEXT value in ", 14) == 0 || strncmp(text, "NUMERIC value in ", 17) == 0;
    verify_break(verify, is_type ? "V9" : "V12", table, NULL, 0, "%s", text);
  }
  statement_end(stmt);
  return rc;
}

/* Of the whole file: integrity_check, or quick_check without CHECK constraints, which SQLite leaves out of what is prepared so. */
static int verify_file_whole(struct verify *verify, bool full) {
  ledger *db = verify->db;
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql,
                        full ? "PRAGMA main.integrity_check(100)" : "PRAGMA main.quick_check(100)");
  int rc = full ? LEDGER_OK : statement_unchecked(db);
  if (rc != LEDGER_OK)
    sqlite3_free(sqlite3_str_finish(sql));
  else
    rc = statement_prepare(db, sql, &stmt);
  int other = statement_check_again(db);
  if (rc == LEDGER_OK) rc = other;
  if (rc == LEDGER_OK) return verify_file_check(verify, stmt, NULL);
  statement_end(stmt);
  return verify_trouble(verify, rc);
}

static int verify_file_table(struct verify *verify, const char *stored_name, const char *name) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *sql = sqlite3_str_new(verify->db->sqlite);
  sqlite3_str_appendf(sql, "PRAGMA main.quick_check(\"%w\")", stored_name);
  int rc = statement_prepare(verify->db, sql, &stmt);
  return rc == LEDGER_OK ? verify_file_check(verify, stmt, name) : verify_trouble(verify, rc);
}

/* Columns table, rowid, parent, number of the key. */
static int verify_file_foreign_keys(struct verify *verify, const char *table) {
  sqlite3_stmt *stmt = NULL;
  bool has_row;
  sqlite3_str *sql = sqlite3_str_new(verify->db->sqlite);
  sqlite3_str_appendf(sql, "PRAGMA main.foreign_key_check(\"%w\")", table);
  int rc = statement_prepare(verify->db, sql, &stmt);
  if (rc != LEDGER_OK) return verify_trouble(verify, rc);
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row) {
    const char *parent = verify_text(stmt, 2);
    verify_break(verify, "V12", verify_text(stmt, 0), NULL, sqlite3_column_int64(stmt, 1),
                 "the row with this rowid refers to a row of %s that is not there",
                 parent == NULL ? "another table" : parent);
  }
  statement_end(stmt);
  return rc;
}

static int verify_file_pages(struct verify *verify, int64_t *out) {
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_VERIFY_PAGES);
  bool has_row;
  *out = 0;
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  int rc = verify_step(verify, stmt, &has_row);
  if (rc == LEDGER_OK && has_row) *out = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc;
}

/* The engine's own tables that the walk does not read from end to end. */
static int verify_file_own(struct verify *verify) {
  static const char *const tables[] = {"ledger_meta",
                                       "ledger_account",
                                       "ledger_remainder",
                                       "ledger_sequence",
                                       "ledger_idempotency",
                                       "ledger_checkpoint",
                                       "ledger_catalog_relation",
                                       "ledger_catalog_column"};
  int rc = LEDGER_OK;
  for (size_t i = 0; rc == LEDGER_OK && i < sizeof tables / sizeof *tables; i++)
    rc = verify_file_table(verify, tables[i], tables[i]);
  return rc;
}

LEDGER_PRIVATE int verify_file(struct verify *verify) {
  const struct catalog *catalog = verify->db->catalog;
  bool full = verify->options->full;
  int64_t pages;
  int rc = verify_file_pages(verify, &pages);
  if (rc != LEDGER_OK) return rc;
  bool whole = full || pages <= VERIFY_WHOLE_PAGES;
  verify->file_check = full    ? "integrity_check"
                       : whole ? "quick_check"
                               : "quick_check of the other tables";
  rc = whole ? verify_file_whole(verify, full) : verify_file_own(verify);
  for (int i = 0; rc == LEDGER_OK && i < catalog->relation_count; i++) {
    const struct relation *relation = &catalog->relations[i];
    if (relation->is_view) continue;
    if (!full && !verify_file_is_walked(verify, relation))
      rc = verify_file_table(verify, relation->stored_name, relation->name);
    if (rc == LEDGER_OK && !verify_walk_sees_keys(verify, relation))
      rc = verify_file_foreign_keys(verify, relation->stored_name);
  }
  return rc;
}
