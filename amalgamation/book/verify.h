/*
** verify.h: what the parts of the proof share. verify.c owns the report and the order of things, verify_walk.c the walk over
** journals, entries, plain rows and audit rows, verify_account.c the state of accounts and what the plain tables show of it,
** verify_row.c the plain rows of a journal, verify_crypto.c those of trades, payouts and deposit addresses, verify_detail.c fees,
** rates, limits and remainders, verify_audit.c the images of audited rows, verify_file.c what SQLite itself can say. None of them
** stops at a break; what they return is LEDGER_OK or why the proof could not go on.
*/
#ifndef LEDGER_VERIFY_H
#define LEDGER_VERIFY_H

#define VERIFY_FIRST_MAX 100     /* breaks that the report shows */
#ifndef VERIFY_ACCOUNTS /* a test makes all three small */
#define VERIFY_ACCOUNTS 250000   /* accounts whose state is in memory at once, 104 bytes each; more need more walks */
#define VERIFY_REMAINDERS 150000 /* likewise remainders, 48 bytes each */
#define VERIFY_WHOLE_PAGES 65536 /* pages of a file that is checked whole also without `full` (verify_file.c) */
#endif

/* Sums of amounts; aligned as sqlite3_malloc64() aligns. */
__extension__ typedef __int128 head_wide __attribute__((aligned(8)));

/* What is summed over accounts: a currency in a scale. */
struct head_unit {
  char currency[24];
  int scale;
  head_wide customers; /* posted to accounts that are not the book's own */
  head_wide total;     /* balances of all accounts */
  head_wide posted, pending; /* of the journal that is being read: layer 0; layers 1 and 2 */
};
struct head_units {
  int count, room;
  struct head_unit *items;
};

/* Index of the unit, made if it is new; -1: memory. */
LEDGER_PRIVATE int head_unit(struct head_units *units, const char *currency, int scale);
/* The sums that a checkpoint keeps, appended as JSON; the same text whenever the sums are the same. */
LEDGER_PRIVATE void head_sums(sqlite3_str *out, const struct head_units *units, int64_t checkpoint, int64_t journals,
                              int64_t entries);
/* The file's signing key from ledger_meta, as it stands there, in the arena; NULL: none. */
LEDGER_PRIVATE int head_key(ledger *db, const char **out);

/* An account of the range in memory, as its entries so far left it. */
struct verify_account {
  unsigned char owner[16]; /* the uuid; the name of a system account */
  int64_t balance, held, expected, version, last_entry, last_jump;
  int64_t open; /* what ledger_remainder says is held */
  int64_t overdraft_limit, min_balance, max_balance;
  uint16_t unit;
  uint8_t class;
  bool exists;
};

/* Who an account is: what does not change. */
struct verify_identity {
  unsigned char owner[16];
  int unit; /* -1: the account is not there */
  enum account_class class;
};

struct verify_entry {
  int64_t seq, account_key, amount, balance_after, available_after, version, previous, jump;
  int layer;
  struct verify_identity who;
  struct verify_account *account; /* NULL: not in the range, or not there */
  int64_t before_balance, before_available; /* of the account, before the journal */
  bool is_last; /* of the account in the journal */
};

/* A row of ledger_remainder, and what the journals with its journal as parent took of it so far. */
struct verify_remainder {
  int64_t journal, amount, settled, released, taken, given_back;
};

/* The journal that is being read. Texts are those of the row under the cursor. */
struct verify_journal {
  int64_t seq, parent, effective_us, created_us, row_count;
  int outcome;
  enum ledger_operation_kind kind; /* LEDGER_OP_COUNT: no word of ours */
  const char *word, *id, *reference, *reason, *detail;
  const unsigned char *request;
  size_t request_length, reference_length;
  unsigned char stored[32];
  char time[MOMENT_TEXT_MAX]; /* as its plain rows show it */
  size_t time_length;
  bool has_remainder;
  int64_t amount, settled, released; /* of its ledger_remainder row */
  int entry_count;
  struct verify_entry entries[JOURNAL_LEG_MAX];
};

/* Rows from `first` to `last` that an import brought. */
struct verify_import {
  enum imported_table table;
  int64_t first, last;
};

struct verify {
  const char *file_check; /* what SQLite was asked to check of the file, for the report */
  ledger *db;
  const struct book_tables *tables;
  const ledger_verify_options *options;
  /* the report */
  int64_t breaks, journals, entries, rows, audits, checkpoints, accounts;
  sqlite3_str *first;
  int first_count;
  bool damaged; /* SQLite could not read on */
  /* what was given or stands in the file */
  int64_t head_seq; /* 0: none given */
  bool head_given, head_found, head_is_signed;
  unsigned char head_hash[32];
  bool has_key;
  unsigned char key[32];
  /* accounts in memory: keys first_key to first_key + VERIFY_ACCOUNTS - 1 */
  struct verify_account *account;
  int64_t first_key;
  struct head_units units;
  int import_count;
  struct verify_import *imports;
  struct verify_remainder *remainder; /* in memory, by journal */
  int remainder_count;
  int64_t last_seq; /* that was read */
};

/* Adds a break. table, id: may be NULL; seq 0: none. */
LEDGER_PRIVATE void verify_break(struct verify *verify, const char *check, const char *table, const char *id, int64_t seq,
                                 const char *format, ...) PRINTF_LIKE(6, 7);
/* A result of the store: LEDGER_OK where the file is damaged, which is a break like others. */
LEDGER_PRIVATE int verify_trouble(struct verify *verify, int rc);
/* Steps; *has_row. */
LEDGER_PRIVATE int verify_step(struct verify *verify, sqlite3_stmt *stmt, bool *has_row);
LEDGER_PRIVATE int64_t verify_add(int64_t a, int64_t b); /* INT64_MIN where the sum does not fit: no number that the book writes */
LEDGER_PRIVATE const char *verify_text(sqlite3_stmt *stmt, int column); /* NULL: null, or not a text */
LEDGER_PRIVATE bool verify_uuid(const char *text, unsigned char out[16]);
LEDGER_PRIVATE void verify_uuid_text(const unsigned char bytes[16], char out[37]);

LEDGER_PRIVATE int verify_walk(struct verify *verify, bool is_first);
/* Did an import bring the row? Known once the walk has passed its journal. */
LEDGER_PRIVATE bool verify_is_imported(const struct verify *verify, enum imported_table table, int64_t rowid);
/* Does the walk look at all foreign keys of the table, as PRAGMA foreign_key_check would? */
LEDGER_PRIVATE bool verify_walk_sees_keys(const struct verify *verify, const struct relation *relation);

/* Accounts are in memory from the smallest key that is at least *key; *key becomes it, 0: there are none. */
LEDGER_PRIVATE int verify_accounts_load(struct verify *verify, int64_t *key);
LEDGER_PRIVATE int verify_accounts_compare(struct verify *verify);
LEDGER_PRIVATE int verify_accounts_unknown(struct verify *verify); /* plain rows with a balance that the book does not know */
LEDGER_PRIVATE void verify_units_compare(struct verify *verify);
LEDGER_PRIVATE int verify_identify(struct verify *verify, int64_t account_key, struct verify_identity *who,
                                   struct verify_account **account);
/* The entry is taken into its account; `journal` has those before it. */
LEDGER_PRIVATE void verify_entry(struct verify *verify, struct verify_journal *journal, struct verify_entry *entry);
LEDGER_PRIVATE void verify_limits(struct verify *verify, const struct verify_journal *journal);
LEDGER_PRIVATE void verify_balance(struct verify *verify, const struct verify_journal *journal); /* V1 */
/* The name of an account in a message, at most 80 bytes. */
LEDGER_PRIVATE void verify_account_name(const struct verify *verify, const struct verify_identity *who, char out[80]);

/* A row of transactions or portfolio_transactions under the cursor, columns as in VERIFY_TRANSACTIONS. */
enum { VERIFY_ROW_ROWID, VERIFY_ROW_ID, VERIFY_ROW_OWNER, VERIFY_ROW_TYPE, VERIFY_ROW_AMOUNT, VERIFY_ROW_CURRENCY,
       VERIFY_ROW_REFERENCE, VERIFY_ROW_CREATED, VERIFY_ROW_STATUS, VERIFY_ROW_COMPLETED };
/* Does it say what the journal did? Says what not, if `report`. Adds the row to the chain. */
LEDGER_PRIVATE bool verify_row(struct verify *verify, const struct verify_journal *journal, sqlite3_stmt *stmt, bool is_portfolio,
                               bool report, struct chain *chain);

/* A member of an object in a journal's detail. */
struct verify_member {
  const char *name;
  const char *text; /* of a string or a number, in the arena; NULL: null, or not there */
};
/* The object called `name` in a detail (NULL: none); *found. */
LEDGER_PRIVATE int verify_object(struct verify *verify, const char *detail, const char *name, struct verify_member *members,
                                 int count, bool *found);
/* Fee, rate and trade of its detail computed again; the limits that it set. */
LEDGER_PRIVATE int verify_detail(struct verify *verify, const struct verify_journal *journal, bool is_first);
/* The next remainders behind `journal`, into memory; what the journal takes from its parent; whether that is what they say. */
LEDGER_PRIVATE int verify_remainders_load(struct verify *verify, int64_t journal);
LEDGER_PRIVATE void verify_parent(struct verify *verify, const struct verify_journal *journal);
LEDGER_PRIVATE void verify_remainders_compare(struct verify *verify);
/* Its own remainder: is it of what the journal held or moved? */
LEDGER_PRIVATE void verify_remainder_own(struct verify *verify, const struct verify_journal *journal, bool is_first);

LEDGER_PRIVATE int verify_crypto(struct verify *verify); /* trades, payouts, deposit addresses */
LEDGER_PRIVATE int verify_images(struct verify *verify);

LEDGER_PRIVATE int verify_file(struct verify *verify);

#endif
