/*
** bytea.c: bytea. Stored as a blob; read in the hexadecimal and the escape format, printed in
** hexadecimal. Also the encodings of encode() and decode(), and md5().
*/
#include "../internal.h"

static const char bytea_digits[] = "0123456789abcdef";
static const char bytea_base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int bytea_hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

static bool bytea_is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Bytes of the character at `text`, for messages. */
static int bytea_character(const char *text, size_t length) {
  return (int)text_offset(text, length, 1);
}

static int bytea_bad_digit(const char *text, size_t length, ledger_error *error) {
  return error_set(error, LEDGER_INVALID_PARAMETER, "invalid hexadecimal digit: \"%.*s\"",
                   bytea_character(text, length), text);
}

static int bytea_from_hex(const char *text, size_t length, char *out, size_t *count,
                          ledger_error *error) {
  *count = 0;
  for (size_t i = 0; i < length;) {
    if (bytea_is_blank(text[i])) {
      i++;
      continue;
    }
    int high = bytea_hex_digit(text[i]);
    if (high < 0) return bytea_bad_digit(text + i, length - i, error);
    if (i + 1 >= length) {
      return error_set(error, LEDGER_INVALID_PARAMETER,
                       "invalid hexadecimal data: odd number of digits");
    }
    int low = bytea_hex_digit(text[i + 1]);
    if (low < 0) return bytea_bad_digit(text + i + 1, length - i - 1, error);
    out[(*count)++] = (char)(high << 4 | low);
    i += 2;
  }
  return LEDGER_OK;
}

/* A backslash stands before another one, or before three octal digits up to 377. */
static int bytea_from_escape(const char *text, size_t length, char *out, size_t *count,
                             ledger_error *error) {
  *count = 0;
  for (size_t i = 0; i < length;) {
    const char *c = text + i;
    size_t left = length - i;
    if (c[0] != '\\') {
      out[(*count)++] = c[0];
      i++;
    } else if (left >= 4 && c[1] >= '0' && c[1] <= '3' && c[2] >= '0' && c[2] <= '7' &&
               c[3] >= '0' && c[3] <= '7') {
      out[(*count)++] = (char)((c[1] - '0') << 6 | (c[2] - '0') << 3 | (c[3] - '0'));
      i += 4;
    } else if (left >= 2 && c[1] == '\\') {
      out[(*count)++] = '\\';
      i += 2;
    } else {
      return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type bytea");
    }
  }
  return LEDGER_OK;
}

static int bytea_from_base64(const char *text, size_t length, char *out, size_t *count,
                             ledger_error *error) {
  uint32_t bits = 0;
  int position = 0; /* in the group of four */
  int padding = 0;
  *count = 0;
  for (size_t i = 0; i < length; i++) {
    if (bytea_is_blank(text[i])) continue;
    uint32_t sextet = 0;
    if (text[i] == '=') {
      /* Only the third and fourth place of a group may be padding. */
      if (padding == 0) {
        if (position != 2 && position != 3) {
          return error_set(error, LEDGER_INVALID_PARAMETER,
                           "unexpected \"=\" while decoding base64 sequence");
        }
        padding = position;
      }
    } else {
      const char *found = text[i] != '\0' ? strchr(bytea_base64, text[i]) : NULL;
      if (!found) {
        return error_set(error, LEDGER_INVALID_PARAMETER,
                         "invalid symbol \"%.*s\" found while decoding base64 sequence",
                         bytea_character(text + i, length - i), text + i);
      }
      sextet = (uint32_t)(found - bytea_base64);
    }
    bits = bits << 6 | sextet;
    if (++position < 4) continue;
    out[(*count)++] = (char)(bits >> 16);
    if (padding == 0 || padding > 2) out[(*count)++] = (char)(bits >> 8);
    if (padding == 0) out[(*count)++] = (char)bits;
    position = 0;
    bits = 0;
  }
  if (position != 0) {
    error_set(error, LEDGER_INVALID_PARAMETER, "invalid base64 end sequence");
    error_hint(error, "Input data is missing padding, is truncated, or is otherwise corrupted.");
    return LEDGER_INVALID_PARAMETER;
  }
  return LEDGER_OK;
}

/* Every format's bytes are no more than its characters. */
static int bytea_read(int (*read)(const char *, size_t, char *, size_t *, ledger_error *),
                      const char *text, size_t length, struct arena *arena, struct value *out,
                      ledger_error *error) {
  char *bytes = arena_alloc(arena, length + 1);
  if (!bytes) return error_memory(error);
  size_t count = 0;
  int rc = read(text, length, bytes, &count, error);
  if (rc == LEDGER_OK) *out = (struct value){.kind = VALUE_BLOB, .text = bytes, .length = count};
  return rc;
}

int bytea_input(const struct type *type, const char *text, size_t length, struct arena *arena,
                struct value *out, ledger_error *error) {
  (void)type;
  int rc = text_check(text, length, error);
  if (rc != LEDGER_OK) return rc;
  if (length >= 2 && text[0] == '\\' && text[1] == 'x') {
    return bytea_read(bytea_from_hex, text + 2, length - 2, arena, out, error);
  }
  return bytea_read(bytea_from_escape, text, length, arena, out, error);
}

static void bytea_append_hex(sqlite3_str *out, const char *bytes, size_t length) {
  char chunk[512];
  for (size_t i = 0; i < length;) {
    int used = 0;
    for (; i < length && used < (int)sizeof chunk; i++) {
      chunk[used++] = bytea_digits[(unsigned char)bytes[i] >> 4];
      chunk[used++] = bytea_digits[(unsigned char)bytes[i] & 15];
    }
    sqlite3_str_append(out, chunk, used);
  }
}

int bytea_output(const struct type *type, const struct value *stored, sqlite3_str *out,
                 ledger_error *error) {
  (void)type;
  if (stored->kind != VALUE_BLOB)
    return error_set(error, LEDGER_CORRUPT, "stored value is not of type bytea");
  sqlite3_str_append(out, "\\x", 2);
  bytea_append_hex(out, stored->text, stored->length);
  return LEDGER_OK;
}

int bytea_compare(const struct type *type, const struct value *a, const struct value *b) {
  return string_compare(type, a, b);
}

/* Lines of 76 characters, as PostgreSQL breaks them. */
static void bytea_append_base64(sqlite3_str *out, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i += 3) {
    size_t left = length - i;
    uint32_t bits = (uint32_t)(unsigned char)bytes[i] << 16;
    if (left > 1) bits |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
    if (left > 2) bits |= (unsigned char)bytes[i + 2];
    char group[4] = {bytea_base64[bits >> 18], bytea_base64[bits >> 12 & 63], '=', '='};
    if (left > 1) group[2] = bytea_base64[bits >> 6 & 63];
    if (left > 2) group[3] = bytea_base64[bits & 63];
    sqlite3_str_append(out, group, 4);
    if (i % 57 == 54 && left > 2) sqlite3_str_appendchar(out, 1, '\n');
  }
}

static void bytea_append_escape(sqlite3_str *out, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)bytes[i];
    if (c == '\\') {
      sqlite3_str_append(out, "\\\\", 2);
    } else if (c == 0 || c >= 0x80) {
      char octal[4] = {'\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)),
                       (char)('0' + (c & 7))};
      sqlite3_str_append(out, octal, 4);
    } else {
      sqlite3_str_append(out, bytes + i, 1);
    }
  }
}

static bool bytea_is_format(const char *format, size_t length, const char *name) {
  return length == strlen(name) && sqlite3_strnicmp(format, name, (int)length) == 0;
}

static int bytea_bad_format(const char *format, size_t length, ledger_error *error) {
  return error_set(error, LEDGER_INVALID_PARAMETER, "unrecognized encoding: \"%.*s\"",
                   (int)string_name_length(format, length), format);
}

int bytea_encode(sqlite3_str *out, const char *bytes, size_t length, const char *format,
                 size_t format_length, ledger_error *error) {
  if (bytea_is_format(format, format_length, "hex")) {
    bytea_append_hex(out, bytes, length);
  } else if (bytea_is_format(format, format_length, "base64")) {
    bytea_append_base64(out, bytes, length);
  } else if (bytea_is_format(format, format_length, "escape")) {
    bytea_append_escape(out, bytes, length);
  } else {
    return bytea_bad_format(format, format_length, error);
  }
  return LEDGER_OK;
}

int bytea_decode(struct arena *arena, const char *text, size_t length, const char *format,
                 size_t format_length, struct value *out, ledger_error *error) {
  if (bytea_is_format(format, format_length, "hex"))
    return bytea_read(bytea_from_hex, text, length, arena, out, error);
  if (bytea_is_format(format, format_length, "base64")) {
    return bytea_read(bytea_from_base64, text, length, arena, out, error);
  }
  if (bytea_is_format(format, format_length, "escape")) {
    return bytea_read(bytea_from_escape, text, length, arena, out, error);
  }
  return bytea_bad_format(format, format_length, error);
}

/* ---- MD5 (RFC 1321) */

static uint32_t bytea_md5_turn(uint32_t word, int bits) {
  return word << bits | word >> (32 - bits);
}

/* One block of 64 bytes. The constants are floor(2^32 * |sin(i + 1)|). */
static void bytea_md5_block(uint32_t state[4], const unsigned char *block) {
  static const uint32_t sines[64] = {
      0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613,
      0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193,
      0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
      0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed,
      0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
      0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
      0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244,
      0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
      0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
      0xeb86d391};
  static const unsigned char turns[4][4] = {
      {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
  static const unsigned char steps[4] = {1, 5, 3,
                                         7}; /* word taken in each round: step * i + start */
  static const unsigned char starts[4] = {0, 1, 5, 0};
  uint32_t words[16];
  for (int i = 0; i < 16; i++) {
    words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
               (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
  }
  uint32_t a = state[0];
  uint32_t b = state[1];
  uint32_t c = state[2];
  uint32_t d = state[3];
  for (int i = 0; i < 64; i++) {
    int round = i / 16;
    uint32_t mixed = round == 0   ? (b & c) | (~b & d)
                     : round == 1 ? (d & b) | (~d & c)
                     : round == 2 ? b ^ c ^ d
                                  : c ^ (b | ~d);
    uint32_t sum = a + mixed + sines[i] + words[(steps[round] * i + starts[round]) % 16];
    a = d;
    d = c;
    c = b;
    b += bytea_md5_turn(sum, turns[round][i % 4]);
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}

void bytea_md5(const char *bytes, size_t length, char out[33]) {
  uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  const unsigned char *p = (const unsigned char *)bytes;
  size_t left = length;
  for (; left >= 64; left -= 64, p += 64) bytea_md5_block(state, p);
  unsigned char tail[128] = {0};
  size_t tail_length = left < 56 ? 64 : 128;
  if (left > 0) memcpy(tail, p, left);
  tail[left] = 0x80;
  uint64_t bits = (uint64_t)length * 8;
  for (int i = 0; i < 8; i++) tail[tail_length - 8 + (size_t)i] = (unsigned char)(bits >> (8 * i));
  for (size_t i = 0; i < tail_length; i += 64) bytea_md5_block(state, tail + i);
  for (int i = 0; i < 16; i++) {
    unsigned char byte = (unsigned char)(state[i / 4] >> (8 * (i % 4)));
    out[2 * i] = bytea_digits[byte >> 4];
    out[2 * i + 1] = bytea_digits[byte & 15];
  }
  out[32] = '\0';
}
