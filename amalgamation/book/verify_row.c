/*
** verify_row.c: the plain rows of a journal, in transactions and portfolio_transactions (V7): each is of an account that the journal
** moved, over an amount that it moved, under its reference and time, and in the state that it brought about. Their bytes are in
** the chain; this is for him who has made the chain anew, and for the columns that change later.
*/
#include "../internal.h"
#include "verify.h"

struct row_check {
  const struct verify_journal *journal;
  const char *texts[VERIFY_ROW_COMPLETED + 1]; /* as they stand in the row; NULL: null */
  size_t lengths[VERIFY_ROW_COMPLETED + 1];
  bool is_portfolio, is_hold;  /* is_hold: the row of a hold, which changes when the hold ends */
  char amount[MONEY_TEXT_MAX]; /* as it was when the journal wrote it */
  const char *problem;
};

/* ---- each of its columns */

/* R, R.C, R.F1, R.X1, R.L1, R.L2, ... */
static bool row_reference(const struct row_check *check) {
  const struct verify_journal *journal = check->journal;
  const char *text = check->texts[VERIFY_ROW_REFERENCE];
  size_t length = journal->reference_length;
  if (text == NULL || journal->reference == NULL || check->lengths[VERIFY_ROW_REFERENCE] < length ||
      memcmp(text, journal->reference, length) != 0)
    return false;
  const char *suffix = text + length;
  if (suffix[0] == 0) return true;
  if (suffix[0] != '.' || strchr("CFXL", suffix[1]) == NULL || suffix[1] == 0) return false;
  for (suffix += 2; *suffix != 0; suffix++) {
    if (*suffix < '0' || *suffix > '9') return false;
  }
  return true;
}

/* Is the entry on the account that the row is of? */
static bool row_is_of(const struct verify *verify, const struct row_check *check,
                      const struct verify_entry *entry, const unsigned char owner[16]) {
  enum account_class class = check->is_portfolio ? ACCOUNT_PORTFOLIO : ACCOUNT_PLAIN;
  return entry->who.unit >= 0 && entry->who.class == class &&
         memcmp(entry->who.owner, owner, 16) == 0 &&
         strcmp(verify->units.items[entry->who.unit].currency, check->texts[VERIFY_ROW_CURRENCY]) ==
             0;
}

static bool row_shows(struct row_check *check, int64_t amount, int scale) {
  char text[MONEY_TEXT_MAX];
  size_t length = money_text(amount < 0 ? -amount : amount, scale, text);
  if (check->lengths[VERIFY_ROW_AMOUNT] != length ||
      memcmp(text, check->texts[VERIFY_ROW_AMOUNT], length) != 0)
    return false;
  memcpy(check->amount, text, length + 1);
  return true;
}

/* The row of a hold: what was held while it is open or when nothing was taken of it, else what was taken. */
static bool row_hold_amount(struct row_check *check, int64_t held, int scale) {
  const struct verify_journal *journal = check->journal;
  bool is_open = journal->settled + journal->released < journal->amount;
  int64_t shown = !is_open && journal->settled > 0 ? journal->settled : held;
  if (!row_shows(check, shown, scale)) return false;
  money_text(held < 0 ? -held : held, scale, check->amount);
  return true;
}

/* An amount that the journal moved on the account: by one entry, or by all posted ones together. */
static bool row_amount(const struct verify *verify, struct row_check *check) {
  const struct verify_journal *journal = check->journal;
  unsigned char owner[16];
  int64_t net = 0;
  int scale = -1;
  if (!verify_uuid(check->texts[VERIFY_ROW_OWNER], owner)) {
    check->problem = "its account's id is no uuid";
    return false;
  }
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (!row_is_of(verify, check, entry, owner)) continue;
    scale = verify->units.items[entry->who.unit].scale;
    if (entry->layer == LAYER_EXPECTED) continue;
    bool is_held = entry->layer == LAYER_HELD;
    if (is_held && check->is_hold && row_hold_amount(check, entry->amount, scale)) return true;
    if (!is_held && row_shows(check, entry->amount, scale)) return true;
    if (!is_held && __builtin_add_overflow(net, entry->amount, &net)) return false;
  }
  if (scale >= 0 && !check->is_hold && row_shows(check, net, scale)) return true;
  check->problem = scale < 0 ? "the journal has no entry on its account and currency"
                             : "its amount is not what the journal moved";
  return false;
}

static const char *row_status(const struct row_check *check) {
  const struct verify_journal *journal = check->journal;
  if (journal->outcome != LEDGER_OK) return "failed";
  if (!check->is_hold) return "completed";
  if (!journal->has_remainder || journal->settled + journal->released < journal->amount)
    return "pending";
  return journal->settled > 0 ? "completed" : "failed";
}

/* ---- the row */

static bool row_texts(sqlite3_stmt *stmt, struct row_check *check) {
  for (int i = VERIFY_ROW_ID; i <= VERIFY_ROW_COMPLETED; i++) {
    struct value value = statement_value(stmt, i);
    check->texts[i] = value.kind == VALUE_TEXT ? value.text : NULL;
    check->lengths[i] = value.length;
    if (value.kind != VALUE_TEXT && !(i == VERIFY_ROW_COMPLETED && value.kind == VALUE_NULL))
      check->problem = "a column is not stored as text";
    else if (value.kind == VALUE_TEXT && strlen(value.text) != value.length)
      check->problem = "a column has a NUL in it";
  }
  return check->problem == NULL;
}

static bool row_is_time(const struct row_check *check, int column) {
  return check->texts[column] != NULL && check->lengths[column] == check->journal->time_length &&
         memcmp(check->texts[column], check->journal->time, check->journal->time_length) == 0;
}

static bool row_says(const struct verify *verify, struct row_check *check) {
  const struct verify_journal *journal = check->journal;
  const char *status = row_status(check);
  bool is_completed = strcmp(status, "completed") == 0, failed = journal->outcome != LEDGER_OK;
  if (!row_reference(check))
    check->problem = "its reference is not the journal's";
  else if (!row_is_time(check, VERIFY_ROW_CREATED))
    check->problem = "its created_at is not the journal's";
  else if (strcmp(check->texts[VERIFY_ROW_STATUS], status) != 0)
    check->problem = "its status is not what the journals make it";
  else if (!check->is_portfolio && (check->texts[VERIFY_ROW_COMPLETED] != NULL) != is_completed)
    check->problem = is_completed ? "completed_at is missing" : "completed_at is set";
  else if (!check->is_portfolio && is_completed && !check->is_hold &&
           !row_is_time(check, VERIFY_ROW_COMPLETED))
    check->problem = "its completed_at is not the journal's";
  else if (!failed)
    return row_amount(verify, check);
  return check->problem == NULL;
}

LEDGER_PRIVATE bool verify_row(struct verify *verify, const struct verify_journal *journal,
                               sqlite3_stmt *stmt, bool is_portfolio, bool report,
                               struct chain *chain) {
  struct row_check check = {.journal = journal, .is_portfolio = is_portfolio};
  bool has_texts = row_texts(stmt, &check);
  if (has_texts) {
    check.is_hold = journal->kind == LEDGER_OP_HOLD && journal->outcome == LEDGER_OK;
    row_says(verify, &check);
  }
  if (check.problem != NULL && report)
    verify_break(verify, "V7", is_portfolio ? "portfolio_transactions" : "transactions",
                 check.texts[VERIFY_ROW_ID], journal->seq,
                 "the row is not as journal %lld left it: %s", (long long)journal->seq,
                 check.problem);
  chain_row(chain, check.texts[VERIFY_ROW_OWNER], check.texts[VERIFY_ROW_TYPE],
            check.amount[0] == 0 ? check.texts[VERIFY_ROW_AMOUNT] : check.amount,
            check.texts[VERIFY_ROW_CURRENCY], check.texts[VERIFY_ROW_REFERENCE],
            check.texts[VERIFY_ROW_CREATED]);
  return check.problem == NULL;
}
