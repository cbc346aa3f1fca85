/*
** jsonb.c: jsonb's input function, its order, and the operators that change or search a document's
** tree. What reads a single value out of the text is in document.c.
*/
#include "../internal.h"

/* ---- input */

/* Are the escapes of a string those that jsonb_out() writes? */
static bool jsonb_escapes_are_canonical(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '\\') continue;
    i++; /* the scanner has checked that there is a whole escape */
    if (memchr("\"\\bfnrt", text[i], 7) != NULL) continue;
    if (text[i] != 'u' || text[i + 1] != '0' || text[i + 2] != '0') return false;
    char high = text[i + 3], low = text[i + 4];
    if (high != '0' && high != '1') return false;
    if (!((low >= '0' && low <= '9') || (low >= 'a' && low <= 'f'))) return false;
    if (high == '0' && memchr("089acd", low, 6) != NULL)
      return false; /* NUL, and those with a letter of their own */
    i += 4;
  }
  return true;
}

/*
** Is the text what jsonb_out() would print? Keys with escapes count as not: their order is that of
** the decoded bytes. false also for what is no document; the caller's next step finds out.
*/
static bool jsonb_is_canonical(const char *text, size_t length) {
  struct json json;
  struct {
    const char *text;
    size_t length;
  } key[LEDGER_JSON_DEPTH_MAX]; /* the last key of each open object */
  enum json_token token, before = JSON_END;
  size_t end = 0; /* of the token before */
  json_start(&json, text, length);
  while ((token = json_next(&json)) != JSON_END) {
    const char *expected = "";
    if (token == JSON_ERROR) return false;
    if (before == JSON_KEY)
      expected = ": ";
    else if (before != JSON_END && before != JSON_OBJECT && before != JSON_ARRAY &&
             token != JSON_OBJECT_END && token != JSON_ARRAY_END)
      expected = ", ";
    size_t gap = strlen(expected);
    if (json.token_start - end != gap || memcmp(text + end, expected, gap) != 0) return false;
    if (token == JSON_OBJECT) key[json.depth - 1].text = NULL;
    if (token == JSON_NUMBER && !document_is_canonical_number(json.token, json.token_length))
      return false;
    if (token == JSON_STRING && json.token_escaped &&
        !jsonb_escapes_are_canonical(json.token, json.token_length))
      return false;
    if (token == JSON_KEY) {
      int top = json.depth - 1;
      if (json.token_escaped) return false;
      if (key[top].text != NULL &&
          document_compare_keys(key[top].text, key[top].length, json.token, json.token_length) >= 0)
        return false;
      key[top].text = json.token;
      key[top].length = json.token_length;
    }
    before = token;
    end = json.position;
  }
  return end == length;
}

LEDGER_PRIVATE int jsonb_input(const struct type *type, const char *text, size_t length,
                               struct arena *arena, struct value *out, ledger_error *error) {
  struct document *document;
  sqlite3_str *printed;
  int rc;
  (void)type;
  *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
  if (jsonb_is_canonical(text, length)) return LEDGER_OK;
  rc = document_parse(arena, text, length, &document, error);
  if (rc != LEDGER_OK) return rc;
  printed = sqlite3_str_new(NULL);
  rc = document_print(document, false, printed, error);
  if (rc == LEDGER_OK) {
    if (sqlite3_str_errcode(printed) == SQLITE_OK) {
      out->length = (size_t)sqlite3_str_length(printed);
      out->text = arena_copy(arena, sqlite3_str_value(printed), out->length);
    }
    if (sqlite3_str_errcode(printed) != SQLITE_OK || out->text == NULL) rc = error_memory(error);
  }
  sqlite3_free(sqlite3_str_finish(printed));
  return rc;
}

LEDGER_PRIVATE int jsonb_output(const struct type *type, const struct value *stored,
                                sqlite3_str *out, ledger_error *error) {
  struct arena arena = {0};
  struct value value = *stored;
  int rc = LEDGER_CORRUPT;
  if (stored->kind == VALUE_TEXT && stored->length <= LEDGER_TEXT_MAX &&
      text_is_valid_utf8(stored->text, stored->length))
    rc = jsonb_input(type, stored->text, stored->length, &arena, &value, error);
  if (rc == LEDGER_OK)
    sqlite3_str_append(out, value.text, (int)value.length);
  else if (rc != LEDGER_MEMORY)
    rc = error_set(error, LEDGER_CORRUPT, "stored value is not of type jsonb");
  arena_free(&arena);
  return rc;
}

/* ---- order */

/* Elements or pairs of the container that was just opened; a copy of the scanner walks ahead. */
static int64_t jsonb_count(struct json json) {
  int64_t count = 0;
  enum json_token token;
  while ((token = json_next(&json)) != JSON_OBJECT_END && token != JSON_ARRAY_END &&
         token != JSON_ERROR) {
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, NULL)) break;
    if (token != JSON_KEY) count++;
  }
  return count;
}

static int jsonb_rank(enum json_token token) {
  switch (token) {
  case JSON_NULL: return 1;
  case JSON_KEY:
  case JSON_STRING: return 2;
  case JSON_NUMBER: return 3;
  case JSON_TRUE:
  case JSON_FALSE: return 4;
  case JSON_ARRAY: return 5;
  case JSON_OBJECT: return 6;
  case JSON_ERROR: return 7; /* what goes wrong sorts behind what goes on */
  default: return 0;         /* ends; both documents have them at the same place */
  }
}

static int jsonb_sign(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

static int jsonb_compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t shorter = a_length < b_length ? a_length : b_length;
  int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
  return order != 0 ? order : jsonb_sign((int64_t)a_length, (int64_t)b_length);
}

LEDGER_PRIVATE int jsonb_compare(const char *a, size_t a_length, const char *b, size_t b_length) {
  struct json left, right;
  int order = 0;
  bool is_top = true;
  if (a_length == b_length && memcmp(a, b, a_length) == 0) return 0;
  json_start(&left, a, a_length);
  json_start(&right, b, b_length);
  while (order == 0) {
    enum json_token x = json_next(&left), y = json_next(&right);
    int x_rank = jsonb_rank(x), y_rank = jsonb_rank(y);
    if (x == JSON_END && y == JSON_END) return 0;
    if (x == JSON_ERROR && y == JSON_ERROR) return jsonb_compare_bytes(a, a_length, b, b_length);
    if (x_rank != y_rank) {
      order = jsonb_sign(x_rank, y_rank);
      /* A scalar document is stored as an array of one, which counts before the kind does: []
      ** sorts first of all. */
      if (is_top && x == JSON_ARRAY && y_rank < x_rank && jsonb_count(left) == 0) order = -1;
      if (is_top && y == JSON_ARRAY && x_rank < y_rank && jsonb_count(right) == 0) order = 1;
    } else if (x == JSON_OBJECT || x == JSON_ARRAY) {
      order = jsonb_sign(jsonb_count(left), jsonb_count(right));
    } else if (x == JSON_STRING || x == JSON_KEY) {
      order = json_compare(&left, &right);
    } else if (x == JSON_NUMBER) {
      order = decimal_compare_text(left.token, left.token_length, right.token, right.token_length);
    } else {
      order = jsonb_sign(x == JSON_TRUE, y == JSON_TRUE);
    }
    is_top = false;
  }
  return order < 0 ? -1 : 1;
}

/* ---- operators */

LEDGER_PRIVATE const char *jsonb_typeof(enum json_token kind) {
  switch (kind) {
  case JSON_OBJECT: return "object";
  case JSON_ARRAY: return "array";
  case JSON_STRING: return "string";
  case JSON_NUMBER: return "number";
  case JSON_TRUE:
  case JSON_FALSE: return "boolean";
  default: return "null";
  }
}

static bool jsonb_is_container(const struct document *document) {
  return document->kind == JSON_OBJECT || document->kind == JSON_ARRAY;
}

static bool jsonb_scalars_equal(const struct document *a, const struct document *b) {
  if (a->kind != b->kind) return false;
  if (a->kind == JSON_STRING)
    return document_compare_keys(a->text, a->length, b->text, b->length) == 0;
  if (a->kind == JSON_NUMBER)
    return decimal_compare_text(a->text, a->length, b->text, b->length) == 0;
  return true;
}

static bool jsonb_contains_value(const struct document *whole, const struct document *part);

static bool jsonb_contains_members(const struct document *whole, const struct document *part) {
  const struct document *have = whole->first;
  for (const struct document *want = part->first; want != NULL;
       want = want->next) { /* both are in order */
    while (have != NULL &&
           document_compare_keys(have->key, have->key_length, want->key, want->key_length) < 0)
      have = have->next;
    if (have == NULL ||
        document_compare_keys(have->key, have->key_length, want->key, want->key_length) != 0)
      return false;
    if (!jsonb_contains_value(have, want)) return false;
  }
  return true;
}

static bool jsonb_contains_elements(const struct document *whole, const struct document *part) {
  for (const struct document *want = part->first; want != NULL; want = want->next) {
    const struct document *have = whole->first;
    while (have != NULL && !jsonb_contains_value(have, want)) have = have->next;
    if (have == NULL) return false;
  }
  return true;
}

/* Recursive; no deeper than LEDGER_JSON_DEPTH_MAX, since both come from document_parse(). */
static bool jsonb_contains_value(const struct document *whole, const struct document *part) {
  if (whole->kind != part->kind) return jsonb_scalars_equal(whole, part);
  if (whole->kind == JSON_OBJECT) return jsonb_contains_members(whole, part);
  if (whole->kind == JSON_ARRAY) return jsonb_contains_elements(whole, part);
  return jsonb_scalars_equal(whole, part);
}

LEDGER_PRIVATE bool jsonb_contains(const struct document *whole, const struct document *part) {
  if (whole->kind == JSON_ARRAY &&
      !jsonb_is_container(part)) { /* at the top an array also contains a bare scalar */
    struct document element = *part;
    element.next = NULL;
    struct document array = {.kind = JSON_ARRAY, .first = &element, .count = 1};
    return jsonb_contains_elements(whole, &array);
  }
  return jsonb_contains_value(whole, part);
}

/* Where the member with the key is linked in; *result NULL: nowhere. */
static struct document **jsonb_member(struct document *object, const char *key, size_t length) {
  struct document **link = &object->first;
  while (*link != NULL &&
         document_compare_keys((*link)->key, (*link)->key_length, key, length) != 0)
    link = &(*link)->next;
  return link;
}

static bool jsonb_is_string(const struct document *value, const char *text, size_t length) {
  return value->kind == JSON_STRING &&
         document_compare_keys(value->text, value->length, text, length) == 0;
}

LEDGER_PRIVATE bool jsonb_exists(const struct document *document, const char *key, size_t length) {
  if (!jsonb_is_container(document)) return jsonb_is_string(document, key, length);
  for (const struct document *item = document->first; item != NULL; item = item->next) {
    if (document->kind == JSON_ARRAY && jsonb_is_string(item, key, length)) return true;
    if (document->kind == JSON_OBJECT &&
        document_compare_keys(item->key, item->key_length, key, length) == 0)
      return true;
  }
  return false;
}

static void jsonb_append(struct document *container, struct document *items, size_t count) {
  struct document **tail = &container->first;
  while (*tail != NULL) tail = &(*tail)->next;
  *tail = items;
  container->count += count;
}

/* The operand as an array: what is none becomes the one element of one. NULL: memory. */
static struct document *jsonb_as_array(struct document *document, struct arena *arena) {
  struct document *array;
  if (document->kind == JSON_ARRAY) return document;
  array = arena_alloc(arena, sizeof *array);
  if (array == NULL) return NULL;
  document->next = NULL;
  *array = (struct document){.kind = JSON_ARRAY, .first = document, .count = 1};
  return array;
}

LEDGER_PRIVATE struct document *jsonb_concat(struct document *left, struct document *right,
                                             struct arena *arena) {
  bool are_objects = left->kind == JSON_OBJECT && right->kind == JSON_OBJECT;
  if (!are_objects) {
    left = jsonb_as_array(left, arena);
    right = jsonb_as_array(right, arena);
    if (left == NULL || right == NULL) return NULL;
  }
  jsonb_append(left, right->first, right->count);
  if (are_objects)
    document_sort(left); /* of two members with one key the later, from the right, stays */
  return left;
}

LEDGER_PRIVATE int jsonb_delete(struct document *document, const char *key, size_t length,
                                ledger_error *error) {
  if (!jsonb_is_container(document))
    return error_set(error, LEDGER_INVALID_PARAMETER, "cannot delete from scalar");
  for (struct document **link = &document->first; *link != NULL;) {
    struct document *item = *link;
    bool is_hit = document->kind == JSON_OBJECT
                      ? document_compare_keys(item->key, item->key_length, key, length) == 0
                      : jsonb_is_string(item, key, length);
    if (is_hit) {
      *link = item->next;
      document->count--;
    } else {
      link = &item->next;
    }
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int jsonb_delete_index(struct document *document, int64_t index,
                                      ledger_error *error) {
  struct document **link = &document->first;
  if (!jsonb_is_container(document))
    return error_set(error, LEDGER_INVALID_PARAMETER, "cannot delete from scalar");
  if (document->kind == JSON_OBJECT)
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     "cannot delete from object using integer index");
  if (index < 0) index += (int64_t)document->count;
  if (index < 0 || index >= (int64_t)document->count) return LEDGER_OK;
  while (index-- > 0) link = &(*link)->next;
  *link = (*link)->next;
  document->count--;
  return LEDGER_OK;
}

LEDGER_PRIVATE void jsonb_strip_nulls(struct document *document) {
  for (struct document **link = &document->first; *link != NULL;) {
    struct document *item = *link;
    if (document->kind == JSON_OBJECT && item->kind == JSON_NULL) {
      *link = item->next;
      document->count--;
    } else {
      if (jsonb_is_container(item))
        jsonb_strip_nulls(item); /* as deep as the document, which is bounded */
      link = &item->next;
    }
  }
}

/* ---- editing at a path */

/* Where a path ends: a link in its container, and whether a value is there already. */
struct jsonb_place {
  struct document *container;
  struct document **link; /* *link is the value, or what stands behind the new one */
  bool is_found;
};

static int jsonb_find_element(struct document *array, const struct value *step, size_t level,
                              struct jsonb_place *place, ledger_error *error) {
  int64_t index, count = (int64_t)array->count;
  if (!document_index(step->text, step->length, &index))
    return error_set(error, LEDGER_INVALID_TEXT,
                     "path element at position %d is not an integer: \"%.*s\"", (int)level + 1,
                     (int)step->length, step->text);
  if (index < 0) index = -index > count ? -1 : count + index;
  place->is_found = index >= 0 && index < count;
  place->link = &array->first; /* far to the left is before the first */
  for (; index > 0 && *place->link != NULL; index--) place->link = &(*place->link)->next;
  return LEDGER_OK;
}

static int jsonb_find_place(struct document *document, const struct value *path, size_t steps,
                            struct jsonb_place *place, ledger_error *error) {
  struct document *container = document;
  for (size_t level = 0; level < steps; level++) {
    const struct value *step = &path[level];
    place->container = container;
    place->is_found = false;
    if (step->kind == VALUE_NULL)
      return error_set(error, LEDGER_NULL_NOT_ALLOWED, "path element at position %d is null",
                       (int)level + 1);
    if (!jsonb_is_container(container)) {
      place->container = NULL;
      return LEDGER_OK;
    }
    if (container->kind == JSON_OBJECT) {
      place->link = jsonb_member(container, step->text, step->length);
      place->is_found = *place->link != NULL;
    } else {
      int rc = jsonb_find_element(container, step, level, place, error);
      if (rc != LEDGER_OK) return rc;
    }
    if (level + 1 == steps) return LEDGER_OK;
    if (!place->is_found) {
      place->container = NULL;
      return LEDGER_OK;
    }
    container = *place->link;
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int jsonb_edit(struct document *document, const struct value *path, size_t steps,
                              enum jsonb_edit edit, const struct document *given,
                              struct arena *arena, ledger_error *error) {
  struct jsonb_place place = {0};
  struct document *fresh = NULL;
  bool is_insert = edit == JSONB_INSERT_BEFORE || edit == JSONB_INSERT_AFTER;
  int rc;
  if (!jsonb_is_container(document))
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     edit == JSONB_DELETE ? "cannot delete path in scalar"
                                          : "cannot set path in scalar");
  if (steps == 0 || (document->count == 0 && (edit == JSONB_DELETE || edit == JSONB_REPLACE)))
    return LEDGER_OK;
  rc = jsonb_find_place(document, path, steps, &place, error);
  if (rc != LEDGER_OK || place.container == NULL) return rc;
  if (!place.is_found && (edit == JSONB_DELETE || edit == JSONB_REPLACE)) return LEDGER_OK;
  if (place.is_found && is_insert && place.container->kind == JSON_OBJECT) {
    error_set(error, LEDGER_INVALID_PARAMETER, "cannot replace existing key");
    error_hint(error, "Try using the function jsonb_set to replace key value.");
    return LEDGER_INVALID_PARAMETER;
  }
  if (place.is_found && edit == JSONB_INSERT_AFTER) place.link = &(*place.link)->next;
  if (place.is_found && !is_insert) { /* the value that was there goes */
    *place.link = (*place.link)->next;
    place.container->count--;
  }
  if (edit == JSONB_DELETE) return LEDGER_OK;
  fresh = arena_alloc(arena, sizeof *fresh);
  if (fresh == NULL) return error_memory(error);
  *fresh = *given;
  fresh->key = path[steps - 1].text;
  fresh->key_length = path[steps - 1].length;
  fresh->next = *place.link;
  *place.link = fresh;
  place.container->count++;
  if (place.container->kind == JSON_OBJECT) document_sort(place.container);
  return LEDGER_OK;
}
