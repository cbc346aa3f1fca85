/*
** pattern.c: LIKE, and the rewriting of its ESCAPE and of SIMILAR TO. ILIKE is LIKE over both sides
** lowered.
*/
#include "../internal.h"

static size_t pattern_character(const char *text, size_t length) {
  return text_offset(text, length, 1);
}

static int pattern_bad_end(ledger_error *error) {
  return error_set(error, LEDGER_INVALID_ESCAPE, "LIKE pattern must not end with escape character");
}

/*
** When a literal fails, only the last % needs another try, one character further on: what an
** earlier one would take away is more, not less. So the work is bounded by the product of the
** lengths. A final backslash is an error only where the matching arrives at it with text left, as
** in PostgreSQL.
*/
int pattern_like(const char *text, size_t length, const char *pattern, size_t pattern_length,
                 bool *matches, ledger_error *error) {
  size_t t = 0;
  size_t p = 0;
  size_t retry_text = 0;
  size_t retry_pattern = SIZE_MAX; /* behind the last %; SIZE_MAX: there was none */
  *matches = false;
  for (;;) {
    if (p < pattern_length && pattern[p] == '%') {
      bool had_text = t < length;
      /* The _ among the % are taken here, so that the retries start at a literal. */
      for (; p < pattern_length && (pattern[p] == '%' || pattern[p] == '_'); p++) {
        if (pattern[p] == '%') continue;
        if (t == length) return LEDGER_OK;
        t += pattern_character(text + t, length - t);
      }
      if (p == pattern_length) {
        *matches = true;
        return LEDGER_OK;
      }
      if (had_text && pattern[p] == '\\' && p + 1 == pattern_length) return pattern_bad_end(error);
      retry_text = t;
      retry_pattern = p;
    }
    if (t == length) {
      *matches = p == pattern_length;
      return LEDGER_OK;
    }
    bool is_same = false;
    if (p < pattern_length && pattern[p] == '_') {
      t += pattern_character(text + t, length - t);
      p++;
      continue;
    }
    if (p < pattern_length) {
      size_t literal = p;
      if (pattern[p] == '\\' && ++literal == pattern_length) return pattern_bad_end(error);
      is_same = pattern[literal] == text[t];
      if (is_same) p = literal + 1;
    }
    if (is_same) {
      t++;
      continue;
    }
    if (retry_pattern == SIZE_MAX) return LEDGER_OK;
    retry_text += pattern_character(text + retry_text, length - retry_text);
    t = retry_text;
    p = retry_pattern;
  }
}

static int pattern_check_escape(const char *escape, size_t length, ledger_error *error) {
  if (length == 0 || pattern_character(escape, length) == length) return LEDGER_OK;
  error_set(error, LEDGER_INVALID_ESCAPE, "invalid escape string");
  error_hint(error, "Escape string must be empty or one character.");
  return LEDGER_INVALID_ESCAPE;
}

static bool pattern_is_at(const char *text, size_t length, const char *escape,
                          size_t escape_length) {
  return escape_length > 0 && length >= escape_length && memcmp(text, escape, escape_length) == 0;
}

int pattern_like_escape(sqlite3_str *out, const char *pattern, size_t length, const char *escape,
                        size_t escape_length, ledger_error *error) {
  int rc = pattern_check_escape(escape, escape_length, error);
  if (rc != LEDGER_OK) return rc;
  if (escape_length == 1 && escape[0] == '\\') {
    sqlite3_str_append(out, pattern, (int)length);
    return LEDGER_OK;
  }
  bool is_escaped = false;
  for (size_t i = 0; i < length;) {
    size_t taken = pattern_character(pattern + i, length - i);
    if (!is_escaped && pattern_is_at(pattern + i, length - i, escape, escape_length)) {
      sqlite3_str_appendchar(out, 1, '\\');
      is_escaped = true;
    } else {
      if (pattern[i] == '\\' && !is_escaped) sqlite3_str_appendchar(out, 1, '\\');
      sqlite3_str_append(out, pattern + i, (int)taken);
      is_escaped = false;
    }
    i += taken;
  }
  return LEDGER_OK;
}

/* Where in a bracket expression of SIMILAR TO we are: a ] that comes first, or after a first ^,
** does not end it. */
struct pattern_brackets {
  int depth;    /* [ that are open; within the first one they begin [:alpha:] and the like */
  int position; /* 1: at the start; 2: behind the ^; more: further on */
};

static void pattern_similar_bracketed(sqlite3_str *out, const char *c, size_t taken,
                                      struct pattern_brackets *brackets) {
  if (c[0] == '\\') sqlite3_str_appendchar(out, 1, '\\');
  sqlite3_str_append(out, c, (int)taken);
  if (c[0] == ']' && brackets->position > 2) {
    brackets->depth--;
  } else if (c[0] == '^') {
    brackets->position++;
  } else {
    if (c[0] == '[') brackets->depth++;
    brackets->position = 3;
  }
}

/* One character of SIMILAR TO that is neither escaped nor the escape. */
static void pattern_similar_plain(sqlite3_str *out, const char *c, size_t taken,
                                  struct pattern_brackets *brackets) {
  if (brackets->depth > 0) {
    pattern_similar_bracketed(out, c, taken, brackets);
    return;
  }
  switch (c[0]) {
  case '%': sqlite3_str_append(out, ".*", 2); return;
  case '_': sqlite3_str_append(out, ".", 1); return;
  case '(': sqlite3_str_append(out, "(?:", 3); return;
  case '[': *brackets = (struct pattern_brackets){.depth = 1, .position = 1}; break;
  case '\\':
  case '.':
  case '^':
  case '$': sqlite3_str_appendchar(out, 1, '\\'); break;
  default: break;
  }
  sqlite3_str_append(out, c, (int)taken);
}

int pattern_similar(sqlite3_str *out, const char *pattern, size_t length, const char *escape,
                    size_t escape_length, ledger_error *error) {
  /* Escaped double quotes part the pattern in three: before, the substring that is wanted, behind.
  ** */
  static const char *const separators[] = {"){1,1}?(", "){1,1}(?:"};
  int rc = pattern_check_escape(escape, escape_length, error);
  if (rc != LEDGER_OK) return rc;
  bool is_escaped = false;
  struct pattern_brackets brackets = {0};
  size_t parts = 0;
  sqlite3_str_append(out, "^(?:", 4);
  for (size_t i = 0, taken; i < length; i += taken) {
    const char *c = pattern + i;
    taken = pattern_character(c, length - i);
    if (is_escaped) {
      is_escaped = false;
      if (c[0] == '"' && brackets.depth == 0) {
        if (parts == sizeof separators / sizeof *separators) {
          return error_set(error, LEDGER_INVALID_ESCAPE,
                           "SQL regular expression may not contain more than two "
                           "escape-double-quote separators");
        }
        sqlite3_str_appendall(out, separators[parts++]);
      } else {
        sqlite3_str_appendchar(out, 1, '\\');
        sqlite3_str_append(out, c, (int)taken);
        brackets.position = 3;
      }
    } else if (pattern_is_at(c, length - i, escape, escape_length)) {
      is_escaped = true;
    } else {
      pattern_similar_plain(out, c, taken, &brackets);
    }
  }
  sqlite3_str_append(out, ")$", 2);
  return LEDGER_OK;
}
