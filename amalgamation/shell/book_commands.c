/*
** book_commands: the operations of the book, one command each, and what the book has to say: accounts, balances, history.
**
** BOOK_OPERATIONS is the table of the operations' commands; shell.c makes its rows of it. What an operation needs and
** allows is the library's to say: an option that does not belong is refused by ledger_post().
*/
#include "shell.h"

/* The options of an operation's command: its members, by the names that ledger.h gives them, and three of our own. */
enum {
#define X(name, meaning) BOOK_##name,
  LEDGER_OPERATION_TEXTS(X) LEDGER_OPERATION_FLAGS(X)
#undef X
      BOOK_version,
  BOOK_to_version,
  BOOK_REF, /* --ref is short for --reference */
  BOOK_ACTOR,
  BOOK_JSON
};

static const char *const book_options[] = {
#define X(name, meaning) "--" #name "=",
    LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) "--" #name,
        LEDGER_OPERATION_FLAGS(X)
#undef X
            "--version=",
    "--to_version=",
    "--ref=",
    "--actor=",
    "--json",
    NULL};

_Static_assert(sizeof book_options / sizeof *book_options <= OPTION_MAX, "OPTION_MAX is too small");

/* X(kind, command, arguments, how many at least and at most, summary, help, the members that the arguments are) */
#define BOOK_OPERATIONS(X)                                                                         \
  X(OPEN, "account open", "CURRENCY", 1, 1, "open an account",                                     \
    "  --number=N     its account_number; WS and 12 digits unless given\n"                         \
    "  --type=T       checking (unless given), savings, investment, business\n"                    \
    "  --user=ID      its owner\n"                                                                 \
    "  --overdraft-limit=A --min-balance=A --max-balance=A   as in ledger account limit\n",        \
    BOOK_currency)                                                                                 \
  X(LIMITS, "account limit", "ACCOUNT", 1, 1, "set the limits of an account",                      \
    "  --overdraft-limit=A  how far below zero the balance may go; 0 unless given\n"               \
    "  --min-balance=A      the balance that payments must leave; 0 unless given\n"                \
    "  --max-balance=A      the most that the account may hold; none unless given\n",              \
    BOOK_account)                                                                                  \
  X(FREEZE, "account freeze", "ACCOUNT", 1, 1, "let nothing leave an account", BOOK_WHY,           \
    BOOK_account)                                                                                  \
  X(SUSPEND, "account suspend", "ACCOUNT", 1, 1, "let nothing move on an account", BOOK_WHY,       \
    BOOK_account)                                                                                  \
  X(ACTIVATE, "account activate", "ACCOUNT", 1, 1, "end freeze or suspension", BOOK_WHY,           \
    BOOK_account)                                                                                  \
  X(CLOSE, "account close", "ACCOUNT", 1, 1, "close an empty account for ever", BOOK_WHY,          \
    BOOK_account)                                                                                  \
  X(OPENING, "opening", "ACCOUNT AMOUNT", 2, 2, "bring in an opening balance", "", BOOK_to,        \
    BOOK_amount)                                                                                   \
  X(DEPOSIT, "deposit", "ACCOUNT AMOUNT", 2, 2, "bring money in from the world", BOOK_FEE,         \
    BOOK_to, BOOK_amount)                                                                          \
  X(WITHDRAW, "withdraw", "ACCOUNT AMOUNT", 2, 2, "take money out to the world", BOOK_FEE,         \
    BOOK_from, BOOK_amount)                                                                        \
  X(TRANSFER, "transfer", "FROM TO AMOUNT", 3, 3, "move money between two accounts", BOOK_FEE,     \
    BOOK_from, BOOK_to, BOOK_amount)                                                               \
  X(POST, "post", "ACCOUNT=AMOUNT...", 2, LEDGER_LEG_MAX, "move money between many accounts",      \
    "A negative amount leaves its account, another arrives; in each currency they sum to zero:\n"  \
    "  ledger post app.db WS1=-12.50 WS2=10.00 WS3=2.50\n",                                        \
    NO_MEMBER)                                                                                     \
  X(HOLD, "hold", "FROM AMOUNT [TO]", 2, 3, "reserve money for a later capture",                   \
    "  --expires-at=T  until when it can be captured; for ever unless given\n", BOOK_from,         \
    BOOK_amount, BOOK_to)                                                                          \
  X(CAPTURE, "capture", "REFERENCE [AMOUNT]", 1, 2, "take a hold, all of it or a part",            \
    "  --final  release what is left afterwards\n", BOOK_of, BOOK_amount)                          \
  X(RELEASE, "release", "REFERENCE", 1, 1, "give back what is left of a hold", BOOK_WHY, BOOK_of)  \
  X(EXPIRE, "expire", "[REFERENCE]", 0, 1, "give back a hold past its time, or all such", "",      \
    BOOK_of)                                                                                       \
  X(REVERSE, "reverse", "REFERENCE [AMOUNT]", 1, 2, "post the opposite of an operation", BOOK_WHY, \
    BOOK_of, BOOK_amount)                                                                          \
  X(EXCHANGE, "exchange", "FROM TO AMOUNT", 3, 3, "change one currency into another",              \
    "The rate is the newest of exchange_rates from the one to the other.\n"                        \
    "  --least=A     refuse to receive less\n"                                                     \
    "  --rounding=R  half_up (unless given), half_even, down, up, floor, ceiling\n",               \
    BOOK_from, BOOK_to, BOOK_amount)                                                               \
  X(FEE, "fee", "ACCOUNT AMOUNT [FEE_TYPE]", 2, 3, "charge a fee",                                 \
    "With a fee_type of fee_config the fee is computed from AMOUNT, else it is AMOUNT.\n",         \
    BOOK_account, BOOK_amount, BOOK_fee)                                                           \
  X(ADJUST, "adjust", "AMOUNT", 1, 1, "correct a balance",                                         \
    "  --to=ACCOUNT, --from=ACCOUNT  the account that gains, or loses, the amount\n" BOOK_WHY,     \
    BOOK_amount)                                                                                   \
  X(RECEIVE, "crypto receive", "ADDRESS AMOUNT [TXN_HASH]", 2, 3, "credit coins that arrived", "", \
    BOOK_address, BOOK_amount, BOOK_txn_hash)                                                      \
  X(ORDER, "crypto order", "USER SIDE AMOUNT ASSET PRICE", 5, 5, "order a trade",                  \
    "SIDE is buy or sell; what it costs is held.\n", BOOK_user, BOOK_side, BOOK_amount,            \
    BOOK_asset, BOOK_price)                                                                        \
  X(FILL, "crypto fill", "REFERENCE [PRICE]", 1, 2, "fill an order",                               \
    "  --least=A  the most (buy) or least (sell) total\n", BOOK_of, BOOK_price)                    \
  X(CANCEL, "crypto cancel", "REFERENCE", 1, 1, "cancel an order", BOOK_WHY, BOOK_of)              \
  X(PAYOUT, "crypto payout", "USER AMOUNT CURRENCY [ADDRESS]", 3, 4,                               \
    "ask for coins to be sent out", BOOK_FEE, BOOK_user, BOOK_amount, BOOK_currency, BOOK_address) \
  X(APPROVE, "crypto approve", "REFERENCE", 1, 1, "approve a payout", "", BOOK_of)                 \
  X(COMPLETE, "crypto complete", "REFERENCE TXN_HASH", 2, 2, "complete a payout", "", BOOK_of,     \
    BOOK_txn_hash)                                                                                 \
  X(REJECT, "crypto reject", "REFERENCE", 1, 1, "reject a payout", BOOK_WHY, BOOK_of)
#define BOOK_WHY "  --reason=TEXT  why, into the audit trail\n"
#define BOOK_FEE "  --fee=TYPE  charge this fee of fee_config besides\n"

/* ---- what is printed of an account */

static void balance_print(const ledger_balance *balance) {
  printf("  %s: %s %s, %s available", balance->number[0] ? balance->number : balance->account,
         balance->balance, balance->currency, balance->available);
  if (strcmp(balance->status, "active") != 0) printf(", %s", balance->status);
  putchar('\n');
}

static void balance_print_all(const ledger_balance *balance) {
  printf("account    %s\n", balance->account);
  if (balance->number[0]) printf("number     %s\n", balance->number);
  printf("status     %s\n", balance->status);
  printf("balance    %s %s\n", balance->balance, balance->currency);
  printf("available  %s\n", balance->available);
  if (balance->held[0]) printf("held       %s\n", balance->held);
  printf("limits     overdraft %s, at least %s, at most %s\n", balance->overdraft_limit,
         balance->min_balance, balance->max_balance[0] ? balance->max_balance : "any");
  printf("version    %" PRId64 "\n", balance->version);
}

static int balance_print_json(const ledger_balance *balance) {
  char version[32];
  snprintf(version, sizeof version, "%" PRId64, balance->version);
  cJSON *out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "account", balance->account);
  if (balance->number[0]) cJSON_AddStringToObject(out, "number", balance->number);
  cJSON_AddStringToObject(out, "currency", balance->currency);
  cJSON_AddStringToObject(out, "status", balance->status);
  cJSON_AddStringToObject(out, "balance", balance->balance);
  cJSON_AddStringToObject(out, "available", balance->available);
  if (balance->held[0]) cJSON_AddStringToObject(out, "held", balance->held);
  cJSON_AddStringToObject(out, "overdraft_limit", balance->overdraft_limit);
  cJSON_AddStringToObject(out, "min_balance", balance->min_balance);
  if (balance->max_balance[0]) cJSON_AddStringToObject(out, "max_balance", balance->max_balance);
  cJSON_AddItemToObject(out, "version", cJSON_CreateRaw(version));
  return report_json(out);
}

/* ---- the operations */

/* What `ledger help operation` prints. */
static void book_help(void) {
  puts("Members of an operation: options of its command, and members of a line of ledger batch.");
#define X(name, meaning) printf("  %-16s %s\n", #name, meaning);
  LEDGER_OPERATION_TEXTS(X)
  LEDGER_OPERATION_FLAGS(X)
#undef X
  puts("  version          condition: the version of the account, or the payer, or else the "
       "receiver\n"
       "  to_version       condition: the version of the receiver, besides the payer's");
}

/* "transfer T1: completed, 25.00 USD, fee 0.13", and a line per account */
static void book_print(const ledger_result *result) {
  static const char *const words[] = {
#define X(name, word, summary) word,
      LEDGER_OPERATIONS(X)
#undef X
  };
  printf("%s %s: %s", words[result->kind], result->reference, result->status);
  if (result->amount[0]) printf(", %s %s", result->amount, result->currency);
  if (result->fee[0]) printf(", fee %s", result->fee);
  if (result->received[0]) printf(", for %s %s", result->received, result->received_currency);
  if (result->rate[0]) printf(" at %s", result->rate);
  if (result->remaining[0]) printf(", %s left", result->remaining);
  puts(result->replayed ? " (done before)" : "");
  for (int i = 0; i < result->balance_count; i++) balance_print(&result->balances[i]);
}

static int book_print_json(const struct command *command, const ledger_result *result) {
  char *text = ledger_result_json(result);
  if (!text) return report_memory(command);
  puts(text);
  ledger_free(text);
  return EXIT_DONE;
}

/* A reference for those who give none: a random uuid (version 4). */
static bool book_reference(char out[37]) {
  unsigned char bytes[16];
  int at = 0;
  if (getentropy(bytes, sizeof bytes) != 0) return false;
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  for (int i = 0; i < 16; i++)
    at +=
        snprintf(out + at, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
  return true;
}

/* ACCOUNT=AMOUNT, cut at its last '='. */
static bool book_leg(char *argument, ledger_leg *leg) {
  char *equals = strrchr(argument, '=');
  if (!equals || equals == argument) return false;
  *equals = 0;
  *leg = (ledger_leg){.account = argument, .amount = equals + 1};
  return true;
}

/* What the options and arguments say, which are borrowed. EXIT_DONE, or a report. */
static int book_read(const struct command *command, char **arguments, char **values,
                     ledger_leg legs[LEDGER_LEG_MAX], ledger_operation *out) {
  const struct operation_form *form = command->form;
  char **next = arguments + 1;
  *out = (ledger_operation){.kind = form->kind, .legs = legs};
  for (const int *member = form->members; *member != NO_MEMBER && *next; member++)
    if (!values[*member]) values[*member] = *next++;
  for (; *next; next++)
    if (form->kind != LEDGER_OP_POST || !book_leg(*next, &legs[out->leg_count++]))
      return report_usage(command, "an argument is too much, or is not ACCOUNT=AMOUNT");
  if (values[BOOK_REF] && values[BOOK_reference])
    return report_usage(command, "--ref and --reference are the same");
  if (values[BOOK_REF]) values[BOOK_reference] = values[BOOK_REF];
#define X(name, meaning) out->name = values[BOOK_##name];
  LEDGER_OPERATION_TEXTS(X)
#undef X
#define X(name, meaning) out->name = values[BOOK_##name] != NULL;
  LEDGER_OPERATION_FLAGS(X)
#undef X
  if (!report_number(values[BOOK_version], INT64_MAX, &out->version) ||
      !report_number(values[BOOK_to_version], INT64_MAX, &out->to_version))
    return report_usage(command, "a version is a whole number from 1");
  return EXIT_DONE;
}

/* `ledger expire FILE`: all holds past their time. */
static int book_expire(const struct command *command, ledger *db, const char *path, bool as_json) {
  int64_t count = 0;
  int rc = ledger_expire(db, &count);
  printf(as_json ? "{\"expired\":%" PRId64 "}\n" : "holds expired: %" PRId64 "\n", count);
  return rc == LEDGER_OK ? EXIT_DONE : report_error(command->name, path, db);
}

static int book_post(const struct command *command, ledger *db, const ledger_operation *operation,
                     bool as_json) {
  ledger_result result;
  int status = EXIT_DONE;
  int rc = ledger_post(db, operation, &result);
  if (as_json)
    status = book_print_json(command, &result);
  else if (rc == LEDGER_OK)
    book_print(&result);
  return rc == LEDGER_OK ? status : report_error(command->name, operation->reference, db);
}

static int cmd_operation(const struct command *command, char **arguments, char **values) {
  ledger_leg legs[LEDGER_LEG_MAX];
  ledger_operation operation;
  char minted[37];
  int status = book_read(command, arguments, values, legs, &operation);
  if (status != EXIT_DONE) return status;
  if (!operation.reference) {
    if (!book_reference(minted)) return report_usage(command, "no random bytes: give --ref");
    operation.reference = minted;
  }
  ledger *db = report_open_as(command, arguments[0], 0, values[BOOK_ACTOR], &status);
  if (!db) return status;
  if (operation.kind == LEDGER_OP_EXPIRE && !operation.of)
    status = book_expire(command, db, arguments[0], values[BOOK_JSON] != NULL);
  else
    status = book_post(command, db, &operation, values[BOOK_JSON] != NULL);
  ledger_close(db);
  return status;
}

/* ---- accounts */

enum { SHOW_JSON };

static int cmd_account_show(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_balance balance;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_account(db, arguments[1], &balance) != LEDGER_OK)
    status = report_error(command->name, NULL, db);
  else if (values[SHOW_JSON])
    status = balance_print_json(&balance);
  else
    balance_print_all(&balance);
  ledger_close(db);
  return status;
}

enum { BALANCE_AT, BALANCE_CLOCK, BALANCE_JSON };

static int cmd_balance(const struct command *command, char **arguments, char **values) {
  int status = EXIT_DONE;
  ledger_balance balance;
  enum ledger_clock clock = LEDGER_BOOKED;
  if (values[BALANCE_CLOCK] && strcmp(values[BALANCE_CLOCK], "effective") == 0)
    clock = LEDGER_EFFECTIVE;
  else if (values[BALANCE_CLOCK] && strcmp(values[BALANCE_CLOCK], "booked") != 0)
    return report_usage(command, "--clock is booked or effective");
  if (values[BALANCE_CLOCK] && !values[BALANCE_AT])
    return report_usage(command, "--clock needs --at");
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  int rc = values[BALANCE_AT]
               ? ledger_balance_at(db, arguments[1], values[BALANCE_AT], clock, &balance)
               : ledger_account(db, arguments[1], &balance);
  if (rc != LEDGER_OK)
    status = report_error(command->name, NULL, db);
  else if (values[BALANCE_JSON])
    status = balance_print_json(&balance);
  else
    printf("%s %s\n", balance.balance, balance.currency);
  ledger_close(db);
  return status;
}

/* ---- tables for people: the columns that are named, each as wide as is said (negative: to the left) */

struct print_column {
  const char *name;
  int width;
};

/* The names of the columns, or the values of the row that the cursor stands on. */
static void print_row(ledger_rows *rows, const struct print_column *columns, bool is_head) {
  for (const struct print_column *column = columns; column->name; column++) {
    for (int i = 0; i < ledger_rows_count(rows); i++) {
      if (strcmp(ledger_rows_name(rows, i), column->name) != 0) continue;
      const char *text = is_head ? column->name : ledger_rows_text(rows, i, NULL);
      printf("%s%*s", column == columns ? "" : "  ", column->width, text ? text : "-");
    }
  }
  putchar('\n');
}

/* The cursor is freed. */
static int print_table(const struct command *command, const char *where, const ledger *db,
                       ledger_rows *rows, const struct print_column *columns) {
  int rc = LEDGER_OK;
  print_row(rows, columns, true);
  while (!shell_interrupted && (rc = ledger_rows_next(rows)) == LEDGER_ROW)
    print_row(rows, columns, false);
  ledger_rows_free(rows);
  if (shell_interrupted) return EXIT_INTERRUPTED;
  return rc == LEDGER_DONE ? EXIT_DONE : report_error(command->name, where, db);
}

/* ---- account list and history */

enum { LIST_JSON };

static int cmd_account_list(const struct command *command, char **arguments, char **values) {
  static const struct print_column columns[] = {
      {"account_number", -16}, {"account_type", -12},     {"currency", -8}, {"status", -10},
      {"balance", 17},         {"available_balance", 17}, {NULL, 0}};
  int status = EXIT_DONE;
  ledger_rows *rows = NULL;
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  const char *query = arguments[1] ? arguments[1] : "order=account_number";
  if (ledger_select(db, "accounts", query, &rows) != LEDGER_OK)
    status = report_error(command->name, arguments[1], db);
  else if (values[LIST_JSON])
    status = rows_print_json(command, NULL, db, rows);
  else
    status = print_table(command, NULL, db, rows, columns);
  ledger_close(db);
  return status;
}

enum {
  HISTORY_SINCE,
  HISTORY_UNTIL,
  HISTORY_KIND,
  HISTORY_REF,
  HISTORY_LIMIT,
  HISTORY_AFTER,
  HISTORY_OLDEST_FIRST,
  HISTORY_JSON
};

static int cmd_history(const struct command *command, char **arguments, char **values) {
  static const struct print_column of_account[] = {
      {"cursor", 7},  {"created_at", -29}, {"kind", -9},      {"reference", -16}, {"layer", -8},
      {"amount", 12}, {"balance", 12},     {"available", 12}, {NULL, 0}};
  static const struct print_column of_book[] = {
      {"cursor", 7}, {"created_at", -29}, {"kind", -9},   {"reference", -16},
      {"of", -16},   {"outcome", -8},     {"entries", 7}, {NULL, 0}};
  int status = EXIT_DONE;
  int64_t limit = 0, after = 0;
  ledger_rows *rows = NULL;
  if (!report_number(values[HISTORY_LIMIT], INT_MAX, &limit) ||
      !report_number(values[HISTORY_AFTER], INT64_MAX, &after))
    return report_usage(command, "--limit and --after take a whole number from 1");
  ledger_history_filter filter = {.account = arguments[1],
                                  .kind = values[HISTORY_KIND],
                                  .reference = values[HISTORY_REF],
                                  .since = values[HISTORY_SINCE],
                                  .until = values[HISTORY_UNTIL],
                                  .after = after,
                                  .limit = (int)limit,
                                  .oldest_first = values[HISTORY_OLDEST_FIRST] != NULL};
  ledger *db = report_open(command, arguments[0], LEDGER_READ_ONLY_FILE, &status);
  if (!db) return status;
  if (ledger_history(db, &filter, &rows) != LEDGER_OK)
    status = report_error(command->name, NULL, db);
  else if (values[HISTORY_JSON])
    status = rows_print_json(command, NULL, db, rows);
  else
    status = print_table(command, NULL, db, rows, arguments[1] ? of_account : of_book);
  ledger_close(db);
  return status;
}
