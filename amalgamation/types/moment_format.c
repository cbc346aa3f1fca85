/*
** moment_format.c: to_char() of timestamps.
*/
#include "../internal.h"

enum moment_format_code {
  FORMAT_AM,
  FORMAT_AM_DOTS,
  FORMAT_AD,
  FORMAT_AD_DOTS,
  FORMAT_CC,
  FORMAT_DAY,
  FORMAT_DDD,
  FORMAT_DD,
  FORMAT_DY,
  FORMAT_D,
  FORMAT_FF1,
  FORMAT_FF2,
  FORMAT_FF3,
  FORMAT_FF4,
  FORMAT_FF5,
  FORMAT_FF6,
  FORMAT_NOTHING,
  FORMAT_HH24,
  FORMAT_HH12,
  FORMAT_IDDD,
  FORMAT_ID,
  FORMAT_IW,
  FORMAT_IYYY,
  FORMAT_IYY,
  FORMAT_IY,
  FORMAT_I,
  FORMAT_J,
  FORMAT_MI,
  FORMAT_MM,
  FORMAT_MONTH,
  FORMAT_MON,
  FORMAT_OF,
  FORMAT_Q,
  FORMAT_RM,
  FORMAT_SSSS,
  FORMAT_SS,
  FORMAT_TZH,
  FORMAT_TZM,
  FORMAT_TZ,
  FORMAT_WW,
  FORMAT_W,
  FORMAT_Y_YYY,
  FORMAT_YYYY,
  FORMAT_YYY,
  FORMAT_YY,
  FORMAT_Y
};

enum moment_format_case { FORMAT_UPPER, FORMAT_LOWER, FORMAT_CAPITAL };

struct moment_format_pattern {
  const char *text;
  enum moment_format_code code;
  enum moment_format_case letters;
};

/* Longer patterns stand before their beginnings. */
static const struct moment_format_pattern moment_format_patterns[] = {
    {"A.D.", FORMAT_AD_DOTS, FORMAT_UPPER}, {"a.d.", FORMAT_AD_DOTS, FORMAT_LOWER},
    {"A.M.", FORMAT_AM_DOTS, FORMAT_UPPER}, {"a.m.", FORMAT_AM_DOTS, FORMAT_LOWER},
    {"AD", FORMAT_AD, FORMAT_UPPER},        {"ad", FORMAT_AD, FORMAT_LOWER},
    {"AM", FORMAT_AM, FORMAT_UPPER},        {"am", FORMAT_AM, FORMAT_LOWER},
    {"B.C.", FORMAT_AD_DOTS, FORMAT_UPPER}, {"b.c.", FORMAT_AD_DOTS, FORMAT_LOWER},
    {"BC", FORMAT_AD, FORMAT_UPPER},        {"bc", FORMAT_AD, FORMAT_LOWER},
    {"CC", FORMAT_CC, FORMAT_UPPER},        {"cc", FORMAT_CC, FORMAT_LOWER},
    {"DAY", FORMAT_DAY, FORMAT_UPPER},      {"Day", FORMAT_DAY, FORMAT_CAPITAL},
    {"day", FORMAT_DAY, FORMAT_LOWER},      {"DDD", FORMAT_DDD, FORMAT_UPPER},
    {"ddd", FORMAT_DDD, FORMAT_LOWER},      {"DD", FORMAT_DD, FORMAT_UPPER},
    {"dd", FORMAT_DD, FORMAT_LOWER},        {"DY", FORMAT_DY, FORMAT_UPPER},
    {"Dy", FORMAT_DY, FORMAT_CAPITAL},      {"dy", FORMAT_DY, FORMAT_LOWER},
    {"D", FORMAT_D, FORMAT_UPPER},          {"d", FORMAT_D, FORMAT_LOWER},
    {"FF1", FORMAT_FF1, FORMAT_UPPER},      {"ff1", FORMAT_FF1, FORMAT_LOWER},
    {"FF2", FORMAT_FF2, FORMAT_UPPER},      {"ff2", FORMAT_FF2, FORMAT_LOWER},
    {"FF3", FORMAT_FF3, FORMAT_UPPER},      {"ff3", FORMAT_FF3, FORMAT_LOWER},
    {"FF4", FORMAT_FF4, FORMAT_UPPER},      {"ff4", FORMAT_FF4, FORMAT_LOWER},
    {"FF5", FORMAT_FF5, FORMAT_UPPER},      {"ff5", FORMAT_FF5, FORMAT_LOWER},
    {"FF6", FORMAT_FF6, FORMAT_UPPER},      {"ff6", FORMAT_FF6, FORMAT_LOWER},
    {"FX", FORMAT_NOTHING, FORMAT_UPPER},   {"fx", FORMAT_NOTHING, FORMAT_LOWER},
    {"HH24", FORMAT_HH24, FORMAT_UPPER},    {"hh24", FORMAT_HH24, FORMAT_LOWER},
    {"HH12", FORMAT_HH12, FORMAT_UPPER},    {"hh12", FORMAT_HH12, FORMAT_LOWER},
    {"HH", FORMAT_HH12, FORMAT_UPPER},      {"hh", FORMAT_HH12, FORMAT_LOWER},
    {"IDDD", FORMAT_IDDD, FORMAT_UPPER},    {"iddd", FORMAT_IDDD, FORMAT_LOWER},
    {"ID", FORMAT_ID, FORMAT_UPPER},        {"id", FORMAT_ID, FORMAT_LOWER},
    {"IW", FORMAT_IW, FORMAT_UPPER},        {"iw", FORMAT_IW, FORMAT_LOWER},
    {"IYYY", FORMAT_IYYY, FORMAT_UPPER},    {"iyyy", FORMAT_IYYY, FORMAT_LOWER},
    {"IYY", FORMAT_IYY, FORMAT_UPPER},      {"iyy", FORMAT_IYY, FORMAT_LOWER},
    {"IY", FORMAT_IY, FORMAT_UPPER},        {"iy", FORMAT_IY, FORMAT_LOWER},
    {"I", FORMAT_I, FORMAT_UPPER},          {"i", FORMAT_I, FORMAT_LOWER},
    {"J", FORMAT_J, FORMAT_UPPER},          {"j", FORMAT_J, FORMAT_LOWER},
    {"MI", FORMAT_MI, FORMAT_UPPER},        {"mi", FORMAT_MI, FORMAT_LOWER},
    {"MM", FORMAT_MM, FORMAT_UPPER},        {"mm", FORMAT_MM, FORMAT_LOWER},
    {"MONTH", FORMAT_MONTH, FORMAT_UPPER},  {"Month", FORMAT_MONTH, FORMAT_CAPITAL},
    {"month", FORMAT_MONTH, FORMAT_LOWER},  {"MON", FORMAT_MON, FORMAT_UPPER},
    {"Mon", FORMAT_MON, FORMAT_CAPITAL},    {"mon", FORMAT_MON, FORMAT_LOWER},
    {"MS", FORMAT_FF3, FORMAT_UPPER},       {"ms", FORMAT_FF3, FORMAT_LOWER},
    {"OF", FORMAT_OF, FORMAT_UPPER},        {"of", FORMAT_OF, FORMAT_LOWER},
    {"P.M.", FORMAT_AM_DOTS, FORMAT_UPPER}, {"p.m.", FORMAT_AM_DOTS, FORMAT_LOWER},
    {"PM", FORMAT_AM, FORMAT_UPPER},        {"pm", FORMAT_AM, FORMAT_LOWER},
    {"Q", FORMAT_Q, FORMAT_UPPER},          {"q", FORMAT_Q, FORMAT_LOWER},
    {"RM", FORMAT_RM, FORMAT_UPPER},        {"rm", FORMAT_RM, FORMAT_LOWER},
    {"SSSSS", FORMAT_SSSS, FORMAT_UPPER},   {"sssss", FORMAT_SSSS, FORMAT_LOWER},
    {"SSSS", FORMAT_SSSS, FORMAT_UPPER},    {"ssss", FORMAT_SSSS, FORMAT_LOWER},
    {"SS", FORMAT_SS, FORMAT_UPPER},        {"ss", FORMAT_SS, FORMAT_LOWER},
    {"TZH", FORMAT_TZH, FORMAT_UPPER},      {"tzh", FORMAT_TZH, FORMAT_LOWER},
    {"TZM", FORMAT_TZM, FORMAT_UPPER},      {"tzm", FORMAT_TZM, FORMAT_LOWER},
    {"TZ", FORMAT_TZ, FORMAT_UPPER},        {"tz", FORMAT_TZ, FORMAT_LOWER},
    {"US", FORMAT_FF6, FORMAT_UPPER},       {"us", FORMAT_FF6, FORMAT_LOWER},
    {"WW", FORMAT_WW, FORMAT_UPPER},        {"ww", FORMAT_WW, FORMAT_LOWER},
    {"W", FORMAT_W, FORMAT_UPPER},          {"w", FORMAT_W, FORMAT_LOWER},
    {"Y,YYY", FORMAT_Y_YYY, FORMAT_UPPER},  {"y,yyy", FORMAT_Y_YYY, FORMAT_LOWER},
    {"YYYY", FORMAT_YYYY, FORMAT_UPPER},    {"yyyy", FORMAT_YYYY, FORMAT_LOWER},
    {"YYY", FORMAT_YYY, FORMAT_UPPER},      {"yyy", FORMAT_YYY, FORMAT_LOWER},
    {"YY", FORMAT_YY, FORMAT_UPPER},        {"yy", FORMAT_YY, FORMAT_LOWER},
    {"Y", FORMAT_Y, FORMAT_UPPER},          {"y", FORMAT_Y, FORMAT_LOWER},
};

struct moment_format_run {
  enum type_id id;
  struct moment_fields at;
  int64_t days;
  int day_of_year;
  struct moment_week week;
  sqlite3_str *out;
};

/* A pattern with what stands before and behind it. */
struct moment_format_node {
  const struct moment_format_pattern *pattern;
  bool fill;           /* no FM before it */
  bool fill_name;      /* no TM either, which spares a name its spaces */
  const char *ordinal; /* "TH" or "th" behind it, or NULL */
};

static bool moment_format_takes(const char **at, const char *end, const char *text) {
  size_t length = strlen(text);
  if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0) return false;
  *at += length;
  return true;
}

/* FM or TM may stand before a pattern, TH or SP behind it. false: a character of its own, behind
** what stood before it. */
static bool moment_format_next(const char **at, const char *end, struct moment_format_node *node) {
  bool filled = !moment_format_takes(at, end, "FM") && !moment_format_takes(at, end, "fm");
  bool translated =
      filled && (moment_format_takes(at, end, "TM") || moment_format_takes(at, end, "tm"));
  *node = (struct moment_format_node){.fill = filled, .fill_name = filled && !translated};
  for (size_t i = 0; i < sizeof moment_format_patterns / sizeof moment_format_patterns[0]; i++) {
    if (!moment_format_takes(at, end, moment_format_patterns[i].text)) continue;
    node->pattern = &moment_format_patterns[i];
    if (moment_format_takes(at, end, "TH")) {
      node->ordinal = "TH";
    } else if (moment_format_takes(at, end, "th")) {
      node->ordinal = "th";
    } else {
      moment_format_takes(at, end, "SP");
    }
    return true;
  }
  return false;
}

static void moment_format_letters(sqlite3_str *out, const char *text,
                                  enum moment_format_case letters) {
  for (size_t i = 0; text[i] != 0; i++) {
    bool lower = letters == FORMAT_LOWER || (letters == FORMAT_CAPITAL && i > 0);
    bool is_capital = text[i] >= 'A' && text[i] <= 'Z';
    sqlite3_str_appendchar(out, 1, lower && is_capital ? (char)(text[i] + ('a' - 'A')) : text[i]);
  }
}

static void moment_format_name(const struct moment_format_run *run,
                               const struct moment_format_node *node, const char *name, int width) {
  moment_format_letters(run->out, name, node->pattern->letters);
  int missing = width - (int)strlen(name);
  bool fill = node->pattern->code == FORMAT_RM ? node->fill : node->fill_name;
  if (fill && missing > 0) sqlite3_str_appendchar(run->out, missing, ' ');
}

static void moment_format_number(const struct moment_format_run *run,
                                 const struct moment_format_node *node, int64_t number, int width) {
  static const char *const upper[] = {"TH", "ST", "ND", "RD"};
  static const char *const lower[] = {"th", "st", "nd", "rd"};
  sqlite3_str_appendf(run->out, "%0*lld", node->fill ? width : 0, (long long)number);
  if (node->ordinal == NULL) return;
  int64_t ending = number % 100 >= 11 && number % 100 <= 13 ? 0
                   : number % 10 <= 3                       ? number % 10
                                                            : 0;
  sqlite3_str_appendall(run->out, node->ordinal[0] == 'T' ? upper[ending] : lower[ending]);
}

/* The parts of the day and of the second. false: the pattern is none of them. */
static bool moment_format_time(const struct moment_format_run *run,
                               const struct moment_format_node *node) {
  const struct moment_fields *at = &run->at;
  static const int units[] = {100000, 10000, 1000, 100, 10, 1};
  int digits = (int)node->pattern->code - (int)FORMAT_FF1;
  switch (node->pattern->code) {
  case FORMAT_AM:
    moment_format_letters(run->out, at->hour < 12 ? "AM" : "PM", node->pattern->letters);
    break;
  case FORMAT_AM_DOTS:
    moment_format_letters(run->out, at->hour < 12 ? "A.M." : "P.M.", node->pattern->letters);
    break;
  case FORMAT_HH24: moment_format_number(run, node, at->hour, 2); break;
  case FORMAT_HH12:
    moment_format_number(run, node, at->hour % 12 == 0 ? 12 : at->hour % 12, 2);
    break;
  case FORMAT_MI: moment_format_number(run, node, at->minute, 2); break;
  case FORMAT_SS: moment_format_number(run, node, at->second, 2); break;
  case FORMAT_SSSS:
    moment_format_number(run, node, (at->hour * 60 + at->minute) * 60 + at->second, 0);
    break;
  case FORMAT_TZ:
    if (run->id == TYPE_TIMESTAMPTZ) moment_format_letters(run->out, "UTC", node->pattern->letters);
    break;
  case FORMAT_OF: sqlite3_str_appendall(run->out, node->fill ? "+00" : "+0"); break;
  case FORMAT_TZH: sqlite3_str_appendall(run->out, "+00"); break;
  case FORMAT_TZM: sqlite3_str_appendall(run->out, "00"); break;
  case FORMAT_FF1:
  case FORMAT_FF2:
  case FORMAT_FF3:
  case FORMAT_FF4:
  case FORMAT_FF5:
  case FORMAT_FF6: { /* a fraction keeps its zeros under FM too */
    struct moment_format_node filled = *node;
    filled.fill = true;
    moment_format_number(run, &filled, at->microsecond / units[digits], digits + 1);
    break;
  }
  case FORMAT_NOTHING: break;
  default: return false;
  }
  return true;
}

/* false: no part of the year. */
static bool moment_format_year(const struct moment_format_run *run,
                               const struct moment_format_node *node) {
  int64_t year = run->at.year;
  switch (node->pattern->code) {
  case FORMAT_Y_YYY: {
    sqlite3_str_appendf(run->out, "%d,", (int)(year / 1000));
    struct moment_format_node rest = *node;
    rest.fill = true;
    moment_format_number(run, &rest, year % 1000, 3);
    break;
  }
  case FORMAT_YYYY: moment_format_number(run, node, year, 4); break;
  case FORMAT_YYY: moment_format_number(run, node, year % 1000, 3); break;
  case FORMAT_YY: moment_format_number(run, node, year % 100, 2); break;
  case FORMAT_Y: moment_format_number(run, node, year % 10, 1); break;
  case FORMAT_IYYY: moment_format_number(run, node, run->week.year, 4); break;
  case FORMAT_IYY: moment_format_number(run, node, run->week.year % 1000, 3); break;
  case FORMAT_IY: moment_format_number(run, node, run->week.year % 100, 2); break;
  case FORMAT_I: moment_format_number(run, node, run->week.year % 10, 1); break;
  case FORMAT_CC: moment_format_number(run, node, (year - 1) / 100 + 1, 2); break;
  case FORMAT_AD: moment_format_letters(run->out, "AD", node->pattern->letters); break;
  case FORMAT_AD_DOTS: moment_format_letters(run->out, "A.D.", node->pattern->letters); break;
  default: return false;
  }
  return true;
}

static void moment_format_day(const struct moment_format_run *run,
                              const struct moment_format_node *node) {
  static const char *const months[] = {"JANUARY",   "FEBRUARY", "MARCH",    "APRIL",
                                       "MAY",       "JUNE",     "JULY",     "AUGUST",
                                       "SEPTEMBER", "OCTOBER",  "NOVEMBER", "DECEMBER"};
  static const char *const roman[] = {"I",   "II",   "III", "IV", "V",  "VI",
                                      "VII", "VIII", "IX",  "X",  "XI", "XII"};
  static const char *const week_days[] = {"SUNDAY",   "MONDAY", "TUESDAY", "WEDNESDAY",
                                          "THURSDAY", "FRIDAY", "SATURDAY"};
  const struct moment_fields *at = &run->at;
  int week_day = moment_weekday(run->days);
  char brief[4] = "";
  switch (node->pattern->code) {
  case FORMAT_MONTH: moment_format_name(run, node, months[at->month - 1], 9); break;
  case FORMAT_DAY: moment_format_name(run, node, week_days[week_day], 9); break;
  case FORMAT_MON:
  case FORMAT_DY:
    memcpy(brief, node->pattern->code == FORMAT_MON ? months[at->month - 1] : week_days[week_day],
           3);
    moment_format_letters(run->out, brief, node->pattern->letters);
    break;
  case FORMAT_RM: moment_format_name(run, node, roman[at->month - 1], 4); break;
  case FORMAT_MM: moment_format_number(run, node, at->month, 2); break;
  case FORMAT_DDD: moment_format_number(run, node, run->day_of_year, 3); break;
  case FORMAT_IDDD:
    moment_format_number(run, node, (run->week.week - 1) * 7 + (week_day + 6) % 7 + 1, 3);
    break;
  case FORMAT_DD: moment_format_number(run, node, at->day, 2); break;
  case FORMAT_D: moment_format_number(run, node, week_day + 1, 0); break;
  case FORMAT_ID: moment_format_number(run, node, (week_day + 6) % 7 + 1, 0); break;
  case FORMAT_WW: moment_format_number(run, node, (run->day_of_year - 1) / 7 + 1, 2); break;
  case FORMAT_IW: moment_format_number(run, node, run->week.week, 2); break;
  case FORMAT_W: moment_format_number(run, node, (at->day - 1) / 7 + 1, 0); break;
  case FORMAT_Q: moment_format_number(run, node, (at->month - 1) / 3 + 1, 0); break;
  default: moment_format_number(run, node, run->days + MOMENT_JULIAN_EPOCH, 0); break; /* J */
  }
}

LEDGER_PRIVATE void moment_format(enum type_id id, int64_t moment, const char *template,
                                  size_t template_length, sqlite3_str *out) {
  struct moment_format_run run = {.id = id, .out = out, .days = moment_to_date(moment)};
  const char *at = template;
  const char *end = template + template_length;
  moment_split(moment, &run.at);
  run.day_of_year = (int)(run.days - moment_days(run.at.year, 1, 1)) + 1;
  run.week = moment_iso_week(run.days);
  while (at < end) {
    struct moment_format_node node;
    if (moment_format_next(&at, end, &node)) {
      if (!moment_format_time(&run, &node) && !moment_format_year(&run, &node)) {
        moment_format_day(&run, &node);
      }
    } else if (at == end) {
      break; /* a lone FM */
    } else if (*at == '"') {
      for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && at + 1 < end) at++;
        sqlite3_str_appendchar(out, 1, *at);
      }
      if (at < end) at++;
    } else {
      if (*at == '\\' && at + 1 < end && at[1] == '"') at++;
      sqlite3_str_appendchar(out, 1, *at++);
    }
  }
}
