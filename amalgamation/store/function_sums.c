/*
** function_sums.c: the aggregates over numbers: sum, avg, variance and standard deviation, exact
** where PostgreSQL's are, and otherwise in its order of operations.
*/
#include "../internal.h"

#include <math.h>

/* ---- an exact sum of any number of decimals. Limbs of base 10^9 with room for 2^32 additions
** before a carry. */

#define SUMS_BASE 1000000000
#define SUMS_CARRY_EVERY ((int64_t)1 << 32)

struct sums_exact {
  int64_t *limbs; /* most significant first, signed; of weights `weight` down */
  int weight;
  int count;
  int scale;       /* the largest seen */
  int64_t pending; /* additions since the last carry */
};

/* Makes room for the weights from `top` down to `low`. */
static int sums_reserve(struct sums_exact *sum, int top, int low) {
  if (sum->count > 0) {
    int lowest = sum->weight - sum->count + 1;
    if (top <= sum->weight && low >= lowest) return LEDGER_OK;
    if (top < sum->weight) top = sum->weight;
    if (low > lowest) low = lowest;
  }
  int count = top - low + 1;
  int64_t *limbs = sqlite3_malloc64((sqlite3_uint64)count * sizeof *limbs);
  if (limbs == NULL) return LEDGER_MEMORY;
  memset(limbs, 0, (size_t)count * sizeof *limbs);
  if (sum->count > 0)
    memcpy(limbs + (top - sum->weight), sum->limbs, (size_t)sum->count * sizeof *limbs);
  sqlite3_free(sum->limbs);
  sum->limbs = limbs;
  sum->weight = top;
  sum->count = count;
  return LEDGER_OK;
}

/* Leaves 0 to 10^9 - 1 in every limb but the first, which keeps the sign. */
static void sums_carry(struct sums_exact *sum) {
  for (int i = sum->count - 1; i > 0; i--) {
    int64_t carry = sum->limbs[i] / SUMS_BASE;
    int64_t rest = sum->limbs[i] % SUMS_BASE;
    if (rest < 0) {
      rest += SUMS_BASE;
      carry--;
    }
    sum->limbs[i] = rest;
    sum->limbs[i - 1] += carry;
  }
  sum->pending = 0;
}

static int sums_add(struct sums_exact *sum, const struct decimal *number) {
  if (sum->scale < number->scale) sum->scale = number->scale;
  if (number->count == 0) return LEDGER_OK;
  if (sum->pending == SUMS_CARRY_EVERY) sums_carry(sum);
  sum->pending++;
  /* A limb more at the top, so that the first one stays small for good. */
  int rc = sums_reserve(sum, number->weight + 3, number->weight - number->count + 1);
  if (rc != LEDGER_OK) return rc;
  int64_t *limbs = sum->limbs + (sum->weight - number->weight);
  for (int i = 0; i < number->count; i++) {
    if (number->negative)
      limbs[i] -= number->digits[i];
    else
      limbs[i] += number->digits[i];
  }
  return LEDGER_OK;
}

static int sums_total(struct arena *arena, struct sums_exact *sum, struct decimal *out) {
  memset(out, 0, sizeof *out);
  out->scale = sum->scale;
  sums_carry(sum);
  out->negative = sum->count > 0 && sum->limbs[0] < 0;
  if (out->negative) {
    for (int i = 0; i < sum->count; i++) sum->limbs[i] = -sum->limbs[i];
    sums_carry(sum);
  }
  out->digits = arena_alloc(arena, (size_t)sum->count * sizeof *out->digits);
  if (out->digits == NULL) return LEDGER_MEMORY;
  for (int i = 0; i < sum->count; i++) out->digits[i] = (uint32_t)sum->limbs[i];
  out->weight = sum->weight;
  out->count = sum->count;
  decimal_strip(out);
  return LEDGER_OK;
}

/* ---- the state of an aggregate, made by the first row that is not NULL */

struct sums_state {
  int64_t rows;
  int64_t integer;            /* sum and avg of smallint and integer */
  double sum, squares;        /* floats: the sum, and the squares of the distances from the mean */
  struct sums_exact exact;    /* bigint and numeric */
  struct sums_exact products; /* variance: the squares */
};

static struct sums_state *sums_state_of(sqlite3_context *context) {
  struct sums_state *state = sqlite3_aggregate_context(context, sizeof *state);
  if (state == NULL) sqlite3_result_error_nomem(context);
  return state;
}

/* The state at the end; NULL when there was no row. */
static struct sums_state *sums_last(sqlite3_context *context) {
  struct sums_state *state = sqlite3_aggregate_context(context, 0);
  return state != NULL && state->rows > 0 ? state : NULL;
}

static void sums_answer(sqlite3_context *context, struct arena *arena, int rc,
                        const struct decimal *number) {
  ledger_error error;
  struct value value;
  if (rc == LEDGER_OK) rc = decimal_check(number);
  if (rc != LEDGER_OK)
    decimal_error(rc, &error);
  else
    rc = numeric_value(arena, number, &value, &error);
  if (rc == LEDGER_OK)
    function_result(context, &value);
  else
    function_fail(context, &error);
}

/* ---- sum(smallint), sum(integer): bigint; their avg is numeric */

static void sums_step_integer(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  int64_t integer;
  if (sqlite3_value_type(values[0]) == SQLITE_NULL ||
      !function_integer(context, values[0], &integer))
    return;
  struct sums_state *state = sums_state_of(context);
  if (state == NULL) return;
  state->rows++;
  if (__builtin_add_overflow(state->integer, integer, &state->integer)) {
    function_refuse(context, LEDGER_OUT_OF_RANGE, "bigint out of range");
  }
}

static void sums_final_integer(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state != NULL) sqlite3_result_int64(context, state->integer);
}

static void sums_average(sqlite3_context *context, struct arena *arena, int rc,
                         const struct decimal *total, int64_t rows) {
  struct decimal divisor, mean = {.count = 0};
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, rows, &divisor);
  if (rc == LEDGER_OK)
    rc = decimal_divide_to(arena, total, &divisor, decimal_divide_scale(total, &divisor), &mean);
  sums_answer(context, arena, rc, &mean);
}

static void sums_final_integer_average(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state == NULL) return;
  struct decimal total;
  struct arena *arena = function_arena(context);
  int rc = decimal_from_integer(arena, state->integer, &total);
  sums_average(context, arena, rc, &total, state->rows);
}

/* ---- numeric, and bigint, whose sum is numeric */

static void sums_step_decimal(sqlite3_context *context, sqlite3_value *value, bool with_squares) {
  struct decimal number, square;
  if (sqlite3_value_type(value) == SQLITE_NULL) return;
  struct arena *arena = function_arena(context);
  if (!function_decimal(context, arena, value, &number)) return;
  struct sums_state *state = sums_state_of(context);
  if (state == NULL) return;
  state->rows++;
  int rc = sums_add(&state->exact, &number);
  if (rc == LEDGER_OK && with_squares) {
    rc = decimal_product(arena, &number, &number, &square);
    if (rc == LEDGER_OK) rc = sums_add(&state->products, &square);
  }
  if (rc != LEDGER_OK) sqlite3_result_error_nomem(context);
}

static void sums_step_exact(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sums_step_decimal(context, values[0], false);
}

static void sums_step_variance(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sums_step_decimal(context, values[0], true);
}

static void sums_end(struct sums_state *state) {
  sqlite3_free(state->exact.limbs);
  sqlite3_free(state->products.limbs);
}

static void sums_final_exact(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state == NULL) return;
  struct decimal total;
  struct arena *arena = function_arena(context);
  int rc = sums_total(arena, &state->exact, &total);
  sums_answer(context, arena, rc, &total);
  sums_end(state);
}

static void sums_final_exact_average(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state == NULL) return;
  struct decimal total;
  struct arena *arena = function_arena(context);
  int rc = sums_total(arena, &state->exact, &total);
  sums_average(context, arena, rc, &total, state->rows);
  sums_end(state);
}

/* What a statistic is: of the population or of a sample, the variance or its root. */
enum { SUMS_SAMPLE = 1, SUMS_ROOT = 2 };

/* (rows * sum of squares - square of the sum) / (rows * (rows or rows - 1)), as PostgreSQL
** scales it. */
static int sums_variance(struct arena *arena, struct sums_state *state, int statistic,
                         struct decimal *out) {
  struct decimal sum, squares, rows, divisor;
  int64_t freedom = statistic & SUMS_SAMPLE ? state->rows - 1 : state->rows;
  int rc = sums_total(arena, &state->exact, &sum);
  if (rc == LEDGER_OK) rc = sums_total(arena, &state->products, &squares);
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, state->rows, &rows);
  if (rc == LEDGER_OK) rc = decimal_from_integer(arena, freedom, &divisor);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &squares, &rows, &squares);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &sum, &sum, &sum);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &rows, &divisor, &divisor);
  if (rc == LEDGER_OK) rc = decimal_subtract(arena, &squares, &sum, &squares);
  if (rc != LEDGER_OK) return rc;
  if (squares.count == 0) return decimal_from_integer(arena, 0, out);
  int scale = decimal_divide_scale(&squares, &divisor);
  rc = decimal_divide_to(arena, &squares, &divisor, scale, out);
  if (rc == LEDGER_OK && (statistic & SUMS_ROOT)) rc = decimal_sqrt_to(arena, out, scale, out);
  return rc;
}

static void sums_final_variance(sqlite3_context *context, int statistic) {
  struct sums_state *state = sums_last(context);
  if (state == NULL) return;
  if (state->rows > 1 || (statistic & SUMS_SAMPLE) == 0) {
    struct decimal variance = {.count = 0};
    struct arena *arena = function_arena(context);
    int rc = sums_variance(arena, state, statistic, &variance);
    sums_answer(context, arena, rc, &variance);
  }
  sums_end(state);
}

/* ---- floats. sum() of real adds in real; avg() and the variances add in double precision. */

static void sums_step_real(sqlite3_context *context, sqlite3_value *value, enum type_id id) {
  double real;
  if (sqlite3_value_type(value) == SQLITE_NULL || !function_real(context, value, &real)) return;
  struct sums_state *state = sums_state_of(context);
  if (state == NULL) return;
  double sum = state->rows == 0 ? real : state->sum + real;
  if (id == TYPE_FLOAT4) sum = (float)sum;
  if (isinf(sum) && !isinf(state->sum) && !isinf(real)) {
    function_refuse(context, LEDGER_OUT_OF_RANGE, "value out of range: overflow");
  }
  state->rows++;
  state->sum = sum;
}

static void sums_step_float4(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sums_step_real(context, values[0], TYPE_FLOAT4);
}

static void sums_step_float8(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  sums_step_real(context, values[0], TYPE_FLOAT8);
}

/* Youngs and Cramer's way, which PostgreSQL follows: the same operations in the same order give
** the same last digit. */
static void sums_step_float_variance(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  double real;
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || !function_real(context, values[0], &real))
    return;
  struct sums_state *state = sums_state_of(context);
  if (state == NULL) return;
  double sum = state->sum + real;
  state->rows++;
  if (state->rows > 1) {
    double rows = (double)state->rows;
    double distance = real * rows - sum;
    state->squares += distance * distance / (rows * (rows - 1));
    if (isinf(sum) || isinf(state->squares)) {
      if (!isinf(state->sum) && !isinf(real))
        function_refuse(context, LEDGER_OUT_OF_RANGE, "value out of range: overflow");
      state->squares = NAN;
    }
  } else if (isinf(real)) {
    state->squares = NAN;
  }
  state->sum = sum;
}

static void sums_final_float4(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state != NULL) function_result_real(context, TYPE_FLOAT4, state->sum);
}

static void sums_final_float8(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state != NULL) function_result_real(context, TYPE_FLOAT8, state->sum);
}

static void sums_final_float_average(sqlite3_context *context) {
  struct sums_state *state = sums_last(context);
  if (state != NULL) function_result_real(context, TYPE_FLOAT8, state->sum / (double)state->rows);
}

static void sums_final_float_variance(sqlite3_context *context, int statistic) {
  struct sums_state *state = sums_last(context);
  if (state == NULL || (state->rows == 1 && (statistic & SUMS_SAMPLE))) return;
  double variance =
      state->squares / (double)(statistic & SUMS_SAMPLE ? state->rows - 1 : state->rows);
  function_result_real(context, TYPE_FLOAT8, statistic & SUMS_ROOT ? sqrt(variance) : variance);
}

/* ---- the table */

#define X(name, statistic)                                                                         \
  static void sums_##name(sqlite3_context *context) {                                              \
    sums_final_variance(context, statistic);                                                       \
  }                                                                                                \
  static void sums_float_##name(sqlite3_context *context) {                                        \
    sums_final_float_variance(context, statistic);                                                 \
  }
X(var_pop, 0)
X(var_samp, SUMS_SAMPLE)
X(stddev_pop, SUMS_ROOT)
X(stddev_samp, SUMS_SAMPLE | SUMS_ROOT)
#undef X

#define SUMS_ROW(name, step, final)                                                                \
  { "pg_" name, 1, FUNCTION_AGGREGATE, step, final }
#define SUMS_STATISTICS(type, step, prefix)                                                        \
  SUMS_ROW("var_pop_" type, step, prefix##var_pop),                                                \
      SUMS_ROW("var_samp_" type, step, prefix##var_samp),                                          \
      SUMS_ROW("variance_" type, step, prefix##var_samp),                                          \
      SUMS_ROW("stddev_pop_" type, step, prefix##stddev_pop),                                      \
      SUMS_ROW("stddev_samp_" type, step, prefix##stddev_samp),                                    \
      SUMS_ROW("stddev_" type, step, prefix##stddev_samp)

static const struct function_row sums_rows[] = {
    SUMS_ROW("sum_int2", sums_step_integer, sums_final_integer),
    SUMS_ROW("sum_int4", sums_step_integer, sums_final_integer),
    SUMS_ROW("sum_int8", sums_step_exact, sums_final_exact),
    SUMS_ROW("sum_numeric", sums_step_exact, sums_final_exact),
    SUMS_ROW("sum_float4", sums_step_float4, sums_final_float4),
    SUMS_ROW("sum_float8", sums_step_float8, sums_final_float8),
    SUMS_ROW("avg_int2", sums_step_integer, sums_final_integer_average),
    SUMS_ROW("avg_int4", sums_step_integer, sums_final_integer_average),
    SUMS_ROW("avg_int8", sums_step_exact, sums_final_exact_average),
    SUMS_ROW("avg_numeric", sums_step_exact, sums_final_exact_average),
    SUMS_ROW("avg_float4", sums_step_float_variance, sums_final_float_average),
    SUMS_ROW("avg_float8", sums_step_float_variance, sums_final_float_average),
    SUMS_STATISTICS("int2", sums_step_variance, sums_),
    SUMS_STATISTICS("int4", sums_step_variance, sums_),
    SUMS_STATISTICS("int8", sums_step_variance, sums_),
    SUMS_STATISTICS("numeric", sums_step_variance, sums_),
    SUMS_STATISTICS("float4", sums_step_float_variance, sums_float_),
    SUMS_STATISTICS("float8", sums_step_float_variance, sums_float_),
};

LEDGER_PRIVATE int function_sums_register(sqlite3 *db, struct function_session *session) {
  return function_register(db, session, sums_rows, sizeof sums_rows / sizeof sums_rows[0]);
}

#undef SUMS_BASE
#undef SUMS_CARRY_EVERY
#undef SUMS_ROW
#undef SUMS_STATISTICS
