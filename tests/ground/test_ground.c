/*
** ground: errors, arenas, clock, ids, hashes and randomness.
*/
#include "../../ledger.c"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- error.c */

static void test_error_set(void **state) {
  ledger_error error;
  (void)state;
  memset(&error, 'x', sizeof error);
  assert_int_equal(error_set(&error, LEDGER_UNIQUE, "key (%s)=%d", "a", 7), LEDGER_UNIQUE);
  assert_string_equal(error.message, "key (a)=7");
  assert_string_equal(error.sqlstate, "23505");
  assert_string_equal(error.detail, "");
  assert_string_equal(error.hint, "");
  assert_string_equal(error.table, "");
  assert_string_equal(error.column, "");
  assert_string_equal(error.constraint, "");
  assert_int_equal(error_detail(&error, "Key %d.", 1), LEDGER_UNIQUE);
  assert_int_equal(error_hint(&error, "Try %d.", 2), LEDGER_UNIQUE);
  assert_string_equal(error.detail, "Key 1.");
  assert_string_equal(error.hint, "Try 2.");
  assert_string_equal(error.message, "key (a)=7");
  assert_int_equal(error_set(NULL, LEDGER_CHECK, "nobody listens"), LEDGER_CHECK);
  error_clear(&error);
  assert_int_equal(error.code, LEDGER_OK);
  assert_string_equal(error.message, "");
}

/* A sentence that quotes broken bytes is text all the same. */
static void test_error_broken_text(void **state) {
  ledger_error error;
  char wide[600];
  (void)state;
  error_set(&error, LEDGER_UNDEFINED_TABLE, "relation \"%s\" does not exist", "\xf5s\xc3\xa9\xc3");
  assert_string_equal(error.message, "relation \"?s\xc3\xa9?\" does not exist");
  error_detail(&error, "\xed\xa0\x80");
  assert_string_equal(error.detail, "???");
  memset(wide, 0x80, sizeof wide);
  wide[sizeof wide - 1] = '\0';
  error_set(&error, LEDGER_ERROR, "a%s", wide);
  assert_true(text_is_valid_utf8(error.message, strlen(error.message)));
}

/* A sentence that is too long ends before the character that does not fit, whatever its width. */
static void test_error_cut(void **state) {
  static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  ledger_error error;
  (void)state;
  for (size_t width = 1; width <= 4; width++) {
    for (size_t start = 0; start < 8; start++) {
      char text[1024];
      size_t length = start;
      memset(text, 'x', start);
      while (length < 900) {
        memcpy(text + length, characters[width - 1], width);
        length += width;
      }
      text[length] = 0;
      error_set(&error, LEDGER_ERROR, "%s", text);
      size_t kept = strlen(error.message);
      assert_true(text_is_valid_utf8(error.message, kept));
      assert_memory_equal(error.message, text, kept);
      assert_true(kept < sizeof error.message && kept + width >= sizeof error.message);
    }
  }
}

static void test_error_codes(void **state) {
  (void)state;
  assert_string_equal(error_sqlstate(LEDGER_OK), "00000");
  assert_string_equal(error_sqlstate(LEDGER_OUT_OF_RANGE), "22003");
  assert_string_equal(error_sqlstate(12345), "XX000");
  assert_int_equal(error_code_of_sqlstate("22012"), LEDGER_DIVISION_BY_ZERO);
  assert_int_equal(error_code_of_sqlstate("0A000"), LEDGER_UNSUPPORTED);
  assert_int_equal(error_code_of_sqlstate("XX001"), LEDGER_CORRUPT);
  assert_int_equal(error_code_of_sqlstate("99999"), LEDGER_ERROR);
#define X(name, number, state_, meaning)                                                           \
  assert_string_equal(error_sqlstate(error_code_of_sqlstate(state_)), state_);
  LEDGER_ERRORS(X)
#undef X
}

/* ---- arena.c */

static void test_arena(void **state) {
  struct arena arena = {0};
  char *texts[2000];
  (void)state;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 2000; i++) {
      char text[32];
      snprintf(text, sizeof text, "%d/%d", round, i);
      texts[i] = arena_copy(&arena, text, strlen(text));
      assert_non_null(texts[i]);
      assert_int_equal((uintptr_t)texts[i] % 8, 0);
    }
    char *large = arena_alloc(&arena, 3 * 1024 * 1024);
    assert_non_null(large);
    memset(large, 1, 3 * 1024 * 1024);
    for (int i = 0; i < 2000; i++) {
      char text[32];
      snprintf(text, sizeof text, "%d/%d", round, i);
      assert_string_equal(texts[i], text);
    }
    arena_reset(&arena);
  }
  assert_non_null(arena_alloc(&arena, 0));
  assert_null(arena_alloc(&arena, SIZE_MAX));
  assert_null(arena_alloc(&arena, SIZE_MAX - 7));
  assert_null(arena_copy(&arena, "", SIZE_MAX));
  arena_free(&arena);
  arena_free(&arena);
  assert_null(arena.block);
  arena_reset(&arena);
}

/* One block serves round after round. */
static void test_arena_keeps(void **state) {
  struct arena arena = {0};
  (void)state;
  void *first = arena_alloc(&arena, 100);
  for (int i = 0; i < 10; i++) {
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
  }
  arena_free(&arena);
}

/* ---- clock.c, id.c, seal.c */

static void test_clock(void **state) {
  (void)state;
  assert_true(clock_now_us() > INT64_C(1700000000000000));
  assert_true(clock_now_us() < INT64_C(10000000000000000));
}

static void check_uuid(const char *uuid, char version) {
  assert_int_equal(strlen(uuid), 36);
  for (int i = 0; i < 36; i++) {
    if (i == 8 || i == 13 || i == 18 || i == 23)
      assert_int_equal(uuid[i], '-');
    else
      assert_non_null(strchr("0123456789abcdef", uuid[i]));
  }
  assert_int_equal(uuid[14], version);
  assert_non_null(strchr("89ab", uuid[19]));
}

static void test_uuid(void **state) {
  char last[37], next[37], time[14];
  (void)state;
  id_uuid7(last);
  for (int i = 0; i < 20000; i++) {
    id_uuid7(next);
    assert_true(strcmp(last, next) < 0);
    memcpy(last, next, sizeof last);
  }
  check_uuid(last, '7');
  snprintf(time, sizeof time, "%.8s%.4s", last, last + 9);
  int64_t ms = strtoll(time, NULL, 16);
  assert_true(llabs(ms - clock_now_us() / 1000) < 10000);
  id_uuid4(last);
  id_uuid4(next);
  check_uuid(last, '4');
  assert_string_not_equal(last, next);
}

enum { THREADS = 4, IDS = 5000 };
static char thread_ids[THREADS * IDS][37];

static void *mint(void *first) {
  char(*ids)[37] = first;
  for (int i = 0; i < IDS; i++) id_uuid7(ids[i]);
  return NULL;
}

static int compare_ids(const void *a, const void *b) {
  return memcmp(a, b, 18);
}

/* The time of an id, its first 18 characters, is nobody else's. */
static void test_uuid_threads(void **state) {
  pthread_t threads[THREADS];
  (void)state;
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, mint, thread_ids[i * IDS]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++) {
    for (int j = 1; j < IDS; j++) {
      assert_true(memcmp(thread_ids[i * IDS + j - 1], thread_ids[i * IDS + j], 18) < 0);
    }
  }
  qsort(thread_ids, THREADS * IDS, sizeof thread_ids[0], compare_ids);
  for (int i = 1; i < THREADS * IDS; i++) {
    assert_true(memcmp(thread_ids[i - 1], thread_ids[i], 18) < 0);
  }
}

static void test_sha256(void **state) {
  static const unsigned char abc[SEAL_SHA256_BYTES] = {
      0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
      0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
      0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  struct seal_sha256 hash;
  unsigned char out[SEAL_SHA256_BYTES];
  (void)state;
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, "a", 1);
  seal_sha256_update(&hash, "", 0);
  seal_sha256_update(&hash, "bc", 2);
  seal_sha256_final(&hash, out);
  assert_memory_equal(out, abc, sizeof abc);
}

static void test_random(void **state) {
  unsigned char a[32] = {0}, b[32] = {0};
  (void)state;
  seal_random(a, sizeof a);
  seal_random(b, sizeof b);
  assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_error_set),
      cmocka_unit_test(test_error_cut),
      cmocka_unit_test(test_error_broken_text),
      cmocka_unit_test(test_error_codes),
      cmocka_unit_test(test_arena),
      cmocka_unit_test(test_arena_keeps),
      cmocka_unit_test(test_clock),
      cmocka_unit_test(test_uuid),
      cmocka_unit_test(test_uuid_threads),
      cmocka_unit_test(test_sha256),
      cmocka_unit_test(test_random),
  };
  return cmocka_run_group_tests_name("ground", tests, NULL, NULL);
}
