/*
** strings: text, varchar, char(n), name, citext, xml, uuid, inet, cidr, bytea; LIKE and regular
** expressions. The input functions check the encoding themselves. Included by types.h.
*/
#ifndef LEDGER_STRINGS_H
#define LEDGER_STRINGS_H

/* ---- string.c: text, varchar, bpchar, name, citext, xml */

LEDGER_PRIVATE int string_input(const struct type *type, const char *text, size_t length, bool is_explicit, struct arena *arena,
                                struct value *out, ledger_error *error);
LEDGER_PRIVATE int string_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int string_compare(const struct type *type, const struct value *a, const struct value *b);
/* Appends with every character lowered, raised, or as initcap() does. */
LEDGER_PRIVATE void string_lower(sqlite3_str *out, const char *text, size_t length);
LEDGER_PRIVATE void string_upper(sqlite3_str *out, const char *text, size_t length);
LEDGER_PRIVATE void string_initcap(sqlite3_str *out, const char *text, size_t length);
/* Compares as citext does: code points of the lowered characters. -1, 0, 1. */
LEDGER_PRIVATE int string_compare_citext(const char *a, size_t a_length, const char *b, size_t b_length);
/* Bytes of a name: at most LEDGER_NAME_MAX, cut at a character's edge. */
LEDGER_PRIVATE size_t string_name_length(const char *text, size_t length);

/* ---- quote.c */

/* Appends as quote_ident() and quote_literal() print it: quotes, and a leading E, only where they
** are needed. */
LEDGER_PRIVATE void quote_identifier(sqlite3_str *out, const char *text, size_t length);
LEDGER_PRIVATE void quote_literal(sqlite3_str *out, const char *text, size_t length);

/* ---- xml.c */

/* Appends valid UTF-8 as xml's output function prints it. */
LEDGER_PRIVATE void xml_print(sqlite3_str *out, const char *text, size_t length);

/* ---- uuid.c */

LEDGER_PRIVATE int uuid_input(const struct type *type, const char *text, size_t length, struct arena *arena, struct value *out,
                              ledger_error *error);
LEDGER_PRIVATE int uuid_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int uuid_compare(const struct type *type, const struct value *a, const struct value *b);

/* ---- inet.c: inet and cidr */

struct inet {
  bool is_v6;
  int bits; /* of the netmask: 0 to 32 or 128 */
  unsigned char bytes[16];
};
LEDGER_PRIVATE int inet_input(const struct type *type, const char *text, size_t length, struct arena *arena, struct value *out,
                              ledger_error *error);
LEDGER_PRIVATE int inet_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int inet_compare(const struct type *type, const struct value *a, const struct value *b);
/* Reads an address with the rules of inet, or those of cidr. INVALID_TEXT. */
LEDGER_PRIVATE int inet_parse(const char *text, size_t length, bool is_cidr, struct inet *out, ledger_error *error);
enum inet_mask { INET_MASK_NEVER, INET_MASK_UNLESS_HOST, INET_MASK_ALWAYS };
/* Appends the address and, as asked, /bits. */
LEDGER_PRIVATE void inet_print(sqlite3_str *out, const struct inet *address, enum inet_mask mask);
/* As abbrev(cidr): 10/8. */
LEDGER_PRIVATE void inet_abbreviate(sqlite3_str *out, const struct inet *network);
LEDGER_PRIVATE int inet_order(const struct inet *a, const struct inet *b);                /* network_cmp(): -1, 0, 1 */
LEDGER_PRIVATE bool inet_same_bits(const struct inet *a, const struct inet *b, int bits); /* of one family */
LEDGER_PRIVATE int inet_max_bits(const struct inet *address);
LEDGER_PRIVATE void inet_clear_host(struct inet *address); /* every bit right of the mask to 0 */
LEDGER_PRIVATE void inet_set_host(struct inet *address);   /* ... to 1 */

/* ---- bytea.c */

LEDGER_PRIVATE int bytea_input(const struct type *type, const char *text, size_t length, struct arena *arena, struct value *out,
                               ledger_error *error);
LEDGER_PRIVATE int bytea_output(const struct type *type, const struct value *stored, sqlite3_str *out, ledger_error *error);
LEDGER_PRIVATE int bytea_compare(const struct type *type, const struct value *a, const struct value *b);
/* encode(bytes, format) and decode(text, format): hex, base64, escape. INVALID_PARAMETER,
** INVALID_TEXT. */
LEDGER_PRIVATE int bytea_encode(sqlite3_str *out, const char *bytes, size_t length, const char *format, size_t format_length,
                                ledger_error *error);
LEDGER_PRIVATE int bytea_decode(struct arena *arena, const char *text, size_t length, const char *format, size_t format_length,
                                struct value *out, ledger_error *error);
/* MD5 as 32 hexadecimal digits and a NUL: for md5() of stored rows, not for secrets. */
LEDGER_PRIVATE void bytea_md5(const char *bytes, size_t length, char out[33]);

/* ---- pattern.c: LIKE, SIMILAR TO */

/* text LIKE pattern, with the backslash as escape. *matches; INVALID_ESCAPE. */
LEDGER_PRIVATE int pattern_like(const char *text, size_t length, const char *pattern, size_t pattern_length, bool *matches,
                                ledger_error *error);
/* Appends the pattern of LIKE ... ESCAPE escape ("" for none), rewritten for the backslash.
** INVALID_ESCAPE. */
LEDGER_PRIVATE int pattern_like_escape(sqlite3_str *out, const char *pattern, size_t length, const char *escape,
                                       size_t escape_length, ledger_error *error);
/* Appends the regular expression of SIMILAR TO pattern ESCAPE escape. INVALID_ESCAPE. */
LEDGER_PRIVATE int pattern_similar(sqlite3_str *out, const char *pattern, size_t length, const char *escape,
                                   size_t escape_length, ledger_error *error);

/* ---- regex_syntax.c: PostgreSQL's syntax to that of PCRE2 */

#define REGEX_GROUP_MAX 255
enum { REGEX_CASELESS = 1 }; /* ~*, as the flag i */
struct regex_source {
  char *text; /* for PCRE2, ended with a NUL; the caller's: sqlite3_free() */
  int groups; /* capturing parentheses */
  bool has_back_reference;
  bool is_shortest; /* the whole prefers the shortest match */
};
LEDGER_PRIVATE int regex_translate(const char *pattern, size_t length, const char *flags, size_t flags_length, int options,
                                   struct regex_source *out, ledger_error *error);
/* Reads the flags alone; *is_global: g is among them, which is for the caller to heed. */
LEDGER_PRIVATE int regex_check_flags(const char *flags, size_t length, bool *is_global, ledger_error *error);

/* ---- regex.c: PostgreSQL's regular expressions, on PCRE2 */

struct regex; /* a compiled pattern */
struct regex_span {
  size_t start, end; /* bytes; start SIZE_MAX: the group took no part */
};
/* Compiles. `flags` are the letters of regexp_match()'s last argument, or none; `options`
** REGEX_CASELESS for ~*. INVALID_REGEX, INVALID_PARAMETER (a letter that is no flag), TOO_COMPLEX.
** Freed with regex_free(). */
LEDGER_PRIVATE int regex_compile(const char *pattern, size_t length, const char *flags, size_t flags_length, int options,
                                 struct regex **out, ledger_error *error);
LEDGER_PRIVATE void regex_free(void *regex);                /* NULL is allowed; a destructor for sqlite3_set_auxdata() */
LEDGER_PRIVATE int regex_groups(const struct regex *regex); /* capturing parentheses */
/* Was it compiled from these? */
LEDGER_PRIVATE bool regex_is_of(const struct regex *regex, const char *pattern, size_t length, const char *flags,
                                size_t flags_length, int options);
/* Is there a match in the subject (valid UTF-8)? */
LEDGER_PRIVATE int regex_test(struct regex *regex, const char *subject, size_t length, bool *matches, ledger_error *error);
/* The first match at or after byte `from`: spans[0] the whole, spans[i] group i, for i < count. */
LEDGER_PRIVATE int regex_find(struct regex *regex, const char *subject, size_t length, size_t from, struct regex_span *spans,
                              int count, bool *found, ledger_error *error);

#endif
