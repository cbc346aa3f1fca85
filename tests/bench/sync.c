/*
** sync: what passes between a program and the server.
**   sync relay COMMAND...   runs the command with PGHOST and PGPORT at a relay to the server that they name, and prints on standard
**                           error's last line "connections up down turns": bytes each way, and how often the server was waited for
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RELAY_MAX = 16 };

struct relay {
  int client, server;
  bool is_asked; /* the last bytes went to the server */
};

static int relay_port(int listener) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &length);
  return ntohs(address.sin_port);
}

static int relay_listen(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener, RELAY_MAX) != 0)
    return -1;
  return listener;
}

static int relay_connect(void) {
  struct addrinfo *list = NULL;
  int found = -1;
  if (getaddrinfo(getenv("PGHOST"), getenv("PGPORT"),
                  &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &list) != 0)
    return -1;
  for (struct addrinfo *at = list; at != NULL && found < 0; at = at->ai_next) {
    found = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (found >= 0 && connect(found, at->ai_addr, at->ai_addrlen) != 0) close(found), found = -1;
  }
  freeaddrinfo(list);
  return found;
}

/* Passes on what is there; how much, 0 at the end. */
static long relay_pass(int from, int to) {
  char bytes[65536];
  ssize_t length = read(from, bytes, sizeof bytes);
  for (ssize_t at = 0; at < length;) {
    ssize_t written = write(to, bytes + at, (size_t)(length - at));
    if (written <= 0) return 0;
    at += written;
  }
  return length > 0 ? (long)length : 0;
}

static int relay_run(int listener, pid_t child) {
  struct relay relays[RELAY_MAX];
  int count = 0, status = 0;
  long connections = 0, up = 0, down = 0, turns = 0;
  while (waitpid(child, &status, WNOHANG) == 0 || count > 0) {
    struct pollfd polls[1 + 2 * RELAY_MAX] = {
        {.fd = count < RELAY_MAX ? listener : -1, .events = POLLIN}};
    for (int i = 0; i < count; i++) {
      polls[1 + 2 * i] = (struct pollfd){.fd = relays[i].client, .events = POLLIN};
      polls[2 + 2 * i] = (struct pollfd){.fd = relays[i].server, .events = POLLIN};
    }
    int now = count;
    if (poll(polls, (nfds_t)(1 + 2 * now), 20) <= 0) continue;
    for (int i = now - 1; i >= 0; i--) {
      struct relay *relay = &relays[i];
      bool ends = false;
      if (polls[1 + 2 * i].revents) {
        long passed = relay_pass(relay->client, relay->server);
        up += passed, ends = passed == 0;
        if (passed > 0) relay->is_asked = true;
      }
      if (!ends && polls[2 + 2 * i].revents) {
        long passed = relay_pass(relay->server, relay->client);
        down += passed, ends = passed == 0;
        turns += relay->is_asked, relay->is_asked = false;
      }
      if (!ends) continue;
      close(relay->client), close(relay->server);
      *relay = relays[--count];
    }
    if (polls[0].revents & POLLIN) {
      int client = accept(listener, NULL, NULL), server = relay_connect();
      if (client < 0 || server < 0) return 2;
      relays[count++] = (struct relay){client, server, false};
      connections++;
    }
  }
  fprintf(stderr, "%ld %ld %ld %ld\n", connections, up, down, turns);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **words) {
  if (count < 3 || strcmp(words[1], "relay") != 0) {
    fputs("sync: see the head of sync.c\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  int listener = relay_listen();
  if (listener < 0) return perror("sync relay"), 2;
  pid_t child = fork();
  if (child == 0) {
    char port[16];
    snprintf(port, sizeof port, "%d", relay_port(listener));
    setenv("PGHOST", "127.0.0.1", 1);
    setenv("PGPORT", port, 1);
    execvp(words[2], words + 2);
    _exit(127);
  }
  return relay_run(listener, child);
}
