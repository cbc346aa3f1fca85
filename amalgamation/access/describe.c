/*
** describe.c: what a caller's role can reach, as JSON: the relations on which it has a privilege, with their columns and keys, and the
** functions that it may call. What documents of an API are made of.
*/
#include "../internal.h"
#include "call.h"

static void describe_text(sqlite3_str *out, const char *name, const char *text) {
  json_member(out, name, text == NULL || text[0] == 0 ? NULL : text);
}

/* Does the caller have the privilege? Also another error than that it has not is one. */
static int describe_may(ledger *db, const struct relation *relation, enum policy_verb verb,
                        bool *out) {
  int rc = policy_privilege(db, relation, verb);
  *out = rc == LEDGER_OK;
  if (rc == LEDGER_FORBIDDEN) {
    error_clear(&db->error);
    return LEDGER_OK;
  }
  return rc;
}

/* The default as PostgreSQL writes it, where it is one that we know by its kind. */
static const char *describe_default(const struct column *column) {
  switch (column->default_kind) {
  case COLUMN_NO_DEFAULT: return NULL;
  case COLUMN_NOW: return "now()";
  case COLUMN_UUID: return "gen_random_uuid()";
  case COLUMN_NEXTVAL: return "nextval()";
  default: return column->default_sql;
  }
}

static void describe_column(sqlite3_str *out, const struct column *column) {
  const struct type *type = &column->type;
  bool has_length = (type->id == TYPE_VARCHAR || type->id == TYPE_BPCHAR) && type->length > 0;
  sqlite3_str_appendchar(out, 1, '{');
  json_member(out, "name", column->name);
  json_member(out, "type", column->type_name);
  sqlite3_str_appendf(out, ",\"nullable\":%s", column->not_null ? "false" : "true");
  json_member(out, "default", describe_default(column));
  describe_text(out, "comment", column->comment);
  if (type->labels == NULL)
    sqlite3_str_appendall(out, ",\"enum\":null");
  else
    for (int i = 0; i < type->labels->count; i++) {
      sqlite3_str_appendall(out, i == 0 ? ",\"enum\":[" : ",");
      json_quote(out, type->labels->labels[i], strlen(type->labels->labels[i]));
    }
  if (type->labels != NULL)
    sqlite3_str_appendall(out, type->labels->count > 0 ? "]" : ",\"enum\":[]");
  if (has_length)
    sqlite3_str_appendf(out, ",\"max_length\":%d", type->length);
  else
    sqlite3_str_appendall(out, ",\"max_length\":null");
  sqlite3_str_appendf(out, ",\"generated\":%s,\"identity\":%s}",
                      column->generated_sql != NULL ? "true" : "false",
                      column->identity != 0 ? "true" : "false");
}

static void describe_names(sqlite3_str *out, const char *member, const struct relation *relation,
                           int count, const int *columns) {
  sqlite3_str_appendf(out, "\"%s\":[", member);
  for (int i = 0; i < count; i++) {
    const char *name = relation->columns[columns[i]].name;
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    json_quote(out, name, strlen(name));
  }
  sqlite3_str_appendchar(out, 1, ']');
}

static void describe_keys(sqlite3_str *out, const struct relation *relation) {
  const struct constraint *primary = relation->primary;
  int shown = 0;
  sqlite3_str_appendchar(out, 1, ',');
  describe_names(out, "primary_key", relation, primary == NULL ? 0 : primary->count,
                 primary == NULL ? NULL : primary->columns);
  sqlite3_str_appendall(out, ",\"foreign_keys\":[");
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *key = relation->constraints[i];
    if (key->kind != 'f' || key->reference == NULL) continue;
    sqlite3_str_appendall(out, shown++ > 0 ? ",{" : "{");
    describe_names(out, "columns", relation, key->count, key->columns);
    json_member(out, "table", key->reference->name);
    sqlite3_str_appendchar(out, 1, ',');
    describe_names(out, "referenced", key->reference, key->reference_count, key->reference_columns);
    sqlite3_str_appendchar(out, 1, '}');
  }
  sqlite3_str_appendchar(out, 1, ']');
}

static int describe_relation(ledger *db, const struct relation *relation, sqlite3_str *out,
                             int *shown) {
  static const char *const words[] = {"select", "insert", "update", "delete"};
  bool may[4] = {false};
  int rc = LEDGER_OK;
  for (int verb = POLICY_SELECT; rc == LEDGER_OK && verb <= POLICY_DELETE; verb++)
    rc = describe_may(db, relation, (enum policy_verb)verb, &may[verb]);
  if (rc != LEDGER_OK || !(may[0] || may[1] || may[2] || may[3])) return rc;
  sqlite3_str_appendall(out, (*shown)++ > 0 ? ",{" : "{");
  json_member(out, "schema", relation->schema);
  json_member(out, "name", relation->name);
  json_member(out, "kind", relation->is_view ? "view" : "table");
  describe_text(out, "comment", relation->comment);
  sqlite3_str_appendall(out, ",\"columns\":[");
  for (int i = 0; i < relation->column_count; i++) {
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    describe_column(out, &relation->columns[i]);
  }
  sqlite3_str_appendchar(out, 1, ']');
  describe_keys(out, relation);
  for (int verb = 0; verb < 4; verb++) /* a view is read */
    sqlite3_str_appendf(out, ",\"%s\":%s", words[verb],
                        may[verb] && (verb == 0 || !relation->is_view) ? "true" : "false");
  sqlite3_str_appendchar(out, 1, '}');
  return LEDGER_OK;
}

static int describe_all(ledger *db, const ledger_caller *caller, sqlite3_str *out) {
  int shown = 0;
  int rc = policy_enter(db, caller);
  sqlite3_str_appendall(out, "{\"relations\":[");
  for (int i = 0; rc == LEDGER_OK && i < db->catalog->relation_count; i++)
    rc = describe_relation(db, &db->catalog->relations[i], out, &shown);
  sqlite3_str_appendall(out, "],\"functions\":[");
  if (rc == LEDGER_OK) rc = call_describe(db, caller, out);
  sqlite3_str_appendall(out, "]}");
  policy_leave(db);
  return rc;
}

LEDGER_PRIVATE int describe_catalog(ledger *db, const ledger_caller *caller, char **json) {
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL);
  rc = describe_all(db, caller, out);
  transaction_end_read(db);
  if (rc == LEDGER_OK && sqlite3_str_errcode(out) != SQLITE_OK) rc = error_memory(&db->error);
  char *text = sqlite3_str_finish(out);
  if (rc == LEDGER_OK && text == NULL) rc = error_memory(&db->error);
  if (rc != LEDGER_OK) {
    sqlite3_free(text);
    return rc;
  }
  *json = text;
  return LEDGER_OK;
}
