/*
** query.c: a PostgREST query string as a SELECT. Read into a tree whose columns are looked up and whose operands have gone
** through their columns' input functions, then written as SQL. No text of the caller's stands in the SQL: names come from
** the catalog, values are bound.
**
**   query  := parameter { '&' parameter }
**   select=[alias:]column,...   *
**   order=column[.asc|.desc][.nullsfirst|.nullslast],...
**   limit=n   offset=n
**   and=(condition,...)   or=(...)   not.and=(...)   not.or=(...)
**   column=[not.]operator.value
**   condition := column[.not].operator.value | [not.]and(condition,...) | [not.]or(condition,...)
** A value ends with the parameter; inside parentheses at a comma or the closing one, unless it is "quoted" or {braced}.
*/
#include "../internal.h"

#define QUERY_DEPTH_MAX 32       /* nesting of and(), or() */
#define QUERY_CONDITIONS_MAX 500 /* SQLite nests an AND for each */
#define QUERY_VALUES_MAX 30000   /* parameters of one statement */

enum query_operator {
  QUERY_EQ,
  QUERY_NEQ,
  QUERY_GT,
  QUERY_GTE,
  QUERY_LT,
  QUERY_LTE,
  QUERY_LIKE,
  QUERY_ILIKE,
  QUERY_MATCH,
  QUERY_IMATCH,
  QUERY_IN,
  QUERY_IS,
  QUERY_DISTINCT
};
enum query_shape { SHAPE_COMPARE, SHAPE_PATTERN, SHAPE_IN, SHAPE_IS };

static const struct query_word {
  const char *word;
  enum query_operator operator;
  enum query_shape shape;
  const char *sql;    /* between column and operand, or the function's name */
  const char *symbol; /* PostgreSQL's operator, for messages */
} query_words[] = {
    {"eq", QUERY_EQ, SHAPE_COMPARE, "=", "="},
    {"neq", QUERY_NEQ, SHAPE_COMPARE, "<>", "<>"},
    {"gt", QUERY_GT, SHAPE_COMPARE, ">", ">"},
    {"gte", QUERY_GTE, SHAPE_COMPARE, ">=", ">="},
    {"lt", QUERY_LT, SHAPE_COMPARE, "<", "<"},
    {"lte", QUERY_LTE, SHAPE_COMPARE, "<=", "<="},
    {"like", QUERY_LIKE, SHAPE_PATTERN, "pg_textlike", "~~"},
    {"ilike", QUERY_ILIKE, SHAPE_PATTERN, "pg_texticlike", "~~*"},
    {"match", QUERY_MATCH, SHAPE_PATTERN, "pg_textregexeq", "~"},
    {"imatch", QUERY_IMATCH, SHAPE_PATTERN, "pg_texticregexeq", "~*"},
    {"in", QUERY_IN, SHAPE_IN, "IN", "="},
    {"is", QUERY_IS, SHAPE_IS, "IS", "IS"},
    {"isdistinct", QUERY_DISTINCT, SHAPE_COMPARE, "IS NOT", "="},
};

enum query_kind { QUERY_AND, QUERY_OR, QUERY_CONDITION };

struct query_node {
  enum query_kind kind;
  bool negated;
  struct query_node *first, *last; /* of and(), or(); linked by next */
  struct query_node *next;
  const struct query_word *word; /* a condition's */
  int column;
  const char *is;               /* SQL behind IS */
  int first_value, value_count; /* in query->values */
};

struct query_item { /* of select= and order= */
  int column;
  const char *alias;
  bool descending, nulls_first;
};

struct query {
  ledger *db;
  const struct relation *relation;
  const char *name;        /* of the parameter being read */
  const char *text, *at;   /* its value, and the place in it */
  struct query_node where; /* an AND of all parameters */
  int condition_count, depth;
  int value_count, value_room;
  struct value *values;
  int column_count, column_room;
  struct query_item *columns;
  int order_count, order_room;
  struct query_item *orders;
  int64_t limit, offset; /* limit -1: none */
};

/* ---- errors, memory */

static int query_fail(struct query *query, const char *what) {
  ledger_error *error = &query->db->error;
  if (*query->at == 0) {
    return error_set(error, LEDGER_SYNTAX, "syntax error in \"%s\" at its end: %s", query->name,
                     what);
  }
  return error_set(error, LEDGER_SYNTAX,
                   "syntax error in \"%s\" at character %d, near \"%.20s\": %s", query->name,
                   (int)text_characters(query->text, (size_t)(query->at - query->text)) + 1,
                   query->at, what);
}

/* Room for one more element at the end of an array in the arena. */
static void *query_grow(struct query *query, void *array, int count, int *room, size_t size) {
  if (count < *room) return array;
  int wanted = *room == 0 ? 16 : *room * 2;
  void *grown = arena_alloc(&query->db->arena, (size_t)wanted * size);
  if (grown == NULL) {
    error_memory(&query->db->error);
    return NULL;
  }
  if (count > 0) memcpy(grown, array, (size_t)count * size);
  *room = wanted;
  return grown;
}

/* ---- words */

/* Is the next thing `word`? Then moves behind it. */
static bool query_take(struct query *query, const char *word) {
  size_t length = strlen(word);
  if (strncmp(query->at, word, length) != 0) return false;
  query->at += length;
  return true;
}

static void query_spaces(struct query *query) {
  while (*query->at == ' ') query->at++;
}

/* "text" with a backslash before what is meant as it is; moves behind it. */
static int query_quoted(struct query *query, const char **out, size_t *length) {
  char *text = arena_alloc(&query->db->arena, strlen(query->at) + 1);
  if (text == NULL) return error_memory(&query->db->error);
  *out = text;
  *length = 0;
  query->at++;
  while (*query->at != 0 && *query->at != '"') {
    if (*query->at == '\\' && query->at[1] != 0) query->at++;
    text[(*length)++] = *query->at++;
  }
  if (*query->at != '"') return query_fail(query, "a quote is not closed");
  query->at++;
  text[*length] = 0;
  return LEDGER_OK;
}

/* A name up to one of `ends`, or quoted. */
static int query_name(struct query *query, const char *ends, const char **out, size_t *length) {
  query_spaces(query);
  if (*query->at == '"') return query_quoted(query, out, length);
  *length = strcspn(query->at, ends);
  *out = query->at;
  query->at += *length;
  while (*length > 0 && (*out)[*length - 1] == ' ') (*length)--;
  return *length == 0 ? query_fail(query, "a column's name was expected") : LEDGER_OK;
}

static int query_find(struct query *query, const char *name, size_t length, int *column) {
  *column = catalog_column(query->relation, name, length);
  if (*column >= 0) return LEDGER_OK;
  return error_set(&query->db->error, LEDGER_UNDEFINED_COLUMN, "column %s.%.*s does not exist",
                   query->relation->name, (int)(length > 200 ? 200 : length), name);
}

/* ---- select, order, limit */

static int query_read_select(struct query *query) {
  query->column_count = 0;
  for (;;) {
    struct query_item *items =
        query_grow(query, query->columns, query->column_count, &query->column_room, sizeof *items);
    if (items == NULL) return LEDGER_MEMORY;
    query->columns = items;
    struct query_item item = {.column = -1};
    const char *name;
    size_t length;
    int rc = query_name(query, ",:", &name, &length);
    if (rc != LEDGER_OK) return rc;
    if (*query->at == ':' && query->at[1] != ':') {
      query->at++;
      item.alias = arena_copy(&query->db->arena, name, length);
      if (item.alias == NULL) return error_memory(&query->db->error);
      rc = query_name(query, ",:", &name, &length);
      if (rc != LEDGER_OK) return rc;
    }
    if (!(length == 1 && *name == '*' && item.alias == NULL))
      rc = query_find(query, name, length, &item.column);
    if (rc != LEDGER_OK) return rc;
    items[query->column_count++] = item;
    query_spaces(query);
    if (*query->at == 0) return LEDGER_OK;
    if (!query_take(query, ",")) return query_fail(query, "a comma was expected");
    if (query->column_count > LEDGER_COLUMN_MAX) {
      return error_set(&query->db->error, LEDGER_TOO_MANY_COLUMNS,
                       "target lists can have at most %d entries", LEDGER_COLUMN_MAX);
    }
  }
}

static int query_orderable(struct query *query, int column) {
  const struct column *of = &query->relation->columns[column];
  if (of->type.id != TYPE_JSON && of->type.id != TYPE_XML) return LEDGER_OK;
  return error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION,
                   "could not identify an ordering operator for type %s", of->type_name);
}

static int query_read_order(struct query *query) {
  for (;;) {
    struct query_item *items =
        query_grow(query, query->orders, query->order_count, &query->order_room, sizeof *items);
    if (items == NULL) return LEDGER_MEMORY;
    query->orders = items;
    struct query_item item = {0};
    const char *name;
    size_t length;
    int rc = query_name(query, ".,", &name, &length);
    if (rc == LEDGER_OK) rc = query_find(query, name, length, &item.column);
    if (rc == LEDGER_OK) rc = query_orderable(query, item.column);
    if (rc != LEDGER_OK) return rc;
    if (query_take(query, ".desc"))
      item.descending = true;
    else
      query_take(query, ".asc");
    item.nulls_first = item.descending;
    if (query_take(query, ".nullsfirst"))
      item.nulls_first = true;
    else if (query_take(query, ".nullslast"))
      item.nulls_first = false;
    items[query->order_count++] = item;
    query_spaces(query);
    if (*query->at == 0) return LEDGER_OK;
    if (!query_take(query, ","))
      return query_fail(query, "asc, desc, nullsfirst, nullslast or a comma was expected");
    if (query->order_count >= LEDGER_COLUMN_MAX) return query_fail(query, "too many columns");
  }
}

static int query_read_count(struct query *query, int64_t *out) {
  int64_t number = 0;
  const char *start = query->at;
  for (; *query->at >= '0' && *query->at <= '9'; query->at++) {
    if (__builtin_mul_overflow(number, 10, &number) ||
        __builtin_add_overflow(number, *query->at - '0', &number)) {
      return query_fail(query, "the number is too large");
    }
  }
  if (query->at == start || *query->at != 0)
    return query_fail(query, "a number from 0 on was expected");
  *out = number;
  return LEDGER_OK;
}

/* ---- conditions */

/* The text of one value: up to the parameter's end, or inside parentheses up to a comma or the closing one. */
static int query_value_text(struct query *query, bool inside, const char **out, size_t *length) {
  if (!inside) {
    *out = query->at;
    *length = strlen(query->at);
    query->at += *length;
    return LEDGER_OK;
  }
  if (*query->at == '"') return query_quoted(query, out, length);
  *out = query->at;
  if (*query->at == '{') query->at += strcspn(query->at, "}");
  query->at += strcspn(query->at, ",)");
  *length = (size_t)(query->at - *out);
  return LEDGER_OK;
}

static struct value *query_new_value(struct query *query, struct query_node *node) {
  if (query->value_count == QUERY_VALUES_MAX) {
    error_set(&query->db->error, LEDGER_TOO_COMPLEX, "more than %d values in a query",
              QUERY_VALUES_MAX);
    return NULL;
  }
  struct value *values =
      query_grow(query, query->values, query->value_count, &query->value_room, sizeof *values);
  if (values == NULL) return NULL;
  query->values = values;
  if (node->value_count++ == 0) node->first_value = query->value_count;
  return &values[query->value_count++];
}

static int query_no_operator(struct query *query, const struct query_node *node) {
  error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION, "operator does not exist: %s %s unknown",
            query->relation->columns[node->column].type_name, node->word->symbol);
  return error_hint(&query->db->error, "No operator matches the given name and argument types. You "
                                       "might need to add explicit type casts.");
}

/* An operand of the column's type, but without its length: no literal is too long to compare with. */
static int query_add_operand(struct query *query, struct query_node *node, const char *text,
                             size_t length) {
  const struct column *column = &query->relation->columns[node->column];
  if (!column->type.is_array && (column->type.id == TYPE_JSON || column->type.id == TYPE_XML)) {
    return query_no_operator(query, node);
  }
  struct type type = column->type;
  type.length = -1;
  type.scale = 0;
  type.fields = 0;
  struct value *value = query_new_value(query, node);
  if (value == NULL) return query->db->error.code;
  return type_input(&type, text, length, &query->db->arena, value, &query->db->error);
}

static int query_add_pattern(struct query *query, struct query_node *node, const char *text,
                             size_t length) {
  const struct type *type = &query->relation->columns[node->column].type;
  switch (type->is_array ? TYPE_NONE : type->id) {
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
  case TYPE_NAME:
  case TYPE_CITEXT: break;
  default: return query_no_operator(query, node);
  }
  char *pattern = arena_copy(&query->db->arena, text, length);
  struct value *value = query_new_value(query, node);
  if (pattern == NULL) return error_memory(&query->db->error);
  if (value == NULL) return query->db->error.code;
  bool is_like = node->word->operator== QUERY_LIKE || node->word->operator== QUERY_ILIKE;
  for (size_t i = 0; is_like && i < length; i++) {
    if (pattern[i] == '*') pattern[i] = '%'; /* a % must be written %25 in a URL */
  }
  *value = (struct value){.kind = VALUE_TEXT, .text = pattern, .length = length};
  return LEDGER_OK;
}

static int query_read_list(struct query *query, struct query_node *node) {
  if (!query_take(query, "(")) return query_fail(query, "a list in parentheses was expected");
  if (query_take(query, ")")) return LEDGER_OK;
  for (;;) {
    const char *text;
    size_t length;
    int rc = query_value_text(query, true, &text, &length);
    if (rc == LEDGER_OK) rc = query_add_operand(query, node, text, length);
    if (rc != LEDGER_OK) return rc;
    if (query_take(query, ")")) return LEDGER_OK;
    if (!query_take(query, ","))
      return query_fail(query, "a comma or a closing parenthesis was expected");
  }
}

static int query_read_is(struct query *query, struct query_node *node, bool inside) {
  static const struct {
    const char *word, *sql;
    bool any_type;
  } words[] = {{"null", "NULL", true},
               {"not_null", "NOT NULL", true},
               {"true", "1", false},
               {"false", "0", false},
               {"unknown", "NULL", false}};
  const char *start = query->at, *text;
  size_t length;
  int rc = query_value_text(query, inside, &text, &length);
  if (rc != LEDGER_OK) return rc;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strlen(words[i].word) != length || sqlite3_strnicmp(words[i].word, text, (int)length) != 0)
      continue;
    const struct column *column = &query->relation->columns[node->column];
    if (!words[i].any_type && (column->type.id != TYPE_BOOLEAN || column->type.is_array)) {
      return error_set(&query->db->error, LEDGER_DATATYPE_MISMATCH,
                       "argument of IS %s must be type boolean, not type %s",
                       i == 2   ? "TRUE"
                       : i == 3 ? "FALSE"
                                : "UNKNOWN",
                       column->type_name);
    }
    node->is = words[i].sql;
    return LEDGER_OK;
  }
  query->at = start;
  return query_fail(query, "null, not_null, true, false or unknown was expected");
}

/* [not.]operator.value, of a column that is known. */
static int query_read_operation(struct query *query, struct query_node *node, bool inside) {
  if (query_take(query, "not.")) node->negated = true;
  size_t length = strcspn(query->at, ".");
  for (size_t i = 0; i < sizeof query_words / sizeof query_words[0]; i++) {
    if (strlen(query_words[i].word) == length &&
        strncmp(query_words[i].word, query->at, length) == 0) {
      node->word = &query_words[i];
    }
  }
  if (node->word == NULL || query->at[length] != '.')
    return query_fail(query, "an operator and a point were expected");
  query->at += length + 1;
  const char *text;
  size_t bytes;
  if (node->word->shape == SHAPE_IN) return query_read_list(query, node);
  if (node->word->shape == SHAPE_IS) return query_read_is(query, node, inside);
  int rc = query_value_text(query, inside, &text, &bytes);
  if (rc != LEDGER_OK) return rc;
  if (node->word->shape == SHAPE_PATTERN) return query_add_pattern(query, node, text, bytes);
  return query_add_operand(query, node, text, bytes);
}

static int query_add(struct query *query, struct query_node *parent, enum query_kind kind,
                     struct query_node **out) {
  if (query->condition_count++ == QUERY_CONDITIONS_MAX) {
    return error_set(&query->db->error, LEDGER_TOO_COMPLEX, "more than %d conditions in a query",
                     QUERY_CONDITIONS_MAX);
  }
  struct query_node *node = arena_alloc(&query->db->arena, sizeof *node);
  if (node == NULL) return error_memory(&query->db->error);
  *node = (struct query_node){.kind = kind};
  if (parent->last == NULL)
    parent->first = node;
  else
    parent->last->next = node;
  parent->last = node;
  *out = node;
  return LEDGER_OK;
}

static int query_read_condition(struct query *query, struct query_node *parent);

/* (condition,...) of and, or */
static int query_read_group(struct query *query, struct query_node *parent, enum query_kind kind,
                            bool negated) {
  struct query_node *node;
  int rc = query_add(query, parent, kind, &node);
  if (rc != LEDGER_OK) return rc;
  node->negated = negated;
  if (!query_take(query, "(")) return query_fail(query, "conditions in parentheses were expected");
  if (++query->depth > QUERY_DEPTH_MAX) {
    return error_set(&query->db->error, LEDGER_TOO_COMPLEX, "conditions are nested deeper than %d",
                     QUERY_DEPTH_MAX);
  }
  for (;;) {
    query_spaces(query);
    rc = query_read_condition(query, node);
    if (rc != LEDGER_OK) return rc;
    query_spaces(query);
    if (query_take(query, ")")) break;
    if (!query_take(query, ","))
      return query_fail(query, "a comma or a closing parenthesis was expected");
  }
  query->depth--;
  return LEDGER_OK;
}

static int query_read_condition(struct query *query, struct query_node *parent) {
  static const struct {
    const char *word;
    size_t length;
    enum query_kind kind;
    bool negated;
  } groups[] = {{"and(", 3, QUERY_AND, false},
                {"or(", 2, QUERY_OR, false},
                {"not.and(", 7, QUERY_AND, true},
                {"not.or(", 6, QUERY_OR, true}};
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    if (strncmp(query->at, groups[i].word, strlen(groups[i].word)) != 0) continue;
    query->at += groups[i].length;
    return query_read_group(query, parent, groups[i].kind, groups[i].negated);
  }
  struct query_node *node;
  const char *name;
  size_t length;
  int rc = query_add(query, parent, QUERY_CONDITION, &node);
  if (rc == LEDGER_OK) rc = query_name(query, ".,()", &name, &length);
  if (rc == LEDGER_OK) rc = query_find(query, name, length, &node->column);
  if (rc != LEDGER_OK) return rc;
  if (!query_take(query, ".")) return query_fail(query, "a point was expected");
  return query_read_operation(query, node, true);
}

/* ---- parameters */

static int query_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Decodes %xx and +. */
static int query_decode(struct query *query, const char *text, size_t length, const char **out) {
  char *decoded = arena_alloc(&query->db->arena, length + 1);
  if (decoded == NULL) return error_memory(&query->db->error);
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && i + 2 < length && query_digit(text[i + 1]) >= 0 &&
               query_digit(text[i + 2]) >= 0) {
      c = (char)(query_digit(text[i + 1]) * 16 + query_digit(text[i + 2]));
      i += 2;
    }
    decoded[used++] = c;
  }
  decoded[used] = 0;
  *out = decoded;
  if (text_is_valid_utf8(decoded, used)) return LEDGER_OK;
  return error_set(&query->db->error, LEDGER_BAD_ENCODING,
                   "invalid byte sequence for encoding \"UTF8\"");
}

static int query_read_filter(struct query *query) {
  struct query_node *node;
  const char *value = query->at, *name;
  size_t length;
  int rc = query_add(query, &query->where, QUERY_CONDITION, &node);
  if (rc != LEDGER_OK) return rc;
  query->text = query->at = query->name; /* the name may be quoted */
  rc = query_name(query, "", &name, &length);
  if (rc == LEDGER_OK && *query->at != 0) rc = query_fail(query, "a column's name was expected");
  if (rc == LEDGER_OK) rc = query_find(query, name, length, &node->column);
  query->text = query->at = value;
  return rc == LEDGER_OK ? query_read_operation(query, node, false) : rc;
}

static int query_read_parameter(struct query *query) {
  const char *name = query->name;
  int rc;
  if (strcmp(name, "select") == 0)
    rc = *query->at == 0 ? LEDGER_OK : query_read_select(query);
  else if (strcmp(name, "order") == 0)
    rc = query_read_order(query);
  else if (strcmp(name, "limit") == 0)
    rc = query_read_count(query, &query->limit);
  else if (strcmp(name, "offset") == 0)
    rc = query_read_count(query, &query->offset);
  else if (strcmp(name, "and") == 0)
    rc = query_read_group(query, &query->where, QUERY_AND, false);
  else if (strcmp(name, "or") == 0)
    rc = query_read_group(query, &query->where, QUERY_OR, false);
  else if (strcmp(name, "not.and") == 0)
    rc = query_read_group(query, &query->where, QUERY_AND, true);
  else if (strcmp(name, "not.or") == 0)
    rc = query_read_group(query, &query->where, QUERY_OR, true);
  else
    rc = query_read_filter(query);
  if (rc == LEDGER_OK && *query->at != 0) rc = query_fail(query, "nothing more was expected");
  return rc;
}

static int query_read(struct query *query, const char *text) {
  while (*text != 0) {
    size_t length = strcspn(text, "&");
    const char *equals = memchr(text, '=', length);
    if (length > 0) {
      size_t name_length = equals == NULL ? length : (size_t)(equals - text);
      int rc = query_decode(query, text, name_length, &query->name);
      if (rc != LEDGER_OK) return rc;
      query->text = query->at = "";
      if (equals == NULL) return query_fail(query, "an equals sign was expected");
      rc = query_decode(query, equals + 1, length - name_length - 1, &query->text);
      query->at = query->text;
      if (rc == LEDGER_OK) rc = query_read_parameter(query);
      if (rc != LEDGER_OK) return rc;
    }
    text += length;
    if (*text == '&') text++;
  }
  return LEDGER_OK;
}

/* ---- SQL */

/* The column as what it is compared and ordered by: under its collation, an enum as its label's number. */
static void query_sql_key(sqlite3_str *sql, const struct column *column, bool ordered) {
  if (ordered && column->type.id == TYPE_ENUM && !column->type.is_array) {
    sqlite3_str_appendf(sql, "CASE \"%w\"", column->name);
    for (int i = 0; i < column->type.labels->count; i++) {
      sqlite3_str_appendf(sql, " WHEN %Q THEN %d", column->type.labels->labels[i], i);
    }
    sqlite3_str_appendall(sql, " END");
    return;
  }
  sqlite3_str_appendf(sql, "\"%w\"", column->name);
  if (column->collation != NULL) sqlite3_str_appendf(sql, " COLLATE %s", column->collation);
}

/* An enum's operand as its label's number. */
static void query_ordinal(const struct column *column, struct value *value) {
  for (int i = 0; i < column->type.labels->count; i++) {
    const char *label = column->type.labels->labels[i];
    if (strlen(label) != value->length || memcmp(label, value->text, value->length) != 0) continue;
    *value = (struct value){.kind = VALUE_INTEGER, .integer = i};
    return;
  }
}

static void query_sql_condition(struct query *query, sqlite3_str *sql,
                                const struct query_node *node) {
  const struct column *column = &query->relation->columns[node->column];
  int parameter = node->first_value + 1;
  switch (node->word->shape) {
  case SHAPE_COMPARE: {
    enum query_operator operator= node->word->operator;
    bool ordered = operator!= QUERY_EQ && operator!= QUERY_NEQ && operator!= QUERY_DISTINCT;
    query_sql_key(sql, column, ordered);
    sqlite3_str_appendf(sql, " %s ?%d", node->word->sql, parameter);
    if (ordered && column->type.id == TYPE_ENUM && !column->type.is_array) {
      query_ordinal(column, &query->values[node->first_value]);
    }
    break;
  }
  case SHAPE_PATTERN: {
    const char *function = node->word->sql;
    if (column->type.id == TYPE_CITEXT) { /* citext's like and match heed no case */
      if (node->word->operator== QUERY_LIKE) function = "pg_texticlike";
      if (node->word->operator== QUERY_MATCH) function = "pg_texticregexeq";
    }
    sqlite3_str_appendf(sql, "%s(\"%w\", ?%d)", function, column->name, parameter);
    break;
  }
  case SHAPE_IN:
    query_sql_key(sql, column, false);
    sqlite3_str_appendall(sql, " IN (");
    for (int i = 0; i < node->value_count; i++)
      sqlite3_str_appendf(sql, "%s?%d", i == 0 ? "" : ", ", parameter + i);
    sqlite3_str_appendall(sql, ")");
    break;
  case SHAPE_IS: sqlite3_str_appendf(sql, "\"%w\" IS %s", column->name, node->is); break;
  }
}

static void query_sql_node(struct query *query, sqlite3_str *sql, const struct query_node *node) {
  sqlite3_str_appendall(sql, node->negated ? "NOT (" : "(");
  if (node->kind == QUERY_CONDITION) {
    query_sql_condition(query, sql, node);
  } else {
    for (const struct query_node *child = node->first; child != NULL; child = child->next) {
      if (child != node->first)
        sqlite3_str_appendall(sql, node->kind == QUERY_AND ? " AND " : " OR ");
      query_sql_node(query, sql, child);
    }
  }
  sqlite3_str_appendall(sql, ")");
}

static void query_sql(struct query *query, sqlite3_str *sql) {
  for (int i = 0; i < query->column_count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "SELECT " : ", ",
                        query->relation->columns[query->columns[i].column].name);
  }
  sqlite3_str_appendf(sql, " FROM main.\"%w\"", query->relation->stored_name);
  if (query->where.first != NULL) {
    sqlite3_str_appendall(sql, " WHERE ");
    query_sql_node(query, sql, &query->where);
  }
  for (int i = 0; i < query->order_count; i++) {
    const struct query_item *item = &query->orders[i];
    sqlite3_str_appendall(sql, i == 0 ? " ORDER BY " : ", ");
    query_sql_key(sql, &query->relation->columns[item->column], true);
    sqlite3_str_appendf(sql, "%s NULLS %s", item->descending ? " DESC" : "",
                        item->nulls_first ? "FIRST" : "LAST");
  }
  if (query->limit >= 0 || query->offset > 0) {
    sqlite3_str_appendf(sql, " LIMIT %lld OFFSET %lld", (long long)query->limit,
                        (long long)query->offset);
  }
}

/* ---- running */

/* Puts the table's columns in the place of each *, and of no select at all. */
static int query_expand(struct query *query) {
  struct query_item star = {.column = -1};
  const struct query_item *given = query->column_count == 0 ? &star : query->columns;
  int given_count = query->column_count == 0 ? 1 : query->column_count;
  query->columns = NULL;
  query->column_count = query->column_room = 0;
  for (int i = 0; i < given_count; i++) {
    int from = given[i].column < 0 ? 0 : given[i].column;
    int to = given[i].column < 0 ? query->relation->column_count : from + 1;
    for (int column = from; column < to; column++) {
      struct query_item *items = query_grow(query, query->columns, query->column_count,
                                            &query->column_room, sizeof *items);
      if (items == NULL) return LEDGER_MEMORY;
      query->columns = items;
      items[query->column_count++] = (struct query_item){.column = column, .alias = given[i].alias};
      if (query->column_count > LEDGER_COLUMN_MAX) {
        return error_set(&query->db->error, LEDGER_TOO_MANY_COLUMNS,
                         "target lists can have at most %d entries", LEDGER_COLUMN_MAX);
      }
    }
  }
  return LEDGER_OK;
}

static int query_run(struct query *query, ledger_rows *rows) {
  sqlite3_stmt *stmt;
  for (int i = 0; i < query->column_count; i++) {
    const struct column *column = &query->relation->columns[query->columns[i].column];
    const char *name = column->name;
    if (query->columns[i].alias != NULL) name = rows_own(rows, query->columns[i].alias);
    if (name == NULL) return LEDGER_MEMORY;
    rows_set_column(rows, i, name, column->type_name, &column->type);
  }
  sqlite3_str *sql = sqlite3_str_new(query->db->sqlite);
  query_sql(query, sql);
  int rc = statement_prepare(query->db, sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rows_set_statement(rows, stmt);
  for (int i = 0; i < query->value_count && rc == LEDGER_OK; i++)
    rc = rows_bind(rows, i + 1, &query->values[i]);
  return rc;
}

LEDGER_PRIVATE int query_select(ledger *db, const char *table, const char *text,
                                ledger_rows **out) {
  struct query query = {.db = db, .where = {.kind = QUERY_AND}, .limit = -1};
  struct relation *relation;
  int rc = transaction_begin_read(
      db); /* a fresh catalog; the cursor holds its own snapshot from its first row on */
  transaction_end_read(db);
  if (rc == LEDGER_OK) rc = catalog_relation(db, table, &relation);
  if (rc != LEDGER_OK) return rc;
  query.relation = relation;
  if (text != NULL) rc = query_read(&query, text);
  if (rc == LEDGER_OK) rc = query_expand(&query);
  if (rc != LEDGER_OK) return rc;
  ledger_rows *rows = rows_new(db, query.column_count);
  if (rows == NULL) return LEDGER_MEMORY;
  rc = query_run(&query, rows);
  if (rc == LEDGER_OK)
    *out = rows;
  else
    rows_free(rows);
  return rc;
}
