/*
** moment_field.c: extract(), date_part() and date_trunc().
*/
#include "../internal.h"

#include <math.h>

/* Bytes of a unit's name; the rest is cut, as of an identifier. */
#define MOMENT_UNIT_MAX LEDGER_NAME_MAX

/* ---- weeks */

LEDGER_PRIVATE int moment_weekday(int64_t days) {
  return (int)(days + 6 - moment_divide(days + 6, 7) * 7); /* 2000-01-01 was a Saturday */
}

/* The days from Monday. */
static int moment_field_since_monday(int64_t days) {
  return (moment_weekday(days) + 6) % 7;
}

LEDGER_PRIVATE struct moment_week moment_iso_week(int64_t days) {
  /* A week belongs to the year of its Thursday. */
  struct moment_fields thursday;
  int64_t at = days - moment_field_since_monday(days) + 3;
  moment_civil(at, &thursday);
  return (struct moment_week){thursday.year, (int)(at - moment_days(thursday.year, 1, 1)) / 7 + 1};
}

/* ---- units */

struct moment_unit {
  enum moment_word word;
  bool known;                     /* else: "not recognized" */
  char name[MOMENT_UNIT_MAX + 1]; /* in lower case, for messages */
};

static struct moment_unit moment_unit_read(const char *text, size_t length) {
  struct moment_unit unit = {.word = WORD_UNKNOWN};
  if (length > MOMENT_UNIT_MAX) length = text_offset(text, MOMENT_UNIT_MAX, MOMENT_UNIT_MAX);
  for (size_t i = 0; i < length; i++) {
    unit.name[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i]);
  }
  unit.word = moment_word_of_unit(unit.name, length);
  unit.known = unit.word != WORD_UNKNOWN && unit.word != WORD_AGO;
  return unit;
}

/* extract() knows more: epoch, dow ..., and words that it then refuses. */
static struct moment_unit moment_unit_read_field(enum type_id id, const char *text, size_t length) {
  struct moment_unit unit = moment_unit_read(text, length);
  if (unit.word != WORD_UNKNOWN) return unit;
  unit.word = moment_word_of_date(unit.name, strlen(unit.name));
  switch (unit.word) {
  case WORD_NOW:
  case WORD_TODAY:
  case WORD_TOMORROW:
  case WORD_YESTERDAY:
  case WORD_ALLBALLS:
  case WORD_INFINITY:
  case WORD_MINUS_INFINITY: unit.known = id != TYPE_TIME && id != TYPE_INTERVAL; break;
  default: unit.known = unit.word >= WORD_MICROSECOND || unit.word == WORD_EPOCH; break;
  }
  return unit;
}

static int moment_unit_refuse(const struct moment_unit *unit, enum type_id id,
                              ledger_error *error) {
  const char *type = id == TYPE_DATE        ? "date"
                     : id == TYPE_TIME      ? "time without time zone"
                     : id == TYPE_TIMESTAMP ? "timestamp without time zone"
                     : id == TYPE_INTERVAL  ? "interval"
                                            : "timestamp with time zone";
  if (!unit->known) {
    return error_set(error, LEDGER_INVALID_PARAMETER, "unit \"%s\" not recognized for type %s",
                     unit->name, type);
  }
  return error_set(error, LEDGER_UNSUPPORTED, "unit \"%s\" not supported for type %s", unit->name,
                   type);
}

/* ---- extract() */

/* A field's value: whole + fraction / 10^scale, both of one sign; or one of the others. */
struct moment_field {
  enum { FIELD_NUMBER, FIELD_NULL, FIELD_INFINITY, FIELD_JULIAN, FIELD_REFUSED } kind;
  int64_t whole;
  int64_t fraction; /* FIELD_JULIAN: microseconds of the day */
  int scale;
};

static struct moment_field moment_field_whole(int64_t whole) {
  return (struct moment_field){.kind = FIELD_NUMBER, .whole = whole};
}

/* number / 10^scale */
static struct moment_field moment_field_scaled(int64_t number, int scale) {
  int64_t unit = scale == 6 ? 1000000 : 1000;
  return (struct moment_field){
      .kind = FIELD_NUMBER, .whole = number / unit, .fraction = number % unit, .scale = scale};
}

static const struct moment_field moment_field_refused = {.kind = FIELD_REFUSED};

/* Of an infinite date or timestamp: fields that return are NULL, those that grow are infinite. */
static struct moment_field moment_field_of_infinity(enum type_id id, int64_t moment,
                                                    enum moment_word word) {
  struct moment_field field = {.kind = FIELD_NULL};
  switch (word) {
  case WORD_YEAR:
  case WORD_DECADE:
  case WORD_CENTURY:
  case WORD_MILLENNIUM:
  case WORD_JULIAN:
  case WORD_ISOYEAR:
  case WORD_EPOCH:
    field.kind = FIELD_INFINITY;
    field.whole = moment > 0 ? 1 : -1;
    return field;
  case WORD_DAY:
  case WORD_WEEK:
  case WORD_MONTH:
  case WORD_QUARTER:
  case WORD_DOW:
  case WORD_ISODOW:
  case WORD_DOY: return field;
  case WORD_MICROSECOND:
  case WORD_MILLISECOND:
  case WORD_SECOND:
  case WORD_MINUTE:
  case WORD_HOUR:
  case WORD_TIMEZONE:
  case WORD_TIMEZONE_HOUR:
  case WORD_TIMEZONE_MINUTE: return id == TYPE_DATE ? moment_field_refused : field;
  default: return moment_field_refused;
  }
}

static struct moment_field moment_field_of_days(enum type_id id, int64_t days,
                                                enum moment_word word) {
  struct moment_fields fields;
  moment_civil(days, &fields);
  switch (word) {
  case WORD_DAY: return moment_field_whole(fields.day);
  case WORD_WEEK: return moment_field_whole(moment_iso_week(days).week);
  case WORD_MONTH: return moment_field_whole(fields.month);
  case WORD_QUARTER: return moment_field_whole((fields.month - 1) / 3 + 1);
  case WORD_YEAR: return moment_field_whole(fields.year);
  case WORD_DECADE: return moment_field_whole(fields.year / 10);
  case WORD_CENTURY: return moment_field_whole((fields.year + 99) / 100);
  case WORD_MILLENNIUM: return moment_field_whole((fields.year + 999) / 1000);
  case WORD_ISOYEAR: return moment_field_whole(moment_iso_week(days).year);
  case WORD_DOW: return moment_field_whole(moment_weekday(days));
  case WORD_ISODOW: return moment_field_whole(moment_field_since_monday(days) + 1);
  case WORD_DOY: return moment_field_whole(days - moment_days(fields.year, 1, 1) + 1);
  case WORD_JULIAN: return moment_field_whole(days + MOMENT_JULIAN_EPOCH);
  case WORD_EPOCH: return moment_field_whole((days - MOMENT_UNIX_EPOCH / MOMENT_DAY) * 86400);
  case WORD_TIMEZONE:
  case WORD_TIMEZONE_HOUR:
  case WORD_TIMEZONE_MINUTE:
    return id == TYPE_TIMESTAMPTZ ? moment_field_whole(0) : moment_field_refused;
  default: return moment_field_refused;
  }
}

/* Of microseconds: a time of day, or the time of an interval. */
static struct moment_field moment_field_of_time(int64_t time, enum moment_word word) {
  switch (word) {
  case WORD_MICROSECOND: return moment_field_whole(time % MOMENT_MINUTE);
  case WORD_MILLISECOND: return moment_field_scaled(time % MOMENT_MINUTE, 3);
  case WORD_SECOND: return moment_field_scaled(time % MOMENT_MINUTE, 6);
  case WORD_MINUTE: return moment_field_whole(time / MOMENT_MINUTE % 60);
  case WORD_HOUR: return moment_field_whole(time / MOMENT_HOUR);
  case WORD_EPOCH: return moment_field_scaled(time, 6);
  default: return moment_field_refused;
  }
}

static struct moment_field moment_field_of_interval(const struct interval *interval,
                                                    enum moment_word word) {
  int year = interval->months / 12;
  int month = interval->months % 12;
  struct moment_field field;
  switch (word) {
  case WORD_DAY: return moment_field_whole(interval->days);
  case WORD_MONTH: return moment_field_whole(month);
  case WORD_QUARTER: return moment_field_whole(month / 3 + 1);
  case WORD_YEAR: return moment_field_whole(year);
  case WORD_DECADE: return moment_field_whole(year / 10);
  case WORD_CENTURY: return moment_field_whole(year / 100);
  case WORD_MILLENNIUM: return moment_field_whole(year / 1000);
  case WORD_EPOCH: {
    /* A year is 365.25 days, a month 30. */
    int64_t quarter_days =
        INT64_C(1461) * year + INT64_C(120) * month + INT64_C(4) * interval->days;
    field = moment_field_scaled(interval->microseconds, 6);
    field.whole += quarter_days * 21600;
    if (field.whole > 0 && field.fraction < 0) {
      field.whole--;
      field.fraction += 1000000;
    } else if (field.whole < 0 && field.fraction > 0) {
      field.whole++;
      field.fraction -= 1000000;
    }
    return field;
  }
  default: return moment_field_of_time(interval->microseconds, word);
  }
}

static struct moment_field moment_field_of(enum type_id id, int64_t moment,
                                           const struct interval *interval, enum moment_word word) {
  if (id == TYPE_INTERVAL) return moment_field_of_interval(interval, word);
  if (id == TYPE_TIME) return moment_field_of_time(moment, word);
  if (!moment_is_finite(moment)) return moment_field_of_infinity(id, moment, word);
  if (id == TYPE_DATE) return moment_field_of_days(id, moment, word);
  if (word == WORD_EPOCH) return moment_field_scaled(moment - MOMENT_UNIX_EPOCH, 6);
  struct moment_field field = moment_field_of_time(moment_to_time(moment), word);
  if (field.kind != FIELD_REFUSED) return field;
  field = moment_field_of_days(id, moment_to_date(moment), word);
  if (word == WORD_JULIAN) {
    field.kind = FIELD_JULIAN;
    field.fraction = moment_to_time(moment);
  }
  return field;
}

static int moment_field_read(enum type_id id, const char *unit_text, size_t unit_length,
                             int64_t moment, const struct interval *interval,
                             struct moment_unit *unit, struct moment_field *out,
                             ledger_error *error) {
  *unit = moment_unit_read_field(id, unit_text, unit_length);
  *out = moment_field_refused;
  if (unit->known) *out = moment_field_of(id, moment, interval, unit->word);
  return out->kind == FIELD_REFUSED ? moment_unit_refuse(unit, id, error) : LEDGER_OK;
}

/* The Julian day with the part of the day as numeric division gives it. */
static int moment_field_julian(const struct moment_field *field, struct arena *arena,
                               struct value *out, ledger_error *error) {
  struct decimal day, time, whole, part, sum;
  int rc = decimal_from_integer(arena, field->whole, &day);
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, field->fraction, &time);
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, MOMENT_DAY, &whole);
  if (rc != LEDGER_OK) return error_memory(error);
  rc = decimal_divide(arena, &time, &whole, &part, error);
  if (rc != LEDGER_OK) return rc;
  if (decimal_add(arena, &day, &part, &sum) != LEDGER_OK) return error_memory(error);
  return numeric_value(arena, &sum, out, error);
}

LEDGER_PRIVATE int moment_extract(enum type_id id, const char *unit_text, size_t unit_length,
                                  int64_t moment, const struct interval *interval,
                                  struct arena *arena, struct value *out, ledger_error *error) {
  struct moment_unit unit;
  struct moment_field field;
  int rc = moment_field_read(id, unit_text, unit_length, moment, interval, &unit, &field, error);
  if (rc != LEDGER_OK) return rc;
  *out = (struct value){.kind = VALUE_NULL};
  if (field.kind == FIELD_NULL) return LEDGER_OK;
  if (field.kind == FIELD_JULIAN) return moment_field_julian(&field, arena, out, error);
  char text[48] = "Infinity";
  bool negative = field.whole < 0 || field.fraction < 0;
  if (field.kind == FIELD_INFINITY) {
    if (negative) sqlite3_snprintf((int)sizeof text, text, "-Infinity");
  } else {
    uint64_t whole = field.whole < 0 ? 0 - (uint64_t)field.whole : (uint64_t)field.whole;
    int fraction = (int)(field.fraction < 0 ? -field.fraction : field.fraction);
    sqlite3_snprintf((int)sizeof text, text, "%s%llu", negative ? "-" : "",
                     (unsigned long long)whole);
    size_t length = strlen(text);
    if (field.scale > 0) {
      sqlite3_snprintf((int)(sizeof text - length), text + length, ".%0*d", field.scale, fraction);
    }
  }
  out->kind = VALUE_TEXT;
  out->length = strlen(text);
  out->text = arena_copy(arena, text, out->length);
  return out->text == NULL ? error_memory(error) : LEDGER_OK;
}

/* PostgreSQL's date_part() computes in floating point; these are its formulas, since the last
** bit hangs on them. */
static double moment_field_real(const struct moment_field *field, enum moment_word word,
                                bool is_interval, const struct interval *interval) {
  if (field->kind == FIELD_JULIAN) {
    struct moment_fields at;
    moment_split(field->fraction, &at);
    double seconds = (at.hour * 60 + at.minute) * 60 + at.second + at.microsecond / 1e6;
    return (double)field->whole + seconds / 86400.0;
  }
  double number = (double)field->whole;
  double fraction = (double)field->fraction;
  if (word == WORD_SECOND) return number + fraction / 1e6;
  if (word == WORD_MILLISECOND) {
    int64_t microseconds = field->whole * 1000 + field->fraction;
    return (double)(microseconds / MOMENT_SECOND) * 1e3 +
           (double)(microseconds % MOMENT_SECOND) / 1e3;
  }
  if (word == WORD_EPOCH && is_interval) {
    number = (double)interval->microseconds / 1e6;
    number += 365.25 * 86400 * (interval->months / 12);
    number += 30.0 * 86400 * (interval->months % 12);
    return number + 86400.0 * interval->days;
  }
  if (field->scale == 6) return (double)(field->whole * MOMENT_SECOND + field->fraction) / 1e6;
  return number;
}

LEDGER_PRIVATE int moment_part(enum type_id id, const char *unit_text, size_t unit_length,
                               int64_t moment, const struct interval *interval, struct value *out,
                               ledger_error *error) {
  struct moment_unit unit;
  struct moment_field field;
  int rc = moment_field_read(id, unit_text, unit_length, moment, interval, &unit, &field, error);
  if (rc != LEDGER_OK) return rc;
  *out = (struct value){.kind = VALUE_REAL};
  if (field.kind == FIELD_NULL) {
    out->kind = VALUE_NULL;
  } else if (field.kind == FIELD_INFINITY) {
    out->real = field.whole > 0 ? (double)INFINITY : -(double)INFINITY;
  } else {
    out->real = moment_field_real(&field, unit.word, id == TYPE_INTERVAL, interval);
  }
  return LEDGER_OK;
}

/* ---- date_trunc() */

/* The microseconds of a unit that divides a day; 0 for others. */
static int64_t moment_unit_length(enum moment_word word) {
  switch (word) {
  case WORD_MICROSECOND: return 1;
  case WORD_MILLISECOND: return 1000;
  case WORD_SECOND: return MOMENT_SECOND;
  case WORD_MINUTE: return MOMENT_MINUTE;
  case WORD_HOUR: return MOMENT_HOUR;
  case WORD_DAY: return MOMENT_DAY;
  default: return 0;
  }
}

/* The first day of the unit around `days`. false: not a unit of date_trunc(). */
static bool moment_truncate_days(int64_t days, enum moment_word word, int64_t *out) {
  struct moment_fields fields;
  moment_civil(days, &fields);
  int64_t year = fields.year;
  int month = 1;
  switch (word) {
  case WORD_WEEK: *out = days - moment_field_since_monday(days); return true;
  case WORD_MONTH: month = fields.month; break;
  case WORD_QUARTER: month = (fields.month - 1) / 3 * 3 + 1; break;
  case WORD_YEAR: break;
  case WORD_DECADE: year = year / 10 * 10; break;
  case WORD_CENTURY: year = (year + 99) / 100 * 100 - 99; break;
  case WORD_MILLENNIUM: year = (year + 999) / 1000 * 1000 - 999; break;
  default: return false;
  }
  *out = moment_days(year, month, 1);
  return true;
}

LEDGER_PRIVATE int moment_truncate(enum type_id id, const char *unit_text, size_t unit_length,
                                   int64_t moment, int64_t *out, ledger_error *error) {
  *out = moment;
  if (!moment_is_finite(moment)) return LEDGER_OK; /* whatever the unit */
  struct moment_unit unit = moment_unit_read(unit_text, unit_length);
  int64_t length = moment_unit_length(unit.word);
  int64_t days;
  if (length > 0) {
    *out = moment_divide(moment, length) * length;
  } else if (unit.known && moment_truncate_days(moment_to_date(moment), unit.word, &days)) {
    *out = days * MOMENT_DAY;
  } else {
    return moment_unit_refuse(&unit, id, error);
  }
  return moment_check(id, *out, error);
}

LEDGER_PRIVATE int interval_truncate(const char *unit_text, size_t unit_length,
                                     struct interval *interval, ledger_error *error) {
  struct moment_unit unit = moment_unit_read(unit_text, unit_length);
  int64_t length = moment_unit_length(unit.word);
  int months;
  switch (unit.word) {
  case WORD_DAY: interval->microseconds = 0; return LEDGER_OK;
  case WORD_MONTH: months = 1; break;
  case WORD_QUARTER: months = 3; break;
  case WORD_YEAR: months = 12; break;
  case WORD_DECADE: months = 120; break;
  case WORD_CENTURY: months = 1200; break;
  case WORD_MILLENNIUM: months = 12000; break;
  default:
    if (length == 0) {
      moment_unit_refuse(&unit, TYPE_INTERVAL, error);
      if (unit.word == WORD_WEEK) error_detail(error, "Months usually have fractional weeks.");
      return unit.known ? LEDGER_UNSUPPORTED : LEDGER_INVALID_PARAMETER;
    }
    interval->microseconds -= interval->microseconds % length;
    return LEDGER_OK;
  }
  interval->months -= interval->months % months;
  interval->days = 0;
  interval->microseconds = 0;
  return LEDGER_OK;
}
