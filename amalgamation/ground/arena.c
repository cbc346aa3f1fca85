/*
** arena.c: memory given back all at once. Blocks come from SQLite's allocator, so that a test that
** makes SQLite's allocations fail makes these fail too.
*/
#include "../internal.h"

#define ARENA_BLOCK_MIN 4096u
#define ARENA_BLOCK_MAX (1024u * 1024u)

struct arena_block {
  struct arena_block *previous;
  size_t size; /* bytes behind this header */
};

/* The header is two words: what follows it is as aligned as the block. */
static char *arena_bytes(struct arena_block *block) {
  return (char *)(block + 1);
}

static bool arena_grow(struct arena *arena, size_t bytes) {
  size_t size = arena->block == NULL ? ARENA_BLOCK_MIN : arena->block->size;
  if (arena->block != NULL && size < ARENA_BLOCK_MAX) size *= 2;
  if (size > ARENA_BLOCK_MAX)
    size = ARENA_BLOCK_MAX; /* the one before was large only for its tenant */
  if (size < bytes) size = bytes;
  struct arena_block *block = sqlite3_malloc64(sizeof *block + size);
  if (block == NULL) return false;
  block->previous = arena->block;
  block->size = size;
  arena->block = block;
  arena->used = 0;
  return true;
}

LEDGER_PRIVATE void *arena_alloc(struct arena *arena, size_t bytes) {
  if (bytes > SIZE_MAX / 2) return NULL;
  bytes = (bytes + 7) & ~(size_t)7;
  if (arena->block == NULL || arena->block->size - arena->used < bytes) {
    if (!arena_grow(arena, bytes)) return NULL;
  }
  void *memory = arena_bytes(arena->block) + arena->used;
  arena->used += bytes;
  return memory;
}

LEDGER_PRIVATE char *arena_copy(struct arena *arena, const char *text, size_t length) {
  if (length == SIZE_MAX) return NULL;
  char *copy = arena_alloc(arena, length + 1);
  if (copy == NULL) return NULL;
  if (length > 0) memcpy(copy, text, length);
  copy[length] = 0;
  return copy;
}

LEDGER_PRIVATE char *arena_finish(struct arena *arena, sqlite3_str *built) {
  bool is_whole = sqlite3_str_errcode(built) == SQLITE_OK;
  size_t length = (size_t)sqlite3_str_length(built);
  char *text = sqlite3_str_finish(built); /* NULL when it is empty */
  char *copy = is_whole ? arena_copy(arena, text, length) : NULL;
  sqlite3_free(text);
  return copy;
}

LEDGER_PRIVATE void arena_reset(struct arena *arena) {
  arena->used = 0;
  struct arena_block *kept = arena->block;
  if (kept == NULL) return;
  if (kept->previous == NULL && kept->size <= ARENA_BLOCK_MAX)
    return; /* the common case: one block */
  kept = NULL;
  struct arena_block *block = arena->block;
  while (block != NULL) {
    struct arena_block *previous = block->previous;
    struct arena_block *loser = block;
    if (block->size <= ARENA_BLOCK_MAX && (kept == NULL || block->size > kept->size)) {
      loser = kept;
      kept = block;
    }
    sqlite3_free(loser);
    block = previous;
  }
  if (kept != NULL) kept->previous = NULL;
  arena->block = kept;
}

LEDGER_PRIVATE void arena_free(struct arena *arena) {
  struct arena_block *block = arena->block;
  while (block != NULL) {
    struct arena_block *previous = block->previous;
    sqlite3_free(block);
    block = previous;
  }
  arena->block = NULL;
  arena->used = 0;
}
