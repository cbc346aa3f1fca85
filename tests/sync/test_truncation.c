/*
** What reaches main may be cut off anywhere, or be changed on the way: main has the batch whole and as it was sent, or it has
** nothing of it. Every byte offset of a small batch, random ones of a large one; every byte changed, every line left out, sent
** twice or before the line above it; and batches out of order. A sample of the same goes through psql itself.
**   LEDGER_TEST_COUNT  random cuts of the large batch (60; 10000 is a good night's)
**   LEDGER_TEST_ROWS   operations in the large batch (400)
**   LEDGER_TEST_PSQL   of the cuts and changes, those that psql plays (16 of each)
**   LEDGER_TEST_KEEP   a file that a script with half an effect is copied to
*/
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"
#include "server.h"

#include "script.h"

static char cut_folder[150];
static char cut_small[32], cut_large[32];

static const char *cut_program(void) {
  const char *program = getenv("LEDGER");
  return program != NULL ? program : "build/ledger";
}

/* The file's bytes and a NUL, to be freed. */
static char *cut_read(const char *name, size_t *length) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", cut_folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("%s is not there", path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*length + 1);
  assert_int_equal(fread(text, 1, *length, file), *length);
  text[*length] = 0;
  fclose(file);
  return text;
}

static void cut_write(const char *name, const char *text, size_t length) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", cut_folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, length, file), length);
  fclose(file);
}

static const char cut_schema[] = "CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL "
                                 "UNIQUE, name text, tags text[], seen_at timestamptz,\n"
                                 "  spent numeric(12,2), document jsonb);\n"
                                 "CREATE TABLE visits (id uuid PRIMARY KEY, user_id uuid NOT NULL "
                                 "REFERENCES users (id), note text, day date);\n";

static const char cut_before[] =
    "{'table':'users','row':{'id':'00000000-0000-4000-8000-000000000001','email':'a@x.co','name':'"
    "Ada','tags':['a,b',null]}}\n"
    "{'table':'users','row':{'id':'00000000-0000-4000-8000-000000000002','email':'b@x.co','spent':"
    "12.5}}\n"
    "{'table':'users','row':{'id':'00000000-0000-4000-8000-000000000003','email':'c@x.co'}}\n"
    "{'table':'visits','row':{'id':'00000000-0000-4000-8000-000000000011','user_id':'00000000-0000-"
    "4000-8000-000000000001'}}\n";
static const char cut_after[] =
    "{'table':'users','op':'update','row':{'name':'\\\\.; "
    "--$$\\n:x','document':{'a':[1,null]}},'where':{'email':'a@x.co'}}\n"
    "{'table':'users','op':'delete','where':{'email':'c@x.co'}}\n"
    "{'table':'users','row':{'id':'00000000-0000-4000-8000-000000000004','email':'d@x.co','name':''"
    ",'seen_at':'2026-01-02 03:04Z'}}\n"
    "{'table':'visits','row':{'id':'00000000-0000-4000-8000-000000000012','user_id':'00000000-0000-"
    "4000-8000-000000000004',"
    "'note':'\\t(x),\\\"y\\\"','day':'2026-02-03'}}\n"
    "{'table':'visits','op':'update','row':{'note':null,'day':'2025-12-31'},'where':{'id':'"
    "00000000-0000-4000-8000-000000000011'}}\n";

static void cut_load(const char *file, const char *lines) {
  char *text = strdup(lines);
  for (char *at = text; *at != 0; at++)
    if (*at == '\'') *at = '"';
  cut_write("lines", text, strlen(text));
  free(text);
  if (server_shell("%s load %s/%s --quiet <%s/lines", cut_program(), cut_folder, file,
                   cut_folder) != 0)
    fail_msg("load fails");
}

static int cut_shell(const char *title, int status) {
  if (status != 0) fail_msg("%s: exit status %d", title, status);
  return 0;
}

static void cut_apply(const char *file, const char *database) {
  cut_shell("export | psql | ack",
            server_shell(
                "%s export %s/%s | psql -q -A -t -X -d %s 2>%s/problem | %s ack %s/%s >/dev/null",
                cut_program(), cut_folder, file, database, cut_folder, cut_program(), cut_folder,
                file));
}

static void cut_device(const char *file, const char *schema, const char *database) {
  cut_shell("init", server_shell("%s init %s/%s --schema %s >/dev/null", cut_program(), cut_folder,
                                 file, schema));
  cut_shell(
      "enrol",
      server_shell(
          "%s export %s/%s --init --enrol | psql -q -A -t -X -v ON_ERROR_STOP=1 -d %s >/dev/null",
          cut_program(), cut_folder, file, database));
  PGconn *connection = server_connect(database);
  server_run(connection, script_state_sql);
  PQfinish(connection);
}

static int cut_make(void **state) {
  (void)state;
  char path[200];
  snprintf(cut_folder, sizeof cut_folder, "%s/ledger-cut.XXXXXX",
           getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  assert_non_null(mkdtemp(cut_folder));
  snprintf(cut_small, sizeof cut_small, "ledger_cut_%d", (int)getpid());
  snprintf(cut_large, sizeof cut_large, "ledger_cuts_%d", (int)getpid());
  cut_write("small.sql", cut_schema, sizeof cut_schema - 1);
  snprintf(path, sizeof path, "%s/small.sql", cut_folder);
  server_database(cut_small);
  server_load(cut_small, path);
  cut_device("small.db", path, cut_small);
  cut_load("small.db", cut_before);
  cut_apply("small.db", cut_small);
  cut_load("small.db", cut_after);
  cut_shell("export", server_shell("%s export %s/small.db -o %s/small.script", cut_program(),
                                   cut_folder, cut_folder));
  return 0;
}

static int cut_remove(void **state) {
  (void)state;
  server_shell("psql -q -X -d postgres -c 'DROP DATABASE IF EXISTS %s WITH (FORCE)' -c 'DROP "
               "DATABASE IF EXISTS %s WITH (FORCE)' "
               "2>/dev/null; rm -rf %s",
               cut_small, cut_large, cut_folder);
  return 0;
}

/* What a played text must have come to. `after` is the state with the batch. */
struct cut {
  PGconn *connection;
  char before[SCRIPT_STATE], after[SCRIPT_STATE];
  int applied, refused; /* how often */
  int tries;
};

static void cut_start(struct cut *cut, const char *database, const char *text, size_t length) {
  struct script_play play;
  memset(cut, 0, sizeof *cut);
  cut->connection = server_connect(database);
  script_state(cut->connection, cut->before);
  script_play(cut->connection, text, length, &play);
  if (play.failed || !play.committed) fail_msg("the whole script: %s", play.message);
  snprintf(cut->after, sizeof cut->after, "%s", play.state);
  assert_string_not_equal(cut->before, cut->after);
}

/* One text; says so when main has neither all nor nothing. */
static void cut_try(struct cut *cut, const char *text, size_t length, const char *what,
                    size_t where) {
  struct script_play play;
  char now[SCRIPT_STATE];
  script_play(cut->connection, text, length, &play);
  if (play.was_outside || cut->tries++ % 50 == 0)
    script_state(cut->connection, now);
  else
    snprintf(now, sizeof now, "%s", cut->before); /* the transaction was taken back */
  bool is_sound = strcmp(now, cut->before) == 0;
  if (play.committed && strcmp(play.state, cut->before) != 0) {
    is_sound = is_sound && strcmp(play.state, cut->after) == 0;
    cut->applied++;
  } else {
    cut->refused++;
  }
  if (is_sound) return;
  const char *kept = getenv("LEDGER_TEST_KEEP"); /* where the script is to be left */
  cut_write("unsound", text, length);
  if (kept != NULL) server_shell("cp %s/unsound %s", cut_folder, kept);
  fail_msg("%s %zu: main has %s (before %s, after %s), outside %s; %s", what, where,
           play.committed ? play.state : "no commit", cut->before, cut->after, now, play.message);
}

/* ---- cuts */

static void cut_every_offset(void **state) {
  (void)state;
  size_t length;
  struct cut cut;
  char *text = cut_read("small.script", &length);
  cut_start(&cut, cut_small, text, length);
  for (size_t at = 0; at < length; at++) cut_try(&cut, text, at, "cut at", at);
  printf("# %zu cuts of a batch: %d before, %d after\n", length, cut.refused, cut.applied);
  assert_in_range(cut.applied, 1, 200); /* from COMMIT on, and in the acknowledgement behind it */
  PQfinish(cut.connection);
  free(text);
}

/* psql itself; the copy of the database is dropped after each that may have committed. */
static void cut_by_psql(const char *text, size_t length, const struct cut *cut, const char *what,
                        size_t where) {
  char copy[48], now[SCRIPT_STATE];
  snprintf(copy, sizeof copy, "%s_psql", cut_small);
  cut_write("psql", text, length);
  server_shell("psql -q -A -t -X -d %s -f %s/psql >/dev/null 2>&1", copy, cut_folder);
  PGconn *connection = server_connect(copy);
  script_state(connection, now);
  PQfinish(connection);
  if (strcmp(now, cut->before) == 0) return;
  if (strcmp(now, cut->after) != 0) fail_msg("%s %zu: psql leaves %s", what, where, now);
  cut_shell("copy", server_shell("psql -q -X -d postgres -c 'DROP DATABASE IF EXISTS %s' -c "
                                 "'CREATE DATABASE %s TEMPLATE %s'",
                                 copy, copy, cut_small));
}

static void cut_psql(void **state) {
  (void)state;
  size_t length;
  struct cut cut;
  struct test_random random = {random_seed()};
  int count = (int)random_setting("LEDGER_TEST_PSQL", 16);
  char *text = cut_read("small.script", &length);
  cut_start(&cut, cut_small, text, length);
  PQfinish(cut.connection);
  cut_shell("copy", server_shell("psql -q -X -d postgres -c 'CREATE DATABASE %s_psql TEMPLATE %s'",
                                 cut_small, cut_small));
  size_t commit = (size_t)(strstr(text, "\nCOMMIT;") - text);
  for (int i = 0; i < count; i++) {
    size_t at = i < 10 ? commit + (size_t)i : (size_t)random_below(&random, (int)length);
    cut_by_psql(text, at, &cut, "cut at", at);
  }
  for (int i = 0; i < count; i++) {
    size_t at = (size_t)random_below(&random, (int)length);
    char kept = text[at];
    text[at] = (char)random_below(&random, 256);
    cut_by_psql(text, length, &cut, "byte changed at", at);
    text[at] = kept;
  }
  server_shell("psql -q -X -d postgres -c 'DROP DATABASE %s_psql WITH (FORCE)'", cut_small);
  free(text);
}

/* ---- changes */

static void cut_every_byte(void **state) {
  (void)state;
  size_t length;
  struct cut cut;
  struct test_random random = {random_seed()};
  static const char telling[] = "';\\\n\t\" (0A";
  char *text = cut_read("small.script", &length);
  cut_start(&cut, cut_small, text, length);
  for (size_t at = 0; at < length; at++) {
    char kept = text[at];
    switch (random_below(&random, 4)) {
    case 0: text[at] = (char)(kept ^ 1); break;
    case 1: text[at] = (char)(kept ^ 0x20); break;
    case 2: text[at] = telling[random_below(&random, sizeof telling - 1)]; break;
    default: text[at] = (char)random_below(&random, 256);
    }
    if (text[at] == 0) text[at] = 1;
    cut_try(&cut, text, length, "byte changed at", at);
    text[at] = kept;
  }
  printf("# %zu bytes changed: %d refused, %d to the same effect (seed %llu)\n", length,
         cut.refused, cut.applied, (unsigned long long)random_seed());
  assert_true(cut.refused > cut.applied);
  PQfinish(cut.connection);
  free(text);
}

static size_t cut_line(const char *text, size_t at) {
  const char *end = strchr(text + at, '\n');
  return end != NULL ? (size_t)(end - text) + 1 : strlen(text);
}

/* Lines left out, sent twice, and before the line above. */
static void cut_every_line(void **state) {
  (void)state;
  size_t length;
  struct cut cut;
  char *text = cut_read("small.script", &length), *other = malloc(2 * length + 1);
  cut_start(&cut, cut_small, text, length);
  for (size_t at = 0, end, next; at < length; at = end) {
    end = cut_line(text, at), next = cut_line(text, end);
    memcpy(other, text, at);
    memcpy(other + at, text + end, length - end);
    cut_try(&cut, other, length - (end - at), "line left out at", at);
    memcpy(other, text, end);
    memcpy(other + end, text + at, length - at);
    cut_try(&cut, other, length + end - at, "line twice at", at);
    memcpy(other, text, length);
    memcpy(other + at, text + end, next - end);
    memcpy(other + at + next - end, text + at, end - at);
    cut_try(&cut, other, length, "lines swapped at", at);
  }
  printf("# lines left out, sent twice, swapped: %d refused, %d to the same effect\n", cut.refused,
         cut.applied);
  PQfinish(cut.connection);
  free(text);
  free(other);
}

/* Batches that are missing, out of order, of another device, or of the same number and another content. */
static void cut_order(void **state) {
  (void)state;
  size_t lengths[3];
  char *texts[3];
  struct cut cut;
  struct script_play play;
  static const char *const names[] = {"small.script", "third.script", "forked.script"};
  cut_shell("backup",
            server_shell(
                "%s backup %s/small.db %s/fork.db && sqlite3 %s/fork.db \"DELETE FROM ledger_batch "
                "WHERE seq = 2\" "
                "\"DELETE FROM ledger_batch_chunk WHERE seq = 2\" \"UPDATE ledger_sync_state SET "
                "cut_seq = received_seq, cut_hash = received_hash, cut_change = received_change\"",
                cut_program(), cut_folder, cut_folder, cut_folder));
  cut_load("small.db",
           "{'table':'users','op':'update','row':{'name':'third'},'where':{'email':'a@x.co'}}\n");
  cut_load("fork.db",
           "{'table':'users','op':'update','row':{'name':'fork'},'where':{'email':'a@x.co'}}\n");
  cut_shell("export", server_shell("%s export %s/small.db >%s/all.script && %s export %s/small.db "
                                   "--since 3 -o %s/third.script && "
                                   "%s export %s/fork.db -o %s/forked.script",
                                   cut_program(), cut_folder, cut_folder, cut_program(), cut_folder,
                                   cut_folder, cut_program(), cut_folder, cut_folder));
  for (int i = 0; i < 3; i++) texts[i] = cut_read(names[i], &lengths[i]);
  cut_start(&cut, cut_small, texts[0], lengths[0]);
  script_play(cut.connection, texts[1], lengths[1], &play);
  assert_string_equal(play.sqlstate, "LS006"); /* the third before the second */
  cut_shell("second", server_shell("psql -q -A -t -X -d %s -f %s/small.script >/dev/null",
                                   cut_small, cut_folder));
  script_state(cut.connection, cut.before);
  assert_string_equal(cut.before, cut.after);
  script_play(cut.connection, texts[0], lengths[0], &play); /* again: nothing moves */
  assert_false(play.failed);
  assert_string_equal(play.state, cut.before);
  script_play(cut.connection, texts[2], lengths[2], &play);
  assert_string_equal(play.sqlstate, "LS004"); /* another second */
  script_play(cut.connection, texts[1], lengths[1], &play);
  assert_false(play.failed);
  assert_string_not_equal(play.state, cut.before);
  PQfinish(cut.connection);
  for (int i = 0; i < 3; i++) free(texts[i]);
}

/* ---- a large batch of the book */

static void cut_large_batch(void **state) {
  (void)state;
  size_t length;
  struct cut cut;
  struct test_random random = {random_seed()};
  int count = random_count(60), rows = (int)random_setting("LEDGER_TEST_ROWS", 400);
  server_schema(cut_large, "full");
  cut_device("large.db", "full", cut_large);
  char path[200];
  snprintf(path, sizeof path, "%s/operations", cut_folder);
  FILE *file = fopen(path, "w");
  for (int n = 1; n <= 8; n++)
    fprintf(file,
            "{\"op\":\"open\",\"currency\":\"USD\",\"number\":\"C%d\",\"reference\":\"open-%d\"}\n"
            "{\"op\":\"deposit\",\"to\":\"C%d\",\"amount\":100000,\"reference\":\"fill-%d\"}\n",
            n, n, n, n);
  for (int n = 1; n <= rows; n++)
    fprintf(file,
            "{\"op\":\"transfer\",\"from\":\"C%d\",\"to\":\"C%d\",\"amount\":%d.%02d,\"reference\":"
            "\"t-%d\"}\n",
            n % 8 + 1, (n + 3) % 8 + 1, n % 17, n % 99 + 1, n);
  fclose(file);
  cut_shell("batch", server_shell("%s batch %s/large.db <%s/operations >/dev/null", cut_program(),
                                  cut_folder, cut_folder));
  cut_shell("export", server_shell("%s export %s/large.db -o %s/large.script", cut_program(),
                                   cut_folder, cut_folder));
  char *text = cut_read("large.script", &length);
  cut_start(&cut, cut_large, text, length);
  size_t tail = (size_t)(strstr(text, "\nSELECT ledger_sync.end_batch()") - text);
  for (int i = 0; i < count; i++) {
    bool is_late = random_chance(&random, 20);
    size_t at = is_late ? tail + (size_t)random_below(&random, (int)(length - tail))
                        : (size_t)random_below(&random, (int)length);
    cut_try(&cut, text, at, "cut at", at);
  }
  printf("# %d cuts of a batch of %zu bytes: %d before, %d after (seed %llu)\n", count, length,
         cut.refused, cut.applied, (unsigned long long)random_seed());
  PQfinish(cut.connection);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cut_every_offset), cmocka_unit_test(cut_every_byte),
      cmocka_unit_test(cut_every_line),   cmocka_unit_test(cut_psql),
      cmocka_unit_test(cut_order),        cmocka_unit_test(cut_large_batch)};
  return cmocka_run_group_tests_name("truncation", tests, cut_make, cut_remove);
}
