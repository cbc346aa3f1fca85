/*
** The floors of the book, plain SQLite with prepared statements:
**   bare    2 account reads, 2 balance updates, 2 rows of transactions: tables as full's, with its indexes and without its checks,
**           foreign keys and collations
**   same    the rows that a transfer by the book leaves, all of them, in the very tables of a ledger file (whose checks and foreign
**           keys are part of the rows), from texts and numbers that are ready; of what the engine computes only the chain's hash
**   unchecked  the same, with PRAGMA ignore_check_constraints: the engine's rows are right by construction, and so it skips them, too
** Both have the options of the engine's connections.
*/

enum { FLOOR_STATEMENT_MAX = 16 };

struct floor {
  sqlite3 *sqlite;
  sqlite3_stmt *statements[FLOOR_STATEMENT_MAX];
  sqlite3_stmt *begin, *commit;
};

static int floor_fail(struct floor *floor, const char *what) {
  return book_fail(what, sqlite3_errmsg(floor->sqlite));
}

static int floor_prepare(struct floor *floor, int count, const char *const *texts) {
  int rc = sqlite3_prepare_v3(floor->sqlite, "BEGIN IMMEDIATE", -1, SQLITE_PREPARE_PERSISTENT,
                              &floor->begin, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v3(floor->sqlite, "COMMIT", -1, SQLITE_PREPARE_PERSISTENT, &floor->commit,
                            NULL);
  for (int i = 0; rc == SQLITE_OK && i < count; i++)
    rc = sqlite3_prepare_v3(floor->sqlite, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                            &floor->statements[i], NULL);
  return rc == SQLITE_OK ? 0 : floor_fail(floor, "prepare");
}

static void floor_finalize(struct floor *floor) {
  for (int i = 0; i < FLOOR_STATEMENT_MAX; i++) sqlite3_finalize(floor->statements[i]);
  sqlite3_finalize(floor->begin);
  sqlite3_finalize(floor->commit);
  memset(floor->statements, 0, sizeof floor->statements);
  floor->begin = floor->commit = NULL;
}

static void floor_text(sqlite3_stmt *stmt, int parameter, const char *text) {
  sqlite3_bind_text(stmt, parameter, text, -1, SQLITE_STATIC);
}

static bool floor_step(sqlite3_stmt *stmt) {
  sqlite3_step(stmt);
  return sqlite3_reset(stmt) == SQLITE_OK;
}

/* Written by its commits so far, and by what did not fit into the cache. */
static int64_t floor_pages(sqlite3 *sqlite) {
  int pages = 0, highest = 0;
  sqlite3_db_status(sqlite, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &highest, 0);
  return pages;
}

/* Does all, with a commit after each `per_commit`. */
static int floor_run(struct floor *floor, bool (*one)(void *, const struct transfer *, int),
                     void *context, const struct transfer *transfers, int count, int per_commit) {
  for (int i = 0; i < count; i++) {
    bool starts = i % per_commit == 0, ends = (i + 1) % per_commit == 0 || i + 1 == count;
    if (starts && !floor_step(floor->begin)) return floor_fail(floor, "BEGIN");
    if (!one(context, &transfers[i], i)) return floor_fail(floor, "transfer");
    if (ends && !floor_step(floor->commit)) return floor_fail(floor, "COMMIT");
  }
  return 0;
}

/* ---- bare */

static struct floor bare;

/* full's columns and indexes, as a program has them that wrote its tables for SQLite. */
static const char bare_tables[] =
    "CREATE TABLE accounts (id TEXT NOT NULL PRIMARY KEY, user_id TEXT, account_number TEXT NOT "
    "NULL"
    " UNIQUE, account_type TEXT NOT NULL, currency TEXT NOT NULL, balance TEXT NOT NULL,"
    " available_balance TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT NOT NULL,"
    " updated_at TEXT NOT NULL);"
    "CREATE INDEX idx_accounts_user_id ON accounts (user_id);"
    "CREATE INDEX idx_accounts_status ON accounts (status);"
    "CREATE TABLE transactions (id TEXT NOT NULL PRIMARY KEY, account_id TEXT NOT NULL,"
    " transaction_type TEXT NOT NULL, amount TEXT NOT NULL, currency TEXT NOT NULL,"
    " status TEXT NOT NULL, description TEXT, reference_number TEXT UNIQUE, metadata TEXT NOT NULL,"
    " created_at TEXT NOT NULL, updated_at TEXT NOT NULL, completed_at TEXT);"
    "CREATE INDEX idx_transactions_account_id ON transactions (account_id, created_at DESC);"
    "CREATE INDEX idx_transactions_status ON transactions (status);"
    "CREATE INDEX idx_transactions_created_at ON transactions (created_at);";

enum { BARE_READ, BARE_UPDATE, BARE_INSERT, BARE_COUNT };
static const char *const bare_texts[BARE_COUNT] = {
    [BARE_READ] = "SELECT rowid, balance, available_balance, status FROM accounts WHERE id = ?1",
    [BARE_UPDATE] = "UPDATE accounts SET balance = ?1, available_balance = ?2, updated_at = ?3"
                    " WHERE rowid = ?4",
    [BARE_INSERT] =
        "INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status,"
        " reference_number, metadata, created_at, updated_at, completed_at)"
        " VALUES (?1, ?2, 'transfer', ?3, 'USD', 'completed', ?4, ?5, ?6, ?6, ?6)"};

static int bare_base(const char *path, const char *ledger_path) {
  char *copy =
      sqlite3_mprintf("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; %s ATTACH %Q AS ledger;"
                      "INSERT INTO accounts SELECT * FROM ledger.accounts;"
                      "INSERT INTO transactions SELECT * FROM ledger.transactions; DETACH ledger",
                      bare_tables, ledger_path);
  remove(path);
  int rc = sqlite3_open(path, &bare.sqlite);
  struct function_session session = {0};
  if (rc == SQLITE_OK) rc = function_register_all(bare.sqlite, &session);
  if (rc == SQLITE_OK) rc = sqlite3_exec(bare.sqlite, copy, NULL, NULL, NULL);
  if (rc != SQLITE_OK) floor_fail(&bare, "bare base");
  sqlite3_free(copy);
  sqlite3_close(bare.sqlite);
  return rc == SQLITE_OK ? 0 : 1;
}

static int bare_open(const char *path, bool full) {
  bare = (struct floor){0};
  int rc = sqlite3_open_v2(path, &bare.sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_exec(bare.sqlite, connection_options, NULL, NULL, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_exec(bare.sqlite,
                      full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL,
                      NULL, NULL);
  return rc == SQLITE_OK ? floor_prepare(&bare, BARE_COUNT, bare_texts) : floor_fail(&bare, path);
}

static int64_t bare_cents(const char *text) {
  char *point;
  int64_t whole = strtoll(text, &point, 10);
  int64_t cents = (point[1] - '0') * 10 + (point[2] - '0');
  return text[0] == '-' ? whole * 100 - cents : whole * 100 + cents;
}

static bool bare_side(const char *account, int64_t cents, const char *row, const char *reference,
                      const char *metadata, const struct transfer *transfer) {
  sqlite3_stmt *read = bare.statements[BARE_READ], *update = bare.statements[BARE_UPDATE],
               *insert = bare.statements[BARE_INSERT];
  floor_text(read, 1, account);
  if (sqlite3_step(read) != SQLITE_ROW) return false;
  int64_t rowid = sqlite3_column_int64(read, 0);
  int64_t balance = bare_cents((const char *)sqlite3_column_text(read, 1)) + cents;
  int64_t available = bare_cents((const char *)sqlite3_column_text(read, 2)) + cents;
  bool is_good =
      strcmp((const char *)sqlite3_column_text(read, 3), "active") == 0 && available >= 0;
  sqlite3_reset(read);
  if (!is_good) return false;
  char balance_text[MONEY_TEXT_MAX], available_text[MONEY_TEXT_MAX];
  money_text(balance, 2, balance_text);
  money_text(available, 2, available_text);
  floor_text(update, 1, balance_text);
  floor_text(update, 2, available_text);
  floor_text(update, 3, transfer->time);
  sqlite3_bind_int64(update, 4, rowid);
  floor_text(insert, 1, row);
  floor_text(insert, 2, account);
  floor_text(insert, 3, transfer->amount);
  floor_text(insert, 4, reference);
  floor_text(insert, 5, metadata);
  floor_text(insert, 6, transfer->time);
  return floor_step(update) && floor_step(insert);
}

static bool bare_one(void *context, const struct transfer *transfer, int i) {
  (void)context, (void)i;
  return bare_side(transfer->payer_id, -transfer->cents, transfer->payer_row, transfer->reference,
                   "{\"direction\": \"debit\"}", transfer) &&
         bare_side(transfer->payee_id, transfer->cents, transfer->payee_row,
                   transfer->payee_reference, "{\"direction\": \"credit\"}", transfer);
}

static int bare_run(const struct transfer *transfers, int count, int per_commit) {
  return floor_run(&bare, bare_one, NULL, transfers, count, per_commit);
}

static int64_t bare_pages(void) {
  return floor_pages(bare.sqlite);
}

static void bare_close(void) {
  floor_finalize(&bare);
  sqlite3_close(bare.sqlite);
  bare.sqlite = NULL;
}

static const struct target bare_target = {"bare",   bare_open,  NULL,
                                          bare_run, bare_pages, bare_close};

/* ---- same */

/* An account as the book would leave it. */
struct same_account {
  int64_t key, row, balance, version, last_entry, last_jump;
};

/* As many as the engine hashes for a transfer. */
#define SAME_LINK_BYTES 820
#define SAME_AUDIT_BYTES 680

/* What one transfer writes besides its own texts. */
struct same_rows {
  int64_t journal, entry, created_us;
  struct same_account payer, payee; /* afterwards */
  int64_t payer_previous, payee_previous;
  char payer_balance[MONEY_TEXT_MAX], payee_balance[MONEY_TEXT_MAX];
  char old_values[240], new_values[240], details[80];
  unsigned char request[36];
  unsigned char link[SAME_LINK_BYTES],
      audit[SAME_AUDIT_BYTES]; /* what the chain and the audit row's hash are over */
};

struct same {
  struct floor floor;
  ledger *ledger; /* opens the file as the engine does: options, functions, collations */
  struct same_account *accounts;
  struct same_rows *rows;
  int rows_count;
  int64_t journal, entry;
  unsigned char hash[32];
};

static struct same same_checked, same_unchecked;

enum {
  SAME_ACCOUNT,
  SAME_TRANSACTION,
  SAME_CACHE,
  SAME_ENTRY,
  SAME_JOURNAL,
  SAME_AUDIT,
  SAME_COUNT
};
static const char *const same_texts[SAME_COUNT] = {
    [SAME_ACCOUNT] = "UPDATE accounts SET balance = ?1, available_balance = ?1, updated_at = ?2"
                     " WHERE rowid = ?3",
    [SAME_TRANSACTION] =
        "INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status,"
        " reference_number, metadata, created_at, updated_at, completed_at)"
        " VALUES (?1, ?2, 'transfer', ?3, 'USD', 'completed', ?4, ?5, ?6, ?6, ?6)",
    [SAME_CACHE] = "UPDATE ledger_account SET balance = ?1, held = 0, expected = 0, version = ?2,"
                   " last_entry = ?3, last_jump = ?4 WHERE account_key = ?5",
    [SAME_ENTRY] =
        "INSERT INTO ledger_entry (seq, journal, account_key, layer, amount, balance_after,"
        " available_after, version, previous, jump) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?5, ?6, ?7, ?8)",
    [SAME_JOURNAL] = "INSERT INTO ledger_journal (seq, kind, id, reference, outcome, created_at, "
                     "rows, request, hash)"
                     " VALUES (?1, 'transfer', ?2, ?3, 0, ?4, 2, ?5, ?6)",
    [SAME_AUDIT] = "INSERT INTO audit_logs (id, action, entity_type, entity_id, old_values, "
                   "new_values, details,"
                   " status, created_at) VALUES (?1, 'TRANSFER', 'transactions', ?2, ?3, ?4, ?5, "
                   "'success', ?6)"};

/* One number of the file. */
static int64_t same_number(struct same *same, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int64_t number = 0;
  sqlite3_prepare_v2(same->floor.sqlite, sql, -1, &stmt, NULL);
  if (sqlite3_step(stmt) == SQLITE_ROW) number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

static int same_read_accounts(struct same *same) {
  sqlite3_stmt *stmt = NULL;
  int count = 0;
  same->accounts = calloc((size_t)book_accounts, sizeof *same->accounts);
  if (same->accounts == NULL) return 1;
  sqlite3_prepare_v2(same->floor.sqlite,
                     "SELECT account_key, a.rowid, b.balance, version, last_entry, last_jump"
                     " FROM accounts a JOIN ledger_account b ON b.owner = a.id AND b.class = "
                     "'account' ORDER BY a.id",
                     -1, &stmt, NULL);
  for (; count < book_accounts && sqlite3_step(stmt) == SQLITE_ROW; count++)
    same->accounts[count] =
        (struct same_account){sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 1),
                              sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3),
                              sqlite3_column_int64(stmt, 4), sqlite3_column_int64(stmt, 5)};
  sqlite3_finalize(stmt);
  return count == book_accounts ? 0 : floor_fail(&same->floor, "accounts");
}

static int same_start(struct same *same, const char *path, bool full, bool checks) {
  *same = (struct same){0};
  if (ledger_open(path, full ? 0 : LEDGER_SYNC_NORMAL, &same->ledger) != LEDGER_OK)
    return book_fail(path, ledger_error_of(same->ledger)->message);
  same->floor.sqlite = same->ledger->sqlite;
  if (!checks)
    sqlite3_exec(same->floor.sqlite, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
  same->journal = same_number(same, "SELECT max(seq) FROM ledger_journal");
  same->entry = same_number(same, "SELECT max(seq) FROM ledger_entry");
  int rc = same_read_accounts(same);
  return rc == 0 ? floor_prepare(&same->floor, SAME_COUNT, same_texts) : rc;
}

static void same_leg(struct same_account *account, int64_t cents, int64_t entry, int64_t *previous,
                     char balance[MONEY_TEXT_MAX]) {
  *previous = account->last_entry;
  account->balance += cents;
  account->version++;
  account->last_jump = account->version % 2 ? account->last_entry : account->last_jump;
  account->last_entry = entry;
  money_text(account->balance, 2, balance);
}

static void same_image(char out[240], const struct transfer *transfer, const char *payer,
                       const char *payee) {
  snprintf(out, 240,
           "{\"%s\": {\"balance\": %s, \"available_balance\": %s}, \"%s\": {\"balance\": %s, "
           "\"available_balance\": %s}}",
           transfer->payer_id, payer, payer, transfer->payee_id, payee, payee);
}

static int same_ready(struct same *same, const struct transfer *transfers, int count) {
  if (same->rows_count < count) {
    free(same->rows);
    same->rows = calloc((size_t)count, sizeof *same->rows);
    if (same->rows == NULL) return 1;
    same->rows_count = count;
  }
  for (int i = 0; i < count; i++) {
    const struct transfer *transfer = &transfers[i];
    struct same_rows *rows = &same->rows[i];
    struct same_account *payer = &same->accounts[transfer->payer],
                        *payee = &same->accounts[transfer->payee];
    char payer_before[MONEY_TEXT_MAX], payee_before[MONEY_TEXT_MAX];
    money_text(payer->balance, 2, payer_before);
    money_text(payee->balance, 2, payee_before);
    rows->journal = ++same->journal;
    rows->entry = same->entry + 1;
    same->entry += 2;
    same_leg(payer, -transfer->cents, rows->entry, &rows->payer_previous, rows->payer_balance);
    same_leg(payee, transfer->cents, rows->entry + 1, &rows->payee_previous, rows->payee_balance);
    rows->payer = *payer;
    rows->payee = *payee;
    same_image(rows->old_values, transfer, payer_before, payee_before);
    same_image(rows->new_values, transfer, rows->payer_balance, rows->payee_balance);
    snprintf(rows->details, sizeof rows->details,
             "{\"journal\": %" PRId64 ", \"reference\": \"%s\"}", rows->journal,
             transfer->reference);
    randombytes_buf(rows->request, sizeof rows->request);
    memset(rows->link, i & 255, sizeof rows->link);
    memset(rows->audit, i & 255, sizeof rows->audit);
  }
  return 0;
}

static bool same_plain(const struct same *same, const char *account,
                       const struct same_account *after, const char *balance, const char *row,
                       const char *reference, const char *metadata,
                       const struct transfer *transfer) {
  sqlite3_stmt *update = same->floor.statements[SAME_ACCOUNT],
               *insert = same->floor.statements[SAME_TRANSACTION];
  floor_text(update, 1, balance);
  floor_text(update, 2, transfer->time);
  sqlite3_bind_int64(update, 3, after->row);
  floor_text(insert, 1, row);
  floor_text(insert, 2, account);
  floor_text(insert, 3, transfer->amount);
  floor_text(insert, 4, reference);
  floor_text(insert, 5, metadata);
  floor_text(insert, 6, transfer->time);
  return floor_step(update) && floor_step(insert);
}

static bool same_book(const struct same *same, const struct same_account *after, int64_t cents,
                      int64_t journal, int64_t previous) {
  sqlite3_stmt *cache = same->floor.statements[SAME_CACHE],
               *entry = same->floor.statements[SAME_ENTRY];
  sqlite3_bind_int64(cache, 1, after->balance);
  sqlite3_bind_int64(cache, 2, after->version);
  sqlite3_bind_int64(cache, 3, after->last_entry);
  sqlite3_bind_int64(cache, 4, after->last_jump);
  sqlite3_bind_int64(cache, 5, after->key);
  sqlite3_bind_int64(entry, 1, after->last_entry);
  sqlite3_bind_int64(entry, 2, journal);
  sqlite3_bind_int64(entry, 3, after->key);
  sqlite3_bind_int64(entry, 4, cents);
  sqlite3_bind_int64(entry, 5, after->balance);
  sqlite3_bind_int64(entry, 6, after->version);
  sqlite3_bind_int64(entry, 7, previous);
  sqlite3_bind_int64(entry, 8, after->last_jump);
  return floor_step(cache) && floor_step(entry);
}

static void same_chain(struct same *same, const struct same_rows *rows) {
  struct seal_blake2b state;
  unsigned char audit[32];
  seal_blake2b_init(&state);
  seal_blake2b_update(&state, rows->audit, sizeof rows->audit);
  seal_blake2b_final(&state, audit);
  seal_blake2b_init(&state);
  seal_blake2b_update(&state, same->hash, sizeof same->hash);
  seal_blake2b_update(&state, rows->link, sizeof rows->link);
  seal_blake2b_update(&state, audit, sizeof audit);
  seal_blake2b_final(&state, same->hash);
}

static bool same_one(void *context, const struct transfer *transfer, int i) {
  struct same *same = context;
  const struct same_rows *rows = &same->rows[i];
  sqlite3_stmt *journal = same->floor.statements[SAME_JOURNAL],
               *audit = same->floor.statements[SAME_AUDIT];
  bool is_good =
      same_plain(same, transfer->payer_id, &rows->payer, rows->payer_balance, transfer->payer_row,
                 transfer->reference, "{\"direction\": \"debit\"}", transfer) &&
      same_plain(same, transfer->payee_id, &rows->payee, rows->payee_balance, transfer->payee_row,
                 transfer->payee_reference, "{\"direction\": \"credit\"}", transfer) &&
      same_book(same, &rows->payer, -transfer->cents, rows->journal, rows->payer_previous) &&
      same_book(same, &rows->payee, transfer->cents, rows->journal, rows->payee_previous);
  same_chain(same, rows);
  sqlite3_bind_int64(journal, 1, rows->journal);
  floor_text(journal, 2, transfer->id);
  floor_text(journal, 3, transfer->reference);
  sqlite3_bind_int64(journal, 4, transfer->time_us);
  sqlite3_bind_blob(journal, 5, rows->request, sizeof rows->request, SQLITE_STATIC);
  sqlite3_bind_blob(journal, 6, same->hash, 32, SQLITE_STATIC);
  floor_text(audit, 1, transfer->id);
  floor_text(audit, 2, transfer->payer_row);
  floor_text(audit, 3, rows->old_values);
  floor_text(audit, 4, rows->new_values);
  floor_text(audit, 5, rows->details);
  floor_text(audit, 6, transfer->time);
  return is_good && floor_step(journal) && floor_step(audit);
}

static void same_stop(struct same *same) {
  floor_finalize(&same->floor);
  ledger_close(same->ledger);
  free(same->accounts);
  free(same->rows);
  *same = (struct same){0};
}

/* The two: with the checks of the tables, and without. */
#define SAME_TARGET(which, label, checks)                                                          \
  static int which##_open(const char *path, bool full) {                                           \
    return same_start(&which, path, full, checks);                                                 \
  }                                                                                                \
  static int which##_prepare(const struct transfer *transfers, int count) {                        \
    return same_ready(&which, transfers, count);                                                   \
  }                                                                                                \
  static int which##_run(const struct transfer *transfers, int count, int per_commit) {            \
    return floor_run(&which.floor, same_one, &which, transfers, count, per_commit);                \
  }                                                                                                \
  static int64_t which##_pages(void) {                                                             \
    return floor_pages(which.floor.sqlite);                                                        \
  }                                                                                                \
  static void which##_close(void) {                                                                \
    same_stop(&which);                                                                             \
  }                                                                                                \
  static const struct target which##_target = {label,       which##_open,  which##_prepare,        \
                                               which##_run, which##_pages, which##_close};

SAME_TARGET(same_checked, "same", true)
SAME_TARGET(same_unchecked, "unchecked", false)
