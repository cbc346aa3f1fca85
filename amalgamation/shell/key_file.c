/*
** key_file: keys on the command line. A secret key lives in a file of its own that only its owner can read: hexadecimal digits and
** a line's end. The device's is an Ed25519 key of 64 bytes (ledger head --new-key), main's a seed of 32 (ledger bundle key).
** A public key is given as digits, or as @FILE with them in it.
*/
#include "shell.h"

#define KEY_BYTES_MAX 64
#define KEY_DIGITS (2 * LEDGER_SECRET_KEY_BYTES)

static int key_problem(const struct command *command, const char *path, const char *sqlstate,
                       const char *problem) {
  report_problem(command->name, path, sqlstate, problem, NULL);
  return EXIT_USAGE;
}

static void key_print(FILE *out, const unsigned char *key, size_t size) {
  for (size_t i = 0; i < size; i++) fprintf(out, "%02x", key[i]);
  fputc('\n', out);
}

static int key_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* `length` bytes of text, with a line's end or without. */
static bool key_read_text(const char *text, size_t length, unsigned char *key, size_t size) {
  if (length == 2 * size + 1 && text[2 * size] == '\n') length--;
  if (length != 2 * size) return false;
  for (size_t i = 0; i < size; i++) {
    int high = key_digit(text[2 * i]), low = key_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key[i] = (unsigned char)(high << 4 | low);
  }
  return true;
}

/* Makes the file, which must not be there. */
static int key_file_make(const struct command *command, const char *path, const unsigned char *key,
                         size_t size) {
  char text[2 * KEY_BYTES_MAX + 2];
  ssize_t length = (ssize_t)(2 * size + 1);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return key_problem(command, path, "58P02", strerror(errno));
  for (size_t i = 0; i < size; i++) snprintf(text + 2 * i, 3, "%02x", key[i]);
  text[2 * size] = '\n';
  bool is_kept = write(file, text, (size_t)length) == length && fsync(file) == 0;
  int problem = errno;
  explicit_bzero(text, sizeof text);
  if (close(file) == 0 && is_kept) return EXIT_DONE;
  unlink(path);
  return key_problem(command, path, "58030", strerror(problem));
}

static int key_file_wrong(const struct command *command, const char *path, size_t size) {
  char problem[64];
  snprintf(problem, sizeof problem, "is not a key: %zu hexadecimal digits", 2 * size);
  return key_problem(command, path, "22023", problem);
}

static int key_file_read(const struct command *command, const char *path, unsigned char *key,
                         size_t size) {
  char text[2 * KEY_BYTES_MAX + 2];
  struct stat facts;
  /* not a pipe that nobody writes to */
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return key_problem(command, path, "58P01", strerror(errno));
  int status = EXIT_DONE;
  if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    status = key_problem(command, path, "42501", "is not a file");
  } else if (facts.st_mode & (S_IRWXG | S_IRWXO)) {
    status = key_problem(command, path, "42501", "the key can be read by others: chmod 600");
  } else {
    ssize_t length = read(file, text, sizeof text);
    if (length < 0 || !key_read_text(text, (size_t)length, key, size))
      status = key_file_wrong(command, path, size);
    explicit_bzero(text, sizeof text);
  }
  close(file);
  return status;
}

/* Of digits, or of @FILE, which anybody may read. */
static int key_read_public(const struct command *command, const char *words, unsigned char *key,
                           size_t size) {
  char text[2 * KEY_BYTES_MAX + 2];
  if (words[0] != '@')
    return key_read_text(words, strlen(words), key, size) ? EXIT_DONE
                                                          : key_file_wrong(command, words, size);
  int file = open(words + 1, O_RDONLY | O_CLOEXEC);
  if (file < 0) return key_problem(command, words + 1, "58P01", strerror(errno));
  ssize_t length = read(file, text, sizeof text);
  close(file);
  bool is_key = length >= 0 && key_read_text(text, (size_t)length, key, size);
  return is_key ? EXIT_DONE : key_file_wrong(command, words + 1, size);
}
