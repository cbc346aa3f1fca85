/*
** write_apply.c: a change that comes as a JSON object, {"table":..., "op":..., "row":{...}, "where":{...}}. The document is
** read token by token; no number becomes a float on its way.
*/
#include "../internal.h"

struct apply_members {
  bool given;
  int count, room;
  const char **names;
  ledger_value *values;
};

struct apply {
  ledger *db;
  struct json json;
  const char *table, *op;
  struct apply_members row, where;
};

static int apply_syntax(struct apply *apply) {
  if (apply->json.problem != NULL) return json_error(&apply->json, &apply->db->error);
  return error_set(&apply->db->error, LEDGER_INVALID_TEXT, "invalid input syntax for type json");
}

static int apply_decode(struct apply *apply, const char **text, size_t *length) {
  struct arena *arena = &apply->db->arena;
  int rc = json_decode(arena, &apply->json, text, length, &apply->db->error);
  if (rc != LEDGER_OK) return rc;
  *text = arena_copy(arena, *text, *length); /* names need their NUL */
  return *text == NULL ? error_memory(&apply->db->error) : LEDGER_OK;
}

static int apply_grow(struct apply *apply, struct apply_members *members) {
  if (members->count < members->room) return LEDGER_OK;
  int room = members->room == 0 ? 32 : members->room * 2;
  const char **names = arena_alloc(&apply->db->arena, (size_t)room * sizeof *names);
  ledger_value *values = arena_alloc(&apply->db->arena, (size_t)room * sizeof *values);
  if (names == NULL || values == NULL) return error_memory(&apply->db->error);
  if (members->count > 0) {
    memcpy(names, members->names, (size_t)members->count * sizeof *names);
    memcpy(values, members->values, (size_t)members->count * sizeof *values);
  }
  members->names = names;
  members->values = values;
  members->room = room;
  return LEDGER_OK;
}

static int apply_value(struct apply *apply, enum json_token token, ledger_value *out) {
  struct json *json = &apply->json;
  *out = (ledger_value){.kind = LEDGER_NULL};
  switch (token) {
  case JSON_NULL: return LEDGER_OK;
  case JSON_TRUE:
  case JSON_FALSE:
    out->kind = LEDGER_BOOLEAN;
    out->integer = token == JSON_TRUE;
    return LEDGER_OK;
  case JSON_NUMBER:
    out->kind = LEDGER_NUMBER;
    out->text = json->token;
    out->length = json->token_length;
    return LEDGER_OK;
  case JSON_STRING:
    out->kind = LEDGER_TEXT;
    if (json->token_escaped)
      return json_decode(&apply->db->arena, json, &out->text, &out->length, &apply->db->error);
    out->text = json->token;
    out->length = json->token_length;
    return LEDGER_OK;
  case JSON_OBJECT:
  case JSON_ARRAY:
    out->kind = LEDGER_JSON;
    out->text = json->text + json->token_start;
    return json_skip(json, &out->length) ? LEDGER_OK : apply_syntax(apply);
  default: return apply_syntax(apply);
  }
}

static int apply_members(struct apply *apply, const char *name, struct apply_members *members) {
  struct json *json = &apply->json;
  enum json_token token = json_next(json);
  if (token == JSON_ERROR) return apply_syntax(apply);
  if (token != JSON_OBJECT) {
    return error_set(&apply->db->error, LEDGER_INVALID_PARAMETER, "\"%s\" is not a JSON object",
                     name);
  }
  members->given = true;
  while ((token = json_next(json)) == JSON_KEY) {
    size_t length;
    int rc = apply_grow(apply, members);
    if (rc == LEDGER_OK) rc = apply_decode(apply, &members->names[members->count], &length);
    if (rc == LEDGER_OK) rc = apply_value(apply, json_next(json), &members->values[members->count]);
    if (rc != LEDGER_OK) return rc;
    members->count++;
  }
  return token == JSON_OBJECT_END ? LEDGER_OK : apply_syntax(apply);
}

static int apply_word(struct apply *apply, const char *name, const char **out) {
  size_t length;
  enum json_token token = json_next(&apply->json);
  if (token == JSON_ERROR) return apply_syntax(apply);
  if (token != JSON_STRING) {
    return error_set(&apply->db->error, LEDGER_INVALID_PARAMETER, "\"%s\" is not a JSON string",
                     name);
  }
  return apply_decode(apply, out, &length);
}

static int apply_read(struct apply *apply) {
  struct json *json = &apply->json;
  ledger_error *error = &apply->db->error;
  enum json_token token = json_next(json);
  if (token == JSON_ERROR || token == JSON_END) return apply_syntax(apply);
  if (token != JSON_OBJECT)
    return error_set(error, LEDGER_INVALID_PARAMETER, "a change is not a JSON object");
  while ((token = json_next(json)) == JSON_KEY) {
    const char *key;
    size_t length;
    int rc = apply_decode(apply, &key, &length);
    if (rc != LEDGER_OK) return rc;
    bool again = false;
    if (strcmp(key, "table") == 0)
      rc = (again = apply->table != NULL) ? 0 : apply_word(apply, key, &apply->table);
    else if (strcmp(key, "op") == 0)
      rc = (again = apply->op != NULL) ? 0 : apply_word(apply, key, &apply->op);
    else if (strcmp(key, "row") == 0)
      rc = (again = apply->row.given) ? 0 : apply_members(apply, key, &apply->row);
    else if (strcmp(key, "where") == 0)
      rc = (again = apply->where.given) ? 0 : apply_members(apply, key, &apply->where);
    else
      return error_set(error, LEDGER_INVALID_PARAMETER, "a change has no member \"%s\"", key);
    if (again) return error_set(error, LEDGER_INVALID_PARAMETER, "\"%s\" is given twice", key);
    if (rc != LEDGER_OK) return rc;
  }
  if (token != JSON_OBJECT_END || json_next(json) != JSON_END) return apply_syntax(apply);
  if (apply->table == NULL)
    return error_set(error, LEDGER_INVALID_PARAMETER, "a change needs \"table\"");
  return LEDGER_OK;
}

/* Does the change have the members that its op needs, and no other? */
static int apply_check(const struct apply *apply, const char *op, bool row, bool where) {
  if (apply->row.given != row) {
    return error_set(&apply->db->error, LEDGER_INVALID_PARAMETER,
                     row ? "%s needs \"row\"" : "%s takes no \"row\"", op);
  }
  if (apply->where.given && !where) {
    return error_set(&apply->db->error, LEDGER_INVALID_PARAMETER, "%s takes no \"where\"", op);
  }
  return LEDGER_OK;
}

LEDGER_PRIVATE int write_apply(ledger *db, const char *change, size_t length, int64_t *changed,
                               ledger_rows **returned) {
  if (!text_is_valid_utf8(change, length)) {
    return error_set(&db->error, LEDGER_BAD_ENCODING,
                     "invalid byte sequence for encoding \"UTF8\"");
  }
  struct apply apply = {.db = db};
  json_start(&apply.json, change, length);
  int rc = apply_read(&apply);
  if (rc != LEDGER_OK) return rc;
  const struct apply_members *row = &apply.row, *where = &apply.where;
  const char *op = apply.op == NULL ? "insert" : apply.op;
  if (strcmp(op, "insert") == 0) {
    rc = apply_check(&apply, op, true, false);
    if (rc == LEDGER_OK)
      rc = write_insert(db, apply.table, row->count, row->names, row->values, returned);
    if (rc == LEDGER_OK && changed != NULL) *changed = 1;
  } else if (strcmp(op, "upsert") == 0) {
    rc = apply_check(&apply, op, true, false);
    if (rc == LEDGER_OK) {
      rc = write_upsert(db, apply.table, row->count, row->names, row->values, 0, NULL, 1, changed,
                        returned);
    }
  } else if (strcmp(op, "update") == 0) {
    rc = apply_check(&apply, op, true, true);
    if (rc == LEDGER_OK) {
      rc = write_update(db, apply.table, row->count, row->names, row->values, where->count,
                        where->names, where->values, 0, changed, returned);
    }
  } else if (strcmp(op, "delete") == 0) {
    rc = apply_check(&apply, op, false, true);
    if (rc == LEDGER_OK) {
      rc = write_delete(db, apply.table, where->count, where->names, where->values, 0, changed,
                        returned);
    }
  } else {
    rc = error_set(&db->error, LEDGER_INVALID_PARAMETER,
                   "\"op\" is not insert, update, delete or upsert but \"%s\"", op);
  }
  return rc;
}
