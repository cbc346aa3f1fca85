-- The schema ledger_sync: digests, of tables, of parts of them, of rows; the other half is `ledger digest`.

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
