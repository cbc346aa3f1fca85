/*
** operators: PostgreSQL's rules for choosing among overloaded operators and functions, for casts between types, and for
** the common type of several values. The rows are in operators_*.c.
*/
#include "operators.h"

#include <string.h>

/* pg_type.typcategory and typispreferred, by enum sqltype_id. */
static const struct {
  char category;
  bool preferred;
} operators_types[CODE_COUNT] = {[SQL_UNKNOWN] = {'X', false},
                                 [SQL_BOOLEAN] = {'B', true},
                                 [SQL_INT2] = {'N', false},
                                 [SQL_INT4] = {'N', false},
                                 [SQL_INT8] = {'N', false},
                                 [SQL_FLOAT4] = {'N', false},
                                 [SQL_FLOAT8] = {'N', true},
                                 [SQL_NUMERIC] = {'N', false},
                                 [SQL_TEXT] = {'S', true},
                                 [SQL_VARCHAR] = {'S', false},
                                 [SQL_BPCHAR] = {'S', false},
                                 [SQL_NAME] = {'S', false},
                                 [SQL_CITEXT] = {'S', false},
                                 [SQL_XML] = {'U', false},
                                 [SQL_UUID] = {'U', false},
                                 [SQL_DATE] = {'D', false},
                                 [SQL_TIME] = {'D', false},
                                 [SQL_TIMESTAMP] = {'D', false},
                                 [SQL_TIMESTAMPTZ] = {'D', true},
                                 [SQL_INTERVAL] = {'T', true},
                                 [SQL_JSON] = {'U', false},
                                 [SQL_JSONB] = {'U', false},
                                 [SQL_INET] = {'I', true},
                                 [SQL_CIDR] = {'I', false},
                                 [SQL_BYTEA] = {'U', false},
                                 [SQL_ENUM] = {'E', false},
                                 [SQL_RECORD] = {'P', false},
                                 [SQL_TRIGGER] = {'P', false},
                                 [SQL_VOID] = {'P', false},
                                 [SQL_REGCLASS] = {'N', false},
                                 [CODE_NONE] = {'X', false},
                                 [CODE_OID] = {'N', true},
                                 [CODE_TIMETZ] = {'D', false},
                                 [CODE_ANY] = {'P', false},
                                 [CODE_ANYELEMENT] = {'P', false},
                                 [CODE_ANYARRAY] = {'P', false},
                                 [CODE_ANYNONARRAY] = {'P', false},
                                 [CODE_ANYENUM] = {'P', false},
                                 [CODE_ANYCOMPATIBLE] = {'P', false},
                                 [CODE_ANYCOMPATIBLEARRAY] = {'P', false},
                                 [CODE_ANYCOMPATIBLENONARRAY] = {'P', false}};

char operators_category(type_code code) {
  return IS_ARRAY_CODE(code) ? 'A' : operators_types[code].category;
}

bool operators_is_preferred(type_code code) {
  return !IS_ARRAY_CODE(code) && operators_types[code].preferred;
}

type_code operators_code(const struct sqltype *type) {
  return type->is_array ? ARRAY_OF((type_code)type->id) : (type_code)type->id;
}

struct sqltype operators_type(type_code code) {
  return (struct sqltype){
      .id = (enum sqltype_id)ELEMENT_OF(code), .is_array = IS_ARRAY_CODE(code), .length = -1};
}

/* ---- casts */

static const struct pg_cast_row *cast_find(type_code from, type_code to) {
  for (int i = 0; i < pg_cast_row_count; i++) {
    if (pg_cast_rows[i].from == from && pg_cast_rows[i].to == to) return &pg_cast_rows[i];
  }
  return NULL;
}

static bool cast_allowed(char granted, char context) {
  return granted == 'i' || granted == context || context == 'e';
}

enum cast_path operators_cast(type_code from, type_code to, char context,
                              const struct pg_cast_row **row) {
  *row = NULL;
  if (from == to) return CAST_RELABEL;
  if (from == SQL_UNKNOWN) return CAST_INPUT;
  const struct pg_cast_row *found = cast_find(from, to);
  if (found != NULL) {
    if (!cast_allowed(found->context, context)) return CAST_NONE;
    *row = found;
    return found->method == 'b' ? CAST_RELABEL : found->method == 'f' ? CAST_FUNCTION : CAST_INPUT;
  }
  if (IS_ARRAY_CODE(from) && IS_ARRAY_CODE(to)) {
    enum cast_path element = operators_cast(ELEMENT_OF(from), ELEMENT_OF(to), context, row);
    return element == CAST_NONE ? CAST_NONE : element == CAST_RELABEL ? CAST_RELABEL : CAST_ARRAY;
  }
  /* Any type becomes a string through its output function, a string any type through its input function. */
  if (from == SQL_RECORD || to == SQL_RECORD || ELEMENT_OF(to) >= CODE_NONE) return CAST_NONE;
  if (context != 'i' && operators_category(to) == 'S') return CAST_OUTPUT;
  if (context == 'e' && operators_category(from) == 'S') return CAST_INPUT;
  return CAST_NONE;
}

static bool is_polymorphic(type_code code) {
  return !IS_ARRAY_CODE(code) && code >= CODE_ANY;
}

static bool can_coerce(type_code given, type_code declared) {
  const struct pg_cast_row *row;
  switch (declared) {
  case CODE_ANY:
  case CODE_ANYELEMENT:
  case CODE_ANYCOMPATIBLE: return true;
  case CODE_ANYARRAY:
  case CODE_ANYCOMPATIBLEARRAY: return IS_ARRAY_CODE(given) || given == SQL_UNKNOWN;
  case CODE_ANYNONARRAY:
  case CODE_ANYCOMPATIBLENONARRAY: return !IS_ARRAY_CODE(given);
  case CODE_ANYENUM: return given == SQL_ENUM || given == SQL_UNKNOWN;
  default: return operators_cast(given, declared, 'i', &row) != CAST_NONE;
  }
}

/* ---- common and polymorphic types */

bool operators_common(int count, const type_code *given, type_code *out) {
  int first = 0;
  const struct pg_cast_row *row;
  while (first < count && given[first] == SQL_UNKNOWN) first++;
  if (first == count) {
    *out = SQL_TEXT;
    return true;
  }
  type_code best = given[first];
  for (int i = first + 1; i < count; i++) {
    type_code next = given[i];
    if (next == SQL_UNKNOWN || next == best) continue;
    if (operators_category(next) != operators_category(best)) return false;
    if (!operators_is_preferred(best) && operators_cast(best, next, 'i', &row) != CAST_NONE &&
        operators_cast(next, best, 'i', &row) == CAST_NONE) {
      best = next;
    }
  }
  *out = best;
  return true;
}

static bool resolve_family(type_code declared, bool *is_compatible) {
  *is_compatible = declared == CODE_ANYCOMPATIBLE || declared == CODE_ANYCOMPATIBLEARRAY ||
                   declared == CODE_ANYCOMPATIBLENONARRAY;
  return is_polymorphic(declared) && declared != CODE_ANY;
}

/* The element type of the anyelement family: all that is given must agree. */
static bool resolve_element(int count, const type_code *given, const type_code *declared,
                            type_code *out) {
  type_code element = SQL_UNKNOWN;
  bool is_compatible;
  for (int i = 0; i < count; i++) {
    if (!resolve_family(declared[i], &is_compatible) || is_compatible || given[i] == SQL_UNKNOWN)
      continue;
    type_code mine = given[i];
    if (declared[i] == CODE_ANYARRAY) {
      if (!IS_ARRAY_CODE(mine)) return false;
      mine = ELEMENT_OF(mine);
    }
    if (element != SQL_UNKNOWN && element != mine) return false;
    element = mine;
  }
  *out = element;
  return true;
}

static bool resolve_compatible(int count, const type_code *given, const type_code *declared,
                               type_code *out) {
  type_code items[64] = {0};
  int items_count = 0;
  bool is_compatible;
  for (int i = 0; i < count && items_count < 64; i++) {
    if (!resolve_family(declared[i], &is_compatible) || !is_compatible) continue;
    if (given[i] == SQL_UNKNOWN) continue;
    if (declared[i] == CODE_ANYCOMPATIBLEARRAY) {
      if (!IS_ARRAY_CODE(given[i])) return false;
      items[items_count++] = ELEMENT_OF(given[i]);
    } else {
      items[items_count++] = given[i];
    }
  }
  if (!operators_common(items_count, items, out)) return false;
  for (int i = 0; i < items_count; i++) {
    if (!can_coerce(items[i], *out)) return false;
  }
  return true;
}

bool operators_is_indeterminate(int count, const type_code *given, const type_code *declared) {
  bool has_any = false, is_compatible;
  for (int i = 0; i < count; i++) {
    if (!resolve_family(declared[i], &is_compatible) || is_compatible) continue;
    if (given[i] != SQL_UNKNOWN) return false;
    has_any = true;
  }
  return has_any;
}

bool operators_resolve(int count, const type_code *given, type_code *declared, type_code *result) {
  type_code element, compatible;
  bool is_compatible;
  if (!resolve_element(count, given, declared, &element) ||
      !resolve_compatible(count, given, declared, &compatible)) {
    return false;
  }
  for (int i = 0; i <= count; i++) {
    type_code *code = i < count ? &declared[i] : result;
    if (!resolve_family(*code, &is_compatible)) continue;
    type_code base = is_compatible ? compatible : element;
    if (base == SQL_UNKNOWN) base = SQL_TEXT;
    bool is_array = *code == CODE_ANYARRAY || *code == CODE_ANYCOMPATIBLEARRAY;
    if (is_array && IS_ARRAY_CODE(base)) return false;
    *code = is_array ? (type_code)ARRAY_OF(base) : base;
  }
  return true;
}

static bool fits(int count, const type_code *given, const type_code *declared) {
  type_code element;
  for (int i = 0; i < count; i++) {
    if (!can_coerce(given[i], declared[i])) return false;
  }
  return resolve_element(count, given, declared, &element) &&
         resolve_compatible(count, given, declared, &element);
}

/* ---- the choice (PostgreSQL's documentation, chapter "Type Conversion") */

#define CANDIDATES_MAX 128
#define GIVEN_MAX 100

struct candidate {
  const void *row;
  type_code declared[GIVEN_MAX];
};

/* How many arguments match: exactly, or (with preferred) also by being a preferred type of the given one's category. */
static int candidate_score(const struct candidate *candidate, int count, const type_code *given,
                           bool preferred) {
  int score = 0;
  for (int i = 0; i < count; i++) {
    if (given[i] == SQL_UNKNOWN) continue;
    if (candidate->declared[i] == given[i]) {
      score++;
    } else if (preferred && operators_is_preferred(candidate->declared[i]) &&
               operators_category(candidate->declared[i]) == operators_category(given[i])) {
      score++;
    }
  }
  return score;
}

static int candidates_keep_best(struct candidate *list, int count, int arguments,
                                const type_code *given, bool preferred) {
  int best = 0, kept = 0;
  for (int i = 0; i < count; i++) {
    int score = candidate_score(&list[i], arguments, given, preferred);
    if (score > best) {
      best = score;
      kept = 0;
    }
    if (score == best) list[kept++] = list[i];
  }
  return kept;
}

/* The category that unknown literals at `slot` should have. false: the candidates disagree. */
static bool slot_category(const struct candidate *list, int count, int slot, char *category,
                          bool *has_preferred) {
  bool conflict = false;
  for (int i = 0; i < count; i++) {
    char mine = operators_category(list[i].declared[slot]);
    bool preferred = operators_is_preferred(list[i].declared[slot]);
    if (i == 0) {
      *category = mine;
      *has_preferred = preferred;
    } else if (mine == *category) {
      *has_preferred = *has_preferred || preferred;
    } else if (mine == 'S') {
      *category = 'S';
      *has_preferred = preferred;
    } else {
      conflict = true;
    }
  }
  return !conflict || *category == 'S';
}

static int candidates_by_category(struct candidate *list, int count, int arguments,
                                  const type_code *given) {
  char category[GIVEN_MAX];
  bool has_preferred[GIVEN_MAX];
  for (int i = 0; i < arguments; i++) {
    if (given[i] == SQL_UNKNOWN && !slot_category(list, count, i, &category[i], &has_preferred[i]))
      return count;
  }
  bool keep[CANDIDATES_MAX];
  int kept = 0;
  for (int k = 0; k < count; k++) {
    keep[k] = true;
    for (int i = 0; i < arguments; i++) {
      if (given[i] != SQL_UNKNOWN) continue;
      type_code declared = list[k].declared[i];
      if (operators_category(declared) != category[i] ||
          (has_preferred[i] && !operators_is_preferred(declared))) {
        keep[k] = false;
      }
    }
    kept += keep[k];
  }
  if (kept == 0) return count;
  kept = 0;
  for (int k = 0; k < count; k++) {
    if (keep[k]) list[kept++] = list[k];
  }
  return kept;
}

/* The last resort: unknown literals are taken for the one type that all the others have. */
static int candidates_by_known_type(struct candidate *list, int count, int arguments,
                                    const type_code *given) {
  type_code assumed[GIVEN_MAX], known = SQL_UNKNOWN;
  for (int i = 0; i < arguments; i++) {
    if (given[i] == SQL_UNKNOWN) continue;
    if (known != SQL_UNKNOWN && known != given[i]) return count;
    known = given[i];
  }
  if (known == SQL_UNKNOWN) return count;
  for (int i = 0; i < arguments; i++) assumed[i] = known;
  int found = -1;
  for (int k = 0; k < count; k++) {
    if (!fits(arguments, assumed, list[k].declared)) continue;
    if (found >= 0) return count;
    found = k;
  }
  if (found < 0) return count;
  list[0] = list[found];
  return 1;
}

static enum overload candidates_choose(struct candidate *list, int count, int arguments,
                                       const type_code *given) {
  if (count == 0) return OVERLOAD_NONE;
  bool has_unknown = memchr(given, SQL_UNKNOWN, (size_t)arguments) != NULL;
  if (count > 1) count = candidates_keep_best(list, count, arguments, given, false);
  if (count > 1) count = candidates_keep_best(list, count, arguments, given, true);
  if (count > 1 && has_unknown) count = candidates_by_category(list, count, arguments, given);
  if (count > 1 && has_unknown) count = candidates_by_known_type(list, count, arguments, given);
  return count == 1 ? OVERLOAD_ONE : OVERLOAD_MANY;
}

/* ---- operators */

bool operators_has_operator(const char *name) {
  for (int i = 0; i < pg_operator_row_count; i++) {
    if (strcmp(pg_operator_rows[i].name, name) == 0) return true;
  }
  return false;
}

static const struct pg_operator_row *operator_exact(const char *name, type_code left,
                                                    type_code right) {
  for (int i = 0; i < pg_operator_row_count; i++) {
    const struct pg_operator_row *row = &pg_operator_rows[i];
    if (row->left == left && row->right == right && strcmp(row->name, name) == 0) return row;
  }
  return NULL;
}

enum overload operators_find(const char *name, type_code left, type_code right,
                             const struct pg_operator_row **out) {
  struct candidate list[CANDIDATES_MAX];
  bool is_prefix = left == CODE_NONE;
  type_code given[2] = {is_prefix ? right : left, right};
  /* An unknown literal beside a known type is taken for that type, if such an operator exists. */
  type_code same_left = !is_prefix && left == SQL_UNKNOWN ? right : left;
  type_code same_right = !is_prefix && right == SQL_UNKNOWN ? left : right;
  *out = operator_exact(name, same_left, same_right);
  if (*out != NULL && (left != SQL_UNKNOWN || right != SQL_UNKNOWN)) return OVERLOAD_ONE;
  int count = 0, arguments = is_prefix ? 1 : 2;
  for (int i = 0; i < pg_operator_row_count && count < CANDIDATES_MAX; i++) {
    const struct pg_operator_row *row = &pg_operator_rows[i];
    if ((row->left == CODE_NONE) != is_prefix || strcmp(row->name, name) != 0) continue;
    type_code declared[2] = {is_prefix ? row->right : row->left, row->right};
    if (!fits(arguments, given, declared)) continue;
    list[count].row = row;
    memcpy(list[count++].declared, declared, sizeof declared);
  }
  enum overload choice = candidates_choose(list, count, arguments, given);
  if (choice == OVERLOAD_ONE) *out = list[0].row;
  return choice;
}

/* ---- functions and aggregates */

bool operators_has_function(const char *name) {
  for (int i = 0; i < pg_function_row_count; i++) {
    if (strcmp(pg_function_rows[i].name, name) == 0) return true;
  }
  return false;
}

bool operators_has_aggregate(const char *name) {
  for (int i = 0; i < pg_aggregate_row_count; i++) {
    if (strcmp(pg_aggregate_rows[i].name, name) == 0) return true;
  }
  return false;
}

static bool function_declared(const struct pg_function_row *row, int count, type_code *declared) {
  if (row->variadic ? count < row->count : count < row->count - row->defaults || count > row->count)
    return false;
  if (count > GIVEN_MAX) return false;
  for (int i = 0; i < count; i++) {
    if (row->variadic && i >= row->count - 1) {
      type_code last = row->arguments[row->count - 1];
      declared[i] = IS_ARRAY_CODE(last) ? ELEMENT_OF(last) : last;
    } else {
      declared[i] = row->arguments[i];
    }
  }
  return true;
}

enum overload operators_find_function(const char *name, int count, const type_code *given,
                                      const struct pg_function_row **out, type_code *arguments) {
  struct candidate list[CANDIDATES_MAX];
  int found = 0;
  if (count > GIVEN_MAX) return OVERLOAD_NONE;
  for (int i = 0; i < pg_function_row_count && found < CANDIDATES_MAX; i++) {
    const struct pg_function_row *row = &pg_function_rows[i];
    if (strcmp(row->name, name) != 0 || !function_declared(row, count, list[found].declared))
      continue;
    if (!fits(count, given, list[found].declared)) continue;
    list[found].row = row;
    if (memcmp(list[found].declared, given, (size_t)count) == 0) { /* exact: no other counts */
      list[0] = list[found];
      found = 1;
      break;
    }
    found++;
  }
  enum overload choice = candidates_choose(list, found, count, given);
  if (choice != OVERLOAD_ONE) return choice;
  *out = list[0].row;
  memcpy(arguments, list[0].declared, (size_t)count);
  return OVERLOAD_ONE;
}

enum overload operators_find_aggregate(const char *name, int count, const type_code *given,
                                       const struct pg_aggregate_row **out) {
  struct candidate list[CANDIDATES_MAX];
  int found = 0;
  for (int i = 0; i < pg_aggregate_row_count && found < CANDIDATES_MAX; i++) {
    const struct pg_aggregate_row *row = &pg_aggregate_rows[i];
    if (strcmp(row->name, name) != 0 || row->count != count || !fits(count, given, row->arguments))
      continue;
    list[found].row = row;
    memcpy(list[found].declared, row->arguments, sizeof row->arguments);
    if (memcmp(list[found].declared, given, (size_t)count) == 0) {
      list[0] = list[found];
      found = 1;
      break;
    }
    found++;
  }
  enum overload choice = candidates_choose(list, found, count, given);
  if (choice == OVERLOAD_ONE) *out = list[0].row;
  return choice;
}
