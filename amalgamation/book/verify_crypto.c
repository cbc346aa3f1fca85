/*
** verify_crypto.c: the proof of trades, crypto_withdrawals and deposit_addresses (V7, V8): that what orders, payouts and receives
** keep in their details adds up, and that the plain rows show it. What is proved stands in words at the head of trade.c,
** payout.c and portfolio.c. Orders and payouts are found by their rows of ledger_remainder, receives by the entries of the
** account that an address credits, from the last one backwards.
*/
#include "../internal.h"
#include "verify.h"

#define CRYPTO_FORGET_EVERY 1000 /* orders, after which the accounts that were read are let go of */

/* ---- reading */

/* A journal by its number. An unreadable one is a break that the walk has reported: *found false. */
static int crypto_past(struct verify *verify, int64_t seq, struct journal_past *past, bool *found) {
  int rc = journal_past_by_seq(verify->db, seq, past);
  *found = rc == LEDGER_OK;
  if (rc != LEDGER_BOOK_BROKEN && rc != LEDGER_UNKNOWN_REFERENCE && rc != LEDGER_UNKNOWN_ACCOUNT)
    return rc == LEDGER_OK ? rc : verify_trouble(verify, rc);
  error_clear(&verify->db->error);
  return LEDGER_OK;
}

static int crypto_text(struct verify *verify, const struct journal_past *past, const char *object,
                       const char *member, const char **out) {
  return portfolio_member(verify->db, past->detail, object, member, out);
}

/* Amounts of an object, 0 where one is missing; *whole is false if one cannot be read, or is below zero. */
struct crypto_amount {
  const char *member;
  int64_t *out;
};
static int crypto_amounts(struct verify *verify, const struct journal_past *past,
                          const char *object, const struct crypto_amount *amounts, int count,
                          bool *whole) {
  *whole = true;
  for (int i = 0; i < count; i++) {
    int rc = portfolio_number(verify->db, past->detail, object, amounts[i].member, amounts[i].out);
    if (rc == LEDGER_BOOK_BROKEN) {
      *whole = false;
      *amounts[i].out = 0;
      error_clear(&verify->db->error);
    } else if (rc != LEDGER_OK) {
      return rc;
    }
    /* Less than zero is the balance of a cash account that may be overdrawn. */
    if (*amounts[i].out < -PORTFOLIO_MAX || *amounts[i].out > PORTFOLIO_MAX) *whole = false;
  }
  return LEDGER_OK;
}

/* What a journal posted to a user's account, and the balance behind the last of its entries there; to a house account. */
static int64_t crypto_posted(const struct journal_past *past, const struct account *account,
                             int64_t *after) {
  int64_t sum = 0;
  for (int i = 0; i < past->entry_count; i++) {
    const struct journal_entry *entry = &past->entries[i];
    if (entry->account != account) continue;
    if (entry->layer == LAYER_POSTED) sum = verify_add(sum, entry->amount);
    *after = entry->balance_after;
  }
  return sum;
}

static int64_t crypto_held(const struct journal_past *past, struct account **payer) {
  *payer = NULL;
  for (int i = 0; i < past->entry_count; i++) {
    if (past->entries[i].layer != LAYER_HELD) continue;
    *payer = past->entries[i].account;
    return -past->entries[i].amount;
  }
  return 0;
}

static void crypto_break(struct verify *verify, const struct journal_past *past,
                         const char *message) {
  verify_break(verify, "V8", "ledger_journal", past->id, past->seq, "%s", message);
}

/* ---- plain rows */

struct crypto_column {
  const char *name;
  const char *text;  /* as it must be; NULL: null */
  const char *other; /* as it may be as well; "*": anything */
};

static bool crypto_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *crypto_word(const char *text) {
  return text == NULL ? "null" : text;
}

/* Does the row show it? */
static int crypto_row(struct verify *verify, enum statement_id id, const char *table,
                      const char *row_id, int64_t seq, const struct crypto_column *columns,
                      int count) {
  bool has_row;
  sqlite3_stmt *stmt = statement_fixed(verify->db, id);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  const struct value key = portfolio_text(row_id);
  int rc = statement_bind_all(verify->db, stmt, 1, &key);
  if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_row);
  if (rc == LEDGER_OK && !has_row && !verify->damaged)
    verify_break(verify, "V7", table, row_id, seq, "the row of journal %lld is not there",
                 (long long)seq);
  for (int i = 0; rc == LEDGER_OK && has_row && i < count; i++) {
    const char *text, *other = columns[i].other;
    rc = statement_text(verify->db, stmt, i, &text);
    if (rc != LEDGER_OK || crypto_same(text, columns[i].text)) continue;
    if (other != NULL && (strcmp(other, "*") == 0 || crypto_same(text, other))) continue;
    verify_break(verify, "V7", table, row_id, seq, "%s is %.80s, its journals make it %.80s",
                 columns[i].name, crypto_word(text), crypto_word(columns[i].text));
    break;
  }
  sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc;
}

/* Rows that say that something was moved: a journal made each of them. The audit trail leads from one to the other. */
static int crypto_rows(struct verify *verify, enum statement_id id, enum imported_table table) {
  bool has_row, has_journal = false;
  sqlite3_stmt *rows = statement_fixed(verify->db, id);
  if (rows == NULL) return verify_trouble(verify, verify->db->error.code);
  int rc = verify_step(verify, rows, &has_row);
  while (rc == LEDGER_OK && has_row) {
    sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_MAKER);
    const char *row_id = verify_text(rows, 0);
    char journal_id[37] = "";
    if (stmt == NULL) {
      rc = verify_trouble(verify, verify->db->error.code);
      break;
    }
    if (row_id != NULL && strlen(row_id) == 36) memcpy(journal_id, row_id, 34);
    if (journal_id[0] != 0) memcpy(journal_id + 34, "00", 3);
    const struct value key = portfolio_text(journal_id);
    rc = statement_bind_all(verify->db, stmt, 1, &key);
    if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_journal);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc == LEDGER_OK && !has_journal && !verify->damaged &&
        !verify_is_imported(verify, table, sqlite3_column_int64(rows, 1)))
      verify_break(verify, "V7", imported_name(table), row_id, 0,
                   "the row is completed, and no journal made it");
    if (rc == LEDGER_OK) rc = verify_step(verify, rows, &has_row);
  }
  sqlite3_reset(rows);
  return rc;
}

/* ---- orders and their fills */

struct crypto_order {
  struct journal_past past;
  const char *id, *asset;
  bool buys, is_cancelled;
  enum money_rounding rounding;
  int64_t price, quantity, total, balance, fee;
  int64_t filled, paid, charged; /* by the fills so far */
  struct account *cash, *coin;
};

static int crypto_trade_row(struct verify *verify, const struct crypto_order *order,
                            const char *row_id, int64_t seq, const int64_t amounts[5],
                            const char *status, int64_t time_us) {
  char texts[5][MONEY_TEXT_MAX], time[MOMENT_TEXT_MAX];
  for (int i = 0; i < 5; i++) money_text(amounts[i], PORTFOLIO_SCALE, texts[i]);
  portfolio_time(verify->tables->trades, "generated_at", time_us, time);
  const struct crypto_column columns[] = {{"user_id", order->cash->owner, NULL},
                                          {"trade_type", order->buys ? "buy" : "sell", NULL},
                                          {"asset", order->asset, NULL},
                                          {"amount", texts[0], NULL},
                                          {"price", texts[1], NULL},
                                          {"total", texts[2], NULL},
                                          {"balance_before", texts[3], NULL},
                                          {"balance_after", texts[4], NULL},
                                          {"status", status, NULL},
                                          {"is_simulated", "0", NULL},
                                          {"generated_at", time, NULL}};
  return crypto_row(verify, STATEMENT_CRYPTO_TRADE, "trades", row_id, seq, columns,
                    sizeof columns / sizeof *columns);
}

/* The terms of the fee are the order's, its base is all that was paid so far, and what was charged before is. */
static int crypto_fill_fee(struct verify *verify, struct crypto_order *order,
                           const struct journal_past *fill, int64_t *fee) {
  static const char *const terms[] = {"id",      "type",    "percentage", "flat",
                                      "minimum", "maximum", "rounding"};
  int64_t base, before;
  const struct crypto_amount amounts[] = {{"base", &base}, {"before", &before}, {"amount", fee}};
  bool same;
  int rc = crypto_amounts(verify, fill, "fee", amounts, 3, &same);
  for (size_t i = 0; rc == LEDGER_OK && i < sizeof terms / sizeof *terms; i++) {
    const char *agreed, *charged = NULL;
    rc = crypto_text(verify, &order->past, "fee", terms[i], &agreed);
    if (rc == LEDGER_OK) rc = crypto_text(verify, fill, "fee", terms[i], &charged);
    if (!crypto_same(agreed, charged)) same = false;
    if (i == 0 && agreed != NULL && (base != order->paid || before != order->charged)) same = false;
  }
  if (rc != LEDGER_OK) return rc;
  if (!same) crypto_break(verify, fill, "the fee of the fill is not the one that was ordered");
  order->charged = verify_add(order->charged, *fee);
  return LEDGER_OK;
}

static int crypto_fill(struct verify *verify, struct crypto_order *order, int64_t seq) {
  struct journal_past fill;
  const char *id;
  int64_t price, quantity, total, filled, paid, before, after, fee, cash_after = 0, coin_after;
  const struct crypto_amount amounts[] = {
      {"price", &price}, {"quantity", &quantity},     {"total", &total},        {"filled", &filled},
      {"paid", &paid},   {"balance_before", &before}, {"balance_after", &after}};
  bool found, whole;
  int rc = crypto_past(verify, seq, &fill, &found);
  if (rc != LEDGER_OK || !found) return rc;
  rc = crypto_amounts(verify, &fill, "trade", amounts, 7, &whole);
  if (rc == LEDGER_OK) rc = crypto_text(verify, &fill, "trade", "id", &id);
  if (rc != LEDGER_OK) return rc;
  int64_t left = order->total - order->paid, rounded = 0;
  bool ends = order->filled + quantity == order->quantity;
  order->filled += quantity;
  order->paid += total;
  int multiplied =
      money_multiply(quantity, price, money_power(PORTFOLIO_SCALE), order->rounding, &rounded);
  if (order->buys && ends && rounded > left) rounded = left;
  if (!whole || id == NULL || multiplied != LEDGER_OK || rounded != total ||
      filled != order->filled || paid != order->paid || filled > order->quantity ||
      order->paid > PORTFOLIO_MAX || (order->buys ? price > order->price : price < order->price)) {
    crypto_break(verify, &fill, "the fill does not follow from its order");
    return LEDGER_OK;
  }
  rc = crypto_fill_fee(verify, order, &fill, &fee);
  if (rc != LEDGER_OK) return rc;
  int64_t moved = verify_add(order->buys ? -total : total, -fee);
  if (crypto_posted(&fill, order->cash, &cash_after) != moved || cash_after != after ||
      after != verify_add(before, moved) ||
      crypto_posted(&fill, order->coin, &coin_after) != (order->buys ? quantity : -quantity))
    crypto_break(verify, &fill, "the fill did not move what it says");
  char own[37];
  memcpy(own, fill.id, sizeof own);
  memcpy(own + 34, "ff", 3);
  if (strcmp(id, ends ? order->id : own) != 0)
    crypto_break(verify, &fill, "the fill names another row than its own");
  const int64_t shown[] = {quantity, price, total, before, after};
  return crypto_trade_row(verify, order, ends ? order->id : own, seq, shown, "completed",
                          fill.effective_us != 0 ? fill.effective_us : fill.created_us);
}

/* A user's account of a currency; NULL if there is none that can be read. */
static int crypto_account(struct verify *verify, const char *user, const char *currency,
                          struct account **out) {
  char name[128];
  sqlite3_snprintf((int)sizeof name, name, "portfolio:%s:%s", user, currency);
  int rc = account_find_any(verify->db, name, out);
  if (rc == LEDGER_OK) return rc;
  *out = NULL;
  if (rc != LEDGER_UNKNOWN_ACCOUNT && rc != LEDGER_BOOK_BROKEN) return verify_trouble(verify, rc);
  error_clear(&verify->db->error);
  return LEDGER_OK;
}

/* The terms of the order, and whether they are whole. */
static int crypto_order_terms(struct verify *verify, struct crypto_order *order, bool *whole) {
  const struct crypto_amount amounts[] = {{"price", &order->price},
                                          {"quantity", &order->quantity},
                                          {"total", &order->total},
                                          {"balance", &order->balance}};
  const struct crypto_amount fees[] = {{"amount", &order->fee}};
  const struct journal_past *past = &order->past;
  const char *side, *rounding;
  bool has_fee;
  int rc = crypto_amounts(verify, past, "trade", amounts, 4, whole);
  if (rc == LEDGER_OK) rc = crypto_amounts(verify, past, "fee", fees, 1, &has_fee);
  if (rc == LEDGER_OK) rc = crypto_text(verify, past, "trade", "id", &order->id);
  if (rc == LEDGER_OK) rc = crypto_text(verify, past, "trade", "side", &side);
  if (rc == LEDGER_OK) rc = crypto_text(verify, past, "trade", "asset", &order->asset);
  if (rc == LEDGER_OK) rc = crypto_text(verify, past, "trade", "rounding", &rounding);
  if (rc != LEDGER_OK) return rc;
  char own[37];
  memcpy(own, past->id, sizeof own);
  memcpy(own + 34, "01", 3);
  int word = rounding == NULL ? -1 : money_rounding(rounding);
  *whole = *whole && side != NULL && order->asset != NULL && word >= 0 && order->id != NULL &&
           strcmp(order->id, own) == 0;
  if (!*whole) return LEDGER_OK;
  order->rounding = (enum money_rounding)word;
  order->buys = strcmp(side, "buy") == 0;
  struct account *payer;
  int64_t held = crypto_held(past, &payer), total = 0;
  int multiplied = money_multiply(order->quantity, order->price, money_power(PORTFOLIO_SCALE),
                                  order->rounding, &total);
  *whole = payer != NULL && payer->class == ACCOUNT_PORTFOLIO && multiplied == LEDGER_OK &&
           total == order->total &&
           held == (order->buys ? verify_add(total, order->fee) : order->quantity) &&
           (!order->buys || past->entries[0].balance_after == order->balance);
  if (!*whole) return LEDGER_OK;
  rc = crypto_account(verify, payer->owner, "USD", &order->cash);
  if (rc == LEDGER_OK) rc = crypto_account(verify, payer->owner, order->asset, &order->coin);
  *whole = order->cash != NULL && order->coin != NULL;
  return rc;
}

static int crypto_order(struct verify *verify, const struct journal_past *past, bool is_open) {
  struct crypto_order order = {.past = *past};
  bool whole, has_row;
  int rc = crypto_order_terms(verify, &order, &whole);
  if (rc != LEDGER_OK) return verify_trouble(verify, rc);
  if (!whole) {
    crypto_break(verify, past, "the order does not hold what it says");
    return LEDGER_OK;
  }
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_CHILDREN);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  sqlite3_bind_int64(stmt, 1, past->seq);
  rc = verify_step(verify, stmt, &has_row);
  while (rc == LEDGER_OK && has_row) {
    const char *word = verify_text(stmt, 1);
    if (word != NULL && strcmp(word, "cancel") == 0) order.is_cancelled = true;
    if (word != NULL && strcmp(word, "fill") == 0)
      rc = crypto_fill(verify, &order, sqlite3_column_int64(stmt, 0));
    if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_row);
  }
  sqlite3_reset(stmt);
  int64_t left = order.quantity - order.filled, total = 0;
  if (rc != LEDGER_OK || verify->damaged || left <= 0) return rc;
  if (is_open == order.is_cancelled)
    crypto_break(verify, past, "an order with something left is open, or else cancelled");
  money_multiply(left, order.price, money_power(PORTFOLIO_SCALE), order.rounding, &total);
  const int64_t shown[] = {left, order.price, total, order.balance, order.balance};
  return crypto_trade_row(verify, &order, order.id, past->seq, shown,
                          order.is_cancelled ? "cancelled" : "pending", past->created_us);
}

/* ---- payouts */

struct crypto_payout {
  struct journal_past past;
  const char *id, *address, *fee;
  int64_t amount, charged;
  struct account *account;
  bool is_approved;
  struct journal_past last; /* of its journals; seq 0: none */
};

/* What a complete moved, and that its fee is the one that was agreed. */
static int crypto_complete(struct verify *verify, const struct crypto_payout *payout,
                           const struct journal_past *past) {
  int64_t after, sent = verify_add(payout->amount, payout->charged), world = 0;
  const char *fee;
  int rc = crypto_text(verify, past, NULL, "fee", &fee);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < past->entry_count; i++) {
    const struct journal_entry *entry = &past->entries[i];
    if (entry->layer == LAYER_POSTED && strcmp(entry->account->owner, "world") == 0)
      world = verify_add(world, entry->amount);
  }
  if (crypto_posted(past, payout->account, &after) != -sent || world != payout->amount ||
      !crypto_same(fee, payout->fee))
    crypto_break(verify, past, "the payout did not send what was asked for");
  if (!payout->is_approved)
    crypto_break(verify, past, "the payout was completed, and not approved before");
  return LEDGER_OK;
}

static int crypto_payout_row(struct verify *verify, const struct crypto_payout *payout) {
  const struct journal_past *last = &payout->last;
  bool ends = last->seq != 0 && last->kind != LEDGER_OP_APPROVE;
  const char *status = "PENDING", *hash = NULL, *reason = NULL;
  char amount[MONEY_TEXT_MAX], time[MOMENT_TEXT_MAX];
  int rc = LEDGER_OK;
  if (last->seq != 0) {
    rc = crypto_text(verify, last, "payout", "status", &status);
    if (rc == LEDGER_OK) rc = crypto_text(verify, last, "payout", "txn_hash", &hash);
    if (rc == LEDGER_OK) rc = crypto_text(verify, last, "payout", "error_message", &reason);
  }
  if (rc != LEDGER_OK) return rc;
  money_text(payout->amount, PORTFOLIO_SCALE, amount);
  portfolio_time(verify->tables->crypto_withdrawals, "processed_at", last->created_us, time);
  const char *sending = last->kind == LEDGER_OP_APPROVE ? "PROCESSING" : NULL;
  const struct crypto_column columns[] = {{"user_id", payout->account->owner, NULL},
                                          {"amount", amount, NULL},
                                          {"currency", payout->account->currency, NULL},
                                          {"crypto_address", payout->address, NULL},
                                          {"status", status, sending},
                                          {"txn_hash", hash, hash == NULL ? "*" : NULL},
                                          {"error_message", reason, NULL},
                                          {"processed_at", ends ? time : NULL, NULL}};
  return crypto_row(verify, STATEMENT_CRYPTO_PAYOUT, "crypto_withdrawals", payout->id,
                    payout->past.seq, columns, sizeof columns / sizeof *columns);
}

static int crypto_payout_terms(struct verify *verify, struct crypto_payout *payout, bool *whole) {
  const struct crypto_amount amounts[] = {{"amount", &payout->amount}};
  const struct crypto_amount fees[] = {{"amount", &payout->charged}};
  bool has_fee;
  int rc = crypto_amounts(verify, &payout->past, "payout", amounts, 1, whole);
  if (rc == LEDGER_OK) rc = crypto_amounts(verify, &payout->past, "fee", fees, 1, &has_fee);
  if (rc == LEDGER_OK) rc = crypto_text(verify, &payout->past, "payout", "id", &payout->id);
  if (rc == LEDGER_OK)
    rc = crypto_text(verify, &payout->past, "payout", "address", &payout->address);
  if (rc == LEDGER_OK) rc = crypto_text(verify, &payout->past, NULL, "fee", &payout->fee);
  if (rc != LEDGER_OK) return rc;
  char own[37];
  memcpy(own, payout->past.id, sizeof own);
  memcpy(own + 34, "01", 3);
  int64_t held = crypto_held(&payout->past, &payout->account);
  *whole = *whole && has_fee && payout->account != NULL && crypto_same(payout->id, own) &&
           held == verify_add(payout->amount, payout->charged);
  return LEDGER_OK;
}

static int crypto_payout_child(struct verify *verify, struct crypto_payout *payout, int64_t seq) {
  struct journal_past past;
  bool found;
  int rc = crypto_past(verify, seq, &past, &found);
  if (rc != LEDGER_OK || !found) return rc;
  bool ends = past.kind == LEDGER_OP_COMPLETE || past.kind == LEDGER_OP_REJECT;
  if (!ends && past.kind != LEDGER_OP_APPROVE) return LEDGER_OK;
  bool follows = payout->last.seq == 0 || (ends && payout->last.kind == LEDGER_OP_APPROVE);
  if (!follows) crypto_break(verify, &past, "the payout was approved or at its end before");
  if (past.kind == LEDGER_OP_COMPLETE) rc = crypto_complete(verify, payout, &past);
  payout->is_approved = payout->is_approved || past.kind == LEDGER_OP_APPROVE;
  payout->last = past;
  return rc;
}

static int crypto_payout(struct verify *verify, const struct journal_past *past) {
  struct crypto_payout payout = {.past = *past};
  bool whole, has_row;
  int rc = crypto_payout_terms(verify, &payout, &whole);
  if (rc != LEDGER_OK) return verify_trouble(verify, rc);
  if (!whole) {
    crypto_break(verify, past, "the payout does not hold what it says");
    return LEDGER_OK;
  }
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_CHILDREN);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  sqlite3_bind_int64(stmt, 1, past->seq);
  rc = verify_step(verify, stmt, &has_row);
  while (rc == LEDGER_OK && has_row) {
    rc = crypto_payout_child(verify, &payout, sqlite3_column_int64(stmt, 0));
    if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_row);
  }
  sqlite3_reset(stmt);
  return rc != LEDGER_OK || verify->damaged ? rc : crypto_payout_row(verify, &payout);
}

/* ---- deposit addresses */

/* A receive of the address, if that is what the entry under the cursor is of: it left `sums`, which becomes what it found. */
static int crypto_receive(struct verify *verify, sqlite3_stmt *stmt, const char *address_id,
                          int64_t sums[2], bool *is_last) {
  static const char *const members[] = {"balance", "total_received"};
  int64_t left[2] = {-1, -1}, amount = sqlite3_column_int64(stmt, 1);
  const char *detail, *id = NULL;
  int rc = statement_text(verify->db, stmt, 2, &detail);
  if (rc == LEDGER_OK) rc = portfolio_member(verify->db, detail, "receive", "address_id", &id);
  if (rc != LEDGER_OK || !crypto_same(id, address_id)) return rc;
  for (int i = 0; rc == LEDGER_OK && i < 2; i++)
    rc = portfolio_number(verify->db, detail, "receive", members[i], &left[i]);
  if (rc == LEDGER_MEMORY) return rc;
  error_clear(&verify->db->error);
  if (left[0] != sums[0] || left[1] != sums[1])
    verify_break(verify, "V7", "deposit_addresses", address_id, sqlite3_column_int64(stmt, 3),
                 *is_last ? "the address does not show what its last receive left"
                          : "two receives of the address do not follow from each other");
  sums[0] = verify_add(left[0], -amount);
  sums[1] = verify_add(left[1], -amount);
  *is_last = false;
  return LEDGER_OK;
}

/* From the account's last entry backwards: the last receive left what the row shows, each other one what the next one found. */
static int crypto_address(struct verify *verify, sqlite3_stmt *row) {
  const char *id = verify_text(row, 0);
  int64_t entry = sqlite3_column_int64(row, 3), sums[2];
  bool has_row, is_last = true;
  int rc = LEDGER_OK;
  if (id == NULL) return LEDGER_OK;
  for (int i = 0; i < 2; i++) {
    const char *text = verify_text(row, i + 1);
    if (text == NULL || money_read(text, strlen(text), PORTFOLIO_SCALE, PORTFOLIO_SCALE, &sums[i],
                                   NULL) != LEDGER_OK)
      sums[i] = INT64_MIN;
  }
  while (rc == LEDGER_OK && entry > 0) {
    sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_RECEIVED);
    if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
    sqlite3_bind_int64(stmt, 1, entry);
    rc = verify_step(verify, stmt, &has_row);
    int64_t previous = rc == LEDGER_OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
    if (rc == LEDGER_OK && has_row && sqlite3_column_type(stmt, 2) != SQLITE_NULL)
      rc = crypto_receive(verify, stmt, id, sums, &is_last);
    sqlite3_reset(stmt);
    arena_reset(&verify->db->arena);
    if (previous >= entry) break; /* V3 says so */
    entry = previous;
  }
  return rc;
}

static int crypto_addresses(struct verify *verify) {
  bool has_row;
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_ADDRESSES);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  int rc = verify_step(verify, stmt, &has_row);
  while (rc == LEDGER_OK && has_row) {
    rc = crypto_address(verify, stmt);
    if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_row);
  }
  sqlite3_reset(stmt);
  return rc;
}

/* ---- all of it */

static int crypto_hold(struct verify *verify, int64_t seq, bool is_open) {
  struct journal_past past;
  bool found;
  int rc = crypto_past(verify, seq, &past, &found);
  if (rc != LEDGER_OK || !found) return rc;
  return past.kind == LEDGER_OP_ORDER ? crypto_order(verify, &past, is_open)
                                      : crypto_payout(verify, &past);
}

static int crypto_holds(struct verify *verify) {
  bool has_row;
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_CRYPTO_HOLDS);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  int rc = verify_step(verify, stmt, &has_row);
  for (int64_t n = 1; rc == LEDGER_OK && has_row; n++) {
    if (n % CRYPTO_FORGET_EVERY == 0) account_forget_all(verify->db);
    arena_reset(&verify->db->arena);
    rc = crypto_hold(verify, sqlite3_column_int64(stmt, 0), sqlite3_column_int(stmt, 1) != 0);
    if (rc == LEDGER_OK) rc = verify_step(verify, stmt, &has_row);
  }
  sqlite3_reset(stmt);
  account_forget_all(verify->db);
  return rc;
}

LEDGER_PRIVATE int verify_crypto(struct verify *verify) {
  const struct book_tables *tables = verify->tables;
  bool has_trail = tables->audit_logs != NULL && tables->audit_is_full;
  int rc = LEDGER_OK;
  if (tables->trades != NULL && tables->crypto_withdrawals != NULL) rc = crypto_holds(verify);
  if (rc == LEDGER_OK && tables->trades != NULL && has_trail)
    rc = crypto_rows(verify, STATEMENT_CRYPTO_TRADES, IMPORTED_TRADES);
  if (rc == LEDGER_OK && tables->crypto_withdrawals != NULL && has_trail)
    rc = crypto_rows(verify, STATEMENT_CRYPTO_PAYOUTS, IMPORTED_PAYOUTS);
  if (rc == LEDGER_OK && tables->deposit_addresses != NULL) rc = crypto_addresses(verify);
  return rc;
}

#undef CRYPTO_FORGET_EVERY
