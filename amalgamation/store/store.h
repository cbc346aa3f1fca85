/*
** store: the only callers of SQLite. Connections, the catalog of a file, statements, rows in and out, sequences,
** errors. Private prototypes, seen by store, book, access, sync and the front door.
**
** Every function that takes the handle and returns an int leaves the sentence in db->error.
*/
#ifndef LEDGER_STORE_H
#define LEDGER_STORE_H

#include "function.h"
#include "statements.h"

#define STORE_APPLICATION_ID 0x4C454447 /* 'LEDG' in the file's header */
#define STORE_FORMAT 4                  /* user_version: version of the engine's own tables. 1: without the book; 2: without sync; 3: without access */

/* ---- catalog.c: what ledger_catalog_* says, as structs. Borrowed from the catalog; hold a reference to keep it. */

enum column_default { COLUMN_NO_DEFAULT, COLUMN_CONSTANT, COLUMN_NOW, COLUMN_UUID, COLUMN_NEXTVAL, COLUMN_EXPRESSION };

struct sequence;
struct relation;

struct column {
  const char *name;
  const char *type_name; /* as format_type() prints it */
  struct type type;      /* domains resolved */
  const char *collation; /* that equality and order need, NULL for BINARY */
  bool not_null;
  enum column_default default_kind;
  const char *default_sql;
  struct sequence *sequence; /* COLUMN_NEXTVAL */
  const char *generated_sql; /* NULL: a plain column */
  char identity;             /* 'a', 'd' or 0 */
  const char *domain;        /* name of the domain it was declared with, or NULL */
  const struct relation *origin; /* of a view: the table whose column it shows as it is, or NULL */
  int origin_column;
  const char *comment;
  bool is_secret;    /* its comment has the line @encrypted */
  bool is_encrypted; /* and its values are kept encrypted: the file has a key (encryption.c) */
};

struct constraint {
  const char *name;
  char kind; /* p, u, f, c, d as in ledger_catalog_constraint */
  struct relation *relation;
  int count;
  const int *columns;         /* positions from 0 */
  struct relation *reference; /* f */
  int reference_count;
  const int *reference_columns;
  char match, on_update, on_delete;
  int deferrable;
  const char *check_sql;
  const char *domain;
  const char *definition;
};

struct index {
  const char *name, *stored_name;
  bool is_unique;
  bool has_expression;
  int count;
  const int *columns; /* -1 for an expression */
  const char *predicate_sql;
};

struct trigger_step {
  char kind; /* 'a' assign, 'r' raise, 'i' insert */
  const char *condition_sql;
  int column; /* assign */
  const char *expression_sql, *sqlstate, *message;
};

enum { TRIGGER_INSERT = 1, TRIGGER_UPDATE = 2, TRIGGER_DELETE = 4 };

struct trigger {
  const char *name;
  bool before;
  int events;       /* TRIGGER_* */
  int column_count; /* UPDATE OF; 0: any */
  const int *columns;
  int step_count;
  const struct trigger_step *steps;
};

struct policy { /* CREATE POLICY; in a subquery each table that is read as the caller is marked: ledger_rls."stored_name" */
  const char *name;
  bool is_permissive;
  char command; /* a all, s select, i insert, u update, d delete */
  int role_count;
  const char *const *roles; /* "public": everyone */
  const char *using_sql, *check_sql;
};

enum { PRIVILEGE_SELECT = 1, PRIVILEGE_INSERT = 2, PRIVILEGE_UPDATE = 4, PRIVILEGE_DELETE = 8 };

struct privilege {
  const char *role; /* "public": everyone */
  int letters;      /* PRIVILEGE_* */
};

struct plan; /* write.c: what inserting into a relation needs, made on first use */

struct relation {
  int64_t id;
  const char *schema, *name;
  const char *stored_name; /* SQLite's name */
  const char *comment;
  bool is_view;
  int row_security;
  int column_count;
  struct column *columns;
  int constraint_count;
  struct constraint **constraints; /* in order of creation */
  int referencing_count;
  struct constraint **referencing; /* foreign keys of others, or its own, that point here */
  int index_count;
  struct index *indexes;
  int trigger_count;
  struct trigger *triggers;
  int policy_count;
  struct policy *policies; /* by name */
  int privilege_count;
  struct privilege *privileges;
  const char *invoker_sql; /* a view that asks as its caller: its SELECT in parentheses, tables marked; else NULL */
  const struct constraint *primary; /* or NULL */
  bool has_generated;
  bool is_wanted;  /* observe.c: the observer wants its rows, */
  bool is_reached; /* or those of a relation that a write to it may reach */
  bool is_mains;   /* ledger_sync_table: the main database's, read here */
  struct plan *plan;
};

struct sequence {
  int64_t id;
  const char *schema, *name, *stored_name;
  int64_t start, increment, minimum, maximum;
  bool cycle;
  int64_t last_value; /* as in ledger_sequence, or further: values taken are never given again by this process */
  bool is_called;
  bool is_dirty;   /* to be written at the next commit */
  int64_t read_in; /* number of the transaction in which the file's value was last read */
};

struct catalog {
  int references;
  struct arena arena;
  int relation_count;
  struct relation *relations; /* in order of creation */
  struct relation **by_name;  /* sorted by schema, name */
  int sequence_count;
  struct sequence *sequences;
  bool has_inserts; /* of triggers of the schema */
  bool has_origins; /* columns of views that are columns of tables */
  bool has_privileges; /* the schema has GRANT or the like: what stands in ledger_catalog_privilege counts */
  bool is_marked;      /* its compiler marked tables in policies; an older one did not */
  struct policy_role *policy_roles; /* access/policy_rule.c: what the policies come to for each role; in the arena */
  bool is_observed; /* observe.c: is_wanted and is_reached are filled in */
  const char *encryption_key; /* id of the key that is_encrypted columns are kept under, NULL: there is none */
};

/* Loads the catalog when there is none, or again when the file's schema changed. */
LEDGER_PRIVATE int catalog_refresh(ledger *db);
LEDGER_PRIVATE void catalog_release(struct catalog *catalog);
/* The relation of a name as ledger.h takes it: users, billing.users, "User". UNDEFINED_TABLE, with the name as written. */
LEDGER_PRIVATE int catalog_relation(ledger *db, const char *name, struct relation **out);
/* By SQLite's name; NULL if there is none. */
LEDGER_PRIVATE struct relation *catalog_stored(const struct catalog *catalog, const char *stored_name, size_t length);
/* Position of a column, -1 if there is none. */
LEDGER_PRIVATE int catalog_column(const struct relation *relation, const char *name, size_t length);
LEDGER_PRIVATE struct sequence *catalog_sequence(const struct catalog *catalog, const char *stored_name);

/* ---- statement.c: prepared statements, fixed ones by number and built ones by key */

enum statement_id {
#define X(name, sql) STATEMENT_##name,
  STATEMENTS(X)
#undef X
      STATEMENT_COUNT
};

#define STATEMENT_CACHE_MAX 128

struct statement_entry {
  uint64_t hash;
  size_t key_length;
  unsigned char *key;
  sqlite3_stmt *stmt;
  bool is_long;    /* goes with the next call */
  int64_t used_in; /* number of the call that used it last */
};

/* The fixed statement, reset. NULL after an error. */
LEDGER_PRIVATE sqlite3_stmt *statement_fixed(ledger *db, enum statement_id id);
/*
** The same without looking at CHECK constraints, for rows whose values are right by construction and were read or made by our
** own code: on the book's rows the checks cost as much as the rows. Once the schema changes SQLite prepares them again, with the
** checks. The caller makes sure that the table has no CHECK but those that it knows.
*/
LEDGER_PRIVATE sqlite3_stmt *statement_trusted(ledger *db, enum statement_id id);
/* For built ones: what is prepared between the two does not look at them. A transaction does not begin without the second. */
LEDGER_PRIVATE int statement_unchecked(ledger *db);
LEDGER_PRIVATE int statement_check_again(ledger *db);
/* Runs a fixed statement that gives no rows. */
LEDGER_PRIVATE int statement_run(ledger *db, enum statement_id id);
/* Runs a text of statements without parameters, whatever rows they give; nothing is kept. */
LEDGER_PRIVATE int statement_exec(ledger *db, const char *sql);
/* The built statement of a key, NULL if it is to be made. Valid until the end of the call into the library. */
LEDGER_PRIVATE sqlite3_stmt *statement_find(ledger *db, const void *key, size_t length);
/* Prepares the SQL in *sql, which is freed, and keeps it under the key. NULL after an error. */
LEDGER_PRIVATE sqlite3_stmt *statement_make(ledger *db, const void *key, size_t length, sqlite3_str *sql);
/* Prepares without keeping; the SQL is freed. *out is the caller's. */
LEDGER_PRIVATE int statement_prepare(ledger *db, sqlite3_str *sql, sqlite3_stmt **out);
/* For those who walk a prepared statement: LEDGER_ROW, LEDGER_DONE or an error; and its end. NULL is allowed. */
LEDGER_PRIVATE int statement_step(ledger *db, sqlite3_stmt *stmt);
LEDGER_PRIVATE void statement_end(sqlite3_stmt *stmt);
LEDGER_PRIVATE void statement_forget_all(ledger *db);
LEDGER_PRIVATE void statement_forget_long(ledger *db); /* those whose memory is worth more than they are; none is in use */
LEDGER_PRIVATE int statement_bind(sqlite3_stmt *stmt, int parameter, const struct value *value); /* text is borrowed */
/* Parameters 1 to count, as far as the statement has them. */
LEDGER_PRIVATE int statement_bind_all(ledger *db, sqlite3_stmt *stmt, int count, const struct value *values);
LEDGER_PRIVATE struct value statement_value(sqlite3_stmt *stmt, int column); /* borrowed until the next step */
/* The column's text, in the handle's arena; *out NULL for null. */
LEDGER_PRIVATE int statement_text(ledger *db, sqlite3_stmt *stmt, int column, const char **out);
LEDGER_PRIVATE bool value_is_same(const struct value *a, const struct value *b); /* bit by bit */
LEDGER_PRIVATE uint64_t value_bits(const struct value *value); /* of an integer or a real; else the length of its bytes */
/* Copies the value's text into the arena. */
LEDGER_PRIVATE int value_keep(struct arena *arena, struct value *value);

/* ---- change.c: every row that is written leaves its key in ledger_change: our own writes from here, in the same transaction; those
** of other programs by triggers in the file. The book's rows of transactions, portfolio_transactions and audit_logs, and balances,
** leave nothing: journals and entries say it. */

/* Is the relation's content followed? Not a view's, nor without a primary key. */
LEDGER_PRIVATE bool change_is_followed(const struct relation *relation);
/* Notes that the row (all columns as stored) was written or deleted. Nothing while db->is_unfollowed. */
LEDGER_PRIVATE int change_note(ledger *db, const struct relation *relation, const struct value *row);
LEDGER_PRIVATE int change_note_key(ledger *db, const struct relation *relation, const struct value *key);
LEDGER_PRIVATE int change_note_id(ledger *db, const struct relation *relation, const char *id); /* the key is one text */
/* The key as ledger_change has it, text in the arena; and back: a value for each column of the key. */
LEDGER_PRIVATE int change_key(struct arena *arena, const struct relation *relation, const struct value *row, struct value *key);
LEDGER_PRIVATE int change_key_of(struct arena *arena, const struct relation *relation, const struct value *values,
                                 struct value *key); /* from a value for each column of the key */
LEDGER_PRIVATE int change_key_read(ledger *db, const struct relation *relation, const struct value *key, struct value *values);
/* The hybrid logical clock's next value: max(wall clock in ms << 16, last + 1). In a write transaction. */
LEDGER_PRIVATE int change_clock(ledger *db, int64_t *hlc);
/* The triggers of the file for other programs' writes, and the row of ledger_sync_state; in the transaction that makes or upgrades
** the file, after its tables. */
LEDGER_PRIVATE int change_install(ledger *db);
/* Notes every row, and has the next batch name journals (is_careful): of a file that was written before its changes were followed it
** is not known what main has. */
LEDGER_PRIVATE int change_note_all(ledger *db);
/* Main-owned: other programs' writes are refused by triggers, ours by the store (FORBIDDEN), but for those with db->is_unfollowed. */
LEDGER_PRIVATE int change_refuse(ledger *db, const struct relation *relation, bool refuses);

/* ---- the observer: what the rooms below have to say about rows that the store writes. Set by the front door, called by
** observe.c within the write's transaction. `before` and `after` are all columns as stored; NULL: inserted, deleted. */

struct observer {
  /* Shall the two below hear of this relation's rows? NULL: they never do (LEDGER_PLAIN). */
  int (*wants)(ledger *db, const struct relation *relation, bool *wanted);
  /* May the row become what it has become? Called for each row of a statement that is done, those that it reached by cascades
  ** included; an error undoes it. FORBIDDEN. */
  int (*guard)(ledger *db, const struct relation *relation, const struct value *before, const struct value *after);
  /* A row was written. Called after the guard had no objection to any row of the statement. */
  int (*changed)(ledger *db, const struct relation *relation, const struct value *before, const struct value *after);
  void (*forget)(ledger *db); /* the catalog goes: let go of what is about it */
  void (*close)(ledger *db);  /* the handle closes: let go of everything */
};

/* ---- observe.c: around a statement of the book's. The row that it writes is the book's to note; what the schema's triggers insert
** because of it is noted here. Costs nothing in a schema whose triggers insert nothing. */

struct observe {
  ledger *db;
  const struct relation *relation;
  bool is_on, has_savepoint, is_aside;
  bool is_short; /* memory was short while a row was kept */
  struct observe_row *first, **last;
};
LEDGER_PRIVATE void observe_aside_start(struct observe *observe, ledger *db);
LEDGER_PRIVATE int observe_aside_end(struct observe *observe, int rc); /* returns rc, or why it could not be noted */

/* ---- connection.c: the handle */

struct ledger {
  sqlite3 *sqlite;
  ledger_error error;
  struct function_session session;
  struct arena arena; /* of the current call */
  struct catalog *catalog;
  int64_t schema_version; /* SQLite's cookie when the catalog was loaded */
  int64_t call;           /* number of the current call into the library */
  int64_t transaction;    /* number of the current or last write transaction */
  bool in_transaction;    /* between ledger_begin() and its end */
  int read_depth;         /* snapshots begun by transaction_begin_read() and not ended; they nest */
  bool transaction_lost;  /* SQLite rolled it back by itself: disk full, I/O error, no memory */
  bool has_dirty_sequence;
  bool is_read_only;
  char *path;
  int timeout_ms;
  int limit_ms;        /* of a request: see connection_limit(); 0: none */
  int64_t deadline_us; /* of the present one; 0: none */
  bool is_late;        /* it was stopped */
  int checkpoint_pages; /* length of the WAL at which we checkpoint; 0: SQLite does so by itself */
  int wal_pages;        /* in the WAL after the last commit, where we checkpoint */
  int (*report)(void *context, int64_t done, int64_t total);
  void *report_context;
  int64_t report_done, report_total;
  bool is_reporting; /* while the caller's progress function runs */
  sqlite3_stmt *fixed[STATEMENT_COUNT];
  struct statement_entry cache[STATEMENT_CACHE_MAX];
  int cache_count;
  bool has_long_statement; /* in the cache: see statement_forget_long() */
  ledger_rows *cursors; /* open ones, linked */
  int trigger_count;    /* TEMP triggers; see trigger.c */
  const struct observer *observer; /* or NULL */
  struct book *book;               /* the book's own state; made on first use (book/tables.c) */
  struct audit *audit;             /* who acts (book/audit.c) */
  struct encryption *encryption;   /* the key of encrypted columns, NULL: none was given (encryption.c) */
  bool exports_clear;              /* ledger_export() writes them in clear */
  struct arena operations;         /* texts of what operation_read() read, and the number of its last call */
  int64_t operations_call;
  int64_t row_writes;   /* writes of plain rows by the store and rollbacks: what the book remembers of rows is stale after one */
  bool is_unchecked;    /* statements are being prepared without CHECK constraints: see statement_check_again() */
  bool is_unfollowed;   /* writes are not noted in ledger_change: they come from main (pull, import) */
  int64_t hlc;          /* the clock's last value in this transaction; 0: not read yet */
  int64_t hlc_transaction; /* the transaction it is of */
  bool is_creating;     /* while the script of connection_create() runs */
  bool is_grouped;      /* the transaction is that of a group (access/group.c), which undoes what fails in the middle */
  bool is_torn;         /* there: a request that was refused has left something behind */
  struct user_state *users; /* what signing in remembers; made on first use (access/user_table.c) */
  const ledger_caller *caller;             /* access/policy.c: who asks; NULL: the owner */
  struct policy_role *policy_role;         /* its role; NULL: it is not known yet, or the owner */
  const struct catalog *policy_catalog;    /* that the role is of */
  int64_t policy_call;                     /* number of the last policy_enter() */
  bool is_open; /* ledger_open_tables() */
};

/* Starts a call: clears the error, resets the arena. MISUSE for a NULL or failed handle, and from within a callback. */
LEDGER_PRIVATE int connection_enter(ledger *db);
LEDGER_PRIVATE int connection_open(const char *path, int flags, const char *own_tables, ledger **out);
LEDGER_PRIVATE int connection_create(const char *path, const char *compiled, int flags, const char *own_tables, ledger **out);
LEDGER_PRIVATE void connection_close(ledger *db);
LEDGER_PRIVATE void connection_timeout(ledger *db, int timeout_ms);
/* How long a request may take: ledger_set_timeout(); and a request's beginning and end. */
LEDGER_PRIVATE void connection_limit_to(ledger *db, int limit_ms);
LEDGER_PRIVATE void connection_limit(ledger *db);
LEDGER_PRIVATE void connection_limit_end(ledger *db);
LEDGER_PRIVATE void connection_report_to(ledger *db, int (*report)(void *, int64_t, int64_t), void *context);
/* Tells the caller's progress function. LEDGER_INTERRUPTED when it wants to stop. */
LEDGER_PRIVATE int connection_report(ledger *db, int64_t done, int64_t total);

/* ---- transaction.c */

#define TRANSACTION_CHECKPOINT_PAGES 10000 /* as wal_autocheckpoint in connection.c */

/* Starts a write transaction unless one is open, and makes the catalog fresh. */
LEDGER_PRIVATE int transaction_begin(ledger *db);
/* Ends what transaction_begin() started: commits when rc is LEDGER_OK, else rolls back. Returns rc or the commit's error. */
LEDGER_PRIVATE int transaction_end(ledger *db, int rc);
LEDGER_PRIVATE int transaction_open(ledger *db);     /* ledger_begin() */
LEDGER_PRIVATE int transaction_commit(ledger *db);   /* ledger_commit() */
LEDGER_PRIVATE int transaction_rollback(ledger *db); /* ledger_rollback() */
/* One snapshot for several reads. Inside a transaction it changes nothing. */
LEDGER_PRIVATE int transaction_begin_read(ledger *db);
LEDGER_PRIVATE void transaction_end_read(ledger *db);

/* ---- file.c: paths */

LEDGER_PRIVATE int file_check(const char *path, ledger_error *error);        /* exists, is a regular file, may be read */
LEDGER_PRIVATE int file_check_absent(const char *path, ledger_error *error); /* EXISTS */
LEDGER_PRIVATE int file_make(const char *path, ledger_error *error);         /* an empty file that was not there */
LEDGER_PRIVATE char *file_temporary(const char *path);                       /* a name beside it; sqlite3_free() */
LEDGER_PRIVATE int file_publish(const char *temporary, const char *path, ledger_error *error); /* rename without replacing */
LEDGER_PRIVATE void file_remove(const char *path);                                             /* with -wal, -shm, -journal */
LEDGER_PRIVATE int64_t file_size(const char *path, const char *suffix);                        /* 0 if there is none */
LEDGER_PRIVATE bool file_exists(const char *path, const char *suffix);
LEDGER_PRIVATE bool file_folder_is_writable(const char *path);

/* ---- store_error.c: SQLite's codes to ours, in one place */

/* Fills db->error from the connection's last error. Returns the LEDGER_* code. */
LEDGER_PRIVATE int store_error(ledger *db, int sqlite_rc);
/* The same for a connection that is no handle (backup's destination). */
LEDGER_PRIVATE int store_error_of(sqlite3 *sqlite, int sqlite_rc, const char *path, ledger_error *error);
/* "22003: sentence" from one of our functions: fills *error and returns its code, 0 if the text is not of that form. */
LEDGER_PRIVATE int store_error_function(const char *text, ledger_error *error);

/* ---- violation.c: which constraint a refused row broke, in PostgreSQL's words */

enum violation_change { CHANGE_INSERT, CHANGE_UPSERT, CHANGE_UPDATE, CHANGE_DELETE };
struct violation {
  const struct relation *relation;
  enum violation_change change;
  const char *text;        /* SQLite's words, where they were saved; NULL: ask the connection */
  const struct value *row; /* insert, upsert: the row as bound */
  const char *images;      /* update: a SELECT of the old columns and then the new ones; delete: of the old ones */
  int parameter_count;     /* bound into it */
  const struct value *parameters;
};
LEDGER_PRIVATE int violation_error(ledger *db, int sqlite_rc, const struct violation *violation);
/* NOT NULL, found before SQLite saw the row. */
LEDGER_PRIVATE int violation_not_null(ledger *db, const struct relation *relation, int column, const struct value *row);
/* From SQLite's words alone, when nothing is known about the row. */
LEDGER_PRIVATE int violation_of_text(ledger *db, int sqlite_rc, const char *text);
/* A deferred foreign key that failed at COMMIT. */
LEDGER_PRIVATE int violation_deferred(ledger *db);

/* ---- sequence.c, sequence_step.c */

/* What nextval() gives in the sequence's state. SEQUENCE_LIMIT. */
LEDGER_PRIVATE int sequence_step(const struct sequence *sequence, int64_t *value, ledger_error *error);
LEDGER_PRIVATE int sequence_next(ledger *db, struct sequence *sequence, int64_t *value);
LEDGER_PRIVATE int sequence_nextval(void *owner, const char *stored_name, int64_t *value, ledger_error *error);
LEDGER_PRIVATE int sequence_flush(ledger *db); /* before COMMIT */
LEDGER_PRIVATE void sequence_committed(ledger *db);

/* ---- trigger.c: triggers of the schema on this connection */

/* The schema's raise and insert steps as TEMP triggers; the file's own triggers, for foreign writers, stay off here. */
LEDGER_PRIVATE int trigger_install(ledger *db);
LEDGER_PRIVATE int trigger_remove(ledger *db); /* the TEMP ones; who rolls that back restores db->trigger_count */
/* A SELECT of the row after the BEFORE triggers of `event` and with its generated columns, over `inner`, a SELECT of all
** columns by their names, which is freed (sqlite3_free). changed: UPDATE's columns by position, NULL for an insert. The
** caller's; NULL when memory is short. */
LEDGER_PRIVATE char *trigger_image(const struct relation *relation, int event, const bool *changed, char *inner);
/* Marks the columns that the BEFORE triggers of `event` assign, and the generated ones. Returns how many. */
LEDGER_PRIVATE int trigger_assigned(const struct relation *relation, int event, const bool *changed, bool *assigned);

/* ---- write.c, write_change.c, write_apply.c */

LEDGER_PRIVATE int write_insert(ledger *db, const char *table, int count, const char *const *columns,
                                const ledger_value *values, ledger_rows **returned);
LEDGER_PRIVATE int write_upsert(ledger *db, const char *table, int count, const char *const *columns,
                                const ledger_value *values, int conflict_count, const char *const *conflict, int update,
                                int64_t *changed, ledger_rows **returned);
LEDGER_PRIVATE int write_update(ledger *db, const char *table, int count, const char *const *columns,
                                const ledger_value *values, int where_count, const char *const *where_columns,
                                const ledger_value *where_values, int flags, int64_t *changed, ledger_rows **returned);
LEDGER_PRIVATE int write_delete(ledger *db, const char *table, int where_count, const char *const *where_columns,
                                const ledger_value *where_values, int flags, int64_t *changed, ledger_rows **returned);
LEDGER_PRIVATE int write_apply(ledger *db, const char *change, size_t length, int64_t *changed, ledger_rows **returned);
LEDGER_PRIVATE void write_plan_free(struct plan *plan);
/* Inserts a row of stored values, all columns; nobody is told of it. */
LEDGER_PRIVATE int write_stored(ledger *db, const struct relation *relation, const struct value *row, bool trusted);
/* The column's default; nextval() takes a value. */
LEDGER_PRIVATE int write_default(ledger *db, struct relation *relation, int column, struct value *out);

/* For the query builder, in a transaction: an insert in steps, and rows by their rowids. A complaint is an expression over the table's
** own name (policy_complaint()) about a row: where it is not null it is the sentence of a FORBIDDEN. */

/* The row of an insert as it will stand, all columns, after defaults, triggers and generated columns: *row lives until the next one. */
LEDGER_PRIVATE int write_propose(ledger *db, struct relation *relation, int count, const char *const *columns,
                                 const ledger_value *values, struct value **row, const int **positions);
LEDGER_PRIVATE int write_nulls(ledger *db, const struct relation *relation, const struct value *row); /* NOT_NULL */
/* Which of the values is refused, as json_to_recordset() finds it: the first in the order given. LEDGER_OK when all are good. */
LEDGER_PRIVATE int write_values(ledger *db, const struct relation *relation, int count, const int *positions,
                                const ledger_value *values);
/* *kept is NULL at the first row; the statement is for this call into the library. */
LEDGER_PRIVATE int write_check(ledger *db, const struct relation *relation, const char *complaint, const struct value *row,
                               sqlite3_stmt **kept);
/* Inserts it, and tells who is to be told. */
LEDGER_PRIVATE int write_add(ledger *db, const struct relation *relation, const struct value *row, int64_t *rowid);

struct change; /* an update or upsert; in the call's arena */
/* Reads what is to be set; a default is taken once for all rows. */
LEDGER_PRIVATE int write_update_start(ledger *db, struct relation *relation, int count, const char *const *columns,
                                      const ledger_value *values, struct change **out);
/* Is there a complaint about what one of the rows would become? */
LEDGER_PRIVATE int write_update_check(struct change *change, const char *complaint, int64_t count, const int64_t *rowids);
LEDGER_PRIVATE int write_update_rows(struct change *change, int64_t count, const int64_t *rowids);
LEDGER_PRIVATE int write_delete_rows(ledger *db, struct relation *relation, int64_t count, const int64_t *rowids);
/* `given`: positions of the columns that DO UPDATE sets; conflict_count 0: the primary key. INVALID_REFERENCE. */
LEDGER_PRIVATE int write_upsert_start(ledger *db, struct relation *relation, int count, const int *given, int conflict_count,
                                      const char *const *conflict, struct change **out);
/* The row that the proposed one meets. */
LEDGER_PRIVATE int write_upsert_find(struct change *change, const struct value *row, bool *found, int64_t *rowid);
/* Is there one about that row as it is, or as it would become? Either may be NULL. */
LEDGER_PRIVATE int write_upsert_check(struct change *change, const struct value *row, int64_t rowid, const char *of_old,
                                      const char *of_new);
/* *written 0: it was there, and stays as it is. *rowid is that of an inserted row. */
LEDGER_PRIVATE int write_upsert_row(struct change *change, const struct value *row, bool update, int64_t *written,
                                    int64_t *rowid);
/* All columns of a row as stored, texts in the arena. */
LEDGER_PRIVATE int write_image_of(ledger *db, const struct relation *relation, int64_t rowid, struct value *row);

/* ---- encryption.c: columns that are kept encrypted */

#define ENCRYPTION_ID_DIGITS 16

LEDGER_PRIVATE bool encryption_is_marked(const struct column *column); /* @encrypted, and of a type that holds a ciphertext */
LEDGER_PRIVATE int encryption_set_key(ledger *db, const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]);
LEDGER_PRIVATE int encryption_change(ledger *db, const unsigned char *new_key, int64_t *count); /* ledger_encrypt() */
LEDGER_PRIVATE int encryption_export(ledger *db, bool decrypts); /* ledger_export_decrypted() */
LEDGER_PRIVATE void encryption_close(ledger *db);                /* forgets the handle's key */
/* *value, which is to be stored, as it is kept, its text in the call's arena. Nothing unless the column is_encrypted. NO_ENCRYPTION_KEY. */
LEDGER_PRIVATE int encryption_seal_value(ledger *db, const struct relation *relation, int column, struct value *value);
/* The same, but what has the form of a kept value is one: for rows that come from main. */
LEDGER_PRIVATE int encryption_keep_value(ledger *db, const struct relation *relation, int column, struct value *value);
/* A stored value as it is to be read: in clear through a handle with the key, else as it is. Its text may lie in `arena`. `row`, where
** not NULL, is all columns, to name the row by. *out may be *stored. NO_ENCRYPTION_KEY (the file has another one by now), CORRUPT. */
LEDGER_PRIVATE int encryption_open_value(ledger *db, const struct relation *relation, int column, const struct value *stored,
                                         const struct value *row, struct arena *arena, struct value *out);
/* The error, UNSUPPORTED, of whatever else than to read it whole or to ask whether it is null. */
LEDGER_PRIVATE int encryption_refuse(ledger *db, const struct relation *relation, int column);

/* ---- read.c: ledger_rows */

struct rows_column {
  const char *name;
  const char *type_name;
  struct type type;
  const struct relation *relation; /* of an encrypted column, which is read in clear; or NULL */
  int position;
};
/* A cursor without rows yet, over `count` columns, NULL after an error. It holds the catalog that the names lie in. */
LEDGER_PRIVATE ledger_rows *rows_new(ledger *db, int count);
LEDGER_PRIVATE ledger_rows *rows_of_relation(ledger *db, const struct relation *relation);
LEDGER_PRIVATE void rows_set_column(ledger_rows *rows, int column, const char *name, const char *type_name,
                                    const struct type *type);
/* The column is one of a table's, as it is stored: where that is encrypted it is read in clear. */
LEDGER_PRIVATE void rows_set_source(ledger_rows *rows, int column, const struct relation *relation, int position);
LEDGER_PRIVATE void rows_set_statement(ledger_rows *rows, sqlite3_stmt *stmt);             /* the cursor's from now on */
LEDGER_PRIVATE int rows_bind(ledger_rows *rows, int parameter, const struct value *value); /* copies */
LEDGER_PRIVATE const char *rows_own(ledger_rows *rows, const char *text); /* a copy that lives as long; NULL after an error */
LEDGER_PRIVATE int rows_append(ledger_rows *rows, const struct value *values); /* materialised; copies */
LEDGER_PRIVATE int rows_next(ledger_rows *rows);
LEDGER_PRIVATE const struct value *rows_value(ledger_rows *rows, int column); /* of the row it stands on */
LEDGER_PRIVATE int rows_count(const ledger_rows *rows);
LEDGER_PRIVATE const struct rows_column *rows_column(const ledger_rows *rows, int column); /* NULL: no such column */
LEDGER_PRIVATE const char *rows_text(ledger_rows *rows, int column, size_t *length);
LEDGER_PRIVATE const char *rows_json(ledger_rows *rows, size_t *length);
LEDGER_PRIVATE void rows_detach(ledger_rows *rows); /* the handle closes */
LEDGER_PRIVATE void rows_free(ledger_rows *rows);

/* ---- info.c, backup.c, literal.c */

LEDGER_PRIVATE int info_facts(ledger *db, ledger_facts *out);
LEDGER_PRIVATE int info_relations(ledger *db, ledger_rows **out);
LEDGER_PRIVATE int info_sources(ledger *db, ledger_rows **out);
LEDGER_PRIVATE int literal_of(const char *type_name, const char *text, size_t length, char **stored, ledger_error *error);
LEDGER_PRIVATE int backup_to(ledger *db, const char *path);

#endif
