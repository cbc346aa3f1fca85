#!/usr/bin/env bash
# ledger push as somebody uses it: into an empty main, beside tables that are there, again, after each thing that can go wrong. Each
# time: a line that says what is wrong and where, nothing lost, and after the repair it goes on from there.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/tap.sh
: "${OUT:=build}" "${LEDGER:=$PWD/$OUT/ledger}"
work=$TAP_WORK main=ledger_push_$$
export LC_ALL=C.UTF-8
unset LEDGER_FILE LEDGER_ACTOR
databases=()
finish() {
  for database in "${databases[@]}"; do psql -Xqd postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" >/dev/null 2>&1; done
  psql -Xqd postgres -c "DROP TABLESPACE IF EXISTS ledger_push_small" >/dev/null 2>&1
  mountpoint -q "$work/small" && umount "$work/small"
  rm -rf "$work"
}
trap finish EXIT
fresh() { # number [option of CREATE DATABASE]: a new empty main, $main
  main=ledger_push_$$_$1
  databases+=("$main")
  psql -Xqd postgres -c "CREATE DATABASE $main TEMPLATE template0 ${2:-}"
}
ask() { PGOPTIONS='-c client_min_messages=warning' psql -XqAt -v ON_ERROR_STOP=1 -d "$main" -c "$1" 2>&1; }
digest() { ask 'SELECT * FROM ledger_sync.digest()'; }
push() { "$LEDGER" push "$@"; }
# same TITLE FILE: main has what the file has
same() { is "$1" "$(digest)" "$("$LEDGER" digest "$2")"; }
# wait_for TITLE COMMAND...: until it answers yes
wait_for() {
  local title=$1 try
  shift
  for try in $(seq 200); do
    "$@" && return
    sleep 0.05
  done
  tap_no "$title" "it did not come to that"
}

ada=00000000-0000-4000-8000-000000000001
# device FILE: a file with a user, two accounts and a deposit
device() {
  "$LEDGER" init "$1" >/dev/null 2>&1 && "$LEDGER" load "$1" --quiet 2>/dev/null <<ROWS &&
{"table":"users","row":{"id":"$ada","email":"ada@example.com","password_hash":"!","first_name":"Ada","last_name":"L"}}
ROWS
    "$LEDGER" account open "$1" USD --number=A --user=$ada >/dev/null &&
    "$LEDGER" account open "$1" USD --number=B --user=$ada >/dev/null &&
    "$LEDGER" deposit "$1" A 100.00 >/dev/null
}
pay() { "$LEDGER" transfer "$1" A B "$2" ${3:+--ref="$3"} >/dev/null; }
name() { echo "{\"table\":\"users\",\"op\":\"update\",\"row\":{\"first_name\":\"$2\"},\"where\":{\"id\":\"$ada\"}}" | "$LEDGER" load "$1" --quiet 2>/dev/null; }

# ---- an empty main, and increments
file=$work/a.db
device "$file" || tap_no "a file is made" "$(ls -la "$work")"
status "before the first push: status" 0 "$LEDGER" status "$file"
like "no main yet" "$SEEN" '^main +none yet: ledger push FILE DSN$'
like "what waits" "$SEEN" '^waiting +[1-9][0-9]* changes in no batch yet'
fresh 1
status "the first push, into an empty main" 0 push "$file" "$main"
like "says what it sent" "$SEEN" '^sent everything: [0-9]+ rows; [0-9]+ bytes on the wire, [0-9]+ round trips$'
is "and no more" "$PROBLEM" ""
same "main has all" "$file"
status "status after it" 0 "$LEDGER" status "$file"
like "nothing waits" "$SEEN" '^waiting +nothing: main has all$'
like "it knows main" "$SEEN" "^main +$(ask 'SELECT main FROM ledger_sync.installation')$"
like "and when it was reached" "$SEEN" '^reached +20'
status "again" 0 push "$file" "$main"
like "there is nothing to send" "$SEEN" '^nothing to send: main has all; '
pay "$file" 12.50 && name "$file" Augusta
status "an increment" 0 push "$file" "$main"
like "is one batch, in three round trips" "$SEEN" '^sent 1 batch, [1-9][0-9]* rows; [0-9]+ bytes on the wire, 3 round trips$'
same "main has it" "$file"
is "the balances are right" "$(ask "SELECT string_agg(account_number || ' ' || balance, ', ' ORDER BY account_number) FROM accounts WHERE account_number IN ('A', 'B')")" "A 87.50, B 12.50"
sqlite3 "$file" "UPDATE users SET password_hash = '?' WHERE id = '$ada'" && pay "$file" 1
status "what the sqlite3 shell wrote goes, too" 0 push "$file" "$main" --quiet
is "--quiet says nothing" "$SEEN$PROBLEM" ""
same "main has it" "$file"
pay "$file" 1
status "--json" 0 push "$file" "$main" --json
like "has the numbers" "$(tr -d '\n\t' <<<"$SEEN")" '"ok":true,.*"batches":1,"rows":[0-9]+,"bytes":[0-9]+,"round_trips":[0-9]+,"tries":1,"cut":3,"received":3,"applied":3,"reason":null,"error":null'
status "device show" 0 "$LEDGER" device show "$file"
like "names the device" "$SEEN" "^device +$(ask 'SELECT device FROM ledger_sync.device'), epoch 1"
is "no lock is left" "$(ls "$work" | grep -c push)" 0

# ---- psql in place of push
pay "$file" 2
status "export | psql | ack" 0 bash -c "'$LEDGER' export '$file' | psql -qAtX -d $main | '$LEDGER' ack '$file'"
like "ack says what main has" "$SEEN" '^main has received batch 4 of 4 and applied 4$'
same "main has it" "$file"
is "export once more is the question alone" "$("$LEDGER" export "$file" | grep -v '^SELECT ledger_sync.acknowledgement' | wc -l)" 0
pay "$file" 2
"$LEDGER" export "$file" >"$work/5.sql"
"$LEDGER" export "$file" --since 5 >"$work/5b.sql"
status "--since gives the same bytes" 0 cmp "$work/5.sql" "$work/5b.sql"
status "a psql that fails is no acknowledgement" 1 bash -c "head -c 3000 '$work/5.sql' | psql -qAtX -d $main 2>/dev/null | '$LEDGER' ack '$file'"
like "and ack says so" "$PROBLEM" '^ledger ack: standard input: there is no acknowledgement in it \[22023\]'
status "the insert form" 0 bash -c "'$LEDGER' export '$file' --since=5 --format=insert | psql -qAtX -d $main | '$LEDGER' ack '$file'"
same "main has it" "$file"
status "--since is a number" 2 "$LEDGER" export "$file" --since=0x5

# ---- a main that has the tables
file=$work/b.db
device "$file"
fresh 2
"$LEDGER" init "$work/seeds.db" >/dev/null 2>&1
"$LEDGER" export "$work/seeds.db" --schema-only | psql -qX -d "$main" >/dev/null 2>&1
"$LEDGER" export "$work/seeds.db" --data-only | psql -qX -d "$main" >/dev/null 2>&1
status "--no-init into a main that knows nothing" 1 push "$file" "$main" --no-init
like "says what to do" "$PROBLEM" '^ledger push: .*/'"$main"': the database has no schema ledger_sync \[LS001\] \(.*export FILE --init --enrol'
is "nothing was installed" "$(ask "SELECT count(*) FROM pg_namespace WHERE nspname = 'ledger_sync'")" 0
status "the first push beside tables that are there" 0 push "$file" "$main"
like "is a batch" "$SEEN" '^sent 1 batch, '
same "main has it" "$file"
status "--init again does no harm" 0 bash -c "'$LEDGER' export '$file' --init --enrol | psql -qAtX -v ON_ERROR_STOP=1 -d $main 2>/dev/null | '$LEDGER' ack '$file'"
ask "ALTER TABLE audit_logs RENAME TO audit_logs_away" >/dev/null
fresh 3
"$LEDGER" export "$work/seeds.db" --schema-only | psql -qX -d "$main" >/dev/null 2>&1
ask "DROP TABLE contacts" >/dev/null
device "$work/c.db"
status "a main with some of the tables" 1 push "$work/c.db" "$main"
like "the one that is missing is named" "$PROBLEM" 'has [0-9]+ of the file.s tables, and public.contacts is not among them \[42P01\]'

# ---- two devices
file=$work/a.db
main=${databases[0]}
"$LEDGER" init "$work/d.db" >/dev/null 2>&1
"$LEDGER" account open "$work/d.db" USD --number=D >/dev/null
"$LEDGER" deposit "$work/d.db" D 5.00 >/dev/null
status "a second device" 0 push "$work/d.db" "$main"
like "is enrolled and sends" "$SEEN" '^sent 1 batch, '
is "main has both" "$(ask "SELECT count(*) FROM accounts WHERE account_number IN ('A', 'D')")" 2
status "the fleet" 0 ask "SELECT count(*), sum(waiting) FROM ledger_sync.fleet"
is "has both" "$SEEN" "2|0"

# ---- main is not there
pay "$file" 3
status "main is down" 2 push "$file" "host=127.0.0.1 port=1 dbname=$main password=secret" --retries=1
like "one line says so" "$PROBLEM" '^ledger push: 127\.0\.0\.1:1/'"$main"': Connection refused \[08006\] \(2 tries\)$'
status "status knows" 0 "$LEDGER" status "$file"
like "the error" "$SEEN" '^failed +20.*: Connection refused$'
like "and warns" "$SEEN" '^warning +the last attempt to reach main failed$'
status "a DSN that is none" 2 push "$file" "mysql://u:secret@host/x"
like "does not show the password" "$PROBLEM" 'neither a postgresql:// URI nor key=value pairs'
status "a port that is none" 2 push "$file" "postgresql://u:sec/ret@host/x" --retries=0
is "does not show the password either" "$(grep -c 'sec' <<<"$PROBLEM")" 0
status "a database that is not there" 2 push "$file" "no_such_$$"
like "is main's word" "$PROBLEM" '^ledger push: .*: database "no_such_[0-9]+" does not exist \[3D000\]'
status "after that it goes on" 0 push "$file" "$main" --quiet

# ---- main is read-only
pay "$file" 3
ask "ALTER DATABASE $main SET default_transaction_read_only = on" >/dev/null
status "main is read-only" 1 push "$file" "$main"
like "one line says so" "$PROBLEM" '^ledger push: .*: cannot execute .* in a read-only transaction \[25006\]'
is "one line" "$(wc -l <<<"$PROBLEM")" 1
PGOPTIONS='-c default_transaction_read_only=off' ask "ALTER DATABASE $main RESET default_transaction_read_only" >/dev/null
psql -XqAt -d postgres -c "ALTER DATABASE $main RESET default_transaction_read_only"
status "after the repair" 0 push "$file" "$main"
like "the batch that waited goes" "$SEEN" '^sent 1 batch, '

# ---- main is full: its database stands in a small tablespace
mkdir -p "$work/small"
chmod 755 "$work"
if mount -t tmpfs -o size=40m tmpfs "$work/small" 2>/dev/null; then
  mkdir "$work/small/data" && chown postgres "$work/small/data" 2>/dev/null
  psql -Xqd postgres -c "CREATE TABLESPACE ledger_push_small LOCATION '$work/small/data'"
  fresh 4 "TABLESPACE ledger_push_small"
  file=$work/e.db
  device "$file"
  status "a small main" 0 push "$file" "$main" --quiet
  head -c 30000000 /dev/urandom | base64 -w 9000 |
    awk '{ printf "{\"table\":\"contacts\",\"row\":{\"name\":\"n\",\"email\":\"e%d@example.org\",\"message\":\"%s\"}}\n", NR, $0 }' |
    "$LEDGER" load "$file" --quiet 2>/dev/null
  status "main is full" 2 push "$file" "$main" --retries=0
  like "one line says so" "$PROBLEM" 'No space left on device \[53100\]'
  mount -o remount,size=400m "$work/small"
  status "after the repair" 0 push "$file" "$main"
  like "the batch goes" "$SEEN" '^sent 1 batch, '
  same "main has it" "$file"
else
  tap_ok "main is full # SKIP no tmpfs can be mounted here"
fi

# ---- another version of the schema
main=${databases[0]} file=$work/a.db
cat schema/full/*.sql | sed 's/^  first_name TEXT,$/&\n  nickname TEXT,/' >"$work/other.sql"
echo 'CREATE TABLE shelves (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), label text NOT NULL);' >>"$work/other.sql"
status "another version of the schema" 0 "$LEDGER" init "$work/other.db" --schema="$work/other.sql" --lenient
echo '{"table":"shelves","row":{"label":"top"}}' | "$LEDGER" load "$work/other.db" --quiet 2>/dev/null
version=$("$LEDGER" info "$work/other.db" --json | sed -n 's/.*"schema_sha256":[^"]*"\([0-9a-f]*\)".*/\1/p')
status "a file of another schema, --no-init" 1 push "$work/other.db" "$main" --no-init
status "a file of another schema" 1 push "$work/other.db" "$main"
like "is told what to do" "$PROBLEM" "^ledger push: .*: the schema [0-9a-f]{16} is known here but not accepted \\[LS003\\] \\(Migrate main to it, then: SELECT ledger_sync.accept_schema\\('$version'\\)"
is "nothing came" "$(ask "SELECT count(*) FROM ledger_sync.device WHERE schema_sha256 = '$version'")" 0
like "main does not accept it before it is migrated" "$(ask "SELECT ledger_sync.accept_schema('$version')")" 'main does not have what the schema [0-9a-f]+ needs: .*users\.nickname.*shelves'
ask "ALTER TABLE users ADD COLUMN nickname text" >/dev/null
ask "CREATE TABLE shelves (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), label text NOT NULL)" >/dev/null
is "but then" "$(ask "SELECT ledger_sync.accept_schema('$version')")" ""
status "and the same push goes on" 0 push "$work/other.db" "$main" --quiet
is "its row is there" "$(ask "SELECT label FROM shelves")" top
name "$file" Augusta
status "the file of the schema before still syncs" 0 push "$file" "$main" --quiet

# ---- a column that main has no more
name "$file" Ada && pay "$file" 1
ask "ALTER TABLE users RENAME COLUMN first_name TO gone_name" >/dev/null
status "a dropped column" 1 push "$file" "$main"
like "one line names it" "$PROBLEM" '^ledger push: .*: batch [0-9]+ is in custody: .*first_name \[42703\] \(on main, after the repair'
status "status" 0 "$LEDGER" status "$file"
like "has the reason" "$SEEN" '^custody +.*first_name'
like "and warns" "$SEEN" '^warning +main could not apply batch'
pay "$file" 1
status "what comes after it waits behind it" 1 push "$file" "$main"
like "in custody" "$SEEN" '^sent 1 batch, '
is "main has both" "$(ask "SELECT count(*) FROM ledger_sync.batch WHERE state = 'waiting'")" 2
status "the other device goes on" 0 bash -c "'$LEDGER' deposit '$work/d.db' D 1.00 >/dev/null && '$LEDGER' push '$work/d.db' $main --quiet"
ask "ALTER TABLE users RENAME COLUMN gone_name TO first_name" >/dev/null
is "after the repair retry() applies them" "$(ask "SELECT string_agg(result, ', ') FROM ledger_sync.retry()")" "applied, applied"
status "and the next push knows" 0 push "$file" "$main"
like "there is nothing to send" "$SEEN" '^nothing to send: main has all; '
is "the name is there" "$(ask "SELECT first_name FROM users WHERE id = '$ada'")" "Ada"
status "status is calm again" 0 "$LEDGER" status "$file"
is "no warning" "$(grep -c '^warning\|^custody' <<<"$SEEN")" 0

# ---- a row that main refuses
ask "ALTER TABLE users ADD CONSTRAINT no_bob CHECK (first_name <> 'Bob')" >/dev/null
name "$file" Bob
status "a rejected row" 1 push "$file" "$main"
like "one line names table, key and constraint" "$PROBLEM" "^ledger push: .*: batch [0-9]+ is in custody: (public\\.)?users \\($ada\\): .*no_bob.*\\[23514\\]"
is "one line" "$(wc -l <<<"$PROBLEM")" 1
ask "ALTER TABLE users DROP CONSTRAINT no_bob" >/dev/null
is "retry()" "$(ask "SELECT result FROM ledger_sync.retry()")" "applied"
status "the next push" 0 push "$file" "$main" --quiet
is "the row is there" "$(ask "SELECT first_name FROM users WHERE id = '$ada'")" "Bob"

# ---- two at once, a push that is killed, a connection that is cut: main's table is locked, so that the push waits
hold() { # takes a lock on main until `release`
  mkfifo "$work/hold"
  psql -XqAt -d "$main" <"$work/hold" >/dev/null 2>&1 &
  holder=$!
  exec 7>"$work/hold"
  echo "BEGIN; LOCK TABLE transactions IN ACCESS EXCLUSIVE MODE;" >&7
  wait_for "the lock is held" held
}
held() { [ "$(psql -XqAt -d postgres -c "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE d.datname = '$main' AND mode = 'AccessExclusiveLock' AND granted")" -ge 1 ]; }
waits() { [ "$(psql -XqAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$main' AND application_name = 'ledger' AND wait_event_type = 'Lock'")" = 1 ]; }
alone() { [ "$(psql -XqAt -d postgres -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$main' AND application_name = 'ledger'")" = 0 ]; }
release() {
  echo "COMMIT;" >&7
  exec 7>&-
  wait "$holder"
  rm "$work/hold"
}
pay "$file" 1
hold
"$LEDGER" push "$file" "$main" >"$work/first" 2>&1 &
first=$!
wait_for "the first push waits" waits
status "a second push of the file" 2 push "$file" "$main"
like "is told who is at it" "$PROBLEM" "^ledger push: $file: another push of the file is running: process $first since 20.* \\[55P03\\]$"
disown "$first"
kill -9 "$first"
psql -XqAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$main' AND application_name = 'ledger'" >/dev/null
wait_for "its backend goes" alone
release
status "after kill -9 the next push goes on" 0 push "$file" "$main"
like "with the same batch" "$SEEN" '^sent 1 batch, '
is "main has no more than the file" "$(ask "SELECT balance FROM accounts WHERE account_number = 'A'")" "$(sqlite3 "$file" "SELECT balance FROM accounts WHERE account_number = 'A'")"
pay "$file" 1
hold
"$LEDGER" push "$file" "$main" --json >"$work/first" 2>&1 &
first=$!
wait_for "a push waits" waits
psql -XqAt -d postgres -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$main' AND application_name = 'ledger'" >/dev/null
release
wait "$first"
is "main cut the connection: it tries again" "$?" 0
like "and says how often" "$(tr -d '\n\t' <"$work/first")" '"batches":1,.*"tries":2'
pay "$file" 1
hold
"$LEDGER" push "$file" "$main" >"$work/first" 2>&1 &
first=$!
wait_for "a push waits" waits
kill -INT "$first"
wait "$first"
is "Ctrl-C ends it" "$?" 130
like "with a word" "$(cat "$work/first")" '^ledger push: .*: interrupted'
release
for try in $(seq 1 12); do
  pay "$file" 0.01
  timeout -s KILL "0.0$((try * 2))" "$LEDGER" push "$file" "$main" --quiet
done 2>/dev/null
status "killed a dozen times anywhere" 0 push "$file" "$main" --quiet
is "no fact is doubled or lost" "$(ask "SELECT count(*) FROM transactions")" "$(($(sqlite3 "$file" "SELECT count(*) FROM transactions") + $(sqlite3 "$work/d.db" "SELECT count(*) FROM transactions")))"
is "and the balances are right" "$(ask "SELECT balance FROM accounts WHERE account_number = 'B'")" "$(sqlite3 "$file" "SELECT balance FROM accounts WHERE account_number = 'B'")"
status "prove" 0 "$LEDGER" prove "$file" "$main"

# ---- a restored backup
status "a backup" 0 "$LEDGER" backup "$file" "$work/backup.db"
pay "$file" 5 after-backup
status "the device goes on" 0 push "$file" "$main" --quiet
cp "$work/backup.db" "$work/clone.db"
pay "$work/clone.db" 7 on-clone
status "the backup, put in its place by hand" 1 push "$work/clone.db" "$main"
like "is a fork" "$PROBLEM" '^ledger push: .* \[LS004\] \(.*ledger device rekey'
status "device rekey" 0 "$LEDGER" device rekey "$work/clone.db"
like "gives it another name" "$SEEN" '^before +[0-9a-f-]{36}$'
status "and then it sends" 0 push "$work/clone.db" "$main"
transactions() { sqlite3 "$1" "SELECT id FROM transactions"; }
is "no fact is doubled or lost" "$(ask "SELECT count(*) FROM transactions")" "$(for each in "$file" "$work/clone.db" "$work/d.db"; do transactions "$each"; done | sort -u | wc -l)"
is "the balances add up" "$(ask "SELECT balance FROM accounts WHERE account_number = 'B'")" \
  "$(sqlite3 "$file" "SELECT printf('%.2f', balance + 7) FROM accounts WHERE account_number = 'B'")"
status "restore" 0 "$LEDGER" restore "$work/backup.db" "$work/restored.db"
like "names the new device" "$SEEN" 'restored.db: device [0-9a-f-]{36}, restored from what was [0-9a-f-]{36}$'
is "and leaves nothing beside it" "$(ls "$work" | grep -c '^restored')" 1
status "restore over a file" 1 "$LEDGER" restore "$work/backup.db" "$work/restored.db"
cp "$work/backup.db" "$work/older.db" && sqlite3 "$work/older.db" "PRAGMA user_version = 2; UPDATE ledger_meta SET value = '2' WHERE key = 'format'; DROP TABLE ledger_sync_table" >/dev/null
chmod 400 "$work/older.db"
status "a backup of an older format" 0 "$LEDGER" restore "$work/older.db" "$work/upgraded.db"
status "is pushed" 0 push "$work/upgraded.db" "$main" --quiet
status "and proven" 0 "$LEDGER" prove "$work/upgraded.db" "$main"
pay "$work/restored.db" 0.50 on-restored
status "the restored file sends" 0 push "$work/restored.db" "$main" --quiet
is "the balances add up" "$(ask "SELECT balance FROM accounts WHERE account_number = 'B'")" \
  "$(sqlite3 "$file" "SELECT printf('%.2f', balance + 7.50) FROM accounts WHERE account_number = 'B'")"

# ---- main is restored from a backup of its own
pay "$file" 1
psql -Xqd postgres -c "CREATE DATABASE ${main}_old TEMPLATE $main"
databases+=("${main}_old")
status "a batch that the backup has not" 0 push "$file" "$main" --quiet
pay "$file" 1
status "and another" 0 push "$file" "$main" --quiet
main=${main}_old
pay "$file" 0.25
status "main has less than it had" 0 push "$file" "$main"
like "what is kept goes again" "$SEEN" '^sent 3 batches, '
like "with a word about it" "$PROBLEM" 'main has less of the device than it had; it is sent again'
is "nothing is missing" "$(ask "SELECT balance FROM accounts WHERE account_number = 'A'")" "$(sqlite3 "$file" "SELECT printf('%.2f', balance - 7.50) FROM accounts WHERE account_number = 'A'")"
main=${databases[0]}

# ---- revoked; another main
ask "SELECT ledger_sync.revoke(device, 'lost in a taxi') FROM ledger_sync.device WHERE device = '$(sqlite3 "$work/d.db" "SELECT device FROM ledger_sync_state")'" >/dev/null
"$LEDGER" deposit "$work/d.db" D 1.00 >/dev/null
status "a revoked device" 1 push "$work/d.db" "$main"
like "is told why" "$PROBLEM" '^ledger push: .*lost in a taxi.* \[LS002\]'
fresh 5
status "another, empty main" 1 push "$file" "$main"
like "is not filled by mistake" "$PROBLEM" 'the file syncs with another database.* \[LS011\] \(is it the right DSN\?\)'
is "nothing was made" "$(ask "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace")" 0
main=${databases[1]}
status "another main with ledgers of its own" 1 push "$file" "$main"
like "is refused, too" "$PROBLEM" '\[LS011\]'

# ---- what status warns of
file=$work/b.db
main=${databases[1]}
pay "$file" 1
sqlite3 "$file" "UPDATE ledger_sync_state SET clock_skew = -600000"
name "$file" Late && sqlite3 "$file" "UPDATE ledger_change SET hlc = hlc - (30 * 3600 * 1000 << 16)"
status "status of a file that is late" 0 "$LEDGER" status "$file"
like "says since when" "$SEEN" '^since +20[0-9T:.-]+Z \(30 h\)$'
like "warns of the age" "$SEEN" '^warning +the oldest change has been waiting for 30 h: ledger push, or a bundle$'
like "and of the clock" "$SEEN" "^warning +this device's clock is behind main's by more than 5 minutes$"
status "status as JSON" 0 "$LEDGER" status "$file" --json
like "has the same" "$(tr -d '\n\t' <<<"$SEEN")" '"changes":[1-9][0-9]*,.*"warnings":\["the oldest .*", *"this device.s clock'

# ---- the first push of several devices at once, into an empty main
fresh 6
for each in 1 2 3 4; do
  "$LEDGER" init "$work/many$each.db" >/dev/null 2>&1
  "$LEDGER" account open "$work/many$each.db" USD --number="M$each" >/dev/null
  "$LEDGER" deposit "$work/many$each.db" "M$each" 10.00 >/dev/null
done
for each in 1 2 3 4; do
  "$LEDGER" push "$work/many$each.db" "$main" --quiet >"$work/many$each.log" 2>&1 &
  pushes[each]=$!
done
for each in 1 2 3 4; do
  wait "${pushes[each]}"
  is "push $each of four" "$? $(cat "$work/many$each.log")" "0 "
done
is "main has all four" "$(ask "SELECT count(*), sum(balance) FROM accounts WHERE account_number LIKE 'M_'")" "4|40.00"
is "and one of them made it" "$(ask "SELECT count(*) FROM ledger_sync.batch WHERE seq = 0")" 1

# ---- how a table syncs, and usage
file=$work/a.db
main=${databases[0]}
key=$(printf '%064d' 7)
"$LEDGER" init "$work/keyed.db" >/dev/null 2>&1
status "--public-key" 0 push "$work/keyed.db" "$main" --public-key="$key" --quiet
is "is the device's on main" "$(ask "SELECT count(*) FROM ledger_sync.device WHERE public_key = decode('$key', 'hex')")" 1
status "FILE may stand in LEDGER_FILE" 0 env LEDGER_FILE="$work/keyed.db" "$LEDGER" push "$main"
status "a reader that closes the pipe" 1 bash -c "set -o pipefail; '$LEDGER' export '$file' --full 2>'$work/pipe' | head -c 10 >/dev/null"
is "needs no words" "$(cat "$work/pipe")" ""
status "device table" 0 "$LEDGER" device table "$file" contacts --kind=local
status "a kind that is none" 1 "$LEDGER" device table "$file" contacts --kind=lost
status "a table that is none" 1 "$LEDGER" device table "$file" nowhere --kind=local
status "neither kind nor collision" 2 "$LEDGER" device table "$file" contacts
status "push without a DSN" 2 push "$file"
status "--retries" 2 push "$file" "$main" --retries=x
status "two parts" 2 "$LEDGER" export "$file" --full --init
status "--enrol alone" 2 "$LEDGER" export "$file" --enrol
status "--since with a part" 2 "$LEDGER" export "$file" --full --since=1
status "a key that is none" 2 push "$file" "$main" --public-key="$work/5.sql"
status "a connection string that is none" 2 push "$file" hots=1
like "is not tried again" "$PROBLEM" 'as libpq reads them \[08001\]$'
status "nor user:password@host a database's name" 2 push "$file" ada:secret@host
is "and the password is not shown" "$(grep -c secret <<<"$PROBLEM")" 0
status "a database is not overwritten by -o" 2 "$LEDGER" export "$file" --full -o "$file"
"$LEDGER" bundle key "$work/kept.key" >"$work/kept.pub"
status "nor is a key" 2 "$LEDGER" export "$file" --full -o "$work/kept.key"
status "the key is there" 0 "$LEDGER" bundle key "$work/kept.key" --show
status "ack without input" 1 "$LEDGER" ack "$file" </dev/null
status "a file that is not there" 2 push "$work/nowhere.db" "$main"

# ---- what the schema lets change of a fact that is final
fresh edits
file=$work/edits.db
device "$file"
status "a fact goes" 0 push "$file" "$main"
edited=$(ask 'SELECT id FROM public.transactions ORDER BY id LIMIT 1')
printf '{"table":"transactions","op":"update","row":{"description":"the rent"},"where":{"id":"%s"}}\n' "$edited" | "$LEDGER" load "$file" --quiet 2>/dev/null
status "and its description later" 0 push "$file" "$main"
is "main has it" "$(ask "SELECT description FROM public.transactions WHERE id = '$edited'")" "the rent"
same "and all else" "$file"
tap_end
