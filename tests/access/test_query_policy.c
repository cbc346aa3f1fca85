/*
** test_query_policy.c: who sees what by a request that reads: rows, what is embedded in them, counts, filters and orders that look into
** other tables, aggregates; and that a row which is hidden is not looked at by what the caller has a say in.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schema/compiler/compiler.h"

static const char schema[] =
    "CREATE ROLE anon; CREATE ROLE authenticated; CREATE ROLE service_role;"
    "CREATE SCHEMA auth;"
    "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT "
    "(current_setting('request.jwt.claims', true)::jsonb ->> 'sub')::uuid $$;"
    "CREATE TABLE people (id uuid PRIMARY KEY, name text);"
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid REFERENCES people (id), body text, meta jsonb,"
    " score numeric(5,1));"
    "CREATE TABLE words (id int PRIMARY KEY, note int REFERENCES notes (id), word text);"
    "CREATE TABLE labels (id int PRIMARY KEY, label text);"
    "CREATE TABLE notes_labels (note int REFERENCES notes (id), label int REFERENCES labels (id),"
    " PRIMARY KEY (note, label));"
    "CREATE TABLE secrets (id int PRIMARY KEY, note int REFERENCES notes (id), secret text);"
    "ALTER TABLE people ENABLE ROW LEVEL SECURITY;"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
    "ALTER TABLE words ENABLE ROW LEVEL SECURITY;"
    "ALTER TABLE notes_labels ENABLE ROW LEVEL SECURITY;"
    "CREATE POLICY p ON people FOR SELECT TO authenticated USING (true);"
    "CREATE POLICY n ON notes FOR SELECT TO authenticated USING (owner = auth.uid());"
    "CREATE POLICY w ON words FOR SELECT TO authenticated USING (EXISTS (SELECT 1 FROM notes WHERE "
    "notes.id = words.note) AND word <> 'hidden');"
    "CREATE POLICY l ON notes_labels FOR SELECT TO authenticated USING (label <> 3);"
    "GRANT SELECT ON people, notes, words, labels, notes_labels TO authenticated;"
    "GRANT ALL ON people, notes, words, labels, notes_labels, secrets TO service_role;"
    "INSERT INTO people VALUES ('11111111-1111-4111-8111-111111111111', 'ann'),"
    " ('22222222-2222-4222-8222-222222222222', 'bob');"
    "INSERT INTO notes VALUES (1, '11111111-1111-4111-8111-111111111111', 'one', '{\"n\":1}', 1),"
    " (2, '11111111-1111-4111-8111-111111111111', 'two', '{\"n\":2}', 2),"
    " (3, '22222222-2222-4222-8222-222222222222', 'bad\\', '{\"n\":\"x\"}', 9);"
    "INSERT INTO words VALUES (1, 1, 'a'), (2, 1, 'hidden'), (3, 2, 'hidden'), (4, 3, 'c');"
    "INSERT INTO labels VALUES (1, 'red'), (2, 'green'), (3, 'blue');"
    "INSERT INTO notes_labels VALUES (1, 1), (1, 3), (2, 3), (3, 2);"
    "INSERT INTO secrets VALUES (1, 1, 's');";

static ledger *db;
static ledger_answer answer;
static const ledger_caller ann = {.role = "authenticated",
                                  .claims = "{\"sub\":\"11111111-1111-4111-8111-111111111111\"}"},
                           bob = {.role = "authenticated",
                                  .claims = "{\"sub\":\"22222222-2222-4222-8222-222222222222\"}"},
                           anon = {.role = "anon"}, service = {.role = "service_role"};

static int setup(void **state) {
  (void)state;
  struct schema_file file = {"test.sql", schema, strlen(schema)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  schema_compile(&file, 1, &options, &result);
  for (int i = 0; i < result->note_count; i++) {
    if (result->notes[i].severity == SCHEMA_ERROR)
      fail_msg("%d:%d: %s", result->notes[i].line, result->notes[i].column,
               result->notes[i].message);
  }
  if (ledger_create(":memory:", result->script, 0, &db) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(db)->message);
  schema_free(result);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_answer_free(&answer);
  ledger_close(db);
  return 0;
}

static void asked_is(const ledger_caller *caller, const char *table, const char *text,
                     const char *expected) {
  ledger_query query = {
      .caller = caller, .table = table, .text = text, .count = LEDGER_COUNT_EXACT};
  char *got;
  if (ledger_ask(db, &query, &answer) != LEDGER_OK)
    got = sqlite3_mprintf("%s %s", answer.code, answer.error.message);
  else
    got = sqlite3_mprintf("%s #%lld", answer.text, (long long)answer.total);
  if (strcmp(got, expected) != 0)
    fail_msg("%s?%s\n  %s\nand not\n  %s", table, text, got, expected);
  sqlite3_free(got);
}

static void rows_and_counts(void **state) {
  (void)state;
  asked_is(&ann, "notes", "select=id", "[{\"id\":1}, \n {\"id\":2}] #2");
  asked_is(&bob, "notes", "select=id", "[{\"id\":3}] #1");
  asked_is(&ann, "notes", "select=id&limit=1", "[{\"id\":1}] #2");
  asked_is(&ann, "notes", "select=id&id=eq.3", "[] #0");
  asked_is(&ann, "notes", "select=id&or=(id.eq.3,id.eq.1)", "[{\"id\":1}] #1");
  asked_is(&ann, "notes", "select=id&not.or=(id.eq.1,id.eq.1)", "[{\"id\":2}] #1");
  asked_is(&service, "notes", "select=count()", "[{\"count\":3}] #3");
  asked_is(NULL, "notes", "select=count()", "[{\"count\":3}] #3");
  asked_is(&anon, "notes", "select=id", "42501 permission denied for table notes");
  asked_is(&ann, "secrets", "select=id", "42501 permission denied for table secrets");
}

static void embedded_rows(void **state) {
  (void)state;
  asked_is(&ann, "people", "select=name,notes(id)",
           "[{\"name\":\"ann\",\"notes\":[{\"id\":1}, \n {\"id\":2}]}, \n "
           "{\"name\":\"bob\",\"notes\":[]}] #2");
  asked_is(&ann, "people", "select=name,notes!inner(id)&limit=1",
           "[{\"name\":\"ann\",\"notes\":[{\"id\":1}, \n {\"id\":2}]}] #1");
  asked_is(&ann, "people", "select=name,notes()&notes=is.null", "[{\"name\":\"bob\"}] #1");
  asked_is(&ann, "notes", "select=id,words(word)",
           "[{\"id\":1,\"words\":[{\"word\":\"a\"}]}, \n {\"id\":2,\"words\":[]}] #2");
  asked_is(&service, "words", "select=id,notes(id)&id=eq.4",
           "[{\"id\":4,\"notes\":{\"id\":3}}] #1");
  asked_is(&ann, "words", "select=id,notes(id)", "[{\"id\":1,\"notes\":{\"id\":1}}] #1");
  asked_is(&ann, "notes", "select=id,labels(label)",
           "[{\"id\":1,\"labels\":[{\"label\":\"red\"}]}, \n {\"id\":2,\"labels\":[]}] #2");
  asked_is(&ann, "labels", "select=id,notes(id)&order=id",
           "[{\"id\":1,\"notes\":[{\"id\":1}]}, \n {\"id\":2,\"notes\":[]}, \n "
           "{\"id\":3,\"notes\":[]}] #3");
  asked_is(&ann, "labels", "select=id,notes!inner(id)", "[{\"id\":1,\"notes\":[{\"id\":1}]}] #1");
  asked_is(&ann, "notes", "select=id,secrets(secret)",
           "42501 permission denied for table secrets");
  asked_is(&ann, "notes", "select=id,secrets()&secrets=is.null",
           "42501 permission denied for table secrets");
}

static void spread_and_aggregates(void **state) {
  (void)state;
  asked_is(&ann, "people", "select=name,...notes(ids:id)",
           "[{\"name\":\"ann\",\"ids\":[1, 2]}, \n {\"name\":\"bob\",\"ids\":[]}] #2");
  asked_is(&ann, "people", "select=name,notes(count())",
           "[{\"name\":\"ann\",\"notes\":[{\"count\":2}]}, \n "
           "{\"name\":\"bob\",\"notes\":[{\"count\":0}]}] #2");
  asked_is(&ann, "notes", "select=score.sum(),score.max()", "[{\"sum\":3.0,\"max\":2.0}] #2");
  asked_is(&ann, "words", "select=count(),...notes(body)", "[{\"count\":1,\"body\":\"one\"}] #1");
  asked_is(&service, "notes_labels", "select=...notes(score.sum())", "[{\"sum\":13.0}] #4");
  asked_is(&ann, "notes_labels", "select=...notes(score.sum())", "[{\"sum\":1.0}] #2");
  asked_is(&service, "words", "select=id,notes(body)&order=notes(score).desc,id&limit=1",
           "[{\"id\":4,\"notes\":{\"body\":\"bad\\\\\"}}] #4");
}

/* A pattern that ends with an escape is an error once it meets a text that gets there: it may only meet what is visible. */
static void hidden_rows_are_not_looked_at(void **state) {
  (void)state;
  static const char failing[] = "22025 LIKE pattern must not end with escape character";
  asked_is(&service, "notes", "select=id&body=like.bad%5C", failing);
  asked_is(&bob, "notes", "select=id&body=like.bad%5C", failing);
  asked_is(&ann, "notes", "select=id&body=like.bad%5C", "[] #0");
  asked_is(&ann, "notes", "select=id&or=(body.like.bad%5C,id.eq.1)", "[{\"id\":1}] #1");
  asked_is(&ann, "notes", "select=id&not.and=(body.like.bad%5C,id.eq.3)",
           "[{\"id\":1}, \n {\"id\":2}] #2");
  asked_is(&ann, "people", "select=name,notes!inner(id)&notes.body=like.bad%5C", "[] #0");
  asked_is(&ann, "people", "select=name,notes()&notes=is.null&notes.body=like.bad%5C",
           "[{\"name\":\"ann\"}, \n {\"name\":\"bob\"}] #2");
  asked_is(&service, "people", "select=name,notes()&notes=is.null&notes.body=like.bad%5C", failing);
  asked_is(&ann, "people", "select=name,notes(id)&notes.body=like.bad%5C",
           "[{\"name\":\"ann\",\"notes\":[]}, \n {\"name\":\"bob\",\"notes\":[]}] #2");
  asked_is(&ann, "labels", "select=id,notes!inner(id)&notes.body=like.bad%5C", "[] #0");
  /* A cast in select= of what is hidden. */
  asked_is(&service, "notes", "select=meta->>n::int",
           "22P02 invalid input syntax for type integer: \"x\"");
  asked_is(&ann, "notes", "select=meta->>n::int", "[{\"n\":1}, \n {\"n\":2}] #2");
  asked_is(&ann, "notes", "select=meta->>n::int.sum()", "[{\"sum\":3}] #2");
  asked_is(&service, "notes", "select=meta->>n::int.sum()",
           "22P02 invalid input syntax for type integer: \"x\"");
  asked_is(&ann, "people", "select=...notes(n:meta->>n::int)&id=is.not_null",
           "[{\"n\":[1, 2]}, \n {\"n\":[]}] #2");
  asked_is(&ann, "words", "select=...notes(meta->>n::int.sum())", "[{\"sum\":1}] #1");
}

/* One statement's text serves callers of the same shape; what it is bound to is theirs. */
static void callers_do_not_mix(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    asked_is(&ann, "notes", "select=id&order=id.desc&limit=1", "[{\"id\":2}] #2");
    asked_is(&bob, "notes", "select=id&order=id.desc&limit=1", "[{\"id\":3}] #1");
    asked_is(&anon, "notes", "select=id&order=id.desc&limit=1",
             "42501 permission denied for table notes");
    asked_is(NULL, "notes", "select=id&order=id.desc&limit=1", "[{\"id\":3}] #3");
  }
  const ledger_caller nobody = {.role = "authenticated", .claims = "{}"};
  asked_is(&nobody, "notes", "select=id", "[] #0");
  const ledger_caller unknown = {.role = "nobody"};
  asked_is(&unknown, "notes", "select=id", "22023 role \"nobody\" does not exist");
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(rows_and_counts),       TEST(embedded_rows),
      TEST(spread_and_aggregates), TEST(hidden_rows_are_not_looked_at),
      TEST(callers_do_not_mix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
