/*
** test_policies.c: what row-level security and privileges come to for a role: rows, refusals and their words, and what the compiler
** refuses. The rules one by one; test_policies_postgres.c compares whole schemas with PostgreSQL.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schema/compiler/compiler.h"

#define ANN "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"
#define CLAIMS_ANN "{\"sub\":\"" ANN "\",\"role\":\"authenticated\",\"level\":3}"
#define CLAIMS_BOB "{\"sub\":\"" BOB "\",\"role\":\"authenticated\"}"

static const ledger_caller anon = {.role = "anon", .claims = "{\"role\":\"anon\"}"},
                           ann = {.role = "authenticated", .claims = CLAIMS_ANN},
                           bob = {.role = "authenticated", .claims = CLAIMS_BOB},
                           service = {.role = "service_role"};

/* ---- helpers */

/* A schema in memory; with an SQLSTATE it has to be refused with that, and NULL is returned. */
static ledger *schema_open(const char *text, const char *refused, const char *words) {
  struct schema_file file = {"test.sql", text, strlen(text)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  int rc = schema_compile(&file, 1, &options, &result);
  const struct schema_note *error = NULL;
  for (int i = 0; i < result->note_count && error == NULL; i++) {
    if (result->notes[i].severity == SCHEMA_ERROR) error = &result->notes[i];
  }
  if (refused != NULL) {
    assert_non_null(error);
    assert_string_equal(error->sqlstate, refused);
    if (strstr(error->message, words) == NULL) fail_msg("%s", error->message);
  } else {
    if (error != NULL) fail_msg("%d:%d: %s", error->line, error->column, error->message);
    assert_int_equal(rc, 0);
    rc = ledger_create(":memory:", result->script, 0, &db);
    if (rc != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  }
  schema_free(result);
  return db;
}

/* The one text of a statement on the handle's connection; "SQLSTATE: sentence" of its failure. In the handle's arena. */
static const char *asked(ledger *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  const char *out = "";
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, sql);
  int rc = statement_prepare(db, text, &stmt);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) rc = statement_text(db, stmt, 0, &out);
  statement_end(stmt);
  if (rc == LEDGER_OK) return out == NULL ? "null" : out;
  char *words = sqlite3_mprintf("%s: %s", db->error.sqlstate, db->error.message);
  out = arena_copy(&db->arena, words, strlen(words));
  sqlite3_free(words);
  return out;
}

static const char *failed(ledger *db) {
  char *words = sqlite3_mprintf("%s: %s", db->error.sqlstate, db->error.message);
  const char *out = arena_copy(&db->arena, words, strlen(words));
  sqlite3_free(words);
  return out;
}

static struct relation *relation_of(ledger *db, const char *table) {
  struct relation *relation = NULL;
  assert_int_equal(catalog_relation(db, table, &relation), LEDGER_OK);
  return relation;
}

/* Begins a request. */
static int enter(ledger *db, const ledger_caller *caller) {
  assert_int_equal(connection_enter(db), LEDGER_OK);
  return policy_enter(db, caller);
}

/* Which rows the caller may see, change or delete: their ids in order, joined by spaces. */
static const char *rows_of(ledger *db, const ledger_caller *caller, const char *table,
                           enum policy_verb verb) {
  const char *condition, *source, *out;
  if (enter(db, caller) != LEDGER_OK) return failed(db);
  const struct relation *relation = relation_of(db, table);
  int rc = policy_privilege(db, relation, verb);
  if (rc == LEDGER_OK) rc = policy_source(db, relation, &source);
  if (rc == LEDGER_OK) rc = policy_using(db, relation, verb, &condition);
  if (rc != LEDGER_OK) {
    out = failed(db);
  } else {
    char *sql = sqlite3_mprintf("SELECT coalesce(group_concat(id, ' '), '') FROM (SELECT id FROM %s"
                                " AS \"%w\" WHERE %s ORDER BY id)",
                                source, relation->stored_name, condition == NULL ? "1" : condition);
    out = asked(db, sql);
    sqlite3_free(sql);
  }
  policy_leave(db);
  return out;
}

static const char *seen(ledger *db, const ledger_caller *caller, const char *table) {
  return rows_of(db, caller, table, POLICY_SELECT);
}

/* What stands against a new row, given as a SELECT of its columns; "" nothing. */
static const char *against(ledger *db, const ledger_caller *caller, const char *table,
                           enum policy_moment moment, bool reads, const char *row) {
  const char *complaint, *out = "";
  if (enter(db, caller) != LEDGER_OK) return failed(db);
  const struct relation *relation = relation_of(db, table);
  int rc = policy_complaint(db, relation, moment, reads, &complaint);
  if (rc != LEDGER_OK) {
    out = failed(db);
  } else if (complaint != NULL) {
    char *sql = sqlite3_mprintf("SELECT coalesce(%s, '') FROM (%s) AS \"%w\"", complaint, row,
                                relation->stored_name);
    out = asked(db, sql);
    sqlite3_free(sql);
  }
  policy_leave(db);
  return out;
}

static const char *allowed(ledger *db, const ledger_caller *caller, const char *table) {
  static const char letters[] = "rawd";
  static char out[64];
  int count = 0;
  if (enter(db, caller) != LEDGER_OK) return failed(db);
  for (int verb = 0; verb < 4; verb++) {
    if (policy_privilege(db, relation_of(db, table), (enum policy_verb)verb) == LEDGER_OK)
      out[count++] = letters[verb];
  }
  out[count] = 0;
  policy_leave(db);
  return out;
}

/* ---- the rules */

static const char notes_schema[] =
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid, kind text, body text);"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
    "INSERT INTO notes VALUES (1, '" ANN "', 'a', 'x'), (2, '" ANN "', 'b', 'x'),"
    " (3, '" BOB "', 'a', 'x'), (4, '" BOB "', 'b', 'x'), (5, NULL, 'a', 'x');";

static ledger *notes(const char *policies) {
  char *text = sqlite3_mprintf("%s%s", notes_schema, policies);
  ledger *db = schema_open(text, NULL, NULL);
  sqlite3_free(text);
  return db;
}

static void no_policy_no_row(void **state) {
  (void)state;
  ledger *db = notes("");
  assert_string_equal(seen(db, &ann, "notes"), "");
  assert_string_equal(seen(db, &anon, "notes"), "");
  assert_string_equal(seen(db, &service, "notes"), "1 2 3 4 5");
  assert_string_equal(seen(db, NULL, "notes"), "1 2 3 4 5");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_DELETE), "");
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, false, "SELECT 9 AS id"),
                      "new row violates row-level security policy for table \"notes\"");
  assert_string_equal(against(db, &service, "notes", POLICY_INSERTED, true, "SELECT 9 AS id"), "");
  ledger_close(db);
}

static void permissive_and_restrictive(void **state) {
  (void)state;
  ledger *db = notes("CREATE POLICY own ON notes USING (owner = auth.uid());"
                     "CREATE POLICY kind_a ON notes FOR SELECT TO anon, authenticated"
                     " USING (kind = 'a');");
  assert_string_equal(seen(db, &ann, "notes"), "1 2 3 5");
  assert_string_equal(seen(db, &bob, "notes"), "1 3 4 5");
  assert_string_equal(seen(db, &anon, "notes"), "1 3 5");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_UPDATE), "1 2");
  ledger_close(db);

  db = notes("CREATE POLICY own ON notes USING (owner = auth.uid());"
             "CREATE POLICY zone ON notes AS RESTRICTIVE USING (kind = 'a');"
             "CREATE POLICY level ON notes AS RESTRICTIVE FOR UPDATE TO authenticated"
             " USING (true) WITH CHECK (body <> 'secret');");
  assert_string_equal(seen(db, &ann, "notes"), "1");
  assert_string_equal(seen(db, &service, "notes"), "1 2 3 4 5");
  /* Those that permit are asked first, then each restrictive one by its name. */
  const char *row = "SELECT 1 AS id, '" ANN "' AS owner, 'b' AS kind, 'secret' AS body";
  assert_string_equal(against(db, &ann, "notes", POLICY_UPDATED, false, row),
                      "new row violates row-level security policy \"level\" for table \"notes\"");
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, false, row),
                      "new row violates row-level security policy \"zone\" for table \"notes\"");
  assert_string_equal(against(db, &bob, "notes", POLICY_INSERTED, false, row),
                      "new row violates row-level security policy for table \"notes\"");
  assert_string_equal(
      against(db, &ann, "notes", POLICY_IN_CONFLICT, false,
              "SELECT 2 AS id, '" ANN "' AS owner, 'b' AS kind, 'x' AS body"),
      "new row violates row-level security policy \"zone\" (USING expression) for table \"notes\"");
  ledger_close(db);

  db = notes("CREATE POLICY zone ON notes AS RESTRICTIVE USING (true);");
  assert_string_equal(seen(db, &ann, "notes"), ""); /* it allows nothing by itself */
  ledger_close(db);
}

static void commands_and_parts(void **state) {
  (void)state;
  ledger *db = notes("CREATE POLICY s ON notes FOR SELECT USING (true);"
                     "CREATE POLICY i ON notes FOR INSERT WITH CHECK (owner = auth.uid());"
                     "CREATE POLICY u ON notes FOR UPDATE USING (owner = auth.uid());"
                     "CREATE POLICY d ON notes FOR DELETE USING (kind = 'b');");
  const char *mine = "SELECT 9 AS id, '" ANN "' AS owner, 'a' AS kind, 'x' AS body",
             *nobodys = "SELECT 9 AS id, NULL AS owner, 'a' AS kind, 'x' AS body";
  assert_string_equal(seen(db, &anon, "notes"), "1 2 3 4 5");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_UPDATE), "1 2");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_DELETE), "2 4");
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, true, mine), "");
  /* Null is not true; and USING is the check of a policy without one. */
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, false, nobodys),
                      "new row violates row-level security policy for table \"notes\"");
  assert_string_equal(against(db, &ann, "notes", POLICY_UPDATED, false, mine), "");
  assert_string_equal(against(db, &bob, "notes", POLICY_UPDATED, false, mine),
                      "new row violates row-level security policy for table \"notes\"");
  assert_string_equal(
      against(db, &bob, "notes", POLICY_IN_CONFLICT, true, mine),
      "new row violates row-level security policy (USING expression) for table \"notes\"");
  ledger_close(db);

  /* A policy for everything with a check alone lets rows in and shows none. */
  db = notes("CREATE POLICY p ON notes WITH CHECK (kind = 'a');");
  assert_string_equal(seen(db, &ann, "notes"), "");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_UPDATE), "");
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, false, mine), "");
  assert_string_equal(against(db, &ann, "notes", POLICY_INSERTED, true, mine),
                      "new row violates row-level security policy for table \"notes\"");
  ledger_close(db);
}

static void roles(void **state) {
  (void)state;
  ledger *db = notes("CREATE POLICY a ON notes TO anon USING (id = 1);"
                     "CREATE POLICY b ON notes TO authenticated, clerk USING (id = 2);"
                     "CREATE POLICY c ON notes TO public USING (id = 3);"
                     "CREATE POLICY d ON notes USING (id = 5 AND current_user = 'clerk');");
  const ledger_caller clerk = {.role = "clerk", .claims = "{\"role\":\"anon\"}"},
                      nobody = {.role = "nobody", .claims = "{}"},
                      everybody = {.role = "public", .claims = "{}"};
  assert_string_equal(seen(db, &anon, "notes"), "1 3");
  assert_string_equal(seen(db, &ann, "notes"), "2 3");
  assert_string_equal(seen(db, &clerk, "notes"), "2 3 5"); /* current_user is no claim */
  assert_string_equal(seen(db, &nobody, "notes"), "22023: role \"nobody\" does not exist");
  assert_string_equal(seen(db, &everybody, "notes"), "22023: role \"public\" does not exist");
  ledger_close(db);
}

/* Functions of the claims. */
static void claims(void **state) {
  (void)state;
  ledger *db =
      notes("CREATE POLICY a ON notes FOR SELECT USING (owner = auth.uid());"
            "CREATE POLICY b ON notes FOR DELETE USING ((auth.jwt() ->> 'level')::int > id);"
            "CREATE POLICY c ON notes FOR UPDATE USING (auth.role() = 'authenticated');");
  const ledger_caller none = {.role = "authenticated"},
                      broken = {.role = "authenticated", .claims = "{\"sub\":\"ann\"}"};
  assert_string_equal(seen(db, &none, "notes"), "");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_DELETE), "1 2");
  assert_string_equal(rows_of(db, &bob, "notes", POLICY_DELETE), "");
  assert_string_equal(rows_of(db, &ann, "notes", POLICY_UPDATE), "1 2 3 4 5");
  assert_string_equal(rows_of(db, &anon, "notes", POLICY_UPDATE), "");
  assert_string_equal(seen(db, &broken, "notes"),
                      "22P02: invalid input syntax for type uuid: \"ann\"");
  assert_string_equal(seen(db, &ann, "notes"), "1 2"); /* nothing of the others is left over */
  ledger_close(db);
}

/* ---- other tables in a policy */

static const char teams_schema[] =
    "CREATE TABLE admins (id int PRIMARY KEY, user_id uuid);"
    "CREATE TABLE teams (id int PRIMARY KEY, name text);"
    "CREATE TABLE members (id int PRIMARY KEY, team_id int, user_id uuid);"
    "CREATE TABLE tasks (id int PRIMARY KEY, team_id int, title text);"
    "INSERT INTO admins VALUES (1, '" BOB "');"
    "INSERT INTO teams VALUES (1, 'one'), (2, 'two');"
    "INSERT INTO members VALUES (1, 1, '" ANN "'), (2, 2, '" BOB "'), (3, 2, '" ANN "');"
    "INSERT INTO tasks VALUES (1, 1, 'ledger_rls.\"tasks\"'), (2, 2, 'b'), (3, 2, 'c');"
    "ALTER TABLE tasks ENABLE ROW LEVEL SECURITY; ALTER TABLE members ENABLE ROW LEVEL SECURITY;";

static ledger *teams(const char *policies) {
  char *text = sqlite3_mprintf("%s%s", teams_schema, policies);
  ledger *db = schema_open(text, NULL, NULL);
  sqlite3_free(text);
  return db;
}

static const char grants[] =
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO anon, authenticated;";

static void subqueries(void **state) {
  (void)state;
  char policies[2000];
  /* What a policy reads is itself under the caller's policies: Ann sees her own membership of team 1 alone. */
  sqlite3_snprintf(sizeof policies, policies,
                   "%s CREATE POLICY m ON members FOR SELECT TO authenticated"
                   " USING (user_id = auth.uid() AND id < 3);"
                   "CREATE POLICY t ON tasks FOR SELECT TO authenticated"
                   " USING (team_id IN (SELECT team_id FROM members));",
                   grants);
  ledger *db = teams(policies);
  assert_string_equal(seen(db, &ann, "tasks"), "1");
  assert_string_equal(seen(db, &bob, "tasks"), "2 3");
  assert_string_equal(seen(db, &anon, "tasks"), "");
  assert_string_equal(seen(db, &service, "tasks"), "1 2 3");
  ledger_close(db);

  /* "Is an administrator" is asked for once, and changes from one request to the next. */
  sqlite3_snprintf(sizeof policies, policies,
                   "%s CREATE POLICY m ON members USING (user_id = auth.uid());"
                   "CREATE POLICY t ON tasks USING (title = 'ledger_rls.\"tasks\"' OR"
                   " EXISTS (SELECT 1 FROM admins WHERE user_id = auth.uid()) OR"
                   " CASE WHEN id = 2 OR id = 7 THEN title = 'b' ELSE false END);",
                   grants);
  db = teams(policies);
  assert_string_equal(seen(db, &ann, "tasks"), "1 2");
  assert_string_equal(seen(db, &bob, "tasks"), "1 2 3");
  assert_string_equal(seen(db, &ann, "tasks"), "1 2");
  assert_int_equal(enter(db, &bob), LEDGER_OK);
  const char *condition = "";
  assert_int_equal(policy_using(db, relation_of(db, "tasks"), POLICY_SELECT, &condition),
                   LEDGER_OK);
  assert_null(condition);
  assert_int_equal(enter(db, &ann), LEDGER_OK);
  assert_int_equal(policy_using(db, relation_of(db, "tasks"), POLICY_SELECT, &condition),
                   LEDGER_OK);
  assert_null(strstr(condition, "admins"));
  policy_leave(db);
  assert_int_equal(ledger_delete(db, "admins", 0, NULL, NULL, LEDGER_ALL_ROWS, NULL, NULL), 0);
  assert_string_equal(seen(db, &bob, "tasks"), "1 2");
  ledger_close(db);
}

/* A table that a policy reads needs the caller's privilege, unless a function reads it as its owner. */
static void privileges_in_policies(void **state) {
  (void)state;
  ledger *db = teams(
      "GRANT SELECT ON tasks, members TO authenticated;"
      "CREATE POLICY t ON tasks USING (EXISTS (SELECT 1 FROM admins WHERE user_id = auth.uid()));");
  assert_string_equal(seen(db, &ann, "tasks"), "42501: permission denied for table admins");
  assert_string_equal(seen(db, &anon, "tasks"), "42501: permission denied for table tasks");
  ledger_close(db);
  db = teams("CREATE FUNCTION is_admin() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$"
             " SELECT EXISTS (SELECT 1 FROM admins WHERE user_id = auth.uid()) $$;"
             "GRANT SELECT ON tasks, members TO authenticated;"
             "CREATE POLICY t ON tasks USING (is_admin());");
  assert_string_equal(seen(db, &ann, "tasks"), "");
  assert_string_equal(seen(db, &bob, "tasks"), "1 2 3");
  ledger_close(db);
}

static void recursion(void **state) {
  (void)state;
  static const char *const refused[] = {
      "CREATE POLICY m ON members USING (team_id IN (SELECT team_id FROM members));",
      "CREATE POLICY m ON members USING (team_id IN (SELECT team_id FROM tasks));"
      "CREATE POLICY t ON tasks USING (team_id IN (SELECT team_id FROM members));",
      /* PostgreSQL minds any sub-select of the second one. */
      "CREATE POLICY s ON members FOR SELECT USING (user_id = (SELECT auth.uid()));"
      "CREATE POLICY i ON members FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM members));",
      "CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM members;"
      "CREATE POLICY m ON members USING (team_id IN (SELECT team_id FROM v));"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    char *text = sqlite3_mprintf("%s%s", teams_schema, refused[i]);
    schema_open(text, "42P17", "infinite recursion detected in policy for relation \"members\"");
    sqlite3_free(text);
  }
  static const char *const taken[] = {
      /* The rows that it reads have a policy without a sub-select. */
      "CREATE POLICY s ON members FOR SELECT USING (user_id = auth.uid());"
      "CREATE POLICY i ON members FOR INSERT WITH CHECK (EXISTS (SELECT 1 FROM members AS m"
      " WHERE m.team_id = members.team_id));",
      /* As its owner a view asks no policy. */
      "CREATE VIEW v AS SELECT * FROM members;"
      "CREATE POLICY m ON members USING (team_id IN (SELECT team_id FROM v));",
      "CREATE FUNCTION teams_of() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS $$"
      " SELECT EXISTS (SELECT 1 FROM members WHERE user_id = auth.uid()) $$;"
      "CREATE POLICY m ON members USING (teams_of());",
      /* Never for one role. */
      "CREATE POLICY m ON members TO anon USING (team_id IN (SELECT team_id FROM tasks));"
      "CREATE POLICY t ON tasks TO authenticated USING (team_id IN (SELECT team_id FROM "
      "members));"};
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) ledger_close(teams(taken[i]));
  ledger *db = teams(taken[0]);
  assert_string_equal(against(db, &ann, "members", POLICY_INSERTED, false,
                              "SELECT 9 AS id, 2 AS team_id, NULL AS user_id"),
                      "");
  assert_string_equal(against(db, &ann, "members", POLICY_INSERTED, false,
                              "SELECT 9 AS id, 3 AS team_id, NULL AS user_id"),
                      "new row violates row-level security policy for table \"members\"");
  /* A file that was tampered with does not hang. */
  static const char cycle[] = "UPDATE ledger_catalog_policy SET using_sql = '(EXISTS (SELECT 1 "
                              "FROM ledger_rls.\"members\" AS"
                              " \"m\"))' WHERE name = 's'; ALTER TABLE ledger_meta RENAME TO x;"
                              "ALTER TABLE x RENAME TO ledger_meta";
  assert_int_equal(sqlite3_exec(db->sqlite, cycle, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(connection_enter(db), LEDGER_OK);
  assert_int_equal(catalog_refresh(db), LEDGER_OK);
  for (int i = 0; i < 2; i++) {
    assert_string_equal(seen(db, &ann, "members"),
                        "42P17: infinite recursion detected in policy for relation \"members\"");
  }
  ledger_close(db);
}

/* ---- views */

static void views(void **state) {
  (void)state;
  char policies[2000];
  sqlite3_snprintf(sizeof policies, policies,
                   "CREATE VIEW asks (id, title) WITH (security_invoker = on) AS"
                   " SELECT t.id, t.title FROM tasks AS t LEFT JOIN members AS m ON m.id = t.id;"
                   "CREATE VIEW owns AS SELECT id, title FROM tasks;"
                   "CREATE VIEW two WITH (security_invoker) AS SELECT asks.id FROM asks JOIN owns"
                   " USING (id);"
                   "CREATE VIEW through AS SELECT id FROM asks;"
                   "CREATE VIEW late AS SELECT id FROM tasks;"
                   "ALTER VIEW late SET (security_invoker = true);"
                   "%s CREATE POLICY m ON members USING (user_id = auth.uid());"
                   "CREATE POLICY t ON tasks USING (team_id IN (SELECT team_id FROM members)"
                   " AND id <> 3);",
                   grants);
  ledger *db = teams(policies);
  assert_string_equal(seen(db, &bob, "asks"), "2");
  assert_string_equal(seen(db, &bob, "late"), "2");
  assert_string_equal(seen(db, &bob, "two"), "2");
  assert_string_equal(seen(db, &bob, "owns"), "1 2 3");
  assert_string_equal(seen(db, &bob, "through"), "1 2 3");
  assert_string_equal(seen(db, &anon, "asks"), "");
  assert_string_equal(seen(db, &service, "asks"), "1 2 3");
  assert_string_equal(seen(db, NULL, "asks"), "1 2 3");
  ledger_close(db);
  db = teams("CREATE VIEW asks WITH (security_invoker = true) AS SELECT id FROM tasks;"
             "CREATE VIEW owns AS SELECT id FROM tasks;"
             "GRANT SELECT ON asks, owns TO anon;");
  assert_string_equal(seen(db, &anon, "asks"), "42501: permission denied for table tasks");
  assert_string_equal(seen(db, &anon, "owns"), "1 2 3");
  assert_string_equal(seen(db, &ann, "owns"), "42501: permission denied for view owns");
  ledger_close(db);
}

/* ---- privileges */

static void privileges(void **state) {
  (void)state;
  static const struct {
    const char *sql, *anon, *authenticated, *service_role;
  } cases[] = {
      {"", "", "", "rawd"},
      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY;", "rawd", "rawd", "rawd"},
      {"GRANT SELECT ON t TO anon;", "r", "", "rawd"},
      {"GRANT SELECT, INSERT ON TABLE t TO anon WITH GRANT OPTION; GRANT ALL ON t TO authenticated;"
       "REVOKE DELETE ON t FROM authenticated; REVOKE GRANT OPTION FOR SELECT ON t FROM anon;",
       "ra", "raw", "rawd"},
      {"GRANT SELECT ON t TO PUBLIC; GRANT UPDATE ON t TO service_role;", "r", "r", "rw"},
      {"GRANT ALL PRIVILEGES ON ALL TABLES IN SCHEMA public TO anon;"
       "REVOKE ALL ON t FROM anon, authenticated;",
       "", "", "rawd"},
      {"GRANT TRUNCATE, REFERENCES, TRIGGER ON t TO anon;", "", "", "rawd"},
      /* Only taken away: from what a project gives. */
      {"ALTER TABLE t ENABLE ROW LEVEL SECURITY; REVOKE INSERT ON t FROM anon;", "rwd", "rawd",
       "rawd"},
      {"REVOKE INSERT ON t FROM anon, service_role;", "", "", "rwd"},
      /* Default privileges are for what is made after them; FOR another ROLE, for what that one makes. */
      {"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO anon;", "", "", "rawd"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = sqlite3_mprintf("CREATE TABLE t (id int PRIMARY KEY);%s", cases[i].sql);
    ledger *db = schema_open(text, NULL, NULL);
    assert_string_equal(allowed(db, &anon, "t"), cases[i].anon);
    assert_string_equal(allowed(db, &ann, "t"), cases[i].authenticated);
    assert_string_equal(allowed(db, &service, "t"), cases[i].service_role);
    assert_string_equal(allowed(db, NULL, "t"), "rawd");
    ledger_close(db);
    sqlite3_free(text);
  }
}

static void default_privileges(void **state) {
  (void)state;
  ledger *db = schema_open(
      "CREATE TABLE before (id int PRIMARY KEY);"
      "DO $$ BEGIN ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO anon; END $$;"
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, UPDATE ON TABLES TO anon;"
      "CREATE TABLE middle (id int PRIMARY KEY);"
      "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE UPDATE, INSERT ON TABLES FROM anon;"
      "CREATE VIEW less AS SELECT id FROM middle;"
      "CREATE SCHEMA other; CREATE TABLE other.one (id int PRIMARY KEY);"
      "ALTER DEFAULT PRIVILEGES FOR ROLE authenticated GRANT DELETE ON TABLES TO anon;"
      "CREATE TABLE last (id int PRIMARY KEY);"
      "GRANT DELETE ON ALL TABLES IN SCHEMA public TO authenticated;"
      "CREATE TABLE after (id int PRIMARY KEY);",
      NULL, NULL);
  assert_string_equal(allowed(db, &anon, "before"), "");
  assert_string_equal(allowed(db, &anon, "middle"), "raw");
  assert_string_equal(allowed(db, &anon, "less"), "ra");
  assert_string_equal(allowed(db, &anon, "other.one"), "a");
  assert_string_equal(allowed(db, &anon, "last"), "ra");
  assert_string_equal(allowed(db, &ann, "last"), "d");
  assert_string_equal(allowed(db, &ann, "other.one"), "");
  assert_string_equal(allowed(db, &ann, "after"), "");
  ledger_close(db);
  schema_open("CREATE TABLE t (a int, b int); GRANT SELECT (a) ON t TO anon;", "0A000",
              "GRANT of columns is not supported");
}

static void open_tables(void **state) {
  (void)state;
  ledger *db = schema_open("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1);"
                           "CREATE VIEW v AS SELECT id FROM t;",
                           NULL, NULL);
  assert_string_equal(seen(db, &anon, "t"), "42501: permission denied for table t");
  assert_string_equal(seen(db, &anon, "v"), "42501: permission denied for view v");
  ledger_open_tables(db, 1);
  assert_string_equal(seen(db, &anon, "t"), "1");
  assert_string_equal(seen(db, &anon, "v"), "1");
  ledger_open_tables(db, 0);
  assert_string_equal(seen(db, &anon, "t"), "42501: permission denied for table t");
  ledger_close(db);
}

static void key_permissions(void **state) {
  (void)state;
  static const struct {
    const char *permissions, *letters;
  } cases[] = {{"", "rawd"},
               {" { } ", "rawd"},
               {"{\"read:t\":true}", "r"},
               {"{\"read:*\":true}", "r"},
               {"{\"write:t\": true, \"read:u\": true}", "awd"},
               {"{\"write:*\":true,\"read:t\":true}", "rawd"},
               {"{\"read:t\":false}", ""},
               {"{\"read:t\":\"true\"}", ""},
               {"{\"read:tt\":true}", ""},
               {"{\"other\":true}", ""}};
  ledger *db = schema_open("CREATE TABLE t (id int PRIMARY KEY);", NULL, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger_caller caller = {.role = "service_role", .permissions = cases[i].permissions};
    assert_string_equal(allowed(db, &caller, "t"), cases[i].letters);
  }
  ledger_caller restricted = {.role = "anon", .permissions = "{\"read:t\":true}"};
  assert_string_equal(allowed(db, &restricted, "t"), ""); /* they grant nothing */
  ledger_close(db);
}

/* ---- files, listing */

static void unmarked(void **state) {
  (void)state;
  ledger *db = notes("CREATE POLICY own ON notes USING (owner = auth.uid());");
  static const char old[] = "UPDATE ledger_meta SET value = '0.1.0-1' WHERE key = 'compiler';"
                            "CREATE TABLE x (a); DROP TABLE x";
  assert_int_equal(sqlite3_exec(db->sqlite, old, NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(connection_enter(db), LEDGER_OK);
  assert_int_equal(catalog_refresh(db), LEDGER_OK);
  assert_string_equal(seen(db, &ann, "notes"),
                      "0A000: the policies of this file cannot be enforced:"
                      " an older version of ledger made it");
  assert_string_equal(seen(db, &service, "notes"), "1 2 3 4 5");
  ledger_close(db);
}

static void listing(void **state) {
  (void)state;
  static const char *const rows_expected[] = {
      "public|bare|f||||||",
      "public|notes|t|own|t|all|authenticated, clerk|CREATE POLICY \"own\" ON "
      "\"public\".\"notes\" AS PERMISSIVE FOR all TO \"authenticated\", \"clerk\" USING (owner = "
      "auth.uid())|",
      "public|notes|t|zone|f|delete|public|CREATE POLICY \"zone\" ON \"public\".\"notes\" AS "
      "RESTRICTIVE FOR delete TO PUBLIC USING (true)|"};
  ledger *db =
      notes("CREATE POLICY zone ON notes AS RESTRICTIVE FOR DELETE USING (true);"
            "CREATE POLICY own ON notes TO authenticated, clerk USING (owner = auth.uid());"
            "CREATE TABLE bare (id int PRIMARY KEY);");
  ledger_rows *rows = NULL;
  assert_int_equal(ledger_policies(db, &rows), LEDGER_OK);
  for (size_t i = 0; i < sizeof rows_expected / sizeof *rows_expected; i++) {
    assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
    char *row = sqlite3_mprintf("");
    for (int column = 0; column < 8; column++) {
      const char *text = ledger_rows_text(rows, column, NULL);
      char *longer = sqlite3_mprintf("%s%s|", row, text == NULL ? "" : text);
      sqlite3_free(row);
      row = longer;
    }
    assert_string_equal(row, rows_expected[i]);
    sqlite3_free(row);
  }
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_policy_no_row),
      cmocka_unit_test(permissive_and_restrictive),
      cmocka_unit_test(commands_and_parts),
      cmocka_unit_test(roles),
      cmocka_unit_test(claims),
      cmocka_unit_test(subqueries),
      cmocka_unit_test(recursion),
      cmocka_unit_test(privileges_in_policies),
      cmocka_unit_test(views),
      cmocka_unit_test(privileges),
      cmocka_unit_test(default_privileges),
      cmocka_unit_test(open_tables),
      cmocka_unit_test(key_permissions),
      cmocka_unit_test(unmarked),
      cmocka_unit_test(listing),
  };
  return cmocka_run_group_tests_name("policies", tests, NULL, NULL);
}
