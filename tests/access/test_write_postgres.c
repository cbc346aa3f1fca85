/*
** test_write_postgres.c: random requests that write, beside PostgreSQL with the same schema, for which they are put as PostgREST puts them:
** the same rows written, returned and left, and the same SQLSTATE, sentence and detail where they are refused. By the owner and by two
** users under row-level security.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "write_ask.h"
#include <random.h>
#include <server.h>

#define ANN "00000000-0000-0000-0000-00000000000a"
#define BOB "00000000-0000-0000-0000-00000000000b"

static const char prelude[] =
    "DO $$ BEGIN CREATE ROLE authenticated; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
    "CREATE SCHEMA auth; CREATE FUNCTION auth.uid() RETURNS uuid STABLE LANGUAGE sql AS"
    " $$ SELECT (current_setting('request.jwt.claims', true)::json ->> 'sub')::uuid $$;"
    "GRANT USAGE ON SCHEMA auth TO authenticated;";

static const char schema[] =
    "CREATE TABLE notes (id int PRIMARY KEY, owner uuid, t varchar(5) NOT NULL DEFAULT 'none', n smallint DEFAULT 0"
    "  CHECK (n >= 0), tag text UNIQUE, arr text[], j jsonb, ref int REFERENCES notes (id), price numeric(5,2),"
    "  CONSTRAINT short CHECK (n IS NULL OR n < length(t) + 5));\n"
    "ALTER TABLE notes ENABLE ROW LEVEL SECURITY;\n"
    "CREATE POLICY seen ON notes FOR SELECT USING (owner = auth.uid() OR tag = 'p');\n"
    "CREATE POLICY made ON notes FOR INSERT WITH CHECK (owner = auth.uid());\n"
    "CREATE POLICY changed ON notes FOR UPDATE USING (owner = auth.uid() OR n = 1) WITH CHECK (owner = auth.uid());\n"
    "CREATE POLICY calm ON notes AS RESTRICTIVE FOR UPDATE USING (n < 3) WITH CHECK (n < 4);\n"
    "CREATE POLICY gone ON notes FOR DELETE USING (owner = auth.uid());\n";

/* A column, its type, and values for it as JSON. */
static const struct write_column {
  const char *name, *type;
  const char *values[12];
} columns[] = {
    {"arr", "text[]", {"null", "[\"a\",null]", "[]", "\"{x,\\\"y z\\\"}\"", "5", "[[1],[2]]", "\"{\"", "{\"a\":1}"}},
    {"id", "int", {"1", "2", "3", "4", "5", "6", "1", "2", "\"3\"", "null", "\"x\"", "2.5"}},
    {"j", "jsonb", {"null", "{\"b\": 1, \"a\":[1.50, true]}", "\"s\"", "3", "[]", "true"}},
    {"n", "smallint", {"0", "1", "2", "3", "\"1\"", "null", "-1", "7", "40000", "1.5", "true"}},
    {"owner", "uuid", {"\"" ANN "\"", "\"" BOB "\"", "\"" ANN "\"", "\"" BOB "\"", "null", "\"nobody\""}},
    {"price", "numeric(5,2)", {"1", "1.005", "\"2.5\"", "null", "1e2", "1000", "\"NaN0\"", "0.1"}},
    {"ref", "int", {"1", "2", "3", "null", "null", "null", "9"}},
    {"t", "varchar(5)", {"\"a\"", "\"bc\"", "\"\"", "12.50", "false", "\"xx    \"", "null", "\"toolong\"", "\"\\u00e9\"", "{\"k\": 1}"}},
    {"tag", "text", {"\"p\"", "\"q\"", "null", "null", "\"r\"", "\"\\u0000\""}},
};
#define COLUMN_COUNT ((int)(sizeof columns / sizeof *columns))

static PGconn *connection;
static ledger *db;

static int setup(void **state) {
  (void)state;
  server_database("write_ask");
  connection = server_connect("write_ask");
  server_run(connection, prelude);
  server_run(connection, schema);
  server_run(connection, "GRANT ALL ON ALL TABLES IN SCHEMA public TO authenticated;"
                         "GRANT USAGE ON SCHEMA public TO authenticated");
  db = write_open(NULL, schema);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  PQfinish(connection);
  ledger_close(db);
  return 0;
}

/* ---- a random request, as a line for write_ask() and as SQL */

struct write_try {
  char line[300], body[4000], sql[8000], claims[200];
  bool is_user;
};

static void append(char *out, size_t room, const char *format, ...) {
  size_t used = strlen(out);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(out + used, room - used, format, arguments);
  va_end(arguments);
}

static const char *value(struct test_random *r, const struct write_column *column) {
  int count = 0;
  while (count < 12 && column->values[count] != NULL) count++;
  int most = random_chance(r, 85) && count > 4 ? 4 : count; /* the bad ones stand behind */
  return column->values[random_below(r, most)];
}

static void body(struct test_random *r, struct write_try *out, unsigned chosen, int rows) {
  append(out->body, sizeof out->body, "[");
  for (int row = 0; row < rows; row++) {
    const char *separator = row == 0 ? "{" : ",{";
    for (int c = 0; c < COLUMN_COUNT; c++) {
      if ((chosen & (1u << c)) == 0) continue;
      append(out->body, sizeof out->body, "%s\"%s\":%s", separator, columns[c].name,
             value(r, &columns[c]));
      separator = ",";
    }
    append(out->body, sizeof out->body, "}");
  }
  append(out->body, sizeof out->body, "]");
}

/* The chosen columns in a list, each in the form. */
static void list(struct write_try *out, unsigned chosen, const char *form) {
  const char *separator = "";
  for (int c = 0; c < COLUMN_COUNT; c++) {
    if ((chosen & (1u << c)) == 0) continue;
    append(out->sql, sizeof out->sql, "%s", separator);
    for (const char *at = form; *at != 0; at++) {
      if (*at == '%')
        append(out->sql, sizeof out->sql, "%s", columns[c].name);
      else if (*at == '#')
        append(out->sql, sizeof out->sql, "%s", columns[c].type);
      else
        append(out->sql, sizeof out->sql, "%c", *at);
    }
    separator = ", ";
  }
}

static void filter(struct test_random *r, char *text, char *sql, size_t room) {
  int n = 1 + random_below(r, 6);
  switch (random_below(r, 5)) {
  case 0:
    snprintf(text, room, "n=lt.%d", n - 2);
    snprintf(sql, room, "notes.n < %d", n - 2);
    break;
  case 1:
    snprintf(text, room, "t=eq.a&n=gte.1");
    snprintf(sql, room, "notes.t = 'a' AND notes.n >= 1");
    break;
  default:
    snprintf(text, room, "id=eq.%d", n);
    snprintf(sql, room, "notes.id = %d", n);
    break;
  }
}

static void draw(struct test_random *r, struct write_try *out) {
  static const char *const users[] = {ANN, BOB};
  char text[100], condition[100];
  bool returns = random_chance(r, 50);
  int verb = random_below(r, 10); /* 0-5 insert, 6-8 update, 9 delete */
  unsigned chosen = (unsigned)random_below(r, 1 << COLUMN_COUNT) & (unsigned)random_below(r, 1 << COLUMN_COUNT);
  const char *user = random_chance(r, 60) ? RANDOM_OF(r, users) : NULL;
  const char *conflict = random_chance(r, 70) ? "id" : "tag", *resolution = "";
  memset(out, 0, sizeof *out);
  filter(r, text, condition, sizeof text);
  if (verb < 6) chosen |= 2u | (user != NULL ? 16u : 0u); /* id, owner */
  if (chosen == 0) chosen = 8u;
  out->is_user = user != NULL;
  if (user != NULL) snprintf(out->claims, sizeof out->claims, "{\"sub\":\"%s\"}", user);
  if (verb < 9) body(r, out, chosen, verb < 6 ? 1 + random_below(r, 4) : 1);
  if (verb < 6) {
    append(out->sql, sizeof out->sql, "INSERT INTO notes (");
    list(out, chosen, "%");
    append(out->sql, sizeof out->sql, ") SELECT ");
    list(out, chosen, "%");
    append(out->sql, sizeof out->sql, " FROM json_to_recordset($1::json) AS _(");
    list(out, chosen, "% #");
    append(out->sql, sizeof out->sql, ")");
    if (verb > 1) append(out->sql, sizeof out->sql, " ON CONFLICT (%s) DO ", conflict);
    if (verb == 2) append(out->sql, sizeof out->sql, "NOTHING");
    if (verb > 2) {
      append(out->sql, sizeof out->sql, "UPDATE SET ");
      list(out, chosen, "% = EXCLUDED.%");
    }
    resolution = verb == 2 ? " ignore" : verb > 2 ? " merge" : "";
  } else if (verb < 9) {
    append(out->sql, sizeof out->sql, "UPDATE notes SET ");
    list(out, chosen, "% = pgrst_body.%");
    append(out->sql, sizeof out->sql, " FROM (SELECT ");
    list(out, chosen, "%");
    append(out->sql, sizeof out->sql, " FROM json_to_recordset($1::json) AS _(");
    list(out, chosen, "% #");
    append(out->sql, sizeof out->sql, ")) pgrst_body WHERE %s", condition);
  } else {
    append(out->sql, sizeof out->sql, "DELETE FROM notes WHERE %s", condition);
  }
  append(out->sql, sizeof out->sql, " RETURNING %s", returns ? "to_json(notes.*)" : "1");
  snprintf(out->line, sizeof out->line, "%s notes?%s%s [%s%s%s%s]",
           verb < 6 ? "POST" : verb < 9 ? "PATCH" : "DELETE", verb < 6 ? "on_conflict=" : text,
           verb < 6 ? conflict : "", returns ? "rows" : "minimal", resolution,
           user != NULL ? " user=" : "", user != NULL ? user : "");
}

/* ---- both */

/* What PostgreSQL says, in the words of write_outcome(). */
static void ask_postgres(const struct write_try *one, char *out, size_t room) {
  const char *values[] = {one->body};
  out[0] = 0;
  server_run(connection, "BEGIN");
  if (one->is_user) {
    char sql[300];
    snprintf(sql, sizeof sql,
             "SET LOCAL ROLE authenticated; SELECT set_config('request.jwt.claims', '%s', true)",
             one->claims);
    server_run(connection, sql);
  }
  bool has_body = strstr(one->sql, "$1") != NULL;
  PGresult *result =
      PQexecParams(connection, one->sql, has_body ? 1 : 0, NULL, values, NULL, NULL, 0);
  if (PQresultStatus(result) == PGRES_TUPLES_OK) {
    append(out, room, "%d rows", PQntuples(result));
    if (strstr(one->sql, "RETURNING 1") == NULL) {
      append(out, room, ": [");
      for (int i = 0; i < PQntuples(result); i++)
        append(out, room, "%s%s", i == 0 ? "" : ", \n ", PQgetvalue(result, i, 0));
      append(out, room, "]");
    }
    server_run(connection, "COMMIT");
  } else {
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    append(out, room, "%s %s", PQresultErrorField(result, PG_DIAG_SQLSTATE),
           PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    if (detail != NULL) append(out, room, " (%s)", detail);
    server_run(connection, "ROLLBACK");
  }
  PQclear(result);
}

/* What we say, without the count of new rows and the hint. */
static void ask_ledger(const struct write_try *one, char *out, size_t room) {
  const char *outcome = write_ask(db, one->line, one->body);
  const char *new = strstr(outcome, " rows, "), *colon = strchr(outcome, ':');
  const char *hint = strstr(outcome, " [Ensure");
  if (hint == NULL) hint = strstr(outcome, " [See");
  size_t length = hint == NULL ? strlen(outcome) : (size_t)(hint - outcome);
  if (new != NULL && outcome[0] >= '0' && outcome[0] <= '9' && outcome[5] != ' ')
    snprintf(out, room, "%.*s rows%s", (int)(new - outcome), outcome, colon == NULL ? "" : colon);
  else
    snprintf(out, room, "%.*s", (int)length, outcome);
}

/* The rows that are returned may come in another order, or be refused in another, and so for another reason; and whether PostgreSQL reads the values of an UPDATE that finds no row depends
** on its plan: we do not. */
static bool is_same(const char *line, const char *ours, const char *theirs) {
  if (strcmp(ours, theirs) == 0) return true;
  if (strncmp(line, "PATCH notes?id", 14) != 0 && line[1] == 'A' && ours[5] == ' ' && theirs[5] == ' ')
    return true;
  if (strncmp(ours, "0 rows", 6) == 0 && strncmp(theirs, "22", 2) == 0) return true;
  const char *row = strstr(ours, ": [");
  if (row == NULL || ours[0] != theirs[0] || strlen(ours) != strlen(theirs)) return false;
  for (row += 3; *row == '{';) {
    const char *end = strstr(row, ", \n {");
    size_t length = end == NULL ? strlen(row) - 1 : (size_t)(end - row);
    char one[2000];
    snprintf(one, sizeof one, "%.*s", (int)length, row);
    if (strstr(theirs, one) == NULL) return false;
    row = end == NULL ? "" : end + 4;
  }
  return true;
}

static void same(void **state) {
  (void)state;
  struct test_random r = {random_seed()};
  static struct write_try one;
  static char ours[8192], theirs[8192];
  int rounds = random_count(3000), wrong = 0, refused = 0;
  for (int i = 0; i < rounds && wrong < 5; i++) {
    draw(&r, &one);
    ask_postgres(&one, theirs, sizeof theirs);
    ask_ledger(&one, ours, sizeof ours);
    refused += theirs[5] == ' ' && theirs[1] != ' ';
    PGresult *result =
        server_query(connection, "SELECT coalesce(json_agg(whole ORDER BY id), '[]') FROM notes AS whole");
    char left[8192];
    snprintf(left, sizeof left, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    const char *rows = strchr(write_ask(db, "GET notes?order=id", NULL), '[');
    bool differs = !is_same(one.line, ours, theirs), leaves = strcmp(rows, left) != 0;
    if (differs || leaves) {
      print_error("%d: %s %s\n%s\n  gave     %s\n  expected %s\n", i, one.line, one.body, one.sql,
                  ours, theirs);
      if (leaves) print_error("  left     %s\n  expected %s\n", rows, left);
      wrong++;
    }
    if (leaves) break;
  }
  print_message("# %d requests, %d refused by both\n", rounds, refused);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(same, setup, teardown)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
