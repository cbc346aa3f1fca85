/*
** password.c: hashes of passwords. Ours are Argon2id; bcrypt, which came with the rows, is verified and replaced at the next
** sign-in. What is no hash ("", "!", a text) verifies nothing, in the time that one of ours takes.
*/
#include "../internal.h"
#include "user.h"

#include <crypt.h>

#define PASSWORD_MAX 1024             /* bytes */
#define PASSWORD_BCRYPT 60            /* bytes of its text */
#define PASSWORD_BCRYPT_COST_MAX 14   /* about a second */
#define PASSWORD_MEMORY_MAX (1 << 17) /* KiB: 128 MiB */
#define PASSWORD_PASSES_MAX 16

/* With our parameters, and of no password: its 32 bytes are zeros. */
static const char password_dummy[] = "$argon2id$v=19$m=19456,t=2,p=1$J2XVK4fGbRX1U7ofLiwuhw$"
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

LEDGER_PRIVATE int password_check(ledger *db, const ledger_auth_settings *settings,
                                  const char *password) {
  size_t length = strlen(password);
  if (length > PASSWORD_MAX)
    return error_set(&db->error, LEDGER_WEAK_PASSWORD, "a password may have %d bytes at most",
                     PASSWORD_MAX);
  int rc = text_check(password, length, &db->error);
  if (rc != LEDGER_OK) return rc;
  if (text_characters(password, length) < (size_t)settings->password_min)
    return error_set(&db->error, LEDGER_WEAK_PASSWORD,
                     "a password must have at least %d characters", settings->password_min);
  return LEDGER_OK;
}

LEDGER_PRIVATE int password_hash(ledger *db, const char *password, char out[SEAL_PASSWORD_TEXT]) {
  return seal_password(password, strlen(password), out) ? LEDGER_OK : error_memory(&db->error);
}

/* $2a$, $2b$ or $2y$, a cost of two digits, 53 characters of salt and hash. Returns the cost, 0 if it is not that. */
static int password_bcrypt_cost(const char *hash) {
  static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (strlen(hash) != PASSWORD_BCRYPT || hash[0] != '$' || hash[1] != '2' || hash[3] != '$' ||
      hash[6] != '$' || strchr("aby", hash[2]) == NULL)
    return 0;
  if (strspn(hash + 7, digits) != PASSWORD_BCRYPT - 7) return 0;
  if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9') return 0;
  int cost = (hash[4] - '0') * 10 + hash[5] - '0';
  return cost >= 4 && cost <= 31 ? cost : 0;
}

static bool password_number(const char **rest, const char *name, int64_t most) {
  int64_t number = 0;
  size_t length = strlen(name), digits = 0;
  if (strncmp(*rest, name, length) != 0) return false;
  *rest += length;
  for (; **rest >= '0' && **rest <= '9' && digits < 10; digits++)
    number = number * 10 + (*(*rest)++ - '0');
  return digits > 0 && number >= 1 && number <= most;
}

/* $argon2id$v=19$m=..,t=..,p=..$salt$hash with parameters that this machine can be asked for. */
static bool password_is_argon2id(const char *hash) {
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *rest = hash;
  if (strlen(hash) >= SEAL_PASSWORD_TEXT) return false;
  if (!password_number(&rest, "$argon2id$v=", 19) ||
      !password_number(&rest, "$m=", PASSWORD_MEMORY_MAX) ||
      !password_number(&rest, ",t=", PASSWORD_PASSES_MAX) || !password_number(&rest, ",p=", 16))
    return false;
  for (int i = 0; i < 2; i++) {
    size_t length = *rest == '$' ? strspn(rest + 1, base64) : 0;
    if (length < 11) return false;
    rest += 1 + length;
  }
  return *rest == 0;
}

static int password_is_bcrypt(ledger *db, const char *hash, const char *password, bool *is_of_it) {
  struct crypt_data *room = sqlite3_malloc64(sizeof *room); /* 32 kB: not on a thread's stack */
  if (room == NULL) return error_memory(&db->error);
  memset(room, 0, sizeof *room);
  const char *made = crypt_r(password, hash, room);
  *is_of_it =
      made != NULL && strlen(made) == PASSWORD_BCRYPT && seal_equal(made, hash, PASSWORD_BCRYPT);
  seal_wipe(room, sizeof *room);
  sqlite3_free(room);
  return LEDGER_OK;
}

LEDGER_PRIVATE int password_is(ledger *db, const char *hash, const char *password, bool *is_of_it) {
  size_t length = strlen(password);
  int cost = password_bcrypt_cost(hash);
  *is_of_it = false;
  if (length > PASSWORD_MAX) length = 0; /* of no user, and not to be hashed for long */
  if (cost > 0 && cost <= PASSWORD_BCRYPT_COST_MAX && length > 0)
    return password_is_bcrypt(db, hash, password, is_of_it);
  bool is_ours = length > 0 && password_is_argon2id(hash);
  bool is_equal = seal_password_is(is_ours ? hash : password_dummy, password, length);
  *is_of_it = is_ours && is_equal;
  return LEDGER_OK;
}

LEDGER_PRIVATE bool password_is_old(const char *hash) {
  return !password_is_argon2id(hash) || seal_password_is_old(hash);
}

LEDGER_PRIVATE int password_read_hash(ledger *db, const char *hash) {
  int cost = password_bcrypt_cost(hash);
  if (password_is_argon2id(hash) || (cost > 0 && cost <= PASSWORD_BCRYPT_COST_MAX))
    return LEDGER_OK;
  error_set(&db->error, LEDGER_INVALID_PARAMETER, "not a password's hash");
  return error_hint(&db->error,
                    "Argon2id ($argon2id$...) up to 128 MiB and 16 passes, or bcrypt"
                    " ($2b$...) up to a cost of %d.",
                    PASSWORD_BCRYPT_COST_MAX);
}

#undef PASSWORD_MAX
#undef PASSWORD_BCRYPT
#undef PASSWORD_BCRYPT_COST_MAX
#undef PASSWORD_MEMORY_MAX
#undef PASSWORD_PASSES_MAX
