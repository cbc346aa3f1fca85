/*
** operation_json.c: an operation from a JSON object, and a result as one. Which members an operation has is said once, by the
** lists in ledger.h; here they become a table of names and places. Numbers are taken as the text that they are.
*/
#include "../internal.h"

enum operation_member_kind {
  MEMBER_TEXT,    /* a string or a number; metadata: an object, too */
  MEMBER_FLAG,    /* true or false */
  MEMBER_INTEGER, /* a whole number, 0 or more */
  MEMBER_KIND,    /* an operation's word */
  MEMBER_LEGS     /* an array of legs */
};
struct operation_member {
  const char *name;
  size_t name_length;
  enum operation_member_kind kind;
  size_t place; /* offset in the struct */
};

#define MEMBER(structure, name, kind)                                                              \
  { #name, sizeof #name - 1, kind, offsetof(structure, name) }

static const struct operation_member operation_members[] = {
    {"op", 2, MEMBER_KIND, offsetof(ledger_operation, kind)},
    MEMBER(ledger_operation, version, MEMBER_INTEGER),
    MEMBER(ledger_operation, to_version, MEMBER_INTEGER),
    MEMBER(ledger_operation, legs, MEMBER_LEGS),
#define X(name, meaning) MEMBER(ledger_operation, name, MEMBER_FLAG),
    LEDGER_OPERATION_FLAGS(X)
#undef X
#define X(name, meaning) MEMBER(ledger_operation, name, MEMBER_TEXT),
        LEDGER_OPERATION_TEXTS(X)
#undef X
};
#define OPERATION_MEMBERS ((int)(sizeof operation_members / sizeof *operation_members))

static const struct operation_member operation_leg_members[] = {
    MEMBER(ledger_leg, account, MEMBER_TEXT),
    MEMBER(ledger_leg, amount, MEMBER_TEXT),
    MEMBER(ledger_leg, currency, MEMBER_TEXT),
    MEMBER(ledger_leg, description, MEMBER_TEXT),
};
#define LEG_MEMBERS ((int)(sizeof operation_leg_members / sizeof *operation_leg_members))

#undef MEMBER

#define OPERATION_QUOTED_MAX 64 /* characters of an unknown name that an error shows */

struct operation_reader {
  struct arena *arena; /* of the texts */
  ledger_error *error;
  struct json json;
  ledger_operation *operation;
};

static int operation_syntax(struct operation_reader *reader) {
  if (reader->json.problem != NULL) return json_error(&reader->json, reader->error);
  return error_set(reader->error, LEDGER_INVALID_TEXT, "invalid input syntax for type json");
}

/* What was read is copied: it may be gone when the operation is posted. */
static int operation_keep(struct operation_reader *reader, const char *text, size_t length,
                          const char **out) {
  *out = arena_copy(reader->arena, text, length);
  return *out == NULL ? error_memory(reader->error) : LEDGER_OK;
}

static int operation_text(struct operation_reader *reader, const char **out) {
  const char *text;
  size_t length;
  int rc = json_decode(reader->arena, &reader->json, &text, &length, reader->error);
  return rc == LEDGER_OK ? operation_keep(reader, text, length, out) : rc;
}

static int operation_wanted(struct operation_reader *reader, const struct operation_member *member,
                            const char *wanted) {
  return error_set(reader->error, LEDGER_BAD_OPERATION, "\"%s\" is not %s", member->name, wanted);
}

/* Of digits alone, up to INT64_MAX. */
static int operation_integer(struct operation_reader *reader, const struct operation_member *member,
                             enum json_token token, int64_t *out) {
  const struct json *json = &reader->json;
  bool is_whole = (token == JSON_NUMBER || token == JSON_STRING) && json->token_length > 0;
  int64_t number = 0;
  for (size_t i = 0; is_whole && i < json->token_length; i++) {
    int digit = json->token[i] - '0';
    is_whole = digit >= 0 && digit <= 9 && !__builtin_mul_overflow(number, 10, &number) &&
               !__builtin_add_overflow(number, digit, &number);
  }
  if (!is_whole) return operation_wanted(reader, member, "a whole number");
  *out = number;
  return LEDGER_OK;
}

static int operation_word_read(struct operation_reader *reader,
                               const struct operation_member *member, enum json_token token,
                               enum ledger_operation_kind *out) {
  const char *word;
  if (token != JSON_STRING) return operation_wanted(reader, member, "an operation's word");
  int rc = operation_text(reader, &word);
  if (rc != LEDGER_OK) return rc;
  int kind = operation_kind(word, strlen(word));
  if (kind < 0) {
    return error_set(reader->error, LEDGER_BAD_OPERATION, "there is no operation \"%.*s\"",
                     (int)text_offset(word, strlen(word), OPERATION_QUOTED_MAX), word);
  }
  *out = (enum ledger_operation_kind)kind;
  return LEDGER_OK;
}

static int operation_legs(struct operation_reader *reader, const struct operation_member *member,
                          enum json_token token);

/* A value, of which `token` is the first token, to its place in the struct at `base`. null is as good as
** not given, but for the word. */
static int operation_value(struct operation_reader *reader, const struct operation_member *member,
                           enum json_token token, void *base) {
  struct json *json = &reader->json;
  void *place = (char *)base + member->place;
  size_t length;
  if (token == JSON_ERROR) return operation_syntax(reader);
  if (token == JSON_NULL && member->kind != MEMBER_KIND) return LEDGER_OK;
  switch (member->kind) {
  case MEMBER_KIND: return operation_word_read(reader, member, token, place);
  case MEMBER_INTEGER: return operation_integer(reader, member, token, place);
  case MEMBER_LEGS: return operation_legs(reader, member, token);
  case MEMBER_FLAG:
    if (token != JSON_TRUE && token != JSON_FALSE)
      return operation_wanted(reader, member, "true or false");
    *(int *)place = token == JSON_TRUE;
    return LEDGER_OK;
  case MEMBER_TEXT: break;
  }
  if (token == JSON_STRING) return operation_text(reader, place);
  if (token == JSON_NUMBER) return operation_keep(reader, json->token, json->token_length, place);
  if (token != JSON_OBJECT || strcmp(member->name, "metadata") != 0)
    return operation_wanted(reader, member, "a string");
  const char *document = json->text + json->token_start;
  if (!json_skip(json, &length)) return operation_syntax(reader);
  return operation_keep(reader, document, length, place);
}

/* The members of an object whose '{' was read, to the struct at `base`. given[]: false, as many as there are members. */
static int operation_object(struct operation_reader *reader, const char *what,
                            const struct operation_member *members, int count, bool *given,
                            void *base) {
  struct json *json = &reader->json;
  enum json_token token;
  while ((token = json_next(json)) == JSON_KEY) {
    const char *name;
    size_t length;
    int i = 0;
    int rc = json_decode(reader->arena, json, &name, &length, reader->error);
    if (rc != LEDGER_OK) return rc;
    while (i < count &&
           (members[i].name_length != length || memcmp(members[i].name, name, length) != 0))
      i++;
    if (i == count) {
      return error_set(reader->error, LEDGER_BAD_OPERATION, "%s has no member \"%.*s\"", what,
                       (int)text_offset(name, length, OPERATION_QUOTED_MAX), name);
    }
    if (given[i]) {
      return error_set(reader->error, LEDGER_BAD_OPERATION, "\"%s\" is given twice",
                       members[i].name);
    }
    given[i] = true;
    rc = operation_value(reader, &members[i], json_next(json), base);
    if (rc != LEDGER_OK) return rc;
  }
  return token == JSON_OBJECT_END ? LEDGER_OK : operation_syntax(reader);
}

static int operation_legs(struct operation_reader *reader, const struct operation_member *member,
                          enum json_token token) {
  ledger_operation *operation = reader->operation;
  if (token != JSON_ARRAY) return operation_wanted(reader, member, "an array of legs");
  ledger_leg *legs = arena_alloc(reader->arena, LEDGER_LEG_MAX * sizeof *legs);
  if (legs == NULL) return error_memory(reader->error);
  operation->legs = legs;
  while ((token = json_next(&reader->json)) == JSON_OBJECT) {
    bool given[LEG_MEMBERS] = {false};
    if (operation->leg_count == LEDGER_LEG_MAX) {
      return error_set(reader->error, LEDGER_BAD_OPERATION, "an operation has %d legs at most",
                       LEDGER_LEG_MAX);
    }
    ledger_leg *leg = &legs[operation->leg_count++];
    *leg = (ledger_leg){0};
    int rc = operation_object(reader, "a leg", operation_leg_members, LEG_MEMBERS, given, leg);
    if (rc != LEDGER_OK) return rc;
  }
  if (token == JSON_ARRAY_END) return LEDGER_OK;
  if (token == JSON_ERROR) return operation_syntax(reader);
  return operation_wanted(reader, member, "an array of legs");
}

/* Does the object say "linked": true? Also where it cannot be read as an operation: what stands or falls together is then known
** all the same. */
static int operation_linked(const char *text, size_t length) {
  struct json json;
  int linked = 0;
  json_start(&json, text, length);
  if (json_next(&json) != JSON_OBJECT) return 0;
  while (json_next(&json) == JSON_KEY) {
    bool is_it = json.token_length == 6 && memcmp(json.token, "linked", 6) == 0;
    enum json_token token = json_next(&json);
    if (is_it) linked = token == JSON_TRUE;
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &length)) break;
  }
  return linked;
}

static int operation_document(struct operation_reader *reader, const char *text, size_t length) {
  struct json *json = &reader->json;
  bool given[OPERATION_MEMBERS] = {false};
  int rc = text_check(text, length, reader->error);
  if (rc != LEDGER_OK) return rc;
  json_start(json, text, length);
  enum json_token token = json_next(json);
  if (token == JSON_ERROR || token == JSON_END) return operation_syntax(reader);
  if (token != JSON_OBJECT)
    return error_set(reader->error, LEDGER_BAD_OPERATION, "an operation is not a JSON object");
  rc = operation_object(reader, "an operation", operation_members, OPERATION_MEMBERS, given,
                        reader->operation);
  if (rc != LEDGER_OK) return rc;
  if (json_next(json) != JSON_END) return operation_syntax(reader);
  if (!given[0]) return error_set(reader->error, LEDGER_BAD_OPERATION, "\"op\" is missing");
  return LEDGER_OK;
}

LEDGER_PRIVATE int operation_read(ledger *db, const char *json, size_t length,
                                  ledger_operation *out) {
  /* Operations that are read one after the other are posted together. */
  if (db->call != db->operations_call + 1) arena_reset(&db->operations);
  db->operations_call = db->call;
  *out = (ledger_operation){0};
  struct operation_reader reader = {
      .arena = &db->operations, .error = &db->error, .operation = out};
  int rc = operation_document(&reader, json, length);
  if (rc != LEDGER_OK) {
    *out = (ledger_operation){.kind = LEDGER_OP_AUDIT};
    if (text_is_valid_utf8(json, length)) out->linked = operation_linked(json, length);
  }
  return rc;
}

/* ---- a result */

static void result_text(sqlite3_str *out, const char *name, const char *text) {
  if (text[0] != 0) json_member(out, name, text);
}

LEDGER_PRIVATE void operation_balance_json(sqlite3_str *out, const ledger_balance *balance,
                                           bool with_limits) {
  sqlite3_str_appendchar(out, 1, '{');
  result_text(out, "account", balance->account);
  result_text(out, "number", balance->number);
  result_text(out, "currency", balance->currency);
  result_text(out, "status", balance->status);
  result_text(out, "balance", balance->balance);
  result_text(out, "available", balance->available);
  result_text(out, "held", balance->held);
  if (with_limits) {
    result_text(out, "overdraft_limit", balance->overdraft_limit);
    result_text(out, "min_balance", balance->min_balance);
    result_text(out, "max_balance", balance->max_balance);
  }
  sqlite3_str_appendf(out, ",\"version\":%lld}", (long long)balance->version);
}

static void result_error(sqlite3_str *out, const ledger_error *error, int code) {
  result_text(out, "sqlstate", error != NULL ? error->sqlstate : error_sqlstate(code));
  if (error == NULL) return;
  result_text(out, "message", error->message);
  result_text(out, "detail", error->detail);
  result_text(out, "hint", error->hint);
}

LEDGER_PRIVATE char *operation_result_json(const ledger_result *result) {
  bool is_done = result->code == LEDGER_OK;
  bool with_limits = result->kind == LEDGER_OP_OPEN || result->kind == LEDGER_OP_LIMITS;
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendf(out, "{\"ok\":%s", is_done ? "true" : "false");
  if ((unsigned)result->kind < LEDGER_OP_COUNT)
    result_text(out, "op", operation_word(result->kind));
  result_text(out, "reference", result->reference);
  if (result->replayed) sqlite3_str_appendall(out, ",\"replayed\":true");
  if (!is_done) result_error(out, result->error, result->code);
  if (result->journal > 0)
    sqlite3_str_appendf(out, ",\"journal\":%lld", (long long)result->journal);
  result_text(out, "status", result->status);
  result_text(out, "transaction_id", result->transaction_id);
  result_text(out, "amount", result->amount);
  result_text(out, "currency", result->currency);
  result_text(out, "fee", result->fee);
  result_text(out, "received", result->received);
  result_text(out, "received_currency", result->received_currency);
  result_text(out, "rate", result->rate);
  result_text(out, "remaining", result->remaining);
  result_text(out, "created_at", result->created_at);
  result_text(out, "effective_at", result->effective_at);
  if (is_done || result->balance_count > 0) {
    sqlite3_str_appendall(out, ",\"balances\":[");
    for (int i = 0; i < result->balance_count; i++) {
      if (i > 0) sqlite3_str_appendchar(out, 1, ',');
      operation_balance_json(out, &result->balances[i], with_limits);
    }
    sqlite3_str_appendchar(out, 1, ']');
  }
  sqlite3_str_appendchar(out, 1, '}');
  return sqlite3_str_finish(out);
}

#undef OPERATION_MEMBERS
#undef LEG_MEMBERS
#undef OPERATION_QUOTED_MAX
