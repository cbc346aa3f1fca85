/*
** policy_rule.c: row-level security of the caller's role, as SQL for the query builder.
**
** The catalog has each policy as a SQLite condition in which every table that it reads as the caller is marked: ledger_rls."users".
** No schema has that name, so that a text which nobody expanded cannot run. Here a mark becomes main."users", or, where the
** policies of the caller's role leave out rows, (SELECT * FROM main."users" WHERE ...).
**
**   rule     what the policies of one role come to for one relation, verb and part (USING or WITH CHECK): clauses, all of
**            which have to hold. The first one is of the permissive policies; each restrictive one is a clause of its own.
**   clause   terms, one of which has to hold; none: no row.
**   term     a policy's condition, or one side of the ORs that it consists of; pieces of text with marks between them.
**
** A term that no column of the row takes part in ("the caller is an administrator") is one value for a whole statement. It is
** asked for once in a call, before the statement is built: left within an OR it would keep SQLite from using the index of the
** other terms. That a term is such a one is found out by preparing it without its table. What a rule comes to depends on
** these values alone; its text is kept for each combination of them that was met.
**
** Rules live in the catalog's arena and are thrown away with it.
*/
#include "../internal.h"

#include "policy.h"

#define POLICY_SPLIT_MAX 64 /* terms of one OR */
#define POLICY_KEPT_MAX 4   /* texts that are kept of a rule or a term */
#define POLICY_ALONE_MAX 31 /* terms that choose a text, two bits each; of more none is kept */
#define POLICY_MARK "ledger_rls.\""

enum policy_value {
  POLICY_FALSE,
  POLICY_TRUE,
  POLICY_OF_ROW, /* differs from row to row: stays in the text */
};
enum policy_kind { TERM_NEW, TERM_CONSTANT, TERM_ALONE, TERM_OF_ROW };

struct policy_text { /* what a text was for these values of the terms that choose it */
  uint64_t values;
  const char *sql;
};

struct policy_chosen { /* texts by the values of `alone` */
  bool is_made;
  int alone_count; /* POLICY_ALONE_MAX + 1: too many */
  struct policy_term **alone;
  int text_count;
  struct policy_text texts[POLICY_KEPT_MAX];
};

struct policy_piece { /* a stretch of text and the mark behind it */
  const char *text;
  int length;
  const struct relation *relation; /* NULL: the end */
};

struct policy_term {
  const char *source;
  struct policy_term *next; /* of the role's, so that one text is one term */
  int piece_count;
  struct policy_piece *pieces;
  enum policy_kind kind;
  bool is_active;   /* its text is being made */
  int64_t asked_in; /* the call whose value it has */
  enum policy_value value;
  struct policy_chosen chosen;
};

struct policy_clause {
  const char *name; /* of a restrictive policy; NULL: of all permissive ones */
  int term_count;
  struct policy_term **terms;
};

struct policy_rule {
  bool is_active; /* its text is being made */
  int clause_count;
  struct policy_clause *clauses;
  struct policy_chosen chosen;
};

/* ---- terms */

/* The end of what begins at `text`: a literal, a quoted name, or one character. */
static const char *policy_skip(const char *text) {
  if (*text != '\'' && *text != '"') return text + 1;
  char quote = *text++;
  while (*text != 0) {
    if (*text++ != quote) continue;
    if (*text != quote) return text;
    text++;
  }
  return text;
}

static bool policy_is_word(const char *start, const char *at, const char *word) {
  size_t length = strlen(word);
  bool begins = at == start || (!text_is_alphanumeric((unsigned char)at[-1]) && at[-1] != '_');
  return begins && strncmp(at, word, length) == 0 &&
         !text_is_alphanumeric((unsigned char)at[length]) && at[length] != '_';
}

/* Does the parenthesis at `text` close at its end? Then what is inside can be looked at. */
static bool policy_is_enclosed(const char *text, size_t length) {
  int depth = 0;
  if (length < 2 || text[0] != '(' || text[length - 1] != ')') return false;
  for (const char *at = text; at < text + length; at = policy_skip(at)) {
    depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
    if (depth == 0) return at == text + length - 1;
  }
  return false;
}

/* The sides of the OR that a condition is: OR binds less than anything, so that one outside of all parentheses and of CASE ... END
** is the condition's own. Returns how many, from 1 on. */
static int policy_split(const char *text, const char **starts, size_t *lengths) {
  size_t length = strlen(text);
  int depth = 0, count = 0;
  while (policy_is_enclosed(text, length)) {
    text++;
    length -= 2;
  }
  const char *start = text;
  for (const char *at = text; at < text + length; at = policy_skip(at)) {
    if (*at == '(' || policy_is_word(text, at, "CASE")) depth++;
    if (*at == ')' || policy_is_word(text, at, "END")) depth--;
    if (depth > 0 || count == POLICY_SPLIT_MAX - 1 || !policy_is_word(text, at, "OR")) continue;
    starts[count] = start;
    lengths[count++] = (size_t)(at - start);
    start = at + 2;
  }
  starts[count] = start;
  lengths[count] = (size_t)(text + length - start);
  return count + 1;
}

/* Cuts a text at its marks. */
static int policy_cut(ledger *db, struct policy_term *term) {
  int marks = 0;
  for (const char *at = term->source; *at != 0; at = policy_skip(at))
    marks += strncmp(at, POLICY_MARK, strlen(POLICY_MARK)) == 0;
  term->pieces = policy_alloc(db, (size_t)marks + 1, sizeof *term->pieces);
  if (term->pieces == NULL) return LEDGER_MEMORY;
  const char *start = term->source, *at = start;
  while (*at != 0) {
    if (strncmp(at, POLICY_MARK, strlen(POLICY_MARK)) != 0) {
      at = policy_skip(at);
      continue;
    }
    const char *name = at + strlen(POLICY_MARK), *end = policy_skip(name - 1);
    struct policy_piece *piece = &term->pieces[term->piece_count++];
    piece->text = start;
    piece->length = (int)(at - start);
    /* No name has a quote in it. */
    piece->relation = catalog_stored(db->catalog, name, (size_t)(end - 1 - name));
    if (piece->relation == NULL) {
      error_set(&db->error, LEDGER_CORRUPT, "file \"%s\" is damaged",
                db->path == NULL ? ":memory:" : db->path);
      return error_detail(&db->error, "A policy reads a table that its catalog does not describe.");
    }
    start = at = end;
  }
  term->pieces[term->piece_count++] =
      (struct policy_piece){.text = start, .length = (int)(at - start)};
  return LEDGER_OK;
}

/* Calls something that gives another value each time? Then it is asked for each row. */
static bool policy_is_volatile(const char *text) {
  static const char *const names[] = {"random", "pg_uuid", "pg_nextval", "pg_clock_timestamp"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strstr(text, names[i]) != NULL) return true;
  }
  return false;
}

/* The role's term of a text; a new one the first time. */
static int policy_term(ledger *db, struct policy_role *role, const char *text, size_t length,
                       struct policy_term **out) {
  struct policy_term *term = role->terms;
  while (term != NULL && (strncmp(term->source, text, length) != 0 || term->source[length] != 0))
    term = term->next;
  *out = term;
  if (term != NULL) return LEDGER_OK;
  term = policy_alloc(db, 1, sizeof *term);
  if (term == NULL) return LEDGER_MEMORY;
  term->source = arena_copy(&db->catalog->arena, text, length);
  if (term->source == NULL) return error_memory(&db->error);
  int rc = policy_cut(db, term);
  if (rc != LEDGER_OK) return rc;
  if (strcmp(term->source, "1") == 0 || strcmp(term->source, "0") == 0) {
    term->kind = TERM_CONSTANT;
    term->value = term->source[0] == '1' ? POLICY_TRUE : POLICY_FALSE;
  } else if (policy_is_volatile(term->source)) {
    term->kind = TERM_OF_ROW;
  }
  term->next = role->terms;
  role->terms = term;
  *out = term;
  return LEDGER_OK;
}

/* ---- rules */

static bool policy_applies(const struct policy *policy, const struct policy_role *role,
                           enum policy_verb verb) {
  static const char letters[] = {'s', 'i', 'u', 'd'};
  if (policy->command != 'a' && policy->command != letters[verb]) return false;
  for (int i = 0; i < policy->role_count; i++) {
    if (strcmp(policy->roles[i], "public") == 0 || strcmp(policy->roles[i], role->name) == 0)
      return true;
  }
  return false;
}

/* The policy's condition for the part; a policy without WITH CHECK checks what USING says. */
static const char *policy_condition(const struct policy *policy, enum policy_part part) {
  return part == POLICY_CHECK && policy->check_sql != NULL ? policy->check_sql : policy->using_sql;
}

static int policy_add_terms(ledger *db, struct policy_role *role, struct policy_clause *clause,
                            const char *condition, int *room) {
  const char *starts[POLICY_SPLIT_MAX];
  size_t lengths[POLICY_SPLIT_MAX];
  int count = policy_split(condition, starts, lengths);
  if (clause->term_count + count > *room) {
    int wanted = (clause->term_count + count) * 2;
    struct policy_term **grown = policy_alloc(db, (size_t)wanted, sizeof *grown);
    if (grown == NULL) return LEDGER_MEMORY;
    if (clause->term_count > 0)
      memcpy(grown, clause->terms, (size_t)clause->term_count * sizeof *grown);
    clause->terms = grown;
    *room = wanted;
  }
  for (int i = 0; i < count; i++) {
    int rc = policy_term(db, role, starts[i], lengths[i], &clause->terms[clause->term_count]);
    if (rc != LEDGER_OK) return rc;
    clause->term_count++;
  }
  return LEDGER_OK;
}

/* As PostgreSQL combines them: without a permissive policy that has the condition there is no row, whatever others say. */
static int policy_rule_fill(ledger *db, struct policy_role *role, const struct relation *relation,
                            enum policy_verb verb, enum policy_part part,
                            struct policy_rule *rule) {
  int room = 0, rc = LEDGER_OK;
  rule->clauses = policy_alloc(db, (size_t)relation->policy_count + 1, sizeof *rule->clauses);
  if (rule->clauses == NULL) return LEDGER_MEMORY;
  rule->clause_count = 1;
  for (int i = 0; i < relation->policy_count && rc == LEDGER_OK; i++) {
    const struct policy *policy = &relation->policies[i];
    const char *condition = policy_condition(policy, part);
    if (condition == NULL || !policy_applies(policy, role, verb)) continue;
    if (policy->is_permissive) {
      rc = policy_add_terms(db, role, &rule->clauses[0], condition, &room);
    } else {
      int own_room = 0;
      struct policy_clause *clause = &rule->clauses[rule->clause_count++];
      clause->name = policy->name;
      rc = policy_add_terms(db, role, clause, condition, &own_room);
    }
  }
  if (rule->clauses[0].term_count == 0) rule->clause_count = 1;
  return rc;
}

/* NULL in *out: the policies leave out nothing. */
static int policy_rule(ledger *db, struct policy_role *role, const struct relation *relation,
                       enum policy_verb verb, enum policy_part part, struct policy_rule **out) {
  *out = NULL;
  if (role == NULL || role->bypasses || relation->is_view || relation->row_security == 0)
    return LEDGER_OK;
  size_t at = (size_t)(relation - db->catalog->relations);
  struct policy_rule **kept =
      &role->rules[(at * POLICY_VERBS + (size_t)verb) * POLICY_PARTS + (size_t)part];
  if (*kept == NULL) {
    struct policy_rule *rule = policy_alloc(db, 1, sizeof *rule);
    if (rule == NULL) return LEDGER_MEMORY;
    int rc = policy_rule_fill(db, role, relation, verb, part, rule);
    if (rc != LEDGER_OK) return rc;
    *kept = rule;
  }
  *out = *kept;
  return LEDGER_OK;
}

/* ---- what a text depends on */

static int policy_rule_prepare(ledger *db, struct policy_role *role,
                               const struct relation *relation, struct policy_rule *rule);

static int policy_depend(ledger *db, struct policy_chosen *chosen, struct policy_term *term) {
  for (int i = 0; i < chosen->alone_count && i < POLICY_ALONE_MAX; i++) {
    if (chosen->alone[i] == term) return LEDGER_OK;
  }
  if (chosen->alone == NULL) {
    chosen->alone = policy_alloc(db, POLICY_ALONE_MAX, sizeof *chosen->alone);
    if (chosen->alone == NULL) return LEDGER_MEMORY;
  }
  if (chosen->alone_count < POLICY_ALONE_MAX)
    chosen->alone[chosen->alone_count++] = term;
  else
    chosen->alone_count = POLICY_ALONE_MAX + 1;
  return LEDGER_OK;
}

static int policy_depend_all(ledger *db, struct policy_chosen *chosen,
                             const struct policy_chosen *inner) {
  int rc = LEDGER_OK;
  for (int i = 0; i < inner->alone_count && i < POLICY_ALONE_MAX && rc == LEDGER_OK; i++)
    rc = policy_depend(db, chosen, inner->alone[i]);
  if (inner->alone_count > POLICY_ALONE_MAX) chosen->alone_count = POLICY_ALONE_MAX + 1;
  return rc;
}

static int policy_term_prepare(ledger *db, struct policy_role *role, struct policy_term *term);
static int policy_term_text(ledger *db, struct policy_role *role, struct policy_term *term,
                            const char **sql, bool *is_kept);

/* The SELECT of a view that asks as its caller, as a term. */
static int policy_view(ledger *db, struct policy_role *role, const struct relation *view,
                       struct policy_term **out) {
  struct policy_term **kept = &role->views[view - db->catalog->relations];
  int rc = LEDGER_OK;
  if (*kept == NULL) {
    rc = policy_term(db, role, view->invoker_sql, strlen(view->invoker_sql), kept);
    if (rc == LEDGER_OK) (*kept)->kind = TERM_OF_ROW;
  }
  *out = *kept;
  return rc;
}

static int policy_recursion(ledger *db, const struct relation *relation) {
  return error_set(&db->error, LEDGER_INVALID_DEFINITION,
                   "infinite recursion detected in %s for relation \"%s\"",
                   relation->is_view ? "rules" : "policy", relation->name);
}

/* What a mark stands for: may the role read it at all, and what does its text depend on? */
static int policy_mark_prepare(ledger *db, struct policy_role *role,
                               const struct relation *relation, struct policy_chosen *chosen) {
  struct policy_rule *rule;
  if (!policy_is_granted(db, role, relation, PRIVILEGE_SELECT)) return policy_denied(db, relation);
  if (relation->invoker_sql != NULL && !role->bypasses) {
    struct policy_term *view;
    int rc = policy_view(db, role, relation, &view);
    if (rc == LEDGER_OK && view->is_active) rc = policy_recursion(db, relation);
    if (rc == LEDGER_OK) rc = policy_term_prepare(db, role, view);
    return rc == LEDGER_OK ? policy_depend_all(db, chosen, &view->chosen) : rc;
  }
  int rc = policy_rule(db, role, relation, POLICY_SELECT, POLICY_USING, &rule);
  if (rc == LEDGER_OK && rule != NULL) rc = policy_rule_prepare(db, role, relation, rule);
  return rc == LEDGER_OK && rule != NULL ? policy_depend_all(db, chosen, &rule->chosen) : rc;
}

/* ---- values of terms without a row */

/* The statement that asks for the term's value. NULL after an error, which may be that it needs a row. */
static sqlite3_stmt *policy_statement(ledger *db, struct policy_role *role,
                                      struct policy_term *term) {
  struct policy_key {
    const char *what, *sql;
  } key = {POLICY_MARK, NULL};
  bool is_kept;
  if (policy_term_text(db, role, term, &key.sql, &is_kept) != LEDGER_OK) return NULL;
  /* A text that is kept stays where it is for as long as the statements do: its place is key enough. */
  const void *bytes = is_kept ? (const void *)&key : key.sql;
  size_t length = is_kept ? sizeof key : strlen(key.sql);
  sqlite3_stmt *stmt = statement_find(db, bytes, length);
  if (stmt != NULL) return stmt;
  sqlite3_str *sql = sqlite3_str_new(NULL);
  sqlite3_str_appendf(sql, "SELECT (%s)", key.sql);
  return statement_make(db, bytes, length, sql);
}

static int policy_term_classify(ledger *db, struct policy_role *role, struct policy_term *term) {
  sqlite3_stmt *stmt = policy_statement(db, role, term);
  term->kind = TERM_ALONE;
  if (stmt != NULL) return LEDGER_OK;
  if (db->error.code != LEDGER_ERROR && db->error.code != LEDGER_TOO_COMPLEX) {
    term->kind = TERM_NEW;
    return db->error.code;
  }
  error_clear(&db->error); /* "no such column" */
  term->kind = TERM_OF_ROW;
  return LEDGER_OK;
}

static int policy_term_prepare(ledger *db, struct policy_role *role, struct policy_term *term) {
  if (term->chosen.is_made) return LEDGER_OK;
  int rc = LEDGER_OK;
  term->is_active = true;
  for (int i = 0; i < term->piece_count && rc == LEDGER_OK; i++) {
    if (term->pieces[i].relation != NULL)
      rc = policy_mark_prepare(db, role, term->pieces[i].relation, &term->chosen);
  }
  if (rc == LEDGER_OK && term->kind == TERM_NEW) rc = policy_term_classify(db, role, term);
  term->is_active = false;
  term->chosen.is_made = rc == LEDGER_OK;
  return rc;
}

static int policy_rule_prepare(ledger *db, struct policy_role *role,
                               const struct relation *relation, struct policy_rule *rule) {
  if (rule->chosen.is_made) return LEDGER_OK;
  if (rule->is_active) return policy_recursion(db, relation);
  int rc = LEDGER_OK;
  rule->is_active = true;
  for (int c = 0; c < rule->clause_count && rc == LEDGER_OK; c++) {
    for (int t = 0; t < rule->clauses[c].term_count && rc == LEDGER_OK; t++) {
      struct policy_term *term = rule->clauses[c].terms[t];
      rc = policy_term_prepare(db, role, term);
      if (rc == LEDGER_OK && term->kind == TERM_ALONE) rc = policy_depend(db, &rule->chosen, term);
      /* Where asking for its value fails it stays in the text, which its own terms choose. */
      if (rc == LEDGER_OK) rc = policy_depend_all(db, &rule->chosen, &term->chosen);
    }
  }
  rule->is_active = false;
  rule->chosen.is_made = rc == LEDGER_OK;
  return rc;
}

static int policy_value_of(ledger *db, struct policy_role *role, struct policy_term *term,
                           enum policy_value *value) {
  *value = term->kind == TERM_CONSTANT ? term->value : POLICY_OF_ROW;
  if (term->kind != TERM_ALONE) return LEDGER_OK;
  if (term->asked_in != db->policy_call) {
    sqlite3_stmt *stmt = policy_statement(db, role, term);
    if (stmt == NULL) return db->error.code;
    term->value = POLICY_OF_ROW;
    int rc = statement_step(db, stmt);
    if (rc == LEDGER_ROW)
      term->value = statement_value(stmt, 0).integer != 0 ? POLICY_TRUE : POLICY_FALSE;
    sqlite3_reset(stmt);
    if (rc != LEDGER_ROW) {
      /* The condition itself failed: that is to be said only if a row is looked at. */
      if (db->error.code == LEDGER_MEMORY || db->error.code == LEDGER_BUSY ||
          db->error.code == LEDGER_IO || db->error.code == LEDGER_CORRUPT ||
          db->error.code == LEDGER_INTERRUPTED)
        return db->error.code;
      error_clear(&db->error);
    }
    term->asked_in = db->policy_call;
  }
  *value = term->value;
  return LEDGER_OK;
}

/* ---- texts */

/* The values that choose the text, and the text if it is kept; NULL: it is to be made. */
static int policy_choose(ledger *db, struct policy_role *role, struct policy_chosen *chosen,
                         uint64_t *values, const char **sql) {
  *values = 0;
  *sql = NULL;
  if (chosen->alone_count > POLICY_ALONE_MAX) return LEDGER_OK;
  for (int i = 0; i < chosen->alone_count; i++) {
    enum policy_value value;
    int rc = policy_value_of(db, role, chosen->alone[i], &value);
    if (rc != LEDGER_OK) return rc;
    *values = *values << 2 | (uint64_t)value;
  }
  for (int i = 0; i < chosen->text_count && *sql == NULL; i++) {
    if (chosen->texts[i].values == *values) *sql = chosen->texts[i].sql;
  }
  return LEDGER_OK;
}

/* Keeps a text that was made, where it may be; frees the builder. */
static int policy_keep(ledger *db, struct policy_chosen *chosen, uint64_t values,
                       sqlite3_str *built, int rc, const char **sql, bool *is_kept) {
  *is_kept = rc == LEDGER_OK && chosen->alone_count <= POLICY_ALONE_MAX &&
             chosen->text_count < POLICY_KEPT_MAX;
  *sql = arena_finish(*is_kept ? &db->catalog->arena : &db->arena, built);
  if (rc != LEDGER_OK) return rc;
  if (*sql == NULL) return error_memory(&db->error);
  if (*is_kept)
    chosen->texts[chosen->text_count++] = (struct policy_text){.values = values, .sql = *sql};
  return LEDGER_OK;
}

static int policy_rule_text(ledger *db, struct policy_role *role, struct policy_rule *rule,
                            const char **sql);

/* What stands in FROM in place of a mark. */
static int policy_mark_text(ledger *db, struct policy_role *role, const struct relation *relation,
                            sqlite3_str *out) {
  struct policy_rule *rule;
  struct policy_term *view;
  const char *sql = NULL;
  bool is_kept;
  int rc;
  if (relation->invoker_sql != NULL && !role->bypasses) {
    rc = policy_view(db, role, relation, &view);
    if (rc == LEDGER_OK) rc = policy_term_text(db, role, view, &sql, &is_kept);
    if (rc == LEDGER_OK) sqlite3_str_appendall(out, sql);
    return rc;
  }
  rc = policy_rule(db, role, relation, POLICY_SELECT, POLICY_USING, &rule);
  if (rc == LEDGER_OK && rule != NULL) rc = policy_rule_text(db, role, rule, &sql);
  if (rc == LEDGER_OK && sql == NULL)
    sqlite3_str_appendf(out, "main.\"%w\"", relation->stored_name);
  else if (rc == LEDGER_OK)
    sqlite3_str_appendf(out, "(SELECT * FROM main.\"%w\" WHERE %s)", relation->stored_name, sql);
  return rc;
}

static int policy_term_text(ledger *db, struct policy_role *role, struct policy_term *term,
                            const char **sql, bool *is_kept) {
  *is_kept = true;
  *sql = term->source;
  if (term->piece_count == 1) return LEDGER_OK;
  uint64_t values;
  int rc = policy_choose(db, role, &term->chosen, &values, sql);
  if (rc != LEDGER_OK || *sql != NULL) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL);
  for (int i = 0; i < term->piece_count && rc == LEDGER_OK; i++) {
    const struct policy_piece *piece = &term->pieces[i];
    sqlite3_str_append(out, piece->text, piece->length);
    if (piece->relation != NULL) rc = policy_mark_text(db, role, piece->relation, out);
  }
  return policy_keep(db, &term->chosen, values, out, rc, sql, is_kept);
}

/* Appends `before` and the clause as a condition in parentheses. *value where it is the same for all rows: then nothing is appended. */
static int policy_clause_text(ledger *db, struct policy_role *role,
                              const struct policy_clause *clause, const char *before,
                              sqlite3_str *out, enum policy_value *value) {
  int rc = LEDGER_OK;
  *value = POLICY_FALSE;
  for (int i = 0; i < clause->term_count && rc == LEDGER_OK && *value != POLICY_TRUE; i++) {
    enum policy_value one;
    rc = policy_value_of(db, role, clause->terms[i], &one);
    if (one != POLICY_FALSE) *value = one;
  }
  if (rc != LEDGER_OK || *value != POLICY_OF_ROW) return rc;
  const char *separator = "(";
  sqlite3_str_appendall(out, before);
  for (int i = 0; i < clause->term_count && rc == LEDGER_OK; i++) {
    enum policy_value one;
    const char *sql = NULL;
    bool is_kept;
    rc = policy_value_of(db, role, clause->terms[i], &one);
    if (rc != LEDGER_OK || one == POLICY_FALSE) continue;
    rc = policy_term_text(db, role, clause->terms[i], &sql, &is_kept);
    if (rc == LEDGER_OK) sqlite3_str_appendf(out, "%s%s", separator, sql);
    separator = " OR ";
  }
  sqlite3_str_appendall(out, ")");
  return rc;
}

/* The rule as a condition; *sql NULL: it holds for all rows, "0": for none. */
static int policy_rule_text(ledger *db, struct policy_role *role, struct policy_rule *rule,
                            const char **sql) {
  uint64_t values;
  bool is_kept, never = false;
  int rc = policy_choose(db, role, &rule->chosen, &values, sql);
  if (rc == LEDGER_OK && *sql == NULL) {
    sqlite3_str *out = sqlite3_str_new(NULL);
    for (int i = 0; i < rule->clause_count && rc == LEDGER_OK; i++) {
      enum policy_value value;
      const char *before = sqlite3_str_length(out) > 0 ? " AND " : "";
      rc = policy_clause_text(db, role, &rule->clauses[i], before, out, &value);
      never = never || value == POLICY_FALSE;
    }
    if (never) sqlite3_str_reset(out), sqlite3_str_appendall(out, "0");
    rc = policy_keep(db, &rule->chosen, values, out, rc, sql, &is_kept);
  }
  if (rc == LEDGER_OK && (*sql)[0] == 0) *sql = NULL;
  return rc;
}

/* ---- what the query builder asks */

LEDGER_PRIVATE int policy_using(ledger *db, const struct relation *relation, enum policy_verb verb,
                                const char **sql) {
  struct policy_role *role;
  struct policy_rule *rule = NULL;
  *sql = NULL;
  int rc = policy_role_of(db, &role);
  if (rc == LEDGER_OK) rc = policy_rule(db, role, relation, verb, POLICY_USING, &rule);
  if (rc == LEDGER_OK && rule != NULL) rc = policy_rule_prepare(db, role, relation, rule);
  if (rc == LEDGER_OK && rule != NULL) rc = policy_rule_text(db, role, rule, sql);
  return rc;
}

LEDGER_PRIVATE int policy_source(ledger *db, const struct relation *relation, const char **sql) {
  struct policy_role *role;
  struct policy_chosen none = {0};
  int rc = policy_role_of(db, &role);
  if (rc == LEDGER_OK && role != NULL && relation->invoker_sql != NULL && !role->bypasses)
    rc = policy_mark_prepare(db, role, relation, &none);
  sqlite3_str *out = sqlite3_str_new(NULL);
  if (rc == LEDGER_OK && role != NULL && relation->invoker_sql != NULL)
    rc = policy_mark_text(db, role, relation, out);
  else
    sqlite3_str_appendf(out, "main.\"%w\"", relation->stored_name);
  *sql = arena_finish(&db->arena, out);
  return rc == LEDGER_OK && *sql == NULL ? error_memory(&db->error) : rc;
}

/* ---- why a row is refused */

/* A WHEN for each clause of the rule that does not hold for all rows. */
static int policy_complain(ledger *db, const struct relation *relation, enum policy_verb verb,
                           enum policy_part part, const char *of_using, sqlite3_str *out) {
  struct policy_role *role;
  struct policy_rule *rule = NULL;
  int rc = policy_role_of(db, &role);
  if (rc == LEDGER_OK) rc = policy_rule(db, role, relation, verb, part, &rule);
  if (rc == LEDGER_OK && rule != NULL) rc = policy_rule_prepare(db, role, relation, rule);
  for (int i = 0; rule != NULL && i < rule->clause_count && rc == LEDGER_OK; i++) {
    const struct policy_clause *clause = &rule->clauses[i];
    enum policy_value value;
    rc = policy_clause_text(db, role, clause, " WHEN ", out, &value);
    if (value == POLICY_TRUE) continue;
    sqlite3_str_appendall(out, value == POLICY_FALSE ? " WHEN 1" : " IS NOT TRUE");
    sqlite3_str_appendf(
        out, " THEN 'new row violates row-level security policy%s%q%s%s for table \"%q\"'",
        clause->name == NULL ? "" : " \"", clause->name == NULL ? "" : clause->name,
        clause->name == NULL ? "" : "\"", of_using, relation->name);
  }
  return rc;
}

LEDGER_PRIVATE int policy_complaint(ledger *db, const struct relation *relation,
                                    enum policy_moment moment, bool reads, const char **sql) {
  static const struct {
    enum policy_verb verb;
    enum policy_part part;
    const char *of_using;
  } rules[] = {[POLICY_INSERTED] = {POLICY_INSERT, POLICY_CHECK, ""},
               [POLICY_UPDATED] = {POLICY_UPDATE, POLICY_CHECK, ""},
               [POLICY_IN_CONFLICT] = {POLICY_UPDATE, POLICY_USING, " (USING expression)"}};
  *sql = NULL;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, "CASE");
  int rc = policy_complain(db, relation, rules[moment].verb, rules[moment].part,
                           rules[moment].of_using, out);
  if (rc == LEDGER_OK && reads)
    rc = policy_complain(db, relation, POLICY_SELECT, POLICY_USING, rules[moment].of_using, out);
  bool is_empty = sqlite3_str_length(out) == 4;
  sqlite3_str_appendall(out, " END");
  const char *text = arena_finish(&db->arena, out);
  if (rc != LEDGER_OK) return rc;
  if (text == NULL) return error_memory(&db->error);
  if (!is_empty) *sql = text;
  return LEDGER_OK;
}

#undef POLICY_SPLIT_MAX
#undef POLICY_KEPT_MAX
#undef POLICY_ALONE_MAX
#undef POLICY_VERBS
#undef POLICY_MARK
