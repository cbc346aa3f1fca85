/*
** call_read.c: the functions that only read: balances, history, quotes, the head of the chain, the proof. A user may ask about the
** user's own accounts; the head and the proof are for who is privileged.
*/
#include "../internal.h"
#include "call.h"

/* ---- balances */

static int call_show_balance(struct call *call, const ledger_balance *balance) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  operation_balance_json(out, balance, true);
  return call_answer(call, out, 1);
}

static int call_balance(struct call *call) {
  ledger_balance balance;
  const char *name = call_text(call, "account");
  int rc = call_own_account(call, name);
  if (rc == LEDGER_OK) rc = account_get(call->db, name, &balance);
  return rc == LEDGER_OK ? call_show_balance(call, &balance) : rc;
}

static int call_balance_at(struct call *call) {
  ledger_balance balance;
  enum ledger_clock clock = LEDGER_BOOKED;
  const char *name = call_text(call, "account"), *time = call_text(call, "time");
  const char *word = call_text(call, "clock");
  int rc = call_own_account(call, name);
  if (rc != LEDGER_OK) return rc;
  if (word != NULL && strcmp(word, "effective") == 0)
    clock = LEDGER_EFFECTIVE;
  else if (word != NULL && strcmp(word, "booked") != 0)
    return error_set(&call->db->error, LEDGER_INVALID_PARAMETER,
                     "\"clock\" is \"booked\" or \"effective\"");
  if (time == NULL)
    return error_set(&call->db->error, LEDGER_BAD_OPERATION, "balance_at needs \"time\"");
  rc = history_balance_at(call->db, name, time, clock, &balance);
  return rc == LEDGER_OK ? call_show_balance(call, &balance) : rc;
}

/* ---- history */

static int call_whole(struct call *call, const char *name, int64_t *out) {
  const char *text = call_text(call, name);
  int64_t number = 0;
  if (text == NULL) return LEDGER_OK;
  bool is_whole = text[0] != 0;
  for (const char *c = text; is_whole && *c != 0; c++)
    is_whole = *c >= '0' && *c <= '9' && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_add_overflow(number, *c - '0', &number);
  if (!is_whole)
    return error_set(&call->db->error, LEDGER_INVALID_PARAMETER, "\"%s\" is not a whole number",
                     name);
  *out = number;
  return LEDGER_OK;
}

/* The rows as json_agg() prints them. */
static int call_show_rows(struct call *call, ledger_rows *rows) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  int64_t count = 0;
  int rc;
  sqlite3_str_appendchar(out, 1, '[');
  while ((rc = rows_next(rows)) == LEDGER_ROW) {
    size_t length;
    const char *row = rows_json(rows, &length);
    if (row == NULL) {
      rc = call->db->error.code;
      break;
    }
    if (count++ > 0) sqlite3_str_append(out, ", \n ", 4);
    sqlite3_str_append(out, row, (int)length);
  }
  sqlite3_str_appendchar(out, 1, ']');
  if (rc == LEDGER_DONE) return call_answer(call, out, count);
  sqlite3_free(sqlite3_str_finish(out));
  return rc;
}

static int call_history(struct call *call) {
  ledger_rows *rows = NULL;
  int64_t limit = 0;
  ledger_history_filter filter = {.account = call_text(call, "account"),
                                  .kind = call_text(call, "kind"),
                                  .reference = call_text(call, "reference"),
                                  .since = call_text(call, "since"),
                                  .until = call_text(call, "until"),
                                  .oldest_first = call_flag(call, "oldest_first")};
  int rc = call_whole(call, "limit", &limit);
  if (rc == LEDGER_OK) rc = call_whole(call, "after", &filter.after);
  if (rc == LEDGER_OK && (filter.account != NULL || !call->is_privileged))
    rc = call_own_account(call, filter.account);
  if (rc != LEDGER_OK) return rc;
  filter.limit = limit > INT_MAX ? INT_MAX : (int)limit;
  rc = history_rows(call->db, &filter, &rows);
  if (rc == LEDGER_OK) rc = call_show_rows(call, rows);
  if (rows != NULL) rows_free(rows);
  return rc;
}

/* ---- quotes */

struct call_quote {
  const char *currency, *received_currency, *rate;
  char amount[MONEY_TEXT_MAX], received[MONEY_TEXT_MAX], fee[MONEY_TEXT_MAX];
};

static int call_show_quote(struct call *call, const struct call_quote *quote) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(out, 1, '{');
  json_member(out, "amount", quote->amount);
  json_member(out, "currency", quote->currency);
  json_member(out, "received", quote->received);
  json_member(out, "received_currency", quote->received_currency);
  json_member(out, "rate", quote->rate);
  json_member(out, "fee", quote->fee[0] == 0 ? NULL : quote->fee);
  sqlite3_str_appendchar(out, 1, '}');
  return call_answer(call, out, 1);
}

/* What the operation would do, built and not posted. */
static int call_quote_accounts(struct call *call, const struct operation *operation) {
  ledger *db = call->db;
  struct journal *journal;
  struct call_quote quote = {0};
  int rc = call_own_account(call, operation->asked->from);
  if (rc == LEDGER_OK) rc = call_own_account(call, operation->asked->to);
  if (rc == LEDGER_OK) rc = journal_start(db, LEDGER_OP_EXCHANGE, NULL, &journal);
  if (rc == LEDGER_OK) rc = exchange_change(db, operation, journal);
  if (rc != LEDGER_OK) return rc;
  quote.currency = journal->account->currency;
  quote.received_currency = journal->received_account->currency;
  quote.rate = journal->rate;
  money_text(journal->amount, journal->account->scale, quote.amount);
  money_text(journal->received, journal->received_account->scale, quote.received);
  if (journal->fee != 0) money_text(journal->fee, journal->account->scale, quote.fee);
  return call_show_quote(call, &quote);
}

static int call_quote_currencies(struct call *call, const struct operation *operation,
                                 const char *from, const char *to) {
  ledger_error *error = &call->db->error;
  const char *text = operation->asked->amount;
  int from_digits = money_digits(from), to_digits = money_digits(to);
  int64_t amount, received;
  struct call_quote quote = {.currency = from, .received_currency = to};
  int rc = money_read(text, strlen(text), from_digits, from_digits, &amount, error);
  if (rc == LEDGER_OK && amount <= 0)
    rc = error_set(error, LEDGER_NOT_POSITIVE, "the amount %.40s is not greater than zero", text);
  if (rc == LEDGER_OK) rc = exchange_rate(call->db, from, to, operation->effective_us, &quote.rate);
  if (rc == LEDGER_OK)
    rc = exchange_formula(amount, from_digits, quote.rate, to_digits, to_digits,
                          operation->rounding, &received, error);
  if (rc != LEDGER_OK) return rc;
  money_text(amount, from_digits, quote.amount);
  money_text(received, to_digits, quote.received);
  return call_show_quote(call, &quote);
}

static int call_quote(struct call *call) {
  ledger_operation asked = {.kind = LEDGER_OP_EXCHANGE,
                            .from = call_text(call, "from"),
                            .to = call_text(call, "to"),
                            .amount = call_text(call, "amount"),
                            .fee = call_text(call, "fee")};
  struct operation operation = {.asked = &asked, .effective_us = clock_now_us()};
  const char *from = call_text(call, "from_currency"), *to = call_text(call, "to_currency");
  bool has_accounts = asked.from != NULL && asked.to != NULL;
  bool has_currencies = from != NULL && to != NULL;
  if (asked.amount == NULL || has_accounts == has_currencies ||
      (has_currencies && asked.fee != NULL))
    return error_set(&call->db->error, LEDGER_BAD_OPERATION,
                     "quote needs \"amount\" and either \"from\" and \"to\", two accounts, or "
                     "\"from_currency\" and \"to_currency\"");
  return has_accounts ? call_quote_accounts(call, &operation)
                      : call_quote_currencies(call, &operation, from, to);
}

/* ---- the proof */

static int call_head(struct call *call) {
  ledger_head head;
  int rc = head_get(call->db, NULL, &head);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "{\"journal\":%lld", (long long)head.journal);
  json_member(out, "hash", head.hash);
  json_member(out, "created_at", head.created_at[0] == 0 ? NULL : head.created_at);
  json_member(out, "public_key", head.public_key[0] == 0 ? NULL : head.public_key);
  json_member(out, "signature", head.signature[0] == 0 ? NULL : head.signature);
  sqlite3_str_appendchar(out, 1, '}');
  return call_answer(call, out, 1);
}

static int call_verify(struct call *call) {
  char *report = NULL;
  ledger_verify_options options = {.full = call_flag(call, "full"),
                                   .head = call_text(call, "head"),
                                   .public_key = call_text(call, "public_key")};
  int rc = verify_book(call->db, &options, &report);
  if (report == NULL) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL); /* a broken book is an answer, too */
  sqlite3_str_appendall(out, report);
  sqlite3_free(report);
  error_clear(&call->db->error);
  return call_answer(call, out, 1);
}

/* ---- their table */

static const struct call_parameter call_balance_parameters[] = {
    {"account", "the account", true},
};
static const struct call_parameter call_balance_at_parameters[] = {
    {"account", "the account", true},
    {"time", "a timestamp: all up to and with that moment", true},
    {"clock", "booked (unless given): by when it was recorded; effective: by when it counts",
     false},
};
static const struct call_parameter call_history_parameters[] = {
    {"account", "its entries; without it the journals of the whole book", false},
    {"kind", "of an operation's word alone", false},
    {"reference", "what is about the reference alone", false},
    {"since", "booked at this time or later", false},
    {"until", "booked at this time or before", false},
    {"after", "the cursor of the last row of the page before", false},
    {"limit", "rows at most, 100 unless given, up to 1000", false},
    {"oldest_first", "the other way round", false},
};
static const struct call_parameter call_quote_parameters[] = {
    {"amount", "what would be paid", true},
    {"from", "the account that would pay", false},
    {"to", "the account that would receive", false},
    {"from_currency", "in place of accounts: the currency that would be paid", false},
    {"to_currency", "and the one that would be received", false},
    {"fee", "a fee_type of fee_config, with accounts", false},
};
static const struct call_parameter call_verify_parameters[] = {
    {"full", "also SQLite's integrity_check", false},
    {"head", "a head that was kept: the chain must pass through it", false},
    {"public_key", "the signing key as kept elsewhere", false},
};

#define ROW(name, comment, read, parameters)                                                       \
  { name, comment, -1, read, (int)(sizeof parameters / sizeof *parameters), parameters }
static const struct call_function call_reads_table[] = {
    ROW("balance", "an account as it is", call_balance, call_balance_parameters),
    ROW("balance_at", "an account as of a time", call_balance_at, call_balance_at_parameters),
    ROW("history", "what happened, newest first", call_history, call_history_parameters),
    ROW("quote", "what an exchange would give now", call_quote, call_quote_parameters),
    ROW("verify", "the proof of the book, as a report", call_verify, call_verify_parameters),
    {"head", "the head of the journal's chain", -1, call_head, 0, NULL},
};
#undef ROW

LEDGER_PRIVATE const struct call_function *call_read_functions(int *count) {
  *count = (int)(sizeof call_reads_table / sizeof *call_reads_table);
  return call_reads_table;
}

LEDGER_PRIVATE bool call_read_is_privileged(const struct call_function *function) {
  return function->read == call_head || function->read == call_verify;
}
