#!/usr/bin/env bash
# Runs a command beside a private PostgreSQL 15: a fresh cluster in a temporary folder, on loopback, on a free port below
# 32768, owned by a user other than root, stopped and removed when the command ends.
#   tests/lib/postgres.sh COMMAND ARG...
# The command finds the server by PGHOST, PGPORT and PGUSER (a superuser, no password).
set -euo pipefail

binaries=/usr/lib/postgresql/15/bin
[ -x $binaries/initdb ] || { echo "postgres.sh: PostgreSQL 15 is not installed" >&2; exit 2; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/ledger-postgres.XXXXXX")
as=()
if [ "$(id -u)" -eq 0 ]; then
  chown postgres "$folder"
  as=(runuser -u postgres --)
fi

finish() {
  "${as[@]}" $binaries/pg_ctl -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$folder"
"${as[@]}" $binaries/initdb -D "$folder/data" -A trust -U postgres --locale=C.UTF-8 -E UTF8 --no-sync >"$folder/initdb.log" 2>&1 ||
  { cat "$folder/initdb.log" >&2; exit 2; }
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
timezone = 'UTC'
fsync = ${LEDGER_TEST_FSYNC:-off}
max_connections = 100
log_min_messages = fatal
CONF
for attempt in 1 2 3 4 5 6 7 8; do
  port=$((20000 + (RANDOM + $$ + attempt * 131) % 12000))
  if "${as[@]}" $binaries/pg_ctl -D "$folder/data" -o "-p $port" -l "$folder/server.log" -w start >/dev/null 2>&1; then break; fi
  [ $attempt -lt 8 ] || { cat "$folder/server.log" >&2; echo "postgres.sh: the server does not start" >&2; exit 2; }
done
cd - >/dev/null
export PGHOST=127.0.0.1 PGPORT=$port PGUSER=postgres PGDATABASE=postgres
"$@"
