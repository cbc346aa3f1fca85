/*
** auth: /auth/v1, signing up and in as Supabase's server (GoTrue) has it, by the functions of ledger.h under "signing in". Here are the
** table of operations, the way of a call to its operation, and those that begin or go on with a session.
*/

enum { AUTH_BODY_MAX = 64 * 1024 };

/* ---- POST /signup */

static int auth_sign_up_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  const char *email = auth_text(call, "email");
  ledger_user_change change = {
      .email = email, .password = auth_text(call, "password"), .is_anonymous = email == NULL};
  ledger_client client = auth_client(call);
  ledger_user user;
  ledger_session session;
  if (!auth_object(call, "data", &change.user_metadata)) return auth_memory(call);
  int rc = ledger_user_create(db, &change, &user);
  if (rc != LEDGER_OK) return auth_done(call, db, rc);
  if (email && auth_settings(call)->must_confirm && user.email_confirmed_at[0] == '\0') {
    auth_user_write(&call->reply->body, &user);
    return auth_done(call, db, LEDGER_OK);
  }
  const char *id = web_keep_text(request, user.id, strlen(user.id));
  if (id == NULL) return auth_memory(call);
  rc = ledger_session_open(db, id, email ? "password" : "anonymous", &client, &session);
  if (rc == LEDGER_OK) auth_session_write(&call->reply->body, &session);
  return auth_done(call, db, rc);
}

static void auth_sign_up(struct auth_call *call) {
  bool is_anonymous =
      !auth_text(call, "email") && !auth_text(call, "phone") && !auth_text(call, "password");
  const ledger_auth_settings *settings = auth_settings(call);
  if (!web_sign_in_allowed(call->request, call->reply)) return;
  if (settings->signup_disabled)
    auth_fail(call, 422, "signup_disabled", "Signups not allowed for this instance");
  else if (is_anonymous && settings->anonymous_disabled)
    auth_fail(call, 422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled");
  else if (auth_text(call, "phone"))
    auth_fail(call, 422, "phone_provider_disabled", "Phone signups are disabled");
  else if (!is_anonymous && !auth_text(call, "password"))
    auth_fail(call, 400, "validation_failed", "Signup requires a valid password");
  else if (!is_anonymous && !auth_text(call, "email"))
    auth_fail(call, 400, "validation_failed", "To signup, please provide your email");
  else if (auth_write(call, auth_sign_up_work) || !call->ran)
    return;
  else if (call->error.code == LEDGER_USER_EXISTS)
    auth_fail(call, 422, "user_already_exists", "User already registered");
  else
    auth_fail_with(call, &call->error);
}

/* ---- POST /token */

static int auth_password_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  const char *email = auth_text(call, "email"), *password = auth_text(call, "password");
  ledger_client client = auth_client(call);
  ledger_session session;
  (void)request;
  int rc = ledger_sign_in(db, email ? email : auth_text(call, "phone"), password ? password : "",
                          &client, &session);
  if (rc == LEDGER_OK) auth_session_write(&call->reply->body, &session);
  return auth_done(call, db, rc);
}

static void auth_grant_password(struct auth_call *call) {
  const char *email = auth_text(call, "email"), *phone = auth_text(call, "phone");
  if (!web_sign_in_allowed(call->request, call->reply)) return;
  if (email && phone)
    auth_fail(call, 400, "validation_failed",
              "Only an email address or phone number should be provided on login.");
  else if (!email && !phone)
    auth_fail(call, 400, "validation_failed", "missing email or phone");
  else if (auth_write(call, auth_password_work) || !call->ran)
    return;
  else if (call->error.code == LEDGER_NOT_CONFIRMED && phone)
    auth_fail(call, 400, "phone_not_confirmed", "Phone not confirmed");
  else
    auth_fail_with(call, &call->error);
}

static int auth_refresh_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  ledger_client client = auth_client(call);
  ledger_session session;
  (void)request;
  int rc = ledger_session_refresh(db, auth_text(call, "refresh_token"), &client, &session);
  if (rc == LEDGER_OK) auth_session_write(&call->reply->body, &session);
  return auth_done(call, db, rc);
}

static void auth_grant_refresh(struct auth_call *call) {
  if (auth_text(call, "refresh_token") == NULL)
    auth_fail(call, 400, "validation_failed", "refresh_token required");
  else if (auth_write(call, auth_refresh_work) || !call->ran)
    return;
  else if (call->error.code == LEDGER_BANNED)
    auth_fail(call, 400, "user_banned", "Invalid Refresh Token: User Banned");
  else if (call->error.code == LEDGER_SESSION_GONE || call->error.code == LEDGER_UNKNOWN_USER)
    auth_fail(call, 400, "refresh_token_not_found",
              "Invalid Refresh Token: Refresh Token Not Found");
  else
    auth_fail_with(call, &call->error);
}

static void auth_grant(struct auth_call *call) {
  const char *grant = web_request_parameter(call->request, "grant_type");
  if (grant == NULL) grant = "";
  if (strcmp(grant, "password") == 0)
    auth_grant_password(call);
  else if (strcmp(grant, "refresh_token") == 0)
    auth_grant_refresh(call);
  else if (strcmp(grant, "pkce") == 0 &&
           (!auth_text(call, "auth_code") || !auth_text(call, "code_verifier")))
    auth_fail(call, 400, "validation_failed",
              "invalid request: both auth code and code verifier should be non-empty");
  else if (strcmp(grant, "pkce") == 0)
    auth_fail(call, 404, "flow_state_not_found", "invalid flow state, no valid flow state found");
  else if (strcmp(grant, "id_token") == 0)
    auth_fail(call, 400, "provider_disabled", "No provider of identities is enabled");
  else if (strcmp(grant, "web3") == 0)
    auth_fail(call, 422, "web3_provider_disabled", "Web3 provider is disabled");
  else
    auth_fail(call, 400, "invalid_credentials", "unsupported_grant_type");
}

/* ---- what there is, and what there is not */

static void auth_settings_get(struct auth_call *call) {
  static const char *const absent[] = {
      "apple",   "azure",  "bitbucket", "discord",    "facebook", "figma",    "fly",
      "github",  "gitlab", "google",    "kakao",      "keycloak", "linkedin", "linkedin_oidc",
      "notion",  "phone",  "slack",     "slack_oidc", "snapchat", "spotify",  "twitch",
      "twitter", "workos", "x",         "zoom"};
  const ledger_auth_settings *settings = auth_settings(call);
  struct web_text *out = &call->reply->body;
  web_text_format(out, "{\"external\":{\"anonymous_users\":%s,\"email\":true",
                  settings->anonymous_disabled ? "false" : "true");
  for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
    web_text_format(out, ",\"%s\":false", absent[i]);
  web_text_format(out,
                  "},\"disable_signup\":%s,\"mailer_autoconfirm\":%s,\"phone_autoconfirm\":false,"
                  "\"sms_provider\":\"\",\"saml_enabled\":false}",
                  settings->signup_disabled ? "true" : "false",
                  settings->must_confirm ? "false" : "true");
}

/* The name is that of the interface; the client's tools look for it. */
static void auth_health(struct auth_call *call) {
  web_text_put(&call->reply->body,
               "{\"version\":\"ledger " LEDGER_VERSION
               "\",\"name\":\"GoTrue\",\"description\":\"Signing up and in for a ledger file\"}");
}

/* Tokens are signed with HS256, whose key is a secret. */
static void auth_keys(struct auth_call *call) {
  web_text_put(&call->reply->body, "{\"keys\":[]}");
}

static void auth_authorize(struct auth_call *call) {
  auth_fail(call, 400, "validation_failed", "Unsupported provider: provider is not enabled");
}

static void auth_sso(struct auth_call *call) {
  auth_fail(call, 404, "saml_provider_disabled", "SAML 2.0 is disabled");
}

static void auth_no_linking(struct auth_call *call) {
  auth_fail(call, 404, "manual_linking_disabled", "Manual linking is disabled");
}

/* ---- the table */

enum auth_who { AUTH_ANYBODY, AUTH_USER, AUTH_ADMIN };
enum auth_body { AUTH_NO_BODY, AUTH_MAY_BODY, AUTH_BODY };

#define AUTH_PATH "/auth/v1/"
#define AUTH_READ (WEB_GET | WEB_HEAD) /* not of a link, which is used up by being followed */

static const struct auth_operation {
  unsigned methods;
  const char *path; /* {id} is a user's; the label of the log and the metrics, too */
  enum auth_who who;
  enum auth_body body;
  void (*run)(struct auth_call *call);
} auth_operations[] = {
    {WEB_POST, AUTH_PATH "signup", AUTH_ANYBODY, AUTH_BODY, auth_sign_up},
    {WEB_POST, AUTH_PATH "token", AUTH_ANYBODY, AUTH_BODY, auth_grant},
    {AUTH_READ, AUTH_PATH "user", AUTH_USER, AUTH_NO_BODY, auth_user_get},
    {WEB_PUT, AUTH_PATH "user", AUTH_USER, AUTH_BODY, auth_user_put},
    {WEB_POST, AUTH_PATH "logout", AUTH_USER, AUTH_MAY_BODY, auth_logout},
    {WEB_POST, AUTH_PATH "verify", AUTH_ANYBODY, AUTH_BODY, auth_verify},
    {WEB_GET, AUTH_PATH "verify", AUTH_ANYBODY, AUTH_NO_BODY, auth_verify_link},
    {WEB_POST, AUTH_PATH "otp", AUTH_ANYBODY, AUTH_BODY, auth_no_mail},
    {WEB_POST, AUTH_PATH "magiclink", AUTH_ANYBODY, AUTH_BODY, auth_no_mail},
    {WEB_POST, AUTH_PATH "recover", AUTH_ANYBODY, AUTH_BODY, auth_no_mail},
    {WEB_POST, AUTH_PATH "resend", AUTH_ANYBODY, AUTH_BODY, auth_no_mail},
    {AUTH_READ, AUTH_PATH "reauthenticate", AUTH_USER, AUTH_NO_BODY, auth_no_mail},
    {WEB_POST, AUTH_PATH "invite", AUTH_ADMIN, AUTH_BODY, auth_invite},
    {WEB_POST, AUTH_PATH "admin/generate_link", AUTH_ADMIN, AUTH_BODY, auth_generate_link},
    {AUTH_READ, AUTH_PATH "admin/users", AUTH_ADMIN, AUTH_NO_BODY, auth_admin_list},
    {WEB_POST, AUTH_PATH "admin/users", AUTH_ADMIN, AUTH_BODY, auth_admin_create},
    {AUTH_READ, AUTH_PATH "admin/users/{id}", AUTH_ADMIN, AUTH_NO_BODY, auth_admin_get},
    {WEB_PUT, AUTH_PATH "admin/users/{id}", AUTH_ADMIN, AUTH_BODY, auth_admin_update},
    {WEB_DELETE, AUTH_PATH "admin/users/{id}", AUTH_ADMIN, AUTH_MAY_BODY, auth_admin_delete},
    {AUTH_READ, AUTH_PATH "admin/users/{id}/factors", AUTH_ADMIN, AUTH_NO_BODY, auth_admin_factors},
    {WEB_POST, AUTH_PATH "factors", AUTH_USER, AUTH_MAY_BODY, auth_no_factors},
    {AUTH_READ, AUTH_PATH "user/identities/authorize", AUTH_USER, AUTH_NO_BODY, auth_no_linking},
    {AUTH_READ, AUTH_PATH "authorize", AUTH_ANYBODY, AUTH_NO_BODY, auth_authorize},
    {WEB_POST, AUTH_PATH "sso", AUTH_ANYBODY, AUTH_MAY_BODY, auth_sso},
    {AUTH_READ, AUTH_PATH "settings", AUTH_ANYBODY, AUTH_NO_BODY, auth_settings_get},
    {AUTH_READ, AUTH_PATH "health", AUTH_ANYBODY, AUTH_NO_BODY, auth_health},
    {AUTH_READ, AUTH_PATH ".well-known/jwks.json", AUTH_ANYBODY, AUTH_NO_BODY, auth_keys},
};

/* ---- the way to an operation */

/* Does the path fit? {id} takes what stands there, and gives where it begins and ends. */
static bool auth_path_fits(const char *pattern, const char *path, const char **id, size_t *length) {
  const char *brace = strchr(pattern, '{');
  if (brace == NULL) return strcmp(pattern, path) == 0;
  size_t head = (size_t)(brace - pattern);
  if (strncmp(pattern, path, head)) return false;
  *id = path + head;
  *length = strcspn(*id, "/");
  return *length > 0 && strcmp(*id + *length, brace + strlen("{id}")) == 0;
}

/* The body is read by cJSON, which cuts a text at \u0000 and goes down as deep as it is told: neither is let to it. */
static bool auth_body_plain(const char *text, size_t length) {
  int depth = 0;
  bool inside = false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\0') return false;
    if (inside && text[i] == '\\') {
      if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0) return false;
      i++;
    } else if (text[i] == '"') {
      inside = !inside;
    } else if (!inside && (text[i] == '{' || text[i] == '[')) {
      if (++depth > 64) return false;
    } else if (!inside && (text[i] == '}' || text[i] == ']')) {
      depth--;
    }
  }
  return true;
}

/* Each member that an operation reads has its type, whichever reads it. */
static const char *auth_body_wrong(const cJSON *body) {
  static const struct {
    const char *name;
    int type;
  } members[] = {{"id", cJSON_String},
                 {"email", cJSON_String},
                 {"phone", cJSON_String},
                 {"password", cJSON_String},
                 {"password_hash", cJSON_String},
                 {"role", cJSON_String},
                 {"ban_duration", cJSON_String},
                 {"refresh_token", cJSON_String},
                 {"auth_code", cJSON_String},
                 {"code_verifier", cJSON_String},
                 {"type", cJSON_String},
                 {"token", cJSON_String},
                 {"token_hash", cJSON_String},
                 {"factor_type", cJSON_String},
                 {"data", cJSON_Object},
                 {"user_metadata", cJSON_Object},
                 {"app_metadata", cJSON_Object},
                 {"email_confirm", cJSON_True | cJSON_False},
                 {"phone_confirm", cJSON_True | cJSON_False},
                 {"should_soft_delete", cJSON_True | cJSON_False}};
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(body, members[i].name);
    if (member && !cJSON_IsNull(member) && !((member->type & 0xFF) & members[i].type))
      return members[i].name;
  }
  return NULL;
}

/* False: it was refused. *body is the caller's. */
static bool auth_body_read(struct auth_call *call, enum auth_body wanted, cJSON **body) {
  const struct web_request *request = call->request;
  const char *end = NULL, *wrong;
  if (wanted == AUTH_NO_BODY || (wanted == AUTH_MAY_BODY && request->body_length == 0)) return true;
  if (request->body_length > AUTH_BODY_MAX) { /* a tree of it takes 40 times as much */
    auth_fail(call, 413, "request_too_large", "a body of %d bytes at most", AUTH_BODY_MAX);
    return false;
  }
  if (auth_body_plain(request->body, request->body_length))
    *body = cJSON_ParseWithLengthOpts(request->body, request->body_length, &end, 0);
  while (end && end < request->body + request->body_length && strchr(" \t\r\n", *end)) end++;
  if (!cJSON_IsObject(*body) || end != request->body + request->body_length)
    auth_fail(call, 400, "bad_json", "Could not parse request body as JSON");
  else if ((wrong = auth_body_wrong(*body)) != NULL)
    auth_fail(call, 400, "bad_json", "Could not parse request body as JSON: %s is of another type",
              wrong);
  else
    return true;
  return false;
}

/* A token that is none matters only where one is asked for: clients send what they have with every request. */
static bool auth_admit(struct auth_call *call, enum auth_who who) {
  const struct web_request *request = call->request;
  const ledger_error *error = &request->identity_error;
  if (error->code == LEDGER_BANNED && who != AUTH_ANYBODY) {
    auth_fail(call, 403, "user_banned", "User is banned");
    return false;
  }
  if (error->code == LEDGER_BAD_KEY || (error->code && who != AUTH_ANYBODY)) {
    auth_fail_with(call, error);
    return false;
  }
  if (who == AUTH_ANYBODY) return true;
  if (web_request_header(request, "Authorization", 0) == NULL && request->identity.role[0] &&
      strcmp(request->identity.role, "service_role")) {
    auth_fail(call, 401, "no_authorization", "This endpoint requires a Bearer token");
    return false;
  }
  if (who == AUTH_ADMIN && strcmp(request->identity.role, "service_role")) {
    auth_fail(call, 403, "not_admin", "User not allowed");
    return false;
  }
  if (who == AUTH_USER && (request->identity.user_id[0] == '\0' || request->identity.key_id[0])) {
    auth_fail(call, 403, "bad_jwt", "invalid claim: missing sub claim");
    return false;
  }
  if (who == AUTH_USER) call->id = request->identity.user_id;
  return true;
}

static void auth_run(struct auth_call *call, const struct auth_operation *operation, const char *id,
                     size_t length) {
  cJSON *body = NULL;
  call->request->label = operation->path;
  if (!auth_admit(call, operation->who)) return;
  if (id) {
    call->id = web_keep_text(call->request, id, length);
    if (call->id == NULL || !auth_is_id(call->id)) {
      auth_fail(call, 404, "validation_failed", "user_id must be an UUID");
      return;
    }
  }
  if (auth_body_read(call, operation->body, &body)) {
    call->body = body;
    operation->run(call);
  }
  cJSON_Delete(body);
}

/* The path is there, but not for the request's method. */
static void auth_other_method(struct auth_call *call, unsigned methods) {
  char allow[64] = "OPTIONS";
  for (int i = 0; i < REQUEST_METHODS; i++)
    if (methods & request_methods[i].method)
      snprintf(allow + strlen(allow), sizeof allow - strlen(allow), ", %s",
               request_methods[i].name);
  web_header(call->reply, "Allow", "%s", allow);
  auth_fail(call, 405, "validation_failed", "Method not allowed");
}

static void auth_handle(struct web_request *request, struct web_reply *reply) {
  struct auth_call call = {.request = request, .reply = reply};
  unsigned methods = 0;
  web_header(reply, "Cache-Control", "no-store");
  for (size_t i = 0; i < sizeof auth_operations / sizeof auth_operations[0]; i++) {
    const struct auth_operation *operation = &auth_operations[i];
    const char *id = NULL;
    size_t length = 0;
    if (!auth_path_fits(operation->path + strlen(AUTH_PATH), request->below, &id, &length))
      continue;
    methods |= operation->methods;
    if (!(operation->methods & request->method)) continue;
    auth_run(&call, operation, id, length);
    return;
  }
  if (methods)
    auth_other_method(&call, methods);
  else
    auth_fail(&call, 404, "validation_failed", "There is no such path here");
}
