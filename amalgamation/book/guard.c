/*
** guard.c: what nobody but the book writes: balances, and rows that say that money has moved. A row that somebody else
** wrote (ledger_insert() and its like, ledger load; not with LEDGER_PLAIN) is looked at when its statement is done, with those
** that the statement reached by cascades; an objection undoes the statement.
**
**   accounts               balances are 0 when it is made, and never change; id and currency of one that the book knows; its delete
**   transactions,          completed by hand, made or changed so; a change of what a row of the book or a completed one says,
**   portfolio_transactions   its delete. A pending row that an application made for itself is its own, until it is completed
**   portfolio              as accounts
**   trades,                as transactions, and its status is the book's altogether; simulated trades are the application's own,
**   crypto_withdrawals       and so is the step of an approved withdrawal to PROCESSING
**   deposit_addresses      balance and total_received; the delete of one that received something
**   audit_logs             any change but an actor that becomes null, in the words of full's triggers, for those who lack them
**
** Only where the schema has the tables in the shape that the book needs (tables.c).
*/
#include "../internal.h"

/* A table whose rows are movements. */
struct guard_movement {
  const char *fixed;     /* columns that say what moved, between spaces */
  const char *reference; /* the column with the reference, or NULL */
  bool owns_status;      /* its status is the book's also while the row is not completed */
  const char *hint;
};

static const struct guard_movement guard_transactions = {
    " id account_id transaction_type amount currency status reference_number created_at"
    " completed_at ",
    "reference_number", false,
    "Money moves by the operations deposit, withdraw, transfer, post, hold and capture."};
static const struct guard_movement guard_portfolio_transactions = {
    " id user_id transaction_type amount currency status reference created_at ", "reference", false,
    "Money moves by the operations deposit, withdraw, transfer, receive and fill."};
static const struct guard_movement guard_trades = {
    " id user_id trade_type asset amount price total balance_before balance_after status"
    " is_simulated ",
    NULL, true, "Trades are made and moved on by the operations order, fill and cancel."};
static const struct guard_movement guard_withdrawals = {
    " id user_id amount currency crypto_address status txn_hash processed_at ", NULL, true,
    "Withdrawals are made and moved on by the operations payout, approve, complete and reject."};

/* The one step that is not the book's: the program that sends approved coins says that it is at it. */
static const struct guard_movement guard_sending = {
    " id user_id amount currency crypto_address processed_at ", NULL, false,
    "Withdrawals are made and moved on by the operations payout, approve, complete and reject."};

/* ---- values */

static const struct value *guard_value(const struct relation *relation, const struct value *row,
                                       const char *name) {
  int column = catalog_column(relation, name, strlen(name));
  assert(column >= 0); /* tables.c asks for it */
  return &row[column];
}

static bool guard_is(const struct value *value, const char *word) {
  return value->kind == VALUE_TEXT && value->length == strlen(word) &&
         sqlite3_strnicmp(value->text, word, (int)value->length) == 0;
}

static bool guard_is_zero(const struct value *value) {
  return value->kind == VALUE_TEXT && decimal_compare_text(value->text, value->length, "0", 1) == 0;
}

static int guard_refuse(ledger *db, const struct relation *relation, const char *column,
                        const char *hint, const char *sentence) {
  error_set(&db->error, LEDGER_FORBIDDEN, "%s", sentence);
  sqlite3_snprintf((int)sizeof db->error.table, db->error.table, "%s", relation->name);
  if (column != NULL)
    sqlite3_snprintf((int)sizeof db->error.column, db->error.column, "%s", column);
  return error_hint(&db->error, "%s", hint);
}

static int guard_refuse_column(ledger *db, const struct relation *relation, const char *column,
                               const char *hint) {
  int rc = guard_refuse(db, relation, column, hint, "");
  sqlite3_snprintf((int)sizeof db->error.message, db->error.message,
                   "column \"%s\" of relation \"%s\" is written by the book alone", column,
                   relation->name);
  return rc;
}

/* ---- what the book knows */

/* Does a fixed statement that takes one text find a row? */
static int guard_finds(ledger *db, enum statement_id id, const struct value *text, bool *found) {
  *found = false;
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, text);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  *found = rc == LEDGER_ROW;
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* What a reference is without what the book appends: .C, .F1, .X1, .L12. */
static size_t guard_stem(const struct value *reference) {
  size_t end = reference->length;
  while (end > 0 && reference->text[end - 1] >= '0' && reference->text[end - 1] <= '9') end--;
  if (end < 2 || reference->text[end - 2] != '.') return reference->length;
  char letter = reference->text[end - 1];
  bool has_number = end < reference->length;
  if (has_number ? strchr("FXL", letter) == NULL : letter != 'C') return reference->length;
  return end - 2;
}

/* Did the book make the row? Its id is its journal's, but for the last byte; the journal is found by the reference, or,
** where the row has none, by its audit row. */
static int guard_is_made(ledger *db, const struct relation *relation,
                         const struct guard_movement *movement, const struct value *row,
                         bool *made) {
  struct value id = *guard_value(relation, row, "id");
  char text[36];
  *made = false;
  if (id.kind != VALUE_TEXT || id.length != sizeof text) return LEDGER_OK;
  memcpy(text, id.text, sizeof text);
  text[34] = text[35] = '0';
  id.text = text;
  if (movement->reference == NULL) {
    *made = true; /* where there is no trail: rather once too often */
    return book_tables(db)->audit_logs == NULL ? LEDGER_OK
                                               : guard_finds(db, STATEMENT_GUARD_AUDIT, &id, made);
  }
  struct value reference = *guard_value(relation, row, movement->reference);
  if (reference.kind != VALUE_TEXT) return LEDGER_OK;
  reference.length = guard_stem(&reference);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_GUARD_JOURNAL);
  if (stmt == NULL) return db->error.code;
  struct value both[] = {reference, id};
  int rc = statement_bind_all(db, stmt, 2, both);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  *made = rc == LEDGER_ROW;
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- tables with balances */

/* Of a portfolio each column that ends so is one: btc_balance. */
static bool guard_is_balance(const char *name, bool is_portfolio) {
  size_t length = strlen(name);
  if (is_portfolio) return length > 8 && strcmp(name + length - 8, "_balance") == 0;
  return strcmp(name, "balance") == 0 || strcmp(name, "available_balance") == 0 ||
         strcmp(name, "total_received") == 0;
}

static int guard_balances(ledger *db, const struct relation *relation, const struct value *before,
                          const struct value *after, const char *hint) {
  bool is_portfolio = relation == book_tables(db)->portfolio;
  for (int i = 0; i < relation->column_count && after != NULL; i++) {
    const char *name = relation->columns[i].name;
    if (!guard_is_balance(name, is_portfolio)) continue;
    if (before == NULL ? guard_is_zero(&after[i]) : value_is_same(&before[i], &after[i])) continue;
    return guard_refuse_column(db, relation, name, hint);
  }
  return LEDGER_OK;
}

/* The row behind accounts of the book stays, and stays the same: `owner` and `other` are the columns that name them. */
static int guard_owner(ledger *db, const struct relation *relation, const struct value *before,
                       const struct value *after, const char *owner, const char *other) {
  bool is_known;
  if (before == NULL) return LEDGER_OK;
  const struct value *name = guard_value(relation, before, owner);
  const char *changed = NULL;
  if (after != NULL) {
    if (!value_is_same(guard_value(relation, before, other), guard_value(relation, after, other)))
      changed = other;
    if (!value_is_same(name, guard_value(relation, after, owner))) changed = owner;
    if (changed == NULL) return LEDGER_OK;
  }
  int rc = guard_finds(db, STATEMENT_GUARD_OWNER, name, &is_known);
  if (rc != LEDGER_OK || !is_known) return rc;
  if (after != NULL)
    return guard_refuse_column(db, relation, changed, "What the book has posted stays.");
  return guard_refuse(db, relation, NULL, "Close the account by the operation close.",
                      "an account with journals in the book cannot be deleted");
}

static int guard_address(ledger *db, const struct relation *relation, const struct value *before,
                         const struct value *after) {
  static const char hint[] = "Coins arrive by the operation receive.";
  if (after == NULL && !guard_is_zero(guard_value(relation, before, "total_received")))
    return guard_refuse(db, relation, NULL, "Set is_active to false.",
                        "an address that received coins cannot be deleted");
  return guard_balances(db, relation, before, after, hint);
}

/* ---- tables of movements */

/* The first of the columns that say what moved and differ, NULL if there is none. */
static const char *guard_changed(const struct relation *relation,
                                 const struct guard_movement *movement, const struct value *before,
                                 const struct value *after) {
  for (int i = 0; i < relation->column_count; i++) {
    const char *name = relation->columns[i].name;
    const char *place = strstr(movement->fixed, name);
    size_t length = strlen(name);
    while (place != NULL && (place[-1] != ' ' || place[length] != ' '))
      place = strstr(place + 1, name);
    if (place != NULL && !value_is_same(&before[i], &after[i])) return name;
  }
  return NULL;
}

static int guard_move(ledger *db, const struct relation *relation,
                      const struct guard_movement *movement, const struct value *before,
                      const struct value *after) {
  const struct value *was = before == NULL ? NULL : guard_value(relation, before, "status");
  const struct value *is = after == NULL ? NULL : guard_value(relation, after, "status");
  bool is_move = is != NULL && (was == NULL || !value_is_same(was, is));
  if (is_move && (guard_is(is, "completed") ||
                  (movement->owns_status && (was != NULL || !guard_is(is, "pending")))))
    return guard_refuse_column(db, relation, "status", movement->hint);
  if (before == NULL) return LEDGER_OK;
  const char *changed = NULL;
  if (after != NULL) {
    changed = guard_changed(relation, movement, before, after);
    if (changed == NULL) return LEDGER_OK;
  }
  bool is_fixed = guard_is(was, "completed");
  int rc = is_fixed ? LEDGER_OK : guard_is_made(db, relation, movement, before, &is_fixed);
  if (rc != LEDGER_OK || !is_fixed) return rc;
  if (changed != NULL) return guard_refuse_column(db, relation, changed, movement->hint);
  return guard_refuse(db, relation, NULL, "Reverse or release it.",
                      "a row of the book cannot be deleted");
}

static bool guard_is_sending(const struct relation *relation, const struct value *before,
                             const struct value *after) {
  return before != NULL && after != NULL &&
         guard_is(guard_value(relation, before, "status"), "APPROVED") &&
         guard_is(guard_value(relation, after, "status"), "PROCESSING");
}

static bool guard_is_simulated(const struct relation *relation, const struct value *row) {
  return row == NULL || guard_value(relation, row, "is_simulated")->integer != 0;
}

/* ---- audit_logs */

static int guard_audit(ledger *db, const struct relation *relation, const struct value *before,
                       const struct value *after) {
  bool is_same = before == NULL || after != NULL;
  for (int i = 0; i < relation->column_count && before != NULL && is_same; i++) {
    const char *name = relation->columns[i].name;
    bool is_actor = strcmp(name, "user_id") == 0 || strcmp(name, "admin_id") == 0;
    is_same = value_is_same(&before[i], &after[i]) || (is_actor && after[i].kind == VALUE_NULL);
  }
  if (is_same) return LEDGER_OK;
  return error_set(&db->error, LEDGER_RESTRICT, "audit rows are immutable");
}

/* ---- which */

LEDGER_PRIVATE bool guard_wants(ledger *db, const struct relation *relation) {
  const struct book_tables *tables = book_tables(db);
  bool has_accounts = tables->accounts != NULL && tables->transactions != NULL;
  bool has_portfolio = tables->portfolio != NULL && tables->portfolio_transactions != NULL;
  if (relation == tables->audit_logs) return true;
  if (relation == tables->accounts || relation == tables->transactions) return has_accounts;
  return has_portfolio &&
         (relation == tables->portfolio || relation == tables->portfolio_transactions ||
          relation == tables->trades || relation == tables->crypto_withdrawals ||
          relation == tables->deposit_addresses);
}

LEDGER_PRIVATE int guard_write(ledger *db, const struct relation *relation,
                               const struct value *before, const struct value *after) {
  int rc = book_enter(db);
  if (rc != LEDGER_OK || !guard_wants(db, relation)) return rc;
  const struct book_tables *tables = book_tables(db);
  if (relation == tables->accounts) {
    rc = guard_balances(db, relation, before, after, guard_transactions.hint);
    return rc == LEDGER_OK ? guard_owner(db, relation, before, after, "id", "currency") : rc;
  }
  if (relation == tables->portfolio) {
    rc = guard_balances(db, relation, before, after, guard_portfolio_transactions.hint);
    return rc == LEDGER_OK ? guard_owner(db, relation, before, after, "user_id", "id") : rc;
  }
  if (relation == tables->transactions)
    return guard_move(db, relation, &guard_transactions, before, after);
  if (relation == tables->portfolio_transactions)
    return guard_move(db, relation, &guard_portfolio_transactions, before, after);
  if (relation == tables->deposit_addresses) return guard_address(db, relation, before, after);
  if (relation == tables->audit_logs) return guard_audit(db, relation, before, after);
  if (relation == tables->crypto_withdrawals)
    return guard_move(db, relation,
                      guard_is_sending(relation, before, after) ? &guard_sending
                                                                : &guard_withdrawals,
                      before, after);
  if (guard_is_simulated(relation, before) && guard_is_simulated(relation, after)) return LEDGER_OK;
  return guard_move(db, relation, &guard_trades, before, after);
}
