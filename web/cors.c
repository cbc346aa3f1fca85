/*
** cors: which pages of other origins may use the server (the Fetch standard), as PostgREST and Supabase answer it.
*/
#include "server.h"

#include <strings.h>

#define CORS_METHODS "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
#define CORS_EXPOSED                                                                               \
  "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, ETag, "                  \
  "Idempotency-Replayed, Link, Location, "                                                         \
  "Preference-Applied, Proxy-Status, RateLimit, RateLimit-Policy, Range-Unit, Retry-After, "       \
  "Server, Transfer-Encoding, X-Request-Id, X-Supabase-Api-Version, X-Total-Count"

/* Is the origin one of the comma-separated list, or is that "*"? */
static bool cors_allows(const char *list, const char *origin) {
  size_t length = strlen(origin);
  if (!list || strcmp(list, "*") == 0) return true;
  while (*list) {
    list += strspn(list, " ,");
    size_t end = strcspn(list, " ,");
    if (end == length && strncasecmp(list, origin, length) == 0) return true;
    list += end;
  }
  return false;
}

/* Adds what a page of another origin needs to read the reply. */
static void cors_add(struct web_request *request, struct web_reply *reply) {
  const char *list = request->server->options->cors;
  const char *origin = web_request_header(request, "Origin", 0);
  bool is_any = !list || strcmp(list, "*") == 0;
  if (!is_any) web_header(reply, "Vary", "Origin");
  if (!origin || !cors_allows(list, origin)) return;
  web_header(reply, "Access-Control-Allow-Origin", "%s", is_any ? "*" : origin);
  web_header(reply, "Access-Control-Expose-Headers", "%s", CORS_EXPOSED);
}

static bool cors_is_preflight(const struct web_request *request) {
  return request->method == WEB_OPTIONS && web_request_header(request, "Origin", 0) &&
         web_request_header(request, "Access-Control-Request-Method", 0);
}

/* Answers a preflight: whoever asks, and whatever for; the request itself is looked at when it comes. */
static void cors_preflight(struct web_request *request, struct web_reply *reply) {
  const char *wanted = web_request_header(request, "Access-Control-Request-Headers", 0);
  if (!cors_allows(request->server->options->cors, web_request_header(request, "Origin", 0)))
    return;
  web_header(reply, "Access-Control-Allow-Methods", "%s", CORS_METHODS);
  web_header(reply, "Access-Control-Allow-Headers", "Authorization%s%s",
             wanted && *wanted ? ", " : "", wanted ? wanted : "");
  web_header(reply, "Access-Control-Max-Age", "86400");
}
