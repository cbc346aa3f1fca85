/*
** test_import: the import in the library. The reader of dumps gives the same for any size of the pieces that it is read in; memory
** that runs out at each allocation of an import and of a pull: MEMORY, or all of it, and else nothing changed; foreign keys and
** triggers are as before afterwards.
** LEDGER_TEST_COUNT: how many places of a call are tried, spread evenly; 0 tries each one.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

static char path[256];

/* ---- pieces */

struct pieces {
  const char *text;
  size_t length, at, piece;
  bool fails; /* at the end */
};

static ptrdiff_t pieces_read(void *context, void *bytes, size_t length) {
  struct pieces *pieces = context;
  size_t left = pieces->length - pieces->at;
  if (left > pieces->piece) left = pieces->piece;
  if (left > length) left = length;
  if (left == 0 && pieces->fails) return -1;
  memcpy(bytes, pieces->text + pieces->at, left);
  pieces->at += left;
  return (ptrdiff_t)left;
}

static int import_text(ledger *db, const char *text, size_t piece, int flags, char **report) {
  struct pieces pieces = {.text = text, .length = strlen(text), .piece = piece};
  return ledger_import(db, pieces_read, &pieces, flags, report);
}

static const char dump[] =
    "--\n-- PostgreSQL database dump\n--\n\\restrict abc\n"
    "SET standard_conforming_strings = on;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
    "/* a /* nested */ comment; */ CREATE FUNCTION f(a integer) RETURNS integer LANGUAGE sql\n"
    "BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 1 ELSE 2 END; SELECT 3; END;\n"
    "CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $_$ BEGIN RETURN ';'; END $_$;\n"
    "COPY public.accounts (id, user_id, account_number, account_type, currency, balance,"
    " available_balance) FROM stdin;\n"
    "00000002-0000-4000-8000-000000000001\t00000001-0000-4000-8000-000000000001\tWS1\tchecking\t"
    "USD\t100.50\t80.25\n"
    "00000002-0000-4000-8000-000000000002\t00000001-0000-4000-8000-000000000001\tWS2\tchecking\t"
    "USD\t-5.00\t-5.00\n\\.\n\n"
    "COPY public.users (id, email, password_hash, first_name) FROM stdin;\n"
    "00000001-0000-4000-8000-000000000001\ta@example.com\t\\\\x\\101\\x4a\tA\\tb\\\\N\\n\n\\.\n"
    "INSERT INTO public.transactions (id, account_id, transaction_type, amount, currency, status)\n"
    "VALUES ('00000003-0000-4000-8000-000000000001', '00000002-0000-4000-8000-000000000001',"
    " 'deposit', 100.50, 'USD', 'completed'),\n"
    "\t(E'00000003-0000-4000-8000-00000000000\\x32', '00000002-0000-4000-8000-000000000001',"
    " 'withdrawal', 1e1, 'USD', 'pending');\n"
    "INSERT INTO audit_logs (id, action, details) VALUES"
    " ('00000004-0000-4000-8000-000000000001', 'X', '{\"a\": \"it''s\"}');\n"
    "INSERT INTO portfolio (user_id, btc_balance) VALUES"
    " ('00000001-0000-4000-8000-000000000001', +0.5);\n"
    "\\unrestrict abc\n--\n-- PostgreSQL database dump complete\n--\n";

static ledger *test_new(void) {
  ledger *db = NULL;
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_NO_SEED | LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  return db;
}

static int64_t test_number(ledger *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  int64_t number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

static void test_is_whole(ledger *db) {
  assert_int_equal(test_number(db, "SELECT count(*) FROM users WHERE first_name = 'A' || char(9) || 'b\\N' || char(10)"
                                   " AND password_hash = '\\xAJ'"), 1);
  assert_int_equal(test_number(db, "SELECT count(*) FROM accounts WHERE balance IN ('100.50', '-5.00')"), 2);
  assert_int_equal(test_number(db, "SELECT count(*) FROM transactions WHERE id LIKE '00000003-%'"), 2);
  assert_int_equal(test_number(db, "SELECT count(*) FROM ledger_journal"), 6);
}

/* Nothing of an import is left behind on the handle. */
static void test_is_clean(ledger *db) {
  assert_int_equal(test_number(db, "PRAGMA foreign_keys"), 1);
  assert_int_equal(test_number(db, "SELECT count(*) FROM temp.sqlite_schema WHERE type = 'table'"), 0);
  assert_int_equal(test_number(db, "SELECT count(*) FROM temp.sqlite_schema WHERE type = 'trigger'"), db->trigger_count);
  assert_false(db->is_unfollowed);
  assert_false(db->in_transaction);
}

static void test_pieces(void **state) {
  static const size_t sizes[] = {1, 2, 3, 7, 64, 4096};
  (void)state;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    ledger *db = test_new();
    char *report = NULL;
    if (import_text(db, dump, sizes[i], 0, &report) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
    assert_non_null(strstr(report, "\"rows\":7,\"inserted\":7,\"skipped\":0"));
    assert_non_null(strstr(report, "\"openings\":3,\"holds\":1"));
    ledger_free(report);
    test_is_whole(db);
    test_is_clean(db);
    assert_int_equal(ledger_verify(db, NULL, &report), LEDGER_OK);
    ledger_free(report);
    ledger_close(db);
  }
  file_remove(path);
}

static void test_misuse(void **state) {
  (void)state;
  ledger *db = test_new();
  struct pieces pieces = {.text = dump, .length = 200, .piece = 50, .fails = true};
  assert_int_equal(ledger_import(db, NULL, NULL, 0, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_import(NULL, pieces_read, &pieces, 0, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_import(db, pieces_read, &pieces, 0, NULL), LEDGER_IO);
  test_is_clean(db);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(import_text(db, dump, 100, 0, NULL), LEDGER_ACTIVE_TRANSACTION);
  assert_int_equal(ledger_pull(db, 0, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_rollback(db), LEDGER_OK);
  ledger_close(db);
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
  assert_int_equal(import_text(db, dump, 100, 0, NULL), LEDGER_READ_ONLY);
  ledger_close(db);
  file_remove(path);
}

/* Every cut of the dump is refused, or is behind its last line. */
static void test_cuts(void **state) {
  (void)state;
  ledger *db = test_new();
  char *cut = strdup(dump);
  for (size_t length = strlen(dump) - 5; length > 0; length--) {
    cut[length] = 0;
    if (import_text(db, cut, 4096, 0, NULL) == LEDGER_OK) fail_msg("cut at %zu", length);
    test_is_clean(db);
  }
  assert_int_equal(test_number(db, "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM ledger_journal)"), 0);
  assert_int_equal(import_text(db, dump, 4096, 0, NULL), LEDGER_OK);
  free(cut);
  ledger_close(db);
  file_remove(path);
}

/* ---- memory */

/* As another connection sees it: where there is no memory for a ROLLBACK either, it comes with the handle's next call. */
static int64_t test_committed(const char *sql) {
  ledger *other = NULL;
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &other), LEDGER_OK);
  int64_t number = test_number(other, sql);
  ledger_close(other);
  return number;
}

static const char refusal[] = "INSERT INTO roles (id, name) VALUES ('00000005-0000-4000-8000-000000000001', 'a');\n"
                              "INSERT INTO nix VALUES (1);\n";

static int run_import(ledger *db) {
  char *report = NULL;
  int rc = import_text(db, dump, 4096, 0, &report);
  assert_int_equal(rc == LEDGER_OK, report != NULL);
  ledger_free(report);
  return rc;
}
static int run_refused(ledger *db) {
  int rc = import_text(db, refusal, 4096, 0, NULL);
  return rc == LEDGER_UNDEFINED_TABLE ? LEDGER_OK : rc;
}

static int pull_none(void *context, const char *copy) {
  struct pieces *pieces = context;
  pieces->at = 0;
  return strstr(copy, "FROM \"public\".\"fee_config\") TO STDOUT") == NULL;
}

static int run_pull(ledger *db) {
  struct pieces pieces = {.piece = 100,
                          .text = "00000006-0000-4000-8000-000000000001\twithdrawal\t0.5\t1\t0\t\\N\tUSD\tt\ta\\tb\t2026-01-01\t2026-01-01\n"
                                  "00000006-0000-4000-8000-000000000002\ttrading\t0.5\t1\t0\t\\N\tUSD\tt\t\\N\t2026-01-01\t2026-01-01\n"};
  pieces.length = strlen(pieces.text);
  ledger_pull_source source = {&pieces, pull_none, pieces_read};
  ledger_pull_table table = {.table = "fee_config"};
  int rc = ledger_pull(db, 1, &table, &source);
  if (rc == LEDGER_OK) assert_int_equal(table.rows, 2);
  return rc;
}

/* A new file, as a copy of one that was made once. */
static void test_fresh(void) {
  static char *bytes;
  static size_t length;
  if (bytes == NULL) {
    ledger_close(test_new());
    FILE *made = fopen(path, "rb");
    assert_non_null(made);
    length = (size_t)file_size(path, "");
    bytes = malloc(length);
    assert_int_equal(fread(bytes, 1, length, made), length);
    fclose(made);
  }
  file_remove(path);
  FILE *copy = fopen(path, "wb");
  assert_non_null(copy);
  assert_int_equal(fwrite(bytes, 1, length, copy), length);
  fclose(copy);
}

static void test_trial(const char *name, int (*run)(ledger *), const char *rows, bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, 30)) {
    ledger *db = NULL;
    test_fresh();
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    memory_arm(n, fails_on);
    int rc = run(db);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(name, n, rc, ledger_error_of(db));
    if (n == 0) calls = made;
    if (rc != LEDGER_OK) {
      if (test_committed(rows) != 0) fail_msg("%s, allocation %lld: something was written", name, (long long)n);
      if (run(db) != LEDGER_OK) fail_msg("%s again after %lld: %s", name, (long long)n, ledger_error_of(db)->message);
    }
    assert_int_equal(ledger_rollback(db), LEDGER_OK); /* that there was no memory for, see above */
    test_is_clean(db);
    ledger_close(db);
    assert_int_equal(memory.outstanding, 0);
  }
  file_remove(path);
}

static void test_memory(void **state) {
  static const char users[] = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM roles) + (SELECT count(*) FROM ledger_journal)";
  (void)state;
  for (int fails_on = 0; fails_on < 2; fails_on++) {
    test_trial("import", run_import, users, fails_on);
    test_trial("refused", run_refused, users, fails_on);
    test_trial("pull", run_pull, "SELECT count(*) FROM fee_config", fails_on);
  }
}

int main(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-import-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces), cmocka_unit_test(test_misuse),
                                     cmocka_unit_test(test_cuts), cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
