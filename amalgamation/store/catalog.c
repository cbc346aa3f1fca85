/*
** catalog.c: reads ledger_catalog_* into structs and looks names up in them. A catalog is one allocation that lives as
** long as a handle or a cursor refers to it.
*/
#include "../internal.h"

#define CATALOG_RELATION_ID_MAX                                                                    \
  1000000 /* the compiler counts from 1; lists of relations are made by this number */

/* What loading needs besides the catalog. */
struct catalog_load {
  ledger *db;
  struct catalog *catalog;
  int type_count;
  struct catalog_type {
    int64_t id;
    const char *name;
    struct type_labels labels;
  } * types;
};

/* A prepared statement, or NULL after an error. */
static sqlite3_stmt *catalog_query(struct catalog_load *load, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(load->db->sqlite, sql, -1, &stmt, NULL);
  if (rc != SQLITE_OK) store_error(load->db, rc);
  return stmt;
}

/* Ends a query: LEDGER_OK after SQLITE_DONE and a good rc. */
static int catalog_query_end(struct catalog_load *load, sqlite3_stmt *stmt, int rc) {
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(load->db, sqlite_rc);
  sqlite3_finalize(stmt);
  return rc;
}

static void *catalog_alloc(struct catalog_load *load, size_t count, size_t size) {
  void *memory = arena_alloc(&load->catalog->arena, count * size + 1);
  if (memory == NULL)
    error_memory(&load->db->error);
  else
    memset(memory, 0, count * size);
  return memory;
}

/* Copies a text column into the catalog; NULL for NULL. */
static int catalog_text(struct catalog_load *load, sqlite3_stmt *stmt, int column,
                        const char **out) {
  *out = NULL;
  if (sqlite3_column_type(stmt, column) == SQLITE_NULL) return LEDGER_OK;
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  if (text != NULL)
    *out = arena_copy(&load->catalog->arena, text, (size_t)sqlite3_column_bytes(stmt, column));
  return *out == NULL ? error_memory(&load->db->error) : LEDGER_OK;
}

static int catalog_letter(sqlite3_stmt *stmt, int column) {
  const unsigned char *text = sqlite3_column_text(stmt, column);
  return text == NULL ? 0 : text[0];
}

/* What the tables' own constraints keep out can stand in a damaged file all the same. */
static int catalog_damaged(struct catalog_load *load, const char *what) {
  error_set(&load->db->error, LEDGER_CORRUPT, "file \"%s\" is damaged", load->db->path);
  return error_detail(&load->db->error, "Its catalog has %s.", what);
}

/* Ends a query that gave `got` rows of the `counted` that there were by an index. */
static int catalog_query_all(struct catalog_load *load, sqlite3_stmt *stmt, int rc, int got,
                             int counted) {
  rc = catalog_query_end(load, stmt, rc);
  return rc == LEDGER_OK && got < counted ? catalog_damaged(load, "fewer rows than it counts") : rc;
}

/* Copies a text column that is never NULL. */
static int catalog_name(struct catalog_load *load, sqlite3_stmt *stmt, int column,
                        const char **out) {
  int rc = catalog_text(load, stmt, column, out);
  return rc == LEDGER_OK && *out == NULL ? catalog_damaged(load, "something without a name") : rc;
}

/* A JSON array of names; null gives NULL. */
static int catalog_names(struct catalog_load *load, sqlite3_stmt *stmt, int column, int *count,
                         const char ***out) {
  *count = 0;
  *out = NULL;
  const char *text = (const char *)sqlite3_column_text(stmt, column);
  if (text == NULL) return LEDGER_OK;
  size_t length = (size_t)sqlite3_column_bytes(stmt, column);
  if (!text_is_valid_utf8(text, length)) return catalog_damaged(load, "a list that is no text");
  size_t most = 1;
  for (size_t i = 0; i < length; i++) most += text[i] == ',';
  const char **names = catalog_alloc(load, most, sizeof *names);
  if (names == NULL) return LEDGER_MEMORY;
  struct json json;
  json_start(&json, text, length);
  enum json_token token = json_next(&json);
  if (token != JSON_ARRAY) return catalog_damaged(load, "a list that is no JSON array");
  while ((token = json_next(&json)) == JSON_STRING || token == JSON_NULL) {
    size_t bytes;
    if (token == JSON_STRING) {
      int rc = json_decode(&load->catalog->arena, &json, &names[*count], &bytes, &load->db->error);
      if (rc != LEDGER_OK && rc != LEDGER_MEMORY)
        return catalog_damaged(load, "a list of what is no text");
      if (rc != LEDGER_OK) return rc;
      /* json_decode() may hand back the document's own bytes. */
      names[*count] = arena_copy(&load->catalog->arena, names[*count], bytes);
      if (names[*count] == NULL) return error_memory(&load->db->error);
    }
    (*count)++;
  }
  if (token != JSON_ARRAY_END) return catalog_damaged(load, "a list that is no JSON array");
  *out = names;
  return LEDGER_OK;
}

/* A JSON array of column names as positions; null gives -1. */
static int catalog_columns(struct catalog_load *load, sqlite3_stmt *stmt, int column,
                           const struct relation *relation, int *count, const int **out) {
  const char **names;
  int rc = catalog_names(load, stmt, column, count, &names);
  if (rc != LEDGER_OK || *count == 0) return rc;
  int *positions = catalog_alloc(load, (size_t)*count, sizeof *positions);
  if (positions == NULL) return LEDGER_MEMORY;
  for (int i = 0; i < *count; i++) {
    positions[i] = names[i] == NULL ? -1 : catalog_column(relation, names[i], strlen(names[i]));
    if (names[i] != NULL && positions[i] < 0)
      return catalog_damaged(load, "a column that its table has not");
  }
  *out = positions;
  return LEDGER_OK;
}

static struct relation *catalog_by_id(const struct catalog *catalog, int64_t id) {
  int low = 0, high = catalog->relation_count;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (catalog->relations[middle].id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return low < catalog->relation_count && catalog->relations[low].id == id
             ? &catalog->relations[low]
             : NULL;
}

static int catalog_count(struct catalog_load *load, const char *sql, int *count) {
  sqlite3_stmt *stmt = catalog_query(load, sql);
  if (stmt == NULL) return load->db->error.code;
  if (sqlite3_step(stmt) == SQLITE_ROW) *count = sqlite3_column_int(stmt, 0);
  return catalog_query_end(load, stmt, LEDGER_OK);
}

static int catalog_load_types(struct catalog_load *load) {
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_type", &load->type_count);
  if (rc != LEDGER_OK) return rc;
  load->types = catalog_alloc(load, (size_t)load->type_count, sizeof *load->types);
  if (load->types == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT type_id, name, labels FROM ledger_catalog_type ORDER BY type_id");
  if (stmt == NULL) return load->db->error.code;
  int i = 0;
  for (; rc == LEDGER_OK && i < load->type_count && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct catalog_type *type = &load->types[i];
    const char **labels = NULL;
    type->id = sqlite3_column_int64(stmt, 0);
    rc = catalog_name(load, stmt, 1, &type->name);
    if (rc == LEDGER_OK) rc = catalog_names(load, stmt, 2, &type->labels.count, &labels);
    for (int n = 0; rc == LEDGER_OK && n < type->labels.count; n++) {
      if (labels[n] == NULL) rc = catalog_damaged(load, "a label without text");
    }
    type->labels.name = type->name;
    type->labels.labels = labels;
  }
  return catalog_query_all(load, stmt, rc, i, load->type_count);
}

static const struct catalog_type *catalog_type(const struct catalog_load *load, int64_t id) {
  for (int i = 0; i < load->type_count; i++) {
    if (load->types[i].id == id) return &load->types[i];
  }
  return NULL;
}

static int catalog_order(const void *a, const void *b) {
  const struct relation *left = *(struct relation *const *)a, *right = *(struct relation *const *)b;
  int order = strcmp(left->schema, right->schema);
  return order != 0 ? order : strcmp(left->name, right->name);
}

static int catalog_load_relations(struct catalog_load *load) {
  struct catalog *catalog = load->catalog;
  int rc =
      catalog_count(load, "SELECT count(*) FROM ledger_catalog_relation", &catalog->relation_count);
  if (rc != LEDGER_OK) return rc;
  size_t count = (size_t)catalog->relation_count;
  catalog->relations = catalog_alloc(load, count, sizeof *catalog->relations);
  catalog->by_name = catalog_alloc(load, count, sizeof *catalog->by_name);
  if (catalog->relations == NULL || catalog->by_name == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, schema, name, stored_name, r.kind, row_security, "
                          "comment, s.kind = 'main'"
                          " FROM ledger_catalog_relation AS r LEFT JOIN ledger_sync_table AS s"
                          " ON s.relation = r.relation_id ORDER BY relation_id");
  if (stmt == NULL) return load->db->error.code;
  int i = 0;
  for (; rc == LEDGER_OK && i < catalog->relation_count && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct relation *relation = &catalog->relations[i];
    catalog->by_name[i] = relation;
    relation->id = sqlite3_column_int64(stmt, 0);
    if (relation->id < 1 || relation->id > CATALOG_RELATION_ID_MAX)
      rc = catalog_damaged(load, "a table with an impossible number");
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 1, &relation->schema);
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 2, &relation->name);
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 3, &relation->stored_name);
    relation->is_view = catalog_letter(stmt, 4) == 'v';
    relation->row_security = sqlite3_column_int(stmt, 5);
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 6, &relation->comment);
    relation->is_mains = sqlite3_column_int(stmt, 7) != 0;
  }
  rc = catalog_query_all(load, stmt, rc, i, catalog->relation_count);
  if (rc == LEDGER_OK) qsort(catalog->by_name, count, sizeof *catalog->by_name, catalog_order);
  return rc;
}

static int catalog_load_sequences(struct catalog_load *load) {
  struct catalog *catalog = load->catalog;
  int rc =
      catalog_count(load, "SELECT count(*) FROM ledger_catalog_sequence", &catalog->sequence_count);
  if (rc != LEDGER_OK) return rc;
  catalog->sequences =
      catalog_alloc(load, (size_t)catalog->sequence_count, sizeof *catalog->sequences);
  if (catalog->sequences == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT c.sequence_id, c.schema, c.name, c.stored_name, c.start, "
                          "c.increment, c.minimum, c.maximum, c.cycle,"
                          " coalesce(s.last_value, c.start), coalesce(s.is_called, 0)"
                          " FROM ledger_catalog_sequence AS c LEFT JOIN ledger_sequence AS s USING "
                          "(sequence_id) ORDER BY 1");
  if (stmt == NULL) return load->db->error.code;
  int i = 0;
  for (; rc == LEDGER_OK && i < catalog->sequence_count && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct sequence *sequence = &catalog->sequences[i];
    sequence->id = sqlite3_column_int64(stmt, 0);
    rc = catalog_name(load, stmt, 1, &sequence->schema);
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 2, &sequence->name);
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 3, &sequence->stored_name);
    sequence->start = sqlite3_column_int64(stmt, 4);
    sequence->increment = sqlite3_column_int64(stmt, 5);
    sequence->minimum = sqlite3_column_int64(stmt, 6);
    sequence->maximum = sqlite3_column_int64(stmt, 7);
    sequence->cycle = sqlite3_column_int(stmt, 8) != 0;
    sequence->last_value = sqlite3_column_int64(stmt, 9);
    sequence->is_called = sqlite3_column_int(stmt, 10) != 0;
  }
  return catalog_query_all(load, stmt, rc, i, catalog->sequence_count);
}

/* The collation under which values of the type are equal and ordered; NULL: their bytes, or their numbers. */
static const char *catalog_collation(const struct type *type) {
  switch (type->id) {
  case TYPE_BOOLEAN:
  case TYPE_INT2:
  case TYPE_INT4:
  case TYPE_INT8:
  case TYPE_FLOAT4:
  case TYPE_FLOAT8: return type->is_array ? "pg_array_numeric" : NULL;
  default: break;
  }
  if (type->is_array) return type->id == TYPE_NUMERIC ? "pg_array_numeric" : "pg_array_text";
  switch (type->id) {
  case TYPE_NUMERIC: return "pg_decimal";
  case TYPE_BPCHAR: return "RTRIM";
  case TYPE_CITEXT: return "pg_citext";
  case TYPE_JSONB: return "pg_jsonb";
  case TYPE_INTERVAL: return "pg_interval";
  case TYPE_INET:
  case TYPE_CIDR: return "pg_inet";
  default: return NULL;
  }
}

static int catalog_load_type(struct catalog_load *load, sqlite3_stmt *stmt, struct column *column) {
  if (sqlite3_column_type(stmt, 3) == SQLITE_NULL) {
    if (type_parse(column->type_name, &column->type, &load->db->error) == LEDGER_OK)
      return LEDGER_OK;
    return catalog_damaged(load, "a column of a type that there is not");
  }
  const struct catalog_type *type = catalog_type(load, sqlite3_column_int64(stmt, 3));
  if (type == NULL) return catalog_damaged(load, "a column of a type that it does not describe");
  size_t length = strlen(column->type_name);
  column->type = (struct type){.id = TYPE_ENUM, .length = -1, .labels = &type->labels};
  column->type.is_array = length > 2 && strcmp(column->type_name + length - 2, "[]") == 0;
  return LEDGER_OK;
}

static int catalog_load_default(struct catalog_load *load, sqlite3_stmt *stmt,
                                struct column *column) {
  switch (catalog_letter(stmt, 6)) {
  case 'c': column->default_kind = COLUMN_CONSTANT; break;
  case 'u': column->default_kind = COLUMN_UUID; break;
  case 'e': column->default_kind = COLUMN_EXPRESSION; break;
  case 'n':
    column->default_kind = sqlite3_column_bytes(stmt, 6) == 3 ? COLUMN_NOW : COLUMN_NEXTVAL;
    break;
  default: column->default_kind = COLUMN_NO_DEFAULT; break;
  }
  int rc = catalog_text(load, stmt, 7, &column->default_sql);
  if (rc == LEDGER_OK && column->default_kind == COLUMN_NEXTVAL) {
    if (column->default_sql != NULL)
      column->sequence = catalog_sequence(load->catalog, column->default_sql);
    if (column->sequence == NULL)
      return catalog_damaged(load, "a default of a sequence that it does not describe");
  }
  return rc;
}

static int catalog_load_column(struct catalog_load *load, sqlite3_stmt *stmt,
                               struct relation *relation, struct column *column) {
  int rc = catalog_name(load, stmt, 1, &column->name);
  if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 2, &column->type_name);
  if (rc == LEDGER_OK) rc = catalog_load_type(load, stmt, column);
  if (rc == LEDGER_OK && sqlite3_column_type(stmt, 4) != SQLITE_NULL) {
    const struct catalog_type *domain = catalog_type(load, sqlite3_column_int64(stmt, 4));
    column->domain = domain == NULL ? NULL : domain->name;
  }
  column->not_null = sqlite3_column_int(stmt, 5) != 0;
  if (rc == LEDGER_OK) rc = catalog_load_default(load, stmt, column);
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 8, &column->generated_sql);
  column->identity = (char)catalog_letter(stmt, 9);
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 10, &column->comment);
  if (rc == LEDGER_OK) column->collation = catalog_collation(&column->type);
  if (rc == LEDGER_OK) column->is_secret = !relation->is_view && encryption_is_marked(column);
  column->is_encrypted =
      column->is_secret && load->catalog->encryption_key != NULL && !relation->is_mains;
  relation->has_generated |= column->generated_sql != NULL;
  return rc;
}

static int catalog_load_encryption(struct catalog_load *load) {
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT value FROM ledger_meta WHERE key = 'encryption_key'");
  if (stmt == NULL) return load->db->error.code;
  int rc = LEDGER_OK;
  if (sqlite3_step(stmt) == SQLITE_ROW)
    rc = catalog_name(load, stmt, 0, &load->catalog->encryption_key);
  return catalog_query_end(load, stmt, rc);
}

static int catalog_load_columns(struct catalog_load *load) {
  int total = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_column", &total);
  if (rc != LEDGER_OK) return rc;
  struct column *columns = catalog_alloc(load, (size_t)total, sizeof *columns);
  if (columns == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt = catalog_query(
      load, "SELECT relation_id, name, type, type_id, domain_id, not_null, default_kind, "
            "default_sql, generated_sql,"
            " identity, comment FROM ledger_catalog_column ORDER BY relation_id, position");
  if (stmt == NULL) return load->db->error.code;
  struct relation *relation = NULL;
  for (int i = 0; rc == LEDGER_OK && i < total && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    int64_t id = sqlite3_column_int64(stmt, 0);
    if (relation == NULL || relation->id != id) {
      relation = catalog_by_id(load->catalog, id);
      if (relation == NULL || relation->column_count > 0) {
        rc = catalog_damaged(load, "a column out of its place");
        break;
      }
      relation->columns = &columns[i];
    }
    rc = catalog_load_column(load, stmt, relation, &columns[i]);
    relation->column_count++;
  }
  return catalog_query_end(load, stmt, rc);
}

static int catalog_load_constraint(struct catalog_load *load, sqlite3_stmt *stmt,
                                   struct constraint *constraint) {
  struct relation *relation = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
  if (relation == NULL) return catalog_damaged(load, "a constraint without a table");
  constraint->relation = relation;
  int rc = catalog_name(load, stmt, 1, &constraint->name);
  constraint->kind = (char)catalog_letter(stmt, 2);
  if (rc == LEDGER_OK) {
    rc = catalog_columns(load, stmt, 3, relation, &constraint->count, &constraint->columns);
  }
  if (rc == LEDGER_OK && constraint->kind == 'f') {
    constraint->reference = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 4));
    if (constraint->reference == NULL)
      return catalog_damaged(load, "a foreign key to a table that it does not describe");
    rc = catalog_columns(load, stmt, 5, constraint->reference, &constraint->reference_count,
                         &constraint->reference_columns);
    if (rc == LEDGER_OK && constraint->reference_count != constraint->count) {
      return catalog_damaged(load, "a foreign key of unequal lists");
    }
  }
  constraint->match = (char)catalog_letter(stmt, 6);
  constraint->on_update = (char)catalog_letter(stmt, 7);
  constraint->on_delete = (char)catalog_letter(stmt, 8);
  constraint->deferrable = sqlite3_column_int(stmt, 9);
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 10, &constraint->check_sql);
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 12, &constraint->definition);
  if (rc == LEDGER_OK && sqlite3_column_type(stmt, 11) != SQLITE_NULL) {
    const struct catalog_type *domain = catalog_type(load, sqlite3_column_int64(stmt, 11));
    constraint->domain = domain == NULL ? NULL : domain->name;
  }
  if (constraint->kind == 'p') relation->primary = constraint;
  relation->constraint_count++;
  if (constraint->reference != NULL) constraint->reference->referencing_count++;
  return rc;
}

/* Hands each relation its constraints, and those that point to it. */
static int catalog_share_constraints(struct catalog_load *load, struct constraint *constraints,
                                     int total) {
  struct catalog *catalog = load->catalog;
  for (int i = 0; i < catalog->relation_count; i++) {
    struct relation *relation = &catalog->relations[i];
    relation->constraints =
        catalog_alloc(load, (size_t)relation->constraint_count, sizeof *relation->constraints);
    relation->referencing =
        catalog_alloc(load, (size_t)relation->referencing_count, sizeof *relation->referencing);
    if (relation->constraints == NULL || relation->referencing == NULL) return LEDGER_MEMORY;
    relation->constraint_count = 0;
    relation->referencing_count = 0;
  }
  for (int i = 0; i < total; i++) {
    struct relation *relation = constraints[i].relation, *reference = constraints[i].reference;
    relation->constraints[relation->constraint_count++] = &constraints[i];
    if (reference != NULL) reference->referencing[reference->referencing_count++] = &constraints[i];
  }
  return LEDGER_OK;
}

static int catalog_load_constraints(struct catalog_load *load) {
  int total = 0, loaded = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_constraint", &total);
  if (rc != LEDGER_OK) return rc;
  struct constraint *constraints = catalog_alloc(load, (size_t)total, sizeof *constraints);
  if (constraints == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, name, kind, columns, ref_relation_id, ref_columns, "
                          "match, on_update, on_delete,"
                          " \"deferrable\", check_sql, domain_id, definition FROM "
                          "ledger_catalog_constraint ORDER BY constraint_id");
  if (stmt == NULL) return load->db->error.code;
  while (rc == LEDGER_OK && loaded < total && sqlite3_step(stmt) == SQLITE_ROW) {
    rc = catalog_load_constraint(load, stmt, &constraints[loaded++]);
  }
  rc = catalog_query_end(load, stmt, rc);
  return rc == LEDGER_OK ? catalog_share_constraints(load, constraints, loaded) : rc;
}

static int catalog_load_indexes(struct catalog_load *load) {
  int total = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_index", &total);
  if (rc != LEDGER_OK) return rc;
  struct index *indexes = catalog_alloc(load, (size_t)total, sizeof *indexes);
  if (indexes == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, name, stored_name, is_unique, columns, predicate_sql"
                          " FROM ledger_catalog_index ORDER BY relation_id, index_id");
  if (stmt == NULL) return load->db->error.code;
  for (int i = 0; rc == LEDGER_OK && i < total && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct index *entry = &indexes[i];
    struct relation *relation = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
    if (relation == NULL) {
      rc = catalog_damaged(load, "an index without a table");
      break;
    }
    if (relation->index_count++ == 0) relation->indexes = entry;
    if (entry != relation->indexes + relation->index_count - 1) {
      rc = catalog_damaged(load, "an index out of its place");
      break;
    }
    rc = catalog_name(load, stmt, 1, &entry->name);
    if (rc == LEDGER_OK) rc = catalog_name(load, stmt, 2, &entry->stored_name);
    entry->is_unique = sqlite3_column_int(stmt, 3) != 0;
    if (rc == LEDGER_OK)
      rc = catalog_columns(load, stmt, 4, relation, &entry->count, &entry->columns);
    for (int c = 0; c < entry->count && rc == LEDGER_OK; c++)
      entry->has_expression |= entry->columns[c] < 0;
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 5, &entry->predicate_sql);
  }
  return catalog_query_end(load, stmt, rc);
}

static int catalog_load_steps(struct catalog_load *load, struct relation *relation,
                              struct trigger *trigger, int64_t id) {
  sqlite3_stmt *stmt = catalog_query(
      load, "SELECT kind, condition_sql, column_name, expression_sql, sqlstate, message"
            " FROM ledger_catalog_trigger_step WHERE trigger_id = ?1 ORDER BY n");
  if (stmt == NULL) return load->db->error.code;
  sqlite3_bind_int64(stmt, 1, id);
  while (sqlite3_step(stmt) == SQLITE_ROW) trigger->step_count++;
  struct trigger_step *steps = catalog_alloc(load, (size_t)trigger->step_count, sizeof *steps);
  trigger->steps = steps;
  int rc = steps == NULL ? LEDGER_MEMORY : LEDGER_OK;
  int sqlite_rc = sqlite3_reset(stmt);
  if (rc == LEDGER_OK && sqlite_rc != SQLITE_OK) rc = store_error(load->db, sqlite_rc);
  int i = 0;
  for (; rc == LEDGER_OK && i < trigger->step_count && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    const char *name = NULL;
    steps[i].kind = (char)catalog_letter(stmt, 0);
    load->catalog->has_inserts |= steps[i].kind == 'i';
    steps[i].column = -1;
    rc = catalog_text(load, stmt, 1, &steps[i].condition_sql);
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 2, &name);
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 3, &steps[i].expression_sql);
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 4, &steps[i].sqlstate);
    if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 5, &steps[i].message);
    if (rc == LEDGER_OK && steps[i].kind == 'a') {
      if (name != NULL) steps[i].column = catalog_column(relation, name, strlen(name));
      if (steps[i].column < 0)
        rc = catalog_damaged(load, "a trigger of a column that its table has not");
    }
  }
  return catalog_query_all(load, stmt, rc, i, trigger->step_count);
}

static int catalog_load_trigger(struct catalog_load *load, sqlite3_stmt *stmt,
                                struct relation *relation, struct trigger *trigger) {
  int event_count = 0;
  const char **events = NULL;
  int rc = catalog_name(load, stmt, 2, &trigger->name);
  trigger->before = catalog_letter(stmt, 3) == 'b';
  if (rc == LEDGER_OK) rc = catalog_names(load, stmt, 4, &event_count, &events);
  for (int i = 0; rc == LEDGER_OK && i < event_count; i++) {
    if (events[i] == NULL) continue;
    trigger->events |= events[i][0] == 'i'   ? TRIGGER_INSERT
                       : events[i][0] == 'u' ? TRIGGER_UPDATE
                                             : TRIGGER_DELETE;
  }
  if (rc == LEDGER_OK)
    rc = catalog_columns(load, stmt, 5, relation, &trigger->column_count, &trigger->columns);
  if (rc == LEDGER_OK)
    rc = catalog_load_steps(load, relation, trigger, sqlite3_column_int64(stmt, 0));
  return rc;
}

static int catalog_load_triggers(struct catalog_load *load) {
  int total = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_trigger", &total);
  if (rc != LEDGER_OK) return rc;
  struct trigger *triggers = catalog_alloc(load, (size_t)total, sizeof *triggers);
  if (triggers == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT trigger_id, relation_id, name, timing, events, columns"
                          " FROM ledger_catalog_trigger ORDER BY relation_id, trigger_id");
  if (stmt == NULL) return load->db->error.code;
  for (int i = 0; rc == LEDGER_OK && i < total && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct relation *relation = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 1));
    if (relation == NULL) {
      rc = catalog_damaged(load, "a trigger without a table");
      break;
    }
    if (relation->trigger_count++ == 0) relation->triggers = &triggers[i];
    if (&triggers[i] != relation->triggers + relation->trigger_count - 1) {
      rc = catalog_damaged(load, "a trigger out of its place");
      break;
    }
    rc = catalog_load_trigger(load, stmt, relation, &triggers[i]);
  }
  return catalog_query_end(load, stmt, rc);
}

/* ---- who may do what */

static int catalog_load_policy(struct catalog_load *load, sqlite3_stmt *stmt,
                               struct policy *policy) {
  const char **roles = NULL;
  int rc = catalog_name(load, stmt, 1, &policy->name);
  policy->is_permissive = sqlite3_column_int(stmt, 2) != 0;
  policy->command = (char)catalog_letter(stmt, 3);
  if (rc == LEDGER_OK) rc = catalog_names(load, stmt, 4, &policy->role_count, &roles);
  for (int i = 0; rc == LEDGER_OK && i < policy->role_count; i++) {
    if (roles[i] == NULL) rc = catalog_damaged(load, "a role without a name");
  }
  policy->roles = roles;
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 5, &policy->using_sql);
  if (rc == LEDGER_OK) rc = catalog_text(load, stmt, 6, &policy->check_sql);
  return rc;
}

static int catalog_load_policies(struct catalog_load *load) {
  int total = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_policy", &total);
  if (rc != LEDGER_OK || total == 0) return rc;
  struct policy *policies = catalog_alloc(load, (size_t)total, sizeof *policies);
  if (policies == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, name, permissive, command, roles, using_sql, "
                          "check_sql FROM ledger_catalog_policy ORDER BY relation_id, name");
  if (stmt == NULL) return load->db->error.code;
  int i = 0;
  for (; rc == LEDGER_OK && i < total && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct relation *relation = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
    if (relation == NULL) {
      rc = catalog_damaged(load, "a policy without a table");
      break;
    }
    if (relation->policy_count++ == 0) relation->policies = &policies[i];
    if (&policies[i] != relation->policies + relation->policy_count - 1) {
      rc = catalog_damaged(load, "a policy out of its place");
      break;
    }
    rc = catalog_load_policy(load, stmt, &policies[i]);
  }
  /* Fewer policies than there are might show more rows: a restrictive one could be missing. */
  return catalog_query_all(load, stmt, rc, i, total);
}

static int catalog_letters(const char *text) {
  static const char letters[] = "rawd";
  int mask = 0;
  for (; text != NULL && *text != 0; text++) {
    const char *letter = strchr(letters, *text);
    if (letter != NULL) mask |= 1 << (letter - letters);
  }
  return mask;
}

static int catalog_load_privileges(struct catalog_load *load) {
  int total = 0;
  int rc = catalog_count(load, "SELECT count(*) FROM ledger_catalog_privilege", &total);
  if (rc != LEDGER_OK || total == 0) return rc;
  struct privilege *privileges = catalog_alloc(load, (size_t)total, sizeof *privileges);
  if (privileges == NULL) return LEDGER_MEMORY;
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, role, privileges FROM ledger_catalog_privilege"
                          " ORDER BY relation_id, role");
  if (stmt == NULL) return load->db->error.code;
  load->catalog->has_privileges = true;
  for (int i = 0; rc == LEDGER_OK && i < total && sqlite3_step(stmt) == SQLITE_ROW; i++) {
    struct relation *relation = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
    if (relation == NULL) {
      rc = catalog_damaged(load, "a privilege without a table");
      break;
    }
    if (relation->privilege_count++ == 0) relation->privileges = &privileges[i];
    if (&privileges[i] != relation->privileges + relation->privilege_count - 1) {
      rc = catalog_damaged(load, "a privilege out of its place");
      break;
    }
    rc = catalog_name(load, stmt, 1, &privileges[i].role);
    privileges[i].letters = catalog_letters((const char *)sqlite3_column_text(stmt, 2));
  }
  return catalog_query_end(load, stmt, rc);
}

static int catalog_load_views(struct catalog_load *load) {
  sqlite3_stmt *stmt =
      catalog_query(load, "SELECT relation_id, select_sql FROM ledger_catalog_view");
  int rc = LEDGER_OK;
  if (stmt == NULL) return load->db->error.code;
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    struct relation *view = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
    rc = view == NULL || !view->is_view ? catalog_damaged(load, "a view that there is not")
                                        : catalog_name(load, stmt, 1, &view->invoker_sql);
  }
  return catalog_query_end(load, stmt, rc);
}

/* Columns of views that are a table's. */
static int catalog_load_origins(struct catalog_load *load) {
  sqlite3_stmt *stmt = catalog_query(
      load, "SELECT relation_id, name, origin_id, origin_name FROM ledger_catalog_view_column");
  int rc = LEDGER_OK;
  if (stmt == NULL) return load->db->error.code;
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW) {
    const struct relation *view = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 0));
    const struct relation *table = catalog_by_id(load->catalog, sqlite3_column_int64(stmt, 2));
    const char *name = (const char *)sqlite3_column_text(stmt, 1);
    int shown = view == NULL || name == NULL ? -1 : catalog_column(view, name, strlen(name));
    name = (const char *)sqlite3_column_text(stmt, 3);
    int column = table == NULL || name == NULL ? -1 : catalog_column(table, name, strlen(name));
    if (shown < 0 || column < 0) {
      rc = catalog_damaged(load, "a view of a column that there is not");
      break;
    }
    view->columns[shown].origin = table;
    view->columns[shown].origin_column = column;
    load->catalog->has_origins = true;
  }
  return catalog_query_end(load, stmt, rc);
}

/* Which compiler made the file: its number stands behind the last '-'. From the second on, it marks tables. */
static int catalog_load_marks(struct catalog_load *load) {
  int number = 0;
  int rc = catalog_count(load,
                         "SELECT coalesce(max(CAST(substr(value, instr(value, '-') + 1) AS"
                         " INTEGER)), 0) FROM ledger_meta WHERE key = 'compiler'",
                         &number);
  load->catalog->is_marked = number >= 2;
  return rc;
}

/* Values that this process took and did not commit yet stay taken when the catalog is read again. */
static void catalog_keep_sequences(struct catalog *catalog, const struct catalog *before) {
  for (int i = 0; before != NULL && i < before->sequence_count; i++) {
    const struct sequence *old = &before->sequences[i];
    struct sequence *sequence = catalog_sequence(catalog, old->stored_name);
    if (sequence == NULL || !old->is_dirty || sequence->increment != old->increment) continue;
    sequence->last_value = old->last_value;
    sequence->is_called = old->is_called;
    sequence->is_dirty = true;
  }
}

LEDGER_PRIVATE void catalog_release(struct catalog *catalog) {
  if (catalog == NULL || --catalog->references > 0) return;
  for (int i = 0; i < catalog->relation_count; i++) write_plan_free(catalog->relations[i].plan);
  arena_free(&catalog->arena);
  sqlite3_free(catalog);
}

static int catalog_load(ledger *db, struct catalog *catalog) {
  struct catalog_load load = {.db = db, .catalog = catalog};
  int rc = catalog_load_types(&load);
  if (rc == LEDGER_OK) rc = catalog_load_relations(&load);
  if (rc == LEDGER_OK) rc = catalog_load_sequences(&load);
  if (rc == LEDGER_OK) rc = catalog_load_encryption(&load);
  if (rc == LEDGER_OK) rc = catalog_load_columns(&load);
  if (rc == LEDGER_OK) rc = catalog_load_constraints(&load);
  if (rc == LEDGER_OK) rc = catalog_load_indexes(&load);
  if (rc == LEDGER_OK) rc = catalog_load_triggers(&load);
  if (rc == LEDGER_OK) rc = catalog_load_policies(&load);
  if (rc == LEDGER_OK) rc = catalog_load_privileges(&load);
  if (rc == LEDGER_OK) rc = catalog_load_views(&load);
  if (rc == LEDGER_OK) rc = catalog_load_origins(&load);
  if (rc == LEDGER_OK) rc = catalog_load_marks(&load);
  return rc;
}

LEDGER_PRIVATE int catalog_refresh(ledger *db) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_SCHEMA_VERSION);
  if (stmt == NULL) return db->error.code;
  int64_t version = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
  int sqlite_rc = sqlite3_reset(stmt);
  if (sqlite_rc != SQLITE_OK) return store_error(db, sqlite_rc);
  if (db->catalog != NULL && db->schema_version == version) return LEDGER_OK;
  struct catalog *catalog = sqlite3_malloc64(sizeof *catalog);
  if (catalog == NULL) return error_memory(&db->error);
  *catalog = (struct catalog){.references = 1};
  int rc = catalog_load(db, catalog);
  if (rc != LEDGER_OK) {
    catalog_release(catalog);
    return rc;
  }
  catalog_keep_sequences(catalog, db->catalog);
  statement_forget_all(db);
  if (db->observer != NULL) db->observer->forget(db);
  catalog_release(db->catalog);
  db->catalog = catalog;
  db->schema_version = version;
  return db->is_creating ? LEDGER_OK : trigger_install(db);
}

/* ---- looking up */

LEDGER_PRIVATE struct relation *catalog_stored(const struct catalog *catalog,
                                               const char *stored_name, size_t length) {
  for (int i = 0; i < catalog->relation_count; i++) {
    const char *name = catalog->relations[i].stored_name;
    if (strncmp(name, stored_name, length) == 0 && name[length] == 0) return &catalog->relations[i];
  }
  return NULL;
}

LEDGER_PRIVATE int catalog_column(const struct relation *relation, const char *name,
                                  size_t length) {
  for (int i = 0; i < relation->column_count; i++) {
    if (strncmp(relation->columns[i].name, name, length) == 0 &&
        relation->columns[i].name[length] == 0)
      return i;
  }
  return -1;
}

LEDGER_PRIVATE struct sequence *catalog_sequence(const struct catalog *catalog,
                                                 const char *stored_name) {
  for (int i = 0; i < catalog->sequence_count; i++) {
    if (strcmp(catalog->sequences[i].stored_name, stored_name) == 0) return &catalog->sequences[i];
  }
  return NULL;
}

static struct relation *catalog_named(const struct catalog *catalog, const char *schema,
                                      const char *name) {
  struct relation wanted = {.schema = schema, .name = name}, *key = &wanted;
  struct relation **found = bsearch(&key, catalog->by_name, (size_t)catalog->relation_count,
                                    sizeof *catalog->by_name, catalog_order);
  return found == NULL ? NULL : *found;
}

/* Reads one part of a name, quoted or bare, into out. Returns the bytes taken, 0 if it is none. */
static size_t catalog_part(const char *text, char out[LEDGER_NAME_MAX + 1], bool *quoted) {
  size_t used = 0, length = 0;
  *quoted = text[0] == '"';
  if (*quoted) {
    for (used = 1; text[used] != 0; used++) {
      if (text[used] == '"' && text[++used] != '"') break;
      if (length == LEDGER_NAME_MAX) return 0;
      out[length++] = text[used];
    }
    if (text[used - 1] != '"' || used == 1) return 0;
  } else {
    while (text[used] != 0 && text[used] != '.' && text[used] != '"') {
      if (length == LEDGER_NAME_MAX) return 0;
      out[length++] = text[used++];
    }
  }
  out[length] = 0;
  return length == 0 ? 0 : used;
}

static void catalog_fold(char *name) {
  for (; *name != 0; name++) {
    if (*name >= 'A' && *name <= 'Z') *name = (char)(*name - 'A' + 'a');
  }
}

LEDGER_PRIVATE int catalog_relation(ledger *db, const char *name, struct relation **out) {
  char parts[2][LEDGER_NAME_MAX + 1];
  bool quoted[2];
  int count = 0;
  *out = NULL;
  /* The common case: a bare name in public, as it is written. */
  *out = catalog_named(db->catalog, "public", name);
  if (*out != NULL) return LEDGER_OK;
  const char *rest = name;
  while (count < 2) {
    size_t used = catalog_part(rest, parts[count], &quoted[count]);
    if (used == 0) break;
    count++;
    rest += used;
    if (*rest != '.') break;
    rest++;
  }
  if (count > 0 && *rest == 0 && rest[-1] != '.') {
    /* Names that differ in case alone cannot be in one file: a bare one may be written either way. */
    for (int fold = 0; fold < 2 && *out == NULL; fold++) {
      for (int i = 0; fold == 1 && i < count; i++) {
        if (!quoted[i]) catalog_fold(parts[i]);
      }
      *out = catalog_named(db->catalog, count == 2 ? parts[0] : "public", parts[count - 1]);
    }
  }
  if (*out != NULL) return LEDGER_OK;
  return error_set(&db->error, LEDGER_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
}
