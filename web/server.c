/*
** server: takes a request through its way: limits, route, body, who asks, handler, reply, log; and tells civetweb's callbacks from
** one another.
*/
#include "server.h"

static int64_t server_clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t server_clock_ms(void) {
  return server_clock_ns() / 1000000;
}

/* ---- a request's way */

/* The row of the longest path that the request's lies in. */
static const struct web_route *server_route(const char *path, const char **below) {
  const struct web_route *best = NULL;
  size_t best_length = 0;
  for (const struct web_route *route = web_routes; route->path; route++) {
    size_t length = strlen(route->path);
    bool is_folder = route->path[length - 1] == '/';
    if (length < best_length) continue;
    if (strncmp(path, route->path, length) == 0 && (is_folder || path[length] == '\0')) {
      *below = path + length;
    } else if (is_folder && strncmp(path, route->path, length - 1) == 0 &&
               path[length - 1] == '\0') {
      *below = "";
    } else {
      continue;
    }
    best = route;
    best_length = length;
  }
  return best;
}

static bool server_refuse(struct web_request *request, struct web_reply *reply, int status,
                          const char *code, const char *word, const char *message,
                          const char *hint) {
  web_refuse(request, reply,
             &(struct web_problem){
                 .status = status, .code = code, .word = word, .message = message, .hint = hint});
  return false;
}

static void server_id(struct web_request *request) {
  const char *given = web_request_header(request, "X-Request-Id", 0);
  if (request_id_is_good(given))
    snprintf(request->id, sizeof request->id, "%s", given);
  else
    snprintf(request->id, sizeof request->id, "%s-%llx", request->server->id_prefix,
             atomic_fetch_add(&request->server->id_next, 1));
}

/* Who the client is. False for somebody who has found civetweb's own port behind the TLS. */
static bool server_address(struct web_request *request) {
  const struct web_options *options = request->server->options;
  snprintf(request->address, sizeof request->address, "%s", request->info->remote_addr);
  if (options->tls && !tls_client(request->info->remote_port, request->address)) return false;
  const char *list = NULL, *next;
  for (int nth = 0; (next = web_request_header(request, "X-Forwarded-For", nth)) != NULL; nth++)
    list = next; /* the line that our proxy has added is the last one */
  if (options->behind_proxy) request_forwarded(list, request->address);
  request->user_agent = web_request_header(request, "User-Agent", 0);
  return true;
}

/* Line and headers within their limits? A request that was refused for them says nothing else that counts. */
static bool server_head_fits(struct web_request *request, struct web_reply *reply) {
  size_t headers = 0;
  const struct mg_request_info *info = request->info;
  for (int i = 0; i < info->num_headers; i++)
    headers += strlen(info->http_headers[i].name) + strlen(info->http_headers[i].value) + 4;
  const char *problem = request_head_problem(info);
  if (problem) {
    server_refuse(request, reply, 400, "08P01", "validation_failed", problem, NULL);
  } else if (strlen(request->raw_path) + strlen(request->query) > SERVER_LINE_MAX) {
    server_refuse(request, reply, 414, "54000", "validation_failed",
                  "the path and query are longer than 64 KiB", "ask for fewer at a time");
  } else if (info->num_headers >= MG_MAX_HEADERS) {
    server_refuse(request, reply, 431, "54000", "validation_failed", "more than 63 headers", NULL);
  } else if (headers > SERVER_HEADERS_MAX) {
    server_refuse(request, reply, 431, "54000", "validation_failed",
                  "the headers are longer than 64 KiB", NULL);
  } else {
    return true;
  }
  reply->closes = true; /* headers that nobody has seen may say where the body ends */
  return false;
}

static bool server_find_route(struct web_request *request, struct web_reply *reply) {
  const char *raw = request->raw_path;
  const char *path =
      request_path_is_plain(raw) ? web_request_decode(request, raw, strlen(raw), false) : NULL;
  if (!path)
    return server_refuse(request, reply, 400, "PGRST125", "validation_failed",
                         "Invalid path specified in request URL",
                         "no escaped slashes, NULs or control characters; UTF-8");
  request->path = path;
  request->route = server_route(request->path, &request->below);
  if (!request->route)
    return server_refuse(request, reply, 404, "PGRST125", "not_found",
                         "Invalid path specified in request URL", NULL);
  request->label = request->route->label;
  return true;
}

static void server_allow(const struct web_route *route, struct web_reply *reply) {
  struct web_text list = {0};
  for (int i = 0; i < REQUEST_METHODS; i++) {
    enum web_method method = request_methods[i].method;
    bool is_allowed = (route->methods & method) || method == WEB_OPTIONS ||
                      (method == WEB_HEAD && (route->methods & WEB_GET));
    if (is_allowed)
      web_text_format(&list, "%s%s", list.length ? ", " : "", request_methods[i].name);
  }
  web_header(reply, "Allow", "%s", list.failed ? "" : list.bytes);
  web_text_free(&list);
}

/* True where the handler is to see the request. */
static bool server_method(struct web_request *request, struct web_reply *reply) {
  const struct web_route *route = request->route;
  unsigned method = request->method;
  if (cors_is_preflight(request)) {
    cors_preflight(request, reply);
    return false;
  }
  if (method == WEB_OPTIONS) {
    if (route->flags & WEB_PLAIN_OPTIONS) return true;
    server_allow(route, reply);
    return false;
  }
  if (method == WEB_HEAD && (route->methods & WEB_GET)) return true;
  if (method != 0 && (route->methods & method)) return true;
  server_allow(route, reply);
  char message[64];
  snprintf(message, sizeof message, "Unsupported HTTP method: %.32s",
           request->info->request_method);
  return server_refuse(request, reply, 405, "PGRST117", "method_not_allowed", message, NULL);
}

/* Bytes of large bodies that came from the address of the request and are in memory, over all threads. */
static long long server_bodies_of(const struct web_request *request) {
  struct web_server *server = request->server;
  long long bytes = 0;
  for (int i = 0; i < atomic_load(&server->workers_begun); i++) {
    struct web_worker *worker = &server->workers[i];
    pthread_mutex_lock(&worker->mutex);
    if (strcmp(worker->address, request->worker->address) == 0) bytes += worker->body_bytes;
    pthread_mutex_unlock(&worker->mutex);
  }
  return bytes;
}

/* What is counted of a body's memory: small ones are not. */
static void server_count_body(struct web_request *request, long long bytes) {
  struct web_worker *worker = request->worker;
  long long counted = bytes > SERVER_BODY_SMALL ? bytes : 0;
  pthread_mutex_lock(&worker->mutex);
  atomic_fetch_add(&request->server->body_bytes, counted - worker->body_bytes);
  worker->body_bytes = counted;
  pthread_mutex_unlock(&worker->mutex);
}

/* Room for a body of so many bytes. Of large ones only so much may be in memory at a time, half of it for one address. */
static char *server_body_room(struct web_request *request, struct web_reply *reply,
                              long long bytes) {
  struct web_server *server = request->server;
  long long most = server->options->body_max * SERVER_BODIES;
  server_count_body(request, bytes);
  bool fits = bytes <= SERVER_BODY_SMALL ||
              (atomic_load(&server->body_bytes) <= most && server_bodies_of(request) <= most / 2);
  char *body = fits ? web_keep(request, (size_t)bytes + 1) : NULL;
  if (!body) {
    web_header(reply, "Retry-After", "1");
    server_refuse(request, reply, 503, "53000", "unexpected_failure",
                  "too many large requests at a time", "try again");
  }
  return body;
}

/* Reads up to `most` bytes; fewer is the end of the body, or of the client. -1: it went wrong. Each piece gives time for the next:
** who sends nothing is cut off by watch.c soon, however much was announced. */
static long long server_read(struct web_request *request, char *body, long long most) {
  long long count = 0;
  while (count < most) {
    long long piece = most - count < WATCH_BYTES_PER_S ? most - count : WATCH_BYTES_PER_S;
    int part = mg_read(request->connection, body + count, (size_t)piece);
    if (part < 0) return -1;
    if (part == 0) break;
    count += part;
    watch_extend(request->worker, part);
  }
  return count;
}

static bool server_body_short(struct web_request *request, struct web_reply *reply) {
  reply->closes = true;
  if (watch_was_cut(request->worker))
    return server_refuse(request, reply, 408, "57014", "request_timeout",
                         "the body did not come in time", NULL);
  return server_refuse(request, reply, 400, "08P01", "validation_failed",
                       "the body ended early, or its chunks cannot be read", NULL);
}

static bool server_too_large(struct web_request *request, struct web_reply *reply) {
  char message[64];
  reply->closes = true;
  request->lingers = true;
  snprintf(message, sizeof message, "the body is larger than %lld bytes",
           request->server->options->body_max);
  return server_refuse(request, reply, 413, "54000", "validation_failed", message,
                       "ledger serve --body-max=BYTES");
}

/* Reads a body of `length` bytes, or of chunks where that is -1, into room that grows as it comes: what is only announced takes no
** memory. */
static bool server_read_body(struct web_request *request, struct web_reply *reply,
                             long long length) {
  long long most = length >= 0 ? length : request->server->options->body_max + 1;
  long long room = SERVER_BODY_SMALL, count = 0;
  char *body = NULL;
  for (;;) {
    if (room > most) room = most;
    char *larger = server_body_room(request, reply, room);
    if (!larger) return false;
    if (count > 0) memcpy(larger, body, (size_t)count);
    body = larger;
    long long part = server_read(request, body + count, room - count);
    if (part < 0) return server_body_short(request, reply);
    count += part;
    if (count < room || count == most) break;
    room *= 2;
  }
  if (watch_was_cut(request->worker) || (length >= 0 && count < length))
    return server_body_short(request, reply);
  if (count > request->server->options->body_max) return server_too_large(request, reply);
  body[count] = '\0';
  request->body = body;
  request->body_length = (size_t)count;
  return true;
}

/* Takes the body in, all of it, or says what is wrong with it. */
static bool server_body(struct web_request *request, struct web_reply *reply) {
  long long length = 0;
  const char *problem = request_framing(request, &length);
  const char *expects = web_request_header(request, "Expect", 0);
  if (problem) {
    reply->closes = true;
    return server_refuse(request, reply, 400, "08P01", "validation_failed", problem, NULL);
  }
  if (expects && !request_list_has(expects, "100-continue")) {
    reply->closes = true;
    return server_refuse(request, reply, 417, "08P01", "validation_failed",
                         "an expectation other than 100-continue", NULL);
  }
  if (length == 0) return true;
  if (length > request->server->options->body_max) return server_too_large(request, reply);
  if (expects && mg_write(request->connection, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25)
    return server_body_short(request, reply);
  watch_enter(request->worker, WORKER_READS, request->server->options->request_ms);
  bool is_read = server_read_body(request, reply, length);
  watch_enter(request->worker, WORKER_WORKS, 0);
  if (!is_read) reply->closes = request->lingers = true;
  return is_read;
}

/* Everything between the head and the reply. */
static void server_answer(struct web_request *request, struct web_reply *reply) {
  if (!server_head_fits(request, reply)) return;
  if (atomic_load(&request->server->is_stopping)) {
    reply->closes = true;
    web_header(reply, "Retry-After", "1");
    server_refuse(request, reply, 503, "57P01", "unexpected_failure", "the server is stopping",
                  NULL);
    return;
  }
  bool is_known = server_find_route(request, reply);
  /* What follows a request that is refused may still be read from the connection. */
  if (!server_body(request, reply) || !is_known) return;
  if (server_method(request, reply) && identity_enter(request, reply))
    request->route->handle(request, reply);
  pool_release(request);
}

static void server_finish(struct web_request *request, struct web_reply *reply, int64_t begun_ns) {
  struct web_server *server = request->server;
  long long length = (long long)(reply->borrowed ? reply->borrowed_length : reply->body.length);
  if (web_request_header(request, "Origin", 0) || server->options->cors) cors_add(request, reply);
  /* With every thread taken others wait: whoever has been answered gets back in line. */
  bool is_crowded = atomic_load(&server->connections) >= server->options->threads;
  if (is_crowded || atomic_load(&server->is_stopping)) reply->closes = true;
  watch_enter(request->worker, WORKER_SENDS, watch_time(server, length));
  size_t sent = reply_send(request, reply);
  if (request->lingers) watch_linger(server, request->worker);
  int64_t took_ns = server_clock_ns() - begun_ns;
  metrics_note(request->label, request->method_name, reply->status, took_ns, request->body_length,
               sent);
  if (!server->options->is_quiet) log_request(request, reply, took_ns, sent);
  watch_enter(request->worker, WORKER_WAITS, 0);
}

/*
** The ends of a new connection. civetweb knows them, but does not give its request_info away before the first request has begun to
** come; where in the connection it lies was seen with the first request of all.
*/
static void server_ends(const struct web_server *server, const struct mg_connection *connection,
                        struct web_worker *worker) {
  ptrdiff_t offset = atomic_load(&server->info_offset);
  if (offset == 0) return;
  const struct mg_request_info *info =
      (const void *)((const char *)(const void *)connection + offset);
  worker->port = info->remote_port;
  worker->server_port = info->server_port;
  snprintf(worker->address, sizeof worker->address, "%s", info->remote_addr);
}

static void server_learn(struct web_server *server, const struct mg_connection *connection) {
  const struct mg_request_info *info = mg_get_request_info(connection);
  if (info && atomic_load(&server->info_offset) == 0)
    atomic_store(&server->info_offset,
                 (const char *)(const void *)info - (const char *)(const void *)connection);
}

/* http://host:port/path?query, or *: civetweb has left the target as it came. */
static void server_absolute(struct web_request *request) {
  const char *authority = strstr(request->info->request_uri, "://");
  const char *path = authority ? strchr(authority + 3, '/') : NULL;
  const char *query = path ? strchr(path, '?') : NULL;
  request->raw_path = "";
  if (path)
    request->raw_path = web_keep_text(request, path, query ? (size_t)(query - path) : strlen(path));
  if (!request->raw_path) request->raw_path = "";
  if (query) request->query = query + 1;
}

/* A request in work, with its scratch; `refuse` where civetweb could not read it, or else NULL. */
static int server_work(struct mg_connection *connection,
                       void (*refuse)(struct web_request *request, struct web_reply *reply,
                                      void *context),
                       void *context) {
  struct web_server *server = mg_get_user_context_data(connection);
  const struct mg_request_info *info = mg_get_request_info(connection);
  struct web_worker *worker = mg_get_thread_pointer(connection);
  int64_t begun_ns = server_clock_ns();
  struct web_scratch *scratch = scratch_take(server);
  if (!scratch) {
    mg_disable_connection_keep_alive(connection);
    return 503;
  }
  struct web_request request = {.server = server,
                                .worker = worker,
                                .scratch = scratch,
                                .connection = connection,
                                .info = info,
                                .method_name = "other",
                                .path = "",
                                .below = "",
                                .body = "",
                                .label = "none",
                                .waited_ms = worker->since_ms,
                                .answer = &scratch->answer};
  struct web_reply reply = {.headers = scratch->headers,
                            .body = scratch->body,
                            .closes = !refuse && !info->local_uri_raw};
  request.raw_path = !refuse && info->local_uri_raw ? info->local_uri_raw : "";
  request.query = !refuse && info->query_string ? info->query_string : "";
  if (!refuse && !info->local_uri_raw) server_absolute(&request);
  identity_anon(&request);
  atomic_fetch_add(&server->in_work, 1);
  server_learn(server, connection);
  if (worker->port == 0) {
    pthread_mutex_lock(&worker->mutex);
    server_ends(server, connection, worker);
    pthread_mutex_unlock(&worker->mutex);
  }
  watch_enter(worker, WORKER_WORKS, 0);
  worker->handled++;
  if (info->request_method) request.method = (enum web_method)request_method(info->request_method);
  for (int i = 0; i < REQUEST_METHODS; i++)
    if (request_methods[i].method == request.method) request.method_name = request_methods[i].name;
  server_id(&request);
  if (!server_address(&request))
    server_refuse(&request, &reply, 403, "42501", "not_admin", "over TLS alone", NULL);
  else if (refuse)
    refuse(&request, &reply, context);
  else
    server_answer(&request, &reply);
  server_finish(&request, &reply, begun_ns);
  server_count_body(&request, 0);
  scratch->headers = reply.headers;
  scratch->body = reply.body;
  scratch_give(server, scratch);
  atomic_fetch_sub(&server->in_work, 1);
  return reply.status;
}

static int server_on_request(struct mg_connection *connection) {
  return server_work(connection, NULL, NULL);
}

/* ---- requests that civetweb could not read: it says 400 whatever the reason, and we find out */

static void server_unreadable(struct web_request *request, struct web_reply *reply, void *context) {
  int status = *(int *)context;
  char message[64];
  const struct web_options *options = request->server->options;
  const struct mg_request_info *info = request->info;
  struct web_worker *worker = request->worker;
  int64_t limit_ms = worker->handled > 1 ? options->idle_ms : options->request_ms;
  long long received, sent;
  watch_moved(request->server, worker, &received, &sent);
  bool is_late = watch_was_cut(worker) || server_clock_ms() - request->waited_ms >= limit_ms;
  reply->closes = true;
  if (status == 505) {
    server_refuse(request, reply, 505, "08P01", "validation_failed", "HTTP is 1.0 or 1.1 here",
                  NULL);
  } else if (status == 411) {
    server_refuse(request, reply, 400, "08P01", "validation_failed",
                  "a Content-Length that is no number", NULL);
  } else if (info->request_method && info->http_version && !request->method) {
    snprintf(message, sizeof message, "Unsupported HTTP method: %.32s", info->request_method);
    server_refuse(request, reply, 405, "PGRST117", "method_not_allowed", message, NULL);
  } else if (!info->request_method && is_late) {
    server_refuse(request, reply, 408, "57014", "request_timeout",
                  "the request did not come in time", NULL);
  } else if (!info->request_method && worker->handled <= 1 && received >= SERVER_HEAD_MAX) {
    request->lingers = true;
    server_refuse(request, reply, 431, "54000", "validation_failed",
                  "the request's head is longer than 160 KiB", NULL);
  } else {
    server_refuse(request, reply, 400, "08P01", "validation_failed",
                  "the request's line or headers cannot be read", NULL);
  }
}

static int server_on_error(struct mg_connection *connection, int status, const char *message) {
  struct web_worker *worker = mg_get_thread_pointer(connection);
  (void)message;
  worker->is_refused = true;
  server_work(connection, server_unreadable, &status);
  return 0;
}

/* ---- what civetweb tells us */

static void *server_on_thread(const struct mg_context *context, int type) {
  struct web_server *server = mg_get_user_data(context);
  pthread_attr_t attributes;
  void *stack = NULL;
  size_t bytes;
  if (type != 1) return NULL;
  struct web_worker *worker = &server->workers[atomic_fetch_add(&server->workers_begun, 1)];
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    if (pthread_attr_getstack(&attributes, &stack, &bytes) == 0) worker->stack = stack;
    pthread_attr_destroy(&attributes);
  }
  return worker;
}

static int server_on_connection(const struct mg_connection *connection, void **data) {
  struct web_server *server = mg_get_user_context_data(connection);
  struct web_worker *worker = mg_get_thread_pointer(connection);
  *data = NULL;
  pthread_mutex_lock(&worker->mutex);
  worker->is_cut = worker->is_refused = false;
  worker->handled = 0;
  worker->port = 0;
  worker->address[0] = '\0';
  server_ends(server, connection, worker);
  pthread_mutex_unlock(&worker->mutex);
  watch_enter(worker, WORKER_WAITS, 0);
  atomic_fetch_add(&server->connections, 1);
  return 0;
}

/* A request whose target is no path of our own, such as http://host/path, civetweb lets go without a word, and ends the connection. It
** is answered here, while the connection is still open. */
static void server_on_close(const struct mg_connection *connection) {
  struct web_server *server = mg_get_user_context_data(connection);
  const struct mg_request_info *info = mg_get_request_info(connection);
  struct web_worker *worker = mg_get_thread_pointer(connection);
  server_learn(server, connection);
  if (info && info->request_method && info->http_version && !info->local_uri_raw &&
      !worker->is_refused)
    server_work((struct mg_connection *)(uintptr_t)connection, NULL, NULL);
  watch_enter(mg_get_thread_pointer(connection), WORKER_FREE, 0);
  watch_stack(mg_get_thread_pointer(connection));
  atomic_fetch_sub(&server->connections, 1);
}

static int server_on_message(const struct mg_connection *connection, const char *message) {
  struct web_server *server = mg_get_user_context_data(connection);
  if (server && !server->context && !server->problem[0])
    snprintf(server->problem, sizeof server->problem, "%s", message);
  return 1;
}
