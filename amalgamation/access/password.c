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
#define PASSWORD_COST_READ_US (INT64_C(600) * 1000000)

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

/* The bcrypt hash of a password with the salt and cost of a text, into `out`; "" where the text is none. */
static int password_bcrypt(ledger *db, const char *text, const char *password,
                           char out[PASSWORD_BCRYPT + 1]) {
  struct crypt_data *room = sqlite3_malloc64(sizeof *room); /* 32 kB: not on a thread's stack */
  if (room == NULL) return error_memory(&db->error);
  memset(room, 0, sizeof *room);
  const char *made = crypt_r(password, text, room);
  bool is_made = made != NULL && strlen(made) == PASSWORD_BCRYPT;
  memcpy(out, is_made ? made : "", is_made ? PASSWORD_BCRYPT + 1 : 1);
  seal_wipe(room, sizeof *room);
  sqlite3_free(room);
  return LEDGER_OK;
}

LEDGER_PRIVATE int password_is(ledger *db, const char *hash, const char *password, bool *is_of_it) {
  size_t length = strlen(password);
  int cost = password_bcrypt_cost(hash);
  *is_of_it = false;
  if (length > PASSWORD_MAX) length = 0; /* of no user, and not to be hashed for long */
  if (cost > 0 && cost <= PASSWORD_BCRYPT_COST_MAX && length > 0) {
    char made[PASSWORD_BCRYPT + 1];
    int rc = password_bcrypt(db, hash, password, made);
    *is_of_it = rc == LEDGER_OK && made[0] != 0 && seal_equal(made, hash, PASSWORD_BCRYPT);
    return rc;
  }
  bool is_ours = length > 0 && password_is_argon2id(hash);
  bool is_equal = seal_password_is(is_ours ? hash : password_dummy, password, length);
  *is_of_it = is_ours && is_equal;
  return LEDGER_OK;
}

/* Reads the highest cost of the file's bcrypt hashes, now and then: rows with such hashes come by import and go by sign-ins. */
static int password_read_cost(ledger *db, struct user_state *state) {
  int64_t now_us = clock_now_us(), past_us = now_us - state->bcrypt_read_at;
  const struct user_tables *tables = &state->tables;
  sqlite3_stmt *stmt;
  if (state->bcrypt_read_at != 0 && past_us >= 0 && past_us < PASSWORD_COST_READ_US)
    return LEDGER_OK;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql,
                        "SELECT max(CAST(substr(h, 5, 2) AS INTEGER)) FROM (SELECT password_hash"
                        " AS h FROM main.ledger_user");
  if (tables->users != NULL && tables->password >= 0)
    sqlite3_str_appendf(sql, " UNION ALL SELECT \"%w\" FROM main.\"%w\"",
                        tables->users->columns[tables->password].name, tables->users->stored_name);
  sqlite3_str_appendf(sql,
                      ") WHERE h LIKE '$2_$__$%%' AND length(h) = %d AND"
                      " CAST(substr(h, 5, 2) AS INTEGER) <= %d",
                      PASSWORD_BCRYPT, PASSWORD_BCRYPT_COST_MAX);
  int rc = statement_prepare(db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) state->bcrypt_cost = sqlite3_column_int(stmt, 0);
  statement_end(stmt);
  if (rc != LEDGER_ROW) return rc;
  state->bcrypt_read_at = now_us;
  return LEDGER_OK;
}

LEDGER_PRIVATE int password_even(ledger *db, const char *hash, const char *password) {
  struct user_state *state;
  size_t length = strlen(password);
  if (length == 0 || length > PASSWORD_MAX) return LEDGER_OK; /* for which no bcrypt is computed */
  int rc = user_enter(db, &state);
  if (rc == LEDGER_OK) rc = password_read_cost(db, state);
  if (rc != LEDGER_OK || state->bcrypt_cost == 0) return rc;
  int cost = password_bcrypt_cost(hash);
  bool is_bcrypt = cost > 0 && cost <= PASSWORD_BCRYPT_COST_MAX;
  /* Each cost takes twice as long as the one before: from n to the highest less one, all of them take what lacks after one of n. */
  int from = is_bcrypt ? cost : state->bcrypt_cost, to = is_bcrypt ? state->bcrypt_cost - 1 : from;
  for (int i = from; i <= to && rc == LEDGER_OK; i++) {
    char setting[32], made[PASSWORD_BCRYPT + 1];
    sqlite3_snprintf((int)sizeof setting, setting, "$2b$%02d$CwTycUXWue0Thq9StjUM0u", i);
    rc = password_bcrypt(db, setting, password, made);
  }
  if (rc == LEDGER_OK && is_bcrypt) (void)seal_password_is(password_dummy, password, length);
  return rc;
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
#undef PASSWORD_COST_READ_US
