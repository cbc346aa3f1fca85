/*
** import_dump.c: reads a plain pg_dump: tokens of its statements as PostgreSQL's lexer has them, lines of COPY data as COPY FROM has
** them, what psql alone understands between the statements. Nothing is kept but the texts of one row, so that memory does not
** grow with the dump.
*/
#include "../internal.h"
#include "import.h"

#define DUMP_BUFFER (64 * 1024)

/* ---- bytes */

LEDGER_PRIVATE int dump_open(struct dump *dump, ptrdiff_t (*read)(void *, void *, size_t),
                             void *context, ledger_error *error) {
  *dump = (struct dump){.read = read, .context = context, .error = error, .line = 1, .place = 1};
  dump->buffer = sqlite3_malloc64(DUMP_BUFFER);
  return dump->buffer == NULL ? error_memory(error) : LEDGER_OK;
}

LEDGER_PRIVATE void dump_close(struct dump *dump) {
  sqlite3_free(dump->buffer);
  sqlite3_free(dump->text);
  sqlite3_free(dump->fields);
}

static void dump_fill(struct dump *dump) {
  size_t held = dump->end - dump->at;
  memmove(dump->buffer, dump->buffer + dump->at, held);
  dump->at = 0;
  dump->end = held;
  ptrdiff_t got = dump->read(dump->context, dump->buffer + held, DUMP_BUFFER - held);
  if (got < 0 || (size_t)got > DUMP_BUFFER - held) {
    if (dump->rc == LEDGER_OK)
      dump->rc = error_set(dump->error, LEDGER_IO, "the dump could not be read");
    got = 0;
  }
  dump->ended = got == 0;
  dump->end += (size_t)got;
  dump->bytes += got;
}

/* The n-th byte from here, -1 where there is none. */
static int dump_ahead(struct dump *dump, size_t n) {
  while (dump->end - dump->at <= n && !dump->ended && dump->rc == LEDGER_OK) dump_fill(dump);
  return dump->rc == LEDGER_OK && dump->end - dump->at > n ? dump->buffer[dump->at + n] : -1;
}

static int dump_get(struct dump *dump) {
  int byte = dump_ahead(dump, 0);
  if (byte < 0) return byte;
  dump->at++;
  if (byte == '\n') dump->line++;
  return byte;
}

/* ---- texts */

LEDGER_PRIVATE void dump_clear(struct dump *dump) {
  dump->length = 0;
  dump->field_count = 0;
}

static int dump_add(struct dump *dump, const void *bytes, size_t length) {
  if (dump->rc != LEDGER_OK) return dump->rc;
  if (length > LEDGER_TEXT_MAX - dump->length)
    return dump->rc = error_set(dump->error, LEDGER_PROGRAM_LIMIT,
                                "a row or a statement may have %d bytes at most", LEDGER_TEXT_MAX);
  if (length > dump->room - dump->length) {
    size_t room = (dump->length + length) * 2 + 1024;
    char *grown = sqlite3_realloc64(dump->text, room);
    if (grown == NULL) return dump->rc = error_memory(dump->error);
    dump->text = grown;
    dump->room = room;
  }
  if (length > 0) memcpy(dump->text + dump->length, bytes, length);
  dump->length += length;
  return LEDGER_OK;
}

LEDGER_PRIVATE int dump_add_byte(struct dump *dump, char byte) {
  return dump_add(dump, &byte, 1);
}

LEDGER_PRIVATE int dump_add_field(struct dump *dump, enum dump_field_kind kind, size_t start,
                                  size_t length) {
  if (dump->rc != LEDGER_OK) return dump->rc;
  if (dump->field_count == dump->field_room) {
    int room = dump->field_room * 2 + 32;
    struct dump_field *grown = sqlite3_realloc64(dump->fields, (size_t)room * sizeof *dump->fields);
    if (grown == NULL) return dump->rc = error_memory(dump->error);
    dump->fields = grown;
    dump->field_room = room;
  }
  if (dump->field_count > LEDGER_COLUMN_MAX) /* the refusal comes with the row */
    return LEDGER_OK;
  dump->fields[dump->field_count++] =
      (struct dump_field){.kind = kind, .start = start, .length = length};
  return LEDGER_OK;
}

/* ---- tokens */

static bool dump_is_space(int byte) {
  return byte >= 0 && text_is_space((char)byte);
}

static bool dump_starts_word(int byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
         byte >= 0x80;
}

static bool dump_is_digit(int byte) {
  return byte >= '0' && byte <= '9';
}

static bool dump_goes_on(int byte) {
  return dump_starts_word(byte) || dump_is_digit(byte);
}

static int dump_unfinished(struct dump *dump, const char *what) {
  if (dump->rc == LEDGER_OK)
    dump->rc = error_set(dump->error, LEDGER_SYNTAX, "the dump ends within %s", what);
  return dump->rc;
}

static void dump_pass_line(struct dump *dump) {
  int byte = 0;
  while (byte >= 0 && byte != '\n') byte = dump_get(dump);
}

/* A comment to the line's end. pg_dump's first and last ones tell a dump that was cut from a whole one. */
static void dump_pass_remark(struct dump *dump) {
  char line[48];
  size_t length = 0;
  for (int byte; (byte = dump_get(dump)) >= 0 && byte != '\n';)
    if (length < sizeof line - 1 && byte != '\r') line[length++] = (char)byte;
  line[length] = 0;
  if (strcmp(line, "-- PostgreSQL database dump") == 0) dump->is_open = true;
  if (strcmp(line, "-- PostgreSQL database dump complete") == 0) dump->is_open = false;
}

/* Comments nest, as PostgreSQL's do. */
static void dump_pass_comment(struct dump *dump) {
  int depth = 0;
  do {
    int byte = dump_get(dump), next = dump_ahead(dump, 0);
    if (byte < 0) {
      dump_unfinished(dump, "a comment");
      return;
    }
    bool opens = byte == '/' && next == '*', closes = byte == '*' && next == '/';
    if (opens || closes) (void)dump_get(dump);
    depth += opens - closes;
  } while (depth > 0);
}

static void dump_pass_space(struct dump *dump) {
  for (;;) {
    int byte = dump_ahead(dump, 0);
    if (dump_is_space(byte))
      (void)dump_get(dump);
    else if (byte == '-' && dump_ahead(dump, 1) == '-')
      dump_pass_remark(dump);
    else if (byte == '/' && dump_ahead(dump, 1) == '*')
      dump_pass_comment(dump);
    else
      return;
  }
}

static int dump_hex(int byte) {
  if (dump_is_digit(byte)) return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Digits of a number to a base, `most` of them; *count: how many there were. */
static uint32_t dump_code(struct dump *dump, int base, int most, int *count) {
  uint32_t code = 0;
  *count = 0;
  for (int digit; *count < most; ++*count) {
    digit = dump_hex(dump_ahead(dump, 0));
    if (digit < 0 || digit >= base) break;
    (void)dump_get(dump);
    code = code * (uint32_t)base + (uint32_t)digit;
  }
  return code;
}

/* \uXXXX and \UXXXXXXXX, a pair of surrogates being one character. */
static int dump_unicode(struct dump *dump, int digits) {
  char bytes[4];
  int count, low_count = 0;
  uint32_t code = dump_code(dump, 16, digits, &count);
  bool is_whole = count == digits;
  if (is_whole && code >= 0xd800 && code < 0xdc00 && dump_get(dump) == '\\') {
    int letter = dump_get(dump), low_digits = letter == 'U' ? 8 : 4;
    uint32_t low = letter == 'u' || letter == 'U' ? dump_code(dump, 16, low_digits, &low_count) : 0;
    is_whole = low_count == low_digits && low >= 0xdc00 && low < 0xe000;
    if (is_whole) code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (!is_whole || code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return dump->rc = error_set(dump->error, LEDGER_INVALID_ESCAPE, "invalid Unicode escape");
  return dump_add(dump, bytes, (size_t)text_encode(code, bytes));
}

/* What stands behind the backslash of E'...'. */
static int dump_escape(struct dump *dump) {
  static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
  int count, byte = dump_ahead(dump, 0);
  if (byte >= '0' && byte <= '7') return dump_add_byte(dump, (char)dump_code(dump, 8, 3, &count));
  (void)dump_get(dump);
  const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
  if (letter != NULL) return dump_add_byte(dump, controls[letter - letters]);
  if (byte == 'u' || byte == 'U') return dump_unicode(dump, byte == 'u' ? 4 : 8);
  if (byte == 'x' && dump_hex(dump_ahead(dump, 0)) >= 0)
    return dump_add_byte(dump, (char)dump_code(dump, 16, 2, &count));
  return byte < 0 ? LEDGER_OK : dump_add_byte(dump, (char)byte);
}

/* '...' or "...", the quote before it being read. */
static int dump_quoted(struct dump *dump, int quote, bool has_backslashes) {
  while (dump->rc == LEDGER_OK) {
    int byte = dump_get(dump);
    if (byte < 0) return dump_unfinished(dump, quote == '"' ? "a name" : "a string");
    if (byte == quote) {
      if (dump_ahead(dump, 0) != quote) return dump->rc;
      (void)dump_get(dump);
    }
    if (byte == '\\' && has_backslashes)
      dump_escape(dump);
    else
      dump_add_byte(dump, (char)byte);
  }
  return dump->rc;
}

/* $tag$...$tag$, the first dollar being read. The tag stands in the text, up to its second dollar. */
static int dump_dollars(struct dump *dump) {
  char tag[LEDGER_NAME_MAX + 3] = "$";
  size_t length = 1, matched = 0;
  for (int byte = 0; byte != '$'; length++) {
    byte = dump_get(dump);
    if (length == sizeof tag - 1 || byte < 0) return dump_unfinished(dump, "a quoted string");
    tag[length] = (char)byte;
  }
  while (matched < length) {
    int byte = dump_get(dump);
    if (byte < 0) return dump_unfinished(dump, "a quoted string");
    if (byte == (unsigned char)tag[matched]) {
      matched++;
    } else {
      dump_add(dump, tag, matched);
      matched = byte == '$';
      if (matched == 0) dump_add_byte(dump, (char)byte);
    }
  }
  dump->token = DUMP_STRING;
  return dump->rc;
}

static bool dump_opens_dollars(struct dump *dump) {
  int byte = dump_ahead(dump, 1);
  if (dump_ahead(dump, 0) != '$') return false;
  if (byte == '$') return true;
  if (!dump_starts_word(byte)) return false;
  for (size_t n = 2; n <= LEDGER_NAME_MAX + 1; n++) {
    byte = dump_ahead(dump, n);
    if (byte == '$') return true;
    if (!dump_goes_on(byte)) return false;
  }
  return false;
}

static int dump_word(struct dump *dump) {
  int first = dump_ahead(dump, 0);
  if (dump_ahead(dump, 1) == '\'' && strchr("eEbB", first) != NULL) {
    dump->token = DUMP_STRING;
    dump->at += 2;
    return dump_quoted(dump, '\'', first == 'e' || first == 'E');
  }
  dump->token = DUMP_WORD;
  for (int byte = first; dump_goes_on(byte) || byte == '$'; byte = dump_ahead(dump, 0)) {
    (void)dump_get(dump);
    dump_add_byte(dump, (char)(byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte));
  }
  return dump->rc;
}

static int dump_number(struct dump *dump) {
  dump->token = DUMP_NUMBER;
  for (int byte, before = 0;; before = byte) {
    byte = dump_ahead(dump, 0);
    bool is_sign = (byte == '+' || byte == '-') && (before == 'e' || before == 'E');
    if (!dump_goes_on(byte) && byte != '.' && !is_sign) return dump->rc;
    (void)dump_get(dump);
    dump_add_byte(dump, (char)byte);
  }
}

LEDGER_PRIVATE int dump_next(struct dump *dump) {
  dump_pass_space(dump);
  dump->place = dump->line;
  dump->start = dump->length;
  int byte = dump_ahead(dump, 0);
  if (byte < 0) {
    dump->token = DUMP_END;
  } else if (dump_starts_word(byte)) {
    dump_word(dump);
  } else if (byte == '"' || byte == '\'') {
    dump->token = byte == '"' ? DUMP_NAME : DUMP_STRING;
    dump->at++;
    dump_quoted(dump, byte, byte == '\'' && dump->has_backslashes);
  } else if (dump_is_digit(byte) || (byte == '.' && dump_is_digit(dump_ahead(dump, 1)))) {
    dump_number(dump);
  } else if (dump_opens_dollars(dump)) {
    dump->at++;
    dump_dollars(dump);
  } else {
    dump->token = DUMP_SYMBOL;
    dump->symbol = (char)dump_get(dump);
  }
  dump->size = dump->length - dump->start;
  return dump->rc;
}

LEDGER_PRIVATE bool dump_is(const struct dump *dump, const char *word) {
  return dump->token == DUMP_WORD && dump->size == strlen(word) &&
         memcmp(dump->text + dump->start, word, dump->size) == 0;
}

LEDGER_PRIVATE bool dump_is_symbol(const struct dump *dump, char symbol) {
  return dump->token == DUMP_SYMBOL && dump->symbol == symbol;
}

LEDGER_PRIVATE int dump_refuse(struct dump *dump) {
  if (dump->rc != LEDGER_OK) return dump->rc;
  if (dump->token == DUMP_END) return dump_unfinished(dump, "a statement");
  const char *text = dump->token == DUMP_SYMBOL ? &dump->symbol : dump->text + dump->start;
  size_t length = dump->token == DUMP_SYMBOL ? 1 : dump->size < 60 ? dump->size : 60;
  while (length > 0 && !text_is_valid_utf8(text, length)) length--; /* cut at a character's edge */
  return dump->rc = error_set(dump->error, LEDGER_SYNTAX, "syntax error at or near \"%.*s\"",
                              (int)length, text);
}

LEDGER_PRIVATE int dump_expect(struct dump *dump, char symbol) {
  return dump_is_symbol(dump, symbol) ? dump_next(dump) : dump_refuse(dump);
}

/* ---- between statements */

/* psql's own lines that a dump has, and that say nothing about rows. */
static int dump_pass_psql(struct dump *dump) {
  static const char *const known[] = {"restrict", "unrestrict", "connect", "c", "encoding", "set"};
  char word[16];
  size_t length = 0;
  dump->place = dump->line;
  (void)dump_get(dump);
  while (length < sizeof word - 1 && dump_starts_word(dump_ahead(dump, 0)))
    word[length++] = (char)dump_get(dump);
  word[length] = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(word, known[i]) != 0) continue;
    dump_pass_line(dump);
    return dump->rc;
  }
  return dump->rc = error_set(dump->error, LEDGER_SYNTAX,
                              "the line \"\\%s\" is not one that pg_dump writes", word);
}

LEDGER_PRIVATE int dump_between(struct dump *dump) {
  dump_clear(dump);
  if (dump->bytes == 0 && dump_ahead(dump, 2) >= 0) {
    if (memcmp(dump->buffer, "\xef\xbb\xbf", 3) == 0) dump->at = 3; /* a byte order mark */
    if (dump_ahead(dump, 4) >= 0 && memcmp(dump->buffer, "PGDMP", 5) == 0) {
      error_set(dump->error, LEDGER_UNSUPPORTED, "this is a dump in PostgreSQL's custom format");
      return dump->rc = error_hint(dump->error,
                                   "Make it plain:  pg_restore -f - DUMP | ledger import FILE -");
    }
  }
  for (;;) {
    dump_pass_space(dump);
    if (dump_ahead(dump, 0) != '\\') return dump->rc;
    if (dump_pass_psql(dump) != LEDGER_OK) return dump->rc;
  }
}

/* In CREATE FUNCTION ... BEGIN ATOMIC ... END the statements within end with semicolons, too; psql counts the same words. */
LEDGER_PRIVATE int dump_skip(struct dump *dump, bool creates) {
  int parentheses = 0, blocks = 0, words = 0;
  bool is_routine = false;
  while (dump->rc == LEDGER_OK) {
    if (dump->token == DUMP_END) return dump_unfinished(dump, "a statement");
    if (dump_is_symbol(dump, '(')) parentheses++;
    if (dump_is_symbol(dump, ')')) parentheses--;
    if (dump_is_symbol(dump, ';') && parentheses <= 0 && blocks == 0) return dump->rc;
    if (creates && dump->token == DUMP_WORD) {
      words++;
      if (words <= 4 && (dump_is(dump, "function") || dump_is(dump, "procedure")))
        is_routine = true;
      if (is_routine && parentheses == 0) {
        if (dump_is(dump, "begin") || (blocks > 0 && dump_is(dump, "case"))) blocks++;
        if (blocks > 0 && dump_is(dump, "end")) blocks--;
      }
    }
    dump_clear(dump);
    dump_next(dump);
  }
  return dump->rc;
}

/* ---- COPY data */

static int dump_bad_row(struct dump *dump, const char *sentence) {
  if (dump->rc == LEDGER_OK)
    dump->rc = error_set(dump->error, LEDGER_INVALID_FIELD, "%s", sentence);
  return dump->rc;
}

LEDGER_PRIVATE int dump_copy_start(struct dump *dump) {
  int byte;
  while ((byte = dump_get(dump)) != '\n') {
    if (byte < 0) return dump_unfinished(dump, "COPY");
    if (!dump_is_space(byte))
      return dump_bad_row(dump, "there is more on the line behind COPY ... FROM stdin;");
  }
  dump->line_end = DUMP_ANY;
  return dump->rc;
}

/* A line's end: which one the data has its first line tells. False: these bytes are none. */
static bool dump_copy_end(struct dump *dump, int byte) {
  if (byte == '\n') {
    if (dump->line_end == DUMP_CRLF) dump_bad_row(dump, "literal newline found in data");
    dump->line_end = DUMP_LF;
    (void)dump_get(dump);
    return true;
  }
  if (byte != '\r') return false;
  if (dump->line_end == DUMP_LF || dump_ahead(dump, 1) != '\n') {
    dump_bad_row(dump, "literal carriage return found in data");
    return true;
  }
  dump->line_end = DUMP_CRLF;
  dump->at++;
  (void)dump_get(dump);
  return true;
}

/* What stands behind a backslash within a field. */
static int dump_copy_escape(struct dump *dump) {
  static const char letters[] = "bfnrtv", controls[] = "\b\f\n\r\t\v";
  int count, byte = dump_ahead(dump, 0);
  if (byte < 0) return dump_unfinished(dump, "COPY data");
  if (byte >= '0' && byte <= '7')
    return dump_add_byte(dump, (char)(dump_code(dump, 8, 3, &count) & 0377));
  (void)dump_get(dump);
  const char *letter = byte > 0 ? strchr(letters, byte) : NULL;
  if (letter != NULL) return dump_add_byte(dump, controls[letter - letters]);
  if (byte == '.') return dump_bad_row(dump, "end-of-copy marker corrupt");
  if (byte == 'x' && dump_hex(dump_ahead(dump, 0)) >= 0)
    return dump_add_byte(dump, (char)dump_code(dump, 16, 2, &count));
  return dump_add_byte(dump, (char)byte);
}

/* The bytes up to the next one that means something. */
static void dump_copy_plain(struct dump *dump) {
  size_t from = dump->at;
  while (dump->at < dump->end) {
    unsigned char byte = dump->buffer[dump->at];
    if (byte == '\t' || byte == '\n' || byte == '\r' || byte == '\\') break;
    dump->at++;
  }
  dump_add(dump, dump->buffer + from, dump->at - from);
}

/* A field to the byte that ends it, which is left. */
static int dump_copy_field(struct dump *dump) {
  size_t start = dump->length;
  if (dump_ahead(dump, 0) == '\\' && dump_ahead(dump, 1) == 'N') {
    int byte = dump_ahead(dump, 2);
    if (byte == '\t' || byte == '\n' || byte == '\r') {
      dump->at += 2;
      return dump_add_field(dump, DUMP_NULL, start, 0);
    }
  }
  while (dump->rc == LEDGER_OK) {
    int byte = dump_ahead(dump, 0);
    if (byte < 0) return dump_unfinished(dump, "COPY data");
    if (byte == '\t' || byte == '\n' || byte == '\r') break;
    if (byte == '\\') {
      (void)dump_get(dump);
      dump_copy_escape(dump);
    } else {
      dump_copy_plain(dump);
    }
  }
  return dump_add_field(dump, DUMP_TEXT, start, dump->length - start);
}

LEDGER_PRIVATE int dump_copy_row(struct dump *dump, bool is_skipped, bool *is_end) {
  dump_clear(dump);
  dump->place = dump->line;
  *is_end = dump_ahead(dump, 0) == '\\' && dump_ahead(dump, 1) == '.';
  if (*is_end) {
    dump->at += 2;
    if (!dump_copy_end(dump, dump_ahead(dump, 0)) && dump_ahead(dump, 0) >= 0)
      dump_bad_row(dump, "end-of-copy marker corrupt");
    return dump->rc;
  }
  while (dump->rc == LEDGER_OK) {
    dump_copy_field(dump);
    if (is_skipped) dump_clear(dump);
    if (dump->rc != LEDGER_OK || dump_copy_end(dump, dump_ahead(dump, 0))) break;
    (void)dump_get(dump); /* the tab */
  }
  return dump->rc;
}

#undef DUMP_BUFFER
