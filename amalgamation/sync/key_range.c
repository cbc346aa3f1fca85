/*
** key_range.c: identity and serial keys of a device come from a range that main gave to it alone, so that no two devices mint the
** same key. Range 0 is main's own, and that of a file that was never enrolled.
*/
#include "../internal.h"

/* Bits of a range's size; 0: the type has no ranges. */
static int key_range_bits(const struct column *column) {
  if (column->sequence == NULL || column->type.is_array || column->sequence->increment < 0)
    return 0;
  switch (column->type.id) {
  case TYPE_INT2: return 10;
  case TYPE_INT4: return 21;
  case TYPE_INT8: return 40;
  default: return 0;
  }
}

static int64_t key_range_most(const struct column *column) {
  return column->type.id == TYPE_INT2   ? INT16_MAX
         : column->type.id == TYPE_INT4 ? INT32_MAX
                                        : INT64_MAX;
}

/* The sequence goes on at the range's start, and not past its end. */
static int key_range_move(ledger *db, const struct relation *relation, const struct column *column,
                          int64_t range) {
  int bits = key_range_bits(column);
  int64_t most = key_range_most(column), size = (int64_t)1 << bits;
  if (range > (most - 1) >> bits)
    return error_set(&db->error, LEDGER_SEQUENCE_LIMIT,
                     "range %lld is past the keys that \"%s\".\"%s\" can have", (long long)range,
                     relation->name, column->name);
  int64_t first = range * size + 1;
  int64_t last = most - first < size - 1 ? most : first + size - 1;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_RANGE_SEQUENCE);
  for (int i = 0; i < 2; i++) {
    if (stmt == NULL) return db->error.code;
    sqlite3_bind_int64(stmt, 1, column->sequence->id);
    sqlite3_bind_int64(stmt, 2, first);
    if (i == 0) sqlite3_bind_int64(stmt, 3, last);
    sqlite3_step(stmt);
    int rc = sqlite3_reset(stmt);
    if (rc != SQLITE_OK) return store_error(db, rc);
    if (i == 0) stmt = statement_fixed(db, STATEMENT_RANGE_VALUE);
  }
  return LEDGER_OK;
}

/* Values that this process has taken are not written over what was just set; and every connection reads the bounds again: they go
** with the schema. */
static int key_range_announce(ledger *db) {
  for (int i = 0; i < db->catalog->sequence_count; i++) db->catalog->sequences[i].is_dirty = false;
  int rc = statement_run(db, STATEMENT_RANGE_TOUCH);
  return rc == LEDGER_OK ? statement_run(db, STATEMENT_RANGE_UNTOUCH) : rc;
}

LEDGER_PRIVATE int key_range_take(ledger *db, int64_t range) {
  int rc = LEDGER_OK;
  bool moved = false;
  for (int r = 0; r < db->catalog->relation_count && range > 0; r++) {
    const struct relation *relation = &db->catalog->relations[r];
    for (int c = 0; c < relation->column_count && rc == LEDGER_OK; c++) {
      if (key_range_bits(&relation->columns[c]) == 0) continue;
      rc = key_range_move(db, relation, &relation->columns[c], range);
      moved = true;
    }
  }
  return rc == LEDGER_OK && moved ? key_range_announce(db) : rc;
}

LEDGER_PRIVATE int key_range_is_used(ledger *db, bool *out) {
  int rc = LEDGER_OK;
  *out = false;
  for (int r = 0; r < db->catalog->relation_count && rc == LEDGER_OK; r++) {
    const struct relation *relation = &db->catalog->relations[r];
    for (int c = 0; c < relation->column_count && rc == LEDGER_OK && !*out; c++) {
      const struct column *column = &relation->columns[c];
      int bits = key_range_bits(column);
      if (bits == 0 || column->sequence->minimum > (int64_t)1 << bits) continue;
      sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_RANGE_USED);
      if (stmt == NULL) return db->error.code;
      sqlite3_bind_int64(stmt, 1, column->sequence->id);
      sqlite3_bind_int64(stmt, 2, relation->id);
      int step = statement_step(db, stmt);
      if (step == LEDGER_ROW)
        *out = sqlite3_column_int(stmt, 0) != 0;
      else
        rc = step;
      sqlite3_reset(stmt);
    }
  }
  return rc;
}
