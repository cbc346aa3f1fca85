/*
** function_moments.c: SQL functions over dates, times, timestamps and intervals, the collation
** pg_interval, and the aggregates of intervals. What they compute is in types/; here are the
** arguments, the results and the names.
*/
#include "../internal.h"
#include "function.h"

/* ---- the frame of a call */

#define MOMENTS_ARGUMENTS_MAX 7

struct moments_operand {
  enum type_id id; /* of a moment or interval */
  int64_t moment;  /* a moment, or an integer */
  double real;
  struct interval interval;
  char *text; /* borrowed, but a result is sqlite3_free()d */
  size_t length;
};

struct moments_call {
  struct moments_operand in[MOMENTS_ARGUMENTS_MAX];
  struct moments_operand out;
  struct value value; /* the result of extract() and date_part() */
  bool is_null;       /* the result is NULL */
  struct arena *arena;
  ledger_error error;
};

/* The letters of a signature: the result first, then the arguments. d date   t time   s
** timestamp   z timestamptz   e timestamp or timestamptz   v interval D a date, taken as the
** timestamp of its midnight   i integer   f double precision   x text   n what is in call->value
** A leading ~ says that the arguments come in the reverse order. */
static enum type_id moments_type(char letter) {
  switch (letter) {
  case 'd':
  case 'D': return TYPE_DATE;
  case 't': return TYPE_TIME;
  case 's': return TYPE_TIMESTAMP;
  case 'z': return TYPE_TIMESTAMPTZ;
  case 'v': return TYPE_INTERVAL;
  default: return TYPE_NONE;
  }
}

static bool moments_stop(sqlite3_context *context, const ledger_error *error) {
  function_fail(context, error);
  return false;
}

/* Reads one argument. false: the result is set, to NULL or an error. */
static bool moments_read(sqlite3_context *context, char letter, sqlite3_value *given,
                         struct moments_operand *out) {
  ledger_error error;
  if (letter == 'i') return function_integer(context, given, &out->moment);
  if (letter == 'f') return function_real(context, given, &out->real);
  struct value value = function_argument(given);
  if (value.kind == VALUE_NULL) return false;
  if (value.kind != VALUE_TEXT) { /* only a foreign writer can have stored it */
    error_set(&error, LEDGER_DATATYPE_MISMATCH,
              "a value that is not a date, time, interval or text");
    return moments_stop(context, &error);
  }
  out->text = (char *)value.text;
  out->length = value.length;
  if (letter == 'x') return true;
  out->id = moments_type(letter);
  if (letter == 'e') {
    bool zoned = value.length > 6 && memcmp(value.text + value.length - 6, "+00:00", 6) == 0;
    out->id = zoned ? TYPE_TIMESTAMPTZ : TYPE_TIMESTAMP;
  }
  int rc = letter == 'v' ? interval_parse(value.text, value.length, &out->interval, &error)
                         : moment_parse(out->id, value.text, value.length, &out->moment, &error);
  if (rc != LEDGER_OK) return moments_stop(context, &error);
  if (letter == 'D') out->moment = moment_of_date(out->moment);
  return true;
}

static void moments_answer(sqlite3_context *context, char letter, struct moments_call *call) {
  char text[INTERVAL_TEXT_MAX];
  size_t length;
  if (call->is_null) return;
  switch (letter) {
  case 'i': sqlite3_result_int64(context, call->out.moment); return;
  case 'n': function_result(context, &call->value); return;
  case 'x':
    if (call->out.text == NULL) { /* nothing was appended */
      sqlite3_result_text(context, "", 0, SQLITE_STATIC);
    } else {
      sqlite3_result_text64(context, call->out.text, call->out.length, sqlite3_free, SQLITE_UTF8);
    }
    return;
  case 'v': length = interval_text(&call->out.interval, text); break;
  default:
    if (moment_check(moments_type(letter), call->out.moment, &call->error) != LEDGER_OK) {
      function_fail(context, &call->error);
      return;
    }
    length = moment_text(moments_type(letter), call->out.moment, text);
    break;
  }
  sqlite3_result_text64(context, text, length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

typedef int (*moments_body)(struct moments_call *call); /* OK, or an error that is in call->error */

static void moments_run(sqlite3_context *context, int count, sqlite3_value **values,
                        const char *signature, moments_body body) {
  struct moments_call call = {.is_null = false};
  bool reverse = *signature == '~';
  if (reverse) signature++;
  for (int i = 0; i < count; i++) {
    sqlite3_value *given = values[reverse ? count - 1 - i : i];
    if (!moments_read(context, signature[i + 1], given, &call.in[i])) return;
  }
  call.arena = function_arena(context);
  if (body(&call) == LEDGER_OK) {
    moments_answer(context, signature[0], &call);
  } else {
    function_fail(context, &call.error);
  }
}

/* ---- arithmetic */

static int moments_same(struct moments_call *call) {
  call->out = call->in[0];
  return LEDGER_OK;
}

static int moments_add(struct moments_call *call) {
  return moment_add(call->in[0].moment, &call->in[1].interval, 1, &call->out.moment, &call->error);
}

static int moments_subtract(struct moments_call *call) {
  return moment_add(call->in[0].moment, &call->in[1].interval, -1, &call->out.moment, &call->error);
}

static int moments_between(struct moments_call *call) {
  return moment_subtract(call->in[0].moment, call->in[1].moment, &call->out.interval, &call->error);
}

static int moments_age(struct moments_call *call) {
  return moment_age(call->in[0].moment, call->in[1].moment, &call->out.interval, &call->error);
}

static int moments_add_days(struct moments_call *call) {
  return moment_add_days(call->in[0].moment, call->in[1].moment, &call->out.moment, &call->error);
}

static int moments_subtract_days(struct moments_call *call) {
  return moment_add_days(call->in[0].moment, -call->in[1].moment, &call->out.moment, &call->error);
}

static int moments_days_between(struct moments_call *call) {
  if (!moment_is_finite(call->in[0].moment) || !moment_is_finite(call->in[1].moment)) {
    return error_set(&call->error, LEDGER_DATETIME_RANGE, "cannot subtract infinite dates");
  }
  call->out.moment = call->in[0].moment - call->in[1].moment;
  return LEDGER_OK;
}

static int moments_time_add(struct moments_call *call) {
  call->out.moment = moment_add_time(call->in[0].moment, &call->in[1].interval, 1);
  return LEDGER_OK;
}

static int moments_time_subtract(struct moments_call *call) {
  call->out.moment = moment_add_time(call->in[0].moment, &call->in[1].interval, -1);
  return LEDGER_OK;
}

static int moments_time_between(struct moments_call *call) {
  call->out.interval.microseconds = call->in[0].moment - call->in[1].moment;
  return LEDGER_OK;
}

static int moments_date_and_time(struct moments_call *call) {
  call->out.moment = call->in[0].moment;
  if (moment_is_finite(call->out.moment)) call->out.moment += call->in[1].moment;
  return LEDGER_OK;
}

static int moments_bin(struct moments_call *call) {
  return moment_bin(&call->in[0].interval, call->in[1].moment, call->in[2].moment,
                    &call->out.moment, &call->error);
}

/* ---- intervals */

static int moments_interval_add(struct moments_call *call) {
  return interval_add(&call->in[0].interval, &call->in[1].interval, &call->out.interval,
                      &call->error);
}

static int moments_interval_subtract(struct moments_call *call) {
  return interval_subtract(&call->in[0].interval, &call->in[1].interval, &call->out.interval,
                           &call->error);
}

static int moments_interval_negate(struct moments_call *call) {
  static const struct interval zero = {0, 0, 0};
  return interval_subtract(&zero, &call->in[0].interval, &call->out.interval, &call->error);
}

static int moments_interval_multiply(struct moments_call *call) {
  return interval_multiply(&call->in[0].interval, call->in[1].real, &call->out.interval,
                           &call->error);
}

static int moments_interval_divide(struct moments_call *call) {
  return interval_divide(&call->in[0].interval, call->in[1].real, &call->out.interval,
                         &call->error);
}

static int moments_justify_hours(struct moments_call *call) {
  call->out = call->in[0];
  return interval_justify_hours(&call->out.interval, &call->error);
}

static int moments_justify_days(struct moments_call *call) {
  call->out = call->in[0];
  return interval_justify_days(&call->out.interval, &call->error);
}

static int moments_justify(struct moments_call *call) {
  call->out = call->in[0];
  return interval_justify(&call->out.interval, &call->error);
}

/* ---- casts */

static int moments_to_date(struct moments_call *call) {
  call->out.moment = moment_to_date(call->in[0].moment);
  return LEDGER_OK;
}

static int moments_to_time(struct moments_call *call) {
  call->is_null = !moment_is_finite(call->in[0].moment);
  if (!call->is_null) call->out.moment = moment_to_time(call->in[0].moment);
  return LEDGER_OK;
}

static int moments_time_to_interval(struct moments_call *call) {
  call->out.interval.microseconds = call->in[0].moment;
  return LEDGER_OK;
}

static int moments_interval_to_time(struct moments_call *call) {
  call->out.moment = moment_add_time(0, &call->in[0].interval, 1);
  return LEDGER_OK;
}

static int moments_scale(struct moments_call *call) {
  int64_t precision = call->in[1].moment;
  call->out = call->in[0];
  if (precision < 6)
    call->out.moment = moment_round(call->out.moment, precision < 0 ? -1 : (int)precision);
  return LEDGER_OK;
}

static int moments_interval_scale(struct moments_call *call) {
  int64_t precision = call->in[2].moment;
  call->out = call->in[0];
  return interval_coerce(&call->out.interval, (int)call->in[1].moment,
                         precision < 0 || precision > 6 ? -1 : (int)precision, &call->error);
}

static int moments_is_finite(struct moments_call *call) {
  bool is_interval = call->in[0].id == TYPE_INTERVAL; /* they have no infinity */
  call->out.moment = is_interval || moment_is_finite(call->in[0].moment);
  return LEDGER_OK;
}

/* ---- fields */

static int moments_extract(struct moments_call *call) {
  const struct moments_operand *from = &call->in[1];
  return moment_extract(from->id, call->in[0].text, call->in[0].length, from->moment,
                        &from->interval, call->arena, &call->value, &call->error);
}

static int moments_part(struct moments_call *call) {
  const struct moments_operand *from = &call->in[1];
  return moment_part(from->id, call->in[0].text, call->in[0].length, from->moment, &from->interval,
                     &call->value, &call->error);
}

static int moments_truncate(struct moments_call *call) {
  return moment_truncate(call->in[1].id, call->in[0].text, call->in[0].length, call->in[1].moment,
                         &call->out.moment, &call->error);
}

static int moments_interval_truncate(struct moments_call *call) {
  call->out = call->in[1];
  return interval_truncate(call->in[0].text, call->in[0].length, &call->out.interval, &call->error);
}

/* (start, end) OVERLAPS (start, end): ends in either order, one of them may be NULL. The stored forms of times and
** timestamps order as text. */
static void moments_overlaps(sqlite3_context *context, int count, sqlite3_value **values) {
  struct value at[4];
  (void)count;
  for (int i = 0; i < 4; i++) at[i] = function_text(values[i]);
  for (int i = 0; i < 4; i += 2) {
    bool is_backward = at[i].kind == VALUE_NULL ||
                       (at[i + 1].kind != VALUE_NULL && strcmp(at[i].text, at[i + 1].text) > 0);
    if (!is_backward) continue;
    struct value end = at[i];
    at[i] = at[i + 1];
    at[i + 1] = end;
  }
  if (at[0].kind == VALUE_NULL || at[2].kind == VALUE_NULL) return;
  int order = strcmp(at[0].text, at[2].text);
  if (order == 0) {
    if (at[1].kind != VALUE_NULL && at[3].kind != VALUE_NULL) sqlite3_result_int(context, 1);
    return;
  }
  /* What starts first must last until the other starts; where its end is not known, neither is the answer. */
  const struct value *first = order < 0 ? &at[0] : &at[2], *second = order < 0 ? &at[2] : &at[0];
  if (first[1].kind == VALUE_NULL) return;
  if (strcmp(second->text, first[1].text) < 0)
    sqlite3_result_int(context, 1);
  else if (second[1].kind != VALUE_NULL)
    sqlite3_result_int(context, 0);
}

static int moments_to_char(struct moments_call *call) {
  call->is_null = !moment_is_finite(call->in[0].moment) || call->in[1].length == 0;
  if (call->is_null) return LEDGER_OK;
  sqlite3_str *text = sqlite3_str_new(NULL);
  moment_format(call->in[0].id, call->in[0].moment, call->in[1].text, call->in[1].length, text);
  int rc = sqlite3_str_errcode(text) == SQLITE_OK ? LEDGER_OK : error_memory(&call->error);
  call->out.length = (size_t)sqlite3_str_length(text);
  call->out.text = sqlite3_str_finish(text);
  return rc;
}

/* ---- zones */

/* The seconds east of UTC that a zone's operand means. */
static int moments_east(struct moments_call *call, const struct moments_operand *zone,
                        int64_t *east) {
  if (zone->id != TYPE_INTERVAL) return moment_zone(zone->text, zone->length, east, &call->error);
  if (zone->interval.months != 0 || zone->interval.days != 0) {
    return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                     "interval time zone \"%.*s\" must not include months or days",
                     (int)zone->length, zone->text);
  }
  *east = zone->interval.microseconds / MOMENT_SECOND;
  return LEDGER_OK;
}

/* A timestamp out of UTC, or into it. Infinity is the same everywhere, even where there is no
** such zone. */
static int moments_zone(struct moments_call *call) {
  int64_t east, step;
  call->out.moment = call->in[1].moment;
  if (!moment_is_finite(call->out.moment)) return LEDGER_OK;
  int rc = moments_east(call, &call->in[0], &east);
  if (rc != LEDGER_OK) return rc;
  if (call->in[1].id == TYPE_TIMESTAMP) east = -east;
  if (__builtin_mul_overflow(east, MOMENT_SECOND, &step) ||
      __builtin_add_overflow(call->out.moment, step, &call->out.moment)) {
    return error_set(&call->error, LEDGER_DATETIME_RANGE, "timestamp out of range");
  }
  return LEDGER_OK;
}

static int moments_truncate_in_zone(struct moments_call *call) {
  int64_t east;
  call->out.moment = call->in[1].moment;
  if (!moment_is_finite(call->out.moment)) return LEDGER_OK;
  int rc = moments_east(call, &call->in[2], &east);
  if (rc != LEDGER_OK) return rc;
  rc = moment_truncate(TYPE_TIMESTAMPTZ, call->in[0].text, call->in[0].length,
                       call->out.moment + east * MOMENT_SECOND, &call->out.moment, &call->error);
  call->out.moment -= east * MOMENT_SECOND;
  return rc;
}

/* ---- made from numbers */

static int moments_of_unix(struct moments_call *call) {
  return moment_of_unix(call->in[0].real, &call->out.moment, &call->error);
}

static int moments_make_date(struct moments_call *call) {
  return moment_make_date(call->in[0].moment, call->in[1].moment, call->in[2].moment,
                          &call->out.moment, &call->error);
}

static int moments_make_time(struct moments_call *call) {
  return moment_make_time(call->in[0].moment, call->in[1].moment, call->in[2].real,
                          &call->out.moment, &call->error);
}

static int moments_make_timestamp(struct moments_call *call) {
  int64_t time;
  int rc = moments_make_date(call);
  if (rc == LEDGER_OK) {
    rc = moment_make_time(call->in[3].moment, call->in[4].moment, call->in[5].real, &time,
                          &call->error);
  }
  if (rc == LEDGER_OK) call->out.moment = call->out.moment * MOMENT_DAY + time;
  return rc;
}

static int moments_make_interval(struct moments_call *call) {
  int64_t counts[6];
  for (int i = 0; i < 6; i++) counts[i] = call->in[i].moment;
  return interval_make(counts, call->in[6].real, &call->out.interval, &call->error);
}

/* ---- aggregates */

struct moments_sum {
  int64_t count;
  struct interval sum;
};

static void moments_sum_step(sqlite3_context *context, int count, sqlite3_value **values) {
  struct moments_operand term;
  ledger_error error;
  (void)count;
  if (!moments_read(context, 'v', values[0], &term)) return;
  struct moments_sum *sum = sqlite3_aggregate_context(context, sizeof *sum);
  if (sum == NULL) {
    sqlite3_result_error_nomem(context);
    return;
  }
  sum->count++;
  if (interval_add(&sum->sum, &term.interval, &sum->sum, &error) != LEDGER_OK) {
    function_fail(context, &error);
  }
}

static void moments_sum_final(sqlite3_context *context) {
  const struct moments_sum *sum = sqlite3_aggregate_context(context, 0);
  struct moments_call call = {.is_null = sum == NULL || sum->count == 0};
  if (!call.is_null) call.out.interval = sum->sum;
  moments_answer(context, 'v', &call);
}

static void moments_average_final(sqlite3_context *context) {
  const struct moments_sum *sum = sqlite3_aggregate_context(context, 0);
  struct moments_call call = {.is_null = sum == NULL || sum->count == 0};
  if (!call.is_null && interval_divide(&sum->sum, (double)sum->count, &call.out.interval,
                                       &call.error) != LEDGER_OK) {
    function_fail(context, &call.error);
    return;
  }
  moments_answer(context, 'v', &call);
}

/* ---- the table: X(prosrc, signature, body) */

#define MOMENTS_FUNCTIONS(X)                                                                       \
  X(timestamp_pl_interval, "ssv", moments_add)                                                     \
  X(timestamp_mi_interval, "ssv", moments_subtract)                                                \
  X(timestamptz_pl_interval, "zzv", moments_add)                                                   \
  X(timestamptz_mi_interval, "zzv", moments_subtract)                                              \
  X(date_pl_interval, "sDv", moments_add)                                                          \
  X(date_mi_interval, "sDv", moments_subtract)                                                     \
  X(interval_pl_timestamp, "~ssv", moments_add)                                                    \
  X(interval_pl_timestamptz, "~zzv", moments_add)                                                  \
  X(interval_pl_date, "~sDv", moments_add)                                                         \
  X(timestamp_mi, "vee", moments_between) /* of both types */                                      \
  X(timestamptz_mi, "vzz", moments_between)                                                        \
  X(timestamp_age, "vss", moments_age)                                                             \
  X(timestamptz_age, "vzz", moments_age)                                                           \
  X(timestamp_bin, "svss", moments_bin)                                                            \
  X(timestamptz_bin, "zvzz", moments_bin)                                                          \
  X(date_pli, "ddi", moments_add_days)                                                             \
  X(integer_pl_date, "~ddi", moments_add_days)                                                     \
  X(date_mii, "ddi", moments_subtract_days)                                                        \
  X(date_mi, "idd", moments_days_between)                                                          \
  X(time_pl_interval, "ttv", moments_time_add)                                                     \
  X(interval_pl_time, "~ttv", moments_time_add)                                                    \
  X(time_mi_interval, "ttv", moments_time_subtract)                                                \
  X(time_mi_time, "vtt", moments_time_between)                                                     \
  X(datetime_timestamp, "sDt", moments_date_and_time)                                              \
  X(datetime_pl, "sDt", moments_date_and_time)                                                     \
  X(timedate_pl, "~sDt", moments_date_and_time)                                                    \
  X(interval_pl, "vvv", moments_interval_add)                                                      \
  X(interval_mi, "vvv", moments_interval_subtract)                                                 \
  X(interval_um, "vv", moments_interval_negate)                                                    \
  X(interval_mul, "vvf", moments_interval_multiply)                                                \
  X(mul_d_interval, "~vvf", moments_interval_multiply)                                             \
  X(interval_div, "vvf", moments_interval_divide)                                                  \
  X(interval_justify_hours, "vv", moments_justify_hours)                                           \
  X(interval_justify_days, "vv", moments_justify_days)                                             \
  X(interval_justify_interval, "vv", moments_justify)                                              \
  X(date_timestamp, "sD", moments_same)                                                            \
  X(date_timestamptz, "zD", moments_same)                                                          \
  X(timestamp_timestamptz, "zs", moments_same)                                                     \
  X(timestamptz_timestamp, "sz", moments_same)                                                     \
  X(timestamp_date, "ds", moments_to_date)                                                         \
  X(timestamptz_date, "dz", moments_to_date)                                                       \
  X(timestamp_time, "ts", moments_to_time)                                                         \
  X(timestamptz_time, "tz", moments_to_time)                                                       \
  X(time_interval, "vt", moments_time_to_interval)                                                 \
  X(interval_time, "tv", moments_interval_to_time)                                                 \
  X(timestamp_scale, "ssi", moments_scale)                                                         \
  X(timestamptz_scale, "zzi", moments_scale)                                                       \
  X(time_scale, "tti", moments_scale)                                                              \
  X(interval_scale, "vvii", moments_interval_scale)                                                \
  X(timestamp_finite, "ie", moments_is_finite)                                                     \
  X(date_finite, "id", moments_is_finite)                                                          \
  X(interval_finite, "iv", moments_is_finite)                                                      \
  X(extract_timestamp, "nxs", moments_extract)                                                     \
  X(extract_timestamptz, "nxz", moments_extract)                                                   \
  X(extract_date, "nxd", moments_extract)                                                          \
  X(extract_time, "nxt", moments_extract)                                                          \
  X(extract_interval, "nxv", moments_extract)                                                      \
  X(timestamp_part, "nxs", moments_part)                                                           \
  X(timestamptz_part, "nxz", moments_part)                                                         \
  X(time_part, "nxt", moments_part)                                                                \
  X(interval_part, "nxv", moments_part)                                                            \
  X(timestamp_trunc, "sxs", moments_truncate)                                                      \
  X(timestamptz_trunc, "zxz", moments_truncate)                                                    \
  X(timestamptz_trunc_zone, "zxzx", moments_truncate_in_zone)                                      \
  X(interval_trunc, "vxv", moments_interval_truncate)                                              \
  X(timestamp_to_char, "xsx", moments_to_char)                                                     \
  X(timestamptz_to_char, "xzx", moments_to_char)                                                   \
  X(timestamp_zone, "zxs", moments_zone)                                                           \
  X(timestamptz_zone, "sxz", moments_zone)                                                         \
  X(timestamp_izone, "zvs", moments_zone)                                                          \
  X(timestamptz_izone, "svz", moments_zone)                                                        \
  X(float8_timestamptz, "zf", moments_of_unix)                                                     \
  X(make_date, "diii", moments_make_date)                                                          \
  X(make_time, "tiif", moments_make_time)                                                          \
  X(make_timestamp, "siiiiif", moments_make_timestamp)                                             \
  X(make_timestamptz, "ziiiiif", moments_make_timestamp)                                           \
  X(make_interval, "viiiiiif", moments_make_interval)

#define X(name, signature, body)                                                                   \
  static void moments_sql_##name(sqlite3_context *context, int count, sqlite3_value **values) {    \
    moments_run(context, count, values, signature, body);                                          \
  }
MOMENTS_FUNCTIONS(X)
#undef X

/* The letters but for the result's; sizeof counts the NUL. */
#define X(name, signature, body)                                                                   \
  {"pg_" #name, (int)sizeof signature - 2 - (signature[0] == '~'), FUNCTION_STRICT,                \
   moments_sql_##name, NULL},
static const struct function_row moments_rows[] = {
    MOMENTS_FUNCTIONS(X){"pg_sum_interval", 1, FUNCTION_AGGREGATE, moments_sum_step,
                         moments_sum_final},
    {"pg_avg_interval", 1, FUNCTION_AGGREGATE, moments_sum_step, moments_average_final},
    {"pg_overlaps", 4, 0, moments_overlaps, NULL},
};
#undef X
#undef MOMENTS_FUNCTIONS

LEDGER_PRIVATE int function_moments_register(sqlite3 *db, struct function_session *session) {
  int rc =
      function_register(db, session, moments_rows, sizeof moments_rows / sizeof moments_rows[0]);
  if (rc == SQLITE_OK) {
    rc = sqlite3_create_collation_v2(db, "pg_interval", SQLITE_UTF8, NULL, interval_collate, NULL);
  }
  return rc;
}
