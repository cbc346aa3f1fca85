#!/usr/bin/env bash
# Every row of the tables of what the clients put on the wire, each as a test of its own: wire.mjs has them, wire.sql their tables.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/clients/clients.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
trap 'clients_stop; rm -rf "$TAP_WORK"' EXIT

if ! clients_install; then
  tap_ok "postgrest-js # SKIP $PROBLEM"
  exit 0
fi
file=$TAP_WORK/wire.db
status "a fresh file" 0 "$LEDGER" init "$file" --schema=tests/clients/wire.sql
if clients_serve "$file"; then
  clients_run wire.mjs
  clients_stop
  is "the server stops in good order" "$SERVER_STATUS" 0
else
  tap_no "the server starts" "$(tail -n 20 "$TAP_WORK/server.log")"
fi
tap_end
