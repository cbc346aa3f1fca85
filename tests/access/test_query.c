/*
** test_query.c: PostgREST query strings: what they select, how they order, and where they are refused.
*/
#include "../../ledger.c"

#include "../store/fixture.h"

static ledger *db;

static int setup(void **state) {
  (void)state;
  db = fixture_open(NULL);
  assert_done(db, fixture_insert(db, "users", PAIRS("email=ann", "mood=sad", "balance=9.5")));
  assert_done(db,
              fixture_insert(db, "users", PAIRS("email=bob", "mood=ok", "balance=10", "active=f")));
  assert_done(db, fixture_insert(db, "users",
                                 PAIRS("email=c,d (x)", "mood=happy", "balance=100", "active")));
  assert_done(db, fixture_insert(db, "users", PAIRS("email=%_*", "mood", "balance")));
  assert_done(
      db, fixture_insert(db, "posts", PAIRS("title=one", "tags={a,\"b,c\"}", "meta={\"a\": 1}")));
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=two", "tags={}", "meta=[1, 2]")));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(db);
  return 0;
}

/* The emails of a query, joined by a bar; or the SQLSTATE and sentence. */
static const char *emails(const char *query) {
  static char out[1024];
  char whole[1024];
  ledger_rows *rows = NULL;
  sqlite3_snprintf((int)sizeof whole, whole, "select=email&%s%s", query,
                   strstr(query, "order=") ? "" : "&order=email");
  int rc = ledger_select(db, "users", whole, &rows);
  out[0] = 0;
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    size_t used = strlen(out);
    sqlite3_snprintf((int)(sizeof out - used), out + used, "%s%s", used == 0 ? "" : "|",
                     ledger_rows_text(rows, 0, NULL));
    rc = LEDGER_OK;
  }
  ledger_rows_free(rows);
  if (rc != LEDGER_DONE) {
    sqlite3_snprintf((int)sizeof out, out, "%s %s", ledger_error_of(db)->sqlstate,
                     ledger_error_of(db)->message);
  }
  return out;
}

static void operators(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"", "%_*|ann|bob|c,d (x)"},
      {"email=eq.ann", "ann"},
      {"email=neq.ann", "%_*|bob|c,d (x)"},
      {"email=not.eq.ann", "%_*|bob|c,d (x)"},
      {"balance=gt.9.50", "bob|c,d (x)"},
      {"balance=gte.9.50", "ann|bob|c,d (x)"},
      {"balance=lt.10.000", "ann"},
      {"balance=lte.1e1", "ann|bob"},
      {"balance=eq.10.00", "bob"},
      {"balance=not.gt.9.50", "ann"},
      {"balance=eq.10.0000000001", ""},
      {"email=eq.much+longer+than+twenty+characters", ""},
      {"mood=gt.sad", "bob|c,d (x)"},
      {"mood=lt.happy", "ann|bob"},
      {"mood=in.(sad,happy)", "ann|c,d (x)"},
      {"mood=is.null", "%_*"},
      {"mood=not.is.null", "ann|bob|c,d (x)"},
      {"mood=is.not_null", "ann|bob|c,d (x)"},
      {"active=is.true", "%_*|ann"},
      {"active=is.FALSE", "bob"},
      {"active=is.unknown", "c,d (x)"},
      {"active=eq.no", "bob"},
      {"active=isdistinct.true", "bob|c,d (x)"},
      {"email=like.*n*", "ann"},
      {"email=like.%25N%25", ""},
      {"email=ilike.A*", "ann"},
      {"email=not.ilike.A*", "%_*|bob|c,d (x)"},
      {"email=like.%5C%25%5C_%25", "%_*"},
      {"email=match.^[ab]", "ann|bob"},
      {"email=imatch.^A", "ann"},
      {"email=in.(ann,\"c,d (x)\",nobody)", "ann|c,d (x)"},
      {"email=not.in.(ann,bob)", "%_*|c,d (x)"},
      {"email=in.()", ""},
      {"email=not.in.()", "%_*|ann|bob|c,d (x)"},
      {"email=in.(\"ann)", ""},
      {"email=eq(any).{ann,nobody}", "ann"},
      {"email=neq.ann&balance=gt(all).{1,9}", "bob|c,d (x)"},
      {"mood=gte(any).{ok,happy}", "bob|c,d (x)"},
      {"email=like(any).{a*,b*}", "ann|bob"},
      {"email=ilike(all).{*N,A*}", "ann"},
      {"email=not.eq(any).{ann,bob}", "%_*|c,d (x)"},
      {"email=eq(any).{}", ""},
      {"email=eq(all).{}", "%_*|ann|bob|c,d (x)"},
      {"email=eq.c,d (x)", "c,d (x)"},
      {"email=eq.c%2cd+%28x%29", "c,d (x)"},
      {"or=(email.eq.ann,balance.eq.100)", "ann|c,d (x)"},
      {"or=(email.eq.\"c,d (x)\",and(balance.gte.10,active.is.false))", "bob|c,d (x)"},
      {"not.or=(email.eq.ann,email.eq.bob)", "%_*|c,d (x)"},
      {"and=(email.not.eq.ann,not.and(balance.gt.10,mood.eq.happy),mood.in.(ok,happy))", "bob"},
      {"email=gt.a&email=lt.b", "ann"},
      {"\"email\"=eq.ann", "ann"},
      {"order=balance.desc", "%_*|c,d (x)|bob|ann"},
      {"order=balance.desc.nullslast", "c,d (x)|bob|ann|%_*"},
      {"order=balance.asc.nullsfirst", "%_*|ann|bob|c,d (x)"},
      {"order=balance", "ann|bob|c,d (x)|%_*"},
      {"order=mood.desc.nullslast,email", "c,d (x)|bob|ann|%_*"},
      {"limit=2", "%_*|ann"},
      {"limit=2&offset=1", "ann|bob"},
      {"offset=3", "c,d (x)"},
      {"limit=0", ""},
      {"&&limit=1&", "%_*"},
      {"created_at=gt.2000-01-01T00:00:00&created_at=lt.infinity&limit=1", "%_*"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *got = emails(cases[i][0]);
    if (strcmp(got, cases[i][1]) != 0) print_error("%s\n", cases[i][0]);
    assert_string_equal(got, cases[i][1]);
  }
}

static void refusals(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"nope=eq.1", "42703 column users.nope does not exist"},
      {"order=nope", "42703 column users.nope does not exist"},
      {"or=(nope.eq.1)", "42703 column users.nope does not exist"},
      {"email=ann", "42601 \"failed to parse filter (ann)\" (line 1, column 1)"},
      {"email=like", "42601 \"failed to parse filter (like)\" (line 1, column 5)"},
      {"email=eqq.1", "42601 \"failed to parse filter (eqq.1)\" (line 1, column 3)"},
      {"email", "42601 syntax error in \"email\" at its end: an equals sign was expected"},
      {"=eq.1", "42601 \"failed to parse tree path ()\" (line 1, column 1)"},
      {"email=in.ann", "42601 \"failed to parse filter (in.ann)\" (line 1, column 4)"},
      {"email=in.(ann", "42601 \"failed to parse filter (in.(ann)\" (line 1, column 8)"},
      {"email=in.(ann)x", "42601 \"failed to parse filter (in.(ann)x)\" (line 1, column 9)"},
      {"email=is.maybe", "42601 \"failed to parse filter (is.maybe)\" (line 1, column 4)"},
      {"email=is.true",
       "42804 argument of IS TRUE must be type boolean, not type character varying"},
      {"or=()", "42601 \"failed to parse logic tree (())\" (line 1, column 4)"},
      {"or=(email.eq.a", "42601 \"failed to parse logic tree ((email.eq.a)\" (line 1, column 14)"},
      {"order=email.down", "42601 \"failed to parse order (email.down)\" (line 1, column 7)"},
      {"limit=-1", "42601 Requested range not satisfiable"},
      {"limit=x", "42601 syntax error in \"limit\": a number from 0 on was expected"},
      {"limit=99999999999999999999",
       "42601 syntax error in \"limit\": a number from 0 on was expected"},
      {"balance=eq.x", "22P02 invalid input syntax for type numeric: \"x\""},
      {"mood=eq.angry", "22P02 invalid input value for enum mood: \"angry\""},
      {"balance=like.1*", "42883 operator does not exist: numeric ~~ unknown"},
      {"email=match.(", "2201B invalid regular expression: parentheses () not balanced"},
      {"email=eq.%00", "22021 invalid byte sequence for encoding \"UTF8\": 0x00"},
      {"email=eq.%ff", "22021 invalid byte sequence for encoding \"UTF8\": 0xff"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *got = emails(cases[i][0]);
    if (strcmp(got, cases[i][1]) != 0) print_error("%s\n", cases[i][0]);
    assert_string_equal(got, cases[i][1]);
  }
  ledger_rows *rows;
  assert_failed(db, ledger_select(db, "nope", NULL, &rows), "42P01",
                "relation \"nope\" does not exist", "");
  assert_null(rows);
}

static void selections(void **state) {
  (void)state;
  assert_string_equal(fixture_rows(db, "users", "select=mail:email, balance&email=eq.ann"),
                      "{\"mail\":\"ann\",\"balance\":9.50}");
  assert_string_equal(fixture_rows(db, "user_names", "select=email&email=eq.bob"),
                      "{\"email\":\"bob\"}");
  assert_string_equal(fixture_rows(db, "posts", "select=*,title&id=eq.2"),
                      "{\"id\":2,\"user_id\":null,\"title\":\"two\",\"tags\":[],\"meta\":[1, "
                      "2],\"title\":\"two\"}");
  assert_string_equal(fixture_rows(db, "posts", "select=id&tags=eq.{a,\"b,c\"}"), "{\"id\":1}");
  assert_string_equal(fixture_rows(db, "posts", "select=id&or=(tags.eq.{},id.eq.7)"), "{\"id\":2}");
  assert_string_equal(fixture_rows(db, "posts", "select=id&meta=eq.{\"a\":1.0}"), "{\"id\":1}");
  assert_string_equal(fixture_rows(db, "posts", "select=\"id\"&limit=1&order=id.desc"),
                      "{\"id\":2}");
  assert_string_equal(fixture_rows(db, "posts", "select=nope"),
                      "42703 column posts.nope does not exist");
  assert_string_equal(fixture_rows(db, "posts", "select=id,"),
                      "42601 \"failed to parse select parameter (id,)\" (line 1, column 4)");
}

/* What a cursor gives of embedded resources, aggregates, paths and casts. */
static void resources(void **state) {
  (void)state;
  assert_done(db, fixture_insert(db, "comments", PAIRS("id=10", "post_id=1")));
  assert_done(db, fixture_insert(db, "comments", PAIRS("id=11", "post_id=1")));
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=1", "parent")));
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=2", "parent=1")));
  static const char *const cases[][3] = {
      {"posts", "select=id,comments(id)&order=id&comments.order=id.desc",
       "{\"id\":1,\"comments\":[{\"id\":11}, {\"id\":10}]}\n{\"id\":2,\"comments\":[]}"},
      {"comments", "select=id,post:posts(title,users(email))&id=eq.10",
       "{\"id\":10,\"post\":{\"title\":\"one\",\"users\":null}}"},
      {"posts", "select=id,comments!inner()&comments.id=gt.10", "{\"id\":1}"},
      {"posts", "select=id,comments()&comments=is.null", "{\"id\":2}"},
      {"posts", "select=id,comments(count)&order=id",
       "{\"id\":1,\"comments\":[{\"count\":2}]}\n{\"id\":2,\"comments\":[{\"count\":0}]}"},
      {"comments", "select=id,...posts(title)&order=id",
       "{\"id\":10,\"title\":\"one\"}\n{\"id\":11,\"title\":\"one\"}"},
      {"comments", "select=post_id,id.sum(),n:count()", "{\"post_id\":1,\"sum\":21,\"n\":2}"},
      {"posts", "select=meta->a,b:meta->>a,first:tags->0,id::text&id=eq.1",
       "{\"a\":1,\"b\":\"1\",\"first\":\"a\",\"id\":\"1\"}"},
      {"nodes", "select=id,up:parent(id),nodes(id)&order=id",
       "{\"id\":1,\"up\":null,\"nodes\":[{\"id\":2}]}\n{\"id\":2,\"up\":{\"id\":1},\"nodes\":[]}"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const char *got = fixture_rows(db, cases[i][0], cases[i][1]);
    if (strcmp(got, cases[i][2]) != 0) print_error("%s?%s\n", cases[i][0], cases[i][1]);
    assert_string_equal(got, cases[i][2]);
  }
  ledger_rows *rows;
  assert_done(db, ledger_select(db, "posts", "select=id,comments(id),id::text&order=id", &rows));
  assert_int_equal(ledger_rows_count(rows), 3);
  assert_string_equal(ledger_rows_type(rows, 1), "json");
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 0, NULL), "1");
  assert_string_equal(ledger_rows_text(rows, 2, NULL), "1");
  ledger_rows_free(rows);
}

static void hostile_queries(void **state) {
  (void)state;
  /* Text that would be SQL if it ever got there. */
  assert_string_equal(emails("email=eq.'; DROP TABLE users; --"), "");
  assert_string_equal(
      emails("order=email\"; DROP TABLE users"),
      "42601 \"failed to parse order (email\"; DROP TABLE users)\" (line 1, column 6)");
  assert_string_equal(emails("order=\"email\\\"; DROP TABLE users\""),
                      "42703 column users.email\"; DROP TABLE users does not exist");
  assert_string_equal(
      fixture_rows(db, "users", "select=\"a\\\" FROM users; --\":email&email=eq.ann"),
      "{\"a\\\" FROM users; --\":\"ann\"}");
  sqlite3_str *deep = sqlite3_str_new(NULL);
  sqlite3_str_appendall(deep, "and=");
  for (int i = 0; i < 10000; i++) sqlite3_str_appendall(deep, i == 0 ? "(" : "or(");
  char *text = sqlite3_str_finish(deep);
  ledger_rows *rows;
  assert_int_equal(ledger_select(db, "users", text, &rows), LEDGER_TOO_COMPLEX);
  sqlite3_free(text);
  sqlite3_str *wide = sqlite3_str_new(NULL);
  for (int i = 0; i < 400; i++) sqlite3_str_appendall(wide, "email=neq.nobody&");
  text = sqlite3_str_finish(wide);
  assert_done(db, ledger_select(db, "users", text, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  ledger_rows_free(rows);
  sqlite3_free(text);
  wide = sqlite3_str_new(NULL);
  sqlite3_str_appendall(wide, "email=in.(x");
  for (int i = 0; i < 40000; i++) sqlite3_str_appendall(wide, ",x");
  sqlite3_str_appendall(wide, ")");
  text = sqlite3_str_finish(wide);
  assert_int_equal(ledger_select(db, "users", text, &rows), LEDGER_TOO_COMPLEX);
  sqlite3_free(text);
}

static void cursors_see_their_snapshot(void **state) {
  (void)state;
  ledger_rows *rows;
  assert_done(db, ledger_select(db, "posts", "select=id&order=id", &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=three")));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 0, NULL), "2");
  assert_null(ledger_rows_text(rows, 1, NULL));
  assert_int_equal(ledger_error_of(db)->code, LEDGER_MISUSE);
  ledger_rows_free(rows);
  ledger_rows_free(NULL);
  assert_int_equal(ledger_rows_next(NULL), LEDGER_MISUSE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(operators), TEST(refusals),        TEST(selections),
      TEST(resources), TEST(hostile_queries), TEST(cursors_see_their_snapshot),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
