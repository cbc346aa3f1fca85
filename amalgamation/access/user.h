/*
** user.h: what the files of signing in share: which tables of users, sessions, keys and roles the schema has, a user as it is read
** from them and from ledger_user, and the steps between a password and a token.
*/
#ifndef LEDGER_USER_H
#define LEDGER_USER_H

#define USER_NO_ADDRESS "@no-address.invalid" /* behind a users.email that stands only because the column wants one (RFC 2606) */
#define USER_FOREVER INT64_MAX                /* of a ban */
#define USER_NAME_COLUMNS 7

/* ---- user_table.c: the schema's tables, as far as they have the shape that is needed. Columns by position, -1: there is none. */

struct user_tables {
  const struct relation *users; /* with a primary key `id` and `email`; NULL: ledger_user alone */
  int id, email, password, status, is_active, role, email_verified, email_verified_at, last_sign_in_at, created_at, updated_at,
      deleted_at;
  bool has_integers;                /* as ids of users */
  bool password_is_short;           /* it holds bcrypt and no more: ours stand in ledger_user */
  int names[USER_NAME_COLUMNS];     /* of people's names: taken from the members of user_metadata that are called like them */
  const struct relation *settings;  /* user_settings(user_id) */
  const struct relation *kyc;       /* user_kyc(user_id, verification_status) */
  const struct relation *roles;     /* roles(id, name) with user_roles(user_id, role_id) */
  const struct relation *user_roles;
  const struct relation *sessions;  /* sessions(id, user_id, expires_at) with a token */
  const struct relation *api_keys;  /* api_keys(id, user_id, key_hash) */
};

struct token_cache;

/* What a handle remembers; made on first use. */
struct user_state {
  const struct catalog *catalog; /* that the tables are of */
  int64_t schema_version;
  struct user_tables tables;
  ledger_auth_settings settings; /* no zeros in it */
  char *issuer;
  struct token_cache *tokens; /* token.c */
  int bcrypt_cost;            /* the highest of the file's bcrypt hashes, 0: it has none; as it was at */
  int64_t bcrypt_read_at;
  bool is_nested;             /* between user_begin() and user_end(), inside the caller's transaction */
};

/* The handle's state with the tables of its present catalog. MEMORY. */
LEDGER_PRIVATE int user_enter(ledger *db, struct user_state **out);
/* The same at a fresh catalog; between the two the reads see one snapshot. */
LEDGER_PRIVATE int user_begin_read(ledger *db, struct user_state **out);
/* A write transaction over several calls of the store; inside the caller's a savepoint. user_end() commits it when rc is LEDGER_OK,
** else undoes it; returns rc or the commit's error. */
LEDGER_PRIVATE int user_begin(ledger *db, struct user_state **out);
LEDGER_PRIVATE int user_end(ledger *db, int rc);
/* Runs a fixed statement that gives no rows, with its parameters. */
LEDGER_PRIVATE int user_run(ledger *db, enum statement_id id, int count, const struct value *values);
LEDGER_PRIVATE struct value user_integer(int64_t integer);
LEDGER_PRIVATE struct value user_moment(int64_t time_us);   /* 0: null */
LEDGER_PRIVATE struct value user_text(const char *text);    /* NULL: null; borrowed */
LEDGER_PRIVATE struct value user_bytes(const void *bytes, size_t length); /* borrowed */
/* Position of the first of the names that the relation has; the last one is NULL. */
LEDGER_PRIVATE int user_column(const struct relation *relation, const char *const *names);
/* The text of an id as the column stores it. False in *is_one: no row can have it. */
LEDGER_PRIVATE int user_key(ledger *db, const struct relation *relation, int column, const char *text, struct value *out,
                            bool *is_one);

/* Values for the store's functions: columns of a relation by position, -1 is passed over. */
struct user_values {
  int count;
  const char *columns[32];
  ledger_value values[32];
};
LEDGER_PRIVATE void user_set(struct user_values *values, const struct relation *relation, int column, enum ledger_kind kind,
                             const char *text, int64_t integer);
LEDGER_PRIVATE void user_set_text(struct user_values *values, const struct relation *relation, int column,
                                  const char *text); /* NULL: null */
LEDGER_PRIVATE int user_set_time(ledger *db, struct user_values *values, const struct relation *relation, int column,
                                 int64_t time_us); /* 0: null */
LEDGER_PRIVATE int user_set_id(ledger *db, struct user_values *values, const struct relation *relation, int column,
                               const struct value *id);
/* Inserts; *id, where not NULL, receives the row's value of column `id`, in the arena. */
LEDGER_PRIVATE int user_insert(ledger *db, const struct relation *relation, const struct user_values *values, int id_column,
                               struct value *id);

/* RFC 3339 in the arena, "" for 0 and "infinity" for USER_FOREVER; NULL: memory. And back: microseconds since 1970. */
LEDGER_PRIVATE const char *user_time_text(ledger *db, int64_t time_us);
LEDGER_PRIVATE int user_time_read(ledger *db, const char *text, int64_t *out);
/* A column of a statement: our microseconds, or a stored moment, in UTC where it has no zone; 0: null. */
LEDGER_PRIVATE int user_read_time(ledger *db, sqlite3_stmt *stmt, int column, int64_t *out);

/* Appends an expression about the users row with that id: null if there is none or it was deleted, 0 if it is suspended, else 1. `id` is
** SQL of the id as text; without a table users the expression is 1. */
LEDGER_PRIVATE void user_alive_sql(sqlite3_str *out, const struct user_tables *tables, const char *id);

/* ---- user.c */

struct user_own { /* of ledger_user; NULL or 0: null */
  const char *email, *phone, *password_hash, *role, *app_metadata, *user_metadata;
  int64_t is_anonymous, email_confirmed_at, phone_confirmed_at, last_sign_in_at, banned_until, deleted_at, created_at, updated_at;
};

struct user { /* texts in the handle's arena */
  const char *id;
  struct value key;          /* the id as users stores it */
  struct user_own own;       /* as it stands in ledger_user, zero without a row */
  const char *email;         /* "" for none */
  const char *password_hash; /* "" for none */
  const char *roles;         /* JSON array */
  const char *app_role;      /* users.role, or NULL */
  bool is_suspended;         /* by users.status or is_active */
  bool is_deleted;
  int64_t email_confirmed_at, last_sign_in_at, deleted_at, created_at, updated_at; /* wherever they stand */
};

enum user_by { USER_BY_ID, USER_BY_EMAIL, USER_BY_PHONE };
/* *found false: no such user. */
LEDGER_PRIVATE int user_find(ledger *db, enum user_by by, const char *text, struct user *out, bool *found);
/* By id or address. UNKNOWN_USER. */
LEDGER_PRIVATE int user_named(ledger *db, const char *name, struct user *out);
/* BANNED, also for one who was deleted or is suspended. */
LEDGER_PRIVATE int user_may_sign_in(ledger *db, const struct user *user);
LEDGER_PRIVATE int user_fill(ledger *db, const struct user *user, ledger_user *out);
/* Writes ledger_user's row. */
LEDGER_PRIVATE int user_write_own(ledger *db, const struct user *user);
/* Notes a sign-in, and a new hash of the same password unless that is NULL. */
LEDGER_PRIVATE int user_note_sign_in(ledger *db, const struct user_state *state, struct user *user, const char *hash);
LEDGER_PRIVATE const char *user_small(ledger *db, const char *text); /* ASCII's letters; NULL: memory */
/* Small letters, and of an address's form; the phone's digits. INVALID_PARAMETER. In the arena. */
LEDGER_PRIVATE int user_read_email(ledger *db, const char *text, const char **out);
LEDGER_PRIVATE int user_read_phone(ledger *db, const char *text, const char **out);

/* ---- metadata.c: JSON objects of people's own */

/* The members of `change` set in `present` (NULL: none), a null member taken out; in the arena. INVALID_PARAMETER, PROGRAM_LIMIT. */
LEDGER_PRIVATE int metadata_merge(ledger *db, const char *name, const char *present, const char *change, size_t length_max,
                                  const char **out);
/* The text of a member of that name, NULL where there is none; in the arena. */
LEDGER_PRIVATE int metadata_text(ledger *db, const char *document, const char *name, const char **out);

/* ---- password.c */

/* WEAK_PASSWORD. */
LEDGER_PRIVATE int password_check(ledger *db, const ledger_auth_settings *settings, const char *password);
LEDGER_PRIVATE int password_hash(ledger *db, const char *password, char out[SEAL_PASSWORD_TEXT]);
/* Takes as long for a hash that verifies nothing ("", "!") as for one of ours. */
LEDGER_PRIVATE int password_is(ledger *db, const char *hash, const char *password, bool *is_of_it);
/* After a password that was not of the hash: spends the time that it would have taken with a hash of another kind in the file, so that
** the answer does not tell which addresses have a bcrypt hash, and so exist. */
LEDGER_PRIVATE int password_even(ledger *db, const char *hash, const char *password);
LEDGER_PRIVATE bool password_is_old(const char *hash);
/* May the text be kept as a hash? INVALID_PARAMETER: neither Argon2id nor bcrypt, or one that would take too long. */
LEDGER_PRIVATE int password_read_hash(ledger *db, const char *hash);

/* ---- lockout.c: `name` is an address in small letters or a number's digits, `client` an IP address, "" where it is not known */

/* Counts an attempt as a wrong one until lockout_clear(); in a write transaction. LOCKED_OUT. */
LEDGER_PRIVATE int lockout_count(ledger *db, const ledger_auth_settings *settings, const char *name, const char *client);
LEDGER_PRIVATE int lockout_clear(ledger *db, const char *name, const char *client);
LEDGER_PRIVATE int lockout_clear_all(ledger *db, const char *name); /* of every client */

/* ---- session.c */

/* Appends an expression: is the row of sessions of the session s (ledger_session) there and not revoked? */
LEDGER_PRIVATE void session_alive_sql(sqlite3_str *out, const struct user_tables *tables);
/* Ends the user's sessions but the one called `except` (NULL: none); in a write transaction. */
LEDGER_PRIVATE int session_end_all(ledger *db, const struct user_state *state, const char *user_id, const char *except);

/* ---- role.c */

/* Gives the role unless the user has it; in a write transaction. *is_role false: there is no role of that name. */
LEDGER_PRIVATE int role_give(ledger *db, const struct user_tables *tables, const struct user *user, const char *role,
                             bool *is_role);

/* ---- token.c */

/* Signs a JSON object; in the arena. In a write transaction where the file may have no secret yet. */
LEDGER_PRIVATE int token_sign(ledger *db, sqlite3_str *claims, const char **token);
/* The key by which refresh tokens follow from one another, 32 bytes; likewise. */
LEDGER_PRIVATE int token_refresh_key(ledger *db, unsigned char key[32]);
LEDGER_PRIVATE void token_forget(struct user_state *state);

#endif
