/*
** test_write_policy.c: what a caller may write: privileges, USING and WITH CHECK of each verb, upserts, what RETURNING and filters
** ask for besides, and in which order it is refused. tests/access/test_policies.c and its kin compare with PostgreSQL.
*/
#include "../../ledger.c"

#include "write_ask.h"

#define ANN "00000000-0000-0000-0000-00000000000a"
#define BOB "00000000-0000-0000-0000-00000000000b"

static const char schema[] =
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid NOT NULL, t text NOT NULL, tag text UNIQUE, n int DEFAULT 0"
    "  CHECK (n < 100));\n"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY own ON notes TO authenticated USING (owner = auth.uid()) WITH CHECK (owner = auth.uid());\n"
    "CREATE POLICY shown ON notes FOR SELECT TO anon USING (t = 'public');\n"
    "CREATE POLICY sent ON notes FOR INSERT TO anon WITH CHECK (n = 0);\n"
    /* who may read more than write */
    "CREATE TABLE posts (id int PRIMARY KEY, owner uuid, t text, locked boolean DEFAULT false);\n"
    "ALTER TABLE posts ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY seen ON posts FOR SELECT USING (true);\n"
    "CREATE POLICY made ON posts FOR INSERT WITH CHECK (owner = auth.uid());\n"
    "CREATE POLICY changed ON posts FOR UPDATE USING (owner = auth.uid());\n"
    "CREATE POLICY unlocked ON posts AS RESTRICTIVE FOR UPDATE USING (NOT locked) WITH CHECK (true);\n"
    "CREATE POLICY gone ON posts FOR DELETE USING (owner = auth.uid() AND NOT locked);\n"
    /* a policy that reads the table itself */
    "CREATE TABLE lots (id int PRIMARY KEY, owner uuid);\n"
    "ALTER TABLE lots ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY lots_seen ON lots FOR SELECT USING (true);\n"
    "CREATE POLICY lots_few ON lots FOR INSERT WITH CHECK ((SELECT count(*) FROM lots AS l) < 2);\n"
    "CREATE TABLE few (id int PRIMARY KEY, owner uuid);\n"
    "CREATE TABLE fewer (id int PRIMARY KEY REFERENCES few (id) ON DELETE CASCADE);\n"
    "ALTER TABLE few ENABLE ROW LEVEL SECURITY;\n"
    "ALTER TABLE fewer ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY all_few ON few USING (true);\n"
    "CREATE TABLE bare (id int PRIMARY KEY);\n";

static ledger *db;

static int setup(void **state) {
  (void)state;
  db = write_open(NULL, schema);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(db);
  return 0;
}

#define RUN(cases) assert_int_equal(write_cases(db, cases, sizeof cases / sizeof *cases), 0)

static const char row_notes[] = "42501 new row violates row-level security policy for table \"notes\"";
static const char row_posts[] = "42501 new row violates row-level security policy for table \"posts\"";

static void insert(void **state) {
  (void)state;
  const struct write_case cases[] = {
      {"POST notes [user=" ANN "]", "{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"mine\"}", "1 rows, 1 new", NULL, NULL},
      {"POST notes [user=" ANN "]", "{\"id\":2,\"owner\":\"" BOB "\",\"t\":\"his\"}", row_notes, NULL, NULL},
      {"POST notes [user=" ANN "]",
       "[{\"id\":2,\"owner\":\"" ANN "\",\"t\":\"mine\"},{\"id\":3,\"owner\":\"" BOB "\",\"t\":\"his\"}]", row_notes,
       "SELECT id FROM notes", "1"},
      /* before NOT NULL, CHECK and UNIQUE; after the values */
      {"POST notes [user=" ANN "]", "{\"id\":1,\"owner\":\"" BOB "\",\"t\":null,\"n\":200}", row_notes, NULL, NULL},
      {"POST notes [user=" ANN "]", "{\"id\":1,\"owner\":null}", row_notes, NULL, NULL},
      {"POST notes [user=" ANN "]", "{\"id\":\"x\",\"owner\":\"" BOB "\"}",
       "22P02 invalid input syntax for type integer: \"x\"", NULL, NULL},
      {"POST notes [user=" ANN "]", "{\"id\":1,\"owner\":\"" ANN "\",\"t\":null}",
       "23502 null value in column \"t\" of relation \"notes\" violates not-null constraint", NULL, NULL},
      /* anon may insert what anon may not read, unless it is to be returned, or could be in conflict */
      {"POST notes [anon]", "{\"id\":5,\"owner\":\"" BOB "\",\"t\":\"secret\"}", "1 rows, 1 new", NULL, NULL},
      {"POST notes [anon rows]", "{\"id\":6,\"owner\":\"" BOB "\",\"t\":\"secret\"}", row_notes, NULL, NULL},
      {"POST notes [anon keys]", "{\"id\":6,\"owner\":\"" BOB "\",\"t\":\"secret\"}", row_notes, NULL, NULL},
      {"POST notes [anon ignore]", "{\"id\":6,\"owner\":\"" BOB "\",\"t\":\"secret\"}", row_notes, NULL, NULL},
      {"POST notes [anon ignore]", "{\"id\":6,\"owner\":\"" BOB "\",\"t\":\"public\"}", "1 rows, 1 new", NULL, NULL},
      {"POST notes [anon]", "{\"id\":7,\"owner\":\"" BOB "\",\"t\":\"public\",\"n\":1}", row_notes, NULL, NULL},
      {"POST notes [anon]", "{\"id\":1,\"owner\":\"" BOB "\",\"t\":\"a\"}",
       "23505 duplicate key value violates unique constraint \"notes_pkey\"", NULL, NULL},
      {"POST bare [anon]", "{\"id\":1}", "42501 permission denied for table bare", NULL, NULL},
      {"POST bare [service]", "{\"id\":1}", "1 rows, 1 new", NULL, NULL},
      {"POST bare [anon]", "{\"id\":\"x\"}", "42501 permission denied for table bare", NULL, NULL},
      {"POST bare [anon]", "{\"nome\":1}", "PGRST204 Could not find the 'nome' column of 'bare' in the schema cache",
       NULL, NULL},
      {"POST notes [service]", "{\"id\":9,\"owner\":\"" BOB "\",\"t\":\"any\"}", "1 rows, 1 new", NULL, NULL},
      /* the statement's own rows are not there yet */
      {"POST lots [anon]", "[{\"id\":1},{\"id\":2},{\"id\":3}]", "3 rows, 3 new", NULL, NULL},
      {"POST lots [anon]", "{\"id\":4}", "42501 new row violates row-level security policy for table \"lots\"", NULL,
       NULL},
      {"POST few [anon]", "[{\"id\":1},{\"id\":2}]", "2 rows, 2 new", NULL, NULL},
      {"POST fewer [anon]", "{\"id\":1}", "42501 new row violates row-level security policy for table \"fewer\"", NULL,
       NULL},
  };
  RUN(cases);
}

static void update(void **state) {
  (void)state;
  const struct write_case cases[] = {
      {"POST notes [service]",
       "[{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"a\"},{\"id\":2,\"owner\":\"" BOB "\",\"t\":\"b\"},{\"id\":3,\"owner\":\"" ANN
       "\",\"t\":\"public\"}]",
       "3 rows, 3 new", NULL, NULL},
      {"PATCH notes?n=eq.0 [user=" ANN " count]", "{\"n\":1}", "2 rows, total 2", "SELECT n FROM notes", "1|0|1"},
      {"PATCH notes?id=eq.2 [user=" ANN "]", "{\"n\":1}", "0 rows", NULL, NULL},
      {"PATCH notes [user=" ANN " all]", "{\"n\":2}", "2 rows", "SELECT n FROM notes", "2|0|2"},
      {"PATCH notes [user=" ANN "]", "{\"n\":2}", "21000 UPDATE requires a WHERE clause", NULL, NULL},
      {"PATCH notes?id=eq.1 [user=" ANN "]", "{\"owner\":\"" BOB "\",\"n\":200}", row_notes,
       "SELECT owner FROM notes WHERE id = 1", ANN},
      {"PATCH notes?id=eq.3 [anon]", "{\"n\":3}", "0 rows", NULL, NULL},
      {"DELETE notes?id=eq.2 [user=" ANN "]", NULL, "0 rows", NULL, NULL},
      {"DELETE notes?id=eq.3 [anon]", NULL, "0 rows", NULL, NULL},
      {"DELETE notes [user=" ANN " all]", NULL, "2 rows", "SELECT id FROM notes", "2"},
      {"PATCH bare?id=eq.1 [anon]", "{\"id\":2}", "42501 permission denied for table bare", NULL, NULL},
      {"DELETE bare?id=eq.1 [anon]", NULL, "42501 permission denied for table bare", NULL, NULL},
      {"POST posts [user=" ANN "]", "[{\"id\":1,\"owner\":\"" ANN "\"},{\"id\":2,\"owner\":\"" ANN "\"}]",
       "2 rows, 2 new", NULL, NULL},
      {"POST posts [user=" BOB "]", "{\"id\":3,\"owner\":\"" BOB "\"}", "1 rows, 1 new", NULL, NULL},
      {"PATCH posts?id=eq.2 [user=" ANN "]", "{\"locked\":true}", "1 rows", NULL, NULL},
      {"PATCH posts [user=" ANN " all]", "{\"t\":\"x\"}", "1 rows", "SELECT id, t FROM posts", "1,x|2,null|3,null"},
      {"PATCH posts?id=eq.1 [user=" ANN "]", "{\"owner\":\"" BOB "\"}", row_posts, NULL, NULL},
      {"DELETE posts [user=" ANN " all]", NULL, "1 rows", "SELECT id FROM posts", "2|3"},
      {"POST few [service]", "{\"id\":1}", "1 rows, 1 new", NULL, NULL},
      {"POST fewer [service]", "{\"id\":1}", "1 rows, 1 new", NULL, NULL},
      /* what foreign keys do asks no policy */
      {"DELETE few?id=eq.1 [anon]", NULL, "1 rows", "SELECT count(*) FROM fewer", "0"},
  };
  RUN(cases);
}

static void upsert(void **state) {
  (void)state;
  const struct write_case cases[] = {
      {"POST posts [service]",
       "[{\"id\":1,\"owner\":\"" ANN "\"},{\"id\":2,\"owner\":\"" BOB "\"},{\"id\":3,\"owner\":\"" ANN
       "\",\"locked\":true}]",
       "PGRST102 All object keys must match", NULL, NULL},
      {"POST posts?columns=id,owner,locked [service default]",
       "[{\"id\":1,\"owner\":\"" ANN "\"},{\"id\":2,\"owner\":\"" BOB "\"},{\"id\":3,\"owner\":\"" ANN
       "\",\"locked\":true}]",
       "3 rows, 3 new", NULL, NULL},
      {"POST posts [user=" ANN " merge]", "[{\"id\":1,\"owner\":\"" ANN "\",\"t\":\"m\"},{\"id\":4,\"owner\":\"" ANN
       "\",\"t\":\"n\"}]",
       "2 rows, 1 new", "SELECT id, t FROM posts", "1,m|2,null|3,null|4,n"},
      {"POST posts [user=" ANN " merge]", "{\"id\":2,\"owner\":\"" ANN "\",\"t\":\"m\"}",
       "42501 new row violates row-level security policy (USING expression) for table \"posts\"", NULL, NULL},
      {"POST posts [user=" ANN " merge]", "{\"id\":3,\"owner\":\"" ANN "\",\"t\":\"m\"}",
       "42501 new row violates row-level security policy \"unlocked\" (USING expression) for table \"posts\"", NULL,
       NULL},
      {"POST posts [user=" ANN " merge]", "{\"id\":1,\"owner\":\"" BOB "\",\"t\":\"m\"}", row_posts, NULL, NULL},
      {"POST posts [user=" ANN " ignore]", "{\"id\":2,\"owner\":\"" ANN "\"}", "0 rows", NULL, NULL},
      {"PUT posts?id=eq.2 [user=" ANN "]", "{\"id\":2,\"owner\":\"" ANN "\"}",
       "42501 new row violates row-level security policy (USING expression) for table \"posts\"", NULL, NULL},
      {"PUT posts?id=eq.5 [user=" ANN "]", "{\"id\":5,\"owner\":\"" ANN "\"}", "1 rows, 1 new", NULL, NULL},
  };
  RUN(cases);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(insert, setup, teardown),
      cmocka_unit_test_setup_teardown(update, setup, teardown),
      cmocka_unit_test_setup_teardown(upsert, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
