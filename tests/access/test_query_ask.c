/*
** test_query_ask.c: requests that read, as ledger_ask() answers them: requests.txt line by line, Range and bounds, roles and policies in
** every part of a request, limits, time. The words of errors are PostgREST's.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "schema/compiler/compiler.h"

static ledger *db;
static ledger_answer answer;

static char *file_text(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("%s cannot be read; run from the project's folder", path);
  sqlite3_str *text = sqlite3_str_new(NULL);
  char bytes[65536];
  size_t got;
  while ((got = fread(bytes, 1, sizeof bytes, file)) > 0) sqlite3_str_append(text, bytes, (int)got);
  fclose(file);
  return sqlite3_str_finish(text);
}

static ledger *schema_open(const char *text) {
  struct schema_file file = {"test.sql", text, strlen(text)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  ledger *made = NULL;
  schema_compile(&file, 1, &options, &result);
  for (int i = 0; i < result->note_count; i++) {
    if (result->notes[i].severity == SCHEMA_ERROR)
      fail_msg("%d: %s", result->notes[i].line, result->notes[i].message);
  }
  if (ledger_create(":memory:", result->script, 0, &made) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(made)->message);
  schema_free(result);
  return made;
}

static int setup(void **state) {
  (void)state;
  char *schema = file_text("tests/access/requests.sql");
  db = schema_open(schema);
  sqlite3_free(schema);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_answer_free(&answer);
  ledger_close(db);
  return 0;
}

/* The answer as requests.txt has it; sqlite3_free(). */
static char *asked(const ledger_query *query) {
  int rc = ledger_ask(db, query, &answer);
  assert_int_equal(rc, answer.error.code);
  if (rc != LEDGER_OK) {
    assert_string_equal(answer.text, "");
    const char *details = answer.details != NULL ? answer.details : answer.error.detail;
    return sqlite3_mprintf("%s %s%s%s%s%s", answer.code, answer.error.message,
                           *details == 0 ? "" : "\n  details: ", details,
                           *answer.error.hint == 0 ? "" : "\n  hint: ", answer.error.hint);
  }
  assert_int_equal(strlen(answer.text), answer.length);
  if (query->count == LEDGER_COUNT_NONE) return sqlite3_mprintf("%s", answer.text);
  return sqlite3_mprintf("%s #%lld+%lld/%lld", answer.text, (long long)answer.rows,
                         (long long)answer.offset, (long long)answer.total);
}

static void asked_is(const ledger_query *query, const char *expected) {
  char *got = asked(query);
  if (strcmp(got, expected) != 0)
    fail_msg("%s?%s\n  %s\nand not\n  %s", query->table, query->text, got, expected);
  sqlite3_free(got);
}

/* ---- requests.txt */

static void flags_read(const char *flags, ledger_query *query) {
  if (strchr(flags, 'c') != NULL) query->count = LEDGER_COUNT_EXACT;
  if (strchr(flags, 'o') != NULL) query->form = LEDGER_FORM_OBJECT;
  if (strchr(flags, 'v') != NULL) query->form = LEDGER_FORM_CSV;
  if (strchr(flags, 's') != NULL) query->strips_nulls = 1;
}

static void requests(void **state) {
  (void)state;
  char *text = file_text("tests/access/requests.txt"), *at = text;
  int count = 0, failed = 0;
  while (*at != 0) {
    size_t length = strcspn(at, "\n");
    if (length == 0 || *at == '#') {
      at += length + (at[length] == '\n');
      continue;
    }
    char *end = strstr(at + length + 1, "\n\n"), *expected = at + length + 1;
    assert_non_null(end);
    at[length] = *end = 0;
    char *mark = strstr(at, " ?"), *flags = strchr(at, ' ');
    ledger_query query = {.table = at, .text = mark + 2};
    *mark = 0;
    flags_read(flags, &query);
    *flags = 0;
    char *got = asked(&query);
    if (strcmp(got, expected) != 0) {
      print_error("%s ?%s\n  %s\nand not\n  %s\n", query.table, query.text, got, expected);
      failed++;
    }
    sqlite3_free(got);
    count++;
    at = end + 2;
  }
  sqlite3_free(text);
  assert_true(count > 200);
  assert_int_equal(failed, 0);
}

/* The same requests twice: the statements are there already, and bound anew. */
static void requests_again(void **state) {
  requests(state);
  requests(state);
}

/* ---- ranges and bounds */

static void ranges(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t first, last;
    const char *expected;
  } cases[] = {
      {"select=id", 0, 1, "[{\"id\":1}, \n {\"id\":2}] #2+0/5"},
      {"select=id", 3, -1, "[{\"id\":4}, \n {\"id\":5}] #2+3/5"},
      {"select=id", 4, 99, "[{\"id\":5}] #1+4/5"},
      {"select=id&limit=3", 1, 9, "[{\"id\":2}, \n {\"id\":3}] #2+1/5"},
      {"select=id&limit=1&offset=2", 0, 9, "[{\"id\":3}] #1+2/5"},
      {"select=id&limit=0", 2, 3, "[] #0+0/5"},
      {"select=id", 5, 9, "[] #0+5/5"},
      {"select=id", 6, 9,
       "PGRST103 Requested range not satisfiable\n  details: An offset of 6 was requested, but "
       "there are only 5 rows."},
      {"select=id", 1, 0,
       "PGRST103 Requested range not satisfiable\n  details: The lower boundary must be lower than "
       "or equal to the upper boundary in the Range header."},
      {"select=id&limit=2", 2, 3,
       "PGRST103 Requested range not satisfiable\n  details: Limit should be greater than or equal "
       "to zero."},
      {"select=id", 0, INT64_MAX,
       "[{\"id\":1}, \n {\"id\":2}, \n {\"id\":3}, \n {\"id\":4}, \n {\"id\":5}] #5+0/5"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ledger_query query = {.table = "projects", .text = cases[i].text, .has_range = 1};
    query.count = LEDGER_COUNT_EXACT;
    query.range_first = cases[i].first;
    query.range_last = cases[i].last;
    asked_is(&query, cases[i].expected);
  }
  ledger_query bound = {.table = "clients", .text = "select=id,projects(id)", .rows_max = 1};
  bound.count = LEDGER_COUNT_ESTIMATED;
  asked_is(&bound, "[{\"id\":1,\"projects\":[{\"id\":1}]}] #1+0/2");
  bound.count = LEDGER_COUNT_PLANNED;
  bound.text = "select=id&limit=5";
  asked_is(&bound, "[{\"id\":1}] #1+0/2");
}

static void odd_requests(void **state) {
  (void)state;
  ledger_query query = {.table = NULL};
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_MISUSE);
  assert_string_equal(answer.code, "55000");
  assert_int_equal(ledger_ask(db, NULL, &answer), LEDGER_MISUSE);
  assert_int_equal(ledger_ask(db, &query, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_ask(NULL, &query, &answer), LEDGER_MISUSE);
  ledger_answer_free(NULL);
  query = (ledger_query){.table = "clients", .schema = "other", .text = NULL};
  asked_is(&query, "PGRST205 Could not find the table 'other.clients' in the schema cache");
  query = (ledger_query){.table = "clients\"; DROP TABLE clients; --"};
  asked_is(&query, "PGRST205 Could not find the table 'public.clients\"; DROP TABLE clients; --' "
                   "in the schema cache");
  query = (ledger_query){.table = "ledger_meta"};
  asked_is(&query, "PGRST205 Could not find the table 'public.ledger_meta' in the schema cache");
  query = (ledger_query){.table = "clients", .text = "id=eq.9", .form = LEDGER_FORM_CSV};
  asked_is(&query, "\n");
}

/* Text that would be SQL if it ever got there, in each place that a caller fills. */
static void hostile_texts(void **state) {
  (void)state;
  static const char evil[] = "x\\\"'; DROP TABLE clients; --";
  static const char *const forms[] = {
      "select=\"%s\"",
      "select=\"%s\":id",
      "select=id::%s",
      "select=meta->>\"%s\"",
      "select=\"%s\"(id)",
      "select=projects!\"%s\"(id)",
      "select=\"%s\":projects(id)",
      "order=\"%s\"",
      "order=\"%s\"(id)",
      "\"%s\"=eq.1",
      "name=eq.%s",
      "name=in.(\"%s\")",
      "name=like.%s",
      "name=match.%s",
      "tags=cs.{\"%s\"}",
      "or=(name.eq.\"%s\")",
      "or=(\"%s\".eq.1)",
      "\"%s\".id=eq.1",
      "limit=%s",
      "offset=%s",
      "meta->>\"%s\"=eq.%s",
      "%s=eq.1",
      "select=id.%s()",
      "columns=\"%s\"",
  };
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    char text[512];
    snprintf(text, sizeof text, forms[i], evil, evil);
    ledger_query query = {.table = "clients", .text = text};
    ledger_ask(db, &query, &answer);
    assert_int_not_equal(answer.error.code, LEDGER_ERROR);
    query = (ledger_query){.table = "clients", .text = "select=id&limit=1"};
    asked_is(&query, "[{\"id\":1}]");
  }
}

/* ---- limits: the last that is allowed, and one more */

static char *repeated(const char *before, const char *each, int count, const char *after) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, before);
  for (int i = 0; i < count; i++) sqlite3_str_appendall(text, each);
  sqlite3_str_appendall(text, after);
  return sqlite3_str_finish(text);
}

static void limit_is(char *within, char *beyond, const char *code) {
  ledger_query query = {.table = "employees", .text = within};
  if (ledger_ask(db, &query, &answer) != LEDGER_OK)
    fail_msg("%.60s...: %s", within, answer.error.message);
  query.text = beyond;
  assert_int_not_equal(ledger_ask(db, &query, &answer), LEDGER_OK);
  assert_string_equal(answer.code, code);
  sqlite3_free(within);
  sqlite3_free(beyond);
}

static void limits(void **state) {
  (void)state;
  int nesting = QUERY_NESTING_MAX, depth = QUERY_EMBED_DEPTH_MAX;
  char *open = repeated("and=", "(and", nesting - 1, "(id.eq.1");
  char *more = repeated("and=", "(and", nesting, "(id.eq.1");
  limit_is(repeated(open, ")", nesting, ""), repeated(more, ")", nesting + 1, ""), "54001");
  sqlite3_free(open);
  sqlite3_free(more);
  limit_is(repeated("", "id=eq.1&", QUERY_CONDITIONS_MAX, ""),
           repeated("", "id=eq.1&", QUERY_CONDITIONS_MAX + 1, ""), "54001");
  limit_is(repeated("id=in.(1", ",1", QUERY_VALUES_MAX - 1, ")"),
           repeated("id=in.(1", ",1", QUERY_VALUES_MAX, ")"), "54001");
  limit_is(repeated("id=eq(any).{1", ",1", 500, "}"),
           repeated("id=eq(any).{1", ",1", QUERY_VALUES_MAX, "}"), "54001");
  open = repeated("select=id", ",boss(id", depth, "");
  more = repeated("select=id", ",boss(id", depth + 1, "");
  limit_is(repeated(open, ")", depth, ""), repeated(more, ")", depth + 1, ""), "54001");
  sqlite3_free(open);
  sqlite3_free(more);
  sqlite3_str *many = sqlite3_str_new(NULL);
  sqlite3_str_appendall(many, "select=id");
  for (int i = 0; i < QUERY_EMBED_MAX; i++) sqlite3_str_appendf(many, ",a%d:boss(id)", i);
  open = sqlite3_str_finish(many);
  more = repeated(open, ",b:boss(id)", 1, "");
  limit_is(open, more, "54001");
  limit_is(repeated("select=id", ",id", LEDGER_COLUMN_MAX - 1, ""),
           repeated("select=id", ",id", LEDGER_COLUMN_MAX, ""), "54011");
  limit_is(repeated("select=name", "->0", 1, ""),
           repeated("select=name", "->0", QUERY_STEPS_MAX + 1, ""), "54001");
  limit_is(repeated("", "", 0, "&"), repeated("a", ".a", QUERY_EMBED_DEPTH_MAX + 2, "=eq.1"),
           "54001");
}

/* Five rows that are QUERY_ANSWER_MAX bytes together, then five more. */
static void answer_limit(void **state) {
  (void)state;
  sqlite3_exec(db->sqlite,
               "WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 104) "
               "INSERT INTO employees (id, name, boss) SELECT i, 'x', 1 FROM n;"
               "UPDATE employees SET name = printf('%.*c', 13421749, 'x') WHERE id = 1",
               NULL, NULL, NULL);
  ledger_query query = {.table = "employees", .text = "select=boss(name)&id=gte.100"};
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_OK);
  assert_int_equal(answer.length, QUERY_ANSWER_MAX);
  sqlite3_exec(db->sqlite, "UPDATE employees SET name = name || 'x' WHERE id = 1", NULL, NULL,
               NULL);
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_PROGRAM_LIMIT);
  assert_string_equal(answer.code, "54000");
  assert_string_equal(answer.error.message, "an answer may have 67108863 bytes at most");
  assert_string_equal(answer.error.hint, "Ask for fewer rows at a time, with limit= and offset=.");
  query.text = "select=id,...employees(b:boss(name))&id=eq.1";
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_PROGRAM_LIMIT);
  query.text = "select=id,...employees(b:boss(name))&id=eq.1&employees.limit=2";
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_OK);
  ledger_answer_free(&answer);
}

/* ---- time */

static void time_limit(void **state) {
  (void)state;
  sqlite3_exec(db->sqlite,
               "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
               "INSERT INTO employees (id, name, boss) SELECT i, 'x', 1 FROM n",
               NULL, NULL, NULL);
  ledger_query query = {.table = "employees",
                        .text = "select=employees(employees(employees(id)))&name=match.^(x%2B)%2Bx"
                                "&or=(name.match.(a|x)*y,name.like.%25x%25x%25x%25y)"};
  ledger_set_timeout(db, 1);
  query.text = "select=id,boss(employees(boss(employees(id))))";
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_INTERRUPTED);
  assert_string_equal(answer.code, "57014");
  assert_string_equal(answer.error.message, "canceling statement due to statement timeout");
  ledger_set_timeout(db, 0);
  query = (ledger_query){.table = "employees", .text = "select=count()"};
  asked_is(&query, "[{\"count\":2995}]");
}

/* What a few bytes of a request stand for has a bound. */
static void number_limit(void **state) {
  (void)state;
  const ledger_caller caller = {.role = "service_role"};
  ledger_query query = {.caller = &caller, .table = "clients"};
  query.text = "select=id&balance=lt.1e999";
  asked_is(&query, "[{\"id\":1}]");
  query.text = "select=id&balance=lt.1e1000";
  asked_is(&query, "22003 value overflows numeric format");
  query.text = "select=id&balance=gt.1e-1000";
  asked_is(&query, "[{\"id\":1}]");
  query.text = "select=id&balance=gt.1e-1001";
  asked_is(&query, "22003 value overflows numeric format");
  query.text = "select=id&meta=cs.[1e999]";
  asked_is(&query, "[]");
  query.text = "select=id&meta=cs.[1e1000]";
  assert_int_equal(ledger_ask(db, &query, &answer), LEDGER_OUT_OF_RANGE);
  query.caller = NULL; /* the owner has PostgreSQL's own bounds */
  query.text = "select=id&balance=lt.1e1000";
  asked_is(&query, "[{\"id\":1}]");
}

/* A statement with a long list is let go of with the next call. */
static void long_statement(void **state) {
  (void)state;
  ledger_query query = {.table = "clients", .text = "select=id&id=eq.1"};
  asked_is(&query, "[{\"id\":1}]");
  int kept = db->cache_count;
  char *text = repeated("select=id&id=in.(1", ",1", 10000, ")");
  query.text = text;
  asked_is(&query, "[{\"id\":1}]");
  assert_int_equal(db->cache_count, kept + 1);
  query.text = "select=id&id=eq.1";
  asked_is(&query, "[{\"id\":1}]");
  assert_int_equal(db->cache_count, kept);
  sqlite3_free(text);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(requests),      TEST(requests_again), TEST(ranges),       TEST(odd_requests),
      TEST(hostile_texts), TEST(limits),         TEST(answer_limit), TEST(time_limit),
      TEST(number_limit),  TEST(long_statement),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
