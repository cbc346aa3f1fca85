/*
** account.c: the accounts of the book: plain ones (rows of accounts), columns of portfolios, and the book's own. Each is read
** once and remembered with its state, so that an operation on known accounts reads nothing.
*/
#include "../internal.h"
#include "book_state.h"

LEDGER_PRIVATE int64_t account_available(const struct account *account) {
  return account->balance - account->held;
}

LEDGER_PRIVATE const char *account_label(const struct account *account) {
  return account->number[0] != 0 ? account->number : account->name;
}

/* ---- the cache: two names lead to a plain account, its id and its number */

static uint32_t account_hash(const char *name, size_t length) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)name[i]) * 16777619u;
  return hash;
}

static struct account *account_at(const struct book *book, int number) {
  return &book->chunks[number / ACCOUNT_CHUNK][number % ACCOUNT_CHUNK];
}

static bool account_is(const struct account *account, const char *name, size_t length) {
  return (strlen(account->name) == length && memcmp(account->name, name, length) == 0) ||
         (strlen(account->number) == length && length > 0 &&
          memcmp(account->number, name, length) == 0);
}

static struct account *account_known(const struct book *book, const char *name, size_t length) {
  if (book->slots == NULL) return NULL;
  uint32_t hash = account_hash(name, length);
  for (uint32_t at = hash & (ACCOUNT_SLOTS - 1);; at = (at + 1) & (ACCOUNT_SLOTS - 1)) {
    const struct account_slot *slot = &book->slots[at];
    if (slot->place == 0) return NULL;
    if (slot->hash != hash) continue;
    struct account *account = account_at(book, slot->place - 1);
    if (account_is(account, name, length)) return account;
  }
}

/* Returns the slot. */
static int32_t account_name_it(struct book *book, int number, const char *name) {
  uint32_t hash = account_hash(name, strlen(name));
  uint32_t at = hash & (ACCOUNT_SLOTS - 1);
  while (book->slots[at].place != 0) at = (at + 1) & (ACCOUNT_SLOTS - 1);
  book->slots[at] = (struct account_slot){.hash = hash, .place = number + 1};
  return (int32_t)at;
}

LEDGER_PRIVATE void account_forget_all(ledger *db) {
  struct book *book = db->book;
  if (book == NULL) return;
  for (int i = 0; i < book->account_count; i++) {
    /* Emptying the slots one by one is cheaper than all of them, as long as they are few. */
    const struct account *account = account_at(book, i);
    for (int name = 0; name < 2; name++)
      if (account->slots[name] >= 0) book->slots[account->slots[name]].place = 0;
  }
  book->account_count = 0;
  book->due = NULL;
  book->knows_head = false;
}

/* Keeps what was read. Pointers stay: nothing is forgotten while an operation runs (operation.c sees to the room first). */
static int account_keep(ledger *db, const struct account *read, struct account **out) {
  struct book *book = db->book;
  int number = book->account_count;
  if (book->slots == NULL) {
    book->slots = sqlite3_malloc64(ACCOUNT_SLOTS * sizeof *book->slots);
    if (book->slots == NULL) return error_memory(&db->error);
    memset(book->slots, 0, ACCOUNT_SLOTS * sizeof *book->slots);
  }
  int chunk = number / ACCOUNT_CHUNK;
  if (chunk >= ACCOUNT_CHUNKS)
    return error_set(&db->error, LEDGER_PROGRAM_LIMIT, "too many accounts in one operation");
  if (book->chunks[chunk] == NULL) {
    book->chunks[chunk] = sqlite3_malloc64(ACCOUNT_CHUNK * sizeof **book->chunks);
    if (book->chunks[chunk] == NULL) return error_memory(&db->error);
  }
  struct account *account = account_at(book, number);
  *account = *read;
  book->account_count++;
  account->slots[0] = account_name_it(book, number, account->name);
  account->slots[1] = account->number[0] == 0 ? -1 : account_name_it(book, number, account->number);
  *out = account;
  return LEDGER_OK;
}

/* ---- reading */

static bool account_column(sqlite3_stmt *stmt, int column, char *out, size_t size) {
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  size_t length = (size_t)sqlite3_column_bytes(stmt, column);
  if (length >= size) return false;
  if (length > 0) memcpy(out, text, length);
  out[length] = 0;
  return true;
}

/* A decimal column; null counts as zero, which is what its default says. */
static bool account_amount(sqlite3_stmt *stmt, int column, int scale, int64_t *out) {
  *out = 0;
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return true;
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  if (text == NULL) return false;
  return money_read(text, (size_t)sqlite3_column_bytes(stmt, column), scale, scale, out, NULL) ==
         LEDGER_OK;
}

static int account_broken(ledger *db, const struct account *account) {
  error_set(&db->error, LEDGER_BOOK_BROKEN,
            "account %s does not show the balance that the book left it with",
            account_label(account));
  return error_hint(&db->error, "Another program changed it. ledger verify tells more.");
}

/* The account's row of the book, if it has one. */
static int account_read_own(ledger *db, struct account *account) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ACCOUNT_OWN);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, account->owner, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, account->currency, -1, SQLITE_STATIC);
  sqlite3_bind_int(stmt, 3, account->scale);
  account->max_balance = INT64_MAX;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    account->key = sqlite3_column_int64(stmt, 0);
    account->overdraft_limit = sqlite3_column_int64(stmt, 1);
    account->min_balance = sqlite3_column_int64(stmt, 2);
    if (sqlite3_column_type(stmt, 3) != SQLITE_NULL)
      account->max_balance = sqlite3_column_int64(stmt, 3);
    account->balance = sqlite3_column_int64(stmt, 4);
    account->held = sqlite3_column_int64(stmt, 5);
    account->expected = sqlite3_column_int64(stmt, 6);
    account->version = sqlite3_column_int64(stmt, 7);
    account->last_entry = sqlite3_column_int64(stmt, 8);
    account->last_jump = sqlite3_column_int64(stmt, 9);
  }
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

/* Digits that an amount may have, and the largest that a numeric(precision, scale) shows. */
static void account_measure(struct account *account, const struct type *column) {
  int digits = money_digits(account->currency);
  account->scale = column->scale;
  account->digits = digits < column->scale ? digits : column->scale;
  account->maximum = money_power(column->length) - 1;
}

static int account_read_plain(ledger *db, enum statement_id id, const char *name, size_t length,
                              struct account *account, bool *found) {
  const struct relation *accounts = db->book->tables.accounts;
  *found = false;
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text64(stmt, 1, name, length, SQLITE_STATIC, SQLITE_UTF8);
  bool fits = true;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    *found = true;
    account->class = ACCOUNT_PLAIN;
    account->row = sqlite3_column_int64(stmt, 0);
    fits = account_column(stmt, 1, account->owner, sizeof account->owner) &&
           account_column(stmt, 2, account->user_id, sizeof account->user_id) &&
           account_column(stmt, 3, account->number, sizeof account->number) &&
           account_column(stmt, 4, account->currency, sizeof account->currency) &&
           account_column(stmt, 7, account->status, sizeof account->status);
    memcpy(account->name, account->owner, sizeof account->owner);
    account_measure(account, &accounts->columns[catalog_column(accounts, "balance", 7)].type);
    fits = fits && account_amount(stmt, 5, account->scale, &account->plain_balance) &&
           account_amount(stmt, 6, account->scale, &account->plain_available);
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  return fits ? LEDGER_OK : account_broken(db, account);
}

static int account_unknown(ledger *db, const char *name) {
  return error_set(&db->error, LEDGER_UNKNOWN_ACCOUNT, "there is no account \"%.100s\"", name);
}

/* The uuid in PostgreSQL's stored form, if the text is one. */
static bool account_uuid(ledger *db, const char *name, struct value *out) {
  static const struct type uuid = {.id = TYPE_UUID, .length = -1};
  return type_input(&uuid, name, strlen(name), &db->arena, out, NULL) == LEDGER_OK;
}

static int account_load_plain(ledger *db, const char *name, struct account *account) {
  struct value id;
  bool found = false;
  int rc = book_need(db, db->book->tables.accounts, "accounts");
  if (rc == LEDGER_OK && account_uuid(db, name, &id))
    rc = account_read_plain(db, STATEMENT_ACCOUNT_BY_ID, id.text, id.length, account, &found);
  if (rc == LEDGER_OK && !found)
    rc = account_read_plain(db, STATEMENT_ACCOUNT_BY_NUMBER, name, strlen(name), account, &found);
  if (rc == LEDGER_OK && !found) rc = account_unknown(db, name);
  return rc == LEDGER_OK ? account_read_own(db, account) : rc;
}

/* Position of the portfolio column of a currency: btc_balance for BTC, cash_balance for USD. */
static int account_portfolio_column(const struct relation *portfolio, const char *currency) {
  char name[LEDGER_NAME_MAX + 1];
  if (strcmp(currency, "CASH") == 0) return -1; /* it is called USD */
  sqlite3_snprintf((int)sizeof name, name, "%s_balance",
                   strcmp(currency, "USD") == 0 ? "cash" : currency);
  for (char *c = name; *c != 0; c++) {
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  }
  int column = catalog_column(portfolio, name, strlen(name));
  return column >= 0 && portfolio->columns[column].type.id == TYPE_NUMERIC ? column : -1;
}

/* SELECT of one column of a user's portfolio, by position of the column. */
static sqlite3_stmt *account_portfolio_select(ledger *db, int column) {
  const struct relation *portfolio = db->book->tables.portfolio;
  struct {
    char verb[8];
    int column;
  } key = {.verb = "PORTSEL", .column = column};
  sqlite3_stmt *stmt = statement_find(db, &key, sizeof key);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(sql, "SELECT rowid, \"%w\" FROM portfolio WHERE user_id = ?1",
                      portfolio->columns[column].name);
  return statement_make(db, &key, sizeof key, sql);
}

/* `name` is USER:CURRENCY */
static int account_load_portfolio(ledger *db, const char *whole, const char *name,
                                  struct account *account) {
  const struct relation *portfolio = db->book->tables.portfolio;
  int rc = book_need(db, portfolio, "portfolio");
  if (rc != LEDGER_OK) return rc;
  const char *colon = strrchr(name, ':');
  if (colon == NULL || strlen(colon + 1) >= sizeof account->currency)
    return account_unknown(db, whole);
  const char *user = arena_copy(&db->arena, name, (size_t)(colon - name));
  if (user == NULL) return error_memory(&db->error);
  struct value id;
  for (size_t i = 0; colon[i] != 0;
       i++) { /* fits, see above; another spelling is the same account */
    char c = colon[i + 1];
    account->currency[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  account->column = account_portfolio_column(portfolio, account->currency);
  if (account->column < 0 || !account_uuid(db, user, &id)) return account_unknown(db, whole);
  memcpy(account->owner, id.text, 36);
  memcpy(account->user_id, id.text, 36);
  account->class = ACCOUNT_PORTFOLIO;
  account_measure(account, &portfolio->columns[account->column].type);
  /* Cash here has the column's eight digits: prices and fees of coins are not whole cents. */
  account->digits = account->scale;
  memcpy(account->status, "active", sizeof "active");
  sqlite3_snprintf((int)sizeof account->name, account->name, "portfolio:%s:%s", account->owner,
                   account->currency);
  sqlite3_stmt *stmt = account_portfolio_select(db, account->column);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, account->owner, 36, SQLITE_STATIC);
  bool found = false, fits = true;
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    found = true;
    account->row = sqlite3_column_int64(stmt, 0);
    fits = account_amount(stmt, 1, account->scale, &account->plain_balance);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  if (!found) { /* the row is made with the account's first entry */
    rc = portfolio_may_have(db, account->owner, &found);
    if (rc != LEDGER_OK) return rc;
  }
  if (!found) return account_unknown(db, whole);
  if (!fits) return account_broken(db, account);
  return account_read_own(db, account);
}

static const char *const account_system_names[] = {"world", "fees", "exchange", "equity",
                                                   "suspense"};

static bool account_is_system(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof account_system_names / sizeof *account_system_names; i++) {
    if (strlen(account_system_names[i]) == length &&
        memcmp(account_system_names[i], name, length) == 0)
      return true;
  }
  return false;
}

/* `name` is NAME:CURRENCY[:SCALE]; without a scale it is that of accounts.balance. */
static int account_load_system(ledger *db, const char *whole, const char *name,
                               struct account *account) {
  const struct relation *accounts = db->book->tables.accounts;
  const char *colon = strchr(name, ':');
  if (colon == NULL || !account_is_system(name, (size_t)(colon - name)))
    return account_unknown(db, whole);
  const char *currency = colon + 1;
  size_t length = strcspn(currency, ":");
  if (length == 0 || length >= sizeof account->currency) return account_unknown(db, whole);
  if (currency[length] == 0) {
    account->scale =
        accounts == NULL ? 2 : accounts->columns[catalog_column(accounts, "balance", 7)].type.scale;
  } else {
    const char *scale = currency + length + 1;
    if (scale[0] < '0' || scale[0] > '9' || (scale[1] != 0 && scale[2] != 0) ||
        (scale[1] != 0 && (scale[0] != '1' || scale[1] < '0' || scale[1] > '8')))
      return account_unknown(db, whole);
    account->scale = scale[1] == 0 ? scale[0] - '0' : 10 + scale[1] - '0';
  }
  memcpy(account->owner, name, (size_t)(colon - name));
  memcpy(account->currency, currency, length);
  account->class = ACCOUNT_SYSTEM;
  account->digits = account->scale;
  account->maximum = INT64_MAX;
  memcpy(account->status, "active", sizeof "active");
  sqlite3_snprintf((int)sizeof account->name, account->name, "system:%s:%s:%d", account->owner,
                   account->currency, account->scale);
  return account_read_own(db, account);
}

LEDGER_PRIVATE int account_find_any(ledger *db, const char *name, struct account **out) {
  *out = account_known(db->book, name, strlen(name));
  if (*out != NULL) return LEDGER_OK;
  struct account read;
  memset(&read, 0, sizeof read);
  int rc;
  if (strlen(name) > 120)
    rc = account_unknown(db, name);
  else if (strncmp(name, "portfolio:", 10) == 0)
    rc = account_load_portfolio(db, name, name + 10, &read);
  else if (strncmp(name, "system:", 7) == 0)
    rc = account_load_system(db, name, name + 7, &read);
  else
    rc = account_load_plain(db, name, &read);
  if (rc != LEDGER_OK) return rc;
  /* Another spelling of a name that is known: an upper-case uuid, a number beside the id. */
  *out = account_known(db->book, read.name, strlen(read.name));
  return *out != NULL ? LEDGER_OK : account_keep(db, &read, out);
}

LEDGER_PRIVATE int account_find(ledger *db, const char *name, struct account **out) {
  int rc = account_find_any(db, name, out);
  if (rc != LEDGER_OK) return rc;
  struct account *account = *out;
  if (account->class == ACCOUNT_SYSTEM) {
    error_set(&db->error, LEDGER_UNKNOWN_ACCOUNT, "\"%s\" is an account of the book itself", name);
    return error_detail(&db->error, "Such accounts can be read, and only the book posts to them.");
  }
  bool has_available = account->class == ACCOUNT_PLAIN;
  if (account->plain_balance == account->balance &&
      (!has_available || account->plain_available == account_available(account)))
    return LEDGER_OK;
  if (account->version > 0) return account_broken(db, account);
  error_set(&db->error, LEDGER_NOT_IN_BOOK, "account %s has a balance that the book never posted",
            account_label(account));
  return error_hint(&db->error, "The operation opening takes it into the book.");
}

LEDGER_PRIVATE int account_by_key(ledger *db, int64_t account_key, struct account **out) {
  char name[80] = "";
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ACCOUNT_NAMED_BY_KEY);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, account_key);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    const char *class = (const char *)sqlite3_column_text(stmt, 0);
    const char *owner = (const char *)sqlite3_column_text(stmt, 1);
    const char *currency = (const char *)sqlite3_column_text(stmt, 2);
    if (class != NULL && owner != NULL && currency != NULL) {
      if (strcmp(class, "account") == 0)
        sqlite3_snprintf((int)sizeof name, name, "%s", owner);
      else if (strcmp(class, "portfolio") == 0)
        sqlite3_snprintf((int)sizeof name, name, "portfolio:%s:%s", owner, currency);
      else
        sqlite3_snprintf((int)sizeof name, name, "system:%s:%s:%d", owner, currency,
                         sqlite3_column_int(stmt, 3));
    }
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  if (name[0] == 0) {
    return error_set(&db->error, LEDGER_BOOK_BROKEN, "the book has no account number %lld",
                     (long long)account_key);
  }
  return account_find_any(db, name, out);
}

LEDGER_PRIVATE int account_system(ledger *db, const char *name, const char *currency, int scale,
                                  struct account **out) {
  char whole[80];
  sqlite3_snprintf((int)sizeof whole, whole, "system:%s:%s:%d", name, currency, scale);
  return account_find_any(db, whole, out);
}

LEDGER_PRIVATE int account_portfolio(ledger *db, const char *user_id, const char *currency,
                                     struct account **out) {
  char whole[120];
  sqlite3_snprintf((int)sizeof whole, whole, "portfolio:%s:%s", user_id, currency);
  return account_find(db, whole, out);
}

LEDGER_PRIVATE void account_show(const struct account *account, ledger_balance *out) {
  memset(out, 0, sizeof *out);
  memcpy(out->account, account->name, sizeof out->account);
  memcpy(out->number, account->number, sizeof out->number);
  memcpy(out->currency, account->currency, sizeof out->currency);
  memcpy(out->status, account->status, sizeof out->status);
  out->scale = account->scale;
  money_text(account->balance, account->scale, out->balance);
  money_text(account_available(account), account->scale, out->available);
  money_text(account->held, account->scale, out->held);
  money_text(account->overdraft_limit, account->scale, out->overdraft_limit);
  money_text(account->min_balance, account->scale, out->min_balance);
  if (account->max_balance != INT64_MAX)
    money_text(account->max_balance, account->scale, out->max_balance);
  out->version = account->version;
}

LEDGER_PRIVATE int account_get(ledger *db, const char *name, ledger_balance *out) {
  struct account *account;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = book_enter(db);
  if (rc == LEDGER_OK) rc = account_find_any(db, name, &account);
  if (rc == LEDGER_OK) account_show(account, out);
  transaction_end_read(db);
  return rc;
}
