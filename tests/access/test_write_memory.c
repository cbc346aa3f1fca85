/*
** test_write_memory.c: memory that runs out at each allocation of a request that writes: MEMORY and nothing written, or done all the same;
** and done when it is asked again. Each by itself, within a transaction of the caller's, and through a group.
*/
#include "../../ledger.c"

#include <allocation.h>

#include "write_ask.h"

#define ANN "00000000-0000-0000-0000-00000000000a"

static const char schema[] =
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid NOT NULL, t text NOT NULL, tag text UNIQUE, n int DEFAULT 0,"
    "  tags text[], made timestamptz DEFAULT now());\n"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY own ON notes TO authenticated USING (owner = auth.uid());\n"
    "CREATE TABLE nodes (id int PRIMARY KEY, parent int REFERENCES nodes (id));\n";

static const struct memory_case {
  const char *line, *body;
} cases[] = {
    {"POST notes [rows]", "{\"id\":100,\"owner\":\"" ANN "\",\"t\":\"\\u00e9\",\"tags\":[\"a\",\"b\"]}"},
    {"POST notes [keys user=" ANN "]", "[{\"id\":100,\"owner\":\"" ANN "\",\"t\":\"x\"}]"},
    {"POST notes [user=" ANN " csv]", "id,owner,t\n100," ANN ",\"q\"\"q\"\n101," ANN ",x\n"},
    {"POST notes [form default]", "id=100&owner=" ANN "&t=a%20b"},
    {"POST notes [merge rows user=" ANN "]",
     "[{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"m\"},{\"id\":100,\"owner\":\"" ANN "\",\"t\":\"n\"}]"},
    {"POST nodes", "[{\"id\":100,\"parent\":101},{\"id\":101,\"parent\":null}]"},
    {"PUT notes?id=eq.1 [rows]", "{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"put\"}"},
    {"PATCH notes?id=eq.1 [rows user=" ANN "]", "{\"t\":\"patched\",\"n\":2}"},
    {"PATCH notes?t=like.t* [user=" ANN "]", "{\"n\":2}"},
    {"DELETE notes?n=eq.0 [rows]", NULL},
};

static const char print_sql[] =
    "SELECT group_concat(id || t || n || coalesce(tags, '-')), (SELECT group_concat(id) FROM nodes),"
    " (SELECT count(*) FROM ledger_change) FROM notes";

static ledger *fresh(void) {
  ledger *db = write_open(NULL, schema);
  assert_string_equal(write_ask(db, "POST notes",
                                "[{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"t1\"},{\"id\":2,\"owner\":\"" ANN
                                "\",\"t\":\"t2\"}]"),
                      "2 rows, 2 new");
  return db;
}

enum memory_way { MEMORY_ALONE, MEMORY_IN_TRANSACTION, MEMORY_IN_GROUP };

static void trial(const struct memory_case *one, enum memory_way way, bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  char before[2000];
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 40)) {
    struct write_request request;
    ledger_answer answer = {0};
    ledger_group *group = NULL;
    ledger *db = fresh();
    const ledger_query *query = write_read(&request, one->line, one->body);
    sqlite3_snprintf(sizeof before, before, "%s", write_state(db, print_sql));
    if (way == MEMORY_IN_TRANSACTION) assert_int_equal(ledger_begin(db), LEDGER_OK);
    if (way == MEMORY_IN_GROUP) assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_OK);
    memory_arm(n, fails_on);
    int rc = way == MEMORY_IN_GROUP ? ledger_group_ask(group, query, &answer)
                                    : ledger_ask(db, query, &answer);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(one->line, n, rc, &answer.error);
    if (n == 0) calls = made;
    if (n == 0) assert_int_equal(rc, LEDGER_OK);
    if (way == MEMORY_ALONE && rc != LEDGER_OK) { /* a rollback may be made up for by the next call */
      assert_int_equal(ledger_begin(db), LEDGER_OK);
      assert_int_equal(ledger_rollback(db), LEDGER_OK);
    }
    if (rc != LEDGER_OK && !db->transaction_lost && sqlite3_get_autocommit(db->sqlite) != db->in_transaction)
      assert_string_equal(write_state(db, print_sql), before);
    if (group != NULL) ledger_group_close(group);
    if (way == MEMORY_IN_TRANSACTION) assert_int_equal(ledger_rollback(db), LEDGER_OK);
    if (way != MEMORY_IN_TRANSACTION && rc == LEDGER_OK)
      assert_string_not_equal(write_state(db, print_sql), before);
    else if (ledger_ask(db, query, &answer) != LEDGER_OK)
      fail_msg("%s again: %s", one->line, answer.error.message);
    ledger_answer_free(&answer);
    ledger_close(db);
  }
}

static void all(void **state) {
  (void)state;
  int64_t outstanding = memory.outstanding;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int way = MEMORY_ALONE; way <= MEMORY_IN_GROUP; way++) {
      trial(&cases[i], (enum memory_way)way, false);
      trial(&cases[i], (enum memory_way)way, true);
    }
  }
  assert_int_equal(memory.outstanding, outstanding);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
