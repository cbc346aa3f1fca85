/*
** sync_commands: what is said and done on a file about its main PostgreSQL, without reaching it: status, ack, device, restore.
*/
#include "shell.h"

/* What is not on main for longer, or is more, than this is worth a warning. */
#define STATUS_AGE_S (24 * 60 * 60)
#define STATUS_BYTES (64 * 1024 * 1024)
#define STATUS_CHANGES 100000
#define STATUS_SKEW_MS (5 * 60 * 1000) /* from here on main no longer takes the clock at its word */
#define STATUS_WARNINGS 5
#define STATUS_WARNING_SIZE 400

struct status_report {
  ledger_sync_facts facts;
  char waiting[32]; /* "3 h" */
  int warning_count;
  char warnings[STATUS_WARNINGS][STATUS_WARNING_SIZE];
};

__attribute__((format(printf, 2, 3))) static void status_warn(struct status_report *report,
                                                              const char *sentence, ...) {
  va_list arguments;
  if (report->warning_count == STATUS_WARNINGS) return;
  va_start(arguments, sentence);
  vsnprintf(report->warnings[report->warning_count++], STATUS_WARNING_SIZE, sentence, arguments);
  va_end(arguments);
}

/* Seconds since a time such as 2026-11-20T09:00:00.123456Z; -1 if it is none. */
static int64_t status_age_s(const char *text) {
  struct tm utc = {.tm_isdst = 0};
  const char *end = text[0] ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
  if (!end) return -1;
  int64_t age = (int64_t)time(NULL) - (int64_t)timegm(&utc);
  return age > 0 ? age : 0;
}

static void status_age(char *out, size_t size, int64_t age_s) {
  if (age_s < 120)
    snprintf(out, size, "%" PRId64 " s", age_s);
  else if (age_s < 120 * 60)
    snprintf(out, size, "%" PRId64 " min", age_s / 60);
  else if (age_s < 48 * 60 * 60)
    snprintf(out, size, "%" PRId64 " h", age_s / (60 * 60));
  else
    snprintf(out, size, "%" PRId64 " days", age_s / (24 * 60 * 60));
}

static void status_judge(struct status_report *report) {
  const ledger_sync_facts *facts = &report->facts;
  int64_t age_s = status_age_s(facts->waiting_since);
  if (age_s >= 0) status_age(report->waiting, sizeof report->waiting, age_s);
  if (age_s >= STATUS_AGE_S)
    status_warn(report, "the oldest change has been waiting for %s: ledger push, or a bundle",
                report->waiting);
  if (facts->batch_bytes >= STATUS_BYTES || facts->changes >= STATUS_CHANGES)
    status_warn(report, "much is waiting: %" PRId64 " changes, and batches of %" PRId64 " bytes",
                facts->changes, facts->batch_bytes);
  if (facts->reason[0])
    status_warn(
        report,
        "main could not apply batch %" PRId64
        " and what came after it; main's operator repairs what it says, then ledger_sync.retry()",
        facts->applied + 1);
  if (facts->error[0]) status_warn(report, "the last attempt to reach main failed");
  if (facts->clock_skew_ms >= STATUS_SKEW_MS || facts->clock_skew_ms <= -STATUS_SKEW_MS)
    status_warn(report, "this device's clock is %s main's by more than 5 minutes",
                facts->clock_skew_ms > 0 ? "ahead of" : "behind");
}

static void status_number(cJSON *out, const char *name, int64_t number) {
  char text[32];
  snprintf(text, sizeof text, "%" PRId64, number);
  cJSON_AddItemToObject(out, name, cJSON_CreateRaw(text));
}

/* null where there is nothing to say */
static void status_text(cJSON *out, const char *name, const char *text) {
  cJSON_AddItemToObject(out, name, text[0] ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void status_device_json(cJSON *out, const ledger_sync_facts *facts) {
  cJSON_AddStringToObject(out, "device", facts->device);
  status_text(out, "previous_device", facts->previous_device);
  status_number(out, "epoch", facts->epoch);
  if (facts->key_range >= 0)
    status_number(out, "key_range", facts->key_range);
  else
    cJSON_AddNullToObject(out, "key_range");
  status_text(out, "main", facts->main);
  cJSON_AddBoolToObject(out, "has_main_key", facts->has_main_key);
}

static int status_print_json(const struct status_report *report) {
  const ledger_sync_facts *facts = &report->facts;
  cJSON *out = cJSON_CreateObject();
  status_device_json(out, facts);
  status_number(out, "cut", facts->cut);
  status_number(out, "received", facts->received);
  status_number(out, "applied", facts->applied);
  status_number(out, "changes", facts->changes);
  status_number(out, "batches", facts->batches);
  status_number(out, "batch_rows", facts->batch_rows);
  status_number(out, "batch_bytes", facts->batch_bytes);
  status_text(out, "waiting_since", facts->waiting_since);
  status_text(out, "reason", facts->reason);
  status_text(out, "attempted_at", facts->attempted_at);
  status_text(out, "succeeded_at", facts->succeeded_at);
  status_text(out, "failed_at", facts->failed_at);
  status_text(out, "error", facts->error);
  status_number(out, "clock_skew_ms", facts->clock_skew_ms);
  cJSON *warnings = cJSON_AddArrayToObject(out, "warnings");
  for (int i = 0; i < report->warning_count; i++)
    cJSON_AddItemToArray(warnings, cJSON_CreateString(report->warnings[i]));
  return report_json(out);
}

static void status_print_device(const ledger_sync_facts *facts) {
  printf("device     %s, epoch %" PRId64, facts->device, facts->epoch);
  if (facts->key_range >= 0) printf(", key range %" PRId64, facts->key_range);
  putchar('\n');
  if (facts->previous_device[0]) printf("before     %s\n", facts->previous_device);
  printf("main       %s%s\n", facts->main[0] ? facts->main : "none yet: ledger push FILE DSN",
         facts->has_main_key ? ", its key is known" : "");
}

static void status_print(const struct status_report *report) {
  const ledger_sync_facts *facts = &report->facts;
  status_print_device(facts);
  printf("batches    cut %" PRId64 ", received %" PRId64 ", applied %" PRId64 "\n", facts->cut,
         facts->received, facts->applied);
  if (!facts->waiting_since[0] && facts->changes == 0 && facts->batches == 0) {
    puts("waiting    nothing: main has all");
  } else {
    printf("waiting    %" PRId64 " changes in no batch yet; %" PRId64 " batches with %" PRId64
           " rows, %" PRId64 " bytes\n",
           facts->changes, facts->batches, facts->batch_rows, facts->batch_bytes);
    if (facts->waiting_since[0])
      printf("since      %s (%s)\n", facts->waiting_since, report->waiting);
  }
  if (facts->reason[0]) {
    fputs("custody    ", stdout);
    report_words(stdout, facts->reason);
    putchar('\n');
  }
  if (facts->succeeded_at[0]) printf("reached    %s\n", facts->succeeded_at);
  if (facts->error[0]) {
    printf("failed     %s: ", facts->failed_at);
    report_words(stdout, facts->error);
    putchar('\n');
  }
  if (facts->clock_skew_ms >= 1000 || facts->clock_skew_ms <= -1000)
    printf("clock      %" PRId64 " ms %s main's\n",
           facts->clock_skew_ms < 0 ? -facts->clock_skew_ms : facts->clock_skew_ms,
           facts->clock_skew_ms < 0 ? "behind" : "ahead of");
  for (int i = 0; i < report->warning_count; i++) printf("warning    %s\n", report->warnings[i]);
}

enum { STATUS_JSON };

static int cmd_status(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  struct status_report report = {.warning_count = 0};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_sync_status(db, &report.facts) != LEDGER_OK) {
    status = report_error(command->name, arguments[0], db);
  } else {
    status_judge(&report);
    if (values[STATUS_JSON])
      status = status_print_json(&report);
    else
      status_print(&report);
  }
  ledger_close(db);
  return status;
}

/* ---- ack */

/* The last acknowledgement of standard input, with the signature line behind it, from malloc(); *text NULL: there is none. */
static int ack_read(const struct command *command, char **text) {
  struct lines lines;
  enum lines_next next;
  char *line, *whole = NULL;
  size_t length;
  bool is_behind = false;
  *text = NULL;
  if (!lines_open(&lines)) return report_memory(command);
  while ((next = lines_next(&lines, true, &line, &length)) == LINES_LINE &&
         length <= LEDGER_LINE_MAX) {
    static const char start[] = "{\"ledger_ack\"", signature[] = "signature ";
    bool is_start = length >= sizeof start - 1 && memcmp(line, start, sizeof start - 1) == 0;
    bool is_signature = is_behind && length >= sizeof signature - 1 &&
                        memcmp(line, signature, sizeof signature - 1) == 0;
    int taken = 0;
    if (is_start)
      taken = asprintf(&whole, "%.*s\n", (int)length, line);
    else if (is_signature)
      taken = asprintf(&whole, "%s%.*s\n", *text, (int)length, line);
    if (taken < 0) {
      next = LINES_FAILED;
      break;
    }
    if (taken > 0) {
      free(*text);
      *text = whole;
    }
    is_behind = is_start;
  }
  lines_close(&lines);
  if (next == LINES_END) return EXIT_DONE;
  free(*text);
  *text = NULL;
  if (next == LINES_STOPPED) return EXIT_INTERRUPTED;
  if (next == LINES_FAILED) return lines_failed(command);
  report_problem(command->name, "standard input", "54000", "a line is longer than 1 MB", NULL);
  return EXIT_REFUSED;
}

static int ack_print(const struct command *command, const char *path, ledger *db) {
  ledger_sync_facts facts;
  if (ledger_sync_status(db, &facts) != LEDGER_OK) return report_error(command->name, path, db);
  printf("main has received batch %" PRId64 " of %" PRId64 " and applied %" PRId64 "\n",
         facts.received, facts.cut, facts.applied);
  if (!facts.reason[0]) return EXIT_DONE;
  char problem[1200];
  snprintf(problem, sizeof problem, "batch %" PRId64 " is in custody: %s", facts.applied + 1,
           facts.reason);
  report_problem(command->name, path, NULL, problem,
                 "on main, after the repair: SELECT * FROM ledger_sync.retry()");
  return EXIT_REFUSED;
}

enum { ACK_TRUSTED };

static int cmd_ack(const struct command *command, char **arguments, char **values) {
  char *text;
  int status = ack_read(command, &text);
  if (status != EXIT_DONE) return status;
  if (!text) {
    report_problem(command->name, "standard input", "22023", "there is no acknowledgement in it",
                   "what came before it in the pipe says why");
    return EXIT_REFUSED;
  }
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (db && ledger_acknowledge(db, text, -1, values[ACK_TRUSTED] != NULL) == LEDGER_OK)
    status = ack_print(command, arguments[0], db);
  else if (db)
    status = report_error(command->name, arguments[0], db);
  ledger_close(db);
  free(text);
  return status;
}

/* ---- device */

enum { DEVICE_JSON };

static int device_print(const struct command *command, const char *path, ledger *db,
                        char **values) {
  ledger_sync_facts facts;
  if (ledger_sync_status(db, &facts) != LEDGER_OK) return report_error(command->name, path, db);
  if (!values[DEVICE_JSON]) {
    status_print_device(&facts);
    return EXIT_DONE;
  }
  cJSON *out = cJSON_CreateObject();
  status_device_json(out, &facts);
  return report_json(out);
}

static int cmd_device_show(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (db) status = device_print(command, arguments[0], db, values);
  ledger_close(db);
  return status;
}

static int cmd_device_rekey(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (db && ledger_rekey(db) == LEDGER_OK)
    status = device_print(command, arguments[0], db, values);
  else if (db)
    status = report_error(command->name, arguments[0], db);
  ledger_close(db);
  return status;
}

enum { TABLE_KIND, TABLE_COLLISION };

static int cmd_device_table(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  if (!values[TABLE_KIND] && !values[TABLE_COLLISION])
    return report_usage(command, "give --kind, --collision, or both");
  ledger *db = report_open(command, arguments[0], 0, &status);
  if (db &&
      ledger_sync_table(db, arguments[1], values[TABLE_KIND], values[TABLE_COLLISION]) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  ledger_close(db);
  return status;
}

/* ---- restore */

/* The copy gets its own identity before it has its name: nobody can write to it as the device that the backup was. */
static int restore_rekey(const struct command *command, const char *aside, const char *path) {
  int status = EXIT_DONE;
  ledger *db = report_open(command, aside, 0, &status);
  if (db && ledger_rekey(db) != LEDGER_OK) status = report_error(command->name, aside, db);
  ledger_sync_facts facts;
  if (db && status == EXIT_DONE && ledger_sync_status(db, &facts) == LEDGER_OK)
    printf("%s: device %s, restored from what was %s\n", path, facts.device, facts.previous_device);
  ledger_close(db);
  if (status == EXIT_DONE && link(aside, path) != 0) {
    report_problem(command->name, path, errno == EEXIST ? "58P02" : "58030", strerror(errno), NULL);
    status = EXIT_REFUSED;
  }
  return status;
}

static int cmd_restore(const struct command *command, char **arguments, char **values) {
  (void)values;
  char aside[PATH_MAX], companion[PATH_MAX + 8];
  int status = EXIT_DONE;
  struct progress progress = {.doing = "copying", .unit = "pages"};
  if (access(arguments[1], F_OK) == 0) {
    report_problem(command->name, arguments[1], "58P02", "the file exists already", NULL);
    return EXIT_REFUSED;
  }
  if (snprintf(aside, sizeof aside, "%s.restore-%ld", arguments[1], (long)getpid()) >=
      (int)sizeof aside)
    return report_usage(command, "the path is too long");
  ledger *db =
      report_open(command, arguments[0], LEDGER_READ_ONLY_FILE | LEDGER_OLD_FORMAT, &status);
  if (!db) return status;
  ledger_progress(db, progress_report, &progress);
  if (ledger_backup(db, aside) != LEDGER_OK) status = report_error(command->name, arguments[1], db);
  progress_end(&progress);
  ledger_close(db);
  if (status != EXIT_DONE) return status;
  status = restore_rekey(command, aside, arguments[1]);
  unlink(aside);
  static const char *const companions[] = {"-wal", "-shm", "-journal"};
  for (int i = 0; i < 3; i++) {
    snprintf(companion, sizeof companion, "%s%s", aside, companions[i]);
    unlink(companion);
  }
  return status;
}
