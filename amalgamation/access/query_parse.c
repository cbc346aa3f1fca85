/*
** query_parse.c: the query string into a tree. The grammar is PostgREST's:
**
**   query      := parameter { '&' parameter }              %xx and + are decoded
**   select     = [item {, item}]
**   item       := *  |  [alias:]field[::cast][.aggregate()[::cast]]  |  [alias:]count()[::cast]
**               | [alias:]resource[!hint][!inner|!left]([item {, item}])  |  ...resource[!hint][!inner|!left]([item {, item}])
**   field      := name{->key|->>key|->index|->>index}      a name may be "quoted"
**   [path.]order  = term {, term}     term := field | resource(field), then [.asc|.desc][.nullsfirst|.nullslast]
**   [path.]limit, [path.]offset = number
**   [path.][not.]and, or = (condition {, condition})       path := resource{.resource}
**   [path.]field = [not.]operation
**   condition  := field.[not.]operation | [not.]and(condition {, condition}) | [not.]or(...)
**   operation  := operator[(any)|(all)].value | in.(value {, value}) | is.word | isdistinct.value
**   columns, on_conflict = name {, name}
** A value ends with the parameter; inside parentheses at a comma or the closing one, unless it is "quoted" or {braced}.
*/
#include "../internal.h"

static const struct query_operator parse_operators[] = {
    {"eq", QUERY_COMPARES, true, "=", "="},
    {"neq", QUERY_COMPARES, false, "<>", "<>"},
    {"gte", QUERY_COMPARES, true, ">=", ">="},
    {"gt", QUERY_COMPARES, true, ">", ">"},
    {"lte", QUERY_COMPARES, true, "<=", "<="},
    {"lt", QUERY_COMPARES, true, "<", "<"},
    {"like", QUERY_MATCHES, true, "pg_textlike", "~~"},
    {"ilike", QUERY_MATCHES, true, "pg_texticlike", "~~*"},
    {"match", QUERY_MATCHES, true, "pg_textregexeq", "~"},
    {"imatch", QUERY_MATCHES, true, "pg_texticregexeq", "~*"},
    {"cs", QUERY_CONTAINS, false, "contains", "@>"},
    {"cd", QUERY_CONTAINS, false, "contained", "<@"},
    {"ov", QUERY_CONTAINS, false, "overlap", "&&"},
    {"sl", QUERY_CONTAINS, false, "sub", "<<"},
    {"sr", QUERY_CONTAINS, false, "sup", ">>"},
    {"nxr", QUERY_CONTAINS, false, "", "&<"},
    {"nxl", QUERY_CONTAINS, false, "", "&>"},
    {"adj", QUERY_CONTAINS, false, "", "-|-"},
};
static const struct query_operator parse_in = {"in", QUERY_LISTS, false, "IN", "="};
static const struct query_operator parse_is = {"is", QUERY_IS, false, "IS", "IS"};
static const struct query_operator parse_differs = {"isdistinct", QUERY_DIFFERS, false, "IS NOT",
                                                    "="};
static const struct query_operator parse_searches[] = {
    {"fts", QUERY_SEARCHES, false, "to_tsquery", "@@"},
    {"plfts", QUERY_SEARCHES, false, "plainto_tsquery", "@@"},
    {"phfts", QUERY_SEARCHES, false, "phraseto_tsquery", "@@"},
    {"wfts", QUERY_SEARCHES, false, "websearch_to_tsquery", "@@"},
};

enum parse_kind {
  PARSE_FILTER,
  PARSE_LOGIC,
  PARSE_ORDER,
  PARSE_LIMIT,
  PARSE_OFFSET,
  PARSE_SELECT,
  PARSE_COLUMNS,
  PARSE_CONFLICT
};

struct parse_parameter {
  enum parse_kind kind;
  bool has_value;
  struct query_text key, value;
  int path_count; /* of resources before the last part of the key */
  struct query_text *path;
  struct query_condition *condition;
  struct query_order *orders;
  int64_t number;
};

/* ---- memory */

/* Zeroed memory for the tree. */
static void *parse_alloc(struct query_scan *scan, size_t size) {
  void *memory = arena_alloc(&scan->query->db->arena, size);
  if (memory == NULL)
    scan_stop(scan, error_memory(&scan->query->db->error));
  else
    memset(memory, 0, size);
  return memory;
}

/* The text with a NUL behind it; NULL: memory. */
static const char *parse_copy(struct query_scan *scan, const struct query_text *text) {
  const char *copy = arena_copy(&scan->query->db->arena, text->text, text->length);
  if (copy == NULL) scan_stop(scan, error_memory(&scan->query->db->error));
  return copy;
}

static bool parse_too_complex(struct query_scan *scan, const char *what, int most) {
  scan_stop(scan,
            query_refuse(scan->query, NULL, LEDGER_TOO_COMPLEX, "more than %d %s", most, what));
  return false;
}

/* ---- fields */

/* What may stand behind an index for it to be one. */
static bool parse_index_end(struct query_scan *scan) {
  if (scan->at < scan->end && *scan->at == ')') return true;
  return scan_ahead(scan, "->", "\"->\"") || scan_ahead(scan, "::", "\"::\"") ||
         scan_ahead(scan, ".", "\".\"") || scan_ahead(scan, ",", "\",\"") || scan_at_end(scan);
}

static bool parse_index(struct query_scan *scan, struct query_step *step) {
  const char *start = scan->at;
  struct scan_mark mark = scan_try(scan);
  bool found = scan_char(scan, '-', "\"-\"") || true;
  const char *digits = scan->at;
  while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
  found = scan->at > digits;
  if (found) scan->failure.is_set = false;
  scan_fail(scan, scan->at, scan->at, false, "digit");
  if (found && parse_index_end(scan)) {
    step->is_index = true;
    step->key = start;
    step->length = (size_t)(scan->at - start);
    return true;
  }
  scan_back(scan, &mark);
  return false;
}

/* ->key and ->>key as often as they stand there. */
static bool parse_steps(struct query_scan *scan, struct query_field *field) {
  struct query_step steps[QUERY_STEPS_MAX];
  int count = 0;
  for (;;) {
    struct query_step step = {0};
    if (scan_word(scan, "->>", "\"->>\""))
      step.is_text = true;
    else if (!scan_word(scan, "->", "\"->\""))
      break;
    if (count == QUERY_STEPS_MAX) return parse_too_complex(scan, "steps in a path", count);
    if (!parse_index(scan, &step)) {
      struct query_text key;
      if (!scan_key(scan, &key)) return false;
      step.key = key.text;
      step.length = key.length;
    }
    steps[count++] = step;
  }
  if (count == 0) return true;
  struct query_step *kept = parse_alloc(scan, (size_t)count * sizeof *kept);
  if (kept == NULL) return false;
  memcpy(kept, steps, (size_t)count * sizeof *kept);
  field->steps = kept;
  field->step_count = count;
  return true;
}

static bool parse_field(struct query_scan *scan, struct query_field *field) {
  struct query_text name;
  *field = (struct query_field){.column = -1};
  scan_spaces(scan);
  if (!scan_name(scan, &name)) return false;
  field->name = name.text;
  field->length = name.length;
  if (!parse_steps(scan, field)) return false;
  scan_spaces(scan);
  return true;
}

/* ---- select */

static bool parse_items(struct query_scan *scan, struct query_resource *resource);

/* What may follow an item. */
static bool parse_item_end(struct query_scan *scan) {
  return scan_ahead(scan, ")", "\")\"") || scan_ahead(scan, ",", "\",\"") || scan_at_end(scan);
}

/* alias: where one stands there, but not name::cast */
static bool parse_alias(struct query_scan *scan, const char **alias) {
  struct query_text name;
  struct scan_mark mark = scan_try(scan);
  bool found = scan_name(scan, &name) && scan_char(scan, ':', "\":\"");
  if (found && scan->at < scan->end && *scan->at == ':') {
    scan_fail(scan, scan->at + 1, scan->at, true, NULL);
    found = false;
  }
  if (!found) {
    scan_back(scan, &mark);
    return scan->rc == LEDGER_OK;
  }
  *alias = parse_copy(scan, &name);
  return *alias != NULL;
}

static bool parse_cast(struct query_scan *scan, const char **cast) {
  struct query_text name;
  if (!scan_word(scan, "::", "\"::\"")) return true;
  if (!scan_identifier(scan, &name)) return false;
  *cast = parse_copy(scan, &name);
  return *cast != NULL;
}

/* A word of which nothing more follows: !leftover is a hint. */
static bool parse_whole_word(struct query_scan *scan, const char *word) {
  size_t length = strlen(word);
  size_t left = (size_t)(scan->end - scan->at);
  if (left < length || memcmp(scan->at, word, length) != 0) return false;
  if (left > length && strchr("!( \t", scan->at[length]) == NULL) return false;
  scan->at += length;
  scan->failure.is_set = false;
  return true;
}

/* !hint, !inner, !left: at most two of them, the first of a kind counts. */
static bool parse_embed_words(struct query_scan *scan, struct query_resource *resource) {
  bool has_join = false;
  for (int i = 0; i < 2; i++) {
    struct query_text hint;
    if (!scan_char(scan, '!', "\"!\"")) return true;
    bool is_left = parse_whole_word(scan, "left");
    if (is_left || parse_whole_word(scan, "inner")) {
      if (!has_join) resource->join = is_left ? QUERY_LEFT : QUERY_INNER;
      has_join = true;
      continue;
    }
    if (!scan_name(scan, &hint)) return false;
    if (resource->hint != NULL) continue;
    resource->hint = parse_copy(scan, &hint);
    if (resource->hint == NULL) return false;
  }
  return true;
}

/* [alias:]name!hint!inner, up to the parenthesis. */
static bool parse_embed_head(struct query_scan *scan, struct query_resource *resource) {
  struct query_text name;
  scan_spaces(scan);
  if (resource->is_spread) {
    if (!scan_word(scan, "...", "\"...\"") && !scan_word(scan, "..", NULL)) return false;
  } else if (!parse_alias(scan, &resource->alias)) {
    return false;
  }
  if (!scan_name(scan, &name)) return false;
  if (!resource->is_spread && name.length == 5 && memcmp(name.text, "count", 5) == 0) return false;
  resource->name = parse_copy(scan, &name);
  resource->name_length = name.length;
  if (resource->name == NULL || !parse_embed_words(scan, resource)) return false;
  if (!scan_ahead(scan, "(", "\"(\"")) return false;
  return true;
}

static struct query_item *parse_new_item(struct query_scan *scan, struct query_resource *resource) {
  if (resource->item_count == LEDGER_COLUMN_MAX) {
    scan_stop(scan, query_refuse(scan->query, NULL, LEDGER_TOO_MANY_COLUMNS,
                                 "target lists can have at most %d entries", LEDGER_COLUMN_MAX));
    return NULL;
  }
  struct query_item *item = parse_alloc(scan, sizeof *item);
  if (item == NULL) return NULL;
  item->field.column = -1;
  if (resource->last_item == NULL)
    resource->items = item;
  else
    resource->last_item->next = item;
  resource->last_item = item;
  resource->item_count++;
  return item;
}

/* A resource whose head was read, with what stands in its parentheses. */
static bool parse_embedded(struct query_scan *scan, struct query_resource *parent,
                           const struct query_resource *head) {
  struct query *query = scan->query;
  if (query->embed_count == QUERY_EMBED_MAX)
    return parse_too_complex(scan, "embedded resources", QUERY_EMBED_MAX);
  if (parent->depth == QUERY_EMBED_DEPTH_MAX)
    return parse_too_complex(scan, "resources within one another", QUERY_EMBED_DEPTH_MAX);
  struct query_item *item = parse_new_item(scan, parent);
  struct query_resource *resource = item == NULL ? NULL : parse_alloc(scan, sizeof *resource);
  if (resource == NULL) return false;
  *resource = *head;
  resource->parent = parent;
  resource->number = ++query->embed_count;
  resource->depth = parent->depth + 1;
  resource->limit = -1;
  item->kind = QUERY_EMBEDDED;
  item->embedded = resource;
  if (parent->last == NULL)
    parent->first = resource;
  else
    parent->last->next = resource;
  parent->last = resource;
  if (!scan_char(scan, '(', "\"(\"") || !parse_items(scan, resource)) return false;
  return scan_char(scan, ')', "\")\"");
}

static bool parse_aggregate(struct query_scan *scan, enum query_aggregate *out) {
  static const struct {
    const char *word, *label;
    enum query_aggregate aggregate;
  } words[] = {{"sum", "\"sum\"", QUERY_SUM},
               {"avg", "\"avg\"", QUERY_AVG},
               {"count", "\"count\"", QUERY_COUNT},
               {"max", "\"max\"", QUERY_MAX},
               {"min", "\"min\"", QUERY_MIN}};
  struct scan_mark mark = scan_try(scan);
  bool found = scan_char(scan, '.', "\".\"");
  for (size_t i = 0; found && *out == QUERY_NO_AGGREGATE && i < 5; i++) {
    if (scan_word(scan, words[i].word, words[i].label)) *out = words[i].aggregate;
  }
  if (found && *out != QUERY_NO_AGGREGATE && scan_word(scan, "()", "\"()\"")) return true;
  *out = QUERY_NO_AGGREGATE;
  scan_back(scan, &mark);
  return false;
}

/* The three forms of what is no resource: *, count(), a field. */
static bool parse_star(struct query_scan *scan, struct query_item *item) {
  struct scan_mark mark = scan_try(scan);
  item->kind = QUERY_STAR;
  if (scan_char(scan, '*', "\"*\"") && parse_item_end(scan)) return true;
  scan_back(scan, &mark);
  return false;
}

static bool parse_count(struct query_scan *scan, struct query_item *item) {
  struct scan_mark mark = scan_try(scan);
  item->kind = QUERY_FIELD;
  item->alias = item->aggregate_cast = NULL;
  item->aggregate = QUERY_COUNT;
  item->field = (struct query_field){.name = "", .column = -1};
  if (parse_alias(scan, &item->alias) && scan_word(scan, "count()", "\"count()\"") &&
      parse_cast(scan, &item->aggregate_cast) && parse_item_end(scan))
    return true;
  scan_back(scan, &mark);
  return false;
}

static bool parse_plain(struct query_scan *scan, struct query_item *item) {
  item->kind = QUERY_FIELD;
  item->alias = item->cast = item->aggregate_cast = NULL;
  item->aggregate = QUERY_NO_AGGREGATE;
  if (!parse_alias(scan, &item->alias) || !parse_field(scan, &item->field)) return false;
  if (!parse_cast(scan, &item->cast)) return false;
  if (parse_aggregate(scan, &item->aggregate) && !parse_cast(scan, &item->aggregate_cast))
    return false;
  if (scan->rc != LEDGER_OK) return false;
  if (item->aggregate == QUERY_NO_AGGREGATE && item->cast == NULL &&
      !parse_cast(scan, &item->cast)) /* what Parsec tries there, too */
    return false;
  return parse_item_end(scan);
}

/* The common case: a bare name up to a comma or the end. */
static bool parse_simple(struct query_scan *scan, struct query_item *item) {
  const char *at = scan->at;
  while (at < scan->end && ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') ||
                            *at == '_' || (*at >= 'A' && *at <= 'Z')))
    at++;
  if (at == scan->at || (at < scan->end && *at != ',' && *at != ')')) return false;
  item->kind = QUERY_FIELD;
  item->field =
      (struct query_field){.name = scan->at, .length = (size_t)(at - scan->at), .column = -1};
  scan->at = at;
  scan->failure.is_set = false;
  return true;
}

static bool parse_item(struct query_scan *scan, struct query_resource *resource) {
  struct query_item found = {.field = {.column = -1}};
  if (!parse_simple(scan, &found)) {
    for (int spread = 1; spread >= 0; spread--) {
      struct scan_mark mark = scan_try(scan);
      struct query_resource head = {.is_spread = spread == 1};
      if (parse_embed_head(scan, &head)) return parse_embedded(scan, resource, &head);
      scan_back(scan, &mark);
      if (scan->rc != LEDGER_OK) return false;
    }
    scan_spaces(scan);
    if (!parse_star(scan, &found) && !parse_count(scan, &found) &&
        (scan->rc != LEDGER_OK || !parse_plain(scan, &found)))
      return false;
    scan_spaces(scan);
  }
  struct query_item *item = parse_new_item(scan, resource);
  if (item == NULL) return false;
  *item = found;
  return true;
}

static bool parse_items(struct query_scan *scan, struct query_resource *resource) {
  const char *start = scan->at;
  if (!parse_item(scan, resource)) return scan->rc == LEDGER_OK && scan->at == start;
  for (;;) {
    struct scan_mark mark = scan_try(scan);
    scan_spaces(scan);
    bool is_comma = scan_char(scan, ',', "\",\"");
    if (!is_comma) {
      scan_back(scan, &mark);
      return true;
    }
    scan_spaces(scan);
    if (!parse_item(scan, resource)) return false;
  }
}

/* ---- order */

static bool parse_direction(struct query_scan *scan, struct query_order *order) {
  struct scan_mark mark = scan_try(scan);
  if (scan_point(scan)) {
    if (scan_word(scan, "asc", "\"asc\"")) return true;
    if (scan_word(scan, "desc", "\"desc\"")) {
      order->descending = order->nulls_first = true;
      return true;
    }
  }
  scan_back(scan, &mark);
  return false;
}

static bool parse_nulls(struct query_scan *scan, struct query_order *order) {
  struct scan_mark mark = scan_try(scan);
  if (scan_point(scan)) {
    bool is_first = scan_word(scan, "nullsfirst", "\"nullsfirst\"");
    if (is_first || scan_word(scan, "nullslast", "\"nullslast\"")) {
      order->nulls_first = is_first;
      return true;
    }
  }
  scan_back(scan, &mark);
  return false;
}

static bool parse_order_end(struct query_scan *scan, struct query_order *order) {
  parse_direction(scan, order);
  parse_nulls(scan, order);
  return scan_ahead(scan, ",", "\",\"") || scan_at_end(scan);
}

/* resource(field) */
static bool parse_related_term(struct query_scan *scan, struct query_order *order) {
  struct query_text name;
  struct scan_mark mark = scan_try(scan);
  if (scan_name(scan, &name) && scan_char(scan, '(', "\"(\"") && parse_field(scan, &order->field) &&
      scan_char(scan, ')', "\")\"") && parse_order_end(scan, order)) {
    order->resource = parse_copy(scan, &name);
    order->resource_length = name.length;
    return order->resource != NULL;
  }
  scan_back(scan, &mark);
  return false;
}

static bool parse_term(struct query_scan *scan, struct query_order *order) {
  scan_spaces(scan);
  if (!parse_related_term(scan, order)) {
    *order = (struct query_order){0};
    if (scan->rc != LEDGER_OK || !parse_field(scan, &order->field)) return false;
    if (!parse_order_end(scan, order)) return false;
  }
  scan_spaces(scan);
  return true;
}

static bool parse_order(struct query_scan *scan, struct query_order **orders) {
  int count = 0;
  do {
    if (count++ == LEDGER_COLUMN_MAX)
      return parse_too_complex(scan, "terms to order by", LEDGER_COLUMN_MAX);
    struct query_order *order = parse_alloc(scan, sizeof *order);
    if (order == NULL || !parse_term(scan, order)) return false;
    *orders = order;
    orders = &order->next;
  } while (scan_char(scan, ',', "\",\""));
  return scan_at_end(scan);
}

/* ---- operations */

/* The text of one value: up to the end, or inside parentheses up to a comma or the closing one. A text in braces may hold commas. */
static bool parse_value(struct query_scan *scan, bool inside, bool may_brace,
                        struct query_text *out) {
  if (!inside) {
    *out = (struct query_text){.text = scan->at, .length = (size_t)(scan->end - scan->at)};
    scan->at = scan->end;
    return true;
  }
  if (scan->at < scan->end && *scan->at == '"') {
    struct scan_mark mark = scan_try(scan);
    if (scan_quoted(scan, out) && (scan->at == scan->end || *scan->at == ',' || *scan->at == ')'))
      return true;
    scan_back(scan, &mark);
    if (scan->rc != LEDGER_OK) return false;
  }
  const char *start = scan->at;
  if (may_brace && scan->at < scan->end && *scan->at == '{') {
    const char *close = memchr(scan->at, '}', (size_t)(scan->end - scan->at));
    if (close != NULL && memchr(scan->at + 1, '{', (size_t)(close - scan->at - 1)) == NULL)
      scan->at = close;
  }
  while (scan->at < scan->end && *scan->at != ',' && *scan->at != ')') scan->at++;
  if (scan->at != start) scan->failure.is_set = false;
  *out = (struct query_text){.text = start, .length = (size_t)(scan->at - start)};
  return true;
}

static bool parse_new_text(struct query_scan *scan, struct query_text **texts, int count,
                           int *room) {
  if (++scan->query->value_count > QUERY_VALUES_MAX)
    return parse_too_complex(scan, "values in a query", QUERY_VALUES_MAX);
  if (count < *room) return true;
  int wanted = *room == 0 ? 8 : *room * 4;
  struct query_text *grown = parse_alloc(scan, (size_t)wanted * sizeof *grown);
  if (grown == NULL) return false;
  if (count > 0) memcpy(grown, *texts, (size_t)count * sizeof *grown);
  *texts = grown;
  *room = wanted;
  return true;
}

/* (value,...); () is the empty list. */
static bool parse_list(struct query_scan *scan, struct query_condition *condition) {
  struct query_text *texts = NULL;
  int count = 0, room = 0;
  scan_spaces(scan);
  if (!scan_char(scan, '(', "\"(\"")) return false;
  scan_spaces(scan);
  do {
    if (!parse_new_text(scan, &texts, count, &room) ||
        !parse_value(scan, true, false, &texts[count]))
      return false;
    count++;
  } while (scan_char(scan, ',', "\",\""));
  if (count == 1 && texts[0].length == 0 && *texts[0].text != '"') count = 0;
  condition->text_count = count;
  condition->texts = texts;
  if (!scan_char(scan, ')', "\")\"")) return false;
  scan_spaces(scan);
  return true;
}

static bool parse_is_word(struct query_scan *scan, const char *word) {
  struct scan_mark mark = scan_try(scan);
  size_t i = 0, length = strlen(word);
  while (i < length && scan->at < scan->end && (*scan->at | 0x20) == (word[i] | 0x20)) {
    scan->at++;
    i++;
  }
  bool is_whole = scan->at == scan->end || *scan->at == ',' || *scan->at == ')';
  if (i == length && is_whole) {
    scan->failure.is_set = false;
    return true;
  }
  scan_fail(scan, scan->at, scan->at, false, NULL);
  scan_back(scan, &mark);
  return false;
}

static bool parse_is_value(struct query_scan *scan, struct query_condition *condition) {
  static const struct {
    const char *word, *sql;
  } words[] = {{"null", "NULL"},
               {"not_null", "NOT NULL"},
               {"true", "TRUE"},
               {"false", "FALSE"},
               {"unknown", "NULL"}};
  struct scan_mark mark = scan_try(scan);
  bool found = false;
  for (size_t i = 0; i < 5 && !found; i++) {
    found = parse_is_word(scan, words[i].word);
    if (found) condition->is = words[i].sql;
    if (found && i >= 2) condition->is_boolean = words[i].word;
  }
  return scan_label(scan, &mark, found, "isVal: (null, not_null, true, false, unknown)");
}

static bool parse_operand(struct query_scan *scan, struct query_condition *condition, bool inside) {
  struct query_text *texts = NULL;
  int room = 0;
  bool may_brace = true;
  if (!parse_new_text(scan, &texts, 0, &room) || !parse_value(scan, inside, may_brace, texts))
    return false;
  condition->texts = texts;
  condition->text_count = 1;
  return true;
}

/* (any) or (all) */
static void parse_quantifier(struct query_scan *scan, struct query_condition *condition) {
  struct scan_mark mark = scan_try(scan);
  if (scan_char(scan, '(', "\"(\"")) {
    bool is_any = scan_word(scan, "any", "\"any\"");
    if ((is_any || scan_word(scan, "all", "\"all\"")) && scan_char(scan, ')', "\")\"")) {
      condition->quantifier = is_any ? QUERY_ANY : QUERY_ALL;
      return;
    }
  }
  scan_back(scan, &mark);
}

/* A word of the table and the point behind it, with an (any) where it may stand. */
static bool parse_operator(struct query_scan *scan, struct query_condition *condition) {
  for (size_t i = 0; i < sizeof parse_operators / sizeof parse_operators[0]; i++) {
    const struct query_operator *operator= & parse_operators[i];
    struct scan_mark mark = scan_try(scan);
    if (scan_word(scan, operator->word, NULL)) {
      if (operator->has_quantifier) parse_quantifier(scan, condition);
      if (scan_point(scan)) {
        condition->operator= operator;
        return true;
      }
      condition->quantifier = QUERY_ONE;
    }
    scan_back(scan, &mark);
  }
  return false;
}

/* fts(language).words */
static bool parse_search(struct query_scan *scan, struct query_condition *condition) {
  struct query_text language;
  for (size_t i = 0; i < sizeof parse_searches / sizeof parse_searches[0]; i++) {
    struct scan_mark mark = scan_try(scan);
    if (scan_word(scan, parse_searches[i].word, NULL)) {
      struct scan_mark inner = scan_try(scan);
      if (!(scan_char(scan, '(', "\"(\"") && scan_identifier(scan, &language) &&
            scan_char(scan, ')', "\")\"")))
        scan_back(scan, &inner);
      if (scan_point(scan)) {
        condition->operator= & parse_searches[i];
        return true;
      }
    }
    scan_back(scan, &mark);
  }
  return false;
}

static bool parse_prefix(struct query_scan *scan, const char *word, const char *label) {
  struct scan_mark mark = scan_try(scan);
  if (scan_word(scan, word, label) && scan_point(scan)) return true;
  scan_back(scan, &mark);
  return false;
}

static bool parse_operation(struct query_scan *scan, struct query_condition *condition,
                            bool inside) {
  condition->kind = QUERY_CONDITION;
  condition->negated = parse_prefix(scan, "not", "\"not\"");
  struct scan_mark mark = scan_try(scan);
  bool found = parse_operator(scan, condition);
  if (found) return parse_operand(scan, condition, inside);
  if (parse_prefix(scan, "in", NULL)) {
    condition->operator= & parse_in;
    return parse_list(scan, condition);
  }
  if (parse_prefix(scan, "is", NULL)) {
    condition->operator= & parse_is;
    return parse_is_value(scan, condition);
  }
  if (parse_prefix(scan, "isdistinct", NULL)) {
    condition->operator= & parse_differs;
    return parse_operand(scan, condition, inside);
  }
  if (parse_search(scan, condition)) return parse_operand(scan, condition, inside);
  return scan_label(scan, &mark, false, "operator (eq, gt, ...)");
}

/* ---- conditions */

static struct query_condition *parse_new_condition(struct query_scan *scan) {
  if (scan->query->condition_count++ == QUERY_CONDITIONS_MAX) {
    parse_too_complex(scan, "conditions in a query", QUERY_CONDITIONS_MAX);
    return NULL;
  }
  return parse_alloc(scan, sizeof(struct query_condition));
}

static void parse_add_condition(struct query_condition *parent, struct query_condition *child) {
  if (parent->last == NULL)
    parent->first = child;
  else
    parent->last->next = child;
  parent->last = child;
}

static bool parse_logic(struct query_scan *scan, int nesting, struct query_condition **out);

/* [not.]and(...), [not.]or(...) */
static bool parse_group(struct query_scan *scan, int nesting, struct query_condition *group) {
  struct scan_mark mark = scan_try(scan);
  group->negated = parse_prefix(scan, "not", NULL);
  scan_label(scan, &mark, true, "negation operator (not)");
  mark = scan_try(scan);
  bool is_and = scan_word(scan, "and", NULL);
  bool found = is_and || scan_word(scan, "or", NULL);
  if (!scan_label(scan, &mark, found, "logic operator (and, or)")) return false;
  group->kind = is_and ? QUERY_AND : QUERY_OR;
  if (nesting == QUERY_NESTING_MAX) {
    scan_stop(scan, query_refuse(scan->query, NULL, LEDGER_TOO_COMPLEX,
                                 "conditions are nested deeper than %d", QUERY_NESTING_MAX));
    return false;
  }
  scan_spaces(scan);
  if (!scan_char(scan, '(', "\"(\"")) return false;
  do {
    struct query_condition *child;
    scan_spaces(scan);
    if (!parse_logic(scan, nesting + 1, &child)) return false;
    parse_add_condition(group, child);
    scan_spaces(scan);
  } while (scan_char(scan, ',', "\",\""));
  if (!scan_char(scan, ')', "\")\"")) return false;
  scan_spaces(scan);
  return true;
}

static bool parse_logic(struct query_scan *scan, int nesting, struct query_condition **out) {
  struct query_condition *condition = parse_new_condition(scan);
  if (condition == NULL) return false;
  *out = condition;
  struct scan_mark mark = scan_try(scan);
  int values = scan->query->value_count;
  if (parse_field(scan, &condition->field) && scan_point(scan) &&
      parse_operation(scan, condition, true))
    return true;
  scan_back(scan, &mark);
  if (scan->rc != LEDGER_OK) return false;
  scan->query->value_count = values;
  *condition = (struct query_condition){0};
  return parse_group(scan, nesting, condition);
}

/* ---- parameters */

static int parse_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Decodes %xx and +. */
static int parse_decode(struct query *query, const char *text, size_t length,
                        struct query_text *out) {
  if (memchr(text, '%', length) == NULL && memchr(text, '+', length) == NULL) {
    *out = (struct query_text){.text = text, .length = length};
  } else {
    char *decoded = arena_alloc(&query->db->arena, length + 1);
    if (decoded == NULL) return error_memory(&query->db->error);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
      char c = text[i];
      if (c == '+') {
        c = ' ';
      } else if (c == '%' && i + 2 < length && parse_digit(text[i + 1]) >= 0 &&
                 parse_digit(text[i + 2]) >= 0) {
        c = (char)(parse_digit(text[i + 1]) * 16 + parse_digit(text[i + 2]));
        i += 2;
      }
      decoded[used++] = c;
    }
    *out = (struct query_text){.text = decoded, .length = used};
  }
  return text_check(out->text, out->length, &query->db->error);
}

static bool parse_text_is(const struct query_text *text, const char *word) {
  return text->length == strlen(word) && memcmp(text->text, word, text->length) == 0;
}

/* What a parameter is, by its key, or by what stands behind its last point. */
static enum parse_kind parse_kind_of(const struct query_text *key) {
  struct query_text last = *key;
  for (size_t i = 0; i < key->length; i++) {
    if (key->text[i] == '.')
      last = (struct query_text){.text = key->text + i + 1, .length = key->length - i - 1};
  }
  if (parse_text_is(key, "select")) return PARSE_SELECT;
  if (parse_text_is(key, "columns")) return PARSE_COLUMNS;
  if (parse_text_is(key, "on_conflict")) return PARSE_CONFLICT;
  if (parse_text_is(&last, "and") || parse_text_is(&last, "or")) return PARSE_LOGIC;
  if (parse_text_is(&last, "order")) return PARSE_ORDER;
  if (parse_text_is(&last, "limit")) return PARSE_LIMIT;
  if (parse_text_is(&last, "offset")) return PARSE_OFFSET;
  return PARSE_FILTER;
}

/* Cuts the text into parameters. */
static int parse_split(struct query *query, const char *text, int *count,
                       struct parse_parameter **out) {
  size_t most = 1;
  for (const char *p = text; *p != 0; p++) most += *p == '&';
  *count = 0;
  *out = arena_alloc(&query->db->arena, most * sizeof **out);
  if (*out == NULL) return error_memory(&query->db->error);
  while (*text != 0) {
    size_t length = strcspn(text, "&");
    const char *equals = memchr(text, '=', length);
    struct parse_parameter *parameter = &(*out)[*count];
    *parameter = (struct parse_parameter){.has_value = equals != NULL};
    size_t key_length = equals == NULL ? length : (size_t)(equals - text);
    int rc = parse_decode(query, text, key_length, &parameter->key);
    if (rc == LEDGER_OK && equals != NULL)
      rc = parse_decode(query, equals + 1, length - key_length - 1, &parameter->value);
    if (rc != LEDGER_OK) return rc;
    parameter->kind = parse_kind_of(&parameter->key);
    /* PostgREST passes over a parameter without a value. The owner of the file means something. */
    if (equals == NULL && length > 0 && query->ask == NULL)
      return query_refuse(query, "PGRST100", LEDGER_SYNTAX,
                          "syntax error in \"%.*s\" at its end: an equals sign was expected",
                          (int)(length > 200 ? 200 : length), text);
    if (equals != NULL) (*count)++;
    text += length;
    if (*text == '&') text++;
  }
  return LEDGER_OK;
}

/* The names before the last point of a key; the last one, with its path into a document, is `field`. */
static int parse_path(struct query *query, struct parse_parameter *parameter,
                      struct query_field *field) {
  struct query_scan scan;
  struct query_text names[QUERY_EMBED_DEPTH_MAX + 2];
  int count = 0;
  scan_start(&scan, query, "tree path", parameter->key.text, parameter->key.length);
  do {
    if (count == QUERY_EMBED_DEPTH_MAX + 2) {
      parse_too_complex(&scan, "resources within one another", QUERY_EMBED_DEPTH_MAX);
      return scan_error(&scan);
    }
    if (!scan_name(&scan, &names[count++])) return scan_error(&scan);
  } while (scan_point(&scan));
  *field = (struct query_field){
      .name = names[count - 1].text, .length = names[count - 1].length, .column = -1};
  if (!parse_steps(&scan, field) || !scan_at_end(&scan)) return scan_error(&scan);
  parameter->path_count = count - 1;
  if (count == 1) return LEDGER_OK;
  parameter->path = parse_alloc(&scan, (size_t)count * sizeof *names);
  if (parameter->path == NULL) return LEDGER_MEMORY;
  memcpy(parameter->path, names, (size_t)count * sizeof *names);
  return LEDGER_OK;
}

/* PostgREST leaves what follows a whole select= or and=() unread. The owner of the file means something. */
static bool parse_rest(struct query_scan *scan) {
  return scan->query->ask != NULL || scan_at_end(scan);
}

static int parse_read_filter(struct query *query, struct parse_parameter *parameter) {
  struct query_scan scan;
  struct query_field field;
  int rc = parse_path(query, parameter, &field);
  if (rc != LEDGER_OK) return rc;
  scan_start(&scan, query, "filter", parameter->value.text, parameter->value.length);
  parameter->condition = parse_new_condition(&scan);
  if (parameter->condition == NULL || !parse_operation(&scan, parameter->condition, false) ||
      !parse_rest(&scan))
    return scan_error(&scan);
  parameter->condition->field = field;
  return LEDGER_OK;
}

static int parse_read_order(struct query *query, struct parse_parameter *parameter) {
  struct query_scan scan;
  struct query_field field;
  int rc = parse_path(query, parameter, &field);
  if (rc != LEDGER_OK) return rc;
  scan_start(&scan, query, "order", parameter->value.text, parameter->value.length);
  return parse_order(&scan, &parameter->orders) ? LEDGER_OK : scan_error(&scan);
}

/* [path.][not.]and=(...): read as if it stood inside another, which is what the places in messages count from. */
static int parse_read_logic(struct query *query, struct parse_parameter *parameter) {
  struct query_scan scan;
  struct query_field field;
  int rc = parse_path(query, parameter, &field), kept = 0;
  if (rc != LEDGER_OK) return rc;
  bool negated = false;
  for (int i = 0; i < parameter->path_count; i++) {
    if (parse_text_is(&parameter->path[i], "not"))
      negated = true;
    else
      parameter->path[kept++] = parameter->path[i];
  }
  parameter->path_count = kept;
  size_t length = field.length + parameter->value.length + 4;
  char *text = arena_alloc(&query->db->arena, length + 1);
  if (text == NULL) return error_memory(&query->db->error);
  sqlite3_snprintf((int)length + 1, text, "%s%.*s%.*s", negated ? "not." : "", (int)field.length,
                   field.name, (int)parameter->value.length, parameter->value.text);
  scan_start(&scan, query, "logic tree", text, strlen(text));
  scan.name = parameter->value.text;
  scan.name_length = parameter->value.length;
  if (!parse_logic(&scan, 0, &parameter->condition) || !parse_rest(&scan)) return scan_error(&scan);
  return LEDGER_OK;
}

/* What is no number is passed over, as PostgREST does; but the owner of the file means something. */
static int parse_read_number(struct query *query, struct parse_parameter *parameter) {
  struct query_field field;
  struct value value;
  int rc = parse_path(query, parameter, &field);
  if (rc != LEDGER_OK) return rc;
  const struct query_text *text = &parameter->value;
  parameter->number = parameter->kind == PARSE_LIMIT ? -1 : 0;
  if (integer_input(TYPE_INT8, text->text, text->length, &value, NULL) != LEDGER_OK) {
    if (query->ask != NULL) return LEDGER_OK;
    return query_refuse(query, "PGRST100", LEDGER_SYNTAX,
                        "syntax error in \"%.*s\": a number from 0 on was expected",
                        (int)parameter->key.length, parameter->key.text);
  }
  if (value.integer < 0 && parameter->kind == PARSE_OFFSET && query->ask != NULL) return LEDGER_OK;
  if (value.integer < 0) {
    rc = query_refuse(query, "PGRST103", LEDGER_BAD_QUERY, "Requested range not satisfiable");
    error_detail(&query->db->error, "%s should be greater than or equal to zero.",
                 parameter->kind == PARSE_LIMIT ? "Limit" : "Offset");
    return rc;
  }
  parameter->number = value.integer;
  return LEDGER_OK;
}

static int parse_read_names(struct query *query, const struct parse_parameter *parameter,
                            const char *what, int *count, const struct query_text **out) {
  struct query_scan scan;
  struct query_text *names = NULL;
  int room = 0;
  scan_start(&scan, query, what, parameter->value.text, parameter->value.length);
  *count = 0;
  do {
    if (*count == LEDGER_COLUMN_MAX) {
      parse_too_complex(&scan, "columns", LEDGER_COLUMN_MAX);
      return scan_error(&scan);
    }
    if (!parse_new_text(&scan, &names, *count, &room)) return scan_error(&scan);
    scan_spaces(&scan);
    if (!scan_name(&scan, &names[*count])) return scan_error(&scan);
    scan_spaces(&scan);
    (*count)++;
  } while (scan_char(&scan, ',', "\",\""));
  *out = names;
  return scan_at_end(&scan) ? LEDGER_OK : scan_error(&scan);
}

static int parse_read_select(struct query *query, const struct parse_parameter *parameter) {
  struct query_scan scan;
  query->root.has_items = true;
  scan_start(&scan, query, "select parameter", parameter->value.text, parameter->value.length);
  bool found = parse_items(&scan, &query->root) && parse_rest(&scan);
  bool is_empty = query->root.item_count == 0 && scan.at < scan.end;
  return found && !is_empty ? LEDGER_OK : scan_error(&scan);
}

/* ---- putting it together */

static int parse_not_embedded(struct query *query, const struct query_text *name) {
  int length = (int)(name->length > 200 ? 200 : name->length);
  int rc = query_refuse(query, "PGRST108", LEDGER_BAD_QUERY,
                        "'%.*s' is not an embedded resource in this request", length, name->text);
  error_hint(&query->db->error, "Verify that '%.*s' is included in the 'select' query parameter.",
             length, name->text);
  return rc;
}

LEDGER_PRIVATE struct query_resource *query_embedded(const struct query_resource *parent,
                                                     const char *name, size_t length) {
  for (struct query_resource *child = parent->first; child != NULL; child = child->next) {
    bool is_name = child->name_length == length && memcmp(child->name, name, length) == 0;
    bool is_alias = child->alias != NULL && strlen(child->alias) == length &&
                    memcmp(child->alias, name, length) == 0;
    if (is_name || is_alias) return child;
  }
  return NULL;
}

/* Hands a parameter to the resource that its path names. */
static int parse_attach(struct query *query, struct parse_parameter *parameter) {
  struct query_resource *resource = &query->root;
  for (int i = 0; i < parameter->path_count; i++) {
    const struct query_text *name = &parameter->path[i];
    resource = query_embedded(resource, name->text, name->length);
    if (resource == NULL) return parse_not_embedded(query, name);
  }
  switch (parameter->kind) {
  case PARSE_FILTER:
  case PARSE_LOGIC: parse_add_condition(&resource->where, parameter->condition); break;
  case PARSE_ORDER:
    if (resource->orders == NULL) resource->orders = parameter->orders; /* the first one counts */
    break;
  case PARSE_LIMIT:
    resource->limit = parameter->number; /* the last one counts */
    if (resource->depth == 0) query->has_limit = parameter->number >= 0;
    break;
  case PARSE_OFFSET:
    resource->offset = parameter->number;
    if (resource->depth == 0) query->has_offset = true;
    break;
  default: break;
  }
  return LEDGER_OK;
}

/* Calls `read` for the parameters of a kind, in the order in which PostgREST reads the kinds. */
static int parse_each(struct query *query, int count, struct parse_parameter *parameters,
                      enum parse_kind kind,
                      int (*read)(struct query *query, struct parse_parameter *parameter)) {
  int rc = LEDGER_OK;
  for (int i = 0; i < count && rc == LEDGER_OK; i++) {
    if (parameters[i].kind == kind) rc = read(query, &parameters[i]);
  }
  return rc;
}

static const struct parse_parameter *
parse_first(int count, const struct parse_parameter *parameters, enum parse_kind kind) {
  for (int i = 0; i < count; i++) {
    if (parameters[i].kind == kind) return &parameters[i];
  }
  return NULL;
}

LEDGER_PRIVATE int parse_query(struct query *query, const char *text) {
  struct parse_parameter *parameters;
  const struct parse_parameter *only;
  int count;
  int rc = parse_split(query, text, &count, &parameters);
  if (rc != LEDGER_OK) return rc;
  rc = parse_each(query, count, parameters, PARSE_ORDER, parse_read_order);
  if (rc == LEDGER_OK) rc = parse_each(query, count, parameters, PARSE_LOGIC, parse_read_logic);
  only = parse_first(count, parameters, PARSE_COLUMNS);
  query->has_columns = only != NULL;
  if (rc == LEDGER_OK && only != NULL)
    rc = parse_read_names(query, only, "columns parameter", &query->column_count, &query->columns);
  only = parse_first(count, parameters, PARSE_SELECT);
  /* What `select=` without anything means in an answer, no columns, would be no cursor. */
  bool is_meant = only != NULL && (query->ask != NULL || only->value.length > 0);
  if (rc == LEDGER_OK && is_meant) rc = parse_read_select(query, only);
  if (rc == LEDGER_OK) rc = parse_each(query, count, parameters, PARSE_FILTER, parse_read_filter);
  only = parse_first(count, parameters, PARSE_CONFLICT);
  if (rc == LEDGER_OK && only != NULL)
    rc = parse_read_names(query, only, "on_conflict parameter", &query->conflict_count,
                          &query->conflict);
  if (rc == LEDGER_OK) rc = parse_each(query, count, parameters, PARSE_LIMIT, parse_read_number);
  if (rc == LEDGER_OK) rc = parse_each(query, count, parameters, PARSE_OFFSET, parse_read_number);
  for (int i = 0; i < count && rc == LEDGER_OK; i++) rc = parse_attach(query, &parameters[i]);
  return rc;
}
