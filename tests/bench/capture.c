/*
** capture: what it costs that each written row leaves its key in ledger_change.
**   capture FOLDER ROWS ROUNDS
** Inserts, then updates, then deletes of the same rows, 1,000 a transaction: by the library, followed and not; by a program of its
** own with plain prepared statements, with the triggers and with the triggers dropped. Each mode has a file of its own in each
** round; what is shown are medians of the CPU time, and their ratios.
*/
#include "../../ledger.c"

#include <sys/resource.h>

#define CAPTURE_USER "00000001-0000-4000-8000-000000000001"
#define CAPTURE_ACCOUNT "00000002-0000-4000-8000-000000000001"
#define CAPTURE_TRANSACTION 1000
#define CAPTURE_ROUNDS_MAX 99

enum capture_mode { OWN_BARE, OWN, FOREIGN_BARE, FOREIGN, MODE_COUNT };
enum capture_work { INSERT, UPDATE, DELETE, WORK_COUNT };

static const struct capture_table {
  const char *name;
  int count; /* the first is the id */
  const char *columns[12];
  const char *values[12]; /* %d: the row's number */
  const char *changed;    /* the column that an update sets, and to what */
  const char *change;
} capture_tables[] = {
    {"transactions",
     11,
     {"id", "account_id", "transaction_type", "amount", "currency", "status", "description",
      "reference_number", "metadata", "created_at", "updated_at"},
     {"01940000-0000-7000-8000-%012d", CAPTURE_ACCOUNT, "deposit", "12.50", "USD", "pending",
      "Paid at the counter", "TXN-%d", "{\"n\": %d}", "2026-01-02 03:04:05+00:00",
      "2026-01-02 03:04:05+00:00"},
     "description",
     "Paid at the door"},
    {"price_history",
     4,
     {"id", "crypto_type", "price_usd", "quoted_at"},
     {"01940000-0000-7000-8000-%012d", "BTC", "50000.00000000", "2026-01-02 03:04:05+00:00"},
     "price_usd",
     "50001.00000000"},
};

static void capture_fail(const char *what, const char *why) {
  fprintf(stderr, "capture: %s: %s\n", what, why);
  exit(1);
}

static double capture_cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void capture_check(ledger *db, int rc) {
  if (rc != LEDGER_OK) capture_fail("the library", ledger_error_of(db)->message);
}

static void capture_exec(sqlite3 *sqlite, const char *sql) {
  if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
    capture_fail(sql, sqlite3_errmsg(sqlite));
}

/* ---- by the library */

static void capture_own(ledger *db, const struct capture_table *table, enum capture_work work,
                        int n) {
  char texts[12][64];
  ledger_value values[12];
  for (int i = 0; i < table->count; i++) {
    int length = snprintf(texts[i], sizeof texts[i], table->values[i], n);
    values[i] = (ledger_value){.kind = LEDGER_TEXT, .text = texts[i], .length = (size_t)length};
  }
  ledger_value change = {.kind = LEDGER_TEXT, .text = table->change};
  change.length = strlen(change.text);
  if (work == INSERT)
    capture_check(db, ledger_insert(db, table->name, table->count, table->columns, values, NULL));
  else if (work == UPDATE)
    capture_check(db, ledger_update(db, table->name, 1, &table->changed, &change, 1, table->columns,
                                    values, 0, NULL, NULL));
  else
    capture_check(db, ledger_delete(db, table->name, 1, table->columns, values, 0, NULL, NULL));
}

static double capture_run_own(const char *path, const struct capture_table *table,
                              enum capture_work work, int rows, bool is_bare) {
  ledger *db = NULL;
  capture_check(db, ledger_open(path, LEDGER_PLAIN | LEDGER_SYNC_NORMAL, &db));
  db->is_unfollowed = is_bare;
  double start = capture_cpu();
  for (int n = 0; n < rows; n++) {
    if (n % CAPTURE_TRANSACTION == 0) capture_check(db, ledger_begin(db));
    capture_own(db, table, work, n);
    if ((n + 1) % CAPTURE_TRANSACTION == 0 || n + 1 == rows) capture_check(db, ledger_commit(db));
  }
  double seconds = capture_cpu() - start;
  ledger_close(db);
  return seconds;
}

/* ---- by another program */

static sqlite3_stmt *capture_prepare(sqlite3 *sqlite, const struct capture_table *table,
                                     enum capture_work work) {
  sqlite3_str *sql = sqlite3_str_new(sqlite);
  if (work == INSERT) {
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (", table->name);
    for (int i = 0; i < table->count; i++)
      sqlite3_str_appendf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[i]);
    sqlite3_str_appendall(sql, ") VALUES (");
    for (int i = 0; i < table->count; i++)
      sqlite3_str_appendf(sql, "%s?%d", i == 0 ? "" : ", ", i + 1);
    sqlite3_str_appendall(sql, ")");
  } else if (work == UPDATE) {
    sqlite3_str_appendf(sql, "UPDATE \"%w\" SET %s = %Q WHERE id = ?1", table->name, table->changed,
                        table->change);
  } else {
    sqlite3_str_appendf(sql, "DELETE FROM \"%w\" WHERE id = ?1", table->name);
  }
  char *text = sqlite3_str_finish(sql);
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(sqlite, text, -1, &stmt, NULL) != SQLITE_OK)
    capture_fail(text, sqlite3_errmsg(sqlite));
  sqlite3_free(text);
  return stmt;
}

static double capture_run_foreign(const char *path, const struct capture_table *table,
                                  enum capture_work work, int rows) {
  static struct function_session session;
  sqlite3 *sqlite = NULL;
  sqlite3_open(path, &sqlite);
  function_register_all(sqlite,
                        &session); /* as one that has loaded the extension: checks call them */
  capture_exec(sqlite, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF");
  sqlite3_stmt *stmt = capture_prepare(sqlite, table, work);
  double start = capture_cpu();
  for (int n = 0; n < rows; n++) {
    char texts[12][64];
    if (n % CAPTURE_TRANSACTION == 0) capture_exec(sqlite, "BEGIN");
    for (int i = 0; i < (work == INSERT ? table->count : 1); i++) {
      int length = snprintf(texts[i], sizeof texts[i], table->values[i], n);
      sqlite3_bind_text(stmt, i + 1, texts[i], length, SQLITE_STATIC);
    }
    sqlite3_step(stmt);
    if (sqlite3_reset(stmt) != SQLITE_OK) capture_fail(table->name, sqlite3_errmsg(sqlite));
    if ((n + 1) % CAPTURE_TRANSACTION == 0 || n + 1 == rows) capture_exec(sqlite, "COMMIT");
  }
  double seconds = capture_cpu() - start;
  sqlite3_finalize(stmt);
  sqlite3_close(sqlite);
  return seconds;
}

/* ---- files */

static void capture_drop(sqlite3 *sqlite) {
  for (;;) {
    sqlite3_stmt *stmt = NULL;
    sqlite3_prepare_v2(sqlite,
                       "SELECT 'DROP TRIGGER ' || quote(name) FROM sqlite_schema"
                       " WHERE type = 'trigger' AND name GLOB 'ledger_change_*' LIMIT 1",
                       -1, &stmt, NULL);
    char *sql = sqlite3_step(stmt) == SQLITE_ROW
                    ? sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0))
                    : NULL;
    sqlite3_finalize(stmt);
    if (sql == NULL) return;
    capture_exec(sqlite, sql);
    sqlite3_free(sql);
  }
}

static void capture_make(const char *path, enum capture_mode mode) {
  ledger *db = NULL;
  unlink(path);
  capture_check(db, ledger_create(path, ledger_schema("full"), LEDGER_PLAIN, &db));
  capture_check(db, ledger_apply(db,
                                 "{\"table\":\"users\",\"row\":{\"id\":\"" CAPTURE_USER
                                 "\",\"email\":\"x@y.co\",\"password_hash\":\"!\"}}",
                                 -1, NULL, NULL));
  capture_check(db, ledger_apply(db,
                                 "{\"table\":\"accounts\",\"row\":{\"id\":\"" CAPTURE_ACCOUNT
                                 "\",\"account_number\":\"A\",\"account_type\":\"checking\"}}",
                                 -1, NULL, NULL));
  if (mode == FOREIGN_BARE) capture_drop(db->sqlite);
  ledger_close(db);
}

static int capture_order(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static double capture_median(double *seconds, int count) {
  qsort(seconds, (size_t)count, sizeof *seconds, capture_order);
  return seconds[count / 2];
}

int main(int argc, char **argv) {
  static const char *const works[] = {"insert", "update", "delete"};
  static double seconds[WORK_COUNT][MODE_COUNT][CAPTURE_ROUNDS_MAX];
  int rows = argc == 4 ? atoi(argv[2]) : 0, rounds = argc == 4 ? atoi(argv[3]) : 0;
  if (rows < 1 || rounds < 1 || rounds > CAPTURE_ROUNDS_MAX) {
    fprintf(stderr, "usage: capture FOLDER ROWS ROUNDS\n");
    return 2;
  }
  for (size_t t = 0; t < sizeof capture_tables / sizeof *capture_tables; t++) {
    const struct capture_table *table = &capture_tables[t];
    for (int round = 0; round < rounds; round++) {
      for (int mode = 0; mode < MODE_COUNT; mode++) {
        char path[500];
        snprintf(path, sizeof path, "%s/capture.db", argv[1]);
        capture_make(path, mode);
        for (int work = INSERT; work < WORK_COUNT; work++) {
          seconds[work][mode][round] =
              mode <= OWN ? capture_run_own(path, table, work, rows, mode == OWN_BARE)
                          : capture_run_foreign(path, table, work, rows);
        }
      }
    }
    for (int work = INSERT; work < WORK_COUNT; work++) {
      double us[MODE_COUNT];
      for (int mode = 0; mode < MODE_COUNT; mode++)
        us[mode] = capture_median(seconds[work][mode], rounds) * 1e6 / rows;
      bool is_asked =
          work == INSERT; /* small changes of a row have no bound: a note costs as much */
      printf("capture %-6s %-14s own %6.2f us of CPU a row, %.2f of %5.2f%s"
             "   others %6.2f, %.2f of %5.2f%s\n",
             works[work], table->name, us[OWN], us[OWN] / us[OWN_BARE], us[OWN_BARE],
             is_asked ? " (wanted: 1.2)" : "", us[FOREIGN], us[FOREIGN] / us[FOREIGN_BARE],
             us[FOREIGN_BARE], is_asked ? " (wanted: 1.6)" : "");
    }
  }
  return 0;
}
