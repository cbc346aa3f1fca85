/*
** serve: starts and stops the server: options, listening, threads, what is printed, signals.
*/
#include "server.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/*
** Debian's civetweb gives its threads 100 KB of stack, whatever the program wants, which the deepest statement does not fit into. It
** asks for them by this function, which it finds in the program before it finds the C library's. What is not touched costs nothing.
*/
int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t bytes);
int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t bytes) {
  static int (*set)(pthread_attr_t *, size_t);
  if (!set) *(void **)&set = dlsym(RTLD_NEXT, "pthread_attr_setstacksize");
  return set(attributes, bytes < SERVER_STACK_BYTES ? SERVER_STACK_BYTES : bytes);
}

/* Files and sockets that may be open at once. */
static int serve_files_most(const web_options *options) {
  return options->threads + SERVER_QUEUE + 128 + (options->tls ? 2 * TLS_LINKS_MAX : 0);
}

/* civetweb's words for where to listen. */
static void serve_ports(const struct listen_address *addresses, int count, struct web_text *out) {
  for (int i = 0; i < count; i++)
    web_text_format(out, "%s%s:%d", i ? "," : "", addresses[i].host, addresses[i].port);
}

static bool serve_start(struct web_server *server, const char *ports) {
  char threads[16], request_ms[16], idle_ms[16], queue[16], head[16], text[256] = "";
  unsigned code = 0;
  snprintf(threads, sizeof threads, "%d", server->options->threads);
  snprintf(request_ms, sizeof request_ms, "%d", server->options->request_ms);
  snprintf(idle_ms, sizeof idle_ms, "%d", server->options->idle_ms);
  snprintf(queue, sizeof queue, "%d", SERVER_QUEUE);
  snprintf(head, sizeof head, "%d", SERVER_HEAD_MAX);
  const char *options[] = {"listening_ports",
                           ports,
                           "num_threads",
                           threads,
                           "request_timeout_ms",
                           request_ms,
                           "keep_alive_timeout_ms",
                           idle_ms,
                           "connection_queue",
                           queue,
                           "listen_backlog",
                           "1024",
                           "max_request_size",
                           head,
                           "enable_keep_alive",
                           "yes",
                           "tcp_nodelay",
                           "1",
                           "decode_url",
                           "no",
                           "enable_auth_domain_check",
                           "no",
                           NULL,
                           NULL,
                           NULL};
  static const struct mg_callbacks callbacks = {.begin_request = server_on_request,
                                                .http_error = server_on_error,
                                                .log_message = server_on_message,
                                                .init_thread = server_on_thread,
                                                .init_connection = server_on_connection,
                                                .connection_close = server_on_close};
  struct mg_init_data init = {&callbacks, server, options};
  struct mg_error_data error = {&code, text, sizeof text};
  atomic_store(&server->workers_begun, 0);
  server->problem[0] = '\0';
  server->context = mg_start2(&init, &error);
  if (!server->context && !server->problem[0])
    snprintf(server->problem, sizeof server->problem, "%s", text);
  return server->context != NULL;
}

/* Chooses ports where none are named, and starts; another one may take such a port first. */
static int serve_listen(struct web_server *server, struct listen_address *addresses, int count) {
  bool may_choose = false;
  for (int i = 0; i < count; i++) may_choose = may_choose || addresses[i].port == 0;
  for (int tries = 0; tries < (may_choose ? LISTEN_TRIES : 1); tries++) {
    struct listen_address chosen[WEB_LISTEN_MAX];
    struct web_text ports = {0};
    for (int i = 0; i < count; i++) {
      chosen[i] = addresses[i];
      int problem = listen_choose(&chosen[i]);
      if (problem == 0) continue;
      fprintf(stderr, "ledger serve: %s:%d: %s\n", chosen[i].host, chosen[i].port,
              strerror(problem));
      return 2;
    }
    serve_ports(chosen, count, &ports);
    bool is_started = !ports.failed && serve_start(server, ports.bytes);
    web_text_free(&ports);
    if (!is_started) continue;
    memcpy(addresses, chosen, (size_t)count * sizeof *chosen);
    return 0;
  }
  fprintf(stderr, "ledger serve: cannot listen: %s\n", server->problem);
  return 2;
}

/* With TLS civetweb listens on a port of its own. */
static int serve_listen_tls(struct web_server *server, struct listen_address *addresses,
                            int count) {
  struct listen_address inner = {.host = "127.0.0.1"};
  const char *problem = tls_certificate(server->options->tls);
  if (problem) {
    fprintf(stderr, "ledger serve: %s: %s\n", server->options->tls, problem);
    return 2;
  }
  int status = serve_listen(server, &inner, 1);
  for (int i = 0; i < count && status == 0 && !problem; i++) {
    int found = listen_choose(&addresses[i]);
    if (found != 0) problem = strerror(found);
  }
  if (status == 0 && !problem) problem = tls_start(server, addresses, count, inner.port);
  if (problem) {
    fprintf(stderr, "ledger serve: cannot listen: %s\n", problem);
    mg_stop(server->context);
    status = 2;
  }
  return status;
}

static void serve_print_key(ledger *db, const char *role) {
  char *token = NULL;
  if (ledger_token_sign(db, role, 0, &token) == LEDGER_OK) printf("%s key: %s\n", role, token);
  ledger_free(token);
}

/* Where it listens, at once; then the keys, for which the file must be opened for writing. */
static void serve_print(struct web_server *server, const struct listen_address *addresses,
                        int count) {
  const char *scheme = server->options->tls ? "https" : "http";
  bool shows_all = server->options->shows_keys || isatty(STDOUT_FILENO);
  ledger_error error;
  for (int i = 0; i < count; i++)
    printf("listening on %s://%s:%d\n", scheme, addresses[i].host, addresses[i].port);
  fflush(stdout);
  ledger *db = pool_take(server, &server->users, "", &error);
  if (!db) {
    log_say("error", error.message);
    return;
  }
  serve_print_key(db, "anon");
  if (shows_all) {
    serve_print_key(db, "service_role");
    printf("curl -H 'apikey: KEY' '%s://%s:%d/rest/v1/TABLE?limit=1'\n", scheme, addresses[0].host,
           addresses[0].port);
  }
  fflush(stdout);
  pool_give(&server->users, db);
}

/* Serving others than this machine: not with a secret that everybody knows. */
static int serve_is_safe(struct web_server *server, const struct listen_address *addresses,
                         int count) {
  const char *what = NULL;
  ledger_error error;
  bool is_local = true;
  for (int i = 0; i < count; i++) is_local = is_local && listen_is_loopback(&addresses[i]);
  if (is_local) return 0;
  ledger *db = pool_take(server, &server->users, "", &error);
  if (db && ledger_published_secret(db, &what) != LEDGER_OK)
    error = *ledger_error_of(db);
  else if (db)
    error.code = LEDGER_OK;
  if (db) pool_give(&server->users, db);
  if (error.code != LEDGER_OK) {
    fprintf(stderr, "ledger serve: %s\n", error.message);
    return 2;
  }
  if (what) {
    fprintf(stderr,
            "ledger serve: not on a public address: %s is published in a document (change it, or "
            "listen on 127.0.0.1)\n",
            what);
    return 1;
  }
  if (!server->options->tls)
    fputs("ledger serve: warning: a public address without TLS: passwords and tokens can be read "
          "on the way\n",
          stderr);
  return 0;
}

/* Waits for a signal to stop, then for what is in work. A second signal ends at once. */
static void serve_wait(struct web_server *server, const sigset_t *signals) {
  while (sigwaitinfo(signals, NULL) < 0 && errno == EINTR) {
  }
  atomic_store(&server->is_stopping, true);
  int64_t until_ms = server_clock_ms() + SERVER_STOP_MS;
  struct timespec tick = {.tv_nsec = 5000000};
  while (atomic_load(&server->in_work) > 0 && server_clock_ms() < until_ms)
    if (sigtimedwait(signals, NULL, &tick) > 0) _exit(130);
}

static void serve_init(struct web_server *server, const web_options *options) {
  uint64_t random[2] = {0};
  server->options = options;
  server->files_most = serve_files_most(options);
  /* More readers than processors only wait for one another, and each keeps a cache: one client gets no more than that. */
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  int share = processors <= 2 ? 2 : SERVER_READERS_MAX - 1;
  pool_init(&server->readers, SERVER_READERS_MAX, share, LEDGER_READ_ONLY_FILE | LEDGER_SMALL);
  pool_init(&server->users, SERVER_USERS_MAX, SERVER_USERS_MAX - 1, LEDGER_SMALL);
  if (options->made) pool_adopt(server, &server->users, options->made);
  pthread_mutex_init(&server->writer_mutex, NULL);
  pthread_mutex_init(&server->scratch_mutex, NULL);
  if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
    random[0] = (uint64_t)server_clock_ns();
  limits.seed = random[1];
  snprintf(server->id_prefix, sizeof server->id_prefix, "%016" PRIx64, random[0]);
  for (int i = 0; i < options->threads; i++) {
    pthread_mutex_init(&server->workers[i].mutex, NULL);
  }
}

static void serve_close(struct web_server *server) {
  if (server->group) ledger_group_close(server->group);
  ledger_close(server->writer);
  pool_close(&server->readers);
  pool_close(&server->users);
  scratch_free_all(server);
  identity_free();
  free(limits.slots);
  limits.slots = NULL;
  pthread_mutex_destroy(&server->writer_mutex);
  pthread_mutex_destroy(&server->scratch_mutex);
  for (int i = 0; i < server->options->threads; i++)
    pthread_mutex_destroy(&server->workers[i].mutex);
  free(server->workers);
}

/* Room for every connection that may be there at once, as far as the system lets. */
static void serve_files(const web_options *options) {
  struct rlimit limit;
  rlim_t wanted = (rlim_t)serve_files_most(options);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/* Opens the file for reading, which shows that it can be served; one of an older format is brought up to date first. */
static int serve_open(struct web_server *server) {
  ledger_error error;
  ledger *db = pool_take(server, &server->readers, "", &error);
  if (!db && error.code == LEDGER_READ_ONLY) {
    db = pool_take(server, &server->users, "", &error);
    if (db) pool_give(&server->users, db);
    db = db ? pool_take(server, &server->readers, "", &error) : NULL;
  }
  if (db) {
    pool_give(&server->readers, db);
    return 0;
  }
  fprintf(stderr, "ledger serve: %s: %s [%s]\n", server->options->path, error.message,
          error.sqlstate);
  return 2;
}

static int serve_run(struct web_server *server, struct listen_address *addresses, int count) {
  sigset_t signals, before;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write */
  int status = serve_open(server);
  if (status == 0) status = serve_is_safe(server, addresses, count);
  pthread_sigmask(SIG_BLOCK, &signals, &before); /* for all threads: serve_wait() takes them */
  if (status == 0)
    status = server->options->tls ? serve_listen_tls(server, addresses, count)
                                  : serve_listen(server, addresses, count);
  if (status == 0) {
    serve_print(server, addresses, count);
    bool is_watched = watch_start(server);
    serve_wait(server, &signals);
    watch_wake(server);
    mg_stop(server->context);
    tls_stop();
    if (is_watched) watch_stop(server);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return status;
}

/* Reads --listen. How many addresses there are; -1: one of them is none, and was named. */
static int serve_addresses(const web_options *options, struct listen_address *addresses) {
  int count = 0;
  for (; count < WEB_LISTEN_MAX && options->listen[count]; count++) {
    const char *problem = listen_parse(options->listen[count], &addresses[count]);
    if (!problem) continue;
    fprintf(stderr, "ledger serve: %s: %s\n", options->listen[count], problem);
    return -1;
  }
  return count;
}

int web_serve(const web_options *options) {
  struct listen_address addresses[WEB_LISTEN_MAX];
  struct web_server server = {0};
  int count = serve_addresses(options, addresses);
  if (count >= 0) server.workers = calloc((size_t)options->threads, sizeof *server.workers);
  if (!server.workers) {
    ledger_close(options->made);
    return 2;
  }
  mallopt(M_ARENA_MAX, 2); /* else a hundred threads would each keep memory of their own */
  mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  mallopt(M_TRIM_THRESHOLD, 256 * 1024);
  serve_files(options);
  mg_init_library(MG_FEATURES_DEFAULT);
  serve_init(&server, options);
  int status = serve_run(&server, addresses, count);
  serve_close(&server);
  mg_exit_library();
  return status;
}
