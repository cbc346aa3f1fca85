/*
** query.c: a request from its beginning to its end, and ledger_select(), which is the owner's.
*/
#include "../internal.h"

/* ---- answers and errors */

LEDGER_PRIVATE void query_start(ledger_answer *answer) {
  sqlite3_free(answer->location);
  sqlite3_free(answer->details);
  answer->location = answer->details = NULL;
  if (answer->room == 0) answer->text = "";
  if (answer->room > 0) answer->text[0] = 0;
  answer->length = 0;
  answer->rows = answer->offset = answer->inserted = 0;
  answer->total = -1;
  answer->code[0] = 0;
  error_clear(&answer->error);
}

LEDGER_PRIVATE int query_end(ledger *db, int rc, ledger_answer *answer) {
  if (rc == LEDGER_OK) {
    error_clear(&answer->error);
    return rc;
  }
  answer->error = db->error;
  if (answer->code[0] == 0) memcpy(answer->code, db->error.sqlstate, sizeof db->error.sqlstate);
  if (answer->room > 0) answer->text[0] = 0;
  answer->length = 0;
  answer->rows = 0;
  return rc;
}

LEDGER_PRIVATE void query_answer_free(ledger_answer *answer) {
  sqlite3_free(answer->location);
  sqlite3_free(answer->details);
  if (answer->room > 0) sqlite3_free(answer->text);
  memset(answer, 0, sizeof *answer);
}

LEDGER_PRIVATE int query_refuse(struct query *query, const char *own_code, int code,
                                const char *format, ...) {
  va_list arguments;
  char sentence[sizeof query->db->error.message];
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  size_t length = strlen(sentence);
  while (length > 0 && !text_is_valid_utf8(sentence, length)) sentence[--length] = 0; /* cut */
  if (own_code != NULL)
    sqlite3_snprintf((int)sizeof query->answer->code, query->answer->code, "%s", own_code);
  return error_set(&query->db->error, code, "%s", sentence);
}

/* ---- opening */

/* The relation of that name, which is taken as it is. */
static const struct relation *query_find(const struct catalog *catalog, const char *schema,
                                         const char *name) {
  int low = 0, high = catalog->relation_count;
  while (low < high) {
    int middle = low + (high - low) / 2;
    const struct relation *relation = catalog->by_name[middle];
    int order = strcmp(relation->schema, schema);
    if (order == 0) order = strcmp(relation->name, name);
    if (order == 0) return relation;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

static int query_no_table(struct query *query, const char *schema, const char *name) {
  int rc =
      query_refuse(query, "PGRST205", LEDGER_UNDEFINED_TABLE,
                   "Could not find the table '%.100s.%.200s' in the schema cache", schema, name);
  const char *like = query_like_table(query, schema, name, false, 0.75);
  if (like != NULL)
    error_hint(&query->db->error, "Perhaps you meant the table '%.100s.%s'", schema, like);
  return rc;
}

static int query_bad_range(struct query *query, const char *why) {
  int rc = query_refuse(query, "PGRST103", LEDGER_BAD_QUERY, "Requested range not satisfiable");
  error_detail(&query->db->error, "%s", why);
  return rc;
}

static void query_bound(struct query_resource *resource, int64_t most) {
  if (resource->limit < 0 || resource->limit > most) resource->limit = most;
  for (struct query_resource *child = resource->first; child != NULL; child = child->next)
    query_bound(child, most);
}

/* What limit= and offset= and the Range header have in common, and the most rows that are given. */
static int query_range(struct query *query) {
  const ledger_query *ask = query->ask;
  struct query_resource *root = &query->root;
  if (ask->verb != LEDGER_VERB_READ) return LEDGER_OK;
  if (ask->has_range && root->limit != 0) {
    if (ask->range_first < 0 || (ask->range_last >= 0 && ask->range_last < ask->range_first))
      return query_bad_range(query, "The lower boundary must be lower than or equal to the upper "
                                    "boundary in the Range header.");
    int64_t last = INT64_MAX, first = root->offset; /* of the rows that are asked for */
    if (root->limit > 0 && __builtin_add_overflow(first, root->limit - 1, &last)) last = INT64_MAX;
    if (ask->range_first > first) first = ask->range_first;
    if (ask->range_last >= 0 && ask->range_last < last) last = ask->range_last;
    if (last < first)
      return query_bad_range(query, "Limit should be greater than or equal to zero.");
    root->offset = first;
    if (last < INT64_MAX) root->limit = last - first + 1;
  }
  if (ask->rows_max > 0) query_bound(root, ask->rows_max);
  return LEDGER_OK;
}

/* Reads the text over the relation. */
static int query_parse(struct query *query, const char *text) {
  query->root.name = query->root.sql_name = query->relation->name;
  query->root.relation = query->relation;
  query->root.limit = -1;
  int rc = text == NULL ? LEDGER_OK : parse_query(query, text);
  bool is_blind = query->ask != NULL && query->ask->verb != LEDGER_VERB_READ &&
                  query->ask->returns != LEDGER_RETURN_ROWS;
  if (is_blind) { /* no rows are given: what they would have looked like is all the same */
    query->root.has_items = true;
    query->root.items = query->root.last_item = NULL;
    query->root.first = query->root.last = NULL;
    query->root.item_count = 0;
  }
  if (rc == LEDGER_OK) rc = relate_query(query);
  return rc == LEDGER_OK ? type_query(query) : rc;
}

LEDGER_PRIVATE int query_open(struct query *query, ledger *db, const ledger_query *ask,
                              ledger_answer *answer) {
  *query = (struct query){.db = db, .ask = ask, .answer = answer};
  int rc = policy_enter(db, ask->caller);
  if (rc != LEDGER_OK) return rc;
  query->has_entered = true;
  const char *schema = ask->schema == NULL ? "public" : ask->schema;
  query->relation = query_find(db->catalog, schema, ask->table);
  if (query->relation == NULL) return query_no_table(query, schema, ask->table);
  rc = query_parse(query, ask->text);
  return rc == LEDGER_OK ? query_range(query) : rc;
}

/* Lets go of the rows that statements stand on, where it ended early. */
static void query_reset(const struct query_resource *resource) {
  if (resource->run != NULL && resource->run->stmt != NULL) sqlite3_reset(resource->run->stmt);
  for (const struct query_resource *child = resource->first; child != NULL; child = child->next)
    query_reset(child);
}

LEDGER_PRIVATE void query_close(struct query *query) {
  query_reset(&query->root);
  if (query->has_entered) policy_leave(query->db);
  query->has_entered = false;
  arena_free(&query->scratch);
}

static int query_get(ledger *db, const ledger_query *ask, ledger_answer *answer) {
  struct query query;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = query_open(&query, db, ask, answer);
  if (rc == LEDGER_OK) rc = query_read(&query);
  ledger_error error = db->error;
  query_close(&query);
  transaction_end_read(db);
  db->error = error;
  return rc;
}

LEDGER_PRIVATE int query_ask(ledger *db, const ledger_query *ask, ledger_answer *answer) {
  query_start(answer);
  if (ask->table == NULL) return error_set(&db->error, LEDGER_MISUSE, "no table is named");
  connection_limit(db);
  int rc =
      ask->verb == LEDGER_VERB_READ ? query_get(db, ask, answer) : query_write(db, ask, answer);
  connection_limit_end(db);
  return rc;
}

/* ---- ledger_select() */

/* Are the rows what a statement gives, column by column? Then the cursor can be that statement. */
static bool query_is_flat(const struct query *query) {
  int count = 0;
  if (query->root.first != NULL || query->root.has_aggregate) return false;
  for (const struct query_item *item = query->root.items; item != NULL; item = item->next) {
    if (item->kind != QUERY_FIELD || item->cast != NULL || item->field.step_count > 0) return false;
    for (const struct query_item *other = query->root.items; other != item; other = other->next) {
      if (other->field.column == item->field.column) return false; /* it is given once */
    }
    count++;
  }
  return count > 0;
}

static int query_cursor(struct query *query, ledger_rows **out) {
  struct query_statement statement;
  sqlite3_stmt *stmt;
  ledger_rows *rows = rows_new(query->db, query->root.item_count);
  if (rows == NULL) return LEDGER_MEMORY;
  *out = rows;
  int i = 0;
  for (const struct query_item *item = query->root.items; item != NULL; item = item->next) {
    const struct column *column = &query->relation->columns[item->field.column];
    const char *name = item->alias == NULL ? column->name : rows_own(rows, item->alias);
    if (name == NULL) return LEDGER_MEMORY;
    rows_set_column(rows, i, name, column->type_name, &column->type);
    rows_set_source(rows, i++, query->relation, item->field.column);
  }
  query_statement_start(&statement, query);
  query_sql_read(&statement, &query->root);
  if (statement.is_short) sqlite3_free(sqlite3_str_finish(statement.sql));
  int rc = statement.is_short ? error_memory(&query->db->error)
                              : statement_prepare(query->db, statement.sql, &stmt);
  if (rc != LEDGER_OK) return rc;
  rows_set_statement(rows, stmt);
  for (i = 0; i < statement.count && rc == LEDGER_OK; i++)
    rc = rows_bind(rows, i + 1, &statement.values[i]);
  return rc;
}

static int query_keep(struct query *query, ledger_rows **out) {
  int count;
  int rc = query_read_columns(query, NULL, &count);
  ledger_rows *rows = rc == LEDGER_OK ? rows_new(query->db, count) : NULL;
  if (rows == NULL) return query->db->error.code;
  *out = rows;
  rc = query_read_columns(query, rows, &count);
  return rc == LEDGER_OK ? query_read_rows(query, rows) : rc;
}

static int query_select_open(struct query *query, const char *table, const char *text,
                             ledger_rows **rows) {
  struct relation *relation;
  int rc = policy_enter(query->db, NULL);
  if (rc != LEDGER_OK) return rc;
  query->has_entered = true;
  rc = catalog_relation(query->db, table, &relation);
  if (rc != LEDGER_OK) return rc;
  query->relation = relation;
  rc = query_parse(query, text);
  if (rc == LEDGER_OK) rc = query_permit(query, true);
  if (rc != LEDGER_OK) return rc;
  return query_is_flat(query) ? query_cursor(query, rows) : query_keep(query, rows);
}

LEDGER_PRIVATE int query_select(ledger *db, const char *table, const char *text,
                                ledger_rows **out) {
  ledger_answer answer = {0};
  struct query query = {.db = db, .answer = &answer};
  ledger_rows *rows = NULL;
  query_start(&answer);
  /* A fresh catalog. A cursor over a statement holds its own snapshot from its first row on. */
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = query_select_open(&query, table, text, &rows);
  ledger_error error = db->error;
  query_close(&query);
  query_answer_free(&answer);
  transaction_end_read(db);
  if (rc == LEDGER_OK)
    *out = rows;
  else if (rows != NULL)
    rows_free(rows);
  db->error = error;
  return rc;
}
