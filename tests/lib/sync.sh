# For the tests of sync, sourced after tap.sh: main databases, devices and the roads between them. $LEDGER is the program.
SYNC_ROOT=$PWD SYNC_DATABASES=()
export PGOPTIONS='-c client_min_messages=warning' LC_ALL=C.UTF-8

# main NAME [SCHEMA.sql]: an empty database with the schema as psql loads it (full unless given), and its name in $MAIN
main() {
  MAIN=ledger_$1_$$
  SYNC_DATABASES+=("$MAIN")
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $MAIN WITH (FORCE)" -c "CREATE DATABASE $MAIN TEMPLATE template0"
  if [ -n "${2:-}" ]; then psql -X -q -v ON_ERROR_STOP=1 -d "$MAIN" -f "$2" >/dev/null
  else cat "$SYNC_ROOT"/schema/full/*.sql | psql -X -q -v ON_ERROR_STOP=1 -d "$MAIN" >/dev/null; fi
}
# main_copy NAME: $MAIN again under another name; nobody may be connected to it
main_copy() {
  local from=$MAIN
  MAIN=ledger_$1_$$
  SYNC_DATABASES+=("$MAIN")
  psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $MAIN WITH (FORCE)" -c "CREATE DATABASE $MAIN TEMPLATE $from"
}
main_drop_all() {
  local name
  for name in "${SYNC_DATABASES[@]}"; do psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" 2>/dev/null; done
}

# ask SQL: one value or more of main, as text
ask() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MAIN" -c "$1" 2>&1; }

# device FILE [SCHEMA.sql]: a new file, enrolled on $MAIN
device() {
  "$LEDGER" init "$1" --schema "${2:-full}" >/dev/null && device_enrol "$1"
}
device_enrol() { "$LEDGER" export "$1" --init --enrol | psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$MAIN" >/dev/null; }
device_id() { sqlite3 "$1" 'SELECT device FROM ledger_sync_state'; }

# Another program: other FILE SQL writes by the sqlite3 shell with our extension. With the sanitizers in it that needs theirs.
other() {
  local preloaded=${LD_PRELOAD:-} leaks=${ASAN_OPTIONS:-}
  if [ -n "${SANITIZED:-}" ]; then
    preloaded="$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)${preloaded:+:$preloaded}" leaks=detect_leaks=0
  fi
  env "LD_PRELOAD=$preloaded" "ASAN_OPTIONS=$leaks" sqlite3 -batch -cmd ".load $SYNC_ROOT/${OUT:-build}/ledger_ext" -cmd '.timeout 10000' "$1" "$2"
}

# The roads. by_pipe is the documented one.
by_pipe() { "$LEDGER" export "$1" "${@:2}" | psql -q -A -t -X "$MAIN" | "$LEDGER" ack "$1" >/dev/null; }
by_push() { "$LEDGER" push "$1" "dbname=$MAIN" >/dev/null; }

# Is a table's content on main the device's? Prints what differs.
same_digest() { # file
  diff <("$LEDGER" digest "$1") <(ask 'SELECT * FROM ledger_sync.digest()') | head -n 10
}
pause_ms() { sleep "$(awk -v most="$1" -v chance="$RANDOM" 'BEGIN { printf "%.4f", chance / 32768 * most / 1000 }')"; }
gone() { # waits until a killed process has ended
  while grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; do sleep 0.01; done
}

# sync_clock FOLDER: makes the library of a wrong clock there; then `shifted SECONDS COMMAND...` runs the command by it.
sync_clock() {
  "${CC:-gcc}" -O1 -std=c11 -D_GNU_SOURCE -shared -fPIC -o "$1/clock.so" "$SYNC_ROOT/tests/lib/clock.c" && SYNC_CLOCK=$1/clock.so
}
shifted() {
  ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" LD_PRELOAD=$SYNC_CLOCK CLOCK_SHIFT=$1 "${@:2}"
}

# The private server, stopped as a power cut does, and started again.
server_stop() {
  SERVER_DATA=${SERVER_DATA:-$(psql -qXAt -d postgres -c 'SHOW data_directory')}
  server_control -m immediate stop
}
server_start() {
  server_control -o "-p $PGPORT" -l "$SERVER_DATA/../server.log" -w start
}
server_control() {
  local as=()
  [ "$(id -u)" -ne 0 ] || as=(runuser -u postgres --)
  (cd / && "${as[@]}" /usr/lib/postgresql/15/bin/pg_ctl -D "$SERVER_DATA" "$@" >/dev/null 2>&1)
}
