/*
** function_choose.c: aggregates that give one of their values, or a bit of each: pg_single, pg_min and pg_max of types in
** which equal values may be spelled differently, bit_and() and its like.
*/
#include "../internal.h"

/* ---- pg_single(x): what a sub-select used as a value gives, of which more than one row is an error */

struct chooses_state {
  sqlite3_value *kept;
  struct type type; /* pg_min and pg_max: of the values */
  int64_t rows;
  int64_t bits;
};

static struct chooses_state *chooses_state_of(sqlite3_context *context) {
  struct chooses_state *state = sqlite3_aggregate_context(context, sizeof *state);
  if (state == NULL) sqlite3_result_error_nomem(context);
  return state;
}

static void chooses_keep(sqlite3_context *context, struct chooses_state *state,
                         sqlite3_value *value) {
  sqlite3_value_free(state->kept);
  state->kept = sqlite3_value_dup(value);
  if (state->kept == NULL) sqlite3_result_error_nomem(context);
}

static void chooses_single(sqlite3_context *context, int count, sqlite3_value **values) {
  struct chooses_state *state = chooses_state_of(context);
  (void)count;
  if (state == NULL) return;
  if (state->rows++ == 0) {
    chooses_keep(context, state, values[0]);
  } else {
    function_refuse(context, LEDGER_CARDINALITY,
                    "more than one row returned by a subquery used as an expression");
  }
}

static void chooses_final(sqlite3_context *context) {
  struct chooses_state *state = sqlite3_aggregate_context(context, 0);
  if (state == NULL || state->kept == NULL) return;
  sqlite3_result_value(context, state->kept);
  sqlite3_value_free(state->kept);
}

/* ---- pg_min(x, type), pg_max(x, type), of types whose stored form is text. Of equal values PostgreSQL shows the last
** that it met, SQLite's own min() and max() the first. */

static void chooses_extreme(sqlite3_context *context, sqlite3_value **values, int sign) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  struct chooses_state *state = chooses_state_of(context);
  if (state == NULL) return;
  if (state->kept == NULL) {
    if (function_type_named(context, values[1], &state->type))
      chooses_keep(context, state, values[0]);
    return;
  }
  struct value kept = function_text(state->kept), given = function_text(values[0]);
  if (sign * type_compare(&state->type, &given, &kept) >= 0)
    chooses_keep(context, state, values[0]);
}

static void chooses_min(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  chooses_extreme(context, values, -1);
}

static void chooses_max(sqlite3_context *context, int count, sqlite3_value **values) {
  (void)count;
  chooses_extreme(context, values, 1);
}

/* ---- bits of integers, whose width does not matter: the sign fills them */

static struct chooses_state *chooses_bits(sqlite3_context *context, sqlite3_value *value,
                                          int64_t *bits) {
  if (sqlite3_value_type(value) == SQLITE_NULL || !function_integer(context, value, bits))
    return NULL;
  struct chooses_state *state = chooses_state_of(context);
  if (state != NULL && state->rows++ == 0) {
    state->bits = *bits;
    return NULL;
  }
  return state;
}

static void chooses_bit_and(sqlite3_context *context, int count, sqlite3_value **values) {
  int64_t bits;
  struct chooses_state *state = chooses_bits(context, values[0], &bits);
  (void)count;
  if (state != NULL) state->bits &= bits;
}

static void chooses_bit_or(sqlite3_context *context, int count, sqlite3_value **values) {
  int64_t bits;
  struct chooses_state *state = chooses_bits(context, values[0], &bits);
  (void)count;
  if (state != NULL) state->bits |= bits;
}

static void chooses_bit_xor(sqlite3_context *context, int count, sqlite3_value **values) {
  int64_t bits;
  struct chooses_state *state = chooses_bits(context, values[0], &bits);
  (void)count;
  if (state != NULL) state->bits ^= bits;
}

static void chooses_final_bits(sqlite3_context *context) {
  struct chooses_state *state = sqlite3_aggregate_context(context, 0);
  if (state != NULL && state->rows > 0) sqlite3_result_int64(context, state->bits);
}

/* ---- the table */

static const struct function_row chooses_rows[] = {
    {"pg_single", 1, FUNCTION_AGGREGATE, chooses_single, chooses_final},
    {"pg_min", 2, FUNCTION_AGGREGATE, chooses_min, chooses_final}, /* x, type */
    {"pg_max", 2, FUNCTION_AGGREGATE, chooses_max, chooses_final}, /* x, type */
    {"pg_bit_and", 1, FUNCTION_AGGREGATE, chooses_bit_and, chooses_final_bits},
    {"pg_bit_or", 1, FUNCTION_AGGREGATE, chooses_bit_or, chooses_final_bits},
    {"pg_bit_xor", 1, FUNCTION_AGGREGATE, chooses_bit_xor, chooses_final_bits},
};

LEDGER_PRIVATE int function_choose_register(sqlite3 *db, struct function_session *session) {
  return function_register(db, session, chooses_rows, sizeof chooses_rows / sizeof chooses_rows[0]);
}
