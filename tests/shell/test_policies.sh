#!/usr/bin/env bash
# ledger schema --policies: of a built-in schema, a schema file and a ledger file, for people and as JSON; and what the compiler
# says about policies and privileges.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8

cat >"$work/notes.sql" <<'SQL'
CREATE TABLE notes (id int PRIMARY KEY, owner uuid);
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE closed (id int PRIMARY KEY);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes TO authenticated USING (owner = auth.uid());
CREATE POLICY zone ON notes AS RESTRICTIVE FOR INSERT WITH CHECK (id > 0);
SQL
status "policies of a schema file" 0 "$LEDGER" schema "$work/notes.sql" --policies
is "as people read them" "$SEEN" "closed: row-level security without a policy: nobody sees a row

notes: row-level security
  own: all to authenticated
    USING (owner = auth.uid())
  zone: restrictive, insert to public
    WITH CHECK (id > 0)

plain: no row-level security: who may read it reads all of it"
first=$SEEN
status "a file of it" 0 "$LEDGER" init "$work/notes.db" --schema="$work/notes.sql"
status "policies of a ledger file" 0 "$LEDGER" schema "$work/notes.db" --policies
is "are the same" "$SEEN" "$first"
status "policies as JSON" 0 "$LEDGER" schema "$work/notes.db" --policies --json
is "are a JSON array of rows" "$(python3 -c '
import json, sys
for row in json.load(sys.stdin): print(row["table_name"], row["row_security"], row["policy"], row["command"], row["roles"])' <<<"$SEEN")" \
  "closed True None None None
notes True own all authenticated
notes True zone insert public
plain False None None None"
status "policies of full" 0 "$LEDGER" schema full --policies
is "each has its line" "$(grep -c '^  [a-z_]*: ' <<<"$SEEN")" 65
status "policies of a schema that is none" 2 "$LEDGER" schema "$work/none.sql" --policies
head -c 100 /dev/urandom >"$work/noise"
status "policies of a file that is none" 1 "$LEDGER" schema "$work/noise" --policies

cat >"$work/round.sql" <<'SQL'
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY);
ALTER TABLE a ENABLE ROW LEVEL SECURITY;
ALTER TABLE b ENABLE ROW LEVEL SECURITY;
CREATE POLICY pa ON a USING (id IN (SELECT id FROM b));
CREATE POLICY pb ON b USING (id IN (SELECT id FROM a));
SQL
status "policies that read each other's tables" 1 "$LEDGER" schema "$work/round.sql" --policies
like "are refused in PostgreSQL's words" "$PROBLEM" \
  'round.sql:5:[0-9]+: error: infinite recursion detected in policy for relation "a" \[42P17\]'
printf 'CREATE TABLE t (a int, b int);\nGRANT SELECT (a) ON t TO anon;\n' >"$work/columns.sql"
status "a privilege on columns" 1 "$LEDGER" schema "$work/columns.sql" --check
like "is refused where it stands" "$SEEN" 'columns.sql:2:1: error: GRANT of columns is not supported.* \[0A000\]'
printf 'CREATE TABLE t (a int);\nGRANT SELECT ON t TO anon;\nGRANT USAGE ON SCHEMA public TO anon;\n' >"$work/grants.sql"
status "privileges" 0 "$LEDGER" schema "$work/grants.sql" --check
like "those on tables are enforced, others are kept" "$SEEN" '^[^:]*grants.sql:3:1: recorded: GRANT: '
is "and nothing else is noted" "$(grep -c recorded: <<<"$SEEN")" 1
tap_end
