/*
** The texts that come before anybody is known: tokens, keys, addresses, numbers, hashes, metadata. The first byte says what the
** others are: T a token, H a header and P a payload that are signed with the right secret, K an API key, M metadata to be merged, E an
** address, F a number, S a hash.
*/

static const char fuzz_token_secret[] = "a secret of the fuzz target, long enough";

static ledger *fuzz_token_file(void) {
  static ledger *db;
  if (db != NULL) return db;
  FUZZ_REQUIRE(ledger_create(":memory:", ledger_schema("full"), 0, &db) == LEDGER_OK, "the full schema");
  FUZZ_REQUIRE(ledger_secret_rotate(db, fuzz_token_secret, 0) == LEDGER_OK, "the secret");
  return db;
}

/* From malloc(). */
static char *fuzz_token_sign(const char *header, size_t header_length, const char *payload, size_t payload_length) {
  size_t head = seal_base64_length(header_length), body = seal_base64_length(payload_length);
  unsigned char signature[SEAL_SHA256_BYTES];
  char *out = malloc(head + body + 64);
  seal_base64(header, header_length, out);
  out[head] = '.';
  seal_base64(payload, payload_length, out + head + 1);
  seal_hmac_sha256(fuzz_token_secret, sizeof fuzz_token_secret - 1, out, head + 1 + body, signature);
  out[head + 1 + body] = '.';
  seal_base64(signature, sizeof signature, out + head + body + 2);
  return out;
}

static void fuzz_token_seeds(struct fuzz_seeds *seeds) {
  static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
  static const char *const texts[] = {
      "H{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
      "H{\"alg\":\"none\"}",
      "H{\"alg\":\"HS512\",\"typ\":\"JWT\",\"kid\":\"x\"}",
      "H{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"b64\":false}",
      "H{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}",
      "P{}",
      "P{\"role\":\"anon\"}",
      "P{\"iss\":\"https://x/auth/v1\",\"sub\":\"00000001-0000-4000-8000-000000000001\",\"aud\":\"authenticated\","
      "\"exp\":4102444800,\"iat\":1700000000,\"email\":\"a@b.co\",\"phone\":\"\",\"app_metadata\":{\"provider\":"
      "\"email\",\"providers\":[\"email\"]},\"user_metadata\":{\"n\":1.50},\"role\":\"authenticated\",\"aal\":\"aal1\","
      "\"amr\":[{\"method\":\"password\",\"timestamp\":1700000000}],\"is_anonymous\":false}",
      "P{\"sub\":\"x\",\"exp\":4102444800,\"session_id\":\"8b0e6a3e-9d3a-4f4c-8d57-1f2b3c4d5e6f\"}",
      "P{\"exp\":1,\"nbf\":4102444800.5,\"iat\":0}",
      "P{\"role\":\"a\",\"role\":\"b\"}",
      "P[[[[[[]]]]]]",
      "Klk_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef",
      "Ksb_publishable_0123456789abcdef_0123456789abcdef0123456789abcdef0123456789abcdef",
      "Ksb_secret_0123456789abcdef_",
      "Ka key of another program",
      "M{\"a\":1.50,\"b\":null,\"c\":{\"d\":[]},\"\\u00e9\":\"\\ud83d\\ude00\"}",
      "M{\"first_name\":\"A\",\"first_name\":null}",
      "Eada@example.com",
      "EAda.Lovelace+x@Sub.Example.org",
      "F+1 415-555-0100",
      "S$2b$10$CwTycUXWue0Thq9StjUM0uJ8qMKLE0fPF9pzqKw7VQfP9TkYYKzNq",
      "S$argon2id$v=19$m=19456,t=2,p=1$J2XVK4fGbRX1U7ofLiwuhw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    fuzz_seed_text(seeds, texts[i]);
    if (texts[i][0] != 'P') continue;
    char *token = fuzz_token_sign(header, sizeof header - 1, texts[i] + 1, strlen(texts[i]) - 1);
    char *seed = sqlite3_mprintf("T%s", token);
    fuzz_seed_text(seeds, seed);
    sqlite3_free(seed);
    free(token);
  }
}

/* Verified twice it is the same, and what it says is text. */
static void fuzz_token_verify(const char *token) {
  ledger *db = fuzz_token_file();
  ledger_identity identity, again;
  int rc = ledger_token_verify(db, token, &identity);
  if (rc != LEDGER_OK) {
    fuzz_require_error(rc, ledger_error_of(db));
    FUZZ_REQUIRE(identity.role[0] == 0 && identity.claims[0] == 0, "a refused token says something");
    FUZZ_REQUIRE(ledger_token_verify(db, token, &again) == rc, "the second time it is refused otherwise");
    return;
  }
  FUZZ_REQUIRE(identity.role[0] != 0 && strlen(identity.role) <= LEDGER_NAME_MAX, "no role");
  FUZZ_REQUIRE(fuzz_values_is_json(identity.claims, strlen(identity.claims)), "claims that are not JSON: %s",
               identity.claims);
  FUZZ_REQUIRE(identity.session_id[0] == 0, "a session that the file does not have");
  char *claims = strdup(identity.claims);
  FUZZ_REQUIRE(ledger_token_verify(db, token, &again) == LEDGER_OK && strcmp(again.claims, claims) == 0,
               "the second time it says something else");
  free(claims);
}

static void fuzz_token_merge(const char *text) {
  ledger *db = fuzz_token_file();
  const char *merged = NULL, *again = NULL;
  FUZZ_REQUIRE(connection_enter(db) == LEDGER_OK, "a call");
  int rc = metadata_merge(db, "x", "{\"a\":1,\"b\":{\"c\":null}}", text, 4000, &merged);
  if (rc != LEDGER_OK) {
    fuzz_require_error(rc, &db->error);
    return;
  }
  FUZZ_REQUIRE(fuzz_values_is_json(merged, strlen(merged)), "not JSON: %s", merged);
  FUZZ_REQUIRE(metadata_merge(db, "x", merged, text, 4000, &again) == LEDGER_OK && strcmp(merged, again) == 0,
               "merged twice it is another one");
}

static void fuzz_token_run(const char *bytes, size_t size) {
  static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
  ledger *db = fuzz_token_file();
  ledger_identity identity;
  const char *out;
  if (size == 0) return;
  char *text = malloc(size), *token = NULL;
  memcpy(text, bytes + 1, size - 1);
  text[size - 1] = 0;
  int rc = LEDGER_OK;
  switch (bytes[0]) {
  case 'T': fuzz_token_verify(text); break;
  case 'H': token = fuzz_token_sign(text, size - 1, "{}", 2); break;
  case 'P': token = fuzz_token_sign(header, sizeof header - 1, text, size - 1); break;
  case 'K':
    rc = ledger_key_verify(db, text, &identity);
    FUZZ_REQUIRE(rc == LEDGER_BAD_KEY, "a key that nobody made: %d", rc);
    break;
  case 'M': fuzz_token_merge(text); break;
  case 'E':
  case 'F':
  case 'S':
    FUZZ_REQUIRE(connection_enter(db) == LEDGER_OK, "a call");
    rc = bytes[0] == 'E'   ? user_read_email(db, text, &out)
         : bytes[0] == 'F' ? user_read_phone(db, text, &out)
                           : password_read_hash(db, text);
    if (rc != LEDGER_OK) fuzz_require_error(rc, &db->error);
    break;
  default: break;
  }
  if (token != NULL) fuzz_token_verify(token);
  free(token);
  free(text);
}
