/*
** test_token.c: JWTs: those that hold, every forgery that is known, time, secrets that change, and the memory of those seen before.
*/
#include "../../ledger.c"

#include "sign_in.h"

static const char secret[] = "a secret of the tests, which is long enough";
static ledger *db;

static int setup(void **state) {
  (void)state;
  db = sign_in_open("full");
  assert_done(db, ledger_secret_rotate(db, secret, 0));
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(db);
  return 0;
}

static int64_t now_s(void) {
  return clock_now_us() / 1000000;
}

/* A token of these two texts under a key. Static. */
static const char *forge_with(const char *key, const char *header, const char *payload,
                              size_t payload_length) {
  static char tokens[4][40000];
  static int next;
  char *out = tokens[next++ % 4];
  unsigned char signature[32];
  size_t length = seal_base64_length(strlen(header));
  assert_true(seal_base64_length(payload_length) < 30000);
  seal_base64(header, strlen(header), out);
  out[length++] = '.';
  seal_base64(payload, payload_length, out + length);
  length += seal_base64_length(payload_length);
  seal_hmac_sha256(key, strlen(key), out, length, signature);
  out[length++] = '.';
  seal_base64(signature, sizeof signature, out + length);
  return out;
}

static const char hs256[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

static const char *forge(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *payload = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  const char *token = forge_with(secret, hs256, payload, strlen(payload));
  sqlite3_free(payload);
  return token;
}

static int verify(const char *token) {
  ledger_identity identity;
  int rc = ledger_token_verify(db, token, &identity);
  if (rc != LEDGER_OK) {
    assert_string_equal(identity.role, "");
    assert_string_equal(identity.claims, "");
    /* what was presented does not stand in the words */
    assert_null(strstr(ledger_error_of(db)->message, "eyJ"));
  }
  return rc;
}

static void good_ones(void **state) {
  (void)state;
  ledger_identity identity;
  const char *token = forge("{\"role\":\"anon\"}");
  assert_done(db, ledger_token_verify(db, token, &identity));
  assert_string_equal(identity.role, "anon");
  assert_string_equal(identity.claims, "{\"role\":\"anon\"}");
  assert_string_equal(identity.user_id, "");
  assert_string_equal(identity.session_id, "");
  assert_done(db, ledger_token_verify(db, token, &identity)); /* remembered */
  assert_string_equal(identity.claims, "{\"role\":\"anon\"}");
  token = forge("{\"sub\":\"x\",\"exp\":%lld.75,\"iat\":%lld,\"nbf\":%lld,\"x\":{\"a\":[1,{}]}}",
                now_s() + 10, now_s() + 20, now_s() + 20);
  assert_done(db, ledger_token_verify(db, token, &identity));
  assert_string_equal(identity.role, "anon"); /* as PostgREST: without a role */
  assert_string_equal(identity.user_id, "x");
  assert_int_equal(verify(forge_with(secret, "{\"alg\":\"HS256\"}", "{}", 2)), LEDGER_OK);
  assert_int_equal(verify(forge_with(secret, "{\"typ\":\"jwt\",\"alg\":\"HS256\",\"kid\":\"1\"}", "{}", 2)),
                   LEDGER_OK);
  char *own;
  assert_done(db, ledger_token_sign(db, "service_role", 0, &own));
  assert_done(db, ledger_token_verify(db, own, &identity));
  assert_string_equal(identity.role, "service_role");
  assert_non_null(strstr(identity.claims, "\"exp\":"));
  ledger_free(own);
  assert_done(db, ledger_token_sign(db, "anon", 60, &own));
  assert_int_equal(verify(own), LEDGER_OK);
  sign_in_clock(89);
  assert_int_equal(verify(own), LEDGER_OK);
  sign_in_clock(91);
  assert_int_equal(verify(own), LEDGER_TOKEN_EXPIRED);
  sign_in_clock(0);
  ledger_free(own);
  assert_refused(db, LEDGER_INVALID_PARAMETER, ledger_token_sign(db, "", 0, &own));
  assert_null(own);
  /* RFC 7515, appendix A.1: a signature that others computed */
  unsigned char key[64];
  size_t used;
  assert_true(seal_base64_read("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4h"
                               "cgUuTwjAzZr1Z9CAow",
                               86, key, sizeof key, &used));
  static const char signed_text[] =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0"
      "dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  unsigned char signature[32];
  char text[64];
  seal_hmac_sha256(key, used, signed_text, strlen(signed_text), signature);
  seal_base64(signature, sizeof signature, text);
  assert_string_equal(text, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

static void forged_headers(void **state) {
  (void)state;
  static const char *const headers[] = {
      "{\"alg\":\"none\",\"typ\":\"JWT\"}",
      "{\"alg\":\"None\"}",
      "{\"alg\":\"\"}",
      "{\"typ\":\"JWT\"}",
      "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
      "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
      "{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
      "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
      "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
      "{\"alg\":[\"HS256\"]}",
      "{\"alg\":null}",
      "{\"alg\":\"HS256\",\"alg\":\"none\"}",
      "{\"alg\":\"none\",\"alg\":\"HS256\"}",
      "{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}",
      "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
      "{\"alg\":\"HS256\",\"typ\":1}",
      "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}",
      "{\"alg\":\"HS256\",\"crit\":null}",
      "{\"alg\":\"HS256\\u0000\"}",
      "[\"HS256\"]",
      "\"HS256\"",
      "",
      "{}",
      "{\"alg\":\"HS256\"} ",
      "{\"alg\":\"HS256\"}{}",
      "{\"alg\":\"HS256\",}",
  };
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    int rc = verify(forge_with(secret, headers[i], "{\"role\":\"service_role\"}", 23));
    /* white space behind a JSON text is allowed by its grammar */
    int wanted = strcmp(headers[i], "{\"alg\":\"HS256\"} ") == 0 ? LEDGER_OK : LEDGER_BAD_TOKEN;
    if (rc != wanted) fail_msg("header %s: %d", headers[i], rc);
  }
}

static void forged_forms(void **state) {
  (void)state;
  char text[9000];
  const char *token = forge("{\"role\":\"service_role\"}");
  size_t length = strlen(token), signature = (size_t)(strrchr(token, '.') - token) + 1;
  /* each byte another one */
  for (size_t i = 0; i < length; i++) {
    for (int k = 0; k < 3; k++) {
      memcpy(text, token, length + 1);
      text[i] = "A._"[k];
      if (text[i] != token[i] && verify(text) != LEDGER_BAD_TOKEN)
        fail_msg("byte %d as %c is taken", (int)i, text[i]);
    }
  }
  /* each length */
  for (size_t i = 0; i < length; i++) {
    memcpy(text, token, length);
    text[i] = 0;
    if (verify(text) != LEDGER_BAD_TOKEN) fail_msg("its first %d bytes are taken", (int)i);
  }
  static const char *const tails[] = {"A", "=", ".", ".e30", " ", "\n", "\x80", "%00"};
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    snprintf(text, sizeof text, "%s%s", token, tails[i]);
    if (verify(text) != LEDGER_BAD_TOKEN) fail_msg("with %s behind it is taken", tails[i]);
    snprintf(text, sizeof text, "%s%s", tails[i], token);
    if (verify(text) != LEDGER_BAD_TOKEN) fail_msg("with %s before it is taken", tails[i]);
  }
  snprintf(text, sizeof text, "%.*s", (int)signature, token); /* no signature */
  assert_int_equal(verify(text), LEDGER_BAD_TOKEN);
  snprintf(text, sizeof text, "%.*s..%s", (int)signature - 1, token, token + signature);
  assert_int_equal(verify(text), LEDGER_BAD_TOKEN);
  static const char *const none[] = {"", ".", "..", "...", "a.b.c", "e30.e30.e30", "null"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    assert_int_equal(verify(none[i]), LEDGER_BAD_TOKEN);
  /* the last digit of a signature has two bits that say nothing: they must be zero */
  memcpy(text, token, length + 1);
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  text[length - 1] = digits[(strchr(digits, text[length - 1]) - digits) + 1];
  assert_int_equal(verify(text), LEDGER_BAD_TOKEN);
  /* the other base64 */
  token = forge("{\"role\":\"service_role\",\"x\":\"\xc3\xbf\xc3\xbf\xc3\xbe~~~\?\?\?\"}");
  snprintf(text, sizeof text, "%s", token);
  bool has_other = false;
  for (char *p = text; *p != 0; p++) {
    has_other = has_other || *p == '-' || *p == '_';
    *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
  }
  assert_true(has_other);
  assert_int_equal(verify(text), LEDGER_BAD_TOKEN);
  assert_int_equal(verify(token), LEDGER_OK);
  /* size */
  char *large = sqlite3_mprintf("{\"role\":\"anon\",\"x\":\"%*s\"}", 6000, "");
  assert_int_equal(verify(forge_with(secret, hs256, large, strlen(large))), LEDGER_OK);
  sqlite3_free(large);
  large = sqlite3_mprintf("{\"role\":\"anon\",\"x\":\"%*s\"}", 7000, "");
  assert_int_equal(verify(forge_with(secret, hs256, large, strlen(large))), LEDGER_BAD_TOKEN);
  sqlite3_free(large);
}

static void forged_claims(void **state) {
  (void)state;
  static const char *const payloads[] = {
      "",
      "null",
      "[]",
      "\"role\"",
      "1",
      "{",
      "{}}",
      "{} {}",
      "{\"role\":\"anon\"",
      "{\"role\":\"anon\",\"role\":\"service_role\"}",
      "{\"role\":\"anon\",\"rol\\u0065\":\"service_role\"}",
      "{\"role\":null}",
      "{\"role\":\"\"}",
      "{\"role\":1}",
      "{\"role\":[\"service_role\"]}",
      "{\"role\":\"service_role\\u0000\"}",
      "{\"role\":\"\xff\"}",
      "{\"role\":\"x123456789012345678901234567890123456789012345678901234567890123\"}",
      "{\"exp\":\"9999999999\"}",
      "{\"exp\":9999999999999}",
      "{\"exp\":-1}",
      "{\"exp\":1e10}",
      "{\"exp\":null}",
      "{\"exp\":true}",
      "{\"nbf\":\"0\"}",
      "{\"iat\":[]}",
      "{\"sub\":1}",
      "{\"session_id\":\"8b0e6a3e-9d3a-4f4c-8d57-1f2b3c4d5e6f\"}",
      "{\"sub\":\"x\",\"session_id\":\"8b0e6a3e-9d3a-4f4c-8d57-1f2b3c4d5e6f\"}",
      "{\"session_id\":\"8b0e6a3e-9d3a-4f4c-8d57-1f2b3c4d5e6f\",\"exp\":9999999999}",
  };
  for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
    int rc = verify(forge_with(secret, hs256, payloads[i], strlen(payloads[i])));
    if (rc != LEDGER_BAD_TOKEN) fail_msg("claims %s: %d", payloads[i], rc);
  }
  /* a NUL in the JSON itself */
  assert_int_equal(verify(forge_with(secret, hs256, "{\"role\":\"anon\0\"}", 16)),
                   LEDGER_BAD_TOKEN);
  /* nested deeper than the scanner goes, and many members */
  static char deep[5000];
  memset(deep, '[', sizeof deep);
  memcpy(deep, "{\"a\":", 5);
  assert_int_equal(verify(forge_with(secret, hs256, deep, sizeof deep)), LEDGER_BAD_TOKEN);
  sqlite3_str *many = sqlite3_str_new(NULL);
  for (int i = 0; i < 100; i++) sqlite3_str_appendf(many, "%s\"m%d\":1", i == 0 ? "{" : ",", i);
  sqlite3_str_appendchar(many, 1, '}');
  char *text = sqlite3_str_finish(many);
  assert_int_equal(verify(forge_with(secret, hs256, text, strlen(text))), LEDGER_BAD_TOKEN);
  sqlite3_free(text);
  /* a session that is not one of the file's */
  assert_int_equal(verify(forge("{\"sub\":\"x\",\"session_id\":\"%s\",\"exp\":%lld}",
                                "8b0e6a3e-9d3a-4f4c-8d57-1f2b3c4d5e6f", now_s() + 10)),
                   LEDGER_SESSION_GONE);
}

static void times(void **state) {
  (void)state;
  assert_int_equal(verify(forge("{\"exp\":%lld}", now_s() - 31)), LEDGER_TOKEN_EXPIRED);
  assert_int_equal(verify(forge("{\"exp\":%lld}", now_s() - 25)), LEDGER_OK);
  assert_int_equal(verify(forge("{\"exp\":%lld}", now_s() + 5)), LEDGER_OK);
  assert_int_equal(verify(forge("{\"exp\":0}")), LEDGER_TOKEN_EXPIRED);
  assert_int_equal(verify(forge("{\"nbf\":%lld}", now_s() + 60)), LEDGER_TOKEN_EXPIRED);
  assert_int_equal(verify(forge("{\"nbf\":%lld}", now_s() + 25)), LEDGER_OK);
  assert_int_equal(verify(forge("{\"iat\":%lld}", now_s() + 60)), LEDGER_TOKEN_EXPIRED);
  assert_int_equal(verify(forge("{\"iat\":%lld}", now_s() + 25)), LEDGER_OK);
  /* remembered ones expire, too */
  char token[512];
  snprintf(token, sizeof token, "%s", forge("{\"exp\":%lld}", now_s() + 100));
  assert_int_equal(verify(token), LEDGER_OK);
  sign_in_clock(131);
  assert_int_equal(verify(token), LEDGER_TOKEN_EXPIRED);
  sign_in_clock(0);
  assert_int_equal(verify(token), LEDGER_OK);
}

static void secrets(void **state) {
  (void)state;
  char token[512];
  snprintf(token, sizeof token, "%s", forge("{\"role\":\"anon\"}"));
  assert_int_equal(verify(forge_with("another secret of the tests, as long", hs256, "{}", 2)),
                   LEDGER_BAD_TOKEN);
  assert_int_equal(verify(token), LEDGER_OK);
  /* the same again: nothing happens, the token holds */
  assert_done(db, ledger_secret_rotate(db, secret, 0));
  assert_int_equal(verify(token), LEDGER_OK);
  assert_done(db, ledger_secret_rotate(db, "another secret of the tests, as long", 100));
  assert_int_equal(verify(token), LEDGER_OK);
  assert_int_equal(verify(forge("{\"role\":\"viewer\"}")), LEDGER_OK); /* one not seen before */
  assert_int_equal(verify(forge_with("another secret of the tests, as long", hs256, "{}", 2)),
                   LEDGER_OK);
  sign_in_clock(99);
  assert_int_equal(verify(token), LEDGER_OK);
  sign_in_clock(101);
  assert_int_equal(verify(token), LEDGER_BAD_TOKEN);
  assert_int_equal(verify(forge("{\"role\":\"moderator\"}")), LEDGER_BAD_TOKEN);
  sign_in_clock(0);
  /* a random one, at once */
  assert_done(db, ledger_secret_rotate(db, NULL, 0));
  assert_int_equal(verify(token), LEDGER_BAD_TOKEN);
  assert_int_equal(verify(forge_with("another secret of the tests, as long", hs256, "{}", 2)),
                   LEDGER_BAD_TOKEN);
  assert_true(strlen(sign_in_sql(db, "SELECT secret FROM ledger_secret ORDER BY n DESC")) == 43);
  assert_refused(db, LEDGER_INVALID_PARAMETER,
                 ledger_secret_rotate(db, "a secret that is too short.....", 0));
  assert_refused(db, LEDGER_BAD_ENCODING,
                 ledger_secret_rotate(db, "\xff a secret that is long enough, and no text", 0));
}

/* Another handle, and a transaction that is undone: what a handle remembers is never older than the file. */
static void handles(void **state) {
  (void)state;
  const char *folder = getenv("TMPDIR");
  char path[4096], *token;
  snprintf(path, sizeof path, "%s/ledger-token-XXXXXX", folder != NULL ? folder : "/tmp");
  int file = mkstemp(path);
  ledger *one = NULL, *other = NULL;
  ledger_identity identity;
  ledger_session session;
  struct sign_in_tokens tokens;
  assert_true(file >= 0);
  close(file);
  unlink(path);
  assert_int_equal(ledger_create(path, ledger_schema("full"), 0, &one), LEDGER_OK);
  assert_int_equal(ledger_open(path, LEDGER_READ_ONLY_FILE, &other), LEDGER_OK);
  /* no secret at all */
  assert_refused(other, LEDGER_BAD_TOKEN,
                 ledger_token_verify(other, forge("{\"role\":\"anon\"}"), &identity));
  assert_refused(other, LEDGER_READ_ONLY, ledger_token_sign(other, "anon", 0, &token));
  free(sign_in_user(one, "ada@example.com", "correct horse"));
  sign_in(one, "ada@example.com", "correct horse", &tokens);
  assert_done(other, ledger_token_verify(other, tokens.access, &identity));
  char *user_id = strdup(identity.user_id);
  /* ended through one, refused by the other at once */
  assert_done(one, ledger_session_close(one, user_id, tokens.session_id, LEDGER_SCOPE_LOCAL));
  assert_refused(other, LEDGER_SESSION_GONE, ledger_token_verify(other, tokens.access, &identity));
  assert_done(one, ledger_token_sign(one, "anon", 0, &token));
  assert_done(other, ledger_token_verify(other, token, &identity));
  assert_done(one, ledger_secret_rotate(one, NULL, 0));
  assert_refused(other, LEDGER_BAD_TOKEN, ledger_token_verify(other, token, &identity));
  ledger_free(token);
  /* undone: the secret that the token was signed with is none */
  assert_done(one, ledger_begin(one));
  assert_done(one, ledger_secret_rotate(one, secret, 0));
  assert_done(one, ledger_token_verify(one, forge("{\"role\":\"anon\"}"), &identity));
  assert_done(one, ledger_session_open(one, user_id, "otp", NULL, &session));
  assert_done(one, ledger_rollback(one));
  assert_refused(one, LEDGER_BAD_TOKEN,
                 ledger_token_verify(one, forge("{\"role\":\"anon\"}"), &identity));
  assert_done(one, ledger_token_sign(one, "anon", 0, &token));
  assert_done(one, ledger_token_verify(one, token, &identity));
  ledger_free(token);
  free(user_id);
  ledger_close(one);
  ledger_close(other);
  file_remove(path);
}

/* More tokens than are remembered. */
static void many(void **state) {
  (void)state;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 300; i++) {
      ledger_identity identity;
      char wanted[32];
      snprintf(wanted, sizeof wanted, "role_%d", i);
      assert_done(db, ledger_token_verify(db, forge("{\"role\":\"%s\"}", wanted), &identity));
      assert_string_equal(identity.role, wanted);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(good_ones, setup, teardown),
      cmocka_unit_test_setup_teardown(forged_headers, setup, teardown),
      cmocka_unit_test_setup_teardown(forged_forms, setup, teardown),
      cmocka_unit_test_setup_teardown(forged_claims, setup, teardown),
      cmocka_unit_test_setup_teardown(times, setup, teardown),
      cmocka_unit_test_setup_teardown(secrets, setup, teardown),
      cmocka_unit_test_setup_teardown(handles, setup, teardown),
      cmocka_unit_test_setup_teardown(many, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
