-- The schema ledger_sync: schemas, devices, their acknowledgements, and the fleet as a view.

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
