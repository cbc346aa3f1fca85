/*
** function_slices.c: SQL functions that give a part of an array: ta[1:2], and the different elements of array_agg(DISTINCT).
** As in function_arrays.c the last argument names the elements' type.
*/
#include "../internal.h"

static bool slices_read(sqlite3_context *context, int count, sqlite3_value **values,
                        struct type *element, struct array *out) {
  struct arena *arena = function_arena(context);
  struct value text = function_text(values[0]);
  ledger_error error;
  if (!function_type(context, count - 1, values[count - 1], element)) return false;
  if (array_read(element, text.text, text.length, arena, out, &error) == LEDGER_OK) return true;
  function_fail(context, &error);
  return false;
}

static void slices_result(sqlite3_context *context, const struct type *element,
                          const struct array *array) {
  sqlite3_str *built = sqlite3_str_new(NULL);
  ledger_error error;
  int rc = array_print(element, array, built, &error);
  function_finish(context, built, rc, &error);
}

/* ---- pg_array_slice(array, lower, upper, lower, upper, ..., type). An empty text is a bound that was left out. */

struct slices_bounds {
  int64_t from, end; /* of the elements, from 0; end is not among them */
};

static void slices_bounds_of(sqlite3_value *lower, sqlite3_value *upper, int length,
                             struct slices_bounds *out) {
  *out = (struct slices_bounds){.from = 0, .end = length};
  if (sqlite3_value_type(lower) == SQLITE_INTEGER) out->from = sqlite3_value_int64(lower) - 1;
  if (sqlite3_value_type(upper) == SQLITE_INTEGER) out->end = sqlite3_value_int64(upper);
  if (out->from < 0) out->from = 0;
  if (out->end > length) out->end = length;
}

/* Takes the elements within the bounds, the outermost dimension first, and puts them together at the front. */
static void slices_cut(struct array *array, const struct slices_bounds *bounds) {
  size_t kept = 0;
  for (size_t i = 0; i < array->count; i++) {
    size_t rest = i;
    bool is_in = true;
    for (int d = array->dimensions - 1; d >= 0; d--) {
      int64_t at = (int64_t)(rest % (size_t)array->lengths[d]);
      rest /= (size_t)array->lengths[d];
      is_in = is_in && at >= bounds[d].from && at < bounds[d].end;
    }
    if (is_in) array->values[kept++] = array->values[i];
  }
  array->count = kept;
  for (int d = 0; d < array->dimensions; d++) {
    array->lengths[d] = (int)(bounds[d].end - bounds[d].from);
  }
  if (kept == 0) array->dimensions = 0;
}

static void slices_slice(sqlite3_context *context, int count, sqlite3_value **values) {
  struct type element;
  struct array array;
  struct slices_bounds bounds[ARRAY_DIMENSIONS_MAX];
  int given = (count - 2) / 2;
  if (count < 4 || function_has_null(count, values) ||
      !slices_read(context, count, values, &element, &array))
    return;
  if (given > array.dimensions) array = (struct array){0};
  for (int d = 0; d < array.dimensions; d++) {
    bounds[d] = (struct slices_bounds){.from = 0, .end = array.lengths[d]};
    if (d < given)
      slices_bounds_of(values[1 + 2 * d], values[2 + 2 * d], array.lengths[d], &bounds[d]);
  }
  slices_cut(&array, bounds);
  slices_result(context, &element, &array);
}

/* ---- pg_array_distinct(array, type): the elements in order, none twice, NULL last */

/* A merge sort: stable, and the type goes along, which qsort() cannot do. */
static int slices_order(const struct type *type, const struct value *a, const struct value *b) {
  if (a->kind == VALUE_NULL || b->kind == VALUE_NULL)
    return (a->kind == VALUE_NULL) - (b->kind == VALUE_NULL);
  return type_compare(type, a, b);
}

static void slices_merge(const struct type *type, struct value *values, struct value *room,
                         size_t middle, size_t count) {
  size_t left = 0, right = middle;
  for (size_t i = 0; i < count; i++) {
    bool take_left =
        right == count || (left < middle && slices_order(type, &values[left], &values[right]) <= 0);
    room[i] = take_left ? values[left++] : values[right++];
  }
  memcpy(values, room, count * sizeof *values);
}

static void slices_sort(const struct type *type, struct value *values, struct value *room,
                        size_t count) {
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t at = 0; at + width < count; at += 2 * width) {
      size_t length = count - at < 2 * width ? count - at : 2 * width;
      slices_merge(type, values + at, room, width, length);
    }
  }
}

static void slices_distinct(sqlite3_context *context, int count, sqlite3_value **values) {
  struct type element;
  struct array array;
  if (function_has_null(count, values) || !slices_read(context, count, values, &element, &array))
    return;
  struct value *room = sqlite3_malloc64((array.count + 1) * sizeof *room);
  if (room == NULL) {
    sqlite3_result_error_nomem(context);
    return;
  }
  slices_sort(&element, array.values, room, array.count);
  sqlite3_free(room);
  size_t kept = 0;
  for (size_t i = 0; i < array.count; i++) {
    if (kept == 0 || slices_order(&element, &array.values[kept - 1], &array.values[i]) != 0)
      array.values[kept++] = array.values[i];
  }
  array.count = kept;
  array.lengths[0] = (int)kept;
  slices_result(context, &element, &array);
}

/* ---- pg_width_bucket_array(x, thresholds, type): how many of the thresholds, which ascend, are not above x */

static void slices_width_bucket(sqlite3_context *context, int count, sqlite3_value **values) {
  struct type element;
  struct array array;
  if (function_has_null(count, values) ||
      !slices_read(context, count - 1, values + 1, &element, &array))
    return;
  if (array.dimensions > 1) {
    function_refuse(context, LEDGER_ARRAY_SUBSCRIPT, "thresholds must be one-dimensional array");
    return;
  }
  for (size_t i = 0; i < array.count; i++) {
    if (array.values[i].kind != VALUE_NULL) continue;
    function_refuse(context, LEDGER_NULL_NOT_ALLOWED, "thresholds array must not contain NULLs");
    return;
  }
  struct value x = function_argument(values[0]);
  size_t low = 0, high = array.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (type_compare(&element, &x, &array.values[middle]) < 0)
      high = middle;
    else
      low = middle + 1;
  }
  sqlite3_result_int64(context, (sqlite3_int64)low);
}

static const struct function_row slices_rows[] = {
    {"pg_width_bucket_array", 3, FUNCTION_STRICT, slices_width_bucket, NULL}, /* x, array, type */
    {"pg_array_slice", -1, FUNCTION_STRICT, slices_slice, NULL}, /* array, bounds..., type */
    {"pg_array_distinct", 2, FUNCTION_STRICT, slices_distinct,
     NULL}, /* array of one dimension, type */
};

LEDGER_PRIVATE int function_slices_register(sqlite3 *db, struct function_session *session) {
  return function_register(db, session, slices_rows, sizeof slices_rows / sizeof slices_rows[0]);
}
