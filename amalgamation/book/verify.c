/*
** verify.c: the proof: the report, and the order in which its parts run, all in one snapshot of the file.
**   V1  the entries of a journal sum to zero, per currency and scale, posted ones and pending ones
**   V2  what an account shows, in accounts, portfolio and ledger_account, is what its last entry left
**   V3  an account's entries are numbered 1, 2, 3, ... and each follows from the one before
**   V4  balance less available is what open holds hold
**   V5  limits held at each entry
**   V6  all accounts of a currency sum to zero
**   V7  each plain row says what its journal did; no completed row is without one
**   V8  holds and what was taken of them, reversals, fees, rates and trades compute again
**   V9  what must be an integer is one, and what has a range is in it
**   V10 the hash chain from its start, its checkpoints and the head that the caller kept
**   V11 the audit trail: chained, complete, and its images follow from each other
**   V12 the file itself: quick_check or integrity_check, foreign keys
** Journals, entries, plain rows and audit rows were appended in one order and are read in it, side by side (verify_walk.c).
*/
#include "../internal.h"
#include "verify.h"

/* ---- breaks */

/* A damaged file gives any bytes for texts: what is no UTF-8 is shown as question marks. */
static void verify_say(sqlite3_str *out, const char *name, const char *text) {
  if (text == NULL) return;
  if (text_is_valid_utf8(text, strlen(text))) {
    json_member(out, name, text);
    return;
  }
  char *shown = sqlite3_mprintf("%s", text);
  for (char *at = shown; at != NULL && *at != 0; at++) {
    if ((*at & 0x80) != 0) *at = '?';
  }
  json_member(out, name, shown);
  sqlite3_free(shown);
}

LEDGER_PRIVATE void verify_break(struct verify *verify, const char *check, const char *table,
                                 const char *id, int64_t seq, const char *format, ...) {
  verify->breaks++;
  if (verify->first_count == VERIFY_FIRST_MAX) return;
  sqlite3_str *out = verify->first;
  sqlite3_str_appendf(out, "%s{\"check\":\"%s\"", verify->first_count++ == 0 ? "" : ",", check);
  verify_say(out, "table", table);
  verify_say(out, "id", id);
  if (seq != 0) sqlite3_str_appendf(out, ",\"seq\":%lld", (long long)seq);
  va_list arguments;
  va_start(arguments, format);
  char *message = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  verify_say(out, "message", message);
  sqlite3_free(message);
  sqlite3_str_appendall(out, "}");
}

LEDGER_PRIVATE int verify_trouble(struct verify *verify, int rc) {
  if (rc != LEDGER_CORRUPT && rc != LEDGER_NOT_A_LEDGER) return rc;
  if (!verify->damaged) {
    verify_break(verify, "V12", NULL, NULL, verify->last_seq,
                 "the file could not be read to its end: %s", verify->db->error.message);
  }
  verify->damaged = true;
  error_clear(&verify->db->error);
  return LEDGER_OK;
}

LEDGER_PRIVATE int verify_step(struct verify *verify, sqlite3_stmt *stmt, bool *has_row) {
  int rc = statement_step(verify->db, stmt);
  *has_row = rc == LEDGER_ROW;
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : verify_trouble(verify, rc);
}

/* ---- small things that the parts share */

LEDGER_PRIVATE const char *verify_text(sqlite3_stmt *stmt, int column) {
  if (sqlite3_column_type(stmt, column) != SQLITE_TEXT) return NULL;
  return (const char *)sqlite3_column_text(stmt, column);
}

LEDGER_PRIVATE int64_t verify_add(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MIN : sum;
}

/* Called for each plain row: by a table, the digits' values and 1 more, so that 0 is none. */
LEDGER_PRIVATE bool verify_uuid(const char *text, unsigned char out[16]) {
  static const unsigned char digits[256] = {
      ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
      ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
      ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};
  const unsigned char *at = (const unsigned char *)text;
  for (int i = 0; i < 16; i++) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-') return false;
    int high = digits[at[0]], low = high == 0 ? 0 : digits[at[1]];
    if (low == 0) return false;
    out[i] = (unsigned char)((high - 1) * 16 + low - 1);
    at += 2;
  }
  return *at == 0;
}

LEDGER_PRIVATE void verify_uuid_text(const unsigned char bytes[16], char out[37]) {
  char hex[33];
  text_hex(bytes, 16, hex);
  sqlite3_snprintf(37, out, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

/* ---- what was given */

static int verify_options(struct verify *verify) {
  const ledger_verify_options *options = verify->options;
  ledger_error *error = &verify->db->error;
  if (options->head != NULL) {
    const char *text = options->head;
    int64_t seq = 0;
    while (*text >= '0' && *text <= '9' && seq < INT64_MAX / 100) seq = seq * 10 + (*text++ - '0');
    if (text == options->head || *text != ':' || !text_unhex(text + 1, 32, verify->head_hash)) {
      return error_set(error, LEDGER_INVALID_PARAMETER,
                       "a head is a number, a colon and 64 hexadecimal digits, not \"%.80s\"",
                       options->head);
    }
    verify->head_seq = seq;
    verify->head_given = true;
  }
  if (options->public_key == NULL) return LEDGER_OK;
  verify->has_key = text_unhex(options->public_key, 32, verify->key);
  if (verify->has_key) return LEDGER_OK;
  return error_set(error, LEDGER_INVALID_PARAMETER,
                   "a public key is 64 hexadecimal digits, not \"%.80s\"", options->public_key);
}

/* The file's word for its signing key, where the caller kept none; and whether it is the one that the caller kept. */
static int verify_key(struct verify *verify) {
  const char *text;
  unsigned char key[32];
  int rc = head_key(verify->db, &text);
  if (rc != LEDGER_OK) return verify_trouble(verify, rc);
  bool is_key = text != NULL && text_unhex(text, 32, key);
  if (text != NULL && !is_key) {
    verify_break(verify, "V10", "ledger_meta", "signing_key", 0, "the signing key is no key");
  } else if (is_key && verify->has_key && memcmp(key, verify->key, sizeof key) != 0) {
    verify_break(verify, "V10", "ledger_meta", "signing_key", 0,
                 "the file's signing key is another one than was given");
  } else if (is_key && !verify->has_key) {
    memcpy(verify->key, key, sizeof key);
    verify->has_key = true;
  }
  return LEDGER_OK;
}

/* ---- the parts in their order */

/* Accounts and remainders are in memory a range at a time, and the journals are walked once for each. */
static int verify_own_book(struct verify *verify) {
  int64_t key = 1, journal = INT64_MIN;
  bool is_first = true;
  verify->account = sqlite3_malloc64(VERIFY_ACCOUNTS * sizeof *verify->account);
  verify->remainder = sqlite3_malloc64(VERIFY_REMAINDERS * sizeof *verify->remainder);
  if (verify->account == NULL || verify->remainder == NULL) return error_memory(&verify->db->error);
  for (;;) {
    int rc = verify_accounts_load(verify, &key);
    if (rc == LEDGER_OK) rc = verify_remainders_load(verify, journal);
    if (rc != LEDGER_OK || verify->damaged) return rc;
    if (!is_first && key == 0 && verify->remainder_count == 0) break;
    rc = verify_walk(verify, is_first);
    if (rc == LEDGER_OK && !verify->damaged && key != 0) rc = verify_accounts_compare(verify);
    if (rc != LEDGER_OK || verify->damaged) return rc;
    verify_remainders_compare(verify);
    if (verify->remainder_count > 0)
      journal = verify->remainder[verify->remainder_count - 1].journal;
    if (key != 0) key = key > INT64_MAX - VERIFY_ACCOUNTS ? 0 : key + VERIFY_ACCOUNTS;
    is_first = false;
  }
  verify_units_compare(verify);
  return verify_accounts_unknown(verify);
}

static char *verify_report(struct verify *verify, int rc) {
  sqlite3_str *out = sqlite3_str_new(verify->db->sqlite);
  char *first = sqlite3_str_finish(verify->first);
  verify->first = NULL;
  sqlite3_str_appendf(out, "{\"proven\":%s,\"journals\":%lld,\"entries\":%lld,\"accounts\":%lld",
                      rc == LEDGER_OK && verify->breaks == 0 ? "true" : "false",
                      (long long)verify->journals, (long long)verify->entries,
                      (long long)verify->accounts);
  sqlite3_str_appendf(out, ",\"rows\":%lld,\"audit_rows\":%lld,\"checkpoints\":%lld",
                      (long long)verify->rows, (long long)verify->audits,
                      (long long)verify->checkpoints);
  /* SQLite does not even read CHECK constraints of a file that it may not write. */
  sqlite3_str_appendf(out, ",\"constraints\":%s,\"file_check\":\"%s\"",
                      verify->db->is_read_only ? "false" : "true",
                      verify->file_check == NULL ? "none" : verify->file_check);
  sqlite3_str_appendf(out, ",\"breaks\":%lld,\"first\":[%s]}", (long long)verify->breaks,
                      first == NULL ? "" : first);
  bool is_whole = first != NULL || verify->first_count == 0;
  sqlite3_free(first);
  char *text = sqlite3_str_finish(out);
  if (is_whole) return text;
  sqlite3_free(text);
  return NULL;
}

static int verify_all(struct verify *verify) {
  ledger *db = verify->db;
  int rc = book_enter(db);
  if (rc != LEDGER_OK) return rc;
  verify->tables = book_tables(db);
  rc = verify_file(verify);
  if (rc == LEDGER_OK) rc = verify_key(verify);
  if (rc == LEDGER_OK) rc = verify_own_book(verify);
  if (rc == LEDGER_OK && !verify->damaged) rc = verify_crypto(verify);
  if (rc == LEDGER_OK && !verify->damaged) rc = verify_images(verify);
  return rc;
}

LEDGER_PRIVATE int verify_book(ledger *db, const ledger_verify_options *options, char **report) {
  static const ledger_verify_options none = {0};
  *report = NULL;
  struct verify *verify = sqlite3_malloc64(sizeof *verify);
  if (verify == NULL) return error_memory(&db->error);
  memset(verify, 0, sizeof *verify);
  verify->db = db;
  verify->options = options == NULL ? &none : options;
  verify->first = sqlite3_str_new(NULL);
  int rc = verify_options(verify);
  if (rc == LEDGER_OK) {
    rc = transaction_begin_read(db);
    if (rc == LEDGER_OK) {
      rc = verify_all(verify);
      transaction_end_read(db);
    }
  }
  int64_t breaks = verify->breaks;
  if (rc == LEDGER_OK) {
    *report = verify_report(verify, rc);
    if (*report == NULL) rc = error_memory(&db->error);
  }
  sqlite3_free(sqlite3_str_finish(verify->first));
  sqlite3_free(verify->account);
  sqlite3_free(verify->remainder);
  sqlite3_free(verify->imports);
  sqlite3_free(verify->units.items);
  sqlite3_free(verify);
  if (rc != LEDGER_OK || breaks == 0) return rc;
  return error_set(&db->error, LEDGER_BOOK_BROKEN, "the book is broken in %lld %s",
                   (long long)breaks, breaks == 1 ? "place" : "places");
}
