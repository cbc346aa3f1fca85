/*
** bundle.c: batches carried by hand: a file that only main can read, of which main knows who wrote it, and that was not altered
** anywhere. It holds, all integers little endian and without sign:
**
**   8 bytes   "LEDGERB1"
**   4         version of the format: 1
**   4         length of the header, at most 4096
**   header    one JSON object: device, epoch, first, last, batches, previous, hash, sender, recipient, created_at
**                 (ledger_bundle_facts in ledger.h)
**   80        the stream's key, sealed to main's X25519 key (crypto_box_seal)
**   24        the stream's header (crypto_secretstream_xchacha20poly1305)
**   chunks    of the stream: 64 KiB of plain text each and 17 bytes more, all but the last with TAG_MESSAGE; the last, of 1 byte to
**                 64 KiB, with TAG_FINAL. Each is bound to the BLAKE2b-256 of all that stands before the chunks, so that nobody
**                 can put his name and signature on another's content
**   64        Ed25519 of the device over "ledger bundle " and the BLAKE2b-256, in hexadecimal, of all before the signature
**
** The plain text is, for each batch from the first to the last and with nothing before, between or behind:
**
**   4         length of the batch's header, at most 4 MiB
**   header    of the batch, its SHA-256 being its hash
**   then, until there are as many bytes as the header says, the chunks of its body as the file keeps them:
**   4         bytes of the chunk, 1 to 64 KiB
**   4         bytes of it compressed, at most 1 KiB more than that
**   bytes     compressed (RFC 1951)
**
** Reading trusts no length before it is held against its bound, and decompresses nothing before the signature is verified. What is
** read of the file twice may have been changed in between: what stands before the chunks is read once and kept, and no chunk is
** believed without its tag, under a key that only the device and main know.
*/
#include "../internal.h"

#define BUNDLE_MAGIC "LEDGERB1"
#define BUNDLE_VERSION 1
#define BUNDLE_START 16 /* magic, version, length */
#define BUNDLE_HEADER_MAX 4096
#define BUNDLE_SEALED (SEAL_BOX_KEY_BYTES + SEAL_STREAM_HEADER_BYTES)
#define BUNDLE_PREFIX_MAX (BUNDLE_START + BUNDLE_HEADER_MAX + BUNDLE_SEALED)
#define BUNDLE_CHUNK (64 * 1024)
#define BUNDLE_CIPHER (BUNDLE_CHUNK + SEAL_STREAM_MORE_BYTES)
#define BUNDLE_SIGNATURE 64
#define BUNDLE_BATCH_HEADER_MAX (4 * 1024 * 1024)
#define BUNDLE_PACKED_MAX (BATCH_CHUNK + 1024)
#define BUNDLE_KEY_NAME 16 /* bytes of the hash of main's public keys */

static void bundle_put_number(unsigned char out[4], size_t number) {
  for (int i = 0; i < 4; i++) out[i] = (unsigned char)(number >> (8 * i) & 255);
}

static size_t bundle_get_number(const unsigned char bytes[4]) {
  size_t number = 0;
  for (int i = 3; i >= 0; i--) number = number << 8 | bytes[i];
  return number;
}

/* What is signed: a text that no other thing that is signed begins with. */
#define BUNDLE_STATEMENT "ledger bundle "
#define BUNDLE_STATEMENT_LENGTH (sizeof BUNDLE_STATEMENT - 1 + 2 * SEAL_BLAKE2B_BYTES)
static void bundle_statement(struct seal_blake2b *hash, char out[BUNDLE_STATEMENT_LENGTH + 1]) {
  unsigned char bytes[SEAL_BLAKE2B_BYTES];
  seal_blake2b_final(hash, bytes);
  memcpy(out, BUNDLE_STATEMENT, sizeof BUNDLE_STATEMENT - 1);
  text_hex(bytes, sizeof bytes, out + sizeof BUNDLE_STATEMENT - 1);
}

LEDGER_PRIVATE void bundle_key_name(const unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES],
                                    char out[33]) {
  unsigned char bytes[SEAL_BLAKE2B_BYTES];
  struct seal_blake2b hash;
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, public_key, LEDGER_MAIN_PUBLIC_KEY_BYTES);
  seal_blake2b_final(&hash, bytes);
  text_hex(bytes, BUNDLE_KEY_NAME, out);
}

/* ---- the members of a header */

struct bundle_member {
  const char *name;
  bool is_number;
  bool is_there;
  const char *text; /* in the arena, or the document's */
  size_t length;
  int64_t number;
};

static int bundle_member_read(struct arena *arena, struct json *json, enum json_token token,
                              struct bundle_member *member, ledger_error *error) {
  if (member->is_there) return LEDGER_ALTERED; /* main might take the other one */
  member->is_there = true;
  if (member->is_number)
    return token == JSON_NUMBER && json_whole(json, &member->number) ? LEDGER_OK : LEDGER_ALTERED;
  if (token != JSON_STRING) return LEDGER_ALTERED;
  int rc = json_decode(arena, json, &member->text, &member->length, error);
  return rc == LEDGER_OK || rc == LEDGER_MEMORY ? rc : LEDGER_ALTERED;
}

/* Reads an object with each of the members, once; there may be others. OK, MEMORY or ALTERED, without words. */
static int bundle_members(struct arena *arena, const char *document, size_t length,
                          struct bundle_member *members, int count, ledger_error *error) {
  struct json json;
  enum json_token token;
  if (!text_is_valid_utf8(document, length)) return LEDGER_ALTERED;
  for (size_t i = 0; i < length; i++)
    if ((unsigned char)document[i] < ' ') return LEDGER_ALTERED; /* one line */
  json_start(&json, document, length);
  int rc = json_next(&json) == JSON_OBJECT ? LEDGER_OK : LEDGER_ALTERED;
  while (rc == LEDGER_OK && (token = json_next(&json)) == JSON_KEY) {
    struct bundle_member *member = NULL;
    const char *name;
    size_t name_length, skipped;
    rc = json_decode(arena, &json, &name, &name_length, error);
    if (rc != LEDGER_OK) return rc == LEDGER_MEMORY ? rc : LEDGER_ALTERED;
    for (int i = 0; i < count; i++)
      if (strlen(members[i].name) == name_length && memcmp(members[i].name, name, name_length) == 0)
        member = &members[i];
    token = json_next(&json);
    if (member != NULL)
      rc = bundle_member_read(arena, &json, token, member, error);
    else if (token == JSON_ERROR ||
             ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &skipped)))
      rc = LEDGER_ALTERED;
  }
  if (rc == LEDGER_OK && (token != JSON_OBJECT_END || json_next(&json) != JSON_END))
    rc = LEDGER_ALTERED;
  for (int i = 0; i < count && rc == LEDGER_OK; i++)
    if (!members[i].is_there) rc = LEDGER_ALTERED;
  return rc;
}

static bool bundle_is_hex(const char *text, size_t length, size_t digits) {
  if (length != digits) return false;
  for (size_t i = 0; i < length; i++)
    if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
  return true;
}

/* As PostgreSQL prints it: it becomes part of statements and of names of files. */
static bool bundle_is_uuid(const char *text, size_t length) {
  if (length != 36) return false;
  for (size_t i = 0; i < length; i++) {
    bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !bundle_is_hex(text + i, 1, 1)) return false;
  }
  return true;
}

static bool bundle_is_word(const char *text, size_t length, size_t most) {
  if (length > most) return false;
  for (size_t i = 0; i < length; i++)
    if (text[i] <= ' ' || text[i] > '~') return false;
  return true;
}

/* ---- the header of a batch */

struct bundle_chain {
  const char *device;
  int64_t epoch;
  char hash[65]; /* of the batch before, "" if there is none */
};

enum { OF_FORMAT, OF_DEVICE, OF_EPOCH, OF_SEQ, OF_PREVIOUS, OF_BYTES, OF_COUNT };

static bool bundle_is(const struct bundle_member *member, const char *text) {
  return member->length == strlen(text) && memcmp(member->text, text, member->length) == 0;
}

/* The header of batch `seq`, which must follow in the chain; *bytes: of its body. OK, MEMORY, ALTERED or NEWER_BATCH, without words. */
static int bundle_follow(struct bundle_chain *chain, struct arena *arena, const char *header,
                         size_t length, int64_t seq, int64_t *bytes, ledger_error *error) {
  struct bundle_member of[OF_COUNT] = {
      [OF_FORMAT] = {.name = "ledger_batch", .is_number = true},
      [OF_DEVICE] = {.name = "device"},
      [OF_EPOCH] = {.name = "epoch", .is_number = true},
      [OF_SEQ] = {.name = "seq", .is_number = true},
      [OF_PREVIOUS] = {.name = "previous"},
      [OF_BYTES] = {.name = "bytes", .is_number = true},
  };
  struct seal_sha256 hash;
  unsigned char digest[SEAL_SHA256_BYTES];
  int rc = bundle_members(arena, header, length, of, OF_COUNT, error);
  if (rc != LEDGER_OK) return rc;
  if (of[OF_FORMAT].number != 1) return LEDGER_NEWER_BATCH;
  if (!bundle_is(&of[OF_DEVICE], chain->device) || of[OF_EPOCH].number != chain->epoch ||
      of[OF_SEQ].number != seq || !bundle_is(&of[OF_PREVIOUS], chain->hash))
    return LEDGER_ALTERED;
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, header, length);
  seal_sha256_final(&hash, digest);
  text_hex(digest, sizeof digest, chain->hash);
  *bytes = of[OF_BYTES].number;
  return LEDGER_OK;
}

/* ---- writing */

struct bundle_writer {
  ledger *db;
  int (*write)(void *context, const void *bytes, size_t length);
  void *context;
  int rc;
  struct seal_blake2b hash; /* of all that was written */
  struct seal_stream stream;
  struct arena arena; /* of the batch */
  unsigned char about[SEAL_BLAKE2B_BYTES];
  int64_t done;  /* bytes of bodies */
  size_t length; /* of plain */
  unsigned char plain[BUNDLE_CHUNK], cipher[BUNDLE_CIPHER], body[BATCH_CHUNK];
};

static void bundle_write(struct bundle_writer *writer, const void *bytes, size_t length) {
  if (writer->rc != LEDGER_OK) return;
  seal_blake2b_update(&writer->hash, bytes, length);
  if (writer->write(writer->context, bytes, length) != 0)
    writer->rc = error_set(&writer->db->error, LEDGER_IO, "the bundle could not be written");
}

static void bundle_flush(struct bundle_writer *writer, bool is_last) {
  seal_stream_push(&writer->stream, writer->plain, writer->length, writer->about, is_last,
                   writer->cipher);
  bundle_write(writer, writer->cipher, writer->length + SEAL_STREAM_MORE_BYTES);
  writer->length = 0;
}

/* Plain text of the stream. A chunk leaves once there is more: the last one has to say that it is. */
static void bundle_put(struct bundle_writer *writer, const void *bytes, size_t length) {
  const unsigned char *from = bytes;
  while (length > 0 && writer->rc == LEDGER_OK) {
    if (writer->length == BUNDLE_CHUNK) bundle_flush(writer, false);
    size_t taken = BUNDLE_CHUNK - writer->length;
    if (taken > length) taken = length;
    memcpy(writer->plain + writer->length, from, taken);
    writer->length += taken;
    from += taken;
    length -= taken;
  }
}

static void bundle_put_length(struct bundle_writer *writer, size_t length) {
  unsigned char number[4];
  bundle_put_number(number, length);
  bundle_put(writer, number, sizeof number);
}

/* One chunk of a batch as the file keeps it. What rotted there is found now, and not where the bundle is carried to. */
static int bundle_seal_chunk(struct bundle_writer *writer, sqlite3_stmt *stmt, int64_t seq,
                             int64_t left, int64_t *length) {
  ledger *db = writer->db;
  const void *packed = sqlite3_column_blob(stmt, 2);
  size_t packed_length = (size_t)sqlite3_column_bytes(stmt, 2);
  *length = sqlite3_column_int64(stmt, 1);
  if (packed == NULL && sqlite3_errcode(db->sqlite) == SQLITE_NOMEM)
    return error_memory(&db->error);
  if (*length < 1 || *length > BATCH_CHUNK || *length > left || packed == NULL ||
      packed_length > BUNDLE_PACKED_MAX)
    return batch_altered(db, seq);
  int rc = deflate_restore(packed, packed_length, writer->body, (size_t)*length);
  if (rc != LEDGER_OK)
    return rc == LEDGER_MEMORY ? error_memory(&db->error) : batch_altered(db, seq);
  bundle_put_length(writer, (size_t)*length);
  bundle_put_length(writer, packed_length);
  bundle_put(writer, packed, packed_length);
  writer->done += *length;
  return writer->rc == LEDGER_OK ? connection_report(db, writer->done, 0) : writer->rc;
}

static int bundle_seal_body(struct bundle_writer *writer, int64_t seq, int64_t bytes) {
  int64_t left = bytes;
  sqlite3_stmt *stmt = statement_fixed(writer->db, STATEMENT_BATCH_CHUNKS);
  if (stmt == NULL) return writer->db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && (rc = statement_step(writer->db, stmt)) == LEDGER_ROW) {
    int64_t length;
    rc = bundle_seal_chunk(writer, stmt, seq, left, &length);
    left -= length;
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_DONE) return rc;
  if (left == 0) return LEDGER_OK;
  return left == bytes ? batch_unknown(writer->db, seq) : batch_altered(writer->db, seq);
}

/* The header of a kept batch, in the writer's arena. */
static int bundle_kept_header(struct bundle_writer *writer, int64_t seq, const char **out) {
  ledger *db = writer->db;
  *out = NULL;
  arena_reset(&writer->arena);
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_BATCH_HEADER);
  if (stmt == NULL) return db->error.code;
  sqlite3_bind_int64(stmt, 1, seq);
  int rc = statement_step(db, stmt);
  const char *text = rc == LEDGER_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
  if (text != NULL) *out = arena_copy(&writer->arena, text, (size_t)sqlite3_column_bytes(stmt, 0));
  sqlite3_reset(stmt);
  if (rc == LEDGER_DONE) return batch_unknown(db, seq);
  if (rc != LEDGER_ROW) return rc;
  return *out == NULL ? error_memory(&db->error) : LEDGER_OK;
}

static int bundle_seal_batch(struct bundle_writer *writer, struct bundle_chain *chain,
                             int64_t seq) {
  ledger *db = writer->db;
  const char *header;
  int64_t bytes = 0;
  int rc = bundle_kept_header(writer, seq, &header);
  size_t length = rc == LEDGER_OK ? strlen(header) : 0;
  if (length > BUNDLE_BATCH_HEADER_MAX)
    rc = error_set(&db->error, LEDGER_PROGRAM_LIMIT,
                   "the header of batch %lld is longer than a bundle can hold", (long long)seq);
  if (rc != LEDGER_OK) return rc;
  rc = bundle_follow(chain, &writer->arena, header, length, seq, &bytes, &db->error);
  if (rc == LEDGER_OK) {
    bundle_put_length(writer, length);
    bundle_put(writer, header, length);
    return bundle_seal_body(writer, seq, bytes);
  }
  return rc == LEDGER_MEMORY ? error_memory(&db->error) : batch_altered(db, seq);
}

static char *bundle_header(const struct sync_state *state, int64_t first, const char *previous,
                           const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES]) {
  unsigned char public_key[LEDGER_PUBLIC_KEY_BYTES];
  char sender[2 * LEDGER_PUBLIC_KEY_BYTES + 1], recipient[2 * BUNDLE_KEY_NAME + 1], hash[65];
  char created_at[MOMENT_TEXT_MAX];
  seal_sign_public(secret_key, public_key);
  text_hex(public_key, sizeof public_key, sender);
  text_hex(state->cut_hash, state->cut_hash_length, hash);
  bundle_key_name(state->main_key, recipient);
  state_time(clock_now_us(), created_at);
  return sqlite3_mprintf(
      "{\"device\":\"%s\",\"epoch\":%lld,\"first\":%lld,\"last\":%lld,\"batches\":%lld,"
      "\"previous\":\"%s\",\"hash\":\"%s\",\"sender\":\"%s\",\"recipient\":\"%s\","
      "\"created_at\":\"%s\"}",
      state->device, (long long)state->epoch, (long long)first, (long long)state->cut_seq,
      (long long)(state->cut_seq - first + 1), previous, hash, sender, recipient, created_at);
}

static void bundle_seal_prefix(struct bundle_writer *writer, const struct sync_state *state,
                               const char *header) {
  unsigned char start[BUNDLE_START], sealed[SEAL_BOX_KEY_BYTES];
  unsigned char stream_header[SEAL_STREAM_HEADER_BYTES];
  size_t length = strlen(header);
  struct seal_blake2b about;
  assert(length <= BUNDLE_HEADER_MAX);
  memcpy(start, BUNDLE_MAGIC, 8);
  bundle_put_number(start + 8, BUNDLE_VERSION);
  bundle_put_number(start + 12, length);
  if (!seal_stream_start(&writer->stream, state->main_key + 32, sealed, stream_header)) {
    writer->rc = error_set(&writer->db->error, LEDGER_WRONG_KEY,
                           "what the file knows as its main database's key is no key");
    return;
  }
  seal_blake2b_init(&about);
  seal_blake2b_update(&about, start, sizeof start);
  seal_blake2b_update(&about, header, length);
  seal_blake2b_update(&about, sealed, sizeof sealed);
  seal_blake2b_update(&about, stream_header, sizeof stream_header);
  seal_blake2b_final(&about, writer->about);
  bundle_write(writer, start, sizeof start);
  bundle_write(writer, header, length);
  bundle_write(writer, sealed, sizeof sealed);
  bundle_write(writer, stream_header, sizeof stream_header);
}

static void bundle_seal_signature(struct bundle_writer *writer,
                                  const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES]) {
  char statement[BUNDLE_STATEMENT_LENGTH + 1];
  unsigned char signature[BUNDLE_SIGNATURE];
  bundle_statement(&writer->hash, statement);
  seal_sign(secret_key, statement, BUNDLE_STATEMENT_LENGTH, signature);
  if (writer->rc == LEDGER_OK && writer->write(writer->context, signature, sizeof signature) != 0)
    writer->rc = error_set(&writer->db->error, LEDGER_IO, "the bundle could not be written");
}

/* The hash of the batch before the first one, which that names. */
static int bundle_previous(struct bundle_writer *writer, int64_t first, char out[65]) {
  struct bundle_member previous = {.name = "previous"};
  const char *header;
  int rc = bundle_kept_header(writer, first, &header);
  if (rc != LEDGER_OK) return rc;
  rc = bundle_members(&writer->arena, header, strlen(header), &previous, 1, &writer->db->error);
  if (rc == LEDGER_MEMORY) return error_memory(&writer->db->error);
  if (rc != LEDGER_OK || previous.length > 64) return batch_altered(writer->db, first);
  snprintf(out, 65, "%.*s", (int)previous.length, previous.length > 0 ? previous.text : "");
  return LEDGER_OK;
}

static int bundle_seal_batches(struct bundle_writer *writer, const struct sync_state *state,
                               int64_t first,
                               const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES]) {
  struct bundle_chain chain = {.device = state->device, .epoch = state->epoch};
  char hash[65];
  int rc = bundle_previous(writer, first, chain.hash);
  if (rc != LEDGER_OK) return rc;
  char *header = bundle_header(state, first, chain.hash, secret_key);
  if (header == NULL) return error_memory(&writer->db->error);
  seal_blake2b_init(&writer->hash);
  bundle_seal_prefix(writer, state, header);
  sqlite3_free(header);
  rc = writer->rc;
  for (int64_t seq = first; rc == LEDGER_OK && seq <= state->cut_seq; seq++)
    rc = bundle_seal_batch(writer, &chain, seq);
  text_hex(state->cut_hash, state->cut_hash_length, hash);
  if (rc == LEDGER_OK && strcmp(chain.hash, hash) != 0)
    rc = batch_altered(writer->db, state->cut_seq);
  if (rc == LEDGER_OK) bundle_flush(writer, true);
  if (rc == LEDGER_OK) bundle_seal_signature(writer, secret_key);
  return rc != LEDGER_OK ? rc : writer->rc;
}

LEDGER_PRIVATE int bundle_seal(ledger *db, int64_t since,
                               const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                               int64_t *first, int64_t *last,
                               int (*write)(void *context, const void *bytes, size_t length),
                               void *context) {
  struct sync_state state;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = state_read(db, &state);
  if (rc == LEDGER_OK && !state.has_main_key) rc = state_get_main_key(db, state.main_key);
  int64_t from = since > 0 ? since : state.received_seq + 1;
  if (rc == LEDGER_OK && from <= state.cut_seq) {
    struct bundle_writer *writer = sqlite3_malloc(sizeof *writer);
    if (writer == NULL) {
      rc = error_memory(&db->error);
    } else {
      memset(writer, 0, offsetof(struct bundle_writer, plain));
      writer->db = db;
      writer->write = write;
      writer->context = context;
      rc = bundle_seal_batches(writer, &state, from, secret_key);
      if (rc == LEDGER_OK) {
        *first = from;
        *last = state.cut_seq;
      }
      arena_free(&writer->arena);
      seal_wipe(writer, sizeof *writer); /* the stream's key is in it */
      sqlite3_free(writer);
    }
  }
  transaction_end_read(db);
  return rc;
}

/* ---- reading */

struct ledger_bundle {
  int (*read)(void *context, int64_t offset, void *bytes, size_t length);
  void *context;
  int64_t size;
  ledger_error error;
  struct arena arena; /* texts of the facts */
  ledger_bundle_facts facts;
  unsigned char sender[LEDGER_PUBLIC_KEY_BYTES];
  unsigned char about[SEAL_BLAKE2B_BYTES];
  unsigned char stream_key[SEAL_STREAM_KEY_BYTES]; /* once it is verified */
  bool is_verified;
  size_t prefix_length; /* of what stands before the chunks */
  unsigned char prefix[BUNDLE_PREFIX_MAX];
};

static int bundle_altered(ledger_bundle *bundle, const char *what) {
  return error_set(&bundle->error, LEDGER_ALTERED, "the bundle was altered or cut: %s", what);
}

static int bundle_read(ledger_bundle *bundle, int64_t offset, void *bytes, size_t length) {
  if (bundle->read(bundle->context, offset, bytes, length) == 0) return LEDGER_OK;
  return error_set(&bundle->error, LEDGER_IO, "the bundle could not be read");
}

enum {
  BY_DEVICE,
  BY_EPOCH,
  BY_FIRST,
  BY_LAST,
  BY_BATCHES,
  BY_PREVIOUS,
  BY_HASH,
  BY_SENDER,
  BY_RECIPIENT,
  BY_CREATED_AT,
  BY_COUNT
};

static bool bundle_header_is_sound(const struct bundle_member by[BY_COUNT]) {
  int64_t first = by[BY_FIRST].number, last = by[BY_LAST].number;
  return bundle_is_uuid(by[BY_DEVICE].text, by[BY_DEVICE].length) && first >= 1 && last >= first &&
         by[BY_BATCHES].number == last - first + 1 &&
         (by[BY_PREVIOUS].length == 0 ||
          bundle_is_hex(by[BY_PREVIOUS].text, by[BY_PREVIOUS].length, 64)) &&
         bundle_is_hex(by[BY_HASH].text, by[BY_HASH].length, 64) &&
         bundle_is_hex(by[BY_SENDER].text, by[BY_SENDER].length, 2 * LEDGER_PUBLIC_KEY_BYTES) &&
         bundle_is_hex(by[BY_RECIPIENT].text, by[BY_RECIPIENT].length, 2 * BUNDLE_KEY_NAME) &&
         bundle_is_word(by[BY_CREATED_AT].text, by[BY_CREATED_AT].length, 40);
}

static int bundle_read_header(ledger_bundle *bundle, const char *header, size_t length) {
  struct bundle_member by[BY_COUNT] = {
      [BY_DEVICE] = {.name = "device"},
      [BY_EPOCH] = {.name = "epoch", .is_number = true},
      [BY_FIRST] = {.name = "first", .is_number = true},
      [BY_LAST] = {.name = "last", .is_number = true},
      [BY_BATCHES] = {.name = "batches", .is_number = true},
      [BY_PREVIOUS] = {.name = "previous"},
      [BY_HASH] = {.name = "hash"},
      [BY_SENDER] = {.name = "sender"},
      [BY_RECIPIENT] = {.name = "recipient"},
      [BY_CREATED_AT] = {.name = "created_at"},
  };
  int rc = bundle_members(&bundle->arena, header, length, by, BY_COUNT, &bundle->error);
  if (rc == LEDGER_MEMORY) return rc;
  if (rc != LEDGER_OK || !bundle_header_is_sound(by))
    return bundle_altered(bundle, "its header is not one");
  for (int i = 0; i < BY_COUNT; i++) {
    if (by[i].is_number) continue;
    by[i].text = arena_copy(&bundle->arena, by[i].text, by[i].length);
    if (by[i].text == NULL) return error_memory(&bundle->error);
  }
  bundle->facts = (ledger_bundle_facts){.device = by[BY_DEVICE].text,
                                        .epoch = by[BY_EPOCH].number,
                                        .first = by[BY_FIRST].number,
                                        .last = by[BY_LAST].number,
                                        .batches = by[BY_BATCHES].number,
                                        .previous = by[BY_PREVIOUS].text,
                                        .hash = by[BY_HASH].text,
                                        .sender = by[BY_SENDER].text,
                                        .recipient = by[BY_RECIPIENT].text,
                                        .created_at = by[BY_CREATED_AT].text,
                                        .bytes = bundle->size};
  return text_unhex(bundle->facts.sender, sizeof bundle->sender, bundle->sender)
             ? LEDGER_OK
             : bundle_altered(bundle, "its header is not one");
}

static int bundle_read_prefix(ledger_bundle *bundle) {
  struct seal_blake2b about;
  if (bundle->size < BUNDLE_START) return bundle_altered(bundle, "it has no header");
  int rc = bundle_read(bundle, 0, bundle->prefix, BUNDLE_START);
  if (rc != LEDGER_OK) return rc;
  if (memcmp(bundle->prefix, BUNDLE_MAGIC, 8) != 0)
    return error_set(&bundle->error, LEDGER_INVALID_FIELD, "the file is not a bundle");
  size_t version = bundle_get_number(bundle->prefix + 8);
  size_t length = bundle_get_number(bundle->prefix + 12);
  if (version > BUNDLE_VERSION) {
    error_set(&bundle->error, LEDGER_NEWER_BATCH,
              "the bundle has format %lld; this program knows %d", (long long)version,
              BUNDLE_VERSION);
    return error_hint(&bundle->error, "update ledger here");
  }
  if (version == 0 || length == 0 || length > BUNDLE_HEADER_MAX)
    return bundle_altered(bundle, "its header is not one");
  bundle->prefix_length = BUNDLE_START + length + BUNDLE_SEALED;
  if (bundle->size - BUNDLE_SIGNATURE - SEAL_STREAM_MORE_BYTES <= (int64_t)bundle->prefix_length)
    return bundle_altered(bundle, "its end is missing");
  rc = bundle_read(bundle, BUNDLE_START, bundle->prefix + BUNDLE_START, length + BUNDLE_SEALED);
  if (rc != LEDGER_OK) return rc;
  seal_blake2b_init(&about);
  seal_blake2b_update(&about, bundle->prefix, bundle->prefix_length);
  seal_blake2b_final(&about, bundle->about);
  return bundle_read_header(bundle, (const char *)bundle->prefix + BUNDLE_START, length);
}

LEDGER_PRIVATE int bundle_open(int (*read)(void *context, int64_t offset, void *bytes,
                                           size_t length),
                               void *context, int64_t size, ledger_bundle **out) {
  ledger_bundle *bundle = *out = sqlite3_malloc(sizeof *bundle);
  if (bundle == NULL) return LEDGER_MEMORY;
  memset(bundle, 0, sizeof *bundle);
  bundle->read = read;
  bundle->context = context;
  bundle->size = size;
  return bundle_read_prefix(bundle);
}

LEDGER_PRIVATE void bundle_close(ledger_bundle *bundle) {
  arena_free(&bundle->arena);
  seal_wipe(bundle, sizeof *bundle);
  sqlite3_free(bundle);
}

LEDGER_PRIVATE const ledger_error *bundle_error(const ledger_bundle *bundle) {
  return &bundle->error;
}

LEDGER_PRIVATE const ledger_bundle_facts *bundle_facts(const ledger_bundle *bundle) {
  return &bundle->facts;
}

/* ---- the signature */

static int bundle_not_open(ledger_bundle *bundle) {
  return error_set(&bundle->error, LEDGER_MISUSE, "the bundle could not be opened");
}

LEDGER_PRIVATE int bundle_check_signature(ledger_bundle *bundle, const unsigned char *sender) {
  unsigned char signature[BUNDLE_SIGNATURE];
  char statement[BUNDLE_STATEMENT_LENGTH + 1];
  struct seal_blake2b hash;
  error_clear(&bundle->error);
  if (bundle->facts.device == NULL) return bundle_not_open(bundle);
  if (sender != NULL && memcmp(sender, bundle->sender, sizeof bundle->sender) != 0)
    return error_set(&bundle->error, LEDGER_WRONG_KEY, "the bundle was signed with another key, %s",
                     bundle->facts.sender);
  unsigned char *bytes = sqlite3_malloc(BUNDLE_CHUNK);
  if (bytes == NULL) return error_memory(&bundle->error);
  int64_t end = bundle->size - BUNDLE_SIGNATURE, at = (int64_t)bundle->prefix_length;
  seal_blake2b_init(&hash);
  seal_blake2b_update(&hash, bundle->prefix, bundle->prefix_length);
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && at < end) {
    size_t length = end - at < BUNDLE_CHUNK ? (size_t)(end - at) : BUNDLE_CHUNK;
    rc = bundle_read(bundle, at, bytes, length);
    if (rc == LEDGER_OK) seal_blake2b_update(&hash, bytes, length);
    at += (int64_t)length;
  }
  sqlite3_free(bytes);
  if (rc == LEDGER_OK) rc = bundle_read(bundle, end, signature, sizeof signature);
  if (rc != LEDGER_OK) return rc;
  bundle_statement(&hash, statement);
  if (seal_sign_is_valid(bundle->sender, statement, BUNDLE_STATEMENT_LENGTH, signature))
    return LEDGER_OK;
  return bundle_altered(bundle, "its signature does not hold");
}

/* ---- the content: read by both, the proof and the script, in the same way */

struct bundle_reader {
  ledger_bundle *bundle;
  struct seal_stream stream;
  struct arena arena; /* of the batch */
  int64_t offset;     /* of the next chunk */
  size_t at, length;  /* in plain */
  char *header;       /* of the batch */
  size_t header_room;
  struct bundle_chain chain;
  unsigned char plain[BUNDLE_CHUNK], cipher[BUNDLE_CIPHER];
  unsigned char packed[BUNDLE_PACKED_MAX], body[BATCH_CHUNK];
};

/* What is done with the batches. */
struct bundle_work {
  int64_t after; /* passes over those up to it */
  enum ledger_export_format format;
  int (*write)(void *context, const void *bytes, size_t length);
  void *write_context;
  int (*batch)(void *context, int64_t seq, const char *hash); /* or NULL */
  void *batch_context;
};

static int bundle_next_chunk(struct bundle_reader *reader) {
  ledger_bundle *bundle = reader->bundle;
  int64_t left = bundle->size - BUNDLE_SIGNATURE - reader->offset;
  if (left == 0) return bundle_altered(bundle, "its content ends too early");
  size_t length = left < BUNDLE_CIPHER ? (size_t)left : BUNDLE_CIPHER;
  int rc = bundle_read(bundle, reader->offset, reader->cipher, length);
  if (rc != LEDGER_OK) return rc;
  reader->offset += (int64_t)length;
  if (!seal_stream_pull(&reader->stream, reader->cipher, length, bundle->about,
                        left == (int64_t)length, reader->plain))
    return bundle_altered(bundle, "its content is not what was sealed");
  reader->at = 0;
  reader->length = length - SEAL_STREAM_MORE_BYTES;
  return LEDGER_OK;
}

static int bundle_take(struct bundle_reader *reader, void *out, size_t length) {
  unsigned char *to = out;
  int rc = LEDGER_OK;
  while (length > 0 && rc == LEDGER_OK) {
    if (reader->at == reader->length) rc = bundle_next_chunk(reader);
    size_t taken = rc == LEDGER_OK ? reader->length - reader->at : 0;
    if (taken > length) taken = length;
    memcpy(to, reader->plain + reader->at, taken);
    reader->at += taken;
    to += taken;
    length -= taken;
  }
  return rc;
}

static int bundle_take_length(struct bundle_reader *reader, size_t most, size_t *out) {
  unsigned char number[4];
  *out = 0;
  int rc = bundle_take(reader, number, sizeof number);
  if (rc == LEDGER_OK) *out = bundle_get_number(number);
  if (rc == LEDGER_OK && (*out == 0 || *out > most))
    rc = bundle_altered(reader->bundle, "a length in it is out of bounds");
  return rc;
}

/* The header of batch `seq`; *bytes: of its body. */
static int bundle_take_header(struct bundle_reader *reader, int64_t seq, int64_t *bytes) {
  ledger_bundle *bundle = reader->bundle;
  size_t length;
  int rc = bundle_take_length(reader, BUNDLE_BATCH_HEADER_MAX, &length);
  if (rc != LEDGER_OK) return rc;
  if (length >= reader->header_room) {
    char *header = sqlite3_realloc64(reader->header, length + 1);
    if (header == NULL) return error_memory(&bundle->error);
    reader->header = header;
    reader->header_room = length + 1;
  }
  rc = bundle_take(reader, reader->header, length);
  if (rc != LEDGER_OK) return rc;
  reader->header[length] = 0;
  arena_reset(&reader->arena);
  rc = bundle_follow(&reader->chain, &reader->arena, reader->header, length, seq, bytes,
                     &bundle->error);
  if (rc == LEDGER_NEWER_BATCH)
    return error_set(&bundle->error, rc, "a batch in the bundle is of a newer format");
  if (rc == LEDGER_MEMORY) return error_memory(&bundle->error);
  return rc == LEDGER_OK ? rc : bundle_altered(bundle, "a batch in it is not the one that follows");
}

/* The next chunk of a batch's body, of which `left` bytes are missing. */
static int bundle_take_body(struct bundle_reader *reader, int64_t left, size_t *length) {
  size_t packed, most = left < BATCH_CHUNK ? (size_t)left : BATCH_CHUNK;
  int rc = bundle_take_length(reader, most, length);
  if (rc == LEDGER_OK) rc = bundle_take_length(reader, BUNDLE_PACKED_MAX, &packed);
  if (rc == LEDGER_OK) rc = bundle_take(reader, reader->packed, packed);
  if (rc != LEDGER_OK) return rc;
  rc = deflate_restore(reader->packed, packed, reader->body, *length);
  if (rc == LEDGER_MEMORY) return error_memory(&reader->bundle->error);
  return rc == LEDGER_OK
             ? rc
             : bundle_altered(reader->bundle, "a chunk in it is not compressed as it says");
}

/* Whether the body is what its header says, batch_script.c finds out. */
static int bundle_walk_body(struct bundle_reader *reader, int64_t bytes,
                            struct batch_script *script) {
  int rc = LEDGER_OK;
  for (int64_t left = bytes; rc == LEDGER_OK && left > 0;) {
    size_t length;
    rc = bundle_take_body(reader, left, &length);
    if (rc != LEDGER_OK) break;
    if (script != NULL) rc = batch_script_body(script, (const char *)reader->body, length);
    left -= (int64_t)length;
  }
  return rc;
}

static int bundle_walk_batch(struct bundle_reader *reader, int64_t seq,
                             const struct bundle_work *work) {
  ledger_bundle *bundle = reader->bundle;
  struct batch_script *script = NULL;
  int64_t bytes = 0;
  int rc = bundle_take_header(reader, seq, &bytes);
  if (rc == LEDGER_OK && work->batch != NULL &&
      work->batch(work->batch_context, seq, reader->chain.hash) != 0)
    rc = error_set(&bundle->error, LEDGER_INTERRUPTED, "canceled by the caller's function");
  if (rc == LEDGER_OK && seq > work->after)
    rc = batch_script_start(reader->header, work->format, work->write, work->write_context, &script,
                            &bundle->error);
  if (rc == LEDGER_OK) rc = bundle_walk_body(reader, bytes, script);
  ledger_error error = bundle->error;
  int ended = batch_script_end(script);
  if (rc == LEDGER_OK) return ended;
  bundle->error = error; /* why the script had no end */
  return rc;
}

static int bundle_walk_all(struct bundle_reader *reader, const struct bundle_work *work) {
  ledger_bundle *bundle = reader->bundle;
  const ledger_bundle_facts *facts = &bundle->facts;
  int rc = LEDGER_OK;
  reader->chain = (struct bundle_chain){.device = facts->device, .epoch = facts->epoch};
  snprintf(reader->chain.hash, sizeof reader->chain.hash, "%s", facts->previous);
  for (int64_t seq = facts->first; rc == LEDGER_OK && seq <= facts->last; seq++)
    rc = bundle_walk_batch(reader, seq, work);
  if (rc != LEDGER_OK) return rc;
  if (reader->at != reader->length || reader->offset != bundle->size - BUNDLE_SIGNATURE)
    return bundle_altered(bundle, "there is more in it than its batches");
  if (strcmp(reader->chain.hash, facts->hash) != 0)
    return bundle_altered(bundle, "its last batch is not the one that it names");
  return LEDGER_OK;
}

static int bundle_walk(ledger_bundle *bundle, const struct bundle_work *work) {
  struct bundle_reader *reader = sqlite3_malloc(sizeof *reader);
  if (reader == NULL) return error_memory(&bundle->error);
  memset(reader, 0, offsetof(struct bundle_reader, plain));
  reader->bundle = bundle;
  reader->offset = (int64_t)bundle->prefix_length;
  seal_stream_resume(&reader->stream, bundle->stream_key,
                     bundle->prefix + bundle->prefix_length - SEAL_STREAM_HEADER_BYTES);
  int rc = bundle_walk_all(reader, work);
  arena_free(&reader->arena);
  sqlite3_free(reader->header);
  seal_wipe(reader, sizeof *reader);
  sqlite3_free(reader);
  return rc;
}

static int bundle_discard(void *context, const void *bytes, size_t length) {
  (void)context, (void)bytes, (void)length;
  return 0;
}

/* The script is rendered, too: a batch that cannot be is to be found before a byte of any is given. */
LEDGER_PRIVATE int bundle_verify(ledger_bundle *bundle,
                                 const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                 const unsigned char *sender,
                                 int (*batch)(void *context, int64_t seq, const char *hash),
                                 void *context) {
  struct seal_main keys;
  char name[2 * BUNDLE_KEY_NAME + 1];
  const struct bundle_work work = {.after = -1,
                                   .format = LEDGER_EXPORT_COPY,
                                   .write = bundle_discard,
                                   .batch = batch,
                                   .batch_context = context};
  bundle->is_verified = false;
  int rc = bundle_check_signature(bundle, sender);
  if (rc != LEDGER_OK) return rc;
  seal_main_keys(main_key, &keys);
  bundle_key_name(keys.public_key, name);
  if (strcmp(name, bundle->facts.recipient) != 0)
    rc = error_set(&bundle->error, LEDGER_WRONG_KEY,
                   "the bundle is sealed to another key, %s; this one is %s",
                   bundle->facts.recipient, name);
  else if (!seal_stream_key(&keys, bundle->prefix + bundle->prefix_length - BUNDLE_SEALED,
                            bundle->stream_key))
    rc = bundle_altered(bundle, "its key is not sealed as it says");
  seal_wipe(&keys, sizeof keys);
  if (rc == LEDGER_OK) rc = bundle_walk(bundle, &work);
  bundle->is_verified = rc == LEDGER_OK;
  return rc;
}

LEDGER_PRIVATE int bundle_script(ledger_bundle *bundle, int64_t after,
                                 enum ledger_export_format format,
                                 int (*write)(void *context, const void *bytes, size_t length),
                                 void *context) {
  const struct bundle_work work = {
      .after = after, .format = format, .write = write, .write_context = context};
  error_clear(&bundle->error);
  if (!bundle->is_verified)
    return error_set(&bundle->error, LEDGER_MISUSE, "the bundle has not been verified");
  return bundle_walk(bundle, &work);
}

#undef BUNDLE_MAGIC
#undef BUNDLE_VERSION
#undef BUNDLE_START
#undef BUNDLE_HEADER_MAX
#undef BUNDLE_SEALED
#undef BUNDLE_PREFIX_MAX
#undef BUNDLE_CHUNK
#undef BUNDLE_CIPHER
#undef BUNDLE_SIGNATURE
#undef BUNDLE_BATCH_HEADER_MAX
#undef BUNDLE_PACKED_MAX
#undef BUNDLE_KEY_NAME
#undef BUNDLE_STATEMENT
#undef BUNDLE_STATEMENT_LENGTH
