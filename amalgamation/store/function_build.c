/*
** function_build.c: the SQL functions and aggregates that make json and jsonb out of values of any
** type. The table at the end is the list. A stored value does not carry its type, so that the name
** is an argument of its own:
**   x, 'type'        to_json, jsonb_agg, ...: behind the value
**   'type', x, ...   jsonb_build_object and the like, which take any number of values: before each
*/
#include "../internal.h"

/* Appends the value of the type as JSON, NULL as null; for jsonb in its canonical form. */
static int builds_append(sqlite3_str *out, const struct type *type, const struct value *value,
                         bool is_jsonb, struct arena *arena, ledger_error *error) {
  sqlite3_str *printed;
  struct value document;
  int rc;
  if (value->kind == VALUE_NULL) {
    sqlite3_str_append(out, "null", 4);
    return LEDGER_OK;
  }
  if (!is_jsonb) return type_json(type, value, out, error);
  printed = sqlite3_str_new(NULL);
  rc = type_json(type, value, printed, error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(printed) != SQLITE_OK) rc = error_memory(error);
  if (rc == LEDGER_OK) {
    rc = jsonb_input(NULL, sqlite3_str_value(printed), (size_t)sqlite3_str_length(printed), arena,
                     &document, error);
    if (rc == LEDGER_OK) sqlite3_str_append(out, document.text, (int)document.length);
  }
  sqlite3_free(sqlite3_str_finish(printed));
  return rc;
}

/* Appends a member's key: the value as JSON, in quotes whatever it is. */
static int builds_append_key(sqlite3_str *out, const struct type *type, const struct value *value,
                             ledger_error *error) {
  sqlite3_str *printed;
  int rc;
  if (type->is_array || type->id == TYPE_JSON || type->id == TYPE_JSONB)
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     "key value must be scalar, not array, composite, or json");
  printed = sqlite3_str_new(NULL);
  rc = type_json(type, value, printed, error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(printed) != SQLITE_OK) rc = error_memory(error);
  if (rc == LEDGER_OK) {
    const char *text = sqlite3_str_value(printed);
    bool is_quoted = text[0] == '"';
    if (!is_quoted) sqlite3_str_appendchar(out, 1, '"');
    sqlite3_str_append(out, text, sqlite3_str_length(printed));
    if (!is_quoted) sqlite3_str_appendchar(out, 1, '"');
  }
  sqlite3_free(sqlite3_str_finish(printed));
  return rc;
}

static void builds_convert(sqlite3_context *context, sqlite3_value **values, bool is_jsonb) {
  struct arena *arena = function_arena(context);
  struct type type;
  ledger_error error;
  if (function_has_null(1, values) || !function_type(context, 1, values[1], &type)) return;
  struct value value = function_argument(values[0]);
  sqlite3_str *built = sqlite3_str_new(NULL);
  int rc = builds_append(built, &type, &value, is_jsonb, arena, &error);
  function_finish(context, built, rc, &error);
}

static void builds_to_json(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_convert(context, values, false);
}

static void builds_to_jsonb(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_convert(context, values, true);
}

/* Replaces what was built by its canonical form: members in order, the last of equal keys. */
static void builds_finish_jsonb(sqlite3_context *context, sqlite3_str *built, int rc,
                                struct arena *arena, ledger_error *error) {
  struct value value;
  if (rc == LEDGER_OK && sqlite3_str_errcode(built) == SQLITE_OK) {
    rc = jsonb_input(NULL, sqlite3_str_value(built), (size_t)sqlite3_str_length(built), arena,
                     &value, error);
    if (rc == LEDGER_OK)
      function_result(context, &value);
    else
      function_fail(context, error);
    sqlite3_free(sqlite3_str_finish(built));
  } else {
    function_finish(context, built, rc, error);
  }
}

static void builds_pairs(sqlite3_context *context, int count, sqlite3_value **values,
                         bool is_jsonb) {
  struct arena *arena = function_arena(context);
  sqlite3_str *built = sqlite3_str_new(NULL);
  ledger_error error;
  int rc = LEDGER_OK;
  if (count % 4 != 0)
    rc = error_set(&error, LEDGER_INVALID_PARAMETER,
                   "argument list must have even number of elements");
  sqlite3_str_appendchar(built, 1, '{');
  for (int i = 0; i < count && rc == LEDGER_OK; i += 4) {
    struct type key_type, type;
    struct value key = function_argument(values[i + 1]), value = function_argument(values[i + 3]);
    if (!function_type(context, i, values[i], &key_type) ||
        !function_type(context, i + 2, values[i + 2], &type)) {
      sqlite3_free(sqlite3_str_finish(built));
      return;
    }
    if (i > 0) sqlite3_str_append(built, ", ", 2);
    if (key.kind == VALUE_NULL && is_jsonb)
      rc = error_set(&error, LEDGER_INVALID_PARAMETER, "argument %d: key must not be null",
                     i / 2 + 1);
    else if (key.kind == VALUE_NULL)
      rc = error_set(&error, LEDGER_INVALID_PARAMETER, "argument %d cannot be null", i / 2 + 1);
    if (rc == LEDGER_OK) rc = builds_append_key(built, &key_type, &key, &error);
    sqlite3_str_appendall(built, is_jsonb ? ": " : " : ");
    if (rc == LEDGER_OK) rc = builds_append(built, &type, &value, is_jsonb, arena, &error);
  }
  sqlite3_str_appendchar(built, 1, '}');
  if (is_jsonb)
    builds_finish_jsonb(context, built, rc, arena, &error);
  else
    function_finish(context, built, rc, &error);
}

static void builds_list(sqlite3_context *context, int count, sqlite3_value **values,
                        bool is_jsonb) {
  struct arena *arena = function_arena(context);
  sqlite3_str *built = sqlite3_str_new(NULL);
  ledger_error error;
  int rc = LEDGER_OK;
  sqlite3_str_appendchar(built, 1, '[');
  for (int i = 0; i + 1 < count && rc == LEDGER_OK; i += 2) {
    struct type type;
    struct value value = function_argument(values[i + 1]);
    if (!function_type(context, i, values[i], &type)) {
      sqlite3_free(sqlite3_str_finish(built));
      return;
    }
    if (i > 0) sqlite3_str_append(built, ", ", 2);
    rc = builds_append(built, &type, &value, is_jsonb, arena, &error);
  }
  sqlite3_str_appendchar(built, 1, ']');
  function_finish(context, built, rc, &error);
}

static void builds_json_pairs(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_pairs(context, count, values, false);
}

static void builds_jsonb_pairs(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_pairs(context, count, values, true);
}

static void builds_json_list(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_list(context, count, values, false);
}

static void builds_jsonb_list(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_list(context, count, values, true);
}

/* ---- objects of text: json_object(text[]) and json_object(text[], text[]) */

static int builds_read_texts(sqlite3_value *value, struct arena *arena, struct array *out,
                             ledger_error *error) {
  static const struct type element = {.id = TYPE_TEXT, .length = -1};
  struct value text = function_text(value);
  return array_read(&element, text.text, text.length, arena, out, error);
}

static int builds_member(sqlite3_str *out, const struct value *key, const struct value *value,
                         ledger_error *error) {
  if (key->kind == VALUE_NULL)
    return error_set(error, LEDGER_NULL_NOT_ALLOWED, "null value not allowed for object key");
  json_quote(out, key->text, key->length);
  sqlite3_str_append(out, " : ", 3);
  if (value->kind == VALUE_NULL)
    sqlite3_str_append(out, "null", 4);
  else
    json_quote(out, value->text, value->length);
  return LEDGER_OK;
}

/* Keys and values take turns in one array, or stand in the two columns of one. */
static int builds_check_pairs(const struct array *pairs, ledger_error *error) {
  if (pairs->dimensions > 2)
    return error_set(error, LEDGER_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
  if (pairs->dimensions == 2 && pairs->lengths[1] != 2)
    return error_set(error, LEDGER_ARRAY_SUBSCRIPT, "array must have two columns");
  if (pairs->count % 2 != 0)
    return error_set(error, LEDGER_ARRAY_SUBSCRIPT, "array must have even number of elements");
  return LEDGER_OK;
}

static void builds_object(sqlite3_context *context, int count, sqlite3_value **values,
                          bool is_jsonb) {
  struct arena *arena = function_arena(context);
  struct array keys, texts;
  ledger_error error;
  size_t step = count == 2 ? 1 : 2;
  if (function_has_null(count, values)) return;
  int rc = builds_read_texts(values[0], arena, &keys, &error);
  if (rc == LEDGER_OK && count == 2)
    rc = builds_read_texts(values[1], arena, &texts, &error);
  else if (rc == LEDGER_OK)
    rc = builds_check_pairs(&keys, &error);
  if (rc == LEDGER_OK && count == 2 && (keys.dimensions > 1 || keys.dimensions != texts.dimensions))
    rc = error_set(&error, LEDGER_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
  else if (rc == LEDGER_OK && count == 2 && keys.count != texts.count)
    rc = error_set(&error, LEDGER_ARRAY_SUBSCRIPT, "mismatched array dimensions");
  sqlite3_str *built = sqlite3_str_new(NULL);
  sqlite3_str_appendchar(built, 1, '{');
  for (size_t i = 0; rc == LEDGER_OK && i < keys.count; i += step) {
    if (i > 0) sqlite3_str_append(built, ", ", 2);
    rc = builds_member(built, &keys.values[i], count == 2 ? &texts.values[i] : &keys.values[i + 1],
                       &error);
  }
  sqlite3_str_appendchar(built, 1, '}');
  if (is_jsonb)
    builds_finish_jsonb(context, built, rc, arena, &error);
  else
    function_finish(context, built, rc, &error);
}

static void builds_json_object(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_object(context, count, values, false);
}

static void builds_jsonb_object(sqlite3_context *context, int count, sqlite3_value **values) {
  builds_object(context, count, values, true);
}

/* ---- aggregates: the text grows in the context and ends in final */

struct builds_aggregate {
  sqlite3_str *built; /* NULL: no row yet */
};

/* The aggregate's builder, begun with `head`; NULL: the result is set. *is_first tells of the
** first row. */
static sqlite3_str *builds_aggregate_builder(sqlite3_context *context, const char *head,
                                             bool *is_first) {
  struct builds_aggregate *aggregate = sqlite3_aggregate_context(context, sizeof *aggregate);
  if (aggregate == NULL) {
    sqlite3_result_error_nomem(context);
    return NULL;
  }
  *is_first = aggregate->built == NULL;
  if (*is_first) {
    aggregate->built = sqlite3_str_new(NULL);
    sqlite3_str_appendall(aggregate->built, head);
  }
  return aggregate->built;
}

/* Takes the builder out of the context; NULL: there was no row, the result is NULL. */
static sqlite3_str *builds_aggregate_take(sqlite3_context *context) {
  struct builds_aggregate *aggregate = sqlite3_aggregate_context(context, 0);
  sqlite3_str *built = aggregate == NULL ? NULL : aggregate->built;
  if (aggregate != NULL) aggregate->built = NULL;
  return built;
}

static void builds_agg(sqlite3_context *context, sqlite3_value **values, bool is_jsonb) {
  struct arena *arena = function_arena(context);
  struct type type;
  bool is_first;
  ledger_error error;
  sqlite3_str *built = builds_aggregate_builder(context, "[", &is_first);
  if (built == NULL || !function_type_named(context, values[1], &type)) return;
  struct value value = function_argument(values[0]);
  bool has_line = type.is_array && !is_jsonb && value.kind != VALUE_NULL;
  if (!is_first) sqlite3_str_appendall(built, has_line ? ", \n " : ", ");
  if (builds_append(built, &type, &value, is_jsonb, arena, &error) != LEDGER_OK)
    function_fail(context, &error);
}

static void builds_json_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_agg(context, values, false);
}

static void builds_jsonb_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_agg(context, values, true);
}

static void builds_agg_final(sqlite3_context *context) {
  sqlite3_str *built = builds_aggregate_take(context);
  if (built == NULL) return;
  sqlite3_str_appendchar(built, 1, ']');
  function_finish(context, built, LEDGER_OK, NULL);
}

static void builds_object_agg(sqlite3_context *context, sqlite3_value **values, bool is_jsonb) {
  struct arena *arena = function_arena(context);
  struct type key_type, type;
  bool is_first;
  ledger_error error;
  int rc = LEDGER_OK;
  sqlite3_str *built = builds_aggregate_builder(context, is_jsonb ? "{" : "{ ", &is_first);
  if (built == NULL || !function_type_named(context, values[1], &key_type) ||
      !function_type_named(context, values[3], &type))
    return;
  struct value key = function_argument(values[0]), value = function_argument(values[2]);
  if (key.kind == VALUE_NULL)
    rc = error_set(&error, LEDGER_INVALID_PARAMETER, "field name must not be null");
  if (!is_first) sqlite3_str_append(built, ", ", 2);
  if (rc == LEDGER_OK) rc = builds_append_key(built, &key_type, &key, &error);
  sqlite3_str_append(built, " : ", 3);
  if (rc == LEDGER_OK) rc = builds_append(built, &type, &value, is_jsonb, arena, &error);
  if (rc != LEDGER_OK) function_fail(context, &error);
}

static void builds_json_object_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_object_agg(context, values, false);
}

static void builds_jsonb_object_agg(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  builds_object_agg(context, values, true);
}

static void builds_json_object_agg_final(sqlite3_context *context) {
  sqlite3_str *built = builds_aggregate_take(context);
  if (built == NULL) return;
  sqlite3_str_append(built, " }", 2);
  function_finish(context, built, LEDGER_OK, NULL);
}

static void builds_jsonb_object_agg_final(sqlite3_context *context) {
  struct arena *arena = function_arena(context);
  ledger_error error;
  sqlite3_str *built = builds_aggregate_take(context);
  if (built == NULL) return;
  sqlite3_str_appendchar(built, 1, '}');
  builds_finish_jsonb(context, built, LEDGER_OK, arena, &error);
}

/* ---- the table. type: the name of a type, as format_type() prints it; an enum's own name, or
** text. */

static const struct function_row builds_rows[] = {
    {"pg_to_json", 2, FUNCTION_STRICT, builds_to_json, NULL},   /* x, type */
    {"pg_to_jsonb", 2, FUNCTION_STRICT, builds_to_jsonb, NULL}, /* x, type */
    {"pg_json_build_object", -1, 0, builds_json_pairs, NULL}, /* key type, key, type, value, ... */
    {"pg_jsonb_build_object", -1, 0, builds_jsonb_pairs,
     NULL}, /* key type, key, type, value, ... */
    {"pg_json_build_object_noargs", 0, 0, builds_json_pairs, NULL},
    {"pg_jsonb_build_object_noargs", 0, 0, builds_jsonb_pairs, NULL},
    {"pg_json_build_array_noargs", 0, 0, builds_json_list, NULL},
    {"pg_jsonb_build_array_noargs", 0, 0, builds_jsonb_list, NULL},
    {"pg_json_build_array", -1, 0, builds_json_list, NULL},   /* type, value, ... */
    {"pg_jsonb_build_array", -1, 0, builds_jsonb_list, NULL}, /* type, value, ... */
    {"pg_json_agg", 2, FUNCTION_AGGREGATE, builds_json_agg, builds_agg_final},   /* x, type */
    {"pg_jsonb_agg", 2, FUNCTION_AGGREGATE, builds_jsonb_agg, builds_agg_final}, /* x, type */
    {"pg_json_object_agg", 4, FUNCTION_AGGREGATE, builds_json_object_agg,
     builds_json_object_agg_final}, /* key, key type, value, type */
    {"pg_jsonb_object_agg", 4, FUNCTION_AGGREGATE, builds_jsonb_object_agg,
     builds_jsonb_object_agg_final}, /* key, key type, value, type */
    {"pg_json_object", 1, FUNCTION_STRICT, builds_json_object, NULL},           /* text[] */
    {"pg_jsonb_object", 1, FUNCTION_STRICT, builds_jsonb_object, NULL},         /* text[] */
    {"pg_json_object_two_arg", 2, FUNCTION_STRICT, builds_json_object, NULL},   /* text[], text[] */
    {"pg_jsonb_object_two_arg", 2, FUNCTION_STRICT, builds_jsonb_object, NULL}, /* text[], text[] */
};

LEDGER_PRIVATE int function_build_register(sqlite3 *db, struct function_session *session) {
  return function_register(db, session, builds_rows, sizeof builds_rows / sizeof builds_rows[0]);
}
