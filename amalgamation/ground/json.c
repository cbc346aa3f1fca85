/*
** A strict JSON scanner (RFC 8259). It owns the grammar of a document: the order of its tokens, the
** escapes of its strings, the shape of its numbers, the depth of its nesting. Numbers stay text,
** nothing is copied, nothing recurses. The words of its complaints are PostgreSQL's.
*/
#include "../internal.h"

/* What may come next. The open container's answer stands in stack[depth - 1], that of the
** document in stack[0]. */
enum {
  JSON_AT_START,         /* a value, and nothing was read yet */
  JSON_AT_DONE,          /* the end of the text */
  JSON_AT_FIRST_KEY,     /* a key or '}' */
  JSON_AT_COLON,         /* ':' and a value */
  JSON_AT_NEXT_KEY,      /* ',' and a key, or '}' */
  JSON_AT_FIRST_ELEMENT, /* a value or ']' */
  JSON_AT_NEXT_ELEMENT   /* ',' and a value, or ']' */
};

/* In a problem text JSON_HOLE stands for the token, which json_error() fills in. */
#define JSON_HOLE '%'

LEDGER_PRIVATE void json_start(struct json *json, const char *text, size_t length) {
  json->text = text;
  json->length = length;
  json->position = 0;
  json->token = text;
  json->token_length = 0;
  json->token_start = 0;
  json->token_escaped = false;
  json->depth = 0;
  json->stack[0] = JSON_AT_START;
  json->problem = NULL;
  json->code = LEDGER_OK;
}

static unsigned char *json_state(struct json *json) {
  return &json->stack[json->depth == 0 ? 0 : json->depth - 1];
}

/* Ends the scan. The token is what the hole in the sentence stands for. */
static enum json_token json_fail(struct json *json, const char *problem) {
  json->problem = problem;
  json->code = LEDGER_INVALID_TEXT;
  return JSON_ERROR;
}

static enum json_token json_fail_at(struct json *json, size_t start, size_t end,
                                    const char *problem) {
  json->token = json->text + start;
  json->token_length = end - start;
  return json_fail(json, problem);
}

/* Bytes before the first '"', '\\' or control character: eight at a time. */
static size_t json_plain(const char *text, size_t length) {
  const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    uint64_t word, quote, backslash;
    memcpy(&word, text + i, 8);
    quote = word ^ (ones * '"');
    backslash = word ^ (ones * '\\');
    /* A byte below n borrows into its high bit when n is subtracted; bytes with the high bit set
    ** are no candidates. */
    if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
         ((word - ones * 0x20) & ~word)) &
        highs)
      break;
  }
  while (i < length && text[i] != '"' && text[i] != '\\' && (unsigned char)text[i] >= 0x20) i++;
  return i;
}

static bool json_is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (c & 0x80) != 0;
}

static bool json_is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit, or -1. */
static int json_hex(char c) {
  if (json_is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Checks the escape whose backslash is at `at`; returns the position behind it, 0 after a
** failure. */
static size_t json_escape(struct json *json, size_t at) {
  size_t i = at + 1, end = json->length;
  uint32_t code_point;
  int taken;
  if (i == end) {
    json_fail_at(json, json->token_start, end, "Token \"%\" is invalid.");
    return 0;
  }
  if (json->text[i] != 'u') {
    if (memchr("\"\\/bfnrt", json->text[i], 8) != NULL) return i + 1;
    taken = text_decode(json->text + i, end - i, &code_point);
    json_fail_at(json, i, i + (taken > 0 ? (size_t)taken : 1),
                 "Escape sequence \"\\%\" is invalid.");
    return 0;
  }
  for (i++; i < at + 6; i++) {
    if (i == end) {
      json_fail_at(json, json->token_start, end, "Token \"%\" is invalid.");
      return 0;
    }
    if (json_hex(json->text[i]) < 0) {
      json_fail_at(json, i, i, "\"\\u\" must be followed by four hexadecimal digits.");
      return 0;
    }
  }
  return i;
}

/* Reads the string whose opening quote is at token_start. */
static bool json_string(struct json *json) {
  size_t i = json->token_start + 1;
  json->token_escaped = false;
  for (;;) {
    i += json_plain(json->text + i, json->length - i);
    if (i == json->length) {
      json_fail_at(json, json->token_start, i, "Token \"%\" is invalid.");
      return false;
    }
    if (json->text[i] == '"') break;
    if (json->text[i] != '\\') {
      json_fail_at(json, i, i + 1, "Character with value % must be escaped.");
      return false;
    }
    json->token_escaped = true;
    i = json_escape(json, i);
    if (i == 0) return false;
  }
  json->token = json->text + json->token_start + 1;
  json->token_length = i - json->token_start - 1;
  json->position = i + 1;
  return true;
}

/* Reads a number; *taken is where it ends or goes wrong. */
static bool json_number(const char *text, size_t length, size_t *taken) {
  size_t i = 0, digits;
  bool is_sound = true;
  if (i < length && text[i] == '-') i++;
  if (i < length && text[i] == '0') {
    i++;
  } else {
    for (digits = i; i < length && json_is_digit(text[i]);) i++;
    is_sound = i > digits;
  }
  if (is_sound && i < length && text[i] == '.') {
    for (digits = ++i; i < length && json_is_digit(text[i]);) i++;
    is_sound = i > digits;
  }
  if (is_sound && i < length && (text[i] == 'e' || text[i] == 'E')) {
    i++;
    if (i < length && (text[i] == '+' || text[i] == '-')) i++;
    for (digits = i; i < length && json_is_digit(text[i]);) i++;
    is_sound = i > digits;
  }
  *taken = i;
  return is_sound && !(i < length && json_is_word(text[i]));
}

/*
** Reads one lexical token and moves behind it. Returns its kind as a character: one of {}[]:, or
** '"' string, '0' number, 't' 'f' 'n' a word, 'e' the end of the text, 0 after a failure.
*/
static char json_lex(struct json *json) {
  const char *text = json->text;
  size_t start = json->position, i, end = json->length;
  while (start < end &&
         (text[start] == ' ' || text[start] == '\n' || text[start] == '\t' || text[start] == '\r'))
    start++;
  json->token_start = start;
  json->token = text + start;
  json->token_length = 0;
  json->position = start;
  if (start == end) return 'e';
  switch (text[start]) {
  case '{':
  case '}':
  case '[':
  case ']':
  case ':':
  case ',':
    json->token_length = 1;
    json->position = start + 1;
    return text[start];
  case '"': return json_string(json) ? '"' : 0;
  default: break;
  }
  if (text[start] == '-' || json_is_digit(text[start])) {
    size_t taken;
    bool is_sound = json_number(text + start, end - start, &taken);
    i = start + taken;
    if (!is_sound) { /* the complaint is about all that hangs together */
      while (i < end && json_is_word(text[i])) i++;
      json_fail_at(json, start, i, "Token \"%\" is invalid.");
      return 0;
    }
    json->token_length = taken;
    json->position = i;
    return '0';
  }
  for (i = start; i < end && json_is_word(text[i]);) i++;
  json->token_length = i - start;
  json->position = i;
  if (json->token_length == 4 && memcmp(json->token, "true", 4) == 0) return 't';
  if (json->token_length == 5 && memcmp(json->token, "false", 5) == 0) return 'f';
  if (json->token_length == 4 && memcmp(json->token, "null", 4) == 0) return 'n';
  json_fail_at(json, start, i > start ? i : start + 1, "Token \"%\" is invalid.");
  return 0;
}

/* The token is well formed but out of place. */
static enum json_token json_misplaced(struct json *json, char lexed, const char *problem) {
  if (lexed == 0) return JSON_ERROR;
  if (lexed == 'e') return json_fail(json, "The input string ended unexpectedly.");
  return json_fail_at(json, json->token_start, json->position, problem);
}

/* What follows a value in the container that is open now. */
static void json_after_value(struct json *json) {
  unsigned char *state = json_state(json);
  if (json->depth == 0)
    *state = JSON_AT_DONE;
  else if (*state == JSON_AT_FIRST_ELEMENT || *state == JSON_AT_NEXT_ELEMENT)
    *state = JSON_AT_NEXT_ELEMENT;
  else
    *state = JSON_AT_NEXT_KEY;
}

static enum json_token json_value(struct json *json, char lexed) {
  switch (lexed) {
  case '{':
  case '[':
    if (json->depth == LEDGER_JSON_DEPTH_MAX) {
      json_fail(json, "The document is nested too deep.");
      json->code = LEDGER_TOO_COMPLEX;
      return JSON_ERROR;
    }
    json_after_value(json);
    json->stack[json->depth++] = lexed == '{' ? JSON_AT_FIRST_KEY : JSON_AT_FIRST_ELEMENT;
    return lexed == '{' ? JSON_OBJECT : JSON_ARRAY;
  case '"': json_after_value(json); return JSON_STRING;
  case '0': json_after_value(json); return JSON_NUMBER;
  case 't':
  case 'f':
  case 'n':
    json_after_value(json);
    return lexed == 't' ? JSON_TRUE : lexed == 'f' ? JSON_FALSE : JSON_NULL;
  default: return json_misplaced(json, lexed, "Expected JSON value, but found \"%\".");
  }
}

static enum json_token json_key(struct json *json, char lexed, const char *problem) {
  if (lexed != '"') return json_misplaced(json, lexed, problem);
  *json_state(json) = JSON_AT_COLON;
  return JSON_KEY;
}

static enum json_token json_close(struct json *json, enum json_token token) {
  json->depth--;
  if (json->depth == 0) json->stack[0] = JSON_AT_DONE;
  return token;
}

LEDGER_PRIVATE enum json_token json_next(struct json *json) {
  char lexed;
  if (json->problem != NULL) return JSON_ERROR;
  lexed = json_lex(json);
  switch (*json_state(json)) {
  case JSON_AT_START: return json_value(json, lexed);
  case JSON_AT_DONE:
    if (lexed == 'e') return JSON_END;
    return json_misplaced(json, lexed, "Expected end of input, but found \"%\".");
  case JSON_AT_FIRST_KEY:
    if (lexed == '}') return json_close(json, JSON_OBJECT_END);
    return json_key(json, lexed, "Expected string or \"}\", but found \"%\".");
  case JSON_AT_NEXT_KEY:
    if (lexed == '}') return json_close(json, JSON_OBJECT_END);
    if (lexed != ',')
      return json_misplaced(json, lexed, "Expected \",\" or \"}\", but found \"%\".");
    return json_key(json, json_lex(json), "Expected string, but found \"%\".");
  case JSON_AT_COLON:
    if (lexed != ':') return json_misplaced(json, lexed, "Expected \":\", but found \"%\".");
    return json_value(json, json_lex(json));
  case JSON_AT_FIRST_ELEMENT:
    if (lexed == ']') return json_close(json, JSON_ARRAY_END);
    return json_value(json, lexed);
  default:
    if (lexed == ']') return json_close(json, JSON_ARRAY_END);
    if (lexed != ',')
      return json_misplaced(json, lexed, "Expected \",\" or \"]\", but found \"%\".");
    return json_value(json, json_lex(json));
  }
}

LEDGER_PRIVATE bool json_skip(struct json *json, size_t *length) {
  size_t start = json->token_start;
  int outside = json->depth - 1;
  assert(json->depth > 0);
  while (json->depth > outside) {
    if (json_next(json) == JSON_ERROR) return false;
  }
  json->token_start = start;
  json->token = json->text + start;
  json->token_length = json->position - start;
  json->token_escaped = false;
  if (length != NULL) *length = json->token_length;
  return true;
}

LEDGER_PRIVATE int json_error(const struct json *json, ledger_error *error) {
  const char *hole = strchr(json->problem, JSON_HOLE);
  if (json->code == LEDGER_TOO_COMPLEX) {
    error_set(error, LEDGER_TOO_COMPLEX, "stack depth limit exceeded");
    error_detail(error, "A document may be nested %d levels deep.", LEDGER_JSON_DEPTH_MAX);
    return json->code;
  }
  error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type json");
  if (hole == NULL) {
    error_detail(error, "%s", json->problem);
  } else if (json->token_length == 1 && (unsigned char)json->token[0] < 0x20) {
    error_detail(error, "%.*s0x%02x%s", (int)(hole - json->problem), json->problem, json->token[0],
                 hole + 1);
  } else {
    size_t shown = text_offset(json->token, json->token_length,
                               100); /* the detail has room for about so much */
    error_detail(error, "%.*s%.*s%s", (int)(hole - json->problem), json->problem, (int)shown,
                 json->token, hole + 1);
  }
  return json->code;
}

static uint32_t json_hex4(const char *text) {
  uint32_t unit = 0;
  for (int i = 0; i < 4; i++) unit = unit << 4 | (uint32_t)json_hex(text[i]);
  return unit;
}

/*
** Decodes the \u escape whose four digits are at in[0], together with the low surrogate behind it
** where it is a high one. Returns the bytes taken after the 'u', 0 with an error set.
*/
static size_t json_decode_unit(const char *in, size_t length, uint32_t *code_point,
                               ledger_error *error) {
  uint32_t unit = json_hex4(in), low = 0;
  const char *problem = "Unicode low surrogate must follow a high surrogate.";
  *code_point = unit;
  if (unit == 0) {
    error_set(error, LEDGER_UNTRANSLATABLE, "unsupported Unicode escape sequence");
    error_detail(error, "%s", "\\u0000 cannot be converted to text.");
    return 0;
  }
  if (unit < 0xD800 || unit > 0xDFFF) return 4;
  if (unit < 0xDC00 && length >= 10 && in[4] == '\\' && in[5] == 'u') {
    low = json_hex4(in + 6);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      *code_point = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
      return 10;
    }
    if (low >= 0xD800 && low < 0xDC00)
      problem = "Unicode high surrogate must not follow a high surrogate.";
  }
  error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type json");
  error_detail(error, "%s", problem);
  return 0;
}

LEDGER_PRIVATE int json_decode(struct arena *arena, const struct json *json, const char **text,
                               size_t *length, ledger_error *error) {
  const char *in = json->token, *end = json->token + json->token_length;
  char *out, *start;
  if (!json->token_escaped) {
    *text = in;
    *length = json->token_length;
    return LEDGER_OK;
  }
  start = out =
      arena_alloc(arena, json->token_length + 1); /* no escape is shorter than what it stands for */
  if (out == NULL) return error_memory(error);
  while (in < end) {
    size_t plain = json_plain(in, (size_t)(end - in));
    memcpy(out, in, plain);
    in += plain;
    out += plain;
    if (in == end) break;
    in++; /* the backslash; json_next() has checked what follows */
    switch (*in++) {
    case 'b': *out++ = '\b'; break;
    case 'f': *out++ = '\f'; break;
    case 'n': *out++ = '\n'; break;
    case 'r': *out++ = '\r'; break;
    case 't': *out++ = '\t'; break;
    case 'u': {
      uint32_t code_point;
      size_t taken = json_decode_unit(in, (size_t)(end - in), &code_point, error);
      if (taken == 0) return code_point == 0 ? LEDGER_UNTRANSLATABLE : LEDGER_INVALID_TEXT;
      in += taken;
      out += text_encode(code_point, out);
      break;
    }
    default: *out++ = in[-1]; break;
    }
  }
  *out = 0;
  *text = start;
  *length = (size_t)(out - start);
  return LEDGER_OK;
}

/* The bytes of a string, its escapes resolved one at a time. */
struct json_bytes {
  const char *at, *end;
  char decoded[4];
  int have, used;
};

/* The next byte, or -1 at the end. What cannot be decoded counts as what it is encoded as all
** the same. */
static int json_byte(struct json_bytes *bytes) {
  uint32_t code_point;
  if (bytes->used < bytes->have) return (unsigned char)bytes->decoded[bytes->used++];
  if (bytes->at == bytes->end) return -1;
  if (*bytes->at != '\\') return (unsigned char)*bytes->at++;
  bytes->at += 2;
  switch (bytes->at[-1]) {
  case 'b': return '\b';
  case 'f': return '\f';
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'u': break;
  default: return (unsigned char)bytes->at[-1];
  }
  size_t taken = json_decode_unit(bytes->at, (size_t)(bytes->end - bytes->at), &code_point, NULL);
  bytes->at += taken > 0 ? taken : 4;
  bytes->have = text_encode(code_point, bytes->decoded);
  bytes->used = 0;
  return json_byte(bytes);
}

LEDGER_PRIVATE int json_compare(const struct json *a, const struct json *b) {
  if (!a->token_escaped && !b->token_escaped) {
    size_t shorter = a->token_length < b->token_length ? a->token_length : b->token_length;
    int order = memcmp(a->token, b->token, shorter);
    if (order != 0) return order < 0 ? -1 : 1;
    return a->token_length < b->token_length ? -1 : a->token_length > b->token_length;
  }
  struct json_bytes left = {.at = a->token, .end = a->token + a->token_length};
  struct json_bytes right = {.at = b->token, .end = b->token + b->token_length};
  int x, y;
  do {
    x = json_byte(&left);
    y = json_byte(&right);
  } while (x == y && x >= 0);
  return x < y ? -1 : x > y;
}

LEDGER_PRIVATE bool json_is(const struct json *json, const char *text) {
  return json->token_length == strlen(text) && memcmp(json->token, text, json->token_length) == 0;
}

LEDGER_PRIVATE bool json_whole(const struct json *json, int64_t *out) {
  *out = 0;
  for (size_t i = 0; i < json->token_length; i++) {
    char c = json->token[i];
    if (c < '0' || c > '9' || __builtin_mul_overflow(*out, 10, out) ||
        __builtin_add_overflow(*out, c - '0', out))
      return false;
  }
  return json->token_length > 0;
}

/* The token with which the value of a key begins, in the object that the scanner is in; JSON_END if it has no such key. */
static enum json_token json_seek(struct json *json, const char *name) {
  size_t ignored;
  while (json_next(json) == JSON_KEY) {
    bool found = json_is(json, name);
    enum json_token token = json_next(json);
    if (found) return token;
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(json, &ignored)) break;
  }
  return JSON_END;
}

LEDGER_PRIVATE int json_find(struct arena *arena, const char *document, const char *object,
                             const char *member, const char **out, ledger_error *error) {
  struct json json;
  *out = NULL;
  if (document == NULL) return LEDGER_OK;
  json_start(&json, document, strlen(document));
  if (json_next(&json) != JSON_OBJECT) return LEDGER_OK;
  if (object != NULL && json_seek(&json, object) != JSON_OBJECT) return LEDGER_OK;
  enum json_token token = json_seek(&json, member);
  const char *text = json.token;
  size_t length = json.token_length;
  if (token == JSON_STRING) {
    int rc = json_decode(arena, &json, &text, &length, error);
    if (rc != LEDGER_OK) return rc;
  } else if (token == JSON_OBJECT) {
    text = document + json.token_start;
    if (!json_skip(&json, &length)) return LEDGER_OK;
  } else if (token != JSON_NUMBER) {
    return LEDGER_OK;
  }
  *out = arena_copy(arena, text, length);
  return *out == NULL ? error_memory(error) : LEDGER_OK;
}

LEDGER_PRIVATE void json_quote(sqlite3_str *out, const char *text, size_t length) {
  sqlite3_str_appendchar(out, 1, '"');
  while (length > 0) {
    size_t plain = json_plain(text, length);
    if (plain > INT_MAX / 2) plain = INT_MAX / 2; /* sqlite3_str counts in int */
    sqlite3_str_append(out, text, (int)plain);
    text += plain;
    length -= plain;
    if (length == 0) break;
    switch (*text) {
    case '"': sqlite3_str_append(out, "\\\"", 2); break;
    case '\\': sqlite3_str_append(out, "\\\\", 2); break;
    case '\b': sqlite3_str_append(out, "\\b", 2); break;
    case '\f': sqlite3_str_append(out, "\\f", 2); break;
    case '\n': sqlite3_str_append(out, "\\n", 2); break;
    case '\r': sqlite3_str_append(out, "\\r", 2); break;
    case '\t': sqlite3_str_append(out, "\\t", 2); break;
    default: sqlite3_str_appendf(out, "\\u%04x", (unsigned char)*text); break;
    }
    text++;
    length--;
  }
  sqlite3_str_appendchar(out, 1, '"');
}

LEDGER_PRIVATE void json_member(sqlite3_str *out, const char *name, const char *text) {
  int length = sqlite3_str_length(out);
  if (length > 0 && sqlite3_str_value(out)[length - 1] != '{') sqlite3_str_appendchar(out, 1, ',');
  sqlite3_str_appendf(out, "\"%s\":", name);
  if (text == NULL)
    sqlite3_str_appendall(out, "null");
  else
    json_quote(out, text, strlen(text));
}

#undef JSON_HOLE
