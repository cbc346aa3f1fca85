/*
** tables.c: which of the book's plain tables a schema has, in the shape that the book needs, and when what the handle remembers of
** the book still holds.
*/
#include "../internal.h"
#include "book_state.h"

/* Has the table these columns, each name with a type behind it: u uuid, t text or varchar, n numeric of at most 18 digits, 8 numeric(18,8),
** m timestamp or timestamptz without a precision, j jsonb, i inet or text, b boolean, e an enum or text. */
struct tables_shape {
  const char *name;
  const char *columns;
};

static bool tables_type_is(const struct column *column, char wanted) {
  const struct type *type = &column->type;
  if (type->is_array) return false;
  bool is_text = type->id == TYPE_TEXT || type->id == TYPE_VARCHAR;
  switch (wanted) {
  case 'u': return type->id == TYPE_UUID;
  case 't': return is_text;
  case 'n':
    return type->id == TYPE_NUMERIC && type->length > 0 && type->length <= 18 && type->scale >= 0 &&
           type->scale <= type->length;
  case '8': return type->id == TYPE_NUMERIC && type->length == 18 && type->scale == PORTFOLIO_SCALE;
  case 'm': return (type->id == TYPE_TIMESTAMP || type->id == TYPE_TIMESTAMPTZ) && type->length < 0;
  case 'j': return type->id == TYPE_JSONB;
  case 'i': return is_text || type->id == TYPE_INET;
  case 'b': return type->id == TYPE_BOOLEAN;
  case 'e': return is_text || type->id == TYPE_ENUM;
  default: return false;
  }
}

static const struct relation *tables_find(ledger *db, const struct tables_shape *shape) {
  const struct relation *relation = catalog_stored(db->catalog, shape->name, strlen(shape->name));
  if (relation == NULL || relation->is_view) return NULL;
  for (const char *rest = shape->columns; *rest != 0;) {
    size_t length = strcspn(rest, ":");
    int column = catalog_column(relation, rest, length);
    if (column < 0 || !tables_type_is(&relation->columns[column], rest[length + 1])) return NULL;
    rest += length + 2;
    if (*rest == ' ') rest++;
  }
  return relation;
}

static const struct tables_shape tables_shapes[] = {
    {"accounts", "id:u user_id:u account_number:t account_type:t currency:t balance:n"
                 " available_balance:n status:t created_at:m updated_at:m"},
    {"transactions",
     "id:u account_id:u transaction_type:t amount:n currency:t status:t description:t"
     " reference_number:t metadata:j created_at:m updated_at:m completed_at:m"},
    {"portfolio", "id:u user_id:u cash_balance:8 btc_balance:8 eth_balance:8 usdt_balance:8"
                  " usdc_balance:8 xrp_balance:8 ada_balance:8 updated_at:m"},
    {"portfolio_transactions", "id:u user_id:u transaction_type:t amount:8 currency:t status:t"
                               " reference:t created_at:m updated_at:m"},
    {"trades", "id:u user_id:u trade_type:t asset:t amount:8 price:8 total:8 balance_before:8"
               " balance_after:8 status:t is_simulated:b generated_at:m created_at:m"},
    {"crypto_withdrawals", "id:u user_id:u amount:8 currency:t crypto_address:t status:e txn_hash:t"
                           " error_message:t created_at:m updated_at:m processed_at:m"},
    {"deposit_addresses", "id:u user_id:u crypto_type:t address:t is_active:b balance:8"
                          " total_received:8 last_activity_at:m"},
    {"exchange_rates", "id:u from_currency:t to_currency:t rate:n source:t quoted_at:m"},
    {"fee_config", "id:u fee_type:t percentage_fee:n flat_fee:n minimum_amount:n maximum_amount:n"
                   " currency:t is_active:b created_at:m"},
};

static const struct tables_shape tables_audit_full = {
    "audit_logs",
    "id:u user_id:u admin_id:u admin_key:t action:t entity_type:t entity_id:u old_values:j"
    " new_values:j details:j ip_address:i user_agent:t status:t error_message:t created_at:m"};
static const struct tables_shape tables_audit_short = {
    "audit_logs", "id:u user_id:u action:t resource_type:t resource_id:u ip_address:i user_agent:t"
                  " details:j created_at:m"};

/* The CHECKs of schema/full on the tables that each operation writes. What the book writes there holds to them: its own words,
** amounts above zero, the currency of an account that was accepted. */
static const char *const tables_checks[] = {
    "CHECK (account_type IN ('checking', 'savings', 'investment', 'business'))",
    "CHECK (currency ~ '^[A-Z]{3}$')",
    "CHECK (status IN ('active', 'suspended', 'frozen', 'closed'))",
    "CHECK (transaction_type IN ('deposit', 'withdrawal', 'transfer', 'credit', 'debit', 'fee',"
    " 'exchange', 'reversal', 'adjustment'))",
    "CHECK (amount > 0)",
    "CHECK (status IN ('pending', 'completed', 'failed'))",
    "CHECK (transaction_type IN ('deposit', 'withdrawal', 'buy', 'sell', 'adjustment', 'credit',"
    " 'trade'))",
    "CHECK (status IN ('pending', 'completed', 'failed', 'cancelled'))",
    "CHECK (status IN ('success', 'failure'))",
};

static const struct type *tables_type(const struct relation *relation, const char *column) {
  return &relation->columns[catalog_column(relation, column, strlen(column))].type;
}

/* Do its columns take whatever the book writes: texts of people's of any length, references, words, amounts and currencies as the
** accounts have them? `amount` and `currency` are types of theirs, or NULL. */
static bool tables_takes(const struct relation *relation, const struct type *amount,
                         const struct type *currency) {
  static const char *const people[] = {"description", "error_message", "user_agent", "admin_key"};
  for (int i = 0; i < relation->column_count; i++) {
    const char *name = relation->columns[i].name;
    const struct type *type = &relation->columns[i].type;
    int least = 43; /* an address, and more than the book's words */
    if (strncmp(name, "reference", 9) == 0) least = LEDGER_REFERENCE_MAX + 4;
    if (strcmp(name, "currency") == 0)
      least = currency == NULL       ? 4 /* a coin's symbol */
              : currency->length > 0 ? currency->length
                                     : INT_MAX;
    for (size_t k = 0; k < sizeof people / sizeof *people; k++)
      if (strcmp(name, people[k]) == 0) least = INT_MAX;
    if (type->id == TYPE_VARCHAR && type->length > 0 && type->length < least) return false;
    if (type->id == TYPE_NUMERIC && amount != NULL &&
        (type->length != amount->length || type->scale != amount->scale))
      return false;
  }
  return true;
}

/* Has the table no CHECK but these? */
static bool tables_knows_checks(const struct relation *relation) {
  bool knows = true;
  for (int i = 0; knows && i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind == 'd') knows = false;
    if (constraint->kind != 'c') continue;
    knows = false;
    for (size_t k = 0; k < sizeof tables_checks / sizeof *tables_checks; k++)
      knows = knows || strcmp(constraint->definition, tables_checks[k]) == 0;
  }
  return knows;
}

/* May the book write its rows without SQLite looking at the checks, those of the columns' types included? */
static bool tables_trusted(const struct relation *relation, const struct type *amount,
                           const struct type *currency) {
  return relation != NULL && tables_knows_checks(relation) &&
         tables_takes(relation, amount, currency);
}

static enum type_id tables_time(const struct relation *relation, const char *column) {
  if (relation == NULL) return TYPE_TIMESTAMPTZ;
  return tables_type(relation, column)->id;
}

static void tables_resolve(ledger *db, struct book_tables *tables) {
  const struct relation **places[] = {&tables->accounts,
                                      &tables->transactions,
                                      &tables->portfolio,
                                      &tables->portfolio_transactions,
                                      &tables->trades,
                                      &tables->crypto_withdrawals,
                                      &tables->deposit_addresses,
                                      &tables->exchange_rates,
                                      &tables->fee_config};
  *tables = (struct book_tables){0};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++)
    *places[i] = tables_find(db, &tables_shapes[i]);
  tables->audit_logs = tables_find(db, &tables_audit_full);
  tables->audit_is_full = tables->audit_logs != NULL;
  if (tables->audit_logs == NULL) tables->audit_logs = tables_find(db, &tables_audit_short);
  const struct relation *accounts = tables->accounts, *portfolio = tables->portfolio;
  const struct type *currency = accounts == NULL ? NULL : tables_type(accounts, "currency");
  const struct type *amount = accounts == NULL ? NULL : tables_type(accounts, "balance");
  const struct type *coins = portfolio == NULL ? NULL : tables_type(portfolio, "cash_balance");
  tables->trusts_accounts = tables_trusted(accounts, amount, currency);
  tables->trusts_transactions = tables_trusted(tables->transactions, amount, currency);
  tables->trusts_portfolio_transactions =
      tables_trusted(tables->portfolio_transactions, coins, NULL);
  tables->trusts_audit = tables_trusted(tables->audit_logs, NULL, NULL);
  tables->accounts_time = tables_time(tables->accounts, "updated_at");
  tables->transactions_time = tables_time(tables->transactions, "created_at");
  tables->audit_time = tables_time(tables->audit_logs, "created_at");
}

/* PRAGMA data_version: another number once another connection has committed. */
static int tables_data_version(ledger *db, int64_t *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_DATA_VERSION);
  if (stmt == NULL) return db->error.code;
  if (sqlite3_step(stmt) == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int book_enter(ledger *db) {
  struct book *book = db->book;
  if (book == NULL) {
    book = db->book = sqlite3_malloc64(sizeof *book);
    if (book == NULL) return error_memory(&db->error);
    memset(book, 0, sizeof *book);
  }
  if (book->catalog != db->catalog || book->schema_version != db->schema_version) {
    account_forget_all(db);
    tables_resolve(db, &book->tables);
    book->catalog = db->catalog;
    book->schema_version = db->schema_version;
  }
  /* Within a write transaction nobody else commits. */
  bool same_transaction = db->session.now_us != 0 && book->transaction == db->transaction;
  if (!same_transaction) {
    int64_t version = 0;
    int rc = tables_data_version(db, &version);
    if (rc != LEDGER_OK) return rc;
    if (version != book->data_version) account_forget_all(db);
    book->data_version = version;
    book->transaction = db->session.now_us != 0 ? db->transaction : 0;
  }
  if (book->row_writes != db->row_writes) account_forget_all(db);
  book->row_writes = db->row_writes;
  return LEDGER_OK;
}

LEDGER_PRIVATE const struct book_tables *book_tables(ledger *db) {
  return &db->book->tables;
}

LEDGER_PRIVATE int book_need(ledger *db, const struct relation *table, const char *name) {
  if (table != NULL) return LEDGER_OK;
  return error_set(&db->error, LEDGER_NO_BOOK, "the schema has no table %s as the book needs it",
                   name);
}

LEDGER_PRIVATE void book_forget(ledger *db) {
  if (db->book == NULL) return;
  account_forget_all(db);
  for (int i = 0; i < ACCOUNT_CHUNKS; i++) sqlite3_free(db->book->chunks[i]);
  sqlite3_free(db->book->slots);
  arena_free(&db->book->results);
  sqlite3_free(db->book);
  db->book = NULL;
}
