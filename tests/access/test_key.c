/*
** test_key.c: API keys: made, verified, withdrawn, in every schema; keys that came with the schema's rows; keys that are none.
*/
#include "../../ledger.c"

#include "sign_in.h"

static ledger *db;
static char *user_id;

static void open_with(const char *schema) {
  db = schema == NULL ? sign_in_open_bare() : sign_in_open(schema);
  user_id = sign_in_user(db, "ada@example.com", "correct horse");
}

static void shut(void) {
  ledger_close(db);
  free(user_id);
}

static void in_each(void (*body)(const char *schema)) {
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    const char *schema = i < SIGN_IN_SCHEMAS ? sign_in_schemas[i] : NULL;
    open_with(schema);
    body(schema == NULL ? "bare" : schema);
    shut();
  }
}

static bool has_rows(void) {
  return catalog_stored(db->catalog, "api_keys", 8) != NULL;
}

/* The list's row of a key, as JSON; "" if it is not there. */
static const char *listed(const char *id) {
  static char out[2048];
  ledger_rows *rows = NULL;
  char member[128];
  snprintf(member, sizeof member, "{\"id\":\"%s\",", id);
  out[0] = 0;
  assert_done(db, ledger_key_list(db, &rows));
  while (ledger_rows_next(rows) == LEDGER_ROW) {
    const char *json = ledger_rows_json(rows, NULL);
    if (strncmp(json, member, strlen(member)) == 0) snprintf(out, sizeof out, "%s", json);
  }
  ledger_rows_free(rows);
  return out;
}

static void a_users_key(const char *schema) {
  char *id = NULL, *key = NULL;
  ledger_identity identity;
  char wanted[256];
  ledger_key_request request = {.user = "ada@example.com",
                                .name = "build server",
                                .permissions = "{\"read:accounts\": true}",
                                .rate_limit = 7};
  (void)schema;
  assert_done(db, ledger_key_create(db, &request, &id, &key));
  assert_memory_equal(key, "lk_", 3);
  assert_int_equal(strlen(key), 3 + 16 + 1 + 48);
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_string_equal(identity.role, "authenticated");
  assert_string_equal(identity.user_id, user_id);
  assert_string_equal(identity.key_id, id);
  assert_string_equal(identity.session_id, "");
  assert_int_equal(identity.rate_limit, 7);
  assert_true(strcmp(identity.permissions, "{\"read:accounts\":true}") == 0 ||
              strcmp(identity.permissions, "{\"read:accounts\": true}") == 0);
  snprintf(wanted, sizeof wanted,
           "{\"sub\":\"%s\",\"aud\":\"authenticated\",\"role\":\"authenticated\",\"key_id\":\"%s\"}",
           user_id, id);
  assert_string_equal(identity.claims, wanted);
  assert_non_null(strstr(listed(id), "\"name\":\"build server\""));
  assert_non_null(strstr(listed(id), "\"is_active\":\"true\""));
  assert_non_null(strstr(listed(id), "\"rate_limit\":\"7\""));
  /* no key stands in the file, nor does its secret */
  char *dump = sqlite3_mprintf("hash LIKE '%%%q%%'", key + 20);
  assert_int_equal(sign_in_count(db, "ledger_key", dump), 0);
  sqlite3_free(dump);
  assert_int_equal(sign_in_count(db, "ledger_key", "length(hash) = 64 AND length(salt) = 16"), 1);
  if (has_rows()) {
    assert_int_equal(sign_in_count(db, "api_keys", "key_hash = (SELECT hash FROM ledger_key)"), 1);
    assert_int_equal(sign_in_count(db, "api_keys", "CAST(user_id AS TEXT) = (SELECT user_id FROM"
                                                   " ledger_key)"),
                     1);
  }
  /* a ban, at once */
  ledger_user_change ban = {.banned_until = "infinity", .by_administrator = 1};
  assert_done(db, ledger_user_update(db, user_id, &ban, NULL));
  assert_refused(db, LEDGER_BANNED, ledger_key_verify(db, key, &identity));
  ban.banned_until = "";
  assert_done(db, ledger_user_update(db, user_id, &ban, NULL));
  assert_done(db, ledger_key_verify(db, key, &identity));
  /* withdrawn, once */
  assert_done(db, ledger_key_revoke(db, id));
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_revoke(db, id));
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, key, &identity));
  assert_string_equal(identity.role, "");
  assert_non_null(strstr(listed(id), "\"is_active\":\"false\""));
  if (has_rows()) assert_int_equal(sign_in_count(db, "api_keys", "NOT is_active"), 1);
  ledger_free(id);
  ledger_free(key);
  /* goes with its user */
  request = (ledger_key_request){.user = user_id};
  assert_done(db, ledger_key_create(db, &request, NULL, &key));
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_int_equal(identity.rate_limit, 100);
  assert_string_equal(identity.permissions, "");
  assert_done(db, ledger_user_delete(db, user_id, 1));
  int rc = ledger_key_verify(db, key, &identity);
  assert_true(rc == LEDGER_BAD_KEY || rc == LEDGER_BANNED);
  assert_done(db, ledger_user_delete(db, user_id, 0));
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, key, &identity));
  assert_int_equal(sign_in_count(db, "ledger_key", "true"), 0);
  ledger_free(key);
}

static void users_keys(void **state) {
  (void)state;
  in_each(a_users_key);
}

static void a_roles_key(const char *schema) {
  static const char *const roles[] = {"anon", "service_role"};
  static const char *const prefixes[] = {"sb_publishable_", "sb_secret_"};
  (void)schema;
  for (int i = 0; i < 2; i++) {
    char *id, *key;
    ledger_identity identity;
    ledger_key_request request = {.role = roles[i]};
    assert_done(db, ledger_key_create(db, &request, &id, &key));
    assert_memory_equal(key, prefixes[i], strlen(prefixes[i]));
    assert_done(db, ledger_key_verify(db, key, &identity));
    assert_string_equal(identity.role, roles[i]);
    assert_string_equal(identity.user_id, "");
    assert_string_equal(identity.key_id, id);
    assert_int_equal(identity.rate_limit, 0);
    assert_int_equal(strlen(id), 16);
    /* under the other's name, and a user's, it is none */
    char other[256];
    snprintf(other, sizeof other, "%s%s", prefixes[1 - i], key + strlen(prefixes[i]));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, other, &identity));
    snprintf(other, sizeof other, "lk_%s", key + strlen(prefixes[i]));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, other, &identity));
    assert_done(db, ledger_key_revoke(db, id));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, key, &identity));
    ledger_free(id);
    ledger_free(key);
  }
}

static void roles_keys(void **state) {
  (void)state;
  in_each(a_roles_key);
}

/* Bytes altered, cut, added. */
static void forged(void **state) {
  (void)state;
  char *id, *key, text[1200];
  ledger_identity identity;
  ledger_key_request request = {.user = "ada@example.com"};
  open_with("full");
  assert_done(db, ledger_key_create(db, &request, &id, &key));
  size_t length = strlen(key);
  for (size_t i = 0; i < length; i++) {
    for (int k = 0; k < 4; k++) {
      memcpy(text, key, length + 1);
      text[i] = "0fA_"[k];
      if (text[i] != key[i] && ledger_key_verify(db, text, &identity) != LEDGER_BAD_KEY)
        fail_msg("byte %d as %c is taken", (int)i, text[i]);
    }
    memcpy(text, key, length);
    text[i] = 0;
    assert_int_equal(ledger_key_verify(db, text, &identity), LEDGER_BAD_KEY);
  }
  static const char *const more[] = {" ", "0", "_", "\n", "\xff"};
  for (int i = 0; i < 5; i++) {
    snprintf(text, sizeof text, "%s%s", key, more[i]);
    assert_int_equal(ledger_key_verify(db, text, &identity), LEDGER_BAD_KEY);
    snprintf(text, sizeof text, "%s%s", more[i], key);
    assert_int_equal(ledger_key_verify(db, text, &identity), LEDGER_BAD_KEY);
  }
  memset(text, 'a', sizeof text);
  text[sizeof text - 1] = 0;
  assert_int_equal(ledger_key_verify(db, text, &identity), LEDGER_BAD_KEY);
  assert_int_equal(ledger_key_verify(db, "", &identity), LEDGER_BAD_KEY);
  /* what is stored opens nothing */
  char hash[128];
  snprintf(hash, sizeof hash, "%s", sign_in_sql(db, "SELECT key_hash FROM api_keys"));
  assert_int_equal(ledger_key_verify(db, hash, &identity), LEDGER_BAD_KEY);
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_revoke(db, "nothing"));
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_revoke(db, "\xff"));
  assert_refused(db, LEDGER_BAD_KEY,
                 ledger_key_revoke(db, "00000000-0000-0000-0000-000000000000"));
  assert_done(db, ledger_key_verify(db, key, &identity));
  ledger_free(id);
  ledger_free(key);
  shut();
}

static void refused_requests(void **state) {
  (void)state;
  static const ledger_key_request requests[] = {
      {0},
      {.user = "ada@example.com", .role = "anon"},
      {.role = "authenticated"},
      {.role = "postgres"},
      {.role = ""},
      {.user = "ada@example.com", .permissions = "[]"},
      {.user = "ada@example.com", .permissions = "{"},
      {.user = "ada@example.com", .rate_limit = -2},
  };
  char *id, *key;
  open_with("full");
  for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
    assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_key_create(db, &requests[i], &id, &key));
    assert_null(id);
    assert_null(key);
  }
  ledger_key_request unknown = {.user = "nobody@example.com"};
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_key_create(db, &unknown, &id, &key));
  ledger_key_request late = {.user = "ada@example.com", .expires_at = "someday"};
  assert_refused(db, LEDGER_INVALID_DATETIME, ledger_key_create(db, &late, &id, &key));
  assert_int_equal(sign_in_count(db, "ledger_key", "true"), 0);
  shut();
}

static void expires(const char *schema) {
  char *id, *key;
  ledger_identity identity;
  ledger_key_request request = {.user = "ada@example.com"};
  const char *until = user_time_text(db, clock_now_us() + 100000000);
  (void)schema;
  request.expires_at = until;
  assert_done(db, ledger_key_create(db, &request, &id, &key));
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_non_null(strstr(listed(id), "\"expires_at\":\"20"));
  sign_in_clock(101);
  assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, key, &identity));
  sign_in_clock(0);
  ledger_free(id);
  ledger_free(key);
  request.expires_at = "infinity";
  assert_done(db, ledger_key_create(db, &request, NULL, &key));
  assert_done(db, ledger_key_verify(db, key, &identity));
  ledger_free(key);
}

static void expires_in_each(void **state) {
  (void)state;
  in_each(expires);
}

/* At most once a minute, and never in the way. */
static void last_use(void **state) {
  (void)state;
  const char *folder = getenv("TMPDIR");
  char path[4096], *id, *key;
  snprintf(path, sizeof path, "%s/ledger-key-XXXXXX", folder != NULL ? folder : "/tmp");
  ledger *other = NULL, *reader = NULL;
  ledger_identity identity;
  ledger_key_request request = {.user = "ada@example.com"};
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
  unlink(path);
  sign_in_clock(0);
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &db), LEDGER_OK);
  user_id = sign_in_user(db, "ada@example.com", "correct horse");
  assert_done(db, ledger_key_create(db, &request, &id, &key));
  assert_int_equal(sign_in_count(db, "api_keys", "last_used_at IS NULL"), 1);
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &reader), LEDGER_OK);
  assert_done(reader, ledger_key_verify(reader, key, &identity));
  assert_int_equal(sign_in_count(db, "api_keys", "last_used_at IS NULL"), 1);
  assert_done(db, ledger_key_verify(db, key, &identity));
  char first[64], second[64];
  snprintf(first, sizeof first, "%s", sign_in_sql(db, "SELECT last_used_at FROM api_keys"));
  assert_true(first[0] != 0);
  sign_in_clock(59);
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_string_equal(sign_in_sql(db, "SELECT last_used_at FROM api_keys"), first);
  sign_in_clock(62);
  /* somebody else writes: the request does not wait, and does not fail */
  assert_int_equal(ledger_open(path, 0, &other), LEDGER_OK);
  assert_done(other, ledger_begin(other));
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_string_equal(identity.user_id, user_id);
  assert_string_equal(sign_in_sql(db, "SELECT last_used_at FROM api_keys"), first);
  assert_int_equal(db->timeout_ms, 5000);
  assert_done(other, ledger_rollback(other));
  assert_done(db, ledger_key_verify(db, key, &identity));
  assert_string_equal(identity.user_id, user_id);
  snprintf(second, sizeof second, "%s", sign_in_sql(db, "SELECT last_used_at FROM api_keys"));
  assert_string_not_equal(second, first);
  ledger_free(id);
  ledger_free(key);
  ledger_close(reader);
  ledger_close(other);
  shut();
  file_remove(path);
}

/* SmartHub: "key_hash - SHA-256 hash of actual key". */
static void keys_from_elsewhere(void **state) {
  (void)state;
  static const char *const schemas[] = {"full", "smarthub", "wallstreet", "elon"};
  for (int i = 0; i < 4; i++) {
    ledger_identity identity;
    char change[512], hash[65];
    open_with(schemas[i]);
    session_sha256("a key of another program", hash);
    snprintf(change, sizeof change,
             "{\"table\":\"api_keys\",\"row\":{\"user_id\":\"%s\",\"key_hash\":\"%s\",\"%s\":\"old\"}}",
             user_id, hash, i == 3 ? "key_name" : "name");
    assert_done(db, ledger_apply(db, change, -1, NULL, NULL));
    assert_done(db, ledger_key_verify(db, "a key of another program", &identity));
    assert_string_equal(identity.user_id, user_id);
    assert_string_equal(identity.role, "authenticated");
    char id[64];
    snprintf(id, sizeof id, "%s", identity.key_id);
    assert_non_null(strstr(listed(id), "\"name\":\"old\""));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, "another", &identity));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_verify(db, hash, &identity));
    if (i == 0 || i == 2) { /* a row that allows nothing */
      sign_in_set_all(db, "api_keys", "rate_limit", "0");
      assert_refused(db, LEDGER_RATE_LIMITED,
                     ledger_key_verify(db, "a key of another program", &identity));
      sign_in_set_all(db, "api_keys", "rate_limit", "5");
    }
    assert_done(db, ledger_key_revoke(db, id));
    assert_refused(db, LEDGER_BAD_KEY,
                   ledger_key_verify(db, "a key of another program", &identity));
    assert_refused(db, LEDGER_BAD_KEY, ledger_key_revoke(db, id));
    shut();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(users_keys),       cmocka_unit_test(roles_keys),
      cmocka_unit_test(forged),           cmocka_unit_test(refused_requests),
      cmocka_unit_test(expires_in_each),  cmocka_unit_test(last_use),
      cmocka_unit_test(keys_from_elsewhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
