/*
** test_sign_in_memory: memory that runs out at each allocation of signing up, in, refreshing, of tokens, keys and roles: MEMORY and
** nothing written, or done all the same; and done when it is asked again.
*/
#include "../../ledger.c"

#include <unistd.h>

#include <allocation.h>

#include "sign_in.h"

static char path[128];
static int64_t number;           /* of the trial: its names are new */
static char refresh_token[64];   /* of a session of the trial's own */
static char access_token[4096], session_id[64], user_id[64], key_text[128], key_id[64];
static const char address[] = "ada@example.com";

static const char *fresh_address(void) {
  static char text[64];
  snprintf(text, sizeof text, "user%lld@example.com", (long long)number);
  return text;
}

/* ---- what is tried */

static int run_create(ledger *db) {
  ledger_user user;
  ledger_user_change change = {.email = fresh_address(),
                               .phone = "+1 415 555 0100",
                               .password_hash = "$2b$04$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
                               .user_metadata = "{\"first_name\":\"A\\u00e9\",\"x\":[1]}",
                               .app_metadata = "{\"plan\":\"pro\"}",
                               .confirm = 1,
                               .by_administrator = 1};
  int rc = ledger_user_create(db, &change, &user);
  if (rc == LEDGER_OK) assert_string_equal(user.email, fresh_address());
  return rc;
}
static int run_update(ledger *db) {
  char data[64];
  ledger_user user;
  snprintf(data, sizeof data, "{\"n\":%lld,\"first_name\":\"N%lld\"}", (long long)number,
           (long long)number);
  ledger_user_change change = {.user_metadata = data, .banned_until = "", .by_administrator = 1};
  return ledger_user_update(db, address, &change, &user);
}
static int run_sign_in(ledger *db) {
  ledger_session session;
  ledger_client client = {.ip_address = "203.0.113.7", .user_agent = "test"};
  return ledger_sign_in(db, address, "correct horse", &client, &session);
}
static int run_open(ledger *db) {
  ledger_session session;
  return ledger_session_open(db, user_id, "otp", NULL, &session);
}
static int run_refresh(ledger *db) {
  ledger_session session;
  return ledger_session_refresh(db, refresh_token, NULL, &session);
}
static int run_close(ledger *db) {
  int rc = ledger_session_close(db, user_id, NULL, LEDGER_SCOPE_GLOBAL);
  return rc == LEDGER_OK ? ledger_session_close(db, user_id, "x", LEDGER_SCOPE_OTHERS) : rc;
}
static int run_verify(ledger *db) {
  ledger_identity identity;
  int rc = ledger_token_verify(db, access_token, &identity);
  if (rc == LEDGER_OK) assert_string_equal(identity.user_id, user_id);
  return rc;
}
static int run_sign(ledger *db) {
  char *token;
  int rc = ledger_token_sign(db, "anon", 0, &token);
  assert_true((token != NULL) == (rc == LEDGER_OK));
  ledger_free(token);
  return rc;
}
static int run_rotate(ledger *db) {
  return ledger_secret_rotate(db, NULL, 3600);
}
static int run_key(ledger *db) {
  char *id, *key;
  ledger_key_request request = {.user = address, .permissions = "{\"read:*\":true}"};
  int rc = ledger_key_create(db, &request, &id, &key);
  assert_true((key != NULL) == (rc == LEDGER_OK) && (id != NULL) == (rc == LEDGER_OK));
  ledger_free(id);
  ledger_free(key);
  return rc;
}
static int run_key_verify(ledger *db) {
  ledger_identity identity;
  int rc = ledger_key_verify(db, key_text, &identity);
  if (rc == LEDGER_OK) assert_string_equal(identity.user_id, user_id);
  return rc;
}
static int run_key_list(ledger *db) {
  ledger_rows *rows = NULL;
  int rc = ledger_key_list(db, &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW)
    rc = ledger_rows_json(rows, NULL) != NULL ? LEDGER_OK : db->error.code;
  ledger_rows_free(rows);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}
static int run_grant(ledger *db) {
  return ledger_role_grant(db, address, "moderator");
}
static int run_revoke(ledger *db) {
  return ledger_role_revoke(db, address, "viewer");
}
static int each_user(void *context, const ledger_user *user) {
  (void)context;
  return user->id[0] == 0;
}
static int run_list(ledger *db) {
  int64_t total;
  int rc = ledger_user_list(db, 1, 10, each_user, NULL, &total);
  const char *what;
  return rc == LEDGER_OK ? ledger_published_secret(db, &what) : rc;
}
static int run_delete(ledger *db) {
  return ledger_user_delete(db, fresh_address(), 0);
}

/* ---- trials */

/* What of the file a failure must leave as it is: everything but the attempts that were counted. */
static int64_t fingerprint(ledger *db) {
  static const char *const tables[] = {"users",        "ledger_user",   "sessions",     "ledger_session",
                                       "user_roles",   "api_keys",      "ledger_key",   "user_kyc",
                                       "user_settings", "ledger_secret", "ledger_change", "audit_logs",
                                       "ledger_refresh_token"};
  struct seal_blake2b hash;
  unsigned char out[SEAL_BLAKE2B_BYTES];
  int64_t bits;
  seal_blake2b_init(&hash);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", tables[i]);
    assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
    sqlite3_free(sql);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      for (int k = 0; k < sqlite3_column_count(stmt); k++) {
        const void *bytes = sqlite3_column_blob(stmt, k);
        int length = sqlite3_column_bytes(stmt, k);
        if (length > 0) seal_blake2b_update(&hash, bytes, (size_t)length);
        seal_blake2b_update(&hash, "|", 1);
      }
    }
    sqlite3_finalize(stmt);
  }
  seal_blake2b_final(&hash, out);
  memcpy(&bits, out, sizeof bits);
  return bits;
}

/* What a trial needs to be there. */
static void before(ledger *db, const char *name) {
  ledger_session session;
  ledger_identity identity;
  char *id, *key;
  ledger_key_request request = {.user = address};
  sqlite3_exec(db->sqlite, "DELETE FROM ledger_attempt; DELETE FROM ledger_key", NULL, NULL, NULL);
  assert_done(db, ledger_role_revoke(db, address, "moderator"));
  assert_done(db, ledger_role_grant(db, address, "viewer"));
  assert_done(db, ledger_session_open(db, user_id, "otp", NULL, &session));
  snprintf(refresh_token, sizeof refresh_token, "%s", session.refresh_token);
  snprintf(access_token, sizeof access_token, "%s", session.access_token);
  snprintf(session_id, sizeof session_id, "%s", session.session_id);
  assert_done(db, ledger_key_create(db, &request, &id, &key));
  assert_done(db, ledger_key_verify(db, key, &identity)); /* its use is noted */
  snprintf(key_text, sizeof key_text, "%s", key);
  snprintf(key_id, sizeof key_id, "%s", id);
  ledger_free(id);
  ledger_free(key);
  if (strcmp(name, "delete") == 0) assert_done(db, run_create(db));
}

static const struct trial {
  const char *name;
  int (*run)(ledger *);
  bool writes;
  int again; /* what the second time is to give after the first succeeded */
  int count;
} trials[] = {
    {"create", run_create, true, LEDGER_USER_EXISTS, 16},
    {"update", run_update, true, LEDGER_OK, 12},
    {"sign in", run_sign_in, true, LEDGER_OK, 12},
    {"open", run_open, true, LEDGER_OK, 12},
    {"refresh", run_refresh, true, LEDGER_OK, 12},
    {"close", run_close, true, LEDGER_OK, 12},
    {"verify", run_verify, false, LEDGER_OK, 40},
    {"sign", run_sign, false, LEDGER_OK, 12},
    {"rotate", run_rotate, true, LEDGER_OK, 12},
    {"key", run_key, true, LEDGER_OK, 12},
    {"key verify", run_key_verify, false, LEDGER_OK, 16},
    {"key list", run_key_list, false, LEDGER_OK, 12},
    {"grant", run_grant, true, LEDGER_OK, 12},
    {"revoke", run_revoke, true, LEDGER_OK, 12},
    {"list", run_list, false, LEDGER_OK, 12},
    {"delete", run_delete, true, LEDGER_UNKNOWN_USER, 12},
};

static void try(const struct trial *trial, bool fails_on) {
  int64_t calls = 0; /* of the first run, in which nothing fails */
  for (int64_t n = 0; n <= calls; n = n == 0 ? 1 : memory_next(n, calls, trial->count)) {
    ledger *db = NULL;
    number++;
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    before(db, trial->name);
    ledger_close(db);
    assert_int_equal(ledger_open(path, LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
    int64_t was = fingerprint(db);
    memory_arm(n, fails_on);
    int rc = trial->run(db);
    int64_t made = memory.calls;
    memory_arm(0, false);
    memory_assert(trial->name, n, rc, ledger_error_of(db));
    if (n == 0) calls = made;
    if ((rc != LEDGER_OK || !trial->writes) && fingerprint(db) != was)
      fail_msg("%s, allocation %lld: %d, and something was written", trial->name, (long long)n, rc);
    sqlite3_exec(db->sqlite, "DELETE FROM ledger_attempt", NULL, NULL, NULL);
    int again = trial->run(db);
    if (again != (rc == LEDGER_OK ? trial->again : LEDGER_OK))
      fail_msg("%s again after allocation %lld: %s", trial->name, (long long)n,
               ledger_error_of(db)->message);
    assert_true((fingerprint(db) != was) == trial->writes);
    if (strcmp(trial->name, "create") == 0) assert_done(db, run_delete(db));
    ledger_close(db);
    assert_int_equal(memory.outstanding, 0);
  }
}

static void all(void **state) {
  (void)state;
  ledger *db = NULL;
  sign_in_clock(0);
  file_remove(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), LEDGER_SYNC_NORMAL, &db), LEDGER_OK);
  char *id = sign_in_user(db, address, "correct horse");
  snprintf(user_id, sizeof user_id, "%s", id);
  free(id);
  ledger_close(db);
  for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
    try(&trials[i], false);
    try(&trials[i], true);
  }
  file_remove(path);
}

int main(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-sign-in-memory-%ld.db", folder, (long)getpid());
  const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
