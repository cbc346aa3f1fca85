/*
** listen: where the server listens: reads --listen, chooses a free port where none is named, and words it for civetweb.
*/
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LISTEN_PORT_FIRST = 20000, LISTEN_PORT_LAST = 32767, LISTEN_TRIES = 64 };

struct listen_address {
  char host[16]; /* dotted */
  int port;      /* 0: to be chosen */
};

/* "127.0.0.1:8787", "localhost:0", "8787" or ":8787". NULL, or what is wrong with it. */
static const char *listen_parse(const char *text, struct listen_address *out) {
  const char *colon = strrchr(text, ':');
  const char *port = colon ? colon + 1 : text;
  size_t length = colon ? (size_t)(colon - text) : 0;
  struct in_addr address;
  out->port = 0;
  if (text[0] == '[' || (colon && memchr(text, ':', length)))
    return "IPv6 is not in this build of civetweb: listen on an IPv4 address";
  if (strlen(port) == 0 || strlen(port) > 5 || strspn(port, "0123456789") != strlen(port))
    return "it is ADDRESS:PORT, such as 127.0.0.1:8787; port 0 is a free one";
  for (; *port; port++) out->port = out->port * 10 + (*port - '0');
  if (out->port > 65535) return "a port is 65535 at most";
  if (length == 0) {
    snprintf(out->host, sizeof out->host, "127.0.0.1");
  } else if (length == 9 && memcmp(text, "localhost", 9) == 0) {
    snprintf(out->host, sizeof out->host, "127.0.0.1");
  } else {
    if (length >= sizeof out->host) return "the address is four numbers, such as 127.0.0.1";
    memcpy(out->host, text, length);
    out->host[length] = '\0';
    if (inet_pton(AF_INET, out->host, &address) != 1)
      return "the address is four numbers, such as 127.0.0.1 or, for every network, 0.0.0.0";
  }
  return NULL;
}

static bool listen_is_loopback(const struct listen_address *address) {
  return strncmp(address->host, "127.", 4) == 0;
}

/* A socket that listens there; -1 with errno. */
static int listen_open(const struct listen_address *address, int backlog) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address->port)};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  inet_pton(AF_INET, address->host, &name.sin_addr);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, backlog) == 0) return fd;
  int problem = errno;
  close(fd);
  errno = problem;
  return -1;
}

/* 0, or why nobody can listen there. */
static int listen_try(const struct listen_address *address) {
  int fd = listen_open(address, 1);
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

/* A free port where none was named. 0, or why there is none. */
static int listen_choose(struct listen_address *address) {
  int problem = EADDRINUSE;
  if (address->port != 0) return listen_try(address);
  for (int tries = 0; tries < LISTEN_TRIES && problem == EADDRINUSE; tries++) {
    unsigned random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) return errno;
    address->port = LISTEN_PORT_FIRST + (int)(random % (LISTEN_PORT_LAST - LISTEN_PORT_FIRST + 1));
    problem = listen_try(address);
  }
  return problem;
}
