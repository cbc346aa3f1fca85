#!/usr/bin/env bash
# The command line as a person uses it: every command once for good, then bad input: a clear line, an exit status, an
# unchanged file.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${LEDGER:=build/ledger}"
work=$TAP_WORK
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8

# ---- help and usage
status "help" 0 "$LEDGER" help
for command in init info schema load get export push ack status restore digest backup; do
  like "help lists $command" "$SEEN" "^  $command "
done
for command in init info schema load get export push ack status restore digest backup; do
  status "help $command" 0 "$LEDGER" help $command
  like "help $command has its usage" "$SEEN" "^usage: ledger $command "
  first=$SEEN
  status "$command --help" 0 "$LEDGER" $command --help
  is "$command --help is the same" "$SEEN" "$first"
done
status "version" 0 "$LEDGER" version
status "no command" 2 "$LEDGER"
status "an unknown command" 2 "$LEDGER" frobnicate
status "an unknown option" 2 "$LEDGER" info --frobnicate x
status "too many arguments" 2 "$LEDGER" info a b
status "a missing argument" 2 env -u LEDGER_FILE "$LEDGER" info

# ---- init and info
for schema in full elon wallstreet advancia smarthub pe_portal; do
  status "init $schema" 0 "$LEDGER" init "$work/$schema.db" --schema=$schema
  status "info $schema" 0 "$LEDGER" info "$work/$schema.db" --json
  like "info $schema names its schema" "$SEEN" "\"schema\":[[:space:]]*\"$schema\""
done
status "init without --schema takes full" 0 "$LEDGER" init "$work/default.db"
status "init refuses a file that is there" 1 "$LEDGER" init "$work/full.db"
like "and says so" "$PROBLEM" 'full\.db.*exists.*\[58P02\]'
status "init --no-seed" 0 "$LEDGER" init "$work/bare.db" --no-seed
is "--no-seed leaves no row" "$("$LEDGER" get "$work/bare.db" roles)" "[]"
status "init with a schema that is not there" 2 "$LEDGER" init "$work/x.db" --schema="$work/none.sql"
is "leaves no file" "$(ls "$work"/x.db* 2>/dev/null)" ""
status "init in a folder that is not there" 2 "$LEDGER" init "$work/no/x.db"
status "FILE from the environment" 0 env LEDGER_FILE="$work/full.db" "$LEDGER" info
status "TABLE with FILE from the environment" 0 env LEDGER_FILE="$work/full.db" "$LEDGER" get roles

# ---- load and get
file=$work/full.db
load() { printf '%s\n' "$@" | "$LEDGER" load "$file" --continue 2>"$work/problem"; }
out=$(load '{"table":"contacts","row":{"id":"00000000-0000-4000-8000-000000000001","email":"a@b.co","message":"hi"}}')
like "insert answers with the row" "$out" '^\{"line":1,"ok":true,"row":\{"id":"00000000-0000-4000-8000-000000000001","name":null,"email":"a@b.co","message":"hi","created_at":"'
out=$(load '{"table":"contacts","op":"update","row":{"message":"é"},"where":{"id":"00000000-0000-4000-8000-000000000001"}}')
like "update answers with the row" "$out" '"ok":true,"row":\{.*"message":"é"'
out=$(load '{"table":"contacts","op":"upsert","row":{"id":"00000000-0000-4000-8000-000000000001","email":"c@d.co","message":"up"}}')
like "upsert updates" "$out" '"email":"c@d.co"'
is "get with select, filter and order" "$("$LEDGER" get "$file" contacts 'select=email,message&email=eq.c@d.co&order=email.asc&limit=5')" '[{"email":"c@d.co","message":"up"}]'
out=$(load '{"table":"contacts","op":"delete","where":{"id":"00000000-0000-4000-8000-000000000001"}}')
like "delete" "$out" '"ok":true'
is "get of an empty table" "$("$LEDGER" get "$file" contacts)" '[]'
is "get counts on numbers being exact" "$("$LEDGER" get "$file" fee_config 'select=fee_type,percentage_fee&order=fee_type')" '[{"fee_type":"deposit","percentage_fee":0.0000},
 {"fee_type":"trading","percentage_fee":0.1000},
 {"fee_type":"withdrawal","percentage_fee":0.5000}]'
is "generated columns" "$("$LEDGER" get "$file" users 'select=name,is_active')" '[{"name":"Admin User","is_active":true}]'
status "get of an unknown table" 1 "$LEDGER" get "$file" nothing
like "says 42P01" "$PROBLEM" 'relation "nothing" does not exist \[42P01\]'
status "get of an unknown column" 1 "$LEDGER" get "$file" users 'select=nothing'
like "says 42703" "$PROBLEM" '\[42703\]'

# ---- refusals: each has its SQLSTATE, and the file is as it was
before=$("$LEDGER" digest "$file")
refuse() { # title sqlstate line
  local out
  out=$(printf '%s\n' "$3" | "$LEDGER" load "$file" --continue 2>"$work/problem")
  like "$1" "$out" "^\{\"line\":1,\"ok\":false,\"sqlstate\":\"$2\""
}
account='"account_number":"N","account_type":"checking"'
refuse "unknown table" 42P01 '{"table":"nothing","row":{}}'
refuse "unknown column" 42703 '{"table":"contacts","row":{"nothing":1}}'
refuse "a row that is no object" 22023 '{"table":"contacts","row":[1]}'
refuse "a line that is no object" 22023 '[1]'
refuse "not JSON" 22P02 '{"table":'
refuse "NOT NULL" 23502 '{"table":"contacts","row":{"email":"a@b.co"}}'
refuse "CHECK" 23514 '{"table":"accounts","row":{"account_number":"N","account_type":"gold"}}'
refuse "UNIQUE" 23505 '{"table":"roles","row":{"name":"admin"}}'
refuse "FOREIGN KEY" 23503 '{"table":"accounts","row":{'"$account"',"user_id":"00000000-0000-4000-8000-00000000dead"}}'
refuse "uuid" 22P02 '{"table":"accounts","row":{'"$account"',"user_id":"x"}}'
refuse "numeric overflow" 22003 '{"table":"accounts","row":{'"$account"',"balance":99999999999999}}'
refuse "a number of 5,000 digits" 22003 '{"table":"accounts","row":{'"$account"',"balance":'"$(printf '9%.0s' $(seq 5000))"'}}'
refuse "too long" 22001 '{"table":"accounts","row":{"account_number":"'"$(printf 'N%.0s' $(seq 51))"'","account_type":"checking"}}'
refuse "enum" 22P02 '{"table":"ai_command_logs","row":{"user_id":"bcf36794-86ec-5c46-a618-01f8ea20bfd8","model":"m","input":{},"status":"LOST"}}'
refuse "generated column" 428C9 '{"table":"users","row":{"email":"g@h.co","password_hash":"!","name":"x"}}'
refuse "NUL" '22(021|P05)' '{"table":"contacts","row":{"email":"a\u0000b","message":"m"}}'
refuse "broken UTF-8" 22021 $'{"table":"contacts","row":{"email":"a\xffb","message":"m"}}'
refuse "JSON 10,000 deep" 54001 '{"table":"contacts","row":{"email":'"$(printf '[%.0s' $(seq 10000))"'}}'
refuse "update without where" 42501 '{"table":"contacts","op":"update","row":{"message":"x"}}'
refuse "delete without where" 42501 '{"table":"contacts","op":"delete"}'
refuse "a balance by hand" 42501 '{"table":"accounts","row":{'"$account"',"balance":"1.00"}}'
refuse "an unknown op" 22023 '{"table":"contacts","op":"drop"}'
refuse "the immutable audit row's trigger" 22023 '{"table":"contacts","op":7}'
head -c 2000000 /dev/zero | tr '\0' 'x' >"$work/long"
status "a line of 2 MB" 1 bash -c "'$LEDGER' load '$file' <'$work/long'"
like "says what is too long" "$SEEN$PROBLEM" 'longer than 1048576 bytes'
status "a NUL byte in the line" 1 bash -c "printf '{\"table\":\"contacts\",\"row\":{\"email\":\"a\\0b\",\"message\":\"m\"}}\n' | '$LEDGER' load '$file'"
is "the file is as it was" "$("$LEDGER" digest "$file")" "$before"

# ---- --plain: rows alone
"$LEDGER" backup "$file" "$work/plain.db"
trail() { sqlite3 "$work/plain.db" "SELECT count(*), (SELECT count(*) FROM ledger_journal) FROM audit_logs"; }
status "--plain takes a balance" 0 bash -c "echo '{\"table\":\"accounts\",\"row\":{$account,\"balance\":\"1.00\"}}' | '$LEDGER' load '$work/plain.db' --plain"
is "and leaves no trail" "$(trail)" "0|0"
status "a role, without it" 0 bash -c "echo '{\"table\":\"roles\",\"row\":{\"name\":\"clerk\"}}' | '$LEDGER' load '$work/plain.db'"
is "is in the trail and in the chain" "$(trail)" "1|1"

# ---- load stops at the first refusal, and says what is in
printf '%s\n' '{"table":"contacts","row":{"email":"1","message":"m"}}' '{"table":"contacts","row":{"email":"2"}}' >"$work/two"
status "without --continue a refusal ends the load" 1 bash -c "'$LEDGER' load '$file' <'$work/two'"
like "and says the line" "$PROBLEM" 'line 2: null value in column "message".*\[23502\]'
is "and its transaction is undone" "$("$LEDGER" digest "$file")" "$before"
status "--batch=1 keeps the lines before it" 1 bash -c "'$LEDGER' load '$file' --batch=1 <'$work/two'"
like "one row is in" "$("$LEDGER" get "$file" contacts 'select=email')" '^\[\{"email":"1"\}\]$'
status "an empty input" 0 bash -c "'$LEDGER' load '$file' </dev/null"

# ---- files that are none
printf 'hello' >"$work/text.db"; head -c 4096 /dev/urandom >"$work/noise.db"; : >"$work/empty.db"
sqlite3 "$work/other.db" 'CREATE TABLE a(b)'
head -c 20000 "$work/full.db" >"$work/cut.db"
for bad in text noise empty other; do
  status "$bad.db is not a ledger file" 2 "$LEDGER" info "$work/$bad.db"
  like "$bad.db: one line with its SQLSTATE" "$PROBLEM" "^ledger info: .*$bad\.db.* \[[0-9A-Z]{5}\]"
done
status "a truncated file" 1 "$LEDGER" info "$work/cut.db"
like "is said to be damaged" "$PROBLEM" '\[XX001\]'
status "a folder" 2 "$LEDGER" info "$work"
status "a file that is not there" 2 "$LEDGER" info "$work/none.db"
like "is said not to be there" "$PROBLEM" 'none\.db.*\[58P01\]'
cp "$work/full.db" "$work/newer.db"; sqlite3 "$work/newer.db" 'PRAGMA user_version = 999'
status "a newer file" 2 "$LEDGER" info "$work/newer.db"
like "is said to be newer" "$PROBLEM" 'newer.*\[0A000\]'

# ---- schema files that are none
: >"$work/empty.sql"; head -c 3000 /dev/urandom >"$work/binary.sql"
{ printf 'CREATE TABLE t (a int DEFAULT 1'; printf '+1%.0s' $(seq 30000); printf ');\n'; } >"$work/sum.sql"
{ printf 'CREATE TABLE t (a int DEFAULT 1'; printf '+1%.0s' $(seq 70000); printf ');\n'; } >"$work/sums.sql"
for bad in empty binary sums; do
  status "schema --check of $bad.sql" 1 "$LEDGER" schema "$work/$bad.sql" --check
  like "$bad.sql: a place and a reason" "$SEEN" "$bad\.sql:[0-9]+:[0-9]+: error: .*\[[0-9A-Z]{5}\]"
  status "init with $bad.sql" 1 "$LEDGER" init "$work/y.db" --schema="$work/$bad.sql"
  is "$bad.sql: no file" "$(ls "$work"/y.db* 2>/dev/null)" ""
done
timeout 60 "$LEDGER" schema "$work/sum.sql" --check >"$work/out" 2>&1
like "1+1+1... for 60 KB ends with an answer" "$?" '^[01]$'
status "a folder as a schema" 2 "$LEDGER" schema "$work" --check

# ---- backup, export
status "backup" 0 "$LEDGER" backup "$file" "$work/backup.db"
is "the copy has the same digest" "$("$LEDGER" digest "$work/backup.db")" "$("$LEDGER" digest "$file")"
status "backup refuses a file that is there" 1 "$LEDGER" backup "$file" "$work/backup.db"
status "export of two parts" 2 "$LEDGER" export "$file" --full --init
status "export without a part" 0 "$LEDGER" export "$file" -o "$work/batches.sql"
like "is batches, and the question what main has" "$(tail -n 1 "$work/batches.sql")" "^SELECT ledger_sync.acknowledgement\\('"
status "export to a file" 0 "$LEDGER" export "$file" --full -o "$work/full.sql"
is "it is the same as on standard output" "$("$LEDGER" export "$file" --full | sha256sum)" "$(sha256sum <"$work/full.sql")"
status "export to a folder that is not there" 2 "$LEDGER" export "$file" --full -o "$work/no/full.sql"
if [ -w /dev/full ]; then
  status "export to a full disk" 1 bash -c "'$LEDGER' export '$file' --full >/dev/full"
  like "says so" "$PROBLEM" 'standard output.*\[58030\]'
fi
chmod 444 "$work/backup.db"
status "reading a read-only file" 0 "$LEDGER" get "$work/backup.db" roles

# ---- a disk that fills up half-way, where a small file system can be made
if [ "$(id -u)" -eq 0 ] && mkdir -p "$work/small" && mount -t tmpfs -o size=3m tmpfs "$work/small" 2>/dev/null; then
  "$LEDGER" init "$work/small/a.db" >/dev/null
  before=$("$LEDGER" digest "$work/small/a.db")
  for n in $(seq 9000); do printf '{"table":"contacts","row":{"email":"n%d@example.com","message":"%0500d"}}\n' "$n" "$n"; done >"$work/many"
  status "a disk that fills up" 1 bash -c "'$LEDGER' load '$work/small/a.db' --quiet <'$work/many'"
  like "is said to be full" "$PROBLEM" '\[53100\]'
  is "and the file is as it was" "$("$LEDGER" digest "$work/small/a.db")" "$before"
  status "init on a full disk" 1 bash -c "head -c 10000000 /dev/zero >'$work/small/fill' 2>/dev/null; '$LEDGER' init '$work/small/b.db'"
  is "leaves no file behind" "$(ls "$work"/small/b.db* 2>/dev/null)" ""
  umount "$work/small"
else
  tap_ok "a disk that fills up # SKIP no tmpfs can be mounted here"
fi

# ---- Ctrl-C half-way: whole transactions are in, nothing else
mkfifo "$work/pipe"
cp "$work/bare.db" "$work/stop.db"
"$LEDGER" load "$work/stop.db" --batch=100 <"$work/pipe" >"$work/answers" 2>"$work/problem" &
loader=$!
exec 7>"$work/pipe"
for n in $(seq 250); do printf '{"table":"contacts","row":{"email":"n%d@example.com","message":"m"}}\n' "$n"; done >&7
for _ in $(seq 200); do [ "$(wc -l <"$work/answers")" -ge 200 ] && break; sleep 0.05; done
kill -INT $loader
wait $loader
is "Ctrl-C gives 130" "$?" 130
exec 7>&-
like "and says what is in" "$(cat "$work/problem")" 'lines 1 to 200 are in the file'
is "what was answered is in" "$("$LEDGER" get "$work/stop.db" contacts 'select=id' | grep -c id)" "$(wc -l <"$work/answers")"

# ---- two at once
for writer in 1 2; do
  for n in $(seq 300); do printf '{"table":"contacts","row":{"email":"w%d-%d@example.com","message":"m"}}\n' "$writer" "$n"; done |
    "$LEDGER" load "$work/bare.db" --batch=10 --quiet 2>"$work/writer$writer" &
done
wait
is "two writers at once lose nothing" "$("$LEDGER" get "$work/bare.db" contacts 'select=id' | grep -c id)" 600
tap_end
