/*
** function_arrays.c: the SQL functions and aggregates of arrays. The table at the end is the list.
** A function that reads or returns elements is given their type's name as an extra last argument:
** pg_array_append('[1,2]', 3, 'integer').
*/
#include "../internal.h"

static const struct type arrays_text = {.id = TYPE_TEXT, .length = -1};

/* ---- arguments and results */

static bool arrays_read(sqlite3_context *context, sqlite3_value *value, const struct type *element,
                        struct arena *arena, struct array *out) {
  struct value text = function_text(value);
  ledger_error error;
  *out = (struct array){0};
  if (text.kind == VALUE_NULL) return true; /* for the functions that take NULL as an empty array */
  if (array_read(element, text.text, text.length, arena, out, &error) == LEDGER_OK) return true;
  function_fail(context, &error);
  return false;
}

static void arrays_result(sqlite3_context *context, const struct type *element,
                          const struct array *array) {
  sqlite3_str *built = sqlite3_str_new(NULL);
  ledger_error error;
  int rc = array_print(element, array, built, &error);
  function_finish(context, built, rc, &error);
}

/* The type in the last argument. */
static bool arrays_type(sqlite3_context *context, int count, sqlite3_value **values,
                        struct type *out) {
  return function_type(context, count - 1, values[count - 1], out);
}

/* As IS NOT DISTINCT FROM. */
static bool arrays_same(const struct type *element, const struct value *a, const struct value *b) {
  if (a->kind == VALUE_NULL || b->kind == VALUE_NULL) return a->kind == b->kind;
  return type_compare(element, a, b) == 0;
}

/* An array of one dimension over `count` values, whose room is in the arena. NULL: memory is
** short, the result is set. */
static struct value *arrays_room(sqlite3_context *context, struct arena *arena, size_t count) {
  struct value *values = arena_alloc(arena, (count + 1) * sizeof *values);
  if (values == NULL) sqlite3_result_error_nomem(context);
  return values;
}

static struct array arrays_of(struct value *values, size_t count) {
  return (struct array){
      .dimensions = count > 0 ? 1 : 0, .lengths = {(int)count}, .count = count, .values = values};
}

/* ---- measures */

static bool arrays_measure(sqlite3_context *context, sqlite3_value *value, struct array *out) {
  struct value text = function_text(value);
  ledger_error error;
  if (array_measure(text.text, text.length, out, &error) == LEDGER_OK) return true;
  function_fail(context, &error);
  return false;
}

static void arrays_length(sqlite3_context *context, int count, sqlite3_value **values) {
  struct array array;
  if (function_has_null(count, values) || !arrays_measure(context, values[0], &array)) return;
  sqlite3_int64 dimension = sqlite3_value_int64(values[1]);
  if (dimension >= 1 && dimension <= array.dimensions)
    sqlite3_result_int(context, array.lengths[dimension - 1]);
}

static void arrays_lower(sqlite3_context *context, int count, sqlite3_value **values) {
  struct array array;
  if (function_has_null(count, values) || !arrays_measure(context, values[0], &array)) return;
  sqlite3_int64 dimension = sqlite3_value_int64(values[1]);
  if (dimension >= 1 && dimension <= array.dimensions) sqlite3_result_int(context, 1);
}

static void arrays_dimensions(sqlite3_context *context, int count, sqlite3_value **values) {
  struct array array;
  if (function_has_null(count, values) || !arrays_measure(context, values[0], &array)) return;
  if (array.dimensions > 0) sqlite3_result_int(context, array.dimensions);
}

static void arrays_bounds(sqlite3_context *context, int count, sqlite3_value **values) {
  struct array array;
  if (function_has_null(count, values) || !arrays_measure(context, values[0], &array) ||
      array.dimensions == 0)
    return;
  sqlite3_str *built = sqlite3_str_new(NULL);
  for (int i = 0; i < array.dimensions; i++) sqlite3_str_appendf(built, "[1:%d]", array.lengths[i]);
  function_finish(context, built, LEDGER_OK, NULL);
}

static void arrays_cardinality(sqlite3_context *context, int count, sqlite3_value **values) {
  struct array array;
  if (function_has_null(count, values) || !arrays_measure(context, values[0], &array)) return;
  sqlite3_result_int64(context, (sqlite3_int64)array.count);
}

/* ---- building */

/* array_append and array_prepend: one of the two arguments is the array. */
static void arrays_push(sqlite3_context *context, sqlite3_value **values, int array_at) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array, longer;
  if (!arrays_type(context, 3, values, &element) ||
      !arrays_read(context, values[array_at], &element, arena, &array))
    return;
  if (array.dimensions > 1) {
    function_refuse(context, LEDGER_DATA_EXCEPTION,
                    "argument must be empty or one-dimensional array");
    return;
  }
  struct value *room = arrays_room(context, arena, array.count + 1);
  if (room == NULL) return;
  size_t shift = array_at == 0 ? 0 : 1;
  for (size_t i = 0; i < array.count; i++) room[i + shift] = array.values[i];
  room[array_at == 0 ? array.count : 0] = function_argument(values[1 - array_at]);
  longer = arrays_of(room, array.count + 1);
  arrays_result(context, &element, &longer);
}

static void arrays_append(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_push(context, values, 0);
}

static void arrays_prepend(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_push(context, values, 1);
}

/* Do the inner dimensions agree, from `a_from` of the one and `b_from` of the other? */
static bool arrays_inner_equal(const struct array *a, int a_from, const struct array *b,
                               int b_from) {
  for (; a_from < a->dimensions; a_from++, b_from++) {
    if (a->lengths[a_from] != b->lengths[b_from]) return false;
  }
  return true;
}

static void arrays_incompatible(sqlite3_context *context) {
  function_refuse(context, LEDGER_ARRAY_SUBSCRIPT, "cannot concatenate incompatible arrays");
}

static void arrays_cat(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array a, b, both;
  if (sqlite3_value_type(values[0]) == SQLITE_NULL && sqlite3_value_type(values[1]) == SQLITE_NULL)
    return;
  if (!arrays_type(context, count, values, &element) ||
      !arrays_read(context, values[0], &element, arena, &a) ||
      !arrays_read(context, values[1], &element, arena, &b))
    return;
  if (a.count == 0 || b.count == 0) {
    arrays_result(context, &element, a.count == 0 ? &b : &a);
    return;
  }
  /* Of one kind: the outer dimensions add up. One dimension less: an item of the other. */
  int difference = a.dimensions - b.dimensions;
  if (difference < -1 || difference > 1 ||
      !(difference == 0   ? arrays_inner_equal(&a, 1, &b, 1)
        : difference == 1 ? arrays_inner_equal(&b, 0, &a, 1)
                          : arrays_inner_equal(&a, 0, &b, 1))) {
    arrays_incompatible(context);
    return;
  }
  both = difference < 0 ? b : a;
  both.lengths[0] = difference == 0 ? a.lengths[0] + b.lengths[0] : both.lengths[0] + 1;
  both.count = a.count + b.count;
  both.values = arrays_room(context, arena, both.count);
  if (both.values == NULL) return;
  memcpy(both.values, a.values, a.count * sizeof *a.values);
  memcpy(both.values + a.count, b.values, b.count * sizeof *b.values);
  arrays_result(context, &element, &both);
}

/* ARRAY[ARRAY[...], ...]: the items are arrays of one shape. */
static void arrays_construct_nested(sqlite3_context *context, int count, sqlite3_value **values,
                                    const struct type *element, struct arena *arena) {
  struct array whole = {0}, first = {0};
  for (int i = 1; i < count; i++) {
    struct array item;
    if (!arrays_read(context, values[i], element, arena, &item)) return;
    if (i == 1) first = item;
    if (item.dimensions != first.dimensions || !arrays_inner_equal(&item, 0, &first, 0)) {
      function_refuse(
          context, LEDGER_ARRAY_SUBSCRIPT,
          "multidimensional arrays must have array expressions with matching dimensions");
      return;
    }
    if (i == 1) {
      whole.values = arrays_room(context, arena, item.count * (size_t)(count - 1));
      if (whole.values == NULL) return;
    }
    if (item.count > 0)
      memcpy(whole.values + whole.count, item.values, item.count * sizeof *item.values);
    whole.count += item.count;
  }
  if (whole.count > 0) {
    if (first.dimensions == ARRAY_DIMENSIONS_MAX) {
      function_refuse(context, LEDGER_PROGRAM_LIMIT,
                      "number of array dimensions (7) exceeds the maximum allowed (6)");
      return;
    }
    whole.dimensions = first.dimensions + 1;
    whole.lengths[0] = count - 1;
    memcpy(whole.lengths + 1, first.lengths, (size_t)first.dimensions * sizeof first.lengths[0]);
  }
  arrays_result(context, element, &whole);
}

static void arrays_construct(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  if (count < 1 || !function_type(context, 0, values[0], &element)) return;
  if (element.is_array) {
    element.is_array = false;
    arrays_construct_nested(context, count, values, &element, arena);
    return;
  }
  struct value *room = arrays_room(context, arena, (size_t)count);
  if (room == NULL) return;
  for (int i = 1; i < count; i++) room[i - 1] = function_argument(values[i]);
  array = arrays_of(room, (size_t)count - 1);
  arrays_result(context, &element, &array);
}

/* ---- searching */

static bool arrays_holds(const struct type *element, const struct array *array,
                         const struct value *wanted) {
  for (size_t i = 0; i < array->count; i++) {
    if (array->values[i].kind != VALUE_NULL &&
        type_compare(element, &array->values[i], wanted) == 0)
      return true;
  }
  return false;
}

/* Are all elements of the part in the whole, or, when one will do, is one? A NULL is in no
** array. */
static void arrays_compare_sets(sqlite3_context *context, sqlite3_value **values, int whole_at,
                                int part_at, bool is_one_enough) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array whole, part;
  bool is_decided = false;
  if (function_has_null(3, values) || !arrays_type(context, 3, values, &element) ||
      !arrays_read(context, values[whole_at], &element, arena, &whole) ||
      !arrays_read(context, values[part_at], &element, arena, &part))
    return;
  for (size_t i = 0; i < part.count && !is_decided; i++) {
    bool is_in =
        part.values[i].kind != VALUE_NULL && arrays_holds(&element, &whole, &part.values[i]);
    is_decided = is_in == is_one_enough;
  }
  sqlite3_result_int(context, is_decided == is_one_enough);
}

static void arrays_contains(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_compare_sets(context, values, 0, 1, false);
}

static void arrays_contained(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_compare_sets(context, values, 1, 0, false);
}

static void arrays_overlap(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_compare_sets(context, values, 0, 1, true);
}

/* What the functions of an array and an element begin with; false: the result is set. */
static bool arrays_begin_search(sqlite3_context *context, int count, sqlite3_value **values,
                                const char *refusal, struct arena **arena, struct type *element,
                                struct array *array) {
  *arena = function_arena(context);
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return false;
  if (!arrays_type(context, count, values, element) ||
      !arrays_read(context, values[0], element, *arena, array))
    return false;
  if (array->dimensions <= 1) return true;
  function_refuse(context, LEDGER_UNSUPPORTED, refusal);
  return false;
}

static const char arrays_no_search[] =
    "searching for elements in multidimensional arrays is not supported";

/* (array, element, type) or (array, element, start, type) */
static void arrays_position(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena;
  struct type element;
  struct array array;
  sqlite3_int64 start = 1;
  if (!arrays_begin_search(context, count, values, arrays_no_search, &arena, &element, &array))
    return;
  if (count == 4) {
    if (sqlite3_value_type(values[2]) == SQLITE_NULL) {
      function_refuse(context, LEDGER_NULL_NOT_ALLOWED, "initial position must not be null");
      return;
    }
    start = sqlite3_value_int64(values[2]);
  }
  struct value wanted = function_argument(values[1]);
  for (size_t i = start < 1 ? 0 : (size_t)start - 1; i < array.count; i++) {
    if (!arrays_same(&element, &array.values[i], &wanted)) continue;
    sqlite3_result_int64(context, (sqlite3_int64)i + 1);
    return;
  }
}

static void arrays_positions(sqlite3_context *context, int count, sqlite3_value **values) {
  static const struct type integer = {.id = TYPE_INT4, .length = -1};
  struct arena *arena;
  struct type element;
  struct array array, positions;
  size_t found = 0;
  if (!arrays_begin_search(context, count, values, arrays_no_search, &arena, &element, &array))
    return;
  struct value wanted = function_argument(values[1]);
  struct value *room = arrays_room(context, arena, array.count);
  if (room == NULL) return;
  for (size_t i = 0; i < array.count; i++) {
    if (!arrays_same(&element, &array.values[i], &wanted)) continue;
    room[found++] = (struct value){.kind = VALUE_INTEGER, .integer = (int64_t)i + 1};
  }
  positions = arrays_of(room, found);
  arrays_result(context, &integer, &positions);
}

static void arrays_remove(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena;
  struct type element;
  struct array array;
  size_t kept = 0;
  if (!arrays_begin_search(context, count, values,
                           "removing elements from multidimensional arrays is not supported",
                           &arena, &element, &array))
    return;
  struct value unwanted = function_argument(values[1]);
  for (size_t i = 0; i < array.count; i++) {
    if (!arrays_same(&element, &array.values[i], &unwanted)) array.values[kept++] = array.values[i];
  }
  array = arrays_of(array.values, kept);
  arrays_result(context, &element, &array);
}

/* (array, old, new, type) */
static void arrays_replace(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  if (!arrays_type(context, count, values, &element) ||
      !arrays_read(context, values[0], &element, arena, &array))
    return;
  struct value old = function_argument(values[1]), fresh = function_argument(values[2]);
  for (size_t i = 0; i < array.count; i++) {
    if (arrays_same(&element, &array.values[i], &old)) array.values[i] = fresh;
  }
  arrays_result(context, &element, &array);
}

/* (array, how many from the end, type) */
static void arrays_trim(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  ledger_error error;
  if (function_has_null(count, values) || !arrays_type(context, count, values, &element) ||
      !arrays_read(context, values[0], &element, arena, &array))
    return;
  int length = array.dimensions > 0 ? array.lengths[0] : 0;
  sqlite3_int64 cut = sqlite3_value_int64(values[1]);
  if (cut < 0 || cut > length) {
    error_set(&error, LEDGER_ARRAY_SUBSCRIPT, "number of elements to trim must be between 0 and %d",
              length);
    function_fail(context, &error);
    return;
  }
  if (length > 0) {
    array.count = array.count / (size_t)length * (size_t)(length - cut);
    array.lengths[0] = length - (int)cut;
  }
  arrays_result(context, &element, &array);
}

/* (array, subscript, ..., type) */
static void arrays_element(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  size_t at = 0;
  if (count < 3 || function_has_null(count, values) ||
      !arrays_type(context, count, values, &element) ||
      !arrays_read(context, values[0], &element, arena, &array) || array.dimensions != count - 2)
    return;
  for (int i = 0; i < array.dimensions; i++) {
    sqlite3_int64 subscript = sqlite3_value_int64(values[i + 1]);
    if (subscript < 1 || subscript > array.lengths[i]) return;
    at = at * (size_t)array.lengths[i] + (size_t)(subscript - 1);
  }
  function_result(context, &array.values[at]);
}

/* ---- order: (array, array, type) */

#define ARRAYS_COMPARISON(name, relation)                                                          \
  static void arrays_##name(sqlite3_context *context, int count, sqlite3_value **values) {         \
    struct arena *arena = function_arena(context);                                                 \
    struct type element;                                                                           \
    struct array a, b;                                                                             \
    if (function_has_null(count, values) || !arrays_type(context, count, values, &element) ||      \
        !arrays_read(context, values[0], &element, arena, &a) ||                                   \
        !arrays_read(context, values[1], &element, arena, &b))                                     \
      return;                                                                                      \
    sqlite3_result_int(context, array_order(&element, &a, &b) relation 0);                         \
  }
ARRAYS_COMPARISON(eq, ==)
ARRAYS_COMPARISON(ne, !=)
ARRAYS_COMPARISON(lt, <)
ARRAYS_COMPARISON(le, <=)
ARRAYS_COMPARISON(gt, >)
ARRAYS_COMPARISON(ge, >=)
#undef ARRAYS_COMPARISON

/* ---- value op ANY (array), value op ALL (array) */

struct arrays_operator {
  const char *name;
  bool is_negated;
  enum { ARRAYS_EQUAL, ARRAYS_LESS, ARRAYS_GREATER, ARRAYS_LIKE, ARRAYS_MATCH } relation;
  bool is_caseless;
};

static const struct arrays_operator arrays_operators[] = {
    {"=", false, ARRAYS_EQUAL, false},   {"<>", true, ARRAYS_EQUAL, false},
    {"<", false, ARRAYS_LESS, false},    {">=", true, ARRAYS_LESS, false},
    {">", false, ARRAYS_GREATER, false}, {"<=", true, ARRAYS_GREATER, false},
    {"~~", false, ARRAYS_LIKE, false},   {"!~~", true, ARRAYS_LIKE, false},
    {"~~*", false, ARRAYS_LIKE, true},   {"!~~*", true, ARRAYS_LIKE, true},
    {"~", false, ARRAYS_MATCH, false},   {"!~", true, ARRAYS_MATCH, false},
    {"~*", false, ARRAYS_MATCH, true},   {"!~*", true, ARRAYS_MATCH, true},
};

static const struct arrays_operator *arrays_find_operator(const char *name) {
  for (size_t i = 0; i < sizeof arrays_operators / sizeof arrays_operators[0]; i++) {
    if (strcmp(arrays_operators[i].name, name) == 0) return &arrays_operators[i];
  }
  return NULL;
}

static int arrays_like(const struct value *text, const struct value *pattern, bool is_caseless,
                       bool *matches, ledger_error *error) {
  sqlite3_str *lower_text, *lower_pattern;
  int rc;
  if (!is_caseless)
    return pattern_like(text->text, text->length, pattern->text, pattern->length, matches, error);
  lower_text = sqlite3_str_new(NULL);
  lower_pattern = sqlite3_str_new(NULL);
  string_lower(lower_text, text->text, text->length);
  string_lower(lower_pattern, pattern->text, pattern->length);
  if (sqlite3_str_errcode(lower_text) != SQLITE_OK ||
      sqlite3_str_errcode(lower_pattern) != SQLITE_OK)
    rc = error_memory(error);
  else
    rc = pattern_like(sqlite3_str_value(lower_text), (size_t)sqlite3_str_length(lower_text),
                      sqlite3_str_value(lower_pattern), (size_t)sqlite3_str_length(lower_pattern),
                      matches, error);
  sqlite3_free(sqlite3_str_finish(lower_text));
  sqlite3_free(sqlite3_str_finish(lower_pattern));
  return rc;
}

static int arrays_match(const struct value *text, const struct value *pattern, bool is_caseless,
                        bool *matches, ledger_error *error) {
  struct regex *regex = NULL;
  int rc = regex_compile(pattern->text, pattern->length, NULL, 0, is_caseless ? REGEX_CASELESS : 0,
                         &regex, error);
  if (rc == LEDGER_OK) rc = regex_test(regex, text->text, text->length, matches, error);
  regex_free(regex);
  return rc;
}

static int arrays_apply(const struct arrays_operator *operator, const struct type * element,
                        const struct value *left, const struct value *right, bool *holds,
                        ledger_error *error) {
  int rc = LEDGER_OK;
  switch (operator->relation) {
  case ARRAYS_EQUAL: *holds = type_compare(element, left, right) == 0; break;
  case ARRAYS_LESS: *holds = type_compare(element, left, right) < 0; break;
  case ARRAYS_GREATER: *holds = type_compare(element, left, right) > 0; break;
  case ARRAYS_LIKE: rc = arrays_like(left, right, operator->is_caseless, holds, error); break;
  case ARRAYS_MATCH: rc = arrays_match(left, right, operator->is_caseless, holds, error); break;
  }
  if (operator->is_negated) *holds = !*holds;
  return rc;
}

/* (value, operator, array, type): three-valued; ANY is decided by a true, ALL by a false. */
static void arrays_quantified(sqlite3_context *context, sqlite3_value **values, bool is_any) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  ledger_error error;
  bool is_unknown = false;
  if (sqlite3_value_type(values[2]) == SQLITE_NULL) return;
  const struct arrays_operator *operator= arrays_find_operator(function_text(values[1]).text);
  if (operator== NULL) {
    function_refuse(context, LEDGER_UNDEFINED_FUNCTION, "operator does not exist");
    return;
  }
  if (!arrays_type(context, 4, values, &element) ||
      !arrays_read(context, values[2], &element, arena, &array))
    return;
  struct value left = function_argument(values[0]);
  for (size_t i = 0; i < array.count; i++) {
    bool holds = false;
    if (left.kind == VALUE_NULL || array.values[i].kind == VALUE_NULL) {
      is_unknown = true;
      continue;
    }
    if (arrays_apply(operator, & element, &left, &array.values[i], &holds, &error) != LEDGER_OK) {
      function_fail(context, &error);
      return;
    }
    if (holds == is_any) {
      sqlite3_result_int(context, is_any);
      return;
    }
  }
  if (!is_unknown) sqlite3_result_int(context, !is_any);
}

static void arrays_any(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_quantified(context, values, true);
}

static void arrays_all(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  arrays_quantified(context, values, false);
}

/* ---- text and casts */

/* (array, delimiter, type) or (array, delimiter, text for NULL, type) */
static void arrays_to_text(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type element;
  struct array array;
  ledger_error error;
  int rc = LEDGER_OK;
  bool is_first = true;
  if (function_has_null(2, values) || !arrays_type(context, count, values, &element) ||
      !arrays_read(context, values[0], &element, arena, &array))
    return;
  struct value delimiter = function_text(values[1]), null_text = {.kind = VALUE_NULL};
  if (count == 4) null_text = function_text(values[2]);
  sqlite3_str *built = sqlite3_str_new(NULL);
  for (size_t i = 0; i < array.count && rc == LEDGER_OK; i++) {
    const struct value *value = &array.values[i];
    if (value->kind == VALUE_NULL && null_text.kind == VALUE_NULL) continue;
    if (!is_first) sqlite3_str_append(built, delimiter.text, (int)delimiter.length);
    is_first = false;
    if (value->kind == VALUE_NULL)
      sqlite3_str_append(built, null_text.text, (int)null_text.length);
    else
      rc = type_output(&element, value, built, &error);
  }
  function_finish(context, built, rc, &error);
}

/* The end of the field that starts at `at`; *next is where the one behind the delimiter starts,
** 0 after the last. */
static size_t arrays_field(const struct value *text, size_t at, const struct value *delimiter,
                           size_t *next) {
  *next = 0;
  if (delimiter->kind == VALUE_NULL) { /* every character is a field */
    size_t end = at + text_offset(text->text + at, text->length - at, 1);
    if (end < text->length) *next = end;
    return end;
  }
  for (size_t end = at; delimiter->length > 0 && end + delimiter->length <= text->length; end++) {
    if (memcmp(text->text + end, delimiter->text, delimiter->length) != 0) continue;
    *next = end + delimiter->length;
    return end;
  }
  return text->length;
}

/* (text, delimiter) or (text, delimiter, text for NULL) */
static void arrays_from_text(sqlite3_context *context, int count, sqlite3_value **values) {
  sqlite3_str *built;
  struct value text = function_text(values[0]), delimiter = function_text(values[1]),
               null_text = {.kind = VALUE_NULL};
  size_t at = 0, next = 0;
  if (text.kind == VALUE_NULL) return;
  if (count == 3) null_text = function_text(values[2]);
  built = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(built, 1, '[');
  for (bool is_more = text.length > 0; is_more; at = next) {
    size_t end = arrays_field(&text, at, &delimiter, &next);
    struct value field = {.kind = VALUE_TEXT, .text = text.text + at, .length = end - at};
    if (null_text.kind == VALUE_TEXT &&
        document_compare_keys(field.text, field.length, null_text.text, null_text.length) == 0)
      field.kind = VALUE_NULL;
    if (at > 0) sqlite3_str_appendchar(built, 1, ',');
    array_print_element(&arrays_text, &field, built, NULL); /* of text it cannot fail */
    is_more = next > 0;
  }
  sqlite3_str_appendchar(built, 1, ']');
  function_finish(context, built, LEDGER_OK, NULL);
}

static bool arrays_is_integer(enum type_id id) {
  return id == TYPE_INT2 || id == TYPE_INT4 || id == TYPE_INT8;
}

/* Casts that are more than reading the one type's output text as the other. false: this is none
** of them. */
static bool arrays_cast_number(const struct type *from, const struct type *to,
                               const struct value *value, struct arena *arena, struct value *out,
                               int *rc, ledger_error *error) {
  bool is_real = from->id == TYPE_FLOAT4 || from->id == TYPE_FLOAT8;
  *out = (struct value){.kind = VALUE_INTEGER, .integer = value->integer};
  *rc = LEDGER_OK;
  if (from->id == TYPE_BOOLEAN && to->id == TYPE_INT4) return true;
  if (from->id == TYPE_INT4 && to->id == TYPE_BOOLEAN) {
    out->integer = value->integer != 0;
    return true;
  }
  if (is_real && arrays_is_integer(to->id)) {
    *rc = integer_from_real(to->id, value->real, &out->integer, error);
    return true;
  }
  if (is_real && to->id == TYPE_NUMERIC) {
    struct decimal number;
    *rc = real_to_decimal(from->id, value->real, arena, &number, error);
    if (*rc == LEDGER_OK) *rc = numeric_coerce(to, arena, &number, error);
    if (*rc == LEDGER_OK) *rc = numeric_value(arena, &number, out, error);
    return true;
  }
  if ((arrays_is_integer(from->id) || from->id == TYPE_NUMERIC) && arrays_is_integer(to->id)) {
    ledger_value given = {.kind = LEDGER_INTEGER, .integer = value->integer};
    if (from->id == TYPE_NUMERIC)
      given = (ledger_value){.kind = LEDGER_NUMBER, .text = value->text, .length = value->length};
    *rc = type_assign(to, &given, arena, out, error);
    return true;
  }
  return false;
}

static int arrays_cast_value(const struct type *from, const struct type *to,
                             const struct value *value, struct arena *arena, struct value *out,
                             ledger_error *error) {
  sqlite3_str *printed;
  const char *copy = NULL;
  size_t length;
  int rc;
  if (value->kind == VALUE_NULL) {
    *out = *value;
    return LEDGER_OK;
  }
  if (arrays_cast_number(from, to, value, arena, out, &rc, error)) return rc;
  if (from->id == TYPE_BOOLEAN)
    return type_cast(to, value->integer ? "true" : "false", value->integer ? 4 : 5, arena, out,
                     error);
  printed = sqlite3_str_new(NULL);
  rc = type_output(from, value, printed, error);
  length = (size_t)sqlite3_str_length(printed);
  if (rc == LEDGER_OK && sqlite3_str_errcode(printed) == SQLITE_OK)
    copy = arena_copy(arena, length > 0 ? sqlite3_str_value(printed) : "", length);
  if (rc == LEDGER_OK && copy == NULL) rc = error_memory(error);
  sqlite3_free(sqlite3_str_finish(printed));
  return rc == LEDGER_OK ? type_cast(to, copy, length, arena, out, error) : rc;
}

/* (array, from, to): element types */
static void arrays_cast(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct type from, to;
  struct array array;
  ledger_error error;
  int rc = LEDGER_OK;
  if (function_has_null(count, values) || !function_type(context, 1, values[1], &from) ||
      !function_type(context, 2, values[2], &to) ||
      !arrays_read(context, values[0], &from, arena, &array))
    return;
  for (size_t i = 0; i < array.count && rc == LEDGER_OK; i++) {
    struct value value = array.values[i];
    rc = arrays_cast_value(&from, &to, &value, arena, &array.values[i], &error);
  }
  if (rc != LEDGER_OK)
    function_fail(context, &error);
  else
    arrays_result(context, &to, &array);
}

/* ---- aggregates */

struct arrays_aggregate {
  sqlite3_str *built; /* NULL: no row yet */
  struct array shape; /* of arrays that are gathered: that of the first */
  bool is_blob;
};

static struct arrays_aggregate *arrays_aggregate_of(sqlite3_context *context, bool *is_first) {
  struct arrays_aggregate *aggregate = sqlite3_aggregate_context(context, sizeof *aggregate);
  if (aggregate == NULL) {
    sqlite3_result_error_nomem(context);
    return NULL;
  }
  *is_first = aggregate->built == NULL;
  if (*is_first) aggregate->built = sqlite3_str_new(NULL);
  return aggregate;
}

/* An array among those that are gathered into one of a dimension more. */
static int arrays_gather(struct arrays_aggregate *aggregate, const struct value *value,
                         bool is_first, ledger_error *error) {
  struct array shape;
  int rc;
  if (value->kind != VALUE_TEXT)
    return error_set(error, LEDGER_NULL_NOT_ALLOWED, "cannot accumulate null arrays");
  rc = array_measure(value->text, value->length, &shape, error);
  if (rc != LEDGER_OK) return rc;
  if (shape.count == 0)
    return error_set(error, LEDGER_ARRAY_SUBSCRIPT, "cannot accumulate empty arrays");
  if (shape.dimensions == ARRAY_DIMENSIONS_MAX)
    return error_set(error, LEDGER_PROGRAM_LIMIT,
                     "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                     ARRAY_DIMENSIONS_MAX + 1, ARRAY_DIMENSIONS_MAX);
  if (is_first) aggregate->shape = shape;
  if (shape.dimensions != aggregate->shape.dimensions ||
      !arrays_inner_equal(&shape, 0, &aggregate->shape, 0))
    return error_set(error, LEDGER_ARRAY_SUBSCRIPT,
                     "cannot accumulate arrays of different dimensionality");
  sqlite3_str_append(aggregate->built, value->text, (int)value->length);
  return LEDGER_OK;
}

static void arrays_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  struct type type;
  bool is_first;
  ledger_error error;
  int rc;
  (void)count;
  struct arrays_aggregate *aggregate = arrays_aggregate_of(context, &is_first);
  if (aggregate == NULL || !function_type_named(context, values[1], &type)) return;
  struct value value = function_argument(values[0]);
  sqlite3_str_appendchar(aggregate->built, 1, is_first ? '[' : ',');
  if (type.is_array)
    rc = arrays_gather(aggregate, &value, is_first, &error);
  else
    rc = array_print_element(&type, &value, aggregate->built, &error);
  if (rc != LEDGER_OK) function_fail(context, &error);
}

static void arrays_agg_final(sqlite3_context *context) {
  struct arrays_aggregate *aggregate = sqlite3_aggregate_context(context, 0);
  if (aggregate == NULL || aggregate->built == NULL) return;
  sqlite3_str_appendchar(aggregate->built, 1, ']');
  function_finish(context, aggregate->built, LEDGER_OK, NULL);
  aggregate->built = NULL;
}

/* (text or bytea, delimiter) */
static void arrays_string_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  bool is_first;
  (void)count;
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  struct arrays_aggregate *aggregate = arrays_aggregate_of(context, &is_first);
  if (aggregate == NULL) return;
  aggregate->is_blob = sqlite3_value_type(values[0]) == SQLITE_BLOB;
  for (int i = is_first ? 0 : 1; i >= 0; i--) { /* the first row's delimiter is not used */
    const void *bytes = aggregate->is_blob ? sqlite3_value_blob(values[i])
                                           : (const void *)sqlite3_value_text(values[i]);
    if (bytes != NULL) sqlite3_str_append(aggregate->built, bytes, sqlite3_value_bytes(values[i]));
  }
}

static void arrays_string_agg_final(sqlite3_context *context) {
  struct arrays_aggregate *aggregate = sqlite3_aggregate_context(context, 0);
  if (aggregate == NULL || aggregate->built == NULL) return;
  if (aggregate->is_blob && sqlite3_str_errcode(aggregate->built) == SQLITE_OK) {
    int length = sqlite3_str_length(aggregate->built);
    char *bytes = sqlite3_str_finish(aggregate->built);
    if (bytes == NULL)
      sqlite3_result_zeroblob(context, 0);
    else
      sqlite3_result_blob(context, bytes, length, sqlite3_free);
  } else {
    function_finish(context, aggregate->built, LEDGER_OK, NULL);
  }
  aggregate->built = NULL;
}

/* ---- the table. type: the name of the elements' type, as format_type() prints it; an enum's
** own name, or text. */

static const struct function_row arrays_rows[] = {
    {"pg_array", -1, 0, arrays_construct,
     NULL}, /* type, element, ...; type "integer[]": the elements are arrays */
    {"pg_array_element", -1, FUNCTION_STRICT, arrays_element,
     NULL},                                   /* array, subscript, ..., type */
    {"pg_array_any", 4, 0, arrays_any, NULL}, /* value, operator, array, type */
    {"pg_array_all", 4, 0, arrays_all, NULL}, /* value, operator, array, type */
    {"pg_array_cast", 3, FUNCTION_STRICT, arrays_cast,
     NULL}, /* array, type from, type to; as an explicit cast */
    {"pg_array_append", 3, 0, arrays_append, NULL},           /* array, element, type */
    {"pg_array_prepend", 3, 0, arrays_prepend, NULL},         /* element, array, type */
    {"pg_array_cat", 3, 0, arrays_cat, NULL},                 /* array, array, type */
    {"pg_array_remove", 3, 0, arrays_remove, NULL},           /* array, element, type */
    {"pg_array_replace", 4, 0, arrays_replace, NULL},         /* array, old, new, type */
    {"pg_array_position", 3, 0, arrays_position, NULL},       /* array, element, type */
    {"pg_array_position_start", 4, 0, arrays_position, NULL}, /* array, element, start, type */
    {"pg_array_positions", 3, 0, arrays_positions, NULL},     /* array, element, type */
    {"pg_trim_array", 3, FUNCTION_STRICT, arrays_trim, NULL}, /* array, count, type */
    {"pg_arraycontains", 3, FUNCTION_STRICT, arrays_contains, NULL}, /* array, array, type */
    {"pg_arraycontained", 3, FUNCTION_STRICT, arrays_contained, NULL},
    {"pg_arrayoverlap", 3, FUNCTION_STRICT, arrays_overlap, NULL},
    {"pg_array_eq", 3, FUNCTION_STRICT, arrays_eq, NULL}, /* array, array, type; those below too */
    {"pg_array_ne", 3, FUNCTION_STRICT, arrays_ne, NULL},
    {"pg_array_lt", 3, FUNCTION_STRICT, arrays_lt, NULL},
    {"pg_array_le", 3, FUNCTION_STRICT, arrays_le, NULL},
    {"pg_array_gt", 3, FUNCTION_STRICT, arrays_gt, NULL},
    {"pg_array_ge", 3, FUNCTION_STRICT, arrays_ge, NULL},
    {"pg_array_length", 2, FUNCTION_STRICT, arrays_length, NULL}, /* array, dimension */
    {"pg_array_upper", 2, FUNCTION_STRICT, arrays_length,
     NULL}, /* the same, since lower bounds are 1 */
    {"pg_array_lower", 2, FUNCTION_STRICT, arrays_lower, NULL},
    {"pg_array_ndims", 1, FUNCTION_STRICT, arrays_dimensions, NULL},
    {"pg_array_dims", 1, FUNCTION_STRICT, arrays_bounds, NULL},
    {"pg_array_cardinality", 1, FUNCTION_STRICT, arrays_cardinality, NULL},
    {"pg_array_to_text", 3, FUNCTION_STRICT, arrays_to_text, NULL}, /* array, delimiter, type */
    {"pg_array_to_text_null", 4, 0, arrays_to_text,
     NULL},                                             /* array, delimiter, text for NULL, type */
    {"pg_text_to_array", 2, 0, arrays_from_text, NULL}, /* text, delimiter */
    {"pg_text_to_array_null", 3, 0, arrays_from_text, NULL}, /* text, delimiter, text for NULL */
    {"pg_array_agg", 2, FUNCTION_AGGREGATE, arrays_agg,
     arrays_agg_final}, /* x, type of x, which may be an array's */
    {"pg_string_agg", 2, FUNCTION_AGGREGATE, arrays_string_agg,
     arrays_string_agg_final}, /* x, delimiter */
};

/* pg_array_text: elements order bytewise. pg_array_numeric: they are integers or numeric. The
** data is the array's type. */
static int arrays_collate(void *type, int a_length, const void *a, int b_length, const void *b) {
  struct value x = {.kind = VALUE_TEXT, .text = a, .length = (size_t)a_length};
  struct value y = {.kind = VALUE_TEXT, .text = b, .length = (size_t)b_length};
  return array_compare(type, &x, &y);
}

LEDGER_PRIVATE int function_arrays_register(sqlite3 *db, struct function_session *session) {
  static struct type text_array = {.id = TYPE_TEXT, .is_array = true, .length = -1};
  static struct type numeric_array = {.id = TYPE_NUMERIC, .is_array = true, .length = -1};
  int rc = function_register(db, session, arrays_rows, sizeof arrays_rows / sizeof arrays_rows[0]);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_collation_v2(db, "pg_array_text", SQLITE_UTF8, &text_array, arrays_collate,
                                     NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_collation_v2(db, "pg_array_numeric", SQLITE_UTF8, &numeric_array,
                                     arrays_collate, NULL);
  return rc;
}
