/*
** rest_error: what /rest/v1 answers when it refuses: PostgREST's statuses and bodies, which are exactly code, details, hint, message.
**
** Where ours differ from PostgREST's statuses: 54xxx is the request's fault here (too deep, too long), and so is writing a view: 400; a file that is locked is
** worth another try (503), and the book's own SQLSTATEs have theirs: 404 for what there is not, 409 for what the state of things does
** not allow, 422 for a key that was used for something else, 400 for what could never be done.
*/

struct rest_status {
  const char *prefix; /* of the code; the first that fits counts */
  int status;
};

static const struct rest_status rest_statuses[] = {
    {"08", 503},
    {"09", 500},
    {"0L", 403},
    {"0P", 403},
    {"23503", 409},
    {"23505", 409},
    {"25006", 405},
    {"25", 500},
    {"28", 403},
    {"2D", 500},
    {"38", 500},
    {"39", 500},
    {"3B", 500},
    {"40", 500},
    {"42883", 404},
    {"42P01", 404},
    {"42P17", 500},
    {"53400", 500},
    {"53", 503},
    {"55P03", 503},
    {"55", 500},
    {"57P01", 503},
    {"57", 500},
    {"58", 500},
    {"F0", 500},
    {"HV", 500},
    {"P0001", 400},
    {"P0", 500},
    {"XX", 500},
    /* PostgREST's own */
    {"PGRST000", 503},
    {"PGRST001", 503},
    {"PGRST002", 503},
    {"PGRST003", 504},
    {"PGRST101", 405},
    {"PGRST103", 416},
    {"PGRST105", 405},
    {"PGRST106", 406},
    {"PGRST107", 406},
    {"PGRST111", 500},
    {"PGRST112", 500},
    {"PGRST116", 406},
    {"PGRST117", 405},
    {"PGRST121", 500},
    {"PGRST125", 404},
    {"PGRST126", 404},
    {"PGRST201", 300},
    {"PGRST202", 404},
    {"PGRST203", 300},
    {"PGRST205", 404},
    {"PGRST300", 500},
    {"PGRST301", 401},
    {"PGRST302", 401},
    {"PGRST303", 401},
    /* who asks */
    {"LA003", 403},
    {"LA004", 403},
    {"LA007", 409},
    {"LA008", 404},
    {"LA011", 401},
    {"LA013", 401},
    {"LA015", 429},
    {"LA016", 500},
    {"LA005", 422},
    {"LA006", 422},
    {"LA002", 429},
    {"LA", 401},
    /* the book */
    {"LG001", 409},
    {"LG002", 409},
    {"LG003", 409},
    {"LG004", 409},
    {"LG010", 404},
    {"LG011", 409},
    {"LG012", 422},
    {"LG013", 409},
    {"LG014", 409},
    {"LG015", 409},
    {"LG016", 409},
    {"LG018", 409},
    {"LG020", 404},
    {"LG021", 409},
    {"LG022", 409},
    {"LG023", 409},
    {"LG024", 404},
    {"LG025", 404},
    {"LG027", 409},
    {"LG028", 500},
    {"LG029", 409},
};

static bool rest_begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

static bool rest_ends(const char *text, const char *with) {
  size_t length = strlen(text), end = strlen(with);
  return length >= end && strcmp(text + length - end, with) == 0;
}

/* The status for a SQLSTATE, PostgREST's code, or ours; a few depend on the sentence. */
static int rest_error_status(const char *code, const char *message, bool is_anonymous) {
  if (strcmp(code, "42501") == 0) return is_anonymous ? 401 : 403;
  if (strcmp(code, "21000") == 0) return rest_ends(message, "requires a WHERE clause") ? 400 : 500;
  if (strcmp(code, "22023") == 0)
    return rest_begins(message, "role ") && rest_ends(message, "does not exist") ? 401 : 400;
  if (strcmp(code, "55000") == 0) return rest_begins(message, "cannot ") ? 400 : 500; /* a view */
  if (rest_begins(code, "PT") && code[2] >= '2' && code[2] <= '5' &&
      strspn(code + 2, "0123456789") == 3)
    return (code[2] - '0') * 100 + (code[3] - '0') * 10 + (code[4] - '0');
  for (size_t i = 0; i < sizeof rest_statuses / sizeof *rest_statuses; i++)
    if (rest_begins(code, rest_statuses[i].prefix)) return rest_statuses[i].status;
  return 400;
}

/* What PostgREST calls a token that is none, or no more. */
static const char *rest_error_code(const char *code) {
  if (strcmp(code, "LA009") == 0) return "PGRST301";
  if (strcmp(code, "LA010") == 0) return "PGRST303";
  return code;
}

/* Does the client know RFC 9457's form? Then it has its members besides. */
static bool rest_error_is_problem(const struct web_request *request) {
  return web_request_has(request, "Accept", "application/problem+json");
}

/*
** Makes the reply that error. `json` is the details where they are JSON (PGRST201), else NULL, and `details` their text or NULL.
*/
static void rest_error_put(struct web_request *request, struct web_reply *reply, int status,
                           const char *code, const char *message, const char *json,
                           const char *details, const char *hint) {
  struct web_text *body = &reply->body;
  bool is_problem = rest_error_is_problem(request);
  code = rest_error_code(code);
  body->length = 0;
  reply->borrowed = NULL;
  reply->content_type = is_problem ? "application/problem+json; charset=utf-8" : NULL;
  reply->status = status;
  snprintf(reply->error_code, sizeof reply->error_code, "%s", code);
  web_text_put(body, "{\"code\":");
  web_text_json(body, code);
  web_text_put(body, ",\"details\":");
  if (json != NULL)
    web_text_put(body, json);
  else
    web_text_json(body, details != NULL && details[0] == 0 ? NULL : details);
  web_text_put(body, ",\"hint\":");
  web_text_json(body, hint != NULL && hint[0] == 0 ? NULL : hint);
  web_text_put(body, ",\"message\":");
  web_text_json(body, message);
  if (is_problem) {
    web_text_format(body, ",\"type\":\"about:blank\",\"status\":%d,\"title\":", status);
    web_text_json(body, message);
  }
  web_text_put(body, "}");
  web_header(reply, "Proxy-Status", "ledger; error=%s", code);
}

/* What a client may do about a refusal of ours. The server says it of its own. */
static void rest_error_advise(struct web_reply *reply) {
  if (reply->status == 503) web_header(reply, "Retry-After", "1");
  if (reply->status == 401) web_header(reply, "WWW-Authenticate", "Bearer");
}

/* Refuses with PostgREST's code, whose status follows from it. */
static void rest_refuse(struct web_request *request, struct web_reply *reply, const char *code,
                        const char *message, const char *details, const char *hint) {
  rest_error_put(request, reply, rest_error_status(code, message, false), code, message, NULL,
                 details, hint);
  rest_error_advise(reply);
}

static bool rest_is_anonymous(const struct web_request *request) {
  return strcmp(request->identity.role, "anon") == 0;
}

/* What the library refused. */
static void rest_refuse_answer(struct web_request *request, struct web_reply *reply,
                               const ledger_answer *answer) {
  const ledger_error *error = &answer->error;
  const char *code = answer->code[0] != 0 ? answer->code : error->sqlstate;
  int status = rest_error_status(code, error->message, rest_is_anonymous(request));
  rest_error_put(request, reply, status, code, error->message, answer->details, error->detail,
                 error->hint);
  rest_error_advise(reply);
}

/* PostgREST's words for what is wrong with a token, by ours. */
static const struct {
  int code;
  const char *ours; /* how the sentence ends; "": any other */
  const char *message, *details;
} rest_tokens[] = {
    {LEDGER_TOKEN_EXPIRED, "not valid yet", "JWT not yet valid", NULL},
    {LEDGER_TOKEN_EXPIRED, "issued in the future", "JWT issued at future", NULL},
    {LEDGER_TOKEN_EXPIRED, "", "JWT expired", NULL},
    {LEDGER_BAD_TOKEN, "its signature is wrong", "No suitable key or wrong key type",
     "None of the keys was able to decode the JWT"},
    {LEDGER_BAD_TOKEN, "its algorithm is not HS256", "Wrong or unsupported encoding algorithm",
     NULL},
    {LEDGER_BAD_TOKEN, "it is of another type", "Unsupported token type", NULL},
    {LEDGER_BAD_TOKEN, "a claim has a value of another kind", "Parsing claims failed", NULL},
    {LEDGER_BAD_TOKEN, "", "JWT couldn't be decoded", NULL},
};

/* A token or key that is none. */
static void rest_token(struct web_request *request, struct web_reply *reply,
                       const struct web_problem *problem) {
  const char *message = problem->message, *details = problem->details, *hint = problem->hint;
  bool is_worded = rest_begins(message, "JWT "); /* as PostgREST says it */
  for (size_t i = 0; !is_worded && i < sizeof rest_tokens / sizeof *rest_tokens; i++) {
    if (rest_tokens[i].code != problem->error->code || !rest_ends(message, rest_tokens[i].ours))
      continue;
    message = rest_tokens[i].message;
    details = rest_tokens[i].details;
    break;
  }
  const char *token = request->identity.token;
  char parts[64];
  if (problem->error->code == LEDGER_BAD_KEY && token[0] != 0 && request->identity.apikey[0] == 0) {
    int count = 1;
    for (const char *c = token; (c = strchr(c, '.')) != NULL; c++) count++;
    snprintf(parts, sizeof parts, "Expected 3 parts in JWT; got %d", count);
    message = parts;
  } else if (problem->error->code == LEDGER_BAD_KEY) {
    message = "Invalid API key"; /* Supabase's gateway's words */
    hint = "Double check the API key.";
  }
  rest_error_put(request, reply, 401, problem->code, message, NULL, details, hint);
  web_header(reply, "WWW-Authenticate", "Bearer error=\"invalid_token\", error_description=\"%s\"",
             message);
}

/* What the server refuses before a handler sees it, for the table of routes. */
static void rest_problem(struct web_request *request, struct web_reply *reply,
                         const struct web_problem *problem) {
  int status = problem->status;
  if (status == 401 && problem->error != NULL) {
    rest_token(request, reply, problem);
    return;
  }
  if (status == 500 && problem->error != NULL)
    status =
        rest_error_status(problem->error->sqlstate, problem->message, rest_is_anonymous(request));
  rest_error_put(request, reply, status, problem->code, problem->message, NULL, problem->details,
                 problem->hint);
}
