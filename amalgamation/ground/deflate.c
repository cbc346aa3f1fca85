/*
** deflate.c: compression of chunks of bytes (RFC 1951, without zlib's head and sum: what is compressed here is hashed by those
** who keep it). The only file that includes zlib.h. zlib's memory is SQLite's, so that its limits hold for it, too.
*/
#include "../internal.h"

#include <zlib.h>

#define DEFLATE_WINDOW (-15) /* 32 KB, raw */
#define DEFLATE_MEMORY 8
#define DEFLATE_LEVEL                                                                              \
  3 /* rows compress to a third at any level; the higher ones take several times as long */

struct deflater {
  z_stream stream;
};

static voidpf deflate_allocate(voidpf context, uInt count, uInt bytes) {
  (void)context;
  return sqlite3_malloc64((sqlite3_uint64)count * bytes);
}

static void deflate_free(voidpf context, voidpf block) {
  (void)context;
  sqlite3_free(block);
}

static void deflate_prepare(z_stream *stream, const void *bytes, size_t length, void *out,
                            size_t room) {
  stream->next_in = (z_const Bytef *)bytes;
  stream->avail_in = (uInt)length;
  stream->next_out = out;
  stream->avail_out = (uInt)room;
}

LEDGER_PRIVATE struct deflater *deflate_open(void) {
  struct deflater *deflater = sqlite3_malloc64(sizeof *deflater);
  if (deflater == NULL) return NULL;
  memset(deflater, 0, sizeof *deflater);
  deflater->stream.zalloc = deflate_allocate;
  deflater->stream.zfree = deflate_free;
  if (deflateInit2(&deflater->stream, DEFLATE_LEVEL, Z_DEFLATED, DEFLATE_WINDOW, DEFLATE_MEMORY,
                   Z_DEFAULT_STRATEGY) == Z_OK)
    return deflater;
  sqlite3_free(deflater);
  return NULL;
}

LEDGER_PRIVATE void deflate_close(struct deflater *deflater) {
  if (deflater == NULL) return;
  deflateEnd(&deflater->stream);
  sqlite3_free(deflater);
}

LEDGER_PRIVATE size_t deflate_room(size_t length) {
  return length + length / 1000 +
         64; /* more than zlib's own bound, of which the head and the sum are not used */
}

LEDGER_PRIVATE size_t deflate_chunk(struct deflater *deflater, const void *bytes, size_t length,
                                    void *out) {
  assert(length <= DEFLATE_CHUNK_MAX);
  size_t room = deflate_room(length);
  deflateReset(&deflater->stream);
  deflate_prepare(&deflater->stream, bytes, length, out, room);
  int rc = deflate(&deflater->stream, Z_FINISH);
  assert(rc == Z_STREAM_END); /* there is room */
  (void)rc;
  return room - deflater->stream.avail_out;
}

LEDGER_PRIVATE int deflate_restore(const void *bytes, size_t length, void *out, size_t expected) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  stream.zalloc = deflate_allocate;
  stream.zfree = deflate_free;
  if (length > DEFLATE_CHUNK_MAX || expected > DEFLATE_CHUNK_MAX) return LEDGER_ALTERED;
  if (inflateInit2(&stream, DEFLATE_WINDOW) != Z_OK) return LEDGER_MEMORY;
  deflate_prepare(&stream, bytes, length, out, expected);
  int rc = inflate(&stream, Z_FINISH);
  bool is_whole = rc == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  inflateEnd(&stream);
  if (is_whole) return LEDGER_OK;
  return rc == Z_MEM_ERROR ? LEDGER_MEMORY : LEDGER_ALTERED;
}
