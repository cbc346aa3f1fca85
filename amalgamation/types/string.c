/*
** string.c: text, character varying(n), character(n), name, citext and xml. All are stored as they
** were given, but for character(n), which is padded, name, which is cut to 63 bytes, and spaces
** beyond n. xml is not parsed.
*/
#include "../internal.h"

static int string_corrupt(const struct type *type, ledger_error *error) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  type_format(name, type);
  char *spelled = sqlite3_str_finish(name);
  int rc =
      error_set(error, LEDGER_CORRUPT, "stored value is not of type %s", spelled ? spelled : "");
  sqlite3_free(spelled);
  return rc;
}

size_t string_name_length(const char *text, size_t length) {
  if (length <= LEDGER_NAME_MAX) return length;
  length = LEDGER_NAME_MAX;
  while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  return length;
}

/* The bytes of the first n characters of a text that has more; TOO_LONG if more than spaces would
** be lost. */
static int string_cut(const struct type *type, const char *text, size_t length, bool is_explicit,
                      size_t *kept, ledger_error *error) {
  *kept = text_offset(text, length, (size_t)type->length);
  if (is_explicit) return LEDGER_OK;
  for (size_t i = *kept; i < length; i++) {
    if (text[i] != ' ') {
      return error_set(error, LEDGER_TOO_LONG, "value too long for type character%s(%d)",
                       type->id == TYPE_VARCHAR ? " varying" : "", type->length);
    }
  }
  return LEDGER_OK;
}

static int string_pad(const char *text, size_t length, size_t spaces, struct arena *arena,
                      struct value *out, ledger_error *error) {
  char *padded = arena_alloc(arena, length + spaces + 1);
  if (!padded) return error_memory(error);
  memcpy(padded, text, length);
  memset(padded + length, ' ', spaces);
  padded[length + spaces] = '\0';
  *out = (struct value){.kind = VALUE_TEXT, .text = padded, .length = length + spaces};
  return LEDGER_OK;
}

int string_input(const struct type *type, const char *text, size_t length, bool is_explicit,
                 struct arena *arena, struct value *out, ledger_error *error) {
  int rc = text_check(text, length, error);
  if (rc != LEDGER_OK) return rc;
  size_t kept = length;
  if (type->id == TYPE_NAME) {
    kept = string_name_length(text, length);
  } else if ((type->id == TYPE_VARCHAR || type->id == TYPE_BPCHAR) && type->length >= 0) {
    size_t limit = (size_t)type->length;
    if (length > limit || type->id == TYPE_BPCHAR) {
      size_t characters = text_characters(text, length);
      if (characters > limit) {
        rc = string_cut(type, text, length, is_explicit, &kept, error);
        if (rc != LEDGER_OK) return rc;
      } else if (characters < limit && type->id == TYPE_BPCHAR) {
        return string_pad(text, length, limit - characters, arena, out, error);
      }
    }
  }
  *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = kept};
  return LEDGER_OK;
}

int string_output(const struct type *type, const struct value *stored, sqlite3_str *out,
                  ledger_error *error) {
  if (stored->kind != VALUE_TEXT || stored->length > LEDGER_TEXT_MAX)
    return string_corrupt(type, error);
  int rc = text_check(stored->text, stored->length, error);
  if (rc != LEDGER_OK) return rc;
  bool fits = true;
  if (type->id == TYPE_NAME) {
    fits = stored->length <= LEDGER_NAME_MAX;
  } else if (type->id == TYPE_VARCHAR && type->length >= 0) {
    size_t limit = (size_t)type->length;
    fits = stored->length <= limit || text_characters(stored->text, stored->length) <= limit;
  } else if (type->id == TYPE_BPCHAR && type->length >= 0) {
    fits = text_characters(stored->text, stored->length) == (size_t)type->length;
  }
  if (!fits) return string_corrupt(type, error);
  if (type->id == TYPE_XML)
    xml_print(out, stored->text, stored->length);
  else
    sqlite3_str_append(out, stored->text, (int)stored->length);
  return LEDGER_OK;
}

static size_t string_unpadded(const struct value *value) {
  size_t length = value->length;
  while (length > 0 && value->text[length - 1] == ' ') length--;
  return length;
}

/* The next character lowered; a byte that begins none stands for itself, above all characters. */
static uint32_t string_next_lower(const char *text, size_t length, size_t *position) {
  uint32_t code_point = 0;
  int taken = text_decode(text + *position, length - *position, &code_point);
  if (taken == 0) return 0x110000u + (unsigned char)text[(*position)++];
  *position += (size_t)taken;
  return text_lower(code_point);
}

int string_compare_citext(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t i = 0;
  size_t j = 0;
  while (i < a_length && j < b_length) {
    uint32_t left = string_next_lower(a, a_length, &i);
    uint32_t right = string_next_lower(b, b_length, &j);
    if (left != right) return left < right ? -1 : 1;
  }
  return (i < a_length) - (j < b_length);
}

/* The order of bytes is the order of code points in UTF-8, which is PostgreSQL's order in C.UTF-8.
** */
static int string_compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length) {
  size_t common = a_length < b_length ? a_length : b_length;
  int order = common > 0 ? memcmp(a, b, common) : 0;
  if (order != 0) return order < 0 ? -1 : 1;
  return (a_length > b_length) - (a_length < b_length);
}

int string_compare(const struct type *type, const struct value *a, const struct value *b) {
  if (type->id == TYPE_CITEXT) return string_compare_citext(a->text, a->length, b->text, b->length);
  if (type->id == TYPE_BPCHAR) {
    return string_compare_bytes(a->text, string_unpadded(a), b->text, string_unpadded(b));
  }
  return string_compare_bytes(a->text, a->length, b->text, b->length);
}

static void string_append(sqlite3_str *out, uint32_t code_point) {
  char bytes[4];
  sqlite3_str_append(out, bytes, text_encode(code_point, bytes));
}

/* Appends with `change` done to each character; runs of ASCII that it leaves alone go in one piece.
** */
static void string_change(sqlite3_str *out, const char *text, size_t length,
                          uint32_t (*change)(uint32_t)) {
  size_t start = 0;
  size_t i = 0;
  while (i < length) {
    uint32_t code_point = 0;
    int taken = text_decode(text + i, length - i, &code_point);
    if (taken == 0) {
      i++;
      continue;
    }
    uint32_t changed = change(code_point);
    if (changed != code_point) {
      sqlite3_str_append(out, text + start, (int)(i - start));
      string_append(out, changed);
      start = i + (size_t)taken;
    }
    i += (size_t)taken;
  }
  sqlite3_str_append(out, text + start, (int)(length - start));
}

void string_lower(sqlite3_str *out, const char *text, size_t length) {
  string_change(out, text, length, text_lower);
}

void string_upper(sqlite3_str *out, const char *text, size_t length) {
  string_change(out, text, length, text_upper);
}

void string_initcap(sqlite3_str *out, const char *text, size_t length) {
  bool in_word = false;
  for (size_t i = 0; i < length;) {
    uint32_t code_point = 0;
    int taken = text_decode(text + i, length - i, &code_point);
    if (taken == 0) {
      sqlite3_str_append(out, text + i++, 1);
      continue;
    }
    uint32_t changed = in_word ? text_lower(code_point) : text_upper(code_point);
    string_append(out, changed);
    in_word = text_is_alphanumeric(changed);
    i += (size_t)taken;
  }
}
