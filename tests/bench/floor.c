/*
** floor: what the bench compares with, and its stopwatch.
**   floor lines N            N changes for `ledger load`, transactions of one table, on standard output
**   floor accounts           the changes those need first
**   floor insert FILE N      the same N rows by plain prepared inserts, 10,000 a transaction, into the same tables with the
**                            same checks and indexes, values ready in memory
**   floor walk FILE          a bare SELECT of every table, written as COPY text
**   floor time COMMAND...    runs the command; "wall cpu kilobytes" on standard error's last line
*/
#include "../../ledger.c"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#define FLOOR_ACCOUNTS 1000
#define FLOOR_COLUMNS 12

struct floor_row {
  char id[37], account[37], reference[24], created[36], amount[24], metadata[48];
};

/* The n-th row: ids in the order of time, as version 7 uuids are. */
static void floor_row(int64_t n, struct floor_row *row) {
  int64_t second = n % 60, minute = n / 60 % 60, hour = n / 3600 % 24, day = n / 86400 % 28 + 1;
  snprintf(row->id, sizeof row->id, "%08" PRIx64 "-%04" PRIx64 "-7000-8000-%012" PRIx64,
           (uint64_t)(n >> 16), (uint64_t)(n & 0xffff), (uint64_t)n);
  snprintf(row->account, sizeof row->account, "00000002-0000-4000-8000-%012" PRIx64,
           (uint64_t)(n * 7919 % FLOOR_ACCOUNTS));
  snprintf(row->reference, sizeof row->reference, "TXN-%" PRId64, n);
  snprintf(row->created, sizeof row->created, "2026-01-%02d %02d:%02d:%02d+00:00", (int)day,
           (int)hour, (int)minute, (int)second);
  snprintf(row->amount, sizeof row->amount, "%" PRId64 ".%02d", n % 99999 + 1, (int)(n % 100));
  snprintf(row->metadata, sizeof row->metadata, "{\"n\": %" PRId64 ", \"channel\": \"kiosk\"}",
           n % 1000);
}

static int floor_lines(int64_t count) {
  for (int64_t n = 0; n < count; n++) {
    struct floor_row row;
    floor_row(n, &row);
    printf("{\"table\":\"transactions\",\"row\":{\"id\":\"%s\",\"account_id\":\"%s\",\"transaction_"
           "type\":\"deposit\",\"amount\":%s,"
           "\"currency\":\"USD\",\"status\":\"pending\",\"description\":\"Paid at the "
           "counter\",\"reference_number\":\"%s\","
           "\"metadata\":%s,\"created_at\":\"%s\",\"updated_at\":\"%s\",\"completed_at\":null}}\n",
           row.id, row.account, row.amount, row.reference, row.metadata, row.created, row.created);
  }
  return 0;
}

static int floor_accounts(void) {
  puts("{\"table\":\"users\",\"row\":{\"id\":\"00000001-0000-4000-8000-000000000001\",\"email\":"
       "\"bench@example.com\",\"password_hash\":\"!\"}}");
  for (int n = 0; n < FLOOR_ACCOUNTS; n++)
    printf("{\"table\":\"accounts\",\"row\":{\"id\":\"00000002-0000-4000-8000-%012x\",\"user_id\":"
           "\"00000001-0000-4000-8000-000000000001\","
           "\"account_number\":\"WS%012d\",\"account_type\":\"checking\"}}\n",
           (unsigned)n, n);
  return 0;
}

static int floor_insert(const char *path, int64_t count) {
  ledger *db = NULL;
  sqlite3_stmt *stmt = NULL;
  if (ledger_open(path, 0, &db) != LEDGER_OK)
    return fprintf(stderr, "%s\n", ledger_error_of(db)->message), 1;
  const char *pragma =
      getenv("FLOOR_PRAGMA"); /* to measure a setting: FLOOR_PRAGMA='PRAGMA cache_size=-2000' */
  if (pragma) sqlite3_exec(db->sqlite, pragma, NULL, NULL, NULL);
  int rc = sqlite3_prepare_v2(db->sqlite,
                              "INSERT INTO transactions (id, account_id, transaction_type, amount, "
                              "currency, status, description,"
                              " reference_number, metadata, created_at, updated_at, completed_at)"
                              " VALUES (?1, ?2, 'deposit', ?3, 'USD', 'pending', 'Paid at the "
                              "counter', ?4, ?5, ?6, ?6, NULL)",
                              -1, &stmt, NULL);
  for (int64_t n = 0; n < count && (rc == SQLITE_OK || rc == SQLITE_DONE); n++) {
    struct floor_row row;
    floor_row(n, &row);
    if (n % 10000 == 0)
      sqlite3_exec(db->sqlite, n ? "COMMIT; BEGIN IMMEDIATE" : "BEGIN IMMEDIATE", NULL, NULL, NULL);
    sqlite3_bind_text(stmt, 1, row.id, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 2, row.account, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 3, row.amount, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 4, row.reference, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 5, row.metadata, -1, SQLITE_STATIC);
    sqlite3_bind_text(stmt, 6, row.created, -1, SQLITE_STATIC);
    rc = sqlite3_step(stmt);
    sqlite3_reset(stmt);
  }
  if (rc != SQLITE_DONE) fprintf(stderr, "floor insert: %s\n", sqlite3_errmsg(db->sqlite));
  sqlite3_finalize(stmt);
  sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL, NULL);
  ledger_close(db);
  return rc == SQLITE_DONE ? 0 : 1;
}

/* What COPY needs at the least: the value, with backslash, tab and line ends escaped. */
static void floor_field(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c == '\\' || c == '\t' || c == '\n' || c == '\r') {
      putchar_unlocked('\\');
      c = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
    }
    putchar_unlocked(c);
  }
}

static int floor_walk(const char *path) {
  ledger *db = NULL;
  if (ledger_open(path, LEDGER_READ_ONLY_FILE, &db) != LEDGER_OK) return 1;
  for (int r = 0; r < db->catalog->relation_count; r++) {
    const struct relation *relation = &db->catalog->relations[r];
    if (relation->is_view) continue;
    sqlite3_stmt *stmt = NULL;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", relation->stored_name);
    sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL);
    sqlite3_free(sql);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *text = (const char *)sqlite3_column_text(stmt, i);
        if (i) putchar_unlocked('\t');
        if (!text)
          fputs("\\N", stdout);
        else
          floor_field(text, (size_t)sqlite3_column_bytes(stmt, i));
      }
      putchar_unlocked('\n');
    }
    sqlite3_finalize(stmt);
  }
  ledger_close(db);
  return 0;
}

static int floor_time(char **command) {
  struct timeval start, end;
  struct rusage usage;
  int status = 0;
  gettimeofday(&start, NULL);
  pid_t child = fork();
  if (child == 0) {
    execvp(command[0], command);
    _exit(127);
  }
  waitpid(child, &status, 0);
  gettimeofday(&end, NULL);
  getrusage(RUSAGE_CHILDREN, &usage);
  double wall = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_usec - start.tv_usec) / 1e6;
  double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  fprintf(stderr, "%.4f %.4f %ld\n", wall, cpu, usage.ru_maxrss);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int count, char **words) {
  const char *verb = count > 1 ? words[1] : "";
  if (strcmp(verb, "lines") == 0 && count == 3) return floor_lines(strtoll(words[2], NULL, 10));
  if (strcmp(verb, "accounts") == 0) return floor_accounts();
  if (strcmp(verb, "insert") == 0 && count == 4)
    return floor_insert(words[2], strtoll(words[3], NULL, 10));
  if (strcmp(verb, "walk") == 0 && count == 3) return floor_walk(words[2]);
  if (strcmp(verb, "time") == 0 && count > 2) return floor_time(words + 2);
  fputs("floor: see the head of floor.c\n", stderr);
  return 2;
}
