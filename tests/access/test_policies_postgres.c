/*
** The differential test of policies and privileges: for each schema the same random rows in a ledger file and in PostgreSQL, and
** then for every table, verb and role the same requests to both: here by ledger_ask(), there as the SQL that PostgREST makes of
** them, under SET ROLE and request.jwt.claims. Compared are acceptance, SQLSTATE, the words of a refusal by privilege or policy, the
** number of rows and their keys. Everything is undone again, so that all requests meet the same rows.
** LEDGER_TEST_SEED and LEDGER_TEST_COUNT (requests per table, verb and role) are read from the environment.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "schema/compiler/compiler.h"

#include "../differential/samples.h"

enum { TRIAL_COLUMNS = 64, TRIAL_ROWS = 14, TRIAL_SHOWN = 20, TRIAL_KEYS = 600 };
enum trial_verb {
  TRIAL_SELECT,
  TRIAL_INSERT,
  TRIAL_UPDATE,
  TRIAL_DELETE,
  TRIAL_UPSERT,
  TRIAL_VERBS
};

#define USER_A "aaaaaaaa-0000-4000-8000-000000000001"
#define USER_B "bbbbbbbb-0000-4000-8000-000000000002"
#define USER_ADMIN "cccccccc-0000-4000-8000-000000000003"

static const struct trial_caller {
  const char *name, *role, *user, *claims;
} trial_callers[] = {
    {"anon", "anon", NULL, "{\"role\":\"anon\"}"},
    {"user A", "authenticated", USER_A,
     "{\"sub\":\"" USER_A "\",\"role\":\"authenticated\",\"level\":\"2\"}"},
    {"user B", "authenticated", USER_B, "{\"sub\":\"" USER_B "\",\"role\":\"authenticated\"}"},
    {"admin", "authenticated", USER_ADMIN,
     "{\"sub\":\"" USER_ADMIN "\",\"role\":\"authenticated\",\"level\":\"9\"}"},
    {"service_role", "service_role", NULL, "{\"role\":\"service_role\"}"},
    {"clerk", "clerk", USER_A, "{\"sub\":\"" USER_A "\",\"role\":\"clerk\"}"},
};

struct trial {
  const char *schema;
  bool is_own; /* of tests/access/schemas */
  uint64_t seed;
  struct server_catalog catalog;
  PGconn *server;
  ledger *db;
  struct test_random random;
  struct arena arena; /* of the request */
  int asked, accepted, denied, refused, empty, other_state, differences;
  int *key_counts;    /* by table: */
  const char ***keys; /* the first key column's texts */
};

/* A wish, made once for both sides. */
struct wish {
  enum trial_verb verb;
  const struct trial_caller *caller;
  int table;
  int count;
  const struct server_column *columns[TRIAL_COLUMNS];
  const char *values[TRIAL_COLUMNS]; /* as quoted literals have them; NULL: null */
  const struct server_column *where;
  const char *where_value;
  const struct server_key *conflict;
  bool updates, returns;
};

static const char *trial_copy(struct trial *trial, const char *text) {
  return arena_copy(&trial->arena, text, strlen(text));
}

static const char *trial_take(struct trial *trial, sqlite3_str *built) {
  const char *text = arena_finish(&trial->arena, built);
  assert_non_null(text);
  return text;
}

/* ---- rows */

/* Can it be read? Whether a body that cannot be is looked at when no row is changed is up to PostgreSQL's planner. */
static bool trial_is_readable(const struct server_column *column, const ledger_value *value) {
  ledger_error error;
  char *stored = NULL;
  if (value->kind != LEDGER_TEXT) return true;
  for (int i = 0; i < column->good_count && column->is_enum; i++)
    if (strcmp(column->good[i], value->text) == 0) return true;
  if (column->is_enum) return false;
  int rc = literal_of(column->type, value->text, value->length, &stored, &error);
  sqlite3_free(stored);
  return rc == LEDGER_OK;
}

static const char *trial_value(struct trial *trial, int table, const struct server_column *column) {
  ledger_value value;
  do {
    value = sample_good(&trial->random, &trial->arena, &trial->catalog, table, column);
    if (value.kind == LEDGER_NUMBER) value.kind = LEDGER_TEXT;
  } while (!trial_is_readable(column, &value));
  switch (value.kind) {
  case LEDGER_NULL: return NULL;
  case LEDGER_INTEGER: {
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)value.integer);
    return trial_copy(trial, number);
  }
  case LEDGER_BOOLEAN: return value.integer ? "true" : "false";
  default: return arena_copy(&trial->arena, value.text, value.length);
  }
}

/* Keys of users are uuids, as a type or as text; but for elon's numbers, which no token names. */
static bool trial_is_of_user(const struct trial *trial, const struct server_column *column) {
  static const char *const names[] = {"owner", "author", "doctor", "actor", "user_id", "owner_id"};
  if (sample_is_integer(column)) return false;
  if (column->reference >= 0)
    return strcmp(trial->catalog.tables[column->reference].name, "users") == 0;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(column->name, names[i]) == 0) return true;
  return false;
}

static const char *trial_user(struct trial *trial, const struct trial_caller *caller) {
  static const char *const users[] = {USER_A, USER_B, USER_ADMIN};
  if (caller != NULL && caller->user != NULL && random_chance(&trial->random, 65))
    return caller->user;
  return RANDOM_OF(&trial->random, users);
}

/* A value for a column of a new row, mostly one that could be the caller's own. */
static const char *trial_fitting(struct trial *trial, int table, const struct server_column *column,
                                 const struct trial_caller *caller) {
  struct test_random *r = &trial->random;
  if (trial_is_of_user(trial, column) && random_chance(r, 85)) return trial_user(trial, caller);
  if (column->reference >= 0 && trial->key_counts[column->reference] > 0 && random_chance(r, 90))
    return trial->keys[column->reference][random_below(r, trial->key_counts[column->reference])];
  if (!column->not_null && random_chance(r, 12)) return NULL;
  if (column->is_key && sample_is_integer(column)) {
    char number[16];
    snprintf(number, sizeof number, "%d", 1 + random_below(r, column->good_count > 0 ? 6 : 90));
    return trial_copy(trial, number);
  }
  return trial_value(trial, table, column);
}

static void wish_give(struct wish *wish, const struct server_column *column, const char *value) {
  assert_in_range(wish->count, 0, TRIAL_COLUMNS - 1);
  wish->columns[wish->count] = column;
  wish->values[wish->count++] = value;
}

/* A document that stands in a body as it is; null would be no document there, but a null. */
static bool trial_is_json(const char *text) {
  cJSON *json = cJSON_ParseWithOpts(text, NULL, 1);
  bool is_json = json != NULL && !cJSON_IsNull(json);
  cJSON_Delete(json);
  return is_json;
}

static void trial_row(struct trial *trial, struct wish *wish) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  int optional = RANDOM_OF(&trial->random, ((const int[]){20, 50, 90}));
  for (int i = 0; i < table->column_count; i++) {
    const struct server_column *column = &table->columns[i];
    bool is_needed = column->is_key || (column->not_null && column->fallback == NULL) ||
                     trial_is_of_user(trial, column);
    if (column->generated || column->identity == 'a') continue;
    if (!is_needed && !random_chance(&trial->random, optional)) continue;
    const char *value = trial_fitting(trial, wish->table, column, wish->caller);
    bool is_json = strncmp(column->base, "json", 4) == 0 && !column->is_array;
    if (is_json && value != NULL && !trial_is_json(value)) continue;
    wish_give(wish, column, value);
  }
}

/* ---- a request as SQL */

static const char *wish_body(struct trial *trial, const struct wish *wish) {
  cJSON *body = cJSON_CreateObject();
  for (int i = 0; i < wish->count; i++) {
    const struct server_column *column = wish->columns[i];
    const char *value = wish->values[i];
    bool is_json = strncmp(column->base, "json", 4) == 0 && !column->is_array;
    cJSON_AddItemToObject(body, column->name,
                          value == NULL ? cJSON_CreateNull()
                          : is_json     ? cJSON_CreateRaw(value)
                                        : cJSON_CreateString(value));
  }
  char *printed = cJSON_PrintUnformatted(body);
  const char *text = trial_copy(trial, printed);
  cJSON_free(printed);
  cJSON_Delete(body);
  return text;
}

static void sql_value(sqlite3_str *sql, const char *value) {
  if (value == NULL) {
    sqlite3_str_appendall(sql, "NULL");
    return;
  }
  sqlite3_str_appendchar(sql, 1, '\'');
  for (; *value != 0; value++) sqlite3_str_appendchar(sql, *value == '\'' ? 2 : 1, *value);
  sqlite3_str_appendchar(sql, 1, '\'');
}

/* The body as rows: what cannot be read is refused when the statement runs, after privileges were asked for. */
static void sql_body(sqlite3_str *sql, struct trial *trial, const struct wish *wish) {
  sqlite3_str_appendall(sql, "json_to_recordset(");
  char *array = sqlite3_mprintf("[%s]", wish_body(trial, wish));
  sql_value(sql, array);
  sqlite3_free(array);
  sqlite3_str_appendall(sql, ") AS x (");
  for (int i = 0; i < wish->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\" %s", i == 0 ? "" : ", ", wish->columns[i]->name,
                        wish->columns[i]->type);
  sqlite3_str_appendall(sql, ")");
}

static void sql_insert(sqlite3_str *sql, struct trial *trial, const struct wish *wish,
                       const struct server_table *table) {
  sqlite3_str_appendf(sql, "INSERT INTO %s AS t (", table->quoted);
  for (int i = 0; i < wish->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "" : ", ", wish->columns[i]->name);
  sqlite3_str_appendall(sql, ") SELECT * FROM ");
  sql_body(sql, trial, wish);
  if (wish->conflict == NULL) return;
  for (int i = 0; i < wish->conflict->count; i++)
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? " ON CONFLICT (" : ", ",
                        table->columns[wish->conflict->columns[i]].name);
  sqlite3_str_appendall(sql, wish->updates ? ") DO UPDATE SET " : ") DO NOTHING");
  for (int i = 0; i < wish->count && wish->updates; i++)
    sqlite3_str_appendf(sql, "%s\"%w\" = EXCLUDED.\"%w\"", i == 0 ? "" : ", ",
                        wish->columns[i]->name, wish->columns[i]->name);
}

static const char *wish_sql(struct trial *trial, const struct wish *wish) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  sqlite3_str *sql = sqlite3_str_new(NULL);
  switch (wish->verb) {
  case TRIAL_SELECT: sqlite3_str_appendf(sql, "SELECT * FROM %s AS t", table->quoted); break;
  case TRIAL_INSERT:
  case TRIAL_UPSERT: sql_insert(sql, trial, wish, table); break;
  case TRIAL_UPDATE:
    sqlite3_str_appendf(sql, "UPDATE %s AS t SET ", table->quoted);
    for (int i = 0; i < wish->count; i++)
      sqlite3_str_appendf(sql, "%s\"%w\" = x.\"%w\"", i == 0 ? "" : ", ", wish->columns[i]->name,
                          wish->columns[i]->name);
    sqlite3_str_appendall(sql, " FROM ");
    sql_body(sql, trial, wish);
    break;
  default: sqlite3_str_appendf(sql, "DELETE FROM %s AS t", table->quoted); break;
  }
  if (wish->where != NULL) {
    sqlite3_str_appendf(sql, " WHERE t.\"%w\"%s", wish->where->name,
                        wish->where_value == NULL ? " IS NULL" : " = ");
    if (wish->where_value != NULL) sql_value(sql, wish->where_value);
  }
  if (wish->returns && wish->verb != TRIAL_SELECT) sqlite3_str_appendall(sql, " RETURNING t.*");
  return trial_take(trial, sql);
}

/* ---- a request as ledger.h has it */

static void url_append(sqlite3_str *url, const char *text) {
  for (; *text != 0; text++) {
    if (text_is_alphanumeric((unsigned char)*text) && (unsigned char)*text < 0x80)
      sqlite3_str_appendchar(url, 1, *text);
    else
      sqlite3_str_appendf(url, "%%%02X", (unsigned)(unsigned char)*text);
  }
}

static const char *wish_query(struct trial *trial, const struct wish *wish) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  sqlite3_str *url = sqlite3_str_new(NULL);
  sqlite3_str_appendall(url, "select=*");
  if (wish->where != NULL) {
    sqlite3_str_appendall(url, "&");
    url_append(url, wish->where->name);
    sqlite3_str_appendall(url, wish->where_value == NULL ? "=is.null" : "=eq.");
    if (wish->where_value != NULL) url_append(url, wish->where_value);
  }
  for (int i = 0; wish->conflict != NULL && i < wish->conflict->count; i++) {
    sqlite3_str_appendall(url, i == 0 ? "&on_conflict=" : ",");
    url_append(url, table->columns[wish->conflict->columns[i]].name);
  }
  return trial_take(trial, url);
}

static int wish_ask(struct trial *trial, const struct wish *wish, ledger_answer *answer) {
  static const enum ledger_verb verbs[] = {LEDGER_VERB_READ, LEDGER_VERB_INSERT, LEDGER_VERB_UPDATE,
                                           LEDGER_VERB_DELETE, LEDGER_VERB_INSERT};
  const struct server_table *table = &trial->catalog.tables[wish->table];
  ledger_caller caller = {.role = wish->caller->role, .claims = wish->caller->claims};
  ledger_query query = {.caller = &caller,
                        .verb = verbs[wish->verb],
                        .schema = table->schema,
                        .table = table->name,
                        .text = wish_query(trial, wish),
                        .missing_default = 1,
                        .returns = wish->returns ? LEDGER_RETURN_ROWS : LEDGER_RETURN_MINIMAL,
                        .rollback = 1,
                        .all_rows = wish->where == NULL};
  if (wish->count > 0) {
    query.body = wish_body(trial, wish);
    query.body_length = strlen(query.body);
  }
  if (wish->verb == TRIAL_UPSERT)
    query.resolution = wish->updates ? LEDGER_RESOLUTION_MERGE : LEDGER_RESOLUTION_IGNORE;
  return ledger_ask(trial->db, &query, answer);
}

/* ---- what came of it, as text */

static int trial_order(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *trial_join(struct trial *trial, const char **keys, int count) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  qsort(keys, (size_t)count, sizeof *keys, trial_order);
  sqlite3_str_appendf(out, "%d rows:", count);
  for (int i = 0; i < count; i++) sqlite3_str_appendf(out, " %s", keys[i]);
  return trial_take(trial, out);
}

/* The first key column of the rows that came back; without such a column their number alone. */
static const char *answer_rows(struct trial *trial, const struct wish *wish,
                               const ledger_answer *answer) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  if (!wish->returns) {
    char number[32];
    snprintf(number, sizeof number, "%lld changed", (long long)answer->rows);
    return trial_copy(trial, number);
  }
  const char *keys[TRIAL_KEYS];
  int count = 0;
  const char *name = table->columns[table->key_count > 0 ? table->keys[0].columns[0] : 0].name;
  cJSON *rows = cJSON_Parse(answer->text), *row;
  if (!cJSON_IsArray(rows)) fail_msg("no array: %s", answer->text);
  cJSON_ArrayForEach(row, rows) {
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(row, name);
    assert_in_range(count, 0, TRIAL_KEYS - 1);
    if (cJSON_IsString(key)) {
      keys[count++] = trial_copy(trial, key->valuestring);
    } else {
      char number[32];
      snprintf(number, sizeof number, "%.0f", key != NULL ? key->valuedouble : 0.0);
      keys[count++] = trial_copy(trial, number);
    }
  }
  cJSON_Delete(rows);
  return trial_join(trial, keys, count);
}

static const char *server_rows(struct trial *trial, const struct wish *wish, PGresult *result) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  const char *keys[TRIAL_KEYS];
  int count = PQntuples(result);
  if (!wish->returns) {
    char number[40];
    snprintf(number, sizeof number, "%s changed", PQcmdTuples(result));
    return trial_copy(trial, number);
  }
  assert_in_range(count, 0, TRIAL_KEYS - 1);
  const char *name = table->columns[table->key_count > 0 ? table->keys[0].columns[0] : 0].name;
  int column = PQfnumber(result, name);
  for (int i = 0; i < count; i++) keys[i] = trial_copy(trial, PQgetvalue(result, i, column));
  return trial_join(trial, keys, count);
}

/* What a refusal says: SQLSTATE; the sentence of a 42501; of a constraint what its detail says, but for the values. */
static const char *refusal(struct trial *trial, const char *sqlstate, const char *words,
                           const char *detail) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "%s: ", sqlstate);
  if (strcmp(sqlstate, "42501") == 0) {
    sqlite3_str_appendall(out, words);
  } else if (strncmp(sqlstate, "23", 2) == 0 && detail != NULL) {
    const char *values = strstr(detail, "=("), *last = strrchr(detail, ')');
    if (strncmp(detail, "Failing row", 11) == 0)
      sqlite3_str_appendall(out, "Failing row");
    else if (values != NULL && last != NULL)
      sqlite3_str_appendf(out, "%.*s=(...%s", (int)(values - detail), detail, last);
    else
      sqlite3_str_appendall(out, detail);
  }
  return trial_take(trial, out);
}

/* Does it have values of a row in it? */
static bool refusal_tells(const char *text) {
  return strstr(text, "=(") != NULL || strstr(text, "Failing row") != NULL;
}

static const char *wish_of_server(struct trial *trial, const struct wish *wish, const char *sql,
                                  bool *accepted) {
  char *begin = sqlite3_mprintf("BEGIN; SELECT set_config('request.jwt.claims', %Q, true);"
                                "SET LOCAL ROLE %s",
                                wish->caller->claims, wish->caller->role);
  server_run(trial->server, begin);
  sqlite3_free(begin);
  PGresult *result = PQexec(trial->server, sql);
  ExecStatusType status = PQresultStatus(result);
  *accepted = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
  const char *out = *accepted ? server_rows(trial, wish, result)
                              : refusal(trial, PQresultErrorField(result, PG_DIAG_SQLSTATE),
                                        PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY),
                                        PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL));
  PQclear(result);
  server_run(trial->server, "ROLLBACK");
  return out;
}

static void trial_ask(struct trial *trial, const struct wish *wish) {
  ledger_answer answer = {0};
  const char *sql = wish_sql(trial, wish);
  bool server_accepts;
  const char *server = wish_of_server(trial, wish, sql, &server_accepts);
  int rc = wish_ask(trial, wish, &answer);
  const char *file = rc == LEDGER_OK ? answer_rows(trial, wish, &answer)
                                     : refusal(trial, answer.error.sqlstate, answer.error.message,
                                               answer.error.detail);
  trial->asked++;
  if (server_accepts && (strncmp(server, "0 ", 2) == 0))
    trial->empty++;
  else if (server_accepts)
    trial->accepted++;
  else if (strncmp(server, "42501", 5) == 0)
    trial->denied++;
  else
    trial->refused++;
  /* A schema that a role may not enter is a table that it may not read. */
  bool is_same =
      strcmp(server, file) == 0 ||
      (strstr(server, "permission denied for schema") != NULL && strncmp(file, "42501", 5) == 0);
  /* Which of several faults is found first is not a matter of policies, as long as no value is told that the server does not tell. */
  if (!is_same && !server_accepts && rc != LEDGER_OK && strncmp(server, "42501", 5) != 0 &&
      strncmp(file, "42501", 5) != 0 && (!refusal_tells(file) || refusal_tells(server))) {
    trial->other_state++;
    is_same = true;
  }
  if (!is_same && trial->differences++ < random_setting("LEDGER_TEST_SHOWN", TRIAL_SHOWN))
    printf("%s, seed %llu, as %s: %s\n  %s\n  %s\n  server: %.300s\n  file:   %.300s %s\n",
           trial->schema, (unsigned long long)trial->seed, wish->caller->name, sql,
           wish_query(trial, wish), wish->count > 0 ? wish_body(trial, wish) : "", server, file,
           rc != LEDGER_OK ? answer.error.message : "");
  ledger_answer_free(&answer);
}

/* ---- filling both with the same rows */

static bool trial_insert(struct trial *trial, const struct wish *wish) {
  const struct server_table *table = &trial->catalog.tables[wish->table];
  const char *columns[TRIAL_COLUMNS];
  ledger_value values[TRIAL_COLUMNS];
  for (int i = 0; i < wish->count; i++) {
    columns[i] = wish->columns[i]->name;
    values[i] = (ledger_value){LEDGER_TEXT, 0, wish->values[i],
                               wish->values[i] == NULL ? 0 : strlen(wish->values[i])};
    if (wish->values[i] == NULL) values[i].kind = LEDGER_NULL;
  }
  assert_int_equal(ledger_begin(trial->db), LEDGER_OK);
  int rc = ledger_insert(trial->db, table->quoted, wish->count, columns, values, NULL);
  PGresult *result = rc == LEDGER_OK ? PQexec(trial->server, wish_sql(trial, wish)) : NULL;
  bool is_in = result != NULL && PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  assert_int_equal(is_in ? ledger_commit(trial->db) : ledger_rollback(trial->db), LEDGER_OK);
  return is_in;
}

static void trial_read_keys(struct trial *trial, int t) {
  const struct server_table *table = &trial->catalog.tables[t];
  if (table->key_count == 0) return;
  char *sql = sqlite3_mprintf("SELECT \"%w\"::text FROM %s ORDER BY 1 LIMIT 40",
                              table->columns[table->keys[0].columns[0]].name, table->quoted);
  PGresult *result = server_query(trial->server, sql);
  int count = PQntuples(result);
  trial->keys[t] = arena_alloc(&trial->catalog.arena, sizeof *trial->keys[t] * (size_t)(count + 1));
  for (int i = 0; i < count; i++)
    trial->keys[t][i] = known_copy(&trial->catalog, PQgetvalue(result, i, 0));
  trial->key_counts[t] = count;
  PQclear(result);
  sqlite3_free(sql);
}

static void trial_add_user(struct trial *trial, int table, const char *id) {
  const struct server_table *users = &trial->catalog.tables[table];
  if (sample_is_integer(&users->columns[known_column(users, "id")])) return;
  for (int attempt = 0; attempt < 200; attempt++) {
    struct wish wish = {.verb = TRIAL_INSERT, .table = table};
    trial_row(trial, &wish);
    for (int i = 0; i < wish.count; i++)
      if (strcmp(wish.columns[i]->name, "id") == 0) wish.values[i] = id;
    if (trial_insert(trial, &wish)) return;
  }
  fail_msg("%s: no user %s", trial->schema, id);
}

static void trial_both(struct trial *trial, const char *table, int count,
                       const char *const *columns, const char *const *values) {
  ledger_value given[4];
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "INSERT INTO %s (", table);
  for (int i = 0; i < count; i++) sqlite3_str_appendf(sql, "%s%s", i == 0 ? "" : ", ", columns[i]);
  for (int i = 0; i < count; i++) {
    given[i] = (ledger_value){LEDGER_TEXT, 0, values[i], strlen(values[i])};
    sqlite3_str_appendf(sql, "%s%Q", i == 0 ? ") VALUES (" : ", ", values[i]);
  }
  sqlite3_str_appendall(sql, ")");
  server_run(trial->server, trial_take(trial, sql));
  if (ledger_insert(trial->db, table, count, columns, given, NULL) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(trial->db)->message);
}

/* Who is an administrator, and of what: each schema has its own way. */
static void trial_appoint(struct trial *trial) {
  if (strcmp(trial->schema, "full") == 0) {
    PGresult *result = server_query(trial->server, "SELECT id FROM roles WHERE name = 'admin'");
    const char *columns[] = {"id", "user_id", "role_id"}, *values[] = {USER_A, USER_ADMIN, NULL};
    values[2] = trial_copy(trial, PQgetvalue(result, 0, 0));
    PQclear(result);
    trial_both(trial, "user_roles", 3, columns, values);
  } else if (strcmp(trial->schema, "clinic") == 0) {
    const char *columns[] = {"user_id", "clinic", "role"};
    trial_both(trial, "staff", 3, columns, (const char *[]){USER_ADMIN, "1", "admin"});
    trial_both(trial, "staff", 3, columns, (const char *[]){USER_A, "2", "nurse"});
  } else if (strcmp(trial->schema, "guild") == 0) {
    const char *columns[] = {"team_id", "user_id", "rank"}, *team[] = {"id", "name", "is_open"};
    trial_both(trial, "teams", 3, team, (const char *[]){"1", "one", "f"});
    trial_both(trial, "teams", 3, team, (const char *[]){"2", "two", "t"});
    trial_both(trial, "teams", 3, team, (const char *[]){"3", "three", "t"});
    trial_both(trial, "members", 3, columns, (const char *[]){"1", USER_ADMIN, "boss"});
    trial_both(trial, "members", 3, columns, (const char *[]){"1", USER_A, "mate"});
    trial_both(trial, "members", 3, columns, (const char *[]){"2", USER_B, "boss"});
  }
}

static void trial_fill(struct trial *trial) {
  int users = -1;
  for (int t = 0; t < trial->catalog.count; t++) {
    trial_read_keys(trial, t); /* of the seed rows */
    if (strcmp(trial->catalog.tables[t].name, "users") == 0) users = t;
  }
  assert_in_range(users, 0, trial->catalog.count);
  trial_add_user(trial, users, USER_A);
  trial_add_user(trial, users, USER_B);
  trial_add_user(trial, users, USER_ADMIN);
  trial_read_keys(trial, users);
  trial_appoint(trial);
  for (int t = 0; t < trial->catalog.count; t++) {
    for (int n = 0, made = 0; n < 4 * TRIAL_ROWS && made < TRIAL_ROWS; n++) {
      struct wish wish = {.verb = TRIAL_INSERT, .table = t};
      trial_row(trial, &wish);
      made += trial_insert(trial, &wish);
      arena_reset(&trial->arena);
    }
    trial_read_keys(trial, t);
  }
}

/* ---- the requests */

static void trial_where(struct trial *trial, struct wish *wish) {
  struct test_random *r = &trial->random;
  const struct server_table *table = &trial->catalog.tables[wish->table];
  const struct server_column *own = NULL;
  for (int i = 0; i < table->column_count; i++)
    if (trial_is_of_user(trial, &table->columns[i])) own = &table->columns[i];
  int dice = random_below(r, 100);
  /* PostgreSQL looks at the references to one row before it comes to the next one's cascades, SQLite at the end. */
  for (int t = 0; t < trial->catalog.count && wish->verb == TRIAL_DELETE; t++)
    for (int c = 0; c < trial->catalog.tables[t].column_count; c++)
      if (trial->catalog.tables[t].columns[c].reference == wish->table) dice = 100;
  if (dice < 10) return; /* all rows */
  if (dice < 30 && own != NULL) {
    wish->where = own;
    wish->where_value = trial_user(trial, wish->caller);
  } else if (table->key_count > 0 && trial->key_counts[wish->table] > 0) {
    wish->where = &table->columns[table->keys[0].columns[0]];
    wish->where_value = trial->keys[wish->table][random_below(r, trial->key_counts[wish->table])];
  }
}

static bool trial_make(struct trial *trial, struct wish *wish) {
  struct test_random *r = &trial->random;
  const struct server_table *table = &trial->catalog.tables[wish->table];
  wish->returns = wish->verb == TRIAL_SELECT || random_chance(r, 50);
  switch (wish->verb) {
  case TRIAL_INSERT:
  case TRIAL_UPSERT: trial_row(trial, wish); break;
  case TRIAL_UPDATE:
    for (int i = 0; i < 40 && wish->count < 2; i++) {
      const struct server_column *column = &table->columns[random_below(r, table->column_count)];
      if (column->is_key || column->generated || column->identity == 'a') continue;
      if (wish->count == 1 && wish->columns[0] == column) continue;
      const char *value = trial_fitting(trial, wish->table, column, wish->caller);
      if (strncmp(column->base, "json", 4) == 0 && value != NULL && !trial_is_json(value)) continue;
      wish_give(wish, column, value);
    }
    if (wish->count == 0) return false;
    trial_where(trial, wish);
    break;
  case TRIAL_DELETE: trial_where(trial, wish); break;
  default: break;
  }
  if (wish->verb == TRIAL_UPSERT) {
    if (table->key_count == 0) return false;
    wish->conflict = &table->keys[random_below(r, table->key_count)];
    wish->updates = random_chance(r, 75);
    /* Mostly a row that is there. */
    const struct server_column *key = &table->columns[wish->conflict->columns[0]];
    for (int i = 0; i < wish->count && wish->conflict->primary; i++)
      if (wish->columns[i] == key && trial->key_counts[wish->table] > 0 && random_chance(r, 80))
        wish->values[i] = trial->keys[wish->table][random_below(r, trial->key_counts[wish->table])];
  }
  return true;
}

static void trial_tables(struct trial *trial) {
  int rounds = random_count(trial->is_own ? 12 : 5);
  int callers = (int)(sizeof trial_callers / sizeof *trial_callers);
  if (strcmp(trial->schema, "guild") != 0) callers--;
  for (int t = 0; t < trial->catalog.count; t++) {
    for (int caller = 0; caller < callers; caller++) {
      for (int verb = 0; verb < TRIAL_VERBS; verb++) {
        for (int n = 0; n < (verb == TRIAL_SELECT ? 1 : rounds); n++) {
          struct wish wish = {
              .verb = (enum trial_verb)verb, .caller = &trial_callers[caller], .table = t};
          if (trial_make(trial, &wish)) trial_ask(trial, &wish);
          arena_reset(&trial->arena);
        }
      }
    }
  }
}

/* Views are read by every role: as many rows of each as PostgreSQL shows, or its refusal. */
static void trial_views(struct trial *trial) {
  PGresult *views = server_query(
      trial->server, "SELECT n.nspname, c.relname, a.attname FROM pg_class c JOIN pg_namespace n"
                     " ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND"
                     " a.attnum = 1 WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog',"
                     " 'information_schema') ORDER BY 1, 2");
  for (int v = 0; v < PQntuples(views); v++) {
    struct server_column column = {.name = PQgetvalue(views, v, 2)};
    struct server_table view = {.schema = PQgetvalue(views, v, 0),
                                .name = PQgetvalue(views, v, 1),
                                .column_count = 1,
                                .columns = &column};
    char *quoted = sqlite3_mprintf("\"%w\".\"%w\"", view.schema, view.name);
    view.quoted = quoted;
    struct server_table *tables = trial->catalog.tables;
    trial->catalog.tables = &view;
    for (int caller = 0; caller < 5; caller++) {
      struct wish wish = {.verb = TRIAL_SELECT, .caller = &trial_callers[caller], .returns = true};
      trial_ask(trial, &wish);
      arena_reset(&trial->arena);
    }
    trial->catalog.tables = tables;
    sqlite3_free(quoted);
  }
  PQclear(views);
}

static void trial_open_own(struct trial *trial, const char *database, const char *path) {
  size_t length = 0;
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *text = calloc(1, 1 << 20);
  length = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  struct schema_file source = {trial->schema, text, length};
  struct schema_options options = {trial->schema, false};
  struct schema_result *result = NULL;
  assert_int_equal(schema_compile(&source, 1, &options, &result), 0);
  if (ledger_create(":memory:", result->script, LEDGER_PLAIN, &trial->db) != LEDGER_OK)
    fail_msg("create: %s", ledger_error_of(trial->db)->message);
  schema_free(result);
  free(text);
  server_database(database);
  server_load(database, path);
}

/* What a project grants in place of a schema that grants nothing: its own tables to service_role, those with row-level security to
** everybody. */
static void trial_grant(PGconn *server) {
  server_run(
      server,
      "DO $$ DECLARE t regclass; BEGIN"
      " IF to_regrole('anon') IS NULL THEN CREATE ROLE anon; END IF;"
      " IF to_regrole('authenticated') IS NULL THEN CREATE ROLE authenticated; END IF;"
      " IF to_regrole('service_role') IS NULL THEN CREATE ROLE service_role BYPASSRLS; END IF;"
      " GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO anon, authenticated, service_role;"
      " GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role;"
      " FOR t IN SELECT oid FROM pg_class WHERE relrowsecurity LOOP"
      "  EXECUTE format('GRANT ALL ON %s TO anon, authenticated', t); END LOOP; END $$");
}

static void trial_run(void **state) {
  const char *schema = *state;
  struct trial trial = {.schema = schema, .seed = random_seed()};
  char database[64], path[200];
  trial.is_own = ledger_schema(schema) == NULL;
  trial.random.state = trial.seed;
  snprintf(database, sizeof database, "policies_%s", schema);
  snprintf(path, sizeof path, "tests/access/schemas/%s.sql", schema);
  if (trial.is_own) {
    trial_open_own(&trial, database, path);
  } else {
    server_schema(database, schema);
    if (ledger_create(":memory:", ledger_schema(schema), LEDGER_PLAIN, &trial.db) != LEDGER_OK)
      fail_msg("create: %s", ledger_error_of(trial.db)->message);
  }
  trial.server = server_connect(database);
  if (!trial.db->catalog->has_privileges) trial_grant(trial.server);
  known_read(&trial.catalog, trial.server);
  size_t count = (size_t)trial.catalog.count;
  trial.key_counts = calloc(count, sizeof *trial.key_counts);
  trial.keys = calloc(count, sizeof *trial.keys);
  trial_fill(&trial);
  trial_tables(&trial);
  trial_views(&trial);
  printf(
      "# %s: seed %llu, %d requests: %d accepted, %d met no row, %d denied by privilege or policy, "
      "%d refused otherwise (%d for another reason), %d differences\n",
      schema, (unsigned long long)trial.seed, trial.asked, trial.accepted, trial.empty,
      trial.denied, trial.refused, trial.other_state, trial.differences);
  ledger_close(trial.db);
  PQfinish(trial.server);
  free(trial.key_counts);
  free(trial.keys);
  known_free(&trial.catalog);
  arena_free(&trial.arena);
  assert_int_equal(trial.differences, 0);
  assert_in_range(trial.other_state, 0, trial.asked / 200);
  assert_in_range(trial.accepted, trial.asked / 20, trial.asked);
  assert_in_range(trial.denied, trial.asked / 20, trial.asked);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      {"full", trial_run, NULL, NULL, "full"},
      {"advancia", trial_run, NULL, NULL, "advancia"},
      {"smarthub", trial_run, NULL, NULL, "smarthub"},
      {"wallstreet", trial_run, NULL, NULL, "wallstreet"},
      {"pe_portal", trial_run, NULL, NULL, "pe_portal"},
      {"clinic", trial_run, NULL, NULL, "clinic"},
      {"guild", trial_run, NULL, NULL, "guild"},
  };
  setvbuf(stdout, NULL, _IOLBF, 0);
  return cmocka_run_group_tests_name("policies_postgres", tests, NULL, NULL);
}
