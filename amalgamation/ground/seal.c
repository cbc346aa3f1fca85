/*
** seal.c: hashes, signatures, encryption and randomness, from libsodium. The only file that includes sodium.h.
*/
#include "../internal.h"

#include <pthread.h>
#include <sodium.h>

_Static_assert(sizeof(struct seal_sha256) >= sizeof(crypto_hash_sha256_state),
               "seal_sha256 is too small");
_Static_assert(SEAL_SHA256_BYTES == crypto_hash_sha256_BYTES, "a SHA-256 has 32 bytes");

static crypto_hash_sha256_state *seal_state(struct seal_sha256 *hash) {
  return (crypto_hash_sha256_state *)(void *)hash->state; /* opaque room, aligned for it */
}

LEDGER_PRIVATE void seal_sha256_init(struct seal_sha256 *hash) {
  crypto_hash_sha256_init(seal_state(hash));
}

LEDGER_PRIVATE void seal_sha256_update(struct seal_sha256 *hash, const void *bytes, size_t length) {
  crypto_hash_sha256_update(seal_state(hash), bytes, length);
}

LEDGER_PRIVATE void seal_sha256_final(struct seal_sha256 *hash,
                                      unsigned char out[SEAL_SHA256_BYTES]) {
  crypto_hash_sha256_final(seal_state(hash), out);
}

_Static_assert(SEAL_SHA512_BYTES == crypto_hash_sha512_BYTES, "a SHA-512 has 64 bytes");

LEDGER_PRIVATE void seal_sha512(const void *bytes, size_t length,
                                unsigned char out[SEAL_SHA512_BYTES]) {
  crypto_hash_sha512(out, bytes, length);
}

/* Safe to call again and from any thread, at the price of a mutex that nobody holds. It chooses the code
** for this processor: without it BLAKE2b would run the portable one, and the first randombytes_buf() of two threads
** would race. */
static void seal_start(void) {
  int ready = sodium_init();
  assert(ready >= 0);
  (void)ready;
}

LEDGER_PRIVATE void seal_random(void *out, size_t length) {
  seal_start();
  /* A machine without randomness cannot mint an id: this ends the process rather than return
  ** zeros. */
  randombytes_buf(out, length);
}

/* ---- BLAKE2b */

#define SEAL_ALIGNMENT 64 /* of crypto_generichash_state */

_Static_assert(SEAL_BLAKE2B_BYTES == crypto_generichash_BYTES, "a BLAKE2b-256 has 32 bytes");
_Static_assert(_Alignof(crypto_generichash_state) <= SEAL_ALIGNMENT, "aligned for the state");
_Static_assert(sizeof(struct seal_blake2b) >=
                   sizeof(crypto_generichash_state) + SEAL_ALIGNMENT - sizeof(uint64_t),
               "seal_blake2b is too small");

/* The state stands on the first multiple of 64 in its room, so a struct must not be moved between init
** and final. */
static crypto_generichash_state *seal_blake2b_state(struct seal_blake2b *hash) {
  size_t past = (uintptr_t)hash->state % SEAL_ALIGNMENT;
  size_t skip = past == 0 ? 0 : SEAL_ALIGNMENT - past;
  return (crypto_generichash_state *)(void *)((unsigned char *)hash->state + skip);
}

LEDGER_PRIVATE void seal_blake2b_init(struct seal_blake2b *hash) {
  seal_start();
  crypto_generichash_init(seal_blake2b_state(hash), NULL, 0, SEAL_BLAKE2B_BYTES);
}

LEDGER_PRIVATE void seal_blake2b_update(struct seal_blake2b *hash, const void *bytes,
                                        size_t length) {
  crypto_generichash_update(seal_blake2b_state(hash), bytes, length);
}

LEDGER_PRIVATE void seal_blake2b_final(struct seal_blake2b *hash,
                                       unsigned char out[SEAL_BLAKE2B_BYTES]) {
  crypto_generichash_final(seal_blake2b_state(hash), out, SEAL_BLAKE2B_BYTES);
}

#undef SEAL_ALIGNMENT

/* ---- SipHash */

LEDGER_PRIVATE uint64_t seal_short(const void *bytes, size_t length) {
  static const unsigned char key[crypto_shorthash_KEYBYTES] = {0};
  unsigned char hash[crypto_shorthash_BYTES];
  crypto_shorthash(hash, bytes, length, key);
  uint64_t out = 0;
  for (int i = crypto_shorthash_BYTES - 1; i >= 0; i--) out = out << 8 | hash[i];
  return out;
}

/* ---- Ed25519 */

_Static_assert(LEDGER_SECRET_KEY_BYTES == crypto_sign_SECRETKEYBYTES, "a secret key has 64 bytes");
_Static_assert(LEDGER_PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "a public key has 32 bytes");
_Static_assert(crypto_sign_BYTES == 64, "a signature has 64 bytes");

LEDGER_PRIVATE void seal_sign_keypair(unsigned char secret_key[64], unsigned char public_key[32]) {
  seal_start();
  crypto_sign_keypair(public_key, secret_key);
}

LEDGER_PRIVATE void seal_sign(const unsigned char secret_key[64], const void *bytes, size_t length,
                              unsigned char signature[64]) {
  crypto_sign_detached(signature, NULL, bytes, length, secret_key);
}

LEDGER_PRIVATE bool seal_sign_is_valid(const unsigned char public_key[32], const void *bytes,
                                       size_t length, const unsigned char signature[64]) {
  return crypto_sign_verify_detached(signature, bytes, length, public_key) == 0;
}

LEDGER_PRIVATE void seal_sign_public(const unsigned char secret_key[64],
                                     unsigned char public_key[32]) {
  crypto_sign_ed25519_sk_to_pk(public_key, secret_key);
}

LEDGER_PRIVATE void seal_wipe(void *bytes, size_t length) {
  sodium_memzero(bytes, length);
}

/* ---- main's keys */

#define SEAL_CONTEXT "ledgmain"       /* of crypto_kdf: 8 characters */
enum { SEAL_SIGN = 1, SEAL_BOX = 2 }; /* its numbers of the two keys */

_Static_assert(LEDGER_MAIN_KEY_BYTES == crypto_kdf_KEYBYTES, "a seed has 32 bytes");
_Static_assert(crypto_sign_SEEDBYTES == 32 && crypto_box_SEEDBYTES == 32, "so have derived seeds");
_Static_assert(sizeof SEAL_CONTEXT - 1 == crypto_kdf_CONTEXTBYTES, "a context has 8 characters");
_Static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32, "X25519");

LEDGER_PRIVATE void seal_main_keys(const unsigned char seed[LEDGER_MAIN_KEY_BYTES],
                                   struct seal_main *out) {
  unsigned char derived[32];
  seal_start();
  crypto_kdf_derive_from_key(derived, sizeof derived, SEAL_SIGN, SEAL_CONTEXT, seed);
  crypto_sign_seed_keypair(out->public_key, out->sign_secret, derived);
  crypto_kdf_derive_from_key(derived, sizeof derived, SEAL_BOX, SEAL_CONTEXT, seed);
  crypto_box_seed_keypair(out->public_key + 32, out->box_secret, derived);
  seal_wipe(derived, sizeof derived);
}

#undef SEAL_CONTEXT

/* ---- a stream of chunks under a key of its own, which is sealed to main's X25519 key */

_Static_assert(SEAL_STREAM_KEY_BYTES == crypto_secretstream_xchacha20poly1305_KEYBYTES, "a key");
_Static_assert(SEAL_STREAM_HEADER_BYTES == crypto_secretstream_xchacha20poly1305_HEADERBYTES,
               "what stands before the chunks");
_Static_assert(SEAL_STREAM_MORE_BYTES == crypto_secretstream_xchacha20poly1305_ABYTES,
               "what a chunk grows by");
_Static_assert(SEAL_BOX_KEY_BYTES == SEAL_STREAM_KEY_BYTES + crypto_box_SEALBYTES, "a sealed key");
_Static_assert(sizeof(struct seal_stream) >= sizeof(crypto_secretstream_xchacha20poly1305_state),
               "seal_stream is too small");

static crypto_secretstream_xchacha20poly1305_state *seal_stream_state(struct seal_stream *stream) {
  return (crypto_secretstream_xchacha20poly1305_state *)(void *)stream->state;
}

LEDGER_PRIVATE bool seal_stream_start(struct seal_stream *stream,
                                      const unsigned char box_public[32],
                                      unsigned char sealed[SEAL_BOX_KEY_BYTES],
                                      unsigned char header[SEAL_STREAM_HEADER_BYTES]) {
  unsigned char key[SEAL_STREAM_KEY_BYTES];
  seal_start();
  crypto_secretstream_xchacha20poly1305_keygen(key);
  crypto_secretstream_xchacha20poly1305_init_push(seal_stream_state(stream), header, key);
  bool is_sealed = crypto_box_seal(sealed, key, sizeof key, box_public) == 0;
  seal_wipe(key, sizeof key);
  return is_sealed;
}

LEDGER_PRIVATE void seal_stream_push(struct seal_stream *stream, const void *bytes, size_t length,
                                     const unsigned char about[SEAL_BLAKE2B_BYTES], bool is_last,
                                     unsigned char *out) {
  unsigned char tag = is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                              : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE;
  crypto_secretstream_xchacha20poly1305_push(seal_stream_state(stream), out, NULL, bytes, length,
                                             about, SEAL_BLAKE2B_BYTES, tag);
}

LEDGER_PRIVATE bool seal_stream_key(const struct seal_main *main_keys,
                                    const unsigned char sealed[SEAL_BOX_KEY_BYTES],
                                    unsigned char key[SEAL_STREAM_KEY_BYTES]) {
  return crypto_box_seal_open(key, sealed, SEAL_BOX_KEY_BYTES, main_keys->public_key + 32,
                              main_keys->box_secret) == 0;
}

LEDGER_PRIVATE void seal_stream_resume(struct seal_stream *stream,
                                       const unsigned char key[SEAL_STREAM_KEY_BYTES],
                                       const unsigned char header[SEAL_STREAM_HEADER_BYTES]) {
  seal_start();
  crypto_secretstream_xchacha20poly1305_init_pull(seal_stream_state(stream), header, key);
}

LEDGER_PRIVATE bool seal_stream_pull(struct seal_stream *stream, const void *bytes, size_t length,
                                     const unsigned char about[SEAL_BLAKE2B_BYTES], bool is_last,
                                     unsigned char *out) {
  unsigned char tag = 0;
  if (length < SEAL_STREAM_MORE_BYTES) return false;
  int rc = crypto_secretstream_xchacha20poly1305_pull(seal_stream_state(stream), out, NULL, &tag,
                                                      bytes, length, about, SEAL_BLAKE2B_BYTES);
  return rc == 0 && tag == (is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
                                    : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
}

/* ---- a value by itself */

_Static_assert(SEAL_VALUE_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a key");
_Static_assert(SEAL_VALUE_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "a nonce");
_Static_assert(SEAL_VALUE_MORE_BYTES ==
                   SEAL_VALUE_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "what a value grows by");

LEDGER_PRIVATE void seal_value(const unsigned char key[SEAL_VALUE_KEY_BYTES], const void *bytes,
                               size_t length, const unsigned char about[SEAL_BLAKE2B_BYTES],
                               unsigned char *out) {
  seal_random(out, SEAL_VALUE_NONCE_BYTES);
  crypto_aead_xchacha20poly1305_ietf_encrypt(out + SEAL_VALUE_NONCE_BYTES, NULL, bytes, length,
                                             about, SEAL_BLAKE2B_BYTES, NULL, out, key);
}

LEDGER_PRIVATE bool seal_value_open(const unsigned char key[SEAL_VALUE_KEY_BYTES],
                                    const unsigned char *bytes, size_t length,
                                    const unsigned char about[SEAL_BLAKE2B_BYTES], void *out) {
  if (length < SEAL_VALUE_MORE_BYTES) return false;
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, bytes + SEAL_VALUE_NONCE_BYTES,
                                                    length - SEAL_VALUE_NONCE_BYTES, about,
                                                    SEAL_BLAKE2B_BYTES, bytes, key) == 0;
}

/* ---- base64 of URLs, without padding (RFC 4648, 5) */

LEDGER_PRIVATE size_t seal_base64_length(size_t length) {
  return sodium_base64_encoded_len(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING) - 1;
}

LEDGER_PRIVATE void seal_base64(const void *bytes, size_t length, char *out) {
  sodium_bin2base64(out, seal_base64_length(length) + 1, bytes, length,
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

LEDGER_PRIVATE bool seal_base64_read(const char *text, size_t length, unsigned char *out,
                                     size_t room, size_t *used) {
  return sodium_base642bin(out, room, text, length, NULL, used, NULL,
                           sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

/* ---- what tokens and passwords need */

LEDGER_PRIVATE void seal_hmac_sha256(const void *key, size_t key_length, const void *bytes,
                                     size_t length, unsigned char out[SEAL_SHA256_BYTES]) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, key, key_length);
  crypto_auth_hmacsha256_update(&state, bytes, length);
  crypto_auth_hmacsha256_final(&state, out);
  seal_wipe(&state, sizeof state);
}

LEDGER_PRIVATE bool seal_equal(const void *a, const void *b, size_t length) {
  return sodium_memcmp(a, b, length) == 0;
}

/* OWASP's choice for Argon2id: 19 MiB, two passes, one lane; 20 to 30 ms. libsodium's own INTERACTIVE takes 64 MiB, more than a
** server that is to stay under 20 may have even for a moment. The memory is mapped for the call and given back after it; and one
** password is hashed at a time, whatever the number of threads, so that a hundred who sign in at once need 19 MiB and not 2 GB. */
#define SEAL_PASSWORD_PASSES 2
#define SEAL_PASSWORD_BYTES (19 * 1024 * 1024)

_Static_assert(SEAL_PASSWORD_TEXT == crypto_pwhash_STRBYTES, "the text of a hash");

static pthread_mutex_t seal_password_turn = PTHREAD_MUTEX_INITIALIZER;

LEDGER_PRIVATE bool seal_password(const char *password, size_t length,
                                  char out[SEAL_PASSWORD_TEXT]) {
  seal_start();
  pthread_mutex_lock(&seal_password_turn);
  bool is_made = crypto_pwhash_argon2id_str(out, password, length, SEAL_PASSWORD_PASSES,
                                            SEAL_PASSWORD_BYTES) == 0;
  pthread_mutex_unlock(&seal_password_turn);
  return is_made;
}

/* libsodium wants a text in all of its room. */
static bool seal_password_room(const char *text, char room[SEAL_PASSWORD_TEXT]) {
  size_t length = strlen(text);
  if (length >= SEAL_PASSWORD_TEXT) return false;
  memset(room, 0, SEAL_PASSWORD_TEXT);
  memcpy(room, text, length);
  return true;
}

LEDGER_PRIVATE bool seal_password_is(const char *text, const char *password, size_t length) {
  char room[SEAL_PASSWORD_TEXT];
  if (!seal_password_room(text, room)) return false;
  seal_start();
  pthread_mutex_lock(&seal_password_turn);
  bool is_of_it = crypto_pwhash_argon2id_str_verify(room, password, length) == 0;
  pthread_mutex_unlock(&seal_password_turn);
  return is_of_it;
}

LEDGER_PRIVATE bool seal_password_is_old(const char *text) {
  char room[SEAL_PASSWORD_TEXT];
  seal_start();
  return !seal_password_room(text, room) ||
         crypto_pwhash_argon2id_str_needs_rehash(room, SEAL_PASSWORD_PASSES, SEAL_PASSWORD_BYTES) !=
             0;
}

#undef SEAL_PASSWORD_PASSES
#undef SEAL_PASSWORD_BYTES
