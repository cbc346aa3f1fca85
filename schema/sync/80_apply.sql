-- The schema ledger_sync: a batch as a whole: what cannot be merged is named and taken into custody; retry().

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
  relation   text;
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
        GET STACKED DIAGNOSTICS because = MESSAGE_TEXT, code = RETURNED_SQLSTATE, author = SCHEMA_NAME, relation = TABLE_NAME, detail = PG_EXCEPTION_DETAIL;
        IF code = '23505' AND author = 'ledger_sync' AND relation = 'row_version' THEN -- a row that was here before
          q := q || '{"is_versioned": true}';
        ELSIF code = '23505' AND NOT is_crowded THEN
          is_crowded := true;
        ELSIF author = 'ledger_sync' OR ledger_sync.passes(code) THEN
          RAISE;
        ELSE
          key := ledger_sync.find_row(q || '{"is_versioned": true}');
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
