/*
** uuid.c: uuid. Stored as PostgreSQL prints it: 36 characters, lower case, with hyphens.
*/
#include "../internal.h"

#define UUID_LENGTH 36

static bool uuid_has_hyphen(size_t position) {
  return position == 8 || position == 13 || position == 18 || position == 23;
}

static bool uuid_is_canonical(const char *text, size_t length) {
  if (length != UUID_LENGTH) return false;
  for (size_t i = 0; i < UUID_LENGTH; i++) {
    char c = text[i];
    bool fits = uuid_has_hyphen(i) ? c == '-' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (!fits) return false;
  }
  return true;
}

static bool uuid_is_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Takes 32 digits, in braces or not, with a hyphen or none after every four of them, to the
** canonical form. */
static bool uuid_read(const char *text, size_t length, char out[UUID_LENGTH + 1]) {
  if (length >= 2 && text[0] == '{') {
    if (text[length - 1] != '}') return false;
    text++;
    length -= 2;
  }
  size_t from = 0;
  size_t to = 0;
  for (int digits = 0; digits < 32; digits++) {
    if (digits > 0 && digits % 4 == 0 && from < length && text[from] == '-') from++;
    if (from >= length || !uuid_is_digit(text[from])) return false;
    if (uuid_has_hyphen(to)) out[to++] = '-';
    char c = text[from++];
    out[to++] = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
  }
  out[to] = '\0';
  return from == length;
}

int uuid_input(const struct type *type, const char *text, size_t length, struct arena *arena,
               struct value *out, ledger_error *error) {
  (void)type;
  if (uuid_is_canonical(text, length)) {
    *out = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
    return LEDGER_OK;
  }
  char canonical[UUID_LENGTH + 1];
  if (!uuid_read(text, length, canonical)) {
    int rc = text_check(text, length, error);
    if (rc != LEDGER_OK) return rc;
    return error_set(error, LEDGER_INVALID_TEXT, "invalid input syntax for type uuid: \"%.*s\"",
                     (int)length, text);
  }
  char *copy = arena_copy(arena, canonical, UUID_LENGTH);
  if (!copy) return error_memory(error);
  *out = (struct value){.kind = VALUE_TEXT, .text = copy, .length = UUID_LENGTH};
  return LEDGER_OK;
}

int uuid_output(const struct type *type, const struct value *stored, sqlite3_str *out,
                ledger_error *error) {
  (void)type;
  if (stored->kind != VALUE_TEXT || !uuid_is_canonical(stored->text, stored->length)) {
    return error_set(error, LEDGER_CORRUPT, "stored value is not of type uuid");
  }
  sqlite3_str_append(out, stored->text, UUID_LENGTH);
  return LEDGER_OK;
}

int uuid_compare(const struct type *type, const struct value *a, const struct value *b) {
  return string_compare(type, a, b);
}

#undef UUID_LENGTH
