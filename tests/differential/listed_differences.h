/*
** The differences from PostgreSQL that are known and wanted, each with its reason. A random test that finds another one
** fails. An entry names the two answers (a SQLSTATE, "" for accepted, NULL for any) and a POSIX regular expression that
** the statement must match.
*/
#ifndef TEST_LISTED_DIFFERENCES_H
#define TEST_LISTED_DIFFERENCES_H

#include <regex.h>

struct listed_difference {
  const char *server, *file, *pattern, *reason;
};

static const struct listed_difference listed_differences[] = {
    {NULL, "22007",
     "'[^']*(Jan 5|[0-9] BC|EST|today|epoch|[0-9]/[0-9]|25-01-01|26-01-01|2025\\.028)[^']*'",
     "dates outside ISO 8601 (month names, BC, abbreviated zones, today, two-digit years) are "
     "refused"},
    {NULL, "22008", "'10000-01-01|'99999-01-01|'9999-12-31 23:59:59\\.999999'",
     "years past 9999 are refused, also where rounding to timestamp(3) makes them"},
    {NULL, "22003", "'(NaN|nan|-?inf|-?Inf|-?Infinity)'",
     "NaN and Infinity are refused in numeric"},
    {NULL, "22P02", "'(NaN|nan)'", "NaN is refused in numeric"},
};

/* The index of the entry that allows it, -1 for none. */
static inline int listed_difference(const char *server, const char *file, const char *statement) {
  for (size_t i = 0; i < sizeof listed_differences / sizeof *listed_differences; i++) {
    const struct listed_difference *listed = &listed_differences[i];
    if (listed->server != NULL && strcmp(listed->server, server) != 0) continue;
    if (listed->file != NULL && strcmp(listed->file, file) != 0) continue;
    regex_t pattern;
    if (regcomp(&pattern, listed->pattern, REG_EXTENDED | REG_NOSUB) != 0)
      fail_msg("bad pattern: %s", listed->pattern);
    int match = regexec(&pattern, statement, 0, NULL, 0);
    regfree(&pattern);
    if (match == 0) return (int)i;
  }
  return -1;
}

#endif
