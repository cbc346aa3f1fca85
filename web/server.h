/*
** What server.c, pool.c, watch.c and their like share; REST's and the clients' parts need request.h alone.
*/
#ifndef LEDGER_WEB_SERVER_H
#define LEDGER_WEB_SERVER_H

#include "request.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum {
  SERVER_LINE_MAX = 64 * 1024,      /* bytes of a request's path and query: long lists of keys come in it */
  SERVER_HEADERS_MAX = 64 * 1024,   /* bytes of its headers together */
  SERVER_HEAD_MAX = 160 * 1024,     /* what civetweb reads of a head at most; above both limits, so that we see it and can answer */
  SERVER_READERS_MAX = 4,           /* handles for reading */
  SERVER_USERS_MAX = 2,             /* handles of web_write() */
  SERVER_STACK_BYTES = 512 * 1024,  /* of a thread */
  SERVER_QUEUE = 256,               /* accepted connections that wait for a thread */
  SERVER_BODY_SMALL = 64 * 1024,    /* bodies up to that are not counted */
  SERVER_BODIES = 4,                /* large ones: so many of the greatest size in memory at a time; then 503 */
  SERVER_GROUP = 256,               /* writes that share a commit */
  SERVER_ANON_MS = 3000,            /* times of a statement, unless one was said: as Supabase has them */
  SERVER_USER_MS = 8000,
  SERVER_SERVICE_MS = 30000,
  SERVER_WRITE_MS = 3000,           /* of one that writes: all others that write wait for it */
  SERVER_SIGN_IN_S = 300,           /* the window of the limit on sign-ins */
  SERVER_KEY_S = 60,                /* and of that of a key */
  SERVER_POOL_MS = 10000,           /* so long a request waits for a handle; then 504 */
  SERVER_STOP_MS = 10000,           /* what is in work may take so long when stopping */
  SERVER_KEEP_BYTES = 32 * 1024,    /* buffers above that are given back after the request */
  SERVER_REST_MS = 5000,            /* handles that nobody needs for so long are closed */
  SERVER_EXPIRE_MS = 60000          /* between two looks for holds past their time */
};

/* What a worker thread of civetweb's is doing, for watch.c, which cuts off those that take too long. */
enum worker_state { WORKER_FREE, WORKER_WAITS /* for a head */, WORKER_READS /* a body */, WORKER_WORKS, WORKER_SENDS };

struct web_worker {
  pthread_mutex_t mutex; /* over what follows up to `port` */
  enum worker_state state;
  int64_t since_ms, until_ms; /* of the state; until_ms 0: no end */
  int64_t moved_ms;           /* when the connection was found to have moved, with many waiting: */
  long long moved_bytes;
  bool is_cut;                /* watch.c has shut its socket down */
  long long body_bytes;       /* of a large body, in memory */
  char address[48];           /* of the connection */
  int port, server_port;
  int handled;                /* requests on this connection */
  bool is_refused;            /* civetweb could not read the last one, and that was said */
  char *stack;                /* its lowest address */
  time_t date_time;           /* of: */
  char date[32];
};

/* Buffers of a request; as many as requests are in work at a time, not as there are threads. */
struct web_kept;
struct web_scratch {
  struct web_scratch *next;
  struct web_text head, headers, body;
  ledger_answer answer;
  char *block; /* of web_keep(): small pieces */
  size_t used;
  struct web_kept *kept; /* and large ones */
};

struct pool_handle {
  ledger *db;
  struct pool_handle *next; /* that is free */
  char address[48];         /* of the client that has it, "" while it is free */
};

struct web_pool {
  pthread_mutex_t mutex;
  pthread_cond_t freed;
  struct pool_handle handles[SERVER_READERS_MAX];
  struct pool_handle *free;
  int count, most; /* opened, and how many may be */
  int share;       /* how many of them one address may have */
  int held_back;   /* requests that wait because their address has its share */
  int flags;       /* of ledger_open() */
  int64_t used_ms; /* when one came back last */
};

struct web_server {
  const web_options *options;
  struct mg_context *context;
  struct web_worker *workers;
  int files_most; /* descriptors are below it */
  atomic_int workers_begun, connections, in_work;
  atomic_bool is_stopping;
  atomic_ptrdiff_t info_offset; /* of request_info in a connection of civetweb's; 0: not known yet */
  atomic_llong body_bytes; /* in memory now */

  struct web_pool readers, users;
  pthread_mutex_t writer_mutex;
  ledger *writer;
  ledger_group *group;

  pthread_mutex_t scratch_mutex;
  struct web_scratch *scratch;

  char id_prefix[20]; /* of request ids */
  atomic_ullong id_next;
  char problem[256]; /* why civetweb could not start */

  pthread_t watcher;
  pthread_mutex_t watch_mutex;
  pthread_cond_t watch_ends;
  bool watch_stops;
};

static int64_t server_clock_ms(void);
static int64_t server_clock_ns(void);

#endif
