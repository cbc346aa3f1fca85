/*
** text.c: UTF-8. Validity, counting and cutting by characters, decoding, and the case of a
** character as PostgreSQL has it in a database of locale C.UTF-8. Every text that enters a file
** passes text_check().
*/
#include "../internal.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

#define TEXT_ONES UINT64_C(0x0101010101010101)
#define TEXT_TOPS UINT64_C(0x8080808080808080)

static pthread_once_t text_locale_once = PTHREAD_ONCE_INIT;
static locale_t
    text_locale; /* (locale_t)0: the system has no C.UTF-8, only ASCII letters have a case */

static void text_locale_open(void) {
  text_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t text_locale_get(void) {
  pthread_once(&text_locale_once, text_locale_open);
  return text_locale;
}

/* Bytes of the character at p, of which at most `left` may be read; 0 if it is not one, or is NUL.
** */
static int text_sequence(const unsigned char *p, size_t left) {
  unsigned char first = p[0];
  if (first < 0x80) return first != 0;
  if (first < 0xc2 || first > 0xf4) return 0;
  int length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (left < (size_t)length) return 0;
  /* The second byte's range shuts out overlong forms, surrogates and what lies above U+10FFFF. */
  unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (p[1] < low || p[1] > high) return 0;
  for (int i = 2; i < length; i++) {
    if ((p[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

/* Offset of the first byte that does not belong to valid text; `length` if all does. */
static size_t text_valid_prefix(const char *text, size_t length) {
  const unsigned char *p = (const unsigned char *)text;
  size_t i = 0;
  while (i < length) {
    while (length - i >= sizeof(uint64_t)) {
      uint64_t word;
      memcpy(&word, p + i, sizeof word);
      /* A zero byte borrows into its top bit, so that the sum is 0 only for eight bytes of 0x01 to
      ** 0x7f. */
      if ((((word - TEXT_ONES) | word) & TEXT_TOPS) != 0) break;
      i += sizeof word;
    }
    /* Through the byte that stopped the words, and through those beyond ASCII that follow it. */
    int taken = 1;
    while (i < length && (taken == 1 || p[i] >= 0x80)) {
      taken = text_sequence(p + i, length - i);
      if (taken == 0) return i;
      i += (size_t)taken;
    }
  }
  return length;
}

bool text_is_valid_utf8(const char *text, size_t length) {
  return text_valid_prefix(text, length) == length;
}

int text_check(const char *text, size_t length, ledger_error *error) {
  size_t valid = text_valid_prefix(text, length);
  if (valid == length) return LEDGER_OK;
  /* PostgreSQL shows as many bytes as the first one announces. */
  const unsigned char *p = (const unsigned char *)text + valid;
  size_t shown = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 1;
  if (shown > length - valid) shown = length - valid;
  char bytes[4 * 5 + 1];
  for (size_t i = 0; i < shown; i++) snprintf(bytes + i * 5, 6, "0x%02x ", p[i]);
  bytes[shown * 5 - 1] = '\0';
  return error_set(error, LEDGER_BAD_ENCODING, "invalid byte sequence for encoding \"UTF8\": %s",
                   bytes);
}

size_t text_characters(const char *text, size_t length) {
  size_t count = 0;
  size_t i = 0;
  for (; length - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, text + i, sizeof word);
    /* Continuation bytes are 10xxxxxx: top bit set, next one clear. The multiplication adds the
    ** eight bytes up. */
    uint64_t continuation = (word >> 7) & (~word >> 6) & TEXT_ONES;
    count += sizeof word - (size_t)((continuation * TEXT_ONES) >> 56);
  }
  for (; i < length; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
  return count;
}

size_t text_offset(const char *text, size_t length, size_t characters) {
  size_t i = 0;
  while (i < length && characters > 0) {
    i++;
    while (i < length && ((unsigned char)text[i] & 0xc0) == 0x80) i++;
    characters--;
  }
  return i;
}

int text_decode(const char *text, size_t length, uint32_t *code_point) {
  const unsigned char *p = (const unsigned char *)text;
  if (length == 0) return 0;
  int taken = text_sequence(p, length);
  switch (taken) {
  case 1: *code_point = p[0]; break;
  case 2: *code_point = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f); break;
  case 3:
    *code_point = (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    break;
  case 4:
    *code_point = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
                  (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    break;
  default: break;
  }
  return taken;
}

int text_encode(uint32_t code_point, char out[4]) {
  if (code_point < 0x80) {
    out[0] = (char)code_point;
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = (char)(0xc0 | code_point >> 6);
    out[1] = (char)(0x80 | (code_point & 0x3f));
    return 2;
  }
  if (code_point < 0x10000) {
    out[0] = (char)(0xe0 | code_point >> 12);
    out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code_point & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | code_point >> 18);
  out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
  out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
  out[3] = (char)(0x80 | (code_point & 0x3f));
  return 4;
}

uint32_t text_lower(uint32_t code_point) {
  if (code_point < 0x80)
    return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
  locale_t locale = text_locale_get();
  return locale ? (uint32_t)towlower_l((wint_t)code_point, locale) : code_point;
}

uint32_t text_upper(uint32_t code_point) {
  if (code_point < 0x80)
    return code_point >= 'a' && code_point <= 'z' ? code_point - 32 : code_point;
  locale_t locale = text_locale_get();
  return locale ? (uint32_t)towupper_l((wint_t)code_point, locale) : code_point;
}

bool text_is_alphanumeric(uint32_t code_point) {
  if (code_point < 0x80) {
    uint32_t letter = code_point | 32;
    return (letter >= 'a' && letter <= 'z') || (code_point >= '0' && code_point <= '9');
  }
  locale_t locale = text_locale_get();
  return locale && iswalnum_l((wint_t)code_point, locale);
}

bool text_is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

LEDGER_PRIVATE void text_hex(const unsigned char *bytes, size_t length, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
  *out = 0;
}

static int text_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

LEDGER_PRIVATE bool text_unhex(const char *text, size_t length, unsigned char *out) {
  if (strlen(text) != 2 * length) return false;
  for (size_t i = 0; i < length; i++) {
    int high = text_digit(text[2 * i]), low = text_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = (unsigned char)(high * 16 + low);
  }
  return true;
}

#undef TEXT_ONES
#undef TEXT_TOPS
