/*
** The command line's connection to main: a script in pieces of any size does what it does whole; errors are one sentence, and the
** link is good for another script; nothing is left open; a password is never said.
*/
#include "../../ledger.c"

#include "../../amalgamation/shell/report.c"
#include "../../amalgamation/shell/main_link.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void link_to_main(struct main_link *link) {
  if (!main_link_open(link, "test", "dbname=postgres"))
    fail_msg("no server: %s", link->error.message);
}

static bool run(struct main_link *link, const char *script) {
  return main_link_write(link, script, strlen(script)) == 0 && main_link_end(link);
}

/* Everything that could end a statement or a COPY too early. */
static const char hostile[] =
    "\\set ON_ERROR_STOP on\n"
    "\n"
    "BEGIN;\n"
    "SET LOCAL client_min_messages = warning;\n"
    "CREATE TEMP TABLE words (n integer, word text) ON COMMIT DROP;\n"
    "COPY words FROM stdin;\n"
    "1\tone\\073\n"
    "2\t\\\\.\n"
    "3\t\\N\n"
    "4\tCOPY words FROM stdin\\073\n"
    "\\.\n"
    "COPY words FROM stdin;\n"
    "\\.\n"
    "INSERT INTO words VALUES (5, 'a;\n"
    "COPY words FROM stdin;\n"
    "\\set x\n"
    "'), (6, E'it\\'s;\n"
    "'), (7, $a$b$;\n"
    "$b$ ; $$\n"
    "$a$), (8, 'it''s' /* ; ' /* \" */ */);\n"
    "-- don't;\n"
    "INSERT INTO words VALUES (9, 'x') -- 'not the end;\n"
    "  ;\n"
    "DO $do$ BEGIN PERFORM 1;\n"
    "END $do$;\n"
    "ALTER TABLE words ADD COLUMN \"a;\n"
    "\"\"'\" text;\n"
    "COPY words FROM stdin;\n"
    "10\tten\t\\N\n"
    "\\.\n"
    "SELECT md5(string_agg(n || ':' || coalesce(word, 'null'), ',' ORDER BY n)) FROM words;\n"
    "COMMIT;\n";

static void check_pieces(void **state) {
  (void)state;
  struct main_link link;
  char first[40] = "";
  link_to_main(&link);
  for (size_t piece = sizeof hostile - 1; piece > 0; piece = piece > 40 ? piece / 3 : piece - 1) {
    int rc = 0;
    for (size_t at = 0; at < sizeof hostile - 1 && rc == 0; at += piece) {
      size_t left = sizeof hostile - 1 - at;
      rc = main_link_write(&link, hostile + at, left < piece ? left : piece);
    }
    if (rc != 0 || !main_link_end(&link)) fail_msg("pieces of %zu: %s", piece, link.error.message);
    assert_non_null(link.answer);
    assert_int_equal(strlen(link.answer), 32);
    if (!first[0]) snprintf(first, sizeof first, "%s", link.answer);
    assert_string_equal(link.answer, first);
  }
  const char *text = main_link_text(
      &link, "SELECT md5('1:one;,2:\\.,3:null,4:COPY words FROM stdin;,5:a;' || chr(10) || 'COPY "
             "words FROM stdin;' || chr(10) || '\\set x' || chr(10) || ',6:it''s;' || chr(10) || "
             "',7:b$;' || chr(10) || '$b$ ; $$' || chr(10) || ',8:it''s,9:x,10:ten');\n");
  assert_string_equal(text, first);
  main_link_close(&link);
}

/* In a database whose strings are not standard until the script says so. */
static void check_old_strings(void **state) {
  (void)state;
  struct main_link link;
  link_to_main(&link);
  assert_true(run(&link, "SET standard_conforming_strings = off;\n"));
  link.one_by_one = true;
  assert_string_equal(main_link_text(&link, "SELECT 'a\\nb';\n"), "a\\nb");
  assert_true(run(&link, "BEGIN;\nSET LOCAL standard_conforming_strings = on;\nSELECT "
                         "'a\\';\nCOMMIT;\n"));
  assert_string_equal(link.answer, "a\\");
  main_link_close(&link);
}

static void expect(struct main_link *link, const char *script, const char *sqlstate,
                   const char *message) {
  if (run(link, script)) fail_msg("no error: %s", script);
  assert_string_equal(link->error.sqlstate, sqlstate);
  if (!strstr(link->error.message, message)) fail_msg("%s: %s", script, link->error.message);
  assert_int_not_equal(main_link_write(link, "SELECT 1;\n", 10), 0); /* until it is given up */
  assert_true(main_link_abandon(link));
  assert_int_equal(PQtransactionStatus(link->connection), PQTRANS_IDLE);
  assert_string_equal(main_link_text(link, "SELECT 'well';\n"), "well");
}

static void check_errors(void **state) {
  (void)state;
  struct main_link link;
  link_to_main(&link);
  expect(&link, "BEGIN;\nSELECT 1/0;\nCOMMIT;\n", "22012", "division by zero");
  expect(&link,
         "BEGIN;\nCREATE TEMP TABLE t (n integer) ON COMMIT DROP;\nCOPY t FROM "
         "stdin;\nx\n\\.\nCOMMIT;\n",
         "22P02", "invalid input syntax for type integer: \"x\"");
  expect(&link, "BEGIN;\nCOPY nowhere FROM stdin;\nx; DROP TABLE y;\n\\.\nCOMMIT;\n", "42P01",
         "relation \"nowhere\" does not exist");
  expect(&link, "BEGIN;\nCREATE TEMP TABLE t (n integer);\nCOPY t FROM stdin;\n1\n", "42601",
         "ends in the middle");
  expect(&link, "BEGIN;\nSELECT 'a\n", "42601", "ends in the middle");
  expect(&link, "BEGIN;\nSELECT 1;\n", "25P01", "inside of a transaction");
  expect(&link, "COPY pg_class TO STDOUT;\n", "0A000", "COPY where none can be");
  expect(&link, "DO $$ BEGIN RAISE 'no such device' USING ERRCODE = 'LS001'; END $$;\n", "LS001",
         "no such device");
  run(&link, "DO $$ BEGIN RAISE 'x' USING ERRCODE = 'LS004'; END $$;\n");
  assert_int_equal(link.error.code, LEDGER_FORK);
  assert_false(main_link_is_passing(&link));
  main_link_abandon(&link);
  run(&link, "DO $$ BEGIN RAISE 'x' USING ERRCODE = '40P01'; END $$;\n");
  assert_true(main_link_is_passing(&link));
  main_link_abandon(&link);
  assert_false(run(&link, "SELECT pg_terminate_backend(pg_backend_pid());\n"));
  assert_true(main_link_is_passing(&link));
  assert_false(main_link_abandon(&link)); /* it is gone */
  assert_false(run(&link, "SELECT 1;\n"));
  main_link_close(&link);
}

static void check_rows(void **state) {
  (void)state;
  struct main_link link;
  link_to_main(&link);
  const char *values[] = {"it's", NULL};
  PGresult *rows =
      main_link_query(&link, "SELECT $1, $2::text, n FROM generate_series(1, 3) AS n", 2, values);
  assert_int_equal(PQntuples(rows), 3);
  assert_string_equal(PQgetvalue(rows, 2, 0), "it's");
  assert_true(PQgetisnull(rows, 2, 1));
  PQclear(rows);
  assert_null(main_link_query(&link, "SELECT 1/0", 0, NULL));
  assert_true(main_link_abandon(&link));
  assert_null(main_link_text(&link, "SELECT NULL;\n"));
  assert_int_equal(link.error.code, LEDGER_OK);
  assert_null(main_link_query(&link, "COPY pg_class TO STDOUT", 0, NULL));
  assert_string_equal(link.error.sqlstate, "0A000");
  assert_true(main_link_abandon(&link));
  assert_true(link.round_trips > 4 && link.bytes_sent > 100);
  main_link_close(&link);
}

static void check_passwords(void **state) {
  (void)state;
  static const char *const strings[] = {
      "mysql://u:secret@127.0.0.1/x",
      "postgresql://u:sec/secret@127.0.0.1/x",
      "postgresql://u:sec@secret@127.0.0.1:1/x",
      "host=127.0.0.1 port=1 password=secret",
      "host=127.0.0.1 port=1 password='secret",
      "postgresql://u:secret@127.0.0.1:1/x?password=secret",
      "postgresql://u:secret@127.0.0.1:1/x?passwort=secret",
      "host=127.0.0.1 port=secret",
  };
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
    struct main_link link;
    assert_false(main_link_open(&link, "test", strings[i]));
    assert_int_not_equal(link.error.code, LEDGER_OK);
    if (strstr(link.error.message, "secret") || strstr(link.name, "secret"))
      fail_msg("%s: %s: %s", strings[i], link.name, link.error.message);
    if (strchr(link.error.message, '\n')) fail_msg("%s", link.error.message);
    main_link_close(&link);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_pieces),    cmocka_unit_test(check_old_strings),
      cmocka_unit_test(check_errors),    cmocka_unit_test(check_rows),
      cmocka_unit_test(check_passwords),
  };
  return cmocka_run_group_tests_name("main_link", tests, NULL, NULL);
}
