/*
** function_strings.c: SQL functions over text: cutting, trimming, padding, case, quoting, concat(),
** format(); and the collation pg_citext. Patterns, addresses and bytea have files of their own.
*/
#include "../internal.h"
#include "function.h"

#define STRINGS_LENGTH_MAX 0x3fffffff /* bytes of a value in PostgreSQL */

static void strings_append(struct function_call *call, const char *text, size_t length) {
  sqlite3_str_append(call->out, text, (int)length);
}

static void strings_append_value(struct function_call *call, int argument) {
  strings_append(call, call->arguments[argument].text, call->arguments[argument].length);
}

static size_t strings_character(const char *text, size_t length) {
  return text_offset(text, length, 1);
}

static int strings_too_long(struct function_call *call) {
  return error_set(&call->error, LEDGER_PROGRAM_LIMIT, "requested length too large");
}

/* Defines the SQL function of a body. */
#define STRINGS_FUNCTION(name, signature)                                                          \
  static void strings_##name(sqlite3_context *context, int count, sqlite3_value **values) {        \
    function_run(context, count, values, signature, strings_##name##_body);                        \
  }

/* ---- whole texts */

static int strings_copy_body(struct function_call *call) {
  for (int i = 0; i < call->count; i++) strings_append_value(call, i);
  return LEDGER_OK;
}

static void strings_copy(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 2 ? "ttt" : "tt", strings_copy_body);
}

static int strings_lower_body(struct function_call *call) {
  string_lower(call->out, call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(lower, "tt")

static int strings_upper_body(struct function_call *call) {
  string_upper(call->out, call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(upper, "tt")

static int strings_initcap_body(struct function_call *call) {
  string_initcap(call->out, call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(initcap, "tt")

static int strings_textlen_body(struct function_call *call) {
  call->integer = (int64_t)text_characters(call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(textlen, "it")

static int strings_octets_body(struct function_call *call) {
  call->integer = (int64_t)call->arguments[0].length;
  return LEDGER_OK;
}
STRINGS_FUNCTION(octets, "it")

static int strings_bpcharlen_body(struct function_call *call) {
  size_t length = call->arguments[0].length;
  while (length > 0 && call->arguments[0].text[length - 1] == ' ') length--;
  call->integer = (int64_t)text_characters(call->arguments[0].text, length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(bpcharlen, "it")

static int strings_reverse_body(struct function_call *call) {
  const struct value *text = &call->arguments[0];
  for (size_t end = text->length; end > 0;) {
    size_t start = end - 1;
    while (start > 0 && ((unsigned char)text->text[start] & 0xc0) == 0x80) start--;
    strings_append(call, text->text + start, end - start);
    end = start;
  }
  return LEDGER_OK;
}
STRINGS_FUNCTION(reverse, "tt")

/* ---- parts */

/* Appends the characters from first (counted from 1) up to but not including end, both anywhere. */
static void strings_append_slice(struct function_call *call, const struct value *text,
                                 int64_t first, int64_t end) {
  if (first < 1) first = 1;
  if (end <= first) return;
  size_t start = text_offset(text->text, text->length, (size_t)(first - 1));
  size_t taken = text_offset(text->text + start, text->length - start, (size_t)(end - first));
  strings_append(call, text->text + start, taken);
}

static int strings_substr_body(struct function_call *call) {
  int64_t first = call->arguments[1].integer;
  int64_t end = INT64_MAX;
  if (call->count == 3) {
    int64_t length = call->arguments[2].integer;
    if (length < 0)
      return error_set(&call->error, LEDGER_SUBSTRING, "negative substring length not allowed");
    if (__builtin_add_overflow(first, length, &end)) end = INT64_MAX;
  }
  strings_append_slice(call, &call->arguments[0], first, end);
  return LEDGER_OK;
}

static void strings_substr(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 3 ? "ttii" : "tti", strings_substr_body);
}

/* left() and right(): a negative count leaves so many characters out at the other end. */
static int strings_left_body(struct function_call *call) {
  int64_t count = call->arguments[1].integer;
  if (count < 0)
    count += (int64_t)text_characters(call->arguments[0].text, call->arguments[0].length);
  if (count > 0) strings_append_slice(call, &call->arguments[0], 1, count + 1);
  return LEDGER_OK;
}
STRINGS_FUNCTION(left, "tti")

static int strings_right_body(struct function_call *call) {
  int64_t count = call->arguments[1].integer;
  int64_t skipped = -count;
  if (count >= 0)
    skipped = (int64_t)text_characters(call->arguments[0].text, call->arguments[0].length) - count;
  strings_append_slice(call, &call->arguments[0], skipped + 1, INT64_MAX);
  return LEDGER_OK;
}
STRINGS_FUNCTION(right, "tti")

/* overlay(text placing part from first for length) */
static int strings_overlay_body(struct function_call *call) {
  int64_t first = call->arguments[2].integer;
  int64_t length = call->count == 4 ? call->arguments[3].integer
                                    : (int64_t)text_characters(call->arguments[1].text,
                                                               call->arguments[1].length);
  int64_t next = 0;
  if (first <= 0)
    return error_set(&call->error, LEDGER_SUBSTRING, "negative substring length not allowed");
  if (__builtin_add_overflow(first, length, &next) || next > INT32_MAX || next < INT32_MIN) {
    return error_set(&call->error, LEDGER_OUT_OF_RANGE, "integer out of range");
  }
  strings_append_slice(call, &call->arguments[0], 1, first);
  strings_append_value(call, 1);
  strings_append_slice(call, &call->arguments[0], next, INT64_MAX);
  return LEDGER_OK;
}

static void strings_overlay(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 4 ? "tttii" : "ttti", strings_overlay_body);
}

/* Offset of `part` at or after `from`; SIZE_MAX if it is not there. */
static size_t strings_find(const struct value *text, size_t from, const struct value *part) {
  const char *found = memmem(text->text + from, text->length - from, part->text, part->length);
  return found ? (size_t)(found - text->text) : SIZE_MAX;
}

static int strings_position_body(struct function_call *call) {
  size_t at = strings_find(&call->arguments[0], 0, &call->arguments[1]);
  call->integer = at == SIZE_MAX ? 0 : (int64_t)text_characters(call->arguments[0].text, at) + 1;
  return LEDGER_OK;
}
STRINGS_FUNCTION(position, "itt")

static int strings_starts_with_body(struct function_call *call) {
  const struct value *text = &call->arguments[0];
  const struct value *part = &call->arguments[1];
  call->integer = text->length >= part->length && memcmp(text->text, part->text, part->length) == 0;
  return LEDGER_OK;
}
STRINGS_FUNCTION(starts_with, "itt")

/* The n-th field, from the end if n is negative. */
static int strings_split_part_body(struct function_call *call) {
  const struct value *text = &call->arguments[0];
  const struct value *separator = &call->arguments[1];
  int64_t wanted = call->arguments[2].integer;
  if (wanted == 0)
    return error_set(&call->error, LEDGER_INVALID_PARAMETER, "field position must not be zero");
  if (separator->length == 0) {
    if (wanted == 1 || wanted == -1) strings_append_value(call, 0);
    return LEDGER_OK;
  }
  if (wanted < 0) {
    int64_t fields = 1;
    for (size_t at = 0; (at = strings_find(text, at, separator)) != SIZE_MAX;
         at += separator->length)
      fields++;
    wanted += fields + 1;
    if (wanted <= 0) return LEDGER_OK;
  }
  size_t start = 0;
  for (;; wanted--) {
    size_t at = strings_find(text, start, separator);
    if (wanted == 1)
      strings_append(call, text->text + start, (at == SIZE_MAX ? text->length : at) - start);
    if (wanted == 1 || at == SIZE_MAX) return LEDGER_OK;
    start = at + separator->length;
  }
}
STRINGS_FUNCTION(split_part, "ttti")

/* ---- trimming and padding */

static bool strings_is_among(const char *character, size_t length, const struct value *set) {
  for (size_t i = 0, taken; i < set->length; i += taken) {
    taken = strings_character(set->text + i, set->length - i);
    if (taken == length && memcmp(set->text + i, character, length) == 0) return true;
  }
  return false;
}

/* With one argument spaces are trimmed, with two each of the second's characters. */
static int strings_trim(struct function_call *call, bool at_start, bool at_end) {
  static const struct value space = {.kind = VALUE_TEXT, .text = " ", .length = 1};
  const struct value *set = call->count == 2 ? &call->arguments[1] : &space;
  const char *text = call->arguments[0].text;
  size_t start = 0;
  size_t end = call->arguments[0].length;
  while (at_start && start < end) {
    size_t taken = strings_character(text + start, end - start);
    if (!strings_is_among(text + start, taken, set)) break;
    start += taken;
  }
  while (at_end && start < end) {
    size_t last = end - 1;
    while (last > start && ((unsigned char)text[last] & 0xc0) == 0x80) last--;
    if (!strings_is_among(text + last, end - last, set)) break;
    end = last;
  }
  strings_append(call, text + start, end - start);
  return LEDGER_OK;
}

static int strings_btrim_body(struct function_call *call) {
  return strings_trim(call, true, true);
}

static int strings_ltrim_body(struct function_call *call) {
  return strings_trim(call, true, false);
}

static int strings_rtrim_body(struct function_call *call) {
  return strings_trim(call, false, true);
}

static void strings_btrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 2 ? "ttt" : "tt", strings_btrim_body);
}

static void strings_ltrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 2 ? "ttt" : "tt", strings_ltrim_body);
}

static void strings_rtrim(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 2 ? "ttt" : "tt", strings_rtrim_body);
}

/* Appends the fill, over and over, for so many characters. */
static void strings_append_fill(struct function_call *call, const struct value *fill,
                                int64_t characters) {
  int64_t in_fill = (int64_t)text_characters(fill->text, fill->length);
  if (in_fill == 0) return; /* broken UTF-8 that a foreign program stored */
  for (; characters >= in_fill && sqlite3_str_errcode(call->out) == SQLITE_OK;
       characters -= in_fill) {
    strings_append(call, fill->text, fill->length);
  }
  if (characters > 0) strings_append_slice(call, fill, 1, characters + 1);
}

static int strings_pad(struct function_call *call, bool at_start) {
  static const struct value space = {.kind = VALUE_TEXT, .text = " ", .length = 1};
  const struct value *fill = call->count == 3 ? &call->arguments[2] : &space;
  int64_t characters = (int64_t)text_characters(call->arguments[0].text, call->arguments[0].length);
  int64_t wanted = call->arguments[1].integer < 0 ? 0 : call->arguments[1].integer;
  if (fill->length == 0 && wanted > characters) wanted = characters;
  if (wanted > STRINGS_LENGTH_MAX / 4) return strings_too_long(call);
  int64_t missing = wanted - characters;
  if (at_start && missing > 0) strings_append_fill(call, fill, missing);
  strings_append_slice(call, &call->arguments[0], 1, wanted + 1);
  if (!at_start && missing > 0) strings_append_fill(call, fill, missing);
  return LEDGER_OK;
}

static int strings_lpad_body(struct function_call *call) {
  return strings_pad(call, true);
}

static int strings_rpad_body(struct function_call *call) {
  return strings_pad(call, false);
}

static void strings_lpad(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 3 ? "ttit" : "tti", strings_lpad_body);
}

static void strings_rpad(sqlite3_context *context, int count, sqlite3_value **values) {
  function_run(context, count, values, count == 3 ? "ttit" : "tti", strings_rpad_body);
}

static int strings_repeat_body(struct function_call *call) {
  int64_t times = call->arguments[1].integer;
  int64_t length = (int64_t)call->arguments[0].length;
  if (times <= 0 || length == 0) return LEDGER_OK;
  if (times > STRINGS_LENGTH_MAX / length) return strings_too_long(call);
  for (; times > 0 && sqlite3_str_errcode(call->out) == SQLITE_OK; times--)
    strings_append_value(call, 0);
  return LEDGER_OK;
}
STRINGS_FUNCTION(repeat, "tti")

/* ---- replacing */

static int strings_replace_body(struct function_call *call) {
  const struct value *text = &call->arguments[0];
  const struct value *from = &call->arguments[1];
  size_t start = 0;
  size_t at = 0;
  while (from->length > 0 && (at = strings_find(text, start, from)) != SIZE_MAX) {
    strings_append(call, text->text + start, at - start);
    strings_append_value(call, 2);
    start = at + from->length;
  }
  strings_append(call, text->text + start, text->length - start);
  return LEDGER_OK;
}
STRINGS_FUNCTION(replace, "tttt")

/* Each character found in the second argument becomes the one at its place in the third, or goes if
** there is none. */
static int strings_translate_body(struct function_call *call) {
  const struct value *text = &call->arguments[0];
  const struct value *from = &call->arguments[1];
  const struct value *to = &call->arguments[2];
  for (size_t i = 0, taken; i < text->length; i += taken) {
    taken = strings_character(text->text + i, text->length - i);
    int64_t place = 0;
    size_t j = 0;
    for (; j < from->length; place++) {
      size_t width = strings_character(from->text + j, from->length - j);
      if (width == taken && memcmp(from->text + j, text->text + i, taken) == 0) break;
      j += width;
    }
    if (j == from->length) {
      strings_append(call, text->text + i, taken);
    } else {
      strings_append_slice(call, to, place + 1, place + 2);
    }
  }
  return LEDGER_OK;
}
STRINGS_FUNCTION(translate, "tttt")

/* ---- characters and numbers */

static int strings_ascii_body(struct function_call *call) {
  uint32_t code_point = 0;
  text_decode(call->arguments[0].text, call->arguments[0].length, &code_point);
  call->integer = code_point;
  return LEDGER_OK;
}
STRINGS_FUNCTION(ascii, "it")

static int strings_chr_body(struct function_call *call) {
  int64_t code = call->arguments[0].integer;
  if (code < 0)
    return error_set(&call->error, LEDGER_INVALID_PARAMETER, "character number must be positive");
  if (code == 0)
    return error_set(&call->error, LEDGER_PROGRAM_LIMIT, "null character not permitted");
  if (code > 0x10ffff) {
    return error_set(&call->error, LEDGER_PROGRAM_LIMIT,
                     "requested character too large for encoding: %lld", (long long)code);
  }
  if (code >= 0xd800 && code < 0xe000) {
    return error_set(&call->error, LEDGER_PROGRAM_LIMIT,
                     "requested character not valid for encoding: %lld", (long long)code);
  }
  char bytes[4];
  strings_append(call, bytes, (size_t)text_encode((uint32_t)code, bytes));
  return LEDGER_OK;
}
STRINGS_FUNCTION(chr, "ti")

static int strings_to_hex32_body(struct function_call *call) {
  sqlite3_str_appendf(call->out, "%x", (unsigned)(call->arguments[0].integer & 0xffffffff));
  return LEDGER_OK;
}
STRINGS_FUNCTION(to_hex32, "ti")

static int strings_to_hex64_body(struct function_call *call) {
  sqlite3_str_appendf(call->out, "%llx", (unsigned long long)call->arguments[0].integer);
  return LEDGER_OK;
}
STRINGS_FUNCTION(to_hex64, "tl")

/* ---- quoting */

static int strings_quote_ident_body(struct function_call *call) {
  quote_identifier(call->out, call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(quote_ident, "tt")

static int strings_quote_literal_body(struct function_call *call) {
  quote_literal(call->out, call->arguments[0].text, call->arguments[0].length);
  return LEDGER_OK;
}
STRINGS_FUNCTION(quote_literal, "tt")

static void strings_quote_nullable(sqlite3_context *context, int count, sqlite3_value **values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
    sqlite3_result_text(context, "NULL", 4, SQLITE_STATIC);
  } else {
    strings_quote_literal(context, count, values);
  }
}

/* ---- casts: bpchar(text, n, explicit), varchar(text, n, explicit), name */

static int strings_cast(struct function_call *call, enum type_id id, int64_t length,
                        bool is_explicit) {
  struct type type = {.id = id, .length = length < 0 || length > INT32_MAX ? -1 : (int)length};
  struct value out;
  int rc = string_input(&type, call->arguments[0].text, call->arguments[0].length, is_explicit,
                        call->arena, &out, &call->error);
  if (rc == LEDGER_OK) strings_append(call, out.text, out.length);
  return rc;
}

static int strings_bpchar_body(struct function_call *call) {
  return strings_cast(call, TYPE_BPCHAR, call->arguments[1].integer,
                      call->arguments[2].integer != 0);
}
STRINGS_FUNCTION(bpchar, "ttii")

static int strings_varchar_body(struct function_call *call) {
  return strings_cast(call, TYPE_VARCHAR, call->arguments[1].integer,
                      call->arguments[2].integer != 0);
}
STRINGS_FUNCTION(varchar, "ttii")

static int strings_name_body(struct function_call *call) {
  return strings_cast(call, TYPE_NAME, -1, false);
}
STRINGS_FUNCTION(name, "tt")

static int strings_bpchar_name_body(struct function_call *call) {
  struct value *text = &call->arguments[0];
  text->length = string_name_length(text->text, text->length);
  return strings_trim(call, false, true);
}
STRINGS_FUNCTION(bpchar_name, "tt")

/* ---- concat(), concat_ws(), format(): values of any type, each behind the name of its type */

/* Appends the value as its type's output function prints it; false and the error set if that fails.
** */
static bool strings_append_any(sqlite3_context *context, sqlite3_value **pair, sqlite3_str *out) {
  ledger_error error;
  struct value name = function_text(pair[0]);
  struct value value = function_argument(pair[1]);
  struct type type;
  int rc = type_parse(name.text ? name.text : "", &type, &error);
  if (rc == LEDGER_OK) rc = type_output(&type, &value, out, &error);
  if (rc != LEDGER_OK) function_fail(context, &error);
  return rc == LEDGER_OK;
}

static void strings_finish(sqlite3_context *context, sqlite3_str *out, bool is_done) {
  int rc = sqlite3_str_errcode(out);
  int length = sqlite3_str_length(out);
  char *text = sqlite3_str_finish(out);
  if (!is_done) {
    sqlite3_free(text);
  } else if (rc == SQLITE_TOOBIG) {
    sqlite3_result_error_toobig(context);
  } else if (rc != SQLITE_OK) {
    sqlite3_result_error_nomem(context);
  } else {
    sqlite3_result_text(context, text ? text : "", length, text ? sqlite3_free : SQLITE_STATIC);
  }
}

/* NULLs are left out, with their separators. */
static void strings_join(sqlite3_context *context, int count, sqlite3_value **pairs,
                         const struct value *separator) {
  sqlite3_str *out = sqlite3_str_new(sqlite3_context_db_handle(context));
  bool is_done = true;
  bool is_first = true;
  for (int i = 0; i + 1 < count && is_done; i += 2) {
    if (sqlite3_value_type(pairs[i + 1]) == SQLITE_NULL) continue;
    if (!is_first) sqlite3_str_append(out, separator->text, (int)separator->length);
    is_first = false;
    is_done = strings_append_any(context, pairs + i, out);
  }
  strings_finish(context, out, is_done);
}

static void strings_concat(sqlite3_context *context, int count, sqlite3_value **values) {
  static const struct value nothing = {.kind = VALUE_TEXT, .text = "", .length = 0};
  strings_join(context, count, values, &nothing);
}

static void strings_concat_ws(sqlite3_context *context, int count, sqlite3_value **values) {
  if (count == 0) return; /* only a foreign program calls it so */
  struct value separator = function_argument(values[0]);
  if (separator.kind == VALUE_TEXT) strings_join(context, count - 1, values + 1, &separator);
}

struct strings_format {
  sqlite3_context *context;
  const char *text; /* the format, and where in it we are */
  const char *end;
  sqlite3_value **pairs;
  int pairs_count;
  int next; /* pair that is next, from 0 */
  sqlite3_str *out;
  ledger_error error;
};

static bool strings_format_fail(struct strings_format *format, int code, const char *message) {
  error_set(&format->error, code, "%s", message);
  function_fail(format->context, &format->error);
  return false;
}

/* Goes on to the next byte of a specifier, which may not end here. */
static bool strings_format_step(struct strings_format *format) {
  format->text++;
  if (format->text < format->end) return true;
  return strings_format_fail(format, LEDGER_INVALID_PARAMETER,
                             "unterminated format() type specifier");
}

/* Digits, if there are any; *number stays as it is if not. */
static bool strings_format_number(struct strings_format *format, int *number) {
  int64_t read = 0;
  bool is_any = false;
  while (*format->text >= '0' && *format->text <= '9') {
    read = read * 10 + (*format->text - '0');
    if (read > INT32_MAX)
      return strings_format_fail(format, LEDGER_OUT_OF_RANGE, "number is out of range");
    is_any = true;
    if (!strings_format_step(format)) return false;
  }
  if (is_any) *number = (int)read;
  return true;
}

/* The pair to take: the one named, or the next. NULL: there is none, the error is set. */
static sqlite3_value **strings_format_pair(struct strings_format *format, int position) {
  if (position > 0) format->next = position - 1;
  if (format->next >= format->pairs_count) {
    strings_format_fail(format, LEDGER_INVALID_PARAMETER, "too few arguments for format()");
    return NULL;
  }
  return format->pairs + 2 * (size_t)format->next++;
}

static bool strings_format_is_zero(struct strings_format *format, int position) {
  if (position != 0) return true;
  return strings_format_fail(format, LEDGER_INVALID_PARAMETER,
                             "format specifies argument 0, but arguments are numbered from 1");
}

/* The width given by an argument: an integer, or a text that reads as one; NULL is 0. */
static bool strings_format_width(struct strings_format *format, int position, int64_t *width) {
  sqlite3_value **pair = strings_format_pair(format, position);
  if (!pair) return false;
  struct value value = function_argument(pair[1]);
  if (value.kind == VALUE_TEXT &&
      integer_input(TYPE_INT4, value.text, value.length, &value, &format->error) != LEDGER_OK) {
    function_fail(format->context, &format->error);
    return false;
  }
  *width = value.kind == VALUE_INTEGER ? value.integer : 0;
  if (*width > INT32_MIN && *width <= INT32_MAX) return true;
  return strings_format_fail(format, LEDGER_OUT_OF_RANGE, "number is out of range");
}

/* Appends one value as %s, %I or %L asks, padded with spaces to the width, on the right if it is
** negative. */
static bool strings_format_value(struct strings_format *format, sqlite3_value **pair, char letter,
                                 int64_t width) {
  sqlite3_str *plain = sqlite3_str_new(sqlite3_context_db_handle(format->context));
  sqlite3_str *piece = sqlite3_str_new(sqlite3_context_db_handle(format->context));
  bool is_null = sqlite3_value_type(pair[1]) == SQLITE_NULL;
  bool is_done = is_null || strings_append_any(format->context, pair, plain);
  if (is_done && is_null && letter == 'I') {
    is_done = strings_format_fail(format, LEDGER_NULL_NOT_ALLOWED,
                                  "null values cannot be formatted as an SQL identifier");
  }
  const char *text = sqlite3_str_value(plain);
  size_t length = (size_t)sqlite3_str_length(plain);
  if (!text) text = "";
  if (letter == 's') {
    sqlite3_str_append(piece, text, (int)length);
  } else if (letter == 'I') {
    quote_identifier(piece, text, length);
  } else if (is_null) {
    sqlite3_str_append(piece, "NULL", 4);
  } else {
    quote_literal(piece, text, length);
  }
  text = sqlite3_str_value(piece);
  length = (size_t)sqlite3_str_length(piece);
  int64_t missing =
      (width < 0 ? -width : width) - (int64_t)text_characters(text ? text : "", length);
  if (missing > 0 && width > 0) sqlite3_str_appendchar(format->out, (int)missing, ' ');
  if (length > 0) sqlite3_str_append(format->out, text, (int)length);
  if (missing > 0 && width < 0) sqlite3_str_appendchar(format->out, (int)missing, ' ');
  if (sqlite3_str_errcode(plain) != SQLITE_OK || sqlite3_str_errcode(piece) != SQLITE_OK) {
    is_done = strings_format_fail(format, LEDGER_MEMORY, "out of memory");
  }
  sqlite3_free(sqlite3_str_finish(plain));
  sqlite3_free(sqlite3_str_finish(piece));
  return is_done;
}

/* One specifier: %[position$][-][width|*|*position$](s|I|L). We are behind the percent sign. */
static bool strings_format_specifier(struct strings_format *format) {
  int position = -1;
  int width_position = -1;
  int number = -1;
  int64_t width = 0;
  bool is_left = false;
  if (!strings_format_number(format, &number)) return false;
  if (number >= 0 && *format->text == '$') {
    position = number;
    number = -1;
    if (!strings_format_is_zero(format, position) || !strings_format_step(format)) return false;
  }
  if (number >= 0) {
    width = number;
  } else {
    for (; *format->text == '-'; is_left = true) {
      if (!strings_format_step(format)) return false;
    }
    bool is_star = *format->text == '*';
    if (is_star && !strings_format_step(format)) return false;
    if (!strings_format_number(format, &number)) return false;
    if (!is_star) {
      width = number < 0 ? 0 : number;
    } else if (number >= 0) {
      width_position = number;
      if (*format->text != '$') {
        return strings_format_fail(format, LEDGER_INVALID_PARAMETER,
                                   "width argument position must be ended by \"$\"");
      }
      if (!strings_format_is_zero(format, width_position) || !strings_format_step(format))
        return false;
    } else {
      width_position = 0;
    }
  }
  char letter = *format->text;
  if (letter != 's' && letter != 'I' && letter != 'L') {
    error_set(
        &format->error, LEDGER_INVALID_PARAMETER, "unrecognized format() type specifier \"%.*s\"",
        (int)strings_character(format->text, (size_t)(format->end - format->text)), format->text);
    function_fail(format->context, &format->error);
    return false;
  }
  format->text++;
  if (width_position >= 0 && !strings_format_width(format, width_position, &width)) return false;
  sqlite3_value **pair = strings_format_pair(format, position);
  return pair && strings_format_value(format, pair, letter, is_left && width > 0 ? -width : width);
}

static void strings_format(sqlite3_context *context, int count, sqlite3_value **values) {
  if (count == 0) return; /* only a foreign program calls it so */
  struct value text = function_argument(values[0]);
  if (text.kind != VALUE_TEXT) return;
  struct strings_format format = {.context = context,
                                  .text = text.text,
                                  .end = text.text + text.length,
                                  .pairs = values + 1,
                                  .pairs_count = (count - 1) / 2,
                                  .out = sqlite3_str_new(sqlite3_context_db_handle(context))};
  bool is_done = true;
  while (is_done && format.text < format.end) {
    const char *percent = memchr(format.text, '%', (size_t)(format.end - format.text));
    const char *stop = percent ? percent : format.end;
    sqlite3_str_append(format.out, format.text, (int)(stop - format.text));
    format.text = stop;
    if (!percent) break;
    is_done = strings_format_step(&format);
    if (is_done && *format.text == '%') {
      sqlite3_str_append(format.out, format.text++, 1);
    } else if (is_done) {
      is_done = strings_format_specifier(&format);
    }
  }
  strings_finish(context, format.out, is_done);
}

static int strings_collate(void *data, int a_length, const void *a, int b_length, const void *b) {
  (void)data;
  return string_compare_citext(a, (size_t)a_length, b, (size_t)b_length);
}

int function_strings_register(sqlite3 *db, struct function_session *session) {
  static const struct function_row rows[] = {
      {"pg_textcat", 2, FUNCTION_STRICT, strings_copy, NULL},
      {"pg_name_text", 1, FUNCTION_STRICT, strings_copy, NULL},
      {"pg_xmltotext", 1, FUNCTION_STRICT, strings_copy, NULL},
      {"pg_texttoxml", 1, FUNCTION_STRICT, strings_copy, NULL},
      {"pg_name_bpchar", 1, FUNCTION_STRICT, strings_copy, NULL},
      {"pg_lower", 1, FUNCTION_STRICT, strings_lower, NULL},
      {"pg_upper", 1, FUNCTION_STRICT, strings_upper, NULL},
      {"pg_initcap", 1, FUNCTION_STRICT, strings_initcap, NULL},
      {"pg_textlen", 1, FUNCTION_STRICT, strings_textlen, NULL},
      {"pg_textoctetlen", 1, FUNCTION_STRICT, strings_octets, NULL},
      {"pg_bpcharoctetlen", 1, FUNCTION_STRICT, strings_octets, NULL},
      {"pg_bpcharlen", 1, FUNCTION_STRICT, strings_bpcharlen, NULL},
      {"pg_text_reverse", 1, FUNCTION_STRICT, strings_reverse, NULL},
      {"pg_text_substr", 3, FUNCTION_STRICT, strings_substr, NULL},
      {"pg_text_substr_no_len", 2, FUNCTION_STRICT, strings_substr, NULL},
      {"pg_text_left", 2, FUNCTION_STRICT, strings_left, NULL},
      {"pg_text_right", 2, FUNCTION_STRICT, strings_right, NULL},
      {"pg_textoverlay", 4, FUNCTION_STRICT, strings_overlay, NULL},
      {"pg_textoverlay_no_len", 3, FUNCTION_STRICT, strings_overlay, NULL},
      {"pg_textpos", 2, FUNCTION_STRICT, strings_position, NULL},
      {"pg_text_starts_with", 2, FUNCTION_STRICT, strings_starts_with, NULL},
      {"pg_split_part", 3, FUNCTION_STRICT, strings_split_part, NULL},
      {"pg_btrim", 2, FUNCTION_STRICT, strings_btrim, NULL},
      {"pg_btrim1", 1, FUNCTION_STRICT, strings_btrim, NULL},
      {"pg_ltrim", 2, FUNCTION_STRICT, strings_ltrim, NULL},
      {"pg_ltrim1", 1, FUNCTION_STRICT, strings_ltrim, NULL},
      {"pg_rtrim", 2, FUNCTION_STRICT, strings_rtrim, NULL},
      {"pg_rtrim1", 1, FUNCTION_STRICT, strings_rtrim, NULL},
      {"pg_lpad", 2, FUNCTION_STRICT, strings_lpad, NULL},
      {"pg_lpad", 3, FUNCTION_STRICT, strings_lpad, NULL},
      {"pg_rpad", 2, FUNCTION_STRICT, strings_rpad, NULL},
      {"pg_rpad", 3, FUNCTION_STRICT, strings_rpad, NULL},
      {"pg_repeat", 2, FUNCTION_STRICT, strings_repeat, NULL},
      {"pg_replace_text", 3, FUNCTION_STRICT, strings_replace, NULL},
      {"pg_translate", 3, FUNCTION_STRICT, strings_translate, NULL},
      {"pg_ascii", 1, FUNCTION_STRICT, strings_ascii, NULL},
      {"pg_chr", 1, FUNCTION_STRICT, strings_chr, NULL},
      {"pg_to_hex32", 1, FUNCTION_STRICT, strings_to_hex32, NULL},
      {"pg_to_hex64", 1, FUNCTION_STRICT, strings_to_hex64, NULL},
      {"pg_quote_ident", 1, FUNCTION_STRICT, strings_quote_ident, NULL},
      {"pg_quote_literal", 1, FUNCTION_STRICT, strings_quote_literal, NULL},
      {"pg_quote_nullable", 1, 0, strings_quote_nullable, NULL},
      {"pg_bpchar", 3, FUNCTION_STRICT, strings_bpchar, NULL},
      {"pg_varchar", 3, FUNCTION_STRICT, strings_varchar, NULL},
      {"pg_text_name", 1, FUNCTION_STRICT, strings_name, NULL},
      {"pg_bpchar_name", 1, FUNCTION_STRICT, strings_bpchar_name, NULL},
      {"pg_text_concat", -1, 0, strings_concat, NULL},
      {"pg_text_concat_ws", -1, 0, strings_concat_ws, NULL},
      {"pg_text_format", -1, 0, strings_format, NULL},
      {"pg_text_format_nv", 1, 0, strings_format, NULL},
  };
  int rc = function_register(db, session, rows, sizeof rows / sizeof *rows);
  if (rc == SQLITE_OK)
    rc = sqlite3_create_collation_v2(db, "pg_citext", SQLITE_UTF8, NULL, strings_collate, NULL);
  if (rc == SQLITE_OK) rc = function_patterns_register(db, session);
  if (rc == SQLITE_OK) rc = function_network_register(db, session);
  if (rc == SQLITE_OK) rc = function_bytes_register(db, session);
  return rc;
}

#undef STRINGS_LENGTH_MAX
#undef STRINGS_FUNCTION
