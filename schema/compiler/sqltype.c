/*
** sqltype: PostgreSQL's type names. Resolving them from the parser's tree, printing them as format_type() does, and what a
** column of the type is in SQLite: declared type, collation and the CHECK of its stored form.
*/
#include "model.h"

#include <sqlite3.h>
#include <string.h>

#define NUMERIC_PRECISION_MAX 1000
#define NUMERIC_SCALE_MAX 1000
#define CHARACTER_LENGTH_MAX 10485760
#define FRACTION_DIGITS_MAX 6
#define NUMERIC_WHOLE_DIGITS 18 /* that fit an integer of 64 bits whatever they are */

/* pg_type.typname, format_type()'s words, the declared type in SQLite, the collation of the stored form. */
static const struct sqltype_fact {
  const char *name, *formatted, *declared, *collation;
} sqltype_facts[SQLTYPE_COUNT] = {
    [SQL_UNKNOWN] = {"unknown", "unknown", "TEXT", NULL},
    [SQL_BOOLEAN] = {"bool", "boolean", "BOOLEAN", NULL},
    [SQL_INT2] = {"int2", "smallint", "SMALLINT", NULL},
    [SQL_INT4] = {"int4", "integer", "INT", NULL},
    [SQL_INT8] = {"int8", "bigint", "BIGINT", NULL},
    [SQL_FLOAT4] = {"float4", "real", "REAL", NULL},
    [SQL_FLOAT8] = {"float8", "double precision", "DOUBLE PRECISION", NULL},
    [SQL_NUMERIC] = {"numeric", "numeric", "DECIMAL TEXT", "pg_decimal"},
    [SQL_TEXT] = {"text", "text", "TEXT", NULL},
    [SQL_VARCHAR] = {"varchar", "character varying", "VARCHAR", NULL},
    [SQL_BPCHAR] = {"bpchar", "character", "CHARACTER", "RTRIM"},
    [SQL_NAME] = {"name", "name", "NAME TEXT", NULL},
    [SQL_CITEXT] = {"citext", "citext", "CITEXT", "pg_citext"},
    [SQL_XML] = {"xml", "xml", "XML TEXT", NULL},
    [SQL_UUID] = {"uuid", "uuid", "UUID CHAR(36)", NULL},
    [SQL_DATE] = {"date", "date", "DATE", NULL},
    [SQL_TIME] = {"time", "time without time zone", "TIME", NULL},
    [SQL_TIMESTAMP] = {"timestamp", "timestamp without time zone", "TIMESTAMP", NULL},
    [SQL_TIMESTAMPTZ] = {"timestamptz", "timestamp with time zone", "DATETIME", NULL},
    [SQL_INTERVAL] = {"interval", "interval", "PERIOD TEXT", "pg_interval"},
    [SQL_JSON] = {"json", "json", "JSON CHAR", NULL},
    [SQL_JSONB] = {"jsonb", "jsonb", "JSONB CHAR", "pg_jsonb"},
    [SQL_INET] = {"inet", "inet", "INET VARCHAR(43)", "pg_inet"},
    [SQL_CIDR] = {"cidr", "cidr", "CIDR VARCHAR(43)", "pg_inet"},
    [SQL_BYTEA] = {"bytea", "bytea", "BLOB", NULL},
    [SQL_ENUM] = {NULL, NULL, "VARCHAR(63)", NULL},
    [SQL_RECORD] = {"record", "record", NULL, NULL},
    [SQL_TRIGGER] = {"trigger", "trigger", NULL, NULL},
    [SQL_VOID] = {"void", "void", NULL, NULL},
    [SQL_REGCLASS] = {"regclass", "regclass", NULL, NULL}};

/* Types of PostgreSQL that have no stored form here. */
static const char *const sqltype_refused[] = {"point",
                                              "line",
                                              "lseg",
                                              "box",
                                              "path",
                                              "polygon",
                                              "circle",
                                              "money",
                                              "bit",
                                              "varbit",
                                              "tsvector",
                                              "tsquery",
                                              "macaddr",
                                              "macaddr8",
                                              "timetz",
                                              "int4range",
                                              "int8range",
                                              "numrange",
                                              "tsrange",
                                              "tstzrange",
                                              "daterange",
                                              "int4multirange",
                                              "int8multirange",
                                              "nummultirange",
                                              "tsmultirange",
                                              "tstzmultirange",
                                              "datemultirange",
                                              "oid",
                                              "xid",
                                              "xid8",
                                              "cid",
                                              "tid",
                                              "regproc",
                                              "regprocedure",
                                              "regoper",
                                              "regoperator",
                                              "regtype",
                                              "regrole",
                                              "regnamespace",
                                              "regconfig",
                                              "regdictionary",
                                              "regcollation",
                                              "pg_lsn",
                                              "pg_snapshot",
                                              "txid_snapshot",
                                              "jsonpath",
                                              "char",
                                              "refcursor",
                                              "int2vector",
                                              "oidvector",
                                              "aclitem",
                                              "any",
                                              "anyelement",
                                              "anyarray",
                                              "anynonarray",
                                              "anyenum",
                                              "anyrange",
                                              "anycompatible",
                                              "anycompatiblearray",
                                              "cstring",
                                              "internal",
                                              "event_trigger",
                                              "language_handler",
                                              "hstore",
                                              "ltree",
                                              "lquery",
                                              "ltxtquery",
                                              "cube",
                                              "seg",
                                              "isbn",
                                              "geometry",
                                              "geography",
                                              "vector"};

/* ---- interval fields: the bits of PostgreSQL's INTERVAL_MASK() */

#define FIELD(bit) (1 << (bit))
enum {
  FIELD_MONTH = FIELD(1),
  FIELD_YEAR = FIELD(2),
  FIELD_DAY = FIELD(3),
  FIELD_HOUR = FIELD(10),
  FIELD_MINUTE = FIELD(11),
  FIELD_SECOND = FIELD(12),
  FIELD_ALL = 0x7fff
};
#undef FIELD

static const struct {
  int fields;
  const char *words;
} sqltype_intervals[] = {{FIELD_YEAR, "year"},
                         {FIELD_MONTH, "month"},
                         {FIELD_DAY, "day"},
                         {FIELD_HOUR, "hour"},
                         {FIELD_MINUTE, "minute"},
                         {FIELD_SECOND, "second"},
                         {FIELD_YEAR | FIELD_MONTH, "year to month"},
                         {FIELD_DAY | FIELD_HOUR, "day to hour"},
                         {FIELD_DAY | FIELD_HOUR | FIELD_MINUTE, "day to minute"},
                         {FIELD_DAY | FIELD_HOUR | FIELD_MINUTE | FIELD_SECOND, "day to second"},
                         {FIELD_HOUR | FIELD_MINUTE, "hour to minute"},
                         {FIELD_HOUR | FIELD_MINUTE | FIELD_SECOND, "hour to second"},
                         {FIELD_MINUTE | FIELD_SECOND, "minute to second"}};

/* ---- names */

static const char *sqltype_name_part(const PgQuery__TypeName *name, size_t i) {
  const PgQuery__Node *node = name->names[i];
  return node->node_case == PG_QUERY__NODE__NODE_STRING ? node->string->sval : "";
}

enum sqltype_id sqltype_serial(const PgQuery__TypeName *name) {
  static const struct {
    const char *name;
    enum sqltype_id id;
  } serials[] = {{"smallserial", SQL_INT2}, {"serial2", SQL_INT2},   {"serial", SQL_INT4},
                 {"serial4", SQL_INT4},     {"bigserial", SQL_INT8}, {"serial8", SQL_INT8}};
  if (name->n_names != 1) return SQL_UNKNOWN;
  for (size_t i = 0; i < sizeof serials / sizeof serials[0]; i++) {
    if (strcmp(sqltype_name_part(name, 0), serials[i].name) == 0) return serials[i].id;
  }
  return SQL_UNKNOWN;
}

static bool sqltype_is_refused(const char *name) {
  for (size_t i = 0; i < sizeof sqltype_refused / sizeof sqltype_refused[0]; i++) {
    if (strcmp(name, sqltype_refused[i]) == 0) return true;
  }
  return false;
}

static bool sqltype_find(struct compiler *c, const char *schema, const char *name,
                         struct sqltype *out) {
  bool is_system = schema == NULL || strcmp(schema, "pg_catalog") == 0;
  const struct enum_def *labels = is_system && schema != NULL ? NULL : find_enum(c, schema, name);
  const struct domain_def *domain =
      is_system && schema != NULL ? NULL : find_domain(c, schema, name);
  for (int id = SQL_UNKNOWN; id < SQLTYPE_COUNT; id++) {
    const char *known = sqltype_facts[id].name;
    /* An extension's type may be written with the schema that the extension was made in. */
    if (known != NULL && strcmp(known, name) == 0 &&
        (is_system || (id == SQL_CITEXT && labels == NULL && domain == NULL))) {
      out->id = (enum sqltype_id)id;
      return true;
    }
  }
  if (labels != NULL) {
    out->id = SQL_ENUM;
    out->labels = labels;
    return true;
  }
  if (domain != NULL) {
    *out = domain->base;
    out->domain = domain;
    return true;
  }
  return false;
}

/* ---- modifiers */

static bool sqltype_modifiers(struct compiler *c, const PgQuery__TypeName *name, int *values,
                              int *count) {
  *count = 0;
  for (size_t i = 0; i < name->n_typmods; i++) {
    const PgQuery__Node *node = name->typmods[i];
    if (node->node_case != PG_QUERY__NODE__NODE_A_CONST ||
        node->a_const->val_case != PG_QUERY__A__CONST__VAL_IVAL) {
      return note_error(c, name->location, "42601", NULL,
                        "type modifiers must be simple constants or identifiers");
    }
    if (*count == 2) return note_error(c, name->location, "22023", NULL, "invalid type modifier");
    values[(*count)++] = node->a_const->ival->ival;
  }
  return true;
}

static bool sqltype_numeric_modifiers(struct compiler *c, int location, struct sqltype *type,
                                      const int *values, int count) {
  int scale = count > 1 ? values[1] : 0;
  if (values[0] < 1 || values[0] > NUMERIC_PRECISION_MAX) {
    return note_error(c, location, "22023", NULL, "NUMERIC precision %d must be between 1 and %d",
                      values[0], NUMERIC_PRECISION_MAX);
  }
  if (scale < -NUMERIC_SCALE_MAX || scale > NUMERIC_SCALE_MAX) {
    return note_error(c, location, "22023", NULL, "NUMERIC scale %d must be between %d and %d",
                      scale, -NUMERIC_SCALE_MAX, NUMERIC_SCALE_MAX);
  }
  type->length = values[0];
  type->scale = scale;
  return true;
}

static bool sqltype_length_modifier(struct compiler *c, int location, struct sqltype *type,
                                    int length) {
  const char *word = type->id == SQL_VARCHAR ? "varchar" : "char";
  if (length < 1) {
    return note_error(c, location, "22023", NULL, "length for type %s must be at least 1", word);
  }
  if (length > CHARACTER_LENGTH_MAX) {
    return note_error(c, location, "22023", NULL, "length for type %s cannot exceed %d", word,
                      CHARACTER_LENGTH_MAX);
  }
  type->length = length;
  return true;
}

static bool sqltype_fraction_modifier(struct compiler *c, int location, struct sqltype *type,
                                      int digits) {
  if (digits < 0) {
    return note_error(c, location, "22023", NULL, "%s(%d) precision must not be negative",
                      type->id == SQL_INTERVAL ? "INTERVAL"
                      : type->id == SQL_TIME   ? "TIME"
                                               : "TIMESTAMP",
                      digits);
  }
  type->length = digits > FRACTION_DIGITS_MAX ? FRACTION_DIGITS_MAX : digits;
  return true;
}

static bool sqltype_apply_modifiers(struct compiler *c, const PgQuery__TypeName *name,
                                    struct sqltype *type) {
  int values[2], count;
  if (name->n_typmods == 0) return true;
  if (!sqltype_modifiers(c, name, values, &count)) return false;
  switch (type->id) {
  case SQL_NUMERIC: return sqltype_numeric_modifiers(c, name->location, type, values, count);
  case SQL_VARCHAR:
  case SQL_BPCHAR:
    if (count != 1) break;
    return sqltype_length_modifier(c, name->location, type, values[0]);
  case SQL_TIME:
  case SQL_TIMESTAMP:
  case SQL_TIMESTAMPTZ:
    if (count != 1) break;
    return sqltype_fraction_modifier(c, name->location, type, values[0]);
  case SQL_INTERVAL:
    type->fields = values[0] == FIELD_ALL ? 0 : values[0];
    return count == 1 || sqltype_fraction_modifier(c, name->location, type, values[1]);
  default:
    return note_error(c, name->location, "42601", NULL,
                      "type modifier is not allowed for type \"%s\"",
                      type->id == SQL_ENUM ? type->labels->name : sqltype_facts[type->id].name);
  }
  return note_error(c, name->location, "22023", NULL, "invalid type modifier");
}

bool sqltype_resolve(struct compiler *c, const PgQuery__TypeName *name, struct sqltype *out) {
  *out = (struct sqltype){.length = -1};
  if (name->pct_type)
    return note_error(c, name->location, "0A000", "Write the type itself.",
                      "%%TYPE is not supported");
  if (name->n_names == 0 || name->n_names > 2) {
    return note_error(c, name->location, "42601", NULL, "improper type name");
  }
  const char *schema = name->n_names == 2 ? sqltype_name_part(name, 0) : NULL;
  const char *last = sqltype_name_part(name, name->n_names - 1);
  bool is_serial = sqltype_serial(name) != SQL_UNKNOWN;
  if (!sqltype_find(c, schema, last, out)) {
    if (is_serial || sqltype_is_refused(last)) {
      return note_error(
          c, name->location, "0A000",
          is_serial ? "It stands for a column's type and default; write integer or bigint here."
                    : "Use text, or another type that has a stored form here.",
          "type \"%s\" is not supported", last);
    }
    return note_error(c, name->location, "42704", NULL,
                      schema != NULL ? "type \"%s.%s\" does not exist"
                                     : "type \"%s%s\" does not exist",
                      schema != NULL ? schema : "", last);
  }
  if (name->n_array_bounds > 0) {
    if (out->is_array && out->domain != NULL) {
      return note_error(c, name->location, "0A000", "Write the array's element type itself.",
                        "arrays of a domain over an array are not supported");
    }
    out->is_array = true;
    out->domain = NULL;
  }
  return sqltype_apply_modifiers(c, name, out);
}

/* ---- printing */

/* As quote_ident(): as it is when that reads back as the same name. */
static const char *sqltype_quote_name(struct compiler *c, const char *name) {
  bool plain = (name[0] >= 'a' && name[0] <= 'z') || name[0] == '_';
  for (const char *p = name; *p != '\0'; p++) {
    plain = plain && ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_');
  }
  if (plain) {
    PgQueryScanResult scanned = pg_query_scan(name);
    if (scanned.error == NULL) {
      PgQuery__ScanResult *tokens =
          pg_query__scan_result__unpack(NULL, scanned.pbuf.len, (const uint8_t *)scanned.pbuf.data);
      plain = tokens != NULL && tokens->n_tokens == 1 &&
              (tokens->tokens[0]->keyword_kind == PG_QUERY__KEYWORD_KIND__NO_KEYWORD ||
               tokens->tokens[0]->keyword_kind == PG_QUERY__KEYWORD_KIND__UNRESERVED_KEYWORD);
      if (tokens != NULL) pg_query__scan_result__free_unpacked(tokens, NULL);
    }
    pg_query_free_scan_result(scanned);
  }
  return plain ? name : quoted(c, name);
}

static const char *sqltype_format_element(struct compiler *c, const struct sqltype *type) {
  const char *name = type->id == SQL_ENUM ? sqltype_quote_name(c, type->labels->name)
                                          : sqltype_facts[type->id].formatted;
  switch (type->id) {
  case SQL_ENUM:
    if (strcmp(type->labels->schema, "public") == 0) return name;
    return compiler_format(c, "%s.%s", sqltype_quote_name(c, type->labels->schema), name);
  case SQL_NUMERIC:
    return type->length < 0 ? name
                            : compiler_format(c, "%s(%d,%d)", name, type->length, type->scale);
  case SQL_BPCHAR:
    return type->length < 0 ? "bpchar" : compiler_format(c, "%s(%d)", name, type->length);
  case SQL_VARCHAR:
    return type->length < 0 ? name : compiler_format(c, "%s(%d)", name, type->length);
  case SQL_TIME:
  case SQL_TIMESTAMP:
  case SQL_TIMESTAMPTZ: {
    const char *space = strchr(name, ' ');
    if (type->length < 0) return name;
    return compiler_format(c, "%.*s(%d)%s", (int)(space - name), name, type->length, space);
  }
  case SQL_INTERVAL: {
    const char *words = "";
    for (size_t i = 0; i < sizeof sqltype_intervals / sizeof sqltype_intervals[0]; i++) {
      if (sqltype_intervals[i].fields == type->fields) words = sqltype_intervals[i].words;
    }
    const char *fields = words[0] != '\0' ? compiler_format(c, "%s %s", name, words) : name;
    return type->length < 0 ? fields : compiler_format(c, "%s(%d)", fields, type->length);
  }
  default: return name;
  }
}

const char *sqltype_format(struct compiler *c, const struct sqltype *type) {
  const char *element = sqltype_format_element(c, type);
  return type->is_array ? compiler_format(c, "%s[]", element) : element;
}

const char *sqltype_declared(struct compiler *c, const struct sqltype *type) {
  const char *declared = sqltype_facts[type->id].declared;
  if (type->is_array) return "\"TEXT[]\"";
  switch (type->id) {
  case SQL_NUMERIC:
    if (type->length < 0) return declared;
    return compiler_format(c, "\"DECIMAL(%d,%d) TEXT\"", type->length, type->scale);
  case SQL_VARCHAR:
  case SQL_BPCHAR:
    return type->length < 0 ? declared : compiler_format(c, "%s(%d)", declared, type->length);
  default:
    /* Two words read as one name either way; what has more in it must be quoted. */
    return strpbrk(declared, "(") != NULL ? quoted(c, declared) : declared;
  }
}

const char *sqltype_collation(const struct sqltype *type) {
  if (type->is_array) {
    switch (type->id) {
    case SQL_BOOLEAN:
    case SQL_INT2:
    case SQL_INT4:
    case SQL_INT8:
    case SQL_FLOAT4:
    case SQL_FLOAT8:
    case SQL_NUMERIC: return "pg_array_numeric";
    default: return "pg_array_text";
    }
  }
  return sqltype_facts[type->id].collation;
}

/* ---- the CHECK of a stored form. Each must be NULL, not false, for NULL, and use SQLite's built-in functions alone. A
** column's own collation may be a private one: compare with functions, or under an explicit COLLATE BINARY. */

#define DIGITS "'0123456789'"

/* [0-9] as often as the scale says; "" for none. */
static const char *scale_pattern(struct compiler *c, int scale) {
  char *pattern = compiler_alloc(c, (size_t)(scale > 0 ? scale : 0) * 5 + 1);
  for (int i = 0; i < scale; i++) memcpy(pattern + i * 5, "[0-9]", 5);
  return pattern;
}

/* Any numeric, or one with more digits before the point than an integer holds. */
static const char *check_numeric_digits(struct compiler *c, const struct sqltype *type,
                                        const char *col) {
  const char *shape = "IN ('', '.')", *length = "", *end = "[0-9]";
  if (type->length >= 0) {
    int whole = type->length - type->scale, point = type->scale > 0 ? 1 + type->scale : 0;
    shape = type->scale > 0 ? "= '.'" : "= ''";
    length = compiler_format(c, " AND length(ltrim(%s, '-')) <= %d", col,
                             (whole > 0 ? whole : 1) + point);
    if (type->scale > 0) end = compiler_format(c, "[0-9].%s", scale_pattern(c, type->scale));
  }
  return compiler_format(c,
                         "typeof(%s) <> 'blob' AND trim(ltrim(%s, '-'), " DIGITS
                         ") %s AND %s GLOB '*%s'%s AND (%s GLOB '[1-9]*' "
                         "OR %s GLOB '0.[0-9]*' OR %s GLOB '-[1-9]*' OR (%s GLOB '-0.*' AND "
                         "trim(%s, '-0.') <> '') OR %s GLOB '0')",
                         col, col, shape, col, end, length, col, col, col, col, col, col);
}

/* The part before the point is an integer that prints as itself, the rest has the declared digits. A minus before a zero
** is lost on the way and has a branch of its own. Half the price of looking at every character. */
static const char *check_numeric(struct compiler *c, const struct sqltype *type, const char *col) {
  int whole = type->length - type->scale;
  if (type->length < 0 || whole > NUMERIC_WHOLE_DIGITS || whole < 0)
    return check_numeric_digits(c, type, col);
  char most[NUMERIC_WHOLE_DIGITS + 2] = "0";
  for (int i = 0; i < whole; i++) most[i] = '9';
  const char *range = compiler_format(c, "CAST(%s AS INTEGER) BETWEEN -%s AND %s", col, most, most);
  if (type->scale <= 0) {
    return compiler_format(c, "CAST(CAST(%s AS INTEGER) AS TEXT) COLLATE BINARY = %s AND %s", col,
                           col, range);
  }
  const char *scale = scale_pattern(c, type->scale);
  char *zeros = compiler_alloc(c, (size_t)type->scale + 1);
  memset(zeros, '0', (size_t)type->scale);
  return compiler_format(c,
                         "CAST(%s AS INTEGER) || substr(%s, -%d) COLLATE BINARY = %s AND "
                         "substr(%s, -%d) GLOB '.%s' AND %s OR "
                         "(%s GLOB '-0.%s' AND %s NOT GLOB '-0.%s' AND typeof(%s) <> 'blob')",
                         col, col, type->scale + 1, col, col, type->scale + 1, scale, range, col,
                         scale, col, zeros, col);
}

/* A date and time of the calendar in the first 19 characters; then none, or 1 to 6 digits that do not end in 0. IS, since
** datetime() is NULL for what is none; '0 days', since before SQLite 3.46 it is 30 February for 30 February. */
static const char *check_timestamp(struct compiler *c, const char *col, const char *zone) {
  int length = 19 + (int)strlen(zone);
  const char *fraction =
      zone[0] == '\0' ? compiler_format(c, "substr(%s, 20)", col)
                      : compiler_format(c, "substr(%s, 20, length(%s) - %d)", col, col, length);
  const char *end = zone[0] == '\0' ? "" : compiler_format(c, " AND %s GLOB '*%s'", col, zone);
  return compiler_format(
      c,
      "(datetime(substr(%s, 1, 19), '0 days') IS substr(%s, 1, 19)%s AND substr(%s, 12, 2) < '24' "
      "AND "
      "(length(%s) = %d OR length(%s) BETWEEN %d AND %d AND "
      "rtrim(%s, " DIGITS
      ") = '.' AND %s NOT GLOB '*0%s') AND %s NOT GLOB '0000*' OR %s IN ('infinity', '-infinity'))",
      col, col, end, col, col, length, col, length + 2, length + 7, fraction, col, zone, col, col);
}

static const char *check_moment(struct compiler *c, const struct sqltype *type, const char *col) {
  switch (type->id) {
  case SQL_DATE:
    return compiler_format(
        c, "(date(%s, '0 days') IS %s AND %s NOT GLOB '0000*' OR %s IN ('infinity', '-infinity'))",
        col, col, col, col);
  case SQL_TIME:
    return compiler_format(
        c,
        "(time(substr(%s, 1, 8)) IS substr(%s, 1, 8) AND (length(%s) = 8 OR length(%s) BETWEEN 10 "
        "AND 15 AND "
        "rtrim(substr(%s, 9), " DIGITS
        ") = '.' AND %s NOT GLOB '*0') AND %s NOT GLOB '24*' OR %s = '24:00:00')",
        col, col, col, col, col, col, col, col);
  case SQL_TIMESTAMP: return check_timestamp(c, col, "");
  default: return check_timestamp(c, col, "+00:00");
  }
}

static const char *check_enum(struct compiler *c, const struct enum_def *labels, const char *col) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(text, "%s IN (", col);
  for (int i = 0; i < labels->count; i++)
    sqlite3_str_appendf(text, "%s%Q", i > 0 ? ", " : "", labels->labels[i]);
  sqlite3_str_appendchar(text, 1, ')');
  char *finished = sqlite3_str_finish(text);
  const char *copy = compiler_format(c, "%s", finished != NULL ? finished : "");
  sqlite3_free(finished);
  return copy;
}

static const char *check_integer(struct compiler *c, const char *col, const char *least,
                                 const char *most) {
  /* Text and blobs are greater than any number, so that only a fraction needs typeof(). */
  return compiler_format(c, "%s BETWEEN %s AND %s AND typeof(%s) <> 'real'", col, least, most, col);
}

#define UUID_4 "[0-9a-f][0-9a-f][0-9a-f][0-9a-f]"

const char *sqltype_check(struct compiler *c, const struct sqltype *type, const char *col) {
  if (type->is_array) {
    return compiler_format(
        c, "(%s IS NULL OR json_valid(%s)) AND typeof(%s) <> 'blob' AND %s GLOB '[[]*'", col, col,
        col, col);
  }
  switch (type->id) {
  case SQL_BOOLEAN: return compiler_format(c, "%s IN (0, 1)", col);
  case SQL_INT2: return check_integer(c, col, "-32768", "32767");
  case SQL_INT4: return check_integer(c, col, "-2147483648", "2147483647");
  case SQL_INT8: return compiler_format(c, "typeof(%s) IN ('integer', 'null')", col);
  case SQL_FLOAT4:
  case SQL_FLOAT8: return compiler_format(c, "typeof(%s) IN ('real', 'null')", col);
  case SQL_NUMERIC: return check_numeric(c, type, col);
  case SQL_VARCHAR:
    if (type->length < 0) return compiler_format(c, "typeof(%s) <> 'blob'", col);
    return compiler_format(c, "length(%s) <= %d AND typeof(%s) <> 'blob'", col, type->length, col);
  case SQL_BPCHAR:
    if (type->length < 0) return compiler_format(c, "typeof(%s) <> 'blob'", col);
    return compiler_format(c, "length(%s) = %d AND typeof(%s) <> 'blob'", col, type->length, col);
  case SQL_NAME: return compiler_format(c, "length(%s) <= 63 AND typeof(%s) <> 'blob'", col, col);
  case SQL_UUID:
    return compiler_format(c,
                           "%s GLOB '" UUID_4 UUID_4 "-" UUID_4 "-" UUID_4 "-" UUID_4
                           "-" UUID_4 UUID_4 UUID_4 "' AND typeof(%s) <> 'blob'",
                           col, col);
  case SQL_DATE:
  case SQL_TIME:
  case SQL_TIMESTAMP:
  case SQL_TIMESTAMPTZ: return check_moment(c, type, col);
  case SQL_INTERVAL:
    return compiler_format(c, "%s GLOB '*[0-9a-z]' AND typeof(%s) <> 'blob'", col, col);
  case SQL_JSON:
  case SQL_JSONB: /* json_valid(NULL) is 0 before SQLite 3.45 */
    return compiler_format(c, "(%s IS NULL OR json_valid(%s)) AND typeof(%s) <> 'blob'", col, col,
                           col);
  case SQL_INET:
  case SQL_CIDR:
    return compiler_format(
        c, "%s NOT GLOB '*[^0-9a-f.:/]*' AND length(%s) BETWEEN 2 AND 43 AND typeof(%s) <> 'blob'",
        col, col, col);
  case SQL_BYTEA: return compiler_format(c, "typeof(%s) IN ('blob', 'null')", col);
  case SQL_ENUM: return check_enum(c, type->labels, col);
  case SQL_TEXT:
  case SQL_CITEXT:
  case SQL_XML: return compiler_format(c, "typeof(%s) <> 'blob'", col);
  default: return NULL;
  }
}
