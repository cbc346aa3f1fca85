/*
** test_encryption.c: columns that are kept encrypted: what is written and read with the key, without it and with another; what
** the file has of it; ciphertexts that were altered, moved or written in clear; the first key, another one, none, and each of them
** when memory runs out; and what the schema compiler refuses.
*/
#include "../../ledger.c"

#include "../../schema/compiler/compiler.h"
#include "fixture.h"

#include <allocation.h>
#include <sql.h>

static const char schema[] =
    "CREATE TABLE vault (id integer PRIMARY KEY, plain text, secret text DEFAULT 'first', data jsonb,"
    " raw json, note varchar);\n"
    "CREATE TABLE other (id integer PRIMARY KEY, secret text NOT NULL);\n"
    "COMMENT ON COLUMN vault.secret IS E'What nobody is to know.\\n@encrypted';\n"
    "COMMENT ON COLUMN vault.data IS '@encrypted';\n"
    "COMMENT ON COLUMN vault.raw IS E'@encrypted\\nwith a word behind it';\n"
    "COMMENT ON COLUMN vault.note IS 'not @encrypted, for the line says more';\n"
    "COMMENT ON COLUMN other.secret IS '@encrypted';\n"
    "CREATE VIEW seen AS SELECT id, secret FROM vault;\n"
    "INSERT INTO other VALUES (1, 'seed');\n";

static unsigned char key_one[LEDGER_ENCRYPTION_KEY_BYTES], key_two[LEDGER_ENCRYPTION_KEY_BYTES];

static struct schema_result *compile(const char *text) {
  struct schema_file file = {"test.sql", text, strlen(text)};
  struct schema_options options = {"test", false};
  struct schema_result *result = NULL;
  (void)schema_compile(&file, 1, &options, &result);
  assert_non_null(result);
  return result;
}

static ledger *vault_open(const char *name) {
  char path[128] = ":memory:";
  struct schema_result *compiled = compile(schema);
  ledger *db = NULL;
  if (name != NULL) fixture_path(path, name);
  assert_int_equal(compiled->error_count, 0);
  assert_int_equal(ledger_create(path, compiled->script, 0, &db), LEDGER_OK);
  schema_free(compiled);
  return db;
}

/* With one row, and the first key. */
static ledger *vault_locked(const char *name) {
  int64_t count = -1;
  ledger *db = vault_open(name);
  assert_done(db, fixture_insert(db, "vault",
                                 PAIRS("id=1", "plain=p", "secret=s\xc3\xa9" "cret",
                                       "data={\"b\": 1.50, \"a\": null}", "raw=[1 ]", "note=n")));
  assert_done(db, ledger_encrypt(db, key_one, &count));
  assert_int_equal(count, 4);
  return db;
}

static const char *kept(ledger *db, const char *sql) { /* static; what SQLite has */
  static char text[2048];
  sqlite3_stmt *stmt = NULL;
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
  text[0] = 0;
  if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
    sqlite3_snprintf((int)sizeof text, text, "%s", sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  return text;
}

static void run(ledger *db, const char *sql) { /* behind the library's back */
  char *problem = NULL;
  if (sqlite3_exec(db->sqlite, sql, NULL, NULL, &problem) != SQLITE_OK) fail_msg("%s", problem);
}

static ledger *reopen(ledger *db, const char *name, const unsigned char *key) {
  char path[128];
  fixture_path(path, name);
  ledger_close(db);
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  if (key != NULL) assert_done(db, ledger_set_encryption_key(db, key));
  return db;
}

static int setup(void **state) {
  ledger_encryption_key(key_one);
  ledger_encryption_key(key_two);
  assert_memory_not_equal(key_one, key_two, sizeof key_one);
  return fixture_start(state);
}

/* ---- reading and writing */

static const char clear_row[] = "{\"id\":1,\"plain\":\"p\",\"secret\":\"s\xc3\xa9" "cret\",\"data\":{\"a\": null, "
                                "\"b\": 1.50},\"raw\":[1 ],\"note\":\"n\"}";

static void with_the_key(void **state) {
  (void)state;
  ledger *db = vault_locked("with.db");
  assert_string_equal(fixture_rows(db, "vault", NULL), clear_row);
  assert_string_equal(fixture_rows(db, "other", NULL), "{\"id\":1,\"secret\":\"seed\"}");
  db = reopen(db, "with.db", key_one);
  assert_string_equal(fixture_rows(db, "vault", NULL), clear_row);
  /* The default is a secret, too; NULL and the empty text are themselves. */
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=2")));
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=3", "secret=", "data", "raw=null")));
  assert_string_equal(fixture_rows(db, "vault", "id=gt.1&select=id,secret,data,raw&order=id"),
                      "{\"id\":2,\"secret\":\"first\",\"data\":null,\"raw\":null}\n"
                      "{\"id\":3,\"secret\":\"\",\"data\":null,\"raw\":null}");
  assert_string_equal(kept(db, "SELECT group_concat(id || typeof(data) || typeof(raw)) FROM vault"),
                      "1texttext,2nullnull,3nulltext");
  int64_t changed = 0;
  assert_done(db, fixture_update(db, "vault", PAIRS("secret=new", "data=[1]"), PAIRS("id=2"), &changed));
  assert_done(db, fixture_update(db, "vault", PAIRS("secret=DEFAULT"), PAIRS("id=3"), &changed));
  assert_string_equal(fixture_rows(db, "vault", "id=gt.1&select=secret,data&order=id"),
                      "{\"secret\":\"new\",\"data\":[1]}\n{\"secret\":\"first\",\"data\":null}");
  ledger_rows *rows = NULL;
  assert_done(db, ledger_apply(db, "{\"table\":\"vault\",\"op\":\"upsert\",\"row\":{\"id\":2,\"secret\":\"up\"}}", -1,
                               &changed, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  size_t length;
  assert_string_equal(ledger_rows_text(rows, 2, &length), "up");
  assert_int_equal(length, 2);
  assert_string_equal(ledger_rows_text(rows, 3, NULL), "[1]");
  ledger_rows_free(rows);
  ledger_close(db);
}

static void without_the_key(void **state) {
  (void)state;
  ledger *db = reopen(vault_locked("without.db"), "without.db", NULL);
  const char *secret = fixture_rows(db, "vault", "select=secret");
  assert_non_null(strstr(secret, "{\"secret\":\"enc:1:"));
  const char *json = fixture_rows(db, "vault", "select=data,raw");
  assert_non_null(strstr(json, "{\"data\":\"enc:1:"));
  assert_non_null(strstr(json, "\"raw\":\"enc:1:"));
  assert_int_equal(fixture_insert(db, "vault", PAIRS("id=9", "secret=x")), LEDGER_NO_ENCRYPTION_KEY);
  assert_string_equal(ledger_error_of(db)->sqlstate, "LA016");
  assert_string_equal(ledger_error_of(db)->table, "vault");
  assert_string_equal(ledger_error_of(db)->column, "secret");
  assert_int_equal(fixture_insert(db, "vault", PAIRS("id=9")), LEDGER_NO_ENCRYPTION_KEY); /* the default */
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=9", "secret")));
  assert_int_equal(fixture_update(db, "vault", PAIRS("raw=1"), PAIRS("id=1"), NULL), LEDGER_NO_ENCRYPTION_KEY);
  assert_done(db, fixture_update(db, "vault", PAIRS("plain=q", "data"), PAIRS("id=1"), NULL));
  assert_int_equal(ledger_set_encryption_key(db, key_two), LEDGER_NO_ENCRYPTION_KEY);
  assert_null(db->encryption);
  assert_int_equal(ledger_encrypt(db, key_two, NULL), LEDGER_NO_ENCRYPTION_KEY);
  assert_int_equal(ledger_encrypt(db, NULL, NULL), LEDGER_NO_ENCRYPTION_KEY);
  assert_int_equal(ledger_export_decrypted(db, 1), LEDGER_NO_ENCRYPTION_KEY);
  ledger_close(db);
}

static void no_key_yet(void **state) {
  (void)state;
  ledger *db = vault_open(NULL);
  assert_int_equal(ledger_set_encryption_key(db, key_one), LEDGER_NOT_IN_PREREQUISITE);
  assert_int_equal(ledger_encrypt(db, NULL, NULL), LEDGER_NOT_IN_PREREQUISITE);
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=1", "secret=clear")));
  assert_string_equal(fixture_rows(db, "vault", "secret=eq.clear&select=id"), "{\"id\":1}");
  assert_string_equal(kept(db, "SELECT secret FROM vault"), "clear");
  assert_done(db, ledger_begin(db));
  assert_int_equal(ledger_encrypt(db, key_one, NULL), LEDGER_ACTIVE_TRANSACTION);
  assert_done(db, ledger_rollback(db));
  ledger_close(db);
  struct schema_result *bare = compile("CREATE TABLE bare (id integer PRIMARY KEY);");
  assert_int_equal(ledger_create(":memory:", bare->script, 0, &db), LEDGER_OK);
  assert_failed(db, ledger_encrypt(db, key_one, NULL), "55000", "the file has no columns to be encrypted", "");
  schema_free(bare);
  ledger_close(db);
}

/* The same text is another ciphertext each time, and says no more than its length. */
static void what_is_kept(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  char first[256];
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=2", "secret=twin")));
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=3", "secret=twin")));
  sqlite3_snprintf((int)sizeof first, first, "%s", kept(db, "SELECT secret FROM vault WHERE id = 2"));
  assert_int_equal(strlen(first), 6 + seal_base64_length(4 + 24 + 16));
  assert_string_not_equal(first, kept(db, "SELECT secret FROM vault WHERE id = 3"));
  assert_int_equal(sql_number(db->sqlite, "SELECT json_valid(data) AND json_type(data) = 'text' FROM vault WHERE id = 1"), 1);
  assert_string_equal(kept(db, "SELECT plain || note FROM vault WHERE id = 1"), "pn");
  assert_int_equal(sql_number(db->sqlite, "SELECT count(*) FROM ledger_meta WHERE key = 'encryption_key' AND length(value) = 16"), 1);
  ledger_close(db);
}

static bool file_has(const char *name, const char *text) {
  char path[128];
  fixture_path(path, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return false;
  char *bytes = malloc(8 << 20);
  assert_non_null(bytes);
  size_t length = fread(bytes, 1, 8 << 20, file);
  fclose(file);
  bool has = memmem(bytes, length, text, strlen(text)) != NULL;
  free(bytes);
  return has;
}

static void nothing_is_left_in_clear(void **state) {
  (void)state;
  ledger *db = vault_open("wiped.db");
  char row[64];
  assert_done(db, ledger_begin(db));
  for (int i = 1; i <= 300; i++) {
    sqlite3_snprintf((int)sizeof row, row, "id=%d", i);
    assert_done(db, fixture_insert(db, "vault", PAIRS(row, "secret=find-me-if-you-can")));
  }
  assert_done(db, ledger_commit(db));
  assert_true(file_has("wiped.db-wal", "find-me-if-you-can"));
  assert_done(db, ledger_encrypt(db, key_one, NULL));
  assert_false(file_has("wiped.db", "find-me-if-you-can"));
  assert_false(file_has("wiped.db-wal", "find-me-if-you-can"));
  assert_true(file_has("wiped.db", "enc:1:"));
  ledger_close(db);
}

/* ---- what else a column could be asked */

static void comparing(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  const char *refused = "column \"secret\" of \"vault\" is encrypted: it can be read whole or be null, nothing else";
  assert_failed(db, fixture_update(db, "vault", PAIRS("plain=x"), PAIRS("secret=x"), NULL), "0A000", refused, "");
  assert_failed(db, fixture_delete(db, "vault", PAIRS("secret=x"), NULL), "0A000", refused, "");
  int64_t changed = -1;
  assert_done(db, fixture_delete(db, "vault", PAIRS("secret"), &changed));
  assert_int_equal(changed, 0);
  ledger_close(db);
}

static const char *answer(ledger *db, const char *text) { /* its text, or code and sentence; static */
  static char out[1024];
  ledger_answer answer = {0};
  ledger_query query = {.verb = LEDGER_VERB_READ, .table = "vault", .text = text};
  int rc = ledger_ask(db, &query, &answer);
  sqlite3_snprintf((int)sizeof out, out, "%s%s%s", rc == LEDGER_OK ? answer.text : answer.code,
                   rc == LEDGER_OK ? "" : " ", rc == LEDGER_OK ? "" : answer.error.message);
  ledger_answer_free(&answer);
  return out;
}

static void asking(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  assert_string_equal(answer(db, "select=secret,data,raw,plain"),
                      "[{\"secret\":\"s\xc3\xa9" "cret\",\"data\":{\"a\": null, \"b\": 1.50},\"raw\":[1 ],\"plain\":\"p\"}]");
  assert_string_equal(answer(db, "select=id&secret=is.null"), "[]");
  assert_string_equal(answer(db, "select=id&data=not.is.null"), "[{\"id\":1}]");
  static const char *const refused[] = {
      "select=id&secret=eq.x",    "select=id&secret=like.s*", "select=id&data->>a=eq.1", "order=secret",
      "select=secret::varchar",   "select=data->a",           "select=secret.max()",     "select=id&or=(id.eq.1,secret.gt.a)",
      "select=id&secret=in.(a,b)"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    const char *seen = answer(db, refused[i]);
    if (strncmp(seen, "0A000 ", 6) != 0) fail_msg("%s: %s", refused[i], seen);
  }
  ledger_close(db);
}

/* ---- a file in somebody's hands */

static void read_fails(ledger *db, const char *table, const char *message) {
  char wanted[300];
  sqlite3_snprintf((int)sizeof wanted, wanted, "%s", message);
  ledger_rows *rows = NULL;
  assert_done(db, ledger_select(db, table, "order=id.desc", &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_null(ledger_rows_json(rows, NULL));
  assert_string_equal(ledger_error_of(db)->message, wanted);
  assert_string_equal(ledger_error_of(db)->sqlstate, "XX001");
  assert_string_equal(ledger_error_of(db)->table, table);
  assert_string_equal(ledger_error_of(db)->column, "secret");
  ledger_rows_free(rows);
}

#define ALTERED "the value was altered, or encrypted for another column or under another key"

static void hands(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  /* Every byte of it counts. */
  int length = (int)sql_number(db->sqlite, "SELECT length(secret) FROM other");
  run(db, "CREATE TEMP TABLE keep AS SELECT secret FROM other");
  for (int i = 7; i <= length; i++) {
    char sql[200];
    sqlite3_snprintf((int)sizeof sql, sql,
                     "UPDATE other SET secret = substr(secret, 1, %d) || CASE substr(secret, %d, 1)"
                     " WHEN 'A' THEN 'Q' ELSE 'A' END || substr(secret, %d)", i - 1, i, i + 1);
    run(db, sql);
    read_fails(db, "other", "table \"other\", column \"secret\": " ALTERED);
    run(db, "UPDATE other SET secret = (SELECT secret FROM keep)");
  }
  assert_string_equal(fixture_rows(db, "other", NULL), "{\"id\":1,\"secret\":\"seed\"}");
  static const char *const short_ones[] = {"enc:1:", "enc:1:AAAA", "enc:1:*", "enc:1:AAA="};
  for (size_t i = 0; i < sizeof short_ones / sizeof *short_ones; i++) {
    char sql[100];
    sqlite3_snprintf((int)sizeof sql, sql, "UPDATE other SET secret = '%s'", short_ones[i]);
    run(db, sql);
    read_fails(db, "other", "table \"other\", column \"secret\": " ALTERED);
  }
  /* Of another table, of another column. */
  run(db, "UPDATE other SET secret = (SELECT secret FROM vault)");
  read_fails(db, "other", "table \"other\", column \"secret\": " ALTERED);
  run(db, "UPDATE vault SET secret = trim(data, '\"')");
  read_fails(db, "vault", "table \"vault\", column \"secret\": " ALTERED);
  /* In clear. */
  run(db, "UPDATE other SET secret = 'clear'");
  read_fails(db, "other", "table \"other\", column \"secret\": the value is not encrypted, and the file has a key");
  ledger_close(db);
}

/* What it does not protect against: the same column of another row. */
static void another_row(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  assert_done(db, fixture_insert(db, "other", PAIRS("id=2", "secret=two")));
  run(db, "UPDATE other SET secret = (SELECT secret FROM other WHERE id = 2)");
  assert_string_equal(fixture_rows(db, "other", "id=eq.1"), "{\"id\":1,\"secret\":\"two\"}");
  ledger_close(db);
}

/* ---- keys change */

static void rotation(void **state) {
  (void)state;
  ledger *db = vault_locked("rotation.db"), *reader = NULL, *old = NULL;
  char path[128];
  int64_t count = 0;
  fixture_path(path, "rotation.db");
  assert_int_equal(ledger_open(path, 0, &old), LEDGER_OK);
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &reader), LEDGER_OK);
  assert_done(old, ledger_set_encryption_key(old, key_one));
  assert_done(reader, ledger_set_encryption_key(reader, key_one));
  assert_done(db, ledger_encrypt(db, key_two, &count));
  assert_int_equal(count, 4);
  assert_string_equal(fixture_rows(db, "vault", NULL), clear_row);
  /* Handles that have the old key notice. */
  ledger_rows *rows = NULL;
  assert_done(reader, ledger_select(reader, "vault", NULL, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_null(ledger_rows_json(rows, NULL));
  assert_int_equal(ledger_error_of(reader)->code, LEDGER_NO_ENCRYPTION_KEY);
  ledger_rows_free(rows);
  assert_int_equal(fixture_insert(old, "vault", PAIRS("id=5", "secret=x")), LEDGER_NO_ENCRYPTION_KEY);
  assert_done(old, ledger_set_encryption_key(old, key_two));
  assert_done(old, fixture_insert(old, "vault", PAIRS("id=5", "secret=five")));
  /* What another program wrote in clear becomes encrypted by the same key once more. */
  run(db, "UPDATE vault SET secret = 'clear' WHERE id = 5");
  assert_done(db, ledger_encrypt(db, key_two, &count));
  assert_int_equal(count, 5);
  assert_string_equal(fixture_rows(db, "vault", "id=eq.5&select=secret"), "{\"secret\":\"clear\"}");
  assert_done(db, ledger_encrypt(db, NULL, &count));
  assert_null(db->encryption);
  assert_string_equal(kept(db, "SELECT secret || data || raw FROM vault WHERE id = 1"),
                      "s\xc3\xa9" "cret{\"a\": null, \"b\": 1.50}[1 ]");
  assert_int_equal(sql_number(db->sqlite, "SELECT count(*) FROM ledger_meta WHERE key = 'encryption_key'"), 0);
  assert_done(db, fixture_insert(db, "vault", PAIRS("id=6", "secret=free")));
  assert_string_equal(kept(db, "SELECT secret FROM vault WHERE id = 6"), "free");
  assert_true(sql_is_sound(db->sqlite));
  ledger_close(db);
  ledger_close(reader);
  ledger_close(old);
}

/* A value that does not open: nothing changes, and the message says where it is. */
static void rotation_meets_damage(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  run(db, "UPDATE vault SET secret = replace(secret, substr(secret, 20, 3), 'AAA')");
  assert_failed(db, ledger_encrypt(db, key_two, NULL), "XX001",
                "table \"vault\", key (1), column \"secret\": " ALTERED, "");
  assert_string_equal(fixture_rows(db, "other", NULL), "{\"id\":1,\"secret\":\"seed\"}");
  assert_int_equal(ledger_encrypt(db, NULL, NULL), LEDGER_CORRUPT);
  assert_done(db, fixture_update(db, "vault", PAIRS("secret=mended"), PAIRS("id=1"), NULL));
  assert_done(db, ledger_encrypt(db, key_two, NULL));
  assert_string_equal(fixture_rows(db, "vault", "select=secret"), "{\"secret\":\"mended\"}");
  ledger_close(db);
}

static int stop(void *context, int64_t done, int64_t total) {
  (void)total;
  return done >= *(const int64_t *)context;
}

static void rotation_is_stopped(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  int64_t after = 1000;
  char row[32];
  for (int i = 2; i <= 1500; i++) {
    sqlite3_snprintf((int)sizeof row, row, "id=%d", i);
    assert_done(db, fixture_insert(db, "vault", PAIRS(row)));
  }
  ledger_progress(db, stop, &after);
  assert_int_equal(ledger_encrypt(db, key_two, NULL), LEDGER_INTERRUPTED);
  ledger_progress(db, NULL, NULL);
  assert_string_equal(fixture_rows(db, "vault", "id=eq.1"), clear_row);
  assert_string_equal(fixture_rows(db, "vault", "id=eq.1500&select=secret"), "{\"secret\":\"first\"}");
  ledger_close(db);
}

/* Values that are there under the coming key already, as an import brings them, are not encrypted twice. */
static void the_key_of_what_is_there(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  run(db, "DELETE FROM ledger_meta WHERE key = 'encryption_key'; CREATE VIEW v AS SELECT 1; DROP VIEW v");
  run(db, "INSERT INTO other VALUES (2, 'enc:1:of nobody')");
  encryption_close(db);
  assert_failed(db, ledger_encrypt(db, key_one, NULL), "XX001", "table \"other\", key (2), column \"secret\": " ALTERED, "");
  run(db, "DELETE FROM other WHERE id = 2");
  assert_done(db, ledger_encrypt(db, key_one, NULL));
  assert_string_equal(fixture_rows(db, "vault", NULL), clear_row);
  ledger_close(db);
}

/* Other programs and sync hear of the rows. */
static void it_is_a_change(void **state) {
  (void)state;
  ledger *db = vault_locked(NULL);
  int64_t before = sql_number(db->sqlite, "SELECT count(*) FROM ledger_change");
  assert_done(db, ledger_encrypt(db, key_two, NULL));
  assert_int_equal(sql_number(db->sqlite, "SELECT count(*) FROM ledger_change"), before + 2);
  ledger_close(db);
}

/* ---- memory */

static void memory_runs_out(void **state) {
  (void)state;
  struct schema_result *compiled = compile(schema);
  int rc = LEDGER_MEMORY;
  for (int64_t n = 1; rc != LEDGER_OK; n++) {
    ledger *db = NULL;
    memory_arm(0, false);
    assert_int_equal(ledger_create(":memory:", compiled->script, 0, &db), LEDGER_OK);
    assert_done(db, fixture_insert(db, "vault", PAIRS("id=1", "secret=a", "data=1")));
    assert_done(db, ledger_encrypt(db, key_one, NULL));
    memory_arm(n, false);
    rc = ledger_encrypt(db, key_two, NULL);
    bool is_all = memory.calls < n;
    memory_assert("ledger_encrypt", n, rc, ledger_error_of(db));
    memory_arm(0, false);
    /* One key or the other, for all of it. */
    assert_string_equal(fixture_rows(db, "vault", "select=secret,data"), "{\"secret\":\"a\",\"data\":1}");
    assert_memory_equal(db->encryption->key, rc == LEDGER_OK ? key_two : key_one, sizeof key_one);
    memory_arm(n, false);
    (void)fixture_update(db, "vault", PAIRS("secret=b"), PAIRS("id=1"), NULL);
    memory_arm(0, false);
    const char *now = fixture_rows(db, "vault", "select=secret");
    if (strcmp(now, "{\"secret\":\"a\"}") != 0) assert_string_equal(now, "{\"secret\":\"b\"}");
    ledger_close(db);
    if (rc == LEDGER_OK && !is_all) rc = LEDGER_MEMORY; /* SQLite could do without it */
  }
  schema_free(compiled);
}

/* ---- the compiler */

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *sql, *message;
  } cases[] = {
      {"CREATE TABLE t (a integer);", "column \"a\" of type integer cannot be @encrypted"},
      {"CREATE TABLE t (a varchar(10));", "column \"a\" of type character varying(10) cannot be @encrypted"},
      {"CREATE TABLE t (a text[]);", "column \"a\" of type text[] cannot be @encrypted"},
      {"CREATE TABLE t (b text, a text GENERATED ALWAYS AS (b) STORED);", "column \"a\" of type text cannot be @encrypted"},
      {"CREATE TABLE t (a text UNIQUE);", "column \"a\" cannot be @encrypted: constraint \"t_a_key\" reads it"},
      {"CREATE TABLE t (a text PRIMARY KEY);", "column \"a\" cannot be @encrypted: constraint \"t_pkey\" reads it"},
      {"CREATE TABLE t (a text CHECK (length(a) > 3));", "column \"a\" cannot be @encrypted: constraint \"t_a_check\" reads it"},
      {"CREATE TABLE t (a text); CREATE INDEX i ON t (a);", "column \"a\" cannot be @encrypted: index \"i\" reads it"},
      {"CREATE TABLE t (b int, a text); CREATE INDEX i ON t (b) WHERE a IS NULL;",
       "column \"a\" cannot be @encrypted: index \"i\" reads it"},
      {"CREATE TABLE t (a text, b text GENERATED ALWAYS AS (a || 'x') STORED);",
       "column \"a\" cannot be @encrypted: generated column \"b\" reads it"},
      {"CREATE TABLE t (b int, a text); CREATE POLICY p ON t USING (a = 'x');",
       "column \"a\" cannot be @encrypted: policy \"p\" reads it"},
      {"CREATE TABLE t (b int, a text); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
       " 'BEGIN NEW.a := ''x''; RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
       "column \"a\" cannot be @encrypted: trigger \"g\" reads it"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = sqlite3_mprintf("%s\nCOMMENT ON COLUMN t.a IS '@encrypted';", cases[i].sql);
    struct schema_result *result = compile(text);
    assert_int_equal(result->error_count, 1);
    for (int n = 0; n < result->note_count; n++) {
      if (result->notes[n].severity != SCHEMA_ERROR) continue;
      assert_string_equal(result->notes[n].message, cases[i].message);
      assert_string_equal(result->notes[n].sqlstate, "0A000");
    }
    schema_free(result);
    sqlite3_free(text);
  }
}

/* The columns of full that the seeds ask to keep so. */
static void of_full(void **state) {
  (void)state;
  static const char *const wanted[] = {"users.two_factor_secret",       "user_profiles.tax_id",
                                       "user_kyc.document_number",      "user_kyc.document_front_url",
                                       "user_kyc.document_back_url",    "user_kyc.selfie_url",
                                       "webhooks.secret",               "integration_configs.credentials"};
  size_t found = 0;
  ledger *db = NULL;
  assert_int_equal(ledger_create(":memory:", ledger_schema("full"), 0, &db), LEDGER_OK);
  for (int i = 0; i < db->catalog->relation_count; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    for (int n = 0; n < relation->column_count; n++) {
      if (!relation->columns[n].is_secret) continue;
      char name[140];
      sqlite3_snprintf((int)sizeof name, name, "%s.%s", relation->name, relation->columns[n].name);
      assert_true(found < sizeof wanted / sizeof *wanted);
      assert_string_equal(name, wanted[found++]);
    }
  }
  assert_int_equal(found, sizeof wanted / sizeof *wanted);
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(with_the_key),
      cmocka_unit_test(without_the_key),
      cmocka_unit_test(no_key_yet),
      cmocka_unit_test(what_is_kept),
      cmocka_unit_test(nothing_is_left_in_clear),
      cmocka_unit_test(comparing),
      cmocka_unit_test(asking),
      cmocka_unit_test(hands),
      cmocka_unit_test(another_row),
      cmocka_unit_test(rotation),
      cmocka_unit_test(rotation_meets_damage),
      cmocka_unit_test(rotation_is_stopped),
      cmocka_unit_test(the_key_of_what_is_there),
      cmocka_unit_test(it_is_a_change),
      cmocka_unit_test(memory_runs_out),
      cmocka_unit_test(refusals),
      cmocka_unit_test(of_full),
  };
  if (memory_setup(NULL) != 0) return 1;
  return cmocka_run_group_tests(tests, setup, fixture_end);
}
