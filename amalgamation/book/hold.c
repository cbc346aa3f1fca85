/*
** hold.c: money that is reserved. A hold lowers what the payer has available (LAYER_HELD) and raises what the payee may expect
** (LAYER_EXPECTED); captures take it, in parts if need be, and what is left in the end is released or expires.
**
** What became of a hold stands in two places: in the journals that have it as parent, which prove it, and in its row of
** ledger_remainder, which says at once what is left. A hold is open while amount > settled + released. From its time on
** (expires_at and later) it cannot be captured, but it holds until it is released or expired: ledger_expire() sweeps.
**
** Its plain row, the first of its journal, stays pending while it is open; then it is completed with the captured sum, or failed
** if nothing was captured.
*/
#include "../internal.h"

#define HOLD_SWEEP_MAX 100 /* holds that one commit of ledger_expire() expires */

/* What a journal does to a hold, for journal->after. */
struct hold_change {
  struct journal_past past; /* of the hold */
  struct hold_state hold;   /* before */
  int64_t settled, released;
  char row[37]; /* id of the hold's plain row */
};

/* ---- shown in sentences */

struct hold_text {
  char text[MONEY_TEXT_MAX];
};

static struct hold_text hold_text(const struct hold_state *hold, int64_t amount) {
  struct hold_text out;
  money_text(amount, hold->payer->scale, out.text);
  return out;
}

static int64_t hold_left(const struct hold_state *hold) {
  return hold->amount - hold->settled - hold->released;
}

/* ---- legs */

static int hold_system(ledger *db, const char *name, const struct account *like,
                       struct account **out) {
  return account_system(db, name, like->currency, like->scale, out);
}

/* Reserves `amount` of the payer's units for the payee, or gives it back if it is negative. */
static int hold_reserve(ledger *db, struct journal *journal, struct account *payer,
                        struct account *payee, int64_t amount) {
  int64_t expected = amount;
  struct account *between = NULL, *beyond = NULL;
  int rc = LEDGER_OK;
  if (payer->scale != payee->scale) {
    rc = money_rescale(amount, payer->scale, payee->scale, &expected);
    if (rc != LEDGER_OK) {
      return error_set(&db->error, rc, "account %s cannot show the amount with its %d digits",
                       account_label(payee), payee->scale);
    }
    rc = hold_system(db, "exchange", payer, &between);
    if (rc == LEDGER_OK) rc = hold_system(db, "exchange", payee, &beyond);
  }
  if (rc != LEDGER_OK) return rc;
  journal_leg(journal, payer, LAYER_HELD, -amount);
  if (between != NULL) {
    journal_leg(journal, between, LAYER_EXPECTED, amount);
    journal_leg(journal, beyond, LAYER_EXPECTED, -expected);
  }
  journal_leg(journal, payee, LAYER_EXPECTED, expected);
  return LEDGER_OK;
}

LEDGER_PRIVATE int hold_add(ledger *db, struct journal *journal, struct account *payer,
                            struct account *payee, int64_t amount) {
  assert(amount > 0);
  struct account *receiver = payee;
  int rc = payee == NULL ? hold_system(db, "world", payer, &receiver) : LEDGER_OK;
  return rc == LEDGER_OK ? hold_reserve(db, journal, payer, receiver, amount) : rc;
}

LEDGER_PRIVATE int hold_take(ledger *db, struct journal *journal, const struct hold_state *hold,
                             int64_t amount, bool final) {
  assert(amount > 0);
  int64_t left = hold_left(hold);
  if (amount > left) {
    return error_set(&db->error, LEDGER_OVER_CAPTURED,
                     "hold %s has %s %s left of %s, %s are to be captured", hold->reference,
                     hold_text(hold, left).text, hold->payer->currency,
                     hold_text(hold, hold->amount).text, hold_text(hold, amount).text);
  }
  int rc = hold_reserve(db, journal, hold->payer, hold->payee, final ? -left : -amount);
  if (rc == LEDGER_OK) rc = journal_move(db, journal, hold->payer, hold->payee, amount);
  return rc;
}

LEDGER_PRIVATE int hold_drop(ledger *db, struct journal *journal, const struct hold_state *hold) {
  assert(hold_left(hold) > 0);
  return hold_reserve(db, journal, hold->payer, hold->payee, -hold_left(hold));
}

/* ---- ledger_remainder */

LEDGER_PRIVATE int hold_write(ledger *db, int64_t journal_seq, int64_t amount, int64_t expires_us) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HOLD_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, journal_seq);
  sqlite3_bind_int64(stmt, 2, amount);
  if (expires_us == 0)
    sqlite3_bind_null(stmt, 3);
  else
    sqlite3_bind_int64(stmt, 3, expires_us);
  return statement_run(db, STATEMENT_HOLD_INSERT);
}

LEDGER_PRIVATE int hold_settle(ledger *db, int64_t hold_seq, int64_t settled, int64_t released) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HOLD_SETTLE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, hold_seq);
  sqlite3_bind_int64(stmt, 2, settled);
  sqlite3_bind_int64(stmt, 3, released);
  return statement_run(db, STATEMENT_HOLD_SETTLE);
}

static int hold_read(ledger *db, int64_t seq, struct hold_state *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_REMAINDER_READ);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    out->amount = sqlite3_column_int64(stmt, 0);
    out->settled = sqlite3_column_int64(stmt, 1);
    out->released = sqlite3_column_int64(stmt, 2);
    out->expires_us = sqlite3_column_int64(stmt, 3); /* null: 0 */
  }
  int rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int hold_state(ledger *db, const struct journal_past *past, struct hold_state *out) {
  int64_t held = 0;
  *out = (struct hold_state){.seq = past->seq, .reference = past->reference};
  for (int i = 0; i < past->entry_count; i++) {
    const struct journal_entry *entry = &past->entries[i];
    if (entry->layer == LAYER_HELD && entry->amount < 0) {
      out->payer = entry->account;
      held = -entry->amount;
    }
    if (entry->layer == LAYER_EXPECTED && entry->amount > 0) out->payee = entry->account;
  }
  if (out->payer == NULL || out->payee == NULL) {
    return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s holds nothing, it is: %s",
                     past->reference, operation_word(past->kind));
  }
  int rc = hold_read(db, past->seq, out);
  if (rc != LEDGER_OK) return rc;
  if (out->amount != held || out->settled < 0 || out->released < 0 ||
      out->settled > held - out->released) {
    return error_set(&db->error, LEDGER_BOOK_BROKEN,
                     "what is left of hold %s does not agree with its journal", past->reference);
  }
  return LEDGER_OK;
}

/* ---- the hold that an operation is about */

static bool hold_is_past(const struct hold_state *hold, const struct journal *journal) {
  return hold->expires_us != 0 && journal->created_us >= hold->expires_us;
}

/* What closed it: the last journal that has it as parent. */
static int hold_closed(ledger *db, const struct hold_state *hold) {
  const char *how = "is closed";
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HOLD_CLOSED_BY);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, hold->seq);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    const char *word = (const char *)sqlite3_column_text(stmt, 0);
    int kind = word == NULL ? -1 : operation_kind(word, strlen(word));
    if (kind == LEDGER_OP_CAPTURE) how = "is captured";
    if (kind == LEDGER_OP_RELEASE) how = "is released";
    if (kind == LEDGER_OP_EXPIRE) how = "has expired";
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  return error_set(&db->error, LEDGER_WRONG_STATE, "hold %s %s: %s of %s %s were captured",
                   hold->reference, how, hold_text(hold, hold->settled).text,
                   hold_text(hold, hold->amount).text, hold->payer->currency);
}

/* The open hold of a reference, as the change that a journal is to make of it; in the arena. */
static int hold_find(ledger *db, const struct operation *operation, struct journal *journal,
                     struct hold_change **out) {
  struct hold_change *change = arena_alloc(&db->arena, sizeof *change);
  if (change == NULL) return error_memory(&db->error);
  *change = (struct hold_change){0};
  const struct journal_past *past = &change->past;
  const struct hold_state *hold = &change->hold;
  int rc = journal_past(db, operation->asked->of, &change->past);
  if (rc != LEDGER_OK) return rc;
  if (past->kind != LEDGER_OP_HOLD) {
    return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s is no hold, it is: %s",
                     past->reference, operation_word(past->kind));
  }
  if (past->outcome != LEDGER_OK) {
    return error_set(&db->error, LEDGER_WRONG_STATE, "hold %s was refused: %s", past->reference,
                     past->reason == NULL ? "" : past->reason);
  }
  rc = hold_state(db, past, &change->hold);
  if (rc == LEDGER_OK && hold_left(hold) == 0) rc = hold_closed(db, hold);
  /* Found once more by name: that looks whether the plain rows still show what the book says. */
  if (rc == LEDGER_OK) rc = account_find(db, hold->payer->name, &change->hold.payer);
  if (rc == LEDGER_OK && hold->payee->class != ACCOUNT_SYSTEM)
    rc = account_find(db, hold->payee->name, &change->hold.payee);
  if (rc != LEDGER_OK) return rc;
  memcpy(change->row, past->id, sizeof change->row);
  memcpy(change->row + 34, "01", 2); /* the first row of its journal */
  journal->parent = past->seq;
  journal->account = hold->payer;
  journal->entity_type =
      hold->payer->class == ACCOUNT_PORTFOLIO ? "portfolio_transactions" : "transactions";
  journal->entity_id = change->row;
  *out = change;
  return LEDGER_OK;
}

LEDGER_PRIVATE int hold_amount(ledger *db, const ledger_operation *asked,
                               const struct account *account, int64_t left, int64_t *out) {
  char text[MONEY_TEXT_MAX];
  money_text(left, account->scale, text);
  return operation_amount(db, asked->amount == NULL ? text : asked->amount, asked->currency,
                          account, out);
}

/* ---- what is written after a journal */

static int hold_after_place(ledger *db, struct journal *journal, void *context) {
  const int64_t *expires_us = context;
  return hold_write(db, journal->seq, journal->amount, *expires_us);
}

/* The row of the hold's journal that stayed pending: completed with what was captured, or failed. */
static int hold_finish(ledger *db, const struct journal *journal, const struct hold_change *change,
                       int64_t captured) {
  const struct book_tables *tables = book_tables(db);
  const struct account *payer = change->hold.payer;
  bool is_portfolio = payer->class == ACCOUNT_PORTFOLIO, failed = captured == 0;
  char amount[MONEY_TEXT_MAX], now[MOMENT_TEXT_MAX];
  money_text(failed ? change->hold.amount : captured, payer->scale, amount);
  struct value values[5] = {
      portfolio_text(change->row), portfolio_text(failed ? "failed" : "completed"),
      portfolio_text(amount),
      portfolio_time(is_portfolio ? tables->portfolio_transactions : tables->transactions,
                     "updated_at", journal->created_us, now)};
  if (!failed) values[4] = values[3]; /* completed_at; transactions have it */
  if (is_portfolio)
    return portfolio_write(db, tables->portfolio_transactions, STATEMENT_HOLD_PORTFOLIO_FINISH, 4,
                           values);
  return portfolio_write(db, tables->transactions, STATEMENT_HOLD_TRANSACTION_FINISH, 5, values);
}

static int hold_after_settle(ledger *db, struct journal *journal, void *context) {
  const struct hold_change *change = context;
  int rc = hold_settle(db, change->hold.seq, change->settled, change->released);
  if (rc == LEDGER_OK && change->settled + change->released == hold_left(&change->hold))
    rc = hold_finish(db, journal, change, change->hold.settled + change->settled);
  return rc;
}

/* ---- the builders */

static int hold_sides(ledger *db, const ledger_operation *asked, struct account **payer,
                      struct account **payee) {
  int rc = account_find(db, asked->from, payer);
  if (rc == LEDGER_OK && asked->to == NULL) rc = hold_system(db, "world", *payer, payee);
  if (rc == LEDGER_OK && asked->to != NULL) rc = account_find(db, asked->to, payee);
  if (rc != LEDGER_OK) return rc;
  if (*payer == *payee)
    return error_set(&db->error, LEDGER_SAME_ACCOUNT, "account %s would pay itself",
                     account_label(*payer));
  if (strcmp((*payer)->currency, (*payee)->currency) == 0) return LEDGER_OK;
  return error_set(&db->error, LEDGER_WRONG_CURRENCY, "account %s is in %s and account %s is in %s",
                   account_label(*payer), (*payer)->currency, account_label(*payee),
                   (*payee)->currency);
}

LEDGER_PRIVATE int hold_place(ledger *db, const struct operation *operation,
                              struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *payer, *payee;
  int64_t amount;
  int rc = hold_sides(db, asked, &payer, &payee);
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, payer, &amount);
  if (rc != LEDGER_OK) return rc;
  if (operation->expires_us != 0 && operation->expires_us <= journal->created_us) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "expires_at is not in the future: %s",
                     asked->expires_at);
  }
  int64_t *expires_us = arena_alloc(&db->arena, sizeof *expires_us);
  if (expires_us == NULL) return error_memory(&db->error);
  *expires_us = operation->expires_us;
  rc = hold_reserve(db, journal, payer, payee, amount);
  if (rc != LEDGER_OK) return rc;
  bool is_withdrawal = asked->to == NULL || payer->class == ACCOUNT_PORTFOLIO;
  struct journal_row *row = journal_row(journal, payer, is_withdrawal ? "withdrawal" : "transfer",
                                        amount, "pending", "", "debit");
  row->description = asked->description;
  row->metadata = asked->metadata;
  journal->account = payer;
  journal->amount = journal->remaining = amount;
  journal->after = hold_after_place;
  journal->after_context = expires_us;
  return LEDGER_OK;
}

/* The payee's row of a capture, whose last leg so far is the payee's; the world has none. */
static void hold_receive(const ledger_operation *asked, struct journal *journal) {
  const struct leg *leg = &journal->legs[journal->leg_count - 1];
  if (leg->account->class == ACCOUNT_SYSTEM) return;
  const char *type = leg->account->class == ACCOUNT_PORTFOLIO ? "deposit" : "transfer";
  struct journal_row *row =
      journal_row(journal, leg->account, type, leg->amount, "completed", ".C", "credit");
  row->description = asked->description;
  row->metadata = asked->metadata;
}

LEDGER_PRIVATE int hold_capture(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct hold_change *change;
  int rc = hold_find(db, operation, journal, &change);
  if (rc != LEDGER_OK) return rc;
  const struct hold_state *hold = &change->hold;
  int64_t left = hold_left(hold), amount;
  if (hold_is_past(hold, journal)) {
    char when[MOMENT_TEXT_MAX];
    moment_text(TYPE_TIMESTAMPTZ, hold->expires_us + MOMENT_UNIX_EPOCH, when);
    return error_set(&db->error, LEDGER_HOLD_EXPIRED, "hold %s expired at %s", hold->reference,
                     when);
  }
  rc = hold_amount(db, asked, hold->payer, left, &amount);
  if (rc != LEDGER_OK) return rc;
  rc = hold_take(db, journal, hold, amount, asked->final);
  if (rc != LEDGER_OK) return rc;
  hold_receive(asked, journal);
  if (asked->fee != NULL)
    rc = fee_add(db, journal, asked->fee, hold->payer, amount, operation->rounding);
  if (rc != LEDGER_OK) return rc;
  change->settled = amount;
  change->released = asked->final ? left - amount : 0;
  journal->amount = amount;
  journal->remaining = asked->final ? 0 : left - amount;
  journal->after = hold_after_settle;
  journal->after_context = change;
  return LEDGER_OK;
}

static int hold_give_back(ledger *db, struct hold_change *change, struct journal *journal) {
  int64_t left = hold_left(&change->hold);
  int rc = hold_drop(db, journal, &change->hold);
  if (rc != LEDGER_OK) return rc;
  change->released = left;
  journal->amount = left;
  journal->remaining = 0;
  journal->after = hold_after_settle;
  journal->after_context = change;
  return LEDGER_OK;
}

LEDGER_PRIVATE int hold_release(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  struct hold_change *change;
  int rc = hold_find(db, operation, journal, &change);
  return rc == LEDGER_OK ? hold_give_back(db, change, journal) : rc;
}

LEDGER_PRIVATE int hold_expire(ledger *db, const struct operation *operation,
                               struct journal *journal) {
  struct hold_change *change;
  int rc = hold_find(db, operation, journal, &change);
  if (rc != LEDGER_OK) return rc;
  if (hold_is_past(&change->hold, journal)) return hold_give_back(db, change, journal);
  char when[MOMENT_TEXT_MAX];
  if (change->hold.expires_us == 0)
    return error_set(&db->error, LEDGER_WRONG_STATE, "hold %s never expires",
                     change->past.reference);
  moment_text(TYPE_TIMESTAMPTZ, change->hold.expires_us + MOMENT_UNIX_EPOCH, when);
  return error_set(&db->error, LEDGER_WRONG_STATE, "hold %s does not expire before %s",
                   change->past.reference, when);
}

/* ---- the sweep */

struct hold_due {
  char of[LEDGER_REFERENCE_MAX + 1];
  char reference[48];
};

struct hold_sweep {
  int64_t expires_us, seq; /* of the last hold that was looked at */
  int count;
  struct hold_due due[HOLD_SWEEP_MAX];
  ledger_operation operations[HOLD_SWEEP_MAX];
  ledger_result results[HOLD_SWEEP_MAX];
};

/* The operation that expires the hold that a statement stands on. Its reference follows from the hold's journal, so that a
** second sweep, or another program's at the same time, finds it done. */
static int hold_due(ledger *db, sqlite3_stmt *stmt, struct hold_sweep *sweep) {
  struct hold_due *due = &sweep->due[sweep->count];
  const char *of = (const char *)sqlite3_column_text(stmt, 2);
  const char *id = (const char *)sqlite3_column_text(stmt, 3);
  if (of == NULL || id == NULL) return error_memory(&db->error);
  sweep->expires_us = sqlite3_column_int64(stmt, 0);
  sweep->seq = sqlite3_column_int64(stmt, 1);
  sqlite3_snprintf((int)sizeof due->of, due->of, "%s", of);
  sqlite3_snprintf((int)sizeof due->reference, due->reference, "EXPIRE-%s", id);
  sweep->operations[sweep->count++] =
      (ledger_operation){.kind = LEDGER_OP_EXPIRE, .of = due->of, .reference = due->reference};
  return LEDGER_OK;
}

/* The next holds whose time has come. */
static int hold_next(ledger *db, int64_t now_us, struct hold_sweep *sweep) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HOLD_DUE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, now_us);
  sqlite3_bind_int64(stmt, 2, sweep->expires_us);
  sqlite3_bind_int64(stmt, 3, sweep->seq);
  sqlite3_bind_int(stmt, 4, HOLD_SWEEP_MAX);
  sweep->count = 0;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) rc = hold_due(db, stmt, sweep);
  int sqlite_rc = sqlite3_reset(stmt);
  return rc == LEDGER_OK && sqlite_rc != SQLITE_OK ? store_error(db, sqlite_rc) : rc;
}

LEDGER_PRIVATE int hold_expire_due(ledger *db, int64_t *count) {
  int64_t now_us = db->session.now_us != 0 ? db->session.now_us : clock_now_us();
  struct hold_sweep *sweep = sqlite3_malloc64(sizeof *sweep);
  if (sweep == NULL) return error_memory(&db->error);
  memset(sweep, 0, sizeof *sweep);
  sweep->expires_us = INT64_MIN;
  int rc;
  do {
    rc = transaction_begin_read(db);
    if (rc != LEDGER_OK) break;
    rc = hold_next(db, now_us, sweep);
    transaction_end_read(db);
    if (rc != LEDGER_OK || sweep->count == 0) break;
    rc = batch_post(db, sweep->count, sweep->operations, LEDGER_BATCH_CONTINUE, 0, sweep->results);
    for (int i = 0; rc == LEDGER_OK && i < sweep->count; i++)
      *count += sweep->results[i].code == LEDGER_OK && !sweep->results[i].replayed;
  } while (rc == LEDGER_OK && sweep->count == HOLD_SWEEP_MAX);
  sqlite3_free(sweep);
  if (rc == LEDGER_OK) error_clear(&db->error); /* of a refusal, which stops nothing */
  return rc;
}

#undef HOLD_SWEEP_MAX
