/*
** test_crypto: coins that arrive, trades and payouts: quantities, fees, the plain rows, each refusal, and that what is
** refused changes nothing.
*/
#include "../../ledger.c"

#include <allocation.h>

#define ADA "00000001-0000-4000-8000-000000000001"
#define BOB "00000001-0000-4000-8000-000000000002"

/* ---- helpers */

/* JSON with ' for ": what a C string can be read with. Static. */
static const char *test_json(const char *text) {
  static char json[4096];
  size_t length = strlen(text);
  assert_true(length < sizeof json);
  for (size_t i = 0; i <= length; i++) json[i] = text[i] == '\'' ? '"' : text[i];
  return json;
}

static void test_apply(ledger *db, const char *change) {
  if (ledger_apply(db, test_json(change), -1, NULL, NULL) != LEDGER_OK)
    fail_msg("%s: %s", change, ledger_error_of(db)->message);
}

static void test_forbidden(ledger *db, const char *change) {
  if (ledger_apply(db, test_json(change), -1, NULL, NULL) != LEDGER_FORBIDDEN)
    fail_msg("%s: %s", change, ledger_error_of(db)->message);
}

static void test_run(ledger *db, const char *sql) {
  int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
  if (rc != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  db->row_writes++; /* as if the store had written: nothing that is remembered holds */
}

/* The columns of a query's rows, a space between, a line for each row; the caller's. */
static char *test_rows(ledger *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  for (int row = 0; sqlite3_step(stmt) == SQLITE_ROW; row++) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const char *value = (const char *)sqlite3_column_text(stmt, i);
      sqlite3_str_appendf(text, "%s%s", i > 0 ? " " : row > 0 ? "\n" : "",
                          value == NULL ? "-" : value);
    }
  }
  sqlite3_finalize(stmt);
  char *out = sqlite3_str_finish(text);
  return out == NULL ? sqlite3_mprintf("") : out;
}

static void test_shows(ledger *db, const char *sql, const char *expected) {
  char *rows = test_rows(db, sql);
  if (strcmp(rows, expected) != 0) fail_msg("%s\n  is   %s\n  not  %s", sql, rows, expected);
  sqlite3_free(rows);
}

static const char test_portfolios[] =
    "SELECT cash_balance, btc_balance, eth_balance FROM portfolio ORDER BY user_id";
static const char test_movements[] =
    "SELECT transaction_type, amount, currency, status, reference FROM portfolio_transactions ORDER BY rowid";
static const char test_trades[] =
    "SELECT trade_type, asset, amount, price, total, balance_before, balance_after, status, is_simulated"
    " FROM trades ORDER BY rowid";
static const char test_holds[] =
    "SELECT reference, amount, settled, released FROM ledger_remainder JOIN ledger_journal ON seq = journal ORDER BY seq";
static const char test_payouts[] = "SELECT amount, currency, crypto_address, status, txn_hash, error_message,"
                                   " processed_at IS NOT NULL FROM crypto_withdrawals ORDER BY rowid";
/* Everything that an operation may change. */
static const char test_everything[] =
    "SELECT 'p', id, user_id, cash_balance, btc_balance, eth_balance, updated_at, 0, 0 FROM portfolio"
    " UNION ALL SELECT 'm', id, amount, status, reference, 0, 0, 0, 0 FROM portfolio_transactions"
    " UNION ALL SELECT 't', id, amount, price, total, status, balance_before, balance_after, generated_at FROM trades"
    " UNION ALL SELECT 'w', id, amount, status, txn_hash, error_message, updated_at, processed_at, 0 FROM crypto_withdrawals"
    " UNION ALL SELECT 'd', id, balance, total_received, last_activity_at, 0, 0, 0, 0 FROM deposit_addresses"
    " UNION ALL SELECT 'r', journal, amount, settled, released, 0, 0, 0, 0 FROM ledger_remainder"
    " UNION ALL SELECT 'a', account_key, balance, held, expected, version, last_entry, 0, 0 FROM ledger_account"
    " UNION ALL SELECT 'n', (SELECT count(*) FROM ledger_journal), (SELECT count(*) FROM ledger_entry),"
    " (SELECT count(*) FROM audit_logs), 0, 0, 0, 0, 0";

static ledger_result test_result;

static int test_post(ledger *db, const char *operation) {
  ledger_operation read;
  int rc = ledger_operation_read(db, test_json(operation), -1, &read);
  if (rc != LEDGER_OK) fail_msg("%s: %s", operation, ledger_error_of(db)->message);
  rc = ledger_post(db, &read, &test_result);
  assert_int_equal(rc, test_result.code);
  return rc;
}

/* Done, and done again with the same result and no change. */
static void test_do(ledger *db, const char *operation) {
  if (test_post(db, operation) != LEDGER_OK)
    fail_msg("%s: %s", operation, ledger_error_of(db)->message);
  assert_int_equal(test_result.replayed, 0);
  char *before = test_rows(db, test_everything);
  char *first = ledger_result_json(&test_result);
  assert_int_equal(test_post(db, operation), LEDGER_OK);
  assert_int_equal(test_result.replayed, 1);
  test_result.replayed = 0;
  char *again = ledger_result_json(&test_result);
  assert_string_equal(first, again);
  char *after = test_rows(db, test_everything);
  assert_string_equal(before, after);
  sqlite3_free(first);
  sqlite3_free(again);
  sqlite3_free(before);
  sqlite3_free(after);
}

static void test_refused(ledger *db, const char *operation, int code, const char *words) {
  char *before = test_rows(db, test_everything);
  int rc = test_post(db, operation);
  if (rc != code)
    fail_msg("%s: code %d, not %d: %s", operation, rc, code, ledger_error_of(db)->message);
  assert_string_equal(ledger_error_of(db)->message, words);
  char *after = test_rows(db, test_everything);
  assert_string_equal(before, after);
  sqlite3_free(before);
  sqlite3_free(after);
}

static void test_gives(const char *amount, const char *currency, const char *fee,
                       const char *received, const char *received_currency, const char *rate,
                       const char *remaining) {
  assert_string_equal(test_result.amount, amount);
  assert_string_equal(test_result.currency, currency);
  assert_string_equal(test_result.fee, fee);
  assert_string_equal(test_result.received, received);
  assert_string_equal(test_result.received_currency, received_currency);
  assert_string_equal(test_result.rate, rate);
  assert_string_equal(test_result.remaining, remaining);
}

/* Users Ada and Bob, nobody with a portfolio; fees; addresses of Ada's for BTC and XRP, of Bob's for ETH. */
static ledger *test_open(void) {
  ledger *db = NULL;
  int rc = ledger_create(":memory:", ledger_schema("full"), LEDGER_NO_SEED, &db);
  if (rc != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  test_apply(db, "{'table':'users','row':{'id':'" ADA "','email':'ada@b.co','password_hash':'!'}}");
  test_apply(db, "{'table':'users','row':{'id':'" BOB "','email':'bob@b.co','password_hash':'!'}}");
  test_apply(db, "{'table':'fee_config','row':{'fee_type':'trading','percentage_fee':'0.1','minimum_amount':'1',"
                 "'flat_fee':'0.25','currency':'USD'}}");
  test_apply(db, "{'table':'fee_config','row':{'fee_type':'withdrawal','percentage_fee':'0.5','flat_fee':'0.0001',"
                 "'currency':'BTC'}}");
  test_apply(db, "{'table':'fee_config','row':{'fee_type':'deposit','percentage_fee':'1','currency':'ETH'}}");
  test_apply(db, "{'table':'fee_config','row':{'fee_type':'deposit','flat_fee':'2','currency':'BTC'}}");
  test_apply(db, "{'table':'deposit_addresses','row':{'user_id':'" ADA "','crypto_type':'BTC','address':'bc1qada'}}");
  test_apply(db, "{'table':'deposit_addresses','row':{'user_id':'" ADA "','crypto_type':'XRP','address':'rada',"
                 "'is_active':false}}");
  test_apply(db, "{'table':'deposit_addresses','row':{'user_id':'" BOB "','crypto_type':'ETH','address':'0xbob'}}");
  return db;
}

/* Of each currency the accounts sum to zero, and what is held is what holds have left. Then the proof, all of it. */
static void test_close(ledger *db) {
  test_shows(db, "SELECT currency FROM ledger_account GROUP BY currency, scale HAVING sum(balance) <> 0", "");
  test_shows(db, "SELECT (SELECT sum(held) FROM ledger_account) - (SELECT sum(amount - settled - released) FROM ledger_remainder)"
                 " WHERE (SELECT count(*) FROM ledger_remainder) > 0 AND (SELECT sum(held) FROM ledger_account) <>"
                 " (SELECT sum(amount - settled - released) FROM ledger_remainder)", "");
  test_shows(db, "SELECT (SELECT sum(held) FROM ledger_account) <> (SELECT sum(expected) FROM ledger_account)"
                 " WHERE (SELECT count(*) FROM ledger_account) > 0", "0");
  char *report = NULL;
  if (ledger_verify(db, NULL, &report) != LEDGER_OK) fail_msg("%s", report);
  ledger_free(report);
  ledger_close(db);
}

/* ---- receive */

static void test_receive(void **state) {
  (void)state;
  ledger *db = test_open();
  test_do(db, "{'op':'receive','address':'bc1qada','amount':'0.50000001','txn_hash':'ab12','reference':'ab12:0'}");
  test_gives("0.50000001", "BTC", "", "", "", "", "");
  assert_string_equal(test_result.status, "completed");
  assert_int_equal(test_result.balance_count, 1);
  assert_string_equal(test_result.balances[0].account, "portfolio:" ADA ":BTC");
  assert_string_equal(test_result.balances[0].available, "0.50000001");
  test_shows(db, test_portfolios, "0.00000000 0.50000001 0.00000000");
  test_shows(db, "SELECT user_id, created_at = updated_at, usd_value FROM portfolio", ADA " 1 0.00000000");
  test_shows(db, test_movements, "deposit 0.50000001 BTC completed ab12:0");
  test_shows(db, "SELECT balance, total_received, last_activity_at = (SELECT created_at FROM portfolio_transactions)"
                 " FROM deposit_addresses WHERE address = 'bc1qada'", "0.50000001 0.50000001 1");
  test_shows(db, "SELECT json_remove(detail, '$.receive.address_id') FROM ledger_journal WHERE kind = 'receive'",
             "{\"receive\":{\"txn_hash\":\"ab12\",\"balance\":\"0.50000001\",\"total_received\":\"0.50000001\"}}");
  /* more to the same address; to another user, with a fee */
  test_do(db, "{'op':'receive','address':'bc1qada','amount':'1','reference':'R2'}");
  test_do(db, "{'op':'receive','address':'0xbob','amount':'2','fee':'deposit','currency':'ETH','reference':'R3'}");
  test_gives("2.00000000", "ETH", "0.02000000", "", "", "", "");
  test_shows(db, test_portfolios, "0.00000000 1.50000001 0.00000000\n0.00000000 0.00000000 1.98000000");
  test_shows(db, "SELECT address, balance, total_received FROM deposit_addresses ORDER BY address",
             "0xbob 2.00000000 2.00000000\nbc1qada 1.50000001 1.50000001\nrada 0.00000000 0.00000000");
  test_shows(db, "SELECT amount, currency, reference FROM portfolio_transactions WHERE reference LIKE 'R3%' ORDER BY rowid",
             "2.00000000 ETH R3\n0.02000000 ETH R3.F1");
  /* what leaves the portfolio arrived all the same, and what the network says is not reversed */
  assert_int_equal(test_post(db, "{'op':'reverse','of':'R2','reference':'R4'}"), LEDGER_WRONG_STATE);
  test_do(db, "{'op':'withdraw','from':'portfolio:" ADA ":BTC','amount':'1.5','reference':'R4'}");
  test_shows(db, "SELECT balance, total_received FROM deposit_addresses WHERE address = 'bc1qada'",
             "1.50000001 1.50000001");
  test_close(db);
}

static void test_receive_refusals(void **state) {
  (void)state;
  ledger *db = test_open();
  test_refused(db, "{'op':'receive','address':'bc1qeve','amount':'1','reference':'R'}", LEDGER_UNKNOWN_ACCOUNT,
               "there is no deposit address \"bc1qeve\"");
  test_refused(db, "{'op':'receive','address':'rada','amount':'1','reference':'R'}", LEDGER_WRONG_STATE,
               "deposit address rada is not active");
  test_refused(db, "{'op':'receive','address':'bc1qada','amount':'0','reference':'R'}", LEDGER_NOT_POSITIVE,
               "the amount 0 is not greater than zero");
  test_refused(db, "{'op':'receive','address':'bc1qada','amount':'1','currency':'ETH','reference':'R'}",
               LEDGER_WRONG_CURRENCY, "account portfolio:" ADA ":BTC is in BTC, the amount in ETH");
  test_refused(db, "{'op':'receive','address':'0xbob','amount':'1','fee':'withdrawal','reference':'R'}", LEDGER_NO_FEE,
               "fee_config has no active fee \"withdrawal\" in ETH");
  test_refused(db, "{'op':'receive','address':'bc1qada','amount':'1','fee':'deposit','reference':'R'}", LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":BTC has 0.00000000 BTC available, 1.00000000 is needed");
  test_shows(db, test_portfolios, "");
  assert_int_equal(test_post(db, "{'op':'receive','address':'bc1qada','amount':'0.123456789','reference':'R'}"),
                   LEDGER_WRONG_SCALE);
  assert_int_equal(test_post(db, "{'op':'receive','address':'bc1qada','amount':'10000000000','reference':'R'}"),
                   LEDGER_AMOUNT_RANGE);
  assert_int_equal(test_post(db, "{'op':'receive','amount':'1','reference':'R'}"), LEDGER_BAD_OPERATION);
  /* a batch goes on after a refusal, and the refused one has left no portfolio behind */
  ledger_operation operations[2] = {
      {.kind = LEDGER_OP_RECEIVE, .address = "bc1qada", .amount = "1", .fee = "deposit", .reference = "A"},
      {.kind = LEDGER_OP_RECEIVE, .address = "0xbob", .amount = "1", .reference = "B"}};
  ledger_result results[2];
  assert_int_equal(ledger_post_batch(db, 2, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  assert_int_equal(results[0].code, LEDGER_NO_FUNDS);
  assert_int_equal(results[1].code, LEDGER_OK);
  test_shows(db, "SELECT user_id, eth_balance FROM portfolio", BOB " 1.00000000");
  /* nothing of a dry run either */
  operations[0].fee = NULL;
  assert_int_equal(ledger_post_batch(db, 1, operations, LEDGER_BATCH_ATOMIC, LEDGER_DRY_RUN, results), LEDGER_OK);
  assert_int_equal(results[0].code, LEDGER_OK);
  test_shows(db, "SELECT user_id, eth_balance FROM portfolio", BOB " 1.00000000");
  test_close(db);
}

/* The address's own sums have a column of 18 digits as well. */
static void test_receive_range(void **state) {
  (void)state;
  ledger *db = test_open();
  test_do(db, "{'op':'receive','address':'bc1qada','amount':'9999999999.99999999','reference':'R1'}");
  test_do(db, "{'op':'withdraw','from':'portfolio:" ADA ":BTC','amount':'9999999999','reference':'R2'}");
  test_refused(db, "{'op':'receive','address':'bc1qada','amount':'0.00000001','reference':'R3'}", LEDGER_AMOUNT_RANGE,
               "the sums of the deposit address would be out of range");
  test_close(db);
}

/* A portfolio is made by any first movement, and its columns have one name each. */
static void test_portfolio(void **state) {
  (void)state;
  ledger *db = test_open();
  ledger_balance balance;
  test_refused(db, "{'op':'deposit','to':'portfolio:00000001-0000-4000-8000-000000000009:USD','amount':'1','reference':'R'}",
               LEDGER_UNKNOWN_ACCOUNT,
               "there is no account \"portfolio:00000001-0000-4000-8000-000000000009:USD\"");
  test_refused(db, "{'op':'deposit','to':'portfolio:" ADA ":CASH','amount':'1','reference':'R'}", LEDGER_UNKNOWN_ACCOUNT,
               "there is no account \"portfolio:" ADA ":CASH\"");
  test_refused(db, "{'op':'withdraw','from':'portfolio:" ADA ":USD','amount':'1','reference':'R'}", LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":USD has 0.00000000 USD available, 1.00000000 is needed");
  assert_int_equal(ledger_account(db, "portfolio:" ADA ":BTC", &balance), LEDGER_OK);
  assert_string_equal(balance.balance, "0.00000000");
  test_shows(db, test_portfolios, "");
  test_do(db, "{'op':'deposit','to':'portfolio:" ADA ":usd','amount':'10.5','reference':'R1'}");
  test_do(db, "{'op':'deposit','to':'portfolio:" ADA ":BTC','amount':'1','reference':'R2'}");
  test_do(db, "{'op':'deposit','to':'portfolio:" ADA ":btc','amount':'2','reference':'R3'}");
  test_do(db, "{'op':'transfer','from':'portfolio:" ADA ":BTC','to':'portfolio:" BOB ":BTC','amount':'0.25','reference':'R4'}");
  test_shows(db, test_portfolios, "10.50000000 2.75000000 0.00000000\n0.00000000 0.25000000 0.00000000");
  test_shows(db, "SELECT count(*) FROM ledger_account WHERE class = 'portfolio'", "3");
  test_close(db);
}

/* ---- trades */

/* Ada with 10,000 dollars and 2 BTC. */
static ledger *test_open_funded(void) {
  ledger *db = test_open();
  test_do(db, "{'op':'deposit','to':'portfolio:" ADA ":USD','amount':'10000','reference':'CASH'}");
  test_do(db, "{'op':'receive','address':'bc1qada','amount':'2','reference':'COINS'}");
  return db;
}

static void test_buy(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  /* 0.1 * 50000 = 5000.00, fee 0.1 % of it 5.00 and flat 0.25 */
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'0.1','price':'50000',"
              "'fee':'trading','reference':'O1'}");
  test_gives("5005.25000000", "USD", "5.25000000", "", "", "", "5005.25000000");
  assert_string_equal(test_result.status, "pending");
  char order[37], row[120];
  memcpy(order, test_result.transaction_id, sizeof order);
  sqlite3_snprintf((int)sizeof row, row, "%s " ADA " 1", order);
  test_shows(db, "SELECT id, user_id, created_at = generated_at FROM trades WHERE substr(id, 35) = '01'", row);
  assert_string_equal(test_result.balances[0].balance, "10000.00000000");
  assert_string_equal(test_result.balances[0].available, "4994.75000000");
  test_shows(db, test_portfolios, "10000.00000000 2.00000000 0.00000000");
  test_shows(db, test_trades,
             "buy BTC 0.10000000 50000.00000000 5000.00000000 10000.00000000 10000.00000000 pending 0");
  test_shows(db, "SELECT count(*) FROM portfolio_transactions", "2");
  /* what is held is not there for others */
  test_refused(db, "{'op':'withdraw','from':'portfolio:" ADA ":USD','amount':'4994.75000001','reference':'W'}",
               LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":USD has 4994.75000000 USD available, 4994.75000001 is needed");
  /* a better price: 4900.00, fee 4.90 and 0.25; the rest of the hold comes back */
  test_do(db, "{'op':'fill','of':'O1','price':'49000','effective_at':'2026-05-06 07:08:09.5+00','reference':'F1'}");
  test_gives("4900.00000000", "USD", "5.15000000", "0.10000000", "BTC", "49000.00000000", "0.00000000");
  assert_string_equal(test_result.transaction_id, order);
  assert_string_equal(test_result.status, "completed");
  test_shows(db, test_portfolios, "5094.85000000 2.10000000 0.00000000");
  test_shows(db, test_trades,
             "buy BTC 0.10000000 49000.00000000 4900.00000000 10000.00000000 5094.85000000 completed 0");
  sqlite3_snprintf((int)sizeof row, row, "2026-05-06 07:08:09.5+00:00 %s", order);
  test_shows(db, "SELECT generated_at, id FROM trades", row);
  test_shows(db, test_movements,
             "deposit 10000.00000000 USD completed CASH\ndeposit 2.00000000 BTC completed COINS\n"
             "buy 4900.00000000 USD completed F1\nbuy 0.10000000 BTC completed F1.X1\n"
             "trade 5.15000000 USD completed F1.F1");
  test_shows(db, test_holds, "O1 500525000000 490515000000 10010000000");
  test_shows(db, "SELECT owner, currency, balance, held, expected FROM ledger_account WHERE class = 'system'"
                 " AND owner <> 'world' ORDER BY owner, currency",
             "exchange BTC -10000000 0 0\nexchange USD 490000000000 0 0\nfees USD 515000000 0 0");
  test_refused(db, "{'op':'fill','of':'O1','reference':'F2'}", LEDGER_WRONG_STATE,
               "order O1 is closed: nothing of it is held");
  test_refused(db, "{'op':'cancel','of':'O1','reference':'F2'}", LEDGER_WRONG_STATE,
               "order O1 is closed: nothing of it is held");
  test_close(db);
}

static void test_sell(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'0.5','price':'40000',"
              "'fee':'trading','reference':'O1'}");
  test_gives("0.50000000", "BTC", "", "", "", "", "0.50000000"); /* its fee will be in dollars */
  test_shows(db, test_trades,
             "sell BTC 0.50000000 40000.00000000 20000.00000000 10000.00000000 10000.00000000 pending 0");
  /* 20500.00, fee 20.50 and 0.25 */
  test_do(db, "{'op':'fill','of':'O1','price':'41000','least':'20500','reference':'F1'}");
  test_gives("20500.00000000", "USD", "20.75000000", "20479.25000000", "USD", "41000.00000000", "0.00000000");
  test_shows(db, test_portfolios, "30479.25000000 1.50000000 0.00000000");
  test_shows(db, test_trades,
             "sell BTC 0.50000000 41000.00000000 20500.00000000 10000.00000000 30479.25000000 completed 0");
  test_shows(db, "SELECT transaction_type, amount, currency, reference FROM portfolio_transactions WHERE rowid > 2 ORDER BY rowid",
             "sell 20500.00000000 USD F1\nsell 0.50000000 BTC F1.X1\ntrade 20.75000000 USD F1.F1");
  test_shows(db, test_holds, "O1 50000000 50000000 0");
  test_close(db);
}

/* A fill that was a mistake is reversed like any movement: the trade stays, cash, coins and fee go back. */
static void test_reverse(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'0.1','price':'50000','fee':'trading','reference':'O1'}");
  test_do(db, "{'op':'fill','of':'O1','reference':'F1'}");
  test_do(db, "{'op':'reverse','of':'F1','reason':'wrong market','reference':'U1'}");
  test_shows(db, test_portfolios, "10000.00000000 2.00000000 0.00000000");
  test_shows(db, test_trades,
             "buy BTC 0.10000000 50000.00000000 5000.00000000 10000.00000000 4994.75000000 completed 0");
  test_shows(db, test_holds, "O1 500525000000 500525000000 0\nF1 500000000000 500000000000 0");
  test_close(db);
}

/* In parts each completed row is one fill, the order's row what is open; the fee is on the sum. */
static void test_parts(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  /* 1 BTC at 3000: fee 3.00 and 0.25; of 0.1 BTC, 300.00, it is the minimum 1 and 0.25 */
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'3000',"
              "'fee':'trading','reference':'O1'}");
  char order[37];
  memcpy(order, test_result.transaction_id, sizeof order);
  test_do(db, "{'op':'fill','of':'O1','amount':'0.1','reference':'F1'}");
  test_gives("300.00000000", "USD", "1.25000000", "0.10000000", "BTC", "3000.00000000", "2702.00000000");
  assert_string_equal(test_result.transaction_id, order);
  /* together 0.5 BTC: 1500.00, fee 1.50 and 0.25, of which 1.25 is charged */
  test_do(db, "{'op':'fill','of':'O1','amount':'0.4','reference':'F2'}");
  test_gives("1200.00000000", "USD", "0.50000000", "0.40000000", "BTC", "3000.00000000", "1501.50000000");
  test_shows(db, test_trades,
             "buy BTC 0.50000000 3000.00000000 1500.00000000 10000.00000000 10000.00000000 pending 0\n"
             "buy BTC 0.10000000 3000.00000000 300.00000000 10000.00000000 9698.75000000 completed 0\n"
             "buy BTC 0.40000000 3000.00000000 1200.00000000 9698.75000000 8498.25000000 completed 0");
  test_shows(db, "SELECT substr(id, 35) FROM trades ORDER BY rowid", "01\nff\nff");
  test_refused(db, "{'op':'fill','of':'O1','amount':'0.50000001','reference':'F3'}", LEDGER_OVER_CAPTURED,
               "order O1 has 0.50000000 BTC left, 0.50000001 are to be filled");
  /* the last part at 2500: together 2750.00, fee 2.75 and 0.25 */
  test_do(db, "{'op':'fill','of':'O1','amount':'0.5','price':'2500','reference':'F3'}");
  test_gives("1250.00000000", "USD", "1.25000000", "0.50000000", "BTC", "2500.00000000", "0.00000000");
  test_shows(db, "SELECT amount, price, total, balance_before, balance_after, status FROM trades WHERE substr(id, 35) = '01'",
             "0.50000000 2500.00000000 1250.00000000 8498.25000000 7247.00000000 completed");
  test_shows(db, test_portfolios, "7247.00000000 3.00000000 0.00000000");
  test_shows(db, test_holds, "O1 300325000000 275300000000 25025000000");
  /* a sale in parts, what is left of it cancelled */
  test_do(db, "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'2','price':'1000','reference':'O2'}");
  test_do(db, "{'op':'fill','of':'O2','amount':'0.75','reference':'F4'}");
  test_gives("750.00000000", "USD", "", "750.00000000", "USD", "1000.00000000", "1.25000000");
  test_do(db, "{'op':'cancel','of':'O2','reason':'changed my mind','reference':'F5'}");
  test_gives("1.25000000", "BTC", "", "", "", "", "0.00000000");
  test_shows(db, "SELECT amount, price, total, balance_before, balance_after, status FROM trades ORDER BY rowid LIMIT 2 OFFSET 3",
             "1.25000000 1000.00000000 1250.00000000 7247.00000000 7247.00000000 cancelled\n"
             "0.75000000 1000.00000000 750.00000000 7247.00000000 7997.00000000 completed");
  test_shows(db, test_portfolios, "7997.00000000 2.25000000 0.00000000");
  test_refused(db, "{'op':'fill','of':'O2','reference':'F6'}", LEDGER_WRONG_STATE,
               "order O2 is closed: nothing of it is held");
  test_close(db);
}

static void test_cancel(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'ETH','amount':'1','price':'10000','reference':'O1'}");
  test_refused(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'ETH','amount':'0.00000001','price':'1','reference':'O2'}",
               LEDGER_NO_FUNDS, "account portfolio:" ADA ":USD has 0.00000000 USD available, 0.00000001 is needed");
  test_do(db, "{'op':'cancel','of':'O1','reason':'too dear','reference':'C1'}");
  test_gives("10000.00000000", "USD", "", "", "", "", "0.00000000");
  assert_string_equal(test_result.balances[0].available, "10000.00000000");
  test_shows(db, test_trades, "buy ETH 1.00000000 10000.00000000 10000.00000000 10000.00000000 10000.00000000 cancelled 0");
  test_shows(db, "SELECT json_extract(details, '$.reason'), entity_type, entity_id = (SELECT id FROM trades) FROM audit_logs"
                 " WHERE action = 'CANCEL'", "too dear trades 1");
  test_refused(db, "{'op':'cancel','of':'O1','reference':'C2'}", LEDGER_WRONG_STATE,
               "order O1 is closed: nothing of it is held");
  test_refused(db, "{'op':'cancel','of':'CASH','reference':'C2'}", LEDGER_WRONG_STATE,
               "operation CASH is no order, it is: deposit");
  test_close(db);
}

/* The rounding is the order's. Parts that are rounded up never come to more than the whole. */
static void test_rounding(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  static const struct {
    const char *rounding, *total;
  } cases[] = {{"half_up", "0.00000001"}, {"half_even", "0.00000000"}, {"down", "0.00000000"},
               {"up", "0.00000001"},      {"floor", "0.00000000"},     {"ceiling", "0.00000001"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char operation[300];
    sqlite3_snprintf((int)sizeof operation, operation,
                     "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'0.00000001','price':'0.5',"
                     "'rounding':'%s','reference':'O%d'}", cases[i].rounding, (int)i);
    if (strcmp(cases[i].total, "0.00000000") == 0) {
      test_refused(db, operation, LEDGER_NOT_POSITIVE, "0.00000001 at 0.50000000 USD comes to nothing");
    } else {
      test_do(db, operation);
      assert_string_equal(test_result.amount, cases[i].total);
    }
  }
  /* 3 * 0.5 is 2 when rounded; one by one it would be 3 */
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'0.00000003','price':'0.5','reference':'P'}");
  assert_string_equal(test_result.amount, "0.00000002");
  test_do(db, "{'op':'fill','of':'P','amount':'0.00000001','reference':'P1'}");
  test_refused(db, "{'op':'fill','of':'P','amount':'0.00000001','reference':'P2'}", LEDGER_CONDITION_FAILED,
               "0.00000001 BTC take all that is left of the total of order P");
  test_do(db, "{'op':'fill','of':'P','reference':'P2'}");
  test_gives("0.00000001", "USD", "", "0.00000002", "BTC", "0.50000000", "0.00000000");
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'0.00000004','price':'1.3',"
              "'rounding':'half_up','reference':'S'}");
  assert_string_equal(test_result.amount, "0.00000005"); /* 5.2 */
  test_do(db, "{'op':'fill','of':'S','amount':'0.00000002','reference':'S1'}"); /* 2.6 */
  assert_string_equal(test_result.amount, "0.00000003");
  test_do(db, "{'op':'fill','of':'S','reference':'S2'}"); /* 2.6, of which 2 are left */
  assert_string_equal(test_result.amount, "0.00000002");
  test_shows(db, "SELECT amount, total FROM trades WHERE rowid > (SELECT max(rowid) - 2 FROM trades)",
             "0.00000002 0.00000002\n0.00000002 0.00000003");
  test_close(db);
}

/* What the fee costs is agreed with the order. */
static void test_fee_terms(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'2000','fee':'trading','reference':'O1'}");
  test_apply(db, "{'table':'fee_config','op':'update','row':{'percentage_fee':'50'},'where':{'fee_type':'trading'}}");
  test_do(db, "{'op':'fill','of':'O1','reference':'F1'}");
  test_gives("2000.00000000", "USD", "2.25000000", "1.00000000", "BTC", "2000.00000000", "0.00000000");
  test_refused(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'7000','fee':'trading','reference':'O2'}",
               LEDGER_NO_FUNDS, "account portfolio:" ADA ":USD has 7997.75000000 USD available, 10500.25000000 is needed");
  /* a sale that brings less than its fee needs other cash */
  test_do(db, "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'0.00000001','price':'1','fee':'trading','reference':'O3'}");
  test_do(db, "{'op':'withdraw','from':'portfolio:" ADA ":USD','amount':'7997','reference':'W'}");
  test_refused(db, "{'op':'fill','of':'O3','reference':'F3'}", LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":USD has 0.75000000 USD available, 1.24999999 is needed");
  assert_int_equal(test_post(db, "{'op':'fill','of':'O3','keep_failed':true,'reference':'F2'}"), LEDGER_NO_FUNDS);
  test_shows(db, "SELECT transaction_type, amount, status FROM portfolio_transactions WHERE reference = 'F2'",
             "sell 0.00000001 failed");
  test_do(db, "{'op':'deposit','to':'portfolio:" ADA ":USD','amount':'1','reference':'D'}");
  test_do(db, "{'op':'fill','of':'O3','reference':'F3'}");
  test_gives("0.00000001", "USD", "1.25000000", "-1.24999999", "USD", "1.00000000", "0.00000000");
  test_close(db);
}

static void test_order_refusals(void **state) {
  (void)state;
  ledger *db = test_open_funded();
#define ORDER(more) "{'op':'order','user':'" ADA "','reference':'O'," more "}"
  test_refused(db, ORDER("'side':'hold','asset':'BTC','amount':'1','price':'1'"), LEDGER_BAD_OPERATION,
               "side is buy or sell, not \"hold\"");
  test_refused(db, ORDER("'side':'buy','asset':'DOGE','amount':'1','price':'1'"), LEDGER_UNKNOWN_ACCOUNT,
               "there is no account \"portfolio:" ADA ":DOGE\"");
  test_refused(db, ORDER("'side':'buy','asset':'USD','amount':'1','price':'1'"), LEDGER_SAME_ACCOUNT,
               "account portfolio:" ADA ":USD is on both sides");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'0'"), LEDGER_NOT_POSITIVE,
               "the price 0 is not greater than zero");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'-5'"), LEDGER_NOT_POSITIVE,
               "the price -5 is not greater than zero");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'-1','price':'5'"), LEDGER_NOT_POSITIVE,
               "the amount -1 is not greater than zero");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'10000000000'"), LEDGER_AMOUNT_RANGE,
               "the price 10000000000 is out of range");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'2','price':'5000000000'"), LEDGER_AMOUNT_RANGE,
               "2.00000000 at 5000000000.00000000 USD comes to more than there can be");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'9999999999','price':'9999999999'"), LEDGER_AMOUNT_RANGE,
               "9999999999.00000000 at 9999999999.00000000 USD comes to more than there can be");
  test_refused(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'10000.00000001'"), LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":USD has 10000.00000000 USD available, 10000.00000001 is needed");
  test_refused(db, ORDER("'side':'sell','asset':'BTC','amount':'2.00000001','price':'1'"), LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":BTC has 2.00000000 BTC available, 2.00000001 is needed");
  test_refused(db, ORDER("'side':'sell','asset':'BTC','amount':'1','price':'1','fee':'vip'"), LEDGER_NO_FEE,
               "fee_config has no active fee \"vip\" in USD");
  assert_int_equal(test_post(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'1.000000001'")), LEDGER_WRONG_SCALE);
  assert_int_equal(test_post(db, ORDER("'side':'buy','asset':'BTC','amount':'1','price':'dear'")), LEDGER_INVALID_TEXT);
  assert_int_equal(test_post(db, ORDER("'side':'buy','asset':'BTC','amount':'1'")), LEDGER_BAD_OPERATION);
#undef ORDER
  /* a refusal that is kept is no order */
  assert_int_equal(test_post(db, "{'op':'order','user':'" BOB "','side':'buy','asset':'BTC','amount':'1','price':'1',"
                                 "'keep_failed':true,'reference':'K'}"), LEDGER_NO_FUNDS);
  test_refused(db, "{'op':'fill','of':'K','reference':'F'}", LEDGER_WRONG_STATE,
               "order K was refused: account portfolio:" BOB ":USD has 0.00000000 USD available, 1.00000000 is needed");
  test_shows(db, "SELECT count(*) FROM trades", "0");
  test_close(db);
}

static void test_fill_refusals(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'100','reference':'B'}");
  test_do(db, "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'1','price':'100','reference':'S'}");
  test_refused(db, "{'op':'fill','of':'X','reference':'F'}", LEDGER_UNKNOWN_REFERENCE,
               "no operation has the reference \"X\"");
  test_refused(db, "{'op':'fill','of':'CASH','reference':'F'}", LEDGER_WRONG_STATE,
               "operation CASH is no order, it is: deposit");
  test_refused(db, "{'op':'fill','of':'B','price':'100.00000001','reference':'F'}", LEDGER_CONDITION_FAILED,
               "order B buys at 100.00000000 at most, not at 100.00000001");
  test_refused(db, "{'op':'fill','of':'S','price':'99.99999999','reference':'F'}", LEDGER_CONDITION_FAILED,
               "order S sells at 100.00000000 at least, not at 99.99999999");
  test_refused(db, "{'op':'fill','of':'B','least':'99.99','reference':'F'}", LEDGER_CONDITION_FAILED,
               "the total is 100.00000000 USD, it may be 99.99000000 at most");
  test_refused(db, "{'op':'fill','of':'S','least':'100.01','reference':'F'}", LEDGER_CONDITION_FAILED,
               "the total is 100.00000000 USD, it may be 100.01000000 at least");
  test_refused(db, "{'op':'fill','of':'B','amount':'1.1','reference':'F'}", LEDGER_OVER_CAPTURED,
               "order B has 1.00000000 BTC left, 1.10000000 are to be filled");
  test_refused(db, "{'op':'fill','of':'B','amount':'1','currency':'ETH','reference':'F'}", LEDGER_BAD_OPERATION,
               "fill takes no \"currency\"");
  test_refused(db, "{'op':'fill','of':'B','amount':'0.00000001','price':'0.1','reference':'F'}", LEDGER_NOT_POSITIVE,
               "0.00000001 at 0.10000000 USD comes to nothing");
  /* an order is no hold of its owner's, and nothing to reverse */
  assert_int_equal(test_post(db, "{'op':'capture','of':'B','reference':'F'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'release','of':'B','reference':'F'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'expire','of':'B','reference':'F'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'reverse','of':'B','reference':'F'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'approve','of':'B','reference':'F'}"), LEDGER_WRONG_STATE);
  /* another program closed the row: the fill is undone as a whole */
  test_run(db, "UPDATE trades SET status = 'cancelled' WHERE trade_type = 'buy'");
  char *before = test_rows(db, test_everything);
  assert_int_equal(test_post(db, "{'op':'fill','of':'B','reference':'F'}"), LEDGER_BOOK_BROKEN);
  char *after = test_rows(db, test_everything);
  assert_string_equal(before, after);
  sqlite3_free(before);
  sqlite3_free(after);
  test_run(db, "UPDATE trades SET status = 'pending' WHERE trade_type = 'buy'");
  test_do(db, "{'op':'fill','of':'B','reference':'F'}");
  test_close(db);
}

/* Linked operations stand or fall together. */
static void test_linked(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  ledger_operation operations[2] = {{.kind = LEDGER_OP_ORDER, .user = ADA, .side = "buy", .asset = "BTC", .amount = "1",
                                     .price = "100", .reference = "O", .linked = 1},
                                    {.kind = LEDGER_OP_FILL, .of = "O", .price = "101", .reference = "F"}};
  ledger_result results[2];
  char *before = test_rows(db, test_everything);
  assert_int_equal(ledger_post_batch(db, 2, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  assert_int_equal(results[0].code, LEDGER_LINK_BROKEN);
  assert_int_equal(results[1].code, LEDGER_CONDITION_FAILED);
  char *after = test_rows(db, test_everything);
  assert_string_equal(before, after);
  sqlite3_free(before);
  sqlite3_free(after);
  operations[1].price = "99";
  assert_int_equal(ledger_post_batch(db, 2, operations, LEDGER_BATCH_CONTINUE, 0, results), LEDGER_OK);
  assert_int_equal(results[1].code, LEDGER_OK);
  test_shows(db, test_trades, "buy BTC 1.00000000 99.00000000 99.00000000 10000.00000000 9901.00000000 completed 0");
  test_close(db);
}

/* ---- payouts */

static void test_payout(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  /* 0.5 % of 1 and 0.0001 */
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'1','address':'bc1q\\u00e4\\\\x','fee':'withdrawal','reference':'P1'}");
  test_gives("1.00510000", "BTC", "0.00510000", "", "", "", "1.00510000");
  assert_string_equal(test_result.status, "pending");
  assert_string_equal(test_result.balances[0].available, "0.99490000");
  char row[120];
  sqlite3_snprintf((int)sizeof row, row, "%s " ADA " 1", test_result.transaction_id);
  test_shows(db, "SELECT id, user_id, created_at = updated_at FROM crypto_withdrawals", row);
  test_shows(db, test_payouts, "1.00000000 BTC bc1q\xc3\xa4\\x PENDING - - 0");
  test_refused(db, "{'op':'complete','of':'P1','txn_hash':'ff','reference':'C1'}", LEDGER_WRONG_STATE,
               "payout P1 is PENDING and cannot be completed");
  test_do(db, "{'op':'approve','of':'P1','reference':'A1'}");
  assert_string_equal(test_result.status, "pending");
  assert_string_equal(test_result.remaining, "1.00510000");
  test_shows(db, test_payouts, "1.00000000 BTC bc1q\xc3\xa4\\x APPROVED - - 0");
  test_refused(db, "{'op':'approve','of':'P1','reference':'A2'}", LEDGER_WRONG_STATE,
               "payout P1 is APPROVED and cannot be approved");
  test_apply(db, "{'table':'fee_config','op':'update','row':{'percentage_fee':'50'},'where':{'fee_type':'withdrawal'}}");
  test_do(db, "{'op':'complete','of':'P1','txn_hash':'ff00','reference':'C1'}");
  test_gives("1.00000000", "BTC", "0.00510000", "", "", "", "0.00000000");
  test_shows(db, test_payouts, "1.00000000 BTC bc1q\xc3\xa4\\x COMPLETED ff00 - 1");
  test_shows(db, test_portfolios, "10000.00000000 0.99490000 0.00000000");
  test_shows(db, "SELECT transaction_type, amount, currency, status, reference FROM portfolio_transactions WHERE rowid > 2 ORDER BY rowid",
             "withdrawal 1.00000000 BTC completed C1\nwithdrawal 0.00510000 BTC completed C1.F1");
  test_shows(db, test_holds, "P1 100510000 100510000 0");
  test_shows(db, "SELECT owner, balance FROM ledger_account WHERE class = 'system' AND currency = 'BTC' ORDER BY owner",
             "fees 510000\nworld -100000000");
  static const char *const later[] = {"approve", "reject"};
  for (int i = 0; i < 2; i++) {
    char operation[100];
    sqlite3_snprintf((int)sizeof operation, operation, "{'op':'%s','of':'P1','reference':'L'}", later[i]);
    test_refused(db, operation, LEDGER_WRONG_STATE, "payout P1 is closed: nothing of it is held");
  }
  test_close(db);
}

static void test_payout_reject(void **state) {
  (void)state;
  ledger *db = test_open_funded();
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.5','reference':'P1'}");
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.5','reference':'P2'}");
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.5','reference':'P3'}");
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.5','reference':'P4'}");
  test_refused(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.00000001','reference':'P5'}", LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":BTC has 0.00000000 BTC available, 0.00000001 is needed");
  test_do(db, "{'op':'reject','of':'P1','reason':'name does not match','reference':'R1'}");
  test_gives("0.50000000", "BTC", "", "", "", "", "0.00000000");
  test_do(db, "{'op':'approve','of':'P2','reference':'A2'}");
  test_do(db, "{'op':'reject','of':'P2','reason':'too much','reference':'R2'}");
  test_do(db, "{'op':'approve','of':'P3','reference':'A3'}");
  test_do(db, "{'op':'approve','of':'P4','reference':'A4'}");
  /* the program that sends says so in the rows */
  test_forbidden(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'PROCESSING'},'where':{'status':'REJECTED'}}");
  test_forbidden(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'COMPLETED'},'where':{'status':'APPROVED'}}");
  test_forbidden(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'PROCESSING','amount':1},"
                     "'where':{'status':'APPROVED'}}");
  test_apply(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'PROCESSING','txn_hash':'e5'},"
                 "'where':{'status':'APPROVED'}}");
  test_forbidden(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'APPROVED'},'where':{'status':'PROCESSING'}}");
  test_do(db, "{'op':'reject','of':'P3','reason':'no route','reference':'R3'}");
  test_do(db, "{'op':'complete','of':'P4','txn_hash':'e6','reference':'C4'}");
  test_shows(db, test_payouts,
             "0.50000000 BTC - REJECTED - name does not match 1\n0.50000000 BTC - REJECTED - too much 1\n"
             "0.50000000 BTC - FAILED e5 no route 1\n0.50000000 BTC - COMPLETED e6 - 1");
  test_shows(db, test_portfolios, "10000.00000000 1.50000000 0.00000000");
  test_shows(db, test_holds, "P1 50000000 0 50000000\nP2 50000000 0 50000000\nP3 50000000 0 50000000\nP4 50000000 50000000 0");
  test_shows(db, "SELECT json_extract(details, '$.reason') FROM audit_logs WHERE action = 'REJECT' ORDER BY rowid LIMIT 1",
             "name does not match");
  test_close(db);
}

static void test_payout_refusals(void **state) {
  (void)state;
  ledger *db = test_open_funded();
#define PAYOUT(more) "{'op':'payout','user':'" ADA "','reference':'P'," more "}"
  test_refused(db, PAYOUT("'currency':'USD','amount':'1'"), LEDGER_WRONG_CURRENCY, "a payout is of coins, not of USD");
  test_refused(db, PAYOUT("'currency':'DOGE','amount':'1'"), LEDGER_UNKNOWN_ACCOUNT,
               "there is no account \"portfolio:" ADA ":DOGE\"");
  test_refused(db, PAYOUT("'currency':'BTC','amount':'0'"), LEDGER_NOT_POSITIVE, "the amount 0 is not greater than zero");
  test_refused(db, PAYOUT("'currency':'BTC','amount':'2','fee':'withdrawal'"), LEDGER_NO_FUNDS,
               "account portfolio:" ADA ":BTC has 2.00000000 BTC available, 2.01010000 is needed");
  test_refused(db, PAYOUT("'currency':'ETH','amount':'1','fee':'withdrawal'"), LEDGER_NO_FEE,
               "fee_config has no active fee \"withdrawal\" in ETH");
  char long_address[600];
  sqlite3_snprintf((int)sizeof long_address, long_address, "{'op':'payout','user':'" ADA "','reference':'P','currency':'BTC',"
                   "'amount':'1','address':'%0256d'}", 1);
  test_refused(db, long_address, LEDGER_TOO_LONG, "value too long for type character varying(255)");
#undef PAYOUT
  test_do(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'1','address':'bc1qada2','reference':'P'}");
  test_refused(db, "{'op':'approve','of':'COINS','reference':'A'}", LEDGER_WRONG_STATE,
               "operation COINS is no payout, it is: receive");
  test_refused(db, "{'op':'approve','of':'nothing','reference':'A'}", LEDGER_UNKNOWN_REFERENCE,
               "no operation has the reference \"nothing\"");
  assert_int_equal(test_post(db, "{'op':'cancel','of':'P','reference':'A'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'capture','of':'P','reference':'A'}"), LEDGER_WRONG_STATE);
  assert_int_equal(test_post(db, "{'op':'complete','of':'P','reference':'A'}"), LEDGER_BAD_OPERATION);
  /* what the row says must be what was asked for, and its state what the book made it */
  test_run(db, "UPDATE crypto_withdrawals SET crypto_address = 'bc1qeve'");
  test_refused(db, "{'op':'approve','of':'P','reference':'A'}", LEDGER_BOOK_BROKEN, "the row of payout P is not as the book left it");
  test_run(db, "UPDATE crypto_withdrawals SET crypto_address = 'bc1qada2', amount = '2.00000000'");
  test_refused(db, "{'op':'approve','of':'P','reference':'A'}", LEDGER_BOOK_BROKEN, "the row of payout P is not as the book left it");
  test_run(db, "UPDATE crypto_withdrawals SET amount = '1.00000000', status = 'APPROVED'");
  test_refused(db, "{'op':'complete','of':'P','txn_hash':'x','reference':'C'}", LEDGER_BOOK_BROKEN,
               "payout P is APPROVED in its row, PENDING in the book");
  test_run(db, "UPDATE crypto_withdrawals SET status = 'PENDING'");
  test_do(db, "{'op':'approve','of':'P','reference':'A'}");
  test_do(db, "{'op':'complete','of':'P','txn_hash':'x','reference':'C'}");
  test_close(db);
}

/* ---- the proof finds what another program changes in these tables */

static void test_proof(void **state) {
  (void)state;
  static const char *const operations[] = {
      "{'op':'receive','address':'bc1qada','amount':'1','reference':'R2'}",
      "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'3000','fee':'trading','reference':'O1'}",
      "{'op':'fill','of':'O1','amount':'0.4','reference':'F1'}",
      "{'op':'fill','of':'O1','price':'2900','reference':'F2'}",
      "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'1','price':'1','reference':'O2'}",
      "{'op':'fill','of':'O2','amount':'0.1','reference':'F3'}",
      "{'op':'cancel','of':'O2','reference':'C2'}",
      "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'0.5','price':'7','reference':'O3'}",
      "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.3','address':'x','fee':'withdrawal','reference':'P1'}",
      "{'op':'approve','of':'P1','reference':'A1'}",
      "{'op':'complete','of':'P1','txn_hash':'ff','reference':'K1'}",
      "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.2','reference':'P2'}",
      "{'op':'reject','of':'P2','reason':'no','reference':'J2'}",
      "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'0.1','reference':'P3'}",
      "{'op':'approve','of':'P3','reference':'A3'}"};
  static const struct {
    const char *sql, *words; /* in the report */
  } faults[] = {
      {"UPDATE trades SET amount = '0.70000000' WHERE amount = '0.60000000'",
       "amount is 0.70000000, its journals make it 0.60000000"},
      {"UPDATE trades SET price = '2901.00000000' WHERE price = '2900.00000000'",
       "price is 2901.00000000, its journals make it 2900.00000000"},
      {"UPDATE trades SET total = '1.00000000' WHERE amount = '0.40000000'",
       "total is 1.00000000, its journals make it 1200.00000000"},
      {"UPDATE trades SET balance_before = '0.00000000' WHERE amount = '0.40000000'", "balance_before is 0.00000000"},
      {"UPDATE trades SET balance_after = '0.00000000' WHERE amount = '0.10000000'", "balance_after is 0.00000000"},
      {"UPDATE trades SET asset = 'ETH' WHERE amount = '0.40000000'", "asset is ETH"},
      {"UPDATE trades SET trade_type = 'sell' WHERE amount = '0.40000000'", "trade_type is sell"},
      {"UPDATE trades SET user_id = '" BOB "' WHERE amount = '0.40000000'", "user_id is " BOB},
      {"UPDATE trades SET status = 'pending' WHERE amount = '0.40000000'", "status is pending, its journals make it completed"},
      {"UPDATE trades SET status = 'pending' WHERE status = 'cancelled'", "status is pending, its journals make it cancelled"},
      {"UPDATE trades SET status = 'completed' WHERE status = 'pending'", "status is completed, its journals make it pending"},
      {"UPDATE trades SET is_simulated = 1 WHERE amount = '0.40000000'", "is_simulated is 1"},
      {"UPDATE trades SET generated_at = '2020-01-01 00:00:00+00:00' WHERE amount = '0.40000000'", "generated_at is 2020"},
      {"DELETE FROM trades WHERE amount = '0.40000000'", "the row of journal"},
      {"UPDATE trades SET id = '" BOB "' WHERE amount = '0.40000000'", "the row of journal"},
      {"INSERT INTO trades (user_id, trade_type, asset, amount, price, total, balance_before, balance_after)"
       " VALUES ('" ADA "', 'buy', 'BTC', '1.00000000', '1.00000000', '1.00000000', '0.00000000', '0.00000000')",
       "the row is completed, and no journal made it"},
      {"UPDATE crypto_withdrawals SET amount = '0.40000000' WHERE amount = '0.30000000'", "amount is 0.40000000"},
      {"UPDATE crypto_withdrawals SET currency = 'ETH' WHERE amount = '0.30000000'", "currency is ETH"},
      {"UPDATE crypto_withdrawals SET crypto_address = 'y' WHERE crypto_address = 'x'", "crypto_address is y"},
      {"UPDATE crypto_withdrawals SET txn_hash = 'fe' WHERE txn_hash = 'ff'", "txn_hash is fe, its journals make it ff"},
      {"UPDATE crypto_withdrawals SET error_message = NULL WHERE error_message = 'no'", "error_message is null"},
      {"UPDATE crypto_withdrawals SET processed_at = NULL WHERE status = 'COMPLETED'", "processed_at is null"},
      {"UPDATE crypto_withdrawals SET status = 'APPROVED' WHERE status = 'COMPLETED'", "status is APPROVED, its journals make it COMPLETED"},
      {"UPDATE crypto_withdrawals SET status = 'COMPLETED' WHERE status = 'APPROVED'", "status is COMPLETED, its journals make it APPROVED"},
      {"UPDATE crypto_withdrawals SET status = 'PENDING' WHERE status = 'REJECTED'", "status is PENDING, its journals make it REJECTED"},
      {"DELETE FROM crypto_withdrawals WHERE status = 'REJECTED'", "the row of journal"},
      {"INSERT INTO crypto_withdrawals (user_id, amount, currency, status) VALUES ('" ADA "', '1.00000000', 'BTC', 'COMPLETED')",
       "the row is completed, and no journal made it"},
      {"UPDATE deposit_addresses SET balance = '1.00000000' WHERE address = 'bc1qada'",
       "the address does not show what its last receive left"},
      {"UPDATE deposit_addresses SET total_received = '4.00000000' WHERE address = 'bc1qada'",
       "the address does not show what its last receive left"},
      /* the book itself, by one who removes what guards it; the chain tells as well */
      {"UPDATE ledger_journal SET detail = replace(detail, '\"quantity\":\"0.40000000\"', '\"quantity\":\"0.50000000\"')",
       "the fill does not follow from its order"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"paid\":\"1200.00000000\"', '\"paid\":\"1300.00000000\"')",
       "the fill does not follow from its order"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"balance_before\":\"10000.00000000\"', '\"balance_before\":\"9.00000000\"')",
       "the fill did not move what it says"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"before\":', '\"behind\":')",
       "the fee of the fill is not the one that was ordered"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"side\":\"sell\"', '\"side\":\"buy\"')",
       "the order does not hold what it says"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"amount\":\"0.20000000\"', '\"amount\":\"0.10000000\"') WHERE kind = 'payout'",
       "the payout does not hold what it says"},
      {"UPDATE ledger_journal SET parent = NULL WHERE reference = 'A1'", "the payout was completed, and not approved before"},
      {"UPDATE ledger_journal SET parent = (SELECT seq FROM ledger_journal WHERE reference = 'P1') WHERE reference = 'A3'",
       "the payout was approved or at its end before"},
      {"UPDATE ledger_journal SET detail = replace(detail, '\"total_received\":\"2.00000000\"', '\"total_received\":\"1.00000000\"')",
       "two receives of the address do not follow from each other"},
      {"UPDATE ledger_journal SET parent = NULL WHERE reference = 'C2'", "an order with something left is open, or else cancelled"},
  };
  ledger *db = test_open_funded();
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) test_do(db, operations[i]);
  test_run(db, "DROP TRIGGER ledger_journal_update; PRAGMA foreign_keys = OFF");
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    char *report = NULL;
    assert_int_equal(ledger_begin(db), LEDGER_OK);
    test_run(db, faults[i].sql);
    if (sqlite3_changes(db->sqlite) == 0) fail_msg("nothing is changed by %s", faults[i].sql);
    assert_int_equal(ledger_verify(db, NULL, &report), LEDGER_BOOK_BROKEN);
    if (strstr(report, faults[i].words) == NULL) fail_msg("%s\n%s", faults[i].sql, report);
    ledger_free(report);
    assert_int_equal(ledger_rollback(db), LEDGER_OK);
  }
  test_apply(db, "{'table':'crypto_withdrawals','op':'update','row':{'status':'PROCESSING'},'where':{'status':'APPROVED'}}");
  test_close(db);
}

/* ---- memory that runs out at each allocation in turn: nothing is changed, and then it is done as if nothing had been */

static void test_memory(void **state) {
  (void)state;
  static const char *const operations[] = {
      "{'op':'receive','address':'0xbob','amount':'2','fee':'deposit','txn_hash':'aa','reference':'R'}",
      "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'3000','fee':'trading','reference':'O'}",
      "{'op':'fill','of':'O','amount':'0.4','reference':'F1'}",
      "{'op':'fill','of':'O','price':'2900','reference':'F2'}",
      "{'op':'order','user':'" ADA "','side':'sell','asset':'BTC','amount':'1','price':'1','reference':'S'}",
      "{'op':'cancel','of':'S','reference':'S2'}",
      "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'1','address':'x\\\\y','fee':'withdrawal','reference':'P'}",
      "{'op':'approve','of':'P','reference':'P1'}",
      "{'op':'complete','of':'P','txn_hash':'ff','reference':'P2'}",
      "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'1','reference':'Q'}",
      "{'op':'reject','of':'Q','reason':'no','reference':'Q1'}"};
  ledger *db = test_open_funded();
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
    char *before = test_rows(db, test_everything);
    bool is_done = false;
    for (int64_t n = 2; !is_done; n++) { /* each one alone, and all from it on; twice in three times to be undone */
      ledger_operation operation;
      bool nests = n % 3 != 0;
      if (nests) assert_int_equal(ledger_begin(db), LEDGER_OK);
      assert_int_equal(ledger_operation_read(db, test_json(operations[i]), -1, &operation), LEDGER_OK);
      memory_arm(n / 2, n % 2 == 0);
      int rc = ledger_post(db, &operation, &test_result);
      bool has_failed = memory.calls >= n / 2;
      memory_arm(0, false);
      memory_assert(operation.reference, n / 2, rc, ledger_error_of(db));
      assert_int_equal(test_result.code, rc);
      if (nests) assert_int_equal(ledger_rollback(db), LEDGER_OK);
      is_done = rc == LEDGER_OK && !nests; /* SQLite can do without some of its memory */
      assert_true(has_failed || rc == LEDGER_OK);
      if (is_done) break;
      char *after = test_rows(db, test_everything);
      if (strcmp(before, after) != 0) fail_msg("%s, allocation %d", operations[i], (int)n / 2);
      sqlite3_free(after);
    }
    assert_int_equal(test_result.replayed, 0);
    sqlite3_free(before);
    char *first = ledger_result_json(&test_result); /* memory that ran out has left nothing out of it */
    assert_int_equal(test_post(db, operations[i]), LEDGER_OK);
    test_result.replayed = 0;
    char *again = ledger_result_json(&test_result);
    assert_string_equal(first, again);
    sqlite3_free(first);
    sqlite3_free(again);
  }
  /* the proof says that it could not run, not that the book is broken */
  char *report = NULL;
  memory_arm(0, false);
  assert_int_equal(ledger_verify(db, NULL, &report), LEDGER_OK);
  ledger_free(report);
  int64_t all = memory.calls;
  for (int64_t n = 1; n <= all; n = memory_next(n, all, 150)) {
    memory_arm(n, n % 2 == 0);
    int rc = ledger_verify(db, NULL, &report);
    memory_arm(0, false);
    memory_assert("verify", n, rc, ledger_error_of(db));
    ledger_free(report);
  }
  test_shows(db, test_portfolios, "7056.81000000 1.99490000 0.00000000\n0.00000000 0.00000000 1.98000000");
  test_close(db);
}

/* Other schemas have no such tables. */
static void test_no_tables(void **state) {
  (void)state;
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema("wallstreet"), LEDGER_NO_SEED, &db), LEDGER_OK);
  assert_int_equal(test_post(db, "{'op':'receive','address':'x','amount':'1','reference':'R'}"), LEDGER_NO_BOOK);
  assert_string_equal(ledger_error_of(db)->message, "the schema has no table deposit_addresses as the book needs it");
  assert_int_equal(test_post(db, "{'op':'order','user':'" ADA "','side':'buy','asset':'BTC','amount':'1','price':'1','reference':'R'}"),
                   LEDGER_NO_BOOK);
  assert_int_equal(test_post(db, "{'op':'payout','user':'" ADA "','currency':'BTC','amount':'1','reference':'R'}"), LEDGER_NO_BOOK);
  assert_int_equal(test_post(db, "{'op':'fill','of':'X','reference':'R'}"), LEDGER_UNKNOWN_REFERENCE);
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_receive),         cmocka_unit_test(test_receive_refusals),
      cmocka_unit_test(test_receive_range),   cmocka_unit_test(test_portfolio),
      cmocka_unit_test(test_buy),             cmocka_unit_test(test_sell),
      cmocka_unit_test(test_reverse),
      cmocka_unit_test(test_parts),           cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_rounding),        cmocka_unit_test(test_fee_terms),
      cmocka_unit_test(test_order_refusals),  cmocka_unit_test(test_fill_refusals),
      cmocka_unit_test(test_linked),          cmocka_unit_test(test_payout),
      cmocka_unit_test(test_payout_reject),   cmocka_unit_test(test_payout_refusals),
      cmocka_unit_test(test_proof),
      cmocka_unit_test(test_memory),          cmocka_unit_test(test_no_tables),
  };
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
