/*
** Memory that runs out: SQLite's own allocator hook, through which all memory of the library comes. Include it after ledger.c and
** cmocka.h.
*/
#ifndef TEST_ALLOCATION_H
#define TEST_ALLOCATION_H

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <random.h>

static sqlite3_mem_methods memory_real;
static struct {
  int64_t calls;       /* since the start of a trial */
  int64_t fail_at;     /* the call that fails; 0: none */
  bool fails_on;       /* and all behind it */
  int64_t outstanding; /* allocations that were not freed */
  int64_t bytes, peak; /* of them, and the most there have been since memory_arm() */
} memory;

static bool memory_fails(void) {
  memory.calls++;
  return memory.fail_at > 0 &&
         (memory.calls == memory.fail_at || (memory.fails_on && memory.calls > memory.fail_at));
}
static void memory_count(int64_t bytes) {
  memory.bytes += bytes;
  if (memory.bytes > memory.peak) memory.peak = memory.bytes;
}
static void *memory_malloc(int size) {
  void *block = memory_fails() ? NULL : memory_real.xMalloc(size);
  memory.outstanding += block != NULL;
  if (block != NULL) memory_count(memory_real.xSize(block));
  return block;
}
static void *memory_realloc(void *block, int size) {
  int before = memory_real.xSize(block);
  void *moved = memory_fails() ? NULL : memory_real.xRealloc(block, size);
  if (moved != NULL) memory_count(memory_real.xSize(moved) - before);
  return moved;
}
static void memory_free(void *block) {
  memory.outstanding -= block != NULL;
  if (block != NULL) memory.bytes -= memory_real.xSize(block);
  memory_real.xFree(block);
}
static void memory_arm(int64_t fail_at, bool fails_on) {
  memory.calls = 0;
  memory.peak = memory.bytes;
  memory.fail_at = fail_at;
  memory.fails_on = fails_on;
}

static int memory_setup(void **state) {
  (void)state;
  sqlite3_mem_methods own;
  sqlite3_shutdown();
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory_real);
  own = memory_real;
  own.xMalloc = memory_malloc;
  own.xRealloc = memory_realloc;
  own.xFree = memory_free;
  return sqlite3_config(SQLITE_CONFIG_MALLOC, &own) == SQLITE_OK ? 0 : 1;
}

static void memory_assert(const char *name, int64_t n, int rc, const ledger_error *error) {
  if (rc == LEDGER_OK) return; /* SQLite can do without some of its memory */
  if (rc != LEDGER_MEMORY || strcmp(error->sqlstate, "53200") != 0)
    fail_msg("%s, allocation %lld: %d %s %s", name, (long long)n, rc, error->sqlstate,
             error->message);
}

/* The next place to fail at: all, or some spread over the number of allocations that a good run makes. */
static int64_t memory_next(int64_t n, int64_t all, int otherwise) {
  int64_t count = random_count(otherwise);
  int64_t step = count == 0 || all <= count ? 1 : all / count;
  return n + step;
}

#endif
