/*
** group.c: group commit: threads that write at the same time share a transaction of one handle: operations of the book, requests, calls of
** functions. Who comes while nobody leads, leads: takes what waits, oldest first, does it with one commit, answers all, and hands
** over to the next that waits.
**
** Threads that were just answered tend to come again at once. A leader who went ahead alone would commit for himself what fifteen
** others want a moment later, and every other commit would be for one; so he waits for as many as there were the last time, but
** not for long. A thread that is alone never waits.
**
** What is refused has mostly changed nothing, and the others go on. Where it had changed something (the second row of a request broke a
** constraint) all is rolled back and done again with a savepoint around each, which costs too much to do it always. When the
** commit fails, each is done again alone: by whose fault it was is seen then.
*/
#include "../internal.h"

#include <pthread.h>
#include <time.h>

#define GROUP_WAIT_US 200 /* about what a commit takes on a fast disk */

/* One call that waits for its answer, on the stack of its thread. */
struct group_call {
  const ledger_operation *operation; /* one of these three */
  const ledger_query *query;
  const ledger_call_request *request;
  ledger_result *result;   /* of an operation, or NULL */
  ledger_group_room *room; /* or NULL */
  ledger_answer *answer;   /* of the others */
  int rc;
  bool is_answered;
  pthread_cond_t wakes; /* it is answered, or may lead */
  struct group_call *next;
};

struct ledger_group {
  ledger *db; /* the leader's while he leads */
  int operations_max;
  pthread_mutex_t mutex;           /* over what follows up to `leader` */
  struct group_call *first, *last; /* that wait, in order */
  int waiting, expected;
  pthread_cond_t gathers; /* as many wait as are expected */
  bool is_led;
  pthread_t leader;
  int room; /* of the three lists, which are the leader's */
  struct group_call **calls;
  ledger_operation *operations;
  ledger_result *results;
};

/* ---- the leader's work, without the mutex */

static void group_answer(struct group_call *call, int rc, const ledger_result *result,
                         const ledger_error *error) {
  call->rc = rc;
  if (call->result == NULL) return;
  *call->result = *result;
  call->result->balances = NULL;
  if (result->balance_count > 0) {
    assert(result->balance_count <= 2 * LEDGER_LEG_MAX);
    memcpy(call->room->balances, result->balances,
           (size_t)result->balance_count * sizeof *result->balances);
    call->result->balances = call->room->balances;
  }
  call->result->error = NULL;
  if (error == NULL) return;
  call->room->error = *error;
  call->result->error = &call->room->error;
}

/* What the handle's error says is the answer. */
static void group_answer_error(ledger_group *group, struct group_call *call, int rc) {
  if (call->operation == NULL) {
    query_start(call->answer);
    call->rc = query_end(group->db, rc, call->answer);
    return;
  }
  ledger_result result = {.code = rc, .kind = call->operation->kind, .status = "failed"};
  group_answer(call, rc, &result, &group->db->error);
}

/* Does `count` operations. LEDGER_OK: all are answered; else none is, and nothing is done. */
static int group_operations(ledger_group *group, struct group_call *const *calls, int count) {
  ledger *db = group->db;
  for (int i = 0; i < count; i++) {
    group->operations[i] = *calls[i]->operation;
    group->operations[i].linked = 0; /* the next one is another thread's */
  }
  int rc = connection_enter(db);
  if (rc == LEDGER_OK)
    rc = batch_post(db, count, group->operations, LEDGER_BATCH_CONTINUE, 0, group->results);
  if (rc != LEDGER_OK) return rc;
  for (int i = 0; i < count; i++)
    group_answer(calls[i], group->results[i].code, &group->results[i], group->results[i].error);
  return LEDGER_OK;
}

/* A request or a call, which is answered by what comes of it. */
static void group_ask(ledger_group *group, struct group_call *call) {
  ledger *db = group->db;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK)
    rc = call->query != NULL ? query_ask(db, call->query, call->answer)
                             : call_function(db, call->request, call->answer);
  call->rc = query_end(db, rc, call->answer);
}

/* Has a refusal left something behind? A refused operation may have: it keeps a failed row where that was asked for. */
static bool group_is_torn(ledger_group *group, const struct group_call *call, int64_t changes) {
  ledger *db = group->db;
  if (call->rc == LEDGER_OK || !db->is_grouped) return false;
  if (call->query != NULL) return db->is_torn;
  if (sqlite3_total_changes64(db->sqlite) == changes) return false;
  return db->book == NULL || operation_is_torn(db) || operation_is_fatal(call->rc);
}

/* Does what waits within the transaction that is open. LEDGER_OK: all are answered. */
static int group_work(ledger_group *group, struct group_call *const *calls, int count,
                      bool *is_torn) {
  ledger *db = group->db;
  for (int i = 0; i < count;) {
    int operations = 0;
    while (i + operations < count && calls[i + operations]->operation != NULL) operations++;
    int64_t changes = sqlite3_total_changes64(db->sqlite);
    if (operations > 0) {
      int rc = group_operations(group, &calls[i], operations);
      if (rc != LEDGER_OK) return rc;
      i += operations;
      continue;
    }
    db->is_torn = false;
    group_ask(group, calls[i]);
    if (db->transaction_lost || sqlite3_get_autocommit(db->sqlite)) return LEDGER_NO_TRANSACTION;
    *is_torn = group_is_torn(group, calls[i], changes);
    if (*is_torn) return LEDGER_OK;
    i++;
  }
  return LEDGER_OK;
}

/* Does `count` calls of any kind with one commit; `careful`: a savepoint around each. */
static int group_share(ledger_group *group, struct group_call *const *calls, int count,
                       bool careful, bool *is_torn) {
  ledger *db = group->db;
  *is_torn = false;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = transaction_open(db);
  if (rc != LEDGER_OK) return rc;
  db->is_grouped = !careful;
  rc = group_work(group, calls, count, is_torn);
  db->is_grouped = false;
  if (rc == LEDGER_OK && !*is_torn) return transaction_commit(db);
  ledger_error error = db->error;
  transaction_rollback(db);
  db->error = error;
  return rc;
}

/* The same. LEDGER_OK: all are answered; else nothing is done. */
static int group_try(ledger_group *group, struct group_call *const *calls, int count) {
  int operations = 0;
  while (operations < count && calls[operations]->operation != NULL) operations++;
  if (operations == count) return group_operations(group, calls, count);
  if (count == 1) {
    group_ask(group, calls[0]);
    return LEDGER_OK;
  }
  bool is_torn;
  int rc = group_share(group, calls, count, false, &is_torn);
  if (rc == LEDGER_OK && is_torn) rc = group_share(group, calls, count, true, &is_torn);
  return rc;
}

static void group_run(ledger_group *group, int count) {
  int rc = group_try(group, group->calls, count);
  if (rc == LEDGER_OK) return;
  /* The commit failed, or a failure ended the batch: by whose fault is seen when each is alone. Not when the file is locked: each
  ** would wait for it again. */
  for (int i = 0; i < count; i++) {
    int code = rc;
    if (count > 1 && rc != LEDGER_BUSY) code = group_try(group, &group->calls[i], 1);
    if (code != LEDGER_OK) group_answer_error(group, group->calls[i], code);
  }
}

/* ---- the queue, with the mutex */

/* Room for `count` calls, or for as many as there is memory. */
static int group_room(ledger_group *group, int count) {
  if (count <= group->room) return count;
  size_t many = (size_t)count;
  void *calls = sqlite3_realloc64(group->calls, many * sizeof *group->calls);
  if (calls != NULL) group->calls = calls;
  void *operations = sqlite3_realloc64(group->operations, many * sizeof *group->operations);
  if (operations != NULL) group->operations = operations;
  void *results = sqlite3_realloc64(group->results, many * sizeof *group->results);
  if (results != NULL) group->results = results;
  if (calls != NULL && operations != NULL && results != NULL) group->room = count;
  return group->room;
}

static void group_gather(ledger_group *group) {
  struct timespec until;
  int wanted = group->expected < group->operations_max ? group->expected : group->operations_max;
  if (group->waiting >= wanted) return;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += GROUP_WAIT_US * 1000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (group->waiting < wanted &&
         pthread_cond_timedwait(&group->gathers, &group->mutex, &until) == 0) {
  }
}

/* Takes the oldest calls off the queue. Returns how many. */
static int group_take(ledger_group *group) {
  int count = group->waiting < group->operations_max ? group->waiting : group->operations_max;
  count = group_room(group, count);
  for (int i = 0; i < count; i++) {
    group->calls[i] = group->first;
    group->first = group->first->next;
  }
  if (group->first == NULL) group->last = NULL;
  group->waiting -= count;
  return count;
}

static void group_lead(ledger_group *group) {
  group->is_led = true;
  group->leader = pthread_self();
  group_gather(group);
  int count = group_take(group);
  pthread_mutex_unlock(&group->mutex);
  group_run(group, count);
  pthread_mutex_lock(&group->mutex);
  for (int i = 0; i < count; i++) {
    group->calls[i]->is_answered = true;
    pthread_cond_signal(&group->calls[i]->wakes);
  }
  group->expected = count + group->waiting;
  group->is_led = false;
  if (group->first != NULL) pthread_cond_signal(&group->first->wakes);
}

/* Waits with the others until the call is answered. */
static int group_wait(ledger_group *group, struct group_call *waiter) {
  pthread_mutex_lock(&group->mutex);
  /* From within the progress function, which runs in the middle of the leader's own call. */
  if (group->is_led && pthread_equal(group->leader, pthread_self())) {
    pthread_mutex_unlock(&group->mutex);
    return LEDGER_MISUSE;
  }
  pthread_cond_init(&waiter->wakes, NULL);
  if (group->last == NULL)
    group->first = waiter;
  else
    group->last->next = waiter;
  group->last = waiter;
  group->waiting++;
  if (group->waiting >= group->expected) pthread_cond_signal(&group->gathers);
  while (!waiter->is_answered) {
    if (group->is_led)
      pthread_cond_wait(&waiter->wakes, &group->mutex);
    else
      group_lead(group);
  }
  pthread_mutex_unlock(&group->mutex);
  pthread_cond_destroy(&waiter->wakes);
  return waiter->rc;
}

LEDGER_PRIVATE int group_post(ledger_group *group, const ledger_operation *operation,
                              ledger_result *result, ledger_group_room *room) {
  struct group_call call = {.operation = operation, .result = result, .room = room};
  return group_wait(group, &call);
}

/* A request or a call, answered also where it does not get into the queue. */
static int group_answered(ledger_group *group, struct group_call *call) {
  int rc = group_wait(group, call);
  if (call->is_answered) return rc;
  query_start(call->answer);
  error_set(&call->answer->error, rc, "the group is asked from within its own work");
  memcpy(call->answer->code, call->answer->error.sqlstate, sizeof call->answer->error.sqlstate);
  return rc;
}

LEDGER_PRIVATE int group_query(ledger_group *group, const ledger_query *query,
                               ledger_answer *answer) {
  struct group_call call = {.query = query, .answer = answer};
  return group_answered(group, &call);
}

LEDGER_PRIVATE int group_call_function(ledger_group *group, const ledger_call_request *request,
                                       ledger_answer *answer) {
  struct group_call call = {.request = request, .answer = answer};
  return group_answered(group, &call);
}

/* ---- opening and closing */

LEDGER_PRIVATE int group_open(ledger *db, int operations_max, ledger_group **out) {
  if (db->in_transaction) {
    return error_set(&db->error, LEDGER_ACTIVE_TRANSACTION,
                     "a group commits by itself, and a transaction is in progress");
  }
  ledger_group *group = sqlite3_malloc64(sizeof *group);
  if (group == NULL) return error_memory(&db->error);
  memset(group, 0, sizeof *group);
  group->db = db;
  group->operations_max = operations_max;
  if (group_room(group, 1) == 0) {
    sqlite3_free(group->calls);
    sqlite3_free(group->operations);
    sqlite3_free(group->results);
    sqlite3_free(group);
    return error_memory(&db->error);
  }
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&group->gathers, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_init(&group->mutex, NULL);
  *out = group;
  return LEDGER_OK;
}

LEDGER_PRIVATE void group_close(ledger_group *group) {
  assert(group->first == NULL && !group->is_led);
  pthread_mutex_destroy(&group->mutex);
  pthread_cond_destroy(&group->gathers);
  sqlite3_free(group->calls);
  sqlite3_free(group->operations);
  sqlite3_free(group->results);
  sqlite3_free(group);
}
