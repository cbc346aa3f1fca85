#!/usr/bin/env bash
# ledger init --from: a device made from main: its schema (built in or main's own text), its enrolment and range of keys, the tables that
# are main's; the file appears when all of that is done, and not before.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK main=ledger_from_$$
export LC_ALL=C.UTF-8 PGOPTIONS='-c client_min_messages=warning'
finish() {
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $main" -c "DROP DATABASE IF EXISTS ${main}_own" -c "DROP DATABASE IF EXISTS ${main}_bare"
  rm -rf "$work"
}
trap finish EXIT
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$@" 2>&1; }
for database in $main ${main}_own ${main}_bare; do psql -X -q -d postgres -c "CREATE DATABASE $database TEMPLATE template0"; done
no_file() { is "$1" "$(ls "$work" | grep -c '^x\.db')" 0; }

# ---- a built-in schema
"$LEDGER" init "$work/first.db" >"$work/out"
"$LEDGER" sync table "$work/first.db" fee_config --kind=main >"$work/out" 2>&1 || "$LEDGER" pull "$work/first.db" "dbname=${main}_bare" --tables=fee_config >"$work/out" 2>&1
"$LEDGER" export "$work/first.db" --full | ask "$main" >"$work/out"
ask "$main" -c "UPDATE fee_config SET flat_fee = 7 WHERE fee_type = 'withdrawal'; INSERT INTO exchange_rates (from_currency, to_currency, rate, quoted_at) VALUES ('EUR', 'USD', 1.08, '2026-01-01')"
status "a device from main" 0 "$LEDGER" init "$work/a.db" --from="dbname=$main" --tables=fee_config,exchange_rates
like "pulls what was asked for" "$SEEN" 'fee_config: 3 rows: 0 inserted, 1 updated, 0 deleted'
device=$(sed -n 's/^device //p' <<<"$SEEN")
like "names the device" "$device" '^[0-9a-f-]{36}$'
is "the file is that device" "$(sqlite3 "$work/a.db" "SELECT device FROM ledger_sync_state")" "$device"
is "main knows it" "$(ask "$main" -c "SELECT count(*) FROM ledger_sync.device WHERE device = '$device'")" 1
is "and it knows main" "$(sqlite3 "$work/a.db" "SELECT main FROM ledger_sync_state")" "$(ask "$main" -c "SELECT main FROM ledger_sync.installation")"
status "proven" 0 "$LEDGER" verify "$work/a.db" --full
is "a WAL, as of any file" "$(sqlite3 "$work/a.db" "PRAGMA journal_mode")" wal
status "main's table is not written here" 1 "$LEDGER" load "$work/a.db" <<<'{"table":"fee_config","op":"delete","where":{"currency":"USD"}}'
status "a first push" 0 "$LEDGER" push "$work/a.db" "dbname=$main"
status "and one that has something" 0 "$LEDGER" load "$work/a.db" <<<'{"table":"contacts","row":{"name":"x","email":"x@example.com","message":"m"}}'
status "is pushed" 0 "$LEDGER" push "$work/a.db" "dbname=$main"
is "arrives" "$(ask "$main" -c "SELECT count(*) FROM contacts")" 1
status "a file that is there" 1 "$LEDGER" init "$work/a.db" --from="dbname=$main"
like "stays" "$PROBLEM" 'exists already \[58P02\]'

# ---- a public key, main's keys
"$LEDGER" verify "$work/a.db" >"$work/out"
key=$(printf '%064d' 7)
status "with the key of its bundles" 0 "$LEDGER" init "$work/b.db" --from="dbname=$main" --public-key=$key
is "main has the key" "$(ask "$main" -c "SELECT encode(public_key, 'hex') FROM ledger_sync.device WHERE public_key IS NOT NULL")" "$key"
if ask "$main" -c "UPDATE ledger_sync.installation SET public_key = decode(repeat('ab', 64), 'hex')" >"$work/out" 2>&1; then
  status "main has keys" 0 "$LEDGER" init "$work/c.db" --from="dbname=$main"
  is "they are pinned" "$(sqlite3 "$work/c.db" "SELECT lower(hex(main_key)) FROM ledger_sync_state")" "$(printf 'ab%.0s' {1..64})"
fi

# ---- what main does not have
status "a database without ledger_sync" 1 "$LEDGER" init "$work/x.db" --from="dbname=${main}_bare"
like "says what its operator does" "$PROBLEM" 'has no schema ledger_sync \[LS001\] \(its operator: ledger export FILE --init'
no_file "no file"
devices=$(ask "$main" -c "SELECT count(*) FROM ledger_sync.device")
status "a table that is not there" 1 "$LEDGER" init "$work/x.db" --from="dbname=$main" --tables=nix
like "is named" "$PROBLEM" 'relation "nix" does not exist \[42P01\]'
is "no device is enrolled for that" "$(ask "$main" -c "SELECT count(*) FROM ledger_sync.device")" "$devices"
no_file "and there is no file"
status "a table of the book" 1 "$LEDGER" init "$work/x.db" --from="dbname=$main" --tables=accounts
like "the enrolment is mentioned" "$PROBLEM" 'was enrolled on main and has no file: harmless'
no_file "and there is no file then"
status "no such schema on main" 1 "$LEDGER" init "$work/x.db" --from="dbname=$main" --schema=nix
like "says so" "$PROBLEM" 'main accepts no schema of that name \[LS003\]'
status "a server that is not there" 2 "$LEDGER" init "$work/x.db" --from="host=127.0.0.1 port=1 dbname=$main"
devices=$(ask "$main" -c "SELECT count(*) FROM ledger_sync.device")
status "a folder that is not there" 2 "$LEDGER" init "$work/no/x.db" --from="dbname=$main"
is "enrols nothing" "$(ask "$main" -c "SELECT count(*) FROM ledger_sync.device")" "$devices"
status "--tables without --from" 2 "$LEDGER" init "$work/x.db" --tables=a
no_file "none of these made a file"

# ---- a schema of main's own, with keys that are numbers
cat >"$work/own.sql" <<'SQL'
CREATE TABLE article (id serial PRIMARY KEY, name text NOT NULL, up text GENERATED ALWAYS AS (upper(name)) STORED);
CREATE TABLE sale (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, article integer REFERENCES article (id), amount numeric(12,2));
SQL
"$LEDGER" init "$work/own.db" --schema="$work/own.sql" >"$work/out"
"$LEDGER" export "$work/own.db" --full | ask "${main}_own" >"$work/out"
ask "${main}_own" -c "INSERT INTO article (name) VALUES ('apple'), ('pear')"
for n in 1 2; do
  status "device $n from main's text" 0 "$LEDGER" init "$work/own$n.db" --from="dbname=${main}_own" --tables=article
  is "device $n has main's rows" "$(sqlite3 "$work/own$n.db" "SELECT group_concat(id || up) FROM article")" "1APPLE,2PEAR"
  "$LEDGER" load "$work/own$n.db" <<<'{"table":"sale","row":{"article":1,"amount":"2.50"}}' >"$work/out" 2>&1
done
is "the two number their rows apart" "$(($(sqlite3 "$work/own1.db" "SELECT id FROM sale") == $(sqlite3 "$work/own2.db" "SELECT id FROM sale")))" 0
for n in 1 2; do status "device $n pushes" 0 "$LEDGER" push "$work/own$n.db" "dbname=${main}_own"; done
is "both sales are on main" "$(ask "${main}_own" -c "SELECT count(*), sum(amount) FROM sale")" "2|5.00"


# ---- seed rows with numbers: they are the same on every device, and do not take the first range
"$LEDGER" init "$work/elon.db" --schema=elon >"$work/out" 2>&1
status "a main of numbers with a seed" 0 "$LEDGER" push "$work/elon.db" "dbname=${main}_bare"
for n in 1 2; do
  status "device $n of it" 0 "$LEDGER" init "$work/elon$n.db" --from="dbname=${main}_bare"
  "$LEDGER" load "$work/elon$n.db" <<<'{"table":"testimonies","row":{"client_name":"a","content":"b"}}' >"$work/out" 2>&1
  status "is pushed" 0 "$LEDGER" push "$work/elon$n.db" "dbname=${main}_bare"
  status "and proven" 0 "$LEDGER" prove "$work/elon$n.db" "dbname=${main}_bare"
done
is "each has a range of its own" "$(ask "${main}_bare" -c "SELECT count(DISTINCT id >> 21), count(*) FROM testimonies")" "2|2"

tap_end
