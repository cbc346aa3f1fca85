/*
** verify_detail.c: what a journal says of itself in its detail, computed again: fees, exchanges, trades; the limits that it set (V5);
** and what is left of holds and reversed operations (V8).
*/
#include "../internal.h"
#include "verify.h"

/* ---- reading a detail */

static int detail_value(struct verify *verify, struct json *json, enum json_token token,
                        struct verify_member *member) {
  size_t length;
  if (member != NULL && token == JSON_STRING) {
    const char *text; /* may lie in the document, without a NUL behind it */
    int rc = json_decode(&verify->db->arena, json, &text, &length, &verify->db->error);
    if (rc == LEDGER_OK) member->text = arena_copy(&verify->db->arena, text, length);
    return rc == LEDGER_OK && member->text == NULL ? error_memory(&verify->db->error) : rc;
  }
  if (member != NULL && token == JSON_NUMBER) {
    member->text = arena_copy(&verify->db->arena, json->token, json->token_length);
    return member->text == NULL ? error_memory(&verify->db->error) : LEDGER_OK;
  }
  if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(json, &length))
    return LEDGER_INVALID_TEXT;
  return LEDGER_OK;
}

/* The members of the object that the scanner is in. */
static int detail_members(struct verify *verify, struct json *json, struct verify_member *members,
                          int count) {
  enum json_token token;
  int rc = LEDGER_OK;
  while (rc == LEDGER_OK && (token = json_next(json)) == JSON_KEY) {
    struct verify_member *member = NULL;
    for (int i = 0; i < count && member == NULL; i++) {
      if (strlen(members[i].name) == json->token_length &&
          memcmp(members[i].name, json->token, json->token_length) == 0)
        member = &members[i];
    }
    rc = detail_value(verify, json, json_next(json), member);
  }
  return rc;
}

LEDGER_PRIVATE int verify_object(struct verify *verify, const char *detail, const char *name,
                                 struct verify_member *members, int count, bool *found) {
  struct json json;
  size_t length;
  *found = false;
  for (int i = 0; i < count; i++) members[i].text = NULL;
  if (detail == NULL) return LEDGER_OK;
  json_start(&json, detail, strlen(detail));
  if (json_next(&json) != JSON_OBJECT) return LEDGER_OK;
  while (json_next(&json) == JSON_KEY) {
    bool is_it =
        json.token_length == strlen(name) && memcmp(json.token, name, json.token_length) == 0;
    enum json_token token = json_next(&json);
    if (is_it && token == JSON_OBJECT) {
      *found = true;
      int rc = detail_members(verify, &json, members, count);
      return rc == LEDGER_MEMORY ? rc : LEDGER_OK;
    }
    if ((token == JSON_OBJECT || token == JSON_ARRAY) && !json_skip(&json, &length)) break;
  }
  return LEDGER_OK;
}

static void detail_break(struct verify *verify, const struct verify_journal *journal,
                         const char *message) {
  verify_break(verify, "V8", "ledger_journal", journal->id, journal->seq, "%s", message);
}

/* An amount and the digits that it has after the point. */
static bool detail_amount(const char *text, int64_t *amount, int *digits) {
  if (text == NULL) return false;
  const char *point = strchr(text, '.');
  *digits = point == NULL ? 0 : (int)strlen(point + 1);
  return *digits <= 18 &&
         money_read(text, strlen(text), *digits, *digits, amount, NULL) == LEDGER_OK;
}

/* Digits that amounts have on the first customer's account of this scale, of `currency` if that is given: all of a portfolio's, else
** those of the currency. */
static int detail_digits(const struct verify *verify, const struct verify_journal *journal,
                         const char *currency, int scale) {
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_identity *who = &journal->entries[i].who;
    if (who->unit < 0 || who->class == ACCOUNT_SYSTEM) continue;
    const struct head_unit *unit = &verify->units.items[who->unit];
    if (unit->scale != scale || (currency != NULL && strcmp(unit->currency, currency) != 0))
      continue;
    int digits = money_digits(unit->currency);
    return who->class == ACCOUNT_PORTFOLIO || digits > scale ? scale : digits;
  }
  return scale;
}

static bool detail_integer(const char *text, int64_t *out) {
  return text != NULL && money_read(text, strlen(text), 0, 0, out, NULL) == LEDGER_OK;
}

/* Has the journal a posted entry of this amount: on a system account of that name, or, without one, on a customer's? */
static bool detail_is_posted(const struct verify *verify, const struct verify_journal *journal,
                             const char *system, const char *currency, int64_t amount, int digits) {
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    int64_t units;
    if (entry->layer != LAYER_POSTED || entry->who.unit < 0) continue;
    const struct head_unit *unit = &verify->units.items[entry->who.unit];
    if (currency != NULL && strcmp(unit->currency, currency) != 0) continue;
    if ((entry->who.class == ACCOUNT_SYSTEM) != (system != NULL)) continue;
    if (system != NULL &&
        strncmp((const char *)entry->who.owner, system, sizeof entry->who.owner) != 0)
      continue;
    if (money_rescale(amount, digits, unit->scale, &units) == LEDGER_OK && units == entry->amount)
      return true;
  }
  return false;
}

/* ---- fees: {"fee":{"type":..,"base":..,"percentage":..,"flat":..,"minimum":..,"maximum":..,"rounding":..,"amount":..,"before":..}} */

static int detail_fee(struct verify *verify, const struct verify_journal *journal) {
  enum { BASE, PERCENTAGE, FLAT, MINIMUM, MAXIMUM, ROUNDING, AMOUNT, BEFORE, COUNT };
  struct verify_member members[COUNT] = {
      {"base", NULL},    {"percentage", NULL}, {"flat", NULL},   {"minimum", NULL},
      {"maximum", NULL}, {"rounding", NULL},   {"amount", NULL}, {"before", NULL}};
  bool found;
  int64_t base, amount, before = 0, fee;
  int base_digits, digits, before_digits;
  int rc = verify_object(verify, journal->detail, "fee", members, COUNT, &found);
  if (rc != LEDGER_OK || !found) return rc;
  int rounding = members[ROUNDING].text == NULL ? -1 : money_rounding(members[ROUNDING].text);
  if (rounding < 0 || !detail_amount(members[BASE].text, &base, &base_digits) ||
      !detail_amount(members[AMOUNT].text, &amount, &digits) || digits != base_digits ||
      (members[BEFORE].text != NULL &&
       (!detail_amount(members[BEFORE].text, &before, &before_digits) ||
        before_digits != digits))) {
    detail_break(verify, journal, "the fee is not described as the book does it");
    return LEDGER_OK;
  }
  rc = fee_formula(base, digits, detail_digits(verify, journal, NULL, digits),
                   members[PERCENTAGE].text, members[FLAT].text, members[MINIMUM].text,
                   members[MAXIMUM].text, (enum money_rounding)rounding, &fee, NULL);
  if (rc != LEDGER_OK || verify_add(fee, -before) != amount)
    detail_break(verify, journal, "the fee is another one when it is computed again");
  bool is_agreed = journal->kind == LEDGER_OP_ORDER || journal->kind == LEDGER_OP_PAYOUT;
  if (!is_agreed && amount != 0 && !detail_is_posted(verify, journal, "fees", NULL, amount, digits))
    detail_break(verify, journal, "the fee was not posted");
  return LEDGER_OK;
}

/* ---- exchanges: {"rate":{"from":..,"to":..,"rate":..,"rounding":..,"paid":..,"received":..}} */

static int detail_rate(struct verify *verify, const struct verify_journal *journal) {
  enum { FROM, TO, RATE, ROUNDING, PAID, RECEIVED, COUNT };
  struct verify_member members[COUNT] = {{"from", NULL},     {"to", NULL},   {"rate", NULL},
                                         {"rounding", NULL}, {"paid", NULL}, {"received", NULL}};
  bool found;
  int64_t paid, received, gives = 0;
  int paid_digits, digits;
  int rc = verify_object(verify, journal->detail, "rate", members, COUNT, &found);
  if (rc != LEDGER_OK || !found) return rc;
  int rounding = members[ROUNDING].text == NULL ? -1 : money_rounding(members[ROUNDING].text);
  if (rounding < 0 || members[RATE].text == NULL || members[FROM].text == NULL ||
      members[TO].text == NULL || !detail_amount(members[PAID].text, &paid, &paid_digits) ||
      !detail_amount(members[RECEIVED].text, &received, &digits)) {
    detail_break(verify, journal, "the exchange is not described as the book does it");
    return LEDGER_OK;
  }
  rc = exchange_formula(paid, paid_digits, members[RATE].text, digits,
                        detail_digits(verify, journal, members[TO].text, digits),
                        (enum money_rounding)rounding, &gives, NULL);
  if (rc != LEDGER_OK || gives != received)
    detail_break(verify, journal, "the exchange gives another amount when it is computed again");
  if (!detail_is_posted(verify, journal, NULL, members[FROM].text, -paid, paid_digits) ||
      !detail_is_posted(verify, journal, NULL, members[TO].text, received, digits))
    detail_break(verify, journal, "the exchange was not posted as it was computed");
  return LEDGER_OK;
}

/* ---- limits: {"limits":{"account":7,"overdraft_limit":0,"min_balance":0,"max_balance":null}} */

static int detail_limits(struct verify *verify, const struct verify_journal *journal,
                         bool is_first) {
  enum { ACCOUNT, OVERDRAFT, LEAST, MOST, COUNT };
  struct verify_member members[COUNT] = {
      {"account", NULL}, {"overdraft_limit", NULL}, {"min_balance", NULL}, {"max_balance", NULL}};
  struct verify_identity who;
  struct verify_account *account;
  bool found;
  int64_t key, overdraft, least, most = INT64_MAX;
  int rc = verify_object(verify, journal->detail, "limits", members, COUNT, &found);
  if (rc != LEDGER_OK || !found) return rc;
  if (!detail_integer(members[ACCOUNT].text, &key) ||
      !detail_integer(members[OVERDRAFT].text, &overdraft) ||
      !detail_integer(members[LEAST].text, &least) ||
      (members[MOST].text != NULL && !detail_integer(members[MOST].text, &most))) {
    if (is_first) detail_break(verify, journal, "the limits are not described as the book does it");
    return LEDGER_OK;
  }
  rc = verify_identify(verify, key, &who, &account);
  if (rc == LEDGER_OK && who.unit < 0 && is_first)
    verify_break(verify, "V5", "ledger_journal", journal->id, journal->seq,
                 "there is no account number %lld whose limits these are", (long long)key);
  if (account == NULL) return rc;
  account->overdraft_limit = overdraft;
  account->min_balance = least;
  account->max_balance = most;
  return rc;
}

LEDGER_PRIVATE int verify_detail(struct verify *verify, const struct verify_journal *journal,
                                 bool is_first) {
  if (journal->outcome != LEDGER_OK) return LEDGER_OK;
  int rc = LEDGER_OK;
  if (journal->kind == LEDGER_OP_OPEN || journal->kind == LEDGER_OP_LIMITS)
    rc = detail_limits(verify, journal, is_first);
  if (!is_first || rc != LEDGER_OK) return rc;
  rc = detail_fee(verify, journal);
  return rc == LEDGER_OK ? detail_rate(verify, journal) : rc;
}

/* ---- remainders */

LEDGER_PRIVATE int verify_remainders_load(struct verify *verify, int64_t journal) {
  verify->remainder_count = 0;
  sqlite3_stmt *stmt = statement_fixed(verify->db, STATEMENT_VERIFY_REMAINDERS);
  if (stmt == NULL) return verify_trouble(verify, verify->db->error.code);
  sqlite3_bind_int64(stmt, 1, journal);
  sqlite3_bind_int(stmt, 2, VERIFY_REMAINDERS);
  bool has_row;
  int rc;
  while ((rc = verify_step(verify, stmt, &has_row)) == LEDGER_OK && has_row) {
    verify->remainder[verify->remainder_count++] =
        (struct verify_remainder){.journal = sqlite3_column_int64(stmt, 0),
                                  .amount = sqlite3_column_int64(stmt, 1),
                                  .settled = sqlite3_column_int64(stmt, 2),
                                  .released = sqlite3_column_int64(stmt, 3)};
  }
  sqlite3_reset(stmt);
  return rc;
}

static struct verify_remainder *detail_remainder(struct verify *verify, int64_t journal) {
  int low = 0, high = verify->remainder_count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (verify->remainder[middle].journal < journal)
      low = middle + 1;
    else
      high = middle;
  }
  bool found = low < verify->remainder_count && verify->remainder[low].journal == journal;
  return found ? &verify->remainder[low] : NULL;
}

/* The posted entry that a reversal or a capture settles by: the first of a customer's account. A fee's two entries follow. */
static int64_t detail_first_posted(const struct verify_journal *journal) {
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->layer == LAYER_POSTED && entry->who.unit >= 0 && entry->who.class != ACCOUNT_SYSTEM)
      return entry->amount;
  }
  return 0;
}

/* What was held and is given back, and what left the account that it was held on. */
static void detail_held(const struct verify_journal *journal, int64_t *given_back, int64_t *left) {
  int64_t account_key = 0;
  *given_back = *left = 0;
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->layer != LAYER_HELD || entry->amount < 0) continue;
    account_key = entry->account_key;
    *given_back = verify_add(*given_back, entry->amount);
  }
  for (int i = 0; i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->layer == LAYER_POSTED && entry->account_key == account_key)
      *left = verify_add(*left, -entry->amount);
  }
}

LEDGER_PRIVATE void verify_parent(struct verify *verify, const struct verify_journal *journal) {
  struct verify_remainder *remainder = detail_remainder(verify, journal->parent);
  int64_t given_back, left, settled = 0, released = 0;
  if (remainder == NULL || journal->outcome != LEDGER_OK) return;
  detail_held(journal, &given_back, &left);
  switch (journal->kind) {
  case LEDGER_OP_REVERSE:
    settled = detail_first_posted(journal);
    if (settled < 0) settled = -settled;
    break;
  case LEDGER_OP_CAPTURE: /* a fee is charged besides */
    settled = -detail_first_posted(journal);
    released = verify_add(given_back, -settled);
    break;
  case LEDGER_OP_FILL:
  case LEDGER_OP_COMPLETE: /* the fee is held, too */
    settled = left;
    released = verify_add(given_back, -settled);
    break;
  default: released = given_back;
  }
  remainder->taken = verify_add(remainder->taken, settled);
  remainder->given_back = verify_add(remainder->given_back, released);
}

LEDGER_PRIVATE void verify_remainders_compare(struct verify *verify) {
  for (int i = 0; i < verify->remainder_count; i++) {
    const struct verify_remainder *remainder = &verify->remainder[i];
    int64_t used = verify_add(remainder->settled, remainder->released);
    if (remainder->settled != remainder->taken || remainder->released != remainder->given_back)
      verify_break(verify, "V8", "ledger_remainder", NULL, remainder->journal,
                   "%lld settled and %lld released, by the journals %lld and %lld",
                   (long long)remainder->settled, (long long)remainder->released,
                   (long long)remainder->taken, (long long)remainder->given_back);
    if (remainder->settled < 0 || remainder->released < 0 || used > remainder->amount)
      verify_break(verify, "V8", "ledger_remainder", NULL, remainder->journal,
                   "more is settled or released than there is");
  }
}

static bool detail_holds(const struct verify_journal *journal) {
  return journal->outcome == LEDGER_OK &&
         (journal->kind == LEDGER_OP_HOLD || journal->kind == LEDGER_OP_ORDER ||
          journal->kind == LEDGER_OP_PAYOUT);
}

LEDGER_PRIVATE void verify_remainder_own(struct verify *verify,
                                         const struct verify_journal *journal, bool is_first) {
  bool holds = detail_holds(journal);
  int64_t amount = 0;
  if (!holds && !journal->has_remainder) return;
  for (int i = 0; holds && i < journal->entry_count; i++) {
    const struct verify_entry *entry = &journal->entries[i];
    if (entry->layer != LAYER_HELD || entry->amount >= 0) continue;
    amount = -entry->amount;
    if (entry->account != NULL && journal->has_remainder)
      entry->account->open =
          verify_add(entry->account->open,
                     verify_add(journal->amount, -verify_add(journal->settled, journal->released)));
  }
  if (!holds) amount = detail_first_posted(journal);
  if (amount < 0) amount = -amount;
  if (is_first && !journal->has_remainder)
    verify_break(verify, "V8", "ledger_remainder", journal->id, journal->seq,
                 "what is left of the hold is not there");
  else if (is_first && journal->amount != amount)
    verify_break(verify, "V8", "ledger_remainder", journal->id, journal->seq,
                 "the amount is %lld, the journal has %lld", (long long)journal->amount,
                 (long long)amount);
}
