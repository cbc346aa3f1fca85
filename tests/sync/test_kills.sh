#!/usr/bin/env bash
# kill -9 in a loop: of the exporter, of psql, of ledger ack, of ledger push, and of the server (an immediate stop and a start), at
# random moments of a transfer. The next one goes on from there; after each clean one the file and main have the same digest, and no
# fact is there twice.
#   LEDGER_TEST_COUNT  rounds (18; 1000 is what the design asks)
#   LEDGER_TEST_SEED   of rows and moments
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
ROUNDS=${LEDGER_TEST_COUNT:-18}
RANDOM=${LEDGER_TEST_SEED:-20261}
work=$TAP_WORK file=$TAP_WORK/device.db
finish() {
  psql -qX -d postgres -c '' 2>/dev/null || server_start
  main_drop_all
  rm -rf "$work"
}
trap finish EXIT

write() { # round: operations of the book, rows, and another program's
  local n
  for ((n = 0; n < 10 + RANDOM % 60; n++)); do
    printf '{"op":"transfer","from":"K%d","to":"K%d","amount":%d.%02d,"reference":"%d-%d"}\n' $((1 + n % 4)) $((1 + (n + 1) % 4)) \
      $((RANDOM % 50)) $((1 + RANDOM % 98)) "$1" "$n"
  done | "$LEDGER" batch "$file" >/dev/null 2>&1
  printf '{"table":"users","op":"update","row":{"first_name":"n%d"},"where":{"email":"k%d@x.co"}}\n{"table":"users","row":{"email":"%d@x.co","password_hash":"!"}}\n' \
    "$1" $((RANDOM % 5)) "$1" | "$LEDGER" load "$file" --quiet 2>/dev/null
  other "$file" "DELETE FROM users WHERE email = '$(($1 - 3))@x.co'"
}
waiting() { sqlite3 -cmd '.timeout 5000' "$file" 'SELECT cut_seq - received_seq FROM ledger_sync_state'; }
# One try at a transfer, of which the victim is killed within the first `most` milliseconds.
as() { sh -c 'echo $$ >"$0"; exec "$@"' "$work/pid.$1" "${@:2}" 2>/dev/null; }
try() { # victim most
  rm -f "$work"/pid.*
  if [ "$1" = push ]; then as push "$LEDGER" push "$file" "dbname=$MAIN" >/dev/null &
  else as exporter "$LEDGER" export "$file" | as psql psql -q -A -t -X "$MAIN" | as ack "$LEDGER" ack "$file" >/dev/null & fi
  local last=$! victim process
  pause_ms "$2"
  if [ "$1" = server ]; then server_stop; else read -r victim <"$work/pid.$1" && kill -9 "$victim"; fi 2>/dev/null
  wait $last
  for process in "$work"/pid.*; do gone "$(cat "$process")"; done
  [ "$1" != server ] || server_start || tap_no "the server starts again"
}
sound() { # nothing is half there: what main has of this device is what its batches say
  ask "SELECT count(*) FROM ledger_sync.device d WHERE d.received_seq <> (SELECT coalesce(max(seq), 0) FROM ledger_sync.batch b WHERE b.device = d.device)
    OR d.received_seq <> (SELECT count(*) FROM ledger_sync.batch b WHERE b.device = d.device AND seq > 0)"
}

main kills
device "$file"
for n in 1 2 3 4; do
  printf '{"op":"open","currency":"USD","number":"K%d","reference":"open-%d"}\n' $n $n
  printf '{"op":"deposit","to":"K%d","amount":1000000,"reference":"fill-%d"}\n' $n $n
done |
  "$LEDGER" batch "$file" >/dev/null 2>&1
for n in 0 1 2 3 4; do printf '{"table":"users","row":{"email":"k%d@x.co","password_hash":"!"}}\n' $n; done | "$LEDGER" load "$file" --quiet 2>/dev/null
roads=(exporter psql ack push push)
clean() { # road: a transfer that nobody kills; about how long it takes, in ms, in $took
  local start status=0
  start=$(date +%s%N)
  "$1" "$file" || status=$?
  took=$((($(date +%s%N) - start) / 1000000))
  return $status
}
clean by_pipe
is "the first transfer" "$(same_digest "$file")" ""

cut=0 unequal="" unsound=0 refused=""
for ((round = 1; round <= ROUNDS; round++)); do
  write "$round"
  if [ $((round % 6)) = 0 ]; then victim=server; else victim=${roads[RANDOM % ${#roads[@]}]}; fi
  try "$victim" "$took"
  [ "$(waiting)" = 0 ] || cut=$((cut + 1))
  [ "$(sound)" = 0 ] || unsound=$((unsound + 1))
  [ $((RANDOM % 3)) = 0 ] && continue # two or more kills in a row
  if [ $((RANDOM % 2)) = 0 ]; then clean by_push; else clean by_pipe; fi 2>"$work/problem" ||
    refused+=" $round ($victim): $(head -n 2 "$work/problem")"
  [ -z "$(same_digest "$file")" ] || unequal+=" $round ($victim)"
done 2>"$work/noise" # the shell tells of each process that was killed
by_pipe "$file"
is "kill -9: main never has a batch in part" "$unsound" 0
is "kill -9: the next transfer is taken" "$refused" ""
is "kill -9: and then the digests are equal" "$unequal" ""
is "kill -9: in the end the digests are equal" "$(same_digest "$file")" ""
is "kill -9: nothing waits" "$(waiting) $(ask "SELECT count(*) FROM ledger_sync.batch WHERE state <> 'applied'")" "0 0"
is "kill -9: all transfers are there" "$(ask 'SELECT count(*) FROM transactions')" "$(sqlite3 "$file" 'SELECT count(*) FROM transactions')"
is "kill -9: no transfer is there twice" "$(ask 'SELECT count(*) FROM (SELECT reference_number FROM transactions GROUP BY 1 HAVING count(*) > 1) AS twice')" 0
if [ "$cut" -gt 0 ]; then tap_ok "kill -9: $cut of $ROUNDS transfers were cut short (seed ${LEDGER_TEST_SEED:-20261})"; else tap_no "kill -9: came too late or too early each time"; fi
tap_end
