#!/usr/bin/env bash
# Asks a PostgreSQL server what it makes of every line of inputs_*.txt and writes answers_*.tsv. The server is the one
# that the PG* environment names; nothing stays behind in it.
#   inputs:  type <tab> input                                  \t \n \r \\ and \xHH are escapes; # begins a comment line
#   answers: type <tab> input <tab> SQLSTATE or 00000 <tab> output
# The input is assigned to a column of the type as a quoted literal, the output is the output function's.
set -euo pipefail
cd "$(dirname "$0")"

record() { # inputs answers
  {
    cat <<'SQL'
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = error;
SET LOCAL client_encoding = 'UTF8';
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE TEMP TABLE line (n bigint GENERATED ALWAYS AS IDENTITY, raw text);

CREATE FUNCTION pg_temp.unescape(raw text) RETURNS bytea LANGUAGE sql AS $$
  SELECT coalesce(string_agg(CASE
           WHEN m[1] ~ '^\\x..$' THEN decode(substr(m[1], 3), 'hex')
           WHEN m[1] = '\t' THEN '\x09'::bytea
           WHEN m[1] = '\n' THEN '\x0a'::bytea
           WHEN m[1] = '\r' THEN '\x0d'::bytea
           WHEN m[1] = '\\' THEN '\x5c'::bytea
           ELSE convert_to(m[1], 'UTF8') END, ''::bytea ORDER BY n), ''::bytea)
    FROM regexp_matches(raw, '\\x[0-9A-Fa-f]{2}|\\.|[^\\]+', 'g') WITH ORDINALITY AS r(m, n)
$$;

CREATE FUNCTION pg_temp.escape(output text) RETURNS text LANGUAGE sql AS $$
  SELECT replace(replace(replace(replace(output, '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r')
$$;

-- The answer, as "SQLSTATE <tab> output".
CREATE FUNCTION pg_temp.ask(type text, raw text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  target text := 'column_' || md5(type);
  output text;
BEGIN
  BEGIN
    EXECUTE format('CREATE TEMP TABLE IF NOT EXISTS %I (v %s)', target, type);
    EXECUTE format('INSERT INTO pg_temp.%I VALUES (%L) RETURNING format(''%%s'', v)', target,
                   convert_from(pg_temp.unescape(raw), 'UTF8')) INTO output;
  EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || E'\t';
  END;
  RETURN E'00000\t' || pg_temp.escape(output);
END
$$;

COPY line (raw) FROM STDIN (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02');
SQL
    grep -v -e '^#' -e '^$' "$1"
    cat <<'SQL'
\.
SELECT raw || E'\t' || pg_temp.ask(split_part(raw, E'\t', 1), substr(raw, strpos(raw, E'\t') + 1)) FROM line ORDER BY n;
ROLLBACK;
SQL
  } | psql -X -q -A -t -v VERBOSITY=terse -f - >"$2.new"
  mv "$2.new" "$2"
}

for inputs in inputs_*.txt; do
  answers=answers_${inputs#inputs_}
  record "$inputs" "${answers%.txt}.tsv"
done
wc -l answers_*.tsv
