/*
** reversal.c: the opposite of an operation. The original is never edited: a reversal is a journal of its own that has it as
** parent, and ledger_remainder keeps how much of the original is reversed.
**
** Without an amount, and while nothing is reversed yet, every posted entry has its opposite, in the same order: the fee comes back,
** too. With an amount, or for what is left after one, only the principal moves back, which is possible where one amount went
** from one account to another.
**
** The amount in ledger_remainder is that of the original's first posted entry of a customer's account; the first one of a
** reversal is its opposite, or that of a part, and says how much the reversal settles.
*/
#include "../internal.h"

struct reversal {
  struct journal_past past;
  const struct journal_entry *first,
      *last;               /* of the principal; last NULL: it has more than two sides */
  struct account *account; /* in whose units the amounts are */
  int64_t amount, settled; /* what can be reversed, and is */
  int64_t now;             /* of it, by this journal */
  bool is_whole;
};

/* ---- the original */

static bool reversal_is_possible(enum ledger_operation_kind kind) {
  switch (kind) {
  case LEDGER_OP_OPENING:
  case LEDGER_OP_DEPOSIT:
  case LEDGER_OP_WITHDRAW:
  case LEDGER_OP_TRANSFER:
  case LEDGER_OP_POST:
  case LEDGER_OP_CAPTURE:
  case LEDGER_OP_FEE:
  case LEDGER_OP_EXCHANGE:
  case LEDGER_OP_ADJUST:
  case LEDGER_OP_FILL: return true;
  default: return false;
  }
}

static int reversal_impossible(ledger *db, const struct journal_past *past) {
  if (past->outcome != LEDGER_OK) {
    return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s was refused: it moved nothing",
                     past->reference);
  }
  if (past->kind == LEDGER_OP_REVERSE) {
    return error_set(&db->error, LEDGER_WRONG_STATE,
                     "operation %s is a reversal, which is not reversed itself", past->reference);
  }
  return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s cannot be reversed, it is: %s",
                   past->reference, operation_word(past->kind));
}

/* Does the entry belong to the fee that was charged besides? Its two legs stand together, income last. */
static bool reversal_is_fee(const struct journal_past *past, int number) {
  if (past->kind == LEDGER_OP_FEE) return false;
  for (int i = number; i <= number + 1 && i < past->entry_count; i++) {
    const struct account *account = past->entries[i].account;
    if (account->class == ACCOUNT_SYSTEM && strcmp(account->owner, "fees") == 0) return true;
  }
  return false;
}

/* Two legs, or four where the money changes its scale on the way through the book's exchange accounts. */
static bool reversal_is_simple(const struct reversal *reversal, int count) {
  const struct journal_entry *first = reversal->first, *last = reversal->last;
  if (count != 2 && count != 4) return false;
  return strcmp(first->account->currency, last->account->currency) == 0 &&
         (first->amount < 0) != (last->amount < 0) &&
         (count == 2 ||
          (first[1].account->class == ACCOUNT_SYSTEM && first[2].account->class == ACCOUNT_SYSTEM));
}

static int reversal_measure(ledger *db, struct reversal *reversal) {
  const struct journal_past *past = &reversal->past;
  int count = 0;
  for (int i = 0; i < past->entry_count; i++) {
    const struct journal_entry *entry = &past->entries[i];
    if (entry->layer != LAYER_POSTED) continue;
    if (reversal->account == NULL && entry->account->class != ACCOUNT_SYSTEM) {
      reversal->account = entry->account;
      reversal->amount = entry->amount < 0 ? -entry->amount : entry->amount;
    }
    if (reversal_is_fee(past, i)) continue;
    if (count++ == 0) reversal->first = entry;
    reversal->last = entry;
  }
  if (count == 0 || reversal->account == NULL)
    return error_set(&db->error, LEDGER_WRONG_STATE, "operation %s moved nothing", past->reference);
  if (!reversal_is_simple(reversal, count)) reversal->last = NULL;
  return LEDGER_OK;
}

/* What is reversed already. */
static int reversal_read(ledger *db, struct reversal *reversal) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_REMAINDER_READ);
  if (stmt == NULL) return db->error.code;
  int64_t amount = reversal->amount;
  sqlite3_bind_int64(stmt, 1, reversal->past.seq);
  if (sqlite3_step(stmt) == SQLITE_ROW) {
    amount = sqlite3_column_int64(stmt, 0);
    reversal->settled = sqlite3_column_int64(stmt, 1);
  }
  int rc = sqlite3_reset(stmt);
  if (rc != SQLITE_OK) return store_error(db, rc);
  if (amount == reversal->amount && reversal->settled >= 0 && reversal->settled <= amount)
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN,
                   "what is reversed of operation %s does not agree with its journal",
                   reversal->past.reference);
}

/* How much this one reverses. */
static int reversal_amount(ledger *db, const ledger_operation *asked, struct reversal *reversal) {
  const struct account *account = reversal->account;
  const char *reference = reversal->past.reference;
  int64_t left = reversal->amount - reversal->settled;
  if (left == 0)
    return error_set(&db->error, LEDGER_OVER_REVERSED, "operation %s is reversed already",
                     reference);
  int rc = hold_amount(db, asked, account, left, &reversal->now);
  if (rc != LEDGER_OK) return rc;
  if (asked->amount != NULL && reversal->last == NULL) {
    return error_set(&db->error, LEDGER_BAD_OPERATION,
                     "operation %s did not move one amount from one account to another:"
                     " it is reversed as a whole, without an amount",
                     reference);
  }
  if (reversal->now <= left) return LEDGER_OK;
  char wanted[MONEY_TEXT_MAX], rest[MONEY_TEXT_MAX], done[MONEY_TEXT_MAX];
  money_text(reversal->now, account->scale, wanted);
  money_text(left, account->scale, rest);
  money_text(reversal->settled, account->scale, done);
  return error_set(&db->error, LEDGER_OVER_REVERSED,
                   "operation %s has %s %s left to reverse (%s are reversed already), %s are asked",
                   reference, rest, account->currency, done, wanted);
}

/* ---- legs and rows */

/* The account, once more by name: that looks whether the plain row still shows what the book says. */
static int reversal_find(ledger *db, struct account *known, struct account **out) {
  *out = known;
  return known->class == ACCOUNT_SYSTEM ? LEDGER_OK : account_find(db, known->name, out);
}

/* The opposite of each posted entry, or of the part that is reversed of the principal's. */
static int reversal_legs(ledger *db, const struct reversal *reversal, struct journal *journal) {
  const struct journal_past *past = &reversal->past;
  int rc = LEDGER_OK;
  for (int i = 0; i < past->entry_count && rc == LEDGER_OK; i++) {
    const struct journal_entry *entry = &past->entries[i];
    struct account *account;
    int64_t amount = entry->amount < 0 ? -entry->amount : entry->amount;
    if (entry->layer != LAYER_POSTED || (!reversal->is_whole && reversal_is_fee(past, i))) continue;
    rc = reversal_find(db, entry->account, &account);
    if (rc != LEDGER_OK) break;
    if (!reversal->is_whole)
      rc = money_rescale(reversal->now, reversal->account->scale, account->scale, &amount);
    if (rc != LEDGER_OK) {
      return error_set(&db->error, rc, "account %s cannot show the amount with its %d digits",
                       account_label(account), account->scale);
    }
    journal_leg(journal, account, LAYER_POSTED, entry->amount < 0 ? amount : -amount);
  }
  return rc;
}

/* What the legs from `leg` on change of its account; 0 if an earlier leg had it. */
static int64_t reversal_net(const struct journal *journal, int leg) {
  const struct account *account = journal->legs[leg].account;
  int64_t net = 0;
  if (account->class == ACCOUNT_SYSTEM) return 0;
  for (int i = 0; i < leg; i++) {
    if (journal->legs[i].account == account) return 0;
  }
  for (int i = leg; i < journal->leg_count; i++) {
    if (journal->legs[i].account == account) net += journal->legs[i].amount;
  }
  return net;
}

static void reversal_row(struct journal *journal, int leg, const char *suffix,
                         const ledger_operation *asked) {
  struct account *account = journal->legs[leg].account;
  int64_t net = reversal_net(journal, leg);
  bool pays = net < 0;
  const char *type = account->class == ACCOUNT_PORTFOLIO ? "adjustment" : "reversal";
  struct journal_row *row = journal_row(journal, account, type, pays ? -net : net, "completed",
                                        suffix, pays ? "debit" : "credit");
  row->description = asked->description;
  row->metadata = asked->metadata;
}

/* A row for each customer with what changes for him. The first who pays back has the reference, or else the first of all; the
** others have .C if it is one, .L1, .L2, ... if there are more. */
static int reversal_rows(ledger *db, const ledger_operation *asked, struct journal *journal) {
  int bearer = -1, count = 0, number = 0;
  for (int i = 0; i < journal->leg_count; i++) {
    int64_t net = reversal_net(journal, i);
    if (net == 0) continue;
    count++;
    if (bearer < 0 || (net < 0 && reversal_net(journal, bearer) > 0)) bearer = i;
  }
  if (count == 0) return LEDGER_OK;
  reversal_row(journal, bearer, "", asked);
  for (int i = 0; i < journal->leg_count; i++) {
    if (i == bearer || reversal_net(journal, i) == 0) continue;
    char suffix[16] = ".C";
    if (count > 2) sqlite3_snprintf((int)sizeof suffix, suffix, ".L%d", ++number);
    const char *kept = arena_copy(&db->arena, suffix, strlen(suffix));
    if (kept == NULL) return error_memory(&db->error);
    reversal_row(journal, i, kept, asked);
  }
  return LEDGER_OK;
}

/* ---- the builder */

static int reversal_after(ledger *db, struct journal *journal, void *context) {
  const struct reversal *reversal = context;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_REVERSAL_SETTLE);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, journal->parent);
  sqlite3_bind_int64(stmt, 2, reversal->amount);
  sqlite3_bind_int64(stmt, 3, reversal->now);
  return statement_run(db, STATEMENT_REVERSAL_SETTLE);
}

LEDGER_PRIVATE int reversal_reverse(ledger *db, const struct operation *operation,
                                    struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct reversal *reversal = arena_alloc(&db->arena, sizeof *reversal);
  if (reversal == NULL) return error_memory(&db->error);
  *reversal = (struct reversal){0};
  const struct journal_past *past = &reversal->past;
  int rc = journal_past(db, asked->of, &reversal->past);
  if (rc == LEDGER_OK && (past->outcome != LEDGER_OK || !reversal_is_possible(past->kind)))
    rc = reversal_impossible(db, past);
  if (rc == LEDGER_OK) rc = reversal_measure(db, reversal);
  if (rc == LEDGER_OK) rc = reversal_read(db, reversal);
  if (rc == LEDGER_OK) rc = reversal_amount(db, asked, reversal);
  if (rc != LEDGER_OK) return rc;
  reversal->is_whole = asked->amount == NULL && reversal->settled == 0;
  rc = reversal_legs(db, reversal, journal);
  if (rc == LEDGER_OK) rc = reversal_rows(db, asked, journal);
  if (rc != LEDGER_OK) return rc;
  journal->parent = past->seq;
  journal->account = reversal->account;
  journal->amount = reversal->now;
  journal->after = reversal_after;
  journal->after_context = reversal;
  return LEDGER_OK;
}
