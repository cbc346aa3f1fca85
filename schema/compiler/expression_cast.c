/*
** expression_cast: conversions between types. Constants are converted now, by the library's own input functions; everything
** else by the functions that pg_cast names, or through text.
*/
#include "expression.h"

#include "../../ledger.h"

/* ---- constants */

/* The stored form of a quoted string, from its SQLite literal. */
static char *literal_unquote(struct compiler *c, const char *sql) {
  char *text = compiler_copy(c, sql + 1), *out = text;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '\'') {
      if (p[1] != '\'') break;
      p++;
    }
    *out++ = *p;
  }
  *out = '\0';
  return text;
}

static size_t literal_characters(const char *text, size_t characters) {
  const char *p = text;
  while (*p != '\0' && characters > 0) {
    p++;
    while ((*p & 0xc0) == 0x80) p++;
    characters--;
  }
  return (size_t)(p - text);
}

/* The constant's text in PostgreSQL, canonical: what a cast to text shows. */
static const char *literal_text(struct compiler *c, const struct sqltype *type, const char *sql) {
  if (sql[0] == '\'') return literal_unquote(c, sql);
  if (type->id == SQL_BOOLEAN) return strcmp(sql, "1") == 0 ? "true" : "false";
  return sql[0] == '(' ? "-9223372036854775808" : sql; /* the least integer is an expression */
}

static bool literal_input(struct compiler *c, struct expression *e, const struct sqltype *type,
                          const char *text) {
  char *stored = NULL;
  ledger_error error;
  struct sqltype named = *type;
  if (named.id == SQL_ENUM || (named.id == SQL_BPCHAR && named.length < 0)) named.id = SQL_TEXT;
  int rc = ledger_literal(sqltype_format(c, &named), text, -1, &stored, &error);
  if (rc != LEDGER_OK) {
    return note_error(c, e->location, error.sqlstate, error.hint[0] != '\0' ? error.hint : NULL,
                      "%s", error.message);
  }
  e->sql = compiler_copy(c, stored);
  ledger_free(stored);
  e->type = *type;
  e->text = literal_text(c, type, e->sql);
  e->uses_private = false;
  return true;
}

static bool literal_enum(struct compiler *c, struct expression *e, const struct sqltype *type) {
  for (int i = 0; i < type->labels->count; i++) {
    if (strcmp(type->labels->labels[i], e->text) == 0) {
      e->type = *type;
      e->sql = string_literal(c, e->text);
      return true;
    }
  }
  return note_error(c, e->location, "22P02", NULL, "invalid input value for enum %s: \"%s\"",
                    sqltype_format(c, type), e->text);
}

/* One part of a name as written in a string: folded to lower case unless quoted. *cursor moves behind it and a point. */
static const char *literal_name_part(struct compiler *c, const char **cursor) {
  const char *p = *cursor;
  char *name = compiler_alloc(c, strlen(p) + 1), *out = name;
  bool is_quoted = *p == '"';
  if (is_quoted) p++;
  while (*p != '\0' && (is_quoted || *p != '.')) {
    if (is_quoted && *p == '"' && *++p != '"') break;
    *out++ = !is_quoted && *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    p++;
  }
  *cursor = *p == '.' ? p + 1 : p;
  return name;
}

/* 'name'::regclass: its SQLite text is the stored name of the sequence or relation. */
static bool literal_regclass(struct compiler *c, struct expression *e, const struct sqltype *type) {
  const char *cursor = e->text, *schema = NULL, *name = literal_name_part(c, &cursor);
  if (*cursor != '\0') {
    schema = name;
    name = literal_name_part(c, &cursor);
  }
  const struct sequence_def *sequence = find_sequence(c, schema, name);
  const struct relation_def *relation = sequence == NULL ? find_relation(c, schema, name) : NULL;
  if (sequence == NULL && relation == NULL) {
    return note_error(c, e->location, "42P01", NULL, "relation \"%s\" does not exist", e->text);
  }
  e->sql = string_literal(c, sequence != NULL ? sequence->stored_name : relation->stored_name);
  e->type = *type;
  return true;
}

/* The element strings of an array of enums are checked here, since only the compiler knows the labels. */
static bool literal_enum_array(struct compiler *c, struct expression *e,
                               const struct sqltype *type) {
  struct sqltype element = *type;
  element.is_array = false;
  for (const char *p = e->text; *p != '\0'; p++) {
    if (*p != '"') continue;
    const char *end = strchr(p + 1, '"');
    if (end == NULL) break;
    struct expression label = *e;
    label.text = compiler_format(c, "%.*s", (int)(end - p - 1), p + 1);
    if (!literal_enum(c, &label, &element)) return false;
    p = end;
  }
  return true;
}

static bool literal_convert(struct compiler *c, struct expression *e, const struct sqltype *target,
                            char context) {
  if (e->text == NULL) {
    e->sql = "NULL";
    e->type = *target;
    e->uses_private = false;
    return true;
  }
  if (target->id == SQL_UNKNOWN) return true;
  if (target->id == SQL_REGCLASS) return literal_regclass(c, e, target);
  if (target->id == SQL_ENUM && !target->is_array) return literal_enum(c, e, target);
  if (target->id == SQL_VOID || target->id == SQL_RECORD || target->id == SQL_TRIGGER) {
    return note_error(c, e->location, "0A000", NULL, "a constant of type %s is not supported",
                      sqltype_format(c, target));
  }
  const char *text = e->text;
  if (context == 'e' && target->length >= 0 && !target->is_array &&
      (target->id == SQL_VARCHAR || target->id == SQL_BPCHAR)) {
    /* An explicit cast cuts without a word. */
    text = compiler_format(c, "%.*s", (int)literal_characters(text, (size_t)target->length), text);
  }
  if (!literal_input(c, e, target, text)) return false;
  return target->id != SQL_ENUM || literal_enum_array(c, e, target);
}

static bool is_integer(enum sqltype_id id) {
  return id == SQL_INT2 || id == SQL_INT4 || id == SQL_INT8;
}

/* Can a constant of a known type be read again from its text, with the same result as the cast? */
static bool literal_is_readable(const struct expression *e, const struct sqltype *target,
                                char context) {
  enum sqltype_id from = e->type.id, to = target->id;
  bool to_string = to == SQL_TEXT || to == SQL_VARCHAR || to == SQL_BPCHAR || to == SQL_CITEXT;
  if (!e->is_literal || e->type.is_array) return false;
  if (e->text == NULL) return true;
  if (from == SQL_TEXT || from == SQL_VARCHAR) return to_string || context == 'e';
  if (is_integer(from))
    return is_integer(to) || to == SQL_NUMERIC || to == SQL_FLOAT4 || to == SQL_FLOAT8 || to_string;
  if (from == SQL_NUMERIC)
    return is_integer(to) || to == SQL_NUMERIC || to == SQL_FLOAT8 || to_string;
  return from == SQL_BOOLEAN && to_string;
}

/* false, without a note, when the text is no such value: that is an error only where the cast is evaluated. */
static bool literal_reread(struct compiler *c, struct expression *e, const struct sqltype *target,
                           char context) {
  struct expression whole = *e;
  struct compiler before = *c;
  bool done = true;
  c->quiet = true;
  if (e->text != NULL && e->type.id == SQL_NUMERIC && is_integer(target->id) && !target->is_array) {
    /* A numeric rounds to an integer, where the integer's input would refuse it. */
    struct sqltype integral = {.id = SQL_NUMERIC, .length = 1000, .scale = 0};
    done = literal_input(c, &whole, &integral, e->text);
  }
  done = done && literal_convert(c, &whole, target, context);
  c->quiet = before.quiet;
  c->trial = before.trial;
  if (done) *e = whole;
  return done;
}

/* ---- modifiers */

static bool modifiers_differ(const struct sqltype *from, const struct sqltype *to) {
  if (to->length < 0 && to->fields == 0) return false;
  if (from->id != to->id || from->length < 0) return true;
  if (to->id == SQL_VARCHAR) return from->length > to->length;
  return from->length != to->length || from->scale != to->scale || from->fields != to->fields;
}

static void convert_array(struct compiler *c, struct expression *e, const struct sqltype *from,
                          const struct sqltype *to) {
  struct sqltype element = *to;
  element.is_array = false;
  e->sql = compiler_format(c, "pg_array_cast(%s, %s, %s)", e->sql,
                           expression_runtime_type(c, from, false),
                           to->length < 0 ? expression_runtime_type(c, to, false)
                                          : string_literal(c, sqltype_format(c, &element)));
  e->uses_private = true;
}

static void convert_modifiers(struct compiler *c, struct expression *e,
                              const struct sqltype *target, char context) {
  const struct sqltype from = e->type;
  bool is_explicit = context == 'e';
  e->type = *target;
  if (target->is_array) {
    if (modifiers_differ(&from, target)) convert_array(c, e, &from, target);
    return;
  }
  if (!modifiers_differ(&from, target)) return;
  switch (target->id) {
  case SQL_VARCHAR:
    e->sql = compiler_format(c, is_explicit ? "substr(%s, 1, %d)" : "pg_varchar(%s, %d, 0)", e->sql,
                             target->length);
    break;
  case SQL_BPCHAR:
    e->sql = compiler_format(c, "pg_bpchar(%s, %d, %d)", e->sql, target->length, is_explicit);
    break;
  case SQL_NUMERIC:
    e->sql = compiler_format(c, "pg_numeric(%s, %d, %d)", e->sql, target->length, target->scale);
    break;
  case SQL_TIME:
  case SQL_TIMESTAMP:
  case SQL_TIMESTAMPTZ:
    e->sql = compiler_format(c, "pg_%s_scale(%s, %d)",
                             target->id == SQL_TIME        ? "time"
                             : target->id == SQL_TIMESTAMP ? "timestamp"
                                                           : "timestamptz",
                             e->sql, target->length);
    break;
  case SQL_INTERVAL:
    e->sql =
        compiler_format(c, "pg_interval_scale(%s, %d, %d)", e->sql, target->fields, target->length);
    break;
  default: return;
  }
  e->uses_private = expression_private_text(e->sql);
}

/* ---- the rest */

void expression_output(struct compiler *c, struct expression *e) {
  struct sqltype type = expression_plain_type(SQL_TEXT);
  if (e->type.id == SQL_UNKNOWN) {
    e->type = type;
    return;
  }
  if (!e->type.is_array) {
    switch (e->type.id) {
    case SQL_TEXT:
    case SQL_VARCHAR:
    case SQL_NAME:
    case SQL_XML:
    case SQL_UUID:
    case SQL_JSON:
    case SQL_ENUM:
    case SQL_BPCHAR:
      e->type = type; /* stored as printed */
      return;
    case SQL_NUMERIC:
    case SQL_INTERVAL:
    case SQL_JSONB:
    case SQL_CITEXT:
    case SQL_INET:
    case SQL_CIDR:
      e->sql = compiler_format(c, "(%s COLLATE BINARY)",
                               e->sql); /* so may its column's collation not be */
      e->type = type;
      return;
    case SQL_INT2:
    case SQL_INT4:
    case SQL_INT8:
    case SQL_DATE: /* stored as printed, but the column's affinity would make a number of "12" beside it */
    case SQL_TIME:
    case SQL_TIMESTAMP:
      e->sql = compiler_format(c, "CAST(%s AS TEXT)", e->sql);
      e->type = type;
      return;
    case SQL_BOOLEAN:
      e->sql = compiler_format(c, "CASE %s WHEN 1 THEN 't' WHEN 0 THEN 'f' END", e->sql);
      e->sql = compiler_format(c, "(%s)", e->sql);
      e->type = type;
      return;
    default: break;
    }
  }
  e->sql =
      compiler_format(c, "pg_output(%s, %s)", e->sql, expression_runtime_type(c, &e->type, true));
  e->uses_private = true;
  e->type = type;
}

static void convert_by_function(struct compiler *c, struct expression *e,
                                const struct pg_cast_row *row) {
  e->sql = expression_fill(c, operators_template(row->source), row->source, 1, e);
  e->uses_private = expression_private_text(e->sql);
}

static void convert_by_input(struct compiler *c, struct expression *e,
                             const struct sqltype *target) {
  if (target->id == SQL_ENUM && !target->is_array) { /* only the compiler knows the labels */
    e->sql = compiler_format(c, "pg_enum_in(%s, %s, %s)", e->sql,
                             string_literal(c, sqltype_format(c, target)),
                             string_literal(c, expression_enum_list(c, target->labels)));
  } else {
    e->sql =
        compiler_format(c, "pg_input(%s, %s)", e->sql, expression_runtime_type(c, target, true));
  }
  e->uses_private = true;
}

static enum cast_path convert_path(const struct expression *e, const struct sqltype *target,
                                   char context, const struct pg_cast_row **row) {
  *row = NULL;
  if (e->type.id == SQL_ENUM && target->id == SQL_ENUM && e->type.labels != target->labels)
    return CAST_NONE;
  return operators_cast(operators_code(&e->type), operators_code(target), context, row);
}

bool expression_is_convertible(const struct expression *e, const struct sqltype *target,
                               char context) {
  const struct pg_cast_row *row;
  return convert_path(e, target, context, &row) != CAST_NONE;
}

bool expression_convert(struct compiler *c, struct expression *e, const struct sqltype *target,
                        char context) {
  const struct pg_cast_row *row;
  struct sqltype plain = *target;
  plain.length = -1;
  plain.fields = 0;
  if (e->is_literal && e->type.id == SQL_UNKNOWN) return literal_convert(c, e, target, context);
  enum cast_path path = convert_path(e, target, context, &row);
  if (path == CAST_NONE) {
    return note_error(c, e->location, "42846", NULL, "cannot cast type %s to %s",
                      expression_type_name(c, &e->type), expression_type_name(c, target));
  }
  if (literal_is_readable(e, target, context) && literal_reread(c, e, target, context)) return true;
  bool had_collation = sqltype_collation(&e->type) != NULL;
  bool same = expression_same_type(&e->type, target);
  if (!same) e->is_literal = false;
  switch (path) {
  case CAST_RELABEL:
    if (e->type.id == SQL_UNKNOWN || same) break;
    if (e->type.id == SQL_BPCHAR && !e->type.is_array && target->id != SQL_BPCHAR) {
      e->sql = compiler_format(c, "rtrim(%s, ' ')", e->sql);
    } else if (e->type.id == SQL_CIDR && !e->type.is_array) {
      e->sql = compiler_format(c, "pg_input(%s, 'inet')",
                               e->sql); /* a host is printed without its mask */
      e->uses_private = true;
    } else if (had_collation && sqltype_collation(target) == NULL) {
      e->sql = compiler_format(c, "(%s COLLATE BINARY)", e->sql);
    }
    break;
  case CAST_FUNCTION: convert_by_function(c, e, row); break;
  case CAST_OUTPUT: expression_output(c, e); break;
  case CAST_INPUT:
    if (e->type.id == SQL_BPCHAR) e->sql = compiler_format(c, "rtrim(%s, ' ')", e->sql);
    if (e->type.id == SQL_JSONB && target->id == SQL_JSON)
      break; /* stored as json would print it */
    convert_by_input(c, e, &plain);
    break;
  default: convert_array(c, e, &e->type, &plain); break;
  }
  bool has_modifiers = target->length >= 0 || target->fields != 0;
  /* An explicit cast to numeric forgets numeric(10,2). */
  if (!same || (context == 'e' && !has_modifiers)) e->type = plain;
  const struct domain_def *domain = target->domain;
  if (has_modifiers) {
    if (e->is_literal && !literal_is_readable(e, target, context)) e->is_literal = false;
    convert_modifiers(c, e, target, context);
  }
  e->type.domain = domain;
  return true;
}

bool expression_coerce(struct compiler *c, struct expression *e, const struct sqltype *target,
                       bool is_explicit) {
  char context = is_explicit ? 'e' : 'a';
  if (!is_explicit && e->type.id != SQL_UNKNOWN && !expression_is_convertible(e, target, context)) {
    return note_error(c, e->location, "42804", "You will need to rewrite or cast the expression.",
                      "column is of type %s but expression is of type %s",
                      expression_type_name(c, target), expression_type_name(c, &e->type));
  }
  return expression_convert(c, e, target, context);
}

bool expression_settle(struct compiler *c, struct expression *e) {
  struct sqltype type = expression_plain_type(SQL_TEXT);
  return e->type.id != SQL_UNKNOWN || expression_convert(c, e, &type, 'i');
}

/* x::domain: the value if the domain's checks hold for it. In a column they are the column's own. */
static bool convert_domain(struct compiler *c, struct expression *e,
                           const struct domain_def *domain) {
  const char *name = "value", *sql = e->sql;
  const char **names = &name, **values = &sql;
  struct sqltype type = e->type;
  struct scope_entry entry = {
      .alias = "", .column_count = 1, .names = names, .types = &type, .column_sql = values};
  struct scope scope = {.count = 1, .entries = &entry, .no_aggregates = "check constraints"};
  const char *checks =
      domain->not_null
          ? compiler_format(
                c, " WHEN %s IS NULL THEN pg_raise('23502', %s)", sql,
                string_literal(
                    c, compiler_format(c, "domain %s does not allow null values", domain->name)))
          : "";
  for (int i = 0; i < domain->check_count; i++) {
    struct expression check;
    if (!expression_boolean(c, domain->checks[i].node, &scope, "CHECK", &check)) return false;
    checks = compiler_format(
        c, "%s WHEN NOT %s THEN pg_raise('23514', %s)", checks, check.sql,
        string_literal(c, compiler_format(c, "value for domain %s violates check constraint \"%s\"",
                                          domain->name, domain->checks[i].name)));
  }
  if (checks[0] == '\0') return true;
  e->sql = compiler_format(c, "(CASE%s ELSE %s END)", checks, sql);
  e->is_literal = false;
  e->uses_private = true;
  return true;
}

bool expression_typecast(struct compiler *c, const PgQuery__TypeCast *node,
                         const struct scope *scope, struct expression *out) {
  struct sqltype type;
  if (!sqltype_resolve(c, node->type_name, &type)) return false;
  if (type.is_array && node->arg->node_case == PG_QUERY__NODE__NODE_A_ARRAY_EXPR) {
    struct sqltype element = type;
    element.is_array = false;
    return expression_array(c, node->arg->a_array_expr, &element, scope, out);
  }
  if (!expression_translate(c, node->arg, scope, out)) return false;
  bool was_literal = out->is_literal;
  int location = out->location;
  out->location = was_literal && out->type.id == SQL_UNKNOWN ? location : node->location;
  if (!expression_convert(c, out, &type, 'e')) return false;
  return type.domain == NULL || convert_domain(c, out, type.domain);
}
