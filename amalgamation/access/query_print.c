/*
** query_print.c: values as JSON and CSV, straight into the answer's text; and what paths and casts of select= make of a value. What
** to_json() prints for a type is types/'s; the common types in their stored form are printed here without a detour, and whatever does
** not look like it goes there, to be said what is wrong with it.
*/
#include "../internal.h"

#define PRINT_ROOM_MIN 4096
#define PRINT_SLACK 32 /* for what is no text, and the quotes of what is */
#define PRINT_HIGH 0x8080808080808080u

/* ---- bytes */

LEDGER_PRIVATE int query_answer_full(struct query *query) {
  error_set(&query->db->error, LEDGER_PROGRAM_LIMIT, "an answer may have %d bytes at most",
            QUERY_ANSWER_MAX);
  return error_hint(&query->db->error, "Ask for fewer rows at a time, with limit= and offset=.");
}

static char *print_grow(struct query *query, size_t more) {
  ledger_answer *answer = query->answer;
  size_t wanted = answer->room < PRINT_ROOM_MIN ? PRINT_ROOM_MIN : answer->room;
  if (more > QUERY_ANSWER_MAX - answer->length) {
    query_answer_full(query);
    return NULL;
  }
  while (wanted - answer->length <= more) wanted *= 2;
  char *grown = sqlite3_realloc64(answer->room == 0 ? NULL : answer->text, wanted);
  if (grown == NULL) {
    error_memory(&query->db->error);
    return NULL;
  }
  answer->text = grown;
  answer->room = wanted;
  return grown + answer->length;
}

/* Room for `more` bytes and a NUL behind the text; NULL: memory, or more than an answer may have. */
static char *print_room(struct query *query, size_t more) {
  ledger_answer *answer = query->answer;
  if (answer->room - answer->length > more) return answer->text + answer->length;
  return print_grow(query, more);
}

LEDGER_PRIVATE int query_print(struct query *query, const char *text, size_t length) {
  char *out = print_room(query, length);
  if (out == NULL) return query->db->error.code;
  if (length > 0) memcpy(out, text, length);
  out[length] = 0;
  query->answer->length += length;
  return LEDGER_OK;
}

/* Has the high bit of some byte set where a byte of the word needs an escape in a JSON string. */
static uint64_t print_special(uint64_t word) {
  const uint64_t ones = 0x0101010101010101u;
  uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
  return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((word - ones * 0x20) & ~word)) &
         PRINT_HIGH;
}

/* How many bytes from the start need no escape in a JSON string. */
static size_t print_plain(const char *text, size_t length) {
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, text + i, 8);
    if (print_special(word) != 0) break;
  }
  for (; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (c < 0x20 || c == '"' || c == '\\') break;
  }
  return i;
}

/* An escape as PostgreSQL's escape_json() writes it. Returns its bytes. */
static size_t print_escape(char c, char out[8]) {
  static const char hexadecimal[] = "0123456789abcdef";
  static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
  const char *found = c == 0 ? NULL : strchr(plain, c);
  out[0] = '\\';
  if (found != NULL) {
    out[1] = letters[found - plain];
    return 2;
  }
  memcpy(out + 1, "u00", 3);
  out[4] = hexadecimal[((unsigned char)c >> 4) & 15];
  out[5] = hexadecimal[(unsigned char)c & 15];
  return 6;
}

/* ---- JSON */

static size_t print_integer(int64_t integer, char out[24]) {
  char digits[24];
  size_t count = 0, used = 0;
  uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
  do {
    digits[count++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (integer < 0) out[used++] = '-';
  while (count > 0) out[used++] = digits[--count];
  return used;
}

/* Digits with at most one point between them, and no more noughts before it than one: a number of JSON, as numeric is stored. */
static bool print_is_number(const char *text, size_t length) {
  size_t i = length > 0 && text[0] == '-', start = i;
  while (i < length && text[i] >= '0' && text[i] <= '9') i++;
  if (i == start || (text[start] == '0' && i - start > 1)) return false;
  if (i == length) return true;
  if (text[i] != '.') return false;
  start = ++i;
  while (i < length && text[i] >= '0' && text[i] <= '9') i++;
  return i == length && i > start;
}

/* Copies a text that needs no escape and is of ASCII alone; false: it is not, and what was copied is of no use. */
static bool print_copy(char *out, const char *text, size_t length) {
  uint64_t word = 0x2020202020202020u, found = 0;
  if (length >= 8) {
    for (size_t i = 0; i + 8 < length; i += 8) {
      memcpy(&word, text + i, 8);
      memcpy(out + i, &word, 8);
      found |= print_special(word) | word;
    }
    memcpy(&word, text + length - 8, 8); /* again some of the bytes before, perhaps */
    memcpy(out + length - 8, &word, 8);
  } else if (length >= 4) {
    memcpy(&word, text, 4);
    memcpy((char *)&word + 4, text + length - 4, 4);
    memcpy(out, &word, 4);
    memcpy(out + length - 4, (char *)&word + 4, 4);
  } else {
    for (size_t i = 0; i < length; i++) ((char *)&word)[i] = out[i] = text[i];
  }
  found |= print_special(word) | word;
  return (found & PRINT_HIGH) == 0;
}

/* Does it look like 2026-01-28 12:34:56[.123456][+00:00]? What else a date may hold is the business of who wrote it. */
static bool print_is_moment(const char *text, size_t length, bool has_zone) {
  if (has_zone) {
    if (length < 6 || memcmp(text + length - 6, "+00:00", 6) != 0) return false;
    length -= 6;
  }
  return length >= 19 && length <= 26 && text[4] == '-' && text[7] == '-' && text[10] == ' ' &&
         text[13] == ':' && text[16] == ':' && (length == 19 || text[19] == '.');
}

static bool print_is_uuid(const char *text, size_t length) {
  return length == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
}

static size_t print_plainly(char *out, const char *text, size_t length) {
  out[0] = '"';
  if (!print_copy(out + 1, text, length)) return 0;
  out[length + 1] = '"';
  return length + 2;
}

static size_t print_as_is(char *out, const char *text, size_t length) {
  memcpy(out, text, length);
  return length;
}

/* {"direction": "credit"}, one pair of plain texts as the book writes it, which is in its canonical form. */
static size_t print_pair(char *out, const char *text, size_t length) {
  if (length < 8 || memcmp(text, "{\"", 2) != 0 || memcmp(text + length - 2, "\"}", 2) != 0)
    return 0;
  const char *quote = memchr(text + 2, '"', length - 2);
  size_t key_end = (size_t)(quote - text), start = key_end + 4;
  if (start > length - 2 || memcmp(quote, "\": \"", 4) != 0) return 0;
  bool is_plain = print_copy(out + 2, text + 2, key_end - 2) &&
                  print_copy(out + start, text + start, length - 2 - start);
  memcpy(out, text, 2);
  memcpy(out + key_end, quote, 4);
  memcpy(out + length - 2, text + length - 2, 2);
  return is_plain ? length : 0;
}

static size_t print_common_text(char *out, const struct type *type, const struct value *value) {
  const char *text = value->text;
  size_t length = value->length;
  switch (type->id) {
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_CITEXT:
  case TYPE_ENUM: return print_plainly(out, text, length);
  case TYPE_UUID: return print_is_uuid(text, length) ? print_plainly(out, text, length) : 0;
  case TYPE_NUMERIC:
    return type->scale >= 0 && print_is_number(text, length) ? print_as_is(out, text, length) : 0;
  case TYPE_JSONB: /* {} and [] are most of them */
    return length == 2 && (memcmp(text, "{}", 2) == 0 || memcmp(text, "[]", 2) == 0)
               ? print_as_is(out, text, length)
               : print_pair(out, text, length);
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ:
    if (!print_is_moment(text, length, type->id == TYPE_TIMESTAMPTZ)) return 0;
    length = print_plainly(out, text, length);
    if (length > 0) out[11] = 'T';
    return length;
  default: return 0;
  }
}

/* What is common, in its stored form, where there is room for its text and PRINT_SLACK bytes: the bytes, 0: it is not. */
static size_t print_common(char *out, const struct type *type, const struct value *value) {
  if (value->kind == VALUE_NULL) return print_as_is(out, "null", 4);
  if (type->is_array) return 0;
  if (value->kind == VALUE_TEXT) return print_common_text(out, type, value);
  if (value->kind != VALUE_INTEGER) return 0;
  if (type->id == TYPE_BOOLEAN)
    return value->integer != 0 ? print_as_is(out, "true", 4) : print_as_is(out, "false", 5);
  bool is_integer = type->id == TYPE_INT4 || type->id == TYPE_INT8 || type->id == TYPE_INT2;
  return is_integer ? print_integer(value->integer, out) : 0;
}

static int print_escaped(struct query *query, const char *text, size_t length) {
  size_t plain = print_plain(text, length);
  int rc = query_print(query, "\"", 1);
  while (rc == LEDGER_OK) {
    rc = query_print(query, text, plain);
    text += plain;
    length -= plain;
    if (length == 0 || rc != LEDGER_OK) break;
    char escape[8];
    size_t bytes = print_escape(*text, escape);
    rc = query_print(query, escape, bytes);
    text++;
    length--;
    plain = print_plain(text, length);
  }
  return rc == LEDGER_OK ? query_print(query, "\"", 1) : rc;
}

/* The general way. */
static int print_typed(struct query *query, const struct type *type, const struct value *value) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = type_json(type, value, text, &query->db->error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(text) != SQLITE_OK)
    rc = error_memory(&query->db->error);
  if (rc == LEDGER_OK && sqlite3_str_length(text) > 0)
    rc = query_print(query, sqlite3_str_value(text), (size_t)sqlite3_str_length(text));
  sqlite3_free(sqlite3_str_finish(text));
  return rc;
}

static int print_uncommon(struct query *query, const struct type *type, const struct value *value) {
  bool is_text = value->kind == VALUE_TEXT && !type->is_array &&
                 text_is_valid_utf8(value->text, value->length);
  bool is_string = type->id == TYPE_TEXT || type->id == TYPE_VARCHAR || type->id == TYPE_CITEXT ||
                   type->id == TYPE_ENUM;
  if (is_text && is_string) return print_escaped(query, value->text, value->length);
  if (is_text && type->id == TYPE_JSONB && value->length <= LEDGER_TEXT_MAX) {
    struct value read = *value;
    ledger_error error = {0};
    if (jsonb_input(type, value->text, value->length, &query->scratch, &read, &error) == LEDGER_OK)
      return query_print(query, read.text, read.length);
  }
  return print_typed(query, type, value);
}

LEDGER_PRIVATE int query_print_quoted(struct query *query, const char *text, size_t length) {
  ledger_answer *answer = query->answer;
  bool fits = answer->room - answer->length > length + PRINT_SLACK;
  size_t bytes = fits ? print_plainly(answer->text + answer->length, text, length) : 0;
  if (bytes == 0) return print_escaped(query, text, length);
  answer->length += bytes;
  answer->text[answer->length] = 0;
  return LEDGER_OK;
}

LEDGER_PRIVATE int query_print_member(struct query *query, const char *key, size_t key_length,
                                      const struct type *type, const struct value *value) {
  ledger_answer *answer = query->answer;
  size_t more = key_length + PRINT_SLACK + (value->kind == VALUE_TEXT ? value->length : 0);
  if (more > QUERY_ANSWER_MAX - answer->length) { /* it may fit without the slack */
    int rc = query_print(query, key, key_length);
    return rc == LEDGER_OK ? print_typed(query, type, value) : rc;
  }
  char *out = print_room(query, more);
  if (out == NULL) return query->db->error.code;
  for (size_t i = 0; i < key_length; i += 8) memcpy(out + i, key + i, 8);
  size_t length = print_common(out + key_length, type, value);
  answer->length += key_length + length;
  answer->text[answer->length] = 0;
  return length > 0 ? LEDGER_OK : print_uncommon(query, type, value);
}

LEDGER_PRIVATE int query_print_json(struct query *query, const struct type *type,
                                    const struct value *value) {
  return query_print_member(query, "", 0, type, value);
}

LEDGER_PRIVATE int query_print_strip(struct query *query) {
  ledger_answer *answer = query->answer;
  struct json json;
  enum json_token token;
  bool is_first = true;
  int rc = LEDGER_OK;
  sqlite3_str *out = sqlite3_str_new(NULL);
  json_start(&json, answer->text, answer->length);
  while (rc == LEDGER_OK && (token = json_next(&json)) != JSON_END && token != JSON_ERROR) {
    if (token == JSON_KEY) {
      struct json ahead = json;
      if (json_next(&ahead) == JSON_NULL) {
        json = ahead;
        continue;
      }
    }
    bool is_end = token == JSON_OBJECT_END || token == JSON_ARRAY_END;
    if (!is_first && !is_end) sqlite3_str_appendchar(out, 1, ',');
    is_first = token == JSON_OBJECT || token == JSON_ARRAY || token == JSON_KEY;
    if (token == JSON_STRING || token == JSON_KEY) {
      const char *text;
      size_t length;
      rc = json_decode(&query->db->arena, &json, &text, &length, &query->db->error);
      if (rc == LEDGER_OK) json_quote(out, text, length);
      if (token == JSON_KEY) sqlite3_str_appendchar(out, 1, ':');
    } else {
      sqlite3_str_append(out, json.text + json.token_start,
                         (int)(json.position - json.token_start));
    }
  }
  if (rc == LEDGER_OK && json.problem != NULL) rc = json_error(&json, &query->db->error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(out) != SQLITE_OK)
    rc = error_memory(&query->db->error);
  if (rc == LEDGER_OK) {
    answer->length = 0;
    rc = query_print(query, sqlite3_str_value(out), (size_t)sqlite3_str_length(out));
  }
  sqlite3_free(sqlite3_str_finish(out));
  return rc;
}

/* ---- CSV, as a record's output function prints its columns */

LEDGER_PRIVATE int query_print_csv_text(struct query *query, const char *text, size_t length) {
  bool is_quoted = length == 0;
  for (size_t i = 0; i < length && !is_quoted; i++)
    is_quoted = strchr("\"\\(),", text[i]) != NULL || text_is_space(text[i]);
  if (!is_quoted) return query_print(query, text, length);
  int rc = query_print(query, "\"", 1);
  size_t start = 0;
  for (size_t i = 0; i < length && rc == LEDGER_OK; i++) {
    if (text[i] != '"' && text[i] != '\\') continue;
    rc = query_print(query, text + start, i - start + 1);
    start = i; /* and once more */
  }
  if (rc == LEDGER_OK) rc = query_print(query, text + start, length - start);
  return rc == LEDGER_OK ? query_print(query, "\"", 1) : rc;
}

LEDGER_PRIVATE int query_print_field(struct query *query, const struct type *type,
                                     const struct value *value) {
  if (value->kind == VALUE_NULL) return LEDGER_OK;
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = type_output(type, value, text, &query->db->error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(text) != SQLITE_OK)
    rc = error_memory(&query->db->error);
  const char *printed = sqlite3_str_value(text);
  if (rc == LEDGER_OK)
    rc = query_print_csv_text(query, printed == NULL ? "" : printed,
                              (size_t)sqlite3_str_length(text));
  sqlite3_free(sqlite3_str_finish(text));
  return rc;
}

/* ---- paths and casts */

/* The value of another type than json as a jsonb. */
static int print_to_jsonb(struct query *query, const struct type *type, struct value *value) {
  static const struct type jsonb = {.id = TYPE_JSONB, .length = -1};
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = type_json(type, value, text, &query->db->error);
  const char *copy = arena_finish(&query->scratch, text);
  if (rc == LEDGER_OK && copy == NULL) rc = error_memory(&query->db->error);
  if (rc != LEDGER_OK) return rc;
  return type_input(&jsonb, copy, strlen(copy), &query->scratch, value, &query->db->error);
}

static int print_walk(struct query *query, const struct type *type, const struct query_field *field,
                      struct value *value) {
  struct arena *arena = &query->scratch;
  ledger_error *error = &query->db->error;
  bool is_document = !type->is_array && (type->id == TYPE_JSON || type->id == TYPE_JSONB);
  bool is_jsonb = type->is_array || type->id != TYPE_JSON;
  int rc = is_document ? LEDGER_OK : print_to_jsonb(query, type, value);
  for (int i = 0; i < field->step_count && rc == LEDGER_OK && value->kind == VALUE_TEXT; i++) {
    const struct query_step *step = &field->steps[i];
    struct document_slice slice = {.kind = JSON_END};
    rc = step->is_index
             ? document_element(value->text, value->length, step->index, is_jsonb, &slice, error)
             : document_field(value->text, value->length, step->key, step->length, is_jsonb, arena,
                              &slice, error);
    if (rc != LEDGER_OK) break;
    if (slice.kind == JSON_END)
      *value = (struct value){.kind = VALUE_NULL};
    else if (step->is_text)
      rc = document_slice_text(&slice, arena, value, error);
    else
      *value = (struct value){.kind = VALUE_TEXT, .text = slice.text, .length = slice.length};
  }
  return rc;
}

/* The value as PostgreSQL's output function prints it, in the arena. */
static int print_output(struct query *query, const struct type *type, struct value *value) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  int rc = type_output(type, value, text, &query->db->error);
  size_t length = (size_t)sqlite3_str_length(text);
  const char *copy = arena_finish(&query->scratch, text);
  if (rc == LEDGER_OK && copy == NULL) rc = error_memory(&query->db->error);
  if (rc == LEDGER_OK) *value = (struct value){.kind = VALUE_TEXT, .text = copy, .length = length};
  return rc;
}

static bool print_is_number_type(const struct type *type) {
  switch (type->is_array ? TYPE_NONE : type->id) {
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
  case TYPE_FLOAT4:
  case TYPE_FLOAT8:
  case TYPE_NUMERIC: return true;
  default: return false;
  }
}

/* A jsonb's number or boolean. */
static int print_cast_document(struct query *query, const struct type *to, struct value *value) {
  struct document_slice slice;
  ledger_error *error = &query->db->error;
  int rc = document_whole(value->text, value->length, &slice, error);
  if (rc != LEDGER_OK) return rc;
  bool is_boolean = slice.kind == JSON_TRUE || slice.kind == JSON_FALSE;
  if (to->id == TYPE_BOOLEAN && is_boolean) {
    *value = (struct value){.kind = VALUE_INTEGER, .integer = slice.kind == JSON_TRUE};
    return LEDGER_OK;
  }
  if (to->id == TYPE_BOOLEAN || slice.kind != JSON_NUMBER) {
    sqlite3_str *name = sqlite3_str_new(NULL);
    type_format(name, to);
    const char *spelled = sqlite3_str_value(name);
    rc = error_set(error, LEDGER_INVALID_PARAMETER, "cannot cast jsonb %s to type %s",
                   slice.kind == JSON_NUMBER ? "numeric" : jsonb_typeof(slice.kind),
                   spelled == NULL ? "" : spelled);
    sqlite3_free(sqlite3_str_finish(name));
    return rc;
  }
  ledger_value number = {.kind = LEDGER_NUMBER, .text = slice.text, .length = slice.length};
  return type_assign(to, &number, &query->scratch, value, error);
}

static int print_cast(struct query *query, const struct type *from, const struct type *to,
                      struct value *value) {
  struct arena *arena = &query->scratch;
  ledger_error *error = &query->db->error;
  bool is_scalar = !from->is_array && !to->is_array;
  if (value->kind == VALUE_NULL) return LEDGER_OK;
  if (is_scalar && from->id == TYPE_BOOLEAN && query_is_string(to)) {
    const char *word = value->integer != 0 ? "true" : "false";
    return type_cast(to, word, strlen(word), arena, value, error);
  }
  if (is_scalar && from->id == TYPE_BOOLEAN && to->id == TYPE_INT4) return LEDGER_OK;
  if (is_scalar && from->id == TYPE_INT4 && to->id == TYPE_BOOLEAN) {
    value->integer = value->integer != 0;
    return LEDGER_OK;
  }
  if (is_scalar && from->id == TYPE_JSONB && (to->id == TYPE_BOOLEAN || print_is_number_type(to)))
    return print_cast_document(query, to, value);
  bool is_whole = is_scalar && (to->id == TYPE_INT2 || to->id == TYPE_INT4 || to->id == TYPE_INT8);
  if (is_whole && value->kind == VALUE_REAL) {
    double real = value->real;
    *value = (struct value){.kind = VALUE_INTEGER};
    return integer_from_real(to->id, real, &value->integer, error);
  }
  int rc = print_output(query, from, value);
  if (rc != LEDGER_OK) return rc;
  if (print_is_number_type(from) && print_is_number_type(to)) {
    ledger_value number = {.kind = LEDGER_NUMBER, .text = value->text, .length = value->length};
    return type_assign(to, &number, arena, value, error);
  }
  if (is_scalar && from->id == TYPE_INET && query_is_string(to) &&
      memchr(value->text, '/', value->length) == NULL) { /* a text has the mask, also of one host */
    bool is_wide = memchr(value->text, ':', value->length) != NULL;
    char *text = arena_alloc(arena, value->length + 5);
    if (text == NULL) return error_memory(error);
    sqlite3_snprintf((int)value->length + 5, text, "%.*s/%s", (int)value->length, value->text,
                     is_wide ? "128" : "32");
    value->text = text;
    value->length = strlen(text);
  }
  if (from->id == TYPE_BPCHAR && query_is_string(to) && to->id != TYPE_BPCHAR) {
    while (value->length > 0 && value->text[value->length - 1] == ' ') value->length--;
  }
  return type_cast(to, value->text, value->length, arena, value, error);
}

LEDGER_PRIVATE int query_value(struct query *query, const struct query_resource *resource,
                               const struct query_item *item, struct value *value) {
  int rc = LEDGER_OK;
  if (!resource->has_aggregate) {
    const struct column *column = &resource->relation->columns[item->field.column];
    struct value stored = *value;
    if (column->is_encrypted && value->kind != VALUE_NULL)
      rc = encryption_open_value(query->db, resource->relation, item->field.column, &stored, NULL,
                                 &query->scratch, value);
    if (rc == LEDGER_OK && item->field.step_count > 0 && value->kind != VALUE_NULL)
      rc = print_walk(query, &column->type, &item->field, value);
    if (rc == LEDGER_OK && item->cast != NULL)
      rc = print_cast(query, &item->field.type, &item->cast_type, value);
  }
  if (rc == LEDGER_OK && item->aggregate_cast != NULL)
    rc = print_cast(query, &item->result_type, &item->type, value);
  return rc;
}
