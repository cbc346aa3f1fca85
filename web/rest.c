/*
** rest: /rest/v1/{table}: a request of PostgREST's dialect becomes a ledger_query, its answer a reply with PostgREST's statuses and
** headers. What stands in the query string is the library's to read.
*/

struct rest_call {
  struct web_request *request;
  struct web_reply *reply;
  struct rest_wish wish;
  struct rest_media media;
  const char *profile; /* the schema, where a header names it */
  ledger_query query;
};

/* ---- headers of a reply */

/* A number, or a star for one that is not known. */
static void rest_number(struct web_text *out, int64_t number) {
  if (number < 0)
    web_text_add(out, "*", 1);
  else
    text_number(out, (size_t)number);
}

/* "0-9/100", with a star for what there is none of or is not known. Written without a format: each read has it. */
static void rest_content_range(struct web_reply *reply, int64_t first, int64_t rows,
                               int64_t total) {
  struct web_text *out = &reply->headers;
  web_text_add(out, "Content-Range: ", 15);
  rest_number(out, rows <= 0 ? -1 : first);
  if (rows > 0) {
    web_text_add(out, "-", 1);
    rest_number(out, first + rows - 1);
  }
  web_text_add(out, "/", 1);
  rest_number(out, total);
  web_text_add(out, "\r\n", 2);
}

struct rest_parameter {
  const char *name, *value; /* decoded */
};

/* As PostgREST writes them: letters, digits and -_.~ stay. */
static void rest_encode(struct web_text *out, const char *text) {
  while (*text != 0) {
    size_t plain =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~");
    web_text_add(out, text, plain);
    text += plain;
    if (*text == 0) break;
    static const char digits[] = "0123456789ABCDEF";
    unsigned char c = (unsigned char)*text++;
    web_text_add(out, (const char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
  }
}

/* The parameters of a query string in their order, at most `most`; -1: one cannot be decoded. */
static int rest_parameters(struct web_request *request, const char *text,
                           struct rest_parameter *out, int most) {
  int count = 0;
  for (const char *at = text; *at != 0 && count < most;) {
    size_t length = strcspn(at, "&"), name_length = strcspn(at, "=&");
    size_t skip = name_length < length ? 1 : 0;
    if (length > 0) {
      out[count].name = web_request_decode(request, at, name_length, true);
      out[count].value =
          web_request_decode(request, at + name_length + skip, length - name_length - skip, true);
      if (out[count].name == NULL || out[count].value == NULL) return -1;
      count++;
    }
    at += length + (at[length] == '&');
  }
  return count;
}

#define REST_PARAMETERS_MAX 128
#define REST_LOCATION_MAX 2048 /* of a query string; clients have limits for all headers together */

/* "/users?id=eq.1&select=%2A": the parameters in the order of their names; of a very long query string nothing. */
static void rest_content_location(struct rest_call *call) {
  if (strlen(call->request->query) > REST_LOCATION_MAX) return;
  struct rest_parameter *list =
      web_keep(call->request, REST_PARAMETERS_MAX * sizeof(struct rest_parameter));
  int count = list == NULL
                  ? -1
                  : rest_parameters(call->request, call->request->query, list, REST_PARAMETERS_MAX);
  struct web_text *out = &call->reply->headers;
  if (count < 0 || count == REST_PARAMETERS_MAX) return;
  for (int i = 1; i < count; i++) { /* few, and equal names keep their order */
    struct rest_parameter parameter = list[i];
    int k = i;
    for (; k > 0 && strcmp(list[k - 1].name, parameter.name) > 0; k--) list[k] = list[k - 1];
    list[k] = parameter;
  }
  web_text_add(out, "Content-Location: /", 19);
  rest_encode(out, call->query.table);
  for (int i = 0; i < count; i++) {
    web_text_add(out, i == 0 ? "?" : "&", 1);
    rest_encode(out, list[i].name);
    web_text_add(out, "=", 1);
    rest_encode(out, list[i].value);
  }
  web_text_add(out, "\r\n", 2);
}

/* The answer's text becomes the reply's body, unless there is none to be. */
static void rest_body(struct rest_call *call, int status) {
  const ledger_answer *answer = call->request->answer;
  rest_profile_say(call->reply, call->profile);
  call->reply->status = status;
  call->reply->content_type = call->media.content_type;
  call->reply->borrowed = answer->text == NULL ? "" : answer->text;
  call->reply->borrowed_length = answer->length;
}

/* The number of rows that were written, where it is asked for; -1: it is not. A guess of what was written is none. */
static int64_t rest_written(const struct rest_call *call) {
  bool counts =
      call->wish.count == LEDGER_COUNT_EXACT || call->wish.count == LEDGER_COUNT_ESTIMATED;
  return counts ? call->request->answer->rows : -1;
}

/* ---- replies of the verbs */

static void rest_reply_read(struct rest_call *call) {
  const ledger_answer *answer = call->request->answer;
  struct web_reply *reply = call->reply;
  int64_t offset = answer->offset, total = answer->total;
  rest_content_range(reply, offset, answer->rows, total);
  rest_content_location(call);
  rest_wish_say(reply, &call->wish, REST_COUNT);
  rest_body(call, total >= 0 && answer->rows < total ? 206 : 200);
}

static void rest_reply_insert(struct rest_call *call) {
  const ledger_answer *answer = call->request->answer;
  bool is_upsert = call->query.resolution != LEDGER_RESOLUTION_NONE;
  bool has_body = call->query.returns == LEDGER_RETURN_ROWS;
  bool none_new = call->query.resolution == LEDGER_RESOLUTION_MERGE && answer->inserted <= 0;
  if (answer->location != NULL)
    web_header(call->reply, "Location", "/%s?%s", call->query.table, answer->location);
  rest_content_range(call->reply, 0, 0, rest_written(call));
  rest_wish_say(call->reply, &call->wish,
                (is_upsert ? REST_RESOLUTION : 0) | REST_MISSING | REST_RETURN | REST_COUNT);
  if (has_body)
    rest_body(call, none_new ? 200 : 201);
  else
    call->reply->status = none_new ? 200 : 201;
}

static void rest_reply_change(struct rest_call *call) {
  const ledger_answer *answer = call->request->answer;
  bool is_update = call->query.verb == LEDGER_VERB_UPDATE;
  rest_content_range(call->reply, 0, is_update ? answer->rows : 0, rest_written(call));
  rest_wish_say(call->reply, &call->wish,
                (is_update ? REST_MISSING : 0) | REST_RETURN | REST_COUNT | REST_MAX_AFFECTED);
  if (call->query.returns == LEDGER_RETURN_ROWS)
    rest_body(call, 200);
  else
    call->reply->status = 204;
}

static void rest_reply_put(struct rest_call *call) {
  bool is_new = call->request->answer->inserted > 0;
  rest_wish_say(call->reply, &call->wish, REST_RETURN | REST_COUNT);
  if (call->query.returns == LEDGER_RETURN_ROWS)
    rest_body(call, is_new ? 201 : 200);
  else
    call->reply->status = 204;
}

/* ---- the request */

static void rest_run(struct rest_call *call) {
  struct web_request *request = call->request;
  struct web_reply *reply = call->reply;
  int rc = web_ask(request, reply, &call->query);
  if (reply->status != 0) return; /* no handle could be had */
  if (rc != LEDGER_OK) {
    rest_refuse_answer(request, reply, request->answer);
    if (reply->status == 416 && request->answer->total >= 0)
      rest_content_range(reply, 0, 0, request->answer->total);
    return;
  }
  switch (call->query.verb) {
  case LEDGER_VERB_READ: rest_reply_read(call); break;
  case LEDGER_VERB_INSERT: rest_reply_insert(call); break;
  case LEDGER_VERB_PUT: rest_reply_put(call); break;
  default: rest_reply_change(call); break;
  }
}

/* What the headers say; false: the reply says why not. */
static bool rest_read_headers(struct rest_call *call) {
  struct web_request *request = call->request;
  ledger_query *query = &call->query;
  if (!rest_wish_read(request, call->reply, &call->wish) ||
      !rest_profile_read(request, call->reply, &query->schema, &call->profile) ||
      !rest_media_read(request, call->reply, NULL, &call->media))
    return false;
  bool writes = query->verb != LEDGER_VERB_READ;
  if (writes && query->verb != LEDGER_VERB_DELETE) {
    if (!rest_body_read(request, call->reply, &query->body_form)) return false;
    query->body = request->body;
    query->body_length = request->body_length;
  }
  if (!writes && !rest_range_read(request, call->reply, query)) return false;
  query->form = call->media.form;
  query->strips_nulls = call->media.strips_nulls;
  query->resolution =
      query->verb == LEDGER_VERB_INSERT ? call->wish.resolution : LEDGER_RESOLUTION_NONE;
  query->missing_default = call->wish.missing_default;
  query->returns = call->wish.returns;
  query->count = call->wish.count;
  query->rollback = call->wish.rollback;
  query->has_max_affected = call->wish.has_max_affected;
  query->max_affected = call->wish.max_affected;
  return true;
}

static enum ledger_verb rest_verb(enum web_method method) {
  switch (method) {
  case WEB_POST: return LEDGER_VERB_INSERT;
  case WEB_PATCH: return LEDGER_VERB_UPDATE;
  case WEB_PUT: return LEDGER_VERB_PUT;
  case WEB_DELETE: return LEDGER_VERB_DELETE;
  default: return LEDGER_VERB_READ;
  }
}

/* ---- OPTIONS: what may be done with a table, whoever asks */

static const cJSON *rest_relation(const cJSON *description, const char *name) {
  const cJSON *relation;
  cJSON_ArrayForEach(relation, cJSON_GetObjectItemCaseSensitive(description, "relations")) {
    const char *schema = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(relation, "schema"));
    const char *found = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(relation, "name"));
    if (schema != NULL && found != NULL && strcmp(schema, "public") == 0 &&
        strcmp(found, name) == 0)
      return relation;
  }
  return NULL;
}

static void rest_options(struct web_request *request, struct web_reply *reply) {
  char message[160];
  cJSON *description = rest_describe(request, reply, NULL);
  if (description == NULL) return;
  const cJSON *relation = rest_relation(description, request->below);
  if (relation == NULL) {
    snprintf(message, sizeof message, "Could not find the table 'public.%.63s' in the schema cache",
             request->below);
    rest_refuse(request, reply, "PGRST205", message, NULL, NULL);
  } else {
    bool inserts = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(relation, "insert"));
    bool has_key =
        cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(relation, "primary_key")) > 0;
    web_header(reply, "Allow", "OPTIONS,GET,HEAD%s%s%s", inserts ? ",POST" : "",
               inserts && has_key ? ",PUT" : "", inserts ? ",PATCH,DELETE" : "");
    reply->status = 200;
  }
  cJSON_Delete(description);
}

static void openapi_root(struct web_request *request, struct web_reply *reply);

static void rest_handle(struct web_request *request, struct web_reply *reply) {
  struct rest_call call = {.request = request, .reply = reply};
  if (request->below[0] == 0) {
    request->label = "/rest/v1/";
    openapi_root(request, reply);
    return;
  }
  if (strchr(request->below, '/') != NULL) {
    rest_refuse(request, reply, "PGRST125", "Invalid path specified in request URL", NULL, NULL);
    return;
  }
  if (request->method == WEB_OPTIONS) {
    rest_options(request, reply);
    return;
  }
  call.query.caller = &request->caller;
  call.query.verb = rest_verb(request->method);
  call.query.table = request->below;
  call.query.text = request->query;
  if (rest_read_headers(&call)) rest_run(&call);
}
