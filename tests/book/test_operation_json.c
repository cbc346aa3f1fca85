/*
** test_operation_json: operations read from JSON: every member finds its place, what is wrong is named, texts live as long as
** they are needed, memory may run out anywhere; and results as JSON.
*/
#include "../../ledger.c"

#include <allocation.h>

#include "post.h"

static ledger *db;

static int test_setup(void **state) {
  (void)state;
  db = post_file("full");
  return 0;
}

static int test_teardown(void **state) {
  (void)state;
  post_close(db);
  return 0;
}

static ledger_operation test_read(const char *json) {
  ledger_operation operation;
  if (ledger_operation_read(db, json, -1, &operation) != LEDGER_OK)
    fail_msg("%s: %s", json, ledger_error_of(db)->message);
  return operation;
}

static void test_refused(const char *json, int code, const char *words) {
  ledger_operation operation;
  int rc = ledger_operation_read(db, json, -1, &operation);
  if (rc != code || strstr(ledger_error_of(db)->message, words) == NULL)
    fail_msg("%.100s: %d %s", json, rc, ledger_error_of(db)->message);
  assert_int_equal(operation.kind, LEDGER_OP_AUDIT); /* refused wherever it is posted */
  assert_int_equal(ledger_post(db, &operation, NULL), LEDGER_BAD_OPERATION);
}

/* Each member by its own name, with a value of its own; no two share a place. */
static void test_members(void **state) {
  (void)state;
  char json[4096], wanted[64];
  int at = snprintf(json, sizeof json, "{\"op\":\"post\"");
#define X(name, meaning)                                                                           \
  at += snprintf(json + at, sizeof json - (size_t)at, ",\"%s\":\"<%s>\"", #name, #name);
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) at += snprintf(json + at, sizeof json - (size_t)at, ",\"%s\":true", #name);
  LEDGER_OPERATION_FLAGS(X)
#undef X
  snprintf(json + at, sizeof json - (size_t)at,
           ",\"version\":7,\"to_version\":\"9223372036854775807\",\"legs\":[{\"account\":\"A\","
           "\"amount\":-1.50},{\"currency\":\"USD\",\"description\":\"d\"}]}");
  ledger_operation operation = test_read(json);
#define X(name, meaning)                                                                           \
  snprintf(wanted, sizeof wanted, "<%s>", #name);                                                  \
  assert_string_equal(operation.name, wanted);
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) assert_int_equal(operation.name, 1);
  LEDGER_OPERATION_FLAGS(X)
#undef X
  assert_int_equal(operation.kind, LEDGER_OP_POST);
  assert_true(operation.version == 7 && operation.to_version == INT64_MAX);
  assert_int_equal(operation.leg_count, 2);
  assert_string_equal(operation.legs[0].account, "A");
  assert_string_equal(operation.legs[0].amount, "-1.50");
  assert_null(operation.legs[0].currency);
  assert_string_equal(operation.legs[1].currency, "USD");
  assert_string_equal(operation.legs[1].description, "d");
  assert_null(operation.legs[1].amount);
}

static void test_values(void **state) {
  (void)state;
  ledger_operation operation =
      test_read(" { \"op\" : \"deposit\", \"to\":null, \"amount\":1e400, \"final\":false,"
                "\"description\":\"a\\u00e9\\n\\ud83d\\ude00\", \"version\":null,"
                "\"metadata\":{\"b\":[1.10,{}],\"a\":\"x\"} } ");
  assert_int_equal(operation.kind, LEDGER_OP_DEPOSIT);
  assert_null(operation.to);
  assert_string_equal(operation.amount, "1e400");
  assert_int_equal(operation.final, 0);
  assert_string_equal(operation.description, "a\xc3\xa9\n\xf0\x9f\x98\x80");
  assert_string_equal(operation.metadata, "{\"b\":[1.10,{}],\"a\":\"x\"}");
  operation = test_read("{\"op\":\"deposit\",\"metadata\":\"{}\",\"\\u0061mount\":\"1\"}");
  assert_string_equal(operation.metadata, "{}");
  assert_string_equal(operation.amount, "1");
}

static void test_refusals(void **state) {
  (void)state;
  test_refused("", LEDGER_INVALID_TEXT, "json");
  test_refused("[]", LEDGER_BAD_OPERATION, "not a JSON object");
  test_refused("{}", LEDGER_BAD_OPERATION, "\"op\" is missing");
  test_refused("{\"op\":7}", LEDGER_BAD_OPERATION, "\"op\"");
  test_refused("{\"op\":null}", LEDGER_BAD_OPERATION, "\"op\"");
  test_refused("{\"op\":\"depos\"}", LEDGER_BAD_OPERATION, "\"depos\"");
  test_refused("{\"op\":\"deposit\",\"op\":\"hold\"}", LEDGER_BAD_OPERATION, "given twice");
  test_refused("{\"op\":\"deposit\",\"To\":\"A\"}", LEDGER_BAD_OPERATION, "\"To\"");
  test_refused("{\"op\":\"deposit\",\"to\":true}", LEDGER_BAD_OPERATION, "\"to\"");
  test_refused("{\"op\":\"deposit\",\"to\":{}}", LEDGER_BAD_OPERATION, "\"to\"");
  test_refused("{\"op\":\"deposit\",\"metadata\":[]}", LEDGER_BAD_OPERATION, "\"metadata\"");
  test_refused("{\"op\":\"deposit\",\"metadata\":{\"a\":}}", LEDGER_INVALID_TEXT, "json");
  test_refused("{\"op\":\"deposit\",\"version\":-1}", LEDGER_BAD_OPERATION, "\"version\"");
  test_refused("{\"op\":\"deposit\",\"version\":\"\"}", LEDGER_BAD_OPERATION, "\"version\"");
  test_refused("{\"op\":\"deposit\",\"version\":9223372036854775808}", LEDGER_BAD_OPERATION,
               "\"version\"");
  test_refused("{\"op\":\"deposit\",\"final\":1}", LEDGER_BAD_OPERATION, "\"final\"");
  test_refused("{\"op\":\"post\",\"legs\":[{\"account\":\"A\"},[]]}", LEDGER_BAD_OPERATION,
               "\"legs\"");
  test_refused("{\"op\":\"post\",\"legs\":[{\"account\":\"A\",\"account\":\"B\"}]}",
               LEDGER_BAD_OPERATION, "\"account\" is given twice");
  test_refused("{\"op\":\"post\",\"legs\":[{\"to\":\"A\"}]}", LEDGER_BAD_OPERATION, "a leg");
  test_refused("{\"op\":\"deposit\"", LEDGER_INVALID_TEXT, "json");
  test_refused("{\"op\":\"deposit\"}}", LEDGER_INVALID_TEXT, "json");
  test_refused("{\"op\":\"deposit\",\"to\":\"\\u0000\"}", LEDGER_UNTRANSLATABLE, "Unicode");
  test_refused("{\"op\":\"deposit\",\"to\":\"\xc0\"}", LEDGER_BAD_ENCODING, "UTF8");
}

static void test_long_name(void **state) {
  (void)state;
  char json[400] = "{\"op\":\"deposit\",\"";
  for (int i = 0; i < 100; i++) strncat(json, "\xc3\xa9", sizeof json - strlen(json) - 1);
  strncat(json, "\":1}", sizeof json - strlen(json) - 1);
  test_refused(json, LEDGER_BAD_OPERATION, "\"\xc3\xa9");
  assert_true(text_is_valid_utf8(db->error.message, strlen(db->error.message)));
}

static void test_leg_limit(void **state) {
  (void)state;
  sqlite3_str *json = sqlite3_str_new(NULL);
  sqlite3_str_appendall(json, "{\"op\":\"post\",\"legs\":[{}");
  for (int i = 1; i < LEDGER_LEG_MAX; i++) sqlite3_str_appendall(json, ",{}");
  char *most = sqlite3_mprintf("%s]}", sqlite3_str_value(json));
  char *more = sqlite3_mprintf("%s,{}]}", sqlite3_str_value(json));
  assert_int_equal(test_read(most).leg_count, LEDGER_LEG_MAX);
  test_refused(more, LEDGER_BAD_OPERATION, "64 legs");
  sqlite3_free(sqlite3_str_finish(json));
  sqlite3_free(most);
  sqlite3_free(more);
}

/* What cannot be read still stands or falls with what it is linked to. */
static void test_linked(void **state) {
  (void)state;
  ledger_operation operation;
  const char *linked = "{\"bogus\":{\"linked\":false},\"linked\":true}";
  assert_int_equal(ledger_operation_read(db, linked, -1, &operation), LEDGER_BAD_OPERATION);
  assert_int_equal(operation.linked, 1);
  const char *apart = "{\"bogus\":{\"linked\":true}}";
  assert_int_equal(ledger_operation_read(db, apart, -1, &operation), LEDGER_BAD_OPERATION);
  assert_int_equal(operation.linked, 0);
}

/* Operations read one after the other are posted together, and their texts are let go of with the next that is read. */
static void test_texts(void **state) {
  (void)state;
  ledger_operation operations[3];
  ledger_result results[3];
  char json[200];
  post_account(db, "TEXTS", "USD", NULL);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 3; i++) {
      snprintf(
          json, sizeof json,
          "{\"op\":\"deposit\",\"to\":\"TEXTS\",\"amount\":1.0%d,\"reference\":\"texts-%d-%d\"}", i,
          round, i);
      assert_int_equal(ledger_operation_read(db, json, -1, &operations[i]), LEDGER_OK);
    }
    memset(json, 'x', sizeof json);
    assert_int_equal(ledger_post_batch(db, 3, operations, LEDGER_BATCH_ATOMIC, 0, results),
                     LEDGER_OK);
    assert_string_equal(results[2].amount, "1.02");
  }
  post_balance(db, "TEXTS", "6.06 6.06 0.00");
}

static void test_misuse(void **state) {
  (void)state;
  ledger_operation operation;
  assert_int_equal(ledger_operation_read(NULL, "{}", 2, &operation), LEDGER_MISUSE);
  assert_int_equal(ledger_operation_read(db, NULL, 0, &operation), LEDGER_MISUSE);
  assert_int_equal(operation.kind, LEDGER_OP_AUDIT);
  assert_int_equal(ledger_operation_read(db, "{}", 2, NULL), LEDGER_MISUSE);
  assert_null(ledger_result_json(NULL));
}

static void test_json(const ledger_result *result, const char *wanted) {
  char *json = ledger_result_json(result);
  assert_string_equal(json, wanted);
  ledger_free(json);
}

static void test_results(void **state) {
  (void)state;
  ledger_balance balance = {.account = "id",
                            .currency = "USD",
                            .status = "active",
                            .balance = "1.00",
                            .available = "0.50",
                            .held = "0.50",
                            .overdraft_limit = "0.00",
                            .min_balance = "0.00",
                            .version = 3};
  ledger_result result = {.kind = LEDGER_OP_HOLD,
                          .journal = 17,
                          .replayed = 1,
                          .amount = "0.50",
                          .currency = "USD",
                          .remaining = "0.50",
                          .balance_count = 1,
                          .balances = &balance};
  snprintf(result.reference, sizeof result.reference, "\"R\"\n");
  test_json(&result,
            "{\"ok\":true,\"op\":\"hold\",\"reference\":\"\\\"R\\\"\\n\",\"replayed\":true,"
            "\"journal\":17,\"amount\":\"0.50\",\"currency\":\"USD\",\"remaining\":\"0.50\","
            "\"balances\":[{\"account\":\"id\",\"currency\":\"USD\",\"status\":\"active\","
            "\"balance\":\"1.00\",\"available\":\"0.50\",\"held\":\"0.50\",\"version\":3}]}");
  result = (ledger_result){
      .kind = LEDGER_OP_LIMITS, .journal = 1, .balance_count = 1, .balances = &balance};
  test_json(&result, "{\"ok\":true,\"op\":\"limit\",\"journal\":1,"
                     "\"balances\":[{\"account\":\"id\",\"currency\":\"USD\",\"status\":\"active\","
                     "\"balance\":\"1.00\",\"available\":\"0.50\",\"held\":\"0.50\","
                     "\"overdraft_limit\":\"0.00\",\"min_balance\":\"0.00\",\"version\":3}]}");
  ledger_error error = {.sqlstate = "LG001", .message = "no \"money\"", .hint = "work"};
  result = (ledger_result){.kind = LEDGER_OP_DEPOSIT, .code = LEDGER_NO_FUNDS, .error = &error};
  test_json(&result, "{\"ok\":false,\"op\":\"deposit\",\"sqlstate\":\"LG001\","
                     "\"message\":\"no \\\"money\\\"\",\"hint\":\"work\"}");
  result = (ledger_result){.kind = LEDGER_OP_COUNT, .code = LEDGER_MEMORY};
  test_json(&result, "{\"ok\":false,\"sqlstate\":\"53200\"}");
}

static void test_memory(void **state) {
  (void)state;
  static const char json[] = "{\"op\":\"post\",\"reference\":\"R\",\"description\":\"\\u00e9\","
                             "\"metadata\":{\"a\":1},\"legs\":[{\"account\":\"A\",\"amount\":1}]}";
  ledger_operation operation;
  for (int64_t n = 1;; n++) {
    arena_free(&db->operations);
    memory_arm(n, false);
    int rc = ledger_operation_read(db, json, -1, &operation);
    bool is_over = memory.calls < n;
    memory_arm(0, false);
    memory_assert("read", n, rc, ledger_error_of(db));
    if (is_over) break;
  }
  ledger_result result = {.kind = LEDGER_OP_POST};
  snprintf(result.reference, sizeof result.reference, "%090d", 1);
  for (int64_t n = 1;; n++) {
    memory_arm(n, false);
    char *text = ledger_result_json(&result);
    bool is_over = memory.calls < n;
    memory_arm(0, false);
    assert_true(text == NULL || text[strlen(text) - 1] == '}');
    ledger_free(text);
    if (is_over) break;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_members),   cmocka_unit_test(test_values),
      cmocka_unit_test(test_refusals),  cmocka_unit_test(test_long_name),
      cmocka_unit_test(test_leg_limit), cmocka_unit_test(test_linked),
      cmocka_unit_test(test_texts),     cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_results),   cmocka_unit_test(test_memory),
  };
  if (memory_setup(NULL) != 0) return 1;
  return cmocka_run_group_tests(tests, test_setup, test_teardown);
}
