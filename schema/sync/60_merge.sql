-- The schema ledger_sync: merging. First a table of a batch, as fragments of SQL.

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
    'ours_s', coalesce(string_agg(format('s.c%s', n), ', ' ORDER BY n) FILTER (WHERE delta IS NULL AND NOT is_main AND name <> ALL (known.delta_names)), ''),
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
    'image_t', ledger_sync.image_expression('t', known, id),
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
    ' FROM (SELECT s.*,'
    '   t.{first_key} IS NOT NULL AS present, t.{first_key} IS NOT NULL AND s.live AND record_image_ne(ROW({ours_s}), ROW({ours_t})) AS is_other,'
    '   CASE WHEN t.{first_key} IS NOT NULL THEN {image_t} END AS image, {main_hlc} AS main_hlc, v.ctid AS version_tid,'
    '   v.key IS NOT NULL AS versioned, v.hlc AS version_hlc, v.device AS version_device, v.image AS version_image, coalesce(v.gone, false) AS version_gone'
    ' FROM (SELECT {numbered}, {delta_values} {key_s} AS key, s."ledger gone" = ''f'' AS live, s."ledger hlc" IS NOT NULL AS change, {hlc} AS hlc'
    '   FROM {source} AS s WHERE {is_stale} OFFSET 0) AS s'
    ' LEFT JOIN {target} AS t ON {work_join}'
    ' LEFT JOIN ledger_sync.row_version AS v ON v.table_schema = {schema} AND v.table_name = {table} AND v.key = s.key OFFSET 0) AS w OFFSET 0) AS x OFFSET 0) AS y OFFSET 0) AS z', p)
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
  plain   bigint;
  renewed bigint;
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
      || CASE WHEN p ? 'is_versioned' THEN ' {set_version} WHERE NOT v.gone OR v.device = excluded.device OR (excluded.hlc, excluded.device) > (v.hlc, v.device)' ELSE '' END ||
      ' RETURNING 1'
      ') SELECT CASE WHEN f.n = v.n THEN f.n ELSE -1 END FROM (SELECT count(*) AS n FROM fresh) AS f, (SELECT count(*) AS n FROM versions) AS v', p);
    IF fresh < 0 THEN
      RAISE SQLSTATE 'LS011';
    END IF;
  END IF;
  IF fresh = (p ->> 'rows')::bigint THEN RETURN; END IF;

  -- The plain case: main has the row as the same device left it, or as the full export brought it. For weigh() those rows are then what they
  -- should be.
  IF locked > 0 AND p ->> 'is_kept' = 'false' AND p -> 'deltas' = '[]' AND p ->> 'sets' <> '' THEN
    EXECUTE ledger_sync.fill('WITH changed AS ('
      'UPDATE {target} AS t SET {sets} FROM (SELECT {numbered}, {key_s} AS key, {hlc} AS hlc, s."ledger gone" = ''f'' AS live, s."ledger hlc" IS NOT NULL AS change'
      ' FROM {source} AS s OFFSET 0) AS s'
      ' LEFT JOIN ledger_sync.row_version AS v ON v.table_schema = {schema} AND v.table_name = {table} AND v.key = s.key'
      ' WHERE {path} AND {work_join} AND s.live AND s.change AND (v.key IS NULL AND NOT {unversioned}'
      ' OR v.device = {device} AND NOT v.gone AND v.hlc <> s.hlc AND v.image = {image_t}) AND record_image_ne(ROW({ours_s}), ROW({ours_t}))'
      ' RETURNING v.ctid AS tid, s.key, s.hlc, {image_t} AS image'
      '), renewed AS (UPDATE ledger_sync.row_version AS v SET hlc = c.hlc, image = c.image FROM changed AS c WHERE v.ctid = c.tid AND v.key = c.key RETURNING 1'
      '), first AS ({into_version} SELECT {schema}, {table}, c.key, c.hlc, {device}, c.image, false FROM changed AS c WHERE c.tid IS NULL'
      ' ON CONFLICT DO NOTHING RETURNING 1'
      ') SELECT (SELECT count(*) FROM changed), (SELECT count(*) FROM renewed) + (SELECT count(*) FROM first)', p) INTO plain, renewed;
    IF plain <> renewed THEN
      RAISE SQLSTATE 'LS010';
    END IF;
    IF fresh + plain = (p ->> 'rows')::bigint THEN RETURN; END IF;
  END IF;

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
    raced := ledger_sync.ask('WITH changed AS ('
      'UPDATE {target} AS t SET {sets} FROM pg_temp.ledger_work AS s WHERE {path} AND {work_join} AND s.present AND (s.written{moves})'
      ' RETURNING s.key, s.hlc, s.written, s.version_tid, {image_t} AS image'
      '), renewed AS (UPDATE ledger_sync.row_version AS v SET hlc = c.hlc, device = {device}, image = c.image, gone = false'
      ' FROM changed AS c WHERE c.written AND v.ctid = c.version_tid AND v.key = c.key RETURNING 1'
      '), first AS ({into_version} SELECT {schema}, {table}, c.key, c.hlc, {device}, c.image, false'
      ' FROM changed AS c WHERE c.written AND c.version_tid IS NULL {set_version})'
      ' SELECT (SELECT count(*) FROM changed AS c WHERE c.written AND c.version_tid IS NOT NULL) - (SELECT count(*) FROM renewed)', p);
    IF raced > 0 THEN
      RAISE SQLSTATE 'LS010';
    END IF;
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
