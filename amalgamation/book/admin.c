/*
** admin.c: accounts themselves: opening, limits, status. Each is a journal without entries, so that verify knows when it was.
*/
#include "../internal.h"

/* ---- limits */

struct admin_limits {
  struct account *account;
  int64_t overdraft_limit, min_balance, max_balance;
};

static int admin_limit(ledger *db, const char *member, const char *text,
                       const struct account *account, bool may_be_negative, int64_t *out) {
  if (text == NULL) return LEDGER_OK;
  int rc = money_read(text, strlen(text), account->scale, account->scale, out, &db->error);
  if (rc == LEDGER_OK && *out < 0 && !may_be_negative) {
    rc = error_set(&db->error, LEDGER_NOT_POSITIVE, "\"%s\" is less than zero", member);
  }
  if (rc == LEDGER_OK && (*out > account->maximum || *out < -account->maximum))
    rc = error_set(&db->error, LEDGER_AMOUNT_RANGE, "\"%s\" is out of range", member);
  return rc;
}

/* All three are set: what is not given becomes what it is when an account is opened. */
static int admin_read_limits(ledger *db, const ledger_operation *asked,
                             const struct account *account, struct admin_limits *limits) {
  limits->overdraft_limit = limits->min_balance = 0;
  limits->max_balance = INT64_MAX;
  int rc = admin_limit(db, "overdraft_limit", asked->overdraft_limit, account, false,
                       &limits->overdraft_limit);
  if (rc == LEDGER_OK)
    rc = admin_limit(db, "min_balance", asked->min_balance, account, true, &limits->min_balance);
  if (rc == LEDGER_OK)
    rc = admin_limit(db, "max_balance", asked->max_balance, account, false, &limits->max_balance);
  return rc;
}

/* For verify, in units: {"account": "ID", "limits": {"account": 7, "overdraft_limit": 0, "min_balance": 0, "max_balance": null}} */
static int admin_detail(ledger *db, const char *name, int64_t key,
                        const struct admin_limits *limits, struct journal *journal) {
  char most[32] = "null", text[320];
  if (limits->max_balance != INT64_MAX)
    sqlite3_snprintf((int)sizeof most, most, "%lld", (long long)limits->max_balance);
  sqlite3_snprintf((int)sizeof text, text,
                   "{\"account\": \"%s\", \"limits\": {\"account\": %lld, \"overdraft_limit\": "
                   "%lld, \"min_balance\": %lld, \"max_balance\": %s}}",
                   name, (long long)key, (long long)limits->overdraft_limit,
                   (long long)limits->min_balance, most);
  journal->detail = arena_copy(&db->arena, text, strlen(text));
  return journal->detail == NULL ? error_memory(&db->error) : LEDGER_OK;
}

/* What the audit row says, in jsonb's order. */
static const char *admin_image(ledger *db, int64_t overdraft_limit, int64_t min_balance,
                               int64_t max_balance, int scale) {
  char texts[3][MONEY_TEXT_MAX], image[160];
  money_text(overdraft_limit, scale, texts[0]);
  money_text(min_balance, scale, texts[1]);
  if (max_balance == INT64_MAX)
    memcpy(texts[2], "null", sizeof "null");
  else
    money_text(max_balance, scale, texts[2]);
  sqlite3_snprintf((int)sizeof image, image,
                   "{\"max_balance\": %s, \"min_balance\": %s, \"overdraft_limit\": %s}", texts[2],
                   texts[1], texts[0]);
  return arena_copy(&db->arena, image, strlen(image));
}

static int admin_write_limits(ledger *db, struct journal *journal, void *context) {
  (void)journal;
  const struct admin_limits *limits = context;
  struct account *account = limits->account;
  account->overdraft_limit = limits->overdraft_limit;
  account->min_balance = limits->min_balance;
  account->max_balance = limits->max_balance;
  return account_write_limits(db, account);
}

static void *admin_keep(ledger *db, const void *bytes, size_t size) {
  void *copy = arena_alloc(&db->arena, size);
  if (copy != NULL) memcpy(copy, bytes, size);
  return copy;
}

LEDGER_PRIVATE int admin_limits(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  struct admin_limits limits = {0};
  struct account *account;
  int rc = account_find(db, operation->asked->account, &account);
  if (rc == LEDGER_OK && strcmp(account->status, "closed") == 0)
    rc = error_set(&db->error, LEDGER_CLOSED, "account %s is closed", account_label(account));
  if (rc == LEDGER_OK) rc = admin_read_limits(db, operation->asked, account, &limits);
  if (rc == LEDGER_OK) {
    int64_t key = account->key == 0 ? account_next_key(db) : account->key;
    rc = admin_detail(db, account->name, key, &limits, journal);
  }
  if (rc != LEDGER_OK) return rc;
  limits.account = account;
  journal->account = account;
  journal->entity_type = account->class == ACCOUNT_PLAIN ? "accounts" : "portfolio";
  journal->entity_id = account->owner;
  journal->audit_old = admin_image(db, account->overdraft_limit, account->min_balance,
                                   account->max_balance, account->scale);
  journal->audit_new = admin_image(db, limits.overdraft_limit, limits.min_balance,
                                   limits.max_balance, account->scale);
  journal->after = admin_write_limits;
  journal->after_context = admin_keep(db, &limits, sizeof limits);
  bool is_whole =
      journal->audit_old != NULL && journal->audit_new != NULL && journal->after_context != NULL;
  return is_whole ? LEDGER_OK : error_memory(&db->error);
}

/* ---- status */

static const char *admin_status_word(enum ledger_operation_kind kind) {
  switch (kind) {
  case LEDGER_OP_FREEZE: return "frozen";
  case LEDGER_OP_SUSPEND: return "suspended";
  case LEDGER_OP_CLOSE: return "closed";
  default: return "active";
  }
}

static const char *admin_status_image(ledger *db, const char *status) {
  char image[40];
  sqlite3_snprintf((int)sizeof image, image, "{\"status\": \"%s\"}", status);
  return arena_copy(&db->arena, image, strlen(image));
}

/* So that a repeated operation finds the account again: {"account": "ID"} */
static const char *admin_account(ledger *db, const struct account *account) {
  char text[120];
  sqlite3_snprintf((int)sizeof text, text, "{\"account\": \"%s\"}", account->name);
  return arena_copy(&db->arena, text, strlen(text));
}

static int admin_write_status(ledger *db, struct journal *journal, void *context) {
  const char *status = context;
  struct account *account = journal->account;
  sqlite3_snprintf((int)sizeof account->status, account->status, "%s", status);
  return account_write_status(db, account);
}

LEDGER_PRIVATE int admin_status(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  const char *status = admin_status_word(operation->asked->kind);
  struct account *account;
  int rc = account_find(db, operation->asked->account, &account);
  if (rc != LEDGER_OK) return rc;
  if (account->class != ACCOUNT_PLAIN) {
    return error_set(&db->error, LEDGER_WRONG_STATE,
                     "%s is not a row of accounts: it has no status", account_label(account));
  }
  if (strcmp(account->status, "closed") == 0)
    return error_set(&db->error, LEDGER_CLOSED, "account %s is closed", account_label(account));
  if (strcmp(account->status, status) == 0) {
    return error_set(&db->error, LEDGER_WRONG_STATE, "account %s is %s already",
                     account_label(account), status);
  }
  bool is_empty = account->balance == 0 && account->held == 0 && account->expected == 0;
  if (operation->asked->kind == LEDGER_OP_CLOSE && !is_empty) {
    char balance[MONEY_TEXT_MAX], held[MONEY_TEXT_MAX];
    money_text(account->balance, account->scale, balance);
    money_text(account->held, account->scale, held);
    error_set(&db->error, LEDGER_NOT_EMPTY, "account %s has a balance of %s %s, %s of it held",
              account_label(account), balance, account->currency, held);
    if (account->expected != 0) error_detail(&db->error, "A hold of another account is for it.");
    return LEDGER_NOT_EMPTY;
  }
  journal->account = account;
  journal->entity_type = "accounts";
  journal->entity_id = account->owner;
  journal->audit_old = admin_status_image(db, account->status);
  journal->audit_new = admin_status_image(db, status);
  journal->detail = admin_account(db, account);
  journal->after = admin_write_status;
  journal->after_context = admin_keep(db, status, strlen(status) + 1);
  bool is_whole = journal->audit_old != NULL && journal->audit_new != NULL &&
                  journal->detail != NULL && journal->after_context != NULL;
  return is_whole ? LEDGER_OK : error_memory(&db->error);
}

/* ---- opening */

struct admin_opening {
  char id[37], user_id[37], number[52], currency[4];
  const char *type;
  struct admin_limits limits;
};

/* WS and twelve digits, at random. */
static void admin_mint_number(char out[52]) {
  uint64_t random;
  seal_random(&random, sizeof random);
  sqlite3_snprintf(52, out, "WS%012llu", (unsigned long long)(random % 1000000000000u));
}

/* A number must lead to its account alone: it may not look like another kind of name. */
static int admin_check_number(ledger *db, const char *number) {
  static const struct type uuid = {.id = TYPE_UUID, .length = -1};
  struct value value;
  if (strlen(number) > 50)
    return error_set(&db->error, LEDGER_BAD_OPERATION, "\"number\" is longer than 50 bytes");
  if (strncmp(number, "portfolio:", 10) != 0 && strncmp(number, "system:", 7) != 0 &&
      type_input(&uuid, number, strlen(number), &db->arena, &value, NULL) != LEDGER_OK)
    return LEDGER_OK;
  return error_set(&db->error, LEDGER_BAD_OPERATION,
                   "number \"%s\" looks like the name of another account", number);
}

static int admin_check_currency(ledger *db, const char *currency) {
  bool is_code = strlen(currency) == 3;
  for (int i = 0; is_code && i < 3; i++) is_code = currency[i] >= 'A' && currency[i] <= 'Z';
  if (is_code) return LEDGER_OK;
  return error_set(&db->error, LEDGER_BAD_OPERATION,
                   "currency \"%.40s\" is not three capital letters", currency);
}

static int admin_user(ledger *db, const char *user, char out[37]) {
  static const struct type uuid = {.id = TYPE_UUID, .length = -1};
  struct value value;
  if (user == NULL) return LEDGER_OK;
  int rc = type_input(&uuid, user, strlen(user), &db->arena, &value, &db->error);
  if (rc == LEDGER_OK) memcpy(out, value.text, 37);
  return rc;
}

static int admin_write_opening(ledger *db, struct journal *journal, void *context) {
  struct admin_opening *opening = context;
  struct admin_limits *limits = &opening->limits;
  int rc = account_write_opened(db, opening->id, opening->user_id, opening->number, opening->type,
                                opening->currency);
  if (rc == LEDGER_OK) rc = account_find(db, opening->id, &limits->account);
  if (rc != LEDGER_OK) return rc;
  journal->account = limits->account;
  limits->account->overdraft_limit = limits->overdraft_limit;
  limits->account->min_balance = limits->min_balance;
  limits->account->max_balance = limits->max_balance;
  return account_write_limits(db, limits->account);
}

/* The new row as the audit trail shows it, in jsonb's order. */
static const char *admin_opening_image(ledger *db, const struct admin_opening *opening) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  sqlite3_str_appendall(out, "{\"status\": \"active\", ");
  if (opening->user_id[0] != 0) sqlite3_str_appendf(out, "\"user_id\": \"%s\", ", opening->user_id);
  sqlite3_str_appendf(out, "\"currency\": \"%s\", \"account_type\": ", opening->currency);
  json_quote(out, opening->type, strlen(opening->type));
  sqlite3_str_appendall(out, ", \"account_number\": ");
  json_quote(out, opening->number, strlen(opening->number));
  sqlite3_str_appendall(out, "}");
  char *text = sqlite3_str_finish(out);
  const char *copy = text == NULL ? NULL : arena_copy(&db->arena, text, strlen(text));
  sqlite3_free(text);
  return copy;
}

LEDGER_PRIVATE int admin_open(ledger *db, const struct operation *operation,
                              struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  const struct relation *accounts = book_tables(db)->accounts;
  int rc = book_need(db, accounts, "accounts");
  if (rc == LEDGER_OK) rc = admin_check_currency(db, asked->currency);
  if (rc != LEDGER_OK) return rc;
  struct admin_opening *opening = arena_alloc(&db->arena, sizeof *opening);
  if (opening == NULL) return error_memory(&db->error);
  memset(opening, 0, sizeof *opening);
  memcpy(opening->currency, asked->currency, sizeof opening->currency);
  opening->type = asked->type == NULL ? "checking" : asked->type;
  if (asked->number == NULL) {
    admin_mint_number(opening->number);
  } else {
    rc = admin_check_number(db, asked->number);
    if (rc != LEDGER_OK) return rc;
    memcpy(opening->number, asked->number, strlen(asked->number) + 1);
  }
  rc = admin_user(db, asked->user, opening->user_id);
  if (rc != LEDGER_OK) return rc;
  journal_row_id(journal->id, 1, opening->id);
  /* Limits are read at the scale that the account will have. */
  const struct type *balance = &accounts->columns[catalog_column(accounts, "balance", 7)].type;
  struct account measure = {.scale = balance->scale, .maximum = money_power(balance->length) - 1};
  rc = admin_read_limits(db, asked, &measure, &opening->limits);
  if (rc == LEDGER_OK)
    rc = admin_detail(db, opening->id, account_next_key(db), &opening->limits, journal);
  if (rc != LEDGER_OK) return rc;
  journal->detail = journal_detail(db, journal->detail, "{\"table\": \"accounts\"}");
  journal->audit_new = admin_opening_image(db, opening);
  journal->entity_type = "accounts";
  journal->entity_id = opening->id;
  journal->after = admin_write_opening;
  journal->after_context = opening;
  bool is_whole = journal->detail != NULL && journal->audit_new != NULL;
  return is_whole ? LEDGER_OK : error_memory(&db->error);
}
