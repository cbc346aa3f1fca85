/*
** hash.c: the 64-bit hash that PostgreSQL has as hashtextextended(text, 0): Bob Jenkins' lookup3 (2006), begun with PostgreSQL's
** constant, as servers with little-endian processors compute it. It finds accidents, at a fraction of what SHA-256 costs on
** the server; what an enemy could do is what the batch's own SHA-256 and a bundle's signature are for.
*/
#include "../internal.h"

#define HASH_START (0x9e3779b9u + 3923095u)

static uint32_t hash_rotate(uint32_t word, int bits) {
  return word << bits | word >> (32 - bits);
}

/* The two steps that lookup3 is made of. */
static void hash_mix(uint32_t *x, uint32_t *y, uint32_t z, int bits) {
  *x = (*x - *y) ^ hash_rotate(*y, bits);
  *y += z;
}

static uint32_t hash_fold(uint32_t x, uint32_t y, int bits) {
  return (x ^ y) - hash_rotate(y, bits);
}

/* Up to four bytes, the first one lowest. */
static uint32_t hash_word(const unsigned char *bytes, size_t length) {
  uint32_t word = 0;
  for (size_t i = 0; i < length; i++) word |= (uint32_t)bytes[i] << (8 * i);
  return word;
}

LEDGER_PRIVATE uint64_t hash_text(const char *text, size_t length) {
  const unsigned char *bytes = (const unsigned char *)text;
  uint32_t a = HASH_START + (uint32_t)length, b = a, c = a;
  for (; length >= 12; bytes += 12, length -= 12) {
    a += hash_word(bytes, 4);
    b += hash_word(bytes + 4, 4);
    c += hash_word(bytes + 8, 4);
    hash_mix(&a, &c, b, 4);
    hash_mix(&b, &a, c, 6);
    hash_mix(&c, &b, a, 8);
    hash_mix(&a, &c, b, 16);
    hash_mix(&b, &a, c, 19);
    hash_mix(&c, &b, a, 4);
  }
  a += hash_word(bytes, length < 4 ? length : 4);
  if (length > 4) b += hash_word(bytes + 4, length < 8 ? length - 4 : 4);
  if (length > 8) c += hash_word(bytes + 8, length - 8) << 8; /* its lowest byte is the length's */
  c = hash_fold(c, b, 14);
  a = hash_fold(a, c, 11);
  b = hash_fold(b, a, 25);
  c = hash_fold(c, b, 16);
  a = hash_fold(a, c, 4);
  b = hash_fold(b, a, 14);
  c = hash_fold(c, b, 24);
  return (uint64_t)b << 32 | c;
}
