#!/usr/bin/env bash
# ledger pull: tables that are main's own become as main has them, at one snapshot, in one transaction; nobody else writes them here;
# what cannot be pulled says why and leaves the file as it was.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK main=ledger_pull_$$
export LC_ALL=C.UTF-8 PGOPTIONS='-c client_min_messages=warning'
finish() {
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $main" -c "DROP ROLE IF EXISTS ${main}_reader"
  rm -rf "$work"
}
trap finish EXIT
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$main" "$@" 2>&1; }
content() { sqlite3 "$1" .dump | sha256sum; }
psql -X -q -d postgres -c "CREATE DATABASE $main TEMPLATE template0"
dsn="dbname=$main"

# ---- rows of main
file=$work/full.db
"$LEDGER" init "$file" >"$work/out"
"$LEDGER" export "$file" --schema-only | ask
status "a table that main does not have a row of" 0 "$LEDGER" pull "$file" "$dsn" --tables=exchange_rates --json
is "is empty here" "$(tr -d '[:space:]' <<<"$SEEN")" '{"tables":[{"table":"exchange_rates","rows":0,"inserted":0,"updated":0,"deleted":0}]}'
ask <<'SQL'
INSERT INTO fee_config (id, fee_type, currency, percentage_fee, flat_fee, description, updated_at) VALUES
  ('00000006-0000-4000-8000-000000000001', 'withdrawal', 'USD', 0.5, 0.25, E'a\tb\\c\n', '2020-01-01'),
  ('00000006-0000-4000-8000-000000000002', 'trading', 'USD', 1, 0, NULL, '2020-01-02'),
  ('00000006-0000-4000-8000-000000000003', 'trading', 'EUR', 1, 0, '', '2020-01-03');
INSERT INTO exchange_rates (id, from_currency, to_currency, rate, quoted_at) VALUES ('00000007-0000-4000-8000-000000000001', 'EUR', 'USD', 1.08, '2026-01-01');
SQL
status "what the seed has here goes, what main has comes" 0 "$LEDGER" pull "$file" "$dsn" --tables=fee_config,exchange_rates
is "counts" "$SEEN" "fee_config: 3 rows: 3 inserted, 0 updated, 3 deleted
exchange_rates: 1 rows: 1 inserted, 0 updated, 0 deleted"
"$LEDGER" export "$work/full.db" --init | ask >"$work/out"
same() { # title
  is "$1" "$("$LEDGER" digest "$file" --table=fee_config)" "$(ask -c "SELECT * FROM ledger_sync.digest('public.fee_config')")"
  is "$1: times as main has them" "$(sqlite3 "$file" "SELECT id || substr(updated_at, 1, 10) FROM fee_config ORDER BY id")" "$(ask -c "SELECT id || left(updated_at::text, 10) FROM fee_config ORDER BY id")"
  status "$1: proven" 0 "$LEDGER" verify "$file"
}
same "the digest is main's"
status "again" 0 "$LEDGER" pull "$file" "$dsn" --tables='fee_config, "public".exchange_rates'
is "nothing is written" "$(grep -c '0 inserted, 0 updated, 0 deleted' <<<"$SEEN")" 2
ask -c "UPDATE fee_config SET flat_fee = 9 WHERE fee_type = 'withdrawal'; DELETE FROM fee_config WHERE currency = 'EUR'; INSERT INTO fee_config (id, fee_type, currency, percentage_fee) VALUES ('00000006-0000-4000-8000-000000000004', 'deposit', 'USD', 0)"
status "one of each" 0 "$LEDGER" pull "$file" "$dsn" --tables=fee_config
is "is counted" "$SEEN" "fee_config: 3 rows: 1 inserted, 1 updated, 1 deleted"
same "and the digest is main's"
is "a change of main's is in the audit trail here" "$(sqlite3 "$file" "SELECT action || old_values || new_values FROM audit_logs WHERE entity_id = '00000006-0000-4000-8000-000000000001' AND action = 'UPDATE'")" 'UPDATE{"flat_fee": 0.25000000}{"flat_fee": 9.00000000}'
is "no row of it is to be sent" "$(sqlite3 "$file" "SELECT count(*) FROM ledger_change")" 0

# ---- whose table it is
echo '{"table":"fee_config","op":"update","row":{"flat_fee":"1"},"where":{"fee_type":"deposit"}}' >"$work/change"
status "a write of ours is refused" 1 "$LEDGER" load "$file" <"$work/change"
like "and says why" "$PROBLEM" 'belongs to the main database \[42501\]'
like "another program's, too" "$(sqlite3 "$file" "DELETE FROM fee_config" 2>&1)" '42501'
same "nothing was written"

# ---- what is refused
before=$(content "$file")
refused() { # title pattern command...
  local title=$1 pattern=$2
  shift 2
  status "$title" 1 "$LEDGER" pull "$file" "$@"
  like "$title: says so" "$PROBLEM" "$pattern"
  is "$title: the file is as it was" "$(content "$file")" "$before"
}
refused "a table of the book" '"accounts" is written by the book here.*\[42501\]' "$dsn" --tables=fee_config,accounts
refused "audit_logs" '"audit_logs" is written by the book here.*\[42501\]' "$dsn" --tables=audit_logs
refused "a view" '"account_summaries" is a view.*\[0A000\]' "$dsn" --tables=account_summaries
refused "a table that the file lacks" 'relation "nix" does not exist \[42P01\]' "$dsn" --tables=nix
ask -c "ALTER TABLE exchange_rates RENAME TO elsewhere"
refused "a table that main lacks" 'relation "public.exchange_rates" does not exist \[42P01\]' "$dsn" --tables=fee_config,exchange_rates
ask -c "ALTER TABLE elsewhere RENAME TO exchange_rates; ALTER TABLE fee_config DROP COLUMN description"
refused "a column that main lacks" 'column "description" does not exist \[42703\]' "$dsn" --tables=fee_config
ask -c "ALTER TABLE fee_config ADD COLUMN description text; ALTER TABLE fee_config ALTER COLUMN flat_fee TYPE numeric; UPDATE fee_config SET flat_fee = 1e20 WHERE fee_type = 'deposit'"
refused "a value that does not fit" 'fee_config, row . of main: numeric field overflow.*\[22003\]' "$dsn" --tables=exchange_rates,fee_config
ask -c "UPDATE fee_config SET flat_fee = 1"
ask -c "CREATE ROLE ${main}_reader LOGIN; GRANT SELECT ON fee_config TO ${main}_reader; ALTER TABLE fee_config ENABLE ROW LEVEL SECURITY"
refused "rows that row security would hide" 'row-level security.*\[42501\]' "$dsn user=${main}_reader" --tables=fee_config
ask -c "ALTER TABLE fee_config DISABLE ROW LEVEL SECURITY"
status "a server that is not there" 2 "$LEDGER" pull "$file" "host=127.0.0.1 port=1 $dsn" --tables=fee_config
status "without --tables those that main declares" 0 "$LEDGER" pull "$file" "$dsn"
is "are pulled" "$(cut -d: -f1 <<<"$SEEN" | tr '\n' ' ')" '"public"."exchange_rates" "public"."fee_config" '
status "an empty name" 2 "$LEDGER" pull "$file" "$dsn" --tables=fee_config,
echo '{"table":"testimonies","row":{"client_name":"x","content":"y","rating":5}}' | "$LEDGER" load "$file" >"$work/out" 2>&1
before=$(content "$file")
refused "a table with changes to send" '"testimonies" has changes that the main database has not received yet \[55000\] \(Send them first:  ledger push\)' "$dsn" --tables=testimonies

# ---- foreign keys, unique keys that change places, generated columns, keys of two columns
cat >"$work/keys.sql" <<'SQL'
CREATE TABLE currency (code text PRIMARY KEY, name text NOT NULL UNIQUE, sort integer UNIQUE, up text GENERATED ALWAYS AS (upper(code)) STORED);
CREATE TABLE pair (a text NOT NULL REFERENCES currency (code) ON DELETE CASCADE, b text NOT NULL REFERENCES currency (code), rate numeric, PRIMARY KEY (a, b));
CREATE TABLE price (id uuid PRIMARY KEY, code text REFERENCES currency (code) ON DELETE CASCADE);
CREATE TABLE money (id integer PRIMARY KEY, code text REFERENCES currency (code) ON DELETE SET NULL);
SQL
file=$work/keys.db
"$LEDGER" init "$file" --schema="$work/keys.sql" >"$work/out"
"$LEDGER" export "$file" --schema-only | ask
ask -c "INSERT INTO currency VALUES ('EUR', 'Euro', 1), ('USD', 'Dollar', 2), ('GBP', 'Pound', 3); INSERT INTO pair VALUES ('EUR', 'USD', 1.1), ('USD', 'EUR', 0.9)"
status "no tables, and main declares none" 2 "$LEDGER" pull "$file" "$dsn"
like "says what to do" "$PROBLEM" 'main declares no table to be its own'
status "children before parents" 0 "$LEDGER" pull "$file" "$dsn" --tables=pair,currency
is "generated columns" "$(sqlite3 "$file" "SELECT group_concat(up) FROM (SELECT up FROM currency ORDER BY code)")" "EUR,GBP,USD"
printf '%s\n' '{"table":"price","row":{"id":"00000008-0000-4000-8000-000000000001","code":"GBP"}}' '{"table":"money","row":{"id":1,"code":"EUR"}}' | "$LEDGER" load "$file" >"$work/out" 2>&1
ask -c "UPDATE currency SET sort = NULL; UPDATE currency SET sort = CASE code WHEN 'EUR' THEN 2 WHEN 'USD' THEN 1 ELSE 3 END; UPDATE pair SET rate = 1.2 WHERE a = 'EUR'"
status "two rows change places in a unique key" 0 "$LEDGER" pull "$file" "$dsn" --tables=currency,pair
is "counts" "$SEEN" "currency: 3 rows: 0 inserted, 2 updated, 0 deleted
pair: 2 rows: 0 inserted, 1 updated, 0 deleted"
is "what refers to them stays" "$(sqlite3 "$file" "SELECT count(*) FROM price; SELECT code FROM money")" "1
EUR"
ask -c "DELETE FROM currency WHERE code = 'GBP'"
before=$(content "$file")
refused "a row that rows here refer to" 'insert or update on table "price" violates foreign key constraint.*Key \(code\)=\(GBP\) is not present in table "currency".*\[23503\]' "$dsn" --tables=currency
echo '{"table":"price","op":"delete","where":{"code":"GBP"}}' | "$LEDGER" load "$file" >"$work/out" 2>&1
status "once they are gone it goes" 0 "$LEDGER" pull "$file" "$dsn" --tables=currency
is "and it is gone" "$(sqlite3 "$file" "SELECT count(*) FROM currency")" 2
status "foreign keys are on again" 1 "$LEDGER" load "$file" <<<'{"table":"money","row":{"id":2,"code":"XXX"}}'
like "and refuse" "$SEEN" '23503'

tap_end
