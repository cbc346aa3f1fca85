#!/usr/bin/env bash
# ./build.sh bench, the book: transfers per second beside the floors (book_floors.h says what they do) and beside PostgreSQL with the
# same durability, all in one run on the same transfers, in rounds that take turns, as ratios of medians.
#   LEDGER_BENCH_TRANSFERS  at 100 and 10,000 a commit (200000)
#   LEDGER_BENCH_LONE       at one a commit, and by sixteen threads (20000)
#   LEDGER_BENCH_ACCOUNTS   (10000)
#   LEDGER_BENCH_ENTRIES    of the file that is verified (1000000)
set -euo pipefail
transfers=${LEDGER_BENCH_TRANSFERS:-200000}
lone=${LEDGER_BENCH_LONE:-20000}
entries=${LEDGER_BENCH_ENTRIES:-1000000}
export LEDGER_BENCH_ACCOUNTS=${LEDGER_BENCH_ACCOUNTS:-10000}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${OUT:=$root/build}"
ledger=$OUT/ledger

if [ "${1:-}" != inside ]; then
  mkdir -p "$OUT/bench"
  for program in book floor; do
    gcc -O2 -g -std=c11 -D_GNU_SOURCE -I"$OUT/sqlite" -I"$OUT/generated" -I/usr/include/postgresql -o "$OUT/bench/$program" \
      "$here/$program.c" "$OUT/object/schemas.o" "$OUT/object/sqlite3.o" -lpq -lsodium -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm
  done
  # A cluster of its own, as Debian configures it: fsync, full_page_writes and synchronous_commit are on.
  LEDGER_TEST_FSYNC=on exec "$root/tests/lib/postgres.sh" "$here/book.sh" inside
fi

book=$OUT/bench/book
work=$(mktemp -d "${TMPDIR:-/tmp}/ledger-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$here/figures.sh"

# PostgreSQL is asked over its own socket, its fastest road.
PGHOST=$(psql -qXAt -c 'SHOW unix_socket_directories')
export PGHOST

# ---- what all start from

"$book" base "$work"
"$ledger" export "$work/base.db" --full -o "$work/base.sql"
mv "$work/bare.db" "$work/bare-base.db"
psql -qX -c 'CREATE DATABASE bench_base'
psql -qX -d bench_base -f "$work/base.sql"
psql -qX -d bench_base <<'SQL'
CREATE SCHEMA bench;
CREATE TABLE bench.accounts (LIKE public.accounts INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench.transactions (LIKE public.transactions INCLUDING DEFAULTS INCLUDING INDEXES);
CREATE TABLE bench.audit_logs (LIKE public.audit_logs INCLUDING DEFAULTS INCLUDING INDEXES);
INSERT INTO bench.accounts SELECT * FROM public.accounts;
INSERT INTO bench.transactions SELECT * FROM public.transactions;
INSERT INTO bench.audit_logs SELECT * FROM public.audit_logs;
VACUUM ANALYZE;
SQL

# ---- transfers

run() { # durability per-commit count round target...
  local target
  rm -f "$work"/{bare,same,unchecked,ledger,group}.db*
  for target in "${@:5}"; do
    case $target in
      bare) cp "$work/bare-base.db" "$work/bare.db" ;;
      same | unchecked | ledger | group) cp "$work/base.db" "$work/$target.db" ;;
    esac
  done
  psql -qX -d postgres -c 'DROP DATABASE IF EXISTS bench' -c 'CREATE DATABASE bench TEMPLATE bench_base' -c CHECKPOINT 2>/dev/null
  sync
  "$book" run "$work" "$@"
}

# A target's speed, and its ratio to others of the same run; `wanted` stands for ratios that the book is to reach.
rate() { # title label round [base wanted]...
  local label=$2 shown
  shown=$(printf '%-34s %8.0f/s  %6.1f us of CPU' "$1" "$(awk -v n="$3" -v t="$(median "$label" 1)" 'BEGIN { print n / t }')" \
    "$(awk -v n="$3" -v t="$(median "$label" 2)" 'BEGIN { print t / n * 1e6 }')")
  [ ! -f "$work/$label.pages" ] || shown+=$(printf '  %5.1f pages, %6.0f bytes of WAL' "$(cat "$work/$label.pages")" \
    "$(awk '{ print $1 * (4096 + 24) }' "$work/$label.pages")")
  shift 3
  while [ $# -gt 0 ]; do
    shown+=$(printf '  %s of %s%s' "$(ratio "$label" "$1-${label#*-}")" "$1" "${2:+ (wanted: $2)}")
    shift 2
  done
  say "$shown"
}

say "the book: $LEDGER_BENCH_ACCOUNTS accounts, $(nproc) processors, cache 16 MB, pages of 4 kB, PostgreSQL $(psql -qXAt -c 'SHOW server_version')"
say "bare: 2 account reads, 2 balances, 2 rows of transactions, plain tables, the indexes of full. same: all rows of the book, in its own tables,"
say "with their checks and foreign keys, ready made. unchecked: the same without the checks, which the book leaves out for its own rows, too."

for durability in full normal; do
  [ $durability = full ] && client=on || client=off
  for per_commit in 10000 100 1; do
    count=$transfers round=10000 loop=""
    if [ $per_commit = 1 ]; then count=$lone round=1000; fi
    [ $per_commit != 10000 ] || loop=postgres_loop
    [ $per_commit != 1 ] || loop=postgres_client
    same=0.80 level=1.00 clients=1.30
    case $per_commit in 10000) bare=0.45 ;; 100) bare=0.55 ;; 1) bare=0.65 ;; esac
    [ $durability = full ] || same="" bare="" level="" clients=""
    say "-- synchronous ${durability^^}, $per_commit a commit: $count transfers, rounds of $round"
    # shellcheck disable=SC2086
    run $durability $per_commit "$count" $round bare same unchecked ledger $loop
    of="$durability-$per_commit"
    rate "bare" "bare-$of" $round
    rate "same" "same-$of" $round bare ""
    rate "unchecked" "unchecked-$of" $round bare ""
    [ -z "$loop" ] || rate "PostgreSQL, $([ $per_commit = 1 ] && echo statements || echo 'a loop inside')" "$loop-$of" $round
    rate "ledger" "ledger-$of" $round same "$same" unchecked "" bare "$bare" ${loop:+$loop "$level"}
  done
  say "-- synchronous ${durability^^}, sixteen threads, one transfer each: $lone transfers, rounds of 1000; same: 16 a commit"
  run $durability 16 "$lone" 1000 same unchecked group postgres_clients
  rate "same" "same-$durability-16" 1000
  rate "unchecked" "unchecked-$durability-16" 1000
  rate "PostgreSQL, sixteen clients" "postgres_clients-$durability-16" 1000
  rate "ledger, sixteen threads" "group-$durability-16" 1000 same "$same" unchecked "" postgres_clients "$clients"
done
say "PostgreSQL: fsync on; synchronous_commit on beside FULL, off beside NORMAL; no checks, foreign keys or triggers on its tables."

# ---- verify

say "-- verify of $entries entries"
filled=$((entries / 2 - LEDGER_BENCH_ACCOUNTS))
cp "$work/base.db" "$work/ledger.db"
"$book" run "$work" normal 10000 "$filled" 10000 ledger
for ((i = 0; i < 3; i++)); do
  for how in verify "verify --full" integrity_check; do
    case $how in
      integrity_check) command=(sqlite3 -cmd ".load $OUT/ledger_ext" "$work/ledger.db" "PRAGMA integrity_check") ;;
      *) command=("$ledger" verify "$work/ledger.db" ${how#verify}) ;;
    esac
    "$OUT/bench/floor" time "${command[@]}" 2>&1 >"$work/verify.out" | tail -n 1 >>"$work/${how// /}.times"
  done
done
head -c 300 "$work/verify.out"
for how in verify "verify --full" integrity_check; do line "$how" "${how// /}" verify "$([ "$how" = verify ] && echo '3 s of CPU, 64 MB')"; done
