/*
** query_scan.c: reading a parameter's text, and saying where and why it cannot be read in the words of PostgREST, whose parser is made of
** Parsec's combinators: "unexpected "x" expecting "->>", "->" or end of input". So what was expected is kept as Parsec keeps it: what
** failed since the last character was taken, as far as it got the farthest.
**
** Functions answer whether they took what they are for. One that answers false has taken something if scan->at moved, and then no
** alternative is tried, unless its caller goes back by scan_back().
*/
#include "../internal.h"

LEDGER_PRIVATE void scan_start(struct query_scan *scan, struct query *query, const char *what,
                               const char *text, size_t length) {
  *scan = (struct query_scan){.query = query, .what = what, .name = text, .name_length = length};
  scan->text = scan->at = text;
  scan->end = text + length;
}

LEDGER_PRIVATE int scan_stop(struct query_scan *scan, int code) {
  if (scan->rc == LEDGER_OK) scan->rc = code;
  return code;
}

/* ---- what was expected */

static void scan_expect(struct scan_failure *failure, const char *label) {
  for (int i = 0; i < failure->count; i++) {
    if (strcmp(failure->expected[i], label) == 0) return;
  }
  if (failure->count < SCAN_EXPECTED_MAX) failure->expected[failure->count++] = label;
}

/* Nothing was found at `where` that could follow; `unexpected` is the character that stands in the way. */
LEDGER_PRIVATE bool scan_fail(struct query_scan *scan, const char *where, const char *unexpected,
                              bool is_told, const char *label) {
  struct scan_failure *failure = &scan->failure;
  if (failure->is_set && failure->where > where) return false;
  if (!failure->is_set || failure->where < where)
    *failure = (struct scan_failure){.is_set = true, .where = where, .unexpected = unexpected};
  if (is_told && !failure->is_told) {
    failure->is_told = true;
    failure->unexpected = unexpected;
  }
  if (label != NULL) scan_expect(failure, label);
  return false;
}

/* Puts what had failed before to what has failed since. */
static void scan_merge(struct query_scan *scan, const struct scan_failure *before) {
  struct scan_failure since = scan->failure;
  if (!before->is_set || (since.is_set && since.where > before->where)) return;
  scan->failure = *before;
  if (!since.is_set || since.where < before->where) return;
  if (since.is_told && !before->is_told) {
    scan->failure.is_told = true;
    scan->failure.unexpected = since.unexpected;
  }
  for (int i = 0; i < since.count; i++) scan_expect(&scan->failure, since.expected[i]);
}

LEDGER_PRIVATE struct scan_mark scan_try(struct query_scan *scan) {
  struct scan_mark mark = {.at = scan->at, .failure = scan->failure};
  scan->failure.is_set = false;
  return mark;
}

LEDGER_PRIVATE void scan_back(struct query_scan *scan, const struct scan_mark *mark) {
  scan->at = mark->at;
  scan_merge(scan, &mark->failure);
}

LEDGER_PRIVATE bool scan_label(struct query_scan *scan, const struct scan_mark *mark, bool found,
                               const char *label) {
  if (scan->at != mark->at) return found;
  if (!found && !scan->failure.is_set) scan_fail(scan, scan->at, scan->at, false, NULL);
  if (scan->failure.is_set) {
    scan->failure.count = 0;
    scan_expect(&scan->failure, label);
  }
  scan_merge(scan, &mark->failure);
  return found;
}

/* ---- characters and words */

LEDGER_PRIVATE bool scan_char(struct query_scan *scan, char c, const char *label) {
  if (scan->at == scan->end || *scan->at != c)
    return scan_fail(scan, scan->at, scan->at, false, label);
  scan->at++;
  scan->failure.is_set = false;
  return true;
}

LEDGER_PRIVATE bool scan_word(struct query_scan *scan, const char *word, const char *label) {
  size_t length = strlen(word), i = 0;
  while (i < length && scan->at + i < scan->end && scan->at[i] == word[i]) i++;
  if (i < length) return scan_fail(scan, scan->at, scan->at + i, false, label);
  scan->at += length;
  scan->failure.is_set = false;
  return true;
}

LEDGER_PRIVATE bool scan_point(struct query_scan *scan) {
  return scan_char(scan, '.', "delimiter (.)");
}

LEDGER_PRIVATE bool scan_at_end(struct query_scan *scan) {
  return scan->at == scan->end || scan_fail(scan, scan->at, scan->at, true, "end of input");
}

LEDGER_PRIVATE bool scan_ahead(struct query_scan *scan, const char *word, const char *label) {
  size_t length = strlen(word);
  if ((size_t)(scan->end - scan->at) >= length && memcmp(scan->at, word, length) == 0) return true;
  size_t i = 0;
  while (scan->at + i < scan->end && scan->at[i] == word[i]) i++;
  return scan_fail(scan, scan->at, scan->at + i, false, label);
}

LEDGER_PRIVATE void scan_spaces(struct query_scan *scan) {
  const char *start = scan->at;
  while (scan->at < scan->end && (*scan->at == ' ' || *scan->at == '\t')) scan->at++;
  if (scan->at != start) scan->failure.is_set = false;
}

/* Bytes of the character of an identifier that stands at `at`; 0: none does. */
static size_t scan_identifier_bytes(const char *at, const char *end) {
  char c = at == end ? 0 : *at;
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
      c == ' ' || c == '$')
    return 1;
  uint32_t code_point;
  if ((unsigned char)c < 0x80) return 0;
  int bytes = text_decode(at, (size_t)(end - at), &code_point);
  return bytes > 0 && text_is_alphanumeric(code_point) ? (size_t)bytes : 0;
}

/* The characters of one run, without the white space around it. */
static void scan_strip(const char **text, size_t *length) {
  while (*length > 0 && text_is_space((*text)[*length - 1])) (*length)--;
  while (*length > 0 && text_is_space(**text)) {
    (*text)++;
    (*length)--;
  }
}

LEDGER_PRIVATE bool scan_identifier(struct query_scan *scan, struct query_text *out) {
  const char *start = scan->at;
  size_t bytes;
  while ((bytes = scan_identifier_bytes(scan->at, scan->end)) > 0) scan->at += bytes;
  if (scan->at != start) scan->failure.is_set = false;
  scan_fail(scan, scan->at, scan->at, false, "letter");
  scan_fail(scan, scan->at, scan->at, false, "digit");
  *out = (struct query_text){.text = start, .length = (size_t)(scan->at - start)};
  scan_strip(&out->text, &out->length);
  return scan->at != start;
}

/* Runs of characters with dashes between them, but for those of arrows; `run` takes one. */
static bool scan_dashed(struct query_scan *scan, struct query_text *out,
                        bool (*run)(struct query_scan *scan, struct query_text *out)) {
  struct query_text part;
  char *joined = NULL;
  if (!run(scan, out)) return false;
  for (;;) {
    bool is_dash = scan->at < scan->end && *scan->at == '-';
    if (!is_dash) {
      scan_fail(scan, scan->at, scan->at, false, "\"-\"");
      return true;
    }
    if (scan->at + 1 < scan->end && scan->at[1] == '>') {
      scan_fail(scan, scan->at + 2, scan->at + 1, true, NULL);
      return true;
    }
    scan->at++;
    scan->failure.is_set = false;
    if (!run(scan, &part)) return false;
    if (joined == NULL) { /* at most what is left of the text, since spaces go and nothing comes */
      joined = arena_alloc(&scan->query->db->arena, (size_t)(scan->end - out->text) + 1);
      if (joined == NULL)
        return scan_stop(scan, error_memory(&scan->query->db->error)) == LEDGER_OK;
      memcpy(joined, out->text, out->length);
      out->text = joined;
    }
    joined[out->length++] = '-';
    memcpy(joined + out->length, part.text, part.length);
    out->length += part.length;
  }
}

LEDGER_PRIVATE bool scan_quoted(struct query_scan *scan, struct query_text *out) {
  if (!scan_char(scan, '"', "\"\\\"\"")) return false;
  char *text = arena_alloc(&scan->query->db->arena, (size_t)(scan->end - scan->at) + 1);
  if (text == NULL) return scan_stop(scan, error_memory(&scan->query->db->error)) == LEDGER_OK;
  *out = (struct query_text){.text = text};
  while (scan->at < scan->end && *scan->at != '"') {
    if (*scan->at == '\\' && ++scan->at == scan->end)
      return scan_fail(scan, scan->at, scan->at, false, NULL);
    text[out->length++] = *scan->at++;
  }
  if (scan->at == scan->end) scan_fail(scan, scan->at, scan->at, false, "\"\\\\\"");
  return scan_char(scan, '"', "\"\\\"\"");
}

LEDGER_PRIVATE bool scan_name(struct query_scan *scan, struct query_text *out) {
  struct scan_mark mark = scan_try(scan);
  bool found = scan->at < scan->end && *scan->at == '"' ? scan_quoted(scan, out)
                                                        : scan_dashed(scan, out, scan_identifier);
  return scan_label(scan, &mark, found, "field name (* or [a..z0..9_$])");
}

/* Characters of a document's key. */
static bool scan_key_run(struct query_scan *scan, struct query_text *out) {
  const char *start = scan->at;
  while (scan->at < scan->end && strchr("(-:.,>)", *scan->at) == NULL) scan->at++;
  if (scan->at != start) scan->failure.is_set = false;
  scan_fail(scan, scan->at, scan->at, false, NULL);
  *out = (struct query_text){.text = start, .length = (size_t)(scan->at - start)};
  scan_strip(&out->text, &out->length);
  return scan->at != start;
}

LEDGER_PRIVATE bool scan_key(struct query_scan *scan, struct query_text *out) {
  struct scan_mark mark = scan_try(scan);
  bool found = scan->at < scan->end && *scan->at == '"' ? scan_quoted(scan, out)
                                                        : scan_dashed(scan, out, scan_key_run);
  return scan_label(scan, &mark, found, "any non reserved character different from: .,>()");
}

/* ---- the error */

/* A character as Haskell's show prints it within quotes. */
static void scan_show(sqlite3_str *out, const struct query_scan *scan, const char *at, char quote) {
  uint32_t code_point = 0;
  if (at == scan->end) return;
  text_decode(at, (size_t)(scan->end - at), &code_point);
  sqlite3_str_appendchar(out, 1, quote);
  if (*at == quote || *at == '\\')
    sqlite3_str_appendf(out, "\\%c", *at);
  else if (*at == '\n' || *at == '\t' || *at == '\r')
    sqlite3_str_appendf(out, "\\%c", *at == '\n' ? 'n' : *at == '\t' ? 't' : 'r');
  else if (code_point < 0x20 || code_point >= 0x7f)
    sqlite3_str_appendf(out, "\\%u", code_point);
  else
    sqlite3_str_appendchar(out, 1, *at);
  sqlite3_str_appendchar(out, 1, quote);
}

static void scan_describe(const struct query_scan *scan, sqlite3_str *out) {
  const struct scan_failure *failure = &scan->failure;
  sqlite3_str_appendall(out, "unexpected ");
  if (failure->unexpected == scan->end)
    sqlite3_str_appendall(out, "end of input");
  else
    scan_show(out, scan, failure->unexpected, failure->is_told ? '\'' : '"');
  for (int i = 0; i < failure->count; i++) {
    sqlite3_str_appendall(out, i == 0 ? " expecting " : i == failure->count - 1 ? " or " : ", ");
    sqlite3_str_appendall(out, failure->expected[i]);
  }
}

/* Line and column, from 1, as Parsec counts them. */
static void scan_place(const struct query_scan *scan, int *line, int *column) {
  *line = *column = 1;
  for (const char *p = scan->text; p < scan->failure.where; p++) {
    if (*p == '\n') {
      (*line)++;
      *column = 1;
    } else if (*p == '\t') {
      *column += 8 - (*column - 1) % 8;
    } else if (((unsigned char)*p & 0xc0) != 0x80) {
      (*column)++;
    }
  }
}

LEDGER_PRIVATE int scan_error(struct query_scan *scan) {
  struct query *query = scan->query;
  int line, column;
  if (scan->rc != LEDGER_OK) return scan->rc;
  if (!scan->failure.is_set) scan_fail(scan, scan->at, scan->at, false, NULL);
  scan_place(scan, &line, &column);
  sqlite3_str *details = sqlite3_str_new(NULL);
  scan_describe(scan, details);
  int length = (int)(scan->name_length > 400 ? 400 : scan->name_length);
  int rc = query_refuse(query, "PGRST100", LEDGER_SYNTAX,
                        "\"failed to parse %s (%.*s)\" (line %d, column %d)", scan->what, length,
                        scan->name, line, column);
  const char *text = sqlite3_str_value(details);
  error_detail(&query->db->error, "%s", text == NULL ? "" : text);
  sqlite3_free(sqlite3_str_finish(details));
  return rc;
}
