/*
** query_relate.c: how what is embedded hangs together with what it is embedded in. The relationships are those of the foreign keys: of the
** origin, to one row; of others to the origin, to many rows, or to one where the key's columns are unique; and through a table whose primary
** key holds two foreign keys, to many. A view that shows the columns of a table's key has the table's relationships. The name in
** select= is the table's, the key's or the column's; a hint picks one of several.
*/
#include "../internal.h"

#define RELATE_MAX 64 /* relationships between two tables that are told apart */

enum relate_kind { RELATE_ONE_TO_MANY, RELATE_MANY_TO_ONE, RELATE_ONE_TO_ONE, RELATE_MANY_TO_MANY };

struct relate_candidate {
  enum relate_kind kind;
  struct query_relationship relationship;
};

struct relate_search {
  struct query *query;
  const struct query_resource *resource;
  const struct relation *origin;
  bool is_short; /* memory was short */
  int count;
  struct relate_candidate found[RELATE_MAX];
};

/* ---- keys */

static bool relate_has(int count, const int *columns, int column) {
  for (int i = 0; i < count; i++) {
    if (columns[i] == column) return true;
  }
  return false;
}

/* Are the key's columns those of a primary key or a unique constraint? */
static bool relate_is_unique(const struct constraint *key) {
  const struct relation *relation = key->relation;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *other = relation->constraints[i];
    if ((other->kind != 'p' && other->kind != 'u') || other->count != key->count) continue;
    bool is_same = true;
    for (int c = 0; c < key->count; c++)
      is_same &= relate_has(other->count, other->columns, key->columns[c]);
    if (is_same) return true;
  }
  return false;
}

/* Does the primary key hold the columns of both? */
static bool relate_is_junction(const struct constraint *near, const struct constraint *far) {
  const struct constraint *primary = near->relation->primary;
  if (primary == NULL) return false;
  for (int i = 0; i < near->count; i++) {
    if (!relate_has(primary->count, primary->columns, near->columns[i])) return false;
  }
  for (int i = 0; i < far->count; i++) {
    if (!relate_has(primary->count, primary->columns, far->columns[i])) return false;
  }
  return true;
}

/* ---- names */

static bool relate_is(const char *name, const char *text) {
  return text != NULL && strcmp(name, text) == 0;
}

static bool relate_is_column(const struct relation *relation, int count, const int *columns,
                             const char *text) {
  return count == 1 && relate_is(relation->columns[columns[0]].name, text);
}

/* Do the name and the hint mean this one? A table's key to itself is two relationships: many rows go by the table's name, the one row by
** the key's column. */
static bool relate_is_meant(const struct relate_search *search,
                            const struct relate_candidate *candidate) {
  const struct query_relationship *r = &candidate->relationship;
  const char *name = search->resource->name, *hint = search->resource->hint;
  bool is_table = strcmp(r->target->name, name) == 0, is_view = r->target->is_view;
  bool is_through = candidate->kind == RELATE_MANY_TO_MANY;
  if (r->target == search->origin) {
    if (is_through) return false;
    if (hint != NULL)
      return is_table && !r->is_key_of_origin &&
             relate_is_column(r->target, r->count, r->near, hint);
    return r->is_key_of_origin ? relate_is_column(search->origin, r->count, r->origin, name)
                               : is_table;
  }
  if (hint == NULL) {
    if (is_table || is_through || is_view) return is_table;
    return strcmp(r->key->name, name) == 0 ||
           relate_is_column(search->origin, r->count, r->origin, name);
  }
  if (!is_table) return false;
  if (is_through) return strcmp(r->key->relation->name, hint) == 0;
  return strcmp(r->key->name, hint) == 0 ||
         relate_is_column(search->origin, r->count, r->origin, hint) ||
         relate_is_column(r->target, r->count, r->near, hint);
}

static void relate_add(struct relate_search *search, const struct relate_candidate *candidate) {
  if (strcmp(candidate->relationship.target->schema, search->query->relation->schema) != 0) return;
  if (search->count == RELATE_MAX || !relate_is_meant(search, candidate)) return;
  search->found[search->count++] = *candidate;
}

/* ---- searching */

/* Where the relation, a table or a view of it, shows these columns of the table; NULL: it does not show them all. */
static const int *relate_shown(struct relate_search *search, const struct relation *relation,
                               const struct relation *table, int count, const int *columns) {
  if (relation == table) return columns;
  if (!relation->is_view) return NULL;
  int *shown = NULL;
  for (int i = 0; i < count; i++) {
    int at = 0;
    while (at < relation->column_count && (relation->columns[at].origin != table ||
                                           relation->columns[at].origin_column != columns[i]))
      at++;
    if (at == relation->column_count) return NULL;
    if (shown == NULL)
      shown = arena_alloc(&search->query->db->arena, (size_t)count * sizeof *shown);
    if (shown == NULL) {
      search->is_short = true;
      return NULL;
    }
    shown[i] = at;
  }
  return shown;
}

/* Calls `each` for the table and the views of it. */
static void relate_each(struct relate_search *search, const struct relation *table,
                        struct relate_candidate *candidate,
                        void (*each)(struct relate_search *search,
                                     struct relate_candidate *candidate,
                                     const struct relation *relation)) {
  const struct catalog *catalog = search->query->db->catalog;
  each(search, candidate, table);
  for (int i = 0; catalog->has_origins && i < catalog->relation_count; i++) {
    if (catalog->relations[i].is_view) each(search, candidate, &catalog->relations[i]);
  }
}

static void relate_to_one(struct relate_search *search, struct relate_candidate *candidate,
                          const struct relation *target) {
  struct query_relationship *r = &candidate->relationship;
  r->target = target;
  r->near = relate_shown(search, target, r->key->reference, r->count, r->key->reference_columns);
  if (r->near != NULL) relate_add(search, candidate);
}

static void relate_to_many(struct relate_search *search, struct relate_candidate *candidate,
                           const struct relation *target) {
  struct query_relationship *r = &candidate->relationship;
  r->target = target;
  r->near = relate_shown(search, target, r->key->relation, r->count, r->key->columns);
  if (r->near != NULL) relate_add(search, candidate);
}

static void relate_to_far(struct relate_search *search, struct relate_candidate *candidate,
                          const struct relation *target) {
  struct query_relationship *r = &candidate->relationship;
  r->target = target;
  r->far = relate_shown(search, target, r->far_key->reference, r->far_key->count,
                        r->far_key->reference_columns);
  if (r->far != NULL) relate_add(search, candidate);
}

/* A key of the table that the origin is, or shows. */
static void relate_own_key(struct relate_search *search, const struct constraint *key) {
  bool is_unique = relate_is_unique(key);
  struct relate_candidate candidate = {.kind = is_unique ? RELATE_ONE_TO_ONE : RELATE_MANY_TO_ONE,
                                       .relationship = {.cardinality = QUERY_TO_ONE,
                                                        .is_one_to_one = is_unique,
                                                        .key = key,
                                                        .is_key_of_origin = true,
                                                        .count = key->count}};
  candidate.relationship.origin =
      relate_shown(search, search->origin, key->relation, key->count, key->columns);
  if (candidate.relationship.origin != NULL)
    relate_each(search, key->reference, &candidate, relate_to_one);
}

static void relate_through(struct relate_search *search, const struct constraint *near,
                           const int *origin) {
  const struct relation *junction = near->relation;
  for (int i = 0; i < junction->constraint_count; i++) {
    const struct constraint *far = junction->constraints[i];
    if (far->kind != 'f' || far == near || relate_is_unique(far) || relate_is_unique(near) ||
        !relate_is_junction(near, far))
      continue;
    struct relate_candidate candidate = {.kind = RELATE_MANY_TO_MANY,
                                         .relationship = {.cardinality = QUERY_THROUGH,
                                                          .key = near,
                                                          .far_key = far,
                                                          .count = near->count,
                                                          .origin = origin,
                                                          .near = near->columns}};
    relate_each(search, far->reference, &candidate, relate_to_far);
  }
}

/* A key that points to the table that the origin is, or shows. */
static void relate_other_key(struct relate_search *search, const struct constraint *key) {
  bool is_unique = relate_is_unique(key);
  const int *origin =
      relate_shown(search, search->origin, key->reference, key->count, key->reference_columns);
  struct relate_candidate candidate = {
      .kind = is_unique ? RELATE_ONE_TO_ONE : RELATE_ONE_TO_MANY,
      .relationship = {.cardinality = is_unique ? QUERY_TO_ONE : QUERY_TO_MANY,
                       .is_one_to_one = is_unique,
                       .key = key,
                       .count = key->count,
                       .origin = origin}};
  if (origin == NULL) return;
  relate_each(search, key->relation, &candidate, relate_to_many);
  relate_through(search, key, origin);
}

static void relate_table(struct relate_search *search, const struct relation *table) {
  for (int i = 0; i < table->constraint_count; i++) {
    if (table->constraints[i]->kind == 'f') relate_own_key(search, table->constraints[i]);
  }
  for (int i = 0; i < table->referencing_count; i++)
    relate_other_key(search, table->referencing[i]);
}

/* The tables whose columns a view shows, each once. */
static void relate_view(struct relate_search *search) {
  const struct relation *view = search->origin;
  for (int i = 0; i < view->column_count; i++) {
    const struct relation *table = view->columns[i].origin;
    int before = 0;
    while (before < i && view->columns[before].origin != table) before++;
    if (table != NULL && before == i) relate_table(search, table);
  }
}

static int relate_order(const void *a, const void *b) {
  const struct relate_candidate *x = a, *y = b;
  const struct query_relationship *r = &x->relationship, *s = &y->relationship;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->kind != RELATE_MANY_TO_MANY) return strcmp(r->key->name, s->key->name);
  int order = strcmp(r->key->relation->name, s->key->relation->name);
  if (order == 0) order = strcmp(r->key->name, s->key->name);
  return order != 0 ? order : strcmp(r->far_key->name, s->far_key->name);
}

/* ---- nothing was found */

/* How alike two names are: 1 less the share of characters that differ; 0 where they have no `gram` characters in a row in common. */
static double relate_likeness(const char *a, const char *b, size_t gram) {
  char x[LEDGER_NAME_MAX + 3], y[LEDGER_NAME_MAX + 3];
  int row[LEDGER_NAME_MAX + 1];
  size_t m = strlen(a), n = strlen(b);
  if (m > LEDGER_NAME_MAX || n > LEDGER_NAME_MAX || m == 0 || n == 0) return 0;
  sqlite3_snprintf((int)sizeof x, x, "-%s-", a);
  sqlite3_snprintf((int)sizeof y, y, "-%s-", b);
  for (size_t i = 0; i < m + 2; i++) x[i] = (char)(x[i] >= 'A' && x[i] <= 'Z' ? x[i] + 32 : x[i]);
  for (size_t i = 0; i < n + 2; i++) y[i] = (char)(y[i] >= 'A' && y[i] <= 'Z' ? y[i] + 32 : y[i]);
  bool shares = false;
  for (size_t i = 0; i + gram <= m + 2 && !shares; i++) {
    for (size_t j = 0; j + gram <= n + 2 && !shares; j++) shares = memcmp(x + i, y + j, gram) == 0;
  }
  if (!shares) return 0;
  for (size_t j = 0; j <= n; j++) row[j] = (int)j;
  for (size_t i = 1; i <= m; i++) {
    int corner = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= n; j++) {
      int change = corner + (x[i] != y[j]);
      corner = row[j];
      int put = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = put < change ? put : change;
    }
  }
  return 1 - (double)row[n] / (double)(m > n ? m : n);
}

static void relate_better(const char *name, const char *wanted, size_t gram, double least,
                          double *best, const char **out) {
  double likeness = relate_likeness(name, wanted, gram);
  if (likeness < least || likeness <= *best) return;
  *best = likeness;
  *out = name;
}

LEDGER_PRIVATE const char *query_like_table(struct query *query, const char *schema,
                                            const char *name, bool has_key, double least) {
  const struct catalog *catalog = query->db->catalog;
  const char *found = NULL;
  double best = 0;
  for (size_t gram = 3; gram >= 2 && found == NULL; gram--) {
    for (int i = 0; i < catalog->relation_count; i++) {
      const struct relation *relation = &catalog->relations[i];
      bool counts = !has_key || relation->referencing_count > 0;
      for (int c = 0; c < relation->constraint_count && !counts; c++)
        counts = relation->constraints[c]->kind == 'f';
      if (counts && strcmp(relation->schema, schema) == 0)
        relate_better(relation->name, name, gram, least, &best, &found);
    }
  }
  return found;
}

/* The table that hangs together with the origin and whose name is like the one that was asked for. */
static const char *relate_like_child(const struct relate_search *search, bool *has_any) {
  const struct relation *origin = search->origin;
  const char *name = search->resource->name, *found = NULL;
  double best = 0;
  *has_any = origin->referencing_count > 0;
  for (size_t gram = 3; gram >= 2 && found == NULL; gram--) {
    for (int i = 0; i < origin->constraint_count; i++) {
      if (origin->constraints[i]->kind != 'f') continue;
      *has_any = true;
      relate_better(origin->constraints[i]->reference->name, name, gram, 0.33, &best, &found);
    }
    for (int i = 0; i < origin->referencing_count; i++) {
      const struct relation *other = origin->referencing[i]->relation;
      relate_better(other->name, name, gram, 0.33, &best, &found);
      for (int c = 0; c < other->constraint_count; c++) {
        const struct constraint *far = other->constraints[c];
        if (far->kind == 'f' && far != origin->referencing[i] &&
            relate_is_junction(origin->referencing[i], far))
          relate_better(far->reference->name, name, gram, 0.33, &best, &found);
      }
    }
  }
  return best == 1 ? NULL : found;
}

static int relate_none(const struct relate_search *search) {
  struct query *query = search->query;
  const struct query_resource *resource = search->resource;
  const char *schema = query->relation->schema;
  int rc = query_refuse(query, "PGRST200", LEDGER_BAD_QUERY,
                        "Could not find a relationship between '%s' and '%.200s' in the schema "
                        "cache",
                        search->origin->name, resource->name);
  error_detail(
      &query->db->error,
      "Searched for a foreign key relationship between '%s' and '%.200s'%s%.100s%s in "
      "the schema '%s', but no matches were found.",
      search->origin->name, resource->name, resource->hint == NULL ? "" : " using the hint '",
      resource->hint == NULL ? "" : resource->hint, resource->hint == NULL ? "" : "'", schema);
  bool has_any;
  const char *like = relate_like_child(search, &has_any), *instead = resource->name;
  if (!has_any) {
    like = query_like_table(query, schema, search->origin->name, true, 0.33);
    instead = search->origin->name;
  }
  if (like != NULL)
    error_hint(&query->db->error, "Perhaps you meant '%s' instead of '%.100s'.", like, instead);
  return rc;
}

/* ---- several were found */

static void relate_columns(sqlite3_str *out, const struct relation *relation, int count,
                           const int *columns) {
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(out, "%s%s", i == 0 ? "(" : ", ", relation->columns[columns[i]].name);
  sqlite3_str_appendall(out, ")");
}

static void relate_describe(const struct relate_search *search,
                            const struct relate_candidate *candidate, sqlite3_str *out) {
  static const char *const kinds[] = {"one-to-many", "many-to-one", "one-to-one", "many-to-many"};
  const struct query_relationship *r = &candidate->relationship;
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "{\"cardinality\":\"%s\",\"embedding\":", kinds[candidate->kind]);
  sqlite3_str_appendf(text, "%s with %s", search->origin->name, r->target->name);
  json_quote(out, sqlite3_str_value(text), (size_t)sqlite3_str_length(text));
  sqlite3_str_appendall(out, ",\"relationship\":");
  sqlite3_str_reset(text);
  if (candidate->kind == RELATE_MANY_TO_MANY) {
    sqlite3_str_appendf(text, "%s using %s", r->key->relation->name, r->key->name);
    relate_columns(text, r->key->relation, r->count, r->near);
    sqlite3_str_appendf(text, " and %s", r->far_key->name);
    relate_columns(text, r->key->relation, r->far_key->count, r->far_key->columns);
  } else {
    sqlite3_str_appendf(text, "%s using %s", r->key->name, search->origin->name);
    relate_columns(text, search->origin, r->count, r->origin);
    sqlite3_str_appendf(text, " and %s", r->target->name);
    relate_columns(text, r->target, r->count, r->near);
  }
  if (sqlite3_str_errcode(text) == SQLITE_OK)
    json_quote(out, sqlite3_str_value(text), (size_t)sqlite3_str_length(text));
  sqlite3_str_appendall(out, "}");
  sqlite3_free(sqlite3_str_finish(text));
}

static int relate_several(struct relate_search *search) {
  struct query *query = search->query;
  const char *name = search->resource->name;
  qsort(search->found, (size_t)search->count, sizeof *search->found, relate_order);
  int rc = query_refuse(query, "PGRST201", LEDGER_BAD_QUERY,
                        "Could not embed because more than one relationship was found for '%s' "
                        "and '%.200s'",
                        search->origin->name, name);
  sqlite3_str *details = sqlite3_str_new(NULL), *hint = sqlite3_str_new(NULL);
  for (int i = 0; i < search->count; i++) {
    const struct relate_candidate *candidate = &search->found[i];
    const struct query_relationship *r = &candidate->relationship;
    sqlite3_str_appendall(details, i == 0 ? "[" : ",");
    relate_describe(search, candidate, details);
    sqlite3_str_appendf(hint, "%s'%s!%s'", i == 0 ? "" : ", ", r->target->name,
                        candidate->kind == RELATE_MANY_TO_MANY ? r->key->relation->name
                                                               : r->key->name);
  }
  sqlite3_str_appendall(details, "]");
  const char *text = sqlite3_str_value(hint);
  error_hint(&query->db->error,
             "Try changing '%.60s' to one of the following: %s. Find the desired relationship in "
             "the 'details' key.",
             name, text == NULL ? "" : text);
  sqlite3_free(sqlite3_str_finish(hint));
  char *json = sqlite3_str_finish(details);
  if (json == NULL) return error_memory(&query->db->error);
  error_detail(&query->db->error, "%s", json);
  sqlite3_free(query->answer->details);
  query->answer->details = json;
  return rc;
}

/* ---- a tree */

static const char *relate_sql_name(struct query *query, const struct query_resource *resource) {
  if (resource->to_parent.cardinality == QUERY_THROUGH) return resource->relation->name;
  char name[LEDGER_NAME_MAX + 16];
  sqlite3_snprintf((int)sizeof name, name, "%s_%d", resource->relation->name, resource->depth);
  const char *copy = arena_copy(&query->db->arena, name, strlen(name));
  if (copy == NULL) error_memory(&query->db->error);
  return copy;
}

/* Two of one name would be one name for two things in PostgREST's statement. */
static int relate_twice(struct query *query, const struct query_resource *resource) {
  const char *name = resource->alias != NULL ? resource->alias : resource->name;
  const struct query_resource *other = resource->parent->first;
  for (; other != resource; other = other->next) {
    if (strcmp(other->alias != NULL ? other->alias : other->name, name) == 0) break;
  }
  if (other == resource) return LEDGER_OK;
  int rc = error_set(&query->db->error, LEDGER_BAD_QUERY,
                     "table name \"%s_%.200s_%d\" specified more than once",
                     resource->parent->relation->name, name, resource->depth);
  memcpy(query->db->error.sqlstate, "42712", 5);
  return rc;
}

static int relate_resource(struct query *query, struct query_resource *resource) {
  struct relate_search search = {
      .query = query, .resource = resource, .origin = resource->parent->relation};
  if (search.origin->is_view)
    relate_view(&search);
  else
    relate_table(&search, search.origin);
  if (search.is_short) return error_memory(&query->db->error);
  if (search.count == 0) return relate_none(&search);
  if (search.count > 1) return relate_several(&search);
  resource->to_parent = search.found[0].relationship;
  resource->relation = resource->to_parent.target;
  resource->sql_name = relate_sql_name(query, resource);
  if (resource->sql_name == NULL) return LEDGER_MEMORY;
  int rc = relate_twice(query, resource);
  for (struct query_resource *child = resource->first; child != NULL && rc == LEDGER_OK;
       child = child->next)
    rc = relate_resource(query, child);
  return rc;
}

LEDGER_PRIVATE int relate_query(struct query *query) {
  int rc = LEDGER_OK;
  for (struct query_resource *child = query->root.first; child != NULL && rc == LEDGER_OK;
       child = child->next)
    rc = relate_resource(query, child);
  return rc;
}

#undef RELATE_MAX
