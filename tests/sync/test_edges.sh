#!/usr/bin/env bash
# What an export meets seldom: names that could end a quote, keywords and other schemas, tables without a key, foreign keys in a
# circle, sequences that count down, identity, XML declarations. Each file goes into PostgreSQL whole, and as rows only into
# the tables that psql made from the same schema, twice; the digests are equal each time.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK database=ledger_edges_$$
export LC_ALL=C.UTF-8 PGOPTIONS='-c client_min_messages=warning'
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$database" "$@" 2>&1; }
finish() {
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database"
  rm -rf "$work"
}
trap finish EXIT
fresh() { # option of CREATE DATABASE
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database TEMPLATE template0 ${1:-}"
}

cat >"$work/edges.sql" <<'SQL'
CREATE SCHEMA "Mixed";
CREATE TABLE "Quotes" ("OClock" integer PRIMARY KEY, "a$ledger$b" text, "select" text);
CREATE TABLE "x$ledger$y" ("user" integer PRIMARY KEY, v text);
CREATE TABLE "Mixed"."Select" ("Order" integer, "group" text, "table" text, PRIMARY KEY ("Order", "group"));
CREATE TABLE aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg
  (aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffhhh integer PRIMARY KEY);
CREATE TABLE keyless (a integer, b text);
CREATE TABLE tree (id integer PRIMARY KEY, parent integer REFERENCES tree (id));
CREATE TABLE left_side (id integer PRIMARY KEY, other integer, updated_at timestamptz);
CREATE TABLE right_side (id integer PRIMARY KEY, other integer NOT NULL REFERENCES left_side (id));
ALTER TABLE left_side ADD FOREIGN KEY (other) REFERENCES right_side (id);
CREATE TABLE coded (code text UNIQUE, other integer);
CREATE TABLE of_code (id integer PRIMARY KEY, code text NOT NULL REFERENCES coded (code));
ALTER TABLE coded ADD FOREIGN KEY (other) REFERENCES of_code (id);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON left_side FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SEQUENCE down INCREMENT BY -1;
CREATE TABLE counted (id bigint PRIMARY KEY DEFAULT nextval('down'), v text);
CREATE TABLE identified (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text, w text GENERATED ALWAYS AS (v || 'x') STORED);
CREATE TABLE only_identity (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE documents (id integer PRIMARY KEY, x xml);
COMMENT ON TABLE tree IS 'it''s $ledger$ a "tree" \ $$';
SQL
cat >"$work/edges.ndjson" <<'ROWS'
{"table":"\"Quotes\"","row":{"OClock":1,"a$ledger$b":"$ledger$; DROP TABLE keyless; --","select":"\\.\n\\N"}}
{"table":"\"x$ledger$y\"","row":{"user":1,"v":""}}
{"table":"\"Mixed\".\"Select\"","row":{"Order":1,"group":"%s'\"","table":"\t"}}
{"table":"keyless","row":{"a":1,"b":null}}
{"table":"keyless","row":{"a":1,"b":null}}
{"table":"keyless","row":{"a":null,"b":"\\N"}}
{"table":"tree","row":{"id":2,"parent":null}}
{"table":"tree","row":{"id":1,"parent":2}}
{"table":"left_side","row":{"id":1}}
{"table":"right_side","row":{"id":1,"other":1}}
{"table":"left_side","op":"update","row":{"other":1},"where":{"id":1}}
{"table":"coded","row":{"code":"x"}}
{"table":"of_code","row":{"id":5,"code":"x"}}
{"table":"coded","op":"update","row":{"other":5},"where":{"code":"x"}}
{"table":"counted","row":{"v":"a"}}
{"table":"counted","row":{"v":"b"}}
{"table":"identified","row":{"v":"a"}}
{"table":"only_identity","row":{}}
{"table":"documents","row":{"id":1,"x":"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>é</a>"}}
{"table":"documents","row":{"id":2,"x":"<?xml version='1.0' encoding='ISO-8859-1' standalone='yes' ?><a/>"}}
{"table":"documents","row":{"id":3,"x":"<?xml-stylesheet href=\"a\"?><a/>"}}
ROWS
status "the schema compiles" 0 "$LEDGER" init "$work/edges.db" --schema="$work/edges.sql"
status "the rows load" 0 sh -c "\"$LEDGER\" load \"$work/edges.db\" --quiet <\"$work/edges.ndjson\""
wanted=$("$LEDGER" digest "$work/edges.db")
digest='SELECT * FROM ledger_sync.digest()'

for format in copy insert; do
  fresh
  like "--full --format $format applies" "$("$LEDGER" export "$work/edges.db" --full --format $format | ask | tr -d '\n')" '^\{"ledger_ack":1,[^{}]*"received":0,[^{}]*\}$'
  is "and its digest is the file's" "$(ask -c "$digest")" "$wanted"
done
for format in copy insert; do
  fresh
  ask -f "$work/edges.sql" >/dev/null
  "$LEDGER" export "$work/edges.db" --init | ask >/dev/null
  for time in first second; do
    is "--data-only --format $format, the $time time" "$("$LEDGER" export "$work/edges.db" --data-only --format $format | ask)" ""
    is "and its digest is the file's" "$(ask -c "$digest")" "$wanted"
  done
done
fresh "ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'"
"$LEDGER" export "$work/edges.db" --full | ask >/dev/null
is "in a database of another encoding the digest is the same" "$(ask -c "$digest")" "$wanted"
is "a sequence that counts down goes on below" "$(ask -c "SELECT nextval('down')")" "-3"
ask -c "SELECT setval('down', -9)" >/dev/null
"$LEDGER" export "$work/edges.db" --data-only | ask >/dev/null
is "and never back" "$(ask -c "SELECT nextval('down')")" "-10"
tap_end
