/*
** verify_account.c: the state of each account as its entries make it, what ledger_account and the plain tables show of it, and the
** sums over all accounts. V1 to V6 and the integers of V9.
*/
#include "../internal.h"
#include "verify.h"

/* ---- who an account is */

LEDGER_PRIVATE void verify_account_name(const struct verify *verify,
                                        const struct verify_identity *who, char out[80]) {
  char owner[37];
  const struct head_unit *unit = &verify->units.items[who->unit];
  if (who->class == ACCOUNT_SYSTEM) {
    sqlite3_snprintf(80, out, "system:%.16s:%s:%d", (const char *)who->owner, unit->currency,
                     unit->scale);
    return;
  }
  verify_uuid_text(who->owner, owner);
  if (who->class == ACCOUNT_PLAIN)
    sqlite3_snprintf(80, out, "%s", owner);
  else
    sqlite3_snprintf(80, out, "portfolio:%s:%s", owner, unit->currency);
}

/* Columns class, owner, currency, scale from `column` on. false: not what the book writes. */
static bool verify_account_who(struct verify *verify, sqlite3_stmt *stmt, int column,
                               struct verify_identity *who, int *rc) {
  static const char *const classes[] = {"account", "portfolio", "system"};
  const char *class = verify_text(stmt, column), *owner = verify_text(stmt, column + 1);
  const char *currency = verify_text(stmt, column + 2);
  int64_t scale = sqlite3_column_int64(stmt, column + 3);
  int number = 0;
  *who = (struct verify_identity){.unit = -1};
  if (class == NULL || owner == NULL || currency == NULL) return false;
  while (number < 3 && strcmp(classes[number], class) != 0) number++;
  if (number == 3 || sqlite3_column_type(stmt, column + 3) != SQLITE_INTEGER || scale < 0 ||
      scale > 18 || strlen(currency) >= sizeof verify->units.items->currency)
    return false;
  who->class = (enum account_class)number;
  if (who->class == ACCOUNT_SYSTEM) {
    if (strlen(owner) > sizeof who->owner) return false;
    memcpy(who->owner, owner, strlen(owner));
  } else if (!verify_uuid(owner, who->owner)) {
    return false;
  }
  who->unit = head_unit(&verify->units, currency, (int)scale);
  if (who->unit < 0 || who->unit > UINT16_MAX) *rc = error_memory(&verify->db->error);
  return *rc == LEDGER_OK;
}

static struct verify_account *verify_account_at(const struct verify *verify, int64_t account_key) {
  if (account_key < verify->first_key || account_key - verify->first_key >= VERIFY_ACCOUNTS)
    return NULL;
  return &verify->account[account_key - verify->first_key];
}

LEDGER_PRIVATE int verify_identify(struct verify *verify, int64_t account_key,
                                   struct verify_identity *who, struct verify_account **account) {
  struct verify_account *known = verify_account_at(verify, account_key);
  *account = NULL;
  if (known != NULL) {
    who->unit = known->exists ? known->unit : -1;
    who->class = (enum account_class)known->class;
    memcpy(who->owner, known->owner, sizeof who->owner);
    if (known->exists) *account = known;
    return LEDGER_OK;
  }
  *who = (struct verify_identity){.unit = -1};
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_ACCOUNT_NAMED_BY_KEY);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  bool has_row;
  sqlite3_bind_int64(stmt, 1, account_key);
  int rc = verify_step(verify, stmt, &has_row);
  if (has_row) verify_account_who(verify, stmt, 0, who, &rc);
  sqlite3_reset(stmt);
  return rc;
}

static sqlite3_stmt *verify_account_range(struct verify *verify, enum statement_id id, int *rc) {
  sqlite3_stmt *stmt = statement_fixed(verify->db, id);
  if (stmt == NULL) {
    *rc = verify_trouble(verify, verify->db->error.code);
    return NULL;
  }
  /* The first range begins where integers begin, so that keys below 1 are seen. */
  sqlite3_bind_int64(stmt, 1, verify->first_key == 1 ? INT64_MIN : verify->first_key);
  sqlite3_bind_int64(stmt, 2, verify->first_key + VERIFY_ACCOUNTS - 1);
  return stmt;
}

static void verify_account_load(struct verify *verify, sqlite3_stmt *stmt, int *rc) {
  int64_t key = sqlite3_column_int64(stmt, 0);
  struct verify_account *account = verify_account_at(verify, key);
  struct verify_identity who;
  if (account == NULL || !verify_account_who(verify, stmt, 1, &who, rc)) {
    if (*rc == LEDGER_OK)
      verify_break(verify, "V9", "ledger_account", NULL, key,
                   "account number %lld is not as the book writes it", (long long)key);
    return;
  }
  memcpy(account->owner, who.owner, sizeof account->owner);
  account->unit = (uint16_t)who.unit;
  account->class = (uint8_t)who.class;
  account->max_balance = INT64_MAX;
  account->exists = true;
  verify->accounts++;
}

/* The next key: a range begins where there is an account, however far apart a foreign hand has put them. */
static int verify_accounts_next(struct verify *verify, int64_t *key) {
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_VERIFY_ACCOUNT_NEXT);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  bool has_row;
  sqlite3_bind_int64(stmt, 1, *key);
  int rc = verify_step(verify, stmt, &has_row);
  *key = has_row ? sqlite3_column_int64(stmt, 0) : 0; /* null: none */
  sqlite3_reset(stmt);
  return rc;
}

LEDGER_PRIVATE int verify_accounts_load(struct verify *verify, int64_t *key) {
  bool has_row = true;
  int64_t expected = *key;
  int rc = *key <= 1 ? LEDGER_OK : verify_accounts_next(verify, key);
  memset(verify->account, 0, VERIFY_ACCOUNTS * sizeof *verify->account);
  verify->first_key = *key == 0 ? INT64_MAX - VERIFY_ACCOUNTS : *key;
  if (rc != LEDGER_OK || *key == 0) return rc;
  sqlite3_stmt *stmt = verify_account_range(verify, STATEMENT_VERIFY_ACCOUNTS, &rc);
  if (stmt == NULL) return rc;
  while (rc == LEDGER_OK && (rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row) {
    int64_t number = sqlite3_column_int64(stmt, 0);
    if (number > expected) {
      verify_break(verify, "V9", "ledger_account", NULL, expected,
                   "account numbers %lld to %lld are missing", (long long)expected,
                   (long long)(number - 1));
    }
    if (number >= expected) expected = number + 1;
    verify_account_load(verify, stmt, &rc);
  }
  sqlite3_reset(stmt);
  return rc;
}

/* ---- an entry */

static void verify_entry_break(struct verify *verify, const struct verify_entry *entry,
                               const char *check, const char *what, int64_t says, int64_t follows) {
  char name[80];
  verify_account_name(verify, &entry->who, name);
  verify_break(verify, check, "ledger_entry", name, entry->seq, "%s is %lld, %lld follows", what,
               (long long)says, (long long)follows);
}

static void verify_entry_follow(struct verify *verify, const struct verify_entry *entry) {
  const struct verify_account *account = entry->account;
  int64_t balance = account->balance, held = account->held;
  if (entry->layer == LAYER_POSTED) balance = verify_add(balance, entry->amount);
  if (entry->layer == LAYER_HELD) held = verify_add(held, -entry->amount);
  if (entry->version != account->version + 1)
    verify_entry_break(verify, entry, "V3", "version", entry->version, account->version + 1);
  if (entry->previous != account->last_entry)
    verify_entry_break(verify, entry, "V3", "previous", entry->previous, account->last_entry);
  if (entry->balance_after != balance)
    verify_entry_break(verify, entry, "V3", "balance_after", entry->balance_after, balance);
  if (entry->available_after != verify_add(entry->balance_after, -held)) {
    verify_entry_break(verify, entry, "V4", "available_after", entry->available_after,
                       verify_add(entry->balance_after, -held));
  }
  if (held < 0) verify_entry_break(verify, entry, "V4", "held", held, 0);
}

/* The account after the entry, as the entry says: what follows is compared with that, not with an older break. */
LEDGER_PRIVATE void verify_entry(struct verify *verify, struct verify_journal *journal,
                                 struct verify_entry *entry) {
  struct verify_account *account = entry->account;
  if (account == NULL) return;
  entry->before_balance = account->balance;
  entry->before_available = verify_add(account->balance, -account->held);
  entry->is_last = true;
  for (int i = journal->entry_count - 1; i >= 0; i--) { /* the entries before it */
    struct verify_entry *earlier = &journal->entries[i];
    if (earlier->account_key != entry->account_key) continue;
    entry->before_balance = earlier->before_balance;
    entry->before_available = earlier->before_available;
    earlier->is_last = false;
    break;
  }
  verify_entry_follow(verify, entry);
  account->balance = entry->balance_after;
  account->held = verify_add(entry->balance_after, -entry->available_after);
  if (entry->layer == LAYER_EXPECTED)
    account->expected = verify_add(account->expected, entry->amount);
  account->version = entry->version;
  account->last_entry = entry->seq;
  account->last_jump = entry->jump;
}

/* ---- a journal */

LEDGER_PRIVATE void verify_balance(struct verify *verify, const struct verify_journal *journal) {
  struct head_unit *units = verify->units.items;
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->who.unit < 0) continue;
    struct head_unit *unit = &units[entry->who.unit];
    *(entry->layer == LAYER_POSTED ? &unit->posted : &unit->pending) += entry->amount;
    if (entry->layer == LAYER_POSTED && entry->who.class != ACCOUNT_SYSTEM)
      unit->customers += entry->amount;
  }
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->who.unit < 0) continue;
    struct head_unit *unit = &units[entry->who.unit];
    if (unit->posted != 0 || unit->pending != 0) {
      verify_break(verify, "V1", "ledger_journal", journal->id, journal->seq,
                   "the %s entries in %s do not sum to zero",
                   unit->posted != 0 ? "posted" : "pending", unit->currency);
    }
    unit->posted = unit->pending = 0;
  }
}

/* Are limits not asked for? What gives a hold back may leave an account beyond its limits. */
static bool verify_may_exceed(const struct verify_journal *journal, int64_t account_key) {
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->account_key != account_key) continue;
    if ((entry->layer == LAYER_HELD && entry->amount > 0) ||
        (entry->layer == LAYER_EXPECTED && entry->amount < 0))
      return true;
  }
  return false;
}

LEDGER_PRIVATE void verify_limits(struct verify *verify, const struct verify_journal *journal) {
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    const struct verify_account *account = entry->account;
    if (account == NULL || !entry->is_last || account->class == ACCOUNT_SYSTEM) continue;
    int64_t floor = verify_add(account->min_balance, -account->overdraft_limit);
    bool below = entry->available_after < entry->before_available && entry->available_after < floor;
    bool above =
        entry->balance_after > entry->before_balance && entry->balance_after > account->max_balance;
    if ((!below && !above) || verify_may_exceed(journal, entry->account_key)) continue;
    char name[80], text[MONEY_TEXT_MAX], limit[MONEY_TEXT_MAX];
    int scale = verify->units.items[account->unit].scale;
    verify_account_name(verify, &entry->who, name);
    money_text(below ? entry->available_after : entry->balance_after, scale, text);
    money_text(below ? floor : account->max_balance, scale, limit);
    verify_break(verify, "V5", "ledger_entry", name, entry->seq,
                 below ? "%s is left available, the limit was %s"
                       : "the balance is %s, the limit was %s",
                 text, limit);
  }
}

/* ---- what ledger_account says */

enum {
  VERIFY_OWN_KEY,
  VERIFY_OWN_OVERDRAFT,
  VERIFY_OWN_LEAST,
  VERIFY_OWN_MOST,
  VERIFY_OWN_BALANCE,
  VERIFY_OWN_HELD,
  VERIFY_OWN_EXPECTED,
  VERIFY_OWN_VERSION,
  VERIFY_OWN_LAST,
  VERIFY_OWN_JUMP,
  VERIFY_OWN_COUNT
};

static void verify_own_row(struct verify *verify, sqlite3_stmt *stmt) {
  static const struct {
    const char *name, *check;
    bool may_be_null;
  } columns[VERIFY_OWN_COUNT] = {{"account_key", "V9", false}, {"overdraft_limit", "V5", false},
                                 {"min_balance", "V5", false}, {"max_balance", "V5", true},
                                 {"balance", "V2", false},     {"held", "V4", false},
                                 {"expected", "V4", false},    {"version", "V3", false},
                                 {"last_entry", "V3", true},   {"last_jump", "V3", true}};
  int64_t key = sqlite3_column_int64(stmt, VERIFY_OWN_KEY);
  const struct verify_account *account = verify_account_at(verify, key);
  if (account == NULL || !account->exists) return;
  const int64_t follows[VERIFY_OWN_COUNT] = {key,
                                             account->overdraft_limit,
                                             account->min_balance,
                                             account->max_balance,
                                             account->balance,
                                             account->held,
                                             account->expected,
                                             account->version,
                                             account->last_entry,
                                             account->last_jump};
  struct verify_identity who = {.unit = account->unit, .class = (enum account_class)account->class};
  char name[80];
  memcpy(who.owner, account->owner, sizeof who.owner);
  verify_account_name(verify, &who, name);
  for (int i = 1; i < VERIFY_OWN_COUNT; i++) {
    int type = sqlite3_column_type(stmt, i);
    int64_t says = sqlite3_column_int64(stmt, i);
    bool is_null = type == SQLITE_NULL && columns[i].may_be_null;
    if (is_null && i == VERIFY_OWN_MOST) says = INT64_MAX;
    if (type != SQLITE_INTEGER && !is_null) {
      verify_break(verify, "V9", "ledger_account", name, key, "%s is not stored as an integer",
                   columns[i].name);
    } else if (says != follows[i]) {
      verify_break(verify, columns[i].check, "ledger_account", name, key,
                   "%s is %lld, by the journals it is %lld", columns[i].name, (long long)says,
                   (long long)follows[i]);
    }
  }
  if (account->open != account->held) {
    verify_break(verify, "V4", "ledger_account", name, key, "%lld is held, open holds have %lld",
                 (long long)account->held, (long long)account->open);
  }
}

static int verify_own_rows(struct verify *verify) {
  int rc = LEDGER_OK;
  bool has_row = true;
  sqlite3_stmt *stmt = verify_account_range(verify, STATEMENT_VERIFY_OWN, &rc);
  if (stmt == NULL) return rc;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row)
    verify_own_row(verify, stmt);
  sqlite3_reset(stmt);
  return rc;
}

/* ---- what the plain tables show */

/* Is the column's text this amount, as the book writes it? null stands for its default, 0. */
static bool verify_shows(sqlite3_stmt *stmt, int column, int64_t amount, int scale) {
  char text[MONEY_TEXT_MAX];
  size_t length = money_text(amount, scale, text);
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return amount == 0;
  const char *shown = verify_text(stmt, column);
  return shown != NULL && (size_t)sqlite3_column_bytes(stmt, column) == length &&
         memcmp(shown, text, length) == 0;
}

static void verify_plain_value(struct verify *verify, sqlite3_stmt *stmt, int column,
                               const char *table, const char *id, int64_t key, const char *name,
                               int64_t amount, int scale) {
  if (verify_shows(stmt, column, amount, scale)) return;
  char text[MONEY_TEXT_MAX];
  const char *shown = verify_text(stmt, column);
  money_text(amount, scale, text);
  verify_break(verify, "V2", table, id, key, "%s shows %.40s, the book has %s", name,
               shown == NULL ? "no text" : shown, text);
}

/* Columns account_key, id, currency, balance, available_balance of accounts. */
static void verify_plain_row(struct verify *verify, sqlite3_stmt *stmt) {
  int64_t key = sqlite3_column_int64(stmt, 0);
  const struct verify_account *account = verify_account_at(verify, key);
  if (account == NULL || !account->exists || account->class != ACCOUNT_PLAIN) return;
  const struct head_unit *unit = &verify->units.items[account->unit];
  char id[37];
  verify_uuid_text(account->owner, id);
  if (sqlite3_column_type(stmt, 1) == SQLITE_NULL) {
    verify_break(verify, "V2", "accounts", id, key, "the account's row is missing");
    return;
  }
  const char *currency = verify_text(stmt, 2);
  if (currency == NULL || strcmp(currency, unit->currency) != 0)
    verify_break(verify, "V2", "accounts", id, key, "the currency is not %s", unit->currency);
  verify_plain_value(verify, stmt, 3, "accounts", id, key, "balance", account->balance,
                     unit->scale);
  verify_plain_value(verify, stmt, 4, "accounts", id, key, "available_balance",
                     verify_add(account->balance, -account->held), unit->scale);
}

static int verify_plain_rows(struct verify *verify) {
  int rc = LEDGER_OK;
  bool has_row = true;
  sqlite3_stmt *stmt = verify_account_range(verify, STATEMENT_VERIFY_PLAIN, &rc);
  if (stmt == NULL) return rc;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row)
    verify_plain_row(verify, stmt);
  sqlite3_reset(stmt);
  return rc;
}

/* The currency of a portfolio column: BTC of btc_balance, USD of cash_balance; false: another column. */
static bool verify_portfolio_currency(const struct column *column, char out[24]) {
  size_t length = strlen(column->name);
  if (column->type.id != TYPE_NUMERIC || length <= 8 || length >= 32 ||
      strcmp(column->name + length - 8, "_balance") != 0)
    return false;
  sqlite3_snprintf(24, out, "%.*s", (int)(length - 8), column->name);
  if (strcmp(out, "cash") == 0) sqlite3_snprintf(24, out, "USD");
  for (char *c = out; *c != 0; c++) {
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  }
  return true;
}

static int verify_portfolio_prepare(struct verify *verify, sqlite3_str *sql, const char *currency,
                                    sqlite3_stmt **stmt) {
  int rc = statement_prepare(verify->db, sql, stmt);
  if (rc != LEDGER_OK) return verify_trouble(verify, rc);
  sqlite3_bind_text(*stmt, 1, currency, -1, SQLITE_STATIC);
  return LEDGER_OK;
}

/* What the book has of a portfolio column's accounts in memory, beside the column. */
static int verify_portfolio_column(struct verify *verify, const struct column *column,
                                   const char *currency) {
  sqlite3_stmt *stmt = NULL;
  bool has_row = true;
  sqlite3_str *sql = sqlite3_str_new(verify->db->sqlite);
  sqlite3_str_appendf(sql,
                      "SELECT k.account_key, p.user_id, p.\"%w\" FROM ledger_account k LEFT JOIN"
                      " portfolio p ON p.user_id = k.owner WHERE k.class = 'portfolio'"
                      " AND k.currency = ?1 AND k.account_key BETWEEN ?2 AND ?3",
                      column->name);
  int rc = verify_portfolio_prepare(verify, sql, currency, &stmt);
  if (stmt == NULL) return rc;
  sqlite3_bind_int64(stmt, 2, verify->first_key);
  sqlite3_bind_int64(stmt, 3, verify->first_key + VERIFY_ACCOUNTS - 1);
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row) {
    int64_t key = sqlite3_column_int64(stmt, 0);
    const struct verify_account *account = verify_account_at(verify, key);
    if (account == NULL || !account->exists) continue;
    char id[37];
    verify_uuid_text(account->owner, id);
    if (sqlite3_column_type(stmt, 1) == SQLITE_NULL)
      verify_break(verify, "V2", "portfolio", id, key, "the portfolio's row is missing");
    else
      verify_plain_value(verify, stmt, 2, "portfolio", id, key, column->name, account->balance,
                         verify->units.items[account->unit].scale);
  }
  statement_end(stmt);
  return rc;
}

static int verify_portfolio_unknown(struct verify *verify, const struct column *column,
                                    const char *currency) {
  sqlite3_stmt *stmt = NULL;
  bool has_row = true;
  sqlite3_str *sql = sqlite3_str_new(verify->db->sqlite);
  sqlite3_str_appendf(sql,
                      "SELECT p.user_id FROM portfolio p WHERE p.\"%w\" <> '0' AND NOT EXISTS"
                      " (SELECT 1 FROM ledger_account k WHERE k.owner = p.user_id"
                      " AND k.currency = ?1 AND k.class = 'portfolio')",
                      column->name);
  int rc = verify_portfolio_prepare(verify, sql, currency, &stmt);
  if (stmt == NULL) return rc;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row)
    verify_break(verify, "V2", "portfolio", verify_text(stmt, 0), 0,
                 "%s is not zero, the book has never posted to it", column->name);
  statement_end(stmt);
  return rc;
}

static int verify_portfolio(struct verify *verify,
                            int (*each)(struct verify *, const struct column *, const char *)) {
  const struct relation *portfolio = verify->tables->portfolio;
  int rc = LEDGER_OK;
  for (int i = 0; portfolio != NULL && i < portfolio->column_count && rc == LEDGER_OK; i++) {
    char currency[24];
    if (verify_portfolio_currency(&portfolio->columns[i], currency))
      rc = each(verify, &portfolio->columns[i], currency);
  }
  return rc;
}

LEDGER_PRIVATE int verify_accounts_compare(struct verify *verify) {
  for (int64_t i = 0; i < VERIFY_ACCOUNTS; i++) {
    const struct verify_account *account = &verify->account[i];
    if (account->exists) verify->units.items[account->unit].total += account->balance;
  }
  int rc = verify_own_rows(verify);
  if (rc == LEDGER_OK && verify->tables->accounts != NULL) rc = verify_plain_rows(verify);
  return rc == LEDGER_OK ? verify_portfolio(verify, verify_portfolio_column) : rc;
}

LEDGER_PRIVATE void verify_units_compare(struct verify *verify) {
  for (int i = 0; i < verify->units.count; i++) {
    const struct head_unit *unit = &verify->units.items[i];
    if (unit->total == 0) continue;
    verify_break(verify, "V6", "ledger_account", NULL, 0,
                 "the accounts in %s with %d digits do not sum to zero", unit->currency,
                 unit->scale);
  }
}

LEDGER_PRIVATE int verify_accounts_unknown(struct verify *verify) {
  if (verify->tables->accounts == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_VERIFY_UNKNOWN);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  bool has_row = true;
  int rc = LEDGER_OK;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row)
    verify_break(verify, "V2", "accounts", verify_text(stmt, 0), 0,
                 "the account has a balance that the book has never posted");
  sqlite3_reset(stmt);
  return rc == LEDGER_OK ? verify_portfolio(verify, verify_portfolio_unknown) : rc;
}
