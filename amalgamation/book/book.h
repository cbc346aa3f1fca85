/*
** book: the double-entry book on the plain tables. Private prototypes, seen by access, sync and the front door.
**
** How an operation runs. operation.c reads what was asked (struct operation), answers replays, and calls the builder of its
** kind, which checks what is particular to it and fills a struct journal: legs (account, layer, amount), plain rows, detail.
** journal.c then checks what is common (status, funds, limits, range) before the first write, and writes everything: plain
** balances, transactions rows, entries, the journal row with its hash, the audit row. Builders never write by themselves, but
** for the rows that only their kind has (trades, crypto_withdrawals, deposit_addresses): they give journal_after() a function.
** All inside a write transaction that operation.c or batch.c holds. The statements are the store's (statements.h); what is bound to a
** prepared one and read from it goes through SQLite's own functions, in place: a wrapper for each would say no more. No floating point here: amounts are int64_t in units of
** 10^-scale, products go through __int128 (ground/money.c).
*/
#ifndef LEDGER_BOOK_H
#define LEDGER_BOOK_H

/* ---- tables.c: which of the book's plain tables the schema has, and the handle's state of the book */

struct book_tables { /* NULL where the schema does not have the table with the columns that the book needs */
  const struct relation *accounts, *transactions, *audit_logs, *portfolio, *portfolio_transactions, *trades,
      *crypto_withdrawals, *deposit_addresses, *exchange_rates, *fee_config;
  enum type_id accounts_time, transactions_time, audit_time; /* TYPE_TIMESTAMP or TYPE_TIMESTAMPTZ */
  bool trusts_accounts, trusts_transactions, trusts_portfolio_transactions, trusts_audit; /* no CHECKs but those we know */
  bool audit_is_full;                                        /* entity_type ... (full), else resource_type ... (wallstreet) */
};

/* The state, made or made fresh; called after transaction_begin() or transaction_begin_read(). */
LEDGER_PRIVATE int book_enter(ledger *db);
LEDGER_PRIVATE const struct book_tables *book_tables(ledger *db);
LEDGER_PRIVATE int book_need(ledger *db, const struct relation *table, const char *name); /* NO_BOOK if it is NULL */
LEDGER_PRIVATE void book_forget(ledger *db);                                              /* the observer's */

struct book; /* tables.c's, account.c's, journal.c's: see book_state.h */
/* audit.c; its guard is guard.c's. is_plain: one that neither guards nor audits plain rows. */
LEDGER_PRIVATE const struct observer *book_observer(bool is_plain);

/* ---- request.c: what was asked, as a fingerprint that tells a repeated operation from another one, member by member */

#define REQUEST_ITEM 9 /* bytes: number of the member, 8 of its SipHash-2-4 */
#define REQUEST_MAX (48 * REQUEST_ITEM)
LEDGER_PRIVATE size_t request_print(ledger *db, const ledger_operation *asked, unsigned char out[REQUEST_MAX]);
/* The name of the first member in which two differ, NULL if they are the same. */
LEDGER_PRIVATE const char *request_difference(const unsigned char *a, size_t a_length, const unsigned char *b, size_t b_length);

/* ---- account.c: accounts as they are, kept in memory between operations while nobody else writes */

enum account_class { ACCOUNT_PLAIN, ACCOUNT_PORTFOLIO, ACCOUNT_SYSTEM };

struct account {
  int64_t key; /* ledger_account.account_key; 0: no row yet, made with its first entry */
  char name[80];     /* as ledger_balance has it */
  enum account_class class;
  char owner[37];    /* accounts.id, portfolio.user_id, or the name of a system account */
  char user_id[37];  /* "" for none */
  char number[52];   /* account_number, or "" */
  char currency[24]; /* upper case */
  char status[12];   /* active, suspended, frozen, closed; portfolio and system: active */
  int scale;         /* of its units: 2 for accounts (the column's), 8 for portfolio */
  int digits;        /* that amounts may have: the currency's minor units, at most scale */
  int column;        /* portfolio: position of its column in the relation */
  int64_t row;       /* rowid of the plain row */
  int64_t plain_balance, plain_available; /* what the plain row shows */
  int64_t overdraft_limit, min_balance, max_balance; /* max_balance INT64_MAX: none */
  int64_t balance, held, expected, version, last_entry, last_jump; /* last_* 0: none */
  int64_t maximum;   /* the largest magnitude that the plain column holds */
  int32_t slots[2]; /* account.c's, of its two names; -1: none */
  bool is_due, plain_is_due; /* account_write.c's: its rows are to be written */
  struct account *next_due;
  /* journal.c's, while a journal is checked and written */
  int64_t mark, next_balance, next_held, next_expected, before_balance, before_available;
};

#define ACCOUNT_CACHE_MAX 16384 /* accounts remembered per handle; beyond, all are read anew */

/* Finds by id, number, portfolio:USER:CURRENCY, system:NAME:CURRENCY[:SCALE]. The pointer lives until the end of the operation.
** UNKNOWN_ACCOUNT; NOT_IN_BOOK for a plain account with a balance that the book has not posted (unless `adopts`); BOOK_BROKEN if the
** plain balance is not what the book left. */
LEDGER_PRIVATE int account_find(ledger *db, const char *name, struct account **out);
LEDGER_PRIVATE int account_find_any(ledger *db, const char *name, struct account **out); /* without those last two checks */
LEDGER_PRIVATE int account_by_key(ledger *db, int64_t account_key, struct account **out);
/* The system account world, fees, exchange, equity, suspense of a currency and scale. */
LEDGER_PRIVATE int account_system(ledger *db, const char *name, const char *currency, int scale, struct account **out);
/* The user's portfolio column of a currency (USD is the cash). UNKNOWN_ACCOUNT if the user has no portfolio row. */
LEDGER_PRIVATE int account_portfolio(ledger *db, const char *user_id, const char *currency, struct account **out);
LEDGER_PRIVATE int64_t account_available(const struct account *account);
LEDGER_PRIVATE const char *account_label(const struct account *account); /* for messages: its number, or else its name */
LEDGER_PRIVATE void account_show(const struct account *account, ledger_balance *out);
LEDGER_PRIVATE int account_get(ledger *db, const char *name, ledger_balance *out); /* ledger_account() */
/* account_write.c: the rows of ledger_account, accounts and portfolio, from what the account says. */
LEDGER_PRIVATE int64_t account_next_key(const ledger *db); /* of the next account that the book takes in */
LEDGER_PRIVATE int account_write(ledger *db, struct account *account);
/* Its own row, and the plain one where that shows something else; while book->defers is set, once and later. */
LEDGER_PRIVATE int account_write_all(ledger *db, struct account *account);
/* Writes what was left for later. After a failure what surrounds it must be rolled back (is_torn). */
LEDGER_PRIVATE int account_write_due(ledger *db);
LEDGER_PRIVATE int account_write_limits(ledger *db, struct account *account);
LEDGER_PRIVATE int account_write_status(ledger *db, const struct account *account);
LEDGER_PRIVATE int account_write_opened(ledger *db, const char *id, const char *user_id, const char *number, const char *type,
                                        const char *currency);
/* After a rollback, or when somebody else wrote: nothing that is remembered holds. */
LEDGER_PRIVATE void account_forget_all(ledger *db);

/* ---- journal.c: the one way to write the book */

enum { LAYER_POSTED = 0, LAYER_HELD = 1, LAYER_EXPECTED = 2 };

#define JOURNAL_LEG_MAX (4 * LEDGER_LEG_MAX + 16)
#define JOURNAL_ROW_MAX (LEDGER_LEG_MAX + 16)

struct leg {
  struct account *account;
  int layer;
  int64_t amount;  /* signed */
  int64_t balance_after, available_after, version; /* filled by journal_post() */
};

/* A row of transactions, or of portfolio_transactions when the account is a portfolio's. */
struct journal_row {
  struct account *account;
  const char *type;         /* transaction_type */
  int64_t amount;           /* > 0 */
  const char *status;       /* completed, pending, failed */
  const char *suffix;       /* behind the reference: "" for the caller's own, ".C", ".F1", ".X1", ".L1" */
  const char *direction;    /* "debit" or "credit": into metadata; NULL: not said */
  const char *description;  /* or NULL */
  const char *metadata;     /* the caller's JSON object, or NULL */
  char id[37];              /* filled by journal_post() */
};

struct journal {
  enum ledger_operation_kind kind;
  const char *reference; /* NULL for an audit journal */
  int64_t parent;        /* 0: none */
  char id[37];
  int outcome;           /* LEDGER_OK, or the refusal that is kept */
  const char *reason;
  int64_t effective_us;  /* 0: created_us */
  int64_t created_us;
  size_t request_length; /* 0: none */
  unsigned char request[REQUEST_MAX];
  const char *detail;    /* JSON in the arena, or NULL */
  int leg_count;
  struct leg legs[JOURNAL_LEG_MAX];
  int first_row;         /* number of the first one's id: 1, or 2 where 1 is an order's or a payout's own row */
  int row_count;
  struct journal_row rows[JOURNAL_ROW_MAX];
  /* what the result shows */
  int64_t amount;        /* of `account`'s currency and scale */
  struct account *account;
  int64_t fee, received; /* 0: none; fee in account's units, received in received_account's */
  struct account *received_account;
  const char *rate;      /* or NULL */
  int64_t remaining;     /* -1: not shown */
  char transaction_id[37]; /* of the result; "": the first row's */
  struct account *least_account, *most_account; /* conditions, NULL: none: available of the one afterwards at least, */
  int64_t least_available, most_balance;        /* balance of the other at most */
  /* for the audit row */
  const char *audit_reason; /* or NULL */
  const char *audit_old, *audit_new; /* JSON objects of what changed besides balances (status, limits), or NULL */
  const char *entity_type, *entity_id; /* NULL: transactions and the first row's id */
  int (*after)(ledger *db, struct journal *journal, void *context); /* writes the kind's own rows once seq and ids are known */
  void *after_context;
  /* filled by journal_post() */
  int64_t seq;
  unsigned char hash[32];
};

/* Adds a leg. AMOUNT_RANGE when there are too many is a fault of ours (assert). */
LEDGER_PRIVATE struct leg *journal_leg(struct journal *journal, struct account *account, int layer, int64_t amount);
/* from - / to + on a layer. When both have the currency but not the scale, two more legs go through system:exchange.
** `amount` is in from's units; WRONG_SCALE if the other side cannot show it. */
LEDGER_PRIVATE int journal_move(ledger *db, struct journal *journal, struct account *from, struct account *to, int64_t amount);
LEDGER_PRIVATE struct journal_row *journal_row(struct journal *journal, struct account *account, const char *type, int64_t amount,
                                               const char *status, const char *suffix, const char *direction);
/* The book's one journal to be filled, made empty: its id, its number and its time are set. */
LEDGER_PRIVATE int journal_start(ledger *db, enum ledger_operation_kind kind, const char *reference, struct journal **out);
LEDGER_PRIVATE int journal_head(ledger *db); /* makes sure that the numbers and the hash of the last journal are known */
/* For those who write rows of their own in journal->after: steps and resets, with a constraint's words; a NULL text and a zero
** number become null. */
LEDGER_PRIVATE int journal_step(ledger *db, sqlite3_stmt *stmt);
LEDGER_PRIVATE void journal_bind_text(sqlite3_stmt *stmt, int parameter, const char *text);
LEDGER_PRIVATE void journal_bind_number(sqlite3_stmt *stmt, int parameter, int64_t number);
/* Checks all legs together as they would be applied in order; changes nothing. NO_FUNDS, FROZEN, SUSPENDED, CLOSED, LIMIT,
** AMOUNT_RANGE, UNBALANCED. */
LEDGER_PRIVATE int journal_check(ledger *db, const struct journal *journal);
/* journal_check(), then writes. A failure past the check leaves the transaction to be rolled back by the caller. */
LEDGER_PRIVATE int journal_post(ledger *db, struct journal *journal);
/* Id of the journal's n-th plain row (1 to 255); 0 is its audit row's. */
LEDGER_PRIVATE void journal_row_id(const char id[37], int n, char out[37]);

/* A journal that was written, as far as builders need it. */
struct journal_entry {
  struct account *account;
  int layer;
  int64_t amount, balance_after, available_after, version, seq;
};
struct journal_past {
  int64_t seq, parent, effective_us, created_us;
  enum ledger_operation_kind kind;
  char id[37];
  const char *reference, *reason, *detail; /* in the arena; NULL where null */
  int outcome;
  int row_count;                           /* plain rows it made */
  const unsigned char *request;            /* in the arena */
  size_t request_length;
  int entry_count;
  struct journal_entry *entries; /* in the arena, in order */
};
/* UNKNOWN_REFERENCE, or by number. */
LEDGER_PRIVATE int journal_past(ledger *db, const char *reference, struct journal_past *out);
LEDGER_PRIVATE int journal_past_by_seq(ledger *db, int64_t seq, struct journal_past *out);
/* false: no journal has the reference. */
LEDGER_PRIVATE int journal_exists(ledger *db, const char *reference, int64_t *seq); /* *seq 0: none */
/* Appends a journal without legs for an audit row that was written for a plain row's change. */
LEDGER_PRIVATE int journal_audit(ledger *db, const char id[37], const unsigned char audit_hash[32],
                                 const char *detail); /* or NULL */

/* ---- chain.c: what is hashed, for writing and for verifying. One definition of the bytes. */

struct chain {
  struct seal_blake2b state;
  size_t used;
  unsigned char bytes[1024]; /* on their way into the hash: many small pieces cost it more than a block */
};
LEDGER_PRIVATE void chain_open(struct chain *chain); /* an empty one */
LEDGER_PRIVATE void chain_add(struct chain *chain, const void *bytes, size_t length); /* as they are */
LEDGER_PRIVATE void chain_start(struct chain *chain, const unsigned char previous[32]);
LEDGER_PRIVATE void chain_integer(struct chain *chain, int64_t number);                       /* 8 bytes, little endian */
LEDGER_PRIVATE void chain_text(struct chain *chain, const char *text, size_t length);         /* length, then bytes; NULL: -1 */
LEDGER_PRIVATE void chain_bytes(struct chain *chain, const unsigned char *bytes, size_t length);
LEDGER_PRIVATE void chain_end(struct chain *chain, unsigned char hash[32]);
/*
** The link of a journal is chain_start(previous hash), then in this order
**   seq, kind, id, reference, parent, outcome, reason, effective_at (0: null), created_at, rows, request, detail
**   for each plain row it made, whose id follows from the journal's: account id or user id, type, amount text, currency, reference, created_at text
**   for each entry: seq, account_key, layer, amount, balance_after, available_after, version, previous, jump
**   chain_bytes() of the 32 bytes of the hash of its audit row (audit_hash(); zeros where there is no audit_logs)
** then chain_end(). Status and completed_at of a plain row change later and are proved by V7 instead; so does the amount of the
** row of a hold, which becomes the captured sum: the link has the amount that was held (of its LAYER_HELD entry).
*/
LEDGER_PRIVATE void chain_journal(struct chain *chain, int64_t seq, const char *kind, const char *id, const char *reference,
                                  int64_t parent, int outcome, const char *reason, int64_t effective_us, int64_t created_us,
                                  int row_count, const unsigned char *request, size_t request_length, const char *detail);
LEDGER_PRIVATE void chain_entry(struct chain *chain, int64_t seq, int64_t account_key, int layer, int64_t amount,
                                int64_t balance_after, int64_t available_after, int64_t version, int64_t previous, int64_t jump);
LEDGER_PRIVATE void chain_row(struct chain *chain, const char *owner, const char *type, const char *amount,
                              const char *currency, const char *reference, const char *created_at);

/* ---- audit.c: rows of audit_logs */

struct audit_event {
  const char *id;                     /* NULL: minted */
  const char *action;                 /* "TRANSFER", "INSERT", ... */
  const char *entity_type, *entity_id;
  const char *old_values, *new_values, *details; /* JSON objects or NULL */
  bool failed;
  const char *error_message;
  int64_t created_us;
};
/* JSON in an event is in jsonb's stored form: ", " and ": ", members by length and bytes of their names, none twice.
** Inserts the row with the handle's actor; nothing where the schema has no audit_logs. hash: of all its columns as stored but the
** two actors' ids, which may become null (zeros where there is no table). */
LEDGER_PRIVATE int audit_write(ledger *db, const struct audit_event *event, unsigned char hash[32]);
/* The same hash from a row as read: the columns in the relation's order. */
LEDGER_PRIVATE void audit_hash(const struct relation *audit_logs, const struct value *row, unsigned char hash[32]);
LEDGER_PRIVATE int audit_set_actor(ledger *db, const ledger_actor *actor);
/* Somebody else acts for a while, NULL: nobody; what of it the trail has no place for, a user who is gone included, is left out. */
LEDGER_PRIVATE int audit_act(ledger *db, const ledger_actor *actor);
LEDGER_PRIVATE void audit_act_end(ledger *db); /* who acted before acts again */
/* The tables whose rows are kept in the trail; the columns of a row as it keeps them, see audit.c. Verify's, too. */
LEDGER_PRIVATE bool audit_is_of(const struct relation *relation);
LEDGER_PRIVATE int audit_object(ledger *db, const struct relation *relation, const struct value *row, const struct value *other,
                                const struct constraint *key, struct arena *arena, const char **json);
/* The observer's guard: FORBIDDEN for balances and completed rows that only the book writes. The row before and after. */
LEDGER_PRIVATE int guard_write(ledger *db, const struct relation *relation, const struct value *before, const struct value *after);
LEDGER_PRIVATE bool guard_wants(ledger *db, const struct relation *relation);

/* ---- operation.c: an operation as asked */

struct operation {
  const ledger_operation *asked;
  int64_t effective_us, expires_us; /* 0: not given */
  enum money_rounding rounding;
};
/* BAD_OPERATION unless exactly these are given... see the table in operation.c: one row per kind with what it needs and allows. */

typedef int operation_builder(ledger *db, const struct operation *operation, struct journal *journal);
/* Reads an amount of the account's currency: NOT_POSITIVE, WRONG_SCALE, AMOUNT_RANGE, INVALID_TEXT; WRONG_CURRENCY if
** `currency` is given and another. */
LEDGER_PRIVATE int operation_amount(ledger *db, const char *text, const char *currency, const struct account *account,
                                    int64_t *out);
/* Runs one in the write transaction that is open, after book_enter(). The scratch arena is reset at its start. A refusal has written
** nothing (or the failed row that was asked for), unless operation_is_torn(): then the transaction, or the savepoint, must be
** rolled back. `result` may be NULL; what it points to lies in the book's results until operation_results_reset(). */
LEDGER_PRIVATE int operation_run(ledger *db, const ledger_operation *asked, ledger_result *result);
LEDGER_PRIVATE bool operation_is_torn(const ledger *db);
LEDGER_PRIVATE bool operation_is_fatal(int code); /* an error of the file or the machine, not of the operation */
LEDGER_PRIVATE void operation_results_reset(ledger *db);
LEDGER_PRIVATE int operation_post(ledger *db, const ledger_operation *asked, ledger_result *result);
/* Fills a result that is refused with db->error. */
LEDGER_PRIVATE void operation_refused(ledger *db, const ledger_operation *asked, ledger_result *result);
/* Commits or rolls back what the call began; a refusal's sentence stays in db->error. */
LEDGER_PRIVATE int operation_end(ledger *db, int rc);
LEDGER_PRIVATE int operation_savepoint(ledger *db);
LEDGER_PRIVATE int operation_savepoint_end(ledger *db, bool keep);
LEDGER_PRIVATE const char *operation_word(enum ledger_operation_kind kind);
LEDGER_PRIVATE int operation_kind(const char *word, size_t length); /* -1: none */

/* ---- the builders, by file */

LEDGER_PRIVATE operation_builder posting_opening, posting_deposit, posting_withdraw, posting_transfer, posting_legs,
    posting_adjust;                                                       /* posting.c */
LEDGER_PRIVATE operation_builder admin_open, admin_limits, admin_status; /* admin.c */
LEDGER_PRIVATE operation_builder hold_place, hold_capture, hold_release, hold_expire; /* hold.c */
LEDGER_PRIVATE operation_builder reversal_reverse;                        /* reversal.c */
LEDGER_PRIVATE operation_builder fee_charge;                              /* fee.c */
LEDGER_PRIVATE operation_builder exchange_change;                         /* exchange.c */
LEDGER_PRIVATE operation_builder portfolio_receive;                       /* portfolio.c */
LEDGER_PRIVATE operation_builder trade_order, trade_fill, trade_cancel;   /* trade.c */
LEDGER_PRIVATE operation_builder payout_request, payout_approve, payout_complete, payout_reject; /* payout.c */

/* What other builders use of hold.c: places a hold of `amount` from `account` (to `payee`, or the world) in the journal, and the
** ledger_remainder row; takes `amount` of a hold (LAYER_HELD and LAYER_EXPECTED back, LAYER_POSTED on), and releases the rest if
** `final`. `past` is the hold's journal. remaining: in units. */
struct hold_state {
  int64_t amount, settled, released, expires_us; /* of ledger_remainder */
  struct account *payer, *payee;
  int64_t seq;           /* of its journal */
  const char *reference; /* of its journal, in the arena */
};
LEDGER_PRIVATE int hold_state(ledger *db, const struct journal_past *past, struct hold_state *out); /* WRONG_STATE: not a hold */
LEDGER_PRIVATE int hold_add(ledger *db, struct journal *journal, struct account *payer, struct account *payee, int64_t amount);
LEDGER_PRIVATE int hold_take(ledger *db, struct journal *journal, const struct hold_state *hold, int64_t amount, bool final);
LEDGER_PRIVATE int hold_drop(ledger *db, struct journal *journal, const struct hold_state *hold); /* releases what is left */
/* To be called from journal->after: the ledger_remainder row of a new hold, and what a later journal did to it. */
LEDGER_PRIVATE int hold_write(ledger *db, int64_t journal_seq, int64_t amount, int64_t expires_us);
LEDGER_PRIVATE int hold_settle(ledger *db, int64_t hold_seq, int64_t settled, int64_t released); /* adds */
/* The amount that is asked, or all that is left (> 0). As operation_amount(). */
LEDGER_PRIVATE int hold_amount(ledger *db, const ledger_operation *asked, const struct account *account, int64_t left,
                               int64_t *out);
/* Expires each open hold past its time by an operation of its own, EXPIRE- and the uuid of the hold's journal; *count: those done. */
LEDGER_PRIVATE int hold_expire_due(ledger *db, int64_t *count);

/* Computes the fee of `amount` by fee_config and adds its legs and its row (.F1) to the journal, charged to `payer`.
** Fills journal->fee, and adds to journal->detail. NO_FEE. */
LEDGER_PRIVATE int fee_add(ledger *db, struct journal *journal, const char *fee_type, struct account *payer, int64_t amount,
                           enum money_rounding rounding);
/* Legs and row of a fee that was computed before; none for 0. */
LEDGER_PRIVATE int fee_post(ledger *db, struct journal *journal, struct account *payer, const char *type, const char *suffix,
                            int64_t fee);
/* Only computes: *fee, and JSON of what it was computed from, in the arena. */
LEDGER_PRIVATE int fee_compute(ledger *db, const char *fee_type, const struct account *payer, int64_t amount,
                               enum money_rounding rounding, int64_t *fee, const char **detail);
/* The same from numbers alone, for verify: fee = clamp(amount * percentage / 100, minimum, maximum) + flat, in the digits that the
** currency has (struct account); amount and *fee in units of `scale`. Texts may be NULL where the column was. */
LEDGER_PRIVATE int fee_formula(int64_t amount, int scale, int digits, const char *percentage, const char *flat,
                               const char *minimum, const char *maximum, enum money_rounding rounding, int64_t *fee,
                               ledger_error *error);
/* received = paid * rate, rounded once to `digits` of the receiver's currency, in units of `scale`. */
LEDGER_PRIVATE int exchange_formula(int64_t paid, int paid_scale, const char *rate, int scale, int digits,
                                    enum money_rounding rounding, int64_t *received, ledger_error *error);
/* Merges two JSON objects given as text into one, in the arena; either may be NULL. */
LEDGER_PRIVATE const char *journal_detail(ledger *db, const char *a, const char *b);

/* ---- imported.c: history that an import brought, and for which its journal vouches */

enum imported_table {
  IMPORTED_TRANSACTIONS,
  IMPORTED_PORTFOLIO,
  IMPORTED_TRADES,
  IMPORTED_PAYOUTS,
  IMPORTED_AUDIT,
  IMPORTED_TABLES
};
struct imported_mark {
  int64_t first, last; /* rowids, 0: none */
  int64_t rows;        /* of them that must have a journal */
  unsigned char hash[32];
};
LEDGER_PRIVATE const char *imported_name(enum imported_table table);
LEDGER_PRIVATE const struct relation *imported_relation(ledger *db, enum imported_table table); /* NULL: none in the schema */
/* Rows and hash of what stands from `first` to `last`. */
LEDGER_PRIVATE int imported_read(ledger *db, enum imported_table table, struct imported_mark *mark);
LEDGER_PRIVATE int imported_last(ledger *db, enum imported_table table, int64_t *rowid); /* 0: the table is empty */
/* Appends to a journal's detail what the rows behind `before` are, nothing where there are none. */
LEDGER_PRIVATE int imported_say(ledger *db, enum imported_table table, int64_t before, sqlite3_str *detail);
/* What a detail says of the table: where the rows are (first 0: it says nothing), and whether they are as it says. */
LEDGER_PRIVATE int imported_find(ledger *db, const char *detail, enum imported_table table, struct imported_mark *mark,
                                 bool *holds);

/* ---- portfolio.c: what trade.c and payout.c use of it */

#define PORTFOLIO_SCALE 8 /* of all amounts and prices of portfolios, trades, payouts and deposit addresses */
#define PORTFOLIO_MAX INT64_C(999999999999999999) /* the largest of them: numeric(18,8) */

/* Does the user exist who may have a row of portfolio? */
LEDGER_PRIVATE int portfolio_may_have(ledger *db, const char *user_id, bool *out);
/* The row of the account's user, made if there is none. */
LEDGER_PRIVATE int portfolio_make(ledger *db, struct account *account, int64_t now_us);
/* Values to bind: borrowed text or null; an amount, a time of the column's type in the caller's room. */
LEDGER_PRIVATE struct value portfolio_text(const char *text);
LEDGER_PRIVATE struct value portfolio_amount(int64_t amount, char text[MONEY_TEXT_MAX]);
LEDGER_PRIVATE struct value portfolio_time(const struct relation *relation, const char *column, int64_t time_us,
                                           char text[MOMENT_TEXT_MAX]);
/* Does a text of the caller's fit into the column? TOO_LONG, BAD_ENCODING. NULL fits. */
LEDGER_PRIVATE int portfolio_fits(ledger *db, const struct relation *relation, const char *column, const char *text);
/* Runs an INSERT or UPDATE of exactly one row of the relation, whose id is the first value, and notes it. BOOK_BROKEN if it was none. */
LEDGER_PRIVATE int portfolio_write(ledger *db, const struct relation *relation, enum statement_id id, int count,
                                   const struct value *values);
/* A text of a journal's detail, {"object":{"member":"text"}}, in the arena; NULL where there is none. */
LEDGER_PRIVATE int portfolio_member(ledger *db, const char *detail, const char *object, const char *member, const char **out);
/* The same as an amount of 8 digits; 0 where there is none. */
LEDGER_PRIVATE int portfolio_number(ledger *db, const char *detail, const char *object, const char *member, int64_t *out);
/* Makes the journal's detail of an object that is finished here, and of another one or NULL. */
LEDGER_PRIVATE int portfolio_keep(ledger *db, struct journal *journal, sqlite3_str *object, const char *more);
/* The open order or payout that an operation is of, as the journal's parent. UNKNOWN_REFERENCE, WRONG_STATE. */
LEDGER_PRIVATE int portfolio_open(ledger *db, const char *of, enum ledger_operation_kind kind, struct journal *journal,
                                  struct journal_past *past, struct hold_state *hold);
LEDGER_PRIVATE int64_t portfolio_left(const struct hold_state *hold);
/* Makes `amount` of what is left of a hold available again, for the legs behind it that take it, or for good. */
LEDGER_PRIVATE int portfolio_give_back(ledger *db, struct journal *journal, const struct hold_state *hold, int64_t amount);

/* ---- batch.c, history.c, operation_json.c */

LEDGER_PRIVATE int batch_post(ledger *db, int count, const ledger_operation *operations, enum ledger_batch_mode mode, int flags,
                              ledger_result *results);
LEDGER_PRIVATE int history_balance_at(ledger *db, const char *account, const char *time, enum ledger_clock clock,
                                      ledger_balance *out);
LEDGER_PRIVATE int history_rows(ledger *db, const ledger_history_filter *filter, ledger_rows **out);
LEDGER_PRIVATE int operation_read(ledger *db, const char *json, size_t length, ledger_operation *out);
LEDGER_PRIVATE char *operation_result_json(const ledger_result *result);
/* The object of a balance in such a result. */
LEDGER_PRIVATE void operation_balance_json(sqlite3_str *out, const ledger_balance *balance, bool with_limits);
/* The members of operations, from 0 in the order of ledger.h, legs last: is it needed in one of the kind, may it be there? False
** behind the last. */
LEDGER_PRIVATE bool operation_member(enum ledger_operation_kind kind, int member, const char **name, const char **meaning,
                                     bool *is_needed, bool *is_allowed);
/* The newest rate of a pair at a moment, in the arena. NO_RATE. */
LEDGER_PRIVATE int exchange_rate(ledger *db, const char *from, const char *to, int64_t moment_us, const char **out);

/* ---- head.c, verify.c */

LEDGER_PRIVATE int head_get(ledger *db, const unsigned char *secret_key, ledger_head *out);
/* The bytes that are signed: a text in the arena, its length in *length. */
LEDGER_PRIVATE const char *head_message(ledger *db, int64_t journal, const unsigned char hash[32], const char *sums,
                                        size_t *length);
LEDGER_PRIVATE int verify_book(ledger *db, const ledger_verify_options *options, char **report);

#endif
