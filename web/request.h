/*
** What the parts of web.c share: a request that was read and bounded, the reply that a handler fills in, the table of routes.
** All parts are one unit (web.c includes them in order); their functions are static, and begin with the noun of their file or,
** those that all parts may call, which are here, with web_.
**
** The way of a request: civetweb reads its head; server.c looks at the limits, finds the route, reads the body, finds out who asks
** (identity.c), counts against the rate limits, calls the route's handler, sends the reply, and writes the log and the metrics. A
** handler does no input and output of its own, and keeps nothing behind the reply.
*/
#ifndef LEDGER_WEB_REQUEST_H
#define LEDGER_WEB_REQUEST_H

#include "web.h"

#include <cjson/cJSON.h>
#include <civetweb.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text.c: text that grows. Zero it; when memory is short it is `failed` and takes nothing more. */

struct web_text {
  char *bytes; /* ends with a NUL, or is NULL while there is none */
  size_t length, room;
  bool failed;
};

static void web_text_add(struct web_text *text, const char *bytes, size_t length);
static void web_text_put(struct web_text *text, const char *string);
static void web_text_format(struct web_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* In quotes, as a JSON string; NULL is null. What is not UTF-8 becomes U+FFFD. */
static void web_text_json(struct web_text *text, const char *string);
static void web_text_free(struct web_text *text);

/* ---- the request */

enum web_method {
  WEB_GET = 1,
  WEB_HEAD = 2,
  WEB_POST = 4,
  WEB_PATCH = 8,
  WEB_PUT = 16,
  WEB_DELETE = 32,
  WEB_OPTIONS = 64 /* handlers never see it */
};

/* Who asks, as the apikey, the bearer token or the API key says. Texts are never NULL. */
struct web_identity {
  const char *role;   /* anon where nothing was given */
  const char *claims; /* a JSON object */
  const char *user_id, *session_id;
  const char *key_id, *permissions; /* of an API key */
  int rate_limit;                   /* requests a minute, 0: none */
  const char *token;                /* the bearer token as it was given, where it is a user's; never logged */
  const char *apikey;               /* likewise the apikey header */
};

struct web_server;
struct web_route;
struct web_worker;
struct web_scratch;

struct web_request {
  struct web_server *server;
  struct web_worker *worker;
  struct web_scratch *scratch;
  struct mg_connection *connection; /* of server.c alone */
  const struct mg_request_info *info;
  const struct web_route *route;
  enum web_method method;
  const char *method_name; /* static text; "other" for what is none of ours */
  const char *path;  /* decoded, UTF-8, begins with '/' */
  const char *below; /* what stands behind the route's path, without a slash at its head: "users"; "" if nothing */
  const char *query; /* as it came, without the '?'; "" if there is none */
  const char *body;  /* all of it, with a NUL behind */
  size_t body_length;
  const char *label; /* route template for the metrics and the log: the route's unless the handler sets a better one; static text */
  char id[64];       /* X-Request-Id, taken or made */
  char address[48];  /* of the client */
  const char *user_agent;
  struct web_identity identity;
  ledger_error identity_error; /* code 0, or why who asks could not be found out; see WEB_LENIENT */
  ledger_caller caller;        /* made of the identity, for ledger_query and ledger_call_request */
  ledger_actor actor;
  ledger *reader;        /* of web_reader() */
  const char *raw_path;  /* as it came */
  int64_t waited_ms;     /* since when the connection had waited for it */
  bool lingers;          /* the client may still be sending when the reply is out */
  ledger_answer *answer; /* to be used with web_ask(); its text lives until the reply is sent */
};

/* The value of the request's header, the n-th of that name from 0; NULL if there is none. Case does not matter in names. */
static const char *web_request_header(const struct web_request *request, const char *name, int nth);
/* Is `token` an element of the comma-separated header (whatever stands behind a ';' in it)? */
static bool web_request_has(const struct web_request *request, const char *name, const char *token);
static const char *web_request_scheme(const struct web_request *request); /* "http" or "https" */
/* A parameter of the query string, decoded ('+' is a space), the first of that name; NULL if there is none. web_keep() has it. */
static const char *web_request_parameter(struct web_request *request, const char *name);
/* %xx, and '+' where plus_is_space, decoded in the request's memory; NULL for a bad escape, a NUL, not UTF-8, or no memory. */
static char *web_request_decode(struct web_request *request, const char *text, size_t length, bool plus_is_space);

/* Memory that lives until the reply is sent; NULL when there is none. */
static void *web_keep(struct web_request *request, size_t size);
static char *web_keep_text(struct web_request *request, const char *text, size_t length);

/* ---- the reply. Zero is 200 without a body. */

struct web_reply {
  int status;               /* 0 is 200 */
  const char *content_type; /* NULL: application/json; charset=utf-8, where there is a body */
  struct web_text headers;  /* of web_header() */
  struct web_text body;     /* built here; or */
  const char *borrowed;     /* lives until the reply is sent: the text of request->answer, of web_keep(), static */
  size_t borrowed_length;
  char error_code[12];      /* for the log */
  bool closes;              /* end the connection behind it */
};

/* Adds a header; control characters in the value are left out. */
static void web_header(struct web_reply *reply, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Why the server (not the handler) refuses: the words for both dialects. */
struct web_problem {
  int status;
  const char *code;   /* on /rest, e.g. "PGRST117" or a SQLSTATE */
  const char *word;   /* on /auth, e.g. "over_request_rate_limit" */
  const char *message, *details, *hint; /* details and hint may be NULL */
  const ledger_error *error;            /* the library's, where it is one; or NULL */
};

/* Fills in the reply in the words of the request's route: {code,message,details,hint} unless the route has its own. Drops what
** the body was. */
static void web_refuse(struct web_request *request, struct web_reply *reply, const struct web_problem *problem);
/* The same for an error of the library, with the status that PostgREST has for its SQLSTATE. */
static void web_refuse_error(struct web_request *request, struct web_reply *reply, const ledger_error *error);

/* Counts a sign-in, sign-up or the like against the address of the client: true, or else the reply says 429. */
static bool web_sign_in_allowed(struct web_request *request, struct web_reply *reply);

/* ---- routes: the table is in web.c */

enum {
  WEB_OPEN = 1,    /* nobody is asked who he is: /live, /ready */
  WEB_LENIENT = 2, /* a bad token or key is left to the handler: identity_error is set, the role is the apikey's or anon */
  WEB_PLAIN_OPTIONS = 4 /* the handler sees OPTIONS that is no preflight */
};

struct web_route {
  const char *path;  /* "/live": that alone; "/rest/v1/": that and what is below it. The longest that fits is taken */
  const char *label; /* "/rest/v1/{table}" */
  unsigned methods;  /* of enum web_method; HEAD and OPTIONS are allowed where GET and anything are */
  int flags;
  void (*handle)(struct web_request *request, struct web_reply *reply);
  void (*refuse)(struct web_request *request, struct web_reply *reply, const struct web_problem *problem); /* NULL: the default */
};

/* ---- pool.c: handles of the file */

/* A handle for reading, this request's until its reply is made; the same one each time. NULL: the reply says why (503). */
static ledger *web_reader(struct web_request *request, struct web_reply *reply);

/* ledger_ask() and ledger_call(), with request->answer: reads on the reader, writes by the group. Returns answer->error.code. */
static int web_ask(struct web_request *request, struct web_reply *reply, const ledger_query *query);
static int web_call(struct web_request *request, struct web_reply *reply, const ledger_call_request *call);

/*
** Runs `work` with a handle that may write and that nobody else has meanwhile (users, sessions, keys). Texts that the library gave
** are to be copied within (web_keep_text()). Few run at a time: hashing a password takes memory. Returns what `work` does, or
** LEDGER_BUSY when no handle could be had, with the reply saying so.
*/
static int web_write(struct web_request *request, struct web_reply *reply,
                          int (*work)(struct web_request *request, ledger *db, void *context), void *context);

#endif
