/*
** script: writes SQL for PostgreSQL, byte by byte through one fixed buffer: names, literals, COPY lines.
**
** COPY data is encoded so that no byte of it can act, even in a psql older than August 2026 that runs the data lines as
** SQL after a COPY that failed to start (CVE-2026-6464): ';', the backslash and every control byte travel as octal escapes.
*/
#include "../internal.h"

/* Bytes of COPY text that must be escaped. */
static bool script_is_unsafe(unsigned char c) {
  return c < 0x20 || c == ';' || c == '\\' || c == 0x7f;
}

static void script_flush(struct script *script) {
  if (script->length > 0 && script->rc == LEDGER_OK &&
      script->write(script->context, script->bytes, script->length) != 0)
    script->rc = LEDGER_IO;
  script->length = 0;
}

LEDGER_PRIVATE void script_start(struct script *script, int (*write)(void *, const void *, size_t),
                                 void *context) {
  script->write = write;
  script->context = context;
  script->length = 0;
  script->rc = LEDGER_OK;
}

LEDGER_PRIVATE int script_end(struct script *script) {
  script_flush(script);
  return script->rc;
}

LEDGER_PRIVATE void script_bytes(struct script *script, const char *bytes, size_t length) {
  while (length > SCRIPT_BUFFER - script->length) {
    size_t part = SCRIPT_BUFFER - script->length;
    memcpy(script->bytes + script->length, bytes, part);
    script->length += part;
    bytes += part;
    length -= part;
    script_flush(script);
  }
  memcpy(script->bytes + script->length, bytes, length);
  script->length += length;
}

LEDGER_PRIVATE void script_text(struct script *script, const char *text) {
  script_bytes(script, text, strlen(text));
}

/* "name", quotes doubled. */
LEDGER_PRIVATE void script_name(struct script *script, const char *name) {
  script_bytes(script, "\"", 1);
  for (const char *quote; (quote = strchr(name, '"')) != NULL; name = quote + 1) {
    script_bytes(script, name, (size_t)(quote - name) + 1);
    script_bytes(script, "\"", 1);
  }
  script_text(script, name);
  script_bytes(script, "\"", 1);
}

LEDGER_PRIVATE void script_table(struct script *script, const char *schema, const char *name) {
  script_name(script, schema);
  script_bytes(script, ".", 1);
  script_name(script, name);
}

/* 'text', quotes doubled; the script sets standard_conforming_strings. */
LEDGER_PRIVATE void script_literal(struct script *script, const char *text, size_t length) {
  script_bytes(script, "'", 1);
  for (const char *quote; (quote = memchr(text, '\'', length)) != NULL;) {
    size_t part = (size_t)(quote - text) + 1;
    script_bytes(script, text, part);
    script_bytes(script, "'", 1);
    text += part;
    length -= part;
  }
  script_bytes(script, text, length);
  script_bytes(script, "'", 1);
}

/* Eight bytes that are printable ASCII and none of ';', '\\', DEL: each test leaves a byte's high bit set where it fails. */
static bool script_is_plain_word(uint64_t word) {
  const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
  uint64_t semicolon = word ^ (ones * ';'), backslash = word ^ (ones * '\\'),
           delete = word ^ (ones * 0x7f);
  uint64_t bad =
      word | (word - ones * 0x20) | (semicolon - ones) | (backslash - ones) | (delete - ones);
  return (bad & high) == 0;
}

LEDGER_PRIVATE bool script_copy_field(struct script *script, const char *text, size_t length) {
  bool is_ascii = true;
  for (size_t i = 0; i < length;) {
    if (SCRIPT_BUFFER - script->length < sizeof(uint64_t)) script_flush(script);
    char *out = script->bytes + script->length;
    uint64_t word;
    if (length - i >= sizeof word) {
      memcpy(&word, text + i, sizeof word);
      if (script_is_plain_word(word)) {
        memcpy(out, &word, sizeof word);
        script->length += sizeof word;
        i += sizeof word;
        continue;
      }
    }
    unsigned char c = (unsigned char)text[i++];
    if (c >= 0x80 || c == 0) is_ascii = false;
    if (script_is_unsafe(c)) {
      out[0] = '\\';
      out[1] = (char)('0' + (c >> 6));
      out[2] = (char)('0' + ((c >> 3) & 7));
      out[3] = (char)('0' + (c & 7));
      script->length += 4;
    } else {
      out[0] = (char)c;
      script->length++;
    }
  }
  return is_ascii;
}
