/*
** The book itself, by the public functions of ledger.h: the file to start from, batches, lone transfers, and sixteen threads
** that share commits.
*/

static ledger *ledger_bench, *sharing_bench;
static ledger_operation *ledger_operations;
static ledger_result *ledger_results;
static int ledger_room;
static ledger_group *sharing_group;

static int ledger_fail(const char *what) {
  return book_fail(what, ledger_error_of(ledger_bench)->message);
}

static int ledger_add(const char *table, int count, const char *const *columns,
                      const char *const *texts) {
  ledger_value values[8] = {0};
  for (int i = 0; i < count; i++)
    values[i] = (ledger_value){.kind = LEDGER_TEXT, .text = texts[i], .length = strlen(texts[i])};
  return ledger_insert(ledger_bench, table, count, columns, values, NULL);
}

/* Accounts with ids that the bench knows, and money by the book. */
static int ledger_base(const char *path) {
  static const char *const user[] = {"id", "email", "password_hash"}, *const account[] = {
                                                                          "id", "user_id",
                                                                          "account_number",
                                                                          "account_type"};
  remove(path);
  int rc = ledger_create(path, ledger_schema("full"), LEDGER_NO_SEED, &ledger_bench);
  if (rc == LEDGER_OK) rc = ledger_begin(ledger_bench);
  if (rc == LEDGER_OK)
    rc = ledger_add("users", 3, user, (const char *[]){BOOK_USER, "bench@example.com", "!"});
  for (int i = 0; rc == LEDGER_OK && i < book_accounts; i++) {
    char id[37], number[20], reference[20];
    book_account_id(i, id);
    snprintf(number, sizeof number, "WS%012d", i);
    snprintf(reference, sizeof reference, "OPEN-%d", i);
    rc = ledger_add("accounts", 4, account, (const char *[]){id, BOOK_USER, number, "checking"});
    ledger_operation opening = {
        .kind = LEDGER_OP_OPENING, .reference = reference, .to = id, .amount = BOOK_OPENING};
    if (rc == LEDGER_OK) rc = ledger_post(ledger_bench, &opening, NULL);
  }
  if (rc == LEDGER_OK) rc = ledger_commit(ledger_bench);
  if (rc != LEDGER_OK) ledger_fail("base");
  ledger_close(ledger_bench);
  return rc == LEDGER_OK ? 0 : 1;
}

static int ledger_bench_open(const char *path, bool full) {
  int rc = ledger_open(path, full ? 0 : LEDGER_SYNC_NORMAL, &ledger_bench);
  return rc == LEDGER_OK ? 0 : ledger_fail(path);
}

static void ledger_asked(const struct transfer *transfer, ledger_operation *out) {
  *out = (ledger_operation){.kind = LEDGER_OP_TRANSFER,
                            .reference = transfer->reference,
                            .from = transfer->payer_id,
                            .to = transfer->payee_id,
                            .amount = transfer->amount};
}

static int ledger_prepare(const struct transfer *transfers, int count) {
  if (ledger_room < count) {
    free(ledger_operations);
    free(ledger_results);
    ledger_operations = calloc((size_t)count, sizeof *ledger_operations);
    ledger_results = calloc((size_t)count, sizeof *ledger_results);
    ledger_room = count;
  }
  if (ledger_operations == NULL || ledger_results == NULL) return 1;
  for (int i = 0; i < count; i++) ledger_asked(&transfers[i], &ledger_operations[i]);
  return 0;
}

static int ledger_run(const struct transfer *transfers, int count, int per_commit) {
  (void)transfers;
  int rc = LEDGER_OK;
  for (int from = 0; rc == LEDGER_OK && from < count; from += per_commit) {
    int share = count - from < per_commit ? count - from : per_commit;
    if (per_commit == 1)
      rc = ledger_post(ledger_bench, &ledger_operations[from], &ledger_results[from]);
    else
      rc = ledger_post_batch(ledger_bench, share, &ledger_operations[from], LEDGER_BATCH_CONTINUE,
                             0, &ledger_results[from]);
    for (int i = from; rc == LEDGER_OK && i < from + share; i++) rc = ledger_results[i].code;
  }
  return rc == LEDGER_OK ? 0 : ledger_fail("transfer");
}

static int64_t ledger_pages(void) {
  return floor_pages(ledger_bench->sqlite);
}

static void ledger_bench_close(void) {
  ledger_close(ledger_bench);
  free(ledger_operations);
  free(ledger_results);
  ledger_bench = NULL;
  ledger_operations = NULL;
  ledger_results = NULL;
  ledger_room = 0;
}

static const struct target ledger_target = {"ledger",   ledger_bench_open, ledger_prepare,
                                            ledger_run, ledger_pages,      ledger_bench_close};

/* ---- sixteen threads, one transfer each at a time */

struct sharing_work {
  const struct transfer *transfers;
  int count;
  atomic_int next, failed;
};

static int sharing_open(const char *path, bool full) {
  int rc = ledger_open(path, full ? 0 : LEDGER_SYNC_NORMAL, &sharing_bench);
  if (rc == LEDGER_OK) rc = ledger_group_open(sharing_bench, LEDGER_BATCH_MAX, &sharing_group);
  return rc == LEDGER_OK ? 0 : book_fail(path, ledger_error_of(sharing_bench)->message);
}

static void *sharing_main(void *context) {
  struct sharing_work *work = context;
  static _Thread_local ledger_group_room room;
  for (int i; (i = atomic_fetch_add(&work->next, 1)) < work->count;) {
    ledger_operation operation;
    ledger_result result;
    ledger_asked(&work->transfers[i], &operation);
    if (ledger_group_post(sharing_group, &operation, &result, &room) == LEDGER_OK) continue;
    book_fail("transfer", room.error.message);
    atomic_store(&work->failed, 1);
    break;
  }
  return NULL;
}

static int sharing_run(const struct transfer *transfers, int count, int per_commit) {
  (void)per_commit;
  struct sharing_work work = {.transfers = transfers, .count = count};
  pthread_t threads[BOOK_THREADS];
  for (int i = 0; i < BOOK_THREADS; i++)
    if (pthread_create(&threads[i], NULL, sharing_main, &work) != 0)
      return book_fail("group", "no thread");
  for (int i = 0; i < BOOK_THREADS; i++) pthread_join(threads[i], NULL);
  return atomic_load(&work.failed);
}

static int64_t sharing_pages(void) {
  return floor_pages(sharing_bench->sqlite);
}

static void sharing_close(void) {
  ledger_group_close(sharing_group);
  ledger_close(sharing_bench);
  sharing_group = NULL;
  sharing_bench = NULL;
}

static const struct target sharing_target = {"group",     sharing_open,  NULL,
                                             sharing_run, sharing_pages, sharing_close};
