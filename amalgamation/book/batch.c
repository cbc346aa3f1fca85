/*
** batch.c: many operations with one commit. They run one after the other without savepoints, which cost more than the rows, and the
** rows of an account that several of them touch are written once. Should one fail half way (a constraint of the schema's own, a
** reference that a foreign row has), everything is rolled back and run again with a savepoint around each.
*/
#include "../internal.h"
#include "book_state.h"

struct batch {
  ledger *db;
  int count;
  const ledger_operation *operations;
  enum ledger_batch_mode mode;
  ledger_result *results; /* or NULL */
  bool is_careful;        /* a savepoint around each operation */
  int refusal;            /* code of the first */
};

static ledger_result *batch_result(const struct batch *batch, int i) {
  return batch->results == NULL ? NULL : &batch->results[i];
}

static void batch_not_done(struct batch *batch, int i, const char *why) {
  error_set(&batch->db->error, LEDGER_LINK_BROKEN, "%s", why);
  operation_refused(batch->db, &batch->operations[i], batch_result(batch, i));
}

static int batch_one(struct batch *batch, int i) {
  ledger *db = batch->db;
  if (!batch->is_careful) return operation_run(db, &batch->operations[i], batch_result(batch, i));
  int rc = operation_savepoint(db);
  if (rc != LEDGER_OK) return rc;
  rc = operation_run(db, &batch->operations[i], batch_result(batch, i));
  bool is_torn = operation_is_torn(db) && !operation_is_fatal(rc);
  int end = operation_savepoint_end(db, !is_torn);
  if (is_torn) db->book->is_torn = false;
  return end == LEDGER_OK ? rc : end;
}

/* What became of the operations from first to last, which are undone because number `refused` was. */
static void batch_undone(struct batch *batch, int first, int last, int refused,
                         const ledger_error *refusal, const char *why) {
  for (int i = first; i <= last; i++) {
    if (i != refused) batch_not_done(batch, i, why);
  }
  batch->db->error = *refusal;
  /* Also when it was kept as failed: that row is undone like the others. */
  operation_refused(batch->db, &batch->operations[refused], batch_result(batch, refused));
}

/* The operations from `first` to the end of its linked group: all done, or none. *last: the last of them. */
static int batch_group(struct batch *batch, int first, int *last) {
  static const char why[] = "another operation of the linked group was refused";
  ledger *db = batch->db;
  int end = first;
  while (end < batch->count - 1 && batch->operations[end].linked) end++;
  *last = end;
  if (end == first) return batch_one(batch, first);
  int rc = operation_savepoint(db);
  if (rc != LEDGER_OK) return rc;
  int i = first;
  while (i <= end && (rc = batch_one(batch, i)) == LEDGER_OK) i++;
  if (rc != LEDGER_OK && (operation_is_torn(db) || operation_is_fatal(rc))) return rc;
  ledger_error refusal = db->error;
  int release = operation_savepoint_end(db, rc == LEDGER_OK);
  if (release != LEDGER_OK) return release;
  if (rc == LEDGER_OK) return LEDGER_OK;
  batch_undone(batch, first, end, i, &refusal, why);
  return rc;
}

/* Runs all. LEDGER_OK, the refusal of an atomic batch, or what ends everything; then the transaction is to be rolled back. */
static int batch_run(struct batch *batch) {
  ledger *db = batch->db;
  bool stopped = false;
  batch->refusal = LEDGER_OK;
  for (int i = 0; i < batch->count; i++) {
    int last = i;
    if (stopped) {
      batch_not_done(batch, i, "an operation before it was refused");
      continue;
    }
    int rc =
        batch->mode == LEDGER_BATCH_ATOMIC ? batch_one(batch, i) : batch_group(batch, i, &last);
    if (rc != LEDGER_OK && (operation_is_fatal(rc) || operation_is_torn(db))) return rc;
    if (rc != LEDGER_OK && batch->mode == LEDGER_BATCH_ATOMIC) {
      ledger_error refusal = db->error;
      batch_undone(batch, 0, batch->count - 1, i, &refusal,
                   "another operation of the batch was refused");
      return rc;
    }
    if (rc != LEDGER_OK && batch->refusal == LEDGER_OK) batch->refusal = rc;
    stopped = rc != LEDGER_OK && batch->mode == LEDGER_BATCH_STOP;
    i = last;
    if (connection_report(db, i + 1, batch->count) != LEDGER_OK) return LEDGER_INTERRUPTED;
  }
  return LEDGER_OK;
}

static int batch_begin(struct batch *batch, bool nests) {
  ledger *db = batch->db;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = book_enter(db);
  if (rc == LEDGER_OK && nests) rc = operation_savepoint(db);
  return rc == LEDGER_OK ? rc : transaction_end(db, rc);
}

/* Ends what batch_begin() began; `keep` commits. A refusal's sentence stays. */
static int batch_end(struct batch *batch, bool nests, bool keep, int rc) {
  if (nests) return operation_savepoint_end(batch->db, keep);
  ledger_error refusal = batch->db->error;
  int end = transaction_end(batch->db, keep ? LEDGER_OK : rc == LEDGER_OK ? LEDGER_ERROR : rc);
  if (!keep) { /* transaction_end() gives the code back that it was given */
    account_forget_all(batch->db);
    end = LEDGER_OK;
  }
  if (end == LEDGER_OK) batch->db->error = refusal;
  return end;
}

LEDGER_PRIVATE int batch_post(ledger *db, int count, const ledger_operation *operations,
                              enum ledger_batch_mode mode, int flags, ledger_result *results) {
  struct batch batch = {
      .db = db, .count = count, .operations = operations, .mode = mode, .results = results};
  bool nests = db->in_transaction;
  for (int round = 0; round < 2; round++) {
    int rc = batch_begin(&batch, nests);
    if (rc != LEDGER_OK) return rc;
    operation_results_reset(db);
    db->book->defers = count > 1 && !batch.is_careful;
    rc = batch_run(&batch);
    if (rc == LEDGER_OK) rc = account_write_due(db);
    db->book->defers = false;
    bool again =
        !batch.is_careful && rc != LEDGER_OK && operation_is_torn(db) && !operation_is_fatal(rc);
    bool keep = rc == LEDGER_OK && !(flags & LEDGER_DRY_RUN);
    int end = batch_end(&batch, nests, keep, rc);
    if (end != LEDGER_OK) return end;
    if (!again) return rc;
    batch.is_careful = true;
  }
  return LEDGER_ERROR; /* not reached: a careful round is the last */
}
