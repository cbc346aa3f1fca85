-- The engine's own tables, in SQLite's dialect. Every ledger file has them beside the application's tables.
-- ledger_catalog_* describe the PostgreSQL schema the file was made from, so that a build without the PostgreSQL
-- parser opens any file. They are written once, by ledger_create(), and read at every open.
-- A file of an older format gets what it lacks by running this script again: a new table needs no more than that.
-- Booleans are 0 or 1; lists are JSON arrays of text; *_sql columns hold SQLite text, definition columns PostgreSQL text.

CREATE TABLE IF NOT EXISTS ledger_meta (          -- single facts about the file: format, schema_name, schema_sha256, compiler, device, created_at
  key   TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_catalog_source ( -- the schema files as they were given, in load order
  n      INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,              -- the file's base name
  sha256 TEXT NOT NULL,              -- of text, hexadecimal
  text   TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_catalog_type (   -- enums and domains
  type_id    INTEGER PRIMARY KEY,
  schema     TEXT NOT NULL,
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('enum', 'domain')),
  labels     TEXT,                   -- enum: its labels in order, a JSON array
  base       TEXT,                   -- domain: the base type as format_type() prints it
  comment    TEXT
);

CREATE TABLE IF NOT EXISTS ledger_catalog_relation (
  relation_id  INTEGER PRIMARY KEY,  -- in order of creation
  schema       TEXT NOT NULL,        -- 'public', ...
  name         TEXT NOT NULL,        -- PostgreSQL's name
  stored_name  TEXT NOT NULL UNIQUE, -- SQLite's name: name for public, schema_name for others
  kind         TEXT NOT NULL CHECK (kind IN ('table', 'view')),
  row_security INTEGER NOT NULL DEFAULT 0,   -- 1 ENABLE ROW LEVEL SECURITY, 2 also FORCE
  definition   TEXT,                 -- view: its SELECT
  comment      TEXT
);

CREATE TABLE IF NOT EXISTS ledger_catalog_column (
  relation_id    INTEGER NOT NULL,
  position       INTEGER NOT NULL,   -- from 1
  name           TEXT NOT NULL,
  type           TEXT NOT NULL,      -- as format_type() prints it, domains resolved: numeric(15,2), text[], timestamp(3) without time zone
  type_id        INTEGER,            -- ledger_catalog_type row of an enum (or of an array's enum element)
  domain_id      INTEGER,            -- ledger_catalog_type row of the domain the column was declared with
  not_null       INTEGER NOT NULL DEFAULT 0,
  default_kind   TEXT CHECK (default_kind IN ('constant', 'now', 'uuid', 'nextval', 'expression')),
  default_sql    TEXT,               -- constant: a SQLite literal in stored form; now, uuid: NULL; nextval: the sequence's stored name; expression: a SQLite expression
  default_definition TEXT,           -- the default in PostgreSQL's words
  generated_sql  TEXT,               -- GENERATED ALWAYS AS (...) STORED: a SQLite expression over the bare column names
  generated_definition TEXT,
  identity       TEXT CHECK (identity IN ('a', 'd')),   -- GENERATED ALWAYS | BY DEFAULT AS IDENTITY
  comment        TEXT,
  PRIMARY KEY (relation_id, position)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_catalog_constraint (
  constraint_id INTEGER PRIMARY KEY,
  relation_id   INTEGER NOT NULL,
  name          TEXT NOT NULL,       -- unique within a relation
  kind          TEXT NOT NULL CHECK (kind IN ('p', 'u', 'f', 'c', 'd')),  -- primary, unique, foreign, check, domain check
  columns       TEXT NOT NULL,       -- JSON array of column names ([] for a check)
  ref_relation_id INTEGER,           -- foreign: the referenced relation
  ref_columns   TEXT,
  match         TEXT CHECK (match IN ('s', 'f')),        -- simple, full
  on_update     TEXT CHECK (on_update IN ('a', 'r', 'c', 'n', 'd')), -- no action, restrict, cascade, set null, set default
  on_delete     TEXT CHECK (on_delete IN ('a', 'r', 'c', 'n', 'd')),
  "deferrable"  INTEGER NOT NULL DEFAULT 0,              -- 1 DEFERRABLE, 2 DEFERRABLE INITIALLY DEFERRED
  check_sql     TEXT,                -- check: SQLite expression
  domain_id     INTEGER,             -- domain check: the domain
  definition    TEXT NOT NULL        -- as pg_get_constraintdef() prints it
);

CREATE TABLE IF NOT EXISTS ledger_catalog_index (  -- indexes that are not a constraint's own
  index_id      INTEGER PRIMARY KEY,
  relation_id   INTEGER NOT NULL,
  name          TEXT NOT NULL,
  stored_name   TEXT NOT NULL,
  is_unique     INTEGER NOT NULL DEFAULT 0,
  columns       TEXT NOT NULL,       -- JSON array: a column's name, or null for an expression
  predicate_sql TEXT,
  definition    TEXT NOT NULL,       -- CREATE INDEX ... in PostgreSQL's words
  comment       TEXT
);

CREATE TABLE IF NOT EXISTS ledger_catalog_sequence (
  sequence_id INTEGER PRIMARY KEY,
  schema      TEXT NOT NULL,
  name        TEXT NOT NULL,
  stored_name TEXT NOT NULL UNIQUE,
  type        TEXT NOT NULL,         -- smallint, integer, bigint
  start       INTEGER NOT NULL,
  increment   INTEGER NOT NULL,
  minimum     INTEGER NOT NULL,
  maximum     INTEGER NOT NULL,
  cycle       INTEGER NOT NULL DEFAULT 0,
  relation_id INTEGER,               -- OWNED BY, or of a serial or identity column
  column_name TEXT
);

CREATE TABLE IF NOT EXISTS ledger_sequence (       -- the state of each sequence: nextval() returns last_value, or the next one once is_called
  sequence_id INTEGER PRIMARY KEY,
  last_value  INTEGER NOT NULL,
  is_called   INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS ledger_catalog_trigger (
  trigger_id  INTEGER PRIMARY KEY,   -- PostgreSQL fires by name; rows are in that order per relation
  relation_id INTEGER NOT NULL,
  name        TEXT NOT NULL,
  timing      TEXT NOT NULL CHECK (timing IN ('before', 'after')),
  events      TEXT NOT NULL,         -- JSON array of insert, update, delete
  columns     TEXT,                  -- UPDATE OF: JSON array
  definition  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_catalog_trigger_step ( -- what a trigger's function does, flattened: one row per effect, in order
  trigger_id    INTEGER NOT NULL,
  n             INTEGER NOT NULL,
  kind          TEXT NOT NULL CHECK (kind IN ('assign', 'raise', 'insert')),
  condition_sql TEXT,                -- boolean over "new"."c" and "old"."c"; NULL is always
  column_name   TEXT,                -- assign: the column of NEW
  expression_sql TEXT,               -- assign: its value over "new" and "old", already coerced to the column's type; insert: the whole statement
  sqlstate      TEXT,                -- raise
  message       TEXT,                -- raise: the text
  PRIMARY KEY (trigger_id, n)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_catalog_policy (
  policy_id   INTEGER PRIMARY KEY,
  relation_id INTEGER NOT NULL,
  name        TEXT NOT NULL,
  permissive  INTEGER NOT NULL DEFAULT 1,
  command     TEXT NOT NULL CHECK (command IN ('all', 'select', 'insert', 'update', 'delete')),
  roles       TEXT NOT NULL,         -- JSON array; ["public"] for everyone
  using_sql   TEXT,                  -- SQLite boolean over the bare column names; a table that it reads is marked, ledger_rls."stored_name", and access/policy_rule.c puts there what the caller may see of it
  check_sql   TEXT,
  definition  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_catalog_function ( -- functions of the schema: inlined where called, or run by triggers, or only kept for the export
  function_id INTEGER PRIMARY KEY,
  schema      TEXT NOT NULL,
  name        TEXT NOT NULL,
  language    TEXT NOT NULL,
  definition  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS ledger_catalog_statement ( -- the PostgreSQL script that makes an empty database like this file, in order
  n          INTEGER PRIMARY KEY,
  phase      TEXT NOT NULL CHECK (phase IN ('pre', 'post')), -- before the rows: schemas, types, sequences, bare tables, functions; after: keys, indexes, foreign keys, views, triggers, policies, comments
  kind       TEXT NOT NULL,          -- 'CREATE TABLE', 'ADD PRIMARY KEY', ...
  object     TEXT NOT NULL,          -- "schema"."name" of what it makes or changes
  definition TEXT NOT NULL           -- one statement without its semicolon
);

CREATE TABLE IF NOT EXISTS ledger_catalog_note (   -- what the compiler skipped, recorded or mended, as ledger init printed it
  n        INTEGER PRIMARY KEY,
  severity TEXT NOT NULL CHECK (severity IN ('skipped', 'recorded', 'hint')),
  source   INTEGER NOT NULL,         -- ledger_catalog_source.n
  line     INTEGER NOT NULL,         -- from 1
  position INTEGER NOT NULL,         -- column of the line, in characters, from 1
  message  TEXT NOT NULL
);

-- ---- the book. Times are microseconds since 1970-01-01 UTC; amounts are whole numbers of the account's smallest unit, 10^-scale.

CREATE TABLE IF NOT EXISTS ledger_account (
  account_key     INTEGER PRIMARY KEY, -- from 1 without gaps
  class           TEXT NOT NULL CHECK (class IN ('account', 'portfolio', 'system')),
  owner           TEXT NOT NULL,       -- accounts.id; portfolio.user_id; of a system account world, fees, exchange, equity, suspense
  currency        TEXT NOT NULL,
  scale           INTEGER NOT NULL,    -- digits after the point
  overdraft_limit INTEGER NOT NULL DEFAULT 0,
  min_balance     INTEGER NOT NULL DEFAULT 0,
  max_balance     INTEGER,             -- null: none
  balance         INTEGER NOT NULL DEFAULT 0, -- this and what follows: as the last entry left it
  held            INTEGER NOT NULL DEFAULT 0, -- of its balance, for open holds
  expected        INTEGER NOT NULL DEFAULT 0, -- what open holds of others will bring
  version         INTEGER NOT NULL DEFAULT 0, -- entries so far
  last_entry      INTEGER,             -- seq of the last one
  last_jump       INTEGER              -- its jump
);
CREATE UNIQUE INDEX IF NOT EXISTS ledger_account_owner ON ledger_account (owner, currency, scale);

CREATE TABLE IF NOT EXISTS ledger_journal (         -- one row per operation; never changed
  seq          INTEGER PRIMARY KEY,    -- from 1 without gaps
  kind         TEXT NOT NULL,          -- an operation's word: transfer, hold, ...
  id           TEXT NOT NULL,          -- uuid whose last byte is 0: the id of its audit row; 1, 2, ... in that byte: ids of the plain rows it made
  reference    TEXT,                   -- the caller's; null for an audit journal
  parent       INTEGER,                -- journal of the hold, order, payout or operation that it is about
  outcome      INTEGER NOT NULL DEFAULT 0, -- 0 done, else the LEDGER_* code of a refusal that was kept
  reason       TEXT,                   -- its sentence
  effective_at INTEGER,                -- null: created_at
  created_at   INTEGER NOT NULL,       -- never before that of the journal before it
  rows         INTEGER NOT NULL DEFAULT 0, -- rows of transactions and portfolio_transactions that it made
  request      BLOB,                   -- the operation as asked: of each member its number and 8 bytes of hash (book/request.c)
  detail       TEXT,                   -- JSON: fee, rate, limits: what verify computes again
  hash         BLOB NOT NULL           -- BLAKE2b-256 of the hash before it and of all that the journal wrote (book/chain.c)
);
CREATE UNIQUE INDEX IF NOT EXISTS ledger_journal_reference ON ledger_journal (reference) WHERE reference IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_journal_parent ON ledger_journal (parent) WHERE parent IS NOT NULL;

CREATE TABLE IF NOT EXISTS ledger_entry (           -- one row per change of an account; never changed
  seq             INTEGER PRIMARY KEY, -- from 1 without gaps
  journal         INTEGER NOT NULL,
  account_key     INTEGER NOT NULL,
  layer           INTEGER NOT NULL CHECK (layer BETWEEN 0 AND 2), -- 0 posted; 1 held, of the payer; 2 expected, of the payee
  amount          INTEGER NOT NULL,    -- signed. In a journal layer 0 sums to zero per currency and scale, and so do 1 and 2 together
  balance_after   INTEGER NOT NULL,
  available_after INTEGER NOT NULL,    -- balance less held
  version         INTEGER NOT NULL,    -- of the account: 1, 2, 3, ...
  previous        INTEGER,             -- seq of the account's entry before
  jump            INTEGER              -- seq of an earlier one, so that any is found in log(version) steps (book/history.c)
);

CREATE TABLE IF NOT EXISTS ledger_remainder (       -- what is left of a journal's amount: of a hold, to capture; of others, to reverse
  journal    INTEGER PRIMARY KEY,
  amount     INTEGER NOT NULL,
  settled    INTEGER NOT NULL DEFAULT 0, -- captured or reversed so far
  released   INTEGER NOT NULL DEFAULT 0, -- hold: given back
  expires_at INTEGER                   -- of a hold that is open
);
CREATE INDEX IF NOT EXISTS ledger_remainder_expires ON ledger_remainder (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS ledger_idempotency (     -- keys besides the reference
  scope   TEXT NOT NULL,
  key     TEXT NOT NULL,
  journal INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_checkpoint (      -- heads of the chain that were signed
  journal    INTEGER PRIMARY KEY,
  hash       BLOB NOT NULL,
  sums       TEXT NOT NULL,            -- JSON: journals, entries, and per currency the sum of customers' balances
  signed_at  INTEGER NOT NULL,
  public_key BLOB NOT NULL,
  signature  BLOB NOT NULL             -- Ed25519
);

CREATE TRIGGER IF NOT EXISTS ledger_journal_update BEFORE UPDATE ON ledger_journal BEGIN SELECT RAISE(ABORT, '23001: journals are never changed'); END;
CREATE TRIGGER IF NOT EXISTS ledger_journal_delete BEFORE DELETE ON ledger_journal BEGIN SELECT RAISE(ABORT, '23001: journals are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS ledger_entry_update BEFORE UPDATE ON ledger_entry BEGIN SELECT RAISE(ABORT, '23001: entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS ledger_entry_delete BEFORE DELETE ON ledger_entry BEGIN SELECT RAISE(ABORT, '23001: entries are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS ledger_checkpoint_update BEFORE UPDATE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, '23001: checkpoints are never changed'); END;
CREATE TRIGGER IF NOT EXISTS ledger_checkpoint_delete BEFORE DELETE ON ledger_checkpoint BEGIN SELECT RAISE(ABORT, '23001: checkpoints are never deleted'); END;

-- ---- sync: what the main PostgreSQL has, and what it is still to get. Numbers of batches begin at 1; 0 is the full export.

CREATE TABLE IF NOT EXISTS ledger_change (          -- rows that were written and that no acknowledged batch has: keys only
  n        INTEGER PRIMARY KEY AUTOINCREMENT,
  relation INTEGER NOT NULL,           -- ledger_catalog_relation
  key      NOT NULL,                   -- the primary key as stored; of more than one column quote() of each, joined by commas
  hlc      INTEGER NOT NULL,           -- hybrid logical clock: milliseconds since 1970 << 16 | counter
  replaced INTEGER NOT NULL DEFAULT 0  -- 1: OR REPLACE may have taken the row away; counts only if it is gone
);
-- What the book writes has no row here: journals and entries since the last cut say it (sync/change_set.c).

CREATE VIEW IF NOT EXISTS ledger_clock AS           -- hlc of the next change, for triggers: the wall clock, but more than the last one's
  SELECT max(CAST((julianday('now') - 2440587.5) * 86400000 + 0.5 AS INTEGER) << 16,
             1 + max(coalesce((SELECT hlc FROM ledger_sync_state), 0),
                     coalesce((SELECT hlc FROM ledger_change ORDER BY n DESC LIMIT 1), 0))) AS hlc;

CREATE TABLE IF NOT EXISTS ledger_sync_state (      -- one row
  one              INTEGER PRIMARY KEY CHECK (one = 1),
  device           TEXT NOT NULL,              -- uuid; ledger_meta's at first, another one after a rekey
  epoch            INTEGER NOT NULL DEFAULT 1,
  previous_device  TEXT,                       -- before the rekey
  is_careful       INTEGER NOT NULL DEFAULT 0, -- 1 after a rekey: the next batch names journals, for main may have some of them
  hlc              INTEGER NOT NULL DEFAULT 0, -- the clock was there at least
  main             TEXT,                       -- uuid of the main database that it syncs with; null: none yet
  main_key         BLOB,                       -- its public keys: 32 bytes Ed25519, 32 bytes X25519; null: not known
  key_range        INTEGER,                    -- of identity and serial keys; null: not enrolled
  cut_seq          INTEGER NOT NULL DEFAULT 0, -- the last batch that was cut, and what it reached
  cut_hash         BLOB NOT NULL DEFAULT x'',
  cut_change       INTEGER NOT NULL DEFAULT 0,
  cut_journal      INTEGER NOT NULL DEFAULT 0,
  cut_entry        INTEGER NOT NULL DEFAULT 0,
  received_seq     INTEGER NOT NULL DEFAULT 0, -- the last batch that main has, and what it reached
  received_hash    BLOB NOT NULL DEFAULT x'',
  received_change  INTEGER NOT NULL DEFAULT 0,
  received_journal INTEGER NOT NULL DEFAULT 0,
  received_entry   INTEGER NOT NULL DEFAULT 0,
  applied_seq      INTEGER NOT NULL DEFAULT 0, -- the last one that main has applied; below received_seq: the others are in custody
  reason           TEXT,                       -- why they are
  attempted_at     INTEGER,                    -- microseconds since 1970: the last attempt to reach main,
  succeeded_at     INTEGER,                    -- the last that did
  failed_at        INTEGER,                    -- the last that did not,
  error            TEXT,                       -- and why
  clock_skew       INTEGER                     -- milliseconds that this clock is ahead of main's, at the last acknowledgement
);

CREATE TABLE IF NOT EXISTS ledger_sync_import (     -- journals that imports posted for what main has already: it gets none of their rows
  first TEXT NOT NULL PRIMARY KEY,     -- id of the first one of an import, and of the last
  last  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_sync_table (      -- how a table syncs, where that is not the rule (sync/table.c)
  relation      INTEGER PRIMARY KEY,
  kind          TEXT NOT NULL CHECK (kind IN ('mutable', 'fact', 'main', 'local')), -- main: main's, read here; local: never leaves
  collision     TEXT NOT NULL DEFAULT 'reject' CHECK (collision IN ('reject', 'adopt', 'rename')),
  status_column TEXT,                  -- moves only forward
  status_order  TEXT                   -- JSON: [["pending"], ["completed", "failed"]]: ranks; the last one is final
);

CREATE TABLE IF NOT EXISTS ledger_batch (           -- batches that were cut; the bytes of the last ones are in ledger_batch_chunk
  seq          INTEGER PRIMARY KEY,
  header       TEXT NOT NULL,          -- JSON, as main gets it; its SHA-256 is the batch's hash
  hash         BLOB NOT NULL,
  last_change  INTEGER NOT NULL,       -- it has everything up to these
  last_journal INTEGER NOT NULL,
  last_entry   INTEGER NOT NULL,
  rows         INTEGER NOT NULL,
  bytes        INTEGER NOT NULL,       -- of its body, not compressed
  created_at   INTEGER NOT NULL,       -- microseconds since 1970
  received_at  INTEGER,
  applied_at   INTEGER
);
CREATE TABLE IF NOT EXISTS ledger_batch_chunk (     -- a batch's body, 64 KiB a chunk, each compressed (RFC 1951)
  seq    INTEGER NOT NULL,
  n      INTEGER NOT NULL,             -- from 0
  length INTEGER NOT NULL,             -- bytes before compression
  bytes  BLOB NOT NULL,
  PRIMARY KEY (seq, n)
);

-- ---- access: who may see and do what

CREATE TABLE IF NOT EXISTS ledger_catalog_view (   -- views WITH (security_invoker = true), which read their tables as the caller
  relation_id INTEGER PRIMARY KEY,
  select_sql  TEXT NOT NULL          -- their SELECT in parentheses, each table marked: ledger_rls."stored_name"
);

CREATE TABLE IF NOT EXISTS ledger_catalog_view_column ( -- columns of views that are a column of a table: through its keys other tables are embedded
  relation_id   INTEGER NOT NULL,    -- the view
  name          TEXT NOT NULL,
  origin_id     INTEGER NOT NULL,    -- the table
  origin_name   TEXT NOT NULL,       -- the column
  PRIMARY KEY (relation_id, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_catalog_privilege ( -- what GRANT, REVOKE and ALTER DEFAULT PRIVILEGES left on tables and views: a row at least for each relation; no row at all: the schema has none of them
  relation_id INTEGER NOT NULL,
  role        TEXT NOT NULL,         -- public for everyone
  privileges  TEXT NOT NULL,         -- letters as PostgreSQL's aclitem has them: r select, a insert, w update, d delete
  PRIMARY KEY (relation_id, role)
) WITHOUT ROWID;

-- ---- signing in. Times are microseconds since 1970. Nothing of it leaves the file but by a backup.

CREATE TABLE IF NOT EXISTS ledger_user (            -- what the table users has no column for; of a schema without users all there is
  id                 TEXT NOT NULL PRIMARY KEY, -- users.id as text, or a uuid
  email              TEXT UNIQUE,        -- only without a table users; small letters
  phone              TEXT UNIQUE,        -- to sign in with: digits alone
  password_hash      TEXT,               -- where users has no column for it, or too short a one; null: users has it
  role               TEXT,               -- the role claim of the user's tokens; null: authenticated
  app_metadata       TEXT,               -- JSON objects
  user_metadata      TEXT,
  is_anonymous       INTEGER NOT NULL DEFAULT 0,
  email_confirmed_at INTEGER,            -- this and what follows: where users has no column for it
  phone_confirmed_at INTEGER,
  last_sign_in_at    INTEGER,
  banned_until       INTEGER,            -- the largest integer: for good
  deleted_at         INTEGER,
  created_at         INTEGER NOT NULL,
  updated_at         INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS ledger_session (         -- a login on one device, from signing in to its end
  id           TEXT NOT NULL PRIMARY KEY, -- uuid: the session_id claim
  user_id      TEXT NOT NULL,
  row_key,                                -- id of its row of the table sessions, as stored; null: the schema has none
  method       TEXT NOT NULL,             -- of the amr claim: password, anonymous, otp
  ip_address   TEXT,                      -- of the client that signed in
  user_agent   TEXT,
  created_at   INTEGER NOT NULL,
  refreshed_at INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL,          -- unless it is refreshed before
  ended_at     INTEGER                    -- null: it goes on
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_session_user ON ledger_session (user_id);
CREATE INDEX IF NOT EXISTS ledger_session_expires ON ledger_session (expires_at);

CREATE TABLE IF NOT EXISTS ledger_refresh_token (   -- of a session the tokens that were given out so far, the last one unused
  hash       BLOB NOT NULL PRIMARY KEY,   -- BLAKE2b-256 of the token
  session_id TEXT NOT NULL REFERENCES ledger_session (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL,
  used_at    INTEGER                      -- when its successor was given out
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_refresh_token_session ON ledger_refresh_token (session_id);

CREATE TABLE IF NOT EXISTS ledger_secret (          -- what tokens are signed with
  n          INTEGER PRIMARY KEY,         -- when it was made, or one more than the last one's. The last one signs
  secret     TEXT NOT NULL,               -- base64 of 32 random bytes, or what was given
  refresh    BLOB NOT NULL,               -- 32 random bytes, the same in all: by them a refresh token's successor follows from it
  expires_at INTEGER                      -- until then it verifies; null: the last one
);

CREATE TABLE IF NOT EXISTS ledger_key (             -- API keys that were made here
  id           TEXT NOT NULL PRIMARY KEY, -- what stands in the key itself, 16 hexadecimal digits
  row_key,                                -- id of its row of the table api_keys, as stored, which then has what it has columns for; or null
  user_id      TEXT,                      -- null: a key of a role
  role         TEXT,                      -- anon, service_role; null: a key of a user
  salt         BLOB NOT NULL,             -- 16 random bytes
  hash         TEXT NOT NULL,             -- SHA-256 of salt and secret, 64 hexadecimal digits; api_keys.key_hash has the same
  name         TEXT,
  description  TEXT,
  permissions  TEXT,                      -- a JSON object; null: all that the role may
  rate_limit   INTEGER,                   -- requests a minute; null: no limit
  is_active    INTEGER NOT NULL DEFAULT 1,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER,
  expires_at   INTEGER                    -- null: never
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_key_row ON ledger_key (row_key) WHERE row_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS ledger_attempt (         -- wrong passwords in a row, forgotten a day after the last one
  name         BLOB NOT NULL,             -- BLAKE2b-256 of the address or number, as users are found by it; whether it is a user's does not matter
  client       BLOB NOT NULL,             -- of the client's address; empty: of all clients together
  failures     INTEGER NOT NULL,
  locked_until INTEGER NOT NULL DEFAULT 0,
  last_at      INTEGER NOT NULL,
  PRIMARY KEY (name, client)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ledger_attempt_last ON ledger_attempt (last_at);
