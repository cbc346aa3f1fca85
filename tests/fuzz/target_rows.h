/*
** Targets on a file in memory with the full schema: changes as JSON, query strings, SQL functions.
*/

static ledger *fuzz_rows_file(void) {
  static ledger *db;
  if (db == NULL) FUZZ_REQUIRE(ledger_create(":memory:", ledger_schema("full"), 0, &db) == LEDGER_OK, "the full schema");
  return db;
}

static void fuzz_rows_read_all(ledger *db, ledger_rows *rows) {
  int rc = LEDGER_ROW;
  for (int n = 0; rc == LEDGER_ROW && n < 50; n++) {
    rc = ledger_rows_next(rows);
    if (rc != LEDGER_ROW) break;
    size_t length;
    const char *json = ledger_rows_json(rows, &length);
    if (json == NULL)
      fuzz_require_error(ledger_error_of(db)->code, ledger_error_of(db));
    else
      FUZZ_REQUIRE(fuzz_values_is_json(json, length), "not JSON: %s", json);
    for (int i = 0; i < ledger_rows_count(rows); i++) (void)ledger_rows_text(rows, i, &length);
  }
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) fuzz_require_error(rc, ledger_error_of(db));
  ledger_rows_free(rows);
}

/* ---- changes */

static void fuzz_change_seeds(struct fuzz_seeds *seeds) {
#define USER "00000001-0000-4000-8000-000000000001"
  static const char *const lines[] = {
      "{\"table\":\"users\",\"row\":{\"id\":\"" USER
      "\",\"email\":\"a@b.c\",\"password_hash\":\"!\",\"first_name\":\"A\",\"last_name\":\"B\","
      "\"username\":\"ab\"}}",
      "{\"table\":\"users\",\"op\":\"upsert\",\"row\":{\"id\":\"" USER
      "\",\"email\":\"x@y.z\",\"password_hash\":\"!\",\"first_name\":\"\\u00e9\"}}",
      "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"C\"},\"where\":{\"email\":"
      "\"admin@example.com\"}}",
      "{\"table\":\"users\",\"op\":\"delete\",\"where\":{\"email\":\"a@b.c\"}}",
      "{\"table\":\"portfolio_transactions\",\"row\":{\"user_id\":\"" USER
      "\",\"transaction_type\":\"buy\",\"amount\":1.5,\"currency\":\"BTC\"}}",
      "{\"table\":\"contacts\",\"op\":\"insert\",\"row\":{\"name\":\"N\",\"email\":\"n@e.org\","
      "\"message\":\"m\"}}",
      "{\"table\":\"price_history\",\"row\":{\"crypto_type\":\"BTC\",\"price_usd\":60000.50,"
      "\"market_cap\":\"1200000000000.50\",\"quoted_at\":\"2026-11-01T00:00:00Z\"}}",
      "{\"table\":\"testimonies\",\"row\":{\"client_name\":\"X\",\"rating\":5,\"content\":\"good\"}"
      "}",
      "{\"table\":\"exchange_rates\",\"row\":{\"from_currency\":\"EUR\",\"to_currency\":\"USD\","
      "\"rate\":1.0001,\"quoted_at\":\"2026-11-01 00:00:00+02\"}}",
      "{\"table\":\"public.contacts\",\"op\":\"update\",\"row\":{\"message\":null},\"where\":{"
      "\"email\":null}}",
      "{\"table\":\"webhooks\",\"row\":{\"user_id\":\"" USER
      "\",\"url\":\"https://e.com\",\"events\":[\"transaction.created\",\"x\"],\"secret\":\"s\"}}",
      "{\"table\":\"audit_logs\",\"row\":{\"action\":\"LOGIN\",\"entity_type\":\"users\",\"entity_"
      "id\":\"" USER "\",\"ip_address\":\"203.0.113.9/24\",\"details\":{\"a\":[1,2]}}}",
  };
#undef USER
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) fuzz_seed_text(seeds, lines[i]);
}

static void fuzz_change_run(const char *bytes, size_t size) {
  ledger *db = fuzz_rows_file();
  ledger_rows *rows = NULL;
  int64_t changed = 0;
  char *text = malloc(size == 0 ? 1 : size);
  if (size > 0) memcpy(text, bytes, size);
  FUZZ_REQUIRE(ledger_begin(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  int rc = ledger_apply(db, text, (ptrdiff_t)size, &changed, &rows);
  if (rc != LEDGER_OK) {
    fuzz_require_error(rc, ledger_error_of(db));
    FUZZ_REQUIRE(rows == NULL && changed == 0, "rows with an error");
  } else {
    fuzz_rows_read_all(db, rows);
  }
  FUZZ_REQUIRE(ledger_rollback(db) == LEDGER_OK, "%s", ledger_error_of(db)->message);
  free(text);
}

/* ---- query strings: TABLE, a line's end, the query */

static void fuzz_query_seeds(struct fuzz_seeds *seeds) {
  static const char *const queries[] = {
      "users\nselect=id,email&email=eq.admin@example.com&order=created_at.desc.nullslast,id&limit="
      "10&offset=0",
      "users\nor=(email.eq.a,and(email.ilike.*x*,first_name.is.null))&limit=5",
      "users\nemail=not.in.(\"a,b\",c,\"d\\\"e\")&last_name=like.a%25",
      "users\nand=(created_at.gte.2026-01-01,not.or(email.match.^a.*,email.imatch.b%2Bc))",
      "users\nemail=isdistinct.x&deleted_at=is.null&is_active=is.true",
      "roles\nselect=*&order=name.asc.nullsfirst",
      "account_summaries\nselect=account_number,account_type&balance=gt.10.5&limit=3",
      "webhooks\nevents=eq.[\"a\"]&events=cs.{a,b}&retry_count=lt.5",
      "fee_schedules\nselect=*&order=id.desc",
      "audit_logs\nip_address=eq.10.0.0.1/8&details=eq.{\"a\": 1}&created_at=lt.infinity",
      "exchange_rates\nrate=lte.1.0001&from_currency=neq.USD",
      "role_permissions\nlimit=0",
  };
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) fuzz_seed_text(seeds, queries[i]);
}

static void fuzz_query_run(const char *bytes, size_t size) {
  ledger *db = fuzz_rows_file();
  ledger_rows *rows = NULL;
  char *table = malloc(size + 1);
  memcpy(table, bytes, size);
  table[size] = '\0';
  char *query = strchr(table, '\n');
  if (query != NULL) *query++ = '\0';
  int rc = ledger_select(db, table, query, &rows);
  if (rc == LEDGER_OK)
    fuzz_rows_read_all(db, rows);
  else
    fuzz_require_error(rc, ledger_error_of(db));
  free(table);
}

/* ---- SQL functions with any arguments: a byte picks the function, the rest the arguments */

static struct {
  char name[64];
  int arguments;
  bool aggregate;
} fuzz_function_list[1200];
static int fuzz_function_count;

/* Those of our connection that a plain one does not have. */
static void fuzz_function_find(ledger *db) {
  sqlite3 *plain = NULL;
  sqlite3_stmt *stmt = NULL, *known = NULL;
  sqlite3_open(":memory:", &plain);
  FUZZ_REQUIRE(sqlite3_prepare_v2(plain, "SELECT 1 FROM pragma_function_list WHERE name = ?", -1, &known, NULL) == SQLITE_OK,
               "list");
  FUZZ_REQUIRE(sqlite3_prepare_v2(db->sqlite, "SELECT DISTINCT name, narg, type FROM pragma_function_list ORDER BY 1, 2", -1,
                                  &stmt, NULL) == SQLITE_OK,
               "list");
  while (sqlite3_step(stmt) == SQLITE_ROW && fuzz_function_count < 1200) {
    sqlite3_bind_value(known, 1, sqlite3_column_value(stmt, 0));
    if (sqlite3_step(known) != SQLITE_ROW) {
      snprintf(fuzz_function_list[fuzz_function_count].name, 64, "%s", (const char *)sqlite3_column_text(stmt, 0));
      fuzz_function_list[fuzz_function_count].arguments = sqlite3_column_int(stmt, 1);
      fuzz_function_list[fuzz_function_count++].aggregate = strcmp((const char *)sqlite3_column_text(stmt, 2), "s") != 0;
    }
    sqlite3_reset(known);
  }
  sqlite3_finalize(stmt);
  sqlite3_finalize(known);
  sqlite3_close(plain);
}

static void fuzz_function_seeds(struct fuzz_seeds *seeds) {
  if (fuzz_function_count == 0) fuzz_function_find(fuzz_rows_file());
  FUZZ_REQUIRE(fuzz_function_count > 100, "only %d functions", fuzz_function_count);
  for (int i = 0; i < fuzz_function_count; i++) {
    unsigned char bytes[64];
    struct test_random r = {(uint64_t)i};
    for (int k = 0; k < 64; k++) bytes[k] = (unsigned char)random_below(&r, 256);
    bytes[0] = (unsigned char)(i & 0xff);
    bytes[1] = (unsigned char)(i >> 8);
    fuzz_seed_add(seeds, bytes, sizeof bytes);
  }
}

/* The function stays, the arguments are drawn anew. */
static void fuzz_function_mutate(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  (void)seeds;
  for (size_t i = 2; i < buffer->length; i++) buffer->bytes[i] = (char)random_below(r, 256);
}

static void fuzz_function_bind(sqlite3_stmt *stmt, int parameter, const unsigned char *bytes) {
  static const int64_t integers[] = {
      0,         1,         -1,           2, 3, 7, 10, 100, 255, 1000, 32768, 2147483647, -2147483647 - 1, 2147483648,
      INT64_MAX, INT64_MIN, INT64_MAX - 1};
  static const double reals[] = {
      0.0, -0.0, 0.5, 1.5, -2.5, 1e10, 1e300, -1e-300, 1e308 * 10, -1e308 * 10, 9.2233720368547758e18};
  static const char *const texts[] = {
      "",
      "a",
      "abc",
      "A B",
      "12.50",
      "-1",
      "0",
      "1e5",
      "99999999999999999999.5",
      "{\"a\": 1, \"b\": [1, {\"c\": null}]}",
      "[1, 2, 3]",
      "[\"a\", \"b\", null]",
      "[[1, 2], [3, 4]]",
      "[]",
      "{}",
      "null",
      "\"x\"",
      "{a,b}",
      "2026-01-28",
      "2026-01-28 12:34:56.5",
      "2026-01-28 12:34:56+00:00",
      "infinity",
      "-infinity",
      "12:34:56",
      "1 year 2 mons 3 days 04:05:06",
      "1 day",
      "0001-01-01",
      "9999-12-31 23:59:59.999999",
      "10.0.0.1/8",
      "::1",
      "10.1.2.0/24",
      "fe80::1/64",
      "^a.*(b|c)$",
      "(a+)+b",
      "[[:alpha:]]",
      "(?i)x",
      "\\d+",
      "%a_",
      "\\",
      "$1",
      "\xff\xfe",
      "a\xc3",
      "\xe2\x82\xac\xf0\x9f\x92\xa9",
      "year",
      "month",
      "day",
      "hour",
      "epoch",
      "dow",
      "UTC",
      "America/New_York",
      "+05:30",
      "YYYY-MM-DD HH24:MI:SS",
      "FM999,990.00",
      "hex",
      "base64",
      "escape",
      "a,b,c",
      ",",
      "integer",
      "numeric(10,2)",
      "text[]",
      "timestamp with time zone",
      "users",
      "%s %I %L %1$s",
      "00000001-0000-4000-8000-000000000001",
      "t",
      "on",
      "jsonb",
      "interval",
      "$.a",
      "a.b",
      "\\x00ff",
  };
  switch (bytes[0] % 8) {
  case 0: sqlite3_bind_null(stmt, parameter); break;
  case 1: sqlite3_bind_int64(stmt, parameter, integers[bytes[1] % (sizeof integers / sizeof integers[0])]); break;
  case 2: sqlite3_bind_double(stmt, parameter, reals[bytes[1] % (sizeof reals / sizeof reals[0])]); break;
  case 3: sqlite3_bind_blob(stmt, parameter, bytes + 1, bytes[1] % 6, SQLITE_TRANSIENT); break;
  case 4: sqlite3_bind_text(stmt, parameter, (const char *)bytes + 1, bytes[1] % 6, SQLITE_TRANSIENT); break;
  default: sqlite3_bind_text(stmt, parameter, texts[bytes[1] % (sizeof texts / sizeof texts[0])], -1, SQLITE_STATIC); break;
  }
}

static void fuzz_function_run(const char *bytes, size_t size) {
  ledger *db = fuzz_rows_file();
  const unsigned char *u = (const unsigned char *)bytes;
  if (size < 64) return;
  if (fuzz_function_count == 0) fuzz_function_find(db);
  int which = (u[0] | u[1] << 8) % fuzz_function_count;
  int arguments = fuzz_function_list[which].arguments;
  if (arguments < 0) arguments = u[2] % 6;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "SELECT \"%w\"(", fuzz_function_list[which].name);
  for (int i = 0; i < arguments; i++) sqlite3_str_appendf(sql, "%sx.c%d", i == 0 ? "" : ", ", i);
  sqlite3_str_appendall(sql, ") FROM (");
  int rows = fuzz_function_list[which].aggregate ? u[3] % 4 : 1;
  for (int row = 0; row < (rows == 0 ? 1 : rows); row++) {
    sqlite3_str_appendf(sql, "%sSELECT 1", row == 0 ? "" : " UNION ALL ");
    for (int i = 0; i < arguments; i++) sqlite3_str_appendf(sql, ", ?%d AS c%d", row * arguments + i + 1, i);
  }
  sqlite3_str_appendf(sql, ") AS x%s", rows == 0 ? " WHERE 0" : "");
  char *text = sqlite3_str_finish(sql);
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db->sqlite, text, -1, &stmt, NULL);
  if (rc == SQLITE_OK) {
    for (int i = 0; i < sqlite3_bind_parameter_count(stmt); i++) fuzz_function_bind(stmt, i + 1, u + 4 + (i * 5) % 54);
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) == SQLITE_TEXT) (void)sqlite3_column_bytes(stmt, 0);
    rc = sqlite3_reset(stmt);
    FUZZ_REQUIRE(rc == SQLITE_OK || (rc & 0xff) == SQLITE_ERROR || (rc & 0xff) == SQLITE_TOOBIG ||
                     (rc & 0xff) == SQLITE_CONSTRAINT || rc == SQLITE_NOMEM,
                 "%s: %d %s", text, rc, sqlite3_errmsg(db->sqlite));
    if ((rc & 0xff) == SQLITE_ERROR && strcmp(fuzz_function_list[which].name, "pg_raise") != 0) {
      ledger_error error = {0};
      (void)store_error_function(sqlite3_errmsg(db->sqlite), &error);
      FUZZ_REQUIRE(error.code != LEDGER_OK && strcmp(error.sqlstate, "XX000") != 0, "%s: %s", text, sqlite3_errmsg(db->sqlite));
    }
  }
  sqlite3_finalize(stmt);
  sqlite3_free(text);
}
