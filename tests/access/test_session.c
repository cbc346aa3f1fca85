/*
** test_session.c: sessions: refreshing and its reuse, the row of sessions beside, signing out, expiry, lock-out; in every schema.
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

static int verify(const char *token) {
  ledger_identity identity;
  return ledger_token_verify(db, token, &identity);
}

static int refresh(const char *token, struct sign_in_tokens *out) {
  ledger_session session;
  int rc = ledger_session_refresh(db, token, NULL, &session);
  sign_in_keep(&session, out);
  return rc;
}

/* Calls `body` for each schema, and for one without any of the tables. */
static void in_each(void (*body)(const char *schema)) {
  for (int i = 0; i <= SIGN_IN_SCHEMAS; i++) {
    const char *schema = i < SIGN_IN_SCHEMAS ? sign_in_schemas[i] : NULL;
    open_with(schema);
    body(schema == NULL ? "bare" : schema);
    shut();
  }
}

/* ---- refreshing */

static void refreshing(const char *schema) {
  struct sign_in_tokens first, second, again, third;
  ledger_session session;
  (void)schema;
  sign_in(db, "ada@example.com", "correct horse", &first);
  assert_true(strlen(first.refresh) == 32);
  assert_int_equal(sign_in_count(db, "ledger_refresh_token", "typeof(hash) = 'blob' AND"
                                                             " length(hash) = 32"),
                   1);
  sign_in_clock(60);
  assert_done(db, ledger_session_refresh(db, first.refresh, NULL, &session));
  assert_int_equal(session.expires_in, 3600);
  assert_true(session.expires_at - clock_now_us() / 1000000 >= 3599);
  assert_string_equal(session.user.email, "ada@example.com");
  sign_in_keep(&session, &second);
  assert_string_equal(second.session_id, first.session_id);
  assert_string_not_equal(second.refresh, first.refresh);
  assert_int_equal(verify(second.access), LEDGER_OK);
  assert_int_equal(verify(first.access), LEDGER_OK);
  /* again within ten seconds: the same successor */
  sign_in_clock(69);
  assert_done(db, refresh(first.refresh, &again));
  assert_string_equal(again.refresh, second.refresh);
  /* and the last one where that was used, too */
  assert_done(db, refresh(second.refresh, &third));
  assert_string_not_equal(third.refresh, second.refresh);
  assert_done(db, refresh(first.refresh, &again));
  assert_string_equal(again.refresh, third.refresh);
  assert_done(db, refresh(second.refresh, &again));
  assert_string_equal(again.refresh, third.refresh);
  /* later it was stolen: the session ends */
  sign_in_clock(72);
  assert_refused(db, LEDGER_TOKEN_REUSED, refresh(first.refresh, &again));
  assert_string_equal(again.access, "");
  assert_int_equal(verify(second.access), LEDGER_SESSION_GONE);
  assert_int_equal(verify(third.access), LEDGER_SESSION_GONE);
  assert_refused(db, LEDGER_SESSION_GONE, refresh(third.refresh, &again));
  assert_refused(db, LEDGER_SESSION_GONE, refresh(first.refresh, &again));
  sign_in_clock(0);
}

static void refreshing_in_each(void **state) {
  (void)state;
  in_each(refreshing);
}

static void refresh_tokens_that_are_none(void **state) {
  (void)state;
  static const char *const none[] = {"", "x", "0123456789abcdef0123456789abcdef",
                                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                     "' OR 1 = 1; DROP TABLE users; --"};
  struct sign_in_tokens tokens;
  open_with("full");
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_refused(db, LEDGER_TOKEN_UNKNOWN, refresh(none[i], &tokens));
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  assert_refused(db, LEDGER_TOKEN_UNKNOWN, refresh(tokens.access, &tokens));
  shut();
}

static void never_reusable(void **state) {
  (void)state;
  ledger_auth_settings settings = {.reuse_seconds = -1, .token_seconds = 120};
  struct sign_in_tokens first, second, third;
  open_with("full");
  assert_done(db, ledger_auth_configure(db, &settings));
  sign_in(db, "ada@example.com", "correct horse", &first);
  assert_done(db, refresh(first.refresh, &second));
  assert_refused(db, LEDGER_TOKEN_REUSED, refresh(first.refresh, &third));
  shut();
}

/* ---- the end of a session */

static void ends(const char *schema) {
  struct sign_in_tokens one, two, three;
  (void)schema;
  sign_in(db, "ada@example.com", "correct horse", &one);
  sign_in(db, "ada@example.com", "correct horse", &two);
  sign_in(db, "ada@example.com", "correct horse", &three);
  assert_refused(db, LEDGER_SESSION_GONE,
                 ledger_session_close(db, "another", one.session_id, LEDGER_SCOPE_LOCAL));
  assert_int_equal(verify(one.access), LEDGER_OK);
  assert_done(db, ledger_session_close(db, user_id, one.session_id, LEDGER_SCOPE_LOCAL));
  assert_refused(db, LEDGER_SESSION_GONE,
                 ledger_session_close(db, user_id, one.session_id, LEDGER_SCOPE_LOCAL));
  assert_int_equal(verify(one.access), LEDGER_SESSION_GONE);
  assert_int_equal(verify(two.access), LEDGER_OK);
  assert_done(db, ledger_session_close(db, user_id, two.session_id, LEDGER_SCOPE_OTHERS));
  assert_int_equal(verify(two.access), LEDGER_OK);
  assert_int_equal(verify(three.access), LEDGER_SESSION_GONE);
  assert_refused(db, LEDGER_SESSION_GONE, refresh(three.refresh, &three));
  assert_done(db, ledger_session_close(db, user_id, NULL, LEDGER_SCOPE_GLOBAL));
  assert_int_equal(verify(two.access), LEDGER_SESSION_GONE);
}

static void ends_in_each(void **state) {
  (void)state;
  in_each(ends);
}

static void expires(void **state) {
  (void)state;
  struct sign_in_tokens tokens, other;
  open_with("full");
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  sign_in_clock(3631);
  assert_int_equal(verify(tokens.access), LEDGER_TOKEN_EXPIRED);
  sign_in_clock(29 * 86400);
  assert_done(db, refresh(tokens.refresh, &other)); /* lives on from here */
  sign_in_clock(58 * 86400);
  assert_done(db, refresh(other.refresh, &tokens));
  sign_in_clock(89 * 86400);
  assert_refused(db, LEDGER_SESSION_GONE, refresh(tokens.refresh, &other));
  /* what is over for long is forgotten */
  sign_in_clock(200 * 86400);
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  assert_int_equal(sign_in_count(db, "ledger_session", "true"), 1);
  assert_int_equal(sign_in_count(db, "ledger_refresh_token", "true"), 1);
  shut();
}

/* ---- the row beside */

static void rows(void **state) {
  (void)state;
  static const struct {
    const char *schema, *where, *column, *value;
  } cases[] = {
      {"full",
       "length(token_hash) = 64 AND length(refresh_token_hash) = 64 AND NOT is_revoked AND"
       " ip_address = '203.0.113.7' AND user_agent = 'test/1' AND last_activity_at IS NOT NULL",
       "is_revoked", "true"},
      {"elon", "length(session_token) = 64 AND is_active AND ip_address = '203.0.113.7'",
       "is_active", "false"},
      {"smarthub", "length(token_hash) = 64 AND user_agent = 'test/1'", NULL, NULL},
      {"pe_portal", "length(refresh_token) = 64 AND NOT is_revoked",
       "is_revoked", "true"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct sign_in_tokens tokens, next;
    open_with(cases[i].schema);
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    assert_int_equal(sign_in_count(db, "sessions", cases[i].where), 1);
    sign_in_clock(1000);
    assert_done(db, refresh(tokens.refresh, &next));
    assert_int_equal(sign_in_count(db, "sessions", cases[i].where), 1);
    assert_int_equal(verify(next.access), LEDGER_OK);
    /* the owner of the file ends it there */
    sign_in_set_all(db, "sessions", cases[i].column, cases[i].value);
    assert_int_equal(verify(next.access), LEDGER_SESSION_GONE);
    assert_refused(db, LEDGER_SESSION_GONE, refresh(next.refresh, &next));
    sign_in_clock(0);
    /* and signing out ends the row */
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    assert_done(db, ledger_session_close(db, user_id, tokens.session_id, LEDGER_SCOPE_LOCAL));
    assert_int_equal(sign_in_count(db, "sessions", cases[i].where), 0);
    shut();
  }
}

/* An address that is none, and an agent that is no text, do not keep anybody out. */
static void odd_clients(void **state) {
  (void)state;
  static const ledger_client clients[] = {{"not an address", "agent"},
                                          {"203.0.113.7", "\xff\xfe"},
                                          {"::ffff:203.0.113.7", NULL},
                                          {NULL, ""},
                                          {"' OR 1", "'; DROP TABLE sessions; --"}};
  ledger_session session;
  char *agent = malloc(5000);
  memset(agent, 'x', 4999);
  agent[4999] = 0;
  open_with("full");
  for (size_t i = 0; i < sizeof clients / sizeof *clients; i++)
    assert_done(db, ledger_sign_in(db, "ada@example.com", "correct horse", &clients[i], &session));
  ledger_client large = {"2001:db8::1", agent};
  assert_done(db, ledger_sign_in(db, "ada@example.com", "correct horse", &large, &session));
  assert_int_equal(sign_in_count(db, "sessions", "length(user_agent) > 500"), 0);
  assert_int_equal(sign_in_count(db, "sessions", "ip_address = '2001:db8::1'"), 1);
  assert_int_equal(sign_in_count(db, "sessions", "ip_address = '203.0.113.7'"), 1);
  free(agent);
  shut();
}

/* ---- a user that goes */

static void user_goes(const char *schema) {
  struct sign_in_tokens tokens;
  ledger_session session;
  sign_in(db, "ada@example.com", "correct horse", &tokens);
  if (strcmp(schema, "bare") == 0) return;
  if (strcmp(schema, "full") == 0 || strcmp(schema, "elon") == 0) /* evidence of the user */
    assert_int_equal(sqlite3_exec(db->sqlite, "DELETE FROM user_kyc", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db->sqlite, "DELETE FROM users WHERE email = 'ada@example.com'",
                                NULL, NULL, NULL),
                   SQLITE_OK);
  assert_int_equal(verify(tokens.access), LEDGER_SESSION_GONE);
  assert_refused(db, LEDGER_SESSION_GONE,
                 ledger_session_refresh(db, tokens.refresh, NULL, &session));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", "correct horse", NULL, &session));
}

static void user_goes_in_each(void **state) {
  (void)state;
  in_each(user_goes);
}

static void suspended(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"full", "status", "suspended"},
      {"wallstreet", "status", "closed"},
      {"elon", "is_active", "false"},
      {"smarthub", "is_active", "false"},
      {"pe_portal", "is_active", "false"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct sign_in_tokens tokens;
    ledger_session session;
    ledger_user_change lifts = {.banned_until = "", .by_administrator = 1};
    open_with(cases[i][0]);
    sign_in(db, "ada@example.com", "correct horse", &tokens);
    sign_in_set_all(db, "users", cases[i][1], cases[i][2]);
    assert_int_equal(verify(tokens.access), LEDGER_BANNED);
    assert_refused(db, LEDGER_BANNED,
                   ledger_session_refresh(db, tokens.refresh, NULL, &session));
    assert_refused(db, LEDGER_BANNED,
                   ledger_sign_in(db, "ada@example.com", "correct horse", NULL, &session));
    assert_done(db, ledger_user_update(db, user_id, &lifts, NULL));
    assert_int_equal(verify(tokens.access), LEDGER_OK);
    shut();
  }
}

/* ---- lock-out */

static int try_wrong(const char *name) {
  ledger_session session;
  return ledger_sign_in(db, name, "wrong", NULL, &session);
}

static void locked_out(void **state) {
  (void)state;
  static const char *const names[] = {"ada@example.com", "nobody@example.com"};
  ledger_auth_settings settings = {.attempts_max = 3, .lock_seconds = 60};
  ledger_session session;
  open_with("full");
  assert_done(db, ledger_auth_configure(db, &settings));
  for (int i = 0; i < 2; i++) { /* the same whether or not there is such a user */
    sign_in_clock(0);
    for (int k = 0; k < 3; k++) assert_int_equal(try_wrong(names[i]), LEDGER_BAD_CREDENTIALS);
    assert_int_equal(try_wrong(names[i]), LEDGER_LOCKED_OUT);
    const char *hint = ledger_error_of(db)->hint;
    assert_true(strlen(hint) >= 20 && hint[10] == 'T' && hint[strlen(hint) - 1] == 'Z');
    assert_refused(db, LEDGER_LOCKED_OUT,
                   ledger_sign_in(db, names[i], "correct horse", NULL, &session));
    assert_int_equal(try_wrong("ADA@example.com"), LEDGER_LOCKED_OUT);
    sign_in_clock(61); /* the next wrong one: for twice as long */
    assert_int_equal(try_wrong(names[i]), LEDGER_BAD_CREDENTIALS);
    assert_int_equal(try_wrong(names[i]), LEDGER_LOCKED_OUT);
    sign_in_clock(61 + 119);
    assert_int_equal(try_wrong(names[i]), LEDGER_LOCKED_OUT);
    sign_in_clock(61 + 121);
    assert_int_equal(try_wrong(names[i]), LEDGER_BAD_CREDENTIALS);
    sign_in_clock(61 + 121 + 239);
    assert_int_equal(try_wrong(names[i]), LEDGER_LOCKED_OUT);
    sign_in_clock(61 + 121 + 241);
  }
  assert_done(db, ledger_sign_in(db, names[0], "correct horse", NULL, &session)); /* forgiven */
  assert_int_equal(try_wrong(names[0]), LEDGER_BAD_CREDENTIALS);
  assert_int_equal(try_wrong(names[0]), LEDGER_BAD_CREDENTIALS);
  assert_done(db, ledger_sign_in(db, names[0], "correct horse", NULL, &session));
  /* no name stands in the file */
  assert_int_equal(sign_in_count(db, "ledger_attempt", "typeof(name) <> 'blob'"), 0);
  /* a day later nothing of it is left */
  sign_in_clock(10 * 86400);
  assert_int_equal(try_wrong(names[1]), LEDGER_BAD_CREDENTIALS);
  assert_int_equal(try_wrong(names[1]), LEDGER_BAD_CREDENTIALS);
  assert_int_equal(try_wrong("third@example.com"), LEDGER_BAD_CREDENTIALS);
  assert_int_equal(sign_in_count(db, "ledger_attempt", "true"), 4); /* each for its client and for all */
  shut();
}

static int try_from(const char *name, const char *password, const char *address) {
  ledger_session session;
  ledger_client client = {.ip_address = address};
  return ledger_sign_in(db, name, password, &client, &session);
}

/* Another client is another count, of a number all its spellings are one, and a new password ends the lock. */
static void locked_out_for_a_client(void **state) {
  (void)state;
  static const char *const spellings[] = {"+49 170 1234567", "491701234567", "4 9 1 701234567",
                                          "49-170-1234567", "+491701234567 "};
  ledger_auth_settings settings = {.attempts_max = 3};
  open_with("full");
  assert_done(db, ledger_auth_configure(db, &settings));
  ledger_user_change number = {.phone = spellings[0], .by_administrator = 1, .confirm = 1};
  assert_done(db, ledger_user_update(db, user_id, &number, NULL));
  for (int i = 0; i < 3; i++)
    assert_int_equal(try_from(spellings[i], "wrong", "203.0.113.1"), LEDGER_BAD_CREDENTIALS);
  for (int i = 0; i < 5; i++)
    assert_int_equal(try_from(spellings[i], "correct horse", "203.0.113.1"), LEDGER_LOCKED_OUT);
  assert_int_equal(try_from(spellings[0], "correct horse", "203.0.113.2"), LEDGER_OK);
  assert_int_equal(try_from(spellings[0], "correct horse", "203.0.113.1"), LEDGER_LOCKED_OUT);
  ledger_user_change password = {.password = "battery staple", .by_administrator = 1};
  assert_done(db, ledger_user_update(db, user_id, &password, NULL));
  assert_int_equal(try_from(spellings[0], "battery staple", "203.0.113.1"), LEDGER_OK);
  /* from many addresses: thirty in all, then nobody */
  for (int i = 0; i < 30; i++) {
    char address[32];
    snprintf(address, sizeof address, "198.51.100.%d", i);
    assert_int_equal(try_from("ada@example.com", "wrong", address), LEDGER_BAD_CREDENTIALS);
  }
  assert_int_equal(try_from("ada@example.com", "battery staple", "203.0.113.2"), LEDGER_LOCKED_OUT);
  ledger_user_change lifts = {.banned_until = "", .by_administrator = 1};
  assert_done(db, ledger_user_update(db, user_id, &lifts, NULL));
  assert_int_equal(try_from("ada@example.com", "battery staple", "203.0.113.2"), LEDGER_OK);
  assert_int_equal(sign_in_count(db, "ledger_attempt", "true"), 0);
  shut();
}

/* A lock lasts a day at most, and a clock that was put back does not make it longer. */
static void locked_for_a_day(void **state) {
  (void)state;
  ledger_auth_settings settings = {.attempts_max = 1, .lock_seconds = 50000};
  open_with("full");
  assert_done(db, ledger_auth_configure(db, &settings));
  assert_int_equal(try_wrong("a@b.co"), LEDGER_BAD_CREDENTIALS);
  sign_in_clock(50001);
  assert_int_equal(try_wrong("a@b.co"), LEDGER_BAD_CREDENTIALS);
  sign_in_clock(50001 + 86399);
  assert_int_equal(try_wrong("a@b.co"), LEDGER_LOCKED_OUT);
  sign_in_clock(50001 + 86401);
  assert_int_equal(try_wrong("a@b.co"), LEDGER_BAD_CREDENTIALS);
  sign_in_clock(-1000000);
  assert_int_equal(try_wrong("a@b.co"), LEDGER_BAD_CREDENTIALS);
  shut();
}

/* ---- names that are none */

static void odd_names(void **state) {
  (void)state;
  static const char *const names[] = {"", "@", "a@b", "' OR '1'='1", "\xff@x.co", "12", "+1 415 555",
                                      "ada@example.com' --", "ADA@EXAMPLE.COM "};
  ledger_session session;
  open_with("full");
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    assert_refused(db, LEDGER_BAD_CREDENTIALS,
                   ledger_sign_in(db, names[i], "correct horse", NULL, &session));
  char *large = malloc(100001);
  memset(large, 'x', 100000);
  large[100000] = 0;
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, large, "correct horse", NULL, &session));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", large, NULL, &session));
  assert_refused(db, LEDGER_BAD_CREDENTIALS,
                 ledger_sign_in(db, "ada@example.com", "", NULL, &session));
  free(large);
  shut();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refreshing_in_each),
      cmocka_unit_test(refresh_tokens_that_are_none),
      cmocka_unit_test(never_reusable),
      cmocka_unit_test(ends_in_each),
      cmocka_unit_test(expires),
      cmocka_unit_test(rows),
      cmocka_unit_test(odd_clients),
      cmocka_unit_test(user_goes_in_each),
      cmocka_unit_test(suspended),
      cmocka_unit_test(locked_out),
      cmocka_unit_test(locked_out_for_a_client),
      cmocka_unit_test(locked_for_a_day),
      cmocka_unit_test(odd_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
