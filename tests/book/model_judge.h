/*
** model_judge.h: what the model says of an operation, kind by kind, and how it does it. See model.h.
*/
#ifndef TEST_MODEL_JUDGE_H
#define TEST_MODEL_JUDGE_H

#include "model.h"

/* ---- what is asked */

/* C, F1, X1, L1, ...: what the book appends itself. */
static inline bool model_is_reserved(const char *reference) {
  const char *point = strrchr(reference, '.');
  if (point == NULL) return false;
  if (strcmp(point, ".C") == 0) return true;
  if (point[1] == 0 || strchr("FXL", point[1]) == NULL || point[2] == 0) return false;
  return point[2 + strspn(point + 2, "0123456789")] == 0;
}

/* One spelling of a number: 12.5, 12.50 and 012.500 are the same. */
static inline uint64_t model_hash_number(uint64_t hash, const char *text) {
  int64_t ignored;
  if (text == NULL || model_read(text, 0, INT_MAX, &ignored) == LEDGER_INVALID_TEXT)
    return model_hash_text(hash, text);
  size_t length = strlen(text);
  if (*text == '+') text++, length--;
  if (*text == '-') hash = model_hash(hash, text++, 1), length--;
  while (*text == '0') text++, length--;
  if (strchr(text, '.') != NULL)
    while (text[length - 1] == '0') length--;
  if (length > 0 && text[length - 1] == '.') length--;
  return model_hash(model_hash(hash, text, length), "", 1);
}

static inline uint64_t model_hash_account(const struct model *model, uint64_t hash,
                                          const char *name) {
  int account = model_find(model, name);
  return model_hash_text(hash, account < 0 ? name : model->accounts[account].name);
}

/* All that is asked but the texts for people; and the reference and the key, which name it. */
static inline uint64_t model_request(const struct model *model, const ledger_operation *asked) {
  uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)asked->kind;
  const char *const names[] = {asked->account, asked->from, asked->to};
  const char *const numbers[] = {
      asked->amount,          asked->least,       asked->min_available, asked->max_after,
      asked->overdraft_limit, asked->min_balance, asked->max_balance,   asked->price};
  const char *const texts[] = {
      asked->currency,   asked->of,      asked->fee,     asked->rounding, asked->effective_at,
      asked->expires_at, asked->type,    asked->number,  asked->user,     asked->side,
      asked->asset,      asked->address, asked->txn_hash};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    hash = model_hash_account(model, hash, names[i]);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    hash = model_hash_number(hash, numbers[i]);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) hash = model_hash_text(hash, texts[i]);
  hash = model_hash(hash, &asked->final, sizeof asked->final);
  for (int i = 0; i < asked->leg_count; i++) {
    hash = model_hash_account(model, hash, asked->legs[i].account);
    hash = model_hash_number(hash, asked->legs[i].amount);
  }
  return hash;
}

/* Text with the form 2026-11-20T09:00:00.123456Z, all of it or the date alone. 0: it is no such text. */
static inline int64_t model_time(const char *text) {
  int year, month, day, hour = 0, minute = 0, second = 0, used = 0, more = 0;
  char fraction[8] = "";
  if (text == NULL || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) < 3) return 0;
  if (text[used] == 'T') {
    if (sscanf(text + used, "T%2d:%2d:%2d%n", &hour, &minute, &second, &more) < 3) return 0;
    used += more;
    if (text[used] == '.' && sscanf(text + used, ".%6[0-9]%n", fraction, &more) == 1) used += more;
    if (text[used] != 'Z') return 0;
  }
  if (month < 1 || month > 12 || day < 1 || day > 31) return 0;
  int64_t y = month <= 2 ? year - 1 : year, shifted = month + (month > 2 ? -3 : 9);
  int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * shifted + 2) / 5 + day - 1 - 719468;
  int64_t micro = 0;
  for (int i = 0, ended = 0; i < 6; i++) {
    ended |= fraction[i] == 0;
    micro = micro * 10 + (ended ? 0 : fraction[i] - '0');
  }
  return ((days * 24 + hour) * 60 + minute) * 60000000 + (int64_t)second * 1000000 + micro;
}

/* ---- fees and rates */

static inline const char *model_rounding(const ledger_operation *asked) {
  return asked->rounding == NULL ? "half_up" : asked->rounding;
}

/* Which fee it is; -1 after a refusal. */
static inline int model_fee_terms(const struct model *model, struct model_judgement *judgement,
                                  const char *type, int account) {
  for (int i = 0; i < model->fee_count; i++)
    if (strcmp(model->fees[i].type, type) == 0 &&
        strcmp(model->fees[i].currency, model->accounts[account].currency) == 0)
      return i;
  model_refuse(judgement, model->has_portfolio ? LEDGER_NO_FEE : LEDGER_NO_BOOK);
  return -1;
}

/* The percentage of the amount, at least and at most so much, and the flat part; in the digits of the account's currency. */
static inline int64_t model_fee_of(const struct model *model, int terms, int account,
                                   int64_t amount, const char *rounding) {
  const struct model_fee *fee = &model->fees[terms];
  const struct model_account *payer = &model->accounts[account];
  int64_t percentage = 0, flat = 0, least = 0, most = INT64_MAX,
          unit = model_power(payer->scale - payer->digits);
  model_read(fee->percentage, 4, 4, &percentage);
  model_read(fee->flat, payer->digits, payer->digits, &flat);
  model_read(fee->least, payer->digits, payer->digits, &least);
  if (fee->most != NULL) model_read(fee->most, payer->digits, payer->digits, &most);
  __int128 part = model_round((__int128)(amount / unit) * percentage, 1000000, rounding);
  if (part < least) part = least;
  if (part > most) part = most;
  return (int64_t)((part + flat) * unit);
}

static inline void model_charge(struct model *model, struct model_judgement *judgement,
                                const ledger_operation *asked, int account, int64_t amount) {
  int terms = model_fee_terms(model, judgement, asked->fee, account);
  if (terms < 0) return;
  int64_t fee = model_fee_of(model, terms, account, amount, model_rounding(asked));
  judgement->journal.fee = fee;
  judgement->journal.has_fee = true;
  model_move(model, judgement, account, model_system(model, "fees", account), fee);
}

/* What may be reversed later: `amount` in units of the journal's account, and between whom it moved, if between two. */
static inline void model_principal(struct model_judgement *judgement, int64_t amount, int giver,
                                   int taker) {
  judgement->journal.reversible = amount;
  judgement->journal.giver = giver;
  judgement->journal.taker = taker;
}

/* ---- what each kind does */

static inline bool model_is_about(const struct model *model, struct model_judgement *judgement,
                                  const ledger_operation *asked) {
  int parent = model_find_journal(model, asked->of);
  if (parent < 0) model_refuse(judgement, LEDGER_UNKNOWN_REFERENCE);
  judgement->journal.parent = parent;
  return parent >= 0;
}

/* The payer and the payee of an operation; false when one is missing, so that nothing more can be said. */
static inline bool model_sides(const struct model *model, struct model_judgement *judgement,
                               const ledger_operation *asked, int *from, int *to) {
  *from = model_party(model, judgement, asked->from);
  *to = model_party(model, judgement, asked->to);
  if (*from < 0 || *to < 0) return false;
  if (*from == *to) model_refuse(judgement, LEDGER_SAME_ACCOUNT);
  return true;
}

/* Money from or to an account of the book's own: opening, deposit, withdraw, adjust. */
static inline void model_judge_outside(struct model *model, const ledger_operation *asked,
                                       const char *outside, struct model_judgement *judgement) {
  bool comes_in = asked->to != NULL;
  int account = model_party(model, judgement, comes_in ? asked->to : asked->from);
  int64_t amount = model_amount(model, judgement, asked->amount, asked->currency, account);
  if (account < 0) return;
  if (asked->kind == LEDGER_OP_OPENING && model->accounts[account].version > 0)
    model_refuse(judgement, LEDGER_WRONG_STATE);
  int other = model_system(model, outside, account);
  model_move(model, judgement, comes_in ? other : account, comes_in ? account : other, amount);
  judgement->journal.account = account;
  judgement->journal.amount = amount;
  model_principal(judgement, amount, comes_in ? other : account, comes_in ? account : other);
  if (asked->fee != NULL) model_charge(model, judgement, asked, account, amount);
}

static inline void model_judge_transfer(struct model *model, const ledger_operation *asked,
                                        struct model_judgement *judgement) {
  int from, to;
  bool are_there = model_sides(model, judgement, asked, &from, &to);
  int64_t amount = model_amount(model, judgement, asked->amount, asked->currency, from);
  if (!are_there) return;
  model_move(model, judgement, from, to, amount);
  judgement->journal.account = from;
  judgement->journal.amount = amount;
  model_principal(judgement, amount, from, to);
  if (asked->fee != NULL) model_charge(model, judgement, asked, from, amount);
}

static inline void model_judge_legs(struct model *model, const ledger_operation *asked,
                                    struct model_judgement *judgement) {
  __int128 sums[LEDGER_LEG_MAX] = {0};
  int accounts[LEDGER_LEG_MAX];
  for (int i = 0; i < asked->leg_count; i++) {
    const ledger_leg *leg = &asked->legs[i];
    int64_t amount = 0, unsigned_amount;
    int account = accounts[i] = model_party(model, judgement, leg->account);
    const char *digits = leg->amount + (leg->amount[0] == '-');
    unsigned_amount = model_amount(model, judgement, digits, leg->currency, account);
    if (account < 0) continue;
    amount = leg->amount[0] == '-' ? -unsigned_amount : unsigned_amount;
    model_leg(judgement, account, MODEL_POSTED, amount);
    int first = 0;
    while (accounts[first] < 0 ||
           model->accounts[accounts[first]].scale != model->accounts[account].scale ||
           strcmp(model->accounts[accounts[first]].currency, model->accounts[account].currency) !=
               0)
      first++;
    sums[first] += amount;
  }
  for (int i = 0; i < asked->leg_count; i++) {
    if (sums[i] != 0) model_refuse(judgement, LEDGER_UNBALANCED);
    for (int k = 0; k < i; k++)
      if (accounts[i] >= 0 && accounts[i] == accounts[k])
        model_refuse(judgement, LEDGER_SAME_ACCOUNT);
  }
  if (asked->leg_count < 2) model_refuse(judgement, LEDGER_BAD_OPERATION);
  if (judgement->count > 0) return;
  const struct model_entry *first = &judgement->entries[0], *second = &judgement->entries[1];
  bool is_simple = asked->leg_count == 2;
  judgement->journal.account = first->account;
  judgement->journal.amount = llabs(first->amount);
  model_principal(judgement, llabs(first->amount),
                  !is_simple          ? -1
                  : first->amount < 0 ? first->account
                                      : second->account,
                  !is_simple          ? -1
                  : first->amount < 0 ? second->account
                                      : first->account);
}

static inline void model_judge_hold(struct model *model, const ledger_operation *asked,
                                    int64_t before_us, int64_t after_us,
                                    struct model_judgement *judgement) {
  int from = model_party(model, judgement, asked->from), to = -1;
  if (asked->to != NULL) to = model_party(model, judgement, asked->to);
  int64_t amount = model_amount(model, judgement, asked->amount, asked->currency, from);
  if (asked->to != NULL && from >= 0 && from == to) model_refuse(judgement, LEDGER_SAME_ACCOUNT);
  if (asked->expires_at != NULL) {
    int64_t expires_us = judgement->journal.expires_us = model_time(asked->expires_at);
    if (expires_us <= after_us) judgement->clock_code = LEDGER_BAD_OPERATION;
    judgement->clock_is_certain = expires_us <= before_us;
  }
  if (from < 0 || (asked->to != NULL && to < 0)) return;
  if (asked->to == NULL) to = model_system(model, "world", from);
  model_reserve(model, judgement, from, to, amount);
  judgement->journal.payer = judgement->journal.account = from;
  judgement->journal.payee = to;
  judgement->journal.amount = judgement->journal.remaining = amount;
  judgement->journal.shows_remaining = true;
  judgement->journal.status = "pending";
}

static inline int64_t model_left(const struct model_journal *hold) {
  return hold->amount - hold->settled - hold->released;
}

static inline void model_judge_held(struct model *model, const ledger_operation *asked,
                                    int64_t before_us, int64_t after_us,
                                    struct model_judgement *judgement) {
  if (!model_is_about(model, judgement, asked)) return;
  const struct model_journal *hold = &model->journals[judgement->journal.parent];
  int64_t left = model_left(hold), taken = 0;
  if (hold->code != LEDGER_OK || hold->kind != LEDGER_OP_HOLD || left == 0) {
    model_refuse(judgement, LEDGER_WRONG_STATE);
    return;
  }
  bool can_expire = hold->expires_us != 0 && hold->expires_us <= after_us;
  bool must_expire = hold->expires_us != 0 && hold->expires_us <= before_us;
  bool is_final = true;
  judgement->journal.account = hold->payer;
  judgement->journal.shows_remaining = true;
  if (asked->currency != NULL &&
      strcmp(asked->currency, model->accounts[hold->payer].currency) != 0)
    model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  if (asked->kind == LEDGER_OP_CAPTURE) {
    taken = asked->amount == NULL
                ? left
                : model_amount(model, judgement, asked->amount, asked->currency, hold->payer);
    if (taken > left) model_refuse(judgement, LEDGER_OVER_CAPTURED);
    is_final = asked->final || taken == left;
  }
  judgement->settles = taken;
  judgement->releases = is_final ? left - taken : 0;
  judgement->journal.amount = asked->kind == LEDGER_OP_CAPTURE ? taken : left;
  judgement->journal.remaining = is_final ? 0 : left - taken;
  model_reserve(model, judgement, hold->payer, hold->payee, -(is_final ? left : taken));
  if (taken != 0) model_move(model, judgement, hold->payer, hold->payee, taken);
  model_principal(judgement, taken, hold->payer, hold->payee);
  if (asked->fee != NULL) model_charge(model, judgement, asked, hold->payer, taken);
  /* Past its time it can be expired and not captured. */
  if (asked->kind == LEDGER_OP_CAPTURE && can_expire) {
    judgement->clock_code = LEDGER_HOLD_EXPIRED;
    judgement->clock_is_certain = must_expire;
  } else if (asked->kind == LEDGER_OP_EXPIRE && !must_expire) {
    judgement->clock_code = LEDGER_WRONG_STATE;
    judgement->clock_is_certain = !can_expire;
  }
}

static inline void model_judge_fee(struct model *model, const ledger_operation *asked,
                                   struct model_judgement *judgement) {
  int account = model_party(model, judgement, asked->account);
  int64_t base = model_amount(model, judgement, asked->amount, asked->currency, account);
  if (account < 0) return;
  int income = model_system(model, "fees", account);
  if (asked->fee == NULL)
    model_move(model, judgement, account, income, base);
  else
    model_charge(model, judgement, asked, account, base);
  judgement->journal.account = account;
  judgement->journal.amount = judgement->journal.has_fee ? judgement->journal.fee : base;
  model_principal(judgement, judgement->journal.amount, account, income);
}

static inline void model_judge_exchange(struct model *model, const ledger_operation *asked,
                                        int64_t now_us, struct model_judgement *judgement) {
  int from, to;
  bool are_there = model_sides(model, judgement, asked, &from, &to);
  int64_t amount = model_amount(model, judgement, asked->amount, asked->currency, from), units = 0;
  if (!are_there) return;
  const struct model_account *pays = &model->accounts[from], *receives = &model->accounts[to];
  int64_t moment_us = asked->effective_at == NULL ? now_us : model_time(asked->effective_at);
  const struct model_rate *rate = NULL;
  if (strcmp(pays->currency, receives->currency) == 0)
    model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  for (int i = 0; i < model->rate_count; i++) {
    const struct model_rate *one = &model->rates[i];
    if (strcmp(one->from, pays->currency) == 0 && strcmp(one->to, receives->currency) == 0 &&
        one->quoted_us <= moment_us && (rate == NULL || one->quoted_us > rate->quoted_us))
      rate = one;
  }
  if (rate == NULL) {
    model_refuse(judgement, model->has_portfolio ? LEDGER_NO_RATE : LEDGER_NO_BOOK);
    return;
  }
  model_read(rate->rate, 8, 8, &units);
  int64_t paid = amount / model_power(pays->scale - pays->digits);
  int shift = pays->digits + 8 - receives->digits;
  __int128 received =
      model_round((__int128)paid * units, model_power(shift), model_rounding(asked)) *
      model_power(receives->scale - receives->digits);
  if (received > receives->maximum) {
    model_refuse(judgement, LEDGER_AMOUNT_RANGE);
    received = receives->maximum;
  } else if (received == 0) {
    model_refuse(judgement, LEDGER_NOT_POSITIVE);
  }
  if (asked->least != NULL) {
    int64_t least = 0;
    if (model_read(asked->least, receives->scale, receives->digits, &least) == LEDGER_OK &&
        received < least)
      model_refuse(judgement, LEDGER_CONDITION_FAILED);
  }
  model_move(model, judgement, from, model_system(model, "exchange", from), amount);
  model_move(model, judgement, model_system(model, "exchange", to), to, (int64_t)received);
  judgement->journal.account = from;
  judgement->journal.amount = amount;
  judgement->journal.received_account = to;
  judgement->journal.received = (int64_t)received;
  snprintf(judgement->journal.rate, sizeof judgement->journal.rate, "%s", rate->rate);
  model_principal(judgement, amount, -1, -1);
  if (asked->fee != NULL) model_charge(model, judgement, asked, from, amount);
}

/* The opposite of an operation: of every posted entry while nothing is reversed and no amount is given; else of a part of the
** principal, which is possible where it went from one account to another. */
static inline void model_judge_reverse(struct model *model, const ledger_operation *asked,
                                       struct model_judgement *judgement) {
  if (!model_is_about(model, judgement, asked)) return;
  const struct model_journal *past = &model->journals[judgement->journal.parent];
  if (past->code != LEDGER_OK || past->reversible == 0) {
    model_refuse(judgement, LEDGER_WRONG_STATE);
    return;
  }
  int64_t left = past->reversible - past->reversed, now = left;
  if (asked->currency != NULL &&
      strcmp(asked->currency, model->accounts[past->account].currency) != 0)
    model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  if (asked->amount != NULL)
    now = model_amount(model, judgement, asked->amount, asked->currency, past->account);
  if (now > left || left == 0) model_refuse(judgement, LEDGER_OVER_REVERSED);
  if (asked->amount != NULL && past->giver < 0) model_refuse(judgement, LEDGER_BAD_OPERATION);
  judgement->journal.account = past->account;
  judgement->journal.amount = judgement->reverses = now;
  if (asked->amount == NULL && past->reversed == 0) {
    for (int i = past->entry_count - 1; i >= 0; i--)
      if (past->entries[i].layer == MODEL_POSTED)
        model_leg(judgement, past->entries[i].account, MODEL_POSTED, -past->entries[i].amount);
  } else if (past->giver >= 0 && now != 0) {
    int64_t amount = now;
    int scale = model->accounts[past->account].scale, other = model->accounts[past->taker].scale;
    if (other > scale) amount *= model_power(other - scale);
    if (other < scale && amount % model_power(scale - other) != 0)
      model_refuse(judgement, LEDGER_WRONG_SCALE);
    if (other < scale) amount /= model_power(scale - other);
    model_move(model, judgement, past->taker, past->giver, amount);
  }
}

/* ---- portfolios: orders, payouts, deposit addresses */

static inline int model_portfolio(const struct model *model, struct model_judgement *judgement,
                                  const char *user, const char *currency) {
  char name[80];
  snprintf(name, sizeof name, "portfolio:%.36s:%.20s", user, currency);
  return model_party(model, judgement, name);
}

static inline void model_reserve_here(struct model *model, struct model_judgement *judgement,
                                      int account, const char *outside, int64_t amount) {
  int house = model_system(model, outside, account);
  model_reserve(model, judgement, account, house, amount);
  judgement->journal.payer = judgement->journal.account = account;
  judgement->journal.payee = house;
  judgement->journal.amount = judgement->journal.remaining = amount;
  judgement->journal.shows_remaining = true;
  judgement->journal.status = "pending";
}

/* The product of a quantity and a price, both with eight digits. */
static inline int64_t model_total(const struct model_account *cash,
                                  struct model_judgement *judgement, int64_t quantity,
                                  int64_t price, const char *rounding) {
  __int128 total = model_round((__int128)quantity * price, model_power(8), rounding);
  if (total > cash->maximum) model_refuse(judgement, LEDGER_AMOUNT_RANGE);
  if (total <= 0) model_refuse(judgement, LEDGER_NOT_POSITIVE);
  return total > cash->maximum ? 0 : (int64_t)total;
}

static inline int64_t model_price(const struct model *model, struct model_judgement *judgement,
                                  const char *text, int cash) {
  return model_amount(model, judgement, text, NULL, cash);
}

static inline void model_judge_order(struct model *model, const ledger_operation *asked,
                                     struct model_judgement *judgement) {
  struct model_journal *journal = &judgement->journal;
  journal->is_buy = strcmp(asked->side, "buy") == 0;
  if (!journal->is_buy && strcmp(asked->side, "sell") != 0)
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  int cash = journal->cash = model_portfolio(model, judgement, asked->user, "USD");
  int coins = journal->coins = model_portfolio(model, judgement, asked->user, asked->asset);
  journal->quantity = model_amount(model, judgement, asked->amount, NULL, coins);
  journal->price = model_price(model, judgement, asked->price, cash);
  if (cash >= 0 && cash == coins) model_refuse(judgement, LEDGER_SAME_ACCOUNT);
  if (cash < 0 || coins < 0 || judgement->count > 0) return;
  snprintf(journal->rounding, sizeof journal->rounding, "%s", model_rounding(asked));
  journal->total = model_total(&model->accounts[cash], judgement, journal->quantity, journal->price,
                               journal->rounding);
  if (asked->fee != NULL) {
    journal->terms = model_fee_terms(model, judgement, asked->fee, cash);
    if (journal->terms < 0) return;
  }
  int64_t fee = journal->terms < 0
                    ? 0
                    : model_fee_of(model, journal->terms, cash, journal->total, journal->rounding);
  int64_t held = journal->is_buy ? journal->total + fee : journal->quantity;
  journal->fee =
      fee; /* as agreed; it is charged with the fills, and of a sale not in what is held */
  journal->has_fee = journal->terms >= 0 && journal->is_buy;
  journal->fee_account = cash;
  if (journal->is_buy && held > model->accounts[cash].maximum) {
    model_refuse(judgement, LEDGER_AMOUNT_RANGE);
    model_refuse(judgement, LEDGER_NO_FUNDS);
  }
  model_reserve_here(model, judgement, journal->is_buy ? cash : coins, "exchange", held);
}

/* The open order or payout that an operation is about; NULL after a refusal. */
static inline const struct model_journal *model_open(const struct model *model,
                                                     struct model_judgement *judgement,
                                                     const ledger_operation *asked,
                                                     enum ledger_operation_kind kind) {
  if (!model_is_about(model, judgement, asked)) return NULL;
  const struct model_journal *parent = &model->journals[judgement->journal.parent];
  if (parent->kind == kind && parent->code == LEDGER_OK && !parent->is_over) return parent;
  model_refuse(judgement, LEDGER_WRONG_STATE);
  return NULL;
}

static inline void model_judge_fill(struct model *model, const ledger_operation *asked,
                                    struct model_judgement *judgement) {
  const struct model_journal *order = model_open(model, judgement, asked, LEDGER_OP_ORDER);
  struct model_journal *journal = &judgement->journal;
  if (order == NULL) return;
  int cash = order->cash, coins = order->coins;
  int64_t open = order->quantity - order->filled, quantity = open, price = order->price;
  if (asked->amount != NULL) quantity = model_amount(model, judgement, asked->amount, NULL, coins);
  if (asked->price != NULL) price = model_price(model, judgement, asked->price, cash);
  if (quantity > open) model_refuse(judgement, LEDGER_OVER_CAPTURED);
  if (order->is_buy ? price > order->price : price < order->price)
    model_refuse(judgement, LEDGER_CONDITION_FAILED);
  int64_t total = model_total(&model->accounts[cash], judgement, quantity, price, order->rounding);
  if (order->is_buy && total > order->total - order->paid) total = order->total - order->paid;
  /* A part may not take all that is left of the total: the rest would cost nothing. */
  if (order->is_buy && total == order->total - order->paid && quantity < open)
    model_refuse(judgement, LEDGER_CONDITION_FAILED);
  if (asked->least != NULL) {
    int64_t limit = model_amount(model, judgement, asked->least, NULL, cash);
    if (order->is_buy ? total > limit : total < limit)
      model_refuse(judgement, LEDGER_CONDITION_FAILED);
  }
  if (judgement->count > 0) return;
  int64_t fee = 0;
  if (order->terms >= 0)
    fee = model_fee_of(model, order->terms, cash, order->paid + total, order->rounding) -
          order->charged;
  bool completes = quantity == open;
  int64_t settles = order->is_buy ? total + fee : quantity, left = model_left(order);
  judgement->settles = settles;
  judgement->releases = completes ? left - settles : 0;
  judgement->fills = quantity;
  judgement->pays = total;
  judgement->charges = fee;
  judgement->ends = completes;
  int payer = order->is_buy ? cash : coins, house_of_cash = model_system(model, "exchange", cash);
  int house_of_coins = model_system(model, "exchange", coins);
  model_reserve(model, judgement, payer, order->payee, -(settles + judgement->releases));
  if (order->is_buy) {
    model_move(model, judgement, cash, house_of_cash, total);
    model_move(model, judgement, house_of_coins, coins, quantity);
  } else {
    model_move(model, judgement, coins, house_of_coins, quantity);
    model_move(model, judgement, house_of_cash, cash, total);
  }
  if (fee > 0) model_move(model, judgement, cash, model_system(model, "fees", cash), fee);
  journal->account = cash;
  journal->amount = total;
  journal->fee = fee;
  journal->has_fee = order->terms >= 0;
  journal->fee_account = cash;
  journal->received_account = order->is_buy ? coins : cash;
  journal->received = order->is_buy ? quantity : total - fee;
  model_text(price, 8, journal->rate);
  journal->remaining = left - settles - judgement->releases;
  journal->shows_remaining = true;
  model_principal(judgement, total, -1, -1);
}

static inline void model_judge_give_back(struct model *model, const ledger_operation *asked,
                                         enum ledger_operation_kind of,
                                         struct model_judgement *judgement) {
  const struct model_journal *parent = model_open(model, judgement, asked, of);
  if (parent == NULL) return;
  int64_t left = model_left(parent);
  model_reserve(model, judgement, parent->payer, parent->payee, -left);
  judgement->releases = left;
  judgement->ends = true;
  judgement->journal.account = parent->payer;
  judgement->journal.amount = left;
  judgement->journal.shows_remaining = true;
}

static inline void model_judge_payout(struct model *model, const ledger_operation *asked,
                                      struct model_judgement *judgement) {
  int account = model_portfolio(model, judgement, asked->user, asked->currency);
  int64_t amount = model_amount(model, judgement, asked->amount, NULL, account), fee = 0;
  if (account < 0) return;
  if (strcmp(asked->currency, "USD") == 0) model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  if (asked->fee != NULL) {
    judgement->journal.terms = model_fee_terms(model, judgement, asked->fee, account);
    if (judgement->journal.terms < 0) return;
    fee = model_fee_of(model, judgement->journal.terms, account, amount, model_rounding(asked));
  }
  judgement->journal.quantity = amount;
  judgement->journal.fee = fee;
  judgement->journal.has_fee = judgement->journal.terms >= 0;
  model_reserve_here(model, judgement, account, "world", amount + fee);
}

static inline void model_judge_approve(const struct model *model, const ledger_operation *asked,
                                       struct model_judgement *judgement) {
  const struct model_journal *payout = model_open(model, judgement, asked, LEDGER_OP_PAYOUT);
  if (payout == NULL) return;
  if (payout->is_approved) model_refuse(judgement, LEDGER_WRONG_STATE);
  judgement->approves = true;
  judgement->journal.account = payout->payer;
  judgement->journal.amount = judgement->journal.remaining = model_left(payout);
  judgement->journal.shows_remaining = true;
  judgement->journal.status = "pending";
}

static inline void model_judge_complete(struct model *model, const ledger_operation *asked,
                                        struct model_judgement *judgement) {
  const struct model_journal *payout = model_open(model, judgement, asked, LEDGER_OP_PAYOUT);
  if (payout == NULL) return;
  if (!payout->is_approved) model_refuse(judgement, LEDGER_WRONG_STATE);
  int64_t left = model_left(payout), fee = left - payout->quantity;
  model_reserve(model, judgement, payout->payer, payout->payee, -left);
  model_move(model, judgement, payout->payer, payout->payee, payout->quantity);
  if (fee > 0)
    model_move(model, judgement, payout->payer, model_system(model, "fees", payout->payer), fee);
  judgement->settles = left;
  judgement->ends = true;
  judgement->journal.account = payout->payer;
  judgement->journal.amount = payout->quantity;
  judgement->journal.fee = fee;
  judgement->journal.has_fee = payout->terms >= 0;
  judgement->journal.shows_remaining = true;
}

static inline void model_judge_receive(struct model *model, const ledger_operation *asked,
                                       struct model_judgement *judgement) {
  int account = -1;
  bool is_active = true, is_there = false;
  for (int i = 0; i < model->address_count; i++) {
    const struct model_address *address = &model->addresses[i];
    if (strcmp(address->address, asked->address) != 0) continue;
    is_there = true;
    is_active = address->is_active;
    account = model_portfolio(model, judgement, address->user, address->coin);
  }
  if (!is_there) model_refuse(judgement, LEDGER_UNKNOWN_ACCOUNT);
  if (!is_active) model_refuse(judgement, LEDGER_WRONG_STATE);
  int64_t amount = model_amount(model, judgement, asked->amount, asked->currency, account);
  if (account < 0) return;
  model_move(model, judgement, model_system(model, "world", account), account, amount);
  judgement->journal.account = account;
  judgement->journal.amount = amount;
  if (asked->fee != NULL) model_charge(model, judgement, asked, account, amount);
}

/* ---- doing it */

static inline struct model_journal *model_append(struct model *model,
                                                 const struct model_judgement *judgement,
                                                 const ledger_operation *asked,
                                                 const char *created_at) {
  if (model->journal_count == model->journal_capacity) abort();
  struct model_journal *journal = &model->journals[model->journal_count];
  *journal = judgement->journal;
  snprintf(journal->reference, sizeof journal->reference, "%s", asked->reference);
  snprintf(journal->created_at, sizeof journal->created_at, "%s", created_at);
  size_t size = sizeof *journal->entries * (size_t)journal->entry_count;
  journal->entries = malloc(size + 1);
  if (size > 0) memcpy(journal->entries, judgement->entries, size);
  int *place = model_place(
      model, journal->reference); /* before it is counted: it compares with what is there */
  if (journal->key[0] != 0) {
    model->keyed =
        model_grow(model->keyed, model->key_count, &model->key_capacity, sizeof *model->keyed);
    model->keyed[model->key_count++] = model->journal_count;
  }
  *place = ++model->journal_count;
  return journal;
}

/* A refusal that is kept: the reference is used, and that is all. */
static inline void model_keep_refusal(struct model *model, const struct model_judgement *judgement,
                                      const ledger_operation *asked, int code,
                                      const char *created_at) {
  struct model_judgement kept = *judgement;
  kept.journal.entry_count = 0;
  kept.journal.reversible = 0;
  kept.journal.effective_us = 0; /* it counts for nothing */
  kept.journal.code = code;
  kept.journal.status = "failed";
  model_append(model, &kept, asked, created_at);
}

static inline void model_apply(struct model *model, const struct model_judgement *judgement,
                               const ledger_operation *asked, const char *created_at) {
  const struct model_journal *journal = model_append(model, judgement, asked, created_at);
  for (int i = 0; i < journal->entry_count; i++) {
    const struct model_entry *entry = &journal->entries[i];
    struct model_account *account = &model->accounts[entry->account];
    model_note(model, account, sizeof *account);
    if (entry->layer == MODEL_POSTED) account->balance += entry->amount;
    if (entry->layer == MODEL_HELD) account->held -= entry->amount;
    if (entry->layer == MODEL_EXPECTED) account->expected += entry->amount;
    account->version++;
  }
  if (judgement->target >= 0) {
    struct model_account *account = &model->accounts[judgement->target];
    model_note(model, account, sizeof *account);
    if (judgement->sets_status) account->status = judgement->status;
    if (judgement->sets_limits) {
      account->overdraft = judgement->overdraft;
      account->least = judgement->least;
      account->most = judgement->most;
    }
  }
  if (journal->parent >= 0) {
    struct model_journal *parent = &model->journals[journal->parent];
    model_note(model, parent, sizeof *parent);
    parent->settled += judgement->settles;
    parent->released += judgement->releases;
    parent->reversed += judgement->reverses;
    parent->filled += judgement->fills;
    parent->paid += judgement->pays;
    parent->charged += judgement->charges;
    parent->is_over |= judgement->ends;
    parent->is_approved |= judgement->approves;
  }
}

/* ---- accounts: opening, limits, states */

static inline int64_t model_limit(const char *text, const struct model_account *account,
                                  int64_t otherwise, bool may_be_negative,
                                  struct model_judgement *judgement) {
  int64_t limit = otherwise;
  if (text == NULL) return limit;
  int code = model_read(text, account->scale, account->scale, &limit);
  if (code != LEDGER_OK) model_refuse(judgement, code);
  if (limit < 0 && !may_be_negative) model_refuse(judgement, LEDGER_NOT_POSITIVE);
  if (llabs(limit) > account->maximum) model_refuse(judgement, LEDGER_AMOUNT_RANGE);
  return limit;
}

static inline void model_read_limits(const ledger_operation *asked,
                                     const struct model_account *account,
                                     struct model_judgement *judgement) {
  judgement->sets_limits = true;
  judgement->overdraft = model_limit(asked->overdraft_limit, account, 0, false, judgement);
  judgement->least = model_limit(asked->min_balance, account, 0, true, judgement);
  judgement->most = model_limit(asked->max_balance, account, INT64_MAX, false, judgement);
}

static inline void model_judge_open(const struct model *model, const ledger_operation *asked,
                                    struct model_judgement *judgement) {
  struct model_account account = {.scale = 2, .maximum = model_power(15) - 1};
  judgement->opens = true;
  if (strlen(asked->currency) != 3 || strspn(asked->currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  if (asked->number != NULL && model_find(model, asked->number) >= 0)
    model_refuse(judgement, LEDGER_UNIQUE);
  model_read_limits(asked, &account, judgement);
}

static inline void model_judge_status(const struct model *model, const ledger_operation *asked,
                                      struct model_judgement *judgement) {
  int account = judgement->target = model_party(model, judgement, asked->account);
  if (account < 0) return;
  const struct model_account *of = &model->accounts[account];
  static const int states[] = {[LEDGER_OP_FREEZE] = MODEL_FROZEN,
                               [LEDGER_OP_SUSPEND] = MODEL_SUSPENDED,
                               [LEDGER_OP_ACTIVATE] = MODEL_ACTIVE,
                               [LEDGER_OP_CLOSE] = MODEL_CLOSED};
  judgement->sets_status = true;
  judgement->status = states[asked->kind];
  if (of->is_portfolio) model_refuse(judgement, LEDGER_WRONG_STATE);
  if (of->status == MODEL_CLOSED) model_refuse(judgement, LEDGER_CLOSED);
  if (of->status == judgement->status) model_refuse(judgement, LEDGER_WRONG_STATE);
  if (asked->kind == LEDGER_OP_CLOSE && (of->balance != 0 || of->held != 0 || of->expected != 0))
    model_refuse(judgement, LEDGER_NOT_EMPTY);
}

/* ---- the whole */

/* What each kind needs, and what it may have besides what all may have. */
struct model_members {
  const char *needs, *allows;
};
static const struct model_members model_members[LEDGER_OP_COUNT] = {
    [LEDGER_OP_OPEN] = {"currency", "type number user overdraft_limit min_balance max_balance"},
    [LEDGER_OP_LIMITS] = {"account", "overdraft_limit min_balance max_balance"},
    [LEDGER_OP_FREEZE] = {"account", ""},
    [LEDGER_OP_SUSPEND] = {"account", ""},
    [LEDGER_OP_ACTIVATE] = {"account", ""},
    [LEDGER_OP_CLOSE] = {"account", ""},
    [LEDGER_OP_OPENING] = {"to amount", "currency"},
    [LEDGER_OP_DEPOSIT] = {"to amount", "currency fee rounding max_after"},
    [LEDGER_OP_WITHDRAW] = {"from amount", "currency fee rounding min_available"},
    [LEDGER_OP_TRANSFER] = {"from to amount",
                            "currency fee rounding min_available max_after to_version"},
    [LEDGER_OP_POST] = {"legs", ""},
    [LEDGER_OP_HOLD] = {"from amount", "to currency expires_at min_available to_version"},
    [LEDGER_OP_CAPTURE] = {"of", "amount currency final fee rounding"},
    [LEDGER_OP_RELEASE] = {"of", ""},
    [LEDGER_OP_EXPIRE] = {"of", ""},
    [LEDGER_OP_REVERSE] = {"of", "amount currency"},
    [LEDGER_OP_FEE] = {"account amount", "currency fee rounding min_available"},
    [LEDGER_OP_EXCHANGE] = {"from to amount",
                            "currency least fee rounding min_available max_after to_version"},
    [LEDGER_OP_ADJUST] = {"amount", "from to currency"},
    [LEDGER_OP_RECEIVE] = {"address amount", "currency txn_hash fee rounding"},
    [LEDGER_OP_ORDER] = {"user side asset amount price", "fee rounding"},
    [LEDGER_OP_FILL] = {"of", "amount price least rounding"},
    [LEDGER_OP_CANCEL] = {"of", ""},
    [LEDGER_OP_PAYOUT] = {"user currency amount", "address fee rounding"},
    [LEDGER_OP_APPROVE] = {"of", ""},
    [LEDGER_OP_COMPLETE] = {"of txn_hash", ""},
    [LEDGER_OP_REJECT] = {"of", ""},
    [LEDGER_OP_AUDIT] = {"nothing of this", ""}};
#define MODEL_COMMON                                                                               \
  "reference key scope effective_at description metadata reason keep_failed linked version"

static inline bool model_lists(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = strstr(list, word); at != NULL; at = strstr(at + 1, word))
    if ((at == list || at[-1] == ' ') && (at[length] == ' ' || at[length] == 0)) return true;
  return false;
}

/* The members, one by one: needed ones are there, others are not, and texts are not empty. */
static inline void model_judge_members(const ledger_operation *asked,
                                       struct model_judgement *judgement) {
  const struct model_members *members = &model_members[asked->kind];
#define MODEL_MEMBER(name, given)                                                                  \
  if (!(given) && model_lists(members->needs, name))                                               \
    model_refuse(judgement, LEDGER_BAD_OPERATION);                                                 \
  if ((given) && !model_lists(members->needs, name) && !model_lists(members->allows, name) &&      \
      !model_lists(MODEL_COMMON, name))                                                            \
    model_refuse(judgement, LEDGER_BAD_OPERATION);
#define X(name, meaning)                                                                           \
  MODEL_MEMBER(#name, asked->name != NULL)                                                         \
  if (asked->name != NULL && asked->name[0] == 0) model_refuse(judgement, LEDGER_BAD_OPERATION);
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) MODEL_MEMBER(#name, asked->name != 0)
  LEDGER_OPERATION_FLAGS(X)
#undef X
  MODEL_MEMBER("legs", asked->leg_count > 0)
  MODEL_MEMBER("to_version", asked->to_version != 0)
#undef MODEL_MEMBER
  if (asked->kind == LEDGER_OP_AUDIT || asked->reference == NULL ||
      (asked->scope != NULL && asked->key == NULL))
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  if (asked->kind == LEDGER_OP_ADJUST && (asked->from == NULL) == (asked->to == NULL))
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  if (asked->leg_count > LEDGER_LEG_MAX) model_refuse(judgement, LEDGER_BAD_OPERATION);
  const char *about = asked->account != NULL ? asked->account
                      : asked->from != NULL  ? asked->from
                                             : asked->to;
  if ((asked->version != 0 && about == NULL) || (asked->to_version != 0 && asked->to == NULL))
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  if (asked->reference != NULL && strlen(asked->reference) > LEDGER_REFERENCE_MAX)
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  else if (asked->reference != NULL && model_is_reserved(asked->reference))
    model_refuse(judgement, LEDGER_RESERVED_SUFFIX);
  if (asked->rounding != NULL &&
      !model_lists("half_up half_even down up floor ceiling", asked->rounding))
    model_refuse(judgement, LEDGER_BAD_OPERATION);
  const char *times[] = {asked->effective_at, asked->expires_at};
  for (int i = 0; i < 2; i++) {
    if (times[i] != NULL && model_time(times[i]) == 0) {
      model_refuse(judgement, LEDGER_INVALID_DATETIME);
      model_refuse(judgement, LEDGER_DATETIME_RANGE);
    }
  }
  if (asked->metadata != NULL && asked->metadata[0] != '{') {
    model_refuse(judgement, LEDGER_BAD_OPERATION);
    model_refuse(judgement, LEDGER_INVALID_TEXT);
  }
}

static inline void model_judge_versions(const struct model *model, const ledger_operation *asked,
                                        struct model_judgement *judgement) {
  const char *about = asked->account != NULL ? asked->account
                      : asked->from != NULL  ? asked->from
                                             : asked->to;
  int account = model_find(model, about), to = model_find(model, asked->to);
  if (asked->version != 0 && account >= 0 && model->accounts[account].version != asked->version)
    model_refuse(judgement, LEDGER_VERSION_CONFLICT);
  if (asked->to_version != 0 && to >= 0 && model->accounts[to].version != asked->to_version)
    model_refuse(judgement, LEDGER_VERSION_CONFLICT);
}

static inline void model_judge_conditions(const struct model *model, const ledger_operation *asked,
                                          struct model_judgement *judgement) {
  int payer = model_find(model, asked->from != NULL ? asked->from : asked->account);
  int receiver = model_find(model, asked->to);
  if (asked->min_available != NULL && payer >= 0) {
    judgement->least_account = payer;
    int code = model_read(asked->min_available, model->accounts[payer].scale,
                          model->accounts[payer].scale, &judgement->least_available);
    if (code != LEDGER_OK) model_refuse(judgement, code);
  }
  if (asked->max_after != NULL && receiver >= 0) {
    judgement->most_account = receiver;
    int code = model_read(asked->max_after, model->accounts[receiver].scale,
                          model->accounts[receiver].scale, &judgement->most_balance);
    if (code != LEDGER_OK) model_refuse(judgement, code);
  }
}

/* An operation that was asked before. False: it is a new one. */
static inline bool model_judge_again(const struct model *model, const ledger_operation *asked,
                                     uint64_t request, struct model_judgement *judgement) {
  int named = model_find_journal(model, asked->reference);
  int keyed = asked->key == NULL ? -1 : model_find_key(model, asked->scope, asked->key);
  if (named >= 0 && model->journals[named].request == request) {
    judgement->replay = named;
    return true;
  }
  if (named >= 0) model_refuse(judgement, LEDGER_REFERENCE_REUSED);
  if (named < 0 && keyed >= 0) model_refuse(judgement, LEDGER_KEY_REUSED);
  return false;
}

static inline void model_judge_kind(struct model *model, const ledger_operation *asked,
                                    int64_t before_us, int64_t after_us,
                                    struct model_judgement *judgement) {
  switch (asked->kind) {
  case LEDGER_OP_OPEN: model_judge_open(model, asked, judgement); break;
  case LEDGER_OP_LIMITS:
    judgement->target = model_party(model, judgement, asked->account);
    if (judgement->target < 0) break;
    if (model->accounts[judgement->target].status == MODEL_CLOSED)
      model_refuse(judgement, LEDGER_CLOSED);
    model_read_limits(asked, &model->accounts[judgement->target], judgement);
    break;
  case LEDGER_OP_FREEZE:
  case LEDGER_OP_SUSPEND:
  case LEDGER_OP_ACTIVATE:
  case LEDGER_OP_CLOSE: model_judge_status(model, asked, judgement); break;
  case LEDGER_OP_OPENING:
  case LEDGER_OP_ADJUST: model_judge_outside(model, asked, "equity", judgement); break;
  case LEDGER_OP_DEPOSIT:
  case LEDGER_OP_WITHDRAW: model_judge_outside(model, asked, "world", judgement); break;
  case LEDGER_OP_TRANSFER: model_judge_transfer(model, asked, judgement); break;
  case LEDGER_OP_POST: model_judge_legs(model, asked, judgement); break;
  case LEDGER_OP_HOLD: model_judge_hold(model, asked, before_us, after_us, judgement); break;
  case LEDGER_OP_CAPTURE:
  case LEDGER_OP_RELEASE:
  case LEDGER_OP_EXPIRE: model_judge_held(model, asked, before_us, after_us, judgement); break;
  case LEDGER_OP_REVERSE: model_judge_reverse(model, asked, judgement); break;
  case LEDGER_OP_FEE: model_judge_fee(model, asked, judgement); break;
  case LEDGER_OP_EXCHANGE: model_judge_exchange(model, asked, before_us, judgement); break;
  case LEDGER_OP_RECEIVE: model_judge_receive(model, asked, judgement); break;
  case LEDGER_OP_ORDER: model_judge_order(model, asked, judgement); break;
  case LEDGER_OP_FILL: model_judge_fill(model, asked, judgement); break;
  case LEDGER_OP_CANCEL: model_judge_give_back(model, asked, LEDGER_OP_ORDER, judgement); break;
  case LEDGER_OP_PAYOUT: model_judge_payout(model, asked, judgement); break;
  case LEDGER_OP_APPROVE: model_judge_approve(model, asked, judgement); break;
  case LEDGER_OP_COMPLETE: model_judge_complete(model, asked, judgement); break;
  case LEDGER_OP_REJECT: model_judge_give_back(model, asked, LEDGER_OP_PAYOUT, judgement); break;
  default: model_refuse(judgement, LEDGER_BAD_OPERATION);
  }
}

/* The clock stood at before_us when it was asked and at after_us when it was answered. */
static inline void model_judge(struct model *model, const ledger_operation *asked,
                               int64_t before_us, int64_t after_us,
                               struct model_judgement *judgement) {
  memset(judgement, 0, sizeof *judgement);
  struct model_journal *journal = &judgement->journal;
  journal->kind = asked->kind;
  journal->status = "completed";
  journal->parent = journal->account = journal->received_account = journal->fee_account = -1;
  journal->payer = journal->payee = journal->giver = journal->taker = journal->terms = -1;
  judgement->replay = judgement->target = judgement->least_account = judgement->most_account = -1;
  model_judge_members(asked, judgement);
  if (judgement->count > 0) {
    if (model_find_journal(model, asked->reference) >= 0)
      model_refuse(judgement, LEDGER_REFERENCE_REUSED);
    return;
  }
  journal->request = model_request(model, asked);
  if (asked->key != NULL)
    snprintf(journal->key, sizeof journal->key, "%s\n%s", asked->scope == NULL ? "" : asked->scope,
             asked->key);
  journal->effective_us = asked->effective_at == NULL ? 0 : model_time(asked->effective_at);
  if (model_judge_again(model, asked, journal->request, judgement)) return;
  model_judge_versions(model, asked, judgement);
  model_judge_kind(model, asked, before_us, after_us, judgement);
  model_judge_conditions(model, asked, judgement);
  model_try(model, judgement);
  if (journal->has_fee && journal->fee_account < 0) journal->fee_account = journal->account;
  if (judgement->clock_code == LEDGER_OK) return;
  judgement->is_unsure = judgement->count == 0 && !judgement->clock_is_certain;
  model_refuse(judgement, judgement->clock_code);
}

#endif
