/*
** One number out of a file, asked of SQLite behind the library's back. Include it after ledger.c and cmocka.h.
*/
#ifndef TEST_SQL_H
#define TEST_SQL_H

/* The first column of the first row; -1 if there is none. */
static inline int64_t sql_number(sqlite3 *sqlite, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int64_t number = -1;
  if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
  if (sqlite3_step(stmt) == SQLITE_ROW) number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

static inline bool sql_is_sound(sqlite3 *sqlite) {
  return sql_number(sqlite, "SELECT count(*) FROM pragma_integrity_check"
                            " WHERE integrity_check <> 'ok'") == 0 &&
         sql_number(sqlite, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

#endif
