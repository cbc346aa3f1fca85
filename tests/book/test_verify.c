/*
** test_verify: the proof. A file with operations of every kind is proven; then each kind of fault is planted in a copy of it, by a
** plain SQLite connection that has dropped the triggers first, and must be found with the right check, at the right place.
*/
#include "../../ledger.c"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "post.h"
#include "sql.h"

static char test_folder[200], test_base[240], test_copy[240];
static unsigned char test_secret[LEDGER_SECRET_KEY_BYTES], test_public[LEDGER_PUBLIC_KEY_BYTES];
static char test_head[100], test_key[65]; /* as kept elsewhere */

/* ---- the file */

/* JSON has ' for ". */
static const char *test_json(const char *text, char out[600]) {
  snprintf(out, 600, "%s", text);
  for (char *at = out; *at != 0; at++)
    if (*at == '\'') *at = '"';
  return out;
}

static void test_row(ledger *db, const char *change) {
  char json[600];
  post_row(db, test_json(change, json));
}

/* The first column of the first row; static. */
static const char *test_text(sqlite3 *sqlite, const char *sql) {
  static char text[80];
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2(sqlite, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
  if (sqlite3_step(stmt) != SQLITE_ROW) fail_msg("%s: no row", sql);
  snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  return text;
}

static int test_do(ledger *db, const char *operation) {
  char json[600];
  ledger_operation read;
  int rc = ledger_operation_read(db, test_json(operation, json), -1, &read);
  return rc == LEDGER_OK ? ledger_post(db, &read, NULL) : rc;
}

static const char *const test_rows[] = {
    "{'table':'users','row':{'id':'" POST_USER "','email':'a@b.co','password_hash':'!'}}",
    "{'table':'portfolio','row':{'user_id':'" POST_USER "'}}",
    "{'table':'fee_config','row':{'fee_type':'withdrawal','percentage_fee':'1.5','flat_fee':'0.25','currency':'USD'}}",
    "{'table':'fee_config','row':{'fee_type':'trading','percentage_fee':'0.1','flat_fee':'0.5','currency':'USD'}}",
    "{'table':'fee_config','row':{'fee_type':'deposit','percentage_fee':'0.5','currency':'BTC'}}",
    "{'table':'exchange_rates','row':{'from_currency':'EUR','to_currency':'USD','rate':'1.08','quoted_at':'2020-01-01'}}",
    "{'table':'deposit_addresses','row':{'user_id':'" POST_USER "','crypto_type':'BTC','address':'bc1q'}}",
    "{'table':'users','op':'update','row':{'first_name':'Ada'},'where':{'email':'a@b.co'}}",
    "{'table':'users','op':'update','row':{'first_name':'Eva','password_hash':'?'},'where':{'email':'a@b.co'}}",
};

static const char *const test_operations[] = {
    "{'op':'open','reference':'OA','number':'A','currency':'USD'}",
    "{'op':'open','reference':'OB','number':'B','currency':'USD','max_balance':100000}",
    "{'op':'open','reference':'OE','number':'E','currency':'EUR'}",
    "{'op':'opening','reference':'P1','to':'E','amount':500}",
    "{'op':'deposit','reference':'D1','to':'A','amount':1000}",
    "{'op':'deposit','reference':'D2','to':'portfolio:" POST_USER ":USD','amount':900}",
    "{'op':'limit','reference':'L1','account':'A','overdraft_limit':50}",
    "{'op':'transfer','reference':'T1','from':'A','to':'B','amount':100,'fee':'withdrawal'}",
    "{'op':'withdraw','reference':'W1','from':'A','amount':40}",
    "{'op':'post','reference':'N1','legs':[{'account':'A','amount':-30},{'account':'B','amount':30}]}",
    "{'op':'hold','reference':'H1','from':'A','to':'B','amount':60}",
    "{'op':'capture','reference':'C1','of':'H1','amount':20}",
    "{'op':'capture','reference':'C2','of':'H1','amount':15,'final':true}",
    "{'op':'hold','reference':'H2','from':'A','amount':70}",
    "{'op':'hold','reference':'H3','from':'A','amount':5,'expires_at':'2100-01-01'}",
    "{'op':'release','reference':'R3','of':'H3'}",
    "{'op':'exchange','reference':'X1','from':'E','to':'A','amount':12.34}",
    "{'op':'reverse','reference':'V1','of':'T1','amount':25}",
    "{'op':'reverse','reference':'V2','of':'W1'}",
    "{'op':'adjust','reference':'J1','to':'B','amount':0.01}",
    "{'op':'fee','reference':'F1X','account':'A','amount':3}",
    "{'op':'freeze','reference':'Z1','account':'E'}",
    "{'op':'activate','reference':'Z2','account':'E'}",
    "{'op':'receive','reference':'Q1','address':'bc1q','amount':2}",
    "{'op':'order','reference':'S1','user':'" POST_USER "','side':'buy','asset':'BTC','amount':0.5,'price':10.5,'fee':'trading'}",
    "{'op':'fill','reference':'S2','of':'S1','amount':0.2,'price':10}",
    "{'op':'fill','reference':'S3','of':'S1'}",
    "{'op':'order','reference':'S4','user':'" POST_USER "','side':'sell','asset':'BTC','amount':0.1,'price':12}",
    "{'op':'order','reference':'S5','user':'" POST_USER "','side':'sell','asset':'BTC','amount':0.1,'price':12}",
    "{'op':'cancel','reference':'S6','of':'S5'}",
    "{'op':'payout','reference':'Y1','user':'" POST_USER "','currency':'BTC','amount':0.25,'address':'bc1z'}",
    "{'op':'approve','reference':'Y2','of':'Y1'}",
    "{'op':'complete','reference':'Y3','of':'Y1','txn_hash':'ff'}",
    "{'op':'payout','reference':'Y4','user':'" POST_USER "','currency':'BTC','amount':0.25,'address':'bc1z'}",
    "{'op':'transfer','reference':'T2','from':'A','to':'B','amount':7}",
    "{'op':'transfer','reference':'T3','from':'B','to':'A','amount':1}",
};

static void test_make(ledger *db) {
  for (size_t i = 0; i < sizeof test_rows / sizeof *test_rows; i++) test_row(db, test_rows[i]);
  for (size_t i = 0; i < sizeof test_operations / sizeof *test_operations; i++)
    if (test_do(db, test_operations[i]) != LEDGER_OK)
      fail_msg("%s: %s", test_operations[i], ledger_error_of(db)->message);
  assert_int_equal(test_do(db, "{'op':'withdraw','reference':'W9','from':'A','amount':99999,'keep_failed':true}"),
                   LEDGER_NO_FUNDS);
  /* an application's own rows: a pending one is no business of the book, an audit row is chained */
  char *change = sqlite3_mprintf("{\"table\":\"transactions\",\"row\":{\"account_id\":%s,"
                                 "\"transaction_type\":\"debit\",\"amount\":1}}",
                                 test_text(db->sqlite, "SELECT json_quote(id) FROM accounts WHERE account_number = 'A'"));
  post_row(db, change);
  sqlite3_free(change);
  test_row(db, "{'table':'audit_logs','row':{'action':'LOGIN_SUCCESS','entity_type':'users'}}");
}

static void test_sign(ledger *db) {
  ledger_head head;
  if (ledger_get_head(db, test_secret, &head) != LEDGER_OK) fail_msg("%s", ledger_error_of(db)->message);
  snprintf(test_head, sizeof test_head, "%lld:%s", (long long)head.journal, head.hash);
  snprintf(test_key, sizeof test_key, "%s", head.public_key);
}

static int test_setup(void **state) {
  (void)state;
  ledger *db = NULL;
  snprintf(test_folder, sizeof test_folder, "%s/verify.XXXXXX",
           getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
  if (mkdtemp(test_folder) == NULL) return 1;
  snprintf(test_base, sizeof test_base, "%s/base.ledger", test_folder);
  snprintf(test_copy, sizeof test_copy, "%s/copy.ledger", test_folder);
  ledger_signing_key(test_secret, test_public);
  if (ledger_create(test_base, ledger_schema("full"), 0, &db) != LEDGER_OK) return 1;
  test_sign(db);
  test_make(db);
  test_sign(db);
  if (test_do(db, "{'op':'transfer','reference':'T4','from':'A','to':'B','amount':2}") != LEDGER_OK)
    return 1;
  test_sign(db);
  test_do(db, "{'op':'transfer','reference':'T5','from':'A','to':'B','amount':3}");
  ledger_close(db);
  return 0;
}

static int test_teardown(void **state) {
  (void)state;
  file_remove(test_base);
  file_remove(test_copy);
  return rmdir(test_folder);
}

static void test_copy_base(void) {
  char *bytes = malloc(1 << 20);
  file_remove(test_copy);
  FILE *from = fopen(test_base, "rb"), *to = fopen(test_copy, "wb");
  assert_true(bytes != NULL && from != NULL && to != NULL);
  for (size_t length; (length = fread(bytes, 1, 1 << 20, from)) > 0;)
    assert_int_equal(fwrite(bytes, 1, length, to), length);
  fclose(from);
  assert_int_equal(fclose(to), 0);
  free(bytes);
}

/* ---- an attacker: a connection that knows nothing of ledgers */

static int test_collate(void *context, int a_length, const void *a, int b_length, const void *b) {
  (void)context;
  int order = memcmp(a, b, (size_t)(a_length < b_length ? a_length : b_length));
  return order != 0 ? order : a_length - b_length;
}
static void test_need(void *context, sqlite3 *sqlite, int encoding, const char *name) {
  (void)context;
  sqlite3_create_collation(sqlite, name, encoding, NULL, test_collate);
}

static void test_run(sqlite3 *sqlite, const char *sql) {
  char *message = NULL;
  if (sqlite3_exec(sqlite, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s: %s", sql, message);
}

/* A fresh copy, its triggers dropped, its constraints not looked at. */
static sqlite3 *test_attack(void) {
  sqlite3 *sqlite = NULL;
  sqlite3_stmt *stmt = NULL;
  sqlite3_str *drops = sqlite3_str_new(NULL);
  test_copy_base();
  assert_int_equal(sqlite3_open(test_copy, &sqlite), SQLITE_OK);
  sqlite3_collation_needed(sqlite, NULL, test_need);
  test_run(sqlite, "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
  assert_int_equal(sqlite3_prepare_v2(sqlite, "SELECT name FROM sqlite_schema WHERE type = 'trigger'", -1,
                                      &stmt, NULL),
                   SQLITE_OK);
  while (sqlite3_step(stmt) == SQLITE_ROW)
    sqlite3_str_appendf(drops, "DROP TRIGGER \"%w\";", sqlite3_column_text(stmt, 0));
  sqlite3_finalize(stmt);
  char *text = sqlite3_str_finish(drops);
  test_run(sqlite, text);
  sqlite3_free(text);
  return sqlite;
}

/* ---- the proof */

static char *test_report; /* of the last test_verify() */

static int test_verify(const char *path, const ledger_verify_options *options) {
  ledger *db = NULL;
  sqlite3_free(test_report);
  test_report = NULL;
  assert_int_equal(ledger_open(path, 0, &db), LEDGER_OK);
  int rc = ledger_verify(db, options, &test_report);
  assert_int_equal(rc, ledger_error_of(db)->code);
  ledger_close(db);
  return rc;
}

/* Has the report a break of this check, on this table, with this id (NULL: any), at this seq (0: any)? */
static bool test_finds(const char *check, const char *table, const char *id, int64_t seq) {
  char head[160], place[80], number[40];
  snprintf(head, sizeof head, "{\"check\":\"%s\"%s%s%s", check, table == NULL ? "" : ",\"table\":\"",
           table == NULL ? "" : table, table == NULL ? "" : "\"");
  snprintf(place, sizeof place, "\"id\":\"%s\"", id == NULL ? "" : id);
  snprintf(number, sizeof number, "\"seq\":%lld,", (long long)seq);
  for (const char *at = test_report; at != NULL && (at = strstr(at, head)) != NULL; at++) {
    const char *end = strchr(at, '}');
    const char *found_id = strstr(at, place), *found_seq = strstr(at, number);
    if ((id == NULL || (found_id != NULL && found_id < end)) &&
        (seq == 0 || (found_seq != NULL && found_seq < end)))
      return true;
  }
  return false;
}

static void test_untouched(void **state) {
  (void)state;
  ledger_verify_options options = {.head = test_head, .public_key = test_key};
  if (test_verify(test_base, NULL) != LEDGER_OK) fail_msg("%s", test_report);
  assert_non_null(strstr(test_report, "{\"proven\":true,"));
  assert_non_null(strstr(test_report, VERIFY_WHOLE_PAGES == 0 ? ",\"checkpoints\":3,\"constraints\":true,"
                                        "\"file_check\":\"quick_check of the other tables\",\"breaks\":0,\"first\":[]}"
                                      : ",\"checkpoints\":3,\"constraints\":true,"
                                        "\"file_check\":\"quick_check\",\"breaks\":0,\"first\":[]}"));
  if (test_verify(test_base, &options) != LEDGER_OK) fail_msg("%s", test_report);
  options.full = 1;
  if (test_verify(test_base, &options) != LEDGER_OK) fail_msg("%s", test_report);
  ledger *db = NULL;
  assert_int_equal(ledger_open(test_base, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
  sqlite3_free(test_report);
  assert_int_equal(ledger_verify(db, NULL, &test_report), LEDGER_OK);
  assert_non_null(strstr(test_report, ",\"constraints\":false,"));
  ledger_close(db);
  test_copy_base(); /* rows keep their order in a VACUUM */
  assert_int_equal(ledger_open(test_copy, 0, &db), LEDGER_OK);
  test_run(db->sqlite, "VACUUM");
  ledger_close(db);
  if (test_verify(test_copy, &options) != LEDGER_OK) fail_msg("%s", test_report);
}

/* ---- faults */

#define JOURNAL(reference) "(SELECT seq FROM ledger_journal WHERE reference = '" reference "')"
#define JOURNAL_ID(reference) "SELECT id FROM ledger_journal WHERE reference = '" reference "'"
#define ENTRY(reference) "(SELECT min(seq) FROM ledger_entry WHERE journal = " JOURNAL(reference) ")"
#define ROW_ID(reference) "SELECT id FROM transactions WHERE reference_number = '" reference "'"
#define ACCOUNT_ID(number) "SELECT id FROM accounts WHERE account_number = '" number "'"
#define ACCOUNT_KEY(number) \
  "(SELECT account_key FROM ledger_account WHERE owner = (SELECT id FROM accounts WHERE account_number = '" number "'))"

/* id and seq are found by these SELECTs before the fault is planted; NULL: not looked at */
static const struct test_fault {
  const char *name, *sql, *check, *table, *id, *seq;
} test_faults[] = {
    {"balance", "UPDATE accounts SET balance = '9999.00' WHERE account_number = 'A'", "V2", "accounts",
     ACCOUNT_ID("A"), "SELECT " ACCOUNT_KEY("A")},
    {"balance that no book knows",
     "INSERT INTO accounts (id, account_number, account_type, balance, available_balance)"
     " VALUES ('00000000-0000-4000-8000-0000000000ff', 'X', 'checking', '5.00', '5.00')",
     "V2", "accounts", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"available", "UPDATE accounts SET available_balance = '1.00' WHERE account_number = 'B'", "V2", "accounts",
     ACCOUNT_ID("B"), NULL},
    {"account's row", "DELETE FROM accounts WHERE account_number = 'E'", "V2", "accounts", ACCOUNT_ID("E"), NULL},
    {"portfolio", "UPDATE portfolio SET btc_balance = '3.00000000'", "V2", "portfolio", "SELECT '" POST_USER "'", NULL},
    {"portfolio that no book knows", "UPDATE portfolio SET xrp_balance = '3.00000000'", "V2", "portfolio",
     "SELECT '" POST_USER "'", NULL},
    {"book's balance", "UPDATE ledger_account SET balance = balance + 1 WHERE account_key = " ACCOUNT_KEY("A"), "V2",
     "ledger_account", ACCOUNT_ID("A"), "SELECT " ACCOUNT_KEY("A")},
    {"book's held", "UPDATE ledger_account SET held = 0 WHERE account_key = " ACCOUNT_KEY("A"), "V4", "ledger_account",
     ACCOUNT_ID("A"), NULL},
    {"book's version", "UPDATE ledger_account SET version = version + 1 WHERE account_key = " ACCOUNT_KEY("A"), "V3",
     "ledger_account", ACCOUNT_ID("A"), NULL},
    {"book's last entry", "UPDATE ledger_account SET last_entry = 1 WHERE account_key = " ACCOUNT_KEY("A"), "V3",
     "ledger_account", ACCOUNT_ID("A"), NULL},
    {"account of the book", "DELETE FROM ledger_account WHERE account_key = " ACCOUNT_KEY("B"), "V3", "ledger_entry", NULL,
     "SELECT min(seq) FROM ledger_entry WHERE account_key = " ACCOUNT_KEY("B")},
    {"bytes that are no text", "UPDATE transactions SET id = CAST(x'41ff42' AS TEXT) WHERE reference_number = 'T2'", "V7",
     "transactions", "SELECT 'A?B'", NULL},
    {"owner of an account", "UPDATE ledger_account SET owner = 'nobody' WHERE account_key = " ACCOUNT_KEY("B"), "V9",
     "ledger_account", NULL, "SELECT " ACCOUNT_KEY("B")},
    {"entry deleted", "DELETE FROM ledger_entry WHERE seq = " ENTRY("T1"), "V3", "ledger_entry", NULL,
     "SELECT " ENTRY("T1")},
    {"entry deleted, the sum", "DELETE FROM ledger_entry WHERE seq = " ENTRY("T1"), "V1", "ledger_journal",
     JOURNAL_ID("T1"), "SELECT " JOURNAL("T1")},
    {"entry's amount", "UPDATE ledger_entry SET amount = amount - 1 WHERE seq = " ENTRY("T2"), "V3", "ledger_entry",
     ACCOUNT_ID("A"), "SELECT " ENTRY("T2")},
    {"entry's available", "UPDATE ledger_entry SET available_after = available_after + 1 WHERE seq = " ENTRY("T2"), "V4",
     "ledger_entry", ACCOUNT_ID("A"), "SELECT " ENTRY("T2")},
    {"entry's version", "UPDATE ledger_entry SET version = 77 WHERE seq = " ENTRY("T2"), "V3", "ledger_entry",
     ACCOUNT_ID("A"), "SELECT " ENTRY("T2")},
    {"entry's jump", "UPDATE ledger_entry SET jump = 1 WHERE seq = " ENTRY("T2"), "V10", "ledger_journal",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"two entries swapped",
     "UPDATE ledger_entry SET seq = -1 WHERE seq = " ENTRY("T2") ";"
     "UPDATE ledger_entry SET seq = seq - 1 WHERE seq = (SELECT max(seq) FROM ledger_entry WHERE journal = " JOURNAL("T2") ");"
     "UPDATE ledger_entry SET seq = (SELECT max(seq) FROM ledger_entry WHERE journal = " JOURNAL("T2") ") + 1 WHERE seq = -1",
     "V10", "ledger_journal", JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"two journals swapped",
     "UPDATE ledger_journal SET seq = -1 WHERE reference = 'T2';"
     "UPDATE ledger_journal SET seq = seq - 1 WHERE reference = 'T3';"
     "UPDATE ledger_journal SET seq = (SELECT seq + 1 FROM ledger_journal WHERE reference = 'T3') WHERE seq = -1",
     "V10", "ledger_journal", JOURNAL_ID("T3"), "SELECT " JOURNAL("T2")},
    {"entry of no journal", "UPDATE ledger_entry SET journal = 0 WHERE seq = 1", "V1", "ledger_entry", NULL, "SELECT 1"},
    {"journal deleted", "DELETE FROM ledger_journal WHERE reference = 'T2'", "V10", "ledger_journal", NULL,
     "SELECT " JOURNAL("T2")},
    {"journal deleted, its rows", "DELETE FROM ledger_journal WHERE reference = 'T2'", "V7", "transactions", ROW_ID("T2"),
     NULL},
    {"journal deleted, its audit row", "DELETE FROM ledger_journal WHERE reference = 'T2'", "V11", "audit_logs",
     JOURNAL_ID("T2"), NULL},
    {"last journal deleted", "DELETE FROM ledger_journal WHERE reference = 'T5'", "V1", "ledger_entry", NULL,
     "SELECT " ENTRY("T5")},
    {"journal's kind", "UPDATE ledger_journal SET kind = 'deposit' WHERE reference = 'T2'", "V10", "ledger_journal",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"journal's reference", "UPDATE ledger_journal SET reference = 'T22' WHERE reference = 'T2'", "V7", "transactions",
     ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"journal's time", "UPDATE ledger_journal SET created_at = 5 WHERE reference = 'T2'", "V10", "ledger_journal",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"journal's hash", "UPDATE ledger_journal SET hash = zeroblob(32) WHERE reference = 'T2'", "V10", "ledger_journal",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"journal's rate", "UPDATE ledger_journal SET detail = replace(detail, '1.08', '1.09') WHERE reference = 'X1'", "V8",
     "ledger_journal", JOURNAL_ID("X1"), "SELECT " JOURNAL("X1")},
    {"journal's fee", "UPDATE ledger_journal SET detail = replace(detail, '1.5000', '1.6000') WHERE reference = 'T1'", "V8",
     "ledger_journal", JOURNAL_ID("T1"), "SELECT " JOURNAL("T1")},
    {"audit row changed", "UPDATE audit_logs SET user_agent = 'x' WHERE id = (" JOURNAL_ID("T2") ")", "V11", "audit_logs",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"audit row of a user changed",
     "UPDATE audit_logs SET new_values = '{\"first_name\": \"Eve\"}' WHERE action = 'UPDATE' AND new_values LIKE '%\"Ada\"%'",
     "V11", "audit_logs", "SELECT id FROM audit_logs WHERE new_values LIKE '%\"Eva\"%'", NULL},
    {"audit row deleted", "DELETE FROM audit_logs WHERE id = (" JOURNAL_ID("T2") ")", "V11", "audit_logs", JOURNAL_ID("T2"),
     "SELECT " JOURNAL("T2")},
    {"audit row added",
     "INSERT INTO audit_logs (id, action) VALUES ('00000000-0000-4000-8000-0000000000ff', 'LOGIN')", "V11", "audit_logs",
     "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"audit row put between",
     "INSERT INTO audit_logs (rowid, id, action) SELECT 0, '00000000-0000-4000-8000-0000000000ff', 'LOGIN'", "V11",
     "audit_logs", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"audited row changed", "UPDATE users SET first_name = 'Eve'", "V11", "users", "SELECT '" POST_USER "'", NULL},
    {"audited secret changed", "UPDATE users SET password_hash = '#'", "V11", "users", "SELECT '" POST_USER "'", NULL},
    {"audited row deleted", "DELETE FROM users", "V11", "users", "SELECT '" POST_USER "'", NULL},
    {"account's status", "UPDATE accounts SET status = 'frozen' WHERE account_number = 'E'", "V11", "accounts",
     ACCOUNT_ID("E"), NULL},
    {"completed row by hand",
     "INSERT INTO transactions (id, account_id, transaction_type, amount, status) SELECT"
     " '00000000-0000-4000-8000-0000000000ff', id, 'deposit', '5.00', 'completed' FROM accounts LIMIT 1",
     "V7", "transactions", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"completed row between",
     "INSERT INTO transactions (rowid, id, account_id, transaction_type, amount, status) SELECT 0,"
     " '00000000-0000-4000-8000-0000000000ff', id, 'deposit', '5.00', 'completed' FROM accounts LIMIT 1",
     "V7", "transactions", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"completed row with the id of a journal",
     "INSERT INTO transactions (id, account_id, transaction_type, amount, status, completed_at, created_at) SELECT"
     " substr(id, 1, 34) || '09', account_id, transaction_type, amount, status, completed_at, created_at FROM transactions"
     " WHERE reference_number = 'T2'",
     "V7", "transactions", "SELECT substr(id, 1, 34) || '09' FROM ledger_journal WHERE reference = 'T2'", NULL},
    {"pending row completed by hand", "UPDATE transactions SET status = 'completed' WHERE reference_number IS NULL", "V7",
     "transactions", "SELECT id FROM transactions WHERE reference_number IS NULL", NULL},
    {"row's amount", "UPDATE transactions SET amount = '8.00' WHERE reference_number = 'T2'", "V7", "transactions",
     ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row's status", "UPDATE transactions SET status = 'failed', completed_at = NULL WHERE reference_number = 'T2'", "V7",
     "transactions", ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row's reference", "UPDATE transactions SET reference_number = 'T9' WHERE reference_number = 'T2.C'", "V7",
     "transactions", ROW_ID("T2.C"), "SELECT " JOURNAL("T2")},
    {"row's account",
     "UPDATE transactions SET account_id = (" ACCOUNT_ID("E") ") WHERE reference_number = 'T2.C'", "V7", "transactions",
     ROW_ID("T2.C"), "SELECT " JOURNAL("T2")},
    {"row's currency", "UPDATE transactions SET currency = 'EUR' WHERE reference_number = 'T2'", "V7", "transactions",
     ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row's time", "UPDATE transactions SET created_at = '2020-01-01 00:00:00+00:00' WHERE reference_number = 'T2'", "V7",
     "transactions", ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row's type", "UPDATE transactions SET transaction_type = 'debit' WHERE reference_number = 'T2'", "V10",
     "ledger_journal", JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row's completed_at", "UPDATE transactions SET completed_at = NULL WHERE reference_number = 'T2'", "V7",
     "transactions", ROW_ID("T2"), "SELECT " JOURNAL("T2")},
    {"row deleted", "DELETE FROM transactions WHERE reference_number = 'T2.C'", "V7", "ledger_journal", JOURNAL_ID("T2"),
     "SELECT " JOURNAL("T2")},
    {"open hold's row completed",
     "UPDATE transactions SET status = 'completed', completed_at = created_at WHERE reference_number = 'H2'", "V7",
     "transactions", ROW_ID("H2"), "SELECT " JOURNAL("H2")},
    {"captured hold's amount", "UPDATE transactions SET amount = '60.00' WHERE reference_number = 'H1'", "V7",
     "transactions", ROW_ID("H1"), "SELECT " JOURNAL("H1")},
    {"released hold's row", "UPDATE transactions SET status = 'pending' WHERE reference_number = 'H3'", "V7",
     "transactions", ROW_ID("H3"), "SELECT " JOURNAL("H3")},
    {"portfolio's row", "UPDATE portfolio_transactions SET amount = '3.00000000' WHERE reference = 'Q1'", "V7",
     "portfolio_transactions", "SELECT id FROM portfolio_transactions WHERE reference = 'Q1'", "SELECT " JOURNAL("Q1")},
    {"portfolio's row by hand",
     "INSERT INTO portfolio_transactions (id, user_id, transaction_type, amount, currency) VALUES"
     " ('00000000-0000-4000-8000-0000000000ff', '" POST_USER "', 'deposit', '5.00000000', 'BTC')",
     "V7", "portfolio_transactions", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"trade's price", "UPDATE trades SET price = '9.00000000' WHERE trade_type = 'buy' AND status = 'completed'", "V7", "trades",
     "SELECT id FROM trades WHERE trade_type = 'buy' AND id LIKE '%01'", "SELECT " JOURNAL("S3")},
    {"open order's row", "UPDATE trades SET status = 'cancelled' WHERE status = 'pending'", "V7", "trades",
     "SELECT id FROM trades WHERE status = 'pending'", "SELECT " JOURNAL("S4")},
    {"trade deleted", "DELETE FROM trades WHERE trade_type = 'buy'", "V7", "trades",
     "SELECT id FROM trades WHERE trade_type = 'buy' AND id LIKE '%ff'", "SELECT " JOURNAL("S2")},
    {"trade by hand",
     "INSERT INTO trades (id, user_id, trade_type, asset, amount, price, total, balance_before, balance_after) VALUES"
     " ('00000000-0000-4000-8000-0000000000ff', '" POST_USER "', 'buy', 'BTC', '1.00000000', '1.00000000', '1.00000000',"
     " '1.00000000', '0.00000000')",
     "V7", "trades", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"order's total", "UPDATE ledger_journal SET detail = replace(detail, '5.25000000', '5.35000000') WHERE reference = 'S1'",
     "V8", "ledger_journal", JOURNAL_ID("S1"), "SELECT " JOURNAL("S1")},
    {"payout's address", "UPDATE crypto_withdrawals SET crypto_address = 'bc1x' WHERE status = 'PENDING'", "V7",
     "crypto_withdrawals", "SELECT id FROM crypto_withdrawals WHERE status = 'PENDING'", "SELECT " JOURNAL("Y4")},
    {"payout's status", "UPDATE crypto_withdrawals SET status = 'REJECTED' WHERE status = 'COMPLETED'", "V7",
     "crypto_withdrawals", "SELECT id FROM crypto_withdrawals WHERE status = 'COMPLETED'", "SELECT " JOURNAL("Y1")},
    {"payout's hash", "UPDATE crypto_withdrawals SET txn_hash = 'fe' WHERE status = 'COMPLETED'", "V7", "crypto_withdrawals",
     "SELECT id FROM crypto_withdrawals WHERE status = 'COMPLETED'", "SELECT " JOURNAL("Y1")},
    {"payout by hand",
     "INSERT INTO crypto_withdrawals (id, user_id, amount, currency, status) VALUES ('00000000-0000-4000-8000-0000000000ff',"
     " '" POST_USER "', '1.00000000', 'BTC', 'COMPLETED')",
     "V7", "crypto_withdrawals", "SELECT '00000000-0000-4000-8000-0000000000ff'", NULL},
    {"remainder of a hold", "UPDATE ledger_remainder SET settled = settled + 1 WHERE journal = " JOURNAL("H1"), "V8",
     "ledger_remainder", NULL, "SELECT " JOURNAL("H1")},
    {"remainder of an open hold", "UPDATE ledger_remainder SET amount = 1 WHERE journal = " JOURNAL("H2"), "V8",
     "ledger_remainder", NULL, "SELECT " JOURNAL("H2")},
    {"remainder deleted", "DELETE FROM ledger_remainder WHERE journal = " JOURNAL("H2"), "V8", "ledger_remainder", NULL,
     "SELECT " JOURNAL("H2")},
    {"remainder of a reversal", "UPDATE ledger_remainder SET settled = 0 WHERE journal = " JOURNAL("T1"), "V8",
     "ledger_remainder", NULL, "SELECT " JOURNAL("T1")},
    {"remainder of nothing", "INSERT INTO ledger_remainder (journal, amount) VALUES (9999, 5)", "V8", "ledger_remainder",
     NULL, "SELECT 9999"},
    {"limits", "UPDATE ledger_account SET overdraft_limit = 100000 WHERE account_key = " ACCOUNT_KEY("A"), "V5",
     "ledger_account", ACCOUNT_ID("A"), NULL},
    {"largest balance", "UPDATE ledger_account SET max_balance = NULL WHERE account_key = " ACCOUNT_KEY("B"), "V5",
     "ledger_account", ACCOUNT_ID("B"), NULL},
    {"limits as they were", "UPDATE ledger_journal SET detail = replace(detail, '10000000', '10') WHERE reference = 'OB'",
     "V5", "ledger_entry", ACCOUNT_ID("B"), "SELECT max(seq) FROM ledger_entry WHERE journal = " JOURNAL("T2")},
    {"sum of a currency", "UPDATE ledger_entry SET amount = amount + 5, balance_after = balance_after + 5,"
     " available_after = available_after + 5 WHERE journal = " JOURNAL("P1") " AND amount < 0", "V6", "ledger_account",
     NULL, NULL},
    {"integer as text", "UPDATE ledger_entry SET amount = 'many' WHERE seq = " ENTRY("T2"), "V9", "ledger_entry", NULL,
     "SELECT " ENTRY("T2")},
    {"integer as a real number", "UPDATE ledger_journal SET outcome = 0.5 WHERE reference = 'T2'", "V9", "ledger_journal",
     JOURNAL_ID("T2"), "SELECT " JOURNAL("T2")},
    {"balance of the book as text", "UPDATE ledger_account SET held = 'x' WHERE account_key = " ACCOUNT_KEY("A"), "V9",
     "ledger_account", ACCOUNT_ID("A"), NULL},
    {"remainder as text", "UPDATE ledger_remainder SET released = 'x' WHERE journal = " JOURNAL("H1"), "V9",
     "ledger_remainder", NULL, "SELECT " JOURNAL("H1")},
    {"key of a row", "UPDATE transactions SET account_id = '00000000-0000-4000-8000-0000000000ff'"
     " WHERE reference_number = 'T2'", "V12", "transactions", ROW_ID("T2"), NULL},
    {"key of a pending row", "UPDATE transactions SET account_id = '00000000-0000-4000-8000-0000000000ff'"
     " WHERE reference_number IS NULL", "V12", "transactions", "SELECT id FROM transactions WHERE reference_number IS NULL", NULL},
    {"key of an audit row", "UPDATE audit_logs SET user_id = '00000000-0000-4000-8000-0000000000ff' WHERE id = ("
     JOURNAL_ID("T2") ")", "V12", "audit_logs", JOURNAL_ID("T2"), NULL},
    {"key of another table", "UPDATE deposit_addresses SET user_id = '00000000-0000-4000-8000-0000000000ff'", "V12",
     "deposit_addresses", NULL, "SELECT rowid FROM deposit_addresses"},
    {"constraint of another table", "UPDATE fee_config SET percentage_fee = '-1.0000'", "V12", "fee_config", NULL, NULL},
    {"checkpoint's hash", "UPDATE ledger_checkpoint SET hash = zeroblob(32) WHERE journal > 0", "V10", "ledger_checkpoint",
     NULL, "SELECT max(journal) FROM ledger_checkpoint"},
    {"checkpoint's sums", "UPDATE ledger_checkpoint SET sums = replace(sums, '\"EUR:2\":\"4', '\"EUR:2\":\"5')", "V10",
     "ledger_checkpoint", NULL, "SELECT max(journal) FROM ledger_checkpoint"},
    {"checkpoint's signature", "UPDATE ledger_checkpoint SET signature = zeroblob(64)", "V10", "ledger_checkpoint", NULL,
     "SELECT max(journal) FROM ledger_checkpoint"},
    {"checkpoint removed, others behind it",
     "DELETE FROM ledger_checkpoint WHERE journal = (SELECT max(journal) - 1 FROM ledger_checkpoint)", "V10",
     "ledger_checkpoint", NULL, "SELECT max(journal) FROM ledger_checkpoint"},
    {"signing key", "UPDATE ledger_meta SET value = iif(value LIKE '0%', '1', '0') || substr(value, 2) WHERE key = 'signing_key'", "V10",
     "ledger_checkpoint", NULL, "SELECT max(journal) FROM ledger_checkpoint"},
};

static void test_faults_are_found(void **state) {
  (void)state;
  int missed = 0;
  for (size_t i = 0; i < sizeof test_faults / sizeof *test_faults; i++) {
    const struct test_fault *fault = &test_faults[i];
    char id[80] = "";
    sqlite3 *sqlite = test_attack();
    if (fault->id != NULL) snprintf(id, sizeof id, "%s", test_text(sqlite, fault->id));
    int64_t seq = fault->seq == NULL ? 0 : sql_number(sqlite, fault->seq);
    test_run(sqlite, fault->sql);
    if (sqlite3_total_changes(sqlite) == 0) fail_msg("%s changes nothing", fault->name);
    sqlite3_close(sqlite);
    int rc = test_verify(test_copy, NULL);
    if (rc == LEDGER_BOOK_BROKEN &&
        test_finds(fault->check, fault->table, fault->id == NULL ? NULL : id, seq))
      continue;
    print_error("%s: %s %s %s %lld is not in\n%s\n", fault->name, fault->check, fault->table, id, (long long)seq,
                test_report == NULL ? "(no report)" : test_report);
    missed++;
  }
  assert_int_equal(missed, 0);
}

/* ---- a chain that was made anew */

/* The hash that a journal's rows give now, behind `previous`. */
static void test_link(ledger *db, sqlite3_stmt *journal, const unsigned char previous[32], unsigned char hash[32]) {
  struct chain chain;
  struct value values[64];
  sqlite3_stmt *stmt = NULL;
  unsigned char audit[32];
  const char *id = (const char *)sqlite3_column_text(journal, 2);
  const struct relation *audit_logs = catalog_stored(db->catalog, "audit_logs", 10);
  chain_start(&chain, previous);
  chain_journal(&chain, sqlite3_column_int64(journal, 0), (const char *)sqlite3_column_text(journal, 1), id,
                (const char *)sqlite3_column_text(journal, 3), sqlite3_column_int64(journal, 4),
                sqlite3_column_int(journal, 5), (const char *)sqlite3_column_text(journal, 6),
                sqlite3_column_int64(journal, 7), sqlite3_column_int64(journal, 8), sqlite3_column_int(journal, 9),
                sqlite3_column_blob(journal, 10), (size_t)sqlite3_column_bytes(journal, 10),
                (const char *)sqlite3_column_text(journal, 11));
  static const char *const rows[] = {
      "SELECT t.id, account_id, transaction_type, iif(j.kind = 'hold', printf('%d.%02d', r.amount / 100, r.amount % 100),"
      " t.amount), currency, reference_number, t.created_at FROM transactions t LEFT JOIN ledger_journal j ON j.seq = ?2"
      " LEFT JOIN ledger_remainder r ON r.journal = j.seq WHERE substr(t.id, 1, 34) = substr(?1, 1, 34) ORDER BY t.id",
      "SELECT id, user_id, transaction_type, amount, currency, reference, created_at FROM portfolio_transactions"
      " WHERE substr(id, 1, 34) = substr(?1, 1, 34) AND ?2 ORDER BY id"};
  for (int n = 0; n < 2; n++) {
    assert_int_equal(sqlite3_prepare_v2(db->sqlite, rows[n], -1, &stmt, NULL), SQLITE_OK);
    sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, sqlite3_column_int64(journal, 0));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
      const char *texts[7];
      for (int i = 0; i < 7; i++) texts[i] = (const char *)sqlite3_column_text(stmt, i);
      chain_row(&chain, texts[1], texts[2], texts[3], texts[4], texts[5], texts[6]);
    }
    sqlite3_finalize(stmt);
  }
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, "SELECT * FROM ledger_entry WHERE journal = ?1 ORDER BY seq", -1, &stmt, NULL),
                   SQLITE_OK);
  sqlite3_bind_int64(stmt, 1, sqlite3_column_int64(journal, 0));
  while (sqlite3_step(stmt) == SQLITE_ROW)
    chain_entry(&chain, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 2), sqlite3_column_int(stmt, 3),
                sqlite3_column_int64(stmt, 4), sqlite3_column_int64(stmt, 5), sqlite3_column_int64(stmt, 6),
                sqlite3_column_int64(stmt, 7), sqlite3_column_int64(stmt, 8), sqlite3_column_int64(stmt, 9));
  sqlite3_finalize(stmt);
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, "SELECT * FROM audit_logs WHERE id = ?1", -1, &stmt, NULL), SQLITE_OK);
  sqlite3_bind_text(stmt, 1, id, -1, SQLITE_STATIC);
  assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
  for (int i = 0; i < audit_logs->column_count; i++) values[i] = statement_value(stmt, i);
  audit_hash(audit_logs, values, audit);
  sqlite3_finalize(stmt);
  chain_bytes(&chain, audit, sizeof audit);
  chain_end(&chain, hash);
}

/* All links made anew from what stands there. */
static void test_rebuild(const char *path) {
  ledger *db = NULL;
  sqlite3_stmt *journals = NULL, *update = NULL;
  unsigned char hash[32] = {0}, next[32];
  assert_int_equal(ledger_open(path, LEDGER_PLAIN, &db), LEDGER_OK);
  assert_int_equal(ledger_begin(db), LEDGER_OK);
  assert_int_equal(sqlite3_prepare_v2(db->sqlite,
                                      "SELECT seq, kind, id, reference, parent, outcome, reason, effective_at, created_at,"
                                      " rows, request, detail FROM ledger_journal ORDER BY seq",
                                      -1, &journals, NULL),
                   SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db->sqlite, "UPDATE ledger_journal SET hash = ?2 WHERE seq = ?1", -1, &update, NULL),
                   SQLITE_OK);
  while (sqlite3_step(journals) == SQLITE_ROW) {
    test_link(db, journals, hash, next);
    memcpy(hash, next, sizeof hash);
    sqlite3_bind_int64(update, 1, sqlite3_column_int64(journals, 0));
    sqlite3_bind_blob(update, 2, hash, sizeof hash, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(update), SQLITE_DONE);
    sqlite3_reset(update);
  }
  sqlite3_finalize(journals);
  sqlite3_finalize(update);
  assert_int_equal(ledger_commit(db), LEDGER_OK);
  ledger_close(db);
}

/* The transfer T5 was 3.00: it becomes 3.50 everywhere, and the links with it. */
static const char test_forgery[] =
    "UPDATE ledger_entry SET amount = amount + iif(amount < 0, -50, 50), balance_after = balance_after + iif(amount < 0, -50,"
    " 50), available_after = available_after + iif(amount < 0, -50, 50) WHERE journal = " JOURNAL("T5") ";"
    "UPDATE transactions SET amount = '3.50' WHERE reference_number IN ('T5', 'T5.C');"
    "UPDATE ledger_account SET balance = (SELECT balance_after FROM ledger_entry WHERE seq = last_entry);"
    "UPDATE accounts SET (balance, available_balance) = (SELECT printf('%d.%02d', k.balance / 100, k.balance % 100),"
    " printf('%d.%02d', (k.balance - k.held) / 100, (k.balance - k.held) % 100) FROM ledger_account k WHERE k.owner ="
    " accounts.id) WHERE account_number IN ('A', 'B');";

static void test_forged(void **state) {
  (void)state;
  ledger_verify_options options = {0};
  test_copy_base(); /* the rebuild as such is right */
  sqlite3 *sqlite = test_attack();
  sqlite3_close(sqlite);
  test_rebuild(test_copy);
  if (test_verify(test_copy, NULL) != LEDGER_OK) fail_msg("%s", test_report);

  /* What lies behind the last checkpoint is a forger's to change, unless a later head is kept elsewhere. */
  ledger *db = NULL;
  ledger_head head;
  char later[100];
  assert_int_equal(ledger_open(test_base, LEDGER_READ_ONLY_FILE, &db), LEDGER_OK);
  assert_int_equal(ledger_get_head(db, NULL, &head), LEDGER_OK);
  assert_string_equal(head.signature, "");
  ledger_close(db);
  snprintf(later, sizeof later, "%lld:%s", (long long)head.journal, head.hash);
  sqlite = test_attack();
  test_run(sqlite, test_forgery);
  sqlite3_close(sqlite);
  assert_int_equal(test_verify(test_copy, NULL), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_journal", NULL, head.journal));
  test_rebuild(test_copy);
  if (test_verify(test_copy, NULL) != LEDGER_OK) fail_msg("%s", test_report);
  options.head = later;
  assert_int_equal(test_verify(test_copy, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_journal", NULL, head.journal));

  /* Before it the signature does not hold any more, and a forger who takes the checkpoints away is found by the kept head. */
  sqlite = test_attack();
  test_run(sqlite, "UPDATE ledger_journal SET reason = 'forged' WHERE reference = 'T1'");
  sqlite3_close(sqlite);
  test_rebuild(test_copy);
  assert_int_equal(test_verify(test_copy, NULL), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_checkpoint", NULL, 0));
  assert_int_equal(sqlite3_open(test_copy, &sqlite), SQLITE_OK);
  test_run(sqlite, "DELETE FROM ledger_checkpoint; DELETE FROM ledger_meta WHERE key = 'signing_key'");
  sqlite3_close(sqlite);
  if (test_verify(test_copy, NULL) != LEDGER_OK) fail_msg("%s", test_report);
  options.head = test_head;
  assert_int_equal(test_verify(test_copy, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_journal", NULL, 0));
}

/* A signed head is kept elsewhere, with its key: its checkpoint must be there, and signed with that key. */
static void test_kept(void **state) {
  (void)state;
  unsigned char other_secret[64], other_public[32];
  char other[65];
  ledger_verify_options options = {.head = test_head, .public_key = test_key};
  sqlite3 *sqlite = test_attack();
  test_run(sqlite, "DELETE FROM ledger_checkpoint WHERE journal = (SELECT max(journal) FROM ledger_checkpoint)");
  sqlite3_close(sqlite);
  assert_int_equal(test_verify(test_copy, NULL), LEDGER_OK);
  assert_int_equal(test_verify(test_copy, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_checkpoint", NULL, 0));
  sqlite = test_attack();
  test_run(sqlite, "DELETE FROM ledger_entry WHERE journal = (SELECT max(seq) FROM ledger_journal);"
                   "DELETE FROM ledger_journal WHERE seq = (SELECT max(seq) FROM ledger_journal)");
  sqlite3_close(sqlite);
  options = (ledger_verify_options){.head = "99999:0000000000000000000000000000000000000000000000000000000000000000"};
  assert_int_equal(test_verify(test_base, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_journal", NULL, 99999));
  ledger_signing_key(other_secret, other_public);
  text_hex(other_public, 32, other);
  options = (ledger_verify_options){.public_key = other};
  assert_int_equal(test_verify(test_base, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V10", "ledger_meta", "signing_key", 0));
  assert_true(test_finds("V10", "ledger_checkpoint", NULL, 0));
  static const char *const bad[] = {"", "1", "1:", "x:00", "1:00", ":00", "-1:00"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    options = (ledger_verify_options){.head = bad[i]};
    assert_int_equal(test_verify(test_base, &options), LEDGER_INVALID_PARAMETER);
    options = (ledger_verify_options){.public_key = bad[i]};
    assert_int_equal(test_verify(test_base, &options), LEDGER_INVALID_PARAMETER);
    assert_null(test_report);
  }
}

/* ---- pages */

/* Bytes of a page in the middle of a table are overwritten, of each table of the book in turn. */
static void test_pages(void **state) {
  (void)state;
  static const char *const tables[] = {"ledger_entry", "ledger_journal", "transactions", "audit_logs", "users"};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    char sql[160];
    unsigned char junk[200];
    sqlite3 *sqlite = test_attack();
    snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", tables[i]);
    int64_t page = sql_number(sqlite, sql);
    sqlite3_close(sqlite);
    memset(junk, 0xA5, sizeof junk);
    FILE *file = fopen(test_copy, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)(page - 1) * 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(junk, 1, sizeof junk, file), sizeof junk);
    assert_int_equal(fclose(file), 0);
    int rc = test_verify(test_copy, NULL);
    if (rc != LEDGER_BOOK_BROKEN || !test_finds("V12", NULL, NULL, 0))
      fail_msg("%s: %d %s", tables[i], rc, test_report);
  }
}

/* An index that does not agree with its table is integrity_check's to find. */
static void test_index(void **state) {
  (void)state;
  ledger_verify_options options = {.full = 1};
  sqlite3 *sqlite = test_attack();
  test_run(sqlite, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '(status)', '(currency)')"
                   " WHERE name = 'idx_transactions_status';"
                   "UPDATE sqlite_schema SET sql = replace(sql, '\"status\"', '\"currency\"')"
                   " WHERE name = 'idx_transactions_status'");
  sqlite3_close(sqlite);
  assert_int_equal(test_verify(test_copy, &options), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V12", NULL, NULL, 0));
}

/* ---- heads */

static void test_heads(void **state) {
  (void)state;
  ledger *db = post_file("full");
  unsigned char secret[64], public_key[32], other[64];
  ledger_head head, again;
  assert_int_equal(ledger_get_head(db, NULL, NULL), LEDGER_MISUSE);
  assert_int_equal(ledger_verify(db, NULL, NULL), LEDGER_MISUSE);
  ledger_signing_key(secret, public_key);
  post_account(db, "A", "USD", "5");
  assert_int_equal(ledger_get_head(db, NULL, &head), LEDGER_OK);
  assert_string_equal(head.public_key, "");
  assert_string_equal(head.signature, "");
  assert_int_equal(ledger_get_head(db, secret, &head), LEDGER_OK);
  assert_int_equal(strlen(head.signature), 128);
  assert_true(strlen(head.created_at) >= 20 && head.created_at[strlen(head.created_at) - 1] == 'Z');
  assert_int_equal(ledger_get_head(db, secret, &again), LEDGER_OK); /* the same journal is signed once */
  assert_memory_equal(&head, &again, sizeof head);
  assert_int_equal(ledger_get_head(db, NULL, &again), LEDGER_OK);
  assert_memory_equal(&head, &again, sizeof head);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_checkpoint"), 1);
  ledger_signing_key(other, public_key);
  assert_int_equal(ledger_get_head(db, other, &again), LEDGER_FORBIDDEN);
  assert_int_equal(post_number(db, "SELECT count(*) FROM ledger_checkpoint"), 1);
  post_close(db);
}

/* Sums of more digits than an amount has; the same text whatever order the units came in. */
static void test_sums(void **state) {
  (void)state;
  struct head_units units = {0};
  int usd = head_unit(&units, "USD", 8), yen = head_unit(&units, "JPY", 0), euro = head_unit(&units, "EUR", 2);
  int cents = head_unit(&units, "USD", 2);
  units.items[usd].customers = (head_wide)INT64_MAX * 1000;
  units.items[yen].customers = -7;
  units.items[euro].customers = 0;
  units.items[cents].customers = -5;
  sqlite3_str *text = sqlite3_str_new(NULL);
  head_sums(text, &units, 1, 2, 3);
  assert_string_equal(sqlite3_str_value(text),
                      "{\"checkpoint\":1,\"journals\":2,\"entries\":3,\"balances\":{\"JPY:0\":\"-7\",\"USD:2\":\"-0.05\","
                      "\"USD:8\":\"92233720368547.75807000\"}}");
  sqlite3_free(sqlite3_str_finish(text));
  sqlite3_free(units.items);
}

/* ---- other schemas */

static void test_schemas(void **state) {
  (void)state;
  for (int i = 0; ledger_schema_names()[i] != NULL; i++) {
    ledger *db = NULL;
    char *report = NULL;
    assert_int_equal(ledger_create(":memory:", ledger_schema(ledger_schema_names()[i]), 0, &db), LEDGER_OK);
    int rc = ledger_verify(db, NULL, &report);
    if (rc != LEDGER_OK) fail_msg("%s: %s", ledger_schema_names()[i], report == NULL ? ledger_error_of(db)->message : report);
    ledger_free(report);
    ledger_close(db);
  }
}

/* wallstreet: the short audit_logs, no portfolio. */
static void test_wallstreet(void **state) {
  (void)state;
  ledger *db = post_file("wallstreet");
  post_account(db, "A", "USD", "5");
  test_row(db, "{'table':'users','row':{'id':'" POST_USER "','email':'a@b.co','password_hash':'!','first_name':'A','last_name':'B'}}");
  test_row(db, "{'table':'users','op':'update','row':{'first_name':'Ada'},'where':{'email':'a@b.co'}}");
  post_done(db, .kind = LEDGER_OP_HOLD, .reference = "H", .from = "A", .amount = "2");
  char *report = NULL;
  if (ledger_verify(db, NULL, &report) != LEDGER_OK) fail_msg("%s", report);
  ledger_free(report);
  post_foreign(db, "UPDATE users SET first_name = 'Eve' WHERE email = 'a@b.co'");
  sqlite3_free(test_report);
  assert_int_equal(ledger_verify(db, NULL, &test_report), LEDGER_BOOK_BROKEN);
  assert_true(test_finds("V11", "users", POST_USER, 0));
  ledger_close(db);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_untouched),        cmocka_unit_test(test_faults_are_found),
      cmocka_unit_test(test_forged),           cmocka_unit_test(test_kept),
      cmocka_unit_test(test_pages),            cmocka_unit_test(test_index),
      cmocka_unit_test(test_heads),            cmocka_unit_test(test_sums),
      cmocka_unit_test(test_schemas),          cmocka_unit_test(test_wallstreet),
  };
  int failed = cmocka_run_group_tests(tests, test_setup, test_teardown);
  sqlite3_free(test_report);
  return failed;
}
