/*
** The book: lines of operations as JSON, as ledger batch reads them, on a file in memory with accounts. Whatever they say: each is
** done or refused with a code and a sentence, results are JSON, and the book is proved.
*/

#define FUZZ_BOOK_LINES 16
#define FUZZ_BOOK_USER "00000001-0000-4000-8000-000000000001"

static void fuzz_book_seeds(struct fuzz_seeds *seeds) {
#define OP(word) "{\"op\":\"" word "\",\"reference\":\"" word "\","
#define HOLD OP("hold") "\"from\":\"A\",\"to\":\"B\",\"amount\":\"10.00\",\"expires_at\":\"2099-01-01\"}\n"
#define ORDER                                                                                      \
  OP("order") "\"user\":\"" FUZZ_BOOK_USER "\",\"side\":\"buy\",\"asset\":\"BTC\",\"amount\":0.01," \
              "\"price\":\"50000.00\",\"fee\":\"trading\"}\n"
#define PAYOUT                                                                                     \
  OP("payout") "\"user\":\"" FUZZ_BOOK_USER "\",\"currency\":\"BTC\",\"amount\":\"0.1\","          \
               "\"address\":\"x\"}\n"
  static const char *const inputs[] = {
      OP("open") "\"currency\":\"JPY\",\"number\":\"N\",\"max_balance\":100}\n" OP("deposit") "\"to\":\"N\",\"amount\":101}",
      OP("limit") "\"account\":\"A\",\"overdraft_limit\":\"5.00\"}\n" OP("withdraw") "\"from\":\"A\",\"amount\":\"1004.99\"}",
      OP("freeze") "\"account\":\"A\",\"reason\":\"r\"}\n" OP("withdraw") "\"from\":\"A\",\"amount\":1,\"keep_failed\":true}",
      OP("suspend") "\"account\":\"B\"}\n" OP("activate") "\"account\":\"B\"}\n" OP("close") "\"account\":\"B\"}",
      OP("opening") "\"to\":\"B\",\"amount\":\"7.25\",\"effective_at\":\"2026-01-01T00:00:00Z\"}",
      OP("deposit") "\"to\":\"A\",\"amount\":\"999999999999.99\",\"metadata\":{\"a\":[1.10]}}",
      OP("transfer") "\"from\":\"A\",\"to\":\"B\",\"amount\":\"12.50\",\"fee\":\"withdrawal\",\"linked\":true}\n"
          OP("reverse") "\"of\":\"transfer\",\"amount\":\"2.50\"}\n" "{\"op\":\"reverse\",\"reference\":\"again\",\"of\":\"transfer\"}",
      OP("transfer") "\"from\":\"A\",\"to\":\"B\",\"amount\":1,\"version\":1,\"to_version\":0,\"min_available\":\"5\",\"max_after\":\"9\","
                     "\"key\":\"k\",\"scope\":\"s\"}",
      OP("post") "\"legs\":[{\"account\":\"A\",\"amount\":-3.00},{\"account\":\"B\",\"amount\":\"3.00\",\"description\":\"d\"}]}",
      HOLD OP("capture") "\"of\":\"hold\",\"amount\":\"4.00\",\"fee\":\"withdrawal\"}\n" OP("release") "\"of\":\"hold\"}",
      HOLD OP("capture") "\"of\":\"hold\",\"final\":true}\n" OP("expire") "\"of\":\"hold\"}",
      OP("fee") "\"account\":\"A\",\"amount\":\"10.01\",\"fee\":\"withdrawal\",\"rounding\":\"half_even\"}",
      OP("exchange") "\"from\":\"A\",\"to\":\"E\",\"amount\":\"10.01\",\"least\":\"9.20\",\"rounding\":\"up\"}",
      OP("adjust") "\"from\":\"A\",\"amount\":\"0.01\",\"reason\":\"r\"}",
      OP("receive") "\"address\":\"bc1q\",\"amount\":\"0.00000001\",\"txn_hash\":\"0x1\"}",
      ORDER OP("fill") "\"of\":\"order\",\"price\":\"49000.00\",\"amount\":\"0.004\"}\n" "{\"op\":\"fill\",\"reference\":\"again\",\"of\":\"order\"}",
      ORDER OP("cancel") "\"of\":\"order\",\"reason\":\"r\"}",
      PAYOUT OP("approve") "\"of\":\"payout\"}\n" OP("complete") "\"of\":\"payout\",\"txn_hash\":\"0x2\"}",
      PAYOUT OP("reject") "\"of\":\"payout\"}\n" OP("audit") "\"of\":\"payout\"}",
  };
#undef OP
#undef HOLD
#undef ORDER
#undef PAYOUT
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) fuzz_seed_text(seeds, inputs[i]);
}

static void fuzz_book_rows(ledger *db) {
  static const char *const rows[] = {
      "{\"table\":\"users\",\"row\":{\"id\":\"" FUZZ_BOOK_USER "\",\"email\":\"a@b.co\",\"password_hash\":\"!\"}}",
      "{\"table\":\"portfolio\",\"row\":{\"user_id\":\"" FUZZ_BOOK_USER "\"}}",
      "{\"table\":\"deposit_addresses\",\"row\":{\"user_id\":\"" FUZZ_BOOK_USER "\",\"crypto_type\":\"BTC\",\"address\":\"bc1q\"}}",
      "{\"table\":\"exchange_rates\",\"row\":{\"from_currency\":\"USD\",\"to_currency\":\"EUR\",\"rate\":0.92,"
      "\"quoted_at\":\"2026-01-02T00:00:00Z\"}}"};
  static const ledger_operation operations[] = {
      {.kind = LEDGER_OP_OPEN, .reference = "1", .number = "A", .currency = "USD"},
      {.kind = LEDGER_OP_OPEN, .reference = "2", .number = "B", .currency = "USD"},
      {.kind = LEDGER_OP_OPEN, .reference = "3", .number = "E", .currency = "EUR"},
      {.kind = LEDGER_OP_DEPOSIT, .reference = "4", .to = "A", .amount = "1000.00"},
      {.kind = LEDGER_OP_DEPOSIT, .reference = "5", .to = "portfolio:" FUZZ_BOOK_USER ":USD", .amount = "1000"},
      {.kind = LEDGER_OP_DEPOSIT, .reference = "6", .to = "portfolio:" FUZZ_BOOK_USER ":BTC", .amount = "1"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    FUZZ_REQUIRE(ledger_apply(db, rows[i], -1, NULL, NULL) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++)
    FUZZ_REQUIRE(ledger_post(db, &operations[i], NULL) == LEDGER_OK, "%s", ledger_error_of(db)->message);
}

static ledger *fuzz_book_file(void) {
  static ledger *db;
  if (db != NULL) return db;
  FUZZ_REQUIRE(ledger_create(":memory:", ledger_schema("full"), 0, &db) == LEDGER_OK, "the full schema");
  fuzz_book_rows(db);
  return db;
}

static void fuzz_book_result(const ledger_result *result) {
  char *json = ledger_result_json(result);
  FUZZ_REQUIRE(json != NULL && fuzz_values_is_json(json, strlen(json)), "not JSON: %s", json);
  FUZZ_REQUIRE((result->code == LEDGER_OK) == (result->error == NULL), "%s", json);
  if (result->code != LEDGER_OK) fuzz_require_error(result->code, result->error);
  ledger_free(json);
}

/* Each input meets the same book: what it did is rolled back. */
static void fuzz_book_run(const char *bytes, size_t size) {
  ledger *db = fuzz_book_file();
  ledger_operation operations[FUZZ_BOOK_LINES];
  ledger_result results[FUZZ_BOOK_LINES];
  int count = 0;
  FUZZ_REQUIRE(ledger_begin(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  for (size_t at = 0; at < size && count < FUZZ_BOOK_LINES; count++) {
    const char *newline = memchr(bytes + at, '\n', size - at);
    size_t length = newline == NULL ? size - at : (size_t)(newline - bytes) - at;
    char *line = malloc(length == 0 ? 1 : length); /* what is read past it is seen */
    if (length > 0) memcpy(line, bytes + at, length);
    int rc = ledger_operation_read(db, line, (ptrdiff_t)length, &operations[count]);
    if (rc != LEDGER_OK) fuzz_require_error(rc, ledger_error_of(db));
    free(line);
    at += length + 1;
  }
  int rc = ledger_post_batch(db, count, operations, LEDGER_BATCH_CONTINUE, 0, results);
  if (rc != LEDGER_OK) fuzz_require_error(rc, ledger_error_of(db));
  for (int i = 0; rc == LEDGER_OK && i < count; i++) fuzz_book_result(&results[i]);
  if (size % 16 == 0) { /* now and then: it takes longer than all the rest */
    char *report = NULL;
    FUZZ_REQUIRE(ledger_verify(db, NULL, &report) == LEDGER_OK, "%s",
                 report == NULL ? ledger_error_of(db)->message : report);
    ledger_free(report);
  }
  FUZZ_REQUIRE(ledger_rollback(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
}
