/*
** trade.c: trades of coins for cash within a user's portfolio, against the house (system:exchange of both currencies). An
** order holds what it may cost: of a purchase the total and the fee on it in cash, of a sale the coins. Fills take it, at the
** order's price or a better one, all at once or in parts, and move the other side in the same journal; what is left in the end
** is released.
**
** The fee is agreed with the order: its fills are charged by the terms of fee_config as they were then, on the sum of all fills
** so far, less what was charged before. So parts never cost more than the whole, and a change of fee_config no open order.
**
** The plain rows. An order makes a row of trades, pending, with the first id of its journal. A fill that leaves something open
** makes a row of its own, completed, with the id of its journal that ends in ff, and the order's row shows what is left; the fill
** that leaves nothing completes the order's row. So each completed row is one fill, and a cancelled one what was never traded.
** Each fill makes rows of portfolio_transactions: buy or sell in cash (R) and in coins (R.X1), and trade, its fee (R.F1).
**
** What verify proves (V7, V8). The journals keep in their detail
**   order: {"trade":{"id":ROW,"side":"buy","asset":"BTC","price":P,"quantity":Q,"total":T,"rounding":W,"balance":C},
**           "table":"trades","fee":{...}}
**   fill:  {"trade":{"id":ROW,"price":p,"quantity":q,"total":t,"filled":F,"paid":S,"balance_before":B,"balance_after":A,
**           "received":R,"to":CURRENCY,"rounding":W},"fee":{...,"before":...}}
** with "fee" only if the order has one, all amounts with eight digits, W a rounding of ledger.h. Of an order:
**   T = Q * P rounded by W, C is the balance of the cash. Of a purchase T and the fee's amount together are held, of a sale Q.
** Of its fills in order, each with the order as parent:
**   F and S are the sums of q and t so far; F <= Q; p <= P of a purchase, p >= P of a sale.
**   t = q * p rounded by W; of the purchase's last fill what the fills before left of T, if that is less.
**   The cash moved by -t or +t, the coins by +q or -q, and the fee's "amount" went from the cash to system:fees: it is the
**   formula on "base", which is S, less "before" (not there: 0), the sum of the amounts of the fills before.
**   B and A are the balances of the cash before and after the fill. R is what the user got: q of a purchase, t less the fee of
**   a sale.
** The row of a fill, or of an order that a fill completed (its ROW, F = Q): completed, q, p, t, B, A, generated_at the fill's
** effective time. The row of any other order: Q - F, P, (Q - F) * P rounded by W, C, C; pending while something is held,
** cancelled once a cancel has it as parent. Side, asset, user and is_simulated false are the order's in all of them.
*/
#include "../internal.h"

#define TRADE_FILL_ROW 255 /* number of the row that a fill makes which leaves something open */

/* An order as it stands. Texts in the arena. */
struct trade {
  struct journal_past past;
  struct hold_state hold;
  const char *id; /* of its row */
  bool buys;
  struct account *cash, *coin;
  enum money_rounding rounding;
  int64_t price, quantity, total; /* as ordered */
  int64_t filled, paid, charged;  /* by its fills so far: coins, cash, fees */
};

/* What an order or a fill writes into trades. */
struct trade_row {
  struct trade trade;
  char id[37];
  int64_t price, quantity, total, fee, before, after;
  int64_t settled, released; /* of the hold */
};

static int trade_need(ledger *db) {
  const struct book_tables *tables = book_tables(db);
  int rc = book_need(db, tables->trades, "trades");
  return rc == LEDGER_OK ? book_need(db, tables->portfolio_transactions, "portfolio_transactions")
                         : rc;
}

/* ---- prices and totals */

static int trade_price(ledger *db, const char *text, int64_t *out) {
  int rc = money_read(text, strlen(text), PORTFOLIO_SCALE, PORTFOLIO_SCALE, out, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (*out <= 0)
    return error_set(&db->error, LEDGER_NOT_POSITIVE, "the price %s is not greater than zero",
                     text);
  if (*out > PORTFOLIO_MAX)
    return error_set(&db->error, LEDGER_AMOUNT_RANGE, "the price %s is out of range", text);
  return LEDGER_OK;
}

static int trade_total(ledger *db, int64_t quantity, int64_t price, enum money_rounding rounding,
                       const struct account *cash, int64_t *out) {
  int rc = money_multiply(quantity, price, money_power(PORTFOLIO_SCALE), rounding, out);
  if (rc == LEDGER_OK && *out > 0 && *out <= cash->maximum) return LEDGER_OK;
  char coins[MONEY_TEXT_MAX], one[MONEY_TEXT_MAX];
  money_text(quantity, PORTFOLIO_SCALE, coins);
  money_text(price, PORTFOLIO_SCALE, one);
  if (rc == LEDGER_OK && *out == 0)
    return error_set(&db->error, LEDGER_NOT_POSITIVE, "%s at %s %s comes to nothing", coins, one,
                     cash->currency);
  return error_set(&db->error, LEDGER_AMOUNT_RANGE, "%s at %s %s comes to more than there can be",
                   coins, one, cash->currency);
}

/* ---- the rows of trades */

static int trade_insert(ledger *db, const struct journal *journal, const struct trade_row *row,
                        const char *status, int64_t generated_us) {
  const struct relation *trades = book_tables(db)->trades;
  const struct trade *trade = &row->trade;
  char amounts[5][MONEY_TEXT_MAX], generated[MOMENT_TEXT_MAX], created[MOMENT_TEXT_MAX];
  const struct value values[] = {
      portfolio_text(row->id),
      portfolio_text(trade->cash->owner),
      portfolio_text(trade->buys ? "buy" : "sell"),
      portfolio_text(trade->coin->currency),
      portfolio_amount(row->quantity, amounts[0]),
      portfolio_amount(row->price, amounts[1]),
      portfolio_amount(row->total, amounts[2]),
      portfolio_amount(row->before, amounts[3]),
      portfolio_amount(row->after, amounts[4]),
      portfolio_text(status),
      portfolio_time(trades, "generated_at", generated_us, generated),
      portfolio_time(trades, "created_at", journal->created_us, created)};
  return portfolio_write(db, trades, STATEMENT_TRADE_INSERT, sizeof values / sizeof *values,
                         values);
}

static int trade_complete(ledger *db, const struct trade_row *row, int64_t generated_us) {
  char amounts[5][MONEY_TEXT_MAX], generated[MOMENT_TEXT_MAX];
  const struct relation *trades = book_tables(db)->trades;
  const struct value values[] = {portfolio_text(row->id),
                                 portfolio_amount(row->quantity, amounts[0]),
                                 portfolio_amount(row->price, amounts[1]),
                                 portfolio_amount(row->total, amounts[2]),
                                 portfolio_amount(row->before, amounts[3]),
                                 portfolio_amount(row->after, amounts[4]),
                                 portfolio_time(trades, "generated_at", generated_us, generated)};
  return portfolio_write(db, trades, STATEMENT_TRADE_COMPLETE, sizeof values / sizeof *values,
                         values);
}

/* The order's row shows what a fill left open. */
static int trade_reduce(ledger *db, const struct trade_row *row) {
  const struct trade *trade = &row->trade;
  int64_t open = trade->quantity - trade->filled - row->quantity, total;
  char amounts[2][MONEY_TEXT_MAX];
  int rc =
      money_multiply(open, trade->price, money_power(PORTFOLIO_SCALE), trade->rounding, &total);
  if (rc != LEDGER_OK)
    return error_set(&db->error, rc, "what is left of the order is out of range");
  const struct value values[] = {portfolio_text(trade->id), portfolio_amount(open, amounts[0]),
                                 portfolio_amount(total, amounts[1])};
  return portfolio_write(db, book_tables(db)->trades, STATEMENT_TRADE_REDUCE, 3, values);
}

/* ---- order */

static int trade_sides(ledger *db, const ledger_operation *asked, struct trade *trade) {
  trade->buys = strcmp(asked->side, "buy") == 0;
  if (!trade->buys && strcmp(asked->side, "sell") != 0)
    return error_set(&db->error, LEDGER_BAD_OPERATION, "side is buy or sell, not \"%.40s\"",
                     asked->side);
  int rc = account_portfolio(db, asked->user, "USD", &trade->cash);
  if (rc == LEDGER_OK) rc = account_portfolio(db, asked->user, asked->asset, &trade->coin);
  if (rc != LEDGER_OK || trade->coin != trade->cash) return rc;
  return error_set(&db->error, LEDGER_SAME_ACCOUNT, "account %s is on both sides",
                   trade->cash->name);
}

static int trade_order_detail(ledger *db, struct journal *journal, const struct trade_row *row,
                              const char *fee) {
  const struct trade *trade = &row->trade;
  char amounts[4][MONEY_TEXT_MAX];
  money_text(trade->price, PORTFOLIO_SCALE, amounts[0]);
  money_text(trade->quantity, PORTFOLIO_SCALE, amounts[1]);
  money_text(trade->total, PORTFOLIO_SCALE, amounts[2]);
  money_text(row->before, PORTFOLIO_SCALE, amounts[3]);
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"trade\":{");
  json_member(json, "id", row->id);
  json_member(json, "side", trade->buys ? "buy" : "sell");
  json_member(json, "asset", trade->coin->currency);
  json_member(json, "price", amounts[0]);
  json_member(json, "quantity", amounts[1]);
  json_member(json, "total", amounts[2]);
  json_member(json, "rounding", money_rounding_word(trade->rounding));
  json_member(json, "balance", amounts[3]);
  sqlite3_str_appendall(json, "},\"table\":\"trades\"}");
  return portfolio_keep(db, journal, json, fee);
}

static int trade_after_order(ledger *db, struct journal *journal, void *context) {
  const struct trade_row *row = context;
  int rc = hold_write(db, journal->seq, journal->remaining, 0);
  return rc == LEDGER_OK ? trade_insert(db, journal, row, "pending", journal->created_us) : rc;
}

/* What is ordered, with its total and the fee on it. */
static int trade_read(ledger *db, const struct operation *operation, struct trade_row *row,
                      const char **fee) {
  const ledger_operation *asked = operation->asked;
  struct trade *trade = &row->trade;
  trade->rounding = operation->rounding;
  *fee = NULL;
  int rc = trade_need(db);
  if (rc == LEDGER_OK) rc = trade_sides(db, asked, trade);
  if (rc == LEDGER_OK)
    rc = operation_amount(db, asked->amount, asked->currency, trade->coin, &trade->quantity);
  if (rc == LEDGER_OK) rc = trade_price(db, asked->price, &trade->price);
  if (rc == LEDGER_OK)
    rc =
        trade_total(db, trade->quantity, trade->price, trade->rounding, trade->cash, &trade->total);
  if (rc == LEDGER_OK && asked->fee != NULL)
    rc = fee_compute(db, asked->fee, trade->cash, trade->total, trade->rounding, &row->fee, fee);
  if (rc != LEDGER_OK) return rc;
  row->quantity = trade->quantity;
  row->price = trade->price;
  row->total = trade->total;
  row->before = row->after = trade->cash->balance;
  return LEDGER_OK;
}

LEDGER_PRIVATE int trade_order(ledger *db, const struct operation *operation,
                               struct journal *journal) {
  struct trade_row *row = arena_alloc(&db->arena, sizeof *row);
  struct account *payer, *house;
  const char *fee;
  int64_t held;
  if (row == NULL) return error_memory(&db->error);
  *row = (struct trade_row){0};
  int rc = trade_read(db, operation, row, &fee);
  if (rc != LEDGER_OK) return rc;
  const struct trade *trade = &row->trade;
  payer = trade->buys ? trade->cash : trade->coin;
  held = trade->quantity;
  if (trade->buys && __builtin_add_overflow(trade->total, row->fee, &held))
    return error_set(&db->error, LEDGER_AMOUNT_RANGE, "the total and its fee are out of range");
  journal_row_id(journal->id, 1, row->id);
  journal->first_row = 2;
  rc = account_system(db, "exchange", payer->currency, payer->scale, &house);
  if (rc == LEDGER_OK) rc = hold_add(db, journal, payer, house, held);
  if (rc == LEDGER_OK) rc = trade_order_detail(db, journal, row, fee);
  if (rc != LEDGER_OK) return rc;
  journal->account = payer;
  journal->remaining = held;
  journal->entity_type = "trades";
  journal->entity_id = row->id;
  journal->after = trade_after_order;
  journal->after_context = row;
  return LEDGER_OK;
}

/* ---- the order that a fill or a cancel is of */

/* What the fills so far have left, as the last one kept it. */
static int trade_progress(ledger *db, struct trade *trade) {
  const char *detail = NULL;
  int64_t before = 0, amount = 0;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_TRADE_LAST_FILL);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, trade->past.seq);
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW)
    rc = statement_text(db, stmt, 0, &detail);
  else if (rc == LEDGER_DONE)
    rc = LEDGER_OK;
  sqlite3_reset(stmt);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "trade", "filled", &trade->filled);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "trade", "paid", &trade->paid);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "fee", "before", &before);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "fee", "amount", &amount);
  if (rc != LEDGER_OK) return rc;
  if (trade->filled >= 0 && trade->filled < trade->quantity && trade->paid >= 0 &&
      trade->paid <= PORTFOLIO_MAX && !__builtin_add_overflow(before, amount, &trade->charged))
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN,
                   "the fills of order %s are not as the book left them", trade->past.reference);
}

static bool trade_is_whole(const struct trade *trade) {
  return trade->id != NULL && strlen(trade->id) == 36 && trade->price > 0 && trade->quantity > 0 &&
         trade->total > 0 && trade->price <= PORTFOLIO_MAX && trade->quantity <= PORTFOLIO_MAX &&
         trade->total <= PORTFOLIO_MAX;
}

static int trade_open(ledger *db, const struct operation *operation, struct journal *journal,
                      struct trade *trade) {
  int rc = portfolio_open(db, operation->asked->of, LEDGER_OP_ORDER, journal, &trade->past,
                          &trade->hold);
  const char *detail = trade->past.detail, *side = NULL, *asset = NULL, *rounding = NULL;
  if (rc == LEDGER_OK) rc = trade_need(db);
  if (rc == LEDGER_OK) rc = portfolio_member(db, detail, "trade", "id", &trade->id);
  if (rc == LEDGER_OK) rc = portfolio_member(db, detail, "trade", "side", &side);
  if (rc == LEDGER_OK) rc = portfolio_member(db, detail, "trade", "asset", &asset);
  if (rc == LEDGER_OK) rc = portfolio_member(db, detail, "trade", "rounding", &rounding);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "trade", "price", &trade->price);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "trade", "quantity", &trade->quantity);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "trade", "total", &trade->total);
  if (rc != LEDGER_OK) return rc;
  int word = rounding == NULL ? -1 : money_rounding(rounding);
  if (!trade_is_whole(trade) || side == NULL || asset == NULL || word < 0)
    return error_set(&db->error, LEDGER_BOOK_BROKEN, "order %s does not say what was ordered",
                     trade->past.reference);
  trade->rounding = (enum money_rounding)word;
  trade->buys = strcmp(side, "buy") == 0;
  const char *user = trade->hold.payer->owner;
  rc = account_portfolio(db, user, "USD", &trade->cash);
  if (rc == LEDGER_OK) rc = account_portfolio(db, user, asset, &trade->coin);
  return rc == LEDGER_OK ? trade_progress(db, trade) : rc;
}

/* ---- fill */

static int trade_refuse_price(ledger *db, const struct trade *trade, int64_t price) {
  char limit[MONEY_TEXT_MAX], asked[MONEY_TEXT_MAX];
  money_text(trade->price, PORTFOLIO_SCALE, limit);
  money_text(price, PORTFOLIO_SCALE, asked);
  return error_set(&db->error, LEDGER_CONDITION_FAILED, "order %s %s at %s at %s, not at %s",
                   trade->past.reference, trade->buys ? "buys" : "sells", limit,
                   trade->buys ? "most" : "least", asked);
}

/* Is nothing left to be filled afterwards? */
static bool trade_completes(const struct trade_row *row) {
  return row->trade.filled + row->quantity == row->trade.quantity;
}

/* What of the order is filled, and at what price: all that is open at the order's unless it is said. */
static int trade_part(ledger *db, const ledger_operation *asked, struct trade_row *row) {
  const struct trade *trade = &row->trade;
  int64_t open = trade->quantity - trade->filled;
  row->quantity = open;
  row->price = trade->price;
  int rc = LEDGER_OK;
  if (asked->amount != NULL)
    rc = operation_amount(db, asked->amount, asked->currency, trade->coin, &row->quantity);
  if (rc == LEDGER_OK && asked->price != NULL) rc = trade_price(db, asked->price, &row->price);
  if (rc != LEDGER_OK) return rc;
  if (row->quantity > open) {
    char left[MONEY_TEXT_MAX], wanted[MONEY_TEXT_MAX];
    money_text(open, PORTFOLIO_SCALE, left);
    money_text(row->quantity, PORTFOLIO_SCALE, wanted);
    return error_set(&db->error, LEDGER_OVER_CAPTURED,
                     "order %s has %s %s left, %s are to be filled", trade->past.reference, left,
                     trade->coin->currency, wanted);
  }
  bool is_worse = trade->buys ? row->price > trade->price : row->price < trade->price;
  return is_worse ? trade_refuse_price(db, trade, row->price) : LEDGER_OK;
}

/* Parts of a purchase that are rounded up one by one may come to more than the whole, which is all that is held: the last one
** is cut to it, and none before may take what is left for it. */
static int trade_part_total(ledger *db, struct trade_row *row) {
  const struct trade *trade = &row->trade;
  int64_t left = trade->total - trade->paid;
  int rc = trade_total(db, row->quantity, row->price, trade->rounding, trade->cash, &row->total);
  if (rc != LEDGER_OK || (trade->buys && row->total < left)) return rc;
  if (!trade->buys) {
    if (row->total <= PORTFOLIO_MAX - trade->paid) return LEDGER_OK;
    return error_set(&db->error, LEDGER_AMOUNT_RANGE,
                     "the fills of order %s come to more than there can be", trade->past.reference);
  }
  row->total = left;
  if (trade_completes(row)) return LEDGER_OK;
  char quantity[MONEY_TEXT_MAX];
  money_text(row->quantity, PORTFOLIO_SCALE, quantity);
  return error_set(&db->error, LEDGER_CONDITION_FAILED,
                   "%s %s take all that is left of the total of order %s", quantity,
                   trade->coin->currency, trade->past.reference);
}

/* The caller's condition on the total: of a purchase the most, of a sale the least. */
static int trade_least(ledger *db, const char *text, const struct trade_row *row) {
  int64_t limit;
  if (text == NULL) return LEDGER_OK;
  int rc = operation_amount(db, text, NULL, row->trade.cash, &limit);
  if (rc != LEDGER_OK || (row->trade.buys ? row->total <= limit : row->total >= limit)) return rc;
  char total[MONEY_TEXT_MAX], asked[MONEY_TEXT_MAX];
  money_text(row->total, PORTFOLIO_SCALE, total);
  money_text(limit, PORTFOLIO_SCALE, asked);
  return error_set(&db->error, LEDGER_CONDITION_FAILED, "the total is %s %s, it may be %s at %s",
                   total, row->trade.cash->currency, asked, row->trade.buys ? "most" : "least");
}

/* The fee of this fill by the order's terms, and its part of the detail, NULL if the order has none. */
static int trade_fee(ledger *db, struct trade_row *row, const char **out) {
  static const char *const names[] = {"id",      "type",    "percentage", "flat",
                                      "minimum", "maximum", "rounding"};
  enum { ID, TYPE, PERCENTAGE, FLAT, MINIMUM, MAXIMUM, ROUNDING, COUNT };
  const char *terms[COUNT];
  const struct trade *trade = &row->trade;
  int64_t base = trade->paid + row->total;
  *out = NULL;
  int rc = LEDGER_OK;
  for (int i = 0; i < COUNT && rc == LEDGER_OK; i++)
    rc = portfolio_member(db, trade->past.detail, "fee", names[i], &terms[i]);
  if (rc != LEDGER_OK || terms[ID] == NULL) return rc;
  rc = fee_formula(base, PORTFOLIO_SCALE, PORTFOLIO_SCALE, terms[PERCENTAGE], terms[FLAT],
                   terms[MINIMUM], terms[MAXIMUM], trade->rounding, &row->fee, &db->error);
  if (rc != LEDGER_OK) return rc;
  row->fee -= trade->charged;
  char amounts[3][MONEY_TEXT_MAX];
  money_text(base, PORTFOLIO_SCALE, amounts[0]);
  money_text(row->fee, PORTFOLIO_SCALE, amounts[1]);
  money_text(trade->charged, PORTFOLIO_SCALE, amounts[2]);
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"fee\":{");
  json_member(json, "id", terms[ID]);
  json_member(json, "type", terms[TYPE]);
  json_member(json, "base", amounts[0]);
  for (int i = PERCENTAGE; i < COUNT; i++) json_member(json, names[i], terms[i]);
  json_member(json, "amount", amounts[1]);
  if (trade->charged > 0) json_member(json, "before", amounts[2]);
  sqlite3_str_appendall(json, "}}");
  *out = arena_finish(&db->arena, json);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int trade_fill_detail(ledger *db, struct journal *journal, const struct trade_row *row,
                             const char *fee) {
  const struct trade *trade = &row->trade;
  const int64_t numbers[] = {row->price,
                             row->quantity,
                             row->total,
                             trade->filled + row->quantity,
                             trade->paid + row->total,
                             row->before,
                             row->after,
                             trade->buys ? row->quantity : row->total - row->fee};
  static const char *const names[] = {"price", "quantity",       "total",         "filled",
                                      "paid",  "balance_before", "balance_after", "received"};
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"trade\":{");
  json_member(json, "id", row->id);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char text[MONEY_TEXT_MAX];
    money_text(numbers[i], PORTFOLIO_SCALE, text);
    json_member(json, names[i], text);
  }
  json_member(json, "to", (trade->buys ? trade->coin : trade->cash)->currency);
  json_member(json, "rounding", money_rounding_word(trade->rounding));
  sqlite3_str_appendall(json, "}}");
  return portfolio_keep(db, journal, json, fee);
}

/* Legs and rows: first what was held becomes available, then cash and coins change sides, at last the fee is paid. The cash comes
** before the coins: the first posted entry is the amount of the result, and the fee is in its currency. */
static int trade_move(ledger *db, struct journal *journal, struct trade_row *row) {
  const struct trade *trade = &row->trade;
  const char *type = trade->buys ? "buy" : "sell";
  struct account *cash_house, *coin_house;
  row->settled = trade->buys ? row->total + row->fee : row->quantity;
  row->released = trade_completes(row) ? portfolio_left(&trade->hold) - row->settled : 0;
  int rc = account_system(db, "exchange", trade->cash->currency, trade->cash->scale, &cash_house);
  if (rc == LEDGER_OK)
    rc = account_system(db, "exchange", trade->coin->currency, trade->coin->scale, &coin_house);
  if (rc == LEDGER_OK)
    rc = portfolio_give_back(db, journal, &trade->hold, row->settled + row->released);
  if (rc == LEDGER_OK)
    rc = trade->buys ? journal_move(db, journal, trade->cash, cash_house, row->total)
                     : journal_move(db, journal, cash_house, trade->cash, row->total);
  if (rc == LEDGER_OK)
    rc = trade->buys ? journal_move(db, journal, coin_house, trade->coin, row->quantity)
                     : journal_move(db, journal, trade->coin, coin_house, row->quantity);
  if (rc != LEDGER_OK) return rc;
  journal_row(journal, trade->cash, type, row->total, "completed", "",
              trade->buys ? "debit" : "credit");
  journal_row(journal, trade->coin, type, row->quantity, "completed", ".X1",
              trade->buys ? "credit" : "debit");
  return fee_post(db, journal, trade->cash, "trade", ".F1", row->fee);
}

static int trade_after_fill(ledger *db, struct journal *journal, void *context) {
  const struct trade_row *row = context;
  const struct trade *trade = &row->trade;
  int64_t when_us = journal->effective_us != 0 ? journal->effective_us : journal->created_us;
  int rc = hold_settle(db, trade->past.seq, row->settled, row->released);
  if (rc != LEDGER_OK) return rc;
  if (trade_completes(row)) return trade_complete(db, row, when_us);
  rc = trade_insert(db, journal, row, "completed", when_us);
  return rc == LEDGER_OK ? trade_reduce(db, row) : rc;
}

LEDGER_PRIVATE int trade_fill(ledger *db, const struct operation *operation,
                              struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct trade_row *row = arena_alloc(&db->arena, sizeof *row);
  if (row == NULL) return error_memory(&db->error);
  *row = (struct trade_row){0};
  const struct trade *trade = &row->trade;
  const char *fee = NULL;
  int rc = trade_open(db, operation, journal, &row->trade);
  if (rc == LEDGER_OK) rc = trade_part(db, asked, row);
  if (rc == LEDGER_OK) rc = trade_part_total(db, row);
  if (rc == LEDGER_OK) rc = trade_least(db, asked->least, row);
  if (rc == LEDGER_OK) rc = trade_fee(db, row, &fee);
  if (rc != LEDGER_OK) return rc;
  row->before = trade->cash->balance;
  row->after = row->before + (trade->buys ? -row->total : row->total) - row->fee;
  if (trade_completes(row))
    memcpy(row->id, trade->id, sizeof row->id);
  else
    journal_row_id(journal->id, TRADE_FILL_ROW, row->id);
  rc = trade_move(db, journal, row);
  if (rc == LEDGER_OK) rc = trade_fill_detail(db, journal, row, fee);
  if (rc != LEDGER_OK) return rc;
  journal->account = trade->hold.payer;
  journal->remaining = portfolio_left(&trade->hold) - row->settled - row->released;
  journal->after = trade_after_fill;
  journal->after_context = row;
  return LEDGER_OK;
}

/* ---- cancel */

static int trade_after_cancel(ledger *db, struct journal *journal, void *context) {
  const struct trade *trade = context;
  const struct value id = portfolio_text(trade->id);
  (void)journal;
  int rc = hold_settle(db, trade->past.seq, 0, portfolio_left(&trade->hold));
  if (rc != LEDGER_OK) return rc;
  return portfolio_write(db, book_tables(db)->trades, STATEMENT_TRADE_CANCEL, 1, &id);
}

LEDGER_PRIVATE int trade_cancel(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  struct trade *trade = arena_alloc(&db->arena, sizeof *trade);
  if (trade == NULL) return error_memory(&db->error);
  *trade = (struct trade){0};
  int rc = trade_open(db, operation, journal, trade);
  if (rc == LEDGER_OK) rc = hold_drop(db, journal, &trade->hold);
  if (rc != LEDGER_OK) return rc;
  journal->account = trade->hold.payer;
  journal->remaining = 0;
  journal->entity_type = "trades";
  journal->entity_id = trade->id;
  journal->after = trade_after_cancel;
  journal->after_context = trade;
  return LEDGER_OK;
}

#undef TRADE_FILL_ROW
