#!/usr/bin/env bash
# The real @supabase/supabase-js against `ledger serve` on a fresh file of full: supabase.mjs has the tests, settings.mjs those of a
# server that was told otherwise than usual.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
. tests/clients/clients.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
trap 'clients_stop; rm -rf "$TAP_WORK"' EXIT

if ! clients_install; then
  tap_ok "supabase-js # SKIP $PROBLEM"
  exit 0
fi

run() { # program file option...
  local program=$1
  shift
  if clients_serve "$@"; then
    clients_run "$program"
    clients_stop
    is "$program ${*:2}: the server stops in good order" "$SERVER_STATUS" 0
  else
    tap_no "$program ${*:2}: the server starts" "$(tail -n 20 "$TAP_WORK/server.log")"
  fi
}

file=$TAP_WORK/full.db
status "a fresh file" 0 "$LEDGER" init "$file" --schema=full
JWT_SECRET=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
export LEDGER LEDGER_FILE=$file JWT_SECRET
printf '%s\n' "$JWT_SECRET" | status "a secret of one's own" 0 "$LEDGER" key rotate "$file" --stdin
run supabase.mjs "$file" --sign-ins 0
status "the book and the file are sound afterwards" 0 "$LEDGER" verify "$file"
is "the log has no password, token or key in it" "$(grep -cE 'correct horse|another horse|eyJ|sb_secret_|lk_' "$TAP_WORK/server.log")" 0
is "a line of the log for each request, each a JSON object" "$(grep -c '"msg":"request"' "$TAP_WORK/server.log" | sed 's/^[0-9]\{3,\}$/many/') $(grep -cv '^{.*}$' "$TAP_WORK/server.log")" "many 0"
is "the file has no password or token in clear" "$(cat "$file"* | grep -acE 'correct horse|another horse|eyJhbGciOi')" 0
WHICH=closed run settings.mjs "$file" --no-signup
WHICH=confirmed run settings.mjs "$file" --confirm --no-anonymous
WHICH=limited run settings.mjs "$file" --sign-ins 5
WHICH=locked run settings.mjs "$file" --sign-ins 0
for schema in elon wallstreet advancia smarthub pe_portal tests/clients/wire.sql; do
  name=$(basename "$schema" .sql)
  status "$name: a fresh file" 0 "$LEDGER" init "$TAP_WORK/$name.db" --schema="$schema"
  export SCHEMA=$name TABLE=users
  [ "$name" = wire ] && TABLE=people
  WHICH=schema run settings.mjs "$TAP_WORK/$name.db" --sign-ins 0 --open
done
if command -v openssl >/dev/null; then
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$TAP_WORK/key.pem" -out "$TAP_WORK/certificate.pem" -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1 2>/dev/null
  cat "$TAP_WORK/certificate.pem" "$TAP_WORK/key.pem" >"$TAP_WORK/tls.pem"
  status "over TLS: a fresh file" 0 "$LEDGER" init "$TAP_WORK/tls.db" --schema=full
  export NODE_EXTRA_CA_CERTS=$TAP_WORK/certificate.pem SCHEMA="over TLS" TABLE=users
  WHICH=schema run settings.mjs "$TAP_WORK/tls.db" --sign-ins 0 --tls "$TAP_WORK/tls.pem"
else
  tap_ok "over TLS # SKIP openssl is not installed"
fi
tap_end
