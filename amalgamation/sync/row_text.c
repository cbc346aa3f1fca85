/*
** row_text.c: stored values as PostgreSQL prints them, and where one is that is not what its column says: a foreign program
** stored it.
*/
#include "../internal.h"

LEDGER_PRIVATE int row_text_bad(ledger *db, const struct relation *relation, int column,
                                const struct value *row, int code, const char *problem) {
  char key[160] = "", sentence[sizeof db->error.message];
  size_t used = 0;
  snprintf(sentence, sizeof sentence, "%s", problem); /* it may be the message that goes */
  for (int i = 0; relation->primary && i < relation->primary->count && used < sizeof key; i++) {
    const struct value *value = &row[relation->primary->columns[i]];
    int written = value->kind == VALUE_INTEGER
                      ? snprintf(key + used, sizeof key - used, "%s%lld", i ? ", " : "",
                                 (long long)value->integer)
                      : snprintf(key + used, sizeof key - used, "%s%.*s", i ? ", " : "",
                                 value->kind == VALUE_TEXT ? (int)value->length : 0,
                                 value->kind == VALUE_TEXT ? value->text : "");
    used += written > 0 ? (size_t)written : 0;
  }
  error_set(&db->error, code, "table \"%s\", key (%s), column \"%s\": %s", relation->name, key,
            relation->columns[column].name, sentence);
  snprintf(db->error.table, sizeof db->error.table, "%s", relation->name);
  snprintf(db->error.column, sizeof db->error.column, "%s", relation->columns[column].name);
  return code;
}

/* True for types whose stored text is PostgreSQL's output text as it is. */
static bool row_text_is_plain(const struct type *type) {
  switch (type->id) {
  case TYPE_NUMERIC:
  case TYPE_TEXT:
  case TYPE_VARCHAR:
  case TYPE_BPCHAR:
  case TYPE_NAME:
  case TYPE_CITEXT:
  case TYPE_XML:
  case TYPE_UUID:
  case TYPE_DATE:
  case TYPE_TIME:
  case TYPE_TIMESTAMP:
  case TYPE_INTERVAL:
  case TYPE_JSON:
  case TYPE_JSONB:
  case TYPE_INET:
  case TYPE_CIDR:
  case TYPE_ENUM: return !type->is_array;
  default: return false;
  }
}

/* Types whose output text the stored form gives away, without a detour through type_output(): the greater part of all values. */
static bool row_text_short_cut(const struct type *type, const struct value *value,
                               struct row_text *out) {
  out->text = value->text;
  out->length = value->length;
  if (type->is_array) return false;
  if (value->kind == VALUE_TEXT && row_text_is_plain(type)) return true;
  if (value->kind == VALUE_TEXT && type->id == TYPE_TIMESTAMPTZ && value->length > 6 &&
      memcmp(value->text + value->length - 6, "+00:00", 6) == 0) {
    out->length -= 3; /* +00 */
    return true;
  }
  if (value->kind != VALUE_INTEGER) return false;
  out->text = out->number;
  if (type->id == TYPE_BOOLEAN && (value->integer == 0 || value->integer == 1)) {
    out->number[0] = value->integer ? 't' : 'f';
    out->length = 1;
    return true;
  }
  if (type->id != TYPE_INT2 && type->id != TYPE_INT4 && type->id != TYPE_INT8) return false;
  out->length =
      (size_t)snprintf(out->number, sizeof out->number, "%lld", (long long)value->integer);
  return true;
}

LEDGER_PRIVATE void row_text_open(struct row_text *text) {
  text->built = sqlite3_str_new(NULL);
}

LEDGER_PRIVATE void row_text_close(struct row_text *text) {
  sqlite3_free(sqlite3_str_finish(text->built));
}

LEDGER_PRIVATE int row_text_print(ledger *db, const struct relation *relation, int column,
                                  const struct value *row, struct row_text *out) {
  sqlite3_str_reset(out->built);
  int rc = type_output(&relation->columns[column].type, &row[column], out->built, &db->error);
  if (rc == LEDGER_OK && sqlite3_str_errcode(out->built) != SQLITE_OK)
    rc = error_memory(&db->error);
  if (rc != LEDGER_OK && rc != LEDGER_MEMORY)
    rc = row_text_bad(db, relation, column, row, rc, db->error.message);
  if (rc != LEDGER_OK) return rc;
  out->length = (size_t)sqlite3_str_length(out->built);
  out->text = out->length > 0 ? sqlite3_str_value(out->built) : "";
  return LEDGER_OK;
}

LEDGER_PRIVATE int row_text_read(ledger *db, const struct relation *relation, int column,
                                 const struct value *row, struct row_text *out) {
  if (row_text_short_cut(&relation->columns[column].type, &row[column], out)) return LEDGER_OK;
  return row_text_print(db, relation, column, row, out);
}

static bool row_text_is_quoted(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (c == '"' || c == '\\' || c == '(' || c == ')' || c == ',' || text_is_space(c)) return true;
  }
  return length == 0;
}

LEDGER_PRIVATE void row_text_record(sqlite3_str *record, const char *text, size_t length) {
  if (!row_text_is_quoted(text, length)) {
    sqlite3_str_append(record, text, (int)length);
    return;
  }
  sqlite3_str_appendchar(record, 1, '"');
  for (size_t start = 0, i = 0; i <= length; i++) {
    if (i < length && text[i] != '"' && text[i] != '\\') continue;
    sqlite3_str_append(record, text + start, (int)(i - start));
    if (i < length) sqlite3_str_appendchar(record, 1, text[i]); /* doubled */
    start = i;
  }
  sqlite3_str_appendchar(record, 1, '"');
}
