/*
** A seeded generator for the randomised tests (splitmix64). The seed is LEDGER_TEST_SEED, or a fixed one, so that a run
** can be repeated; the number of rounds is LEDGER_TEST_COUNT, or what the test says.
*/
#ifndef TEST_RANDOM_H
#define TEST_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct test_random {
  uint64_t state;
};

static inline uint64_t random_next(struct test_random *r) {
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* From 0 to bound - 1. */
static inline int random_below(struct test_random *r, int bound) {
  return (int)((random_next(r) >> 33) % (uint64_t)bound);
}

static inline bool random_chance(struct test_random *r, int percent) {
  return random_below(r, 100) < percent;
}

/* An element of a static array. */
#define RANDOM_OF(r, array) ((array)[random_below((r), (int)(sizeof(array) / sizeof((array)[0])))])

static inline int64_t random_setting(const char *name, int64_t otherwise) {
  const char *text = getenv(name);
  return text != NULL && text[0] != 0 ? strtoll(text, NULL, 10) : otherwise;
}
static inline uint64_t random_seed(void) {
  return (uint64_t)random_setting("LEDGER_TEST_SEED", 20261);
}
static inline int random_count(int otherwise) {
  return (int)random_setting("LEDGER_TEST_COUNT", otherwise);
}

#endif
