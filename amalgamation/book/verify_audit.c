/*
** verify_audit.c: the images of audited rows (V11). The audit rows of one plain row, in their order, tell its history: what each gives
** as old value is what the one before it left as the new one, and what the last one left stands in the row now. Which audit
** rows there must be, and that none was changed, is the chain's matter (verify_walk.c).
*/
#include "../internal.h"
#include "verify.h"

/* The history of one row, so far. */
struct image {
  struct verify *verify;
  const struct relation *relation;
  struct arena arena;  /* of this row's values */
  const char **values; /* by column, JSON as the trail has it; NULL: not known */
  bool is_whole;       /* columns that are not known are null: its insert was seen */
  bool exists, has_any;
  char id[37];
  char audit_id[37]; /* of the audit row that is read */
};

/* What the book writes without an audit row of its own, or says otherwise. */
static bool image_skips(const char *column) {
  return strcmp(column, "updated_at") == 0 || strcmp(column, "balance") == 0 ||
         strcmp(column, "available_balance") == 0;
}

static void image_clear(struct image *image) {
  memset(image->values, 0, (size_t)image->relation->column_count * sizeof *image->values);
  arena_reset(&image->arena);
}

/* ---- members of an image */

typedef int image_each(struct image *image, int column, const char *text, size_t length);

/* Calls `each` with every member that is a column, as text of JSON. */
static int image_members(struct image *image, const char *object, size_t object_length,
                         image_each *each) {
  struct json json;
  int rc = LEDGER_OK;
  json_start(&json, object, object_length);
  if (json_next(&json) != JSON_OBJECT) return LEDGER_OK;
  while (rc == LEDGER_OK && json_next(&json) == JSON_KEY) {
    int column = catalog_column(image->relation, json.token, json.token_length);
    enum json_token token = json_next(&json);
    size_t start = json.token_start, length = json.position - start;
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &length)) break;
    if (column >= 0 && !image_skips(image->relation->columns[column].name))
      rc = each(image, column, object + start, length);
  }
  return rc;
}

static bool image_is(const char *known, const char *text, size_t length) {
  return strlen(known) == length && memcmp(known, text, length) == 0;
}

static bool image_is_digest(const char *text, size_t length) {
  static const char head[] = "{\"sha256\": ";
  return length > sizeof head && memcmp(text, head, sizeof head - 1) == 0;
}

/* Are they the same? A secret that an older version wrote into the trail as it was, and this one by its digest, is not compared. */
static bool image_agrees(const struct image *image, int column, const char *known, const char *text,
                         size_t length) {
  if (known == NULL) known = "null";
  if (image_is(known, text, length)) return true;
  return image->relation->columns[column].is_secret && strcmp(known, "null") != 0 &&
         image_is_digest(known, strlen(known)) != image_is_digest(text, length) &&
         !image_is("null", text, length);
}

static int image_before(struct image *image, int column, const char *text, size_t length) {
  const char *known = image->values[column];
  if (known == NULL && !image->is_whole) return LEDGER_OK;
  if (!image_agrees(image, column, known, text, length))
    verify_break(image->verify, "V11", "audit_logs", image->audit_id, 0,
                 "the old value of %s is not what the trail left in %s %s",
                 image->relation->columns[column].name, image->relation->name, image->id);
  return LEDGER_OK;
}

static int image_after(struct image *image, int column, const char *text, size_t length) {
  image->values[column] = arena_copy(&image->arena, text, length);
  return image->values[column] == NULL ? error_memory(&image->verify->db->error) : LEDGER_OK;
}

/* ---- the row as it is now */

static int image_now(struct image *image, int column, const char *text, size_t length) {
  const char *known = image->values[column];
  image->values[column] = NULL; /* compared */
  if (known == NULL && !image->is_whole) return LEDGER_OK;
  if (!image_agrees(image, column, known, text, length))
    verify_break(image->verify, "V11", image->relation->name, image->id, 0,
                 "%s is not what the audit trail left in it",
                 image->relation->columns[column].name);
  return LEDGER_OK;
}

static int image_compare_row(struct image *image, sqlite3_stmt *stmt) {
  const struct relation *relation = image->relation;
  ledger *db = image->verify->db;
  const char *json = NULL;
  struct value *row = arena_alloc(&image->arena, (size_t)relation->column_count * sizeof *row);
  if (row == NULL) return error_memory(&db->error);
  for (int i = 0; i < relation->column_count; i++) row[i] = statement_value(stmt, i);
  int rc = audit_object(db, relation, row, NULL, NULL, &image->arena, &json);
  if (rc == LEDGER_OK && json != NULL) rc = image_members(image, json, strlen(json), image_now);
  for (int i = 0; rc == LEDGER_OK && i < relation->column_count; i++) {
    if (image->values[i] != NULL && strcmp(image->values[i], "null") != 0)
      verify_break(image->verify, "V11", relation->name, image->id, 0,
                   "%s is null, the audit trail left something in it", relation->columns[i].name);
  }
  return rc;
}

/* The end of a row's history. */
static int image_end(struct image *image, sqlite3_stmt *row) {
  if (!image->has_any) return LEDGER_OK;
  bool has_row;
  sqlite3_bind_text(row, 1, image->id, -1, SQLITE_STATIC);
  int rc = verify_step(image->verify, row, &has_row);
  if (rc == LEDGER_OK && has_row != image->exists)
    verify_break(image->verify, "V11", image->relation->name, image->id, 0,
                 has_row ? "the row is there, the audit trail says it was deleted"
                         : "the row is not there, the audit trail has no word of its end");
  else if (rc == LEDGER_OK && has_row)
    rc = image_compare_row(image, row);
  sqlite3_reset(row);
  image->has_any = false;
  return rc;
}

/* ---- the audit rows */

/* The member `name` of the short shape's details; *length 0: there is none. */
static const char *image_detail(const char *details, const char *name, size_t *length) {
  struct json json;
  *length = 0;
  if (details == NULL) return NULL;
  json_start(&json, details, strlen(details));
  if (json_next(&json) != JSON_OBJECT) return NULL;
  while (json_next(&json) == JSON_KEY) {
    bool found =
        json.token_length == strlen(name) && memcmp(json.token, name, json.token_length) == 0;
    enum json_token token = json_next(&json);
    size_t start = json.token_start, size = json.position - start;
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &size)) return NULL;
    if (!found) continue;
    *length = size;
    return details + start;
  }
  return NULL;
}

/* Columns id, entity_id, action, old_values, new_values, status, details. */
static int image_take(struct image *image, sqlite3_stmt *stmt) {
  const char *id = verify_text(stmt, 0), *action = verify_text(stmt, 2);
  const char *before = verify_text(stmt, 3), *after = verify_text(stmt, 4);
  const char *status = verify_text(stmt, 5), *details = verify_text(stmt, 6);
  size_t before_length = before == NULL ? 0 : strlen(before);
  size_t after_length = after == NULL ? 0 : strlen(after), error_length = 0;
  if (!image->verify->tables->audit_is_full) {
    before = image_detail(details, "before", &before_length);
    after = image_detail(details, "after", &after_length);
    (void)image_detail(details, "error", &error_length);
  }
  if (action == NULL || error_length > 0 || (status != NULL && strcmp(status, "success") != 0))
    return LEDGER_OK;
  sqlite3_snprintf((int)sizeof image->audit_id, image->audit_id, "%s", id == NULL ? "" : id);
  int rc = LEDGER_OK;
  bool inserts = strcmp(action, "INSERT") == 0, deletes = strcmp(action, "DELETE") == 0;
  if (inserts && image->has_any && image->exists)
    verify_break(image->verify, "V11", "audit_logs", image->audit_id, 0,
                 "%s %s was inserted, but it was there", image->relation->name, image->id);
  if (inserts) {
    image_clear(image);
    image->is_whole = true;
  }
  if (before_length > 0) rc = image_members(image, before, before_length, image_before);
  if (rc == LEDGER_OK && after_length > 0)
    rc = image_members(image, after, after_length, image_after);
  image->exists = !deletes;
  image->has_any = true;
  return rc;
}

static int image_each_row(struct image *image, sqlite3_stmt *trail, sqlite3_stmt *row) {
  bool has_row;
  int rc;
  while ((rc = verify_step(image->verify, trail, &has_row)) == LEDGER_OK && has_row) {
    const char *id = verify_text(trail, 1);
    if (id == NULL || strlen(id) != 36) continue;
    if (verify_is_imported(image->verify, IMPORTED_AUDIT, sqlite3_column_int64(trail, 7))) continue;
    if (strcmp(id, image->id) != 0) {
      rc = image_end(image, row);
      if (rc != LEDGER_OK) return rc;
      image_clear(image);
      image->is_whole = false;
      memcpy(image->id, id, sizeof image->id);
    }
    rc = image_take(image, trail);
    if (rc != LEDGER_OK) return rc;
  }
  return rc == LEDGER_OK ? image_end(image, row) : rc;
}

static int image_prepare(struct image *image, sqlite3_stmt **trail, sqlite3_stmt **row) {
  ledger *db = image->verify->db;
  /* full has an index in this order; elsewhere only the keys are sorted, not whole rows. Without the LIMIT SQLite leaves the
  ** order of what it joins aside. */
  const char *sql =
      image->verify->tables->audit_is_full
          ? "SELECT id, entity_id, action, old_values, new_values, status, NULL, rowid FROM "
            "audit_logs"
            " WHERE entity_type = ?1 AND entity_id IS NOT NULL AND action IN ('INSERT', 'UPDATE',"
            " 'DELETE', 'OPEN', 'FREEZE', 'SUSPEND', 'ACTIVATE', 'CLOSE') ORDER BY entity_id, rowid"
          : "SELECT a.id, a.resource_id, a.action, NULL, NULL, NULL, a.details, k.place"
            " FROM (SELECT rowid AS place FROM audit_logs WHERE resource_type = ?1 AND resource_id "
            "IS NOT NULL AND action"
            " IN ('INSERT', 'UPDATE', 'DELETE', 'OPEN', 'FREEZE', 'SUSPEND', 'ACTIVATE', 'CLOSE')"
            " ORDER BY resource_id, rowid LIMIT -1) k CROSS JOIN audit_logs a ON a.rowid = k.place";
  sqlite3_str *text = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(text, sql);
  int rc = statement_prepare(db, text, trail);
  if (rc != LEDGER_OK) return verify_trouble(image->verify, rc);
  sqlite3_bind_text(*trail, 1, image->relation->name, -1, SQLITE_STATIC);
  text = sqlite3_str_new(db->sqlite);
  for (int i = 0; i < image->relation->column_count; i++)
    sqlite3_str_appendf(text, "%s\"%w\"", i == 0 ? "SELECT " : ", ",
                        image->relation->columns[i].name);
  sqlite3_str_appendf(text, " FROM main.\"%w\" WHERE id = ?1", image->relation->stored_name);
  rc = statement_prepare(db, text, row);
  return rc == LEDGER_OK ? LEDGER_OK : verify_trouble(image->verify, rc);
}

static int image_relation(struct verify *verify, const struct relation *relation) {
  struct image image = {.verify = verify, .relation = relation};
  sqlite3_stmt *trail = NULL, *row = NULL;
  image.values = sqlite3_malloc64((size_t)relation->column_count * sizeof *image.values);
  if (image.values == NULL) return error_memory(&verify->db->error);
  image_clear(&image);
  int rc = image_prepare(&image, &trail, &row);
  if (rc == LEDGER_OK && trail != NULL && row != NULL) rc = image_each_row(&image, trail, row);
  statement_end(trail);
  statement_end(row);
  arena_free(&image.arena);
  sqlite3_free(image.values);
  return rc;
}

LEDGER_PRIVATE int verify_images(struct verify *verify) {
  const struct catalog *catalog = verify->db->catalog;
  int rc = LEDGER_OK;
  if (verify->tables->audit_logs == NULL) return LEDGER_OK;
  for (int i = 0; i < catalog->relation_count && rc == LEDGER_OK; i++) {
    const struct relation *relation = &catalog->relations[i];
    int id = relation->is_view ? -1 : catalog_column(relation, "id", 2);
    if (id >= 0 && relation->columns[id].type.id == TYPE_UUID && audit_is_of(relation))
      rc = image_relation(verify, relation);
  }
  return rc;
}
