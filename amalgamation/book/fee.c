/*
** fee.c: fees, charged by themselves or beside another operation. What a fee costs is the newest active row of fee_config for
** its type and the account's currency; what it was computed from is kept in the journal's detail, so that it can be
** computed again when the row has changed.
*/
#include "../internal.h"

/* Percent with this many digits: what fee_config holds, and room for finer ones. */
#define FEE_PERCENT_SCALE 8
#define FEE_PERCENT_WHOLE (100 * money_power(FEE_PERCENT_SCALE)) /* 100 percent */

/* ---- the formula */

/* A part of the formula, 0 where it is null. */
static int fee_part(const char *name, const char *text, int scale, int64_t *out,
                    ledger_error *error) {
  *out = 0;
  if (text == NULL) return LEDGER_OK;
  int rc = money_read(text, strlen(text), scale, scale, out, error);
  if (rc == LEDGER_WRONG_SCALE)
    return error_set(error, rc, "%s %s has more than %d digits after the point", name, text, scale);
  if (rc == LEDGER_OK && *out < 0)
    return error_set(error, LEDGER_NOT_POSITIVE, "%s %s is negative", name, text);
  return rc;
}

LEDGER_PRIVATE int fee_formula(int64_t amount, int scale, int digits, const char *percentage,
                               const char *flat, const char *minimum, const char *maximum,
                               enum money_rounding rounding, int64_t *fee, ledger_error *error) {
  int64_t base, percent, fixed, least, most, part = 0;
  /* In the digits that the currency has: a fee of yen is a whole number, whatever the column holds. */
  int rc = money_rescale(amount, scale, digits, &base);
  if (rc != LEDGER_OK)
    return error_set(error, rc, "the amount has more than %d digits after the point", digits);
  rc = fee_part("percentage_fee", percentage, FEE_PERCENT_SCALE, &percent, error);
  if (rc == LEDGER_OK) rc = fee_part("flat_fee", flat, digits, &fixed, error);
  if (rc == LEDGER_OK) rc = fee_part("minimum_amount", minimum, digits, &least, error);
  if (rc == LEDGER_OK) rc = fee_part("maximum_amount", maximum, digits, &most, error);
  if (rc != LEDGER_OK) return rc;
  rc = money_multiply(base, percent, FEE_PERCENT_WHOLE, rounding, &part);
  if (part < least) part = least;
  if (maximum != NULL && part > most) part = most;
  if (rc == LEDGER_OK && __builtin_add_overflow(part, fixed, &part)) rc = LEDGER_AMOUNT_RANGE;
  if (rc == LEDGER_OK) rc = money_rescale(part, digits, scale, fee);
  return rc == LEDGER_OK ? rc : error_set(error, rc, "the fee is out of range");
}

/* ---- fee_config */

struct fee_config { /* texts in the arena; NULL where the column is null */
  const char *id, *percentage, *flat, *minimum, *maximum;
};

/* The row that counts for a type and a currency. NO_FEE. */
static int fee_find(ledger *db, const char *fee_type, const char *currency,
                    struct fee_config *out) {
  int rc = book_need(db, book_tables(db)->fee_config, "fee_config");
  if (rc != LEDGER_OK) return rc;
  sqlite3_stmt *stmt = statement_fixed(db, STATEMENT_FEE_NEWEST);
  if (stmt == NULL) return db->error.code;
  const char **columns[] = {&out->id, &out->percentage, &out->flat, &out->minimum, &out->maximum};
  sqlite3_bind_text(stmt, 1, fee_type, -1, SQLITE_STATIC);
  sqlite3_bind_text(stmt, 2, currency, -1, SQLITE_STATIC);
  rc = statement_step(db, stmt);
  if (rc == LEDGER_DONE)
    rc = error_set(&db->error, LEDGER_NO_FEE, "fee_config has no active fee \"%.50s\" in %s",
                   fee_type, currency);
  if (rc == LEDGER_ROW) rc = LEDGER_OK;
  for (int i = 0; rc == LEDGER_OK && i < 5; i++) rc = statement_text(db, stmt, i, columns[i]);
  sqlite3_reset(stmt);
  return rc;
}

/* ---- what builders call */

static const char *fee_detail(ledger *db, const char *fee_type, const struct fee_config *config,
                              const char *base, const char *charged, enum money_rounding rounding) {
  sqlite3_str *json = sqlite3_str_new(db->sqlite);
  sqlite3_str_appendall(json, "{\"fee\":{");
  json_member(json, "id", config->id);
  json_member(json, "type", fee_type);
  json_member(json, "base", base);
  json_member(json, "percentage", config->percentage);
  json_member(json, "flat", config->flat);
  json_member(json, "minimum", config->minimum);
  json_member(json, "maximum", config->maximum);
  json_member(json, "rounding", money_rounding_word(rounding));
  json_member(json, "amount", charged);
  sqlite3_str_appendall(json, "}}");
  return arena_finish(&db->arena, json);
}

LEDGER_PRIVATE int fee_compute(ledger *db, const char *fee_type, const struct account *payer,
                               int64_t amount, enum money_rounding rounding, int64_t *fee,
                               const char **detail) {
  struct fee_config config;
  ledger_error problem;
  int rc = fee_find(db, fee_type, payer->currency, &config);
  if (rc != LEDGER_OK) return rc;
  rc = fee_formula(amount, payer->scale, payer->digits, config.percentage, config.flat,
                   config.minimum, config.maximum, rounding, fee, &problem);
  if (rc != LEDGER_OK)
    return error_set(&db->error, rc, "fee_config %s: %s", config.id, problem.message);
  char base[MONEY_TEXT_MAX], charged[MONEY_TEXT_MAX];
  money_text(amount, payer->scale, base);
  money_text(*fee, payer->scale, charged);
  *detail = fee_detail(db, fee_type, &config, base, charged, rounding);
  return *detail == NULL ? error_memory(&db->error) : LEDGER_OK;
}

LEDGER_PRIVATE int fee_post(ledger *db, struct journal *journal, struct account *payer,
                            const char *type, const char *suffix, int64_t fee) {
  struct account *income;
  if (fee == 0) return LEDGER_OK;
  int rc = account_system(db, "fees", payer->currency, payer->scale, &income);
  if (rc != LEDGER_OK) return rc;
  journal_leg(journal, payer, LAYER_POSTED, -fee);
  journal_leg(journal, income, LAYER_POSTED, fee);
  journal_row(journal, payer, type, fee, "completed", suffix, "debit");
  return LEDGER_OK;
}

/* How a row calls a fee that is no trade's and no payout's: portfolio_transactions have no word of its own for it. */
static const char *fee_row_type(const struct account *payer) {
  return payer->class == ACCOUNT_PORTFOLIO ? "adjustment" : "fee";
}

LEDGER_PRIVATE int fee_add(ledger *db, struct journal *journal, const char *fee_type,
                           struct account *payer, int64_t amount, enum money_rounding rounding) {
  const char *detail;
  int rc = fee_compute(db, fee_type, payer, amount, rounding, &journal->fee, &detail);
  if (rc == LEDGER_OK) rc = fee_post(db, journal, payer, fee_row_type(payer), ".F1", journal->fee);
  if (rc != LEDGER_OK) return rc;
  journal->detail = journal_detail(db, journal->detail, detail);
  return journal->detail == NULL ? db->error.code : LEDGER_OK;
}

/* ---- the operation fee: with a fee_type the amount is what the fee is computed from, else it is the fee */

LEDGER_PRIVATE int fee_charge(ledger *db, const struct operation *operation,
                              struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *payer;
  int64_t fee;
  int rc = account_find(db, asked->account, &payer);
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, payer, &fee);
  if (rc == LEDGER_OK && asked->fee != NULL) {
    rc = fee_compute(db, asked->fee, payer, fee, operation->rounding, &journal->fee,
                     &journal->detail);
    fee = journal->fee;
  }
  if (rc != LEDGER_OK) return rc;
  journal->account = payer;
  journal->amount = fee;
  rc = fee_post(db, journal, payer, fee_row_type(payer), "", fee);
  if (rc != LEDGER_OK || journal->row_count == 0) return rc;
  journal->rows[0].description = asked->description;
  journal->rows[0].metadata = asked->metadata;
  return LEDGER_OK;
}

#undef FEE_PERCENT_SCALE
#undef FEE_PERCENT_WHOLE
