/*
** history.c: what happened, and what an account had at a time.
**
** The booking clock never goes back from one journal to the next, and entries are in the order of their journals, so a time
** leads to a journal, and a journal to its entries, by halving. The entries of an account are linked backwards, each to the
** one before and by its jump to one further back (journal.c): any of them is found in O(log n) steps from the last one, by its
** journal, its seq or its version.
**
** As of a booking time a balance is therefore read from one entry. As of an effective time there is no order to use: all of the
** account's entries are walked, with their journals, which is some microseconds for each. So is what a filter by kind passes
** over; a filter by reference is not, as it starts from the journals that are about it.
*/
#include "../internal.h"
#include "book_state.h"

#define HISTORY_LIMIT 100 /* rows of a page unless asked otherwise */
#define HISTORY_LIMIT_MAX 1000
#define HISTORY_CHUNK 128 /* entries that are read ahead, where the links lead the other way */

/* ---- times */

/* Microseconds since 1970, or an infinity. */
static int history_time(ledger *db, const char *text, int64_t *out) {
  static const struct type type = {.id = TYPE_TIMESTAMPTZ, .length = -1};
  struct value value;
  int rc = type_input(&type, text, strlen(text), &db->arena, &value, &db->error);
  if (rc == LEDGER_OK) rc = moment_parse(type.id, value.text, value.length, out, &db->error);
  if (rc == LEDGER_OK && moment_is_finite(*out)) *out -= MOMENT_UNIX_EPOCH;
  return rc;
}

/* The first of the rows 1 to `last` whose number is `bound` or more, by a statement that reads the number of a row; last + 1 if
** there is none. The numbers never fall. */
static int history_halve(ledger *db, enum statement_id id, int64_t last, int64_t bound,
                         int64_t *out) {
  int64_t low = 1, high = last + 1; /* the answer is one of them, or between */
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  while (low < high) {
    int64_t middle = low + (high - low) / 2, number = 0;
    sqlite3_bind_int64(stmt, 1, middle);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) number = sqlite3_column_int64(stmt, 0);
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
    if (!found) return error_set(&db->error, LEDGER_BOOK_BROKEN, "the book has a gap");
    if (number < bound)
      low = middle + 1;
    else
      high = middle;
  }
  *out = low;
  return LEDGER_OK;
}

/* The last journal booked at `time_us` or before; 0: none. */
static int history_journal_at(ledger *db, int64_t time_us, int64_t *out) {
  *out = db->book->last_seq;
  if (time_us == MOMENT_INFINITY) return LEDGER_OK;
  int rc = history_halve(db, STATEMENT_HISTORY_CREATED, db->book->last_seq, time_us + 1, out);
  *out -= 1;
  return rc;
}

/* ---- the entries of an account */

struct history_entry { /* seq 0: none */
  int64_t seq, journal, amount, balance, available, version, previous, jump;
  int layer;
};

/* The numbers by which an entry is sought: each grows along the account's entries. */
enum history_order { HISTORY_BY_JOURNAL, HISTORY_BY_SEQ, HISTORY_BY_VERSION };

static int64_t history_number(const struct history_entry *entry, enum history_order order) {
  switch (order) {
  case HISTORY_BY_JOURNAL: return entry->journal;
  case HISTORY_BY_SEQ: return entry->seq;
  default: return entry->version;
  }
}

static int history_broken(ledger *db, const struct account *account) {
  return error_set(&db->error, LEDGER_BOOK_BROKEN, "the entries of account %s are not linked",
                   account->name);
}

/* The entry that a link of the account leads to; a link of 0 to none. */
static int history_follow(ledger *db, const struct account *account, int64_t link,
                          struct history_entry *out) {
  struct history_entry entry = {.seq = link};
  bool found = link == 0;
  sqlite3_stmt *stmt = found ? NULL : statement_fixed(db, STATEMENT_HISTORY_ENTRY);
  if (stmt == NULL && !found) return db->error.code;
  if (stmt != NULL) {
    sqlite3_bind_int64(stmt, 1, link);
    found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found) {
      entry.journal = sqlite3_column_int64(stmt, 0);
      entry.layer = sqlite3_column_int(stmt, 1);
      entry.amount = sqlite3_column_int64(stmt, 2);
      entry.balance = sqlite3_column_int64(stmt, 3);
      entry.available = sqlite3_column_int64(stmt, 4);
      entry.version = sqlite3_column_int64(stmt, 5);
      entry.previous = sqlite3_column_int64(stmt, 6); /* null: 0 */
      entry.jump = sqlite3_column_int64(stmt, 7);
      found = sqlite3_column_int64(stmt, 8) == account->key;
    }
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
  }
  /* Links lead back, so that also in a damaged file a walk ends. */
  if (!found || entry.layer < LAYER_POSTED || entry.layer > LAYER_EXPECTED ||
      (link != 0 && (entry.previous >= link || entry.jump >= link)))
    return history_broken(db, account);
  *out = entry;
  return LEDGER_OK;
}

/* The account's last entry whose number is at most `bound`. */
static int history_seek(ledger *db, const struct account *account, enum history_order order,
                        int64_t bound, struct history_entry *out) {
  int rc = history_follow(db, account, account->last_entry, out);
  while (rc == LEDGER_OK && out->seq != 0 && history_number(out, order) > bound) {
    struct history_entry far;
    rc = history_follow(db, account, out->jump, &far);
    if (rc != LEDGER_OK) break;
    if (far.seq != 0 && history_number(&far, order) > bound)
      *out = far;
    else
      rc = history_follow(db, account, out->previous, out);
  }
  return rc;
}

/* ---- balances as of a time */

static int history_balance_booked(ledger *db, const struct account *account, int64_t time_us,
                                  ledger_balance *out) {
  int64_t journal;
  struct history_entry entry = {0};
  int rc = history_journal_at(db, time_us, &journal);
  if (rc == LEDGER_OK) rc = history_seek(db, account, HISTORY_BY_JOURNAL, journal, &entry);
  if (rc != LEDGER_OK) return rc;
  money_text(entry.balance, account->scale, out->balance);
  money_text(entry.available, account->scale, out->available);
  money_text(entry.balance - entry.available, account->scale, out->held);
  out->version = entry.version;
  return LEDGER_OK;
}

/* When a journal counts. */
static int history_effective(ledger *db, int64_t journal, int64_t *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HISTORY_EFFECTIVE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, journal);
  bool found = sqlite3_step(stmt) == SQLITE_ROW;
  if (found) *out = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  if (found) return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN, "there is no journal %lld", (long long)journal);
}

static int history_balance_effective(ledger *db, const struct account *account, int64_t time_us,
                                     ledger_balance *out) {
  int64_t sum = 0, version = 0, journal = 0, effective_us = 0;
  struct history_entry entry;
  int rc = history_follow(db, account, account->last_entry, &entry);
  while (rc == LEDGER_OK && entry.seq != 0) {
    if (entry.journal != journal) rc = history_effective(db, entry.journal, &effective_us);
    journal = entry.journal;
    if (rc == LEDGER_OK && entry.layer == LAYER_POSTED && effective_us <= time_us) {
      if (version == 0) version = entry.version;
      if (__builtin_add_overflow(sum, entry.amount, &sum)) {
        return error_set(&db->error, LEDGER_AMOUNT_RANGE,
                         "the balance of account %s at the time is out of range", account->name);
      }
    }
    if (rc == LEDGER_OK) rc = history_follow(db, account, entry.previous, &entry);
  }
  if (rc != LEDGER_OK) return rc;
  money_text(sum, account->scale, out->balance);
  out->available[0] = out->held[0] = 0; /* holds are reserved at once, and never for another time */
  out->version = version;
  return LEDGER_OK;
}

static int history_balance(ledger *db, const char *name, const char *time, enum ledger_clock clock,
                           ledger_balance *out) {
  struct account *account;
  int64_t time_us;
  int rc = book_enter(db);
  if (rc == LEDGER_OK) rc = journal_head(db);
  if (rc == LEDGER_OK) rc = history_time(db, time, &time_us);
  if (rc == LEDGER_OK) rc = account_find_any(db, name, &account);
  if (rc != LEDGER_OK) return rc;
  account_show(account, out);
  return clock == LEDGER_EFFECTIVE ? history_balance_effective(db, account, time_us, out)
                                   : history_balance_booked(db, account, time_us, out);
}

LEDGER_PRIVATE int history_balance_at(ledger *db, const char *account, const char *time,
                                      enum ledger_clock clock, ledger_balance *out) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = history_balance(db, account, time, clock, out);
  transaction_end_read(db);
  return rc;
}

/* ---- pages of history */

struct history {           /* what is asked, as numbers */
  struct account *account; /* NULL: of the book */
  const char *kind;        /* NULL: any */
  int64_t reference;       /* the journal that it names; 0: any */
  int64_t first, last;     /* the journals between the times */
  int64_t after;
  bool oldest_first;
  int limit, count;
  ledger_rows *rows;
};

static struct value history_integer(int64_t integer) {
  return (struct value){.kind = VALUE_INTEGER, .integer = integer};
}

static struct value history_text(const char *text) {
  if (text == NULL) return (struct value){.kind = VALUE_NULL};
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

struct history_texts { /* what a row's values borrow */
  char effective_at[MOMENT_TEXT_MAX], created_at[MOMENT_TEXT_MAX];
  char amount[MONEY_TEXT_MAX], balance[MONEY_TEXT_MAX], available[MONEY_TEXT_MAX];
  char hash[65];
};

static struct value history_moment(int64_t time_us, char out[MOMENT_TEXT_MAX]) {
  moment_text(TYPE_TIMESTAMPTZ, time_us + MOMENT_UNIX_EPOCH, out);
  return history_text(out);
}

static struct value history_money(int64_t amount, int scale, char out[MONEY_TEXT_MAX]) {
  money_text(amount, scale, out);
  return history_text(out);
}

/* The columns of ledger_history(), X(name, type). */
#define HISTORY_ENTRY_COLUMNS(X)                                                                   \
  X(cursor, INT8)                                                                                  \
  X(journal, INT8)                                                                                 \
  X(kind, TEXT)                                                                                    \
  X(reference, TEXT)                                                                               \
  X(layer, TEXT)                                                                                   \
  X(amount, NUMERIC)                                                                               \
  X(balance, NUMERIC)                                                                              \
  X(available, NUMERIC)                                                                            \
  X(version, INT8)                                                                                 \
  X(effective_at, TIMESTAMPTZ)                                                                     \
  X(created_at, TIMESTAMPTZ)                                                                       \
  X(description, TEXT)
#define HISTORY_JOURNAL_COLUMNS(X)                                                                 \
  X(cursor, INT8)                                                                                  \
  X(journal, INT8)                                                                                 \
  X(kind, TEXT)                                                                                    \
  X(reference, TEXT)                                                                               \
  X(of, TEXT)                                                                                      \
  X(outcome, TEXT)                                                                                 \
  X(effective_at, TIMESTAMPTZ)                                                                     \
  X(created_at, TIMESTAMPTZ)                                                                       \
  X(entries, INT8)                                                                                 \
  X(hash, TEXT)

struct history_column {
  const char *name;
  enum type_id type;
};
#define X(name, type) {#name, TYPE_##type},
static const struct history_column history_entry_columns[] = {HISTORY_ENTRY_COLUMNS(X)};
static const struct history_column history_journal_columns[] = {HISTORY_JOURNAL_COLUMNS(X)};
#undef X
enum {
#define X(name, type) HISTORY_ENTRY_##name,
  HISTORY_ENTRY_COLUMNS(X)
#undef X
      HISTORY_ENTRY_COUNT
};
enum {
#define X(name, type) HISTORY_JOURNAL_##name,
  HISTORY_JOURNAL_COLUMNS(X)
#undef X
      HISTORY_JOURNAL_COUNT
};
#undef HISTORY_ENTRY_COLUMNS
#undef HISTORY_JOURNAL_COLUMNS

static ledger_rows *history_columns(ledger *db, const struct history_column *columns, int count) {
  ledger_rows *rows = rows_new(db, count);
  for (int i = 0; rows != NULL && i < count; i++) {
    struct type type = {.id = columns[i].type, .length = -1};
    const char *type_name = type.id == TYPE_INT8          ? "bigint"
                            : type.id == TYPE_NUMERIC     ? "numeric"
                            : type.id == TYPE_TIMESTAMPTZ ? "timestamp with time zone"
                                                          : "text";
    rows_set_column(rows, i, columns[i].name, type_name, &type);
  }
  return rows;
}

/* ---- a row per entry */

/* The description of the account's row of the journal; NULL where there is none. */
static int history_description(ledger *db, const struct account *account, const char *journal_id,
                               const char **out) {
  *out = NULL;
  if (account->class != ACCOUNT_PLAIN || book_tables(db)->transactions == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HISTORY_DESCRIPTION);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, journal_id, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, account->owner, -1, SQLITE_STATIC);
  int rc = LEDGER_OK;
  if (sqlite3_step(stmt) == SQLITE_ROW) rc = statement_text(db, stmt, 0, out);
  int sqlite_rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  return rc;
}

struct history_journal {
  const char *kind, *reference, *id, *of, *outcome; /* in the arena */
  int64_t effective_us, created_us;
  char hash[65];
};

static int history_journal(ledger *db, int64_t seq, struct history_journal *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HISTORY_JOURNAL);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  bool found = sqlite3_step(stmt) == SQLITE_ROW;
  int rc = LEDGER_OK;
  if (found) {
    rc = statement_text(db, stmt, 0, &out->kind);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 1, &out->reference);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 2, &out->id);
    if (rc == LEDGER_OK) rc = statement_text(db, stmt, 3, &out->of);
    int outcome = sqlite3_column_int(stmt, 4);
    out->outcome = outcome == LEDGER_OK ? "done" : error_sqlstate(outcome);
    out->effective_us = sqlite3_column_int64(stmt, 5);
    out->created_us = sqlite3_column_int64(stmt, 6);
    const char *hash = (const char *)sqlite3_column_text(stmt, 7); /* hex() gives ASCII */
    sqlite3_snprintf((int)sizeof out->hash, out->hash, "%s", hash == NULL ? "" : hash);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  if (rc == LEDGER_OK && (!found || out->kind == NULL || out->id == NULL))
    rc = error_set(&db->error, LEDGER_BOOK_BROKEN, "there is no journal %lld", (long long)seq);
  return rc;
}

/* Is the entry's journal of the kind that is asked for? */
static int history_is_wanted(ledger *db, const struct history *history,
                             const struct history_entry *entry, bool *out) {
  *out = true;
  if (history->kind == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HISTORY_KIND);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, entry->journal);
  sqlite3_bind_text(stmt, 2, history->kind, -1, SQLITE_STATIC);
  *out = sqlite3_step(stmt) == SQLITE_ROW;
  int rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

/* Takes the entry into the page. */
static int history_add_entry(ledger *db, struct history *history,
                             const struct history_entry *entry) {
  static const char *const layers[] = {"posted", "held", "expected"};
  const struct account *account = history->account;
  struct history_journal journal;
  struct history_texts texts;
  const char *description;
  int rc = history_journal(db, entry->journal, &journal);
  if (rc != LEDGER_OK) return rc;
  rc = history_description(db, account, journal.id, &description);
  if (rc != LEDGER_OK) return rc;
  struct value values[HISTORY_ENTRY_COUNT];
  values[HISTORY_ENTRY_cursor] = history_integer(entry->seq);
  values[HISTORY_ENTRY_journal] = history_integer(entry->journal);
  values[HISTORY_ENTRY_kind] = history_text(journal.kind);
  values[HISTORY_ENTRY_reference] = history_text(journal.reference);
  values[HISTORY_ENTRY_layer] = history_text(layers[entry->layer]);
  values[HISTORY_ENTRY_amount] = history_money(entry->amount, account->scale, texts.amount);
  values[HISTORY_ENTRY_balance] = history_money(entry->balance, account->scale, texts.balance);
  values[HISTORY_ENTRY_available] =
      history_money(entry->available, account->scale, texts.available);
  values[HISTORY_ENTRY_version] = history_integer(entry->version);
  values[HISTORY_ENTRY_effective_at] = history_moment(journal.effective_us, texts.effective_at);
  values[HISTORY_ENTRY_created_at] = history_moment(journal.created_us, texts.created_at);
  values[HISTORY_ENTRY_description] = history_text(description);
  history->count++;
  return rows_append(history->rows, values);
}

/* Entries of consecutive versions up to that of `entry`, at most HISTORY_CHUNK, the oldest first. */
struct history_chunk {
  int count;
  struct history_entry entries[HISTORY_CHUNK];
};

static int history_chunk(ledger *db, const struct account *account, struct history_entry entry,
                         int64_t low, struct history_chunk *out) {
  int rc = LEDGER_OK;
  int64_t count = entry.version - low + 1;
  assert(count >= 0 && count <= HISTORY_CHUNK);
  out->count = (int)count;
  for (int i = out->count - 1; i >= 0 && rc == LEDGER_OK; i--) {
    if (entry.version != low + i) return history_broken(db, account);
    out->entries[i] = entry;
    if (i > 0) rc = history_follow(db, account, entry.previous, &entry);
  }
  return rc;
}

/* The entries with versions from `low` to `high`. */
static int history_walk(ledger *db, struct history *history, int64_t low, int64_t high) {
  struct history_chunk chunk;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && low <= high && history->count < history->limit) {
    struct history_entry top;
    int64_t from = low, to = high;
    if (high - low >= HISTORY_CHUNK) {
      if (history->oldest_first)
        to = low + HISTORY_CHUNK - 1;
      else
        from = high - HISTORY_CHUNK + 1;
    }
    rc = history_seek(db, history->account, HISTORY_BY_VERSION, to, &top);
    if (rc == LEDGER_OK && top.version != to) rc = history_broken(db, history->account);
    if (rc == LEDGER_OK) rc = history_chunk(db, history->account, top, from, &chunk);
    for (int i = 0; rc == LEDGER_OK && i < chunk.count && history->count < history->limit; i++) {
      const struct history_entry *entry =
          &chunk.entries[history->oldest_first ? i : chunk.count - 1 - i];
      bool is_wanted;
      rc = history_is_wanted(db, history, entry, &is_wanted);
      if (rc == LEDGER_OK && is_wanted) rc = history_add_entry(db, history, entry);
    }
    if (history->oldest_first)
      low = to + 1;
    else
      high = from - 1;
  }
  return rc;
}

/* The account's versions between two journals, and on the far side of the cursor. */
static int history_versions(ledger *db, const struct history *history, int64_t first, int64_t last,
                            int64_t *low, int64_t *high) {
  const struct account *account = history->account;
  struct history_entry entry;
  int rc = history_seek(db, account, HISTORY_BY_JOURNAL, first - 1, &entry);
  if (rc != LEDGER_OK) return rc;
  *low = entry.version + 1;
  rc = history_seek(db, account, HISTORY_BY_JOURNAL, last, &entry);
  if (rc != LEDGER_OK) return rc;
  *high = entry.version;
  if (history->after == 0) return LEDGER_OK;
  bool oldest_first = history->oldest_first;
  rc = history_seek(db, account, HISTORY_BY_SEQ, history->after - (oldest_first ? 0 : 1), &entry);
  if (rc != LEDGER_OK) return rc;
  if (oldest_first && entry.version >= *low) *low = entry.version + 1;
  if (!oldest_first && entry.version < *high) *high = entry.version;
  return LEDGER_OK;
}

/* The account's entries of the journals from `first` to `last`. */
static int history_entries(ledger *db, struct history *history, int64_t first, int64_t last) {
  int64_t low, high;
  int rc = history_versions(db, history, first, last, &low, &high);
  return rc == LEDGER_OK ? history_walk(db, history, low, high) : rc;
}

/* ---- a row per journal */

static int history_add_journal(ledger *db, struct history *history, int64_t seq) {
  struct history_journal journal;
  struct history_texts texts;
  int64_t first, next;
  int64_t last_entry = db->book->last_entry;
  int rc = history_journal(db, seq, &journal);
  if (rc == LEDGER_OK) rc = history_halve(db, STATEMENT_ENTRY_JOURNAL, last_entry, seq, &first);
  if (rc == LEDGER_OK) rc = history_halve(db, STATEMENT_ENTRY_JOURNAL, last_entry, seq + 1, &next);
  if (rc != LEDGER_OK) return rc;
  struct value values[HISTORY_JOURNAL_COUNT];
  values[HISTORY_JOURNAL_cursor] = values[HISTORY_JOURNAL_journal] = history_integer(seq);
  values[HISTORY_JOURNAL_kind] = history_text(journal.kind);
  values[HISTORY_JOURNAL_reference] = history_text(journal.reference);
  values[HISTORY_JOURNAL_of] = history_text(journal.of);
  values[HISTORY_JOURNAL_outcome] = history_text(journal.outcome);
  values[HISTORY_JOURNAL_effective_at] = history_moment(journal.effective_us, texts.effective_at);
  values[HISTORY_JOURNAL_created_at] = history_moment(journal.created_us, texts.created_at);
  values[HISTORY_JOURNAL_entries] = history_integer(next - first);
  values[HISTORY_JOURNAL_hash] = history_text(journal.hash);
  history->count++;
  return rows_append(history->rows, values);
}

/* Walks the journals that are asked for, by the statement that fits. */
static int history_journals(ledger *db, struct history *history) {
  int64_t first = history->first, last = history->last, after = history->after;
  if (history->account == NULL && after > 0) {
    if (history->oldest_first && first <= after) first = after < last ? after + 1 : last + 1;
    if (!history->oldest_first && last >= after) last = after - 1;
  }
  sqlite3_stmt *stmt = statement_fixed(db, history->reference != 0 ? STATEMENT_HISTORY_ABOUT
                                           : history->oldest_first ? STATEMENT_HISTORY_OLDEST
                                                                   : STATEMENT_HISTORY_NEWEST);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, first);
  sqlite3_bind_int64(stmt, 2, last);
  sqlite3_bind_text(stmt, 3, history->kind, -1, SQLITE_STATIC);
  if (history->reference != 0) {
    sqlite3_bind_int64(stmt, 4, history->reference);
    sqlite3_bind_int(stmt, 5, history->oldest_first ? 1 : -1);
  }
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && history->count < history->limit && sqlite3_step(stmt) == SQLITE_ROW) {
    int64_t seq = sqlite3_column_int64(stmt, 0);
    rc = history->account == NULL ? history_add_journal(db, history, seq)
                                  : history_entries(db, history, seq, seq);
  }
  int sqlite_rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(db, sqlite_rc);
  return rc;
}

/* ---- what is asked */

static int history_read(ledger *db, const ledger_history_filter *filter, struct history *out) {
  int64_t time_us;
  if (filter->limit < 0 || filter->limit > HISTORY_LIMIT_MAX) {
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "limit is %d, it may be from 1 to %d",
                     filter->limit, HISTORY_LIMIT_MAX);
  }
  if (filter->after < 0)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "after is no row's cursor");
  if (filter->kind != NULL && operation_kind(filter->kind, strlen(filter->kind)) < 0) {
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "there is no operation \"%.60s\"",
                     filter->kind);
  }
  *out = (struct history){.kind = filter->kind,
                          .first = 1,
                          .last = db->book->last_seq,
                          .after = filter->after,
                          .oldest_first = filter->oldest_first != 0,
                          .limit = filter->limit == 0 ? HISTORY_LIMIT : filter->limit};
  int rc = LEDGER_OK;
  if (filter->account != NULL) rc = account_find_any(db, filter->account, &out->account);
  if (rc == LEDGER_OK && filter->reference != NULL) {
    rc = journal_exists(db, filter->reference, &out->reference);
    if (rc == LEDGER_OK && out->reference == 0)
      rc = error_set(&db->error, LEDGER_UNKNOWN_REFERENCE, "no operation has the reference \"%s\"",
                     filter->reference);
  }
  if (rc == LEDGER_OK && filter->since != NULL) {
    rc = history_time(db, filter->since, &time_us);
    if (rc == LEDGER_OK)
      rc = history_halve(db, STATEMENT_HISTORY_CREATED, out->last, time_us, &out->first);
  }
  if (rc == LEDGER_OK && filter->until != NULL) {
    rc = history_time(db, filter->until, &time_us);
    if (rc == LEDGER_OK) rc = history_journal_at(db, time_us, &out->last);
  }
  return rc;
}

static int history_fill(ledger *db, const ledger_history_filter *filter, struct history *history) {
  int rc = book_enter(db);
  if (rc == LEDGER_OK) rc = journal_head(db);
  if (rc == LEDGER_OK) rc = history_read(db, filter, history);
  if (rc != LEDGER_OK) return rc;
  bool is_book = history->account == NULL;
  history->rows = history_columns(db, is_book ? history_journal_columns : history_entry_columns,
                                  is_book ? HISTORY_JOURNAL_COUNT : HISTORY_ENTRY_COUNT);
  if (history->rows == NULL) return db->error.code;
  return is_book || history->reference != 0
             ? history_journals(db, history)
             : history_entries(db, history, history->first, history->last);
}

LEDGER_PRIVATE int history_rows(ledger *db, const ledger_history_filter *filter,
                                ledger_rows **out) {
  struct history history = {0};
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = history_fill(db, filter, &history);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = history.rows;
  else if (history.rows != NULL)
    rows_free(history.rows);
  return rc;
}

#undef HISTORY_LIMIT
#undef HISTORY_LIMIT_MAX
#undef HISTORY_CHUNK
