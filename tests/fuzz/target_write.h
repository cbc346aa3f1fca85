/*
** A target on a file in memory with the full schema: a request that writes, as tests/access/write_ask.h has it, on the first line, and its
** body behind it. What is refused leaves nothing, and what is answered is JSON.
*/
#include "../access/write_ask.h"

static void fuzz_write_seeds(struct fuzz_seeds *seeds) {
  static const char *const requests[] = {
      "POST roles [rows]\n{\"name\":\"n\",\"description\":\"d\\u00e9\\n\"}",
      "POST roles [rows object]\n[{\"name\":\"n\",\"is_system\":true}]",
      "POST roles [merge rows]\n[{\"name\":\"n\",\"description\":null},{\"name\":\"o\",\"description\":\"x\"}]",
      "POST roles?on_conflict=name [ignore keys]\n{\"name\":\"admin\"}",
      "POST roles?columns=name,description [default rows]\n[{\"name\":\"a\"},{\"name\":\"b\",\"x\":[{}]}]",
      "POST roles [csv rows]\nname,description\r\n\"a,\"\"b\",NULL\nc,d\n",
      "POST contacts [form rows]\nname=A+B&email=a%40b.c&message=%C3%A9",
      "POST webhooks [rows]\n{\"user_id\":\"00000001-0000-4000-8000-000000000001\",\"url\":\"https://e.com\","
      "\"events\":[\"a\",\"b\"],\"secret\":\"s\"}",
      "POST audit_logs [rows]\n{\"action\":\"X\",\"entity_type\":\"users\",\"ip_address\":\"10.0.0.1\","
      "\"details\":{\"a\":[1,2.50,null,true]}}",
      "POST exchange_rates [rows]\n[{\"from_currency\":\"EUR\",\"to_currency\":\"USD\",\"rate\":1.0001,"
      "\"quoted_at\":\"2026-11-01 00:00:00+02\"},{\"from_currency\":\"EUR\",\"to_currency\":\"USD\",\"rate\":\"1e0\","
      "\"quoted_at\":null}]",
      "PATCH roles?name=eq.admin [rows]\n{\"description\":\"new\"}",
      "PATCH roles?or=(name.like.a*,name.is.null) [count max=1]\n{\"description\":null,\"name\":\"same\"}",
      "PATCH users?select=id,email&email=neq.x [rows rollback]\n{\"first_name\":\"F\"}",
      "PUT roles?id=eq.00000001-0000-4000-8000-000000000001 [rows]\n{\"id\":\"00000001-0000-4000-8000-000000000001\","
      "\"name\":\"put\"}",
      "DELETE roles?name=in.(admin,\"u,s\") [rows]\n",
      "DELETE roles [all]\n",
      "POST accounts [rows user=00000001-0000-4000-8000-000000000001]\n{\"currency\":\"USD\",\"balance\":1}",
      "POST notifications [anon]\n[]",
      "POST roles\n[{\"name\":\"a\"},{\"name\":\"b\",\"name\":\"c\"},{}]",
  };
  for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
    fuzz_seed_text(seeds, requests[i]);
}

static int64_t fuzz_write_changes(ledger *db) {
  sqlite3_stmt *stmt = NULL;
  int64_t count = -1;
  if (sqlite3_prepare_v2(db->sqlite, "SELECT count(*) FROM ledger_change", -1, &stmt, NULL) == SQLITE_OK &&
      sqlite3_step(stmt) == SQLITE_ROW)
    count = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return count;
}

static void fuzz_write_run(const char *bytes, size_t size) {
  ledger *db = fuzz_rows_file();
  struct write_request request;
  ledger_answer answer = {0};
  char *line = malloc(size + 1);
  memcpy(line, bytes, size);
  line[size] = '\0';
  char *body = memchr(line, '\n', size);
  size_t length = 0;
  if (body != NULL) {
    *body++ = '\0';
    length = size - (size_t)(body - line);
  }
  char *own = malloc(length == 0 ? 1 : length); /* so that a byte too far is found */
  if (length > 0) memcpy(own, body, length);
  (void)write_read(&request, line, NULL);
  request.query.body = own;
  request.query.body_length = length;
  FUZZ_REQUIRE(ledger_begin(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  int64_t before = fuzz_write_changes(db);
  int rc = request.query.verb == LEDGER_VERB_READ ? LEDGER_OK : ledger_ask(db, &request.query, &answer);
  FUZZ_REQUIRE(rc == answer.error.code, "%d is not %d", rc, answer.error.code);
  if (rc != LEDGER_OK) {
    FUZZ_REQUIRE(answer.code[0] != 0 && answer.error.message[0] != 0 && answer.length == 0, "an error without words");
    if (strncmp(answer.code, "PGRST", 5) != 0) fuzz_require_error(rc, &answer.error);
    FUZZ_REQUIRE(fuzz_write_changes(db) == before, "%s: something is left", answer.error.message);
  } else if (answer.length > 0) {
    FUZZ_REQUIRE(fuzz_values_is_json(answer.text, answer.length), "not JSON: %s", answer.text);
  }
  FUZZ_REQUIRE(ledger_rollback(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  ledger_answer_free(&answer);
  free(line);
  free(own);
}
