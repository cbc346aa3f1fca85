/*
** state.c: the row of ledger_sync_state: who the file is for main, how far main has it, and what an acknowledgement changes.
** What main has received is let go of here and nowhere else.
*/
#include "../internal.h"

#define STATE_CLOCK_MAX                                                                            \
  (INT64_MAX / 2) /* of a clock that is taken over: it goes on counting here */

/* ---- reading */

static bool state_text(sqlite3_stmt *stmt, int column, char out[37]) {
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  int length = sqlite3_column_bytes(stmt, column);
  out[0] = 0;
  if (text == NULL) return true;
  if (length > 36) return false;
  memcpy(out, text, (size_t)length + 1);
  return true;
}

/* Bytes of which there are `size`, or none. */
static bool state_bytes(sqlite3_stmt *stmt, int column, unsigned char *out, size_t size,
                        size_t *length) {
  const void *bytes = sqlite3_column_blob(stmt, column);
  *length = (size_t)sqlite3_column_bytes(stmt, column);
  if (*length == 0) return true;
  if (*length != size || bytes == NULL) return false;
  memcpy(out, bytes, size);
  return true;
}

static bool state_take(sqlite3_stmt *stmt, struct sync_state *out) {
  size_t key_length;
  out->epoch = sqlite3_column_int64(stmt, 3);
  out->hlc = sqlite3_column_int64(stmt, 4);
  out->key_range = sqlite3_column_type(stmt, 5) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 5);
  out->is_careful = sqlite3_column_int(stmt, 6) != 0;
  out->cut_seq = sqlite3_column_int64(stmt, 8);
  out->cut_change = sqlite3_column_int64(stmt, 10);
  out->cut_journal = sqlite3_column_int64(stmt, 11);
  out->cut_entry = sqlite3_column_int64(stmt, 12);
  out->received_seq = sqlite3_column_int64(stmt, 13);
  out->received_change = sqlite3_column_int64(stmt, 15);
  out->received_journal = sqlite3_column_int64(stmt, 16);
  out->received_entry = sqlite3_column_int64(stmt, 17);
  out->applied_seq = sqlite3_column_int64(stmt, 18);
  bool is_whole =
      state_text(stmt, 0, out->device) && state_text(stmt, 1, out->previous_device) &&
      state_text(stmt, 2, out->main) &&
      state_bytes(stmt, 7, out->main_key, sizeof out->main_key, &key_length) &&
      state_bytes(stmt, 9, out->cut_hash, sizeof out->cut_hash, &out->cut_hash_length) &&
      state_bytes(stmt, 14, out->received_hash, sizeof out->received_hash,
                  &out->received_hash_length);
  out->has_main_key = is_whole && key_length > 0;
  return is_whole;
}

LEDGER_PRIVATE int state_read(ledger *db, struct sync_state *out) {
  memset(out, 0, sizeof *out);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_READ);
  if (stmt == NULL) return db->error.code;
  int rc = statement_step(db, stmt);
  bool is_whole = rc == LEDGER_ROW && state_take(stmt, out);
  /* A text or a blob that there was no memory for looks like one that is not right. */
  bool is_short = !is_whole && sqlite3_errcode(db->sqlite) == SQLITE_NOMEM;
  sqlite3_reset(stmt);
  if (is_whole) return LEDGER_OK;
  if (rc != LEDGER_ROW && rc != LEDGER_DONE) return rc;
  if (is_short) return error_memory(&db->error);
  error_set(&db->error, LEDGER_CORRUPT, "file \"%s\" is damaged", db->path);
  return error_detail(&db->error, "ledger_sync_state is not as it was written.");
}

LEDGER_PRIVATE void state_time(int64_t time_us, char out[MOMENT_TEXT_MAX]) {
  char text[MOMENT_TEXT_MAX];
  size_t length = moment_text(TYPE_TIMESTAMP, time_us + MOMENT_UNIX_EPOCH, text);
  char *space = memchr(text, ' ', length);
  if (space != NULL) *space = 'T';
  snprintf(out, MOMENT_TEXT_MAX, "%.*sZ", (int)length, text);
}

/* Runs a fixed statement that was bound. */
static int state_run(ledger *db, sqlite3_stmt *stmt) {
  sqlite3_step(stmt);
  int rc = sqlite3_reset(stmt);
  sqlite3_clear_bindings(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int state_run_upto(ledger *db, enum statement_id id, int64_t last, int64_t time_us) {
  sqlite3_stmt *stmt = statement_fixed(db, id);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, last);
  if (sqlite3_bind_parameter_count(stmt) > 1) sqlite3_bind_int64(stmt, 2, time_us);
  return state_run(db, stmt);
}

/* ---- an acknowledgement */

struct acknowledgement {
  bool is_one, is_refused; /* refused: main does not know the device */
  bool has_range, has_position;
  const char *main, *device, *reason; /* in the call's arena; NULL: not given */
  int64_t version, epoch, received, applied, clock, key_range;
  int64_t last, journal, entry; /* of batch 0 */
  unsigned char hash[SEAL_SHA256_BYTES];
  size_t hash_length;
};

static int state_not_read(ledger *db) {
  error_set(&db->error, LEDGER_INVALID_TEXT, "this is no acknowledgement of a main database");
  return error_hint(&db->error, "It is one line of JSON that begins with {\"ledger_ack\".");
}

static int state_member_text(ledger *db, const struct json *json, enum json_token token,
                             const char **out) {
  const char *text;
  size_t length;
  if (token == JSON_NULL) return LEDGER_OK;
  if (token != JSON_STRING) return state_not_read(db);
  int rc = json_decode(&db->arena, json, &text, &length, &db->error);
  if (rc != LEDGER_OK) return rc;
  *out = arena_copy(&db->arena, text, length);
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* One member of the object: its name was read. */
static int state_member(ledger *db, struct json *json, struct acknowledgement *out) {
  const struct {
    const char *name;
    const char **text;
    int64_t *number;
    bool *has;
  } members[] = {{"ledger_ack", NULL, &out->version, &out->is_one},
                 {"main", &out->main, NULL, NULL},
                 {"device", &out->device, NULL, NULL},
                 {"epoch", NULL, &out->epoch, NULL},
                 {"received", NULL, &out->received, NULL},
                 {"applied", NULL, &out->applied, NULL},
                 {"reason", &out->reason, NULL, NULL},
                 {"clock", NULL, &out->clock, NULL},
                 {"key_range", NULL, &out->key_range, &out->has_range},
                 {"last", NULL, &out->last, &out->has_position},
                 {"journal", NULL, &out->journal, NULL},
                 {"entry", NULL, &out->entry, NULL}};
  bool is_hash = json_is(json, "hash"), is_enrolled = json_is(json, "enrolled");
  for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
    if (!json_is(json, members[i].name)) continue;
    enum json_token token = json_next(json);
    if (members[i].text != NULL) return state_member_text(db, json, token, members[i].text);
    if (token == JSON_NULL) return LEDGER_OK;
    if (token != JSON_NUMBER || !json_whole(json, members[i].number)) return state_not_read(db);
    if (members[i].has != NULL) *members[i].has = true;
    return LEDGER_OK;
  }
  size_t ignored;
  enum json_token token = json_next(json);
  if (is_enrolled && token == JSON_FALSE) out->is_refused = true;
  if (is_hash && token == JSON_STRING && json->token_length > 0) {
    const char *text;
    int rc = state_member_text(db, json, token, &text);
    if (rc != LEDGER_OK) return rc;
    out->hash_length = sizeof out->hash;
    if (!text_unhex(text, sizeof out->hash, out->hash)) return state_not_read(db);
  }
  bool is_nested = token == JSON_OBJECT || token == JSON_ARRAY;
  return is_nested && !json_skip(json, &ignored) ? state_not_read(db) : LEDGER_OK;
}

static int state_parse(ledger *db, const char *text, size_t length, struct acknowledgement *out) {
  struct json json;
  enum json_token token = JSON_ERROR;
  int rc = LEDGER_OK;
  memset(out, 0, sizeof *out);
  if (!text_is_valid_utf8(text, length)) return state_not_read(db);
  json_start(&json, text, length);
  if (json_next(&json) != JSON_OBJECT) return state_not_read(db);
  while (rc == LEDGER_OK && (token = json_next(&json)) == JSON_KEY)
    rc = state_member(db, &json, out);
  if (rc != LEDGER_OK) return rc;
  if (token != JSON_OBJECT_END || json_next(&json) != JSON_END || !out->is_one ||
      out->main == NULL || out->device == NULL || out->clock > STATE_CLOCK_MAX)
    return state_not_read(db);
  if (out->version == 1) return LEDGER_OK;
  return error_set(&db->error, LEDGER_NEWER_BATCH,
                   "the acknowledgement is of format %lld, and this program knows format 1",
                   (long long)out->version);
}

/* The second line is main's signature over the first one. */
static int state_check_signature(ledger *db, const struct sync_state *state, const char *line,
                                 size_t length, const char *rest, size_t rest_length) {
  static const char word[] = "signature ";
  unsigned char signature[64];
  char digits[2 * sizeof signature + 1] = "";
  while (rest_length > 0 && text_is_space(rest[rest_length - 1])) rest_length--;
  if (rest_length == 0) {
    error_set(&db->error, LEDGER_WRONG_KEY, "the acknowledgement is not signed");
    return error_hint(&db->error, "The file knows main's key, and takes from it alone.");
  }
  bool is_one = rest_length == sizeof word - 1 + 2 * sizeof signature &&
                memcmp(rest, word, sizeof word - 1) == 0;
  if (is_one) memcpy(digits, rest + sizeof word - 1, 2 * sizeof signature);
  if (!is_one || !text_unhex(digits, sizeof signature, signature))
    return error_set(&db->error, LEDGER_ALTERED, "the acknowledgement's signature cannot be read");
  if (seal_sign_is_valid(state->main_key, line, length, signature)) return LEDGER_OK;
  return error_set(&db->error, LEDGER_ALTERED,
                   "the acknowledgement was altered, or signed with another key than main's");
}

/* Is it for this file, from its main? */
static int state_check(ledger *db, const struct sync_state *state,
                       const struct acknowledgement *given) {
  if (state->main[0] != 0 && strcmp(state->main, given->main) != 0) {
    error_set(&db->error, LEDGER_OTHER_MAIN,
              "the file syncs with main database %s, and this acknowledgement is of %.36s",
              state->main, given->main);
    return error_hint(&db->error, "A file stays with the main database that it reached first.");
  }
  if (strcmp(state->device, given->device) != 0)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER,
                     "the acknowledgement is for device %.36s, and this file is %s", given->device,
                     state->device);
  if (given->is_refused) {
    error_set(&db->error, LEDGER_NOT_ENROLLED, "the main database does not know device %s",
              state->device);
    return error_hint(&db->error, "ledger push enrols it, or: ledger export FILE --init --enrol.");
  }
  if (given->epoch != state->epoch)
    return error_set(&db->error, LEDGER_OTHER_EPOCH,
                     "the acknowledgement is of epoch %lld, and this file is in epoch %lld",
                     (long long)given->epoch, (long long)state->epoch);
  if (given->received <= state->cut_seq) return LEDGER_OK;
  error_set(&db->error, LEDGER_FORK,
            "main has batch %lld of this device, and this file has cut %lld: it is an older copy",
            (long long)given->received, (long long)state->cut_seq);
  return error_hint(&db->error, "ledger device rekey gives this copy an identity of its own.");
}

static int state_fork(ledger *db, int64_t seq) {
  error_set(&db->error, LEDGER_FORK,
            "main's batch %lld of this device is not the one that this file has cut",
            (long long)seq);
  return error_hint(&db->error,
                    "Two files write as one device. ledger device rekey gives this one an identity "
                    "of its own.");
}

/* ---- batch 0: the full export, which is not kept. Its hash says what main took. */

static int state_full_head(ledger *db, const struct acknowledgement *given, const char **head,
                           bool *is_ours) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_HEAD);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, given->journal);
  sqlite3_bind_int64(stmt, 2, given->entry);
  sqlite3_bind_int64(stmt, 3, given->last);
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) {
    rc = statement_text(db, stmt, 0, head);
    *is_ours = sqlite3_column_int(stmt, 1) != 0;
  }
  sqlite3_reset(stmt);
  return rc;
}

static int state_take_full(ledger *db, struct sync_state *state,
                           const struct acknowledgement *given) {
  char text[SYNC_HASH_DIGITS + 1];
  unsigned char hash[SEAL_SHA256_BYTES];
  const char *head = NULL;
  bool is_ours = false;
  if (state->received_hash_length > 0)
    return memcmp(state->received_hash, given->hash, sizeof hash) == 0 ? LEDGER_OK
                                                                       : state_fork(db, 0);
  if (!given->has_position) return state_not_read(db);
  int rc = state_full_head(db, given, &head, &is_ours);
  if (rc != LEDGER_OK) return rc;
  sync_full_hash(state->device, state->epoch, given->last, given->journal, given->entry, head,
                 text);
  if (!is_ours || !text_unhex(text, sizeof hash, hash) ||
      memcmp(hash, given->hash, sizeof hash) != 0)
    return state_fork(db, 0);
  /* What was cut before this came does not follow it; main cannot have it. */
  rc = statement_run(db, STATEMENT_BATCH_CHUNKS_DROP);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_BATCH_DROP);
  state->cut_seq = 0;
  state->cut_change = state->received_change = given->last;
  state->cut_journal = state->received_journal = given->journal;
  state->cut_entry = state->received_entry = given->entry;
  state->cut_hash_length = state->received_hash_length = sizeof hash;
  memcpy(state->cut_hash, hash, sizeof hash);
  memcpy(state->received_hash, hash, sizeof hash);
  state->is_careful = false;
  return rc;
}

/* ---- batches that main has */

/* The batch as it is known here; *found is false once it is let go of. */
static int state_find_batch(ledger *db, int64_t seq, const struct acknowledgement *given,
                            struct sync_state *state, bool *found) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_FIND);
  bool is_same = true;
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  int rc = statement_step(db, stmt);
  *found = rc == LEDGER_ROW;
  if (*found) {
    const void *hash = sqlite3_column_blob(stmt, 0);
    is_same = given->hash_length == sizeof given->hash && hash != NULL &&
              sqlite3_column_bytes(stmt, 0) == (int)sizeof given->hash &&
              memcmp(hash, given->hash, sizeof given->hash) == 0;
    if (is_same && seq > state->received_seq) {
      state->received_seq = seq;
      memcpy(state->received_hash, given->hash, sizeof given->hash);
      state->received_hash_length = sizeof given->hash;
      state->received_change = sqlite3_column_int64(stmt, 1);
      state->received_journal = sqlite3_column_int64(stmt, 2);
      state->received_entry = sqlite3_column_int64(stmt, 3);
    }
  }
  sqlite3_reset(stmt);
  if (!*found && rc != LEDGER_DONE) return rc;
  return is_same ? LEDGER_OK : state_fork(db, seq);
}

/* What is older than what the file knows already changes nothing; but when main itself says so it has lost what it had. */
static int state_behind(ledger *db, const struct sync_state *state,
                        const struct acknowledgement *given, bool is_trusted) {
  if (!is_trusted) return LEDGER_OK;
  error_set(&db->error, LEDGER_GAP,
            "main has batches up to %lld of this device, and had them up to %lld: it was restored",
            (long long)given->received, (long long)state->received_seq);
  return error_hint(&db->error, "Send them again: ledger export FILE --since %lld.",
                    (long long)given->received + 1);
}

static int state_take_received(ledger *db, struct sync_state *state,
                               const struct acknowledgement *given, bool is_trusted,
                               bool *is_news) {
  bool found = false;
  int rc = LEDGER_OK;
  *is_news = given->received > state->received_seq ||
             (given->received == state->received_seq &&
              (given->received > 0 || given->hash_length >= state->received_hash_length));
  if (given->received == 0 && *is_news && given->hash_length > 0)
    return state_take_full(db, state, given);
  if (given->received > 0) rc = state_find_batch(db, given->received, given, state, &found);
  if (rc == LEDGER_OK && !*is_news) return state_behind(db, state, given, is_trusted);
  if (rc != LEDGER_OK || found || given->received == 0) return rc;
  bool is_last = given->hash_length == sizeof given->hash &&
                 memcmp(given->hash, state->received_hash, sizeof given->hash) == 0;
  return is_last ? LEDGER_OK : state_fork(db, given->received);
}

static int state_let_go(ledger *db, const struct sync_state *state, int64_t now_us) {
  int64_t forgotten = state->received_seq - LEDGER_BATCHES_KEPT;
  int rc = state_run_upto(db, STATEMENT_BATCH_RECEIVED, state->received_seq, now_us);
  if (rc == LEDGER_OK) rc = state_run_upto(db, STATEMENT_BATCH_APPLIED, state->applied_seq, now_us);
  if (rc == LEDGER_OK) rc = state_run_upto(db, STATEMENT_BATCH_CHUNKS_FORGET, forgotten, 0);
  if (rc == LEDGER_OK) rc = state_run_upto(db, STATEMENT_BATCH_FORGET, forgotten, 0);
  /* The clock stays ahead of the notes that go. */
  if (rc == LEDGER_OK) rc = state_run_upto(db, STATEMENT_STATE_CLOCK, state->received_change, 0);
  if (rc == LEDGER_OK) rc = state_run_upto(db, STATEMENT_CHANGE_FORGET, state->received_change, 0);
  return rc;
}

static void state_bind_hash(sqlite3_stmt *stmt, int parameter, const unsigned char *hash,
                            size_t length) {
  sqlite3_bind_blob(stmt, parameter, length == 0 ? (const unsigned char *)"" : hash, (int)length,
                    SQLITE_STATIC);
}

static int state_write(ledger *db, const struct sync_state *state, const char *reason) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_WRITE);
  if (stmt == NULL) return db->error.code;
  const int64_t numbers[] = {state->epoch,
                             state->is_careful,
                             state->hlc,
                             state->cut_seq,
                             state->cut_change,
                             state->cut_journal,
                             state->cut_entry,
                             state->received_seq,
                             state->received_change,
                             state->received_journal,
                             state->received_entry,
                             state->applied_seq};
  int count = (int)(sizeof numbers / sizeof *numbers);
  for (int i = 0; i < count; i++) sqlite3_bind_int64(stmt, i + 1, numbers[i]);
  sqlite3_bind_text(stmt, count + 1, state->device, -1, SQLITE_STATIC);
  if (state->previous_device[0] != 0)
    sqlite3_bind_text(stmt, count + 2, state->previous_device, -1, SQLITE_STATIC);
  if (state->main[0] != 0) sqlite3_bind_text(stmt, count + 3, state->main, -1, SQLITE_STATIC);
  if (state->key_range >= 0) sqlite3_bind_int64(stmt, count + 4, state->key_range);
  state_bind_hash(stmt, count + 5, state->cut_hash, state->cut_hash_length);
  state_bind_hash(stmt, count + 6, state->received_hash, state->received_hash_length);
  sqlite3_bind_text(stmt, count + 7, reason, -1, SQLITE_STATIC);
  return state_run(db, stmt);
}

/* This clock less main's, in milliseconds. An acknowledgement that was carried is old: then only that this clock is behind is sure. */
static int state_skew(ledger *db, const struct acknowledgement *given, int64_t now_us,
                      bool is_trusted) {
  int64_t skew_ms = now_us / 1000 - given->clock / SYNC_CLOCK_MS;
  if (given->clock == 0 || (!is_trusted && skew_ms > 0)) return LEDGER_OK;
  return state_run_upto(db, STATEMENT_STATE_SKEW, skew_ms, 0);
}

static int state_take_all(ledger *db, struct sync_state *state, const struct acknowledgement *given,
                          bool is_trusted) {
  int64_t now_us = db->session.now_us;
  bool is_news;
  int rc = state_take_received(db, state, given, is_trusted, &is_news);
  if (rc != LEDGER_OK || !is_news) return rc;
  memcpy(state->main, given->main, strlen(given->main) + 1);
  state->applied_seq = given->applied < given->received ? given->applied : given->received;
  if (given->clock > state->hlc) state->hlc = given->clock;
  if (given->has_range && given->key_range != state->key_range) {
    rc = key_range_take(db, given->key_range);
    state->key_range = given->key_range;
  }
  if (rc == LEDGER_OK) rc = state_write(db, state, given->reason);
  if (rc == LEDGER_OK) rc = state_let_go(db, state, now_us);
  return rc == LEDGER_OK ? state_skew(db, given, now_us, is_trusted) : rc;
}

LEDGER_PRIVATE int state_acknowledge(ledger *db, const char *text, size_t length, bool is_trusted) {
  struct acknowledgement given;
  struct sync_state state;
  const char *end = memchr(text, '\n', length);
  size_t line = end == NULL ? length : (size_t)(end - text);
  size_t rest = end == NULL ? 0 : length - line - 1;
  int rc = state_parse(db, text, line, &given);
  if (rc == LEDGER_OK && strlen(given.main) > 36) rc = state_not_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_read(db, &state);
  if (rc == LEDGER_OK && state.has_main_key && !is_trusted)
    rc =
        state_check_signature(db, &state, text, line, text + (end == NULL ? line : line + 1), rest);
  if (rc == LEDGER_OK) rc = state_check(db, &state, &given);
  if (rc == LEDGER_OK) rc = state_take_all(db, &state, &given, is_trusted);
  return transaction_end(db, rc);
}

/* ---- how it goes */

static int state_status_text(ledger *db, const char *text, const char **out) {
  *out = arena_copy(&db->arena, text, strlen(text));
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* Microseconds as a text; "" for null. */
static int state_status_time(ledger *db, sqlite3_stmt *stmt, int column, const char **out) {
  char text[MOMENT_TEXT_MAX] = "";
  if (sqlite3_column_type(stmt, column) != SQLITE_NULL)
    state_time(sqlite3_column_int64(stmt, column), text);
  return state_status_text(db, text, out);
}

static int state_status_plain(ledger *db, sqlite3_stmt *stmt, int column, const char **out) {
  int rc = statement_text(db, stmt, column, out);
  if (*out == NULL) *out = "";
  return rc;
}

static int state_status_row(ledger *db, sqlite3_stmt *stmt, ledger_sync_facts *out) {
  out->changes = sqlite3_column_int64(stmt, 0);
  out->batches = sqlite3_column_int64(stmt, 1);
  out->batch_rows = sqlite3_column_int64(stmt, 2);
  out->batch_bytes = sqlite3_column_int64(stmt, 3);
  out->clock_skew_ms = sqlite3_column_int64(stmt, 4);
  int rc = state_status_time(db, stmt, 5, &out->waiting_since);
  if (rc == LEDGER_OK) rc = state_status_time(db, stmt, 6, &out->attempted_at);
  if (rc == LEDGER_OK) rc = state_status_time(db, stmt, 7, &out->succeeded_at);
  if (rc == LEDGER_OK) rc = state_status_time(db, stmt, 8, &out->failed_at);
  if (rc == LEDGER_OK) rc = state_status_plain(db, stmt, 9, &out->error);
  if (rc == LEDGER_OK) rc = state_status_plain(db, stmt, 10, &out->reason);
  return rc;
}

static int state_status_read(ledger *db, ledger_sync_facts *out) {
  struct sync_state state;
  int rc = state_read(db, &state);
  if (rc == LEDGER_OK) rc = state_status_text(db, state.device, &out->device);
  if (rc == LEDGER_OK) rc = state_status_text(db, state.previous_device, &out->previous_device);
  if (rc == LEDGER_OK) rc = state_status_text(db, state.main, &out->main);
  if (rc != LEDGER_OK) return rc;
  out->epoch = state.epoch;
  out->key_range = state.key_range;
  out->cut = state.cut_seq;
  out->received = state.received_seq;
  out->applied = state.applied_seq;
  out->has_main_key = state.has_main_key;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_STATUS);
  if (stmt == NULL) return db->error.code;
  rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW) rc = state_status_row(db, stmt, out);
  sqlite3_reset(stmt);
  return rc;
}

LEDGER_PRIVATE int state_status(ledger *db, ledger_sync_facts *out) {
  memset(out, 0, sizeof *out);
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_status_read(db, out);
  transaction_end_read(db);
  return rc;
}

LEDGER_PRIVATE int state_attempt(ledger *db, const char *error) {
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_ATTEMPT);
  if (stmt == NULL) {
    rc = db->error.code;
  } else {
    sqlite3_bind_int64(stmt, 1, db->session.now_us);
    sqlite3_bind_text(stmt, 2, error, -1, SQLITE_STATIC); /* NULL: null */
    rc = state_run(db, stmt);
  }
  return transaction_end(db, rc);
}

/* ---- another identity */

LEDGER_PRIVATE int state_rekey(ledger *db) {
  struct sync_state state;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_read(db, &state);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_BATCH_CHUNKS_DROP);
  if (rc == LEDGER_OK) rc = statement_run(db, STATEMENT_BATCH_DROP);
  if (rc == LEDGER_OK) {
    memcpy(state.previous_device, state.device, sizeof state.device);
    id_uuid4(state.device);
    state.epoch++;
    state.is_careful = true;
    state.key_range = -1;
    state.cut_seq = state.received_seq = state.applied_seq = 0;
    state.cut_hash_length = state.received_hash_length = 0;
    state.cut_change = state.received_change;
    state.cut_journal = state.received_journal;
    state.cut_entry = state.received_entry;
    rc = state_write(db, &state, NULL);
  }
  return transaction_end(db, rc);
}

LEDGER_PRIVATE int state_set_main_key(ledger *db, const unsigned char key[64], bool replaces) {
  struct sync_state state;
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_read(db, &state);
  bool is_other = state.has_main_key && memcmp(state.main_key, key, sizeof state.main_key) != 0;
  if (rc == LEDGER_OK && is_other && !replaces) {
    error_set(&db->error, LEDGER_FORBIDDEN, "the file knows another key of its main database");
    rc = error_hint(&db->error, "Replace it only if main was given a new one.");
  }
  if (rc == LEDGER_OK) {
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_STATE_MAIN_KEY);
    if (stmt == NULL) {
      rc = db->error.code;
    } else {
      sqlite3_bind_blob(stmt, 1, key, sizeof state.main_key, SQLITE_STATIC);
      rc = state_run(db, stmt);
    }
  }
  return transaction_end(db, rc);
}

LEDGER_PRIVATE int state_get_main_key(ledger *db, unsigned char key[64]) {
  struct sync_state state;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_read(db, &state);
  transaction_end_read(db);
  if (rc != LEDGER_OK) return rc;
  if (!state.has_main_key) {
    error_set(&db->error, LEDGER_UNKNOWN_REFERENCE, "the file knows no key of its main database");
    return error_hint(&db->error, "ledger bundle trust FILE PUBKEY");
  }
  memcpy(key, state.main_key, sizeof state.main_key);
  return LEDGER_OK;
}

/* ---- what main is asked */

LEDGER_PRIVATE char *state_acknowledgement_sql(ledger *db) {
  struct sync_state state;
  char *sql = NULL;
  if (transaction_begin_read(db) != LEDGER_OK) return NULL;
  if (state_read(db, &state) == LEDGER_OK) {
    sql = sqlite3_mprintf("SELECT ledger_sync.acknowledgement(%Q);\n", state.device);
    if (sql == NULL) error_memory(&db->error);
  }
  transaction_end_read(db);
  return sql;
}

static int state_enrol_json(ledger *db, const unsigned char *public_key, sqlite3_str *out) {
  struct sync_state state;
  const char *schema, *own_key;
  char key[65];
  bool has_keys = false;
  int rc = state_read(db, &state);
  if (rc == LEDGER_OK) rc = sync_meta(db, "schema_sha256", &schema);
  if (rc == LEDGER_OK) rc = sync_meta(db, "signing_key", &own_key);
  if (rc == LEDGER_OK) rc = key_range_is_used(db, &has_keys);
  if (rc != LEDGER_OK) return rc;
  if (public_key != NULL) text_hex(public_key, 32, key);
  sqlite3_str_appendchar(out, 1, '{');
  json_member(out, "device", state.device);
  sqlite3_str_appendf(out, ",\"epoch\":%lld", (long long)state.epoch);
  json_member(out, "schema", schema);
  if (public_key != NULL)
    json_member(out, "public_key", key);
  else
    json_member(out, "public_key", own_key[0] == 0 ? NULL : own_key);
  json_member(out, "replaces", state.previous_device[0] == 0 ? NULL : state.previous_device);
  sqlite3_str_appendf(out, ",\"first_range\":%s}", has_keys ? "true" : "false");
  return sqlite3_str_errcode(out) == SQLITE_OK ? LEDGER_OK : error_memory(&db->error);
}

LEDGER_PRIVATE char *state_enrol_sql(ledger *db, const unsigned char *public_key) {
  char *sql = NULL;
  if (transaction_begin_read(db) != LEDGER_OK) return NULL;
  sqlite3_str *json = sqlite3_str_new(NULL);
  if (state_enrol_json(db, public_key, json) == LEDGER_OK) {
    sql = sqlite3_mprintf("SELECT ledger_sync.enrol(%Q);\n", sqlite3_str_value(json));
    if (sql == NULL) error_memory(&db->error);
  }
  sqlite3_free(sqlite3_str_finish(json));
  transaction_end_read(db);
  return sql;
}
