-- The schema ledger_sync on the main PostgreSQL (15 or newer): what `ledger export --init` installs, again and again without harm.
-- Here: its tables, the registry of schemas and devices, acknowledgements, digests and proofs. ledger_sync_apply.sql applies batches.
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
);
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

-- ---- schemas and devices

-- {"sha256", "name", "sources": [{"name", "text"}], "relations": [{"schema", "table", "position", "columns", "keys", "kind", "collision",
-- "status_column", "status_order", "deltas", "mains", "identities", "edits"}]}. The first schema to name its tables is accepted at once. One
-- that shares a table with a schema known before is a change of version, for which main may have to be migrated: it is noted, and
-- accepted by accept_schema(). Registered again, a schema keeps its place, and how its tables sync is as said last.
CREATE OR REPLACE FUNCTION ledger_sync.register_schema(document text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $register$
DECLARE
  given   jsonb := document::jsonb;
  of_hash text := given ->> 'sha256';
  is_free boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('ledger_sync', 0));
  is_free := NOT EXISTS (SELECT FROM ledger_sync.relation AS r
    JOIN jsonb_array_elements(given -> 'relations') AS g ON g ->> 'schema' = r.table_schema AND g ->> 'table' = r.table_name
    WHERE r.schema_sha256 <> of_hash AND r.kind <> 'local' AND g ->> 'kind' <> 'local');
  INSERT INTO ledger_sync.schema (sha256, name, accepted, sources)
    VALUES (of_hash, given ->> 'name', is_free, given -> 'sources') ON CONFLICT (sha256) DO NOTHING;
  WITH wanted AS (
    SELECT of_hash, g ->> 'schema', g ->> 'table', (g ->> 'position')::integer,
           ARRAY(SELECT jsonb_array_elements_text(g -> 'columns')), ARRAY(SELECT jsonb_array_elements_text(g -> 'keys')),
           g ->> 'kind', g ->> 'collision', g ->> 'status_column', nullif(g -> 'status_order', 'null'),
           ARRAY(SELECT jsonb_array_elements_text(g -> 'deltas')), ARRAY(SELECT jsonb_array_elements_text(g -> 'mains')),
           ARRAY(SELECT jsonb_array_elements_text(g -> 'identities')),
           ARRAY(SELECT jsonb_array_elements_text(coalesce(g -> 'edits', '[]')))
      FROM jsonb_array_elements(given -> 'relations') AS g
  )
  INSERT INTO ledger_sync.relation AS r (schema_sha256, table_schema, table_name, position, column_names, key_names, kind, collision,
                                         status_column, status_ranks, delta_names, main_names, identity_names, edit_names)
    SELECT * FROM wanted
    ON CONFLICT (schema_sha256, table_schema, table_name) DO UPDATE
      SET kind = excluded.kind, collision = excluded.collision, status_column = excluded.status_column,
          status_ranks = excluded.status_ranks, delta_names = excluded.delta_names, main_names = excluded.main_names,
          edit_names = excluded.edit_names
      WHERE (r.kind, r.collision, r.status_column, r.status_ranks, r.delta_names, r.main_names, r.edit_names) IS DISTINCT FROM
            (excluded.kind, excluded.collision, excluded.status_column, excluded.status_ranks, excluded.delta_names, excluded.main_names,
             excluded.edit_names);
END
$register$;
COMMENT ON FUNCTION ledger_sync.register_schema(text) IS 'Notes a schema that devices have, as ledger export --init describes it; the first one of its tables is accepted';

-- What the schema's batches would write to and that main does not have, as schema.table or schema.table.column.
CREATE OR REPLACE FUNCTION ledger_sync.missing(of_schema text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $missing$
  SELECT format('%I.%I', r.table_schema, r.table_name) || coalesce('.' || quote_ident(c.name), '')
  FROM ledger_sync.relation AS r
  CROSS JOIN LATERAL (SELECT to_regclass(format('%I.%I', r.table_schema, r.table_name)) AS id) AS t
  LEFT JOIN LATERAL unnest(CASE WHEN t.id IS NULL THEN '{}' ELSE r.column_names END) AS c(name) ON true
  WHERE r.schema_sha256 = of_schema AND r.kind <> 'local'
    AND (t.id IS NULL OR NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = t.id AND a.attname = c.name
                                       AND a.attnum > 0 AND NOT a.attisdropped))
  ORDER BY r.position, c.name
$missing$;
COMMENT ON FUNCTION ledger_sync.missing(text) IS 'The tables and columns of a schema that main does not have';

CREATE OR REPLACE FUNCTION ledger_sync.accept_schema(of_schema text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $accept$
DECLARE
  lacking text;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_sync.schema WHERE sha256 = of_schema) THEN
    RAISE EXCEPTION 'the schema % is not known here', left(of_schema, 16) USING ERRCODE = 'LS003',
      HINT = 'Register it first: ledger export FILE --init | psql.';
  END IF;
  SELECT string_agg(m, ', ') INTO lacking FROM ledger_sync.missing(of_schema) AS m;
  IF lacking IS NOT NULL THEN
    RAISE EXCEPTION 'main does not have what the schema % needs: %', left(of_schema, 16), lacking USING ERRCODE = 'LS003',
      HINT = 'Migrate main first.';
  END IF;
  UPDATE ledger_sync.schema SET accepted = true WHERE sha256 = of_schema AND NOT accepted;
END
$accept$;
COMMENT ON FUNCTION ledger_sync.accept_schema(text) IS 'Takes batches of this schema from now on; main must have its tables and columns';

-- LS003 unless files of the schema may sync. The sentence is one for begin_batch() as well.
CREATE OR REPLACE FUNCTION ledger_sync.check_schema(of_schema text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $check$
DECLARE
  is_accepted boolean;
BEGIN
  SELECT accepted INTO is_accepted FROM ledger_sync.schema WHERE sha256 = of_schema;
  IF is_accepted THEN RETURN; END IF;
  IF is_accepted IS NULL THEN
    RAISE EXCEPTION 'the schema % is not known here', left(of_schema, 16) USING ERRCODE = 'LS003',
      HINT = 'Register it: ledger export FILE --init | psql.';
  END IF;
  RAISE EXCEPTION 'the schema % is known here but not accepted', left(of_schema, 16) USING ERRCODE = 'LS003',
    HINT = format('Migrate main to it, then: SELECT ledger_sync.accept_schema(%L);', of_schema);
END
$check$;
COMMENT ON FUNCTION ledger_sync.check_schema(text) IS 'Refuses a schema that is not accepted';

-- The next range of keys that nobody has had, or null where the schema mints no numbers. Ranges are never given twice.
CREATE OR REPLACE FUNCTION ledger_sync.next_key_range(of_schema text) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $range$
DECLARE
  narrowest integer;
  free      bigint;
BEGIN
  SELECT min(coalesce(a.attlen, 4)) INTO narrowest
    FROM ledger_sync.relation AS r CROSS JOIN LATERAL unnest(r.identity_names) AS i(name)
    LEFT JOIN pg_attribute AS a ON a.attrelid = to_regclass(format('%I.%I', r.table_schema, r.table_name)) AND a.attname = i.name
    WHERE r.schema_sha256 = of_schema AND r.kind IN ('mutable', 'fact');
  IF narrowest IS NULL THEN RETURN NULL; END IF;
  SELECT coalesce(max(key_range), 0) + 1 INTO free FROM ledger_sync.device;
  IF free > (CASE narrowest WHEN 2 THEN 31 WHEN 4 THEN 1023 ELSE 8388607 END) THEN
    RAISE EXCEPTION 'there is no range of keys left for another device' USING ERRCODE = '2200H',
      HINT = 'Widen the smallest identity column of the schema to bigint.';
  END IF;
  RETURN free;
END
$range$;
COMMENT ON FUNCTION ledger_sync.next_key_range(text) IS 'The range of identity and serial keys for one more device of a schema';

-- {"device", "epoch", "schema", "public_key", "replaces", "first_range"}: first_range says that the file has rows with numbers of the
-- first range, which only one device may. It keeps that range; a device that replaces the owner (a rekeyed file) gets a new one.
CREATE OR REPLACE FUNCTION ledger_sync.enrol(document text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $enrol$
DECLARE
  given     jsonb := document::jsonb;
  of_device uuid := given ->> 'device';
  of_schema text := given ->> 'schema';
  of_epoch  bigint := given ->> 'epoch';
  known     ledger_sync.device;
  owner     uuid;
  its_range bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('ledger_sync.enrol', 0));
  SELECT * INTO known FROM ledger_sync.device WHERE device = of_device FOR UPDATE;
  IF known.revoked_at IS NOT NULL THEN
    RAISE EXCEPTION 'device % was revoked on %: %', of_device, known.revoked_at::date, known.revoked_because USING ERRCODE = 'LS002',
      HINT = 'A file that is to sync again takes a new identity: ledger device rekey FILE.';
  ELSIF known.epoch <> of_epoch THEN
    RAISE EXCEPTION 'device % is enrolled with epoch %, not %', of_device, known.epoch, of_epoch USING ERRCODE = 'LS005';
  END IF;
  PERFORM ledger_sync.check_schema(of_schema);
  its_range := coalesce(known.key_range, ledger_sync.next_key_range(of_schema));
  IF known.key_range IS NULL AND its_range IS NOT NULL AND (given ->> 'first_range')::boolean THEN
    SELECT device INTO owner FROM ledger_sync.device WHERE key_range = 0;
    IF owner IS NULL THEN
      its_range := 0;
    ELSIF owner IS DISTINCT FROM (given ->> 'replaces')::uuid THEN
      RAISE EXCEPTION 'device % has rows with keys of the first range, which device % owns', of_device, owner USING ERRCODE = 'LS010',
        HINT = 'Enrol a device before it makes rows: ledger init FILE --from DSN.';
    END IF;
  END IF;
  INSERT INTO ledger_sync.device AS d (device, epoch, schema_sha256, public_key, key_range, replaces, seen_at)
    VALUES (of_device, of_epoch, of_schema, decode(given ->> 'public_key', 'hex'), its_range, (given ->> 'replaces')::uuid,
            clock_timestamp())
    ON CONFLICT (device) DO UPDATE
      SET schema_sha256 = excluded.schema_sha256, key_range = excluded.key_range, seen_at = excluded.seen_at,
          public_key = coalesce(excluded.public_key, d.public_key);
  RETURN ledger_sync.acknowledgement(of_device);
END
$enrol$;
COMMENT ON FUNCTION ledger_sync.enrol(text) IS 'Takes a device into the fleet, again without harm; gives its acknowledgement';

-- {"device", "epoch", "schema", "last", "journal", "entry", "hash"}, and what enrol() takes: main was made from the file by its full
-- export, which is batch 0.
CREATE OR REPLACE FUNCTION ledger_sync.enrol_full(document text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $full$
DECLARE
  given     jsonb := document::jsonb;
  of_device uuid := given ->> 'device';
  of_hash   bytea := decode(given ->> 'hash', 'hex');
  is_same   boolean;
BEGIN
  SELECT coalesce(b.hash = of_hash, false) INTO is_same
    FROM ledger_sync.device AS d LEFT JOIN ledger_sync.batch AS b ON b.device = d.device AND b.epoch = d.epoch AND b.seq = 0
    WHERE d.device = of_device;
  IF NOT is_same THEN
    RAISE EXCEPTION 'device % is enrolled here already, and not by this full export', of_device USING ERRCODE = 'LS004',
      HINT = 'Send what has changed since: ledger push FILE DSN.';
  ELSIF is_same IS NULL THEN
    PERFORM ledger_sync.enrol((given || '{"first_range": true}')::text);
    INSERT INTO ledger_sync.batch (device, epoch, seq, hash, header, applied_at, applied_by, state)
      VALUES (of_device, (given ->> 'epoch')::bigint, 0, of_hash, given, clock_timestamp(), current_user, 'applied');
    UPDATE ledger_sync.device SET received_hash = of_hash, received_at = clock_timestamp(), applied_at = clock_timestamp(),
        journal = (given ->> 'journal')::bigint, head = coalesce(given ->> 'head', '')
      WHERE device = of_device;
  END IF;
  RETURN ledger_sync.acknowledgement(of_device);
END
$full$;
COMMENT ON FUNCTION ledger_sync.enrol_full(text) IS 'Takes the device that this main was made from into the fleet: its full export is batch 0';

-- Keeps a file out, not a person: who may log in may enrol a file again under a new identity (ledger device rekey). Take the login, too.
CREATE OR REPLACE FUNCTION ledger_sync.revoke(of_device uuid, because text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $revoke$
BEGIN
  UPDATE ledger_sync.device SET revoked_at = coalesce(revoked_at, clock_timestamp()), revoked_because = because
    WHERE device = of_device;
  IF NOT FOUND THEN RAISE EXCEPTION 'device % is not enrolled here', of_device USING ERRCODE = 'LS001'; END IF;
END
$revoke$;
COMMENT ON FUNCTION ledger_sync.revoke(uuid, text) IS 'Takes nothing from this device any more; what is in custody stays for retry()';

-- One line of JSON. The clock is main's, as the devices' clocks count: milliseconds << 16.
CREATE OR REPLACE FUNCTION ledger_sync.acknowledgement(of_device uuid) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $acknowledgement$
DECLARE
  here   uuid;
  d      ledger_sync.device;
  because text;
  full_at text;
BEGIN
  SELECT main INTO STRICT here FROM ledger_sync.installation;
  SELECT * INTO d FROM ledger_sync.device WHERE device = of_device;
  IF d.device IS NULL THEN
    RETURN format('{"ledger_ack":1,"main":"%s","device":"%s","enrolled":false}', here, of_device);
  END IF;
  SELECT reason INTO because FROM ledger_sync.batch
    WHERE device = d.device AND epoch = d.epoch AND state = 'waiting' ORDER BY seq LIMIT 1;
  IF d.received_seq = 0 THEN
    SELECT format(',"last":%s,"journal":%s,"entry":%s', header -> 'last', header -> 'journal', header -> 'entry') INTO full_at
      FROM ledger_sync.batch WHERE device = d.device AND epoch = d.epoch AND seq = 0;
  END IF;
  RETURN format('{"ledger_ack":1,"main":"%s","device":"%s","epoch":%s,"received":%s,"hash":"%s","applied":%s,"reason":%s,"clock":%s,'
                '"key_range":%s,"schema":"%s","public_key":%s%s}',
                here, d.device, d.epoch, d.received_seq, encode(d.received_hash, 'hex'), d.applied_seq, coalesce(to_json(because)::text, 'null'),
                floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16, coalesce(d.key_range::text, 'null'),
                d.schema_sha256, coalesce('"' || encode(d.public_key, 'hex') || '"', 'null'), full_at);
END
$acknowledgement$;
COMMENT ON FUNCTION ledger_sync.acknowledgement(uuid) IS 'What main has of a device, as ledger ack reads it';

-- A refused batch rolls back with everything in it; who sent it says here, by a statement of its own, why. NULL: all is well again.
CREATE OR REPLACE FUNCTION ledger_sync.report_error(of_device uuid, problem text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $report$
  UPDATE ledger_sync.device SET seen_at = clock_timestamp(), error = problem,
      error_at = CASE WHEN problem IS NOT NULL THEN clock_timestamp() END
    WHERE device = of_device
$report$;
COMMENT ON FUNCTION ledger_sync.report_error(uuid, text) IS 'Notes why a device''s batch was refused, or with NULL that the device was here';

CREATE OR REPLACE VIEW ledger_sync.fleet AS
  SELECT d.device, s.name AS schema, d.key_range, d.received_seq AS received, d.applied_seq AS applied, w.waiting,
         d.received_at, d.applied_at, d.seen_at,
         CASE WHEN d.revoked_at IS NULL THEN now() - coalesce(w.since, d.received_at, d.enrolled_at) END AS lag,
         coalesce(w.reason, d.error) AS error, CASE WHEN w.reason IS NULL THEN d.error_at ELSE w.since END AS error_at,
         d.revoked_at, d.revoked_because,
         CASE WHEN d.clock > 0 THEN to_timestamp((d.clock >> 16) / 1000.0) END AS clock,
         d.journal, d.head, d.epoch, d.schema_sha256, d.replaces,
         (SELECT n.device FROM ledger_sync.device AS n WHERE n.replaces = d.device ORDER BY n.enrolled_at DESC LIMIT 1) AS replaced_by
  FROM ledger_sync.device AS d
  JOIN ledger_sync.schema AS s ON s.sha256 = d.schema_sha256
  CROSS JOIN LATERAL (SELECT count(*) AS waiting, min(b.received_at) AS since,
                             (array_agg(b.reason ORDER BY b.seq))[1] AS reason
                      FROM ledger_sync.batch AS b WHERE b.device = d.device AND b.epoch = d.epoch AND b.state = 'waiting') AS w
  ORDER BY d.enrolled_at, d.device;
COMMENT ON VIEW ledger_sync.fleet IS 'The devices, a line each';
COMMENT ON COLUMN ledger_sync.fleet.device IS 'The device';
COMMENT ON COLUMN ledger_sync.fleet.schema IS 'Name of its schema';
COMMENT ON COLUMN ledger_sync.fleet.key_range IS 'Its range of identity and serial keys';
COMMENT ON COLUMN ledger_sync.fleet.received IS 'Number of the last batch received';
COMMENT ON COLUMN ledger_sync.fleet.applied IS 'Number of the last batch applied';
COMMENT ON COLUMN ledger_sync.fleet.waiting IS 'Batches in custody';
COMMENT ON COLUMN ledger_sync.fleet.received_at IS 'When the last batch came';
COMMENT ON COLUMN ledger_sync.fleet.applied_at IS 'When a batch was last applied';
COMMENT ON COLUMN ledger_sync.fleet.seen_at IS 'When the device was last here';
COMMENT ON COLUMN ledger_sync.fleet.lag IS 'How old the oldest batch in custody is, else how long ago the last one came; null: revoked';
COMMENT ON COLUMN ledger_sync.fleet.error IS 'Why the first batch in custody waits, else the last refusal';
COMMENT ON COLUMN ledger_sync.fleet.error_at IS 'Since when';
COMMENT ON COLUMN ledger_sync.fleet.revoked_at IS 'When it was revoked';
COMMENT ON COLUMN ledger_sync.fleet.revoked_because IS 'Why';
COMMENT ON COLUMN ledger_sync.fleet.clock IS 'The device''s clock in its last batch';
COMMENT ON COLUMN ledger_sync.fleet.journal IS 'The last journal that main knows of';
COMMENT ON COLUMN ledger_sync.fleet.head IS 'Its hash';
COMMENT ON COLUMN ledger_sync.fleet.epoch IS 'The device''s epoch';
COMMENT ON COLUMN ledger_sync.fleet.schema_sha256 IS 'Its schema';
COMMENT ON COLUMN ledger_sync.fleet.replaces IS 'The device that it was before a rekey';
COMMENT ON COLUMN ledger_sync.fleet.replaced_by IS 'The device that it is since a rekey';

-- ---- digests and proofs

-- SQL over a row x of a table. Values count by their output text, which concat() gives; ::text of inet and boolean differs.
CREATE OR REPLACE FUNCTION ledger_sync.key_expression(key_names text[]) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $key$
  SELECT CASE WHEN cardinality(key_names) = 1 THEN format('concat(x.%I)', key_names[1])
              ELSE (SELECT 'ROW(' || string_agg(format('x.%I', k.name), ', ' ORDER BY k.n) || ')::text'
                    FROM unnest(key_names) WITH ORDINALITY AS k(name, n)) END
$key$;
COMMENT ON FUNCTION ledger_sync.key_expression(text[]) IS 'SQL for the text of a key, as row_version has it, over a row x';

-- Of each column "<bytes>:<text>", or "-" for NULL. mapped: SQL for the text of columns that are not to be taken as they are.
CREATE OR REPLACE FUNCTION ledger_sync.row_expression(of_columns text[], mapped jsonb DEFAULT '{}') RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $row$
  SELECT coalesce(string_agg(format('CASE WHEN x.%I IS NULL THEN ''-'' ELSE %s || '':'' || %s END', c.name,
                                    format(CASE getdatabaseencoding() WHEN 'UTF8' THEN 'octet_length(%s)' ELSE 'octet_length(convert_to(%s, ''UTF8''))' END, t.of),
                                    t.of),
                             ' || ' ORDER BY c.n), '''''')
  FROM unnest(of_columns) WITH ORDINALITY AS c(name, n)
  CROSS JOIN LATERAL (SELECT coalesce(mapped ->> c.name, format('concat(x.%I)', c.name)) AS of) AS t
$row$;
COMMENT ON FUNCTION ledger_sync.row_expression(text[], jsonb) IS 'SQL for the text that digests hash of a row x';

CREATE OR REPLACE FUNCTION ledger_sync.hash_expression(of_text text) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $hash$
  SELECT '(''x'' || encode(substr(sha256(convert_to(' || of_text || ', ''UTF8'')), 1, 8), ''hex''))::bit(64)::bigint'
$hash$;
COMMENT ON FUNCTION ledger_sync.hash_expression(text) IS 'SQL for the first 64 bits of SHA-256 of a text';

-- Each table once: as a schema has it, or the newest accepted one that does.
CREATE OR REPLACE FUNCTION ledger_sync.relations(of_schema text DEFAULT NULL) RETURNS SETOF ledger_sync.relation
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $relations$
  SELECT DISTINCT ON (r.table_schema, r.table_name) r.*
  FROM ledger_sync.relation AS r JOIN ledger_sync.schema AS s ON s.sha256 = r.schema_sha256
  WHERE of_schema IS NULL OR r.schema_sha256 = of_schema
  ORDER BY r.table_schema, r.table_name, s.accepted DESC, s.registered_at DESC, s.sha256
$relations$;
COMMENT ON FUNCTION ledger_sync.relations(text) IS 'The tables of a schema, or of all, each by the newest accepted schema that has it';

-- The columns that count: not those that main's own triggers write.
CREATE OR REPLACE FUNCTION ledger_sync.digest_columns(r ledger_sync.relation) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $columns$
  SELECT ARRAY(SELECT c.name FROM unnest(r.column_names) WITH ORDINALITY AS c(name, n) WHERE c.name <> ALL (r.main_names) ORDER BY c.n)
$columns$;
COMMENT ON FUNCTION ledger_sync.digest_columns(ledger_sync.relation) IS 'The columns of a table that digests read';

-- The same numbers as `ledger digest FILE`: per table the count of rows, and the sum (modulo 2^64) and exclusive or of the rows' hashes.
CREATE OR REPLACE FUNCTION ledger_sync.digest(only_table text DEFAULT NULL, of_schema text DEFAULT NULL)
RETURNS TABLE (table_schema text, table_name text, rows bigint, sum numeric, xor bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET row_security = off
AS $digest$
DECLARE
  r ledger_sync.relation;
BEGIN
  FOR r IN
    SELECT * FROM ledger_sync.relations(of_schema) AS o
    WHERE (only_table IS NULL OR only_table IN (o.table_name, o.table_schema || '.' || o.table_name))
      AND (o.kind <> 'local' OR to_regclass(format('%I.%I', o.table_schema, o.table_name)) IS NOT NULL)
    ORDER BY o.position, o.table_schema, o.table_name
  LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %L::text, %L::text, count(*),'
      ' coalesce(((sum(h.v::numeric) %% 18446744073709551616) + 18446744073709551616) %% 18446744073709551616, 0),'
      ' coalesce(bit_xor(h.v), 0) FROM (SELECT %s AS v FROM %I.%I AS x) AS h',
      r.table_schema, r.table_name, ledger_sync.hash_expression(ledger_sync.row_expression(ledger_sync.digest_columns(r))),
      r.table_schema, r.table_name);
  END LOOP;
END
$digest$;
COMMENT ON FUNCTION ledger_sync.digest(text, text) IS 'A digest of each table (or of one), equal to that of a ledger file with the same rows';

-- Where two digests of a table differ: the same numbers for the rows whose key's SHA-256 begins so, by one more byte.
CREATE OR REPLACE FUNCTION ledger_sync.digest_buckets(of_table_schema text, of_table_name text, prefixes text[] DEFAULT '{""}',
                                                      of_schema text DEFAULT NULL)
RETURNS TABLE (prefix text, rows bigint, sum numeric, xor bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET row_security = off
AS $buckets$
DECLARE
  r ledger_sync.relation;
BEGIN
  SELECT * INTO STRICT r FROM ledger_sync.relations(of_schema) AS o
    WHERE o.table_schema = of_table_schema AND o.table_name = of_table_name;
  RETURN QUERY EXECUTE format(
    'SELECT left(h.k, $2 + 2), count(*),'
    ' ((sum(h.v::numeric) %% 18446744073709551616) + 18446744073709551616) %% 18446744073709551616, bit_xor(h.v)'
    ' FROM (SELECT encode(sha256(convert_to(%s, ''UTF8'')), ''hex'') AS k, %s AS v FROM %I.%I AS x) AS h'
    ' WHERE left(h.k, $2) = ANY ($1) GROUP BY 1',
    ledger_sync.key_expression(r.key_names), ledger_sync.hash_expression(ledger_sync.row_expression(ledger_sync.digest_columns(r))),
    r.table_schema, r.table_name) USING prefixes, length(prefixes[1]);
END
$buckets$;
COMMENT ON FUNCTION ledger_sync.digest_buckets(text, text, text[], text) IS 'Digests of a table by the next byte of SHA-256 of the key, for rows where it begins with one of the prefixes (hexadecimal, of one length)';

-- And at last the rows themselves: each one's hash and those of its columns.
CREATE OR REPLACE FUNCTION ledger_sync.digest_rows(of_table_schema text, of_table_name text, prefixes text[] DEFAULT '{""}',
                                                   of_schema text DEFAULT NULL)
RETURNS TABLE (key text, hash bigint, column_hashes bigint[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET row_security = off
AS $rows$
DECLARE
  r ledger_sync.relation;
BEGIN
  SELECT * INTO STRICT r FROM ledger_sync.relations(of_schema) AS o
    WHERE o.table_schema = of_table_schema AND o.table_name = of_table_name;
  RETURN QUERY EXECUTE format(
    'SELECT %1$s, %2$s, ARRAY[%3$s]::bigint[] FROM %4$I.%5$I AS x'
    ' WHERE left(encode(sha256(convert_to(%1$s, ''UTF8'')), ''hex''), $2) = ANY ($1)',
    ledger_sync.key_expression(r.key_names),
    ledger_sync.hash_expression(ledger_sync.row_expression(ledger_sync.digest_columns(r))),
    (SELECT string_agg(ledger_sync.hash_expression(ledger_sync.row_expression(ARRAY[c.name])), ', ' ORDER BY c.n)
       FROM unnest(ledger_sync.digest_columns(r)) WITH ORDINALITY AS c(name, n)),
    r.table_schema, r.table_name) USING prefixes, length(prefixes[1]);
END
$rows$;
COMMENT ON FUNCTION ledger_sync.digest_rows(text, text, text[], text) IS 'Rows of a table with their hashes, for keys whose SHA-256 begins with one of the prefixes';
-- ---- the proof that a device's rows are here: `ledger prove` sends one transaction
--   prove_start(device, schema)
--   COPY pg_temp.ledger_prove_batch: the batches that the file knows; COPY pg_temp.ledger_prove_waiting: keys that changed, and
--   the batch that has them
--   for each table COPY pg_temp.ledger_prove: key, hash and status of every row; prove(...)
--   prove_report(...): JSON
-- and rolls back. A row that is not the same is one of
--   waiting     it changed since the last batch           custody     it is in a batch that is received and not applied
--   adopted     main's row of the same natural key stands for it        renamed     it stands here under another natural key
--   superseded  another device or main wrote later, or took it away; or the status is further on here
--   missing, differs, behind (the status is further on there): and then nothing is proven.
CREATE OR REPLACE FUNCTION ledger_sync.prove_start(of_device uuid, of_schema text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $start$
DECLARE
  lacking text;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_sync.device WHERE device = of_device) THEN
    RAISE EXCEPTION 'device % is not enrolled here', of_device USING ERRCODE = 'LS001', HINT = 'ledger push enrols it.';
  ELSIF NOT EXISTS (SELECT FROM ledger_sync.schema WHERE sha256 = of_schema) THEN
    PERFORM ledger_sync.check_schema(of_schema);
  END IF;
  SELECT string_agg(m, ', ') INTO lacking FROM ledger_sync.missing(of_schema) AS m;
  IF lacking IS NOT NULL THEN
    RAISE EXCEPTION 'main does not have what the file''s schema needs: %', lacking USING ERRCODE = 'LS003', HINT = 'Migrate main first.';
  END IF;
  CREATE TEMP TABLE ledger_prove (key text NOT NULL, hash bigint NOT NULL, status text, main_key text) ON COMMIT DROP;
  CREATE TEMP TABLE ledger_prove_waiting (seq bigint NOT NULL, table_schema text NOT NULL, table_name text NOT NULL, key text NOT NULL)
    ON COMMIT DROP;
  CREATE INDEX ON pg_temp.ledger_prove_waiting (key);
  CREATE TEMP TABLE ledger_prove_batch (seq bigint NOT NULL, hash text NOT NULL, journal bigint NOT NULL, head text NOT NULL) ON COMMIT DROP;
  CREATE TEMP TABLE ledger_prove_custody (key text NOT NULL) ON COMMIT DROP;
  CREATE INDEX ON pg_temp.ledger_prove_custody (key);
  CREATE TEMP TABLE ledger_prove_found (position integer NOT NULL, key text NOT NULL, verdict text NOT NULL) ON COMMIT DROP;
  CREATE TEMP TABLE ledger_prove_table (position integer NOT NULL, table_schema text NOT NULL, table_name text NOT NULL, rows bigint NOT NULL)
    ON COMMIT DROP;
END
$start$;
COMMENT ON FUNCTION ledger_sync.prove_start(uuid, text) IS 'Begins the proof that a device''s rows are here';

-- The device and those that it was before its rekeys.
CREATE OR REPLACE FUNCTION ledger_sync.line_of(of_device uuid) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $line$
  WITH RECURSIVE line(device) AS (
    SELECT of_device UNION SELECT d.replaces FROM line JOIN ledger_sync.device AS d USING (device) WHERE d.replaces IS NOT NULL
  )
  SELECT array_agg(device) FROM line
$line$;
COMMENT ON FUNCTION ledger_sync.line_of(uuid) IS 'A device and those that it replaces';

-- The same with the clock of what is the file's own of them. A file that was rekeyed had a twin, which may have gone on under the
-- identity before: what that one sent after the last batch that the file knew to be here (its first batch says where it goes on)
-- another device has written.
CREATE OR REPLACE FUNCTION ledger_sync.line_clocks(of_device uuid) RETURNS TABLE (device uuid, clock bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $clocks$
  WITH RECURSIVE line(device, clock) AS (
    SELECT of_device, 9223372036854775807
    UNION ALL
    SELECT d.replaces, (SELECT max((b.header ->> 'clock')::bigint) FROM ledger_sync.batch AS b
                        WHERE b.device = d.replaces AND (b.header ->> 'last')::bigint <
                          (SELECT (f.header ->> 'first')::bigint FROM ledger_sync.batch AS f WHERE f.device = d.device AND f.seq > 0
                           ORDER BY f.seq LIMIT 1))
      FROM line JOIN ledger_sync.device AS d USING (device) WHERE d.replaces IS NOT NULL
  ) CYCLE device SET is_cycle USING path
  SELECT l.device, l.clock FROM line AS l WHERE NOT l.is_cycle
$clocks$;
COMMENT ON FUNCTION ledger_sync.line_clocks(uuid) IS 'A device and those that it replaces, and until when what they wrote is its own';

-- Keys of a table in batches that wait, into pg_temp.ledger_prove_custody.
CREATE OR REPLACE FUNCTION ledger_sync.prove_custody(devices uuid[], r ledger_sync.relation) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $custody$
DECLARE
  held record;
BEGIN
  TRUNCATE pg_temp.ledger_prove_custody;
  FOR held IN
    SELECT b.device, b.epoch, b.seq, t.n AS position,
           (SELECT string_agg(format('%I text', c.name), ', ' ORDER BY c.kind, c.n)
              FROM (SELECT 1 AS kind, 0 AS n, 'ledger hlc' AS name UNION ALL SELECT 1, 1, 'ledger gone'
                    UNION ALL SELECT 2, d.n, 'ledger delta ' || d.n FROM jsonb_array_elements_text(t.of -> 'deltas') WITH ORDINALITY AS d(name, n)
                    UNION ALL SELECT 3, d.n, d.name FROM jsonb_array_elements_text(t.of -> 'columns') WITH ORDINALITY AS d(name, n)) AS c) AS fields
      FROM ledger_sync.batch AS b CROSS JOIN jsonb_array_elements(b.header -> 'tables') WITH ORDINALITY AS t(of, n)
      WHERE b.device = ANY (devices) AND b.state = 'waiting' AND t.of ->> 'schema' = r.table_schema AND t.of ->> 'table' = r.table_name
  LOOP
    EXECUTE format('CREATE TEMP TABLE ledger_prove_row (%s) ON COMMIT DROP', held.fields);
    EXECUTE format(
      'INSERT INTO pg_temp.ledger_prove_custody SELECT %s FROM (SELECT (i.row::pg_temp.ledger_prove_row).* FROM ledger_sync.inbox AS i'
      ' WHERE i.device = $1 AND i.epoch = $2 AND i.seq = $3 AND i.position = $4) AS x', ledger_sync.key_expression(r.key_names))
      USING held.device, held.epoch, held.seq, held.position;
    DROP TABLE pg_temp.ledger_prove_row;
  END LOOP;
END
$custody$;
COMMENT ON FUNCTION ledger_sync.prove_custody(uuid[], ledger_sync.relation) IS 'The keys of a table that batches in custody have';

-- SQL for the text of columns whose values stand here under adopted keys: as the device has them. {} if there are none.
CREATE OR REPLACE FUNCTION ledger_sync.adopted_expressions(devices uuid[], of_table regclass) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $adopted$
  SELECT coalesce(jsonb_object_agg(a.attname, format(
           'coalesce((SELECT min(w.key) FROM ledger_sync.alias AS w WHERE w.device = ANY (%L::uuid[]) AND w.table_schema = %L AND w.table_name = %L'
           ' AND w.main_key = concat(x.%I)), concat(x.%4$I))', devices, n.nspname, t.relname, a.attname)), '{}')
  FROM pg_constraint AS c
  JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
  JOIN pg_class AS t ON t.oid = c.confrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
  WHERE c.conrelid = of_table AND c.contype = 'f' AND cardinality(c.conkey) = 1
    AND EXISTS (SELECT FROM ledger_sync.alias AS w
                WHERE w.device = ANY (devices) AND w.table_schema = n.nspname AND w.table_name = t.relname)
$adopted$;
COMMENT ON FUNCTION ledger_sync.adopted_expressions(uuid[], regclass) IS 'SQL that puts a device''s own keys where main has those of adopted rows';

-- SQL that a row x has the key in `of_key`, by an index where there is one.
CREATE OR REPLACE FUNCTION ledger_sync.match_expression(r ledger_sync.relation, of_key text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $match$
  SELECT CASE WHEN cardinality(r.key_names) = 1
              THEN (SELECT format('x.%I = %s::%s', a.attname, of_key, format_type(a.atttypid, -1)) FROM pg_attribute AS a
                    WHERE a.attrelid = format('%I.%I', r.table_schema, r.table_name)::regclass AND a.attname = r.key_names[1])
              ELSE ledger_sync.key_expression(r.key_names) || ' = ' || of_key END
$match$;
COMMENT ON FUNCTION ledger_sync.match_expression(ledger_sync.relation, text) IS 'SQL that finds a row x by the text of its key';

-- Rows whose key is, or has in it, that of an adopted row: single keys are looked up into main_key, records are made to compare.
CREATE OR REPLACE FUNCTION ledger_sync.match_adopted(devices uuid[], r ledger_sync.relation, mapped jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $match$
BEGIN
  IF NOT mapped ?| r.key_names THEN RETURN ledger_sync.match_expression(r, 's.key'); END IF;
  IF cardinality(r.key_names) > 1 THEN
    RETURN (SELECT 'ROW(' || string_agg(coalesce(mapped ->> k.name, format('x.%I', k.name)), ', ' ORDER BY k.n) || ')::text = s.key'
            FROM unnest(r.key_names) WITH ORDINALITY AS k(name, n));
  END IF;
  UPDATE pg_temp.ledger_prove AS s SET main_key = w.main_key
    FROM ledger_sync.alias AS w, pg_constraint AS c JOIN pg_class AS t ON t.oid = c.confrelid JOIN pg_namespace AS n ON n.oid = t.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.conrelid = format('%I.%I', r.table_schema, r.table_name)::regclass AND c.contype = 'f' AND cardinality(c.conkey) = 1
      AND a.attname = r.key_names[1] AND w.device = ANY (devices) AND w.table_schema = n.nspname AND w.table_name = t.relname AND w.key = s.key;
  RETURN ledger_sync.match_expression(r, 'coalesce(s.main_key, s.key)');
END
$match$;
COMMENT ON FUNCTION ledger_sync.match_adopted(uuid[], ledger_sync.relation, jsonb) IS 'SQL that finds a row x of a row s in pg_temp.ledger_prove, also where its key was adopted';

-- of_columns: those that the hashes are of. A fact's status is not among them; it goes forward on both sides.
CREATE OR REPLACE FUNCTION ledger_sync.prove(of_device uuid, of_schema text, of_table_schema text, of_table_name text, of_columns text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET row_security = off
AS $prove$
DECLARE
  r       ledger_sync.relation;
  devices uuid[] := ledger_sync.line_of(of_device);
  status  text := 'NULL::text';
  image   text;
  mapped  jsonb;
BEGIN
  SELECT * INTO STRICT r FROM ledger_sync.relations(of_schema) AS o
    WHERE o.table_schema = of_table_schema AND o.table_name = of_table_name;
  ANALYZE pg_temp.ledger_prove;
  INSERT INTO pg_temp.ledger_prove_table SELECT r.position, of_table_schema, of_table_name, count(*) FROM pg_temp.ledger_prove;
  PERFORM ledger_sync.prove_custody(devices, r);
  mapped := ledger_sync.adopted_expressions(devices, format('%I.%I', of_table_schema, of_table_name)::regclass);
  IF r.kind = 'fact' AND r.status_column IS NOT NULL THEN
    status := format('CASE WHEN x.%1$I IS NOT NULL THEN concat(x.%1$I) END', r.status_column);
  END IF;
  -- As the merge makes it: of what a batch carries but differences and main's columns.
  SELECT format('hashtextextended(ROW(%s)::text, 0)', string_agg(format('x.%I', c.name), ', ' ORDER BY c.n)) INTO image
    FROM unnest(r.column_names) WITH ORDINALITY AS c(name, n)
    JOIN pg_attribute AS a ON a.attrelid = format('%I.%I', of_table_schema, of_table_name)::regclass AND a.attname = c.name
    WHERE a.attgenerated = '' AND c.name <> ALL (r.delta_names || r.main_names);
  EXECUTE format($sql$
    WITH line AS MATERIALIZED (
      SELECT c.device, c.clock FROM ledger_sync.line_clocks($7) AS c
    ), other AS MATERIALIZED (
      SELECT s.key, CASE WHEN x.%1$I IS NULL THEN coalesce(s.main_key, s.key) ELSE %10$s END AS main_key, x.%1$I IS NULL AS is_missing,
             %2$s = s.hash AS is_same, s.status AS given, %3$s AS status, %9$s AS image
      FROM pg_temp.ledger_prove AS s LEFT JOIN %4$I.%5$I AS x ON %6$s
      WHERE (%2$s = s.hash AND %3$s IS NOT DISTINCT FROM s.status) IS NOT TRUE%7$s
    ), ranked AS (
      SELECT o.*, (SELECT n FROM jsonb_array_elements($4) WITH ORDINALITY AS j(rank, n) WHERE j.rank ? o.given) AS given_rank,
             (SELECT n FROM jsonb_array_elements($4) WITH ORDINALITY AS j(rank, n) WHERE j.rank ? o.status) AS rank
      FROM other AS o
    )
    INSERT INTO pg_temp.ledger_prove_found (position, key, verdict)
    SELECT $5, o.key, CASE
        WHEN EXISTS (SELECT FROM pg_temp.ledger_prove_waiting AS w WHERE w.table_schema = $1 AND w.table_name = $2 AND w.key = o.key
                       AND w.seq > (SELECT d.received_seq FROM ledger_sync.device AS d WHERE d.device = $7))
          THEN 'waiting'
        WHEN EXISTS (SELECT FROM pg_temp.ledger_prove_custody AS w WHERE w.key = o.key) THEN 'custody'
        WHEN o.is_missing AND EXISTS (SELECT FROM ledger_sync.alias AS a JOIN %4$I.%5$I AS x ON %8$s
                                      WHERE a.device = ANY ($3) AND a.table_schema = $1 AND a.table_name = $2 AND a.key = o.key)
          THEN 'adopted'
        WHEN o.is_missing
          THEN CASE WHEN v.key IS NOT NULL AND NOT (v.gone AND l.device IS NOT NULL) THEN 'superseded' ELSE 'missing' END
        WHEN EXISTS (SELECT FROM ledger_sync.conflict AS c WHERE c.table_schema = $1 AND c.table_name = $2 AND c.key = o.main_key
                       AND c.kind = 'renamed' AND c.device = ANY ($3))
          THEN 'renamed'
        WHEN o.rank > o.given_rank THEN 'superseded'
        WHEN o.is_same AND o.rank < o.given_rank THEN 'behind'
        WHEN $6 <> 'fact' AND (v.key IS NULL OR l.device IS NULL OR v.image IS DISTINCT FROM o.image) THEN 'superseded'
        ELSE 'differs' END
    FROM ranked AS o LEFT JOIN ledger_sync.row_version AS v ON v.table_schema = $1 AND v.table_name = $2 AND v.key = o.main_key
      LEFT JOIN line AS l ON l.device = v.device AND v.hlc <= l.clock
    $sql$,
    r.key_names[1], ledger_sync.hash_expression(ledger_sync.row_expression(of_columns)), status, of_table_schema, of_table_name,
    ledger_sync.match_adopted(devices, r, mapped),
    CASE WHEN mapped <> '{}' THEN
      format(' AND (%s = s.hash AND %s IS NOT DISTINCT FROM s.status) IS NOT TRUE',
             ledger_sync.hash_expression(ledger_sync.row_expression(of_columns, mapped)), status) END,
    ledger_sync.match_expression(r, 'a.main_key'), image, ledger_sync.key_expression(r.key_names))
    USING of_table_schema, of_table_name, devices, coalesce(r.status_ranks, '[]'), r.position, r.kind, of_device;
  TRUNCATE pg_temp.ledger_prove;
END
$prove$;
COMMENT ON FUNCTION ledger_sync.prove(uuid, text, text, text, text[]) IS 'Compares the rows in pg_temp.ledger_prove with those of a table';

-- What is wrong with the batches themselves, a sentence each: gaps, links, and the heads of the device's journal.
CREATE OR REPLACE FUNCTION ledger_sync.prove_batches(of_device uuid, last_cut bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $batches$
BEGIN
  RETURN QUERY
  WITH d AS (SELECT * FROM ledger_sync.device WHERE device = of_device),
  b AS (
    SELECT b.seq, encode(b.hash, 'hex') AS hash, b.header, lag(b.seq) OVER w AS before, lag(encode(b.hash, 'hex')) OVER w AS before_hash
    FROM ledger_sync.batch AS b JOIN d USING (device, epoch) WINDOW w AS (ORDER BY b.seq)
  ),
  said AS (
    SELECT b.seq, format('batch %s follows on batch %s: those between are missing', b.seq, coalesce(b.before, 0)) AS sentence
      FROM b WHERE b.seq > coalesce(b.before, 0) + 1
    UNION ALL SELECT b.seq, format('batch %s does not continue the one before it', b.seq)
      FROM b WHERE b.seq > 0 AND b.header ->> 'previous' <> coalesce(b.before_hash, '')
    UNION ALL SELECT b.seq, format('batch %s is not the file''s: two files write as this device', b.seq)
      FROM b JOIN pg_temp.ledger_prove_batch AS p USING (seq) WHERE b.seq > 0 AND p.hash <> b.hash
    UNION ALL SELECT b.seq, format('the journal''s head in batch %s is not the file''s', b.seq)
      FROM b JOIN pg_temp.ledger_prove_batch AS p USING (seq)
      WHERE b.seq > 0 AND (p.journal, p.head) IS DISTINCT FROM ((b.header ->> 'journal')::bigint, b.header ->> 'head')
    UNION ALL SELECT d.received_seq, format('main has batch %s, and the file has cut %s', d.received_seq, last_cut)
      FROM d WHERE d.received_seq > last_cut
    UNION ALL SELECT d.received_seq, format('main says that it has batch %s, and does not', d.received_seq)
      FROM d WHERE d.received_seq > 0 AND NOT EXISTS (SELECT FROM b WHERE b.seq = d.received_seq)
  )
  SELECT sentence FROM said ORDER BY seq;
END
$batches$;
COMMENT ON FUNCTION ledger_sync.prove_batches(uuid, bigint) IS 'What is wrong with the list of a device''s batches';

CREATE OR REPLACE FUNCTION ledger_sync.prove_report(of_device uuid, last_cut bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $report$
BEGIN
  RETURN (WITH verdicts AS (
    SELECT position, verdict, count(*) AS rows FROM pg_temp.ledger_prove_found GROUP BY 1, 2
  ), tables AS (
    SELECT t.position, jsonb_build_object('schema', t.table_schema, 'table', t.table_name, 'rows', t.rows,
             'same', t.rows - coalesce((SELECT sum(v.rows) FROM verdicts AS v WHERE v.position = t.position), 0))
           || coalesce((SELECT jsonb_object_agg(v.verdict, v.rows) FROM verdicts AS v WHERE v.position = t.position), '{}') AS document
    FROM pg_temp.ledger_prove_table AS t
  ), sample AS (
    SELECT f.*, row_number() OVER (PARTITION BY f.verdict ORDER BY f.position, f.key) AS n FROM pg_temp.ledger_prove_found AS f
  ), problems AS (
    SELECT coalesce(jsonb_agg(p), '[]') AS list FROM ledger_sync.prove_batches(of_device, last_cut) AS p
  )
  SELECT jsonb_build_object('ledger_proof', 1, 'main', (SELECT main FROM ledger_sync.installation), 'device', d.device,
      'proven', p.list = '[]' AND NOT EXISTS (SELECT FROM verdicts WHERE verdict IN ('missing', 'differs', 'behind')),
      'received', d.received_seq, 'applied', d.applied_seq, 'revoked', d.revoked_at IS NOT NULL,
      'reason', (SELECT b.reason FROM ledger_sync.batch AS b WHERE b.device = d.device AND b.state = 'waiting' ORDER BY b.epoch, b.seq LIMIT 1),
      'problems', p.list,
      'tables', (SELECT coalesce(jsonb_agg(t.document ORDER BY t.position), '[]') FROM tables AS t),
      'first', (SELECT coalesce(jsonb_agg(jsonb_build_object('verdict', s.verdict, 'schema', t.table_schema, 'table', t.table_name, 'key', s.key)
                                          ORDER BY s.verdict NOT IN ('missing', 'differs', 'behind'), s.verdict, s.position, s.key), '[]')
                FROM sample AS s JOIN pg_temp.ledger_prove_table AS t USING (position) WHERE s.n <= 100))::text
  FROM ledger_sync.device AS d CROSS JOIN problems AS p WHERE d.device = of_device);
END
$report$;
COMMENT ON FUNCTION ledger_sync.prove_report(uuid, bigint) IS 'What the proof has found, as JSON';
