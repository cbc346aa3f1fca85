/*
** test_policies_attacks.c: requests by which somebody tries to see or to change what is somebody else's. Everything that is Bob's has the
** word HIDDEN in it. Whatever is asked as Ann or as anon, no answer and no error has the word, and Bob's rows stay as they are.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schema/compiler/compiler.h"

#define ANN "11111111-1111-4111-8111-111111111111"
#define BOB "22222222-2222-4222-8222-222222222222"

static const char schema[] =
    "CREATE TABLE profiles (id uuid PRIMARY KEY, email text UNIQUE, secret text, level int);"
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid REFERENCES profiles (id) ON DELETE CASCADE,"
    " body text, price numeric(10,2) CHECK (price < 1000), data jsonb, tags text[], due "
    "timestamptz);"
    "CREATE TABLE parts (id int PRIMARY KEY, note_id int REFERENCES notes (id) ON DELETE CASCADE,"
    " label text UNIQUE);"
    "CREATE TABLE links (a int REFERENCES notes (id), b int REFERENCES notes (id), PRIMARY KEY (a, "
    "b));"
    "CREATE TABLE countries (code text PRIMARY KEY, name text);"
    "CREATE TABLE private (id int PRIMARY KEY, word text);"
    "INSERT INTO profiles VALUES ('" ANN "', 'ann@x.org', 'mine', 1), ('" BOB
    "', 'HIDDEN@x.org', 'HIDDEN', 9);"
    "INSERT INTO notes VALUES (1, '" ANN "', 'plain', 1.50, '{\"k\": 1}', '{a}', '2025-01-01'),"
    " (2, '" BOB "', 'HIDDEN\\', 77.77, '{\"k\": \"HIDDEN\"}', '{HIDDEN}', '2025-01-02'),"
    " (3, '" BOB "', 'HIDDEN too', 0, NULL, NULL, NULL);"
    "INSERT INTO parts VALUES (1, 1, 'one'), (2, 2, 'HIDDEN two'), (3, 3, 'HIDDEN three');"
    "INSERT INTO links VALUES (1, 2), (2, 3);"
    "INSERT INTO countries VALUES ('FR', 'France');"
    "INSERT INTO private VALUES (1, 'HIDDEN');"
    "CREATE VIEW asked WITH (security_invoker = true) AS SELECT n.id, n.body, p.label FROM notes n"
    " LEFT JOIN parts p ON p.note_id = n.id;"
    "CREATE VIEW owned AS SELECT id, body FROM notes;"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON profiles, notes, parts, links, countries TO anon,"
    " authenticated;"
    "GRANT SELECT ON asked TO anon, authenticated;"
    "ALTER TABLE profiles ENABLE ROW LEVEL SECURITY; ALTER TABLE notes ENABLE ROW LEVEL SECURITY;"
    "ALTER TABLE parts ENABLE ROW LEVEL SECURITY; ALTER TABLE links ENABLE ROW LEVEL SECURITY;"
    "CREATE POLICY p ON profiles TO authenticated USING (id = auth.uid());"
    "CREATE POLICY n ON notes TO authenticated USING (owner = auth.uid());"
    "CREATE POLICY q ON parts TO authenticated USING (EXISTS (SELECT 1 FROM notes WHERE"
    " notes.id = parts.note_id));"
    "CREATE POLICY l ON links FOR SELECT TO authenticated USING (a IN (SELECT id FROM notes));";

enum {
  RETURNS = 1,
  MERGES = 2,
  IGNORES = 4,
  ALL_ROWS = 8,
  COUNTS = 16,
  AS_CSV = 32,
  DEFAULTS = 64,
  SINGLE = 128,
  AS_ANON = 256,
  KEYS = 512
};

static const struct attack {
  enum ledger_verb verb;
  const char *table, *text, *body;
  int flags;
} attacks[] = {
    /* reading around the policy */
    {LEDGER_VERB_READ, "notes", "", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "owner=eq." BOB, NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "or=(id.gt.0,owner.is.null)", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "not.and=(id.eq.1,id.eq.1)", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "not.or=(id.eq.1)", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "body=like.HIDDEN*", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "order=body.desc&limit=1", NULL, 0},
    {LEDGER_VERB_READ, "notes", "order=id.desc&limit=1&offset=0", NULL, SINGLE},
    {LEDGER_VERB_READ, "notes", "offset=1", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "select=body,count()", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=body.max(),price.sum()", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=x:body", NULL, AS_CSV},
    {LEDGER_VERB_READ, "notes", "select=data->>k,data->k", NULL, 0},
    {LEDGER_VERB_READ, "notes", "data->>k=eq.HIDDEN", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "tags=cs.{HIDDEN}", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "select=body::text,id::text", NULL, 0},
    /* embedding */
    {LEDGER_VERB_READ, "notes", "select=*,profiles(*)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=*,profiles!inner(*)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=*,...profiles(secret)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=*,parts(*,notes(*,profiles(*)))", NULL, 0},
    {LEDGER_VERB_READ, "profiles", "select=*,notes(*,parts(*))", NULL, 0},
    {LEDGER_VERB_READ, "parts", "select=*,notes!inner(*)&notes.body=like.HIDDEN*", NULL, COUNTS},
    {LEDGER_VERB_READ, "links", "select=a,b,notes!links_b_fkey(*)", NULL, 0},
    {LEDGER_VERB_READ, "links",
     "select=*,one:notes!links_a_fkey(body),two:notes!links_b_fkey(body)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=*,parts(count)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=id&parts.label=like.HIDDEN*", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "select=*,private(*)", NULL, 0},
    {LEDGER_VERB_READ, "countries", "select=*,notes(*)", NULL, 0},
    {LEDGER_VERB_READ, "asked", "select=*", NULL, COUNTS},
    {LEDGER_VERB_READ, "asked", "body=like.HIDDEN*", NULL, COUNTS},
    {LEDGER_VERB_READ, "owned", "", NULL, 0},
    {LEDGER_VERB_READ, "private", "", NULL, 0},
    {LEDGER_VERB_READ, "private", "select=count()", NULL, 0},
    /* names that are none, and text that would be SQL */
    {LEDGER_VERB_READ, "main.notes", "", NULL, 0},
    {LEDGER_VERB_READ, "sqlite_master", "", NULL, 0},
    {LEDGER_VERB_READ, "ledger_meta", "", NULL, 0},
    {LEDGER_VERB_READ, "ledger_catalog_source", "", NULL, 0},
    {LEDGER_VERB_READ, "notes\" AS x; --", "", NULL, 0},
    {LEDGER_VERB_READ, "notes; DELETE FROM notes", "", NULL, 0},
    {LEDGER_VERB_READ, "notes UNION SELECT * FROM private", "", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=* FROM private --", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=\"body\" FROM main.notes --\"", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=(SELECT word FROM private)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=rowid,oid,_rowid_", NULL, 0},
    {LEDGER_VERB_READ, "notes", "rowid=eq.2", NULL, 0},
    {LEDGER_VERB_READ, "notes", "id=eq.1 OR 1=1", NULL, 0},
    {LEDGER_VERB_READ, "notes", "id=eq.1);--", NULL, 0},
    {LEDGER_VERB_READ, "notes", "body=eq.x' OR 'a'='a", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "body=in.(\"x\",\"') OR 1=1 --\")", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "order=id;SELECT word FROM private", NULL, 0},
    {LEDGER_VERB_READ, "notes", "order=(SELECT word FROM private)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "limit=(SELECT 9)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "data->>k' OR '1'='1=eq.1", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=data->>'k' FROM private--", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=a:body\" FROM main.notes--", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=id,notes:parts(*),parts:profiles(*)", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=parts:body,notes:id", NULL, 0},
    /* errors as oracles: of what is not shown, no value may make one */
    {LEDGER_VERB_READ, "notes", "body=like.HIDDEN\\", NULL, COUNTS},
    {LEDGER_VERB_READ, "notes", "body=match.(", NULL, 0},
    {LEDGER_VERB_READ, "notes", "body=imatch.^HIDDEN(", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=body::int", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=data->>k::int", NULL, 0},
    {LEDGER_VERB_READ, "notes", "price=gt.1e400", NULL, 0},
    {LEDGER_VERB_READ, "notes", "due=lt.nonsense", NULL, 0},
    {LEDGER_VERB_READ, "notes", "select=price.avg(),due.max()", NULL, 0},
    /* writing over what is somebody else's */
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":2,\"owner\":\"" ANN "\"}", RETURNS},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":2,\"owner\":\"" ANN "\"}", RETURNS | MERGES},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":2,\"owner\":\"" ANN "\",\"body\":\"x\"}", MERGES},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":2,\"owner\":\"" ANN "\"}", RETURNS | IGNORES},
    {LEDGER_VERB_INSERT, "notes", "on_conflict=id",
     "[{\"id\":2,\"owner\":\"" ANN "\"},{\"id\":3,\"owner\":\"" ANN "\"}]", RETURNS | MERGES},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":9,\"owner\":\"" BOB "\",\"body\":\"x\"}", RETURNS},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":9,\"body\":\"x\"}", 0},
    {LEDGER_VERB_INSERT, "profiles", "on_conflict=email",
     "{\"id\":\"" ANN "\",\"email\":\"HIDDEN@x.org\"}", MERGES},
    {LEDGER_VERB_INSERT, "profiles", "",
     "{\"id\":\"33333333-3333-4333-8333-333333333333\",\"email\":\"z\"}", RETURNS},
    {LEDGER_VERB_INSERT, "parts", "", "{\"id\":9,\"note_id\":2,\"label\":\"x\"}", RETURNS},
    {LEDGER_VERB_INSERT, "parts", "", "{\"id\":2,\"note_id\":1,\"label\":\"x\"}", MERGES | KEYS},
    {LEDGER_VERB_INSERT, "links", "", "{\"a\":1,\"b\":3}", RETURNS},
    {LEDGER_VERB_INSERT, "notes", "columns=id,owner);DELETE FROM notes;--", "{\"id\":9}", RETURNS},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":9,\"owner) VALUES (1);--\":1}", RETURNS},
    {LEDGER_VERB_INSERT, "notes", "on_conflict=id) DO UPDATE SET body='x' --",
     "{\"id\":2,\"owner\":\"" ANN "\"}", MERGES},
    {LEDGER_VERB_INSERT, "private", "", "{\"id\":1,\"word\":\"x\"}", MERGES | RETURNS},
    {LEDGER_VERB_INSERT, "asked", "", "{\"id\":2,\"body\":\"x\"}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "id=eq.2", "{\"body\":\"x\"}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "id=gt.0", "{\"price\":5}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "", "{\"price\":5}", ALL_ROWS},
    {LEDGER_VERB_UPDATE, "notes", "", "{\"price\":5}", 0},
    {LEDGER_VERB_UPDATE, "notes", "id=eq.1", "{\"owner\":\"" BOB "\"}", 0},
    {LEDGER_VERB_UPDATE, "notes", "id=eq.1", "{\"owner\":null}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "id=eq.1", "{\"id\":2}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "body=like.HIDDEN\\", "{\"price\":5}", RETURNS},
    {LEDGER_VERB_UPDATE, "notes", "or=(id.eq.1,id.eq.2)", "{\"price\":5000}", RETURNS},
    {LEDGER_VERB_UPDATE, "profiles", "id=eq." ANN, "{\"email\":\"HIDDEN@x.org\"}", 0},
    {LEDGER_VERB_UPDATE, "profiles", "id=eq." ANN, "{\"id\":\"" BOB "\"}", RETURNS},
    {LEDGER_VERB_UPDATE, "parts", "id=eq.1", "{\"note_id\":2}", RETURNS},
    {LEDGER_VERB_UPDATE, "parts", "id=eq.1", "{\"label\":\"HIDDEN two\"}", 0},
    {LEDGER_VERB_UPDATE, "links", "a=eq.1", "{\"b\":1}", RETURNS},
    {LEDGER_VERB_UPDATE, "private", "id=eq.1", "{\"word\":\"x\"}", 0},
    {LEDGER_VERB_DELETE, "notes", "id=eq.2", NULL, RETURNS},
    {LEDGER_VERB_DELETE, "notes", "id=neq.0", NULL, RETURNS},
    {LEDGER_VERB_DELETE, "notes", "", NULL, ALL_ROWS | RETURNS},
    {LEDGER_VERB_DELETE, "notes", "", NULL, 0},
    {LEDGER_VERB_DELETE, "profiles", "id=eq." BOB, NULL, RETURNS},
    {LEDGER_VERB_DELETE, "links", "a=eq.2", NULL, 0},
    {LEDGER_VERB_DELETE, "private", "id=eq.1", NULL, 0},
    {LEDGER_VERB_PUT, "notes", "id=eq.2", "{\"id\":2,\"owner\":\"" ANN "\",\"body\":\"x\"}",
     RETURNS},
    {LEDGER_VERB_PUT, "notes", "id=eq.2", "{\"id\":1,\"owner\":\"" ANN "\"}", 0},
    {LEDGER_VERB_PUT, "profiles", "id=eq." BOB, "{\"id\":\"" BOB "\",\"email\":\"x\"}", RETURNS},
    /* as nobody */
    {LEDGER_VERB_READ, "notes", "", NULL, AS_ANON | COUNTS},
    {LEDGER_VERB_READ, "asked", "", NULL, AS_ANON | COUNTS},
    {LEDGER_VERB_READ, "countries", "", NULL, AS_ANON},
    {LEDGER_VERB_INSERT, "notes", "", "{\"id\":9,\"owner\":null}", AS_ANON},
    {LEDGER_VERB_UPDATE, "notes", "id=gt.0", "{\"body\":\"x\"}", AS_ANON | RETURNS},
    {LEDGER_VERB_DELETE, "notes", "id=gt.0", NULL, AS_ANON | RETURNS},
};

static ledger *schema_open(void) {
  struct schema_file file = {"attacks.sql", schema, sizeof schema - 1};
  struct schema_options options = {"attacks", false};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  if (schema_compile(&file, 1, &options, &result) != 0) fail_msg("%s", result->notes[0].message);
  assert_int_equal(ledger_create(":memory:", result->script, 0, &db), LEDGER_OK);
  schema_free(result);
  return db;
}

/* A hash of Bob's rows, and of those that nobody may change. */
static uint64_t others(ledger *db) {
  static const char sql[] =
      "SELECT group_concat(t) FROM ("
      "SELECT quote(id) || quote(email) || quote(secret) || quote(level) AS t FROM profiles"
      " WHERE id = '" BOB
      "' UNION ALL SELECT quote(id) || quote(owner) || quote(body) || quote(price)"
      " || quote(data) || quote(tags) || quote(due) FROM notes WHERE owner = '" BOB "'"
      " UNION ALL SELECT quote(id) || quote(note_id) || quote(label) FROM parts WHERE note_id <> 1"
      " UNION ALL SELECT a || '-' || b FROM links UNION ALL SELECT word FROM private)";
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  const char *text = (const char *)sqlite3_column_text(stmt, 0);
  uint64_t hash = hash_text(text, strlen(text));
  sqlite3_finalize(stmt);
  return hash;
}

static int ask(ledger *db, const struct attack *attack, const ledger_caller *caller,
               ledger_answer *answer) {
  ledger_query query = {.caller = caller,
                        .verb = attack->verb,
                        .table = attack->table,
                        .text = attack->text,
                        .body = attack->body,
                        .body_length = attack->body == NULL ? 0 : strlen(attack->body),
                        .missing_default = (attack->flags & DEFAULTS) != 0,
                        .all_rows = (attack->flags & ALL_ROWS) != 0};
  if (attack->flags & RETURNS) query.returns = LEDGER_RETURN_ROWS;
  if (attack->flags & KEYS) query.returns = LEDGER_RETURN_KEYS;
  if (attack->flags & MERGES) query.resolution = LEDGER_RESOLUTION_MERGE;
  if (attack->flags & IGNORES) query.resolution = LEDGER_RESOLUTION_IGNORE;
  if (attack->flags & COUNTS) query.count = LEDGER_COUNT_EXACT;
  if (attack->flags & AS_CSV) query.form = LEDGER_FORM_CSV;
  if (attack->flags & SINGLE) query.form = LEDGER_FORM_OBJECT;
  return ledger_ask(db, &query, answer);
}

static const ledger_caller callers[2] = {
    {.role = "authenticated", .claims = "{\"sub\":\"" ANN "\",\"role\":\"authenticated\"}"},
    {.role = "anon", .claims = "{\"role\":\"anon\"}"}};

/* Is the word there, where the attacker did not say it first? */
static bool tells(const char *text, const struct attack *attack) {
  const char *found = text == NULL ? NULL : strstr(text, "HIDDEN");
  if (found == NULL) return false;
  bool said = strstr(attack->text, "HIDDEN") != NULL ||
              (attack->body != NULL && strstr(attack->body, "HIDDEN") != NULL);
  return !said || strstr(text, "HIDDEN t") != NULL || strstr(text, "77.77") != NULL;
}

static void no_attack_succeeds(void **state) {
  (void)state;
  ledger *db = schema_open();
  uint64_t before = others(db);
  int failures = 0, accepted = 0;
  for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
    const struct attack *attack = &attacks[i];
    ledger_answer answer = {0};
    assert_int_equal(ledger_begin(db), LEDGER_OK);
    int rc = ask(db, attack, &callers[(attack->flags & AS_ANON) != 0], &answer);
    bool bad = tells(answer.text, attack) || tells(answer.error.message, attack) ||
               tells(answer.error.detail, attack) || tells(answer.error.hint, attack) ||
               tells(answer.details, attack) || tells(answer.location, attack) ||
               others(db) != before;
    if (strstr(answer.error.message, "SQLite") != NULL || rc == LEDGER_CORRUPT) bad = true;
    if ((attack->flags & COUNTS) && rc == LEDGER_OK && answer.total > 1) bad = true;
    accepted += rc == LEDGER_OK;
    if (bad) {
      failures++;
      printf("# attack %d, %s?%s %s: %d %s %s | %s | total %lld\n", (int)i, attack->table,
             attack->text, attack->body == NULL ? "" : attack->body, rc,
             answer.text == NULL ? "" : answer.text, answer.error.message, answer.error.detail,
             (long long)answer.total);
    }
    ledger_answer_free(&answer);
    assert_int_equal(ledger_rollback(db), LEDGER_OK);
  }
  printf("# %d attacks, %d of them answered\n", (int)(sizeof attacks / sizeof *attacks), accepted);
  assert_int_equal(failures, 0);
  assert_in_range(accepted, 30, 100);
  ledger_close(db);
}

static const char *answered(ledger *db, const ledger_caller *caller, enum ledger_verb verb,
                            const char *table, const char *text, const char *body) {
  static char out[2000];
  ledger_answer answer = {0};
  struct attack attack = {verb, table, text, body, RETURNS};
  int rc = ask(db, &attack, caller, &answer);
  sqlite3_snprintf((int)sizeof out, out, "%s %s%s", rc == LEDGER_OK ? "ok" : answer.error.sqlstate,
                   rc == LEDGER_OK ? answer.text : answer.error.message, answer.error.detail);
  ledger_answer_free(&answer);
  return out;
}

/* A condition that fails on some text does so where the row is the caller's, and nowhere else. */
static void hidden_rows_are_not_evaluated(void **state) {
  (void)state;
  ledger *db = schema_open();
  const ledger_caller bob = {.role = "authenticated", .claims = "{\"sub\":\"" BOB "\"}"};
  static const char *const oracles[] = {"select=id&body=like.HIDDEN\\",
                                        "select=id&body=ilike.h*\\"};
  for (size_t i = 0; i < sizeof oracles / sizeof *oracles; i++) {
    assert_string_equal(answered(db, &callers[0], LEDGER_VERB_READ, "notes", oracles[i], NULL),
                        "ok []");
    assert_string_equal(answered(db, &bob, LEDGER_VERB_READ, "notes", oracles[i], NULL),
                        "22025 LIKE pattern must not end with escape character");
    /* Nor by an update, a delete, or what is embedded. */
    assert_string_equal(
        answered(db, &callers[0], LEDGER_VERB_UPDATE, "notes", oracles[i], "{\"price\":1}"),
        "ok []");
    assert_string_equal(answered(db, &callers[0], LEDGER_VERB_DELETE, "notes", oracles[i], NULL),
                        "ok []");
  }
  assert_string_equal(answered(db, &callers[0], LEDGER_VERB_READ, "parts",
                               "select=id,notes!inner(id)&notes.body=like.HIDDEN\\", NULL),
                      "ok []");
  assert_string_equal(answered(db, &callers[0], LEDGER_VERB_READ, "notes",
                               "select=id,parts(id)&parts.label=like.HIDDEN*\\", NULL),
                      "ok [{\"id\":1,\"parts\":[]}]");
  ledger_close(db);
}

/* Claims are what the signature covers, but a claim is no role, and no text of theirs is SQL. */
static void claims_are_values(void **state) {
  (void)state;
  ledger *db = schema_open();
  static const struct {
    const char *claims, *out;
  } cases[] = {
      {NULL, "ok []"},
      {"", "ok []"},
      {"{}", "ok []"},
      {"{\"sub\":null}", "ok []"},
      {"{\"sub\":\"' OR 1=1 --\"}", "22P02 invalid input syntax for type uuid: \"' OR 1=1 --\""},
      {"{\"sub\":[\"" BOB "\"]}", "22P02 invalid input syntax for type uuid: \"[\"" BOB "\"]\""},
      {"{\"role\":\"service_role\"}", "ok []"},
      {"{\"sub\":\"" ANN "\",\"role\":\"service_role\"}", "ok [{\"id\":1}]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger_caller caller = {.role = "authenticated", .claims = cases[i].claims};
    assert_string_equal(answered(db, &caller, LEDGER_VERB_READ, "notes", "select=id", NULL),
                        cases[i].out);
  }
  static const char *const roles[] = {"postgres", "public", "", "authenticated\"; --",
                                      "ANON",     "owner"};
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    ledger_caller caller = {.role = roles[i], .claims = "{}"};
    assert_memory_equal(answered(db, &caller, LEDGER_VERB_READ, "notes", "select=id", NULL),
                        "22023", 5);
  }
  ledger_close(db);
}

/* A count is of what the caller sees, also one that is estimated. */
static void counts_are_of_what_is_seen(void **state) {
  (void)state;
  ledger *db = schema_open();
  for (int count = LEDGER_COUNT_EXACT; count <= LEDGER_COUNT_ESTIMATED; count++) {
    ledger_answer answer = {0};
    ledger_query query = {
        .caller = &callers[0], .table = "notes", .count = (enum ledger_count)count, .rows_max = 1};
    assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_OK);
    assert_int_equal(answer.total, 1);
    ledger_answer_free(&answer);
  }
  ledger_close(db);
}

/* What one request leaves behind on the handle is nobody's. */
static void requests_do_not_mix(void **state) {
  (void)state;
  ledger *db = schema_open();
  const ledger_caller bob = {.role = "authenticated", .claims = "{\"sub\":\"" BOB "\"}"};
  ledger_rows *rows = NULL;
  for (int i = 0; i < 3; i++) {
    assert_string_equal(answered(db, &bob, LEDGER_VERB_READ, "notes", "select=id", NULL),
                        "ok [{\"id\":2}, \n {\"id\":3}]");
    assert_string_equal(answered(db, &callers[1], LEDGER_VERB_READ, "notes", "select=id", NULL),
                        "ok []");
    assert_string_equal(answered(db, &callers[0], LEDGER_VERB_READ, "notes", "select=id", NULL),
                        "ok [{\"id\":1}]");
    assert_int_equal(ledger_select(db, "notes", "select=id", &rows), LEDGER_OK); /* the owner */
    int count = 0;
    while (ledger_rows_next(rows) == LEDGER_ROW) count++;
    assert_int_equal(count, 3);
    ledger_rows_free(rows);
    assert_null(db->caller);
    assert_null(db->session.claims);
  }
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_attack_succeeds),  cmocka_unit_test(hidden_rows_are_not_evaluated),
      cmocka_unit_test(claims_are_values),   cmocka_unit_test(counts_are_of_what_is_seen),
      cmocka_unit_test(requests_do_not_mix),
  };
  return cmocka_run_group_tests_name("policies_attacks", tests, NULL, NULL);
}
