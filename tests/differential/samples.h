/*
** Random values for a column: good ones (accepted, in every spelling), bad ones and hostile ones, as what ledger.h takes.
** A LEDGER_TEXT is a quoted literal in SQL, LEDGER_INTEGER, LEDGER_NUMBER and LEDGER_BOOLEAN are bare constants.
*/
#ifndef TEST_SAMPLES_H
#define TEST_SAMPLES_H

#include "catalog.h"
#include "random.h"

enum { SAMPLES_POOL = 24 }; /* keys per table: few, so that statements meet */

/* A candidate: bare constants start with '#', NULL is NULL, everything else is a quoted literal. */
static const char *const samples_uuid_bad[] = {
    "not-a-uuid",
    "",
    "6f1c1f5e-0000-4000-8000-0123456789a",
    "6f1c1f5e-0000-4000-8000-0123456789abc",
    "#1",
    "#true",
    "#1.5",
    "{6f1c1f5e-0000-4000-8000-0123456789ab",
    " 6f1c1f5e-0000-4000-8000-0123456789ab",
    "6f1c1f5e-0000-4000-8000-0123456789ag",
    "6f1c1f5e00004000-8000-0123456789ab-",
    "6f1c1f5e-0000-4000-8000-0123456789ab ",
    "6f1c-1f5e-0000-4000-8000-0123-4567-89ab",
};
static const char *const samples_boolean_good[] = {
    "#true", "#false", "t", "yes", "off", "1", "0", " TRUE ", "fal", "n", "on", "tr", "NO", "\tf\n",
};
static const char *const samples_boolean_bad[] = {
    "#1", "#0", "2", "maybe", "", "o", "#1.0", "tru e", "of f", "truee", " ", "\xc3\xa9"};
static const char *const samples_integer_good[] = {
    "#0",    "#1",     "#-1",  "#42",  "7",     " 8 ", "2147483647", "#-2147483648",
    "32767", "#32767", "#1.5", "#2.5", "#-2.5", "+5",  "#1e3",       "#0.5",
    "#-0.5", "-0",     "0007", "#3",   "#4",    "#5",  "\t9\n",
};
static const char *const samples_integer_bad[] = {
    "abc",        "",
    "2147483648", "#99999999999",
    "1.0",        "1e3",
    "#true",      "9223372036854775808",
    "0x1F",       "#40000",
    "32768",      "#2147483647.5",
    "1_000",      "--1",
    "+ 5",        " ",
    "12a",        "#9223372036854775808",
    "#1e400",     "\xd9\xa3",
};
static const char *const samples_numeric_good[] = {
    "#0",
    "#1",
    "#-1",
    "#10.5",
    "#0.005",
    "#0.015",
    "#-0.005",
    "#1.005",
    "#2.675",
    "1e2",
    ".5",
    "5.",
    "+7",
    " 7.10 ",
    "-0.00",
    "-0",
    "#100",
    "#100.004",
    "#1e5",
    "#0.1",
    "#123456.789",
    "#99.99",
    "#12345.678901234",
    "1.005",
    "-1.005",
    "1E-5",
    "0.000000005",
    "0.0000000049999",
    "00012.30",
    "1e-30",
    "#3.14159265358979323846",
    "#2.50",
    "#1000",
};
static const char *const samples_numeric_bad[] = {
    "abc",        "",      "inf",   "-Infinity",    "Infinity", "NaN",  "nan",
    "#true",      "1,000", "1_000", "1.2.3",        "#1e400",   "1e",   ".",
    "e5",         "--1",   "+ 1",   "1e20",         "#1e30",    "0x10", "1e1000000",
    "1e-1000000", " ",     "1 2",   "\xef\xbc\x91",
};
static const char *const samples_moment_good[] = {
    "2025-01-28 12:34:56.123456",
    "2025-01-28T12:34:56Z",
    "2025-01-28 12:34:56+02",
    "2024-12-31",
    "2024-02-29 23:59:59.9999996",
    "2025-01-28 12:34:56.1235",
    "2025-01-28 12:34:56.1245",
    "infinity",
    "-infinity",
    "20250128",
    "2025-1-2 3:4",
    "1969-12-31 23:59:59.9995",
    "0001-01-01",
    "9999-12-31 23:59:59.999999",
    "2025-01-28 24:00:00",
    " 2025-01-28 12:34:56 ",
    "2025-01-28 12:34:56-07:30",
    "2025-01-28 12:34:56.1-15:59:59",
    "20250128T123456",
    "2025-01-28 12:34:56.5 +05:30",
    "2000-02-29 00:00:00.000001",
    "2025-01-28 12:34",
    "2025-01-28 12:34:56.",
    "1900-03-01",
    "2025-01-28T12:34:56.789+00:00",
    "2025-01-28 23:59:60",
    "2025-01-28 12:34:56.1234565",
    "2025-01-28 12:34:56.9999995",
    "INFINITY",
    "2025-01-28 12:34:56z",
};
static const char *const samples_moment_bad[] = {
    "not a date",
    "",
    "2025-13-01",
    "2025-02-30",
    "2025-01-28 25:00",
    "2025-01-28 12:60",
    "#0",
    "#true",
    "2023-02-29",
    "12:00",
    "2025-00-10",
    "2025-01-00",
    "2025-01-28 12:34:56+16",
    "2025-01-28 12:34:61",
    "2025-01-28 24:00:01",
    "2025-01-28 12:34:56+5:99",
    "2025-01-28T",
    "2025-01-28 12:34:56 garbage",
    "99999-01-01",
    "300000-01-01",
    "2025-1",
    "2025-01-28 12:34:56 +",
    "0000-01-01",
    " ",
    "Jan 5 2025",
    "1/2/2025",
    "10000-01-01",
    "0044-03-15 BC",
    "2025-01-28 12:34:56 EST",
    "today",
    "epoch",
    "25-01-01",
    "2025.028",
};
static const char *const samples_date_good[] = {
    "2020-02-29", "1999-01-01", "20250101",   "2025-01-28 12:00:00", "infinity",
    "-infinity",  "0001-01-01", "9999-12-31", " 2025-6-7 ",          "2025-01-28T23:59:59Z",
};
static const char *const samples_date_bad[] = {
    "x",          "2025-02-30",    "#1",         "2025-13-01",    "",
    "#true",      "2025-01",       "1900-02-29", "2025-01-28 99", "26-01-01",
    "Jan 5 2025", "0044-03-15 BC",
};
static const char *const samples_json_good[] = {
    "{}",
    "{\"b\":1,\"a\":2}",
    "{\"a\":1,\"a\":2}",
    "[1.50, 1e3,null]",
    "\"x\"",
    "1.50",
    "true",
    "null",
    "{\"é\":\"\\u00e9\",\"k\":[{}]}",
    "{\"deep\":{\"z\":1,\"y\":{\"bb\":1,\"c\":2}}}",
    " { \"s\" : \"a\\/b\" } ",
    "-0",
    "12345678901234567890.10",
    "1E2",
    "-0.0e5",
    "\"\\ud83d\\ude00\"",
    "[[],[[]],{\"\":\"\"}]",
    "\"tab\\tnl\\nq\\\"bs\\\\ \\u0001 \\u007f\"",
    "{\"amount\": 0.10, \"list\": [1, \"2\", false]}",
    "1e-7",
    "100000000000000000000000000000000000000.000000000000000000001",
    "[\"; DROP TABLE users; --\", \"\\\\.\"]",
    "\"\xe2\x80\xa8\"",
};
static const char *const samples_json_bad[] = {
    "{a:1}",     "",         "{\"a\":}", "[1,]",           "nul",         "\"\\u0000\"",
    "01",        "#1",       "#true",    "{\"a\":1}}",     "\"\\ud800\"", "\"\\udc00\\ud800\"",
    "1.",        ".5",       "+1",       "\"\t\"",         "\"\\x\"",     "[1 2]",
    "{\"a\" 1}", "1e",       "'x'",      "\"open",         "{\"a\":1,}",  "tru",
    "\"\\u12\"", "1e400000", "--1",      "\xef\xbb\xbf{}",
};
static const char *const samples_inet_good[] = {
    "10.0.0.1",        "10.0.0.1/24",     "::1",
    "2001:DB8::1",     "::ffff:1.2.3.4",  "192.168.0.1",
    "10.0.0.1/32",     "1:0:0:2:0:0:0:3", "::",
    "0.0.0.0/0",       "fe80::/10",       "::1/128",
    "1:2:3:4:5:6:7:8", "0:0:1::",         "10.1.2.3/0",
};
static const char *const samples_inet_bad[] = {
    "10.0.0.256", "abc",           "",          "10.0.0",        "10.0.0.1/33", "#1",
    "::1::",      "1.2.3.4.5",     " 10.0.0.1", "fe80::1%eth0",  "10.0.0.1/",   "1:2:3",
    "::/129",     "192.168.000.1", "10",        "10.0.0.1/24/8", "g::1",        "#true",
};
static const char *const samples_array_good[] = {
    "{}",
    "{a,b}",
    "{\"a b\",c}",
    "{NULL,x}",
    "{transaction.created,\"q\\\"u\"}",
    "{{a,b},{c,d}}",
    "{\"\"}",
    "{\"NULL\",\"null\"}",
    " { a , b } ",
    "{\"a\\\\b\",\"{}\",\"c,d\"}",
    "{é,😀}",
    "{\"; DROP TABLE users; --\"}",
    "{\"\\\\.\",\"\t\"}",
    "{{{x}}}",
    "{null}",
    "{a b}",
    "{\" lead\",trail }",
};
static const char *const samples_array_bad[] = {
    "a,b",   "{a",     "{a,}", "[]",   "[\"a\"]", "#1",    "#true",  "{{a},{b,c}}", "{a}}",
    "{\"a}", "{a\"b}", "",     "{,a}", "{{a},b}", "{a} x", "{a{b}}", "{{},{}}",     "{{}}",
};
static const char *const samples_text_hostile[] = {
    "",
    "x",
    "o'k",
    " pad ",
    "100%_",
    "12",
    "true",
    "NULL",
    "\t\\n",
    "\\.",
    "\\N",
    "a\nb",
    "a\r\nb",
    "; DROP TABLE users; --",
    "$$",
    ":x :'y' :\"z\"",
    "`touch x`",
    "\t `id`",
    "\\! id",
    "\xe2\x80\xa8",
    "\x1a",
    "\x01\x7f",
    "é",
    "😀",
    "e\xcc\x81",
    "\"q\"",
    "a\\tb",
    "\\\\",
    "--",
    "/*",
    "É",
    "ß",
    "ŉ",
    "\xc2\xa0",
    "\xef\xbb\xbf",
    "a\x0b\x0cz",
    "{\"a\":1}",
    "{a,b}",
    "2025-01-28",
    "  ",
    "\n\\.\n",
    "foo; ROLLBACK; DROP TABLE victim; --",
    "%s%n",
    "COMMIT;",
};
static const char *const samples_text_plain[] = {"USD",  "active", "pending", "completed",
                                                 "user", "admin",  "abc"};
/* Broken UTF-8, for every type. */
static const char *const samples_broken[] = {
    "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80", "ok\x80"};

/* A value in the arena, from a candidate's spelling. */
static ledger_value sample_of(struct arena *arena, const char *spelling) {
  ledger_value value = {LEDGER_NULL, 0, NULL, 0};
  if (spelling == NULL) return value;
  if (spelling[0] == '#') {
    spelling++;
    if (strcmp(spelling, "true") == 0 || strcmp(spelling, "false") == 0) {
      value.kind = LEDGER_BOOLEAN;
      value.integer = spelling[0] == 't';
      return value;
    }
    value.kind =
        strpbrk(spelling, ".e") != NULL || strlen(spelling) > 18 ? LEDGER_NUMBER : LEDGER_INTEGER;
    if (value.kind == LEDGER_INTEGER) {
      value.integer = strtoll(spelling, NULL, 10);
      return value;
    }
  } else
    value.kind = LEDGER_TEXT;
  value.length = strlen(spelling);
  value.text = arena_copy(arena, spelling, value.length);
  return value;
}

static ledger_value sample_format(struct arena *arena, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  ledger_value value = {LEDGER_TEXT, 0, arena_copy(arena, text, strlen(text)), strlen(text)};
  sqlite3_free(text);
  return value;
}

/* The pool's n-th key of a table: the same in each run. */
static void sample_uuid(int table, int n, char out[37]) {
  struct test_random r = {(uint64_t)table * 1000 + (uint64_t)n};
  uint64_t a = random_next(&r), b = random_next(&r);
  snprintf(out, 37, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(a >> 32),
           (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)(b >> 48) & 0xfff,
           (unsigned long long)(b & 0xffffffffffff));
}

static bool sample_is_integer(const struct server_column *column) {
  return strcmp(column->base, "int2") == 0 || strcmp(column->base, "int4") == 0 ||
         strcmp(column->base, "int8") == 0;
}
static bool sample_is_text(const struct server_column *column) {
  return strcmp(column->base, "text") == 0 || strcmp(column->base, "varchar") == 0 ||
         strcmp(column->base, "bpchar") == 0;
}

/* A key of the pool of `table`, in the type of `column`. */
static ledger_value sample_key(struct test_random *r, struct arena *arena,
                               const struct server_column *column, int table) {
  char uuid[37];
  if (sample_is_integer(column)) {
    ledger_value value = {LEDGER_INTEGER, 1 + random_below(r, SAMPLES_POOL), NULL, 0};
    return value;
  }
  sample_uuid(table, random_below(r, SAMPLES_POOL), uuid);
  if (strcmp(column->base, "uuid") != 0) return sample_format(arena, "%s", uuid);
  char plain[33];
  int used = 0;
  switch (random_below(r, 8)) {
  case 0:
    for (char *c = uuid; *c != 0; c++)
      if (*c >= 'a' && *c <= 'f') *c = (char)(*c - 32);
    return sample_format(arena, "%s", uuid);
  case 1: return sample_format(arena, "{%s}", uuid);
  case 2:
    for (char *c = uuid; *c != 0; c++)
      if (*c != '-') plain[used++] = *c;
    plain[used] = 0;
    return sample_format(arena, "%s", plain);
  default: return sample_format(arena, "%s", uuid);
  }
}

/* `count` characters. */
static ledger_value sample_long(struct arena *arena, const char *character, int count,
                                const char *tail) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  for (int i = 0; i < count; i++) sqlite3_str_appendall(text, character);
  sqlite3_str_appendall(text, tail);
  size_t length = (size_t)sqlite3_str_length(text);
  char *copy = sqlite3_str_finish(text);
  ledger_value value = {LEDGER_TEXT, 0, arena_copy(arena, copy == NULL ? "" : copy, length),
                        length};
  sqlite3_free(copy);
  return value;
}

static ledger_value sample_text_good(struct test_random *r, struct arena *arena,
                                     const struct server_column *column) {
  int room = column->length > 0 ? column->length : 40;
  switch (random_below(r, 8)) {
  case 0: return sample_long(arena, "y", room, "");
  case 1: return sample_long(arena, random_chance(r, 50) ? "é" : "😀", room < 12 ? room : 12, "");
  case 2: return sample_format(arena, "%.*s", room, RANDOM_OF(r, samples_text_plain));
  case 3:
  case 4:
  case 5:
    return sample_format(arena, "%c%d", 'k' + random_below(r, 3),
                         random_below(r, room < 3 ? 9 : 60));
  default: {
    const char *hostile = RANDOM_OF(r, samples_text_hostile);
    return text_characters(hostile, strlen(hostile)) <= (size_t)room
               ? sample_format(arena, "%s", hostile)
               : sample_format(arena, "h");
  }
  }
}

static ledger_value sample_text_bad(struct test_random *r, struct arena *arena,
                                    const struct server_column *column) {
  int room = column->length > 0 ? column->length : 300;
  switch (random_below(r, 10)) {
  case 0: return sample_long(arena, "z", room + 1, "");
  case 1: return sample_long(arena, "é", room + 1, "");
  case 2: return sample_long(arena, "z", room, "   ");
  case 3: return sample_long(arena, "z", room - 1, "é ");
  case 4: return sample_of(arena, "#12345");
  case 5: return sample_of(arena, "#1.50");
  case 6: return sample_of(arena, "#true");
  case 7: return sample_of(arena, "#1e3");
  case 8: return sample_of(arena, "#-7");
  default: return sample_long(arena, " ", room + 2, "");
  }
}

static ledger_value sample_numeric_edge(struct test_random *r, struct arena *arena,
                                        const struct server_column *column) {
  int whole = column->precision - column->scale;
  switch (random_below(r, 5)) {
  case 0: return sample_long(arena, "9", whole, "");
  case 1: return sample_long(arena, "9", whole, ".4");
  case 2: return sample_long(arena, "9", whole, ".99999999999999999999");
  case 3: return sample_long(arena, "9", whole + 1, "");
  default: return sample_long(arena, "0", 30, "1.10");
  }
}

/* A value that the column's type takes, mostly also its checks and foreign keys. */
static ledger_value sample_good(struct test_random *r, struct arena *arena,
                                const struct server_catalog *catalog, int table,
                                const struct server_column *column) {
  if (column->is_array) return sample_of(arena, RANDOM_OF(r, samples_array_good));
  if (column->reference >= 0) return sample_key(r, arena, column, column->reference);
  if (column->is_key && !sample_is_integer(column) &&
      (strcmp(column->base, "uuid") == 0 || column->length < 0))
    return sample_key(r, arena, column, table);
  if (strstr(column->name, "email") != NULL && sample_is_text(column) && random_chance(r, 75))
    return sample_format(arena, "u%d@example.org", random_below(r, 60));
  if (strstr(column->name, "hash") != NULL && random_chance(r, 60))
    return sample_format(arena, "%064d", random_below(r, 80));
  if (column->good_count > 0 && !random_chance(r, 5))
    return sample_format(arena, "%s", column->good[random_below(r, column->good_count)]);
  if (strcmp(column->base, "uuid") == 0)
    return sample_key(r, arena, column, random_below(r, catalog->count));
  if (strcmp(column->base, "bool") == 0)
    return sample_of(arena, RANDOM_OF(r, samples_boolean_good));
  if (sample_is_integer(column)) return sample_of(arena, RANDOM_OF(r, samples_integer_good));
  if (strcmp(column->base, "numeric") == 0)
    return column->precision > 0 && random_chance(r, 15)
               ? sample_numeric_edge(r, arena, column)
               : sample_of(arena, RANDOM_OF(r, samples_numeric_good));
  if (strncmp(column->base, "timestamp", 9) == 0)
    return sample_of(arena, RANDOM_OF(r, samples_moment_good));
  if (strcmp(column->base, "date") == 0) return sample_of(arena, RANDOM_OF(r, samples_date_good));
  if (strncmp(column->base, "json", 4) == 0)
    return sample_of(arena, RANDOM_OF(r, samples_json_good));
  if (strcmp(column->base, "inet") == 0) return sample_of(arena, RANDOM_OF(r, samples_inet_good));
  if (strstr(column->name, "email") != NULL)
    return sample_format(arena, "%s", RANDOM_OF(r, known_shapes));
  return sample_text_good(r, arena, column);
}

/* A value that the column most probably refuses. */
static ledger_value sample_bad(struct test_random *r, struct arena *arena,
                               const struct server_column *column) {
  if (random_chance(r, 6)) return sample_of(arena, RANDOM_OF(r, samples_broken));
  if (column->is_array) return sample_of(arena, RANDOM_OF(r, samples_array_bad));
  if (strcmp(column->base, "uuid") == 0) return sample_of(arena, RANDOM_OF(r, samples_uuid_bad));
  if (column->is_enum)
    return sample_of(arena, random_chance(r, 30)   ? ""
                            : random_chance(r, 50) ? "nope"
                            : random_chance(r, 50) ? "#1"
                                                   : " user");
  if (strcmp(column->base, "bool") == 0) return sample_of(arena, RANDOM_OF(r, samples_boolean_bad));
  if (sample_is_integer(column)) return sample_of(arena, RANDOM_OF(r, samples_integer_bad));
  if (strcmp(column->base, "numeric") == 0)
    return sample_of(arena, RANDOM_OF(r, samples_numeric_bad));
  if (strncmp(column->base, "timestamp", 9) == 0)
    return sample_of(arena, RANDOM_OF(r, samples_moment_bad));
  if (strcmp(column->base, "date") == 0) return sample_of(arena, RANDOM_OF(r, samples_date_bad));
  if (strncmp(column->base, "json", 4) == 0)
    return sample_of(arena, RANDOM_OF(r, samples_json_bad));
  if (strcmp(column->base, "inet") == 0) return sample_of(arena, RANDOM_OF(r, samples_inet_bad));
  return sample_text_bad(r, arena, column);
}

static ledger_value sample_any(struct test_random *r, struct arena *arena,
                               const struct server_catalog *catalog, int table,
                               const struct server_column *column) {
  static const ledger_value fallback = {LEDGER_DEFAULT, 0, NULL, 0},
                            null = {LEDGER_NULL, 0, NULL, 0};
  int dice = random_below(r, 100);
  if (column->generated || column->identity == 'a')
    return random_chance(r, 90) ? fallback : sample_good(r, arena, catalog, table, column);
  if (dice < 91) return sample_good(r, arena, catalog, table, column);
  if (dice < 94) return null;
  if (dice < 97) return fallback;
  return sample_bad(r, arena, column);
}

/* The value as SQL writes it. */
static void sample_sql(sqlite3_str *sql, const ledger_value *value) {
  switch (value->kind) {
  case LEDGER_NULL: sqlite3_str_appendall(sql, "NULL"); break;
  case LEDGER_DEFAULT: sqlite3_str_appendall(sql, "DEFAULT"); break;
  case LEDGER_BOOLEAN: sqlite3_str_appendall(sql, value->integer ? "true" : "false"); break;
  case LEDGER_INTEGER: sqlite3_str_appendf(sql, "%lld", (long long)value->integer); break;
  case LEDGER_NUMBER: sqlite3_str_append(sql, value->text, (int)value->length); break;
  default:
    sqlite3_str_appendchar(sql, 1, '\'');
    for (size_t i = 0; i < value->length; i++)
      sqlite3_str_appendchar(sql, value->text[i] == '\'' ? 2 : 1, value->text[i]);
    sqlite3_str_appendchar(sql, 1, '\'');
  }
}

#endif
