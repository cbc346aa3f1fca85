/*
** test_role.c: roles of users: rows of user_roles, or the column users.role.
*/
#include "../../ledger.c"

#include "sign_in.h"

static const char *roles_of(ledger *db, const char *user) {
  static char out[512];
  ledger_user found;
  assert_done(db, ledger_user_get(db, user, &found));
  snprintf(out, sizeof out, "%s", found.roles);
  return out;
}

static bool has(ledger *db, const char *user_id, const char *role) {
  bool out;
  assert_int_equal(connection_enter(db), LEDGER_OK);
  assert_done(db, role_has(db, user_id, role, &out));
  return out;
}

static void rows(void **state) {
  (void)state;
  static const char *const schemas[] = {"full", "smarthub"};
  for (int i = 0; i < 2; i++) {
    ledger *db = sign_in_open(schemas[i]);
    char *id = sign_in_user(db, "ada@example.com", "correct horse");
    assert_string_equal(roles_of(db, id), "[\"user\"]");
    assert_false(has(db, id, "admin"));
    assert_done(db, ledger_role_grant(db, "ada@example.com", "admin"));
    assert_done(db, ledger_role_grant(db, id, "admin")); /* again: nothing */
    assert_done(db, ledger_role_grant(db, id, "viewer"));
    assert_string_equal(roles_of(db, id), "[\"admin\",\"user\",\"viewer\"]");
    assert_true(has(db, id, "admin"));
    assert_refused(db, LEDGER_UNDEFINED_TYPE, ledger_role_grant(db, id, "king"));
    assert_refused(db, LEDGER_UNDEFINED_TYPE, ledger_role_grant(db, id, ""));
    assert_refused(db, LEDGER_UNDEFINED_TYPE, ledger_role_revoke(db, id, "king"));
    assert_refused(db, LEDGER_UNKNOWN_USER, ledger_role_grant(db, "nobody@example.com", "admin"));
    assert_refused(db, LEDGER_UNKNOWN_USER, ledger_role_revoke(db, "x", "admin"));
    assert_done(db, ledger_role_revoke(db, id, "admin"));
    assert_done(db, ledger_role_revoke(db, id, "admin")); /* not so: nothing */
    assert_string_equal(roles_of(db, id), "[\"user\",\"viewer\"]");
    assert_false(has(db, id, "admin"));
    assert_false(has(db, "nobody", "admin"));
    if (i == 0) {
      assert_true(sign_in_count(db, "audit_logs", "entity_type = 'user_roles' AND action = 'INSERT'") >= 3);
      assert_true(sign_in_count(db, "audit_logs", "entity_type = 'user_roles' AND action = 'DELETE'") == 1);
    }
    free(id);
    ledger_close(db);
  }
}

static void column(void **state) {
  (void)state;
  ledger *db = sign_in_open("wallstreet");
  char *id = sign_in_user(db, "ada@example.com", "correct horse");
  assert_string_equal(roles_of(db, id), "[\"user\"]");
  assert_done(db, ledger_role_grant(db, id, "admin"));
  assert_string_equal(roles_of(db, id), "[\"admin\"]");
  assert_true(has(db, id, "admin"));
  assert_refused(db, LEDGER_UNDEFINED_TYPE, ledger_role_grant(db, id, "adminn"));
  assert_done(db, ledger_role_revoke(db, id, "user")); /* not so */
  assert_string_equal(roles_of(db, id), "[\"admin\"]");
  assert_done(db, ledger_role_revoke(db, id, "admin"));
  assert_string_equal(roles_of(db, id), "[\"user\"]");
  free(id);
  ledger_close(db);
  db = sign_in_open("advancia");
  id = sign_in_user(db, "ada@example.com", "correct horse");
  assert_string_equal(roles_of(db, id), "[\"PATIENT\"]");
  assert_done(db, ledger_role_grant(db, id, "PROVIDER"));
  assert_string_equal(roles_of(db, id), "[\"PROVIDER\"]");
  assert_refused(db, LEDGER_UNDEFINED_TYPE, ledger_role_grant(db, id, "provider"));
  assert_done(db, ledger_role_revoke(db, id, "PROVIDER"));
  assert_string_equal(roles_of(db, id), "[\"PATIENT\"]");
  free(id);
  ledger_close(db);
}

static void none(void **state) {
  (void)state;
  static const char *const schemas[] = {"elon", "pe_portal", NULL};
  for (int i = 0; i < 3; i++) {
    ledger *db = schemas[i] == NULL ? sign_in_open_bare() : sign_in_open(schemas[i]);
    char *id = sign_in_user(db, "ada@example.com", "correct horse");
    assert_string_equal(roles_of(db, id), "[]");
    assert_refused(db, LEDGER_NO_BOOK, ledger_role_grant(db, id, "admin"));
    assert_refused(db, LEDGER_NO_BOOK, ledger_role_revoke(db, id, "admin"));
    free(id);
    ledger_close(db);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(column),
                                     cmocka_unit_test(none)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
