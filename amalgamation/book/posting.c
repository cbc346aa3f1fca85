/*
** posting.c: money that comes in, goes out and moves: deposit, withdraw, transfer, n legs, opening balance, adjustment.
*/
#include "../internal.h"

/* How a row of the account's table calls the movement: portfolios have words of their own. */
static const char *posting_type(const struct account *account, const char *plain,
                                const char *portfolio) {
  return account->class == ACCOUNT_PORTFOLIO ? portfolio : plain;
}

static void posting_text(const struct operation *operation, struct journal_row *row) {
  row->description = operation->asked->description;
  row->metadata = operation->asked->metadata;
}

static void posting_shows(struct journal *journal, struct account *account, int64_t amount) {
  journal->account = account;
  journal->amount = amount;
}

static int posting_fee(ledger *db, const struct operation *operation, struct journal *journal,
                       struct account *payer, int64_t amount) {
  const char *fee = operation->asked->fee;
  return fee == NULL ? LEDGER_OK : fee_add(db, journal, fee, payer, amount, operation->rounding);
}

/* Between a customer's account and one of the book's own, of the same currency and scale. */
static int posting_against(ledger *db, const struct operation *operation, struct journal *journal,
                           const char *name, bool comes_in, const char *system,
                           const char *plain_type, const char *portfolio_type) {
  const ledger_operation *asked = operation->asked;
  struct account *account, *other = NULL;
  int64_t amount = 0;
  int rc = account_find(db, name, &account);
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, account, &amount);
  if (rc == LEDGER_OK) rc = account_system(db, system, account->currency, account->scale, &other);
  if (rc == LEDGER_OK)
    rc = journal_move(db, journal, comes_in ? other : account, comes_in ? account : other, amount);
  if (rc != LEDGER_OK) return rc;
  struct journal_row *row =
      journal_row(journal, account, posting_type(account, plain_type, portfolio_type), amount,
                  "completed", "", comes_in ? "credit" : "debit");
  posting_text(operation, row);
  posting_shows(journal, account, amount);
  return posting_fee(db, operation, journal, account, amount);
}

LEDGER_PRIVATE int posting_deposit(ledger *db, const struct operation *operation,
                                   struct journal *journal) {
  return posting_against(db, operation, journal, operation->asked->to, true, "world", "deposit",
                         "deposit");
}

LEDGER_PRIVATE int posting_withdraw(ledger *db, const struct operation *operation,
                                    struct journal *journal) {
  return posting_against(db, operation, journal, operation->asked->from, false, "world",
                         "withdrawal", "withdrawal");
}

LEDGER_PRIVATE int posting_adjust(ledger *db, const struct operation *operation,
                                  struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  if ((asked->from == NULL) == (asked->to == NULL)) {
    return error_set(
        &db->error, LEDGER_BAD_OPERATION,
        "adjust needs either \"to\", what it adds to, or \"from\", what it takes from");
  }
  bool comes_in = asked->to != NULL;
  return posting_against(db, operation, journal, comes_in ? asked->to : asked->from, comes_in,
                         "equity", "adjustment", "adjustment");
}

/* The first journal of an account. A plain balance that the book never posted is taken over as it stands. */
LEDGER_PRIVATE int posting_opening(ledger *db, const struct operation *operation,
                                   struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *account, *equity = NULL;
  int64_t amount = 0;
  int rc = account_find_any(db, asked->to, &account);
  if (rc == LEDGER_OK && account->class == ACCOUNT_SYSTEM)
    return account_find(db, asked->to, &account);
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, account, &amount);
  if (rc != LEDGER_OK) return rc;
  if (account->version > 0) {
    return error_set(&db->error, LEDGER_WRONG_STATE,
                     "account %s has entries already: an opening balance is the first one",
                     account_label(account));
  }
  bool is_plain = account->class == ACCOUNT_PLAIN;
  bool is_empty = account->plain_balance == 0 && (!is_plain || account->plain_available == 0);
  if (!is_empty &&
      (account->plain_balance != amount || (is_plain && account->plain_available != amount))) {
    char shown[MONEY_TEXT_MAX];
    money_text(account->plain_balance, account->scale, shown);
    return error_set(&db->error, LEDGER_WRONG_STATE,
                     "account %s shows a balance of %s: its opening balance must be the same",
                     account_label(account), shown);
  }
  rc = account_system(db, "equity", account->currency, account->scale, &equity);
  if (rc == LEDGER_OK) rc = journal_move(db, journal, equity, account, amount);
  if (rc != LEDGER_OK) return rc;
  posting_text(operation,
               journal_row(journal, account, "adjustment", amount, "completed", "", "credit"));
  posting_shows(journal, account, amount);
  return LEDGER_OK;
}

LEDGER_PRIVATE int posting_transfer(ledger *db, const struct operation *operation,
                                    struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  struct account *from, *to = NULL;
  int64_t amount = 0, arrives = 0;
  int rc = account_find(db, asked->from, &from);
  if (rc == LEDGER_OK) rc = account_find(db, asked->to, &to);
  if (rc == LEDGER_OK && from == to) {
    rc = error_set(&db->error, LEDGER_SAME_ACCOUNT, "account %s would pay itself",
                   account_label(from));
  }
  if (rc == LEDGER_OK) rc = operation_amount(db, asked->amount, asked->currency, from, &amount);
  if (rc == LEDGER_OK) rc = journal_move(db, journal, from, to, amount);
  if (rc == LEDGER_OK) rc = money_rescale(amount, from->scale, to->scale, &arrives);
  if (rc != LEDGER_OK) return rc;
  posting_text(operation, journal_row(journal, from, posting_type(from, "transfer", "withdrawal"),
                                      amount, "completed", "", "debit"));
  posting_text(operation, journal_row(journal, to, posting_type(to, "transfer", "deposit"), arrives,
                                      "completed", ".C", "credit"));
  posting_shows(journal, from, amount);
  return posting_fee(db, operation, journal, from, amount);
}

/* ---- n legs */

static int posting_leg_amount(ledger *db, const ledger_leg *leg, const struct account *account,
                              int64_t *out) {
  bool leaves = leg->amount[0] == '-';
  int rc = operation_amount(db, leg->amount + leaves, leg->currency, account, out);
  if (rc == LEDGER_OK && leaves) *out = -*out;
  return rc;
}

static int posting_leg(ledger *db, const struct operation *operation, struct journal *journal,
                       int number) {
  static const char suffixes[LEDGER_LEG_MAX][5] = {
      "",     ".L1",  ".L2",  ".L3",  ".L4",  ".L5",  ".L6",  ".L7",  ".L8",  ".L9",  ".L10",
      ".L11", ".L12", ".L13", ".L14", ".L15", ".L16", ".L17", ".L18", ".L19", ".L20", ".L21",
      ".L22", ".L23", ".L24", ".L25", ".L26", ".L27", ".L28", ".L29", ".L30", ".L31", ".L32",
      ".L33", ".L34", ".L35", ".L36", ".L37", ".L38", ".L39", ".L40", ".L41", ".L42", ".L43",
      ".L44", ".L45", ".L46", ".L47", ".L48", ".L49", ".L50", ".L51", ".L52", ".L53", ".L54",
      ".L55", ".L56", ".L57", ".L58", ".L59", ".L60", ".L61", ".L62", ".L63"};
  const ledger_leg *leg = &operation->asked->legs[number];
  struct account *account;
  int64_t amount;
  int rc = account_find(db, leg->account, &account);
  if (rc == LEDGER_OK) rc = posting_leg_amount(db, leg, account, &amount);
  for (int i = 0; i < journal->leg_count && rc == LEDGER_OK; i++) {
    if (journal->legs[i].account == account) {
      rc = error_set(&db->error, LEDGER_SAME_ACCOUNT, "account %s is in two legs",
                     account_label(account));
    }
  }
  if (rc != LEDGER_OK) return rc;
  bool leaves = amount < 0;
  journal_leg(journal, account, LAYER_POSTED, amount);
  const char *type = leaves ? posting_type(account, "debit", "withdrawal")
                            : posting_type(account, "credit", "deposit");
  struct journal_row *row = journal_row(journal, account, type, leaves ? -amount : amount,
                                        "completed", suffixes[number], leaves ? "debit" : "credit");
  posting_text(operation, row);
  if (leg->description != NULL) row->description = leg->description;
  return LEDGER_OK;
}

LEDGER_PRIVATE int posting_legs(ledger *db, const struct operation *operation,
                                struct journal *journal) {
  const ledger_operation *asked = operation->asked;
  if (asked->leg_count < 2 || asked->leg_count > LEDGER_LEG_MAX) {
    return error_set(&db->error, LEDGER_BAD_OPERATION, "post takes 2 to %d legs, not %d",
                     LEDGER_LEG_MAX, asked->leg_count);
  }
  int rc = LEDGER_OK;
  for (int i = 0; i < asked->leg_count && rc == LEDGER_OK; i++)
    rc = posting_leg(db, operation, journal, i);
  if (rc != LEDGER_OK) return rc;
  int64_t first = journal->legs[0].amount;
  posting_shows(journal, journal->legs[0].account, first < 0 ? -first : first);
  return LEDGER_OK;
}
