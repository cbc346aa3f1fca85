/*
** test_policies_memory.c: requests of a role while memory runs out: each is refused with 53200 or answered as ever, and what it leaves
** behind is forgotten: the next request gets its own rows, and nothing is lost.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schema/compiler/compiler.h"

#include <allocation.h>

#define ANN "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"

static const char schema[] =
    "CREATE TABLE staff (id int PRIMARY KEY, user_id uuid);"
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid, body text);"
    "CREATE TABLE parts (id int PRIMARY KEY, note_id int REFERENCES notes (id), label text);"
    "INSERT INTO staff VALUES (1, '" BOB "');"
    "INSERT INTO notes VALUES (1, '" ANN "', 'a'), (2, '" BOB "', 'b');"
    "INSERT INTO parts VALUES (1, 1, 'x'), (2, 2, 'y');"
    "CREATE VIEW asked WITH (security_invoker = true) AS SELECT p.id FROM parts p;"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON staff, notes, parts, asked TO authenticated;"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE parts ENABLE ROW LEVEL SECURITY;"
    "CREATE POLICY o ON notes USING (owner = auth.uid() OR EXISTS (SELECT 1 FROM staff WHERE "
    "user_id"
    " = auth.uid()));"
    "CREATE POLICY r ON notes AS RESTRICTIVE USING (body <> 'secret');"
    "CREATE POLICY p ON parts USING (note_id IN (SELECT id FROM notes));";

static const ledger_caller ann = {.role = "authenticated", .claims = "{\"sub\":\"" ANN "\"}"};

static const struct {
  enum ledger_verb verb;
  const char *table, *text, *body, *answer;
} requests[] = {
    {LEDGER_VERB_READ, "parts", "select=id", NULL, "[{\"id\":1}]"},
    {LEDGER_VERB_READ, "asked", "select=id", NULL, "[{\"id\":1}]"},
    {LEDGER_VERB_READ, "notes", "select=id&body=like.a*", NULL, "[{\"id\":1}]"},
    {LEDGER_VERB_UPDATE, "notes", "select=id&id=gt.0", "{\"body\":\"c\"}", "[{\"id\":1}]"},
    {LEDGER_VERB_INSERT, "parts", "select=id", "{\"id\":5,\"note_id\":1}", "[{\"id\":5}]"},
};

static char *script;

static int group_setup(void **state) {
  struct schema_file file = {"memory.sql", schema, sizeof schema - 1};
  struct schema_options options = {"memory", false};
  struct schema_result *result = NULL;
  if (schema_compile(&file, 1, &options, &result) != 0) return 1;
  script = strdup(result->script);
  schema_free(result);
  return memory_setup(state);
}

static int group_teardown(void **state) {
  (void)state;
  free(script);
  return 0;
}

static int ask(ledger *db, size_t request, ledger_answer *answer) {
  ledger_query query = {.caller = &ann,
                        .verb = requests[request].verb,
                        .table = requests[request].table,
                        .text = requests[request].text,
                        .body = requests[request].body,
                        .returns = LEDGER_RETURN_ROWS,
                        .rollback = 1};
  query.body_length = query.body == NULL ? 0 : strlen(query.body);
  return ledger_ask(db, &query, answer);
}

/* A new handle each time, so that the role's rules are made while memory is short. */
static int64_t attempt(size_t request, int64_t fail_at, bool fails_on) {
  ledger *db = NULL;
  ledger_answer answer = {0};
  assert_int_equal(ledger_create(":memory:", script, LEDGER_PLAIN, &db), LEDGER_OK);
  memory_arm(fail_at, fails_on);
  int rc = ask(db, request, &answer);
  int64_t calls = memory.calls;
  memory_arm(0, false);
  memory_assert(requests[request].table, fail_at, rc, &answer.error);
  if (rc == LEDGER_OK) assert_string_equal(answer.text, requests[request].answer);
  assert_null(db->caller);
  assert_int_equal(ask(db, request, &answer), LEDGER_OK);
  assert_string_equal(answer.text, requests[request].answer);
  ledger_answer_free(&answer);
  ledger_close(db);
  return calls;
}

static void memory_runs_out(void **state) {
  (void)state;
  int64_t outstanding = memory.outstanding;
  for (size_t request = 0; request < sizeof requests / sizeof *requests; request++) {
    int64_t all = attempt(request, 0, false);
    for (int fails_on = 0; fails_on < 2; fails_on++) {
      for (int64_t n = 1; n <= all; n = memory_next(n, all, 150)) attempt(request, n, fails_on);
    }
  }
  assert_int_equal(memory.outstanding, outstanding);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(memory_runs_out)};
  return cmocka_run_group_tests_name("policies_memory", tests, group_setup, group_teardown);
}
