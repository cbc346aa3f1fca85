/*
** push_command: ledger push: brings to the main PostgreSQL what it has not, and reads back what it has.
**
** One try: connect; ask main where this device stands; where main knows nothing yet, make it known (the full export into an
** empty database, ledger_sync beside tables that are there, the enrolment); take main's answer, so that an earlier push that
** was cut off goes on where it ended; cut a batch; send each batch that main has not in a transaction of its own and take the
** acknowledgement that comes back with it. A try that fails for a passing reason is made again, from the beginning.
*/
#include "shell.h"

#include <sys/file.h>

#define PUSH_TRIES 5
#define PUSH_TRIES_MAX 1000
/* Before the second try half a second, before each next one twice as long, up to half a minute; half of it by chance, so that a
** fleet does not come back all at once. */
#define PUSH_WAIT_MS 500
#define PUSH_WAIT_MAX_MS 30000
/* A batch up to this goes as INSERTs, all of it in one round trip; a larger one as COPY, in two a table. */
#define PUSH_SMALL_BYTES (64 * 1024)

struct push {
  const struct command *command;
  const char *path;
  ledger *db;
  struct main_link link;
  struct progress progress;
  char doing[80];
  bool may_init, has_public_key;
  bool is_installing; /* another device may be doing the same */
  unsigned char public_key[LEDGER_PUBLIC_KEY_BYTES];
  int64_t script_bytes;               /* of the batch that is being sent */
  bool is_full, is_init, is_enrolled; /* what this push did first */
  int64_t batches, rows, tries;
  int64_t bytes, round_trips; /* of links that were closed */
  int status;                 /* of what went wrong, once it is reported */
  char problem[1100];         /* for ledger status */
};

/* ---- one push of a file at a time */

/* The lock is the kernel's, so that it ends with the process, however that ends; the file says who has it. */
static int push_lock(const struct command *command, const char *path, char lock_path[PATH_MAX]) {
  char whole[PATH_MAX], holder[128] = "";
  if (!realpath(path, whole) || snprintf(lock_path, PATH_MAX, "%s-push", whole) >= PATH_MAX) {
    report_problem(command->name, path, "58P01", strerror(errno), NULL);
    return -1;
  }
  for (;;) {
    struct stat opened, named;
    int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
      report_problem(command->name, lock_path, "58030", strerror(errno), NULL);
      return -1;
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
      ssize_t length = read(lock, holder, sizeof holder - 1);
      holder[length > 0 ? length : 0] = 0;
      holder[strcspn(holder, "\n")] = 0;
      char problem[256];
      snprintf(problem, sizeof problem, "another push of the file is running%s%s",
               holder[0] ? ": " : "", holder);
      report_problem(command->name, path, "55P03", problem, NULL);
      close(lock);
      return -1;
    }
    /* The one who had it may have taken the name away since it was opened here. */
    if (fstat(lock, &opened) == 0 && stat(lock_path, &named) == 0 &&
        opened.st_ino == named.st_ino && opened.st_dev == named.st_dev) {
      time_t now = time(NULL);
      struct tm utc;
      gmtime_r(&now, &utc);
      strftime(holder, sizeof holder, "%Y-%m-%dT%H:%M:%SZ", &utc);
      if (ftruncate(lock, 0) == 0) dprintf(lock, "process %ld since %s\n", (long)getpid(), holder);
      return lock;
    }
    close(lock);
  }
}

static void push_unlock(int lock, const char *lock_path) {
  unlink(lock_path);
  close(lock);
}

/* ---- what is said */

static void push_note(struct push *push, const char *message, const char *detail) {
  snprintf(push->problem, sizeof push->problem, "%s%s%s", message, detail[0] ? "; " : "", detail);
}

/* What can be done about an error, where main itself does not say it. */
static const char *push_hint(const ledger_error *error) {
  static const struct {
    const char *sqlstate, *hint;
  } hints[] = {
      {"LS001", "without --no-init the device is enrolled"},
      {"LS002",
       "main's operator revoked the device; ledger device rekey FILE makes it another one"},
      {"LS003",
       "main's operator: ledger export FILE --init | psql, then ledger_sync.accept_schema()"},
      {"LS004", "if the file was restored from a backup or copied: ledger device rekey FILE"},
      {"LS011", "is it the right DSN?"},
      {"25006", "main takes no writes: a standby, or default_transaction_read_only"},
      {"42501", "the role must own the application's tables and the schema ledger_sync, or have "
                "the rights on them"},
  };
  for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
    if (strcmp(error->sqlstate, hints[i].sqlstate) == 0) return hints[i].hint;
  return "";
}

/* The file's own error ends the push. False, always. */
static bool push_fail_file(struct push *push) {
  const ledger_error *error = ledger_error_of(push->db);
  push_note(push, error->message, error->detail);
  progress_end(&push->progress);
  if (!error->hint[0] && push_hint(error)[0]) {
    report_problem(push->command->name, push->path, error->sqlstate, push->problem,
                   push_hint(error));
    push->status = EXIT_REFUSED;
  } else
    push->status = report_error(push->command->name, push->path, push->db);
  return false;
}

static bool push_fail(struct push *push, const char *sqlstate, const char *problem,
                      const char *hint) {
  push_note(push, problem, "");
  progress_end(&push->progress);
  report_problem(push->command->name, push->link.name, sqlstate, problem, hint);
  push->status = EXIT_REFUSED;
  return false;
}

/* ---- sending */

__attribute__((format(printf, 3, 4))) static void push_stage(struct push *push, const char *unit,
                                                             const char *doing, ...) {
  va_list arguments;
  va_start(arguments, doing);
  vsnprintf(push->doing, sizeof push->doing, doing, arguments);
  va_end(arguments);
  push->progress.doing = push->doing;
  push->progress.unit = unit;
  push->progress.first_ms = 0;
}

/* Runs a SELECT of the library's, whose one text is an acknowledgement; NULL: an error. */
static const char *push_ask(struct push *push, char *sql) {
  if (!sql) {
    push_fail_file(push);
    return NULL;
  }
  const char *text = main_link_text(&push->link, sql);
  ledger_free(sql);
  if (!text && push->link.error.code == LEDGER_OK)
    push_fail(push, "XX000", "main's answer is empty", NULL);
  return text;
}

static int push_write(void *context, const void *bytes, size_t length) {
  struct push *push = context;
  push->script_bytes += (int64_t)length;
  progress_report(&push->progress, push->script_bytes, 0);
  return main_link_write(&push->link, bytes, length);
}

/* Sends a batch, and with its last statement the question what main has now. NULL: an error. */
static const char *push_send(struct push *push, int64_t seq, int64_t last,
                             enum ledger_export_format format) {
  push_stage(push, "bytes", "sending batch %" PRId64 " of %" PRId64 ":", seq, last);
  push->script_bytes = 0;
  int rc = ledger_batch_script(push->db, seq, format, push_write, push);
  if (push->progress.shown) fprintf(stderr, "\rmain applies batch %" PRId64 "\033[K", seq);
  if (rc != LEDGER_OK && push->link.error.code == LEDGER_OK) push_fail_file(push);
  if (rc != LEDGER_OK) return NULL;
  return push_ask(push, ledger_acknowledgement_sql(push->db));
}

/* Main has less of the device than it had: it was restored from a backup. What is kept here goes again, the same to the byte. */
static const char *push_again(struct push *push, const char *text) {
  ledger_sync_facts facts;
  cJSON *document = cJSON_Parse(text);
  const cJSON *received = cJSON_GetObjectItem(document, "received");
  int64_t seq = cJSON_IsNumber(received) ? (int64_t)received->valuedouble : -1;
  cJSON_Delete(document);
  if (ledger_sync_status(push->db, &facts) != LEDGER_OK) {
    push_fail_file(push);
    return NULL;
  }
  int64_t last = facts.received;
  if (seq < 0 || seq >= last) {
    push_fail(push, "22P02", "main's answer cannot be read", NULL);
    return NULL;
  }
  progress_end(&push->progress);
  report_problem(push->command->name, push->link.name, NULL,
                 "main has less of the device than it had; it is sent again",
                 "main was restored from a backup?");
  for (text = NULL; seq < last; push->batches++)
    if ((text = push_send(push, ++seq, last, LEDGER_EXPORT_COPY)) == NULL) return NULL;
  return text;
}

/* An acknowledgement came over the connection: takes it. */
static bool push_take(struct push *push, const char *text) {
  int rc = ledger_acknowledge(push->db, text, -1, 1);
  if (rc == LEDGER_GAP && (text = push_again(push, text)) != NULL)
    rc = ledger_acknowledge(push->db, text, -1, 1);
  if (rc == LEDGER_OK) return true;
  return text ? push_fail_file(push) : false;
}

/* ---- where main stands */

static char *push_relations(struct push *push) {
  ledger_rows *rows = NULL;
  cJSON *list = cJSON_CreateArray();
  int rc = ledger_relations(push->db, &rows);
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    rc = LEDGER_OK;
    if (strcmp(ledger_rows_text(rows, 2, NULL), "view") == 0) continue;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "s", ledger_rows_text(rows, 0, NULL));
    cJSON_AddStringToObject(item, "t", ledger_rows_text(rows, 1, NULL));
    cJSON_AddItemToArray(list, item);
  }
  ledger_rows_free(rows);
  char *text = rc == LEDGER_DONE ? cJSON_PrintUnformatted(list) : NULL;
  cJSON_Delete(list);
  if (rc != LEDGER_DONE)
    push_fail_file(push);
  else if (!text)
    push->status = report_memory(push->command);
  return text;
}

static bool push_export(struct push *push, enum ledger_export_part part) {
  push->is_installing = true;
  push_stage(push, "rows",
             "%s:", part == LEDGER_EXPORT_FULL ? "sending everything" : "preparing main");
  ledger_progress(push->db, progress_report, &push->progress);
  int rc = ledger_export(push->db, part, LEDGER_EXPORT_COPY, main_link_write, &push->link);
  ledger_progress(push->db, NULL, NULL);
  if (rc != LEDGER_OK && push->link.error.code == LEDGER_OK) return push_fail_file(push);
  if (rc != LEDGER_OK || !main_link_end(&push->link)) return false;
  push->is_installing = false;
  push->is_init = true;
  return true;
}

/* Main has no ledger_sync: everything goes into an empty database, the schema ledger_sync beside tables that are there. */
static bool push_install(struct push *push) {
  static const char sql[] =
      "SELECT count(c.oid), count(*) - count(c.oid), min(format('%s.%s', w.s, w.t)) FILTER (WHERE "
      "c.oid IS NULL) FROM pg_catalog.json_to_recordset($1::json) AS w(s text, t text) LEFT JOIN "
      "(pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace) ON "
      "n.nspname = w.s AND c.relname = w.t AND c.relkind IN ('r', 'p')";
  ledger_facts facts;
  if (!push->may_init)
    return push_fail(push, "LS001", "the database has no schema ledger_sync",
                     "its operator: ledger export FILE --init --enrol | psql");
  char *relations = push_relations(push);
  if (!relations) return false;
  const char *values[] = {relations};
  PGresult *rows = main_link_query(&push->link, sql, 1, values);
  free(relations);
  if (!rows) return false;
  bool has_none = strcmp(PQgetvalue(rows, 0, 0), "0") == 0;
  bool has_all = strcmp(PQgetvalue(rows, 0, 1), "0") == 0;
  char problem[300];
  snprintf(problem, sizeof problem,
           "the database has %s of the file's tables, and %s is not among them",
           PQgetvalue(rows, 0, 0), PQgetvalue(rows, 0, 2));
  PQclear(rows);
  if (!has_none && !has_all)
    return push_fail(push, "42P01", problem,
                     "ledger export FILE --schema-only shows what is needed");
  if (ledger_info(push->db, &facts) != LEDGER_OK) return push_fail_file(push);
  int64_t row_count = facts.rows;
  if (!push_export(push, has_none ? LEDGER_EXPORT_FULL : LEDGER_EXPORT_INIT)) return false;
  if (!has_none) return true;
  push->is_full = push->is_enrolled = true;
  push->rows += row_count;
  return true;
}

static bool push_is_enrolled(const char *acknowledgement) {
  cJSON *document = cJSON_Parse(acknowledgement);
  bool is_not = cJSON_IsFalse(cJSON_GetObjectItem(document, "enrolled"));
  cJSON_Delete(document);
  return !is_not;
}

/* The file has a signing key by now, and main knows none of it. */
static bool push_has_new_key(struct push *push, const char *acknowledgement) {
  ledger_head head;
  cJSON *document = cJSON_Parse(acknowledgement);
  bool is_unknown = cJSON_IsNull(cJSON_GetObjectItem(document, "public_key"));
  cJSON_Delete(document);
  if (!is_unknown) return false;
  return push->has_public_key ||
         (ledger_get_head(push->db, NULL, &head) == LEDGER_OK && head.public_key[0]);
}

/* Makes main know the file, if need be, and takes its word for what it has. */
static bool push_position(struct push *push) {
  ledger_sync_facts facts;
  const char *text = push_ask(push, ledger_acknowledgement_sql(push->db));
  bool is_missing = strcmp(push->link.error.sqlstate, "3F000") == 0 || /* no such schema */
                    strcmp(push->link.error.sqlstate, "42883") == 0;   /* no such function */
  if (!text && is_missing && push->status == EXIT_DONE) {
    if (!main_link_abandon(&push->link)) return false;
    if (ledger_sync_status(push->db, &facts) != LEDGER_OK) return push_fail_file(push);
    if (facts.main[0])
      return push_fail(push, "LS011",
                       "the file syncs with another database: this one has no schema ledger_sync",
                       "is it the right DSN?");
    if (!push_install(push)) return false;
    text = push_ask(push, ledger_acknowledgement_sql(push->db));
  }
  if (!text) return false;
  bool is_known = push_is_enrolled(text);
  if (!is_known || push_has_new_key(push, text)) {
    if (!is_known && !push->may_init)
      return push_fail(push, "LS001", "main does not know the device",
                       "its operator: ledger export FILE --init --enrol | psql");
    text =
        push_ask(push, ledger_enrol_sql(push->db, push->has_public_key ? push->public_key : NULL));
    if (!text) return false;
    push->is_enrolled = push->is_enrolled || !is_known;
  }
  return push_take(push, text);
}

/* ---- batches */

static bool push_batch(struct push *push, int64_t seq) {
  ledger_sync_facts facts;
  if (ledger_sync_status(push->db, &facts) != LEDGER_OK) return push_fail_file(push);
  int64_t rows = facts.batch_rows;
  bool is_small = facts.batch_bytes <= PUSH_SMALL_BYTES; /* with those behind it */
  const char *text =
      push_send(push, seq, facts.cut, is_small ? LEDGER_EXPORT_INSERT : LEDGER_EXPORT_COPY);
  if (!text || !push_take(push, text)) return false;
  if (ledger_sync_status(push->db, &facts) != LEDGER_OK) return push_fail_file(push);
  if (facts.received < seq)
    return push_fail(push, "LS006", "main took the batch and says that it has not got it",
                     "what is between here and main?");
  push->batches++;
  push->rows += rows - facts.batch_rows;
  return true;
}

static bool push_batches(struct push *push) {
  ledger_sync_facts facts;
  int64_t seq;
  push_stage(push, "rows", "cutting a batch:");
  ledger_progress(push->db, progress_report, &push->progress);
  int rc = ledger_batch_cut(push->db, &seq);
  ledger_progress(push->db, NULL, NULL);
  if (rc != LEDGER_OK || ledger_sync_status(push->db, &facts) != LEDGER_OK)
    return push_fail_file(push);
  int64_t last = facts.cut;
  for (seq = facts.received + 1; seq <= last; seq++)
    if (!push_batch(push, seq)) return false;
  return true;
}

/* ---- tries */

/* Tells main why the device was refused, or (NULL) that it was here; if that cannot be said it stays unsaid. */
static void push_report(struct push *push, const char *problem) {
  ledger_sync_facts facts;
  char *sql = NULL, *literal = NULL;
  if (!push->link.connection || !main_link_abandon(&push->link) ||
      ledger_sync_status(push->db, &facts) != LEDGER_OK)
    return;
  if (problem) literal = PQescapeLiteral(push->link.connection, problem, strlen(problem));
  if (problem && !literal) return;
  if (asprintf(&sql, "SELECT ledger_sync.report_error('%s', %s);\n", facts.device,
               literal ? literal : "NULL") > 0) {
    main_link_text(&push->link, sql);
    free(sql);
  }
  PQfreemem(literal);
}

/* Main does not know the file's schema: notes it there, for its operator to accept. False: main's word stands. */
static bool push_register(struct push *push) {
  ledger_error error = push->link.error;
  if (push->status != EXIT_DONE || !push->may_init || push->is_init ||
      strcmp(error.sqlstate, "LS003") != 0)
    return false;
  if (main_link_abandon(&push->link) && push_export(push, LEDGER_EXPORT_INIT)) return true;
  push->is_installing = false;
  if (push->status == EXIT_DONE && push->link.error.code != LEDGER_INTERRUPTED)
    push->link.error = error;
  return false;
}

static bool push_try(struct push *push, const char *dsn) {
  push->tries++;
  push->is_installing = false;
  if (!main_link_open(&push->link, push->command->name, dsn)) return false;
  do {
    if (push_position(push) && push_batches(push)) return true;
  } while (push_register(push));
  return false;
}

static void push_hang_up(struct push *push) {
  push->bytes += push->link.bytes_sent;
  push->round_trips += push->link.round_trips;
  main_link_close(&push->link);
}

/* Waits before the next try; false once Ctrl-C was pressed. */
static bool push_wait(struct push *push) {
  int64_t wait_ms = PUSH_WAIT_MAX_MS;
  if (push->tries < 7) wait_ms = (int64_t)PUSH_WAIT_MS << (push->tries - 1);
  if (wait_ms > PUSH_WAIT_MAX_MS) wait_ms = PUSH_WAIT_MAX_MS;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t chance = (now.tv_nsec / 1000 ^ (int64_t)getpid() * 7919) % 1000;
  wait_ms = wait_ms / 2 + wait_ms * chance / 2000;
  progress_end(&push->progress);
  if (isatty(STDERR_FILENO))
    fprintf(stderr, "try %" PRId64 ": %s: %s; again in %.1f s\n", push->tries, push->link.name,
            push->link.error.message, (double)wait_ms / 1000);
  int64_t until_ms = progress_clock_ms() + wait_ms;
  while (!shell_interrupted && progress_clock_ms() < until_ms) poll(NULL, 0, 50);
  return !shell_interrupted;
}

/* Reports the link's error; main's own hint is better than ours. */
static void push_fail_link(struct push *push) {
  ledger_error *error = &push->link.error;
  if (push->tries > 1 && error->code != LEDGER_INTERRUPTED) {
    char tries[48];
    snprintf(tries, sizeof tries, "%" PRId64 " tries", push->tries);
    if (!error->hint[0]) snprintf(error->hint, sizeof error->hint, "%s", tries);
  }
  if (!error->hint[0]) snprintf(error->hint, sizeof error->hint, "%s", push_hint(error));
  push_note(push, error->message, error->detail);
  progress_end(&push->progress);
  push->status = main_link_report(&push->link);
}

/* May the next try succeed? */
static bool push_is_passing(const struct push *push) {
  static const char *const states[] = {"23505", "42P06", "42P07", "42710", "42723", "XX000"};
  if (main_link_is_passing(&push->link)) return true;
  for (size_t i = 0; push->is_installing && i < sizeof states / sizeof *states; i++)
    if (strcmp(push->link.error.sqlstate, states[i]) == 0) return true;
  return false;
}

static bool push_all(struct push *push, const char *dsn, int64_t tries) {
  for (;;) {
    bool is_done = push_try(push, dsn);
    if (!is_done && push->status == EXIT_DONE && push->tries < tries && push_is_passing(push)) {
      bool goes_on = push_wait(push);
      push_hang_up(push);
      if (goes_on) continue;
      link_interrupted(&push->link);
    }
    if (!is_done && push->status == EXIT_DONE) push_fail_link(push);
    if (!is_done && push->status != EXIT_INTERRUPTED)
      push_report(push, push->problem);
    else if (is_done && push->batches == 0 && !push->is_enrolled)
      push_report(push, NULL);
    push_hang_up(push);
    return is_done;
  }
}

/* ---- the end */

static void push_add(cJSON *out, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  cJSON_AddItemToObject(out, name, cJSON_CreateRaw(text));
}

static int push_print_json(const struct push *push, const ledger_sync_facts *facts) {
  cJSON *out = cJSON_CreateObject();
  cJSON_AddBoolToObject(out, "ok", push->status == EXIT_DONE && !facts->reason[0]);
  cJSON_AddStringToObject(out, "device", facts->device);
  cJSON_AddStringToObject(out, "main", facts->main);
  cJSON_AddBoolToObject(out, "full", push->is_full);
  cJSON_AddBoolToObject(out, "initialised", push->is_init);
  cJSON_AddBoolToObject(out, "enrolled", push->is_enrolled);
  push_add(out, "batches", push->batches);
  push_add(out, "rows", push->rows);
  push_add(out, "bytes", push->bytes);
  push_add(out, "round_trips", push->round_trips);
  push_add(out, "tries", push->tries);
  push_add(out, "cut", facts->cut);
  push_add(out, "received", facts->received);
  push_add(out, "applied", facts->applied);
  cJSON_AddItemToObject(out, "reason",
                        facts->reason[0] ? cJSON_CreateString(facts->reason) : cJSON_CreateNull());
  cJSON_AddItemToObject(out, "error",
                        push->problem[0] ? cJSON_CreateString(push->problem) : cJSON_CreateNull());
  return report_json(out);
}

static void push_print(const struct push *push, const ledger_sync_facts *facts) {
  if (push->is_full)
    printf("sent everything: %" PRId64 " rows", push->rows);
  else if (push->batches > 0)
    printf("sent %" PRId64 " batch%s, %" PRId64 " rows", push->batches,
           push->batches == 1 ? "" : "es", push->rows);
  else
    printf("nothing to send: main has all%s", facts->reason[0] ? " it can have" : "");
  printf("; %" PRId64 " bytes on the wire, %" PRId64 " round trips\n", push->bytes,
         push->round_trips);
}

static int push_end(struct push *push, bool is_done, char **values, int json, int quiet) {
  ledger_sync_facts facts;
  int status = is_done ? EXIT_DONE : push->status;
  if (ledger_sync_attempt(push->db, is_done ? NULL : push->problem) != LEDGER_OK ||
      ledger_sync_status(push->db, &facts) != LEDGER_OK)
    return is_done ? report_error(push->command->name, push->path, push->db) : status;
  if (values[json])
    push_print_json(push, &facts);
  else if (is_done && !values[quiet])
    push_print(push, &facts);
  if (!is_done || !facts.reason[0]) return status;
  char problem[sizeof push->problem];
  snprintf(problem, sizeof problem, "batch %" PRId64 " is in custody: %s", facts.applied + 1,
           facts.reason);
  report_problem(push->command->name, push->path, NULL, problem,
                 "on main, after the repair: SELECT * FROM ledger_sync.retry()");
  return EXIT_REFUSED;
}

enum { PUSH_JSON, PUSH_QUIET, PUSH_RETRIES, PUSH_NO_INIT, PUSH_PUBLIC_KEY };

static int cmd_push(const struct command *command, char **arguments, char **values) {
  struct push push = {.command = command,
                      .path = arguments[0],
                      .may_init = !values[PUSH_NO_INIT],
                      .progress = {.doing = "sending", .unit = "bytes"}};
  char lock_path[PATH_MAX];
  int64_t tries = PUSH_TRIES;
  int status = EXIT_DONE;
  if (values[PUSH_RETRIES] && strcmp(values[PUSH_RETRIES], "0") == 0)
    tries = 1;
  else if (values[PUSH_RETRIES]) {
    if (!report_number(values[PUSH_RETRIES], PUSH_TRIES_MAX, &tries))
      return report_usage(command, "--retries is a number up to 1000");
    tries++;
  }
  push.has_public_key = values[PUSH_PUBLIC_KEY] != NULL;
  if (push.has_public_key)
    status =
        key_read_public(command, values[PUSH_PUBLIC_KEY], push.public_key, LEDGER_PUBLIC_KEY_BYTES);
  if (status != EXIT_DONE) return status;
  push.db = report_open(command, push.path, LEDGER_SMALL, &status);
  if (!push.db) return status;
  int lock = push_lock(command, push.path, lock_path);
  if (lock < 0) {
    ledger_close(push.db);
    return EXIT_USAGE;
  }
  bool is_done = push_all(&push, arguments[1], tries);
  progress_end(&push.progress);
  status = push_end(&push, is_done, values, PUSH_JSON, PUSH_QUIET);
  ledger_close(push.db);
  push_unlock(lock, lock_path);
  return status;
}
