/*
** lockout.c: wrong passwords in a row. An attempt counts as a wrong one before the password is looked at, and is forgiven when it was
** the right one: a hundred that come at the same time are a hundred attempts.
**
** attempts_max wrong ones from one client lock the name for that client, LOCKOUT_CLIENTS times as many for everybody: who wants to keep
** a user out by wrong passwords needs many addresses. The lock is for lock_seconds, and each further wrong one locks for twice as long
** as the last, up to a day. A day without an attempt, a sign-in, or a new password forgets them. What is counted is the address or number
** by which users are found, whether or not it is one's, so that the lock says nothing about that.
*/
#include "../internal.h"
#include "user.h"

#define LOCKOUT_DAY_US (INT64_C(86400) * 1000000)
#define LOCKOUT_CLIENTS 10

struct lockout { /* a row of ledger_attempt */
  struct value name, client;
  unsigned char name_hash[SEAL_BLAKE2B_BYTES], client_hash[SEAL_BLAKE2B_BYTES];
  int64_t failures, locked_until, last_at;
};

static void lockout_hash(const char *text, unsigned char out[SEAL_BLAKE2B_BYTES]) {
  struct seal_blake2b hash;
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, text, strlen(text));
  seal_blake2b_final(&hash, out);
}

/* client NULL: of all clients together. */
static void lockout_start(struct lockout *lockout, const char *name, const char *client) {
  *lockout = (struct lockout){0};
  lockout_hash(name, lockout->name_hash);
  if (client != NULL) lockout_hash(client, lockout->client_hash);
  lockout->name = user_bytes(lockout->name_hash, SEAL_BLAKE2B_BYTES);
  lockout->client = user_bytes(lockout->client_hash, client == NULL ? 0 : SEAL_BLAKE2B_BYTES);
}

static int64_t lockout_until(const ledger_auth_settings *settings, int64_t failures, int64_t most,
                             int64_t now_us) {
  if (failures < most) return 0;
  int64_t length_us = (int64_t)settings->lock_seconds * 1000000;
  for (int64_t i = most; i < failures && length_us < LOCKOUT_DAY_US; i++) length_us *= 2;
  return now_us + (length_us < LOCKOUT_DAY_US ? length_us : LOCKOUT_DAY_US);
}

/* LOCKED_OUT while it is locked. */
static int lockout_read(ledger *db, struct lockout *lockout) {
  const struct value values[] = {lockout->name, lockout->client};
  int64_t now_us = db->session.now_us;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_ATTEMPT_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 2, values);
  if (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    lockout->failures = sqlite3_column_int64(stmt, 0);
    lockout->locked_until = sqlite3_column_int64(stmt, 1);
    lockout->last_at = sqlite3_column_int64(stmt, 2);
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) return rc;
  if (now_us < lockout->locked_until && lockout->locked_until - now_us <= LOCKOUT_DAY_US) {
    const char *until = user_time_text(db, lockout->locked_until);
    if (until == NULL) return db->error.code;
    error_set(&db->error, LEDGER_LOCKED_OUT, "too many wrong passwords");
    return error_hint(&db->error, "%s", until);
  }
  int64_t since =
      lockout->locked_until > lockout->last_at ? lockout->locked_until : lockout->last_at;
  if (now_us - since > LOCKOUT_DAY_US) lockout->failures = 0;
  return LEDGER_OK;
}

static int lockout_write(ledger *db, const ledger_auth_settings *settings,
                         const struct lockout *lockout, int64_t most) {
  int64_t now_us = db->session.now_us, failures = lockout->failures + 1;
  const struct value values[] = {lockout->name, lockout->client, user_integer(failures),
                                 user_integer(lockout_until(settings, failures, most, now_us)),
                                 user_integer(now_us)};
  return user_run(db, STATEMENT_ATTEMPT_WRITE, 5, values);
}

LEDGER_PRIVATE int lockout_count(ledger *db, const ledger_auth_settings *settings, const char *name,
                                 const char *client) {
  struct lockout own, all;
  struct value before = user_integer(db->session.now_us - 2 * LOCKOUT_DAY_US);
  lockout_start(&own, name, client);
  lockout_start(&all, name, NULL);
  int rc = lockout_read(db, &own);
  if (rc == LEDGER_OK) rc = lockout_read(db, &all);
  if (rc == LEDGER_OK) rc = lockout_write(db, settings, &own, settings->attempts_max);
  if (rc == LEDGER_OK)
    rc = lockout_write(db, settings, &all, (int64_t)settings->attempts_max * LOCKOUT_CLIENTS);
  return rc == LEDGER_OK ? user_run(db, STATEMENT_ATTEMPT_FORGET, 1, &before) : rc;
}

LEDGER_PRIVATE int lockout_clear(ledger *db, const char *name, const char *client) {
  struct lockout own;
  lockout_start(&own, name, client);
  const struct value values[] = {own.name, own.client};
  return user_run(db, STATEMENT_ATTEMPT_CLEAR, 2, values);
}

LEDGER_PRIVATE int lockout_clear_all(ledger *db, const char *name) {
  struct lockout all;
  lockout_start(&all, name, NULL);
  return user_run(db, STATEMENT_ATTEMPT_CLEAR_ALL, 1, &all.name);
}

#undef LOCKOUT_DAY_US
#undef LOCKOUT_CLIENTS
