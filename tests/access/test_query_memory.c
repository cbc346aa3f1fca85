/*
** test_query_memory.c: memory that runs out at each allocation of a request that reads, by ledger_ask() and by ledger_select(): MEMORY, or
** the answer all the same; and the answer when it is asked again. Once with statements that are still to be made, once with those there.
*/
#include "../../ledger.c"

#include <allocation.h>

#include "schema/compiler/compiler.h"

static ledger *db;

static const struct memory_case {
  const char *table, *text;
  enum ledger_form form;
  bool strips;
} cases[] = {
    {"clients", "select=*&id=eq.1", LEDGER_FORM_OBJECT, false},
    {"clients", "select=a:meta->a->>b,balance::text,tags->0,seen::date&name=like(any).{M*,A*}"
                "&or=(id.in.(1,2),not.and(tags.cs.{x},meta->n.eq.5))&order=mood.desc,meta->n&limit=5",
     LEDGER_FORM_ARRAY, true},
    {"clients", "select=name,projects!inner(name,tasks(*))&projects.name=not.is.null&projects.order=name",
     LEDGER_FORM_ARRAY, false},
    {"users", "select=name,tasks(name,...projects(project:name))&tasks.limit=3", LEDGER_FORM_CSV, false},
    {"clients", "select=name,...projects(n:name,...tasks(t:name))", LEDGER_FORM_ARRAY, false},
    {"tasks", "select=count(),...projects(budget.sum(),clients(name))", LEDGER_FORM_ARRAY, false},
    {"projects", "select=name,clients(name)&order=clients(name).desc", LEDGER_FORM_CSV, false},
    {"orders", "select=*,addresses(*)", LEDGER_FORM_ARRAY, false},
    {"clientz", "id=eq.%20", LEDGER_FORM_ARRAY, false},
    {"clients", "select=\"a-b\",nme&x-y-z=eq.1", LEDGER_FORM_ARRAY, false},
    {"things", "select=*", LEDGER_FORM_CSV, false},
};

static int setup(void **state) {
  memory_setup(state);
  FILE *file = fopen("tests/access/requests.sql", "rb");
  static char text[65536];
  if (file == NULL) fail_msg("tests/access/requests.sql cannot be read; run from the project's folder");
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  struct schema_file source = {"test.sql", text, strlen(text)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  schema_compile(&source, 1, &options, &result);
  int rc = ledger_create(":memory:", result->script, 0, &db);
  schema_free(result);
  return rc;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(db);
  return memory.outstanding == 0 ? 0 : 1;
}

static void ask(const struct memory_case *one, ledger_answer *answer) {
  ledger_query query = {.table = one->table, .text = one->text, .form = one->form};
  query.strips_nulls = one->strips;
  query.count = LEDGER_COUNT_EXACT;
  ledger_ask(db, &query, answer);
}

static void trial(const struct memory_case *one, bool fails_on, bool is_warm) {
  ledger_answer good = {0};
  int64_t calls = 0;
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 150)) {
    ledger_answer answer = {0};
    if (!is_warm) statement_forget_all(db);
    arena_free(&db->arena);
    memory_arm(n, fails_on);
    ask(one, n == 0 ? &good : &answer);
    if (n == 0) calls = memory.calls;
    memory_arm(0, false);
    if (n == 0) continue;
    if (answer.error.code != good.error.code)
      memory_assert(one->text, n, answer.error.code, &answer.error);
    else
      assert_string_equal(answer.text, good.text);
    ask(one, &answer);
    assert_int_equal(answer.error.code, good.error.code);
    assert_string_equal(answer.text, good.text);
    assert_string_equal(answer.error.message, good.error.message);
    ledger_answer_free(&answer);
  }
  ledger_answer_free(&good);
}

static void asking(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (int way = 0; way < 4; way++) trial(&cases[i], (way & 1) != 0, (way & 2) != 0);
  }
}

static void selecting(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int64_t calls = 0;
    int expected = LEDGER_OK;
    for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 150)) {
      ledger_rows *rows = NULL;
      statement_forget_all(db);
      arena_free(&db->arena);
      memory_arm(n, false);
      int rc = ledger_select(db, cases[i].table, cases[i].text, &rows);
      while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) rc = LEDGER_OK;
      if (n == 0) calls = memory.calls;
      memory_arm(0, false);
      if (n == 0) expected = rc;
      if (rc != expected) memory_assert(cases[i].text, n, rc, ledger_error_of(db));
      ledger_rows_free(rows);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(asking), cmocka_unit_test(selecting)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
