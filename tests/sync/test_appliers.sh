#!/usr/bin/env bash
# Many devices apply to the same rows at once: nobody is a victim of a deadlock, nobody's change is lost. And the same batch twice at
# once: one applies it.
#   LEDGER_TEST_COUNT  devices (24; 64 is what the design asks, no more than the server has connections)
#   LEDGER_TEST_SEED
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/lib/sync.sh
: "${LEDGER:=$PWD/build/ledger}"
DEVICES=${LEDGER_TEST_COUNT:-24}
RANDOM=${LEDGER_TEST_SEED:-20261}
work=$TAP_WORK
trap 'main_drop_all; rm -rf "$work"' EXIT

# A circle of foreign keys, a unique column, and rows that all of them change: each in an order of its own.
cat >"$work/schema.sql" <<'SQL'
CREATE TABLE people (id uuid PRIMARY KEY, name text, best uuid);
CREATE TABLE things (id uuid PRIMARY KEY, owner uuid NOT NULL REFERENCES people (id), label text);
ALTER TABLE people ADD FOREIGN KEY (best) REFERENCES things (id);
CREATE TABLE visits (id bigserial PRIMARY KEY, person uuid NOT NULL REFERENCES people (id), note text);
SQL
person() { printf '00000000-0000-4000-8000-%012d' "$1"; }
thing() { printf '00000000-0000-4000-9000-%012d' "$1"; }
shared=24
rows() { # device
  local n order
  order=$(seq $shared | shuf --random-source=<(yes "$1"))
  for n in $order; do printf '{"table":"people","op":"upsert","row":{"id":"%s","name":"%d of %d"}}\n' "$(person "$n")" "$n" "$1"; done
  for n in $order; do printf '{"table":"things","op":"upsert","row":{"id":"%s","owner":"%s","label":"%d"}}\n' "$(thing "$n")" "$(person $((1 + (n + $1) % shared)))" "$1"; done
  for n in $order; do printf '{"table":"people","op":"update","row":{"best":"%s"},"where":{"id":"%s"}}\n' "$(thing $((1 + (n * $1) % shared)))" "$(person "$n")"; done
  for n in $order; do printf '{"table":"visits","row":{"person":"%s","note":"%d-%d"}}\n' "$(person "$n")" "$1" "$n"; done
}

main appliers "$work/schema.sql"
problem=""
for ((n = 1; n <= DEVICES; n++)); do
  device "$work/$n.db" "$work/schema.sql" || problem+=" $n is not enrolled"
  ask "SELECT ledger_sync.acknowledgement('$(device_id "$work/$n.db")')" | "$LEDGER" ack "$work/$n.db" >/dev/null # its key range
  rows $n | "$LEDGER" load "$work/$n.db" --quiet 2>"$work/$n.problem" || problem+=" $n does not load"
  "$LEDGER" export "$work/$n.db" -o "$work/$n.sql" || problem+=" $n is not exported"
done
is "$DEVICES devices are enrolled and have a batch each" "$problem" ""
template=$MAIN
for order in 1 2; do
  MAIN=$template
  main_copy "appliers_$order"
  processes=()
  # Ready at the same moment: each has connected when the lock is let go of.
  coproc HOLDER { psql -q -A -t -X -d "$MAIN" 2>&1; }
  holder=$HOLDER_PID
  printf 'BEGIN; LOCK TABLE ledger_sync.device IN ACCESS EXCLUSIVE MODE; SELECT 1;\n' >&"${HOLDER[1]}"
  read -r -u "${HOLDER[0]}" held
  for n in $(seq "$DEVICES" | shuf --random-source=<(yes "$order")); do
    psql -q -A -t -X -d "$MAIN" -f "$work/$n.sql" >"$work/$n.out" 2>&1 &
    processes+=($!)
  done
  until [ "$(psql -qXAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$MAIN' AND wait_event_type = 'Lock'")" -ge "$DEVICES" ]; do sleep 0.05; done
  printf 'COMMIT;\n\\q\n' >&"${HOLDER[1]}"
  failed=0
  for process in "${processes[@]}"; do wait "$process" || failed=$((failed + 1)); done
  wait "$holder" 2>/dev/null
  is "$DEVICES appliers at once, order $order: all of them end well" "$failed $(cat "$work"/[0-9]*.out | grep -E 'ERROR|FATAL' | sort | uniq -c | head -n 3)" "0 "
  is "order $order: all are applied" "$(ask "SELECT count(*) FROM ledger_sync.batch WHERE state = 'applied' AND seq = 1")" "$DEVICES"
  is "order $order: all visits are there" "$(ask 'SELECT count(*), count(DISTINCT note) FROM visits')" "$((DEVICES * shared))|$((DEVICES * shared))"
  is "order $order: the newest version of each row is there" "$(ask "SELECT count(*) FROM people WHERE name LIKE '% of $DEVICES'") $(ask "SELECT count(*) FROM things WHERE label = '$DEVICES'")" "$shared $shared"
  digest[order]=$(ask "SELECT * FROM ledger_sync.digest()")
done
is "both orders leave the same" "${digest[1]}" "${digest[2]}"

# ---- the same batch, eight times at once
MAIN=$template
main_copy same
processes=()
for n in 1 2 3 4 5 6 7 8; do
  psql -q -A -t -X -d "$MAIN" -f "$work/1.sql" >"$work/same.$n" 2>&1 &
  processes+=($!)
done
failed=0
for process in "${processes[@]}"; do wait "$process" || failed=$((failed + 1)); done
is "the same batch eight times at once: nobody fails" "$failed" 0
is "one applies it, the others find it applied" "$(cat "$work"/same.* | grep -cx 'applied') $(cat "$work"/same.* | grep -cx 'already applied')" "1 7"
is "its rows are there once" "$(ask 'SELECT count(*) FROM visits')" "$shared"
if "$LEDGER" help push >/dev/null 2>&1; then
  processes=()
  for n in 1 2 3 4; do "$LEDGER" push "$work/2.db" "dbname=$MAIN" >"$work/push.$n" 2>&1 & processes+=($!); done
  failed=0
  for process in "${processes[@]}"; do wait "$process" || failed=$((failed + 1)); done
  is "four pushes of one file at once: one or more end well, none does it twice" "$((failed < 4)) $(ask "SELECT count(*) FROM visits")" "1 $((2 * shared))"
fi
tap_end
