/*
** A disk that fails: a SQLite VFS before the real one that counts its calls, and remembers what of each file was synced, so that
** a power cut can leave any part of what was written since. Include it after ledger.c and cmocka.h.
*/
#ifndef TEST_DISK_H
#define TEST_DISK_H

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
static const char *const disk_fault_names[] = {"none",        "input/output error", "disk full",
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
static char disk_image[300]; /* where a power cut leaves its files */

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
    snprintf(name, sizeof name, "%s%s", disk_image, suffix + 3);
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

static int disk_setup(void **state) {
  (void)state;
  real_vfs = sqlite3_vfs_find(NULL);
  shim = *real_vfs;
  shim.zName = "faulty";
  shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
  shim.xOpen = shim_open;
  shim.xDelete = shim_delete;
  return sqlite3_vfs_register(&shim, 1) == SQLITE_OK ? 0 : 1;
}

/* ---- the file that is tried: what each run starts from is kept in memory */

static char disk_path[256];
static char *disk_sound;
static size_t disk_sound_length;

static void disk_path_choose(void) {
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(disk_path, sizeof disk_path, "%s/ledger-disk-%ld.db", folder, (long)getpid());
  snprintf(disk_image, sizeof disk_image, "%s/ledger-disk-%ld-cut.db", folder, (long)getpid());
  file_remove(disk_path);
  file_remove(disk_image);
}

/* Keeps the file that is at disk_path, closed, and takes it away. */
static void disk_keep(void) {
  struct stat facts;
  assert_int_equal(stat(disk_path, &facts), 0);
  disk_sound_length = (size_t)facts.st_size;
  disk_sound = malloc(disk_sound_length);
  FILE *file = fopen(disk_path, "rb");
  assert_int_equal(fread(disk_sound, 1, disk_sound_length, file), disk_sound_length);
  fclose(file);
  file_remove(disk_path);
}

/* The file as it was kept, and the n-th call that the fault is about will fail (0: none). */
static void disk_start(enum fault fault, bool stays, int64_t n) {
  file_remove(disk_path);
  file_remove(disk_image);
  disk_forget();
  FILE *file = fopen(disk_path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(disk_sound, 1, disk_sound_length, file), disk_sound_length);
  fclose(file);
  if (fault == FAULT_POWER) { /* what is there is on the disk */
    struct disk_file *whole = disk_file(disk_path);
    whole->synced = malloc(disk_sound_length);
    memcpy(whole->synced, disk_sound, disk_sound_length);
    whole->length = (int64_t)disk_sound_length;
  }
  disk.calls = 0;
  disk.fail_at = n;
  disk.stays = stays;
  disk.happened = false;
  disk.fault = fault;
}

/* The disk works again; the file as it is found: after a power cut, what that left. */
static const char *disk_found(void) {
  bool cut = disk.fault == FAULT_POWER && disk.happened;
  disk.fault = FAULT_NONE;
  return cut ? disk_image : disk_path;
}

/* From one place to the next: all, or LEDGER_TEST_COUNT spread over the calls of a good run. */
static int64_t disk_step(int64_t all, int otherwise) {
  int64_t count = random_count(otherwise);
  return count == 0 || all <= count ? 1 : all / count;
}

static void disk_end(void) {
  free(disk_sound);
  disk_sound = NULL;
  file_remove(disk_path);
  file_remove(disk_image);
  disk_forget();
}

#endif
