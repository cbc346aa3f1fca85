/*
** seal.c: hashes and randomness, from libsodium. The only file that includes sodium.h.
*/
#include "../internal.h"

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

LEDGER_PRIVATE void seal_random(void *out, size_t length) {
  /* Safe to call again and from any thread; without it the first randombytes_buf() of two
  ** threads would race. A machine without randomness cannot mint an id: randombytes_buf() ends
  ** the process rather than return zeros. */
  int ready = sodium_init();
  assert(ready >= 0);
  (void)ready;
  randombytes_buf(out, length);
}
