/*
** function_decimal.c: SQL functions over numeric and its casts, and the collation pg_decimal. The
** arithmetic is in ground/decimal.c and ground/decimal_power.c.
*/
#include "../internal.h"

/* Ends a call with the number, or with the error that rc stands for. */
static void decimals_result(sqlite3_context *context, struct arena *arena, int rc,
                            const struct decimal *number, ledger_error *error) {
  struct value value;
  if (rc == LEDGER_OK) rc = numeric_value(arena, number, &value, error);
  if (rc == LEDGER_OK)
    function_result(context, &value);
  else
    function_fail(context, error);
}

/* ---- binary: PostgreSQL's operators and the functions of two numerics */

typedef int (*decimals_binary_operation)(struct arena *arena, const struct decimal *a,
                                         const struct decimal *b, struct decimal *out,
                                         ledger_error *error);

static void decimals_binary(sqlite3_context *context, sqlite3_value **values,
                            decimals_binary_operation operation) {
  struct decimal a, b, result;
  ledger_error error;
  struct arena *arena = function_arena(context);
  if (!function_decimal(context, arena, values[0], &a) ||
      !function_decimal(context, arena, values[1], &b))
    return;
  int rc = operation(arena, &a, &b, &result, &error);
  decimals_result(context, arena, rc, &result, &error);
}

static int decimals_add(struct arena *arena, const struct decimal *a, const struct decimal *b,
                        struct decimal *out, ledger_error *error) {
  int rc = decimal_add(arena, a, b, out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

static int decimals_subtract(struct arena *arena, const struct decimal *a, const struct decimal *b,
                             struct decimal *out, ledger_error *error) {
  int rc = decimal_subtract(arena, a, b, out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

static int decimals_multiply(struct arena *arena, const struct decimal *a, const struct decimal *b,
                             struct decimal *out, ledger_error *error) {
  int rc = decimal_multiply(arena, a, b, out);
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

/* Euclid's algorithm; the scale of every step is the larger of the two. */
static int decimals_gcd(struct arena *arena, const struct decimal *a, const struct decimal *b,
                        struct decimal *out, ledger_error *error) {
  struct decimal x = *a, y = *b, rest;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && y.count > 0) {
    rc = decimal_modulo(arena, &x, &y, &rest, error);
    x = y;
    y = rest;
  }
  if (rc != LEDGER_OK) return rc;
  x.negative = false;
  x.scale = a->scale > b->scale ? a->scale : b->scale;
  *out = x;
  return LEDGER_OK;
}

static int decimals_lcm(struct arena *arena, const struct decimal *a, const struct decimal *b,
                        struct decimal *out, ledger_error *error) {
  int scale = a->scale > b->scale ? a->scale : b->scale;
  struct decimal part = {.count = 0};
  if (a->count > 0 && b->count > 0) {
    int rc = decimals_gcd(arena, a, b, &part, error);
    if (rc == LEDGER_OK) rc = decimal_divide_whole(arena, a, &part, &part, error);
    if (rc == LEDGER_OK) rc = decimals_multiply(arena, b, &part, &part, error);
    if (rc != LEDGER_OK) return rc;
  }
  part.negative = false;
  part.scale = scale;
  *out = part;
  return LEDGER_OK;
}

/* X(PostgreSQL's function, operation) */
/* clang-format off */
#define DECIMALS_BINARY(X) \
  X(numeric_add, decimals_add) X(numeric_sub, decimals_subtract) \
  X(numeric_mul, decimals_multiply) X(numeric_div, decimal_divide) \
  X(numeric_mod, decimal_modulo) X(numeric_div_trunc, decimal_divide_whole) \
  X(numeric_gcd, decimals_gcd) X(numeric_lcm, decimals_lcm) X(numeric_power, decimal_power) \
  X(numeric_log, decimal_log)
/* clang-format on */

/* ---- unary */

typedef int (*decimals_unary_operation)(struct arena *arena, const struct decimal *a,
                                        struct decimal *out, ledger_error *error);

static void decimals_unary(sqlite3_context *context, sqlite3_value **values,
                           decimals_unary_operation operation) {
  struct decimal a, result;
  ledger_error error;
  struct arena *arena = function_arena(context);
  if (!function_decimal(context, arena, values[0], &a)) return;
  int rc = operation(arena, &a, &result, &error);
  decimals_result(context, arena, rc, &result, &error);
}

static int decimals_same(struct arena *arena, const struct decimal *a, struct decimal *out,
                         ledger_error *error) {
  (void)arena, (void)error;
  *out = *a;
  return LEDGER_OK;
}

static int decimals_minus(struct arena *arena, const struct decimal *a, struct decimal *out,
                          ledger_error *error) {
  (void)arena, (void)error;
  *out = *a;
  out->negative = a->count > 0 && !a->negative;
  return LEDGER_OK;
}

static int decimals_absolute(struct arena *arena, const struct decimal *a, struct decimal *out,
                             ledger_error *error) {
  (void)arena, (void)error;
  *out = *a;
  out->negative = false;
  return LEDGER_OK;
}

static int decimals_sign(struct arena *arena, const struct decimal *a, struct decimal *out,
                         ledger_error *error) {
  int rc = decimal_from_integer(arena, a->count == 0 ? 0 : a->negative ? -1 : 1, out);
  return rc == LEDGER_OK ? rc : error_memory(error);
}

/* Away from zero where the sign is `negative` and something is cut off: floor() of negative
** numbers, ceil() of others. */
static int decimals_whole(struct arena *arena, const struct decimal *a, bool negative,
                          struct decimal *out, ledger_error *error) {
  struct decimal one;
  *out = *a;
  int rc = decimal_truncate(arena, out, 0);
  if (rc == LEDGER_OK && a->negative == negative && decimal_compare(out, a) != 0) {
    rc = decimal_from_integer(arena, negative ? -1 : 1, &one);
    if (rc == LEDGER_OK) rc = decimal_add(arena, out, &one, out);
  }
  return rc == LEDGER_OK ? rc : decimal_error(rc, error);
}

static int decimals_ceil(struct arena *arena, const struct decimal *a, struct decimal *out,
                         ledger_error *error) {
  return decimals_whole(arena, a, false, out, error);
}

static int decimals_floor(struct arena *arena, const struct decimal *a, struct decimal *out,
                          ledger_error *error) {
  return decimals_whole(arena, a, true, out, error);
}

static int decimals_log10(struct arena *arena, const struct decimal *a, struct decimal *out,
                          ledger_error *error) {
  struct decimal ten;
  if (decimal_from_integer(arena, 10, &ten) != LEDGER_OK) return error_memory(error);
  return decimal_log(arena, &ten, a, out, error);
}

/* clang-format off */
#define DECIMALS_UNARY(X) \
  X(numeric_uplus, decimals_same) X(numeric_uminus, decimals_minus) \
  X(numeric_abs, decimals_absolute) X(numeric_sign, decimals_sign) \
  X(numeric_ceil, decimals_ceil) X(numeric_floor, decimals_floor) \
  X(numeric_sqrt, decimal_sqrt) X(numeric_exp, decimal_exp) X(numeric_ln, decimal_ln) \
  X(numeric_trim_scale, decimals_trim_scale) X(int2_numeric, decimals_same) \
  X(int4_numeric, decimals_same) X(int8_numeric, decimals_same)
/* clang-format on */

static void decimals_log_of_one(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  decimals_unary(context, values, decimals_log10);
}

/* ---- rounding: round(x), round(x, n), trunc(x), trunc(x, n), and the cast to numeric(p, s) */

#define DECIMALS_SCALE_LIMIT                                                                       \
  2000 /* farther than that round() and trunc() do not go, in either direction */

static void decimals_cut(sqlite3_context *context, int count, sqlite3_value **values,
                         int (*cut)(struct arena *arena, struct decimal *number, int scale)) {
  struct decimal number;
  ledger_error error;
  int64_t scale = 0;
  struct arena *arena = function_arena(context);
  if (!function_decimal(context, arena, values[0], &number)) return;
  if (count > 1 && !function_integer(context, values[1], &scale)) return;
  if (scale > DECIMALS_SCALE_LIMIT) scale = DECIMALS_SCALE_LIMIT;
  if (scale < -DECIMALS_SCALE_LIMIT) scale = -DECIMALS_SCALE_LIMIT;
  int rc = cut(arena, &number, (int)scale);
  if (rc == LEDGER_OK) rc = decimal_check(&number);
  if (rc != LEDGER_OK) decimal_error(rc, &error);
  decimals_result(context, arena, rc, &number, &error);
}

static void decimals_round(sqlite3_context *context, int count, sqlite3_value **values) {
  decimals_cut(context, count, values, decimal_round);
}

static void decimals_truncate(sqlite3_context *context, int count, sqlite3_value **values) {
  decimals_cut(context, count, values, decimal_truncate);
}

/* pg_numeric(x, precision, scale): the cast to numeric(precision, scale). */
static void decimals_coerce(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  struct decimal number;
  ledger_error error;
  int64_t precision, scale;
  struct arena *arena = function_arena(context);
  if (!function_decimal(context, arena, values[0], &number)) return;
  if (!function_integer(context, values[1], &precision) ||
      !function_integer(context, values[2], &scale))
    return;
  struct type type = {.id = TYPE_NUMERIC, .length = (int)precision, .scale = (int)scale};
  int rc = numeric_coerce(&type, arena, &number, &error);
  decimals_result(context, arena, rc, &number, &error);
}

/* ---- factorial(n), width_bucket(x, low, high, count) */

#define DECIMALS_FACTORIAL_LIMIT 32177 /* the last that a numeric can hold */
#define DECIMALS_BASE 1000000000

static int decimals_factorial_of(struct arena *arena, int64_t n, struct decimal *out) {
  int count = 1;
  size_t room = (size_t)n * 5 / 9 + 2; /* fewer than 5 digits for each factor */
  uint32_t *limbs = arena_alloc(arena, sizeof *limbs * room); /* the least first */
  if (limbs == NULL) return LEDGER_MEMORY;
  limbs[0] = 1;
  for (int64_t factor = 2; factor <= n; factor++) {
    uint64_t carry = 0;
    for (int i = 0; i < count; i++) {
      carry += (uint64_t)limbs[i] * (uint64_t)factor;
      limbs[i] = (uint32_t)(carry % DECIMALS_BASE);
      carry /= DECIMALS_BASE;
    }
    if (carry > 0) limbs[count++] = (uint32_t)carry;
  }
  for (int i = 0; i < count / 2; i++) {
    uint32_t limb = limbs[i];
    limbs[i] = limbs[count - 1 - i];
    limbs[count - 1 - i] = limb;
  }
  *out = (struct decimal){.weight = count - 1, .count = count, .digits = limbs};
  decimal_strip(out);
  return LEDGER_OK;
}

static void decimals_factorial(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  struct decimal result;
  ledger_error error;
  int64_t n;
  struct arena *arena = function_arena(context);
  if (!function_integer(context, values[0], &n)) return;
  if (n < 0 || n > DECIMALS_FACTORIAL_LIMIT) {
    function_refuse(context, LEDGER_OUT_OF_RANGE,
                    n < 0 ? "factorial of a negative number is undefined"
                          : "value overflows numeric format");
    return;
  }
  int rc = decimals_factorial_of(arena, n, &result);
  if (rc != LEDGER_OK) rc = error_memory(&error);
  decimals_result(context, arena, rc, &result, &error);
}

/* The bucket among `buckets` of a number that lies between the bounds, from 1: the quotient as PostgreSQL rounds it, but
** never the bucket behind the last. */
static int decimals_bucket(struct arena *arena, const struct decimal *x, const struct decimal *low,
                           const struct decimal *high, int64_t buckets, int64_t *out,
                           ledger_error *error) {
  struct decimal number, distance, width, quotient;
  int rc = decimal_from_integer(arena, buckets, &number);
  if (rc == LEDGER_OK) rc = decimal_subtract(arena, x, low, &distance);
  if (rc == LEDGER_OK) rc = decimal_subtract(arena, high, low, &width);
  if (rc == LEDGER_OK) rc = decimal_product(arena, &distance, &number, &distance);
  if (rc != LEDGER_OK) return decimal_error(rc, error);
  rc = decimal_divide(arena, &distance, &width, &quotient, error);
  if (rc == LEDGER_OK) rc = decimals_floor(arena, &quotient, &quotient, error);
  if (rc == LEDGER_OK && decimal_to_integer(&quotient, out) != LEDGER_OK) *out = buckets;
  if (*out >= buckets) *out = buckets - 1;
  ++*out;
  return rc;
}

/* Buckets that fall: the same with all signs changed. */
static void decimals_width_bucket(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  struct decimal numbers[3]; /* the number, the bounds */
  ledger_error error;
  int64_t buckets, bucket = 0;
  struct arena *arena = function_arena(context);
  for (int i = 0; i < 3; i++) {
    if (!function_decimal(context, arena, values[i], &numbers[i])) return;
  }
  if (!function_integer(context, values[3], &buckets)) return;
  int direction = decimal_compare(&numbers[1], &numbers[2]);
  if (buckets <= 0 || direction == 0) {
    function_refuse(context, LEDGER_INVALID_BUCKET,
                    buckets <= 0 ? "count must be greater than zero"
                                 : "lower bound cannot equal upper bound");
    return;
  }
  for (int i = 0; i < 3; i++) {
    if (direction > 0 && numbers[i].count > 0) numbers[i].negative = !numbers[i].negative;
  }
  int rc = LEDGER_OK;
  if (decimal_compare(&numbers[0], &numbers[2]) >= 0) {
    bucket = buckets + 1;
    if (bucket > INT32_MAX) rc = error_set(&error, LEDGER_OUT_OF_RANGE, "integer out of range");
  } else if (decimal_compare(&numbers[0], &numbers[1]) >= 0) {
    rc = decimals_bucket(arena, &numbers[0], &numbers[1], &numbers[2], buckets, &bucket, &error);
  }
  if (rc == LEDGER_OK)
    sqlite3_result_int64(context, bucket);
  else
    function_fail(context, &error);
}

/* ---- to_char(x, template) */

static void decimals_to_char(sqlite3_context *context, int count, sqlite3_value **values) {
  struct decimal number;
  ledger_error error;
  struct arena *arena = function_arena(context);
  if (function_has_null(count, values) || !function_decimal(context, arena, values[0], &number))
    return;
  struct value template = function_text(values[1]);
  sqlite3_str *built = sqlite3_str_new(NULL);
  int rc = number_format(arena, &number, template.text, template.length, built, &error);
  function_finish(context, built, rc, &error);
}

/* ---- scale(x), min_scale(x), trim_scale(x) */

/* Digits after the point up to the last that is not 0. */
static int decimals_used_scale(const struct decimal *number) {
  int scale = (number->count - 1 - number->weight) * 9;
  if (number->count == 0 || scale <= 0) return 0;
  for (uint32_t limb = number->digits[number->count - 1]; limb % 10 == 0; limb /= 10) scale--;
  return scale;
}

static void decimals_scale(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  struct decimal number;
  if (!function_decimal(context, function_arena(context), values[0], &number)) return;
  sqlite3_result_int(context, number.scale);
}

static void decimals_min_scale(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  struct decimal number;
  if (!function_decimal(context, function_arena(context), values[0], &number)) return;
  sqlite3_result_int(context, decimals_used_scale(&number));
}

static int decimals_trim_scale(struct arena *arena, const struct decimal *a, struct decimal *out,
                               ledger_error *error) {
  (void)arena, (void)error;
  *out = *a;
  out->scale = decimals_used_scale(a);
  return LEDGER_OK;
}

/* ---- casts */

static void decimals_to_integer(sqlite3_context *context, sqlite3_value **values, enum type_id id) {
  struct decimal number;
  ledger_error error;
  int64_t integer;
  if (!function_decimal(context, function_arena(context), values[0], &number)) return;
  if (integer_from_decimal(id, &number, &integer, &error) == LEDGER_OK)
    sqlite3_result_int64(context, integer);
  else
    function_fail(context, &error);
}

/* Through text, as PostgreSQL's cast: the nearest float to the exact number. */
static void decimals_to_real(sqlite3_context *context, sqlite3_value **values, enum type_id id) {
  struct value result;
  ledger_error error;
  int64_t integer;
  struct value argument = function_argument(values[0]);
  if (argument.kind != VALUE_TEXT) {
    if (!function_integer(context, values[0], &integer)) return;
    sqlite3_result_double(context, function_integer_to_real(id, integer));
  } else if (real_input(id, argument.text, argument.length, &result, &error) == LEDGER_OK) {
    function_result(context, &result);
  } else {
    function_fail(context, &error);
  }
}

static void decimals_from_real(sqlite3_context *context, sqlite3_value **values, enum type_id id) {
  double real;
  struct decimal number;
  ledger_error error;
  struct arena *arena = function_arena(context);
  if (!function_real(context, values[0], &real)) return;
  int rc = real_to_decimal(id, real, arena, &number, &error);
  decimals_result(context, arena, rc, &number, &error);
}

/* clang-format off */
#define DECIMALS_CASTS(X) \
  X(numeric_int2, INT2, to_integer) X(numeric_int4, INT4, to_integer) \
  X(numeric_int8, INT8, to_integer) X(numeric_float4, FLOAT4, to_real) \
  X(numeric_float8, FLOAT8, to_real) X(float4_numeric, FLOAT4, from_real) \
  X(float8_numeric, FLOAT8, from_real)
/* clang-format on */

/* ---- the SQL functions, their table, and the collation */

#define X(name, operation)                                                                         \
  static void decimals_sql_##name(sqlite3_context *context, int count, sqlite3_value **values) {   \
    (void)count;                                                                                   \
    DECIMALS_CALL(context, values, operation);                                                     \
  }
#define DECIMALS_CALL decimals_binary
DECIMALS_BINARY(X)
#undef DECIMALS_CALL
#define DECIMALS_CALL decimals_unary
DECIMALS_UNARY(X)
#undef DECIMALS_CALL
#undef X
#define X(name, type, cast)                                                                        \
  static void decimals_sql_##name(sqlite3_context *context, int count, sqlite3_value **values) {   \
    (void)count;                                                                                   \
    decimals_##cast(context, values, TYPE_##type);                                                 \
  }
DECIMALS_CASTS(X)
#undef X

static const struct function_row decimals_rows[] = {
#define X(name, operation) {"pg_" #name, 2, FUNCTION_STRICT, decimals_sql_##name, NULL},
    DECIMALS_BINARY(X)
#undef X
#define X(name, operation) {"pg_" #name, 1, FUNCTION_STRICT, decimals_sql_##name, NULL},
        DECIMALS_UNARY(X)
#undef X
#define X(name, type, cast) {"pg_" #name, 1, FUNCTION_STRICT, decimals_sql_##name, NULL},
            DECIMALS_CASTS(X)
#undef X
                {"pg_numeric_log", 1, FUNCTION_STRICT, decimals_log_of_one, NULL},
    {"pg_numeric_round", 1, FUNCTION_STRICT, decimals_round, NULL},
    {"pg_numeric_round", 2, FUNCTION_STRICT, decimals_round, NULL},
    {"pg_numeric_trunc", 1, FUNCTION_STRICT, decimals_truncate, NULL},
    {"pg_numeric_trunc", 2, FUNCTION_STRICT, decimals_truncate, NULL},
    {"pg_numeric_scale", 1, FUNCTION_STRICT, decimals_scale, NULL},
    {"pg_numeric_min_scale", 1, FUNCTION_STRICT, decimals_min_scale, NULL},
    {"pg_numeric", 3, FUNCTION_STRICT, decimals_coerce, NULL},
    {"pg_numeric_to_char", 2, FUNCTION_STRICT, decimals_to_char, NULL},
    {"pg_numeric_fac", 1, FUNCTION_STRICT, decimals_factorial, NULL},
    {"pg_width_bucket_numeric", 4, FUNCTION_STRICT, decimals_width_bucket, NULL},
};

/* extract(epoch from 'infinity') is Infinity, which no column holds but a query may compare. */
static int decimals_infinity(const char *text, int length) {
  if (length == 8 && text[0] == 'I') return 1;
  return length == 9 && text[0] == '-' && text[1] == 'I' ? -1 : 0;
}

static int decimals_collate(void *unused, int a_length, const void *a, int b_length,
                            const void *b) {
  (void)unused;
  int a_infinity = decimals_infinity(a, a_length), b_infinity = decimals_infinity(b, b_length);
  if (a_infinity != 0 || b_infinity != 0) return a_infinity - b_infinity;
  return decimal_compare_text(a, (size_t)a_length, b, (size_t)b_length);
}

LEDGER_PRIVATE int function_decimal_register(sqlite3 *db, struct function_session *session) {
  int rc =
      function_register(db, session, decimals_rows, sizeof decimals_rows / sizeof decimals_rows[0]);
  if (rc == SQLITE_OK) {
    rc = sqlite3_create_collation_v2(db, "pg_decimal", SQLITE_UTF8, NULL, decimals_collate, NULL);
  }
  return rc;
}

#undef DECIMALS_BINARY
#undef DECIMALS_UNARY
#undef DECIMALS_CASTS
#undef DECIMALS_SCALE_LIMIT
#undef DECIMALS_FACTORIAL_LIMIT
#undef DECIMALS_BASE
