/*
** The strings family: LIKE, regular expressions, addresses, encodings, and the SQL functions over
** them. What the input functions answer is compared with PostgreSQL in test_types.c; the
** expectations here are PostgreSQL 15's as well.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- an allocator that fails when told to */

static sqlite3_mem_methods real_memory;
static int allocations_left = -1; /* -1: never fails */

static bool may_allocate(void) {
  if (allocations_left < 0) return true;
  if (allocations_left == 0) return false;
  allocations_left--;
  return true;
}

static void *failing_malloc(int bytes) {
  return may_allocate() ? real_memory.xMalloc(bytes) : NULL;
}

static void *failing_realloc(void *memory, int bytes) {
  return may_allocate() ? real_memory.xRealloc(memory, bytes) : NULL;
}

/* ---- LIKE */

static void test_like(void **state) {
  static const struct {
    const char *text, *pattern;
    int matches; /* -1: 22025 */
  } rows[] = {
      {"", "", 1},           {"", "%", 1},
      {"", "_", 0},          {"a", "", 0},
      {"abc", "abc", 1},     {"abc", "a%", 1},
      {"abc", "%c", 1},      {"abc", "%b%", 1},
      {"abc", "_b_", 1},     {"abc", "__", 0},
      {"abc", "a%%c", 1},    {"aXbXc", "a%b%c", 1},
      {"abcbc", "%bc", 1},   {"a%c", "a\\%c", 1},
      {"abc", "a\\%c", 0},   {"\xc3\xa9", "_", 1},
      {"\xc3\xa9", "__", 0}, {"\xf0\x9f\x98\x80x", "_x", 1},
      {"abc", "%_%_%_%", 1}, {"ab", "%_%_%_%", 0},
      {"abc", "%\\", -1},    {"abc", "abc\\", 0},
      {"abcd", "abc\\", -1}, {"abc", "x\\", 0},
      {"a\\b", "a\\\\b", 1}, {"\xc3\xa9", "%\xa9", 0},
      {"ABC", "abc", 0},     {"aaab", "%ab", 1},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    bool matches = false;
    ledger_error error;
    int rc = pattern_like(rows[i].text, strlen(rows[i].text), rows[i].pattern,
                          strlen(rows[i].pattern), &matches, &error);
    if (rc != LEDGER_OK) assert_string_equal(error.sqlstate, "22025");
    int answer = rc == LEDGER_OK ? matches : -1;
    if (answer != rows[i].matches) print_error("%s LIKE %s\n", rows[i].text, rows[i].pattern);
    assert_int_equal(answer, rows[i].matches);
  }
}

/* A pattern that takes exponential time where every % is tried again. */
static void test_like_is_not_exponential(void **state) {
  static char text[20001];
  const char *pattern = "%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%a%b";
  bool matches = true;
  (void)state;
  memset(text, 'a', sizeof text - 1);
  assert_int_equal(pattern_like(text, sizeof text - 1, pattern, strlen(pattern), &matches, NULL),
                   LEDGER_OK);
  assert_false(matches);
}

/* ---- regular expressions */

/* The extent of the first match as PostgreSQL finds it: leftmost, and then longest or shortest as
** preferred. */
static void test_regex_extent(void **state) {
  static const struct {
    const char *subject, *pattern, *match; /* NULL: none */
  } rows[] = {
      {"abc", "b", "b"},
      {"abc", "", ""},
      {"abcd", "ab|abc|a", "abc"},
      {"xabab", "(a|ab)*?", ""},
      {"abab", "(ab){1,2}?", "ab"},
      {"abab", "(?:ab)+?", "ab"},
      {"abab", "(?:ab)+?|x", "abab"}, /* branches make it prefer the longest */
      {"abcabc", "(ab)?(abcabc)?", "abcabc"},
      {"aab", "a*?b*", ""},
      {"a\nb", "a.b", "a\nb"},
      {"a\n", "a$", NULL},
      {"a\nb", "(?n)a$", "a"},
      {"a\nb", "(?n)a.b", NULL},
      {"a\nb", "(?n)^b", "b"},
      {"foo bar", "\\mb\\w+\\M", "bar"},
      {"foo", "[[:<:]]foo[[:>:]]", "foo"},
      {"foo_1", "\\yfoo\\y", NULL},
      {"a{b", "a{b", "a{b"},
      {"a{,5}", "a{,5}", "a{,5}"},
      {"aaa", "a{2}", "aa"},
      {"a.c", "***=a.c", "a.c"},
      {"abc", "***=a.c", NULL},
      {"ABC", "(?i)abc", "ABC"},
      {"a b", "(?x)a \\  b # comment", "a b"},
      {"a]b", "[]]", "]"},
      {"a-b", "[a\\-]+", "a-"},
      {"\\", "[\\\\]", "\\"},
      {"x1\xc3\xa9_", "\\w+", "x1\xc3\xa9_"},
      {"\xd9\xa3", "\\d", NULL}, /* an Arabic digit is no digit, but a letter */
      {"\xd9\xa3", "[[:alpha:]]", "\xd9\xa3"},
      {"\xe2\x84\xaa", "(?i)k", NULL}, /* the Kelvin sign has k as its lower case, k has not it */
      {"abab", "(ab)\\1", "abab"},
      {"a1", "[^\\d]", "a"},
      {" a", "[\\S]", "a"},
      {"\x08", "\\b", "\x08"},
      {"foobar", "foo(?=bar)", "foo"},
      {"foobar", "foo(?!bar)", NULL},
      {"foobar", "(?<=foo)bar", "bar"},
      {"xay", "\\x61", "a"},
      {"xay", "\\141", "a"},
      {"a", "\\ud800|a", "a"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct regex *regex = NULL;
    struct regex_span span = {0};
    ledger_error error;
    bool found = false;
    bool matches = false;
    size_t length = strlen(rows[i].subject);
    int rc = regex_compile(rows[i].pattern, strlen(rows[i].pattern), "", 0, 0, &regex, &error);
    if (rc != LEDGER_OK) print_error("%s: %s\n", rows[i].pattern, error.message);
    assert_int_equal(rc, LEDGER_OK);
    assert_int_equal(regex_find(regex, rows[i].subject, length, 0, &span, 1, &found, &error),
                     LEDGER_OK);
    assert_int_equal(regex_test(regex, rows[i].subject, length, &matches, &error), LEDGER_OK);
    if (found != (rows[i].match != NULL))
      print_error("%s ~ %s\n", rows[i].subject, rows[i].pattern);
    assert_int_equal(found, rows[i].match != NULL);
    assert_int_equal(matches, found);
    if (found &&
        (span.end - span.start != strlen(rows[i].match) ||
         memcmp(rows[i].subject + span.start, rows[i].match, span.end - span.start) != 0)) {
      fail_msg("%s in %s: found %.*s", rows[i].pattern, rows[i].subject,
               (int)(span.end - span.start), rows[i].subject + span.start);
    }
    regex_free(regex);
  }
}

static void test_regex_errors(void **state) {
  static const struct {
    const char *pattern, *flags, *sqlstate, *message;
  } rows[] = {
      {"*a", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"a**", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"a*+", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"^*", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"(?=a)*", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"(?P<n>a)", "", "2201B", "invalid regular expression: invalid embedded option"},
      {"a(?i)", "", "2201B", "invalid regular expression: quantifier operand invalid"},
      {"(a", "", "2201B", "invalid regular expression: parentheses () not balanced"},
      {"a)", "", "2201B", "invalid regular expression: parentheses () not balanced"},
      {"[a", "", "2201B", "invalid regular expression: brackets [] not balanced"},
      {"[z-a]", "", "2201B", "invalid regular expression: invalid character range"},
      {"[[:foo:]]", "", "2201B", "invalid regular expression: invalid character class"},
      {"a{2,1}", "", "2201B", "invalid regular expression: invalid repetition count(s)"},
      {"a{256}", "", "2201B", "invalid regular expression: invalid repetition count(s)"},
      {"\\", "", "2201B", "invalid regular expression: invalid escape \\ sequence"},
      {"\\q", "", "2201B", "invalid regular expression: invalid escape \\ sequence"},
      {"\\1", "", "2201B", "invalid regular expression: invalid backreference number"},
      {"(a\\1)", "", "2201B", "invalid regular expression: invalid backreference number"},
      {"(?<=a*)b", "", "2201B", "invalid regular expression: lookbehind is not of fixed length"},
      {"((a{255}){255}){255}", "", "2201B",
       "invalid regular expression: regular expression is too complex"},
      {"a", "z", "22023", "invalid regular expression option: \"z\""},
      {"a", "b", "0A000", "regular expression option \"b\" is not supported"},
      {"\xff", "", "22021", "invalid byte sequence for encoding \"UTF8\": 0xff"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct regex *regex = NULL;
    ledger_error error;
    int rc = regex_compile(rows[i].pattern, strlen(rows[i].pattern), rows[i].flags,
                           strlen(rows[i].flags), 0, &regex, &error);
    if (rc == LEDGER_OK) print_error("accepted: %s\n", rows[i].pattern);
    assert_int_not_equal(rc, LEDGER_OK);
    assert_null(regex);
    assert_string_equal(error.sqlstate, rows[i].sqlstate);
    assert_string_equal(error.message, rows[i].message);
  }
}

/* Expressions on which backtracking is hopeless are answered all the same, but for those with back
** references. */
static void test_regex_is_bounded(void **state) {
  static const struct {
    const char *pattern;
    int rc;
    bool matches;
  } rows[] = {{"^(a+)+$", LEDGER_OK, false},
              {"^(a|aa)+$", LEDGER_OK, false},
              {"(x+x+)+y|(a*)*$", LEDGER_OK, true},
              {"^(a+)+\\1$", LEDGER_TOO_COMPLEX, false}};
  static char subject[3001];
  (void)state;
  memset(subject, 'a', sizeof subject - 2);
  subject[sizeof subject - 2] = 'b';
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct regex *regex = NULL;
    ledger_error error;
    bool matches = false;
    assert_int_equal(
        regex_compile(rows[i].pattern, strlen(rows[i].pattern), "", 0, 0, &regex, &error),
        LEDGER_OK);
    int rc = regex_test(regex, subject, sizeof subject - 1, &matches, &error);
    if (rc != rows[i].rc) print_error("%s\n", rows[i].pattern);
    assert_int_equal(rc, rows[i].rc);
    if (rc == LEDGER_OK) assert_int_equal(matches, rows[i].matches);
    regex_free(regex);
  }
  char deep[2001];
  struct regex *regex = NULL;
  ledger_error error;
  memset(deep, '(', 1000);
  memset(deep + 1000, ')', 1000);
  assert_int_equal(regex_compile(deep, 2000, "", 0, 0, &regex, &error), LEDGER_INVALID_REGEX);
}

/* ---- values */

static struct value text_value(const char *text) {
  return (struct value){.kind = VALUE_TEXT, .text = text, .length = strlen(text)};
}

/* Ascending, each smaller than the next. */
static void check_order(const struct type *type, const char *const *texts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) {
      struct value a = text_value(texts[i]);
      struct value b = text_value(texts[j]);
      assert_int_equal(type_compare(type, &a, &b), (i > j) - (i < j));
    }
  }
}

static void test_order(void **state) {
  static const char *const texts[] = {
      "", "A", "Z", "a", "ab", "\xc3\xa9", "\xef\xbf\xbd", "\xf0\x9f\x98\x80"};
  (void)state;
  /* PostgreSQL: the common network first, then the mask, then the address. */
  static const char *const expected[] = {"0.0.0.0/0", "1.2.3.0/24", "1.2.3.4/24", "1.2.3.0",
                                         "1.2.3.4",   "9.0.0.0/8",  "10.0.0.0/8", "::/0",
                                         "::1",       "ffff::/16",  "no address"};
  check_order(&(struct type){.id = TYPE_INET, .length = -1}, expected,
              sizeof expected / sizeof *expected);
  check_order(&(struct type){.id = TYPE_TEXT, .length = -1}, texts, sizeof texts / sizeof *texts);
  struct value padded = text_value("ab  ");
  struct value bare = text_value("ab");
  assert_int_equal(type_compare(&(struct type){.id = TYPE_BPCHAR, .length = 4}, &padded, &bare), 0);
  struct value upper = text_value("\xc3\x89"
                                  "B");
  struct value lower = text_value("\xc3\xa9"
                                  "b");
  assert_int_equal(type_compare(&(struct type){.id = TYPE_CITEXT, .length = -1}, &upper, &lower),
                   0);
}

/* What a foreign program may have stored is not passed on. */
static void test_output_refuses(void **state) {
  static const struct {
    const char *type, *stored;
    int rc;
  } rows[] = {{"text", "a\xff", LEDGER_BAD_ENCODING},
              {"character varying(2)", "abc", LEDGER_CORRUPT},
              {"character(3)", "ab", LEDGER_CORRUPT},
              {"uuid", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", LEDGER_CORRUPT},
              {"inet", "1.2.3.4/32", LEDGER_CORRUPT},
              {"cidr", "10/8", LEDGER_CORRUPT},
              {"cidr", "10.0.0.1/8", LEDGER_CORRUPT},
              {"bytea", "abc", LEDGER_CORRUPT}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct type type;
    ledger_error error;
    struct value stored = text_value(rows[i].stored);
    assert_int_equal(type_parse(rows[i].type, &type, &error), LEDGER_OK);
    sqlite3_str *out = sqlite3_str_new(NULL);
    assert_int_equal(type_output(&type, &stored, out, &error), rows[i].rc);
    sqlite3_free(sqlite3_str_finish(out));
  }
}

static void test_canonical_input_is_borrowed(void **state) {
  const char *uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
  struct arena arena = {0};
  struct value value;
  ledger_error error;
  (void)state;
  assert_int_equal(
      type_input(&(struct type){.id = TYPE_UUID, .length = -1}, uuid, 36, &arena, &value, &error),
      LEDGER_OK);
  assert_ptr_equal(value.text, uuid);
  assert_int_equal(type_input(&(struct type){.id = TYPE_VARCHAR, .length = 40}, uuid, 36, &arena,
                              &value, &error),
                   LEDGER_OK);
  assert_ptr_equal(value.text, uuid);
  arena_free(&arena);
}

/* ---- SQL functions */

static const struct {
  const char *sql, *answer; /* NULL: NULL; "!..." the error's beginning */
} functions[] = {
    {"pg_textcat('a', 'b')", "ab"},
    {"pg_textcat('a', NULL)", NULL},
    {"pg_lower('\xc3\x89"
     "A')",
     "\xc3\xa9"
     "a"},
    {"pg_initcap('hello wORLD-x 1a')", "Hello World-X 1a"},
    {"pg_textlen('\xc3\xa9\xf0\x9f\x98\x80')", "2"},
    {"pg_bpcharlen('ab  ')", "2"},
    {"pg_text_substr('hello', 0, 3)", "he"},
    {"pg_text_substr('hello', -5, 7)", "h"},
    {"pg_text_substr('hello', 2, 2147483647)", "ello"},
    {"pg_text_substr('hello', 1, -1)", "!22011: negative substring length not allowed"},
    {"pg_text_substr_no_len('hello', 4)", "lo"},
    {"pg_text_left('hello', -2)", "hel"},
    {"pg_text_right('hello', -2)", "llo"},
    {"pg_text_right('hello', 0)", ""},
    {"pg_textpos('hello', 'l')", "3"},
    {"pg_textpos('hello', '')", "1"},
    {"pg_textoverlay('Txxxxas', 'hom', 2, 4)", "Thomas"},
    {"pg_split_part('a,b,c', ',', -1)", "c"},
    {"pg_split_part('a,b,c', ',', 0)", "!22023: field position must not be zero"},
    {"pg_btrim('xyxtrimyyx', 'xyz')", "trim"},
    {"pg_rtrim1('a \t ')", "a \t"},
    {"pg_lpad('hi', 5, 'xy')", "xyxhi"},
    {"pg_lpad('hello', 2, 'x')", "he"},
    {"pg_rpad('hi', 5, '')", "hi"},
    {"pg_rpad('hi', 5, CAST(x'abbe81' AS TEXT))", "hi"},
    {"pg_repeat('ab', 3)", "ababab"},
    {"pg_repeat('ab', 1000000000)", "!54000: requested length too large"},
    {"pg_text_reverse('a\xc3\xa9')", "\xc3\xa9"
                                     "a"},
    {"pg_replace_text('abcabc', 'bc', 'X')", "aXaX"},
    {"pg_translate('12345', '143', 'ax')", "a2x5"},
    {"pg_ascii('\xc3\xa9')", "233"},
    {"pg_chr(0)", "!54000: null character not permitted"},
    {"pg_md5_text('')", "d41d8cd98f00b204e9800998ecf8427e"},
    {"pg_md5_text(pg_repeat('a', 56))", "3b0c8ac703f828b04c6c197006d17218"},
    {"pg_binary_encode(x'00ff5c41', 'escape')", "\\000\\377\\\\A"},
    {"pg_binary_encode(pg_sha256_bytea(x''), 'hex')",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"pg_binary_encode(pg_binary_decode('QUJD RA==', 'base64'), 'hex')", "41424344"},
    {"pg_binary_decode('QUI', 'base64')", "!22023: invalid base64 end sequence"},
    {"pg_binary_decode('0g', 'hex')", "!22023: invalid hexadecimal digit: \"g\""},
    {"pg_convert_from(x'ff', 'UTF8')", "!22021: invalid byte sequence"},
    {"pg_quote_ident('Foo bar')", "\"Foo bar\""},
    {"pg_quote_ident('select')", "\"select\""},
    {"pg_quote_ident('users')", "users"},
    {"pg_quote_literal('a''b\\c')", "E'a''b\\\\c'"},
    {"pg_quote_nullable(NULL)", "NULL"},
    {"pg_bpchar('ab', 4, 0)", "ab  "},
    {"pg_varchar('abcd', 3, 0)", "!22001: value too long for type character varying(3)"},
    {"pg_varchar('abcd', 3, 1)", "abc"},
    {"pg_to_hex32(-1)", "ffffffff"},
    {"pg_to_hex32(2147483648)", "!22003: integer out of range"},
    {"pg_to_hex64(9223372036854775807)", "7fffffffffffffff"},
    {"pg_text_left('abc', 9223372036854775807)", "!22003: integer out of range"},
    {"pg_text_right('abc', -9223372036854775807 - 1)", "!22003: integer out of range"},
    {"pg_text_concat()", ""},
    {"pg_text_concat_ws()", NULL},
    {"pg_text_format()", NULL},
    {"pg_text_concat(x'74657874', 'a')", "a"},
    {"pg_text_concat('integer', 1, 'text', NULL, 'boolean', 1)", "1t"},
    {"pg_text_concat_ws(',', 'text', 'a', 'text', NULL, 'text', 'b')", "a,b"},
    {"pg_text_concat_ws(NULL, 'text', 'a')", NULL},
    {"pg_text_format('%s is %2$I, %L, %%', 'text', 'a b', 'text', 'c d', 'text', 'it''s')",
     "a b is \"c d\", 'it''s', %"},
    {"pg_text_format('[%-5s|%5s|%*s]', 'text', 'a', 'text', 'b', 'integer', -3, 'text', 'c')",
     "[a    |    b|c  ]"},
    {"pg_text_format('%I', 'text', NULL)", "!22004: null values cannot be formatted"},
    {"pg_text_format('%s %s', 'text', 'a')", "!22023: too few arguments"},
    {"pg_text_format('%', 'text', 'a')", "!22023: unterminated format() type specifier"},
    {"pg_texticlike('\xc3\x89"
     "A', '\xc3\xa9_')",
     "1"},
    {"pg_textnlike('abc', 'a%')", "0"},
    {"pg_textlike('50%', pg_like_escape('50!%', '!'))", "1"},
    {"pg_like_escape('a', 'xy')", "!22025: invalid escape string"},
    {"pg_similar_to_escape_1('a%(b|c)_')", "^(?:a.*(?:b|c).)$"},
    {"pg_textregexeq('abc', '^a.c$')", "1"},
    {"pg_texticregexne('\xc3\x89', '\xc3\xa9')", "0"},
    {"pg_textregexeq('abc', NULL)", NULL},
    {"pg_textregexreplace_noopt('foobarbaz', 'b..', 'X')", "fooXbaz"},
    {"pg_textregexreplace('foobarbaz', 'b(..)', 'X\\1Y', 'g')", "fooXarYXazY"},
    {"pg_textregexreplace('abc', 'b*', '<\\&>', 'g')", "<>a<b><>c<>"},
    {"pg_textregexreplace_extended('aaaa', 'a', 'X', 2, 2, '')", "aaXa"},
    {"pg_regexp_match_no_flags('foobar', '(o+)(x)?(b)')", "[\"oo\",null,\"b\"]"},
    {"pg_regexp_match_no_flags('foobar', 'z')", NULL},
    {"pg_regexp_match('a', 'a', 'g')",
     "!22023: regexp_match() does not support the \"global\" option"},
    {"pg_textregexsubstr('foobar', 'o(.)b')", "o"},
    {"pg_textregexsubstr('foobar', 'o.b')", "oob"},
    {"pg_regexp_split_to_array_no_flags('a, b,c', ',\\s*')", "[\"a\",\"b\",\"c\"]"},
    {"pg_regexp_split_to_array_no_flags('abc', '')", "[\"a\",\"b\",\"c\"]"},
    {"pg_regexp_count('abcabc', 'B', 1, 'i')", "2"},
    {"pg_regexp_count('abcabc', 'b', 0, '')", "!22023: invalid value for parameter \"start\": 0"},
    {"pg_regexp_instr('abcabc', 'b(c)', 1, 2, 1, '', 1)", "7"},
    {"pg_regexp_substr('abcabd', 'b(.)', 1, 2, '', 1)", "d"},
    {"pg_network_host('10.1.2.3/8')", "10.1.2.3"},
    {"pg_network_network('10.1.2.3/8')", "10.0.0.0/8"},
    {"pg_network_broadcast('10.1.2.3/8')", "10.255.255.255/8"},
    {"pg_network_netmask('10.1.2.3/12')", "255.240.0.0"},
    {"pg_network_show('10.1.2.3')", "10.1.2.3/32"},
    {"pg_cidr_abbrev('10.0.0.0/8')", "10/8"},
    {"pg_network_sub('10.1.0.0/16', '10.0.0.0/8')", "1"},
    {"pg_network_sub('10.0.0.0/8', '10.0.0.0/8')", "0"},
    {"pg_network_supeq('10.0.0.0/8', '10.0.0.0/8')", "1"},
    {"pg_network_overlap('10.1.0.0/16', '::/0')", "0"},
    {"pg_inetpl('10.0.0.255', 1)", "10.0.1.0"},
    {"pg_inetpl('255.255.255.255', 1)", "!22003: result is out of range"},
    {"pg_inetmi('::1', '::ff')", "-254"},
    {"pg_inet_merge('192.168.1.5/24', '192.168.2.5/24')", "192.168.0.0/22"},
    {"pg_textlen(x'00')", "!42804: a value that is not of type text"},
    {"'ABC' = 'abc' COLLATE pg_citext", "1"},
    {"'10.0.0.0/8' > '9.0.0.0/8' COLLATE pg_inet", "1"},
};

static sqlite3 *open_database(struct function_session *session) {
  sqlite3 *db = NULL;
  memset(session, 0, sizeof *session);
  assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
  assert_int_equal(function_strings_register(db, session), SQLITE_OK);
  return db;
}

/* Asks; the answer is the caller's, NULL for NULL and "!" and the message for an error. *rc is
** SQLite's. */
static char *ask(sqlite3 *db, const char *sql, int *rc) {
  sqlite3_stmt *statement = NULL;
  char *answer = NULL;
  *rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  if (*rc == SQLITE_OK) *rc = sqlite3_step(statement);
  if (*rc == SQLITE_ROW) {
    bool is_null = sqlite3_column_type(statement, 0) == SQLITE_NULL;
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    if (!text && !is_null) *rc = SQLITE_NOMEM;
    if (text) answer = strdup(text);
  } else if (*rc != SQLITE_NOMEM) {
    const char *message = sqlite3_errmsg(db);
    answer = malloc(strlen(message) + 2);
    assert_non_null(answer);
    answer[0] = '!';
    memcpy(answer + 1, message, strlen(message) + 1);
  }
  sqlite3_finalize(statement);
  return answer;
}

static void check_answer(const char *sql, const char *expected, const char *answer) {
  bool is_right = !expected            ? !answer
                  : !answer            ? false
                  : expected[0] == '!' ? strncmp(expected, answer, strlen(expected)) == 0
                                       : strcmp(expected, answer) == 0;
  if (!is_right)
    fail_msg("%s\n  expected %s\n  got      %s", sql, expected ? expected : "NULL",
             answer ? answer : "NULL");
}

static void test_functions(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    int rc;
    char sql[300];
    sqlite3_snprintf(sizeof sql, sql, "SELECT %s", functions[i].sql);
    char *answer = ask(db, sql, &rc);
    check_answer(functions[i].sql, functions[i].answer, answer);
    free(answer);
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

/* With the first, second, third ... allocation failing, a call answers rightly or says that memory
** is short. */
static void test_functions_without_memory(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    char sql[300];
    sqlite3_snprintf(sizeof sql, sql, "SELECT %s", functions[i].sql);
    int failures = 0;
    for (int allowed = 0;; allowed++) {
      int rc;
      arena_free(&session.arena);
      allocations_left = allowed;
      char *answer = ask(db, sql, &rc);
      bool is_through = allocations_left > 0;
      allocations_left = -1;
      if (rc == SQLITE_NOMEM) {
        failures++;
      } else if (answer && strcmp(answer, "!SQL logic error") == 0) {
        /* SQLite had no memory for the message of an error */
        assert_true(functions[i].answer && functions[i].answer[0] == '!');
      } else {
        check_answer(functions[i].sql, functions[i].answer, answer);
      }
      free(answer);
      if (is_through) break;
    }
    assert_true(failures > 0);
  }
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

/* A constant pattern is compiled once; one that changes from row to row is the right one in each.
** */
static void test_pattern_changes(void **state) {
  struct function_session session;
  sqlite3 *db = open_database(&session);
  int rc;
  (void)state;
  char *answer =
      ask(db,
          "WITH t(x, p, f) AS (VALUES ('abc','b','g'), ('abc','c',''), ('ABC','b','i'), "
          "('abcb','b','g'))"
          " SELECT group_concat(pg_textregexreplace(x, p, '-', f) || pg_textregexeq(x, p) ||"
          " pg_textregexeq(x, '^a'), ' ') FROM t",
          &rc);
  assert_string_equal(answer, "a-c11 ab-11 A-C00 a-c-11");
  free(answer);
  answer = ask(db,
               "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t WHERE i < 200)"
               " SELECT sum(pg_textregexeq('x' || i, '^x1\\d+$')) FROM t",
               &rc);
  assert_string_equal(answer, "110");
  free(answer);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
  arena_free(&session.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_like),
      cmocka_unit_test(test_like_is_not_exponential),
      cmocka_unit_test(test_regex_extent),
      cmocka_unit_test(test_regex_errors),
      cmocka_unit_test(test_regex_is_bounded),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_output_refuses),
      cmocka_unit_test(test_canonical_input_is_borrowed),
      cmocka_unit_test(test_functions),
      cmocka_unit_test(test_functions_without_memory),
      cmocka_unit_test(test_pattern_changes),
  };
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
  sqlite3_mem_methods failing = real_memory;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  return cmocka_run_group_tests_name("strings", tests, NULL, NULL);
}
