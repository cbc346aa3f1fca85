/*
** account_write.c: what the book writes of accounts: its own row of each, and the plain row that follows it.
*/
#include "../internal.h"
#include "book_state.h"

LEDGER_PRIVATE int64_t account_next_key(const ledger *db) {
  return db->book->last_key + 1;
}

LEDGER_PRIVATE int account_write(ledger *db, struct account *account) {
  static const char *const classes[] = {"account", "portfolio", "system"};
  bool is_new = account->key == 0;
  if (is_new) account->key = ++db->book->last_key;
  sqlite3_stmt *stmt =
      statement_fixed(db, is_new ? STATEMENT_ACCOUNT_INSERT : STATEMENT_ACCOUNT_UPDATE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, account->key);
  int at = 2;
  if (is_new) {
    sqlite3_bind_text(stmt, 2, classes[account->class], -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, account->owner, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, account->currency, -1, SQLITE_STATIC);
    sqlite3_bind_int(stmt, 5, account->scale);
    sqlite3_bind_int64(stmt, 6, account->overdraft_limit);
    sqlite3_bind_int64(stmt, 7, account->min_balance);
    if (account->max_balance == INT64_MAX)
      sqlite3_bind_null(stmt, 8);
    else
      sqlite3_bind_int64(stmt, 8, account->max_balance);
    at = 9;
  }
  sqlite3_bind_int64(stmt, at, account->balance);
  sqlite3_bind_int64(stmt, at + 1, account->held);
  sqlite3_bind_int64(stmt, at + 2, account->expected);
  sqlite3_bind_int64(stmt, at + 3, account->version);
  journal_bind_number(stmt, at + 4, account->last_entry);
  journal_bind_number(stmt, at + 5, account->last_jump);
  return journal_step(db, stmt);
}

static sqlite3_stmt *account_portfolio_update(ledger *db, int column) {
  const struct relation *portfolio = db->book->tables.portfolio;
  struct {
    char verb[8];
    int column;
  } key = {.verb = "PORTUPD", .column = column};
  sqlite3_stmt *stmt = statement_find(db, &key, sizeof key);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "UPDATE portfolio SET \"%w\" = ?2, updated_at = ?3 WHERE rowid = ?1",
                      portfolio->columns[column].name);
  return statement_make(db, &key, sizeof key, sql);
}

static int account_write_plain(ledger *db, struct account *account) {
  struct book *book = db->book;
  char balance[MONEY_TEXT_MAX], available[MONEY_TEXT_MAX];
  bool is_plain = account->class == ACCOUNT_PLAIN;
  int rc = !is_plain && account->row == 0 ? portfolio_make(db, account, book->text_us) : LEDGER_OK;
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt;
  if (!is_plain)
    stmt = account_portfolio_update(db, account->column);
  else if (book->tables.trusts_accounts)
    stmt = statement_trusted(db, STATEMENT_ACCOUNT_PLAIN_UPDATE);
  else
    stmt = statement_fixed(db, STATEMENT_ACCOUNT_PLAIN_UPDATE);
  if (stmt == NULL) return db->error.code;
  size_t length = money_text(account->balance, account->scale, balance);
  sqlite3_bind_int64(stmt, 1, account->row);
  sqlite3_bind_text(stmt, 2, balance, (int)length, SQLITE_STATIC);
  if (is_plain) {
    length = money_text(account_available(account), account->scale, available);
    sqlite3_bind_text(stmt, 3, available, (int)length, SQLITE_STATIC);
  }
  sqlite3_bind_text(stmt, is_plain ? 4 : 3, book->accounts_text, (int)book->accounts_text_length,
                    SQLITE_STATIC);
  rc = journal_step(db, stmt);
  if (rc == LEDGER_OK && sqlite3_changes(db->sqlite) != 1) {
    rc = error_set(&db->error, LEDGER_BOOK_BROKEN, "the row of account %s is not there any more",
                   account_label(account));
  }
  return rc;
}

/* What the plain row shows follows the book. */
static bool account_follow(struct account *account) {
  int64_t available = account_available(account);
  if (account->class == ACCOUNT_SYSTEM ||
      (account->plain_balance == account->balance &&
       (account->class == ACCOUNT_PORTFOLIO || account->plain_available == available)))
    return false;
  account->plain_balance = account->balance;
  account->plain_available = available;
  return true;
}

LEDGER_PRIVATE int account_write_all(ledger *db, struct account *account) {
  struct book *book = db->book;
  bool follows = account_follow(account);
  /* A portfolio's row may have to be made first, and its columns are accounts that share it. */
  if (book->defers && account->class != ACCOUNT_PORTFOLIO) {
    account->plain_is_due = account->plain_is_due || follows;
    if (account->is_due) return LEDGER_OK;
    account->is_due = true;
    account->next_due = book->due;
    book->due = account;
    return LEDGER_OK;
  }
  int rc = account_write(db, account);
  return rc == LEDGER_OK && follows ? account_write_plain(db, account) : rc;
}

LEDGER_PRIVATE int account_write_due(ledger *db) {
  struct book *book = db->book;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && book->due != NULL) {
    struct account *account = book->due;
    book->due = account->next_due;
    rc = account_write(db, account);
    if (rc == LEDGER_OK && account->plain_is_due) rc = account_write_plain(db, account);
    account->is_due = account->plain_is_due = false;
  }
  if (rc != LEDGER_OK) book->is_torn = true;
  return rc;
}

LEDGER_PRIVATE int account_write_limits(ledger *db, struct account *account) {
  if (account->key == 0) return account_write(db, account);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ACCOUNT_LIMITS);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, account->key);
  sqlite3_bind_int64(stmt, 2, account->overdraft_limit);
  sqlite3_bind_int64(stmt, 3, account->min_balance);
  if (account->max_balance == INT64_MAX)
    sqlite3_bind_null(stmt, 4);
  else
    sqlite3_bind_int64(stmt, 4, account->max_balance);
  return journal_step(db, stmt);
}

LEDGER_PRIVATE int account_write_status(ledger *db, const struct account *account) {
  struct book *book = db->book;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ACCOUNT_STATUS);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, account->row);
  sqlite3_bind_text(stmt, 2, account->status, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, book->accounts_text, (int)book->accounts_text_length, SQLITE_STATIC);
  int rc = journal_step(db, stmt);
  return rc == LEDGER_OK ? change_note_id(db, book->tables.accounts, account->owner) : rc;
}

LEDGER_PRIVATE int account_write_opened(ledger *db, const char *id, const char *user_id,
                                        const char *number, const char *type,
                                        const char *currency) {
  struct book *book = db->book;
  const struct type *balance =
      &book->tables.accounts->columns[catalog_column(book->tables.accounts, "balance", 7)].type;
  char zero[MONEY_TEXT_MAX];
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ACCOUNT_PLAIN_INSERT);
  if (stmt == NULL) return db->error.code;
  size_t length = money_text(0, balance->scale, zero);
  journal_bind_text(stmt, 1, id);
  journal_bind_text(stmt, 2, user_id[0] == 0 ? NULL : user_id);
  journal_bind_text(stmt, 3, number);
  journal_bind_text(stmt, 4, type);
  journal_bind_text(stmt, 5, currency);
  sqlite3_bind_text(stmt, 6, zero, (int)length, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 7, book->accounts_text, (int)book->accounts_text_length, SQLITE_STATIC);
  int rc = journal_step(db, stmt);
  return rc == LEDGER_OK ? change_note_id(db, book->tables.accounts, id) : rc;
}
