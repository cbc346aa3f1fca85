/*
** query_type.c: every column of the tree looked up in its relation, every expression given its type, every operand read by the input
** function of what it is compared with. What PostgreSQL would refuse when it plans the statement is refused here, in its words.
*/
#include "../internal.h"

static const char typed_hint_operator[] =
    "No operator matches the given name and argument types. You "
    "might need to add explicit type casts.";
static const char typed_hint_function[] =
    "No function matches the given name and argument types. You "
    "might need to add explicit type casts.";

static const struct type typed_text = {.id = TYPE_TEXT, .length = -1};
static const struct type typed_json = {.id = TYPE_JSON, .length = -1};

/* A type's name in the arena; NULL: memory. */
static const char *typed_name(struct query *query, const struct type *type) {
  sqlite3_str *name = sqlite3_str_new(NULL);
  if (type->id == TYPE_ENUM)
    sqlite3_str_appendf(name, "%s%s", type->labels->name, type->is_array ? "[]" : "");
  else
    type_format(name, type);
  const char *text = arena_finish(&query->db->arena, name);
  if (text == NULL) error_memory(&query->db->error);
  return text;
}

/* The same without its length, as messages have it that are about types and not about a column. */
static const char *typed_kind(struct query *query, const struct type *type) {
  struct type bare = *type;
  bare.length = -1;
  bare.scale = bare.fields = 0;
  const char *name = typed_name(query, &bare);
  if (type->id == TYPE_BPCHAR) name = type->is_array ? "character[]" : "character";
  return name == NULL ? "" : name;
}

static void *typed_alloc(struct query *query, size_t size) {
  void *memory = arena_alloc(&query->db->arena, size);
  if (memory == NULL)
    error_memory(&query->db->error);
  else
    memset(memory, 0, size);
  return memory;
}

/* ---- columns */

/* How many characters are to be put, taken or changed, as far as it is at most `most`; else something more. */
static int typed_distance(const char *a, size_t a_length, const char *b, size_t b_length,
                          int most) {
  int row[LEDGER_NAME_MAX + 1];
  if (a_length > LEDGER_NAME_MAX || b_length > LEDGER_NAME_MAX) return most + 1;
  for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
  for (size_t i = 1; i <= a_length; i++) {
    int corner = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= b_length; j++) {
      int change = corner + (a[i - 1] != b[j - 1]);
      corner = row[j];
      int put = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = put < change ? put : change;
    }
  }
  return row[b_length];
}

/* PostgreSQL's hint: the column whose name is like it, or the two. */
static void typed_suggest(struct query *query, const struct query_resource *resource,
                          const struct query_field *field) {
  const struct column *found[2] = {NULL, NULL};
  int best = 4, count = 0; /* more than 3 characters are too many, or more than half of them */
  for (int i = 0; i < resource->relation->column_count; i++) {
    const struct column *column = &resource->relation->columns[i];
    size_t length = strlen(column->name);
    int distance = typed_distance(column->name, length, field->name, field->length, best);
    if (distance > (int)field->length / 2 || distance > best || distance > 3) continue;
    if (distance < best) count = 0;
    best = distance;
    if (count < 2) found[count] = column;
    count++;
  }
  const char *name = resource->sql_name;
  if (count == 1)
    error_hint(&query->db->error, "Perhaps you meant to reference the column \"%s.%s\".", name,
               found[0]->name);
  if (count == 2)
    error_hint(&query->db->error,
               "Perhaps you meant to reference the column \"%s.%s\" or the column \"%s.%s\".", name,
               found[0]->name, name, found[1]->name);
}

static int typed_no_column(struct query *query, const struct query_resource *resource,
                           const struct query_field *field) {
  int length = (int)(field->length > 200 ? 200 : field->length);
  int rc = query_refuse(query, NULL, LEDGER_UNDEFINED_COLUMN, "column %s.%.*s does not exist",
                        resource->sql_name, length, field->name);
  typed_suggest(query, resource, field);
  return rc;
}

/* Looks the field up and finds the type of what its path leads to. A column that is kept encrypted is as it is, or not at all. */
static int typed_field(struct query *query, const struct query_resource *resource,
                       struct query_field *field, bool is_shown) {
  field->column = catalog_column(resource->relation, field->name, field->length);
  if (field->column < 0) return typed_no_column(query, resource, field);
  const struct column *column = &resource->relation->columns[field->column];
  bool is_whole = is_shown && field->step_count == 0 && !resource->has_aggregate;
  if (column->is_encrypted && !is_whole)
    return encryption_refuse(query->db, resource->relation, field->column);
  field->type = column->type;
  field->type_name = column->type_name;
  if (field->step_count == 0) return LEDGER_OK;
  bool is_json = !column->type.is_array && column->type.id == TYPE_JSON;
  for (int i = 0; i < field->step_count; i++) {
    struct query_step *step = &field->steps[i];
    struct value index = {0};
    if (step->is_index) {
      int rc = integer_input(TYPE_INT4, step->key, step->length, &index, &query->db->error);
      if (rc != LEDGER_OK) return rc;
      step->index = index.integer;
    }
    /* ->> gives a text, which has no members. */
    if (i > 0 && field->steps[i - 1].is_text) {
      error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION, "operator does not exist: text %s %s",
                field->steps[i].is_text ? "->>" : "->",
                field->steps[i].is_index ? "integer" : "unknown");
      return error_hint(&query->db->error, typed_hint_operator);
    }
  }
  const struct query_step *last = &field->steps[field->step_count - 1];
  field->type = (struct type){.id = last->is_text ? TYPE_TEXT
                                    : is_json     ? TYPE_JSON
                                                  : TYPE_JSONB,
                              .length = -1};
  field->type_name = last->is_text ? "text" : is_json ? "json" : "jsonb";
  return LEDGER_OK;
}

/* ---- casts */

LEDGER_PRIVATE bool query_is_string(const struct type *type) {
  if (type->is_array) return false;
  return type->id == TYPE_TEXT || type->id == TYPE_VARCHAR || type->id == TYPE_BPCHAR ||
         type->id == TYPE_NAME || type->id == TYPE_CITEXT;
}

static bool typed_is_integer(const struct type *type) {
  return !type->is_array &&
         (type->id == TYPE_INT2 || type->id == TYPE_INT4 || type->id == TYPE_INT8);
}

static bool typed_is_real(const struct type *type) {
  return !type->is_array && (type->id == TYPE_FLOAT4 || type->id == TYPE_FLOAT8);
}

static bool typed_is_number(const struct type *type) {
  return typed_is_integer(type) || typed_is_real(type) ||
         (!type->is_array && type->id == TYPE_NUMERIC);
}

static bool typed_is_moment(const struct type *type) {
  return !type->is_array &&
         (type->id == TYPE_DATE || type->id == TYPE_TIMESTAMP || type->id == TYPE_TIMESTAMPTZ);
}

/* Is there a cast in PostgreSQL? */
static bool typed_has_cast(const struct type *from, const struct type *to) {
  if (query_is_string(from) || query_is_string(to)) return true;
  if (from->is_array || to->is_array) {
    struct type one = *from, other = *to;
    one.is_array = other.is_array = false;
    return from->is_array && to->is_array && typed_has_cast(&one, &other);
  }
  if (from->id == to->id && from->labels == to->labels) return true;
  if (typed_is_number(from) && typed_is_number(to)) return true;
  if (from->id == TYPE_BOOLEAN) return to->id == TYPE_INT4;
  if (to->id == TYPE_BOOLEAN) return from->id == TYPE_INT4 || from->id == TYPE_JSONB;
  if (from->id == TYPE_JSONB) return typed_is_number(to) || to->id == TYPE_JSON;
  if (from->id == TYPE_JSON) return to->id == TYPE_JSONB;
  if (typed_is_moment(from))
    return typed_is_moment(to) || (to->id == TYPE_TIME && from->id != TYPE_DATE);
  if (from->id == TYPE_TIME) return to->id == TYPE_INTERVAL;
  if (from->id == TYPE_INTERVAL) return to->id == TYPE_TIME;
  return (from->id == TYPE_INET && to->id == TYPE_CIDR) ||
         (from->id == TYPE_CIDR && to->id == TYPE_INET);
}

/* The enum of that name that a column has; false: there is none. */
static bool typed_find_enum(const struct query *query, const char *name, struct type *out) {
  for (int i = 0; i < query->db->catalog->relation_count; i++) {
    const struct relation *relation = &query->db->catalog->relations[i];
    for (int c = 0; c < relation->column_count; c++) {
      const struct type *type = &relation->columns[c].type;
      if (type->id != TYPE_ENUM || strcmp(type->labels->name, name) != 0) continue;
      *out = *type;
      out->is_array = false;
      return true;
    }
  }
  return false;
}

/* `name` is what stands behind ::, folded as SQL folds it. */
static int typed_cast(struct query *query, const struct type *from, const char *given,
                      struct type *to, const char **to_name) {
  char *name = arena_copy(&query->db->arena, given, strlen(given));
  if (name == NULL) return error_memory(&query->db->error);
  for (char *p = name; *p != 0; p++) {
    if (*p >= 'A' && *p <= 'Z') *p = (char)(*p - 'A' + 'a');
  }
  int rc = type_parse(name, to, &query->db->error);
  if (rc == LEDGER_UNDEFINED_TYPE && typed_find_enum(query, name, to)) {
    error_clear(&query->db->error);
    *to_name = to->labels->name;
    rc = LEDGER_OK;
  } else if (rc == LEDGER_OK) {
    if (strcmp(name, "char") == 0 || strcmp(name, "character") == 0) to->length = 1;
    *to_name = typed_name(query, to);
    if (*to_name == NULL) return LEDGER_MEMORY;
  }
  if (rc != LEDGER_OK || typed_has_cast(from, to)) return rc;
  return error_set(&query->db->error, LEDGER_CANNOT_COERCE, "cannot cast type %s to %s",
                   typed_kind(query, from), typed_kind(query, to));
}

/* ---- aggregates */

static int typed_no_function(struct query *query, const char *name, const struct type *type) {
  error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION, "function %s(%s) does not exist", name,
            typed_kind(query, type));
  return error_hint(&query->db->error, typed_hint_function);
}

static bool typed_has_extreme(const struct type *type) {
  if (type->is_array) return true;
  switch (type->id) {
  case TYPE_BOOLEAN:
  case TYPE_UUID:
  case TYPE_JSON:
  case TYPE_JSONB:
  case TYPE_XML:
  case TYPE_BYTEA:
  case TYPE_CIDR:
  case TYPE_NONE: return false;
  default: return true;
  }
}

/* The type of an aggregate over what item->type is; its own names of types are static. */
static int typed_aggregate(struct query *query, struct query_item *item) {
  const char *name = query_aggregate_name(item->aggregate);
  struct type *type = &item->type;
  enum type_id id = type->is_array ? TYPE_NONE : type->id;
  switch (item->aggregate) {
  case QUERY_COUNT: id = TYPE_INT8; break;
  case QUERY_MAX:
  case QUERY_MIN:
    if (!typed_has_extreme(type)) return typed_no_function(query, name, type);
    if (id == TYPE_VARCHAR || id == TYPE_NAME) id = TYPE_TEXT;
    if (id == TYPE_TEXT) break;
    return LEDGER_OK;
  case QUERY_SUM:
    if (id == TYPE_INT2 || id == TYPE_INT4)
      id = TYPE_INT8;
    else if (id == TYPE_INT8)
      id = TYPE_NUMERIC;
    else if (id != TYPE_NUMERIC && id != TYPE_FLOAT4 && id != TYPE_FLOAT8 && id != TYPE_INTERVAL)
      return typed_no_function(query, name, type);
    break;
  default:
    if (typed_is_integer(type))
      id = TYPE_NUMERIC;
    else if (typed_is_real(type))
      id = TYPE_FLOAT8;
    else if (id != TYPE_NUMERIC && id != TYPE_INTERVAL)
      return typed_no_function(query, name, type);
    break;
  }
  *type = (struct type){.id = id, .length = -1};
  item->type_name = typed_name(query, type);
  return item->type_name == NULL ? LEDGER_MEMORY : LEDGER_OK;
}

LEDGER_PRIVATE const char *query_aggregate_name(enum query_aggregate aggregate) {
  static const char *const names[] = {"", "count", "sum", "avg", "max", "min"};
  return names[aggregate];
}

/* ---- select= */

/* What an item is called where it has no alias: its column, or the last member of its path, or its aggregate. */
static void typed_item_name(struct query_item *item) {
  const char *name = item->field.name;
  size_t length = item->field.length;
  for (int i = item->field.step_count - 1; i >= 0; i--) {
    if (item->field.steps[i].is_index) continue;
    name = item->field.steps[i].key;
    length = item->field.steps[i].length;
    break;
  }
  if (item->aggregate != QUERY_NO_AGGREGATE) {
    name = query_aggregate_name(item->aggregate);
    length = strlen(name);
  }
  if (item->kind == QUERY_EMBEDDED) {
    name = item->embedded->alias != NULL ? item->embedded->alias : item->embedded->name;
    length = strlen(name);
  }
  if (item->alias != NULL) {
    name = item->alias;
    length = strlen(name);
  }
  item->name = name;
  item->name_length = length;
}

static int typed_item(struct query *query, const struct query_resource *resource,
                      struct query_item *item) {
  int rc = LEDGER_OK;
  /* In PostgreSQL t.count is count(t) where t has no such column; many ask so for how many are embedded. */
  if (item->aggregate == QUERY_NO_AGGREGATE && item->field.step_count == 0 &&
      item->field.length == 5 && memcmp(item->field.name, "count", 5) == 0 &&
      catalog_column(resource->relation, "count", 5) < 0) {
    item->aggregate = QUERY_COUNT;
    item->aggregate_cast = item->cast;
    item->cast = NULL;
    item->field = (struct query_field){.name = "", .column = -1};
  }
  typed_item_name(item);
  bool is_shown = item->cast == NULL && item->aggregate == QUERY_NO_AGGREGATE;
  bool counts_rows = item->aggregate == QUERY_COUNT && item->field.length == 0;
  if (!counts_rows) rc = typed_field(query, resource, &item->field, is_shown);
  if (rc != LEDGER_OK) return rc;
  item->type = item->field.type;
  item->type_name = item->field.type_name;
  if (item->cast != NULL)
    rc = typed_cast(query, &item->field.type, item->cast, &item->type, &item->type_name);
  item->cast_type = item->type;
  item->cast_type_name = item->type_name;
  if (rc == LEDGER_OK && item->aggregate != QUERY_NO_AGGREGATE) rc = typed_aggregate(query, item);
  item->result_type = item->type;
  if (rc == LEDGER_OK && item->aggregate_cast != NULL) {
    struct type from = item->type;
    rc = typed_cast(query, &from, item->aggregate_cast, &item->type, &item->type_name);
  }
  return rc;
}

/* Puts the relation's columns in the place of a star; returns the last of them. NULL: memory. */
static struct query_item *typed_star(struct query *query, struct query_resource *resource,
                                     struct query_item *star) {
  const struct relation *relation = resource->relation;
  struct query_item *items =
      arena_alloc(&query->db->arena, (size_t)relation->column_count * sizeof *items);
  if (items == NULL) {
    error_memory(&query->db->error);
    return NULL;
  }
  struct query_item *rest = star->next, *last = star;
  for (int i = 0; i < relation->column_count; i++) {
    const struct column *column = &relation->columns[i];
    struct query_item *item = i == 0 ? star : &items[i];
    *item = (struct query_item){.kind = QUERY_FIELD, .name = column->name};
    item->name_length = strlen(column->name);
    item->field = (struct query_field){
        .name = column->name, .length = item->name_length, .column = i, .type = column->type};
    item->field.type_name = item->type_name = item->cast_type_name = column->type_name;
    item->type = item->cast_type = item->result_type = column->type;
    last->next = i == 0 ? NULL : item;
    last = item;
  }
  last->next = rest;
  resource->item_count += relation->column_count - 1;
  return last;
}

static int typed_items(struct query *query, struct query_resource *resource) {
  int rc = LEDGER_OK;
  if (resource->depth == 0 && !resource->has_items) {
    struct query_item *star = typed_alloc(query, sizeof *star);
    if (star == NULL) return LEDGER_MEMORY;
    star->kind = QUERY_STAR;
    resource->items = star;
    resource->item_count = 1;
  }
  for (struct query_item *item = resource->items; item != NULL && rc == LEDGER_OK;
       item = item->next) {
    if (item->kind == QUERY_EMBEDDED) {
      typed_item_name(item);
      item->type = typed_json;
      item->type_name = "json";
    } else if (item->kind == QUERY_FIELD) {
      rc = typed_item(query, resource, item);
      if (item->aggregate != QUERY_NO_AGGREGATE) resource->has_aggregate = true;
    } else if (resource->relation->column_count > 0) {
      item = typed_star(query, resource, item);
      if (item == NULL) return LEDGER_MEMORY;
    }
    if (resource->item_count > LEDGER_COLUMN_MAX)
      return query_refuse(query, NULL, LEDGER_TOO_MANY_COLUMNS,
                          "target lists can have at most %d entries", LEDGER_COLUMN_MAX);
  }
  return rc;
}

/* ---- filters */

static int typed_no_operator(struct query *query, const struct query_condition *condition) {
  if (strcmp(condition->operator->symbol, "<@") ==
      0) { /* an element of a range, or of a multirange? */
    error_set(&query->db->error, LEDGER_AMBIGUOUS_FUNCTION, "operator is not unique: %s <@ unknown",
              typed_kind(query, &condition->field.type));
    return error_hint(&query->db->error, "Could not choose a best candidate operator. You might "
                                         "need to add explicit type casts.");
  }
  error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION, "operator does not exist: %s %s unknown",
            typed_kind(query, &condition->field.type), condition->operator->symbol);
  return error_hint(&query->db->error, typed_hint_operator);
}

static int typed_new_values(struct query *query, struct query_condition *condition, size_t count) {
  condition->value_count = 0;
  condition->values = typed_alloc(query, count * sizeof *condition->values + 1);
  return condition->values == NULL ? LEDGER_MEMORY : LEDGER_OK;
}

/* Of the type, but without its length: no literal is too long to compare with. */
static struct type typed_bare(const struct type *type) {
  struct type bare = *type;
  bare.length = -1;
  bare.scale = 0;
  bare.fields = 0;
  return bare;
}

/* The elements of {a,b}, each as what they are compared with. */
static int typed_elements(struct query *query, struct query_condition *condition,
                          const struct type *element) {
  struct type type = *element;
  struct value whole;
  struct array array;
  type.is_array = true;
  const struct query_text *text = &condition->texts[0];
  int rc =
      type_input(&type, text->text, text->length, &query->db->arena, &whole, &query->db->error);
  if (rc == LEDGER_OK)
    rc =
        array_read(element, whole.text, whole.length, &query->db->arena, &array, &query->db->error);
  if (rc != LEDGER_OK) return rc;
  query->value_count += (int)(array.count > INT_MAX / 2 ? INT_MAX / 2 : array.count);
  if (array.count > QUERY_VALUES_MAX || query->value_count > QUERY_VALUES_MAX)
    return query_refuse(query, NULL, LEDGER_TOO_COMPLEX, "more than %d values in a query",
                        QUERY_VALUES_MAX);
  condition->values = array.values;
  condition->value_count = (int)array.count;
  return LEDGER_OK;
}

static int typed_compares(struct query *query, struct query_condition *condition) {
  const struct type *type = &condition->field.type;
  if (!type->is_array && (type->id == TYPE_JSON || type->id == TYPE_XML))
    return typed_no_operator(query, condition);
  struct type bare = typed_bare(type);
  bool is_list = condition->operator->shape == QUERY_LISTS || condition->quantifier != QUERY_ONE;
  if (is_list && type->is_array)
    return error_set(&query->db->error, LEDGER_UNDEFINED_TYPE,
                     "could not find array type for data type %s", typed_kind(query, type));
  if (condition->quantifier != QUERY_ONE) return typed_elements(query, condition, &bare);
  int rc = typed_new_values(query, condition, (size_t)condition->text_count);
  for (int i = 0; i < condition->text_count && rc == LEDGER_OK; i++) {
    const struct query_text *text = &condition->texts[i];
    rc = type_input(&bare, text->text, text->length, &query->db->arena, &condition->values[i],
                    &query->db->error);
    condition->value_count++;
  }
  return rc;
}

static int typed_matches(struct query *query, struct query_condition *condition) {
  if (!query_is_string(&condition->field.type)) return typed_no_operator(query, condition);
  const struct query_text *text = &condition->texts[0];
  char *pattern = arena_copy(&query->db->arena, text->text, text->length);
  if (pattern == NULL) return error_memory(&query->db->error);
  bool is_like = condition->operator->symbol[1] == '~'; /* ~~ and ~~*, not ~ and ~* */
  for (size_t i = 0; is_like && i < text->length; i++) {
    if (pattern[i] == '*') pattern[i] = '%'; /* a % must be written %25 in a URL */
  }
  if (condition->quantifier != QUERY_ONE) {
    struct query_text changed = {.text = pattern, .length = text->length};
    condition->texts = &changed;
    int rc = typed_elements(query, condition, &typed_text);
    condition->texts = text;
    return rc;
  }
  int rc = typed_new_values(query, condition, 1);
  if (rc != LEDGER_OK) return rc;
  condition->values[0] =
      (struct value){.kind = VALUE_TEXT, .text = pattern, .length = text->length};
  condition->value_count = 1;
  return LEDGER_OK;
}

static int typed_is(struct query *query, struct query_condition *condition) {
  static const char *const words[] = {"true", "TRUE", "false", "FALSE", "unknown", "UNKNOWN"};
  const struct type *type = &condition->field.type;
  if (condition->is_boolean == NULL || (type->id == TYPE_BOOLEAN && !type->is_array))
    return LEDGER_OK;
  const char *word = "";
  for (int i = 0; i < 6; i += 2) {
    if (strcmp(words[i], condition->is_boolean) == 0) word = words[i + 1];
  }
  return error_set(&query->db->error, LEDGER_DATATYPE_MISMATCH,
                   "argument of IS %s must be type boolean, not type %s", word,
                   typed_kind(query, type));
}

/* @>, <@, && of arrays, the first two of jsonb, and && << >> of inet. */
static int typed_contains(struct query *query, struct query_condition *condition) {
  const struct type *type = &condition->field.type;
  const char *symbol = condition->operator->symbol;
  bool is_network = !type->is_array && (type->id == TYPE_INET || type->id == TYPE_CIDR);
  bool fits = strcmp(symbol, "&&") == 0 ? type->is_array || is_network
              : strcmp(symbol, "@>") == 0 || strcmp(symbol, "<@") == 0
                  ? type->is_array || type->id == TYPE_JSONB
              : strcmp(symbol, "<<") == 0 || strcmp(symbol, ">>") == 0 ? is_network
                                                                       : false;
  if (!fits) return typed_no_operator(query, condition);
  struct type bare = typed_bare(type);
  int rc = typed_new_values(query, condition, 1);
  if (rc != LEDGER_OK) return rc;
  condition->value_count = 1;
  return type_input(&bare, condition->texts[0].text, condition->texts[0].length, &query->db->arena,
                    &condition->values[0], &query->db->error);
}

/* resource=is.null: there are no rows of it. */
static int typed_embed_is_null(struct query *query, struct query_condition *condition,
                               const struct query_resource *embedded) {
  if (condition->operator->shape != QUERY_IS || condition->is_boolean != NULL) {
    const char *name = embedded->alias != NULL ? embedded->alias : embedded->name;
    int rc = query_refuse(query, "PGRST120", LEDGER_BAD_QUERY,
                          "Bad operator on the '%.200s' embedded resource", name);
    error_detail(&query->db->error,
                 "Only is null or not is null filters are allowed on embedded resources");
    return rc;
  }
  condition->kind = QUERY_EMBED_IS_NULL;
  if (strcmp(condition->is, "NULL") != 0) condition->negated = !condition->negated;
  condition->embedded = embedded;
  return LEDGER_OK;
}

static int typed_condition(struct query *query, const struct query_resource *resource,
                           struct query_condition *condition) {
  int rc = LEDGER_OK;
  if (condition->kind == QUERY_AND || condition->kind == QUERY_OR) {
    for (struct query_condition *child = condition->first; child != NULL && rc == LEDGER_OK;
         child = child->next)
      rc = typed_condition(query, resource, child);
    return rc;
  }
  struct query_field *field = &condition->field;
  bool may_embed =
      query->ask == NULL || query->ask->verb == LEDGER_VERB_READ || resource->depth > 0;
  if (field->step_count == 0 && resource->first != NULL && may_embed) {
    const struct query_resource *embedded = query_embedded(resource, field->name, field->length);
    bool is_alias =
        embedded != NULL && embedded->alias != NULL && strlen(embedded->alias) != field->length;
    bool is_test = condition->operator->shape == QUERY_IS && condition->is_boolean == NULL;
    if (embedded != NULL && !is_alias &&
        (is_test || catalog_column(resource->relation, field->name, field->length) < 0))
      return typed_embed_is_null(query, condition, embedded);
  }
  enum query_shape shape = condition->operator->shape;
  bool is_test = shape == QUERY_IS && condition->is_boolean == NULL;
  rc = typed_field(query, resource, field, is_test);
  if (rc != LEDGER_OK) return rc;
  switch (shape) {
  case QUERY_COMPARES:
  case QUERY_DIFFERS:
  case QUERY_LISTS: return typed_compares(query, condition);
  case QUERY_MATCHES: return typed_matches(query, condition);
  case QUERY_IS: return typed_is(query, condition);
  case QUERY_CONTAINS: return typed_contains(query, condition);
  case QUERY_SEARCHES: break;
  }
  error_set(&query->db->error, LEDGER_UNSUPPORTED, "full-text search is not supported");
  return error_hint(&query->db->error, "Use ilike or imatch.");
}

/* ---- order */

static int typed_order(struct query *query, struct query_resource *resource,
                       struct query_order *order) {
  const struct query_resource *of = resource;
  if (order->resource != NULL) {
    of = query_embedded(resource, order->resource, order->resource_length);
    if (of == NULL) {
      int rc =
          query_refuse(query, "PGRST108", LEDGER_BAD_QUERY,
                       "'%.200s' is not an embedded resource in this request", order->resource);
      error_hint(&query->db->error,
                 "Verify that '%.200s' is included in the 'select' query parameter.",
                 order->resource);
      return rc;
    }
    const char *name = of->alias != NULL ? of->alias : of->name;
    if (of->to_parent.cardinality != QUERY_TO_ONE && !of->to_parent.is_one_to_one) {
      int rc = query_refuse(query, "PGRST118", LEDGER_BAD_QUERY,
                            "A related order on '%.200s' is not possible", name);
      error_detail(&query->db->error,
                   "'%s' and '%.200s' do not form a many-to-one or one-to-one relationship",
                   resource->relation->name, name);
      return rc;
    }
    order->embedded = of;
  }
  int rc = typed_field(query, of, &order->field, false);
  if (rc != LEDGER_OK) return rc;
  const struct type *type = &order->field.type;
  if (type->is_array || (type->id != TYPE_JSON && type->id != TYPE_XML)) return LEDGER_OK;
  error_set(&query->db->error, LEDGER_UNDEFINED_FUNCTION,
            "could not identify an ordering operator for type %s", typed_kind(query, type));
  return error_hint(&query->db->error, "Use an explicit ordering operator or modify the query.");
}

static int typed_resource(struct query *query, struct query_resource *resource);

/* An aggregate in what is spread is one over the rows that it is spread into. */
static int typed_child(struct query *query, struct query_resource *parent,
                       struct query_resource *child) {
  int rc = typed_resource(query, child);
  if (rc != LEDGER_OK || !child->is_spread || !child->has_aggregate) return rc;
  parent->has_aggregate = true;
  if (child->to_parent.cardinality == QUERY_TO_ONE) return LEDGER_OK;
  rc = query_refuse(query, "PGRST127", LEDGER_UNSUPPORTED, "Feature not implemented");
  error_detail(&query->db->error,
               "Aggregates are not implemented for one-to-many or many-to-many spreads.");
  return rc;
}

/* Where rows are grouped, only what they are grouped by can order them. */
static int typed_grouped_order(struct query *query, const struct query_resource *resource) {
  for (const struct query_order *order = resource->orders; order != NULL; order = order->next) {
    bool is_grouped = order->resource != NULL;
    for (const struct query_item *item = resource->items; item != NULL; item = item->next)
      is_grouped |= item->kind == QUERY_FIELD && item->aggregate == QUERY_NO_AGGREGATE &&
                    item->field.column == order->field.column;
    if (!is_grouped)
      return error_set(&query->db->error, LEDGER_GROUPING,
                       "column \"%s.%s\" must appear in the GROUP BY clause or be used in an "
                       "aggregate function",
                       resource->sql_name, resource->relation->columns[order->field.column].name);
  }
  return LEDGER_OK;
}

static int typed_resource(struct query *query, struct query_resource *resource) {
  int rc = typed_items(query, resource);
  for (struct query_resource *child = resource->first; child != NULL && rc == LEDGER_OK;
       child = child->next)
    rc = typed_child(query, resource, child);
  if (rc == LEDGER_OK) rc = typed_condition(query, resource, &resource->where);
  for (struct query_order *order = resource->orders; order != NULL && rc == LEDGER_OK;
       order = order->next)
    rc = typed_order(query, resource, order);
  if (rc == LEDGER_OK && resource->has_aggregate) rc = typed_grouped_order(query, resource);
  return rc;
}

LEDGER_PRIVATE int type_query(struct query *query) {
  return typed_resource(query, &query->root);
}
