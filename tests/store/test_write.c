/*
** test_write.c: rows in: values, defaults, generated columns, triggers, upserts, what is returned, and PostgreSQL's words
** for what is refused.
*/
#include "../../ledger.c"

#include "fixture.h"

#define UUID_A "00000000-0000-4000-8000-00000000000a"
#define UUID_B "00000000-0000-4000-8000-00000000000b"

static ledger *db;

static int setup(void **state) {
  (void)state;
  db = fixture_open(NULL);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  ledger_close(db);
  return 0;
}

static void insert_fills_defaults(void **state) {
  (void)state;
  assert_done(db, fixture_insert(
                      db, "users",
                      PAIRS("email=a@b.c", "balance=1.005", "updated_at=2020-01-01 00:00:00+02")));
  assert_string_equal(fixture_rows(db, "users", "select=email,mood,balance,active,updated_at"),
                      "{\"email\":\"a@b.c\",\"mood\":\"ok\",\"balance\":1.01,\"active\":true,"
                      "\"updated_at\":\"2019-12-31T22:00:00+00:00\"}");
  assert_done(db, fixture_insert(db, "users",
                                 PAIRS("email=b@b.c", "mood=DEFAULT", "balance", "active=off")));
  assert_string_equal(fixture_rows(db, "users", "select=mood,balance,active&email=eq.b@b.c"),
                      "{\"mood\":\"ok\",\"balance\":null,\"active\":false}");
}

static void now_is_the_transactions(void **state) {
  (void)state;
  assert_done(db, ledger_begin(db));
  assert_done(db, fixture_insert(db, "users", PAIRS("email=1")));
  assert_done(db, fixture_insert(db, "users", PAIRS("email=2")));
  assert_done(db, ledger_commit(db));
  ledger_rows *rows;
  assert_done(db, ledger_select(db, "users", "select=created_at,updated_at", &rows));
  char first[64], second[64];
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  sqlite3_snprintf(64, first, "%s", ledger_rows_text(rows, 1, NULL));
  assert_true(strlen(ledger_rows_text(rows, 0, NULL)) <= strlen("2026-01-01 00:00:00.123"));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  sqlite3_snprintf(64, second, "%s", ledger_rows_text(rows, 1, NULL));
  assert_string_equal(first, second);
  ledger_rows_free(rows);
}

static void names_are_checked(void **state) {
  (void)state;
  assert_failed(db, fixture_insert(db, "nope", PAIRS("a=1")), "42P01",
                "relation \"nope\" does not exist", "");
  assert_failed(db, fixture_insert(db, "zz.users", PAIRS("a=1")), "42P01",
                "relation \"zz.users\" does not exist", "");
  assert_failed(db, fixture_insert(db, "users.", PAIRS("a=1")), "42P01",
                "relation \"users.\" does not exist", "");
  assert_failed(db, fixture_insert(db, "\"Users\"", PAIRS("a=1")), "42P01",
                "relation \"\"Users\"\" does not exist", "");
  assert_failed(db, fixture_insert(db, "", PAIRS("a=1")), "42P01", "relation \"\" does not exist",
                "");
  assert_failed(db, fixture_insert(db, "users", PAIRS("nope=1")), "42703",
                "column \"nope\" of relation \"users\" does not exist", "");
  assert_failed(db, fixture_insert(db, "users", PAIRS("email=1", "email=2")), "42701",
                "column \"email\" specified more than once", "");
  assert_failed(db, fixture_update(db, "users", PAIRS("email=1", "email=2"), PAIRS("id"), NULL),
                "42601", "multiple assignments to same column \"email\"", "");
  assert_failed(db, fixture_delete(db, "users", PAIRS("nope=1"), NULL), "42703",
                "column \"nope\" does not exist", "");
  assert_failed(db, fixture_insert(db, "user_names", PAIRS("id")), "55000",
                "cannot insert into view \"user_names\"", "");
  assert_done(db, fixture_insert(db, "billing.\"Invoice\"", PAIRS("Id=101")));
  assert_done(db, fixture_insert(db, "billing.Invoice", PAIRS("Id=102")));
  assert_failed(db, fixture_insert(db, "billing.invoice", PAIRS("Id=103")), "42P01",
                "relation \"billing.invoice\" does not exist", "");
  assert_done(db, fixture_insert(db, "PUBLIC.Users", PAIRS("email=x")));
  assert_done(db, fixture_insert(db, "\"public\".\"users\"", PAIRS("email=y")));
}

static void types_refuse(void **state) {
  (void)state;
  int rc = fixture_insert(db, "users", PAIRS("email=x", "balance=abc"));
  assert_failed(db, rc, "22P02", "invalid input syntax for type numeric: \"abc\"", "");
  assert_string_equal(ledger_error_of(db)->table, "users");
  assert_string_equal(ledger_error_of(db)->column, "balance");
  assert_failed(db, fixture_insert(db, "users", PAIRS("email=123456789012345678901")), "22001",
                "value too long for type character varying(20)", "");
  assert_failed(db, fixture_insert(db, "users", PAIRS("email=x", "mood=angry")), "22P02",
                "invalid input value for enum mood: \"angry\"", "");
  assert_string_equal(fixture_rows(db, "users", NULL), "");
}

static void constraints_say_what_postgres_says(void **state) {
  (void)state;
  int rc = fixture_insert(db, "users", PAIRS("id=" UUID_A, "created_at", "updated_at"));
  assert_failed(db, rc, "23502",
                "null value in column \"email\" of relation \"users\" violates not-null constraint",
                "Failing row contains (" UUID_A ", null, ok, 0.00, t, null, null).");
  assert_string_equal(ledger_error_of(db)->column, "email");
  assert_string_equal(ledger_error_of(db)->table, "users");
  rc = fixture_insert(db, "users",
                      PAIRS("id=" UUID_A, "email=bad", "balance=-1", "created_at", "updated_at"));
  assert_failed(db, rc, "23514",
                "new row for relation \"users\" violates check constraint \"active_email\"",
                "Failing row contains (" UUID_A ", bad, ok, -1.00, t, null, null).");
  assert_string_equal(ledger_error_of(db)->constraint, "active_email");
  assert_done(db, fixture_insert(db, "users", PAIRS("id=" UUID_A, "email=a")));
  rc = fixture_insert(db, "users", PAIRS("id=" UUID_A, "email=a"));
  assert_failed(db, rc, "23505", "duplicate key value violates unique constraint \"users_pkey\"",
                "Key (id)=(" UUID_A ") already exists.");
  assert_string_equal(ledger_error_of(db)->constraint, "users_pkey");
  rc = fixture_insert(db, "users", PAIRS("email=a"));
  assert_failed(db, rc, "23505",
                "duplicate key value violates unique constraint \"users_email_key\"",
                "Key (email)=(a) already exists.");
  rc = fixture_insert(db, "posts", PAIRS("title=t", "user_id=" UUID_B));
  assert_failed(
      db, rc, "23503",
      "insert or update on table \"posts\" violates foreign key constraint \"posts_user_id_fkey\"",
      "Key (user_id)=(" UUID_B ") is not present in table \"users\".");
  assert_string_equal(ledger_error_of(db)->constraint, "posts_user_id_fkey");
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=t", "user_id=" UUID_A)));
  rc = fixture_insert(db, "posts", PAIRS("title=t"));
  assert_failed(db, rc, "23505",
                "duplicate key value violates unique constraint \"posts_title_key\"",
                "Key (title)=(t) already exists.");
  rc = fixture_insert(db, "things", PAIRS("a=1", "b=101"));
  assert_failed(db, rc, "23514",
                "value for domain percent violates check constraint \"percent_check\"", "");
}

static void updates_say_what_postgres_says(void **state) {
  (void)state;
  assert_done(db, fixture_insert(db, "users", PAIRS("id=" UUID_A, "email=a", "created_at")));
  assert_done(db, fixture_insert(db, "users", PAIRS("id=" UUID_B, "email=b", "created_at")));
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=t", "user_id=" UUID_A)));
  int rc = fixture_update(db, "users", PAIRS("email=a"), PAIRS("id=" UUID_B), NULL);
  assert_failed(db, rc, "23505",
                "duplicate key value violates unique constraint \"users_email_key\"",
                "Key (email)=(a) already exists.");
  rc = fixture_update(db, "users", PAIRS("email"), PAIRS("id=" UUID_B), NULL);
  assert_failed(db, rc, "23502",
                "null value in column \"email\" of relation \"users\" violates not-null constraint",
                "Failing row contains (" UUID_B
                ", null, ok, 0.00, t, null, 2030-01-01 00:00:00+00).");
  rc = fixture_update(db, "users", PAIRS("balance=-2"), PAIRS("id=" UUID_B), NULL);
  assert_failed(
      db, rc, "23514", "new row for relation \"users\" violates check constraint \"balance_floor\"",
      "Failing row contains (" UUID_B ", b, ok, -2.00, t, null, 2030-01-01 00:00:00+00).");
  rc = fixture_update(db, "users", PAIRS("id=00000000-0000-4000-8000-00000000000c"),
                      PAIRS("id=" UUID_A), NULL);
  assert_failed(db, rc, "23503",
                "update or delete on table \"users\" violates foreign key constraint "
                "\"posts_user_id_fkey\" on table \"posts\"",
                "Key (id)=(" UUID_A ") is still referenced from table \"posts\".");
  assert_string_equal(ledger_error_of(db)->table, "posts");
  rc = fixture_update(db, "posts", PAIRS("user_id=00000000-0000-4000-8000-00000000000c"),
                      PAIRS("title=t"), NULL);
  assert_failed(
      db, rc, "23503",
      "insert or update on table \"posts\" violates foreign key constraint \"posts_user_id_fkey\"",
      "Key (user_id)=(00000000-0000-4000-8000-00000000000c) is not present in table \"users\".");
  rc = fixture_delete(db, "users", PAIRS("id=" UUID_A), NULL);
  assert_failed(db, rc, "23503",
                "update or delete on table \"users\" violates foreign key constraint "
                "\"posts_user_id_fkey\" on table \"posts\"",
                "Key (id)=(" UUID_A ") is still referenced from table \"posts\".");
  rc = fixture_update(db, "users", PAIRS("balance=x"), PAIRS("id=" UUID_B), NULL);
  assert_failed(db, rc, "22P02", "invalid input syntax for type numeric: \"x\"", "");
  rc = fixture_update(db, "users", PAIRS("balance=1"), PAIRS("id=x"), NULL);
  assert_failed(db, rc, "22P02", "invalid input syntax for type uuid: \"x\"", "");
}

static void where_compares_as_postgres_does(void **state) {
  (void)state;
  int64_t changed = -1;
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a", "balance=2.5", "mood")));
  assert_done(db, fixture_update(db, "users", PAIRS("active=f"), PAIRS("balance=2.500"), &changed));
  assert_int_equal(changed, 1);
  assert_done(db, fixture_update(db, "users", PAIRS("active=t"), PAIRS("balance=2.504"), &changed));
  assert_int_equal(changed, 0);
  assert_done(db, fixture_update(db, "users", PAIRS("active=t"), PAIRS("mood"), &changed));
  assert_int_equal(changed, 1);
  assert_done(db, fixture_update(db, "users", PAIRS("active=t"),
                                 PAIRS("email=much longer than twenty characters"), &changed));
  assert_int_equal(changed, 0);
  assert_done(
      db, fixture_update(db, "users", PAIRS("active=f"), PAIRS("active=yes", "email=a"), &changed));
  assert_int_equal(changed, 1);
  assert_failed(db, fixture_update(db, "users", PAIRS("active=f"), PAIRS(NULL), &changed), "42501",
                "UPDATE without a condition is refused", "");
  assert_failed(db, fixture_delete(db, "users", PAIRS(NULL), &changed), "42501",
                "DELETE without a condition is refused", "");
  assert_failed(db, fixture_update(db, "users", PAIRS(NULL), PAIRS("email=a"), &changed), "42601",
                "no column is to be set", "");
  assert_done(db, ledger_delete(db, "users", 0, NULL, NULL, LEDGER_ALL_ROWS, &changed, NULL));
  assert_int_equal(changed, 1);
  const char *id = "id";
  ledger_value fraction = {.kind = LEDGER_NUMBER, .text = "1.5", .length = 3};
  assert_done(db, fixture_insert(db, "things", PAIRS("a=1")));
  assert_done(db, fixture_insert(db, "things", PAIRS("a=2")));
  assert_done(
      db, ledger_delete(db, "things", 1, &id, &fraction, 0, &changed, NULL)); /* no rounding to 2 */
  assert_int_equal(changed, 0);
}

static void identity_and_generated(void **state) {
  (void)state;
  int rc = fixture_insert(db, "things", PAIRS("id=1", "a=1"));
  assert_failed(db, rc, "428C9", "cannot insert a non-DEFAULT value into column \"id\"",
                "Column \"id\" is an identity column defined as GENERATED ALWAYS.");
  assert_string_equal(ledger_error_of(db)->hint, "Use OVERRIDING SYSTEM VALUE to override.");
  assert_failed(db, fixture_insert(db, "things", PAIRS("total=1", "a=1")), "428C9",
                "cannot insert a non-DEFAULT value into column \"total\"",
                "Column \"total\" is a generated column.");
  assert_done(db, fixture_insert(db, "things", PAIRS("id=DEFAULT", "total=DEFAULT", "a=3", "b=4")));
  assert_string_equal(fixture_rows(db, "things", NULL),
                      "{\"id\":1,\"a\":3,\"b\":4,\"total\":12,\"slug\":\"abc\",\"changes\":0}");
  assert_failed(db, fixture_update(db, "things", PAIRS("id=9"), PAIRS("id=1"), NULL), "428C9",
                "column \"id\" can only be updated to DEFAULT",
                "Column \"id\" is an identity column defined as GENERATED ALWAYS.");
  assert_failed(db, fixture_update(db, "things", PAIRS("total=9"), PAIRS("id=1"), NULL), "428C9",
                "column \"total\" can only be updated to DEFAULT",
                "Column \"total\" is a generated column.");
  assert_done(db,
              fixture_update(db, "things", PAIRS("b=10", "total=DEFAULT"), PAIRS("id=1"), NULL));
  assert_string_equal(fixture_rows(db, "things", "select=b,total"), "{\"b\":10,\"total\":30}");
}

static void triggers_assign_and_refuse(void **state) {
  (void)state;
  assert_done(db, fixture_insert(db, "things", PAIRS("a=3", "slug")));
  assert_string_equal(fixture_rows(db, "things", "select=slug,changes"),
                      "{\"slug\":\"thing-3\",\"changes\":0}");
  assert_done(db, fixture_update(db, "things", PAIRS("a=4"), PAIRS("a=3"), NULL));
  assert_done(db,
              fixture_update(db, "things", PAIRS("a=4"), PAIRS("a=4"), NULL)); /* not distinct */
  assert_done(
      db, fixture_update(db, "things", PAIRS("b=9"), PAIRS("a=4"), NULL)); /* not OF this column */
  assert_string_equal(fixture_rows(db, "things", "select=changes,total"),
                      "{\"changes\":1,\"total\":36}");
  assert_failed(db, fixture_insert(db, "things", PAIRS("a=13")), "P0001", "unlucky", "");
  assert_failed(db, fixture_update(db, "things", PAIRS("a=14"), PAIRS("a=4"), NULL), "23001",
                "worse", "");
  assert_int_equal(ledger_error_of(db)->code, LEDGER_RESTRICT);
  assert_done(db, fixture_insert(db, "users", PAIRS("email=a")));
  assert_done(db, fixture_update(db, "users", PAIRS("active=f"), PAIRS("email=a"), NULL));
  assert_string_equal(fixture_rows(db, "users", "select=updated_at"),
                      "{\"updated_at\":\"2030-01-01T00:00:00+00:00\"}");
  assert_done(db, fixture_insert(db, "billing.Invoice", PAIRS("Id=77")));
  assert_string_equal(fixture_rows(db, "audit", "order=id"),
                      "{\"id\":1,\"what\":\"seed\"}\n{\"id\":77,\"what\":\"invoice\"}");
}

static void cascades_reach_triggers(void **state) {
  (void)state;
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=t")));
  assert_done(db, fixture_insert(db, "posts", PAIRS("title=u")));
  assert_done(db, fixture_insert(db, "comments", PAIRS("id=1", "post_id=1")));
  assert_done(db, fixture_insert(db, "comments", PAIRS("id=7", "post_id=2")));
  assert_done(db, fixture_delete(db, "posts", PAIRS("id=1"), NULL));
  assert_failed(db, fixture_delete(db, "posts", PAIRS("id=2"), NULL), "P0001", "kept", "");
  assert_string_equal(fixture_rows(db, "comments", NULL), "{\"id\":7,\"post_id\":2}");
  assert_done(db, fixture_update(db, "posts", PAIRS("id=20"), PAIRS("id=2"), NULL));
  assert_string_equal(fixture_rows(db, "comments", NULL), "{\"id\":7,\"post_id\":20}");
}

static void rows_that_go_together_hold_no_other(void **state) {
  (void)state;
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=1", "parent=1")));
  assert_done(db, fixture_insert(db, "nodes", PAIRS("id=2", "parent=1")));
  int rc = fixture_delete(db, "nodes", PAIRS("id=1"), NULL);
  assert_failed(db, rc, "23503",
                "update or delete on table \"nodes\" violates foreign key constraint "
                "\"nodes_parent_fkey\" on table \"nodes\"",
                "Key (id)=(1) is still referenced from table \"nodes\".");
  assert_failed(
      db, fixture_insert(db, "nodes", PAIRS("id=3", "parent=4")), "23503",
      "insert or update on table \"nodes\" violates foreign key constraint \"nodes_parent_fkey\"",
      "Key (parent)=(4) is not present in table \"nodes\".");
  int64_t changed;
  assert_done(db, fixture_delete(db, "nodes", PAIRS("parent=1"), &changed));
  assert_int_equal(changed, 2);
}

static void upsert(void **state) {
  (void)state;
  const struct fixture_row *row = PAIRS("id=" UUID_A, "email=a", "balance=1");
  const char *email = "email";
  int64_t changed = -1;
  ledger_rows *rows = NULL;
  assert_done(db, ledger_upsert(db, "users", row->count, row->columns, row->values, 0, NULL, 1,
                                &changed, NULL));
  assert_int_equal(changed, 1);
  row = PAIRS("id=" UUID_A, "email=b", "balance=2");
  assert_done(db, ledger_upsert(db, "users", row->count, row->columns, row->values, 0, NULL, 1,
                                &changed, &rows));
  assert_int_equal(changed, 1);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 1, NULL), "b");
  assert_string_equal(ledger_rows_text(rows, 6, NULL),
                      "2030-01-01 00:00:00+00"); /* the update's trigger */
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  row = PAIRS("email=b", "balance=3");
  assert_done(db, ledger_upsert(db, "users", row->count, row->columns, row->values, 1, &email, 0,
                                &changed, NULL));
  assert_int_equal(changed, 0);
  assert_done(db, ledger_upsert(db, "users", row->count, row->columns, row->values, 1, &email, 1,
                                &changed, NULL));
  assert_string_equal(fixture_rows(db, "users", "select=id,balance"),
                      "{\"id\":\"" UUID_A "\",\"balance\":3.00}");
  row = PAIRS("email=b");
  assert_done(db, ledger_upsert(db, "users", row->count, row->columns, row->values, 1, &email, 1,
                                &changed, NULL));
  assert_int_equal(changed, 1);
  const char *mood = "mood";
  int rc = ledger_upsert(db, "users", row->count, row->columns, row->values, 1, &mood, 1, &changed,
                         NULL);
  assert_failed(db, rc, "42P10",
                "there is no unique or exclusion constraint matching the ON CONFLICT specification",
                "");
  row = PAIRS("id=" UUID_B, "email=b");
  rc =
      ledger_upsert(db, "users", row->count, row->columns, row->values, 0, NULL, 1, &changed, NULL);
  assert_failed(db, rc, "23505",
                "duplicate key value violates unique constraint \"users_email_key\"",
                "Key (email)=(b) already exists.");
  row = PAIRS("a=2", "b=3");
  assert_done(db, fixture_insert(db, "things", row));
  const char *title = "title";
  row = PAIRS("title=t", "tags={a,b}");
  assert_done(db, ledger_upsert(db, "posts", row->count, row->columns, row->values, 1, &title, 1,
                                &changed, NULL));
  row = PAIRS("title=t", "tags={c}");
  assert_done(db, ledger_upsert(db, "posts", row->count, row->columns, row->values, 1, &title, 1,
                                &changed, NULL));
  assert_string_equal(fixture_rows(db, "posts", "select=id,tags"), "{\"id\":1,\"tags\":[\"c\"]}");
}

static void returned_rows(void **state) {
  (void)state;
  const struct fixture_row *row = PAIRS("a=3", "slug"), *where = PAIRS("a=3");
  ledger_rows *rows = NULL;
  int64_t changed;
  assert_done(db, ledger_insert(db, "things", row->count, row->columns, row->values, &rows));
  assert_int_equal(ledger_rows_count(rows), 6);
  assert_string_equal(ledger_rows_name(rows, 3), "total");
  assert_string_equal(ledger_rows_type(rows, 4), "text");
  assert_null(ledger_rows_name(rows, 6));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_json(rows, NULL),
                      "{\"id\":1,\"a\":3,\"b\":5,\"total\":15,\"slug\":\"thing-3\",\"changes\":0}");
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  row = PAIRS("a=4");
  assert_done(db, ledger_update(db, "things", 1, row->columns, row->values, 1, where->columns,
                                where->values, 0, &changed, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_json(rows, NULL),
                      "{\"id\":1,\"a\":4,\"b\":5,\"total\":20,\"slug\":\"thing-3\",\"changes\":1}");
  ledger_rows_free(rows);
  assert_done(db, ledger_delete(db, "things", 1, row->columns, row->values, 0, &changed, &rows));
  assert_int_equal(changed, 1);
  assert_int_equal(ledger_rows_next(rows), LEDGER_ROW);
  assert_string_equal(ledger_rows_text(rows, 3, NULL), "20");
  ledger_rows_free(rows);
  assert_done(db, ledger_delete(db, "things", 1, row->columns, row->values, 0, &changed, &rows));
  assert_int_equal(ledger_rows_next(rows), LEDGER_DONE);
  ledger_rows_free(rows);
  row = PAIRS("a=13");
  assert_int_equal(ledger_insert(db, "things", 1, row->columns, row->values, &rows), LEDGER_RAISED);
  assert_null(rows);
}

static int apply(const char *change) {
  int64_t changed = -1;
  int rc = ledger_apply(db, change, -1, &changed, NULL);
  if (rc == LEDGER_OK) assert_int_equal(changed, 1);
  return rc;
}

static void changes_as_json(void **state) {
  (void)state;
  assert_done(db, apply("{\"table\":\"users\",\"row\":{\"email\":\"a\\u0062\",\"balance\":12.345,"
                        "\"active\":false,\"mood\":null}}"));
  assert_string_equal(fixture_rows(db, "users", "select=email,balance,active,mood"),
                      "{\"email\":\"ab\",\"balance\":12.35,\"active\":false,\"mood\":null}");
  assert_done(db, apply("{\"op\":\"update\",\"where\":{\"email\":\"ab\"},\"row\":{\"balance\":1},"
                        "\"table\":\"users\"}"));
  assert_done(db, apply("{\"op\":\"delete\",\"where\":{\"balance\":1.0},\"table\":\"users\"}"));
  assert_string_equal(fixture_rows(db, "users", NULL), "");
  assert_done(db, apply("{\"table\":\"posts\",\"row\":{\"title\":\"t\",\"tags\":[\"a\",null,\"b,"
                        "c\"],\"meta\":{\"b\":1.50,\"a\":[]}}}"));
  assert_string_equal(fixture_rows(db, "posts", NULL),
                      "{\"id\":1,\"user_id\":null,\"title\":\"t\",\"tags\":[\"a\",null,\"b,c\"],"
                      "\"meta\":{\"a\": [], \"b\": 1.50}}");
  assert_done(db,
              apply("{\"op\":\"upsert\",\"table\":\"posts\",\"row\":{\"id\":1,\"title\":\"u\"}}"));
  assert_string_equal(fixture_rows(db, "posts", "select=title"), "{\"title\":\"u\"}");
  assert_int_equal(apply("[1]"), LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply(""), LEDGER_INVALID_TEXT);
  assert_int_equal(apply("{\"table\":\"users\""), LEDGER_INVALID_TEXT);
  assert_int_equal(apply("{\"table\":\"users\",\"row\":{}} x"), LEDGER_INVALID_TEXT);
  assert_int_equal(apply("{\"table\":\"users\",\"row\":[]}"), LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply("{\"table\":\"users\"}"), LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply("{\"row\":{\"a\":1}}"), LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply("{\"table\":\"users\",\"op\":\"merge\",\"row\":{}}"),
                   LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply("{\"table\":\"users\",\"table\":\"users\",\"row\":{}}"),
                   LEDGER_INVALID_PARAMETER);
  assert_int_equal(apply("{\"table\":\"users\",\"row\":{\"email\":\"\xff\"}}"),
                   LEDGER_BAD_ENCODING);
  assert_int_equal(apply("{\"table\":\"users\",\"row\":{\"email\":\"\\u0000\"}}"),
                   LEDGER_UNTRANSLATABLE);
  assert_int_equal(apply("{\"table\":\"users\",\"op\":\"delete\"}"), LEDGER_FORBIDDEN);
  char *deep = sqlite3_mprintf("{\"table\":\"posts\",\"row\":{\"meta\":%.*c}}", 10000, '[');
  assert_int_equal(apply(deep), LEDGER_TOO_COMPLEX);
  sqlite3_free(deep);
}

/* Every allocation of a call fails in turn: the call says so, and nothing is changed. */
static int fail_at, allocations;
static sqlite3_mem_methods real_memory;
static void *failing_malloc(int size) {
  return ++allocations == fail_at ? NULL : real_memory.xMalloc(size);
}
static void *failing_realloc(void *memory, int size) {
  return ++allocations == fail_at ? NULL : real_memory.xRealloc(memory, size);
}

static void memory_runs_out(void **state) {
  (void)state;
  int failures = 0;
  for (int n = 1; n < 5000; n++) {
    ledger *fresh = fixture_open(NULL);
    const struct fixture_row *row = PAIRS("a=3", "slug");
    ledger_rows *rows = NULL;
    int64_t changed;
    allocations = 0;
    fail_at = n;
    int rc = ledger_insert(fresh, "things", row->count, row->columns, row->values, &rows);
    if (rc == LEDGER_OK) ledger_rows_free(rows);
    if (rc == LEDGER_OK)
      rc = fixture_update(fresh, "things", PAIRS("a=5"), PAIRS("id=1"), &changed);
    if (rc == LEDGER_OK && fixture_insert(fresh, "users", PAIRS("email")) == LEDGER_MEMORY)
      rc = LEDGER_MEMORY;
    if (rc == LEDGER_OK)
      rc = ledger_select(fresh, "things", "select=x:a&or=(a.eq.1,b.in.(1,2))&order=a", &rows);
    if (rc == LEDGER_OK) {
      rc = ledger_rows_next(rows) == LEDGER_DONE ? LEDGER_OK : ledger_error_of(fresh)->code;
      ledger_rows_free(rows);
    }
    bool failed = allocations >= fail_at;
    fail_at = 0;
    if (rc != LEDGER_OK) {
      if (rc != LEDGER_MEMORY)
        print_error("allocation %d: %s\n", n, ledger_error_of(fresh)->message);
      assert_int_equal(rc, LEDGER_MEMORY);
      failures++;
    }
    ledger_close(fresh);
    if (!failed) break;
    assert_true(n < 4999);
  }
  assert_true(failures > 50);
}

int main(void) {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory);
  sqlite3_mem_methods failing = real_memory;
  failing.xMalloc = failing_malloc;
  failing.xRealloc = failing_realloc;
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
  sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(insert_fills_defaults),
      TEST(now_is_the_transactions),
      TEST(names_are_checked),
      TEST(types_refuse),
      TEST(constraints_say_what_postgres_says),
      TEST(updates_say_what_postgres_says),
      TEST(where_compares_as_postgres_does),
      TEST(identity_and_generated),
      TEST(triggers_assign_and_refuse),
      TEST(cascades_reach_triggers),
      TEST(rows_that_go_together_hold_no_other),
      TEST(upsert),
      TEST(returned_rows),
      TEST(changes_as_json),
      TEST(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
