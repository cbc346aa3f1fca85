/*
** auth_error: what /auth/v1 answers when it refuses, in the words of Supabase's server, whose clients act on them.
**
** The form depends on the request: with X-Supabase-Api-Version from 2024-01-01 on it is {"code":WORD,"message":...} and the header is
** echoed, for the client reads `code` only then; without it {"code":STATUS,"error_code":WORD,"msg":...}.
*/

/* A request on its way through auth.c. */
struct auth_call {
  struct web_request *request;
  struct web_reply *reply;
  const cJSON *body;  /* an object; NULL where there was none */
  const char *id;     /* of the user that is meant */
  ledger_error error; /* of the work that was done with the writer's handle */
  bool ran;           /* it was done, rather than no handle had */
};

#define AUTH_VERSION "2024-01-01"
#define AUTH_PASSWORD_MIN 6 /* ledger_auth_settings' own, where it is not set */

static bool auth_error_versioned(const struct web_request *request) {
  const char *version = web_request_header(request, "X-Supabase-Api-Version", 0);
  if (version == NULL || strlen(version) != 10) return false;
  for (int i = 0; i < 10; i++)
    if (i == 4 || i == 7 ? version[i] != '-' : version[i] < '0' || version[i] > '9') return false;
  return strcmp(version, AUTH_VERSION) >= 0;
}

static void auth_error_write(struct web_request *request, struct web_reply *reply, int status,
                             const char *word, const char *message) {
  bool versioned = auth_error_versioned(request);
  struct web_text *body = &reply->body;
  body->length = 0;
  reply->borrowed = NULL;
  reply->content_type = NULL;
  reply->status = status;
  if (versioned) {
    web_header(reply, "X-Supabase-Api-Version", "%s", AUTH_VERSION);
    web_text_put(body, "{\"code\":");
    web_text_json(body, word);
    web_text_put(body, ",\"message\":");
  } else {
    web_text_format(body, "{\"code\":%d,\"error_code\":", status);
    web_text_json(body, word);
    web_text_put(body, ",\"msg\":");
  }
  web_text_json(body, message);
  if (strcmp(word, "weak_password") == 0)
    web_text_put(body, ",\"weak_password\":{\"reasons\":[\"length\"]}");
  web_text_put(body, "}");
  web_header(reply, "x-sb-error-code", "%s", word);
  if (status == 401) web_header(reply, "WWW-Authenticate", "Bearer");
}

/* Refuses: `word` is one of auth-js's error codes. */
static void auth_fail(struct auth_call *call, int status, const char *word, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void auth_fail(struct auth_call *call, int status, const char *word, const char *format,
                      ...) {
  char message[600];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  auth_error_write(call->request, call->reply, status, word, message);
}

/* The library's refusals; a message of NULL is the library's own. A word means the same whatever was asked, but for two that
** depend on it, which their callers see to first: USER_EXISTS when signing up, FORBIDDEN. */
static const struct auth_error_word {
  int code, status;
  const char *word, *message;
} auth_error_words[] = {
    {LEDGER_BAD_CREDENTIALS, 400, "invalid_credentials", "Invalid login credentials"},
    {LEDGER_LOCKED_OUT, 429, "over_request_rate_limit", NULL},
    {LEDGER_BANNED, 400, "user_banned", "User is banned"},
    {LEDGER_NOT_CONFIRMED, 400, "email_not_confirmed", "Email not confirmed"},
    {LEDGER_WEAK_PASSWORD, 422, "weak_password", NULL},
    {LEDGER_SAME_PASSWORD, 422, "same_password",
     "New password should be different from the old password."},
    {LEDGER_USER_EXISTS, 422, "email_exists",
     "A user with this email address has already been registered"},
    {LEDGER_UNKNOWN_USER, 404, "user_not_found", "User not found"},
    {LEDGER_BAD_TOKEN, 403, "bad_jwt", "invalid JWT: unable to parse or verify signature"},
    {LEDGER_TOKEN_EXPIRED, 403, "bad_jwt",
     "invalid JWT: unable to parse or verify signature, token has invalid claims: token is "
     "expired"},
    {LEDGER_SESSION_GONE, 403, "session_not_found",
     "Session from session_id claim in JWT does not exist"},
    {LEDGER_TOKEN_UNKNOWN, 400, "refresh_token_not_found",
     "Invalid Refresh Token: Refresh Token Not Found"},
    {LEDGER_TOKEN_REUSED, 400, "refresh_token_already_used", "Invalid Refresh Token: Already Used"},
    {LEDGER_BAD_KEY, 401, "no_authorization", "Invalid API key"},
    {LEDGER_RATE_LIMITED, 429, "over_request_rate_limit", "Request rate limit reached"},
    {LEDGER_INVALID_PARAMETER, 400, "validation_failed", NULL},
    {LEDGER_FOREIGN_KEY, 409, "conflict", NULL},
    {LEDGER_RESTRICT, 409, "conflict", NULL},
    {LEDGER_BUSY, 503, "request_timeout", NULL},
    {LEDGER_MEMORY, 503, "request_timeout", NULL},
    {LEDGER_INTERRUPTED, 504, "request_timeout", NULL},
};

/* Faults of the machine or of ours; whatever else the library says is a fault of what was asked. */
static bool auth_error_internal(int code) {
  return code == LEDGER_ERROR || code == LEDGER_MISUSE || code == LEDGER_IO ||
         code == LEDGER_FULL || code == LEDGER_CORRUPT || code == LEDGER_READ_ONLY ||
         code == LEDGER_CANNOT_OPEN;
}

/* The library's sentence, or that of Supabase's server where applications show or compare it. */
static const char *auth_error_message(const struct web_request *request, const ledger_error *error,
                                      char *room, size_t size) {
  const ledger_auth_settings *settings = request->server->options->auth;
  if (error->code == LEDGER_INVALID_PARAMETER && strstr(error->message, "address"))
    return "Unable to validate email address: invalid format";
  if (error->code != LEDGER_WEAK_PASSWORD || !strstr(error->message, "at least"))
    return error->message;
  snprintf(room, size, "Password should be at least %d characters.",
           settings && settings->password_min ? settings->password_min : AUTH_PASSWORD_MIN);
  return room;
}

/* When one may try again: what is said under the refusal of an account that is locked out. */
static void auth_error_retry(struct web_reply *reply, const ledger_error *error) {
  struct tm moment = {0};
  if (strptime(error->hint, "%Y-%m-%dT%H:%M:%S", &moment) == NULL) return;
  int64_t left_s = (int64_t)(timegm(&moment) - time(NULL)) + 1;
  web_header(reply, "Retry-After", "%" PRId64, left_s > 1 ? left_s : 1);
}

static void auth_error_library(struct web_request *request, struct web_reply *reply,
                               const ledger_error *error) {
  char room[64];
  const char *message = auth_error_message(request, error, room, sizeof room);
  memcpy(reply->error_code, error->sqlstate, sizeof error->sqlstate);
  if (error->code == LEDGER_LOCKED_OUT) auth_error_retry(reply, error);
  for (size_t i = 0; i < sizeof auth_error_words / sizeof auth_error_words[0]; i++) {
    const struct auth_error_word *row = &auth_error_words[i];
    if (row->code != error->code) continue;
    auth_error_write(request, reply, row->status, row->word, row->message ? row->message : message);
    return;
  }
  if (auth_error_internal(error->code))
    auth_error_write(request, reply, 500, "unexpected_failure",
                     "Unexpected failure, please check server logs for more information");
  else
    auth_error_write(request, reply, 422, "validation_failed", message);
}

static void auth_fail_with(struct auth_call *call, const ledger_error *error) {
  auth_error_library(call->request, call->reply, error);
}

/* What the server refuses on our routes before we see it. */
static void auth_refuse(struct web_request *request, struct web_reply *reply,
                        const struct web_problem *problem) {
  if (problem->word == NULL && problem->error != NULL)
    auth_error_library(request, reply, problem->error);
  else
    auth_error_write(request, reply, problem->status,
                     problem->word ? problem->word : "validation_failed", problem->message);
}
