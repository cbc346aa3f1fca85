/*
** pool: handles of the file. Readers, opened when they are needed and few, are lent to requests one after the other, the one that
** came back last first, whose cache is warm. Writing requests go through one handle's group, which shares commits between
** them; those of users and sessions, which may hash a password meanwhile, through handles of their own.
*/
#include "server.h"

static void identity_forget(void); /* identity.c */

static void pool_init(struct web_pool *pool, int most, int flags) {
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->freed, NULL);
  pool->most = most;
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
    ledger_set_timeout(db, options->statement_ms);
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

/* Lends a handle: a free one, or a new one, or the next that comes back. NULL with *error filled in. */
static ledger *pool_take(struct web_server *server, struct web_pool *pool, ledger_error *error) {
  ledger *db = NULL;
  pthread_mutex_lock(&pool->mutex);
  while (!pool->free && pool->count == pool->most) pthread_cond_wait(&pool->freed, &pool->mutex);
  if (pool->free) {
    db = pool->free->db;
    pool->free = pool->free->next;
    pthread_mutex_unlock(&pool->mutex);
    return db;
  }
  pool->count++;
  pthread_mutex_unlock(&pool->mutex);
  int rc = pool_open(server, pool->flags, &db);
  pthread_mutex_lock(&pool->mutex);
  if (rc == LEDGER_OK) {
    for (int i = 0; i < pool->most; i++) {
      if (pool->handles[i].db) continue;
      pool->handles[i].db = db;
      break;
    }
  } else {
    pool->count--;
    pthread_cond_signal(&pool->freed);
    *error = *ledger_error_of(db);
  }
  pthread_mutex_unlock(&pool->mutex);
  if (rc == LEDGER_OK) return db;
  ledger_close(db);
  return NULL;
}

static void pool_give(struct web_pool *pool, ledger *db) {
  pthread_mutex_lock(&pool->mutex);
  for (int i = 0; i < pool->most; i++) {
    if (pool->handles[i].db != db) continue;
    pool->handles[i].next = pool->free;
    pool->free = &pool->handles[i];
    break;
  }
  pool->used_ms = server_clock_ms();
  pthread_cond_signal(&pool->freed);
  pthread_mutex_unlock(&pool->mutex);
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
  web_refuse(request, reply,
             &(struct web_problem){.status = error->code == LEDGER_BUSY ? 503 : 500,
                                   .code = error->sqlstate,
                                   .word = "unexpected_failure",
                                   .message = error->message,
                                   .hint = error->hint[0] ? error->hint : NULL,
                                   .error = error});
}

static ledger *web_reader(struct web_request *request, struct web_reply *reply) {
  ledger_error error;
  if (!request->reader)
    request->reader = pool_take(request->server, &request->server->readers, &error);
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
    if (rc == LEDGER_OK) rc = ledger_group_open(server->writer, 256, &server->group);
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
    return db ? ledger_ask(db, query, request->answer) : LEDGER_CANNOT_OPEN;
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
    return db ? ledger_call(db, call, request->answer) : LEDGER_CANNOT_OPEN;
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
  ledger *db = pool_take(request->server, &request->server->users, &error);
  if (!db) {
    pool_refuse(request, reply, &error);
    return LEDGER_BUSY;
  }
  int rc = work(request, db, context);
  identity_forget();
  pool_give(&request->server->users, db);
  return rc;
}
