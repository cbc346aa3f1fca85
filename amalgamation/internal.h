/*
** What the rooms of ledger.c share: the private prototypes, by layer. A room sees the layers above its own and no
** others: it is compiled alone with LEDGER_LAYER set to its layer (./build.sh check), and what stands below is hidden.
** Not for programs; they include ledger.h.
*/
#ifndef LEDGER_INTERNAL_H
#define LEDGER_INTERNAL_H

#include "../ledger.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SQLITE_ENABLE_PREUPDATE_HOOK
#define SQLITE_ENABLE_PREUPDATE_HOOK /* for the prototypes; store/observe.c says what for */
#endif
#include <sqlite3.h>

#define LAYER_GROUND 1
#define LAYER_TYPES 2
#define LAYER_STORE 3
#define LAYER_BOOK 4
#define LAYER_ACCESS 5
#define LAYER_SYNC 6
#define LAYER_DOOR 7 /* ledger.c's public functions */

#ifndef LEDGER_LAYER
#define LEDGER_LAYER LAYER_DOOR
#endif

/* In ledger.c every private function is static; a room compiled alone gives it external linkage. */
#ifndef LEDGER_PRIVATE
#define LEDGER_PRIVATE
#endif

#if defined(__GNUC__)
#define PRINTF_LIKE(sentence, first) __attribute__((format(printf, sentence, first)))
#else
#define PRINTF_LIKE(sentence, first)
#endif

#include "ground/ground.h"
#if LEDGER_LAYER >= LAYER_TYPES
#include "types/types.h"
#endif
#if LEDGER_LAYER >= LAYER_STORE
#include "store/store.h"
#endif
#if LEDGER_LAYER >= LAYER_BOOK
#include "book/book.h"
#endif
#if LEDGER_LAYER >= LAYER_ACCESS
#include "access/access.h"
#endif
#if LEDGER_LAYER >= LAYER_SYNC
#include "sync/sync.h"
#endif

#endif
