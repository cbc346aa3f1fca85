/*
** constant.c: the floor of bench/http.sh: civetweb answering the same bytes to every request, with as many threads as ledger serve
** has. It runs until it is stopped.
**
**   constant FILE PORT    FILE: the body
*/
#include <civetweb.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char body[1 << 20];
static size_t body_length;
static char head[256];
static int head_length;

static int answer(struct mg_connection *connection, void *unused) {
  (void)unused;
  mg_write(connection, head, (size_t)head_length);
  mg_write(connection, body, body_length);
  return 200;
}

int main(int count, char **words) {
  char address[64];
  if (count != 3) return 2;
  snprintf(address, sizeof address, "127.0.0.1:%s", words[2]);
  const char *options[] = {"listening_ports",       address,  "num_threads",    "96",
                           "enable_keep_alive",     "yes",         "tcp_nodelay",    "1",
                           "keep_alive_timeout_ms", "30000",       NULL};
  struct mg_callbacks callbacks;
  FILE *file = fopen(words[1], "rb");
  if (file == NULL) return 2;
  body_length = fread(body, 1, sizeof body, file);
  fclose(file);
  head_length = snprintf(head, sizeof head,
                         "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
                         "Content-Length: %zu\r\nConnection: keep-alive\r\n\r\n",
                         body_length);
  memset(&callbacks, 0, sizeof callbacks);
  mg_init_library(0);
  struct mg_context *context = mg_start(&callbacks, NULL, options);
  if (context == NULL) return 2;
  mg_set_request_handler(context, "/", answer, NULL);
  sigset_t signals;
  int got;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  sigwait(&signals, &got);
  mg_stop(context);
  return 0;
}
