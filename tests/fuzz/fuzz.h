/*
** fuzz.h: what the fuzz targets share: seeds, a seeded mutator, a watch against endless work. A target turns any bytes into
** calls of the library and asserts what must hold whatever the bytes are.
*/
#ifndef FUZZ_H
#define FUZZ_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>
#include <random.h>

#define FUZZ_INPUT_MAX (256 * 1024)

struct fuzz_seed {
  char *bytes;
  size_t length;
};

/* Inputs that are valid, or nearly so: what is mutated. */
struct fuzz_seeds {
  struct fuzz_seed *seeds;
  int count;
};

static void fuzz_seed_add(struct fuzz_seeds *seeds, const void *bytes, size_t length) {
  if ((seeds->count & (seeds->count - 1)) == 0) {
    size_t capacity = seeds->count == 0 ? 1 : 2 * (size_t)seeds->count;
    seeds->seeds = realloc(seeds->seeds, capacity * sizeof *seeds->seeds);
    assert_non_null(seeds->seeds);
  }
  char *copy = malloc(length + 1);
  assert_non_null(copy);
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = '\0';
  seeds->seeds[seeds->count++] = (struct fuzz_seed){copy, length};
}

static void fuzz_seed_text(struct fuzz_seeds *seeds, const char *text) {
  fuzz_seed_add(seeds, text, strlen(text));
}

static void fuzz_seeds_free(struct fuzz_seeds *seeds) {
  for (int i = 0; i < seeds->count; i++) free(seeds->seeds[i].bytes);
  free(seeds->seeds);
  *seeds = (struct fuzz_seeds){0};
}

static char *fuzz_read(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("%s cannot be read", path);
  char *text = NULL;
  size_t capacity = 0, got = 1;
  *length = 0;
  while (got > 0) {
    if (capacity - *length < 65536) text = realloc(text, capacity += 1 << 20);
    assert_non_null(text);
    got = fread(text + *length, 1, capacity - *length - 1, file);
    *length += got;
  }
  text[*length] = '\0';
  fclose(file);
  return text;
}

/* ---- the mutator */

/* Bytes and words that parsers treat specially. */
static const char *const fuzz_words[] = {
    "'",
    "\"",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    "::",
    ".",
    "..",
    "-",
    "--",
    "/*",
    "*/",
    "+",
    "*",
    "%",
    "$$",
    "$1",
    " ",
    "\n",
    "\t",
    "\r",
    "0",
    "-0",
    "1",
    "-1",
    "9",
    "1e9",
    "1e-9",
    "1e400",
    "e",
    "E'",
    "x'",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "NULL",
    "true",
    "false",
    "infinity",
    "127",
    "128",
    "255",
    "256",
    "32767",
    "32768",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "99999999999999999999",
    "1.005",
    "0.1",
    "131072",
    "16383",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\u00e9",
    "\xc3\xa9",
    "\xf0\x9f\x92\xa9",
    "\xff",
    "\xc0\x80",
    "\xed\xa0\x80",
    "\xef\xbf\xbf",
    "\xe2\x80\x8b",
    "24:00:00",
    "23:59:60",
    "9999-12-31",
    "0001-01-01",
    "2024-02-29",
    "BC",
    "+15:59",
    "-15:59:59",
    "P1Y2M3DT4H5M6S",
    "@",
    "ago",
    "mons",
    "::ffff:1.2.3.4",
    "/0",
    "/128",
    "/33",
    "\\x",
    "00",
    "0x",
    "_",
    "ALL",
    "eq.",
    "in.(",
    "not.",
    "or=(",
    "select=",
    "&",
    "=",
    "order=",
    "limit=",
};

/* Words of SQL that change what a statement is. */
static const char *const fuzz_sql_words[] = {
    "NOT",
    "NULL",
    "DEFAULT",
    "PRIMARY KEY",
    "UNIQUE",
    "CHECK",
    "REFERENCES",
    "FOREIGN KEY",
    "ON DELETE CASCADE",
    "SET NULL",
    "SET DEFAULT",
    "DEFERRABLE",
    "GENERATED ALWAYS AS",
    "STORED",
    "IDENTITY",
    "ARRAY",
    "ARRAY[]",
    "[]",
    "::text",
    "::int",
    "::numeric(3,1)",
    "::jsonb",
    "::timestamptz",
    "interval '1 day'",
    "now()",
    "CURRENT_TIMESTAMP",
    "gen_random_uuid()",
    "nextval('s')",
    "lower(",
    "coalesce(",
    "sum(",
    "count(*)",
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "UNION",
    "WITH",
    "CASE WHEN",
    "THEN",
    "ELSE",
    "END",
    "AND",
    "OR",
    "IN",
    "ANY(",
    "EXISTS(",
    "BETWEEN",
    "LIKE",
    "ILIKE",
    "~",
    "~*",
    "IS DISTINCT FROM",
    "CREATE",
    "TABLE",
    "TYPE",
    "ENUM",
    "DOMAIN",
    "INDEX",
    "VIEW",
    "TRIGGER",
    "FUNCTION",
    "POLICY",
    "SEQUENCE",
    "ALTER",
    "DROP",
    "ADD",
    "COLUMN",
    "CONSTRAINT",
    "RENAME",
    "COMMENT ON",
    "INSERT INTO",
    "VALUES",
    "serial",
    "bigserial",
    "uuid",
    "text",
    "varchar(3)",
    "char(2)",
    "numeric(10,2)",
    "jsonb",
    "boolean",
    "integer",
    "bytea",
    "inet",
    "time",
    "date",
    "interval",
    "''",
    "'x'",
    "0",
    "-1",
    "1/0",
    "2147483648",
    "NEW",
    "OLD",
    "NEW.id",
    "RAISE EXCEPTION 'x'",
    "RETURN NEW;",
    "BEGIN",
    "IF",
    "END IF;",
    "LANGUAGE plpgsql",
    "COLLATE \"C\"",
    "public",
    "auth.uid()",
    "id",
    "users",
};

struct fuzz_buffer {
  char bytes[FUZZ_INPUT_MAX];
  size_t length;
};

/* Replaces `removed` bytes at `at` by others, as far as there is room. */
static void fuzz_replace(struct fuzz_buffer *buffer, size_t at, size_t removed, const char *bytes, size_t length) {
  if (buffer->length - removed + length > sizeof buffer->bytes) return;
  memmove(buffer->bytes + at + length, buffer->bytes + at + removed, buffer->length - at - removed);
  if (length > 0) memcpy(buffer->bytes + at, bytes, length);
  buffer->length = buffer->length - removed + length;
}

static size_t fuzz_place(struct test_random *r, size_t length) {
  return length == 0 ? 0 : (size_t)random_below(r, (int)length + 1);
}

static void fuzz_mutate_bytes(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  size_t at = fuzz_place(r, buffer->length), left = buffer->length - at;
  size_t some = (size_t)random_below(r, (int)(left < 64 ? left : 64) + 1);
  char byte = (char)random_below(r, 256);
  const char *word = RANDOM_OF(r, fuzz_words);
  switch (random_below(r, 9)) {
  case 0:
    if (left > 0) buffer->bytes[at] ^= (char)(1 << random_below(r, 8));
    break;
  case 1: fuzz_replace(buffer, at, left > 0, &byte, 1); break;
  case 2: fuzz_replace(buffer, at, some, "", 0); break;
  case 3:
  case 4: fuzz_replace(buffer, at, 0, word, strlen(word)); break;
  case 5: fuzz_replace(buffer, at, left > strlen(word) ? strlen(word) : left, word, strlen(word)); break;
  case 6: { /* repeated */
    char copy[64];
    memcpy(copy, buffer->bytes + at, some);
    for (int i = random_below(r, 8); i >= 0; i--) fuzz_replace(buffer, at, 0, copy, some);
    break;
  }
  case 7: { /* a piece of another seed */
    const struct fuzz_seed *other = &seeds->seeds[random_below(r, seeds->count)];
    size_t from = fuzz_place(r, other->length), length = other->length - from;
    fuzz_replace(buffer, at, some, other->bytes + from, length < 64 ? length : 64);
    break;
  }
  default: buffer->length = at; break;
  }
}

/* The token of SQL text at `at`: a word, a quoted string, white space or one other byte. */
static size_t fuzz_token(const char *text, size_t length, size_t at) {
  size_t end = at + 1;
  unsigned char first = (unsigned char)text[at];
  if (first == '\'' || first == '"') {
    while (end < length && text[end] != text[at]) end++;
    return end < length ? end + 1 - at : end - at;
  }
#define FUZZ_IS_WORD(c)                                                                                                        \
  ((c) == '_' || (c) >= 0x80 || ((c) >= '0' && (c) <= '9') || (((c) | 0x20) >= 'a' && ((c) | 0x20) <= 'z'))
  if (!FUZZ_IS_WORD(first)) return 1;
  while (end < length && FUZZ_IS_WORD((unsigned char)text[end])) end++;
#undef FUZZ_IS_WORD
  return end - at;
}

/* Some token that is not white space; *at and its length. False: there is none. */
static bool fuzz_some_token(struct test_random *r, const char *text, size_t length, size_t *at, size_t *size) {
  if (length == 0) return false;
  size_t target = (size_t)random_below(r, (int)length), i = 0;
  *size = 0;
  while (i < length && (i <= target || *size == 0)) {
    size_t token = fuzz_token(text, length, i);
    if ((unsigned char)text[i] > ' ') {
      *at = i;
      *size = token;
    }
    i += token;
  }
  return *size > 0;
}

static void fuzz_mutate_tokens(struct test_random *r, struct fuzz_buffer *buffer, const struct fuzz_seeds *seeds) {
  size_t at, size, other_at, other_size;
  char padded[96];
  if (!fuzz_some_token(r, buffer->bytes, buffer->length, &at, &size)) return;
  switch (random_below(r, 6)) {
  case 0: fuzz_replace(buffer, at, size, "", 0); break;
  case 1: /* a word of SQL in its place, or before it */
    snprintf(padded, sizeof padded, " %s ", RANDOM_OF(r, fuzz_sql_words));
    fuzz_replace(buffer, at, random_chance(r, 50) ? size : 0, padded, strlen(padded));
    break;
  case 2: { /* a token from elsewhere */
    const struct fuzz_seed *other = &seeds->seeds[random_below(r, seeds->count)];
    if (!fuzz_some_token(r, other->bytes, other->length, &other_at, &other_size)) return;
    fuzz_replace(buffer, at, size, other->bytes + other_at, other_size);
    break;
  }
  case 3: /* one from the same text */
    if (!fuzz_some_token(r, buffer->bytes, buffer->length, &other_at, &other_size)) return;
    if (other_size > sizeof padded) other_size = sizeof padded;
    memcpy(padded, buffer->bytes + other_at, other_size);
    fuzz_replace(buffer, at, size, padded, other_size);
    break;
  case 4: { /* said twice */
    size_t length = size < sizeof padded - 1 ? size : sizeof padded - 1;
    memcpy(padded, buffer->bytes + at, length);
    padded[length] = ' ';
    fuzz_replace(buffer, at, 0, padded, length + 1);
    break;
  }
  default: { /* a stretch of tokens left out */
    size_t end = at;
    for (int i = random_below(r, 12); i >= 0 && end < buffer->length; i--)
      end += fuzz_token(buffer->bytes, buffer->length, end);
    fuzz_replace(buffer, at, end - at, "", 0);
    break;
  }
  }
}

/* ---- the watch: an input that takes longer is a failure, and says which */

static struct fuzz_buffer fuzz_input;
static const char *fuzz_target_name = "";

static void fuzz_write_input(const char *why) {
  char path[256];
  const char *folder = getenv("LEDGER_FUZZ_KEEP");
  snprintf(path, sizeof path, "%s/fuzz-%s-input", folder != NULL ? folder : "/tmp", fuzz_target_name);
  FILE *file = fopen(path, "wb");
  if (file != NULL) {
    fwrite(fuzz_input.bytes, 1, fuzz_input.length, file);
    fclose(file);
  }
  fprintf(stderr, "%s: %s; the input is in %s\n", fuzz_target_name, why, path);
}

static void fuzz_on_signal(int number) {
  fuzz_write_input(number == SIGALRM ? "took longer than 20 s" : "crashed");
  _exit(1);
}

/* With the sanitizers, called by them before they report. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
static void fuzz_on_death(void) {
  fuzz_write_input("a sanitizer stopped it");
}

/* libpg_query's parser of PL/pgSQL loses a byte at each syntax error. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
  return "leak:pg_query_raw_parse\n";
}

static void fuzz_watch(void) {
  if (__sanitizer_set_death_callback != NULL) {
    __sanitizer_set_death_callback(fuzz_on_death);
  } else {
    signal(SIGSEGV, fuzz_on_signal);
    signal(SIGABRT, fuzz_on_signal);
    signal(SIGFPE, fuzz_on_signal);
  }
  signal(SIGALRM, fuzz_on_signal);
}

/* Not cmocka's: also for libFuzzer, where a failure must end the process. */
#define FUZZ_REQUIRE(condition, ...)                                                                                           \
  do {                                                                                                                         \
    if (!(condition)) {                                                                                                        \
      fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition);                                            \
      fprintf(stderr, __VA_ARGS__);                                                                                            \
      fputc('\n', stderr);                                                                                                     \
      fuzz_failed();                                                                                                           \
    }                                                                                                                          \
  } while (0)

static void fuzz_failed(void);

/* An error is complete: a code, its SQLSTATE, a sentence of valid UTF-8. And none that is only our own fault. */
static void fuzz_require_error(int rc, const ledger_error *error) {
  FUZZ_REQUIRE(error->code == rc, "the error has code %d, the call gave %d (%s)", error->code, rc, error->message);
  FUZZ_REQUIRE(rc != LEDGER_ERROR && rc != LEDGER_MISUSE && rc != LEDGER_MEMORY, "%s %s", error->sqlstate, error->message);
  FUZZ_REQUIRE(strlen(error->sqlstate) == 5 && error->message[0] != '\0', "code %d", rc);
  FUZZ_REQUIRE(text_is_valid_utf8(error->message, strlen(error->message)) &&
                   text_is_valid_utf8(error->detail, strlen(error->detail)) &&
                   text_is_valid_utf8(error->hint, strlen(error->hint)),
               "the sentence is not UTF-8: %s, %s", error->message, error->detail);
}

#endif
