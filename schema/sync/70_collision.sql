-- The schema ledger_sync: collisions: a row's natural key is another row's. Main's rule for the table says what becomes of it.

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
