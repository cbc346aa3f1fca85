/*
** test_group_ask.c: requests, calls of functions and operations of the book that share commits of one handle: each is answered for itself,
** and what one is refused changes nothing for the others.
*/
#include "../../ledger.c"

#include <pthread.h>

#include "write_ask.h"
#include <gate.h>
#include <post.h>
#include <random.h>
#include <unistd.h>

#define ASK_THREADS 8
#define ASK_MAX 16

static char ask_path[100];

static void ask_remove(void) {
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  for (int i = 0; i < 3; i++) {
    char name[120];
    snprintf(name, sizeof name, "%s%s", ask_path, suffixes[i]);
    remove(name);
  }
}

/* A file on the disk with accounts A0 to A7, each with 1000.00. */
static ledger *ask_file(void) {
  ledger *db = NULL;
  const char *folder = getenv("TMPDIR");
  snprintf(ask_path, sizeof ask_path, "%s/ledger-test-ask.%ld.db", folder == NULL ? "/tmp" : folder,
           (long)getpid());
  ask_remove();
  assert_int_equal(ledger_create(ask_path, ledger_schema("full"), 0, &db), LEDGER_OK);
  for (int i = 0; i < ASK_THREADS; i++) {
    char number[16];
    snprintf(number, sizeof number, "A%d", i);
    post_account(db, number, "USD", "1000");
  }
  return db;
}

/* ---- calls from threads of their own */

struct ask_call {
  pthread_t thread;
  ledger_group *group;
  bool is_function;
  struct write_request request;
  ledger_call_request function;
  ledger_answer answer;
  int rc;
};

static void *ask_main(void *context) {
  struct ask_call *call = context;
  call->rc = call->is_function ? ledger_group_call(call->group, &call->function, &call->answer)
                               : ledger_group_ask(call->group, &call->request.query, &call->answer);
  return NULL;
}

/* A request, or "CALL function" with its arguments as the body. */
static void ask_start(struct ask_call *call, ledger_group *group, const char *line,
                      const char *body) {
  memset(call, 0, sizeof *call);
  call->group = group;
  call->is_function = strncmp(line, "CALL ", 5) == 0;
  if (call->is_function)
    call->function = (ledger_call_request){
        .function = line + 5, .arguments = body, .arguments_length = strlen(body)};
  else
    write_read(&call->request, line, body);
  assert_int_equal(pthread_create(&call->thread, NULL, ask_main, call), 0);
}

struct ask_case {
  const char *line, *body, *outcome; /* how its outcome begins; NULL: done, whatever it answers */
};

/* All of the cases in one commit, in their order; `failing` as gate_close() has it. Returns how many are answered otherwise. */
static int ask_together(ledger *db, const struct ask_case *cases, int count, int failing) {
  struct ask_call *calls = calloc((size_t)count + 1, sizeof *calls);
  ledger_group *group = NULL;
  int wrong = 0;
  assert_int_equal(ledger_group_open(db, 100, &group), LEDGER_OK);
  gate_close(db, group, count, failing);
  ask_start(&calls[count], group, "POST roles", "{\"name\":\"gate\"}");
  gate_led(group);
  for (int i = 0; i < count; i++) {
    ask_start(&calls[i], group, cases[i].line, cases[i].body);
    for (int waiting = 0; waiting <= i && i + 1 < count;) { /* the last one opens the gate */
      pthread_mutex_lock(&group->mutex);
      waiting = group->waiting;
      pthread_mutex_unlock(&group->mutex);
      sched_yield();
    }
  }
  for (int i = 0; i <= count; i++) pthread_join(calls[i].thread, NULL);
  sqlite3_commit_hook(db->sqlite, NULL, NULL);
  for (int i = 0; i <= count; i++) {
    const char *outcome = write_outcome(&calls[i].answer);
    const char *wanted = i == count ? "1 rows, 1 new" : cases[i].outcome;
    if (wanted == NULL ? calls[i].rc != LEDGER_OK : strncmp(outcome, wanted, strlen(wanted)) != 0) {
      print_error("%s %s\n  gave     %s\n  expected %s\n", i == count ? "gate" : cases[i].line,
                  i == count ? "" : cases[i].body, outcome, wanted == NULL ? "success" : wanted);
      wrong++;
    }
    assert_int_equal(calls[i].rc, calls[i].answer.error.code);
    ledger_answer_free(&calls[i].answer);
  }
  ledger_group_close(group);
  free(calls);
  return wrong;
}

#define TOGETHER(db, cases, failing)                                                               \
  assert_int_equal(ask_together(db, cases, sizeof cases / sizeof *cases, failing), 0)

/* One after the other, a thread that is alone gets what ledger_ask() would give. */
static void alone(void **state) {
  (void)state;
  ledger *db = ask_file();
  ledger_group *group = NULL;
  ledger_answer answer = {0};
  struct write_request request;
  assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_OK);
  const ledger_query *query = write_read(&request, "POST roles", "{\"name\":\"r\"}");
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_OK);
  assert_int_equal(answer.rows, 1);
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_UNIQUE);
  assert_string_equal(answer.code, "23505");
  assert_string_equal(answer.error.constraint, "uq_roles_name");
  query = write_read(&request, "POST roles [rollback]", "{\"name\":\"s\"}");
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_OK);
  assert_int_equal(ledger_group_ask(NULL, query, &answer), LEDGER_MISUSE);
  assert_int_equal(ledger_group_ask(group, NULL, &answer), LEDGER_MISUSE);
  assert_int_equal(ledger_group_ask(group, query, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_group_call(group, &(ledger_call_request){0}, &answer), LEDGER_MISUSE);
  ledger_answer_free(&answer);
  ledger_group_close(group);
  assert_int_equal(post_number(db, "SELECT count(*) FROM roles WHERE name IN ('r', 's')"), 1);
  ledger_close(db);
  ask_remove();
}

/* What is refused before it has changed anything leaves the commit to the others, whoever they are. */
static void shared(void **state) {
  (void)state;
  static const struct ask_case cases[] = {
      {"POST roles", "{\"name\":\"a\"}", "1 rows, 1 new"},
      {"POST roles", "{\"name\":\"a\"}",
       "23505 duplicate key value violates unique constraint \"uq_roles_name\" (Key (name)=(a) already exists.)"},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"10\",\"reference\":\"T1\"}", NULL},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"1000\",\"reference\":\"T2\"}",
       "LG001 account A0 has 990.00 USD available, 1000.00 is needed"},
      {"PATCH roles?name=eq.a", "{\"description\":\"first\"}", "1 rows"},
      {"PATCH accounts?account_number=eq.A0", "{\"status\":\"nonsense\"}",
       "23514 new row for relation \"accounts\" violates check constraint \"ck_accounts_status\""},
      {"POST roles", "{\"nome\":1}",
       "PGRST204 Could not find the 'nome' column of 'roles' in the schema cache"},
      {"POST roles [rollback]", "{\"name\":\"b\"}", "1 rows, 1 new"},
      {"DELETE roles?name=eq.gate", "", "1 rows"},
      {"CALL nothing", "{}", "PGRST202 "},
  };
  ledger *db = ask_file();
  TOGETHER(db, cases, 0);
  assert_int_equal(gate.commits, 1);
  assert_string_equal(write_state(db, "SELECT name, description FROM roles WHERE name IN ('a', 'b', 'gate')"),
                      "a,first");
  post_balance(db, "A1", "1010.00 1010.00 0.00");
  ledger_close(db);
  ask_remove();
}

/* One that fails after its first write takes nobody with it: all is done again, with savepoints. The last transfer is one: another
** program's row has its second reference. */
static void torn(void **state) {
  (void)state;
  static const struct ask_case cases[] = {
      {"POST roles", "{\"name\":\"a\"}", "1 rows, 1 new"},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"10\",\"reference\":\"T1\"}", NULL},
      {"POST roles", "[{\"name\":\"b\"},{\"name\":\"c\"},{\"name\":\"a\"}]",
       "23505 duplicate key value violates unique constraint \"uq_roles_name\" (Key (name)=(a) already exists.)"},
      {"POST roles [rows object]", "[{\"name\":\"d\"},{\"name\":\"e\"}]",
       "PGRST116 Cannot coerce the result to a single JSON object (The result contains 2 rows)"},
      {"POST roles [merge]", "[{\"name\":\"b\"},{\"name\":\"f\"}]", "2 rows, 2 new"},
      {"PATCH roles?name=in.(a,b,f)", "{\"name\":\"same\"}",
       "23505 duplicate key value violates unique constraint \"uq_roles_name\" (Key (name)=(same) already exists.)"},
      {"PATCH accounts?account_number=eq.A2", "{\"balance\":5}",
       "42501 column \"balance\" of relation \"accounts\" is written by the book alone [Money moves by the operations"
       " deposit, withdraw, transfer, post, hold and capture.]"},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"5\",\"reference\":\"T2\"}", NULL},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"7\",\"reference\":\"T3\"}",
       "23505 duplicate key value violates unique constraint \"uq_transactions_reference_number\""},
      {"POST roles", "{\"name\":\"g\"}", "1 rows, 1 new"},
  };
  ledger *db = ask_file();
  post_foreign(db, "INSERT INTO transactions (account_id, transaction_type, amount, reference_number)"
                   " SELECT id, 'debit', '1.00', 'T3.C' FROM accounts WHERE account_number = 'A0'");
  TOGETHER(db, cases, 0);
  post_foreign(db, "DELETE FROM transactions WHERE reference_number = 'T3.C'");
  assert_int_equal(gate.commits, 1);
  assert_string_equal(write_state(db, "SELECT name FROM roles WHERE length(name) = 1 ORDER BY name"), "a|b|f|g");
  post_balance(db, "A1", "1015.00 1015.00 0.00");
  post_balance(db, "A2", "1000.00 1000.00 0.00");
  post_close(db);
  ask_remove();
}

/* One that owes a row to a deferred foreign key fails the commit of all, and then alone. */
static void deferred(void **state) {
  (void)state;
  static const struct ask_case cases[] = {
      {"POST late", "{\"id\":1,\"other\":1}", "1 rows, 1 new"},
      {"POST late", "{\"id\":2,\"other\":9}",
       "23503 insert or update on table \"late\" violates foreign key constraint \"late_other_fkey\""
       " (Key (other)=(9) is not present in table \"late\".)"},
      {"POST late [rollback]", "{\"id\":3,\"other\":9}",
       "23503 insert or update on table \"late\" violates foreign key constraint \"late_other_fkey\""},
      {"POST late", "{\"id\":4,\"other\":1}", "1 rows, 1 new"},
  };
  ledger *db = write_open(NULL, "CREATE TABLE roles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);"
                                "CREATE TABLE late (id int PRIMARY KEY, other int REFERENCES late (id)"
                                "  DEFERRABLE INITIALLY DEFERRED);");
  TOGETHER(db, cases, 0);
  assert_string_equal(write_state(db, "SELECT id FROM late"), "1|4");
  ledger_close(db);
}

/* When the commit fails each is tried alone. */
static void commit_fails(void **state) {
  (void)state;
  static const struct ask_case cases[] = {
      {"POST roles", "{\"name\":\"a\"}", "1 rows, 1 new"},
      {"CALL transfer", "{\"from\":\"A0\",\"to\":\"A1\",\"amount\":\"10\",\"reference\":\"T1\"}", NULL},
      {"POST roles", "{\"name\":\"a\"}",
       "23505 duplicate key value violates unique constraint \"uq_roles_name\" (Key (name)=(a) already exists.)"},
  };
  ledger *db = ask_file();
  TOGETHER(db, cases, 1);
  assert_int_equal(post_number(db, "SELECT count(*) FROM roles WHERE name = 'a'"), 1);
  post_balance(db, "A1", "1010.00 1010.00 0.00");
  ledger_close(db);
  ask_remove();
}

/* A file that another program keeps locked: all are told so. */
static void busy(void **state) {
  (void)state;
  ledger *db = ask_file();
  ledger_group *group = NULL;
  sqlite3 *other = NULL;
  ledger_answer answer = {0};
  struct write_request request;
  const ledger_query *query = write_read(&request, "POST roles", "{\"name\":\"r\"}");
  assert_int_equal(sqlite3_open(ask_path, &other), SQLITE_OK);
  assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  ledger_busy_timeout(db, 0);
  assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_OK);
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_BUSY);
  assert_string_equal(answer.code, "55P03");
  assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_OK);
  ledger_answer_free(&answer);
  sqlite3_close(other);
  ledger_group_close(group);
  ledger_close(db);
  ask_remove();
}

/* The progress function runs in the middle of the leader's call: it may not ask, and may stop it. */
static int ask_report(void *context, int64_t done, int64_t total) {
  struct write_request request;
  ledger_answer answer = {0};
  (void)done, (void)total;
  const ledger_query *query = write_read(&request, "POST roles", "{\"name\":\"r\"}");
  assert_int_equal(ledger_group_ask(context, query, &answer), LEDGER_MISUSE);
  assert_string_equal(answer.code, "55000");
  ledger_answer_free(&answer);
  return 1;
}

static void progress(void **state) {
  (void)state;
  ledger *db = ask_file();
  ledger_group *group = NULL;
  ledger_answer answer = {0};
  struct write_request request;
  sqlite3_str *body = sqlite3_str_new(NULL);
  for (int i = 0; i < 1000; i++)
    sqlite3_str_appendf(body, "%s{\"name\":\"n%d\"}", i == 0 ? "[" : ",", i);
  sqlite3_str_appendall(body, "]");
  char *text = sqlite3_str_finish(body);
  assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_OK);
  ledger_progress(db, ask_report, group);
  const ledger_query *query = write_read(&request, "POST roles", text);
  assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_INTERRUPTED);
  ledger_progress(db, NULL, NULL);
  ledger_answer_free(&answer);
  ledger_group_close(group);
  sqlite3_free(text);
  assert_int_equal(post_number(db, "SELECT count(*) FROM roles WHERE name LIKE 'n%'"), 0);
  ledger_close(db);
  ask_remove();
}

/* Each request has its own actor in the trail, whoever it shares the handle with; and sync learns of its rows. */
static void trail(void **state) {
  (void)state;
  ledger *db = ask_file();
  ledger_group *group = NULL;
  ledger_answer answer = {0};
  char user[40];
  snprintf(user, sizeof user, "%s", write_state(db, "SELECT id FROM users LIMIT 1"));
  int64_t changes = post_number(db, "SELECT count(*) FROM ledger_change");
  assert_int_equal(ledger_group_open(db, 10, &group), LEDGER_OK);
  for (int i = 0; i < 3; i++) {
    struct write_request request;
    char body[40];
    ledger_actor actor = {.user_id = user, .ip_address = "203.0.113.9"};
    snprintf(body, sizeof body, "{\"name\":\"r%d\"}", i);
    ledger_query *query = (ledger_query *)write_read(&request, "POST roles [service]", body);
    request.caller.actor = i == 1 ? &actor : NULL;
    assert_int_equal(ledger_group_ask(group, query, &answer), LEDGER_OK);
  }
  ledger_answer_free(&answer);
  ledger_group_close(group);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_change"), changes + 3);
  char expected[100];
  snprintf(expected, sizeof expected, "null,0|%.36s,1|null,0", user);
  assert_string_equal(
      write_state(db, "SELECT user_id, ip_address IS NOT NULL FROM audit_logs WHERE entity_type = 'roles'"
                      " AND new_values LIKE '%\"r_\"%' ORDER BY rowid"),
      expected);
  post_close(db);
  ask_remove();
}

/* ---- many threads, many writes each */

struct ask_work {
  ledger_group *group;
  int thread, rounds, wrong;
  pthread_t id;
};

static void ask_expect(struct ask_work *work, const char *line, const char *body, int code) {
  struct ask_call call = {.group = work->group};
  call.is_function = strncmp(line, "CALL ", 5) == 0;
  if (call.is_function)
    call.function = (ledger_call_request){
        .function = line + 5, .arguments = body, .arguments_length = strlen(body)};
  else
    write_read(&call.request, line, body);
  ask_main(&call);
  if (call.rc != code) {
    fprintf(stderr, "%s %s: %s\n", line, body, call.answer.error.message);
    work->wrong++;
  }
  ledger_answer_free(&call.answer);
}

static void *ask_work_main(void *context) {
  struct ask_work *work = context;
  char line[100], body[200], reference[24];
  int t = work->thread;
  for (int i = 0; i < work->rounds; i++) {
    snprintf(body, sizeof body, "{\"name\":\"t%d-%d\"}", t, i);
    ask_expect(work, "POST roles", body, LEDGER_OK);
    snprintf(body, sizeof body, "[{\"name\":\"t%d-%d-x\"},{\"name\":\"t%d-%d\"}]", t, i, t, i);
    if (i % 5 == 0) ask_expect(work, "POST roles", body, LEDGER_UNIQUE);
    snprintf(line, sizeof line, "PATCH roles?name=eq.t%d-%d", t, i);
    ask_expect(work, line, "{\"description\":\"x\"}", LEDGER_OK);
    snprintf(body, sizeof body,
             "{\"from\":\"A%d\",\"to\":\"A%d\",\"amount\":\"1\",\"reference\":\"C%d-%d\"}", t,
             (t + 1) % ASK_THREADS, t, i);
    ask_expect(work, "CALL transfer", body, LEDGER_OK);
    char from[8], to[8];
    snprintf(reference, sizeof reference, "P%d-%d", t, i);
    snprintf(from, sizeof from, "A%d", t);
    snprintf(to, sizeof to, "A%d", (t + 3) % ASK_THREADS);
    ledger_operation operation = {.kind = LEDGER_OP_TRANSFER,
                                  .reference = reference,
                                  .from = from,
                                  .to = to,
                                  .amount = i % 7 == 3 ? "100000" : "2"};
    int rc = ledger_group_post(work->group, &operation, NULL, NULL);
    if (rc != (i % 7 == 3 ? LEDGER_NO_FUNDS : LEDGER_OK)) work->wrong++;
  }
  return NULL;
}

static void mixed(void **state) {
  (void)state;
  ledger *db = ask_file();
  ledger_group *group = NULL;
  struct ask_work work[ASK_THREADS];
  int rounds = random_count(40);
  assert_int_equal(ledger_group_open(db, 1000, &group), LEDGER_OK);
  for (int t = 0; t < ASK_THREADS; t++) {
    work[t] = (struct ask_work){.group = group, .thread = t, .rounds = rounds};
    assert_int_equal(pthread_create(&work[t].id, NULL, ask_work_main, &work[t]), 0);
  }
  for (int t = 0; t < ASK_THREADS; t++) {
    pthread_join(work[t].id, NULL);
    assert_int_equal(work[t].wrong, 0);
  }
  ledger_group_close(group);
  assert_int_equal(post_number(db, "SELECT count(*) FROM roles WHERE name LIKE 't%-%' AND description = 'x'"),
                   ASK_THREADS * rounds);
  assert_int_equal(post_number(db, "SELECT count(*) FROM roles WHERE name LIKE 't%-x'"), 0);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_journal WHERE reference LIKE 'C%-%'"),
                   ASK_THREADS * rounds);
  assert_int_equal(
      post_number(db, "SELECT sum(balance) FROM ledger_account WHERE class = 'account'"),
      ASK_THREADS * 100000);
  post_close(db);
  ask_remove();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone),        cmocka_unit_test(shared), cmocka_unit_test(torn),
      cmocka_unit_test(deferred),     cmocka_unit_test(commit_fails), cmocka_unit_test(busy),   cmocka_unit_test(progress),     cmocka_unit_test(trail),
      cmocka_unit_test(mixed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
