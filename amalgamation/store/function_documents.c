/*
** function_documents.c: the SQL functions that read and change json and jsonb; function_build.c has
** those that make them. The table at the end is the list. Paths and lists of keys are text[] in
** their stored form; a variadic call of PostgreSQL's is given one such array.
*/
#include "../internal.h"

/* ---- reading arguments */

static bool documents_read(sqlite3_context *context, sqlite3_value *value, struct arena *arena,
                           struct document **out) {
  struct value text = function_text(value);
  ledger_error error;
  if (document_parse(arena, text.text, text.length, out, &error) == LEDGER_OK) return true;
  function_fail(context, &error);
  return false;
}

/* A text[]. */
static bool documents_read_keys(sqlite3_context *context, sqlite3_value *value, struct arena *arena,
                                struct array *out) {
  static const struct type element = {.id = TYPE_TEXT, .length = -1};
  struct value text = function_text(value);
  ledger_error error;
  if (array_read(&element, text.text, text.length, arena, out, &error) == LEDGER_OK) return true;
  function_fail(context, &error);
  return false;
}

static void documents_result(sqlite3_context *context, const struct document *document,
                             bool is_pretty) {
  sqlite3_str *built = sqlite3_str_new(NULL);
  ledger_error error;
  int rc = document_print(document, is_pretty, built, &error);
  function_finish(context, built, rc, &error);
}

/* ---- -> ->> #> #>> */

static void documents_slice(sqlite3_context *context, int rc, const struct document_slice *slice,
                            bool is_text, struct arena *arena, ledger_error *error) {
  struct value value = {.kind = VALUE_NULL};
  if (rc == LEDGER_OK && is_text) {
    rc = document_slice_text(slice, arena, &value, error);
  } else if (rc == LEDGER_OK && slice->kind != JSON_END) {
    value = (struct value){.kind = VALUE_TEXT, .text = slice->text, .length = slice->length};
  }
  if (rc == LEDGER_OK)
    function_result(context, &value);
  else
    function_fail(context, error);
}

static void documents_field(sqlite3_context *context, sqlite3_value **values, bool is_jsonb,
                            bool is_text) {
  struct arena *arena = function_arena(context);
  struct document_slice slice;
  ledger_error error;
  if (function_has_null(2, values)) return;
  struct value text = function_text(values[0]), key = function_text(values[1]);
  int rc =
      document_field(text.text, text.length, key.text, key.length, is_jsonb, arena, &slice, &error);
  documents_slice(context, rc, &slice, is_text, arena, &error);
}

static void documents_element(sqlite3_context *context, sqlite3_value **values, bool is_jsonb,
                              bool is_text) {
  struct arena *arena = function_arena(context);
  struct document_slice slice;
  ledger_error error;
  if (function_has_null(2, values)) return;
  struct value text = function_text(values[0]);
  int rc = document_element(text.text, text.length, sqlite3_value_int64(values[1]), is_jsonb,
                            &slice, &error);
  documents_slice(context, rc, &slice, is_text, arena, &error);
}

static void documents_path(sqlite3_context *context, sqlite3_value **values, bool is_jsonb,
                           bool is_text) {
  struct arena *arena = function_arena(context);
  struct document_slice slice = {.kind = JSON_END};
  struct array path;
  ledger_error error;
  int rc;
  if (function_has_null(2, values) || !documents_read_keys(context, values[1], arena, &path))
    return;
  struct value text = function_text(values[0]);
  rc = document_whole(text.text, text.length, &slice, &error);
  for (size_t i = 0; i < path.count && rc == LEDGER_OK && slice.kind != JSON_END; i++) {
    const struct value *step = &path.values[i];
    struct document_slice within = slice;
    int64_t index;
    slice.kind = JSON_END;
    if (step->kind == VALUE_NULL) break;
    if (within.kind == JSON_OBJECT)
      rc = document_field(within.text, within.length, step->text, step->length, is_jsonb, arena,
                          &slice, &error);
    else if (within.kind == JSON_ARRAY && document_index(step->text, step->length, &index))
      rc = document_element(within.text, within.length, index, is_jsonb, &slice, &error);
  }
  documents_slice(context, rc, &slice, is_text, arena, &error);
}

#define DOCUMENTS_GETTERS(name, reader)                                                            \
  static void documents_json_##name(sqlite3_context *context, int count, sqlite3_value **values) { \
    (void)count;                                                                                   \
    reader(context, values, false, false);                                                         \
  }                                                                                                \
  static void documents_json_##name##_text(sqlite3_context *context, int count,                    \
                                           sqlite3_value **values) {                               \
    (void)count;                                                                                   \
    reader(context, values, false, true);                                                          \
  }                                                                                                \
  static void documents_jsonb_##name(sqlite3_context *context, int count,                          \
                                     sqlite3_value **values) {                                     \
    (void)count;                                                                                   \
    reader(context, values, true, false);                                                          \
  }                                                                                                \
  static void documents_jsonb_##name##_text(sqlite3_context *context, int count,                   \
                                            sqlite3_value **values) {                              \
    (void)count;                                                                                   \
    reader(context, values, true, true);                                                           \
  }
DOCUMENTS_GETTERS(field, documents_field)
DOCUMENTS_GETTERS(element, documents_element)
DOCUMENTS_GETTERS(path, documents_path)
#undef DOCUMENTS_GETTERS

/* ---- questions */

static void documents_contains_in(sqlite3_context *context, sqlite3_value *whole_value,
                                  sqlite3_value *part_value) {
  struct arena *arena = function_arena(context);
  struct document *whole, *part;
  sqlite3_value *values[2] = {whole_value, part_value};
  if (function_has_null(2, values) || !documents_read(context, whole_value, arena, &whole) ||
      !documents_read(context, part_value, arena, &part))
    return;
  sqlite3_result_int(context, jsonb_contains(whole, part));
}

static void documents_contains(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  documents_contains_in(context, values[0], values[1]);
}

static void documents_contained(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  documents_contains_in(context, values[1], values[0]);
}

static void documents_exists(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document))
    return;
  struct value key = function_text(values[1]);
  sqlite3_result_int(context, jsonb_exists(document, key.text, key.length));
}

/* ?| asks for one hit, ?& for no miss; a NULL among the keys is neither. */
static void documents_exists_among(sqlite3_context *context, sqlite3_value **values,
                                   bool is_hit_decisive) {
  struct arena *arena = function_arena(context);
  struct document *document;
  struct array keys;
  bool is_decided = false;
  if (function_has_null(2, values) || !documents_read(context, values[0], arena, &document) ||
      !documents_read_keys(context, values[1], arena, &keys))
    return;
  for (size_t i = 0; i < keys.count && !is_decided; i++) {
    const struct value *key = &keys.values[i];
    if (key->kind != VALUE_NULL)
      is_decided = jsonb_exists(document, key->text, key->length) == is_hit_decisive;
  }
  sqlite3_result_int(context, is_decided == is_hit_decisive);
}

static void documents_exists_any(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  documents_exists_among(context, values, true);
}

static void documents_exists_all(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  documents_exists_among(context, values, false);
}

static void documents_typeof(sqlite3_context *context, int count, sqlite3_value **values) {
  struct document_slice slice;
  ledger_error error;
  if (function_has_null(count, values)) return;
  struct value text = function_text(values[0]);
  if (document_whole(text.text, text.length, &slice, &error) != LEDGER_OK)
    function_fail(context, &error);
  else
    sqlite3_result_text(context, jsonb_typeof(slice.kind), -1, SQLITE_STATIC);
}

static void documents_array_length(sqlite3_context *context, int count, sqlite3_value **values) {
  enum json_token kind;
  int64_t length;
  ledger_error error;
  if (function_has_null(count, values)) return;
  struct value text = function_text(values[0]);
  if (document_array_length(text.text, text.length, &length, &kind, &error) != LEDGER_OK)
    function_fail(context, &error);
  else if (kind == JSON_ARRAY)
    sqlite3_result_int64(context, length);
  else if (kind == JSON_OBJECT)
    function_refuse(context, LEDGER_INVALID_PARAMETER, "cannot get array length of a non-array");
  else
    function_refuse(context, LEDGER_INVALID_PARAMETER, "cannot get array length of a scalar");
}

/* ---- changing a document */

static void documents_concat(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *left, *right, *both;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &left) ||
      !documents_read(context, values[1], arena, &right))
    return;
  both = jsonb_concat(left, right, arena);
  if (both == NULL)
    sqlite3_result_error_nomem(context);
  else
    documents_result(context, both, false);
}

static void documents_delete(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  ledger_error error;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document))
    return;
  struct value key = function_text(values[1]);
  if (jsonb_delete(document, key.text, key.length, &error) != LEDGER_OK)
    function_fail(context, &error);
  else
    documents_result(context, document, false);
}

static void documents_delete_array(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  struct array keys;
  ledger_error error;
  int rc = LEDGER_OK;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document) ||
      !documents_read_keys(context, values[1], arena, &keys))
    return;
  if (keys.dimensions > 1) {
    function_refuse(context, LEDGER_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
    return;
  }
  if (document->kind != JSON_OBJECT &&
      document->kind != JSON_ARRAY) /* refused also when there is nothing to delete */
    rc = jsonb_delete(document, "", 0, &error);
  for (size_t i = 0; i < keys.count && rc == LEDGER_OK; i++) {
    const struct value *key = &keys.values[i];
    if (key->kind != VALUE_NULL) rc = jsonb_delete(document, key->text, key->length, &error);
  }
  if (rc != LEDGER_OK)
    function_fail(context, &error);
  else
    documents_result(context, document, false);
}

static void documents_delete_index(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  ledger_error error;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document))
    return;
  if (jsonb_delete_index(document, sqlite3_value_int64(values[1]), &error) != LEDGER_OK)
    function_fail(context, &error);
  else
    documents_result(context, document, false);
}

/* values: document, path, and, unless the edit is a deletion, the new value, JSON's null for
** NULL. */
static void documents_edit(sqlite3_context *context, sqlite3_value **values, enum jsonb_edit edit) {
  struct arena *arena = function_arena(context);
  struct document *document, *given = NULL;
  struct array path;
  ledger_error error;
  if (!documents_read(context, values[0], arena, &document) ||
      !documents_read_keys(context, values[1], arena, &path))
    return;
  struct document null = {.kind = JSON_NULL};
  if (edit != JSONB_DELETE && sqlite3_value_type(values[2]) == SQLITE_NULL)
    given = &null;
  else if (edit != JSONB_DELETE && !documents_read(context, values[2], arena, &given))
    return;
  if (path.dimensions > 1) {
    error_set(&error, LEDGER_ARRAY_SUBSCRIPT, "wrong number of array subscripts");
    function_fail(context, &error);
    return;
  }
  if (jsonb_edit(document, path.values, path.count, edit, given, arena, &error) != LEDGER_OK)
    function_fail(context, &error);
  else
    documents_result(context, document, false);
}

static void documents_delete_path(sqlite3_context *context, int count, sqlite3_value **values) {
  if (!function_has_null(count, values)) documents_edit(context, values, JSONB_DELETE);
}

static void documents_set(sqlite3_context *context, int count, sqlite3_value **values) {
  bool may_create = count < 4 || sqlite3_value_int(values[3]) != 0;
  if (!function_has_null(count, values))
    documents_edit(context, values, may_create ? JSONB_CREATE : JSONB_REPLACE);
}

/* jsonb_set_lax(): what to do when the new value is NULL is the last argument. */
static void documents_set_lax(sqlite3_context *context, int count, sqlite3_value **values) {
  static const char *const treatments[] = {"raise_exception", "use_json_null", "delete_key",
                                           "return_target"};
  const char *treatment = "use_json_null";
  int chosen = 0;
  if (function_has_null(2, values) || (count > 3 && sqlite3_value_type(values[3]) == SQLITE_NULL))
    return;
  if (count > 4) treatment = function_text(values[4]).text;
  while (chosen < 4 && strcmp(treatments[chosen], treatment) != 0) chosen++;
  bool is_given = sqlite3_value_type(values[2]) != SQLITE_NULL;
  if (chosen == 4 && (!is_given || sqlite3_value_type(values[4]) == SQLITE_NULL)) {
    function_refuse(
        context, LEDGER_INVALID_PARAMETER,
        "null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or "
        "\"raise_exception\"");
  } else if (is_given) {
    documents_set(context, count > 4 ? 4 : count, values);
  } else if (chosen == 0) {
    function_refuse(context, LEDGER_NULL_NOT_ALLOWED, "JSON value must not be null");
  } else if (chosen == 2) {
    documents_edit(context, values, JSONB_DELETE);
  } else if (chosen == 3) {
    sqlite3_result_value(context, values[0]);
  } else {
    bool may_create = count < 4 || sqlite3_value_int(values[3]) != 0;
    documents_edit(context, values, may_create ? JSONB_CREATE : JSONB_REPLACE);
  }
}

static void documents_insert(sqlite3_context *context, int count, sqlite3_value **values) {
  bool is_after = count > 3 && sqlite3_value_int(values[3]) != 0;
  if (!function_has_null(count, values))
    documents_edit(context, values, is_after ? JSONB_INSERT_AFTER : JSONB_INSERT_BEFORE);
}

static void documents_strip_nulls(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document))
    return;
  jsonb_strip_nulls(document);
  documents_result(context, document, false);
}

/* Appends the scanner's token; its string decoded and quoted anew, as json_strip_nulls() does. */
static int documents_append_token(sqlite3_str *out, const struct json *json, enum json_token token,
                                  struct arena *arena, ledger_error *error) {
  const char *text;
  size_t length;
  int rc;
  if (token != JSON_STRING && token != JSON_KEY) {
    sqlite3_str_append(out, json->text + json->token_start,
                       (int)(json->position - json->token_start));
    return LEDGER_OK;
  }
  rc = json_decode(arena, json, &text, &length, error);
  if (rc == LEDGER_OK) json_quote(out, text, length);
  if (token == JSON_KEY) sqlite3_str_appendchar(out, 1, ':');
  return rc;
}

/* json keeps the order of its members, and their duplicates: it is copied token by token. */
static void documents_json_strip_nulls(sqlite3_context *context, int count,
                                       sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct json json;
  ledger_error error;
  enum json_token token;
  bool is_first = true;
  int rc = LEDGER_OK;
  if (function_has_null(count, values)) return;
  struct value text = function_text(values[0]);
  sqlite3_str *built = sqlite3_str_new(NULL);
  json_start(&json, text.text, text.length);
  while (rc == LEDGER_OK && (token = json_next(&json)) != JSON_END && token != JSON_ERROR) {
    if (token == JSON_KEY) {
      struct json ahead = json;
      if (json_next(&ahead) == JSON_NULL) {
        json = ahead;
        continue;
      }
    }
    bool is_end = token == JSON_OBJECT_END || token == JSON_ARRAY_END;
    if (!is_first && !is_end) sqlite3_str_appendchar(built, 1, ',');
    is_first = token == JSON_OBJECT || token == JSON_ARRAY || token == JSON_KEY;
    rc = documents_append_token(built, &json, token, arena, &error);
  }
  if (json.problem != NULL) rc = json_error(&json, &error);
  function_finish(context, built, rc, &error);
}

static void documents_pretty(sqlite3_context *context, int count, sqlite3_value **values) {
  struct arena *arena = function_arena(context);
  struct document *document;
  if (function_has_null(count, values) || !documents_read(context, values[0], arena, &document))
    return;
  documents_result(context, document, true);
}

/* ---- a scalar out of a jsonb */

static void documents_cast(sqlite3_context *context, sqlite3_value **values, enum type_id id,
                           const char *name) {
  struct arena *arena = function_arena(context);
  const struct type type = {.id = id, .length = -1};
  struct document_slice slice;
  struct value out;
  ledger_error error;
  if (function_has_null(1, values)) return;
  struct value text = function_text(values[0]);
  int rc = document_whole(text.text, text.length, &slice, &error);
  if (rc == LEDGER_OK && id == TYPE_BOOLEAN &&
      (slice.kind == JSON_TRUE || slice.kind == JSON_FALSE)) {
    sqlite3_result_int(context, slice.kind == JSON_TRUE);
    return;
  }
  if (rc == LEDGER_OK && (id == TYPE_BOOLEAN || slice.kind != JSON_NUMBER))
    rc = error_set(&error, LEDGER_INVALID_PARAMETER, "cannot cast jsonb %s to type %s",
                   slice.kind == JSON_NUMBER ? "numeric" : jsonb_typeof(slice.kind), name);
  if (rc == LEDGER_OK) {
    ledger_value number = {.kind = LEDGER_NUMBER, .text = slice.text, .length = slice.length};
    rc = type_assign(&type, &number, arena, &out, &error);
  }
  if (rc == LEDGER_OK)
    function_result(context, &out);
  else
    function_fail(context, &error);
}

#define DOCUMENTS_CAST(name, id, shown)                                                            \
  static void documents_to_##name(sqlite3_context *context, int count, sqlite3_value **values) {   \
    (void)count;                                                                                   \
    documents_cast(context, values, id, shown);                                                    \
  }
DOCUMENTS_CAST(bool, TYPE_BOOLEAN, "boolean")
DOCUMENTS_CAST(int2, TYPE_INT2, "smallint")
DOCUMENTS_CAST(int4, TYPE_INT4, "integer")
DOCUMENTS_CAST(int8, TYPE_INT8, "bigint")
DOCUMENTS_CAST(float4, TYPE_FLOAT4, "real")
DOCUMENTS_CAST(float8, TYPE_FLOAT8, "double precision")
DOCUMENTS_CAST(numeric, TYPE_NUMERIC, "numeric")
#undef DOCUMENTS_CAST

/* ---- the table */

static const struct function_row documents_rows[] = {
    {"pg_json_object_field", 2, FUNCTION_STRICT, documents_json_field, NULL},
    {"pg_json_object_field_text", 2, FUNCTION_STRICT, documents_json_field_text, NULL},
    {"pg_json_array_element", 2, FUNCTION_STRICT, documents_json_element, NULL},
    {"pg_json_array_element_text", 2, FUNCTION_STRICT, documents_json_element_text, NULL},
    {"pg_json_extract_path", 2, FUNCTION_STRICT, documents_json_path, NULL}, /* json, text[] */
    {"pg_json_extract_path_text", 2, FUNCTION_STRICT, documents_json_path_text,
     NULL}, /* json, text[] */
    {"pg_jsonb_object_field", 2, FUNCTION_STRICT, documents_jsonb_field, NULL},
    {"pg_jsonb_object_field_text", 2, FUNCTION_STRICT, documents_jsonb_field_text, NULL},
    {"pg_jsonb_array_element", 2, FUNCTION_STRICT, documents_jsonb_element, NULL},
    {"pg_jsonb_array_element_text", 2, FUNCTION_STRICT, documents_jsonb_element_text, NULL},
    {"pg_jsonb_extract_path", 2, FUNCTION_STRICT, documents_jsonb_path, NULL}, /* jsonb, text[] */
    {"pg_jsonb_extract_path_text", 2, FUNCTION_STRICT, documents_jsonb_path_text,
     NULL}, /* jsonb, text[] */
    {"pg_jsonb_contains", 2, FUNCTION_STRICT, documents_contains, NULL},
    {"pg_jsonb_contained", 2, FUNCTION_STRICT, documents_contained, NULL},
    {"pg_jsonb_exists", 2, FUNCTION_STRICT, documents_exists, NULL},
    {"pg_jsonb_exists_any", 2, FUNCTION_STRICT, documents_exists_any, NULL}, /* jsonb, text[] */
    {"pg_jsonb_exists_all", 2, FUNCTION_STRICT, documents_exists_all, NULL}, /* jsonb, text[] */
    {"pg_json_typeof", 1, FUNCTION_STRICT, documents_typeof, NULL},
    {"pg_jsonb_typeof", 1, FUNCTION_STRICT, documents_typeof, NULL},
    {"pg_json_array_length", 1, FUNCTION_STRICT, documents_array_length, NULL},
    {"pg_jsonb_array_length", 1, FUNCTION_STRICT, documents_array_length, NULL},
    {"pg_jsonb_concat", 2, FUNCTION_STRICT, documents_concat, NULL},
    {"pg_jsonb_delete", 2, FUNCTION_STRICT, documents_delete, NULL},
    {"pg_jsonb_delete_array", 2, FUNCTION_STRICT, documents_delete_array, NULL}, /* jsonb, text[] */
    {"pg_jsonb_delete_idx", 2, FUNCTION_STRICT, documents_delete_index, NULL},
    {"pg_jsonb_delete_path", 2, FUNCTION_STRICT, documents_delete_path, NULL}, /* jsonb, text[] */
    {"pg_jsonb_set", 3, FUNCTION_STRICT, documents_set, NULL},
    {"pg_jsonb_set", 4, FUNCTION_STRICT, documents_set, NULL},
    {"pg_jsonb_set_lax", 3, 0, documents_set_lax, NULL},
    {"pg_jsonb_set_lax", 4, 0, documents_set_lax, NULL},
    {"pg_jsonb_set_lax", 5, 0, documents_set_lax, NULL},
    {"pg_jsonb_insert", 3, FUNCTION_STRICT, documents_insert, NULL},
    {"pg_jsonb_insert", 4, FUNCTION_STRICT, documents_insert, NULL},
    {"pg_json_strip_nulls", 1, FUNCTION_STRICT, documents_json_strip_nulls, NULL},
    {"pg_jsonb_strip_nulls", 1, FUNCTION_STRICT, documents_strip_nulls, NULL},
    {"pg_jsonb_pretty", 1, FUNCTION_STRICT, documents_pretty, NULL},
    {"pg_jsonb_bool", 1, FUNCTION_STRICT, documents_to_bool, NULL},
    {"pg_jsonb_int2", 1, FUNCTION_STRICT, documents_to_int2, NULL},
    {"pg_jsonb_int4", 1, FUNCTION_STRICT, documents_to_int4, NULL},
    {"pg_jsonb_int8", 1, FUNCTION_STRICT, documents_to_int8, NULL},
    {"pg_jsonb_float4", 1, FUNCTION_STRICT, documents_to_float4, NULL},
    {"pg_jsonb_float8", 1, FUNCTION_STRICT, documents_to_float8, NULL},
    {"pg_jsonb_numeric", 1, FUNCTION_STRICT, documents_to_numeric, NULL},
};

static int documents_collate(void *unused, int a_length, const void *a, int b_length,
                             const void *b) {
  (void)unused;
  return jsonb_compare(a, (size_t)a_length, b, (size_t)b_length);
}

LEDGER_PRIVATE int function_documents_register(sqlite3 *db, struct function_session *session) {
  int rc = function_register(db, session, documents_rows,
                             sizeof documents_rows / sizeof documents_rows[0]);
  if (rc == SQLITE_OK) rc = function_build_register(db, session);
  if (rc == SQLITE_OK) rc = function_arrays_register(db, session);
  if (rc == SQLITE_OK) rc = function_slices_register(db, session);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_collation_v2(db, "pg_jsonb", SQLITE_UTF8, NULL, documents_collate, NULL);
  return rc;
}
