/*
** encrypt_command: ledger key file and ledger encrypt; and the key of encrypted columns for the commands that read or write them:
** --key-file, or else $LEDGER_KEY_FILE. The file has 64 hexadecimal digits and a line's end, and only its owner may read it.
*/
#include "shell.h"

/* The file that was named by the option, or else by the environment; NULL: none. */
static const char *encrypt_key_path(const char *option) {
  const char *path = option ? option : getenv("LEDGER_KEY_FILE");
  return path && path[0] ? path : NULL;
}

/* Gives the handle the key, where one is named. One that stands in the environment is for the files that have a key. */
static int encrypt_use_key(const struct command *command, ledger *db, const char *option) {
  unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES];
  const char *path = encrypt_key_path(option);
  if (!path) return EXIT_DONE;
  int status = key_file_read(command, path, key, sizeof key);
  if (status == EXIT_DONE) {
    int rc = ledger_set_encryption_key(db, key);
    if (rc != LEDGER_OK && (option || rc != LEDGER_NOT_IN_PREREQUISITE))
      status = report_error(command->name, path, db);
  }
  explicit_bzero(key, sizeof key);
  return status;
}

static int cmd_key_file(const struct command *command, char **arguments, char **values) {
  unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES];
  (void)values;
  ledger_encryption_key(key);
  int status = key_file_make(command, arguments[0], key, sizeof key);
  explicit_bzero(key, sizeof key);
  return status;
}

enum { ENCRYPT_KEY, ENCRYPT_NEW_KEY, ENCRYPT_DECRYPT };

struct encrypt {
  unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES], new_key[LEDGER_ENCRYPTION_KEY_BYTES];
  bool has_new_key, decrypts;
};

static int encrypt_file(const struct command *command, const char *path, ledger *db,
                        const struct encrypt *encrypt) {
  struct progress progress = {.doing = "encrypting", .unit = "values"};
  ledger_facts facts;
  int64_t count = 0;
  /* Without another one the key becomes the file's first, or encrypts once more what has it. */
  bool is_first = !encrypt->has_new_key && !encrypt->decrypts;
  int rc = ledger_set_encryption_key(db, encrypt->key);
  if (rc == LEDGER_NOT_IN_PREREQUISITE && is_first) rc = LEDGER_OK;
  ledger_progress(db, progress_report, &progress);
  if (rc == LEDGER_OK) {
    rc = ledger_encrypt(db,
                        encrypt->decrypts      ? NULL
                        : encrypt->has_new_key ? encrypt->new_key
                                               : encrypt->key,
                        &count);
  }
  progress_end(&progress);
  if (rc == LEDGER_OK) rc = ledger_info(db, &facts);
  if (rc != LEDGER_OK) return report_error(command->name, path, db);
  if (encrypt->decrypts)
    printf("%s: %" PRId64 " values are in clear, the file has no key\n", path, count);
  else
    printf("%s: %" PRId64 " values are encrypted with key %s\n", path, count, facts.encryption_key);
  return EXIT_DONE;
}

static int cmd_encrypt(const struct command *command, char **arguments, char **values) {
  struct encrypt encrypt = {.has_new_key = values[ENCRYPT_NEW_KEY] != NULL,
                            .decrypts = values[ENCRYPT_DECRYPT] != NULL};
  const char *path = encrypt_key_path(values[ENCRYPT_KEY]);
  if (!path) return report_usage(command, "--key-file=KEYFILE is needed");
  if (encrypt.has_new_key && encrypt.decrypts)
    return report_usage(command, "give one of --new-key-file, --decrypt");
  int status = key_file_read(command, path, encrypt.key, sizeof encrypt.key);
  if (status == EXIT_DONE && encrypt.has_new_key) {
    status =
        key_file_read(command, values[ENCRYPT_NEW_KEY], encrypt.new_key, sizeof encrypt.new_key);
  }
  ledger *db = status == EXIT_DONE
                   ? report_open_as(command, arguments[0], LEDGER_SMALL, NULL, &status)
                   : NULL;
  if (db) status = encrypt_file(command, arguments[0], db, &encrypt);
  ledger_close(db);
  explicit_bzero(&encrypt, sizeof encrypt);
  return status;
}
