/*
** test_user.c: users made, changed, signed in and deleted, in each built-in schema and in one without any of their tables.
*/
#include "../../ledger.c"

#include "../../schema/compiler/compiler.h"
#include "sign_in.h"

static bool has_table(ledger *db, const char *name) {
  return catalog_stored(db->catalog, name, strlen(name)) != NULL;
}

/* ---- the whole life of a user, in every schema */

static void life(ledger *db, const char *schema) {
  ledger_user user;
  ledger_session session;
  struct sign_in_tokens tokens;
  ledger_identity identity;
  ledger_user_change change = {.email = "Ada@Example.com",
                               .password = "correct horse",
                               .user_metadata = "{\"first_name\":\"Ada\",\"n\":1.50}"};
  ledger_user_change again = change;
  assert_done(db, ledger_user_create(db, &change, &user));
  char *id = strdup(user.id);
  assert_string_equal(user.email, "ada@example.com");
  assert_string_equal(user.role, "authenticated");
  assert_string_equal(user.app_metadata, "{\"provider\":\"email\",\"providers\":[\"email\"]}");
  assert_string_equal(user.user_metadata, "{\"first_name\":\"Ada\",\"n\":1.50}");
  assert_true(user.has_password);
  assert_false(user.is_anonymous);
  assert_true(user.created_at[0] != 0 && user.created_at[strlen(user.created_at) - 1] == 'Z');
  assert_true(user.email_confirmed_at[0] != 0);
  assert_string_equal(user.last_sign_in_at, "");
  assert_refused(db, LEDGER_USER_EXISTS, ledger_user_create(db, &again, NULL));
  if (has_table(db, "user_settings"))
    assert_int_equal(sign_in_count(db, "user_settings", "theme = 'dark' AND language = 'en' AND"
                                                        " user_id IN (SELECT id FROM users WHERE"
                                                        " email = 'ada@example.com')"),
                     1);
  if (has_table(db, "user_kyc"))
    assert_int_equal(sign_in_count(db, "user_kyc", "verification_status = 'pending'"), 1);
  if (has_table(db, "user_roles"))
    assert_int_equal(sign_in_count(db, "user_roles", "user_id = (SELECT id FROM users WHERE email ="
                                                     " 'ada@example.com')"),
                     1);
  /* the list of roles is the schema's */
  const char *roles = has_table(db, "user_roles")          ? "[\"user\"]"
                      : strcmp(schema, "wallstreet") == 0 ? "[\"user\"]"
                      : strcmp(schema, "advancia") == 0   ? "[\"PATIENT\"]"
                                                          : "[]";
  assert_string_equal(user.roles, roles);

  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", "wrong", NULL, &session));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "bob@example.com", "wrong", NULL, &session));
  assert_string_equal(session.access_token, "");
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  sign_in(db, "ADA@example.com", "correct horse", &tokens);
  assert_done(db, ledger_user_get(db, id, &user));
  assert_true(user.last_sign_in_at[0] != 0);
  assert_done(db, ledger_token_verify(db, tokens.access, &identity));
  assert_string_equal(identity.user_id, id);
  assert_string_equal(identity.role, "authenticated");
  assert_string_equal(identity.session_id, tokens.session_id);

  /* a new password ends the other sessions */
  ledger_user_change password = {.password = "correct horse", .session_id = tokens.session_id};
  assert_refused(db, LEDGER_SAME_PASSWORD, ledger_user_update(db, id, &password, &user));
  password.password = "short";
  assert_refused(db, LEDGER_WEAK_PASSWORD, ledger_user_update(db, id, &password, &user));
  password.password = "battery staple";
  assert_done(db, ledger_user_update(db, id, &password, &user));
  assert_done(db, ledger_token_verify(db, tokens.access, &identity));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", "correct horse", NULL, &session));
  ledger_user_change forced = {.password = "battery staple", .by_administrator = 1};
  assert_done(db, ledger_user_update(db, id, &forced, &user));
  assert_refused(db, LEDGER_SESSION_GONE, ledger_token_verify(db, tokens.access, &identity));

  /* a ban, at once, and its end */
  sign_in(db, "ada@example.com", "battery staple", &tokens);
  ledger_user_change ban = {.banned_until = "infinity", .by_administrator = 1};
  assert_done(db, ledger_user_update(db, id, &ban, &user));
  assert_string_equal(user.banned_until, "infinity");
  assert_refused(db, LEDGER_BANNED, ledger_token_verify(db, tokens.access, &identity));
  assert_refused(db, LEDGER_BANNED, ledger_session_refresh(db, tokens.refresh, NULL, &session));
  assert_refused(db, LEDGER_BANNED,
                 ledger_sign_in(db, "ada@example.com", "battery staple", NULL, &session));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", "wrong again", NULL, &session));
  ban.banned_until = "";
  assert_done(db, ledger_user_update(db, id, &ban, &user));
  assert_done(db, ledger_token_verify(db, tokens.access, &identity));

  /* metadata, address, role */
  ledger_user_change data = {.email = "ada@lovelace.org",
                             .user_metadata = "{\"n\":null,\"first_name\":\"Augusta\"}",
                             .app_metadata = "{\"plan\":\"pro\"}",
                             .role = "clerk",
                             .by_administrator = 1};
  assert_done(db, ledger_user_update(db, id, &data, &user));
  assert_string_equal(user.email, "ada@lovelace.org");
  assert_string_equal(user.user_metadata, "{\"first_name\":\"Augusta\"}");
  assert_string_equal(
      user.app_metadata,
      "{\"provider\":\"email\",\"providers\":[\"email\"],\"plan\":\"pro\"}");
  assert_string_equal(user.role, "clerk");
  assert_done(db, ledger_user_get(db, "ada@lovelace.org", &user));
  assert_string_equal(user.id, id);
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_get(db, "ada@example.com", &user));

  assert_done(db, ledger_user_delete(db, id, 1));
  assert_refused(db, LEDGER_SESSION_GONE, ledger_token_verify(db, tokens.access, &identity));
  assert_done(db, ledger_user_get(db, id, &user));
  assert_true(user.deleted_at[0] != 0);
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@lovelace.org", "battery staple", NULL, &session));
  assert_done(db, ledger_user_delete(db, id, 0));
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_get(db, id, &user));
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_delete(db, id, 0));
  assert_int_equal(sign_in_count(db, "ledger_user", "true"), 0);
  assert_int_equal(sign_in_count(db, "ledger_session", "true"), 0);
  assert_int_equal(sign_in_count(db, "ledger_refresh_token", "true"), 0);
  free(id);
}

static void lives(void **state) {
  (void)state;
  for (int i = 0; i < SIGN_IN_SCHEMAS; i++) {
    ledger *db = sign_in_open(sign_in_schemas[i]);
    life(db, sign_in_schemas[i]);
    ledger_close(db);
  }
  ledger *db = sign_in_open_bare();
  life(db, "bare");
  ledger_close(db);
}

/* ---- who may be made */

static void refusals(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  ledger_user user;
  static const char *const addresses[] = {"",          "@",           "a",          "a@",
                                          "a@b",       "a@b.",        "a@.b",       "@b.co",
                                          "a b@c.de",  "a@b@c.de",    "a@b..co",    "a\n@b.co",
                                          "a@b.co\x7f", "<a@b.co>",   "a,b@c.de",   "a@b.c",
                                          "x@no-address.invalid"};
  for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
    ledger_user_change change = {.email = addresses[i], .password = "secret1"};
    if (ledger_user_create(db, &change, &user) != LEDGER_INVALID_PARAMETER)
      fail_msg("%s: %s", addresses[i], ledger_error_of(db)->message);
    assert_string_equal(user.id, "");
  }
  ledger_user_change unicode = {.email = "ada@exämple.com", .password = "secret1"};
  assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_user_create(db, &unicode, &user));
  unicode.email = "\xff@example.com";
  assert_refused(db, LEDGER_BAD_ENCODING, ledger_user_create(db, &unicode, &user));
  ledger_user_change none = {.password = "secret1"};
  assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_user_create(db, &none, &user));
  ledger_user_change change = {.email = "a@b.co"};
  assert_refused(db, LEDGER_WEAK_PASSWORD, ledger_user_create(db, &change, &user));
  change.password = "12345";
  assert_refused(db, LEDGER_WEAK_PASSWORD, ledger_user_create(db, &change, &user));
  change.password = "äöü12"; /* eight bytes, five characters */
  assert_refused(db, LEDGER_WEAK_PASSWORD, ledger_user_create(db, &change, &user));
  char large[2000];
  memset(large, 'x', sizeof large);
  large[1025] = 0;
  change.password = large;
  assert_refused(db, LEDGER_WEAK_PASSWORD, ledger_user_create(db, &change, &user));
  change.password = "secret1";
  static const char *const documents[] = {"", "[]", "null", "{", "{}x", "1", "{\"a\":}"};
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
    change.user_metadata = documents[i];
    assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_user_create(db, &change, &user));
  }
  char *document = sqlite3_mprintf("{\"a\":\"%*s\"}", 4000, "");
  change.user_metadata = document;
  assert_refused(db, LEDGER_PROGRAM_LIMIT, ledger_user_create(db, &change, &user));
  sqlite3_free(document);
  change.user_metadata = NULL;
  /* what is an administrator's */
  ledger_user_change own[] = {{.email = "a@b.co", .password = "secret1", .role = "service_role"},
                              {.email = "a@b.co", .password = "secret1", .app_metadata = "{}"},
                              {.email = "a@b.co", .password = "secret1", .banned_until = ""},
                              {.email = "a@b.co", .password_hash = "$2b$04$x"}};
  for (int i = 0; i < 4; i++) {
    int rc = ledger_user_create(db, &own[i], &user);
    assert_true(rc == LEDGER_FORBIDDEN || (i == 3 && rc == LEDGER_WEAK_PASSWORD));
  }
  ledger_auth_settings settings = {.signup_disabled = 1, .anonymous_disabled = 1};
  assert_done(db, ledger_auth_configure(db, &settings));
  assert_refused(db, LEDGER_FORBIDDEN, ledger_user_create(db, &change, &user));
  change.by_administrator = 1;
  assert_done(db, ledger_user_create(db, &change, &user));
  settings.signup_disabled = 0;
  assert_done(db, ledger_auth_configure(db, &settings));
  ledger_user_change anonymous = {.is_anonymous = 1};
  assert_refused(db, LEDGER_FORBIDDEN, ledger_user_create(db, &anonymous, &user));
  assert_int_equal(sign_in_count(db, "users", "email <> 'admin@ledger.local'"), 1);
  assert_int_equal(sign_in_count(db, "ledger_user", "true"), 1);
  ledger_close(db);
}

/* ---- those without an address */

static void anonymous(void **state) {
  (void)state;
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    ledger *db = i < SIGN_IN_SCHEMAS ? sign_in_open(sign_in_schemas[i]) : sign_in_open_bare();
    ledger_user user;
    ledger_session session;
    ledger_identity identity;
    struct sign_in_tokens tokens;
    ledger_user_change change = {.is_anonymous = 1, .user_metadata = "{\"a\":1}"};
    assert_done(db, ledger_user_create(db, &change, &user));
    assert_done(db, ledger_user_create(db, &change, &user)); /* any number of them */
    char *id = strdup(user.id);
    assert_string_equal(user.email, "");
    assert_string_equal(user.app_metadata, "{}");
    assert_string_equal(user.email_confirmed_at, "");
    assert_true(user.is_anonymous);
    assert_false(user.has_password);
    assert_done(db, ledger_session_open(db, id, "anonymous", NULL, &session));
    sign_in_keep(&session, &tokens);
    assert_done(db, ledger_token_verify(db, tokens.access, &identity));
    assert_non_null(strstr(identity.claims, "\"is_anonymous\":true"));
    assert_non_null(strstr(identity.claims, "\"amr\":[{\"method\":\"anonymous\""));
    assert_non_null(strstr(identity.claims, "\"email\":\"\""));
    /* becomes somebody */
    ledger_user_change named = {.email = "ada@example.com",
                                .password = "correct horse",
                                .session_id = tokens.session_id};
    assert_done(db, ledger_user_update(db, id, &named, &user));
    assert_false(user.is_anonymous);
    assert_string_equal(user.email, "ada@example.com");
    assert_done(db, ledger_token_verify(db, tokens.access, &identity));
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    free(id);
    ledger_close(db);
  }
}

static void phones(void **state) {
  (void)state;
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    ledger *db = i < SIGN_IN_SCHEMAS ? sign_in_open(sign_in_schemas[i]) : sign_in_open_bare();
    ledger_user user;
    ledger_user_change change = {.phone = "+1 415-555-0100", .password = "correct horse"};
    struct sign_in_tokens tokens;
    assert_done(db, ledger_user_create(db, &change, &user));
    assert_string_equal(user.phone, "14155550100");
    assert_string_equal(user.email, "");
    assert_true(user.phone_confirmed_at[0] != 0);
    assert_refused(db, LEDGER_USER_EXISTS, ledger_user_create(db, &change, &user));
    sign_in(db, "+14155550100", "correct horse", &tokens);
    sign_in(db, "1 415 555 0100", "correct horse", &tokens);
    static const char *const none[] = {"", "12345", "1234567890123456", "+", "phone", "1+415555010"};
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
      ledger_user_change bad = {.phone = none[k], .password = "correct horse"};
      assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_user_create(db, &bad, &user));
    }
    ledger_close(db);
  }
}

/* ---- confirmation */

static void confirmed(void **state) {
  (void)state;
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    ledger *db = i < SIGN_IN_SCHEMAS ? sign_in_open(sign_in_schemas[i]) : sign_in_open_bare();
    ledger_auth_settings settings = {.must_confirm = 1};
    ledger_user user;
    ledger_session session;
    struct sign_in_tokens tokens;
    /* `confirm` is an administrator's word */
    ledger_user_change change = {
        .email = "ada@example.com", .password = "correct horse", .confirm = 1};
    assert_done(db, ledger_auth_configure(db, &settings));
    assert_done(db, ledger_user_create(db, &change, &user));
    assert_string_equal(user.email_confirmed_at, "");
    char *id = strdup(user.id);
    assert_refused(db, LEDGER_NOT_CONFIRMED,
                   ledger_sign_in(db, "ada@example.com", "correct horse", NULL, &session));
    assert_refused(db, LEDGER_BAD_CREDENTIALS,
                   ledger_sign_in(db, "ada@example.com", "wrong", NULL, &session));
    ledger_user_change confirm = {.confirm = 1};
    assert_done(db, ledger_user_update(db, id, &confirm, &user));
    assert_string_equal(user.email_confirmed_at, "");
    confirm.by_administrator = 1;
    assert_done(db, ledger_user_update(db, id, &confirm, &user));
    assert_true(user.email_confirmed_at[0] != 0);
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    ledger_user_change moved = {.email = "ada@lovelace.org"};
    assert_done(db, ledger_user_update(db, id, &moved, &user));
    assert_string_equal(user.email_confirmed_at, "");
    assert_refused(db, LEDGER_NOT_CONFIRMED,
                   ledger_sign_in(db, "ada@lovelace.org", "correct horse", NULL, &session));
    free(id);
    ledger_close(db);
  }
}

/* ---- hashes from elsewhere */

static const char *bcrypt(const char *prefix, const char *password) {
  static struct crypt_data data;
  char salt[64];
  snprintf(salt, sizeof salt, "%s04$CwTycUXWue0Thq9StjUM0u", prefix);
  memset(&data, 0, sizeof data);
  return crypt_r(password, salt, &data);
}

static void hashes(void **state) {
  (void)state;
  static const char *const schemas[] = {"full", "wallstreet", "pe_portal", "advancia"};
  static const char *const columns[] = {"password_hash", "password_hash", "password", NULL};
  static const char *const prefixes[] = {"$2a$", "$2b$", "$2y$"};
  for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
    ledger *db = sign_in_open(schemas[i]);
    for (int k = 0; k < 3; k++) {
      char email[64];
      ledger_user user;
      ledger_session session;
      struct sign_in_tokens tokens;
      snprintf(email, sizeof email, "user%d@example.com", k);
      ledger_user_change change = {.email = email,
                                   .password_hash = bcrypt(prefixes[k], "Correct Horse"),
                                   .by_administrator = 1};
      assert_done(db, ledger_user_create(db, &change, &user));
      assert_true(user.has_password);
      const char *sql = columns[i] == NULL
                            ? "SELECT password_hash FROM ledger_user WHERE id ="
                              " (SELECT id FROM users WHERE email = '%s')"
                            : "SELECT \"%2$s\" FROM users WHERE email = '%1$s'";
      char text[256];
      snprintf(text, sizeof text, sql, email, columns[i]);
      assert_memory_equal(sign_in_sql(db, "%s", text), prefixes[k], 4);
      assert_refused(db, LEDGER_BAD_CREDENTIALS,
                     ledger_sign_in(db, email, "correct horse", NULL, &session));
      sign_in(db, email, "Correct Horse", &tokens);
      /* ours by now */
      assert_memory_equal(sign_in_sql(db, "%s", text), "$argon2id$v=19$m=19456,t=2,p=1$", 31);
      sign_in(db, email, "Correct Horse", &tokens);
    }
    ledger_close(db);
  }
}

static double seconds_of_wrong(ledger *db, const char *email) {
  struct timespec first, last;
  ledger_session session;
  double best = 1e9;
  for (int i = 0; i < 3; i++) { /* the least disturbed of three */
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &first);
    assert_refused(db, LEDGER_BAD_CREDENTIALS, ledger_sign_in(db, email, "wrong", NULL, &session));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &last);
    double seconds =
        (double)(last.tv_sec - first.tv_sec) + (double)(last.tv_nsec - first.tv_nsec) / 1e9;
    if (seconds < best) best = seconds;
  }
  return best;
}

/* A wrong password takes as long for a user with bcrypt of any cost, one with ours, one with a marker, and nobody. */
static void wrong_ones_take_as_long(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  struct crypt_data data = {0};
  static const char *const emails[] = {"ours@example.com", "cost11@example.com", "cost9@example.com",
                                       "marker@example.com", "nobody@example.com"};
  double least = 1e9, most = 0;
  for (int i = 0; i < 4; i++) {
    const char *salt = i == 1   ? "$2b$11$CwTycUXWue0Thq9StjUM0u"
                       : i == 2 ? "$2b$09$CwTycUXWue0Thq9StjUM0u"
                                : NULL;
    ledger_user_change change = {.email = emails[i], .by_administrator = 1};
    if (i == 0) change.password = "correct horse";
    if (salt != NULL) change.password_hash = crypt_r("correct horse", salt, &data);
    assert_done(db, ledger_user_create(db, &change, NULL));
  }
  for (int i = 0; i < 5; i++) {
    double seconds = seconds_of_wrong(db, emails[i]);
    if (seconds < least) least = seconds;
    if (seconds > most) most = seconds;
  }
  if (most > 1.6 * least) fail_msg("from %.0f to %.0f ms", least * 1e3, most * 1e3);
  ledger_close(db);
}

/* Rows that stood there before: markers and texts verify nothing, an Argon2id hash of others what it is of. */
static void hashes_that_are_none(void **state) {
  (void)state;
  ledger *db = sign_in_open("wallstreet");
  static const char *const none[] = {
      "!", "*", "x", "plain text", "$2b$10$short", "$2x$04$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
      "$2b$31$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
      "$2b$99$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
      "$1$abcdefgh$0000000000000000000000", "$6$x$y", "$argon2id$", "$argon2i$v=19$m=65536,t=2,p=1$a$b",
      "$argon2id$v=19$m=4194304,t=2,p=1$J2XVK4fGbRX1U7ofLiwuhw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "$argon2id$v=19$m=19456,t=4294967295,p=1$J2XVK4fGbRX1U7ofLiwuhw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
  free(sign_in_user(db, "ada@example.com", "correct horse"));
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    ledger_session session;
    ledger_user_change change = {
        .email = "b@example.com", .password_hash = none[i], .by_administrator = 1};
    sign_in_set_all(db, "users", "password_hash", none[i]);
    assert_refused(db, LEDGER_BAD_CREDENTIALS,
                   ledger_sign_in(db, "ada@example.com", none[i], NULL, &session));
    assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_user_create(db, &change, NULL));
    sqlite3_exec(db->sqlite, "DELETE FROM ledger_attempt", NULL, NULL, NULL);
  }
  /* of another program, with other parameters: "password" under m=1024, t=1 */
  struct sign_in_tokens tokens;
  char hash[SEAL_PASSWORD_TEXT];
  assert_int_equal(crypto_pwhash_argon2id_str(hash, "password", 8, 1, 1024 * 1024), 0);
  sign_in_set_all(db, "users", "password_hash", hash);
  sign_in(db, "ada@example.com", "password", &tokens);
  assert_memory_equal(sign_in_sql(db, "SELECT password_hash FROM users WHERE email = 'ada@example.com'"),
                      "$argon2id$v=19$m=19456,t=2,p=1$", 31);
  ledger_close(db);
}

/* ---- names that the schema wants */

static void names(void **state) {
  (void)state;
  ledger *db = sign_in_open("smarthub");
  ledger_user user;
  ledger_user_change change = {.email = "ada@example.com", .password = "correct horse"};
  assert_done(db, ledger_user_create(db, &change, &user));
  const char *name = sign_in_sql(db, "SELECT username FROM users");
  assert_memory_equal(name, "ada-", 4);
  ledger_user_change given = {.email = "bob@example.com",
                              .password = "correct horse",
                              .user_metadata = "{\"username\":\"bob\",\"last_name\":\"B\\u00e9\","
                                               "\"is_active\":false,\"password_hash\":\"x\"}"};
  assert_done(db, ledger_user_create(db, &given, &user));
  assert_string_equal(sign_in_sql(db, "SELECT username || last_name || is_active FROM users WHERE"
                                      " email = 'bob@example.com'"),
                      "bobBé1");
  given.email = "bob@example.org";
  assert_refused(db, LEDGER_UNIQUE, ledger_user_create(db, &given, &user));
  assert_int_equal(sign_in_count(db, "users", "true"), 2);
  assert_int_equal(sign_in_count(db, "ledger_user", "true"), 2);
  ledger_close(db);
  db = sign_in_open("wallstreet");
  change.user_metadata = "{\"first_name\":\"Ada\",\"role\":\"admin\",\"status\":\"closed\"}";
  assert_done(db, ledger_user_create(db, &change, &user));
  assert_string_equal(sign_in_sql(db, "SELECT first_name || '/' || last_name || '/' || role || '/' ||"
                                      " status FROM users WHERE email = 'ada@example.com'"),
                      "Ada//user/active");
  ledger_close(db);
}

/* ---- ids */

static void ids(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  ledger_user user;
  ledger_user_change change = {.id = "018F4A5E-0000-7000-8000-000000000001",
                               .email = "ada@example.com",
                               .by_administrator = 1};
  assert_done(db, ledger_user_create(db, &change, &user));
  assert_string_equal(user.id, "018f4a5e-0000-7000-8000-000000000001");
  assert_false(user.has_password);
  change.email = "bob@example.com";
  change.id = "not a uuid";
  assert_refused(db, LEDGER_INVALID_TEXT, ledger_user_create(db, &change, &user));
  static const char *const none[] = {"", "x", "' OR 1=1", "00000000-0000-0000-0000-000000000000",
                                     "\xff", "nobody@example.com"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_get(db, none[i], &user));
    assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_delete(db, none[i], 0));
  }
  ledger_close(db);
  db = sign_in_open("elon");
  change = (ledger_user_change){.email = "ada@example.com", .by_administrator = 1};
  assert_done(db, ledger_user_create(db, &change, &user));
  assert_string_equal(user.id, "1");
  change.email = "bob@example.com";
  assert_done(db, ledger_user_create(db, &change, &user));
  assert_string_equal(user.id, "2");
  assert_done(db, ledger_user_get(db, "2", &user));
  assert_string_equal(user.email, "bob@example.com");
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_user_get(db, "99999999999999999999", &user));
  ledger_close(db);
}

/* ---- a list */

struct listed {
  int count;
  char text[4096];
  ledger *db;
  int stop_at;
};

static int list_one(void *context, const ledger_user *user) {
  struct listed *listed = context;
  ledger_user other;
  assert_int_equal(ledger_user_get(listed->db, user->id, &other), LEDGER_MISUSE);
  size_t used = strlen(listed->text);
  snprintf(listed->text + used, sizeof listed->text - used, "%s ", user->email);
  return ++listed->count == listed->stop_at;
}

static void lists(void **state) {
  (void)state;
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    ledger *db = i < SIGN_IN_SCHEMAS ? sign_in_open(sign_in_schemas[i]) : sign_in_open_bare();
    struct listed listed = {.db = db};
    int64_t total, before;
    assert_done(db, ledger_user_list(db, 1, 100, list_one, &listed, &before));
    assert_int_equal(listed.count, before);
    for (int k = 0; k < 5; k++) {
      char email[32];
      snprintf(email, sizeof email, "u%d@example.com", k);
      ledger_user_change change = {.email = email, .by_administrator = 1};
      sign_in_clock(k);
      assert_done(db, ledger_user_create(db, &change, NULL));
    }
    listed = (struct listed){.db = db};
    assert_done(db, ledger_user_list(db, 1, 100, list_one, &listed, &total));
    assert_int_equal(total, before + 5);
    assert_non_null(strstr(listed.text, "u0@example.com u1@example.com u2@example.com"
                                        " u3@example.com u4@example.com"));
    if (before == 0) {
      listed = (struct listed){.db = db};
      assert_done(db, ledger_user_list(db, 2, 2, list_one, &listed, &total));
      assert_string_equal(listed.text, "u2@example.com u3@example.com ");
      listed = (struct listed){.db = db};
      assert_done(db, ledger_user_list(db, 9, 2, list_one, &listed, &total));
      assert_int_equal(listed.count, 0);
      assert_int_equal(total, 5);
    }
    listed = (struct listed){.db = db, .stop_at = 1};
    assert_refused(db, LEDGER_INTERRUPTED, ledger_user_list(db, 1, 100, list_one, &listed, NULL));
    assert_refused(db, LEDGER_MISUSE, ledger_user_list(db, 0, 100, list_one, &listed, NULL));
    assert_refused(db, LEDGER_INVALID_PARAMETER,
                   ledger_user_list(db, 1, 1001, list_one, &listed, NULL));
    ledger_close(db);
  }
}

/* ---- what other rooms see of it */

/* Its rows leave keys for sync, and audit rows; the engine's do not. */
static void followed(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  struct sign_in_tokens tokens;
  int64_t changes = sign_in_count(db, "ledger_change", "true");
  char *id = sign_in_user(db, "ada@example.com", "correct horse");
  assert_int_equal(sign_in_count(db, "ledger_change", "relation IN (SELECT relation_id FROM"
                                                      " ledger_catalog_relation WHERE name IN"
                                                      " ('users', 'user_settings', 'user_kyc',"
                                                      " 'user_roles'))"),
                   changes + 4);
  assert_int_equal(sign_in_count(db, "audit_logs", "action = 'INSERT' AND entity_type = 'users'"), 1);
  assert_int_equal(sign_in_count(db, "audit_logs", "new_values LIKE '%argon2%'"), 0);
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  assert_int_equal(sign_in_count(db, "audit_logs", "action = 'UPDATE' AND entity_type = 'users'"), 1);
  char *report = NULL;
  ledger_verify_options options = {0};
  assert_done(db, ledger_verify(db, &options, &report));
  ledger_free(report);
  /* a kyc row with evidence keeps the user */
  sign_in_set_all(db, "user_kyc", "document_number", "X1");
  assert_refused(db, LEDGER_FOREIGN_KEY, ledger_user_delete(db, id, 0));
  assert_int_equal(sign_in_count(db, "ledger_user", "true"), 1);
  assert_int_equal(sign_in_count(db, "user_settings", "user_id <> 'bcf36794-86ec-5c46-a618-01f8ea20bfd8'"), 1);
  free(id);
  ledger_close(db);
}

/* Within the caller's transaction: a refusal undoes itself alone, a rollback all. */
static void within_a_transaction(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  ledger_user_change change = {.email = "ada@example.com", .password = "correct horse"};
  ledger_user_change taken = {.email = "bob@example.com",
                              .password = "correct horse",
                              .user_metadata = "{\"username\":\"admin\"}"};
  struct sign_in_tokens tokens;
  ledger_session session;
  assert_done(db, ledger_begin(db));
  assert_done(db, ledger_user_create(db, &change, NULL));
  assert_refused(db, LEDGER_UNIQUE, ledger_user_create(db, &taken, NULL));
  assert_done(db, ledger_commit(db));
  assert_int_equal(sign_in_count(db, "users", "email LIKE '%example.com'"), 1);
  assert_done(db, ledger_begin(db));
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  assert_done(db, ledger_rollback(db));
  assert_int_equal(sign_in_count(db, "ledger_session", "true"), 0);
  assert_int_equal(sign_in_count(db, "sessions", "true"), 0);
  assert_refused(db, LEDGER_TOKEN_UNKNOWN,
                 ledger_session_refresh(db, tokens.refresh, NULL, &session));
  ledger_close(db);
}

/* ---- schemas of people's own */

static ledger *open_own(const char *sql) {
  struct schema_file file = {.name = "own.sql", .text = sql, .length = strlen(sql)};
  struct schema_options options = {.name = "own"};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  assert_int_equal(schema_compile(&file, 1, &options, &result), 0);
  if (ledger_create(":memory:", result->script, 0, &db) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(db)->message);
  schema_free(result);
  return db;
}

static void own_schemas(void **state) {
  (void)state;
  static const struct {
    const char *sql;
    bool has_users; /* in the shape that is needed */
  } cases[] = {
      {"CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, password_hash varchar(60)"
       " NOT NULL)",
       true},
      {"CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE)",
       true},
      {"CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text, password text,"
       " last_sign_in_at timestamptz, deleted_at timestamp, updated_at timestamptz DEFAULT now())",
       true},
      {"CREATE TABLE users (id uuid, email text NOT NULL)", false},               /* no key */
      {"CREATE TABLE users (id uuid PRIMARY KEY, name text)", false},             /* no address */
      {"CREATE TABLE users (id date PRIMARY KEY, email text)", false},            /* no id */
      {"CREATE TABLE users (id uuid, x int, email text, PRIMARY KEY (id, x))", false},
      {"CREATE SCHEMA app; CREATE TABLE app.users (id uuid PRIMARY KEY, email text)", false},
      {"CREATE TABLE u (id uuid PRIMARY KEY, email text); CREATE VIEW users AS SELECT * FROM u", false},
      {"CREATE TABLE users (id text PRIMARY KEY, email text UNIQUE, is_active boolean GENERATED ALWAYS"
       " AS (email IS NOT NULL) STORED); CREATE TABLE sessions (id int PRIMARY KEY); CREATE TABLE"
       " api_keys (id int, name text); CREATE TABLE roles (name text PRIMARY KEY); CREATE TABLE"
       " user_roles (x int)",
       true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ledger *db = open_own(cases[i].sql);
    ledger_user user;
    ledger_user_change change = {.email = "ada@example.com", .password = "correct horse"};
    ledger_identity identity;
    struct sign_in_tokens tokens;
    char *key;
    assert_done(db, ledger_user_create(db, &change, &user));
    char *id = strdup(user.id);
    if (cases[i].has_users) assert_int_equal(sign_in_count(db, "users", "email = 'ada@example.com'"), 1);
    assert_string_equal(sign_in_sql(db, "SELECT coalesce(email, '-') FROM ledger_user"),
                        cases[i].has_users ? "-" : "ada@example.com");
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    assert_done(db, ledger_token_verify(db, tokens.access, &identity));
    assert_string_equal(identity.user_id, id);
    ledger_key_request request = {.user = id};
    assert_done(db, ledger_key_create(db, &request, NULL, &key));
    assert_done(db, ledger_key_verify(db, key, &identity));
    assert_string_equal(identity.user_id, id);
    ledger_free(key);
    if (i == 0) { /* a row with bcrypt, for which the column has room; ours stands beside it */
      assert_string_equal(sign_in_sql(db, "SELECT password_hash FROM users"), "!");
      sqlite3_exec(db->sqlite, "UPDATE ledger_user SET password_hash = NULL", NULL, NULL, NULL);
      sign_in_set_all(db, "users", "password_hash", bcrypt("$2b$", "old password"));
      sign_in(db, "ada@example.com", "old password", &tokens);
      assert_string_equal(sign_in_sql(db, "SELECT password_hash LIKE '$argon2id$%%' FROM ledger_user"), "1");
      sign_in(db, "ada@example.com", "old password", &tokens);
    }
    ledger_user_change anonymous = {.is_anonymous = 1};
    assert_done(db, ledger_user_create(db, &anonymous, &user));
    assert_string_equal(user.email, "");
    assert_done(db, ledger_user_delete(db, id, 1));
    assert_done(db, ledger_user_delete(db, id, 0));
    free(id);
    ledger_close(db);
  }
}

/* ---- what is published */

static void published(void **state) {
  (void)state;
  const char *what;
  for (int i = 0; i < SIGN_IN_SCHEMAS; i++) {
    ledger *db = sign_in_open(sign_in_schemas[i]);
    assert_done(db, ledger_published_secret(db, &what));
    bool is_there = strcmp(sign_in_schemas[i], "wallstreet") == 0;
    if (is_there) {
      assert_non_null(what);
      ledger_user_change change = {.password = "Admin123!", .by_administrator = 1};
      assert_done(db, ledger_user_update(db, "admin@wallstreet.com", &change, NULL));
      assert_done(db, ledger_published_secret(db, &what));
      assert_non_null(what);
      change.password = "another one";
      assert_done(db, ledger_user_update(db, "admin@wallstreet.com", &change, NULL));
      assert_done(db, ledger_published_secret(db, &what));
    }
    assert_null(what);
    assert_done(db, ledger_secret_rotate(
                        db, "super-secret-jwt-token-with-at-least-32-characters-long", 0));
    assert_done(db, ledger_published_secret(db, &what));
    assert_non_null(what);
    assert_done(db, ledger_secret_rotate(db, NULL, 60)); /* it verifies for a minute more */
    assert_done(db, ledger_published_secret(db, &what));
    assert_non_null(what);
    sign_in_clock(61);
    assert_done(db, ledger_published_secret(db, &what));
    assert_null(what);
    ledger_close(db);
  }
}

static void misuse(void **state) {
  (void)state;
  ledger *db = sign_in_open("full");
  ledger_user user;
  ledger_session session;
  ledger_identity identity;
  ledger_user_change change = {.email = "a@b.co"};
  char *text;
  assert_int_equal(ledger_user_create(NULL, &change, &user), LEDGER_MISUSE);
  assert_int_equal(ledger_user_create(db, NULL, &user), LEDGER_MISUSE);
  assert_int_equal(ledger_user_update(db, NULL, &change, &user), LEDGER_MISUSE);
  assert_int_equal(ledger_user_get(db, "x", NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_user_delete(db, NULL, 0), LEDGER_MISUSE);
  assert_int_equal(ledger_sign_in(db, NULL, "x", NULL, &session), LEDGER_MISUSE);
  assert_int_equal(ledger_sign_in(db, "x", NULL, NULL, &session), LEDGER_MISUSE);
  assert_int_equal(ledger_sign_in(db, "x", "x", NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_session_open(db, "x", NULL, NULL, &session), LEDGER_MISUSE);
  assert_int_equal(ledger_session_refresh(db, NULL, NULL, &session), LEDGER_MISUSE);
  assert_int_equal(ledger_session_close(db, "x", NULL, LEDGER_SCOPE_LOCAL), LEDGER_MISUSE);
  assert_int_equal(ledger_token_verify(db, NULL, &identity), LEDGER_MISUSE);
  assert_int_equal(ledger_token_sign(db, "anon", -1, &text), LEDGER_MISUSE);
  assert_int_equal(ledger_key_create(db, NULL, NULL, &text), LEDGER_MISUSE);
  assert_int_equal(ledger_key_verify(db, NULL, &identity), LEDGER_MISUSE);
  assert_int_equal(ledger_key_list(db, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_role_grant(db, "x", NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_auth_configure(db, NULL), LEDGER_MISUSE);
  ledger_auth_settings settings = {.lock_seconds = -1};
  assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_auth_configure(db, &settings));
  assert_refused(db, LEDGER_INVALID_PARAMETER,
                 ledger_session_open(db, "x", "", NULL, &session));
  assert_refused(db, LEDGER_UNKNOWN_USER, ledger_session_open(db, "x", "otp", NULL, &session));
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lives),     cmocka_unit_test(refusals),
      cmocka_unit_test(anonymous), cmocka_unit_test(phones),
      cmocka_unit_test(confirmed), cmocka_unit_test(hashes),
      cmocka_unit_test(hashes_that_are_none), cmocka_unit_test(wrong_ones_take_as_long),
      cmocka_unit_test(names),     cmocka_unit_test(ids),
      cmocka_unit_test(lists),     cmocka_unit_test(followed),
      cmocka_unit_test(within_a_transaction),
      cmocka_unit_test(own_schemas), cmocka_unit_test(published), cmocka_unit_test(misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
