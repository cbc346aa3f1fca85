#!/usr/bin/env bash
# ./build.sh bench, sync: increments of some changed rows of a file, exported and applied on main, beside what one would write by
# hand, sqlite3 .dump and pgloader: the same rows, in one run, in rounds that take turns; medians. Then the bytes and the round trips
# of the book's transfers.
#   LEDGER_BENCH_SIZES    rows of the files ("10000 200000"; 5000000 is what the design asks)
#   LEDGER_BENCH_CHANGES  rows of the increments ("1 100 10000"; 1000000 where the file has as many)
#   LEDGER_BENCH_SYNC_ROUNDS  (5; of the increments above 100,000 rows: 1)
set -euo pipefail
sizes=${LEDGER_BENCH_SIZES:-10000 200000}
increments=${LEDGER_BENCH_CHANGES:-1 100 10000 100000}
rounds=${LEDGER_BENCH_SYNC_ROUNDS:-5}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${OUT:=$root/build}"
ledger=$OUT/ledger

if [ "${1:-}" != inside ]; then
  mkdir -p "$OUT/bench"
  gcc -O2 -std=c11 -D_GNU_SOURCE -o "$OUT/bench/sync" "$here/sync.c"
  [ "$OUT/bench/floor" -nt "$here/floor.c" ] ||
    gcc -O2 -g -std=c11 -D_GNU_SOURCE -I"$OUT/sqlite" -I"$OUT/generated" -o "$OUT/bench/floor" "$here/floor.c" \
      "$OUT/object/schemas.o" "$OUT/object/sqlite3.o" -lsodium -lcjson -lpcre2-8 -lz -lcrypt -lpthread -ldl -lm
  # A cluster of its own, as Debian configures it: fsync, full_page_writes and synchronous_commit are on.
  LEDGER_TEST_FSYNC=on exec "$root/tests/lib/postgres.sh" "$here/sync.sh" inside
fi

floor=$OUT/bench/floor
work=$(mktemp -d "${TMPDIR:-/tmp}/ledger-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
. "$here/figures.sh"

cat >"$work/schema.sql" <<'SQL'
CREATE TABLE items (
  id uuid PRIMARY KEY, person uuid NOT NULL, amount numeric(12,2) NOT NULL, currency varchar(3) NOT NULL, status text NOT NULL,
  note text, details jsonb, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL);
CREATE INDEX items_person ON items (person);
CREATE INDEX items_created_at ON items (created_at);
SQL
id="printf('%08x-0000-7000-8000-%012x', value * 2654435761 % 4294967296, value)"
values="printf('00000001-0000-4000-8000-%012x', value % 1000), printf('%d.%02d', value % 9999, value % 100), 'USD', 'open',
  'Paid at the counter, number ' || value, printf('{\"n\": %d, \"channel\": \"kiosk\"}', value % 1000),
  strftime('%Y-%m-%d %H:%M:%S+00:00', 1767225600 + value % 20000000, 'unixepoch'), strftime('%Y-%m-%d %H:%M:%S+00:00', 1767225600 + value % 20000000, 'unixepoch')"
columns="id, person, amount, currency, status, note, details, created_at, updated_at"

fill() { # file rows
  sqlite3 -cmd ".load $OUT/ledger_ext" -cmd 'PRAGMA synchronous = OFF' "$1" "INSERT INTO items ($columns) SELECT $id, $values FROM generate_series(1, $2)"
}
# Nine in ten are rows that are there, spread over all of them; one in ten is new.
change() { # file rows-of-the-file changes number-of-the-round
  local new=$(($3 / 10)) old
  old=$(($3 - new))
  sqlite3 -cmd ".load $OUT/ledger_ext" -cmd 'PRAGMA synchronous = OFF' "$1" "BEGIN;
    WITH chosen AS (SELECT 1 + (value * 7919 + $4 * 104729) % $2 AS value FROM generate_series(1, $old))
    UPDATE items SET status = 'paid $4', note = note || '.', updated_at = strftime('%Y-%m-%d %H:%M:%S+00:00', 'now')
      WHERE id IN (SELECT $id FROM chosen);
    INSERT INTO items ($columns) SELECT $id, $values FROM (SELECT 1000000000 + $4 * 10000000 + value AS value FROM generate_series(1, $new));
    COMMIT"
}
# The rows of a script of ours as one would write them by hand: typed staging, COPY, upsert.
by_hand() {
  cat <<'SQL'
\set ON_ERROR_STOP on
BEGIN;
CREATE TEMP TABLE staged (LIKE public.items) ON COMMIT DROP;
COPY pg_temp.staged FROM stdin;
SQL
  sed -n '/^COPY pg_temp/,/^\\\.$/p' "$1" | sed -e 1d | cut -f 3-
  cat <<SQL
INSERT INTO public.items SELECT * FROM pg_temp.staged ORDER BY id ON CONFLICT (id) DO UPDATE SET (person, amount, currency, status, note,
  details, created_at, updated_at) = (excluded.person, excluded.amount, excluded.currency, excluded.status, excluded.note,
  excluded.details, excluded.created_at, excluded.updated_at);
COMMIT;
SQL
}
# A line "wall cpu kilobytes" of psql's time and its server process's CPU.
applied() { # label database script
  local start end
  start=$(date +%s%N)
  psql -qXAt -v ON_ERROR_STOP=1 -d "$2" -f "$3" -c "SELECT 'schedstat ' || pg_read_file('/proc/self/schedstat')" >"$work/answer"
  end=$(date +%s%N)
  awk -v wall=$((end - start)) '$1 == "schedstat" { printf "%.6f %.6f 0\n", wall / 1e9, $2 / 1e9 }' "$work/answer" >>"$work/$1.times"
}
milliseconds() { awk -v s="$(median "$1" "$2")" 'BEGIN { printf "%.1f", s * 1000 }'; }
of() { awk -v a="$(median "$1" "$3")" -v b="$(median "$2" "$3")" 'BEGIN { printf "%.2f", a / b }'; }
database() { psql -qX -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1" 2>/dev/null; }

say "sync: $(nproc) processors, PostgreSQL $(psql -qXAt -c 'SHOW server_version'), fsync on; files of $sizes rows; increments of $increments; $rounds rounds, medians"
say "a changed row: 9 columns, 2 more indexes; nine in ten are updates. by hand: typed TEMP table, COPY, INSERT ... ON CONFLICT DO UPDATE of the same rows."

first_size=${sizes%% *}
for size in $sizes; do
  file=$work/$size.db
  "$ledger" init "$file" --schema "$work/schema.sql" >/dev/null
  fill "$file" "$size"
  for name in ours hand; do database ${name}_$size; done
  "$floor" time "$ledger" export "$file" --full -o "$work/full.sql" 2>&1 >/dev/null | tail -n 1 >"$work/full-$size.times"
  psql -qXAt -v ON_ERROR_STOP=1 -d "ours_$size" -f "$work/full.sql" | "$ledger" ack "$file" >/dev/null
  psql -qX -v ON_ERROR_STOP=1 -d "hand_$size" -f "$work/schema.sql"
  psql -qXAt -d "ours_$size" -c 'COPY items TO STDOUT' | psql -qX -d "hand_$size" -c 'COPY items FROM STDIN'
  for name in ours hand; do psql -qX -d ${name}_$size -c 'VACUUM ANALYZE' -c CHECKPOINT; done
  say "-- a file of $size rows: $(($(stat -c %s "$file") / 1048576)) MB; the full export $(milliseconds "full-$size" 2) ms of CPU, $(awk '{ printf "%.1f", $3 / 1024 }' "$work/full-$size.times") MB"
  number=0
  for changes in $increments; do
    [ "$changes" -le "$size" ] || continue
    of=$changes-$size count=$rounds
    [ "$changes" -le 100000 ] || count=1
    for ((round = 0; round < count; round++)); do
      number=$((number + 1))
      change "$file" "$size" "$changes" $number
      "$floor" time "$ledger" export "$file" -o "$work/script.sql" 2>&1 >/dev/null | tail -n 1 >>"$work/export-$of.times"
      by_hand "$work/script.sql" >"$work/hand.sql"
      if [ $((round % 2)) = 0 ]; then applied "hand-$of" "hand_$size" "$work/hand.sql"; fi
      applied "ours-$of" "ours_$size" "$work/script.sql"
      "$ledger" ack "$file" <"$work/answer" >/dev/null
      if [ $((round % 2)) = 1 ]; then applied "hand-$of" "hand_$size" "$work/hand.sql"; fi
      wc -c <"$work/script.sql" | awk '{ print $1, 0, 0 }' >>"$work/bytes-$of.times"
    done
    printf '%8d changes: exporter %8s ms, %8s ms of CPU, %5.1f MB%s | main: psql %8s ms, server %8s ms of CPU; by hand %8s ms, %8s ms of CPU: %s of its time, %s of its CPU%s | %.0f bytes a row\n' \
      "$changes" "$(milliseconds "export-$of" 1)" "$(milliseconds "export-$of" 2)" "$(awk -v k="$(median "export-$of" 3)" 'BEGIN { print k / 1024 }')" \
      "$([ "$changes" = 100 ] && echo ' (wanted: 10 ms of CPU, 16 MB)')" "$(milliseconds "ours-$of" 1)" "$(milliseconds "ours-$of" 2)" \
      "$(milliseconds "hand-$of" 1)" "$(milliseconds "hand-$of" 2)" "$(of "ours-$of" "hand-$of" 1)" "$(of "ours-$of" "hand-$of" 2)" \
      "$([ "$changes" = 100000 ] && echo ' (wanted: 1.25)')" "$(awk -v b="$(median "bytes-$of" 1)" -v n="$changes" 'BEGIN { print b / n }')"
    if [ "$size" != "$first_size" ] && [ -f "$work/export-$changes-$first_size.times" ]; then
      say "         beside the file of $first_size rows: exporter's CPU $(of "export-$of" "export-$changes-$first_size" 2), main's $(of "ours-$of" "ours-$changes-$first_size" 2) (its time $(of "ours-$of" "ours-$changes-$first_size" 1))$([ "$changes" = 100 ] && echo ' (wanted: 1.2)')"
    fi
  done
  [ "$(psql -qXAt -d "ours_$size" -c 'SELECT count(*), sum(hashtextextended(i::text, 0)) FROM items AS i')" = \
    "$(psql -qXAt -d "hand_$size" -c 'SELECT count(*), sum(hashtextextended(i::text, 0)) FROM items AS i')" ] || say "         the rows are not the same ones"
  rm -f "$file" "$file"-*
done

# ---- those who carry all of it: the rows of one increment, into an empty table
changes=10000
"$ledger" init "$work/rows.db" --schema "$work/schema.sql" >/dev/null
fill "$work/rows.db" $changes
sqlite3 "$work/loader.db" "CREATE TABLE items (id text PRIMARY KEY${columns//,/ text,} text)" 2>/dev/null ||
  sqlite3 "$work/loader.db" "CREATE TABLE items (${columns//,/ text,} text)"
sqlite3 "$work/loader.db" "ATTACH '$work/rows.db' AS l; INSERT INTO items SELECT $columns FROM l.items"
for ((round = 0; round < 3; round++)); do
  for name in dump loader ours; do database "$name"; done
  psql -qX -d ours -f "$work/schema.sql"
  "$ledger" export "$work/rows.db" --init --enrol | psql -qXAt -d ours >/dev/null
  "$floor" time bash -c "$ledger export $work/rows.db | psql -qXAt -d ours" 2>&1 >/dev/null | tail -n 1 >>"$work/all-ours.times"
  [ -f "$work/script.once" ] || "$ledger" export "$work/rows.db" >"$work/script.once"
  # psql refuses what SQLite's dump says of itself
  "$floor" time bash -c "sqlite3 $work/loader.db .dump | sed -e '/^PRAGMA/d' | psql -qX -d dump" 2>&1 >/dev/null | tail -n 1 >>"$work/all-dump.times"
  if command -v pgloader >/dev/null; then
    "$floor" time pgloader --quiet "sqlite://$work/loader.db" "pgsql://$PGUSER@$PGHOST:$PGPORT/loader" 2>&1 >/dev/null | tail -n 1 >>"$work/all-loader.times"
  fi
done
say "-- $changes rows from a file into an empty table, with all processes of the client side"
line "ledger export | psql" all-ours all-ours
line "sqlite3 .dump | psql (text columns)" all-dump all-ours
[ ! -f "$work/all-loader.times" ] || line "pgloader (text columns, no keys)" all-loader all-ours

# ---- the book: bytes of a transfer, round trips of a push
"$ledger" init "$work/book.db" >/dev/null
for n in $(seq 100); do printf '{"op":"open","currency":"USD","number":"B%d","reference":"open-%d"}\n{"op":"deposit","to":"B%d","amount":100000,"reference":"fill-%d"}\n' "$n" "$n" "$n" "$n"; done |
  "$ledger" batch "$work/book.db" >/dev/null
database book
"$ledger" export "$work/book.db" --full | psql -qXAt -v ON_ERROR_STOP=1 -d book | "$ledger" ack "$work/book.db" >/dev/null
say "-- the book: a transfer on the wire"
number=0
for transfers in 1 100 10000; do
  for ((n = 0; n < transfers; n++)); do
    printf '{"op":"transfer","from":"B%d","to":"B%d","amount":0.%02d,"reference":"w-%d-%d"}\n' $((1 + n % 100)) $((1 + (n * 7 + 1) % 100 + (n % 100 == (n * 7 + 1) % 100))) $((1 + n % 99)) $transfers $n
  done | sed 's/"B101"/"B1"/' | "$ledger" batch "$work/book.db" --continue >/dev/null
  if "$ledger" help push >/dev/null 2>&1; then
    "$floor" time "$OUT/bench/sync" relay "$ledger" push "$work/book.db" "dbname=book" 2>"$work/relay" >/dev/null
    read -r connections up down turns < <(tail -n 2 "$work/relay" | head -n 1)
    read -r wall cpu kilobytes < <(tail -n 1 "$work/relay")
    say "$(printf '%6d transfers by push: %8d bytes up, %6d down, %7.1f bytes a transfer, %d connections, %d round trips, %.3f s, %.3f s of CPU with the relay' \
      "$transfers" "$up" "$down" "$(awk -v b="$up" -v n="$transfers" 'BEGIN { print b / n }')" "$connections" "$turns" "$wall" "$cpu")"
  else
    "$ledger" export "$work/book.db" >"$work/script.sql"
    psql -qXAt -d book -f "$work/script.sql" | "$ledger" ack "$work/book.db" >/dev/null
    say "$(printf '%6d transfers by script: %8d bytes, %7.1f a transfer' "$transfers" "$(stat -c %s "$work/script.sql")" "$(awk -v b="$(stat -c %s "$work/script.sql")" -v n="$transfers" 'BEGIN { print b / n }')")"
  fi
done
