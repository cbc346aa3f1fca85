/*
** query_body.c: the rows that a request brings along: a JSON object or an array of them, CSV with a line of names, or a form
** (x-www-form-urlencoded). The text is read twice: once to see that all of it is as it should be, which comes before anything is
** done, and once row by row, so that nothing is kept of a row that was written.
**
** A value is what PostgreSQL makes of it in json_to_recordset(): the text of a string, a number or a word goes through the input
** function of the column's type, a document into a json column is taken as it stands (a string with its quotes), an array
** into an array column element by element, null is NULL. In CSV and in a form all values are strings, and in CSV an unquoted or quoted NULL
** is null. A member that is there twice has the last one's value.
*/
#include "../internal.h"
#include "query_body.h"

/* ---- names */

static int query_body_compare(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts the names and leaves each in once. */
static void query_body_sort(struct query_body *body) {
  if (body->count == 0) return;
  qsort((void *)body->names, (size_t)body->count, sizeof *body->names, query_body_compare);
  int kept = 1;
  for (int i = 1; i < body->count; i++) {
    if (strcmp(body->names[kept - 1], body->names[i]) != 0) body->names[kept++] = body->names[i];
  }
  body->count = kept;
}

/* Which name is it? -1: none. */
static int query_body_find(const struct query_body *body, const char *name, size_t length) {
  int low = 0, high = body->count - 1;
  while (low <= high) {
    int middle = low + (high - low) / 2;
    int order = strncmp(body->names[middle], name, length);
    if (order == 0 && body->names[middle][length] == 0) return middle;
    if (order < 0)
      low = middle + 1;
    else
      high = middle - 1;
  }
  return -1;
}

static int query_body_add(struct query_body *body, int *room, const char *name, size_t length) {
  struct arena *arena = &body->query->db->arena;
  if (body->count == *room) {
    *room = *room == 0 ? 32 : *room * 2;
    const char **names = arena_alloc(arena, (size_t)*room * sizeof *names);
    if (names == NULL) return error_memory(&body->query->db->error);
    if (body->count > 0) memcpy(names, body->names, (size_t)body->count * sizeof *names);
    body->names = names;
  }
  const char *copy = arena_copy(arena, name, length);
  if (copy == NULL) return error_memory(&body->query->db->error);
  body->names[body->count++] = copy;
  return LEDGER_OK;
}

/* Where the member or field number `number` belongs, whose name is `name`: mostly where it did in the row before. */
static int query_body_place(struct query_body *body, int number, const char *name, size_t length) {
  if (number >= body->field_count) return query_body_find(body, name, length);
  int place = body->field[number];
  if (place >= 0 && strncmp(body->names[place], name, length) == 0 &&
      body->names[place][length] == 0)
    return place;
  return body->field[number] = query_body_find(body, name, length);
}

/* The columns of the names; room for what is remembered of them. */
static int query_body_columns(struct query_body *body) {
  const struct relation *relation = body->query->relation;
  ledger *db = body->query->db;
  size_t count = (size_t)body->count;
  body->positions = arena_alloc(&db->arena, count * sizeof *body->positions);
  body->seen = arena_alloc(&db->arena, count * sizeof *body->seen);
  body->field = arena_alloc(&db->arena, count * sizeof *body->field);
  if (body->positions == NULL || body->seen == NULL || body->field == NULL)
    return error_memory(&db->error);
  body->field_count = body->count;
  for (int i = 0; i < body->count; i++) {
    body->field[i] = i;
    body->seen[i] = 0;
    body->positions[i] = catalog_column(relation, body->names[i], strlen(body->names[i]));
  }
  return LEDGER_OK;
}

static int query_body_unknown(struct query_body *body) {
  for (int i = 0; i < body->count; i++) {
    if (body->positions[i] >= 0) continue;
    return query_refuse(body->query, "PGRST204", LEDGER_BAD_QUERY,
                        "Could not find the '%s' column of '%s' in the schema cache",
                        body->names[i], body->query->relation->name);
  }
  return LEDGER_OK;
}

static int query_body_refuse(struct query_body *body, const char *sentence) {
  return query_refuse(body->query, "PGRST102", LEDGER_BAD_QUERY, "%s", sentence);
}

/* ---- values */

static bool query_body_is_document(const struct type *type) {
  return !type->is_array && (type->id == TYPE_JSON || type->id == TYPE_JSONB);
}

/* A string, decoded. */
static int query_body_string(struct query_body *body, int name, const char *text, size_t length,
                             ledger_value *out) {
  ledger *db = body->query->db;
  *out = (ledger_value){.kind = LEDGER_TEXT, .text = text, .length = length};
  if (!query_body_is_document(&body->query->relation->columns[body->positions[name]].type))
    return LEDGER_OK;
  sqlite3_str *quoted = sqlite3_str_new(NULL);
  json_quote(quoted, text, length);
  out->length = (size_t)sqlite3_str_length(quoted);
  out->text = arena_finish(&db->arena, quoted);
  return out->text == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* What the scanner stands on, which was found good when the body was opened. */
static int query_body_value(struct query_body *body, int name, enum json_token token,
                            ledger_value *out) {
  struct json *json = &body->json;
  ledger *db = body->query->db;
  const struct type *type = &body->query->relation->columns[body->positions[name]].type;
  *out = (ledger_value){.kind = LEDGER_TEXT, .text = json->token, .length = json->token_length};
  if (token == JSON_NULL) {
    out->kind = LEDGER_NULL;
    return LEDGER_OK;
  }
  if (token == JSON_STRING && query_body_is_document(type)) {
    out->text--; /* the quotes belong to it */
    out->length += 2;
    return LEDGER_OK;
  }
  if (token == JSON_STRING) {
    if (!json->token_escaped) return LEDGER_OK;
    return json_decode(&db->arena, json, &out->text, &out->length, &db->error);
  }
  if (token == JSON_OBJECT || token == JSON_ARRAY) {
    out->text = json->text + json->token_start;
    if (!json_skip(json, &out->length)) return json_error(json, &db->error);
  }
  if (type->is_array) out->kind = LEDGER_JSON;
  return LEDGER_OK;
}

/* ---- JSON */

static int query_body_syntax(struct query_body *body) {
  struct json *json = &body->json;
  bool is_unreadable = json->problem == NULL || json->code != LEDGER_TOO_COMPLEX;
  if (is_unreadable && !body->is_named) return query_body_refuse(body, "Empty or invalid json");
  if (json->problem != NULL) return json_error(json, &body->query->db->error);
  return error_set(&body->query->db->error, LEDGER_INVALID_TEXT,
                   "invalid input syntax for type json");
}

/* The name of the member that the scanner stands on. */
static int query_body_key(struct query_body *body, const char **name, size_t *length) {
  struct json *json = &body->json;
  *name = json->token;
  *length = json->token_length;
  if (!json->token_escaped) return LEDGER_OK;
  return json_decode(&body->query->db->arena, json, name, length, &body->query->db->error);
}

/* Passes over the value of a member. */
static bool query_body_pass(struct json *json) {
  size_t length;
  enum json_token token = json_next(json);
  if (token == JSON_OBJECT || token == JSON_ARRAY) return json_skip(json, &length);
  return token != JSON_ERROR && token != JSON_END;
}

/* The first object's members are the columns. */
static int query_body_first(struct query_body *body) {
  struct json *json = &body->json;
  enum json_token token;
  int room = 0;
  while ((token = json_next(json)) == JSON_KEY) {
    const char *name;
    size_t length;
    int rc = query_body_key(body, &name, &length);
    if (rc == LEDGER_OK) rc = query_body_add(body, &room, name, length);
    if (rc != LEDGER_OK) return rc;
    if (!query_body_pass(json)) return query_body_syntax(body);
  }
  if (token != JSON_OBJECT_END) return query_body_syntax(body);
  query_body_sort(body);
  return query_body_columns(body);
}

/* Has another object the same members? */
static int query_body_other(struct query_body *body, bool *is_same) {
  struct json *json = &body->json;
  enum json_token token;
  int known = 0;
  for (int number = 0; (token = json_next(json)) == JSON_KEY; number++) {
    const char *name;
    size_t length;
    int rc = query_body_key(body, &name, &length);
    if (rc != LEDGER_OK) return rc;
    int place = query_body_place(body, number, name, length);
    *is_same = *is_same && place >= 0;
    if (place >= 0 && body->seen[place] != body->row_count) {
      body->seen[place] = body->row_count;
      known++;
    }
    if (!query_body_pass(json)) return query_body_syntax(body);
  }
  if (token != JSON_OBJECT_END) return query_body_syntax(body);
  *is_same = *is_same && known == body->count;
  return LEDGER_OK;
}

static int query_body_elements(struct query_body *body) {
  struct json *json = &body->json;
  bool is_same = true;
  enum json_token token;
  while ((token = json_next(json)) != JSON_ARRAY_END) {
    int rc = LEDGER_OK;
    size_t length;
    body->row_count++;
    if (token == JSON_ERROR || token == JSON_END) return query_body_syntax(body);
    bool skips = token == JSON_ARRAY || (token == JSON_OBJECT && body->is_named);
    is_same = is_same && token == JSON_OBJECT;
    if (skips && !json_skip(json, &length)) rc = query_body_syntax(body);
    if (!skips && token == JSON_OBJECT)
      rc = body->row_count == 1 ? query_body_first(body) : query_body_other(body, &is_same);
    if (rc != LEDGER_OK) return rc;
  }
  if (json_next(json) != JSON_END) return query_body_syntax(body);
  if (is_same) return LEDGER_OK;
  if (!body->is_named) return query_body_refuse(body, "All object keys must match");
  return error_set(&body->query->db->error, LEDGER_INVALID_PARAMETER,
                   "argument of json_to_recordset must be an array of objects");
}

/* columns=: they, and no others. */
static int query_body_named(struct query_body *body) {
  const struct query *query = body->query;
  int room = 0, rc = LEDGER_OK;
  body->is_named = true;
  for (int i = 0; i < query->column_count && rc == LEDGER_OK; i++)
    rc = query_body_add(body, &room, query->columns[i].text, query->columns[i].length);
  if (rc != LEDGER_OK) return rc;
  query_body_sort(body);
  return query_body_columns(body);
}

static int query_body_open_json(struct query_body *body) {
  const ledger_query *ask = body->query->ask;
  struct json *json = &body->json;
  size_t length;
  bool is_text = text_is_valid_utf8(ask->body, ask->body_length);
  if (!is_text && !body->is_named) return query_body_refuse(body, "Empty or invalid json");
  if (!is_text) return text_check(ask->body, ask->body_length, &body->query->db->error);
  json_start(json, ask->body, ask->body_length);
  enum json_token token = json_next(json);
  if (token == JSON_ERROR || token == JSON_END) return query_body_syntax(body);
  if (token == JSON_ARRAY) return query_body_elements(body);
  int rc = LEDGER_OK;
  if (token == JSON_OBJECT) {
    body->is_object = true;
    body->row_count = 1;
    if (!body->is_named)
      rc = query_body_first(body);
    else if (!json_skip(json, &length))
      rc = query_body_syntax(body);
  }
  if (rc == LEDGER_OK && json_next(json) != JSON_END) rc = query_body_syntax(body);
  if (rc == LEDGER_OK && body->row_count == 0 && body->is_named)
    rc = error_set(&body->query->db->error, LEDGER_INVALID_PARAMETER,
                   "cannot call json_to_recordset on a scalar");
  return rc; /* a lone word or number is no row */
}

static int query_body_next_json(struct query_body *body, ledger_value *values) {
  struct json *json = &body->json;
  enum json_token token;
  if (body->row == 1) {
    json_start(json, body->query->ask->body, body->query->ask->body_length);
    json_next(json);
  }
  if (!body->is_object) json_next(json);
  for (int number = 0; (token = json_next(json)) == JSON_KEY; number++) {
    const char *name;
    size_t length;
    int rc = query_body_key(body, &name, &length);
    if (rc != LEDGER_OK) return rc;
    int place = query_body_place(body, number, name, length);
    if (place < 0) {
      query_body_pass(json);
      continue;
    }
    rc = query_body_value(body, place, json_next(json), &values[place]);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_ROW;
}

/* ---- CSV */

/* Reads the field at *at, and moves behind it; where it is quoted its text is copied, unless `out` is NULL. *ends: the line does. */
static int query_body_csv_field(struct query_body *body, size_t *at, const char **out,
                                size_t *length, bool *ends) {
  const char *text = body->query->ask->body;
  size_t end = body->query->ask->body_length, i = *at;
  if (i < end && text[i] == '"') {
    size_t first = ++i, doubled = 0;
    while (i < end && (text[i] != '"' || (i + 1 < end && text[i + 1] == '"'))) {
      doubled += text[i] == '"';
      i += text[i] == '"' ? 2 : 1;
    }
    if (i >= end) return query_body_refuse(body, "a quote is not closed (not enough input)");
    if (out != NULL) {
      char *copy = arena_alloc(&body->query->db->arena, i - first - doubled + 1);
      if (copy == NULL) return error_memory(&body->query->db->error);
      *length = 0;
      for (size_t from = first; from < i; from += text[from] == '"' ? 2 : 1)
        copy[(*length)++] = text[from];
      *out = copy;
    }
    i++;
  } else {
    size_t first = i;
    while (i < end && text[i] != ',' && text[i] != '\n' && text[i] != '\r' && text[i] != '"') i++;
    if (out != NULL) {
      *out = text + first;
      *length = i - first;
    }
  }
  if (i < end && text[i] != ',' && text[i] != '\n' && text[i] != '\r')
    return query_body_refuse(body, "a field of the csv goes on behind its closing quote, or has a"
                                   " quote in the middle");
  *ends = i >= end || text[i] != ',';
  if (i + 1 < end && text[i] == '\r' && text[i + 1] == '\n') i++;
  *at = i < end ? i + 1 : i;
  return LEDGER_OK;
}

/* Moves over empty lines. false: that is the end. */
static bool query_body_csv_line(const struct query_body *body, size_t *at) {
  const ledger_query *ask = body->query->ask;
  while (*at < ask->body_length && (ask->body[*at] == '\n' || ask->body[*at] == '\r')) (*at)++;
  return *at < ask->body_length;
}

static int query_body_csv_names(struct query_body *body, size_t *at) {
  bool ends = false;
  int room = 0;
  while (!ends) {
    const char *name;
    size_t length;
    int rc = query_body_csv_field(body, at, &name, &length, &ends);
    if (rc == LEDGER_OK) rc = query_body_add(body, &room, name, length);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* The names in the order of the header become places in the sorted ones. */
static int query_body_csv_places(struct query_body *body) {
  struct arena *arena = &body->query->db->arena;
  int field_count = body->count;
  const char **header = arena_alloc(arena, (size_t)field_count * sizeof *header);
  int *field = arena_alloc(arena, (size_t)field_count * sizeof *field);
  if (header == NULL || field == NULL) return error_memory(&body->query->db->error);
  if (field_count > 0) memcpy(header, body->names, (size_t)field_count * sizeof *header);
  query_body_sort(body);
  int rc = query_body_columns(body);
  for (int i = 0; i < field_count; i++)
    field[i] = query_body_find(body, header[i], strlen(header[i]));
  body->field = field;
  body->field_count = field_count;
  return rc;
}

static int query_body_open_csv(struct query_body *body) {
  const ledger_query *ask = body->query->ask;
  size_t at = 0;
  int rc = text_check(ask->body, ask->body_length, &body->query->db->error);
  if (rc != LEDGER_OK) return rc;
  if (!query_body_csv_line(body, &at)) return query_body_refuse(body, "not enough input");
  rc = query_body_csv_names(body, &at);
  body->first = body->at = at;
  while (rc == LEDGER_OK && query_body_csv_line(body, &at)) {
    int fields = 0;
    for (bool ends = false; !ends && rc == LEDGER_OK; fields++)
      rc = query_body_csv_field(body, &at, NULL, NULL, &ends);
    if (rc != LEDGER_OK) break;
    if (fields > body->count) fields = body->count; /* what has no name is left out */
    if (body->row_count++ == 0) body->count = fields;
    if (fields != body->count)
      rc = query_body_refuse(body, "All lines must have same number of fields");
  }
  if (body->row_count == 0) body->count = 0;
  return rc == LEDGER_OK ? query_body_csv_places(body) : rc;
}

static int query_body_next_csv(struct query_body *body, ledger_value *values) {
  bool ends = false;
  query_body_csv_line(body, &body->at);
  for (int number = 0; !ends; number++) {
    const char *text = "";
    size_t length = 0;
    bool is_taken = number < body->field_count;
    int rc = query_body_csv_field(body, &body->at, is_taken ? &text : NULL, &length, &ends);
    if (rc != LEDGER_OK) return rc;
    if (!is_taken) continue;
    ledger_value *value = &values[body->field[number]];
    *value = (ledger_value){.kind = LEDGER_NULL};
    if (length == 4 && memcmp(text, "NULL", 4) == 0) continue;
    rc = query_body_string(body, body->field[number], text, length, value);
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_ROW;
}

/* ---- a form */

static int query_body_hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes a name, up to its '=', or a value, up to the end of the field: in the arena, with a NUL. */
static int query_body_form_part(struct query_body *body, size_t *at, bool is_name, const char **out,
                                size_t *length) {
  const char *text = body->query->ask->body;
  size_t end = body->query->ask->body_length, first = *at, i = first;
  while (i < end && text[i] != '&' && !(is_name && text[i] == '=')) i++;
  char *copy = arena_alloc(&body->query->db->arena, i - first + 1);
  if (copy == NULL) return error_memory(&body->query->db->error);
  *out = copy;
  *length = 0;
  for (size_t from = first; from < i; from++) {
    char c = text[from] == '+' ? ' ' : text[from];
    if (c == '%' && i - from > 2 && query_body_hex(text[from + 1]) >= 0 &&
        query_body_hex(text[from + 2]) >= 0) {
      c = (char)(query_body_hex(text[from + 1]) * 16 + query_body_hex(text[from + 2]));
      from += 2;
    }
    copy[(*length)++] = c;
  }
  copy[*length] = 0;
  *at = i;
  return text_check(copy, *length, &body->query->db->error);
}

/* The next field: its name, and its value, "" where it has none. */
static int query_body_form_field(struct query_body *body, size_t *at, const char **name,
                                 size_t *name_length, const char **value, size_t *length) {
  const ledger_query *ask = body->query->ask;
  *value = "";
  *length = 0;
  int rc = query_body_form_part(body, at, true, name, name_length);
  if (rc == LEDGER_OK && *at < ask->body_length && ask->body[*at] == '=') {
    (*at)++;
    rc = query_body_form_part(body, at, false, value, length);
  }
  if (*at < ask->body_length) (*at)++;
  return rc;
}

static int query_body_open_form(struct query_body *body) {
  const char *name, *value;
  size_t name_length, length;
  int room = 0, rc = LEDGER_OK;
  body->is_object = true;
  body->row_count = 1;
  for (size_t at = 0; rc == LEDGER_OK && at < body->query->ask->body_length;) {
    rc = query_body_form_field(body, &at, &name, &name_length, &value, &length);
    if (rc == LEDGER_OK && name_length + length > 0)
      rc = query_body_add(body, &room, name, name_length);
  }
  if (rc != LEDGER_OK) return rc;
  query_body_sort(body);
  return query_body_columns(body);
}

static int query_body_next_form(struct query_body *body, ledger_value *values) {
  const char *name, *value;
  size_t name_length, length;
  int rc = LEDGER_OK;
  for (size_t at = 0; rc == LEDGER_OK && at < body->query->ask->body_length;) {
    rc = query_body_form_field(body, &at, &name, &name_length, &value, &length);
    if (rc != LEDGER_OK || name_length + length == 0) continue;
    int place = query_body_find(body, name, name_length);
    rc = query_body_string(body, place, value, length, &values[place]);
  }
  return rc == LEDGER_OK ? LEDGER_ROW : rc;
}

/* ---- all of them */

LEDGER_PRIVATE int query_body_open(struct query_body *body, struct query *query,
                                   bool heeds_columns) {
  const ledger_query *ask = query->ask;
  *body = (struct query_body){.query = query};
  if (ask->body_length > LEDGER_TEXT_MAX) {
    return error_set(&query->db->error, LEDGER_PROGRAM_LIMIT, "a body may have %d bytes at most",
                     LEDGER_TEXT_MAX);
  }
  int rc = LEDGER_OK;
  bool is_json = ask->body_form == LEDGER_BODY_JSON;
  if (is_json && heeds_columns && query->has_columns) rc = query_body_named(body);
  if (rc == LEDGER_OK && is_json)
    rc = query_body_open_json(body);
  else if (rc == LEDGER_OK)
    rc = ask->body_form == LEDGER_BODY_CSV ? query_body_open_csv(body) : query_body_open_form(body);
  if (rc == LEDGER_OK && body->row_count > LEDGER_BATCH_MAX)
    rc = error_set(&query->db->error, LEDGER_PROGRAM_LIMIT, "a request has %d rows at most",
                   LEDGER_BATCH_MAX);
  return rc == LEDGER_OK ? query_body_unknown(body) : rc;
}

LEDGER_PRIVATE int query_body_next(struct query_body *body, ledger_value *values) {
  const ledger_query *ask = body->query->ask;
  if (body->row == body->row_count) return LEDGER_DONE;
  body->row++;
  for (int i = 0; i < body->count; i++)
    values[i] = (ledger_value){.kind = ask->missing_default ? LEDGER_DEFAULT : LEDGER_NULL};
  if (ask->body_form == LEDGER_BODY_JSON) return query_body_next_json(body, values);
  return ask->body_form == LEDGER_BODY_CSV ? query_body_next_csv(body, values)
                                           : query_body_next_form(body, values);
}

LEDGER_PRIVATE void query_body_rewind(struct query_body *body) {
  body->row = 0;
  body->at = body->first;
}
