/*
** query_read.c: runs the statements of a tree and prints what they give. The statement of an embedded resource is run for each
** row of its parent, bound to that row's columns, within the same snapshot: its rows are printed where they stand in the answer, and
** their order, their number and what is embedded in them are their own affair.
*/
#include "../internal.h"

/* ---- before the first row */

static int read_permit_junction(struct query *query, struct query_resource *resource) {
  struct query_run *run = resource->run;
  if (resource->depth == 0 || resource->to_parent.cardinality != QUERY_THROUGH) return LEDGER_OK;
  const struct relation *junction = resource->to_parent.key->relation;
  int rc = policy_privilege(query->db, junction, POLICY_SELECT);
  if (rc == LEDGER_OK) rc = policy_source(query->db, junction, &run->junction_source);
  if (rc == LEDGER_OK) rc = policy_using(query->db, junction, POLICY_SELECT, &run->junction_policy);
  return rc;
}

static int read_permit(struct query *query, struct query_resource *resource, bool is_read) {
  int count = resource->relation->column_count;
  struct query_run *run = arena_alloc(&query->db->arena, sizeof *run);
  if (run == NULL) return error_memory(&query->db->error);
  *run = (struct query_run){0};
  resource->run = run;
  size_t keys = (size_t)resource->to_parent.count;
  run->results = arena_alloc(&query->db->arena, (size_t)count * sizeof *run->results + 1);
  run->keys = arena_alloc(&query->db->arena, keys * sizeof *run->keys + 1);
  if (run->results == NULL || run->keys == NULL) return error_memory(&query->db->error);
  int rc = LEDGER_OK;
  if (is_read) {
    rc = policy_privilege(query->db, resource->relation, POLICY_SELECT);
    if (rc == LEDGER_OK) rc = policy_source(query->db, resource->relation, &run->source);
    if (rc == LEDGER_OK)
      rc = policy_using(query->db, resource->relation, POLICY_SELECT, &run->policy);
  }
  if (rc == LEDGER_OK) rc = read_permit_junction(query, resource);
  for (struct query_resource *child = resource->first; child != NULL && rc == LEDGER_OK;
       child = child->next)
    rc = read_permit(query, child, true);
  return rc;
}

LEDGER_PRIVATE int query_permit(struct query *query, bool is_read) {
  return read_permit(query, &query->root, is_read);
}

/* Each item's name as it stands before its value: ,"name": */
static int read_keys(struct query *query, struct query_resource *resource) {
  ledger_answer *answer = query->answer;
  for (struct query_item *item = resource->items; item != NULL; item = item->next) {
    size_t start = answer->length;
    int rc = query_print(query, ",", 1);
    if (rc == LEDGER_OK) rc = query_print_quoted(query, item->name, item->name_length);
    if (rc == LEDGER_OK) rc = query_print(query, ":", 1);
    if (rc != LEDGER_OK) return rc;
    item->key_length = answer->length - start;
    char *key = arena_alloc(&query->db->arena, item->key_length + 8); /* it is copied by words */
    answer->length = start;
    if (key == NULL) return error_memory(&query->db->error);
    memcpy(key, answer->text + start, item->key_length);
    item->key = key;
  }
  for (struct query_resource *child = resource->first; child != NULL; child = child->next) {
    int rc = read_keys(query, child);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* ---- rows of a resource */

/* What a parent's row is, of which the resource is to be read. */
static int read_bind(struct query *query, const struct query_resource *child, bool *has_key) {
  sqlite3_stmt *from = child->run->from->run->stmt, *stmt = child->run->stmt;
  *has_key = true;
  for (int i = 0; i < child->to_parent.count; i++) {
    int result = child->run->keys[i];
    if (sqlite3_column_type(from, result) == SQLITE_NULL) *has_key = false;
    int rc = sqlite3_bind_value(stmt, i + 1, sqlite3_column_value(from, result));
    if (rc != SQLITE_OK) return store_error(query->db, rc);
  }
  return LEDGER_OK;
}

/* The first row of a resource for the row that its parent stands on: LEDGER_ROW, LEDGER_DONE or an error. */
static int read_first(struct query *query, struct query_resource *child) {
  struct query_run *run = child->run;
  bool has_key;
  int rc = LEDGER_OK;
  if (run->stmt == NULL) {
    struct query_statement statement;
    query_statement_start(&statement, query);
    query_sql_read(&statement, child);
    rc = query_statement_make(&statement, &run->stmt);
  }
  if (rc == LEDGER_OK) {
    sqlite3_reset(run->stmt);
    rc = read_bind(query, child, &has_key);
  }
  if (rc != LEDGER_OK) return rc;
  bool is_empty = !has_key && !child->has_aggregate; /* but count() of nothing is 0 */
  return is_empty ? LEDGER_DONE : statement_step(query->db, run->stmt);
}

/* What has neither columns nor anything within that has some is there for a filter alone. */
static bool read_is_shown(const struct query_resource *resource) {
  for (const struct query_item *item = resource->items; item != NULL; item = item->next) {
    if (item->kind == QUERY_FIELD) return true;
    if (item->kind == QUERY_EMBEDDED && read_is_shown(item->embedded)) return true;
  }
  return false;
}

/* The value of an item in the row that `stmt` stands on; NULL: there is no row. `resource` is the one that the statement is of. */
static int read_value(struct query *query, const struct query_resource *resource,
                      const struct query_item *item, sqlite3_stmt *stmt, struct value *value) {
  *value = (struct value){.kind = VALUE_NULL};
  if (stmt == NULL) return LEDGER_OK;
  *value = statement_value(stmt, item->result);
  if (value->kind == VALUE_NULL && sqlite3_column_type(stmt, item->result) != SQLITE_NULL)
    return error_memory(&query->db->error);
  bool is_plain = item->aggregate_cast == NULL;
  if (!resource->has_aggregate)
    is_plain = item->field.step_count == 0 && item->cast == NULL &&
               !resource->relation->columns[item->field.column].is_encrypted;
  return is_plain ? LEDGER_OK : query_value(query, resource, item, value);
}

static int read_members(struct query *query, const struct query_resource *resource,
                        const struct query_resource *of, sqlite3_stmt *stmt, bool *is_first);

static int read_object(struct query *query, struct query_resource *resource) {
  bool is_first = true;
  int rc = query_print(query, "{", 1);
  if (rc == LEDGER_OK) rc = read_members(query, resource, resource, resource->run->stmt, &is_first);
  return rc == LEDGER_OK ? query_print(query, "}", 1) : rc;
}

/* A resource that is not spread: an object or null, or an array, written as json_agg() does, but in one line for a cursor (each row
** of a listing is a line). */
static int read_embedded(struct query *query, struct query_resource *child) {
  size_t separator = query->ask == NULL ? 2 : 4;
  bool is_one = child->to_parent.cardinality == QUERY_TO_ONE;
  int count = 0, rc = is_one ? LEDGER_OK : query_print(query, "[", 1);
  int step = rc == LEDGER_OK ? read_first(query, child) : rc;
  while (step == LEDGER_ROW) {
    rc = count++ == 0 ? LEDGER_OK : query_print(query, ", \n ", separator);
    if (rc == LEDGER_OK) rc = read_object(query, child);
    if (rc != LEDGER_OK) return rc;
    step = is_one ? LEDGER_DONE : statement_step(query->db, child->run->stmt);
  }
  if (child->run->stmt != NULL) sqlite3_reset(child->run->stmt);
  if (step != LEDGER_DONE) return step;
  if (is_one) return count > 0 ? LEDGER_OK : query_print(query, "null", 4);
  return query_print(query, "]", 1);
}

/* ---- to-many resources that are spread: an array for each of their columns */

struct read_column {
  const struct query_item *item;
  struct query_resource *resource; /* the item's */
  sqlite3_str *values;
  int count;
};

/* The columns of a spread, and the resources of many rows that it joins, outermost first. */
struct read_spread {
  struct query *query;
  int column_count, level_count;
  struct read_column *columns;
  size_t length; /* of all values */
  struct query_resource *levels[QUERY_EMBED_MAX];
  bool has_row[QUERY_EMBED_MAX + 1]; /* by number of the resource */
};

static int read_spread_columns(struct read_spread *spread, struct query_resource *resource,
                               bool counts) {
  for (struct query_item *item = resource->items; item != NULL; item = item->next) {
    struct query_resource *child = item->kind == QUERY_EMBEDDED ? item->embedded : NULL;
    bool is_many = child != NULL && child->to_parent.cardinality != QUERY_TO_ONE;
    if (child != NULL && !read_is_shown(child)) continue;
    if (is_many && !counts) spread->levels[spread->level_count++] = child;
    if (child != NULL && child->is_spread) {
      read_spread_columns(spread, child, counts);
      continue;
    }
    if (!counts)
      spread->columns[spread->column_count] =
          (struct read_column){.item = item, .resource = resource};
    spread->column_count++;
  }
  return spread->column_count;
}

/* The value of a column in the present combination of rows, printed at the end of the answer. */
static int read_spread_value(struct read_spread *spread, const struct read_column *column) {
  struct query *query = spread->query;
  struct value value;
  struct query_resource *resource = column->resource;
  bool has_row = spread->has_row[resource->number];
  if (column->item->kind == QUERY_EMBEDDED) {
    struct query_resource *child = column->item->embedded;
    if (!has_row) return query_print(query, "null", 4);
    if (child->to_parent.cardinality == QUERY_TO_ONE) return read_embedded(query, child);
    return spread->has_row[child->number] ? read_object(query, child)
                                          : query_print(query, "null", 4);
  }
  int rc = read_value(query, resource, column->item, has_row ? resource->run->stmt : NULL, &value);
  return rc == LEDGER_OK ? query_print_json(query, &column->item->type, &value) : rc;
}

static int read_spread_append(struct read_spread *spread) {
  ledger_answer *answer = spread->query->answer;
  for (int i = 0; i < spread->column_count; i++) {
    struct read_column *column = &spread->columns[i];
    size_t start = answer->length;
    int rc = read_spread_value(spread, column);
    if (rc != LEDGER_OK) return rc;
    spread->length += answer->length - start;
    if (spread->length > QUERY_ANSWER_MAX) return query_answer_full(spread->query);
    if (column->count++ > 0) sqlite3_str_append(column->values, ", ", 2);
    sqlite3_str_append(column->values, answer->text + start, (int)(answer->length - start));
    answer->length = start;
  }
  return LEDGER_OK;
}

/* The to-one resources that are spread into a row. */
static int read_spread_ones(struct read_spread *spread, struct query_resource *resource) {
  int rc = LEDGER_OK;
  for (struct query_resource *child = resource->first; child != NULL && rc == LEDGER_OK;
       child = child->next) {
    if (!child->is_spread || child->to_parent.cardinality != QUERY_TO_ONE) continue;
    int step = spread->has_row[resource->number] ? read_first(spread->query, child) : LEDGER_DONE;
    if (step != LEDGER_ROW && step != LEDGER_DONE) return step;
    spread->has_row[child->number] = step == LEDGER_ROW;
    rc = read_spread_ones(spread, child);
  }
  return rc;
}

/* Each row of the levels from this one on, combined with those of the levels before. */
static int read_spread_level(struct read_spread *spread, int level) {
  if (level == spread->level_count) return read_spread_append(spread);
  struct query_resource *resource = spread->levels[level];
  bool has_parent = level == 0 || spread->has_row[resource->parent->number];
  int step = has_parent ? read_first(spread->query, resource) : LEDGER_DONE;
  bool is_empty = step == LEDGER_DONE;
  if (is_empty && level == 0) return LEDGER_OK;
  while (step == LEDGER_ROW || is_empty) {
    spread->has_row[resource->number] = !is_empty;
    int rc = read_spread_ones(spread, resource);
    if (rc == LEDGER_OK) rc = read_spread_level(spread, level + 1);
    if (rc != LEDGER_OK) return rc;
    if (is_empty) return LEDGER_OK;
    step = statement_step(spread->query->db, resource->run->stmt);
  }
  return step == LEDGER_DONE ? LEDGER_OK : step;
}

/* Calls `each` for the columns' arrays, which are the texts of JSON. */
static int read_spread(struct query *query, struct query_resource *child,
                       int (*each)(void *context, const struct query_item *item, const char *text,
                                   size_t length),
                       void *context) {
  struct read_spread spread = {.query = query, .levels = {child}, .level_count = 1};
  int count = read_spread_columns(&spread, child, true);
  spread.column_count = 0;
  spread.columns = arena_alloc(&query->scratch, (size_t)count * sizeof *spread.columns + 1);
  if (spread.columns == NULL) return error_memory(&query->db->error);
  read_spread_columns(&spread, child, false);
  for (int i = 0; i < count; i++) spread.columns[i].values = sqlite3_str_new(NULL);
  int rc = read_spread_level(&spread, 0);
  for (int i = 0; i < count; i++) {
    struct read_column *column = &spread.columns[i];
    if (rc == LEDGER_OK && sqlite3_str_errcode(column->values) != SQLITE_OK)
      rc = error_memory(&query->db->error);
    const char *text = sqlite3_str_value(column->values);
    if (rc == LEDGER_OK)
      rc = each(context, column->item, text == NULL ? "" : text,
                (size_t)sqlite3_str_length(column->values));
    sqlite3_free(sqlite3_str_finish(column->values));
  }
  return rc;
}

/* ---- objects */

struct read_print {
  struct query *query;
  bool *is_first;
};

static int read_print_key(struct query *query, const struct query_item *item, bool *is_first) {
  size_t skipped = *is_first ? 1 : 0;
  *is_first = false;
  return query_print(query, item->key + skipped, item->key_length - skipped);
}

static int read_print_array(void *context, const struct query_item *item, const char *text,
                            size_t length) {
  struct read_print *print = context;
  int rc = read_print_key(print->query, item, print->is_first);
  if (rc == LEDGER_OK) rc = query_print(print->query, "[", 1);
  if (rc == LEDGER_OK) rc = query_print(print->query, text, length);
  return rc == LEDGER_OK ? query_print(print->query, "]", 1) : rc;
}

/* The items of a resource that is spread into another one. */
static int read_members_spread(struct query *query, struct query_resource *child,
                               const struct query_resource *of, sqlite3_stmt *stmt,
                               bool *is_first) {
  if (of->has_aggregate && child->to_parent.cardinality == QUERY_TO_ONE)
    return read_members(query, child, of, stmt, is_first);
  if (child->to_parent.cardinality != QUERY_TO_ONE) {
    struct read_print print = {.query = query, .is_first = is_first};
    return read_spread(query, child, read_print_array, &print);
  }
  int step = stmt == NULL ? LEDGER_DONE : read_first(query, child);
  if (step != LEDGER_ROW && step != LEDGER_DONE) return step;
  int rc =
      read_members(query, child, child, step == LEDGER_ROW ? child->run->stmt : NULL, is_first);
  if (child->run->stmt != NULL) sqlite3_reset(child->run->stmt);
  return rc;
}

/* The members of an object for the items of `resource`, in the row that `stmt`, the statement of `of`, stands on. */
static int read_members(struct query *query, const struct query_resource *resource,
                        const struct query_resource *of, sqlite3_stmt *stmt, bool *is_first) {
  int rc = LEDGER_OK;
  for (const struct query_item *item = resource->items; item != NULL && rc == LEDGER_OK;
       item = item->next) {
    if (item->kind == QUERY_EMBEDDED && item->embedded->is_spread) {
      rc = read_members_spread(query, item->embedded, of, stmt, is_first);
      continue;
    }
    if (item->kind == QUERY_STAR) continue; /* of a relation without columns */
    if (item->kind == QUERY_EMBEDDED && !read_is_shown(item->embedded)) continue;
    if (item->kind == QUERY_EMBEDDED) {
      rc = read_print_key(query, item, is_first);
      if (rc != LEDGER_OK) return rc;
      rc = stmt != NULL ? read_embedded(query, item->embedded) : query_print(query, "null", 4);
    } else {
      struct value value;
      size_t skipped = *is_first ? 1 : 0;
      *is_first = false;
      rc = read_value(query, of->has_aggregate ? of : resource, item, stmt, &value);
      if (rc == LEDGER_OK)
        rc = query_print_member(query, item->key + skipped, item->key_length - skipped, &item->type,
                                &value);
    }
  }
  return rc;
}

/* ---- flat: the columns of CSV and of a cursor */

/* One column after the other, with the text of JSON where it is embedded, else a value. */
struct read_flat {
  struct query *query;
  int (*each)(struct read_flat *flat, const struct query_item *item, const struct value *value,
              const char *json, size_t length);
  int count;
  bool is_header; /* only their names are asked for */
  struct value *values;
  ledger_rows *rows;
};

static int read_flat_array(void *context, const struct query_item *item, const char *text,
                           size_t length) {
  struct read_flat *flat = context;
  char *whole = arena_alloc(&flat->query->scratch, length + 3);
  if (whole == NULL) return error_memory(&flat->query->db->error);
  whole[0] = '[';
  memcpy(whole + 1, text, length);
  whole[length + 1] = ']';
  whole[length + 2] = 0;
  return flat->each(flat, item, NULL, whole, length + 2);
}

/* What is embedded, printed and taken off the answer again. */
static int read_flat_embedded(struct read_flat *flat, const struct query_item *item,
                              const sqlite3_stmt *stmt) {
  ledger_answer *answer = flat->query->answer;
  size_t start = answer->length;
  int rc = stmt != NULL ? read_embedded(flat->query, item->embedded)
                        : query_print(flat->query, "null", 4);
  if (rc != LEDGER_OK) return rc;
  size_t length = answer->length - start;
  const char *copy = arena_copy(&flat->query->scratch, answer->text + start, length);
  answer->length = start;
  if (copy == NULL) return error_memory(&flat->query->db->error);
  bool is_null = length == 4 && memcmp(copy, "null", 4) == 0;
  return flat->each(flat, item, NULL, is_null ? NULL : copy, length);
}

static int read_flat_items(struct read_flat *flat, const struct query_resource *resource,
                           const struct query_resource *of, sqlite3_stmt *stmt);

static int read_flat_spread(struct read_flat *flat, struct query_resource *child,
                            const struct query_resource *of, sqlite3_stmt *stmt) {
  bool is_one = child->to_parent.cardinality == QUERY_TO_ONE;
  if (is_one && of->has_aggregate) return read_flat_items(flat, child, of, stmt);
  if (flat->is_header) return read_flat_items(flat, child, child, NULL);
  if (!is_one) return read_spread(flat->query, child, read_flat_array, flat);
  int step = stmt == NULL ? LEDGER_DONE : read_first(flat->query, child);
  if (step != LEDGER_ROW && step != LEDGER_DONE) return step;
  int rc = read_flat_items(flat, child, child, step == LEDGER_ROW ? child->run->stmt : NULL);
  if (child->run->stmt != NULL) sqlite3_reset(child->run->stmt);
  return rc;
}

static int read_flat_items(struct read_flat *flat, const struct query_resource *resource,
                           const struct query_resource *of, sqlite3_stmt *stmt) {
  int rc = LEDGER_OK;
  for (const struct query_item *item = resource->items; item != NULL && rc == LEDGER_OK;
       item = item->next) {
    if (item->kind == QUERY_STAR) continue;
    if (item->kind == QUERY_EMBEDDED && item->embedded->is_spread) {
      rc = read_flat_spread(flat, item->embedded, of, stmt);
    } else if (item->kind == QUERY_EMBEDDED && !read_is_shown(item->embedded)) {
      continue;
    } else if (flat->is_header) {
      rc = flat->each(flat, item, NULL, NULL, 0);
    } else if (item->kind == QUERY_EMBEDDED) {
      rc = read_flat_embedded(flat, item, stmt);
    } else {
      struct value value;
      rc = read_value(flat->query, of->has_aggregate ? of : resource, item, stmt, &value);
      if (rc == LEDGER_OK) rc = flat->each(flat, item, &value, NULL, 0);
    }
  }
  return rc;
}

static int read_csv_name(struct read_flat *flat, const struct query_item *item,
                         const struct value *value, const char *json, size_t length) {
  (void)value, (void)json, (void)length;
  int rc = flat->count++ == 0 ? LEDGER_OK : query_print(flat->query, ",", 1);
  return rc == LEDGER_OK ? query_print(flat->query, item->name, item->name_length) : rc;
}

static int read_csv_value(struct read_flat *flat, const struct query_item *item,
                          const struct value *value, const char *json, size_t length) {
  int rc = flat->count++ == 0 ? LEDGER_OK : query_print(flat->query, ",", 1);
  if (rc != LEDGER_OK) return rc;
  if (value != NULL) return query_print_field(flat->query, &item->type, value);
  return json == NULL ? LEDGER_OK : query_print_csv_text(flat->query, json, length);
}

/* ---- answers */

static int read_row(struct query *query) {
  struct query_resource *root = &query->root;
  ledger_answer *answer = query->answer;
  enum ledger_form form = query->ask->form;
  arena_reset(&query->scratch);
  if (answer->rows++ == 0) {
    if (form == LEDGER_FORM_CSV) {
      struct read_flat names = {.query = query, .each = read_csv_name, .is_header = true};
      int rc = read_flat_items(&names, root, root, NULL);
      if (rc == LEDGER_OK) rc = query_print(query, "\n", 1);
      if (rc != LEDGER_OK) return rc;
    }
  } else {
    if (form == LEDGER_FORM_OBJECT) return LEDGER_OK; /* one too many, and counted */
    int rc = form == LEDGER_FORM_CSV ? query_print(query, "\n", 1) : query_print(query, ", \n ", 4);
    if (rc != LEDGER_OK) return rc;
  }
  if (form != LEDGER_FORM_CSV) return read_object(query, root);
  struct read_flat values = {.query = query, .each = read_csv_value};
  return read_flat_items(&values, root, root, root->run->stmt);
}

static int read_start(struct query *query) {
  int rc = read_keys(query, &query->root);
  query->answer->rows = 0;
  if (rc == LEDGER_OK && query->ask->form == LEDGER_FORM_ARRAY) rc = query_print(query, "[", 1);
  return rc;
}

static int read_finish(struct query *query) {
  ledger_answer *answer = query->answer;
  int rc = LEDGER_OK;
  if (query->ask->form == LEDGER_FORM_ARRAY) rc = query_print(query, "]", 1);
  if (query->ask->form == LEDGER_FORM_CSV && answer->rows == 0) rc = query_print(query, "\n", 1);
  if (query->ask->form == LEDGER_FORM_OBJECT && answer->rows != 1) {
    rc = query_refuse(query, "PGRST116", LEDGER_BAD_QUERY,
                      "Cannot coerce the result to a single JSON object");
    error_detail(&query->db->error, "The result contains %lld rows", (long long)answer->rows);
  }
  if (rc == LEDGER_OK && query->ask->strips_nulls && query->ask->form != LEDGER_FORM_CSV)
    rc = query_print_strip(query);
  return rc;
}

/* Steps the root's statement to its end. */
static int read_all(struct query *query, int (*each)(struct query *query)) {
  sqlite3_stmt *stmt = query->root.run->stmt;
  int step;
  sqlite3_reset(stmt);
  while ((step = statement_step(query->db, stmt)) == LEDGER_ROW) {
    int rc = each(query);
    if (rc != LEDGER_OK) return rc;
  }
  sqlite3_reset(stmt);
  return step == LEDGER_DONE ? LEDGER_OK : step;
}

/* How many rows there are without limit and offset. */
static int read_count(struct query *query, int64_t *total) {
  struct query_statement statement;
  sqlite3_stmt *stmt;
  query_statement_start(&statement, query);
  query_sql_count(&statement, &query->root);
  int rc = query_statement_make(&statement, &stmt);
  if (rc != LEDGER_OK) return rc;
  sqlite3_reset(stmt);
  rc = statement_step(query->db, stmt);
  if (rc == LEDGER_ROW) *total = sqlite3_column_int64(stmt, 0);
  sqlite3_reset(stmt);
  return rc == LEDGER_ROW || rc == LEDGER_DONE ? LEDGER_OK : rc;
}

static int read_total(struct query *query) {
  const struct query_resource *root = &query->root;
  ledger_answer *answer = query->answer;
  if (query->ask->count == LEDGER_COUNT_NONE) return LEDGER_OK;
  /* The rows that were read are the last ones, unless there are none. */
  bool is_end = root->limit < 0 || answer->rows < root->limit;
  if (!root->has_aggregate && is_end && (answer->rows > 0 || root->offset == 0)) {
    answer->total = root->offset + answer->rows;
    return LEDGER_OK;
  }
  int rc = read_count(query, &answer->total);
  if (rc != LEDGER_OK || root->offset <= answer->total) return rc;
  rc = query_refuse(query, "PGRST103", LEDGER_BAD_QUERY, "Requested range not satisfiable");
  error_detail(&query->db->error, "An offset of %lld was requested, but there are only %lld rows.",
               (long long)root->offset, (long long)answer->total);
  return rc;
}

static int read_make(struct query *query) {
  struct query_statement statement;
  query_statement_start(&statement, query);
  query_sql_read(&statement, &query->root);
  return query_statement_make(&statement, &query->root.run->stmt);
}

LEDGER_PRIVATE int query_read(struct query *query) {
  int rc = query_permit(query, true);
  if (rc == LEDGER_OK) rc = read_make(query);
  if (rc == LEDGER_OK) rc = read_start(query);
  if (rc == LEDGER_OK) rc = read_all(query, read_row);
  query->answer->offset = query->root.offset;
  if (rc == LEDGER_OK) rc = read_total(query);
  return rc == LEDGER_OK ? read_finish(query) : rc;
}

LEDGER_PRIVATE int query_answer_rows(struct query *query, int64_t count, const int64_t *rowids) {
  struct query_resource *root = &query->root;
  int rc = root->run != NULL ? LEDGER_OK : query_permit(query, false);
  if (rc == LEDGER_OK) rc = read_start(query);
  sqlite3_str *list = root->has_aggregate ? sqlite3_str_new(NULL) : NULL;
  for (int64_t i = 0; list != NULL && i < count; i++)
    sqlite3_str_appendf(list, "%s%lld", i == 0 ? "[" : ",", (long long)rowids[i]);
  if (list != NULL) sqlite3_str_appendall(list, count == 0 ? "[]" : "]");
  if (list != NULL && count > 1) count = 1; /* all rows at once */
  for (int64_t i = 0; i < count && rc == LEDGER_OK; i++) {
    struct query_statement statement;
    struct value value = {.kind = VALUE_INTEGER, .integer = rowids[i]};
    if (list != NULL) {
      value.kind = VALUE_TEXT;
      value.text = sqlite3_str_value(list);
      value.length = (size_t)sqlite3_str_length(list);
      if (value.text == NULL) rc = error_memory(&query->db->error);
    }
    if (rc == LEDGER_OK && root->run->stmt == NULL) {
      query_statement_start(&statement, query);
      query_sql_rowids(&statement, root, &value);
      rc = query_statement_make(&statement, &root->run->stmt);
    } else if (rc == LEDGER_OK) {
      rc = statement_bind(root->run->stmt, root->run->rowid, &value);
      if (rc != SQLITE_OK) rc = store_error(query->db, rc);
    }
    if (rc == LEDGER_OK) rc = read_all(query, read_row);
  }
  if (list != NULL) sqlite3_free(sqlite3_str_finish(list));
  return rc == LEDGER_OK ? read_finish(query) : rc;
}

/* ---- cursors */

static int read_kept_column(struct read_flat *flat, const struct query_item *item,
                            const struct value *value, const char *json, size_t length) {
  static const struct type document = {.id = TYPE_JSON, .length = -1};
  (void)value, (void)json, (void)length;
  if (flat->rows == NULL) {
    flat->count++;
    return LEDGER_OK;
  }
  const char *name = arena_copy(&flat->query->db->arena, item->name, item->name_length);
  if (name == NULL) return error_memory(&flat->query->db->error);
  name = rows_own(flat->rows, name);
  const char *type_name =
      item->kind == QUERY_EMBEDDED ? "json" : rows_own(flat->rows, item->type_name);
  if (name == NULL || type_name == NULL) return LEDGER_MEMORY;
  rows_set_column(flat->rows, flat->count++, name, type_name,
                  item->kind == QUERY_EMBEDDED ? &document : &item->type);
  return LEDGER_OK;
}

/* A copy: what a statement gave is good until it is stepped on. */
static int read_kept_value(struct read_flat *flat, const struct query_item *item,
                           const struct value *value, const char *json, size_t length) {
  (void)item;
  struct value kept = {.kind = json == NULL ? VALUE_NULL : VALUE_TEXT};
  kept.text = json;
  kept.length = length;
  if (value != NULL) kept = *value;
  if (kept.kind == VALUE_TEXT || kept.kind == VALUE_BLOB) {
    kept.text = arena_copy(&flat->query->scratch, kept.text, kept.length);
    if (kept.text == NULL) return error_memory(&flat->query->db->error);
  }
  flat->values[flat->count++] = kept;
  return LEDGER_OK;
}

LEDGER_PRIVATE int query_read_columns(struct query *query, ledger_rows *rows, int *count) {
  struct read_flat flat = {
      .query = query, .each = read_kept_column, .is_header = true, .rows = rows};
  int rc = read_flat_items(&flat, &query->root, &query->root, NULL);
  *count = flat.count;
  return rc;
}

LEDGER_PRIVATE int query_read_rows(struct query *query, ledger_rows *rows) {
  struct query_resource *root = &query->root;
  struct read_flat flat = {.query = query, .each = read_kept_value};
  int step = LEDGER_DONE;
  flat.values = arena_alloc(&query->db->arena, (size_t)rows_count(rows) * sizeof *flat.values + 1);
  if (flat.values == NULL) return error_memory(&query->db->error);
  int rc = read_make(query);
  if (rc == LEDGER_OK) rc = read_keys(query, root);
  if (rc == LEDGER_OK) sqlite3_reset(root->run->stmt);
  while (rc == LEDGER_OK && (step = statement_step(query->db, root->run->stmt)) == LEDGER_ROW) {
    arena_reset(&query->scratch);
    flat.count = 0;
    rc = read_flat_items(&flat, root, root, root->run->stmt);
    if (rc == LEDGER_OK) rc = rows_append(rows, flat.values);
  }
  return rc != LEDGER_OK ? rc : step == LEDGER_DONE ? LEDGER_OK : step;
}
