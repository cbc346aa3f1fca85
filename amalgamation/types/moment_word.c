/*
** moment_word.c: the words of dates and intervals and the units of extract(): one table for all.
*/
#include "../internal.h"

#define MOMENT_WORD_BYTES 10 /* of a word that count */

struct moment_word_row {
  const char *text;
  /* A unit here labels a number (y2001m02d04): refused in dates, but extract() takes it. */
  enum moment_word in_date;
  enum moment_word in_interval;
};

static const struct moment_word_row moment_words[] = {
    /* sorted by bytes */
    {"-infinity", WORD_MINUS_INFINITY, WORD_UNKNOWN},
    {"ad", WORD_REFUSED, WORD_UNKNOWN},
    {"ago", WORD_UNKNOWN, WORD_AGO},
    {"allballs", WORD_ALLBALLS, WORD_UNKNOWN},
    {"am", WORD_AM, WORD_UNKNOWN},
    {"apr", WORD_REFUSED, WORD_UNKNOWN},
    {"april", WORD_REFUSED, WORD_UNKNOWN},
    {"at", WORD_FILLER, WORD_UNKNOWN},
    {"aug", WORD_REFUSED, WORD_UNKNOWN},
    {"august", WORD_REFUSED, WORD_UNKNOWN},
    {"bc", WORD_REFUSED, WORD_UNKNOWN},
    {"c", WORD_UNKNOWN, WORD_CENTURY},
    {"cent", WORD_UNKNOWN, WORD_CENTURY},
    {"centuries", WORD_UNKNOWN, WORD_CENTURY},
    {"century", WORD_UNKNOWN, WORD_CENTURY},
    {"d", WORD_DAY, WORD_DAY},
    {"day", WORD_UNKNOWN, WORD_DAY},
    {"days", WORD_UNKNOWN, WORD_DAY},
    {"dec", WORD_REFUSED, WORD_DECADE},
    {"decade", WORD_UNKNOWN, WORD_DECADE},
    {"decades", WORD_UNKNOWN, WORD_DECADE},
    {"december", WORD_REFUSED, WORD_UNKNOWN},
    {"decs", WORD_UNKNOWN, WORD_DECADE},
    {"dow", WORD_DOW, WORD_UNKNOWN},
    {"doy", WORD_DOY, WORD_UNKNOWN},
    {"dst", WORD_REFUSED, WORD_UNKNOWN},
    {"epoch", WORD_EPOCH, WORD_UNKNOWN},
    {"feb", WORD_REFUSED, WORD_UNKNOWN},
    {"february", WORD_REFUSED, WORD_UNKNOWN},
    {"fri", WORD_REFUSED, WORD_UNKNOWN},
    {"friday", WORD_REFUSED, WORD_UNKNOWN},
    {"gmt", WORD_UTC, WORD_UNKNOWN},
    {"h", WORD_HOUR, WORD_HOUR},
    {"hour", WORD_UNKNOWN, WORD_HOUR},
    {"hours", WORD_UNKNOWN, WORD_HOUR},
    {"hr", WORD_UNKNOWN, WORD_HOUR},
    {"hrs", WORD_UNKNOWN, WORD_HOUR},
    {"infinity", WORD_INFINITY, WORD_UNKNOWN},
    {"isodow", WORD_ISODOW, WORD_UNKNOWN},
    {"isoyear", WORD_ISOYEAR, WORD_UNKNOWN},
    {"j", WORD_JULIAN, WORD_UNKNOWN},
    {"jan", WORD_REFUSED, WORD_UNKNOWN},
    {"january", WORD_REFUSED, WORD_UNKNOWN},
    {"jd", WORD_JULIAN, WORD_UNKNOWN},
    {"jul", WORD_REFUSED, WORD_UNKNOWN},
    {"julian", WORD_JULIAN, WORD_UNKNOWN},
    {"july", WORD_REFUSED, WORD_UNKNOWN},
    {"jun", WORD_REFUSED, WORD_UNKNOWN},
    {"june", WORD_REFUSED, WORD_UNKNOWN},
    {"m", WORD_MONTH, WORD_MINUTE},
    {"mar", WORD_REFUSED, WORD_UNKNOWN},
    {"march", WORD_REFUSED, WORD_UNKNOWN},
    {"may", WORD_REFUSED, WORD_UNKNOWN},
    {"microsecon", WORD_UNKNOWN, WORD_MICROSECOND},
    {"mil", WORD_UNKNOWN, WORD_MILLENNIUM},
    {"millennia", WORD_UNKNOWN, WORD_MILLENNIUM},
    {"millennium", WORD_UNKNOWN, WORD_MILLENNIUM},
    {"millisecon", WORD_UNKNOWN, WORD_MILLISECOND},
    {"mils", WORD_UNKNOWN, WORD_MILLENNIUM},
    {"min", WORD_UNKNOWN, WORD_MINUTE},
    {"mins", WORD_UNKNOWN, WORD_MINUTE},
    {"minute", WORD_UNKNOWN, WORD_MINUTE},
    {"minutes", WORD_UNKNOWN, WORD_MINUTE},
    {"mm", WORD_MINUTE, WORD_UNKNOWN},
    {"mon", WORD_REFUSED, WORD_MONTH},
    {"monday", WORD_REFUSED, WORD_UNKNOWN},
    {"mons", WORD_UNKNOWN, WORD_MONTH},
    {"month", WORD_UNKNOWN, WORD_MONTH},
    {"months", WORD_UNKNOWN, WORD_MONTH},
    {"ms", WORD_UNKNOWN, WORD_MILLISECOND},
    {"msec", WORD_UNKNOWN, WORD_MILLISECOND},
    {"mseconds", WORD_UNKNOWN, WORD_MILLISECOND},
    {"msecs", WORD_UNKNOWN, WORD_MILLISECOND},
    {"nov", WORD_REFUSED, WORD_UNKNOWN},
    {"november", WORD_REFUSED, WORD_UNKNOWN},
    {"now", WORD_NOW, WORD_UNKNOWN},
    {"oct", WORD_REFUSED, WORD_UNKNOWN},
    {"october", WORD_REFUSED, WORD_UNKNOWN},
    {"on", WORD_FILLER, WORD_UNKNOWN},
    {"pm", WORD_PM, WORD_UNKNOWN},
    {"qtr", WORD_UNKNOWN, WORD_QUARTER},
    {"quarter", WORD_UNKNOWN, WORD_QUARTER},
    {"s", WORD_SECOND, WORD_SECOND},
    {"sat", WORD_REFUSED, WORD_UNKNOWN},
    {"saturday", WORD_REFUSED, WORD_UNKNOWN},
    {"sec", WORD_UNKNOWN, WORD_SECOND},
    {"second", WORD_UNKNOWN, WORD_SECOND},
    {"seconds", WORD_UNKNOWN, WORD_SECOND},
    {"secs", WORD_UNKNOWN, WORD_SECOND},
    {"sep", WORD_REFUSED, WORD_UNKNOWN},
    {"sept", WORD_REFUSED, WORD_UNKNOWN},
    {"september", WORD_REFUSED, WORD_UNKNOWN},
    {"sun", WORD_REFUSED, WORD_UNKNOWN},
    {"sunday", WORD_REFUSED, WORD_UNKNOWN},
    {"t", WORD_T, WORD_UNKNOWN},
    {"thu", WORD_REFUSED, WORD_UNKNOWN},
    {"thur", WORD_REFUSED, WORD_UNKNOWN},
    {"thurs", WORD_REFUSED, WORD_UNKNOWN},
    {"thursday", WORD_REFUSED, WORD_UNKNOWN},
    {"timezone", WORD_UNKNOWN, WORD_TIMEZONE},
    {"timezone_h", WORD_UNKNOWN, WORD_TIMEZONE_HOUR},
    {"timezone_m", WORD_UNKNOWN, WORD_TIMEZONE_MINUTE},
    {"today", WORD_TODAY, WORD_UNKNOWN},
    {"tomorrow", WORD_TOMORROW, WORD_UNKNOWN},
    {"tue", WORD_REFUSED, WORD_UNKNOWN},
    {"tues", WORD_REFUSED, WORD_UNKNOWN},
    {"tuesday", WORD_REFUSED, WORD_UNKNOWN},
    {"uct", WORD_UTC, WORD_UNKNOWN},
    {"us", WORD_UNKNOWN, WORD_MICROSECOND},
    {"usec", WORD_UNKNOWN, WORD_MICROSECOND},
    {"useconds", WORD_UNKNOWN, WORD_MICROSECOND},
    {"usecs", WORD_UNKNOWN, WORD_MICROSECOND},
    {"ut", WORD_UTC, WORD_UNKNOWN},
    {"utc", WORD_UTC, WORD_UNKNOWN},
    {"w", WORD_UNKNOWN, WORD_WEEK},
    {"wed", WORD_REFUSED, WORD_UNKNOWN},
    {"wednesday", WORD_REFUSED, WORD_UNKNOWN},
    {"weds", WORD_REFUSED, WORD_UNKNOWN},
    {"week", WORD_UNKNOWN, WORD_WEEK},
    {"weeks", WORD_UNKNOWN, WORD_WEEK},
    {"y", WORD_YEAR, WORD_YEAR},
    {"year", WORD_UNKNOWN, WORD_YEAR},
    {"years", WORD_UNKNOWN, WORD_YEAR},
    {"yesterday", WORD_YESTERDAY, WORD_UNKNOWN},
    {"yr", WORD_UNKNOWN, WORD_YEAR},
    {"yrs", WORD_UNKNOWN, WORD_YEAR},
    {"z", WORD_UTC, WORD_UNKNOWN},
    {"zulu", WORD_UTC, WORD_UNKNOWN},
};

static const struct moment_word_row *moment_word_find(const char *text, size_t length) {
  if (length > MOMENT_WORD_BYTES) length = MOMENT_WORD_BYTES;
  size_t low = 0;
  size_t high = sizeof moment_words / sizeof moment_words[0];
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const char *word = moment_words[middle].text;
    int order = strncmp(text, word, length);
    if (order == 0 && word[length] != 0) order = -1;
    if (order == 0) return &moment_words[middle];
    if (order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return NULL;
}

LEDGER_PRIVATE enum moment_word moment_word_of_date(const char *text, size_t length) {
  const struct moment_word_row *row = moment_word_find(text, length);
  return row == NULL ? WORD_UNKNOWN : row->in_date;
}

LEDGER_PRIVATE enum moment_word moment_word_of_unit(const char *text, size_t length) {
  const struct moment_word_row *row = moment_word_find(text, length);
  return row == NULL ? WORD_UNKNOWN : row->in_interval;
}
