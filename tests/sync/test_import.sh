#!/usr/bin/env bash
# ledger import: what pg_dump writes of a main database comes into a file, by COPY and by INSERT: the same rows, the balances in the
# book, the history proven, nothing to send back. Then what is wrong with a dump: a line that says where, and a file as it was.
# LEDGER_TEST_ROWS: of the dump that memory is measured with.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK main=ledger_import_$$
export LC_ALL=C.UTF-8 PGOPTIONS='-c client_min_messages=warning'
finish() {
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $main" -c "DROP DATABASE IF EXISTS ${main}_types" -c "DROP DATABASE IF EXISTS ${main}_keys"
  rm -rf "$work"
}
trap finish EXIT
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$main" "$@" 2>&1; }
content() { sqlite3 "$1" .dump | sha256sum; }

# ---- a main database with all that the book knows
psql -X -q -d postgres -c "CREATE DATABASE $main TEMPLATE template0"
"$LEDGER" init "$work/schema.db" >"$work/out"
"$LEDGER" export "$work/schema.db" --schema-only | ask
ask <<'SQL'
INSERT INTO users (id, email, password_hash, first_name, last_name, username)
  SELECT ('00000001-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'u' || n || '@example.com', '!', E'A\tb\\c\n' || n, 'L;''q--', 'user' || n
  FROM generate_series(1, 4) AS n;
INSERT INTO accounts (id, user_id, account_number, account_type, currency, balance, available_balance, status, updated_at) VALUES
  ('00000002-0000-4000-8000-000000000001', '00000001-0000-4000-8000-000000000001', 'WS000000000001', 'checking', 'USD', 100.50, 80.25, 'active', '2020-01-01'),
  ('00000002-0000-4000-8000-000000000002', '00000001-0000-4000-8000-000000000002', 'WS000000000002', 'checking', 'EUR', 7, 7, 'frozen', '2020-01-02'),
  ('00000002-0000-4000-8000-000000000003', '00000001-0000-4000-8000-000000000002', 'WS000000000003', 'savings', 'EUR', 0, 0, 'active', '2020-01-03'),
  ('00000002-0000-4000-8000-000000000004', '00000001-0000-4000-8000-000000000003', 'WS000000000004', 'checking', 'USD', -5.25, -5.25, 'active', '2020-01-04'),
  ('00000002-0000-4000-8000-000000000005', '00000001-0000-4000-8000-000000000003', 'WS000000000005', 'checking', 'USD', 10, -2, 'suspended', '2020-01-05');
INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status, reference_number) VALUES
  ('00000003-0000-4000-8000-000000000001', '00000002-0000-4000-8000-000000000001', 'deposit', 100.50, 'USD', 'completed', 'R1'),
  ('00000003-0000-4000-8000-000000000002', '00000002-0000-4000-8000-000000000001', 'withdrawal', 20.25, 'USD', 'pending', 'R2'),
  ('00000003-0000-4000-8000-000000000003', '00000002-0000-4000-8000-000000000002', 'deposit', 7, 'EUR', 'completed', 'R3');
INSERT INTO audit_logs (id, action, entity_type, entity_id, new_values) VALUES
  ('00000004-0000-4000-8000-000000000002', 'UPDATE', 'users', '00000001-0000-4000-8000-000000000001', '{"email": "other@example.com"}'),
  ('00000004-0000-4000-8000-000000000001', 'DELETE', 'accounts', '00000002-0000-4000-8000-000000000001', NULL);
INSERT INTO portfolio (user_id, cash_balance, btc_balance, updated_at) VALUES ('00000001-0000-4000-8000-000000000001', 12.5, 0.00000001, '2020-02-01');
INSERT INTO portfolio_transactions (user_id, transaction_type, amount, currency, status) VALUES ('00000001-0000-4000-8000-000000000001', 'deposit', 12.5, 'USD', 'completed');
INSERT INTO trades (user_id, trade_type, asset, amount, price, total, balance_before, balance_after, status, is_simulated)
  VALUES ('00000001-0000-4000-8000-000000000001', 'buy', 'BTC', 0.5, 10, 5, 17.5, 12.5, 'completed', false);
INSERT INTO crypto_withdrawals (user_id, amount, currency, crypto_address, status) VALUES ('00000001-0000-4000-8000-000000000001', 0.25, 'BTC', 'bc1qexample0000000000000000000000000000000', 'COMPLETED');
CREATE FUNCTION atomic(a integer) RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a > 1 THEN 1 ELSE 2 END; SELECT 3; END;
CREATE FUNCTION quoted() RETURNS text LANGUAGE plpgsql AS $body$ BEGIN RETURN 'COPY public.users FROM stdin;'; END $body$;
COMMENT ON TABLE users IS E'a ; comment
COPY public.users (id) FROM stdin;
\\.';
SQL
pg_dump -d "$main" >"$work/copy.sql"
pg_dump -d "$main" --column-inserts >"$work/columns.sql"
pg_dump -d "$main" --inserts --rows-per-insert=3 >"$work/rows.sql"
PGOPTIONS='-c standard_conforming_strings=off' pg_dump -d "$main" --inserts --data-only --on-conflict-do-nothing >"$work/escapes.sql"
sed 's/$/\r/' "$work/copy.sql" >"$work/crlf.sql"
is "a dump has backslashes in its strings" "$(grep -c "standard_conforming_strings = off" "$work/escapes.sql")" 1

plain_rows="SELECT 'u' || quote(id) || quote(first_name) || quote(last_name) || quote(updated_at) FROM users ORDER BY id;
SELECT 'a' || id || balance || '/' || available_balance || status || updated_at FROM accounts ORDER BY id;
SELECT 't' || id || amount || status || reference_number FROM transactions WHERE reference_number NOT LIKE 'IMPORT-%' ORDER BY id;
SELECT 'p' || user_id || cash_balance || '/' || btc_balance || updated_at FROM portfolio;
SELECT 'l' || id || action FROM audit_logs WHERE action IN ('UPDATE', 'DELETE') ORDER BY id;"
for form in copy columns rows escapes crlf; do
  file=$work/$form.db
  "$LEDGER" init "$file" --no-seed >"$work/out"
  status "$form" 0 "$LEDGER" import "$file" "$work/$form.sql" --json
  like "$form: what it did" "$SEEN" '"inserted":18,"skipped":0,"sequences":0,"openings":6,"holds":2,'
  status "$form: the book is proven" 0 "$LEDGER" verify "$file" --full
  sqlite3 "$file" "$plain_rows" >"$work/$form.rows"
  [ $form = crlf ] || [ $form = copy ] || is "$form: the same rows as by COPY" "$(cat "$work/$form.rows")" "$(cat "$work/copy.rows")"
  status "$form again: everything is there" 0 "$LEDGER" import "$file" "$work/$form.sql" --json
  like "$form again: nothing is inserted" "$SEEN" '"inserted":0,"skipped":18,"sequences":0,"openings":0,"holds":0,'
  is "$form: nothing is to be sent" "$(sqlite3 "$file" 'SELECT count(*) FROM ledger_change; SELECT cut_journal = received_journal AND cut_entry = received_entry AND received_journal = (SELECT max(seq) FROM ledger_journal) FROM ledger_sync_state')" "0
1"
  status "$form: no batch is cut" 0 "$LEDGER" export "$file"
  is "$form: but main is asked" "$(grep -c begin_batch <<<"$SEEN")" 0
done
like "balances, status and times as they came" "$(cat "$work/copy.rows")" '^a00000002-0000-4000-8000-00000000000410?-5\.25/-5\.25active2020-01-04 00:00:00\+00:00|^a.*5\.25/-5\.25active2020-01-04'
like "a suspended account has its balance, too" "$(cat "$work/copy.rows")" '10\.00/-2\.00suspended2020-01-05'
for table in users accounts portfolio trades crypto_withdrawals fee_config user_settings; do
  "$LEDGER" digest "$work/copy.db" --table=$table | cut -d'|' -f2-4 >>"$work/digest.file"
done
"$LEDGER" export "$work/schema.db" --init | ask >"$work/out"
ask -c "SELECT table_name, rows, sum FROM ledger_sync.digest() WHERE table_name IN ('users', 'accounts', 'portfolio', 'trades', 'crypto_withdrawals', 'fee_config', 'user_settings')" | sort >"$work/digest.main"
is "the digests of what the book does not add to" "$(sort "$work/digest.file")" "$(cat "$work/digest.main")"
pg_dump -d "$main" >"$work/with_sync.sql"
"$LEDGER" init "$work/sync.db" --no-seed >"$work/out"
status "main's own schema ledger_sync is passed over" 0 "$LEDGER" import "$work/sync.db" - <"$work/with_sync.sql"

# ---- the book afterwards
file=$work/copy.db
status "money moves on" 0 "$LEDGER" deposit "$file" WS000000000001 5 --reference=D1
like "on top of what came" "$("$LEDGER" balance "$file" WS000000000001)" '105\.50'
status "what is held can be released" 0 "$LEDGER" release "$file" IMPORT-HOLD-00000002-0000-4000-8000-000000000001
status "proven" 0 "$LEDGER" verify "$file"
before=$(content "$file")
status "with something to send there is no import" 1 "$LEDGER" import "$file" "$work/copy.sql"
like "and it says so" "$PROBLEM" 'not received yet \[55000\] \(Send them first:  ledger push\)'
is "the file is as it was" "$(content "$file")" "$before"

# ---- a device of main that takes main's rows: what it does with them adds up there, and is proven
ask -c "INSERT INTO fee_config (fee_type, currency, flat_fee) VALUES ('deposit', 'EUR', 1)"
device=$work/device.db dsn="dbname=$main"
"$LEDGER" export "$work/schema.db" --init | ask >"$work/out"
status "a device from main" 0 "$LEDGER" init "$device" --from="$dsn" --no-seed --tables=fee_config
pg_dump -d "$main" >"$work/now.sql"
status "takes main's rows" 0 "$LEDGER" import "$device" "$work/now.sql"
status "money moves" 0 "$LEDGER" transfer "$device" WS000000000001 WS000000000004 10.25 --reference=DEVICE-1
status "a device's user" 0 "$LEDGER" load "$device" <<<'{"table":"users","op":"update","row":{"first_name":"New"},"where":{"username":"user2"}}'
status "is pushed" 0 "$LEDGER" push "$device" "$dsn"
is "and main adds it" "$(ask -c "SELECT account_number, balance, available_balance FROM accounts WHERE account_number IN ('WS000000000001', 'WS000000000004') ORDER BY 1")" "WS000000000001|90.25|70.00
WS000000000004|5.00|5.00"
is "the opening balances are not on main" "$(ask -c "SELECT count(*) FROM transactions WHERE reference_number LIKE 'IMPORT-%'")" 0
status "prove holds" 0 "$LEDGER" prove "$device" "$dsn"
status "the book, too" 0 "$LEDGER" verify "$device"
pg_dump -d "$main" >"$work/now.sql"
status "main's dump again" 0 "$LEDGER" import "$device" "$work/now.sql" --json
like "brings nothing new" "$SEEN" '"inserted":0,'

# ---- a foreign hand on what was imported
triggers=$(sqlite3 "$work/rows.db" "SELECT group_concat('DROP TRIGGER \"' || name || '\"', ';') || ';' FROM sqlite_schema WHERE type = 'trigger'")
broken() { # title what-verify-says sql
  cp "$work/rows.db" "$work/broken.db"
  sqlite3 "$work/broken.db" ".load ${OUT:-build}/ledger_ext" "PRAGMA foreign_keys = OFF; $triggers $3"
  status "$1" 1 "$LEDGER" verify "$work/broken.db"
  like "$1: is found" "$SEEN$PROBLEM" "$2"
}
sqlite3 "$work/rows.db" "PRAGMA wal_checkpoint(TRUNCATE)" >"$work/out"
broken "a changed amount" 'V7.*import of journal 1' "UPDATE transactions SET amount = '200.50' WHERE reference_number = 'R1'"
broken "a completed row that was taken away" 'V7.*import of journal 1' "DELETE FROM transactions WHERE reference_number = 'R3'"
broken "a completed row more" 'V7.*no journal made it' "INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status) SELECT '00000003-0000-4000-8000-0000000000ff', account_id, transaction_type, amount, currency, status FROM transactions WHERE reference_number = 'R1'"
broken "a changed trade" 'V7.*import of journal 1' "UPDATE trades SET price = '11.00000000'"
broken "a changed audit row" 'V11.*import of journal 1' "UPDATE audit_logs SET action = 'X' WHERE action = 'DELETE'"
broken "an audit row more" 'V11' "INSERT INTO audit_logs (id, action) VALUES ('00000004-0000-4000-8000-0000000000ff', 'X')"
cp "$work/rows.db" "$work/vacuum.db"
is "VACUUM" "$(sqlite3 "$work/vacuum.db" ".load ${OUT:-build}/ledger_ext" "DELETE FROM transactions WHERE status = 'pending' AND reference_number = 'R2'" VACUUM 2>&1)" ""
status "VACUUM renumbers and breaks nothing" 0 "$LEDGER" verify "$work/vacuum.db" --full

# ---- a dump that cannot come in: says where, and changes nothing
bare=$work/bare.db
"$LEDGER" init "$bare" --no-seed >"$work/out"
before=$(content "$bare")
refused() { # title pattern < dump
  status "$1" 1 "$LEDGER" import "$bare" -
  like "$1: says so" "$PROBLEM" "$2"
  is "$1: the file is as it was" "$(content "$bare")" "$before"
}
refused "a value that is none" "^ledger import: standard input: line 3: invalid input syntax for type uuid.*\[22P02\]" <<'SQL'
SET client_encoding = 'UTF8';
COPY public.roles (id, name) FROM stdin;
x	admin
\.
SQL
refused "a field too few" 'line 2: missing data for column "name".*\[22P04\]' <<'SQL'
COPY public.roles (id, name) FROM stdin;
00000005-0000-4000-8000-000000000001
\.
SQL
refused "a field too many" 'line 2: extra data after last expected column.*\[22P04\]' <<'SQL'
COPY public.roles (id) FROM stdin;
00000005-0000-4000-8000-000000000001	x
\.
SQL
refused "no such column" 'line 1: column "nix" of relation "roles" does not exist.*\[42703\]' <<'SQL'
COPY public.roles (id, nix) FROM stdin;
\.
SQL
refused "NOT NULL" 'line 3: null value in column "name".*\[23502\]' <<'SQL'
COPY public.roles (id, name) FROM stdin;
00000005-0000-4000-8000-000000000001	a
00000005-0000-4000-8000-000000000002	\N
\.
SQL
refused "a parent that is nowhere" 'violates foreign key constraint.*\[23503\]' <<'SQL'
INSERT INTO public.user_settings (user_id) VALUES ('00000001-0000-4000-8000-0000000000aa');
SQL
refused "the same key twice, with other content" 'line 2: the row \(00000005-0000-4000-8000-000000000001\) of "roles" is there with another content; Column "name" differs. \[23505\]' <<'SQL'
INSERT INTO public.roles (id, name, created_at) VALUES ('00000005-0000-4000-8000-000000000001', 'a', '2026-01-01'),
('00000005-0000-4000-8000-000000000001', 'b', '2026-01-01');
SQL
refused "tables that the file does not have" "does not have some of the dump's tables: public.nix, billing.users, public.seq \[42P01\] \(--continue" <<'SQL'
COPY public.nix (a) FROM stdin;
\x
\.
INSERT INTO billing.users VALUES (1, 'x');
SELECT pg_catalog.setval('public.seq', 3, true);
SQL
refused "a statement that no dump has" 'line 2: syntax error at or near "delete" \[42601\]' <<'SQL'

DELETE FROM roles;
SQL
refused "large objects" 'lo_create.*not supported.*\[0A000\] \(Large objects' <<<"SELECT pg_catalog.lo_create('1');"
refused "another encoding" 'not in UTF-8.*\[0A000\]' <<<"SET client_encoding = 'LATIN1';"
refused "a line of psql's" '"\\copy" is not one that pg_dump writes' <<<'\copy users from x'
refused "bytes that are not UTF-8" 'line 2: invalid byte sequence.*\[22021\]' < <(printf "COPY public.roles (id, name) FROM stdin;\n00000005-0000-4000-8000-000000000001\t\\\\xff\n\\\\.\n")
refused "a carriage return in data" 'line 3: literal carriage return found in data.*\[22P04\]' < <(printf 'COPY public.roles (id, name) FROM stdin;\n00000005-0000-4000-8000-000000000001\ta\n00000005-0000-4000-8000-000000000002\tb\rc\n\\.\n')
refused "COPY data without an end" 'line 2: the dump ends within COPY data.*\[42601\]' < <(printf 'COPY public.roles (id, name) FROM stdin;\n')
refused "nothing" 'nothing in the dump.*\[22P04\]' </dev/null
refused "a custom dump" "custom format \[0A000\] \(Make it plain" < <(pg_dump -d "$main" -Fc)
refused "more available than there is" 'account .* has a balance of 1.00, of which 2.00 is available' <<'SQL'
INSERT INTO users (id, email, password_hash) VALUES ('00000001-0000-4000-8000-000000000001', 'a@example.com', '!');
INSERT INTO accounts (id, user_id, account_number, account_type, currency, balance, available_balance) VALUES ('00000002-0000-4000-8000-000000000001', '00000001-0000-4000-8000-000000000001', 'WS000000000001', 'checking', 'USD', 1, 2);
SQL
refused "a default that is no literal" 'line 1: syntax error at or near "now"' <<'SQL'
INSERT INTO roles (name, id, created_at) VALUES ('x', '00000005-0000-4000-8000-000000000002', now());
SQL
cp "$bare" "$work/continue.db"
status "--continue leaves out what is not there" 0 "$LEDGER" import "$work/continue.db" --continue - <<'SQL'
COPY public.nix (a) FROM stdin;
\x
\N
\.
INSERT INTO billing.users VALUES (1, 'x');
INSERT INTO roles (name, id, created_at) VALUES (E'\u00e4\t\101\x42\\', '00000005-0000-4000-8000-000000000001', DEFAULT);
SQL
is "and says what" "$(sed 1d <<<"$SEEN")" "left out: public.nix, 2 rows
left out: billing.users, 1 rows"
is "escapes of a string" "$(sqlite3 "$work/continue.db" 'SELECT name FROM roles')" $'\u00e4\tAB\\'
status "a file that is not there" 2 "$LEDGER" import "$bare" "$work/none.sql"
status "no dump" 2 "$LEDGER" import "$bare"

# ---- cut anywhere: nothing, or all
size=$(grep -ab "database dump complete" "$work/escapes.sql" | cut -d: -f1) cuts=0 wrong=0
for _ in $(seq "${LEDGER_TEST_COUNT:-40}"); do
  at=$((1 + (RANDOM * 32768 + RANDOM) % (size + 20)))
  cuts=$((cuts + 1))
  head -c $at "$work/escapes.sql" | "$LEDGER" import "$bare" - >"$work/out" 2>&1 && wrong=$((wrong + 1)) && echo "# cut at $at"
done
is "$cuts cuts of a dump are refused" "$wrong" 0
is "and change nothing" "$(content "$bare")" "$before"

# ---- values of every kind, by each form
psql -X -q -d postgres -c "CREATE DATABASE ${main}_types TEMPLATE template0"
cat >"$work/types.sql" <<'SQL'
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');
CREATE SCHEMA other;
CREATE TABLE other."MixedCase" (id integer PRIMARY KEY, "select" text);
CREATE TABLE values_of (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, v varchar(20), c char(5), b boolean, i2 smallint, i8 bigint, f4 real, f8 double precision,
  n numeric, m numeric(20,4), u uuid, d date, ti time, ts timestamp(3), tz timestamptz, iv interval, j json, jb jsonb, ip inet, ci cidr,
  by bytea, ta text[], ia integer[], mo mood, g text GENERATED ALWAYS AS (upper(t)) STORED);
CREATE TABLE keyless (a integer, b text);
CREATE TABLE counted (id serial PRIMARY KEY, parent integer REFERENCES counted (id));
SQL
types=$work/types.db
"$LEDGER" init "$types" --schema="$work/types.sql" >"$work/out"
"$LEDGER" export "$types" --schema-only | psql -X -q -v ON_ERROR_STOP=1 -d "${main}_types"
psql -X -q -v ON_ERROR_STOP=1 -d "${main}_types" <<'SQL'
INSERT INTO other."MixedCase" VALUES (1, '\.'), (2, E'a\rb\nc'), (3, '');
INSERT INTO values_of (t, v, c, b, i2, i8, f4, f8, n, m, u, d, ti, ts, tz, iv, j, jb, ip, ci, by, ta, ia, mo) VALUES
  (E'\t\n\r\\ \b\f\v;''"$$ -- /* \u20ac', 'x', 'ab', true, -32768, -9223372036854775808, 'Infinity', '-0.5', 1e30, -12.5, '00000001-0000-4000-8000-00000000000a', '2026-01-28', '12:34:56.789', '2026-01-28 01:02:03.456', '2026-01-28 01:02:03.456789+05:30', '1 year -2 days 03:04:05.6', '{"a" : 1}', '{"b":[1,2,{"c":null}]}', '10.0.0.1/8', '10.0.0.0/8', '\x0001ff5c', ARRAY['a', NULL, 'NULL', '"', E'\\', '', '{}'], ARRAY[1, NULL, 3], 'very happy'),
  ('', '', '', false, 0, 0, '-2.5', '-Infinity', 0, 0, NULL, 'infinity', '00:00', '0044-03-15 00:00:00', '-infinity', '0', 'null', 'null', '::1', 'fe80::/10', '\x', '{}', '{}', 'ok'),
  (E'\\N', '\N', NULL, NULL, NULL, NULL, 1.1, 1e-300, NULL, NULL, NULL, NULL, '24:00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO keyless VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
INSERT INTO counted (parent) VALUES (NULL);
INSERT INTO counted VALUES (5, 7), (7, 1);
SELECT setval('counted_id_seq', 41) AS counted \gset
SQL
"$LEDGER" export "$types" --init | psql -X -q -d "${main}_types" >"$work/out"
psql -X -q -A -t -d "${main}_types" -c "SELECT * FROM ledger_sync.digest()" | sort >"$work/digest.main"
forms=("" "--column-inserts" "--inserts --rows-per-insert=2" "--inserts --data-only")
for form in "${forms[@]}"; do
  rm -f "$types"*
  "$LEDGER" init "$types" --schema="$work/types.sql" >"$work/out"
  # shellcheck disable=SC2086
  pg_dump -d "${main}_types" $form >"$work/dump.sql" 2>"$work/out"
  status "values by pg_dump $form" 0 "$LEDGER" import "$types" "$work/dump.sql"
  is "pg_dump $form: every value as it was" "$("$LEDGER" digest "$types" | sort)" "$(cat "$work/digest.main")"
done
is "setval is taken" "$(echo '{"table":"counted","row":{"parent":1}}' | "$LEDGER" load "$types" 2>"$work/out" | grep -o '"id":[0-9]*')" '"id":42'
is "and the identity's" "$(echo '{"table":"values_of","row":{"t":"x"}}' | "$LEDGER" load "$types" 2>"$work/out" | grep -o '"id":[0-9]*')" '"id":4'
rm -f "$types"*
"$LEDGER" init "$types" --schema="$work/types.sql" >"$work/out"
"$LEDGER" import "$types" "$work/dump.sql" >"$work/out"
status "a table without a key is not taken twice" 1 "$LEDGER" import "$types" "$work/dump.sql"
like "and it says why" "$PROBLEM" '"keyless" has rows and no primary key.*\[55000\]'

# ---- memory does not follow the dump
rows=${LEDGER_TEST_ROWS:-60000}
cat >"$work/flat.schema" <<'SQL'
CREATE TABLE flat (id integer PRIMARY KEY, v text);
SQL
peak() { # rows
  rm -f "$work/flat.db"*
  "$LEDGER" init "$work/flat.db" --schema="$work/flat.schema.sql" >"$work/out"
  { echo "COPY public.flat (id, v) FROM stdin;"; seq -f "%.0f	some text that is the same in each row" "$1"; echo '\.'; } >"$work/flat.sql"
  python3 - "$LEDGER" "$work/flat.db" "$work/flat.sql" <<'PY'
import resource, subprocess, sys
subprocess.run([sys.argv[1], "import", sys.argv[2], sys.argv[3]], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PY
}
mv "$work/flat.schema" "$work/flat.schema.sql"
small=$(peak $((rows / 20))) large=$(peak "$rows")
is "memory for $rows rows ($large kB) is that for $((rows / 20)) ($small kB)" "$((large < small + 4096))" 1

tap_end
