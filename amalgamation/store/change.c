/*
** change.c: which rows were written, by their keys, in ledger_change.
**
** What other programs write is noted by triggers in the file, in SQL that every SQLite has; on our own connections they are
** off (connection.c), and the rows are noted from here, by who writes them: write.c and observe.c, and the book where journals
** do not tell. A note is a row, so that it goes and comes back with what it is about.
**
** A REPLACE takes the rows away that are in its way without firing their triggers of DELETE. Triggers before INSERT and UPDATE
** look for such rows by every other unique key, and note them as replaced: what may be gone counts only if it is.
**
** The clock of a change is the wall clock's milliseconds, 16 bits for a counter below them, and always more than that of the
** change before: the view ledger_clock in the file, change_clock() here.
*/
#include "../internal.h"

#define CHANGE_CLOCK_BITS 16 /* below the milliseconds; as in the view ledger_clock */

LEDGER_PRIVATE bool change_is_followed(const struct relation *relation) {
  return !relation->is_view && relation->primary != NULL;
}

/* ---- keys */

/* As quote() prints it. */
static void change_quote(sqlite3_str *out, const struct value *value) {
  static const char hex[] = "0123456789ABCDEF";
  switch (value->kind) {
  case VALUE_NULL: sqlite3_str_appendall(out, "NULL"); break;
  case VALUE_INTEGER: sqlite3_str_appendf(out, "%lld", (long long)value->integer); break;
  case VALUE_REAL: sqlite3_str_appendf(out, "%!0.17g", value->real); break;
  case VALUE_TEXT:
    sqlite3_str_appendchar(out, 1, '\'');
    for (size_t i = 0; i < value->length; i++) {
      if (value->text[i] == '\'') sqlite3_str_appendchar(out, 1, '\'');
      sqlite3_str_appendchar(out, 1, value->text[i]);
    }
    sqlite3_str_appendchar(out, 1, '\'');
    break;
  case VALUE_BLOB:
    sqlite3_str_appendall(out, "X'");
    for (size_t i = 0; i < value->length; i++) {
      unsigned char byte = (unsigned char)value->text[i];
      sqlite3_str_appendchar(out, 1, hex[byte >> 4]);
      sqlite3_str_appendchar(out, 1, hex[byte & 15]);
    }
    sqlite3_str_appendchar(out, 1, '\'');
    break;
  }
}

/* SQLite gives a whole number of a REAL column now as an integer (to the preupdate hook), now as a real: the key is one. */
static struct value change_as_column(const struct relation *relation, int place,
                                     const struct value *value) {
  enum type_id type = relation->columns[relation->primary->columns[place]].type.id;
  if (value->kind != VALUE_INTEGER || (type != TYPE_FLOAT4 && type != TYPE_FLOAT8)) return *value;
  return (struct value){.kind = VALUE_REAL, .real = (double)value->integer};
}

LEDGER_PRIVATE int change_key_of(struct arena *arena, const struct relation *relation,
                                 const struct value *values, struct value *key) {
  int count = relation->primary->count;
  *key = values[0];
  if (count == 1) return LEDGER_OK;
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < count; i++) {
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    struct value value = change_as_column(relation, i, &values[i]);
    change_quote(out, &value);
  }
  size_t length = (size_t)sqlite3_str_length(out);
  const char *text = arena_finish(arena, out);
  if (text == NULL) return LEDGER_MEMORY;
  *key = (struct value){.kind = VALUE_TEXT, .text = text, .length = length};
  return LEDGER_OK;
}

LEDGER_PRIVATE int change_key(struct arena *arena, const struct relation *relation,
                              const struct value *row, struct value *key) {
  const struct constraint *primary = relation->primary;
  if (primary->count == 1) {
    *key = row[primary->columns[0]];
    return LEDGER_OK;
  }
  struct value *values = arena_alloc(arena, (size_t)primary->count * sizeof *values);
  if (values == NULL) return LEDGER_MEMORY;
  for (int i = 0; i < primary->count; i++) values[i] = row[primary->columns[i]];
  return change_key_of(arena, relation, values, key);
}

/* Reads one quoted text, or the digits of a blob, up to its closing quote, which *at is left behind. NULL: there is none, or
** memory is short. */
static const char *change_read_quoted(ledger *db, const char **at, const char *end, bool is_blob,
                                      size_t *length) {
  char *out = arena_alloc(&db->arena, (size_t)(end - *at) + 1);
  const char *from = *at;
  *length = 0;
  if (out == NULL) {
    error_memory(&db->error);
    return NULL;
  }
  while (from < end) {
    if (*from == '\'') {
      if (from + 1 == end || from[1] != '\'') break;
      from++;
    }
    out[(*length)++] = *from++;
  }
  if (from == end || (is_blob && *length % 2 != 0)) return NULL;
  *at = from + 1;
  for (size_t i = 0; is_blob && i < *length; i++) {
    static const char digits[] = "0123456789ABCDEF";
    const char *digit = strchr(digits, out[i]);
    if (out[i] == 0 || digit == NULL) return NULL;
    int number = (int)(digit - digits);
    out[i / 2] = (char)(i % 2 == 0 ? number << 4 : out[i / 2] | number);
  }
  if (is_blob) *length /= 2;
  out[*length] = 0;
  return out;
}

/* One value of a key of several columns. */
static bool change_read_value(ledger *db, const char **at, const char *end, struct value *out) {
  bool is_blob = end - *at >= 2 && (*at)[0] == 'X' && (*at)[1] == '\'';
  if (is_blob || (*at < end && **at == '\'')) {
    *at += is_blob ? 2 : 1;
    out->kind = is_blob ? VALUE_BLOB : VALUE_TEXT;
    out->text = change_read_quoted(db, at, end, is_blob, &out->length);
    return out->text != NULL;
  }
  const char *comma = memchr(*at, ',', (size_t)(end - *at));
  size_t length = (size_t)((comma == NULL ? end : comma) - *at);
  struct value text = {.kind = VALUE_TEXT, .text = *at, .length = length};
  *at += length;
  out->kind = VALUE_NULL;
  if (length == 4 && memcmp(text.text, "NULL", 4) == 0) return true;
  bool is_negative = length > 0 && text.text[0] == '-';
  const char *digits = text.text + is_negative;
  size_t rest = length - is_negative;
  /* SQLite's words for what has no digits, of 3.53 and of 3.40 */
  bool is_infinite = (rest == 8 && memcmp(digits, "9.0e+999", 8) == 0) ||
                     (rest == 3 && memcmp(digits, "Inf", 3) == 0);
  bool is_real = is_infinite || memchr(text.text, '.', length) != NULL;
  struct type type = {.id = is_real ? TYPE_FLOAT8 : TYPE_INT8, .length = -1};
  if (is_infinite) {
    text.text = is_negative ? "-Infinity" : "Infinity";
    text.length = strlen(text.text);
  }
  return type_input(&type, text.text, text.length, &db->arena, out, &db->error) == LEDGER_OK;
}

LEDGER_PRIVATE int change_key_read(ledger *db, const struct relation *relation,
                                   const struct value *key, struct value *values) {
  int count = relation->primary->count;
  if (count == 1) {
    values[0] = *key;
    return LEDGER_OK;
  }
  bool is_whole = key->kind == VALUE_TEXT;
  const char *at = is_whole ? key->text : NULL, *end = is_whole ? at + key->length : NULL;
  for (int i = 0; i < count && is_whole; i++) {
    is_whole =
        (i == 0 || (at < end && *at++ == ',')) && change_read_value(db, &at, end, &values[i]);
  }
  if (is_whole && at == end) return LEDGER_OK;
  if (db->error.code == LEDGER_MEMORY) return LEDGER_MEMORY;
  error_set(&db->error, LEDGER_CORRUPT, "file \"%s\" is damaged", db->path);
  return error_detail(&db->error, "ledger_change has a key that table \"%s\" cannot have.",
                      relation->name);
}

/* ---- noting */

LEDGER_PRIVATE int change_clock(ledger *db, int64_t *hlc) {
  if (db->hlc_transaction != db->transaction) {
    sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_CHANGE_LAST);
    if (stmt == NULL) return db->error.code;
    int64_t last = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
    int64_t wall = db->session.now_us / 1000 * (1 << CHANGE_CLOCK_BITS);
    db->hlc = wall > last ? wall - 1 : last;
    db->hlc_transaction = db->transaction;
  }
  *hlc = ++db->hlc;
  return LEDGER_OK;
}

static int change_insert(ledger *db, const struct relation *relation, const struct value *key) {
  int64_t hlc = 0;
  int rc = change_clock(db, &hlc);
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_CHANGE_INSERT);
  if (stmt == NULL) return db->error.code;
  struct value one = relation->primary->count == 1 ? change_as_column(relation, 0, key) : *key;
  sqlite3_bind_int64(stmt, 1, relation->id);
  rc = statement_bind(stmt, 2, &one);
  if (rc != SQLITE_OK) return store_error(db, rc);
  sqlite3_bind_int64(stmt, 3, hlc);
  sqlite3_step(stmt);
  rc = sqlite3_reset(stmt);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

LEDGER_PRIVATE int change_note_key(ledger *db, const struct relation *relation,
                                   const struct value *key) {
  if (db->is_unfollowed || !change_is_followed(relation)) return LEDGER_OK;
  return change_insert(db, relation, key);
}

LEDGER_PRIVATE int change_note(ledger *db, const struct relation *relation,
                               const struct value *row) {
  struct value key;
  if (db->is_unfollowed || !change_is_followed(relation)) return LEDGER_OK;
  if (change_key(&db->arena, relation, row, &key) != LEDGER_OK) return error_memory(&db->error);
  return change_insert(db, relation, &key);
}

/* Finds the row by its id, where that is not its key. */
static sqlite3_stmt *change_select(ledger *db, const struct relation *relation) {
  struct {
    char verb[8];
    int64_t relation;
  } key = {.verb = "CHANGED", .relation = relation->id};
  sqlite3_stmt *stmt = statement_find(db, &key, sizeof key);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  for (int i = 0; i < relation->primary->count; i++) {
    sqlite3_str_appendf(sql, "%s\"%w\"", i == 0 ? "SELECT " : ", ",
                        relation->columns[relation->primary->columns[i]].name);
  }
  sqlite3_str_appendf(sql, " FROM main.\"%w\" WHERE id = ?1", relation->stored_name);
  return statement_make(db, &key, sizeof key, sql);
}

static int change_note_found(ledger *db, const struct relation *relation, const struct value *id) {
  int count = relation->primary->count;
  struct value key, *values = arena_alloc(&db->arena, (size_t)count * sizeof *values);
  sqlite3_stmt *stmt = values == NULL ? NULL : change_select(db, relation);
  if (values == NULL) return error_memory(&db->error);
  if (stmt == NULL) return db->error.code;
  int rc = statement_bind_all(db, stmt, 1, id);
  if (rc == LEDGER_OK) rc = statement_step(db, stmt);
  for (int i = 0; i < count && rc == LEDGER_ROW; i++) {
    values[i] = statement_value(stmt, i);
    if (value_keep(&db->arena, &values[i]) != LEDGER_OK) rc = error_memory(&db->error);
  }
  sqlite3_reset(stmt);
  if (rc != LEDGER_ROW) return rc == LEDGER_DONE ? LEDGER_OK : rc;
  if (change_key_of(&db->arena, relation, values, &key) != LEDGER_OK)
    return error_memory(&db->error);
  return change_insert(db, relation, &key);
}

LEDGER_PRIVATE int change_note_id(ledger *db, const struct relation *relation, const char *id) {
  struct value key = {.kind = VALUE_TEXT, .text = id, .length = strlen(id)};
  if (db->is_unfollowed || !change_is_followed(relation)) return LEDGER_OK;
  const struct constraint *primary = relation->primary;
  if (primary->count == 1 && strcmp(relation->columns[primary->columns[0]].name, "id") == 0)
    return change_insert(db, relation, &key);
  return change_note_found(db, relation, &key);
}

/* ---- triggers in the file */

/* The key of the row that `of` names, "new" or "old", as ledger_change has it. */
static void change_trigger_key(sqlite3_str *out, const struct relation *relation, const char *of) {
  const struct constraint *primary = relation->primary;
  for (int i = 0; i < primary->count; i++) {
    const char *name = relation->columns[primary->columns[i]].name;
    if (i > 0) sqlite3_str_appendall(out, "||','||");
    if (primary->count == 1)
      sqlite3_str_appendf(out, "\"%w\".\"%w\"", of, name);
    else
      sqlite3_str_appendf(out, "quote(\"%w\".\"%w\")", of, name);
  }
}

/* A condition: the key of one row is not that of another. */
static void change_trigger_differs(sqlite3_str *out, const struct relation *relation,
                                   const char *left, const char *right) {
  const struct constraint *primary = relation->primary;
  for (int i = 0; i < primary->count; i++) {
    const char *name = relation->columns[primary->columns[i]].name;
    sqlite3_str_appendf(out, "%s\"%w\".\"%w\" IS NOT \"%w\".\"%w\"", i == 0 ? "(" : " OR ", left,
                        name, right, name);
  }
  sqlite3_str_appendall(out, ")");
}

/* A trigger being put together. */
struct change_trigger {
  ledger *db;
  sqlite3_stmt *insert; /* into the schema */
  const struct relation *relation;
  char name[60];
  sqlite3_str *sql;
};

static void change_trigger_start(struct change_trigger *trigger, const char *purpose,
                                 const char *event) {
  sqlite3_snprintf((int)sizeof trigger->name, trigger->name, "ledger_change_%lld_%s",
                   (long long)trigger->relation->id, purpose);
  trigger->sql = sqlite3_str_new(trigger->db->sqlite);
  sqlite3_str_appendf(trigger->sql, "CREATE TRIGGER \"%w\" %s", trigger->name, event);
}

/* Puts its row into the schema. CREATE TRIGGER would go through the whole schema for each: 5 ms for the 144 triggers of the
** schema full, of the 20 that making the file takes, where this takes 1.4. That SQLite can read it is seen here. It fires on
** connections that read the schema from now on; on this one it never would (connection.c). */
static int change_trigger_end(struct change_trigger *trigger) {
  ledger *db = trigger->db;
  sqlite3_stmt *seen = NULL;
  int rc = sqlite3_str_errcode(trigger->sql);
  char *text = sqlite3_str_finish(trigger->sql);
  trigger->sql = NULL;
  if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(db->sqlite, text, -1, &seen, NULL);
  sqlite3_finalize(seen);
  if (rc == SQLITE_OK) {
    sqlite3_bind_text(trigger->insert, 1, trigger->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(trigger->insert, 2, trigger->relation->stored_name, -1, SQLITE_STATIC);
    sqlite3_bind_text(trigger->insert, 3, text, -1, SQLITE_STATIC);
    sqlite3_step(trigger->insert);
    rc = sqlite3_reset(trigger->insert);
  }
  sqlite3_free(text);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

/* What notes the key of the row that `of` names. VALUES, for what SELECTs from the table that it inserts into has to be kept
** aside first, which takes as long as the rest. */
static void change_trigger_note(sqlite3_str *out, const struct relation *relation, const char *of) {
  sqlite3_str_appendf(out, " INSERT INTO ledger_change (relation, key, hlc) VALUES (%lld, ",
                      (long long)relation->id);
  change_trigger_key(out, relation, of);
  sqlite3_str_appendall(out, ", (SELECT hlc FROM ledger_clock)); END");
}

/* After an event, of the row that `of` names. */
static int change_trigger_plain(struct change_trigger *trigger, const char *purpose,
                                const char *event, const char *of) {
  change_trigger_start(trigger, purpose, event);
  sqlite3_str_appendf(trigger->sql, " ON \"%w\" BEGIN", trigger->relation->stored_name);
  change_trigger_note(trigger->sql, trigger->relation, of);
  return change_trigger_end(trigger);
}

/* A row whose key changes is gone by the old one. */
static int change_trigger_move(struct change_trigger *trigger) {
  const struct relation *relation = trigger->relation;
  change_trigger_start(trigger, "move", "AFTER UPDATE");
  for (int i = 0; i < relation->primary->count; i++)
    sqlite3_str_appendf(trigger->sql, "%s\"%w\"", i == 0 ? " OF " : ", ",
                        relation->columns[relation->primary->columns[i]].name);
  sqlite3_str_appendf(trigger->sql, " ON \"%w\" WHEN ", relation->stored_name);
  change_trigger_differs(trigger->sql, relation, "old", "new");
  sqlite3_str_appendall(trigger->sql, " BEGIN");
  change_trigger_note(trigger->sql, relation, "old");
  return change_trigger_end(trigger);
}

static int change_trigger_after(struct change_trigger *trigger) {
  int rc = change_trigger_plain(trigger, "insert", "AFTER INSERT", "new");
  if (rc == LEDGER_OK) rc = change_trigger_plain(trigger, "update", "AFTER UPDATE", "new");
  if (rc == LEDGER_OK) rc = change_trigger_plain(trigger, "delete", "AFTER DELETE", "old");
  return rc == LEDGER_OK ? change_trigger_move(trigger) : rc;
}

/* ---- ... before REPLACE */

/* The next term of an index's list, which ends at a comma or the closing parenthesis that stand for themselves. */
static size_t change_term_length(const char *text) {
  int depth = 0;
  size_t i = 0;
  for (; text[i] != 0; i++) {
    if (text[i] == '\'' || text[i] == '"') {
      const char *quote = strchr(text + i + 1, text[i]); /* a doubled one opens again */
      if (quote == NULL) break;
      i = (size_t)(quote - text);
    } else if (depth == 0 && (text[i] == ',' || text[i] == ')')) {
      break;
    } else {
      depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
    }
  }
  return i;
}

/* What the terms of an index of expressions are in the file: the catalog has columns alone. In the arena. */
static int change_index_terms(ledger *db, const struct index *index, const char **terms) {
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_CHANGE_INDEX);
  if (stmt == NULL) return db->error.code;
  const char *sql = NULL;
  sqlite3_bind_text(stmt, 1, index->stored_name, -1, SQLITE_STATIC);
  int rc = statement_step(db, stmt);
  if (rc == LEDGER_ROW)
    rc = statement_text(db, stmt, 0, &sql);
  else if (rc == LEDGER_DONE)
    rc = error_set(&db->error, LEDGER_CORRUPT, "index \"%s\" is not in the file", index->name);
  sqlite3_reset(stmt);
  if (rc != LEDGER_OK) return rc;
  while (sql != NULL && *sql != '(' && *sql != 0) { /* past both names, which are quoted */
    if (*sql == '"') sql = strchr(sql + 1, '"');
    if (sql != NULL) sql++;
  }
  if (sql != NULL && *sql == '(') {
    *terms = sql + 1;
    return LEDGER_OK;
  }
  return error_set(&db->error, LEDGER_CORRUPT, "index \"%s\" has no terms", index->name);
}

/* An expression over the new row: the same text, over a row that has its values under the columns' names. */
static void change_trigger_expression(sqlite3_str *out, const struct relation *relation,
                                      const char *term, size_t length) {
  sqlite3_str_appendall(out, "(");
  sqlite3_str_append(out, term, (int)length);
  sqlite3_str_appendall(out, ") = (SELECT ");
  sqlite3_str_append(out, term, (int)length);
  sqlite3_str_appendall(out, " FROM (SELECT ");
  for (int i = 0; i < relation->column_count; i++) {
    const char *name = relation->columns[i].name;
    sqlite3_str_appendf(out, "%s\"new\".\"%w\" AS \"%w\"", i == 0 ? "" : ", ", name, name);
  }
  sqlite3_str_appendall(out, "))");
}

/* One unique key: the rows that have the new row's values in it. */
struct change_unique {
  int count;
  const int *columns; /* -1 for an expression */
  const char *terms;  /* all of them, where one is an expression */
  const char *predicate_sql;
};

/* FROM the relation WHERE a row but `self` has the new row's values in the unique key. */
static void change_trigger_hits(sqlite3_str *out, const struct relation *relation,
                                const struct change_unique *unique, const char *self) {
  const char *term = unique->terms;
  sqlite3_str_appendf(out, " FROM \"%w\" AS \"ledger_hit\" WHERE ", relation->stored_name);
  for (int i = 0; i < unique->count; i++) {
    size_t length = term == NULL ? 0 : change_term_length(term);
    if (unique->columns[i] < 0) {
      size_t bare = length; /* without its order */
      if (bare > 5 && memcmp(term + bare - 5, " DESC", 5) == 0) bare -= 5;
      change_trigger_expression(out, relation, term, bare);
    } else {
      const char *name = relation->columns[unique->columns[i]].name;
      sqlite3_str_appendf(out, "\"ledger_hit\".\"%w\" = \"new\".\"%w\"", name, name);
    }
    sqlite3_str_appendall(out, " AND ");
    if (term != NULL) term += length + 1;
  }
  if (unique->predicate_sql != NULL) sqlite3_str_appendf(out, "(%s) AND ", unique->predicate_sql);
  change_trigger_differs(out, relation, "ledger_hit", self);
}

/* Looks first whether there is such a row: mostly there is none, and then nothing is made ready to note it. */
static void change_trigger_guard(sqlite3_str *out, const struct relation *relation,
                                 const struct change_unique *uniques, int count, const char *self) {
  for (int i = 0; i < count; i++) {
    sqlite3_str_appendall(out, i == 0 ? " WHEN EXISTS (SELECT 1" : " OR EXISTS (SELECT 1");
    change_trigger_hits(out, relation, &uniques[i], self);
    sqlite3_str_appendall(out, ")");
  }
  sqlite3_str_appendall(out, " BEGIN");
  for (int i = 0; i < count; i++) {
    sqlite3_str_appendf(out,
                        " INSERT INTO ledger_change (relation, key, hlc, replaced) SELECT %lld, ",
                        (long long)relation->id);
    change_trigger_key(out, relation, "ledger_hit");
    sqlite3_str_appendall(out, ", (SELECT hlc FROM ledger_clock), 1");
    change_trigger_hits(out, relation, &uniques[i], self);
    sqlite3_str_appendall(out, ";");
  }
  sqlite3_str_appendall(out, " END");
}

/* The relation's unique keys but the primary one, in the arena. */
static int change_uniques(ledger *db, const struct relation *relation, struct change_unique **out,
                          int *count) {
  size_t most = (size_t)(relation->constraint_count + relation->index_count);
  struct change_unique *uniques = arena_alloc(&db->arena, (most + 1) * sizeof *uniques);
  if (uniques == NULL) return error_memory(&db->error);
  *out = uniques;
  *count = 0;
  for (int i = 0; i < relation->constraint_count; i++) {
    const struct constraint *constraint = relation->constraints[i];
    if (constraint->kind != 'u') continue;
    uniques[(*count)++] =
        (struct change_unique){.count = constraint->count, .columns = constraint->columns};
  }
  for (int i = 0; i < relation->index_count; i++) {
    const struct index *index = &relation->indexes[i];
    if (!index->is_unique) continue;
    struct change_unique *unique = &uniques[(*count)++];
    *unique = (struct change_unique){
        .count = index->count, .columns = index->columns, .predicate_sql = index->predicate_sql};
    int rc = index->has_expression ? change_index_terms(db, index, &unique->terms) : LEDGER_OK;
    if (rc != LEDGER_OK) return rc;
  }
  return LEDGER_OK;
}

/* UPDATE OF the columns of unique keys, or of any where an expression or a predicate may look at it. */
static void change_trigger_columns(sqlite3_str *out, const struct relation *relation,
                                   const struct change_unique *uniques, int count) {
  bool of_any = false;
  for (int i = 0; i < count; i++)
    of_any = of_any || uniques[i].terms != NULL || uniques[i].predicate_sql != NULL;
  const char *separator = " OF ";
  for (int column = 0; column < relation->column_count && !of_any; column++) {
    bool is_in = false;
    for (int i = 0; i < count; i++) {
      for (int k = 0; k < uniques[i].count; k++) is_in = is_in || uniques[i].columns[k] == column;
    }
    if (!is_in) continue;
    sqlite3_str_appendf(out, "%s\"%w\"", separator, relation->columns[column].name);
    separator = ", ";
  }
}

static int change_trigger_before(struct change_trigger *trigger) {
  const struct relation *relation = trigger->relation;
  struct change_unique *uniques = NULL;
  int count = 0;
  int rc = change_uniques(trigger->db, relation, &uniques, &count);
  if (rc != LEDGER_OK || count == 0) return rc;
  change_trigger_start(trigger, "replace", "BEFORE INSERT");
  sqlite3_str_appendf(trigger->sql, " ON \"%w\"", relation->stored_name);
  change_trigger_guard(trigger->sql, relation, uniques, count, "new");
  rc = change_trigger_end(trigger);
  if (rc != LEDGER_OK) return rc;
  change_trigger_start(trigger, "displace", "BEFORE UPDATE");
  change_trigger_columns(trigger->sql, relation, uniques, count);
  sqlite3_str_appendf(trigger->sql, " ON \"%w\"", relation->stored_name);
  change_trigger_guard(trigger->sql, relation, uniques, count, "old");
  return change_trigger_end(trigger);
}

/* ---- making them */

/* Runs the script in *sql, which is freed. */
static int change_script(ledger *db, sqlite3_str *sql) {
  int rc = sqlite3_str_errcode(sql);
  char *text = sqlite3_str_finish(sql);
  if (rc == SQLITE_OK && text != NULL) rc = sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
  sqlite3_free(text);
  return rc == SQLITE_OK ? LEDGER_OK : store_error(db, rc);
}

static int change_triggers(ledger *db) {
  struct change_trigger trigger = {.db = db};
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql)"
                             " VALUES ('trigger', ?1, ?2, 0, ?3)");
  int rc = statement_prepare(db, sql, &trigger.insert);
  for (int i = 0; i < db->catalog->relation_count && rc == LEDGER_OK; i++) {
    trigger.relation = &db->catalog->relations[i];
    if (!change_is_followed(trigger.relation)) continue;
    rc = change_trigger_after(&trigger);
    if (rc == LEDGER_OK) rc = change_trigger_before(&trigger);
  }
  sqlite3_finalize(trigger.insert);
  return rc;
}

/* Those that are there go: each format may have others. */
static int change_remove(ledger *db) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_stmt *stmt = NULL;
  const char *drops = NULL;
  sqlite3_str_appendall(sql, "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema"
                             " WHERE type = 'trigger' AND name GLOB 'ledger_change_[0-9]*[a-z]'");
  int rc = statement_prepare(db, sql, &stmt);
  if (rc == LEDGER_OK && (rc = statement_step(db, stmt)) == LEDGER_ROW)
    rc = statement_text(db, stmt, 0, &drops);
  sqlite3_finalize(stmt);
  return rc == LEDGER_OK && drops != NULL ? statement_exec(db, drops) : rc;
}

LEDGER_PRIVATE int change_install(ledger *db) {
  int rc = statement_exec(db, "INSERT OR IGNORE INTO ledger_sync_state (one, device)"
                              " SELECT 1, value FROM ledger_meta WHERE key = 'device'");
  if (rc == LEDGER_OK) rc = change_remove(db);
  if (rc != LEDGER_OK) return rc;
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL); /* it is the default of some */
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
  rc = change_triggers(db);
  sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0, NULL);
  return rc;
}

/* The clock is the smallest there is: when the rows were written is not known, and whatever main knows better counts. */
LEDGER_PRIVATE int change_note_all(ledger *db) {
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(sql, "UPDATE ledger_sync_state SET is_careful = 1;");
  for (int i = 0; i < db->catalog->relation_count; i++) {
    const struct relation *relation = &db->catalog->relations[i];
    if (!change_is_followed(relation)) continue;
    sqlite3_str_appendf(sql, "INSERT INTO ledger_change (relation, key, hlc) SELECT %lld, ",
                        (long long)relation->id);
    change_trigger_key(sql, relation, "row");
    sqlite3_str_appendf(sql, ", 1 FROM \"%w\" AS \"row\";", relation->stored_name);
  }
  return change_script(db, sql);
}

/* ---- main's tables */

LEDGER_PRIVATE int change_refuse(ledger *db, const struct relation *relation, bool refuses) {
  static const char *const events[] = {"insert", "update", "delete"};
  sqlite3_str *sql = sqlite3_str_new(db->sqlite);
  for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
    sqlite3_str_appendf(sql, "DROP TRIGGER IF EXISTS \"ledger_main_%lld_%s\";",
                        (long long)relation->id, events[i]);
    if (!refuses) continue;
    sqlite3_str_appendf(sql,
                        "CREATE TRIGGER \"ledger_main_%lld_%s\" BEFORE %s ON \"%w\" BEGIN"
                        " SELECT RAISE(ABORT, '42501: table %q belongs to the main database;"
                        " change it there, then fetch it by ledger pull'); END;",
                        (long long)relation->id, events[i], events[i], relation->stored_name,
                        relation->name);
  }
  int rc = change_script(db, sql);
  if (rc != LEDGER_OK) return rc;
  /* It holds from now on, and the catalog is read again afterwards, whichever way the transaction ends. */
  struct relation *changed = &db->catalog->relations[relation - db->catalog->relations];
  changed->is_mains = refuses;
  db->catalog->is_observed = false;
  db->schema_version = -1;
  return LEDGER_OK;
}
