/*
** moment.c: the stored forms of date, time, timestamp and timestamptz, their output and order, and
** the calendar.
*/
#include "../internal.h"

/* Days since 2000-01-01 of 0001-01-01 and of 10000-01-01: the ends of what can be stored. */
#define MOMENT_DAYS_MIN (-730119)
#define MOMENT_DAYS_END 2921940

/* ---- the calendar */

LEDGER_PRIVATE int64_t moment_divide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

LEDGER_PRIVATE bool moment_is_finite(int64_t moment) {
  return moment != MOMENT_INFINITY && moment != MOMENT_MINUS_INFINITY;
}

LEDGER_PRIVATE int moment_month_days(int64_t year, int month) {
  static const signed char days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : days[month - 1];
}

/* Years are counted from March here, so that the leap day is the last; 400 of them have 146097
** days. */
LEDGER_PRIVATE int64_t moment_days(int64_t year, int month, int day) {
  if (month <= 2) year--;
  int64_t era = moment_divide(year, 400);
  int64_t year_of_era = year - era * 400;
  int month_from_march = month > 2 ? month - 3 : month + 9;
  int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 730425; /* days from 0000-03-01 to 2000-01-01 */
}

LEDGER_PRIVATE void moment_civil(int64_t days, struct moment_fields *out) {
  days += 730425;
  int64_t era = moment_divide(days, 146097);
  int64_t day_of_era = days - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int day_of_year = (int)(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
  int month_from_march = (5 * day_of_year + 2) / 153;
  out->day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  out->month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  out->year = year_of_era + era * 400 + (out->month <= 2);
}

static void moment_split_time(int64_t time, struct moment_fields *out) {
  out->hour = (int)(time / MOMENT_HOUR);
  time %= MOMENT_HOUR;
  out->minute = (int)(time / MOMENT_MINUTE);
  time %= MOMENT_MINUTE;
  out->second = (int)(time / MOMENT_SECOND);
  out->microsecond = (int)(time % MOMENT_SECOND);
}

LEDGER_PRIVATE void moment_split(int64_t timestamp, struct moment_fields *out) {
  int64_t days = moment_divide(timestamp, MOMENT_DAY);
  moment_civil(days, out);
  int64_t time = timestamp % MOMENT_DAY; /* days * MOMENT_DAY might overflow */
  moment_split_time(time < 0 ? time + MOMENT_DAY : time, out);
}

LEDGER_PRIVATE int64_t moment_round(int64_t moment, int precision) {
  if (precision < 0 || precision >= 6 || !moment_is_finite(moment)) return moment;
  int64_t unit = 1;
  for (int i = precision; i < 6; i++) unit *= 10;
  int64_t rest = moment % unit;
  moment -= rest;
  if (rest >= unit / 2) return moment + unit;
  if (rest <= -(unit / 2)) return moment - unit;
  return moment;
}

/* ---- the stored forms */

static const char *moment_name(enum type_id id) {
  switch (id) {
  case TYPE_DATE: return "date";
  case TYPE_TIME: return "time";
  default: return "timestamp";
  }
}

LEDGER_PRIVATE int moment_check(enum type_id id, int64_t moment, ledger_error *error) {
  if (id == TYPE_TIME || !moment_is_finite(moment)) return LEDGER_OK;
  int64_t unit = id == TYPE_DATE ? 1 : MOMENT_DAY;
  if (moment >= MOMENT_DAYS_MIN * unit && moment < MOMENT_DAYS_END * unit) return LEDGER_OK;
  return error_set(error, LEDGER_DATETIME_RANGE, "%s out of range", moment_name(id));
}

/* Two digits, or -1. */
static int moment_pair(const char *text) {
  unsigned tens = (unsigned char)text[0] - '0';
  unsigned ones = (unsigned char)text[1] - '0';
  return tens <= 9 && ones <= 9 ? (int)(tens * 10 + ones) : -1;
}

static bool moment_scan_date(const char *text, struct moment_fields *out) {
  int century = moment_pair(text);
  int year = moment_pair(text + 2);
  out->month = moment_pair(text + 5);
  out->day = moment_pair(text + 8);
  if (century < 0 || year < 0 || text[4] != '-' || text[7] != '-') return false;
  out->year = century * 100 + year;
  if (out->year < 1 || out->month < 1 || out->month > 12 || out->day < 1) return false;
  return out->day <= 28 || out->day <= moment_month_days(out->year, out->month);
}

/* HH:MM:SS[.ffffff] up to `end`. */
static bool moment_scan_time(const char *text, const char *end, struct moment_fields *out,
                             int *digits) {
  if (end - text < 8) return false;
  out->hour = moment_pair(text);
  out->minute = moment_pair(text + 3);
  out->second = moment_pair(text + 6);
  out->microsecond = 0;
  *digits = 0;
  if (text[2] != ':' || text[5] != ':' || out->hour < 0 || out->minute < 0 || out->second < 0)
    return false;
  if (out->hour > 23 || out->minute > 59 || out->second > 59) return false;
  text += 8;
  if (text == end) return true;
  ptrdiff_t count = end - text - 1;
  if (*text++ != '.' || count < 1 || count > 6 || end[-1] == '0') return false;
  int fraction = 0;
  for (int i = 0; i < 6; i++) {
    unsigned digit = i < count ? (unsigned)((unsigned char)text[i] - '0') : 0;
    if (digit > 9) return false;
    fraction = fraction * 10 + (int)digit;
  }
  out->microsecond = fraction;
  *digits = (int)count;
  return true;
}

LEDGER_PRIVATE bool moment_scan(enum type_id id, const char *text, size_t length,
                                struct moment_fields *out, int *digits) {
  *digits = 0;
  const char *end = text + length;
  if (id == TYPE_TIME) {
    if (length == 8 && memcmp(text, "24:00:00", 8) == 0) {
      *out = (struct moment_fields){.hour = 24};
      return true;
    }
    return moment_scan_time(text, end, out, digits);
  }
  if (length < 10 || !moment_scan_date(text, out)) return false;
  if (id == TYPE_DATE) return length == 10;
  if (length < 19 || text[10] != ' ') return false;
  if (id == TYPE_TIMESTAMPTZ) {
    if (length < 25 || memcmp(end - 6, "+00:00", 6) != 0) return false;
    end -= 6;
  }
  return moment_scan_time(text + 11, end, out, digits);
}

LEDGER_PRIVATE int moment_parse(enum type_id id, const char *text, size_t length, int64_t *out,
                                ledger_error *error) {
  struct moment_fields fields = {0};
  int digits;
  if (moment_scan(id, text, length, &fields, &digits)) {
    int64_t days = id == TYPE_TIME ? 0 : moment_days(fields.year, fields.month, fields.day);
    int64_t time = fields.hour * MOMENT_HOUR + fields.minute * MOMENT_MINUTE +
                   fields.second * MOMENT_SECOND + fields.microsecond;
    *out = id == TYPE_DATE ? days : days * MOMENT_DAY + time;
    return LEDGER_OK;
  }
  if (id != TYPE_TIME && length == 8 && memcmp(text, "infinity", 8) == 0) {
    *out = MOMENT_INFINITY;
    return LEDGER_OK;
  }
  if (id != TYPE_TIME && length == 9 && memcmp(text, "-infinity", 9) == 0) {
    *out = MOMENT_MINUS_INFINITY;
    return LEDGER_OK;
  }
  return error_set(error, LEDGER_CORRUPT, "not a stored %s: \"%.*s\"", moment_name(id),
                   (int)(length < 100 ? length : 100), text);
}

static char *moment_put_pair(char *out, int number) {
  *out++ = (char)('0' + number / 10);
  *out++ = (char)('0' + number % 10);
  return out;
}

static char *moment_put_date(char *out, const struct moment_fields *fields) {
  out = moment_put_pair(out, (int)(fields->year / 100));
  out = moment_put_pair(out, (int)(fields->year % 100));
  *out++ = '-';
  out = moment_put_pair(out, fields->month);
  *out++ = '-';
  return moment_put_pair(out, fields->day);
}

static char *moment_put_time(char *out, const struct moment_fields *fields) {
  out = moment_put_pair(out, fields->hour);
  *out++ = ':';
  out = moment_put_pair(out, fields->minute);
  *out++ = ':';
  out = moment_put_pair(out, fields->second);
  if (fields->microsecond == 0) return out;
  *out++ = '.';
  int rest = fields->microsecond;
  for (int unit = 100000; rest > 0; unit /= 10) {
    *out++ = (char)('0' + rest / unit);
    rest %= unit;
  }
  return out;
}

LEDGER_PRIVATE size_t moment_text(enum type_id id, int64_t moment, char out[MOMENT_TEXT_MAX]) {
  char *end = out;
  struct moment_fields fields;
  if (!moment_is_finite(moment)) {
    const char *infinity = moment == MOMENT_INFINITY ? "infinity" : "-infinity";
    memcpy(out, infinity, strlen(infinity) + 1);
    return strlen(infinity);
  }
  assert(moment_check(id, moment, NULL) == LEDGER_OK);
  if (id == TYPE_DATE) {
    moment_civil(moment, &fields);
  } else if (id == TYPE_TIME) {
    moment_split_time(moment, &fields); /* 24:00:00 has the hour 24 */
  } else {
    moment_split(moment, &fields);
  }
  if (id != TYPE_TIME) end = moment_put_date(end, &fields);
  if (id == TYPE_TIMESTAMP || id == TYPE_TIMESTAMPTZ) *end++ = ' ';
  if (id != TYPE_DATE) end = moment_put_time(end, &fields);
  if (id == TYPE_TIMESTAMPTZ) {
    memcpy(end, "+00:00", 6);
    end += 6;
  }
  *end = 0;
  return (size_t)(end - out);
}

LEDGER_PRIVATE int moment_output(const struct type *type, const struct value *stored,
                                 sqlite3_str *out, ledger_error *error) {
  int64_t moment;
  if (stored->kind != VALUE_TEXT) {
    return error_set(error, LEDGER_CORRUPT, "a stored %s is not text", moment_name(type->id));
  }
  int rc = moment_parse(type->id, stored->text, stored->length, &moment, error);
  if (rc != LEDGER_OK) return rc;
  size_t length = stored->length;
  if (type->id == TYPE_TIMESTAMPTZ && moment_is_finite(moment))
    length -= 3; /* +00:00 is printed as +00 */
  sqlite3_str_append(out, stored->text, (int)length);
  return LEDGER_OK;
}

LEDGER_PRIVATE int moment_compare(const struct type *type, const struct value *a,
                                  const struct value *b) {
  (void)type;
  /* '-' < digits < 'i', and '+' < '.' < digits: infinities and fractions sort right as bytes. */
  int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
  if (order != 0) return order < 0 ? -1 : 1;
  return (a->length > b->length) - (a->length < b->length);
}
