/*
** user_change.c: users made, changed and deleted. What the schema has a column for goes there, through the store, so that checks,
** triggers, the audit trail and sync see it as any other row; the rest goes into ledger_user.
*/
#include "../internal.h"
#include "user.h"

#define USER_EMAIL_MAX 255
#define USER_APP_METADATA_MAX 1024 /* bytes: both stand in every token, and a token has 8 KiB */
#define USER_USER_METADATA_MAX 4000
#define USER_NO_PASSWORD "!" /* verifies nothing */

/* ---- addresses and numbers */

/* One at-sign, something before it, and behind it a name with a dot; no spaces or control characters. */
static bool user_is_address(const char *text) {
  size_t length = strlen(text);
  const char *at = strchr(text, '@');
  if (length > USER_EMAIL_MAX || at == NULL || at == text || at - text > 64) return false;
  const char *host = at + 1, *dot = strrchr(host, '.');
  if (dot == NULL || dot == host || strlen(dot) < 3 || strchr(host, '@') != NULL) return false;
  if (strstr(host, "..") != NULL || host[0] == '.') return false;
  for (const char *p = text; *p != 0; p++)
    if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"(),:;<>[]\\", *p) != NULL) return false;
  size_t tail = sizeof USER_NO_ADDRESS - 1;
  return length < tail || strcmp(text + length - tail, USER_NO_ADDRESS) != 0;
}

LEDGER_PRIVATE int user_read_email(ledger *db, const char *text, const char **out) {
  *out = NULL;
  if (text == NULL) return LEDGER_OK;
  int rc = text_check(text, strlen(text), &db->error);
  if (rc != LEDGER_OK) return rc;
  *out = user_small(db, text);
  if (*out == NULL) return db->error.code;
  if (user_is_address(*out)) return LEDGER_OK;
  return error_set(&db->error, LEDGER_INVALID_PARAMETER, "not an address for mail: \"%.100s\"",
                   text);
}

LEDGER_PRIVATE int user_read_phone(ledger *db, const char *text, const char **out) {
  *out = NULL;
  if (text == NULL) return LEDGER_OK;
  size_t length = 0;
  char digits[16];
  bool is_number = true;
  for (const char *p = text; is_number && *p != 0; p++) {
    if (*p == ' ' || *p == '-' || (*p == '+' && p == text)) continue;
    is_number = *p >= '0' && *p <= '9' && length < 15;
    if (is_number) digits[length++] = *p;
  }
  if (!is_number || length < 6)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "not a phone number: \"%.40s\"", text);
  *out = arena_copy(&db->arena, digits, length);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int user_read_role(ledger *db, const char *role) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
  size_t length = strlen(role);
  if (length > 0 && length <= LEDGER_NAME_MAX && strspn(role, letters) == length) return LEDGER_OK;
  return error_set(&db->error, LEDGER_INVALID_PARAMETER, "not a role: \"%.63s\"", role);
}

/* ---- writing */

LEDGER_PRIVATE int user_write_own(ledger *db, const struct user *user) {
  const struct user_own *own = &user->own;
  const struct value values[] = {user_text(user->id),
                                 user_text(own->email),
                                 user_text(own->phone),
                                 user_text(own->password_hash),
                                 user_text(own->role),
                                 user_text(own->app_metadata),
                                 user_text(own->user_metadata),
                                 user_integer(own->is_anonymous),
                                 user_moment(own->email_confirmed_at),
                                 user_moment(own->phone_confirmed_at),
                                 user_moment(own->last_sign_in_at),
                                 user_moment(own->banned_until),
                                 user_moment(own->deleted_at),
                                 user_integer(own->created_at),
                                 user_integer(own->updated_at)};
  int rc = user_run(db, STATEMENT_USER_WRITE, (int)(sizeof values / sizeof *values), values);
  if (rc != LEDGER_UNIQUE) return rc;
  return error_set(&db->error, LEDGER_USER_EXISTS, "another user has the address or the number");
}

/* The schema's words for what was given wrongly, in ours where we have some. */
static int user_refused(ledger *db, const struct user_tables *tables, int rc) {
  const char *email = tables->users->columns[tables->email].name;
  if (rc == LEDGER_UNIQUE && strstr(db->error.detail, email) != NULL)
    return error_set(&db->error, LEDGER_USER_EXISTS, "another user has the address");
  if (rc == LEDGER_CHECK && strstr(db->error.constraint, email) != NULL) {
    char constraint[sizeof db->error.constraint];
    memcpy(constraint, db->error.constraint, sizeof constraint);
    error_set(&db->error, LEDGER_INVALID_PARAMETER, "the schema does not take the address");
    return error_detail(&db->error, "It violates the check constraint \"%s\".", constraint);
  }
  if (rc == LEDGER_NOT_NULL)
    error_hint(&db->error, "first_name, last_name, name, full_name, username, display_name and"
                           " avatar_url are taken from user_metadata.");
  return rc;
}

/* Where the hash of a password goes. */
static void user_set_password(struct user_values *values, const struct user_tables *tables,
                              struct user *user, const char *hash) {
  if (tables->password >= 0 && !tables->password_is_short) {
    user_set_text(values, tables->users, tables->password, hash);
    user->own.password_hash = NULL;
  } else {
    user->own.password_hash = hash;
  }
  user->password_hash = hash;
}

/* Where the address's confirmation goes; 0: it is not proven. */
static int user_set_confirmed(ledger *db, struct user_values *values,
                              const struct user_tables *tables, struct user *user,
                              int64_t time_us) {
  user->own.email_confirmed_at = tables->email_verified_at >= 0 ? 0 : time_us;
  user->email_confirmed_at = time_us;
  if (tables->users == NULL) return LEDGER_OK;
  user_set(values, tables->users, tables->email_verified, LEDGER_BOOLEAN, NULL, time_us != 0);
  return user_set_time(db, values, tables->users, tables->email_verified_at, time_us);
}

/* ---- a new user */

/* A name that the schema demands and nobody gave: empty, or for a username what stands before the at-sign and some of the id. */
static int user_default_name(ledger *db, const struct column *column, const struct user *user,
                             const char **out) {
  *out = NULL;
  bool has_default = column->default_kind != COLUMN_NO_DEFAULT;
  if (!column->not_null || has_default) return LEDGER_OK;
  if (strcmp(column->name, "username") != 0) {
    *out = "";
    return LEDGER_OK;
  }
  size_t length = strcspn(user->email, "@");
  sqlite3_str *name = sqlite3_str_new(NULL);
  unsigned char random[4];
  char digits[2 * sizeof random + 1];
  seal_random(random, sizeof random);
  text_hex(random, sizeof random, digits);
  sqlite3_str_appendf(name, "%.*s%s%s", (int)(length < 40 ? length : 40), user->email,
                      length == 0 ? "user-" : "-", digits);
  *out = arena_finish(&db->arena, name);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int user_set_names(ledger *db, struct user_values *values, const struct user_tables *tables,
                          const struct user *user, bool is_new) {
  for (int i = 0; i < USER_NAME_COLUMNS; i++) {
    if (tables->names[i] < 0) continue;
    const struct column *column = &tables->users->columns[tables->names[i]];
    const char *text;
    int rc = metadata_text(db, user->own.user_metadata, column->name, &text);
    if (rc == LEDGER_OK && text == NULL && is_new) rc = user_default_name(db, column, user, &text);
    if (rc != LEDGER_OK) return rc;
    if (text != NULL) user_set_text(values, tables->users, tables->names[i], text);
  }
  return LEDGER_OK;
}

/* users.email where there is none: an address that reaches nobody, where the column wants one. */
static int user_no_address(ledger *db, const struct user_tables *tables, const char **out) {
  char unique[37];
  *out = NULL;
  if (!tables->users->columns[tables->email].not_null) return LEDGER_OK;
  id_uuid4(unique);
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s%s", unique, USER_NO_ADDRESS);
  *out = arena_finish(&db->arena, text);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* The row of users; the user's id follows from it where the schema makes it. */
static int user_insert_row(ledger *db, const struct user_tables *tables, struct user *user,
                           const char *hash) {
  const struct relation *users = tables->users;
  struct user_values values = {0};
  const char *email = user->email;
  int rc = email[0] == 0 ? user_no_address(db, tables, &email) : LEDGER_OK;
  if (rc != LEDGER_OK) return rc;
  if (user->id != NULL) user_set_text(&values, users, tables->id, user->id);
  user_set_text(&values, users, tables->email, email);
  user_set_password(&values, tables, user, hash);
  if (tables->password_is_short) user_set_text(&values, users, tables->password, USER_NO_PASSWORD);
  rc = user_set_confirmed(db, &values, tables, user, user->email_confirmed_at);
  if (rc == LEDGER_OK) rc = user_set_names(db, &values, tables, user, true);
  if (rc == LEDGER_OK) rc = user_insert(db, users, &values, tables->id, &user->key);
  if (rc != LEDGER_OK) return user_refused(db, tables, rc);
  if (user->key.kind == VALUE_INTEGER) {
    sqlite3_str *text = sqlite3_str_new(NULL);
    sqlite3_str_appendf(text, "%lld", (long long)user->key.integer);
    user->id = arena_finish(&db->arena, text);
  } else {
    user->id = arena_copy(&db->arena, user->key.text, user->key.length);
  }
  return user->id == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* Rows that the seeds give each user: the settings' defaults, a verification that waits, the role "user". */
static int user_insert_beside(ledger *db, const struct user_tables *tables,
                              const struct user *user) {
  const struct relation *beside[] = {tables->settings, tables->kyc};
  bool is_role;
  int rc = LEDGER_OK;
  for (int i = 0; rc == LEDGER_OK && i < 2; i++) {
    struct user_values values = {0};
    const struct relation *relation = beside[i];
    if (relation == NULL) continue;
    rc = user_set_id(db, &values, relation,
                     user_column(relation, (const char *const[]){"user_id", NULL}), &user->key);
    if (rc == LEDGER_OK) rc = user_insert(db, relation, &values, 0, NULL);
  }
  if (rc != LEDGER_OK || tables->user_roles == NULL) return rc;
  return role_give(db, tables, user, "user",
                   &is_role); /* is none where the seed rows were left out */
}

/* What of a change is the same for a new user and one that is there: read and found good. */
static int user_read_change(ledger *db, const struct user_state *state,
                            const ledger_user_change *change, struct user *user, const char **email,
                            const char **phone) {
  struct user_own *own = &user->own;
  int rc = user_read_email(db, change->email, email);
  if (rc == LEDGER_OK) rc = user_read_phone(db, change->phone, phone);
  if (rc == LEDGER_OK)
    rc = metadata_merge(db, "user_metadata", own->user_metadata, change->user_metadata,
                        USER_USER_METADATA_MAX, &own->user_metadata);
  if (rc == LEDGER_OK && change->password != NULL)
    rc = password_check(db, &state->settings, change->password);
  if (rc != LEDGER_OK) return rc;
  if (!change->by_administrator) {
    if (change->role != NULL || change->app_metadata != NULL || change->banned_until != NULL ||
        change->password_hash != NULL)
      return error_set(&db->error, LEDGER_FORBIDDEN,
                       "role, app_metadata, ban and hash are an administrator's to set");
    return LEDGER_OK;
  }
  if (change->role != NULL) {
    rc = user_read_role(db, change->role);
    if (rc == LEDGER_OK) own->role = arena_copy(&db->arena, change->role, strlen(change->role));
    if (rc == LEDGER_OK && own->role == NULL) rc = error_memory(&db->error);
  }
  if (rc == LEDGER_OK)
    rc = metadata_merge(db, "app_metadata", own->app_metadata, change->app_metadata,
                        USER_APP_METADATA_MAX, &own->app_metadata);
  if (rc == LEDGER_OK && change->password_hash != NULL)
    rc = password_read_hash(db, change->password_hash);
  if (rc == LEDGER_OK && change->banned_until != NULL) {
    own->banned_until = 0;
    if (change->banned_until[0] != 0)
      rc = user_time_read(db, change->banned_until, &own->banned_until);
  }
  return rc;
}

static int user_check_new(ledger *db, const struct user_state *state,
                          const ledger_user_change *change) {
  const ledger_auth_settings *settings = &state->settings;
  bool has_name = (change->email != NULL && change->email[0] != 0) ||
                  (change->phone != NULL && change->phone[0] != 0);
  if (!change->by_administrator && settings->signup_disabled)
    return error_set(&db->error, LEDGER_FORBIDDEN, "signing up is not allowed here");
  if (!change->by_administrator && change->is_anonymous && settings->anonymous_disabled)
    return error_set(&db->error, LEDGER_FORBIDDEN, "anonymous sign-ins are not allowed here");
  if (!has_name && !change->is_anonymous)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER,
                     "a user needs an address or a phone number");
  if (!change->by_administrator && !change->is_anonymous && change->password == NULL)
    return error_set(&db->error, LEDGER_WEAK_PASSWORD, "a user who signs up needs a password");
  return LEDGER_OK;
}

/* The id of a new user, NULL where the schema numbers its users. */
static int user_new_id(ledger *db, const struct user_tables *tables, const char *given,
                       const char **out) {
  static const struct type uuid = {.id = TYPE_UUID, .length = -1};
  struct value value;
  char minted[37];
  *out = NULL;
  if (given == NULL && tables->has_integers) return LEDGER_OK;
  if (given != NULL && !tables->has_integers) {
    int rc = type_input(&uuid, given, strlen(given), &db->arena, &value, &db->error);
    if (rc != LEDGER_OK) return rc;
    *out = arena_copy(&db->arena, value.text, value.length);
  } else if (given != NULL) {
    *out = arena_copy(&db->arena, given, strlen(given));
  } else {
    id_uuid7(minted);
    *out = arena_copy(&db->arena, minted, 36);
  }
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int user_insert_all(ledger *db, const struct user_tables *tables, struct user *user,
                           const char *hash) {
  int rc = LEDGER_OK;
  user->own.created_at = user->own.updated_at = db->session.now_us;
  if (tables->users != NULL) {
    rc = user_insert_row(db, tables, user, hash);
  } else {
    user->own.email = user->email[0] == 0 ? NULL : user->email;
    user->own.password_hash = hash;
    user->own.email_confirmed_at = user->email_confirmed_at;
  }
  if (rc == LEDGER_OK) rc = user_write_own(db, user);
  return rc == LEDGER_OK ? user_insert_beside(db, tables, user) : rc;
}

static int user_exists(ledger *db, const char *email, const char *phone) {
  struct user other;
  bool found = false;
  int rc = email == NULL ? LEDGER_OK : user_find(db, USER_BY_EMAIL, email, &other, &found);
  if (rc == LEDGER_OK && found)
    return error_set(&db->error, LEDGER_USER_EXISTS, "another user has the address");
  if (rc == LEDGER_OK && phone != NULL) rc = user_find(db, USER_BY_PHONE, phone, &other, &found);
  if (rc == LEDGER_OK && found)
    return error_set(&db->error, LEDGER_USER_EXISTS, "another user has the number");
  return rc;
}

/* The user as it has become. */
static int user_again(ledger *db, const char *id, ledger_user *out) {
  struct user user;
  if (out == NULL) return LEDGER_OK;
  int rc = user_named(db, id, &user);
  return rc == LEDGER_OK ? user_fill(db, &user, out) : rc;
}

LEDGER_PRIVATE int user_create(ledger *db, const ledger_user_change *change, ledger_user *out) {
  struct user_state *state;
  struct user user = {.email = "", .password_hash = ""};
  const char *email, *phone, *hash = USER_NO_PASSWORD;
  char made[SEAL_PASSWORD_TEXT];
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_check_new(db, state, change);
  user.own.app_metadata =
      change->email != NULL   ? "{\"provider\":\"email\",\"providers\":[\"email\"]}"
      : change->phone != NULL ? "{\"provider\":\"phone\",\"providers\":[\"phone\"]}"
                              : "{}";
  user.own.user_metadata = "{}";
  if (rc == LEDGER_OK) rc = user_read_change(db, state, change, &user, &email, &phone);
  if (rc == LEDGER_OK) rc = user_exists(db, email, phone);
  transaction_end_read(db);
  if (rc == LEDGER_OK && change->password != NULL) {
    rc = password_hash(db, change->password, made);
    hash = made;
  } else if (change->password_hash != NULL) {
    hash = change->password_hash;
  }
  if (rc != LEDGER_OK) return rc;
  bool must_confirm = change->by_administrator || state->settings.must_confirm;
  bool is_confirmed = change->confirm ? change->by_administrator : !must_confirm;
  if (email != NULL) user.email = email;
  user.own.phone = phone;
  user.own.is_anonymous = change->is_anonymous && email == NULL && phone == NULL;
  rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_new_id(db, &state->tables, change->id, &user.id);
  if (is_confirmed && email != NULL) user.email_confirmed_at = db->session.now_us;
  if (is_confirmed && phone != NULL) user.own.phone_confirmed_at = db->session.now_us;
  if (rc == LEDGER_OK) rc = user_insert_all(db, &state->tables, &user, hash);
  if (rc == LEDGER_OK) rc = user_again(db, user.id, out);
  return user_end(db, rc);
}

/* ---- a change */

/* Is it the password that the user has? */
static int user_check_same(ledger *db, const struct user *user, const char *password) {
  bool is_same;
  int rc = password_is(db, user->password_hash, password, &is_same);
  if (rc != LEDGER_OK || !is_same) return rc;
  return error_set(&db->error, LEDGER_SAME_PASSWORD,
                   "the new password is to be another than the old one");
}

/* Updates the row of users where something is to be set. */
static int user_update_row(ledger *db, const struct user_tables *tables, const struct user *user,
                           struct user_values *values) {
  const char *column = tables->users->columns[tables->id].name;
  struct user_values where = {0};
  if (values->count == 0) return LEDGER_OK;
  int rc = user_set_id(db, &where, tables->users, tables->id, &user->key);
  if (rc != LEDGER_OK) return rc;
  rc = write_update(db, tables->users->name, values->count, values->columns, values->values, 1,
                    &column, where.values, 0, NULL, NULL);
  return rc == LEDGER_OK ? rc : user_refused(db, tables, rc);
}

/* A ban that is lifted lifts what suspends the user in the schema, too. */
static void user_set_unsuspended(struct user_values *values, const struct user_tables *tables) {
  if (tables->users == NULL) return;
  user_set_text(values, tables->users, tables->status, "active");
  user_set(values, tables->users, tables->is_active, LEDGER_BOOLEAN, NULL, 1);
}

static int user_set_change(ledger *db, const struct user_state *state,
                           const ledger_user_change *change, const char *email, const char *phone,
                           const char *hash, struct user *user) {
  const struct user_tables *tables = &state->tables;
  struct user_values values = {0};
  int64_t now_us = db->session.now_us;
  bool is_proven = change->confirm ? change->by_administrator
                                   : change->by_administrator || !state->settings.must_confirm;
  int rc = LEDGER_OK;
  if (hash != NULL) user_set_password(&values, tables, user, hash);
  if (email != NULL && strcmp(email, user->email) != 0) {
    if (tables->users != NULL)
      user_set_text(&values, tables->users, tables->email, email);
    else
      user->own.email = email;
    user->own.is_anonymous = 0;
    rc = user_set_confirmed(db, &values, tables, user, is_proven ? now_us : 0);
  } else if (change->confirm && change->by_administrator && user->email_confirmed_at == 0) {
    rc = user_set_confirmed(db, &values, tables, user, now_us);
  }
  if (phone != NULL && (user->own.phone == NULL || strcmp(phone, user->own.phone) != 0)) {
    user->own.phone = phone;
    user->own.is_anonymous = 0;
    user->own.phone_confirmed_at = is_proven ? now_us : 0;
  } else if (change->confirm && change->by_administrator && user->own.phone != NULL &&
             user->own.phone_confirmed_at == 0) {
    user->own.phone_confirmed_at = now_us;
  }
  if (change->banned_until != NULL && change->banned_until[0] == 0 && user->is_suspended)
    user_set_unsuspended(&values, tables);
  if (rc == LEDGER_OK && change->user_metadata != NULL && tables->users != NULL)
    rc = user_set_names(db, &values, tables, user, false);
  if (user->own.created_at == 0) user->own.created_at = now_us;
  user->own.updated_at = now_us;
  if (rc == LEDGER_OK && tables->users != NULL) rc = user_update_row(db, tables, user, &values);
  return rc == LEDGER_OK ? user_write_own(db, user) : rc;
}

/* Wrong passwords until now do not count any more. */
static int user_forgive(ledger *db, const struct user *user) {
  const char *email = user_small(db, user->email);
  int rc = email == NULL ? db->error.code : lockout_clear_all(db, email);
  return rc == LEDGER_OK && user->own.phone != NULL ? lockout_clear_all(db, user->own.phone) : rc;
}

/* One transaction: the user as it is now, not as it was when its password was hashed. */
static int user_change_all(ledger *db, const struct user_state *state, const char *id,
                           const ledger_user_change *change, const char *hash) {
  struct user user;
  const char *email, *phone;
  int rc = user_named(db, id, &user);
  if (rc == LEDGER_OK) rc = user_read_change(db, state, change, &user, &email, &phone);
  if (rc == LEDGER_OK && email != NULL && strcmp(email, user.email) == 0) email = NULL;
  if (rc == LEDGER_OK && phone != NULL && user.own.phone != NULL &&
      strcmp(phone, user.own.phone) == 0)
    phone = NULL;
  if (rc == LEDGER_OK) rc = user_exists(db, email, phone);
  if (rc == LEDGER_OK) rc = user_set_change(db, state, change, email, phone, hash, &user);
  if (rc == LEDGER_OK && hash != NULL) rc = session_end_all(db, state, user.id, change->session_id);
  bool is_let_in = hash != NULL || (change->banned_until != NULL && change->banned_until[0] == 0);
  return rc == LEDGER_OK && is_let_in ? user_forgive(db, &user) : rc;
}

LEDGER_PRIVATE int user_update(ledger *db, const char *id, const ledger_user_change *change,
                               ledger_user *out) {
  struct user_state *state;
  struct user user;
  const char *email, *phone, *hash = NULL;
  char made[SEAL_PASSWORD_TEXT];
  int rc = user_begin_read(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_named(db, id, &user);
  if (rc == LEDGER_OK) rc = user_read_change(db, state, change, &user, &email, &phone);
  transaction_end_read(db);
  if (rc == LEDGER_OK && change->password != NULL) {
    if (!change->by_administrator) rc = user_check_same(db, &user, change->password);
    if (rc == LEDGER_OK) rc = password_hash(db, change->password, made);
    hash = made;
  } else if (change->password_hash != NULL) {
    hash = change->password_hash;
  }
  if (rc == LEDGER_OK) rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_change_all(db, state, user.id, change, hash);
  if (rc == LEDGER_OK) rc = user_again(db, user.id, out);
  return user_end(db, rc);
}

LEDGER_PRIVATE int user_note_sign_in(ledger *db, const struct user_state *state, struct user *user,
                                     const char *hash) {
  const struct user_tables *tables = &state->tables;
  struct user_values values = {0};
  int rc = LEDGER_OK;
  user->last_sign_in_at = db->session.now_us;
  bool is_own = user->own.created_at == 0 || tables->users == NULL || tables->last_sign_in_at < 0;
  if (user->own.created_at == 0) {
    user->own.created_at = user->own.updated_at = db->session.now_us;
    user->own.app_metadata = "{\"provider\":\"email\",\"providers\":[\"email\"]}";
  }
  if (hash != NULL) {
    user_set_password(&values, tables, user, hash);
    is_own = true;
  }
  if (tables->users == NULL || tables->last_sign_in_at < 0)
    user->own.last_sign_in_at = db->session.now_us;
  else
    rc = user_set_time(db, &values, tables->users, tables->last_sign_in_at, db->session.now_us);
  if (rc == LEDGER_OK && tables->users != NULL) rc = user_update_row(db, tables, user, &values);
  return rc == LEDGER_OK && is_own ? user_write_own(db, user) : rc;
}

/* ---- its end */

/* The verification that user_insert_beside() made, if nobody has handed anything in: it is no evidence. */
static int user_delete_kyc(ledger *db, const struct user_tables *tables, const struct user *user) {
  const struct relation *kyc = tables->kyc;
  static const char *const documents[] = {
      "submitted_at",       "verified_at",       "document_type", "document_number",
      "document_front_url", "document_back_url", "selfie_url"};
  struct user_values where = {0};
  if (kyc == NULL) return LEDGER_OK;
  int rc = user_set_id(db, &where, kyc, catalog_column(kyc, "user_id", 7), &user->key);
  user_set_text(&where, kyc, catalog_column(kyc, "verification_status", 19), "pending");
  for (size_t i = 0; i < sizeof documents / sizeof *documents; i++)
    user_set_text(&where, kyc, catalog_column(kyc, documents[i], strlen(documents[i])), NULL);
  return rc == LEDGER_OK
             ? write_delete(db, kyc->name, where.count, where.columns, where.values, 0, NULL, NULL)
             : rc;
}

static int user_delete_hard(ledger *db, const struct user_tables *tables, const struct user *user) {
  struct value id = user_text(user->id);
  struct user_values where = {0};
  int rc = LEDGER_OK;
  if (tables->users != NULL) {
    rc = user_delete_kyc(db, tables, user);
    if (rc == LEDGER_OK) rc = user_set_id(db, &where, tables->users, tables->id, &user->key);
    if (rc == LEDGER_OK)
      rc = write_delete(db, tables->users->name, 1, where.columns, where.values, 0, NULL, NULL);
  }
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_SESSION_DELETE_USER, 1, &id);
  if (rc == LEDGER_OK) rc = user_run(db, STATEMENT_KEY_DELETE_USER, 1, &id);
  return rc == LEDGER_OK ? user_run(db, STATEMENT_USER_DELETE, 1, &id) : rc;
}

static int user_delete_soft(ledger *db, const struct user_state *state, struct user *user) {
  const struct user_tables *tables = &state->tables;
  struct user_values values = {0};
  int rc = session_end_all(db, state, user->id, NULL);
  if (rc != LEDGER_OK || user->is_deleted) return rc;
  if (tables->users != NULL && tables->deleted_at >= 0) {
    rc = user_set_time(db, &values, tables->users, tables->deleted_at, db->session.now_us);
    return rc == LEDGER_OK ? user_update_row(db, tables, user, &values) : rc;
  }
  user->own.deleted_at = user->own.updated_at = db->session.now_us;
  if (user->own.created_at == 0) user->own.created_at = db->session.now_us;
  return user_write_own(db, user);
}

LEDGER_PRIVATE int user_delete(ledger *db, const char *id, bool soft) {
  struct user_state *state;
  struct user user;
  int rc = user_begin(db, &state);
  if (rc != LEDGER_OK) return rc;
  rc = user_named(db, id, &user);
  if (rc == LEDGER_OK)
    rc = soft ? user_delete_soft(db, state, &user) : user_delete_hard(db, &state->tables, &user);
  return user_end(db, rc);
}

#undef USER_EMAIL_MAX
#undef USER_APP_METADATA_MAX
#undef USER_USER_METADATA_MAX
#undef USER_NO_PASSWORD
