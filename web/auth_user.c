/*
** auth_user: users and sessions as JSON, and what a user does with his own: read it, change it, sign out.
*/

/* ---- as JSON */

/* The members of app_metadata: a user that came with the schema's rows has none that say how he signs in. */
static void auth_user_metadata(struct web_text *out, const ledger_user *user,
                               const char *provider) {
  const char *own = user->app_metadata[0] == '{' ? user->app_metadata : "{}";
  cJSON *parsed = cJSON_Parse(own);
  if (provider == NULL || cJSON_GetObjectItemCaseSensitive(parsed, "provider") != NULL) {
    web_text_put(out, own);
  } else {
    web_text_format(out, "{\"provider\":\"%s\",\"providers\":[\"%s\"]%s", provider, provider,
                    cJSON_GetArraySize(parsed) > 0 ? "," : "");
    web_text_put(out, own + 1);
  }
  cJSON_Delete(parsed);
}

static void auth_user_moment(struct web_text *out, const char *name, const char *moment) {
  if (moment[0] == '\0') return;
  web_text_format(out, ",\"%s\":", name);
  web_text_json(out, moment);
}

/* The one way to sign in that there is: by the address, or else by the phone. Supabase's identity has an id of its own; ours, of
** which a user has one, has the user's. */
static void auth_user_identity(struct web_text *out, const ledger_user *user,
                               const char *provider) {
  bool by_email = user->email[0] != '\0';
  const char *confirmed = by_email ? user->email_confirmed_at : user->phone_confirmed_at;
  web_text_put(out, "{\"identity_id\":");
  web_text_json(out, user->id);
  web_text_put(out, ",\"id\":");
  web_text_json(out, user->id);
  web_text_put(out, ",\"user_id\":");
  web_text_json(out, user->id);
  web_text_put(out, ",\"identity_data\":{\"sub\":");
  web_text_json(out, user->id);
  web_text_format(out, ",\"%s\":", provider);
  web_text_json(out, by_email ? user->email : user->phone);
  web_text_format(out, ",\"email_verified\":%s,\"phone_verified\":%s},\"provider\":\"%s\"",
                  by_email && confirmed[0] ? "true" : "false",
                  !by_email && confirmed[0] ? "true" : "false", provider);
  auth_user_moment(out, "last_sign_in_at", user->last_sign_in_at);
  auth_user_moment(out, "created_at", user->created_at);
  auth_user_moment(out, "updated_at", user->updated_at);
  if (by_email) {
    web_text_put(out, ",\"email\":");
    web_text_json(out, user->email);
  }
  web_text_put(out, "}");
}

/* The members of a user, without the braces: generate_link has more. */
static void auth_user_members(struct web_text *out, const ledger_user *user) {
  const char *provider = user->email[0] ? "email" : user->phone[0] ? "phone" : NULL;
  web_text_put(out, "\"id\":");
  web_text_json(out, user->id);
  web_text_put(out, ",\"aud\":\"authenticated\",\"role\":");
  web_text_json(out, user->role);
  web_text_put(out, ",\"email\":");
  web_text_json(out, user->email);
  auth_user_moment(out, "email_confirmed_at", user->email_confirmed_at);
  web_text_put(out, ",\"phone\":");
  web_text_json(out, user->phone);
  auth_user_moment(out, "phone_confirmed_at", user->phone_confirmed_at);
  auth_user_moment(out, "confirmed_at",
                   user->email_confirmed_at[0] ? user->email_confirmed_at
                                               : user->phone_confirmed_at);
  auth_user_moment(out, "last_sign_in_at", user->last_sign_in_at);
  web_text_put(out, ",\"app_metadata\":");
  auth_user_metadata(out, user, provider);
  web_text_put(out, ",\"user_metadata\":");
  web_text_put(out, user->user_metadata[0] == '{' ? user->user_metadata : "{}");
  web_text_put(out, ",\"identities\":[");
  if (provider) auth_user_identity(out, user, provider);
  web_text_put(out, "]");
  auth_user_moment(out, "created_at", user->created_at);
  auth_user_moment(out, "updated_at", user->updated_at);
  auth_user_moment(out, "banned_until", user->banned_until);
  auth_user_moment(out, "deleted_at", user->deleted_at);
  web_text_format(out, ",\"is_anonymous\":%s", user->is_anonymous ? "true" : "false");
}

static void auth_user_write(struct web_text *out, const ledger_user *user) {
  web_text_put(out, "{");
  auth_user_members(out, user);
  web_text_put(out, "}");
}

static void auth_session_write(struct web_text *out, const ledger_session *session) {
  web_text_put(out, "{\"access_token\":");
  web_text_json(out, session->access_token);
  web_text_format(out,
                  ",\"token_type\":\"bearer\",\"expires_in\":%d,\"expires_at\":%" PRId64
                  ",\"refresh_token\":",
                  session->expires_in, session->expires_at);
  web_text_json(out, session->refresh_token);
  web_text_put(out, ",\"user\":");
  auth_user_write(out, &session->user);
  web_text_put(out, "}");
}

/* ---- what the operations share */

/* RFC 3339 in UTC, `seconds` from now. */
static void auth_moment(char out[32], int64_t seconds) {
  time_t moment = time(NULL) + (time_t)seconds;
  struct tm parts;
  gmtime_r(&moment, &parts);
  strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static bool auth_is_uuid(const char *text) {
  size_t length = strlen(text);
  if (length != 36) return false;
  for (size_t i = 0; i < length; i++)
    if (i == 8 || i == 13 || i == 18 || i == 23 ? text[i] != '-'
                                                : !strchr("0123456789abcdefABCDEF", text[i]))
      return false;
  return true;
}

/* What may be an id of a user; a schema may have others than uuids. */
static bool auth_is_id(const char *text) {
  return text[0] &&
         text[strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-")] ==
             '\0';
}

static bool auth_user_banned(const ledger_user *user) {
  char now[32];
  auth_moment(now, 0);
  return user->banned_until[0] && strncmp(user->banned_until, now, 19) > 0;
}

/* A member of the body as text; NULL where it is absent, null or, as for Supabase's server, empty. Types were checked before. */
static const char *auth_text(const struct auth_call *call, const char *name) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(call->body, name));
  return text && text[0] ? text : NULL;
}

static bool auth_flag(const struct auth_call *call, const char *name) {
  return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(call->body, name));
}

/* A member that is an object, printed anew; *out is NULL where it is absent or null. False: there is no memory. */
static bool auth_object(struct auth_call *call, const char *name, const char **out) {
  const cJSON *member = cJSON_GetObjectItemCaseSensitive(call->body, name);
  *out = NULL;
  if (!cJSON_IsObject(member)) return true;
  char *printed = cJSON_PrintUnformatted(member);
  if (printed) *out = web_keep_text(call->request, printed, strlen(printed));
  free(printed);
  return *out != NULL;
}

static const ledger_auth_settings *auth_settings(const struct auth_call *call) {
  static const ledger_auth_settings defaults;
  const ledger_auth_settings *settings = call->request->server->options->auth;
  return settings ? settings : &defaults;
}

static ledger_client auth_client(const struct auth_call *call) {
  return (ledger_client){.ip_address = call->request->address,
                         .user_agent = call->request->user_agent};
}

/* Runs `work` with a writer's handle; it builds the reply's body itself, since what the library gives ends with the call. False: it
** was refused. Where it ran to auth_done() the caller says why, by call->error; else the reply says it already. */
static bool auth_write(struct auth_call *call,
                       int (*work)(struct web_request *request, ledger *db, void *call)) {
  return web_write(call->request, call->reply, work, call) == LEDGER_OK;
}

/* The end of all work: keeps the error of the handle, for it is the next one's from then on. */
static int auth_done(struct auth_call *call, ledger *db, int rc) {
  call->ran = true;
  if (rc != LEDGER_OK) call->error = *ledger_error_of(db);
  return rc;
}

static int auth_memory(struct auth_call *call) {
  call->ran = true;
  call->error = (ledger_error){.code = LEDGER_MEMORY, .message = "out of memory"};
  return LEDGER_MEMORY;
}

/* Does the work, or refuses with the library's error in the common words. */
static bool auth_do(struct auth_call *call,
                    int (*work)(struct web_request *request, ledger *db, void *call)) {
  if (auth_write(call, work)) return true;
  if (call->ran) auth_fail_with(call, &call->error);
  return false;
}

/* ---- GET /user */

static void auth_user_get(struct auth_call *call) {
  ledger *db = web_reader(call->request, call->reply);
  ledger_user user;
  if (db == NULL) return;
  if (ledger_user_get(db, call->id, &user) != LEDGER_OK) {
    const ledger_error *error = ledger_error_of(db);
    if (error->code == LEDGER_UNKNOWN_USER)
      auth_fail(call, 403, "user_not_found", "User from sub claim in JWT does not exist");
    else
      auth_fail_with(call, error);
  } else if (auth_user_banned(&user)) {
    auth_fail(call, 403, "user_banned", "User is banned");
  } else {
    auth_user_write(&call->reply->body, &user);
  }
}

/* ---- PUT /user */

/* What the change leads to depends on what the user is; both under one handle that writes. */
static int auth_user_change_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  const char *session = request->identity.session_id;
  const char *email = auth_text(call, "email"), *phone = auth_text(call, "phone"),
             *password = cJSON_GetStringValue(
                 cJSON_GetObjectItemCaseSensitive(call->body, "password")); /* "" is too short */
  bool must_confirm = auth_settings(call)->must_confirm;
  ledger_user user;
  int rc = ledger_user_get(db, call->id, &user);
  if (rc != LEDGER_OK) return auth_done(call, db, rc);
  if (user.is_anonymous && password && !email && !phone && !user.email[0]) {
    auth_fail(call, 422, "validation_failed",
              "Updating password of an anonymous user without an email or phone is not allowed");
    return LEDGER_INVALID_PARAMETER;
  }
  if (must_confirm && ((email && strcasecmp(email, user.email) != 0) ||
                       (phone && strcmp(phone, user.phone) != 0))) {
    auth_fail(call, 422, "otp_disabled",
              "A new address has to be proven by mail, and no mail is sent here");
    return LEDGER_INVALID_PARAMETER;
  }
  ledger_user_change change = {.email = email,
                               .phone = phone,
                               .password = password,
                               .session_id = session[0] ? session : NULL,
                               .confirm = !must_confirm};
  if (!auth_object(call, "data", &change.user_metadata)) return auth_memory(call);
  rc = ledger_user_update(db, call->id, &change, &user);
  if (rc != LEDGER_OK) return auth_done(call, db, rc);
  auth_user_write(&call->reply->body, &user);
  return auth_done(call, db, LEDGER_OK);
}

static void auth_user_put(struct auth_call *call) {
  if (cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(call->body, "app_metadata"))) {
    auth_fail(call, 403, "not_admin", "Updating app_metadata requires admin privileges");
    return;
  }
  if (auth_write(call, auth_user_change_work) || !call->ran) return;
  if (call->error.code == LEDGER_USER_EXISTS && auth_text(call, "phone") &&
      !auth_text(call, "email"))
    auth_fail(call, 422, "phone_exists",
              "A user with this phone number has already been registered");
  else
    auth_fail_with(call, &call->error);
}

/* ---- POST /logout */

static int auth_logout_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  const char *scope = web_request_parameter(request, "scope"),
             *session = request->identity.session_id;
  enum ledger_scope reach = LEDGER_SCOPE_GLOBAL;
  if (scope && session[0] && strcmp(scope, "local") == 0) reach = LEDGER_SCOPE_LOCAL;
  if (scope && session[0] && strcmp(scope, "others") == 0) reach = LEDGER_SCOPE_OTHERS;
  return auth_done(call, db, ledger_session_close(db, call->id, session, reach));
}

static void auth_logout(struct auth_call *call) {
  const char *scope = web_request_parameter(call->request, "scope");
  if (scope && scope[0] && strcmp(scope, "global") && strcmp(scope, "local") &&
      strcmp(scope, "others"))
    auth_fail(call, 400, "validation_failed", "Unsupported logout scope \"%s\"", scope);
  else if (auth_do(call, auth_logout_work))
    call->reply->status = 204;
}

/* A second factor may be asked for by any client: there are none. */
static void auth_no_factors(struct auth_call *call) {
  const char *type = auth_text(call, "factor_type");
  if (type && strcmp(type, "phone") == 0)
    auth_fail(call, 422, "mfa_phone_enroll_not_enabled", "MFA enroll is disabled for Phone");
  else if (type && strcmp(type, "webauthn") == 0)
    auth_fail(call, 422, "mfa_webauthn_enroll_not_enabled", "MFA enroll is disabled for WebAuthn");
  else
    auth_fail(call, 422, "mfa_totp_enroll_not_enabled", "MFA enroll is disabled for TOTP");
}
