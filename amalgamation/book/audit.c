/*
** audit.c: the audit trail: rows of audit_logs, one for each operation of the book and one for each plain row of the tables
** below that somebody inserts, changes or deletes through a handle. Each row's hash goes into the journal's chain, so that an
** audit row that is changed, or deleted, or added behind the engine's back is found by ledger_verify().
**
** Two shapes of audit_logs are known (tables.c). What the short one (wallstreet's) has no column for stands in its details:
**   {"after": new_values, "error": error_message, "before": old_values, "details": details, "admin_id": .., "admin_key": ..}
** of which only those are there that the event has.
**
** A change of a plain row is kept as INSERT, UPDATE or DELETE with its entity_type, the table, and entity_id, the row's id
** (where the key is another one, details has it: {"key": {...}}). old_values and new_values have the columns that differ,
** as row_to_json() prints them; an insert has those that are not null in new_values, a delete in old_values. updated_at is no
** change. Where nothing changed there is no row. A secret is never written: in its place stands {"sha256": "..."}, the
** first 16 digits of the hash of what is stored, so that one sees that it changed.
*/
#include "../internal.h"

/* X(field, its column in full, its column in the short shape or NULL) */
#define AUDIT_FIELDS(X)                                                                            \
  X(ID, "id", "id")                                                                                \
  X(USER_ID, "user_id", "user_id")                                                                 \
  X(ADMIN_ID, "admin_id", NULL)                                                                    \
  X(ADMIN_KEY, "admin_key", NULL)                                                                  \
  X(IP_ADDRESS, "ip_address", "ip_address")                                                        \
  X(USER_AGENT, "user_agent", "user_agent")                                                        \
  X(ACTION, "action", "action")                                                                    \
  X(ENTITY_TYPE, "entity_type", "resource_type")                                                   \
  X(ENTITY_ID, "entity_id", "resource_id")                                                         \
  X(OLD_VALUES, "old_values", NULL)                                                                \
  X(NEW_VALUES, "new_values", NULL)                                                                \
  X(DETAILS, "details", "details")                                                                 \
  X(STATUS, "status", NULL)                                                                        \
  X(ERROR_MESSAGE, "error_message", NULL)                                                          \
  X(CREATED_AT, "created_at", "created_at")

enum audit_field {
#define X(field, full, brief) AUDIT_##field,
  AUDIT_FIELDS(X)
#undef X
      AUDIT_FIELD_COUNT
};

#define AUDIT_ACTOR_FIRST AUDIT_USER_ID /* the fields that the actor fills */
#define AUDIT_ACTOR_LAST AUDIT_USER_AGENT

static const char *const audit_columns[2][AUDIT_FIELD_COUNT] = {{
#define X(field, full, brief) full,
                                                                    AUDIT_FIELDS(X)
#undef X
                                                                },
                                                                {
#define X(field, full, brief) brief,
                                                                    AUDIT_FIELDS(X)
#undef X
                                                                }};

/* Of a handle: who acts, and how its audit_logs is laid out. */
struct audit {
  struct arena actor_arena;
  struct value actor[AUDIT_FIELD_COUNT]; /* from AUDIT_ACTOR_FIRST to AUDIT_ACTOR_LAST */
  bool is_aside;                         /* another one acts for a while: audit_act() */
  struct arena aside_arena;
  struct value aside[AUDIT_FIELD_COUNT];
  struct arena arena;                      /* of what follows, which is of one catalog */
  const struct relation *relation;         /* NULL: not laid out yet */
  struct value *row;                       /* all columns, those of the actor filled in */
  struct value ignored;                    /* for the fields without a column */
  struct value *fields[AUDIT_FIELD_COUNT]; /* into row, or to ignored */
  int other_count; /* columns that the shape does not know: their defaults */
  int *others;
  int64_t created_us; /* the time of created_at */
  size_t created_length;
  char created_at[MOMENT_TEXT_MAX];
};

/* ---- layout */

static void audit_fill_actor(struct audit *audit) {
  for (int field = AUDIT_ACTOR_FIRST; field <= AUDIT_ACTOR_LAST; field++)
    *audit->fields[field] = audit->actor[field];
}

static int audit_lay_out(ledger *db, struct audit *audit, const struct relation *relation) {
  const char *const *names = audit_columns[book_tables(db)->audit_is_full ? 0 : 1];
  size_t count = (size_t)relation->column_count;
  arena_reset(&audit->arena);
  audit->relation = NULL;
  audit->row = arena_alloc(&audit->arena, count * sizeof *audit->row);
  audit->others = arena_alloc(&audit->arena, count * sizeof *audit->others);
  if (audit->row == NULL || audit->others == NULL) return error_memory(&db->error);
  memset(audit->row, 0, count * sizeof *audit->row);
  audit->other_count = 0;
  audit->created_us = -1;
  for (int field = 0; field < AUDIT_FIELD_COUNT; field++) audit->fields[field] = &audit->ignored;
  for (int i = 0; i < relation->column_count; i++) {
    int field = 0;
    while (field < AUDIT_FIELD_COUNT &&
           (names[field] == NULL || strcmp(names[field], relation->columns[i].name) != 0))
      field++;
    if (field < AUDIT_FIELD_COUNT)
      audit->fields[field] = &audit->row[i];
    else
      audit->others[audit->other_count++] = i;
  }
  audit_fill_actor(audit);
  audit->relation = relation;
  return LEDGER_OK;
}

/* The handle's state; its audit_logs laid out, where the schema has one. */
static int audit_enter(ledger *db, struct audit **out) {
  struct audit *audit = db->audit;
  if (audit == NULL) {
    audit = db->audit = sqlite3_malloc64(sizeof *audit);
    if (audit == NULL) return error_memory(&db->error);
    memset(audit, 0, sizeof *audit);
  }
  *out = audit;
  const struct relation *relation = book_tables(db)->audit_logs;
  if (relation == NULL || relation == audit->relation) return LEDGER_OK;
  return audit_lay_out(db, audit, relation);
}

static void audit_forget(ledger *db) {
  book_forget(db);
  if (db->audit != NULL) db->audit->relation = NULL;
}

static void audit_close(ledger *db) {
  audit_forget(db);
  if (db->audit == NULL) return;
  arena_free(&db->audit->actor_arena);
  arena_free(&db->audit->aside_arena);
  arena_free(&db->audit->arena);
  sqlite3_free(db->audit);
  db->audit = NULL;
}

/* ---- writing a row */

static void audit_text(struct value *out, const char *text) {
  if (text == NULL)
    *out = (struct value){.kind = VALUE_NULL};
  else
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

/* The next member of an object in jsonb's stored form: members come by length and bytes of their names. */
static void audit_member(sqlite3_str *out, const char *name, const char *json) {
  if (json == NULL) return;
  sqlite3_str_appendall(out, sqlite3_str_length(out) == 1 ? "\"" : ", \"");
  sqlite3_str_appendall(out, name);
  sqlite3_str_appendall(out, "\": ");
  sqlite3_str_appendall(out, json);
}

static void audit_member_text(sqlite3_str *out, const char *name, const char *text, size_t length) {
  if (text == NULL) return;
  audit_member(out, name, "");
  json_quote(out, text, length);
}

/* The details of the short shape. NULL: memory is short. */
static char *audit_brief_details(const struct audit *audit, const struct audit_event *event) {
  const struct value *id = &audit->actor[AUDIT_ADMIN_ID], *key = &audit->actor[AUDIT_ADMIN_KEY];
  const char *error = event->failed ? event->error_message : NULL;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(out, 1, '{');
  audit_member(out, "after", event->new_values);
  audit_member_text(out, "error", error, error == NULL ? 0 : strlen(error));
  audit_member(out, "before", event->old_values);
  audit_member(out, "details", event->details);
  if (id->kind == VALUE_TEXT) audit_member_text(out, "admin_id", id->text, id->length);
  if (key->kind == VALUE_TEXT) audit_member_text(out, "admin_key", key->text, key->length);
  sqlite3_str_appendchar(out, 1, '}');
  return sqlite3_str_finish(out);
}

/* A journal's id: the last byte counts the rows that it made, and 0 is its audit row's. */
static void audit_mint(char id[37]) {
  id_uuid7(id);
  id[34] = '0';
  id[35] = '0';
}

static void audit_created(ledger *db, struct audit *audit, int64_t created_us) {
  if (audit->created_us != created_us) {
    audit->created_us = created_us;
    audit->created_length =
        moment_text(book_tables(db)->audit_time, created_us + MOMENT_UNIX_EPOCH, audit->created_at);
  }
  *audit->fields[AUDIT_CREATED_AT] = (struct value){
      .kind = VALUE_TEXT, .text = audit->created_at, .length = audit->created_length};
}

/* Inserts the row that was laid out. An actor who was deleted since ledger_set_actor() is null, as in the rows before: the
** hash leaves the actors out. */
static int audit_insert(ledger *db, struct audit *audit) {
  struct value *user = audit->fields[AUDIT_USER_ID], *admin = audit->fields[AUDIT_ADMIN_ID];
  int rc = write_stored(db, audit->relation, audit->row, book_tables(db)->trusts_audit);
  if (rc != LEDGER_FOREIGN_KEY || (user->kind == VALUE_NULL && admin->kind == VALUE_NULL))
    return rc;
  for (int skipped = 1; skipped <= 3 && rc == LEDGER_FOREIGN_KEY; skipped++) {
    error_clear(&db->error);
    if (skipped & 1) user->kind = VALUE_NULL;
    if (skipped & 2) admin->kind = VALUE_NULL;
    rc = write_stored(db, audit->relation, audit->row, book_tables(db)->trusts_audit);
    *user = audit->actor[AUDIT_USER_ID];
    *admin = audit->actor[AUDIT_ADMIN_ID];
  }
  return rc;
}

LEDGER_PRIVATE int audit_write(ledger *db, const struct audit_event *event,
                               unsigned char hash[32]) {
  char id[37];
  char *brief = NULL;
  struct audit *audit;
  memset(hash, 0, 32);
  if (book_tables(db)->audit_logs == NULL) return LEDGER_OK;
  int rc = audit_enter(db, &audit);
  if (rc != LEDGER_OK) return rc;
  if (event->id == NULL) audit_mint(id);
  audit_text(audit->fields[AUDIT_ID], event->id == NULL ? id : event->id);
  audit_text(audit->fields[AUDIT_ACTION], event->action);
  audit_text(audit->fields[AUDIT_ENTITY_TYPE], event->entity_type);
  audit_text(audit->fields[AUDIT_ENTITY_ID], event->entity_id);
  if (book_tables(db)->audit_is_full) {
    audit_text(audit->fields[AUDIT_OLD_VALUES], event->old_values);
    audit_text(audit->fields[AUDIT_NEW_VALUES], event->new_values);
    audit_text(audit->fields[AUDIT_DETAILS], event->details);
    audit_text(audit->fields[AUDIT_STATUS], event->failed ? "failure" : "success");
    audit_text(audit->fields[AUDIT_ERROR_MESSAGE], event->error_message);
  } else {
    brief = audit_brief_details(audit, event);
    if (brief == NULL) return error_memory(&db->error);
    audit_text(audit->fields[AUDIT_DETAILS], brief);
  }
  audit_created(db, audit, event->created_us);
  for (int i = 0; i < audit->other_count && rc == LEDGER_OK; i++) {
    rc = write_default(db, (struct relation *)audit->relation, audit->others[i],
                       &audit->row[audit->others[i]]);
  }
  if (rc == LEDGER_OK) {
    struct observe observe;
    audit_hash(audit->relation, audit->row, hash);
    observe_aside_start(&observe, db);
    rc = observe_aside_end(&observe, audit_insert(db, audit));
  }
  sqlite3_free(brief);
  return rc;
}

/* ---- the hash of a row */

/* Of each column but the actors, in the relation's order: what kind of value in one byte, then what it is as in chain.c, nothing
** for null. */
LEDGER_PRIVATE void audit_hash(const struct relation *audit_logs, const struct value *row,
                               unsigned char hash[32]) {
  struct chain out;
  chain_open(&out);
  for (int i = 0; i < audit_logs->column_count; i++) {
    const struct value *value = &row[i];
    const char *name = audit_logs->columns[i].name;
    unsigned char kind = (unsigned char)value->kind;
    if (name[0] == 'u' && strcmp(name, "user_id") == 0) continue;
    if (name[0] == 'a' && strcmp(name, "admin_id") == 0) continue;
    chain_add(&out, &kind, 1);
    if (value->kind == VALUE_TEXT || value->kind == VALUE_BLOB)
      chain_bytes(&out, (const unsigned char *)value->text, value->length);
    else if (value->kind != VALUE_NULL)
      chain_integer(&out, (int64_t)value_bits(value));
  }
  chain_end(&out, hash);
}

/* ---- who acts */

/* The user must be there: a row with an unknown one could not be written later, and the operation neither. */
static int audit_check_user(ledger *db, const struct relation *relation, const struct value *id) {
  int column = catalog_column(relation, "user_id", strlen("user_id"));
  const struct constraint *key = NULL;
  for (int i = 0; i < relation->constraint_count && key == NULL; i++) {
    const struct constraint *candidate = relation->constraints[i];
    if (candidate->kind == 'f' && candidate->count == 1 && candidate->columns[0] == column)
      key = candidate;
  }
  if (key == NULL || id->kind == VALUE_NULL) return LEDGER_OK;
  static const char statement[] = "the user who acts";
  sqlite3_stmt *stmt = statement_find(db, statement, sizeof statement);
  if (stmt == NULL) {
    sqlite3_str *sql = sqlite3_str_new(db->sqlite);
    sqlite3_str_appendf(sql, "SELECT 1 FROM main.\"%w\" WHERE \"%w\" = ?1",
                        key->reference->stored_name,
                        key->reference->columns[key->reference_columns[0]].name);
    stmt = statement_make(db, statement, sizeof statement, sql);
    if (stmt == NULL) return db->error.code;
  }
  int rc = statement_bind_all(db, stmt, 1, id);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  sqlite3_reset(stmt);
  if (rc == LEDGER_ROW) return LEDGER_OK;
  if (rc != LEDGER_DONE) return rc;
  return error_set(&db->error, LEDGER_FOREIGN_KEY, "no user has the id %.*s, who would act",
                   (int)id->length, id->text);
}

/* The text as the field's column stores it. */
static int audit_actor_value(ledger *db, const struct relation *relation, enum audit_field field,
                             const char *text, struct arena *arena, struct value *out) {
  const char *name = audit_columns[book_tables(db)->audit_is_full ? 0 : 1][field];
  struct type type = {.id = field == AUDIT_ADMIN_ID ? TYPE_UUID : TYPE_TEXT, .length = -1};
  out->kind = VALUE_NULL;
  if (text == NULL) return LEDGER_OK;
  if (name != NULL) type = relation->columns[catalog_column(relation, name, strlen(name))].type;
  int rc = type_input(&type, text, strlen(text), arena, out, &db->error);
  if (rc == LEDGER_OK && value_keep(arena, out) != LEDGER_OK) rc = error_memory(&db->error);
  return rc;
}

/* is_lenient: what is none, and a user who is not there, is left out. */
static int audit_read_field(ledger *db, const struct relation *relation, enum audit_field field,
                            const char *text, bool is_lenient, struct arena *arena,
                            struct value *out) {
  int rc = audit_actor_value(db, relation, field, text, arena, out);
  if (rc == LEDGER_OK && (field == AUDIT_USER_ID || field == AUDIT_ADMIN_ID))
    rc = audit_check_user(db, relation, out);
  if (rc == LEDGER_OK || !is_lenient || (rc != LEDGER_INVALID_TEXT && rc != LEDGER_FOREIGN_KEY))
    return rc;
  error_clear(&db->error);
  out->kind = VALUE_NULL;
  return LEDGER_OK;
}

static int audit_read_actor(ledger *db, const ledger_actor *actor, bool is_lenient) {
  struct audit *audit;
  struct arena arena = {0};
  struct value values[AUDIT_FIELD_COUNT] = {{.kind = VALUE_NULL}};
  const char *texts[AUDIT_FIELD_COUNT] = {NULL};
  int rc = audit_enter(db, &audit);
  const struct relation *relation = book_tables(db)->audit_logs;
  if (rc != LEDGER_OK || relation == NULL) return rc;
  if (actor != NULL) {
    texts[AUDIT_USER_ID] = actor->user_id;
    texts[AUDIT_ADMIN_ID] = actor->admin_id;
    texts[AUDIT_ADMIN_KEY] = actor->admin_key;
    texts[AUDIT_IP_ADDRESS] = actor->ip_address;
    texts[AUDIT_USER_AGENT] = actor->user_agent;
  }
  for (int field = AUDIT_ACTOR_FIRST; field <= AUDIT_ACTOR_LAST && rc == LEDGER_OK; field++)
    rc = audit_read_field(db, relation, (enum audit_field)field, texts[field], is_lenient, &arena,
                          &values[field]);
  if (rc != LEDGER_OK) {
    arena_free(&arena);
    return rc;
  }
  arena_free(&audit->actor_arena);
  audit->actor_arena = arena;
  memcpy(audit->actor, values, sizeof values);
  audit_fill_actor(audit);
  return LEDGER_OK;
}

LEDGER_PRIVATE int audit_act(ledger *db, const ledger_actor *actor) {
  struct audit *audit;
  int rc = book_enter(db);
  if (rc == LEDGER_OK) rc = audit_enter(db, &audit);
  if (rc != LEDGER_OK || book_tables(db)->audit_logs == NULL) return rc;
  if (!audit->is_aside) {
    audit->aside_arena = audit->actor_arena;
    memcpy(audit->aside, audit->actor, sizeof audit->aside);
    audit->actor_arena = (struct arena){0};
    audit->is_aside = true;
  }
  return audit_read_actor(db, actor, true);
}

LEDGER_PRIVATE void audit_act_end(ledger *db) {
  struct audit *audit = db->audit;
  if (audit == NULL || !audit->is_aside) return;
  arena_free(&audit->actor_arena);
  audit->actor_arena = audit->aside_arena;
  audit->aside_arena = (struct arena){0};
  memcpy(audit->actor, audit->aside, sizeof audit->actor);
  audit->is_aside = false;
  if (audit->relation != NULL) audit_fill_actor(audit);
}

LEDGER_PRIVATE int audit_set_actor(ledger *db, const ledger_actor *actor) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = book_enter(db);
  if (rc == LEDGER_OK) rc = audit_read_actor(db, actor, false);
  transaction_end_read(db);
  return rc;
}

/* ---- plain rows */

/* The tables whose rows are kept in the trail, in the schema public. */
LEDGER_PRIVATE bool audit_is_of(const struct relation *relation) {
  static const char *const names[] = {"users",         "roles",      "user_roles", "api_keys",
                                      "user_settings", "fee_config", "accounts"};
  if (strcmp(relation->schema, "public") != 0) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(relation->name, names[i]) == 0) return true;
  }
  return false;
}

static int audit_wants(ledger *db, const struct relation *relation, bool *wanted) {
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  const struct relation *audit_logs = book_tables(db)->audit_logs;
  *wanted = guard_wants(db, relation) ||
            (audit_logs != NULL && (relation == audit_logs || audit_is_of(relation)));
  return LEDGER_OK;
}

/* By its name, a column that must not be read from the trail: one of these words, or one behind an underscore. */
static bool audit_is_secret(const char *name) {
  static const char *const words[] = {"password",     "hash",           "token",      "secret",
                                      "backup_codes", "recovery_codes", "private_key"};
  size_t length = strlen(name);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t tail = strlen(words[i]);
    if (length < tail || strcmp(name + length - tail, words[i]) != 0) continue;
    if (length == tail || name[length - tail - 1] == '_') return true;
  }
  return false;
}

/* {"sha256": "0123456789abcdef"}, of the bytes that are stored. */
static void audit_digest(sqlite3_str *out, const struct value *value) {
  static const char hex[] = "0123456789abcdef";
  struct seal_sha256 hash;
  unsigned char bytes[SEAL_SHA256_BYTES];
  char text[17];
  seal_sha256_init(&hash);
  if (value->kind == VALUE_TEXT || value->kind == VALUE_BLOB) {
    if (value->length > 0) seal_sha256_update(&hash, value->text, value->length);
  } else {
    uint64_t bits = value_bits(value);
    seal_sha256_update(&hash, &bits, sizeof bits);
  }
  seal_sha256_final(&hash, bytes);
  for (int i = 0; i < 8; i++) {
    text[2 * i] = hex[bytes[i] >> 4];
    text[2 * i + 1] = hex[bytes[i] & 15];
  }
  text[16] = 0;
  sqlite3_str_appendf(out, "{\"sha256\": \"%s\"}", text);
}

static int audit_value(ledger *db, const struct column *column, const struct value *value,
                       sqlite3_str *out) {
  if (value->kind == VALUE_NULL) {
    sqlite3_str_appendall(out, "null");
    return LEDGER_OK;
  }
  if (column->is_secret || audit_is_secret(column->name)) {
    audit_digest(out, value);
    return LEDGER_OK;
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = type_json(&column->type, value, text, &db->error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(text) != SQLITE_OK) rc = error_memory(&db->error);
  if (rc == LEDGER_OK) {
    sqlite3_str_append(out, sqlite3_str_value(text), sqlite3_str_length(text));
  } else if (rc == LEDGER_CORRUPT) {
    error_clear(&db->error); /* a foreign program's: that must not be in the way of mending it */
    audit_digest(out, value);
    rc = LEDGER_OK;
  }
  sqlite3_free(sqlite3_str_finish(text));
  return rc;
}

/* The columns of the key where there is no uuid named id to name the row by, or those that differ from `other`, or, where that
** is NULL, those that are not null. *json in the arena, NULL if there are none. */
LEDGER_PRIVATE int audit_object(ledger *db, const struct relation *relation,
                                const struct value *row, const struct value *other,
                                const struct constraint *key, struct arena *arena,
                                const char **json) {
  static const struct type jsonb = {.id = TYPE_JSONB, .length = -1};
  sqlite3_str *out = sqlite3_str_new(NULL);
  int rc = LEDGER_OK, count = key == NULL ? relation->column_count : key->count;
  sqlite3_str_appendchar(out, 1, '{');
  for (int n = 0; n < count && rc == LEDGER_OK; n++) {
    int i = key == NULL ? n : key->columns[n];
    const struct column *column = &relation->columns[i];
    if (key == NULL && strcmp(column->name, "updated_at") == 0) continue;
    if (other == NULL ? row[i].kind == VALUE_NULL : value_is_same(&row[i], &other[i])) continue;
    if (sqlite3_str_length(out) > 1) sqlite3_str_appendchar(out, 1, ',');
    json_quote(out, column->name, strlen(column->name));
    sqlite3_str_appendchar(out, 1, ':');
    rc = audit_value(db, column, &row[i], out);
  }
  bool is_empty = sqlite3_str_length(out) == 1;
  sqlite3_str_appendchar(out, 1, '}');
  if (rc == LEDGER_OK && sqlite3_str_errcode(out) != SQLITE_OK) rc = error_memory(&db->error);
  struct value stored = {.kind = VALUE_NULL};
  if (rc == LEDGER_OK && !is_empty) {
    rc = type_input(&jsonb, sqlite3_str_value(out), (size_t)sqlite3_str_length(out), arena, &stored,
                    &db->error);
    if (rc == LEDGER_OK && value_keep(arena, &stored) != LEDGER_OK) rc = error_memory(&db->error);
  }
  *json = stored.kind == VALUE_TEXT ? stored.text : NULL;
  sqlite3_free(sqlite3_str_finish(out));
  return rc;
}

/* Which row it is: its id, or else the key, as details. */
static int audit_name(ledger *db, const struct relation *relation, const struct value *row,
                      struct arena *arena, struct audit_event *event) {
  int id = catalog_column(relation, "id", 2);
  if (id >= 0 && relation->columns[id].type.id == TYPE_UUID && row[id].kind == VALUE_TEXT) {
    event->entity_id = arena_copy(arena, row[id].text, row[id].length);
    return event->entity_id == NULL ? error_memory(&db->error) : LEDGER_OK;
  }
  const char *key = NULL;
  int rc = relation->primary == NULL
               ? LEDGER_OK
               : audit_object(db, relation, row, NULL, relation->primary, arena, &key);
  if (rc != LEDGER_OK || key == NULL) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(out, 1, '{');
  audit_member(out, "key", key);
  sqlite3_str_appendchar(out, 1, '}');
  event->details = arena_finish(arena, out);
  return event->details == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* Does it still have the name that audit_name() would give it? */
static bool audit_keeps_name(const struct relation *relation, const struct value *before,
                             const struct value *after) {
  int id = catalog_column(relation, "id", 2);
  const struct constraint *key = relation->primary;
  if (id >= 0 && relation->columns[id].type.id == TYPE_UUID)
    return value_is_same(&before[id], &after[id]);
  for (int i = 0; key != NULL && i < key->count; i++) {
    if (!value_is_same(&before[key->columns[i]], &after[key->columns[i]])) return false;
  }
  return true;
}

/* An application's own row, LOGIN_SUCCESS for example: it goes into the chain as it is. */
static int audit_adopt(ledger *db, const struct relation *audit_logs, const struct value *row) {
  int column = catalog_column(audit_logs, "id", 2);
  unsigned char hash[32];
  char id[37] = "";
  if (row[column].kind != VALUE_TEXT || row[column].length != 36)
    return error_set(&db->error, LEDGER_NOT_NULL, "an audit row needs an id");
  memcpy(id, row[column].text, 36);
  audit_hash(audit_logs, row, hash);
  return journal_audit(db, id, hash, NULL);
}

static int audit_changed(ledger *db, const struct relation *relation, const struct value *before,
                         const struct value *after) {
  struct arena arena = {0};
  unsigned char hash[32];
  char id[37];
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  const struct relation *audit_logs = book_tables(db)->audit_logs;
  if (audit_logs == NULL) return LEDGER_OK;
  if (relation == audit_logs) /* else an actor became null */
    return before == NULL ? audit_adopt(db, relation, after) : LEDGER_OK;
  if (!audit_is_of(relation)) return LEDGER_OK;
  if (before != NULL && after != NULL && !audit_keeps_name(relation, before, after)) {
    rc = audit_changed(db, relation, before, NULL); /* in the trail it is another row from now on */
    return rc == LEDGER_OK ? audit_changed(db, relation, NULL, after) : rc;
  }
  struct audit_event event = {.id = id,
                              .action = before == NULL  ? "INSERT"
                                        : after == NULL ? "DELETE"
                                                        : "UPDATE",
                              .entity_type = relation->name,
                              .created_us = db->session.now_us};
  if (before != NULL)
    rc = audit_object(db, relation, before, after, NULL, &arena, &event.old_values);
  if (after != NULL && rc == LEDGER_OK)
    rc = audit_object(db, relation, after, before, NULL, &arena, &event.new_values);
  bool is_change = before == NULL || after == NULL || event.old_values != NULL;
  if (rc == LEDGER_OK && is_change)
    rc = audit_name(db, relation, before == NULL ? after : before, &arena, &event);
  if (rc == LEDGER_OK && is_change) {
    audit_mint(id);
    rc = audit_write(db, &event, hash);
    if (rc == LEDGER_OK) rc = journal_audit(db, id, hash, NULL);
  }
  arena_free(&arena);
  return rc;
}

LEDGER_PRIVATE const struct observer *book_observer(bool is_plain) {
  static const struct observer observer = {.wants = audit_wants,
                                           .guard = guard_write,
                                           .changed = audit_changed,
                                           .forget = audit_forget,
                                           .close = audit_close};
  static const struct observer plain = {.forget = audit_forget, .close = audit_close};
  return is_plain ? &plain : &observer;
}

#undef AUDIT_FIELDS
#undef AUDIT_ACTOR_FIRST
#undef AUDIT_ACTOR_LAST
