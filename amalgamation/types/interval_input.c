/*
** interval_input.c: the input of intervals: "1 day 02:03", "1 year 2 mons ago", "1-2", ISO 8601's
** P1DT2H and P0001-02-03.
**
** As with moments, the order of reading decides what is accepted; PostgreSQL reads the tokens from
** right to left, so that a unit is known before its number.
*/
#include "../internal.h"

#include <errno.h>
#include <math.h>

#define INTERVAL_INPUT_MAX                                                                         \
  256 /* bytes of the tokens, as in PostgreSQL; here also of an ISO 8601 text */

/* ---- what has been read. All functions return false when a field overflows. */

struct interval_input {
  int64_t microseconds;
  int32_t days, months, years;
};

/* The fraction of `scale` microseconds, rounded half towards zero. |fraction| < 1, or what a
** fraction of days left. */
static bool interval_input_fraction(struct interval_input *input, double fraction, int64_t scale) {
  fraction *= (double)scale;
  int64_t whole = (int64_t)fraction;
  fraction -= (double)whole;
  if (fraction > 0.5) whole++;
  if (fraction < -0.5) whole--;
  return !__builtin_add_overflow(input->microseconds, whole, &input->microseconds);
}

static bool interval_input_time(struct interval_input *input, int64_t count, double fraction,
                                int64_t scale) {
  int64_t product;
  return !__builtin_mul_overflow(count, scale, &product) &&
         !__builtin_add_overflow(input->microseconds, product, &input->microseconds) &&
         interval_input_fraction(input, fraction, scale);
}

/* Adds count * scale; the count alone must fit too. */
static bool interval_input_count(int64_t count, int scale, int32_t *sum) {
  int32_t product;
  return count >= INT32_MIN && count <= INT32_MAX &&
         !__builtin_mul_overflow(count, scale, &product) &&
         !__builtin_add_overflow(*sum, product, sum);
}

/* Days, weeks: a fraction is days and then time. */
static bool interval_input_fraction_days(struct interval_input *input, double fraction, int scale) {
  fraction *= scale;
  int32_t whole = (int32_t)fraction;
  return !__builtin_add_overflow(input->days, whole, &input->days) &&
         interval_input_fraction(input, fraction - whole, MOMENT_DAY);
}

static bool interval_input_days(struct interval_input *input, int64_t count, double fraction,
                                int scale) {
  if (!interval_input_count(count, scale, &input->days)) return false;
  return interval_input_fraction_days(input, fraction, scale);
}

static bool interval_input_months(struct interval_input *input, int64_t count, double fraction) {
  return interval_input_count(count, 1, &input->months) &&
         interval_input_fraction_days(input, fraction, 30);
}

/* Years, decades ...: a fraction is rounded to months. */
static bool interval_input_years(struct interval_input *input, int64_t count, double fraction,
                                 int scale) {
  int32_t months = (int32_t)rint(fraction * scale * 12);
  return interval_input_count(count, scale, &input->years) &&
         !__builtin_add_overflow(input->months, months, &input->months);
}

/* ---- PostgreSQL's own syntax. Codes without messages: OK, INVALID_DATETIME, FIELD_OVERFLOW. */

enum { /* units that have been filled, none twice */
       FILLED_MICROSECOND = 1,
       FILLED_MILLISECOND = 2,
       FILLED_SECOND = 4,
       FILLED_SECONDS = FILLED_MICROSECOND | FILLED_MILLISECOND | FILLED_SECOND,
       FILLED_MINUTE = 8,
       FILLED_HOUR = 16,
       FILLED_TIME = FILLED_SECONDS | FILLED_MINUTE | FILLED_HOUR,
       FILLED_DAY = 32,
       FILLED_WEEK = 64,
       FILLED_MONTH = 128,
       FILLED_YEAR = 256,
       FILLED_DECADE = 512,
       FILLED_CENTURY = 1024,
       FILLED_MILLENNIUM = 2048
};

struct interval_reading {
  struct interval_input *input;
  int fields;            /* of the type */
  enum moment_word unit; /* of the next number to the left; WORD_UNKNOWN at the right end */
};

/* What a last number without a unit counts: the smallest field of the type. */
static enum moment_word interval_input_default_unit(int fields) {
  if (fields == 0 || (fields & INTERVAL_SECOND)) return WORD_SECOND;
  if (fields & INTERVAL_MINUTE) return WORD_MINUTE;
  if (fields & INTERVAL_HOUR) return WORD_HOUR;
  if (fields & INTERVAL_DAY) return WORD_DAY;
  return fields & INTERVAL_MONTH ? WORD_MONTH : WORD_YEAR;
}

static int interval_input_clock(struct interval_reading *reading, const char *text, int *fills) {
  struct moment_clock clock;
  bool minute_to_second = reading->fields == (INTERVAL_MINUTE | INTERVAL_SECOND);
  int rc = moment_clock_read(text, minute_to_second, INT64_MAX, &clock);
  if (rc == LEDGER_DATETIME_RANGE) return LEDGER_FIELD_OVERFLOW;
  if (rc != LEDGER_OK) return rc;
  int64_t time = clock.minute * MOMENT_MINUTE + clock.second * MOMENT_SECOND + clock.microsecond;
  int64_t hours;
  if (__builtin_mul_overflow(clock.hour, MOMENT_HOUR, &hours) ||
      __builtin_add_overflow(hours, time, &reading->input->microseconds)) {
    return LEDGER_FIELD_OVERFLOW;
  }
  reading->unit = WORD_DAY; /* of "1 02:03" */
  *fills = FILLED_TIME;
  return LEDGER_OK;
}

static int interval_input_add(struct interval_reading *reading, int64_t count, double fraction,
                              int *fills) {
  struct interval_input *input = reading->input;
  bool fits;
  switch (reading->unit) {
  case WORD_MICROSECOND:
    fits = interval_input_time(input, count, fraction, 1);
    *fills = FILLED_MICROSECOND;
    break;
  case WORD_MILLISECOND:
    fits = interval_input_time(input, count, fraction, 1000);
    *fills = FILLED_MILLISECOND;
    break;
  case WORD_SECOND:
    fits = interval_input_time(input, count, fraction, MOMENT_SECOND);
    *fills = fraction == 0 ? FILLED_SECOND : FILLED_SECONDS;
    break;
  case WORD_MINUTE:
    fits = interval_input_time(input, count, fraction, MOMENT_MINUTE);
    *fills = FILLED_MINUTE;
    break;
  case WORD_HOUR:
    fits = interval_input_time(input, count, fraction, MOMENT_HOUR);
    *fills = FILLED_HOUR;
    reading->unit = WORD_DAY; /* of "1 2 hours" */
    break;
  case WORD_DAY:
    fits = interval_input_count(count, 1, &input->days) &&
           interval_input_fraction(input, fraction, MOMENT_DAY);
    *fills = FILLED_DAY;
    break;
  case WORD_WEEK:
    fits = interval_input_days(input, count, fraction, 7);
    *fills = FILLED_WEEK;
    break;
  case WORD_MONTH:
    fits = interval_input_months(input, count, fraction);
    *fills = FILLED_MONTH;
    break;
  case WORD_YEAR:
    fits = interval_input_years(input, count, fraction, 1);
    *fills = FILLED_YEAR;
    break;
  case WORD_DECADE:
    fits = interval_input_years(input, count, fraction, 10);
    *fills = FILLED_DECADE;
    break;
  case WORD_CENTURY:
    fits = interval_input_years(input, count, fraction, 100);
    *fills = FILLED_CENTURY;
    break;
  case WORD_MILLENNIUM:
    fits = interval_input_years(input, count, fraction, 1000);
    *fills = FILLED_MILLENNIUM;
    break;
  default: return LEDGER_INVALID_DATETIME;
  }
  return fits ? LEDGER_OK : LEDGER_FIELD_OVERFLOW;
}

/* A number of units, or years-months. */
static int interval_input_number(struct interval_reading *reading, const char *text, int *fills) {
  const char *cursor = text;
  int64_t count;
  double fraction = 0;
  if (reading->unit == WORD_UNKNOWN) reading->unit = interval_input_default_unit(reading->fields);
  if (!moment_integer(&cursor, INT64_MAX, &count)) return LEDGER_FIELD_OVERFLOW;
  if (*cursor == '-') {
    int64_t months;
    cursor++;
    if (!moment_integer(&cursor, INT32_MAX, &months) || months < 0 || months > 11) {
      return LEDGER_FIELD_OVERFLOW;
    }
    if (*cursor != 0) return LEDGER_INVALID_DATETIME;
    reading->unit = WORD_MONTH;
    if (*text == '-') months = -months;
    if (__builtin_mul_overflow(count, 12, &count) ||
        __builtin_add_overflow(count, months, &count)) {
      return LEDGER_FIELD_OVERFLOW;
    }
  } else if (*cursor == '.') {
    fraction = moment_fraction(&cursor);
    if (*text == '-') fraction = -fraction;
  }
  if (*cursor != 0) return LEDGER_INVALID_DATETIME;
  return interval_input_add(reading, count, fraction, fills);
}

static int interval_input_signed(struct interval_reading *reading, const char *text, int *fills) {
  if (strchr(text, ':') != NULL && interval_input_clock(reading, text + 1, fills) == LEDGER_OK) {
    if (*text == '-') reading->input->microseconds = -reading->input->microseconds;
    return LEDGER_OK;
  }
  return interval_input_number(reading, text, fills);
}

static bool interval_input_negate(struct interval_input *input) {
  return !__builtin_sub_overflow(0, input->microseconds, &input->microseconds) &&
         !__builtin_sub_overflow(0, input->days, &input->days) &&
         !__builtin_sub_overflow(0, input->months, &input->months) &&
         !__builtin_sub_overflow(0, input->years, &input->years);
}

static int interval_input_tokens(struct interval_input *input, const struct moment_tokens *tokens,
                                 int fields) {
  struct interval_reading reading = {.input = input, .fields = fields, .unit = WORD_UNKNOWN};
  bool ago = false;
  int filled = 0;
  for (int i = tokens->count - 1; i >= 0; i--) {
    const struct moment_token *token = &tokens->items[i];
    int rc = LEDGER_OK;
    int fills = 0;
    switch (token->kind) {
    case TOKEN_TIME: rc = interval_input_clock(&reading, token->text, &fills); break;
    case TOKEN_SIGNED: rc = interval_input_signed(&reading, token->text, &fills); break;
    case TOKEN_DATE:
    case TOKEN_NUMBER: rc = interval_input_number(&reading, token->text, &fills); break;
    default:
      reading.unit = moment_word_of_unit(token->text, strlen(token->text));
      if (reading.unit == WORD_UNKNOWN) rc = LEDGER_INVALID_DATETIME;
      if (reading.unit == WORD_AGO) ago = true;
      break;
    }
    if (rc != LEDGER_OK) return rc;
    if (filled & fills) return LEDGER_INVALID_DATETIME;
    filled |= fills;
  }
  if (filled == 0) return LEDGER_INVALID_DATETIME;
  return ago && !interval_input_negate(input) ? LEDGER_FIELD_OVERFLOW : LEDGER_OK;
}

/* ---- ISO 8601: with designators P1Y2M3DT4H5M6S, or P0001-02-03T04:05:06 and P00010203T040506.
** The same codes. */

struct interval_iso {
  const char *at;
  int64_t count; /* the last number read */
  double fraction;
  int digits; /* before its point */
};

static const char *interval_iso_digits(const char *text) {
  return text + strspn(text, "0123456789");
}

/* A decimal number, which may have an exponent. It goes through strtod(), as in PostgreSQL,
** without its point, which is another character in other locales. */
static int interval_iso_number(struct interval_iso *iso) {
  const char *start = iso->at + (*iso->at == '-');
  const char *end = interval_iso_digits(start);
  const char *point = end;
  const char *fraction = end;
  long exponent = 0;
  iso->digits = (int)(end - start);
  if (*point == '.') {
    fraction = point + 1;
    end = interval_iso_digits(fraction);
  }
  int count = (int)(end - fraction);
  if (iso->digits + count == 0) return LEDGER_INVALID_DATETIME;
  if (*end == 'e' || *end == 'E') {
    const char *digits = end + 1 + (end[1] == '-' || end[1] == '+');
    if (interval_iso_digits(digits) > digits) {
      exponent = strtol(end + 1, NULL, 10);
      if (exponent > 9999) exponent = 9999;
      if (exponent < -9999) exponent = -9999;
      end = interval_iso_digits(digits);
    }
  }
  char number[INTERVAL_INPUT_MAX + 32];
  sqlite3_snprintf((int)sizeof number, number, "%s%.*s%.*se%ld", *iso->at == '-' ? "-" : "",
                   iso->digits, start, count, fraction, exponent - count);
  errno = 0;
  double real = strtod(number, NULL);
  if (errno != 0) return LEDGER_INVALID_DATETIME;
  if (real < -1e15 || real > 1e15) return LEDGER_FIELD_OVERFLOW;
  iso->count = (int64_t)real;
  iso->fraction = real - (double)iso->count;
  iso->at = end;
  return LEDGER_OK;
}

/* Behind the first number of P0001-02-03: OK at its end, with iso->at on the T or the end. */
static int interval_iso_date(struct interval_iso *iso, struct interval_input *input) {
  if (!interval_input_years(input, iso->count, iso->fraction, 1)) return LEDGER_FIELD_OVERFLOW;
  if (*iso->at != '-') return LEDGER_OK;
  iso->at++;
  int rc = interval_iso_number(iso);
  if (rc != LEDGER_OK) return rc;
  if (!interval_input_months(input, iso->count, iso->fraction)) return LEDGER_FIELD_OVERFLOW;
  if (*iso->at == 0 || *iso->at == 'T') return LEDGER_OK;
  if (*iso->at++ != '-') return LEDGER_INVALID_DATETIME;
  rc = interval_iso_number(iso);
  if (rc != LEDGER_OK) return rc;
  if (!interval_input_days(input, iso->count, iso->fraction, 1)) return LEDGER_FIELD_OVERFLOW;
  return *iso->at == 0 || *iso->at == 'T' ? LEDGER_OK : LEDGER_INVALID_DATETIME;
}

/* Behind the first number of T04:05:06, up to the end of the text. */
static int interval_iso_time(struct interval_iso *iso, struct interval_input *input) {
  static const int64_t scales[] = {MOMENT_HOUR, MOMENT_MINUTE, MOMENT_SECOND};
  for (int i = 0;; i++) {
    if (!interval_input_time(input, iso->count, iso->fraction, scales[i]))
      return LEDGER_FIELD_OVERFLOW;
    if (*iso->at == 0) return LEDGER_OK;
    if (i == 2 || *iso->at++ != ':') return LEDGER_INVALID_DATETIME;
    int rc = interval_iso_number(iso);
    if (rc != LEDGER_OK) return rc;
  }
}

/* The designator behind a number. */
static int interval_iso_unit(struct interval_iso *iso, bool in_date, struct interval_input *input) {
  bool fits;
  switch (*iso->at++ | (in_date ? 0 : 0x100)) {
  case 'Y': fits = interval_input_years(input, iso->count, iso->fraction, 1); break;
  case 'M': fits = interval_input_months(input, iso->count, iso->fraction); break;
  case 'W': fits = interval_input_days(input, iso->count, iso->fraction, 7); break;
  case 'D': fits = interval_input_days(input, iso->count, iso->fraction, 1); break;
  case 'H' | 0x100:
    fits = interval_input_time(input, iso->count, iso->fraction, MOMENT_HOUR);
    break;
  case 'M' | 0x100:
    fits = interval_input_time(input, iso->count, iso->fraction, MOMENT_MINUTE);
    break;
  case 'S' | 0x100:
    fits = interval_input_time(input, iso->count, iso->fraction, MOMENT_SECOND);
    break;
  default: return LEDGER_INVALID_DATETIME;
  }
  return fits ? LEDGER_OK : LEDGER_FIELD_OVERFLOW;
}

/* yyyymmdd and hhmmss. */
static bool interval_iso_basic(const struct interval_iso *iso, bool in_date,
                               struct interval_input *input) {
  int64_t first = iso->count / 10000, second = iso->count / 100 % 100, third = iso->count % 100;
  if (in_date) {
    return interval_input_years(input, first, 0, 1) && interval_input_months(input, second, 0) &&
           interval_input_days(input, third, iso->fraction, 1);
  }
  return interval_input_time(input, first, 0, MOMENT_HOUR) &&
         interval_input_time(input, second, 0, MOMENT_MINUTE) &&
         interval_input_time(input, third, 0, MOMENT_SECOND) &&
         interval_input_fraction(input, iso->fraction, 1);
}

static int interval_input_iso(struct interval_input *input, const char *text) {
  struct interval_iso iso = {.at = text + 1};
  bool in_date = true, first = true; /* first: no number yet in the date, or in the time */
  if (text[0] != 'P' || text[1] == 0) return LEDGER_INVALID_DATETIME;
  while (*iso.at != 0) {
    if (*iso.at == 'T') {
      in_date = false;
      first = true;
      iso.at++;
      continue;
    }
    int rc = interval_iso_number(&iso);
    if (rc != LEDGER_OK) return rc;
    char next = *iso.at;
    bool at_end = next == 0 || (in_date && next == 'T');
    if (at_end && first && iso.digits == (in_date ? 8 : 6)) {
      if (!interval_iso_basic(&iso, in_date, input)) return LEDGER_FIELD_OVERFLOW;
    } else if (at_end || next == (in_date ? '-' : ':')) {
      if (!first) return LEDGER_INVALID_DATETIME;
      rc = in_date ? interval_iso_date(&iso, input) : interval_iso_time(&iso, input);
    } else {
      rc = interval_iso_unit(&iso, in_date, input);
    }
    if (rc != LEDGER_OK) return rc;
    first = false;
  }
  return LEDGER_OK;
}

/* ---- the whole */

static int interval_input_general(const char *text, size_t length, int fields, struct interval *out,
                                  ledger_error *error) {
  struct interval_input input = {0};
  struct moment_tokens tokens;
  int rc = text_check(text, length, error);
  if (rc != LEDGER_OK) return rc;
  rc = LEDGER_INVALID_DATETIME;
  if (moment_tokenize(text, length, INTERVAL_INPUT_MAX, &tokens)) {
    rc = interval_input_tokens(&input, &tokens, fields);
  }
  if (rc == LEDGER_INVALID_DATETIME && length < INTERVAL_INPUT_MAX) {
    char copy[INTERVAL_INPUT_MAX];
    memcpy(copy, text, length);
    copy[length] = 0;
    input = (struct interval_input){0};
    rc = interval_input_iso(&input, copy);
  }
  int size = (int)(length < 1000 ? length : 1000); /* no message is longer */
  if (rc == LEDGER_FIELD_OVERFLOW) {
    return error_set(error, rc, "interval field value out of range: \"%.*s\"", size, text);
  }
  if (rc != LEDGER_OK) {
    return error_set(error, rc, "invalid input syntax for type interval: \"%.*s\"", size, text);
  }
  int64_t months = input.years * INT64_C(12) + input.months;
  if (months < INT32_MIN || months > INT32_MAX) {
    return error_set(error, LEDGER_DATETIME_RANGE, "interval out of range");
  }
  *out = (struct interval){input.microseconds, input.days, (int32_t)months};
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_input(const struct type *type, const char *text, size_t length,
                                  struct arena *arena, struct value *out, ledger_error *error) {
  struct interval interval;
  bool canonical = interval_parse(text, length, &interval, NULL) == LEDGER_OK;
  int rc =
      canonical ? LEDGER_OK : interval_input_general(text, length, type->fields, &interval, error);
  struct interval read = interval;
  if (rc == LEDGER_OK) rc = interval_coerce(&interval, type->fields, type->length, error);
  if (rc != LEDGER_OK) return rc;
  if (canonical && interval.microseconds == read.microseconds && interval.days == read.days &&
      interval.months == read.months) {
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
    return LEDGER_OK;
  }
  char stored[INTERVAL_TEXT_MAX];
  size_t size = interval_text(&interval, stored);
  const char *copy = arena_copy(arena, stored, size);
  if (copy == NULL) return error_memory(error);
  *out = (struct value){.kind = VALUE_TEXT, .text = copy, .length = size};
  return LEDGER_OK;
}
