#!/usr/bin/env bash
# How main takes batches, and how it merges them. The batches are made by batch.py, which knows the format and nothing of this library.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
work=$TAP_WORK database=ledger_apply_$$
export LC_ALL=C.UTF-8 PGOPTIONS='-c client_min_messages=warning'
super() { psql -X -q -d postgres -U "$superuser" "$@"; }
superuser=$PGUSER
trap 'super -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" -c "DROP DATABASE IF EXISTS ${database}_new" -c "DROP ROLE IF EXISTS ${database}_owner"; rm -rf "$work"' EXIT
super -c "CREATE ROLE ${database}_owner LOGIN" -c "CREATE DATABASE ${database}_new TEMPLATE template0 OWNER ${database}_owner"
# Main as an ordinary role has it: it owns the tables, and is not a superuser.
export PGUSER=${database}_owner PGDATABASE=$database
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1" 2>&1; }

A=0a000000-0000-7000-8000-00000000000a B=0b000000-0000-7000-8000-00000000000b C=0c000000-0000-7000-8000-00000000000c
sha=$(printf 'a%.0s' {1..64}) sha2=$(printf 'b%.0s' {1..64})
now=$(($(date +%s) * 1000)) tick=0
clock() { # seconds ahead: a clock value, each another
  tick=$((tick + 1))
  CLOCK=$((((now + ${1:-0} * 1000) << 16) + tick))
}
id() { printf '%08d-0000-7000-8000-%012d' "$1" "$2"; } # table number

cat >"$work/main.sql" <<'SQL'
CREATE TABLE people (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, name varchar(20), best uuid, updated_at timestamptz, shown text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE things (id uuid PRIMARY KEY, owner uuid NOT NULL REFERENCES people, label text, CHECK (label <> 'forbidden'));
ALTER TABLE people ADD FOREIGN KEY (best) REFERENCES things;
CREATE TABLE purses (id uuid PRIMARY KEY, owner uuid REFERENCES people ON DELETE RESTRICT, name text, balance numeric(15,2) NOT NULL);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE payments (id uuid PRIMARY KEY, purse uuid NOT NULL REFERENCES purses, amount numeric(15,2) NOT NULL, status text NOT NULL, mood mood, by_whom uuid REFERENCES people ON DELETE SET NULL, reference text UNIQUE);
CREATE TABLE visits (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, note text);
CREATE TABLE counted (id serial PRIMARY KEY, note text);
CREATE TABLE pairs (a integer, b text, v json, PRIMARY KEY (a, b));
CREATE TABLE tags (id uuid PRIMARY KEY, name text UNIQUE);
CREATE TABLE tagged (id uuid PRIMARY KEY, tag uuid NOT NULL REFERENCES tags, note text);
CREATE TABLE handles (id uuid PRIMARY KEY, handle varchar(12) UNIQUE);
CREATE TABLE seats (id uuid PRIMARY KEY, room text, seat integer, free boolean NOT NULL);
CREATE UNIQUE INDEX ON seats (lower(room), seat) WHERE NOT free;
CREATE TABLE seen (at text, device text);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.updated_at := now();
  INSERT INTO seen VALUES ('people', current_setting('ledger_sync.device', true)); -- unqualified: the application's search_path
  RETURN NEW;
END $$;
CREATE TRIGGER touched BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody ON people TO PUBLIC USING (false);
SQL
relation() { # position table columns keys kind collision deltas mains [status]
  printf '{"schema":"public","table":"%s","position":%d,"columns":%s,"keys":%s,"kind":"%s","collision":"%s","deltas":%s,"mains":%s,"identities":[],%s}' \
    "$2" "$1" "$3" "$4" "$5" "$6" "$7" "$8" "${9:-\"status_column\":null,\"status_order\":null}"
}
people='["id","email","name","best","updated_at"]' things='["id","owner","label"]' purses='["id","owner","name","balance"]'
payments='["id","purse","amount","status","mood","by_whom","reference"]'
relations=$(
  relation 1 people "$people" '["id"]' mutable reject '[]' '["updated_at"]'; printf ,
  relation 2 things "$things" '["id"]' mutable reject '[]' '[]'; printf ,
  relation 3 purses "$purses" '["id"]' mutable reject '["balance"]' '[]'; printf ,
  relation 4 payments "$payments" '["id"]' fact reject '[]' '[]' '"status_column":"status","status_order":[["pending"],["sent"],["completed","failed"]]'; printf ,
  relation 5 visits '["id","note"]' '["id"]' mutable reject '[]' '[]'; printf ,
  relation 6 counted '["id","note"]' '["id"]' mutable reject '[]' '[]'; printf ,
  relation 7 pairs '["a","b","v"]' '["a","b"]' mutable reject '[]' '[]'; printf ,
  relation 8 tags '["id","name"]' '["id"]' mutable adopt '[]' '[]'; printf ,
  relation 9 tagged '["id","tag","note"]' '["id"]' mutable reject '[]' '[]'; printf ,
  relation 10 handles '["id","handle"]' '["id"]' mutable rename '[]' '[]'; printf ,
  relation 12 seats '["id","room","seat","free"]' '["id"]' mutable reject '[]' '[]'
)
(
  export PGDATABASE=${database}_new
  psql -X -q -v ON_ERROR_STOP=1 -f "$work/main.sql"
  psql -X -q -v ON_ERROR_STOP=1 -f <(cat schema/sync/*.sql)
  is "ledger_sync is installed again without harm" "$(psql -X -q -v ON_ERROR_STOP=1 -f <(cat schema/sync/*.sql) 2>&1)" ""
  ask "SELECT ledger_sync.register_schema('{\"sha256\":\"$sha\",\"name\":\"test\",\"sources\":[],\"relations\":[$relations]}')" >/dev/null
  for device in $A $B $C; do
    ask "SELECT ledger_sync.enrol('{\"device\":\"$device\",\"epoch\":1,\"schema\":\"$sha\",\"public_key\":null,\"replaces\":null,\"first_range\":false}')" >/dev/null
  done
  tap_end
) || TAP_FAILED=1
fresh() { # main as it is at first, devices enrolled
  super -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" -c "CREATE DATABASE $database TEMPLATE ${database}_new OWNER ${database}_owner" 2>&1 | grep -v NOTICE
  rm -f "$work"/*.json
  now=$(($(date +%s) * 1000))
}
table() { # name columns row...: a line for batch.py
  local name=$1 columns=$2 deltas='[]'
  shift 2
  [ "$name" = purses ] && deltas='["balance"]'
  local IFS=,
  printf '{"table":"public.%s","columns":%s,"deltas":%s,"rows":[%s]}\n' "$name" "$columns" "$deltas" "$*"
}
batch() { tests/sync/batch.py "$work" "$@"; } # device option... : tables come on stdin
send() { psql -X -q -A -t -f - 2>&1 | grep -v '^$'; }
# Rows of the tables as JSON arrays.
person() { printf '[%s,%s,[],"%s","%s","%s",%s,"2026-01-01 00:00:00+00"]' "$1" "${5:-false}" "$(id 1 "$2")" "$3" "$4" "${6:-null}"; }
gone() { printf '[%s,true,[],"%s"%s]' "$1" "$2" "$(printf ',null%.0s' $(seq "$3"))"; } # clock id other-columns
purse() { printf '[%s,false,["%s"],"%s","%s","%s","%s"]' "$1" "$3" "$(id 3 "$2")" "$(id 1 1)" "${5:-purse}" "$4"; } # clock n delta balance name
payment() { printf '[null,false,[],"%s","%s","%s","%s",%s,null,%s]' "$(id 4 "$1")" "$(id 3 1)" "$2" "$3" "${4:-null}" "${5:-null}"; } # n amount status mood reference
writes() { # what was written to the application's tables so far
  ask "SELECT pg_stat_force_next_flush()" >/dev/null
  ask "SELECT sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables WHERE schemaname = 'public'"
}
kinds() { ask "SELECT string_agg(kind, ',' ORDER BY id) FROM ledger_sync.conflict"; }

# ---- the ways of a batch
fresh
hostile='tab\tline\nquote'"'"' \\\\ back; \\\\. ; $$ :x -- é \u2028'
clock
first() {
  table people "$people" "$(person "$CLOCK" 1 a@x.org Ann)" "$(person "$CLOCK" 2 b@x.org "O'Brien")"
  table purses "$purses" "$(purse "$CLOCK" 1 50.00 50.00 "$hostile")"
  table payments "$payments" "$(payment 1 50.00 completed '"ok"')" "$(payment 2 1.00 pending)"
  table pairs '["a","b","v"]' "[$CLOCK,false,[],\"1\",\"x,y\",\"{\\\"b\\\": 1,  \\\"a\\\":2}\"]"
}
first | batch $A >"$work/1.sql"
is "the first batch is applied" "$(send <"$work/1.sql")" applied
is "values arrive byte for byte" "$(ask "SELECT name = E'tab\tline\nquote'' \\\\\\\\ back; \\\\\\\\. ; \$\$ :x -- é \u2028' FROM purses")" t
is "a generated column is main's" "$(ask "SELECT shown FROM people ORDER BY id LIMIT 1")" ANN
before=$(writes) versions=$(ask "SELECT md5(string_agg(v::text, '' ORDER BY v.key)) FROM ledger_sync.row_version AS v")
is "the same batch again is skipped" "$(send <"$work/1.sql")" "already applied"
is "and a third time" "$(send <"$work/1.sql")" "already applied"
is "they wrote nothing" "$(writes)" "$before"
is "nor versions" "$(ask "SELECT md5(string_agg(v::text, '' ORDER BY v.key)) FROM ledger_sync.row_version AS v")" "$versions"
clock
first | sed 's/"50.00","00000001/"0.00","00000001/; s/\["50.00"\]/["0.00"]/' | batch $A --insert >"$work/2.sql"
is "a batch in INSERT form, of equal content" "$(send <"$work/2.sql")" applied
is "equal content writes nothing" "$(writes)" "$before"
is "the acknowledgement names the batch" "$(ask "SELECT ledger_sync.acknowledgement('$A')::jsonb - 'main' - 'clock' - 'hash' - 'public_key'")" \
  "{\"epoch\": 1, \"device\": \"$A\", \"reason\": null, \"schema\": \"$sha\", \"applied\": 2, \"received\": 2, \"key_range\": null, \"ledger_ack\": 1}"

state=$(ask "SELECT md5(string_agg(x, '')) FROM (SELECT p::text FROM people p UNION ALL SELECT d::text FROM ledger_sync.device d UNION ALL SELECT b::text FROM ledger_sync.batch b) AS t(x)")
refused() { # title state pattern: of the script on stdin
  SEEN=$(psql -X -q -A -t -v VERBOSITY=verbose -f - 2>&1)
  like "$1" "$SEEN" "ERROR:  $2: $3"
}
first | batch $A --keep --seq 4 | refused "a gap" LS006 'gap: batch 4 came, and main expects batch 3'
first | batch $A --keep --previous 00 | refused "a fork" LS004 'fork: batch 3 does not follow batch 2'
first | batch $A --keep --seq 2 --head 00 | refused "a fork: another batch of that number" LS004 'fork: main has batch 2 .* with another content'
first | batch $A --keep --epoch 2 | refused "another epoch" LS005 'the batch is of epoch 2, and main expects epoch 1'
first | batch $A --keep --schema "$sha2" | refused "a schema that is not known" LS003 'the schema b{16} is not known here'
first | batch 0d000000-0000-7000-8000-00000000000d --keep | refused "a device that is not enrolled" LS001 'the device 0d0.* is not enrolled'
first | batch $A --keep >"$work/3.sql"
sed 's/"ledger_batch":1/"ledger_batch":2/' "$work/3.sql" | refused "an altered header" LS007 'the batch was altered: its header'
sed "s/^SELECT ledger_sync.begin_batch.*/SELECT ledger_sync.begin_batch('{\"ledger_batch\":2,\"device\":\"$A\"}', '$(printf '{"ledger_batch":2,"device":"%s"}' $A | sha256sum | cut -d' ' -f1)');/" "$work/3.sql" |
  refused "a newer ledger's batch" LS008 'the batch was made by a newer ledger'
sed 's/a@x.org/a@x.orh/' "$work/3.sql" | refused "an altered row" LS007 'the batch was altered'
sed '/^0000.*0000002.*b@x/d; /b@x.org/d' "$work/3.sql" | refused "a row less" LS007 'the batch was altered: the rows of public.people'
sed '/b@x.org/{p}' "$work/3.sql" | refused "a row twice" LS007 'the batch was altered: the rows of public.people'
for at in $(seq 1 40); do # one byte of a row or of the header, each time another
  python3 - "$work/3.sql" "$at" <<'PY' >"$work/altered.sql"
import random, sys
text = open(sys.argv[1], encoding='utf-8').read()
random.seed(int(sys.argv[2]))
lines = text.split('\n')
n = random.choice([i for i, l in enumerate(lines) if l.startswith('SELECT ledger_sync.begin') or '\t' in l])
at = random.randrange(len(lines[n]))
lines[n] = lines[n][:at] + ('0' if lines[n][at] != '0' else '1') + lines[n][at + 1:]
sys.stdout.write('\n'.join(lines))
PY
  [[ $(send <"$work/altered.sql") == *ERROR:* ]] || tap_no "byte $at altered is refused" "$(diff "$work/3.sql" "$work/altered.sql")"
done
sed '/end_batch/,$d' "$work/3.sql" | send >/dev/null
is "none of these left anything" "$(ask "SELECT md5(string_agg(x, '')) FROM (SELECT p::text FROM people p UNION ALL SELECT d::text FROM ledger_sync.device d UNION ALL SELECT b::text FROM ledger_sync.batch b) AS t(x)")" "$state"
ask "SELECT ledger_sync.revoke('$C', 'lost')" >/dev/null
first | batch $C --keep | refused "a revoked device" LS002 'the device .* is revoked: lost'

# ---- facts
fresh
clock
first | batch $A | send >/dev/null
before=$(writes)
clock
{ table payments "$payments" "$(payment 1 50.00 completed '"ok"')" "$(payment 2 1.00 sent)" "$(payment 3 2.00 sent)"; } | batch $A | is "facts again, and one that moves on" "$(send)" applied
is "its status went forward" "$(ask "SELECT string_agg(status, ',' ORDER BY id) FROM payments")" completed,sent,sent
{ table payments "$payments" "$(payment 2 1.00 pending)"; } | batch $A | is "a status that goes back" "$(send)" applied
is "is ignored" "$(ask "SELECT string_agg(status, ',' ORDER BY id) FROM payments")" completed,sent,sent
{ table payments "$payments" "$(payment 2 1.00 completed)"; } | batch $A | send >/dev/null
ask "UPDATE people SET name = name" >/dev/null
ask "UPDATE payments SET by_whom = NULL" >/dev/null
{ table payments "$payments" "$(payment 1 51.00 completed '"ok"')"; } | batch $B >"$work/other.sql"
is "a fact with another content is kept, not merged" "$(send <"$work/other.sql")" \
  "in custody: public.payments ($(id 4 1)): main has this fact with another content [LS009]"
is "and changes nothing" "$(ask "SELECT amount FROM payments WHERE id = '$(id 4 1)'")" 50.00
{ table payments "$payments" "$(gone null "$(id 4 1)" 6)"; } | batch $A | is "a fact that the device deleted" "$(send)" applied
is "stays, and is noted" "$(ask "SELECT count(*) FROM payments WHERE id = '$(id 4 1)'") $(kinds)" "1 deleted fact"

# ---- last writer wins, in each order of delivery
orders=("A B C" "A C B" "B A C" "B C A" "C A B" "C B A")
results="" images=""
for order in "${orders[@]}"; do
  fresh
  for n in A B C; do
    case $n in A) k=1 ;; B) k=3 ;; C) k=2 ;; esac
    table people "$people" "$(person $(((now << 16) + k)) 1 "x@x.org" "by $n")" | batch "${!n}" >"$work/$n.sql"
  done
  for n in $order; do [ "$(send <"$work/$n.sql")" = applied ] || tap_no "order $order: $n is applied" ""; done
  results+="$(ask "SELECT name FROM people") "
  images+="$(ask "SELECT count(*) FROM ledger_sync.conflict") "
done
is "the newest version wins in all orders of delivery" "$results" "by B by B by B by B by B by B "
is "and each loser is kept" "$images" "2 2 2 2 2 2 "
results=""
for order in "${orders[@]}"; do
  fresh
  table people "$people" "$(person $(((now << 16) + 1)) 1 x@x.org "by A")" | batch $A >"$work/A.sql"
  table people "$people" "$(gone $(((now << 16) + 3)) "$(id 1 1)" 4)" | batch $B >"$work/B.sql"
  table people "$people" "$(person $(((now << 16) + 2)) 1 x@x.org "by C")" | batch $C >"$work/C.sql"
  for n in $order; do [ "$(send <"$work/$n.sql")" = applied ] || tap_no "order $order: $n is applied" ""; done
  results+="$(ask "SELECT count(*) FROM people")"
done
is "a deletion that is the newest wins in all orders" "$results" 000000
results=""
for order in "${orders[@]}"; do
  fresh
  table people "$people" "$(person $(((now << 16) + 1)) 1 x@x.org "by A")" | batch $A >"$work/A.sql"
  table people "$people" "$(gone $(((now << 16) + 2)) "$(id 1 1)" 4)" | batch $B >"$work/B.sql"
  table people "$people" "$(person $(((now << 16) + 3)) 1 x@x.org "by C")" | batch $C >"$work/C.sql"
  for n in $order; do [ "$(send <"$work/$n.sql")" = applied ] || tap_no "order $order: $n is applied" ""; done
  results+="$(ask "SELECT count(*) FROM people WHERE name = 'by C'")"
done
is "a row written after its deletion is there in all orders" "$results" 111111

fresh
clock -600
table people "$people" "$(person $CLOCK 1 a@x.org Ann)" "$(person $CLOCK 2 b@x.org Bea)" | batch $A | send >/dev/null
ask "UPDATE people SET name = 'by main'" >/dev/null
clock -300
table people "$people" "$(person $CLOCK 1 a@x.org late)" | batch $A | send >/dev/null
is "main's own edit is found and wins over an older one" "$(ask "SELECT name FROM people ORDER BY id LIMIT 1") $(kinds)" "by main current wins"
is "the image that lost is kept" "$(ask "SELECT incoming ->> 'name', current ->> 'name' FROM ledger_sync.conflict")" "late|by main"
clock 60
table people "$people" "$(person $CLOCK 1 a@x.org newer)" "$(person $CLOCK 2 b@x.org Bea2)" | batch $A | send >/dev/null
is "and loses to a newer one" "$(ask "SELECT string_agg(name, ',' ORDER BY id) FROM people") $(kinds)" "newer,Bea2 current wins,incoming wins,incoming wins"
is "main's triggers ran, on main's search_path, and know the device" "$(ask "SELECT DISTINCT device FROM seen WHERE device <> ''")" "$A"

# ---- clocks
fresh
for years in -10 10; do
  [ $years = 10 ] && device=$A || device=$B
  at=$(((now + years * 31557600 * 1000) << 16))
  table people "$people" "$(person $at 1 a@x.org "$years years")" | batch $device | send >/dev/null
done
is "ten years ahead wins over ten years behind" "$(ask 'SELECT name FROM people')" "10 years"
is "a clock that is ahead is noted" "$(ask "SELECT count(*) FROM ledger_sync.conflict WHERE kind = 'clock'")" 1
is "and its versions are five minutes ahead at most" "$(ask "SELECT (hlc >> 16) <= extract(epoch FROM now()) * 1000 + 300000 FROM ledger_sync.row_version")" t
clock 900
ask "UPDATE ledger_sync.row_version SET hlc = hlc - (600000::bigint << 16)" >/dev/null # ten minutes later
table people "$people" "$(person $CLOCK 1 a@x.org later)" | batch $C | send >/dev/null
is "so that the others are heard again" "$(ask 'SELECT name FROM people')" later

# ---- references in a circle, deletions, keys of several columns, identity
fresh
clock
circle() {
  table people "$people" "$(person $CLOCK 1 a@x.org Ann false "\"$(id 2 1)\"")" "$(person $CLOCK 2 b@x.org Bea false "\"$(id 2 2)\"")"
  table things "$things" "[$CLOCK,false,[],\"$(id 2 1)\",\"$(id 1 2)\",\"one\"]" "[$CLOCK,false,[],\"$(id 2 2)\",\"$(id 1 1)\",\"two\"]"
}
circle | batch $A | is "a circle of references" "$(send)" applied
is "is closed" "$(ask "SELECT count(*) FROM people AS p JOIN things AS t ON t.id = p.best")" 2
clock
circle | sed "s/\"$(id 2 1)\",\"2026/\"$(id 2 2)\",\"2026/" | batch $A | is "and turned" "$(send)" applied
is "it is" "$(ask "SELECT count(DISTINCT best) FROM people") $(kinds)" "1 "
clock
{
  table people "$people" "$(gone $CLOCK "$(id 1 1)" 4)" "$(gone $CLOCK "$(id 1 2)" 4)"
  table things "$things" "$(gone $CLOCK "$(id 2 1)" 2)" "$(gone $CLOCK "$(id 2 2)" 2)"
} | batch $A | is "a circle goes" "$(send)" applied
is "whole" "$(ask "SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM things), (SELECT count(*) FROM ledger_sync.row_version WHERE gone)")" "0|4"
clock
{
  table visits '["id","note"]' "[$CLOCK,false,[],\"7\",\"main's range\"]" "[$CLOCK,false,[],\"1099511627777\",\"range 1\"]"
  table counted '["id","note"]' "[$CLOCK,false,[],\"5\",\"x\"]" "[$CLOCK,false,[],\"2097153\",\"y\"]"
  table pairs '["a","b","v"]' "[$CLOCK,false,[],\"1\",\"x,y\",\"{}\"]" "[$CLOCK,false,[],\"1\",\"\",null]"
} | batch $A | is "keys of identity, serial and several columns" "$(send)" applied
is "sequences are past the first range's keys" "$(ask "INSERT INTO visits (note) VALUES ('z') RETURNING id") $(ask "INSERT INTO counted (note) VALUES ('z') RETURNING id")" "8 6"
is "the key of several columns" "$(ask "SELECT key FROM ledger_sync.row_version WHERE table_name = 'pairs' ORDER BY key")" '(1,"")
(1,"x,y")'
clock
table pairs '["a","b","v"]' "[$CLOCK,true,[],\"1\",\"x,y\",null]" "[$CLOCK,false,[],\"1\",\"\",\"[1]\"]" | batch $A | send >/dev/null
is "is found again" "$(ask 'SELECT a, b, v FROM pairs')" '1||[1]'

# ---- balances
fresh
clock
{ table people "$people" "$(person $CLOCK 1 a@x.org Ann)"; table purses "$purses" "$(purse $CLOCK 1 100.00 100.00)"; } | batch $A | send >/dev/null
clock
table purses "$purses" "$(purse null 1 -80.00 20.00)" | batch $A | send >/dev/null
clock 1
table purses "$purses" "$(purse $CLOCK 1 -70.00 30.00 renamed)" | batch $B | is "two devices spend one balance" "$(send)" applied
is "the differences add up" "$(ask 'SELECT name, balance FROM purses')" "renamed|-50.00"
is "the overdraft is noted, and the other name" "$(kinds)" "incoming wins,overdraft"
owed='["table_schema","table_name","key","journal","column_name","amount"]'
J() { printf '05000000-0000-7000-8000-0000000%03d00' "$1"; }
ask "INSERT INTO payments (id, purse, amount, status) VALUES ('05000000-0000-7000-8000-000000000101', '$(id 3 1)', 1, 'completed')" >/dev/null
ask "CREATE TABLE transactions AS TABLE payments; ALTER TABLE transactions ADD PRIMARY KEY (id)" >/dev/null
ask "INSERT INTO ledger_sync.relation (schema_sha256, table_schema, table_name, position, column_names, key_names, kind, collision) VALUES ('$sha', 'public', 'transactions', 11, '{id}', '{id}', 'fact', 'reject')" >/dev/null
{
  table purses "$purses" "[null,false,[null],\"$(id 3 1)\",\"$(id 1 1)\",\"purse\",\"7.00\"]" "[null,false,[null],\"$(id 3 2)\",\"$(id 1 1)\",\"new\",\"3.00\"]"
  printf '{"table":"ledger_sync.delta","columns":%s,"deltas":[],"rows":[' "$owed"
  printf '[null,false,[],"public","purses","%s","%s","balance","%s"],' "$(id 3 1)" "$(J 1)" 1000.00 "$(id 3 1)" "$(J 2)" 60.00 "$(id 3 1)" "$(J 3)" -5.00
  printf '[null,false,[],"public","purses","%s","%s","balance","3.00"]]}\n' "$(id 3 2)" "$(J 2)"
} | batch $A --careful | is "a careful batch" "$(send)" applied
is "adds what main does not have" "$(ask 'SELECT balance FROM purses ORDER BY id')" "5.00
3.00"

# ---- custody
fresh
clock
table people "$people" "$(person $CLOCK 1 a@x.org Ann)" "$(person $CLOCK 2 b@x.org Bea)" | batch $A | send >/dev/null
clock
table people "$people" "$(person $CLOCK 3 c@x.org Cem)" "$(person $CLOCK 4 a@x.org Dan)" "$(person $CLOCK 5 e@x.org Eve)" | batch $B | like "a natural key that is taken" "$(send)" \
  "^in custody: public.people \($(id 1 4)\): its people_email_key is that of main's row $(id 1 1) \[23505\]$"
is "nothing of the batch is there" "$(ask 'SELECT count(*) FROM people')" 2
clock
table people "$people" "$(person $CLOCK 6 f@x.org Fay)" | batch $B | is "the device's later batches wait" "$(send)" "in custody: it waits behind batch 1"
clock
table people "$people" "$(person $CLOCK 7 g@x.org Gus)" | batch $C | is "other devices go on" "$(send)" applied
like "the acknowledgement tells both" "$(ask "SELECT ledger_sync.acknowledgement('$B')")" '"received":2,.*"applied":0,"reason":"public.people \('
like "retry without a repair says the same" "$(ask "SELECT * FROM ledger_sync.retry('$B')")" "^$B\|1\|in custody: public.people .*\[23505\]$"
ask "UPDATE people SET email = 'old@x.org' WHERE id = '$(id 1 1)'" >/dev/null
is "after the repair it goes on from there" "$(ask 'SELECT * FROM ledger_sync.retry()')" "$B|1|applied
$B|2|applied"
is "all rows are there, none is in the inbox" "$(ask 'SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM ledger_sync.inbox)')" "7|0"
like "and it is acknowledged" "$(ask "SELECT ledger_sync.acknowledgement('$B')")" '"received":2,.*"applied":2,"reason":null'
is "retry has nothing more to do" "$(ask 'SELECT * FROM ledger_sync.retry()')" ""

rejected() { # title pattern repair: of the batch on stdin, of device A; it is repaired and applied
  like "$1" "$(batch $A | send)" "^in custody: $2$"
  ask "$3" >/dev/null
  like "$1: repaired" "$(ask 'SELECT result FROM ledger_sync.retry()')" '^applied$'
}
fresh
clock
table people "$people" "$(person $CLOCK 1 a@x.org Ann)" | batch $A | send >/dev/null
thing() { printf '[%s,false,[],"%s","%s","%s"]' $CLOCK "$(id 2 "$1")" "$(id 1 "${3:-1}")" "$2"; }
table things "$things" "$(thing 1 x)" "$(thing 2 y)" "$(thing 3 forbidden)" "$(thing 4 z)" | rejected "a CHECK of main's own" \
  "public.things \($(id 2 3)\): new row for relation \"things\" violates check constraint \"things_label_check\" \[23514\]" "ALTER TABLE things DROP CONSTRAINT things_label_check"
table things "$things" "$(thing 5 x 9)" | rejected "a reference that is not there" \
  "public.things \($(id 2 5)\): insert or update .* violates foreign key constraint \"things_owner_fkey\": Key \(owner\)=.* is not present in table \"people\".* \[23503\]" \
  "INSERT INTO people (id, email) VALUES ('$(id 1 9)', 'i@x.org')"
ask 'ALTER TABLE things DROP COLUMN label' >/dev/null
table things "$things" "$(thing 6 x)" | rejected "a dropped column" "public.things: main has no column label \[42703\]" 'ALTER TABLE things ADD COLUMN label text'
ask 'ALTER TABLE things ADD COLUMN must text; UPDATE things SET must = 1; ALTER TABLE things ALTER must SET NOT NULL' >/dev/null
table things "$things" "$(thing 7 x)" | rejected "a column of main's that must not be null" \
  "public.things \($(id 2 7)\): null value in column \"must\" of relation \"things\" violates not-null constraint \[23502\]" "ALTER TABLE things ALTER must SET DEFAULT ''"
ask "INSERT INTO purses VALUES ('$(id 3 1)', '$(id 1 1)', 'p', 0)" >/dev/null
table payments "$payments" "$(payment 1 1.00 pending '"sad"')" "$(payment 2 1.00 pending '"glad"')" | rejected "a label that main's enum lacks" \
  "public.payments \($(id 4 2), column mood\): invalid input value for enum (public\.)?mood: \"glad\" \[22P02\]" "ALTER TYPE mood ADD VALUE 'glad'"
table payments "$payments" "$(payment 3 1.005 pending)" | rejected "a number with more decimals than main keeps" \
  "public.payments \($(id 4 3)\): main keeps fewer decimals of a number than it has \[22003\]" 'ALTER TABLE payments ALTER amount TYPE numeric(18,4)'
table people "$people" "$(person $CLOCK 8 h@x.org "a name that is too long for main")" | rejected "a value that is too long" \
  "public.people \($(id 1 8)\): value too long for type character varying\(20\) \[22001\]" 'ALTER TABLE people DROP COLUMN shown; ALTER TABLE people ALTER name TYPE text'
ask "ALTER TABLE things RENAME TO items" >/dev/null
table things "$things" "$(thing 8 x)" | rejected "a table that main has not" "public.things: main has no such table \[42P01\]" 'ALTER TABLE items RENAME TO things'
clock
table people "$people" "$(gone $CLOCK "$(id 1 1)" 4)" | rejected "a row that others need" \
  "public\.[a-z]+: update or delete on table \"people\" violates foreign key constraint .* \[23503\]" 'DELETE FROM things; DELETE FROM payments; DELETE FROM purses'

# ---- natural keys that move within a batch
fresh
clock
table people "$people" "$(person $CLOCK 1 a@x.org Ann)" "$(person $CLOCK 2 b@x.org Bea)" "$(person $CLOCK 3 c@x.org Cem)" | batch $A | send >/dev/null
clock
table people "$people" "$(gone $CLOCK "$(id 1 1)" 4)" "$(person $CLOCK 4 a@x.org Ann2)" | batch $A | is "deleted, and made anew with the same natural key" "$(send)" applied
clock
table people "$people" "$(person $CLOCK 2 c@x.org Bea)" "$(person $CLOCK 3 d@x.org Cem)" "$(person $CLOCK 5 b@x.org Eve)" | batch $A | is "natural keys that move on" "$(send)" applied
clock
table people "$people" "$(person $CLOCK 2 d@x.org Bea)" "$(person $CLOCK 3 c@x.org Cem)" | batch $A | is "natural keys that change places" "$(send)" applied
is "all are where they belong" "$(ask "SELECT string_agg(name || ' ' || email, ',' ORDER BY id) FROM people") $(kinds)" "Bea d@x.org,Cem c@x.org,Ann2 a@x.org,Eve b@x.org "

seat() { printf '[%s,%s,[],"%s",%s]' $CLOCK "${3:-false}" "$(id 11 "$1")" "$2"; }
clock
table seats '["id","room","seat","free"]' "$(seat 1 '"Red","1","f"')" "$(seat 2 '"Red","2","f"')" "$(seat 3 '"Red","1","t"')" | batch $A | send >/dev/null
clock
table seats '["id","room","seat","free"]' "$(seat 1 '"Red","1","t"')" "$(seat 2 null,null,null true)" "$(seat 4 '"RED","1","f"')" "$(seat 5 '"red","2","f"')" | batch $A | is "an index of an expression and a condition" "$(send)" applied
clock
table seats '["id","room","seat","free"]' "$(seat 6 '"reD","2","f"')" | batch $B | like "is known in a reason, too" "$(send)" \
  "^in custody: public.seats \($(id 11 6)\): its seats_lower_seat_idx is that of main's row $(id 11 5) \[23505\]$"

# ---- adopted and renamed
fresh
clock -60
table tags '["id","name"]' "[$CLOCK,false,[],\"$(id 8 1)\",\"red\"]" | batch $A | send >/dev/null
clock
{
  table tags '["id","name"]' "[$CLOCK,false,[],\"$(id 8 2)\",\"red\"]" "[$CLOCK,false,[],\"$(id 8 3)\",\"blue\"]"
  table tagged '["id","tag","note"]' "[$CLOCK,false,[],\"$(id 9 1)\",\"$(id 8 2)\",\"r\"]" "[$CLOCK,false,[],\"$(id 9 2)\",\"$(id 8 3)\",\"b\"]"
} | batch $B | is "a row that is adopted" "$(send)" applied
is "what refers to it refers to main's row" "$(ask 'SELECT string_agg(name, $$,$$ ORDER BY g.id) FROM tagged AS g JOIN tags AS t ON t.id = g.tag') $(ask 'SELECT count(*) FROM tags') $(kinds)" "red,blue 2 adopted"
clock
{
  table tags '["id","name"]' "[$CLOCK,false,[],\"$(id 8 2)\",\"crimson\"]"
  table tagged '["id","tag","note"]' "[$CLOCK,false,[],\"$(id 9 3)\",\"$(id 8 2)\",\"r\"]"
} | batch $B | is "and in later batches" "$(send)" applied
is "it is main's row still" "$(ask "SELECT name FROM tags WHERE id = '$(id 8 1)'") $(ask "SELECT count(*) FROM tagged WHERE tag = '$(id 8 1)'")" "crimson 2"
clock
table handles '["id","handle"]' "[$CLOCK,false,[],\"$(id 10 1)\",\"somebody\"]" | batch $A | send >/dev/null
clock
table handles '["id","handle"]' "[$CLOCK,false,[],\"$(id 10 12345678)\",\"somebody\"]" | batch $B | is "a row that is renamed" "$(send)" applied
is "has the end of its key" "$(ask "SELECT handle FROM handles ORDER BY id DESC LIMIT 1") $(kinds)" "som~12345678 adopted,renamed"

# ---- many at once
fresh
clock
rows=$(for n in $(seq 1 300); do person $CLOCK "$n" "p$n@x.org" Ann; printf ,; done)
table people "$people" "${rows%,}" | batch $A | is "many rows" "$(send)" applied
rows=$(for n in $(seq 1 300); do clock; person $CLOCK "$n" "p$n@x.org" "Bea $n"; printf ,; done)
table people "$people" "${rows%,}" | batch $B >"$work/b.sql"
rows=$(for n in $(seq 300 -1 1); do clock 10; person $CLOCK "$n" "p$n@x.org" "Cem $n"; printf ,; done)
table people "$people" "${rows%,}" | batch $C >"$work/c.sql"
send <"$work/b.sql" >"$work/b.out" &
send <"$work/c.sql" >"$work/c.out" &
wait
is "two devices on the same rows at once" "$(cat "$work/b.out" "$work/c.out")" "applied
applied"
is "the last writer has won each row" "$(ask "SELECT count(*) FROM people WHERE name LIKE 'Cem%'")" 300
tap_end
