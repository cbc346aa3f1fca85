/*
** ledger.c: the floor plan and the front door. The rooms are included in the order of their layers, so that each sees
** only those above it; then comes every public function of ledger.h: it checks the caller, calls one room, returns.
** `cc -c ledger.c` builds the library.
*/
#ifndef LEDGER_PRIVATE
#define LEDGER_PRIVATE static
#endif

#include "amalgamation/internal.h"

/* schema/ledger.sql, the engine's own tables, as one string */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "ledger_sql.h"
#pragma GCC diagnostic pop

/* ---- ground: no SQL. Errors, memory, clock, ids, text, decimal, json, and the only caller of libsodium */
#include "amalgamation/ground/ground.c"

/* ---- types: PostgreSQL's input and output functions */
#include "amalgamation/types/types.c"

/* ---- store: the only callers of SQLite */
#include "amalgamation/store/functions.c"    /* SQL functions and collations */
#include "amalgamation/store/store_error.c"  /* SQLite's codes to ours */
#include "amalgamation/store/file.c"         /* paths, locks */
#include "amalgamation/store/statement.c"    /* prepared statements */
#include "amalgamation/store/catalog.c"      /* what the file says about its schema */
#include "amalgamation/store/sequence.c"     /* nextval() */
#include "amalgamation/store/trigger.c"      /* the schema's triggers on our connections */
#include "amalgamation/store/violation.c"    /* which constraint a row broke */
#include "amalgamation/store/transaction.c"  /* begin, commit, checkpoint */
#include "amalgamation/store/change.c"       /* which rows were written, for sync */
#include "amalgamation/store/connection.c"   /* open, create, close */
#include "amalgamation/store/encryption.c"   /* columns that are kept encrypted */
#include "amalgamation/store/read.c"         /* cursors */
#include "amalgamation/store/observe.c"      /* who is told of rows that are written */
#include "amalgamation/store/write.c"        /* insert */
#include "amalgamation/store/write_change.c" /* update, delete, upsert */
#include "amalgamation/store/write_rows.c"   /* the same of rows that a request named */
#include "amalgamation/store/write_apply.c"  /* a change as JSON */
#include "amalgamation/store/info.c"         /* facts about a file */
#include "amalgamation/store/backup.c"       /* a copy of a file */
#include "amalgamation/store/literal.c"      /* for the schema compiler */

/* ---- book: double entry on the plain tables */
#include "amalgamation/book/tables.c"         /* which of its tables the schema has */
#include "amalgamation/book/chain.c"          /* the bytes of the hash chain */
#include "amalgamation/book/request.c"        /* what was asked, as a fingerprint */
#include "amalgamation/book/account.c"        /* accounts, remembered */
#include "amalgamation/book/account_write.c"  /* their rows */
#include "amalgamation/book/audit.c"          /* the audit trail */
#include "amalgamation/book/guard.c"          /* what only the book writes */
#include "amalgamation/book/journal_check.c"  /* what the book demands of a journal */
#include "amalgamation/book/journal.c"        /* the one way to write it */
#include "amalgamation/book/journal_past.c"   /* journals read again */
#include "amalgamation/book/fee.c"            /* fees */
#include "amalgamation/book/posting.c"        /* deposit, withdraw, transfer, legs */
#include "amalgamation/book/admin.c"          /* accounts themselves */
#include "amalgamation/book/hold.c"           /* hold, capture, release */
#include "amalgamation/book/reversal.c"       /* the opposite of a journal */
#include "amalgamation/book/exchange.c"       /* one currency into another */
#include "amalgamation/book/portfolio.c"      /* coins that arrive */
#include "amalgamation/book/trade.c"          /* orders and fills */
#include "amalgamation/book/payout.c"         /* coins that are sent out */
#include "amalgamation/book/operation.c"      /* one operation, from the asking to its result */
#include "amalgamation/book/operation_json.c" /* the same as JSON */
#include "amalgamation/book/batch.c"          /* many with one commit */
#include "amalgamation/book/history.c"        /* what happened */
#include "amalgamation/book/head.c"           /* the head of the chain, signed */
#include "amalgamation/book/imported.c"       /* history from before the book */
#include "amalgamation/book/verify.c"         /* the proof: its report and its order */
#include "amalgamation/book/verify_account.c" /* ... balances, limits, sums */
#include "amalgamation/book/verify_row.c"     /* ... plain rows */
#include "amalgamation/book/verify_detail.c"  /* ... fees, rates, holds */
#include "amalgamation/book/verify_crypto.c"  /* ... trades, payouts, deposit addresses */
#include "amalgamation/book/verify_walk.c"    /* ... journal by journal, and the chain */
#include "amalgamation/book/verify_audit.c"   /* ... the audit trail */
#include "amalgamation/book/verify_file.c"    /* ... the file */

/* ---- access: who may see and do what; requests, signing in, functions */
#include "amalgamation/access/policy.c"       /* who asks, and what the role may do */
#include "amalgamation/access/policy_rule.c"  /* which rows: row-level security as SQL */
#include "amalgamation/access/query_scan.c"   /* a parameter's text, read as PostgREST reads it */
#include "amalgamation/access/query_parse.c"  /* the query string as a tree */
#include "amalgamation/access/query_relate.c" /* how what is embedded hangs together */
#include "amalgamation/access/query_type.c"   /* columns looked up, operands read */
#include "amalgamation/access/query_sql.c"    /* the tree as SQL */
#include "amalgamation/access/query_print.c"  /* values as JSON and CSV */
#include "amalgamation/access/query_read.c"   /* rows into the answer */
#include "amalgamation/access/query.c"        /* from the asking to the answer */
#include "amalgamation/access/query_body.c"   /* the rows that a request brings along */
#include "amalgamation/access/query_write.c"  /* insert, update, delete by request */
#include "amalgamation/access/group.c"        /* threads that share commits */

#include "amalgamation/access/user_table.c" /* which tables of users, sessions, keys, roles the schema has */
#include "amalgamation/access/metadata.c"    /* JSON objects of people's own */
#include "amalgamation/access/password.c"    /* hashes of passwords */
#include "amalgamation/access/lockout.c"     /* wrong passwords in a row */
#include "amalgamation/access/user.c"        /* a user, read from wherever it stands */
#include "amalgamation/access/user_change.c" /* made, changed, deleted */
#include "amalgamation/access/token.c"       /* JWTs and their secrets */
#include "amalgamation/access/session.c"     /* signing in, refreshing, out */
#include "amalgamation/access/api_key.c"     /* keys of programs */
#include "amalgamation/access/role.c"        /* roles of users */
#include "amalgamation/access/published.c"   /* what anybody knows */

#include "amalgamation/access/call.c"      /* functions that are called by name */
#include "amalgamation/access/call_read.c" /* ... those that only read */
#include "amalgamation/access/describe.c"  /* what a caller can reach */

/* ---- sync: the PostgreSQL script, the digest */
#include "amalgamation/sync/script.c"
#include "amalgamation/sync/row_text.c"     /* values as PostgreSQL prints them */
#include "amalgamation/sync/table.c"        /* how each table syncs */
#include "amalgamation/sync/key_range.c"    /* identity keys of a device */
#include "amalgamation/sync/state.c"        /* how far main has the file */
#include "amalgamation/sync/change_set.c"   /* what changed since */
#include "amalgamation/sync/batch.c"        /* cuts it into batches */
#include "amalgamation/sync/batch_script.c" /* a batch as SQL */
#include "amalgamation/sync/export.c"
#include "amalgamation/sync/digest.c"
#include "amalgamation/sync/prove.c"       /* the comparison of a device's rows with main's */
#include "amalgamation/sync/bundle.c"      /* batches carried by hand */
#include "amalgamation/sync/import_dump.c" /* a pg_dump, piece by piece */
#include "amalgamation/sync/import_rows.c" /* its rows */
#include "amalgamation/sync/import_book.c" /* its balances */
#include "amalgamation/sync/import.c"      /* all of it */
#include "amalgamation/sync/pull.c"        /* reference tables of main */

/* ================================================================ the front door */

/* ---- errors */

LEDGER_API const ledger_error *ledger_error_of(const ledger *db) {
  static const ledger_error no_handle = {
      .code = LEDGER_MEMORY, .sqlstate = "53200", .message = "out of memory"};
  return db == NULL ? &no_handle : &db->error;
}

LEDGER_API const char *ledger_sqlstate(int code) {
  return error_sqlstate(code);
}

LEDGER_API void ledger_free(void *memory) {
  sqlite3_free(memory);
}

/* ---- opening */

/* Who is told of the rows that are written through the handle. Not of the seed rows: they come with the schema. */
static int ledger_observe(ledger *db, int flags, int rc) {
  if (rc == LEDGER_OK) db->observer = book_observer((flags & LEDGER_PLAIN) != 0);
  return rc;
}

LEDGER_API int ledger_create(const char *path, const char *compiled, int flags, ledger **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  if (path == NULL || compiled == NULL) return LEDGER_MISUSE;
  int rc = connection_create(path, compiled, flags, ledger_sql, out);
  return ledger_observe(*out, flags, rc);
}

LEDGER_API int ledger_open(const char *path, int flags, ledger **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  if (path == NULL) return LEDGER_MISUSE;
  int rc = connection_open(path, flags, ledger_sql, out);
  return ledger_observe(*out, flags, rc);
}

LEDGER_API void ledger_close(ledger *db) {
  if (db == NULL) return;
  user_close(db);
  connection_close(db);
}

LEDGER_API void ledger_busy_timeout(ledger *db, int timeout_ms) {
  if (db != NULL) connection_timeout(db, timeout_ms);
}

LEDGER_API void ledger_progress(ledger *db,
                                int (*report)(void *context, int64_t done, int64_t total),
                                void *context) {
  if (db != NULL) connection_report_to(db, report, context);
}

/* ---- writing rows */

/* A list of columns that a caller gave: its length and, unless it is empty, a name in each place. */
static int ledger_check_columns(ledger *db, int count, const char *const *columns) {
  bool is_whole = count == 0 || (count > 0 && columns != NULL);
  for (int i = 0; is_whole && i < count; i++) is_whole = columns[i] != NULL;
  if (is_whole) return LEDGER_OK;
  return error_set(&db->error, LEDGER_MISUSE, "a list of columns is missing, or a name in it");
}

/* The columns with their values, each of a kind that there is, and text where the kind has it. */
static int ledger_check_list(ledger *db, int count, const char *const *columns,
                             const ledger_value *values) {
  int rc = ledger_check_columns(db, count, columns);
  if (rc == LEDGER_OK && count > 0 && values == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "a list of values is missing");
  for (int i = 0; rc == LEDGER_OK && i < count; i++) {
    const ledger_value *value = &values[i];
    bool has_text = value->kind >= LEDGER_NUMBER;
    if ((unsigned)value->kind > LEDGER_JSON ||
        (has_text && value->text == NULL && value->length > 0))
      rc = error_set(&db->error, LEDGER_MISUSE, "the value of column \"%s\" is none", columns[i]);
    else if (has_text && value->length > LEDGER_TEXT_MAX)
      rc = error_set(&db->error, LEDGER_PROGRAM_LIMIT, "a value may have %d bytes at most",
                     LEDGER_TEXT_MAX);
  }
  return rc;
}

LEDGER_API int ledger_insert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  return rc == LEDGER_OK ? write_insert(db, table, count, columns, values, returned) : rc;
}

LEDGER_API int ledger_upsert(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int conflict_count,
                             const char *const *conflict, int update, int64_t *changed,
                             ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  if (rc == LEDGER_OK) rc = ledger_check_columns(db, conflict_count, conflict);
  if (rc != LEDGER_OK) return rc;
  return write_upsert(db, table, count, columns, values, conflict_count, conflict, update, changed,
                      returned);
}

LEDGER_API int ledger_update(ledger *db, const char *table, int count, const char *const *columns,
                             const ledger_value *values, int where_count,
                             const char *const *where_columns, const ledger_value *where_values,
                             int flags, int64_t *changed, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, count, columns, values);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, where_count, where_columns, where_values);
  if (rc != LEDGER_OK) return rc;
  return write_update(db, table, count, columns, values, where_count, where_columns, where_values,
                      flags, changed, returned);
}

LEDGER_API int ledger_delete(ledger *db, const char *table, int where_count,
                             const char *const *where_columns, const ledger_value *where_values,
                             int flags, int64_t *changed, ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = ledger_check_list(db, where_count, where_columns, where_values);
  if (rc != LEDGER_OK) return rc;
  return write_delete(db, table, where_count, where_columns, where_values, flags, changed,
                      returned);
}

LEDGER_API int ledger_apply(ledger *db, const char *change, ptrdiff_t length, int64_t *changed,
                            ledger_rows **returned) {
  if (returned != NULL) *returned = NULL;
  if (changed != NULL) *changed = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && change == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no change is given");
  if (rc != LEDGER_OK) return rc;
  return write_apply(db, change, length < 0 ? strlen(change) : (size_t)length, changed, returned);
}

LEDGER_API int ledger_begin(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_open(db) : rc;
}

LEDGER_API int ledger_commit(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_commit(db) : rc;
}

LEDGER_API int ledger_rollback(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? transaction_rollback(db) : rc;
}

/* ---- the book */

LEDGER_API int ledger_post(ledger *db, const ledger_operation *operation, ledger_result *result) {
  if (result != NULL) *result = (ledger_result){.code = LEDGER_MISUSE};
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && operation == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no operation is given");
  return rc == LEDGER_OK ? operation_post(db, operation, result) : rc;
}

LEDGER_API int ledger_post_batch(ledger *db, int count, const ledger_operation *operations,
                                 enum ledger_batch_mode mode, int flags, ledger_result *results) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK &&
      (count < 0 || (count > 0 && operations == NULL) || (unsigned)mode > LEDGER_BATCH_CONTINUE))
    rc = error_set(&db->error, LEDGER_MISUSE, "no operations, or no such mode of a batch");
  if (rc == LEDGER_OK && count > LEDGER_BATCH_MAX) {
    rc = error_set(&db->error, LEDGER_PROGRAM_LIMIT, "a batch has %d operations at most",
                   LEDGER_BATCH_MAX);
  }
  return rc == LEDGER_OK ? batch_post(db, count, operations, mode, flags, results) : rc;
}

LEDGER_API int ledger_group_open(ledger *db, int operations_max, ledger_group **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (operations_max < 1 || operations_max > LEDGER_BATCH_MAX)) {
    rc = error_set(&db->error, LEDGER_MISUSE, "a commit may have 1 to %d operations",
                   LEDGER_BATCH_MAX);
  }
  return rc == LEDGER_OK ? group_open(db, operations_max, out) : rc;
}

LEDGER_API int ledger_group_post(ledger_group *group, const ledger_operation *operation,
                                 ledger_result *result, ledger_group_room *room) {
  if (result != NULL) *result = (ledger_result){.code = LEDGER_MISUSE};
  if (group == NULL || operation == NULL || (result != NULL && room == NULL)) return LEDGER_MISUSE;
  return group_post(group, operation, result, room);
}

LEDGER_API int ledger_group_ask(ledger_group *group, const ledger_query *query,
                                ledger_answer *answer) {
  if (group == NULL || query == NULL || answer == NULL) return LEDGER_MISUSE;
  return group_query(group, query, answer);
}

LEDGER_API int ledger_group_call(ledger_group *group, const ledger_call_request *call,
                                 ledger_answer *answer) {
  if (group == NULL || call == NULL || call->function == NULL || answer == NULL)
    return LEDGER_MISUSE;
  return group_call_function(group, call, answer);
}

LEDGER_API void ledger_group_close(ledger_group *group) {
  if (group != NULL) group_close(group);
}

LEDGER_API int ledger_set_actor(ledger *db, const ledger_actor *actor) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? audit_set_actor(db, actor) : rc;
}

LEDGER_API int ledger_operation_read(ledger *db, const char *json, ptrdiff_t length,
                                     ledger_operation *out) {
  if (out != NULL) *out = (ledger_operation){.kind = LEDGER_OP_AUDIT}; /* refused by all */
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (json == NULL || out == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no operation is given");
  if (rc != LEDGER_OK) return rc;
  return operation_read(db, json, length < 0 ? strlen(json) : (size_t)length, out);
}

LEDGER_API char *ledger_result_json(const ledger_result *result) {
  return result == NULL ? NULL : operation_result_json(result);
}

LEDGER_API int ledger_account(ledger *db, const char *account, ledger_balance *out) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (account == NULL || out == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no account is named");
  return rc == LEDGER_OK ? account_get(db, account, out) : rc;
}

LEDGER_API int ledger_balance_at(ledger *db, const char *account, const char *time,
                                 enum ledger_clock clock, ledger_balance *out) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (account == NULL || time == NULL || out == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no account is named, or no time");
  if (rc == LEDGER_OK && (unsigned)clock > LEDGER_EFFECTIVE)
    rc = error_set(&db->error, LEDGER_MISUSE, "there is no such clock");
  return rc == LEDGER_OK ? history_balance_at(db, account, time, clock, out) : rc;
}

LEDGER_API int ledger_history(ledger *db, const ledger_history_filter *filter, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (filter == NULL || out == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no filter is given, or no place for the rows");
  return rc == LEDGER_OK ? history_rows(db, filter, out) : rc;
}

LEDGER_API int ledger_expire(ledger *db, int64_t *count) {
  int64_t done = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = hold_expire_due(db, &done);
  if (count != NULL) *count = done;
  return rc;
}

/* ---- the proof */

LEDGER_API void ledger_signing_key(unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                                   unsigned char public_key[LEDGER_PUBLIC_KEY_BYTES]) {
  if (secret_key != NULL && public_key != NULL) seal_sign_keypair(secret_key, public_key);
}

LEDGER_API int ledger_get_head(ledger *db, const unsigned char *secret_key, ledger_head *out) {
  int rc = connection_enter(db);
  if (rc != LEDGER_OK) return rc;
  if (out == NULL) return error_set(&db->error, LEDGER_MISUSE, "a head to fill is missing");
  return head_get(db, secret_key, out);
}

LEDGER_API int ledger_verify(ledger *db, const ledger_verify_options *options, char **report) {
  if (report != NULL) *report = NULL;
  int rc = connection_enter(db);
  if (rc != LEDGER_OK) return rc;
  if (report == NULL) return error_set(&db->error, LEDGER_MISUSE, "a report to fill is missing");
  return verify_book(db, options, report);
}

/* ---- asking as somebody */

LEDGER_API int ledger_ask(ledger *db, const ledger_query *query, ledger_answer *answer) {
  if (answer == NULL) return LEDGER_MISUSE;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && query == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no request is given");
  if (rc == LEDGER_OK) rc = query_ask(db, query, answer);
  return db == NULL ? rc : query_end(db, rc, answer);
}

LEDGER_API void ledger_answer_free(ledger_answer *answer) {
  if (answer != NULL) query_answer_free(answer);
}

LEDGER_API void ledger_set_timeout(ledger *db, int timeout_ms) {
  if (connection_enter(db) == LEDGER_OK) connection_limit_to(db, timeout_ms);
}

LEDGER_API int ledger_call(ledger *db, const ledger_call_request *call, ledger_answer *answer) {
  if (answer == NULL) return LEDGER_MISUSE;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (call == NULL || call->function == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no function is named");
  if (rc == LEDGER_OK) rc = call_function(db, call, answer);
  return query_end(db, rc, answer);
}

LEDGER_API int ledger_function_reads(const char *function) {
  return function == NULL || call_reads(function);
}

LEDGER_API int ledger_describe(ledger *db, const ledger_caller *caller, char **json) {
  if (json != NULL) *json = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && json == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the description is given");
  return rc == LEDGER_OK ? describe_catalog(db, caller, json) : rc;
}

LEDGER_API int ledger_policies(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc != LEDGER_OK) return rc;
  return out == NULL ? error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given")
                     : policy_list(db, out);
}

LEDGER_API void ledger_open_tables(ledger *db, int is_open) {
  if (db != NULL) db->is_open = is_open != 0;
}

/* ---- reading rows */

LEDGER_API int ledger_select(ledger *db, const char *table, const char *query, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc != LEDGER_OK) return rc;
  if (table == NULL || out == NULL)
    return error_set(&db->error, LEDGER_MISUSE, "no table is named");
  return query_select(db, table, query, out);
}

LEDGER_API int ledger_rows_next(ledger_rows *rows) {
  return rows == NULL ? LEDGER_MISUSE : rows_next(rows);
}

LEDGER_API int ledger_rows_count(const ledger_rows *rows) {
  return rows == NULL ? 0 : rows_count(rows);
}

LEDGER_API const char *ledger_rows_name(const ledger_rows *rows, int column) {
  const struct rows_column *found = rows == NULL ? NULL : rows_column(rows, column);
  return found == NULL ? NULL : found->name;
}

LEDGER_API const char *ledger_rows_type(const ledger_rows *rows, int column) {
  const struct rows_column *found = rows == NULL ? NULL : rows_column(rows, column);
  return found == NULL ? NULL : found->type_name;
}

LEDGER_API const char *ledger_rows_text(ledger_rows *rows, int column, size_t *length) {
  if (length != NULL) *length = 0;
  return rows == NULL ? NULL : rows_text(rows, column, length);
}

LEDGER_API const char *ledger_rows_json(ledger_rows *rows, size_t *length) {
  if (length != NULL) *length = 0;
  return rows == NULL ? NULL : rows_json(rows, length);
}

LEDGER_API void ledger_rows_free(ledger_rows *rows) {
  if (rows != NULL) rows_free(rows);
}

/* ---- types without a file */

LEDGER_API int ledger_literal(const char *type, const char *text, ptrdiff_t length, char **stored,
                              ledger_error *error) {
  error_clear(error);
  if (type == NULL || text == NULL || stored == NULL)
    return error_set(error, LEDGER_MISUSE, "a null pointer was given");
  return literal_of(type, text, length < 0 ? strlen(text) : (size_t)length, stored, error);
}

/* ---- describing a file */

LEDGER_API int ledger_info(ledger *db, ledger_facts *out) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the facts is given");
  return rc == LEDGER_OK ? info_facts(db, out) : rc;
}

LEDGER_API int ledger_relations(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? info_relations(db, out) : rc;
}

LEDGER_API int ledger_sources(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? info_sources(db, out) : rc;
}

/* ledger_schema() and ledger_schema_names() stand in the generated schemas.c. */

/* ---- signing in */

LEDGER_API int ledger_auth_configure(ledger *db, const ledger_auth_settings *settings) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && settings == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no settings are given");
  return rc == LEDGER_OK ? user_configure(db, settings) : rc;
}

/* Empty texts instead of null ones, also when the call fails. */
static void ledger_clear_user(ledger_user *user) {
  if (user == NULL) return;
  *user = (ledger_user){.id = "",
                        .email = "",
                        .phone = "",
                        .role = "",
                        .email_confirmed_at = "",
                        .phone_confirmed_at = "",
                        .last_sign_in_at = "",
                        .created_at = "",
                        .updated_at = "",
                        .banned_until = "",
                        .deleted_at = "",
                        .app_metadata = "",
                        .user_metadata = "",
                        .roles = ""};
}

static void ledger_clear_session(ledger_session *session) {
  if (session == NULL) return;
  *session = (ledger_session){.access_token = "", .refresh_token = "", .session_id = ""};
  ledger_clear_user(&session->user);
}

static void ledger_clear_identity(ledger_identity *identity) {
  if (identity == NULL) return;
  *identity = (ledger_identity){
      .role = "", .claims = "", .user_id = "", .session_id = "", .key_id = "", .permissions = ""};
}

/* What every function here needs: a handle, and all that it was given. */
static int ledger_enter_with(ledger *db, bool is_whole) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && !is_whole)
    rc = error_set(&db->error, LEDGER_MISUSE, "an argument is missing");
  return rc;
}

LEDGER_API int ledger_user_create(ledger *db, const ledger_user_change *change, ledger_user *out) {
  ledger_clear_user(out);
  int rc = ledger_enter_with(db, change != NULL);
  return rc == LEDGER_OK ? user_create(db, change, out) : rc;
}

LEDGER_API int ledger_user_update(ledger *db, const char *id, const ledger_user_change *change,
                                  ledger_user *out) {
  ledger_clear_user(out);
  int rc = ledger_enter_with(db, id != NULL && change != NULL);
  return rc == LEDGER_OK ? user_update(db, id, change, out) : rc;
}

LEDGER_API int ledger_user_get(ledger *db, const char *id_or_email, ledger_user *out) {
  ledger_clear_user(out);
  int rc = ledger_enter_with(db, id_or_email != NULL && out != NULL);
  return rc == LEDGER_OK ? user_get(db, id_or_email, out) : rc;
}

LEDGER_API int ledger_user_list(ledger *db, int64_t page, int per_page,
                                int (*each)(void *context, const ledger_user *user), void *context,
                                int64_t *total) {
  if (total != NULL) *total = 0;
  int rc = ledger_enter_with(db, page >= 1 && per_page >= 1 && each != NULL);
  return rc == LEDGER_OK ? user_list(db, page, per_page, each, context, total) : rc;
}

LEDGER_API int ledger_user_delete(ledger *db, const char *id, int soft) {
  int rc = ledger_enter_with(db, id != NULL);
  return rc == LEDGER_OK ? user_delete(db, id, soft != 0) : rc;
}

LEDGER_API int ledger_sign_in(ledger *db, const char *email_or_phone, const char *password,
                              const ledger_client *client, ledger_session *out) {
  ledger_clear_session(out);
  int rc = ledger_enter_with(db, email_or_phone != NULL && password != NULL && out != NULL);
  return rc == LEDGER_OK ? session_sign_in(db, email_or_phone, password, client, out) : rc;
}

LEDGER_API int ledger_session_open(ledger *db, const char *user_id, const char *method,
                                   const ledger_client *client, ledger_session *out) {
  ledger_clear_session(out);
  int rc = ledger_enter_with(db, user_id != NULL && method != NULL && out != NULL);
  return rc == LEDGER_OK ? session_open(db, user_id, method, client, out) : rc;
}

LEDGER_API int ledger_session_refresh(ledger *db, const char *refresh_token,
                                      const ledger_client *client, ledger_session *out) {
  ledger_clear_session(out);
  int rc = ledger_enter_with(db, refresh_token != NULL && out != NULL);
  return rc == LEDGER_OK ? session_refresh(db, refresh_token, client, out) : rc;
}

LEDGER_API int ledger_session_close(ledger *db, const char *user_id, const char *session_id,
                                    enum ledger_scope scope) {
  bool is_whole = user_id != NULL && (unsigned)scope <= LEDGER_SCOPE_OTHERS &&
                  (session_id != NULL || scope == LEDGER_SCOPE_GLOBAL);
  int rc = ledger_enter_with(db, is_whole);
  return rc == LEDGER_OK ? session_close(db, user_id, session_id, scope) : rc;
}

LEDGER_API int ledger_token_verify(ledger *db, const char *token, ledger_identity *out) {
  ledger_clear_identity(out);
  int rc = ledger_enter_with(db, token != NULL && out != NULL);
  return rc == LEDGER_OK ? token_verify(db, token, out) : rc;
}

LEDGER_API int ledger_token_sign(ledger *db, const char *role, int64_t seconds, char **token) {
  if (token != NULL) *token = NULL;
  int rc = ledger_enter_with(db, role != NULL && seconds >= 0 && token != NULL);
  return rc == LEDGER_OK ? token_sign_role(db, role, seconds, token) : rc;
}

LEDGER_API int ledger_secret_rotate(ledger *db, const char *secret, int64_t overlap_seconds) {
  int rc = ledger_enter_with(db, overlap_seconds >= 0);
  return rc == LEDGER_OK ? token_rotate(db, secret, overlap_seconds) : rc;
}

LEDGER_API int ledger_key_create(ledger *db, const ledger_key_request *request, char **id,
                                 char **key) {
  if (id != NULL) *id = NULL;
  if (key != NULL) *key = NULL;
  int rc = ledger_enter_with(db, request != NULL && key != NULL);
  return rc == LEDGER_OK ? api_key_create(db, request, id, key) : rc;
}

LEDGER_API int ledger_key_verify(ledger *db, const char *key, ledger_identity *out) {
  ledger_clear_identity(out);
  int rc = ledger_enter_with(db, key != NULL && out != NULL);
  return rc == LEDGER_OK ? api_key_verify(db, key, out) : rc;
}

LEDGER_API int ledger_key_revoke(ledger *db, const char *id) {
  int rc = ledger_enter_with(db, id != NULL);
  return rc == LEDGER_OK ? api_key_revoke(db, id) : rc;
}

LEDGER_API int ledger_key_list(ledger *db, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = ledger_enter_with(db, out != NULL);
  return rc == LEDGER_OK ? api_key_list(db, out) : rc;
}

LEDGER_API int ledger_role_grant(ledger *db, const char *user, const char *role) {
  int rc = ledger_enter_with(db, user != NULL && role != NULL);
  return rc == LEDGER_OK ? role_grant(db, user, role) : rc;
}

LEDGER_API int ledger_role_revoke(ledger *db, const char *user, const char *role) {
  int rc = ledger_enter_with(db, user != NULL && role != NULL);
  return rc == LEDGER_OK ? role_revoke(db, user, role) : rc;
}

LEDGER_API int ledger_published_secret(ledger *db, const char **what) {
  if (what != NULL) *what = NULL;
  int rc = ledger_enter_with(db, what != NULL);
  return rc == LEDGER_OK ? published_secret(db, what) : rc;
}

/* ---- carrying away */

LEDGER_API int ledger_export(ledger *db, enum ledger_export_part part,
                             enum ledger_export_format format,
                             int (*write)(void *context, const void *bytes, size_t length),
                             void *context) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && write == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no function to write with is given");
  if (rc == LEDGER_OK &&
      ((unsigned)part > LEDGER_EXPORT_INIT || (unsigned)format > LEDGER_EXPORT_INSERT))
    rc = error_set(&db->error, LEDGER_MISUSE, "no such part or format of an export");
  return rc == LEDGER_OK ? export_script(db, part, format, write, context) : rc;
}

LEDGER_API int ledger_digest(ledger *db, const char *table, ledger_rows **out) {
  if (out != NULL) *out = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the rows is given");
  return rc == LEDGER_OK ? digest_tables(db, table, out) : rc;
}

LEDGER_API int ledger_digest_rows(ledger *db, const char *table, int by_column,
                                  int (*each)(void *context, const ledger_digest_row *row),
                                  void *context) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (table == NULL || each == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "no table or no function is given");
  return rc == LEDGER_OK ? digest_each_row(db, table, by_column != 0, each, context) : rc;
}

LEDGER_API int ledger_prove_script(ledger *db,
                                   int (*write)(void *context, const void *bytes, size_t length),
                                   void *context) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && write == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no function to write with is given");
  return rc == LEDGER_OK ? prove_script(db, write, context) : rc;
}

LEDGER_API int ledger_backup(ledger *db, const char *path) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && path == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no path is given");
  return rc == LEDGER_OK ? backup_to(db, path) : rc;
}

/* ---- syncing */

LEDGER_API int ledger_sync_status(ledger *db, ledger_sync_facts *out) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && out == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the facts is given");
  return rc == LEDGER_OK ? state_status(db, out) : rc;
}

LEDGER_API int ledger_batch_cut(ledger *db, int64_t *seq) {
  int64_t cut = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK) rc = batch_cut(db, &cut);
  if (seq != NULL) *seq = cut;
  return rc;
}

LEDGER_API int ledger_batch_script(ledger *db, int64_t seq, enum ledger_export_format format,
                                   int (*write)(void *context, const void *bytes, size_t length),
                                   void *context) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (write == NULL || (unsigned)format > LEDGER_EXPORT_INSERT))
    rc = error_set(&db->error, LEDGER_MISUSE, "no function to write with, or no such format");
  return rc == LEDGER_OK ? batch_export(db, seq, format, write, context) : rc;
}

LEDGER_API char *ledger_acknowledgement_sql(ledger *db) {
  return connection_enter(db) == LEDGER_OK ? state_acknowledgement_sql(db) : NULL;
}

LEDGER_API char *ledger_enrol_sql(ledger *db, const unsigned char *public_key) {
  return connection_enter(db) == LEDGER_OK ? state_enrol_sql(db, public_key) : NULL;
}

LEDGER_API int ledger_acknowledge(ledger *db, const char *text, ptrdiff_t length, int is_trusted) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && text == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no acknowledgement is given");
  if (rc != LEDGER_OK) return rc;
  return state_acknowledge(db, text, length < 0 ? strlen(text) : (size_t)length, is_trusted != 0);
}

LEDGER_API int ledger_sync_attempt(ledger *db, const char *error) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? state_attempt(db, error) : rc;
}

LEDGER_API int ledger_rekey(ledger *db) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? state_rekey(db) : rc;
}

LEDGER_API int ledger_set_main_key(ledger *db, const unsigned char key[64], int replaces) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && key == NULL) rc = error_set(&db->error, LEDGER_MISUSE, "no key is given");
  return rc == LEDGER_OK ? state_set_main_key(db, key, replaces != 0) : rc;
}

LEDGER_API int ledger_get_main_key(ledger *db, unsigned char key[64]) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && key == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no place for the key is given");
  return rc == LEDGER_OK ? state_get_main_key(db, key) : rc;
}

LEDGER_API int ledger_sync_table(ledger *db, const char *table, const char *kind,
                                 const char *collision) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && table == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no table is named");
  return rc == LEDGER_OK ? sync_table_set(db, table, kind, collision) : rc;
}

/* ---- bundles */

LEDGER_API void ledger_main_key(unsigned char main_key[LEDGER_MAIN_KEY_BYTES]) {
  if (main_key != NULL) seal_random(main_key, LEDGER_MAIN_KEY_BYTES);
}

LEDGER_API void ledger_main_public_key(const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                       unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES]) {
  struct seal_main keys;
  if (main_key == NULL || public_key == NULL) return;
  seal_main_keys(main_key, &keys);
  memcpy(public_key, keys.public_key, sizeof keys.public_key);
  seal_wipe(&keys, sizeof keys);
}

LEDGER_API void ledger_main_key_name(const unsigned char public_key[LEDGER_MAIN_PUBLIC_KEY_BYTES],
                                     char out[33]) {
  if (public_key != NULL && out != NULL) bundle_key_name(public_key, out);
}

LEDGER_API void ledger_sign_acknowledgement(const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                            const char *line,
                                            char out[LEDGER_ACKNOWLEDGEMENT_SIGNATURE]) {
  static const char word[] = "signature ";
  struct seal_main keys;
  unsigned char signature[64];
  if (main_key == NULL || line == NULL || out == NULL) return;
  seal_main_keys(main_key, &keys);
  seal_sign(keys.sign_secret, line, strlen(line), signature);
  seal_wipe(&keys, sizeof keys);
  memcpy(out, word, sizeof word - 1);
  text_hex(signature, sizeof signature, out + sizeof word - 1);
}

LEDGER_API int ledger_bundle_seal(ledger *db, int64_t since,
                                  const unsigned char secret_key[LEDGER_SECRET_KEY_BYTES],
                                  int64_t *first, int64_t *last,
                                  int (*write)(void *context, const void *bytes, size_t length),
                                  void *context) {
  int64_t ends[2];
  if (first == NULL) first = &ends[0];
  if (last == NULL) last = &ends[1];
  *first = *last = 0;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && (since < 0 || secret_key == NULL || write == NULL))
    rc = error_set(&db->error, LEDGER_MISUSE, "a key is missing, or a function to write with");
  return rc == LEDGER_OK ? bundle_seal(db, since, secret_key, first, last, write, context) : rc;
}

LEDGER_API int ledger_bundle_open(int (*read)(void *context, int64_t offset, void *bytes,
                                              size_t length),
                                  void *context, int64_t size, ledger_bundle **out) {
  if (out == NULL) return LEDGER_MISUSE;
  *out = NULL;
  return read == NULL || size < 0 ? LEDGER_MISUSE : bundle_open(read, context, size, out);
}

LEDGER_API const ledger_error *ledger_bundle_error(const ledger_bundle *bundle) {
  return bundle == NULL ? ledger_error_of(NULL) : bundle_error(bundle);
}

LEDGER_API const ledger_bundle_facts *ledger_bundle_get_facts(const ledger_bundle *bundle) {
  return bundle == NULL ? NULL : bundle_facts(bundle);
}

LEDGER_API int ledger_bundle_check_signature(ledger_bundle *bundle, const unsigned char *sender) {
  return bundle == NULL ? LEDGER_MISUSE : bundle_check_signature(bundle, sender);
}

LEDGER_API int ledger_bundle_verify(ledger_bundle *bundle,
                                    const unsigned char main_key[LEDGER_MAIN_KEY_BYTES],
                                    const unsigned char *sender,
                                    int (*batch)(void *context, int64_t seq, const char *hash),
                                    void *context) {
  if (bundle == NULL || main_key == NULL) return LEDGER_MISUSE;
  return bundle_verify(bundle, main_key, sender, batch, context);
}

LEDGER_API int ledger_bundle_script(ledger_bundle *bundle, int64_t after,
                                    enum ledger_export_format format,
                                    int (*write)(void *context, const void *bytes, size_t length),
                                    void *context) {
  if (bundle == NULL || write == NULL || (unsigned)format > LEDGER_EXPORT_INSERT)
    return LEDGER_MISUSE;
  return bundle_script(bundle, after, format, write, context);
}

LEDGER_API void ledger_bundle_close(ledger_bundle *bundle) {
  if (bundle != NULL) bundle_close(bundle);
}

/* ---- encrypted columns */

LEDGER_API void ledger_encryption_key(unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]) {
  seal_random(key, LEDGER_ENCRYPTION_KEY_BYTES);
}

LEDGER_API int ledger_set_encryption_key(ledger *db,
                                         const unsigned char key[LEDGER_ENCRYPTION_KEY_BYTES]) {
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && key == NULL) rc = error_set(&db->error, LEDGER_MISUSE, "no key is given");
  return rc == LEDGER_OK ? encryption_set_key(db, key) : rc;
}

LEDGER_API int ledger_encrypt(ledger *db, const unsigned char *new_key, int64_t *count) {
  int64_t ignored;
  if (count != NULL) *count = 0;
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? encryption_change(db, new_key, count == NULL ? &ignored : count) : rc;
}

LEDGER_API int ledger_export_decrypted(ledger *db, int decrypts) {
  int rc = connection_enter(db);
  return rc == LEDGER_OK ? encryption_export(db, decrypts != 0) : rc;
}

/* ---- the way back */

LEDGER_API int ledger_import(ledger *db,
                             ptrdiff_t (*read)(void *context, void *bytes, size_t length),
                             void *context, int flags, char **report) {
  if (report != NULL) *report = NULL;
  int rc = connection_enter(db);
  if (rc == LEDGER_OK && read == NULL)
    rc = error_set(&db->error, LEDGER_MISUSE, "no function to read with is given");
  return rc == LEDGER_OK ? import_dump(db, read, context, flags, report) : rc;
}

LEDGER_API int ledger_pull(ledger *db, int count, ledger_pull_table *tables,
                           const ledger_pull_source *source) {
  int rc = connection_enter(db);
  bool is_whole = count >= 0 && (count == 0 || tables != NULL) && source != NULL &&
                  source->start != NULL && source->read != NULL;
  for (int i = 0; rc == LEDGER_OK && is_whole && i < count; i++) is_whole = tables[i].table != NULL;
  if (rc == LEDGER_OK && !is_whole)
    rc = error_set(&db->error, LEDGER_MISUSE, "a table is missing, or a function to read with");
  return rc == LEDGER_OK ? pull_tables(db, count, tables, source) : rc;
}
