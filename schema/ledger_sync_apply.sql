-- The schema ledger_sync on the main PostgreSQL: applying batches. A batch is one transaction: begin_batch() checks where it stands
-- and makes a TEMP table for each of its tables, the client fills those, end_batch() checks what came and merges it. What cannot be
-- merged is taken into custody whole, and retry() goes on from there. All state is the transaction's own: any pooler will do.
--
-- Statements are made from templates, where {name} stands for a fragment that part() derives from main's catalogs. They are planned
-- with a search_path of pg_catalog alone; {path} then switches to the application's, which its triggers need, before the first row.
--
-- No deadlock between batches: the tables come in one order for all sessions; in each the rows that main has are locked and then new ones
-- inserted, both in the order of their keys. If another session got in between, the table's work is undone and done again.

-- The template with its fragments, in one pass: what a fragment contains is never looked at again.
CREATE OR REPLACE FUNCTION ledger_sync.fill(template text, part jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $fill$
  SELECT string_agg(m.found[1] || CASE WHEN m.found[2] IS NULL THEN '' ELSE coalesce(part ->> m.found[2], format('{no fragment %s}', m.found[2])) END,
                    '' ORDER BY m.n)
  FROM regexp_matches(template, '([^{]*)(?:\{(\w+)\})?', 'g') WITH ORDINALITY AS m(found, n)
$fill$;
COMMENT ON FUNCTION ledger_sync.fill(text, jsonb) IS 'A statement from a template';

-- Runs a statement on the application's tables; how many rows it wrote.
CREATE OR REPLACE FUNCTION ledger_sync.run(template text, part jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $run$
DECLARE
  rows bigint;
BEGIN
  EXECUTE ledger_sync.fill(template, part);
  GET DIAGNOSTICS rows = ROW_COUNT;
  RETURN rows;
END
$run$;
COMMENT ON FUNCTION ledger_sync.run(text, jsonb) IS 'Runs a statement made from a template';

-- The same for a statement whose one number is the answer.
CREATE OR REPLACE FUNCTION ledger_sync.ask(template text, part jsonb) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $ask$
DECLARE
  answer bigint;
BEGIN
  EXECUTE ledger_sync.fill(template, part) INTO answer;
  RETURN answer;
END
$ask$;
COMMENT ON FUNCTION ledger_sync.ask(text, jsonb) IS 'Runs a statement made from a template that answers with a number';

-- ---- receiving

CREATE OR REPLACE FUNCTION ledger_sync.stage(given jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $stage$
DECLARE
  sent record;
BEGIN
  FOR sent IN SELECT t.value AS table, t.n FROM jsonb_array_elements(given -> 'tables') WITH ORDINALITY AS t(value, n) LOOP
    EXECUTE format('CREATE TEMP TABLE ledger_%s ("ledger hlc" text, "ledger gone" text%s%s) ON COMMIT DROP', sent.n,
      (SELECT string_agg(format(', "ledger delta %s" text', d.n), '' ORDER BY d.n)
         FROM jsonb_array_elements_text(sent.table -> 'deltas') WITH ORDINALITY AS d(name, n)),
      (SELECT string_agg(format(', %I text', c.name), '' ORDER BY c.n)
         FROM jsonb_array_elements_text(sent.table -> 'columns') WITH ORDINALITY AS c(name, n)));
  END LOOP;
END
$stage$;
COMMENT ON FUNCTION ledger_sync.stage(jsonb) IS 'Makes the TEMP tables for the rows of a batch';

CREATE OR REPLACE FUNCTION ledger_sync.begin_batch(header text, hash text) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $begin$
DECLARE
  given     jsonb;
  of_device uuid;
  of_epoch  bigint;
  of_seq    bigint;
  known     ledger_sync.device;
  kept      bytea;
BEGIN
  IF encode(sha256(convert_to(header, 'UTF8')), 'hex') IS DISTINCT FROM hash THEN
    RAISE EXCEPTION 'the batch was altered: its header is not the one of its hash' USING ERRCODE = 'LS007',
      HINT = 'Send it again.';
  END IF;
  BEGIN
    given := header::jsonb;
    of_device := (given ->> 'device')::uuid;
    of_epoch := (given ->> 'epoch')::bigint;
    of_seq := (given ->> 'seq')::bigint;
    IF (given ->> 'ledger_batch')::integer > 1 THEN
      RAISE EXCEPTION 'the batch was made by a newer ledger' USING ERRCODE = 'LS008',
        HINT = 'Install its ledger_sync here: ledger export FILE --init | psql.';
    END IF;
    IF of_device IS NULL OR of_epoch IS NULL OR of_seq IS NULL OR of_seq < 1 OR (given ->> 'ledger_batch') IS NULL
       OR jsonb_typeof(given -> 'tables') IS DISTINCT FROM 'array' THEN
      RAISE data_exception;
    END IF;
  EXCEPTION WHEN data_exception THEN
    RAISE EXCEPTION 'the batch was altered: its header cannot be read' USING ERRCODE = 'LS007', HINT = 'Send it again.';
  END;

  PERFORM pg_advisory_xact_lock(hashtextextended('ledger_sync:' || of_device, 0));
  SELECT * INTO known FROM ledger_sync.device AS d WHERE d.device = of_device FOR UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the device % is not enrolled here', of_device USING ERRCODE = 'LS001',
      HINT = 'Enrol it: ledger push does, or ledger export FILE --init --enrol | psql.';
  END IF;
  IF known.revoked_at IS NOT NULL THEN
    RAISE EXCEPTION 'the device % is revoked%', of_device, coalesce(': ' || known.revoked_because, '') USING ERRCODE = 'LS002';
  END IF;
  PERFORM set_config('ledger_sync.device', of_device::text, true), set_config('ledger_sync.epoch', of_epoch::text, true),
          set_config('ledger_sync.seq', of_seq::text, true), set_config('ledger_sync.hash', hash, true),
          set_config('ledger_sync.header', header, true), set_config('ledger_sync.skip', '0', true);

  SELECT b.hash INTO kept FROM ledger_sync.batch AS b WHERE b.device = of_device AND b.epoch = of_epoch AND b.seq = of_seq;
  IF FOUND THEN
    IF kept <> decode(hash, 'hex') THEN
      RAISE EXCEPTION 'fork: main has batch % of the device % with another content', of_seq, of_device USING ERRCODE = 'LS004',
        HINT = 'The file was restored or copied: ledger device rekey FILE.';
    END IF;
    PERFORM set_config('ledger_sync.skip', '1', true), ledger_sync.stage(given);
    RETURN '';
  END IF;
  IF of_epoch <> known.epoch THEN
    RAISE EXCEPTION 'the batch is of epoch %, and main expects epoch % of the device %', of_epoch, known.epoch, of_device
      USING ERRCODE = 'LS005', HINT = 'The file was restored or copied: ledger device rekey FILE.';
  END IF;
  IF of_seq > known.received_seq + 1 THEN
    RAISE EXCEPTION 'gap: batch % came, and main expects batch % of the device %', of_seq, known.received_seq + 1, of_device
      USING ERRCODE = 'LS006', HINT = format('Send from there: ledger export FILE --since %s.', known.received_seq + 1);
  END IF;
  IF of_seq <= known.received_seq OR given ->> 'previous' IS DISTINCT FROM encode(known.received_hash, 'hex') THEN
    RAISE EXCEPTION 'fork: batch % does not follow batch % that main has of the device %', of_seq, known.received_seq, of_device
      USING ERRCODE = 'LS004', HINT = 'The file was restored or copied: ledger device rekey FILE.';
  END IF;
  PERFORM ledger_sync.check_schema(given ->> 'schema');
  PERFORM ledger_sync.stage(given);
  RETURN '';
END
$begin$;
COMMENT ON FUNCTION ledger_sync.begin_batch(text, text) IS 'Begins a batch: checks device, chain and schema, and makes the TEMP tables for its rows';

-- What was staged is what the device cut: for each table the count of rows, and the sum over their hashes.
CREATE OR REPLACE FUNCTION ledger_sync.check_stage(given jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $check$
DECLARE
  sent   record;
  fields text;
  rows   bigint;
  total  numeric;
BEGIN
  FOR sent IN SELECT t.value AS table, t.n FROM jsonb_array_elements(given -> 'tables') WITH ORDINALITY AS t(value, n) LOOP
    SELECT string_agg(g.fields, ', ' ORDER BY g.n) INTO fields FROM ( -- a call has at most 100 arguments
      SELECT a.attnum / 90 AS n, format('concat_ws(E''\t'', %s)', string_agg(format('coalesce(s.%I, ''\N'')', a.attname), ', ' ORDER BY a.attnum)) AS fields
      FROM pg_attribute AS a WHERE a.attrelid = format('pg_temp.ledger_%s', sent.n)::regclass AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1) AS g;
    EXECUTE format('SELECT count(*), coalesce(sum(hashtextextended(concat_ws(E''\t'', %s), 0)), 0) FROM pg_temp.ledger_%s AS s', fields, sent.n)
      INTO rows, total;
    IF rows IS DISTINCT FROM (sent.table ->> 'rows')::bigint
       OR mod(mod(total, 18446744073709551616) + 18446744073709551616, 18446744073709551616) IS DISTINCT FROM (sent.table ->> 'sum')::numeric THEN
      RAISE EXCEPTION 'the batch was altered: the rows of %.% are not the ones that were cut', sent.table ->> 'schema', sent.table ->> 'table'
        USING ERRCODE = 'LS007', DETAIL = format('%s rows came, %s were sent.', rows, sent.table ->> 'rows'), HINT = 'Send it again.';
    END IF;
  END LOOP;
END
$check$;
COMMENT ON FUNCTION ledger_sync.check_stage(jsonb) IS 'Refuses a batch whose rows did not arrive as they were cut';

-- ---- a table of a batch, as fragments of SQL

CREATE OR REPLACE FUNCTION ledger_sync.part(given jsonb, at integer, late text[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $part$
DECLARE
  sent     jsonb := given -> 'tables' -> (at - 1);
  shown    text := format('%s.%s', sent ->> 'schema', sent ->> 'table');
  known    ledger_sync.relation;
  id       regclass := to_regclass(format('%I.%I', sent ->> 'schema', sent ->> 'table'));
  absent   text;
  made     jsonb;
  bound    bigint := ((extract(epoch FROM clock_timestamp()) * 1000)::bigint + 300000) << 16;
BEGIN
  SELECT * INTO known FROM ledger_sync.relation AS r
    WHERE r.schema_sha256 = given ->> 'schema' AND r.table_schema = sent ->> 'schema' AND r.table_name = sent ->> 'table';
  IF NOT FOUND OR known.kind NOT IN ('mutable', 'fact') OR cardinality(known.key_names) = 0 THEN
    RAISE EXCEPTION '%: the table does not sync', shown USING ERRCODE = 'LS003', SCHEMA = 'ledger_sync';
  END IF;
  IF id IS NULL THEN
    RAISE EXCEPTION '%: main has no such table', shown USING ERRCODE = 'undefined_table', SCHEMA = 'ledger_sync';
  END IF;
  SELECT string_agg(quote_ident(c.name), ', ' ORDER BY c.n) INTO absent
    FROM jsonb_array_elements_text(sent -> 'columns') WITH ORDINALITY AS c(name, n)
    WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = id AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped);
  IF absent IS NOT NULL THEN
    RAISE EXCEPTION '%: main has no column %', shown, absent USING ERRCODE = 'undefined_column', SCHEMA = 'ledger_sync';
  END IF;

  WITH columns AS (
    SELECT a.attname AS name, c.n, a.attname = ANY (late) AS is_late, a.attname = ANY (known.key_names) AS is_key, array_position(known.key_names, a.attname::text) AS key_n, d.n AS delta, a.attidentity = 'a' AS is_identity,
           a.attname = ANY (known.main_names) AS is_main, a.attname = ANY (known.edit_names) AS is_edit,
           CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod >= 0 THEN (a.atttypmod - 4) & 2047 END AS scale,
           EXISTS (SELECT FROM pg_constraint AS f WHERE f.conrelid = id AND f.contype = 'f' AND f.confdeltype = 'n' AND a.attnum = ANY (f.conkey)) AS is_loose,
           -- The text that the output function prints; ::text is another for boolean, inet and char.
           CASE WHEN a.atttypid IN ('uuid'::regtype, 'text'::regtype, 'varchar'::regtype, 'int2'::regtype, 'int4'::regtype, 'int8'::regtype)
             THEN format('t.%I::text', a.attname) ELSE format('format(''%%s'', t.%I)', a.attname) END AS output,
           -- A cast to a length cuts without a word, an assignment refuses: the length is left to the assignment.
           CASE WHEN a.atttypid = 'text'::regtype THEN format('s.%I', a.attname)
                ELSE format('s.%I::%s', a.attname, format_type(a.atttypid,
                  CASE WHEN t.typname IN ('numeric', 'timestamp', 'timestamptz', 'time', 'timetz', 'interval') THEN a.atttypmod ELSE -1 END)) END AS value
    FROM jsonb_array_elements_text(sent -> 'columns') WITH ORDINALITY AS c(name, n)
    JOIN pg_attribute AS a ON a.attrelid = id AND a.attname = c.name AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN jsonb_array_elements_text(sent -> 'deltas') WITH ORDINALITY AS d(name, n) ON d.name = c.name
  )
  SELECT jsonb_build_object(
    'names', string_agg(quote_ident(name), ', ' ORDER BY n),
    'insert_values', string_agg(CASE WHEN is_late THEN 'NULL' ELSE value END, ', ' ORDER BY n),
    'casts', jsonb_object_agg(name, value),
    'is_finer', string_agg(format('min_scale(s.%I::numeric) > %s', name, scale), ' OR ' ORDER BY n) FILTER (WHERE scale IS NOT NULL),
    'shown_s', string_agg(format('%s AS %I', value, name), ', ' ORDER BY n),
    'numbered', string_agg(format('%s AS c%s', value, n), ', ' ORDER BY n),
    'incoming', format('(SELECT to_jsonb(x) FROM (SELECT %s) AS x)', string_agg(format('s.c%s AS %I', n, name), ', ' ORDER BY n)),
    'key_values', string_agg(value, ', ' ORDER BY key_n) FILTER (WHERE is_key),
    'key_join', string_agg(format('t.%I = %s', name, value), ' AND ' ORDER BY n) FILTER (WHERE is_key),
    'key_s', CASE count(*) FILTER (WHERE is_key) WHEN 1 THEN min(format('s.%I', name)) FILTER (WHERE is_key)
      ELSE format('ROW(%s)::text', string_agg(format('s.%I', name), ', ' ORDER BY key_n) FILTER (WHERE is_key)) END,
    'key_o', CASE count(*) FILTER (WHERE is_key) WHEN 1 THEN min(format('o.%I', name)) FILTER (WHERE is_key)
      ELSE format('ROW(%s)::text', string_agg(format('o.%I', name), ', ' ORDER BY key_n) FILTER (WHERE is_key)) END,
    'key_t', CASE count(*) FILTER (WHERE is_key) WHEN 1 THEN min(output) FILTER (WHERE is_key)
      ELSE format('ROW(%s)::text', string_agg(format('t.%I', name), ', ' ORDER BY key_n) FILTER (WHERE is_key)) END,
    'key_order', string_agg(format('t.%I', name), ', ' ORDER BY key_n) FILTER (WHERE is_key),
    'keys', string_agg(quote_ident(name), ', ' ORDER BY key_n) FILTER (WHERE is_key),
    'work_join', string_agg(format('t.%I = s.c%s', name, n), ' AND ' ORDER BY n) FILTER (WHERE is_key),
    'sets', coalesce(string_agg(CASE WHEN delta IS NOT NULL THEN format('%1$I = t.%1$I + s.d%2$s', name, delta)
                            WHEN is_late THEN format('%1$I = CASE WHEN s.c%2$s IS NOT NULL THEN t.%1$I END', name, n)
                            WHEN sent -> 'deltas' = '[]' THEN format('%I = s.c%s', name, n)
                            ELSE format('%1$I = CASE WHEN s.written THEN s.c%2$s ELSE t.%1$I END', name, n) END, ', ' ORDER BY n)
      FILTER (WHERE NOT is_key AND NOT is_identity), ''),
    'fact_sets', coalesce(string_agg(format('%I = %s', name, value), ', ' ORDER BY n) FILTER (WHERE NOT is_key AND NOT is_identity AND NOT is_late), ''),
    'ours_t', coalesce(string_agg(format('t.%I', name), ', ' ORDER BY n) FILTER (WHERE delta IS NULL AND NOT is_main AND name <> ALL (known.delta_names)), ''),
    'late_sets', string_agg(format('%I = %s', name, value), ', ' ORDER BY n) FILTER (WHERE is_late),
    'late_nulls', string_agg(format('%I = NULL', name), ', ' ORDER BY n) FILTER (WHERE is_late),
    'late_differs', string_agg(format('t.%I IS DISTINCT FROM %s', name, value), ' OR ' ORDER BY n) FILTER (WHERE is_late),
    'ours_s', coalesce(string_agg(value, ', ' ORDER BY n) FILTER (WHERE delta IS NULL AND NOT is_main AND name <> ALL (known.delta_names)), ''),
    'edit_sets', coalesce(string_agg(format('%I = %s', name, value), ', ' ORDER BY n) FILTER (WHERE is_edit), ''),
    'edit_t', string_agg(format('t.%I', name), ', ' ORDER BY n) FILTER (WHERE is_edit),
    'edit_s', string_agg(value, ', ' ORDER BY n) FILTER (WHERE is_edit),
    'fact_t', coalesce(string_agg(format('t.%I', name), ', ' ORDER BY n) FILTER (WHERE NOT is_main AND NOT is_loose AND NOT is_late AND NOT is_edit), ''),
    'fact_s', coalesce(string_agg(value, ', ' ORDER BY n) FILTER (WHERE NOT is_main AND NOT is_loose AND NOT is_late AND NOT is_edit), ''))
  INTO made FROM columns;

  RETURN made || jsonb_build_object(
    'position', at, 'id', id::oid, 'shown', shown, 'kind', known.kind, 'collision', known.collision,
    'schema', quote_literal(known.table_schema), 'table', quote_literal(known.table_name),
    'schema_name', known.table_schema, 'table_name', known.table_name, 'columns', sent -> 'columns', 'key_names', to_jsonb(known.key_names),
    'source_o', format('pg_temp.ledger_%s', at),
    'origin', format('%L::uuid, %s, %s, %L, %L', given ->> 'device', given ->> 'epoch', given ->> 'seq', known.table_schema, known.table_name),
    'into_conflict', 'INSERT INTO ledger_sync.conflict (device, epoch, seq, table_schema, table_name, key, kind, incoming, current)',
    'into_version', 'INSERT INTO ledger_sync.row_version AS v (table_schema, table_name, key, hlc, device, image, gone)',
    'set_version', 'ON CONFLICT (table_schema, table_name, key) DO UPDATE'
      ' SET hlc = excluded.hlc, device = excluded.device, image = excluded.image, gone = excluded.gone',
    'target', format('%I.%I', known.table_schema, known.table_name), 'source', format('pg_temp.ledger_%s', at),
    'first_key', quote_ident(known.key_names[1]),
    'image_t', (SELECT format('hashtextextended(ROW(%s)::text, 0)', string_agg(format('t.%I', c.name), ', ' ORDER BY c.n))
      FROM unnest(known.column_names) WITH ORDINALITY AS c(name, n)
      JOIN pg_attribute AS a ON a.attrelid = id AND a.attname = c.name AND NOT a.attisdropped
      WHERE a.attgenerated = '' AND c.name <> ALL (known.delta_names || known.main_names)),
    'device', quote_literal(given ->> 'device') || '::uuid', 'epoch', given ->> 'epoch', 'seq', given ->> 'seq',
    'hlc', format('least(coalesce(s."ledger hlc", ''0'')::bigint, %s)', bound),
    'deltas', sent -> 'deltas',
    'delta_values', coalesce((SELECT string_agg(format('coalesce(s."ledger delta %1$s", ''0'')::numeric AS d%1$s, ', d.n), '' ORDER BY d.n)
      FROM jsonb_array_elements_text(sent -> 'deltas') WITH ORDINALITY AS d(name, n)), ''),
    'moves', coalesce((SELECT string_agg(format(' OR s.d%s <> 0', d.n), '' ORDER BY d.n)
      FROM jsonb_array_elements_text(sent -> 'deltas') WITH ORDINALITY AS d(name, n)), ''),
    'is_overdrawn', coalesce((SELECT string_agg(format('s.d%s < 0 AND t.%I < 0 AND s.c%s >= 0', d.n, d.name, c.n), ' OR ' ORDER BY d.n)
      FROM jsonb_array_elements_text(sent -> 'deltas') WITH ORDINALITY AS d(name, n)
      JOIN jsonb_array_elements_text(sent -> 'columns') WITH ORDINALITY AS c(name, n) ON c.name = d.name), 'false'),
    'is_kept', known.delta_names <> '{}' OR late <> '{}', 'late', late <> '{}',
    'rows', sent -> 'rows',
    'is_stale', CASE WHEN known.delta_names = '{}' AND late = '{}' THEN 'true'
      ELSE format('NOT EXISTS (SELECT FROM pg_temp.ledger_mark AS f WHERE f.position = %s AND NOT f.is_dead AND f.key = %s)', at, made ->> 'key_s') END,
    'main_hlc', coalesce((SELECT format('greatest(%s)', string_agg(format('(extract(epoch FROM t.%I) * 1000)::bigint << 16', a.attname), ', '))
      FROM pg_attribute AS a WHERE a.attrelid = id AND a.attname = ANY (known.main_names) AND NOT a.attisdropped
        AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype) HAVING count(*) > 0), 'NULL::bigint'),
    'now', bound - (300000::bigint << 16),
    'main', quote_literal((SELECT i.main FROM ledger_sync.installation AS i)) || '::uuid',
    'unversioned', NOT EXISTS (SELECT FROM ledger_sync.batch AS b WHERE b.seq = 0),
    'path', '(SELECT set_config(''search_path'', current_setting(''ledger_sync.path''), true)) IS NOT NULL',
    'status', known.status_column,
    'rank_s', CASE WHEN known.status_column IS NOT NULL THEN ledger_sync.rank_of('s', known) END,
    'rank_t', CASE WHEN known.status_column IS NOT NULL THEN ledger_sync.rank_of('t', known) END,
    'final', jsonb_array_length(known.status_ranks) - 1);
END
$part$;
COMMENT ON FUNCTION ledger_sync.part(jsonb, integer, text[]) IS 'A table of a batch as fragments for templates';

CREATE OR REPLACE FUNCTION ledger_sync.rank_of(alias text, known ledger_sync.relation) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $rank$
  SELECT format('CASE format(''%%s'', %s.%I)%s END', alias, known.status_column,
                string_agg(format(' WHEN %L THEN %s', v.name, r.n - 1), '' ORDER BY r.n, v.n))
  FROM jsonb_array_elements(known.status_ranks) WITH ORDINALITY AS r(names, n),
       jsonb_array_elements_text(r.names) WITH ORDINALITY AS v(name, n)
$rank$;
COMMENT ON FUNCTION ledger_sync.rank_of(text, ledger_sync.relation) IS 'SQL of the rank of a status';

-- ---- merging: LS010 and LS011 are this file's own, and never leave it: somebody else wrote the same rows meanwhile, or deleted some

-- Facts: each is there and identical afterwards, and its status moves only forward.
CREATE OR REPLACE FUNCTION ledger_sync.merge_fact(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $fact$
DECLARE
  live  bigint := p ->> 'rows';
  fresh bigint;
  other text;
BEGIN
  IF p ->> 'late' = 'false' THEN
    fresh := ledger_sync.run('INSERT INTO {target} AS t ({names}) OVERRIDING SYSTEM VALUE SELECT {insert_values} FROM {source} AS s'
      ' WHERE {path} AND s."ledger gone" = ''f'' ORDER BY {key_values} ON CONFLICT ({keys}) DO NOTHING', p);
  ELSE
    fresh := ledger_sync.run('WITH fresh AS (INSERT INTO {target} AS t ({names}) OVERRIDING SYSTEM VALUE SELECT {insert_values} FROM {source} AS s'
      ' WHERE {path} AND s."ledger gone" = ''f'' ORDER BY {key_values} ON CONFLICT ({keys}) DO NOTHING RETURNING {key_t} AS key)'
      ' INSERT INTO pg_temp.ledger_mark SELECT {position}, false, f.key FROM fresh AS f', p);
  END IF;
  IF fresh = live THEN RETURN; END IF;

  IF p ->> 'status' IS NOT NULL THEN
    PERFORM ledger_sync.ask('SELECT count(*) FROM (SELECT FROM {target} AS t JOIN {source} AS s ON {key_join} WHERE s."ledger gone" = ''f'''
      ' ORDER BY {key_order} FOR NO KEY UPDATE OF t) AS locked', p);
    PERFORM ledger_sync.run('UPDATE {target} AS t SET {fact_sets} FROM {source} AS s WHERE {path} AND {key_join} AND s."ledger gone" = ''f'''
      ' AND ({rank_s} > {rank_t} OR {rank_s} = {rank_t} AND {rank_s} < {final} AND ROW({fact_s})::text <> ROW({fact_t})::text)', p);
  END IF;
  IF p ->> 'edit_sets' <> '' THEN -- by somebody's hand: what the book writes has no clock
    PERFORM ledger_sync.run('UPDATE {target} AS t SET {edit_sets} FROM {source} AS s WHERE {path} AND {key_join} AND s."ledger gone" = ''f'''
      ' AND s."ledger hlc" IS NOT NULL AND ROW({edit_s})::text <> ROW({edit_t})::text', p);
  END IF;
  EXECUTE ledger_sync.fill('SELECT {key_s} FROM {source} AS s LEFT JOIN {target} AS t ON {key_join} WHERE s."ledger gone" = ''f'''
    ' AND (t.{first_key} IS NULL OR ROW({fact_s})::text <> ROW({fact_t})::text'
    || CASE WHEN p ->> 'status' IS NULL THEN '' ELSE ' AND coalesce({rank_s} >= {rank_t}, true)' END || ') ORDER BY 1 LIMIT 1', p) INTO other;
  IF other IS NOT NULL THEN
    RAISE EXCEPTION '% (%): main has this fact with another content', p ->> 'shown', other USING ERRCODE = 'LS009', SCHEMA = 'ledger_sync';
  END IF;
  PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, {key_s}, ''deleted fact'', NULL, to_jsonb(t)'
    ' FROM {source} AS s JOIN {target} AS t ON {key_join} WHERE s."ledger gone" = ''t'' ORDER BY {key_order}', p);
END
$fact$;
COMMENT ON FUNCTION ledger_sync.merge_fact(jsonb) IS 'Merges facts: each is present and identical, and its status moves only forward';

-- Whose each staged row is now, in TEMP ledger_work. An image other than the one that was left here is main's own edit, made when main's
-- column of time says, or just now. A row that no device has sent is main's, unless main was made from a device's full export.
CREATE OR REPLACE FUNCTION ledger_sync.weigh(p jsonb) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $weigh$
  SELECT ledger_sync.run('CREATE TEMP TABLE ledger_work ON COMMIT DROP AS SELECT z.*,'
    ' z.present AND z.live AND z.wins AND z.differs AS written,'
    ' CASE WHEN NOT z.change OR NOT z.live AND NOT z.present THEN false WHEN NOT z.present THEN true'
    '   ELSE (z.differs OR NOT z.live) AND (z.edited OR z.versioned AND z.their_device <> {device}) END AS disputed'
    ' FROM (SELECT y.*, y.change AND (NOT y.edited AND y.their_device = {device} OR (y.hlc, {device}) > (y.their_hlc, y.their_device)) AS wins'
    ' FROM (SELECT x.*,'
    '   CASE WHEN NOT x.edited THEN coalesce(x.version_hlc, 0) WHEN x.versioned THEN greatest(x.version_hlc, coalesce(x.main_hlc, {now}))'
    '        ELSE coalesce(x.main_hlc, 0) END AS their_hlc,'
    '   CASE WHEN x.edited OR NOT x.versioned THEN {main} ELSE x.version_device END AS their_device'
    ' FROM (SELECT w.*, w.is_other AND (NOT w.versioned OR w.version_hlc <> w.hlc OR w.version_device <> {device} OR w.version_image <> w.image) AS differs,'
    '   w.present AND CASE WHEN w.versioned THEN w.version_gone OR w.version_image IS DISTINCT FROM w.image ELSE {unversioned} END AS edited'
    ' FROM (SELECT {numbered}, {delta_values} {key_s} AS key, s."ledger gone" = ''f'' AS live, s."ledger hlc" IS NOT NULL AS change, {hlc} AS hlc,'
    '   t.{first_key} IS NOT NULL AS present, CASE WHEN t.{first_key} IS NOT NULL AND s."ledger gone" = ''f'''
    '     THEN record_image_ne(ROW({ours_s}), ROW({ours_t})) ELSE false END AS is_other,'
    '   {image_t} AS image, {main_hlc} AS main_hlc, v.key IS NOT NULL AS versioned, v.hlc AS version_hlc, v.device AS version_device,'
    '   v.image AS version_image, coalesce(v.gone, false) AS version_gone'
    ' FROM {source} AS s LEFT JOIN {target} AS t ON {key_join}'
    ' LEFT JOIN ledger_sync.row_version AS v ON v.table_schema = {schema} AND v.table_name = {table} AND v.key = {key_s}'
    ' WHERE {is_stale} OFFSET 0) AS w OFFSET 0) AS x OFFSET 0) AS y OFFSET 0) AS z', p)
$weigh$;
COMMENT ON FUNCTION ledger_sync.weigh(jsonb) IS 'Decides for each staged row of a mutable table which version wins';

-- Rows that may change: those that main has are locked, new ones inserted, and then it is known which version wins.
CREATE OR REPLACE FUNCTION ledger_sync.merge_mutable(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $mutable$
DECLARE
  gone    bigint;
  locked  bigint;
  fresh   bigint := 0;
  present bigint;
  raced   bigint;
BEGIN
  gone := ledger_sync.ask('SELECT count(*) FROM {source} AS s WHERE s."ledger gone" = ''t''', p);
  locked := ledger_sync.ask('SELECT count(*) FROM (SELECT FROM {target} AS t JOIN {source} AS s ON {key_join} ORDER BY {key_order} FOR '
    || CASE WHEN gone > 0 THEN 'UPDATE' ELSE 'NO KEY UPDATE' END || ' OF t) AS locked', p);
  IF locked < (p ->> 'rows')::bigint THEN
    fresh := ledger_sync.ask('WITH fresh AS ('
      ' INSERT INTO {target} AS t ({names}) OVERRIDING SYSTEM VALUE SELECT {insert_values} FROM {source} AS s'
      ' WHERE {path} AND s."ledger gone" = ''f'''
      || CASE WHEN locked > 0 THEN ' AND NOT EXISTS (SELECT FROM {target} AS t WHERE {key_join})' ELSE '' END
      || CASE WHEN p ? 'is_wary' THEN ' AND NOT EXISTS (SELECT FROM ledger_sync.row_version AS v'
           ' WHERE v.table_schema = {schema} AND v.table_name = {table} AND v.key = {key_s}'
           ' AND v.gone AND v.device <> {device} AND (v.hlc, v.device) > ({hlc}, {device}))' ELSE '' END ||
      ' ORDER BY {key_values} ON CONFLICT ({keys}) DO NOTHING RETURNING {key_t} AS key, {image_t} AS image'
      '), kept AS (INSERT INTO pg_temp.ledger_mark SELECT {position}, false, f.key FROM fresh AS f WHERE {is_kept}'
      '), versions AS ({into_version} SELECT {schema}, {table}, f.key, {hlc}, {device}, f.image, false FROM fresh AS f JOIN {source} AS s ON {key_s} = f.key'
      ' {set_version} WHERE NOT v.gone OR v.device = excluded.device OR (excluded.hlc, excluded.device) > (v.hlc, v.device) RETURNING 1'
      ') SELECT CASE WHEN f.n = v.n THEN f.n ELSE -1 END FROM (SELECT count(*) AS n FROM fresh) AS f, (SELECT count(*) AS n FROM versions) AS v', p);
    IF fresh < 0 THEN
      RAISE SQLSTATE 'LS011';
    END IF;
  END IF;
  IF fresh = (p ->> 'rows')::bigint THEN RETURN; END IF;

  PERFORM ledger_sync.weigh(p);
  SELECT count(*) FILTER (WHERE s.present), count(*) FILTER (WHERE s.live AND NOT s.present AND NOT s.version_gone) INTO present, raced
    FROM pg_temp.ledger_work AS s;
  IF raced > 0 OR present <> locked + (CASE p ->> 'is_kept' WHEN 'true' THEN 0 ELSE fresh END) THEN
    RAISE SQLSTATE 'LS010';
  END IF;
  PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, s.key, CASE WHEN s.wins THEN ''incoming wins'' ELSE ''current wins'' END,'
    ' CASE WHEN s.live THEN {incoming} END, to_jsonb(t)'
    ' FROM pg_temp.ledger_work AS s LEFT JOIN {target} AS t ON {work_join} WHERE s.disputed ORDER BY s.key', p);
  IF p ->> 'sets' <> '' THEN
    PERFORM ledger_sync.run('WITH changed AS ('
      'UPDATE {target} AS t SET {sets} FROM pg_temp.ledger_work AS s WHERE {path} AND {work_join} AND s.present AND (s.written{moves})'
      ' RETURNING s.key, s.hlc, s.written, {image_t} AS image)'
      ' {into_version} SELECT {schema}, {table}, c.key, c.hlc, {device}, c.image, false FROM changed AS c WHERE c.written {set_version}', p);
  END IF;
  PERFORM ledger_sync.run('{into_version} SELECT {schema}, {table}, s.key,'
    ' CASE WHEN s.wins THEN s.hlc ELSE s.their_hlc END, CASE WHEN s.wins THEN {device} ELSE {main} END,'
    ' CASE WHEN s.live OR NOT s.wins THEN s.image END, NOT s.live AND s.wins'
    ' FROM pg_temp.ledger_work AS s WHERE s.change AND CASE WHEN s.wins THEN NOT s.written AND (s.present OR NOT s.live) ELSE s.edited END ORDER BY s.key'
    ' {set_version} WHERE (v.hlc, v.device, v.image, v.gone) IS DISTINCT FROM (excluded.hlc, excluded.device, excluded.image, excluded.gone)'
    '   AND (v.device = excluded.device OR (excluded.hlc, excluded.device) >= (v.hlc, v.device))', p);
  IF p -> 'deltas' <> '[]' THEN
    PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, s.key, ''overdraft'', {incoming}, to_jsonb(t)'
      ' FROM pg_temp.ledger_work AS s JOIN {target} AS t ON {work_join} WHERE {is_overdrawn} ORDER BY s.key', p);
  END IF;
  IF gone > 0 THEN
    PERFORM ledger_sync.run('INSERT INTO pg_temp.ledger_mark SELECT {position}, true, s.key FROM pg_temp.ledger_work AS s'
      ' WHERE s.present AND NOT s.live AND s.wins', p);
  END IF;
  DROP TABLE pg_temp.ledger_work;
END
$mutable$;
COMMENT ON FUNCTION ledger_sync.merge_mutable(jsonb) IS 'Merges rows that may change: the last writer wins, balances add up';

CREATE OR REPLACE FUNCTION ledger_sync.delete_dead(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $dead$
BEGIN
  IF EXISTS (SELECT FROM pg_temp.ledger_mark AS d WHERE d.is_dead AND d.position = (p ->> 'position')::integer) THEN
    PERFORM ledger_sync.run('DELETE FROM {target} AS t USING {source} AS s, pg_temp.ledger_mark AS d'
      ' WHERE {path} AND d.position = {position} AND d.is_dead AND d.key = {key_s} AND {key_join}', p);
  END IF;
END
$dead$;
COMMENT ON FUNCTION ledger_sync.delete_dead(jsonb) IS 'Deletes the rows of a table whose deletion won';

-- ---- collisions: a row's natural key is another row's

-- The unique constraints and indexes beside the key, expressions and predicates included: SQL that pairs the staged rows (keys) with the
-- rows of main's (main_key) that they meet there, and the column to rename. An index over a column that the batch does not have is left out.
CREATE OR REPLACE FUNCTION ledger_sync.natural_keys(p jsonb) RETURNS TABLE (name text, meets text, renamed text, length integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $natural$
  SELECT c.relname::text,
         ledger_sync.fill('SELECT a.key, b.key AS main_key FROM'
           ' (SELECT x."ledger key" AS key, {parts} FROM (SELECT {shown_s}, {key_s} AS "ledger key" FROM {source} AS s WHERE s."ledger gone" = ''f'') AS x{where}) AS a'
           ' JOIN (SELECT x."ledger key" AS key, {parts} FROM (SELECT t.*, {key_t} AS "ledger key" FROM {target} AS t) AS x{where}) AS b'
           ' ON {same} WHERE a.key <> b.key',
           p || jsonb_build_object('parts', k.parts, 'same', k.same, 'where', coalesce(' WHERE ' || pg_get_expr(i.indpred, i.indrelid), ''))),
         d.renamed, d.length
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  CROSS JOIN LATERAL (
    SELECT string_agg(format('%s AS e%s', pg_get_indexdef(i.indexrelid, n, false), n), ', ' ORDER BY n) AS parts,
           string_agg(format('a.e%1$s = b.e%1$s', n), ' AND ' ORDER BY n) AS same
    FROM generate_series(1, i.indnkeyatts::integer) AS n
  ) AS k
  CROSS JOIN LATERAL (
    SELECT bool_and(p -> 'columns' ? a.attname) AS is_there, bool_and(p -> 'key_names' ? a.attname) AS is_key,
           (array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.atttypid IN ('text'::regtype, 'varchar'::regtype)))[1] AS renamed,
           (array_agg(nullif(a.atttypmod, -1) - 4 ORDER BY a.attnum) FILTER (WHERE a.atttypid IN ('text'::regtype, 'varchar'::regtype)))[1] AS length
    FROM pg_attribute AS a
    WHERE a.attrelid = i.indrelid AND (a.attnum = ANY (i.indkey::int2[]) OR EXISTS (SELECT FROM pg_depend AS o WHERE o.classid = 'pg_class'::regclass
      AND o.objid = i.indexrelid AND o.refclassid = 'pg_class'::regclass AND o.refobjid = i.indrelid AND o.refobjsubid = a.attnum)) AND a.attnum > 0
  ) AS d
  WHERE i.indrelid = (p ->> 'id')::oid AND i.indisunique AND d.is_there AND NOT (d.is_key AND i.indpred IS NULL)
  ORDER BY c.relname
$natural$;
COMMENT ON FUNCTION ledger_sync.natural_keys(jsonb) IS 'The unique indexes of a table beside its key, as SQL that finds what meets there';

-- Of the staged rows that would meet a row of main's: that row is deleted by the same batch (its deletion goes first), or it is changed by
-- the same batch (so that goes first; in a circle one makes room for a moment), or the table's rule decides.
CREATE OR REPLACE FUNCTION ledger_sync.make_way(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $way$
DECLARE
  unique_index record;
  met          record;
  pass         integer := 0;
BEGIN
  CREATE TEMP TABLE ledger_met (key text, main_key text, index_name text, is_dead boolean, is_staged boolean) ON COMMIT DROP;
  LOOP
    TRUNCATE pg_temp.ledger_met;
    FOR unique_index IN SELECT * FROM ledger_sync.natural_keys(p) LOOP
      PERFORM ledger_sync.run(format('INSERT INTO pg_temp.ledger_met SELECT m.key, m.main_key, %L, coalesce(o."ledger gone" = ''t'', false), o."ledger gone" IS NOT NULL'
        ' FROM (%s) AS m LEFT JOIN {source_o} AS o ON {key_o} = m.main_key',
        unique_index.name, unique_index.meets), p);
    END LOOP;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_temp.ledger_met);
    pass := pass + 1;

    IF EXISTS (SELECT FROM pg_temp.ledger_met AS m WHERE m.is_dead) AND pass = 1 THEN
      PERFORM ledger_sync.merge_mutable(ledger_sync.only(p, 's."ledger gone" = ''t'' AND {key_s} IN (SELECT m.main_key FROM pg_temp.ledger_met AS m)'));
      PERFORM ledger_sync.delete_dead(p);
      CONTINUE;
    END IF;
    SELECT m.* INTO met FROM pg_temp.ledger_met AS m WHERE NOT m.is_staged OR m.is_dead ORDER BY m.key, m.index_name LIMIT 1;
    IF FOUND THEN
      SELECT * INTO unique_index FROM ledger_sync.natural_keys(p) AS k WHERE k.name = met.index_name;
      PERFORM ledger_sync.settle(p, met.key, met.main_key, met.index_name, unique_index.renamed, unique_index.length);
      CONTINUE;
    END IF;
    -- Rows that are met, and meet none themselves, go first.
    IF ledger_sync.ask('SELECT count(*) FROM {source} AS s WHERE {key_s} IN (SELECT m.main_key FROM pg_temp.ledger_met AS m)'
         ' AND {key_s} NOT IN (SELECT m.key FROM pg_temp.ledger_met AS m) AND s."ledger gone" = ''f''', p) > 0 AND pass < 1000 THEN
      PERFORM ledger_sync.merge_mutable(ledger_sync.only(p, 's."ledger gone" = ''f'' AND {key_s} IN (SELECT m.main_key FROM pg_temp.ledger_met AS m)'
        ' AND {key_s} NOT IN (SELECT m.key FROM pg_temp.ledger_met AS m)'));
    ELSE
      SELECT m.*, k.renamed, k.length INTO met FROM pg_temp.ledger_met AS m JOIN ledger_sync.natural_keys(p) AS k ON k.name = m.index_name
        ORDER BY m.main_key, m.index_name LIMIT 1;
      EXIT WHEN met.renamed IS NULL OR pass >= 1000; -- the constraint itself will say it
      PERFORM ledger_sync.run(format('WITH moved AS (UPDATE {target} AS t SET %1$I = left(md5(t.%1$I || random()), %2$s)'
        ' WHERE {path} AND {key_t} = %3$L RETURNING {key_t} AS key, {image_t} AS image)'
        ' UPDATE ledger_sync.row_version AS v SET image = m.image FROM moved AS m'
        ' WHERE v.table_schema = {schema} AND v.table_name = {table} AND v.key = m.key', met.renamed, coalesce(met.length, 32), met.main_key), p);
    END IF;
  END LOOP;
  DROP TABLE pg_temp.ledger_met;
END
$way$;
COMMENT ON FUNCTION ledger_sync.make_way(jsonb) IS 'Settles, before rows are merged, the collisions of natural keys';

-- The same table with only some of its staged rows.
CREATE OR REPLACE FUNCTION ledger_sync.only(p jsonb, condition text) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $only$
DECLARE
  condition_sql text := ledger_sync.fill(condition, p);
BEGIN
  RETURN p || jsonb_build_object('source', format('(SELECT s.ctid, s.* FROM %s AS s WHERE %s)', p ->> 'source', condition_sql),
    'rows', ledger_sync.ask('SELECT count(*) FROM {source} AS s WHERE ' || condition_sql, p));
END
$only$;
COMMENT ON FUNCTION ledger_sync.only(jsonb, text) IS 'A part with only those staged rows that meet a condition';

-- A natural key that is taken by a row that this batch does not touch: the table's rule.
CREATE OR REPLACE FUNCTION ledger_sync.settle(p jsonb, of_key text, of_main_key text, index_name text, renamed text, length integer) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $settle$
DECLARE
  q jsonb := p || jsonb_build_object('key', quote_literal(of_key), 'main_key', quote_literal(of_main_key), 'column', quote_ident(renamed));
BEGIN
  IF p ->> 'collision' = 'adopt' AND jsonb_array_length(p -> 'key_names') = 1 THEN
    PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, {key}, ''adopted'', (SELECT to_jsonb(x) FROM (SELECT {shown_s}) AS x), to_jsonb(t)'
      ' FROM {source} AS s, {target} AS t WHERE {key_s} = {key} AND {key_t} = {main_key}', q);
    INSERT INTO ledger_sync.alias (device, table_schema, table_name, key, main_key)
      SELECT d.device, p ->> 'schema_name', p ->> 'table_name', of_key, of_main_key
      FROM (SELECT current_setting('ledger_sync.device')::uuid AS device) AS d;
    PERFORM ledger_sync.rewrite(current_setting('ledger_sync.header')::jsonb);
  ELSIF p ->> 'collision' = 'rename' AND renamed IS NOT NULL THEN
    IF ledger_sync.ask('SELECT count(*) FROM {source} AS s WHERE {key_s} = {key} AND s.{column} LIKE ''%~'' || right({key_s}, 8)', q) > 0 THEN
      RAISE EXCEPTION '% (%): its renamed "%" is taken too', p ->> 'shown', of_key, renamed USING ERRCODE = 'unique_violation', SCHEMA = 'ledger_sync';
    END IF;
    PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, {key}, ''renamed'', (SELECT to_jsonb(x) FROM (SELECT {shown_s}) AS x), to_jsonb(t)'
      ' FROM {source} AS s, {target} AS t WHERE {key_s} = {key} AND {key_t} = {main_key}', q);
    PERFORM ledger_sync.run(format('UPDATE {source} AS s SET {column} = left(s.{column}, %s) || ''~'' || right({key_s}, 8) WHERE {key_s} = {key}',
      coalesce(length, 1000000) - 9), q);
  ELSE
    RAISE EXCEPTION '% (%): its % is that of main''s row %', p ->> 'shown', of_key, index_name, of_main_key
      USING ERRCODE = 'unique_violation', SCHEMA = 'ledger_sync';
  END IF;
END
$settle$;
COMMENT ON FUNCTION ledger_sync.settle(jsonb, text, text, text, text, integer) IS 'Rejects, adopts or renames a row whose natural key is taken';

-- Rows that were adopted have main's keys: they themselves, and what refers to them.
CREATE OR REPLACE FUNCTION ledger_sync.rewrite(given jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $rewrite$
DECLARE
  of_device uuid := given ->> 'device';
  found     record;
BEGIN
  IF NOT EXISTS (SELECT FROM ledger_sync.alias AS a WHERE a.device = of_device) THEN RETURN; END IF;
  FOR found IN
    WITH adopted AS (
      SELECT DISTINCT a.table_schema, a.table_name, to_regclass(format('%I.%I', a.table_schema, a.table_name))::oid AS id
      FROM ledger_sync.alias AS a WHERE a.device = of_device
    ), staged AS (
      SELECT t.n, t.value ->> 'schema' AS table_schema, t.value ->> 'table' AS table_name, t.value -> 'columns' AS columns,
             to_regclass(format('%I.%I', t.value ->> 'schema', t.value ->> 'table'))::oid AS id
      FROM jsonb_array_elements(given -> 'tables') WITH ORDINALITY AS t(value, n)
    )
    SELECT s.n, a.table_schema, a.table_name, r.key_names[1] AS column FROM staged AS s JOIN adopted AS a ON a.id = s.id
      JOIN ledger_sync.relation AS r ON r.schema_sha256 = given ->> 'schema' AND r.table_schema = a.table_schema AND r.table_name = a.table_name
    UNION SELECT s.n, a.table_schema, a.table_name, c.attname FROM staged AS s
      JOIN pg_constraint AS f ON f.contype = 'f' AND f.conrelid = s.id AND cardinality(f.conkey) = 1
      JOIN adopted AS a ON a.id = f.confrelid
      JOIN pg_attribute AS c ON c.attrelid = s.id AND c.attnum = f.conkey[1] AND s.columns ? c.attname
      JOIN pg_attribute AS k ON k.attrelid = a.id AND k.attnum = f.confkey[1]
      JOIN ledger_sync.relation AS r ON r.schema_sha256 = given ->> 'schema' AND r.table_schema = a.table_schema AND r.table_name = a.table_name
       AND r.key_names = ARRAY[k.attname::text]
    ORDER BY 1, 4
  LOOP
    EXECUTE format('UPDATE pg_temp.ledger_%s AS s SET %I = a.main_key FROM ledger_sync.alias AS a'
                   ' WHERE a.device = $1 AND a.table_schema = $2 AND a.table_name = $3 AND a.key = s.%I', found.n, found.column, found.column)
      USING of_device, found.table_schema, found.table_name;
  END LOOP;
END
$rewrite$;
COMMENT ON FUNCTION ledger_sync.rewrite(jsonb) IS 'Gives staged rows the keys that adopted rows have on main';

-- ---- what cannot be merged is named

CREATE OR REPLACE FUNCTION ledger_sync.merge(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $merge$
DECLARE
  finer text;
BEGIN
  IF p ->> 'is_finer' IS NOT NULL THEN -- numeric(p,s) would round without a word
    EXECUTE ledger_sync.fill('SELECT {key_s} FROM {source} AS s WHERE {is_finer} LIMIT 1', p) INTO finer;
    IF finer IS NOT NULL THEN
      RAISE EXCEPTION '% (%): main keeps fewer decimals of a number than it has', p ->> 'shown', finer
        USING ERRCODE = 'numeric_value_out_of_range', SCHEMA = 'ledger_sync';
    END IF;
  END IF;
  IF p ->> 'kind' = 'fact' THEN
    PERFORM ledger_sync.merge_fact(p);
  ELSE
    PERFORM ledger_sync.merge_mutable(p);
  END IF;
END
$merge$;
COMMENT ON FUNCTION ledger_sync.merge(jsonb) IS 'Merges a table of a batch';

-- The first column of the only row of a part whose value main's type refuses, or null.
CREATE OR REPLACE FUNCTION ledger_sync.refused_column(p jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $refused$
DECLARE
  column_name text;
BEGIN
  FOR column_name IN SELECT jsonb_object_keys(p -> 'casts') LOOP
    BEGIN
      EXECUTE format('SELECT %s FROM %s AS s', p -> 'casts' ->> column_name, p ->> 'source');
    EXCEPTION WHEN OTHERS THEN
      RETURN column_name;
    END;
  END LOOP;
  RETURN NULL;
END
$refused$;
COMMENT ON FUNCTION ledger_sync.refused_column(jsonb) IS 'The column whose value main''s type refuses';

-- A statement over all rows failed: which row was it? By halves; nothing of what is tried here stays.
CREATE OR REPLACE FUNCTION ledger_sync.find_row(p jsonb) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $find$
DECLARE
  low    bigint := 1;
  high   bigint := p ->> 'rows';
  middle bigint;
  one    jsonb;
  key    text;
BEGIN
  BEGIN
    PERFORM ledger_sync.run('CREATE TEMP TABLE ledger_line ON COMMIT DROP AS SELECT s.ctid AS tid, row_number() OVER (ORDER BY s.ctid) AS n FROM {source} AS s', p);
    CREATE INDEX ON pg_temp.ledger_line (n);
    WHILE low < high LOOP
      middle := (low + high) / 2;
      BEGIN
        PERFORM ledger_sync.merge(ledger_sync.only(p, format('s.ctid IN (SELECT l.tid FROM pg_temp.ledger_line AS l WHERE l.n BETWEEN %s AND %s)', low, middle)));
        low := middle + 1;
      EXCEPTION WHEN OTHERS THEN
        high := middle;
      END;
    END LOOP;
    one := ledger_sync.only(p, format('s.ctid IN (SELECT l.tid FROM pg_temp.ledger_line AS l WHERE l.n = %s)', low));
    EXECUTE ledger_sync.fill('SELECT {key_s} FROM {source} AS s', one) INTO key;
    BEGIN
      PERFORM ledger_sync.merge(one);
      key := NULL; -- it is not the row alone
    EXCEPTION
      WHEN data_exception THEN
        key := key || coalesce(', column ' || ledger_sync.refused_column(one), '');
      WHEN OTHERS THEN
        NULL;
    END;
    RAISE SQLSTATE 'LS010';
  EXCEPTION WHEN SQLSTATE 'LS010' THEN
    RETURN key;
  END;
END
$find$;
COMMENT ON FUNCTION ledger_sync.find_row(jsonb) IS 'The key of the row that cannot be merged';

-- Merges a table, again where others were in the way, and says which row cannot be.
CREATE OR REPLACE FUNCTION ledger_sync.merge_table(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $table$
DECLARE
  q          jsonb := p;
  tries      integer := 0;
  is_crowded boolean := false;
  because    text;
  code       text;
  author       text;
  detail     text;
  key        text;
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
      IF is_crowded THEN
        PERFORM ledger_sync.make_way(q);
      END IF;
      PERFORM ledger_sync.merge(q);
      RETURN;
    EXCEPTION
      WHEN SQLSTATE 'LS010' THEN
        IF tries >= 1000 THEN
          RAISE EXCEPTION '%: others write the same rows all the time', p ->> 'shown' USING ERRCODE = 'serialization_failure', HINT = 'Send the batch again.';
        END IF;
      WHEN SQLSTATE 'LS011' THEN
        q := q || '{"is_wary": true}';
      WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS because = MESSAGE_TEXT, code = RETURNED_SQLSTATE, author = SCHEMA_NAME, detail = PG_EXCEPTION_DETAIL;
        IF code = '23505' AND NOT is_crowded THEN
          is_crowded := true;
        ELSIF author = 'ledger_sync' OR ledger_sync.passes(code) THEN
          RAISE;
        ELSE
          key := ledger_sync.find_row(q);
          IF code IN ('23503', '23505') THEN
            because := concat_ws(': ', because, nullif(detail, ''));
          END IF;
          RAISE EXCEPTION '%: %', concat(p ->> 'shown', ' (' || key || ')'), because USING ERRCODE = code, SCHEMA = 'ledger_sync';
        END IF;
    END;
  END LOOP;
END
$table$;
COMMENT ON FUNCTION ledger_sync.merge_table(jsonb) IS 'Merges a table of a batch, or says which of its rows cannot be';

-- What passes by itself (another session, the disk, a shutdown) is not for custody: the device sends again.
CREATE OR REPLACE FUNCTION ledger_sync.passes(code text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $passes$
  SELECT left(code, 2) IN ('40', '53', '57', '58', 'XX') OR code IN ('55P03', '25006')
$passes$;
COMMENT ON FUNCTION ledger_sync.passes(text) IS 'Whether an error passes by itself';

-- ---- a careful batch: differences by journal, of which main may have some by the device's former name

CREATE OR REPLACE FUNCTION ledger_sync.owe(given jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $owe$
DECLARE
  at      bigint;
  journal record;
BEGIN
  SELECT t.n INTO at FROM jsonb_array_elements(given -> 'tables') WITH ORDINALITY AS t(value, n)
    WHERE t.value ->> 'schema' = 'ledger_sync' AND t.value ->> 'table' = 'delta';
  IF at IS NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TEMP TABLE ledger_owed ON COMMIT DROP AS SELECT s.*, s.journal::uuid AS low,'
                 ' (left(s.journal, -2) || ''ff'')::uuid AS high FROM pg_temp.ledger_%s AS s', at);
  FOR journal IN
    SELECT DISTINCT r.table_schema, r.table_name, r.key_names[1] AS key FROM ledger_sync.relation AS r
    WHERE r.schema_sha256 = given ->> 'schema' AND r.table_name IN ('audit_logs', 'transactions', 'portfolio_transactions')
      AND cardinality(r.key_names) = 1 AND to_regclass(format('%I.%I', r.table_schema, r.table_name)) IS NOT NULL
  LOOP
    EXECUTE format('DELETE FROM pg_temp.ledger_owed AS o WHERE EXISTS (SELECT FROM %I.%I AS t WHERE t.%I BETWEEN o.low AND %s)',
                   journal.table_schema, journal.table_name, journal.key, CASE journal.table_name WHEN 'audit_logs' THEN 'o.low' ELSE 'o.high' END);
  END LOOP;
END
$owe$;
COMMENT ON FUNCTION ledger_sync.owe(jsonb) IS 'Notes which differences of a careful batch main does not have yet';

CREATE OR REPLACE FUNCTION ledger_sync.pay(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $pay$
DECLARE
  paid record;
  q    jsonb;
BEGIN
  FOR paid IN SELECT DISTINCT o.column_name FROM pg_temp.ledger_owed AS o
    WHERE o.table_schema = p ->> 'schema_name' AND o.table_name = p ->> 'table_name' ORDER BY o.column_name LOOP
    q := p || jsonb_build_object('column', quote_ident(paid.column_name),
      'owed', format('(SELECT o.key, sum(o.amount::numeric) AS amount FROM pg_temp.ledger_owed AS o'
                     ' WHERE o.table_schema = %s AND o.table_name = %s AND o.column_name = %L'
                     '   AND NOT EXISTS (SELECT FROM pg_temp.ledger_mark AS f WHERE f.position = %s AND NOT f.is_dead AND f.key = o.key)'
                     ' GROUP BY o.key HAVING sum(o.amount::numeric) <> 0)', p ->> 'schema', p ->> 'table', paid.column_name, p ->> 'position'));
    PERFORM ledger_sync.ask('SELECT count(*) FROM (SELECT FROM {target} AS t JOIN {owed} AS o ON {key_t} = o.key ORDER BY {key_order} FOR NO KEY UPDATE OF t) AS locked', q);
    PERFORM ledger_sync.run('UPDATE {target} AS t SET {column} = t.{column} + o.amount FROM {owed} AS o WHERE {path} AND {key_t} = o.key', q);
    PERFORM ledger_sync.run('{into_conflict} SELECT {origin}, o.key, ''overdraft'', NULL, to_jsonb(t)'
      ' FROM {owed} AS o JOIN {target} AS t ON {key_t} = o.key LEFT JOIN {source} AS s ON {key_s} = o.key'
      ' WHERE t.{column} < 0 AND o.amount < 0 AND coalesce(s.{column}::numeric >= 0, true) ORDER BY o.key', q);
  END LOOP;
END
$pay$;
COMMENT ON FUNCTION ledger_sync.pay(jsonb) IS 'Adds the differences of a careful batch that main does not have yet';

-- ---- applying

-- The batch's tables so that each comes after those that it refers to: one order for all sessions. Where references go in a circle that no
-- DEFERRABLE opens, the columns of one that may be null are set late.
CREATE OR REPLACE FUNCTION ledger_sync.table_order(given jsonb) RETURNS TABLE (at integer, late text[])
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $order$
DECLARE
  waiting oid[];
  sorted  oid[] := '{}';
  ready   oid[];
  opened  jsonb := '{}';
BEGIN
  SELECT array_agg(t.id ORDER BY t.first, t.id) INTO waiting
    FROM (SELECT to_regclass(format('%I.%I', r.table_schema, r.table_name))::oid AS id, min(r.position) AS first
          FROM ledger_sync.relation AS r WHERE r.kind IN ('mutable', 'fact') GROUP BY 1) AS t WHERE t.id IS NOT NULL;
  WHILE cardinality(waiting) > 0 LOOP
    SELECT array_agg(w.id ORDER BY w.n) INTO ready FROM unnest(waiting) WITH ORDINALITY AS w(id, n)
      WHERE NOT EXISTS (SELECT FROM pg_constraint AS f
        WHERE f.contype = 'f' AND f.conrelid = w.id AND f.confrelid <> w.id AND f.confrelid = ANY (waiting));
    IF ready IS NULL THEN
      -- A circle: the table with the fewest references that cannot wait opens it.
      SELECT ARRAY[w.id] INTO ready FROM unnest(waiting) WITH ORDINALITY AS w(id, n)
        ORDER BY (SELECT count(*) FROM pg_constraint AS f WHERE f.contype = 'f' AND f.conrelid = w.id AND f.confrelid <> w.id
                    AND f.confrelid = ANY (waiting) AND NOT f.condeferrable
                    AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = w.id AND a.attnum = ANY (f.conkey) AND a.attnotnull)), w.n
        LIMIT 1;
      opened := opened || coalesce((SELECT jsonb_build_object(ready[1], jsonb_agg(DISTINCT a.attname))
        FROM pg_constraint AS f JOIN pg_attribute AS a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
        WHERE f.contype = 'f' AND f.conrelid = ready[1] AND f.confrelid <> ready[1] AND f.confrelid = ANY (waiting)
          AND NOT f.condeferrable AND NOT a.attnotnull HAVING count(*) > 0), '{}');
    END IF;
    sorted := sorted || ready;
    SELECT coalesce(array_agg(w.id ORDER BY w.n), '{}') INTO waiting FROM unnest(waiting) WITH ORDINALITY AS w(id, n) WHERE w.id <> ALL (ready);
  END LOOP;
  RETURN QUERY
    SELECT t.n::integer, ARRAY(SELECT jsonb_array_elements_text(opened -> c.id::text))
    FROM jsonb_array_elements(given -> 'tables') WITH ORDINALITY AS t(value, n)
    CROSS JOIN LATERAL (SELECT to_regclass(format('%I.%I', t.value ->> 'schema', t.value ->> 'table'))::oid AS id) AS c
    WHERE t.value ->> 'schema' <> 'ledger_sync' ORDER BY array_position(sorted, c.id), t.n;
END
$order$;
COMMENT ON FUNCTION ledger_sync.table_order(jsonb) IS 'The order in which the tables of a batch are merged, and the columns that are set late';

-- References that had to wait until the row they name was there.
CREATE OR REPLACE FUNCTION ledger_sync.set_late(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $late$
BEGIN
  IF p ->> 'kind' = 'fact' THEN
    PERFORM ledger_sync.run('UPDATE {target} AS t SET {late_sets} FROM {source} AS s, pg_temp.ledger_mark AS f'
      ' WHERE {path} AND f.position = {position} AND NOT f.is_dead AND f.key = {key_s} AND {key_join} AND ({late_differs})', p);
  ELSE
    PERFORM ledger_sync.run('WITH changed AS (UPDATE {target} AS t SET {late_sets} FROM {source} AS s, ledger_sync.row_version AS v'
      ' WHERE {path} AND {key_join} AND s."ledger gone" = ''f'' AND s."ledger hlc" IS NOT NULL AND ({late_differs})'
      ' AND v.table_schema = {schema} AND v.table_name = {table} AND v.key = {key_s} AND v.device = {device} AND v.hlc = {hlc}'
      ' RETURNING {key_t} AS key, {image_t} AS image)'
      ' UPDATE ledger_sync.row_version AS v SET image = c.image FROM changed AS c'
      ' WHERE v.table_schema = {schema} AND v.table_name = {table} AND v.key = c.key', p);
  END IF;
END
$late$;
COMMENT ON FUNCTION ledger_sync.set_late(jsonb) IS 'Sets the references that close a circle';

-- Sequences go past the keys that came from main's own range, the first.
CREATE OR REPLACE FUNCTION ledger_sync.move_sequences(p jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $sequences$
DECLARE
  owned  record;
  latest bigint;
BEGIN
  FOR owned IN
    SELECT a.attname, d.id, CASE a.atttypid WHEN 'int2'::regtype THEN 1::bigint << 10 WHEN 'int4'::regtype THEN 1::bigint << 21 ELSE 1::bigint << 40 END AS size
    FROM pg_attribute AS a
    JOIN LATERAL (
      SELECT o.objid AS id FROM pg_depend AS o JOIN pg_class AS c ON c.oid = o.objid AND c.relkind = 'S'
        WHERE o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum AND o.deptype IN ('a', 'i')
      UNION SELECT o.refobjid FROM pg_attrdef AS f JOIN pg_depend AS o ON o.classid = 'pg_attrdef'::regclass AND o.objid = f.oid
        JOIN pg_class AS c ON c.oid = o.refobjid AND c.relkind = 'S' WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum AND o.refclassid = 'pg_class'::regclass
    ) AS d ON true
    JOIN pg_sequence AS q ON q.seqrelid = d.id AND q.seqincrement > 0
    WHERE a.attrelid = (p ->> 'id')::oid AND NOT a.attisdropped AND p -> 'columns' ? a.attname AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
  LOOP
    latest := ledger_sync.ask(format('SELECT max(s.%1$I::bigint) FROM {source} AS s WHERE s."ledger gone" = ''f'' AND s.%1$I::bigint BETWEEN 1 AND %2$s',
                                     owned.attname, owned.size), p);
    PERFORM setval(owned.id::regclass, latest) WHERE latest > coalesce(pg_sequence_last_value(owned.id), 0);
  END LOOP;
END
$sequences$;
COMMENT ON FUNCTION ledger_sync.move_sequences(jsonb) IS 'Sets sequences past the keys that came';

CREATE OR REPLACE FUNCTION ledger_sync.apply(given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET timezone = 'UTC'
SET intervalstyle = 'postgres'
SET bytea_output = 'hex'
SET extra_float_digits = 1
SET row_security = off
SET work_mem = '64MB'
SET jit = off
AS $apply$
DECLARE
  parts jsonb[] := '{}'; -- the last first
  p     jsonb;
  next  record;
  ahead bigint := (given ->> 'clock')::bigint >> 16;
BEGIN
  PERFORM set_config('ledger_sync.path', (SELECT s.reset_val FROM pg_settings AS s WHERE s.name = 'search_path'), true);
  CREATE TEMP TABLE ledger_mark (position integer, is_dead boolean, key text) ON COMMIT DROP; -- rows that were inserted, or are to be deleted
  SET CONSTRAINTS ALL DEFERRED;
  PERFORM ledger_sync.rewrite(given);
  PERFORM ledger_sync.owe(given);
  FOR next IN SELECT * FROM ledger_sync.table_order(given) LOOP
    p := ledger_sync.part(given, next.at, next.late);
    parts := p || parts;
    PERFORM ledger_sync.merge_table(p);
  END LOOP;
  FOREACH p IN ARRAY parts LOOP
    IF p ->> 'late' = 'true' THEN
      PERFORM ledger_sync.set_late(p);
      PERFORM ledger_sync.run('UPDATE {target} AS t SET {late_nulls} FROM {source} AS s, pg_temp.ledger_mark AS d'
        ' WHERE {path} AND d.position = {position} AND d.is_dead AND d.key = {key_s} AND {key_join}', p);
    END IF;
    IF to_regclass('pg_temp.ledger_owed') IS NOT NULL THEN
      PERFORM ledger_sync.pay(p);
    END IF;
    PERFORM ledger_sync.move_sequences(p);
  END LOOP;
  FOREACH p IN ARRAY parts LOOP -- what refers to a row goes before it
    PERFORM ledger_sync.delete_dead(p);
  END LOOP;
  SET CONSTRAINTS ALL IMMEDIATE;
  ahead := ahead - (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
  INSERT INTO ledger_sync.conflict (device, epoch, seq, table_schema, table_name, key, kind, incoming, current)
    SELECT (given ->> 'device')::uuid, (given ->> 'epoch')::bigint, (given ->> 'seq')::bigint, 'ledger_sync', 'device', given ->> 'device', 'clock',
           jsonb_build_object('clock', given -> 'clock', 'ahead_ms', ahead), NULL WHERE ahead > 300000;
  DROP TABLE pg_temp.ledger_mark;
  IF to_regclass('pg_temp.ledger_owed') IS NOT NULL THEN
    DROP TABLE pg_temp.ledger_owed;
  END IF;
END
$apply$;
COMMENT ON FUNCTION ledger_sync.apply(jsonb) IS 'Merges the staged rows of a batch';

-- Applies a batch that is staged, or notes why it waits.
CREATE OR REPLACE FUNCTION ledger_sync.take(given jsonb, of_hash bytea) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $take$
DECLARE
  of_device uuid := given ->> 'device';
  of_epoch  bigint := given ->> 'epoch';
  of_seq    bigint := given ->> 'seq';
  first     bigint;
  because   text;
  code      text;
  author      text;
  relation  text;
  detail    text;
BEGIN
  SELECT min(b.seq) INTO first FROM ledger_sync.batch AS b
    WHERE b.device = of_device AND b.epoch = of_epoch AND b.state = 'waiting' AND b.seq < of_seq;
  IF first IS NOT NULL THEN
    because := format('it waits behind batch %s', first);
  ELSE
    BEGIN
      PERFORM ledger_sync.apply(given);
    EXCEPTION WHEN OTHERS THEN
      GET STACKED DIAGNOSTICS because = MESSAGE_TEXT, code = RETURNED_SQLSTATE, author = SCHEMA_NAME, relation = TABLE_NAME, detail = PG_EXCEPTION_DETAIL;
      IF ledger_sync.passes(code) THEN RAISE; END IF;
      IF author <> 'ledger_sync' THEN -- a constraint that was checked late, or a row that cannot be deleted
        because := concat(nullif(concat_ws('.', nullif(author, ''), nullif(relation, '')), '') || ': ', because,
                          CASE WHEN code IN ('23503', '23505') THEN ': ' || nullif(detail, '') END);
      END IF;
      because := format('%s [%s]', regexp_replace(because, '\s+', ' ', 'g'), code);
    END;
  END IF;
  INSERT INTO ledger_sync.batch AS b (device, epoch, seq, hash, header, applied_at, applied_by, state, reason, sqlstate)
    SELECT of_device, of_epoch, of_seq, of_hash, given, x.at, CASE WHEN x.at IS NOT NULL THEN session_user END,
           CASE WHEN x.at IS NULL THEN 'waiting' ELSE 'applied' END, because, code
    FROM (SELECT CASE WHEN because IS NULL THEN clock_timestamp() END AS at) AS x
    ON CONFLICT (device, epoch, seq) DO UPDATE SET applied_at = excluded.applied_at, applied_by = excluded.applied_by, state = excluded.state,
      reason = excluded.reason, sqlstate = excluded.sqlstate;
  IF because IS NULL THEN
    UPDATE ledger_sync.device AS d SET applied_seq = of_seq, applied_at = clock_timestamp(), error = NULL, error_at = NULL WHERE d.device = of_device;
  ELSE
    UPDATE ledger_sync.device AS d SET error = because, error_at = clock_timestamp() WHERE d.device = of_device AND first IS NULL;
  END IF;
  RETURN coalesce('in custody: ' || because, 'applied');
END
$take$;
COMMENT ON FUNCTION ledger_sync.take(jsonb, bytea) IS 'Applies a staged batch, or notes why it waits';

CREATE OR REPLACE FUNCTION ledger_sync.end_batch() RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $end$
DECLARE
  given     jsonb := nullif(current_setting('ledger_sync.header', true), '')::jsonb;
  of_device uuid := given ->> 'device';
  of_epoch  bigint := given ->> 'epoch';
  of_seq    bigint := given ->> 'seq';
  of_hash   bytea;
  answer    text;
BEGIN
  IF given IS NULL THEN
    RAISE EXCEPTION 'no batch was begun in this transaction' USING ERRCODE = 'LS007', HINT = 'Run the whole script in one transaction.';
  END IF;
  IF current_setting('ledger_sync.skip') = '1' THEN
    SELECT CASE b.state WHEN 'applied' THEN 'already applied' ELSE 'in custody: ' || b.reason END INTO answer FROM ledger_sync.batch AS b
      WHERE b.device = of_device AND b.epoch = of_epoch AND b.seq = of_seq;
    RETURN answer;
  END IF;
  of_hash := decode(current_setting('ledger_sync.hash'), 'hex');
  PERFORM ledger_sync.check_stage(given);
  answer := ledger_sync.take(given, of_hash);
  IF answer <> 'applied' THEN
    FOR at IN 1 .. jsonb_array_length(given -> 'tables') LOOP
      EXECUTE format('INSERT INTO ledger_sync.inbox (device, epoch, seq, position, n, row)'
                     ' SELECT $1, $2, $3, $4, row_number() OVER (ORDER BY s.ctid), s::text FROM pg_temp.ledger_%s AS s', at)
        USING of_device, of_epoch, of_seq, at;
    END LOOP;
  END IF;
  UPDATE ledger_sync.device AS d
    SET received_seq = of_seq, received_hash = of_hash, received_at = clock_timestamp(), seen_at = clock_timestamp(), schema_sha256 = given ->> 'schema',
        journal = (given ->> 'journal')::bigint, head = given ->> 'head', clock = (given ->> 'clock')::bigint
    WHERE d.device = of_device;
  PERFORM set_config('ledger_sync.header', '', true);
  RETURN answer;
END
$end$;
COMMENT ON FUNCTION ledger_sync.end_batch() IS 'Ends a batch: checks its rows and applies it, or takes it into custody';

-- Applies what is in custody, in order, after main was repaired. A device that fails again stops there; the others go on.
CREATE OR REPLACE FUNCTION ledger_sync.retry(of_device uuid DEFAULT NULL) RETURNS TABLE (device uuid, seq bigint, result text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $retry$
DECLARE
  known  ledger_sync.device;
  kept   ledger_sync.batch;
BEGIN
  FOR known IN SELECT * FROM ledger_sync.device AS d
    WHERE (of_device IS NULL OR d.device = of_device) AND EXISTS (SELECT FROM ledger_sync.batch AS b WHERE b.device = d.device AND b.state = 'waiting')
    ORDER BY d.device
  LOOP
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_sync:' || known.device, 0));
    FOR kept IN SELECT * FROM ledger_sync.batch AS b WHERE b.device = known.device AND b.state = 'waiting' ORDER BY b.epoch, b.seq FOR UPDATE LOOP
      PERFORM set_config('ledger_sync.device', kept.device::text, true), set_config('ledger_sync.epoch', kept.epoch::text, true),
              set_config('ledger_sync.seq', kept.seq::text, true), set_config('ledger_sync.header', kept.header::text, true);
      PERFORM ledger_sync.stage(kept.header);
      FOR at IN 1 .. jsonb_array_length(kept.header -> 'tables') LOOP
        EXECUTE format('INSERT INTO pg_temp.ledger_%1$s SELECT (x.r).* FROM (SELECT i.row::pg_temp.ledger_%1$s AS r FROM ledger_sync.inbox AS i'
                       ' WHERE i.device = $1 AND i.epoch = $2 AND i.seq = $3 AND i.position = $4 ORDER BY i.n OFFSET 0) AS x', at)
          USING kept.device, kept.epoch, kept.seq, at;
      END LOOP;
      device := kept.device;
      seq := kept.seq;
      result := ledger_sync.take(kept.header, kept.hash);
      FOR at IN 1 .. jsonb_array_length(kept.header -> 'tables') LOOP
        EXECUTE format('DROP TABLE pg_temp.ledger_%s', at);
      END LOOP;
      RETURN NEXT;
      EXIT WHEN result <> 'applied';
      DELETE FROM ledger_sync.inbox AS i WHERE i.device = kept.device AND i.epoch = kept.epoch AND i.seq = kept.seq;
    END LOOP;
  END LOOP;
  PERFORM set_config('ledger_sync.header', '', true);
END
$retry$;
COMMENT ON FUNCTION ledger_sync.retry(uuid) IS 'Applies the batches in custody, of one device or of all, in order';
