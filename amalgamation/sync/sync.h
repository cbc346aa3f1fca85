/*
** sync: what leaves the file for PostgreSQL. Private prototypes, seen by the front door.
*/
#ifndef LEDGER_SYNC_H
#define LEDGER_SYNC_H

/* ---- script.c */

#define SCRIPT_BUFFER (64 * 1024)
struct script {
  int (*write)(void *context, const void *bytes, size_t length);
  void *context;
  size_t length;
  int rc; /* LEDGER_IO once write() refused */
  char bytes[SCRIPT_BUFFER];
};
LEDGER_PRIVATE void script_start(struct script *script, int (*write)(void *, const void *, size_t), void *context);
LEDGER_PRIVATE int script_end(struct script *script); /* flushes; LEDGER_OK or LEDGER_IO */
LEDGER_PRIVATE void script_bytes(struct script *script, const char *bytes, size_t length);
LEDGER_PRIVATE void script_text(struct script *script, const char *text);
LEDGER_PRIVATE void script_name(struct script *script, const char *name);
LEDGER_PRIVATE void script_table(struct script *script, const char *schema, const char *name);
LEDGER_PRIVATE void script_literal(struct script *script, const char *text, size_t length);
/* One COPY field. False: it has bytes that are not ASCII, or a NUL, and is to be checked. */
LEDGER_PRIVATE bool script_copy_field(struct script *script, const char *text, size_t length);

/* ---- row_text.c: stored values as PostgreSQL prints them */

struct row_text {
  const char *text; /* lives until the next value is read; its UTF-8 is not checked */
  size_t length;
  char number[24];
  sqlite3_str *built;
};
LEDGER_PRIVATE void row_text_open(struct row_text *text);
LEDGER_PRIVATE void row_text_close(struct row_text *text);
/* The column's value, which is not NULL; `row` has all columns. The error names table, key and column. */
LEDGER_PRIVATE int row_text_read(ledger *db, const struct relation *relation, int column, const struct value *row,
                                 struct row_text *out);
/* The same as main prints it once it has it: xml is kept with its declaration, and printed without. */
LEDGER_PRIVATE int row_text_print(ledger *db, const struct relation *relation, int column, const struct value *row,
                                  struct row_text *out);
/* Sets the error "table T, key (K), column C: problem". Returns `code`. */
LEDGER_PRIVATE int row_text_bad(ledger *db, const struct relation *relation, int column, const struct value *row, int code,
                                const char *problem);

/* A field as PostgreSQL prints it in a record: in quotes where it is empty or has what a record means something by. */
LEDGER_PRIVATE void row_text_record(sqlite3_str *record, const char *text, size_t length);

/* ---- table.c: how a table syncs */

#define SYNC_DELTA_MAX 16 /* columns of a table that travel as differences */
enum sync_kind { SYNC_MUTABLE, SYNC_FACT, SYNC_MAIN, SYNC_LOCAL };
struct sync_table {
  enum sync_kind kind;
  const char *collision;    /* reject, adopt, rename */
  const char *status_column, *status_order; /* or NULL; the order is JSON, see ledger_sync_table */
  bool has_edits;           /* a fact whose description and metadata may change when it is final */
  int delta_count;          /* accounts.balance, ...: what the book keeps */
  int deltas[SYNC_DELTA_MAX]; /* positions */
};
LEDGER_PRIVATE int sync_table(ledger *db, const struct relation *relation, struct sync_table *out);
/* A column that a BEFORE UPDATE trigger of the schema assigns is main's: digests and proofs leave it out. */
LEDGER_PRIVATE bool sync_is_mains(const struct relation *relation, int column);
/* The call that registers the schema on main: SELECT ledger_sync.register_schema('...'); */
LEDGER_PRIVATE int sync_register(ledger *db, struct script *script);
/* A fact of ledger_meta, in the arena; "" if there is none. */
LEDGER_PRIVATE int sync_meta(ledger *db, const char *key, const char **out);
#define SYNC_HASH_DIGITS 64 /* hexadecimal, of a SHA-256 */
/* The hash of batch 0, the full export, hexadecimal: over "ledger full DEVICE EPOCH LAST JOURNAL ENTRY HEAD", HEAD being the hash of
** the journal, hexadecimal, or nothing (NULL) where the book is empty. */
LEDGER_PRIVATE void sync_full_hash(const char *device, int64_t epoch, int64_t last, int64_t journal, int64_t entry,
                                   const char *head, char out[SYNC_HASH_DIGITS + 1]);
LEDGER_PRIVATE int sync_table_set(ledger *db, const char *table, const char *kind, const char *collision);

/* ---- state.c: the row of ledger_sync_state */

#define SYNC_CLOCK_MS 65536 /* a millisecond of a hybrid logical clock, which counts within it */

struct sync_state {
  char device[37], previous_device[37], main[37];
  int64_t epoch, hlc, key_range; /* key_range -1: null */
  bool is_careful, has_main_key;
  unsigned char main_key[64];
  int64_t cut_seq, cut_change, cut_journal, cut_entry;
  int64_t received_seq, received_change, received_journal, received_entry, applied_seq;
  unsigned char cut_hash[32], received_hash[32];
  size_t cut_hash_length, received_hash_length; /* 0 or 32 */
};
LEDGER_PRIVATE int state_read(ledger *db, struct sync_state *out); /* in a transaction of any kind */
LEDGER_PRIVATE int state_status(ledger *db, ledger_sync_facts *out);
LEDGER_PRIVATE int state_attempt(ledger *db, const char *error);
LEDGER_PRIVATE int state_acknowledge(ledger *db, const char *text, size_t length, bool is_trusted);
LEDGER_PRIVATE int state_rekey(ledger *db);
LEDGER_PRIVATE int state_get_main_key(ledger *db, unsigned char key[64]);
LEDGER_PRIVATE int state_set_main_key(ledger *db, const unsigned char key[64], bool replaces);
LEDGER_PRIVATE void state_time(int64_t time_us, char out[MOMENT_TEXT_MAX]); /* 2026-11-20T09:00:00.123456Z */
LEDGER_PRIVATE char *state_acknowledgement_sql(ledger *db); /* NULL after an error */
LEDGER_PRIVATE char *state_enrol_sql(ledger *db, const unsigned char *public_key);

/* ---- key_range.c: identity and serial keys of a device */

/* Moves the sequences into the range, in a write transaction; range 0 leaves them. SEQUENCE_LIMIT. */
LEDGER_PRIVATE int key_range_take(ledger *db, int64_t range);
/* Were keys minted from the first range? */
LEDGER_PRIVATE int key_range_is_used(ledger *db, bool *out);

/* ---- change_set.c: which rows changed since a cut, each once, in order of relation and key */

struct change_range { /* above `from`, up to `to` */
  int64_t from_change, to_change, from_journal, to_journal, from_entry, to_entry;
};
struct change_row {
  const struct relation *relation;
  const struct sync_table *table;
  const struct value *values; /* all columns; of a row that is gone only those of the key, the others null */
  bool is_gone;
  int64_t hlc;                    /* of its last change; 0: none, it is a fact of the book, or only its balances changed */
  int64_t deltas[SYNC_DELTA_MAX]; /* of table->deltas, in units of the column's scale */
};
struct change_delta {
  const struct relation *relation;
  struct value key, journal; /* the key as ledger_change has it; the journal's id */
  int column;
  int64_t amount;
};
/* In a transaction of any kind. Stops at the first code that is not LEDGER_OK. */
LEDGER_PRIVATE int change_set_rows(ledger *db, const struct change_range *range,
                                   int (*each)(void *context, const struct change_row *row), void *context);
/* What each journal did to each balance, by account, journal and column. */
LEDGER_PRIVATE int change_set_deltas(ledger *db, const struct change_range *range,
                                     int (*each)(void *context, const struct change_delta *delta), void *context);

/* ---- batch.c: cuts batches; batch_script.c: a batch as SQL */

LEDGER_PRIVATE int batch_unknown(ledger *db, int64_t seq); /* the errors UNKNOWN_REFERENCE, ALTERED of a batch */
LEDGER_PRIVATE int batch_altered(ledger *db, int64_t seq);
#define BATCH_CHUNK (64 * 1024) /* bytes of a chunk before it is compressed */
LEDGER_PRIVATE int batch_cut(ledger *db, int64_t *seq);
/* Gives the body of a kept batch chunk by chunk, decompressed. */
LEDGER_PRIVATE int batch_read(ledger *db, int64_t seq, int (*chunk)(void *context, const char *bytes, size_t length), void *context);
/* A batch, from wherever its bytes come, as a script. Needs no handle: the header says what the body has (a bundle's too). Call
** start, then body with its bytes in any pieces, then end. ALTERED if the body is not what the header says. */
struct batch_script;
LEDGER_PRIVATE int batch_script_start(const char *header, enum ledger_export_format format,
                                      int (*write)(void *context, const void *bytes, size_t length), void *context,
                                      struct batch_script **out, ledger_error *error);
LEDGER_PRIVATE int batch_script_body(struct batch_script *script, const char *bytes, size_t length);
LEDGER_PRIVATE int batch_script_end(struct batch_script *script); /* frees it, too; also to be called after an error */
LEDGER_PRIVATE int batch_export(ledger *db, int64_t seq, enum ledger_export_format format,
                                int (*write)(void *context, const void *bytes, size_t length), void *context);

/* ---- bundle.c: batches carried by hand; see ledger.h */

LEDGER_PRIVATE int bundle_seal(ledger *db, int64_t since, const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                               int64_t *first, int64_t *last,
                               int (*write)(void *context, const void *bytes, size_t length), void *context);
LEDGER_PRIVATE int bundle_open(int (*read)(void *context, int64_t offset, void *bytes, size_t length), void *context,
                               int64_t size, ledger_bundle **out);
LEDGER_PRIVATE const ledger_error *bundle_error(const ledger_bundle *bundle);
LEDGER_PRIVATE const ledger_bundle_facts *bundle_facts(const ledger_bundle *bundle);
LEDGER_PRIVATE int bundle_check_signature(ledger_bundle *bundle, const unsigned char *sender);
LEDGER_PRIVATE int bundle_verify(ledger_bundle *bundle, const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                 const unsigned char *sender, int (*batch)(void *context, int64_t seq, const char *hash),
                                 void *context);
LEDGER_PRIVATE int bundle_script(ledger_bundle *bundle, int64_t after, enum ledger_export_format format,
                                 int (*write)(void *context, const void *bytes, size_t length), void *context);
LEDGER_PRIVATE void bundle_close(ledger_bundle *bundle);
LEDGER_PRIVATE void bundle_key_name(const unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES], char out[33]);

/* ---- digest.c: hashes of rows */

struct digest_choice { /* of what a walk gives */
  bool *takes;         /* the columns that are hashed, by position */
  bool with_keys, by_column;
};
struct digest_row { /* borrowed until the next one */
  const struct value *values; /* all columns */
  const char *key;
  size_t key_length;
  uint64_t hash;
  const uint64_t *column_hashes; /* of the columns taken, one after another */
};
/* The columns that digests take. */
LEDGER_PRIVATE int digest_choose(ledger *db, const struct relation *relation, struct digest_choice *choice);
/* Each row, in no order, within the caller's snapshot. *done counts them for the progress function. */
LEDGER_PRIVATE int digest_rows(ledger *db, const struct relation *relation, const struct digest_choice *choice, int64_t *done,
                               int (*each)(void *context, const struct digest_row *row), void *context);
/* The text of a row's key: the column's, or of several the record that PostgreSQL prints. */
LEDGER_PRIVATE int digest_key(ledger *db, const struct relation *relation, const struct value *row, struct row_text *text,
                              sqlite3_str *out);
LEDGER_PRIVATE int digest_each_row(ledger *db, const char *table, bool by_column,
                                   int (*each)(void *context, const ledger_digest_row *row), void *context);

/* ---- prove.c: the script by which main compares this file's rows with its own */

LEDGER_PRIVATE int prove_script(ledger *db, int (*write)(void *context, const void *bytes, size_t length), void *context);

/* ---- import.c, pull.c: the way back: see ledger_import() and ledger_pull() */

LEDGER_PRIVATE int import_dump(ledger *db, ptrdiff_t (*read)(void *context, void *bytes, size_t length), void *context, int flags,
                               char **report);
/* Is it a row of the journals that an import posted? Main has none of them, and gets none. All columns; after book_enter(). */
LEDGER_PRIVATE int import_is_own(ledger *db, const struct relation *relation, const struct value *row, bool *is_own);
LEDGER_PRIVATE int pull_tables(ledger *db, int count, ledger_pull_table *tables, const ledger_pull_source *source);

/* ---- export.c, digest.c: see ledger_export() and ledger_digest() */

LEDGER_PRIVATE int export_script(ledger *db, enum ledger_export_part part, enum ledger_export_format format,
                                 int (*write)(void *context, const void *bytes, size_t length), void *context);
LEDGER_PRIVATE int digest_tables(ledger *db, const char *table, ledger_rows **out);

#endif
