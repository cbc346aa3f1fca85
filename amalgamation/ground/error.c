/*
** error.c: filling a ledger_error. Owns the table of codes and SQLSTATEs, and nothing else.
*/
#include "../internal.h"

#include <stdarg.h>

struct error_state {
  int code;
  char sqlstate[6];
};

static const struct error_state error_states[] = {
#define X(name, number, state, meaning) {LEDGER_##name, state},
    LEDGER_ERRORS(X)
#undef X
};

#define ERROR_STATES (sizeof error_states / sizeof error_states[0])

LEDGER_PRIVATE const char *error_sqlstate(int code) {
  for (size_t i = 0; i < ERROR_STATES; i++) {
    if (error_states[i].code == code) return error_states[i].sqlstate;
  }
  return code == LEDGER_OK ? "00000" : "XX000";
}

LEDGER_PRIVATE int error_code_of_sqlstate(const char *sqlstate) {
  /* Where codes share a SQLSTATE, the last of the list is the general one: CORRUPT, UNSUPPORTED,
  ** NOT_IN_PREREQUISITE. */
  for (size_t i = ERROR_STATES; i > 0; i--) {
    if (strncmp(error_states[i - 1].sqlstate, sqlstate, 5) == 0) return error_states[i - 1].code;
  }
  return LEDGER_ERROR;
}

/* A sentence is text also where it quotes what was refused for not being text: a question mark for each broken byte. */
static void error_mend(char *text, size_t length) {
  uint32_t code_point;
  for (size_t at = 0; at < length;) {
    int bytes = text_decode(text + at, length - at, &code_point);
    if (bytes == 0) text[at] = '?';
    at += bytes == 0 ? 1 : (size_t)bytes;
  }
}

/* Formats into a buffer; what does not fit is cut before the character that does not fit. */
static void error_format(char *buffer, size_t size, const char *format, va_list arguments) {
  int wanted = vsnprintf(buffer, size, format, arguments);
  if (wanted < 0) {
    buffer[0] = 0;
    return;
  }
  if ((size_t)wanted < size) {
    error_mend(buffer, (size_t)wanted);
    return;
  }
  size_t end = size - 1;
  while (end > 0 && ((unsigned char)buffer[end - 1] & 0xc0) == 0x80) end--; /* continuation bytes */
  if (end > 0 && (unsigned char)buffer[end - 1] >= 0xc0) {
    unsigned char lead = (unsigned char)buffer[end - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    end = end - 1 + need <= size - 1 ? end - 1 + need : end - 1;
  }
  buffer[end] = 0;
  error_mend(buffer, end);
}

LEDGER_PRIVATE void error_clear(ledger_error *error) {
  if (error != NULL) memset(error, 0, sizeof *error);
}

LEDGER_PRIVATE int error_set(ledger_error *error, int code, const char *format, ...) {
  if (error == NULL) return code;
  error->code = code;
  memcpy(error->sqlstate, error_sqlstate(code), sizeof error->sqlstate);
  error->detail[0] = 0;
  error->hint[0] = 0;
  error->table[0] = 0;
  error->column[0] = 0;
  error->constraint[0] = 0;
  va_list arguments;
  va_start(arguments, format);
  error_format(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return code;
}

LEDGER_PRIVATE int error_detail(ledger_error *error, const char *format, ...) {
  if (error == NULL) return LEDGER_ERROR;
  va_list arguments;
  va_start(arguments, format);
  error_format(error->detail, sizeof error->detail, format, arguments);
  va_end(arguments);
  return error->code;
}

LEDGER_PRIVATE int error_hint(ledger_error *error, const char *format, ...) {
  if (error == NULL) return LEDGER_ERROR;
  va_list arguments;
  va_start(arguments, format);
  error_format(error->hint, sizeof error->hint, format, arguments);
  va_end(arguments);
  return error->code;
}

LEDGER_PRIVATE int error_memory(ledger_error *error) {
  return error_set(error, LEDGER_MEMORY, "out of memory");
}
