/*
** book: transfers per second, by the book and by what it is measured against (tests/bench/book.sh). All of them do the same
** transfers, made ready before the clock runs, in rounds that take turns.
**   book base FOLDER ACCOUNTS      FOLDER/base.db: a ledger file with that many accounts, each with an opening balance, and
**                                  FOLDER/bare.db: plain tables with the same rows
**   book run FOLDER full|normal PER_COMMIT COUNT ROUND TARGET...
**                                  COUNT transfers by each target, ROUND at a time by turns; for each round "wall cpu kilobytes"
**                                  is added to FOLDER/TARGET-full-PER_COMMIT.times
** A target works on FOLDER/TARGET.db, or on the databases that PGHOST and PGPORT lead to.
*/
#include "../../ledger.c"

#include "../lib/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

#define BOOK_USER "00000001-0000-4000-8000-000000000001"
#define BOOK_OPENING "1000000.00" /* that each account starts with */
#define BOOK_THREADS 16

/* A transfer as it is asked, with the texts of its plain rows. */
struct transfer {
  int payer, payee; /* accounts from 0 */
  int64_t cents;
  char payer_id[37], payee_id[37];
  char id[37], payer_row[37], payee_row[37]; /* of the operation and of its rows of transactions */
  char reference[24], payee_reference[28];
  char amount[24], time[MOMENT_TEXT_MAX];
  int64_t time_us;
};

/* Who does transfers. `prepare`, which may be NULL, is not timed; `run` does all, with a commit after each `per_commit`. */
struct target {
  const char *name;
  int (*open)(const char *path, bool full);
  int (*prepare)(const struct transfer *transfers, int count);
  int (*run)(const struct transfer *transfers, int count, int per_commit);
  int64_t (*pages)(void); /* written by commits so far; NULL: not known */
  void (*close)(void);
};

static int book_accounts; /* in the files of this run */

static int book_fail(const char *what, const char *message) {
  fprintf(stderr, "book: %s: %s\n", what, message);
  return 1;
}

static void book_account_id(int account, char out[37]) {
  snprintf(out, 37, "00000002-0000-4000-8000-%012x", (unsigned)account);
}

/* Ids as the engine mints them: ordered by time, the last byte saying which row of the operation it is. */
static void book_row_id(const char id[37], int row, char out[37]) {
  memcpy(out, id, 37);
  snprintf(out + 34, 3, "%02x", row);
}

static void book_transfer(struct test_random *random, int64_t n, struct transfer *out) {
  char id[37];
  memset(out, 0, sizeof *out);
  out->payer = random_below(random, book_accounts);
  out->payee = (out->payer + 1 + random_below(random, book_accounts - 1)) % book_accounts;
  out->cents = 1 + random_below(random, 10000);
  book_account_id(out->payer, out->payer_id);
  book_account_id(out->payee, out->payee_id);
  id_uuid7(id);
  book_row_id(id, 0, out->id);
  book_row_id(id, 1, out->payer_row);
  book_row_id(id, 2, out->payee_row);
  snprintf(out->reference, sizeof out->reference, "TXN-%010" PRId64, n);
  snprintf(out->payee_reference, sizeof out->payee_reference, "%s.C", out->reference);
  money_text(out->cents, 2, out->amount);
  out->time_us = clock_now_us();
  moment_text(TYPE_TIMESTAMPTZ, out->time_us + MOMENT_UNIX_EPOCH, out->time);
}

#include "book_floors.h"
#include "book_ledger.h"
#include "book_postgres.h"

static const struct target *const book_targets[] = {
    &bare_target,    &same_checked_target, &same_unchecked_target, &ledger_target,
    &sharing_target, &client_target,       &clients_target,        &loop_target};

static const struct target *book_target(const char *name) {
  for (size_t i = 0; i < sizeof book_targets / sizeof book_targets[0]; i++)
    if (strcmp(book_targets[i]->name, name) == 0) return book_targets[i];
  return NULL;
}

/* ---- the files to start from */

static int book_base(const char *folder) {
  char path[500], bare[500];
  snprintf(path, sizeof path, "%s/base.db", folder);
  snprintf(bare, sizeof bare, "%s/bare.db", folder);
  int rc = ledger_base(path);
  return rc == 0 ? bare_base(bare, path) : rc;
}

/* ---- rounds by turns */

struct stopwatch {
  double wall, cpu;
};

static struct stopwatch stopwatch_now(void) {
  struct timespec now;
  struct rusage usage;
  clock_gettime(CLOCK_MONOTONIC, &now);
  getrusage(RUSAGE_SELF, &usage);
  return (struct stopwatch){(double)now.tv_sec + (double)now.tv_nsec / 1e9,
                            (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6};
}

static int book_round(const struct target *target, FILE *times, const struct transfer *transfers,
                      int count, int per_commit) {
  int rc = target->prepare == NULL ? 0 : target->prepare(transfers, count);
  struct stopwatch start = stopwatch_now();
  if (rc == 0) rc = target->run(transfers, count, per_commit);
  struct stopwatch end = stopwatch_now();
  fprintf(times, "%.6f %.6f 0\n", end.wall - start.wall, end.cpu - start.cpu);
  return rc;
}

struct book_run {
  const char *folder, *durability;
  int per_commit, count, round;
  int target_count;
  const struct target *targets[16];
  FILE *times[16];
};

static int book_open(struct book_run *run) {
  char path[500];
  for (int t = 0; t < run->target_count; t++) {
    const struct target *target = run->targets[t];
    snprintf(path, sizeof path, "%s/%s-%s-%d.times", run->folder, target->name, run->durability,
             run->per_commit);
    run->times[t] = fopen(path, "a");
    if (run->times[t] == NULL) return book_fail(path, "cannot be written");
    snprintf(path, sizeof path, "%s/%s.db", run->folder, target->name);
    if (target->open(path, strcmp(run->durability, "full") == 0) != 0) return 1;
  }
  return 0;
}

static void book_pages(const struct book_run *run) {
  char path[500];
  for (int t = 0; t < run->target_count; t++) {
    const struct target *target = run->targets[t];
    if (target->pages == NULL) continue;
    snprintf(path, sizeof path, "%s/%s-%s-%d.pages", run->folder, target->name, run->durability,
             run->per_commit);
    FILE *file = fopen(path, "w");
    if (file == NULL) continue;
    fprintf(file, "%.2f\n", (double)target->pages() / run->count);
    fclose(file);
  }
}

static int book_run(struct book_run *run) {
  struct test_random random = {random_seed()};
  struct transfer *transfers = calloc((size_t)run->round, sizeof *transfers);
  int rc = transfers == NULL ? 1 : book_open(run);
  for (int done = 0, turn = 0; rc == 0 && done < run->count; turn++) {
    int count = run->count - done < run->round ? run->count - done : run->round;
    for (int i = 0; i < count; i++) book_transfer(&random, done + i, &transfers[i]);
    for (int t = 0; rc == 0 && t < run->target_count; t++) {
      int next = (t + turn) % run->target_count; /* none is always the first */
      rc = book_round(run->targets[next], run->times[next], transfers, count, run->per_commit);
    }
    done += count;
  }
  if (rc == 0) book_pages(run);
  for (int t = 0; t < run->target_count; t++) {
    run->targets[t]->close();
    if (run->times[t] != NULL) fclose(run->times[t]);
  }
  free(transfers);
  return rc;
}

int main(int count, char **words) {
  book_accounts = (int)random_setting("LEDGER_BENCH_ACCOUNTS", 10000);
  if (count == 3 && strcmp(words[1], "base") == 0) return book_base(words[2]);
  struct book_run run = {0};
  if (count > 7 && count - 7 <= 16 && strcmp(words[1], "run") == 0) {
    run.folder = words[2];
    run.durability = words[3];
    run.per_commit = (int)strtol(words[4], NULL, 10);
    run.count = (int)strtol(words[5], NULL, 10);
    run.round = (int)strtol(words[6], NULL, 10);
    for (int i = 7; i < count; i++) {
      run.targets[run.target_count] = book_target(words[i]);
      if (run.targets[run.target_count++] == NULL) return book_fail(words[i], "no such target");
    }
    if (run.per_commit > 0 && run.count > 0 && run.round > 0) return book_run(&run);
  }
  return book_fail("usage", "see the head of book.c");
}
