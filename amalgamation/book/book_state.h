/*
** book_state.h: what a handle remembers of the book between operations. Everything here is a copy of what the file says and
** holds while nobody else writes: book_enter() throws it away when another connection has committed (PRAGMA data_version),
** when this handle wrote plain rows by other roads (row_writes), and after a rollback.
*/
#ifndef LEDGER_BOOK_STATE_H
#define LEDGER_BOOK_STATE_H

#define ACCOUNT_CHUNK 256 /* accounts are kept in chunks, so that pointers to them stay */
#define ACCOUNT_CHUNKS (ACCOUNT_CACHE_MAX / ACCOUNT_CHUNK + 4)
#define ACCOUNT_SLOTS (4 * ACCOUNT_CACHE_MAX) /* a power of two; two names an account at most */

struct account_slot {
  uint32_t hash;
  int32_t place; /* 1 + number of the account; 0: free */
};

struct book {
  /* tables.c */
  const struct catalog *catalog;
  int64_t schema_version;
  struct book_tables tables;
  int64_t transaction, data_version, row_writes; /* of which what is remembered is true */
  /* account.c */
  struct account *chunks[ACCOUNT_CHUNKS];
  int account_count;
  struct account_slot *slots;
  /* account_write.c */
  bool defers;         /* a batch: rows of accounts are written once, at its end, and not with each journal */
  struct account *due; /* linked by next_due */
  /* journal.c */
  bool knows_head;
  int64_t last_seq, last_entry, last_key, last_created_us;
  unsigned char last_hash[32];
  int64_t mark; /* number of the last check */
  int64_t text_us; /* the time of the two texts */
  size_t accounts_text_length, transactions_text_length;
  char accounts_text[MOMENT_TEXT_MAX], transactions_text[MOMENT_TEXT_MAX];
  bool is_torn; /* a journal failed after its first write: what surrounds it must be rolled back */
  struct journal journal; /* the one being built: too large for a stack */
  /* operation.c */
  struct arena results; /* balances and errors that a call's results point to */
};

#endif
