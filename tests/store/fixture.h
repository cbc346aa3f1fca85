/*
** fixture.h: a small compiled schema, by hand, and helpers for the tests of the store. Include ledger.c first.
*/
#ifndef FIXTURE_H
#define FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* users <- posts <- comments; things with every sort of default, generated columns and triggers. */
static const char fixture_schema[] =
    "INSERT INTO ledger_meta (key, value) VALUES ('schema_name', 'fixture'), ('schema_sha256', "
    "'ab'), ('compiler', '0');"
    "INSERT INTO ledger_catalog_type (type_id, schema, name, kind, labels, base) VALUES"
    " (1, 'public', 'mood', 'enum', '[\"sad\",\"ok\",\"happy\"]', NULL),"
    " (2, 'public', 'percent', 'domain', NULL, 'integer');"
    "INSERT INTO ledger_catalog_relation (relation_id, schema, name, stored_name, kind, comment) "
    "VALUES"
    " (1, 'public', 'users', 'users', 'table', 'who'), (2, 'public', 'posts', 'posts', 'table', "
    "NULL),"
    " (3, 'public', 'things', 'things', 'table', NULL), (4, 'billing', 'Invoice', "
    "'billing_Invoice', 'table', NULL),"
    " (5, 'public', 'user_names', 'user_names', 'view', NULL), (6, 'public', 'nodes', 'nodes', "
    "'table', NULL),"
    " (7, 'public', 'comments', 'comments', 'table', NULL), (8, 'public', 'audit', 'audit', "
    "'table', NULL),"
    " (9, 'public', 'late', 'late', 'table', NULL);"
    "INSERT INTO ledger_catalog_column (relation_id, position, name, type, type_id, domain_id, "
    "not_null, default_kind,"
    " default_sql, generated_sql, identity) VALUES"
    " (1, 1, 'id', 'uuid', NULL, NULL, 1, 'uuid', NULL, NULL, NULL),"
    " (1, 2, 'email', 'character varying(20)', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (1, 3, 'mood', 'mood', 1, NULL, 0, 'constant', '''ok''', NULL, NULL),"
    " (1, 4, 'balance', 'numeric(10,2)', NULL, NULL, 0, 'constant', '''0.00''', NULL, NULL),"
    " (1, 5, 'active', 'boolean', NULL, NULL, 0, 'constant', '1', NULL, NULL),"
    " (1, 6, 'created_at', 'timestamp(3) without time zone', NULL, NULL, 0, 'now', NULL, NULL, "
    "NULL),"
    " (1, 7, 'updated_at', 'timestamp with time zone', NULL, NULL, 0, 'now', NULL, NULL, NULL),"
    " (2, 1, 'id', 'integer', NULL, NULL, 1, 'nextval', 'posts_id_seq', NULL, NULL),"
    " (2, 2, 'user_id', 'uuid', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (2, 3, 'title', 'text', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (2, 4, 'tags', 'text[]', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (2, 5, 'meta', 'jsonb', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (3, 1, 'id', 'integer', NULL, NULL, 1, 'nextval', 'things_id_seq', NULL, 'a'),"
    " (3, 2, 'a', 'integer', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (3, 3, 'b', 'integer', NULL, 2, 0, 'constant', '5', NULL, NULL),"
    " (3, 4, 'total', 'integer', NULL, NULL, 0, NULL, NULL, '\"a\" * \"b\"', NULL),"
    " (3, 5, 'slug', 'text', NULL, NULL, 0, 'expression', 'lower(''ABC'')', NULL, NULL),"
    " (3, 6, 'changes', 'integer', NULL, NULL, 0, 'constant', '0', NULL, NULL),"
    " (4, 1, 'Id', 'bigint', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (4, 2, 'amount', 'numeric', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (5, 1, 'id', 'uuid', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (5, 2, 'email', 'character varying(20)', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (6, 1, 'id', 'integer', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (6, 2, 'parent', 'integer', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (7, 1, 'id', 'integer', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (7, 2, 'post_id', 'integer', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (8, 1, 'id', 'integer', NULL, NULL, 1, 'nextval', 'audit_id_seq', NULL, NULL),"
    " (8, 2, 'what', 'text', NULL, NULL, 0, NULL, NULL, NULL, NULL),"
    " (9, 1, 'id', 'integer', NULL, NULL, 1, NULL, NULL, NULL, NULL),"
    " (9, 2, 'other', 'integer', NULL, NULL, 0, NULL, NULL, NULL, NULL);"
    "INSERT INTO ledger_catalog_constraint (relation_id, name, kind, columns, ref_relation_id, "
    "ref_columns, match, on_update,"
    " on_delete, \"deferrable\", check_sql, domain_id, definition) VALUES"
    " (1, 'users_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (1, 'users_email_key', 'u', '[\"email\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (1, 'balance_floor', 'c', '[]', NULL, NULL, NULL, NULL, NULL, 0, '\"balance\" COLLATE "
    "pg_decimal >= ''0''', NULL, ''),"
    " (1, 'active_email', 'c', '[]', NULL, NULL, NULL, NULL, NULL, 0, '\"email\" <> ''bad''', "
    "NULL, ''),"
    " (2, 'posts_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (2, 'posts_user_id_fkey', 'f', '[\"user_id\"]', 1, '[\"id\"]', 's', 'a', 'a', 0, NULL, NULL, "
    "''),"
    " (3, 'things_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (3, 'percent_check', 'd', '[\"b\"]', NULL, NULL, NULL, NULL, NULL, 0, '\"b\" BETWEEN 0 AND "
    "100', 2, ''),"
    " (4, 'Invoice_pkey', 'p', '[\"Id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (6, 'nodes_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (6, 'nodes_parent_fkey', 'f', '[\"parent\"]', 6, '[\"id\"]', 's', 'a', 'a', 0, NULL, NULL, "
    "''),"
    " (7, 'comments_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (7, 'comments_post_id_fkey', 'f', '[\"post_id\"]', 2, '[\"id\"]', 's', 'c', 'c', 0, NULL, "
    "NULL, ''),"
    " (8, 'audit_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (9, 'late_pkey', 'p', '[\"id\"]', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, ''),"
    " (9, 'late_other_fkey', 'f', '[\"other\"]', 9, '[\"id\"]', 's', 'a', 'a', 2, NULL, NULL, '');"
    "INSERT INTO ledger_catalog_index (relation_id, name, stored_name, is_unique, columns, "
    "definition) VALUES"
    " (2, 'posts_title_key', 'posts_title_key', 1, '[\"title\"]', '');"
    "INSERT INTO ledger_catalog_sequence (sequence_id, schema, name, stored_name, type, start, "
    "increment, minimum, maximum)"
    " VALUES (1, 'public', 'posts_id_seq', 'posts_id_seq', 'integer', 1, 1, 1, 2147483647),"
    " (2, 'public', 'things_id_seq', 'things_id_seq', 'integer', 1, 1, 1, 8),"
    " (3, 'public', 'audit_id_seq', 'audit_id_seq', 'integer', 10, 10, 1, 2147483647);"
    "INSERT INTO ledger_sequence (sequence_id, last_value, is_called) VALUES (1, 1, 0), (2, 1, 0), "
    "(3, 10, 0);"
    "INSERT INTO ledger_catalog_trigger (trigger_id, relation_id, name, timing, events, columns, "
    "definition) VALUES"
    " (1, 1, 'users_updated', 'before', '[\"update\"]', NULL, ''),"
    " (2, 3, 'things_count', 'before', '[\"update\"]', '[\"a\"]', ''),"
    " (3, 3, 'things_slug', 'before', '[\"insert\",\"update\"]', NULL, ''),"
    " (4, 3, 'things_refuse', 'before', '[\"insert\",\"update\"]', NULL, ''),"
    " (5, 7, 'comments_keep', 'before', '[\"delete\"]', NULL, ''),"
    " (6, 4, 'invoice_audit', 'after', '[\"insert\"]', NULL, '');"
    "INSERT INTO ledger_catalog_trigger_step (trigger_id, n, kind, condition_sql, column_name, "
    "expression_sql, sqlstate,"
    " message) VALUES"
    " (1, 1, 'assign', NULL, 'updated_at', '''2030-01-01 00:00:00+00:00''', NULL, NULL),"
    " (2, 1, 'assign', '\"new\".\"a\" IS NOT \"old\".\"a\"', 'changes', '\"old\".\"changes\" + 1', "
    "NULL, NULL),"
    " (3, 1, 'assign', '\"new\".\"slug\" IS NULL', 'slug', '''thing-'' || \"new\".\"a\"', NULL, "
    "NULL),"
    " (4, 1, 'raise', '\"new\".\"a\" = 13', NULL, NULL, 'P0001', 'unlucky'),"
    " (4, 2, 'raise', '\"new\".\"a\" = 14', NULL, NULL, '23001', 'worse'),"
    " (5, 1, 'raise', '\"old\".\"id\" = 7', NULL, NULL, 'P0001', 'kept'),"
    " (6, 1, 'insert', NULL, NULL, 'INSERT INTO \"audit\" (\"id\", \"what\") VALUES "
    "(\"new\".\"Id\", ''invoice'')', NULL, NULL);"
    "CREATE TABLE users (id \"UUID CHAR(36)\" NOT NULL, email VARCHAR(20) NOT NULL, mood "
    "VARCHAR(63), balance"
    " \"DECIMAL(10,2) TEXT\" COLLATE pg_decimal, active BOOLEAN, created_at TIMESTAMP, updated_at "
    "DATETIME,"
    " CONSTRAINT users_pkey PRIMARY KEY (id), CONSTRAINT users_email_key UNIQUE (email),"
    " CONSTRAINT balance_floor CHECK (\"balance\" COLLATE pg_decimal >= '0'),"
    " CONSTRAINT active_email CHECK (\"email\" <> 'bad'));"
    "CREATE TABLE posts (id INT NOT NULL, user_id \"UUID CHAR(36)\", title TEXT NOT NULL, tags "
    "TEXT, meta \"JSONB CHAR\","
    " CONSTRAINT posts_pkey PRIMARY KEY (id), CONSTRAINT posts_user_id_fkey FOREIGN KEY (user_id) "
    "REFERENCES users (id));"
    "CREATE UNIQUE INDEX posts_title_key ON posts (title);"
    "CREATE TABLE things (id INT NOT NULL, a INT, b INT, total INT, slug TEXT, changes INT,"
    " CONSTRAINT things_pkey PRIMARY KEY (id), CONSTRAINT percent_check CHECK (\"b\" BETWEEN 0 AND "
    "100));"
    "CREATE TABLE \"billing_Invoice\" (\"Id\" BIGINT NOT NULL, amount \"DECIMAL TEXT\" COLLATE "
    "pg_decimal,"
    " CONSTRAINT \"Invoice_pkey\" PRIMARY KEY (\"Id\"));"
    "CREATE TABLE nodes (id INT NOT NULL PRIMARY KEY, parent INT, CONSTRAINT nodes_parent_fkey "
    "FOREIGN KEY (parent)"
    " REFERENCES nodes (id));"
    "CREATE TABLE comments (id INT NOT NULL PRIMARY KEY, post_id INT, CONSTRAINT "
    "comments_post_id_fkey FOREIGN KEY (post_id)"
    " REFERENCES posts (id) ON UPDATE CASCADE ON DELETE CASCADE);"
    "CREATE TABLE audit (id INT NOT NULL PRIMARY KEY, what TEXT);"
    "CREATE TABLE late (id INT NOT NULL PRIMARY KEY, other INT, CONSTRAINT late_other_fkey FOREIGN "
    "KEY (other)"
    " REFERENCES late (id) DEFERRABLE INITIALLY DEFERRED);"
    "SAVEPOINT ledger_seed;\n"
    "INSERT INTO audit VALUES (1, 'seed');\n"
    "RELEASE ledger_seed;\n"
    "CREATE VIEW user_names AS SELECT id, email FROM users;"
    "CREATE TRIGGER \"ledger_users_updated\" AFTER UPDATE ON users BEGIN UPDATE users SET "
    "updated_at = 'wrong'"
    " WHERE rowid = new.rowid; END;";

static char fixture_folder[64];

static void fixture_path(char out[128], const char *name) {
  sqlite3_snprintf(128, out, "%s/%s", fixture_folder, name);
}

static int fixture_start(void **state) {
  (void)state;
  sqlite3_snprintf((int)sizeof fixture_folder, fixture_folder, "/tmp/ledger-test-XXXXXX");
  return mkdtemp(fixture_folder) == NULL;
}

static int fixture_end(void **state) {
  (void)state;
  char *command = sqlite3_mprintf("rm -rf '%s'", fixture_folder);
  int rc = system(command);
  sqlite3_free(command);
  return rc;
}

/* A new file, or ":memory:" when name is NULL. */
static ledger *fixture_open(const char *name) {
  char path[128] = ":memory:";
  ledger *db = NULL;
  if (name != NULL) fixture_path(path, name);
  int rc = ledger_create(path, fixture_schema, 0, &db);
  if (rc != LEDGER_OK) print_error("%s: %s %s\n", path, ledger_error_of(db)->message, ledger_error_of(db)->detail);
  assert_int_equal(rc, LEDGER_OK);
  return db;
}

/* Values as "name=text" pairs: each column's text, or NULL for "name" alone; ends with NULL. */
#define FIXTURE_MAX 16
struct fixture_row {
  int count;
  const char *columns[FIXTURE_MAX];
  ledger_value values[FIXTURE_MAX];
  char names[FIXTURE_MAX][64];
};

static struct fixture_row *fixture_row(struct fixture_row *row, const char *const *pairs) {
  row->count = 0;
  for (; *pairs != NULL; pairs++) {
    const char *equals = strchr(*pairs, '=');
    int length = equals == NULL ? (int)strlen(*pairs) : (int)(equals - *pairs);
    sqlite3_snprintf(64, row->names[row->count], "%.*s", length, *pairs);
    row->columns[row->count] = row->names[row->count];
    row->values[row->count] = (ledger_value){.kind = LEDGER_NULL};
    if (equals != NULL && strcmp(equals, "=DEFAULT") == 0) {
      row->values[row->count].kind = LEDGER_DEFAULT;
    } else if (equals != NULL) {
      row->values[row->count] = (ledger_value){.kind = LEDGER_TEXT, .text = equals + 1, .length = strlen(equals + 1)};
    }
    row->count++;
  }
  return row;
}
#define PAIRS(...) fixture_row(&(struct fixture_row){0}, (const char *const[]){__VA_ARGS__, NULL})

static int fixture_insert(ledger *db, const char *table, const struct fixture_row *row) {
  return ledger_insert(db, table, row->count, row->columns, row->values, NULL);
}

static int fixture_update(ledger *db, const char *table, const struct fixture_row *row, const struct fixture_row *where,
                          int64_t *changed) {
  return ledger_update(db, table, row->count, row->columns, row->values, where->count, where->columns, where->values, 0,
                       changed, NULL);
}

static int fixture_delete(ledger *db, const char *table, const struct fixture_row *where, int64_t *changed) {
  return ledger_delete(db, table, where->count, where->columns, where->values, 0, changed, NULL);
}

/* The rows of a query as JSON, one after the other with a newline between; static. */
static const char *fixture_rows(ledger *db, const char *table, const char *query) {
  static char text[8192];
  ledger_rows *rows = NULL;
  text[0] = 0;
  int rc = ledger_select(db, table, query, &rows);
  size_t used = 0;
  while (rc == LEDGER_OK && (rc = ledger_rows_next(rows)) == LEDGER_ROW) {
    const char *json = ledger_rows_json(rows, NULL);
    assert_non_null(json);
    sqlite3_snprintf((int)(sizeof text - used), text + used, "%s%s", used == 0 ? "" : "\n", json);
    used = strlen(text);
    rc = LEDGER_OK;
  }
  if (rc != LEDGER_DONE)
    sqlite3_snprintf((int)sizeof text, text, "%s %s", ledger_error_of(db)->sqlstate, ledger_error_of(db)->message);
  ledger_rows_free(rows);
  assert_true(sqlite3_get_autocommit(db->sqlite) || db->in_transaction); /* no snapshot is left open */
  return text;
}

/* The last call failed, with this SQLSTATE, sentence and detail. */
#define assert_failed(db, rc, state, sentence, more)                                                                           \
  do {                                                                                                                         \
    int code = (rc);                                                                                                           \
    const ledger_error *failed = ledger_error_of(db);                                                                          \
    assert_string_equal(failed->message, sentence);                                                                            \
    assert_string_equal(failed->sqlstate, state);                                                                              \
    assert_string_equal(failed->detail, more);                                                                                 \
    assert_int_equal(code, failed->code);                                                                                      \
    assert_int_not_equal(code, LEDGER_OK);                                                                                     \
  } while (0)

#define assert_done(db, call)                                                                                                  \
  do {                                                                                                                         \
    int done = (call);                                                                                                         \
    if (done != LEDGER_OK) print_error("%s (%s)\n", ledger_error_of(db)->message, ledger_error_of(db)->detail);                \
    assert_int_equal(done, LEDGER_OK);                                                                                         \
  } while (0)

#endif
