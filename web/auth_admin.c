/*
** auth_admin: users as an administrator keeps them, by the service_role key.
*/

/* A duration as Go writes it, "24h" or "1h30m"; "none" is 0. False: it is none, or longer than a hundred years. */
static bool auth_duration(const char *text, int64_t *seconds) {
  static const struct {
    const char *name;
    double seconds;
  } units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  double total = 0;
  *seconds = 0;
  if (strcmp(text, "none") == 0) return true;
  if (text[0] == '\0') return false;
  while (*text) {
    double number = 0, place = 1;
    size_t digits = strspn(text, "0123456789"), unit = 0, length;
    if (digits == 0 || digits > 15) return false;
    for (; digits > 0; digits--) number = number * 10 + (*text++ - '0');
    if (*text == '.')
      for (text++; *text >= '0' && *text <= '9'; text++) number += (*text - '0') * (place /= 10);
    length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    while (unit < sizeof units / sizeof units[0] &&
           (strlen(units[unit].name) != length || strncmp(units[unit].name, text, length)))
      unit++;
    if (unit == sizeof units / sizeof units[0]) return false;
    total += number * units[unit].seconds;
    text += length;
    if (total > 100.0 * 366 * 86400) return false;
  }
  *seconds = (int64_t)total;
  return true;
}

/* What the body says about a user. False: it was refused. `until` is room for the ban's end. */
static bool auth_admin_change(struct auth_call *call, ledger_user_change *change, char until[32]) {
  const char *ban = auth_text(call, "ban_duration");
  int64_t seconds = 0;
  if (ban && !auth_duration(ban, &seconds)) {
    auth_fail(call, 400, "validation_failed",
              "invalid format for ban duration: time: invalid duration \"%.64s\"", ban);
    return false;
  }
  if (auth_text(call, "password") && auth_text(call, "password_hash")) {
    auth_fail(call, 400, "validation_failed",
              "Only a password or a password hash should be provided");
    return false;
  }
  until[0] = '\0';
  if (seconds > 0) auth_moment(until, seconds);
  *change = (ledger_user_change){.email = auth_text(call, "email"),
                                 .phone = auth_text(call, "phone"),
                                 .password = auth_text(call, "password"),
                                 .password_hash = auth_text(call, "password_hash"),
                                 .role = auth_text(call, "role"),
                                 .banned_until = ban ? until : NULL,
                                 .confirm = auth_flag(call, "email_confirm") ||
                                            auth_flag(call, "phone_confirm"),
                                 .by_administrator = 1};
  if (auth_object(call, "app_metadata", &change->app_metadata) &&
      auth_object(call, "user_metadata", &change->user_metadata))
    return true;
  auth_memory(call);
  return false;
}

static void auth_admin_fail(struct auth_call *call) {
  if (call->error.code == LEDGER_USER_EXISTS && auth_text(call, "phone") &&
      !auth_text(call, "email"))
    auth_fail(call, 422, "phone_exists", "Phone number already registered by another user");
  else
    auth_fail_with(call, &call->error);
}

/* ---- POST /admin/users */

static int auth_admin_create_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  ledger_user_change change;
  ledger_user user;
  char until[32];
  (void)request;
  if (!auth_admin_change(call, &change, until)) return LEDGER_INVALID_PARAMETER;
  change.id = auth_text(call, "id");
  int rc = ledger_user_create(db, &change, &user);
  if (rc == LEDGER_OK) auth_user_write(&call->reply->body, &user);
  return auth_done(call, db, rc);
}

static void auth_admin_create(struct auth_call *call) {
  const char *id = auth_text(call, "id");
  if (auth_text(call, "email") == NULL && auth_text(call, "phone") == NULL)
    auth_fail(call, 400, "validation_failed",
              "Cannot create a user without either an email or phone");
  else if (id && !auth_is_uuid(id))
    auth_fail(call, 400, "validation_failed", "ID must conform to the uuid v4 format");
  else if (!auth_write(call, auth_admin_create_work) && call->ran)
    auth_admin_fail(call);
}

/* ---- GET /admin/users */

static int auth_admin_each(void *context, const ledger_user *user) {
  struct web_text *out = context;
  if (out->bytes[out->length - 1] != '[') web_text_put(out, ",");
  auth_user_write(out, user);
  return out->failed;
}

/* A number from 1 to max; absent or empty is `otherwise`. */
static bool auth_admin_number(struct auth_call *call, const char *name, int64_t otherwise,
                              int64_t max, int64_t *out) {
  const char *text = web_request_parameter(call->request, name);
  *out = otherwise;
  if (text == NULL || text[0] == '\0') return true;
  size_t digits = strspn(text, "0123456789");
  if (text[digits] == '\0' && digits < 10) *out = strtoll(text, NULL, 10);
  if (text[digits] == '\0' && digits < 10 && *out >= 1 && *out <= max) return true;
  auth_fail(call, 400, "validation_failed",
            "Bad Pagination Parameters: %s is a number from 1 to %" PRId64, name, max);
  return false;
}

/* The client takes the page from behind the first '=' of each link: it is the first parameter. */
static void auth_admin_links(struct auth_call *call, int64_t page, int64_t per_page,
                             int64_t total) {
  int64_t last = total > 0 ? (total + per_page - 1) / per_page : 1;
  const char *path = call->request->path;
  if (page < last)
    web_header(call->reply, "Link",
               "<%s?page=%" PRId64 "&per_page=%" PRId64 ">; rel=\"next\", <%s?page=%" PRId64
               "&per_page=%" PRId64 ">; rel=\"last\"",
               path, page + 1, per_page, path, last, per_page);
  else
    web_header(call->reply, "Link", "<%s?page=%" PRId64 "&per_page=%" PRId64 ">; rel=\"last\"",
               path, last, per_page);
  web_header(call->reply, "X-Total-Count", "%" PRId64, total);
}

static void auth_admin_list(struct auth_call *call) {
  struct web_text *out = &call->reply->body;
  int64_t page, per_page, total = 0;
  if (!auth_admin_number(call, "page", 1, 1000000000, &page) ||
      !auth_admin_number(call, "per_page", 50, 1000, &per_page))
    return;
  ledger *db = web_reader(call->request, call->reply);
  if (db == NULL) return;
  web_text_put(out, "{\"users\":[");
  if (out->failed ||
      ledger_user_list(db, page, (int)per_page, auth_admin_each, out, &total) != LEDGER_OK) {
    auth_fail_with(call, ledger_error_of(db));
    return;
  }
  web_text_put(out, "],\"aud\":\"authenticated\"}");
  auth_admin_links(call, page, per_page, total);
}

/* ---- /admin/users/{id} */

static void auth_admin_get(struct auth_call *call) {
  ledger *db = web_reader(call->request, call->reply);
  ledger_user user;
  if (db == NULL) return;
  if (ledger_user_get(db, call->id, &user) == LEDGER_OK)
    auth_user_write(&call->reply->body, &user);
  else
    auth_fail_with(call, ledger_error_of(db));
}

static int auth_admin_update_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  ledger_user_change change;
  ledger_user user;
  char until[32];
  (void)request;
  if (!auth_admin_change(call, &change, until)) return LEDGER_INVALID_PARAMETER;
  int rc = ledger_user_update(db, call->id, &change, &user);
  if (rc == LEDGER_OK) auth_user_write(&call->reply->body, &user);
  return auth_done(call, db, rc);
}

static void auth_admin_update(struct auth_call *call) {
  if (!auth_write(call, auth_admin_update_work) && call->ran) auth_admin_fail(call);
}

static int auth_admin_delete_work(struct web_request *request, ledger *db, void *context) {
  struct auth_call *call = context;
  (void)request;
  return auth_done(call, db,
                   ledger_user_delete(db, call->id, auth_flag(call, "should_soft_delete")));
}

static void auth_admin_delete(struct auth_call *call) {
  if (auth_do(call, auth_admin_delete_work)) web_text_put(&call->reply->body, "{}");
}

static void auth_admin_factors(struct auth_call *call) {
  web_text_put(&call->reply->body, "[]");
}
