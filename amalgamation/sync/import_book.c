/*
** import_book.c: what the book makes of an import. Balances are the book's alone: accounts and portfolios come in with 0, and then an
** opening journal brings each balance, under the reference IMPORT- and the account's id, or the user's id and the currency. What is
** not available of a balance is held (IMPORT-HOLD-...), until somebody releases it; a balance below zero is an adjustment
** (IMPORT-...), under an overdraft limit of just that (IMPORT-LIMIT-...). An account that is not active gets its balance all the
** same. Rows that say that money has moved, and audit rows, are history from before: the journal of the import vouches for them
** (book/imported.c).
*/
#include "../internal.h"
#include "import.h"

#define IMPORT_KEEP "temp.ledger_import_balance"

/* Of a portfolio each numeric column that ends so is one: btc_balance. */
static bool import_is_coin(const struct column *column) {
  size_t length = strlen(column->name);
  return column->type.id == TYPE_NUMERIC && !column->type.is_array && length > 8 &&
         strcmp(column->name + length - 8, "_balance") == 0;
}

static bool import_is_balance(const struct import_table *table, int column) {
  const struct column *of = &table->relation->columns[column];
  if (table->is_portfolio) return import_is_coin(of);
  return strcmp(of->name, "balance") == 0 || strcmp(of->name, "available_balance") == 0;
}

/* ---- before the rows */

LEDGER_PRIVATE int import_book_open(struct import *import) {
  ledger *db = import->db;
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  const struct book_tables *tables = book_tables(db);
  const struct relation *accounts = tables->transactions == NULL ? NULL : tables->accounts;
  const struct relation *portfolio =
      tables->portfolio_transactions == NULL ? NULL : tables->portfolio;
  for (int i = 0; i < db->catalog->relation_count; i++) {
    struct import_table *table = &import->tables[i];
    table->is_accounts = accounts != NULL && table->relation == accounts;
    table->is_portfolio = portfolio != NULL && table->relation == portfolio;
  }
  if (accounts != NULL)
    import->scale = accounts->columns[catalog_column(accounts, "balance", 7)].type.scale;
  money_text(0, import->scale, import->zero);
  money_text(0, PORTFOLIO_SCALE, import->zero_coins);
  for (int table = 0; table < IMPORTED_TABLES && rc == LEDGER_OK; table++)
    if (imported_relation(db, (enum imported_table)table) != NULL)
      rc = imported_last(db, (enum imported_table)table, &import->before[table]);
  import->has_balances = accounts != NULL || portfolio != NULL;
  if (rc != LEDGER_OK || !import->has_balances) return rc;
  rc =
      statement_exec(db, "CREATE TEMP TABLE ledger_import_balance (class, owner, currency, balance,"
                         " available, status, updated_at)");
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "INSERT INTO " IMPORT_KEEP " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  return statement_prepare(db, sql, &import->keep);
}

LEDGER_PRIVATE void import_book_close(struct import *import) {
  statement_end(import->keep);
  import->keep = NULL;
}

/* ---- balances on their way */

LEDGER_PRIVATE void import_balances_take(struct import *import, bool *has_balance) {
  const struct import_table *table = import->table;
  const char *zero = table->is_portfolio ? import->zero_coins : import->zero;
  *has_balance = false;
  if (!table->is_accounts && !table->is_portfolio) return;
  for (int i = 0; i < table->relation->column_count; i++) {
    struct value *value = &import->written[i];
    if (value->kind != VALUE_TEXT || !import_is_balance(table, i)) continue;
    if (value->length == strlen(zero) && memcmp(value->text, zero, value->length) == 0) continue;
    *value = (struct value){.kind = VALUE_TEXT, .text = zero, .length = strlen(zero)};
    *has_balance = true;
  }
}

static const struct value *import_column(const struct import *import, const char *name) {
  static const struct value none = {.kind = VALUE_NULL};
  int column = catalog_column(import->table->relation, name, strlen(name));
  return column < 0 ? &none : &import->row[column];
}

static int import_keep(struct import *import, const char *owner, const struct value *currency,
                       const struct value *balance, const struct value *available) {
  ledger *db = import->db;
  const struct value values[] = {{.kind = VALUE_INTEGER, .integer = import->table->is_portfolio},
                                 *import_column(import, owner),
                                 *currency,
                                 *balance,
                                 *available,
                                 *import_column(import, "status"),
                                 *import_column(import, "updated_at")};
  int rc = statement_bind_all(db, import->keep, 7, values);
  if (rc == LEDGER_OK) rc = statement_step(db, import->keep);
  sqlite3_reset(import->keep);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int import_balances_keep(struct import *import) {
  const struct relation *relation = import->table->relation;
  int rc = LEDGER_OK;
  if (import->table->is_accounts)
    return import_keep(import, "id", import_column(import, "currency"),
                       import_column(import, "balance"),
                       import_column(import, "available_balance"));
  for (int i = 0; i < relation->column_count && rc == LEDGER_OK; i++) {
    const struct value *balance = &import->row[i];
    char name[LEDGER_NAME_MAX + 1];
    if (!import_is_coin(&relation->columns[i]) || balance->kind != VALUE_TEXT ||
        strcmp(balance->text, import->zero_coins) == 0)
      continue;
    size_t length = strlen(relation->columns[i].name) - 8;
    for (size_t c = 0; c < length; c++) {
      char letter = relation->columns[i].name[c];
      name[c] = letter >= 'a' && letter <= 'z' ? (char)(letter - 'a' + 'A') : letter;
    }
    name[length] = 0;
    const char *currency = strcmp(name, "CASH") == 0 ? "USD" : name;
    struct value coin = {.kind = VALUE_TEXT, .text = currency, .length = strlen(currency)};
    rc = import_keep(import, "user_id", &coin, balance, balance);
  }
  return rc;
}

/* ---- the journal of the import */

static int import_vouch(struct import *import) {
  ledger *db = import->db;
  sqlite3_str *text = sqlite3_str_new(NULL);
  char id[37], details[64];
  unsigned char hash[32];
  int rc = LEDGER_OK;
  sqlite3_str_appendchar(text, 1, '{');
  for (int table = 0; table < IMPORTED_TABLES && rc == LEDGER_OK; table++)
    if (imported_relation(db, (enum imported_table)table) != NULL)
      rc = imported_say(db, (enum imported_table)table, import->before[table], text);
  bool is_empty = sqlite3_str_length(text) == 1;
  sqlite3_str_appendchar(text, 1, '}');
  const char *detail = arena_finish(&db->arena, text);
  if (rc == LEDGER_OK && detail == NULL) rc = error_memory(&db->error);
  if (rc != LEDGER_OK || is_empty) return rc;
  sqlite3_snprintf((int)sizeof details, details, "{\"rows\": %lld}", (long long)import->rows);
  id_uuid7(id);
  journal_row_id(id, 0, id);
  const struct audit_event event = {.id = id,
                                    .action = "IMPORT",
                                    .entity_type = "import",
                                    .details = details,
                                    .created_us = db->session.now_us};
  rc = audit_write(db, &event, hash);
  return rc == LEDGER_OK ? journal_audit(db, id, hash, detail) : rc;
}

/* ---- opening journals */

struct import_opening {
  struct import *import;
  bool is_portfolio;
  char owner[40], currency[24], name[80], suffix[64];
  int64_t balance, available;
  int scale;
};

static int import_post(struct import_opening *opening, enum ledger_operation_kind kind,
                       const char *prefix, int64_t amount) {
  ledger *db = opening->import->db;
  char text[MONEY_TEXT_MAX], reference[LEDGER_REFERENCE_MAX + 1];
  ledger_operation operation = {.kind = kind, .reference = reference};
  sqlite3_snprintf((int)sizeof reference, reference, "%s%s", prefix, opening->suffix);
  money_text(amount, opening->scale, text);
  if (kind == LEDGER_OP_LIMITS) {
    operation.account = opening->name;
    operation.overdraft_limit = text;
  } else {
    operation.amount = text;
    operation.description =
        kind == LEDGER_OP_HOLD ? "not available when it was imported" : "balance as imported";
    if (kind == LEDGER_OP_OPENING)
      operation.to = opening->name;
    else
      operation.from = opening->name;
  }
  int rc = operation_run(db, &operation, NULL);
  if (rc == LEDGER_OK) opening->import->openings += kind != LEDGER_OP_LIMITS;
  return rc;
}

static int import_open_balance(struct import_opening *opening) {
  int64_t least = opening->balance < opening->available ? opening->balance : opening->available;
  int rc = LEDGER_OK;
  if (opening->available > opening->balance || (opening->is_portfolio && least < 0)) {
    char balance[MONEY_TEXT_MAX], available[MONEY_TEXT_MAX];
    money_text(opening->balance, opening->scale, balance);
    money_text(opening->available, opening->scale, available);
    return error_set(&opening->import->db->error, LEDGER_WRONG_STATE,
                     "account %s has a balance of %s, of which %s is available: the book cannot "
                     "take that in",
                     opening->name, balance, available);
  }
  if (least < 0) rc = import_post(opening, LEDGER_OP_LIMITS, "IMPORT-LIMIT-", -least);
  if (rc == LEDGER_OK && opening->balance > 0)
    rc = import_post(opening, LEDGER_OP_OPENING, "IMPORT-", opening->balance);
  if (rc == LEDGER_OK && opening->balance < 0)
    rc = import_post(opening, LEDGER_OP_ADJUST, "IMPORT-", -opening->balance);
  if (rc == LEDGER_OK && opening->available < opening->balance) {
    rc =
        import_post(opening, LEDGER_OP_HOLD, "IMPORT-HOLD-", opening->balance - opening->available);
    if (rc == LEDGER_OK) opening->import->openings--;
    if (rc == LEDGER_OK) opening->import->holds++;
  }
  return rc;
}

/* The account's row as it came; `status`: or active. */
static int import_restore(struct import_opening *opening, const struct value *status,
                          const struct value *updated_at) {
  ledger *db = opening->import->db;
  const struct value owner = {
      .kind = VALUE_TEXT, .text = opening->owner, .length = strlen(opening->owner)};
  const struct value account[] = {owner, *status, *updated_at};
  const struct value portfolio[] = {owner, *updated_at};
  sqlite3_stmt *stmt = statement_fixed(db, opening->is_portfolio ? STATEMENT_IMPORT_PORTFOLIO
                                                                 : STATEMENT_IMPORT_ACCOUNT);
  if (stmt == NULL) return db->error.code;
  int rc = opening->is_portfolio ? statement_bind_all(db, stmt, 2, portfolio)
                                 : statement_bind_all(db, stmt, 3, account);
  if (rc == LEDGER_OK) rc = journal_step(db, stmt);
  sqlite3_clear_bindings(stmt);
  return rc;
}

static bool import_amount(const struct value *value, int scale, int64_t *out) {
  return value->kind == VALUE_TEXT &&
         money_read(value->text, value->length, scale, scale, out, NULL) == LEDGER_OK;
}

static int import_opening(struct import *import, sqlite3_stmt *kept) {
  static const struct value active = {.kind = VALUE_TEXT, .text = "active", .length = 6};
  ledger *db = import->db;
  struct import_opening opening = {.import = import};
  struct value values[7];
  for (int i = 0; i < 7; i++) values[i] = statement_value(kept, i);
  opening.is_portfolio = values[0].integer != 0;
  const char *owner = values[1].kind == VALUE_TEXT ? values[1].text : "";
  const char *currency = values[2].kind == VALUE_TEXT ? values[2].text : "";
  sqlite3_snprintf((int)sizeof opening.owner, opening.owner, "%s", owner);
  sqlite3_snprintf((int)sizeof opening.currency, opening.currency, "%s", currency);
  if (opening.is_portfolio) {
    opening.scale = PORTFOLIO_SCALE;
    sqlite3_snprintf((int)sizeof opening.name, opening.name, "portfolio:%s:%s", owner, currency);
    sqlite3_snprintf((int)sizeof opening.suffix, opening.suffix, "%s-%s", owner, currency);
  } else {
    opening.scale = import->scale;
    memcpy(opening.name, opening.owner, sizeof opening.owner);
    memcpy(opening.suffix, opening.owner, sizeof opening.owner);
  }
  if (!import_amount(&values[3], opening.scale, &opening.balance) ||
      !import_amount(&values[4], opening.scale, &opening.available))
    return error_set(&db->error, LEDGER_AMOUNT_RANGE, "the balance of account %s is out of range",
                     opening.name);
  bool is_active = opening.is_portfolio || values[5].kind != VALUE_TEXT ||
                   sqlite3_stricmp(values[5].text, "active") == 0;
  int rc = is_active ? LEDGER_OK : import_restore(&opening, &active, &values[6]);
  if (rc == LEDGER_OK) rc = import_open_balance(&opening);
  if (rc == LEDGER_OK) rc = import_restore(&opening, &values[5], &values[6]);
  if (rc == LEDGER_OK && !is_active) account_forget_all(db); /* it remembers the status */
  return rc;
}

static int import_openings(struct import *import) {
  ledger *db = import->db;
  sqlite3_stmt *kept = NULL;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  int64_t done = 0;
  sqlite3_str_appendall(sql, "SELECT class, owner, currency, balance, available, status, updated_at"
                             " FROM " IMPORT_KEEP " ORDER BY rowid");
  int rc = statement_prepare(db, sql, &kept);
  db->row_writes++;
  if (rc == LEDGER_OK) rc = book_enter(db);
  while (rc == LEDGER_OK && (rc = statement_step(db, kept)) == LEDGER_ROW) {
    rc = import_opening(import, kept);
    if (rc == LEDGER_OK && ++done % 1000 == 0) rc = connection_report(db, import->rows + done, 0);
  }
  ledger_error error = db->error;
  statement_end(kept);
  db->error = error;
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE int import_book_finish(struct import *import) {
  ledger *db = import->db;
  db->row_writes++;
  int rc = book_enter(db);
  arena_reset(&db->arena);
  if (rc == LEDGER_OK) rc = import_vouch(import);
  if (rc != LEDGER_OK || !import->has_balances) return rc;
  rc = import_openings(import);
  import_book_close(import);
  return rc == LEDGER_OK ? statement_exec(db, "DROP TABLE " IMPORT_KEEP) : rc;
}

LEDGER_PRIVATE int import_is_own(ledger *db, const struct relation *relation,
                                 const struct value *row, bool *is_own) {
  const struct book_tables *tables = book_tables(db);
  *is_own = false;
  if (relation != tables->transactions && relation != tables->portfolio_transactions &&
      relation != tables->audit_logs)
    return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_IMPORT_IS_OWN);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, &row[catalog_column(relation, "id", 2)]);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  *is_own = rc == LEDGER_ROW;
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

#undef IMPORT_KEEP
