/*
** interval_arithmetic.c: sums, products and quotients of intervals, and their justification. An
** interval is three numbers that do not carry over by themselves: months, days, microseconds.
*/
#include "../internal.h"

#include <math.h>

#define INTERVAL_DAY_SECONDS 86400.0

static int interval_out_of_range(ledger_error *error) {
  return error_set(error, LEDGER_DATETIME_RANGE, "interval out of range");
}

LEDGER_PRIVATE int interval_add(const struct interval *a, const struct interval *b,
                                struct interval *out, ledger_error *error) {
  if (__builtin_add_overflow(a->months, b->months, &out->months) ||
      __builtin_add_overflow(a->days, b->days, &out->days) ||
      __builtin_add_overflow(a->microseconds, b->microseconds, &out->microseconds)) {
    return interval_out_of_range(error);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_subtract(const struct interval *a, const struct interval *b,
                                     struct interval *out, ledger_error *error) {
  if (__builtin_sub_overflow(a->months, b->months, &out->months) ||
      __builtin_sub_overflow(a->days, b->days, &out->days) ||
      __builtin_sub_overflow(a->microseconds, b->microseconds, &out->microseconds)) {
    return interval_out_of_range(error);
  }
  return LEDGER_OK;
}

/* To the microsecond: what binary fractions leave behind would show otherwise. */
static double interval_tidy(double number) {
  return rint(number * 1e6) / 1e6;
}

/* The products or quotients in full, not yet cut to integers. Fractions cascade: of months into
** days, of days into time. */
static int interval_from_real(double months, double days, double microseconds, struct interval *out,
                              ledger_error *error) {
  if (!(months >= INT32_MIN && months <= INT32_MAX && days >= INT32_MIN && days <= INT32_MAX)) {
    return interval_out_of_range(error);
  }
  out->months = (int32_t)months;
  int64_t whole_days = (int64_t)days;
  double rest_days = interval_tidy((months - out->months) * 30);
  double rest_seconds = interval_tidy((days - (double)whole_days + rest_days - (int)rest_days) *
                                      INTERVAL_DAY_SECONDS);
  if (fabs(rest_seconds) >= INTERVAL_DAY_SECONDS) {
    int carried = (int)(rest_seconds / INTERVAL_DAY_SECONDS);
    whole_days += carried;
    rest_seconds -= carried * INTERVAL_DAY_SECONDS;
  }
  whole_days += (int)rest_days;
  double time = rint(microseconds + rest_seconds * 1e6);
  if (whole_days < INT32_MIN || whole_days > INT32_MAX) return interval_out_of_range(error);
  if (!(time >= -9223372036854775808.0 && time < 9223372036854775808.0)) {
    return interval_out_of_range(error);
  }
  out->days = (int32_t)whole_days;
  out->microseconds = (int64_t)time;
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_multiply(const struct interval *a, double factor, struct interval *out,
                                     ledger_error *error) {
  return interval_from_real(a->months * factor, a->days * factor, (double)a->microseconds * factor,
                            out, error);
}

LEDGER_PRIVATE int interval_divide(const struct interval *a, double divisor, struct interval *out,
                                   ledger_error *error) {
  if (divisor == 0) return error_set(error, LEDGER_DIVISION_BY_ZERO, "division by zero");
  return interval_from_real(a->months / divisor, a->days / divisor,
                            (double)a->microseconds / divisor, out, error);
}

/* Days and time of one sign. */
static void interval_match_time(struct interval *interval) {
  if (interval->days > 0 && interval->microseconds < 0) {
    interval->microseconds += MOMENT_DAY;
    interval->days--;
  } else if (interval->days < 0 && interval->microseconds > 0) {
    interval->microseconds -= MOMENT_DAY;
    interval->days++;
  }
}

LEDGER_PRIVATE int interval_justify_hours(struct interval *interval, ledger_error *error) {
  int32_t whole = (int32_t)(interval->microseconds / MOMENT_DAY);
  if (__builtin_add_overflow(interval->days, whole, &interval->days)) {
    return interval_out_of_range(error);
  }
  interval->microseconds %= MOMENT_DAY;
  interval_match_time(interval);
  return LEDGER_OK;
}

static int interval_carry_days(struct interval *interval, ledger_error *error) {
  if (__builtin_add_overflow(interval->months, interval->days / 30, &interval->months)) {
    return interval_out_of_range(error);
  }
  interval->days %= 30;
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_justify_days(struct interval *interval, ledger_error *error) {
  int rc = interval_carry_days(interval, error);
  if (rc != LEDGER_OK) return rc;
  if (interval->months > 0 && interval->days < 0) {
    interval->days += 30;
    interval->months--;
  } else if (interval->months < 0 && interval->days > 0) {
    interval->days -= 30;
    interval->months++;
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_justify(struct interval *interval, ledger_error *error) {
  int rc = LEDGER_OK;
  bool same_sign = (interval->days > 0 && interval->microseconds > 0) ||
                   (interval->days < 0 && interval->microseconds < 0);
  if (same_sign) rc = interval_carry_days(interval, error); /* so that the days cannot overflow */
  if (rc != LEDGER_OK) return rc;
  interval->days += (int32_t)(interval->microseconds / MOMENT_DAY);
  interval->microseconds %= MOMENT_DAY;
  rc = interval_carry_days(interval, error);
  if (rc != LEDGER_OK) return rc;
  int rest = interval->days != 0 ? interval->days
                                 : (interval->microseconds > 0) - (interval->microseconds < 0);
  if (interval->months > 0 && rest < 0) {
    interval->days += 30;
    interval->months--;
  } else if (interval->months < 0 && rest > 0) {
    interval->days -= 30;
    interval->months++;
  }
  interval_match_time(interval);
  return LEDGER_OK;
}

LEDGER_PRIVATE int interval_make(const int64_t counts[6], double seconds, struct interval *out,
                                 ledger_error *error) {
  for (int i = 0; i < 6; i++) { /* arguments of type integer */
    if (counts[i] < INT32_MIN || counts[i] > INT32_MAX) return interval_out_of_range(error);
  }
  int64_t months = counts[0] * 12 + counts[1];
  int64_t days = counts[2] * 7 + counts[3];
  double microseconds = rint(seconds * 1e6);
  if (months < INT32_MIN || months > INT32_MAX || days < INT32_MIN || days > INT32_MAX ||
      !(fabs(microseconds) < 9223372036854775808.0)) {
    return interval_out_of_range(error);
  }
  out->months = (int32_t)months;
  out->days = (int32_t)days;
  int64_t hours = counts[4] * MOMENT_HOUR, minutes = counts[5] * MOMENT_MINUTE; /* below 2^63 */
  if (__builtin_add_overflow(hours, minutes, &out->microseconds) ||
      __builtin_add_overflow(out->microseconds, (int64_t)microseconds, &out->microseconds)) {
    return interval_out_of_range(error);
  }
  return LEDGER_OK;
}
