-- The schema ledger_sync on the main PostgreSQL: applying batches. A batch is one transaction: begin_batch() checks where it stands
-- and makes a TEMP table for each of its tables, the client fills those, end_batch() checks what came and merges it. What cannot be
-- merged is taken into custody whole, and retry() goes on from there. All state is the transaction's own: any pooler will do.
--
-- Statements are made from templates, where {name} stands for a fragment that part() derives from main's catalogs. They are planned
-- with a search_path of pg_catalog alone; {path} then switches to the application's, which its triggers need, before the first row.
--
-- No deadlock between batches: the tables come in one order for all sessions; in each the rows that main has are locked and then new ones
-- inserted, both in the order of their keys. If another session got in between, the table's work is undone and done again.

--
-- A batch is a header and a body. The header is one line of JSON, whose SHA-256 is the batch's hash; its members, in this order:
--   ledger_batch  1, the version of this form            device, epoch, seq  whose batch it is, and its number from 1 without gaps
--   previous      hash of the batch before it, hexadecimal; of the full export; or "" where there is neither
--   schema        SHA-256 of the device's schema          first, last  the notes of changes (ledger_change.n) that it covers
--   journal, head number and hash of the book's last journal          rows, bytes, body  rows and bytes of the body, and its SHA-256
--   clock         the device's hybrid logical clock       created_at  when it was cut          careful  true after a rekey, see owe()
--   tables        of each: schema, table, columns; deltas, the columns that travel as differences, too; rows; sum: modulo 2^64, of the hash
--                 (hashtextextended, seed 0) of each row's fields with tabs between them and \N for null
-- The body has the rows of the tables, in that order, and behind each table a line \. for its end. A row is a line of COPY's text format, in
-- which ';', the backslash and control bytes stand as octal escapes:
--   the clock of the row's last change, \N for a row that comes with a journal or for its differences alone
--   t for a row that is gone, of which only the key is given, else f
--   a field for each of deltas: what this batch adds, \N for nothing
--   the columns, as PostgreSQL's output functions print them; those that PostgreSQL computes are left out
-- Each key is there once. The columns of deltas hold what the row shows on the device: main takes it for a row that it lacks.

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
