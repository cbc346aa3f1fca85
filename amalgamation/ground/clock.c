/*
** clock.c: the wall clock. The only reader of it.
*/
#include "../internal.h"

#include <time.h>

LEDGER_PRIVATE int64_t clock_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
