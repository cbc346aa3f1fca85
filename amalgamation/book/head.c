/*
** head.c: the head of the journal's chain, and checkpoints: heads that were signed and stay in the file. What is signed is a text:
**   ledger head, device <uuid>, journal <number>, hash <64 hexadecimal digits>, sums <JSON>
** with sums as in ledger_checkpoint.sums:
**   {"checkpoint":2,"journals":17,"entries":40,"balances":{"EUR:2":"10.00","USD:2":"-1.50","USD:8":"1.00000000"}}
** checkpoint counts them from 1, so that one taken out of the middle is missed; balances are the sums of the customers' accounts by
** currency and scale, those that are zero left out, in the order of the names.
*/
#include "../internal.h"
#include "verify.h"

/* ---- sums */

LEDGER_PRIVATE int head_unit(struct head_units *units, const char *currency, int scale) {
  for (int i = 0; i < units->count; i++) {
    if (units->items[i].scale == scale && strcmp(units->items[i].currency, currency) == 0) return i;
  }
  if (units->count == units->room) {
    int room = units->room == 0 ? 16 : 2 * units->room;
    struct head_unit *items = sqlite3_realloc64(units->items, (sqlite3_uint64)room * sizeof *items);
    if (items == NULL) return -1;
    units->items = items;
    units->room = room;
  }
  struct head_unit *unit = &units->items[units->count];
  *unit = (struct head_unit){.scale = scale};
  sqlite3_snprintf((int)sizeof unit->currency, unit->currency, "%s", currency);
  return units->count++;
}

/* A sum may have more digits than an amount. */
static void head_sum_text(sqlite3_str *out, head_wide sum, int scale) {
  char digits[64];
  int at = (int)sizeof digits;
  bool negative = sum < 0;
  for (int place = 0; sum != 0 || place <= scale; place++, sum /= 10) {
    if (place == scale && scale > 0) digits[--at] = '.';
    int digit = (int)(sum % 10);
    digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) digits[--at] = '-';
  sqlite3_str_append(out, digits + at, (int)sizeof digits - at);
}

/* The unit that comes next behind `last` (-1: the first) in the order of the names; -1: none. */
static int head_next(const struct head_units *units, int last) {
  int next = -1;
  for (int i = 0; i < units->count; i++) {
    const struct head_unit *unit = &units->items[i];
    if (unit->customers == 0) continue;
    const struct head_unit *than[2] = {last < 0 ? NULL : &units->items[last],
                                       next < 0 ? NULL : &units->items[next]};
    int order[2] = {1, -1};
    for (int k = 0; k < 2; k++) {
      if (than[k] == NULL) continue;
      order[k] = strcmp(unit->currency, than[k]->currency);
      if (order[k] == 0) order[k] = unit->scale - than[k]->scale;
    }
    if (order[0] > 0 && order[1] < 0) next = i;
  }
  return next;
}

LEDGER_PRIVATE void head_sums(sqlite3_str *out, const struct head_units *units, int64_t checkpoint,
                              int64_t journals, int64_t entries) {
  sqlite3_str_appendf(out, "{\"checkpoint\":%lld,\"journals\":%lld,\"entries\":%lld,\"balances\":{",
                      (long long)checkpoint, (long long)journals, (long long)entries);
  bool is_first = true;
  for (int i = head_next(units, -1); i >= 0; i = head_next(units, i)) {
    const struct head_unit *unit = &units->items[i];
    sqlite3_str_appendall(out, is_first ? "" : ",");
    is_first = false;
    sqlite3_str_appendf(out, "\"%s:%d\":\"", unit->currency, unit->scale);
    head_sum_text(out, unit->customers, unit->scale);
    sqlite3_str_appendall(out, "\"");
  }
  sqlite3_str_appendall(out, "}}");
}

/* Sums of the customers' balances as they are now. */
static int head_sum_accounts(ledger *db, struct head_units *units) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_BALANCES);
  if (stmt == NULL) return db->error.code;
  int rc = LEDGER_ROW;
  while (rc == LEDGER_ROW && (rc = statement_step(db, stmt)) == LEDGER_ROW) {
    const char *currency = (const char *)sqlite3_column_text(stmt, 0);
    int unit = currency == NULL ? -1 : head_unit(units, currency, sqlite3_column_int(stmt, 1));
    if (unit < 0)
      rc = error_memory(&db->error);
    else
      units->items[unit].customers += sqlite3_column_int64(stmt, 2);
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* ---- the head */

LEDGER_PRIVATE int head_key(ledger *db, const char **out) {
  *out = NULL;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_KEY);
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) rc = statement_text(db, stmt, 0, out);
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

LEDGER_PRIVATE const char *head_message(ledger *db, int64_t journal, const unsigned char hash[32],
                                        const char *sums, size_t *length) {
  char hex[65];
  const char *device = NULL;
  *length = 0;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_DEVICE);
  if (stmt == NULL) return NULL;
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) rc = statement_text(db, stmt, 0, &device);
  sqlite3_reset(stmt);
  if (rc != LEDGER_OK && rc != LEDGER_DONE) return NULL;
  text_hex(hash, 32, hex);
  sqlite3_str *text = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendf(text, "ledger head, device %s, journal %lld, hash %s, sums %s",
                      device == NULL ? "" : device, (long long)journal, hex, sums);
  const char *message = arena_finish(&db->arena, text);
  if (message == NULL)
    error_memory(&db->error);
  else
    *length = strlen(message);
  return message;
}

struct head {
  int64_t seq, created_us;
  unsigned char hash[32], public_key[32], signature[64];
  bool is_signed;
};

static int head_read(ledger *db, struct head *head) {
  memset(head, 0, sizeof *head);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_JOURNAL_LAST);
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    head->seq = sqlite3_column_int64(stmt, 0);
    head->created_us = sqlite3_column_int64(stmt, 1);
    if (sqlite3_column_bytes(stmt, 2) == (int)sizeof head->hash)
      memcpy(head->hash, sqlite3_column_blob(stmt, 2), sizeof head->hash);
    rc = LEDGER_OK;
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* The checkpoint of the head, if it was signed before. */
static int head_read_checkpoint(ledger *db, struct head *head) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_CHECKPOINT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, head->seq);
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    head->is_signed = sqlite3_column_bytes(stmt, 0) == (int)sizeof head->public_key &&
                      sqlite3_column_bytes(stmt, 1) == (int)sizeof head->signature;
    if (head->is_signed) {
      memcpy(head->public_key, sqlite3_column_blob(stmt, 0), sizeof head->public_key);
      memcpy(head->signature, sqlite3_column_blob(stmt, 1), sizeof head->signature);
    }
    rc = LEDGER_OK;
  }
  sqlite3_reset(stmt);
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* The first key that signs becomes the file's. */
static int head_take_key(ledger *db, const unsigned char public_key[32]) {
  char hex[65];
  const char *known;
  text_hex(public_key, 32, hex);
  int rc = head_key(db, &known);
  if (rc != LEDGER_OK) return rc;
  if (known != NULL && strcmp(known, hex) == 0) return LEDGER_OK;
  if (known != NULL) {
    error_set(&db->error, LEDGER_FORBIDDEN, "the file is signed with another key");
    return error_detail(&db->error, "Its public key is %s.", known);
  }
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_KEY_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_text(stmt, 1, hex, 64, SQLITE_TRANSIENT);
  return statement_run(db, STATEMENT_HEAD_KEY_INSERT);
}

static int head_number(ledger *db, enum statement_id id, int64_t *out) {
  *out = 0;
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) *out = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int head_checkpoint_sums(ledger *db, const struct head *head, const char **out) {
  struct head_units units = {0};
  int64_t checkpoints, entries;
  int rc = head_number(db, STATEMENT_HEAD_CHECKPOINTS, &checkpoints);
  if (rc == LEDGER_OK) rc = head_number(db, STATEMENT_ENTRY_LAST, &entries);
  if (rc == LEDGER_OK) rc = head_sum_accounts(db, &units);
  if (rc == LEDGER_OK) {
    sqlite3_str *text = sqlite3_str_new(db->sqlite);
    head_sums(text, &units, checkpoints + 1, head->seq, entries);
    *out = arena_finish(&db->arena, text);
    if (*out == NULL) rc = error_memory(&db->error);
  }
  sqlite3_free(units.items);
  return rc;
}

static int head_sign(ledger *db, const unsigned char *secret_key, struct head *head) {
  const char *sums;
  size_t length;
  seal_sign_public(secret_key, head->public_key);
  int rc = head_take_key(db, head->public_key);
  if (rc == LEDGER_OK) rc = head_read_checkpoint(db, head);
  if (rc != LEDGER_OK || head->is_signed) return rc;
  rc = head_checkpoint_sums(db, head, &sums);
  if (rc != LEDGER_OK) return rc;
  const char *message = head_message(db, head->seq, head->hash, sums, &length);
  if (message == NULL) return db->error.code;
  seal_sign(secret_key, message, length, head->signature);
  head->is_signed = true;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_HEAD_CHECKPOINT_INSERT);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, head->seq);
  sqlite3_bind_blob(stmt, 2, head->hash, sizeof head->hash, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, sums, -1, SQLITE_STATIC);
  sqlite3_bind_int64(stmt, 4, clock_now_us());
  sqlite3_bind_blob(stmt, 5, head->public_key, sizeof head->public_key, SQLITE_STATIC);
  sqlite3_bind_blob(stmt, 6, head->signature, sizeof head->signature, SQLITE_STATIC);
  rc = statement_run(db, STATEMENT_HEAD_CHECKPOINT_INSERT);
  sqlite3_clear_bindings(stmt); /* they point to this stack */
  return rc;
}

static int head_show(ledger *db, const struct head *head, ledger_head *out) {
  memset(out, 0, sizeof *out);
  out->journal = head->seq;
  text_hex(head->hash, sizeof head->hash, out->hash);
  if (head->seq > 0) {
    char time[MOMENT_TEXT_MAX];
    moment_text(TYPE_TIMESTAMP, head->created_us + MOMENT_UNIX_EPOCH, time);
    time[10] = 'T';
    sqlite3_snprintf((int)sizeof out->created_at, out->created_at, "%sZ", time);
  }
  const char *key;
  int rc = head_key(db, &key);
  if (rc == LEDGER_OK && key != NULL)
    sqlite3_snprintf((int)sizeof out->public_key, out->public_key, "%s", key);
  if (head->is_signed) text_hex(head->signature, sizeof head->signature, out->signature);
  return rc;
}

LEDGER_PRIVATE int head_get(ledger *db, const unsigned char *secret_key, ledger_head *out) {
  struct head head;
  bool signs = secret_key != NULL;
  int rc = signs ? transaction_begin(db) : transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = head_read(db, &head);
  if (rc == LEDGER_OK)
    rc = signs ? head_sign(db, secret_key, &head) : head_read_checkpoint(db, &head);
  if (rc == LEDGER_OK) rc = head_show(db, &head, out);
  if (signs) return transaction_end(db, rc);
  transaction_end_read(db);
  return rc;
}
