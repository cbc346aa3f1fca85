/*
** rpc: /rest/v1/rpc/{function}: the book's operations, and what only reads, called by name with a JSON object (POST) or a query string
** (GET, HEAD). Idempotency-Key (draft-ietf-httpapi-idempotency-key-header) names a call: the same one again has the first result, with
** Idempotency-Replayed: true.
*/

/* The header's text: a string of RFC 8941 in quotes, or as it is. False: the reply says why. */
static bool rpc_key(struct web_request *request, struct web_reply *reply, const char **out) {
  const char *header = web_request_header(request, "Idempotency-Key", 0);
  *out = NULL;
  if (header == NULL) return true;
  size_t length = strlen(header), used = 0;
  char *key = web_keep(request, length + 1);
  bool is_good = key != NULL && length > 0;
  if (is_good && header[0] != '"') {
    memcpy(key, header, length + 1);
    used = length;
  } else if (is_good) {
    const char *c = header + 1;
    for (; *c != 0 && *c != '"'; c++) {
      if (*c == '\\' && (c[1] == '"' || c[1] == '\\')) c++;
      key[used++] = *c;
    }
    key[used] = 0;
    is_good = *c == '"' && (c[1] == 0 || c[1] == ';');
  }
  if (is_good && used > 0) {
    *out = key;
    return true;
  }
  rest_error_put(request, reply, 400, "22023", "The header Idempotency-Key is not a string", NULL,
                 NULL, "Idempotency-Key: \"8e03978e-40d5-43dd-bc93-6894a57f9324\"");
  return false;
}

/* Parameters that say how the result is wanted, and are no arguments. */
static bool rpc_is_reserved(const char *name) {
  static const char *const names[] = {"select", "order",   "limit",       "offset", "and",
                                      "or",     "columns", "on_conflict", "apikey"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

/* A list of parameters as a JSON object of strings; the last of a name counts. `limit` is an argument of history. */
static bool rpc_object(struct web_request *request, const char *function, const char *text,
                       struct web_text *out) {
  struct rest_parameter *list = web_keep(request, REST_PARAMETERS_MAX * sizeof *list);
  int shown = 0;
  int count = list == NULL ? -1 : rest_parameters(request, text, list, REST_PARAMETERS_MAX);
  if (count < 0) return false;
  web_text_put(out, "{");
  for (int i = 0; i < count; i++) {
    bool is_last = true;
    for (int k = i + 1; k < count; k++)
      is_last = is_last && strcmp(list[i].name, list[k].name) != 0;
    bool is_limit = strcmp(function, "history") == 0 && strcmp(list[i].name, "limit") == 0;
    if (!is_last || (rpc_is_reserved(list[i].name) && !is_limit)) continue;
    if (shown++ > 0) web_text_put(out, ",");
    web_text_json(out, list[i].name);
    web_text_put(out, ":");
    web_text_json(out, list[i].value);
  }
  web_text_put(out, "}");
  return !out->failed;
}

/* ---- the reply */

/* One object where one is asked for: the row of a list of one. */
static void rpc_single(struct web_request *request, struct web_reply *reply,
                       const ledger_answer *answer) {
  if (answer->text[0] != '[') return;
  if (answer->rows == 1) {
    reply->borrowed = answer->text + 1;
    reply->borrowed_length = answer->length - 2;
    return;
  }
  char details[64];
  snprintf(details, sizeof details, "The result contains %" PRId64 " rows", answer->rows);
  rest_refuse(request, reply, "PGRST116", "Cannot coerce the result to a single JSON object",
              details, NULL);
}

static void rpc_reply(struct web_request *request, struct web_reply *reply,
                      const struct rest_wish *wish, const struct rest_media *media,
                      const char *profile) {
  const ledger_answer *answer = request->answer;
  bool is_minimal = wish->has_returns && wish->returns == LEDGER_RETURN_MINIMAL;
  if (!ledger_function_reads(request->below) && answer->inserted == 0)
    web_header(reply, "Idempotency-Replayed", "true");
  rest_content_range(reply, 0, answer->rows, wish->count == LEDGER_COUNT_NONE ? -1 : answer->rows);
  rest_wish_say(reply, wish, REST_COUNT | REST_MAX_AFFECTED | (is_minimal ? REST_RETURN : 0));
  if (is_minimal) {
    reply->status = 204;
    return;
  }
  rest_profile_say(reply, profile);
  reply->status = 200;
  reply->content_type = media->content_type;
  reply->borrowed = answer->text;
  reply->borrowed_length = answer->length;
  if (media->form == LEDGER_FORM_OBJECT) rpc_single(request, reply, answer);
}

/* The arguments, as a JSON object. False: the reply says why not. */
static bool rpc_arguments(struct web_request *request, struct web_reply *reply,
                          struct web_text *built, ledger_call_request *call) {
  enum ledger_body form;
  if (call->is_read) {
    if (!rpc_object(request, request->below, request->query, built)) {
      rest_refuse(request, reply, "PGRST100", "failed to parse the query string", NULL, NULL);
      return false;
    }
  } else {
    if (!rest_body_read(request, reply, &form)) return false;
    call->arguments = request->body;
    call->arguments_length = request->body_length;
    if (form == LEDGER_BODY_JSON) return true;
    if (form == LEDGER_BODY_CSV || !rpc_object(request, request->below, request->body, built)) {
      rest_error_put(request, reply, 415, "PGRST102", "Content-Type not acceptable: text/csv", NULL,
                     NULL, NULL);
      return false;
    }
  }
  call->arguments = built->bytes;
  call->arguments_length = built->length;
  return true;
}

static void rpc_call(struct web_request *request, struct web_reply *reply,
                     const struct rest_wish *wish, const struct rest_media *media,
                     const char *profile) {
  struct web_text built = {0};
  ledger_call_request call = {.caller = &request->caller,
                              .function = request->below,
                              .is_read = request->method == WEB_GET || request->method == WEB_HEAD};
  if (rpc_arguments(request, reply, &built, &call) && rpc_key(request, reply, &call.key)) {
    int rc = web_call(request, reply, &call);
    if (reply->status != 0) {
      /* no handle could be had */
    } else if (rc == LEDGER_OK)
      rpc_reply(request, reply, wish, media, profile);
    else
      rest_refuse_answer(request, reply, request->answer);
  }
  web_text_free(&built);
}

static void rpc_handle(struct web_request *request, struct web_reply *reply) {
  struct rest_wish wish = {0};
  struct rest_media media;
  const char *schema, *profile;
  char message[192];
  if (request->below[0] == 0 || strchr(request->below, '/') != NULL) {
    rest_refuse(request, reply, "PGRST125", "Invalid path specified in request URL", NULL, NULL);
    return;
  }
  if (request->method == WEB_OPTIONS) {
    web_header(reply, "Allow",
               ledger_function_reads(request->below) ? "OPTIONS,GET,HEAD,POST" : "OPTIONS,POST");
    return;
  }
  if ((request->method & (WEB_GET | WEB_HEAD | WEB_POST)) == 0) {
    snprintf(message, sizeof message, "Cannot use the %s method on RPC",
             request->info->request_method);
    web_header(reply, "Allow", "OPTIONS,GET,HEAD,POST");
    rest_refuse(request, reply, "PGRST101", message, NULL, NULL);
    return;
  }
  if (!rest_wish_read(request, reply, &wish) ||
      !rest_profile_read(request, reply, &schema, &profile) ||
      !rest_media_read(request, reply, NULL, &media))
    return;
  if (schema != NULL) { /* the functions stand in public */
    snprintf(message, sizeof message, "Could not find the function %.63s.%.63s in the schema cache",
             schema, request->below);
    rest_refuse(request, reply, "PGRST202", message, NULL, NULL);
    return;
  }
  if (media.form == LEDGER_FORM_CSV) {
    rest_refuse(request, reply, "PGRST107", "None of these media types are available: text/csv",
                NULL, NULL);
    return;
  }
  rpc_call(request, reply, &wish, &media, profile);
}
