/*
** web: the HTTP server of `ledger serve`. The parts stand in one unit; this file is their order and the table of routes. They know
** the library by ledger.h alone.
*/
#include "server.h"

#include "text.c"
#include "request.c"
#include "reply.c"
#include "cors.c"
#include "limits.c"
#include "pool.c"
#include "metrics.c"
#include "log.c"
#include "identity.c"
#include "health.c"
#include "watch.c"
#include "listen.c"
#include "tls.c"
#include "rest_error.c"
#include "rest_prefer.c"
#include "rest.c"
#include "rpc.c"
#include "api.c"
#include "openapi.c"
#include "openapi_swagger.c"
#include "auth_error.c"
#include "auth_user.c"
#include "auth_link.c"
#include "auth_admin.c"
#include "auth.c"

#define WEB_REST (WEB_GET | WEB_POST | WEB_PATCH | WEB_PUT | WEB_DELETE)
#define WEB_API (WEB_GET | WEB_POST | WEB_PATCH | WEB_DELETE)

static const struct web_route web_routes[] = {
    {"/live", "/live", WEB_GET, WEB_OPEN, health_live, NULL},
    {"/livez", "/live", WEB_GET, WEB_OPEN, health_live, NULL},
    {"/ready", "/ready", WEB_GET, WEB_OPEN, health_ready, NULL},
    {"/readyz", "/ready", WEB_GET, WEB_OPEN, health_ready, NULL},
    {"/healthz", "/ready", WEB_GET, WEB_OPEN, health_ready, NULL},
    {"/metrics", "/metrics", WEB_GET, 0, health_metrics, NULL},
    {"/auth/v1/", "/auth/v1/{path}", WEB_GET | WEB_POST | WEB_PUT | WEB_PATCH | WEB_DELETE,
     WEB_LENIENT, auth_handle, auth_refuse},
    {"/rest/v1", "/rest/v1/", WEB_REST, WEB_PLAIN_OPTIONS, rest_handle, rest_problem},
    {"/rest/v1/", "/rest/v1/{table}", WEB_REST, WEB_PLAIN_OPTIONS, rest_handle, rest_problem},
    {"/rest/v1/rpc/", "/rest/v1/rpc/{function}", WEB_REST, WEB_PLAIN_OPTIONS, rpc_handle,
     rest_problem},
    {"/openapi.json", "/openapi.json", WEB_GET, 0, openapi_handle, rest_problem},
    {"/api/", "/api/{resource}", WEB_API, 0, api_handle, rest_problem},
    {NULL, NULL, 0, 0, NULL, NULL}};

#include "server.c"
#include "serve.c"
