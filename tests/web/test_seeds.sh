#!/usr/bin/env bash
# The typical queries of the five documents as requests, against PostgreSQL with the same schemas and rows: seeds.py has the table.
# For each system and for full: a file is served, two users sign up, rows are loaded, all of it goes to PostgreSQL by `ledger export
# --data-only`, and each request must answer what the document's SQL answers there.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=$PWD/build/ledger}"
work=$TAP_WORK prefix=ledger_seeds_$$ server=
systems=${LEDGER_TEST_SYSTEMS:-wallstreet smarthub elon pe_portal advancia full}
export PGOPTIONS='-c client_min_messages=warning'
finish() {
  [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
  for system in $systems; do psql -qX -d postgres -c "DROP DATABASE IF EXISTS ${prefix}_$system" 2>/dev/null; done
  rm -rf "$work"
}
trap finish EXIT

serve() { # file: leaves $url and $service_key
  local line
  mkfifo "$work/said"
  "$LEDGER" serve "$1" --listen=127.0.0.1:0 --show-keys --quiet --sign-ins=0 >"$work/said" 2>"$work/log" &
  server=$! url='' service_key=''
  exec {said}<"$work/said"
  rm "$work/said"
  while [ -z "$url" ] || [ -z "$service_key" ]; do
    IFS= read -r -t 30 -u "$said" line || { cat "$work/log"; return 1; }
    case $line in
      'listening on '*) url=${line#listening on } ;;
      service_role*) service_key=${line##* } ;;
    esac
  done
}
stop() {
  kill "$server" 2>/dev/null
  wait "$server"
  is "$1: the server ends well" $? 0
  exec {said}<&-
  server=
}
sign_up() { # address: prints the user's id and a token
  curl -s -X POST -H "apikey: $service_key" -H 'Content-Type: application/json' -d '{"email":"'"$1"'","password":"a long password"}' "$url/auth/v1/signup" |
    python3 -c 'import json, sys; a = json.load(sys.stdin); print(a["user"]["id"], a["access_token"])' 2>/dev/null
}

for role in anon authenticated; do # of the whole server, which other tests have, too
  psql -qX -d postgres -c "DO \$\$ BEGIN CREATE ROLE $role NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END \$\$"
done
for system in $systems; do
  file=$work/$system.db database=${prefix}_$system
  "$LEDGER" init "$file" --schema "$system" >/dev/null 2>"$work/log" || { tap_no "$system: a file is made" "$(cat "$work/log")"; continue; }
  serve "$file" || { tap_no "$system: the file is served" "$(cat "$work/log")"; continue; }
  read -r ada token < <(sign_up user@example.com)
  read -r bob _ < <(sign_up bob@example.com)
  like "$system: two users sign up" "$ada $bob" '^[0-9a-z-]+ [0-9a-z-]+$'
  python3 tests/web/seeds.py rows "$system" "$ada" "$bob" >"$work/rows"
  status "$system: rows" 0 "$LEDGER" load "$file" --quiet <"$work/rows"
  python3 tests/web/seeds.py operations "$system" "$ada" "$bob" >"$work/operations"
  [ ! -s "$work/operations" ] || status "$system: the book's rows" 0 "$LEDGER" batch "$file" <"$work/operations"
  psql -qX -d postgres -c "CREATE DATABASE $database TEMPLATE template0"
  if [ "$system" = full ]; then scripts=(schema/full/*.sql); else scripts=("schema/systems/$system.sql"); fi
  for script in "${scripts[@]}"; do psql -qX -v ON_ERROR_STOP=1 -d "$database" -f "$script" >/dev/null 2>>"$work/log" || tap_no "$system: $script" "$(tail -n 3 "$work/log")"; done
  "$LEDGER" export "$file" --data-only -o "$work/data.sql" && psql -qX -d "$database" -f "$work/data.sql" >/dev/null 2>"$work/log"
  is "$system: PostgreSQL has the same rows" "$(psql -qXAt -d "$database" -c "SELECT count(*) FROM users" 2>&1)" "$(sqlite3 "$file" 'SELECT count(*) FROM users')"
  # A schema that grants nothing is open here where row-level security stands; there it has to be said.
  psql -qX -d "$database" -c "GRANT USAGE ON SCHEMA public TO authenticated" -c "GRANT SELECT ON users TO authenticated" 2>/dev/null
  python3 tests/web/seeds.py check "$system" "$url" "$service_key" "$database" "$ada" "$token" "$bob" || TAP_FAILED=$((TAP_FAILED + 1))
  stop "$system"
done
tap_end
