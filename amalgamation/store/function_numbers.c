/*
** function_numbers.c: SQL functions over integers, floats and booleans, and their casts. Numeric is
** in function_decimal.c, the aggregates are in function_sums.c.
*/
#include "../internal.h"

#include <math.h>

/* ---- arguments. A foreign writer may have left text where a number belongs: it is read as
** PostgreSQL would. */

static bool numbers_refuse(sqlite3_context *context, sqlite3_value *value, const char *wanted) {
  ledger_error error;
  if (sqlite3_value_type(value) == SQLITE_NULL)
    return false; /* the result is NULL unless it is set */
  error_set(&error, LEDGER_DATATYPE_MISMATCH, "a value that is not of type %s", wanted);
  function_fail(context, &error);
  return false;
}

LEDGER_PRIVATE bool function_integer(sqlite3_context *context, sqlite3_value *value, int64_t *out) {
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    *out = sqlite3_value_int64(value);
    return true;
  }
  struct value argument = function_argument(value);
  if (argument.kind != VALUE_TEXT) return numbers_refuse(context, value, "integer");
  struct value read;
  ledger_error error;
  if (integer_input(TYPE_INT8, argument.text, argument.length, &read, &error) != LEDGER_OK) {
    function_fail(context, &error);
    return false;
  }
  *out = read.integer;
  return true;
}

LEDGER_PRIVATE bool function_real(sqlite3_context *context, sqlite3_value *value, double *out) {
  int type = sqlite3_value_type(value);
  if (type == SQLITE_FLOAT || type == SQLITE_INTEGER) {
    *out = sqlite3_value_double(value);
    return true;
  }
  struct value argument = function_argument(value);
  if (argument.kind != VALUE_TEXT) return numbers_refuse(context, value, "double precision");
  struct value read;
  ledger_error error;
  if (real_input(TYPE_FLOAT8, argument.text, argument.length, &read, &error) != LEDGER_OK) {
    function_fail(context, &error);
    return false;
  }
  *out = read.real;
  return true;
}

LEDGER_PRIVATE bool function_decimal(sqlite3_context *context, struct arena *arena,
                                     sqlite3_value *value, struct decimal *out) {
  ledger_error error;
  int rc;
  struct value argument = function_argument(value);
  if (argument.kind == VALUE_INTEGER) {
    rc = decimal_from_integer(arena, argument.integer, out);
    if (rc != LEDGER_OK) error_memory(&error);
  } else if (argument.kind == VALUE_TEXT) {
    rc = decimal_parse(arena, argument.text, argument.length, out, &error);
  } else {
    return numbers_refuse(context, value,
                          "numeric"); /* a float too: its decimal text was not the writer's */
  }
  if (rc != LEDGER_OK) function_fail(context, &error);
  return rc == LEDGER_OK;
}

/* ---- results */

static void numbers_result_integer(sqlite3_context *context, enum type_id id, int rc,
                                   int64_t integer) {
  static const char *const names[] = {
      [TYPE_INT2] = "smallint", [TYPE_INT4] = "integer", [TYPE_INT8] = "bigint"};
  ledger_error error;
  if (rc == LEDGER_OK)
    rc = integer_check(id, integer, &error);
  else if (rc == LEDGER_DIVISION_BY_ZERO)
    error_set(&error, rc, "division by zero");
  else
    error_set(&error, rc, "%s out of range", names[id]);
  if (rc == LEDGER_OK)
    sqlite3_result_int64(context, integer);
  else
    function_fail(context, &error);
}

LEDGER_PRIVATE void function_result_real(sqlite3_context *context, enum type_id id, double real) {
  ledger_error error;
  struct value value;
  if (real_result(id, real, &value, &error) == LEDGER_OK)
    function_result(context, &value);
  else
    function_fail(context, &error);
}

/* ---- integers: an operation answers OK, OUT_OF_RANGE or DIVISION_BY_ZERO; the type of the
** result narrows further */

typedef int (*numbers_integer_operation)(int64_t a, int64_t b, int64_t *out);

static int numbers_add(int64_t a, int64_t b, int64_t *out) {
  return __builtin_add_overflow(a, b, out) ? LEDGER_OUT_OF_RANGE : LEDGER_OK;
}

static int numbers_subtract(int64_t a, int64_t b, int64_t *out) {
  return __builtin_sub_overflow(a, b, out) ? LEDGER_OUT_OF_RANGE : LEDGER_OK;
}

static int numbers_multiply(int64_t a, int64_t b, int64_t *out) {
  return __builtin_mul_overflow(a, b, out) ? LEDGER_OUT_OF_RANGE : LEDGER_OK;
}

static int numbers_divide(int64_t a, int64_t b, int64_t *out) {
  if (b == 0) return LEDGER_DIVISION_BY_ZERO;
  if (b == -1) return numbers_subtract(0, a, out);
  *out = a / b;
  return LEDGER_OK;
}

static int numbers_modulo(int64_t a, int64_t b, int64_t *out) {
  if (b == 0) return LEDGER_DIVISION_BY_ZERO;
  *out = b == -1 ? 0 : a % b;
  return LEDGER_OK;
}

static int numbers_and(int64_t a, int64_t b, int64_t *out) {
  *out = a & b;
  return LEDGER_OK;
}

static int numbers_or(int64_t a, int64_t b, int64_t *out) {
  *out = a | b;
  return LEDGER_OK;
}

static int numbers_xor(int64_t a, int64_t b, int64_t *out) {
  *out = a ^ b;
  return LEDGER_OK;
}

/* Shifts count modulo the width of the machine's register, as the server's do. */
static int numbers_shift_left_2(int64_t a, int64_t b, int64_t *out) {
  *out = (int16_t)(uint16_t)((uint32_t)a << (b & 31));
  return LEDGER_OK;
}

static int numbers_shift_left_4(int64_t a, int64_t b, int64_t *out) {
  *out = (int32_t)((uint32_t)a << (b & 31));
  return LEDGER_OK;
}

static int numbers_shift_left_8(int64_t a, int64_t b, int64_t *out) {
  *out = (int64_t)((uint64_t)a << (b & 63));
  return LEDGER_OK;
}

static int numbers_shift_right_4(int64_t a, int64_t b, int64_t *out) {
  *out = a >> (b & 31);
  return LEDGER_OK;
}

static int numbers_shift_right_8(int64_t a, int64_t b, int64_t *out) {
  *out = a >> (b & 63);
  return LEDGER_OK;
}

static uint64_t numbers_magnitude(int64_t a) {
  return a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
}

static uint64_t numbers_common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static int numbers_gcd(int64_t a, int64_t b, int64_t *out) {
  uint64_t divisor = numbers_common_divisor(numbers_magnitude(a), numbers_magnitude(b));
  if (divisor > INT64_MAX) return LEDGER_OUT_OF_RANGE;
  *out = (int64_t)divisor;
  return LEDGER_OK;
}

static int numbers_lcm(int64_t a, int64_t b, int64_t *out) {
  *out = 0;
  if (a == 0 || b == 0) return LEDGER_OK;
  uint64_t divisor = numbers_common_divisor(numbers_magnitude(a), numbers_magnitude(b));
  uint64_t multiple;
  if (__builtin_mul_overflow(numbers_magnitude(a) / divisor, numbers_magnitude(b), &multiple))
    return LEDGER_OUT_OF_RANGE;
  if (multiple > INT64_MAX) return LEDGER_OUT_OF_RANGE;
  *out = (int64_t)multiple;
  return LEDGER_OK;
}

static void numbers_integer_binary(sqlite3_context *context, sqlite3_value **values,
                                   enum type_id id, numbers_integer_operation operation) {
  int64_t a, b, result = 0;
  if (!function_integer(context, values[0], &a) || !function_integer(context, values[1], &b))
    return;
  int rc = operation(a, b, &result);
  numbers_result_integer(context, id, rc, result);
}

/* X(PostgreSQL's function, type of the result, operation) */
/* clang-format off */
#define NUMBERS_INTEGER_BINARY(X) \
  X(int2pl, INT2, add) X(int4pl, INT4, add) X(int8pl, INT8, add) X(int24pl, INT4, add) \
  X(int42pl, INT4, add) X(int28pl, INT8, add) X(int82pl, INT8, add) X(int48pl, INT8, add) \
  X(int84pl, INT8, add) X(int2mi, INT2, subtract) X(int4mi, INT4, subtract) \
  X(int8mi, INT8, subtract) X(int24mi, INT4, subtract) X(int42mi, INT4, subtract) \
  X(int28mi, INT8, subtract) X(int82mi, INT8, subtract) X(int48mi, INT8, subtract) \
  X(int84mi, INT8, subtract) X(int2mul, INT2, multiply) X(int4mul, INT4, multiply) \
  X(int8mul, INT8, multiply) X(int24mul, INT4, multiply) X(int42mul, INT4, multiply) \
  X(int28mul, INT8, multiply) X(int82mul, INT8, multiply) X(int48mul, INT8, multiply) \
  X(int84mul, INT8, multiply) X(int2div, INT2, divide) X(int4div, INT4, divide) \
  X(int8div, INT8, divide) X(int24div, INT4, divide) X(int42div, INT4, divide) \
  X(int28div, INT8, divide) X(int82div, INT8, divide) X(int48div, INT8, divide) \
  X(int84div, INT8, divide) X(int2mod, INT2, modulo) X(int4mod, INT4, modulo) \
  X(int8mod, INT8, modulo) X(int2and, INT2, and) X(int4and, INT4, and) X(int8and, INT8, and) \
  X(int2or, INT2, or) X(int4or, INT4, or) X(int8or, INT8, or) X(int2xor, INT2, xor) \
  X(int4xor, INT4, xor) X(int8xor, INT8, xor) X(int2shl, INT2, shift_left_2) \
  X(int4shl, INT4, shift_left_4) X(int8shl, INT8, shift_left_8) \
  X(int2shr, INT2, shift_right_4) X(int4shr, INT4, shift_right_4) \
  X(int8shr, INT8, shift_right_8) X(int4gcd, INT4, gcd) X(int8gcd, INT8, gcd) \
  X(int4lcm, INT4, lcm) X(int8lcm, INT8, lcm)
/* clang-format on */

/* Unary operations, as binary ones with 0 on the left; and the casts between the widths. */
static int numbers_not(int64_t zero, int64_t a, int64_t *out) {
  *out = ~(zero | a);
  return LEDGER_OK;
}

static int numbers_absolute(int64_t zero, int64_t a, int64_t *out) {
  return a < 0 ? numbers_subtract(zero, a, out) : numbers_add(zero, a, out);
}

static int numbers_is_true(int64_t zero, int64_t a, int64_t *out) {
  *out = a != zero;
  return LEDGER_OK;
}

static void numbers_integer_unary(sqlite3_context *context, sqlite3_value **values, enum type_id id,
                                  numbers_integer_operation operation) {
  int64_t a, result = 0;
  if (!function_integer(context, values[0], &a)) return;
  int rc = operation(0, a, &result);
  numbers_result_integer(context, id, rc, result);
}

/* clang-format off */
#define NUMBERS_INTEGER_UNARY(X) \
  X(int2um, INT2, subtract) X(int4um, INT4, subtract) X(int8um, INT8, subtract) \
  X(int2up, INT2, add) X(int4up, INT4, add) X(int8up, INT8, add) X(int2abs, INT2, absolute) \
  X(int4abs, INT4, absolute) X(int8abs, INT8, absolute) X(int2not, INT2, not) \
  X(int4not, INT4, not) X(int8not, INT8, not) X(i4toi2, INT2, add) X(int82, INT2, add) \
  X(int84, INT4, add) X(i2toi4, INT4, add) X(int28, INT8, add) X(int48, INT8, add) \
  X(int4_bool, INT4, is_true) X(bool_int4, INT4, is_true)
/* clang-format on */

/* ---- floats. A sum, product or quotient in double precision, narrowed, is what float4
** arithmetic gives. */

/* Answers the message of PostgreSQL's error, or NULL. */
typedef const char *(*numbers_real_operation)(enum type_id id, double a, double b, double *out);

static const char numbers_overflow[] = "value out of range: overflow";
static const char numbers_underflow[] = "value out of range: underflow";
static const char numbers_zero_divisor[] = "division by zero";
static const char numbers_out_of_range[] = "input is out of range";
static const char numbers_root_of_negative[] = "cannot take square root of a negative number";
static const char numbers_zero_to_negative[] = "zero raised to a negative power is undefined";
static const char numbers_complex_power[] =
    "a negative number raised to a non-integer power yields a complex result";
static const char numbers_log_of_zero[] = "cannot take logarithm of zero";
static const char numbers_log_of_negative[] = "cannot take logarithm of a negative number";

static int numbers_code(const char *message) {
  if (message == numbers_zero_divisor) return LEDGER_DIVISION_BY_ZERO;
  if (message == numbers_log_of_zero || message == numbers_log_of_negative)
    return LEDGER_INVALID_LOGARITHM;
  if (message == numbers_root_of_negative || message == numbers_zero_to_negative)
    return LEDGER_INVALID_POWER;
  return message == numbers_complex_power ? LEDGER_INVALID_POWER : LEDGER_OUT_OF_RANGE;
}

static double numbers_narrow(enum type_id id, double real) {
  return id == TYPE_FLOAT4 ? (double)(float)real : real;
}

static const char *numbers_real_add(enum type_id id, double a, double b, double *out) {
  *out = numbers_narrow(id, a + b);
  return isinf(*out) && !isinf(a) && !isinf(b) ? numbers_overflow : NULL;
}

static const char *numbers_real_subtract(enum type_id id, double a, double b, double *out) {
  return numbers_real_add(id, a, -b, out);
}

static const char *numbers_real_multiply(enum type_id id, double a, double b, double *out) {
  *out = numbers_narrow(id, a * b);
  if (isinf(*out) && !isinf(a) && !isinf(b)) return numbers_overflow;
  return *out == 0 && a != 0 && b != 0 ? numbers_underflow : NULL;
}

static const char *numbers_real_divide(enum type_id id, double a, double b, double *out) {
  if (b == 0) return numbers_zero_divisor;
  *out = numbers_narrow(id, a / b);
  if (isinf(*out) && !isinf(a)) return numbers_overflow;
  return *out == 0 && a != 0 && !isinf(b) ? numbers_underflow : NULL;
}

static const char *numbers_real_power(enum type_id id, double a, double b, double *out) {
  (void)id;
  if (a == 0 && b < 0) return numbers_zero_to_negative;
  if (a < 0 && floor(b) != b) return numbers_complex_power;
  *out = pow(a, b);
  if (isinf(a) || isinf(b)) return NULL;
  if (isinf(*out)) return numbers_overflow;
  return *out == 0 && a != 0 ? numbers_underflow : NULL;
}

static const char *numbers_real_arctangent(enum type_id id, double a, double b, double *out) {
  (void)id;
  *out = atan2(a, b);
  return NULL;
}

static void numbers_real_binary(sqlite3_context *context, sqlite3_value **values, enum type_id id,
                                numbers_real_operation operation) {
  double a, b, result = 0;
  if (!function_real(context, values[0], &a) || !function_real(context, values[1], &b)) return;
  const char *problem = operation(id, a, b, &result);
  if (problem != NULL)
    function_refuse(context, numbers_code(problem), problem);
  else
    function_result_real(context, id, result);
}

/* clang-format off */
#define NUMBERS_REAL_BINARY(X) \
  X(float4pl, FLOAT4, add) X(float4mi, FLOAT4, subtract) X(float4mul, FLOAT4, multiply) \
  X(float4div, FLOAT4, divide) X(float8pl, FLOAT8, add) X(float8mi, FLOAT8, subtract) \
  X(float8mul, FLOAT8, multiply) X(float8div, FLOAT8, divide) X(float48pl, FLOAT8, add) \
  X(float48mi, FLOAT8, subtract) X(float48mul, FLOAT8, multiply) \
  X(float48div, FLOAT8, divide) X(float84pl, FLOAT8, add) X(float84mi, FLOAT8, subtract) \
  X(float84mul, FLOAT8, multiply) X(float84div, FLOAT8, divide) X(dpow, FLOAT8, power) \
  X(datan2, FLOAT8, arctangent)
/* clang-format on */

/* Unary: the second number is not used. */

static const char *numbers_real_minus(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  *out = -a;
  return NULL;
}

static const char *numbers_real_same(enum type_id id, double a, double unused, double *out) {
  (void)unused;
  *out = numbers_narrow(id, a);
  if (isinf(*out) && !isinf(a)) return numbers_overflow;
  return *out == 0 && a != 0 ? numbers_underflow : NULL;
}

static const char *numbers_real_sign(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  *out = (a > 0) - (a < 0);
  return NULL;
}

static const char *numbers_real_root(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  if (a < 0) return numbers_root_of_negative;
  *out = sqrt(a);
  return NULL;
}

static const char *numbers_real_exp(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  *out = exp(a);
  if (isinf(a)) return NULL;
  return isinf(*out) ? numbers_overflow : *out == 0 ? numbers_underflow : NULL;
}

static const char *numbers_real_logarithm(double a, double (*function)(double), double *out) {
  if (a == 0) return numbers_log_of_zero;
  if (a < 0) return numbers_log_of_negative;
  *out = function(a);
  return NULL;
}

static const char *numbers_real_ln(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  return numbers_real_logarithm(a, log, out);
}

static const char *numbers_real_log10(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  return numbers_real_logarithm(a, log10, out);
}

#define NUMBERS_RADIANS_PER_DEGREE 0.0174532925199432957692

static const char *numbers_real_degrees(enum type_id id, double a, double unused, double *out) {
  (void)unused;
  return numbers_real_divide(id, a, NUMBERS_RADIANS_PER_DEGREE, out);
}

static const char *numbers_real_radians(enum type_id id, double a, double unused, double *out) {
  (void)unused;
  return numbers_real_multiply(id, a, NUMBERS_RADIANS_PER_DEGREE, out);
}

/* The functions of the C library, within [-bound, bound]. */
/* clang-format off */
#define NUMBERS_REAL_LIBRARY(X) \
  X(fabs, INFINITY) X(rint, INFINITY) X(trunc, INFINITY) X(ceil, INFINITY) X(floor, INFINITY) \
  X(cbrt, INFINITY) X(sin, 1.7976931348623157e308) X(cos, 1.7976931348623157e308) \
  X(tan, 1.7976931348623157e308) X(asin, 1.0) X(acos, 1.0) X(atan, INFINITY) \
  X(sinh, INFINITY) X(cosh, INFINITY) X(tanh, INFINITY) X(asinh, INFINITY) X(atanh, 1.0)
/* clang-format on */

#define X(name, bound)                                                                             \
  static const char *numbers_real_##name(enum type_id id, double a, double unused, double *out) {  \
    (void)id, (void)unused;                                                                        \
    if (fabs(a) > bound) return numbers_out_of_range;                                              \
    *out = name(a);                                                                                \
    return NULL;                                                                                   \
  }
NUMBERS_REAL_LIBRARY(X)
#undef X

static const char *numbers_real_acosh(enum type_id id, double a, double unused, double *out) {
  (void)id, (void)unused;
  if (a < 1) return numbers_out_of_range;
  *out = acosh(a);
  return NULL;
}

static const char *numbers_real_cot(enum type_id id, double a, double unused, double *out) {
  const char *problem = numbers_real_tan(id, a, unused, out);
  *out = 1 / *out;
  return problem;
}

static void numbers_real_unary(sqlite3_context *context, sqlite3_value **values, enum type_id id,
                               numbers_real_operation operation) {
  double a, result = 0;
  if (!function_real(context, values[0], &a)) return;
  const char *problem = operation(id, a, 0, &result);
  if (problem != NULL)
    function_refuse(context, numbers_code(problem), problem);
  else
    function_result_real(context, id, result);
}

/* clang-format off */
#define NUMBERS_REAL_UNARY(X) \
  X(float4um, FLOAT4, minus) X(float4up, FLOAT4, same) X(float4abs, FLOAT4, fabs) \
  X(float8um, FLOAT8, minus) X(float8up, FLOAT8, same) X(float8abs, FLOAT8, fabs) \
  X(dround, FLOAT8, rint) X(dtrunc, FLOAT8, trunc) X(dceil, FLOAT8, ceil) \
  X(dfloor, FLOAT8, floor) X(dsign, FLOAT8, sign) X(dsqrt, FLOAT8, root) \
  X(dcbrt, FLOAT8, cbrt) X(dexp, FLOAT8, exp) X(dlog1, FLOAT8, ln) X(dlog10, FLOAT8, log10) \
  X(degrees, FLOAT8, degrees) X(radians, FLOAT8, radians) X(dsin, FLOAT8, sin) \
  X(dcos, FLOAT8, cos) X(dtan, FLOAT8, tan) X(dcot, FLOAT8, cot) X(dasin, FLOAT8, asin) \
  X(dacos, FLOAT8, acos) X(datan, FLOAT8, atan) X(dsinh, FLOAT8, sinh) X(dcosh, FLOAT8, cosh) \
  X(dtanh, FLOAT8, tanh) X(dasinh, FLOAT8, asinh) X(dacosh, FLOAT8, acosh) \
  X(datanh, FLOAT8, atanh) X(dtof, FLOAT4, same) X(ftod, FLOAT8, same)
/* clang-format on */

/* ---- casts between integers and floats */

LEDGER_PRIVATE double function_integer_to_real(enum type_id id, int64_t integer) {
  /* Straight to float4: through double precision it would round twice. */
  return id == TYPE_FLOAT4 ? (double)(float)integer : (double)integer;
}

static void numbers_integer_to_real(sqlite3_context *context, sqlite3_value **values,
                                    enum type_id id) {
  int64_t integer;
  if (!function_integer(context, values[0], &integer)) return;
  sqlite3_result_double(context, function_integer_to_real(id, integer));
}

static void numbers_real_to_integer(sqlite3_context *context, sqlite3_value **values,
                                    enum type_id id) {
  double real;
  int64_t integer = 0;
  ledger_error error;
  if (!function_real(context, values[0], &real)) return;
  if (integer_from_real(id, real, &integer, &error) == LEDGER_OK)
    sqlite3_result_int64(context, integer);
  else
    function_fail(context, &error);
}

/* clang-format off */
#define NUMBERS_CASTS(X) \
  X(i2tod, FLOAT8, integer_to_real) X(i4tod, FLOAT8, integer_to_real) \
  X(i8tod, FLOAT8, integer_to_real) X(i2tof, FLOAT4, integer_to_real) \
  X(i4tof, FLOAT4, integer_to_real) X(i8tof, FLOAT4, integer_to_real) \
  X(dtoi2, INT2, real_to_integer) X(dtoi4, INT4, real_to_integer) \
  X(dtoi8, INT8, real_to_integer) X(ftoi2, INT2, real_to_integer) \
  X(ftoi4, INT4, real_to_integer) X(ftoi8, INT8, real_to_integer)
/* clang-format on */

static void numbers_dpi(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count, (void)values;
  sqlite3_result_double(context, 3.14159265358979323846);
}

/* random(): 53 random bits, in [0, 1). */
static void numbers_drandom(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count, (void)values;
  uint64_t bits;
  seal_random(&bits, sizeof bits);
  sqlite3_result_double(context, (double)(bits >> 11) / 9007199254740992.0);
}

/* ---- the SQL functions, and their table */

#define X(name, type, operation)                                                                   \
  static void numbers_sql_##name(sqlite3_context *context, int count, sqlite3_value **values) {    \
    (void)count;                                                                                   \
    NUMBERS_CALL(type, operation);                                                                 \
  }
#define NUMBERS_CALL(type, operation)                                                              \
  numbers_integer_binary(context, values, TYPE_##type, numbers_##operation)
NUMBERS_INTEGER_BINARY(X)
#undef NUMBERS_CALL
#define NUMBERS_CALL(type, operation)                                                              \
  numbers_integer_unary(context, values, TYPE_##type, numbers_##operation)
NUMBERS_INTEGER_UNARY(X)
#undef NUMBERS_CALL
#define NUMBERS_CALL(type, operation)                                                              \
  numbers_real_binary(context, values, TYPE_##type, numbers_real_##operation)
NUMBERS_REAL_BINARY(X)
#undef NUMBERS_CALL
#define NUMBERS_CALL(type, operation)                                                              \
  numbers_real_unary(context, values, TYPE_##type, numbers_real_##operation)
NUMBERS_REAL_UNARY(X)
#undef NUMBERS_CALL
#define NUMBERS_CALL(type, cast) numbers_##cast(context, values, TYPE_##type)
NUMBERS_CASTS(X)
#undef NUMBERS_CALL
#undef X

/* width_bucket(x, low, high, count) of double precision */
static void numbers_width_bucket(sqlite3_context *context, int count, sqlite3_value **values) {
  double x, low, high;
  int64_t buckets;
  (void)count;
  if (!function_real(context, values[0], &x) || !function_real(context, values[1], &low) ||
      !function_real(context, values[2], &high) || !function_integer(context, values[3], &buckets))
    return;
  const char *refusal = buckets <= 0 ? "count must be greater than zero"
                        : !isfinite(low) || !isfinite(high)
                            ? "lower and upper bounds must be finite"
                        : low == high ? "lower bound cannot equal upper bound"
                                      : NULL;
  if (refusal != NULL) {
    function_refuse(context, LEDGER_INVALID_BUCKET, refusal);
    return;
  }
  double sign = low < high ? 1 : -1, bucket = 0;
  if (sign * x >= sign * high) {
    bucket = (double)buckets + 1;
  } else if (sign * x >= sign * low) {
    bucket =
        isinf(high - low) ? (x / 2 - low / 2) / (high / 2 - low / 2) : (x - low) / (high - low);
    bucket = floor((double)buckets * bucket);
    if (bucket >= (double)buckets) bucket = (double)buckets - 1; /* rounded up to the bound */
    bucket++;
  }
  if (bucket > INT32_MAX)
    function_refuse(context, LEDGER_OUT_OF_RANGE, "integer out of range");
  else
    sqlite3_result_int64(context, (sqlite3_int64)bucket);
}

static const struct function_row numbers_rows[] = {
#define X(name, type, operation) {"pg_" #name, 2, FUNCTION_STRICT, numbers_sql_##name, NULL},
    NUMBERS_INTEGER_BINARY(X) NUMBERS_REAL_BINARY(X)
#undef X
#define X(name, type, operation) {"pg_" #name, 1, FUNCTION_STRICT, numbers_sql_##name, NULL},
        NUMBERS_INTEGER_UNARY(X) NUMBERS_REAL_UNARY(X) NUMBERS_CASTS(X)
#undef X
            {"pg_dpi", 0, 0, numbers_dpi, NULL},
    {"pg_width_bucket_float8", 4, FUNCTION_STRICT, numbers_width_bucket, NULL},
    {"pg_drandom", 0, FUNCTION_VOLATILE, numbers_drandom, NULL},
};

LEDGER_PRIVATE int function_numbers_register(sqlite3 *db, struct function_session *session) {
  int rc =
      function_register(db, session, numbers_rows, sizeof numbers_rows / sizeof numbers_rows[0]);
  if (rc == SQLITE_OK) rc = function_decimal_register(db, session);
  if (rc == SQLITE_OK) rc = function_sums_register(db, session);
  if (rc == SQLITE_OK) rc = function_choose_register(db, session);
  return rc;
}

#undef NUMBERS_INTEGER_BINARY
#undef NUMBERS_INTEGER_UNARY
#undef NUMBERS_REAL_BINARY
#undef NUMBERS_REAL_UNARY
#undef NUMBERS_REAL_LIBRARY
#undef NUMBERS_RADIANS_PER_DEGREE
#undef NUMBERS_CASTS
