/*
** pool: handles of the file. Readers, opened when they are needed and few, are lent to requests one after the other, the one that
** came back last first, whose cache is warm. Writing requests go through one handle's group, which shares commits between
** them; those of users and sessions, which may hash a password meanwhile, through handles of their own.
*/
#include "server.h"

static void identity_forget(void); /* identity.c */

static void pool_init(struct web_pool *pool, int most, int share, int flags) {
  pthread_condattr_t clock;
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_condattr_init(&clock);
  pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
  pthread_cond_init(&pool->freed, &clock);
  pthread_condattr_destroy(&clock);
  pool->most = most;
  pool->share = share;
  pool->flags = flags;
}

static void pool_close(struct web_pool *pool) {
  for (int i = 0; i < pool->most; i++) ledger_close(pool->handles[i].db);
  pthread_mutex_destroy(&pool->mutex);
  pthread_cond_destroy(&pool->freed);
}

static int pool_count(struct web_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  int count = pool->count;
  pthread_mutex_unlock(&pool->mutex);
  return count;
}

/* Makes a handle as the options say. */
static int pool_prepare(struct web_server *server, ledger *db) {
  const web_options *options = server->options;
  int rc = LEDGER_OK;
  if (options->encryption_key) {
    rc = ledger_set_encryption_key(db, options->encryption_key);
    if (rc == LEDGER_NOT_IN_PREREQUISITE && options->key_is_optional) rc = LEDGER_OK;
  }
  if (rc == LEDGER_OK && options->auth) rc = ledger_auth_configure(db, options->auth);
  if (rc == LEDGER_OK) {
    ledger_open_tables(db, options->opens_tables);
    ledger_set_timeout(db, options->statement_ms > 0 ? options->statement_ms : SERVER_WRITE_MS);
  }
  return rc;
}

/* On failure *out is for its error, and may be NULL. */
static int pool_open(struct web_server *server, int flags, ledger **out) {
  int rc = ledger_open(server->options->path, flags, out);
  return rc == LEDGER_OK ? pool_prepare(server, *out) : rc;
}

/* Takes a handle that somebody else has opened. */
static void pool_adopt(struct web_server *server, struct web_pool *pool, ledger *db) {
  if (pool_prepare(server, db) != LEDGER_OK) {
    ledger_close(db); /* the next one that is opened will say why */
    return;
  }
  pool->handles[0] = (struct pool_handle){.db = db};
  pool->free = &pool->handles[0];
  pool->count = 1;
}

/* ---- with the pool's mutex */

static int pool_held(const struct web_pool *pool, const char *address) {
  int count = 0;
  for (int i = 0; i < pool->most; i++)
    if (address[0] && strcmp(pool->handles[i].address, address) == 0) count++;
  return count;
}

/* Waits until a handle is free or may be opened, and the address has not its share: slow requests of one client leave handles to the
** others. False: it took too long. */
static bool pool_wait(struct web_pool *pool, const char *address) {
  struct timespec until;
  bool is_late = false;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += SERVER_POOL_MS / 1000;
  for (;;) {
    bool has_share = pool_held(pool, address) >= pool->share;
    if (!has_share && (pool->free || pool->count < pool->most)) return true;
    if (is_late) return false;
    pool->held_back += has_share;
    is_late = pthread_cond_timedwait(&pool->freed, &pool->mutex, &until) != 0;
    pool->held_back -= has_share;
  }
}

static void pool_note(struct pool_handle *handle, ledger *db, const char *address) {
  handle->db = db;
  snprintf(handle->address, sizeof handle->address, "%s", address);
}

static struct pool_handle *pool_place(struct web_pool *pool, const ledger *db) {
  for (int i = 0; i < pool->most; i++)
    if (pool->handles[i].db == db) return &pool->handles[i];
  return NULL;
}

/* ---- lending */

/* Lends a handle: a free one, or a new one, or the next that comes back. NULL with *error filled in. */
static ledger *pool_take(struct web_server *server, struct web_pool *pool, const char *address,
                         ledger_error *error) {
  ledger *db = NULL;
  pthread_mutex_lock(&pool->mutex);
  if (!pool_wait(pool, address)) {
    pthread_mutex_unlock(&pool->mutex);
    *error = (ledger_error){.code = LEDGER_BUSY,
                            .sqlstate = "55P03",
                            .message = "Timed out acquiring connection from connection pool."};
    return NULL;
  }
  if (pool->free) {
    struct pool_handle *handle = pool->free;
    pool->free = handle->next;
    pool_note(handle, handle->db, address);
    pthread_mutex_unlock(&pool->mutex);
    return handle->db;
  }
  pool->count++;
  pthread_mutex_unlock(&pool->mutex);
  int rc = pool_open(server, pool->flags, &db);
  pthread_mutex_lock(&pool->mutex);
  if (rc == LEDGER_OK) {
    pool_note(pool_place(pool, NULL), db, address);
  } else {
    pool->count--;
    pthread_cond_broadcast(&pool->freed);
    *error = *ledger_error_of(db);
  }
  pthread_mutex_unlock(&pool->mutex);
  if (rc == LEDGER_OK) return db;
  ledger_close(db);
  return NULL;
}

static void pool_give(struct web_pool *pool, ledger *db) {
  pthread_mutex_lock(&pool->mutex);
  struct pool_handle *handle = pool_place(pool, db);
  pool_note(handle, db, "");
  handle->next = pool->free;
  pool->free = handle;
  pool->used_ms = server_clock_ms();
  if (pool->held_back > 0)
    pthread_cond_broadcast(&pool->freed);
  else
    pthread_cond_signal(&pool->freed);
  pthread_mutex_unlock(&pool->mutex);
}

/* Would a request have to wait? */
static bool pool_is_busy(struct web_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  bool is_busy = !pool->free && pool->count == pool->most;
  pthread_mutex_unlock(&pool->mutex);
  return is_busy;
}

/* Closes the handles but `keep` that nobody has needed for a while: each has a cache and the catalog. True if it closed any. */
static bool pool_rest(struct web_pool *pool, int keep, int64_t now_ms) {
  bool has_closed = false;
  for (;;) {
    ledger *db = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->free && pool->count > keep && now_ms - pool->used_ms >= SERVER_REST_MS) {
      db = pool->free->db;
      pool->free->db = NULL;
      pool->free = pool->free->next;
      pool->count--;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!db) return has_closed;
    ledger_close(db);
    has_closed = true;
  }
}

static void pool_refuse(struct web_request *request, struct web_reply *reply,
                        const ledger_error *error) {
  bool is_late = error->code == LEDGER_BUSY;
  web_refuse(request, reply,
             &(struct web_problem){.status = is_late ? 504 : 500,
                                   .code = is_late ? "PGRST003" : error->sqlstate,
                                   .word = is_late ? "request_timeout" : "unexpected_failure",
                                   .message = error->message,
                                   .hint = error->hint[0] ? error->hint : NULL,
                                   .error = is_late ? NULL : error});
}

/* How long a statement of the caller's may take. */
static int pool_statement_ms(const struct web_request *request) {
  const char *role = request->identity.role;
  if (request->server->options->statement_ms > 0) return request->server->options->statement_ms;
  if (strcmp(role, "anon") == 0) return SERVER_ANON_MS;
  return strcmp(role, "authenticated") == 0 ? SERVER_USER_MS : SERVER_SERVICE_MS;
}

static ledger *web_reader(struct web_request *request, struct web_reply *reply) {
  ledger_error error;
  if (!request->reader)
    request->reader =
        pool_take(request->server, &request->server->readers, request->address, &error);
  if (!request->reader) pool_refuse(request, reply, &error);
  return request->reader;
}

/* Gives back what the request has borrowed. */
static void pool_release(struct web_request *request) {
  if (request->reader) pool_give(&request->server->readers, request->reader);
  request->reader = NULL;
}

/* The group of writers, which is made when the first comes. NULL with the reply saying why. */
static ledger_group *pool_group(struct web_server *server, ledger_error *error) {
  pthread_mutex_lock(&server->writer_mutex);
  if (!server->group) {
    int rc = pool_open(server, LEDGER_SMALL, &server->writer);
    if (rc == LEDGER_OK) rc = ledger_group_open(server->writer, SERVER_GROUP, &server->group);
    if (rc != LEDGER_OK) {
      *error = *ledger_error_of(server->writer);
      ledger_close(server->writer);
      server->writer = NULL;
      server->group = NULL;
    }
  }
  ledger_group *group = server->group;
  pthread_mutex_unlock(&server->writer_mutex);
  return group;
}

static int web_ask(struct web_request *request, struct web_reply *reply,
                   const ledger_query *query) {
  ledger_error error;
  if (query->verb == LEDGER_VERB_READ) {
    ledger *db = web_reader(request, reply);
    if (!db) return LEDGER_CANNOT_OPEN;
    ledger_set_timeout(db, pool_statement_ms(request));
    return ledger_ask(db, query, request->answer);
  }
  pool_release(request); /* others may read meanwhile */
  ledger_group *group = pool_group(request->server, &error);
  if (group) {
    int rc = ledger_group_ask(group, query, request->answer);
    identity_forget();
    return rc;
  }
  pool_refuse(request, reply, &error);
  return error.code;
}

static int web_call(struct web_request *request, struct web_reply *reply,
                    const ledger_call_request *call) {
  ledger_error error;
  if (call->is_read || ledger_function_reads(call->function)) {
    ledger *db = web_reader(request, reply);
    if (!db) return LEDGER_CANNOT_OPEN;
    ledger_set_timeout(db, pool_statement_ms(request));
    return ledger_call(db, call, request->answer);
  }
  pool_release(request);
  ledger_group *group = pool_group(request->server, &error);
  if (group) {
    int rc = ledger_group_call(group, call, request->answer);
    identity_forget();
    return rc;
  }
  pool_refuse(request, reply, &error);
  return error.code;
}

static int web_write(struct web_request *request, struct web_reply *reply,
                     int (*work)(struct web_request *request, ledger *db, void *context),
                     void *context) {
  ledger_error error;
  pool_release(request);
  ledger *db = pool_take(request->server, &request->server->users, request->address, &error);
  if (!db) {
    pool_refuse(request, reply, &error);
    return LEDGER_BUSY;
  }
  int rc = work(request, db, context);
  identity_forget();
  pool_give(&request->server->users, db);
  return rc;
}
