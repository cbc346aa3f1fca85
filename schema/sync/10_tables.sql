-- The schema ledger_sync on the main PostgreSQL (15 or newer): what `ledger export --init` installs, again and again without harm.
-- The files of this folder are one script, in the order of their names. Here: its tables. Then the registry of schemas and devices with the
-- acknowledgements, digests, proofs, and what applies batches: receiving, merging, collisions, custody.
--
-- Nothing is added to the application's own tables. An ordinary role installs and uses it: it needs CREATE on the database the first
-- time, and is best the owner of the application's tables, for batches write to them and digests read every row. Another role that is
-- to push needs USAGE on the schema ledger_sync, SELECT, INSERT, UPDATE and DELETE on its tables, the same on the
-- application's, TEMPORARY on the database, and no row security in its way: no function here runs with another's rights.
CREATE SCHEMA IF NOT EXISTS ledger_sync;
COMMENT ON SCHEMA ledger_sync IS 'Bookkeeping of ledger files that sync with this database';

-- One at a time, never backwards, and what stood here before there were devices goes.
DO $install$
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('ledger_sync', 0));
  IF pg_catalog.to_regclass('ledger_sync.installation') IS NOT NULL THEN
    IF (SELECT version FROM ledger_sync.installation) > 1 THEN
      RAISE EXCEPTION 'ledger_sync was installed here by a newer ledger' USING ERRCODE = 'LS008',
        HINT = 'Use that ledger, or a newer one.';
    END IF;
  ELSIF pg_catalog.to_regclass('ledger_sync.relation') IS NOT NULL THEN
    DROP TABLE ledger_sync.relation;
    DROP FUNCTION IF EXISTS ledger_sync.digest(text);
  END IF;
END
$install$;

CREATE TABLE IF NOT EXISTS ledger_sync.installation (
  one          boolean PRIMARY KEY DEFAULT true CHECK (one),
  main         uuid NOT NULL DEFAULT gen_random_uuid(),
  version      integer NOT NULL,
  public_key   bytea CHECK (octet_length(public_key) = 64),
  installed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ledger_sync.installation IS 'This main: one row';
COMMENT ON COLUMN ledger_sync.installation.one IS 'Always true';
COMMENT ON COLUMN ledger_sync.installation.main IS 'Identity of this main, which devices remember; a copy that is to live on its own needs another one';
COMMENT ON COLUMN ledger_sync.installation.version IS 'Version of the schema ledger_sync';
COMMENT ON COLUMN ledger_sync.installation.public_key IS 'Main''s public keys for bundles (ledger bundle key), which new devices take over; null: none';
COMMENT ON COLUMN ledger_sync.installation.installed_at IS 'When ledger_sync was first installed';
INSERT INTO ledger_sync.installation (version) VALUES (1) ON CONFLICT (one) DO UPDATE SET version = excluded.version
  WHERE installation.version <> excluded.version;

CREATE TABLE IF NOT EXISTS ledger_sync.schema (
  sha256        text PRIMARY KEY,
  name          text NOT NULL,
  accepted      boolean NOT NULL,
  sources       jsonb NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE ledger_sync.schema IS 'Versions of schemas that ledger files have';
COMMENT ON COLUMN ledger_sync.schema.sha256 IS 'SHA-256 of the schema, as the files name it';
COMMENT ON COLUMN ledger_sync.schema.name IS 'Its name on the device';
COMMENT ON COLUMN ledger_sync.schema.accepted IS 'Whether batches of this schema are taken: see accept_schema()';
COMMENT ON COLUMN ledger_sync.schema.sources IS 'Its texts: [{"name", "text"}]';
COMMENT ON COLUMN ledger_sync.schema.registered_at IS 'When it was first registered';

CREATE TABLE IF NOT EXISTS ledger_sync.relation (
  schema_sha256  text NOT NULL REFERENCES ledger_sync.schema ON DELETE CASCADE,
  table_schema   text NOT NULL,
  table_name     text NOT NULL,
  position       integer NOT NULL,
  column_names   text[] NOT NULL,
  key_names      text[] NOT NULL,
  kind           text NOT NULL CHECK (kind IN ('mutable', 'fact', 'main', 'local')),
  collision      text NOT NULL CHECK (collision IN ('reject', 'adopt', 'rename')),
  status_column  text,
  status_ranks   jsonb,
  delta_names    text[] NOT NULL DEFAULT '{}',
  main_names     text[] NOT NULL DEFAULT '{}',
  identity_names text[] NOT NULL DEFAULT '{}',
  edit_names     text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (schema_sha256, table_schema, table_name)
);
COMMENT ON TABLE ledger_sync.relation IS 'The tables of each schema, and how they sync';
COMMENT ON COLUMN ledger_sync.relation.schema_sha256 IS 'The schema that it is of';
COMMENT ON COLUMN ledger_sync.relation.table_schema IS 'Schema of the table';
COMMENT ON COLUMN ledger_sync.relation.table_name IS 'Name of the table';
COMMENT ON COLUMN ledger_sync.relation.position IS 'Order in which digest() reports the tables';
COMMENT ON COLUMN ledger_sync.relation.column_names IS 'Its columns, in the file''s order';
COMMENT ON COLUMN ledger_sync.relation.key_names IS 'Columns of its primary key; none: its rows do not sync';
COMMENT ON COLUMN ledger_sync.relation.kind IS 'mutable: the last writer wins; fact: never changed but for its status; main: main''s, read on the device; local: never leaves the device';
COMMENT ON COLUMN ledger_sync.relation.collision IS 'What happens to a row whose natural key another row has: reject (into custody), adopt (main''s row), rename';
COMMENT ON COLUMN ledger_sync.relation.status_column IS 'A fact''s column that moves only forward, or null';
COMMENT ON COLUMN ledger_sync.relation.status_ranks IS 'Its values by rank: [["pending"], ["completed", "failed"]]; the last rank is final';
COMMENT ON COLUMN ledger_sync.relation.delta_names IS 'Columns that travel as differences: balances';
COMMENT ON COLUMN ledger_sync.relation.edit_names IS 'Columns of a fact that may still change when it is final; what came last stands';
COMMENT ON COLUMN ledger_sync.relation.main_names IS 'Columns that main''s triggers write; digests and proofs leave them out';
COMMENT ON COLUMN ledger_sync.relation.identity_names IS 'Columns that take their values from sequences';

CREATE TABLE IF NOT EXISTS ledger_sync.device (
  device          uuid PRIMARY KEY,
  epoch           bigint NOT NULL,
  schema_sha256   text NOT NULL REFERENCES ledger_sync.schema,
  public_key      bytea CHECK (octet_length(public_key) = 32),
  key_range       bigint UNIQUE,
  replaces        uuid,
  enrolled_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  revoked_at      timestamptz,
  revoked_because text,
  received_seq    bigint NOT NULL DEFAULT 0,
  received_hash   bytea NOT NULL DEFAULT '',
  received_at     timestamptz,
  applied_seq     bigint NOT NULL DEFAULT 0,
  applied_at      timestamptz,
  journal         bigint NOT NULL DEFAULT 0,
  head            text NOT NULL DEFAULT '',
  clock           bigint NOT NULL DEFAULT 0,
  seen_at         timestamptz,
  error           text,
  error_at        timestamptz
);
COMMENT ON TABLE ledger_sync.device IS 'Devices that are or were enrolled';
COMMENT ON COLUMN ledger_sync.device.device IS 'The device, by the uuid in its file';
COMMENT ON COLUMN ledger_sync.device.epoch IS 'Its epoch: a rekeyed file is another device';
COMMENT ON COLUMN ledger_sync.device.schema_sha256 IS 'The schema that it had last';
COMMENT ON COLUMN ledger_sync.device.public_key IS 'Its Ed25519 key, for bundles; null: it sends none';
COMMENT ON COLUMN ledger_sync.device.key_range IS 'Its range of identity and serial keys; 0 is the first, main''s own too; null: its schema has none';
COMMENT ON COLUMN ledger_sync.device.replaces IS 'The device that it was before a rekey';
COMMENT ON COLUMN ledger_sync.device.enrolled_at IS 'When it was enrolled';
COMMENT ON COLUMN ledger_sync.device.revoked_at IS 'When it was revoked; null: it is not';
COMMENT ON COLUMN ledger_sync.device.revoked_because IS 'Why';
COMMENT ON COLUMN ledger_sync.device.received_seq IS 'Number of the last batch that main has; 0: the full export, or none';
COMMENT ON COLUMN ledger_sync.device.received_hash IS 'Its hash; empty: none';
COMMENT ON COLUMN ledger_sync.device.received_at IS 'When it came';
COMMENT ON COLUMN ledger_sync.device.applied_seq IS 'Number of the last batch that is in main''s tables';
COMMENT ON COLUMN ledger_sync.device.applied_at IS 'Since when';
COMMENT ON COLUMN ledger_sync.device.journal IS 'The last journal that a received batch covers';
COMMENT ON COLUMN ledger_sync.device.head IS 'Hash of that journal, in hexadecimal: the head of the device''s chain';
COMMENT ON COLUMN ledger_sync.device.clock IS 'Its clock in the last batch received: milliseconds since 1970 << 16 | counter';
COMMENT ON COLUMN ledger_sync.device.seen_at IS 'When it last reached main, in whatever way';
COMMENT ON COLUMN ledger_sync.device.error IS 'The last refusal; null since the next batch that was applied';
COMMENT ON COLUMN ledger_sync.device.error_at IS 'When that was';

CREATE TABLE IF NOT EXISTS ledger_sync.batch (
  device      uuid NOT NULL REFERENCES ledger_sync.device,
  epoch       bigint NOT NULL,
  seq         bigint NOT NULL,
  hash        bytea NOT NULL,
  header      jsonb NOT NULL,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  applied_at  timestamptz,
  applied_by  text,
  state       text NOT NULL CHECK (state IN ('applied', 'waiting')),
  reason      text,
  sqlstate    text,
  PRIMARY KEY (device, epoch, seq)
);
CREATE INDEX IF NOT EXISTS batch_waiting ON ledger_sync.batch (device, epoch, seq) WHERE state = 'waiting';
COMMENT ON TABLE ledger_sync.batch IS 'Batches received, each once';
COMMENT ON COLUMN ledger_sync.batch.device IS 'The device that cut it';
COMMENT ON COLUMN ledger_sync.batch.epoch IS 'The device''s epoch';
COMMENT ON COLUMN ledger_sync.batch.seq IS 'Its number, without gaps from 1; 0: the full export';
COMMENT ON COLUMN ledger_sync.batch.hash IS 'SHA-256 of its header, which covers the rows and the batch before';
COMMENT ON COLUMN ledger_sync.batch.header IS 'Its header';
COMMENT ON COLUMN ledger_sync.batch.received_at IS 'When it came';
COMMENT ON COLUMN ledger_sync.batch.applied_at IS 'When its rows went into main''s tables; null: they have not';
COMMENT ON COLUMN ledger_sync.batch.applied_by IS 'The role that did it';
COMMENT ON COLUMN ledger_sync.batch.state IS 'applied, or waiting in custody';
COMMENT ON COLUMN ledger_sync.batch.reason IS 'Why it waits';
COMMENT ON COLUMN ledger_sync.batch.sqlstate IS 'The SQLSTATE of that';

CREATE TABLE IF NOT EXISTS ledger_sync.inbox (
  device   uuid NOT NULL,
  epoch    bigint NOT NULL,
  seq      bigint NOT NULL,
  position integer NOT NULL,
  n        bigint NOT NULL,
  row      text NOT NULL,
  PRIMARY KEY (device, epoch, seq, position, n)
);
COMMENT ON TABLE ledger_sync.inbox IS 'Custody: rows of batches that are received and not yet applied; retry() takes them from here';
COMMENT ON COLUMN ledger_sync.inbox.device IS 'The device';
COMMENT ON COLUMN ledger_sync.inbox.epoch IS 'Its epoch';
COMMENT ON COLUMN ledger_sync.inbox.seq IS 'The batch';
COMMENT ON COLUMN ledger_sync.inbox.position IS 'Which of the header''s tables, from 1';
COMMENT ON COLUMN ledger_sync.inbox.n IS 'Which of its rows, from 1';
COMMENT ON COLUMN ledger_sync.inbox.row IS 'The row, as PostgreSQL prints a record of texts';

CREATE TABLE IF NOT EXISTS ledger_sync.row_version (
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  key          text NOT NULL,
  hlc          bigint NOT NULL,
  device       uuid NOT NULL,
  image        bigint,
  gone         boolean NOT NULL DEFAULT false,
  PRIMARY KEY (table_schema, table_name, key)
) WITH (fillfactor = 50); -- the next version stands beside the last, and no index changes
COMMENT ON TABLE ledger_sync.row_version IS 'Whose version of a row main has: rows of mutable tables that came from devices';
COMMENT ON COLUMN ledger_sync.row_version.table_schema IS 'Schema of the table';
COMMENT ON COLUMN ledger_sync.row_version.table_name IS 'Name of the table';
COMMENT ON COLUMN ledger_sync.row_version.key IS 'The key''s output text; of several columns that of ROW(...)';
COMMENT ON COLUMN ledger_sync.row_version.hlc IS 'Clock value of the change that won';
COMMENT ON COLUMN ledger_sync.row_version.device IS 'The device that made it';
COMMENT ON COLUMN ledger_sync.row_version.image IS 'Hash of main''s row after it, without balances and main''s own columns: another one now is an edit of main''s';
COMMENT ON COLUMN ledger_sync.row_version.gone IS 'The winning change deleted the row';

CREATE TABLE IF NOT EXISTS ledger_sync.conflict (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  device       uuid NOT NULL,
  epoch        bigint NOT NULL,
  seq          bigint NOT NULL,
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  key          text NOT NULL,
  kind         text NOT NULL,
  incoming     jsonb,
  current      jsonb,
  at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS conflict_key ON ledger_sync.conflict (table_schema, table_name, key);
COMMENT ON TABLE ledger_sync.conflict IS 'What the merge had to decide, with both images';
COMMENT ON COLUMN ledger_sync.conflict.id IS 'Number of the entry';
COMMENT ON COLUMN ledger_sync.conflict.device IS 'The device whose batch it was';
COMMENT ON COLUMN ledger_sync.conflict.epoch IS 'Its epoch';
COMMENT ON COLUMN ledger_sync.conflict.seq IS 'The batch';
COMMENT ON COLUMN ledger_sync.conflict.table_schema IS 'Schema of the table';
COMMENT ON COLUMN ledger_sync.conflict.table_name IS 'Name of the table';
COMMENT ON COLUMN ledger_sync.conflict.key IS 'The key of the device''s row, as in row_version';
COMMENT ON COLUMN ledger_sync.conflict.kind IS 'What it was: incoming wins, current wins, overdraft, adopted, renamed, clock, ...';
COMMENT ON COLUMN ledger_sync.conflict.incoming IS 'The device''s row; null: deleted';
COMMENT ON COLUMN ledger_sync.conflict.current IS 'Main''s row before it; null: there was none';
COMMENT ON COLUMN ledger_sync.conflict.at IS 'When it was decided';

CREATE TABLE IF NOT EXISTS ledger_sync.alias (
  device       uuid NOT NULL,
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  key          text NOT NULL,
  main_key     text NOT NULL,
  PRIMARY KEY (device, table_schema, table_name, key)
);
COMMENT ON TABLE ledger_sync.alias IS 'Rows of devices that stand on main under another key: main''s row of the same natural key was adopted';
COMMENT ON COLUMN ledger_sync.alias.device IS 'The device';
COMMENT ON COLUMN ledger_sync.alias.table_schema IS 'Schema of the table';
COMMENT ON COLUMN ledger_sync.alias.table_name IS 'Name of the table';
COMMENT ON COLUMN ledger_sync.alias.key IS 'The key on the device, as in row_version';
COMMENT ON COLUMN ledger_sync.alias.main_key IS 'The key on main';
