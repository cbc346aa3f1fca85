/*
** call.c: functions that callers call by name: the book's operations, and those of call_read.c, which only read. Who may call what,
** and with which arguments, is said here.
**
** The owner, service_role and a user who is an administrator may call everything. Any other user may move the user's own money:
** transfer, exchange and hold from an own account, capture or release a hold for an own one, expire a hold with one, order, cancel and
** ask for payouts of the own portfolio. Somebody else's account is to such a caller like one that there is not, and what would let a
** user choose another time, another rounding, or a condition on somebody else's balance is refused.
*/
#include "../internal.h"
#include "call.h"

/* ---- which functions there are */

enum call_rule {
  CALL_PRIVILEGED, /* not for users */
  CALL_FROM,       /* "from" is the caller's */
  CALL_PAYEE,      /* the hold "of" is for an account of the caller's */
  CALL_PAYER,      /* ... from one */
  CALL_PARTY,      /* either */
  CALL_USER        /* "user" is the caller */
};

static const enum call_rule call_rules[LEDGER_OP_COUNT] = {
    [LEDGER_OP_TRANSFER] = CALL_FROM, [LEDGER_OP_EXCHANGE] = CALL_FROM,
    [LEDGER_OP_HOLD] = CALL_FROM,     [LEDGER_OP_CAPTURE] = CALL_PAYEE,
    [LEDGER_OP_RELEASE] = CALL_PAYEE, [LEDGER_OP_EXPIRE] = CALL_PARTY,
    [LEDGER_OP_ORDER] = CALL_USER,    [LEDGER_OP_PAYOUT] = CALL_USER,
    [LEDGER_OP_CANCEL] = CALL_PAYER,
};

/* What only who is privileged may say. A capture's fee is the payer's, and its caller is the payee. */
static bool call_is_restricted(const struct call_function *function, const char *name) {
  static const char *const names[] = {"effective_at", "rounding", "max_after", "to_version",
                                      "scope"};
  if (function->kind < 0) return false;
  if (function->kind == LEDGER_OP_CAPTURE && strcmp(name, "fee") == 0) return true;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

static const struct call_function call_operations[] = {
#define X(name, word, summary) {word, summary, LEDGER_OP_##name, NULL, 0, NULL},
    LEDGER_OPERATIONS(X)
#undef X
};

/* The i-th function, from 0; NULL behind the last. */
static const struct call_function *call_function_at(int i) {
  int count, operations = LEDGER_OP_AUDIT; /* the last, and none of callers */
  const struct call_function *reads = call_read_functions(&count);
  if (i < operations) return &call_operations[i];
  return i - operations < count ? &reads[i - operations] : NULL;
}

static const struct call_function *call_find(const char *name) {
  const struct call_function *function = NULL;
  for (int i = 0; (function = call_function_at(i)) != NULL; i++)
    if (strcmp(function->name, name) == 0) break;
  return function;
}

/* The i-th parameter that a function may have, from 0. False behind the last. `linked` is of batches. */
static bool call_parameter_at(const struct call_function *function, int *i,
                              struct call_parameter *out) {
  bool is_allowed;
  if (function->kind < 0) {
    if (*i >= function->parameter_count) return false;
    *out = function->parameters[(*i)++];
    return true;
  }
  while (operation_member((enum ledger_operation_kind)function->kind, (*i)++, &out->name,
                          &out->meaning, &out->is_required, &is_allowed)) {
    if (!is_allowed || strcmp(out->name, "linked") == 0) continue;
    if (strcmp(out->name, "reference") == 0) out->is_required = false; /* minted unless given */
    if (function->kind == LEDGER_OP_EXPIRE && strcmp(out->name, "of") == 0)
      out->is_required = false; /* without it all that are due */
    return true;
  }
  return false;
}

LEDGER_PRIVATE bool call_reads(const char *name) {
  const struct call_function *function = call_find(name);
  return function == NULL || function->kind < 0;
}

/* ---- what is answered */

/* Sets the error and PostgREST's code for it. */
static int call_refuse(struct call *call, const char *own_code, const char *message) {
  sqlite3_snprintf((int)sizeof call->answer->code, call->answer->code, "%s", own_code);
  return error_set(&call->db->error, LEDGER_BAD_QUERY, "%s", message);
}

LEDGER_PRIVATE int call_answer(struct call *call, sqlite3_str *text, int64_t rows) {
  ledger_answer *answer = call->answer;
  size_t length = (size_t)sqlite3_str_length(text);
  bool is_whole = sqlite3_str_errcode(text) == SQLITE_OK;
  char *built = sqlite3_str_finish(text);
  if (!is_whole || built == NULL) {
    sqlite3_free(built);
    return error_memory(&call->db->error);
  }
  if (answer->room > 0) sqlite3_free(answer->text);
  answer->text = built;
  answer->length = length;
  answer->room = length + 1;
  answer->rows = rows;
  return LEDGER_OK;
}

LEDGER_PRIVATE int call_denied(struct call *call) {
  return error_set(&call->db->error, LEDGER_FORBIDDEN, "permission denied for function %s",
                   call->function->name);
}

/* ---- a name that there is not, in PostgREST's words */

#define CALL_NAME_MAX 64 /* characters of an unknown name that are compared and shown */

static int call_least(int a, int b, int c) {
  int least = a < b ? a : b;
  return least < c ? least : c;
}

/* How many letters two short names differ by. */
static int call_distance(const char *a, const char *b) {
  int row[CALL_NAME_MAX + 1];
  int a_length = (int)strlen(a), b_length = (int)strlen(b);
  if (a_length > CALL_NAME_MAX || b_length > CALL_NAME_MAX) return CALL_NAME_MAX;
  for (int k = 0; k <= b_length; k++) row[k] = k;
  for (int i = 1; i <= a_length; i++) {
    int diagonal = row[0];
    row[0] = i;
    for (int k = 1; k <= b_length; k++) {
      int above = row[k];
      row[k] = call_least(above + 1, row[k - 1] + 1, diagonal + (a[i - 1] != b[k - 1]));
      diagonal = above;
    }
  }
  return row[b_length];
}

/* The function whose name is most like it, NULL if none is. */
static const struct call_function *call_like(const char *name) {
  const struct call_function *function, *best = NULL;
  int least = CALL_NAME_MAX;
  for (int i = 0; (function = call_function_at(i)) != NULL; i++) {
    int distance = call_distance(name, function->name);
    size_t a = strlen(name), b = strlen(function->name);
    if (distance >= least || 4 * (size_t)distance > (a > b ? a : b)) continue; /* 75 % alike */
    least = distance;
    best = function;
  }
  return best;
}

static int call_order_names(const void *a, const void *b) {
  return strcmp(((const struct call_argument *)a)->name, ((const struct call_argument *)b)->name);
}

/* "a, b": their names, in the order of the alphabet. */
static const char *call_list(struct call *call, struct call_argument *arguments, int count) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  qsort(arguments, (size_t)count, sizeof *arguments, call_order_names);
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(out, "%s%s", i > 0 ? ", " : "", arguments[i].name);
  const char *names = arena_finish(&call->arena, out);
  return names == NULL ? "" : names;
}

/* The parameters that it needs, in the order of the alphabet. */
static const char *call_signature(struct call *call, const struct call_function *function) {
  struct call_parameter parameter;
  struct call_argument needed[CALL_ARGUMENT_MAX];
  int count = 0;
  for (int i = 0; count < CALL_ARGUMENT_MAX && call_parameter_at(function, &i, &parameter);)
    if (parameter.is_required) needed[count++].name = parameter.name;
  return call_list(call, needed, count);
}

static int call_not_found(struct call *call, const char *name) {
  ledger_error *error = &call->db->error;
  const char *names = call_list(call, call->given, call->count);
  bool is_bare = call->count == 0;
  char message[sizeof error->message];
  sqlite3_snprintf((int)sizeof message, message,
                   is_bare ? "Could not find the function public.%.63s without parameters in the "
                             "schema cache"
                           : "Could not find the function public.%.63s(%.300s) in the schema cache",
                   name, names);
  int rc = call_refuse(call, "PGRST202", message);
  if (is_bare)
    error_detail(error,
                 "Searched for the function public.%.63s without parameters%s, but no matches were "
                 "found in the schema cache.",
                 name,
                 call->asked->is_read ? "" : " or with a single unnamed json/jsonb parameter");
  else
    error_detail(error,
                 "Searched for the function public.%.63s with parameter%s %.250s%s, but no matches "
                 "were found in the schema cache.",
                 name, call->count > 1 ? "s" : "", names,
                 call->asked->is_read ? "" : " or with a single unnamed json/jsonb parameter");
  if (call->function != NULL)
    error_hint(error, "Perhaps you meant to call the function public.%s(%s)", call->function->name,
               call_signature(call, call->function));
  else if (call_like(name) != NULL)
    error_hint(error, "Perhaps you meant to call the function public.%s", call_like(name)->name);
  return rc;
}

/* ---- arguments */

static int call_read_value(struct call *call, struct json *json, struct call_argument *argument) {
  const char *text = NULL;
  size_t length = 0;
  argument->token = json_next(json);
  switch (argument->token) {
  case JSON_NULL: argument->text = NULL; return LEDGER_OK;
  case JSON_STRING:
    if (json_decode(&call->arena, json, &text, &length, &call->db->error) != LEDGER_OK)
      return call->db->error.code;
    break;
  case JSON_OBJECT:
  case JSON_ARRAY:
    text = json->text + json->token_start;
    if (!json_skip(json, &length)) return call_refuse(call, "PGRST102", "Empty or invalid json");
    break;
  case JSON_NUMBER:
  case JSON_TRUE:
  case JSON_FALSE:
    text = json->token;
    length = json->token_length;
    break;
  default: return call_refuse(call, "PGRST102", "Empty or invalid json");
  }
  argument->text = arena_copy(&call->arena, text, length);
  return argument->text == NULL ? error_memory(&call->db->error) : LEDGER_OK;
}

static int call_read_name(struct call *call, struct json *json, const char **out) {
  const char *name;
  size_t length;
  int rc = json_decode(&call->arena, json, &name, &length, &call->db->error);
  if (rc != LEDGER_OK) return rc;
  *out = arena_copy(&call->arena, name, length);
  return *out == NULL ? error_memory(&call->db->error) : LEDGER_OK;
}

/* The members of the object that the call came with; nothing but spaces is an empty one. */
static int call_read_arguments(struct call *call) {
  const char *text = call->asked->arguments;
  size_t length = text == NULL ? 0 : call->asked->arguments_length;
  while (length > 0 && text_is_space(*text)) {
    text++;
    length--;
  }
  if (length == 0) {
    text = "{}";
    length = 2;
  }
  int rc = text_check(text, length, &call->db->error);
  if (rc != LEDGER_OK) return rc;
  struct json json;
  enum json_token token;
  call->arguments = text;
  call->arguments_length = length;
  json_start(&json, text, length);
  if (json_next(&json) != JSON_OBJECT)
    return call_refuse(call, "PGRST102", "Empty or invalid json");
  while ((token = json_next(&json)) == JSON_KEY) {
    if (call->count == CALL_ARGUMENT_MAX)
      return error_set(&call->db->error, LEDGER_PROGRAM_LIMIT, "a call has %d arguments at most",
                       CALL_ARGUMENT_MAX);
    struct call_argument *argument = &call->given[call->count];
    rc = call_read_name(call, &json, &argument->name);
    if (rc == LEDGER_OK) rc = call_read_value(call, &json, argument);
    if (rc != LEDGER_OK) return rc;
    call->count++;
  }
  if (token != JSON_OBJECT_END || json_next(&json) != JSON_END)
    return call_refuse(call, "PGRST102", "Empty or invalid json");
  return LEDGER_OK;
}

static const struct call_argument *call_given(const struct call *call, const char *name) {
  for (int i = 0; i < call->count; i++)
    if (strcmp(call->given[i].name, name) == 0) return &call->given[i];
  return NULL;
}

LEDGER_PRIVATE const char *call_text(const struct call *call, const char *name) {
  const struct call_argument *argument = call_given(call, name);
  return argument == NULL ? NULL : argument->text;
}

LEDGER_PRIVATE bool call_flag(const struct call *call, const char *name) {
  const char *text = call_text(call, name);
  return text != NULL &&
         (strcmp(text, "true") == 0 || strcmp(text, "t") == 0 || strcmp(text, "1") == 0);
}

/* Does the function have every argument, and is every one given that it needs? */
static bool call_fits(struct call *call) {
  struct call_parameter parameter;
  int known = 0;
  for (int i = 0; call_parameter_at(call->function, &i, &parameter);) {
    if (call_given(call, parameter.name) != NULL)
      known++;
    else if (parameter.is_required)
      return false;
  }
  if (known == call->count) return true;
  /* One that is given twice is counted once; the reader of the operation has the words for that. */
  for (int i = 0; i < call->count; i++) {
    bool is_known = false;
    for (int k = 0; !is_known && call_parameter_at(call->function, &k, &parameter);)
      is_known = strcmp(parameter.name, call->given[i].name) == 0;
    if (!is_known) return false;
  }
  return true;
}

/* ---- who asks */

/* The role and the user that the claims name; who is an administrator is only seen within a transaction. */
static int call_who(struct call *call) {
  const ledger_caller *caller = call->asked->caller;
  const char *user_id = NULL;
  call->is_privileged =
      caller == NULL || caller->role == NULL || strcmp(caller->role, "service_role") == 0;
  if (caller == NULL || (caller->role != NULL && strcmp(caller->role, "anon") == 0))
    return LEDGER_OK;
  int rc = json_find(&call->arena, caller->claims, NULL, "sub", &user_id, &call->db->error);
  if (rc == LEDGER_OK && user_id != NULL && strlen(user_id) < sizeof call->user_id)
    memcpy(call->user_id, user_id, strlen(user_id) + 1);
  return rc;
}

/* An API key may name what it is for: functions are about transactions. */
static int call_permitted(struct call *call) {
  bool permitted;
  int rc = policy_permitted(call->db, call->function->kind < 0 ? "read" : "write", "transactions",
                            &permitted);
  return rc != LEDGER_OK || permitted ? rc : call_denied(call);
}

/* Takes the caller's role, within a transaction. */
static int call_enter(struct call *call) {
  int rc = policy_enter(call->db, call->asked->caller);
  call->has_entered = true;
  if (rc == LEDGER_OK && !call->is_privileged && call->user_id[0] != 0)
    rc = role_has(call->db, call->user_id, "admin", &call->is_privileged);
  if (rc == LEDGER_OK) rc = call_permitted(call);
  bool writes = call->function->kind >= 0;
  return rc == LEDGER_OK && writes ? policy_act(call->db) : rc;
}

/* Is the function for such a caller at all? */
static bool call_is_for(const struct call *call, const struct call_function *function) {
  if (call->is_privileged) return true;
  bool is_for_users = function->kind < 0 ? !call_read_is_privileged(function)
                                         : call_rules[function->kind] != CALL_PRIVILEGED;
  return is_for_users && call->user_id[0] != 0;
}

static bool call_owns(const struct call *call, const struct account *account) {
  return call->is_privileged ||
         (call->user_id[0] != 0 && sqlite3_stricmp(account->user_id, call->user_id) == 0);
}

LEDGER_PRIVATE int call_own_account(struct call *call, const char *name) {
  struct account *account;
  if (name == NULL) return call_denied(call);
  int rc = account_find_any(call->db, name, &account);
  if (rc != LEDGER_OK || call_owns(call, account)) return rc;
  return error_set(&call->db->error, LEDGER_UNKNOWN_ACCOUNT, "there is no account \"%.100s\"",
                   name);
}

/* Is an account of the hold, order or payout the caller's? Else it is like one that there is not. */
static int call_own_hold(struct call *call, const char *of, enum call_rule rule) {
  struct journal_past past;
  struct hold_state hold;
  int rc = of == NULL ? call_denied(call) : journal_past(call->db, of, &past);
  if (rc == LEDGER_OK) rc = hold_state(call->db, &past, &hold);
  if (rc == LEDGER_OK) {
    bool is_payer = call_owns(call, hold.payer), is_payee = call_owns(call, hold.payee);
    bool is_own = rule == CALL_PAYER   ? is_payer
                  : rule == CALL_PAYEE ? is_payee
                                       : is_payer || is_payee;
    if (is_own) return LEDGER_OK;
    if (is_payer || is_payee) return call_denied(call); /* it is known to the caller anyway */
  }
  if (rc != LEDGER_OK && rc != LEDGER_UNKNOWN_REFERENCE && rc != LEDGER_WRONG_STATE) return rc;
  return error_set(&call->db->error, LEDGER_UNKNOWN_REFERENCE,
                   "no operation has the reference \"%.100s\"", of);
}

/* May the caller do it? Within the transaction that does it. */
static int call_authorise(struct call *call, const ledger_operation *operation) {
  if (call->is_privileged) return LEDGER_OK;
  enum call_rule rule = call_rules[operation->kind];
  if (!call_is_for(call, call->function)) return call_denied(call);
  for (int i = 0; i < call->count; i++) {
    if (call_is_restricted(call->function, call->given[i].name))
      return error_set(&call->db->error, LEDGER_FORBIDDEN,
                       "permission denied for argument \"%s\" of function %s", call->given[i].name,
                       call->function->name);
  }
  if (rule == CALL_FROM) return call_own_account(call, operation->from);
  if (rule != CALL_USER) return call_own_hold(call, operation->of, rule);
  bool is_own = operation->user != NULL && sqlite3_stricmp(operation->user, call->user_id) == 0;
  return is_own ? LEDGER_OK : call_denied(call);
}

/* ---- operations */

/* A reference for a call without one: of the key, so that the same key is the same operation, or else a new one. */
static void call_mint(const ledger_operation *operation, char out[40]) {
  unsigned char hash[SEAL_BLAKE2B_BYTES];
  struct seal_blake2b state;
  if (operation->key == NULL) {
    id_uuid7(out);
    return;
  }
  seal_blake2b_init(&state);
  seal_blake2b_update(&state, operation->scope, strlen(operation->scope) + 1);
  seal_blake2b_update(&state, operation->key, strlen(operation->key));
  seal_blake2b_final(&state, hash);
  memcpy(out, "KEY-", 4);
  text_hex(hash, 16, out + 4);
}

/* The operation that the arguments say. A key's scope is who asks, so that nobody meets another's. */
static int call_read_operation(struct call *call, ledger_operation *out, char minted[40]) {
  const ledger_caller *caller = call->asked->caller;
  struct json json;
  sqlite3_str *text = sqlite3_str_new(NULL);
  json_start(&json, call->arguments, call->arguments_length);
  (void)json_next(&json);
  sqlite3_str_appendf(text, "{\"op\":\"%s\"%s", call->function->name, call->count > 0 ? "," : "");
  sqlite3_str_append(text, call->arguments + json.position,
                     (int)(call->arguments_length - json.position));
  bool is_whole = sqlite3_str_errcode(text) == SQLITE_OK;
  size_t length = (size_t)sqlite3_str_length(text);
  char *document = sqlite3_str_finish(text);
  if (!is_whole || document == NULL) {
    sqlite3_free(document);
    return error_memory(&call->db->error);
  }
  int rc = operation_read(call->db, document, length, out);
  sqlite3_free(document);
  if (rc != LEDGER_OK) return rc;
  if (call->asked->key != NULL) {
    if (out->key != NULL && strcmp(out->key, call->asked->key) != 0)
      return error_set(&call->db->error, LEDGER_BAD_OPERATION,
                       "\"key\" is not the Idempotency-Key of the request");
    out->key = call->asked->key;
  }
  if (out->key != NULL && out->scope == NULL)
    out->scope = call->user_id[0] != 0                    ? call->user_id
                 : caller == NULL || caller->role == NULL ? "owner"
                                                          : caller->role;
  if (out->reference == NULL) {
    call_mint(out, minted);
    out->reference = minted;
  } else if (strncmp(out->reference, "KEY-", 4) ==
             0) { /* nobody takes what another's key will make */
    return error_set(&call->db->error, LEDGER_RESERVED_SUFFIX,
                     "reference \"%.100s\" begins as those do that are made of keys",
                     out->reference);
  }
  return LEDGER_OK;
}

/* A user sees what became of the user's own accounts. */
static int call_own_balances(struct call *call, ledger_result *result) {
  if (call->is_privileged || result->balance_count == 0) return LEDGER_OK;
  ledger_balance *own = arena_alloc(&call->arena, (size_t)result->balance_count * sizeof *own);
  int count = 0;
  if (own == NULL) return error_memory(&call->db->error);
  for (int i = 0; i < result->balance_count; i++) {
    struct account *account;
    int rc = account_find_any(call->db, result->balances[i].account, &account);
    if (rc != LEDGER_OK) return rc;
    if (call_owns(call, account)) own[count++] = result->balances[i];
  }
  result->balances = own;
  result->balance_count = count;
  return LEDGER_OK;
}

/* The same text whether it was done now or before. */
static int call_show(struct call *call, ledger_result *result) {
  call->answer->inserted = result->replayed ? 0 : 1;
  result->replayed = 0;
  int rc = call_own_balances(call, result);
  if (rc != LEDGER_OK) return rc;
  char *text = operation_result_json(result);
  if (text == NULL) return error_memory(&call->db->error);
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, text);
  sqlite3_free(text);
  return call_answer(call, out, 1);
}

/* A refusal in the words that are for the caller. */
static int call_refusal(struct call *call, const ledger_operation *operation, bool is_minted,
                        int rc) {
  ledger_error *error = &call->db->error;
  if (rc == LEDGER_REFERENCE_REUSED && is_minted) { /* what was given is the key */
    char words[sizeof error->message];
    const char *tail = strstr(error->message, " was used for");
    sqlite3_snprintf((int)sizeof words, words, "key \"%.100s\"%s", operation->key,
                     tail == NULL ? " was used for another operation" : tail);
    rc = error_set(error, LEDGER_KEY_REUSED, "%s", words);
  }
  if (call->is_privileged) return rc;
  if (rc == LEDGER_REFERENCE_REUSED || rc == LEDGER_KEY_REUSED) error->detail[0] = 0;
  if (rc == LEDGER_REFERENCE_REUSED) { /* it may be another's, a key is the caller's own */
    static const char words[] = " was used for another operation";
    char *end = strstr(error->message, words);
    if (end != NULL) end[sizeof words - 1] = 0;
  }
  if (rc == LEDGER_WRONG_CURRENCY) /* nor is the other account's number told */
    return error_set(error, rc, "the amount and the accounts are not all of one currency");
  if (rc == LEDGER_LIMIT) return error_set(error, rc, "the receiver cannot take the amount");
  return rc;
}

static int call_begin(ledger *db, bool nests) {
  int rc = transaction_begin(db);
  if (rc != LEDGER_OK) return rc;
  rc = book_enter(db);
  if (rc == LEDGER_OK && nests) rc = operation_savepoint(db);
  return rc == LEDGER_OK ? rc : transaction_end(db, rc);
}

static int call_operation(struct call *call) {
  ledger *db = call->db;
  ledger_operation operation;
  ledger_result result;
  char minted[40];
  bool nests = db->in_transaction && !db->is_grouped; /* it outlives a refusal of this call */
  int rc = call_read_operation(call, &operation, minted);
  if (rc == LEDGER_OK) rc = call_begin(db, nests);
  if (rc != LEDGER_OK) return rc;
  operation_results_reset(db);
  rc = call_enter(call);
  if (rc == LEDGER_OK) rc = call_authorise(call, &operation);
  bool keep = rc == LEDGER_OK;
  if (keep) {
    rc = operation_run(db, &operation, &result);
    keep = !operation_is_torn(db);
    if (rc == LEDGER_OK) {
      rc = call_show(call, &result);
      if (rc != LEDGER_OK) keep = false; /* what cannot be answered is not done */
    } else if (keep) {
      rc = call_refusal(call, &operation, operation.reference == minted && operation.key != NULL,
                        rc);
    }
  }
  int end = nests ? operation_savepoint_end(db, keep) : operation_end(db, keep ? LEDGER_OK : rc);
  return keep && end != LEDGER_OK ? end : rc;
}

/* All holds past their time. */
static int call_expire_all(struct call *call) {
  int64_t count = 0;
  int rc = transaction_begin_read(call->db);
  if (rc != LEDGER_OK) return rc;
  rc = call_enter(call);
  if (rc == LEDGER_OK && !call->is_privileged) rc = call_denied(call);
  transaction_end_read(call->db);
  if (rc == LEDGER_OK) rc = hold_expire_due(call->db, &count);
  if (rc != LEDGER_OK) return rc;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "{\"expired\":%lld}", (long long)count);
  call->answer->inserted = 1;
  return call_answer(call, out, 1);
}

/* ---- functions that read */

static int call_run_read(struct call *call) {
  ledger *db = call->db;
  int rc = transaction_begin_read(db);
  if (rc != LEDGER_OK) return rc;
  rc = book_enter(db);
  if (rc == LEDGER_OK) rc = call_enter(call);
  if (rc == LEDGER_OK && !call_is_for(call, call->function)) rc = call_denied(call);
  if (rc == LEDGER_OK) rc = call->function->read(call);
  transaction_end_read(db);
  call->answer->inserted = 1;
  return rc;
}

/* ---- the way in */

static int call_run(struct call *call) {
  const ledger_call_request *asked = call->asked;
  call->function = call_find(asked->function);
  int rc = call_read_arguments(call);
  if (rc == LEDGER_OK) rc = call_who(call);
  if (rc != LEDGER_OK) return rc;
  if (call->function == NULL || !call_fits(call)) return call_not_found(call, asked->function);
  if (call->function->kind < 0) return call_run_read(call);
  if (asked->is_read)
    return error_set(&call->db->error, LEDGER_READ_ONLY,
                     "cannot execute %s in a read-only transaction", call->function->name);
  if (call->function->kind == LEDGER_OP_EXPIRE && call_given(call, "of") == NULL)
    return call_expire_all(call);
  return call_operation(call);
}

LEDGER_PRIVATE int call_function(ledger *db, const ledger_call_request *asked,
                                 ledger_answer *answer) {
  struct call call = {.db = db, .asked = asked, .answer = answer};
  query_start(answer);
  connection_limit(db);
  int rc = call_run(&call);
  connection_limit_end(db);
  if (call.has_entered) policy_leave(db);
  arena_free(&call.arena);
  return rc;
}

/* ---- what there is, for describe.c */

LEDGER_PRIVATE int call_describe(ledger *db, const ledger_caller *caller, sqlite3_str *out) {
  struct call call = {.db = db, .asked = &(ledger_call_request){.caller = caller}};
  const struct call_function *function;
  struct call_parameter parameter;
  int rc = call_who(&call), shown = 0;
  if (rc == LEDGER_OK && !call.is_privileged && call.user_id[0] != 0)
    rc = role_has(db, call.user_id, "admin", &call.is_privileged);
  for (int i = 0; rc == LEDGER_OK && (function = call_function_at(i)) != NULL; i++) {
    if (!call_is_for(&call, function)) continue;
    int count = 0;
    sqlite3_str_appendall(out, shown++ > 0 ? ",{" : "{");
    json_member(out, "name", function->name);
    json_member(out, "comment", function->comment);
    sqlite3_str_appendf(out, ",\"reads\":%s,\"arguments\":[",
                        function->kind < 0 ? "true" : "false");
    for (int k = 0; call_parameter_at(function, &k, &parameter);) {
      if (!call.is_privileged && call_is_restricted(function, parameter.name)) continue;
      sqlite3_str_appendall(out, count++ > 0 ? ",{" : "{");
      json_member(out, "name", parameter.name);
      sqlite3_str_appendf(out, ",\"required\":%s", parameter.is_required ? "true" : "false");
      json_member(out, "comment", parameter.meaning);
      sqlite3_str_appendchar(out, 1, '}');
    }
    sqlite3_str_appendall(out, "]}");
  }
  arena_free(&call.arena);
  return rc;
}

#undef CALL_NAME_MAX
