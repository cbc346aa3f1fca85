-- The schema ledger_sync: the proof that a device's rows are here. `ledger prove` sends one transaction
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

-- SQL for the image of a main's row: a hash of what a batch carries but differences and main's columns. It tells apart what the text of the row
-- does: where hashing a value would not (1.0 and 1.00; an int8 folds to 32 bits), the text or the bytes that are sent are hashed.
CREATE OR REPLACE FUNCTION ledger_sync.image_expression(alias text, r ledger_sync.relation, id regclass) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $image$
  SELECT format('hash_record_extended(ROW(%s), 0)', string_agg(format(CASE
      WHEN a.atttypid IN ('bool'::regtype, 'int2'::regtype, 'int4'::regtype, 'date'::regtype, 'uuid'::regtype, 'bytea'::regtype)
        OR a.atttypid IN ('text'::regtype, 'varchar'::regtype) AND l.collisdeterministic THEN '%s.%I'
      WHEN a.atttypid = 'int8'::regtype THEN 'int8send(%s.%I)'
      WHEN a.atttypid = 'timestamptz'::regtype THEN 'timestamptz_send(%s.%I)'
      WHEN a.atttypid = 'timestamp'::regtype THEN 'timestamp_send(%s.%I)'
      ELSE 'ROW(%s.%I)::text' END, alias, c.name), ', ' ORDER BY c.n))
  FROM unnest(r.column_names) WITH ORDINALITY AS c(name, n)
  JOIN pg_attribute AS a ON a.attrelid = id AND a.attname = c.name AND NOT a.attisdropped
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
  WHERE a.attgenerated = '' AND c.name <> ALL (r.delta_names || r.main_names)
$image$;
COMMENT ON FUNCTION ledger_sync.image_expression(text, ledger_sync.relation, regclass) IS 'SQL for the image of a row, as row_version has it';

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
  image := ledger_sync.image_expression('x', r, format('%I.%I', of_table_schema, of_table_name)::regclass);
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
