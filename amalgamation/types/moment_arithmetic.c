/*
** moment_arithmetic.c: dates, times and timestamps with intervals and with each other, casts
** between them, make_*() and AT TIME ZONE.
*/
#include "../internal.h"

#include <math.h>

/* What PostgreSQL can represent, 4714 BC to 294276: a sum may go there on its way, though not
** end there. */
#define MOMENT_WIDE_MIN INT64_C(-211813488000000000)
#define MOMENT_WIDE_END INT64_C(9223371331200000000)

static int moment_out_of_range(ledger_error *error) {
  return error_set(error, LEDGER_DATETIME_RANGE, "timestamp out of range");
}

static bool moment_is_wide(int64_t timestamp) {
  return timestamp >= MOMENT_WIDE_MIN && timestamp < MOMENT_WIDE_END;
}

/* Moves by calendar months; a day that the month has not becomes its last. */
static bool moment_add_months(int64_t *timestamp, int64_t months) {
  struct moment_fields fields;
  int64_t days = moment_divide(*timestamp, MOMENT_DAY);
  moment_civil(days, &fields);
  int64_t month = fields.year * 12 + fields.month - 1 + months;
  fields.year = moment_divide(month, 12);
  fields.month = (int)(month - fields.year * 12) + 1;
  if (fields.year < -5000 || fields.year > 300000) return false;
  int last = moment_month_days(fields.year, fields.month);
  if (fields.day > last) fields.day = last;
  int64_t moved = moment_days(fields.year, fields.month, fields.day) - days;
  int64_t step;
  return !__builtin_mul_overflow(moved, MOMENT_DAY, &step) &&
         !__builtin_add_overflow(*timestamp, step, timestamp) && moment_is_wide(*timestamp);
}

LEDGER_PRIVATE int moment_add(int64_t timestamp, const struct interval *interval, int sign,
                              int64_t *out, ledger_error *error) {
  *out = timestamp;
  if (!moment_is_finite(timestamp)) return LEDGER_OK;
  int64_t days, time;
  if (interval->months != 0 && !moment_add_months(out, sign * (int64_t)interval->months)) {
    return moment_out_of_range(error);
  }
  if (__builtin_mul_overflow(sign * (int64_t)interval->days, MOMENT_DAY, &days) ||
      __builtin_add_overflow(*out, days, out) || !moment_is_wide(*out) ||
      __builtin_mul_overflow(interval->microseconds, sign, &time) ||
      __builtin_add_overflow(*out, time, out) || !moment_is_wide(*out)) {
    return moment_out_of_range(error);
  }
  return moment_check(TYPE_TIMESTAMP, *out, error);
}

LEDGER_PRIVATE int moment_subtract(int64_t a, int64_t b, struct interval *out,
                                   ledger_error *error) {
  if (!moment_is_finite(a) || !moment_is_finite(b)) {
    return error_set(error, LEDGER_DATETIME_RANGE, "cannot subtract infinite timestamps");
  }
  *out = (struct interval){.microseconds = a - b};
  return interval_justify_hours(out, error);
}

LEDGER_PRIVATE int moment_age(int64_t a, int64_t b, struct interval *out, ledger_error *error) {
  struct moment_fields later, earlier;
  if (a == MOMENT_MINUS_INFINITY || b == MOMENT_MINUS_INFINITY) return moment_out_of_range(error);
  bool negative = a < b;
  /* PostgreSQL counts a negative age back with the days of the first argument's month, a
  ** positive one with those of the second's: always the earlier one's. */
  moment_split(negative ? b : a, &later);
  moment_split(negative ? a : b, &earlier);
  int64_t time = ((later.hour - earlier.hour) * INT64_C(60) + (later.minute - earlier.minute)) *
                     MOMENT_MINUTE +
                 (later.second - earlier.second) * MOMENT_SECOND +
                 (later.microsecond - earlier.microsecond);
  int days = later.day - earlier.day;
  int64_t months = (later.year - earlier.year) * 12 + later.month - earlier.month;
  if (time < 0) {
    time += MOMENT_DAY;
    days--;
  }
  while (days < 0) {
    days += moment_month_days(earlier.year, earlier.month);
    months--;
  }
  int sign = negative ? -1 : 1;
  *out = (struct interval){sign * time, sign * days, (int32_t)(sign * months)};
  return LEDGER_OK;
}

LEDGER_PRIVATE int moment_bin(const struct interval *stride, int64_t timestamp, int64_t origin,
                              int64_t *out, ledger_error *error) {
  int64_t length;
  *out = timestamp;
  if (!moment_is_finite(timestamp)) return LEDGER_OK;
  if (!moment_is_finite(origin)) {
    return error_set(error, LEDGER_DATETIME_RANGE, "origin out of range");
  }
  if (stride->months != 0) {
    return error_set(error, LEDGER_UNSUPPORTED,
                     "timestamps cannot be binned into intervals containing months or years");
  }
  if (__builtin_mul_overflow(stride->days, MOMENT_DAY, &length) ||
      __builtin_add_overflow(length, stride->microseconds, &length)) {
    return error_set(error, LEDGER_DATETIME_RANGE, "interval out of range");
  }
  if (length <= 0) {
    return error_set(error, LEDGER_DATETIME_RANGE, "stride must be greater than zero");
  }
  int64_t start;
  if (__builtin_mul_overflow(moment_divide(timestamp - origin, length), length, &start) ||
      __builtin_add_overflow(start, origin, out)) {
    return moment_out_of_range(error);
  }
  return moment_check(TYPE_TIMESTAMP, *out, error);
}

LEDGER_PRIVATE int moment_add_days(int64_t date, int64_t days, int64_t *out, ledger_error *error) {
  *out = date;
  if (!moment_is_finite(date)) return LEDGER_OK;
  if (__builtin_add_overflow(date, days, out))
    *out = INT32_MAX; /* out of range too, and not infinity */
  return moment_check(TYPE_DATE, *out, error);
}

LEDGER_PRIVATE int64_t moment_add_time(int64_t time, const struct interval *interval, int sign) {
  int64_t sum = (time + sign * (interval->microseconds % MOMENT_DAY)) % MOMENT_DAY;
  return sum < 0 ? sum + MOMENT_DAY : sum;
}

/* ---- casts */

LEDGER_PRIVATE int64_t moment_of_date(int64_t date) {
  return moment_is_finite(date) ? date * MOMENT_DAY : date;
}

LEDGER_PRIVATE int64_t moment_to_date(int64_t timestamp) {
  return moment_is_finite(timestamp) ? moment_divide(timestamp, MOMENT_DAY) : timestamp;
}

LEDGER_PRIVATE int64_t moment_to_time(int64_t timestamp) {
  return timestamp - moment_divide(timestamp, MOMENT_DAY) * MOMENT_DAY;
}

LEDGER_PRIVATE int moment_of_unix(double seconds, int64_t *out, ledger_error *error) {
  if (isinf(seconds)) {
    *out = seconds > 0 ? MOMENT_INFINITY : MOMENT_MINUS_INFINITY;
    return LEDGER_OK;
  }
  int rc = LEDGER_DATETIME_RANGE;
  if (fabs(seconds) < 1e12) {
    *out = (int64_t)rint((seconds - 946684800.0) * 1e6);
    rc = moment_check(TYPE_TIMESTAMPTZ, *out, NULL);
  }
  if (rc != LEDGER_OK) error_set(error, rc, "timestamp out of range: \"%g\"", seconds);
  return rc;
}

/* ---- make_date(), make_time(), make_timestamp() */

LEDGER_PRIVATE int moment_make_date(int64_t year, int64_t month, int64_t day, int64_t *out,
                                    ledger_error *error) {
  bool valid = year != 0 && year >= INT32_MIN && year <= INT32_MAX && month >= 1 && month <= 12 &&
               day >= 1 && day <= 31;
  int64_t counted = year < 0 ? year + 1 : year; /* -1 is 1 BC, the year 0 */
  if (!valid || day > moment_month_days(counted, (int)month)) {
    return error_set(error, LEDGER_DATETIME_RANGE,
                     "date field value out of range: %lld-%02lld-%02lld", (long long)year,
                     (long long)month, (long long)day);
  }
  *out = moment_days(counted, (int)month, (int)day);
  if (moment_check(TYPE_DATE, *out, NULL) == LEDGER_OK) return LEDGER_OK;
  return error_set(error, LEDGER_DATETIME_RANGE, "date out of range: %lld-%02lld-%02lld",
                   (long long)year, (long long)month, (long long)day);
}

LEDGER_PRIVATE int moment_make_time(int64_t hour, int64_t minute, double second, int64_t *out,
                                    ledger_error *error) {
  double microseconds = rint(second * 1e6);
  bool valid = hour >= 0 && hour <= 24 && minute >= 0 && minute <= 59 && microseconds >= 0 &&
               microseconds <= 60e6;
  if (valid) *out = hour * MOMENT_HOUR + minute * MOMENT_MINUTE + (int64_t)microseconds;
  if (valid && *out <= MOMENT_DAY) return LEDGER_OK;
  return error_set(error, LEDGER_DATETIME_RANGE, "time field value out of range: %lld:%02lld:%02g",
                   (long long)hour, (long long)minute, second);
}

/* ---- AT TIME ZONE */

/* A number of at most `maximum` that moves *at; false: there is none. */
static bool moment_zone_number(const char **at, const char *end, int maximum, int *out) {
  const char *start = *at;
  *out = 0;
  while (*at < end && **at >= '0' && **at <= '9') {
    *out = *out * 10 + (*(*at)++ - '0');
    if (*out > maximum) return false;
  }
  return *at > start;
}

/* [+-]h[:m[:s]] */
static bool moment_zone_offset(const char *text, size_t length, int64_t *west) {
  const char *at = text;
  const char *end = text + length;
  int hours, minutes = 0, seconds = 0;
  if (at < end && (*at == '+' || *at == '-')) at++;
  if (!moment_zone_number(&at, end, 167, &hours)) return false;
  if (at < end && *at++ == ':') {
    if (!moment_zone_number(&at, end, 59, &minutes)) return false;
    if (at < end && *at++ == ':' && !moment_zone_number(&at, end, 60, &seconds)) return false;
  }
  if (at != end) return false;
  *west = (hours * 60 + minutes) * INT64_C(60) + seconds;
  if (*text == '-') *west = -*west;
  return true;
}

LEDGER_PRIVATE int moment_zone(const char *text, size_t length, int64_t *out, ledger_error *error) {
  char word[8] = "";
  if (length < sizeof word) {
    for (size_t i = 0; i < length; i++) {
      word[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
    }
  }
  if (moment_word_of_date(word, strlen(word)) == WORD_UTC) {
    *out = 0;
    return LEDGER_OK;
  }
  int64_t west;
  if (moment_zone_offset(text, length, &west)) {
    *out = -west;
    return LEDGER_OK;
  }
  return error_set(error, LEDGER_INVALID_PARAMETER,
                   "time zone \"%.*s\" not recognized: only UTC and fixed offsets are known",
                   (int)(length < 100 ? length : 100), text);
}
