/*
** The differential test of the expression translator: random SELECT statements of its range to PostgreSQL, and translated
** to a ledger file that holds the same rows. Compared are rows as text, names and types of the columns, and SQLSTATE.
** LEDGER_TEST_SEED and LEDGER_TEST_COUNT are read from the environment.
*/
#include "../../ledger.c"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../schema/compiler/compiler.h"
#include "grammar.h"
#include "listed_expressions.h"
#include "samples.h"

enum {
  TRIAL_ROWS = 60,
  TRIAL_SHOWN = 40,
  TRIAL_COLUMNS = 40,
  TRIAL_REASONS = 64,
  TRIAL_BY_ORDER = 5
};

struct trial {
  uint64_t seed;
  struct test_random random;
  PGconn *server;
  ledger *db;
  struct schema_result *schema;
  struct arena arena;
  const char *prefix; /* of column names: "t." in joins */
  bool constant;      /* no columns */
  int equal, same_state, other_state, at_planning, by_order, unsupported, different, skipped;
  int listed[LISTED_EXPRESSIONS];
  struct {
    char message[100];
    int count;
  } reasons[TRIAL_REASONS];
  int reason_count;
};

/* What a side answers: an error, or rows. Cells are NULL for NULL. */
struct trial_answer {
  char sqlstate[6];
  char message[512];
  int columns, count;
  const char **names, **types;
  const char ***cells;
};

/* ---- making statements */

static void trial_expression(struct trial *trial, sqlite3_str *sql, char type, int depth);

static const char *trial_pick(struct trial *trial, const struct grammar_form *forms, size_t count,
                              char type) {
  int fitting = 0, chosen;
  for (size_t i = 0; i < count; i++) fitting += forms[i].type == type;
  if (fitting == 0) return NULL;
  chosen = random_below(&trial->random, fitting);
  for (size_t i = 0; i < count; i++)
    if (forms[i].type == type && chosen-- == 0) return forms[i].text;
  return NULL;
}
#define TRIAL_PICK(trial, forms, type)                                                             \
  trial_pick((trial), (forms), sizeof(forms) / sizeof(*(forms)), (type))

static void trial_fill(struct trial *trial, sqlite3_str *sql, const char *form, int depth) {
  for (const char *c = form; *c != 0; c++) {
    if (c[0] != '$' || c[1] == 0 || c[1] == '\'')
      sqlite3_str_appendchar(sql, 1, *c);
    else {
      trial_expression(trial, sql, c[1], depth);
      c++;
    }
  }
}

static void trial_expression(struct trial *trial, sqlite3_str *sql, char type, int depth) {
  static const char all[] = "bsilnfgtvcqudhmzyjkaxeTIN";
  const char *form;
  if (strchr(all, type) != NULL && random_chance(&trial->random, 1))
    type = all[random_below(&trial->random, (int)sizeof all - 1)];
  if (depth > 0 && random_chance(&trial->random, 70) &&
      (form = TRIAL_PICK(trial, grammar_forms, type)) != NULL) {
    sqlite3_str_appendall(sql, "(");
    trial_fill(trial, sql, form, depth - 1);
    sqlite3_str_appendall(sql, ")");
    return;
  }
  form = trial->constant || random_chance(&trial->random, 40)
             ? NULL
             : TRIAL_PICK(trial, grammar_columns, type);
  if (form != NULL)
    sqlite3_str_appendf(sql, "%s%s", trial->prefix, form);
  else if ((form = TRIAL_PICK(trial, grammar_literals, type)) != NULL)
    sqlite3_str_appendall(sql, form);
}

static char trial_type(struct trial *trial) {
  static const char weighted[] = "bbbbbsiiiilnnnnnnfgtttttvcqudhmmmzzyyjjjkaxeTIN";
  return weighted[random_below(&trial->random, (int)sizeof weighted - 1)];
}

/* Rows that a statement reads: one, a few, or all of them, so that a fault in one row does not hide the others. */
static void trial_rows(struct trial *trial, sqlite3_str *sql) {
  struct test_random *r = &trial->random;
  int first = random_below(r, TRIAL_ROWS);
  if (random_chance(r, 60))
    sqlite3_str_appendf(sql, " WHERE %sid = %d", trial->prefix, first);
  else
    sqlite3_str_appendf(sql, " WHERE %sid BETWEEN %d AND %d", trial->prefix, first,
                        first + random_below(r, 12));
}

static void trial_order(struct trial *trial, sqlite3_str *sql) {
  static const char *const directions[] = {"", " DESC", " NULLS FIRST", " DESC NULLS LAST",
                                           " ASC NULLS LAST"};
  static const char ordered[] = "bsilnnfgtvcudhmzyjaxeTIN";
  char type = ordered[random_below(&trial->random, (int)sizeof ordered - 1)];
  sqlite3_str_appendall(sql, " ORDER BY ");
  if (random_chance(&trial->random, 70))
    sqlite3_str_appendf(sql, "%s%s", trial->prefix, TRIAL_PICK(trial, grammar_columns, type));
  else
    trial_expression(trial, sql, type, 1);
  sqlite3_str_appendf(sql, "%s, %sid", RANDOM_OF(&trial->random, directions), trial->prefix);
}

static void trial_aggregate(struct trial *trial, sqlite3_str *sql, int depth) {
  trial_fill(trial, sql, RANDOM_OF(&trial->random, grammar_aggregates), depth);
}

/* Types whose equal values print alike, so that a group's representative does not matter. */
static const char *const trial_groups[] = {"b",
                                           "s",
                                           "p",
                                           "v",
                                           "e",
                                           "d",
                                           "m3",
                                           "i % 3",
                                           "lower(t)",
                                           "length(t)",
                                           "date_trunc('month', m)",
                                           "p > 0",
                                           "(j ->> 'a')",
                                           "q"};

static char *trial_statement(struct trial *trial, bool *ordered) {
  struct test_random *r = &trial->random;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  int shape = random_below(r, 100), depth = 1 + random_below(r, 3);
  const char *group = RANDOM_OF(r, trial_groups);
  trial->prefix = "";
  trial->constant = false;
  *ordered = true;
  sqlite3_str_appendall(sql, "SELECT ");
  if (shape < 30) {
    trial->constant = true;
    trial_expression(trial, sql, trial_type(trial), depth);
    sqlite3_str_appendall(sql, " AS x");
  } else if (shape < 60) {
    sqlite3_str_appendall(sql, "id, ");
    trial_expression(trial, sql, trial_type(trial), depth);
    sqlite3_str_appendall(sql, random_chance(r, 80) ? " AS x" : "");
    if (random_chance(r, 30)) {
      sqlite3_str_appendall(sql, ", ");
      trial_expression(trial, sql, trial_type(trial), depth);
    }
    sqlite3_str_appendall(sql, " FROM t");
    trial_rows(trial, sql);
    if (random_chance(r, 40)) {
      sqlite3_str_appendall(sql, " AND ");
      trial_expression(trial, sql, 'b', 2);
    }
    sqlite3_str_appendall(sql, " ORDER BY id");
  } else if (shape < 68) {
    sqlite3_str_appendall(sql, "id FROM t WHERE ");
    trial_expression(trial, sql, 'b', depth);
    *ordered = false;
  } else if (shape < 76) {
    sqlite3_str_appendall(sql, "id FROM t");
    trial_order(trial, sql);
    if (random_chance(r, 30))
      sqlite3_str_appendf(sql, " LIMIT %d OFFSET %d", random_below(r, 10), random_below(r, 10));
  } else if (shape < 84) {
    trial_aggregate(trial, sql, depth - 1);
    sqlite3_str_appendall(sql, ", ");
    trial_aggregate(trial, sql, 0);
    sqlite3_str_appendall(sql, " FROM t");
    if (random_chance(r, 50)) trial_rows(trial, sql);
  } else if (shape < 90) {
    sqlite3_str_appendf(sql, "%s AS g, ", group);
    trial_aggregate(trial, sql, 0);
    sqlite3_str_appendf(sql, " AS x FROM t GROUP BY %s", random_chance(r, 50) ? group : "1");
    if (random_chance(r, 40)) {
      sqlite3_str_appendall(sql, " HAVING ");
      sqlite3_str_appendall(sql, random_chance(r, 50) ? "count(*) > 1" : "sum(p) > 0");
    }
    if (random_chance(r, 50))
      sqlite3_str_appendall(sql, " ORDER BY 1");
    else
      *ordered = false;
  } else if (shape < 95) {
    static const char *const joins[] = {"JOIN o ON o.t_id = t.id",
                                        "LEFT JOIN o ON o.t_id = t.id AND o.amount > 0",
                                        "JOIN o ON o.e = t.e",
                                        "LEFT JOIN o USING (e)",
                                        "CROSS JOIN o",
                                        "JOIN o ON o.at < t.m",
                                        "RIGHT JOIN o ON o.t_id = t.id"};
    trial->prefix = "t.";
    sqlite3_str_appendall(sql, "t.id, o.id AS o_id, o.amount, ");
    trial_expression(trial, sql, trial_type(trial), 1);
    sqlite3_str_appendf(sql, " AS x FROM t %s", RANDOM_OF(r, joins));
    trial_rows(trial, sql);
    *ordered = false;
  } else {
    static const char *const wholes[] = {
        "DISTINCT %s AS g FROM t",
        "%s AS g FROM t UNION SELECT %s FROM t WHERE id < 9",
        "count(*) FROM (SELECT DISTINCT %s FROM t) AS s",
        "id FROM t WHERE id IN (SELECT t_id FROM o WHERE amount > 1)",
        "id, (SELECT max(o.amount) FROM o WHERE o.t_id = t.id) FROM t",
        "id FROM t WHERE EXISTS (SELECT 1 FROM o WHERE o.t_id = t.id AND o.e IS NOT NULL)",
        "*  FROM o",
        "o.*, t.p FROM o JOIN t ON t.id = o.t_id",
        "x.g, count(*) FROM (SELECT %s AS g FROM t) AS x GROUP BY x.g",
        "%s AS g FROM t EXCEPT SELECT %s FROM t WHERE id > 30",
        "count(*), g FROM (SELECT %s AS g FROM t WHERE id > 10) AS s GROUP BY g HAVING count(*) > "
        "2",
        "t_id, sum(amount), avg(amount), min(at), max(e) FROM o GROUP BY t_id",
        "id FROM t WHERE p > (SELECT avg(p) FROM t)",
        "id FROM t WHERE (SELECT count(*) FROM o WHERE o.t_id = t.id) > 1",
        "%s AS g FROM t UNION ALL SELECT %s FROM t",
    };
    char text[600];
    const char *whole = RANDOM_OF(r, wholes);
    /* The same group expression at each %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof text, whole, group, group);
#pragma GCC diagnostic pop
    sqlite3_str_appendall(sql, text);
    *ordered = false;
  }
  return sqlite3_str_finish(sql);
}

/* ---- the two sides */

static const char *trial_keep(struct trial *trial, const char *text, size_t length) {
  const char *copy = arena_copy(&trial->arena, text, length);
  assert_non_null(copy);
  return copy;
}

static const char *trial_server_type(struct trial *trial, Oid type, int modifier) {
  static struct {
    Oid type;
    int modifier;
    char name[80];
  } known[200];
  static int count;
  for (int i = 0; i < count; i++)
    if (known[i].type == type && known[i].modifier == modifier) return known[i].name;
  char sql[100];
  snprintf(sql, sizeof sql, "SELECT format_type(%u, %d)", type, modifier);
  PGresult *result = server_query(trial->server, sql);
  if (count == 200) count = 0;
  known[count].type = type;
  known[count].modifier = modifier;
  snprintf(known[count].name, sizeof known[count].name, "%s", PQgetvalue(result, 0, 0));
  PQclear(result);
  return known[count++].name;
}

static void trial_ask_server(struct trial *trial, const char *sql, struct trial_answer *out) {
  memset(out, 0, sizeof *out);
  PGresult *result = PQexec(trial->server, sql);
  if (PQresultStatus(result) != PGRES_TUPLES_OK) {
    snprintf(out->sqlstate, sizeof out->sqlstate, "%s",
             PQresultErrorField(result, PG_DIAG_SQLSTATE));
    snprintf(out->message, sizeof out->message, "%s",
             PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    PQclear(result);
    return;
  }
  out->columns = PQnfields(result);
  out->count = PQntuples(result);
  out->names = arena_alloc(&trial->arena, sizeof(char *) * (size_t)out->columns);
  out->types = arena_alloc(&trial->arena, sizeof(char *) * (size_t)out->columns);
  out->cells = arena_alloc(&trial->arena, sizeof(char **) * (size_t)(out->count + 1));
  for (int i = 0; i < out->columns; i++) {
    const char *type = trial_server_type(trial, PQftype(result, i), PQfmod(result, i));
    out->names[i] = trial_keep(trial, PQfname(result, i), strlen(PQfname(result, i)));
    out->types[i] = trial_keep(trial, type, strlen(type));
  }
  for (int i = 0; i < out->count; i++) {
    out->cells[i] = arena_alloc(&trial->arena, sizeof(char *) * (size_t)(out->columns + 1));
    for (int j = 0; j < out->columns; j++)
      out->cells[i][j] = PQgetisnull(result, i, j) ? NULL
                                                   : trial_keep(trial, PQgetvalue(result, i, j),
                                                                (size_t)PQgetlength(result, i, j));
  }
  PQclear(result);
}

static void trial_refused(struct trial_answer *out, const char *sqlstate, const char *message) {
  snprintf(out->sqlstate, sizeof out->sqlstate, "%s", sqlstate);
  snprintf(out->message, sizeof out->message, "%s", message);
}

/* A stored value as the server would print it. An enum is its label, a type without a parser text. */
static const char *trial_text(struct trial *trial, const char *type_name, sqlite3_stmt *stmt,
                              int column, struct trial_answer *out) {
  struct type type;
  struct value value = statement_value(stmt, column);
  ledger_error error;
  if (value.kind == VALUE_NULL) return NULL;
  size_t length_of_name = strlen(type_name);
  bool is_array = length_of_name > 2 && strcmp(type_name + length_of_name - 2, "[]") == 0;
  if (type_parse(type_name, &type, &error) != LEDGER_OK &&
      (!is_array || type_parse("text[]", &type, &error) != LEDGER_OK))
    return trial_keep(trial, (const char *)sqlite3_column_text(stmt, column),
                      (size_t)sqlite3_column_bytes(stmt, column));
  sqlite3_str *text = sqlite3_str_new(NULL);
  if (type_output(&type, &value, text, &error) != LEDGER_OK) {
    char message[300];
    snprintf(message, sizeof message, "not the stored form of %s: %.100s", type_name,
             (const char *)sqlite3_column_text(stmt, column));
    trial_refused(out, "XXOUT", message);
  }
  size_t length = (size_t)sqlite3_str_length(text);
  char *finished = sqlite3_str_finish(text);
  const char *copy = trial_keep(trial, finished == NULL ? "" : finished, length);
  sqlite3_free(finished);
  return copy;
}

static void trial_run_file(struct trial *trial, const struct schema_query *query,
                           struct trial_answer *out) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(trial->db->sqlite, query->sql, -1, &stmt, NULL);
  if (rc == SQLITE_OK) {
    int room = 0;
    out->columns = query->column_count;
    out->names = (const char **)query->names;
    out->types = (const char **)query->types;
    if (sqlite3_column_count(stmt) != query->column_count) trial_refused(out, "XXCOL", query->sql);
    while (out->sqlstate[0] == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
      if (out->count == room) {
        const char ***more = arena_alloc(&trial->arena, sizeof(char **) * (size_t)(2 * room + 8));
        if (room > 0) memcpy(more, out->cells, sizeof(char **) * (size_t)room);
        out->cells = more;
        room = 2 * room + 8;
      }
      const char **row = out->cells[out->count++] =
          arena_alloc(&trial->arena, sizeof(char *) * (size_t)(out->columns + 1));
      for (int i = 0; i < out->columns; i++)
        row[i] = trial_text(trial, query->types[i], stmt, i, out);
    }
  }
  if (out->sqlstate[0] == 0 && rc != SQLITE_DONE && rc != SQLITE_OK) {
    store_error(trial->db, rc);
    trial_refused(out, trial->db->error.sqlstate, trial->db->error.message);
  }
  sqlite3_finalize(stmt);
}

/* ---- comparing */

static int trial_columns;
static int trial_compare_rows(const void *a, const void *b) {
  const char **left = *(const char ***)a, **right = *(const char ***)b;
  for (int i = 0; i < trial_columns; i++) {
    if (left[i] == NULL || right[i] == NULL) {
      if (left[i] != right[i]) return left[i] == NULL ? 1 : -1;
      continue;
    }
    int order = strcmp(left[i], right[i]);
    if (order != 0) return order;
  }
  return 0;
}

/* The planner drops the arms of COALESCE that it need not evaluate, and with them says another length or scale. */
static bool trial_same_type(const char *server, const char *file) {
  if (strcmp(server, file) == 0) return true;
  bool has_modifier = strchr(server, '(') != NULL || strncmp(server, "interval ", 9) == 0;
  if (strcmp(file, "bpchar") == 0) return strncmp(server, "character(", 10) == 0;
  size_t bare = strcspn(server, "(");
  const char *behind = strchr(server, ')');
  return has_modifier &&
         strncmp(server, file, strncmp(server, "interval ", 9) == 0 ? 8 : bare) == 0 &&
         (behind == NULL ||
          strcmp(behind + 1, file + (strlen(file) < bare ? strlen(file) : bare)) == 0);
}

/* SQLite has no negative zero. */
static bool trial_same_but_zero(const char *server, const char *file) {
  while (*server != 0) {
    if (server[0] == '-' && server[1] == '0' && strchr("0123456789.", server[2]) == NULL &&
        file[0] == '0')
      server++;
    if (server[0] == '-' && server[1] == '0' && server[2] == 0 && file[0] == '0') server++;
    if (*server++ != *file++) return false;
  }
  return *file == 0;
}

/* Text that is equal; of a binary number, the same but for the order in which an aggregate added. */
static bool trial_same_cell(const char *type, const char *server, const char *file) {
  if (strcmp(server, file) == 0 || trial_same_but_zero(server, file)) return true;
  bool is_real = strcmp(type, "real") == 0;
  if (!is_real && strcmp(type, "double precision") != 0) return false;
  double a = strtod(server, NULL), b = strtod(file, NULL),
         size = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
  return fabs(a - b) <= size * (is_real ? 1e-6 : 1e-14);
}

/* What differs first, in words; NULL when nothing does. */
static const char *trial_difference(struct trial *trial, const struct trial_answer *server,
                                    const struct trial_answer *file, bool ordered) {
  char text[600];
  if (server->columns != file->columns) return "another number of columns";
  for (int i = 0; i < server->columns; i++) {
    if (strcmp(server->names[i], file->names[i]) != 0) {
      snprintf(text, sizeof text, "column name: server %s, file %s", server->names[i],
               file->names[i]);
      return trial_keep(trial, text, strlen(text));
    }
    if (!trial_same_type(server->types[i], file->types[i])) {
      snprintf(text, sizeof text, "column type: server %s, file %s", server->types[i],
               file->types[i]);
      return trial_keep(trial, text, strlen(text));
    }
  }
  if (server->count != file->count) {
    snprintf(text, sizeof text, "%d rows and %d rows", server->count, file->count);
    return trial_keep(trial, text, strlen(text));
  }
  trial_columns = server->columns;
  if (!ordered && server->count > 1) {
    qsort(server->cells, (size_t)server->count, sizeof *server->cells, trial_compare_rows);
    qsort(file->cells, (size_t)file->count, sizeof *file->cells, trial_compare_rows);
  }
  for (int i = 0; i < server->count; i++)
    for (int j = 0; j < server->columns; j++) {
      const char *a = server->cells[i][j], *b = file->cells[i][j];
      if (a == b || (a != NULL && b != NULL && trial_same_cell(server->types[j], a, b))) continue;
      snprintf(text, sizeof text, "row %d, %s %s: server %.200s, file %.200s", i, server->names[j],
               server->types[j], a == NULL ? "NULL" : a, b == NULL ? "NULL" : b);
      return trial_keep(trial, text, strlen(text));
    }
  return NULL;
}

static void trial_reason(struct trial *trial, const char *message, const char *sql) {
  for (int i = 0; i < trial->reason_count; i++)
    if (strncmp(trial->reasons[i].message, message, 90) == 0) {
      trial->reasons[i].count++;
      return;
    }
  if (trial->reason_count == TRIAL_REASONS) return;
  snprintf(trial->reasons[trial->reason_count].message, sizeof trial->reasons[0].message, "%.90s",
           message);
  trial->reasons[trial->reason_count++].count = 1;
  printf("# not supported: %s\n#   %s\n", message, sql);
}

static void trial_report(struct trial *trial, const char *sql, const struct schema_query *query,
                         const char *what) {
  trial->different++;
  if (trial->different <= (int)random_setting("LEDGER_TEST_SHOWN", TRIAL_SHOWN))
    printf("LEDGER_TEST_SEED=%llu: %s\n  %s\n  %s\n", (unsigned long long)trial->seed, what, sql,
           query->sql == NULL ? "(not translated)" : query->sql);
}

/* PostgreSQL evaluates constants when it plans, also those that no row needs. */
static bool trial_fails_at_planning(struct trial *trial, const char *sql, const char *sqlstate) {
  char *explain = sqlite3_mprintf("EXPLAIN %s", sql);
  PGresult *result = PQexec(trial->server, explain);
  const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  bool same = state != NULL && strcmp(state, sqlstate) == 0;
  PQclear(result);
  sqlite3_free(explain);
  return same;
}

/* Where the planner proves that there is no row, or folds a part to NULL, nothing is evaluated that could fail. */
static bool trial_is_decided_by_plan(struct trial *trial, const char *sql) {
  char *explain = sqlite3_mprintf("EXPLAIN (VERBOSE, COSTS OFF) %s", sql);
  PGresult *result = PQexec(trial->server, explain);
  bool decided = false;
  for (int i = 0; i < PQntuples(result); i++) {
    const char *line = PQgetvalue(result, i, 0);
    decided |= strstr(line, "One-Time Filter: false") != NULL || strstr(line, "NULL::") != NULL;
  }
  PQclear(result);
  sqlite3_free(explain);
  return decided;
}

static void trial_judge(struct trial *trial, const char *sql, const struct schema_query *query,
                        const struct trial_answer *server, const struct trial_answer *file,
                        bool ordered) {
  char what[1300];
  const char *difference;
  int listed;
  if (strcmp(server->sqlstate, file->sqlstate) == 0) {
    if (server->sqlstate[0] != 0)
      trial->same_state++;
    else if ((difference = trial_difference(trial, server, file, ordered)) == NULL)
      trial->equal++;
    else
      trial_report(trial, sql, query, difference);
  } else if (file->sqlstate[0] != 0 &&
             (listed = listed_expression(sql, file->sqlstate, file->message)) >= 0)
    trial->listed[listed]++;
  else if (strcmp(file->sqlstate, "0A000") == 0) {
    trial->unsupported++;
    trial_reason(trial, file->message, sql);
  } else if (server->sqlstate[0] != 0 && file->sqlstate[0] != 0 && file->sqlstate[0] != 'X') {
    trial->other_state++;
    printf("# other SQLSTATE: server %s %s, file %s %s\n#   %s\n", server->sqlstate,
           server->message, file->sqlstate, file->message, sql);
  } else if (file->sqlstate[0] == 0 && strcmp(server->sqlstate, "42804") != 0 &&
             trial_fails_at_planning(trial, sql, server->sqlstate))
    trial->at_planning++;
  else if (server->sqlstate[0] == 0 && strncmp(file->sqlstate, "22", 2) == 0 &&
           trial_is_decided_by_plan(trial, sql))
    trial->at_planning++;
  else if (strstr(sql, " AND ") != NULL &&
           (strncmp(server->sqlstate, "22", 2) == 0 || strncmp(file->sqlstate, "22", 2) == 0) &&
           trial->by_order < TRIAL_BY_ORDER) {
    trial
        ->by_order++; /* PostgreSQL orders the terms of WHERE by their cost, and so fails earlier or later */
    printf("# by the order of WHERE: server %s, file %s\n#   %s\n", server->sqlstate,
           file->sqlstate, sql);
  } else {
    snprintf(what, sizeof what, "one side refuses: server %s %s, file %s %s", server->sqlstate,
             server->message, file->sqlstate, file->message);
    trial_report(trial, sql, query, what);
  }
}

static void trial_round(struct trial *trial) {
  bool ordered;
  struct trial_answer server, file;
  struct schema_query query;
  memset(&file, 0, sizeof file);
  memset(&query, 0, sizeof query);
  char *sql = trial_statement(trial, &ordered);
  trial_ask_server(trial, sql, &server);
  if (strcmp(server.sqlstate, "57014") == 0)
    trial->skipped++;
  else {
    schema_query(trial->schema, sql, &query);
    if (query.sqlstate[0] != 0)
      trial_refused(&file, query.sqlstate, query.message);
    else
      trial_run_file(trial, &query, &file);
    trial_judge(trial, sql, &query, &server, &file, ordered);
    schema_query_free(&query);
  }
  sqlite3_free(sql);
  arena_reset(&trial->arena);
}

/* ---- the rows */

static ledger_value trial_value(struct trial *trial, const struct server_catalog *catalog,
                                int table, const struct server_column *column) {
  struct test_random *r = &trial->random;
  struct arena *arena = &trial->arena;
  const char *element = column->is_array ? "" : column->base;
  if (column->is_array) {
    static const char *const integers[] = {
        "{}", "{1}", "{1,2,3}", "{NULL,5}", "{{1,2},{3,4}}", "{-7,0,42}", "{2147483647}"};
    static const char *const numerics[] = {"{}",     "{1.50}",  "{0.1,10,-3.33}",
                                           "{NULL}", "{1e3,2}", "{{1.5},{2.5}}"};
    if (strcmp(column->base, "int4") == 0) return sample_of(arena, RANDOM_OF(r, integers));
    if (strcmp(column->base, "numeric") == 0) return sample_of(arena, RANDOM_OF(r, numerics));
  }
  if (strcmp(element, "interval") == 0) {
    static const char *const intervals[] = {
        "1 day",     "24:00:00", "1 mon",  "30 days",   "-1 year 3 days 04:05:06.789",
        "00:00:00",  "P1DT2H",   "1 week", "-00:00:01", "2 years -3 mons",
        "100 hours", "0.5 days"};
    return sample_of(arena, RANDOM_OF(r, intervals));
  }
  if (strcmp(element, "time") == 0) {
    static const char *const times[] = {"12:34:56",        "00:00",        "24:00:00",
                                        "23:59:59.999999", "04:05:06.789", "12:00:00.5"};
    return sample_of(arena, RANDOM_OF(r, times));
  }
  if (strncmp(element, "float", 5) == 0) {
    static const char *const floats[] = {"0",        "1.5",       "0.1",       "1e10",
                                         "-2.25",    "3.4e-5",    "123456789", "0.3333333333333333",
                                         "Infinity", "-Infinity", "1e-30"};
    return sample_of(arena, RANDOM_OF(r, floats));
  }
  if (strcmp(element, "cidr") == 0) {
    static const char *const networks[] = {"10.0.0.0/8",    "192.168.1.0/24", "::/0",
                                           "2001:db8::/32", "10.1.2.3/32",    "0.0.0.0/0"};
    return sample_of(arena, RANDOM_OF(r, networks));
  }
  if (strcmp(element, "bytea") == 0) {
    static const char *const bytes[] = {"\\x", "\\x00", "\\xdeadbeef", "abc", "\\x616200ff"};
    return sample_of(arena, RANDOM_OF(r, bytes));
  }
  if (strcmp(element, "int8") == 0 && random_chance(r, 30))
    return sample_of(arena, random_chance(r, 50) ? "9223372036854775807" : "-10000000000");
  if (strcmp(element, "int4") == 0 || strcmp(element, "int2") == 0) {
    ledger_value small = {LEDGER_INTEGER,
                          random_chance(r, 85) ? random_below(r, 25) - 6 : random_below(r, 32767),
                          NULL, 0};
    return small;
  }
  return sample_good(r, arena, catalog, table, column);
}

/* One row: on the server first, then what it holds in the file. False: the server refused it. */
static bool trial_load_row(struct trial *trial, const struct server_catalog *catalog, int t,
                           int id) {
  const struct server_table *table = &catalog->tables[t];
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "INSERT INTO %s VALUES (%d", table->quoted, id);
  for (int i = 1; i < table->column_count; i++) {
    ledger_value value = random_chance(&trial->random, 12)
                             ? sample_of(&trial->arena, NULL)
                             : trial_value(trial, catalog, t, &table->columns[i]);
    if (table->columns[i].reference >= 0) {
      value.kind = LEDGER_INTEGER;
      value.integer = random_below(&trial->random, TRIAL_ROWS);
    }
    sqlite3_str_appendall(text, ", ");
    sample_sql(text, &value);
  }
  sqlite3_str_appendall(text, ") RETURNING *");
  char *sql = sqlite3_str_finish(text);
  PGresult *result = PQexec(trial->server, sql);
  sqlite3_free(sql);
  bool accepted = PQresultStatus(result) == PGRES_TUPLES_OK;
  if (accepted) {
    const char *columns[TRIAL_COLUMNS];
    ledger_value values[TRIAL_COLUMNS];
    for (int i = 0; i < table->column_count; i++) {
      columns[i] = table->columns[i].name;
      values[i].kind = PQgetisnull(result, 0, i) ? LEDGER_NULL : LEDGER_TEXT;
      values[i].text = PQgetvalue(result, 0, i);
      values[i].length = (size_t)PQgetlength(result, 0, i);
    }
    int rc = ledger_insert(trial->db, table->quoted, table->column_count, columns, values, NULL);
    if (rc == LEDGER_DATETIME_RANGE) { /* listed: a year past 9999 */
      char delete[100];
      snprintf(delete, sizeof delete, "DELETE FROM %s WHERE id = %d", table->quoted, id);
      server_run(trial->server, delete);
      accepted = false;
    } else if (rc != LEDGER_OK)
      fail_msg("%s row %d: the file refuses what the server holds: %s", table->quoted, id,
               ledger_error_of(trial->db)->message);
  }
  PQclear(result);
  arena_reset(&trial->arena);
  return accepted;
}

static void trial_load(struct trial *trial) {
  struct server_catalog catalog;
  known_read(&catalog, trial->server);
  for (int t = 0; t < catalog.count; t++)
    for (int id = 0; id < (t == 0 ? TRIAL_ROWS : TRIAL_ROWS / 2); id++)
      while (!trial_load_row(trial, &catalog, t, id)) {
      }
  known_free(&catalog);
}

static void trial_schema(struct trial *trial, const char *path) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  static char text[16384];
  size_t length = fread(text, 1, sizeof text, file);
  fclose(file);
  struct schema_file source = {"expressions.sql", text, length};
  struct schema_options options = {"expressions", false};
  schema_compile(&source, 1, &options, &trial->schema);
  assert_non_null(trial->schema);
  for (int i = 0; i < trial->schema->note_count && trial->schema->error_count > 0; i++)
    printf("%s:%d:%d: %s\n", path, trial->schema->notes[i].line, trial->schema->notes[i].column,
           trial->schema->notes[i].message);
  assert_int_equal(trial->schema->error_count, 0);
}

static void trial_expressions(void **state) {
  (void)state;
  struct trial trial = {.seed = random_seed()};
  int count = random_count(4000);
  trial.random.state = trial.seed;
  server_database("expressions");
  server_load("expressions", "tests/differential/expressions.sql");
  trial.server = server_connect("expressions");
  server_run(trial.server, "SET statement_timeout = '3s'");
  trial_schema(&trial, "tests/differential/expressions.sql");
  if (ledger_create(":memory:", trial.schema->script, 0, &trial.db) != LEDGER_OK)
    fail_msg("%s", ledger_error_of(trial.db)->message);
  trial_load(&trial);
  for (int i = 0; i < count; i++) trial_round(&trial);
  printf("# expressions, seed %llu: %d equal, %d refused by both alike, %d with another SQLSTATE, "
         "%d decided by the server's planner, %d not supported, %d different\n",
         (unsigned long long)trial.seed, trial.equal, trial.same_state, trial.other_state,
         trial.at_planning, trial.unsupported, trial.different);
  for (int i = 0; i < LISTED_EXPRESSIONS; i++)
    if (trial.listed[i] > 0)
      printf("#   listed, %d: %s\n", trial.listed[i], listed_expressions[i].reason);
  for (int i = 0; i < trial.reason_count; i++)
    printf("#   not supported, %d: %s\n", trial.reasons[i].count, trial.reasons[i].message);
  ledger_close(trial.db);
  schema_free(trial.schema);
  PQfinish(trial.server);
  arena_free(&trial.arena);
  assert_int_equal(trial.different, 0);
  assert_in_range(trial.equal, count / 2, count);
  assert_in_range(trial.unsupported * 20, 0, count);
  assert_in_range(trial.other_state * 100, 0, trial.same_state + trial.other_state);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(trial_expressions)};
  setvbuf(stdout, NULL, _IOLBF, 0);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
