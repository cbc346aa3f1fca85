/*
** Every line of answers_*.tsv, which record.sh took from a PostgreSQL server: does the input
** function give the same SQLSTATE, does input followed by output give the same text, and is the
** input of the output the same stored value? What differs on purpose stands in `listed` with its
** reason; any other difference fails, and so does a listed one that no line shows any more. Run
** from the project's folder.
*/
#include "../../ledger.c"

#include <fnmatch.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Patterns as in fnmatch(), over the text of the file. */
static struct {
  const char *type, *input, *reason;
  int seen;
} listed[] = {
    {"numeric[[]]", "{NaN}", "NaN is no amount: refused in every numeric type", 0},
    {"double precision[[]]", "{NaN}", "SQLite stores NaN as NULL", 0},
    {"double precision[[]]", "*,-0,*", "-0 is stored as 0, which is what SQLite makes of it", 0},
    {"date", "10000-01-01", "years 1 to 9999 can be stored", 0},
    {"date", "5874897-12-31", "years 1 to 9999 can be stored", 0},
    {"timestamp with*", "10000-01-01 00:00", "years 1 to 9999 can be stored", 0},
    {"date", "* BC", "years 1 to 9999 can be stored", 0},
    {"timestamp with*", "* BC", "years 1 to 9999 can be stored", 0},
    {"date", "*Jan*", "the names of months are not read", 0},
    {"timestamp with*", "Jan *", "the names of months are not read", 0},
    {"date", "J2451187", "Julian days are not read", 0},
    {"timestamp with*", "J2451187 *", "Julian days are not read", 0},
    {"date", "y2026m01d02", "fields by letters are not read", 0},
    {"timestamp with*", "* EST", "zones by abbreviation are not known", 0},
    {"timestamp with*", "* America/New_York", "zones by name are not known", 0},
};

struct answer {
  char *type, *input, *sqlstate, *output; /* input and output as they stand in the file */
  char *bytes;                            /* the input, escapes resolved */
  size_t length;
};

/* Resolves \t \n \r \\ \xHH in place; returns the length. */
static size_t unescape(char *text) {
  char *out = text;
  for (const char *in = text; *in != '\0'; in++) {
    unsigned code;
    if (*in != '\\') {
      *out++ = *in;
    } else if (sscanf(in, "\\x%2x", &code) == 1) {
      *out++ = (char)code;
      in += 3;
    } else {
      in++;
      *out++ = (char)(*in == 't' ? '\t' : *in == 'n' ? '\n' : *in == 'r' ? '\r' : *in);
    }
  }
  *out = '\0';
  return (size_t)(out - text);
}

/* The output text with the file's escapes. */
static char *escape(const char *text, size_t length) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (size_t i = 0; i < length; i++) {
    switch (text[i]) {
    case '\\': sqlite3_str_append(out, "\\\\", 2); break;
    case '\t': sqlite3_str_append(out, "\\t", 2); break;
    case '\n': sqlite3_str_append(out, "\\n", 2); break;
    case '\r': sqlite3_str_append(out, "\\r", 2); break;
    default: sqlite3_str_append(out, text + i, 1); break;
    }
  }
  char *escaped = sqlite3_str_finish(out);
  return escaped != NULL ? escaped : sqlite3_mprintf("");
}

static bool is_listed(const struct answer *answer) {
  for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
    if (fnmatch(listed[i].type, answer->type, FNM_NOESCAPE) == 0 &&
        fnmatch(listed[i].input, answer->input, FNM_NOESCAPE) == 0) {
      listed[i].seen++;
      return true;
    }
  }
  return false;
}

static bool same_value(const struct value *a, const struct value *b) {
  if (a->kind != b->kind) return false;
  if (a->kind == VALUE_INTEGER) return a->integer == b->integer;
  if (a->kind == VALUE_REAL) return memcmp(&a->real, &b->real, sizeof a->real) == 0;
  return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* What we answer, in the file's form; *drift tells that the output, read again, is another
** value. */
static char *ask(const struct answer *answer, struct arena *arena, bool *drift) {
  struct type type;
  struct value value, again;
  ledger_error error;
  *drift = false;
  int rc = type_parse(answer->type, &type, &error);
  if (rc == LEDGER_OK) rc = type_input(&type, answer->bytes, answer->length, arena, &value, &error);
  if (rc != LEDGER_OK) {
    assert_int_equal(rc, error.code);
    assert_true(error.message[0] != '\0');
    return sqlite3_mprintf("%s\t", error.sqlstate);
  }
  sqlite3_str *out = sqlite3_str_new(NULL);
  rc = type_output(&type, &value, out, &error);
  if (rc != LEDGER_OK) print_error("output: %s\n", error.message);
  assert_int_equal(rc, LEDGER_OK);
  size_t length = (size_t)sqlite3_str_length(out);
  char *text = sqlite3_str_finish(out);
  const char *output = text != NULL ? text : "";
  *drift = type_input(&type, output, length, arena, &again, &error) != LEDGER_OK ||
           !same_value(&value, &again) || type_compare(&type, &value, &again) != 0;
  char *escaped = escape(output, length);
  char *mine = sqlite3_mprintf("00000\t%s", escaped);
  sqlite3_free(escaped);
  sqlite3_free(text);
  return mine;
}

/* Compares one line; returns 1 for a difference that is not listed. */
static int compare(const char *file, int number, char *line, struct arena *arena) {
  struct answer answer;
  bool drift;
  answer.type = line;
  answer.input = strchr(answer.type, '\t');
  assert_non_null(answer.input);
  *answer.input++ = '\0';
  answer.sqlstate = strchr(answer.input, '\t');
  assert_non_null(answer.sqlstate);
  *answer.sqlstate++ = '\0';
  answer.bytes = sqlite3_mprintf("%s", answer.input);
  answer.length = unescape(answer.bytes);
  char *mine = ask(&answer, arena, &drift);
  int differs = strcmp(mine, answer.sqlstate) != 0 || drift;
  if (differs && is_listed(&answer)) differs = 0;
  if (differs)
    print_error("%s:%d: %s %.200s\n  PostgreSQL: %.200s\n  ledger:     %.200s%s\n", file, number,
                answer.type, answer.input, answer.sqlstate, mine,
                drift ? " (its input is another value)" : "");
  sqlite3_free(mine);
  sqlite3_free(answer.bytes);
  return differs;
}

static void test_answers(void **state) {
  struct arena arena = {0};
  int lines = 0, differences = 0, unseen = 0;
  glob_t files;
  (void)state;
  assert_int_equal(glob("tests/types/answers_*.tsv", 0, NULL, &files), 0);
  for (size_t i = 0; i < files.gl_pathc; i++) {
    FILE *file = fopen(files.gl_pathv[i], "r");
    char *line = NULL;
    size_t room = 0;
    assert_non_null(file);
    for (int number = 1;; number++) {
      ssize_t length = getline(&line, &room, file);
      if (length <= 0) break;
      if (line[length - 1] == '\n') line[length - 1] = '\0';
      differences += compare(files.gl_pathv[i], number, line, &arena);
      lines++;
      arena_reset(&arena);
    }
    free(line);
    fclose(file);
  }
  globfree(&files);
  arena_free(&arena);
  for (size_t i = 0; i < sizeof listed / sizeof listed[0]; i++) {
    if (listed[i].seen > 0) continue;
    print_error("listed, but no line differs: %s %s (%s)\n", listed[i].type, listed[i].input,
                listed[i].reason);
    unseen++;
  }
  print_message("%d answers compared, %d differences not listed\n", lines, differences);
  assert_true(lines > 1000);
  assert_int_equal(differences, 0);
  assert_int_equal(unseen, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers),
  };
  return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
