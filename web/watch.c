/*
** watch: a thread that looks at the others: it cuts off clients that send or take a body too slowly, and, when every thread has a
** connection and others may be waiting, connections that do nothing. It also lets holds expire.
**
** civetweb keeps its sockets to itself. The socket of a worker is found by the addresses of its two ends, when one must be cut and
** at no other time; the worker cannot let go of it meanwhile, for it needs its mutex to go on.
*/
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <malloc.h>
#include <linux/tcp.h> /* the C library's own lacks tcpi_bytes_received */
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  WATCH_TICK_MS = 100,
  WATCH_FIRST_MS = 1000,        /* until holds are looked at for the first time */
  WATCH_CROWDED_MS = 250,       /* what a connection may idle while others wait */
  WATCH_STACK_KEPT = 16 * 1024, /* bytes of a stack */
  WATCH_LINGER_MS = 1000, /* how long what a refused client still sends is taken off its hands */
  WATCH_BYTES_PER_S = 16 * 1024 /* the slowest that a body may come or go */
};

static void watch_enter(struct web_worker *worker, enum worker_state state, int64_t time_ms) {
  int64_t now_ms = server_clock_ms();
  pthread_mutex_lock(&worker->mutex);
  worker->state = state;
  worker->since_ms = now_ms;
  worker->until_ms = time_ms > 0 ? now_ms + time_ms : 0;
  pthread_mutex_unlock(&worker->mutex);
}

/* So many bytes have come: there is time for as many more. */
static void watch_extend(struct web_worker *worker, long long bytes) {
  pthread_mutex_lock(&worker->mutex);
  worker->until_ms += bytes * 1000 / WATCH_BYTES_PER_S;
  pthread_mutex_unlock(&worker->mutex);
}

static bool watch_was_cut(struct web_worker *worker) {
  pthread_mutex_lock(&worker->mutex);
  bool is_cut = worker->is_cut;
  pthread_mutex_unlock(&worker->mutex);
  return is_cut;
}

/* Gives back the stack below, which a deep statement has used; between two connections of the thread. */
static void watch_stack(struct web_worker *worker) {
  char here;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t top = ((uintptr_t)(void *)&here - WATCH_STACK_KEPT) & ~(page - 1);
  uintptr_t low = (uintptr_t)(void *)worker->stack;
  if (low != 0 && low < top) madvise(worker->stack, top - low, MADV_DONTNEED);
}

/* The time that a body of so many bytes may take. */
static int64_t watch_time(const struct web_server *server, long long bytes) {
  return server->options->request_ms + bytes / WATCH_BYTES_PER_S * 1000;
}

/* The socket of the worker's connection, -1 if there is none (any more). */
static int watch_socket(const struct web_server *server, const struct web_worker *worker) {
  struct in_addr address;
  if (inet_pton(AF_INET, worker->address, &address) != 1) return -1;
  for (int fd = 3; fd < server->files_most; fd++) {
    struct sockaddr_in peer, own;
    socklen_t peer_length = sizeof peer, own_length = sizeof own;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) != 0) continue;
    if (peer.sin_family != AF_INET || peer.sin_addr.s_addr != address.s_addr ||
        ntohs(peer.sin_port) != worker->port)
      continue;
    if (getsockname(fd, (struct sockaddr *)&own, &own_length) == 0 &&
        ntohs(own.sin_port) == worker->server_port)
      return fd;
  }
  return -1;
}

/* Bytes that came over the connection so far, and of those that went those that arrived. */
static void watch_moved(const struct web_server *server, const struct web_worker *worker,
                        long long *received, long long *sent) {
  struct tcp_info info = {0};
  socklen_t length = sizeof info;
  int fd = watch_socket(server, worker);
  if (fd >= 0) getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length);
  *received = (long long)info.tcpi_bytes_received;
  *sent = (long long)info.tcpi_bytes_acked;
}

/*
** Before a connection is closed whose client is still sending: a socket that is closed with bytes unread resets the connection, and
** the reply is lost. So the reply is ended, and what comes is thrown away for a moment.
*/
static void watch_linger(const struct web_server *server, const struct web_worker *worker) {
  char bytes[4096];
  int64_t until_ms = server_clock_ms() + WATCH_LINGER_MS;
  int fd = watch_socket(server, worker);
  if (fd < 0 || shutdown(fd, SHUT_WR) != 0) return;
  for (;;) {
    int64_t left_ms = until_ms - server_clock_ms();
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) <= 0) return;
    if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) return;
  }
}

static void watch_cut(const struct web_server *server, struct web_worker *worker, int how) {
  int fd = watch_socket(server, worker);
  worker->is_cut = true;
  if (fd >= 0) shutdown(fd, how);
}

/* Others wait, and this connection reads or sends a body: does it go on as fast as it must? Looked at once a second. */
static bool watch_is_slow(const struct web_server *server, struct web_worker *worker,
                          int64_t now_ms) {
  bool was_seen = worker->moved_ms > worker->since_ms;
  long long received, sent;
  if (now_ms - (was_seen ? worker->moved_ms : worker->since_ms) < 1000) return false;
  watch_moved(server, worker, &received, &sent);
  bool is_slow = was_seen && received + sent - worker->moved_bytes < WATCH_BYTES_PER_S;
  worker->moved_ms = now_ms;
  worker->moved_bytes = received + sent;
  return is_slow;
}

static void watch_worker(const struct web_server *server, struct web_worker *worker, int64_t now_ms,
                         bool is_crowded) {
  pthread_mutex_lock(&worker->mutex);
  if (worker->is_cut) {
    /* It ends as soon as it notices. */
  } else if (worker->state == WORKER_READS && now_ms > worker->until_ms) {
    watch_cut(server, worker, SHUT_RD);
  } else if (worker->state == WORKER_SENDS && now_ms > worker->until_ms) {
    watch_cut(server, worker, SHUT_RDWR);
  } else if (worker->state == WORKER_WAITS && is_crowded &&
             now_ms - worker->since_ms > WATCH_CROWDED_MS) {
    watch_cut(server, worker, SHUT_RD);
  } else if ((worker->state == WORKER_READS || worker->state == WORKER_SENDS) && is_crowded &&
             watch_is_slow(server, worker, now_ms)) {
    watch_cut(server, worker, worker->state == WORKER_READS ? SHUT_RD : SHUT_RDWR);
  }
  pthread_mutex_unlock(&worker->mutex);
}

/* Holds past their time are released by whoever serves the file; what another process does meanwhile is not done twice. */
static void watch_expire(struct web_server *server) {
  ledger_error error;
  ledger *db = pool_take(server, &server->users, "", &error);
  int64_t count = 0;
  if (!db) return;
  int rc = ledger_expire(db, &count);
  if (rc != LEDGER_OK && rc != LEDGER_NO_BOOK && rc != LEDGER_BUSY)
    log_say("error", ledger_error_of(db)->message);
  pool_give(&server->users, db);
}

static void *watch_run(void *context) {
  struct web_server *server = context;
  int64_t expire_ms = server_clock_ms() + WATCH_FIRST_MS;
  pthread_mutex_lock(&server->watch_mutex);
  while (!server->watch_stops) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WATCH_TICK_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&server->watch_ends, &server->watch_mutex, &until);
    if (server->watch_stops) break;
    pthread_mutex_unlock(&server->watch_mutex);
    int64_t now_ms = server_clock_ms();
    int workers = atomic_load(&server->workers_begun);
    bool is_crowded = atomic_load(&server->connections) >= server->options->threads;
    for (int i = 0; i < workers; i++) watch_worker(server, &server->workers[i], now_ms, is_crowded);
    if (now_ms >= expire_ms) {
      watch_expire(server);
      expire_ms = server_clock_ms() + SERVER_EXPIRE_MS;
    }
    bool has_rested = pool_rest(&server->users, 0, now_ms);
    if (pool_rest(&server->readers, 1, now_ms) || has_rested) malloc_trim(0);
    pthread_mutex_lock(&server->watch_mutex);
  }
  pthread_mutex_unlock(&server->watch_mutex);
  return NULL;
}

/* Before civetweb is stopped: its threads look for that every two seconds, unless something happens on their sockets. */
static void watch_wake(struct web_server *server) {
  for (int i = 0; i < atomic_load(&server->workers_begun); i++) {
    struct web_worker *worker = &server->workers[i];
    pthread_mutex_lock(&worker->mutex);
    if (worker->state == WORKER_WAITS) watch_cut(server, worker, SHUT_RD);
    pthread_mutex_unlock(&worker->mutex);
  }
  for (int fd = 3; fd < server->files_most; fd++) {
    int listens = 0;
    socklen_t length = sizeof listens;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 && listens)
      shutdown(fd, SHUT_RD);
  }
}

static bool watch_start(struct web_server *server) {
  pthread_condattr_t clock;
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&server->watch_ends, &clock);
  pthread_condattr_destroy(&clock);
  pthread_mutex_init(&server->watch_mutex, NULL);
  return pthread_create(&server->watcher, NULL, watch_run, server) == 0;
}

static void watch_stop(struct web_server *server) {
  pthread_mutex_lock(&server->watch_mutex);
  server->watch_stops = true;
  pthread_cond_signal(&server->watch_ends);
  pthread_mutex_unlock(&server->watch_mutex);
  pthread_join(server->watcher, NULL);
  pthread_mutex_destroy(&server->watch_mutex);
  pthread_cond_destroy(&server->watch_ends);
}
