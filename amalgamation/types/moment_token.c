/*
** moment_token.c: the first pass over a date, time or interval: tokens, and the numbers in them.
*/
#include "../internal.h"

#include <math.h>

/* ASCII only: PostgreSQL's C.UTF-8 classes no other byte as a letter. */
static bool moment_token_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool moment_token_is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool moment_token_is_sign(char c) {
  return c > ' ' && c < 127 && !moment_token_is_digit(c) && !moment_token_is_letter(c);
}

struct moment_token_writer {
  const char *in, *end; /* what is read */
  char *out, *limit;    /* where it goes; what would not fit is dropped and noted */
  bool full;
};

static char moment_token_peek(const struct moment_token_writer *writer) {
  return writer->in < writer->end ? *writer->in : 0;
}

static void moment_token_put(struct moment_token_writer *writer, char c) {
  if (writer->out >= writer->limit) {
    writer->full = true;
    return;
  }
  *writer->out++ = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Takes digits, letters where asked, and every character of `others`. */
static void moment_token_take(struct moment_token_writer *writer, bool digits, bool letters,
                              const char *others) {
  for (; writer->in < writer->end; writer->in++) {
    char c = *writer->in;
    if (!(digits && moment_token_is_digit(c)) && !(letters && moment_token_is_letter(c)) &&
        (c == 0 || strchr(others, c) == NULL)) {
      return;
    }
    moment_token_put(writer, c);
  }
}

static void moment_token_skip_space(struct moment_token_writer *writer) {
  while (writer->in < writer->end && text_is_space(*writer->in)) writer->in++;
}

static enum moment_token_kind moment_token_number(struct moment_token_writer *writer) {
  moment_token_take(writer, true, false, "");
  char delimiter[2] = {moment_token_peek(writer), 0};
  if (delimiter[0] == ':') {
    moment_token_take(writer, true, false, ":.");
    return TOKEN_TIME;
  }
  if (delimiter[0] != '-' && delimiter[0] != '/' && delimiter[0] != '.') return TOKEN_NUMBER;
  moment_token_put(writer, *writer->in++);
  if (!moment_token_is_digit(moment_token_peek(writer))) {
    moment_token_take(writer, true, true, delimiter);
    return TOKEN_DATE;
  }
  moment_token_take(writer, true, false, "");
  if (moment_token_peek(writer) == delimiter[0]) {
    moment_token_take(writer, true, false, delimiter);
    return TOKEN_DATE;
  }
  return delimiter[0] == '.' ? TOKEN_NUMBER : TOKEN_DATE;
}

static enum moment_token_kind moment_token_word(struct moment_token_writer *writer) {
  const char *start = writer->out;
  moment_token_take(writer, false, true, "");
  char next = moment_token_peek(writer);
  bool is_date = next == '-' || next == '/' || next == '.';
  if (next == '+' || moment_token_is_digit(next)) {
    /* "t1234" is a word and a number; "utc+3" one zone. The names of zones are not among the
    ** words that count here. */
    enum moment_word word = moment_word_of_date(start, (size_t)(writer->out - start));
    is_date = word == WORD_UNKNOWN || word == WORD_UTC;
  }
  if (!is_date) return TOKEN_WORD;
  moment_token_take(writer, true, true, "+-/_.:");
  return TOKEN_DATE;
}

/* Reads one token. false: no token can start here. */
static bool moment_token_next(struct moment_token_writer *writer, enum moment_token_kind *kind) {
  char c = *writer->in;
  if (moment_token_is_digit(c)) {
    *kind = moment_token_number(writer);
  } else if (c == '.') {
    moment_token_put(writer, *writer->in++);
    moment_token_take(writer, true, false, "");
    *kind = TOKEN_NUMBER;
  } else if (moment_token_is_letter(c)) {
    *kind = moment_token_word(writer);
  } else if (c == '+' || c == '-') {
    moment_token_put(writer, *writer->in++);
    moment_token_skip_space(writer);
    if (moment_token_is_digit(moment_token_peek(writer))) {
      moment_token_take(writer, true, false, ":.-");
      *kind = TOKEN_SIGNED;
    } else if (moment_token_is_letter(moment_token_peek(writer))) {
      moment_token_take(writer, false, true, "");
      *kind = TOKEN_SIGNED_WORD;
    } else {
      return false;
    }
  } else {
    return false;
  }
  return true;
}

LEDGER_PRIVATE bool moment_tokenize(const char *text, size_t length, size_t capacity,
                                    struct moment_tokens *out) {
  assert(capacity <= sizeof out->bytes);
  struct moment_token_writer writer = {
      .in = text, .end = text + length, .out = out->bytes, .limit = out->bytes + capacity - 1};
  out->count = 0;
  for (;;) {
    /* Other signs only separate. */
    moment_token_skip_space(&writer);
    if (writer.in == writer.end) return true;
    if (out->count == MOMENT_TOKENS_MAX) return false;
    if (moment_token_is_sign(*writer.in) && strchr("+-.", *writer.in) == NULL) {
      writer.in++;
      continue;
    }
    struct moment_token *token = &out->items[out->count++];
    token->text = writer.out;
    if (!moment_token_next(&writer, &token->kind) || writer.full) return false;
    *writer.out++ = 0;
  }
}

LEDGER_PRIVATE bool moment_integer(const char **cursor, int64_t maximum, int64_t *out) {
  const char *text = *cursor;
  bool negative = false;
  if (*text == '-' || *text == '+') negative = *text++ == '-';
  *out = 0;
  if (!moment_token_is_digit(*text)) return true; /* nothing is taken, not even the sign */
  uint64_t limit = (uint64_t)maximum + (negative ? 1 : 0);
  uint64_t number = 0;
  bool fits = true;
  for (; moment_token_is_digit(*text); text++) {
    unsigned digit = (unsigned)(*text - '0');
    if (number > (limit - digit) / 10) fits = false;
    if (fits) number = number * 10 + digit;
  }
  *cursor = text;
  *out = negative && number > 0 ? -(int64_t)(number - 1) - 1 : (int64_t)number;
  return fits;
}

LEDGER_PRIVATE double moment_fraction(const char **cursor) {
  const char *digits = *cursor + 1;
  const char *end = digits;
  while (moment_token_is_digit(*end)) end++;
  *cursor = end;
  if (end == digits) return 0;
  /* PostgreSQL reads ".123" with strtod(), and how a tie is rounded hangs on the double's last
  ** bit. Up to 15 digits the quotient of two exact doubles is the same; of more, strtod() reads
  ** an integer with an exponent, which has no point and so reads the same in every locale. */
  int count = (int)(end - digits);
  if (count <= 15) {
    double number = 0, unit = 1;
    for (; digits < end; digits++) {
      number = number * 10 + (*digits - '0');
      unit *= 10;
    }
    return number / unit;
  }
  char number[MOMENT_TOKEN_BYTES_MAX + 16];
  sqlite3_snprintf((int)sizeof number, number, "%.*se-%d", count, digits, count);
  return strtod(number, NULL);
}

LEDGER_PRIVATE int moment_clock_read(const char *text, bool minute_to_second, int64_t hour_maximum,
                                     struct moment_clock *out) {
  int64_t hour, minute, second = 0;
  bool shift = false; /* it was mm:ss */
  out->microsecond = 0;
  if (!moment_integer(&text, hour_maximum, &hour)) return LEDGER_DATETIME_RANGE;
  if (*text++ != ':') return LEDGER_INVALID_DATETIME;
  if (!moment_integer(&text, INT32_MAX, &minute)) return LEDGER_DATETIME_RANGE;
  if (*text == 0) {
    shift = minute_to_second;
  } else if (*text == '.') {
    shift = true;
  } else if (*text++ == ':') {
    if (!moment_integer(&text, INT32_MAX, &second)) return LEDGER_DATETIME_RANGE;
  } else {
    return LEDGER_INVALID_DATETIME;
  }
  if (*text == '.') out->microsecond = (int)rint(moment_fraction(&text) * 1e6);
  if (*text != 0) return LEDGER_INVALID_DATETIME;
  if (shift) {
    second = minute;
    minute = hour;
    hour = 0;
  }
  if (hour < 0 || minute < 0 || minute > 59 || second < 0 || second > 60) {
    return LEDGER_DATETIME_RANGE;
  }
  out->hour = hour;
  out->minute = (int)minute;
  out->second = (int)second;
  return LEDGER_OK;
}
