/*
** A target on dumps: whatever the bytes, an import does all or nothing, says which line is wrong, and leaves the handle as it was.
*/

static void fuzz_import_seeds(struct fuzz_seeds *seeds) {
#define USER "00000001-0000-4000-8000-000000000001"
#define ACCOUNT "00000002-0000-4000-8000-000000000001"
  static const char *const dumps[] = {
      "COPY public.users (id, email, password_hash) FROM stdin;\n" USER "\ta@example.com\t\\\\x\\101\\x4a\\N\n\\.\n",
      "COPY public.roles (id, name) FROM stdin;\n" USER "\tA\\tb\r\n" ACCOUNT "\t\\N\r\n\\.\r\n",
      "INSERT INTO users (id, email, password_hash) VALUES ('" USER "', 'a@example.com', E'\\x41\\u00e4\\'');\n"
      "INSERT INTO accounts (id, user_id, account_number, account_type, currency, balance, available_balance) VALUES ('" ACCOUNT
      "', '" USER "', 'WS1', 'checking', 'USD', 10.50, -1.25), ('" USER "', '" USER "', 'WS2', 'checking', 'USD', -3, -3);\n",
      "INSERT INTO public.transactions OVERRIDING SYSTEM VALUE VALUES (DEFAULT, NULL, true, -1.5e3, B'101') ON CONFLICT DO NOTHING;",
      "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = off;\nSELECT pg_catalog.setval('public.x', 1, false);\n"
      "INSERT INTO roles (id, name) VALUES ('" USER "', 'a\\'b\\\\');",
      "CREATE FUNCTION f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;\n"
      "CREATE FUNCTION g() AS $a$ ; $$ $b$ $a$;\n/* ; /* ; */ */ -- ;\nALTER TABLE x ADD CONSTRAINT y CHECK ((\";\" > ';'));\n",
      "--\n-- PostgreSQL database dump\n--\n\\restrict x\n\\connect y\n-- PostgreSQL database dump complete\n",
      "INSERT INTO audit_logs (id, action) VALUES ('" ACCOUNT "', 'X');\nINSERT INTO portfolio (user_id, cash_balance) VALUES ('" USER "', 1);\n",
  };
#undef USER
#undef ACCOUNT
  for (size_t i = 0; i < sizeof dumps / sizeof dumps[0]; i++) fuzz_seed_text(seeds, dumps[i]);
}

struct fuzz_import_input {
  const char *bytes;
  size_t length, piece;
};

static ptrdiff_t fuzz_import_read(void *context, void *bytes, size_t length) {
  struct fuzz_import_input *input = context;
  size_t taken = input->length < length ? input->length : length;
  if (taken > input->piece) taken = input->piece;
  memcpy(bytes, input->bytes, taken);
  input->bytes += taken;
  input->length -= taken;
  return (ptrdiff_t)taken;
}

static void fuzz_import_run(const char *bytes, size_t size) {
  static ledger *db;
  static int runs;
  char *report = NULL;
  if (db == NULL) FUZZ_REQUIRE(ledger_create(":memory:", ledger_schema("full"), LEDGER_NO_SEED, &db) == LEDGER_OK, "the full schema");
  struct fuzz_import_input input = {bytes, size, size % 5 == 0 ? 1 : 4096};
  int triggers = db->trigger_count, foreign_keys = 0;
  int rc = ledger_import(db, fuzz_import_read, &input, size % 3 == 0 ? LEDGER_IMPORT_CONTINUE : 0, &report);
  if (rc != LEDGER_OK) fuzz_require_error(rc, ledger_error_of(db));
  FUZZ_REQUIRE((rc == LEDGER_OK) == (report != NULL), "%d and a report", rc);
  FUZZ_REQUIRE(report == NULL || fuzz_values_is_json(report, strlen(report)), "not JSON: %s", report);
  ledger_free(report);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_ENABLE_FKEY, -1, &foreign_keys);
  FUZZ_REQUIRE(foreign_keys == 1 && sqlite3_get_autocommit(db->sqlite) && !db->is_unfollowed && db->trigger_count == triggers,
               "the handle is not as it was");
  if (rc == LEDGER_OK || ++runs % 500 == 0) { /* what came in is proven, and the next one begins anew */
    rc = ledger_verify(db, NULL, &report);
    FUZZ_REQUIRE(rc == LEDGER_OK, "%s", report == NULL ? ledger_error_of(db)->message : report);
    ledger_free(report);
    ledger_close(db);
    db = NULL;
  }
}
