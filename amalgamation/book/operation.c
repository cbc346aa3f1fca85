/*
** operation.c: one operation from what was asked to its result. Reads what it was given against the table of kinds, answers
** a repeated one with its first result, has the builder of its kind fill a journal, posts it.
*/
#include "../internal.h"
#include "book_state.h"

/* ---- the kinds: what each needs, what it may have besides, who builds it */

enum {
#define X(name, meaning) FIELD_##name,
  LEDGER_OPERATION_TEXTS(X) LEDGER_OPERATION_FLAGS(X)
#undef X
      FIELD_version,
  FIELD_to_version,
  FIELD_legs,
  FIELD_COUNT
};
_Static_assert(FIELD_COUNT <= 64, "the members of an operation fit into a mask");

static const char *const operation_fields[FIELD_COUNT] = {
#define X(name, meaning) #name,
    LEDGER_OPERATION_TEXTS(X) LEDGER_OPERATION_FLAGS(X)
#undef X
        "version",
    "to_version", "legs"};

#define F(name) (UINT64_C(1) << FIELD_##name)
#define OPERATION_COMMON                                                                           \
  (F(reference) | F(key) | F(scope) | F(effective_at) | F(description) | F(metadata) | F(reason) | \
   F(keep_failed) | F(linked) | F(version))
#define OPERATION_LIMITS (F(overdraft_limit) | F(min_balance) | F(max_balance))
#define OPERATION_FEE (F(fee) | F(rounding))

struct operation_row {
  const char *word;
  operation_builder *build;
  uint64_t needs, allows;
};

static const struct operation_row operation_rows[LEDGER_OP_COUNT] = {
    [LEDGER_OP_OPEN] = {"open", admin_open, F(currency),
                        F(type) | F(number) | F(user) | OPERATION_LIMITS},
    [LEDGER_OP_LIMITS] = {"limit", admin_limits, F(account), OPERATION_LIMITS},
    [LEDGER_OP_FREEZE] = {"freeze", admin_status, F(account), 0},
    [LEDGER_OP_SUSPEND] = {"suspend", admin_status, F(account), 0},
    [LEDGER_OP_ACTIVATE] = {"activate", admin_status, F(account), 0},
    [LEDGER_OP_CLOSE] = {"close", admin_status, F(account), 0},
    [LEDGER_OP_OPENING] = {"opening", posting_opening, F(to) | F(amount), F(currency)},
    [LEDGER_OP_DEPOSIT] = {"deposit", posting_deposit, F(to) | F(amount),
                           F(currency) | OPERATION_FEE | F(max_after)},
    [LEDGER_OP_WITHDRAW] = {"withdraw", posting_withdraw, F(from) | F(amount),
                            F(currency) | OPERATION_FEE | F(min_available)},
    [LEDGER_OP_TRANSFER] = {"transfer", posting_transfer, F(from) | F(to) | F(amount),
                            F(currency) | OPERATION_FEE | F(min_available) | F(max_after) |
                                F(to_version)},
    [LEDGER_OP_POST] = {"post", posting_legs, F(legs), 0},
    [LEDGER_OP_HOLD] = {"hold", hold_place, F(from) | F(amount),
                        F(to) | F(currency) | F(expires_at) | F(min_available) | F(to_version)},
    [LEDGER_OP_CAPTURE] = {"capture", hold_capture, F(of),
                           F(amount) | F(currency) | F(final) | OPERATION_FEE},
    [LEDGER_OP_RELEASE] = {"release", hold_release, F(of), 0},
    [LEDGER_OP_EXPIRE] = {"expire", hold_expire, F(of), 0},
    [LEDGER_OP_REVERSE] = {"reverse", reversal_reverse, F(of), F(amount) | F(currency)},
    [LEDGER_OP_FEE] = {"fee", fee_charge, F(account) | F(amount),
                       F(currency) | OPERATION_FEE | F(min_available)},
    [LEDGER_OP_EXCHANGE] = {"exchange", exchange_change, F(from) | F(to) | F(amount),
                            F(currency) | F(least) | OPERATION_FEE | F(min_available) |
                                F(max_after) | F(to_version)},
    [LEDGER_OP_ADJUST] = {"adjust", posting_adjust, F(amount), F(from) | F(to) | F(currency)},
    [LEDGER_OP_RECEIVE] = {"receive", portfolio_receive, F(address) | F(amount),
                           F(currency) | F(txn_hash) | OPERATION_FEE},
    [LEDGER_OP_ORDER] = {"order", trade_order, F(user) | F(side) | F(asset) | F(amount) | F(price),
                         OPERATION_FEE},
    [LEDGER_OP_FILL] = {"fill", trade_fill, F(of), F(amount) | F(price) | F(least)},
    [LEDGER_OP_CANCEL] = {"cancel", trade_cancel, F(of), 0},
    [LEDGER_OP_PAYOUT] = {"payout", payout_request, F(user) | F(currency) | F(amount),
                          F(address) | OPERATION_FEE},
    [LEDGER_OP_APPROVE] = {"approve", payout_approve, F(of), 0},
    [LEDGER_OP_COMPLETE] = {"complete", payout_complete, F(of) | F(txn_hash), 0},
    [LEDGER_OP_REJECT] = {"reject", payout_reject, F(of), 0},
    [LEDGER_OP_AUDIT] = {"audit", NULL, 0, 0},
};

LEDGER_PRIVATE const char *operation_word(enum ledger_operation_kind kind) {
  return operation_rows[kind].word;
}

LEDGER_PRIVATE int operation_kind(const char *word, size_t length) {
  for (int kind = 0; kind < LEDGER_OP_COUNT; kind++) {
    const char *known = operation_rows[kind].word;
    if (strncmp(known, word, length) == 0 && known[length] == 0) return kind;
  }
  return -1;
}

LEDGER_PRIVATE bool operation_member(enum ledger_operation_kind kind, int member, const char **name,
                                     const char **meaning, bool *is_needed, bool *is_allowed) {
  static const char *const meanings[FIELD_COUNT] = {
#define X(name, text) text,
      LEDGER_OPERATION_TEXTS(X) LEDGER_OPERATION_FLAGS(X)
#undef X
          "condition: the version of the account, or the payer, or else the receiver",
      "condition: the version of the receiver, besides the payer's", "the legs of the posting"};
  if (member >= FIELD_COUNT) return false;
  const struct operation_row *row = &operation_rows[kind];
  uint64_t bit = UINT64_C(1) << member;
  *name = operation_fields[member];
  *meaning = meanings[member];
  *is_needed = ((row->needs | F(reference)) & bit) != 0;
  *is_allowed = *is_needed || ((row->allows | OPERATION_COMMON) & bit) != 0;
  return true;
}

/* ---- reading what was asked */

static uint64_t operation_given(const ledger_operation *asked) {
  uint64_t given = 0;
#define X(name, meaning)                                                                           \
  if (asked->name != 0) given |= F(name);
  LEDGER_OPERATION_TEXTS(X)
  LEDGER_OPERATION_FLAGS(X)
#undef X
  if (asked->version != 0) given |= F(version);
  if (asked->to_version != 0) given |= F(to_version);
  if (asked->leg_count != 0) given |= F(legs);
  return given;
}

static const char *operation_first(uint64_t fields) {
  int field = 0;
  while ((fields >> field & 1) == 0) field++;
  return operation_fields[field];
}

static int operation_check_fields(ledger *db, const ledger_operation *asked) {
  if ((unsigned)asked->kind >= LEDGER_OP_COUNT || operation_rows[asked->kind].build == NULL)
    return error_set(&db->error, LEDGER_BAD_OPERATION, "there is no such operation");
  const struct operation_row *row = &operation_rows[asked->kind];
  uint64_t given = operation_given(asked), needs = row->needs | F(reference);
  if ((given & needs) != needs) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "%s needs \"%s\"", row->word,
                     operation_first(needs & ~given));
  }
  uint64_t extra = given & ~(needs | row->allows | OPERATION_COMMON);
  if (extra != 0) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "%s takes no \"%s\"", row->word,
                     operation_first(extra));
  }
  if (asked->scope != NULL && asked->key == NULL)
    return error_set(&db->error, LEDGER_BAD_OPERATION, "a scope is of a key, and there is none");
  if (asked->leg_count < 0 || (asked->leg_count > 0 && asked->legs == NULL))
    return error_set(&db->error, LEDGER_MISUSE, "a list of legs is missing");
  for (int i = 0; i < asked->leg_count; i++) {
    if (asked->legs[i].account == NULL || asked->legs[i].amount == NULL) {
      return error_set(&db->error, LEDGER_BAD_OPERATION, "leg %d has no \"%s\"", i + 1,
                       asked->legs[i].account == NULL ? "account" : "amount");
    }
  }
  return LEDGER_OK;
}

static int operation_check_text(ledger *db, const char *member, const char *text, size_t most) {
  if (text == NULL) return LEDGER_OK;
  size_t length = strlen(text);
  if (length == 0) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "\"%s\" is empty", member);
  }
  if (length > most) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "\"%s\" is longer than %zu bytes", member,
                     most);
  }
  return text_check(text, length, &db->error);
}

#define OPERATION_TEXT_MAX 100000 /* bytes of a description or of metadata */

static int operation_check_texts(ledger *db, const ledger_operation *asked) {
#define X(name, meaning) {#name, asked->name},
  const struct { const char *member, *text; } texts[] = {LEDGER_OPERATION_TEXTS(X)};
#undef X
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    const char *text = texts[i].text;
    bool is_long = text != NULL && (text == asked->description || text == asked->metadata ||
                                    text == asked->reason || text == asked->address);
    size_t most = is_long                    ? OPERATION_TEXT_MAX
                  : text == asked->reference ? LEDGER_REFERENCE_MAX
                                             : 255;
    if (text == NULL) continue;
    int rc = operation_check_text(db, texts[i].member, text, most);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* .C, or .F .X .L with digits behind: how the book's own references end. */
static int operation_check_reference(ledger *db, const char *reference) {
  const char *dot = strrchr(reference, '.');
  bool is_reserved = dot != NULL && strcmp(dot, ".C") == 0;
  if (dot != NULL && dot[1] != 0 && strchr("FXL", dot[1]) != NULL && dot[2] != 0)
    is_reserved = strspn(dot + 2, "0123456789") == strlen(dot + 2);
  if (!is_reserved) return LEDGER_OK;
  return error_set(&db->error, LEDGER_RESERVED_SUFFIX,
                   "reference \"%s\" ends in \"%s\", as only the book's own do", reference, dot);
}

static int operation_time(ledger *db, const char *member, const char *text, int64_t *out) {
  static const struct type timestamptz = {.id = TYPE_TIMESTAMPTZ, .length = -1};
  struct value value;
  *out = 0;
  if (text == NULL) return LEDGER_OK;
  int rc = type_input(&timestamptz, text, strlen(text), &db->arena, &value, &db->error);
  int64_t moment;
  if (rc == LEDGER_OK)
    rc = moment_parse(TYPE_TIMESTAMPTZ, value.text, value.length, &moment, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (!moment_is_finite(moment))
    return error_set(&db->error, LEDGER_BAD_OPERATION, "\"%s\" is not finite", member);
  *out = moment - MOMENT_UNIX_EPOCH;
  if (*out != 0) return LEDGER_OK;
  return error_set(&db->error, LEDGER_BAD_OPERATION,
                   "\"%s\" may not be the first moment of 1970, which stands for none", member);
}

static int operation_read_times(ledger *db, struct operation *operation) {
  const ledger_operation *asked = operation->asked;
  int rc = operation_time(db, "effective_at", asked->effective_at, &operation->effective_us);
  if (rc == LEDGER_OK)
    rc = operation_time(db, "expires_at", asked->expires_at, &operation->expires_us);
  if (rc != LEDGER_OK || asked->rounding == NULL) return rc;
  int rounding = money_rounding(asked->rounding);
  if (rounding < 0) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "there is no rounding \"%.40s\"",
                     asked->rounding);
  }
  operation->rounding = (enum money_rounding)rounding;
  return LEDGER_OK;
}

LEDGER_PRIVATE int operation_amount(ledger *db, const char *text, const char *currency,
                                    const struct account *account, int64_t *out) {
  if (currency != NULL && strcmp(currency, account->currency) != 0) {
    return error_set(&db->error, LEDGER_WRONG_CURRENCY, "account %s is in %s, the amount in %.20s",
                     account_label(account), account->currency, currency);
  }
  int rc = money_read(text, strlen(text), account->scale, account->digits, out, &db->error);
  if (rc == LEDGER_OK && *out <= 0)
    rc = error_set(&db->error, LEDGER_NOT_POSITIVE, "the amount %.40s is not greater than zero",
                   text);
  if (rc == LEDGER_OK && *out > account->maximum) {
    rc = error_set(&db->error, LEDGER_AMOUNT_RANGE, "the amount %.40s is out of range", text);
  }
  return rc;
}

/* ---- conditions */

static int operation_check_version(ledger *db, const char *name, int64_t expected) {
  struct account *account;
  if (expected == 0) return LEDGER_OK;
  int rc = account_find(db, name, &account);
  if (rc != LEDGER_OK || account->version == expected) return rc;
  return error_set(&db->error, LEDGER_VERSION_CONFLICT, "account %s has version %lld, not %lld",
                   account_label(account), (long long)account->version, (long long)expected);
}

static int operation_check_versions(ledger *db, const ledger_operation *asked) {
  const char *name = asked->account != NULL ? asked->account
                     : asked->from != NULL  ? asked->from
                                            : asked->to;
  if (asked->version != 0 && name == NULL) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "%s takes no \"version\"",
                     operation_word(asked->kind));
  }
  int rc = operation_check_version(db, name, asked->version);
  if (rc == LEDGER_OK && asked->to_version != 0 && asked->to == NULL)
    rc = error_set(&db->error, LEDGER_BAD_OPERATION,
                   "\"to_version\" is of \"to\", and there is none");
  return rc == LEDGER_OK ? operation_check_version(db, asked->to, asked->to_version) : rc;
}

static int operation_condition(ledger *db, const char *text, const char *name,
                               struct account **account, int64_t *amount) {
  if (text == NULL) return LEDGER_OK;
  int rc = account_find(db, name, account);
  return rc == LEDGER_OK ? money_read(text, strlen(text), (*account)->scale, (*account)->scale,
                                      amount, &db->error)
                         : rc;
}

static int operation_conditions(ledger *db, const ledger_operation *asked,
                                struct journal *journal) {
  int rc = operation_condition(db, asked->min_available,
                               asked->from != NULL ? asked->from : asked->account,
                               &journal->least_account, &journal->least_available);
  return rc == LEDGER_OK ? operation_condition(db, asked->max_after, asked->to,
                                               &journal->most_account, &journal->most_balance)
                         : rc;
}

/* ---- results */

LEDGER_PRIVATE void operation_results_reset(ledger *db) {
  arena_reset(&db->book->results);
}

LEDGER_PRIVATE bool operation_is_torn(const ledger *db) {
  return db->book->is_torn;
}

/* An error of the file, not of the operation: what surrounds it is rolled back, or was by SQLite. */
LEDGER_PRIVATE bool operation_is_fatal(int code) {
  return code == LEDGER_IO || code == LEDGER_FULL || code == LEDGER_BUSY || code == LEDGER_MEMORY ||
         code == LEDGER_CORRUPT || code == LEDGER_INTERRUPTED || code == LEDGER_READ_ONLY ||
         code == LEDGER_NO_TRANSACTION;
}

static void operation_moment(int64_t us, char out[40]) {
  size_t length = moment_text(TYPE_TIMESTAMP, us + MOMENT_UNIX_EPOCH, out);
  out[10] = 'T';
  out[length] = 'Z';
  out[length + 1] = 0;
}

static void operation_copy(char *out, size_t room, const char *text) {
  sqlite3_snprintf((int)room, out, "%s", text == NULL ? "" : text);
}

/* A text of the detail, "" where it has none. */
static int operation_show(ledger *db, const char *detail, const char *object, const char *member,
                          char *out, size_t room) {
  const char *text;
  int rc = json_find(&db->arena, detail, object, member, &text, &db->error);
  operation_copy(out, room, text);
  return rc;
}

static int operation_result_detail(ledger *db, const struct journal_past *past,
                                   ledger_result *result) {
  const char *detail = past->detail, *side;
  bool is_fill = past->kind == LEDGER_OP_FILL;
  const char *terms = is_fill ? "trade" : "rate";
  int rc = json_find(&db->arena, detail, "trade", "side", &side, &db->error);
  bool in_coins =
      side != NULL && strcmp(side, "sell") == 0; /* an order's, whose fee is in dollars */
  if (rc == LEDGER_OK && !in_coins)
    rc = operation_show(db, detail, "fee", "amount", result->fee, sizeof result->fee);
  if (rc == LEDGER_OK)
    rc = operation_show(db, detail, NULL, "remaining", result->remaining, sizeof result->remaining);
  if (rc == LEDGER_OK)
    rc = operation_show(db, detail, terms, is_fill ? "price" : "rate", result->rate,
                        sizeof result->rate);
  if (rc == LEDGER_OK)
    rc = operation_show(db, detail, terms, "received", result->received, sizeof result->received);
  if (rc == LEDGER_OK)
    rc = operation_show(db, detail, terms, "to", result->received_currency,
                        sizeof result->received_currency);
  return rc;
}

/* The row that people look for: the one that the operation made first, or that of the hold, order or payout that it is about. */
static int operation_result_row(ledger *db, const struct journal_past *past,
                                ledger_result *result) {
  char id[37];
  bool is_about = false;
  switch (past->kind) {
  case LEDGER_OP_CAPTURE:
  case LEDGER_OP_RELEASE:
  case LEDGER_OP_EXPIRE:
  case LEDGER_OP_FILL:
  case LEDGER_OP_CANCEL:
  case LEDGER_OP_APPROVE:
  case LEDGER_OP_COMPLETE:
  case LEDGER_OP_REJECT: is_about = past->parent != 0; break;
  default: break;
  }
  memcpy(id, past->id, sizeof id);
  if (is_about) {
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_BY_SEQ);
    if (stmt == NULL) return db->error.code;
    sqlite3_bind_int64(stmt, 1, past->parent);
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_bytes(stmt, 2) == 36)
      memcpy(id, sqlite3_column_text(stmt, 2), 36);
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
  } else if (past->row_count == 0) {
    const char *table;
    int rc = json_find(&db->arena, past->detail, NULL, "table", &table, &db->error);
    if (rc != LEDGER_OK || table == NULL) return rc;
  }
  journal_row_id(id, 1, result->transaction_id);
  return LEDGER_OK;
}

/* The last entry of the account of entry i, -1 if an entry before it has the account, or it is one of the book's own. */
static int operation_last_entry(const struct journal_past *past, int i) {
  const struct account *account = past->entries[i].account;
  int last = i;
  for (int k = 0; k < past->entry_count; k++) {
    if (past->entries[k].account != account) continue;
    if (k < i) return -1;
    last = k;
  }
  return account->class == ACCOUNT_SYSTEM ? -1 : last;
}

/* A journal without entries is about one account: it is shown as it is now. */
static int operation_result_account(ledger *db, const struct journal_past *past,
                                    ledger_result *result) {
  const char *name;
  struct account *account;
  int rc = json_find(&db->arena, past->detail, NULL, "account", &name, &db->error);
  if (rc != LEDGER_OK || name == NULL) return rc;
  rc = account_find_any(db, name, &account);
  if (rc != LEDGER_OK) return rc;
  ledger_balance *balance = arena_alloc(&db->book->results, sizeof *balance);
  if (balance == NULL) return error_memory(&db->error);
  account_show(account, balance);
  result->balances = balance;
  result->balance_count = 1;
  operation_copy(result->currency, sizeof result->currency, account->currency);
  return LEDGER_OK;
}

/* The accounts as the journal left them: each by its last entry, in the order of their first ones. */
static int operation_result_balances(ledger *db, const struct journal_past *past,
                                     ledger_result *result) {
  int count = 0;
  for (int i = 0; i < past->entry_count; i++) count += operation_last_entry(past, i) >= 0;
  if (count == 0) return operation_result_account(db, past, result);
  ledger_balance *balances = arena_alloc(&db->book->results, (size_t)count * sizeof *balances);
  if (balances == NULL) return error_memory(&db->error);
  result->balances = balances;
  for (int i = 0; i < past->entry_count; i++) {
    int last = operation_last_entry(past, i);
    if (last < 0) continue;
    const struct journal_entry *entry = &past->entries[last];
    ledger_balance *out = &balances[result->balance_count++];
    account_show(entry->account, out);
    money_text(entry->balance_after, entry->account->scale, out->balance);
    money_text(entry->available_after, entry->account->scale, out->available);
    money_text(entry->balance_after - entry->available_after, entry->account->scale, out->held);
    out->version = entry->version;
  }
  return LEDGER_OK;
}

static const char *operation_status(const struct journal_past *past) {
  if (past->outcome != LEDGER_OK) return "failed";
  switch (past->kind) {
  case LEDGER_OP_HOLD:
  case LEDGER_OP_ORDER:
  case LEDGER_OP_PAYOUT:
  case LEDGER_OP_APPROVE: return "pending";
  default: return "completed";
  }
}

static int operation_keep_error(ledger *db, ledger_result *result) {
  ledger_error *error = arena_alloc(&db->book->results, sizeof *error);
  if (error == NULL) return error_memory(&db->error);
  *error = db->error;
  result->error = error;
  return LEDGER_OK;
}

/* What a journal says as a result: the same for one just written and for one found again. */
static int operation_result(ledger *db, const struct journal_past *past, ledger_result *result) {
  memset(result, 0, sizeof *result);
  result->code = past->outcome;
  result->kind = past->kind;
  result->journal = past->seq;
  operation_copy(result->status, sizeof result->status, operation_status(past));
  operation_copy(result->reference, sizeof result->reference, past->reference);
  operation_moment(past->created_us, result->created_at);
  operation_moment(past->effective_us != 0 ? past->effective_us : past->created_us,
                   result->effective_at);
  const struct journal_entry *principal = past->entry_count > 0 ? &past->entries[0] : NULL;
  for (int i = past->entry_count - 1; i >= 0; i--) {
    if (past->entries[i].layer == LAYER_POSTED) principal = &past->entries[i];
  }
  if (principal != NULL) {
    int64_t amount = principal->amount < 0 ? -principal->amount : principal->amount;
    money_text(amount, principal->account->scale, result->amount);
    operation_copy(result->currency, sizeof result->currency, principal->account->currency);
  }
  int rc = operation_result_detail(db, past, result);
  if (rc == LEDGER_OK) rc = operation_result_row(db, past, result);
  if (rc == LEDGER_OK) rc = operation_result_balances(db, past, result);
  return rc;
}

LEDGER_PRIVATE void operation_refused(ledger *db, const ledger_operation *asked,
                                      ledger_result *result) {
  if (result == NULL) return;
  memset(result, 0, sizeof *result);
  result->code = db->error.code;
  result->kind = asked->kind;
  memcpy(result->status, "failed", sizeof "failed");
  if (asked->reference != NULL && strlen(asked->reference) <= LEDGER_REFERENCE_MAX)
    operation_copy(result->reference, sizeof result->reference, asked->reference);
  (void)operation_keep_error(db, result); /* without memory the code says it */
}

/* A journal that was kept as refused gives its first reason again. */
static int operation_past_outcome(ledger *db, const struct journal_past *past,
                                  ledger_result *result) {
  if (past->outcome == LEDGER_OK) return LEDGER_OK;
  error_set(&db->error, past->outcome, "%s", past->reason == NULL ? "refused" : past->reason);
  if (result != NULL) (void)operation_keep_error(db, result);
  return past->outcome;
}

static int operation_new_result(ledger *db, const struct journal *journal, ledger_result *result) {
  struct journal_entry entries[JOURNAL_LEG_MAX];
  struct journal_past past = {.seq = journal->seq,
                              .parent = journal->parent,
                              .effective_us = journal->effective_us,
                              .created_us = journal->created_us,
                              .kind = journal->kind,
                              .reference = journal->reference,
                              .reason = journal->reason,
                              .detail = journal->detail,
                              .outcome = journal->outcome,
                              .row_count = journal->row_count,
                              .entry_count = journal->leg_count,
                              .entries = entries};
  if (result == NULL) return LEDGER_OK;
  memcpy(past.id, journal->id, sizeof past.id);
  for (int i = 0; i < journal->leg_count; i++) {
    const struct leg *leg = &journal->legs[i];
    entries[i] = (struct journal_entry){.account = leg->account,
                                        .layer = leg->layer,
                                        .amount = leg->amount,
                                        .balance_after = leg->balance_after,
                                        .available_after = leg->available_after,
                                        .version = leg->version};
  }
  return operation_result(db, &past, result);
}

/* ---- replays */

static int operation_key(ledger *db, const ledger_operation *asked, int64_t *seq) {
  *seq = 0;
  if (asked->key == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_IDEMPOTENCY_READ);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, asked->scope == NULL ? "" : asked->scope, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, asked->key, -1, SQLITE_STATIC);
  if (sqlite3_step(stmt) == SQLITE_ROW) *seq = sqlite3_column_int64(stmt, 0);
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int operation_reused(ledger *db, const ledger_operation *asked, int code,
                            const struct journal_past *past, const char *member) {
  bool is_key = code == LEDGER_KEY_REUSED;
  error_set(&db->error, code, "%s \"%.100s\" was used for another operation: \"%s\" differs",
            is_key ? "key" : "reference", is_key ? asked->key : asked->reference, member);
  return error_detail(&db->error, "It was journal %lld, a %s.", (long long)past->seq,
                      operation_word(past->kind));
}

static int operation_replay(ledger *db, const ledger_operation *asked, int64_t seq, int code,
                            ledger_result *result) {
  struct journal_past past;
  unsigned char request[REQUEST_MAX];
  int rc = journal_past_by_seq(db, seq, &past);
  if (rc != LEDGER_OK) return rc;
  size_t length = request_print(db, asked, request);
  const char *member = request_difference(past.request, past.request_length, request, length);
  if (member == NULL && code == LEDGER_KEY_REUSED && past.reference != NULL &&
      strcmp(past.reference, asked->reference) != 0)
    member = "reference";
  if (member != NULL) return operation_reused(db, asked, code, &past, member);
  if (result != NULL) {
    rc = operation_result(db, &past, result);
    if (rc != LEDGER_OK) return rc;
    result->replayed = 1;
  }
  return operation_past_outcome(db, &past, result);
}

/* ---- running */

static bool operation_depends_on_state(int code) {
  return code == LEDGER_NO_FUNDS || code == LEDGER_FROZEN || code == LEDGER_SUSPENDED ||
         code == LEDGER_CLOSED || code == LEDGER_LIMIT || code == LEDGER_HOLD_EXPIRED;
}

/* What was left is part of the result for ever, so the journal says it. */
static int operation_remaining(ledger *db, struct journal *journal) {
  char text[MONEY_TEXT_MAX], member[64];
  if (journal->remaining < 0 || journal->account == NULL) return LEDGER_OK;
  money_text(journal->remaining, journal->account->scale, text);
  sqlite3_snprintf((int)sizeof member, member, "{\"remaining\": \"%s\"}", text);
  const char *kept = arena_copy(&db->arena, member, strlen(member));
  if (kept == NULL) return error_memory(&db->error);
  journal->detail = journal_detail(db, journal->detail, kept);
  return journal->detail == NULL ? db->error.code : LEDGER_OK;
}

static int operation_write_key(ledger *db, const ledger_operation *asked, int64_t seq) {
  if (asked->key == NULL) return LEDGER_OK;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_IDEMPOTENCY_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, asked->scope == NULL ? "" : asked->scope, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, asked->key, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 3, seq);
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  if (rc == SQLITE_OK) return LEDGER_OK;
  db->book->is_torn = true;
  return store_error(db, rc);
}

static int operation_finish(ledger *db, const ledger_operation *asked, struct journal *journal,
                            ledger_result *result) {
  journal->request_length = request_print(db, asked, journal->request);
  int rc = operation_remaining(db, journal);
  if (rc == LEDGER_OK) rc = journal_post(db, journal);
  if (rc == LEDGER_OK) rc = operation_write_key(db, asked, journal->seq);
  if (rc == LEDGER_OK) rc = operation_new_result(db, journal, result);
  return rc;
}

/* Keeps a refusal: a journal without entries, and a failed row that bears the reference. */
static int operation_keep_failed(ledger *db, const ledger_operation *asked, int64_t parent,
                                 const struct journal_row *row, ledger_result *result) {
  ledger_error refusal = db->error;
  struct journal *journal;
  int rc = journal_start(db, asked->kind, asked->reference, &journal);
  if (rc != LEDGER_OK) return rc;
  journal->parent = parent;
  journal->outcome = refusal.code;
  journal->reason = refusal.message;
  if (row != NULL) {
    struct journal_row failed = *row; /* it may lie where the next one goes */
    journal->rows[0] = failed;
    journal->rows[0].status = "failed";
    journal->row_count = 1;
  }
  rc = operation_finish(db, asked, journal, result);
  if (rc != LEDGER_OK) return rc;
  db->error = refusal;
  if (result != NULL) (void)operation_keep_error(db, result);
  return refusal.code;
}

static int operation_build(ledger *db, const ledger_operation *asked, ledger_result *result) {
  struct operation operation = {.asked = asked};
  struct journal *journal = NULL;
  int rc = operation_read_times(db, &operation);
  if (rc == LEDGER_OK) rc = journal_start(db, asked->kind, asked->reference, &journal);
  if (rc == LEDGER_OK) rc = operation_check_versions(db, asked);
  if (rc != LEDGER_OK) return rc;
  journal->effective_us = operation.effective_us;
  journal->audit_reason = asked->reason;
  rc = operation_rows[asked->kind].build(db, &operation, journal);
  if (rc == LEDGER_OK) rc = operation_conditions(db, asked, journal);
  if (rc == LEDGER_OK) rc = operation_finish(db, asked, journal, result);
  if (!asked->keep_failed || db->book->is_torn || !operation_depends_on_state(rc)) return rc;
  bool bears = journal->row_count > 0 && journal->rows[0].suffix[0] == 0;
  return operation_keep_failed(db, asked, journal->parent, bears ? &journal->rows[0] : NULL,
                               result);
}

LEDGER_PRIVATE int operation_run(ledger *db, const ledger_operation *asked, ledger_result *result) {
  int64_t seq = 0;
  struct book *book = db->book;
  arena_reset(&db->arena);
  error_clear(&db->error);
  book->is_torn = false;
  if (result != NULL) memset(result, 0, sizeof *result);
  int rc = LEDGER_OK;
  if (book->account_count > ACCOUNT_CACHE_MAX - JOURNAL_LEG_MAX) {
    rc = account_write_due(db);
    account_forget_all(db);
  }
  if (rc == LEDGER_OK) rc = operation_check_fields(db, asked);
  if (rc == LEDGER_OK) rc = operation_check_texts(db, asked);
  if (rc == LEDGER_OK) rc = operation_check_reference(db, asked->reference);
  if (rc == LEDGER_OK) rc = journal_exists(db, asked->reference, &seq);
  int reused = LEDGER_REFERENCE_REUSED;
  if (rc == LEDGER_OK && seq == 0) {
    rc = operation_key(db, asked, &seq);
    reused = LEDGER_KEY_REUSED;
  }
  if (rc == LEDGER_OK)
    rc = seq != 0 ? operation_replay(db, asked, seq, reused, result)
                  : operation_build(db, asked, result);
  if (operation_is_fatal(rc))
    book->is_torn = true; /* also where it was written, and only its result failed */
  if (rc != LEDGER_OK && (result == NULL || result->journal == 0 || book->is_torn))
    operation_refused(db, asked, result);
  return rc;
}

LEDGER_PRIVATE int operation_end(ledger *db, int rc) {
  ledger_error refusal = db->error;
  int end = transaction_end(db, rc);
  if (end == LEDGER_OK) db->error = refusal;
  return end;
}

LEDGER_PRIVATE int operation_savepoint(ledger *db) {
  int rc = account_write_due(db); /* lest it be rolled back with what follows */
  return rc == LEDGER_OK ? statement_run(db, STATEMENT_SAVEPOINT) : rc;
}

LEDGER_PRIVATE int operation_savepoint_end(ledger *db, bool keep) {
  ledger_error refusal = db->error;
  int rc = LEDGER_OK;
  if (sqlite3_get_autocommit(db->sqlite))
    keep = false; /* SQLite rolled everything back by itself */
  if (!keep) account_forget_all(db);
  if (sqlite3_get_autocommit(db->sqlite)) return LEDGER_OK;
  if (!keep) rc = statement_run(db, STATEMENT_ROLLBACK_TO);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_RELEASE);
  if (rc == LEDGER_OK) db->error = refusal;
  return rc;
}

LEDGER_PRIVATE int operation_post(ledger *db, const ledger_operation *asked,
                                  ledger_result *result) {
  bool nests = db->in_transaction; /* the caller's transaction outlives a failure of this call */
  int rc = transaction_begin(db);
  if (rc == LEDGER_OK) {
    rc = book_enter(db);
    if (rc == LEDGER_OK && nests) rc = operation_savepoint(db);
    if (rc != LEDGER_OK) rc = transaction_end(db, rc);
  }
  if (rc != LEDGER_OK) {
    if (result != NULL) *result = (ledger_result){.code = rc, .error = &db->error};
    return rc;
  }
  operation_results_reset(db);
  rc = operation_run(db, asked, result);
  bool is_torn = operation_is_torn(db);
  int end =
      nests ? operation_savepoint_end(db, !is_torn) : operation_end(db, is_torn ? rc : LEDGER_OK);
  if (is_torn || end == LEDGER_OK) return rc;
  if (result != NULL) operation_refused(db, asked, result);
  return end;
}
