/*
** moments: date, time, timestamp, timestamptz and interval. Implemented in moment.c (stored forms,
** calendar), moment_word.c (the words and units), moment_token.c (what inputs are split into),
** moment_input.c, interval.c (stored form, order), interval_input.c, interval_arithmetic.c,
** moment_arithmetic.c, moment_field.c (extract, date_trunc) and moment_format.c (to_char). Included
** by types.h.
**
** A moment is an int64_t: of a date the days since 2000-01-01, of a time the microseconds since
** midnight (up to 24:00:00), of a timestamp or timestamptz the microseconds since 2000-01-01
** 00:00:00 (UTC). Days and seconds are counted in the Gregorian calendar without leap seconds. What
** can be stored are the years 1 to 9999 and the two infinities. The session's time zone is UTC,
** DateStyle ISO, MDY and IntervalStyle postgres.
*/
#ifndef LEDGER_MOMENTS_H
#define LEDGER_MOMENTS_H

/* The bits of struct type's fields, the same as in the type modifiers of PostgreSQL's parser. 0:
** no restriction; "interval day to second" is INTERVAL_DAY | INTERVAL_HOUR | INTERVAL_MINUTE |
** INTERVAL_SECOND. */
enum {
  INTERVAL_MONTH = 1 << 1,
  INTERVAL_YEAR = 1 << 2,
  INTERVAL_DAY = 1 << 3,
  INTERVAL_HOUR = 1 << 10,
  INTERVAL_MINUTE = 1 << 11,
  INTERVAL_SECOND = 1 << 12
};

struct interval {
  int64_t microseconds;
  int32_t days;
  int32_t months;
};

#define MOMENT_INFINITY INT64_MAX
#define MOMENT_MINUS_INFINITY INT64_MIN
#define MOMENT_TEXT_MAX 40 /* bytes of the longest stored form, with a NUL */
#define INTERVAL_TEXT_MAX 96
#define MOMENT_SECOND INT64_C(1000000)
#define MOMENT_MINUTE (60 * MOMENT_SECOND)
#define MOMENT_HOUR (60 * MOMENT_MINUTE)
#define MOMENT_DAY (24 * MOMENT_HOUR)
#define MOMENT_JULIAN_EPOCH 2451545                 /* the Julian day of 2000-01-01 */
#define MOMENT_UNIX_EPOCH INT64_C(-946684800000000) /* 1970-01-01 */

/* ---- moment.c: stored forms, order and calendar. `id` is TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP
** or TYPE_TIMESTAMPTZ. */

struct moment_fields { /* as in `struct tm`, but with the year and month that people write */
  int64_t year;        /* 0 is 1 BC */
  int month, day, hour, minute, second;
  int microsecond;
};

/* Appends PostgreSQL's output text. CORRUPT. */
LEDGER_PRIVATE int moment_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
/* The order of the btree operators: that of the bytes, since the stored forms were chosen so. */
LEDGER_PRIVATE int moment_compare(const struct type *type, const struct value *a, const struct value *b);

/* Reads the stored form of the type and nothing else. CORRUPT. */
LEDGER_PRIVATE int moment_parse(enum type_id id, const char *text, size_t length, int64_t *out, ledger_error *error);
/* Whether the text is the stored form of a finite moment; fills the fields, and the digits
** behind the point. */
LEDGER_PRIVATE bool moment_scan(enum type_id id, const char *text, size_t length, struct moment_fields *out, int *digits);
/* Writes the stored form, which must be in range, and a NUL. Returns its length. */
LEDGER_PRIVATE size_t moment_text(enum type_id id, int64_t moment, char out[MOMENT_TEXT_MAX]);
/* DATETIME_RANGE "timestamp out of range" unless the moment can be stored. */
LEDGER_PRIVATE int moment_check(enum type_id id, int64_t moment, ledger_error *error);
LEDGER_PRIVATE bool moment_is_finite(int64_t moment);

/* Days since 2000-01-01; month 1 to 12, the day may be of another month. */
LEDGER_PRIVATE int64_t moment_days(int64_t year, int month, int day);
/* The inverse: sets year, month and day. */
LEDGER_PRIVATE void moment_civil(int64_t days, struct moment_fields *out);
LEDGER_PRIVATE int moment_month_days(int64_t year, int month);
LEDGER_PRIVATE void moment_split(int64_t timestamp, struct moment_fields *out); /* any int64_t */
LEDGER_PRIVATE int64_t moment_divide(int64_t a, int64_t b);                     /* the quotient rounded down; b > 0 */
/* Rounds half away from zero (that is: from 2000) to `precision` digits of the fraction. */
LEDGER_PRIVATE int64_t moment_round(int64_t moment, int precision);

/* ---- moment_word.c: what words in dates, intervals and the first argument of extract() mean */

enum moment_word {
  WORD_UNKNOWN,
  /* in dates and times */
  WORD_NOW,
  WORD_TODAY,
  WORD_TOMORROW,
  WORD_YESTERDAY,
  WORD_EPOCH,
  WORD_INFINITY,
  WORD_MINUS_INFINITY,
  WORD_ALLBALLS,
  WORD_AM,
  WORD_PM,
  WORD_T,
  WORD_UTC,
  WORD_FILLER,
  WORD_REFUSED, /* PostgreSQL knows it, we do not: months, week days, BC, ... */
  /* in intervals */
  WORD_AGO,
  /* units, of intervals and of fields */
  WORD_MICROSECOND,
  WORD_MILLISECOND,
  WORD_SECOND,
  WORD_MINUTE,
  WORD_HOUR,
  WORD_DAY,
  WORD_WEEK,
  WORD_MONTH,
  WORD_QUARTER,
  WORD_YEAR,
  WORD_DECADE,
  WORD_CENTURY,
  WORD_MILLENNIUM,
  /* fields only */
  WORD_DOW,
  WORD_ISODOW,
  WORD_DOY,
  WORD_ISOYEAR,
  WORD_JULIAN,
  WORD_TIMEZONE,
  WORD_TIMEZONE_HOUR,
  WORD_TIMEZONE_MINUTE
};
/* Of a word in lower case; its first ten characters count, as in PostgreSQL. */
LEDGER_PRIVATE enum moment_word moment_word_of_date(const char *text, size_t length);
LEDGER_PRIVATE enum moment_word moment_word_of_unit(const char *text, size_t length);

/* ---- moment_token.c */

/* The first pass over a date, time or interval, which knows no meanings. */
#define MOMENT_TOKENS_MAX 25
#define MOMENT_TOKEN_BYTES_MAX 256
enum moment_token_kind {
  TOKEN_NUMBER, /* 12, 12.5, .5 */
  TOKEN_DATE,   /* digits and one of - / . between, or a word with such signs in it */
  TOKEN_TIME,   /* 12:30:00.5 */
  TOKEN_WORD,
  TOKEN_SIGNED, /* + or - and digits */
  TOKEN_SIGNED_WORD
};
struct moment_token {
  enum moment_token_kind kind;
  char *text; /* lower case, with a NUL behind it */
};
struct moment_tokens {
  int count;
  struct moment_token items[MOMENT_TOKENS_MAX];
  char bytes[MOMENT_TOKEN_BYTES_MAX];
};
/* Splits into tokens that take at most `capacity` bytes with their NULs. false: no such syntax. */
LEDGER_PRIVATE bool moment_tokenize(const char *text, size_t length, size_t capacity, struct moment_tokens *out);
/* Reads an integer at *cursor and moves behind it; no digits give 0. false: it is above `maximum`
** or below -maximum - 1. */
LEDGER_PRIVATE bool moment_integer(const char **cursor, int64_t maximum, int64_t *out);
/* Reads ".123" at *cursor and moves behind it: as strtod() reads it; a bare point is 0. */
LEDGER_PRIVATE double moment_fraction(const char **cursor);
/* hh:mm, hh:mm:ss.f or mm:ss.f. OK, INVALID_DATETIME or DATETIME_RANGE, without a message. */
struct moment_clock {
  int64_t hour;
  int minute, second, microsecond; /* 59, 60, 1000000 at most */
};
LEDGER_PRIVATE int moment_clock_read(const char *text, bool minute_to_second, int64_t hour_maximum, struct moment_clock *out);

/* ---- moment_input.c */

/* Input of all four types. `now`, `today` and their like are those of `now_us` (microseconds
** since 1970; 0: the clock's). INVALID_DATETIME, DATETIME_RANGE, INVALID_ZONE, INVALID_PARAMETER
** (a zone by name). */
LEDGER_PRIVATE int moment_input(const struct type *type, const char *text, size_t length, struct arena *arena,
                                struct value *out, ledger_error *error);
LEDGER_PRIVATE int moment_input_at(const struct type *type, const char *text, size_t length, int64_t now_us,
                                   struct arena *arena, struct value *out, ledger_error *error);

/* ---- interval.c: stored form and order */

LEDGER_PRIVATE int interval_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int interval_compare(const struct type *type, const struct value *a, const struct value *b);
/* The collation pg_interval, for sqlite3_create_collation_v2(): stored forms by their length in
** time, a month being 30 days and a day 24 hours; what is no interval sorts bytewise after all
** intervals. */
LEDGER_PRIVATE int interval_collate(void *unused, int a_length, const void *a, int b_length, const void *b);
/* Reads the stored form and nothing else. CORRUPT. */
LEDGER_PRIVATE int interval_parse(const char *text, size_t length, struct interval *out, ledger_error *error);
/* Writes the stored form and a NUL. Returns its length. */
LEDGER_PRIVATE size_t interval_text(const struct interval *interval, char out[INTERVAL_TEXT_MAX]);
/* -1, 0, 1. */
LEDGER_PRIVATE int interval_order(const struct interval *a, const struct interval *b);
/* Cuts to the fields and rounds to the precision (-1: none) of a column. DATETIME_RANGE. */
LEDGER_PRIVATE int interval_coerce(struct interval *interval, int fields, int precision, ledger_error *error);

/* ---- interval_input.c. INVALID_DATETIME, FIELD_OVERFLOW, DATETIME_RANGE. */

LEDGER_PRIVATE int interval_input(const struct type *type, const char *text, size_t length, struct arena *arena,
                                  struct value *out, ledger_error *error);

/* ---- interval_arithmetic.c: DATETIME_RANGE "interval out of range" unless said otherwise */

LEDGER_PRIVATE int interval_add(const struct interval *a, const struct interval *b, struct interval *out, ledger_error *error);
LEDGER_PRIVATE int interval_subtract(const struct interval *a, const struct interval *b, struct interval *out,
                                     ledger_error *error);
LEDGER_PRIVATE int interval_multiply(const struct interval *a, double factor, struct interval *out, ledger_error *error);
/* DIVISION_BY_ZERO. */
LEDGER_PRIVATE int interval_divide(const struct interval *a, double divisor, struct interval *out, ledger_error *error);
LEDGER_PRIVATE int interval_justify_hours(struct interval *interval, ledger_error *error);
LEDGER_PRIVATE int interval_justify_days(struct interval *interval, ledger_error *error);
LEDGER_PRIVATE int interval_justify(struct interval *interval, ledger_error *error);
/* Of counts of years, months, weeks, days, hours and minutes, and seconds. */
LEDGER_PRIVATE int interval_make(const int64_t counts[6], double seconds, struct interval *out, ledger_error *error);

/* ---- moment_arithmetic.c: results are checked with moment_check() */

/* timestamp + sign * interval. */
LEDGER_PRIVATE int moment_add(int64_t timestamp, const struct interval *interval, int sign, int64_t *out, ledger_error *error);
/* In days and hours. DATETIME_RANGE "cannot subtract infinite timestamps". */
LEDGER_PRIVATE int moment_subtract(int64_t a, int64_t b, struct interval *out, ledger_error *error);
/* age(): years, months and days. */
LEDGER_PRIVATE int moment_age(int64_t a, int64_t b, struct interval *out, ledger_error *error);
/* date_bin(): the start of the stride around the timestamp, strides being counted from `origin`. */
LEDGER_PRIVATE int moment_bin(const struct interval *stride, int64_t timestamp, int64_t origin, int64_t *out,
                              ledger_error *error);
LEDGER_PRIVATE int moment_add_days(int64_t date, int64_t days, int64_t *out, ledger_error *error);
/* A time and the interval's time, around midnight. */
LEDGER_PRIVATE int64_t moment_add_time(int64_t time, const struct interval *interval, int sign);
LEDGER_PRIVATE int64_t moment_of_date(int64_t date); /* the timestamp at its midnight */
LEDGER_PRIVATE int64_t moment_to_date(int64_t timestamp);
LEDGER_PRIVATE int64_t moment_to_time(int64_t timestamp); /* of a finite one */
/* to_timestamp(float8). */
LEDGER_PRIVATE int moment_of_unix(double seconds, int64_t *out, ledger_error *error);
/* make_date() and make_time(). */
LEDGER_PRIVATE int moment_make_date(int64_t year, int64_t month, int64_t day, int64_t *out, ledger_error *error);
LEDGER_PRIVATE int moment_make_time(int64_t hour, int64_t minute, double second, int64_t *out, ledger_error *error);
/* The seconds east of UTC of AT TIME ZONE's text: UTC and its synonyms, or an offset, which
** counts westwards as in POSIX ('-02' is two hours east). INVALID_PARAMETER for every other
** zone. */
LEDGER_PRIVATE int moment_zone(const char *text, size_t length, int64_t *out, ledger_error *error);

/* ---- moment_field.c */

/* extract(): a number in the arena, or VALUE_NULL. `id` may be TYPE_INTERVAL with `interval`,
** else `moment`. INVALID_PARAMETER for an unknown unit, UNSUPPORTED for one that the type has
** not. */
LEDGER_PRIVATE int moment_extract(enum type_id id, const char *unit, size_t unit_length, int64_t moment,
                                  const struct interval *interval, struct arena *arena, struct value *out, ledger_error *error);
/* date_part(): the same as VALUE_REAL. */
LEDGER_PRIVATE int moment_part(enum type_id id, const char *unit, size_t unit_length, int64_t moment,
                               const struct interval *interval, struct value *out, ledger_error *error);
/* date_trunc() of TYPE_TIMESTAMP or TYPE_TIMESTAMPTZ, and of an interval. */
LEDGER_PRIVATE int moment_truncate(enum type_id id, const char *unit, size_t unit_length, int64_t moment, int64_t *out,
                                   ledger_error *error);
LEDGER_PRIVATE int interval_truncate(const char *unit, size_t unit_length, struct interval *interval, ledger_error *error);

struct moment_week {
  int64_t year; /* of the ISO week */
  int week;     /* 1 to 53 */
};
LEDGER_PRIVATE struct moment_week moment_iso_week(int64_t days);
LEDGER_PRIVATE int moment_weekday(int64_t days); /* 0 is Sunday */

/* ---- moment_format.c */

/* to_char() of a finite timestamp or timestamptz: appends the template, its patterns filled in. */
LEDGER_PRIVATE void moment_format(enum type_id id, int64_t moment, const char *template, size_t template_length,
                                  sqlite3_str *out);

#endif
