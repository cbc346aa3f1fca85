/*
** tls: HTTPS: a thread that takes TLS off connections and passes what is in them to civetweb, which listens on a port of the
** loopback of its own, and back. (civetweb 1.15, as Debian has it, ends its process at the first handshake with OpenSSL 3.)
**
** The thread waits for all connections at once; one that has sent nothing since its handshake costs no thread of civetweb's. OpenSSL is
** loaded when --tls is given: linked, it would cost every command two milliseconds.
*/
#include "server.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Every function of it that is called. */
#define TLS_FUNCTIONS(X)                                                                           \
  X(ERR_clear_error)                                                                               \
  X(SSL_CTX_check_private_key)                                                                     \
  X(SSL_CTX_ctrl)                                                                                  \
  X(SSL_CTX_free)                                                                                  \
  X(SSL_CTX_new)                                                                                   \
  X(SSL_CTX_use_PrivateKey_file)                                                                   \
  X(SSL_CTX_use_certificate_chain_file)                                                            \
  X(SSL_accept)                                                                                    \
  X(SSL_free)                                                                                      \
  X(SSL_get_error)                                                                                 \
  X(SSL_new)                                                                                       \
  X(SSL_read)                                                                                      \
  X(SSL_set_fd)                                                                                    \
  X(SSL_shutdown)                                                                                  \
  X(SSL_write)                                                                                     \
  X(TLS_server_method)

static struct {
#define X(name) __typeof__(name) *name##_;
  TLS_FUNCTIONS(X)
#undef X
} tls_library;

enum {
  TLS_LINKS_MAX = 1024,   /* connections at a time; others wait to be accepted */
  TLS_BUFFER = 16 * 1024, /* of one direction; also the largest record of TLS */
  TLS_EVENTS = 64,
  TLS_LINGER_MS = 1000,
  TLS_END_MS = 2000 /* when stopping, what is still to be sent may take so long */
};

/* Bytes on their way in one direction. */
struct tls_buffer {
  char *bytes; /* NULL while there are none */
  size_t from, to;
  bool is_ended; /* nothing comes behind them */
};

/* What epoll waits for; an event points to it. */
struct tls_side {
  struct tls_link *link; /* NULL: of a listener */
  int fd;                /* -1: none (any more) */
  uint32_t events;
};

struct tls_link {
  struct tls_link *next;
  SSL *ssl;
  struct tls_side client, inner; /* inner is there when the client has sent something */
  bool has_shaken, wants_write /* OpenSSL, before it goes on */, is_broken, is_shut;
  bool lingers;     /* all is said; the client may still be sending, see watch_linger() */
  int64_t until_ms; /* of the handshake, or of lingering */
  in_addr_t address;
  int port; /* own, of `inner` */
  struct tls_buffer in, out;
};

struct tls_state {
  SSL_CTX *context;
  int poll;
  struct tls_side listeners[WEB_LISTEN_MAX], waker;
  int listener_count;
  int inner_port; /* civetweb's */
  struct tls_link *links, *ended;
  int link_count;
  bool accepts, is_running;
  atomic_bool stops;
  pthread_t thread;
  _Atomic in_addr_t *addresses; /* of clients, by the port that civetweb sees */
};

static struct tls_state tls;

/* ---- loading */

/* NULL, or why there is no TLS. */
static const char *tls_load(void) {
  void *handle = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!handle) return "OpenSSL 3 is not there (Debian: libssl3)";
#define X(name)                                                                                    \
  *(void **)&tls_library.name##_ = dlsym(handle, #name);                                           \
  if (!tls_library.name##_) return "OpenSSL has no " #name;
  TLS_FUNCTIONS(X)
#undef X
  return NULL;
}

/* NULL, or what is wrong with the certificate or its key. */
static const char *tls_certificate(const char *path) {
  const char *problem = access(path, R_OK) == 0 ? tls_load() : strerror(errno);
  if (problem) return problem;
  tls.context = tls_library.SSL_CTX_new_(tls_library.TLS_server_method_());
  if (!tls.context) return "out of memory";
  tls_library.SSL_CTX_ctrl_(tls.context, SSL_CTRL_SET_MIN_PROTO_VERSION, TLS1_2_VERSION, NULL);
  tls_library.SSL_CTX_ctrl_(tls.context, SSL_CTRL_MODE,
                            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS,
                            NULL);
  if (tls_library.SSL_CTX_use_certificate_chain_file_(tls.context, path) != 1)
    return "holds no certificate in PEM form";
  if (tls_library.SSL_CTX_use_PrivateKey_file_(tls.context, path, SSL_FILETYPE_PEM) != 1)
    return "holds no private key in PEM form beside the certificate";
  return tls_library.SSL_CTX_check_private_key_(tls.context) == 1
             ? NULL
             : "holds a private key that is not the certificate's";
}

/* ---- links */

static bool tls_watch(struct tls_side *side, uint32_t events, int how) {
  struct epoll_event event = {.events = events, .data.ptr = side};
  side->events = events;
  return epoll_ctl(tls.poll, how, side->fd, &event) == 0;
}

static void tls_close(struct tls_side *side) {
  if (side->fd >= 0) close(side->fd);
  side->fd = -1;
}

/* The port is another link's as soon as it is closed. */
static void tls_close_inner(struct tls_link *link) {
  if (link->inner.fd >= 0) atomic_store(&tls.addresses[link->port], 0);
  tls_close(&link->inner);
}

static void tls_end(struct tls_link *link) {
  struct tls_link **at = &tls.links;
  while (*at != link) at = &(*at)->next;
  *at = link->next;
  tls.link_count--;
  tls_library.SSL_free_(link->ssl);
  tls_close(&link->client);
  tls_close_inner(link);
  free(link->in.bytes);
  free(link->out.bytes);
  /* An event of this round may still name it. */
  link->next = tls.ended;
  tls.ended = link;
}

static void tls_forget(void) {
  while (tls.ended) {
    struct tls_link *link = tls.ended;
    tls.ended = link->next;
    free(link);
  }
}

static void tls_begin(int client, const struct sockaddr_in *peer, int64_t until_ms) {
  struct tls_link *link = calloc(1, sizeof *link);
  int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (link) {
    *link = (struct tls_link){.client = {link, client, 0},
                              .inner = {link, -1, 0},
                              .until_ms = until_ms,
                              .address = peer->sin_addr.s_addr};
    link->ssl = tls_library.SSL_new_(tls.context);
  }
  if (!link || !link->ssl || tls_library.SSL_set_fd_(link->ssl, client) != 1 ||
      !tls_watch(&link->client, EPOLLIN, EPOLL_CTL_ADD)) {
    if (link && link->ssl) tls_library.SSL_free_(link->ssl);
    free(link);
    close(client);
    return;
  }
  link->next = tls.links;
  tls.links = link;
  tls.link_count++;
}

/* A connection to civetweb, which can look up whose it is by its port. */
static bool tls_connect(struct tls_link *link) {
  struct sockaddr_in name = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)tls.inner_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  link->inner.fd = fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&name, length) != 0 && errno != EINPROGRESS) return false;
  if (getsockname(fd, (struct sockaddr *)&name, &length) != 0) return false;
  link->port = ntohs(name.sin_port);
  atomic_store(&tls.addresses[link->port], link->address);
  return tls_watch(&link->inner, 0, EPOLL_CTL_ADD);
}

static bool tls_has_room(struct tls_buffer *buffer) {
  if (buffer->from < buffer->to || buffer->is_ended) return false;
  if (!buffer->bytes) buffer->bytes = malloc(TLS_BUFFER);
  return buffer->bytes != NULL;
}

static void tls_release(struct tls_buffer *buffer) {
  if (buffer->from < buffer->to) return;
  free(buffer->bytes);
  *buffer = (struct tls_buffer){.is_ended = buffer->is_ended};
}

/* What OpenSSL said: true if it did something. */
static bool tls_result(struct tls_link *link, int result) {
  if (result > 0) return true;
  switch (tls_library.SSL_get_error_(link->ssl, result)) {
  case SSL_ERROR_WANT_READ: break;
  case SSL_ERROR_WANT_WRITE: link->wants_write = true; break;
  case SSL_ERROR_ZERO_RETURN: link->in.is_ended = true; break;
  default: link->is_broken = true; break;
  }
  return false;
}

static bool tls_may_retry(ssize_t result) {
  return result < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN);
}

/* From the client to civetweb. True if something moved. */
static bool tls_move_in(struct tls_link *link) {
  struct tls_buffer *buffer = &link->in;
  bool has_moved = false;
  if (tls_has_room(buffer)) {
    int count = tls_library.SSL_read_(link->ssl, buffer->bytes, TLS_BUFFER);
    has_moved = tls_result(link, count);
    buffer->from = 0;
    buffer->to = has_moved ? (size_t)count : 0;
  }
  if (buffer->from < buffer->to && link->inner.fd < 0 && (link->port || !tls_connect(link)))
    link->is_broken = true;
  if (buffer->from < buffer->to && !link->is_broken) {
    ssize_t count =
        send(link->inner.fd, buffer->bytes + buffer->from, buffer->to - buffer->from, MSG_NOSIGNAL);
    if (count > 0) {
      buffer->from += (size_t)count;
      has_moved = true;
    } else if (!tls_may_retry(count)) {
      buffer->from = buffer->to; /* it takes no more; what it has said may still be there */
      buffer->is_ended = true;
    }
  }
  tls_release(buffer);
  return has_moved;
}

/* From civetweb to the client. */
static bool tls_move_out(struct tls_link *link) {
  struct tls_buffer *buffer = &link->out;
  bool has_moved = false;
  if (link->inner.fd >= 0 && tls_has_room(buffer)) {
    ssize_t count = recv(link->inner.fd, buffer->bytes, TLS_BUFFER, 0);
    has_moved = count > 0;
    buffer->from = 0;
    buffer->to = has_moved ? (size_t)count : 0;
    if (!has_moved && !tls_may_retry(count)) {
      buffer->is_ended = link->in.is_ended = true;
      link->in.from = link->in.to;
      tls_close_inner(link);
    }
  }
  if (buffer->from < buffer->to) {
    int count = tls_library.SSL_write_(link->ssl, buffer->bytes + buffer->from,
                                       (int)(buffer->to - buffer->from));
    if (tls_result(link, count)) {
      buffer->from += (size_t)count;
      has_moved = true;
    }
  }
  tls_release(buffer);
  return has_moved;
}

/* Waits for what would let the link go on. */
static void tls_wait(struct tls_link *link) {
  uint32_t client = 0, inner = 0;
  if (link->wants_write || link->out.from < link->out.to) client |= EPOLLOUT;
  if (!link->has_shaken || (link->in.from == link->in.to && !link->in.is_ended)) client |= EPOLLIN;
  if (link->in.from < link->in.to) inner |= EPOLLOUT;
  if (link->out.from == link->out.to && !link->out.is_ended) inner |= EPOLLIN;
  if (client != link->client.events) tls_watch(&link->client, client, EPOLL_CTL_MOD);
  if (link->inner.fd >= 0 && inner != link->inner.events)
    tls_watch(&link->inner, inner, EPOLL_CTL_MOD);
}

/* The client is told that nothing more comes, and what it still sends is thrown away: a socket closed with bytes unread would be
** reset, and the reply lost. */
static void tls_linger(struct tls_link *link) {
  char bytes[4096];
  if (!link->lingers) {
    link->lingers = true;
    link->until_ms = server_clock_ms() + TLS_LINGER_MS;
    tls_library.SSL_shutdown_(link->ssl);
    shutdown(link->client.fd, SHUT_WR);
    tls_watch(&link->client, EPOLLIN, EPOLL_CTL_MOD);
  }
  ssize_t count;
  do count = recv(link->client.fd, bytes, sizeof bytes, 0);
  while (count > 0);
  if (!tls_may_retry(count)) tls_end(link);
}

/* Moves what can be moved; ends a link that has nothing to come. */
static void tls_go_on(struct tls_link *link) {
  if (link->lingers) {
    tls_linger(link);
    return;
  }
  link->wants_write = false;
  tls_library
      .ERR_clear_error_(); /* of another link: SSL_get_error() would take it for this one's */
  if (!link->has_shaken) link->has_shaken = tls_result(link, tls_library.SSL_accept_(link->ssl));
  while (link->has_shaken && !link->is_broken) {
    bool has_moved = tls_move_in(link);
    if (!link->is_broken && tls_move_out(link)) has_moved = true;
    if (!has_moved) break;
  }
  if (link->in.is_ended && link->in.from == link->in.to && !link->is_shut) {
    link->is_shut = true;
    if (!link->port) link->is_broken = true; /* it came, and asked nothing */
    if (link->inner.fd >= 0) shutdown(link->inner.fd, SHUT_WR);
  }
  bool is_done = link->out.is_ended && link->out.from == link->out.to;
  if (link->is_broken)
    tls_end(link);
  else if (is_done)
    tls_linger(link);
  else
    tls_wait(link);
}

/* ---- the thread */

static void tls_accept(int listener, int64_t handshake_ms) {
  struct sockaddr_in peer;
  while (tls.link_count < TLS_LINKS_MAX) {
    socklen_t length = sizeof peer;
    int client = accept4(listener, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    tls_begin(client, &peer, server_clock_ms() + handshake_ms);
  }
}

/* Listens while there is room for more, and not when stopping. */
static void tls_listen(void) {
  bool accepts = tls.link_count < TLS_LINKS_MAX && !atomic_load(&tls.stops);
  if (accepts == tls.accepts) return;
  tls.accepts = accepts;
  for (int i = 0; i < tls.listener_count; i++)
    tls_watch(&tls.listeners[i], accepts ? EPOLLIN : 0, EPOLL_CTL_MOD);
}

/* A client has begun a handshake and does not go on with it, or does not end. */
static void tls_sweep(int64_t now_ms) {
  for (struct tls_link *link = tls.links, *next; link; link = next) {
    next = link->next;
    if ((!link->has_shaken || link->lingers) && now_ms > link->until_ms) tls_end(link);
  }
}

static void *tls_run(void *context) {
  const struct web_server *server = context;
  struct epoll_event events[TLS_EVENTS];
  int64_t sweep_ms = 0, end_ms = 0;
  for (;;) {
    int count = epoll_wait(tls.poll, events, TLS_EVENTS, 500);
    for (int i = 0; i < count; i++) {
      struct tls_side *side = events[i].data.ptr;
      struct tls_link *link = side->link;
      if (!link && side != &tls.waker) tls_accept(side->fd, server->options->request_ms);
      if (!link || link->client.fd < 0) continue;
      if (side == &link->client && (events[i].events & (EPOLLERR | EPOLLHUP)))
        tls_end(link); /* nobody is there any more */
      else
        tls_go_on(link);
    }
    tls_forget();
    int64_t now_ms = server_clock_ms();
    if (now_ms >= sweep_ms) {
      tls_sweep(now_ms);
      sweep_ms = now_ms + 1000;
    }
    tls_listen();
    if (!atomic_load(&tls.stops)) continue;
    if (end_ms == 0) end_ms = now_ms + TLS_END_MS;
    bool has_more = false;
    for (struct tls_link *link = tls.links; link; link = link->next)
      has_more = has_more || link->inner.fd >= 0 || link->out.from < link->out.to;
    if (!has_more || now_ms > end_ms) return NULL;
  }
}

/* Whose connection civetweb sees on that port; false: nobody's of ours. */
static bool tls_client(int port, char address[48]) {
  struct in_addr found = {.s_addr = atomic_load(&tls.addresses[port])};
  return found.s_addr != 0 && inet_ntop(AF_INET, &found, address, 48) != NULL;
}

/* Listens on the addresses for civetweb, which listens on `inner_port`. NULL, or what went wrong. */
static const char *tls_start(struct web_server *server, const struct listen_address *addresses,
                             int count, int inner_port) {
  tls.inner_port = inner_port;
  tls.accepts = true;
  tls.addresses = calloc(65536, sizeof *tls.addresses);
  tls.poll = epoll_create1(EPOLL_CLOEXEC);
  tls.waker = (struct tls_side){NULL, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), 0};
  if (!tls.addresses || tls.poll < 0 || tls.waker.fd < 0 ||
      !tls_watch(&tls.waker, EPOLLIN | EPOLLET, EPOLL_CTL_ADD))
    return strerror(errno);
  for (int i = 0; i < count; i++) {
    tls.listeners[i] = (struct tls_side){NULL, listen_open(&addresses[i], 1024), 0};
    tls.listener_count++;
    if (tls.listeners[i].fd < 0 || !tls_watch(&tls.listeners[i], EPOLLIN, EPOLL_CTL_ADD))
      return strerror(errno);
  }
  tls.is_running = pthread_create(&tls.thread, NULL, tls_run, server) == 0;
  return tls.is_running ? NULL : "no thread could be made";
}

/* Behind civetweb's own end: what it has said is still sent. */
static void tls_stop(void) {
  if (tls.is_running) {
    atomic_store(&tls.stops, true);
    eventfd_write(tls.waker.fd, 1);
    pthread_join(tls.thread, NULL);
  }
  while (tls.links) tls_end(tls.links);
  tls_forget();
  for (int i = 0; i < tls.listener_count; i++) tls_close(&tls.listeners[i]);
  if (tls.addresses) {
    tls_close(&tls.waker);
    close(tls.poll);
  }
  if (tls.context) tls_library.SSL_CTX_free_(tls.context);
  free((void *)tls.addresses);
}
