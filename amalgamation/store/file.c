/*
** file.c: paths. What can be said about a file before SQLite opens it, giving a finished file its name without
** replacing another.
*/
#include "../internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_problem(ledger_error *error, int code, const char *path, int number) {
  return error_set(error, code, "could not open file \"%s\": %s", path, strerror(number));
}

static char *file_beside(const char *path, const char *suffix) {
  return sqlite3_mprintf("%s%s", path, suffix);
}

LEDGER_PRIVATE bool file_exists(const char *path, const char *suffix) {
  char *name = file_beside(path, suffix);
  struct stat status;
  bool exists = name != NULL && lstat(name, &status) == 0;
  sqlite3_free(name);
  return exists;
}

LEDGER_PRIVATE int64_t file_size(const char *path, const char *suffix) {
  char *name = file_beside(path, suffix);
  struct stat status;
  int64_t size = name != NULL && stat(name, &status) == 0 ? (int64_t)status.st_size : 0;
  sqlite3_free(name);
  return size;
}

LEDGER_PRIVATE int file_check(const char *path, ledger_error *error) {
  /* The file itself is never opened here: closing a descriptor drops the POSIX locks that other connections of this
  ** process hold on it. */
  struct stat status;
  if (stat(path, &status) != 0) return file_problem(error, LEDGER_CANNOT_OPEN, path, errno);
  if (S_ISDIR(status.st_mode)) return file_problem(error, LEDGER_CANNOT_OPEN, path, EISDIR);
  if (!S_ISREG(status.st_mode)) {
    return error_set(error, LEDGER_CANNOT_OPEN, "could not open file \"%s\": not a regular file",
                     path);
  }
  if (access(path, R_OK) != 0) return file_problem(error, LEDGER_CANNOT_OPEN, path, errno);
  return LEDGER_OK;
}

LEDGER_PRIVATE int file_check_absent(const char *path, ledger_error *error) {
  /* A WAL or journal without its file would be taken for the new file's own. */
  static const char *const suffixes[] = {"", "-wal", "-journal"};
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    if (!file_exists(path, suffixes[i])) continue;
    error_set(error, LEDGER_EXISTS, "file \"%s%s\" already exists", path, suffixes[i]);
    if (i > 0) error_hint(error, "It is left over from a file that is gone. Move it away.");
    return LEDGER_EXISTS;
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int file_make(const char *path, ledger_error *error) {
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor >= 0) {
    close(descriptor);
    return LEDGER_OK;
  }
  int code = errno == EEXIST                      ? LEDGER_EXISTS
             : errno == ENOSPC || errno == EDQUOT ? LEDGER_FULL
             : errno == EROFS                     ? LEDGER_READ_ONLY
                                                  : LEDGER_CANNOT_OPEN;
  return error_set(error, code, "could not create file \"%s\": %s", path, strerror(errno));
}

LEDGER_PRIVATE char *file_temporary(const char *path) {
  uint64_t number;
  seal_random(&number, sizeof number);
  return sqlite3_mprintf("%s-new-%016llx", path, (unsigned long long)number);
}

/* The folder a path lies in; sqlite3_free(). */
static char *file_folder(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return sqlite3_mprintf(".");
  if (slash == path) return sqlite3_mprintf("/");
  return sqlite3_mprintf("%.*s", (int)(slash - path), path);
}

LEDGER_PRIVATE bool file_folder_is_writable(const char *path) {
  char *folder = file_folder(path);
  bool writable = folder != NULL && access(folder, W_OK) == 0;
  sqlite3_free(folder);
  return writable;
}

/* A name survives a power cut once its folder is synced. Some file systems cannot: then there is no more to do. */
static void file_sync_folder(const char *path) {
  char *folder = file_folder(path);
  int descriptor = folder == NULL ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  sqlite3_free(folder);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

LEDGER_PRIVATE int file_publish(const char *temporary, const char *path, ledger_error *error) {
  /* link() fails when the name is taken, so of two at once one wins. Where the file system has no links, an empty file
  ** of our making claims the name and is then replaced. */
  if (link(temporary, path) == 0) {
    file_remove(temporary); /* with a WAL that SQLite could not delete: it is empty */
  } else if (errno == EEXIST) {
    return error_set(error, LEDGER_EXISTS, "file \"%s\" already exists", path);
  } else {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) {
      if (errno == EEXIST)
        return error_set(error, LEDGER_EXISTS, "file \"%s\" already exists", path);
      return error_set(error, LEDGER_IO, "could not create file \"%s\": %s", path, strerror(errno));
    }
    close(descriptor);
    if (rename(temporary, path) != 0) {
      int number = errno;
      unlink(path);
      return error_set(error, LEDGER_IO, "could not rename file \"%s\" to \"%s\": %s", temporary,
                       path, strerror(number));
    }
  }
  file_sync_folder(path);
  return LEDGER_OK;
}

LEDGER_PRIVATE void file_remove(const char *path) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    char *name = file_beside(path, suffixes[i]);
    if (name != NULL) unlink(name);
    sqlite3_free(name);
  }
}
