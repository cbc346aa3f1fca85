/*
** interval.c: the stored form of intervals, which is also their output, their order, and the limits
** of a column's type.
*/
#include "../internal.h"

/* ---- the stored form */

struct interval_writer {
  char *out;
  bool empty;
  bool after_negative; /* then a positive part shows its sign */
};

static void interval_put(struct interval_writer *writer, const char *text) {
  size_t length = strlen(text);
  memcpy(writer->out, text, length + 1);
  writer->out += length;
}

static void interval_put_count(struct interval_writer *writer, int32_t count, const char *unit) {
  if (count == 0) return;
  char part[32];
  sqlite3_snprintf((int)sizeof part, part, "%s%s%d %s%s", writer->empty ? "" : " ",
                   writer->after_negative && count > 0 ? "+" : "", count, unit,
                   count == 1 ? "" : "s");
  interval_put(writer, part);
  writer->empty = false;
  writer->after_negative = count < 0;
}

LEDGER_PRIVATE size_t interval_text(const struct interval *interval, char out[INTERVAL_TEXT_MAX]) {
  struct interval_writer writer = {.out = out, .empty = true};
  interval_put_count(&writer, interval->months / 12, "year");
  interval_put_count(&writer, interval->months % 12, "mon");
  interval_put_count(&writer, interval->days, "day");
  int64_t time = interval->microseconds;
  if (writer.empty || time != 0) {
    uint64_t rest = time < 0 ? 0 - (uint64_t)time : (uint64_t)time;
    char part[48];
    const char *sign = time < 0 ? "-" : writer.after_negative ? "+" : "";
    int fraction = (int)(rest % MOMENT_SECOND);
    sqlite3_snprintf((int)sizeof part, part, "%s%s%02llu:%02d:%02d", writer.empty ? "" : " ", sign,
                     (unsigned long long)(rest / MOMENT_HOUR), (int)(rest / MOMENT_MINUTE % 60),
                     (int)(rest / MOMENT_SECOND % 60));
    interval_put(&writer, part);
    if (fraction != 0) {
      sqlite3_snprintf((int)sizeof part, part, ".%06d", fraction);
      interval_put(&writer, part);
      while (writer.out[-1] == '0') writer.out--;
      *writer.out = 0;
    }
  }
  return (size_t)(writer.out - out);
}

struct interval_reader {
  const char *at, *end;
};

static bool interval_take(struct interval_reader *reader, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(reader->end - reader->at) < length) return false;
  if (memcmp(reader->at, text, length) != 0) return false;
  reader->at += length;
  return true;
}

/* Digits, ten at most: hours can have ten. */
static bool interval_take_digits(struct interval_reader *reader, int64_t *out) {
  const char *start = reader->at;
  *out = 0;
  while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
    if (reader->at - start == 10) return false;
    *out = *out * 10 + (*reader->at++ - '0');
  }
  return reader->at > start;
}

/* Behind the hours. */
static bool interval_take_time(struct interval_reader *reader, int64_t hours, bool negative,
                               int64_t *microseconds) {
  int64_t minutes, seconds, fraction = 0;
  if (!interval_take(reader, ":") || !interval_take_digits(reader, &minutes)) return false;
  if (!interval_take(reader, ":") || !interval_take_digits(reader, &seconds)) return false;
  if (minutes > 59 || seconds > 59) return false;
  if (interval_take(reader, ".")) {
    const char *start = reader->at;
    if (!interval_take_digits(reader, &fraction) || reader->at - start > 6) return false;
    for (ptrdiff_t i = reader->at - start; i < 6; i++) fraction *= 10;
  }
  int64_t rest = minutes * MOMENT_MINUTE + seconds * MOMENT_SECOND + fraction;
  int64_t sign = negative ? -1 : 1;
  return !__builtin_mul_overflow(sign * hours, MOMENT_HOUR, microseconds) &&
         !__builtin_add_overflow(*microseconds, sign * rest, microseconds);
}

static bool interval_scan(const char *text, size_t length, struct interval *out) {
  struct interval_reader reader = {.at = text, .end = text + length};
  int64_t months = 0, days = 0;
  out->microseconds = 0;
  while (reader.at < reader.end) {
    int64_t number;
    if (reader.at > text && !interval_take(&reader, " ")) return false;
    bool negative = interval_take(&reader, "-");
    if (!negative) interval_take(&reader, "+");
    if (!interval_take_digits(&reader, &number)) return false;
    int64_t count = negative ? -number : number;
    if (interval_take(&reader, " year")) {
      months += count * 12;
    } else if (interval_take(&reader, " mon")) {
      months += count;
    } else if (interval_take(&reader, " day")) {
      days = count;
    } else {
      if (!interval_take_time(&reader, number, negative, &out->microseconds)) return false;
      continue;
    }
    if (number != 1 || negative) interval_take(&reader, "s");
  }
  if (months < INT32_MIN || months > INT32_MAX || days < INT32_MIN || days > INT32_MAX)
    return false;
  out->months = (int32_t)months;
  out->days = (int32_t)days;
  return true;
}

LEDGER_PRIVATE int interval_parse(const char *text, size_t length, struct interval *out,
                                  ledger_error *error) {
  char canonical[INTERVAL_TEXT_MAX];
  if (length < sizeof canonical && interval_scan(text, length, out) &&
      interval_text(out, canonical) == length && memcmp(canonical, text, length) == 0) {
    return LEDGER_OK;
  }
  return error_set(error, LEDGER_CORRUPT, "not a stored interval: \"%.*s\"",
                   (int)(length < 100 ? length : 100), text);
}

LEDGER_PRIVATE int interval_output(const struct type *type, const struct value *stored,
                                   sqlite3_str *out, ledger_error *error) {
  (void)type;
  if (stored->kind != VALUE_TEXT) {
    return error_set(error, LEDGER_CORRUPT, "a stored interval is not text");
  }
  struct interval interval;
  int rc = interval_parse(stored->text, stored->length, &interval, error);
  if (rc == LEDGER_OK) sqlite3_str_append(out, stored->text, (int)stored->length);
  return rc;
}

/* ---- order */

LEDGER_PRIVATE int interval_order(const struct interval *a, const struct interval *b) {
  int64_t a_days = (int64_t)a->months * 30 + a->days + moment_divide(a->microseconds, MOMENT_DAY);
  int64_t b_days = (int64_t)b->months * 30 + b->days + moment_divide(b->microseconds, MOMENT_DAY);
  if (a_days != b_days) return a_days < b_days ? -1 : 1;
  int64_t a_rest = a->microseconds % MOMENT_DAY;
  int64_t b_rest = b->microseconds % MOMENT_DAY;
  if (a_rest < 0) a_rest += MOMENT_DAY;
  if (b_rest < 0) b_rest += MOMENT_DAY;
  return (a_rest > b_rest) - (a_rest < b_rest);
}

LEDGER_PRIVATE int interval_collate(void *unused, int a_length, const void *a, int b_length,
                                    const void *b) {
  (void)unused;
  struct interval left, right;
  bool a_reads = interval_parse(a, (size_t)a_length, &left, NULL) == LEDGER_OK;
  bool b_reads = interval_parse(b, (size_t)b_length, &right, NULL) == LEDGER_OK;
  if (a_reads && b_reads) return interval_order(&left, &right);
  if (a_reads != b_reads) return a_reads ? -1 : 1;
  int order = memcmp(a, b, (size_t)(a_length < b_length ? a_length : b_length));
  return order != 0 ? order : a_length - b_length;
}

LEDGER_PRIVATE int interval_compare(const struct type *type, const struct value *a,
                                    const struct value *b) {
  (void)type;
  int order = interval_collate(NULL, (int)a->length, a->text, (int)b->length, b->text);
  return (order > 0) - (order < 0);
}

/* ---- the limits of a column's type */

LEDGER_PRIVATE int interval_coerce(struct interval *interval, int fields, int precision,
                                   ledger_error *error) {
  if (fields != 0) {
    /* The smallest field of the restriction decides: what is smaller is cut, what is larger
    ** stays. */
    int time_fields = INTERVAL_HOUR | INTERVAL_MINUTE | INTERVAL_SECOND;
    if ((fields & ~INTERVAL_YEAR) == 0) interval->months -= interval->months % 12;
    if ((fields & ~(INTERVAL_YEAR | INTERVAL_MONTH)) == 0) interval->days = 0;
    if ((fields & time_fields) == 0) {
      interval->microseconds = 0;
    } else if ((fields & (INTERVAL_MINUTE | INTERVAL_SECOND)) == 0) {
      interval->microseconds -= interval->microseconds % MOMENT_HOUR;
    } else if ((fields & INTERVAL_SECOND) == 0) {
      interval->microseconds -= interval->microseconds % MOMENT_MINUTE;
    }
  }
  int64_t time = interval->microseconds;
  if (time > INT64_MAX - MOMENT_SECOND || time < INT64_MIN + MOMENT_SECOND) {
    if (precision < 0 || precision >= 6) return LEDGER_OK;
    return error_set(error, LEDGER_DATETIME_RANGE, "interval out of range");
  }
  interval->microseconds = moment_round(time, precision);
  return LEDGER_OK;
}
