/*
** test_call: functions that are called by name: who may call each, arguments, keys, what is answered.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "post.h"

#define OWNER POST_USER                              /* of A, of E, and of a portfolio */
#define OTHER "00000001-0000-4000-8000-000000000002" /* of B */
#define THIRD "00000001-0000-4000-8000-000000000003" /* of nothing */
#define ADMIN "bcf36794-86ec-5c46-a618-01f8ea20bfd8"

static ledger_answer answer;

static int call_as(ledger *db, const char *role, const char *user, const char *function,
                   const char *arguments, const char *key) {
  char claims[128];
  snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"role\":\"%s\"}", user, role);
  ledger_caller caller = {.role = role, .claims = user[0] == 0 ? NULL : claims};
  ledger_call_request call = {.caller = &caller,
                              .function = function,
                              .arguments = arguments,
                              .arguments_length = arguments == NULL ? 0 : strlen(arguments),
                              .key = key};
  int rc = ledger_call(db, &call, &answer);
  assert_int_equal(rc, answer.error.code);
  return rc;
}

#define call_user(db, user, function, arguments, key)                                              \
  call_as(db, "authenticated", user, function, arguments, key)

static void test_user(ledger *db, const char *id, const char *email) {
  char change[256];
  snprintf(change, sizeof change,
           "{\"table\":\"users\",\"row\":{\"id\":\"%s\",\"email\":\"%s\",\"password_hash\":\"!\"}}",
           id, email);
  post_row(db, change);
}

static ledger *test_file(void) {
  ledger *db = post_file("full");
  test_user(db, OTHER, "b@y.co");
  test_user(db, THIRD, "c@y.co");
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = "oA", .number = "A", .currency = "USD",
            .user = OWNER);
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = "oB", .number = "B", .currency = "USD",
            .user = OTHER);
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = "oE", .number = "E", .currency = "EUR",
            .user = OWNER);
  post_done(db, .kind = LEDGER_OP_OPEN, .reference = "oN", .number = "N", .currency = "USD");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dA", .to = "A", .amount = "100");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dP", .to = "portfolio:" OWNER ":USD",
            .amount = "100");
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dC", .to = "portfolio:" OWNER ":BTC",
            .amount = "2");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .to = "B", .amount = "10",
            .expires_at = "2090-01-01");
  post_done(db, .kind = LEDGER_OP_ORDER, .reference = "O", .user = OWNER, .side = "buy",
            .asset = "BTC", .amount = "0.5", .price = "10");
  post_row(db, "{\"table\":\"exchange_rates\",\"row\":{\"from_currency\":\"USD\",\"to_currency\":"
               "\"EUR\",\"rate\":\"0.9\",\"quoted_at\":\"2026-01-01 00:00:00+00\"}}");
  return db;
}

static void test_end(ledger *db) {
  ledger_answer_free(&answer);
  post_close(db);
}

/* ---- who may call what */

enum {
  OK = LEDGER_OK,
  NO = LEDGER_FORBIDDEN,
  NA = LEDGER_UNKNOWN_ACCOUNT,
  NR = LEDGER_UNKNOWN_REFERENCE
};

static const struct {
  const char *function, *arguments;
  int anon, owner, other, third, admin; /* service_role and the file's owner: as admin */
} test_rights[] = {
    {"transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NO, OK, NA, NA, OK},
    {"exchange", "{\"from\":\"A\",\"to\":\"E\",\"amount\":\"1\"}", NO, OK, NA, NA, OK},
    {"hold", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NO, OK, NA, NA, OK},
    {"capture", "{\"of\":\"H\"}", NO, NO, OK, NR, OK},
    {"release", "{\"of\":\"H\"}", NO, NO, OK, NR, OK},
    {"expire", "{\"of\":\"H\"}", NO, LEDGER_WRONG_STATE, LEDGER_WRONG_STATE, NR,
     LEDGER_WRONG_STATE},
    {"expire", "{}", NO, NO, NO, NO, OK},
    {"order",
     "{\"user\":\"" OWNER "\",\"side\":\"sell\",\"asset\":\"BTC\",\"amount\":1,\"price\":2}", NO,
     OK, NO, NO, OK},
    {"cancel", "{\"of\":\"O\"}", NO, OK, NR, NR, OK},
    {"payout", "{\"user\":\"" OWNER "\",\"currency\":\"BTC\",\"amount\":1,\"address\":\"x\"}", NO,
     OK, NO, NO, OK},
    {"deposit", "{\"to\":\"A\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"withdraw", "{\"from\":\"A\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"reverse", "{\"of\":\"dA\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"adjust", "{\"to\":\"A\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"fee", "{\"account\":\"A\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"post",
     "{\"legs\":[{\"account\":\"A\",\"amount\":\"-1\"},{\"account\":\"B\",\"amount\":\"1\"}]}", NO,
     NO, NO, NO, OK},
    {"open", "{\"currency\":\"USD\"}", NO, NO, NO, NO, OK},
    {"limit", "{\"account\":\"A\",\"min_balance\":\"1\"}", NO, NO, NO, NO, OK},
    {"freeze", "{\"account\":\"A\"}", NO, NO, NO, NO, OK},
    {"suspend", "{\"account\":\"A\"}", NO, NO, NO, NO, OK},
    {"close", "{\"account\":\"E\"}", NO, NO, NO, NO, OK},
    {"opening", "{\"to\":\"N\",\"amount\":\"1\"}", NO, NO, NO, NO, OK},
    {"balance", "{\"account\":\"A\"}", NO, OK, NA, NA, OK},
    {"balance", "{\"account\":\"system:world:USD\"}", NO, NA, NA, NA, OK},
    {"balance", "{\"account\":\"portfolio:" OWNER ":BTC\"}", NO, OK, NA, NA, OK},
    {"balance_at", "{\"account\":\"A\",\"time\":\"2090-01-01\"}", NO, OK, NA, NA, OK},
    {"history", "{\"account\":\"A\"}", NO, OK, NA, NA, OK},
    {"history", "{}", NO, NO, NO, NO, OK},
    {"quote", "{\"from\":\"A\",\"to\":\"E\",\"amount\":\"1\"}", NO, OK, NA, NA, OK},
    {"quote", "{\"from_currency\":\"USD\",\"to_currency\":\"EUR\",\"amount\":\"1\"}", NO, OK, OK,
     OK, OK},
    {"verify", "{}", NO, NO, NO, NO, OK},
    {"head", "{}", NO, NO, NO, NO, OK},
};

static void test_right(ledger *db, int row, const char *role, const char *user, int wanted) {
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  int rc = call_as(db, role, user, test_rights[row].function, test_rights[row].arguments, NULL);
  if (rc != wanted)
    fail_msg("%s as %s %s: %d %s", test_rights[row].function, role == NULL ? "owner" : role, user,
             rc, answer.error.message);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
}

static void test_rights_of_each(void **state) {
  (void)state;
  ledger *db = test_file();
  for (int i = 0; i < (int)(sizeof test_rights / sizeof *test_rights); i++) {
    test_right(db, i, "anon", "", test_rights[i].anon);
    test_right(db, i, "anon", OWNER, test_rights[i].anon);
    test_right(db, i, "authenticated", "", test_rights[i].anon);
    test_right(db, i, "authenticated", OWNER, test_rights[i].owner);
    test_right(db, i, "authenticated", OTHER, test_rights[i].other);
    test_right(db, i, "authenticated", THIRD, test_rights[i].third);
    test_right(db, i, "authenticated", ADMIN, test_rights[i].admin);
    test_right(db, i, "service_role", "", test_rights[i].admin);
    test_right(db, i, NULL, "", test_rights[i].admin);
  }
  /* The words for somebody else's account are those for one that there is not. */
  call_user(db, OTHER, "balance", "{\"account\":\"A\"}", NULL);
  assert_string_equal(answer.error.message, "there is no account \"A\"");
  call_user(db, OTHER, "balance", "{\"account\":\"Z\"}", NULL);
  assert_string_equal(answer.error.message, "there is no account \"Z\"");
  call_user(db, THIRD, "capture", "{\"of\":\"H\"}", NULL);
  assert_string_equal(answer.error.message, "no operation has the reference \"H\"");
  test_end(db);
}

/* What a user may not choose. */
static void test_restricted(void **state) {
  (void)state;
  static const char *const more[] = {"\"effective_at\":\"2020-01-01\"", "\"rounding\":\"up\"",
                                     "\"max_after\":\"60\"", "\"to_version\":4",
                                     "\"scope\":\"x\",\"key\":\"k\""};
  ledger *db = test_file();
  char arguments[200];
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    snprintf(arguments, sizeof arguments, "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\",%s}",
             more[i]);
    assert_int_equal(call_user(db, OWNER, "transfer", arguments, NULL), LEDGER_FORBIDDEN);
    int rc = call_as(db, "service_role", "", "transfer", arguments, NULL);
    if (rc != LEDGER_OK) fail_msg("%s: %s", more[i], answer.error.message);
  }
  assert_int_equal(call_user(db, OTHER, "capture", "{\"of\":\"H\",\"fee\":\"withdrawal\"}", NULL),
                   LEDGER_FORBIDDEN);
  test_end(db);
}

/* A user sees the user's own balances alone. */
static void test_shown(void **state) {
  (void)state;
  ledger *db = test_file();
  const char *arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"25\",\"reference\":\"T\"}";
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, NULL), LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"number\":\"A\""));
  assert_non_null(strstr(answer.text, "\"balance\":\"75.00\""));
  assert_null(strstr(answer.text, "\"number\":\"B\""));
  assert_int_equal(answer.inserted, 1);
  assert_int_equal(answer.length, strlen(answer.text));
  assert_int_equal(call_as(db, "service_role", "", "transfer", arguments, NULL), LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"number\":\"B\""));
  assert_null(strstr(answer.text, "replayed"));
  assert_int_equal(answer.inserted, 0);
  /* Nor what bounds the receiver. */
  post_done(db, .kind = LEDGER_OP_LIMITS, .reference = "L", .account = "B", .max_balance = "30");
  arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"25\",\"reference\":\"T2\"}";
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, NULL), LEDGER_LIMIT);
  assert_string_equal(answer.error.message, "the receiver cannot take the amount");
  /* Nor what another did with a reference. */
  arguments = "{\"from\":\"B\",\"to\":\"A\",\"amount\":\"1\",\"reference\":\"T\"}";
  assert_int_equal(call_user(db, OTHER, "transfer", arguments, NULL), LEDGER_REFERENCE_REUSED);
  assert_string_equal(answer.error.detail, "");
  test_end(db);
}

/* ---- keys */

static void test_key(void **state) {
  (void)state;
  ledger *db = test_file();
  const char *arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"25\"}";
  char *first;
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k1"), LEDGER_OK);
  assert_int_equal(answer.inserted, 1);
  first = sqlite3_mprintf("%s", answer.text);
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k1"), LEDGER_OK);
  assert_int_equal(answer.inserted, 0);
  assert_string_equal(answer.text, first);
  sqlite3_free(first);
  post_balance(db, "A", "75.00 65.00 10.00");
  /* The same key for another operation. */
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"26\"}", "k1"),
      LEDGER_KEY_REUSED);
  assert_string_equal(answer.error.message,
                      "key \"k1\" was used for another operation: \"amount\" differs");
  assert_string_equal(answer.code, "LG012");
  /* Another caller's key is another one. */
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dB", .to = "B", .amount = "50");
  assert_int_equal(
      call_user(db, OTHER, "transfer", "{\"from\":\"B\",\"to\":\"A\",\"amount\":\"1\"}", "k1"),
      LEDGER_OK);
  assert_int_equal(answer.inserted, 1);
  assert_int_equal(call_as(db, "service_role", "", "transfer", arguments, "k1"), LEDGER_OK);
  assert_int_equal(answer.inserted, 1);
  /* Without a key each call is done. */
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_OK);
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_OK);
  assert_int_equal(answer.inserted, 1);
  /* As a member, too, and not two of them. */
  arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\",\"key\":\"k2\"}";
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, NULL), LEDGER_OK);
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k2"), LEDGER_OK);
  assert_int_equal(answer.inserted, 0);
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k3"), LEDGER_BAD_OPERATION);
  /* A refusal leaves the key free. */
  arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"60\"}";
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k4"), LEDGER_NO_FUNDS);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "dA2", .to = "A", .amount = "100");
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k4"), LEDGER_OK);
  assert_int_equal(answer.inserted, 1);
  test_end(db);
}

/* ---- arguments */

static void test_refused(ledger *db, const char *function, const char *arguments, const char *code,
                         const char *message) {
  call_as(db, "service_role", "", function, arguments, NULL);
  if (strcmp(answer.code, code) != 0 || strcmp(answer.error.message, message) != 0)
    fail_msg("%s %s: %s %s", function, arguments, answer.code, answer.error.message);
}

static void test_arguments(void **state) {
  (void)state;
  ledger *db = test_file();
  test_refused(db, "tranfer", "{\"to\":1,\"from\":2}", "PGRST202",
               "Could not find the function public.tranfer(from, to) in the schema cache");
  assert_string_equal(answer.error.hint, "Perhaps you meant to call the function public.transfer");
  assert_string_equal(
      answer.error.detail,
      "Searched for the function public.tranfer with parameters from, to or with a "
      "single unnamed json/jsonb parameter, but no matches were found in the schema cache.");
  test_refused(db, "nothing_of_that_kind", "", "PGRST202",
               "Could not find the function public.nothing_of_that_kind without parameters in the "
               "schema cache");
  assert_string_equal(answer.error.hint, "");
  test_refused(db, "transfer", "{\"from\":\"A\"}", "PGRST202",
               "Could not find the function public.transfer(from) in the schema cache");
  assert_string_equal(answer.error.hint,
                      "Perhaps you meant to call the function public.transfer(amount, from, to)");
  assert_string_equal(
      answer.error.detail,
      "Searched for the function public.transfer with parameter from or with a "
      "single unnamed json/jsonb parameter, but no matches were found in the schema cache.");
  test_refused(db, "balance", "{\"account\":\"A\",\"b\":1}", "PGRST202",
               "Could not find the function public.balance(account, b) in the schema cache");
  test_refused(
      db, "transfer", "{\"op\":\"deposit\",\"to\":\"A\",\"from\":\"B\",\"amount\":1}", "PGRST202",
      "Could not find the function public.transfer(amount, from, op, to) in the schema cache");
  test_refused(db, "audit", "{}", "PGRST202",
               "Could not find the function public.audit without parameters in the schema cache");
  static const char *const bad[] = {"[]", "{",   "{\"from\":}",      "null",
                                    "1",  "{}x", "{\"from\":\"A\",}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    test_refused(db, "transfer", bad[i], "PGRST102", "Empty or invalid json");
  test_refused(db, "balance", "{\"account\":\"\xff\"}", "22021",
               "invalid byte sequence for encoding \"UTF8\": 0xff");
  /* Numbers are text, and never floats. */
  assert_int_equal(
      call_as(db, "service_role", "", "deposit", " {\"to\":\"A\",\"amount\":0.10} ", NULL),
      LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"amount\":\"0.10\""));
  test_refused(db, "deposit", "{\"to\":\"A\",\"amount\":\"1\",\"amount\":\"2\"}", "LG030",
               "\"amount\" is given twice");
  test_refused(db, "history", "{\"account\":\"A\",\"limit\":\"x\"}", "22023",
               "\"limit\" is not a whole number");
  test_refused(db, "quote", "{\"amount\":\"1\",\"from\":\"A\"}", "LG030",
               "quote needs \"amount\" and either \"from\" and \"to\", two accounts, or "
               "\"from_currency\" and \"to_currency\"");
  test_end(db);
}

static void test_reads(void **state) {
  (void)state;
  ledger *db = test_file();
  ledger_call_request call = {.function = "transfer",
                              .arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}",
                              .is_read = 1};
  call.arguments_length = strlen(call.arguments);
  assert_int_equal(ledger_call(db, &call, &answer), LEDGER_READ_ONLY);
  assert_string_equal(answer.code, "25006");
  assert_string_equal(answer.error.message, "cannot execute transfer in a read-only transaction");
  assert_int_equal(ledger_function_reads("transfer"), 0);
  assert_int_equal(ledger_function_reads("balance"), 1);
  assert_int_equal(ledger_function_reads("no_such"), 1);

  assert_int_equal(
      call_user(db, OWNER, "quote", "{\"from\":\"A\",\"to\":\"E\",\"amount\":\"10\"}", NULL),
      LEDGER_OK);
  assert_string_equal(answer.text,
                      "{\"amount\":\"10.00\",\"currency\":\"USD\",\"received\":\"9.00\","
                      "\"received_currency\":\"EUR\",\"rate\":\"0.90000000\",\"fee\":null}");
  assert_int_equal(call_user(db, THIRD, "quote",
                             "{\"from_currency\":\"USD\",\"to_currency\":\"EUR\",\"amount\":3}",
                             NULL),
                   LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"received\":\"2.70\""));
  assert_int_equal(
      call_user(db, OWNER, "exchange", "{\"from\":\"A\",\"to\":\"E\",\"amount\":\"10\"}", NULL),
      LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"received\":\"9.00\""));
  assert_int_equal(call_user(db, OWNER, "history", "{\"account\":\"E\"}", NULL), LEDGER_OK);
  assert_int_equal(answer.rows, 1);
  assert_int_equal(answer.text[0], '[');
  assert_int_equal(call_user(db, OWNER, "history",
                             "{\"account\":\"A\",\"limit\":2,\"oldest_first\":true}", NULL),
                   LEDGER_OK);
  assert_int_equal(answer.rows, 2);
  assert_non_null(strstr(answer.text, ", \n {"));
  assert_int_equal(call_user(db, OWNER, "balance", "{\"account\":\"A\"}", NULL), LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"available\":\"80.00\""));
  assert_int_equal(
      call_user(db, OWNER, "balance_at", "{\"account\":\"A\",\"time\":\"2000-01-01\"}", NULL),
      LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"balance\":\"0.00\""));
  assert_int_equal(call_user(db, OWNER, "balance_at",
                             "{\"account\":\"A\",\"time\":\"2000-01-01\",\"clock\":\"x\"}", NULL),
                   LEDGER_INVALID_PARAMETER);
  assert_int_equal(call_as(db, NULL, "", "verify", "{}", NULL), LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"proven\":true"));
  assert_int_equal(call_as(db, NULL, "", "head", "", NULL), LEDGER_OK);
  assert_non_null(strstr(answer.text, "\"journal\":"));
  test_end(db);
}

/* An API key that names what it is for. */
static void test_permissions(void **state) {
  (void)state;
  static const struct {
    const char *permissions;
    int read, write;
  } rows[] = {{NULL, OK, OK},
              {"", OK, OK},
              {"{}", OK, OK},
              {"{\"read:accounts\":true}", NO, NO},
              {"{\"read:transactions\":true}", OK, NO},
              {"{\"write:transactions\":true}", NO, OK},
              {"{\"read:*\":true}", OK, NO},
              {"{\"write:*\":true}", NO, OK},
              {"[\"read:transactions\"]", NO, NO},
              {"[]", NO, NO},
              {"\"read:*\"", NO, NO},
              {"{\"write:transactions\":false,\"x\":{\"write:*\":true}}", NO, NO}};
  ledger *db = test_file();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ledger_caller caller = {.role = "authenticated",
                            .claims = "{\"sub\":\"" OWNER "\"}",
                            .permissions = rows[i].permissions};
    ledger_call_request call = {
        .caller = &caller, .function = "balance", .arguments = "{\"account\":\"A\"}"};
    call.arguments_length = strlen(call.arguments);
    assert_int_equal(ledger_call(db, &call, &answer), rows[i].read);
    call.function = "transfer";
    call.arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}";
    call.arguments_length = strlen(call.arguments);
    assert_int_equal(ledger_call(db, &call, &answer), rows[i].write);
  }
  test_end(db);
}

/* Within a transaction of the caller's a refusal leaves it as it was, and what is done stands or falls with it. */
static void test_nested(void **state) {
  (void)state;
  ledger *db = test_file();
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_OK);
  assert_int_equal(
      call_user(db, OTHER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_UNKNOWN_ACCOUNT);
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1000\"}", NULL),
      LEDGER_NO_FUNDS);
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_OK);
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  post_balance(db, "A", "98.00 88.00 10.00");
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(
      call_user(db, OWNER, "transfer", "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1\"}", NULL),
      LEDGER_OK);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  post_balance(db, "A", "98.00 88.00 10.00");
  test_end(db);
}

/* A refusal that is kept is the first result, too. */
static void test_kept(void **state) {
  (void)state;
  ledger *db = test_file();
  const char *arguments = "{\"from\":\"A\",\"to\":\"B\",\"amount\":\"1000\",\"keep_failed\":true}";
  int64_t before = post_print(db);
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k"), LEDGER_NO_FUNDS);
  assert_true(post_print(db) != before);
  before = post_print(db);
  post_done(db, .kind = LEDGER_OP_DEPOSIT, .reference = "more", .to = "A", .amount = "5000");
  assert_int_equal(call_user(db, OWNER, "transfer", arguments, "k"), LEDGER_NO_FUNDS);
  assert_string_equal(answer.error.message, "account A has 90.00 USD available, 1000.00 is needed");
  assert_int_equal(answer.length, 0);
  test_end(db);
}

static void test_wrong(void **state) {
  (void)state;
  ledger *db = test_file();
  ledger_caller caller = {.role = "nobody"};
  ledger_call_request call = {.caller = &caller, .function = "head"};
  assert_int_equal(ledger_call(db, &call, &answer), LEDGER_INVALID_PARAMETER);
  assert_string_equal(answer.error.message, "role \"nobody\" does not exist");
  call.function = "deposit";
  call.arguments = "{\"to\":\"A\",\"amount\":1}";
  call.arguments_length = strlen(call.arguments);
  assert_int_equal(ledger_call(db, &call, &answer), LEDGER_INVALID_PARAMETER);
  call.function = NULL;
  assert_int_equal(ledger_call(db, &call, &answer), LEDGER_MISUSE);
  assert_int_equal(ledger_call(db, NULL, &answer), LEDGER_MISUSE);
  assert_int_equal(ledger_call(db, &call, NULL), LEDGER_MISUSE);
  /* More arguments than any function has, and a key that is too long. */
  sqlite3_str *many = sqlite3_str_new(NULL);
  for (int i = 0; i < 100; i++) sqlite3_str_appendf(many, "%s\"a%d\":1", i == 0 ? "{" : ",", i);
  sqlite3_str_appendall(many, "}");
  char *text = sqlite3_str_finish(many);
  assert_int_equal(call_as(db, NULL, "", "head", text, NULL), LEDGER_PROGRAM_LIMIT);
  memset(text, 'k', 400);
  text[400] = 0;
  assert_int_equal(call_as(db, NULL, "", "deposit", "{\"to\":\"A\",\"amount\":1}", text),
                   LEDGER_BAD_OPERATION);
  sqlite3_free(text);
  test_end(db);
}

/* What is described is what may be called. */
static void test_described(void **state) {
  (void)state;
  ledger *db = test_file();
  char *json = NULL;
  ledger_caller caller = {.role = "anon"};
  assert_int_equal(ledger_describe(db, &caller, &json), LEDGER_OK);
  assert_non_null(strstr(json, "\"functions\":[]"));
  ledger_free(json);
  caller = (ledger_caller){.role = "authenticated", .claims = "{\"sub\":\"" OWNER "\"}"};
  assert_int_equal(ledger_describe(db, &caller, &json), LEDGER_OK);
  assert_non_null(strstr(json, "\"name\":\"transfer\""));
  assert_null(strstr(json, "\"name\":\"deposit\""));
  assert_null(strstr(json, "\"name\":\"rounding\""));
  ledger_free(json);
  caller = (ledger_caller){.role = "service_role"};
  assert_int_equal(ledger_describe(db, &caller, &json), LEDGER_OK);
  assert_non_null(strstr(json, "\"name\":\"deposit\""));
  assert_non_null(strstr(json, "\"name\":\"verify\""));
  assert_null(strstr(json, "\"name\":\"audit\""));
  assert_null(strstr(json, "\"name\":\"linked\""));
  ledger_free(json);
  test_end(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rights_of_each), cmocka_unit_test(test_restricted),
      cmocka_unit_test(test_shown),          cmocka_unit_test(test_key),
      cmocka_unit_test(test_arguments),      cmocka_unit_test(test_reads),
      cmocka_unit_test(test_permissions),    cmocka_unit_test(test_nested),
      cmocka_unit_test(test_described),      cmocka_unit_test(test_kept),
      cmocka_unit_test(test_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
