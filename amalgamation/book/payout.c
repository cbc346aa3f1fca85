/*
** payout.c: coins that users have sent out. A request holds the coins and the fee on them; it is approved, and completed
** once the coins are on their way, or rejected, which releases what it held. States go forward only:
**
**   PENDING -> APPROVED -> PROCESSING -> COMPLETED      complete: from APPROVED or PROCESSING
**   PENDING, APPROVED -> REJECTED, PROCESSING -> FAILED reject
**
** PROCESSING is set by the program that sends the coins (a plain update of the row from APPROVED, with the txn_hash if it is
** known); all others are set here. The fee is agreed with the request and charged when it is completed.
**
** What verify proves of crypto_withdrawals (V7, V8). The journals keep in their detail
**   payout:   {"payout":{"id":ROW,"amount":A,"address":TEXT or null},"table":"crypto_withdrawals","fee":{...}}
**   approve:  {"payout":{"id":ROW,"status":"APPROVED"}}
**   complete: {"payout":{"id":ROW,"status":"COMPLETED","txn_hash":TEXT},"fee":{...}}
**   reject:   {"payout":{"id":ROW,"status":"REJECTED" or "FAILED","error_message":TEXT or null}}
** ROW is the first id of the payout's journal; the others have the payout as parent. "fee" is there only if one was asked for;
** it is the formula on its "base", which is A, and the same in both. The payout holds A and the fee's amount. A complete takes
** both: A goes to system:world, the fee to system:fees; a reject releases both. Each payout has at most one of the two, and a
** complete only behind an approve.
** The row has the payout's user, currency, A and address; its status is that of the last of its journals (none: PENDING), or
** PROCESSING behind an approve; txn_hash is that of the complete, until then what the program that sends says; error_message is
** that of the reject, else null; processed_at is the booking time of the complete or reject, else null. A complete makes rows of
** portfolio_transactions: withdrawal (R) and, for the fee, withdrawal (R.F1).
*/
#include "../internal.h"

/* A payout as it stands; texts in the arena. */
struct payout {
  struct journal_past past;
  struct hold_state hold;
  const char *id;
  int64_t amount;
  const char *status;     /* of its row */
  const char *new_status; /* what the operation makes of it */
  const char *txn_hash, *error_message;
  bool ends;
  int64_t settled, released; /* of the hold */
};

static int payout_need(ledger *db) {
  const struct book_tables *tables = book_tables(db);
  int rc = book_need(db, tables->crypto_withdrawals, "crypto_withdrawals");
  return rc == LEDGER_OK ? book_need(db, tables->portfolio_transactions, "portfolio_transactions")
                         : rc;
}

/* ---- request */

struct payout_request {
  char id[37];
  int64_t amount;
  const struct account *account;
  const char *address;
};

static int payout_after_request(ledger *db, struct journal *journal, void *context) {
  const struct payout_request *request = context;
  const struct relation *table = book_tables(db)->crypto_withdrawals;
  char amount[MONEY_TEXT_MAX], now[MOMENT_TEXT_MAX];
  const struct value values[] = {portfolio_text(request->id),
                                 portfolio_text(request->account->owner),
                                 portfolio_amount(request->amount, amount),
                                 portfolio_text(request->account->currency),
                                 portfolio_text(request->address),
                                 portfolio_time(table, "created_at", journal->created_us, now)};
  int rc = hold_write(db, journal->seq, journal->remaining, 0);
  if (rc != LEDGER_OK) return rc;
  return portfolio_write(db, table, STATEMENT_PAYOUT_INSERT, sizeof values / sizeof *values,
                         values);
}

/* The coins that are asked for. */
static int payout_coins(ledger *db, const ledger_operation *asked, struct account **out,
                        int64_t *amount) {
  int rc = account_portfolio(db, asked->user, asked->currency, out);
  if (rc != LEDGER_OK) return rc;
  if (strcmp((*out)->currency, "USD") == 0)
    return error_set(&db->error, LEDGER_WRONG_CURRENCY, "a payout is of coins, not of USD");
  return operation_amount(db, asked->amount, asked->currency, *out, amount);
}

static int payout_request_detail(ledger *db, struct journal *journal,
                                 const struct payout_request *request, const char *fee) {
  char amount[MONEY_TEXT_MAX];
  money_text(request->amount, PORTFOLIO_SCALE, amount);
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"payout\":{");
  json_member(json, "id", request->id);
  json_member(json, "amount", amount);
  json_member(json, "address", request->address);
  sqlite3_str_appendall(json, "},\"table\":\"crypto_withdrawals\"}");
  return portfolio_keep(db, journal, json, fee);
}

LEDGER_PRIVATE int payout_request(ledger *db, const struct operation *operation,
                                  struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *account, *world;
  int64_t fee = 0, held;
  const char *fee_detail = NULL;
  struct payout_request *request = arena_alloc(&db->arena, sizeof *request);
  if (request == NULL) return error_memory(&db->error);
  int rc = payout_need(db);
  if (rc == LEDGER_OK) rc = payout_coins(db, asked, &account, &request->amount);
  if (rc == LEDGER_OK)
    rc = portfolio_fits(db, book_tables(db)->crypto_withdrawals, "crypto_address", asked->address);
  if (rc == LEDGER_OK && asked->fee != NULL)
    rc = fee_compute(db, asked->fee, account, request->amount, operation->rounding, &fee,
                     &fee_detail);
  if (rc != LEDGER_OK) return rc;
  if (__builtin_add_overflow(request->amount, fee, &held))
    return error_set(&db->error, LEDGER_AMOUNT_RANGE, "the amount and its fee are out of range");
  request->account = account;
  request->address = asked->address;
  journal_row_id(journal->id, 1, request->id);
  journal->first_row = 2;
  rc = account_system(db, "world", account->currency, account->scale, &world);
  if (rc == LEDGER_OK) rc = hold_add(db, journal, account, world, held);
  if (rc == LEDGER_OK) rc = payout_request_detail(db, journal, request, fee_detail);
  if (rc != LEDGER_OK) return rc;
  journal->account = account;
  journal->remaining = held;
  journal->entity_type = "crypto_withdrawals";
  journal->entity_id = request->id;
  journal->after = payout_after_request;
  journal->after_context = request;
  return LEDGER_OK;
}

/* ---- the payout that the later operations are of */

static bool payout_is(const char *status, const char *word) {
  return status != NULL && strcmp(status, word) == 0;
}

static bool payout_same(const char *a, const char *b) {
  return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Its row, which must say what the request said: coins go where the row says. */
static int payout_row(ledger *db, struct payout *payout) {
  const char *address, *kept[3] = {NULL, NULL, NULL};
  char amount[MONEY_TEXT_MAX];
  int rc = portfolio_member(db, payout->past.detail, "payout", "address", &address);
  sqlite3_stmt *stmt = rc == LEDGER_OK ? statement_fixed(db, STATEMENT_PAYOUT_READ) : NULL;
  if (stmt == NULL) return db->error.code;
  const struct value id = portfolio_text(payout->id);
  rc = statement_bind_all(db, stmt, 1, &id);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    rc = statement_text(db, stmt, 3, &payout->status);
    for (int i = 0; i < 3 && rc == LEDGER_OK; i++) rc = statement_text(db, stmt, i, &kept[i]);
  } else if (rc == LEDGER_DONE) {
    rc = LEDGER_OK;
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_OK) return rc;
  money_text(payout->amount, PORTFOLIO_SCALE, amount);
  if (payout->status != NULL && payout_same(kept[0], amount) &&
      payout_same(kept[1], payout->hold.payer->currency) && payout_same(kept[2], address))
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_BOOK_BROKEN,
                   "the row of payout %s is not as the book left it", payout->past.reference);
}

/* Has it been approved by an operation of the book? */
static int payout_approval(ledger *db, const struct payout *payout, bool *out) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_PAYOUT_APPROVAL);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, payout->past.seq);
  int rc = statement_step(db, stmt);
  *out = rc == LEDGER_ROW;
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int payout_find(ledger *db, const struct operation *operation, struct journal *journal,
                       struct payout **out) {
  struct payout *payout = *out = arena_alloc(&db->arena, sizeof *payout);
  if (payout == NULL) return error_memory(&db->error);
  *payout = (struct payout){0};
  bool approved = false;
  int rc = portfolio_open(db, operation->asked->of, LEDGER_OP_PAYOUT, journal, &payout->past,
                          &payout->hold);
  const char *detail = payout->past.detail;
  if (rc == LEDGER_OK) rc = payout_need(db);
  if (rc == LEDGER_OK) rc = portfolio_member(db, detail, "payout", "id", &payout->id);
  if (rc == LEDGER_OK) rc = portfolio_number(db, detail, "payout", "amount", &payout->amount);
  if (rc == LEDGER_OK && payout->id != NULL) rc = payout_row(db, payout);
  if (rc == LEDGER_OK) rc = payout_approval(db, payout, &approved);
  if (rc != LEDGER_OK) return rc;
  const char *status = payout->status;
  if (approved ? !payout_is(status, "APPROVED") && !payout_is(status, "PROCESSING")
               : !payout_is(status, "PENDING"))
    return error_set(&db->error, LEDGER_BOOK_BROKEN, "payout %s is %s in its row, %s in the book",
                     payout->past.reference, status == NULL ? "nothing" : status,
                     approved ? "APPROVED" : "PENDING");
  journal->account = payout->hold.payer;
  journal->entity_type = "crypto_withdrawals";
  journal->entity_id = payout->id;
  return LEDGER_OK;
}

static int payout_refuse(ledger *db, const struct payout *payout, const char *what) {
  return error_set(&db->error, LEDGER_WRONG_STATE, "payout %s is %s and cannot be %s",
                   payout->past.reference, payout->status, what);
}

/* ---- approve, complete, reject */

static int payout_after_change(ledger *db, struct journal *journal, void *context) {
  const struct payout *payout = context;
  const struct relation *table = book_tables(db)->crypto_withdrawals;
  char updated[MOMENT_TEXT_MAX], processed[MOMENT_TEXT_MAX];
  const struct value values[] = {
      portfolio_text(payout->id),
      portfolio_text(payout->status),
      portfolio_text(payout->new_status),
      portfolio_text(payout->txn_hash),
      portfolio_text(payout->error_message),
      portfolio_time(table, "updated_at", journal->created_us, updated),
      payout->ends ? portfolio_time(table, "processed_at", journal->created_us, processed)
                   : portfolio_text(NULL)};
  int rc = LEDGER_OK;
  if (payout->ends) rc = hold_settle(db, payout->past.seq, payout->settled, payout->released);
  if (rc != LEDGER_OK) return rc;
  return portfolio_write(db, table, STATEMENT_PAYOUT_UPDATE, sizeof values / sizeof *values,
                         values);
}

/* What the three have in common once their legs are there. `member` with its text says what only one of them has. */
static int payout_change(ledger *db, struct journal *journal, struct payout *payout,
                         const char *member, const char *text, const char *fee) {
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"payout\":{");
  json_member(json, "id", payout->id);
  json_member(json, "status", payout->new_status);
  if (member != NULL) json_member(json, member, text);
  sqlite3_str_appendall(json, "}}");
  journal->after = payout_after_change;
  journal->after_context = payout;
  return portfolio_keep(db, journal, json, fee);
}

LEDGER_PRIVATE int payout_approve(ledger *db, const struct operation *operation,
                                  struct journal *journal) {
  struct payout *payout;
  int rc = payout_find(db, operation, journal, &payout);
  if (rc != LEDGER_OK) return rc;
  if (!payout_is(payout->status, "PENDING")) return payout_refuse(db, payout, "approved");
  payout->new_status = "APPROVED";
  journal->remaining = portfolio_left(&payout->hold);
  return payout_change(db, journal, payout, NULL, NULL, NULL);
}

/* {"fee":{...}} as the request has it; NULL if it has none. */
static int payout_fee(ledger *db, const struct payout *payout, const char **out) {
  const char *fee;
  *out = NULL;
  int rc = portfolio_member(db, payout->past.detail, NULL, "fee", &fee);
  if (rc != LEDGER_OK || fee == NULL) return rc;
  sqlite3_str *text = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(text, "{\"fee\":%s}", fee);
  *out = arena_finish(&db->arena, text);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

LEDGER_PRIVATE int payout_complete(ledger *db, const struct operation *operation,
                                   struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct payout *payout;
  const char *fee;
  int rc = payout_find(db, operation, journal, &payout);
  if (rc != LEDGER_OK) return rc;
  if (payout_is(payout->status, "PENDING")) return payout_refuse(db, payout, "completed");
  struct account *account = payout->hold.payer;
  int64_t left = portfolio_left(&payout->hold);
  payout->new_status = "COMPLETED";
  payout->txn_hash = asked->txn_hash;
  payout->settled = left;
  payout->ends = true;
  rc = portfolio_fits(db, book_tables(db)->crypto_withdrawals, "txn_hash", asked->txn_hash);
  if (rc == LEDGER_OK) rc = payout_fee(db, payout, &fee);
  if (rc == LEDGER_OK) rc = hold_drop(db, journal, &payout->hold);
  if (rc == LEDGER_OK) rc = journal_move(db, journal, account, payout->hold.payee, payout->amount);
  if (rc != LEDGER_OK) return rc;
  journal_row(journal, account, "withdrawal", payout->amount, "completed", "", "debit");
  rc = fee_post(db, journal, account, "withdrawal", ".F1", left - payout->amount);
  journal->remaining = 0;
  return rc == LEDGER_OK ? payout_change(db, journal, payout, "txn_hash", payout->txn_hash, fee)
                         : rc;
}

LEDGER_PRIVATE int payout_reject(ledger *db, const struct operation *operation,
                                 struct journal *journal) {
  const char *reason = operation->asked->reason;
  struct payout *payout;
  int rc = payout_find(db, operation, journal, &payout);
  if (rc != LEDGER_OK) return rc;
  payout->new_status = payout_is(payout->status, "PROCESSING") ? "FAILED" : "REJECTED";
  payout->error_message = reason;
  payout->released = portfolio_left(&payout->hold);
  payout->ends = true;
  rc = portfolio_fits(db, book_tables(db)->crypto_withdrawals, "error_message", reason);
  if (rc == LEDGER_OK) rc = hold_drop(db, journal, &payout->hold);
  if (rc != LEDGER_OK) return rc;
  journal->remaining = 0;
  return payout_change(db, journal, payout, "error_message", reason, NULL);
}
