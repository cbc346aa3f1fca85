/*
** metadata.c: app_metadata and user_metadata: JSON objects whose members are set one by one, by the rule that a null member goes.
** Numbers keep their text.
*/
#include "../internal.h"
#include "user.h"

/* A member of an object: its key decoded, its value as it stands. */
struct metadata_member {
  const char *key, *value;
  size_t key_length, value_length;
  bool is_null;
};

struct metadata {
  int count, room;
  struct metadata_member *members;
};

static struct metadata_member *metadata_place(ledger *db, struct metadata *metadata,
                                              const char *key, size_t length) {
  for (int i = 0; i < metadata->count; i++) {
    struct metadata_member *member = &metadata->members[i];
    if (member->key_length == length && memcmp(member->key, key, length) == 0) return member;
  }
  if (metadata->count == metadata->room) {
    int room = metadata->room == 0 ? 16 : 2 * metadata->room;
    struct metadata_member *members = arena_alloc(&db->arena, (size_t)room * sizeof *members);
    if (members == NULL) return NULL;
    if (metadata->count > 0)
      memcpy(members, metadata->members, (size_t)metadata->count * sizeof *members);
    metadata->members = members;
    metadata->room = room;
  }
  struct metadata_member *member = &metadata->members[metadata->count++];
  *member = (struct metadata_member){.key = key, .key_length = length};
  return member;
}

/* Sets the document's members, the last one of a name counting. INVALID_TEXT where it is no object. */
static int metadata_read(ledger *db, const char *document, struct metadata *metadata) {
  struct json json;
  int rc = text_check(document, strlen(document), &db->error);
  if (rc != LEDGER_OK) return rc;
  json_start(&json, document, strlen(document));
  if (json_next(&json) != JSON_OBJECT) return LEDGER_INVALID_TEXT;
  for (;;) {
    const char *key;
    size_t length;
    enum json_token token = json_next(&json);
    if (token == JSON_OBJECT_END) break;
    if (token != JSON_KEY) return LEDGER_INVALID_TEXT;
    rc = json_decode(&db->arena, &json, &key, &length, &db->error);
    if (rc != LEDGER_OK) return rc;
    token = json_next(&json);
    size_t start = json.token_start;
    if (token == JSON_ERROR) return LEDGER_INVALID_TEXT;
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &(size_t){0}))
      return LEDGER_INVALID_TEXT;
    struct metadata_member *member = metadata_place(db, metadata, key, length);
    if (member == NULL) return error_memory(&db->error);
    member->value = document + start;
    member->value_length = json.position - start;
    member->is_null = token == JSON_NULL;
  }
  return json_next(&json) == JSON_END ? LEDGER_OK : LEDGER_INVALID_TEXT;
}

LEDGER_PRIVATE int metadata_merge(ledger *db, const char *name, const char *present,
                                  const char *change, size_t length_max, const char **out) {
  struct metadata metadata = {0};
  int rc = LEDGER_OK;
  if (change == NULL) {
    *out = present;
    return LEDGER_OK;
  }
  if (strlen(change) > 4 * length_max) rc = LEDGER_PROGRAM_LIMIT;
  if (rc == LEDGER_OK && present != NULL) rc = metadata_read(db, present, &metadata);
  if (rc == LEDGER_OK) rc = metadata_read(db, change, &metadata);
  if (rc == LEDGER_MEMORY) return rc;
  if (rc != LEDGER_OK && rc != LEDGER_PROGRAM_LIMIT)
    return error_set(&db->error, LEDGER_INVALID_PARAMETER, "%s is not a JSON object", name);
  sqlite3_str *text = sqlite3_str_new(NULL);
  int count = 0;
  for (int i = 0; rc == LEDGER_OK && i < metadata.count; i++) {
    const struct metadata_member *member = &metadata.members[i];
    if (member->is_null) continue;
    sqlite3_str_appendchar(text, 1, count++ == 0 ? '{' : ',');
    json_quote(text, member->key, member->key_length);
    sqlite3_str_appendchar(text, 1, ':');
    sqlite3_str_append(text, member->value, (int)member->value_length);
  }
  sqlite3_str_appendall(text, count == 0 ? "{}" : "}");
  if ((size_t)sqlite3_str_length(text) > length_max) rc = LEDGER_PROGRAM_LIMIT;
  *out = arena_finish(&db->arena, text);
  if (*out == NULL) return error_memory(&db->error);
  if (rc != LEDGER_OK)
    return error_set(&db->error, LEDGER_PROGRAM_LIMIT, "%s may have %d bytes at most", name,
                     (int)length_max);
  return LEDGER_OK;
}

LEDGER_PRIVATE int metadata_text(ledger *db, const char *document, const char *name,
                                 const char **out) {
  struct metadata metadata = {0};
  *out = NULL;
  if (document == NULL) return LEDGER_OK;
  int rc = metadata_read(db, document, &metadata);
  if (rc == LEDGER_MEMORY) return rc;
  for (int i = 0; rc == LEDGER_OK && i < metadata.count; i++) {
    const struct metadata_member *member = &metadata.members[i];
    struct json json;
    size_t length;
    if (member->key_length != strlen(name) || memcmp(member->key, name, member->key_length) != 0)
      continue;
    json_start(&json, member->value, member->value_length);
    if (json_next(&json) != JSON_STRING) continue;
    rc = json_decode(&db->arena, &json, out, &length, &db->error);
    if (rc == LEDGER_OK) *out = arena_copy(&db->arena, *out, length);
    if (rc == LEDGER_OK && *out == NULL) return error_memory(&db->error);
  }
  if (rc == LEDGER_OK) return LEDGER_OK;
  error_clear(&db->error); /* a text that cannot be stored is none */
  *out = NULL;
  return LEDGER_OK;
}
