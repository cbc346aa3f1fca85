/*
** document.c: a JSON document as a tree, and values cut out of a document's text without one. Owns
** the input function of json, the order of an object's keys, and how documents are printed. Depth
** is bounded by LEDGER_JSON_DEPTH_MAX.
*/
#include "../internal.h"

#define DOCUMENT_PLAIN_DIGITS                                                                      \
  1000 /* numbers longer than this are checked against numeric's limits */

LEDGER_PRIVATE int json_input(const struct type *type, const char *text, size_t length,
                              struct arena *arena, struct value *out, ledger_error *error) {
  struct json json;
  enum json_token token;
  (void)type;
  (void)arena;
  json_start(&json, text, length);
  do token = json_next(&json);
  while (token != JSON_END && token != JSON_ERROR);
  if (token == JSON_ERROR) return json_error(&json, error);
  *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
  return LEDGER_OK;
}

/* ---- the tree */

LEDGER_PRIVATE bool document_is_canonical_number(const char *text, size_t length) {
  bool is_zero = true;
  if (length > DOCUMENT_PLAIN_DIGITS) return false;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == 'e' || text[i] == 'E') return false;
    if (text[i] >= '1' && text[i] <= '9') is_zero = false;
  }
  return !(is_zero && text[0] == '-');
}

/* The number as numeric_out() prints it. */
static int document_number(struct arena *arena, const char *text, size_t length,
                           struct document *out, ledger_error *error) {
  static const struct type numeric = {.id = TYPE_NUMERIC, .length = -1};
  struct value value;
  int rc;
  out->text = text;
  out->length = length;
  if (document_is_canonical_number(text, length)) return LEDGER_OK;
  rc = numeric_input(&numeric, text, length, arena, &value, error);
  if (rc != LEDGER_OK) return rc;
  out->text = value.text;
  out->length = value.length;
  return LEDGER_OK;
}

LEDGER_PRIVATE int document_compare_keys(const char *a, size_t a_length, const char *b,
                                         size_t b_length) {
  if (a_length != b_length) return a_length < b_length ? -1 : 1;
  return a_length == 0 ? 0 : memcmp(a, b, a_length);
}

static int document_compare_members(const struct document *a, const struct document *b) {
  return document_compare_keys(a->key, a->key_length, b->key, b->key_length);
}

/* Takes `run` members off *list and returns them as a list of their own. */
static struct document *document_take(struct document **list, size_t run) {
  struct document *taken = *list, **end = list;
  while (run > 0 && *end != NULL) {
    end = &(*end)->next;
    run--;
  }
  struct document *rest = *end;
  *end = NULL;
  *list = rest;
  return taken;
}

/* Appends the merged lists at *tail; equal keys keep their order. Returns the new tail. */
static struct document **document_merge(struct document *a, struct document *b,
                                        struct document **tail) {
  while (a != NULL && b != NULL) {
    struct document **smaller = document_compare_members(b, a) < 0 ? &b : &a;
    *tail = *smaller;
    *smaller = (*smaller)->next;
    tail = &(*tail)->next;
  }
  *tail = a != NULL ? a : b;
  while (*tail != NULL) tail = &(*tail)->next;
  return tail;
}

LEDGER_PRIVATE void document_sort(struct document *object) {
  bool is_sorted = true;
  for (const struct document *member = object->first;
       member != NULL && member->next != NULL && is_sorted;) {
    is_sorted = document_compare_members(member, member->next) < 0;
    member = member->next;
  }
  if (is_sorted) return;
  for (size_t run = 1; run < object->count; run *= 2) {
    struct document *rest = object->first, **tail = &object->first;
    while (rest != NULL) {
      struct document *a = document_take(&rest, run);
      struct document *b = document_take(&rest, run);
      tail = document_merge(a, b, tail);
    }
  }
  for (struct document **link = &object->first; *link != NULL;) {
    struct document *member = *link;
    if (member->next != NULL && document_compare_members(member, member->next) == 0) {
      *link = member->next;
      object->count--;
    } else {
      link = &member->next;
    }
  }
}

struct document_builder {
  struct arena *arena;
  struct json json;
  struct document *open[LEDGER_JSON_DEPTH_MAX];  /* the containers around the next value */
  struct document **tail[LEDGER_JSON_DEPTH_MAX]; /* where it is linked in */
};

/* Fills a value from the scanner's last token. */
static int document_fill(struct document_builder *builder, enum json_token token,
                         struct document *value, ledger_error *error) {
  struct json *json = &builder->json;
  value->kind = token;
  if (token == JSON_STRING)
    return json_decode(builder->arena, json, &value->text, &value->length, error);
  if (token == JSON_NUMBER)
    return document_number(builder->arena, json->token, json->token_length, value, error);
  return LEDGER_OK;
}

static int document_build(struct document_builder *builder, struct document **out,
                          ledger_error *error) {
  struct json *json = &builder->json;
  const char *key = NULL;
  size_t key_length = 0;
  int rc = LEDGER_OK;
  for (;;) {
    enum json_token token = json_next(json);
    switch (token) {
    case JSON_END: return LEDGER_OK;
    case JSON_ERROR: return json_error(json, error);
    case JSON_KEY: rc = json_decode(builder->arena, json, &key, &key_length, error); break;
    case JSON_OBJECT_END: document_sort(builder->open[json->depth]); break;
    case JSON_ARRAY_END: break;
    default: {
      struct document *value = arena_alloc(builder->arena, sizeof *value);
      if (value == NULL) return error_memory(error);
      *value = (struct document){.key = key, .key_length = key_length};
      rc = document_fill(builder, token, value, error);
      bool is_container = token == JSON_OBJECT || token == JSON_ARRAY;
      int depth = is_container ? json->depth - 1 : json->depth; /* of what contains the value */
      if (depth == 0) {
        *out = value;
      } else {
        *builder->tail[depth - 1] = value;
        builder->tail[depth - 1] = &value->next;
        builder->open[depth - 1]->count++;
      }
      if (is_container) {
        builder->open[depth] = value;
        builder->tail[depth] = &value->first;
      }
      break;
    }
    }
    if (rc != LEDGER_OK) return rc;
  }
}

LEDGER_PRIVATE int document_parse(struct arena *arena, const char *text, size_t length,
                                  struct document **out, ledger_error *error) {
  struct document_builder builder;
  builder.arena = arena;
  json_start(&builder.json, text, length);
  *out = NULL;
  return document_build(&builder, out, error);
}

/* ---- printing */

static void document_print_text(sqlite3_str *out, const char *text, size_t length) {
  sqlite3_str_append(out, text, (int)length); /* values are shorter than LEDGER_TEXT_MAX */
}

static void document_indent(sqlite3_str *out, bool is_pretty, int depth) {
  if (!is_pretty) return;
  sqlite3_str_appendchar(out, 1, '\n');
  sqlite3_str_appendchar(out, 4 * depth, ' ');
}

/* Prints a scalar, or the opening bracket of a container. */
static void document_print_head(sqlite3_str *out, const struct document *value) {
  switch (value->kind) {
  case JSON_OBJECT: sqlite3_str_appendchar(out, 1, '{'); break;
  case JSON_ARRAY: sqlite3_str_appendchar(out, 1, '['); break;
  case JSON_STRING: json_quote(out, value->text, value->length); break;
  case JSON_NUMBER: document_print_text(out, value->text, value->length); break;
  case JSON_TRUE: sqlite3_str_append(out, "true", 4); break;
  case JSON_FALSE: sqlite3_str_append(out, "false", 5); break;
  default: sqlite3_str_append(out, "null", 4); break;
  }
}

LEDGER_PRIVATE int document_print(const struct document *document, bool is_pretty, sqlite3_str *out,
                                  ledger_error *error) {
  const struct document *open[LEDGER_JSON_DEPTH_MAX];
  const struct document *value = document;
  int depth = 0;
  for (;;) {
    bool is_container = value->kind == JSON_OBJECT || value->kind == JSON_ARRAY;
    if (depth > 0) {
      const struct document *parent = open[depth - 1];
      if (value != parent->first) sqlite3_str_append(out, ", ", is_pretty ? 1 : 2);
      document_indent(out, is_pretty, depth);
      if (parent->kind == JSON_OBJECT) {
        json_quote(out, value->key, value->key_length);
        sqlite3_str_append(out, ": ", 2);
      }
    }
    document_print_head(out, value);
    if (is_container) {
      if (depth == LEDGER_JSON_DEPTH_MAX)
        return error_set(error, LEDGER_TOO_COMPLEX, "stack depth limit exceeded");
      open[depth++] = value;
      if (value->first != NULL) {
        value = value->first;
        continue;
      }
    }
    /* Up to the next value: close what ends here. */
    const struct document *next = is_container || depth == 0 ? NULL : value->next;
    while (next == NULL && depth > 0) {
      const struct document *closed = open[--depth];
      document_indent(out, is_pretty, depth);
      sqlite3_str_appendchar(out, 1, closed->kind == JSON_OBJECT ? '}' : ']');
      next = depth == 0 ? NULL : closed->next;
    }
    if (depth == 0) return LEDGER_OK;
    value = next;
  }
}

/* ---- values cut out of the text */

/* Reads the value whose first token is `token` to its end. */
static bool document_take_slice(struct json *json, enum json_token token,
                                struct document_slice *out) {
  size_t start = json->token_start;
  if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(json, NULL)) return false;
  out->kind = token;
  out->text = json->text + start;
  out->length = json->position - start;
  return true;
}

LEDGER_PRIVATE int document_whole(const char *text, size_t length, struct document_slice *out,
                                  ledger_error *error) {
  struct json json;
  enum json_token token;
  json_start(&json, text, length);
  token = json_next(&json);
  if (token == JSON_ERROR || !document_take_slice(&json, token, out))
    return json_error(&json, error);
  return LEDGER_OK;
}

LEDGER_PRIVATE int document_field(const char *text, size_t length, const char *key,
                                  size_t key_length, bool is_jsonb, struct arena *arena,
                                  struct document_slice *out, ledger_error *error) {
  struct json json;
  enum json_token token;
  out->kind = JSON_END;
  json_start(&json, text, length);
  if (json_next(&json) != JSON_OBJECT)
    return json.problem == NULL ? LEDGER_OK : json_error(&json, error);
  while ((token = json_next(&json)) == JSON_KEY) {
    const char *name;
    size_t name_length;
    struct document_slice slice;
    int rc = json_decode(arena, &json, &name, &name_length, error);
    if (rc != LEDGER_OK) return rc;
    token = json_next(&json);
    if (token == JSON_ERROR || !document_take_slice(&json, token, &slice)) break;
    if (document_compare_keys(name, name_length, key, key_length) == 0) {
      *out = slice; /* json may hold the key again: the last one counts */
      if (is_jsonb) return LEDGER_OK;
    }
  }
  return json.problem == NULL ? LEDGER_OK : json_error(&json, error);
}

LEDGER_PRIVATE int document_array_length(const char *text, size_t length, int64_t *count,
                                         enum json_token *kind, ledger_error *error) {
  struct json json;
  enum json_token token;
  struct document_slice slice;
  *count = 0;
  json_start(&json, text, length);
  *kind = json_next(&json);
  if (*kind == JSON_ARRAY) {
    while ((token = json_next(&json)) != JSON_ARRAY_END && token != JSON_ERROR) {
      if (!document_take_slice(&json, token, &slice)) break;
      ++*count;
    }
  }
  return json.problem == NULL ? LEDGER_OK : json_error(&json, error);
}

LEDGER_PRIVATE int document_element(const char *text, size_t length, int64_t index, bool is_jsonb,
                                    struct document_slice *out, ledger_error *error) {
  struct json json;
  enum json_token token, kind;
  int64_t count;
  struct document_slice slice;
  int rc = LEDGER_OK;
  out->kind = JSON_END;
  if (index < 0) {
    rc = document_array_length(text, length, &count, &kind, error);
    if (rc != LEDGER_OK) return rc;
    index += kind == JSON_ARRAY ? count : 1;
    if (index < 0) return LEDGER_OK;
  }
  json_start(&json, text, length);
  kind = json_next(&json);
  if (kind != JSON_ARRAY) {
    if (is_jsonb && index == 0 && kind != JSON_OBJECT && kind != JSON_ERROR)
      return document_whole(text, length, out, error);
    return json.problem == NULL ? LEDGER_OK : json_error(&json, error);
  }
  while ((token = json_next(&json)) != JSON_ARRAY_END && token != JSON_ERROR) {
    if (!document_take_slice(&json, token, &slice)) break;
    if (index-- == 0) {
      *out = slice;
      return LEDGER_OK;
    }
  }
  return json.problem == NULL ? LEDGER_OK : json_error(&json, error);
}

LEDGER_PRIVATE int document_slice_text(const struct document_slice *slice, struct arena *arena,
                                       struct value *out, ledger_error *error) {
  struct json json;
  *out = (struct value){.kind = VALUE_TEXT, .text = slice->text, .length = slice->length};
  if (slice->kind == JSON_END || slice->kind == JSON_NULL) out->kind = VALUE_NULL;
  if (slice->kind != JSON_STRING) return LEDGER_OK;
  json_start(&json, slice->text, slice->length);
  if (json_next(&json) == JSON_ERROR) return json_error(&json, error);
  return json_decode(arena, &json, &out->text, &out->length, error);
}

LEDGER_PRIVATE bool document_index(const char *text, size_t length, int64_t *index) {
  size_t i = 0;
  bool is_negative;
  while (i < length && text_is_space(text[i])) i++;
  is_negative = i < length && text[i] == '-';
  if (i < length && (text[i] == '-' || text[i] == '+')) i++;
  if (i == length) return false;
  for (*index = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    *index = *index * 10 + (text[i] - '0');
    if (*index > (int64_t)INT32_MAX + (is_negative ? 1 : 0)) return false;
  }
  if (is_negative) *index = -*index;
  return true;
}
