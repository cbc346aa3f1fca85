/*
** health: is the server alive, and can it answer? PostgREST's paths and those of Kubernetes.
*/
#include "server.h"

static void health_say(struct web_reply *reply, int status, const char *word) {
  reply->status = status;
  reply->content_type = "application/health+json";
  web_text_format(&reply->body, "{\"status\":\"%s\"}", word);
  web_header(reply, "Cache-Control", "no-store");
}

static void health_live(struct web_request *request, struct web_reply *reply) {
  (void)request;
  health_say(reply, 200, "pass");
}

/* Ready: the file can be read. Where every handle is at work it can, and nobody has to wait to hear that. */
static void health_ready(struct web_request *request, struct web_reply *reply) {
  unsigned char key[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  ledger_error error;
  struct web_pool *readers = &request->server->readers;
  if (pool_is_busy(readers)) {
    health_say(reply, 200, "pass");
    return;
  }
  ledger *db =
      pool_take(request->server, readers, "", &error); /* whatever its address has in work */
  int rc =
      db ? ledger_get_main_key(db, key) : error.code; /* the least that the file can be asked */
  if (db && rc != LEDGER_OK) error = *ledger_error_of(db);
  if (db) pool_give(readers, db);
  if (rc == LEDGER_OK || rc == LEDGER_UNKNOWN_REFERENCE)
    health_say(reply, 200, "pass");
  else
    web_refuse_error(request, reply, &error);
}

/* Numbers of requests are the operator's: from this machine, or with the key of the service. */
static void health_metrics(struct web_request *request, struct web_reply *reply) {
  if (strncmp(request->address, "127.", 4) == 0 ||
      strcmp(request->identity.role, "service_role") == 0) {
    metrics_handle(request, reply);
    return;
  }
  web_refuse(request, reply,
             &(struct web_problem){.status = 403,
                                   .code = "42501",
                                   .word = "not_admin",
                                   .message = "metrics are for this machine and for service_role"});
}
