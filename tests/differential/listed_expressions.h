/*
** Statements whose answers may differ from PostgreSQL's, each with its reason. An entry names the SQLSTATE of the file
** ("" for accepted, NULL for any), and POSIX regular expressions for its message and for the statement.
*/
#ifndef TEST_LISTED_EXPRESSIONS_H
#define TEST_LISTED_EXPRESSIONS_H

#include <regex.h>

struct listed_expression {
  const char *file, *message, *statement;
  const char *reason;
};

static const struct listed_expression listed_expressions[] = {
    {NULL, "Infinity|NaN|infinity", NULL,
     "NaN and Infinity are refused in numeric, NaN in real and double precision"},
    {"22007", "for type (date|timestamp|timestamp with time zone): .[A-Z][a-z]+ *, ", NULL,
     "dates outside ISO 8601 are refused"},
    {"22008", "^(date|timestamp) out of range", NULL,
     "dates before year 1 and past 9999 are refused"},
};
enum { LISTED_EXPRESSIONS = sizeof listed_expressions / sizeof *listed_expressions };

static inline bool listed_matches(const char *pattern, const char *text) {
  regex_t compiled;
  if (pattern == NULL) return true;
  if (regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0)
    fail_msg("bad pattern: %s", pattern);
  int match = regexec(&compiled, text, 0, NULL, 0);
  regfree(&compiled);
  return match == 0;
}

/* The index of the entry that allows the file's answer, -1 for none. */
static inline int listed_expression(const char *sql, const char *file, const char *message) {
  for (int i = 0; i < LISTED_EXPRESSIONS; i++) {
    const struct listed_expression *listed = &listed_expressions[i];
    if ((listed->file == NULL || strcmp(listed->file, file) == 0) &&
        listed_matches(listed->message, message) && listed_matches(listed->statement, sql))
      return i;
  }
  return -1;
}

#endif
