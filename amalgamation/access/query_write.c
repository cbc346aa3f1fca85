/*
** query_write.c: INSERT, UPDATE, PUT and DELETE of ledger_ask(), as PostgREST 13 and later carry them out, which heed neither limit= nor order=
** here. In a transaction of its own, or, within one that is open, in a savepoint; in a group's transaction the group sees to that
** (group.c), for a savepoint costs more than a row.
**
** The rows of an update or delete are found first, under the request's filters and the caller's policies, and then named by their
** rowids: all that the caller's conditions could find out or run into happens before anything is written. An insert goes row
** by row: values, defaults, triggers, policies, constraints, in PostgreSQL's order; but PostgreSQL has read all values of all rows before
** it writes the first one, so that after a fault the rest of the rows is looked through for one of those.
**
** A policy that reads the table itself is asked about all rows before one of them is written, as PostgreSQL asks it of the snapshot
** from before the statement.
*/
#include "../internal.h"
#include "query_body.h"

#define QUERY_WRITE_ANSWER_US                                                                      \
  2000000 /* to read the representation in, where requests have a limit */

struct query_write {
  struct query query;
  ledger *db;
  const ledger_query *ask;
  struct relation *relation;
  struct query_body body;
  ledger_value *values; /* of the row that is being read */
  struct arena lists;   /* of rowids, */
  struct arena row;     /* and what belongs to one row of an insert */
  bool is_nested;       /* within a transaction of the caller's, or a group's */
  bool has_savepoint;
  bool has_written;            /* something that no failing statement has undone */
  bool is_unreadable;          /* a value of the body was refused */
  bool reads;                  /* the caller must be allowed to read the table, too */
  struct change *change;       /* an update, or NULL; */
  struct change *upsert;       /* likewise */
  bool merges;                 /* DO UPDATE */
  const char *complaint;       /* about a row that is inserted, or NULL; */
  sqlite3_stmt *check;         /* its statement */
  const char *of_old, *of_new; /* about one that it meets, and what that becomes */
  struct value *key_row;       /* PUT: the key that the URL names, by column, all columns */
  int64_t count, room, inserted;
  int64_t *rowids; /* of the rows that were written, in order */
  int64_t *met;    /* a set of those that an upsert has written: see query_write_meets() */
  int64_t met_room;
};

static int query_write_memory(struct query_write *write) {
  return error_memory(&write->db->error);
}

/* ---- the transaction */

/* From here on all that is done can be undone by itself. */
static int query_write_mark(struct query_write *write) {
  if (!write->is_nested || write->has_savepoint) return LEDGER_OK;
  /* Made before they are needed, so that undoing needs no memory. */
  if (statement_fixed(write->db, STATEMENT_QUERY_UNDO) == NULL ||
      statement_fixed(write->db, STATEMENT_QUERY_RELEASE) == NULL)
    return write->db->error.code;
  int rc = statement_run(write->db, STATEMENT_QUERY_SAVEPOINT);
  write->has_savepoint = rc == LEDGER_OK;
  return rc;
}

/* Undoes what the savepoint stands before; where even that fails, nothing but the end of the transaction is left. */
static void query_write_undo(ledger *db) {
  db->row_writes++;
  if (sqlite3_get_autocommit(db->sqlite) ||
      (statement_run(db, STATEMENT_QUERY_UNDO) == LEDGER_OK &&
       statement_run(db, STATEMENT_QUERY_RELEASE) == LEDGER_OK))
    return;
  statement_run(db, STATEMENT_ROLLBACK);
  db->transaction_lost = true;
}

/* Undoes or keeps what was done. */
static int query_write_end(struct query_write *write, int rc) {
  ledger *db = write->db;
  ledger_error error = db->error;
  bool undoes = rc != LEDGER_OK || write->ask->rollback;
  if (!write->is_nested && !undoes) return transaction_end(db, LEDGER_OK);
  if (!write->is_nested) {
    (void)transaction_end(db, LEDGER_ERROR);
  } else if (undoes && write->has_savepoint) {
    query_write_undo(db);
  } else if (undoes) {
    db->is_torn = write->has_written;
  } else if (write->has_savepoint) {
    rc = statement_run(db, STATEMENT_QUERY_RELEASE);
    if (rc == LEDGER_OK) return rc;
    error = db->error;
    query_write_undo(db);
  }
  db->error = error;
  return rc;
}

/* ---- lists of rows */

static int query_write_note(struct query_write *write, int64_t rowid) {
  if (write->count == write->room) {
    int64_t room = write->room == 0 ? 16 : write->room * 2;
    int64_t *rowids = arena_alloc(&write->lists, (size_t)room * sizeof *rowids);
    if (rowids == NULL) return query_write_memory(write);
    if (write->count > 0) memcpy(rowids, write->rowids, (size_t)write->count * sizeof *rowids);
    write->rowids = rowids;
    write->room = room;
  }
  write->rowids[write->count++] = rowid;
  return LEDGER_OK;
}

/* Puts a row into the set of those that the statement has written; *again: it is there already. Zero stands for no row. */
static int query_write_meets(struct query_write *write, int64_t rowid, bool *again) {
  *again = false;
  if (write->body.row_count == 1) return LEDGER_OK;
  if (write->met == NULL) {
    write->met_room = 16;
    while (write->met_room < write->body.row_count * 2) write->met_room *= 2;
    size_t bytes = (size_t)write->met_room * sizeof *write->met;
    write->met = arena_alloc(&write->lists, bytes);
    if (write->met == NULL) return query_write_memory(write);
    memset(write->met, 0, bytes);
  }
  uint64_t place = (uint64_t)rowid * 11400714819323198485u;
  for (place >>= 8;; place++) {
    int64_t *at = &write->met[place & (uint64_t)(write->met_room - 1)];
    *again = *at == rowid;
    if (*at == 0) *at = rowid;
    if (*at == rowid) return LEDGER_OK;
  }
}

/* ---- what is refused */

static int query_write_privileges(struct query_write *write, enum policy_verb verb) {
  int rc = policy_privilege(write->db, write->relation, verb);
  if (rc == LEDGER_OK && write->merges)
    rc = policy_privilege(write->db, write->relation, POLICY_UPDATE);
  if (rc == LEDGER_OK && write->reads)
    rc = policy_privilege(write->db, write->relation, POLICY_SELECT);
  return rc;
}

/* Why the answer will be refused whatever becomes of its rows; LEDGER_OK: it will not. */
static int query_write_count_error(struct query_write *write) {
  const ledger_query *ask = write->ask;
  long long count = (long long)write->count;
  bool is_change = ask->verb == LEDGER_VERB_UPDATE || ask->verb == LEDGER_VERB_DELETE;
  if (ask->verb == LEDGER_VERB_PUT && count != 1)
    return query_refuse(&write->query, "PGRST115", LEDGER_BAD_QUERY,
                        "Payload values do not match URL in primary key column(s)");
  if (ask->form == LEDGER_FORM_OBJECT && count != 1) {
    query_refuse(&write->query, "PGRST116", LEDGER_BAD_QUERY,
                 "Cannot coerce the result to a single JSON object");
    return error_detail(&write->db->error, "The result contains %lld rows", count);
  }
  if (is_change && ask->has_max_affected && count > ask->max_affected) {
    query_refuse(&write->query, "PGRST124", LEDGER_BAD_QUERY,
                 "Query result exceeds max-affected preference constraint");
    return error_detail(&write->db->error, "The query affects %lld rows", count);
  }
  return LEDGER_OK;
}

/* ---- the answer */

static bool query_write_is_plain(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

static void query_write_encode(sqlite3_str *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    if (query_write_is_plain(c))
      sqlite3_str_append(out, text + i, 1);
    else
      sqlite3_str_appendf(out, "%%%02X", c);
  }
}

/* id=eq.1, of the one row that was inserted. */
static int query_write_location(struct query_write *write) {
  const struct relation *relation = write->relation;
  ledger *db = write->db;
  if (write->count != 1 || relation->primary == NULL) return LEDGER_OK;
  struct value *row = arena_alloc(&db->arena, (size_t)relation->column_count * sizeof *row);
  if (row == NULL) return query_write_memory(write);
  int rc = write_image_of(db, relation, write->rowids[0], row);
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < relation->primary->count && rc == LEDGER_OK; i++) {
    int position = relation->primary->columns[i];
    sqlite3_str *text = sqlite3_str_new(NULL);
    rc = type_output(&relation->columns[position].type, &row[position], text, &db->error);
    size_t length = (size_t)sqlite3_str_length(text);
    char *bytes = sqlite3_str_finish(text);
    if (i > 0) sqlite3_str_appendchar(out, 1, '&');
    query_write_encode(out, relation->columns[position].name,
                       strlen(relation->columns[position].name));
    sqlite3_str_appendall(out, "=eq.");
    if (bytes != NULL) query_write_encode(out, bytes, length);
    sqlite3_free(bytes);
  }
  bool is_whole = sqlite3_str_errcode(out) == SQLITE_OK;
  char *location = sqlite3_str_finish(out);
  if (rc == LEDGER_OK && (!is_whole || location == NULL)) rc = query_write_memory(write);
  if (rc != LEDGER_OK) {
    sqlite3_free(location);
    return rc;
  }
  write->query.answer->location = location;
  return LEDGER_OK;
}

static int query_write_answer(struct query_write *write) {
  ledger_answer *answer = write->query.answer;
  int rc = LEDGER_OK;
  if (write->ask->returns == LEDGER_RETURN_ROWS) {
    ledger *db = write->query.db;
    int64_t deadline_us = db->deadline_us, own_us = clock_now_us() + QUERY_WRITE_ANSWER_US;
    /* Whoever else wants to write waits meanwhile, and embedded rows may be many. */
    if (deadline_us > own_us) db->deadline_us = own_us;
    rc = query_answer_rows(&write->query, write->count, write->rowids);
    db->deadline_us = deadline_us;
  }
  if (rc == LEDGER_OK && write->ask->returns == LEDGER_RETURN_KEYS &&
      write->ask->verb == LEDGER_VERB_INSERT)
    rc = query_write_location(write);
  answer->rows = write->count;
  answer->total = write->ask->count == LEDGER_COUNT_NONE ? -1 : write->count;
  answer->inserted = write->inserted;
  return rc;
}

/* ---- update and delete */

/* The rows that are meant. */
static int query_write_target(struct query_write *write, enum policy_verb verb) {
  struct query_statement statement;
  sqlite3_stmt *stmt;
  query_statement_start(&statement, &write->query);
  sqlite3_str_appendf(statement.sql, "SELECT main.\"%w\".rowid", write->relation->stored_name);
  int rc = query_statement_target(&statement, verb);
  if (rc == LEDGER_OK)
    rc = query_statement_make(&statement, &stmt);
  else
    sqlite3_free(sqlite3_str_finish(statement.sql));
  if (rc != LEDGER_OK) return rc;
  while (rc == LEDGER_OK && sqlite3_step(stmt) == SQLITE_ROW)
    rc = query_write_note(write, sqlite3_column_int64(stmt, 0));
  int sqlite_rc = sqlite3_reset(stmt);
  return rc == LEDGER_OK && sqlite_rc != SQLITE_OK ? store_error(write->db, sqlite_rc) : rc;
}

static int query_write_needs_filter(struct query_write *write, const char *verb) {
  if (write->query.root.where.first != NULL || write->ask->all_rows) return LEDGER_OK;
  return error_set(&write->db->error, LEDGER_CARDINALITY, "%s requires a WHERE clause", verb);
}

/* The request will be refused for the number of its rows; but a constraint that the write would break comes first: writes, then
** refuses. */
static int query_write_in_vain(struct query_write *write, int refusal,
                               int (*change)(struct query_write *write)) {
  char code[sizeof write->query.answer->code];
  ledger_error error = write->db->error;
  memcpy(code, write->query.answer->code, sizeof code);
  write->query.answer->code[0] = 0;
  error_clear(&write->db->error);
  int rc = query_write_mark(write);
  if (rc == LEDGER_OK) rc = change(write);
  if (rc != LEDGER_OK) return rc;
  memcpy(write->query.answer->code, code, sizeof code);
  write->db->error = error;
  return refusal;
}

static int query_write_change_rows(struct query_write *write) {
  if (write->change == NULL) return LEDGER_OK;
  int rc = write_update_rows(write->change, write->count, write->rowids);
  write->has_written = rc == LEDGER_OK;
  return rc;
}

static int query_write_delete_rows(struct query_write *write) {
  return write_delete_rows(write->db, write->relation, write->count, write->rowids);
}

/* A column that may only be set to its default is refused whether or not there are rows. */
static bool query_write_sets_fixed(const struct query_write *write) {
  bool sets = false;
  for (int i = 0; i < write->body.count; i++) {
    const struct column *column = &write->relation->columns[write->body.positions[i]];
    sets = sets || column->generated_sql != NULL || column->identity == 'a';
  }
  return sets;
}

/* The rows, what is to be set in them, and whether the policies let them become that. Where there is no row PostgreSQL does not
** read the values. */
static int query_write_prepare(struct query_write *write) {
  ledger *db = write->db;
  struct query_body *body = &write->body;
  const char *complaint;
  if (body->row_count == 0) return LEDGER_OK;
  int rc = query_write_target(write, POLICY_UPDATE);
  if (rc != LEDGER_OK || (write->count == 0 && !query_write_sets_fixed(write))) return rc;
  rc = query_body_next(body, write->values); /* of several rows the first counts */
  if (rc != LEDGER_ROW) return rc;
  rc = write_values(db, write->relation, body->count, body->positions, write->values);
  if (rc == LEDGER_OK)
    rc = write_update_start(db, write->relation, body->count, body->names, write->values,
                            &write->change);
  if (rc == LEDGER_OK)
    rc = policy_complaint(db, write->relation, POLICY_UPDATED, write->reads, &complaint);
  if (rc == LEDGER_OK && complaint != NULL && write->count > 0)
    rc = write_update_check(write->change, complaint, write->count, write->rowids);
  return rc;
}

static int query_write_update(struct query_write *write) {
  ledger *db = write->db;
  struct query_body *body = &write->body;
  int rc = query_body_open(body, &write->query, true);
  if (rc == LEDGER_OK && body->count > 0) rc = query_write_needs_filter(write, "UPDATE");
  if (rc == LEDGER_OK) /* PostgREST makes a SELECT of what sets no column */
    rc = body->count > 0 ? query_write_privileges(write, POLICY_UPDATE)
                         : policy_privilege(db, write->relation, POLICY_SELECT);
  if (rc != LEDGER_OK) return rc;
  write->values = arena_alloc(&db->arena, (size_t)body->count * sizeof *write->values);
  if (write->values == NULL) return query_write_memory(write);
  if (body->count > 0) rc = query_write_prepare(write);
  if (rc != LEDGER_OK) return rc;
  rc = query_write_count_error(write);
  if (rc != LEDGER_OK) return query_write_in_vain(write, rc, query_write_change_rows);
  rc = query_write_change_rows(write);
  return rc == LEDGER_OK ? query_write_answer(write) : rc;
}

static int query_write_delete(struct query_write *write) {
  int rc = query_write_needs_filter(write, "DELETE");
  if (rc == LEDGER_OK) rc = query_write_privileges(write, POLICY_DELETE);
  if (rc == LEDGER_OK) rc = query_write_target(write, POLICY_DELETE);
  if (rc != LEDGER_OK) return rc;
  rc = query_write_count_error(write);
  if (rc != LEDGER_OK) return query_write_in_vain(write, rc, query_write_delete_rows);
  rc = query_write_answer(write); /* of the rows as they were */
  return rc == LEDGER_OK ? query_write_delete_rows(write) : rc;
}

/* ---- insert */

/* The key that a PUT names: all columns of the primary key, and no others, by eq. */
static int query_write_put_key(struct query_write *write) {
  const struct relation *relation = write->relation;
  size_t bytes = (size_t)relation->column_count * sizeof *write->key_row;
  int count = 0;
  bool is_key = relation->primary != NULL;
  if (write->query.has_limit || write->query.has_offset)
    return query_refuse(&write->query, "PGRST114", LEDGER_BAD_QUERY,
                        "limit/offset querystring parameters are not allowed for PUT");
  write->key_row = arena_alloc(&write->db->arena, bytes);
  if (write->key_row == NULL) return query_write_memory(write);
  memset(write->key_row, 0, bytes);
  const struct query_condition *filter = write->query.root.where.first;
  for (; filter != NULL && is_key; filter = filter->next, count++) {
    is_key = filter->kind == QUERY_CONDITION && !filter->negated &&
             filter->quantifier == QUERY_ONE && strcmp(filter->operator->word, "eq") == 0 &&
             filter->field.step_count == 0 && filter->field.column >= 0 && filter->value_count == 1;
    bool is_part = false;
    for (int i = 0; is_key && i < relation->primary->count; i++)
      is_part = is_part || relation->primary->columns[i] == filter->field.column;
    is_key = is_key && is_part;
    if (is_key) write->key_row[filter->field.column] = filter->values[0];
  }
  for (int i = 0; is_key && i < relation->primary->count; i++)
    is_key = write->key_row[relation->primary->columns[i]].kind != VALUE_NULL;
  if (is_key && count >= relation->primary->count) return LEDGER_OK;
  return query_refuse(&write->query, "PGRST105", LEDGER_BAD_QUERY,
                      "Filters must include all and only primary key columns with 'eq' operators");
}

/* Has the body's row the key that the PUT names? */
static int query_write_is_put(struct query_write *write, bool *is_put) {
  const struct relation *relation = write->relation;
  *is_put = true;
  for (int i = 0; i < relation->primary->count; i++) {
    int position = relation->primary->columns[i], name = 0;
    struct value value = {.kind = VALUE_NULL};
    while (name < write->body.count && write->body.positions[name] != position) name++;
    if (name < write->body.count && write->values[name].kind != LEDGER_DEFAULT) {
      const struct type *type = &relation->columns[position].type;
      int rc =
          type_assign(type, &write->values[name], &write->db->arena, &value, &write->db->error);
      if (rc != LEDGER_OK) return rc;
    }
    *is_put =
        *is_put && value.kind != VALUE_NULL &&
        type_compare(&relation->columns[position].type, &value, &write->key_row[position]) == 0;
  }
  return LEDGER_OK;
}

/* Whether it is an upsert, on which key, and what it does to a row that is there. */
static int query_write_resolve(struct query_write *write) {
  const ledger_query *ask = write->ask;
  const struct query *query = &write->query;
  bool is_put = ask->verb == LEDGER_VERB_PUT;
  int count = is_put ? 0 : query->conflict_count;
  if (!is_put && ask->resolution == LEDGER_RESOLUTION_NONE) return LEDGER_OK;
  if (count == 0 && write->relation->primary == NULL) return LEDGER_OK;
  const char **names = arena_alloc(&write->db->arena, (size_t)count * sizeof *names);
  if (names == NULL) return query_write_memory(write);
  for (int i = 0; i < count; i++) {
    names[i] = arena_copy(&write->db->arena, query->conflict[i].text, query->conflict[i].length);
    if (names[i] == NULL) return query_write_memory(write);
  }
  write->merges = (is_put || ask->resolution == LEDGER_RESOLUTION_MERGE) && write->body.count > 0;
  write->reads = true; /* the columns of ON CONFLICT */
  return write_upsert_start(write->db, write->relation, write->body.count, write->body.positions,
                            count, names, &write->upsert);
}

static int query_write_complaints(struct query_write *write) {
  ledger *db = write->db;
  const struct relation *relation = write->relation;
  int rc = policy_complaint(db, relation, POLICY_INSERTED, write->reads, &write->complaint);
  if (rc == LEDGER_OK && write->merges)
    rc = policy_complaint(db, relation, POLICY_IN_CONFLICT, true, &write->of_old);
  if (rc == LEDGER_OK && write->merges)
    rc = policy_complaint(db, relation, POLICY_UPDATED, true, &write->of_new);
  return rc;
}

/* May the row that is there become what is proposed? */
static int query_write_meet(struct query_write *write, const struct value *row, int64_t met) {
  ledger *db = write->db;
  bool again;
  int rc = query_write_meets(write, met, &again);
  if (rc != LEDGER_OK) return rc;
  if (!again) return write_upsert_check(write->upsert, row, met, write->of_old, write->of_new);
  error_set(&db->error, LEDGER_CARDINALITY,
            "ON CONFLICT DO UPDATE command cannot affect row a second time");
  return error_hint(&db->error, "Ensure that no rows proposed for insertion within the same command"
                                " have duplicate constrained values.");
}

static int query_write_upsert(struct query_write *write, const struct value *row) {
  ledger *db = write->db;
  bool found = false, again;
  int64_t met = 0, written, rowid = 0;
  int rc = write_upsert_find(write->upsert, row, &found, &met);
  if (rc == LEDGER_OK && found && write->merges) rc = query_write_meet(write, row, met);
  if (rc == LEDGER_FORBIDDEN || rc == LEDGER_CARDINALITY) {
    /* The CHECK constraints of the proposed row come first: it does as little as DO NOTHING. */
    ledger_error error = db->error;
    int code = write_upsert_row(write->upsert, row, false, &written, &rowid);
    if (code != LEDGER_OK) return code;
    db->error = error;
  }
  if (rc == LEDGER_OK) rc = write_upsert_row(write->upsert, row, write->merges, &written, &rowid);
  if (rc != LEDGER_OK || written == 0) return rc;
  write->has_written = true;
  if (!found && write->merges) rc = query_write_meets(write, rowid, &again);
  write->inserted += !found;
  return rc == LEDGER_OK ? query_write_note(write, found ? met : rowid) : rc;
}

/* One row of the body: `checks` asks the policies, `writes` writes it. */
static int query_write_row(struct query_write *write, bool checks, bool writes) {
  ledger *db = write->db;
  struct query_body *body = &write->body;
  struct value *row;
  bool is_meant = true;
  int64_t rowid;
  int rc = query_body_next(body, write->values);
  if (rc != LEDGER_ROW) return rc;
  rc = LEDGER_OK;
  if (write->key_row != NULL) rc = query_write_is_put(write, &is_meant);
  if (rc != LEDGER_OK || !is_meant) return rc;
  rc = write_propose(db, write->relation, body->count, body->names, write->values, &row, NULL);
  if (rc == LEDGER_MEMORY) return rc;
  if (rc != LEDGER_OK) {
    /* Of several wrong values PostgreSQL tells of another one here than in VALUES. */
    ledger_error error = db->error;
    rc = write_values(db, write->relation, body->count, body->positions, write->values);
    write->is_unreadable = rc != LEDGER_OK;
    if (rc == LEDGER_OK) db->error = error;
    return db->error.code;
  }
  if (checks && write->complaint != NULL)
    rc = write_check(db, write->relation, write->complaint, row, &write->check);
  if (rc != LEDGER_OK || !writes) return rc;
  rc = write_nulls(db, write->relation, row);
  if (rc == LEDGER_OK && write->upsert != NULL) return query_write_upsert(write, row);
  if (rc == LEDGER_OK) rc = write_add(db, write->relation, row, &rowid);
  if (rc != LEDGER_OK) return rc;
  write->has_written = true;
  write->inserted++;
  return query_write_note(write, rowid);
}

/* All rows of the body, from the first. What a row needs is let go of behind it. */
static int query_write_rows(struct query_write *write, bool checks, bool writes) {
  ledger *db = write->db;
  int rc = LEDGER_OK;
  write->row.digits_max = db->arena.digits_max;
  query_body_rewind(&write->body);
  while (rc == LEDGER_OK) {
    struct arena kept = db->arena;
    db->arena = write->row;
    rc = query_write_row(write, checks, writes);
    write->row = db->arena;
    db->arena = kept;
    arena_reset(&write->row);
  }
  return rc == LEDGER_DONE ? LEDGER_OK : rc;
}

/* A row was refused: is there a value further on that cannot be read? PostgreSQL would have met it first. */
static int query_write_fault(struct query_write *write, int fault) {
  ledger *db = write->db;
  ledger_error error = db->error;
  int rc = LEDGER_OK;
  bool is_of_rows = !write->is_unreadable && fault != LEDGER_MEMORY && fault != LEDGER_IO &&
                    fault != LEDGER_FULL && fault != LEDGER_INTERRUPTED && fault != LEDGER_CORRUPT;
  if (!is_of_rows) return fault;
  while (rc == LEDGER_OK) {
    struct arena kept = db->arena;
    db->arena = write->row;
    rc = query_body_next(&write->body, write->values);
    if (rc == LEDGER_ROW)
      rc = write_values(db, write->relation, write->body.count, write->body.positions,
                        write->values);
    write->row = db->arena;
    db->arena = kept;
    arena_reset(&write->row);
  }
  if (rc != LEDGER_DONE) return rc;
  db->error = error;
  return fault;
}

/* Does the text read the table? */
static bool query_write_reads_itself(const struct query_write *write) {
  if (write->complaint == NULL || write->body.row_count < 2) return false;
  char *name = sqlite3_mprintf("main.\"%w\"", write->relation->stored_name);
  bool reads = name == NULL || strstr(write->complaint, name) != NULL;
  sqlite3_free(name);
  return reads;
}

/* A row may refer to one that comes behind it: PostgreSQL looks when the statement is done. */
static bool query_write_refers_to_itself(const struct query_write *write) {
  const struct relation *relation = write->relation;
  bool refers = false;
  for (int i = 0; i < relation->constraint_count && write->body.row_count > 1; i++)
    refers = refers || (relation->constraints[i]->kind == 'f' &&
                        relation->constraints[i]->reference == relation);
  return refers;
}

static bool query_write_owes(const struct query_write *write) {
  int owes = 0, highest;
  sqlite3_db_status(write->db->sqlite, SQLITE_DBSTATUS_DEFERRED_FKS, &owes, &highest, 0);
  return owes != 0;
}

static int query_write_defer(struct query_write *write, bool defers) {
  return statement_exec(write->db, defers ? "PRAGMA defer_foreign_keys = ON"
                                          : "PRAGMA defer_foreign_keys = OFF");
}

static int query_write_insert(struct query_write *write) {
  ledger *db = write->db;
  const ledger_query *ask = write->ask;
  bool is_put = ask->verb == LEDGER_VERB_PUT;
  int rc = is_put ? query_write_put_key(write) : LEDGER_OK;
  if (rc == LEDGER_OK) rc = query_body_open(&write->body, &write->query, !is_put);
  if (rc == LEDGER_OK) rc = query_write_resolve(write);
  if (rc == LEDGER_OK) rc = query_write_privileges(write, POLICY_INSERT);
  if (rc == LEDGER_OK) rc = query_write_complaints(write);
  if (rc != LEDGER_OK) return rc;
  write->values = arena_alloc(&db->arena, (size_t)write->body.count * sizeof *write->values);
  if (write->values == NULL) return query_write_memory(write);
  /* A later row may be refused, or all of them for their number. */
  if (is_put || write->body.row_count != 1 || ask->form == LEDGER_FORM_OBJECT)
    rc = query_write_mark(write);
  bool reads_itself = query_write_reads_itself(write);
  bool defers = query_write_refers_to_itself(write) && !query_write_owes(write);
  if (rc == LEDGER_OK && defers) rc = query_write_defer(write, true);
  if (rc == LEDGER_OK && reads_itself) rc = query_write_rows(write, true, false);
  if (rc == LEDGER_OK) rc = query_write_rows(write, !reads_itself, true);
  if (rc == LEDGER_OK && defers && query_write_owes(write)) rc = violation_deferred(db);
  if (rc != LEDGER_OK && write->body.row_count > 1) rc = query_write_fault(write, rc);
  if (defers) {
    ledger_error error = db->error;
    int end = query_write_defer(write, false);
    if (rc == LEDGER_OK) rc = end;
    if (rc != LEDGER_OK && end == LEDGER_OK) db->error = error;
  }
  if (rc == LEDGER_OK) rc = query_write_count_error(write);
  return rc == LEDGER_OK ? query_write_answer(write) : rc;
}

/* ---- all of them */

static int query_write_view(struct query_write *write) {
  static const char *const verbs[] = {[LEDGER_VERB_INSERT] = "insert into",
                                      [LEDGER_VERB_PUT] = "insert into",
                                      [LEDGER_VERB_UPDATE] = "update",
                                      [LEDGER_VERB_DELETE] = "delete from"};
  return error_set(&write->db->error, LEDGER_NOT_IN_PREREQUISITE, "cannot %s view \"%s\"",
                   verbs[write->ask->verb], write->relation->name);
}

static int query_write_run(struct query_write *write) {
  const ledger_query *ask = write->ask;
  int rc = query_open(&write->query, write->db, ask, write->query.answer);
  if (rc != LEDGER_OK) return rc;
  write->relation =
      (struct relation *)write->query.relation; /* the catalog's: it keeps the plan of inserts */
  if (write->relation->is_view) return query_write_view(write);
  rc = policy_act(write->db);
  if (rc != LEDGER_OK) return rc;
  if (!write->db->is_grouped || ask->rollback) rc = query_write_mark(write);
  if (rc != LEDGER_OK) return rc;
  write->reads = ask->returns != LEDGER_RETURN_MINIMAL;
  switch (ask->verb) {
  case LEDGER_VERB_UPDATE:
    write->reads = write->reads || write->query.root.where.first != NULL;
    return query_write_update(write);
  case LEDGER_VERB_DELETE:
    write->reads = write->reads || write->query.root.where.first != NULL;
    return query_write_delete(write);
  default: return query_write_insert(write);
  }
}

LEDGER_PRIVATE int query_write(ledger *db, const ledger_query *ask, ledger_answer *answer) {
  struct query_write write = {
      .query = {.answer = answer}, .db = db, .ask = ask, .is_nested = db->in_transaction};
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = query_write_run(&write);
  /* What is looked at when the transaction ends, also where it is undone then. */
  if (rc == LEDGER_OK && (ask->rollback || !write.is_nested) && query_write_owes(&write))
    rc = violation_deferred(db);
  if (rc != LEDGER_OK && write.relation != NULL) policy_discreet(db, write.relation);
  ledger_error error = db->error;
  query_close(&write.query);
  db->error = error;
  rc = query_write_end(&write, rc);
  arena_free(&write.lists);
  arena_free(&write.row);
  return rc;
}
