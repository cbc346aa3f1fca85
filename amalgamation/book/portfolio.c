/*
** portfolio.c: coins that arrive at a deposit address (receive), and what trade.c and payout.c share: what a journal kept of its
** terms, the hold behind an order or a payout, a fee that is paid out of it, and the writing of plain rows.
**
** What verify proves of deposit_addresses (V7). Each receive keeps in its detail
**   {"receive":{"address_id":ID,"txn_hash":HASH or null,"balance":B,"total_received":T}}
** where B and T are what it left in the row: what stood there before, and the amount of its posted entry on the portfolio, fee not
** deducted. So the row of an address shows the B and T of its last receive, and from one receive to the next B and T grow
** by the later one's amount. An address without a receive may show anything: an import brought it. They say what arrived there,
** not what is owned: a receive is not reversed, and payouts leave them.
*/
#include "../internal.h"

/* ---- values and rows */

LEDGER_PRIVATE struct value portfolio_text(const char *text) {
  if (text == NULL) return (struct value){.kind = VALUE_NULL};
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

LEDGER_PRIVATE struct value portfolio_amount(int64_t amount, char text[MONEY_TEXT_MAX]) {
  size_t length = money_text(amount, PORTFOLIO_SCALE, text);
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
}

static const struct type *portfolio_type(const struct relation *relation, const char *column) {
  return &relation->columns[catalog_column(relation, column, strlen(column))].type;
}

LEDGER_PRIVATE struct value portfolio_time(const struct relation *relation, const char *column,
                                           int64_t time_us, char text[MOMENT_TEXT_MAX]) {
  const struct type *type = portfolio_type(relation, column);
  int64_t moment = time_us + MOMENT_UNIX_EPOCH;
  if (type->length >= 0) moment = moment_round(moment, type->length);
  size_t length = moment_text(type->id, moment, text);
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
}

LEDGER_PRIVATE int portfolio_fits(ledger *db, const struct relation *relation, const char *column,
                                  const char *text) {
  struct value ignored;
  if (text == NULL) return LEDGER_OK;
  return type_input(portfolio_type(relation, column), text, strlen(text), &db->arena, &ignored,
                    &db->error);
}

static int portfolio_run(ledger *db, sqlite3_stmt *stmt, int count, const struct value *values) {
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, count, values);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt); /* the values are the caller's */
  if (rc != LEDGER_DONE) return rc;
  if (sqlite3_changes(db->sqlite) == 1) return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN,
                   "the row %.*s is not in the state in which the book left it",
                   (int)values[0].length, values[0].text);
}

LEDGER_PRIVATE int portfolio_write(ledger *db, const struct relation *relation,
                                   enum statement_id id, int count, const struct value *values) {
  struct observe observe;
  observe_aside_start(&observe, db);
  int rc = observe_aside_end(&observe, portfolio_run(db, statement_fixed(db, id), count, values));
  return rc == LEDGER_OK ? change_note_id(db, relation, values[0].text) : rc;
}

/* ---- what a journal kept of its terms: {"object":{"member":"text"}} */

LEDGER_PRIVATE int portfolio_member(ledger *db, const char *detail, const char *object,
                                    const char *member, const char **out) {
  return json_find(&db->arena, detail, object, member, out, &db->error);
}

LEDGER_PRIVATE int portfolio_number(ledger *db, const char *detail, const char *object,
                                    const char *member, int64_t *out) {
  const char *text;
  *out = 0;
  int rc = portfolio_member(db, detail, object, member, &text);
  if (rc != LEDGER_OK || text == NULL) return rc;
  if (money_read(text, strlen(text), PORTFOLIO_SCALE, PORTFOLIO_SCALE, out, NULL) == LEDGER_OK)
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN, "a journal has \"%.40s\" for an amount", text);
}

LEDGER_PRIVATE int portfolio_keep(ledger *db, struct journal *journal, sqlite3_str *object,
                                  const char *more) {
  const char *text = arena_finish(&db->arena, object);
  journal->detail = text == NULL || more == NULL ? text : journal_detail(db, text, more);
  return journal->detail == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* ---- the hold behind an order or a payout */

LEDGER_PRIVATE int64_t portfolio_left(const struct hold_state *hold) {
  return hold->amount - hold->settled - hold->released;
}

LEDGER_PRIVATE int portfolio_open(ledger *db, const char *of, enum ledger_operation_kind kind,
                                  struct journal *journal, struct journal_past *past,
                                  struct hold_state *hold) {
  const char *word = operation_word(kind);
  int rc = journal_past(db, of, past);
  if (rc != LEDGER_OK) return rc;
  if (past->kind != kind)
    return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s is no %s, it is: %s", of, word,
                     operation_word(past->kind));
  if (past->outcome != LEDGER_OK)
    return error_set(&db->error, LEDGER_WRONG_STATE, "%s %s was refused: %s", word, of,
                     past->reason == NULL ? "" : past->reason);
  journal->parent = past->seq;
  rc = hold_state(db, past, hold);
  if (rc != LEDGER_OK || portfolio_left(hold) > 0) return rc;
  return error_set(&db->error, LEDGER_WRONG_STATE, "%s %s is closed: nothing of it is held", word,
                   of);
}

LEDGER_PRIVATE int portfolio_give_back(ledger *db, struct journal *journal,
                                       const struct hold_state *hold, int64_t amount) {
  struct hold_state part = *hold;
  part.amount = amount;
  part.settled = part.released = 0;
  return hold_drop(db, journal, &part);
}

/* ---- users without a row of portfolio: it is made with their first entry, empty but for that */

/* The key that portfolio.user_id refers to; NULL if it refers to none. */
static const struct constraint *portfolio_reference(const struct relation *portfolio) {
  int column = catalog_column(portfolio, "user_id", 7);
  for (int i = 0; i < portfolio->constraint_count; i++) {
    const struct constraint *constraint = portfolio->constraints[i];
    if (constraint->kind == 'f' && constraint->count == 1 && constraint->columns[0] == column)
      return constraint;
  }
  return NULL;
}

static sqlite3_stmt *portfolio_user_select(ledger *db, const struct relation *portfolio) {
  static const char key[] = "PORTUSR";
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt != NULL) return stmt;
  const struct constraint *reference = portfolio_reference(portfolio);
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  if (reference == NULL) {
    sqlite3_str_appendall(sql, "SELECT 1 WHERE ?1 IS NULL"); /* never true */
  } else {
    const struct relation *users = reference->reference;
    sqlite3_str_appendf(sql, "SELECT 1 FROM \"%w\" WHERE \"%w\" = ?1", users->stored_name,
                        users->columns[reference->reference_columns[0]].name);
  }
  return statement_make(db, key, sizeof key, sql);
}

LEDGER_PRIVATE int portfolio_may_have(ledger *db, const char *user_id, bool *out) {
  *out = false;
  sqlite3_stmt *stmt = portfolio_user_select(db, book_tables(db)->portfolio);
  if (stmt == NULL) return db->error.code;
  const struct value user = portfolio_text(user_id);
  int rc = statement_bind_all(db, stmt, 1, &user);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  *out = rc == LEDGER_ROW;
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static sqlite3_stmt *portfolio_insert(ledger *db, const struct relation *portfolio) {
  static const char key[] = "PORTINS";
  sqlite3_stmt *stmt = statement_find(db, key, sizeof key);
  if (stmt != NULL) return stmt;
  bool has_created = catalog_column(portfolio, "created_at", 10) >= 0;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql,
                      "INSERT INTO portfolio (id, user_id, updated_at%s) VALUES (?1, ?2, ?3%s)",
                      has_created ? ", created_at" : "", has_created ? ", ?3" : "");
  return statement_make(db, key, sizeof key, sql);
}

static int portfolio_row(ledger *db, struct account *account) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_PORTFOLIO_OF_USER);
  if (stmt == NULL) return db->error.code;
  const struct value user = portfolio_text(account->owner);
  int rc = statement_bind_all(db, stmt, 1, &user);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) account->row = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int portfolio_make(ledger *db, struct account *account, int64_t now_us) {
  const struct relation *portfolio = book_tables(db)->portfolio;
  int rc = portfolio_row(db, account); /* another column of the user's may have made it */
  if (rc != LEDGER_OK || account->row != 0) return rc;
  char id[37], now[MOMENT_TEXT_MAX];
  id_uuid7(id);
  const struct value values[] = {portfolio_text(id), portfolio_text(account->owner),
                                 portfolio_time(portfolio, "updated_at", now_us, now)};
  struct observe observe;
  observe_aside_start(&observe, db);
  rc = portfolio_run(db, portfolio_insert(db, portfolio), sizeof values / sizeof *values, values);
  if (rc == LEDGER_OK) account->row = sqlite3_last_insert_rowid(db->sqlite);
  rc = observe_aside_end(&observe, rc);
  return rc == LEDGER_OK ? change_note_id(db, portfolio, id) : rc;
}

/* ---- receive */

struct portfolio_address {
  const char *id, *user_id, *coin; /* in the arena */
  bool is_active;
  int64_t balance, total_received;
};

static int portfolio_sum(ledger *db, sqlite3_stmt *stmt, int column, int64_t *out) {
  const char *text;
  int rc = statement_text(db, stmt, column, &text);
  if (rc != LEDGER_OK) return rc;
  if (text != NULL &&
      money_read(text, strlen(text), PORTFOLIO_SCALE, PORTFOLIO_SCALE, out, NULL) == LEDGER_OK)
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_CORRUPT, "a sum of deposit_addresses is not an amount");
}

static int portfolio_find_address(ledger *db, const char *address, struct portfolio_address *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_DEPOSIT_ADDRESS);
  if (stmt == NULL) return db->error.code;
  struct value name = portfolio_text(address);
  int rc = statement_bind_all(db, stmt, 1, &name);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_DONE)
    rc = error_set(&db->error, LEDGER_UNKNOWN_ACCOUNT, "there is no deposit address \"%.255s\"",
                   address);
  if (rc == LEDGER_ROW) {
    rc = statement_text(db, stmt, 0, &out->id);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 1, &out->user_id);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 2, &out->coin);
    out->is_active = sqlite3_column_int(stmt, 3) != 0;
    if (rc == LEDGER_OK) rc = portfolio_sum(db, stmt, 4, &out->balance);
    if (rc == LEDGER_OK) rc = portfolio_sum(db, stmt, 5, &out->total_received);
  }
  sqlite3_reset(stmt);
  if (rc == LEDGER_OK && !out->is_active)
    rc = error_set(&db->error, LEDGER_WRONG_STATE, "deposit address %.255s is not active", address);
  return rc;
}

static int portfolio_after_receive(ledger *db, struct journal *journal, void *context) {
  const struct portfolio_address *address = context;
  const struct relation *table = book_tables(db)->deposit_addresses;
  char balance[MONEY_TEXT_MAX], total[MONEY_TEXT_MAX], now[MOMENT_TEXT_MAX];
  const struct value values[] = {
      portfolio_text(address->id), portfolio_amount(address->balance, balance),
      portfolio_amount(address->total_received, total),
      portfolio_time(table, "last_activity_at", journal->created_us, now)};
  return portfolio_write(db, table, STATEMENT_DEPOSIT_ADDRESS_UPDATE, 4, values);
}

/* The address with what the receipt adds to it. */
static int portfolio_credit(ledger *db, struct portfolio_address *address, int64_t amount,
                            int64_t maximum) {
  if (!__builtin_add_overflow(address->balance, amount, &address->balance) &&
      !__builtin_add_overflow(address->total_received, amount, &address->total_received) &&
      address->balance <= maximum && address->total_received <= maximum)
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_AMOUNT_RANGE,
                   "the sums of the deposit address would be out of range");
}

LEDGER_PRIVATE int portfolio_receive(ledger *db, const struct operation *operation,
                                     struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  const struct book_tables *tables = book_tables(db);
  struct account *account, *world;
  int64_t amount;
  int rc = book_need(db, tables->deposit_addresses, "deposit_addresses");
  if (rc == LEDGER_OK) rc = book_need(db, tables->portfolio_transactions, "portfolio_transactions");
  if (rc != LEDGER_OK) return rc;
  struct portfolio_address *address = arena_alloc(&db->arena, sizeof *address);
  if (address == NULL) return error_memory(&db->error);
  rc = portfolio_find_address(db, asked->address, address);
  if (rc == LEDGER_OK) rc = account_portfolio(db, address->user_id, address->coin, &account);
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, account, &amount);
  if (rc == LEDGER_OK) rc = portfolio_credit(db, address, amount, account->maximum);
  if (rc == LEDGER_OK) rc = account_system(db, "world", account->currency, account->scale, &world);
  if (rc == LEDGER_OK) rc = journal_move(db, journal, world, account, amount);
  if (rc != LEDGER_OK) return rc;
  journal_row(journal, account, "deposit", amount, "completed", "", "credit");
  char balance[MONEY_TEXT_MAX], total[MONEY_TEXT_MAX];
  money_text(address->balance, PORTFOLIO_SCALE, balance);
  money_text(address->total_received, PORTFOLIO_SCALE, total);
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"receive\":{");
  json_member(json, "address_id", address->id);
  json_member(json, "txn_hash", asked->txn_hash);
  json_member(json, "balance", balance);
  json_member(json, "total_received", total);
  sqlite3_str_appendall(json, "}}");
  rc = portfolio_keep(db, journal, json, NULL);
  if (rc == LEDGER_OK && asked->fee != NULL)
    rc = fee_add(db, journal, asked->fee, account, amount, operation->rounding);
  journal->after = portfolio_after_receive;
  journal->after_context = address;
  return rc;
}
