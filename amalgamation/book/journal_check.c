/*
** journal_check.c: a journal before it is written: its legs and rows as the builders add them, and all that the book demands of
** them. Nothing here changes the file or the accounts.
*/
#include "../internal.h"
#include "book_state.h"

LEDGER_PRIVATE struct leg *journal_leg(struct journal *journal, struct account *account, int layer,
                                       int64_t amount) {
  assert(journal->leg_count < JOURNAL_LEG_MAX && amount != 0);
  struct leg *leg = &journal->legs[journal->leg_count++];
  *leg = (struct leg){.account = account, .layer = layer, .amount = amount};
  return leg;
}

LEDGER_PRIVATE int journal_move(ledger *db, struct journal *journal, struct account *from,
                                struct account *to, int64_t amount) {
  if (strcmp(from->currency, to->currency) != 0) {
    return error_set(&db->error, LEDGER_WRONG_CURRENCY,
                     "account %s is in %s and account %s is in %s", account_label(from),
                     from->currency, account_label(to), to->currency);
  }
  if (from->scale == to->scale) {
    journal_leg(journal, from, LAYER_POSTED, -amount);
    journal_leg(journal, to, LAYER_POSTED, amount);
    return LEDGER_OK;
  }
  struct account *gives, *takes;
  int64_t arrives;
  int rc = money_rescale(amount, from->scale, to->scale, &arrives);
  if (rc != LEDGER_OK) {
    char text[MONEY_TEXT_MAX];
    money_text(amount, from->scale, text);
    return error_set(&db->error, rc, "account %s cannot hold %s %s", account_label(to), text,
                     to->currency);
  }
  rc = account_system(db, "exchange", from->currency, from->scale, &takes);
  if (rc == LEDGER_OK) rc = account_system(db, "exchange", to->currency, to->scale, &gives);
  if (rc != LEDGER_OK) return rc;
  journal_leg(journal, from, LAYER_POSTED, -amount);
  journal_leg(journal, takes, LAYER_POSTED, amount);
  journal_leg(journal, gives, LAYER_POSTED, -arrives);
  journal_leg(journal, to, LAYER_POSTED, arrives);
  return LEDGER_OK;
}

LEDGER_PRIVATE struct journal_row *journal_row(struct journal *journal, struct account *account,
                                               const char *type, int64_t amount, const char *status,
                                               const char *suffix, const char *direction) {
  assert(journal->row_count < JOURNAL_ROW_MAX && account->class != ACCOUNT_SYSTEM);
  struct journal_row *row = &journal->rows[journal->row_count++];
  *row = (struct journal_row){.account = account,
                              .type = type,
                              .amount = amount,
                              .status = status,
                              .suffix = suffix,
                              .direction = direction};
  return row;
}

/* ---- the check */

static int journal_status(ledger *db, const struct leg *leg) {
  const struct account *account = leg->account;
  if (account->class != ACCOUNT_PLAIN || strcmp(account->status, "active") == 0) return LEDGER_OK;
  bool gives_back =
      leg->layer == LAYER_HELD ? leg->amount > 0 : leg->layer == LAYER_EXPECTED && leg->amount < 0;
  if (gives_back) return LEDGER_OK;
  bool leaves = leg->amount < 0;
  if (strcmp(account->status, "frozen") == 0) {
    if (!leaves) return LEDGER_OK;
    return error_set(&db->error, LEDGER_FROZEN, "account %s is frozen: nothing leaves it",
                     account_label(account));
  }
  if (strcmp(account->status, "closed") == 0)
    return error_set(&db->error, LEDGER_CLOSED, "account %s is closed", account_label(account));
  return error_set(&db->error, LEDGER_SUSPENDED, "account %s is %s: nothing moves on it",
                   account_label(account), account->status);
}

/* Takes an account into the check when its first leg comes. */
static void journal_mark(struct book *book, struct account *account) {
  if (account->mark == book->mark) return;
  account->mark = book->mark;
  account->next_balance = account->balance;
  account->next_held = account->held;
  account->next_expected = account->expected;
}

static int journal_range(ledger *db, const struct account *account) {
  char text[MONEY_TEXT_MAX];
  money_text(account->maximum, account->scale, text);
  return error_set(&db->error, LEDGER_AMOUNT_RANGE,
                   "account %s cannot hold more than %s %s either way", account_label(account),
                   text, account->currency);
}

static int journal_apply(ledger *db, const struct leg *leg) {
  struct account *account = leg->account;
  journal_mark(db->book, account);
  int64_t *place = leg->layer == LAYER_POSTED ? &account->next_balance
                   : leg->layer == LAYER_HELD ? &account->next_held
                                              : &account->next_expected;
  int64_t change = leg->layer == LAYER_HELD ? -leg->amount : leg->amount;
  if (__builtin_add_overflow(*place, change, place)) return journal_range(db, account);
  return LEDGER_OK;
}

/* Do the legs of a kind of layer (posted, or held and expected) sum to zero in each currency and scale? */
static bool journal_balances(const struct journal *journal, bool posted) {
  for (int i = 0; i < journal->leg_count; i++) {
    const struct leg *first = &journal->legs[i];
    if ((first->layer == LAYER_POSTED) != posted) continue;
    money_wide sum = 0;
    for (int k = 0; k < journal->leg_count; k++) {
      const struct leg *leg = &journal->legs[k];
      if ((leg->layer == LAYER_POSTED) != posted || leg->account->scale != first->account->scale ||
          strcmp(leg->account->currency, first->account->currency) != 0)
        continue;
      if (k < i) { /* summed before */
        sum = 0;
        break;
      }
      sum += leg->amount;
    }
    if (sum != 0) return false;
  }
  return true;
}

static int journal_funds(ledger *db, const struct account *account) {
  char has[MONEY_TEXT_MAX], needs[MONEY_TEXT_MAX];
  int64_t before = account_available(account);
  int64_t after = account->next_balance - account->next_held;
  money_text(before, account->scale, has);
  money_text(before - after, account->scale, needs);
  error_set(&db->error, LEDGER_NO_FUNDS, "account %s has %s %s available, %s is needed",
            account_label(account), has, account->currency, needs);
  if (account->min_balance != 0 || account->overdraft_limit != 0) {
    char least[MONEY_TEXT_MAX];
    money_text(account->min_balance - account->overdraft_limit, account->scale, least);
    error_detail(&db->error, "%s must stay available.", least);
  }
  return LEDGER_NO_FUNDS;
}

/* Funds, limits and range of an account, as the journal would leave it. */
static int journal_limits(ledger *db, const struct account *account) {
  int64_t before = account_available(account), after;
  if (__builtin_sub_overflow(account->next_balance, account->next_held, &after))
    return journal_range(db, account);
  if (account->class == ACCOUNT_SYSTEM) return LEDGER_OK;
  if ((account->next_balance > account->maximum || account->next_balance < -account->maximum ||
       after > account->maximum || after < -account->maximum))
    return journal_range(db, account);
  if (after < before && after < account->min_balance - account->overdraft_limit)
    return journal_funds(db, account);
  if (account->next_balance > account->balance && account->next_balance > account->max_balance) {
    char most[MONEY_TEXT_MAX];
    money_text(account->max_balance, account->scale, most);
    return error_set(&db->error, LEDGER_LIMIT, "account %s may hold %s %s at most",
                     account_label(account), most, account->currency);
  }
  return LEDGER_OK;
}

static int journal_conditions(ledger *db, const struct journal *journal) {
  const struct account *least = journal->least_account, *most = journal->most_account;
  char text[MONEY_TEXT_MAX];
  if (least != NULL && least->mark == db->book->mark &&
      least->next_balance - least->next_held < journal->least_available) {
    money_text(least->next_balance - least->next_held, least->scale, text);
    return error_set(&db->error, LEDGER_CONDITION_FAILED,
                     "account %s would have %s %s available afterwards", account_label(least), text,
                     least->currency);
  }
  if (most != NULL && most->mark == db->book->mark && most->next_balance > journal->most_balance) {
    money_text(most->next_balance, most->scale, text);
    return error_set(&db->error, LEDGER_CONDITION_FAILED, "account %s would have %s %s afterwards",
                     account_label(most), text, most->currency);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int journal_check(ledger *db, const struct journal *journal) {
  int rc = LEDGER_OK;
  db->book->mark++;
  for (int i = 0; i < journal->leg_count && rc == LEDGER_OK; i++) {
    rc = journal_status(db, &journal->legs[i]);
    if (rc == LEDGER_OK) rc = journal_apply(db, &journal->legs[i]);
  }
  if (rc == LEDGER_OK && !(journal_balances(journal, true) && journal_balances(journal, false)))
    rc = error_set(&db->error, LEDGER_UNBALANCED, "the legs do not sum to zero in each currency");
  for (int i = 0; i < journal->leg_count && rc == LEDGER_OK; i++)
    rc = journal_limits(db, journal->legs[i].account);
  return rc == LEDGER_OK ? journal_conditions(db, journal) : rc;
}
