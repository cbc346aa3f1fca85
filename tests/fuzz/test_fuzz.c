/*
** The fuzz targets, three ways:
**   test_fuzz                       each target on its seeds and a number of mutations (LEDGER_TEST_COUNT, LEDGER_TEST_SEED)
**   test_fuzz TARGET FILE...        one target on given inputs, for a corpus or what a failure left
**   clang -DLEDGER_LIBFUZZER ...    a libFuzzer program; LEDGER_FUZZ_TARGET in the environment names the target
** Run from the project's folder.
*/
#include "../../ledger.c"

#include "fuzz.h"
#include "target_values.h"
#include "target_rows.h"
#include "target_write.h"
#include "target_book.h"
#include "target_call.h"
#include "target_import.h"
#include "target_batch.h"
#include "target_schema.h"
#include "target_request.h"
#include "target_file.h"

typedef void fuzz_mutator(struct test_random *, struct fuzz_buffer *, const struct fuzz_seeds *);

static const struct fuzz_target {
  const char *name;
  void (*seeds)(struct fuzz_seeds *);
  fuzz_mutator *mutate;
  void (*run)(const char *bytes, size_t size);
  int rounds; /* of a short run */
} targets[] = {
    {"types", fuzz_values_seeds, fuzz_values_mutate, fuzz_values_run, 60000},
    {"json", fuzz_json_seeds, fuzz_mutate_bytes, fuzz_json_run, 60000},
    {"change", fuzz_change_seeds, fuzz_mutate_bytes, fuzz_change_run, 15000},
    {"book", fuzz_book_seeds, fuzz_mutate_bytes, fuzz_book_run, 8000},
    {"call", fuzz_call_seeds, fuzz_call_mutate, fuzz_call_run, 15000},
    {"write", fuzz_write_seeds, fuzz_mutate_bytes, fuzz_write_run, 15000},
    {"query", fuzz_query_seeds, fuzz_mutate_bytes, fuzz_query_run, 15000},
    {"request", fuzz_request_seeds, fuzz_mutate_bytes, fuzz_request_run, 40000},
    {"function", fuzz_function_seeds, fuzz_function_mutate, fuzz_function_run, 40000},
    {"import", fuzz_import_seeds, fuzz_mutate_bytes, fuzz_import_run, 2500},
    {"batch", fuzz_batch_seeds, fuzz_mutate_bytes, fuzz_batch_run, 40000},
    {"header", fuzz_header_seeds, fuzz_mutate_bytes, fuzz_header_run, 20000},
    {"acknowledge", fuzz_acknowledge_seeds, fuzz_mutate_bytes, fuzz_acknowledge_run, 15000},
    {"schema", fuzz_schema_seeds, fuzz_schema_mutate, fuzz_schema_run, 400},
    {"file", fuzz_file_seeds, fuzz_file_mutate, fuzz_file_run, 400},
};
#define TARGET_COUNT ((int)(sizeof targets / sizeof targets[0]))

static void fuzz_failed(void) {
  fuzz_write_input("a property does not hold");
  abort();
}

static void fuzz_one(const struct fuzz_target *target, const char *bytes, size_t size) {
  fuzz_target_name = target->name;
  if (bytes != fuzz_input.bytes) memcpy(fuzz_input.bytes, bytes, size);
  fuzz_input.length = size;
  alarm(20);
  target->run(fuzz_input.bytes, size);
  alarm(0);
}

#ifdef LEDGER_LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *name = getenv("LEDGER_FUZZ_TARGET");
  if (size > FUZZ_INPUT_MAX) return 0;
  for (int i = 0; i < TARGET_COUNT; i++)
    if (name != NULL && strcmp(targets[i].name, name) == 0)
      fuzz_one(&targets[i], (const char *)data, size);
  return 0;
}

#else

static void fuzz_test(void **state) {
  const struct fuzz_target *target = *state;
  struct fuzz_seeds seeds = {0};
  struct test_random r = {random_seed()};
  static struct fuzz_buffer next;
  int rounds = random_count(target->rounds);
  target->seeds(&seeds);
  for (int i = 0; i < seeds.count; i++)
    fuzz_one(target, seeds.seeds[i].bytes, seeds.seeds[i].length);
  for (int i = 0; i < rounds; i++) {
    const struct fuzz_seed *seed = &seeds.seeds[random_below(&r, seeds.count)];
    memcpy(next.bytes, seed->bytes, seed->length);
    next.length = seed->length;
    for (int k = random_below(&r, 4); k >= 0; k--) target->mutate(&r, &next, &seeds);
    fuzz_one(target, next.bytes, next.length);
  }
  printf("# %s: %d seeds, %d mutations\n", target->name, seeds.count, rounds);
  fuzz_seeds_free(&seeds);
}

static int fuzz_files(const char *name, int count, char **paths) {
  for (int i = 0; i < TARGET_COUNT; i++) {
    if (strcmp(targets[i].name, name) != 0) continue;
    for (int k = 0; k < count; k++) {
      size_t length;
      char *bytes = fuzz_read(paths[k], &length);
      fuzz_one(&targets[i], bytes, length);
      free(bytes);
    }
    return 0;
  }
  fprintf(stderr, "no such target: %s\n", name);
  return 2;
}

int main(int count, char **arguments) {
  struct CMUnitTest tests[TARGET_COUNT];
  const char *only = getenv("LEDGER_FUZZ_TARGET");
  int chosen = 0;
  fuzz_watch();
  if (count > 2) return fuzz_files(arguments[1], count - 2, arguments + 2);
  for (int i = 0; i < TARGET_COUNT; i++) {
    if (only != NULL && strcmp(only, targets[i].name) != 0) continue;
    tests[chosen++] =
        (struct CMUnitTest){targets[i].name, fuzz_test, NULL, NULL, (void *)&targets[i]};
  }
  return _cmocka_run_group_tests("fuzz", tests, (size_t)chosen, NULL, NULL);
}

#endif
