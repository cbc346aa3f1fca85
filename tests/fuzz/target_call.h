/*
** Calls by name: who asks, FUNCTION, a line's end, the arguments, over a book with accounts of two users. Whatever is asked: it is answered
** with JSON, or with an error that has a code; a user sees no text of the other's, and nothing of what is the other's gets less.
*/
#ifndef TARGET_CALL_H
#define TARGET_CALL_H

#define FUZZ_CALL_OTHER "00000002-0000-4000-8000-00000000dada"

static ledger *fuzz_call_file(void) {
  static ledger *db;
  static const ledger_operation operations[] = {
      {.kind = LEDGER_OP_OPEN, .reference = "1", .number = "MINE", .currency = "USD", .user = FUZZ_BOOK_USER},
      {.kind = LEDGER_OP_OPEN, .reference = "2", .number = "EURO", .currency = "EUR", .user = FUZZ_BOOK_USER},
      {.kind = LEDGER_OP_OPEN, .reference = "3", .number = "OTHER", .currency = "USD", .user = FUZZ_CALL_OTHER},
      {.kind = LEDGER_OP_DEPOSIT, .reference = "4", .to = "MINE", .amount = "100.00"},
      {.kind = LEDGER_OP_DEPOSIT, .reference = "5", .to = "OTHER", .amount = "77.77"},
      {.kind = LEDGER_OP_HOLD, .reference = "H", .from = "OTHER", .to = "MINE", .amount = "7.00"},
      {.kind = LEDGER_OP_HOLD, .reference = "I", .from = "MINE", .to = "OTHER", .amount = "7.00"}};
  if (db != NULL) return db;
  FUZZ_REQUIRE(ledger_create(":memory:", ledger_schema("full"), 0, &db) == LEDGER_OK, "the full schema");
  fuzz_book_rows(db);
  FUZZ_REQUIRE(ledger_apply(db, "{\"table\":\"users\",\"row\":{\"id\":\"" FUZZ_CALL_OTHER "\",\"email\":\"o@b.co\",\"password_hash\":\"!\"}}",
                            -1, NULL, NULL) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
    ledger_operation operation = operations[i];
    char reference[16];
    snprintf(reference, sizeof reference, "call-%s", operation.reference);
    operation.reference = reference;
    FUZZ_REQUIRE(ledger_post(db, &operation, NULL) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  }
  return db;
}

static void fuzz_call_seeds(struct fuzz_seeds *seeds) {
  static const char *const inputs[] = {
      "utransfer\n{\"from\":\"MINE\",\"to\":\"OTHER\",\"amount\":\"1.00\",\"reference\":\"t\",\"metadata\":{\"a\":[1]}}",
      "utransfer\n{\"from\":\"OTHER\",\"to\":\"MINE\",\"amount\":1,\"key\":\"k\",\"keep_failed\":true}",
      "sdeposit\n{\"to\":\"MINE\",\"amount\":\"1.00\",\"key\":\"k\",\"scope\":\"s\",\"effective_at\":\"2026-01-01\"}",
      "uexchange\n{\"from\":\"MINE\",\"to\":\"EURO\",\"amount\":\"10.00\",\"least\":\"1\"}",
      "uhold\n{\"from\":\"MINE\",\"to\":\"OTHER\",\"amount\":\"1\",\"expires_at\":\"2090-01-01\"}",
      "ucapture\n{\"of\":\"call-H\",\"amount\":\"1\",\"final\":true}",
      "urelease\n{\"of\":\"call-I\"}",
      "uexpire\n{\"of\":\"call-H\"}",
      "sexpire\n{}",
      "uorder\n{\"user\":\"" FUZZ_BOOK_USER "\",\"side\":\"buy\",\"asset\":\"BTC\",\"amount\":0.01,\"price\":\"5\"}",
      "upayout\n{\"user\":\"" FUZZ_CALL_OTHER "\",\"currency\":\"BTC\",\"amount\":\"0.1\",\"address\":\"x\"}",
      "spost\n{\"legs\":[{\"account\":\"MINE\",\"amount\":-3},{\"account\":\"OTHER\",\"amount\":\"3.00\"}]}",
      "ubalance\n{\"account\":\"OTHER\"}",
      "ubalance_at\n{\"account\":\"MINE\",\"time\":\"2090-01-01\",\"clock\":\"effective\"}",
      "uhistory\n{\"account\":\"MINE\",\"kind\":\"transfer\",\"limit\":3,\"after\":9,\"oldest_first\":true,\"since\":\"2020-01-01\"}",
      "shistory\n{\"reference\":\"call-H\",\"until\":\"infinity\"}",
      "uquote\n{\"from_currency\":\"USD\",\"to_currency\":\"EUR\",\"amount\":\"5.01\"}",
      "uquote\n{\"from\":\"MINE\",\"to\":\"EURO\",\"amount\":\"5.01\",\"fee\":\"withdrawal\"}",
      "shead\n",
      "atranfer\n{\"\\u00e4\":null,\"b\":[{}],\"a\":\"\\ud83d\\ude00\"}",
  };
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) fuzz_seed_text(seeds, inputs[i]);
}

/* Half of the time one of the texts in quotes becomes another that means something: mutations of bytes alone are hardly ever done. */
static void fuzz_call_mutate(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  static const char *const words[] = {
      "MINE", "OTHER", "EURO", "A", "B", "call-H", "call-I", "call-4", "call-5", "k", "portfolio:" FUZZ_BOOK_USER ":USD",
      "portfolio:" FUZZ_CALL_OTHER ":USD", "system:world:USD", FUZZ_BOOK_USER, FUZZ_CALL_OTHER, "1.00", "0.01", "7", "-1", "1e3", "100000",
      "USD", "EUR", "half_up", "up", "withdrawal", "2026-01-01", "infinity", "from", "to", "of", "amount", "account", "key",
      "reference", "scope", "fee", "final", "keep_failed", "metadata", "effective_at", "max_after", "user"};
  int quotes[256], count = 0;
  if (random_chance(r, 50)) {
    fuzz_mutate_bytes(r, buffer, seeds);
    return;
  }
  for (size_t i = 0; i < buffer->length && count < 256; i++)
    if (buffer->bytes[i] == '"') quotes[count++] = (int)i;
  if (count < 2) return;
  int first = random_below(r, count / 2) * 2;
  const char *word = words[random_below(r, (int)(sizeof words / sizeof words[0]))];
  size_t start = (size_t)quotes[first] + 1, end = (size_t)quotes[first + 1];
  fuzz_replace(buffer, start, end - start, word, strlen(word));
}

static int64_t fuzz_call_others(ledger *db) {
  ledger_balance balance;
  int64_t amount = 0;
  FUZZ_REQUIRE(ledger_account(db, "OTHER", &balance) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  FUZZ_REQUIRE(money_read(balance.available, strlen(balance.available), 2, 2, &amount, NULL) == LEDGER_OK, "%s", balance.available);
  return amount;
}

/* Each input meets the same book: what it did is rolled back. */
static void fuzz_call_run(const char *bytes, size_t size) {
  static ledger_answer answer;
  ledger *db = fuzz_call_file();
  if (size == 0) return;
  char *text = malloc(size + 1);
  memcpy(text, bytes, size);
  text[size] = '\0';
  char *arguments = strchr(text, '\n');
  if (arguments != NULL) *arguments++ = '\0';
  bool is_user = *text != 's' && *text != 'a';
  ledger_caller caller = {.role = *text == 's' ? "service_role" : *text == 'a' ? "anon" : "authenticated",
                          .claims = is_user ? "{\"sub\":\"" FUZZ_BOOK_USER "\"}" : "{}"};
  ledger_call_request call = {.caller = &caller, .function = text + 1, .arguments = arguments, .is_read = size % 8 == 7};
  if (strncmp(text + 1, "verify", 6) == 0) call.function = "head"; /* slow, and fuzzed elsewhere */
  if (arguments != NULL) call.arguments_length = size - (size_t)(arguments - text);
  FUZZ_REQUIRE(ledger_begin(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  int64_t before = fuzz_call_others(db);
  int rc = ledger_call(db, &call, &answer);
  FUZZ_REQUIRE(rc == answer.error.code, "%d is not %d", rc, answer.error.code);
  if (rc != LEDGER_OK) {
    fuzz_require_error(rc, &answer.error);
    FUZZ_REQUIRE(answer.code[0] != '\0' && answer.length == 0, "an error without a code, or with an answer");
  } else {
    FUZZ_REQUIRE(*text != 'a', "anon has called %s", call.function);
    FUZZ_REQUIRE(strlen(answer.text) == answer.length && fuzz_values_is_json(answer.text, answer.length), "not JSON: %s", answer.text);
    if (is_user) {
      FUZZ_REQUIRE(strstr(answer.text, "\"number\":\"OTHER\"") == NULL && strstr(answer.text, "\"account\":\"portfolio:" FUZZ_CALL_OTHER) == NULL, "%s", answer.text);
      /* What the user captures was held for the user; nothing else makes it less. */
      FUZZ_REQUIRE(fuzz_call_others(db) >= before, "%s", answer.text);
    }
  }
  if (*text == 'a') FUZZ_REQUIRE(fuzz_call_others(db) == before, "anon has moved money");
  free(text);
  FUZZ_REQUIRE(ledger_rollback(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
}

#endif
