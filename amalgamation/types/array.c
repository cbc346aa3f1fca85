/*
** array.c: arrays of every type. Owns PostgreSQL's array literal, the stored form (documents.h),
** and the way between them. The stored form shows its elements as JSON does, so that it is read
** without knowing the element's type as far as printing goes.
*/
#include "../internal.h"

/* ---- the array literal: {a,"b c",NULL,{...}} */

enum array_token {
  ARRAY_START, /* before the first token */
  ARRAY_OPEN,
  ARRAY_CLOSE,
  ARRAY_ELEMENT,
  ARRAY_ELEMENT_COMMA, /* after an element: another one must follow */
  ARRAY_LEVEL_COMMA,   /* after a closing brace: an opening one must follow */
  ARRAY_DONE,
  ARRAY_BAD
};

struct array_literal {
  const char *text;
  size_t length;
  size_t position;
  enum array_token last;
  int depth;
  const char *element; /* of the last element: its content, trimmed and without quotes */
  size_t element_length;
  bool is_quoted;  /* it was in quotes or has a backslash, and so is not NULL */
  bool is_escaped; /* it has a backslash */
  int code;        /* after ARRAY_BAD */
};

static enum array_token array_bad(struct array_literal *literal, ledger_error *error,
                                  const char *detail) {
  literal->code = error_set(error, LEDGER_INVALID_TEXT, "malformed array literal: \"%.*s\"",
                            (int)literal->length, literal->text);
  error_detail(error, "%s", detail);
  return ARRAY_BAD;
}

static enum array_token array_unexpected(struct array_literal *literal, ledger_error *error,
                                         char c) {
  array_bad(literal, error, "");
  error_detail(error, "Unexpected \"%c\" character.", c);
  return ARRAY_BAD;
}

static int array_too_many_dimensions(ledger_error *error) {
  return error_set(error, LEDGER_PROGRAM_LIMIT,
                   "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                   ARRAY_DIMENSIONS_MAX + 1, ARRAY_DIMENSIONS_MAX);
}

/* Reads an element in quotes, whose first byte within is at position. */
static enum array_token array_read_quoted(struct array_literal *literal, ledger_error *error) {
  size_t i = literal->position;
  literal->element = literal->text + i;
  for (; i < literal->length && literal->text[i] != '"'; i++) {
    if (literal->text[i] != '\\') continue;
    literal->is_escaped = true;
    if (++i == literal->length) break;
  }
  if (i >= literal->length) return array_bad(literal, error, "Unexpected end of input.");
  literal->element_length = i - literal->position;
  literal->position = i + 1;
  return ARRAY_ELEMENT;
}

/* Reads an element without quotes: up to a comma or a brace, white space at its end left out. */
static enum array_token array_read_bare(struct array_literal *literal, ledger_error *error) {
  size_t i = literal->position, end = i;
  literal->element = literal->text + i;
  for (; i < literal->length; i++) {
    char c = literal->text[i];
    if (c == ',' || c == '}') break;
    if (c == '{') return array_unexpected(literal, error, c);
    if (c == '"') return array_bad(literal, error, "Unexpected array element.");
    if (c == '\\') {
      literal->is_quoted = literal->is_escaped = true;
      if (++i == literal->length) break;
      end = i + 1;
    } else if (!text_is_space(c)) {
      end = i + 1;
    }
  }
  if (i == literal->length) return array_bad(literal, error, "Unexpected end of input.");
  literal->element_length = end - literal->position;
  literal->position = i;
  return ARRAY_ELEMENT;
}

/* After the brace that closes the whole. */
static enum array_token array_read_end(struct array_literal *literal, ledger_error *error) {
  while (literal->position < literal->length) {
    if (!text_is_space(literal->text[literal->position++]))
      return array_bad(literal, error, "Junk after closing right brace.");
  }
  return ARRAY_DONE;
}

static enum array_token array_read_brace(struct array_literal *literal, char c,
                                         ledger_error *error) {
  enum array_token last = literal->last;
  bool is_ended = last == ARRAY_ELEMENT ||
                  last == ARRAY_CLOSE; /* something that a comma or a closing brace may follow */
  switch (c) {
  case '{':
    if (last != ARRAY_START && last != ARRAY_OPEN && last != ARRAY_LEVEL_COMMA)
      return array_unexpected(literal, error, c);
    if (literal->depth == ARRAY_DIMENSIONS_MAX) {
      literal->code = array_too_many_dimensions(error);
      return ARRAY_BAD;
    }
    literal->depth++;
    return ARRAY_OPEN;
  case '}':
    if (!is_ended && !(last == ARRAY_OPEN && literal->depth == 1))
      return array_unexpected(literal, error, c);
    literal->depth--;
    return ARRAY_CLOSE;
  default:
    if (!is_ended) return array_unexpected(literal, error, c);
    return last == ARRAY_ELEMENT ? ARRAY_ELEMENT_COMMA : ARRAY_LEVEL_COMMA;
  }
}

/* The next token; PostgreSQL 15's grammar, and its complaints. */
static enum array_token array_read_token(struct array_literal *literal, ledger_error *error) {
  bool may_be_element = literal->last == ARRAY_OPEN || literal->last == ARRAY_ELEMENT_COMMA;
  char c;
  if (literal->last == ARRAY_CLOSE && literal->depth == 0) return array_read_end(literal, error);
  while (literal->position < literal->length && text_is_space(literal->text[literal->position]))
    literal->position++;
  if (literal->position == literal->length)
    return array_bad(literal, error, "Unexpected end of input.");
  c = literal->text[literal->position];
  if (c == '{' || c == '}' || c == ',') {
    literal->last = array_read_brace(literal, c, error);
    literal->position++;
    return literal->last;
  }
  if (!may_be_element && c == '\\') return array_unexpected(literal, error, c);
  if (!may_be_element) return array_bad(literal, error, "Unexpected array element.");
  literal->is_quoted = c == '"';
  literal->is_escaped = false;
  if (c == '"') literal->position++;
  literal->last = c == '"' ? array_read_quoted(literal, error) : array_read_bare(literal, error);
  return literal->last;
}

/* ---- dimensions: all levels must be of one length, and all elements lie at one depth */

struct array_shape {
  struct array *array;
  int counts[ARRAY_DIMENSIONS_MAX]; /* of the levels that are open */
  int depth;
};

/* false: not rectangular. */
static bool array_shape_open(struct array_shape *shape) {
  struct array *array = shape->array;
  if (array->count > 0 && shape->depth >= array->dimensions)
    return false; /* a level where an element was */
  if (shape->depth > 0) shape->counts[shape->depth - 1]++;
  shape->counts[shape->depth++] = 0;
  return true;
}

static bool array_shape_element(struct array_shape *shape) {
  struct array *array = shape->array;
  if (array->count == 0) array->dimensions = shape->depth;
  if (array->dimensions != shape->depth) return false;
  shape->counts[shape->depth - 1]++;
  array->count++;
  return true;
}

static bool array_shape_close(struct array_shape *shape) {
  struct array *array = shape->array;
  int level = --shape->depth, count = shape->counts[level];
  if (count == 0) return level == 0; /* only the whole may be empty */
  if (array->lengths[level] == 0) array->lengths[level] = count;
  return array->lengths[level] == count;
}

/* Reads the braces of a literal for its dimensions. */
static int array_measure_literal(const struct array_literal *start, struct array *out,
                                 ledger_error *error) {
  struct array_literal literal = *start;
  struct array_shape shape = {.array = out};
  bool is_rectangular = true;
  *out = (struct array){0};
  for (;;) {
    switch (array_read_token(&literal, error)) {
    case ARRAY_OPEN: is_rectangular = array_shape_open(&shape) && is_rectangular; break;
    case ARRAY_CLOSE: is_rectangular = array_shape_close(&shape) && is_rectangular; break;
    case ARRAY_ELEMENT: is_rectangular = array_shape_element(&shape) && is_rectangular; break;
    case ARRAY_BAD: return literal.code;
    case ARRAY_DONE: return LEDGER_OK;
    default: break;
    }
    if (!is_rectangular) {
      array_bad(&literal, error,
                "Multidimensional arrays must have sub-arrays with matching dimensions.");
      return LEDGER_INVALID_TEXT;
    }
  }
}

/* Reads an integer as atoi() does, digits and signs in any order before `position`; *taken is
** false if there is none. */
static bool array_read_bound(struct array_literal *literal, int *bound) {
  size_t start = literal->position, i = start;
  int64_t value = 0;
  bool is_negative = i < literal->length && literal->text[i] == '-', is_number = true;
  for (; i < literal->length; i++) {
    char c = literal->text[i];
    if (c == '-' || c == '+') {
      if (i > start) is_number = false; /* what atoi() stops at */
    } else if (c < '0' || c > '9') {
      break;
    } else if (is_number) {
      value = value * 10 + (c - '0');
      if (value > INT_MAX) value = INT_MAX;
    }
  }
  literal->position = i;
  *bound = (int)(is_negative ? -value : value);
  return i > start;
}

static char array_peek(const struct array_literal *literal) {
  return literal->position < literal->length ? literal->text[literal->position] : '\0';
}

static void array_pass_spaces(struct array_literal *literal) {
  while (text_is_space(array_peek(literal))) literal->position++;
}

/* Reads "[l:u]..." and the sign of equation, if they are there, and moves the literal's text to
** its brace. */
static int array_read_bounds(struct array_literal *literal, struct array *stated,
                             ledger_error *error) {
  bool is_shifted = false;
  *stated = (struct array){0};
  for (array_pass_spaces(literal); array_peek(literal) == '['; array_pass_spaces(literal)) {
    int lower = 1, upper;
    if (stated->dimensions == ARRAY_DIMENSIONS_MAX) return array_too_many_dimensions(error);
    literal->position++;
    if (!array_read_bound(literal, &upper)) {
      array_bad(literal, error, "\"[\" must introduce explicitly-specified array dimensions.");
      return LEDGER_INVALID_TEXT;
    }
    if (array_peek(literal) == ':') {
      lower = upper;
      literal->position++;
      if (!array_read_bound(literal, &upper)) {
        array_bad(literal, error, "Missing array dimension value.");
        return LEDGER_INVALID_TEXT;
      }
    }
    if (array_peek(literal) != ']') {
      array_bad(literal, error, "Missing \"]\" after array dimensions.");
      return LEDGER_INVALID_TEXT;
    }
    literal->position++;
    if (upper < lower)
      return error_set(error, LEDGER_ARRAY_SUBSCRIPT,
                       "upper bound cannot be less than lower bound");
    is_shifted = is_shifted || lower != 1;
    int64_t extent = (int64_t)upper - lower + 1;
    stated->lengths[stated->dimensions++] = extent > INT_MAX ? INT_MAX : (int)extent;
  }
  if (stated->dimensions > 0) {
    if (array_peek(literal) != '=') {
      array_bad(literal, error, "Missing \"=\" after array dimensions.");
      return LEDGER_INVALID_TEXT;
    }
    literal->position++;
    array_pass_spaces(literal);
  }
  if (array_peek(literal) != '{') {
    array_bad(literal, error,
              stated->dimensions > 0
                  ? "Array contents must start with \"{\"."
                  : "Array value must start with \"{\" or dimension information.");
    return LEDGER_INVALID_TEXT;
  }
  if (is_shifted)
    return error_set(error, LEDGER_UNSUPPORTED,
                     "array lower bounds other than 1 are not supported");
  return LEDGER_OK;
}

/* The last element's text, its backslashes resolved. */
static int array_element_text(const struct array_literal *literal, struct arena *arena,
                              const char **text, size_t *length, ledger_error *error) {
  char *out;
  *text = literal->element;
  *length = literal->element_length;
  if (!literal->is_escaped) return LEDGER_OK;
  *text = out = arena_alloc(arena, literal->element_length + 1);
  if (out == NULL) return error_memory(error);
  for (size_t i = 0; i < literal->element_length; i++) {
    if (literal->element[i] == '\\') i++;
    *out++ = literal->element[i];
  }
  *length = (size_t)(out - *text);
  return LEDGER_OK;
}

static bool array_is_null_word(const char *text, size_t length) {
  return length == 4 && sqlite3_strnicmp(text, "null", 4) == 0;
}

/* Converts the elements and writes the stored form. */
static int array_convert(const struct type *element, struct array_literal *literal,
                         bool is_explicit, struct arena *arena, sqlite3_str *out,
                         ledger_error *error) {
  for (;;) {
    struct value value = {.kind = VALUE_NULL};
    const char *text;
    size_t length;
    int rc = LEDGER_OK;
    switch (array_read_token(literal, error)) {
    case ARRAY_OPEN: sqlite3_str_appendchar(out, 1, '['); break;
    case ARRAY_CLOSE: sqlite3_str_appendchar(out, 1, ']'); break;
    case ARRAY_ELEMENT_COMMA:
    case ARRAY_LEVEL_COMMA: sqlite3_str_appendchar(out, 1, ','); break;
    case ARRAY_ELEMENT:
      if (literal->is_quoted || !array_is_null_word(literal->element, literal->element_length)) {
        rc = array_element_text(literal, arena, &text, &length, error);
        if (rc == LEDGER_OK && is_explicit)
          rc = type_cast(element, text, length, arena, &value, error);
        else if (rc == LEDGER_OK)
          rc = type_input(element, text, length, arena, &value, error);
      }
      if (rc == LEDGER_OK) rc = array_print_element(element, &value, out, error);
      break;
    default: /* the end: array_measure_literal() has found nothing bad */ return LEDGER_OK;
    }
    if (rc != LEDGER_OK) return rc;
  }
}

/* Moves what was built into the arena as a text value, or reports that memory is short; frees
** the builder. */
static int array_finish(sqlite3_str *built, int rc, struct arena *arena, struct value *out,
                        ledger_error *error) {
  if (rc == LEDGER_OK && sqlite3_str_errcode(built) != SQLITE_OK) rc = error_memory(error);
  if (rc == LEDGER_OK) {
    *out = (struct value){.kind = VALUE_TEXT, .length = (size_t)sqlite3_str_length(built)};
    out->text = arena_copy(arena, sqlite3_str_value(built), out->length);
    if (out->text == NULL) rc = error_memory(error);
  }
  sqlite3_free(sqlite3_str_finish(built));
  return rc;
}

LEDGER_PRIVATE int array_input(const struct type *type, const char *text, size_t length,
                               bool is_explicit, struct arena *arena, struct value *out,
                               ledger_error *error) {
  struct array_literal literal = {.text = text, .length = length};
  struct type element = *type;
  struct array stated, found;
  sqlite3_str *built;
  int rc = array_read_bounds(&literal, &stated, error);
  element.is_array = false;
  if (rc == LEDGER_OK) rc = array_measure_literal(&literal, &found, error);
  if (rc != LEDGER_OK) return rc;
  if (stated.dimensions > 0 &&
      (stated.dimensions != found.dimensions ||
       memcmp(stated.lengths, found.lengths, sizeof stated.lengths) != 0)) {
    array_bad(&literal, error, "Specified array dimensions do not match array contents.");
    return LEDGER_INVALID_TEXT;
  }
  built = sqlite3_str_new(NULL);
  rc = array_convert(&element, &literal, is_explicit, arena, built, error);
  return array_finish(built, rc, arena, out, error);
}

/* ---- the stored form */

/* Is the element's stored form its output text too? */
static bool array_is_plain(enum type_id id) {
  switch (id) {
  case TYPE_BOOLEAN:
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
  case TYPE_FLOAT4:
  case TYPE_FLOAT8:
  case TYPE_TIMESTAMPTZ:
  case TYPE_BYTEA: return false;
  default: return true;
  }
}

LEDGER_PRIVATE int array_print_element(const struct type *element, const struct value *value,
                                       sqlite3_str *out, ledger_error *error) {
  sqlite3_str *printed;
  int rc;
  if (value->kind == VALUE_NULL) {
    sqlite3_str_append(out, "null", 4);
    return LEDGER_OK;
  }
  if (element->id == TYPE_BOOLEAN) {
    sqlite3_str_appendall(out, value->integer != 0 ? "true" : "false");
    return LEDGER_OK;
  }
  if (element->id == TYPE_NUMERIC || value->kind == VALUE_INTEGER ||
      (value->kind == VALUE_REAL &&
       value->real - value->real == 0)) /* finite: JSON has no other numbers */
    return type_output(element, value, out, error);
  if (array_is_plain(element->id)) {
    json_quote(out, value->text, value->length);
    return LEDGER_OK;
  }
  printed = sqlite3_str_new(NULL);
  rc = type_output(element, value, printed, error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(printed) != SQLITE_OK) rc = error_memory(error);
  if (rc == LEDGER_OK)
    json_quote(out, sqlite3_str_value(printed), (size_t)sqlite3_str_length(printed));
  sqlite3_free(sqlite3_str_finish(printed));
  return rc;
}

static int array_corrupt(ledger_error *error) {
  return error_set(error, LEDGER_CORRUPT, "a stored array is not a JSON array of equal levels");
}

/* The scanner's last token as the element's stored value. */
static int array_element_value(const struct type *element, const struct json *json,
                               enum json_token token, struct arena *arena, struct value *out,
                               ledger_error *error) {
  const char *text = json->token;
  size_t length = json->token_length;
  int rc = LEDGER_OK;
  *out = (struct value){.kind = VALUE_NULL};
  if (token == JSON_NULL) return LEDGER_OK;
  if (token == JSON_STRING) rc = json_decode(arena, json, &text, &length, error);
  if (rc != LEDGER_OK) return rc == LEDGER_MEMORY ? rc : array_corrupt(error);
  if (token == JSON_TRUE || token == JSON_FALSE) {
    *out = (struct value){.kind = VALUE_INTEGER, .integer = token == JSON_TRUE};
    return LEDGER_OK;
  }
  if (array_is_plain(element->id)) {
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
    return LEDGER_OK;
  }
  rc = type_input(element, text, length, arena, out, error);
  return rc == LEDGER_OK || rc == LEDGER_MEMORY ? rc : array_corrupt(error);
}

static int array_add_value(struct arena *arena, struct array *array, const struct value *value,
                           size_t *room, ledger_error *error) {
  if (array->count == *room) {
    size_t wider = *room == 0 ? 16 : *room * 2;
    struct value *values = arena_alloc(arena, wider * sizeof *values);
    if (values == NULL) return error_memory(error);
    if (array->count > 0) memcpy(values, array->values, array->count * sizeof *values);
    array->values = values;
    *room = wider;
  }
  array->values[array->count] = *value;
  return LEDGER_OK;
}

/* Reads the stored form; without an element type only its dimensions. */
static int array_scan(const struct type *element, const char *text, size_t length,
                      struct arena *arena, struct array *out, ledger_error *error) {
  struct json json;
  struct array_shape shape = {.array = out};
  size_t room = 0;
  bool is_sound = true;
  *out = (struct array){0};
  json_start(&json, text, length);
  while (is_sound) {
    enum json_token token = json_next(&json);
    struct value value;
    switch (token) {
    case JSON_END: return LEDGER_OK;
    case JSON_ERROR:
    case JSON_OBJECT:
    case JSON_KEY:
    case JSON_OBJECT_END: is_sound = false; break;
    case JSON_ARRAY:
      is_sound = shape.depth < ARRAY_DIMENSIONS_MAX && array_shape_open(&shape);
      break;
    case JSON_ARRAY_END: is_sound = array_shape_close(&shape); break;
    default:
      if (element != NULL && shape.depth > 0) {
        int rc = array_element_value(element, &json, token, arena, &value, error);
        if (rc == LEDGER_OK) rc = array_add_value(arena, out, &value, &room, error);
        if (rc != LEDGER_OK) return rc;
      }
      is_sound = shape.depth > 0 && array_shape_element(&shape);
      break;
    }
  }
  return array_corrupt(error);
}

LEDGER_PRIVATE int array_read(const struct type *element, const char *text, size_t length,
                              struct arena *arena, struct array *out, ledger_error *error) {
  return array_scan(element, text, length, arena, out, error);
}

LEDGER_PRIVATE int array_measure(const char *text, size_t length, struct array *out,
                                 ledger_error *error) {
  return array_scan(NULL, text, length, NULL, out, error);
}

LEDGER_PRIVATE int array_print(const struct type *element, const struct array *array,
                               sqlite3_str *out, ledger_error *error) {
  size_t spans[ARRAY_DIMENSIONS_MAX]; /* elements within one item of each level */
  size_t span = array->count;
  int rc = LEDGER_OK;
  if (array->count == 0) {
    sqlite3_str_append(out, "[]", 2);
    return LEDGER_OK;
  }
  for (int i = 0; i < array->dimensions; i++) {
    spans[i] = span;
    span /= (size_t)array->lengths[i];
  }
  for (size_t n = 0; n < array->count && rc == LEDGER_OK; n++) {
    if (n > 0) sqlite3_str_appendchar(out, 1, ',');
    for (int i = 0; i < array->dimensions; i++) {
      if (n % spans[i] == 0) sqlite3_str_appendchar(out, 1, '[');
    }
    rc = array_print_element(element, &array->values[n], out, error);
    for (int i = 0; i < array->dimensions; i++) {
      if ((n + 1) % spans[i] == 0) sqlite3_str_appendchar(out, 1, ']');
    }
  }
  return rc;
}

/* ---- output */

static bool array_needs_quotes(const char *text, size_t length) {
  if (length == 0 || array_is_null_word(text, length)) return true;
  for (size_t i = 0; i < length; i++) {
    if (memchr("\"\\{},", text[i], 5) != NULL || text_is_space(text[i])) return true;
  }
  return false;
}

static void array_output_string(sqlite3_str *out, const char *text, size_t length) {
  size_t run = 0;
  if (!array_needs_quotes(text, length)) {
    sqlite3_str_append(out, text, (int)length);
    return;
  }
  sqlite3_str_appendchar(out, 1, '"');
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '"' && text[i] != '\\') continue;
    sqlite3_str_append(out, text + run, (int)(i - run));
    sqlite3_str_appendchar(out, 1, '\\');
    run = i;
  }
  sqlite3_str_append(out, text + run, (int)(length - run));
  sqlite3_str_appendchar(out, 1, '"');
}

enum array_style { ARRAY_BRACES, ARRAY_JSON };

/* As PostgreSQL's array literal shows it. A foreign program may have stored what the type
** refuses. */
static int array_output_element(const struct type *element, const struct json *json,
                                enum json_token token, struct arena *arena, sqlite3_str *out,
                                ledger_error *error) {
  const char *text = json->token;
  size_t length = json->token_length;
  struct value value;
  int rc = LEDGER_OK;
  if (token == JSON_NULL) {
    sqlite3_str_append(out, "NULL", 4);
    return LEDGER_OK;
  }
  if ((element->id == TYPE_BOOLEAN) != (token == JSON_TRUE || token == JSON_FALSE))
    return array_corrupt(error);
  if (element->id == TYPE_BOOLEAN) {
    sqlite3_str_appendchar(out, 1, token == JSON_TRUE ? 't' : 'f');
    return LEDGER_OK;
  }
  if (token == JSON_STRING) rc = json_decode(arena, json, &text, &length, error);
  if (rc == LEDGER_OK) rc = type_input(element, text, length, arena, &value, error);
  if (rc == LEDGER_OK) array_output_string(out, text, length);
  return rc == LEDGER_OK || rc == LEDGER_MEMORY ? rc : array_corrupt(error);
}

static int array_json_element(const struct type *element, const struct json *json,
                              enum json_token token, struct arena *arena, sqlite3_str *out,
                              ledger_error *error) {
  struct value value;
  int rc = array_element_value(element, json, token, arena, &value, error);
  if (rc == LEDGER_OK && value.kind != VALUE_NULL) return type_json(element, &value, out, error);
  if (rc == LEDGER_OK) sqlite3_str_append(out, "null", 4);
  return rc;
}

static int array_render(const struct type *type, enum array_style style, const struct value *stored,
                        sqlite3_str *out, ledger_error *error) {
  const char *brackets = style == ARRAY_BRACES ? "{}" : "[]";
  struct type element = *type;
  struct json json;
  struct array dimensions;
  struct arena arena = {0};
  bool is_first = true;
  int rc;
  if (stored->kind != VALUE_TEXT || !text_is_valid_utf8(stored->text, stored->length))
    return array_corrupt(error);
  element.is_array = false;
  rc = array_measure(stored->text, stored->length, &dimensions, error);
  json_start(&json, stored->text, stored->length);
  while (rc == LEDGER_OK) {
    enum json_token token = json_next(&json);
    if (token == JSON_END) break;
    if (token == JSON_ARRAY_END) {
      sqlite3_str_appendchar(out, 1, brackets[1]);
      is_first = false;
      continue;
    }
    if (!is_first) sqlite3_str_appendchar(out, 1, ',');
    is_first = token == JSON_ARRAY;
    if (is_first)
      sqlite3_str_appendchar(out, 1, brackets[0]);
    else if (style == ARRAY_BRACES)
      rc = array_output_element(&element, &json, token, &arena, out, error);
    else
      rc = array_json_element(&element, &json, token, &arena, out, error);
  }
  arena_free(&arena);
  return rc;
}

LEDGER_PRIVATE int array_output(const struct type *type, const struct value *stored,
                                sqlite3_str *out, ledger_error *error) {
  return array_render(type, ARRAY_BRACES, stored, out, error);
}

LEDGER_PRIVATE int array_json(const struct type *type, const struct value *stored, sqlite3_str *out,
                              ledger_error *error) {
  return array_render(type, ARRAY_JSON, stored, out, error);
}

/* ---- order */

static int array_compare_shapes(const struct array *a, const struct array *b) {
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  if (a->dimensions != b->dimensions) return a->dimensions < b->dimensions ? -1 : 1;
  for (int i = 0; i < a->dimensions; i++) {
    if (a->lengths[i] != b->lengths[i]) return a->lengths[i] < b->lengths[i] ? -1 : 1;
  }
  return 0;
}

LEDGER_PRIVATE int array_order(const struct type *element, const struct array *a,
                               const struct array *b) {
  size_t shorter = a->count < b->count ? a->count : b->count;
  for (size_t i = 0; i < shorter; i++) {
    bool a_is_null = a->values[i].kind == VALUE_NULL, b_is_null = b->values[i].kind == VALUE_NULL;
    int order = a_is_null - b_is_null; /* NULL comes last, and equals itself */
    if (!a_is_null && !b_is_null) order = type_compare(element, &a->values[i], &b->values[i]);
    if (order != 0) return order;
  }
  return array_compare_shapes(a, b);
}

/* How the elements of a type order: by the value of their digits, by their bytes, or only by
** type_compare(). */
enum array_ordering { ARRAY_BY_DIGITS, ARRAY_BY_BYTES, ARRAY_BY_TYPE };

static enum array_ordering array_ordering_of(enum type_id id) {
  switch (id) {
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
  case TYPE_NUMERIC: return ARRAY_BY_DIGITS;
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_NAME:
  case TYPE_UUID: return ARRAY_BY_BYTES;
  default: return ARRAY_BY_TYPE;
  }
}

static enum json_token array_next_element(struct json *json) {
  enum json_token token;
  do token = json_next(json);
  while (token == JSON_ARRAY || token == JSON_ARRAY_END);
  return token;
}

/* Without memory, so that an index that is kept by it can never be out of order for the lack of
** some. */
static int array_compare_tokens(enum array_ordering ordering, const struct value *a,
                                const struct value *b) {
  struct json x, y;
  json_start(&x, a->text, a->length);
  json_start(&y, b->text, b->length);
  for (;;) {
    enum json_token left = array_next_element(&x), right = array_next_element(&y);
    int order = 0;
    if (left == JSON_ERROR || right == JSON_ERROR)
      return (left == JSON_ERROR) - (right == JSON_ERROR);
    if (left == JSON_END || right == JSON_END) return (left != JSON_END) - (right != JSON_END);
    if (left == JSON_NULL || right == JSON_NULL)
      order = (left == JSON_NULL) - (right == JSON_NULL);
    else if (ordering == ARRAY_BY_DIGITS)
      order = decimal_compare_text(x.token, x.token_length, y.token, y.token_length);
    else
      order = json_compare(&x, &y);
    if (order != 0) return order;
  }
}

static int array_compare_values(const struct type *element, const struct value *a,
                                const struct value *b) {
  struct arena arena = {0};
  struct array x, y;
  int a_rc = array_read(element, a->text, a->length, &arena, &x, NULL);
  int b_rc = array_read(element, b->text, b->length, &arena, &y, NULL);
  int order = a_rc == LEDGER_OK && b_rc == LEDGER_OK ? array_order(element, &x, &y)
                                                     : (a_rc != LEDGER_OK) - (b_rc != LEDGER_OK);
  arena_free(&arena);
  return order;
}

LEDGER_PRIVATE int array_compare(const struct type *type, const struct value *a,
                                 const struct value *b) {
  struct type element = *type;
  struct array x, y;
  enum array_ordering ordering = array_ordering_of(type->id);
  int order;
  element.is_array = false;
  order = ordering == ARRAY_BY_TYPE ? array_compare_values(&element, a, b)
                                    : array_compare_tokens(ordering, a, b);
  if (order != 0) return order < 0 ? -1 : 1;
  if (array_measure(a->text, a->length, &x, NULL) == LEDGER_OK &&
      array_measure(b->text, b->length, &y, NULL) == LEDGER_OK)
    return array_compare_shapes(&x, &y);
  /* No arrays, and alike up to where they go wrong. */
  order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
  if (order == 0) order = a->length < b->length ? -1 : a->length > b->length;
  return order < 0 ? -1 : order > 0;
}

/* ---- assignment from a JSON array */

static int array_assign_element(const struct type *element, const struct json *json,
                                enum json_token token, struct arena *arena, sqlite3_str *out,
                                ledger_error *error) {
  ledger_value given = {.kind = LEDGER_NULL, .text = json->token, .length = json->token_length};
  struct value value = {.kind = VALUE_NULL};
  int rc = LEDGER_OK;
  switch (token) {
  case JSON_STRING:
    given.kind = LEDGER_TEXT;
    rc = json_decode(arena, json, &given.text, &given.length, error);
    break;
  case JSON_NUMBER: given.kind = LEDGER_NUMBER; break;
  case JSON_TRUE:
  case JSON_FALSE:
    given.kind = LEDGER_BOOLEAN;
    given.integer = token == JSON_TRUE;
    break;
  case JSON_OBJECT:
    given.kind = LEDGER_JSON; /* the scanner has passed over all of it */
    break;
  default: break;
  }
  if (rc == LEDGER_OK && (element->id == TYPE_JSON || element->id == TYPE_JSONB) &&
      token != JSON_NULL) {
    given.kind = LEDGER_JSON; /* a document in the document, whatever it is */
    given.text = json->text + json->token_start;
    given.length = json->position - json->token_start;
  }
  if (rc == LEDGER_OK && given.kind != LEDGER_NULL)
    rc = type_assign(element, &given, arena, &value, error);
  if (rc == LEDGER_OK) rc = array_print_element(element, &value, out, error);
  return rc;
}

static int array_assign_all(const struct type *element, const char *text, size_t length,
                            struct arena *arena, sqlite3_str *out, ledger_error *error) {
  struct json json;
  struct array dimensions = {0};
  struct array_shape shape = {.array = &dimensions};
  bool is_first = true, is_rectangular = true;
  int rc = LEDGER_OK;
  json_start(&json, text, length);
  while (rc == LEDGER_OK && is_rectangular) {
    enum json_token token = json_next(&json);
    if (token == JSON_ERROR || (token == JSON_OBJECT && !json_skip(&json, NULL)))
      return json_error(&json, error);
    if (token == JSON_END) return LEDGER_OK;
    if (token == JSON_ARRAY_END) {
      is_rectangular = array_shape_close(&shape);
      sqlite3_str_appendchar(out, 1, ']');
      is_first = false;
      continue;
    }
    if (shape.depth == 0 && token != JSON_ARRAY) {
      error_set(error, LEDGER_INVALID_TEXT, "expected JSON array");
      return LEDGER_INVALID_TEXT;
    }
    if (!is_first) sqlite3_str_appendchar(out, 1, ',');
    is_first = token == JSON_ARRAY;
    if (is_first) {
      if (shape.depth == ARRAY_DIMENSIONS_MAX) return array_too_many_dimensions(error);
      is_rectangular = array_shape_open(&shape);
      sqlite3_str_appendchar(out, 1, '[');
    } else {
      is_rectangular = array_shape_element(&shape);
      if (is_rectangular) rc = array_assign_element(element, &json, token, arena, out, error);
    }
  }
  if (rc != LEDGER_OK) return rc;
  error_set(error, LEDGER_INVALID_TEXT, "malformed JSON array");
  error_detail(error, "Multidimensional arrays must have sub-arrays with matching dimensions.");
  return LEDGER_INVALID_TEXT;
}

LEDGER_PRIVATE int array_assign(const struct type *type, const char *text, size_t length,
                                struct arena *arena, struct value *out, ledger_error *error) {
  struct type element = *type;
  sqlite3_str *built = sqlite3_str_new(NULL);
  element.is_array = false;
  int rc = array_assign_all(&element, text, length, arena, built, error);
  return array_finish(built, rc, arena, out, error);
}
