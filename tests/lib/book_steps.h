/*
** A day at the book, for the tests of disks, memory and power that fail: steps of every kind, each done whole or not at all. Asked
** for once more they must all be done, once, whatever happened before. Include it after ledger.c and cmocka.h.
*/
#ifndef TEST_BOOK_STEPS_H
#define TEST_BOOK_STEPS_H

#include <sql.h>

enum book_step_kind { STEP_ALONE, STEP_BATCH, STEP_TRANSACTION, STEP_ROW };

/* JSON has ' for ". The references are S and a number. */
static const struct book_step {
  enum book_step_kind kind;
  int count;
  const char *operations[3];
  int behind; /* another step, 0: none, without which this one would come to something else */
} book_steps[] = {
    {STEP_ALONE, 1, {"{'op':'deposit','reference':'S1','to':'A','amount':100}"}, 0},
    {STEP_ALONE,
     1,
     {"{'op':'transfer','reference':'S2','from':'A','to':'B','amount':12.50,'fee':'withdrawal'}"},
     0},
    {STEP_ALONE,
     1,
     {"{'op':'hold','reference':'S3','from':'A','to':'B','amount':20,'metadata':{'order':7}}"},
     0},
    {STEP_ALONE, 1, {"{'op':'capture','reference':'S4','of':'S3','amount':5}"}, 2},
    {STEP_ALONE, 1, {"{'op':'exchange','reference':'S5','from':'E','to':'B','amount':10}"}, 0},
    {STEP_BATCH,
     3,
     {"{'op':'deposit','reference':'S6','to':'E','amount':1}",
      "{'op':'transfer','reference':'S7','from':'A','to':'B','amount':1}",
      "{'op':'post','reference':'S8','legs':[{'account':'A','amount':-2},{'account':'B','amount':2}"
      "]}"},
     0},
    {STEP_ALONE, 1, {"{'op':'reverse','reference':'S9','of':'S2'}"}, 1},
    {STEP_TRANSACTION,
     2,
     {"{'op':'withdraw','reference':'S10','from':'A','amount':3}",
      "{'op':'adjust','reference':'S11','to':'E','amount':0.5}"},
     0},
    {STEP_ALONE, 1, {"{'op':'capture','reference':'S12','of':'S3','final':true,'amount':6}"}, 3},
    {STEP_ALONE, 1, {"{'op':'limit','reference':'S13','account':'B','max_balance':100000}"}, 0},
    {STEP_ROW,
     1,
     {"{'table':'users','op':'update','row':{'first_name':'Ada'},'where':{'email':'a@example.com'}"
      "}"},
     0},
    {STEP_ALONE,
     1,
     {"{'op':'withdraw','reference':'S14','from':'B','amount':100000,'keep_failed':true}"},
     0},
    {STEP_ALONE,
     1,
     {"{'op':'order','reference':'S15','user':'00000000-0000-4000-8000-00000000000a','side':'buy','"
      "asset':'BTC',"
      "'amount':0.5,'price':10.5,'key':'K'}"},
     0},
    {STEP_ALONE, 1, {"{'op':'fill','reference':'S16','of':'S15','amount':0.2,'price':10}"}, 12},
    {STEP_ALONE, 1, {"{'op':'fill','reference':'S17','of':'S15'}"}, 13},
};
#define BOOK_STEPS ((int)(sizeof book_steps / sizeof *book_steps))
#define BOOK_REFERENCES 17

static inline const char *book_json(const char *text, char *out, size_t room) {
  snprintf(out, room, "%s", text);
  for (char *at = out; *at != 0; at++)
    if (*at == '\'') *at = '"';
  return out;
}

static inline int book_apply(ledger *db, const char *text) {
  char json[600];
  return ledger_apply(db, book_json(text, json, sizeof json), -1, NULL, NULL);
}

/* The code of what it came to; one that is kept as failed is done, too. */
static inline int book_post(ledger *db, const char *text) {
  char json[600];
  ledger_operation operation;
  ledger_result result;
  int rc = ledger_operation_read(db, book_json(text, json, sizeof json), -1, &operation);
  if (rc == LEDGER_OK)
    rc = ledger_post(db, &operation, &result);
  else
    return rc;
  return rc != LEDGER_OK && result.journal > 0 ? LEDGER_OK : rc;
}

/* What a file has before the first step. */
static inline void book_prepare(ledger *db) {
  static const char *const rows[] = {
      "{'table':'users','row':{'id':'00000000-0000-4000-8000-00000000000a','email':'a@example.com',"
      "'password_hash':'!'}}",
      "{'table':'portfolio','row':{'user_id':'00000000-0000-4000-8000-00000000000a'}}",
      "{'table':'exchange_rates','row':{'from_currency':'EUR','to_currency':'USD','rate':1.08,'"
      "quoted_at':'2026-01-01T00:00:00Z'}}",
      "{'table':'fee_config','row':{'fee_type':'withdrawal','currency':'USD','percentage_fee':1,'"
      "flat_fee':0.10}}"};
  static const char *const operations[] = {
      "{'op':'open','reference':'O1','currency':'USD','number':'A'}",
      "{'op':'open','reference':'O2','currency':'USD','number':'B'}",
      "{'op':'open','reference':'O3','currency':'EUR','number':'E'}",
      "{'op':'opening','reference':'O4','to':'E','amount':50}",
      "{'op':'opening','reference':'O6','to':'A','amount':1000}",
      "{'op':'deposit','reference':'O5','to':'portfolio:00000000-0000-4000-8000-00000000000a:USD','"
      "amount':20}"};
  ledger_delete(db, "fee_config", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (book_apply(db, rows[i]) != LEDGER_OK)
      fail_msg("%s: %s", rows[i], ledger_error_of(db)->message);
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
    if (book_post(db, operations[i]) != LEDGER_OK)
      fail_msg("%s: %s", operations[i], ledger_error_of(db)->message);
}

/* Several read one after the other, then done with one commit. */
static inline int book_batch(ledger *db, const struct book_step *step) {
  char json[600];
  ledger_operation operations[3];
  int rc = LEDGER_OK;
  for (int i = 0; i < step->count && rc == LEDGER_OK; i++)
    rc = ledger_operation_read(db, book_json(step->operations[i], json, sizeof json), -1,
                               &operations[i]);
  return rc == LEDGER_OK
             ? ledger_post_batch(db, step->count, operations, LEDGER_BATCH_ATOMIC, 0, NULL)
             : rc;
}

/* A step is not asked for while the one before which it may not stand is not done. */
static inline bool book_may(const bool done[BOOK_STEPS], int n) {
  return book_steps[n].behind == 0 || done[book_steps[n].behind];
}

static inline int book_step(ledger *db, int n) {
  const struct book_step *step = &book_steps[n];
  switch (step->kind) {
  case STEP_ROW: return book_apply(db, step->operations[0]);
  case STEP_BATCH: return book_batch(db, step);
  case STEP_ALONE: return book_post(db, step->operations[0]);
  default: break;
  }
  int rc = ledger_begin(db);
  for (int i = 0; i < step->count && rc == LEDGER_OK; i++) rc = book_post(db, step->operations[i]);
  return rc == LEDGER_OK ? ledger_commit(db) : rc;
}

/* How many of a step's operations the file has. */
static inline int64_t book_there(ledger *db, int n) {
  const struct book_step *step = &book_steps[n];
  int64_t there = 0;
  if (step->kind == STEP_ROW)
    return sql_number(
        db->sqlite,
        "SELECT count(*) FROM users WHERE first_name = 'Ada' AND email = 'a@example.com'");
  for (int i = 0; i < step->count; i++) {
    char reference[8] = "", sql[120];
    sscanf(strstr(step->operations[i], "'reference':'") + strlen("'reference':'"), "%7[^']",
           reference);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM ledger_journal WHERE reference = '%s'",
             reference);
    there += sql_number(db->sqlite, sql);
  }
  return there;
}

static inline void book_prove(ledger *db, const char *what, int64_t n) {
  const ledger_verify_options options = {0};
  char *report = NULL;
  int rc = ledger_verify(db, &options, &report);
  if (rc != LEDGER_OK)
    fail_msg("%s at %lld: %d %s %s", what, (long long)n, rc, ledger_error_of(db)->message,
             report == NULL ? "" : report);
  ledger_free(report);
}

/* Every step that was acknowledged is there once, none in part; the proof holds; and asked for once more all are done, so that
** the balances are those of a day on which nothing failed. */
static inline void book_check(ledger *db, const bool done[BOOK_STEPS], const char *what,
                              int64_t n) {
  static const char *const accounts[] = {"A",
                                         "B",
                                         "E",
                                         "portfolio:00000000-0000-4000-8000-00000000000a:USD",
                                         "portfolio:00000000-0000-4000-8000-00000000000a:BTC",
                                         "system:fees:USD"};
  static const char *const balances[] = {"1083.00",     "24.80",      "41.50",
                                         "14.85000000", "0.50000000", "0.00"};
  book_prove(db, what, n);
  for (int step = 0; step < BOOK_STEPS; step++) {
    int64_t there = book_there(db, step);
    if (there != book_steps[step].count && (done[step] || there != 0))
      fail_msg("%s at %lld: step %d was %s, %lld of its %d operations are there", what,
               (long long)n, step, done[step] ? "acknowledged" : "not acknowledged",
               (long long)there, book_steps[step].count);
  }
  for (int step = 0; step < BOOK_STEPS; step++)
    if (book_step(db, step) != LEDGER_OK)
      fail_msg("%s at %lld: step %d asked for again: %s", what, (long long)n, step,
               ledger_error_of(db)->message);
  assert_int_equal(
      sql_number(db->sqlite, "SELECT count(*) FROM ledger_journal WHERE reference LIKE 'S%'"),
      BOOK_REFERENCES);
  for (size_t i = 0; i < sizeof accounts / sizeof *accounts; i++) {
    ledger_balance balance;
    if (ledger_account(db, accounts[i], &balance) != LEDGER_OK ||
        strcmp(balance.balance, balances[i]) != 0 ||
        (i < 5 && strcmp(balance.available, balances[i]) != 0))
      fail_msg("%s at %lld: %s has %s (%s), not %s %s", what, (long long)n, accounts[i],
               balance.balance, balance.available, balances[i], ledger_error_of(db)->message);
  }
  book_prove(db, what, n);
}

#endif
