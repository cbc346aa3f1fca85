/*
** regex_syntax.c: reads a PostgreSQL regular expression (an ARE) and writes the same for PCRE2.
**
** Nothing is left to PCRE2's own reading: each character, escape, class and anchor is written out
** in full, so that what is accepted is what PostgreSQL accepts. Case is PostgreSQL's too: a letter
** becomes the set of its two cases in C.UTF-8. The classes are those of glibc's C.UTF-8, spelled as
** Unicode properties. Expected options of the compilation: UTF, DOTALL.
*/
#include "../internal.h"

#define REGEX_DEPTH_MAX 200  /* nested parentheses */
#define REGEX_REPEAT_MAX 255 /* of a bound, as in PostgreSQL */
#define REGEX_END UINT32_MAX /* no more characters */
#define REGEX_CODE_MAX 0x10FFFFu
#define REGEX_WORD "\\p{Alphabetic}\\p{Nd}_"
#define REGEX_SPACE                                                                                \
  "\\t-\\r\\x20\\x{1680}\\x{2000}-\\x{2006}\\x{2008}-\\x{200a}"                                    \
  "\\x{2028}\\x{2029}\\x{205f}\\x{3000}"
#define REGEX_GRAPH "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\x{a0}\\x{2007}\\x{202f}"
#define REGEX_NEVER "(?:(?!))" /* stands for a character that no text can hold */

/* What a part prefers, PostgreSQL's rules (9.7.3.5): the first quantified atom that has a
** preference decides. */
enum regex_preference { REGEX_NONE, REGEX_LONGEST, REGEX_SHORTEST };

struct regex_reader {
  const char *text;
  size_t length;
  size_t position;
  sqlite3_str *out;
  bool is_caseless;
  bool newline_stops;   /* . and [^...] do not match a newline */
  bool newline_anchors; /* ^ and $ match around a newline */
  bool is_expanded;     /* white space and # comments between tokens */
  bool is_literal;
  bool is_global;
  bool has_back_reference;
  int depth;
  int groups;
  bool is_closed[REGEX_GROUP_MAX + 1];
  const char *problem; /* the first one, NULL for none */
  bool is_short_of_memory;
};

/* A character class: `set` goes between brackets, `outside` (or "") is a condition before it. */
struct regex_class {
  const char *name;
  const char *set;
  const char *outside;
};
static const struct regex_class regex_classes[] = {
    {"alnum", "\\p{Alphabetic}\\p{Nd}", ""},
    {"alpha", "\\p{Alphabetic}\\p{Nd}", "(?![0-9])"},
    {"ascii", "\\x00-\\x7f", ""},
    {"blank", "\\t\\x20", ""},
    {"cntrl", "\\x00-\\x1f\\x7f-\\x9f", ""},
    {"digit", "0-9", ""},
    {"graph", REGEX_GRAPH, ""},
    {"lower", "\\p{Lowercase}\\x{1c5}\\x{1c8}\\x{1cb}\\x{1f2}", ""},
    {"print", REGEX_GRAPH "\\p{Zs}", ""},
    {"punct", REGEX_GRAPH, "(?![\\p{Alphabetic}\\p{Nd}])"},
    {"space", REGEX_SPACE, ""},
    {"upper", "\\p{Uppercase}\\p{Lt}", ""},
    {"word", REGEX_WORD, ""},
    {"xdigit", "0-9A-Fa-f", ""},
};

static void regex_problem(struct regex_reader *reader, const char *problem) {
  if (!reader->problem) reader->problem = problem;
}

/* A problem as well, to end every loop. */
static void regex_short_of_memory(struct regex_reader *reader) {
  reader->is_short_of_memory = true;
  regex_problem(reader, "out of memory");
}

static void regex_put(struct regex_reader *reader, const char *text) {
  sqlite3_str_appendall(reader->out, text);
}

/* The character `ahead` characters on; REGEX_END behind the last, and once there is a problem,
** which ends every loop. */
static uint32_t regex_peek(const struct regex_reader *reader, int ahead) {
  if (reader->problem) return REGEX_END;
  size_t at = reader->position;
  for (;;) {
    uint32_t code_point = REGEX_END;
    int taken = text_decode(reader->text + at, reader->length - at, &code_point);
    if (taken == 0 || ahead == 0) return code_point;
    at += (size_t)taken;
    ahead--;
  }
}

static uint32_t regex_next(struct regex_reader *reader) {
  uint32_t code_point = REGEX_END;
  if (reader->problem) return code_point;
  int taken =
      text_decode(reader->text + reader->position, reader->length - reader->position, &code_point);
  reader->position += (size_t)taken;
  return code_point;
}

static bool regex_take(struct regex_reader *reader, const char *token) {
  size_t length = strlen(token);
  if (reader->problem || reader->length - reader->position < length) return false;
  if (memcmp(reader->text + reader->position, token, length) != 0) return false;
  reader->position += length;
  return true;
}

static bool regex_is_digit(uint32_t c) {
  return c >= '0' && c <= '9';
}

static bool regex_is_letter(uint32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* White space and comments of the expanded syntax, and (?#...) in any. */
static void regex_skip(struct regex_reader *reader) {
  for (;;) {
    uint32_t c = regex_peek(reader, 0);
    if (reader->is_expanded && c < 0x80 && text_is_space((char)c)) {
      regex_next(reader);
    } else if (reader->is_expanded && c == '#') {
      while (c != REGEX_END && c != '\n') c = regex_next(reader);
    } else if (regex_take(reader, "(?#")) {
      while (c != REGEX_END && c != ')') c = regex_next(reader);
    } else {
      return;
    }
  }
}

/* ---- single characters */

/* Writes one code point, within brackets or not. */
static void regex_put_code(sqlite3_str *out, uint32_t code) {
  if (code < 0x80 && (regex_is_digit(code) || regex_is_letter(code))) {
    sqlite3_str_appendchar(out, 1, (char)code);
  } else {
    sqlite3_str_appendf(out, "\\x{%x}", code);
  }
}

/* Writes a range without what cannot be in a text: surrogates, and all above U+10FFFF. */
static void regex_put_range(sqlite3_str *out, uint32_t first, uint32_t last) {
  if (last > REGEX_CODE_MAX) last = REGEX_CODE_MAX;
  if (first < 0xd800 && last >= 0xd800) {
    regex_put_range(out, first, 0xd7ff);
    first = 0xe000;
  } else if (first >= 0xd800 && first < 0xe000) {
    first = 0xe000;
  }
  if (last >= 0xd800 && last < 0xe000) return;
  if (first > last) return;
  regex_put_code(out, first);
  if (first == last) return;
  sqlite3_str_appendchar(out, 1, '-');
  regex_put_code(out, last);
}

static void regex_put_literal(struct regex_reader *reader, uint32_t code) {
  if (code > REGEX_CODE_MAX || (code >= 0xd800 && code < 0xe000)) {
    regex_put(reader, REGEX_NEVER);
    return;
  }
  uint32_t lower = reader->is_caseless ? text_lower(code) : code;
  uint32_t upper = reader->is_caseless ? text_upper(code) : code;
  if (lower == upper) {
    regex_put_code(reader->out, lower);
    return;
  }
  regex_put(reader, "[");
  regex_put_code(reader->out, lower);
  regex_put_code(reader->out, upper);
  regex_put(reader, "]");
}

/* ---- escapes */

enum regex_escape_kind {
  REGEX_PLAIN,
  REGEX_CLASS,
  REGEX_NOT_CLASS,
  REGEX_CONSTRAINT,
  REGEX_BACK_REFERENCE
};
struct regex_escape {
  enum regex_escape_kind kind;
  uint32_t code; /* REGEX_PLAIN; the letter of a constraint; the number of a back reference */
  const struct regex_class *class;
};

static const struct regex_class *regex_class_named(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof regex_classes / sizeof *regex_classes; i++) {
    if (strlen(regex_classes[i].name) == length &&
        memcmp(regex_classes[i].name, name, length) == 0) {
      return &regex_classes[i];
    }
  }
  return NULL;
}

/* From `least` to `most` digits of a base; a number too large for a character becomes one that
** matches nothing. */
static uint32_t regex_digits(struct regex_reader *reader, uint32_t base, int least, int most) {
  uint64_t number = 0;
  int count = 0;
  for (; count < most; count++) {
    uint32_t c = regex_peek(reader, 0);
    uint32_t digit = regex_is_digit(c) ? c - '0' : regex_is_letter(c) ? (c | 32) - 'a' + 10 : base;
    if (digit >= base) break;
    regex_next(reader);
    number = number * base + digit;
    if (number > 0x7ffffffe) {
      regex_problem(reader, "invalid escape \\ sequence");
      return 0;
    }
  }
  if (count < least) regex_problem(reader, "invalid escape \\ sequence");
  return (uint32_t)number;
}

/* \1 to \9 refer back; a longer number does if there are so many groups, else it is octal. */
static void regex_numeric_escape(struct regex_reader *reader, uint32_t first,
                                 struct regex_escape *escape) {
  size_t start = reader->position - 1;
  if (first != '0') {
    reader->position = start;
    uint32_t number = 0;
    int digits = 0;
    for (uint32_t c; regex_is_digit(c = regex_peek(reader, 0)); digits++) {
      if (number <= REGEX_GROUP_MAX) number = number * 10 + (c - '0');
      regex_next(reader);
    }
    if (digits == 1 || number <= (uint32_t)reader->groups) {
      *escape = (struct regex_escape){.kind = REGEX_BACK_REFERENCE, .code = number};
      return;
    }
  }
  reader->position = start;
  escape->code = regex_digits(reader, 8, 1, 3);
  if (escape->code > 0xff) {
    reader->position--;
    escape->code >>= 3;
  }
}

/* Reads what follows a backslash. */
static struct regex_escape regex_read_escape(struct regex_reader *reader) {
  struct regex_escape escape = {.kind = REGEX_PLAIN};
  uint32_t c = regex_next(reader);
  escape.code = c;
  if (c == REGEX_END) {
    regex_problem(reader, "invalid escape \\ sequence");
    return escape;
  }
  if (regex_is_digit(c)) {
    regex_numeric_escape(reader, c, &escape);
    return escape;
  }
  if (!regex_is_letter(c)) {
    /* Letters and digits beyond ASCII have no escapes; neither may they be escaped. */
    return escape;
  }
  switch (c) {
  case 'a': escape.code = 7; break;
  case 'b': escape.code = 8; break;
  case 'B': escape.code = '\\'; break;
  case 'c': {
    uint32_t control = regex_next(reader);
    if (control == REGEX_END) regex_problem(reader, "invalid escape \\ sequence");
    escape.code = control & 037;
    break;
  }
  case 'e': escape.code = 27; break;
  case 'f': escape.code = 12; break;
  case 'n': escape.code = 10; break;
  case 'r': escape.code = 13; break;
  case 't': escape.code = 9; break;
  case 'v': escape.code = 11; break;
  case 'u': escape.code = regex_digits(reader, 16, 4, 4); break;
  case 'U': escape.code = regex_digits(reader, 16, 8, 8); break;
  case 'x': escape.code = regex_digits(reader, 16, 1, 255); break;
  case 'd':
  case 'D': escape.class = regex_class_named("digit", 5); break;
  case 's':
  case 'S': escape.class = regex_class_named("space", 5); break;
  case 'w':
  case 'W': escape.class = regex_class_named("word", 4); break;
  case 'A':
  case 'm':
  case 'M':
  case 'y':
  case 'Y':
  case 'Z': escape.kind = REGEX_CONSTRAINT; break;
  default: regex_problem(reader, "invalid escape \\ sequence"); break;
  }
  if (escape.class) escape.kind = c >= 'a' ? REGEX_CLASS : REGEX_NOT_CLASS;
  return escape;
}

/* ---- brackets */

/* The set being read: what may stand between PCRE2's brackets, and the other members, as
** alternatives. */
struct regex_set {
  sqlite3_str *ranges;
  sqlite3_str *others;
};

static void regex_add_range(struct regex_reader *reader, struct regex_set *set, uint32_t first,
                            uint32_t last) {
  regex_put_range(set->ranges, first, last);
  if (!reader->is_caseless) return;
  if (last > REGEX_CODE_MAX) last = REGEX_CODE_MAX;
  for (uint32_t c = first; c <= last; c++) {
    uint32_t lower = text_lower(c);
    uint32_t upper = text_upper(c);
    if (lower != c && (lower < first || lower > last)) regex_put_range(set->ranges, lower, lower);
    if (upper != c && (upper < first || upper > last)) regex_put_range(set->ranges, upper, upper);
  }
}

static void regex_add_class(struct regex_reader *reader, struct regex_set *set,
                            const struct regex_class *class, bool is_not) {
  /* Without regard to case, a letter of either case is any letter. */
  if (reader->is_caseless &&
      (strcmp(class->name, "lower") == 0 || strcmp(class->name, "upper") == 0)) {
    class = regex_class_named("alpha", 5);
  }
  if (is_not) {
    sqlite3_str_appendf(set->others, "|[^%s]", class->set);
  } else if (class->outside[0]) {
    sqlite3_str_appendf(set->others, "|%s[%s]", class->outside, class->set);
  } else {
    sqlite3_str_appendall(set->ranges, class->set);
  }
}

/* The text up to the closing pair ":]", ".]" or "=]"; the length, 0 if it is not closed. */
static size_t regex_read_named(struct regex_reader *reader, char mark, const char **name) {
  const char close[] = {mark, ']', '\0'};
  *name = reader->text + reader->position;
  size_t start = reader->position;
  while (!regex_take(reader, close)) {
    if (regex_next(reader) == REGEX_END) {
      regex_problem(reader, "brackets [] not balanced");
      return 0;
    }
  }
  return reader->position - 2 - start;
}

/* [.x.] and [=x=]: of the names that POSIX has for characters none is known, only the characters
** themselves. */
static uint32_t regex_read_collating(struct regex_reader *reader, char mark) {
  const char *name;
  size_t length = regex_read_named(reader, mark, &name);
  uint32_t code = 0;
  int taken = text_decode(name, length, &code);
  if (taken == 0 || (size_t)taken != length) regex_problem(reader, "invalid collating element");
  return code;
}

/* One end of a range, or a character for itself. *is_class: it was a class, and is in the set now.
** */
static uint32_t regex_read_member(struct regex_reader *reader, struct regex_set *set,
                                  bool *is_class) {
  *is_class = false;
  if (regex_take(reader, "[:")) {
    const char *name;
    size_t length = regex_read_named(reader, ':', &name);
    const struct regex_class *class = reader->problem ? NULL : regex_class_named(name, length);
    if (!class) {
      regex_problem(reader, "invalid character class");
      return 0;
    }
    *is_class = true;
    regex_add_class(reader, set, class, false);
    return 0;
  }
  if (regex_take(reader, "[.")) return regex_read_collating(reader, '.');
  if (regex_take(reader, "[=")) {
    uint32_t code = regex_read_collating(reader, '=');
    if (!reader->problem) regex_add_range(reader, set, code, code);
    *is_class = true;
    return 0;
  }
  if (!regex_take(reader, "\\")) return regex_next(reader);
  struct regex_escape escape = regex_read_escape(reader);
  if (escape.kind == REGEX_CLASS || escape.kind == REGEX_NOT_CLASS) {
    *is_class = true;
    regex_add_class(reader, set, escape.class, escape.kind == REGEX_NOT_CLASS);
  } else if (escape.kind != REGEX_PLAIN) {
    regex_problem(reader, "invalid escape \\ sequence");
  }
  return escape.code;
}

static void regex_read_set(struct regex_reader *reader, struct regex_set *set) {
  for (bool is_first = true; is_first || regex_peek(reader, 0) != ']'; is_first = false) {
    uint32_t next = regex_peek(reader, 0);
    if (next == REGEX_END) {
      regex_problem(reader, "brackets [] not balanced");
      return;
    }
    if (next == '-' && !is_first && regex_peek(reader, 1) != ']') {
      regex_problem(reader, regex_peek(reader, 1) == REGEX_END ? "brackets [] not balanced"
                                                               : "invalid character range");
      return;
    }
    bool is_class;
    uint32_t first = regex_read_member(reader, set, &is_class);
    bool is_range = regex_peek(reader, 0) == '-' && regex_peek(reader, 1) != ']' &&
                    regex_peek(reader, 1) != REGEX_END;
    if (is_class) continue;
    uint32_t last = first;
    if (is_range) {
      regex_next(reader);
      uint32_t mark = regex_peek(reader, 0) == '[' ? regex_peek(reader, 1) : REGEX_END;
      if (mark == ':' || mark == '=') regex_problem(reader, "invalid character range");
      last = regex_read_member(reader, set, &is_class);
      if (regex_peek(reader, 0) == REGEX_END) regex_problem(reader, "brackets [] not balanced");
      if (is_class || last < first) regex_problem(reader, "invalid character range");
    }
    if (!reader->problem) regex_add_range(reader, set, first, last);
  }
  regex_next(reader);
}

static void regex_put_set(struct regex_reader *reader, const struct regex_set *set, bool is_not) {
  const char *ranges = sqlite3_str_value(set->ranges);
  const char *others = sqlite3_str_value(set->others);
  const char *newline = is_not && reader->newline_stops ? "\\n" : "";
  if (!others && is_not) {
    sqlite3_str_appendf(reader->out, ranges || newline[0] ? "[^%s%s]" : ".", ranges ? ranges : "",
                        newline);
  } else if (!others) {
    sqlite3_str_appendf(reader->out, ranges ? "[%s]" : REGEX_NEVER, ranges);
  } else {
    sqlite3_str_appendf(reader->out, is_not ? "(?:(?!" : "(?:");
    if (ranges) sqlite3_str_appendf(reader->out, "[%s]", ranges);
    regex_put(reader, others + (ranges ? 0 : 1));
    if (is_not) regex_put(reader, newline[0] ? ")[^\\n]" : ").");
    regex_put(reader, ")");
  }
}

static void regex_brackets(struct regex_reader *reader) {
  bool is_not = regex_take(reader, "^");
  struct regex_set set = {.ranges = sqlite3_str_new(NULL), .others = sqlite3_str_new(NULL)};
  regex_read_set(reader, &set);
  if (sqlite3_str_errcode(set.ranges) != SQLITE_OK ||
      sqlite3_str_errcode(set.others) != SQLITE_OK) {
    regex_short_of_memory(reader);
  }
  if (!reader->problem) regex_put_set(reader, &set, is_not);
  sqlite3_free(sqlite3_str_finish(set.ranges));
  sqlite3_free(sqlite3_str_finish(set.others));
}

/* ---- atoms, quantifiers, branches */

static enum regex_preference regex_alternatives(struct regex_reader *reader, bool in_lookaround);

/* Up to the closing parenthesis. */
static enum regex_preference regex_nested(struct regex_reader *reader, bool in_lookaround) {
  if (reader->depth >= REGEX_DEPTH_MAX) {
    regex_problem(reader, "regular expression is too complex");
    return REGEX_NONE;
  }
  reader->depth++;
  enum regex_preference preference = regex_alternatives(reader, in_lookaround);
  reader->depth--;
  if (!regex_take(reader, ")")) regex_problem(reader, "parentheses () not balanced");
  regex_put(reader, ")");
  return preference;
}

static enum regex_preference regex_group(struct regex_reader *reader, bool in_lookaround) {
  bool is_capture = !regex_take(reader, "?:") && !in_lookaround;
  if (!is_capture) {
    regex_put(reader, "(?:");
    return regex_nested(reader, in_lookaround);
  }
  if (regex_peek(reader, 0) == '?' || reader->groups == REGEX_GROUP_MAX) {
    regex_problem(reader, reader->groups == REGEX_GROUP_MAX ? "regular expression is too complex"
                                                            : "quantifier operand invalid");
    return REGEX_NONE;
  }
  int group = ++reader->groups;
  regex_put(reader, "(");
  enum regex_preference preference = regex_nested(reader, false);
  reader->is_closed[group] = true;
  return preference;
}

static void regex_constraint(struct regex_reader *reader, uint32_t letter) {
  switch (letter) {
  case 'A': regex_put(reader, "\\A"); break;
  case 'Z': regex_put(reader, "\\z"); break;
  case 'm': regex_put(reader, "(?<![" REGEX_WORD "])(?=[" REGEX_WORD "])"); break;
  case 'M': regex_put(reader, "(?<=[" REGEX_WORD "])(?![" REGEX_WORD "])"); break;
  case 'y':
    regex_put(reader, "(?:(?<![" REGEX_WORD "])(?=[" REGEX_WORD "])|(?<=[" REGEX_WORD
                      "])(?![" REGEX_WORD "]))");
    break;
  default:
    regex_put(reader, "(?:(?<![" REGEX_WORD "])(?![" REGEX_WORD "])|(?<=[" REGEX_WORD
                      "])(?=[" REGEX_WORD "]))");
    break;
  }
}

/* What matches the empty string under a condition, and takes no quantifier. True if there was one.
** */
static bool regex_read_constraint(struct regex_reader *reader) {
  static const char *const lookarounds[] = {"(?=", "(?!", "(?<=", "(?<!"};
  for (size_t i = 0; i < sizeof lookarounds / sizeof *lookarounds; i++) {
    if (!regex_take(reader, lookarounds[i])) continue;
    regex_put(reader, lookarounds[i]);
    regex_nested(reader, true);
    return true;
  }
  if (regex_take(reader, "^")) {
    regex_put(reader, reader->newline_anchors ? "(?:\\A|(?<=\\n))" : "\\A");
  } else if (regex_take(reader, "$")) {
    regex_put(reader, reader->newline_anchors ? "(?:\\z|(?=\\n))" : "\\z");
  } else if (regex_take(reader, "[[:<:]]")) {
    regex_constraint(reader, 'm');
  } else if (regex_take(reader, "[[:>:]]")) {
    regex_constraint(reader, 'M');
  } else {
    return false;
  }
  return true;
}

/* An escape outside brackets. True if it takes a quantifier. */
static bool regex_escape(struct regex_reader *reader, bool in_lookaround) {
  struct regex_escape escape = regex_read_escape(reader);
  switch (escape.kind) {
  case REGEX_PLAIN: regex_put_literal(reader, escape.code); break;
  case REGEX_CLASS: sqlite3_str_appendf(reader->out, "[%s]", escape.class->set); break;
  case REGEX_NOT_CLASS: sqlite3_str_appendf(reader->out, "[^%s]", escape.class->set); break;
  case REGEX_CONSTRAINT: regex_constraint(reader, escape.code); return false;
  case REGEX_BACK_REFERENCE:
    if (in_lookaround || escape.code > REGEX_GROUP_MAX || !reader->is_closed[escape.code]) {
      regex_problem(reader, "invalid backreference number");
    }
    reader->has_back_reference = true;
    sqlite3_str_appendf(reader->out, reader->is_caseless ? "(?i:\\g{%u})" : "\\g{%u}", escape.code);
    break;
  }
  return true;
}

static int regex_read_bound(struct regex_reader *reader) {
  int number = -1;
  for (;;) {
    if (reader->is_expanded) regex_skip(reader);
    uint32_t c = regex_peek(reader, 0);
    if (!regex_is_digit(c)) return number;
    number = (number < 0 ? 0 : number) * 10 + (int)(c - '0');
    if (number > REGEX_REPEAT_MAX) {
      regex_problem(reader, "invalid repetition count(s)");
      return -1;
    }
    regex_next(reader);
  }
}

struct regex_quantifier {
  int least;
  int most;      /* -1: no bound */
  bool is_exact; /* {m}, which has no preference of its own, and {0}, {0,0} */
};

/* False if there is none. */
static bool regex_read_quantifier(struct regex_reader *reader,
                                  struct regex_quantifier *quantifier) {
  regex_skip(reader);
  if (regex_peek(reader, 0) == '{' && regex_is_digit(regex_peek(reader, 1))) {
    regex_next(reader);
    quantifier->least = regex_read_bound(reader);
    quantifier->is_exact = !regex_take(reader, ",");
    quantifier->most = quantifier->is_exact ? quantifier->least : regex_read_bound(reader);
    if (regex_peek(reader, 0) == REGEX_END) regex_problem(reader, "braces {} not balanced");
    if (!regex_take(reader, "}") ||
        (quantifier->most >= 0 && quantifier->most < quantifier->least)) {
      regex_problem(reader, "invalid repetition count(s)");
    }
    if (quantifier->most == 0) quantifier->is_exact = true;
    return true;
  }
  *quantifier = (struct regex_quantifier){.least = 0, .most = -1};
  if (regex_take(reader, "*")) return true;
  quantifier->least = 1;
  if (regex_take(reader, "+")) return true;
  *quantifier = (struct regex_quantifier){.least = 0, .most = 1};
  return regex_take(reader, "?");
}

/*
** Writes it behind the atom that begins at `start`. x+ becomes xx*: pcre2_dfa_match() counts how
** often it has been through an x+, and each count is a state of its own, so that (x+)+ would take
** cubic time. An atom that is a group is not counted.
*/
static void regex_put_quantifier(struct regex_reader *reader, int start,
                                 const struct regex_quantifier *quantifier) {
  const char *atom = sqlite3_str_value(reader->out);
  if (!atom) return; /* short of memory, which is found at the end */
  if (quantifier->least == 0 && quantifier->most < 0) {
    regex_put(reader, "*");
  } else if (quantifier->least == 1 && quantifier->most < 0 && atom[start] == '(') {
    regex_put(reader, "+");
  } else if (quantifier->least == 1 && quantifier->most < 0) {
    char *copy = sqlite3_mprintf("%s*", atom + start);
    if (copy) {
      regex_put(reader, copy);
    } else {
      regex_short_of_memory(reader);
    }
    sqlite3_free(copy);
  } else if (quantifier->most < 0) {
    sqlite3_str_appendf(reader->out, "{%d,}", quantifier->least);
  } else {
    sqlite3_str_appendf(reader->out, "{%d,%d}", quantifier->least, quantifier->most);
  }
}

/* A quantifier, if there is one. {m} leaves the atom's preference, {0} none, all others have their
** own. */
static enum regex_preference regex_quantify(struct regex_reader *reader, int start,
                                            enum regex_preference preference) {
  struct regex_quantifier quantifier;
  if (reader->problem || !regex_read_quantifier(reader, &quantifier) || reader->problem)
    return preference;
  regex_put_quantifier(reader, start, &quantifier);
  bool is_shortest = regex_take(reader, "?");
  if (is_shortest) regex_put(reader, "?");
  if (quantifier.most == 0) return REGEX_NONE;
  return quantifier.is_exact ? preference : is_shortest ? REGEX_SHORTEST : REGEX_LONGEST;
}

/* An atom with its quantifier. */
static enum regex_preference regex_atom(struct regex_reader *reader, bool in_lookaround) {
  enum regex_preference preference = REGEX_NONE;
  if (regex_read_constraint(reader)) return preference;
  int start = sqlite3_str_length(reader->out);
  uint32_t c = regex_next(reader);
  switch (c) {
  case '*':
  case '+':
  case '?': regex_problem(reader, "quantifier operand invalid"); break;
  case '{':
    if (regex_is_digit(regex_peek(reader, 0))) regex_problem(reader, "quantifier operand invalid");
    regex_put_literal(reader, c);
    break;
  case ')': regex_problem(reader, "parentheses () not balanced"); break;
  case '(': preference = regex_group(reader, in_lookaround); break;
  case '[': regex_brackets(reader); break;
  case '.': regex_put(reader, reader->newline_stops ? "[^\\n]" : "."); break;
  case '\\':
    if (!regex_escape(reader, in_lookaround)) return preference;
    break;
  default: regex_put_literal(reader, c); break;
  }
  return regex_quantify(reader, start, preference);
}

static enum regex_preference regex_alternatives(struct regex_reader *reader, bool in_lookaround) {
  enum regex_preference preference = REGEX_NONE;
  for (;;) {
    regex_skip(reader);
    uint32_t c = regex_peek(reader, 0);
    if (c == REGEX_END || (c == ')' && reader->depth > 0)) return preference;
    if (c == '|') {
      regex_next(reader);
      regex_put(reader, "|");
      preference = REGEX_LONGEST; /* of two or more branches, whatever they prefer themselves */
      continue;
    }
    enum regex_preference atom = regex_atom(reader, in_lookaround);
    if (preference == REGEX_NONE) preference = atom;
  }
}

/* ---- options */

/* An option's letter, in (?...) or in the last argument of regexp_match(). False: it is none. */
static bool regex_set_option(struct regex_reader *reader, uint32_t letter) {
  switch (letter) {
  case 'c': reader->is_caseless = false; return true;
  case 'i': reader->is_caseless = true; return true;
  case 'm':
  case 'n': reader->newline_stops = reader->newline_anchors = true; return true;
  case 'p':
    reader->newline_stops = true;
    reader->newline_anchors = false;
    return true;
  case 'q': reader->is_literal = true; return true;
  case 's': reader->newline_stops = reader->newline_anchors = false; return true;
  case 't': reader->is_expanded = false; return true;
  case 'w':
    reader->newline_stops = false;
    reader->newline_anchors = true;
    return true;
  case 'x': reader->is_expanded = true; return true;
  default: return false;
  }
}

/* What may stand before the expression: *** and options in parentheses. */
static void regex_director(struct regex_reader *reader) {
  if (reader->is_literal) return;
  if (regex_take(reader, "***=")) {
    reader->is_literal = true;
    return;
  }
  if (!regex_take(reader, "***:") && regex_take(reader, "***")) {
    regex_problem(reader, regex_peek(reader, 0) == '?' ? "invalid regexp (reg version 0.8)"
                                                       : "quantifier operand invalid");
    return;
  }
  if (regex_peek(reader, 0) != '(' || regex_peek(reader, 1) != '?' ||
      !regex_is_letter(regex_peek(reader, 2)))
    return;
  regex_take(reader, "(?");
  while (regex_is_letter(regex_peek(reader, 0))) {
    if (!regex_set_option(reader, regex_next(reader)))
      regex_problem(reader, "invalid embedded option");
  }
  if (!regex_take(reader, ")")) regex_problem(reader, "invalid embedded option");
}

static int regex_read_flags(struct regex_reader *reader, const char *flags, size_t length,
                            ledger_error *error) {
  for (size_t i = 0; i < length; i++) {
    if (flags[i] == 'g') {
      reader->is_global = true;
    } else if (flags[i] == 'b' || flags[i] == 'e') {
      return error_set(error, LEDGER_UNSUPPORTED,
                       "regular expression option \"%c\" is not supported", flags[i]);
    } else if (!regex_set_option(reader, (unsigned char)flags[i])) {
      return error_set(error, LEDGER_INVALID_PARAMETER,
                       "invalid regular expression option: \"%.*s\"",
                       (int)text_offset(flags + i, length - i, 1), flags + i);
    }
  }
  return LEDGER_OK;
}

int regex_check_flags(const char *flags, size_t length, bool *is_global, ledger_error *error) {
  struct regex_reader reader = {0};
  int rc = regex_read_flags(&reader, flags, length, error);
  *is_global = reader.is_global;
  return rc;
}

int regex_translate(const char *pattern, size_t length, const char *flags, size_t flags_length,
                    int options, struct regex_source *out, ledger_error *error) {
  struct regex_reader reader = {
      .text = pattern, .length = length, .is_caseless = (options & REGEX_CASELESS) != 0};
  int rc = text_check(pattern, length, error);
  if (rc == LEDGER_OK) rc = regex_read_flags(&reader, flags, flags_length, error);
  if (rc != LEDGER_OK) return rc;
  reader.out = sqlite3_str_new(NULL);
  regex_director(&reader);
  enum regex_preference preference = REGEX_NONE;
  if (reader.is_literal) {
    for (uint32_t c; (c = regex_next(&reader)) != REGEX_END;) regex_put_literal(&reader, c);
  } else {
    preference = regex_alternatives(&reader, false);
  }
  if (sqlite3_str_errcode(reader.out) != SQLITE_OK) reader.is_short_of_memory = true;
  bool is_empty = sqlite3_str_length(reader.out) == 0;
  char *text = sqlite3_str_finish(reader.out);
  if (is_empty && !reader.is_short_of_memory) text = sqlite3_mprintf("");
  if (reader.is_short_of_memory || !text) {
    sqlite3_free(text);
    return error_memory(error);
  }
  if (reader.problem) {
    sqlite3_free(text);
    return error_set(error, LEDGER_INVALID_REGEX, "invalid regular expression: %s", reader.problem);
  }
  *out = (struct regex_source){.text = text,
                               .groups = reader.groups,
                               .has_back_reference = reader.has_back_reference,
                               .is_shortest = preference == REGEX_SHORTEST};
  return LEDGER_OK;
}

#undef REGEX_DEPTH_MAX
#undef REGEX_REPEAT_MAX
#undef REGEX_END
#undef REGEX_CODE_MAX
#undef REGEX_WORD
#undef REGEX_SPACE
#undef REGEX_GRAPH
#undef REGEX_NEVER
