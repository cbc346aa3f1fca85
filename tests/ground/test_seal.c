/*
** seal.c: BLAKE2b, SipHash and Ed25519 against the vectors of their documents, and against themselves in pieces.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void bytes_of(const char *hexadecimal, unsigned char *out) {
  for (size_t i = 0; hexadecimal[2 * i] != 0; i++) {
    char pair[3] = {hexadecimal[2 * i], hexadecimal[2 * i + 1], 0};
    out[i] = (unsigned char)strtoul(pair, NULL, 16);
  }
}

static void assert_bytes(const unsigned char *bytes, size_t length, const char *hexadecimal) {
  unsigned char expected[64];
  assert_int_equal(strlen(hexadecimal), 2 * length);
  bytes_of(hexadecimal, expected);
  assert_memory_equal(bytes, expected, length);
}

/* The digests are those of Python's hashlib.blake2b(digest_size=32). */
static void test_blake2b(void **state) {
  struct seal_blake2b hash;
  unsigned char out[SEAL_BLAKE2B_BYTES];
  (void)state;
  seal_blake2b_init(&hash);
  seal_blake2b_final(&hash, out);
  assert_bytes(out, sizeof out, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, "a", 1);
  seal_blake2b_update(&hash, "", 0);
  seal_blake2b_update(&hash, "bc", 2);
  seal_blake2b_final(&hash, out);
  assert_bytes(out, sizeof out, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

/* The same bytes in pieces of any length, with the struct on any 8 bytes: its state finds its own place. */
static void test_blake2b_places(void **state) {
  static union {
    struct seal_blake2b hash;
    uint64_t words[sizeof(struct seal_blake2b) / 8 + 8];
  } room;
  unsigned char message[1024], out[SEAL_BLAKE2B_BYTES];
  (void)state;
  for (size_t i = 0; i < sizeof message; i++) message[i] = (unsigned char)i;
  for (size_t place = 0; place < 8; place++) {
    for (size_t piece = 1; piece <= sizeof message; piece = 3 * piece + 1) {
      struct seal_blake2b *hash = (struct seal_blake2b *)(void *)(room.words + place);
      memset(&room, 0xa5, sizeof room);
      seal_blake2b_init(hash);
      for (size_t at = 0; at < sizeof message; at += piece)
        seal_blake2b_update(hash, message + at, at + piece <= sizeof message ? piece : sizeof message - at);
      seal_blake2b_final(hash, out);
      assert_bytes(out, sizeof out, "f1551feeb252c7e60bb362205bd1ac2f70b145260a91d41e8c5d0a187549a5f2");
      const unsigned char *behind = (const unsigned char *)(hash + 1);
      for (const unsigned char *at = behind; at < (const unsigned char *)(&room + 1); at++)
        assert_int_equal(*at, 0xa5);
    }
  }
}

/* With the key of zeros. */
static void test_short(void **state) {
  (void)state;
  assert_true(seal_short("", 0) == UINT64_C(0x1e924b9d737700d7));
  assert_true(seal_short("ledger", 6) == UINT64_C(0x5c15618ee8767101));
  assert_true(seal_short("ledges", 6) != seal_short("ledger", 6));
}

/* RFC 8032, 7.1, tests 1 and 3: a secret key is there the seed, here the seed and the public key. */
static void test_sign_vectors(void **state) {
  static const struct {
    const char *seed, *public_key, *message, *signature;
  } vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
       "4a7c15e9716ed28dc027beceea1ec40a"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    unsigned char secret_key[64], public_key[32], message[8], signature[64];
    size_t length = strlen(vectors[i].message) / 2;
    bytes_of(vectors[i].seed, secret_key);
    bytes_of(vectors[i].public_key, secret_key + 32);
    bytes_of(vectors[i].message, message);
    seal_sign_public(secret_key, public_key);
    assert_bytes(public_key, sizeof public_key, vectors[i].public_key);
    seal_sign(secret_key, message, length, signature);
    assert_bytes(signature, sizeof signature, vectors[i].signature);
    assert_true(seal_sign_is_valid(public_key, message, length, signature));
  }
}

/* One bit of the message, the signature or the key, and it is no longer valid. */
static void test_sign_changed(void **state) {
  unsigned char secret_key[64], public_key[32], other_secret[64], other_public[32], signature[64];
  unsigned char message[] = "ledger head 17";
  (void)state;
  seal_sign_keypair(secret_key, public_key);
  seal_sign_keypair(other_secret, other_public);
  assert_memory_not_equal(public_key, other_public, sizeof public_key);
  seal_sign(secret_key, message, sizeof message, signature);
  assert_true(seal_sign_is_valid(public_key, message, sizeof message, signature));
  assert_false(seal_sign_is_valid(other_public, message, sizeof message, signature));
  assert_false(seal_sign_is_valid(public_key, message, sizeof message - 1, signature));
  for (size_t bit = 0; bit < 8 * sizeof message; bit++) {
    message[bit / 8] ^= (unsigned char)(1 << bit % 8);
    assert_false(seal_sign_is_valid(public_key, message, sizeof message, signature));
    message[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  for (size_t bit = 0; bit < 8 * sizeof signature; bit++) {
    signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
    assert_false(seal_sign_is_valid(public_key, message, sizeof message, signature));
    signature[bit / 8] ^= (unsigned char)(1 << bit % 8);
  }
  assert_true(seal_sign_is_valid(public_key, message, sizeof message, signature));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_blake2b),      cmocka_unit_test(test_blake2b_places), cmocka_unit_test(test_short),
      cmocka_unit_test(test_sign_vectors), cmocka_unit_test(test_sign_changed),
  };
  return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
