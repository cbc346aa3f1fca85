/*
** web: `ledger serve`, the HTTP server. One public function, for the command line; it knows the library by ledger.h alone.
*/
#ifndef LEDGER_WEB_H
#define LEDGER_WEB_H

#include "../ledger.h"

#define WEB_LISTEN_MAX 16

typedef struct web_options {
  const char *path;                   /* of the ledger file */
  ledger *made;                       /* its handle where it was made just now, which web_serve() takes; or NULL */
  const char *listen[WEB_LISTEN_MAX]; /* "127.0.0.1:8787"; port 0: a free one is chosen; ends with NULL */
  const char *tls;                    /* PEM file of certificate and key; NULL: plain HTTP */
  const char *cors;                   /* origins, separated by commas, or "*"; NULL is "*" */
  const unsigned char *encryption_key; /* LEDGER_ENCRYPTION_KEY_BYTES, or NULL */
  int key_is_optional;                /* the file may be without encryption */
  const ledger_auth_settings *auth;   /* or NULL */
  int opens_tables;                   /* tables without row-level security are open to every role */
  int threads;                        /* connections served at a time */
  long long body_max;                 /* bytes of a request's body */
  int statement_ms;                   /* time limit of a statement; 0: by the role of who asks */
  int request_ms;                     /* until a request must have arrived whole */
  int idle_ms;                        /* how long a connection waits for its next request */
  int anon_requests;                  /* of one address within a minute, without a user or key; 0: no limit */
  int sign_ins;                       /* from one address within five minutes; 0: no limit */
  int behind_proxy;                   /* the client's address is the last of X-Forwarded-For */
  int is_quiet;                       /* no log */
  int shows_keys;                     /* print the service_role key, too */
} web_options;

/*
** Serves until SIGTERM or SIGINT, then finishes what is in work. Prints on standard output where it listens and the key for
** clients, logs on standard error. Returns 0, or what `ledger` exits with: 1 it is not safe to serve, 2 it cannot.
*/
int web_serve(const web_options *options);

#endif
