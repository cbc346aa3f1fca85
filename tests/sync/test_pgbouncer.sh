#!/usr/bin/env bash
# ledger push through pgbouncer in transaction mode: nothing may depend on a session, for each transaction may meet another server.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK main=ledger_bouncer_$$ pid=
export LC_ALL=C.UTF-8
unset LEDGER_FILE LEDGER_ACTOR
command -v pgbouncer >/dev/null || { echo "pgbouncer is not installed"; exit 2; }
finish() {
  [ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
  psql -Xqd postgres -c "DROP DATABASE IF EXISTS $main WITH (FORCE)"
  rm -rf "$work"
}
trap finish EXIT
psql -Xqd postgres -c "CREATE DATABASE $main TEMPLATE template0"
ask() { psql -XqAt -v ON_ERROR_STOP=1 -d "$main" -c "$1" 2>&1; }

port=$((12000 + ($$ + RANDOM) % 8000))
as=()
if [ "$(id -u)" -eq 0 ]; then
  as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chmod 755 "$work"
fi
echo "\"$PGUSER\" \"\"" >"$work/users.txt"
cat >"$work/pgbouncer.ini" <<CONF
[databases]
* = host=$PGHOST port=$PGPORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $work/users.txt
pool_mode = transaction
default_pool_size = 3
server_reset_query_always = 0
CONF
"${as[@]}" pgbouncer "$work/pgbouncer.ini" >"$work/pgbouncer.log" 2>&1 &
pid=$!
bounced="host=127.0.0.1 port=$port dbname=$main"
for try in $(seq 100); do
  psql -XqAt -c 'SELECT 1' "$bounced" >/dev/null 2>&1 && break
  [ "$try" -lt 100 ] || { cat "$work/pgbouncer.log"; exit 2; }
  sleep 0.05
done
# Another client leaves its mark on a server.
psql -XqAt "$bounced" -c 'SET search_path = nowhere' >/dev/null

file=$work/a.db
"$LEDGER" init "$file" >/dev/null 2>&1
"$LEDGER" account open "$file" USD --number=A >/dev/null
"$LEDGER" account open "$file" USD --number=B >/dev/null
"$LEDGER" deposit "$file" A 100.00 >/dev/null
status "the first push, into an empty main" 0 "$LEDGER" push "$file" "$bounced"
is "main has all" "$(ask 'SELECT * FROM ledger_sync.digest()')" "$("$LEDGER" digest "$file")"
for round in 1 2 3; do
  "$LEDGER" transfer "$file" A B 1.50 >/dev/null
  status "increment $round" 0 "$LEDGER" push "$file" "$bounced"
  like "is one batch" "$SEEN" '^sent 1 batch, '
done
is "main has them" "$(ask 'SELECT * FROM ledger_sync.digest()')" "$("$LEDGER" digest "$file")"
# Five devices at once, over the same three servers.
for device in 1 2 3 4 5; do
  (
    "$LEDGER" init "$work/$device.db" >/dev/null 2>&1
    "$LEDGER" account open "$work/$device.db" USD --number="D$device" >/dev/null
    "$LEDGER" deposit "$work/$device.db" "D$device" 10.00 >/dev/null
    "$LEDGER" push "$work/$device.db" "$bounced" --quiet >"$work/$device.log" 2>&1
    echo "$?" >"$work/$device.status"
  ) &
  pushes[device]=$!
done
for device in 1 2 3 4 5; do wait "${pushes[device]}"; done
is "five devices at once" "$(cat "$work"/?.status | tr '\n' ' ')$(cat "$work"/?.log)" "0 0 0 0 0 "
is "main has them" "$(ask "SELECT count(*), sum(balance) FROM accounts WHERE account_number LIKE 'D_'")" "5|50.00"
is "nothing of theirs is left on the servers" "$(ask "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" 0
status "prove, over the same road" 0 "$LEDGER" prove "$file" "$bounced"
tap_end
