/*
** A gate at a handle's commits: the leader of a group is held back in one until so many other calls wait, so that a test knows who shares
** the next commit with whom; and commits that fail. Include after ledger.c.
*/
#ifndef TEST_GATE_H
#define TEST_GATE_H

#include <sched.h>
#include <stdatomic.h>

static struct {
  ledger_group *group;
  atomic_int waiting;   /* to wait for; 0: the gate is open */
  int commits, failing; /* the first `failing` commits after the gate's are refused */
} gate;

static inline int gate_hook(void *context) {
  (void)context;
  int wanted = atomic_exchange(&gate.waiting, 0), waiting = 0;
  while (waiting < wanted) {
    pthread_mutex_lock(&gate.group->mutex);
    waiting = gate.group->waiting;
    pthread_mutex_unlock(&gate.group->mutex);
    sched_yield();
  }
  if (wanted > 0) return 0;
  gate.commits++;
  return gate.failing > 0 && gate.failing-- > 0;
}

/* The next commit waits for `count` calls. Start one, then gate_led(), then those. */
static inline void gate_close(ledger *db, ledger_group *group, int count, int failing) {
  gate.group = group;
  gate.commits = 0;
  gate.failing = failing;
  atomic_store(&gate.waiting, count);
  sqlite3_commit_hook(db->sqlite, gate_hook, NULL);
}

/* Until the first call leads. */
static inline void gate_led(ledger_group *group) {
  for (bool is_led = false; !is_led; sched_yield()) {
    pthread_mutex_lock(&group->mutex);
    is_led = group->is_led;
    pthread_mutex_unlock(&group->mutex);
  }
}

#endif
