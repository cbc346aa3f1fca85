/*
** id.c: uuids of version 7 (RFC 9562, by method 3: the bits behind the milliseconds are the finer
** part of the clock) and of version 4.
*/
#include "../internal.h"

#include <stdatomic.h>

/* The last time that was given out: milliseconds * 4096 + the fraction of the millisecond in
** 1/4096. */
static _Atomic uint64_t id_last_tick;

static void id_format(const unsigned char bytes[16], char out[37]) {
  static const char hex[] = "0123456789abcdef";
  size_t at = 0;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out[at++] = '-';
    out[at++] = hex[bytes[i] >> 4];
    out[at++] = hex[bytes[i] & 15];
  }
  out[at] = 0;
}

/* A tick that no earlier call has had, in any thread: the clock's, or one more than the last
** when the clock stands or goes back. */
static uint64_t id_next_tick(void) {
  uint64_t now_us = (uint64_t)clock_now_us();
  uint64_t now = (now_us / 1000) << 12 | (now_us % 1000) * 4096 / 1000;
  uint64_t last = atomic_load(&id_last_tick);
  uint64_t next;
  do {
    next = now > last ? now : last + 1;
  } while (!atomic_compare_exchange_weak(&id_last_tick, &last, next));
  return next;
}

LEDGER_PRIVATE void id_uuid7(char out[37]) {
  uint64_t tick = id_next_tick();
  uint64_t ms = tick >> 12;
  unsigned char bytes[16];
  for (int i = 0; i < 6; i++) bytes[i] = (unsigned char)(ms >> (40 - 8 * i));
  bytes[6] = (unsigned char)(0x70 | ((tick >> 8) & 15));
  bytes[7] = (unsigned char)(tick & 255);
  seal_random(bytes + 8, 8);
  bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
  id_format(bytes, out);
}

LEDGER_PRIVATE void id_uuid4(char out[37]) {
  unsigned char bytes[16];
  seal_random(bytes, sizeof bytes);
  bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f));
  bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));
  id_format(bytes, out);
}
