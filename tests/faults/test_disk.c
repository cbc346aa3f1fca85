/*
** A disk that fails, through a SQLite VFS that stands before the real one and counts its calls. After each fault, and after a
** power cut at any moment, the file opens, is sound, has every row whose call had returned LEDGER_OK, and none half.
** What a power cut leaves of a file is what was synced, and any part of what was written since.
** LEDGER_TEST_COUNT: how many places of a run are tried for each fault; 0 tries each one. LEDGER_TEST_SEED.
*/
#include "../../ledger.c"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <random.h>

/* ---- the faults */

enum fault {
  FAULT_NONE,
  FAULT_EIO,
  FAULT_FULL,
  FAULT_SHORT_WRITE,
  FAULT_SYNC,
  FAULT_READ,
  FAULT_POWER,
  FAULT_COUNT
};
static const char *const fault_names[] = {"none",        "input/output error", "disk full",
                                          "short write", "sync fails",         "read fails",
                                          "power cut"};

static struct {
  enum fault fault;
  int64_t calls, fail_at; /* of the calls that the fault is about */
  bool stays;             /* all behind it fail as well */
  bool happened;
} disk;

static bool disk_counts(enum fault call) {
  switch (disk.fault) {
  case FAULT_NONE: return false;
  case FAULT_SYNC: return call == FAULT_SYNC;
  case FAULT_READ: return call == FAULT_READ;
  case FAULT_EIO:
  case FAULT_POWER: return call != FAULT_READ;
  default: return call == FAULT_FULL; /* writes */
  }
}

static void disk_power_cut(void);

/* Does this call, a write (FAULT_FULL), a sync, a read or another (FAULT_EIO), fail? */
static bool disk_fails(enum fault call) {
  if (!disk_counts(call)) return false;
  disk.calls++;
  if (disk.fail_at == 0 || disk.calls < disk.fail_at) return false;
  if (disk.calls > disk.fail_at && !disk.stays) return false;
  if (disk.calls == disk.fail_at && disk.fault == FAULT_POWER) disk_power_cut();
  disk.happened = true;
  return true;
}

/* ---- what is on the disk: for each file its bytes at the last sync, and the writes since */

#define DISK_FILES 8

struct disk_write {
  int64_t offset, length; /* length -1: cut off at offset */
  char *bytes;
};
static struct disk_file {
  char name[300];
  char *synced;
  int64_t length;
  struct disk_write *writes;
  int count, capacity;
} disk_files[DISK_FILES];
static struct test_random disk_random;
static char image_path[300]; /* where a power cut leaves its files */

static struct disk_file *disk_file(const char *name) {
  for (int i = 0; i < DISK_FILES; i++) {
    if (strcmp(disk_files[i].name, name) == 0) return &disk_files[i];
    if (disk_files[i].name[0] != 0) continue;
    snprintf(disk_files[i].name, sizeof disk_files[i].name, "%s", name);
    return &disk_files[i];
  }
  fail_msg("more than %d files", DISK_FILES);
  return NULL;
}

static void disk_note(const char *name, const void *bytes, int64_t offset, int64_t length) {
  struct disk_file *file = disk_file(name);
  if (file->count == file->capacity) {
    file->capacity = file->capacity == 0 ? 64 : 2 * file->capacity;
    file->writes = realloc(file->writes, (size_t)file->capacity * sizeof *file->writes);
    assert_non_null(file->writes);
  }
  struct disk_write *write = &file->writes[file->count++];
  *write = (struct disk_write){offset, length, NULL};
  if (length > 0) {
    write->bytes = malloc((size_t)length);
    memcpy(write->bytes, bytes, (size_t)length);
  }
}

static void disk_apply(char **bytes, int64_t *length, const struct disk_write *write, int64_t from,
                       int64_t to) {
  if (write->length < 0) {
    if (write->offset < *length) *length = write->offset;
    return;
  }
  int64_t end = write->offset + to;
  if (end > *length) {
    *bytes = realloc(*bytes, (size_t)end);
    assert_non_null(*bytes);
    memset(*bytes + *length, 0, (size_t)(end - *length));
    *length = end;
  }
  memcpy(*bytes + write->offset + from, write->bytes + from, (size_t)(to - from));
}

static void disk_synced(const char *name) {
  struct disk_file *file = disk_file(name);
  for (int i = 0; i < file->count; i++) {
    disk_apply(&file->synced, &file->length, &file->writes[i], 0, file->writes[i].length);
    free(file->writes[i].bytes);
  }
  file->count = 0;
}

static void disk_forget(void) {
  for (int i = 0; i < DISK_FILES; i++) {
    for (int k = 0; k < disk_files[i].count; k++) free(disk_files[i].writes[k].bytes);
    free(disk_files[i].writes);
    free(disk_files[i].synced);
  }
  memset(disk_files, 0, sizeof disk_files);
}

/* The files as they may be found after a power cut now: of the unsynced writes all, none, or any, some of them in part. */
static void disk_power_cut(void) {
  int mode = random_below(&disk_random, 4);
  for (int i = 0; i < DISK_FILES; i++) {
    const struct disk_file *file = &disk_files[i];
    const char *suffix = strstr(file->name, ".db");
    char name[400];
    if (file->name[0] == 0 || suffix == NULL) continue;
    int64_t length = file->length;
    char *bytes = malloc((size_t)length + 1);
    memcpy(bytes, file->synced == NULL ? "" : file->synced, (size_t)length);
    for (int k = 0; k < file->count; k++) {
      const struct disk_write *write = &file->writes[k];
      bool is_kept = mode == 0 || (mode > 1 && random_chance(&disk_random, 50));
      if (!is_kept) continue;
      int64_t to = write->length;
      if (mode == 3 && to > 512)
        to = 512 * (1 + random_below(&disk_random, (int)(to / 512))); /* torn at a sector */
      disk_apply(&bytes, &length, write, 0, to);
    }
    snprintf(name, sizeof name, "%s%s", image_path, suffix + 3);
    FILE *out = fopen(name, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, (size_t)length, out), length);
    fclose(out);
    free(bytes);
  }
}

/* ---- the VFS */

struct shim_file {
  sqlite3_file base;
  sqlite3_io_methods methods;
  char name[300]; /* "" if it is not the database or its WAL */
  sqlite3_file real[];
};
static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim;

static sqlite3_file *shim_real(sqlite3_file *file) {
  return ((struct shim_file *)file)->real;
}
static const char *shim_name(sqlite3_file *file) {
  return ((struct shim_file *)file)->name;
}

static int shim_close(sqlite3_file *file) {
  return shim_real(file)->pMethods->xClose(shim_real(file));
}
static int shim_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  if (disk_fails(FAULT_READ)) return SQLITE_IOERR_READ;
  return shim_real(file)->pMethods->xRead(shim_real(file), bytes, length, offset);
}
static int shim_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  sqlite3_file *real = shim_real(file);
  if (disk_fails(FAULT_FULL)) {
    if (disk.fault == FAULT_SHORT_WRITE && length > 1)
      real->pMethods->xWrite(real, bytes, length / 2, offset);
    return disk.fault == FAULT_EIO || disk.fault == FAULT_POWER ? SQLITE_IOERR_WRITE : SQLITE_FULL;
  }
  int rc = real->pMethods->xWrite(real, bytes, length, offset);
  if (rc == SQLITE_OK && disk.fault == FAULT_POWER && shim_name(file)[0] != 0)
    disk_note(shim_name(file), bytes, offset, length);
  return rc;
}
static int shim_truncate(sqlite3_file *file, sqlite3_int64 size) {
  if (disk_fails(FAULT_EIO)) return SQLITE_IOERR_TRUNCATE;
  int rc = shim_real(file)->pMethods->xTruncate(shim_real(file), size);
  if (rc == SQLITE_OK && disk.fault == FAULT_POWER && shim_name(file)[0] != 0)
    disk_note(shim_name(file), NULL, size, -1);
  return rc;
}
static int shim_sync(sqlite3_file *file, int flags) {
  if (disk_fails(FAULT_SYNC)) return SQLITE_IOERR_FSYNC;
  int rc = shim_real(file)->pMethods->xSync(shim_real(file), flags);
  if (rc == SQLITE_OK && disk.fault == FAULT_POWER && shim_name(file)[0] != 0)
    disk_synced(shim_name(file));
  return rc;
}
static int shim_size(sqlite3_file *file, sqlite3_int64 *size) {
  if (disk_fails(FAULT_READ)) return SQLITE_IOERR_FSTAT;
  return shim_real(file)->pMethods->xFileSize(shim_real(file), size);
}
static int shim_lock(sqlite3_file *file, int level) {
  return shim_real(file)->pMethods->xLock(shim_real(file), level);
}
static int shim_unlock(sqlite3_file *file, int level) {
  return shim_real(file)->pMethods->xUnlock(shim_real(file), level);
}
static int shim_check(sqlite3_file *file, int *out) {
  return shim_real(file)->pMethods->xCheckReservedLock(shim_real(file), out);
}
static int shim_control(sqlite3_file *file, int what, void *argument) {
  return shim_real(file)->pMethods->xFileControl(shim_real(file), what, argument);
}
static int shim_sector(sqlite3_file *file) {
  return shim_real(file)->pMethods->xSectorSize(shim_real(file));
}
static int shim_device(sqlite3_file *file) {
  return shim_real(file)->pMethods->xDeviceCharacteristics(shim_real(file));
}
static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  if (disk_fails(FAULT_EIO)) return SQLITE_IOERR_SHMMAP;
  return shim_real(file)->pMethods->xShmMap(shim_real(file), page, size, extend, out);
}
static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
  return shim_real(file)->pMethods->xShmLock(shim_real(file), offset, n, flags);
}
static void shim_shm_barrier(sqlite3_file *file) {
  shim_real(file)->pMethods->xShmBarrier(shim_real(file));
}
static int shim_shm_unmap(sqlite3_file *file, int remove) {
  return shim_real(file)->pMethods->xShmUnmap(shim_real(file), remove);
}

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *out_flags) {
  struct shim_file *own = (struct shim_file *)file;
  (void)vfs;
  memset(own, 0, sizeof *own);
  if (disk_fails(FAULT_EIO)) return SQLITE_CANTOPEN;
  int rc = real_vfs->xOpen(real_vfs, name, own->real, flags, out_flags);
  if (own->real->pMethods == NULL) return rc;
  if (name != NULL && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
    snprintf(own->name, sizeof own->name, "%s", name);
  own->methods = (sqlite3_io_methods){
      2,           shim_close,   shim_read,     shim_write,       shim_truncate,  shim_sync,
      shim_size,   shim_lock,    shim_unlock,   shim_check,       shim_control,   shim_sector,
      shim_device, shim_shm_map, shim_shm_lock, shim_shm_barrier, shim_shm_unmap, NULL,
      NULL};
  own->base.pMethods = &own->methods;
  return rc;
}
static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync) {
  (void)vfs;
  if (disk_fails(FAULT_EIO)) return SQLITE_IOERR_DELETE;
  return real_vfs->xDelete(real_vfs, name, sync);
}

static int setup(void **state) {
  (void)state;
  real_vfs = sqlite3_vfs_find(NULL);
  shim = *real_vfs;
  shim.zName = "faulty";
  shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
  shim.xOpen = shim_open;
  shim.xDelete = shim_delete;
  return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? 0 : 1;
}

/* ---- a run: rows one by one, pairs in a transaction, changes of rows, with checkpoints between */

#define RUN_STEPS 24

static char path[256];

static void path_choose(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/ledger-disk-%ld.db", folder, (long)getpid());
  snprintf(image_path, sizeof image_path, "%s/ledger-disk-%ld-cut.db", folder, (long)getpid());
  file_remove(path);
  file_remove(image_path);
}

static char *sound;
static size_t sound_length;

static void file_write(const char *name, const char *bytes, size_t length) {
  FILE *file = fopen(name, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, length, file), length);
  fclose(file);
}

static void sound_make(void) {
  ledger *db = NULL;
  struct stat facts;
  assert_int_equal(ledger_create(path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
  ledger_close(db);
  assert_int_equal(stat(path, &facts), 0);
  sound_length = (size_t)facts.st_size;
  sound = malloc(sound_length);
  FILE *file = fopen(path, "rb");
  assert_int_equal(fread(sound, 1, sound_length, file), sound_length);
  fclose(file);
  file_remove(path);
}

static int insert_user(ledger *db, int n, char half) {
  char line[3000], name[1600];
  memset(name, 'a' + n % 26, sizeof name);
  name[500 + n * 40] = 0;
  int length = snprintf(line, sizeof line,
                        "{\"table\":\"users\",\"row\":{\"email\":\"%c%d@example.com\",\"password_"
                        "hash\":\"%s\",\"first_name\":\"0\",\"last_name\":\"n\"}}",
                        half, n, name + (n % 2 ? 0 : 300));
  return ledger_apply(db, line, length, NULL, NULL);
}

/* The steps; done[n] says that step n returned LEDGER_OK. Goes on after an error, as a program may. */
static void run_steps(ledger *db, bool done[RUN_STEPS]) {
  for (int n = 0; n < RUN_STEPS; n++) {
    int rc;
    if (n % 3 == 0) {
      rc = insert_user(db, n, 's');
    } else if (n % 3 == 1) { /* both or none */
      rc = ledger_begin(db);
      if (rc == LEDGER_OK) rc = insert_user(db, n, 'p');
      if (rc == LEDGER_OK) rc = insert_user(db, n, 'q');
      if (rc == LEDGER_OK) rc = ledger_commit(db);
    } else {
      char line[200];
      snprintf(line, sizeof line,
               "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"%d\"},\"where\":{"
               "\"last_name\":\"n\"}}",
               n);
      rc = ledger_apply(db, line, -1, NULL, NULL);
    }
    done[n] = rc == LEDGER_OK;
    if (rc == LEDGER_OK) continue;
    const ledger_error *error = ledger_error_of(db);
    if (error->code != rc || error->message[0] == 0 ||
        ((rc == LEDGER_ERROR || rc == LEDGER_CORRUPT) && disk.fault != FAULT_POWER))
      fail_msg("step %d: %d %s %s", n, rc, error->sqlstate, error->message);
    ledger_rollback(db);
  }
}

static int64_t number_of(ledger *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int64_t number = -1;
  if (sqlite3_prepare_v2(db->sqlite, sql, -1, &stmt, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db->sqlite));
  if (sqlite3_step(stmt) == SQLITE_ROW) number = sqlite3_column_int64(stmt, 0);
  sqlite3_finalize(stmt);
  return number;
}

/* The file opens, is sound, and holds what `done` says. */
static void assert_kept(const char *name, const bool done[RUN_STEPS], const char *what, int64_t n) {
  ledger *db = NULL;
  char sql[300];
  int last_update = 0;
  for (int step = 2; step < RUN_STEPS; step += 3)
    if (done[step]) last_update = step;
  if (ledger_open(name, 0, &db) != LEDGER_OK)
    fail_msg("%s at %lld: %s %s", what, (long long)n, ledger_error_of(db)->message,
             ledger_error_of(db)->detail);
  if (number_of(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") !=
      0)
    fail_msg("%s at %lld: the file is not sound", what, (long long)n);
  assert_int_equal(number_of(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
  for (int step = 0; step < RUN_STEPS; step++) {
    if (step % 3 == 2) continue;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM users WHERE email IN ('s%d@example.com', 'p%d@example.com', "
             "'q%d@example.com')",
             step, step, step);
    int64_t there = number_of(db, sql), whole = step % 3 == 0 ? 1 : 2;
    if (there != whole && (done[step] || there != 0))
      fail_msg("%s at %lld: step %d was %s, %lld of its %lld rows are there", what, (long long)n,
               step, done[step] ? "done" : "refused", (long long)there, (long long)whole);
    /* A row whose commit failed may have come back after the update did not see it: only a row that was acknowledged counts. */
    snprintf(sql + strlen(sql), sizeof sql - strlen(sql), " AND CAST(first_name AS INTEGER) < %d",
             last_update);
    if (done[step] && step < last_update && number_of(db, sql) != 0)
      fail_msg("%s at %lld: the update of step %d is lost", what, (long long)n, last_update);
  }
  ledger_close(db);
}

/* One run with a fault at its n-th call; returns the calls that there were. */
static int64_t run_once(enum fault fault, bool stays, int64_t n) {
  bool done[RUN_STEPS] = {false};
  ledger *db = NULL;
  file_remove(path);
  file_remove(image_path);
  disk_forget();
  file_write(path, sound, sound_length);
  if (fault == FAULT_POWER) { /* what is there is on the disk */
    struct disk_file *file = disk_file(path);
    file->synced = malloc(sound_length);
    memcpy(file->synced, sound, sound_length);
    file->length = (int64_t)sound_length;
  }
  disk.calls = 0;
  disk.fail_at = n;
  disk.stays = stays;
  disk.happened = false;
  disk.fault = fault;
  int rc = ledger_open(path, 0, &db);
  if (rc == LEDGER_OK) {
    number_of(db, "PRAGMA wal_autocheckpoint = 30");
    run_steps(db, done);
  } else if (ledger_error_of(db)->code != rc || ledger_error_of(db)->message[0] == 0 ||
             rc == LEDGER_ERROR) {
    fail_msg("%s at %lld: open: %s", fault_names[fault], (long long)n,
             ledger_error_of(db)->message);
  }
  ledger_close(db);
  disk.fault = FAULT_NONE;
  bool cut = fault == FAULT_POWER && disk.happened;
  assert_kept(cut ? image_path : path, done, fault_names[fault], n);
  return disk.calls;
}

static void test_faults(void **state) {
  (void)state;
  int64_t tried = 0;
  path_choose();
  sound_make();
  for (int fault = FAULT_EIO; fault <= FAULT_POWER; fault++) {
    for (int stays = fault == FAULT_POWER; stays < 2; stays++) {
      int64_t all = run_once(fault, stays, 0), count = random_count(60);
      int64_t step = count == 0 || all <= count ? 1 : all / count;
      disk_random.state = random_seed();
      for (int chance = 0; chance < (fault == FAULT_POWER ? 3 : 1);
           chance++) /* what is left is drawn anew */
        for (int64_t n = 1; n <= all; n += step, tried++) run_once(fault, stays, n);
    }
  }
  printf("# %lld places\n", (long long)tried);
  free(sound);
  sound = NULL;
  file_remove(path);
  file_remove(image_path);
  disk_forget();
}

/* Making a file, copying one: what has its name is whole, and what failed leaves nothing behind. */
static void test_make(void **state) {
  (void)state;
  char aside[300];
  int64_t tried = 0;
  path_choose();
  snprintf(aside, sizeof aside, "%s-copy", path);
  file_remove(aside);
  for (int backup = 0; backup < 2; backup++) {
    ledger *db = NULL, *copy = NULL;
    const char *made = backup ? aside : path;
    if (backup) {
      assert_int_equal(ledger_create(path, ledger_schema("wallstreet"), 0, &db), LEDGER_OK);
      ledger_close(db);
    }
    for (int fault = FAULT_EIO; fault < FAULT_POWER; fault++) {
      int64_t calls = 1, count = random_count(60), step = 1;
      for (int64_t n = 0; n <= calls; n += n == 0 ? 1 : step, tried++) {
        db = NULL;
        if (backup) assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
        disk.calls = 0;
        disk.fail_at = n;
        disk.stays = n % 2;
        disk.fault = fault;
        int rc = backup ? ledger_backup(db, aside)
                        : ledger_create(path, ledger_schema("wallstreet"), 0, &db);
        if (n == 0) calls = disk.calls;
        if (n == 0 && count > 0 && calls > count) step = calls / count;
        disk.fault = FAULT_NONE;
        if (n == 0) assert_int_equal(rc, LEDGER_OK);
        if (rc != LEDGER_OK &&
            (ledger_error_of(db)->code != rc || rc == LEDGER_ERROR || rc == LEDGER_CORRUPT))
          fail_msg("%s at %lld: %d %s", fault_names[fault], (long long)n, rc,
                   ledger_error_of(db)->message);
        ledger_close(db);
        if (access(made, F_OK) == 0) {
          assert_int_equal(ledger_open(made, 0, &copy), LEDGER_OK);
          assert_int_equal(
              number_of(
                  copy,
                  "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
              0);
          ledger_close(copy);
        } else if (rc == LEDGER_OK) {
          fail_msg("%s at %lld: no file was made", fault_names[fault], (long long)n);
        }
        file_remove(made);
        glob_t left;
        char pattern[320];
        snprintf(pattern, sizeof pattern, "%s-new-*", made);
        if (glob(pattern, 0, NULL, &left) == 0) fail_msg("%s at %lld: %s is left", fault_names[fault], (long long)n, left.gl_pathv[0]);
        globfree(&left);
      }
    }
  }
  file_remove(path);
  printf("# %lld places\n", (long long)tried);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults), cmocka_unit_test(test_make)};
  return cmocka_run_group_tests_name("disk", tests, setup, NULL);
}
