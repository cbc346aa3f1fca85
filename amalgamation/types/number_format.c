/*
** number_format.c: to_char() and to_number() of numeric: templates of 9 0 . D , G S MI PL SG PR TH FM and text. What is
** refused: L (it depends on the server's locale), EEEE, RN and V.
*/
#include "../internal.h"

enum number_element {
  NUMBER_TEXT, /* a character of its own */
  NUMBER_NINE,
  NUMBER_ZERO,
  NUMBER_POINT,
  NUMBER_GROUP,
  NUMBER_SIGN,   /* S */
  NUMBER_MINUS,  /* MI */
  NUMBER_PLUS,   /* PL */
  NUMBER_SIGNED, /* SG */
  NUMBER_ANGLE,  /* PR */
  NUMBER_ORDINAL,
  NUMBER_FILL, /* FM */
  NUMBER_NOTHING,
  NUMBER_REFUSED
};

static const struct number_pattern {
  const char *text; /* in upper case; lower case means the same */
  enum number_element element;
} number_patterns[] = {
    {"EEEE", NUMBER_REFUSED}, {"FM", NUMBER_FILL},    {"MI", NUMBER_MINUS},  {"PL", NUMBER_PLUS},
    {"PR", NUMBER_ANGLE},     {"RN", NUMBER_REFUSED}, {"SG", NUMBER_SIGNED}, {"SP", NUMBER_NOTHING},
    {"TH", NUMBER_ORDINAL},   {"9", NUMBER_NINE},     {"0", NUMBER_ZERO},    {".", NUMBER_POINT},
    {"D", NUMBER_POINT},      {",", NUMBER_GROUP},    {"G", NUMBER_GROUP},   {"S", NUMBER_SIGN},
    {"B", NUMBER_NOTHING},    {"C", NUMBER_NOTHING},  {"L", NUMBER_REFUSED}, {"V", NUMBER_REFUSED}};

/* What a template says as a whole. Slots are counted from 0. */
struct number_template {
  const char *text, *end;
  int whole, fraction; /* slots before and behind the point */
  int zeros_from;      /* the first slot before the point that is a 0; whole: none */
  int zeros_behind;    /* fraction slots up to the last that is a 0 */
  bool has_point, is_filled, has_sign, sign_is_behind, has_minus, has_plus, has_angle;
  int whole_at_sign;
};

/* Takes one element; *at moves behind it. Quoted text is taken character by character. */
static enum number_element number_next(const char **at, const char *end, bool *is_quoted) {
  const char *c = *at;
  if (*c == '"') {
    *is_quoted = !*is_quoted;
    (*at)++;
    return NUMBER_NOTHING;
  }
  if (*c == '\\' && c + 1 < end && (*is_quoted || c[1] == '"')) {
    *at += 2;
    return NUMBER_TEXT;
  }
  for (size_t i = 0; !*is_quoted && i < sizeof number_patterns / sizeof *number_patterns; i++) {
    size_t length = strlen(number_patterns[i].text);
    if ((size_t)(end - c) < length ||
        sqlite3_strnicmp(c, number_patterns[i].text, (int)length) != 0)
      continue;
    *at += length;
    return number_patterns[i].element;
  }
  *at += text_offset(c, (size_t)(end - c), 1);
  return NUMBER_TEXT;
}

static int number_conflict(const char *what, ledger_error *error) {
  return error_set(error, LEDGER_SYNTAX, "%s", what);
}

static int number_add_slot(struct number_template *t, bool is_zero, ledger_error *error) {
  if (t->has_angle) return number_conflict("\"9\" must be ahead of \"PR\"", error);
  if (t->has_point) {
    t->fraction++;
    if (is_zero) t->zeros_behind = t->fraction;
  } else {
    if (is_zero && t->zeros_from < 0) t->zeros_from = t->whole;
    t->whole++;
  }
  return LEDGER_OK;
}

static int number_add_sign(struct number_template *t, enum number_element element,
                           ledger_error *error) {
  bool is_other = t->has_minus || t->has_plus || t->has_angle;
  if (element == NUMBER_SIGN) {
    if (t->has_sign) return number_conflict("cannot use \"S\" twice", error);
    if (is_other)
      return number_conflict("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together", error);
    t->has_sign = true;
    t->whole_at_sign = t->whole;
    return LEDGER_OK;
  }
  if (element == NUMBER_ANGLE) {
    if (t->has_sign || t->has_minus || t->has_plus)
      return number_conflict("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together", error);
    t->has_angle = true;
    return LEDGER_OK;
  }
  if (t->has_sign) {
    return number_conflict(element == NUMBER_MINUS  ? "cannot use \"S\" and \"MI\" together"
                           : element == NUMBER_PLUS ? "cannot use \"S\" and \"PL\" together"
                                                    : "cannot use \"S\" and \"SG\" together",
                           error);
  }
  t->has_minus = t->has_minus || element != NUMBER_PLUS;
  t->has_plus = t->has_plus || element != NUMBER_MINUS;
  return LEDGER_OK;
}

static int number_read_template(struct number_template *t, const char *text, size_t length,
                                ledger_error *error) {
  bool is_quoted = false;
  int rc = LEDGER_OK;
  *t = (struct number_template){.text = text, .end = text + length, .zeros_from = -1};
  for (const char *at = text; at < t->end && rc == LEDGER_OK;) {
    enum number_element element = number_next(&at, t->end, &is_quoted);
    switch (element) {
    case NUMBER_NINE:
    case NUMBER_ZERO: rc = number_add_slot(t, element == NUMBER_ZERO, error); break;
    case NUMBER_POINT:
      if (t->has_point) rc = number_conflict("multiple decimal points", error);
      t->has_point = true;
      break;
    case NUMBER_SIGN:
    case NUMBER_MINUS:
    case NUMBER_PLUS:
    case NUMBER_SIGNED:
    case NUMBER_ANGLE: rc = number_add_sign(t, element, error); break;
    case NUMBER_FILL: t->is_filled = true; break;
    case NUMBER_REFUSED:
      rc = error_set(error, LEDGER_UNSUPPORTED,
                     "EEEE, L, RN and V in a template of a number are not supported");
      break;
    default: break;
    }
  }
  if (t->zeros_from < 0) t->zeros_from = t->whole;
  t->sign_is_behind = t->has_sign && t->whole_at_sign == t->whole;
  return rc;
}

/* ---- to_char() */

struct number_writer {
  const struct number_template *t;
  sqlite3_str *out;
  const char *whole, *fraction; /* digits */
  int whole_digits, shown;      /* shown: of the fraction's digits */
  int slot;                     /* the next one, behind the point too */
  bool is_negative, is_too_long, is_signed, has_digit;
};

static void number_put(struct number_writer *w, char c) {
  if (c != 0) sqlite3_str_appendchar(w->out, 1, c);
}

/* What stands before the first digit or the point: once. */
static void number_put_sign(struct number_writer *w) {
  const struct number_template *t = w->t;
  if (w->is_signed) return;
  w->is_signed = true;
  if (t->has_minus || t->sign_is_behind) return; /* written where MI, SG or S stand */
  if (t->has_sign)
    number_put(w, w->is_negative ? '-' : '+');
  else if (w->is_negative)
    number_put(w, t->has_angle ? '<' : '-');
  else if (!t->is_filled)
    number_put(w, ' ');
}

static void number_put_end(struct number_writer *w) {
  if (w->slot != w->t->whole + w->t->fraction || !w->is_signed) return;
  if (w->t->sign_is_behind) number_put(w, w->is_negative ? '-' : '+');
  if (w->t->has_angle) number_put(w, w->is_negative ? '>' : w->t->is_filled ? 0 : ' ');
}

/* A zero before the point gives way to a fraction, unless a 0 asks for it, or FM leaves nothing of the fraction. */
static bool number_hides_zero(const struct number_writer *w) {
  return w->t->zeros_from == w->t->whole && w->t->fraction > 0 && w->whole_digits == 1 &&
         w->whole[0] == '0' && !(w->t->is_filled && w->shown == 0);
}

static void number_put_whole(struct number_writer *w) {
  int leading = w->t->whole - w->whole_digits, slot = w->slot;
  w->has_digit = false;
  if (w->is_too_long) {
    number_put_sign(w);
    number_put(w, '#');
    w->has_digit = true;
  } else if (slot < leading && slot < w->t->zeros_from) {
    if (!w->t->is_filled) number_put(w, ' ');
  } else if (slot >= leading && number_hides_zero(w)) {
    if (!w->t->is_filled) number_put(w, ' ');
  } else {
    number_put_sign(w);
    number_put(w, slot < leading ? '0' : w->whole[slot - leading]);
    w->has_digit = true;
  }
}

static void number_put_fraction(struct number_writer *w) {
  int place = w->slot - w->t->whole;
  w->has_digit = w->is_too_long || place < w->shown;
  if (w->has_digit) number_put(w, w->is_too_long ? '#' : w->fraction[place]);
}

/* Behind a point without digits PostgreSQL writes nothing more. */
static bool number_put_point(struct number_writer *w) {
  number_put_sign(w);
  w->has_digit = false;
  if (w->t->fraction == 0 && !w->is_too_long) return false;
  number_put(w, '.');
  return true;
}

static void number_put_ordinal(struct number_writer *w, bool is_upper) {
  static const char *const endings[] = {"th", "st", "nd", "rd"};
  if (w->is_negative || w->t->has_point || w->is_too_long) return;
  const char *last = w->whole + w->whole_digits - 1;
  bool is_teen = w->whole_digits > 1 && last[-1] == '1';
  const char *ending = endings[!is_teen && *last >= '1' && *last <= '3' ? *last - '0' : 0];
  for (; *ending != 0; ending++) number_put(w, (char)(is_upper ? *ending - 'a' + 'A' : *ending));
}

static void number_write(struct number_writer *w) {
  const struct number_template *t = w->t;
  bool is_quoted = false;
  char blank = t->is_filled ? 0 : ' ';
  for (const char *at = t->text; at < t->end;) {
    const char *start = at;
    switch (number_next(&at, t->end, &is_quoted)) {
    case NUMBER_NINE:
    case NUMBER_ZERO:
      if (w->slot < t->whole)
        number_put_whole(w);
      else
        number_put_fraction(w);
      w->slot++;
      number_put_end(w);
      break;
    case NUMBER_POINT:
      if (!number_put_point(w)) return;
      if (t->fraction == 0) number_put_end(w);
      break;
    case NUMBER_GROUP: number_put(w, w->has_digit ? ',' : blank); break;
    case NUMBER_MINUS: number_put(w, w->is_negative ? '-' : blank); break;
    case NUMBER_PLUS: number_put(w, w->is_negative ? blank : '+'); break;
    case NUMBER_SIGNED: number_put(w, w->is_negative ? '-' : '+'); break;
    case NUMBER_ORDINAL: number_put_ordinal(w, *start == 'T'); break;
    case NUMBER_TEXT:
      if (*start == '\\' && at - start == 2) start++;
      sqlite3_str_append(w->out, start, (int)(at - start));
      break;
    default: break;
    }
  }
}

/* Up to which of the fraction's digits FM shows them. */
static int number_shown(const struct number_template *t, const char *fraction) {
  int shown = t->fraction;
  while (t->is_filled && shown > t->zeros_behind && fraction[shown - 1] == '0') shown--;
  return shown;
}

LEDGER_PRIVATE int number_format(struct arena *arena, struct decimal *number, const char *template,
                                 size_t length, sqlite3_str *out, ledger_error *error) {
  struct number_template t;
  size_t size;
  int rc = number_read_template(&t, template, length, error);
  if (rc != LEDGER_OK) return rc;
  rc = decimal_round(arena, number, t.fraction);
  if (rc != LEDGER_OK) return decimal_error(rc, error);
  const char *text = decimal_text(arena, number, &size);
  if (text == NULL) return error_memory(error);
  struct number_writer writer = {.t = &t, .out = out, .is_negative = text[0] == '-'};
  writer.whole = text + writer.is_negative;
  writer.whole_digits = (int)strcspn(writer.whole, ".");
  writer.fraction = writer.whole + writer.whole_digits + (t.fraction > 0);
  writer.is_too_long = writer.whole_digits > t.whole;
  writer.shown = number_shown(&t, writer.fraction);
  number_write(&writer);
  return LEDGER_OK;
}
