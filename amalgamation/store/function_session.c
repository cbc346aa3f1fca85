/*
** function_session.c: the SQL functions that ask about the session or change something outside the
** statement: now(), uuids, sequences, settings and the claims of a request; and input, output and
** errors as functions. The table at the end is the list. What PostgreSQL calls stable is registered
** as deterministic: SQLite then evaluates it once for each run of a statement, and the compiler
** lets none of it into an index.
*/
#include "../internal.h"

/* ---- time and ids */

static void sessions_timestamp(sqlite3_context *context, int64_t now_us) {
  char text[MOMENT_TEXT_MAX];
  size_t length = moment_text(TYPE_TIMESTAMPTZ, now_us + MOMENT_UNIX_EPOCH, text);
  sqlite3_result_text(context, text, (int)length, SQLITE_TRANSIENT);
}

static void sessions_now(sqlite3_context *context, int count, sqlite3_value **values) {
  int64_t now_us = function_session_of(context)->now_us;
  (void)count;
  (void)values;
  sessions_timestamp(context, now_us != 0 ? now_us : clock_now_us());
}

static void sessions_clock(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  (void)values;
  sessions_timestamp(context, clock_now_us());
}

static void sessions_uuid7(sqlite3_context *context, int count, sqlite3_value **values) {
  char text[37];
  (void)count;
  (void)values;
  id_uuid7(text);
  sqlite3_result_text(context, text, 36, SQLITE_TRANSIENT);
}

static void sessions_uuid4(sqlite3_context *context, int count, sqlite3_value **values) {
  char text[37];
  (void)count;
  (void)values;
  id_uuid4(text);
  sqlite3_result_text(context, text, 36, SQLITE_TRANSIENT);
}

static void sessions_nextval(sqlite3_context *context, int count, sqlite3_value **values) {
  struct function_session *session = function_session_of(context);
  int64_t next;
  ledger_error error;
  int rc;
  if (function_has_null(count, values)) return;
  if (session->nextval == NULL)
    rc = error_set(&error, LEDGER_UNSUPPORTED, "nextval() is not available on this connection");
  else
    rc = session->nextval(session->owner, function_text(values[0]).text, &next, &error);
  if (rc == LEDGER_OK)
    sqlite3_result_int64(context, next);
  else
    function_fail(context, &error);
}

/* ---- input and output */

static void sessions_read(sqlite3_context *context, sqlite3_value **values, bool is_explicit) {
  struct arena *arena = function_arena(context);
  struct type type;
  struct value out;
  ledger_error error;
  if (function_has_null(2, values)) return;
  struct value text = function_text(values[0]);
  int rc = type_parse(function_text(values[1]).text, &type,
                      &error); /* strict: an enum has a function of its own */
  if (rc == LEDGER_OK && is_explicit)
    rc = type_cast(&type, text.text, text.length, arena, &out, &error);
  else if (rc == LEDGER_OK)
    rc = type_input(&type, text.text, text.length, arena, &out, &error);
  if (rc == LEDGER_OK)
    function_result(context, &out);
  else
    function_fail(context, &error);
}

static void sessions_input(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sessions_read(context, values, true);
}

static void sessions_input_assign(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sessions_read(context, values, false);
}

static void sessions_output(sqlite3_context *context, int count, sqlite3_value **values) {
  struct type type;
  ledger_error error;
  if (function_has_null(count, values) || !function_type(context, 1, values[1], &type)) return;
  struct value value = function_argument(values[0]);
  sqlite3_str *built = sqlite3_str_new(NULL);
  int rc = type_output(&type, &value, built, &error);
  function_finish(context, built, rc, &error);
}

/* (text, name of the enum, its labels as a JSON array) */
static void sessions_enum_input(sqlite3_context *context, int count, sqlite3_value **values) {
  static const struct type element = {.id = TYPE_TEXT, .length = -1};
  struct arena *arena = function_arena(context);
  struct array labels;
  ledger_error error;
  if (function_has_null(count, values)) return;
  struct value text = function_text(values[0]), name = function_text(values[1]),
               list = function_text(values[2]);
  int rc = array_read(&element, list.text, list.length, arena, &labels, &error);
  for (size_t i = 0; i < labels.count && rc == LEDGER_OK; i++) {
    if (document_compare_keys(text.text, text.length, labels.values[i].text,
                              labels.values[i].length) != 0)
      continue;
    function_result(context, &text);
    return;
  }
  if (rc == LEDGER_OK)
    error_set(&error, LEDGER_INVALID_TEXT, "invalid input value for enum %s: \"%.*s\"", name.text,
              (int)text.length, text.text);
  function_fail(context, &error);
}

/* ---- errors */

static void sessions_raise(sqlite3_context *context, int count, sqlite3_value **values) {
  struct value state = function_text(values[0]), message = function_text(values[1]);
  ledger_error error;
  (void)count;
  error_set(&error, state.length == 5 ? error_code_of_sqlstate(state.text) : LEDGER_RAISED, "%s",
            message.text);
  if (state.length == 5)
    memcpy(error.sqlstate, state.text, 5); /* also one that no code of ours has */
  function_fail(context, &error);
}

/* ---- settings and claims */

static const struct {
  const char *name, *value;
} sessions_settings[] = {
    {"TimeZone", "UTC"},
    {"DateStyle", "ISO, MDY"},
    {"IntervalStyle", "postgres"},
    {"server_version", "15.0"},
    {"server_version_num", "150000"},
    {"client_encoding", "UTF8"},
    {"server_encoding", "UTF8"},
    {"standard_conforming_strings", "on"},
};

/* claims ->> name; VALUE_NULL if there are no claims or none of that name. */
static int sessions_claim(const struct function_session *session, const char *name,
                          struct arena *arena, struct value *out, ledger_error *error) {
  struct document_slice slice;
  int rc;
  *out = (struct value){.kind = VALUE_NULL};
  if (session->claims == NULL || session->claims[0] == '\0') return LEDGER_OK;
  rc = document_field(session->claims, strlen(session->claims), name, strlen(name), false, arena,
                      &slice, error);
  return rc == LEDGER_OK ? document_slice_text(&slice, arena, out, error) : rc;
}

static int sessions_find_setting(const struct function_session *session, const char *name,
                                 struct arena *arena, struct value *out, ledger_error *error) {
  static const char claim[] = "request.jwt.claim.";
  const char *found = NULL;
  *out = (struct value){.kind = VALUE_NULL};
  if (sqlite3_strnicmp(name, claim, (int)sizeof claim - 1) == 0)
    return sessions_claim(session, name + sizeof claim - 1, arena, out, error);
  if (sqlite3_stricmp(name, "request.jwt.claims") == 0) found = session->claims;
  for (size_t i = 0; i < sizeof sessions_settings / sizeof sessions_settings[0] && found == NULL;
       i++) {
    if (sqlite3_stricmp(name, sessions_settings[i].name) == 0) found = sessions_settings[i].value;
  }
  if (found != NULL)
    *out = (struct value){.kind = VALUE_TEXT, .text = found, .length = strlen(found)};
  return LEDGER_OK;
}

/* (name) or (name, missing_ok) */
static void sessions_current_setting(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct value out;
  ledger_error error;
  if (function_has_null(count, values)) return;
  const char *name = function_text(values[0]).text;
  int rc = sessions_find_setting(function_session_of(context), name, arena, &out, &error);
  if (rc == LEDGER_OK && out.kind == VALUE_NULL && (count < 2 || sqlite3_value_int(values[1]) == 0))
    rc = error_set(&error, LEDGER_UNDEFINED_TYPE, "unrecognized configuration parameter \"%s\"",
                   name);
  if (rc == LEDGER_OK)
    function_result(context, &out);
  else
    function_fail(context, &error);
}

/* A claim read by the input function of a type. */
static void sessions_auth(sqlite3_context *context, const char *claim, enum type_id id) {
  const struct type type = {.id = id, .length = -1};
  struct arena *arena = function_arena(context);
  struct value text, out = {.kind = VALUE_NULL};
  ledger_error error;
  int rc = sessions_claim(function_session_of(context), claim, arena, &text, &error);
  if (rc == LEDGER_OK && text.kind == VALUE_TEXT)
    rc = type_input(&type, text.text, text.length, arena, &out, &error);
  if (rc == LEDGER_OK)
    function_result(context, &out);
  else
    function_fail(context, &error);
}

/* Policies ask for it in each statement of a request: the claims are read once. */
static void sessions_auth_uid(sqlite3_context *context, int count, sqlite3_value **values) {
  static const struct type type = {.id = TYPE_UUID, .length = -1};
  struct function_session *session = function_session_of(context);
  struct value text, out = {.kind = VALUE_NULL};
  ledger_error error;
  (void)count;
  (void)values;
  if (session->uid[0] == 0) {
    struct arena *arena = function_arena(context);
    int rc = sessions_claim(session, "sub", arena, &text, &error);
    if (rc == LEDGER_OK && text.kind == VALUE_TEXT)
      rc = type_input(&type, text.text, text.length, arena, &out, &error);
    if (rc != LEDGER_OK) {
      function_fail(context, &error);
      return;
    }
    if (out.kind != VALUE_TEXT || out.length != sizeof session->uid - 1) return; /* NULL */
    memcpy(session->uid, out.text, sizeof session->uid - 1);
  }
  sqlite3_result_text(context, session->uid, (int)sizeof session->uid - 1, SQLITE_TRANSIENT);
}

static void sessions_auth_role(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  (void)values;
  sessions_auth(context, "role", TYPE_TEXT);
}

/* Who asks, whatever the claims say. */
static void sessions_current_user(sqlite3_context *context, int count, sqlite3_value **values) {
  const char *role = function_session_of(context)->role;
  if (role != NULL)
    sqlite3_result_text(context, role, -1, SQLITE_TRANSIENT);
  else
    sessions_auth_role(context, count, values);
}

static void sessions_auth_email(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  (void)values;
  sessions_auth(context, "email", TYPE_TEXT);
}

static void sessions_auth_jwt(sqlite3_context *context, int count, sqlite3_value **values) {
  static const struct type type = {.id = TYPE_JSONB, .length = -1};
  const char *claims = function_session_of(context)->claims;
  struct arena *arena = function_arena(context);
  struct value out;
  ledger_error error;
  (void)count;
  (void)values;
  if (claims == NULL || claims[0] == '\0') return;
  if (type_input(&type, claims, strlen(claims), arena, &out, &error) == LEDGER_OK)
    function_result(context, &out);
  else
    function_fail(context, &error);
}

/* ---- the table */

static const struct function_row sessions_rows[] = {
    {"pg_now", 0, 0, sessions_now, NULL},
    {"pg_clock_timestamp", 0, FUNCTION_VOLATILE, sessions_clock, NULL},
    {"pg_uuid", 0, FUNCTION_VOLATILE, sessions_uuid7, NULL},
    {"pg_uuid4", 0, FUNCTION_VOLATILE, sessions_uuid4, NULL},
    {"pg_nextval", 1, FUNCTION_STRICT | FUNCTION_VOLATILE, sessions_nextval,
     NULL},                                                 /* the sequence's stored name */
    {"pg_input", 2, FUNCTION_STRICT, sessions_input, NULL}, /* text, type: as an explicit cast */
    {"pg_input_assign", 2, FUNCTION_STRICT, sessions_input_assign,
     NULL},                                                   /* text, type: as an assignment */
    {"pg_output", 2, FUNCTION_STRICT, sessions_output, NULL}, /* x, type */
    {"pg_enum_in", 3, FUNCTION_STRICT, sessions_enum_input,
     NULL}, /* text, enum's name, '["label", ...]' */
    {"pg_raise", 2, FUNCTION_VOLATILE, sessions_raise, NULL}, /* SQLSTATE, message */
    {"pg_current_setting", 1, FUNCTION_STRICT, sessions_current_setting, NULL},
    {"pg_current_setting", 2, FUNCTION_STRICT, sessions_current_setting,
     NULL}, /* name, missing_ok */
    {"pg_auth_uid", 0, 0, sessions_auth_uid, NULL},
    {"pg_auth_role", 0, 0, sessions_auth_role, NULL},
    {"pg_auth_email", 0, 0, sessions_auth_email, NULL},
    {"pg_current_user", 0, 0, sessions_current_user, NULL},
    {"pg_auth_jwt", 0, 0, sessions_auth_jwt, NULL},
};

LEDGER_PRIVATE void function_session_claims(struct function_session *session, const char *role,
                                            const char *claims) {
  session->role = role;
  session->claims = claims;
  memset(session->uid, 0, sizeof session->uid);
}

LEDGER_PRIVATE int function_session_register(sqlite3 *db, struct function_session *session) {
  return function_register(db, session, sessions_rows,
                           sizeof sessions_rows / sizeof sessions_rows[0]);
}
