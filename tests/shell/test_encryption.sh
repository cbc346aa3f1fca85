#!/usr/bin/env bash
# Encrypted columns on the command line: the key file, the first key, another one, none; who reads and writes with it and without;
# exports as they are kept and in clear, into a real PostgreSQL; a dump of it taken back; and a change of keys killed at random moments.
#   LEDGER_TEST_COUNT  kills (6)
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=$PWD/build/ledger}"
work=$TAP_WORK file=$TAP_WORK/x.db database=ledger_encryption_$$
finish() {
  psql -qX -d postgres -c "DROP DATABASE IF EXISTS $database" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
user=00000000-0000-4000-8000-000000000001

"$LEDGER" init "$file" >/dev/null 2>&1
"$LEDGER" load "$file" --quiet 2>/dev/null <<END
{"table":"users","row":{"id":"$user","email":"a@b.co","password_hash":"!","two_factor_secret":"JBSWY3DPEHPK3PXP"}}
{"table":"user_kyc","row":{"user_id":"$user","document_number":"P1234567","selfie_url":"https://example.com/me.jpg"}}
{"table":"webhooks","row":{"user_id":"$user","url":"https://example.com","events":["a"],"secret":"whsec_4711"}}
{"table":"integration_configs","row":{"user_id":"$user","integration_type":"stripe","config":{},"credentials":{"api_key":"sk_live_1","n":1.50}}}
END
secrets='JBSWY3DPEHPK3PXP|P1234567|me\.jpg|whsec_4711|sk_live_1'
get() { "$LEDGER" get "$file" "$@" 2>&1; }

# ---- the key file
status "a key file is made" 0 "$LEDGER" key file "$work/a.key"
is "only its owner can read it" "$(stat -c %a "$work/a.key")" 600
like "it is 64 hexadecimal digits" "$(cat "$work/a.key")" '^[0-9a-f]{64}$'
status "another one" 0 "$LEDGER" key file "$work/b.key"
is "two are not the same" "$(cmp -s "$work/a.key" "$work/b.key" && echo same)" ""
status "no file is overwritten" 2 "$LEDGER" key file "$work/a.key"
like "it says so" "$PROBLEM" 'a.key: File exists \[58P02\]'

# ---- before the file has one
status "without --key-file nothing happens" 2 "$LEDGER" encrypt "$file"
status "a key for a file that has none" 1 "$LEDGER" get "$file" webhooks --key-file "$work/a.key"
like "the hint says what to do" "$PROBLEM" 'the file has no encryption key yet \[55000\] \(ledger encrypt'
status "one that stands in the environment is for other files" 0 env LEDGER_KEY_FILE="$work/a.key" "$LEDGER" get "$file" webhooks
chmod 644 "$work/b.key"
status "a key that others can read" 2 "$LEDGER" encrypt "$file" --key-file "$work/b.key"
chmod 600 "$work/b.key"
echo zz >"$work/bad.key"; chmod 600 "$work/bad.key"
status "a file that is no key" 2 "$LEDGER" encrypt "$file" --key-file "$work/bad.key"
status "a schema without such columns" 0 "$LEDGER" init "$work/e.db" --schema elon
status "has nothing to encrypt" 1 "$LEDGER" encrypt "$work/e.db" --key-file "$work/a.key"
like "and says how columns are marked" "$PROBLEM" 'no columns to be encrypted \[55000\] \(The schema marks them: a line @encrypted'

# ---- the first key
status "the file is encrypted" 0 "$LEDGER" encrypt "$file" --key-file "$work/a.key"
like "it says how much, and under which key" "$SEEN" ': 5 values are encrypted with key [0-9a-f]{16}$'
key=${SEEN##* }
like "info names the key" "$("$LEDGER" info "$file")" "^encrypted  with key $key"
like "as JSON, too" "$("$LEDGER" info "$file" --json)" "\"encryption_key\":[[:space:]]*\"$key\""
is "none of it is in the file" "$(cat "$file" "$file"-wal 2>/dev/null | grep -aEc "$secrets")" 0
like "without the key it is shown as it is kept" "$(get webhooks select=secret)" '"secret":"enc:1:[A-Za-z0-9_-]+"'
like "jsonb stays JSON" "$(get integration_configs select=credentials)" '"credentials":"enc:1:'
is "with it in clear" "$(get webhooks select=secret --key-file "$work/a.key")" '[{"secret":"whsec_4711"}]'
is "with it in the environment" "$(LEDGER_KEY_FILE=$work/a.key get integration_configs select=credentials)" \
  '[{"credentials":{"n": 1.50, "api_key": "sk_live_1"}}]'
status "with another key" 1 "$LEDGER" get "$file" webhooks --key-file "$work/b.key"
like "which it says" "$PROBLEM" "another one was given.* \[LA016\] \(The file's key is $key"
row='{"table":"webhooks","row":{"user_id":"'$user'","url":"https://example.com/2","events":["a"],"secret":"whsec_two"}}'
status "a write without the key" 1 "$LEDGER" load "$file" <<<"$row"
like "is refused" "$PROBLEM" 'none was given \[LA016\]'
like "with it" "$("$LEDGER" load "$file" --key-file "$work/a.key" <<<"$row" 2>/dev/null)" '"ok":true.*"secret":"whsec_two"'
status "a condition on it" 1 "$LEDGER" load "$file" --key-file "$work/a.key" <<<'{"table":"webhooks","op":"delete","where":{"secret":"whsec_two"}}'
like "is none" "$PROBLEM" 'is encrypted: it can be read whole or be null, nothing else \[0A000\]'
status "the book holds" 0 "$LEDGER" verify "$file"

# ---- into PostgreSQL and back
psql -qX -d postgres -c "CREATE DATABASE $database TEMPLATE template0" 2>/dev/null
"$LEDGER" export "$file" --full -o "$work/full.sql"
is "an export has nothing in clear" "$(grep -aEc "$secrets" "$work/full.sql")" 0
status "PostgreSQL takes it" 0 psql -qAtX -d "$database" -f "$work/full.sql"
is "main has what is kept" "$(psql -qAtX -d "$database" -c "SELECT count(*) FROM webhooks WHERE secret LIKE 'enc:1:%'")" 2
is "and as jsonb a string" "$(psql -qAtX -d "$database" -c "SELECT jsonb_typeof(credentials) FROM integration_configs")" string

is "and so has its digest" "$(psql -qAtX -F ' ' -d "$database" -c "SELECT rows FROM ledger_sync.digest() WHERE table_name = 'webhooks'")" 2
pg_dump -d "$database" --data-only --schema=public >"$work/dump.sql" 2>/dev/null
"$LEDGER" init "$work/back.db" --no-seed >/dev/null 2>&1
status "a dump comes back as it is kept" 0 "$LEDGER" import "$work/back.db" "$work/dump.sql"
status "and under the same key nothing is encrypted twice" 0 "$LEDGER" encrypt "$work/back.db" --key-file "$work/a.key"
is "it is read again" "$("$LEDGER" get "$work/back.db" webhooks 'select=secret&order=url' --key-file "$work/a.key")" \
  '[{"secret":"whsec_4711"},
 {"secret":"whsec_two"}]'
status "in clear only with the key" 1 "$LEDGER" export "$file" --full --decrypt -o "$work/none.sql"
is "nothing was written" "$(ls "$work/none.sql" 2>/dev/null)" ""
status "--decrypt is for whole exports" 2 "$LEDGER" export "$file" --decrypt --key-file "$work/a.key"
status "with it" 0 "$LEDGER" export "$file" --data-only --decrypt --key-file "$work/a.key" -o "$work/clear.sql"
is "all of it is there" "$(grep -aoE "$secrets|whsec_two" "$work/clear.sql" | sort -u | wc -l)" 6
sed 's/enc:1:[A-Za-z0-9_-]*/in clear/' "$work/dump.sql" >"$work/plain.sql"
"$LEDGER" init "$work/plain.db" --no-seed >/dev/null 2>&1
"$LEDGER" encrypt "$work/plain.db" --key-file "$work/a.key" >/dev/null
status "a dump in clear needs the key" 1 "$LEDGER" import "$work/plain.db" "$work/plain.sql"
like "and says so" "$PROBLEM" 'none was given \[LA016\]'
status "with it" 0 "$LEDGER" import "$work/plain.db" "$work/plain.sql" --key-file "$work/a.key"
status "and again" 0 "$LEDGER" import "$work/plain.db" "$work/plain.sql" --key-file "$work/a.key"
like "which changes nothing" "$SEEN" ' 0 rows inserted'
like "it is encrypted on its way in" "$("$LEDGER" get "$work/plain.db" webhooks select=secret)" '"secret":"enc:1:'

# ---- served
serve() { # option...: leaves $url, $key_of_service, $server
  local line
  url='' key_of_service=''
  mkfifo "$work/said"
  "$LEDGER" serve "$file" --listen=127.0.0.1:0 --show-keys --quiet "$@" >"$work/said" 2>"$work/log" &
  server=$!
  exec {said}<"$work/said"
  rm "$work/said"
  while [ -z "$url" ] || [ -z "$key_of_service" ]; do
    IFS= read -r -t 30 -u "$said" line || { exec {said}<&-; wait $server; return 1; }
    case $line in
      'listening on '*) url=${line#listening on } ;;
      service_role*) key_of_service=${line##* } ;;
    esac
  done
}
unserve() { kill "$server"; wait "$server"; exec {said}<&-; }
ask() { # METHOD path [body]
  curl -s -X "$1" -H "apikey: $key_of_service" -H 'Content-Type: application/json' -H 'Prefer: return=representation' ${3:+-d "$3"} "$url/rest/v1/$2"
}
if serve --key-file "$work/a.key"; then
  is "a request reads in clear" "$(ask GET 'webhooks?select=secret&order=url' | tr -d '\n ')" '[{"secret":"whsec_4711"},{"secret":"whsec_two"}]'
  is "embedded, too" "$(ask GET "users?select=email,webhooks(secret)&email=eq.a@b.co&webhooks.order=url" | tr -d '\n ')" \
    '[{"email":"a@b.co","webhooks":[{"secret":"whsec_4711"},{"secret":"whsec_two"}]}]'
  is "jsonb" "$(ask GET 'integration_configs?select=credentials')" '[{"credentials":{"n": 1.50, "api_key": "sk_live_1"}}]'
  is "CSV" "$(curl -s -H "apikey: $key_of_service" -H 'Accept: text/csv' "$url/rest/v1/webhooks?select=secret&order=url" | tr '\r\n' '  ')" 'secret whsec_4711 whsec_two'
  is "and writes it" "$(ask POST 'webhooks?select=secret' '{"user_id":"'$user'","url":"https://example.com/3","events":["a"],"secret":"whsec_3"}')" '[{"secret":"whsec_3"}]'
  is "and changes it" "$(ask PATCH 'webhooks?url=eq.https://example.com/3&select=secret' '{"secret":"whsec_three"}')" '[{"secret":"whsec_three"}]'
  is "which is not in the file" "$(cat "$file" "$file-wal" | grep -aEc 'whsec_3|whsec_three')" 0
  is "a filter on it is refused" "$(ask GET 'webhooks?secret=eq.whsec_3' | grep -oE '"code":"[^"]*"')" '"code":"0A000"'
  is "order, too" "$(ask GET 'webhooks?order=secret' | grep -oE '"code":"[^"]*"')" '"code":"0A000"'
  is "to ask whether it is null is not" "$(ask DELETE 'webhooks?url=eq.https://example.com/3&secret=not.is.null&select=secret')" '[{"secret":"whsec_three"}]'
  unserve
else
  tap_no "a file with a key is served" "$(cat "$work/log")"
fi
if serve; then
  like "served without the key it is shown as it is kept" "$(ask GET 'webhooks?select=secret&limit=1')" '"secret":"enc:1:'
  is "and not written" "$(ask POST webhooks '{"user_id":"'$user'","url":"u","events":[],"secret":"x"}' | grep -oE '"code":"[^"]*"')" '"code":"LA016"'
  unserve
else
  tap_no "a file is served without its key" "$(cat "$work/log")"
fi
status "with another key it is not served" 2 "$LEDGER" serve "$file" --listen=127.0.0.1:0 --key-file "$work/b.key"

# ---- another key, none
status "the key changes" 0 "$LEDGER" encrypt "$file" --key-file "$work/a.key" --new-key-file "$work/b.key"
status "the old one is of no use" 1 "$LEDGER" get "$file" webhooks --key-file "$work/a.key"
is "the new one reads" "$(get webhooks 'select=secret&order=url' --key-file "$work/b.key" | tr -d '\n')" \
  '[{"secret":"whsec_4711"}, {"secret":"whsec_two"}]'
status "a value that was moved" 0 sqlite3 "$file" "UPDATE ledger_meta SET value = value" # the file can be written
sqlite3 "$file" ".load ${OUT:-build}/ledger_ext" \
  "UPDATE user_kyc SET document_number = (SELECT secret FROM webhooks LIMIT 1)" 2>/dev/null
status "is found" 1 "$LEDGER" get "$file" user_kyc --key-file "$work/b.key"
like "and its place named" "$PROBLEM" 'table "user_kyc", column "document_number": the value was altered, or encrypted for another column'
status "no other key while it is there" 1 "$LEDGER" encrypt "$file" --key-file "$work/b.key" --new-key-file "$work/a.key"
like "with its row" "$PROBLEM" 'table "user_kyc", key \([0-9a-f-]{36}\), column "document_number"'
"$LEDGER" load "$file" --quiet --key-file "$work/b.key" 2>/dev/null <<<'{"table":"user_kyc","op":"update","row":{"document_number":"P1234567"},"where":{"user_id":"'$user'"}}'
cp "$file" "$work/kill.db" # for below; nobody has it open
status "back to clear text" 0 "$LEDGER" encrypt "$file" --key-file "$work/b.key" --decrypt
is "no key is needed" "$(get webhooks 'select=secret&order=url&limit=1')" '[{"secret":"whsec_4711"}]'
is "info says nothing of one" "$("$LEDGER" info "$file" | grep -c encrypted)" 0
status "the book holds" 0 "$LEDGER" verify "$file"

# ---- killed: one key or the other, for all of it
file=$work/kill.db
for n in $(seq 4000); do
  printf '{"table":"webhooks","row":{"user_id":"%s","url":"u","events":[],"secret":"s%d"}}\n' $user "$n"
done | "$LEDGER" load "$file" --quiet --key-file "$work/b.key" 2>/dev/null
whole() { # key: are all values read, and right?
  "$LEDGER" get "$file" webhooks 'select=secret&url=eq.u&order=id' --key-file "$1" 2>/dev/null | grep -oE '"s[0-9]+"' | sort -u | wc -l
}
first=$work/b.key second=$work/a.key torn=0 changed=0 started=$(date +%s%N)
cp "$file" "$work/timed.db"
"$LEDGER" encrypt "$work/timed.db" --key-file "$first" --new-key-file "$second" >/dev/null
took_ms=$((($(date +%s%N) - started) / 1000000))
for ((n = 1; n <= ${LEDGER_TEST_COUNT:-6}; n++)); do
  { timeout -s KILL "$(printf '0.%03d' $((took_ms * (RANDOM % 100) / 100 % 1000 + 1)))" \
    "$LEDGER" encrypt "$file" --key-file "$first" --new-key-file "$second" >/dev/null; } 2>/dev/null
  before=$(whole "$first") after=$(whole "$second")
  case $before/$after in
    4000/0) ;;
    0/4000) changed=$((changed + 1)) swap=$first first=$second second=$swap ;;
    *) torn=$((torn + 1)) ; tap_no "after kill $n" "$before under the old key, $after under the new one" ;;
  esac
done
is "killed $((n - 1)) times, the file had one key for all values each time ($changed times the new one)" "$torn" 0
status "and changes its key once it may" 0 "$LEDGER" encrypt "$file" --key-file "$first" --new-key-file "$second"
is "all of it" "$(whole "$second")" 4000
tap_end
