/*
** write_ask.h: requests as lines, and what comes of them as lines, for the tests of writing. Include ledger.c first.
**
** A request is "POST people?columns=a,b [rows merge user=UUID]" with a body: the words in brackets are what the headers of
** HTTP would say: rows, keys (what is returned), merge, ignore, default (missing=default), count, object, csv, form (of the body), rollback,
** max=N, all (no filter is meant), anon, service, user=UUID.
*/
#ifndef WRITE_ASK_H
#define WRITE_ASK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../schema/compiler/compiler.h"

/* A ledger file in memory, or at `path`, of a PostgreSQL schema. */
static ledger *write_open(const char *path, const char *schema) {
  struct schema_file source = {"test.sql", schema, strlen(schema)};
  struct schema_options options = {.name = "test"};
  struct schema_result *result = NULL;
  ledger *db = NULL;
  schema_compile(&source, 1, &options, &result);
  for (int i = 0; i < result->note_count && result->script == NULL; i++)
    print_error("%d:%d %s\n", result->notes[i].line, result->notes[i].column,
                result->notes[i].message);
  assert_non_null(result->script);
  int rc = ledger_create(path == NULL ? ":memory:" : path, result->script, 0, &db);
  schema_free(result);
  if (rc != LEDGER_OK) print_error("%s\n", ledger_error_of(db)->message);
  assert_int_equal(rc, LEDGER_OK);
  return db;
}

struct write_request {
  ledger_query query;
  ledger_caller caller;
  char table[64], text[2048], claims[200];
};

static bool write_word(const char *words, const char *word, char *value, int room) {
  size_t length = strlen(word);
  for (const char *at = words; at != NULL && *at != 0; at = strchr(at, ' ')) {
    while (*at == ' ') at++;
    if (strncmp(at, word, length) != 0 || strchr(" ]=", at[length]) == NULL) continue;
    if (value != NULL && at[length] == '=')
      sqlite3_snprintf(room, value, "%.*s", (int)strcspn(at + length + 1, " ]"), at + length + 1);
    return true;
  }
  return false;
}

/* Reads a request's line; the body is borrowed. */
static const ledger_query *write_read(struct write_request *out, const char *line,
                                      const char *body) {
  static const char *const verbs[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};
  char number[24], user[64];
  memset(out, 0, sizeof *out);
  ledger_query *query = &out->query;
  for (int i = 0; i < 5; i++)
    if (strncmp(line, verbs[i], strcspn(line, " ")) == 0) query->verb = (enum ledger_verb)i;
  line += strcspn(line, " ");
  line += *line == ' ';
  const char *words = strstr(line, " [");
  size_t length = words == NULL ? strlen(line) : (size_t)(words - line);
  size_t table = strcspn(line, "? ");
  sqlite3_snprintf(sizeof out->table, out->table, "%.*s", (int)table, line);
  if (table < length)
    sqlite3_snprintf(sizeof out->text, out->text, "%.*s", (int)(length - table - 1),
                     line + table + 1);
  words = words == NULL ? "" : words + 2;
  query->table = out->table;
  query->text = table < length ? out->text : NULL;
  query->body = body;
  query->body_length = body == NULL ? 0 : strlen(body);
  if (write_word(words, "csv", NULL, 0)) query->body_form = LEDGER_BODY_CSV;
  if (write_word(words, "form", NULL, 0)) query->body_form = LEDGER_BODY_FORM;
  if (write_word(words, "merge", NULL, 0)) query->resolution = LEDGER_RESOLUTION_MERGE;
  if (write_word(words, "ignore", NULL, 0)) query->resolution = LEDGER_RESOLUTION_IGNORE;
  if (write_word(words, "rows", NULL, 0)) query->returns = LEDGER_RETURN_ROWS;
  if (write_word(words, "keys", NULL, 0)) query->returns = LEDGER_RETURN_KEYS;
  if (write_word(words, "count", NULL, 0)) query->count = LEDGER_COUNT_EXACT;
  if (write_word(words, "object", NULL, 0)) query->form = LEDGER_FORM_OBJECT;
  query->missing_default = write_word(words, "default", NULL, 0);
  query->rollback = write_word(words, "rollback", NULL, 0);
  query->all_rows = write_word(words, "all", NULL, 0);
  query->has_max_affected = write_word(words, "max", number, sizeof number);
  if (query->has_max_affected) query->max_affected = strtoll(number, NULL, 10);
  if (write_word(words, "anon", NULL, 0)) out->caller.role = "anon";
  if (write_word(words, "service", NULL, 0)) out->caller.role = "service_role";
  if (write_word(words, "user", user, sizeof user)) {
    out->caller.role = "authenticated";
    sqlite3_snprintf(sizeof out->claims, out->claims,
                     "{\"role\":\"authenticated\",\"sub\":\"%s\"}", user);
    out->caller.claims = out->claims;
  }
  if (out->caller.role != NULL) query->caller = &out->caller;
  return query;
}

/* "3 rows, 1 new, total 3, at id=eq.1: [...]", or "PGRST204 sentence (details) [hint]"; static. */
static const char *write_outcome(const ledger_answer *answer) {
  static char out[8192];
  const ledger_error *error = &answer->error;
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (error->code != LEDGER_OK) {
    sqlite3_str_appendf(text, "%s %s", answer->code, error->message);
    if (error->detail[0] != 0) sqlite3_str_appendf(text, " (%s)", error->detail);
    if (error->hint[0] != 0) sqlite3_str_appendf(text, " [%s]", error->hint);
  } else {
    sqlite3_str_appendf(text, "%lld rows", (long long)answer->rows);
    if (answer->inserted > 0) sqlite3_str_appendf(text, ", %lld new", (long long)answer->inserted);
    if (answer->total >= 0) sqlite3_str_appendf(text, ", total %lld", (long long)answer->total);
    if (answer->location != NULL) sqlite3_str_appendf(text, ", at %s", answer->location);
    if (answer->length > 0) sqlite3_str_appendf(text, ": %s", answer->text);
  }
  char *whole = sqlite3_str_finish(text);
  sqlite3_snprintf(sizeof out, out, "%s", whole);
  sqlite3_free(whole);
  return out;
}

static const char *write_ask(ledger *db, const char *line, const char *body) {
  struct write_request request;
  ledger_answer answer = {0};
  int rc = ledger_ask(db, write_read(&request, line, body), &answer);
  assert_int_equal(rc, answer.error.code);
  const char *outcome = write_outcome(&answer);
  ledger_answer_free(&answer);
  assert_true(sqlite3_get_autocommit(db->sqlite) || db->in_transaction);
  return outcome;
}

/* The rows of a SELECT in SQLite's SQL: columns joined by commas, rows by bars; static. */
static const char *write_state(ledger *db, const char *sql) {
  static char out[8192];
  sqlite3_stmt *stmt = NULL;
  size_t used = 0;
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL), SQLITE_OK);
  out[0] = 0;
  for (int row = 0; sqlite3_step(stmt) == SQLITE_ROW; row++) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      const char *text = (const char *)sqlite3_column_text(stmt, i);
      sqlite3_snprintf((int)(sizeof out - used), out + used, "%s%s",
                       i > 0 ? "," : row > 0 ? "|" : "", text == NULL ? "null" : text);
      used = strlen(out);
    }
  }
  sqlite3_finalize(stmt);
  return out;
}

struct write_case {
  const char *line, *body, *outcome;
  const char *sql, *state; /* what is to be seen then; NULL: nothing is looked at */
};

/* Each in turn; all that differ are told. Returns how many. */
static int write_cases(ledger *db, const struct write_case *cases, size_t count) {
  int wrong = 0;
  for (size_t i = 0; i < count; i++) {
    const struct write_case *one = &cases[i];
    const char *outcome = write_ask(db, one->line, one->body);
    if (strcmp(outcome, one->outcome) != 0) {
      print_error("%s %s\n  gave     %s\n  expected %s\n", one->line,
                  one->body == NULL ? "" : one->body, outcome, one->outcome);
      wrong++;
    }
    if (one->sql == NULL) continue;
    const char *state = write_state(db, one->sql);
    if (strcmp(state, one->state) == 0) continue;
    print_error("%s %s\n  left     %s\n  expected %s\n", one->line,
                one->body == NULL ? "" : one->body, state, one->state);
    wrong++;
  }
  return wrong;
}

#endif
