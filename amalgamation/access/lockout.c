/*
** lockout.c: wrong passwords in a row. An attempt counts as a wrong one before the password is looked at, and is forgiven when it was
** the right one: a hundred that come at the same time are a hundred attempts.
**
** attempts_max wrong ones lock the name for lock_seconds, and after that each further one locks it for twice as long as the last,
** up to a day. A day without an attempt, or a sign-in, forgets them. The name is counted as it was given, whether or not it
** is a user's, so that the lock says nothing about that.
*/
#include "../internal.h"
#include "user.h"

#define LOCKOUT_DAY_US (INT64_C(86400) * 1000000)

static void lockout_name(const char *name, unsigned char out[SEAL_BLAKE2B_BYTES]) {
  struct seal_blake2b hash;
  seal_blake2b_init(&hash);
  for (const char *p = name; *p != 0; p++) {
    unsigned char small = (unsigned char)(*p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    seal_blake2b_update(&hash, &small, 1);
  }
  seal_blake2b_final(&hash, out);
}

static int64_t lockout_until(const ledger_auth_settings *settings, int64_t failures,
                             int64_t now_us) {
  if (failures < settings->attempts_max) return 0;
  int64_t length_us = (int64_t)settings->lock_seconds * 1000000;
  for (int64_t i = settings->attempts_max; i < failures && length_us < LOCKOUT_DAY_US; i++)
    length_us *= 2;
  return now_us + (length_us < LOCKOUT_DAY_US ? length_us : LOCKOUT_DAY_US);
}

LEDGER_PRIVATE int lockout_count(ledger *db, const ledger_auth_settings *settings,
                                 const char *name) {
  unsigned char key[SEAL_BLAKE2B_BYTES];
  int64_t now_us = db->session.now_us, failures = 0, locked_until = 0, last_us = 0;
  lockout_name(name, key);
  struct value values[] = {user_bytes(key, sizeof key), user_integer(0), user_integer(0),
                           user_integer(now_us)};
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ATTEMPT_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, values);
  if (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    failures = sqlite3_column_int64(stmt, 0);
    locked_until = sqlite3_column_int64(stmt, 1);
    last_us = sqlite3_column_int64(stmt, 2);
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) return rc;
  if (now_us < locked_until && locked_until - now_us <= LOCKOUT_DAY_US) {
    const char *until = user_time_text(db, locked_until);
    if (until == NULL) return db->error.code;
    error_set(&db->error, LEDGER_LOCKED_OUT, "too many wrong passwords");
    return error_hint(&db->error, "%s", until);
  }
  int64_t since_us = locked_until > last_us ? locked_until : last_us;
  if (now_us - since_us > LOCKOUT_DAY_US) failures = 0;
  values[1].integer = ++failures;
  values[2].integer = lockout_until(settings, failures, now_us);
  rc = user_run(db, STATEMENT_ATTEMPT_WRITE, 4, values);
  values[0] = user_integer(now_us - 2 * LOCKOUT_DAY_US);
  return rc == LEDGER_OK ? user_run(db, STATEMENT_ATTEMPT_FORGET, 1, values) : rc;
}

LEDGER_PRIVATE int lockout_clear(ledger *db, const char *name) {
  unsigned char key[SEAL_BLAKE2B_BYTES];
  lockout_name(name, key);
  struct value value = user_bytes(key, sizeof key);
  return user_run(db, STATEMENT_ATTEMPT_CLEAR, 1, &value);
}

#undef LOCKOUT_DAY_US
