/*
** api: the four resources of the Advancia system below /api, over the same tables, privileges and policies as /rest/v1:
**   GET    /api/notifications        the caller's rows, newest first; the parameters of /rest/v1 narrow them
**   GET    /api/notifications/ID     one row; 404 where the caller sees none
**   POST   /api/notifications        makes one: id and user_id are the request's unless the body says them
**   PATCH  /api/notifications/ID     changes it
**   DELETE /api/notifications/ID     deletes it
*/

enum { API_BODY_MAX = 1024 * 1024 }; /* nothing is filled into a longer one */

struct api_resource {
  const char *name, *table, *label;
};

static const struct api_resource api_resources[] = {
    {"notifications", "notifications", "/api/notifications"},
    {"ai-commands", "ai_command_logs", "/api/ai-commands"},
    {"crypto-withdrawals", "crypto_withdrawals", "/api/crypto-withdrawals"},
    {"vector-memory", "vector_memory", "/api/vector-memory"},
};

static const struct api_resource *api_find(const char *path, size_t length) {
  for (size_t i = 0; i < sizeof api_resources / sizeof *api_resources; i++)
    if (rest_is(path, length, api_resources[i].name)) return &api_resources[i];
  return NULL;
}

/* A random uuid (version 4). */
static bool api_uuid(char out[37]) {
  unsigned char bytes[16];
  int at = 0;
  if (getentropy(bytes, sizeof bytes) != 0) return false;
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  for (int i = 0; i < 16; i++)
    at +=
        snprintf(out + at, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
  return true;
}

/* Is the id one that the application supplies: a uuid without a default? false also where the reply says why that is not known. */
static bool api_supplies_id(struct web_request *request, struct web_reply *reply,
                            const struct api_resource *resource) {
  bool supplies = false;
  const cJSON *column;
  cJSON *description = rest_describe(request, reply, NULL);
  const cJSON *relation = rest_relation(description, resource->table);
  cJSON_ArrayForEach(column, cJSON_GetObjectItemCaseSensitive(relation, "columns")) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(column, "name"));
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(column, "type"));
    if (name != NULL && type != NULL && strcmp(name, "id") == 0)
      supplies = strcmp(type, "uuid") == 0 &&
                 cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(column, "default"));
  }
  cJSON_Delete(description);
  return supplies;
}

/* The body with the members that it lacks and the request knows, put behind its brace: what stands in it is not written anew. NULL:
** it is no object, which the library has the words for. */
static const char *api_body(struct web_request *request, struct web_reply *reply,
                            const struct api_resource *resource, size_t *length) {
  const char *brace = strchr(request->body, '{');
  const char *user_id = request->identity.user_id;
  char uuid[37];
  cJSON *object = request->body_length > API_BODY_MAX ? NULL : cJSON_Parse(request->body);
  struct web_text text = {0};
  char *kept = NULL;
  if (brace != NULL && cJSON_IsObject(object)) {
    web_text_put(&text, "{");
    if (cJSON_GetObjectItemCaseSensitive(object, "id") == NULL &&
        api_supplies_id(request, reply, resource) && api_uuid(uuid)) {
      web_text_put(&text, "\"id\":");
      web_text_json(&text, uuid);
    }
    if (cJSON_GetObjectItemCaseSensitive(object, "user_id") == NULL && user_id[0] != 0) {
      web_text_put(&text, text.length > 1 ? ",\"user_id\":" : "\"user_id\":");
      web_text_json(&text, user_id);
    }
    if (text.length > 1 && object->child != NULL) web_text_put(&text, ",");
    web_text_add(&text, brace + 1, request->body_length - (size_t)(brace + 1 - request->body));
    if (!text.failed) kept = web_keep_text(request, text.bytes, text.length);
    *length = text.length;
  }
  cJSON_Delete(object);
  web_text_free(&text);
  return kept;
}

/* The query string: that of the request, with id=eq.ID for one row, or an order where none is given. */
static const char *api_query(struct web_request *request, const char *id) {
  struct web_text text = {0};
  web_text_put(&text, request->query);
  if (id != NULL) {
    web_text_put(&text, text.length > 0 ? "&id=eq." : "id=eq.");
    rest_encode(&text, id);
  } else if (request->method == WEB_GET && web_request_parameter(request, "order") == NULL) {
    web_text_put(&text, text.length > 0 ? "&order=created_at.desc" : "order=created_at.desc");
  }
  char *kept = text.failed ? NULL : web_keep_text(request, text.bytes, text.length);
  web_text_free(&text);
  return kept;
}

static void api_reply(struct web_request *request, struct web_reply *reply,
                      const ledger_query *query) {
  const ledger_answer *answer = request->answer;
  if (strcmp(answer->code, "PGRST116") == 0) {
    rest_error_put(request, reply, 404, "PGRST116", "There is no such row", NULL,
                   answer->error.detail, NULL);
    return;
  }
  if (answer->error.code != LEDGER_OK) {
    rest_refuse_answer(request, reply, answer);
    return;
  }
  if (query->form == LEDGER_FORM_ARRAY && query->verb == LEDGER_VERB_READ)
    rest_content_range(reply, answer->offset, answer->rows, answer->total);
  reply->status = query->verb == LEDGER_VERB_INSERT   ? 201
                  : query->verb == LEDGER_VERB_DELETE ? 204
                                                      : 200;
  if (query->verb == LEDGER_VERB_DELETE) return;
  reply->borrowed = answer->text;
  reply->borrowed_length = answer->length;
}

static bool api_methods(struct web_request *request, struct web_reply *reply, const char *id) {
  unsigned allowed =
      id == NULL ? WEB_GET | WEB_HEAD | WEB_POST : WEB_GET | WEB_HEAD | WEB_PATCH | WEB_DELETE;
  if ((request->method & allowed) != 0) return true;
  web_header(reply, "Allow", "%s",
             id == NULL ? "OPTIONS,GET,HEAD,POST" : "OPTIONS,GET,HEAD,PATCH,DELETE");
  rest_error_put(request, reply, 405, "PGRST117",
                 id == NULL ? "The id of the row is missing in the path"
                            : "Rows are made at the resource itself",
                 NULL, NULL, NULL);
  return false;
}

static void api_handle(struct web_request *request, struct web_reply *reply) {
  const char *slash = strchr(request->below, '/');
  size_t length = slash == NULL ? strlen(request->below) : (size_t)(slash - request->below);
  const struct api_resource *resource = api_find(request->below, length);
  const char *id = slash == NULL || slash[1] == 0 ? NULL : slash + 1;
  if (resource == NULL || (id != NULL && strchr(id, '/') != NULL)) {
    rest_refuse(request, reply, "PGRST125", "Invalid path specified in request URL", NULL, NULL);
    return;
  }
  request->label = resource->label;
  if (!api_methods(request, reply, id)) return;
  ledger_query query = {.caller = &request->caller,
                        .verb = rest_verb(request->method),
                        .table = resource->table,
                        .text = api_query(request, id),
                        .body = request->body,
                        .body_length = request->body_length,
                        .form = id != NULL || request->method == WEB_POST ? LEDGER_FORM_OBJECT
                                                                          : LEDGER_FORM_ARRAY,
                        .returns = LEDGER_RETURN_ROWS,
                        .rows_max = 1000};
  if (query.text == NULL) {
    rest_refuse(request, reply, "53200", "out of memory", NULL, NULL);
    return;
  }
  if (request->method == WEB_POST) {
    const char *body = api_body(request, reply, resource, &query.body_length);
    if (reply->status != 0) return;
    if (body != NULL)
      query.body = body;
    else
      query.body_length = request->body_length;
  }
  web_ask(request, reply, &query);
  if (reply->status == 0) api_reply(request, reply, &query);
}
