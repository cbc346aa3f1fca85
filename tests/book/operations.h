/*
** operations.h: random operations for the model test: of every kind, at accounts of the model that can mostly do them; some asked
** once more, some with another amount or account, some spoiled. Include it after ledger.c and cmocka.h.
*/
#ifndef TEST_OPERATIONS_H
#define TEST_OPERATIONS_H

#include <random.h>

#include "model_judge.h"

/* ---- an operation with all of its texts in one place, so that it can be kept and copied */

#define ASKED_TEXTS 6000
#define ASKED_LEGS 8

struct asked {
  ledger_operation operation;
  ledger_leg legs[LEDGER_LEG_MAX + 1];
  size_t used;
  char texts[ASKED_TEXTS];
};

static const char *put(struct asked *asked, const char *format, ...) {
  char *text = asked->texts + asked->used;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, ASKED_TEXTS - asked->used, format, arguments);
  va_end(arguments);
  asked->used += (size_t)length + 1;
  assert_true(asked->used < ASKED_TEXTS);
  return text;
}

static const char *moved(const struct asked *from, struct asked *to, const char *text) {
  return text == NULL ? NULL : to->texts + (text - from->texts);
}

static void asked_copy(const struct asked *from, struct asked *to) {
  *to = *from;
#define X(name, meaning) to->operation.name = moved(from, to, from->operation.name);
  LEDGER_OPERATION_TEXTS(X)
#undef X
  if (from->operation.legs != NULL) to->operation.legs = to->legs;
  for (int i = 0; i < from->operation.leg_count; i++) {
    to->legs[i].account = moved(from, to, from->legs[i].account);
    to->legs[i].amount = moved(from, to, from->legs[i].amount);
    to->legs[i].currency = moved(from, to, from->legs[i].currency);
    to->legs[i].description = moved(from, to, from->legs[i].description);
  }
}

/* ---- the world: users, what things cost, and the run */

#define USERS 3
static const char *const users[USERS] = {"00000000-0000-4000-8000-00000000000a",
                                         "00000000-0000-4000-8000-00000000000b",
                                         "00000000-0000-4000-8000-00000000000c"};
static const char *const currencies[] = {"USD", "USD", "USD", "EUR", "JPY", "KWD"};
static const char *const coins[] = {"BTC", "ETH"};
static const char *const roundings[] = {"half_up", "half_even", "down", "up", "floor", "ceiling"};

#define DAY(n) ((int64_t)(n)*86400000000)
#define JANUARY 1767225600000000 /* 2026-01-01 */
static const struct model_rate rates[] = {{"EUR", "USD", "1.08000000", JANUARY},
                                          {"EUR", "USD", "1.10505000", JANUARY + DAY(100)},
                                          {"USD", "EUR", "0.91234567", JANUARY},
                                          {"USD", "JPY", "149.87654321", JANUARY},
                                          {"JPY", "USD", "0.00667215", JANUARY + DAY(9)},
                                          {"USD", "KWD", "0.30710000", JANUARY},
                                          {"KWD", "EUR", "3.01000000", JANUARY},
                                          {"EUR", "JPY", "0.00000001", JANUARY},
                                          {"USD", "BTC", "0.00001543", JANUARY},
                                          {"BTC", "USD", "64812.50500000", JANUARY}};
static const struct model_fee fees[] = {
    {"withdrawal", "USD", "0.5000", "0.25", "0.10", "25.00"},
    {"withdrawal", "EUR", "1.2500", "0.00", "0.00", NULL},
    {"withdrawal", "JPY", "2.5000", "10", "0", NULL},
    {"deposit", "USD", "0.3333", "0.00", "0.00", "3.00"},
    {"deposit", "EUR", "0.0000", "0.00", "0.00", NULL},
    {"trading", "USD", "0.1000", "0.01", "0.00", NULL},
    {"withdrawal", "BTC", "0.0000", "0.00010000", "0.00000000", NULL}};
#define COUNT_OF(array) ((int)(sizeof(array) / sizeof *(array)))

#define KEPT 400 /* operations that may be asked again */

static struct run {
  struct model model;
  struct test_random random;
  ledger *db[2]; /* two handles of one file, or one */
  int handles;
  bool has_portfolio;
  int64_t number; /* of the operation, for references and for what is printed */
  int64_t last_journal;
  int64_t began_us; /* the caller's transaction, whose time is that of all in it; 0: none */
  struct asked kept[KEPT];
  int kept_count;
  int64_t counts[LEDGER_OP_COUNT + 1], refused[MODEL_CODES], replays;
} run;

static int below(int bound) {
  return random_below(&run.random, bound);
}
static bool chance(int percent) {
  return random_chance(&run.random, percent);
}

static int64_t clock_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The earliest time that an operation asked for now may be given. */
static int64_t asked_us(void) {
  return run.began_us != 0 ? run.began_us : clock_us();
}

static const char *time_text(int64_t time_us, char out[40]) {
  time_t second = (time_t)(time_us / 1000000);
  struct tm parts;
  gmtime_r(&second, &parts);
  size_t length = strftime(out, 40, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(out + length, 40 - length, ".%06dZ", (int)(time_us % 1000000));
  return out;
}

/* ---- making operations */

/* The name of an account, or its number: a customer's, of that currency if one is given; -1 if there is none. */
static int some_account(const char *currency) {
  for (int tries = 0; tries < 40; tries++) {
    int account = below(run.model.account_count);
    const struct model_account *found = &run.model.accounts[account];
    if (found->is_system || (found->status == MODEL_CLOSED && chance(95)) ||
        (found->status != MODEL_ACTIVE && chance(50)))
      continue;
    if (currency == NULL || strcmp(found->currency, currency) == 0) return account;
  }
  return -1;
}
/* Another one of the same currency, mostly. */
static int other_account(int account) {
  const char *currency = account < 0 || chance(2) ? NULL : run.model.accounts[account].currency;
  int other = some_account(currency);
  for (int tries = 0; tries < 10 && other == account && chance(98); tries++)
    other = some_account(currency);
  return other;
}

static const char *name_of(struct asked *asked, int account) {
  if (account < 0) return put(asked, "00000000-0000-4000-8000-000000000000");
  const struct model_account *found = &run.model.accounts[account];
  return put(asked, "%s", found->number[0] != 0 && chance(30) ? found->number : found->name);
}

/* What an account can pay to its last unit, or receive; or one unit more. */
static int64_t amount_at_limit(const struct model_account *account) {
  int64_t pays = model_available(account) - account->least + account->overdraft;
  int64_t receives = account->most == INT64_MAX ? account->maximum : account->most;
  return (chance(70) ? pays : receives - account->balance) + below(2);
}

/* An amount of the account: mostly small, at times about what it has. */
static const char *some_amount(struct asked *asked, int account) {
  char text[24];
  if (account < 0) return put(asked, "1");
  const struct model_account *found = &run.model.accounts[account];
  int64_t unit = model_power(found->scale - found->digits), amount = 0;
  int64_t available = model_available(found);
  if (chance(10))
    amount = amount_at_limit(found) / unit * unit;
  else if (chance(10) && available > unit)
    amount = (int64_t)(random_next(&run.random) % (uint64_t)(available / unit) + 1) * unit;
  else if (chance(2))
    amount = (found->maximum - below(1000)) / unit * unit;
  if (amount <= 0 || amount > found->maximum)
    amount = (int64_t)(1 + below(found->scale == 8 ? 1000000000 : 20000)) * unit;
  model_text(amount, found->scale, text);
  if (unit > 1 && chance(50))
    text[strlen(text) - (size_t)(found->scale - found->digits) - (found->digits == 0)] = 0;
  return put(asked, "%s", text);
}

static const char *some_reference(struct asked *asked) {
  static const char *const forms[] = {"T-%lld", "%lld", "order/%lld", "\xc3\xa9%lld", "R.%lld.c"};
  char text[60];
  snprintf(text, sizeof text, RANDOM_OF(&run.random, forms), (long long)run.number);
  return put(asked, "%s", text);
}

static void make_fee(struct asked *asked, const char *usual, int account) {
  const char *currency = account < 0 ? "" : run.model.accounts[account].currency;
  bool is_there = false;
  for (int i = 0; i < run.model.fee_count; i++)
    is_there |= strcmp(fees[i].currency, currency) == 0 && strcmp(fees[i].type, usual) == 0;
  if (chance(is_there ? 25 : 1))
    asked->operation.fee = put(asked, "%s", chance(90) ? usual : "trading");
  if (chance(30)) asked->operation.rounding = put(asked, "%s", RANDOM_OF(&run.random, roundings));
}

static void make_open(struct asked *asked) {
  static const char *const types[] = {"checking", "savings", "investment", "business"};
  asked->operation.currency = put(asked, "%s", RANDOM_OF(&run.random, currencies));
  if (chance(50)) asked->operation.type = put(asked, "%s", RANDOM_OF(&run.random, types));
  if (chance(50)) asked->operation.number = put(asked, "ACC-%lld", (long long)run.number);
  if (chance(70)) asked->operation.user = put(asked, "%s", users[below(USERS)]);
}

static void make_limits(struct asked *asked) {
  int account = some_account(NULL);
  asked->operation.account = name_of(asked, account);
  if (chance(40)) asked->operation.overdraft_limit = put(asked, "%d", below(500));
  if (chance(30)) asked->operation.min_balance = put(asked, "%d", below(50));
  if (chance(50)) asked->operation.max_balance = put(asked, "%d", 20000 + below(10000000));
}

static void make_status(struct asked *asked) {
  int account = some_account(NULL);
  for (int tries = 0; tries < 200; tries++) { /* one that it can be done to */
    const struct model_account *found = &run.model.accounts[account < 0 ? 0 : account];
    bool fits = !found->is_portfolio &&
                (asked->operation.kind != LEDGER_OP_ACTIVATE || found->status != MODEL_ACTIVE) &&
                (asked->operation.kind != LEDGER_OP_CLOSE ||
                 (found->balance == 0 && found->held == 0 && found->expected == 0));
    if (fits || chance(1)) break;
    account = below(run.model.account_count);
  }
  asked->operation.account = name_of(asked, account);
  if (chance(50)) asked->operation.reason = put(asked, "because of \"%d\"", below(9));
}

static void make_outside(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  int account = some_account(NULL);
  for (int tries = 0; tries < 200 && operation->kind == LEDGER_OP_OPENING && account >= 0; tries++)
    if (run.model.accounts[account].version > 0) account = some_account(NULL);
  bool comes_in = operation->kind == LEDGER_OP_OPENING || operation->kind == LEDGER_OP_DEPOSIT ||
                  (operation->kind == LEDGER_OP_ADJUST && chance(50));
  const char *name = name_of(asked, account);
  if (comes_in)
    operation->to = name;
  else
    operation->from = name;
  operation->amount = some_amount(asked, account);
  if (operation->kind == LEDGER_OP_DEPOSIT) make_fee(asked, "deposit", account);
  if (operation->kind == LEDGER_OP_WITHDRAW) make_fee(asked, "withdrawal", account);
  if (operation->kind == LEDGER_OP_ADJUST) operation->reason = put(asked, "counted again");
}

static void make_transfer(struct asked *asked) {
  int from = some_account(NULL);
  int to = other_account(from);
  asked->operation.from = name_of(asked, from);
  asked->operation.to = name_of(asked, to);
  asked->operation.amount = some_amount(asked, from);
  if (asked->operation.kind == LEDGER_OP_TRANSFER) make_fee(asked, "withdrawal", from);
}

static void make_exchange(struct asked *asked) {
  static const int places[] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const struct model_rate *rate = &rates[RANDOM_OF(&run.random, places)];
  int from = some_account(chance(97) ? rate->from : NULL), to = some_account(rate->to);
  asked->operation.from = name_of(asked, from);
  asked->operation.to = name_of(asked, to);
  asked->operation.amount = some_amount(asked, from);
  if (chance(10)) asked->operation.least = put(asked, "%d", 1 + below(200));
  make_fee(asked, "withdrawal", from);
}

static void make_legs(struct asked *asked) {
  const char *currency = RANDOM_OF(&run.random, currencies);
  int wanted = 2 + (chance(60) ? 0 : below(ASKED_LEGS - 1)), accounts[ASKED_LEGS], count = 0;
  for (int tries = 0; tries < 60 && count < wanted; tries++) {
    int account = some_account(currency);
    bool fits = account >= 0 && !run.model.accounts[account].is_portfolio;
    for (int k = 0; k < count && fits; k++) fits = accounts[k] != account || chance(1);
    if (fits) accounts[count++] = account;
  }
  int64_t sum = 0;
  char text[24];
  asked->operation.legs = asked->legs;
  asked->operation.leg_count = count;
  for (int i = 0; i < count; i++) {
    int64_t amount = (int64_t)(1 + below(3000)) * 100;
    if (chance(50)) amount = -amount;
    if (i == count - 1 && (sum != 0 || chance(50)) && chance(97)) amount = -sum;
    sum += amount;
    model_text(amount, 2, text);
    if (run.model.accounts[accounts[i]].digits == 0) *strchr(text, '.') = 0;
    asked->legs[i] = (ledger_leg){.account = name_of(asked, accounts[i]),
                                  .amount = put(asked, "%s", text),
                                  .currency = chance(20) ? put(asked, "%s", currency) : NULL,
                                  .description = chance(20) ? put(asked, "leg %d", i) : NULL};
  }
}

static void make_hold(struct asked *asked) {
  int from = some_account(NULL);
  char text[40];
  asked->operation.from = name_of(asked, from);
  if (chance(60)) asked->operation.to = name_of(asked, other_account(from));
  asked->operation.amount = some_amount(asked, from);
  if (chance(40)) { /* soon, so that it will have expired; or never in this run */
    int64_t ahead = chance(70) ? 20000 + below(300000) : chance(90) ? DAY(1) : below(300);
    asked->operation.expires_at = put(asked, "%s", time_text(clock_us() + ahead, text));
  }
}

/* A journal of the kind, a recent one: an open hold, an order, a payout, or one to reverse. */
static const char *some_journal(struct asked *asked, enum ledger_operation_kind kind) {
  int count = run.model.journal_count;
  for (int tries = 0; tries < 300 && count > 0; tries++) {
    int number = count - 1 - below(count < 2000 ? count : 2000);
    const struct model_journal *journal = &run.model.journals[number];
    bool fits = kind == LEDGER_OP_REVERSE ? journal->reversible > 0 : journal->kind == kind;
    if (fits && (chance(10) || (journal->code == LEDGER_OK && !journal->is_over &&
                                (kind != LEDGER_OP_HOLD || model_left(journal) > 0))))
      return put(asked, "%s", journal->reference);
  }
  return put(asked, "%s",
             count == 0 || chance(20) ? "nothing" : run.model.journals[below(count)].reference);
}

/* A part of what is left, all of it, or one unit more. */
static void make_part(struct asked *asked, int64_t left, int account) {
  char text[24];
  if (account < 0) return;
  int64_t unit =
      model_power(run.model.accounts[account].scale - run.model.accounts[account].digits);
  int64_t units = left / unit, part = chance(20)   ? units
                                      : chance(10) ? units + 1
                                      : units < 2  ? 1
                                                   : units / (1 + below(4));
  asked->operation.amount =
      put(asked, "%s",
          model_text((part < 1 ? 1 : part) * unit, run.model.accounts[account].scale, text));
}

static void make_held(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  operation->of = some_journal(asked, LEDGER_OP_HOLD);
  int number = model_find_journal(&run.model, operation->of);
  const struct model_journal *hold = number < 0 ? NULL : &run.model.journals[number];
  if (operation->kind == LEDGER_OP_CAPTURE) {
    if (hold != NULL && hold->kind == LEDGER_OP_HOLD && chance(70))
      make_part(asked, model_left(hold), hold->payer);
    operation->final = chance(30);
    make_fee(asked, "withdrawal", hold == NULL ? -1 : hold->payer);
  } else if (operation->kind == LEDGER_OP_RELEASE && chance(50)) {
    operation->reason = put(asked, "not needed");
  }
}

static void make_reverse(struct asked *asked) {
  asked->operation.of = some_journal(asked, LEDGER_OP_REVERSE);
  int number = model_find_journal(&run.model, asked->operation.of);
  if (number >= 0 && chance(60))
    make_part(asked, run.model.journals[number].reversible - run.model.journals[number].reversed,
              run.model.journals[number].account);
  if (chance(30)) asked->operation.reason = put(asked, "mistake");
}

static void make_fee_alone(struct asked *asked) {
  int account = some_account(NULL);
  asked->operation.account = name_of(asked, account);
  asked->operation.amount = some_amount(asked, account);
  if (chance(80)) asked->operation.fee = put(asked, "%s", chance(80) ? "withdrawal" : "trading");
  if (chance(50)) asked->operation.rounding = put(asked, "%s", RANDOM_OF(&run.random, roundings));
}

static const struct model_address addresses[] = {
    {"bc1-a", "00000000-0000-4000-8000-00000000000a", "BTC", true},
    {"0x-a", "00000000-0000-4000-8000-00000000000a", "ETH", true},
    {"bc1-b", "00000000-0000-4000-8000-00000000000b", "BTC", true},
    {"0x-b", "00000000-0000-4000-8000-00000000000b", "ETH", false}};

static void make_receive(struct asked *asked) {
  asked->operation.address =
      put(asked, "%s", chance(95) ? RANDOM_OF(&run.random, addresses).address : "nowhere");
  asked->operation.amount = put(asked, "%d.%08d", below(3), 1 + below(99999999));
  if (chance(50)) asked->operation.txn_hash = put(asked, "0xfeed%lld", (long long)run.number);
}

static void make_order(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  bool is_small = chance(15); /* where rounding counts */
  operation->user = put(asked, "%s", users[below(USERS)]);
  operation->asset = put(asked, "%s", chance(97) ? RANDOM_OF(&run.random, coins) : "USD");
  operation->side = put(asked, "%s", chance(50) ? "buy" : "sell");
  operation->amount =
      put(asked, is_small ? "0.0000000%d" : "0.%07d1", is_small ? 1 + below(9) : below(300000));
  operation->price =
      put(asked, is_small ? "0.%d" : "%d.5", is_small ? 1 + below(9) : 1 + below(70000));
  if (chance(40)) operation->fee = put(asked, "trading");
  if (chance(60)) operation->rounding = put(asked, "%s", RANDOM_OF(&run.random, roundings));
}

static void make_fill(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  operation->of = some_journal(asked, LEDGER_OP_ORDER);
  int number = model_find_journal(&run.model, operation->of);
  const struct model_journal *order = number < 0 ? NULL : &run.model.journals[number];
  if (operation->kind == LEDGER_OP_CANCEL || order == NULL || order->kind != LEDGER_OP_ORDER ||
      order->code != LEDGER_OK)
    return;
  char text[24];
  if (chance(60)) make_part(asked, order->quantity - order->filled, order->coins);
  if (chance(40)) {
    int64_t price =
        order->price + (order->is_buy == chance(85) ? -1 : 1) *
                           (int64_t)below((int)(order->price < 900 ? order->price : 900));
    if (price > 0) operation->price = put(asked, "%s", model_text(price, 8, text));
  }
  if (chance(10)) operation->least = put(asked, "%d.5", below(500));
}

static void make_payout(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  operation->user = put(asked, "%s", users[below(USERS)]);
  operation->currency = put(asked, "%s", RANDOM_OF(&run.random, coins));
  operation->amount = put(asked, "0.%08d", 1 + below(20000000));
  if (chance(80)) operation->address = put(asked, "bc1-out-%d", below(9));
  if (chance(30)) operation->fee = put(asked, "withdrawal");
}

static void make_payout_step(struct asked *asked) {
  asked->operation.of = some_journal(asked, LEDGER_OP_PAYOUT);
  if (asked->operation.kind == LEDGER_OP_COMPLETE)
    asked->operation.txn_hash = put(asked, "0xdead%lld", (long long)run.number);
  if (asked->operation.kind == LEDGER_OP_REJECT && chance(50))
    asked->operation.reason = put(asked, "not now");
}

static const struct maker {
  enum ledger_operation_kind kind;
  int weight;
  bool of_full; /* the schema has what it needs */
  void (*make)(struct asked *);
} makers[] = {
    {LEDGER_OP_OPEN, 1, false, make_open},          {LEDGER_OP_LIMITS, 4, false, make_limits},
    {LEDGER_OP_FREEZE, 1, false, make_status},      {LEDGER_OP_SUSPEND, 1, false, make_status},
    {LEDGER_OP_ACTIVATE, 8, false, make_status},    {LEDGER_OP_CLOSE, 3, false, make_status},
    {LEDGER_OP_OPENING, 3, false, make_outside},    {LEDGER_OP_DEPOSIT, 50, false, make_outside},
    {LEDGER_OP_WITHDRAW, 20, false, make_outside},  {LEDGER_OP_TRANSFER, 70, false, make_transfer},
    {LEDGER_OP_POST, 20, false, make_legs},         {LEDGER_OP_HOLD, 30, false, make_hold},
    {LEDGER_OP_CAPTURE, 25, false, make_held},      {LEDGER_OP_RELEASE, 8, false, make_held},
    {LEDGER_OP_EXPIRE, 8, false, make_held},        {LEDGER_OP_REVERSE, 20, false, make_reverse},
    {LEDGER_OP_FEE, 6, true, make_fee_alone},       {LEDGER_OP_EXCHANGE, 15, true, make_exchange},
    {LEDGER_OP_ADJUST, 6, false, make_outside},     {LEDGER_OP_RECEIVE, 12, true, make_receive},
    {LEDGER_OP_ORDER, 15, true, make_order},        {LEDGER_OP_FILL, 15, true, make_fill},
    {LEDGER_OP_CANCEL, 5, true, make_fill},         {LEDGER_OP_PAYOUT, 6, true, make_payout},
    {LEDGER_OP_APPROVE, 6, true, make_payout_step}, {LEDGER_OP_COMPLETE, 6, true, make_payout_step},
    {LEDGER_OP_REJECT, 3, true, make_payout_step}};

/* ---- what is wrong on purpose */

static void spoil_amount(struct asked *asked) {
  if (asked->operation.kind == LEDGER_OP_POST && asked->operation.leg_count == 0) return;
  static const char *const amounts[] = {"0",
                                        "0.00",
                                        "-1",
                                        "-0.01",
                                        "1.001",
                                        "1.000000001",
                                        "1e3",
                                        "NaN",
                                        "12,50",
                                        "abc",
                                        "+5",
                                        ".5",
                                        "5.",
                                        "0x10",
                                        "1_000",
                                        "1.00000000000000000000",
                                        "007",
                                        "10000000000000",
                                        "99999999999999999999999999",
                                        "Infinity",
                                        "-",
                                        ".",
                                        "1 2",
                                        "9999999999999.99"};
  if (asked->operation.leg_count > 0)
    asked->legs[below(asked->operation.leg_count)].amount =
        put(asked, "%s", RANDOM_OF(&run.random, amounts));
  else
    asked->operation.amount = put(asked, "%s", RANDOM_OF(&run.random, amounts));
}

static const char **some_member(struct asked *asked, int *number) {
  const char **const members[] = {
#define X(name, meaning) &asked->operation.name,
      LEDGER_OPERATION_TEXTS(X)
#undef X
  };
  *number = below(COUNT_OF(members));
  return (const char **)members[*number];
}

static void
spoil_member(struct asked *asked) { /* takes one out, or puts one where it may not stand */
  int number;
  const char **member = some_member(asked, &number);
  if (*member != NULL && chance(80))
    *member = NULL;
  else
    *member = put(asked, "%s",
                  chance(10)                                 ? ""
                  : member == &asked->operation.effective_at ? "2026-03-01"
                                                             : "1");
  if (member == &asked->operation.metadata) *member = NULL;
  if (asked->operation.expires_at != NULL && asked->operation.kind == LEDGER_OP_HOLD)
    asked->operation.expires_at = NULL;
}

static void spoil_account(struct asked *asked) {
  static const char *const names[] = {"00000000-0000-4000-8000-000000000000",
                                      "nobody",
                                      "portfolio:x:BTC",
                                      "system:world:USD",
                                      "system:equity:EUR",
                                      "portfolio:00000000-0000-4000-8000-00000000000a:DOGE"};
  const char *name = put(asked, "%s", RANDOM_OF(&run.random, names));
  ledger_operation *operation = &asked->operation;
  if (operation->leg_count > 0)
    asked->legs[below(operation->leg_count)].account = name;
  else if (operation->account != NULL)
    operation->account = name;
  else if (operation->from != NULL && (operation->to == NULL || chance(50)))
    operation->from = name;
  else if (operation->to != NULL)
    operation->to = name;
  else if (operation->of != NULL)
    operation->of = name;
}

static void spoil_reference(struct asked *asked) {
  static const char *const suffixes[] = {".C", ".F1", ".X1", ".L1", ".L63", ".X12"};
  char text[120];
  memset(text, 'r', sizeof text);
  if (chance(50))
    asked->operation.reference =
        put(asked, "R%lld%s", (long long)run.number, RANDOM_OF(&run.random, suffixes));
  else
    asked->operation.reference = chance(50) ? NULL : put(asked, "%.*s", 91 + below(20), text);
}

static void spoil(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  switch (below(9)) {
  case 0:
  case 1: spoil_amount(asked); break;
  case 2:
  case 3: spoil_member(asked); break;
  case 4: spoil_account(asked); break;
  case 5: spoil_reference(asked); break;
  case 6: operation->currency = put(asked, "%s", chance(50) ? "XYZ" : "EUR"); break;
  case 7:
    if (operation->from != NULL && operation->to != NULL)
      operation->to = put(asked, "%s", operation->from);
    break;
  default:
    if (chance(50))
      operation->effective_at = put(asked, "%s", chance(50) ? "yesterdays" : "2026-13-01");
    else if (operation->fee != NULL)
      operation->fee = put(asked, "parking");
    else
      operation->rounding = put(asked, "sideways");
  }
}

/* Conditions, times, keys, texts: what most operations may have besides. */
static void adorn(struct asked *asked) {
  ledger_operation *operation = &asked->operation;
  const struct model_members *members = &model_members[operation->kind];
  const char *about = operation->account != NULL ? operation->account
                      : operation->from != NULL  ? operation->from
                                                 : operation->to;
  int account = model_find(&run.model, about), to = model_find(&run.model, operation->to);
  char text[40];
  if (chance(10))
    operation->description = put(asked, "for \"%lld\" \xe2\x82\xac", (long long)run.number);
  if (chance(5))
    operation->metadata = put(asked, "{\"n\": %lld, \"direction\": 1}", (long long)run.number);
  if (chance(10))
    operation->effective_at =
        put(asked, "%s",
            time_text(JANUARY + DAY(below(320)) + below(86400) * 1000000LL + below(1000000), text));
  if (chance(4))
    operation->key =
        put(asked, "key-%lld", (long long)(chance(85) ? run.number : run.number - below(30)));
  if (operation->key != NULL && chance(50)) operation->scope = put(asked, "user-%d", below(2));
  if (chance(5) && account >= 0 && run.model.accounts[account].version > 0)
    operation->version = run.model.accounts[account].version -
                         (chance(30) && run.model.accounts[account].version > 1);
  if (chance(5) && to >= 0 && run.model.accounts[to].version > 0 &&
      model_lists(members->allows, "to_version"))
    operation->to_version = run.model.accounts[to].version;
  if (chance(6) && model_lists(members->allows, "min_available"))
    operation->min_available = put(asked, "%d", below(1000) - 500);
  if (chance(6) && model_lists(members->allows, "max_after"))
    operation->max_after = put(asked, "%d.5", below(100000));
  if (chance(8) && operation->kind != LEDGER_OP_POST && account >= 0 &&
      model_lists(members->allows, "currency"))
    operation->currency = put(asked, "%s", run.model.accounts[account].currency);
  operation->keep_failed = chance(10);
}

/* The same again, or with another amount, account, text for people. */
static bool ask_again(struct asked *asked) {
  if (run.kept_count == 0) return false;
  asked_copy(&run.kept[below(run.kept_count)], asked);
  ledger_operation *operation = &asked->operation;
  operation->linked = 0;
  switch (below(8)) {
  case 0:
    if (operation->amount != NULL) operation->amount = put(asked, "7.13");
    break;
  case 1:
    if (operation->to != NULL) operation->to = name_of(asked, some_account(NULL));
    break;
  case 2: operation->description = put(asked, "asked again"); break;
  case 3:
    if (operation->amount != NULL && strchr(operation->amount, '.') != NULL &&
        strchr(operation->amount, 'e') == NULL)
      operation->amount = put(asked, "0%s0", operation->amount); /* the same number */
    break;
  case 4: operation->kind = chance(50) ? LEDGER_OP_DEPOSIT : LEDGER_OP_TRANSFER; break;
  default: break;
  }
  return true;
}

static void make(struct asked *asked) {
  memset(asked, 0, offsetof(struct asked, texts));
  run.number++;
  if (chance(10) && ask_again(asked)) return;
  int all = 0, at;
  for (int i = 0; i < COUNT_OF(makers); i++)
    all += run.has_portfolio || !makers[i].of_full ? makers[i].weight : 0;
  const struct maker *maker = makers;
  for (at = below(all);; maker++) {
    if (maker->of_full && !run.has_portfolio) continue;
    if (at < maker->weight) break;
    at -= maker->weight;
  }
  asked->operation.kind =
      maker->kind == LEDGER_OP_OPEN && run.model.account_count > MODEL_ACCOUNT_MAX / 2
          ? LEDGER_OP_DEPOSIT
          : maker->kind;
  if (asked->operation.kind != maker->kind) maker = &makers[7];
  asked->operation.reference = some_reference(asked);
  maker->make(asked);
  adorn(asked);
  if (chance(3)) spoil(asked);
}

#endif
