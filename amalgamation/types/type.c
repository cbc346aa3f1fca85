/*
** type.c: types by name, and the way from a type to the functions of its family: input, output,
** JSON, order, assignment. What a family's functions do is theirs; which of them serves a type is
** decided here and nowhere else.
*/
#include "../internal.h"

#define TYPE_LENGTH_MAX 10485760 /* characters of varchar(n) and char(n) */
#define TYPE_PRECISION_MAX 6     /* digits of a second's fraction */
#define TYPE_DIGITS_MAX 1000     /* precision and scale of numeric(p,s) */

/* ---- names */

struct type_alias {
  const char *name; /* lower case, single spaces, without modifiers */
  enum type_id id;  /* TYPE_NONE: refused by name */
};

static const struct type_alias type_aliases[] = {
#define X(id, name, declared) {name, TYPE_##id},
    TYPES(X)
#undef X
        {"bool", TYPE_BOOLEAN},
    {"int2", TYPE_INT2},
    {"int", TYPE_INT4},
    {"int4", TYPE_INT4},
    {"int8", TYPE_INT8},
    {"float4", TYPE_FLOAT4},
    {"float8", TYPE_FLOAT8},
    {"float", TYPE_FLOAT8},
    {"decimal", TYPE_NUMERIC},
    {"dec", TYPE_NUMERIC},
    {"varchar", TYPE_VARCHAR},
    {"char varying", TYPE_VARCHAR},
    {"char", TYPE_BPCHAR},
    {"bpchar", TYPE_BPCHAR},
    {"time", TYPE_TIME},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamptz", TYPE_TIMESTAMPTZ},
#define REFUSED(name)                                                                              \
  { name, TYPE_NONE }
    REFUSED("point"),
    REFUSED("line"),
    REFUSED("lseg"),
    REFUSED("box"),
    REFUSED("path"),
    REFUSED("polygon"),
    REFUSED("circle"),
    REFUSED("money"),
    REFUSED("bit"),
    REFUSED("bit varying"),
    REFUSED("varbit"),
    REFUSED("tsvector"),
    REFUSED("tsquery"),
    REFUSED("macaddr"),
    REFUSED("macaddr8"),
    REFUSED("timetz"),
    REFUSED("time with time zone"),
    REFUSED("oid"),
    REFUSED("regclass"),
    REFUSED("regtype"),
    REFUSED("regproc"),
    REFUSED("regprocedure"),
    REFUSED("regoper"),
    REFUSED("regoperator"),
    REFUSED("regrole"),
    REFUSED("regnamespace"),
    REFUSED("regconfig"),
    REFUSED("regdictionary"),
    REFUSED("regcollation"),
    REFUSED("xid"),
    REFUSED("xid8"),
    REFUSED("cid"),
    REFUSED("tid"),
    REFUSED("pg_lsn"),
    REFUSED("pg_snapshot"),
    REFUSED("txid_snapshot"),
    REFUSED("jsonpath"),
    REFUSED("\"char\""),
    REFUSED("int4range"),
    REFUSED("int8range"),
    REFUSED("numrange"),
    REFUSED("tsrange"),
    REFUSED("tstzrange"),
    REFUSED("daterange"),
    REFUSED("int4multirange"),
    REFUSED("int8multirange"),
    REFUSED("nummultirange"),
    REFUSED("tsmultirange"),
    REFUSED("tstzmultirange"),
    REFUSED("datemultirange"),
    REFUSED("hstore"),
    REFUSED("vector"),
    REFUSED("halfvec"),
    REFUSED("sparsevec"),
    REFUSED("geometry"),
    REFUSED("geography"),
    REFUSED("ltree"),
    REFUSED("cube"),
#undef REFUSED
};

static const struct {
  const char *name;
  int bit;
} type_interval_fields[] = {
    {"year", INTERVAL_YEAR}, {"month", INTERVAL_MONTH},   {"day", INTERVAL_DAY},
    {"hour", INTERVAL_HOUR}, {"minute", INTERVAL_MINUTE}, {"second", INTERVAL_SECOND},
};
#define TYPE_INTERVAL_FIELDS 6

/* A name taken apart: its words, and the numbers in parentheses. */
struct type_words {
  char words[96];
  int modifiers[2];
  int count; /* of modifiers */
  bool is_array;
};

/* Reads "(n)" or "(n, m)" behind the opening parenthesis; NULL if it is neither. */
static const char *type_read_modifiers(const char *at, struct type_words *out) {
  while (out->count < 2) {
    bool is_negative;
    int value = 0;
    while (text_is_space(*at)) at++;
    is_negative = *at == '-';
    if (is_negative) at++;
    if (*at < '0' || *at > '9') return NULL;
    for (; *at >= '0' && *at <= '9'; at++) {
      if (value <= TYPE_LENGTH_MAX)
        value = value * 10 + (*at - '0'); /* larger is too large in any case */
    }
    out->modifiers[out->count++] = is_negative ? -value : value;
    while (text_is_space(*at)) at++;
    if (*at == ')') return at + 1;
    if (*at++ != ',') return NULL;
  }
  return NULL;
}

/* Reads "[]" or "[3]", which means the same; NULL if it is neither. */
static const char *type_read_brackets(const char *at) {
  for (at++; *at >= '0' && *at <= '9';) at++;
  return *at == ']' ? at + 1 : NULL;
}

/* false: not the shape of a type's name. */
static bool type_take_apart(const char *name, struct type_words *out) {
  size_t used = 0;
  const char *at = name;
  if (sqlite3_strnicmp(at, "pg_catalog.", 11) == 0) at += 11;
  *out = (struct type_words){.count = 0};
  while (*at != '\0') {
    if (*at == '(' && out->count == 0 && !out->is_array) {
      at = type_read_modifiers(at + 1, out);
    } else if (*at == '[') {
      at = type_read_brackets(at);
      out->is_array = true;
    } else if (text_is_space(*at)) {
      at++;
      if (used > 0 && out->words[used - 1] != ' ') out->words[used++] = ' ';
    } else {
      if (out->is_array) return false;
      if (used > 0 && at > name && at[-1] == ')' && out->words[used - 1] != ' ')
        out->words[used++] = ' ';
      out->words[used++] = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
      at++;
    }
    if (at == NULL || used + 2 >= sizeof out->words) return false;
  }
  while (used > 0 && out->words[used - 1] == ' ') used--;
  out->words[used] = '\0';
  return used > 0;
}

/* "interval", "interval year", "interval day to second": the fields as bits; -1: none of these. */
static int type_interval_bits(const char *words) {
  int first = -1, last = -1, bits = 0;
  if (strncmp(words, "interval", 8) != 0) return -1;
  words += 8;
  if (*words == '\0') return 0;
  for (int i = 0; i < TYPE_INTERVAL_FIELDS; i++) {
    const char *name = type_interval_fields[i].name;
    size_t length = strlen(name);
    if (first < 0 && words[0] == ' ' && strncmp(words + 1, name, length) == 0) {
      first = last = i;
      words += 1 + length;
    } else if (first >= 0 && strncmp(words, " to ", 4) == 0 && strcmp(words + 4, name) == 0) {
      last = i;
      words += 4 + length;
    }
  }
  /* year goes to month; of the others the later ones to every one that is finer */
  if (first < 0 || *words != '\0' || (first == 0 && last > 1) || (first == 1 && last > 1))
    return -1;
  for (int i = first; i <= last; i++) bits |= type_interval_fields[i].bit;
  return bits;
}

static int type_apply_length(const struct type_words *words, struct type *out,
                             ledger_error *error) {
  const char *shown = out->id == TYPE_VARCHAR ? "varchar" : "char";
  if (words->count > 1) return error_set(error, LEDGER_INVALID_PARAMETER, "invalid type modifier");
  if (words->count == 0) return LEDGER_OK;
  out->length = words->modifiers[0];
  if (out->length < 1)
    return error_set(error, LEDGER_INVALID_PARAMETER, "length for type %s must be at least 1",
                     shown);
  if (out->length > TYPE_LENGTH_MAX)
    return error_set(error, LEDGER_INVALID_PARAMETER, "length for type %s cannot exceed %d", shown,
                     TYPE_LENGTH_MAX);
  return LEDGER_OK;
}

static int type_apply_numeric(const struct type_words *words, struct type *out,
                              ledger_error *error) {
  if (words->count == 0) return LEDGER_OK;
  out->length = words->modifiers[0];
  out->scale = words->count == 2 ? words->modifiers[1] : 0;
  if (out->length < 1 || out->length > TYPE_DIGITS_MAX)
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     "NUMERIC precision %d must be between 1 and %d", out->length, TYPE_DIGITS_MAX);
  if (out->scale < -TYPE_DIGITS_MAX || out->scale > TYPE_DIGITS_MAX)
    return error_set(error, LEDGER_INVALID_PARAMETER, "NUMERIC scale %d must be between -%d and %d",
                     out->scale, TYPE_DIGITS_MAX, TYPE_DIGITS_MAX);
  return LEDGER_OK;
}

static int type_apply_precision(const struct type_words *words, struct type *out,
                                ledger_error *error) {
  if (words->count == 0) return LEDGER_OK;
  if (words->count > 1 || (out->fields != 0 && (out->fields & INTERVAL_SECOND) == 0))
    return error_set(error, LEDGER_SYNTAX, "invalid type modifier for type \"%s\"", words->words);
  if (words->modifiers[0] < 0)
    return error_set(error, LEDGER_INVALID_PARAMETER, "precision %d must not be negative",
                     words->modifiers[0]);
  /* PostgreSQL warns of more than six digits and takes six. */
  out->length = words->modifiers[0] > TYPE_PRECISION_MAX ? TYPE_PRECISION_MAX : words->modifiers[0];
  return LEDGER_OK;
}

static int type_apply_float(const struct type_words *words, struct type *out, ledger_error *error) {
  int precision = words->modifiers[0];
  if (words->count == 0) return LEDGER_OK;
  if (words->count > 1 || strcmp(words->words, "float") != 0)
    return error_set(error, LEDGER_SYNTAX, "type modifier is not allowed for type \"%s\"",
                     words->words);
  if (precision < 1)
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     "precision for type float must be at least 1 bit");
  if (precision > 53)
    return error_set(error, LEDGER_INVALID_PARAMETER,
                     "precision for type float must be less than 54 bits");
  out->id = precision <= 24 ? TYPE_FLOAT4 : TYPE_FLOAT8;
  return LEDGER_OK;
}

static int type_apply(const struct type_words *words, struct type *out, ledger_error *error) {
  switch (out->id) {
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
    /* "character" is what format_type() calls the type without a modifier; SQL's char is char(1) */
    if (strcmp(words->words, "char") == 0) out->length = 1;
    return type_apply_length(words, out, error);
  case TYPE_NUMERIC: return type_apply_numeric(words, out, error);
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ:
  case TYPE_INTERVAL: return type_apply_precision(words, out, error);
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: return type_apply_float(words, out, error);
  default:
    if (words->count == 0) return LEDGER_OK;
    return error_set(error, LEDGER_SYNTAX, "type modifier is not allowed for type \"%s\"",
                     words->words);
  }
}

LEDGER_PRIVATE int type_parse(const char *name, struct type *out, ledger_error *error) {
  struct type_words words;
  int fields;
  *out = (struct type){.id = TYPE_NONE, .length = -1};
  if (!type_take_apart(name, &words))
    return error_set(error, LEDGER_UNDEFINED_TYPE, "type \"%s\" does not exist", name);
  out->is_array = words.is_array;
  fields = type_interval_bits(words.words);
  if (fields >= 0) {
    out->id = TYPE_INTERVAL;
    out->fields = fields;
    return type_apply(&words, out, error);
  }
  for (size_t i = 0; i < sizeof type_aliases / sizeof type_aliases[0]; i++) {
    if (strcmp(type_aliases[i].name, words.words) != 0) continue;
    if (type_aliases[i].id == TYPE_NONE)
      return error_set(error, LEDGER_UNSUPPORTED, "type %s is not supported", words.words);
    out->id = type_aliases[i].id;
    return type_apply(&words, out, error);
  }
  return error_set(error, LEDGER_UNDEFINED_TYPE, "type \"%s\" does not exist", name);
}

/* "timestamp(3) without time zone": the modifier stands behind the first word. */
static void type_format_precision(sqlite3_str *out, const char *name, int precision) {
  size_t word = strcspn(name, " ");
  sqlite3_str_append(out, name, (int)word);
  if (precision >= 0) sqlite3_str_appendf(out, "(%d)", precision);
  sqlite3_str_appendall(out, name + word);
}

static void type_format_interval(sqlite3_str *out, const struct type *type) {
  int first = -1, last = -1;
  sqlite3_str_appendall(out, "interval");
  for (int i = 0; i < TYPE_INTERVAL_FIELDS; i++) {
    if ((type->fields & type_interval_fields[i].bit) == 0) continue;
    if (first < 0) first = i;
    last = i;
  }
  if (first >= 0) sqlite3_str_appendf(out, " %s", type_interval_fields[first].name);
  if (last > first) sqlite3_str_appendf(out, " to %s", type_interval_fields[last].name);
  if (type->length >= 0) sqlite3_str_appendf(out, "(%d)", type->length);
}

LEDGER_PRIVATE void type_format(sqlite3_str *out, const struct type *type) {
  static const char *const names[] = {"",
#define X(id, name, declared) name,
                                      TYPES(X)
#undef X
  };
  switch (type->id) {
  case TYPE_NUMERIC:
    sqlite3_str_appendall(out, names[type->id]);
    if (type->length >= 0) sqlite3_str_appendf(out, "(%d,%d)", type->length, type->scale);
    break;
  case TYPE_VARCHAR:
    sqlite3_str_appendall(out, names[type->id]);
    if (type->length >= 0) sqlite3_str_appendf(out, "(%d)", type->length);
    break;
  case TYPE_BPCHAR:
    if (type->length >= 0)
      sqlite3_str_appendf(out, "%s(%d)", names[type->id], type->length);
    else
      sqlite3_str_appendall(out, "bpchar");
    break;
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ: type_format_precision(out, names[type->id], type->length); break;
  case TYPE_INTERVAL: type_format_interval(out, type); break;
  case TYPE_ENUM: sqlite3_str_appendall(out, type->labels != NULL ? type->labels->name : ""); break;
  default: sqlite3_str_appendall(out, names[type->id]); break;
  }
  if (type->is_array) sqlite3_str_append(out, "[]", 2);
}

/* ---- input */

static int type_too_large(ledger_error *error) {
  return error_set(error, LEDGER_PROGRAM_LIMIT, "a value may have %d bytes at most",
                   LEDGER_TEXT_MAX);
}

/* rc, unless the value has grown beyond the limit: a stored form may be longer than what was read. */
static int type_fits(int rc, const struct value *value, ledger_error *error) {
  bool has_bytes = value->kind == VALUE_TEXT || value->kind == VALUE_BLOB;
  return rc == LEDGER_OK && has_bytes && value->length > LEDGER_TEXT_MAX ? type_too_large(error)
                                                                         : rc;
}

static int type_read(const struct type *type, const char *text, size_t length, bool is_explicit,
                     struct arena *arena, struct value *out, ledger_error *error) {
  int rc;
  *out = (struct value){.kind = VALUE_NULL};
  if (length > LEDGER_TEXT_MAX) return type_too_large(error);
  rc = text_check(text, length, error);
  if (rc != LEDGER_OK) return rc;
  if (type->is_array) return array_input(type, text, length, is_explicit, arena, out, error);
  switch (type->id) {
  case TYPE_BOOLEAN: return boolean_input(text, length, out, error);
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8: return integer_input(type->id, text, length, out, error);
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: return real_input(type->id, text, length, out, error);
  case TYPE_NUMERIC: return numeric_input(type, text, length, arena, out, error);
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
  case TYPE_NAME:
  case TYPE_CITEXT:
  case TYPE_XML: return string_input(type, text, length, is_explicit, arena, out, error);
  case TYPE_UUID: return uuid_input(type, text, length, arena, out, error);
  case TYPE_DATE:
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ: return moment_input(type, text, length, arena, out, error);
  case TYPE_INTERVAL: return interval_input(type, text, length, arena, out, error);
  case TYPE_JSON: return json_input(type, text, length, arena, out, error);
  case TYPE_JSONB: return jsonb_input(type, text, length, arena, out, error);
  case TYPE_INET:
  case TYPE_CIDR: return inet_input(type, text, length, arena, out, error);
  case TYPE_BYTEA: return bytea_input(type, text, length, arena, out, error);
  case TYPE_ENUM: return enum_input(type, text, length, out, error);
  case TYPE_NONE:
  case TYPE_COUNT: break;
  }
  return error_set(error, LEDGER_ERROR, "a value of no type");
}

LEDGER_PRIVATE int type_input(const struct type *type, const char *text, size_t length,
                              struct arena *arena, struct value *out, ledger_error *error) {
  return type_fits(type_read(type, text, length, false, arena, out, error), out, error);
}

LEDGER_PRIVATE int type_cast(const struct type *type, const char *text, size_t length,
                             struct arena *arena, struct value *out, ledger_error *error) {
  return type_fits(type_read(type, text, length, true, arena, out, error), out, error);
}

/* ---- output */

static int type_corrupt(const struct type *type, ledger_error *error) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  char *spelled;
  int rc;
  type_format(name, type);
  spelled = sqlite3_str_finish(name);
  rc = error_set(error, LEDGER_CORRUPT, "stored value is not of type %s",
                 spelled != NULL ? spelled : "");
  sqlite3_free(spelled);
  return rc;
}

/* json: the text, if it is a document. */
static int type_output_json(const struct type *type, const struct value *stored, sqlite3_str *out,
                            ledger_error *error) {
  struct value value;
  if (stored->kind != VALUE_TEXT || stored->length > LEDGER_TEXT_MAX ||
      !text_is_valid_utf8(stored->text, stored->length) ||
      json_input(type, stored->text, stored->length, NULL, &value, NULL) != LEDGER_OK)
    return type_corrupt(type, error);
  sqlite3_str_append(out, stored->text, (int)stored->length);
  return LEDGER_OK;
}

static int type_output_label(const struct type *type, const struct value *stored, sqlite3_str *out,
                             ledger_error *error) {
  struct value value;
  if (stored->kind != VALUE_TEXT ||
      enum_input(type, stored->text, stored->length, &value, NULL) != LEDGER_OK)
    return type_corrupt(type, error);
  sqlite3_str_append(out, stored->text, (int)stored->length);
  return LEDGER_OK;
}

LEDGER_PRIVATE int type_output(const struct type *type, const struct value *stored,
                               sqlite3_str *out, ledger_error *error) {
  int rc = LEDGER_CORRUPT;
  if (type->is_array) return array_output(type, stored, out, error);
  switch (type->id) {
  case TYPE_BOOLEAN: rc = boolean_output(stored, out); break;
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8: rc = integer_output(type, stored, out); break;
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: rc = real_output(type, stored, out); break;
  case TYPE_NUMERIC: rc = numeric_output(type, stored, out, error); break;
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
  case TYPE_NAME:
  case TYPE_CITEXT:
  case TYPE_XML: return string_output(type, stored, out, error);
  case TYPE_UUID: return uuid_output(type, stored, out, error);
  case TYPE_DATE:
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ: return moment_output(type, stored, out, error);
  case TYPE_INTERVAL: return interval_output(type, stored, out, error);
  case TYPE_JSON: return type_output_json(type, stored, out, error);
  case TYPE_JSONB: return jsonb_output(type, stored, out, error);
  case TYPE_INET:
  case TYPE_CIDR: return inet_output(type, stored, out, error);
  case TYPE_BYTEA: return bytea_output(type, stored, out, error);
  case TYPE_ENUM: return type_output_label(type, stored, out, error);
  case TYPE_NONE:
  case TYPE_COUNT: break;
  }
  return rc == LEDGER_CORRUPT ? type_corrupt(type, error) : rc;
}

/* The output text as a JSON string; a T between date and time, which JSON's readers expect. */
static int type_json_string(const struct type *type, const struct value *stored, sqlite3_str *out,
                            ledger_error *error) {
  sqlite3_str *printed = sqlite3_str_new(NULL);
  int rc = type_output(type, stored, printed, error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(printed) != SQLITE_OK) rc = error_memory(error);
  if (rc == LEDGER_OK) {
    const char *text = sqlite3_str_value(printed);
    size_t length = (size_t)sqlite3_str_length(printed);
    json_quote(out, text != NULL ? text : "", length);
  }
  sqlite3_free(sqlite3_str_finish(printed));
  return rc;
}

static int type_json_timestamp(const struct type *type, const struct value *stored,
                               sqlite3_str *out, ledger_error *error) {
  int64_t moment;
  int rc;
  const char *blank;
  if (stored->kind != VALUE_TEXT) return type_corrupt(type, error);
  rc = moment_parse(type->id, stored->text, stored->length, &moment, error);
  if (rc != LEDGER_OK) return rc;
  blank = memchr(stored->text, ' ', stored->length); /* the infinities have none */
  size_t date = blank == NULL ? stored->length : (size_t)(blank - stored->text);
  sqlite3_str_appendf(out, "\"%.*s", (int)date, stored->text);
  if (blank != NULL) sqlite3_str_appendf(out, "T%.*s", (int)(stored->length - date - 1), blank + 1);
  sqlite3_str_appendchar(out, 1, '"');
  return LEDGER_OK;
}

LEDGER_PRIVATE int type_json(const struct type *type, const struct value *stored, sqlite3_str *out,
                             ledger_error *error) {
  if (type->is_array) return array_json(type, stored, out, error);
  switch (type->id) {
  case TYPE_BOOLEAN:
    if (stored->kind != VALUE_INTEGER) return type_corrupt(type, error);
    sqlite3_str_appendall(out, stored->integer != 0 ? "true" : "false");
    return LEDGER_OK;
  case TYPE_FLOAT4:
  case TYPE_FLOAT8:
    if (stored->kind == VALUE_REAL && stored->real - stored->real != 0)
      break; /* infinite: JSON has no such number */
    return type_output(type, stored, out, error);
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
  case TYPE_NUMERIC:
  case TYPE_JSON:
  case TYPE_JSONB: return type_output(type, stored, out, error);
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ: return type_json_timestamp(type, stored, out, error);
  default: break;
  }
  return type_json_string(type, stored, out, error);
}

/* ---- order */

static int type_compare_integers(const struct value *a, const struct value *b) {
  return a->integer < b->integer ? -1 : a->integer > b->integer;
}

static double type_real(const struct value *value) {
  return value->kind == VALUE_INTEGER ? (double)value->integer : value->real;
}

static int type_compare_reals(const struct value *a, const struct value *b) {
  double x = type_real(a), y = type_real(b);
  return x < y ? -1 : x > y;
}

LEDGER_PRIVATE int type_compare(const struct type *type, const struct value *a,
                                const struct value *b) {
  if (type->is_array) return array_compare(type, a, b);
  switch (type->id) {
  case TYPE_BOOLEAN:
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8: return type_compare_integers(a, b);
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: return type_compare_reals(a, b);
  case TYPE_NUMERIC: return decimal_compare_text(a->text, a->length, b->text, b->length);
  case TYPE_UUID: return uuid_compare(type, a, b);
  case TYPE_DATE:
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_TIMESTAMPTZ: return moment_compare(type, a, b);
  case TYPE_INTERVAL: return interval_compare(type, a, b);
  case TYPE_JSONB: return jsonb_compare(a->text, a->length, b->text, b->length);
  case TYPE_INET:
  case TYPE_CIDR: return inet_compare(type, a, b);
  case TYPE_BYTEA: return bytea_compare(type, a, b);
  case TYPE_ENUM: return enum_compare(type, a, b);
  default: /* text and what orders like it; json, which PostgreSQL does not order at all */
    return string_compare(type, a, b);
  }
}

/* ---- assignment */

/* PostgreSQL's words but for the column's name, which the caller puts behind the first word. */
static int type_mismatch(const struct type *type, const char *given, ledger_error *error) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  char *spelled;
  int rc;
  type_format(name, type);
  spelled = sqlite3_str_finish(name);
  rc = error_set(error, LEDGER_DATATYPE_MISMATCH,
                 "column is of type %s but expression is of type %s",
                 spelled != NULL ? spelled : "", given);
  error_hint(error, "You will need to rewrite or cast the expression.");
  sqlite3_free(spelled);
  return rc;
}

/* Types that take the text of every other by assignment. */
static bool type_is_string(const struct type *type) {
  if (type->is_array) return false;
  switch (type->id) {
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
  case TYPE_NAME:
  case TYPE_CITEXT: return true;
  default: return false;
  }
}

static int type_assign_text(const struct type *type, const char *text, struct arena *arena,
                            struct value *out, ledger_error *error) {
  size_t length = strlen(text);
  const char *copy = arena_copy(arena, text, length);
  if (copy == NULL) return error_memory(error);
  return type_input(type, copy, length, arena, out, error);
}

static int type_assign_integer(const struct type *type, int64_t integer, struct arena *arena,
                               struct value *out, ledger_error *error) {
  char text[24];
  *out = (struct value){.kind = VALUE_INTEGER, .integer = integer};
  if (!type->is_array) {
    switch (type->id) {
    case TYPE_INT2:
    case TYPE_INT4:
    case TYPE_INT8: return integer_check(type->id, integer, error);
    case TYPE_FLOAT4:
    case TYPE_FLOAT8:
      *out = (struct value){.kind = VALUE_REAL, .real = (double)integer};
      return real_check(type->id, &out->real, error);
    default: break;
    }
  }
  if (!type_is_string(type) && (type->is_array || type->id != TYPE_NUMERIC))
    return type_mismatch(type, integer >= INT32_MIN && integer <= INT32_MAX ? "integer" : "bigint",
                         error);
  sqlite3_snprintf((int)sizeof text, text, "%lld", (long long)integer);
  return type_assign_text(type, text, arena, out, error);
}

/* Is the number an integer constant in SQL, and of 64 bits? */
static bool type_is_integer_constant(const char *text, size_t length, int64_t *integer) {
  struct value value;
  for (size_t i = 0; i < length; i++) {
    if ((text[i] < '0' || text[i] > '9') && !(i == 0 && text[i] == '-' && length > 1)) return false;
  }
  if (length == 0 || integer_input(TYPE_INT8, text, length, &value, NULL) != LEDGER_OK)
    return false;
  *integer = value.integer;
  return true;
}

static int type_assign_number(const struct type *type, const char *text, size_t length,
                              struct arena *arena, struct value *out, ledger_error *error) {
  static const struct type numeric = {.id = TYPE_NUMERIC, .length = -1};
  struct decimal number;
  int64_t integer;
  int rc;
  if (type_is_integer_constant(text, length, &integer))
    return type_assign_integer(type, integer, arena, out, error);
  if (type->is_array) return type_mismatch(type, "numeric", error);
  switch (type->id) {
  case TYPE_NUMERIC:
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: return type_input(type, text, length, arena, out, error);
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
    rc = decimal_parse(arena, text, length, &number, error);
    *out = (struct value){.kind = VALUE_INTEGER};
    return rc == LEDGER_OK ? integer_from_decimal(type->id, &number, &out->integer, error) : rc;
  default:
    if (!type_is_string(type)) return type_mismatch(type, "numeric", error);
    rc = type_input(&numeric, text, length, arena, out, error);
    return rc == LEDGER_OK ? type_input(type, out->text, out->length, arena, out, error) : rc;
  }
}

LEDGER_PRIVATE int type_assign(const struct type *type, const ledger_value *given,
                               struct arena *arena, struct value *out, ledger_error *error) {
  bool is_document = !type->is_array && (type->id == TYPE_JSON || type->id == TYPE_JSONB);
  int rc;
  *out = (struct value){.kind = VALUE_NULL};
  switch (given->kind) {
  case LEDGER_NULL: return LEDGER_OK;
  case LEDGER_BOOLEAN:
    if (type->id == TYPE_BOOLEAN && !type->is_array) {
      *out = (struct value){.kind = VALUE_INTEGER, .integer = given->integer != 0};
      return LEDGER_OK;
    }
    if (!type_is_string(type)) return type_mismatch(type, "boolean", error);
    return type_assign_text(type, given->integer != 0 ? "true" : "false", arena, out, error);
  case LEDGER_INTEGER: return type_assign_integer(type, given->integer, arena, out, error);
  case LEDGER_NUMBER:
    return type_assign_number(type, given->text, given->length, arena, out, error);
  case LEDGER_TEXT: return type_input(type, given->text, given->length, arena, out, error);
  case LEDGER_BYTES:
    if (type->id != TYPE_BYTEA || type->is_array) return type_mismatch(type, "bytea", error);
    *out = (struct value){.kind = VALUE_BLOB, .text = given->text, .length = given->length};
    return type_fits(LEDGER_OK, out, error);
  case LEDGER_JSON:
    if (is_document) return type_input(type, given->text, given->length, arena, out, error);
    if (!type->is_array) return type_mismatch(type, "json", error);
    if (given->length > LEDGER_TEXT_MAX) return type_too_large(error);
    rc = text_check(given->text, given->length, error);
    if (rc == LEDGER_OK) rc = array_assign(type, given->text, given->length, arena, out, error);
    return type_fits(rc, out, error);
  case LEDGER_DEFAULT: break;
  }
  return error_set(error, LEDGER_MISUSE, "DEFAULT is no value of a type");
}

#undef TYPE_LENGTH_MAX
#undef TYPE_PRECISION_MAX
#undef TYPE_DIGITS_MAX
#undef TYPE_INTERVAL_FIELDS
