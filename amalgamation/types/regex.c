/*
** regex.c: PostgreSQL's regular expressions on PCRE2. The only file that includes pcre2.h.
**
** PostgreSQL takes, of the matches that begin first, the longest or the shortest as the expression
** prefers; PCRE2 takes the first that its order of trying finds. So pcre2_match() says whether
** there is a match and where it begins, pcre2_dfa_match(), which follows all ways at once, where it
** ends, and for groups pcre2_match() is run once more, held to that end by a callout. Where
** backtracking takes too long, all ways are followed for the first question too.
**
** Whether an expression is accepted, whether a text matches and what the match is has been compared
** with PostgreSQL 15 on ten thousand random expressions, and each class on every code point.
** What differs all the same:
**   - how a match of the right extent is divided among groups. (a|ab)(c|bcd)(d*) on abcd gives
**     ab,c,d there and a,bcd,"" here; b(x){0,}? gives NULL here where PostgreSQL may say ""; a
**     group in a repeated group keeps its last match;
**   - an expression with back references takes PCRE2's first match instead of the longest or
**     shortest;
**   - look-behind must be of fixed length in each alternative (2201B otherwise);
**   - the names of characters, [.hyphen.], are not known (2201B); the options b and e are refused
**     (0A000);
**   - of two mistakes in an expression the other one may be named;
**   - more than 255 groups, more than 200 nested ones, and what PCRE2 finds too large, are refused
**     (2201B), and what is too hard to match within the limits below (54001).
*/
#include "../internal.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Steps of pcre2_match(), each of which may pass over the whole subject. */
#define REGEX_STEPS_MAX 1000000
#define REGEX_WORK 20000000       /* steps times bytes that are tried where there is another way */
#define REGEX_LAST_WORK 500000000 /* the same where there is none */
#define REGEX_HEAP_LIMIT_KB 65536
#define REGEX_NEST_LIMIT 1000 /* as translated; regex_syntax.c bounds those of the pattern */
#define REGEX_WORKSPACE 1024  /* ints, for pcre2_dfa_match() */
#define REGEX_WORKSPACE_MAX (1 << 20)
#define REGEX_JIT_AFTER 20 /* matches after which machine code is worth its making */

struct regex {
  struct regex_source source;
  pcre2_general_context *general;
  pcre2_match_context *context; /* the limits */
  pcre2_code *code;
  pcre2_code *divided;  /* with the callout at its end; made when groups are first asked for */
  pcre2_code *anywhere; /* behind any text; made when backtracking first takes too long */
  pcre2_match_data *match;
  int *workspace;
  size_t workspace_size; /* ints */
  int uses;
  char *pattern; /* as given, and behind it the flags */
  size_t pattern_length;
  size_t flags_length;
  int options;
};

static void *regex_malloc(size_t bytes, void *data) {
  (void)data;
  return sqlite3_malloc64(bytes);
}

static void regex_release(void *memory, void *data) {
  (void)data;
  sqlite3_free(memory);
}

void regex_free(void *pointer) {
  struct regex *regex = pointer;
  if (!regex) return;
  pcre2_match_data_free(regex->match);
  pcre2_code_free(regex->divided);
  pcre2_code_free(regex->anywhere);
  pcre2_code_free(regex->code);
  pcre2_match_context_free(regex->context);
  pcre2_general_context_free(regex->general);
  sqlite3_free(regex->workspace);
  sqlite3_free(regex->source.text);
  sqlite3_free(regex->pattern);
  sqlite3_free(regex);
}

static int regex_fail(ledger_error *error, int number) {
  switch (number) {
  case PCRE2_ERROR_NOMEMORY: return error_memory(error);
  case PCRE2_ERROR_MATCHLIMIT:
  case PCRE2_ERROR_DEPTHLIMIT:
  case PCRE2_ERROR_HEAPLIMIT:
  case PCRE2_ERROR_JIT_STACKLIMIT:
  case PCRE2_ERROR_DFA_WSSIZE:
  case PCRE2_ERROR_DFA_RECURSE:
    return error_set(error, LEDGER_TOO_COMPLEX, "regular expression is too complex");
  default:
    return error_set(error, LEDGER_ERROR, "regular expression failed: PCRE2 error %d", number);
  }
}

/* Errors of the compilation of what regex_translate() wrote: look-behind, and size. */
static int regex_compile_error(ledger_error *error, int number) {
  if (number == PCRE2_ERROR_HEAP_FAILED) return error_memory(error);
  if (number == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH ||
      number == PCRE2_ERROR_LOOKBEHIND_TOO_COMPLICATED ||
      number == PCRE2_ERROR_LOOKBEHIND_TOO_LONG) {
    return error_set(error, LEDGER_INVALID_REGEX,
                     "invalid regular expression: lookbehind is not of fixed length");
  }
  return error_set(error, LEDGER_INVALID_REGEX,
                   "invalid regular expression: regular expression is too complex");
}

static int regex_compile_source(struct regex *regex, const char *source, pcre2_code **code,
                                ledger_error *error) {
  int number = 0;
  PCRE2_SIZE offset = 0;
  pcre2_compile_context *context = pcre2_compile_context_create(regex->general);
  if (!context) return error_memory(error);
  pcre2_set_parens_nest_limit(context, REGEX_NEST_LIMIT);
  /* PCRE2 would have the last repetition take all it can, since nothing follows; not so if the
  ** shortest is wanted. */
  uint32_t options = regex->source.is_shortest ? PCRE2_NO_AUTO_POSSESS : 0;
  *code = pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED,
                        options | PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOTALL |
                            PCRE2_NEVER_BACKSLASH_C,
                        &number, &offset, context);
  pcre2_compile_context_free(context);
  return *code ? LEDGER_OK : regex_compile_error(error, number);
}

static int regex_open(struct regex *regex, ledger_error *error) {
  regex->general = pcre2_general_context_create(regex_malloc, regex_release, NULL);
  if (!regex->general) return error_memory(error);
  regex->context = pcre2_match_context_create(regex->general);
  if (!regex->context) return error_memory(error);
  pcre2_set_heap_limit(regex->context, REGEX_HEAP_LIMIT_KB);
  int rc = regex_compile_source(regex, regex->source.text, &regex->code, error);
  if (rc != LEDGER_OK) return rc;
  regex->match = pcre2_match_data_create_from_pattern(regex->code, regex->general);
  return regex->match ? LEDGER_OK : error_memory(error);
}

int regex_compile(const char *pattern, size_t length, const char *flags, size_t flags_length,
                  int options, struct regex **out, ledger_error *error) {
  *out = NULL;
  struct regex *regex = sqlite3_malloc64(sizeof *regex);
  if (!regex) return error_memory(error);
  memset(regex, 0, sizeof *regex);
  regex->pattern_length = length;
  regex->flags_length = flags_length;
  regex->options = options;
  regex->pattern = sqlite3_malloc64(length + flags_length + 1);
  int rc = regex->pattern ? LEDGER_OK : error_memory(error);
  if (rc == LEDGER_OK) {
    memcpy(regex->pattern, pattern, length);
    if (flags_length > 0) memcpy(regex->pattern + length, flags, flags_length);
    rc = regex_translate(pattern, length, flags, flags_length, options, &regex->source, error);
  }
  if (rc == LEDGER_OK) rc = regex_open(regex, error);
  if (rc == LEDGER_OK) {
    *out = regex;
  } else {
    regex_free(regex);
  }
  return rc;
}

int regex_groups(const struct regex *regex) {
  return regex->source.groups;
}

bool regex_is_of(const struct regex *regex, const char *pattern, size_t length, const char *flags,
                 size_t flags_length, int options) {
  return regex->options == options && regex->pattern_length == length &&
         regex->flags_length == flags_length && memcmp(regex->pattern, pattern, length) == 0 &&
         (flags_length == 0 || memcmp(regex->pattern + length, flags, flags_length) == 0);
}

/* Steps allowed for a subject; the last resort gets at least those that a plain pass over the
** subject takes. */
static uint32_t regex_steps(size_t length, bool is_last_resort) {
  uint64_t least = is_last_resort ? 8 * (uint64_t)length + 10000 : 500;
  uint64_t steps = (is_last_resort ? REGEX_LAST_WORK : REGEX_WORK) / ((uint64_t)length + 1);
  if (steps > REGEX_STEPS_MAX) steps = REGEX_STEPS_MAX;
  if (steps < least) steps = least;
  return steps > UINT32_MAX ? UINT32_MAX : (uint32_t)steps;
}

/* Runs pcre2_match(): 1 a match, 0 none, else PCRE2's error. */
static int regex_run(struct regex *regex, const pcre2_code *code, const char *subject,
                     size_t length, size_t from, uint32_t options, bool is_last_resort) {
  pcre2_set_match_limit(regex->context, regex_steps(length - from, is_last_resort));
  int number = pcre2_match(code, (PCRE2_SPTR)subject, length, from, options | PCRE2_NO_UTF_CHECK,
                           regex->match, regex->context);
  return number == PCRE2_ERROR_NOMATCH ? 0 : number >= 0 ? 1 : number;
}

/* Runs pcre2_dfa_match() at `from`, with more workspace as it asks for more. Results as above. */
static int regex_run_all_ways(struct regex *regex, const pcre2_code *code, const char *subject,
                              size_t length, size_t from, uint32_t options) {
  pcre2_set_match_limit(regex->context, REGEX_STEPS_MAX); /* counts only look-around here */
  for (;;) {
    if (!regex->workspace) {
      if (regex->workspace_size == 0) regex->workspace_size = REGEX_WORKSPACE;
      regex->workspace = sqlite3_malloc64(regex->workspace_size * sizeof(int));
      if (!regex->workspace) return PCRE2_ERROR_NOMEMORY;
    }
    int number =
        pcre2_dfa_match(code, (PCRE2_SPTR)subject, length, from, options | PCRE2_NO_UTF_CHECK,
                        regex->match, regex->context, regex->workspace, regex->workspace_size);
    if (number != PCRE2_ERROR_DFA_WSSIZE || regex->workspace_size >= REGEX_WORKSPACE_MAX) {
      return number == PCRE2_ERROR_NOMATCH ? 0 : number >= 0 ? 1 : number;
    }
    sqlite3_free(regex->workspace);
    regex->workspace = NULL;
    regex->workspace_size *= 4;
  }
}

/* Compiles a variant of the expression, a format with its source in it, when it is first asked for.
** */
static int regex_variant(struct regex *regex, pcre2_code **code, const char *format,
                         ledger_error *error) {
  if (*code) return LEDGER_OK;
  char *source = sqlite3_mprintf(format, regex->source.text);
  int rc = source ? regex_compile_source(regex, source, code, error) : error_memory(error);
  sqlite3_free(source);
  return rc;
}

static bool regex_is_limit(int number) {
  return number == PCRE2_ERROR_MATCHLIMIT || number == PCRE2_ERROR_HEAPLIMIT ||
         number == PCRE2_ERROR_DEPTHLIMIT || number == PCRE2_ERROR_JIT_STACKLIMIT;
}

/*
** Finds a match: its beginning is right, its end is that of PCRE2's order. Where backtracking takes
** too many steps and there are no back references, all ways are followed instead: first from all
** places at once, which tells in time bounded by the lengths whether there is a match at all, then,
** if its place is wanted, from one place after the other.
*/
static int regex_search(struct regex *regex, const char *subject, size_t length, size_t from,
                        bool wants_place, bool *found, ledger_error *error) {
  if (regex->uses < REGEX_JIT_AFTER && ++regex->uses == REGEX_JIT_AFTER) {
    pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE); /* without it the interpreter goes on */
  }
  int number =
      regex_run(regex, regex->code, subject, length, from, 0, regex->source.has_back_reference);
  if (regex_is_limit(number) && !regex->source.has_back_reference) {
    int rc = regex_variant(regex, &regex->anywhere, ".*(?:%s)", error);
    if (rc != LEDGER_OK) return rc;
    number = regex_run_all_ways(regex, regex->anywhere, subject, length, from,
                                PCRE2_ANCHORED | PCRE2_DFA_SHORTEST);
    if (number > 0 && wants_place)
      number = regex_run_all_ways(regex, regex->code, subject, length, from, 0);
  }
  *found = number > 0;
  return number < 0 ? regex_fail(error, number) : LEDGER_OK;
}

int regex_test(struct regex *regex, const char *subject, size_t length, bool *matches,
               ledger_error *error) {
  int rc = text_check(subject, length, error);
  return rc == LEDGER_OK ? regex_search(regex, subject, length, 0, false, matches, error) : rc;
}

/* At the end of the expression: go back and try on unless the match ends where it should. */
static int regex_hold_to_end(pcre2_callout_block *block, void *data) {
  return block->current_position == *(const size_t *)data ? 0 : 1;
}

/* Matches from `start` to `end` once more, for the groups. */
static int regex_divide(struct regex *regex, const char *subject, size_t length, size_t start,
                        size_t end, ledger_error *error) {
  int rc = regex_variant(regex, &regex->divided, "(?:%s)(?C1)", error);
  if (rc != LEDGER_OK) return rc;
  pcre2_set_callout(regex->context, regex_hold_to_end, &end);
  int number = regex_run(regex, regex->divided, subject, length, start, PCRE2_ANCHORED, true);
  pcre2_set_callout(regex->context, NULL, NULL);
  return number == 1 ? LEDGER_OK : regex_fail(error, number);
}

int regex_find(struct regex *regex, const char *subject, size_t length, size_t from,
               struct regex_span *spans, int count, bool *found, ledger_error *error) {
  int rc = from == 0 ? text_check(subject, length, error) : LEDGER_OK;
  if (rc == LEDGER_OK) rc = regex_search(regex, subject, length, from, true, found, error);
  if (rc != LEDGER_OK || !*found) return rc;
  const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(regex->match);
  if (!regex->source.has_back_reference) {
    size_t start = offsets[0];
    uint32_t preference = regex->source.is_shortest ? PCRE2_DFA_SHORTEST : 0;
    int number =
        regex_run_all_ways(regex, regex->code, subject, length, start, PCRE2_ANCHORED | preference);
    if (number <= 0) return regex_fail(error, number);
    if (count > 1 && regex->source.groups > 0) {
      rc = regex_divide(regex, subject, length, start, offsets[1], error);
      if (rc != LEDGER_OK) return rc;
    }
  }
  for (int i = 0; i < count && i <= regex->source.groups; i++) {
    spans[i] = (struct regex_span){.start = offsets[2 * i], .end = offsets[2 * i + 1]};
  }
  return LEDGER_OK;
}

#undef REGEX_STEPS_MAX
#undef REGEX_WORK
#undef REGEX_LAST_WORK
#undef REGEX_HEAP_LIMIT_KB
#undef REGEX_NEST_LIMIT
#undef REGEX_WORKSPACE
#undef REGEX_WORKSPACE_MAX
#undef REGEX_JIT_AFTER
