/*
** auth_link: signing in by a link, and what would need mail. No mail is sent here. An administrator gets the link from
** /admin/generate_link and carries it to its user as he likes; whoever asks for mail is told that there is none.
**
** The token of a link is an API key of the user's that lasts an hour and permits nothing but being exchanged for a session: its one
** permission is "verify:TYPE". It is withdrawn before the session is opened, so that it works once.
*/

#define AUTH_LINK_SECONDS 3600

static void auth_no_mail(struct auth_call *call) {
  auth_fail(call, 422, "otp_disabled",
            "No mail is sent here: an administrator can make a link or set a password");
}

/* POST /admin/users makes the user; the mail is what an invitation is about. */
static void auth_invite(struct auth_call *call) {
  auth_fail(call, 422, "otp_disabled",
            "No mail is sent here: make the user, or a link of type invite");
}

/* ---- POST /admin/generate_link */

struct auth_link {
  const char *type, *email;
  bool is_new;
};

/* A link for nobody makes a user where that is what it is for. */
static int auth_link_user(struct auth_call *call, ledger *db, struct auth_link *link,
                          ledger_user *user) {
  int rc = ledger_user_get(db, link->email, user);
  if (rc != LEDGER_UNKNOWN_USER) return auth_done(call, db, rc);
  if (strcmp(link->type, "recovery") == 0) {
    auth_fail(call, 404, "user_not_found", "User with this email not found");
    return rc;
  }
  if (strcmp(link->type, "magiclink") == 0) link->type = "signup";
  ledger_user_change change = {
      .email = link->email, .password = auth_text(call, "password"), .by_administrator = 1};
  if (!auth_object(call, "data", &change.user_metadata)) return auth_memory(call);
  link->is_new = true;
  return auth_done(call, db, ledger_user_create(db, &change, user));
}

/* Appends `name`, which has the signs before and behind it, and the value as it may stand in a URL. */
static void auth_link_parameter(struct web_text *out, const char *name, const char *value) {
  web_text_put(out, name);
  rest_encode(out, value);
}

/* Where this server is, as the request found it. */
static void auth_link_here(struct auth_call *call, struct web_text *out) {
  const char *host = web_request_header(call->request, "Host", 0);
  web_text_format(out, "%s://%s/auth/v1/verify", web_request_scheme(call->request),
                  host ? host : "localhost");
}

static int auth_link_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  struct auth_link link = {.type = auth_text(call, "type"), .email = auth_text(call, "email")};
  struct web_text action = {0}, *out = &call->reply->body;
  const char *target = web_request_parameter(request, "redirect_to");
  char permission[64], expires[32], *id = NULL, *key = NULL;
  ledger_user user;
  int rc = auth_link_user(call, db, &link, &user);
  if (rc != LEDGER_OK) return rc;
  if (!link.is_new && user.email_confirmed_at[0] && strcmp(link.type, "magiclink") &&
      strcmp(link.type, "recovery")) {
    call->ran = false;
    auth_fail(call, 422, "email_exists",
              "A user with this email address has already been registered");
    return LEDGER_USER_EXISTS;
  }
  web_text_put(out, "{");
  auth_user_members(out, &user);
  auth_moment(expires, AUTH_LINK_SECONDS);
  snprintf(permission, sizeof permission, "{\"verify:%s\":true}", link.type);
  const ledger_key_request wanted = {
      .user = link.email, .name = "link", .permissions = permission, .expires_at = expires};
  rc = ledger_key_create(db, &wanted, &id, &key);
  if (rc == LEDGER_OK) {
    auth_link_here(call, &action);
    auth_link_parameter(&action, "?token=", key);
    auth_link_parameter(&action, "&type=", link.type);
    if (target) auth_link_parameter(&action, "&redirect_to=", target);
    web_text_put(out, ",\"action_link\":");
    web_text_json(out, action.bytes);
    web_text_put(out, ",\"email_otp\":\"\",\"hashed_token\":");
    web_text_json(out, key);
    web_text_format(out, ",\"verification_type\":\"%s\",\"redirect_to\":", link.type);
    web_text_json(out, target ? target : "");
    web_text_put(out, "}");
  }
  if (action.failed) out->failed = true;
  web_text_free(&action);
  ledger_free(id);
  ledger_free(key);
  return auth_done(call, db, rc);
}

static void auth_generate_link(struct auth_call *call) {
  const char *type = auth_text(call, "type");
  if (type && strncmp(type, "email_change", 12) == 0)
    auth_fail(call, 422, "otp_disabled",
              "An administrator changes an address without a link: PUT /admin/users/{id}");
  else if (type == NULL || (strcmp(type, "signup") && strcmp(type, "invite") &&
                            strcmp(type, "magiclink") && strcmp(type, "recovery")))
    auth_fail(call, 400, "validation_failed", "Invalid email action link type requested: %s",
              type ? type : "");
  else if (auth_text(call, "email") == NULL)
    auth_fail(call, 400, "validation_failed", "An email address is required");
  else if (strcmp(type, "signup") == 0 && auth_text(call, "password") == NULL)
    auth_fail(call, 400, "validation_failed", "Signup requires a valid password");
  else
    auth_do(call, auth_link_work);
}

/* ---- GET and POST /verify */

struct auth_token {
  struct auth_call *call;
  const char *token, *type;
  const char *access_token, *refresh_token; /* of the session that it was exchanged for */
  int64_t expires_at;
  int expires_in;
};

/* "email" stands for any link that came by mail. */
static bool auth_token_permits(const char *permissions, const char *type) {
  static const char *const types[] = {"signup", "invite", "magiclink", "recovery"};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    char permission[64];
    snprintf(permission, sizeof permission, "\"verify:%s\"", types[i]);
    if (strstr(permissions, permission) &&
        (strcmp(type, types[i]) == 0 || strcmp(type, "email") == 0))
      return true;
  }
  return false;
}

static int auth_token_work(struct web_request *request, ledger *db, void *context) {
  struct auth_token *token = context;
  struct auth_call *call = token->call;
  const ledger_user_change change = {.confirm = 1, .by_administrator = 1};
  ledger_client client = auth_client(call);
  ledger_identity identity;
  ledger_user user;
  ledger_session session;
  int rc = ledger_key_verify(db, token->token, &identity);
  if (rc != LEDGER_OK) return auth_done(call, db, rc);
  if (!auth_token_permits(identity.permissions, token->type)) {
    call->ran = true;
    call->error = (ledger_error){.code = LEDGER_BAD_KEY};
    return LEDGER_BAD_KEY;
  }
  const char *key_id = web_keep_text(request, identity.key_id, strlen(identity.key_id));
  const char *user_id = web_keep_text(request, identity.user_id, strlen(identity.user_id));
  if (key_id == NULL || user_id == NULL) return auth_memory(call);
  rc = ledger_key_revoke(db, key_id);
  if (rc == LEDGER_OK) rc = ledger_user_update(db, user_id, &change, &user);
  if (rc == LEDGER_OK) rc = ledger_session_open(db, user_id, "otp", &client, &session);
  if (rc != LEDGER_OK) return auth_done(call, db, rc);
  auth_session_write(&call->reply->body, &session);
  token->access_token = web_keep_text(request, session.access_token, strlen(session.access_token));
  token->refresh_token =
      web_keep_text(request, session.refresh_token, strlen(session.refresh_token));
  token->expires_at = session.expires_at;
  token->expires_in = session.expires_in;
  if (token->access_token == NULL || token->refresh_token == NULL) return auth_memory(call);
  return auth_done(call, db, LEDGER_OK);
}

static bool auth_exchange(struct auth_token *token) {
  struct auth_call *call = token->call;
  if (token->token == NULL || token->type == NULL)
    auth_fail(call, 400, "validation_failed",
              token->token ? "Verify requires a verification type"
                           : "Verify requires a token or a token hash");
  else if (web_write(call->request, call->reply, auth_token_work, token) == LEDGER_OK)
    return true;
  else if (call->ran && call->error.code == LEDGER_BAD_KEY)
    auth_fail(call, 403, "otp_expired", "Token has expired or is invalid");
  else if (call->ran)
    auth_fail_with(call, &call->error);
  return false;
}

/* A code of six digits comes by mail or phone: none was given out. */
static void auth_verify(struct auth_call *call) {
  struct auth_token token = {
      .call = call, .token = auth_text(call, "token_hash"), .type = auth_text(call, "type")};
  if (token.token == NULL && token.type && auth_text(call, "token"))
    auth_fail(call, 403, "otp_expired", "Token has expired or is invalid");
  else
    auth_exchange(&token);
}

/* The link itself, followed by a browser: on to where the administrator said, the session in the fragment, which stays in the
** browser. Nobody is sent anywhere without a good token. */
static void auth_verify_link(struct auth_call *call) {
  struct web_request *request = call->request;
  const char *target = web_request_parameter(request, "redirect_to");
  struct auth_token token = {.call = call,
                             .token = web_request_parameter(request, "token"),
                             .type = web_request_parameter(request, "type")};
  struct web_text location = {0};
  if (token.token == NULL) token.token = web_request_parameter(request, "token_hash");
  if (!auth_exchange(&token)) return;
  if (target == NULL || (strncmp(target, "https://", 8) && strncmp(target, "http://", 7))) return;
  web_text_add(&location, target, strcspn(target, "#"));
  auth_link_parameter(&location, "#access_token=", token.access_token);
  web_text_format(&location, "&expires_at=%" PRId64 "&expires_in=%d", token.expires_at,
                  token.expires_in);
  auth_link_parameter(&location, "&refresh_token=", token.refresh_token);
  auth_link_parameter(&location, "&token_type=bearer&type=", token.type);
  call->reply->body.length = 0;
  call->reply->body.failed = location.failed;
  call->reply->status = 303;
  if (!location.failed) web_header(call->reply, "Location", "%s", location.bytes);
  web_text_free(&location);
}
