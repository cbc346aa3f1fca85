/*
** exchange.c: one currency into another, at the newest rate of exchange_rates for that direction. The book's own account
** system:exchange takes the one and gives the other, so that each currency sums to zero by itself.
*/
#include "../internal.h"

#define EXCHANGE_RATE_SCALE 8 /* digits after the point that a rate may have */

struct exchange_rate { /* texts in the arena; NULL where the column is null */
  const char *id, *rate, *quoted_at, *source;
};

/* The newest rate of the pair at a moment. NO_RATE: the rate of the other direction is not turned round. */
static int exchange_find(ledger *db, const char *from, const char *to, int64_t moment_us,
                         struct exchange_rate *out) {
  const struct relation *rates = book_tables(db)->exchange_rates;
  char time[MOMENT_TEXT_MAX];
  int rc = book_need(db, rates, "exchange_rates");
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_RATE_NEWEST);
  if (stmt == NULL) return db->error.code;
  enum type_id time_type = rates->columns[catalog_column(rates, "quoted_at", 9)].type.id;
  size_t time_length = moment_text(time_type, moment_us + MOMENT_UNIX_EPOCH, time);
  const char **columns[] = {&out->id, &out->rate, &out->quoted_at, &out->source};
  sqlite3_bind_text(stmt, 1, from, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, to, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 3, time, (int)time_length, SQLITE_STATIC);
  rc = statement_step(db, stmt);
  if (rc == LEDGER_DONE)
    rc = error_set(&db->error, LEDGER_NO_RATE, "exchange_rates has no rate from %s to %s at %s",
                   from, to, time);
  if (rc == LEDGER_ROW) rc = LEDGER_OK;
  for (int i = 0; rc == LEDGER_OK && i < 4; i++) rc = statement_text(db, stmt, i, columns[i]);
  sqlite3_reset(stmt);
  return rc;
}

LEDGER_PRIVATE int exchange_formula(int64_t paid, int paid_scale, const char *rate, int scale,
                                    int digits, enum money_rounding rounding, int64_t *received,
                                    ledger_error *error) {
  int64_t units, whole;
  int rc = money_read(rate, strlen(rate), EXCHANGE_RATE_SCALE, EXCHANGE_RATE_SCALE, &units, error);
  if (rc != LEDGER_OK) return rc;
  if (units <= 0)
    return error_set(error, LEDGER_NOT_POSITIVE, "the rate %s is not greater than zero", rate);
  int power = paid_scale + EXCHANGE_RATE_SCALE - digits;
  if (power < 0 || power > 18) /* beyond all currencies that we know, which have at most eight */
    return error_set(error, LEDGER_WRONG_SCALE, "amounts of %d and %d digits after the point",
                     paid_scale, digits);
  /* Rounded to the digits that the currency has: yen are whole, whatever the column holds. */
  rc = money_multiply(paid, units, money_power(power), rounding, &whole);
  if (rc == LEDGER_OK) rc = money_rescale(whole, digits, scale, received);
  return rc == LEDGER_OK ? rc : error_set(error, rc, "the amount received is out of range");
}

LEDGER_PRIVATE int exchange_rate(ledger *db, const char *from, const char *to, int64_t moment_us,
                                 const char **out) {
  struct exchange_rate rate;
  int rc = exchange_find(db, from, to, moment_us, &rate);
  if (rc == LEDGER_OK) *out = rate.rate;
  return rc;
}

/* What the journal's amount gives, in units of the receiver's scale. */
static int exchange_give(ledger *db, const struct exchange_rate *rate, struct journal *journal,
                         enum money_rounding rounding) {
  const struct account *from = journal->account, *to = journal->received_account;
  ledger_error problem;
  int rc = exchange_formula(journal->amount, from->scale, rate->rate, to->scale, to->digits,
                            rounding, &journal->received, &problem);
  if (rc == LEDGER_OK) return rc;
  return error_set(&db->error, rc, "exchange_rates %s: %s", rate->id, problem.message);
}

static const char *exchange_detail(ledger *db, const struct exchange_rate *rate,
                                   const struct journal *journal, enum money_rounding rounding) {
  const struct account *from = journal->account, *to = journal->received_account;
  char paid[MONEY_TEXT_MAX], received[MONEY_TEXT_MAX];
  money_text(journal->amount, from->scale, paid);
  money_text(journal->received, to->scale, received);
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"rate\":{");
  json_member(json, "id", rate->id);
  json_member(json, "from", from->currency);
  json_member(json, "to", to->currency);
  json_member(json, "rate", rate->rate);
  json_member(json, "quoted_at", rate->quoted_at);
  json_member(json, "source", rate->source);
  json_member(json, "rounding", money_rounding_word(rounding));
  json_member(json, "paid", paid);
  json_member(json, "received", received);
  sqlite3_str_appendall(json, "}}");
  return arena_finish(&db->arena, json);
}

/* The two accounts and the amount that is given. */
static int exchange_sides(ledger *db, const ledger_operation *asked, struct account **from,
                          struct account **to, int64_t *amount) {
  int rc = account_find(db, asked->from, from);
  if (rc == LEDGER_OK) rc = account_find(db, asked->to, to);
  if (rc != LEDGER_OK) return rc;
  if (*from == *to)
    return error_set(&db->error, LEDGER_SAME_ACCOUNT, "account %s would pay itself",
                     account_label(*from));
  if (strcmp((*from)->currency, (*to)->currency) == 0)
    return error_set(&db->error, LEDGER_WRONG_CURRENCY,
                     "accounts %s and %s are both in %s: nothing is to be exchanged",
                     account_label(*from), account_label(*to), (*to)->currency);
  return operation_amount(db, asked->amount, asked->currency, *from, amount);
}

/* Is what would be received more than nothing, and at least what is asked for? */
static int exchange_check(ledger *db, const struct journal *journal, const char *least_asked) {
  const struct account *from = journal->account, *to = journal->received_account;
  char paid[MONEY_TEXT_MAX], received[MONEY_TEXT_MAX];
  money_text(journal->amount, from->scale, paid);
  money_text(journal->received, to->scale, received);
  if (journal->received == 0)
    return error_set(&db->error, LEDGER_NOT_POSITIVE, "%s %s give %s %s at the rate %s", paid,
                     from->currency, received, to->currency, journal->rate);
  int64_t least = 0;
  int rc = LEDGER_OK;
  if (least_asked != NULL) rc = operation_amount(db, least_asked, NULL, to, &least);
  if (rc != LEDGER_OK || journal->received >= least) return rc;
  return error_set(&db->error, LEDGER_CONDITION_FAILED,
                   "%s %s give %s %s at the rate %s, at least %s is asked for", paid,
                   from->currency, received, to->currency, journal->rate, least_asked);
}

static int exchange_legs(ledger *db, struct journal *journal) {
  struct account *from = journal->account, *to = journal->received_account;
  struct account *taken, *given;
  int rc = account_system(db, "exchange", from->currency, from->scale, &taken);
  if (rc == LEDGER_OK) rc = account_system(db, "exchange", to->currency, to->scale, &given);
  if (rc != LEDGER_OK) return rc;
  journal_leg(journal, from, LAYER_POSTED, -journal->amount);
  journal_leg(journal, taken, LAYER_POSTED, journal->amount);
  journal_leg(journal, given, LAYER_POSTED, -journal->received);
  journal_leg(journal, to, LAYER_POSTED, journal->received);
  return LEDGER_OK;
}

static void exchange_row(struct journal *journal, struct account *account, int64_t amount,
                         const char *suffix, const char *direction, const ledger_operation *asked) {
  const char *type = account->class == ACCOUNT_PORTFOLIO ? "trade" : "exchange";
  struct journal_row *row =
      journal_row(journal, account, type, amount, "completed", suffix, direction);
  row->description = asked->description;
  row->metadata = asked->metadata;
}

LEDGER_PRIVATE int exchange_change(ledger *db, const struct operation *operation,
                                   struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *from, *to;
  struct exchange_rate rate;
  int rc = exchange_sides(db, asked, &from, &to, &journal->amount);
  if (rc != LEDGER_OK) return rc;
  int64_t moment_us = operation->effective_us != 0 ? operation->effective_us : journal->created_us;
  rc = exchange_find(db, from->currency, to->currency, moment_us, &rate);
  if (rc != LEDGER_OK) return rc;
  journal->account = from;
  journal->received_account = to;
  journal->rate = rate.rate;
  rc = exchange_give(db, &rate, journal, operation->rounding);
  if (rc == LEDGER_OK) rc = exchange_check(db, journal, asked->least);
  if (rc == LEDGER_OK) rc = exchange_legs(db, journal);
  if (rc != LEDGER_OK) return rc;
  exchange_row(journal, from, journal->amount, "", "debit", asked);
  exchange_row(journal, to, journal->received, ".X1", "credit", asked);
  journal->detail = exchange_detail(db, &rate, journal, operation->rounding);
  if (journal->detail == NULL) return error_memory(&db->error);
  if (asked->fee == NULL) return LEDGER_OK;
  return fee_add(db, journal, asked->fee, from, journal->amount, operation->rounding);
}

#undef EXCHANGE_RATE_SCALE
