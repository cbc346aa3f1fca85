/*
** journal.c: the one way to write the book. A journal is checked as a whole before its first write; then its plain rows,
** entries, balances, audit row and at last the journal's own row with the next hash of the chain are written. What fails past
** the check (a constraint of the schema's own, the disk) leaves the transaction half written: the caller rolls it back.
*/
#include "../internal.h"
#include "book_state.h"

/* ---- the head of the book */

static int journal_number(ledger *db, enum statement_id id, int64_t *out) {
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  *out = 0;
  if (sqlite3_step(stmt) == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int journal_head(ledger *db) {
  struct book *book = db->book;
  if (book->knows_head) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_LAST);
  if (stmt == NULL) return db->error.code;
  book->last_seq = book->last_created_us = 0;
  memset(book->last_hash, 0, sizeof book->last_hash);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    book->last_seq = sqlite3_column_int64(stmt, 0);
    book->last_created_us = sqlite3_column_int64(stmt, 1);
    if (sqlite3_column_bytes(stmt, 2) == (int)sizeof book->last_hash)
      memcpy(book->last_hash, sqlite3_column_blob(stmt, 2), sizeof book->last_hash);
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  rc = journal_number(db, STATEMENT_ENTRY_LAST, &book->last_entry);
  if (rc == LEDGER_OK) rc = journal_number(db, STATEMENT_ACCOUNT_LAST, &book->last_key);
  book->knows_head = rc == LEDGER_OK;
  return rc;
}

/* ---- writing */

LEDGER_PRIVATE int journal_step(ledger *db, sqlite3_stmt *stmt) {
  struct observe observe;
  observe_aside_start(&observe, db);
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  if (rc == SQLITE_OK) return observe_aside_end(&observe, LEDGER_OK);
  rc = (rc & 0xff) == SQLITE_CONSTRAINT ? violation_of_text(db, rc, sqlite3_errmsg(db->sqlite))
                                        : store_error(db, rc);
  return observe_aside_end(&observe, rc);
}

LEDGER_PRIVATE void journal_bind_text(sqlite3_stmt *stmt, int parameter, const char *text) {
  if (text == NULL)
    sqlite3_bind_null(stmt, parameter);
  else
    sqlite3_bind_text(stmt, parameter, text, -1, SQLITE_STATIC);
}

LEDGER_PRIVATE void journal_bind_number(sqlite3_stmt *stmt, int parameter, int64_t number) {
  if (number == 0)
    sqlite3_bind_null(stmt, parameter);
  else
    sqlite3_bind_int64(stmt, parameter, number);
}

/* The journal's time as its plain columns show it; one text for all that a transaction writes. */
LEDGER_PRIVATE void journal_texts(struct book *book, int64_t now_us) {
  if (book->text_us == now_us && now_us != 0) return;
  book->text_us = now_us;
  int64_t moment = now_us + MOMENT_UNIX_EPOCH;
  book->accounts_text_length = moment_text(book->tables.accounts_time, moment, book->accounts_text);
  book->transactions_text_length =
      moment_text(book->tables.transactions_time, moment, book->transactions_text);
}

LEDGER_PRIVATE void journal_row_id(const char id[37], int n, char out[37]) {
  static const char hex[] = "0123456789abcdef";
  memmove(out, id, 37);
  out[34] = hex[(n >> 4) & 15];
  out[35] = hex[n & 15];
}

static int journal_reference(ledger *db, const struct journal *journal, const char *suffix,
                             const char **out) {
  size_t length = strlen(journal->reference), more = strlen(suffix);
  *out = journal->reference;
  if (more == 0) return LEDGER_OK;
  char *text = arena_alloc(&db->arena, length + more + 1);
  if (text == NULL) return error_memory(&db->error);
  memcpy(text, journal->reference, length);
  memcpy(text + length, suffix, more + 1);
  *out = text;
  return LEDGER_OK;
}

/* A text that a sqlite3_str built, in the arena; NULL for an empty one. MEMORY. */
static int journal_take(ledger *db, sqlite3_str *built, const char **out) {
  int length = sqlite3_str_length(built);
  int rc = sqlite3_str_errcode(built);
  *out = NULL;
  if (rc == SQLITE_OK && length > 0) {
    *out = arena_copy(&db->arena, sqlite3_str_value(built), (size_t)length);
    if (*out == NULL) rc = SQLITE_NOMEM;
  }
  sqlite3_free(sqlite3_str_finish(built));
  return rc == SQLITE_OK ? LEDGER_OK : error_memory(&db->error);
}

/* {"reason": "account A is frozen ...", "sqlstate": "LG002"}, for a row that is kept as failed. */
static int journal_reason(ledger *db, const struct journal *journal, const char **out) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "{\"reason\": ");
  json_quote(text, journal->reason, strlen(journal->reason));
  sqlite3_str_appendf(text, ", \"sqlstate\": \"%s\"}", error_sqlstate(journal->outcome));
  return journal_take(db, text, out);
}

/* The caller's metadata with the direction, as jsonb stores it. */
static int journal_metadata(ledger *db, const struct journal *journal,
                            const struct journal_row *row, const char **out) {
  static const struct type jsonb = {.id = TYPE_JSONB, .length = -1};
  *out = row->direction == NULL                 ? "{}"
         : strcmp(row->direction, "debit") == 0 ? "{\"direction\": \"debit\"}"
                                                : "{\"direction\": \"credit\"}";
  if (row->metadata == NULL && journal->outcome == LEDGER_OK) return LEDGER_OK;
  const char *reason = NULL;
  int rc = journal->outcome == LEDGER_OK ? LEDGER_OK : journal_reason(db, journal, &reason);
  if (rc != LEDGER_OK) return rc;
  const char *merged = journal_detail(db, row->metadata, *out);
  if (merged != NULL) merged = journal_detail(db, merged, reason);
  if (merged == NULL) return db->error.code;
  struct value value;
  rc = type_input(&jsonb, merged, strlen(merged), &db->arena, &value, &db->error);
  if (rc == LEDGER_OK) *out = value.text;
  return rc;
}

static int journal_write_row(ledger *db, struct journal *journal, struct journal_row *row,
                             struct chain *chain) {
  struct book *book = db->book;
  bool is_plain = row->account->class == ACCOUNT_PLAIN;
  const char *reference, *metadata = NULL;
  char amount[MONEY_TEXT_MAX];
  int rc = journal_reference(db, journal, row->suffix, &reference);
  if (rc == LEDGER_OK && is_plain) rc = journal_metadata(db, journal, row, &metadata);
  if (rc != LEDGER_OK) return rc;
  size_t amount_length = money_text(row->amount, row->account->scale, amount);
  const struct book_tables *tables = &book->tables;
  bool trusts = is_plain ? tables->trusts_transactions : tables->trusts_portfolio_transactions;
  enum statement_id id = is_plain ? STATEMENT_TRANSACTION_INSERT : STATEMENT_PORTFOLIO_ROW_INSERT;
  sqlite3_stmt *stmt = trusts ? statement_trusted(db, id) : statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, row->id, 36, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, row->account->owner, 36, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, row->type, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 4, amount, (int)amount_length, SQLITE_STATIC);
  journal_bind_text(stmt, 5, row->account->currency);
  journal_bind_text(stmt, 6, row->status);
  const char *time = book->transactions_text;
  int time_length = (int)book->transactions_text_length;
  if (is_plain) {
    journal_bind_text(stmt, 7, row->description);
    journal_bind_text(stmt, 8, reference);
    journal_bind_text(stmt, 9, metadata);
    sqlite3_bind_text(stmt, 10, time, time_length, SQLITE_STATIC);
    if (strcmp(row->status, "completed") == 0)
      sqlite3_bind_text(stmt, 11, time, time_length, SQLITE_STATIC);
    else
      sqlite3_bind_null(stmt, 11);
  } else {
    journal_bind_text(stmt, 7, reference);
    sqlite3_bind_text(stmt, 8, time, time_length, SQLITE_STATIC);
  }
  rc = journal_step(db, stmt);
  if (rc != LEDGER_OK) return rc;
  chain_row(chain, row->account->owner, row->type, amount, row->account->currency, reference, time);
  return LEDGER_OK;
}

/* The skew-binary list of an account's entries (Myers, "An applicative random-access stack", 1983): from entry n a second link
** leads to entry journal_jump(n), and any earlier entry is found in O(log n) steps. */
static int64_t journal_jump(int64_t n) {
  int64_t rest = n, term = 0;
  while (
      rest >
      0) { /* n as a sum of numbers 2^k - 1, the largest first; the last one is the length of the jump */
    term = 1;
    while (2 * term + 1 <= rest) term = 2 * term + 1;
    rest -= term;
  }
  return n - term;
}

/* seq of the entry that the account's next one jumps to, 0: none. */
static int journal_next_jump(ledger *db, const struct account *account, int64_t *out) {
  int64_t n = account->version + 1, target = journal_jump(n);
  *out = 0;
  if (target == 0) return LEDGER_OK;
  *out = account->last_entry;
  if (target == n - 1) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ENTRY_JUMP);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, account->last_jump);
  if (sqlite3_step(stmt) == SQLITE_ROW) *out = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

/* Each entry in order, changing the account in memory; its row is written once, with all of its entries. */
static int journal_write_entry(ledger *db, const struct journal *journal, struct leg *leg,
                               struct chain *chain) {
  struct book *book = db->book;
  struct account *account = leg->account;
  int64_t jump;
  if (account->key == 0) {
    int rc = account_write(db, account);
    if (rc != LEDGER_OK) return rc;
  }
  int rc = journal_next_jump(db, account, &jump);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ENTRY_INSERT);
  if (stmt == NULL) return db->error.code;
  if (leg->layer == LAYER_POSTED)
    account->balance += leg->amount;
  else if (leg->layer == LAYER_HELD)
    account->held -= leg->amount;
  else
    account->expected += leg->amount;
  int64_t previous = account->last_entry;
  account->last_entry = ++book->last_entry;
  account->last_jump = jump;
  account->version++;
  leg->balance_after = account->balance;
  leg->available_after = account_available(account);
  leg->version = account->version;
  sqlite3_bind_int64(stmt, 1, account->last_entry);
  sqlite3_bind_int64(stmt, 2, journal->seq);
  sqlite3_bind_int64(stmt, 3, account->key);
  sqlite3_bind_int(stmt, 4, leg->layer);
  sqlite3_bind_int64(stmt, 5, leg->amount);
  sqlite3_bind_int64(stmt, 6, leg->balance_after);
  sqlite3_bind_int64(stmt, 7, leg->available_after);
  sqlite3_bind_int64(stmt, 8, leg->version);
  journal_bind_number(stmt, 9, previous);
  journal_bind_number(stmt, 10, jump);
  rc = journal_step(db, stmt);
  chain_entry(chain, account->last_entry, account->key, leg->layer, leg->amount, leg->balance_after,
              leg->available_after, leg->version, previous, jump);
  return rc;
}

static int journal_write_accounts(ledger *db, struct journal *journal) {
  int rc = LEDGER_OK;
  db->book->mark++;
  for (int i = 0; i < journal->leg_count && rc == LEDGER_OK; i++) {
    struct account *account = journal->legs[i].account;
    if (account->mark == db->book->mark) continue;
    account->mark = db->book->mark;
    rc = account_write_all(db, account);
  }
  return rc;
}

/* ---- the audit row */

static int journal_order(const void *a, const void *b) {
  const struct account *const *left = a, *const *right = b;
  size_t left_length = strlen((*left)->name), right_length = strlen((*right)->name);
  if (left_length != right_length) return left_length < right_length ? -1 : 1;
  return strcmp((*left)->name, (*right)->name);
}

static void journal_member(sqlite3_str *out, const char *name, int length, int64_t amount,
                           int scale) {
  char text[MONEY_TEXT_MAX];
  sqlite3_str_append(out, name, length);
  sqlite3_str_append(out, text, (int)money_text(amount, scale, text));
}

/* {"ACCOUNT": {"balance": 1.00, "available_balance": 1.00}, ...} of the accounts, in jsonb's order: shorter names first.
** Only what changed, and what is available only where it did not change with the balance. */
static void journal_image(sqlite3_str *out, struct account *const *accounts, int count,
                          bool before) {
  bool is_empty = true;
  for (int i = 0; i < count; i++) {
    const struct account *account = accounts[i];
    int64_t available = account_available(account);
    int64_t moved = account->balance - account->before_balance;
    int64_t freed = available - account->before_available;
    bool has_balance = moved != 0, has_available = freed != 0 && freed != moved;
    if (!has_balance && !has_available) continue;
    sqlite3_str_append(out, is_empty ? "{\"" : ", \"", is_empty ? 2 : 3);
    is_empty = false;
    sqlite3_str_appendall(out, account->name);
    if (has_balance)
      journal_member(out, "\": {\"balance\": ", 15,
                     before ? account->before_balance : account->balance, account->scale);
    if (has_available)
      journal_member(
          out, has_balance ? ", \"available_balance\": " : "\": {\"available_balance\": ",
          has_balance ? 23 : 25, before ? account->before_available : available, account->scale);
    sqlite3_str_append(out, "}", 1);
  }
  if (!is_empty) sqlite3_str_append(out, "}", 1);
}

/* The accounts other than the book's own, once each, in jsonb's order of their names. */
static int journal_touched(struct book *book, struct journal *journal,
                           struct account *touched[JOURNAL_LEG_MAX]) {
  int count = 0;
  book->mark++;
  for (int i = 0; i < journal->leg_count; i++) {
    struct account *account = journal->legs[i].account;
    if (account->class == ACCOUNT_SYSTEM || account->mark == book->mark) continue;
    account->mark = book->mark;
    touched[count++] = account;
  }
  if (count > 1) qsort(touched, (size_t)count, sizeof *touched, journal_order);
  return count;
}

static void journal_details(sqlite3_str *out, const struct journal *journal) {
  sqlite3_str_append(out, "{", 1);
  if (journal->audit_reason != NULL) {
    sqlite3_str_append(out, "\"reason\": ", 10);
    json_quote(out, journal->audit_reason, strlen(journal->audit_reason));
    sqlite3_str_append(out, ", ", 2);
  }
  sqlite3_str_appendf(out, "\"journal\": %lld, \"reference\": ", (long long)journal->seq);
  json_quote(out, journal->reference, strlen(journal->reference));
  sqlite3_str_append(out, "}", 1);
}

static int journal_write_audit(ledger *db, struct journal *journal, unsigned char hash[32]) {
  struct account *touched[JOURNAL_LEG_MAX];
  char action[32];
  const char *word = operation_word(journal->kind);
  size_t length = 0;
  for (; word[length] != 0; length++) action[length] = (char)(word[length] - 'a' + 'A');
  action[length] = 0;
  struct audit_event event = {.id = journal->id,
                              .action = action,
                              .entity_type = journal->entity_type,
                              .entity_id = journal->entity_id,
                              .old_values = journal->audit_old,
                              .new_values = journal->audit_new,
                              .failed = journal->outcome != LEDGER_OK,
                              .error_message = journal->reason,
                              .created_us = journal->created_us};
  if (event.entity_type == NULL) {
    bool has_row = journal->row_count > 0;
    bool is_plain = !has_row || journal->rows[0].account->class == ACCOUNT_PLAIN;
    event.entity_type = is_plain ? "transactions" : "portfolio_transactions";
    event.entity_id = has_row ? journal->rows[0].id : NULL;
  }
  int rc = LEDGER_OK;
  int count = journal_touched(db->book, journal, touched);
  if (count > 0 && journal->audit_old == NULL && journal->audit_new == NULL) {
    sqlite3_str *old_values = sqlite3_str_new(NULL), *new_values = sqlite3_str_new(NULL);
    journal_image(old_values, touched, count, true);
    journal_image(new_values, touched, count, false);
    rc = journal_take(db, old_values, &event.old_values);
    int other = journal_take(db, new_values, &event.new_values);
    if (rc == LEDGER_OK) rc = other;
  }
  sqlite3_str *details = sqlite3_str_new(NULL);
  journal_details(details, journal);
  int other = journal_take(db, details, &event.details);
  if (rc == LEDGER_OK) rc = other;
  return rc == LEDGER_OK ? audit_write(db, &event, hash) : rc;
}

/* ---- a whole journal */

static int journal_write_own(ledger *db, struct journal *journal) {
  struct book *book = db->book;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, journal->seq);
  journal_bind_text(stmt, 2, operation_word(journal->kind));
  sqlite3_bind_text(stmt, 3, journal->id, 36, SQLITE_STATIC);
  journal_bind_text(stmt, 4, journal->reference);
  journal_bind_number(stmt, 5, journal->parent);
  sqlite3_bind_int(stmt, 6, journal->outcome);
  journal_bind_text(stmt, 7, journal->reason);
  journal_bind_number(stmt, 8, journal->effective_us);
  sqlite3_bind_int64(stmt, 9, journal->created_us);
  sqlite3_bind_int(stmt, 10, journal->row_count);
  if (journal->request_length == 0)
    sqlite3_bind_null(stmt, 11);
  else
    sqlite3_bind_blob(stmt, 11, journal->request, (int)journal->request_length, SQLITE_STATIC);
  journal_bind_text(stmt, 12, journal->detail);
  sqlite3_bind_blob(stmt, 13, journal->hash, sizeof journal->hash, SQLITE_STATIC);
  int rc = journal_step(db, stmt);
  if (rc != LEDGER_OK) return rc;
  book->last_seq = journal->seq;
  book->last_created_us = journal->created_us;
  memcpy(book->last_hash, journal->hash, sizeof book->last_hash);
  return LEDGER_OK;
}

static void journal_chain_own(struct chain *chain, const struct book *book,
                              const struct journal *journal) {
  chain_start(chain, book->last_hash);
  chain_journal(chain, journal->seq, operation_word(journal->kind), journal->id, journal->reference,
                journal->parent, journal->outcome, journal->reason, journal->effective_us,
                journal->created_us, journal->row_count, journal->request, journal->request_length,
                journal->detail);
}

/* What the accounts were before, for the audit row. */
static void journal_remember(struct journal *journal) {
  for (int i = 0; i < journal->leg_count; i++) {
    struct account *account = journal->legs[i].account;
    account->before_balance = account->balance;
    account->before_available = account_available(account);
  }
}

/* Without the white space around; false if it does not stand in braces. */
static bool journal_braces(const char **text, size_t *length) {
  while (text_is_space(**text)) (*text)++;
  *length = strlen(*text);
  while (*length > 0 && text_is_space((*text)[*length - 1])) (*length)--;
  return *length >= 2 && (*text)[0] == '{' && (*text)[*length - 1] == '}';
}

LEDGER_PRIVATE const char *journal_detail(ledger *db, const char *a, const char *b) {
  size_t a_length, b_length;
  if (a == NULL || b == NULL) return a == NULL ? b : a;
  if (!journal_braces(&a, &a_length) || !journal_braces(&b, &b_length)) {
    error_set(&db->error, LEDGER_BAD_OPERATION, "\"metadata\" is not a JSON object");
    return NULL;
  }
  const char *inside = a + 1;
  while (text_is_space(*inside)) inside++;
  bool is_empty = *inside == '}';
  char *text = arena_alloc(&db->arena, a_length + b_length + 2);
  if (text == NULL) {
    error_memory(&db->error);
    return NULL;
  }
  size_t at = is_empty ? 1 : a_length - 1;
  memcpy(text, a, at);
  if (!is_empty) {
    memcpy(text + at, ", ", 2);
    at += 2;
  }
  memcpy(text + at, b + 1, b_length - 1);
  text[at + b_length - 1] = 0;
  return text;
}

LEDGER_PRIVATE int journal_start(ledger *db, enum ledger_operation_kind kind, const char *reference,
                                 struct journal **out) {
  struct book *book = db->book;
  int rc = journal_head(db);
  if (rc != LEDGER_OK) return rc;
  struct journal *journal = *out = &book->journal;
  /* The legs and rows are left as they are: their counts say what is in use. */
  memset(journal, 0, offsetof(struct journal, legs));
  memset(&journal->first_row, 0,
         offsetof(struct journal, rows) - offsetof(struct journal, first_row));
  memset(&journal->amount, 0, sizeof *journal - offsetof(struct journal, amount));
  journal->kind = kind;
  journal->reference = reference;
  journal->first_row = 1;
  journal->remaining = -1;
  /* The booking clock never goes back, so that a time leads to a journal by halving. */
  journal->created_us =
      db->session.now_us > book->last_created_us ? db->session.now_us : book->last_created_us;
  id_uuid7(journal->id);
  journal_row_id(journal->id, 0, journal->id);
  journal->seq = book->last_seq + 1;
  return LEDGER_OK;
}

LEDGER_PRIVATE int journal_post(ledger *db, struct journal *journal) {
  struct chain chain;
  unsigned char audit[32];
  int rc = journal_check(db, journal);
  if (rc != LEDGER_OK) return rc;
  db->book->is_torn = true;
  journal_texts(db->book, journal->created_us);
  journal_remember(journal);
  for (int i = 0; i < journal->row_count; i++)
    journal_row_id(journal->id, journal->first_row + i, journal->rows[i].id);
  journal_chain_own(&chain, db->book, journal);
  /* Plain rows come first: a reference that another program's row has is found before anything is written. */
  for (int i = 0; i < journal->row_count && rc == LEDGER_OK; i++)
    rc = journal_write_row(db, journal, &journal->rows[i], &chain);
  for (int i = 0; i < journal->leg_count && rc == LEDGER_OK; i++)
    rc = journal_write_entry(db, journal, &journal->legs[i], &chain);
  if (rc == LEDGER_OK) rc = journal_write_accounts(db, journal);
  if (rc == LEDGER_OK) rc = journal_write_audit(db, journal, audit);
  if (rc != LEDGER_OK) return rc;
  chain_bytes(&chain, audit, sizeof audit);
  chain_end(&chain, journal->hash);
  rc = journal_write_own(db, journal);
  if (rc == LEDGER_OK && journal->after != NULL)
    rc = journal->after(db, journal, journal->after_context);
  db->book->is_torn = rc != LEDGER_OK;
  return rc;
}

LEDGER_PRIVATE int journal_audit(ledger *db, const char id[37], const unsigned char audit_hash[32],
                                 const char *detail) {
  struct journal *journal;
  struct chain chain;
  int rc = journal_start(db, LEDGER_OP_AUDIT, NULL, &journal);
  if (rc != LEDGER_OK) return rc;
  memcpy(journal->id, id, sizeof journal->id);
  journal->detail = detail;
  journal_chain_own(&chain, db->book, journal);
  chain_bytes(&chain, audit_hash, 32);
  chain_end(&chain, journal->hash);
  return journal_write_own(db, journal);
}
