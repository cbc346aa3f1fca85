-- The schema ledger_sync on the main PostgreSQL: what `ledger export --init` installs, again and again without harm.
-- Nothing is added to the application's own tables.
CREATE SCHEMA IF NOT EXISTS ledger_sync;
COMMENT ON SCHEMA ledger_sync IS 'Bookkeeping of ledger files that sync with this database';

CREATE TABLE IF NOT EXISTS ledger_sync.relation (
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  position     integer NOT NULL,
  column_names text[] NOT NULL,
  PRIMARY KEY (table_schema, table_name)
);
COMMENT ON TABLE ledger_sync.relation IS 'The tables that ledger files have, with their columns in the order that digests take them';
COMMENT ON COLUMN ledger_sync.relation.table_schema IS 'Schema of the table';
COMMENT ON COLUMN ledger_sync.relation.table_name IS 'Name of the table';
COMMENT ON COLUMN ledger_sync.relation.position IS 'Order in which digest() reports the tables';
COMMENT ON COLUMN ledger_sync.relation.column_names IS 'Columns that digest() reads, in this order';

-- The same numbers as `ledger digest FILE`: per table the count of rows, and the sum (modulo 2^64) and exclusive or of the
-- first 64 bits of SHA-256 over each row's columns: "<bytes>:<output text>" for a value, "-" for NULL.
CREATE OR REPLACE FUNCTION ledger_sync.digest(only_table text DEFAULT NULL)
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
  relation record;
  row_text text;
BEGIN
  FOR relation IN
    SELECT r.table_schema AS s, r.table_name AS t, r.column_names AS c FROM ledger_sync.relation AS r
    WHERE only_table IS NULL OR only_table IN (r.table_name, r.table_schema || '.' || r.table_name)
    ORDER BY r.position, r.table_schema, r.table_name
  LOOP
    SELECT coalesce(string_agg(
             format('CASE WHEN x.%1$I IS NULL THEN ''-'' ELSE octet_length(convert_to(format(''%%s'', x.%1$I), ''UTF8'')) || '':'' || format(''%%s'', x.%1$I) END', c.name),
             ' || ' ORDER BY c.n), '''''')
      INTO row_text FROM unnest(relation.c) WITH ORDINALITY AS c(name, n);
    RETURN QUERY EXECUTE format(
      'SELECT %L::text, %L::text, count(*),'
      ' coalesce(((sum(h.v::numeric) %% 18446744073709551616) + 18446744073709551616) %% 18446744073709551616, 0),'
      ' coalesce(bit_xor(h.v), 0)'
      ' FROM (SELECT (''x'' || left(encode(sha256(convert_to(%s, ''UTF8'')), ''hex''), 16))::bit(64)::bigint AS v FROM %I.%I AS x) AS h',
      relation.s, relation.t, row_text, relation.s, relation.t);
  END LOOP;
END
$digest$;
COMMENT ON FUNCTION ledger_sync.digest(text) IS 'A digest of each table (or of one), equal to that of a ledger file with the same rows';
