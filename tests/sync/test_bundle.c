/*
** Bundles: what is sealed comes out as it was; and nothing that was altered, cut, added to, moved, signed by another or made by
** another comes out at all. Every byte of a small bundle is changed and every length is tried; then come bundles that were signed
** and encrypted as they must be, by a device that lies.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "allocation.h"
#include "random.h"

/* ---- bytes in memory, as what is written and what is read */

struct bytes {
  unsigned char *at;
  size_t length, room;
  size_t fail_after; /* bytes after which writing fails; 0: never */
};

static int bytes_write(void *context, const void *from, size_t length) {
  struct bytes *to = context;
  const unsigned char *bytes = from;
  if (to->fail_after > 0 && to->length + length > to->fail_after) return 1;
  if (to->length + length > to->room) {
    to->room = 2 * (to->length + length);
    to->at = realloc(to->at, to->room);
  }
  memcpy(to->at + to->length, bytes, length);
  to->length += length;
  return 0;
}

static int bytes_read(void *context, int64_t offset, void *bytes, size_t length) {
  const struct bytes *from = context;
  if (offset < 0 || (size_t)offset + length > from->length) return 1;
  memcpy(bytes, from->at + offset, length);
  return 0;
}

static struct bytes bytes_copy(const struct bytes *from) {
  struct bytes copy = {.at = malloc(from->length + 1), .length = from->length, .room = from->length + 1};
  memcpy(copy.at, from->at, from->length);
  return copy;
}

static void bytes_free(struct bytes *bytes) {
  free(bytes->at);
  *bytes = (struct bytes){.at = NULL};
}

/* ---- a device and its main */

struct fleet {
  ledger *db;
  unsigned char main_key[LEDGER_MAIN_KEY_BYTES], main_public[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  unsigned char secret[LEDGER_SECRET_KEY_BYTES], public_key[LEDGER_PUBLIC_KEY_BYTES];
  unsigned char other_secret[LEDGER_SECRET_KEY_BYTES], other_public[LEDGER_PUBLIC_KEY_BYTES];
};

static void must(struct fleet *fleet, int rc) {
  if (rc != LEDGER_OK) fail_msg("%d %s", rc, ledger_error_of(fleet->db)->message);
}

static void fleet_user(struct fleet *fleet, int number, size_t name_length) {
  char *name = malloc(name_length + 1);
  struct test_random random = {.state = (uint64_t)number};
  for (size_t i = 0; i < name_length; i++) name[i] = (char)('a' + random_below(&random, 26));
  name[name_length] = 0;
  char *change = sqlite3_mprintf("{\"table\":\"users\",\"row\":{\"email\":\"u%d@x.co\",\"password_hash\":\"!\",\"two_factor_secret\":\"U;\","
                                 "\"last_name\":\"it's\",\"first_name\":\"%s\"}}",
                                 number, name);
  must(fleet, ledger_apply(fleet->db, change, -1, NULL, NULL));
  sqlite3_free(change);
  free(name);
}

static int64_t fleet_cut(struct fleet *fleet) {
  int64_t seq;
  must(fleet, ledger_batch_cut(fleet->db, &seq));
  return seq;
}

static struct bytes fleet_seal(struct fleet *fleet, int64_t since, int64_t expected) {
  struct bytes out = {.at = NULL};
  int64_t first = -1, last = -1;
  must(fleet, ledger_bundle_seal(fleet->db, since, fleet->secret, &first, &last, bytes_write, &out));
  assert_int_equal(first > 0 ? last - first + 1 : last - first, expected);
  return out;
}

static int fleet_setup(void **state) {
  struct fleet *fleet = calloc(1, sizeof *fleet);
  *state = fleet;
  if (ledger_create(":memory:", ledger_schema("full"), LEDGER_NO_SEED, &fleet->db) != LEDGER_OK) return 1;
  ledger_main_key(fleet->main_key);
  ledger_main_public_key(fleet->main_key, fleet->main_public);
  ledger_signing_key(fleet->secret, fleet->public_key);
  ledger_signing_key(fleet->other_secret, fleet->other_public);
  return ledger_set_main_key(fleet->db, fleet->main_public, 0) == LEDGER_OK ? 0 : 1;
}

static int fleet_teardown(void **state) {
  struct fleet *fleet = *state;
  ledger_close(fleet->db);
  free(fleet);
  return 0;
}

/* Three batches. */
static struct bytes fleet_small(struct fleet *fleet) {
  for (int i = 1; i <= 3; i++) {
    fleet_user(fleet, i, 3);
    assert_int_equal(fleet_cut(fleet), i);
  }
  return fleet_seal(fleet, 0, 3);
}

static struct bytes kept_script(struct fleet *fleet, int64_t first, int64_t last, enum ledger_export_format format) {
  struct bytes out = {.at = NULL};
  for (int64_t seq = first; seq <= last; seq++) must(fleet, ledger_batch_script(fleet->db, seq, format, bytes_write, &out));
  return out;
}

static void assert_bytes(const struct bytes *a, const struct bytes *b) {
  assert_int_equal(a->length, b->length);
  if (a->length > 0) assert_memory_equal(a->at, b->at, a->length);
}

/* Opens, verifies and prints it all; the first error. Whatever is refused, nothing of it is printed. */
static int try_all(struct fleet *fleet, struct bytes *bundle, const unsigned char *sender, struct bytes *script, ledger_error *error) {
  ledger_bundle *opened;
  int rc = ledger_bundle_open(bytes_read, bundle, (int64_t)bundle->length, &opened);
  assert_non_null(opened);
  int first = rc;
  if (rc == LEDGER_OK) first = rc = ledger_bundle_verify(opened, fleet->main_key, sender, NULL, NULL);
  *error = *ledger_bundle_error(opened);
  int printed = ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, script);
  if (rc != LEDGER_OK) {
    assert_int_equal(printed, LEDGER_MISUSE);
    assert_int_equal(script->length, 0);
    assert_true(error->message[0] != 0);
  } else
    first = printed;
  ledger_bundle_close(opened);
  return first;
}

static int try_bundle(struct fleet *fleet, struct bytes *bundle, const unsigned char *sender) {
  struct bytes script = {.at = NULL};
  ledger_error error;
  int rc = try_all(fleet, bundle, sender, &script, &error);
  bytes_free(&script);
  return rc;
}

/* ---- what is sealed comes out */

static int note_batch(void *context, int64_t seq, const char *hash) {
  int64_t *next = context;
  assert_int_equal(seq, *next);
  assert_int_equal(strlen(hash), 64);
  (*next)++;
  return 0;
}

static void assert_opens(struct fleet *fleet, struct bytes *bundle, int64_t first, int64_t last) {
  ledger_bundle *opened;
  int64_t next = first;
  assert_int_equal(ledger_bundle_open(bytes_read, bundle, (int64_t)bundle->length, &opened), LEDGER_OK);
  const ledger_bundle_facts *facts = ledger_bundle_get_facts(opened);
  assert_int_equal(facts->first, first);
  assert_int_equal(facts->last, last);
  assert_int_equal(facts->bytes, bundle->length);
  assert_int_equal(strlen(facts->previous), first == 1 ? 0 : 64);
  assert_int_equal(ledger_bundle_check_signature(opened, fleet->public_key), LEDGER_OK);
  assert_int_equal(ledger_bundle_verify(opened, fleet->main_key, fleet->public_key, note_batch, &next), LEDGER_OK);
  assert_int_equal(next, last + 1);
  for (int format = LEDGER_EXPORT_COPY; format <= LEDGER_EXPORT_INSERT; format++)
    for (int64_t after = first - 1; after <= last; after += last - first) {
      struct bytes wanted = kept_script(fleet, after + 1, last, (enum ledger_export_format)format), script = {.at = NULL};
      assert_int_equal(ledger_bundle_script(opened, after, (enum ledger_export_format)format, bytes_write, &script), LEDGER_OK);
      assert_bytes(&script, &wanted);
      bytes_free(&wanted);
      bytes_free(&script);
    }
  ledger_bundle_close(opened);
}

static void test_round_trip(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet), later = fleet_seal(fleet, 2, 2);
  assert_opens(fleet, &bundle, 1, 3);
  assert_opens(fleet, &later, 2, 3);
  assert_null(memmem(bundle.at, bundle.length, "u1@x.co", 7)); /* it is not to be read by those who carry it */
  bytes_free(&bundle);
  bytes_free(&later);
}

/* Many chunks, of text that does not compress; and lengths around the edge of a chunk. */
static void test_large(void **state) {
  struct fleet *fleet = *state;
  for (int i = 1; i <= 5; i++) {
    for (int k = 0; k < 40; k++) fleet_user(fleet, 1000 * i + k, (size_t)(211 * k * i));
    fleet_cut(fleet);
  }
  struct bytes bundle = fleet_seal(fleet, 0, 5);
  assert_true(bundle.length > 10 * 64 * 1024);
  assert_opens(fleet, &bundle, 1, 5);
  struct bytes cut = bytes_copy(&bundle);
  size_t chunk = 64 * 1024 + SEAL_STREAM_MORE_BYTES;
  for (size_t length = bundle.length % chunk; length < bundle.length; length += chunk)
    for (size_t by = 0; by < 3; by++) {
      cut.length = length + by;
      assert_int_not_equal(try_bundle(fleet, &cut, NULL), LEDGER_OK);
    }
  bytes_free(&cut);
  bytes_free(&bundle);
}

static void test_nothing(void **state) {
  struct fleet *fleet = *state;
  struct bytes out = fleet_seal(fleet, 0, 0);
  assert_int_equal(out.length, 0);
  fleet_user(fleet, 1, 1);
  out = fleet_seal(fleet, 0, 0); /* not cut */
  assert_int_equal(out.length, 0);
  assert_int_equal(fleet_cut(fleet), 1);
  out = fleet_seal(fleet, 2, 0);
  assert_int_equal(out.length, 0);
}

static void test_refused_sealing(void **state) {
  struct fleet *fleet = *state;
  struct bytes out = {.at = NULL};
  int64_t first, last;
  struct bytes bundle = fleet_small(fleet);
  bytes_free(&bundle);
  assert_int_equal(ledger_bundle_seal(fleet->db, 0, NULL, &first, &last, bytes_write, &out), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_seal(fleet->db, -1, fleet->secret, &first, &last, bytes_write, &out), LEDGER_MISUSE);
  for (size_t after = 1; after < 1000; after += 90) {
    out.fail_after = after;
    assert_int_equal(ledger_bundle_seal(fleet->db, 0, fleet->secret, &first, &last, bytes_write, &out), LEDGER_IO);
    assert_int_equal(first + last, 0);
    out.length = 0;
  }
  out.fail_after = 0;
  /* what rotted in the file is found before it is carried away */
  sqlite3_exec(fleet->db->sqlite, "UPDATE ledger_batch_chunk SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE seq = 2", NULL, NULL, NULL);
  assert_int_equal(ledger_bundle_seal(fleet->db, 0, fleet->secret, &first, &last, bytes_write, &out), LEDGER_ALTERED);
  assert_int_equal(ledger_bundle_seal(fleet->db, 3, fleet->secret, &first, &last, bytes_write, &out), LEDGER_OK);
  sqlite3_exec(fleet->db->sqlite, "DELETE FROM ledger_batch_chunk WHERE seq = 3", NULL, NULL, NULL);
  assert_int_equal(ledger_bundle_seal(fleet->db, 3, fleet->secret, &first, &last, bytes_write, &out), LEDGER_UNKNOWN_REFERENCE);
  sqlite3_exec(fleet->db->sqlite, "UPDATE ledger_batch SET header = replace(header, '\"rows\":1', '\"rows\":2') WHERE seq = 1", NULL, NULL, NULL);
  assert_int_equal(ledger_bundle_seal(fleet->db, 1, fleet->secret, &first, &last, bytes_write, &out), LEDGER_ALTERED);
  sqlite3_exec(fleet->db->sqlite, "UPDATE ledger_sync_state SET main_key = zeroblob(64)", NULL, NULL, NULL);
  out.length = 0;
  assert_int_equal(ledger_bundle_seal(fleet->db, 0, fleet->secret, &first, &last, bytes_write, &out), LEDGER_WRONG_KEY);
  assert_int_equal(out.length, 0);
  sqlite3_exec(fleet->db->sqlite, "UPDATE ledger_sync_state SET main_key = NULL", NULL, NULL, NULL);
  assert_int_equal(ledger_bundle_seal(fleet->db, 0, fleet->secret, &first, &last, bytes_write, &out), LEDGER_UNKNOWN_REFERENCE);
  bytes_free(&out);
}

/* ---- what is altered does not */

static void test_every_byte(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  for (size_t i = 0; i < bundle.length; i++)
    for (int change = 1; change <= 0x80; change *= 0x80) {
      bundle.at[i] ^= (unsigned char)change;
      int rc = try_bundle(fleet, &bundle, NULL);
      if (rc == LEDGER_OK) fail_msg("byte %zu of %zu changed by %02x", i, bundle.length, (unsigned)change);
      assert_true(rc == LEDGER_ALTERED || (i < 8 && rc == LEDGER_INVALID_FIELD) || (i < 12 && rc == LEDGER_NEWER_BATCH));
      bundle.at[i] ^= (unsigned char)change;
    }
  assert_int_equal(try_bundle(fleet, &bundle, fleet->public_key), LEDGER_OK);
  bytes_free(&bundle);
}

static void test_every_length(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  size_t whole = bundle.length;
  for (bundle.length = 0; bundle.length < whole; bundle.length++)
    if (try_bundle(fleet, &bundle, NULL) != LEDGER_ALTERED) fail_msg("%zu bytes of %zu", bundle.length, whole);
  for (int i = 0; i < 200; i++) {
    assert_int_equal(bytes_write(&bundle, i % 2 ? "\0" : "x", 1), 0);
    assert_int_equal(try_bundle(fleet, &bundle, NULL), LEDGER_ALTERED);
  }
  /* twice, and another one behind it */
  bundle.length = whole;
  struct bytes twice = bytes_copy(&bundle);
  bytes_write(&twice, bundle.at, bundle.length);
  assert_int_equal(try_bundle(fleet, &twice, NULL), LEDGER_ALTERED);
  bytes_free(&twice);
  bytes_free(&bundle);
}

static void test_other_keys(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  assert_int_equal(try_bundle(fleet, &bundle, fleet->other_public), LEDGER_WRONG_KEY);
  assert_int_equal(try_bundle(fleet, &bundle, fleet->public_key), LEDGER_OK);
  unsigned char kept[LEDGER_MAIN_KEY_BYTES];
  memcpy(kept, fleet->main_key, sizeof kept);
  ledger_main_key(fleet->main_key);
  assert_int_equal(try_bundle(fleet, &bundle, fleet->public_key), LEDGER_WRONG_KEY);
  memcpy(fleet->main_key, kept, sizeof kept);
  bytes_free(&bundle);
}

/* ---- those who have keys of their own */

/* Signs what stands there with the key. */
static void sign_again(struct bytes *bundle, const unsigned char *secret) {
  char text[14 + 64 + 1] = "ledger bundle ";
  unsigned char hash[32];
  struct seal_blake2b state;
  seal_blake2b_init(&state);
  seal_blake2b_update(&state, bundle->at, bundle->length - 64);
  seal_blake2b_final(&state, hash);
  text_hex(hash, sizeof hash, text + 14);
  seal_sign(secret, text, sizeof text - 1, bundle->at + bundle->length - 64);
}

/* Another device takes the content of a bundle that it cannot read for its own. */
static void test_stolen(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  char mine[65], theirs[65];
  text_hex(fleet->public_key, 32, mine);
  text_hex(fleet->other_public, 32, theirs);
  sign_again(&bundle, fleet->secret);
  assert_int_equal(try_bundle(fleet, &bundle, NULL), LEDGER_OK);
  sign_again(&bundle, fleet->other_secret);
  assert_int_equal(try_bundle(fleet, &bundle, NULL), LEDGER_ALTERED);
  unsigned char *name = memmem(bundle.at, bundle.length, mine, 64);
  assert_non_null(name);
  memcpy(name, theirs, 64);
  sign_again(&bundle, fleet->other_secret);
  ledger_bundle *opened;
  assert_int_equal(ledger_bundle_open(bytes_read, &bundle, (int64_t)bundle.length, &opened), LEDGER_OK);
  assert_int_equal(ledger_bundle_check_signature(opened, fleet->other_public), LEDGER_OK);
  assert_int_equal(ledger_bundle_verify(opened, fleet->main_key, fleet->other_public, NULL, NULL), LEDGER_ALTERED);
  ledger_bundle_close(opened);
  bytes_free(&bundle);
}

/* Signed as it must be, each header and length says what it should not. */
static void test_lying_frame(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  struct test_random random = {.state = random_seed()};
  uint32_t header_length = bundle.at[12] | (uint32_t)bundle.at[13] << 8;
  for (size_t i = 0; i < 16 + (size_t)header_length; i++) {
    unsigned char kept = bundle.at[i];
    for (int round = 0; round < 4; round++) {
      bundle.at[i] = (unsigned char)(kept ^ (1 + random_below(&random, 255)));
      sign_again(&bundle, fleet->secret);
      assert_int_not_equal(try_bundle(fleet, &bundle, NULL), LEDGER_OK);
    }
    bundle.at[i] = kept;
  }
  sign_again(&bundle, fleet->secret);
  assert_int_equal(try_bundle(fleet, &bundle, NULL), LEDGER_OK);
  bytes_free(&bundle);
}

/* ---- a device that lies in its content */

struct lie {
  struct fleet *fleet;
  struct bytes bundle;
  struct bundle_writer *writer;
  struct sync_state state;
  struct bundle_chain chain;
};

static void lie_start(struct lie *lie, struct fleet *fleet, int64_t first, int64_t last, const char *hash) {
  *lie = (struct lie){.fleet = fleet, .writer = calloc(1, sizeof *lie->writer)};
  must(fleet, connection_enter(fleet->db));
  must(fleet, state_read(fleet->db, &lie->state));
  lie->state.cut_seq = last;
  lie->state.cut_hash_length = 32;
  assert_true(text_unhex(hash, 32, lie->state.cut_hash));
  lie->writer->db = fleet->db;
  lie->writer->write = bytes_write;
  lie->writer->context = &lie->bundle;
  seal_blake2b_init(&lie->writer->hash);
  char *header = bundle_header(&lie->state, first, "", fleet->secret);
  bundle_seal_prefix(lie->writer, &lie->state, header);
  sqlite3_free(header);
}

static void lie_put(struct lie *lie, const void *bytes, size_t length) {
  bundle_put(lie->writer, bytes, length);
}

static void lie_number(struct lie *lie, size_t number) {
  bundle_put_length(lie->writer, number);
}

static void lie_expect(struct lie *lie, int expected, const char *says) {
  struct bytes script = {.at = NULL};
  ledger_error error;
  bundle_flush(lie->writer, true);
  bundle_seal_signature(lie->writer, lie->fleet->secret);
  assert_int_equal(lie->writer->rc, LEDGER_OK);
  free(lie->writer);
  int rc = try_all(lie->fleet, &lie->bundle, lie->fleet->public_key, &script, &error);
  if (rc != expected || strstr(error.message, says) == NULL) fail_msg("%d, not %d: %s (not: %s)", rc, expected, error.message, says);
  bytes_free(&script);
  bytes_free(&lie->bundle);
}

/* The one batch that a lie is made of: a header as it must be around a body of its own. */
struct lie_batch {
  char header[2000];
  unsigned char packed[70000];
  size_t body_length, packed_length;
  char hash[65];
};

static void lie_batch_of(struct lie_batch *out, struct fleet *fleet, const char *device, int64_t seq, const char *previous, const char *body,
                         size_t length, int64_t says, const char *more) {
  struct sync_state state;
  unsigned char digest[32];
  struct seal_sha256 hash;
  must(fleet, connection_enter(fleet->db));
  must(fleet, state_read(fleet->db, &state));
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, body, length);
  seal_sha256_final(&hash, digest);
  char hex[65];
  text_hex(digest, 32, hex);
  snprintf(out->header, sizeof out->header,
           "{\"ledger_batch\":1,\"device\":\"%s\",\"epoch\":%lld,\"seq\":%lld,\"previous\":\"%s\",\"bytes\":%lld,\"body\":\"%s\"%s,"
           "\"tables\":[{\"schema\":\"public\",\"table\":\"users\",\"columns\":[\"id\"],\"deltas\":[],\"rows\":1,\"sum\":\"0\"}]}",
           device != NULL ? device : state.device, (long long)state.epoch, (long long)seq, previous, (long long)says, hex, more);
  seal_sha256_init(&hash);
  seal_sha256_update(&hash, out->header, strlen(out->header));
  seal_sha256_final(&hash, digest);
  text_hex(digest, 32, out->hash);
  struct deflater *deflater = deflate_open();
  assert_true(deflate_room(length) <= sizeof out->packed);
  out->body_length = length;
  out->packed_length = deflate_chunk(deflater, body, length, out->packed);
  deflate_close(deflater);
}

static void lie_header(struct lie *lie, const struct lie_batch *batch) {
  lie_number(lie, strlen(batch->header));
  lie_put(lie, batch->header, strlen(batch->header));
}

static void lie_chunk(struct lie *lie, const struct lie_batch *batch) {
  lie_number(lie, batch->body_length);
  lie_number(lie, batch->packed_length);
  lie_put(lie, batch->packed, batch->packed_length);
}

static const char lie_row[] = "1\tf\t00000000-0000-4000-8000-000000000001\n\\.\n";
#define LIE_ROW lie_row, sizeof lie_row - 1, (int64_t)sizeof lie_row - 1

static void test_lies(void **state) {
  struct fleet *fleet = *state;
  struct lie lie;
  struct lie_batch batch, second;
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  lie_batch_of(&second, fleet, NULL, 2, batch.hash, LIE_ROW, "");

  lie_start(&lie, fleet, 1, 1, batch.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_expect(&lie, LEDGER_OK, "");

  lie_start(&lie, fleet, 1, 2, second.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_header(&lie, &second);
  lie_chunk(&lie, &second);
  lie_expect(&lie, LEDGER_OK, "");

  /* nothing in it; a batch too few; more than its batches */
  lie_start(&lie, fleet, 1, 1, batch.hash);
  lie_expect(&lie, LEDGER_ALTERED, "its end is missing");
  lie_start(&lie, fleet, 1, 2, second.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_expect(&lie, LEDGER_ALTERED, "ends too early");
  lie_start(&lie, fleet, 1, 1, batch.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_put(&lie, "", 1);
  lie_expect(&lie, LEDGER_ALTERED, "more in it than its batches");
  lie_start(&lie, fleet, 1, 1, batch.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  for (int i = 0; i < 20000; i++) lie_put(&lie, "12345678", 8);
  lie_expect(&lie, LEDGER_ALTERED, "more in it than its batches");

  /* out of order, another last one than it names, one that does not follow */
  lie_start(&lie, fleet, 1, 2, second.hash);
  lie_header(&lie, &second);
  lie_chunk(&lie, &second);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_expect(&lie, LEDGER_ALTERED, "not the one that follows");
  lie_start(&lie, fleet, 1, 1, second.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_expect(&lie, LEDGER_ALTERED, "not the one that it names");
  lie_batch_of(&second, fleet, NULL, 2, second.hash, LIE_ROW, "");
  lie_start(&lie, fleet, 1, 2, second.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  lie_header(&lie, &second);
  lie_chunk(&lie, &second);
  lie_expect(&lie, LEDGER_ALTERED, "not the one that follows");
}

static void lie_of_header(struct fleet *fleet, const struct lie_batch *batch, int expected, const char *says) {
  struct lie lie;
  lie_start(&lie, fleet, 1, 1, batch->hash);
  lie_header(&lie, batch);
  lie_chunk(&lie, batch);
  lie_expect(&lie, expected, says);
}

static void test_lying_headers(void **state) {
  struct fleet *fleet = *state;
  static const char device[] = "00000000-0000-4000-8000-00000000000d";
  static const char *const twice[] = {",\"device\":\"00000000-0000-4000-8000-00000000000d\"", ",\"\\u0064evice\":\"x\"", ",\"seq\":1",
                                      ",\"epoch\":7", ",\"previous\":\"\"", ",\"ledger_batch\":1", ",\"bytes\":1"};
  struct lie_batch batch;
  lie_batch_of(&batch, fleet, device, 1, "", LIE_ROW, "");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "not the one that follows");
  for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) { /* main might read the other one */
    lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, twice[i]);
    lie_of_header(fleet, &batch, LEDGER_ALTERED, "");
  }
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, ",\"more\":{\"device\":[\"x\"]}");
  lie_of_header(fleet, &batch, LEDGER_OK, "");
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, ",\n\"more\":1");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "");
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, ",\"more\":\"\xff\"");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "");
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  memcpy(strstr(batch.header, "\"ledger_batch\":1"), "\"ledger_batch\":2", 16);
  lie_of_header(fleet, &batch, LEDGER_NEWER_BATCH, "newer");
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  strstr(batch.header, "}]}")[2] = ' ';
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "");
  lie_batch_of(&batch, fleet, NULL, 1, "", lie_row, sizeof lie_row - 1, 10, "");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "out of bounds"); /* more in the chunk than the header says */
  lie_batch_of(&batch, fleet, NULL, 1, "", lie_row, sizeof lie_row - 1, INT64_MAX, "");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "ends too early");
  lie_batch_of(&batch, fleet, NULL, 1, "", lie_row, sizeof lie_row - 1, 0, "");
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "shorter than its header says");
}

/* Rows that would be another statement, were they printed. */
static void test_lying_rows(void **state) {
  struct fleet *fleet = *state;
  static const char *const bodies[] = {"1\tf\tx\n\\.\nDROP TABLE users;\n", "1\tf\tx; DROP TABLE users\n\\.\n", "1\tf\n\\.\n",
                                       "1\tf\tx\ty\n\\.\n", "1\tf\tx\n1\tf\tx\n\\.\n", "\\.\n", "1\tf\tx\n", "1\tf\tx\n\\!id\n\\.\n"};
  struct lie_batch batch;
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    lie_batch_of(&batch, fleet, NULL, 1, "", bodies[i], strlen(bodies[i]), (int64_t)strlen(bodies[i]), "");
    lie_of_header(fleet, &batch, LEDGER_ALTERED, "");
  }
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, ""); /* another body than the one whose hash it has */
  struct deflater *deflater = deflate_open();
  char other[sizeof lie_row];
  memcpy(other, lie_row, sizeof other);
  other[0] = '2';
  batch.packed_length = deflate_chunk(deflater, other, sizeof other - 1, batch.packed);
  deflate_close(deflater);
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "hash");
}

static void lie_of_lengths(struct fleet *fleet, size_t body, size_t packed_says, size_t packed) {
  struct lie lie;
  struct lie_batch batch;
  static const unsigned char zeros[256 * 1024];
  lie_batch_of(&batch, fleet, NULL, 1, "", lie_row, sizeof lie_row - 1, 1 << 30, "");
  lie_start(&lie, fleet, 1, 1, batch.hash);
  lie_header(&lie, &batch);
  lie_number(&lie, body);
  lie_number(&lie, packed_says);
  lie_put(&lie, zeros, packed);
  lie_expect(&lie, LEDGER_ALTERED, "");
}

static void test_lying_lengths(void **state) {
  struct fleet *fleet = *state;
  static const size_t lengths[] = {0, 1, 64 * 1024, 64 * 1024 + 1, 66 * 1024 + 1, 1 << 20, 0x7fffffff, 0x80000000, 0xffffffff};
  struct lie_batch batch;
  struct lie lie;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
      lie_of_lengths(fleet, lengths[i], lengths[k], 0);
      lie_of_lengths(fleet, lengths[i], lengths[k], 70000);
    }
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) { /* of the header of a batch */
    lie_start(&lie, fleet, 1, 1, batch.hash);
    lie_number(&lie, lengths[i]);
    lie_put(&lie, batch.header, strlen(batch.header));
    lie_expect(&lie, LEDGER_ALTERED, "");
  }
}

/* A chunk that says 100 bytes and expands to 60 KB; one that says 64 KB and is 100 bytes. */
static void test_bomb(void **state) {
  struct fleet *fleet = *state;
  static char zeros[60000];
  struct lie_batch batch;
  lie_batch_of(&batch, fleet, NULL, 1, "", zeros, sizeof zeros, sizeof zeros, "");
  assert_true(batch.packed_length < 600);
  batch.body_length = 100;
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "not compressed as it says");
  lie_batch_of(&batch, fleet, NULL, 1, "", zeros, 100, sizeof zeros, "");
  batch.body_length = sizeof zeros;
  lie_of_header(fleet, &batch, LEDGER_ALTERED, "not compressed as it says");
}

static void lie_content(struct bytes *content, const struct lie_batch *batch) {
  unsigned char number[4];
  bundle_put_number(number, strlen(batch->header));
  bytes_write(content, number, 4);
  bytes_write(content, batch->header, strlen(batch->header));
  bundle_put_number(number, batch->body_length);
  bytes_write(content, number, 4);
  bundle_put_number(number, batch->packed_length);
  bytes_write(content, number, 4);
  bytes_write(content, batch->packed, batch->packed_length);
}

/* Encrypted and signed as it must be, with bytes changed, left out, doubled and moved. LEDGER_TEST_COUNT: rounds. */
static void test_random_content(void **state) {
  struct fleet *fleet = *state;
  struct test_random random = {.state = random_seed()};
  struct lie_batch batch, second;
  struct bytes content = {.at = NULL}, wanted = {.at = NULL};
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  lie_batch_of(&second, fleet, NULL, 2, batch.hash, LIE_ROW, "");
  lie_content(&content, &batch);
  lie_content(&content, &second);
  for (int round = 0; round < random_count(2000); round++) {
    struct bytes other = bytes_copy(&content);
    struct lie lie;
    for (int edits = round == 0 ? 0 : 1 + random_below(&random, 3); edits > 0; edits--) {
      size_t at = (size_t)random_below(&random, (int)other.length), length = (size_t)random_below(&random, 9) + 1;
      if (length > other.length - at) length = other.length - at;
      switch (random_below(&random, 3)) {
      case 0: other.at[at] ^= (unsigned char)(1 << random_below(&random, 8)); break;
      case 1:
        memmove(other.at + at, other.at + at + length, other.length - at - length);
        other.length -= length;
        break;
      default: {
        unsigned char copy[9];
        memcpy(copy, other.at + at, length);
        bytes_write(&other, copy, length);
      }
      }
    }
    lie_start(&lie, fleet, 1, 2, second.hash);
    lie_put(&lie, other.at, other.length);
    bundle_flush(lie.writer, true);
    bundle_seal_signature(lie.writer, fleet->secret);
    free(lie.writer);
    struct bytes script = {.at = NULL};
    ledger_error error;
    bool is_same = other.length == content.length && memcmp(other.at, content.at, content.length) == 0;
    int rc = try_all(fleet, &lie.bundle, fleet->public_key, &script, &error);
    if (is_same) assert_int_equal(rc, LEDGER_OK);
    if (rc == LEDGER_OK) { /* the last bits of what is compressed mean nothing */
      if (wanted.length == 0) wanted = bytes_copy(&script);
      assert_bytes(&script, &wanted);
    } else
      assert_true(rc == LEDGER_ALTERED || rc == LEDGER_NEWER_BATCH);
    bytes_free(&script);
    bytes_free(&lie.bundle);
    bytes_free(&other);
  }
  bytes_free(&content);
  bytes_free(&wanted);
}

/* ---- a file that changes while it is read */

struct turncoat {
  struct bytes first, then;
  int turns_at; /* the read from which on it is another one */
  int reads;
};

static int turncoat_read(void *context, int64_t offset, void *bytes, size_t length) {
  struct turncoat *file = context;
  return bytes_read(++file->reads >= file->turns_at && file->turns_at > 0 ? &file->then : &file->first, offset, bytes, length);
}

/* Whenever it becomes another one, no other statement comes out than those of the first, and no batch of it without its end. */
static void turn(struct fleet *fleet, struct turncoat *file, const struct bytes *wanted) {
  for (file->turns_at = 1;; file->turns_at++) {
    ledger_bundle *opened;
    struct bytes script = {.at = NULL};
    file->reads = 0;
    int rc = ledger_bundle_open(turncoat_read, file, (int64_t)file->first.length, &opened);
    if (rc == LEDGER_OK) rc = ledger_bundle_verify(opened, fleet->main_key, fleet->public_key, NULL, NULL);
    if (rc == LEDGER_OK) rc = ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, &script);
    ledger_bundle_close(opened);
    assert_true(script.length <= wanted->length);
    if (script.length > 0) assert_memory_equal(script.at, wanted->at, script.length);
    if (rc == LEDGER_OK) assert_int_equal(script.length, wanted->length);
    bytes_free(&script);
    if (file->reads < file->turns_at) break;
  }
  assert_true(file->turns_at > 5);
}

static void test_turncoat(void **state) {
  struct fleet *fleet = *state;
  struct lie lie;
  struct lie_batch batch;
  struct turncoat file = {.first = fleet_small(fleet)};
  struct bytes wanted = kept_script(fleet, 1, 3, LEDGER_EXPORT_COPY);
  file.then = bytes_copy(&file.first); /* a chunk that is not whole */
  file.then.at[file.then.length - 100] ^= 1;
  file.then.at[40] ^= 1;
  turn(fleet, &file, &wanted);
  bytes_free(&file.then);
  file.then = fleet_seal(fleet, 0, 3); /* the same content under another key */
  turn(fleet, &file, &wanted);
  bytes_free(&file.first);
  bytes_free(&file.then);
  bytes_free(&wanted);

  /* Somebody else's, unsigned, whose place the true one takes while the signature is looked at. */
  lie_batch_of(&batch, fleet, NULL, 1, "", LIE_ROW, "");
  lie_start(&lie, fleet, 1, 3, batch.hash);
  lie_header(&lie, &batch);
  lie_chunk(&lie, &batch);
  bundle_flush(lie.writer, true);
  bundle_seal_signature(lie.writer, fleet->other_secret);
  free(lie.writer);
  file = (struct turncoat){.first = lie.bundle, .then = fleet_seal(fleet, 0, 3), .turns_at = 3};
  ledger_bundle *opened;
  assert_int_equal(ledger_bundle_open(turncoat_read, &file, (int64_t)file.first.length, &opened), LEDGER_OK);
  assert_int_not_equal(ledger_bundle_check_signature(opened, fleet->public_key), LEDGER_OK);
  ledger_bundle_close(opened);
  bytes_free(&file.first);
  bytes_free(&file.then);
}

/* ---- the rest */

static int read_nothing(void *context, int64_t offset, void *bytes, size_t length) {
  (void)context, (void)offset, (void)bytes, (void)length;
  return 1;
}

static int stop_batch(void *context, int64_t seq, const char *hash) {
  (void)context, (void)hash;
  return seq == 2;
}

static void test_misuse(void **state) {
  struct fleet *fleet = *state;
  ledger_bundle *opened = NULL;
  struct bytes bundle = fleet_small(fleet), script = {.at = NULL};
  assert_int_equal(ledger_bundle_open(NULL, NULL, 10, &opened), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_open(bytes_read, &bundle, -1, &opened), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_open(bytes_read, &bundle, 10, NULL), LEDGER_MISUSE);
  ledger_bundle_close(NULL);
  assert_int_equal(ledger_bundle_error(NULL)->code, LEDGER_MEMORY);
  assert_null(ledger_bundle_get_facts(NULL));
  assert_int_equal(ledger_bundle_verify(NULL, fleet->main_key, NULL, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_script(NULL, 0, LEDGER_EXPORT_COPY, bytes_write, &script), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_open(read_nothing, NULL, 1000, &opened), LEDGER_IO);
  assert_int_equal(ledger_bundle_verify(opened, fleet->main_key, NULL, NULL, NULL), LEDGER_MISUSE);
  ledger_bundle_close(opened);
  assert_int_equal(ledger_bundle_open(bytes_read, &bundle, (int64_t)bundle.length, &opened), LEDGER_OK);
  assert_int_equal(ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, &script), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_verify(opened, NULL, NULL, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_verify(opened, fleet->main_key, NULL, stop_batch, NULL), LEDGER_INTERRUPTED);
  assert_int_equal(ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, &script), LEDGER_MISUSE);
  assert_int_equal(ledger_bundle_verify(opened, fleet->main_key, NULL, NULL, NULL), LEDGER_OK);
  script.fail_after = 500;
  assert_int_equal(ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, &script), LEDGER_IO);
  ledger_bundle_close(opened);
  assert_int_equal(script.length, 0); /* it was written in one piece */
  bytes_free(&bundle);
}

/* One seed gives the same keys for ever: what devices were told must go on being right. */
static void test_keys(void **state) {
  (void)state;
  unsigned char seed[LEDGER_MAIN_KEY_BYTES], public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES];
  char text[2 * LEDGER_MAIN_PUBLIC_KEY_BYTES + 1], name[33], line[] = "{\"ledger_ack\":1}";
  char signature[LEDGER_ACKNOWLEDGEMENT_SIGNATURE];
  unsigned char bytes[64];
  for (size_t i = 0; i < sizeof seed; i++) seed[i] = (unsigned char)i;
  ledger_main_public_key(seed, public_key);
  text_hex(public_key, sizeof public_key, text);
  assert_string_equal(text, "52be7def28c30531ca265b7414a8500a21b8ee580a75753e08fa83342852250fdbac6413d0ed59b19e8837f899b665420bf3d21a928973e62778cf493dc1a112");
  ledger_main_key_name(public_key, name);
  assert_string_equal(name, "e56048b7716db273679a77f19109f408");
  ledger_sign_acknowledgement(seed, line, signature);
  assert_int_equal(strlen(signature), sizeof signature - 1);
  assert_memory_equal(signature, "signature ", 10);
  assert_true(text_unhex(signature + 10, 64, bytes));
  assert_true(seal_sign_is_valid(public_key, line, strlen(line), bytes));
  line[2] = 'L';
  assert_false(seal_sign_is_valid(public_key, line, strlen(line), bytes));
}

/* Memory fails at each place in turn. */
static void test_memory(void **state) {
  struct fleet *fleet = *state;
  struct bytes bundle = fleet_small(fleet);
  int64_t all = 0;
  for (int64_t n = 0;; n = memory_next(n, all, 400)) {
    struct bytes again = {.at = NULL}, script = {.at = NULL};
    int64_t first, last;
    ledger_bundle *opened = NULL;
    memory_arm(n, false);
    int rc = ledger_bundle_seal(fleet->db, 0, fleet->secret, &first, &last, bytes_write, &again);
    memory_assert("seal", n, rc, ledger_error_of(fleet->db));
    rc = ledger_bundle_open(bytes_read, &bundle, (int64_t)bundle.length, &opened);
    if (rc == LEDGER_OK) rc = ledger_bundle_verify(opened, fleet->main_key, fleet->public_key, NULL, NULL);
    if (rc == LEDGER_OK) rc = ledger_bundle_script(opened, 0, LEDGER_EXPORT_COPY, bytes_write, &script);
    memory_assert("open", n, rc, ledger_bundle_error(opened));
    bool is_over = n > 0 && memory.calls < n;
    if (n == 0) all = memory.calls;
    memory_arm(0, false);
    ledger_bundle_close(opened);
    bytes_free(&again);
    bytes_free(&script);
    if (is_over) break;
  }
  bytes_free(&bundle);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fleet_setup, fleet_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_round_trip), TEST(test_large),        TEST(test_nothing),       TEST(test_refused_sealing),
      TEST(test_every_byte), TEST(test_every_length), TEST(test_other_keys),    TEST(test_stolen),
      TEST(test_lying_frame), TEST(test_lies),        TEST(test_lying_headers), TEST(test_lying_rows),
      TEST(test_lying_lengths), TEST(test_bomb),      TEST(test_random_content), TEST(test_turncoat),
      TEST(test_misuse),
      cmocka_unit_test(test_keys), TEST(test_memory),
  };
  return cmocka_run_group_tests(tests, memory_setup, NULL);
}
