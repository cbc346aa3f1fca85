/*
** text: text that grows, and memory that lives as long as a request.
*/
#include "server.h"

static bool text_room(struct web_text *text, size_t more) {
  if (text->failed) return false;
  if (text->room - text->length > more) return true;
  size_t room = text->room ? text->room : 256;
  while (room - text->length <= more) room *= 2;
  char *bytes = realloc(text->bytes, room);
  if (!bytes) {
    text->failed = true;
    return false;
  }
  text->bytes = bytes;
  text->room = room;
  return true;
}

static void web_text_add(struct web_text *text, const char *bytes, size_t length) {
  if (!text_room(text, length)) return;
  if (length > 0) memcpy(text->bytes + text->length, bytes, length);
  text->length += length;
  text->bytes[text->length] = '\0';
}

static void web_text_put(struct web_text *text, const char *string) {
  web_text_add(text, string, strlen(string));
}

static void text_format(struct web_text *text, const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  if (text_room(text, 128)) {
    size_t room = text->room - text->length;
    int length = vsnprintf(text->bytes + text->length, room, format, arguments);
    if (length < 0)
      text->failed = true;
    else if ((size_t)length >= room && text_room(text, (size_t)length))
      vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
    if (!text->failed) text->length += (size_t)length;
  }
  va_end(again);
}

/* A number without vsnprintf(), for what every reply has. */
static void text_number(struct web_text *text, size_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  web_text_add(text, digits + at, sizeof digits - at);
}

static void web_text_format(struct web_text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  text_format(text, format, arguments);
  va_end(arguments);
}

/* Bytes of the UTF-8 sequence at `at`, which ends with a NUL; 0 if it is none. */
static int text_utf8(const unsigned char *at) {
  int length = at[0] < 0x80                    ? 1
               : at[0] >= 0xc2 && at[0] < 0xe0 ? 2
               : at[0] >= 0xe0 && at[0] < 0xf0 ? 3
               : at[0] >= 0xf0 && at[0] < 0xf5 ? 4
                                               : 0;
  for (int i = 1; i < length; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0)) return 0;
  if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90)) return 0;
  return length;
}

static void web_text_json(struct web_text *text, const char *string) {
  if (!string) {
    web_text_put(text, "null");
    return;
  }
  web_text_put(text, "\"");
  const unsigned char *at = (const unsigned char *)string;
  while (*at) {
    const unsigned char *plain = at;
    int length;
    while (*at >= 0x20 && *at != '"' && *at != '\\' && (length = text_utf8(at)) > 0) at += length;
    web_text_add(text, (const char *)plain, (size_t)(at - plain));
    if (*at == '\0') break;
    if (*at == '"' || *at == '\\')
      web_text_format(text, "\\%c", *at);
    else if (*at < 0x20)
      web_text_format(text, "\\u%04x", *at);
    else
      web_text_put(text, "\xef\xbf\xbd");
    at++;
  }
  web_text_put(text, "\"");
}

static void web_text_free(struct web_text *text) {
  free(text->bytes);
  memset(text, 0, sizeof *text);
}

/* Empties it; a large buffer is given back. */
static void text_clear(struct web_text *text) {
  if (text->room > SERVER_KEEP_BYTES || text->failed) web_text_free(text);
  text->length = 0;
  if (text->bytes) text->bytes[0] = '\0';
}

/* ---- scratch: the buffers of a request */

enum { SCRATCH_BLOCK = 8 * 1024 };

struct web_kept {
  struct web_kept *next;
  max_align_t bytes[];
};

static struct web_scratch *scratch_take(struct web_server *server) {
  pthread_mutex_lock(&server->scratch_mutex);
  struct web_scratch *scratch = server->scratch;
  if (scratch) server->scratch = scratch->next;
  pthread_mutex_unlock(&server->scratch_mutex);
  if (scratch) return scratch;
  scratch = calloc(1, sizeof *scratch);
  if (scratch) scratch->block = malloc(SCRATCH_BLOCK);
  if (!scratch || scratch->block) return scratch;
  free(scratch);
  return NULL;
}

static void scratch_clear(struct web_scratch *scratch) {
  text_clear(&scratch->head);
  text_clear(&scratch->headers);
  text_clear(&scratch->body);
  scratch->used = 0;
  while (scratch->kept) {
    struct web_kept *kept = scratch->kept;
    scratch->kept = kept->next;
    free(kept);
  }
  if (scratch->answer.room > 2 * SERVER_KEEP_BYTES) ledger_answer_free(&scratch->answer);
}

static void scratch_give(struct web_server *server, struct web_scratch *scratch) {
  scratch_clear(scratch);
  pthread_mutex_lock(&server->scratch_mutex);
  scratch->next = server->scratch;
  server->scratch = scratch;
  pthread_mutex_unlock(&server->scratch_mutex);
}

static void scratch_free_all(struct web_server *server) {
  while (server->scratch) {
    struct web_scratch *scratch = server->scratch;
    server->scratch = scratch->next;
    scratch_clear(scratch);
    web_text_free(&scratch->head);
    web_text_free(&scratch->headers);
    web_text_free(&scratch->body);
    ledger_answer_free(&scratch->answer);
    free(scratch->block);
    free(scratch);
  }
}

static void *web_keep(struct web_request *request, size_t size) {
  struct web_scratch *scratch = request->scratch;
  size_t aligned = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
  if (size <= SCRATCH_BLOCK && aligned <= SCRATCH_BLOCK - scratch->used) {
    void *memory = scratch->block + scratch->used;
    scratch->used += aligned;
    return memory;
  }
  if (size > SIZE_MAX - sizeof(struct web_kept)) return NULL;
  struct web_kept *kept = malloc(sizeof *kept + size);
  if (!kept) return NULL;
  kept->next = scratch->kept;
  scratch->kept = kept;
  return kept->bytes;
}

static char *web_keep_text(struct web_request *request, const char *text, size_t length) {
  char *kept = web_keep(request, length + 1);
  if (!kept) return NULL;
  memcpy(kept, text, length);
  kept[length] = '\0';
  return kept;
}
