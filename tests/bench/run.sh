#!/usr/bin/env bash
# ./build.sh bench: what ledger costs beside the floor and the peers, all in one run on the same rows, as ratios of medians.
#   LEDGER_BENCH_ROWS  rows of the file (1000000)
#   LEDGER_BENCH_ROUNDS  rounds, interleaved (5)
set -euo pipefail
rows=${LEDGER_BENCH_ROWS:-1000000}
rounds=${LEDGER_BENCH_ROUNDS:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${OUT:=$root/build}"
ledger=$root/build/ledger

if [ "${1:-}" != inside ]; then
  mkdir -p "$root/build/bench"
  gcc -O2 -g -std=c11 -D_GNU_SOURCE -I"$root/build/sqlite" -I"$root/build/generated" -o "$root/build/bench/floor" "$here/floor.c" \
    "$root/build/object/schemas.o" "$root/build/object/sqlite3.o" -lsodium -lcjson -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm
  exec "$root/tests/lib/postgres.sh" "$here/run.sh" inside
fi

floor=$root/build/bench/floor
work=$(mktemp -d "${TMPDIR:-/tmp}/ledger-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$here/figures.sh"

# time LABEL COMMAND: one run; its wall, cpu and memory go to the label's list
time_one() {
  local label=$1 figures
  shift
  figures=$("$floor" time bash -c "$*" 2>&1 >/dev/null | tail -n 1)
  echo "$figures" >>"$work/$label.times"
}

say "ledger $("$ledger" version | cut -d' ' -f2), $(nproc) processors, $rows rows, medians of $rounds interleaved rounds"

# ---- init
for schema in full elon wallstreet advancia smarthub pe_portal; do
  for ((i = 0; i < rounds; i++)); do
    rm -f "$work"/i.db*
    "$floor" time "$ledger" init "$work/i.db" --schema=$schema 2>&1 >/dev/null | tail -n 1 >>"$work/init-$schema.times"
  done
  printf 'init %-12s %6.1f ms of CPU\n' "$schema" "$(awk -v s="$(median "init-$schema" 2)" 'BEGIN { print s * 1000 }')"
done

# ---- load
"$floor" lines "$rows" >"$work/lines.ndjson"
"$ledger" init "$work/empty.db" >/dev/null
"$floor" accounts | "$ledger" load "$work/empty.db" --plain --quiet 2>/dev/null
for ((i = 0; i < rounds; i++)); do
  rm -f "$work"/plain.db* "$work"/load.db*
  "$ledger" backup "$work/empty.db" "$work/plain.db"
  "$ledger" backup "$work/empty.db" "$work/load.db"
  time_one plain-inserts "exec $floor insert $work/plain.db $rows"
  time_one load "exec $ledger load $work/load.db --plain --quiet <$work/lines.ndjson"
done
line "plain prepared inserts" plain-inserts plain-inserts
line "ledger load" load plain-inserts "0.60"

# ---- export
for ((i = 0; i < rounds; i++)); do
  time_one walk "exec $floor walk $work/load.db"
  time_one export "exec $ledger export $work/load.db --full"
  time_one export-insert "exec $ledger export $work/load.db --full --format=insert"
  time_one digest "exec $ledger digest $work/load.db"
  time_one dump "exec sqlite3 -cmd '.load $root/build/ledger_ext' $work/load.db .dump"
done
line "bare walk formatting COPY text" walk walk
line "ledger export --full" export walk "0.75"
line "ledger export --full --format=insert" export-insert walk
line "ledger digest" digest walk
line "sqlite3 .dump" dump walk

# ---- into PostgreSQL: the same tables, keys and indexes. Two floors: COPY of ready files into tables that have their keys and
# indexes, and the ready script (which makes keys and indexes after the rows).
"$ledger" export "$work/load.db" --full -o "$work/full.sql"
"$ledger" export "$work/load.db" --schema-only -o "$work/schema.sql"
awk '/^COPY /, /^\\\.$/' "$work/full.sql" >"$work/copy.sql"
fresh() { psql -qX -d postgres -c 'DROP DATABASE IF EXISTS bench' -c 'CREATE DATABASE bench' 2>/dev/null; }
for ((i = 0; i < rounds; i++)); do
  fresh
  time_one copy-ready "psql -qX -d bench -f $work/schema.sql && psql -qX -d bench -f $work/copy.sql"
  fresh
  time_one script-ready "exec psql -qX -d bench -f $work/full.sql"
  fresh
  time_one export-into "$ledger export $work/load.db --full | psql -qX -d bench"
done
line "COPY of ready files, keys and indexes in place" copy-ready copy-ready
line "psql < the ready script" script-ready copy-ready
line "ledger export --full | psql" export-into copy-ready "0.87, that is 1.15 times its time"
line "ledger export --full | psql" export-into script-ready "0.87"
if command -v pgloader >/dev/null; then
  # pgloader stops at our column types and at tables whose collation it lacks: it gets the transactions alone, as plain text.
  columns="id, account_id, transaction_type, amount, currency, status, description, reference_number, metadata, created_at, updated_at, completed_at"
  sqlite3 -cmd ".load $root/build/ledger_ext" "$work/loader.db" "ATTACH '$work/load.db' AS l;
    CREATE TABLE plain_transactions (${columns//,/ text,} text);
    INSERT INTO plain_transactions SELECT $columns FROM l.transactions"
  for ((i = 0; i < (rounds > 2 ? 2 : rounds); i++)); do
    fresh
    time_one pgloader "exec pgloader --quiet sqlite://$work/loader.db pgsql://$PGUSER@$PGHOST:$PGPORT/bench"
    loaded=$(psql -qXAt -d bench -c 'SELECT count(*) FROM plain_transactions' 2>/dev/null || echo none)
    [ "$loaded" = "$rows" ] || say "pgloader loaded $loaded of $rows rows"
  done
  line "pgloader, the transactions alone, no keys" pgloader copy-ready
fi
