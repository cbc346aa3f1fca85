/*
** function_patterns.c: SQL functions of LIKE, SIMILAR TO and regular expressions.
*/
#include "../internal.h"
#include "function.h"

/* ---- LIKE */

static int patterns_compare(struct function_call *call, bool wanted) {
  bool matches = false;
  int rc = pattern_like(call->arguments[0].text, call->arguments[0].length, call->arguments[1].text,
                        call->arguments[1].length, &matches, &call->error);
  call->integer = matches == wanted;
  return rc;
}

static int patterns_like_body(struct function_call *call) {
  return patterns_compare(call, true);
}

static int patterns_not_like_body(struct function_call *call) {
  return patterns_compare(call, false);
}

/* Replaces an argument by its lower case. */
static int patterns_lower(struct function_call *call, struct value *argument) {
  sqlite3_str *lower = sqlite3_str_new(NULL);
  string_lower(lower, argument->text, argument->length);
  size_t length = (size_t)sqlite3_str_length(lower);
  const char *text = sqlite3_str_value(lower);
  bool is_short_of_memory = sqlite3_str_errcode(lower) != SQLITE_OK;
  if (!is_short_of_memory) text = arena_copy(call->arena, text ? text : "", length);
  sqlite3_free(sqlite3_str_finish(lower));
  if (is_short_of_memory || !text) return error_memory(&call->error);
  argument->text = text;
  argument->length = length;
  return LEDGER_OK;
}

static int patterns_caseless_like(struct function_call *call, bool wanted) {
  int rc = patterns_lower(call, &call->arguments[0]);
  if (rc == LEDGER_OK) rc = patterns_lower(call, &call->arguments[1]);
  return rc == LEDGER_OK ? patterns_compare(call, wanted) : rc;
}

static int patterns_ilike_body(struct function_call *call) {
  return patterns_caseless_like(call, true);
}

static int patterns_not_ilike_body(struct function_call *call) {
  return patterns_caseless_like(call, false);
}

static int patterns_like_escape_body(struct function_call *call) {
  const struct value *escape = &call->arguments[1];
  return pattern_like_escape(call->out, call->arguments[0].text, call->arguments[0].length,
                             escape->text, escape->length, &call->error);
}

static int patterns_similar_body(struct function_call *call) {
  const struct value *escape = &call->arguments[1];
  return pattern_similar(call->out, call->arguments[0].text, call->arguments[0].length,
                         call->count == 2 ? escape->text : "\\",
                         call->count == 2 ? escape->length : 1, &call->error);
}

/* ---- regular expressions */

/*
** The compiled expression of argument `pattern`, with the flags in argument `flags` (-1: none).
** SQLite keeps it with the argument while the statement runs, if that is a constant; *is_new says
** that it is still ours to hand over.
*/
static int patterns_compile(struct function_call *call, int pattern, int flags, int options,
                            struct regex **regex, bool *is_new) {
  const struct value *text = &call->arguments[pattern];
  const char *letters = flags < 0 ? "" : call->arguments[flags].text;
  size_t count = flags < 0 ? 0 : call->arguments[flags].length;
  *regex = sqlite3_get_auxdata(call->context, pattern);
  *is_new = false;
  if (*regex && regex_is_of(*regex, text->text, text->length, letters, count, options))
    return LEDGER_OK;
  int rc = regex_compile(text->text, text->length, letters, count, options, regex, &call->error);
  *is_new = rc == LEDGER_OK;
  return rc;
}

/* Hands a new one over. Last of all: SQLite may free it at once. */
static void patterns_keep(struct function_call *call, int pattern, struct regex *regex,
                          bool is_new) {
  if (is_new) sqlite3_set_auxdata(call->context, pattern, regex, regex_free);
}

/* Is the flag g among those in argument `flags`? */
static int patterns_is_global(struct function_call *call, int flags, bool *is_global) {
  *is_global = false;
  if (flags < 0) return LEDGER_OK;
  return regex_check_flags(call->arguments[flags].text, call->arguments[flags].length, is_global,
                           &call->error);
}

/* Refuses it where there is but one match to speak of. */
static int patterns_refuse_global(struct function_call *call, int flags, const char *function) {
  bool is_global;
  int rc = patterns_is_global(call, flags, &is_global);
  if (rc != LEDGER_OK || !is_global) return rc;
  return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                   "%s does not support the \"global\" option", function);
}

static int patterns_test(struct function_call *call, int options, bool wanted) {
  struct regex *regex;
  bool is_new;
  int flags = call->count == 3 ? 2 : -1;
  int rc = patterns_refuse_global(call, flags, "regexp_like()");
  if (rc == LEDGER_OK) rc = patterns_compile(call, 1, flags, options, &regex, &is_new);
  if (rc != LEDGER_OK) return rc;
  bool matches = false;
  rc =
      regex_test(regex, call->arguments[0].text, call->arguments[0].length, &matches, &call->error);
  call->integer = matches == wanted;
  patterns_keep(call, 1, regex, is_new);
  return rc;
}

static int patterns_regex_body(struct function_call *call) {
  return patterns_test(call, 0, true);
}

static int patterns_not_regex_body(struct function_call *call) {
  return patterns_test(call, 0, false);
}

static int patterns_caseless_regex_body(struct function_call *call) {
  return patterns_test(call, REGEX_CASELESS, true);
}

static int patterns_not_caseless_regex_body(struct function_call *call) {
  return patterns_test(call, REGEX_CASELESS, false);
}

/*
** The matches of a call, one after the other. After an empty match the search goes on a character
** further, and an empty match right behind the last one counts, as in PostgreSQL.
*/
struct patterns_scan {
  struct function_call *call;
  struct regex *regex;
  bool is_new;
  size_t from; /* where the next search begins; SIZE_MAX: behind the end */
  int count;   /* spans wanted */
  struct regex_span spans[REGEX_GROUP_MAX + 1];
};

static int patterns_scan_start(struct patterns_scan *scan, struct function_call *call, int flags,
                               int count) {
  *scan = (struct patterns_scan){.call = call, .count = count};
  int rc = patterns_compile(call, 1, flags, 0, &scan->regex, &scan->is_new);
  if (rc == LEDGER_OK && scan->count > regex_groups(scan->regex) + 1)
    scan->count = regex_groups(scan->regex) + 1;
  return rc;
}

static void patterns_scan_end(struct patterns_scan *scan) {
  patterns_keep(scan->call, 1, scan->regex, scan->is_new);
}

static int patterns_scan_next(struct patterns_scan *scan, bool *found) {
  const struct value *subject = &scan->call->arguments[0];
  *found = false;
  if (scan->from > subject->length) return LEDGER_OK;
  int rc = regex_find(scan->regex, subject->text, subject->length, scan->from, scan->spans,
                      scan->count, found, &scan->call->error);
  if (rc != LEDGER_OK || !*found) return rc;
  scan->from = scan->spans[0].end;
  if (scan->spans[0].start == scan->spans[0].end) {
    size_t step = text_offset(subject->text + scan->from, subject->length - scan->from, 1);
    scan->from += step > 0 ? step : 1;
  }
  return LEDGER_OK;
}

/* An integer argument from `least` up; the default if it was not given. */
static int patterns_integer(struct function_call *call, int argument, const char *name,
                            int64_t least, int64_t standard, int64_t *out) {
  *out = argument < call->count ? call->arguments[argument].integer : standard;
  if (*out >= least) return LEDGER_OK;
  return error_set(&call->error, LEDGER_INVALID_PARAMETER,
                   "invalid value for parameter \"%s\": %lld", name, (long long)*out);
}

/* Puts the beginning of the search at a character, counted from 1. */
static void patterns_scan_from(struct patterns_scan *scan, int64_t character) {
  const struct value *subject = &scan->call->arguments[0];
  size_t skipped = (size_t)(character - 1);
  bool is_outside =
      skipped > subject->length || skipped > text_characters(subject->text, subject->length);
  scan->from = is_outside ? SIZE_MAX : text_offset(subject->text, subject->length, skipped);
}

/* ---- regexp_replace() */

/* Appends the replacement: \1 to \9 and \& are what was matched, \\ a backslash, all else is
** itself. */
static void patterns_append_replacement(struct patterns_scan *scan,
                                        const struct value *replacement) {
  struct function_call *call = scan->call;
  for (size_t i = 0; i < replacement->length; i++) {
    const char *c = replacement->text + i;
    char next = *c == '\\' && i + 1 < replacement->length ? c[1] : '\0';
    int group = next == '&' ? 0 : next >= '1' && next <= '9' ? next - '0' : -1;
    if (group >= 0) {
      if (group < scan->count && scan->spans[group].start != SIZE_MAX) {
        const struct regex_span *span = &scan->spans[group];
        sqlite3_str_append(call->out, call->arguments[0].text + span->start,
                           (int)(span->end - span->start));
      }
      i++;
    } else {
      sqlite3_str_append(call->out, c, 1);
      if (next == '\\') i++;
    }
  }
}

/* Replaces the n-th match, or all if n is 0. */
static int patterns_replace_matches(struct patterns_scan *scan, int64_t n) {
  struct function_call *call = scan->call;
  const struct value *subject = &call->arguments[0];
  size_t copied = 0;
  bool found = false;
  int rc = LEDGER_OK;
  for (int64_t seen = 1; (rc = patterns_scan_next(scan, &found)) == LEDGER_OK && found; seen++) {
    if (n > 0 && seen < n) continue;
    sqlite3_str_append(call->out, subject->text + copied, (int)(scan->spans[0].start - copied));
    patterns_append_replacement(scan, &call->arguments[2]);
    copied = scan->spans[0].end;
    if (n > 0) break;
  }
  if (rc == LEDGER_OK)
    sqlite3_str_append(call->out, subject->text + copied, (int)(subject->length - copied));
  return rc;
}

/* Groups that the replacement names, and the whole. */
static int patterns_replacement_groups(const struct value *replacement) {
  int groups = 1;
  for (size_t i = 0; i + 1 < replacement->length; i++) {
    if (replacement->text[i] != '\\') continue;
    char next = replacement->text[++i];
    if (next >= '1' && next <= '9' && next - '0' + 1 > groups) groups = next - '0' + 1;
  }
  return groups;
}

/* regexp_replace(text, pattern, replacement [, flags]) and (..., start [, n [, flags]]). */
static int patterns_replace_body(struct function_call *call) {
  bool is_extended = call->count > 3 && call->arguments[3].kind == VALUE_INTEGER;
  int flags = is_extended ? (call->count == 6 ? 5 : -1) : call->count == 4 ? 3 : -1;
  int64_t start = 1;
  int64_t n = 1;
  int rc = LEDGER_OK;
  if (is_extended) rc = patterns_integer(call, 3, "start", 1, 1, &start);
  if (is_extended && rc == LEDGER_OK) rc = patterns_integer(call, 4, "n", 0, 1, &n);
  bool is_global = false;
  if (rc == LEDGER_OK) rc = patterns_is_global(call, flags, &is_global);
  struct patterns_scan scan;
  if (rc == LEDGER_OK)
    rc = patterns_scan_start(&scan, call, flags, patterns_replacement_groups(&call->arguments[2]));
  if (rc != LEDGER_OK) return rc;
  if (call->count < 5 && is_global) n = 0; /* where n is given, g does not count */
  patterns_scan_from(&scan, start);
  rc = patterns_replace_matches(&scan, n);
  patterns_scan_end(&scan);
  return rc;
}

/* ---- regexp_match(), substring(), regexp_substr(), regexp_count(), regexp_instr() */

static void patterns_append_span(struct function_call *call, const struct regex_span *span) {
  sqlite3_str_append(call->out, call->arguments[0].text + span->start,
                     (int)(span->end - span->start));
}

/* Appends an array's element: a JSON string, or null for a group that took no part. */
static void patterns_append_element(struct function_call *call, const struct regex_span *span,
                                    bool is_first) {
  sqlite3_str_appendchar(call->out, 1, is_first ? '[' : ',');
  if (span->start == SIZE_MAX) {
    sqlite3_str_append(call->out, "null", 4);
  } else {
    json_quote(call->out, call->arguments[0].text + span->start, span->end - span->start);
  }
}

/* The groups, or the whole if there are none. */
static int patterns_match_body(struct function_call *call) {
  struct patterns_scan scan;
  int flags = call->count == 3 ? 2 : -1;
  int rc = patterns_refuse_global(call, flags, "regexp_match()");
  if (rc == LEDGER_OK) rc = patterns_scan_start(&scan, call, flags, REGEX_GROUP_MAX + 1);
  if (rc != LEDGER_OK) return rc;
  bool found = false;
  rc = patterns_scan_next(&scan, &found);
  call->is_null = !found;
  if (found) {
    int first = scan.count > 1 ? 1 : 0;
    for (int i = first; i < scan.count; i++)
      patterns_append_element(call, &scan.spans[i], i == first);
    sqlite3_str_appendchar(call->out, 1, ']');
  }
  patterns_scan_end(&scan);
  return rc;
}

/* substring(text from pattern): the first group, or the whole if there is none. */
static int patterns_substring_body(struct function_call *call) {
  struct patterns_scan scan;
  int rc = patterns_scan_start(&scan, call, -1, 2);
  if (rc != LEDGER_OK) return rc;
  bool found = false;
  rc = patterns_scan_next(&scan, &found);
  const struct regex_span *span = &scan.spans[scan.count - 1];
  call->is_null = !found || span->start == SIZE_MAX;
  if (!call->is_null) patterns_append_span(call, span);
  patterns_scan_end(&scan);
  return rc;
}

static int patterns_count_body(struct function_call *call) {
  struct patterns_scan scan;
  int64_t start = 1;
  int flags = call->count == 4 ? 3 : -1;
  int rc = patterns_integer(call, 2, "start", 1, 1, &start);
  if (rc == LEDGER_OK) rc = patterns_refuse_global(call, flags, "regexp_count()");
  if (rc == LEDGER_OK) rc = patterns_scan_start(&scan, call, flags, 1);
  if (rc != LEDGER_OK) return rc;
  patterns_scan_from(&scan, start);
  bool found = false;
  while ((rc = patterns_scan_next(&scan, &found)) == LEDGER_OK && found) call->integer++;
  patterns_scan_end(&scan);
  return rc;
}

/* What regexp_substr() and regexp_instr() look for: from a start the n-th match, in it a group or
** the whole. */
struct patterns_wanted {
  int64_t start, n, group;
};

/* Their arguments: start, n, flags and group, as far as they are given. */
static int patterns_read_wanted(struct function_call *call, int flags, const char *function,
                                struct patterns_wanted *wanted) {
  int rc = patterns_integer(call, 2, "start", 1, 1, &wanted->start);
  if (rc == LEDGER_OK) rc = patterns_integer(call, 3, "n", 1, 1, &wanted->n);
  if (rc == LEDGER_OK) rc = patterns_integer(call, flags + 1, "subexpr", 0, 0, &wanted->group);
  if (rc == LEDGER_OK)
    rc = patterns_refuse_global(call, flags < call->count ? flags : -1, function);
  return rc;
}

/* Finds it; *span NULL if there is no such match or group. In an expression without groups the
** whole is the first. */
static int patterns_find_wanted(struct patterns_scan *scan, struct function_call *call, int flags,
                                const struct patterns_wanted *wanted,
                                const struct regex_span **span) {
  *span = NULL;
  int rc = patterns_scan_start(scan, call, flags < call->count ? flags : -1,
                               wanted->group > 0 ? REGEX_GROUP_MAX + 1 : 1);
  if (rc != LEDGER_OK) return rc;
  patterns_scan_from(scan, wanted->start);
  bool found = true;
  for (int64_t n = wanted->n; rc == LEDGER_OK && found && n > 0; n--)
    rc = patterns_scan_next(scan, &found);
  int64_t group = wanted->group == 1 && scan->count == 1 ? 0 : wanted->group;
  if (rc == LEDGER_OK && found && group < scan->count && scan->spans[group].start != SIZE_MAX)
    *span = &scan->spans[group];
  return rc;
}

/* regexp_substr(text, pattern, start, n, flags, group) */
static int patterns_substr_body(struct function_call *call) {
  struct patterns_scan scan = {0};
  struct patterns_wanted wanted;
  const struct regex_span *span = NULL;
  int rc = patterns_read_wanted(call, 4, "regexp_substr()", &wanted);
  if (rc == LEDGER_OK) rc = patterns_find_wanted(&scan, call, 4, &wanted, &span);
  call->is_null = !span;
  if (span) patterns_append_span(call, span);
  patterns_scan_end(&scan);
  return rc;
}

/* regexp_instr(text, pattern, start, n, endoption, flags, group) */
static int patterns_instr_body(struct function_call *call) {
  struct patterns_scan scan = {0};
  struct patterns_wanted wanted;
  const struct regex_span *span = NULL;
  int64_t wants_end = 0;
  int rc = patterns_read_wanted(call, 5, "regexp_instr()", &wanted);
  if (rc == LEDGER_OK) rc = patterns_integer(call, 4, "endoption", 0, 0, &wants_end);
  if (rc == LEDGER_OK && wants_end > 1) {
    rc = error_set(&call->error, LEDGER_INVALID_PARAMETER,
                   "invalid value for parameter \"endoption\": %lld", (long long)wants_end);
  }
  if (rc == LEDGER_OK) rc = patterns_find_wanted(&scan, call, 5, &wanted, &span);
  if (span) {
    call->integer =
        (int64_t)text_characters(call->arguments[0].text, wants_end ? span->end : span->start) + 1;
  }
  patterns_scan_end(&scan);
  return rc;
}

/* regexp_split_to_array(): an empty match at either end, or right behind another, does not split.
** */
static int patterns_split_body(struct function_call *call) {
  struct patterns_scan scan;
  int flags = call->count == 3 ? 2 : -1;
  int rc = patterns_refuse_global(call, flags, "regexp_split_to_array()");
  if (rc == LEDGER_OK) rc = patterns_scan_start(&scan, call, flags, 1);
  if (rc != LEDGER_OK) return rc;
  struct regex_span piece = {.start = 0};
  size_t last_end = 0;
  bool found = false;
  bool is_first = true;
  while ((rc = patterns_scan_next(&scan, &found)) == LEDGER_OK && found) {
    if (scan.spans[0].start < call->arguments[0].length && scan.spans[0].end > last_end) {
      piece.end = scan.spans[0].start;
      patterns_append_element(call, &piece, is_first);
      is_first = false;
      piece.start = scan.spans[0].end;
    }
    last_end = scan.spans[0].end;
  }
  piece.end = call->arguments[0].length;
  patterns_append_element(call, &piece, is_first);
  sqlite3_str_appendchar(call->out, 1, ']');
  patterns_scan_end(&scan);
  return rc;
}

/* ---- the SQL functions */

#define PATTERNS_FUNCTION(name, signature)                                                         \
  static void patterns_##name(sqlite3_context *context, int count, sqlite3_value **values) {       \
    function_run(context, count, values, signature, patterns_##name##_body);                       \
  }
PATTERNS_FUNCTION(like, "itt")
PATTERNS_FUNCTION(not_like, "itt")
PATTERNS_FUNCTION(ilike, "itt")
PATTERNS_FUNCTION(not_ilike, "itt")
PATTERNS_FUNCTION(like_escape, "ttt")
PATTERNS_FUNCTION(similar, count == 2 ? "ttt" : "tt")
PATTERNS_FUNCTION(regex, count == 3 ? "ittt" : "itt")
PATTERNS_FUNCTION(not_regex, "itt")
PATTERNS_FUNCTION(caseless_regex, "itt")
PATTERNS_FUNCTION(not_caseless_regex, "itt")
PATTERNS_FUNCTION(match, count == 3 ? "tttt" : "ttt")
PATTERNS_FUNCTION(split, count == 3 ? "tttt" : "ttt")
PATTERNS_FUNCTION(substring, "ttt")
PATTERNS_FUNCTION(count, count == 2 ? "itt" : count == 3 ? "itti" : "ittit")
#undef PATTERNS_FUNCTION

/* Of a function's longest signature, as much as there are arguments. */
static void patterns_run(sqlite3_context *context, int count, sqlite3_value **values,
                         const char *signature, int (*body)(struct function_call *)) {
  char shortened[FUNCTION_CALL_MAX + 2] = {0};
  memcpy(shortened, signature, (size_t)count + 1);
  function_run(context, count, values, shortened, body);
}

static void patterns_replace(sqlite3_context *context, int count, sqlite3_value **values) {
  patterns_run(context, count, values, "ttttt", patterns_replace_body);
}

static void patterns_replace_extended(sqlite3_context *context, int count, sqlite3_value **values) {
  patterns_run(context, count, values, "ttttiit", patterns_replace_body);
}

static void patterns_substr(sqlite3_context *context, int count, sqlite3_value **values) {
  patterns_run(context, count, values, "tttiiti", patterns_substr_body);
}

static void patterns_instr(sqlite3_context *context, int count, sqlite3_value **values) {
  patterns_run(context, count, values, "ittiiiti", patterns_instr_body);
}

/* similar_escape(pattern, escape) is not strict: a NULL escape is the backslash. */
static void patterns_similar_escape(sqlite3_context *context, int count, sqlite3_value **values) {
  bool is_standard = sqlite3_value_type(values[1]) == SQLITE_NULL;
  patterns_similar(context, is_standard ? 1 : count, values);
}

int function_patterns_register(sqlite3 *db, struct function_session *session) {
  static const struct function_row rows[] = {
      {"pg_textlike", 2, FUNCTION_STRICT, patterns_like, NULL},
      {"pg_textnlike", 2, FUNCTION_STRICT, patterns_not_like, NULL},
      {"pg_texticlike", 2, FUNCTION_STRICT, patterns_ilike, NULL},
      {"pg_texticnlike", 2, FUNCTION_STRICT, patterns_not_ilike, NULL},
      {"pg_textregexeq", 2, FUNCTION_STRICT, patterns_regex, NULL},
      {"pg_textregexne", 2, FUNCTION_STRICT, patterns_not_regex, NULL},
      {"pg_texticregexeq", 2, FUNCTION_STRICT, patterns_caseless_regex, NULL},
      {"pg_texticregexne", 2, FUNCTION_STRICT, patterns_not_caseless_regex, NULL},
      {"pg_namelike", 2, FUNCTION_STRICT, patterns_like, NULL},
      {"pg_namenlike", 2, FUNCTION_STRICT, patterns_not_like, NULL},
      {"pg_nameiclike", 2, FUNCTION_STRICT, patterns_ilike, NULL},
      {"pg_nameicnlike", 2, FUNCTION_STRICT, patterns_not_ilike, NULL},
      {"pg_nameregexeq", 2, FUNCTION_STRICT, patterns_regex, NULL},
      {"pg_nameregexne", 2, FUNCTION_STRICT, patterns_not_regex, NULL},
      {"pg_nameicregexeq", 2, FUNCTION_STRICT, patterns_caseless_regex, NULL},
      {"pg_nameicregexne", 2, FUNCTION_STRICT, patterns_not_caseless_regex, NULL},
      {"pg_like_escape", 2, FUNCTION_STRICT, patterns_like_escape, NULL},
      {"pg_similar_to_escape_1", 1, FUNCTION_STRICT, patterns_similar, NULL},
      {"pg_similar_to_escape_2", 2, FUNCTION_STRICT, patterns_similar, NULL},
      {"pg_similar_escape", 2, 0, patterns_similar_escape, NULL},
      {"pg_regexp_like_no_flags", 2, FUNCTION_STRICT, patterns_regex, NULL},
      {"pg_regexp_like", 3, FUNCTION_STRICT, patterns_regex, NULL},
      {"pg_textregexreplace_noopt", 3, FUNCTION_STRICT, patterns_replace, NULL},
      {"pg_textregexreplace", 4, FUNCTION_STRICT, patterns_replace, NULL},
      {"pg_textregexreplace_extended_no_n", 4, FUNCTION_STRICT, patterns_replace_extended, NULL},
      {"pg_textregexreplace_extended_no_flags", 5, FUNCTION_STRICT, patterns_replace_extended,
       NULL},
      {"pg_textregexreplace_extended", 6, FUNCTION_STRICT, patterns_replace_extended, NULL},
      {"pg_regexp_match_no_flags", 2, FUNCTION_STRICT, patterns_match, NULL},
      {"pg_regexp_match", 3, FUNCTION_STRICT, patterns_match, NULL},
      {"pg_textregexsubstr", 2, FUNCTION_STRICT, patterns_substring, NULL},
      {"pg_regexp_split_to_array_no_flags", 2, FUNCTION_STRICT, patterns_split, NULL},
      {"pg_regexp_split_to_array", 3, FUNCTION_STRICT, patterns_split, NULL},
      {"pg_regexp_count_no_start", 2, FUNCTION_STRICT, patterns_count, NULL},
      {"pg_regexp_count_no_flags", 3, FUNCTION_STRICT, patterns_count, NULL},
      {"pg_regexp_count", 4, FUNCTION_STRICT, patterns_count, NULL},
      {"pg_regexp_substr_no_start", 2, FUNCTION_STRICT, patterns_substr, NULL},
      {"pg_regexp_substr_no_n", 3, FUNCTION_STRICT, patterns_substr, NULL},
      {"pg_regexp_substr_no_flags", 4, FUNCTION_STRICT, patterns_substr, NULL},
      {"pg_regexp_substr_no_subexpr", 5, FUNCTION_STRICT, patterns_substr, NULL},
      {"pg_regexp_substr", 6, FUNCTION_STRICT, patterns_substr, NULL},
      {"pg_regexp_instr_no_start", 2, FUNCTION_STRICT, patterns_instr, NULL},
      {"pg_regexp_instr_no_n", 3, FUNCTION_STRICT, patterns_instr, NULL},
      {"pg_regexp_instr_no_endoption", 4, FUNCTION_STRICT, patterns_instr, NULL},
      {"pg_regexp_instr_no_flags", 5, FUNCTION_STRICT, patterns_instr, NULL},
      {"pg_regexp_instr_no_subexpr", 6, FUNCTION_STRICT, patterns_instr, NULL},
      {"pg_regexp_instr", 7, FUNCTION_STRICT, patterns_instr, NULL},
  };
  return function_register(db, session, rows, sizeof rows / sizeof *rows);
}
