/*
** moment_input.c: the input of date, time, timestamp and timestamptz.
**
** What PostgreSQL accepts is defined by how it reads: tokens from left to right, each of which
** fills some fields of the moment, no field twice. This reads the same way, so that each bad text
** is refused for the same reason. Names of months, week days and time zones, BC, Julian days and
** labelled numbers (y2026m1d2) are not read: INVALID_DATETIME.
*/
#include "../internal.h"

#include <math.h>

#define MOMENT_INPUT_BYTES 153       /* of a timestamp's tokens, as in PostgreSQL */
#define MOMENT_INPUT_SHORT_BYTES 129 /* of a date's or time's */

/* Fields that a token has filled. */
enum {
  TAKEN_YEAR = 1,
  TAKEN_MONTH = 2,
  TAKEN_DAY = 4,
  TAKEN_DATE = TAKEN_YEAR | TAKEN_MONTH | TAKEN_DAY,
  TAKEN_TIME = 8, /* hour, minute and second come together */
  TAKEN_ZONE = 16,
  TAKEN_ORDINAL = 32, /* the day is of the year */
  TAKEN_HALF = 64,    /* AM or PM */
  TAKEN_SPECIAL = 128 /* epoch or an infinity: other fields may stand beside it and do not count */
};

struct moment_input {
  enum type_id id;
  int64_t now_us; /* 0: ask the clock */
  int filled;     /* TAKEN_* */
  bool time_next; /* a "t" stands before */
  bool two_digit_year;
  enum moment_word half;    /* WORD_AM, WORD_PM */
  enum moment_word special; /* WORD_EPOCH, WORD_INFINITY, WORD_MINUS_INFINITY: the whole moment */
  struct moment_fields fields;
  int ordinal;
  int64_t zone;          /* seconds east */
  bool blame_order;      /* the error may come from the order of month and day */
  const char *zone_name; /* a zone by name: an error, unless there is another */
};

/* ---- parts of tokens. All return OK, INVALID_DATETIME, DATETIME_RANGE or INVALID_ZONE and set
** no message. */

/* +hh, +hhmm, +hh:mm, +hh:mm:ss. */
static int moment_input_zone(const char *text, int64_t *east) {
  int64_t hour, minute = 0, second = 0;
  const char *cursor = text + 1;
  if (*text != '+' && *text != '-') return LEDGER_INVALID_DATETIME;
  if (!moment_integer(&cursor, INT32_MAX, &hour)) return LEDGER_INVALID_ZONE;
  if (*cursor == ':') {
    cursor++;
    if (!moment_integer(&cursor, INT32_MAX, &minute)) return LEDGER_INVALID_ZONE;
    if (*cursor == ':') {
      cursor++;
      if (!moment_integer(&cursor, INT32_MAX, &second)) return LEDGER_INVALID_ZONE;
    }
  } else if (*cursor == 0 && cursor - text > 3) {
    minute = hour % 100;
    hour /= 100;
  }
  if (hour < 0 || hour > 15 || minute < 0 || minute > 59 || second < 0 || second > 59) {
    return LEDGER_INVALID_ZONE;
  }
  if (*cursor != 0) return LEDGER_INVALID_DATETIME;
  *east = (hour * 60 + minute) * 60 + second;
  if (*text == '-') *east = -*east;
  return LEDGER_OK;
}

/* Two digits; -1 if they are not. */
static int moment_input_pair(const char *text) {
  bool digits = text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9';
  return digits ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

/* yyyymmdd or yymmdd while there is no date, else hhmmss[.f] or hhmm. `length` bytes of text
** count. */
static int moment_input_run(struct moment_input *input, const char *text, size_t length, int filled,
                            int *fills) {
  struct moment_fields *fields = &input->fields;
  const char *point = memchr(text, '.', length);
  if (point != NULL) {
    length = (size_t)(point - text);
    fields->microsecond = (int)rint(moment_fraction(&point) * 1e6);
  } else if ((filled & TAKEN_DATE) != TAKEN_DATE && length >= 6) {
    fields->day = moment_input_pair(text + length - 2);
    fields->month = moment_input_pair(text + length - 4);
    const char *cursor = text;
    int64_t date;
    fields->year = moment_integer(&cursor, INT64_MAX, &date) ? date / 10000 : INT32_MAX;
    if (length == 6) input->two_digit_year = true;
    *fills = TAKEN_DATE;
    return LEDGER_OK;
  }
  if ((filled & TAKEN_TIME) != 0 || (length != 6 && length != 4)) return LEDGER_INVALID_DATETIME;
  fields->hour = moment_input_pair(text);
  fields->minute = moment_input_pair(text + 2);
  fields->second = length == 6 ? moment_input_pair(text + 4) : 0;
  if (fields->hour < 0 || fields->minute < 0 || fields->second < 0) return LEDGER_INVALID_DATETIME;
  *fills = TAKEN_TIME;
  return LEDGER_OK;
}

/* A number between other fields. What it is depends on what was there: year first if it has
** three digits or more, else the order is month, day, year. */
static int moment_input_number(struct moment_input *input, const char *text, size_t length,
                               int filled, int *fills) {
  struct moment_fields *fields = &input->fields;
  const char *cursor = text;
  int64_t number;
  if (!moment_integer(&cursor, INT32_MAX, &number)) return LEDGER_DATETIME_RANGE;
  if (cursor == text) return LEDGER_INVALID_DATETIME;
  if (*cursor == '.') {
    if (cursor - text > 2) {
      return moment_input_run(input, text, length, filled | TAKEN_DATE, fills);
    }
    fields->microsecond = (int)rint(moment_fraction(&cursor) * 1e6);
  }
  if (cursor != text + length) return LEDGER_INVALID_DATETIME;
  if (length == 3 && (filled & TAKEN_DATE) == TAKEN_YEAR && number >= 1 && number <= 366) {
    input->ordinal = (int)number;
    *fills = TAKEN_ORDINAL | TAKEN_MONTH | TAKEN_DAY;
    return LEDGER_OK;
  }
  switch (filled & TAKEN_DATE) {
  case 0: *fills = length >= 3 ? TAKEN_YEAR : TAKEN_MONTH; break;
  case TAKEN_YEAR: *fills = TAKEN_MONTH; break;
  case TAKEN_MONTH:
  case TAKEN_YEAR | TAKEN_MONTH: *fills = TAKEN_DAY; break;
  case TAKEN_MONTH | TAKEN_DAY: *fills = TAKEN_YEAR; break;
  default: return moment_input_run(input, text, length, filled, fills);
  }
  if (*fills == TAKEN_DAY) {
    fields->day = (int)number;
  } else if (*fills == TAKEN_MONTH) {
    fields->month = (int)number;
  } else {
    fields->year = number;
    input->two_digit_year = length <= 2;
  }
  return LEDGER_OK;
}

static bool moment_input_is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* 2026-01-28, 1/28/2026, 2026.028: numbers with one or more signs between. */
static int moment_input_date(struct moment_input *input, const char *text, int *fills) {
  int filled = input->filled;
  char number[MOMENT_INPUT_BYTES];
  *fills = 0;
  while (*text != 0) {
    while (*text != 0 && !moment_input_is_alnum(*text)) text++;
    size_t length = 0;
    while (text[length] >= '0' && text[length] <= '9') length++;
    if (length == 0) return LEDGER_INVALID_DATETIME; /* the end, or a name */
    memcpy(number, text, length);
    number[length] = 0;
    text += length;
    if (*text != 0) text++;
    int fill = 0;
    int rc = moment_input_number(input, number, length, filled, &fill);
    if (rc != LEDGER_OK) return rc;
    if (filled & fill) return LEDGER_INVALID_DATETIME;
    filled |= fill;
    *fills |= fill;
  }
  return (filled & ~(TAKEN_ORDINAL | TAKEN_ZONE)) == TAKEN_DATE ? LEDGER_OK
                                                                : LEDGER_INVALID_DATETIME;
}

/* hhmmss-zz, which looks like a date. */
static int moment_input_run_and_zone(struct moment_input *input, const char *text, int *fills) {
  const char *zone = strchr(text, '-');
  if ((input->filled & TAKEN_TIME) != 0 || zone == NULL) return LEDGER_INVALID_DATETIME;
  int rc = moment_input_zone(zone, &input->zone);
  int filled = input->filled | (input->id == TYPE_TIME ? TAKEN_DATE : 0);
  if (rc == LEDGER_OK) rc = moment_input_run(input, text, (size_t)(zone - text), filled, fills);
  *fills |= TAKEN_ZONE;
  return rc;
}

static bool moment_input_past_midnight(const struct moment_fields *fields) {
  int64_t time = fields->hour * MOMENT_HOUR + fields->minute * MOMENT_MINUTE +
                 fields->second * MOMENT_SECOND + fields->microsecond;
  return fields->hour > 24 || fields->minute > 59 || fields->second > 60 || time > MOMENT_DAY;
}

/* ---- tokens. The same codes. */

static int moment_input_take_time(struct moment_input *input, const char *text, int *fills) {
  struct moment_clock clock;
  int rc = moment_clock_read(text, false, INT32_MAX, &clock);
  if (rc != LEDGER_OK) return rc;
  input->time_next = false;
  input->fields.hour = clock.hour > 24 ? 25 : (int)clock.hour;
  input->fields.minute = clock.minute;
  input->fields.second = clock.second;
  input->fields.microsecond = clock.microsecond;
  *fills = TAKEN_TIME;
  bool past = input->id != TYPE_TIME && moment_input_past_midnight(&input->fields);
  return past ? LEDGER_DATETIME_RANGE : LEDGER_OK;
}

static int moment_input_take_date(struct moment_input *input, const struct moment_tokens *tokens,
                                  int index, int *fills) {
  const char *text = tokens->items[index].text;
  bool is_date;
  if (input->id == TYPE_TIME) {
    /* A date is read, and forgotten, only in front of a time or of hhmmss-zz. */
    is_date = index == 0 && tokens->count >= 2 &&
              (tokens->items[tokens->count - 1].kind == TOKEN_DATE ||
               tokens->items[1].kind == TOKEN_TIME);
  } else {
    int both = TAKEN_MONTH | TAKEN_DAY;
    is_date = !input->time_next && (input->filled & both) != both;
  }
  if (is_date) return moment_input_date(input, text, fills);
  bool after_t = input->time_next && input->id != TYPE_TIME;
  input->time_next = after_t ? false : input->time_next;
  if (after_t || (text[0] >= '0' && text[0] <= '9')) {
    return moment_input_run_and_zone(input, text, fills);
  }
  input->zone_name = text;
  *fills = TAKEN_ZONE;
  /* PostgreSQL takes nearly every word with digits for a zone, as in POSIX, and finds other
  ** faults behind it. */
  return strpbrk(text, "0123456789") == NULL ? LEDGER_INVALID_PARAMETER : LEDGER_OK;
}

static int moment_input_take_number(struct moment_input *input, const struct moment_tokens *tokens,
                                    int index, int *fills) {
  const char *text = tokens->items[index].text;
  size_t length = strlen(text);
  const char *point = strchr(text, '.');
  bool long_integer = point != NULL && point - text > 2;
  int filled = input->filled;
  if (input->time_next || input->id == TYPE_TIME) filled |= TAKEN_DATE;
  if (input->time_next) {
    const char *cursor = text;
    int64_t number;
    input->time_next = false;
    if (!moment_integer(&cursor, INT32_MAX, &number)) return LEDGER_DATETIME_RANGE;
    return moment_input_run(input, text, length, filled, fills);
  }
  if (input->id == TYPE_TIME) {
    bool is_date =
        index == 0 && tokens->count >= 2 && tokens->items[tokens->count - 1].kind == TOKEN_DATE;
    if (point != NULL && is_date) return moment_input_date(input, text, fills);
    if (point != NULL && !long_integer) return LEDGER_INVALID_DATETIME;
    if (point != NULL || length > 4) return moment_input_run(input, text, length, filled, fills);
    return moment_input_number(input, text, length, filled, fills);
  }
  if (point != NULL && (filled & TAKEN_DATE) == 0) return moment_input_date(input, text, fills);
  bool missing = (filled & TAKEN_DATE) == 0 || (filled & TAKEN_TIME) == 0;
  if (long_integer || (length >= 6 && missing)) {
    return moment_input_run(input, text, length, filled, fills);
  }
  return moment_input_number(input, text, length, filled, fills);
}

static int64_t moment_input_now(const struct moment_input *input) {
  return (input->now_us != 0 ? input->now_us : clock_now_us()) + MOMENT_UNIX_EPOCH;
}

static void moment_input_set_date(struct moment_input *input, int days_from_now) {
  struct moment_fields day;
  moment_split(moment_input_now(input) + days_from_now * MOMENT_DAY, &day);
  input->fields.year = day.year;
  input->fields.month = day.month;
  input->fields.day = day.day;
}

/* now, today, epoch and their like. */
static int moment_input_take_reserved(struct moment_input *input, enum moment_word word,
                                      int *fills) {
  bool is_time = input->id == TYPE_TIME;
  input->special = WORD_UNKNOWN;
  *fills = TAKEN_DATE;
  switch (word) {
  case WORD_NOW:
    moment_split(moment_input_now(input), &input->fields);
    *fills = is_time ? TAKEN_TIME : TAKEN_DATE | TAKEN_TIME | TAKEN_ZONE;
    return LEDGER_OK;
  case WORD_ALLBALLS:
    input->fields.hour = input->fields.minute = input->fields.second = 0;
    input->zone = 0;
    *fills = TAKEN_TIME | TAKEN_ZONE;
    return LEDGER_OK;
  case WORD_TODAY: moment_input_set_date(input, 0); break;
  case WORD_TOMORROW: moment_input_set_date(input, 1); break;
  case WORD_YESTERDAY: moment_input_set_date(input, -1); break;
  default:
    input->special = word;
    *fills = TAKEN_SPECIAL;
    break;
  }
  return is_time ? LEDGER_INVALID_DATETIME : LEDGER_OK;
}

static int moment_input_take_word(struct moment_input *input, const struct moment_tokens *tokens,
                                  int index, int *fills) {
  const char *text = tokens->items[index].text;
  enum moment_word word = moment_word_of_date(text, strlen(text));
  switch (word) {
  case WORD_FILLER: return LEDGER_OK;
  case WORD_UTC:
    input->zone = 0;
    *fills = TAKEN_ZONE;
    return LEDGER_OK;
  case WORD_AM:
  case WORD_PM:
    input->half = word;
    *fills = TAKEN_HALF;
    return LEDGER_OK;
  case WORD_T: {
    if (input->id != TYPE_TIME && (input->filled & TAKEN_DATE) != TAKEN_DATE) break;
    if (index + 1 == tokens->count) break;
    enum moment_token_kind next = tokens->items[index + 1].kind;
    if (next != TOKEN_NUMBER && next != TOKEN_TIME && next != TOKEN_DATE) break;
    input->time_next = true;
    return LEDGER_OK;
  }
  case WORD_NOW:
  case WORD_TODAY:
  case WORD_TOMORROW:
  case WORD_YESTERDAY:
  case WORD_EPOCH:
  case WORD_INFINITY:
  case WORD_MINUS_INFINITY:
  case WORD_ALLBALLS: return moment_input_take_reserved(input, word, fills);
  default: break;
  }
  return LEDGER_INVALID_DATETIME;
}

static int moment_input_take(struct moment_input *input, const struct moment_tokens *tokens,
                             int index, int *fills) {
  const struct moment_token *token = &tokens->items[index];
  switch (token->kind) {
  case TOKEN_NUMBER: return moment_input_take_number(input, tokens, index, fills);
  case TOKEN_DATE: return moment_input_take_date(input, tokens, index, fills);
  case TOKEN_TIME: return moment_input_take_time(input, token->text, fills);
  case TOKEN_SIGNED: *fills = TAKEN_ZONE; return moment_input_zone(token->text, &input->zone);
  default: return moment_input_take_word(input, tokens, index, fills);
  }
}

/* ---- the whole */

/* What can be checked only once the year is known. */
static int moment_input_check(struct moment_input *input) {
  struct moment_fields *fields = &input->fields;
  if (input->filled & TAKEN_YEAR) {
    if (input->two_digit_year && fields->year < 100) {
      fields->year += fields->year < 70 ? 2000 : 1900;
    } else if (fields->year <= 0) {
      return LEDGER_DATETIME_RANGE;
    }
  }
  if (input->filled & TAKEN_ORDINAL) {
    moment_civil(moment_days(fields->year, 1, 1) + input->ordinal - 1, fields);
  }
  bool bad_month = (input->filled & TAKEN_MONTH) && (fields->month < 1 || fields->month > 12);
  bool bad_day = (input->filled & TAKEN_DAY) && (fields->day < 1 || fields->day > 31);
  if (bad_month || bad_day) {
    input->blame_order = true;
    return LEDGER_DATETIME_RANGE;
  }
  if ((input->filled & TAKEN_DATE) == TAKEN_DATE &&
      fields->day > moment_month_days(fields->year, fields->month)) {
    return LEDGER_DATETIME_RANGE;
  }
  if (input->half != WORD_UNKNOWN) {
    if (fields->hour > 12) return LEDGER_DATETIME_RANGE;
    fields->hour = fields->hour % 12 + (input->half == WORD_PM ? 12 : 0);
  }
  return LEDGER_OK;
}

/* "m48": a label and its number, which is too little for a moment, but PostgreSQL first asks
** whether there can be such a month. */
static bool moment_input_is_labelled_range(const struct moment_input *input,
                                           const struct moment_tokens *tokens) {
  const char *label = tokens->items[0].text;
  int64_t number, least = 1, most = INT32_MAX;
  if (tokens->count != 2 || tokens->items[0].kind != TOKEN_WORD ||
      tokens->items[1].kind != TOKEN_NUMBER)
    return false;
  switch (moment_word_of_date(label, strlen(label))) {
  case WORD_YEAR: break;
  case WORD_MONTH: most = 12; break;
  case WORD_DAY: most = 31; break;
  case WORD_HOUR:
  case WORD_SECOND:
    if (input->id != TYPE_TIME) return false;
    least = 0;
    most = moment_word_of_date(label, strlen(label)) == WORD_HOUR ? 24 : 60;
    break;
  default: return false;
  }
  const char *cursor = tokens->items[1].text;
  bool fits = moment_integer(&cursor, INT32_MAX, &number);
  return *cursor == 0 && (!fits || number < least || number > most);
}

static int moment_input_read(struct moment_input *input, const struct moment_tokens *tokens) {
  if (moment_input_is_labelled_range(input, tokens)) return LEDGER_DATETIME_RANGE;
  for (int i = 0; i < tokens->count; i++) {
    int fills = 0;
    int rc = moment_input_take(input, tokens, i, &fills);
    if (rc != LEDGER_OK) return rc;
    if (input->filled & fills) return LEDGER_INVALID_DATETIME;
    input->filled |= fills;
  }
  int rc = moment_input_check(input);
  if (rc != LEDGER_OK || input->special != WORD_UNKNOWN) return rc;
  bool is_time = input->id == TYPE_TIME;
  if (is_time && moment_input_past_midnight(&input->fields)) return LEDGER_DATETIME_RANGE;
  int needed = is_time ? TAKEN_TIME : TAKEN_DATE;
  if ((input->filled & needed) != needed) return LEDGER_INVALID_DATETIME;
  return input->zone_name == NULL ? LEDGER_OK : LEDGER_INVALID_PARAMETER;
}

/* The moment that was read. Years that cannot be stored are left to moment_check(), but for
** those that would overflow. */
static int64_t moment_input_moment(const struct moment_input *input) {
  const struct moment_fields *fields = &input->fields;
  bool is_date = input->id == TYPE_DATE;
  if (input->special == WORD_INFINITY) return MOMENT_INFINITY;
  if (input->special == WORD_MINUS_INFINITY) return MOMENT_MINUS_INFINITY;
  if (input->special == WORD_EPOCH) return MOMENT_UNIX_EPOCH / (is_date ? MOMENT_DAY : 1);
  int64_t time = fields->hour * MOMENT_HOUR + fields->minute * MOMENT_MINUTE +
                 fields->second * MOMENT_SECOND + fields->microsecond;
  if (input->id == TYPE_TIME) return time;
  int64_t days =
      moment_days(fields->year < 20000 ? fields->year : 20000, fields->month, fields->day);
  if (is_date) return days;
  if (input->id == TYPE_TIMESTAMPTZ) time -= input->zone * MOMENT_SECOND;
  return days * MOMENT_DAY + time;
}

static const char *moment_input_name(enum type_id id) {
  switch (id) {
  case TYPE_DATE: return "date";
  case TYPE_TIME: return "time";
  case TYPE_TIMESTAMP: return "timestamp";
  default: return "timestamp with time zone";
  }
}

static int moment_input_fail(const struct moment_input *input, int code, const char *text,
                             size_t length, ledger_error *error) {
  int size = (int)(length < 1000 ? length : 1000); /* no message is longer */
  switch (code) {
  case LEDGER_INVALID_ZONE:
    return error_set(error, code, "time zone displacement out of range: \"%.*s\"", size, text);
  case LEDGER_INVALID_PARAMETER:
    return error_set(error, code, "time zone \"%s\" not recognized", input->zone_name);
  case LEDGER_DATETIME_RANGE:
    error_set(error, code, "date/time field value out of range: \"%.*s\"", size, text);
    if (input->blame_order) {
      error_hint(error, "Perhaps you need a different \"datestyle\" setting.");
    }
    return code;
  default:
    return error_set(error, code, "invalid input syntax for type %s: \"%.*s\"",
                     moment_input_name(input->id), size, text);
  }
}

/* Every form but the canonical one. */
static int moment_input_general(const struct type *type, const char *text, size_t length,
                                int64_t now_us, int64_t *out, ledger_error *error) {
  struct moment_input input = {.id = type->id, .now_us = now_us};
  struct moment_tokens tokens;
  int rc = text_check(text, length, error);
  if (rc != LEDGER_OK) return rc;
  bool is_short = type->id == TYPE_DATE || type->id == TYPE_TIME;
  size_t capacity = is_short ? MOMENT_INPUT_SHORT_BYTES : MOMENT_INPUT_BYTES;
  rc = LEDGER_INVALID_DATETIME;
  if (moment_tokenize(text, length, capacity, &tokens)) rc = moment_input_read(&input, &tokens);
  if (rc != LEDGER_OK) return moment_input_fail(&input, rc, text, length, error);
  *out = moment_input_moment(&input);
  if (type->id != TYPE_DATE) *out = moment_round(*out, type->length);
  if (moment_check(type->id, *out, NULL) == LEDGER_OK) return LEDGER_OK;
  return error_set(error, LEDGER_DATETIME_RANGE, "%s out of range: \"%.*s\"",
                   type->id == TYPE_DATE ? "date" : "timestamp", (int)length, text);
}

/* The usual spellings beside the canonical one, without the general reading: T for the space, Z
** or +00 for the zone, zeros at the end of the fraction. Writes the stored form; 0: it is none
** of these. */
static size_t moment_input_usual(const struct type *type, const char *text, size_t length,
                                 char out[MOMENT_TEXT_MAX]) {
  struct moment_fields fields;
  int digits;
  if (length < 19 || length > 32 || (text[10] != 'T' && text[10] != ' ')) return 0;
  if (text[length - 1] == 'Z') {
    length--;
  } else if (memcmp(text + length - 3, "+00", 3) == 0) {
    length -= 3;
  } else if (memcmp(text + length - 6, "+00:00", 6) == 0) {
    length -= 6;
  }
  memcpy(out, text, length);
  out[10] = ' ';
  if (length > 20 && out[19] == '.') {
    while (out[length - 1] == '0') length--;
    if (out[length - 1] == '.') length--;
  }
  if (type->id == TYPE_TIMESTAMPTZ) {
    memcpy(out + length, "+00:00", 6);
    length += 6;
  }
  bool usual = moment_scan(type->id, out, length, &fields, &digits);
  return usual && (type->length < 0 || digits <= type->length) ? length : 0;
}

LEDGER_PRIVATE int moment_input_at(const struct type *type, const char *text, size_t length,
                                   int64_t now_us, struct arena *arena, struct value *out,
                                   ledger_error *error) {
  struct moment_fields fields;
  int digits;
  if (moment_scan(type->id, text, length, &fields, &digits) &&
      (type->length < 0 || digits <= type->length)) {
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
    return LEDGER_OK;
  }
  char stored[MOMENT_TEXT_MAX];
  size_t size = moment_input_usual(type, text, length, stored);
  if (size == 0) {
    int64_t moment = 0;
    int rc = moment_input_general(type, text, length, now_us, &moment, error);
    if (rc != LEDGER_OK) return rc;
    size = moment_text(type->id, moment, stored);
  }
  bool same = size == length && memcmp(stored, text, length) == 0; /* infinity */
  const char *copy = same ? text : arena_copy(arena, stored, size);
  if (copy == NULL) return error_memory(error);
  *out = (struct value){.kind = VALUE_TEXT, .text = copy, .length = size};
  return LEDGER_OK;
}

LEDGER_PRIVATE int moment_input(const struct type *type, const char *text, size_t length,
                                struct arena *arena, struct value *out, ledger_error *error) {
  return moment_input_at(type, text, length, 0, arena, out, error);
}
