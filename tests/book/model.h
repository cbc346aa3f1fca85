/*
** model.h: the book as plain C in memory, written from ledger.h alone: a second opinion. It shares no code with the engine.
**
** model_judge() says of an operation which refusals may be given (where several apply, any of them is right), or that it is a
** retry, or what it does; model_apply() does it. Everything that changes is noted first, so that model_undo() can go back to
** a mark: a batch that was refused, a dry run, a rollback.
*/
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../ledger.h"

/* ---- amounts: whole numbers of 10^-scale */

static inline int64_t model_power(int exponent) {
  int64_t power = 1;
  while (exponent-- > 0) power *= 10;
  return power;
}

static inline const char *model_text(int64_t amount, int scale, char out[24]) {
  char text[64];
  int64_t power = model_power(scale), whole = llabs(amount / power), part = llabs(amount % power);
  const char *sign = amount < 0 ? "-" : "";
  int length = snprintf(text, sizeof text, "%s%lld", sign, (long long)whole);
  if (scale > 0)
    length +=
        snprintf(text + length, sizeof text - (size_t)length, ".%0*lld", scale, (long long)part);
  if (length >= 24) abort();
  memcpy(out, text, (size_t)length + 1);
  return out;
}

/* A number as PostgreSQL's numeric reads it, but for exponents, NaN and Infinity. */
static inline int model_read(const char *text, int scale, int digits, int64_t *out) {
  __int128 value = 0;
  int before = 0, after = 0, lost = 0;
  bool negative = false, out_of_range = false;
  while (*text == ' ') text++;
  if (*text == '-' || *text == '+') negative = *text++ == '-';
  for (; *text >= '0' && *text <= '9'; text++, before++) {
    if (value < (__int128)1 << 100) value = value * 10 + (*text - '0');
  }
  if (*text == '.') {
    for (text++; *text >= '0' && *text <= '9'; text++) {
      after++;
      if (after > digits && *text != '0') lost = after;
      if (after <= scale && value < (__int128)1 << 100) value = value * 10 + (*text - '0');
    }
  }
  while (*text == ' ') text++;
  if (*text != 0 || before + after == 0) return LEDGER_INVALID_TEXT;
  for (; after < scale; after++)
    if (value < (__int128)1 << 100) value *= 10;
  if (value > INT64_MAX) out_of_range = true;
  *out = out_of_range ? (negative ? INT64_MIN : INT64_MAX) : (int64_t)(negative ? -value : value);
  if (lost != 0) return LEDGER_WRONG_SCALE;
  return out_of_range ? LEDGER_AMOUNT_RANGE : LEDGER_OK;
}

/* numerator / denominator, rounded by one of ledger.h's words. */
static inline __int128 model_round(__int128 numerator, __int128 denominator, const char *rounding) {
  __int128 quotient = numerator / denominator, rest = numerator % denominator;
  int sign = numerator < 0 ? -1 : 1;
  if (rest == 0 || strcmp(rounding, "down") == 0) return quotient;
  __int128 twice = rest < 0 ? -2 * rest : 2 * rest;
  if (strcmp(rounding, "up") == 0) return quotient + sign;
  if (strcmp(rounding, "floor") == 0) return sign < 0 ? quotient - 1 : quotient;
  if (strcmp(rounding, "ceiling") == 0) return sign < 0 ? quotient : quotient + 1;
  if (twice != denominator) return twice > denominator ? quotient + sign : quotient;
  if (strcmp(rounding, "half_even") == 0) return quotient % 2 == 0 ? quotient : quotient + sign;
  return quotient + sign; /* half_up: away from zero */
}

static inline int model_digits(const char *currency) {
  static const char *const none[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
                                     "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"};
  static const char *const three[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
  static const char *const four[] = {"CLF", "UYW"};
  static const char *const eight[] = {"BTC", "ETH", "USDT", "USDC", "XRP", "ADA"};
#define MODEL_LISTED(list, count)                                                                  \
  for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++)                                    \
    if (strcmp((list)[i], currency) == 0) return count;
  MODEL_LISTED(none, 0)
  MODEL_LISTED(three, 3)
  MODEL_LISTED(four, 4)
  MODEL_LISTED(eight, 8)
#undef MODEL_LISTED
  return 2;
}

/* ---- what there is */

enum { MODEL_ACTIVE, MODEL_SUSPENDED, MODEL_FROZEN, MODEL_CLOSED };
static const char *const model_statuses[] = {"active", "suspended", "frozen", "closed"};
enum { MODEL_POSTED, MODEL_HELD, MODEL_EXPECTED };

#define MODEL_ACCOUNT_MAX 256
#define MODEL_ENTRY_MAX 160
#define MODEL_CODES 128

struct model_account {
  char name[80], number[52], currency[24];
  bool is_system, is_portfolio;
  int scale, digits, status;
  int64_t maximum, balance, held, expected, version, overdraft, least, most;
};

struct model_entry {
  int account, layer;
  int64_t amount;
  int64_t balance, available, held, version; /* of the account, after it */
};

struct model_journal {
  char reference[LEDGER_REFERENCE_MAX + 1];
  char key[80]; /* scope, newline, key; "" if it has none */
  enum ledger_operation_kind kind;
  int code;             /* of a refusal that was kept */
  uint64_t request;     /* of what decides if a retry is the same */
  int64_t effective_us; /* 0: when it was booked */
  char created_at[40];
  int parent; /* -1: none */
  int entry_count;
  struct model_entry *entries;
  int account; /* of amount and fee; -1: none */
  int64_t amount, fee, received;
  bool has_fee, shows_remaining;
  int received_account, fee_account; /* -1: none */
  char rate[24];
  int64_t remaining;
  const char *status;
  /* a hold: */
  int payer, payee;
  int64_t settled, released, expires_us;
  /* what can be reversed, in units of `account`; giver -1: only as a whole */
  int64_t reversible, reversed;
  int giver, taker;
  /* an order or a payout: */
  bool is_buy, is_over, is_approved;
  int cash, coins;
  int terms; /* of its fee, -1: none */
  int64_t quantity, price, total, filled, paid, charged;
  char rounding[12];
};

struct model_rate {
  const char *from, *to, *rate;
  int64_t quoted_us;
};
struct model_fee {
  const char *type, *currency, *percentage, *flat, *least, *most; /* most NULL: none */
};

struct model_address {
  const char *address, *user, *coin;
  bool is_active;
};

struct model_undo {
  void *where;
  size_t size;
  char *bytes;
};

struct model {
  int account_count;
  struct model_account accounts[MODEL_ACCOUNT_MAX];
  int journal_count, journal_capacity;
  struct model_journal *journals;
  int *table; /* journal + 1 by hash of its reference */
  int table_size;
  bool has_portfolio; /* the schema has the tables of prices and portfolios */
  int rate_count, fee_count, address_count;
  const struct model_rate *rates;
  const struct model_fee *fees;
  const struct model_address *addresses;
  int key_count, key_capacity;
  int *keyed; /* journals with a key, in order */
  int undo_count, undo_capacity;
  struct model_undo *undo;
};

struct model_judgement {
  bool codes[MODEL_CODES]; /* refusals that may be given */
  int count;
  int clock_code; /* a refusal that the time may give; LEDGER_OK: none */
  bool clock_is_certain;
  bool is_unsure; /* it may be done all the same */
  int replay;     /* journal of which this is a retry, -1: none */
  bool sets_status, sets_limits, opens;
  int target, status;
  int64_t overdraft, least, most;
  int64_t settles, releases; /* of the journal's parent */
  int64_t reverses, fills, pays, charges;
  bool ends, approves;
  int least_account, most_account; /* conditions, -1: none */
  int64_t least_available, most_balance;
  struct model_journal journal;
  struct model_entry entries[MODEL_ENTRY_MAX];
};

/* ---- remembering, to go back */

static inline void *model_grow(void *memory, int count, int *capacity, size_t size) {
  if (count < *capacity) return memory;
  *capacity = *capacity == 0 ? 1024 : 2 * *capacity;
  memory = realloc(memory, (size_t)*capacity * size);
  if (memory == NULL) abort();
  return memory;
}

static inline void model_note(struct model *model, void *where, size_t size) {
  model->undo =
      model_grow(model->undo, model->undo_count, &model->undo_capacity, sizeof *model->undo);
  struct model_undo *undo = &model->undo[model->undo_count++];
  *undo = (struct model_undo){where, size, malloc(size)};
  memcpy(undo->bytes, where, size);
}

struct model_mark {
  int undo_count, journal_count, account_count;
};

static inline struct model_mark model_mark(const struct model *model) {
  return (struct model_mark){model->undo_count, model->journal_count, model->account_count};
}

static inline uint64_t model_hash(uint64_t hash, const void *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
  return hash;
}
static inline uint64_t model_hash_text(uint64_t hash, const char *text) {
  return text == NULL ? model_hash(hash, "\1", 1) : model_hash(hash, text, strlen(text) + 1);
}

/* Its place in the table, or where it would be. */
static inline int *model_place(const struct model *model, const char *reference) {
  uint64_t at = model_hash_text(0xcbf29ce484222325u, reference);
  for (;; at++) {
    int *place = &model->table[at % (uint64_t)model->table_size];
    if (*place == 0 || strcmp(model->journals[*place - 1].reference, reference) == 0) return place;
  }
}

static inline int model_find_journal(const struct model *model, const char *reference) {
  return reference == NULL ? -1 : *model_place(model, reference) - 1;
}

/* Keys are few: one after the other, the last first. */
static inline int model_find_key(const struct model *model, const char *scope, const char *key) {
  char whole[80];
  snprintf(whole, sizeof whole, "%s\n%s", scope == NULL ? "" : scope, key);
  for (int i = 0; i < model->key_count; i++)
    if (strcmp(model->journals[model->keyed[i]].key, whole) == 0) return model->keyed[i];
  return -1;
}

static inline void model_undo(struct model *model, struct model_mark mark) {
  while (model->undo_count > mark.undo_count) {
    struct model_undo *undo = &model->undo[--model->undo_count];
    memcpy(undo->where, undo->bytes, undo->size);
    free(undo->bytes);
  }
  while (model->journal_count >
         mark.journal_count) { /* the last in is the first out: no other was placed behind it */
    struct model_journal *journal = &model->journals[model->journal_count - 1];
    *model_place(model, journal->reference) = 0;
    free(journal->entries);
    if (journal->key[0] != 0) model->key_count--;
    model->journal_count--;
  }
  model->account_count = mark.account_count;
}

/* What was done stays done. */
static inline void model_keep(struct model *model) {
  while (model->undo_count > 0) free(model->undo[--model->undo_count].bytes);
}

/* Journals must not move while they are noted: there is room for all that a test does. */
static inline void model_start(struct model *model, int journals) {
  *model = (struct model){.journal_capacity = journals, .table_size = 2 * journals + 7};
  model->journals = calloc((size_t)journals, sizeof *model->journals);
  model->table = calloc((size_t)model->table_size, sizeof *model->table);
  if (model->journals == NULL || model->table == NULL) abort();
}

static inline void model_end(struct model *model) {
  model_undo(model, (struct model_mark){model->undo_count, 0, 0});
  model_keep(model);
  free(model->journals);
  free(model->table);
  free(model->keyed);
  free(model->undo);
}

/* ---- accounts */

static inline struct model_account *model_add_account(struct model *model, const char *name,
                                                      const char *currency, int scale) {
  if (model->account_count == MODEL_ACCOUNT_MAX) abort();
  struct model_account *account = &model->accounts[model->account_count++],
                       made = {.scale = scale, .most = INT64_MAX};
  snprintf(made.name, sizeof made.name, "%s", name);
  snprintf(made.currency, sizeof made.currency, "%s", currency);
  *account = made;
  account->digits = scale == 8 || model_digits(currency) > scale ? scale : model_digits(currency);
  account->maximum = model_power(scale == 8 ? 18 : 15) - 1;
  return account;
}

/* -1: there is none. */
static inline int model_find(const struct model *model, const char *name) {
  for (int i = 0; name != NULL && i < model->account_count; i++)
    if (strcmp(model->accounts[i].name, name) == 0 ||
        (model->accounts[i].number[0] != 0 && strcmp(model->accounts[i].number, name) == 0))
      return i;
  return -1;
}

static inline int model_system(struct model *model, const char *name, int like) {
  char full[80];
  const struct model_account *of = &model->accounts[like];
  snprintf(full, sizeof full, "system:%s:%s:%d", name, of->currency, of->scale);
  int found = model_find(model, full);
  if (found >= 0) return found;
  struct model_account *account = model_add_account(model, full, of->currency, of->scale);
  account->is_system = true;
  account->maximum = INT64_MAX;
  return model->account_count - 1;
}

/* Amounts that are out of range are tried, too, on their way to a refusal: the sum stops at the ends. */
static inline int64_t model_sum(int64_t a, int64_t b) {
  int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? -INT64_MAX : INT64_MAX;
}

static inline int64_t model_available(const struct model_account *account) {
  return model_sum(account->balance, -account->held);
}

/* ---- judging */

static inline void model_refuse(struct model_judgement *judgement, int code) {
  if (!judgement->codes[code]) judgement->count++;
  judgement->codes[code] = true;
}

static inline void model_leg(struct model_judgement *judgement, int account, int layer,
                             int64_t amount) {
  if (amount == 0) return;
  if (judgement->journal.entry_count == MODEL_ENTRY_MAX) abort();
  judgement->entries[judgement->journal.entry_count++] =
      (struct model_entry){.account = account, .layer = layer, .amount = amount};
}

/* What was reserved is free again: that no status stands in the way of. */
static inline bool model_gives_back(const struct model_entry *entry) {
  return (entry->layer == MODEL_HELD && entry->amount > 0) ||
         (entry->layer == MODEL_EXPECTED && entry->amount < 0);
}

/* The amount in the other account's units; *between and *beyond: the exchange accounts that it passes, -1 for none. */
static inline int64_t model_arrives(struct model *model, struct model_judgement *judgement,
                                    int from, int to, int64_t amount, int *between, int *beyond) {
  int from_scale = model->accounts[from].scale, to_scale = model->accounts[to].scale;
  *between = *beyond = -1;
  if (strcmp(model->accounts[from].currency, model->accounts[to].currency) != 0)
    model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  if (from_scale == to_scale) return amount;
  *between = model_system(model, "exchange", from);
  *beyond = model_system(model, "exchange", to);
  if (to_scale < from_scale) {
    int64_t unit = model_power(from_scale - to_scale);
    if (amount % unit != 0) model_refuse(judgement, LEDGER_WRONG_SCALE);
    return amount / unit;
  }
  __int128 arrives = (__int128)amount * model_power(to_scale - from_scale);
  if (arrives <= INT64_MAX && arrives >= -INT64_MAX) return (int64_t)arrives;
  model_refuse(judgement, LEDGER_AMOUNT_RANGE);
  return 0;
}

/* From one account to another of the same currency; where they differ in digits, through the exchange accounts of both. */
static inline void model_move(struct model *model, struct model_judgement *judgement, int from,
                              int to, int64_t amount) {
  int between, beyond;
  int64_t arrives = model_arrives(model, judgement, from, to, amount, &between, &beyond);
  model_leg(judgement, from, MODEL_POSTED, -amount);
  if (between >= 0) model_leg(judgement, between, MODEL_POSTED, amount);
  if (between >= 0) model_leg(judgement, beyond, MODEL_POSTED, -arrives);
  model_leg(judgement, to, MODEL_POSTED, arrives);
}

/* The same for what is reserved; a negative amount gives back. */
static inline void model_reserve(struct model *model, struct model_judgement *judgement, int from,
                                 int to, int64_t amount) {
  int between, beyond;
  int64_t arrives = model_arrives(model, judgement, from, to, amount, &between, &beyond);
  model_leg(judgement, from, MODEL_HELD, -amount);
  if (between >= 0) model_leg(judgement, between, MODEL_EXPECTED, amount);
  if (between >= 0) model_leg(judgement, beyond, MODEL_EXPECTED, -arrives);
  model_leg(judgement, to, MODEL_EXPECTED, arrives);
}

/* An account that takes part; -1 after a refusal. System accounts are for reading. */
static inline int model_party(const struct model *model, struct model_judgement *judgement,
                              const char *name) {
  int account = model_find(model, name);
  if (strncmp(name, "portfolio:", 10) == 0 && !model->has_portfolio)
    model_refuse(judgement, LEDGER_NO_BOOK);
  else if (account < 0 || model->accounts[account].is_system)
    model_refuse(judgement, LEDGER_UNKNOWN_ACCOUNT);
  return account >= 0 && model->accounts[account].is_system ? -1 : account;
}

/* An amount that is asked for, in the account's units. */
static inline int64_t model_amount(const struct model *model, struct model_judgement *judgement,
                                   const char *text, const char *currency, int account) {
  int64_t amount = 0;
  if (text == NULL) return 0;
  const struct model_account *of = account < 0 ? NULL : &model->accounts[account];
  int code =
      model_read(text, of == NULL ? 2 : of->scale, of == NULL ? INT_MAX : of->digits, &amount);
  if (code != LEDGER_OK) model_refuse(judgement, code);
  if (code != LEDGER_INVALID_TEXT && amount <= 0) model_refuse(judgement, LEDGER_NOT_POSITIVE);
  if (of != NULL && amount > of->maximum) model_refuse(judgement, LEDGER_AMOUNT_RANGE);
  if (of != NULL && currency != NULL && strcmp(of->currency, currency) != 0)
    model_refuse(judgement, LEDGER_WRONG_CURRENCY);
  return amount;
}

/* The entries one after the other, on copies of their accounts, then each account as all of them leave it. */
static inline void model_try(const struct model *model, struct model_judgement *judgement) {
  struct model_account copies[MODEL_ENTRY_MAX];
  int of[MODEL_ENTRY_MAX], count = 0;
  for (int i = 0; i < judgement->journal.entry_count; i++) {
    struct model_entry *entry = &judgement->entries[i];
    int place = 0;
    while (place < count && of[place] != entry->account) place++;
    if (place == count) {
      of[count] = entry->account;
      copies[count++] = model->accounts[entry->account];
    }
    struct model_account *account = &copies[place];
    if (entry->layer == MODEL_POSTED) account->balance = model_sum(account->balance, entry->amount);
    if (entry->layer == MODEL_HELD) account->held = model_sum(account->held, -entry->amount);
    if (entry->layer == MODEL_EXPECTED) account->expected = model_sum(account->expected, entry->amount);
    entry->balance = account->balance;
    entry->held = account->held;
    entry->available = model_available(account);
    entry->version = ++account->version;
    if (account->is_system || model_gives_back(entry)) continue;
    if (account->status == MODEL_CLOSED) model_refuse(judgement, LEDGER_CLOSED);
    if (account->status == MODEL_SUSPENDED) model_refuse(judgement, LEDGER_SUSPENDED);
    if (account->status == MODEL_FROZEN && entry->amount < 0)
      model_refuse(judgement, LEDGER_FROZEN);
  }
  for (int i = 0; i < count; i++) {
    const struct model_account *before = &model->accounts[of[i]], *after = &copies[i];
    int64_t available = model_available(after);
    if (llabs(after->balance) > after->maximum || llabs(available) > after->maximum)
      model_refuse(judgement, LEDGER_AMOUNT_RANGE);
    if (after->is_system) continue;
    if (available < model_available(before) && available < after->least - after->overdraft)
      model_refuse(judgement, LEDGER_NO_FUNDS);
    if (after->balance > before->balance && after->balance > after->most)
      model_refuse(judgement, LEDGER_LIMIT);
    if (of[i] == judgement->least_account && available < judgement->least_available)
      model_refuse(judgement, LEDGER_CONDITION_FAILED);
    if (of[i] == judgement->most_account && after->balance > judgement->most_balance)
      model_refuse(judgement, LEDGER_CONDITION_FAILED);
  }
}

#endif
